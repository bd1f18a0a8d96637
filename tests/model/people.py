# SPDX-License-Identifier: ISC
"""
The rules for accounts, limits and roles: each gives what speaks against an
order, and what it does when nothing does.
"""
from accounts import Account, main_of, till_of
from money import MOST

CUSTOMER, TERMINAL, TELLER, OPERATOR, AUDITOR = 1, 2, 3, 4, 5


class People:
    # ---- Accounts -----------------------------------------------------------

    def of(self, customer, main_too=True):
        """The accounts of that customer that are not closed."""
        return [number for number, account in self.accounts.items()
                if number >> 16 == customer and not account.closed and
                account.kind == "customer" and
                (main_too or number != main_of(customer))]

    def any_hold(self, number):
        return any(number in (hold["account"], hold["till"])
                   for hold in self.holds.values())

    def account_open(self, entry, _, attachment):
        if "label" not in entry:
            return {"SR_PARAMETERS"}, None
        me, index, broken = entry["signer"], 2, set()
        while main_of(me) + index in self.accounts:
            index += 1
        if entry["debit"] or entry["amount"] or \
                entry["credit"] != main_of(me) + index:
            broken.add("SR_PARAMETERS")
        if index > 99 or len(self.of(me)) >= 8:
            broken.add("SR_ACCOUNTS_FULL")
        if any(self.accounts[number].label == entry["label"]
               for number in self.of(me)):
            broken.add("SR_ALREADY")
        first = self.accounts[main_of(me)]
        if first.closed:
            broken.add("SR_ACCOUNT_CLOSED")
        if first.frozen:
            broken.add("SR_ACCOUNT_FROZEN")

        def effect():
            new = self.accounts[main_of(me) + index] = Account(
                "customer", 0, 0, self.policy["ceiling"],
                self.policy["day_limit"])
            new.label = attachment.decode("ascii")
            return [main_of(me) + index]
        return broken, effect

    def close(self, entry, *_):
        account = self.accounts.get(entry.get("account"))
        if "account" not in entry:
            return {"SR_PARAMETERS"}, None
        me, number, broken = entry["signer"], entry["account"], set()
        if account is None or account.kind != "customer" or \
                number >> 16 != me:
            return {"SR_NOT_YOURS"}, None
        if account.closed:
            broken |= {"SR_ALREADY", "SR_ACCOUNT_CLOSED"}
        if account.frozen:
            broken.add("SR_ACCOUNT_FROZEN")
        if account.posted or account.held or self.any_hold(number) or (
                number == main_of(me) and self.of(me, False)):
            broken.add("SR_NOT_EMPTY")

        def effect():
            account.closed = True
            return []
        return broken, effect

    def erase(self, entry, signer, attachment):
        broken = {"SR_PARAMETERS"} if attachment else set()
        if self.of(entry["signer"]):
            broken.add("SR_NOT_EMPTY")

        def effect():
            signer.erased = True
            return []
        return broken, effect

    def frozen_broken(self, entry, wanted):
        """Of an account that has to be frozen, or must not be."""
        if "account" not in entry:
            return {"SR_PARAMETERS"}
        account = self.accounts.get(entry["account"])
        if account is None:
            return {"SR_NO_ACCOUNT"}
        broken = set()
        if account.kind == "bank":
            broken.add("SR_PARAMETERS")
        if account.closed:
            broken.add("SR_ACCOUNT_CLOSED")
        elif account.frozen != wanted:
            broken.add("SR_ALREADY")
        return broken

    def freeze(self, entry, *_):
        def effect():
            self.accounts[entry["account"]].frozen = True
            return []
        return self.frozen_broken(entry, False), effect

    def unfreeze_broken(self, entry, _):
        broken = self.frozen_broken(entry, True)
        owner = self.people.get(entry.get("account", 0) >> 16)
        # a till stays so when its owner was revoked
        return broken | {"SR_PARAMETERS"} if owner and owner.revoked \
            else broken

    def unfreeze(self, request, _):
        self.accounts[request["account"]].frozen = False
        return []

    # ---- Resets ----------------------------------------------------------------

    def reset_broken(self, entry, now):
        if "replaces" not in entry:
            return {"SR_PARAMETERS"}
        who, broken = self.people.get(entry["principal"]), set()
        if entry["until"] <= now:
            broken.add("SR_REQUEST_EXPIRED")
        if entry["until"] - now > 366 * 86400000:
            broken.add("SR_PARAMETERS")
        if who is None:
            return broken | {"SR_NO_ACCOUNT"}
        if who.role != CUSTOMER or who.erased:
            broken.add("SR_PARAMETERS")
        elif self.accounts[main_of(entry["principal"])].closed:
            broken.add("SR_ACCOUNT_CLOSED")
        if who.attested != entry["replaces"]:
            broken.add("SR_ALREADY")
        return broken

    def reset(self, request, entry):
        self.resets[entry["seq"]] = request["principal"], request["replaces"]
        return []

    # ---- Limits ----------------------------------------------------------------

    def limits_broken(self, entry, _=None):
        if "floor" not in entry:
            return {"SR_PARAMETERS"}
        account = self.accounts.get(entry["account"])
        if account is None:
            return {"SR_NO_ACCOUNT", "SR_PARAMETERS"}
        broken = {"SR_ACCOUNT_CLOSED"} if account.closed else set()
        if not self.are_limits(entry) or account.kind == "bank" or (
                account.kind == "till" and (
                    entry["ceiling"], entry["soft_floor"],
                    entry["day_limit"]) != (0, entry["floor"], MOST)):
            broken.add("SR_PARAMETERS")
        return broken

    @staticmethod
    def are_limits(entry):
        return entry["floor"] <= entry["soft_floor"] <= entry["ceiling"] \
            and entry["floor"] <= 0 <= entry["ceiling"] and \
            entry["day_limit"] >= 0

    def lower(self, entry, *_):
        broken = self.limits_broken(entry)
        account = self.accounts.get(entry.get("account"))
        if account and "floor" in entry and (
                entry["floor"] < account.floor or
                entry["ceiling"] > account.ceiling or
                entry["day_limit"] > account.day_limit):
            broken.add("SR_NOT_LOWER")
        return broken, lambda: self.limit(entry)

    def limit(self, entry, _=None):
        account = self.accounts[entry["account"]]
        account.floor, account.ceiling = entry["floor"], entry["ceiling"]
        account.soft_floor = entry["soft_floor"]
        account.day_limit = entry["day_limit"]
        return []

    def policy_broken(self, entry, _):
        if "undo_ms" not in entry or not self.are_limits(entry) or \
                not 1 <= entry["order_life_ms"] <= 120000 or \
                not 1 <= entry["request_life_ms"] or \
                not 0 <= entry["undo_ms"] <= 31536000000:
            return {"SR_PARAMETERS"}
        return set()

    def set_policy(self, request, entry):
        self.forget_expired(entry["time_ms"])
        self.policy = request
        self.order_life = request["order_life_ms"]
        self.request_life = request["request_life_ms"]
        self.undo_ms = request["undo_ms"]
        return []

    # ---- Enrol and revoke ---------------------------------------------------------

    def main_is_empty(self, customer):
        number = main_of(customer)
        account = self.accounts[number]
        return not (account.posted or account.held or
                    self.any_hold(number) or self.of(customer, False))

    def enrol_broken(self, entry, _):
        if "principal" not in entry:
            return {"SR_PARAMETERS"}
        person = self.people.get(entry["principal"])
        if person is None:
            return {"SR_NO_ACCOUNT"}
        broken = set()
        if person.role != CUSTOMER or \
                till_of(entry["principal"]) in self.accounts or \
                (entry["role"] == TERMINAL and
                 entry["new_terminal"] in self.terminals):
            broken.add("SR_ALREADY")
        if person.revoked or person.erased:
            broken.add("SR_PARAMETERS")
        if not self.main_is_empty(entry["principal"]):
            broken |= {"SR_PARAMETERS", "SR_NOT_EMPTY"}
        return broken | self.main_is_open(entry["principal"])

    def main_is_open(self, principal):
        """Going back to a customer would open one that was closed for ever."""
        account = self.accounts[main_of(principal)]
        return {"SR_ACCOUNT_CLOSED"} if account.closed else \
            {"SR_ACCOUNT_FROZEN"} if account.frozen else set()

    def give_till(self, principal, role, maximum):
        person, till = self.people[principal], till_of(principal)
        person.role, person.till = role, till
        self.accounts[main_of(principal)].closed = True
        self.accounts[till] = Account("till", -maximum, -maximum, 0, MOST)
        return [till]

    def enrol(self, request, _):
        principal = request["principal"]
        self.people[principal].terminal = request["new_terminal"]
        if request["role"] == TERMINAL:
            self.terminals[request["new_terminal"]] = principal
        return self.give_till(principal, request["role"], request["maximum"])

    def auditor_broken(self, entry, _):
        if "auditor" not in entry:
            return {"SR_PARAMETERS"}
        return {"SR_ALREADY"} if entry["auditor"] in self.auditors or \
            entry["auditor_key"] in self.auditors.values() else set()

    def auditor(self, request, _):
        self.auditors[request["auditor"]] = request["auditor_key"]
        return []

    def revoke(self, entry, *_):
        if "principal" not in entry:
            return {"SR_PARAMETERS"}, None
        principal = entry["principal"]
        person, broken = self.people.get(principal), set()
        if person is None or person.role not in (TERMINAL, TELLER) or \
                person.terminal != entry["revoked_terminal"]:
            return {"SR_PARAMETERS"}, None
        if person.revoked:
            broken.add("SR_ALREADY")

        def effect():
            person.revoked = True
            if person.till == till_of(principal):
                self.holds = {
                    leaf: hold for leaf, hold in self.holds.items()
                    if hold["till"] != person.till or not hold["released"]}
                self.accounts[person.till].frozen = True
            return []
        return broken, effect

    # ---- Other roles ------------------------------------------------------------------

    def last_operators(self, person):
        others = [other for other in self.people.values()
                  if other.role == OPERATOR and not other.revoked and
                  other is not person]
        return {"SR_LAST_OPERATORS"} if person.role == OPERATOR and \
            len(others) < 2 else set()

    def role_broken(self, entry, _):
        if "principal" not in entry:
            return {"SR_PARAMETERS"}
        person = self.people.get(entry["principal"])
        if person is None:
            return {"SR_NO_ACCOUNT", "SR_PARAMETERS"}
        broken = set()
        if person.revoked or person.erased or \
                TERMINAL in (person.role, entry["role"]):
            broken.add("SR_PARAMETERS")
        if person.role == entry["role"]:
            return broken | {"SR_ALREADY"}
        if entry["role"] == CUSTOMER:
            own = self.accounts.get(till_of(entry["principal"]))
            if entry["till"] or entry["maximum"]:
                broken.add("SR_PARAMETERS")
            if own and not own.closed and (own.posted or own.held):
                broken.add("SR_NOT_EMPTY")
            return broken | self.last_operators(person)
        return broken | self.rise_broken(entry, person)

    def rise_broken(self, entry, person):
        """Of a customer who is to become something else."""
        broken, till = set(), self.accounts.get(entry["till"])
        if person.role != CUSTOMER:
            return {"SR_PARAMETERS"}
        if not self.main_is_empty(entry["principal"]):
            broken.add("SR_NOT_EMPTY")
        broken |= self.main_is_open(entry["principal"])
        given = bool(entry["till"]) + bool(entry["maximum"])
        if given != (entry["role"] == TELLER) or entry["maximum"] < 0:
            broken.add("SR_PARAMETERS")
        if entry["maximum"] and till_of(entry["principal"]) in self.accounts:
            broken.add("SR_ALREADY")
        if entry["till"] and (till is None or till.kind != "till"):
            broken |= {"SR_NO_ACCOUNT", "SR_PARAMETERS"}
        elif entry["till"] and till.closed:
            broken.add("SR_ACCOUNT_CLOSED")
        return broken

    def change_role(self, request, _):
        principal = request["principal"]
        person, first = self.people[principal], \
            self.accounts[main_of(principal)]
        if request["maximum"]:
            return self.give_till(principal, TELLER, request["maximum"])
        first.closed = request["role"] != CUSTOMER
        if request["role"] == CUSTOMER:
            first.frozen = False
            if till_of(principal) in self.accounts:
                self.accounts[till_of(principal)].closed = True
        person.role, person.till = request["role"], request["till"]
        return []

    def role_revoke(self, entry, *_):
        if "principal" not in entry:
            return {"SR_PARAMETERS"}, None
        person, broken = self.people.get(entry["principal"]), set()
        if person is None or person.role not in (OPERATOR, AUDITOR):
            return {"SR_PARAMETERS"}, None
        if person.revoked:
            broken.add("SR_ALREADY")
        else:
            broken |= self.last_operators(person)

        def effect():
            person.revoked = True
            return []
        return broken, effect
