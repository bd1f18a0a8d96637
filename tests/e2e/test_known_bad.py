#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""
keyd's files as they should not be: cut short, emptied, another bank's, of
another time, lost, in somebody else's hands, or no files at all.  Each ends in
a sentence that names the file and says what to do, and the attempt changes
nothing; or it is harmless, and the bank is the same.  Files of a newer program
are in test_newer, those of older ones in test_upgrade.
"""
import hashlib
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (CONFIG, DECLINED, UNREACHABLE,  # noqa: E402
                      Bank)
from lib.fixture import tree_hash  # noqa: E402
from lib.scenario import contains, equal, run, scenario  # noqa: E402

NAMES = ("state", "credentials", "limits", "terminals")
RESTORE = "strongroomctl restore puts"
STRANGER = 12345
bank = other = old = None


def cut_to(length):
    return lambda path: os.truncate(path, length)


def put(directory):
    """The file of the same name that lies there."""
    return lambda path: shutil.copyfile(directory / path.name, path)


def be_link(path):
    target = bank.base / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def be_two(path):
    os.link(path, bank.base / "second-name")


def be_directory(path):
    path.unlink()
    path.mkdir(mode=0o700)


def be_pipe(path):
    path.unlink()
    os.mkfifo(path, 0o600)


def longer(path):
    with open(path, "ab") as file:
        file.write(bytes(5000))


def flip(*places):
    def spoil(path):
        data = bytearray(path.read_bytes())
        for place in places:
            data[place] ^= 1
        path.write_bytes(data)
    return spoil


def look(path):
    """What is there under that name."""
    status = path.lstat() if path.is_symlink() or path.exists() else None
    content = hashlib.sha256(path.read_bytes()).hexdigest() \
        if path.is_file() else None
    return content, status and (status.st_mode, status.st_uid, status.st_size)


def files():
    return ([look(bank.keyd / name) for name in NAMES],
            tree_hash(bank.ledger, bank.directory / "audit"))


class Spoilt:
    """One of the files, until it is whole again."""

    def __init__(self, name, how):
        self.path, self.how = bank.keyd / name, how
        self.kept = bank.base / "kept"

    def __enter__(self):
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(bank.keyd, self.kept)
        self.owner = bank.keyd.stat()
        self.how(self.path)

    def __exit__(self, *_):
        shutil.rmtree(bank.keyd)
        for stray in ("elsewhere", "second-name"):
            (bank.base / stray).unlink(missing_ok=True)
        shutil.copytree(self.kept, bank.keyd)
        os.chown(bank.keyd, self.owner.st_uid, self.owner.st_gid)


def refused(name, how, code, *sentences):
    with Spoilt(name, how):
        before = files()
        said = bank.start_refused()
        equal(said.code, code, f"the exit code; {said.err}")
        for sentence in (name, *sentences):
            contains(said.err, sentence, f"what is said of {name}")
        equal(files(), before, f"what the attempt leaves of {name}")


def harmless(name, how, *sentences):
    with Spoilt(name, how):
        said = bank.launch()
        for sentence in sentences:
            contains(said, sentence, f"what is said of {name}")
        equal(bank.process.poll(), None, f"{name}: {said}")
        equal(bank.balance("ada"), 5000)
        bank.stop()


@scenario
def given_two_banks_and_a_past_then_the_tests_begin():
    global bank, other, old
    bank, other = Bank.found().start(), Bank.found().start()
    card = bank.enrol("lobby")
    for each in (bank, other):
        each.register("ada")
        each.register("bob")
    other.enrol("lobby")
    other.stop()
    bank.deposit(card, "ada", "50.00")
    bank.stop()
    old = bank.base / "old"
    shutil.copytree(bank.keyd, old)
    bank.start()
    bank.atm("bob", "--new-password-fd", "0", "passwd",
             password=f"{bank.passwords['bob']}\nanother one").ends(0)
    bank.stop()


@scenario
def given_a_file_that_is_none_when_it_starts_then_it_is_named():
    for name in NAMES:
        refused(name, be_directory, CONFIG, "is a directory; put the file")
        refused(name, be_link, CONFIG, "symbolic link; put the file itself")
        for how in (be_two, be_pipe):
            refused(name, how, CONFIG, "not a file, or it has a second name")
        refused(name, lambda path: path.unlink(), DECLINED,
                "No such file", RESTORE)


@scenario
def given_a_file_in_other_hands_when_it_starts_then_it_is_named():
    for name in NAMES:
        for mode in (0o644, 0o620, 0o601):
            refused(name, lambda path: path.chmod(mode), CONFIG,
                    "others than its owner may open it", "chmod 600")
        refused(name, lambda path: os.chown(path, STRANGER, STRANGER), CONFIG,
                f"belongs to user {STRANGER}", "chown it to user")


@scenario
def given_sealed_keys_in_other_hands_when_it_starts_then_they_are_named():
    for name in ("root.sealed", "identity.sealed"):
        for mode in (0o644, 0o620, 0o601):
            refused(name, lambda path: path.chmod(mode), CONFIG,
                    "others could read it", "chmod 600")
        refused(name, lambda path: os.chown(path, STRANGER, STRANGER), CONFIG,
                f"belongs to user {STRANGER}", "chown it to user")
    harmless("identity.sealed", lambda path: path.unlink())
    for mode in (0o755, 0o770, 0o701):
        refused("", lambda path: path.chmod(mode), CONFIG,
                "others than its owner may open it", "chmod 700")
    refused("", lambda path: os.chown(path, STRANGER, STRANGER), CONFIG,
            f"/keyd: it belongs to user {STRANGER}", "chown it to user")


@scenario
def given_a_passphrase_file_in_other_hands_when_it_is_used_then_it_is_named():
    path = bank.base / "passphrase"
    user = path.stat().st_uid
    os.chown(path, STRANGER, STRANGER)
    try:
        bank.start_refused().ends(
            CONFIG, f"passphrase-file {path}: it belongs to user {STRANGER}")
    finally:
        os.chown(path, user, user)
    bank.start()
    given = bank.base / "given"
    before = (bank.keyd / "root.sealed").read_bytes()
    for mode, owner, sentence in ((0o640, 0, "chmod 600"),
                                  (0o602, 0, "chmod 600"),
                                  (0o600, STRANGER, "belongs to another")):
        given.write_text("given\n")
        given.chmod(mode)
        os.chown(given, owner, owner)
        bank.ctl("seal", "add", f"passphrase-file:{given}").ends(
            CONFIG, sentence)
        bank.ctl("init", "--dir", bank.base / "new", "--name", "New",
                 "--unit", "EUR:2", "--listen", "127.0.0.1:1", "--unlock",
                 f"passphrase-file:{given}", conf=False).ends(CONFIG, sentence)
        path.chmod(mode)
        os.chown(path, owner, owner)
        bank.ctl("seal", "add", f"credential:{bank.base}/key").ends(
            CONFIG, sentence)
        os.chown(path, user, user)
        path.chmod(0o600)
    equal((bank.keyd / "root.sealed").read_bytes(), before)
    bank.stop()


@scenario
def given_a_state_that_is_not_whole_when_it_starts_then_it_is_named():
    for length in (0, 1, 4095, 4096, 8191):
        refused("state", cut_to(length), UNREACHABLE, "cut short", RESTORE)
    refused("state", put(other.keyd), UNREACHABLE, "another bank's", RESTORE)
    refused("state", flip(100, 4196), UNREACHABLE, "damaged", RESTORE)
    refused("state", put(old), UNREACHABLE,
            "one of the two files is of another time", RESTORE)
    harmless("state", longer)
    harmless("state", flip(100), "one of its two slots is damaged")


@scenario
def given_credentials_that_are_not_whole_when_it_starts_then_they_are_named():
    length = (bank.keyd / "credentials").stat().st_size
    for left in (0, 1, 1000, length - 2048, length - 1000, length - 1):
        refused("credentials", cut_to(left), UNREACHABLE, "cut short",
                "too few for", RESTORE)
    equal((other.keyd / "credentials").stat().st_size, length)
    refused("credentials", put(other.keyd), UNREACHABLE, "does not open",
            "another bank's", RESTORE)
    refused("credentials", flip(4096 + 100, 4096 + 1124), UNREACHABLE,
            "customer 2 of", "does not open", RESTORE)
    refused("credentials", put(old), UNREACHABLE,
            "one of the two files is of another time", RESTORE)
    harmless("credentials", longer)


@scenario
def given_limits_that_are_not_whole_when_it_starts_then_it_is_told():
    for length in (0, 1, 32 * 1000 + 5, 2 * 1024 * 1024 - 1):
        harmless("limits", cut_to(length), "limits: cut short", f"{length}")
    harmless("limits", longer)
    harmless("limits", put(old))


@scenario
def given_terminals_that_are_not_whole_then_the_books_say_who_is_enrolled():
    for how in (longer, lambda path: path.write_bytes(b"x" * 640),
                put(other.keyd)):
        refused("terminals", how, UNREACHABLE, "damaged, or another bank's",
                RESTORE)
    for how in (cut_to(0), cut_to(63)):
        with Spoilt("terminals", how):
            bank.start()
            bank.atm("ada", "balance", terminal=bank.base / "lobby.card").ends(
                0)
            bank.stop()
            # and the log says so, of which keyd may not be behind
            kept = bank.base / "kept"
            shutil.rmtree(kept)
            shutil.copytree(bank.keyd, kept)


if __name__ == "__main__":
    run()
