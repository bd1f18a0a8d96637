#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300
"""
netd in the hands of an attacker: it holds the real sockets and says to keyd
and ledgerd whatever it wants.  It may refuse service; it must not be able to
forge, replay, redirect or confuse anything.  After each attack the balances
are what they were, keyd and ledgerd are the same processes, and what they
were told wrongly has been counted.
"""
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile import hostile_netd
from hostile.hostile_netd import M1, M2, M3, M4, RECORD
from hostile.story import (
    FREE_ID, ORDER_LEAST, Victim, a_session, held_order, story)
from lib import wire
from lib.bank import DONE
from lib.scenario import check, equal, run, scenario, wait_until

@scenario
def given_a_hostile_netd_when_it_relays_honestly_then_the_bank_works():
    tale = story()
    tale.bank.transfer("ada", "bob", "1.00")
    tale.moved("ada", "bob", 100)
    tale.unharmed()


@scenario
def when_two_sessions_orders_are_swapped_then_neither_is_booked():
    tale = story()
    one, ada = held_order(tale, "ada", "bob", "2.00", "SWAP1")
    two, bob = held_order(tale, "bob", "ada", "3.00", "SWAP2")
    before = tale.refused("ledgerd")
    tale.attacker.do("pass", connection=ada["id"], index=ada["held"][0],
                     to=bob["id"])
    tale.attacker.do("pass", connection=bob["id"], index=bob["held"][0],
                     to=ada["id"])
    for victim in (one, two):
        check(victim.join().code not in (0, 1), "the client saw a success")
    tale.settled("ledgerd", before, 2)
    tale.unharmed()
    # What is in doubt is resolved by running it again: booked once.
    tale.bank.transfer("ada", "bob", "2.00", "--id", "SWAP1")
    tale.bank.transfer("bob", "ada", "3.00", "--id", "SWAP2")
    tale.moved("ada", "bob", 200 - 300)
    tale.unharmed()


@scenario
def when_an_order_is_passed_on_twice_then_it_is_booked_once():
    tale = story()
    victim, ada = held_order(tale, "ada", "bob", "1.00", "TWICE")
    for _ in range(2):
        tale.attacker.do("pass", connection=ada["id"], index=ada["held"][0])
    tale.attacker.honest()
    victim.join()
    # Whatever the client saw: with the same --id it is one order.
    tale.bank.transfer("ada", "bob", "1.00", "--id", "TWICE")
    tale.moved("ada", "bob", 100)
    tale.unharmed()


@scenario
def when_an_order_comes_after_the_client_was_told_it_is_not_booked_then_it_is_not():
    tale = story()
    before = tale.attacker.connections()
    tale.attacker.do("hold", types=[RECORD], least=ORDER_LEAST)
    victim = Victim(tale.bank, "ada", "transfer", "bob", "2.50")
    ada = tale.new_connection(before, lambda c: c["held"])
    tale.attacker.do("abandon", connection=ada["id"])
    check(victim.join().code not in (0, 1), "the client saw a success")
    tale.attacker.honest()
    # The next log-in tells what became of it, and ada would pay again ...
    said = tale.bank.atm("ada", "balance")
    said.ends(DONE, "it was not booked")
    # ... so the first one must not come after all.
    refused = tale.refused("ledgerd")
    tale.attacker.do("pass", connection=ada["id"], index=ada["held"][0])
    tale.settled("ledgerd", refused, 1)
    tale.unharmed()


@scenario
def when_an_older_record_takes_the_place_of_an_order_then_the_session_ends():
    tale = story()
    victim, ada = held_order(tale, "ada", "bob", "4.00", "OLDER")
    older = [i for i, (kind, _) in enumerate(ada["sent"])
             if kind == RECORD and i not in ada["held"]]
    check(older, "the client asked nothing before its order")
    tale.attacker.do("pass", connection=ada["id"], index=older[0])
    tale.attacker.do("pass", connection=ada["id"], index=ada["held"][0])
    check(victim.join().code not in (0, 1), "the client saw a success")
    tale.unharmed()


@scenario
def when_records_of_an_ended_session_come_again_then_nothing_happens():
    tale = story()
    old = a_session(tale)
    victim, ada = held_order(tale, "ada", "bob", "1.50", "ENDED")
    records = [i for i, (kind, _) in enumerate(old["sent"])
               if kind == RECORD]
    before = tale.refused("ledgerd")
    for index in records:
        for to in (old["id"], tale.attacker.id(FREE_ID)):
            tale.attacker.do("pass", connection=old["id"], index=index, to=to)
    tale.settled("ledgerd", before, 1)
    tale.attacker.do("pass", connection=ada["id"], index=ada["held"][0])
    victim.join().ends(DONE)
    tale.moved("ada", "bob", 150)
    tale.unharmed()


@scenario
def when_a_generation_or_id_is_wrong_then_the_true_session_is_untouched():
    tale = story()
    me = tale.attacker
    victim, ada = held_order(tale, "ada", "bob", "1.25", "GENERATION")
    body = bytes.fromhex(ada["sent"][ada["held"][0]][1])
    packets = []
    for generation in (0, me.generation - 1, me.generation + 1, 0xffffffff):
        for name in ("record_in", "session_gone"):
            fields = {"body": body} if name == "record_in" else {}
            packets.append(wire.encode(
                name, generation=generation & 0xffffffff,
                connection=ada["id"], **fields))
    for number in (0, 1, ada["id"] & 0xffffffff, ada["id"] + (1 << 32),
                   ada["id"] ^ 1 << 63, (1 << 64) - 1, me.id(FREE_ID)):
        packets.append(wire.encode("record_in", generation=me.generation,
                                   connection=number, body=body))
    before = tale.refused("ledgerd")
    me.say("ledgerd", *packets)
    tale.settled("ledgerd", before, 4)
    me.do("pass", connection=ada["id"], index=ada["held"][0])
    victim.join().ends(DONE)
    tale.moved("ada", "bob", 125)
    tale.unharmed()


@scenario
def when_handshakes_are_replayed_or_mixed_then_keyd_refuses_each():
    tale = story()
    me = tale.attacker
    old = a_session(tale)
    m1, m3 = (bytes.fromhex(next(body for kind, body in old["sent"]
                                 if kind == wanted)) for wanted in (M1, M3))
    me.do("heard")
    heard = []

    def refusals():
        heard.extend(me.do("heard"))
        return {number for link, name, number in heard
                if link == "keyd" and name == "handshake_refused"}

    def replay(name, low, body):
        return wire.encode(name, generation=me.generation, body=body,
                           connection=me.id(FREE_ID + low))
    me.say("keyd", replay("handshake_1", 1, m1))
    wait_until(lambda: me.id(FREE_ID + 1) in refusals(),
               "a refusal of the replayed M1")
    me.say("keyd", replay("handshake_3", 1, m3), replay("handshake_3", 2, m3),
           replay("handshake_1", 2, m1), replay("handshake_3", 2, m3),
           wire.encode("handshake_3", generation=me.generation,
                       connection=old["id"], body=m3))
    wait_until(lambda: me.id(FREE_ID + 2) in refusals(),
               "a refusal of the replayed M1 and M3")

    # An M3 of another handshake, in the middle of bob's.
    before = me.connections()
    me.do("hold", types=[M3])
    victim = Victim(tale.bank, "bob", "balance", "--json")
    bob = tale.new_connection(before, lambda c: c["held"])
    me.do("pass", connection=old["id"], index=[
        i for i, (kind, _) in enumerate(old["sent"]) if kind == M3][0],
        to=bob["id"])
    result = victim.join()
    check(result.code != DONE and "balance_minor" not in result.out,
          "bob was logged in with another's M3")
    wait_until(lambda: bob["id"] in refusals(), "a refusal of the strange M3")
    check(not any(name in ("handshake_2", "handshake_accepted")
                  and number in (me.id(FREE_ID + 1), me.id(FREE_ID + 2))
                  for _, name, number in heard), "a replay was answered")
    tale.unharmed()


@scenario
def when_netd_says_what_only_other_rooms_may_then_it_is_refused_and_counted():
    tale = story()
    me = tale.attacker
    customer = 1
    for room in ("keyd", "ledgerd"):
        own = {m.number for m in wire.between("netd", room)}
        packets = []
        for message in wire.MESSAGES:
            if message.number in own:
                continue
            wanted = {"generation": me.generation, "customer": customer,
                      "connection": me.id(FREE_ID + 3), "name": b"ada"}
            fields = {f.name: wanted[f.name] for f in message.fields
                      if f.name in wanted and not (
                          f.kind == "data" and f.size < 3)}
            packets.append(wire.encode(message.name, **fields))
        before = tale.refused(room)
        me.do("heard")
        me.say(room, *packets)
        tale.settled(room, before, len(packets))
        equal([h for h in me.do("heard") if h[2] == me.id(FREE_ID + 3)], [],
              f"what {room} answered")
    tale.unharmed()


@scenario
def when_messages_are_malformed_then_each_is_refused_and_counted():
    tale = story()
    me = tale.attacker
    chance = random.Random(1)
    for room, name, most in (("keyd", "handshake_1", 512),
                             ("ledgerd", "record_in", 16656)):
        good = wire.encode(name, generation=me.generation,
                           connection=me.id(FREE_ID + 4), body=bytes(272))
        number, body = good[2], good[4:]
        wrong = [
            good[:1], good[:3], good[:4], good[:-1], good + b"\0",
            wire.header(number, len(body), zero=1) + body,
            wire.header(number, len(body) + 1) + body,
            wire.header(number, 65535) + body,
            wire.header(number, 0) + body,
            wire.raw(number), wire.raw(0), wire.raw(255),
            # The inner length: beyond the body, above the maximum, short.
            wire.raw(number, body[:12] + b"\xff\xff" + body[14:]),
            wire.raw(number, body[:12] + (273).to_bytes(2, "little")
                     + body[14:]),
            wire.raw(number, body[:12] + (271).to_bytes(2, "little")
                     + body[14:]),
            wire.raw(number, body[:12] + (most + 1).to_bytes(2, "little")
                     + bytes(most + 1)),
            bytes(wire.PACKET_MAX), bytes(wire.PACKET_MAX + 100),
            chance.randbytes(wire.PACKET_MAX),
        ]
        before = tale.refused(room)
        me.say(room, *wrong)
        tale.settled(room, before, len(wrong) - 1)
    tale.unharmed()


@scenario
def when_every_type_comes_with_random_bodies_then_the_rooms_stand():
    tale = story()
    me = tale.attacker
    chance = random.Random(2)
    for room in ("keyd", "ledgerd"):
        own = {m.number for m in wire.between("netd", room)}
        packets = []
        for number in range(256):
            for length in (0, 1, 4, 12, 13, 14, 100, 700, 17000):
                body = chance.randbytes(length)
                if chance.random() < 0.5:
                    body = (me.generation.to_bytes(4, "little")
                            + me.id(FREE_ID + 5).to_bytes(8, "little")
                            + body)[:length]
                packets.append(wire.raw(number, body))
        chance.shuffle(packets)
        before = tale.refused(room)
        me.say(room, *packets)
        tale.settled(room, before, (256 - len(own)) * 9)
    tale.unharmed()


@scenario
def when_strongroomd_is_told_nonsense_then_it_stands():
    tale = story()
    me = tale.attacker
    chance = random.Random(4)
    packets = [wire.encode(message.name) for message in wire.MESSAGES]
    packets += [wire.encode("control_answer", request=request,
                            packet=wire.encode("keyd_status", founded=1))
                for request in (0, 1, 2, 0xffffffff)]
    packets += [wire.encode("generation_done", generation=generation)
                for generation in (0, me.generation, me.generation + 1)]
    packets += [wire.raw(number, chance.randbytes(length))
                for number in range(256) for length in (0, 4, 6, 300)]
    packets += [bytes(wire.PACKET_MAX), chance.randbytes(wire.PACKET_MAX),
                b"\1"]
    me.say("monitor", *packets)
    equal(tale.bank.ask("keyd", "keyd_status_get")[0], "keyd_status",
          "keyd's answer")
    equal(tale.bank.process.poll(), None, "strongroomd's end")
    equal(me.do("about")["generation"], me.generation, "netd's generation")
    tale.unharmed()


@scenario
def when_netd_ends_its_line_to_strongroomd_then_it_is_replaced():
    tale = story()
    old = tale.attacker.generation
    tale.attacker.line.write(json.dumps(
        {"do": "send", "link": "monitor", "packets": [""]}) + "\n")
    tale.attacker.line.flush()
    tale.attacker.meet()
    equal(tale.attacker.generation, old + 1, "the generation")
    tale.unharmed()


@scenario
def when_the_rooms_are_flooded_then_they_stand_and_serve_afterwards():
    tale = story()
    me = tale.attacker
    chance = random.Random(3)
    handshakes = [wire.encode(
        "handshake_1", generation=me.generation,
        connection=me.id(FREE_ID + 100 + i),
        body=bytes(8) + chance.randbytes(304)) for i in range(3000)]
    me.say("keyd", *handshakes)
    me.say("keyd", *(wire.encode(
        "handshake_gone", generation=me.generation,
        connection=me.id(FREE_ID + 100 + i)) for i in range(3000)))
    me.say("ledgerd", wire.encode(
        "record_in", generation=me.generation,
        connection=me.id(FREE_ID + 6), body=bytes(16656)), times=3000)
    me.say("ledgerd", wire.encode(
        "session_gone", generation=me.generation,
        connection=me.id(FREE_ID + 6)) * 3000, times=5)
    tale.unharmed()


@scenario
def when_answers_are_altered_then_the_client_believes_nothing():
    tale = story()
    for kind in (M2, M4, RECORD):
        tale.attacker.do("alter", types=[kind])
        result = tale.bank.atm("ada", "balance", "--json")
        check(result.code not in (0, 1), f"frame {kind}: {result}")
        check("balance_minor" not in result.out, f"frame {kind}: {result}")
        tale.attacker.honest()
    tale.unharmed()


@scenario
def when_answers_of_another_session_are_given_then_the_client_believes_nothing():
    tale = story()
    me = tale.attacker
    old = a_session(tale)
    answer = [bytes.fromhex(body) for kind, body in old["got"]
              if kind == RECORD][0]
    before = me.connections()
    me.do("hold", types=[RECORD])
    victim = Victim(tale.bank, "eve", "balance", "--json")
    eve = tale.new_connection(before, lambda c: c["held"])
    me.do("client", connection=eve["id"],
          data=hostile_netd.frame_of(RECORD, answer).hex())
    result = victim.join()
    check(result.code not in (0, 1) and "balance_minor" not in result.out,
          f"an old answer was believed: {result}")
    tale.unharmed()


@scenario
def when_netd_dies_then_the_next_one_gets_nothing_of_the_old_ones_sessions():
    tale = story()
    me = tale.attacker
    victim, ada = held_order(tale, "ada", "bob", "5.00", "DEATH")
    old = me.generation
    me.line.write(json.dumps({"do": "die"}) + "\n")
    me.line.flush()
    me.meet()
    check(me.generation > old, "the generation did not grow")
    victim.join()
    body = bytes.fromhex(ada["sent"][ada["held"][0]][1])
    before = tale.refused("ledgerd")
    me.say("ledgerd", *(wire.encode(
        "record_in", generation=generation, connection=ada["id"], body=body)
        for generation in (old, me.generation)))
    tale.settled("ledgerd", before, 1)
    tale.unharmed()


@scenario
def when_a_packet_is_empty_then_keyd_and_ledgerd_go_on():
    tale = story()
    for room in ("keyd", "ledgerd"):
        before = tale.refused(room)
        tale.attacker.say(room, b"")
        tale.settled(room, before, 1)
    tale.unharmed()


@scenario
def when_all_is_over_then_the_books_verify():
    tale = story()
    tale.unharmed()
    tale.bank.stop()
    tale.bank.verify().ends(3)


if __name__ == "__main__":
    run()
