#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""Every sync of a room that belongs to what somebody asked for fails once,
one after the other: each time the bank stops at once, nobody is told that it
was done, and after a start all that was told before is there."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DONE, INTACT, Bank  # noqa: E402
from lib.inject import Inject  # noqa: E402
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402
from lib.session import Session  # noqa: E402

SYNCS_MOST = 40
MOST_OF_SEGMENTS = 500      # orders, in the worst case
bank = card = None
registered = []


@scenario
def given_a_bank_when_rooms_may_be_traced_then_the_tests_begin():
    global bank, card
    if os.geteuid() != 0:
        skip("only root may trace a room, which cannot be dumped")
    bank = Bank.found().shorten_segments(64 << 10).start()
    card = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
        bank.deposit(card, name, "100.00")


def stops(paths):
    """The bank has ended because of that; and is there again."""
    check(bank.ended() != 0, f"exit code 0 without the sync of {paths}")
    bank.start()


def each_sync_fails(act, wanted):
    """act(number) says whether it was told that it was done.  Each sync that
    keyd makes for it fails once; wanted: the files among them."""
    if bank is None:
        skip("only root can look")
    failed = set()
    for number in range(1, SYNCS_MOST):
        with Inject(bank, ("keyd",), "fdatasync", "EIO",
                    number) as failing:
            told = act(number)
        if not failing.paths:
            check(told, "nothing failed, and it was not done")
            break
        check(not told, f"told, without the sync of {failing.paths}")
        stops(failing.paths)
        failed |= {Path(path).name for path in failing.paths}
    equal(sorted(failed), sorted(wanted), "the set of files not synced")


def segments_sync_fails(call, part):
    """ledgerd makes segments and snapshots ready behind its answers: those
    hold, the bank stops all the same."""
    if bank is None:
        skip("only root can look")
    bank.deposit(card, "ada", "10.00")
    with Inject(bank, ("ledgerd",), call, "EIO", 1, part=part) as failing, \
            Session(bank, "ada") as ada:
        payee = ada.find("bob") << 16
        for _ in range(MOST_OF_SEGMENTS):
            if ada.order(credit=payee, amount=1)["error"] != "SR_OK":
                break
    equal(len(failing.paths), 1, f"the number of {part} not synced")
    stops(failing.paths)


def register(number):
    name = f"new-{len(registered)}-{number}"
    bank.passwords[name] = "a password"
    done = bank.atm(name, "register").code == DONE
    if done:
        registered.append(name)
    return done


def enrol(number):
    return bank.ctl(*bank.operators(), "terminal", "add", f"hall-{number}",
                    "--max", "10.00", "--out",
                    bank.base / f"hall-{number}.card").code == DONE


def log_in(_):
    return bank.atm("ada", "balance").code == DONE


@scenario
def given_a_log_in_when_a_sync_of_keyd_fails_then_the_bank_stops():
    each_sync_fails(log_in, ["limits"])


@scenario
def given_a_registration_when_a_sync_of_keyd_fails_then_the_bank_stops():
    each_sync_fails(register,
                    ["limits", "credentials", "state"])


@scenario
def given_an_enrolment_when_a_sync_of_keyd_fails_then_the_bank_stops():
    each_sync_fails(enrol, ["credentials", "limits", "state", "terminals"])


@scenario
def given_the_next_segment_when_its_sync_fails_then_the_bank_stops():
    segments_sync_fails("fdatasync", "ledger/segment/next")


@scenario
def given_the_next_segment_when_its_directorys_sync_fails_then_it_stops():
    segments_sync_fails("fsync", "ledger/segment")


@scenario
def given_a_snapshot_when_its_sync_fails_then_the_bank_stops():
    segments_sync_fails("fdatasync", "ledger/snapshot/")


@scenario
def given_a_snapshot_when_its_directorys_sync_fails_then_the_bank_stops():
    segments_sync_fails("fsync", "ledger/snapshot")


@scenario
def given_all_these_ends_when_counted_then_what_was_told_is_there():
    if bank is None:
        skip("only root can look")
    check(registered, "nobody has registered")
    for name in registered:
        bank.balance(name)
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
