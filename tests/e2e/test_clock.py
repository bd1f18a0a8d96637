#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=120
"""strongroomctl clock: what the bank makes of the machine's clock.  What it
does when that was moved is in unit/test_ledgerd_admission: no test moves the
clock of the machine that it runs on."""
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DONE, Bank  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402

bank = None


@scenario
def given_a_bank_when_its_clock_is_looked_at_then_it_is_as_expected():
    global bank
    bank = Bank.found().start()
    clock = bank.ctl("clock", "--json").json()
    now_ms = time.time() * 1000
    check(abs(clock["now_ms"] - now_ms) < 60000, f"it is {now_ms}: {clock}")
    check(abs(clock["expected_ms"] - clock["now_ms"]) < 60000, f"{clock}")
    check(clock["last_entry_ms"] <= clock["now_ms"], f"{clock}")
    equal(clock["confirmed"], True, "confirmed")


@scenario
def given_a_bank_when_its_clock_is_looked_at_then_people_can_read_it():
    result = bank.ctl("clock").ends(DONE)
    equal(len(re.findall(r"^(clock|expected|last entry) +"
                         r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$",
                         result.out, re.M)), 3, result.out)
    contains(result.out, "does not stand in their way")


@scenario
def given_a_clock_that_is_right_when_it_is_confirmed_then_nothing_is_logged():
    before = bank.status()
    bank.ctl("clock", "confirm").ends(1, "the clock needs no confirmation")
    equal(bank.status()["tree_size"], before["tree_size"], "the log's size")
    equal((before["open"], before["closed"]), (True, None), "status")


@scenario
def given_a_bank_that_is_stopped_when_its_clock_is_asked_for_then_said():
    bank.stop()
    bank.ctl("clock").ends(69)


if __name__ == "__main__":
    run()
