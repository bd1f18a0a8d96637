#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Undo: the payee of a transfer gives it back, a till takes a deposit back;
never twice, never more, and by nobody else.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DECLINED, DONE, INTACT, USAGE, Bank  # noqa: E402
from lib.scenario import contains, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402

UNDO = 6

bank = lobby = hall = None


def undo(user, entry, *more, **options):
    return bank.atm(user, "undo", str(entry), *more, **options)


def pay(payer, payee, amount, *more):
    return bank.atm(payer, "transfer", payee, amount, "--json",
                    *more).json()["leaf"]


def pay_in(user, amount, card=None):
    return bank.atm(user, "deposit", amount, "--json",
                    terminal=card or lobby).json()["leaf"]


def cash(card):
    return bank.atm(None, "till", "show", "--json",
                    terminal=card).json()["cash_minor"]


@scenario
def given_a_payment_when_its_payee_undoes_it_then_the_payer_has_it_again():
    global bank, lobby, hall
    bank = Bank.found().start()
    lobby, hall = bank.enrol("lobby"), bank.enrol("hall")
    for name in ("ada", "bob", "eve"):
        bank.register(name)
    pay_in("ada", "100.00")
    entry = pay("ada", "bob", "12.50", "--memo", "pizza")
    said = undo("bob", f"#{entry}", "--memo", "no pizza").ends(DONE)
    contains(said.out, "undo of 12.50 EUR to ada booked")
    contains(said.out, "balance 0.00 EUR")
    equal((bank.balance("ada"), bank.balance("bob")), (10000, 0))
    for user, amount in (("ada", 1250), ("bob", -1250)):
        line = bank.statement(user)[0]
        equal((line["kind"], line["amount_minor"], line["refers_to"],
               line["memo"]), ("undo", amount, entry, "no pizza"))
    contains(bank.atm("ada", "statement").ends(DONE).out,
             f"bob  no pizza of #{entry}")


@scenario
def given_an_undone_payment_when_it_is_undone_again_then_it_is_declined():
    entry = pay("ada", "bob", "5.00")
    undo("bob", entry, "--id", "U1").ends(DONE, "booked (entry")
    undo("bob", entry, "--id", "U1").ends(DONE, "before; not again")
    undo("bob", entry).ends(DECLINED, "undone or reversed already")
    equal((bank.balance("ada"), bank.balance("bob")), (10000, 0))
    # an undo is no payment
    undo("ada", bank.statement("ada")[0]["leaf"]).ends(
        DECLINED, "only a payment that you got")
    bank.ctl(*bank.operators(), "reverse", str(entry), "--memo", "x").ends(
        DECLINED, "undone or reversed already")


@scenario
def given_a_reversed_payment_when_its_payee_undoes_it_then_it_is_declined():
    entry = pay("ada", "bob", "7.00")
    bank.ctl(*bank.operators(), "reverse", str(entry), "--memo",
             "a mistake").ends(DONE)
    undo("bob", entry).ends(DECLINED, "undone or reversed already")
    line = bank.statement("ada")[0]
    equal((line["kind"], line["amount_minor"], line["refers_to"]),
          ("reverse", 700, entry))
    equal((bank.balance("ada"), bank.balance("bob")), (10000, 0))


@scenario
def given_a_payment_when_others_undo_it_then_they_cannot():
    entry = pay("ada", "bob", "9.00")
    undo("ada", entry).ends(DECLINED, "only its payee gives it back")
    undo("eve", entry).ends(DECLINED, "stands in your statement")
    undo("bob", 999999).ends(DECLINED, "stands in your statement")
    bank.atm(None, "undo", str(entry), terminal=lobby).ends(
        DECLINED, "this till's statement")
    for text in ("x", "", "-1", "0", "1.5", "#", "1" * 30):
        undo("bob", "--", text).ends(USAGE)
    # with the keys in hand and no program in between
    for user, fields in (("ada", {}), ("eve", {}), ("bob", {"amount": 901}),
                         ("bob", {"amount": 899}),
                         ("bob", {"credit": "@eve"})):
        with Session(bank, user) as session:
            wanted = dict(kind=UNDO, debit="@bob", credit="@ada", amount=900,
                          refers_to=entry)
            answer = session.order(**dict(wanted, **fields))
            equal(answer["error"], "SR_OK")
            equal(answer["outcome"],
                  "SR_PARAMETERS" if fields else "SR_NOT_YOURS", user)
    equal(bank.balance("bob"), 900)


@scenario
def given_a_payee_without_the_money_when_it_undoes_then_it_is_declined():
    entry = bank.statement("bob")[0]["leaf"]
    pay("bob", "eve", "5.00")
    undo("bob", entry).ends(DECLINED, "not enough money")
    pay("eve", "bob", "5.00")
    undo("bob", entry).ends(DONE)
    equal((bank.balance("ada"), bank.balance("bob")), (10000, 0))


@scenario
def given_a_payment_to_a_further_account_when_undone_then_from_there():
    bank.atm("bob", "account", "open", "fair").ends(DONE)
    number = [line["number"] for line in
              bank.atm("bob", "account", "list", "--json").json_lines()
              if line["label"] == "fair"][0]
    entry = pay("ada", number, "3.00")
    undo("bob", entry).ends(DONE, "undo of 3.00 EUR to ada")
    equal(bank.balance("ada"), 10000)
    own = pay("ada", "bob", "2.00")
    undo("bob", own).ends(DONE)
    # between own accounts the one that took gives it back
    pay("ada", "bob", "4.00")
    own = bank.atm("bob", "transfer", "self", "4.00", "--to", "fair",
                   "--json").json()["leaf"]
    undo("bob", own).ends(DONE)
    equal(bank.balance("bob"), 400)


@scenario
def given_a_deposit_when_the_till_undoes_it_then_the_cash_goes_back():
    before = cash(lobby)
    entry = pay_in("eve", "20.00")
    equal(cash(lobby), before + 2000)
    undo("eve", entry).ends(DECLINED, "entry")
    bank.atm(None, "undo", str(entry), terminal=hall).ends(
        DECLINED, "this till's statement")
    said = bank.atm(None, "undo", str(entry), terminal=lobby).ends(DONE)
    contains(said.out, "deposit of 20.00 EUR to eve undone")
    contains(said.err, "hand the cash back")
    equal((cash(lobby), bank.balance("eve")), (before, 0))
    bank.atm(None, "undo", str(entry), terminal=lobby).ends(
        DECLINED, "undone or reversed already")
    line = bank.statement("eve")[0]
    equal((line["kind"], line["amount_minor"], line["refers_to"]),
          ("undo", -2000, entry))


@scenario
def given_a_deposit_that_was_spent_when_the_till_undoes_it_then_declined():
    entry = pay_in("eve", "20.00")
    pay("eve", "ada", "1.00")
    bank.atm(None, "undo", str(entry), terminal=lobby).ends(
        DECLINED, "not enough money")
    # two operators take back what is no till's to take back any more
    pay("ada", "eve", "1.00")
    bank.ctl(*bank.operators(), "policy", "--undo-minutes", "0").ends(DONE)
    bank.atm(None, "undo", str(entry), terminal=lobby).ends(
        DECLINED, "the time")
    bank.ctl(*bank.operators(), "reverse", str(entry), "--memo",
             "twice paid in").ends(DONE)
    equal(bank.balance("eve"), 0)


@scenario
def given_the_menu_when_a_payment_is_undone_then_it_is():
    entry = pay("ada", "eve", "6.00")
    with Terminal(bank.atm_words("eve"), bank.environment("eve")) as screen:
        screen.expect("Password: ")
        screen.type(bank.passwords["eve"])
        screen.expect("Your choice: ")
        screen.type("undo")
        screen.expect("Which entry of the statement: ")
        screen.type(str(entry))
        screen.expect("undo of 6.00 EUR to ada booked")
        screen.expect("Your choice: ")
        screen.type("exit")
        equal(screen.end(), 0)
    equal(bank.balance("eve"), 0)


@scenario
def given_all_that_when_the_books_are_verified_then_they_hold():
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
