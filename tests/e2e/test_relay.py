#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""Somebody on the network between the ATM and the bank, who records, alters,
replays, reorders, cuts, splits and joins."""
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DONE, UNKNOWN, WRONG_KEY, Bank  # noqa: E402
from lib.relay import (HELLO, M1, M2, M3, M4, M5, RECORD, TO_BANK,  # noqa: E402
                       TO_CLIENT, Relay)
from lib.scenario import check, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402

bank = card = None
AMOUNT, MEMO = 1234567, "a-memo-that-nobody-reads"
PAYERS = [f"relayed-{number}" for number in range(6)]
# Orders to the bank of a one-shot transfer, after the log-in: who bears the
# name, the order, the goodbye.
FIND, ORDER, GOODBYE = 0, 1, 2


@scenario
def given_a_bank_when_its_customers_are_registered_then_the_relay_may_come():
    global bank, card
    bank = Bank.found().start()
    card = bank.enrol("lobby", "100000.00")
    bank.register("marguerite.d", "swordfish under the bridge")
    bank.register("bob")
    for name in PAYERS:
        bank.register(name)
    bank.deposit(card, "marguerite.d", "50000.00")


@scenario
def given_a_recording_relay_when_a_day_goes_through_then_it_learns_nothing():
    with Relay(bank.port) as relay:
        to = {"server": relay.address}
        bank.register("anaximander", "the password of anaximander", **to)
        bank.deposit(card, "anaximander", "23456.78", **to)
        bank.transfer("marguerite.d", "anaximander", "12345,67", "--memo",
                      MEMO, "--id", "a-reference", **to)
        equal(bank.balance("anaximander", **to), 2345678 + AMOUNT)
        bank.statement("marguerite.d", **to)
        bank.atm("marguerite.d", "balance", password="a wrong password",
                 state="stranger", **to)
        seen = bytes(relay.seen)
        types = {frame.type for frame in relay.frames}
    equal(types, {HELLO, M1, M2, M3, M4, M5, RECORD}, "the types of frames")
    secrets = [text.encode() for text in (
        "marguerite.d", "anaximander", "lobby", "swordfish",
        "the password of", "a wrong password", MEMO, "a-reference",
        "12345.67", "12345,67", "1234567", "23456.78", "2345678")]
    secrets += [value.to_bytes(size, order)
                for value in (AMOUNT, 2345678, AMOUNT + 2345678)
                for size in (4, 8) for order in ("little", "big")]
    for line in card.read_text().splitlines():
        key, _, value = line.partition(" = ")
        if key == "password":
            secrets.append(value.encode())
        elif key == "psk":
            secrets.append(bytes.fromhex(value))
    for secret in secrets:
        check(secret not in seen and secret.hex().encode() not in seen,
              f"the relay saw {secret!r}")
    # What it is allowed to see it does see: this test can fail.
    identity = bytes.fromhex(next(
        line.split(" = ")[1] for line in bank.id.read_text().splitlines()
        if line.startswith("bank-id")))
    check(identity in seen, "the certificate's bank id is in the clear")


def pay(payer, change=None, amount="0.01", **options):
    """A transfer to bob through a relay of its own; result and frames."""
    with Relay(bank.port, change) as relay:
        result = bank.atm(payer, "transfer", "bob", amount,
                          server=relay.address, **options)
        return result, relay.frames


def alter(type_, way, number, position):
    """Changes one bit of the number-th frame of that type and way."""
    seen = [0]

    def change(frame):
        if (frame.type, frame.way) != (type_, way):
            return [frame.data]
        seen[0] += 1
        if seen[0] - 1 != number:
            return [frame.data]
        at = position if position >= 0 else len(frame.data) + position
        return [frame.altered(at, at % 8)]
    return change


def all_refused(cases):
    """Runs (payer, change, name) side by side: most wait for a deadline."""
    def attempt(case):
        payer, change, _ = case
        return pay(payer, change, state=f"{payer} {id(case)}")[0]

    with ThreadPoolExecutor(12) as pool:
        for case, result in zip(cases, pool.map(attempt, cases)):
            check(result.code != DONE, f"{case[2]}: {result}")


@scenario
def given_an_altered_greeting_or_log_in_when_it_arrives_then_it_is_refused():
    before = bank.balance("bob"), bank.balance("marguerite.d")
    cases = []
    greeting = [0, 1, 2, 3, 4, 12, 20, 36, 40, 60, 67, 68, 72, 80, 120, 130,
                160, 200, 240, 260, -1]
    for position in greeting:
        cases.append(("marguerite.d", alter(HELLO, TO_CLIENT, 0, position),
                      f"HELLO byte {position}"))
    for position in (0, 1, 2, 3, 4, 7, 8, 11, 12, 43, 44, 45, 100, 299, -17,
                     -16, -1):
        cases.append(("marguerite.d", alter(M1, TO_BANK, 0, position),
                      f"M1 byte {position}"))
    # These are charged as attempts of that name: a few for each name.
    charged = [(M2, TO_CLIENT, position) for position in
               (0, 2, 3, 4, 35, 36, 42, 200, 300, -17, -16, -1)]
    charged += [(M3, TO_BANK, position) for position in
                (0, 2, 3, 4, 68, 200, 300, 400, -17, -16, -1)]
    for index, (type_, way, position) in enumerate(charged):
        cases.append((PAYERS[index % len(PAYERS)],
                      alter(type_, way, 0, position),
                      f"frame type {type_} byte {position}"))
    all_refused(cases)
    equal((bank.balance("bob"), bank.balance("marguerite.d")), before,
          "the balances")


@scenario
def given_another_key_in_the_certificate_when_a_client_looks_then_it_stops():
    # 192 signed bytes behind the 64 fixed ones, then the signature.  Without
    # another key id, which would be nonsense: epoch, not-after, signature.
    for position in (4 + 64 + 12, 4 + 64 + 60, 4 + 64 + 192, -32, -33):
        result, _ = pay("marguerite.d",
                        alter(HELLO, TO_CLIENT, 0, position))
        equal(result.code, WRONG_KEY, str(result))


@scenario
def given_an_altered_record_when_it_arrives_then_nothing_is_booked():
    before = bank.balance("bob")
    cases = []
    for number in (FIND, ORDER):
        for position in [0, 1, 2, 3, 4, 5, 6, 7] + list(range(8, 276, 16)) + [
                -17, -16, -1]:
            cases.append(("marguerite.d",
                          alter(RECORD, TO_BANK, number, position),
                          f"record {number} byte {position}"))
    cases += [("marguerite.d", alter(M4, TO_CLIENT, 0, position),
               f"M4 byte {position}") for position in (0, 2, 4, 700, -1)]
    all_refused(cases)
    equal(bank.balance("bob"), before, "bob's balance")


@scenario
def given_an_altered_answer_when_it_arrives_then_the_same_id_resolves_it():
    before = bank.balance("bob")
    for number, position in enumerate((3, 4, 100, -1)):
        words = ("--id", f"answer-{number}")
        with Relay(bank.port, alter(RECORD, TO_CLIENT, ORDER,
                                    position)) as relay:
            bank.atm("marguerite.d", "transfer", "bob", "0.01", *words,
                     server=relay.address).ends(UNKNOWN, "unknown")
        for _ in range(2):
            bank.transfer("marguerite.d", "bob", "0.01", *words)
    equal(bank.balance("bob"), before + 4, "bob's balance")


def replay_bytes(data):
    """Sends recorded bytes to the bank; the types of frames it answers."""
    with socket.create_connection(("127.0.0.1", bank.port), 30) as end:
        end.sendall(data)
        said = b""
        while True:
            try:
                more = end.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            said += more
    types = []
    while len(said) >= 4:
        types.append(said[2])
        said = said[4 + int.from_bytes(said[:2], "little"):]
    return types


@scenario
def given_an_altered_registration_when_it_arrives_then_the_name_stays_free():
    cases = [(f"newcomer-{index}", type_, way, position)
             for index, (type_, way, position) in enumerate((
                 (M1, TO_BANK, 50), (M1, TO_BANK, -1), (M2, TO_CLIENT, 50),
                 (M3, TO_BANK, 10), (M3, TO_BANK, 400), (M3, TO_BANK, -1)))]

    def attempt(case):
        name, type_, way, position = case
        with Relay(bank.port, alter(type_, way, 0, position)) as relay:
            return bank.atm(name, "register", password="the first",
                            state=name, server=relay.address)

    with ThreadPoolExecutor(len(cases)) as pool:
        for case, result in zip(cases, pool.map(attempt, cases)):
            check(result.code != DONE, f"{case}: {result}")
    for name, *_ in cases:
        bank.register(name, "the second")
    # Only the answer is altered: it was done, and the client cannot know.
    with Relay(bank.port, alter(M5, TO_CLIENT, 0, 100)) as relay:
        bank.atm("latecomer", "register", password="the first",
                 server=relay.address).ends(UNKNOWN, "log in")
    equal(bank.balance("latecomer", password="the first"), 0)


@scenario
def given_a_recorded_transfer_when_all_is_replayed_then_nothing_is_booked():
    result, frames = pay("marguerite.d")
    result.ends(DONE)
    before = bank.balance("bob")
    mine = [frame.data for frame in frames if frame.way == TO_BANK]
    replays = [b"".join(mine), mine[0], b"".join(mine[2:]), mine[-1],
               b"".join(reversed(mine)), mine[0] + mine[0]]
    with ThreadPoolExecutor(6) as pool:
        for types in pool.map(replay_bytes, replays):
            equal(types, [HELLO], "what the bank answered")
    equal(bank.balance("bob"), before, "bob's balance")


@scenario
def given_a_record_twice_when_it_arrives_then_it_counts_once():
    before = bank.balance("bob")
    for number in (FIND, ORDER):
        seen = [0]

        def twice(frame):
            if frame.type != RECORD or frame.way != TO_BANK:
                return [frame.data]
            seen[0] += 1
            return [frame.data] * (2 if seen[0] - 1 == number else 1)

        result, _ = pay("marguerite.d", twice)
        check(result.code in (DONE, UNKNOWN), str(result))
    middle = bank.balance("bob")
    check(middle - before in (0, 1, 2), f"booked {middle - before}")
    # An older record of the same session in the place of the order.
    kept = []

    def older(frame):
        if frame.type != RECORD or frame.way != TO_BANK:
            return [frame.data]
        kept.append(frame.data)
        return [kept[0]]

    result, _ = pay("marguerite.d", older)
    check(result.code != DONE, str(result))
    equal(bank.balance("bob"), middle, "bob's balance")


@scenario
def given_records_in_another_order_when_they_arrive_then_none_is_booked():
    before = bank.balance("bob")
    held = []

    def swap(frame):
        """Holds the first order until the second came, then turns both."""
        if frame.type != RECORD or frame.way != TO_BANK:
            return [frame.data]
        held.append(frame.data)
        if len(held) == 2:      # 1 is the question who bob is
            return []
        if len(held) == 3:
            return [held[2], held[1]]
        return [frame.data]

    with Relay(bank.port, swap) as relay:
        with Session(bank, "marguerite.d", server=relay.address) as payer:
            answer = payer.burst(2, "@bob", 1)
            check(answer["error"] != "SR_OK", f"{answer}")
            equal(answer["booked"], 0, "what was booked")
    equal(bank.balance("bob"), before, "bob's balance")


@scenario
def given_a_dropped_record_when_the_next_arrives_then_it_is_refused():
    before = bank.balance("bob")
    count = [0]

    def drop(frame):
        if frame.type != RECORD or frame.way != TO_BANK:
            return [frame.data]
        count[0] += 1
        return [] if count[0] == 2 else [frame.data]

    with Relay(bank.port, drop) as relay:
        with Session(bank, "marguerite.d", server=relay.address) as payer:
            answer = payer.burst(2, "@bob", 1)
            check(answer["error"] != "SR_OK", f"{answer}")
    equal(bank.balance("bob"), before, "bob's balance")


@scenario
def given_a_connection_cut_in_a_frame_when_it_ends_then_it_is_no_order():
    before = bank.balance("bob")

    def cut(type_, way, number, share):
        seen = [0]

        def change(frame):
            if seen[0] < 0:
                return None
            if (frame.type, frame.way) == (type_, way):
                seen[0] += 1
                if seen[0] - 1 == number:
                    seen[0] = -1
                    return [frame.data[:int(len(frame.data) * share)]]
            return [frame.data]
        return change

    cases = [("marguerite.d", cut(RECORD, TO_BANK, number, share),
              f"record {number} cut at {share}")
             for number in (FIND, ORDER) for share in (0, 0.01, 0.5, 0.99)]
    # The client waits for what never comes; the others end at once.
    with ThreadPoolExecutor(8) as pool:
        def attempt(case):
            with Relay(bank.port, case[1]) as relay:
                session = Session(bank, case[0], server=relay.address)
                if session.refused:
                    return "out"
                session.process.stdin.write(
                    b"order credit=@bob amount=1\n")
                # The end of the relay is the end of the connection.
                relay.closing.wait(1)
            line = session.read()
            session.close()
            return line

        for case, said in zip(cases, pool.map(attempt, cases)):
            check("error=SR_OK outcome=SR_OK" not in said,
                  f"{case[2]}: {said}")
    equal(bank.balance("bob"), before, "bob's balance")


@scenario
def given_every_byte_in_a_segment_of_its_own_when_it_arrives_then_it_works():
    before = bank.balance("bob")
    with Relay(bank.port, piece=1) as relay:
        bank.register("patient", server=relay.address)
        bank.transfer("marguerite.d", "bob", "0.07", server=relay.address)
        bank.statement("marguerite.d", server=relay.address)
    equal(bank.balance("bob"), before + 7, "bob's balance")


@scenario
def given_many_records_in_one_segment_when_they_arrive_then_all_work():
    before = bank.balance("bob")
    with Relay(bank.port, join_s=0.2) as relay:
        with Session(bank, "marguerite.d", server=relay.address) as payer:
            answer = payer.burst(30, "@bob", 1)
            equal((answer["error"], answer["booked"]), ("SR_OK", 30))
    with Session(bank, "marguerite.d") as payer:
        equal(payer.burst(30, "@bob", 1)["booked"], 30, "without relay")
        # More than may wait in one session: that session is closed.
        check(payer.burst(500, "@bob", 1)["error"] != "SR_OK", "500 wait")
    more = bank.balance("bob") - before - 60
    check(0 <= more < 500, f"{more} of 500 were booked")


@scenario
def given_all_of_this_when_the_bank_is_asked_then_it_is_well():
    status = bank.status()
    equal(status["open"], True, "open")
    equal(status["netd_restarts"], 0, "restarts of netd")
    bank.stop()
    bank.verify().ends(3)


if __name__ == "__main__":
    run()
