#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
A bank's books once more, as simply as can be: reads what
`strongroom-verify --export` wrote and books every order from the rules in
strongroom-protocol(7) and strongroom-journal(5).  It shares no code with the
bank, so that a fault of the bank's own book shows.

    tests/model/model.py EXPORT

An order may break several rules at once, and the pages do not say which is
named then: the model finds all of them.  An order takes effect exactly when
there is none; else the reason in the journal must be one of them.
Signatures are not the model's business.
"""
import hashlib
import json
import struct
import sys

CUSTOMER, TERMINAL, TELLER, OPERATOR = 1, 2, 3, 4
TRANSFER, DEPOSIT, HOLD, POST, VOID = 1, 2, 3, 4, 5
ENROL, APPROVE, REVOKE, RELEASE, AUDITOR = 13, 14, 17, 28, 29
SIGNED_BY = {TRANSFER: [CUSTOMER], DEPOSIT: [TERMINAL, TELLER],
             HOLD: [CUSTOMER], POST: [TERMINAL], VOID: [TERMINAL],
             ENROL: [OPERATOR], APPROVE: [OPERATOR], REVOKE: [OPERATOR],
             RELEASE: [OPERATOR], AUDITOR: [OPERATOR]}
OVERDUE_MS = 600000
ZEROS = "00" * 32


def main_of(customer):
    return customer << 16


def till_of(customer):
    return customer << 16 | 1


class Account:
    def __init__(self, kind, floor, ceiling):
        self.kind, self.floor, self.ceiling = kind, floor, ceiling
        self.posted = self.held = 0
        self.status = "open"


class Person:
    def __init__(self, entry):
        self.key, self.epoch = entry["signing_key"], entry["key_epoch"]
        self.attested = entry["attestation_hash"]
        self.role, self.terminal, self.revoked = CUSTOMER, 0, False
        self.next_seq, self.last = 1, ZEROS
        self.references = []    # of the last 64 orders; None: declined


class Model:
    def __init__(self):
        self.accounts, self.people, self.terminals = {}, {}, {}
        self.requests, self.holds, self.auditors = {}, {}, {}
        self.used, self.late = set(), 0
        self.wrong = []
        self.operators = []
        self.restored = False

    def say(self, entry, what):
        self.wrong.append(f"entry {entry['seq']}: {what}")

    # ---- Entries -----------------------------------------------------------

    def genesis(self, entry):
        self.bank = entry["bank"]
        self.unit = 1 | entry["exponent"] << 8
        self.floor, self.ceiling = entry["floor"], entry["ceiling"]
        self.order_life = entry["order_life_ms"]
        self.request_life = entry["request_life_ms"]
        self.operators = [entry["operator_1"], entry["operator_2"]]
        for index in (1, 2):
            self.accounts[index] = Account("bank", -2**63, 2**63)

    def account(self, entry):
        customer = entry["customer"]
        if customer in self.people:
            person = self.people[customer]
            follows = entry["previous_hash"] == person.attested and \
                entry["key_epoch"] == person.epoch + 1
            # After a restore with loss those in between may be gone.
            if not follows and not (self.restored and
                                    entry["key_epoch"] > person.epoch):
                self.say(entry, "new keys that do not continue the old ones")
            person.key, person.epoch = entry["signing_key"], \
                entry["key_epoch"]
            person.attested = entry["attestation_hash"]
            return
        person = self.people[customer] = Person(entry)
        account = Account("customer", self.floor, self.ceiling)
        self.accounts[main_of(customer)] = account
        if person.key in self.operators:
            self.operators.remove(person.key)
            person.role, account.status = OPERATOR, "closed"

    def order(self, entry):
        order = bytes.fromhex(entry["order"])
        attachment = bytes.fromhex(entry["attachment"])
        signer = self.people.get(entry["signer"])
        if signer is None:
            return self.say(entry, "nobody has signed it")
        if hashlib.sha256(order).hexdigest() != entry["hash"] or \
                hashlib.sha256(attachment).hexdigest() != \
                entry["attachment_hash"] or entry["bank"] != self.bank:
            self.say(entry, "another hash or bank")
        if entry["order_seq"] != signer.next_seq or \
                entry["previous"] != signer.last:
            self.say(entry, "not the signer's next order")
        if not 0 <= entry["not_after_ms"] - entry["time_ms"] <= \
                self.order_life:
            self.say(entry, "expired, or valid for too long")
        broken, effect = self.judge(entry, signer, attachment)
        outcome = entry["outcome_name"]
        if (outcome == "SR_OK") != (not broken) or \
                (broken and outcome not in broken):
            self.say(entry, f"{entry['kind_name']}: the journal says"
                            f" {outcome}, the rules {sorted(broken)}")
        touched = effect() if not broken else []
        self.compare(entry, touched)
        signer.next_seq, signer.last = signer.next_seq + 1, entry["hash"]
        signer.references.append(None if broken else entry["reference"])
        del signer.references[:-64]

    def compare(self, entry, touched):
        """The balances in the entry against the model's."""
        told = {line["account"]: (line["posted"], line["held"])
                for line in entry["touched"]}
        mine = {account: (self.accounts[account].posted,
                          self.accounts[account].held) for account in touched}
        if told != mine:
            self.say(entry, f"balances {told}, the rules say {mine}")
        if sum(account.posted for account in self.accounts.values()) != 0:
            self.say(entry, "the sum is not zero")

    # ---- Rules: which are broken, and what happens when none is ------------

    def judge(self, entry, signer, attachment):
        kind, broken = entry["kind"], set()
        if signer.revoked or signer.role not in SIGNED_BY.get(kind, []):
            broken.add("SR_ROLE")
        if entry["unit"] != self.unit:
            broken.add("SR_UNIT")
        if kind not in (POST, VOID, APPROVE, RELEASE) and entry["refers_to"]:
            broken.add("SR_PARAMETERS")
        if entry["reference"] != "00" * 16 and \
                entry["reference"] in signer.references:
            broken.add("SR_DUPLICATE")
        if kind not in (TRANSFER, DEPOSIT, HOLD, POST) and (
                entry["debit"] or entry["credit"] or entry["amount"]):
            broken.add("SR_PARAMETERS")
        more, effect = {
            TRANSFER: self.transfer, DEPOSIT: self.deposit, HOLD: self.hold,
            POST: self.post, VOID: self.void, ENROL: self.request,
            RELEASE: self.request, AUDITOR: self.request,
            APPROVE: self.approve, REVOKE: self.revoke,
        }[kind](entry, signer, attachment)
        return broken | more, effect

    @staticmethod
    def memo(attachment):
        if len(attachment) > 256:
            return {"SR_PARAMETERS", "SR_TOO_LARGE"}
        try:
            attachment.decode("utf-8")
        except UnicodeDecodeError:
            return {"SR_PARAMETERS"}
        return set()

    @staticmethod
    def status(account):
        return {"open": set(), "frozen": {"SR_ACCOUNT_FROZEN"},
                "closed": {"SR_ACCOUNT_CLOSED"}}[account.status]

    def pay(self, entry):
        """From debit to credit, at once."""
        debit = self.accounts.get(entry["debit"])
        credit = self.accounts.get(entry["credit"])
        amount, broken = entry["amount"], set()
        if amount <= 0:
            broken.add("SR_AMOUNT")
        if entry["debit"] == entry["credit"]:
            broken.add("SR_SAME_ACCOUNT")
        if debit is None or credit is None or credit.kind != "customer":
            broken.add("SR_NO_ACCOUNT")
        if debit is not None:
            broken |= self.status(debit)
            if debit.kind == "till":
                if debit.posted - amount < debit.floor:
                    broken.add("SR_TILL_FULL")
            elif debit.posted - debit.held - amount < debit.floor:
                broken.add("SR_FUNDS")
        if credit is not None and credit.kind == "customer":
            broken |= self.status(credit) - {"SR_ACCOUNT_FROZEN"}
            if credit.posted + amount > credit.ceiling:
                broken.add("SR_CEILING")
        return broken

    def move(self, entry):
        self.accounts[entry["debit"]].posted -= entry["amount"]
        self.accounts[entry["credit"]].posted += entry["amount"]
        return [entry["debit"], entry["credit"]]

    def transfer(self, entry, _, attachment):
        broken = self.pay(entry) | self.memo(attachment)
        if entry["debit"] != main_of(entry["signer"]):
            broken.add("SR_NOT_YOURS")
        return broken, lambda: self.move(entry)

    def deposit(self, entry, signer, attachment):
        broken = self.pay(entry) | self.memo(attachment)
        if entry["debit"] != till_of(entry["signer"]) or (
                signer.role == TERMINAL and
                entry["terminal"] != signer.terminal):
            broken.add("SR_NOT_YOURS")
        return broken, lambda: self.move(entry)

    def hold(self, entry, _, attachment):
        broken, amount = self.memo(attachment), entry["amount"]
        owner = self.accounts.get(entry["debit"])
        till = self.accounts.get(entry["credit"])
        if entry["debit"] != main_of(entry["signer"]):
            broken.add("SR_NOT_YOURS")
        if entry["terminal"] not in self.terminals or \
                till_of(self.terminals[entry["terminal"]]["principal"]) != \
                entry["credit"]:
            broken.add("SR_NO_TERMINAL")
        if amount <= 0:
            broken.add("SR_AMOUNT")
        if owner is None or till is None:
            broken.add("SR_NO_ACCOUNT")
        else:
            broken |= self.status(owner) | self.status(till)
            if owner.posted - owner.held - amount < owner.floor:
                broken.add("SR_FUNDS")
            if till.posted + till.held + amount > till.ceiling:
                broken.add("SR_TILL_EMPTY")
        mine = [hold for hold in self.holds.values()
                if hold["account"] == entry["debit"]]
        if len(mine) >= 8 or len(self.holds) >= 4096:
            broken.add("SR_HOLDS_FULL")

        def effect():
            self.holds[entry["seq"]] = {
                "account": entry["debit"], "till": entry["credit"],
                "amount": amount, "time": entry["time_ms"],
                "released": False}
            owner.held += amount
            till.held += amount
            return [entry["debit"], entry["credit"]]
        return broken, effect

    def own_hold(self, entry, signer, attachment):
        hold, broken = self.holds.get(entry["refers_to"]), set()
        if attachment:
            broken.add("SR_PARAMETERS")
        if entry["terminal"] != signer.terminal:
            broken.add("SR_NOT_YOURS")
        if hold is None:
            broken.add("SR_HOLD_STATE")
        elif hold["till"] != till_of(entry["signer"]):
            broken.add("SR_NOT_YOURS")
        return hold, broken

    def give_back(self, hold):
        if not hold["released"]:
            self.accounts[hold["account"]].held -= hold["amount"]
            self.accounts[hold["till"]].held -= hold["amount"]
        hold["released"] = True
        return [hold["account"], hold["till"]]

    def post(self, entry, signer, attachment):
        hold, broken = self.own_hold(entry, signer, attachment)
        if hold is not None:
            if (entry["debit"], entry["credit"]) != (hold["account"],
                                                     hold["till"]):
                broken.add("SR_PARAMETERS")
            if not 0 < entry["amount"] <= hold["amount"]:
                broken.add("SR_AMOUNT")

        def effect():
            self.late += hold["released"]
            self.give_back(hold)
            del self.holds[entry["refers_to"]]
            return self.move(entry)
        return broken, effect

    def void(self, entry, signer, attachment):
        hold, broken = self.own_hold(entry, signer, attachment)

        def effect():
            touched = self.give_back(hold)
            del self.holds[entry["refers_to"]]
            return touched
        return broken, effect

    # ---- Four eyes ---------------------------------------------------------

    def enrol_broken(self, entry):
        if "principal" not in entry:
            return {"SR_PARAMETERS"}
        person = self.people.get(entry["principal"])
        if person is None:
            return {"SR_NO_ACCOUNT"}
        broken, account = set(), self.accounts[main_of(entry["principal"])]
        if person.role != CUSTOMER or \
                till_of(entry["principal"]) in self.accounts or \
                (entry["role"] == TERMINAL and
                 entry["new_terminal"] in self.terminals):
            broken.add("SR_ALREADY")
        if account.posted or account.held or any(
                hold["account"] == main_of(entry["principal"])
                for hold in self.holds.values()):
            broken.add("SR_PARAMETERS")
        return broken

    def release_broken(self, entry, now):
        hold = self.holds.get(entry["refers_to"])
        if "hold_account" not in entry:
            return {"SR_PARAMETERS"}
        if hold is None or hold["released"]:
            return {"SR_HOLD_STATE", "SR_PARAMETERS"}
        broken = set()
        if (entry["hold_account"], entry["hold_amount"]) != (
                hold["account"], hold["amount"]):
            broken.add("SR_PARAMETERS")
        if now - hold["time"] < OVERDUE_MS and not \
                self.people[hold["till"] >> 16].revoked:
            broken.add("SR_NOT_OVERDUE")
        return broken

    def auditor_broken(self, entry):
        if "auditor" not in entry:
            return {"SR_PARAMETERS"}
        return {"SR_ALREADY"} if entry["auditor"] in self.auditors or \
            entry["auditor_key"] in self.auditors.values() else set()

    def request_broken(self, entry, now):
        if entry["kind"] == ENROL:
            return self.enrol_broken(entry)
        if entry["kind"] == RELEASE:
            return self.release_broken(entry, now)
        return self.auditor_broken(entry)

    def request(self, entry, *_):
        broken = self.request_broken(entry, entry["time_ms"])
        waiting = [other for other in self.requests.values() if
                   entry["time_ms"] - other["time_ms"] <= self.request_life]
        if len(waiting) >= 64:
            broken.add("SR_REQUESTS_FULL")

        def effect():
            self.requests[entry["seq"]] = entry
            return []
        return broken, effect

    def approve(self, entry, _, attachment):
        request = self.requests.get(entry["refers_to"])
        if len(attachment) != 32:
            return {"SR_PARAMETERS"}, None
        if request is None or request["hash"] != attachment.hex():
            return {"SR_NO_REQUEST"}, None
        broken = self.request_broken(request, entry["time_ms"])
        if request["signer"] == entry["signer"]:
            broken.add("SR_OWN_REQUEST")
        if request["seq"] in self.used:
            broken.add("SR_ALREADY")
        if entry["time_ms"] - request["time_ms"] > self.request_life:
            # forgotten by then, or only just too old
            broken |= {"SR_REQUEST_EXPIRED", "SR_NO_REQUEST"}
        return broken, lambda: self.carry_out(request)

    def carry_out(self, request):
        self.used.add(request["seq"])
        if request["kind"] == RELEASE:
            hold = self.holds[request["refers_to"]]
            # a revoked till will never post it
            if self.people[hold["till"] >> 16].revoked:
                del self.holds[request["refers_to"]]
            return self.give_back(hold)
        if request["kind"] == AUDITOR:
            self.auditors[request["auditor"]] = request["auditor_key"]
            return []
        principal = request["principal"]
        person = self.people[principal]
        person.role, person.terminal = request["role"], \
            request["new_terminal"]
        self.accounts[main_of(principal)].status = "closed"
        self.accounts[till_of(principal)] = Account(
            "till", -request["maximum"], 0)
        if request["role"] == TERMINAL:
            self.terminals[request["new_terminal"]] = {
                "principal": principal}
        return [till_of(principal)]

    def revoke(self, entry, _, attachment):
        if len(attachment) != 16:
            return {"SR_PARAMETERS"}, None
        principal, terminal, _ = struct.unpack("<QII", attachment)
        person, broken = self.people.get(principal), set()
        if person is None or person.role not in (TERMINAL, TELLER) or \
                person.terminal != terminal:
            return {"SR_PARAMETERS"}, None
        if person.revoked:
            broken.add("SR_ALREADY")

        def effect():
            person.revoked = True
            self.holds = {
                leaf: hold for leaf, hold in self.holds.items()
                if hold["till"] != till_of(principal) or
                not hold["released"]}
            self.accounts[till_of(principal)].status = "frozen"
            return []
        return broken, effect

    # ---- The whole ---------------------------------------------------------

    def balance(self, entry):
        account = self.accounts.get(entry["account"])
        if account is None or (account.posted, account.held) != (
                entry["posted"], entry["held"]):
            self.wrong.append(f"account {entry['account']}: {entry}")

    def take(self, entry):
        if entry["type"] in ("genesis", "account", "order", "balance"):
            getattr(self, entry["type"])(entry)
        if entry["type"] == "restore":
            self.restored = True
        if entry["type"] == "use" and entry["code"] == 5 and \
                entry["detail"][:64] not in self.auditors.values():
            self.say(entry, "disclosed to nobody who is enrolled")


def run(entries):
    """What is wrong: a list of sentences, empty when all is right."""
    model = Model()
    for entry in entries:
        model.take(entry)
    return model.wrong


if __name__ == "__main__":
    with open(sys.argv[1], encoding="ascii") as export:
        found = run(json.loads(line) for line in export)
    print("\n".join(found) or "the model agrees")
    sys.exit(1 if found else 0)
