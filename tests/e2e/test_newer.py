#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
Files that a newer version has written, met by these programs: each file's
version is raised by one in a copy of a bank; whoever reads it refuses, says
so, names the file, and changes nothing on disk.  Only then may a bank be gone
back to older programs by mistake.
"""
import hashlib
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (BAD_DATA, CONFIG, COULD_NOT, DONE,  # noqa: E402
                      TAMPERED, TOP, UNREACHABLE, VERIFY, Bank, free_port, run_program,
                      temporary_directory)
from lib.fixture import Fixture, tree_hash  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402

NEWER = "written by a newer version of strongroom: use that or a newer program"
MAY_KNOW = "a newer version of strongroom may know more"
FRAME, SEGMENT, CERTIFICATE = b"SRF1", b"SRSEGMT1", b"SRCERT01"
SEALED = 2      # the newest version of a sealed file
fixture = None


def another():
    """The fixture's bank once more."""
    old = fixture.bank
    bank = Bank(temporary_directory(), free_port())
    subprocess.run(["cp", "-a", *old.base.iterdir(), bank.base], check=True)
    for path in (bank.conf, bank.id):
        text = path.read_text().replace(str(old.base), str(bank.base))
        path.write_text(text.replace(old.address, bank.address))
    bank.passwords = dict(old.passwords)
    return bank


# ---- Versions, raised by one -----------------------------------------------

def number(offset):
    """A number in a header."""
    def raise_it(data):
        data[offset] += 1
    return raise_it


def after(version, offset):
    """One more than the newest version, whichever the header has."""
    def raise_it(data):
        check(0 < data[offset] <= version, "the version")
        data[offset] = version + 1
    return raise_it


def digit(magic, slot=0):
    """The last digit of a magic at the beginning, or of a slot."""
    def raise_it(data):
        equal(bytes(data[slot:slot + len(magic)]), magic, "the magic")
        data[slot + len(magic) - 1] += 1
    return raise_it


def newest(magic, slot):
    """One more than the newest version, whichever the slot has."""
    def raise_it(data):
        equal(bytes(data[slot:slot + len(magic) - 1]), magic[:-1], "the magic")
        data[slot + len(magic) - 1] = magic[-1] + 1
    return raise_it


def of_last(magic, at):
    def raise_it(data):
        data[data.rindex(magic) + at] += 1
    return raise_it


def newer_tail(data):
    """A frame that no keyd has signed: of an older version it is cut."""
    last = data.rindex(FRAME)
    end = last + (len(data[last:].rstrip(b"\0")) + 7) // 8 * 8
    data[end:end + 200] = data[last:last + 200]
    data[end + 4] += 1


def longer_certificate(data):
    """Behind those that are known: what is after it cannot be known."""
    entry = bytearray(data[-258:])
    entry[0:2] = (300).to_bytes(2, "little")
    entry[2 + 7] += 1
    data += entry + bytes(44)


def line(text):
    def add(data):
        data += text.encode()
    return add


def change(path, raise_it):
    data = bytearray(path.read_bytes())
    raise_it(data)
    path.write_bytes(data)


def segment(bank):
    """The last one in use."""
    return max(path for path in (bank.ledger / "segment").glob("*.log")
               if path.read_bytes()[:8] == SEGMENT)


def spare(bank):
    return bank.ledger / "segment" / (
        f"{int(segment(bank).name[:8]) + 1:08}.log")


def snapshot(bank):
    """The last one, which a start reads."""
    return max((bank.ledger / "snapshot").iterdir())


def begin(data):
    """A header of a newer version in what was made ready."""
    data[:16] = SEGMENT + bytes([2]) + bytes(7)


# What is raised, how, and what the message names.
STARTS = [
    ("keyd/state", newest(b"SRSTATE5", 0), "state"),
    ("keyd/state", newest(b"SRSTATE5", 4096), "state"),
    ("keyd/root.sealed", digit(b"SRSEAL01"), "root.sealed"),
    ("keyd/root.sealed", after(SEALED, 8), "root.sealed"),
    (segment, digit(SEGMENT), "ledger/segment/"),
    (segment, number(8), "ledger/segment/"),
    (segment, of_last(FRAME, 4), "ledger/segment/"),
    (segment, of_last(FRAME, 3), "ledger/segment/"),
    (segment, newer_tail, "ledger/segment/"),
    (spare, begin, "ledger/segment/"),
    (snapshot, digit(b"SRSNAPS1"), "ledger/snapshot/"),
    (snapshot, number(8), "ledger/snapshot/"),
    ("ledger/public/certificates", of_last(CERTIFICATE, 7), "certificates"),
    ("ledger/public/certificates", longer_certificate, "certificates"),
]


def place_of(bank, which):
    return which(bank) if callable(which) else bank.directory / which


def kept(bank):
    """All that a refused start must leave.  keyd writes down that it has
    started before ledgerd looks at its own."""
    return (tree_hash(bank.ledger, bank.directory / "audit"),
            *(hashlib.sha256((bank.keyd / name).read_bytes()).hexdigest()
              for name in ("credentials", "terminals", "root.sealed",
                           "identity.sealed")))


@scenario
def given_a_bank_when_its_files_are_newer_then_it_does_not_start():
    global fixture
    fixture = Fixture(sorted((TOP / "tests/fixtures").glob("v*/"))[-1])
    fixture.unpack()
    for which, raise_it, named in STARTS:
        bank = another()
        path = place_of(bank, which)
        whole = path.read_bytes()
        change(path, raise_it)
        before, state = kept(bank), (bank.keyd / "state").read_bytes()
        said = bank.start_refused()
        contains(said.err, NEWER, f"{path.name}: what is said")
        contains(said.err, named, f"{path.name}: what is said")
        # a sealed key is a matter of the configuration, see strongroomd(8)
        equal(said.code, CONFIG if "sealed" in named else UNREACHABLE,
              f"the exit code for {path.name}")
        equal(kept(bank), before, f"what a newer {path.name} leaves")
        if which == "keyd/state":
            equal((bank.keyd / "state").read_bytes(), state, "keyd's state")
        path.write_bytes(whole)
    # what was refused is whole: with its own version it starts
    bank.start()
    bank.stop()


@scenario
def given_a_newer_identity_when_it_is_to_certify_then_it_is_refused():
    bank = another()
    change(bank.keyd / "identity.sealed", after(SEALED, 8))
    before = kept(bank)
    said = bank.ctl("certify")
    check(said.code != DONE, str(said))
    contains(said.err, NEWER)
    contains(said.err, "identity.sealed")
    equal(kept(bank), before, "the bank's files")


@scenario
def given_newer_files_when_they_are_verified_then_it_could_not():
    for which, raise_it, named, code in (
            ("d/ledger/public/certificates", of_last(CERTIFICATE, 7),
             "certificates", COULD_NOT),
            ("disclosure", digit(b"SRDISCL1"), "disclosure", COULD_NOT),
            ("disclosure", number(8), "disclosure", COULD_NOT)):
        bank = another()
        change(bank.base / which, raise_it)
        before = tree_hash(bank.base)
        said = bank.verify("--keys", bank.base / "disclosure",
                           "--auditor-key", bank.base / "clara.key")
        said.ends(code, NEWER, named)
        equal(tree_hash(bank.base), before, "all files")
    for raise_it in (number(8), digit(SEGMENT), of_last(FRAME, 4)):
        bank = another()
        change(segment(bank), raise_it)
        # its crc is wrong for us: it may as well be damaged
        said = bank.verify()
        check(said.code in (TAMPERED, COULD_NOT), str(said))
        contains(said.err + said.out, "newer version of strongroom")
    change(bank.base / "clara.key",
           lambda data: data.__setitem__(slice(0, 11), b"strongroom2"))
    run_program([VERIFY, "--bank", bank.id, "--keys",
                 bank.base / "disclosure", "--auditor-key",
                 bank.base / "clara.key", bank.ledger]).ends(
        COULD_NOT, "newer version", "clara.key")


@scenario
def given_a_newer_backup_when_it_is_restored_then_it_is_refused():
    bank = another()
    change(bank.base / "backup/00000001/manifest", of_last(b"backup 1", 7))
    before = kept(bank), tree_hash(bank.base / "backup", bank.keyd)
    for words in (["--check"], []):
        bank.ctl("restore", *words, bank.base / "backup").ends(
            BAD_DATA, NEWER, "manifest")
    equal((kept(bank), tree_hash(bank.base / "backup", bank.keyd)), before,
          "bank and backup")
    check(not list(bank.directory.glob("before-restore*")), "it was begun")


@scenario
def given_newer_texts_when_they_are_read_then_they_are_refused():
    bank = another()
    for path, words, code in (
            (bank.conf, None, CONFIG),
            (bank.id, ["balance"], CONFIG),
            (bank.base / "lobby.card", ["balance"], CONFIG)):
        whole = path.read_bytes()
        change(path, line("shape = round\n"))
        if words is None:
            said = bank.start_refused()
        else:
            said = bank.atm("ada", *words, terminal=bank.base / "lobby.card",
                            state="kiosk")
        equal(said.code, code, f"the exit code for {path.name}")
        contains(said.err, MAY_KNOW)
        contains(said.err, path.name)
        path.write_bytes(whole)


@scenario
def given_newer_kept_orders_when_a_client_finds_them_then_it_stops():
    bank = another().start()
    for state, pattern, magic in (
            ("ada", "order-ada-444f*", b"SRKEPT01"),
            ("ada", "bank", b"SRSEEN01"),
            ("kiosk", "till-lobby", b"SRTILL01")):
        path, = bank.state_home(state).rglob(pattern)
        whole = path.read_bytes()
        for raise_it in (digit(magic),
                         lambda data: (digit(magic)(data),
                                       data.extend(bytes(4096)))):
            change(path, raise_it)
            before = path.read_bytes()
            words = {"ada": ["balance"], "kiosk": ["withdraw", "5.00"]}[state]
            user = {"ada": "ada", "kiosk": "bob"}[state]
            said = bank.atm(user, *words, state=state, terminal=(
                bank.base / "lobby.card" if state == "kiosk" else None))
            said.ends(BAD_DATA, NEWER, str(path))
            equal(path.read_bytes(), before, path.name)
            path.write_bytes(whole)
    # and the doubts are still there for who can read them
    said = bank.atm("bob", "balance", terminal=bank.base / "lobby.card",
                    state="kiosk").ends(DONE)
    contains(said.err, "withdrawal of 25.00 EUR is booked")
    bank.atm("ada", "balance", state="ada").ends(DONE)


if __name__ == "__main__":
    run()
