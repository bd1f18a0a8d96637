#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 on-demand
"""
A client that shares no line with ours, made from strongroom-protocol(7) in
Node.js, at a real bank: it registers, logs in, pays, re-keys and says goodbye,
and our ATM is at home in the account that it made.
"""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import foreign  # noqa: E402
from lib.bank import WRONG_PASSWORD, Bank  # noqa: E402
from lib.scenario import check, contains, equal, scenario  # noqa: E402

bank = card = client = None
MEMO = "für Brot \u2014 merci"
FORGED = 64     # the order's signature does not verify


class Client(foreign.Partner):
    def __init__(self, bank_id):
        super().__init__(foreign.node("foreign_client.mjs") + [bank_id])

    def ask(self, *words):
        self.process.stdin.write(json.dumps(words).encode() + b"\n")
        answer = json.loads(self.line())
        if "no" in answer:
            raise foreign.Refused(answer["no"])
        return answer["ok"]

    def refused(self, *words):
        try:
            said = self.ask(*words)
        except foreign.Refused as why:
            return str(why)
        raise AssertionError(f"{words} is not refused: {said}")


@scenario
def given_a_bank_when_a_foreign_client_registers_then_our_atm_may_log_in():
    global bank, card, client
    bank = Bank.found().start()
    card = bank.enrol("lobby")
    bank.register("bob")
    client = Client(bank.id)
    bank.passwords["ada"] = "the password of ada"
    customer = client.ask("register", "ada", bank.passwords["ada"])["customer"]
    check(customer > 0, "there is no customer")
    equal(bank.balance("ada"), 0, "the balance")
    bank.deposit(card, "ada", "50.00")
    bank.transfer("ada", "bob", "1.00")


@scenario
def given_a_name_of_our_atm_when_a_foreign_client_logs_in_then_it_may():
    facts = client.ask("login", "bob", bank.passwords["bob"])
    equal((facts["role"], facts["next_seq"]), (1, 1), "role and next seq")
    equal(client.ask("balance"), 100, "the balance")
    client.ask("goodbye")


@scenario
def given_a_taken_name_when_it_is_registered_then_the_bank_says_so():
    contains(client.refused("register", "bob", "another"), "98")


@scenario
def given_a_wrong_password_or_name_when_it_logs_in_then_it_is_refused():
    for name, password in (("ada", "wrong"), ("nobody", "wrong")):
        contains(client.refused("login", name, password),
                 "wrong name or password")


@scenario
def given_a_session_when_an_order_is_signed_by_node_then_it_is_booked():
    facts = client.ask("login", "ada", bank.passwords["ada"])
    equal(facts["next_seq"], 2, "the next seq")
    equal(client.ask("balance"), 4900, "the balance")
    answer = client.ask("transfer", "bob", 1250, MEMO, False)
    equal((answer["error"], answer["outcome"]), (0, 0), "error and outcome")
    equal(answer["balance"], 3650, "the balance after the order")
    (line,) = [line for line in bank.statement("bob")
               if line.get("memo") == MEMO]
    equal(line["amount_minor"], 1250, "the payee's line")


@scenario
def given_a_session_when_another_key_signs_then_the_order_is_refused():
    equal(client.ask("transfer", "bob", 1, "", True)["error"], FORGED)
    equal(client.ask("balance"), 3650, "the balance")


@scenario
def given_a_session_when_it_is_rekeyed_then_it_goes_on_under_the_next_keys():
    for generation in (1, 2, 3):
        equal(client.ask("rekey"), generation, "the keys' generation")
        answer = client.ask("transfer", "bob", 50, "", False)
        equal((answer["error"], answer["outcome"]), (0, 0), "the order")
    equal(client.ask("balance"), 3500, "the balance")


@scenario
def given_a_session_when_it_says_goodbye_then_the_bank_does_and_closes():
    client.ask("goodbye")
    equal(bank.balance("ada"), 3500, "the balance")
    equal(bank.balance("bob"), 1500, "the balance")


@scenario
def given_a_terminal_s_card_when_node_is_the_atm_then_its_deposit_is_booked():
    client.ask("terminal", str(card))
    equal(client.ask("login")["role"], 2, "the role")
    answer = client.ask("deposit", "bob", 700, "from Node")
    equal((answer["error"], answer["outcome"]), (0, 0), "error and outcome")
    equal(client.ask("balance"), -5700, "the till's balance")
    client.ask("goodbye")
    client.ask("login", "bob", bank.passwords["bob"])
    equal(client.ask("balance"), 2200, "the balance at the terminal")
    client.ask("goodbye")


@scenario
def given_a_card_with_another_psk_when_it_is_used_then_the_bank_closes():
    other = bank.base / "other.card"
    other.write_text(re.sub(
        r"psk = (..)", lambda first: f"psk = {int(first[1], 16) ^ 1:02x}",
        card.read_text()))
    stranger = Client(bank.id)
    stranger.ask("terminal", str(other))
    contains(stranger.refused("login", "bob", bank.passwords["bob"]),
             "closed the connection")


@scenario
def given_a_bank_id_of_another_bank_when_hello_comes_then_it_is_refused():
    other = bank.base / "other.id"
    text = bank.id.read_text()
    for line in text.splitlines():
        if line.startswith("identity = "):
            wrong = line[:-1] + ("0" if line[-1] != "0" else "1")
            other.write_text(text.replace(line, wrong))
    contains(Client(other).refused("login", "ada", bank.passwords["ada"]),
             "another bank")


@scenario
def given_what_it_did_when_the_bank_has_ended_then_the_ledger_is_intact():
    bank.atm("ada", "balance", password="wrong").ends(WRONG_PASSWORD)
    bank.stop()
    check(bank.verify().code in (0, 3), "the ledger does not verify")


if __name__ == "__main__":
    foreign.run_with("npm")
