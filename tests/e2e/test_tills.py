#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Work at a till: cash in, counts and what they cost, a till that two tellers
share, cash to the safe; the teller's screen when the line breaks.
"""
import json
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ATM, BAD_DATA, DECLINED, DONE, INTACT,  # noqa: E402
                      USAGE, Bank, run_program)
from lib.relay import TO_BANK, TO_CLIENT, Relay  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import (APPROVE, DEPOSIT, HOLD, TRANSFER,  # noqa: E402
                         Session)
from lib.terminal import Terminal  # noqa: E402

ISSUE, ADJUST, RAISE_LIMIT, CASH_OUT = 8, 9, 12, 32
TILL_OPEN, TILL_COUNT, TILL_CLOSE = 21, 22, 23

bank = lobby = eve = zoe = None


def words(card, *more, server=None):
    option = "--terminal" if card == lobby else "--teller"
    first = [ATM, "--bank", bank.id, option, card]
    return first + (["--server", server] if server else []) + list(more)


def till(card, *more, give=b"", server=None):
    return run_program(words(card, "till", *more, server=server), give=give,
                       env=bank.environment(Path(card).stem))


def show(card):
    return till(card, "show", "--json").json()


def cash(card):
    return show(card)["cash_minor"]


def count(card, amount, command="count"):
    return till(card, command, "--counted", amount, "--json").json()


def screen(card, server=None):
    return Terminal(words(card, "till", server=server),
                    bank.environment(Path(card).stem))


def operator(number, *more):
    return bank.ctl("--as", bank.directory / f"operator-{number}.card", *more)


def books():
    """What every account has."""
    return {line["account"]: line["balance_minor"] for line in
            operator(1, "account", "list", "--json").json_lines()}


@scenario
def given_a_teller_when_cash_comes_in_then_it_is_booked_by_name_and_number():
    global bank, lobby, eve, zoe
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    eve, zoe = bank.base / "eve.card", bank.base / "zoe.card"
    bank.register("ada")
    bank.register("bob")
    bank.ctl(*bank.operators(), "role", "set", "eve", "teller", "--max",
             "500.00", "--out", eve).ends(DONE)
    said = till(eve, "in", "ada", "20.00", "--memo", "June").ends(DONE)
    contains(said.out, "deposit of 20.00 EUR to ada booked (entry ")
    contains(said.out, "in the till 20.00 EUR")
    number = bank.atm("bob", "balance", "--json").json()["number"]
    said = till(eve, "in", number, "5.00").ends(DONE)
    contains(said.out, " of bob booked")
    told = till(eve, "in", "bob", "1.00", "--id", "D1", "--json").json()
    equal((told["amount_minor"], told["cash_minor"], told["payee"]),
          (100, 2600, "bob"))
    till(eve, "in", "bob", "1.00", "--id", "D1").ends(DONE, "not again")
    equal((bank.balance("ada"), bank.balance("bob")), (2000, 600))
    line = bank.statement("ada")[0]
    equal((line["kind"], line["name"], line["memo"]),
          ("deposit", "eve", "June"))
    told = show(eve)
    equal((told["cash_minor"], told["room_minor"], told["state"],
           told["terminal"]), (2600, 47400, "open", 0))


@scenario
def given_bad_input_when_a_till_is_worked_at_then_a_sentence_says_so():
    till(eve, "in", "ada", "0").ends(USAGE, "zero")
    till(eve, "in", "ada", "1.005").ends(USAGE, "more digits")
    till(eve, "in", "a", "1").ends(USAGE, "a name is")
    till(eve, "in", "1200 88", "1").ends(USAGE, "mistyped")
    till(eve, "in", "nobody", "1").ends(DECLINED, "nobody here has that name")
    till(eve, "in", "ada", "500.00").ends(DECLINED, "the till")
    for more in (("in",), ("in", "ada"), ("shut",), ("open", "x"),
                 ("out",), ("undo",)):
        till(eve, *more).ends(USAGE, "it is")
    for text in ("50", "x", "50x", "x3", "50x-1", "50x3,50x1", "0x3",
                 "0,20x7", "50x3,", "1.005x2", "92233720368547758.07x2"):
        till(eve, "count", "--count", text).ends(USAGE)
    for text in ("", "-1", "ten", "1.005", "20x1"):
        till(eve, "count", f"--counted={text}").ends(USAGE)
    till(eve, "count").ends(USAGE, "how much is there?")
    till(eve, "count", "--counted", "1", "--count", "1x1").ends(
        USAGE, "not both")
    till(eve, "count", "--counted", "1", "--memo", "x").ends(USAGE, "--memo")
    till(eve, "--id", "X").ends(USAGE, "till in")
    # a customer's password and a terminal's card open no teller's till
    bank.atm("ada", "till", "show").ends(DECLINED, "ada is no teller but a"
                                                   " customer")
    run_program([ATM, "--bank", bank.id, "--teller", lobby, "till", "show"],
                env=bank.environment("x")).ends(BAD_DATA, "a teller")
    run_program([ATM, "--bank", bank.id, "--teller",
                 bank.directory / "operator-1.card", "till", "show"],
                env=bank.environment("x")).ends(DECLINED, "no teller but an"
                                                          " operator")
    equal(cash(eve), 2600)


@scenario
def given_a_till_when_it_is_counted_then_expected_counted_and_difference_show():
    said = till(eve, "count", "--count", "20x1,0.50x12").ends(DONE)
    contains(said.err, "the books expect 26.00 EUR, counted 26.00: as "
                       "expected")
    contains(said.out, "till counted: 26.00 EUR, as expected (entry ")
    room = show(eve)["room_minor"]
    said = till(eve, "count", "--counted", "25,00").ends(DONE)
    contains(said.err, "the books expect 26.00 EUR, counted 25.00: 1.00 short")
    contains(said.err, "may hold that much less")
    contains(said.out, "till counted: 25.00 EUR, 1.00 short")
    # the cash that is gone makes no room for more
    equal((cash(eve), show(eve)["room_minor"]), (2500, room))
    told = count(eve, "27")
    equal((told["counted_minor"], told["difference_minor"], told["kind"]),
          (2700, 200, "till-count"))
    equal(show(eve)["room_minor"], room - 200)
    lines = till(eve, "statement", "--json", "--count", "3").json_lines()
    equal([(line["kind"], line["amount_minor"], line["balance_minor"])
           for line in lines],
          [("till-count", -200, -2700), ("till-count", 100, -2500),
           ("till-count", 0, -2600)])
    contains(till(eve, "statement").ends(DONE).out, "over and short")
    equal(books()["/over-short"], 100, "over and short")


@scenario
def given_the_same_id_when_a_count_is_repeated_then_it_is_signed_once():
    till(eve, "count", "--counted", "27", "--id", "C1").ends(DONE)
    till(eve, "count", "--counted", "27", "--id", "C1").ends(
        DONE, "before; not again")
    till(eve, "count", "--counted", "26", "--id", "C1").ends(
        DECLINED, "choose another")


@scenario
def given_a_till_when_it_is_closed_then_nothing_goes_in_until_it_is_open():
    till(eve, "close", "--counted", "27.00").ends(DONE, "till closed: 27.00")
    equal(show(eve)["state"], "closed")
    contains(till(eve, "show").ends(DONE).out, "the till is closed")
    till(eve, "in", "ada", "1.00").ends(DECLINED, "the till is closed")
    till(eve, "count", "--counted", "27").ends(DECLINED, "the till is closed")
    till(eve, "close", "--counted", "27").ends(DECLINED, "the till is closed")
    # the float that the safe gave for the day
    said = till(eve, "open", "--count", "20x3,10x4").ends(DONE)
    contains(said.err, "was brought in")
    contains(said.out, "till opened: 100.00 EUR, 73.00 more")
    till(eve, "open", "--counted", "100").ends(DECLINED, "open already")
    equal((cash(eve), show(eve)["state"]), (10000, "open"))
    line = till(eve, "statement", "--json", "--count", "1").json()
    equal((line["kind"], line["other"]), ("till-open", "0-1"))


@scenario
def given_two_tellers_when_they_share_a_till_then_each_signs_and_counts():
    bank.ctl(*bank.operators(), "role", "set", "zoe", "teller", "--till",
             "eve", "--out", zoe).ends(DONE)
    equal(show(zoe)["account"], show(eve)["account"])
    till(zoe, "in", "ada", "4.00").ends(DONE, "in the till 104.00 EUR")
    # hand-over: who goes counts, and who comes
    equal(count(eve, "104")["difference_minor"], 0)
    equal(count(zoe, "104")["difference_minor"], 0)
    till(eve, "in", "ada", "2.00").ends(DONE, "in the till 106.00 EUR")
    # what one has booked the other may take back
    entry = till(eve, "statement", "--json", "--count", "1").json()["leaf"]
    said = till(zoe, "undo", entry).ends(DONE)
    contains(said.out, "deposit of 2.00 EUR to ada undone")
    names = {line["name"] for line in bank.statement("ada")
             if line["kind"] == "deposit"}
    equal(names, {"eve"}, "whose till took the cash")
    # neither has the use of another's till
    with Session(bank, card=zoe) as session:
        answer = session.order(kind=DEPOSIT, debit=session.find("lobby") << 16
                               | 1, credit="@ada", amount=100)
        equal(answer["outcome"], "SR_NOT_YOURS")


@scenario
def given_cash_for_the_safe_when_an_operator_approves_then_it_is_out():
    said = till(zoe, "out", "60.00", "--memo", "evening").ends(DONE)
    contains(said.err, "strongroomctl approve")
    entry = till(zoe, "out", "10.00", "--json").json()["leaf"]
    equal(cash(eve), 10400, "asked for, not yet out")
    contains(till(zoe, "show").ends(DONE).out,
             f"10.00 EUR to the safe: request {entry} waits for an operator")
    operator(1, "approve", entry).ends(DONE)
    equal(cash(eve), 9400)
    till(zoe, "out", "94.01").ends(DECLINED, "so much cash")
    till(zoe, "out", "0").ends(USAGE, "zero")
    line = till(eve, "statement", "--json", "--count", "1").json()
    equal((line["kind"], line["amount_minor"]), ("cash-out", 1000))
    contains(till(eve, "statement", "--count", "1").ends(DONE).out,
             "the bank")


@scenario
def given_an_atm_when_its_till_is_counted_then_its_card_signs():
    bank.deposit(lobby, "ada", "30.00")
    contains(till(lobby, "show").ends(DONE).out, "cash 30.00 EUR, of which "
             "reserved 0.00; room for 970.00 more\n")
    equal(count(lobby, "29.00")["difference_minor"], -100)
    till(lobby, "close", "--counted", "29").ends(DONE)
    bank.atm("ada", "deposit", "1.00", terminal=lobby).ends(
        DECLINED, "the till is closed")
    bank.atm("ada", "withdraw", "1.00", terminal=lobby).ends(
        DECLINED, "the till is closed")
    till(lobby, "open", "--counted", "29").ends(DONE, "as expected")
    bank.deposit(lobby, "ada", "1.00")


@scenario
def given_a_tellers_key_when_a_thief_has_it_then_the_till_is_his_bound():
    """What a stolen card signs, past the tool's own checks: whatever he
    books and counts, his accomplice gets the till's maximum, and once."""
    mal = bank.base / "mal.card"
    bank.register("moll")
    bank.ctl(*bank.operators(), "role", "set", "mal", "teller", "--max",
             "30.00", "--out", mal).ends(DONE)
    before = books()
    with Session(bank, card=mal) as thief:
        his = thief.find("mal") << 16 | 1
        ada, moll = thief.find("ada") << 16, thief.find("moll") << 16
        lobbys = thief.find("lobby") << 16 | 1

        def outcome(kind, **fields):
            answer = thief.order(**{"kind": kind, "debit": 0, **fields})
            equal(answer["error"], "SR_OK", f"{kind} {fields}")
            return answer["outcome"]

        def pays_in(amount):
            return outcome(DEPOSIT, debit=his, credit=moll, amount=amount)

        def counts(kind, amount):
            counted = [struct.pack("<qQ", amount, 1)] if amount else []
            equal(outcome(kind, amount=amount, attachment=b"".join([
                struct.pack("<QB7x", his, len(counted)), *counted]).hex()),
                "SR_OK", f"{kind} {amount}")

        equal(pays_in(3001), "SR_TILL_FULL")
        equal(pays_in(3000), "SR_OK")
        # "the cash is gone": and so is the room for more
        for kind, amount in ((TILL_COUNT, 0), (TILL_CLOSE, 0),
                             (TILL_OPEN, 0), (TILL_COUNT, 9000),
                             (TILL_COUNT, 0), (TILL_CLOSE, 0),
                             (TILL_OPEN, 9000), (TILL_COUNT, 0)):
            counts(kind, amount)
            if kind != TILL_CLOSE:
                equal(pays_in(1), "SR_TILL_FULL", f"after {kind} {amount}")
        # and no other way to money, or to a greater maximum
        for kind, wanted, fields in (
                (DEPOSIT, "SR_NOT_YOURS", {"debit": lobbys}),
                (DEPOSIT, "SR_NOT_YOURS", {"debit": ada}),
                (TRANSFER, "SR_ROLE", {"debit": ada}),
                (HOLD, "SR_ROLE", {"debit": ada, "credit": his}),
                (ISSUE, "SR_ROLE", {"debit": 1}),
                (ADJUST, "SR_ROLE", {"debit": 2}),
                (RAISE_LIMIT, "SR_ROLE", {
                    "credit": 0, "amount": 0, "attachment": struct.pack(
                        "<5q", his, -9000, -9000, 0, 2**63 - 1).hex()}),
                (CASH_OUT, "SR_TILL_EMPTY", {"debit": 1, "credit": his}),
                (APPROVE, "SR_ROLE", {
                    "credit": 0, "amount": 0, "refers_to": 1,
                    "attachment": "00" * 32})):
            equal(outcome(kind, **{"credit": moll, "amount": 1, **fields}),
                  wanted, f"{kind} {fields}")
    after = books()
    for account in ("moll", "mal/till", "/issue", "/over-short"):
        after.pop(account), before.pop(account)
    equal(bank.balance("moll"), 3000)
    equal(after, before, "what all others have")


@scenario
def given_a_teller_with_a_password_when_it_is_typed_then_the_till_is_there():
    bank.register("ivy")
    bank.ctl(*bank.operators(), "role", "set", "ivy", "teller", "--max",
             "50").ends(DONE)
    bank.atm("ivy", "till", "in", "ada", "3.00").ends(
        DONE, "in the till 3.00 EUR")
    entry = bank.atm("ivy", "till", "statement", "--json", "--count",
                     "1").json()["leaf"]
    bank.atm("ivy", "undo", str(entry)).ends(DONE, "undone")


# ---- The screen -------------------------------------------------------------

@scenario
def given_the_screen_when_names_and_amounts_are_typed_then_they_are_booked():
    before, ada, bob = cash(eve), bank.balance("ada"), bank.balance("bob")
    with screen(eve) as shown:
        shown.expect("till of eve")
        shown.expect("> ")
        shown.type("ada 12.50")
        shown.expect("deposit of 12.50 EUR to ada booked")
        shown.type("  bob\t2,00 ")
        shown.expect("deposit of 2.00 EUR to bob booked")
        shown.type("u")
        shown.expect("deposit of 2.00 EUR to bob undone")
        shown.type("u")
        shown.expect("deposit of 12.50 EUR to ada undone")
        shown.type("u")
        shown.expect("nothing was booked here")
        shown.type("ada 1")
        shown.expect("deposit of 1.00 EUR to ada booked")
        shown.type("s")
        shown.expect(f"cash {(before + 100) / 100:.2f} EUR")
        shown.type("?")
        shown.expect("cash in, by name")
        for line, sentence in (("ada", "NAME AMOUNT"), ("ada x", "digits"),
                               ("nobody 1", "nobody here"), ("u x", "entry"),
                               ("w", "how much"), ("z 5", "a name is"),
                               ("c ten", "digits"), ("w 0", "zero"),
                               ("x" * 2000, "too long")):
            shown.type(line)
            shown.expect(sentence)
        shown.type("c 1x1")
        shown.expect("short")
        shown.expect("Sign that? (y/n) ")
        shown.type("n")
        shown.expect("nothing was signed")
        shown.type("c")
        shown.expect("Counted (a sum, or 50x3,0.20x7): ")
        shown.type(f"{(before + 100) / 100:.2f}")
        shown.expect("as expected (entry")
        shown.type("q")
        shown.expect("Counted (nothing: leave it open): ")
        shown.type("")
        shown.expect("the till stays open")
        equal(shown.end(), 0)
    equal((cash(eve), bank.balance("ada"), bank.balance("bob")),
          (before + 100, ada + 100, bob))


@scenario
def given_the_screen_when_lines_come_from_a_file_then_they_are_booked():
    before = bank.balance("ada")
    said = till(eve, "--json", give="ada 1.00\nada 2.00\nnobody 5\nu\n")
    said.ends(DONE, "nobody here has that name")
    lines = [json.loads(line) for line in said.out.splitlines()]
    equal([line.get("kind") for line in lines],
          [None, "deposit", "deposit", "undo"])
    equal(bank.balance("ada"), before + 100)


@scenario
def given_the_screen_when_the_till_is_closed_there_then_it_is_left():
    counted = f"{cash(eve) / 100:.2f}"
    with screen(eve) as shown:
        shown.expect("> ")
        shown.type(f"q {counted}")
        shown.expect("till closed: ")
        equal(shown.end(), 0)
    with screen(zoe) as shown:
        shown.expect("the till is closed")
        shown.type("ada 1")
        shown.expect("declined: the till is closed")
        shown.type(f"o {counted}")
        shown.expect("till opened: ")
        shown.type("ada 1")
        shown.expect("booked")
    equal(show(eve)["state"], "open")


@scenario
def given_the_line_is_cut_at_any_point_when_typed_then_booked_once():
    for way, first in ((TO_BANK, 4), (TO_CLIENT, 5)):
        for step in range(3):
            def cut(frame, way=way, at=first + step):
                whole = len(relay.connections) > 1 or frame.way != way
                return [frame.data] if whole or frame.number < at else None

            before, had = bank.balance("ada"), cash(eve)
            with Relay(bank.port, change=cut) as relay:
                said = till(eve, give="ada 1.00\n", server=relay.address)
                check(len(relay.connections) > 1, "nothing was cut")
            said.ends(DONE, "deposit of 1.00 EUR to ada booked (entry")
            equal((bank.balance("ada"), cash(eve)),
                  (before + 100, had + 100), f"cut {way} {step}")


@scenario
def given_the_bank_goes_when_a_line_is_typed_then_the_screen_says_what_is():
    before, had = bank.balance("ada"), cash(eve)
    away = []

    def gone(frame):
        # the order's answer is lost, and nobody is there afterwards
        if frame.way == TO_CLIENT and frame.number == 7 and not away:
            away.append(True)
        return None if away == [True] else [frame.data]

    with Relay(bank.port, change=gone) as relay, \
            screen(eve, server=relay.address) as shown:
        shown.expect("> ")
        shown.type("ada 1.00")
        shown.expect("NOT KNOWN")
        shown.type("ada 2.00")
        shown.expect("nothing is booked")
        away[:] = ["back"]
        shown.type("s")
        shown.expect("an earlier deposit was in doubt: it was booked")
        shown.expect(f"cash {(had + 100) / 100:.2f} EUR")
        shown.type("ada 4.00")
        shown.expect("deposit of 4.00 EUR to ada booked")
    equal((bank.balance("ada"), cash(eve)), (before + 500, had + 500))


@scenario
def given_the_bank_is_killed_when_it_is_back_then_the_screen_goes_on():
    before = bank.balance("ada")
    with screen(eve) as shown:
        shown.expect("> ")
        shown.type("ada 1.00")
        shown.expect("booked")
        bank.kill()
        shown.type("ada 2.00")
        shown.expect("nothing is booked")
        bank.start()
        shown.type("ada 4.00")
        shown.expect("deposit of 4.00 EUR to ada booked")
        shown.type("u")
        shown.expect("deposit of 4.00 EUR to ada undone")
        shown.type("u")
        shown.expect("deposit of 1.00 EUR to ada undone")
    equal(bank.balance("ada"), before)


@scenario
def given_all_that_when_the_books_are_verified_then_they_hold():
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
