#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
The operator's commands on a running bank: what one may do alone, what waits
for another, and what neither gets.
"""
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (CTL, DECLINED, DONE, USAGE, Bank,  # noqa: E402
                      free_port, temporary_directory)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import APPROVE, Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402

ISSUE, ADJUST, POLICY, ROLE, RAISE_LIMIT, LOWER_LIMIT = 8, 9, 10, 11, 12, 16
ACCOUNT_OPEN = 30
NONE = 2**63 - 1

bank = lobby = None


def card(number):
    return bank.directory / f"operator-{number}.card"


def one(*words):
    return bank.ctl("--as", card(1), *words)


def two(*words):
    return bank.ctl("--as", card(2), *words)


def both(*words):
    """Asked and approved in one run; the number of the entry."""
    return int(bank.ctl(*bank.operators(), *words).ends(DONE).out)


def asked(*words):
    """The number of the request that one operator alone leaves open."""
    return int(one(*words).ends(DONE, "nothing is done until").out)


def account(text):
    return one("account", "show", text, "--json").json()


def waiting():
    return {line["request"]: line
            for line in one("requests", "--json").json_lines()}


@scenario
def given_a_new_bank_when_it_is_looked_at_then_rules_and_roles_are_told():
    global bank, lobby
    bank = Bank.found().start()
    lobby = bank.enrol("lobby", "1000.00")
    for name in ("ada", "bob", "cleo"):
        bank.register(name)
    rules = one("policy", "--json").json()
    equal((rules["type"], rules["floor_minor"], rules["ceiling_minor"],
           rules["day_limit_minor"], rules["undo_ms"]),
          ("cash", 0, None, None, 900000))
    equal(one("policy", "show").ends(DONE).out, one("policy").out)
    people = {line["name"]: line for line in
              one("role", "list", "--json").json_lines()}
    equal({name: line["role"] for name, line in people.items()},
          {"operator-1": "operator", "operator-2": "operator",
           "lobby": "terminal"})
    equal(people["lobby"]["till"], "lobby/till")
    one("requests").ends(DONE, "nothing waits")


@scenario
def given_one_operator_when_money_is_issued_then_it_waits_for_the_other():
    number = asked("issue", "ada", "50.00", "--memo", 'the "start"')
    equal(bank.balance("ada"), 0)
    line = waiting()[number]
    equal((line["requester"], line["kind"], line["amount_minor"],
           line["says"]), ("operator-1", "issue", 5000,
                           'issue 50.00 EUR to ada: the "start"'))
    equal(line["expires_ms"] - line["time_ms"], 24 * 3600 * 1000)
    one("approve", str(number)).ends(DECLINED, "request of their own")
    equal(bank.balance("ada"), 0)
    entry = two("approve", f"#{number}").ends(
        DONE, "operator-1 asks to issue 50.00 EUR to ada").out
    equal(bank.balance("ada"), 5000)
    equal(waiting(), {})
    two("approve", str(number)).ends(DECLINED, "can be approved")
    line = bank.statement("ada")[0]
    equal((line["kind"], line["leaf"], line["memo"]),
          ("issue", int(entry), 'the "start"'))


@scenario
def given_an_operator_at_a_terminal_when_he_says_no_then_nothing_is_approved():
    number = asked("issue", "ada", "1.00", "--memo", "one more")
    words = [CTL, "-c", bank.conf, "--as", card(2), "approve", number]
    for answer, code, balance in (("", DECLINED, 5000), ("n", DECLINED, 5000),
                                  ("y", DONE, 5100)):
        with Terminal(words, bank.environment("operator")) as screen:
            contains(screen.expect("approve it?"), "issue 1.00 EUR to ada")
            screen.type(answer)
            equal(screen.end(), code, f"after {answer!r}")
        equal(bank.balance("ada"), balance)


@scenario
def given_a_posting_when_two_operators_reverse_it_then_once():
    entry = both("issue", "bob", "7.00", "--memo", "by mistake")
    back = both("reverse", str(entry), "--memo", "was a mistake")
    line = bank.statement("bob")[0]
    equal((line["kind"], line["amount_minor"], line["refers_to"],
           line["leaf"]), ("reverse", -700, entry, back))
    one("reverse", str(entry), "--memo", "again").ends(
        DECLINED, "undone or reversed already")
    one("reverse", str(back), "--memo", "back again").ends(
        DECLINED, "no transfer, deposit, issue or adjustment")
    # what was paid on is not there any more
    bank.deposit(lobby, "bob", "3.00")
    bank.transfer("bob", "cleo", "3.00")
    deposit = next(line["leaf"] for line in bank.statement("bob")
                   if line["kind"] == "deposit")
    one("reverse", str(deposit), "--memo", "gone").ends(
        DECLINED, "not enough money")


@scenario
def given_two_accounts_when_two_operators_adjust_then_money_moves():
    both("adjust", "/over-short", "bob", "2.50", "--memo", "found in a till")
    equal(bank.balance("bob"), 250)
    number = bank.ctl(*bank.operators(), "account", "show", "bob",
                      "--json").json()["number"]
    equal(number, bank.atm("bob", "balance", "--json").json()["number"])
    both("adjust", number, "/over-short", "2,50", "--memo", "it was not his")
    equal(bank.balance("bob"), 0)
    both("adjust", "lobby", "/over-short", "1.00", "--memo", "more cash")
    equal(account("lobby/till")["balance_minor"], -400)
    both("adjust", "/over-short", "lobby/till", "1.00", "--memo", "counted")


@scenario
def given_an_account_when_one_freezes_it_then_two_thaw_it():
    one("account", "freeze", "ada").ends(DONE, "ada is frozen")
    equal(account("ada")["status"], "frozen")
    bank.atm("ada", "transfer", "bob", "1.00").ends(DECLINED, "frozen")
    bank.deposit(lobby, "ada", "1.00")
    one("account", "freeze", "ada").ends(DECLINED, "done already")
    number = asked("account", "unfreeze", "ada")
    equal(waiting()[number]["says"], "unfreeze ada")
    equal(account("ada")["status"], "frozen")
    two("approve", str(number)).ends(DONE)
    bank.transfer("ada", "bob", "1.00")
    bank.transfer("bob", "ada", "1.00")
    one("account", "freeze", "/issue").ends(DECLINED)


@scenario
def given_limits_when_they_get_narrower_then_one_operator_is_enough():
    entry = one("account", "limits", "ada", "--ceiling", "100", "--day-limit",
                "30.00").ends(DONE, "nothing gets wider").out
    check(int(entry) > 0, "no entry is printed")
    now = account("ada")
    equal((now["floor_minor"], now["soft_floor_minor"], now["ceiling_minor"],
           now["day_limit_minor"], now["day_left_minor"]),
          (0, 0, 10000, 3000, 3000))
    bank.transfer("ada", "bob", "20.00")
    equal(account("ada")["day_left_minor"], 1000)
    bank.atm("ada", "transfer", "bob", "10.01").ends(DECLINED, "24 hours")
    bank.atm("ada", "deposit", "99.00", terminal=lobby).ends(
        DECLINED, "may not hold so much")
    one("account", "limits", "ada", "--ceiling", "100").ends(
        DECLINED, "in force already")
    one("account", "limits", "ada", "--soft-floor", "5").ends(DONE)
    equal(account("ada")["soft_floor_minor"], 500)
    # one that gets wider is enough
    for wider in (("--day-limit", "30.01"), ("--ceiling", "100.01"),
                  ("--floor", "-0.01", "--ceiling", "50")):
        asked("account", "limits", "ada", *wider)
    equal(account("ada")["ceiling_minor"], 10000)


@scenario
def given_limits_when_one_gets_wider_then_they_wait_for_the_other():
    number = asked("account", "limits", "ada", "--floor", "-20", "--day-limit",
                   "none")
    equal(waiting()[number]["says"],
          "set the limits of ada: floor -20.00 EUR, soft floor 5.00 EUR, "
          "ceiling 100.00 EUR, day limit none")
    equal(account("ada")["floor_minor"], 0)
    two("approve", str(number)).ends(DONE)
    now = account("ada")
    equal((now["floor_minor"], now["day_limit_minor"]), (-2000, None))
    bank.transfer("ada", "bob", "40.00")
    equal(bank.balance("ada"), -800)
    # beyond a limit: what leads back is never refused
    one("account", "limits", "ada", "--floor", "0").ends(DONE)
    bank.atm("ada", "transfer", "bob", "0.01").ends(DECLINED, "not enough")
    bank.transfer("bob", "ada", "8.00")
    one("account", "limits", "lobby", "--max", "500").ends(DONE)
    number = asked("account", "limits", "lobby", "--max", "600")
    equal(waiting()[number]["says"],
          "let lobby/till hold at most 600.00 EUR in cash")
    two("approve", str(number)).ends(DONE)
    equal(account("lobby/till")["floor_minor"], -60000)


@scenario
def given_two_operators_when_they_give_roles_then_each_has_what_it_needs():
    for name in ("tess", "theo", "olga", "auda"):
        bank.register(name)
    both("role", "set", "tess", "teller", "--max", "100.00")
    both("role", "set", "theo", "teller", "--till", "tess")
    both("role", "set", "olga", "operator")
    both("role", "set", "auda", "auditor")
    people = {line["name"]: (line["role"], line["till"]) for line in
              one("role", "list", "--json").json_lines()}
    equal(people["tess"], ("teller", "tess/till"))
    equal(people["theo"], ("teller", "tess/till"))
    equal(people["olga"], ("operator", None))
    equal(people["auda"], ("auditor", None))
    equal(account("tess/till")["floor_minor"], -10000)
    # whoever has money or a role is given none
    one("role", "set", "bob", "operator").ends(DECLINED, "must be empty")
    one("role", "set", "olga", "operator").ends(DECLINED, "done already")
    one("role", "set", "olga", "auditor").ends(DECLINED, "parameters")
    both("role", "set", "auda", "customer")
    equal(account("auda")["status"], "open")


@scenario
def given_somebody_new_when_she_is_made_operator_then_her_card_approves():
    new = bank.base / "zita.card"
    both("role", "set", "zita", "operator", "--out", new)
    number = asked("issue", "cleo", "1.00", "--memo", "welcome")
    bank.ctl("--as", new, "approve", str(number)).ends(DONE)
    equal(bank.balance("cleo"), 400)
    number = int(bank.ctl("--as", new, "issue", "cleo", "1.00", "--memo",
                          "once more").ends(DONE).out)
    equal(waiting()[number]["requester"], "zita")
    # what somebody asked for who is out is void
    one("role", "revoke", "zita").ends(DONE, "revoked as operator")
    two("approve", str(number)).ends(DECLINED, "can be approved")
    bank.ctl("--as", new, "requests").ends(DECLINED)
    one("role", "set", "yves", "operator", "--out", new).ends(USAGE, "exists")
    one("role", "set", "yves", "customer", "--out", "yves.card").ends(
        USAGE, "--out")
    auditor = bank.base / "walt.card"
    both("role", "set", "walt", "auditor", "--out", auditor)
    seen = bank.ctl("--as", auditor, "account", "list").ends(DONE).out
    equal(seen, one("account", "list").out)
    bank.ctl("--as", auditor, "issue", "cleo", "1.00", "--memo",
             "no").ends(DECLINED, "role")
    bank.ctl("--as", lobby, "role", "list").ends(DECLINED, "operator's")


@scenario
def given_one_operator_when_a_role_is_taken_then_at_once():
    one("role", "revoke", "theo").ends(DONE, "revoked as teller")
    equal(account("tess/till")["status"], "open")
    number = asked("policy", "--undo-minutes", "7")
    one("role", "revoke", "olga").ends(DONE, "revoked as operator")
    one("role", "revoke", "olga").ends(DECLINED, "done already")
    people = {line["name"]: line["revoked"] for line in
              one("role", "list", "--json").json_lines()}
    equal((people["theo"], people["olga"], people["tess"]),
          (True, True, False))
    two("approve", str(number)).ends(DONE)
    equal(one("policy", "--json").json()["undo_ms"], 7 * 60000)
    both("policy", "--request-minutes", "90")
    rules = one("policy", "--json").json()
    equal((rules["undo_ms"], rules["request_life_ms"]), (7 * 60000, 90 * 60000))
    one("role", "revoke", "operator-2").ends(DECLINED, "two operators")
    one("role", "revoke", "ada").ends(DECLINED, "has no role")
    one("role", "revoke", "lobby").ends(DECLINED, "terminal revoke")
    one("role", "set", "operator-2", "customer").ends(
        DECLINED, "two operators")


@scenario
def given_a_new_policy_when_somebody_registers_then_it_has_those_limits():
    number = asked("policy", "--floor", "-10", "--ceiling", "70",
                   "--day-limit", "40")
    contains(waiting()[number]["says"],
             "floor -10.00 EUR, soft floor -10.00 EUR, ceiling 70.00 EUR, "
             "day limit 40.00 EUR")
    two("approve", str(number)).ends(DONE)
    bank.register("nora")
    bank.atm("nora", "balance").ends(DONE)
    now = account("nora")
    equal((now["floor_minor"], now["soft_floor_minor"], now["ceiling_minor"],
           now["day_limit_minor"]), (-1000, -1000, 7000, 4000))
    equal(account("bob")["ceiling_minor"], None)


@scenario
def given_cash_in_a_till_when_two_operators_take_it_out_then_it_is_booked():
    tills = {line["account"]: line["balance_minor"] for line in
             one("till", "list", "--json").json_lines()}
    equal(tills["lobby/till"], account("lobby/till")["balance_minor"])
    check("bob" not in tills and "/issue" not in tills, f"{tills}")
    number = asked("till", "cash-out", "lobby", "1.50", "--memo", "to safe")
    equal(waiting()[number]["says"],
          "take 1.50 EUR in cash out of lobby/till into the safe: to safe")
    two("approve", str(number)).ends(DONE)
    equal(account("lobby/till")["balance_minor"], tills["lobby/till"] + 150)
    one("till", "cash-out", "lobby", "999.00", "--memo", "no").ends(
        DECLINED, "does not have so much cash")
    one("till", "cash-out", "bob", "1.00", "--memo", "no").ends(
        DECLINED, "no till")


@scenario
def given_further_accounts_when_they_are_named_then_each_is_that_one():
    with Session(bank, "bob") as bob:
        bob.booked(kind=ACCOUNT_OPEN, debit=0,
                   credit=bob.facts["customer"] << 16 | 2,
                   attachment=b"savings".hex())
    both("issue", "bob/savings", "5.00", "--memo", "a present")
    equal(account("bob/savings")["balance_minor"], 500)
    equal(account("bob/savings")["account"], "bob/savings")
    lines = one("account", "show", "bob", "--json").json_lines()
    equal([line["account"] for line in lines], ["bob", "bob/savings"])
    listed = {line["account"]: line["balance_minor"] for line in
              one("account", "list", "--json").json_lines()}
    equal(sum(listed.values()), 0, "the sum of all accounts")
    equal(listed["bob/savings"], 500)
    check("/issue" in listed and "tess/till" in listed, f"{listed}")


@scenario
def given_mistakes_when_they_are_typed_then_nothing_happens_and_it_is_said():
    def wrong(code, sentence, *words):
        one(*words).ends(code, sentence)

    before = one("status", "--json").json()["tree_size"]
    wrong(USAGE, "--memo", "issue", "ada", "1.00")
    wrong(USAGE, "--memo", "issue", "ada", "1.00", "--memo", "a\nb")
    wrong(USAGE, "--memo", "reverse", "5", "--memo", "m" * 257)
    memo = ("--memo", "why")
    wrong(USAGE, "1.001", "issue", "ada", "1.001", *memo)
    wrong(USAGE, "-1.00", "issue", "--memo", "why", "--", "ada", "-1.00")
    wrong(USAGE, "0", "issue", "ada", "0", *memo)
    wrong(DECLINED, "nobody of that name", "issue", "nobody", "1.00", *memo)
    wrong(USAGE, "3 to 32", "issue", "A", "1.00", *memo)
    wrong(DECLINED, "no such account", "issue", "ada/savings", "1", *memo)
    wrong(USAGE, "check digits", "adjust", "3008 1", "ada", "1.00", *memo)
    wrong(USAGE, "number of an entry", "reverse", "five", *memo)
    wrong(USAGE, "number of an entry", "approve", "0")
    wrong(DECLINED, "can be approved", "approve", "999999")
    wrong(DECLINED, "no transfer", "reverse", "1", *memo)
    wrong(USAGE, "teller, operator", "role", "set", "ada", "king")
    wrong(USAGE, "terminal add", "role", "set", "ada", "terminal")
    wrong(USAGE, "--max", "role", "set", "ada", "teller")
    wrong(USAGE, "--max", "role", "set", "ada", "operator", "--max", "1")
    wrong(DECLINED, "no such account", "role", "set", "ada", "teller",
          "--till", "ada/till")
    wrong(USAGE, "which limit", "account", "limits", "ada")
    wrong(USAGE, "--floor is 0 or negative", "account", "limits", "ada",
          "--floor", "1")
    wrong(USAGE, "between floor and ceiling", "account", "limits", "ada",
          "--soft-floor", "-99")
    wrong(USAGE, "`none'", "account", "limits", "ada", "--ceiling", "lots")
    wrong(USAGE, "--max is for a till", "account", "limits", "ada", "--max",
          "5")
    wrong(USAGE, "--max is for a till", "account", "limits", "lobby",
          "--floor", "-5")
    wrong(USAGE, "--undo-minutes", "policy", "--undo-minutes", "soon")
    wrong(USAGE, "--request-minutes", "policy", "--request-minutes", "0")
    wrong(USAGE, "--request-minutes", "policy", "--request-minutes", "525601")
    wrong(USAGE, "--ceiling 0", "policy", "--ceiling", "0")
    wrong(USAGE, "the command is", "issue", "ada")
    wrong(USAGE, "it is one of these", "account", "burn", "ada")
    bank.ctl(*bank.operators(), "approve", "3").ends(USAGE, "--as")
    bank.ctl("requests").ends(USAGE, "--as")
    equal(one("status", "--json").json()["tree_size"], before,
          "entries in the log")


@scenario
def given_an_operators_key_when_it_acts_alone_then_no_money_and_no_limit():
    """What a stolen card signs, past the tool's own checks."""
    def limits(*figures):
        return struct.pack("<5q", *figures).hex()

    bank.register("vera")
    with Session(bank, card=card(1)) as thief:
        ada = thief.find("ada") << 16
        before = account("ada")
        # credit -20.00 for ada, in every way that there is
        wide = limits(ada, -2000, -2000, NONE, NONE)
        for fields in (
                {"kind": ISSUE, "debit": 1, "credit": ada, "amount": 999},
                {"kind": ADJUST, "debit": 2, "credit": ada, "amount": 999},
                {"kind": RAISE_LIMIT, "debit": 0, "attachment": wide},
                {"kind": POLICY, "debit": 0, "attachment": struct.pack(
                    "<4q3Q8x", -5000, -5000, NONE, NONE, 120000,
                    10**9, 0).hex()},
                {"kind": ROLE, "debit": 0, "attachment": struct.pack(
                    "<QB7xQq", thief.find("vera"), 4, 0, 0).hex()}):
            request = thief.booked(**fields)
            own = thief.order(kind=APPROVE, debit=0,
                              refers_to=request["leaf"],
                              attachment=request["hash"])
            equal(own["outcome"], "SR_OWN_REQUEST", f"{fields}")
        lower = thief.order(kind=LOWER_LIMIT, debit=0, attachment=wide)
        equal(lower["outcome"], "SR_NOT_LOWER", "a wider limit, lowered")
        transfer = thief.order(debit=ada, credit="@bob", amount=1)
        equal(transfer["outcome"], "SR_ROLE", "an operator's transfer")
        equal(account("ada"), before)
    check(len(waiting()) >= 5, "the other operator sees the requests")


@scenario
def given_the_day_when_it_is_verified_then_every_order_is_carried_out_again():
    bank.stop()
    bank.verify().ends(3)
    bank.start()
    equal(account("lobby/till")["floor_minor"], -60000)
    equal(one("policy", "--json").json()["floor_minor"], -1000)
    bank.stop()


@scenario
def given_mutual_credit_when_members_pay_then_the_limit_alone_makes_money():
    global bank
    for _ in range(3):
        bank = Bank(temporary_directory(), free_port())
        if Bank.namespaces is None:
            raise AssertionError("another scenario has founded a bank")
        done = bank.init("HOUR:2", "--type", "mutual-credit", "--limit",
                         "20.00")
        if done.code == DONE:
            break
    done.ends(DONE)
    bank.start()
    rules = one("policy", "--json").json()
    equal((rules["type"], rules["floor_minor"], rules["ceiling_minor"]),
          ("mutual-credit", -2000, 2000))
    bank.register("ada")
    bank.register("bob")
    bank.transfer("ada", "bob", "20.00")
    equal((bank.balance("ada"), bank.balance("bob")), (-2000, 2000))
    bank.atm("ada", "transfer", "bob", "0.01").ends(DECLINED)
    one("issue", "ada", "1.00", "--memo", "why").ends(
        DECLINED, "mutual credit")
    listed = [line["account"] for line in
              one("account", "list", "--json").json_lines()]
    check("/issue" not in listed, "there is an issue account")
    bank.stop()


@scenario
def given_a_wrong_type_when_a_bank_is_founded_then_nothing_is_made():
    other = Bank(temporary_directory(), free_port())
    for words, sentence in (
            (("--type", "credit"), "cash or mutual-credit"),
            (("--limit", "5.00"), "--type mutual-credit"),
            (("--type", "mutual-credit", "--limit", "-5"), "--limit -5")):
        other.init("HOUR:2", *words).ends(USAGE, sentence)
        check(not other.directory.exists(), "a directory was made")


if __name__ == "__main__":
    run()
