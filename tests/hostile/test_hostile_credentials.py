#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""
netd in the hands of an attacker while customers change passwords and keys and
while sessions re-key: it swaps, repeats, delays, alters and drops the parts.
It may end a session; it must not bring back what was changed, nor leave a
customer with two passwords or none, nor put itself between two re-keys.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile import hostile_netd
from hostile.hostile_netd import M3, M5, RECORD
from hostile.story import Victim, story
from lib import wire
from lib.bank import DONE, UNKNOWN, UNREACHABLE, WRONG_PASSWORD
from lib.scenario import check, equal, run, scenario, wait_until
from lib.session import Session

OLD, NEW, LATER = "the old password", "the new password", "a later password"


def customer(tale, name):
    tale.bank.register(name, OLD)
    tale.bank.deposit(tale.lobby, name, "3.00")
    tale.expected[name] = 300
    return name


def opens(tale, name, password):
    result = tale.bank.atm(name, "balance", password=password)
    if result.code != DONE:
        result.ends(WRONG_PASSWORD, "wrong name or password")
    return result.code == DONE


def held_m3(tale, known):
    """The next connection whose M3 is kept back."""
    return tale.new_connection(known, lambda c: any(
        c["sent"][i][0] == M3 for i in c["held"]))


def let_pass(tale, connection, to=None):
    tale.attacker.do("pass", connection=connection["id"],
                     index=connection["held"][0],
                     to=(to or connection)["id"])


def changing(tale, name, command, *words, password=OLD, m3s=1):
    """
    A command whose M3s are kept back, of which the first m3s are let pass;
    the victim, all connections with an M3, the last still without its own.
    """
    known = tale.attacker.connections()
    tale.attacker.do("hold", types=[M3])
    victim = Victim(tale.bank, name, "--new-password-fd", "0", command,
                    *words, password=password)
    seen = []
    for number in range(m3s + 1):
        connection = held_m3(tale, known)
        known = known + [connection]
        seen.append(connection)
        if number < m3s:
            let_pass(tale, connection)
    return victim, seen


def session_of(tale, name):
    before = tale.attacker.connections()
    session = Session(tale.bank, name)
    connection = tale.new_connection(
        before, lambda c: c["phase"] == "session")
    return session, connection


def last_record(tale, connection):
    """Waits for a record that is kept back; its connection as it is now."""
    return wait_until(lambda: next(
        (c for c in tale.attacker.connections()
         if c["id"] == connection["id"] and c["held"]), None),
        "a record to hold")


@scenario
def when_a_change_comes_after_a_later_one_then_it_does_not_come_back():
    tale = story()
    fay = customer(tale, "fay")
    victim, (_, change) = changing(tale, fay, "passwd",
                                   password=f"{OLD}\n{NEW}")
    tale.attacker.honest()
    tale.attacker.do("abandon", connection=change["id"])
    victim.join().ends(UNKNOWN, "try the new one first")
    tale.bank.atm(fay, "--new-password-fd", "0", "passwd",
                  password=f"{OLD}\n{LATER}").ends(DONE)
    refused = tale.refused("keyd")
    let_pass(tale, change)
    tale.settled("keyd", refused, 1)
    check(not opens(tale, fay, NEW), "the delayed change took effect")
    tale.bank.passwords[fay] = LATER
    tale.unharmed()


@scenario
def when_the_answer_to_a_change_is_altered_then_the_client_finds_out():
    tale = story()
    gus = customer(tale, "gus")
    tale.attacker.do("alter", types=[M5])
    tale.bank.atm(gus, "--new-password-fd", "0", "passwd",
                  password=f"{OLD}\n{NEW}").ends(DONE, "is changed")
    tale.bank.passwords[gus] = NEW
    check(not opens(tale, gus, OLD), "two passwords open the account")
    # half a rekey whose answer is altered is none
    tale.bank.atm(gus, "rekey").ends(UNREACHABLE, "nothing happened")
    tale.unharmed()


@scenario
def when_the_halves_of_a_rekey_are_repeated_or_dropped_then_nothing_changes():
    tale = story()
    hal = customer(tale, "hal")
    victim, (_, first, second) = changing(tale, hal, "rekey", m3s=2)
    tale.attacker.honest()
    refused = tale.refused("keyd")
    # the first half once more, in the place of the second and in its own
    let_pass(tale, first, to=second)
    let_pass(tale, first)
    tale.settled("keyd", refused, 2)
    let_pass(tale, second)
    tale.settled("keyd", refused, 3)
    victim.join().ends(UNKNOWN)
    tale.bank.transfer(hal, "bob", "1.00")
    tale.moved(hal, "bob", 100)
    # and undisturbed it is done
    equal(tale.bank.atm(hal, "rekey", "--json").json()["key_epoch"], 2)
    tale.bank.transfer(hal, "bob", "1.00")
    tale.moved(hal, "bob", 100)
    tale.unharmed()


@scenario
def when_halves_of_two_sessions_rekeys_are_swapped_then_both_end():
    tale = story()
    ada, at_ada = session_of(tale, "ada")
    bob, at_bob = session_of(tale, "bob")
    tale.attacker.do("hold", types=[RECORD])
    ada.write("rekey")
    bob.write("rekey")
    at_ada, at_bob = last_record(tale, at_ada), last_record(tale, at_bob)
    refused = tale.refused("ledgerd")
    let_pass(tale, at_ada, to=at_bob)
    let_pass(tale, at_bob, to=at_ada)
    tale.settled("ledgerd", refused, 2)
    for session in (ada, bob):
        equal(session.fields(session.read())["error"], "SR_SESSION_ENDED")
        session.close()
    tale.unharmed()


@scenario
def when_a_half_is_repeated_then_the_session_ends():
    tale = story()
    ada, at_ada = session_of(tale, "ada")
    tale.attacker.do("hold", types=[RECORD])
    ada.write("rekey")
    at_ada = last_record(tale, at_ada)
    refused = tale.refused("ledgerd")
    let_pass(tale, at_ada)
    tale.attacker.honest()
    equal(ada.fields(ada.read()), {"error": "SR_OK", "epoch": "1"})
    let_pass(tale, at_ada)
    tale.settled("ledgerd", refused, 1)
    equal(ada.balance()["error"], "SR_UNKNOWN_OUTCOME", "the session")
    ada.close()
    tale.unharmed()


@scenario
def when_the_banks_half_is_altered_or_the_clients_own_then_it_is_not_taken():
    tale = story()
    tale.attacker.honest()
    ada, _ = session_of(tale, "ada")
    tale.attacker.do("alter", types=[RECORD])
    equal(ada.ask("rekey")["error"], "SR_SESSION_ENDED", "an altered half")
    tale.attacker.honest()
    ada.close()
    bob, at_bob = session_of(tale, "bob")
    tale.attacker.do("hold", types=[RECORD])
    bob.write("rekey")
    at_bob = last_record(tale, at_bob)
    own = bytes.fromhex(at_bob["sent"][at_bob["held"][0]][1])
    tale.attacker.do("client", connection=at_bob["id"],
                     data=hostile_netd.frame_of(RECORD, own).hex())
    equal(bob.fields(bob.read())["error"], "SR_SESSION_ENDED",
          "its own half")
    bob.close()
    tale.unharmed()


@scenario
def when_netd_says_that_sessions_end_or_rekey_then_it_is_refused():
    tale = story()
    packets = [wire.encode("sessions_end", customer=4),
               wire.encode("rekey", key=bytes(32))]
    for room in ("keyd", "ledgerd"):
        before = tale.refused(room)
        tale.attacker.say(room, *packets)
        tale.settled(room, before, len(packets))
    tale.unharmed()


if __name__ == "__main__":
    run()
