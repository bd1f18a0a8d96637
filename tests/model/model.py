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
import sys
from pathlib import Path

# its parts, also for a test that has it as model.model
sys.path.insert(0, str(Path(__file__).resolve().parent))
from accounts import Account, Person, main_of  # noqa: E402
from money import MOST, Money  # noqa: E402
from people import (AUDITOR, CUSTOMER, OPERATOR, TELLER,  # noqa: E402
                    TERMINAL, People)

TRANSFER, DEPOSIT, HOLD, POST, VOID, UNDO, REVERSE = 1, 2, 3, 4, 5, 6, 7
ISSUE, ADJUST, POLICY, ROLE, RAISE_LIMIT, ENROL = 8, 9, 10, 11, 12, 13
APPROVE, FREEZE, LOWER_LIMIT, REVOKE, CLOSE = 14, 15, 16, 17, 19
TILL_OPEN, TILL_COUNT, TILL_CLOSE = 21, 22, 23
RELEASE, ENROL_AUDITOR = 28, 29
ACCOUNT_OPEN, UNFREEZE, CASH_OUT, ERASE, ROLE_REVOKE = 30, 31, 32, 33, 34
CERTIFY, RETIRE, RESET = 35, 36, 37
CASHIERS = (TERMINAL, TELLER)
# What an operator signs stands in no line.
SIGNED_BY = {TRANSFER: (CUSTOMER,), DEPOSIT: CASHIERS, HOLD: (CUSTOMER,),
             POST: (TERMINAL,), VOID: (TERMINAL,),
             UNDO: (CUSTOMER, TERMINAL, TELLER), CLOSE: (CUSTOMER,),
             ACCOUNT_OPEN: (CUSTOMER,), ERASE: (CUSTOMER,),
             TILL_OPEN: CASHIERS, TILL_COUNT: CASHIERS,
             TILL_CLOSE: CASHIERS,
             CASH_OUT: (TERMINAL, TELLER, OPERATOR), CERTIFY: (AUDITOR,)}
# Those that name a leaf, and those that name accounts and an amount.
REFERRING = (POST, VOID, UNDO, REVERSE, APPROVE, RELEASE)
MOVING = (TRANSFER, DEPOSIT, HOLD, POST, UNDO, REVERSE, ISSUE, ADJUST,
          CASH_OUT, TILL_OPEN, TILL_COUNT, TILL_CLOSE, ACCOUNT_OPEN)
# The requests there were at first: a used one took up a place for its life.
FIRST = (ENROL, RELEASE, ENROL_AUDITOR)


class Model(Money, People):
    def __init__(self):
        self.accounts, self.people, self.terminals = {}, {}, {}
        self.requests, self.holds, self.auditors = {}, {}, {}
        self.postings = {}
        self.used, self.late = set(), 0
        self.resets = {}
        self.wrong = []
        self.operators = []
        self.restored = False

    def say(self, entry, what):
        self.wrong.append(f"entry {entry['seq']}: {what}")

    # ---- Entries -----------------------------------------------------------

    def genesis(self, entry):
        self.bank = entry["bank"]
        self.unit = 1 | entry["exponent"] << 8
        self.policy = {"floor": entry["floor"], "soft_floor": entry["floor"],
                       "ceiling": entry["ceiling"], "day_limit": MOST}
        self.order_life = entry["order_life_ms"]
        self.request_life = entry["request_life_ms"]
        self.undo_ms = 900000
        self.rules = entry["rules_version"]
        self.operators = [entry["operator_1"], entry["operator_2"]]
        # nobody issues mutual credit
        for number in (2,) if entry["bank_type"] == 1 else (1, 2):
            self.accounts[number] = Account("bank", 0, 0, 0, MOST)

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
            if entry["reset_leaf"] and not self.restored and \
                    self.resets.get(entry["reset_leaf"]) != \
                    (customer, person.attested):
                self.say(entry, "new keys by a reset that nobody ordered")
            person.key, person.epoch = entry["signing_key"], \
                entry["key_epoch"]
            person.attested = entry["attestation_hash"]
            return
        person = self.people[customer] = Person(entry, CUSTOMER)
        account = Account("customer", self.policy["floor"],
                          self.policy["soft_floor"], self.policy["ceiling"],
                          self.policy["day_limit"])
        self.accounts[main_of(customer)] = account
        if person.key in self.operators:
            self.operators.remove(person.key)
            person.role, account.closed = OPERATOR, True

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
        if signer.revoked or signer.erased or \
                signer.role not in SIGNED_BY.get(kind, (OPERATOR,)):
            broken.add("SR_ROLE")
        if entry["unit"] != self.unit:
            broken.add("SR_UNIT")
        if kind not in REFERRING and entry["refers_to"]:
            broken.add("SR_PARAMETERS")
        if entry["reference"] != "00" * 16 and \
                entry["reference"] in signer.references:
            broken.add("SR_DUPLICATE")
        if kind not in MOVING and (
                entry["debit"] or entry["credit"] or entry["amount"]):
            broken.add("SR_PARAMETERS")
        more, effect = {
            TRANSFER: self.transfer, DEPOSIT: self.deposit, HOLD: self.hold,
            POST: self.post, VOID: self.void, UNDO: self.undo,
            APPROVE: self.approve, FREEZE: self.freeze,
            LOWER_LIMIT: self.lower, REVOKE: self.revoke,
            ROLE_REVOKE: self.role_revoke, CLOSE: self.close,
            ERASE: self.erase, ACCOUNT_OPEN: self.account_open,
            CERTIFY: self.certify,
            TILL_OPEN: self.count, TILL_COUNT: self.count,
            TILL_CLOSE: self.count,
        }.get(kind, self.request)(entry, signer, attachment)
        return broken | more, effect

    @staticmethod
    def certify(_, signer, attachment):
        """An auditor's word about a snapshot moves nothing."""
        right = len(attachment) == 88 and any(attachment[:4]) and \
            not any(attachment[12:16]) and any(attachment[16:24])
        return set() if right else {"SR_PARAMETERS"}, lambda: []

    @staticmethod
    def retire_broken(request, *_):
        """Of which snapshot, is in the log and not in the books."""
        told = bytes.fromhex(request["attachment"])
        right = len(told) == 40 and any(told[:4]) and not any(told[4:8])
        return set() if right else {"SR_PARAMETERS"}

    # ---- Four eyes ---------------------------------------------------------

    def both_halves(self, kind):
        """What speaks against such a request now, and what it does."""
        return {
            ENROL: (self.enrol_broken, self.enrol),
            ENROL_AUDITOR: (self.auditor_broken, self.auditor),
            RELEASE: (self.release_broken, self.release),
            REVERSE: (self.reverse_broken, self.back),
            ISSUE: (self.posting_broken, self.post_by_operators),
            ADJUST: (self.posting_broken, self.post_by_operators),
            CASH_OUT: (self.posting_broken, self.post_by_operators),
            POLICY: (self.policy_broken, self.set_policy),
            ROLE: (self.role_broken, self.change_role),
            RAISE_LIMIT: (self.limits_broken, self.limit),
            UNFREEZE: (self.unfreeze_broken, self.unfreeze),
            RETIRE: (self.retire_broken, lambda *_: []),
            RESET: (self.reset_broken, self.reset),
        }[kind]

    def expired(self, request, now):
        return now - request["time_ms"] > self.request_life

    def forget_expired(self, now):
        self.requests = {leaf: other for leaf, other in self.requests.items()
                         if not self.expired(other, now)}

    def lapsed(self, request):
        """What one asked for who may not ask for it any more."""
        asker = self.people[request["signer"]]
        return asker.revoked or asker.role not in SIGNED_BY.get(
            request["kind"], (OPERATOR,))

    def waiting(self, entry):
        """Those that have a place when this one comes."""
        present = [other for other in self.requests.values()
                   if not self.expired(other, entry["time_ms"])]
        if not all(other["kind"] in FIRST for other in present + [entry]):
            present = [other for other in present
                       if other["seq"] not in self.used]
        if len(present) < 64:
            return present
        return [other for other in present if not self.lapsed(other)]

    def request(self, entry, signer, _):
        broken = self.both_halves(entry["kind"])[0](entry, entry["time_ms"])
        if entry["kind"] == CASH_OUT and signer.role != OPERATOR and \
                signer.till != entry["credit"]:
            broken.add("SR_NOT_YOURS")
        if not broken and len(self.waiting(entry)) >= 64:
            broken.add("SR_REQUESTS_FULL")

        def effect():
            self.forget_expired(entry["time_ms"])
            if len(self.requests) >= 64:
                self.requests = {other["seq"]: other
                                 for other in self.waiting(entry)}
            self.requests[entry["seq"]] = entry
            return []
        return broken, effect

    def approve(self, entry, _, attachment):
        request = self.requests.get(entry["refers_to"])
        if len(attachment) != 32:
            return {"SR_PARAMETERS"}, None
        if request is None or request["hash"] != attachment.hex():
            return {"SR_NO_REQUEST"}, None
        check, carry_out = self.both_halves(request["kind"])
        broken = check(request, entry["time_ms"])
        if request["signer"] == entry["signer"]:
            broken.add("SR_OWN_REQUEST")
        if self.lapsed(request):
            broken.add("SR_NO_REQUEST")
        if request["seq"] in self.used:
            broken.add("SR_ALREADY")
        if self.expired(request, entry["time_ms"]):
            # forgotten by then, or only just too old
            broken |= {"SR_REQUEST_EXPIRED", "SR_NO_REQUEST"}

        def effect():
            self.used.add(request["seq"])
            return carry_out(request, entry)
        return broken, effect

    # ---- The whole ---------------------------------------------------------

    def balance(self, entry):
        account = self.accounts.get(entry["account"])
        if account is None:
            return self.wrong.append(f"nobody has account {entry}")
        status = 3 if account.closed else 2 if account.frozen else 1
        mine = {"posted": account.posted, "held": account.held,
                "status": status, "till_closed": account.till_closed,
                "label": account.label}
        if account.kind != "bank":
            mine |= {"floor": account.floor, "ceiling": account.ceiling,
                     "soft_floor": account.soft_floor,
                     "day_limit": account.day_limit}
        if mine != {key: entry[key] for key in mine}:
            self.wrong.append(
                f"account {entry['account']}: {entry}, not {mine}")

    def take(self, entry):
        if entry["type"] in ("genesis", "account", "order", "balance"):
            getattr(self, entry["type"])(entry)
        if entry["type"] == "restore":
            self.restored = True
        if entry["type"] == "system" and entry["code"] == 5:
            if entry["subject"] <= self.rules:
                self.say(entry, "rules that were in force already")
            self.rules = entry["subject"]
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
