#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Several accounts a customer: opened, closed, paid from and to, by label and by
number; their limits and what is told of them.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (DECLINED, DONE, INTACT, USAGE,  # noqa: E402
                      WRONG_PASSWORD, Bank)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.terminal import Terminal  # noqa: E402

bank = lobby = None


def accounts(user):
    """Label to what is told of each account."""
    return {line["label"]: line for line in
            bank.atm(user, "account", "list", "--json").json_lines()}


def number(user, label="main"):
    return accounts(user)[label]["number"]


def balances(user):
    return {label: line["balance_minor"]
            for label, line in accounts(user).items()
            if line["status"] != "closed"}


def last(user, *more):
    return bank.atm(user, "statement", "--json", "--count", "1",
                    *more).json()


def checked(digits):
    """The number that these digits make, by ISO 7064, MOD 97-10."""
    return f"{digits}{98 - int(digits) * 100 % 97:02}"


@scenario
def given_a_customer_when_an_account_is_opened_then_it_has_a_number():
    global bank, lobby
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
        bank.deposit(lobby, name, "100.00")
    customer = bank.atm("ada", "balance", "--json").json()["account"]
    customer = customer.split("-")[0]
    said = bank.atm("ada", "account", "open", "savings").ends(DONE)
    shown = checked(customer + "02")
    spaced = " ".join(shown[i:i + 4] for i in range(0, len(shown), 4))
    contains(said.out, f"account savings opened: number {spaced}")
    told = accounts("ada")
    equal(sorted(told), ["main", "savings"])
    equal(told["savings"]["number"], shown)
    equal(told["main"]["number"], checked(customer + "00"))
    equal((told["savings"]["floor_minor"], told["savings"]["status"]),
          (0, "open"))
    said = bank.atm("ada", "account", "list").ends(DONE).out.splitlines()
    equal([line.split()[0] for line in said], ["main", "savings"])
    contains(said[1], spaced)
    contains(bank.atm("ada", "balance").ends(DONE).out, "\naccount ")


@scenario
def given_what_cannot_be_an_account_when_it_is_opened_then_a_sentence_says_so():
    for label in ("Savings", "1st", "", "a" * 17, "-x", "sav ings", "sparen!"):
        bank.atm("ada", "account", "open", "--", label).ends(
            USAGE, "begins with a letter")
    bank.atm("ada", "account", "open", "main").ends(DECLINED, "already")
    bank.atm("ada", "account", "open", "savings").ends(
        DECLINED, "you have an account of that name")
    for words in (("open",), ("close",), ("list", "x"), ("shut", "savings"),
                  ("open", "a", "b"), ()):
        bank.atm("ada", "account", *words).ends(USAGE, "it is")
    bank.atm("ada", "account", "open", "x", "--memo", "m").ends(USAGE, "memo")
    equal(sorted(accounts("ada")), ["main", "savings"])


@scenario
def given_an_account_when_money_moves_between_own_ones_then_both_know():
    said = bank.atm("ada", "transfer", "self", "30.00", "--to",
                    "savings").ends(DONE)
    contains(said.out, "to your account savings booked")
    equal(balances("ada"), {"main": 7000, "savings": 3000})
    bank.atm("ada", "transfer", "self", "5.00", "--from", "savings",
             "--to", "main").ends(DONE)
    equal(balances("ada"), {"main": 7500, "savings": 2500})
    told = last("ada", "--account", "savings")
    equal((told["amount_minor"], told["balance_minor"]), (-500, 2500))
    contains(bank.atm("ada", "statement").ends(DONE).out, "own account")
    bank.atm("ada", "transfer", "self", "1.00").ends(USAGE, "--from LABEL")
    bank.atm("ada", "transfer", "self", "1.00", "--from", "savings",
             "--to", "savings").ends(DECLINED, "the same account")
    bank.atm("ada", "transfer", "self", "1.00", "--to", "cellar").ends(
        DECLINED, "you have no such account")
    bank.atm("ada", "transfer", "bob", "1.00", "--to", "savings").ends(
        USAGE, "by its number")
    equal(balances("ada"), {"main": 7500, "savings": 2500})


@scenario
def given_a_further_account_when_it_pays_then_it_never_goes_below_nothing():
    bank.atm("ada", "transfer", "bob", "20.00", "--from", "savings").ends(
        DONE, "balance 5.00 EUR")
    bank.atm("ada", "transfer", "bob", "5.01", "--from", "savings").ends(
        DECLINED, "not enough money")
    told = last("bob")
    equal((told["name"], told["amount_minor"]), ("ada", 2000))
    equal(balances("bob"), {"main": 12000})


@scenario
def given_an_account_number_when_it_is_paid_then_it_gets_it():
    bank.atm("bob", "account", "open", "fair").ends(DONE)
    theirs = number("bob", "fair")
    for text in (theirs, f"{theirs[:4]} {theirs[4:]}",
                 "-".join(theirs)):
        bank.atm("ada", "transfer", text, "1.00").ends(DONE, "booked")
    equal(balances("bob")["fair"], 300)
    # one's own money is reached by number, too
    bank.atm("bob", "transfer", "self", "3.00", "--from", theirs).ends(DONE)
    equal(bank.atm("bob", "balance", "--json", "--account",
                   theirs).json()["balance_minor"], 0)
    # nobody learns a name by a number
    said = bank.atm("ada", "transfer", number("bob"), "0.01", "--json").json()
    equal(said["payee"], number("bob"))


@scenario
def given_a_mistyped_number_when_it_is_paid_then_it_is_found():
    theirs = number("bob")
    before = balances("ada")
    swapped = theirs[1] + theirs[0] + theirs[2:]
    wrong = theirs[:-1] + str((int(theirs[-1]) + 1) % 10)
    # somebody bears the mistyped number as a name
    bank.register(wrong)
    for text in (wrong, swapped, wrong[:4] + " " + wrong[4:]):
        said = bank.atm("ada", "transfer", text, "1.00").ends(USAGE)
        contains(said.err, "account number")
    for text in ("12", "1200  87", "0" + theirs, "9" * 30):
        bank.atm("ada", "transfer", text, "1.00").ends(
            USAGE, "an account number is")
    bank.atm("ada", "transfer", checked("99999900"), "1.00").ends(
        DECLINED, "nobody here has that number")
    bank.atm("ada", "transfer", checked(theirs[:-4] + "77"), "1.00").ends(
        DECLINED, "no such account")
    # and is paid by number
    bank.atm("ada", "transfer", number(wrong), "1.00").ends(DONE)
    equal(balances("ada")["main"], before["main"] - 100)


@scenario
def given_cash_when_it_comes_and_goes_then_any_own_account_will_do():
    before = balances("ada")
    bank.atm("ada", "deposit", "10.00", "--to", "savings",
             terminal=lobby).ends(DONE)
    said = bank.atm("ada", "withdraw", "4.00", "--from", "savings", "--id",
                    "W1", terminal=lobby).ends(DONE)
    contains(said.out, f"balance {(before['savings'] + 600) / 100:.2f} EUR")
    again = bank.atm("ada", "withdraw", "4.00", "--from", "savings", "--id",
                     "W1", terminal=lobby).ends(DONE)
    contains(again.out, "booked before; not again")
    equal(balances("ada"), dict(before, savings=before["savings"] + 600))
    bank.atm("ada", "withdraw", "4.00", "--from", "attic",
             terminal=lobby).ends(DECLINED, "no such account")


@scenario
def given_limits_when_money_goes_out_then_what_is_left_is_told():
    bank.ctl(*bank.operators(), "account", "limits", "ada", "--floor", "-20",
             "--soft-floor", "60", "--day-limit", "50").ends(DONE)
    before = balances("ada")["main"]
    said = bank.atm("ada", "transfer", "bob", "15.00").ends(DONE)
    contains(said.err, "of the 50.00 EUR that may leave it in 24 hours 35.00"
                       " are left")
    equal("take care" in said.err, before - 1500 < 6000)
    # between own accounts nothing is counted
    bank.atm("ada", "transfer", "self", "1.00", "--to", "savings").ends(
        DONE, "35.00 are left")
    said = bank.atm("ada", "transfer", "bob", "35.01").ends(DECLINED)
    contains(said.err, "the last 24 hours")
    contains(said.err, "35.00 are left")
    told = bank.atm("ada", "transfer", "bob", "34.00", "--json").json()
    equal((told["day_left_minor"], told["below_soft_floor"]), (100, True))
    said = bank.atm("ada", "balance").ends(DONE)
    contains(said.err, "take care: the account is below 60.00 EUR, down to"
                       " -20.00 it may go")
    # a withdrawal is counted as well
    bank.atm("ada", "withdraw", "2.00", terminal=lobby).ends(
        DECLINED, "the last 24 hours")
    said = bank.atm("ada", "withdraw", "1.00", terminal=lobby).ends(DONE)
    contains(said.err, "24 hours 0.00 are left")
    told = bank.atm("ada", "balance", "--json").json()
    equal((told["day_left_minor"], told["floor_minor"]), (0, -2000))


@scenario
def given_a_frozen_account_when_it_is_used_then_it_takes_and_does_not_give():
    bank.ctl("--as", bank.directory / "operator-1.card", "account", "freeze",
             "ada").ends(DONE)
    bank.atm("ada", "transfer", "bob", "1.00").ends(DECLINED, "frozen")
    bank.atm("bob", "transfer", "ada", "1.00").ends(DONE)
    contains(bank.atm("ada", "balance").ends(DONE).out, ", frozen")
    equal(accounts("ada")["main"]["status"], "frozen")
    bank.ctl(*bank.operators(), "account", "unfreeze", "ada").ends(DONE)
    equal(accounts("ada")["main"]["status"], "open")


@scenario
def given_an_account_when_it_is_closed_then_it_must_be_empty_and_stays_closed():
    bank.atm("ada", "account", "close", "savings").ends(
        DECLINED, "there is money")
    rest = balances("ada")["savings"]
    bank.atm("ada", "transfer", "self", f"{rest / 100:.2f}", "--from",
             "savings").ends(DONE)
    bank.atm("ada", "account", "close", "main").ends(DECLINED, "left")
    theirs = number("ada", "savings")
    bank.atm("ada", "account", "close", "savings", "--id", "C1").ends(
        DONE, "account savings closed")
    bank.atm("ada", "account", "close", "savings", "--id", "C1").ends(
        DONE, "closed before; not again")
    bank.atm("ada", "account", "close", "savings").ends(
        DECLINED, "already")
    bank.atm("ada", "account", "close", "attic").ends(
        DECLINED, "no such account")
    bank.atm("bob", "transfer", theirs, "1.00").ends(DECLINED, "closed")
    equal(accounts("ada")["savings"]["status"], "closed")
    check("savings" not in bank.atm("ada", "balance", "--account",
                                    "all").ends(DONE).out, "closed, yet told")
    # its lines are still there, by name and number; the name is free
    equal(last("ada", "--account", "savings")["balance_minor"], 0)
    bank.atm("ada", "account", "open", "savings", "--id", "O1").ends(DONE)
    check(number("ada", "savings") != theirs, "a number was used twice")
    bank.atm("ada", "account", "open", "savings", "--id", "O1").ends(
        DONE, "opened before; not again")
    equal(last("ada", "--account", theirs)["balance_minor"], 0)


@scenario
def given_a_customer_when_eight_accounts_are_open_then_no_more_are():
    for label in "bcdefgh":
        bank.atm("bob", "account", "open", label).ends(
            DECLINED if label == "h" else DONE)
    bank.atm("bob", "account", "open", "h").ends(DECLINED, "more accounts")
    equal(len(balances("bob")), 8)
    bank.atm("bob", "account", "close", "b").ends(DONE)
    bank.atm("bob", "account", "open", "h").ends(DONE)


@scenario
def given_the_menu_when_accounts_are_used_then_they_are_there():
    words = bank.atm_words("bob")
    with Terminal(words, bank.environment("bob")) as screen:
        screen.expect("Password: ")
        screen.type(bank.passwords["bob"])
        screen.expect("Your choice: ")
        screen.type("2")
        screen.expect("To whom: ")
        screen.type("self")
        screen.expect("From (main): ")
        screen.type("")
        screen.expect("To (main): ")
        screen.type("fair")
        screen.expect("Amount in EUR: ")
        screen.type("2.00")
        screen.expect("to your account fair booked")
        screen.expect("Your choice: ")
        screen.type("accounts")
        screen.expect("fair")
        screen.expect("2.00 EUR")
        screen.expect("Your choice: ")
        screen.type("0")
        equal(screen.end(), 0)
    equal(balances("bob")["fair"], 200)


@scenario
def given_a_customer_who_goes_when_erased_then_the_name_opens_nothing():
    bank.register("ida")
    bank.atm("ida", "account", "erase").ends(USAGE, "no way back")
    bank.atm("ida", "account", "erase", "--yes").ends(
        DECLINED, "close your accounts first")
    bank.atm("ida", "account", "close", "main").ends(DONE)
    with Terminal(bank.atm_words("ida", "account", "erase"),
                  bank.environment("ida")) as screen:
        screen.expect("Password: ")
        screen.type(bank.passwords["ida"])
        screen.expect("if you mean it: ")
        screen.type("no")
        screen.expect("nothing was done")
        equal(screen.end(), DECLINED)
    bank.atm("ida", "account", "erase", "--yes").ends(DONE, "ida is erased")
    bank.atm("ida", "balance").ends(WRONG_PASSWORD)
    bank.atm("ada", "transfer", "ida", "1.00").ends(
        DECLINED, "nobody here has that name")


@scenario
def given_all_that_when_the_books_are_verified_then_they_hold():
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
