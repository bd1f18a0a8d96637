#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=180 root-only
"""Amounts, names and orders that must not pass: neither the client nor, when
the client is somebody else's, the rooms."""
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DECLINED, USAGE, Bank  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import DEPOSIT, Session  # noqa: E402

bank = card = None
MOST = 2**63 - 1
LEAST = -2**63

# Each with a word of the sentence that refuses it.
BAD_AMOUNTS = (
    ("-5.00", "negative"), ("-0.01", "negative"), ("0", "zero"),
    ("0.00", "zero"), ("0,0", "zero"), ("1.234", "digits after the point"),
    ("0.001", "digits after the point"), ("NaN", "digits 0-9"),
    ("nan", "digits 0-9"), ("inf", "digits 0-9"), ("1e9", "digits 0-9"),
    ("0x10", "digits 0-9"), ("+5", "digits 0-9"), ("5€", "digits 0-9"),
    ("9223372036854775808", "larger"), ("92233720368547758.08", "larger"),
    ("9" * 200, "larger"), ("1.000,00", "grouped"), ("1,000.00", "grouped"),
    ("1.000.000", "grouped"), ("", "missing"), (" ", "spaces"),
    (" 1", "spaces"), ("1 ", "spaces"), ("1 000", "spaces"),
    ("1\t", ""), ("1\n", ""), (".5", "each side"), ("5.", "each side"),
    (".", ""), ("١٢", "digits 0-9"), ("１２", "digits 0-9"),
    ("१", "digits 0-9"), ("1٫5", "digits 0-9"), ("²", "digits 0-9"),
)
BAD_NAMES = ("Ada", "ADA", "ada\nbob", "\nada", "a" * 33, "ab", "", "ada ",
             " ada", "adä", "ada/..", "ada:x", "аda", "ada\x7f")
# What fits the wire's 32 bytes and is no name.
BAD_RAW_NAMES = (b"eve\n", b"ev\0e", b"eve\0", b"EVE", b"ev", b"e ve",
                 "ève".encode(), b"\xff\xfe\xfd")


@scenario
def given_a_bank_when_ada_has_fifty_then_the_tests_begin():
    global bank, card
    bank = Bank.found().start()
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(card, "ada", "50.00")


@scenario
def given_a_bad_amount_when_the_client_reads_it_then_a_sentence_refuses_it():
    for text, word in BAD_AMOUNTS:
        for words in (("transfer", "--", "bob", text),
                      ("deposit", "--", text)):
            said = bank.atm("ada", *words, terminal=card)
            said.ends(USAGE)
            contains(said.err, word, f"the sentence for {text!r}")
            equal(len(said.err.strip().splitlines()) <= 2, True,
                  f"one sentence for {text!r}")
    bank.ctl(*bank.operators(), "terminal", "add", "hall", "--max", "1e9",
             "--out", bank.base / "hall.card").ends(USAGE, "digits 0-9")


@scenario
def given_the_largest_amount_when_it_is_transferred_then_funds_decide():
    bank.atm("ada", "transfer", "bob", "92233720368547758.07").ends(
        DECLINED, "not enough money")


@scenario
def given_a_bad_name_when_the_client_reads_it_then_a_sentence_refuses_it():
    for name in BAD_NAMES:
        bank.atm(name, "register", password="x", state="x").ends(
            USAGE, "a name is")
        bank.atm("ada", "transfer", name, "1.00").ends(USAGE, "a name is")


@scenario
def given_a_bad_name_when_it_comes_to_keyd_then_it_is_not_registered():
    before = bank.status()["names"]
    with Session(bank, "ada") as ada:
        equal(ada.register(b"good-name"), "SR_OK", "a good name's M2")
        equal(ada.register(b"ada"), "SR_NAME_TAKEN", "a taken name's M2")

    # The bank is silent until a deadline: all at the same time.
    sessions = [Session(bank, "ada") for _ in BAD_RAW_NAMES]
    with ThreadPoolExecutor(len(sessions)) as pool:
        for name, error in zip(BAD_RAW_NAMES, pool.map(
                Session.register, sessions, BAD_RAW_NAMES)):
            check(error not in ("SR_OK", "SR_NAME_TAKEN", "SR_USAGE"),
                  f"{name!r} is evaluated: {error}")
    for session in sessions:
        session.close()
    equal(bank.status()["names"], before, "the number of names")
    equal(bank.balance("ada"), 5000, "keyd lives: ada's balance")


@scenario
def given_a_bad_amount_when_it_is_signed_all_the_same_then_ledgerd_declines():
    with Session(bank, "ada") as ada:
        for amount in (0, -1, -5000, LEAST, LEAST + 1):
            answer = ada.order(credit="@bob", amount=amount)
            equal((answer["error"], answer["outcome"], answer["balance"]),
                  ("SR_OK", "SR_AMOUNT", 5000), f"amount {amount}")
        for amount in (5001, MOST):
            answer = ada.order(credit="@bob", amount=amount)
            equal((answer["outcome"], answer["balance"]),
                  ("SR_FUNDS", 5000), f"amount {amount}")
    with Session(bank, card=card, terminal=card) as till:
        mine = till.facts["till"]
        for amount in (0, -1, LEAST, MOST, MOST - 4999, 100000):
            answer = till.order(kind=DEPOSIT, debit=mine, credit="@ada",
                                amount=amount)
            equal(answer["error"], "SR_OK", f"the deposit of {amount}")
            check(answer["outcome"] in ("SR_AMOUNT", "SR_TILL_FULL"),
                  f"the deposit of {amount}: {answer['outcome']}")
            equal(till.balance()["posted"], -5000, "the till's balance")
    equal(bank.balance("ada"), 5000)
    equal(bank.balance("bob"), 0)


@scenario
def given_an_order_that_is_not_ones_own_when_signed_then_it_is_declined():
    with Session(bank, "ada") as ada:
        account = ada.facts["account"]
        unit = ada.facts["unit"]
        for wanted, fields in (
                ("SR_NOT_YOURS", {"debit": "@bob", "credit": account}),
                ("SR_NOT_YOURS", {"debit": "@lobby#1", "credit": account}),
                ("SR_NOT_YOURS", {"debit": 0, "credit": account}),
                ("SR_NOT_YOURS", {"debit": 1, "credit": account}),
                ("SR_SAME_ACCOUNT", {"credit": account}),
                ("SR_NO_ACCOUNT", {"credit": account + 5}),
                ("SR_NO_ACCOUNT", {"credit": 0}),
                ("SR_NO_ACCOUNT", {"credit": 2**64 - 1}),
                ("SR_UNIT", {"credit": "@bob", "unit": unit ^ 0x100}),
                ("SR_UNIT", {"credit": "@bob", "unit": unit + 1}),
                ("SR_ROLE", {"kind": 8, "debit": 1,       # issue
                             "credit": account}),
                ("SR_ROLE", {"kind": DEPOSIT, "debit": "@lobby#1",
                             "credit": account})):
            answer = ada.order(amount=100, **fields)
            equal((answer["error"], answer["outcome"]), ("SR_OK", wanted),
                  f"{fields}")
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_spoiled_order_when_it_is_sent_then_nothing_is_booked():
    with Session(bank, "ada") as ada:
        good = {"credit": "@bob", "amount": 100}
        for wanted, fields in (
                ("SR_SIGNATURE", {"signature": "bad"}),
                ("SR_SIGNATURE", {"spoil": 48}),      # amount
                ("SR_SIGNATURE", {"spoil": 40}),      # credit
                ("SR_SIGNATURE", {"spoil": 120}),     # reference
                ("SR_MALFORMED", {"hash": "bad"}),
                ("SR_WRONG_BANK", {"bank": "bad"}),
                ("SR_STALE", {"session": "bad"}),
                ("SR_SEQ", {"seq": "+1"}),
                ("SR_SEQ", {"seq": 2**64 - 1}),
                ("SR_CONFLICT", {"seq": "-1"}),
                ("SR_SEQ", {"previous": "bad"}),
                ("SR_EXPIRED", {"life": -1000}),
                ("SR_NOT_AFTER", {"life": 600000}),
                ("SR_MALFORMED", {"resign": "0:0"}),      # magic
                ("SR_MALFORMED", {"resign": "200:1"}),    # reserved
                ("SR_MALFORMED", {"kind": 0}),
                ("SR_MALFORMED", {"kind": 18}),           # in no order
                ("SR_MALFORMED", {"kind": 24}),           # kept for later
                ("SR_MALFORMED", {"kind": 200}),          # not given out
                ("SR_MALFORMED", {"flags": 1})):
            answer = ada.order(**good, **fields)
            equal(answer["error"], wanted, f"{fields}")
        for wanted, fields in (
                ("SR_PARAMETERS", {"attachment": "0a"}),      # a newline
                ("SR_PARAMETERS", {"attachment": "00"}),
                ("SR_PARAMETERS", {"attachment": "c3"}),      # half a letter
                ("SR_PARAMETERS", {"attachment": "e280ae"}),  # right to left
                ("SR_PARAMETERS", {"attachment": "61" * 257})):
            answer = ada.order(**good, **fields)
            check(wanted in (answer["error"], answer["outcome"]),
                  f"{fields}: {answer}")
        equal(ada.balance()["posted"], 5000, "ada's balance")
        ada.booked(**good, memo="pizza")
    equal(bank.balance("bob"), 100)


@scenario
def given_a_booked_order_when_the_same_bytes_come_again_then_it_stays_one():
    with Session(bank, "ada") as ada:
        before = ada.balance()["posted"]
        first = ada.booked(credit="@bob", amount=100, reference="K7")
        for _ in range(3):
            equal(ada.again(), first, "the stored answer")
        other = ada.order(credit="@bob", amount=100, reference="K7")
        check("SR_DUPLICATE" in (other["error"], other["outcome"]),
              f"a reference used twice: {other}")
        equal(ada.balance()["posted"], before - 100, "ada's balance")
    with Session(bank, "ada") as ada:
        equal(ada.balance()["posted"], before - 100, "a session later")


@scenario
def given_a_record_of_nonsense_when_it_is_sealed_well_then_it_is_refused():
    for data in (b"\1", b"\xff" * 8, b"\2\0\0\0", b"\3\0\xff\xff",
                 b"\3\0\4\0" + b"\1" * 4, b"\x0a\0\6\0" + b"\1" * 6,
                 b"\1\0\x10\0" + b"\1" * 16):
        with Session(bank, "ada") as ada:
            answer = ada.raw(data)
            check(answer["error"] != "SR_OK" or answer["type"] in (9, 10),
                  f"{data!r}: {answer}")
    equal(bank.status()["open"], True, "the bank is open")


@scenario
def given_another_ones_account_when_a_customer_asks_then_it_is_not_shown():
    with Session(bank, "ada") as ada:
        for account in ("@bob", "@lobby#1", "12345678", "1"):
            answer = ada.balance(account)
            check(answer["error"] in ("SR_NOT_ALLOWED", "SR_NOT_FOUND"),
                  f"{account}: {answer}")
            equal(answer["posted"], 0, "what is shown")
            answer = ada.statement(account)
            check(answer["error"] in ("SR_NOT_ALLOWED", "SR_NOT_FOUND"),
                  f"{account}: {answer}")


@scenario
def given_all_of_this_when_the_books_are_counted_then_the_sum_is_zero():
    with Session(bank, card=card, terminal=card) as till:
        held = till.balance()["posted"]
    equal(bank.balance("ada") + bank.balance("bob") + held, 0, "the sum")
    bank.stop()
    bank.verify().ends(3)


if __name__ == "__main__":
    run()
