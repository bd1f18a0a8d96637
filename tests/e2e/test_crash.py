#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""kill -9 falls again and again on a room or on all of them while eight
customers transfer at random among ten accounts.  CRASH_SEED repeats a run,
CRASH_KILLS changes how often it falls."""
import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import INTACT, Bank  # noqa: E402
from lib.scenario import check, equal, run, scenario, wait_until  # noqa: E402
from lib.traffic import Traffic  # noqa: E402

# The whole number once; as an ordinary user the same code once more, shorter.
KILLS = int(os.environ.get("CRASH_KILLS")
            or (15 if os.environ.get("TEST_AS_USER") else 50))
SEED = int(os.environ.get("CRASH_SEED") or random.randrange(2**32))
ACCOUNTS = [f"acct-{number}" for number in range(10)]
PAYERS = ACCOUNTS[:8]
bank = card = traffic = None


def fall(dice):
    """One kill -9, and the bank is up again."""
    target = dice.choice(("keyd", "ledgerd", "netd", "all"))
    traffic.wait_for(each=1)
    traffic.wait_for(total=dice.randrange(60))
    if target == "all":
        bank.kill()
        bank.start()
        return
    old = bank.rooms()["netd"]
    bank.kill_room(target)
    if target == "netd":
        wait_until(lambda: bank.process.poll() is not None
                   or bank.rooms().get("netd", old) != old, "a new netd")
        if bank.process.poll() is None:
            return
    check(bank.ended() != 0, f"exit code 0 without {target}")
    bank.start()


@scenario
def given_eight_payers_when_kills_fall_then_every_payer_goes_on():
    global bank, card, traffic
    print(f"    CRASH_SEED={SEED} CRASH_KILLS={KILLS}", flush=True)
    dice = random.Random(SEED)
    bank = Bank.found(ledgerd_segment_size="256K").start()
    card = bank.enrol("lobby", "10000.00")
    for name in ACCOUNTS:
        bank.register(name)
        bank.deposit(card, name, "100.00")
    traffic = Traffic(bank, ACCOUNTS, PAYERS, SEED % 10000)
    for _ in range(KILLS):
        fall(dice)
    traffic.wait_for(each=1)
    traffic.end()


@scenario
def given_the_kills_when_counted_then_each_acknowledged_order_is_there_once():
    acknowledged = traffic.count([card])
    print(f"    {acknowledged} orders were acknowledged", flush=True)
    check(acknowledged >= 8 * KILLS // 2, "hardly any traffic")


@scenario
def given_the_kills_when_the_bank_starts_once_more_then_the_books_verify():
    before = [bank.balance(name) for name in ACCOUNTS]
    bank.kill()
    bank.start()
    equal([bank.balance(name) for name in ACCOUNTS], before, "the balances")
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
