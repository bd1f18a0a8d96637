#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""Anchors: the newest signed checkpoint, taken away from the bank's machine."""
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (COULD_NOT, CTL, DECLINED, DONE,  # noqa: E402
                      INTACT, TAMPERED, USAGE, VERIFY, Bank, run_program,
                      traced)
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402
from lib.session import Session  # noqa: E402

bank = old = card = None


def size_of(path):
    return int(path.read_text().splitlines()[1])


def last():
    return bank.directory / "run/last-anchor"


def book(amount=1):
    """One more entry; stopped, so that the head stands in the files."""
    bank.start()
    with Session(bank, "ada") as ada:
        ada.booked(credit="@bob", amount=amount)
    bank.stop()


@scenario
def given_a_running_bank_when_anchored_then_the_file_is_its_signed_head():
    global bank, old, card
    bank = Bank.found().start()
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(card, "ada", "50.00")
    anchor = bank.base / "first.anchor"
    bank.ctl("anchor", "-o", anchor).ends(DONE, "entries, root")
    lines = anchor.read_text().splitlines()
    equal(len(lines), 5, "lines of an anchor")
    check(size_of(anchor) > 4, "an anchor of the founding alone")
    equal(anchor.stat().st_mode & 0o777, 0o644, "the anchor's mode")
    equal(last().read_text(), anchor.read_text(), "run/last-anchor")
    run_program([VERIFY, "--bank", bank.id, "--since", anchor,
                 bank.ledger]).ends(INTACT, "continues the checkpoint")
    bank.stop()
    old = bank.copy()


@scenario
def given_an_anchor_when_it_is_written_then_its_name_is_durable():
    if not shutil.which("strace"):
        skip("strace is not installed")
    kept, calls = bank.base / "kept", bank.base / "calls"
    kept.mkdir()
    run_program(["strace", "-f", "-y", "-o", calls, "-e", "trace=fsync", CTL,
                 "-c", bank.conf, "anchor", "-o", kept / "anchor"],
                env=traced()).ends(DONE)
    for directory in (kept, bank.directory / "run"):
        check(f"<{directory}>" in calls.read_text(), str(directory))


@scenario
def given_the_ledgers_own_checkpoint_when_verified_then_it_is_no_anchor():
    kept, own = bank.base / "first.anchor", bank.ledger / "public/checkpoint"
    link = bank.base / "link"
    link.symlink_to(own)
    for words in (["--since", own], ["--since", link],
                  ["--since", kept, "--since", own],
                  ["--receipts", bank.ledger / "public"],
                  ["--receipts", bank.ledger]):
        bank.verify(*words).ends(COULD_NOT, "is of the ledger itself")
    bank.verify("--since", "/dev/stdin",
                give=own.read_bytes()).ends(INTACT, "continues the")


@scenario
def given_a_later_head_when_anchored_again_then_the_file_is_replaced():
    anchor = bank.base / "first.anchor"
    before = size_of(anchor)
    shutil.copy(anchor, bank.base / "early.anchor")
    book()
    said = bank.ctl("anchor", "--out", anchor, "--json").ends(DONE)
    check("running" not in said.err, said.err)
    said = said.json()
    equal(said["size"], size_of(anchor), "the size that it says")
    check(said["size"] > before, "the anchor is not later")
    printed = bank.ctl("anchor").ends(DONE)
    equal(printed.out, anchor.read_text(), "the anchor that is printed")
    again = anchor.stat().st_mtime_ns
    bank.ctl("anchor", "-o", anchor).ends(DONE)
    equal(anchor.stat().st_mtime_ns, again, "the same anchor written again")


@scenario
def given_an_order_just_answered_when_anchored_then_it_is_covered():
    other = old.copy().start()
    with Session(other, "ada") as ada:
        for number in range(5):
            leaf = ada.booked(credit="@bob", amount=1)["leaf"]
            anchor = other.base / f"{number}.anchor"
            other.ctl("anchor", "-o", anchor).ends(DONE)
            check(size_of(anchor) > leaf, f"entry {leaf}, {size_of(anchor)}")
    other.stop()


@scenario
def given_qr_when_anchored_then_a_code_follows():
    code = bank.ctl("anchor", "--qr", "-o", bank.base / "qr.anchor").ends(DONE)
    lines = code.out.splitlines()
    check(len(lines) > 20 and "\u2588" in code.out, "no code")
    equal(len({len(line) for line in lines}), 1, "widths of its lines")


@scenario
def given_a_ledger_rolled_back_when_anchored_then_none_is_written():
    other = old.copy()
    shutil.copy(last(), other.directory / "run/last-anchor")
    target = other.base / "rolled.anchor"
    other.ctl("anchor", "-o", target).ends(DECLINED, "rolled back")
    check(not target.exists(), "an anchor of a ledger that was rolled back")
    # nor in the place of a later one, when the notebook is lost
    (other.directory / "run/last-anchor").unlink()
    shutil.copy(last(), target)
    other.ctl("anchor", "-o", target).ends(DECLINED, "rolled back")
    equal(target.read_text(), last().read_text(), "the later anchor")


@scenario
def given_another_history_when_anchored_then_it_is_called_forked():
    other = old.copy().start()
    with Session(other, "ada") as ada:
        for _ in range(3):
            ada.booked(credit="@bob", amount=2)
    other.stop()
    shutil.copy(last(), other.directory / "run/last-anchor")
    other.ctl("anchor", "-o", other.base / "x").ends(DECLINED, "forked")
    check(not (other.base / "x").exists(), "an anchor of a fork")


@scenario
def given_another_banks_anchor_or_no_anchor_there_then_it_stays():
    stranger = Bank.found().start()
    stranger.stop()
    theirs = bank.base / "theirs.anchor"
    stranger.ctl("anchor", "-o", theirs).ends(DONE)
    kept = theirs.read_text()
    bank.ctl("anchor", "-o", theirs).ends(DECLINED, "another log")
    equal(theirs.read_text(), kept, "another bank's anchor")
    notes = bank.base / "notes"
    notes.write_text("mine\n")
    bank.ctl("anchor", "-o", notes)
    equal(notes.read_text(), "mine\n", "what is no anchor")


@scenario
def given_a_changed_journal_when_anchored_then_none_is_written():
    other = bank.copy()
    path = other.ledger / "segment/00000000.log"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    other.ctl("anchor", "-o", other.base / "x").ends(
        DECLINED, "no anchor was written")
    check(not (other.base / "x").exists(), "an anchor of a damaged log")


@scenario
def given_a_restore_with_loss_when_anchored_then_the_old_one_is_given_up():
    other = old.copy()
    backup = other.base / "backup"
    other.start()
    other.ctl("backup", backup).ends(DONE)
    with Session(other, "ada") as ada:
        ada.booked(credit="@bob", amount=3)
    anchor = other.base / "lost.anchor"
    other.ctl("anchor", "-o", anchor).ends(DONE)
    other.stop()
    other.ctl("restore", "--accept-loss", backup).ends(DONE)
    lost = anchor.read_text()
    other.ctl("anchor", "-o", anchor).ends(USAGE, "keep that one")
    equal(anchor.read_text(), lost, "the evidence of what was lost")
    other.ctl("anchor", "-o", other.base / "new.anchor").ends(
        DONE, "has given up")
    run_program([VERIFY, "--bank", other.id, "--since", anchor,
                 other.ledger]).ends(TAMPERED, "given up")


@scenario
def given_a_later_anchor_when_an_older_backup_is_restored_then_refused():
    """Ledger and keys are lost, the notebook is not."""
    other = old.copy().start()
    store, early = other.base / "store", other.base / "early.anchor"
    other.ctl("backup", store).ends(DONE)
    other.ctl("anchor", "-o", early).ends(DONE)
    with Session(other, "ada") as ada:
        ada.booked(credit="@bob", amount=3)
    other.ctl("anchor", "-o", other.base / "late.anchor").ends(DONE)
    other.stop()
    shutil.rmtree(other.ledger)
    shutil.rmtree(other.keyd)
    other.ctl("restore", "--anchor", early, store).ends(
        DECLINED, "the last anchor that was written here", "--accept-loss")
    check(not other.ledger.exists(), "something was restored")
    other.ctl("restore", "--accept-loss", store).ends(DONE)


if __name__ == "__main__":
    run()
