#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
strongroom-verify --receipts: what customers hold against the log that the
bank shows.  Receipts are good whatever became of their signer and of the
bank; a log without them is not.
"""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, COULD_NOT, DONE, INTACT,  # noqa: E402
                      TAMPERED, VERIFY, Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402

bank = old = lobby = held = keys = None
leaves = {}


def pay(payer, payee, amount, *more):
    return bank.atm(payer, "transfer", payee, amount, *more,
                    "--json").json()["leaf"]


def take(user, leaf, name, into=None):
    """The receipt that this customer has of that entry."""
    path = (into or held) / name
    bank.atm(user, "receipt", str(leaf), "-o", path).ends(DONE)
    leaves[name] = leaf
    return path


def directory(name, *paths):
    """A directory with these receipts alone."""
    made = bank.base / name
    made.mkdir()
    for path in paths:
        shutil.copy(path, made)
    return made


def verify(receipts, *words, of=None):
    return (of or bank).verify("--receipts", receipts, *words)


def single(path, pinned=None):
    return run_program([VERIFY, "--bank", pinned or bank.id, "receipt", path])


@scenario
def given_receipts_when_the_log_holds_them_then_it_is_said():
    global bank, old, lobby, held
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    held = bank.base / "held"
    held.mkdir()
    for name in ("ada", "bob", "ida"):
        bank.register(name)
    bank.deposit(lobby, "ada", "100.00")
    bank.deposit(lobby, "ida", "5.00")
    pizza = pay("ada", "bob", "12.50", "--memo", "pizza")
    take("ada", pizza, "pizza-ada")
    take("bob", pizza, "pizza-bob")
    take("ida", pay("ida", "bob", "5.00"), "ida-pays")
    said = verify(held).ends(INTACT, "3 of 3 stand in the log",
                             "it continues their checkpoints")
    check("no older checkpoint" not in said.out, said.out)
    found = json.loads(verify(held, "--json").out)["receipts"]
    equal((found["files"], found["met"], found["bad"]), (3, 3, 0))
    check(leaves["ida-pays"] < found["size"], str(found))
    bank.stop()
    old = bank.copy()
    bank.start()
    for number in range(3):
        take("ada", pay("ada", "bob", f"1.0{number}"), f"late-{number}")
    verify(held).ends(INTACT, "6 of 6 stand in the log")


@scenario
def given_all_keys_when_verified_then_receipts_are_an_anchor():
    key, disclosure = bank.base / "clara.key", bank.base / "disclosure"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
             disclosure).ends(DONE)
    words = ["--keys", disclosure, "--auditor-key", key]
    bank.verify(*words).ends(INTACT, "no older checkpoint")
    verify(held, *words).ends(ANCHORED, "6 of 6 stand in the log")


@scenario
def given_a_ledger_rolled_back_when_verified_then_a_receipt_is_named():
    said = verify(held, of=old).ends(TAMPERED, "rolled back: the receipt late-0",
                                     f"of entry {leaves['late-0']}")
    contains(said.out, "3 of 6 stand in the log")
    early = directory("early", held / "pizza-ada", held / "ida-pays")
    verify(early, of=old).ends(INTACT, "2 of 2")
    # a receipt that was fetched later tells of the later head
    fresh = directory("fresh", take("ada", leaves["pizza-ada"], "again",
                                    into=bank.base))
    verify(fresh, of=old).ends(TAMPERED, "rolled back: the receipt again",
                               f"of entry {leaves['pizza-ada']} under")


@scenario
def given_another_history_when_verified_then_it_is_forked_at_a_place():
    other = old.copy().start()
    with Session(other, "ada") as ada:
        for _ in range(15):
            ada.booked(credit="@bob", amount=2)
    other.stop()
    said = verify(held, of=other).ends(TAMPERED, "forked", "segment/00000000")
    check("late-" in said.out, said.out)
    # the head alone, without the entry, is enough
    verify(bank.base / "fresh", of=other).ends(TAMPERED, "forked",
                                               "the receipt again")


@scenario
def given_altered_receipts_when_verified_then_they_are_named_not_the_log():
    altered = directory("altered", *held.iterdir())
    path = altered / "pizza-bob"
    text = path.read_text()
    at = text.index("index ") + 6
    path.write_text(text[:at] + "7" + text[at + 1:])
    (altered / "late-1").write_text(text[:-9])
    (altered / "zero").write_bytes(b"")
    (altered / "huge").write_bytes(text.encode() + bytes(1 << 20))
    (altered / "a\x1b[2Jb").write_text("no receipt")
    said = verify(altered).ends(TAMPERED, "the receipt pizza-bob",
                                "the receipt late-1: ",
                                "4 of 9 stand in the log", "a?[2Jb")
    check("\x1b" not in said.out + said.err, "a name that a terminal obeys")
    found = json.loads(verify(altered, "--json").out)
    equal((found["exit"], found["receipts"]["bad"],
           [one["file"] for one in found["receipts"]["told"]]),
          (1, 5, ["a?[2Jb", "huge", "late-1", "pizza-bob", "zero"]))
    equal(found["trustworthy"], found["signed"], "what is still trusted")
    stranger = Bank.found()
    verify(held, of=stranger).ends(TAMPERED, "it is a receipt of another bank")


@scenario
def given_what_is_no_file_when_verified_then_it_could_not_and_says_why():
    for name, make, why in (
            ("link", lambda path: path.symlink_to(held / "pizza-ada"),
             "symbolic link"),
            ("pipe", os.mkfifo, "not a regular file"),
            ("more", os.mkdir, "not a regular file")):
        odd = directory(f"odd-{name}", held / "pizza-ada")
        make(odd / name)
        verify(odd).ends(COULD_NOT, f"odd-{name}/{name}: ", why)
    verify(directory("empty")).ends(COULD_NOT, "it holds no receipt")
    verify(bank.base / "none").ends(COULD_NOT, "No such file")
    verify(held / "pizza-ada").ends(COULD_NOT, "Not a directory")
    run_program([VERIFY, "--bank", bank.id, "--receipts", held, "receipt",
                 held / "pizza-ada"]).ends(COULD_NOT)


@scenario
def given_an_erased_customer_when_verified_then_the_receipts_hold():
    bank.atm("ida", "account", "close", "main").ends(DONE)
    bank.atm("ida", "account", "erase", "--yes").ends(DONE)
    single(held / "ida-pays").ends(ANCHORED, "(ida)", "transfer of 5.00 EUR")
    verify(held).ends(INTACT, "6 of 6 stand in the log")
    # whoever was paid asks anew; the key of then is shown, the name is not
    path = take("bob", leaves["ida-pays"], "ida-paid-bob")
    check("ida" not in single(path).ends(ANCHORED).out.replace(str(path), ""),
          "the name")


@scenario
def given_a_restore_with_loss_when_verified_then_what_was_lost_is_said():
    bank.stop()
    subprocess.run(["rm", "-rf", bank.ledger], check=True)
    subprocess.run(["cp", "-a", old.ledger, bank.ledger], check=True)
    bank.ctl("restore", "--accept-loss").ends(DONE)
    bank.start()
    # each by itself is as good as ever
    for name in ("pizza-ada", "late-0"):
        single(held / name).ends(ANCHORED)
    early = bank.base / "early"
    verify(early).ends(INTACT, "2 of 2", "older than the last restore")
    lost = verify(held).ends(TAMPERED, "the receipt late-0: rolled back",
                             "given up by the restore note")
    contains(lost.out, "4 of 7 stand in the log")
    # an entry that is still there, under a head that is given up
    verify(bank.base / "fresh").ends(INTACT, "1 of 1 stand in the log",
                                     "no older checkpoint")
    leaf = pay("ada", "bob", "3.00")
    path = take("ada", leaf, "anew", into=early)
    single(path).ends(ANCHORED, "(ada)")
    again = take("bob", leaves["pizza-bob"], "under-the-new-origin",
                 into=early)
    single(again).ends(ANCHORED, "transfer of 12.50 EUR")
    said = verify(early).ends(INTACT, "4 of 4 stand in the log")
    check("older than the last restore" not in said.out, said.out)


@scenario
def given_the_end_of_the_bank_when_only_its_id_is_left_then_receipts_hold():
    bank.stop()
    pinned = bank.base / "kept.id"
    shutil.copy(bank.id, pinned)
    shutil.rmtree(bank.directory)
    for path in [*held.iterdir(), *(bank.base / "early").iterdir()]:
        single(path, pinned).ends(ANCHORED)


if __name__ == "__main__":
    run()
