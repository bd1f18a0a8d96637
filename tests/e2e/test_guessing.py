#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""
Guessing over the network, against a whole bank: who guesses has to wait, and
whoever knows the password, at an enrolled ATM or on a device that has logged in
before, does not.  A stolen terminal's card delays names at that terminal only.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.bank import DONE, WRONG_PASSWORD, Bank
from lib.scenario import check, contains, equal, run, scenario

GUESSES, FREE = 200, 5
LONG_S = 15
WRONG = "wrong name or password"


def guess(name, count, **options):
    """What each of so many guesses was told, by a device that keeps nothing."""
    told = []
    for number in range(count):
        done = bank.atm(name, "balance", password=f"guess {number}",
                        state="mallory", **options)
        done.ends(WRONG_PASSWORD)
        told.append(done.err)
    return told


def waits(said):
    """The seconds that it says are left, or 0."""
    found = re.search(r"try again in (\d+) s", said)
    return int(found.group(1)) if found else 0


def long_wait(name, **options):
    """Guesses until the wait is longer than what is done before it is over."""
    while waits(guess(name, 1, **options)[0]) < LONG_S:
        pass


def refused(kind):
    return bank.status()["keyd_refusals"][kind]


@scenario
def given_200_guesses_from_an_open_terminal_then_atm_and_device_do_not_wait():
    told = guess("ada", GUESSES)
    for said in told[:FREE]:
        contains(said, WRONG)
    equal(waits("".join(told[:FREE])), 0, "a wait of the first ones")
    later = [waits(said) for said in told if waits(said) > 0]
    # one more for each wait that is over meanwhile
    check(GUESSES - FREE - 5 <= len(later) <= GUESSES - FREE, len(later))
    check(later[0] <= 30, later[0])
    check(refused("attempts_open") >= len(later), refused("attempts_open"))
    long_wait("ada")
    # a device that she has never used waits, and is told how long
    new = bank.atm("ada", "balance", state="new").ends(WRONG_PASSWORD)
    check(waits(new.err) > 0, new.err)
    bank.atm("ada", "balance").ends(DONE)
    bank.atm("ada", "balance", terminal=lobby, state="lobby").ends(DONE)
    bank.atm("ada", "balance").ends(DONE)
    # nor does anybody else
    bank.atm("bob", "balance", state="new").ends(DONE)


@scenario
def given_a_stolen_card_that_guesses_then_names_wait_at_that_terminal_only():
    told = guess("bob", 3 * FREE, terminal=lobby)
    contains(told[FREE - 1], WRONG)
    check(waits(told[FREE]) > 0, told[FREE])
    long_wait("bob", terminal=lobby)
    said = bank.atm("bob", "balance", terminal=lobby,
                    state="lobby").ends(WRONG_PASSWORD)
    check(waits(said.err) > 0, said.err)
    check(refused("attempts_terminal") >= FREE, "not counted")
    bank.atm("bob", "balance", terminal=canteen, state="canteen").ends(DONE)
    bank.atm("bob", "balance").ends(DONE)
    bank.atm("bob", "balance", state="another").ends(DONE)


@scenario
def given_a_name_that_is_nobodys_then_it_waits_alike():
    told = guess("nobody", FREE + 1)
    for said in told[:FREE]:
        contains(said, WRONG)
    check(0 < waits(told[FREE]) <= 30, told[FREE])


bank = Bank.found()
try:
    bank.start()
    for customer in ("ada", "bob"):
        bank.register(customer)
        bank.atm(customer, "balance").ends(DONE)
    lobby, canteen = bank.enrol("lobby"), bank.enrol("canteen")
    run()
finally:
    bank.close()
