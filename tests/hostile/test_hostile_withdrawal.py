#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=180
"""
netd in the hands of an attacker while cash goes out: it drops the terminal's
post, keeps back a hold, says what only others may.  The customer's money
stays reserved until the terminal itself says what became of it.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile.hostile_netd import RECORD
from hostile.story import FREE_ID, ORDER_LEAST, Victim, story
from lib import wire
from lib.bank import DECLINED, DONE, UNKNOWN
from lib.scenario import check, equal, run, scenario, wait_until


def program(tale, name, body):
    path = tale.bank.base / name
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return path


def ada_has(tale):
    said = tale.bank.atm("ada", "balance", "--json").json()
    return said["balance_minor"], said["held_minor"]


def restart_terminal(tale):
    """Another customer comes to the same ATM: its next start."""
    return tale.bank.atm("bob", "balance", terminal=tale.lobby,
                         state="kiosk").ends(DONE)


@scenario
def when_a_tills_post_is_dropped_then_the_money_stays_reserved():
    tale = story()
    me, start = tale.attacker, tale.expected["ada"]
    ready, done = tale.bank.base / "ready", tale.bank.base / "done"
    slow = program(tale, "slow", f"touch {ready}\n"
                   f"until [ -e {done} ]; do sleep 0.05; done\n")
    # The customer's hold passes, the terminal's post does not.
    known = {c["id"] for c in me.connections()}
    victim = Victim(tale.bank, "ada", "withdraw", "5.00", "--dispenser", slow,
                    terminal=tale.lobby, state="kiosk")
    wait_until(ready.exists, "the dispenser")
    me.do("hold", types=[RECORD], least=ORDER_LEAST)
    done.touch()

    def held():
        return next((c for c in me.connections()
                     if c["id"] not in known and c["held"]), None)
    till = wait_until(held, "the terminal's post")
    equal(ada_has(tale), (start, 500), "while the post is held back")
    me.do("close", connection=till["id"])
    victim.join().ends(UNKNOWN, "at its next start")
    me.honest()
    equal(ada_has(tale), (start, 500), "after the post was dropped")
    # What is reserved cannot be spent; the rest can.
    tale.bank.atm("ada", "transfer", "bob", f"{start / 100:.2f}").ends(
        DECLINED, "not enough money")
    # The same post from a session that is gone, or never was.
    refused = tale.refused("ledgerd")
    for to in (till["id"], me.id(FREE_ID + 7)):
        me.do("pass", connection=till["id"], index=till["held"][0], to=to)
    tale.settled("ledgerd", refused, 2)
    equal(ada_has(tale), (start, 500), "after the post came from nowhere")
    # The terminal settles at its next start, once.
    said = restart_terminal(tale)
    check("withdrawal of 5.00 EUR is booked" in said.err, said.err)
    equal(ada_has(tale), (start - 500, 0), "after the terminal's start")
    restart_terminal(tale)
    equal(ada_has(tale), (start - 500, 0), "after another start")
    tale.expected["ada"] -= 500
    tale.unharmed()


@scenario
def when_the_answer_to_a_hold_is_spoilt_then_no_cash_comes_and_none_is_lost():
    tale = story()
    me, paid = tale.attacker, tale.bank.base / "paid"
    pays = program(tale, "pays", f"touch {paid}\n")
    known = {c["id"] for c in me.connections()}
    me.do("hold", types=[RECORD], least=ORDER_LEAST)
    victim = Victim(tale.bank, "ada", "withdraw", "5.00", "--dispenser", pays,
                    terminal=tale.lobby, state="kiosk")

    def held():
        return next((c for c in me.connections()
                     if c["id"] not in known and c["held"]), None)
    ada = wait_until(held, "the customer's hold")
    # The bank books it, and what it answers is altered.
    me.do("alter", types=[RECORD])
    me.do("pass", connection=ada["id"], index=ada["held"][0])
    check(victim.join().code not in (0, 1), "the client saw a success")
    me.honest()
    check(not paid.exists(), "cash came out without the bank's word")
    equal(ada_has(tale)[1], 500, "what is reserved")
    said = restart_terminal(tale)
    check("not paid out" in said.err, f"the terminal said {said.err!r}")
    equal(ada_has(tale), (tale.expected["ada"], 0), "ada's money")
    tale.unharmed()


@scenario
def when_netd_asks_for_the_holds_itself_then_it_is_told_nothing():
    tale = story()
    me = tale.attacker
    before = tale.refused("ledgerd")
    me.do("heard")
    me.say("ledgerd", wire.encode("holds_get"), wire.encode("holds"))
    tale.settled("ledgerd", before, 2)
    # the session of the scenario before may be ending still
    equal({name for link, name, _ in me.do("heard") if link == "ledgerd"} -
          {"record_out", "session_close"}, set(), "what ledgerd answered")
    tale.unharmed()


@scenario
def when_all_is_over_then_the_books_verify():
    tale = story()
    tale.bank.stop()
    tale.bank.verify().ends(3)


if __name__ == "__main__":
    run()
