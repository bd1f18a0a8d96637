# SPDX-License-Identifier: ISC
"""
The memory of a running process as root reads it: every mapping, by
process_vm_readv(2) and through /proc/PID/mem.

    memory = Memory(pid)
    memory.find({"root": root})     {"root": [mapping, ...]}, {} for nothing
    memory.unreadable               mappings that gave nothing

Of a secret any 16 bytes at a multiple of 16 of it count as found, so that a
half that was overwritten does not hide the other.
"""
import ctypes
import os
import re

from lib.scenario import check, equal

PIECE = 16
PAGE = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True)


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Mapping:
    """One mapping; `flags` are smaps' two-letter words."""

    def __init__(self, line):
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)",
                         line)
        self.start, self.end = (int(found.group(i), 16) for i in (1, 2))
        self.access, self.name = found.group(3), found.group(4)
        self.flags = set()

    def __str__(self):
        return (f"{self.start:x}-{self.end:x} {self.access}"
                f" {self.name or 'anonymous'}")

    def secret_page(self):
        """Locked, in no core and in no child: memory of common/secret.h
        where the kernel has no memfd_secret."""
        return {"lo", "dd", "dc"} <= self.flags


def mappings(pid):
    found = []
    with open(f"/proc/{pid}/smaps", encoding="ascii") as smaps:
        for line in smaps:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                found.append(Mapping(line))
            elif line.startswith("VmFlags:"):
                found[-1].flags = set(line.split()[1:])
    return found


def read_by_call(pid, start, size):
    """process_vm_readv; None when it is refused."""
    data = ctypes.create_string_buffer(size)
    here = Vector(ctypes.addressof(data), size)
    there = Vector(start, size)
    got = _libc.process_vm_readv(pid, ctypes.byref(here), 1,
                                 ctypes.byref(there), 1, 0)
    return data.raw[:got] if got > 0 else None


def read_by_file(file, start, size):
    """/proc/PID/mem; None when it is refused."""
    try:
        return os.pread(file, size, start) or None
    except OSError:
        return None


def read_pages(read, start, end):
    """What can be read of a mapping; pages that cannot are left out."""
    out, at = bytearray(), start
    while at < end:
        data = read(at, end - at) or read(at, PAGE)
        out += data or b""
        at += len(data) if data else PAGE
    return bytes(out)


def without_zeros(data):
    """Pages of zeros take the search's time and hold nothing."""
    zeros = bytes(PAGE)
    pages = [data[at:at + PAGE] for at in range(0, len(data), PAGE)]
    return b"".join(page for page in pages if page != zeros)


class Memory:
    """Both ways must see the same mappings; what each saw is searched."""

    def __init__(self, pid):
        self.seen, self.unreadable = [], []
        file = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        try:
            for mapping in mappings(pid):
                if mapping.name in ("[vvar]", "[vsyscall]",
                                    "[vvar_vclock]"):
                    continue        # the kernel's own, the same for all
                for way, read in (
                        ("call", lambda at, size: read_by_call(
                            pid, at, size)),
                        ("file", lambda at, size: read_by_file(
                            file, at, size))):
                    data = read_pages(read, mapping.start, mapping.end)
                    if data:
                        self.seen.append((mapping, way, without_zeros(data)))
                    else:
                        self.unreadable.append((mapping, way))
        finally:
            os.close(file)
        check(self.seen, f"nothing of process {pid} can be read")
        # both ways mostly see the same
        self.different = list({(id(mapping), data): (mapping, data)
                               for mapping, _, data in self.seen}.values())
        for way in ("call", "file"):
            check(any(seen == way and mapping.name == "[stack]"
                      for mapping, seen, _ in self.seen),
                  f"the stack cannot be read by {way}")

    def find(self, secrets):
        found = {}
        for name, secret in secrets.items():
            check(len(secret) >= 4, f"{name} is too short to be searched")
            pieces = {secret[i:i + PIECE]
                      for i in range(0, len(secret) - PIECE + 1, PIECE)
                      } or {secret}
            for mapping, data in self.different:
                if any(piece in data for piece in pieces) and \
                        mapping not in found.get(name, []):
                    found.setdefault(name, []).append(mapping)
        return found

    def has_none(self, secrets, whose, allowed=lambda mapping: False):
        """Fails with the names and places of those that are found."""
        bad = [f"{name} in {', '.join(map(str, places))}"
               for name, places in self.find(secrets).items()
               for places in [[m for m in places if not allowed(m)]]
               if places]
        equal(bad, [], f"what is found in the memory of {whose}")
