# SPDX-License-Identifier: ISC
"""
The public tree of a bank, worked out from its journal as the pages describe
both, and the files that are there.
"""
import base64
import hashlib
import struct

from lib.scenario import Failure, check, equal

WIDTH = 256
SEGMENT_HEAD, FRAME_HEAD, ENTRY = 128, 104, 1


def sha256(data):
    return hashlib.sha256(data).digest()


def leaves(ledger):
    """The leaves' bytes, from the frames of the segments."""
    found = []
    for path in sorted((ledger / "segment").glob("[0-9]*.log")):
        data, at = path.read_bytes(), SEGMENT_HEAD
        while data[at:at + 4] == b"SRF1":
            (length,) = struct.unpack_from("<I", data, at + 8)
            end = at + FRAME_HEAD + length
            if data[at + 5] == ENTRY:
                sealed = sha256(data[at:at + 100] + data[at + 104:end])
                found.append(b"\1" + data[at + 12:at + 28]
                             + data[at + 32:at + 33] + data[at + 28:at + 32]
                             + sealed + data[at + 68:at + 100])
            at = (end + 7) // 8 * 8
    return found


def root(hashes):
    """Of RFC 6962, section 2.1; hashes are of leaves."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while 2 * half < len(hashes):
        half *= 2
    return sha256(b"\1" + root(hashes[:half]) + root(hashes[half:]))


def name(index):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return "/".join(groups)


def files(data):
    """What a tree of these leaves consists of: name to bytes."""
    made = {}

    def put(level, items):
        for index in range((len(items) + WIDTH - 1) // WIDTH):
            part = items[index * WIDTH:(index + 1) * WIDTH]
            partial = f".p/{len(part)}" if len(part) < WIDTH else ""
            made[f"tile/{level}/{name(index)}{partial}"] = b"".join(part)

    put("entries", [struct.pack(">H", len(leaf)) + leaf for leaf in data])
    level, hashes = 0, [sha256(b"\0" + leaf) for leaf in data]
    while hashes:
        put(level, hashes)
        level, hashes = level + 1, [
            root(hashes[at:at + WIDTH])
            for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
    return made


def checkpoint(ledger):
    """Size and root of what is published."""
    lines = (ledger / "public/checkpoint").read_bytes().split(b"\n")
    return int(lines[1]), base64.b64decode(lines[2])


def expect_readable(ledger):
    """Everybody may read what is public, and nothing else."""
    public = ledger / "public"
    for path in (public, *public.rglob("*")):
        equal(path.stat().st_mode & 0o777, 0o755 if path.is_dir() else 0o644,
              f"the mode of {path}")
    for path in (ledger / "segment").iterdir():
        equal(path.stat().st_mode & 0o077, 0, f"others' rights of {path}")


def expect_whole(ledger):
    """All that the published checkpoint names is there and right, and nothing
    else but smaller partial tiles at the right edge, right, too.  Gives the
    size."""
    size, signed = checkpoint(ledger)
    data = leaves(ledger)[:size]
    equal(len(data), size, "the journal's leaves")
    equal(root([sha256(b"\0" + leaf) for leaf in data]), signed,
          "the published root")
    expected = files(data)
    public = ledger / "public"
    there = {str(path.relative_to(public)): path.read_bytes()
             for path in (public / "tile").rglob("*") if path.is_file()}
    for path, content in expected.items():
        check(path in there, f"{path} is not there, of {size} entries")
        check(there[path] == content, f"{path} is not right")
    for path, content in there.items():
        if path in expected:
            continue
        base, dot, width = path.partition(".p/")
        whole = [other for other in expected if other.startswith(base + ".p/")]
        check(dot and whole, f"{path} should not be there")
        check(expected[whole[0]].startswith(content) and
              len(content) * int(whole[0].split("/")[-1]) ==
              len(expected[whole[0]]) * int(width), f"{path} is not right")
    empty = [path for path in (public / "tile").rglob("*.p")
             if not any(path.iterdir())]
    equal(empty, [], "empty directories")
    return size


def is_whole(ledger):
    """Whether expect_whole() would pass now."""
    try:
        expect_whole(ledger)
        return True
    except Failure:
        return False
