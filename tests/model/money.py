# SPDX-License-Identifier: ISC
"""
The rules for what moves money: each gives what speaks against an order, and
what it does when nothing does.  A request's are asked twice.
"""
import unicodedata

OVERDUE_MS, HOUR_MS = 600000, 3600000
TRANSFER, DEPOSIT, ISSUE, CASH_OUT = 1, 2, 8, 32
TILL_OPEN, TILL_CLOSE = 21, 23
TERMINAL, OPERATOR = 2, 4
ISSUE_ACCOUNT, OVER_SHORT = 1, 2
LEAST, MOST = -2**63, 2**63 - 1
POSTINGS = 65536        # that are remembered


def memo(attachment):
    if len(attachment) > 256:
        return {"SR_PARAMETERS", "SR_TOO_LARGE"}
    try:
        text = attachment.decode("utf-8")
    except UnicodeDecodeError:
        return {"SR_PARAMETERS"}
    # controls, separators of lines and paragraphs, bidirectional overrides
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or
           "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"
           for c in text):
        return {"SR_PARAMETERS"}
    return set()


def closed(account):
    return {"SR_ACCOUNT_CLOSED"} if account.closed else set()


def frozen(account):
    return {"SR_ACCOUNT_FROZEN"} if account.frozen else set()


def gives(account, amount):
    """What may not leave it, whether it is frozen or not."""
    broken = closed(account)
    if account.kind == "customer" and \
            account.posted - account.held - amount < account.floor:
        broken.add("SR_FUNDS")
    if account.kind == "till" and account.posted - amount < account.floor:
        broken.add("SR_TILL_FULL")
    if account.posted - amount < LEAST:
        broken.add("SR_AMOUNT")
    return broken


def takes(account, amount, ceiling=True):
    broken, after = closed(account), account.posted + amount
    if account.kind == "customer" and ceiling and \
            after > max(account.ceiling, 0):
        broken.add("SR_CEILING")
    if account.kind == "till" and after + account.held > 0:
        broken.add("SR_TILL_EMPTY")
    if after > MOST:
        broken |= {"SR_AMOUNT", "SR_CEILING"}
    return broken


class Money:
    def both(self, debit, credit):
        return self.accounts.get(debit), self.accounts.get(credit)

    def move(self, debit, credit, amount):
        self.accounts[debit].posted -= amount
        self.accounts[credit].posted += amount
        return [debit, credit]

    def remember(self, leaf, time, order):
        if self.rules < 2:      # which has no corrections
            return
        self.postings[leaf] = {
            "time": time, "kind": order["kind"], "debit": order["debit"],
            "credit": order["credit"], "amount": order["amount"],
            "undone": False}
        if len(self.postings) > POSTINGS:
            del self.postings[next(iter(self.postings))]

    def own_till(self, entry, signer, till):
        """What keeps the signer from that till."""
        account, broken = self.accounts.get(till), set()
        if account is None or signer.till != till or (
                signer.role == TERMINAL and
                entry["terminal"] != signer.terminal):
            broken.add("SR_NOT_YOURS")
        if account is not None:
            broken |= closed(account) | frozen(account)
        return broken

    def till_open(self, till):
        account = self.accounts.get(till)
        return {"SR_TILL_CLOSED"} if account and account.till_closed \
            else set()

    # ---- Outgoing limit of the present hour and the 24 before it ------------

    def bounds(self, number):
        """The accounts whose limit counts: its own, and its owner's first."""
        first = number >> 16 << 16
        return [self.accounts[one] for one in {number, first}
                if one in self.accounts]

    def leaves(self, number, amount, now):
        for account in self.bounds(number):
            left = sum(row["amount"] for row in account.flows
                       if row["hour"] + 24 >= now // HOUR_MS)
            if account.day_limit != MOST and \
                    amount > max(account.day_limit - left, 0):
                return {"SR_LIMIT"}
        return set()

    def count_leaving(self, entry):
        for account in self.bounds(entry["debit"]):
            if account.day_limit != MOST:
                account.flows.append({"hour": entry["time_ms"] // HOUR_MS,
                                      "leaf": entry["seq"],
                                      "amount": entry["amount"]})
                del account.flows[:-5000]

    # ---- Payments -----------------------------------------------------------

    def pay(self, entry):
        debit, credit = self.both(entry["debit"], entry["credit"])
        amount, broken = entry["amount"], set()
        if amount <= 0:
            broken.add("SR_AMOUNT")
        if entry["debit"] == entry["credit"]:
            broken.add("SR_SAME_ACCOUNT")
        if debit is None or credit is None or credit.kind != "customer":
            broken.add("SR_NO_ACCOUNT")
        if debit is not None:
            broken |= gives(debit, amount) | frozen(debit)
        if credit is not None:
            broken |= takes(credit, amount)
        return broken

    def paid(self, entry):
        self.remember(entry["seq"], entry["time_ms"], entry)
        return self.move(entry["debit"], entry["credit"], entry["amount"])

    def transfer(self, entry, _, attachment):
        broken = self.pay(entry) | memo(attachment)
        debit, _ = self.both(entry["debit"], 0)
        own = entry["credit"] >> 16 == entry["signer"]
        if debit is None or debit.kind != "customer" or \
                entry["debit"] >> 16 != entry["signer"]:
            broken.add("SR_NOT_YOURS")
        elif not own:
            broken |= self.leaves(entry["debit"], entry["amount"],
                                  entry["time_ms"])

        def effect():
            if not own:
                self.count_leaving(entry)
            return self.paid(entry)
        return broken, effect

    def deposit(self, entry, signer, attachment):
        broken = self.pay(entry) | memo(attachment) | \
            self.own_till(entry, signer, entry["debit"]) | \
            self.till_open(entry["debit"])
        return broken, lambda: self.paid(entry)

    # ---- Withdrawals ----------------------------------------------------------

    def hold(self, entry, _, attachment):
        broken, amount = memo(attachment), entry["amount"]
        owner, till = self.both(entry["debit"], entry["credit"])
        if owner is None or owner.kind != "customer" or \
                entry["debit"] >> 16 != entry["signer"]:
            broken.add("SR_NOT_YOURS")
        terminal = self.terminals.get(entry["terminal"])
        if terminal is None or \
                self.people[terminal].till != entry["credit"] or \
                self.people[terminal].revoked:
            broken.add("SR_NO_TERMINAL")
        if amount <= 0:
            broken.add("SR_AMOUNT")
        if owner is not None:
            broken |= gives(owner, amount) | frozen(owner) | \
                self.leaves(entry["debit"], amount, entry["time_ms"])
        if till is not None:
            broken |= takes(till, amount) | frozen(till) | \
                self.till_open(entry["credit"])
        if owner is None or till is None:
            broken.add("SR_NO_ACCOUNT")
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
            self.count_leaving(entry)
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
        elif hold["till"] != signer.till:
            broken.add("SR_NOT_YOURS")
        return hold, broken

    def give_back(self, leaf, out):
        """All of it is free again; all but `out` has never left."""
        hold = self.holds[leaf]
        account = self.accounts[hold["account"]]
        if not hold["released"]:
            account.held -= hold["amount"]
            self.accounts[hold["till"]].held -= hold["amount"]
            for bound in self.bounds(hold["account"]):
                for row in bound.flows:
                    if row["leaf"] == leaf:
                        row["amount"] -= hold["amount"] - out
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
            self.give_back(entry["refers_to"], entry["amount"])
            del self.holds[entry["refers_to"]]
            return self.move(entry["debit"], entry["credit"],
                             entry["amount"])
        return broken, effect

    def void(self, entry, signer, attachment):
        _, broken = self.own_hold(entry, signer, attachment)

        def effect():
            touched = self.give_back(entry["refers_to"], 0)
            del self.holds[entry["refers_to"]]
            return touched
        return broken, effect

    def release_broken(self, entry, now):
        hold = self.holds.get(entry["refers_to"])
        if "hold_account" not in entry:
            return {"SR_PARAMETERS"}
        if hold is None:
            return {"SR_HOLD_STATE", "SR_PARAMETERS"}
        broken = {"SR_HOLD_STATE"} if hold["released"] else set()
        if (entry["hold_account"], entry["hold_amount"]) != (
                hold["account"], hold["amount"]):
            broken.add("SR_PARAMETERS")
        if now - hold["time"] < OVERDUE_MS and not \
                self.people[hold["till"] >> 16].revoked:
            broken.add("SR_NOT_OVERDUE")
        return broken

    def release(self, request, _):
        leaf = request["refers_to"]
        hold, touched = self.holds[leaf], self.give_back(leaf, 0)
        # a revoked till will never post it
        if self.people[hold["till"] >> 16].revoked:
            del self.holds[leaf]
        return touched

    # ---- Back -------------------------------------------------------------------

    def back_broken(self, entry):
        posting = self.postings.get(entry["refers_to"])
        broken = memo(bytes.fromhex(entry["attachment"]))
        if entry["amount"] <= 0:
            broken.add("SR_AMOUNT")
        if posting is None:
            return posting, broken | {"SR_TOO_OLD"}
        if posting["undone"]:
            broken.add("SR_UNDONE")
        if (entry["debit"], entry["credit"], entry["amount"]) != (
                posting["credit"], posting["debit"], posting["amount"]):
            broken.add("SR_PARAMETERS")
        broken |= gives(self.accounts[posting["credit"]], posting["amount"])
        return posting, broken | takes(
            self.accounts[posting["debit"]], posting["amount"], False)

    def back(self, entry, _=None):
        self.postings[entry["refers_to"]]["undone"] = True
        return self.move(entry["debit"], entry["credit"], entry["amount"])

    def undo(self, entry, signer, _):
        posting, broken = self.back_broken(entry)
        if posting is None:
            return broken, None
        broken |= frozen(self.accounts[posting["credit"]])
        if posting["kind"] == TRANSFER:
            if posting["credit"] >> 16 != entry["signer"]:
                broken.add("SR_NOT_YOURS")
        elif posting["kind"] == DEPOSIT:
            broken |= self.own_till(entry, signer, posting["debit"]) | \
                self.till_open(posting["debit"])
            if entry["time_ms"] - posting["time"] > self.undo_ms:
                broken.add("SR_TOO_LATE")
        else:
            broken.add("SR_NOT_YOURS")
        return broken, lambda: self.back(entry)

    def reverse_broken(self, entry, _):
        return self.back_broken(entry)[1]

    # ---- By two operators ----------------------------------------------------------

    def posting_broken(self, entry, _):
        debit, credit = self.both(entry["debit"], entry["credit"])
        broken = memo(bytes.fromhex(entry["attachment"]))
        if entry["amount"] <= 0:
            broken.add("SR_AMOUNT")
        if entry["debit"] == entry["credit"]:
            broken.add("SR_SAME_ACCOUNT")
        if entry["kind"] in (ISSUE, CASH_OUT) and \
                entry["debit"] != ISSUE_ACCOUNT:
            broken |= {"SR_NO_ACCOUNT", "SR_PARAMETERS"}
        wanted = {ISSUE: "customer", CASH_OUT: "till"}.get(entry["kind"])
        if debit is None or credit is None or (
                wanted and credit.kind != wanted):
            return broken | {"SR_NO_ACCOUNT"}
        return broken | gives(debit, entry["amount"]) | \
            takes(credit, entry["amount"])

    def post_by_operators(self, request, entry):
        if request["kind"] != CASH_OUT:
            self.remember(entry["seq"], entry["time_ms"], request)
        return self.move(request["debit"], request["credit"],
                         request["amount"])

    # ---- Cash that is counted ---------------------------------------------------------

    def count_broken(self, entry, signer):
        if "till" not in entry:
            return {"SR_PARAMETERS"}
        till = self.accounts.get(entry["till"])
        broken = self.own_till(entry, signer, entry["till"])
        if entry["debit"] or entry["credit"]:
            broken.add("SR_PARAMETERS")
        if entry["amount"] != entry["counted"] or entry["counted"] != sum(
                value * pieces for value, pieces in entry["lines"]):
            broken |= {"SR_AMOUNT", "SR_PARAMETERS"}
        if till is None:
            return broken
        if entry["kind"] == TILL_OPEN and not till.till_closed:
            broken.add("SR_ALREADY")
        if entry["kind"] != TILL_OPEN:
            broken |= self.till_open(entry["till"])
        if entry["kind"] == TILL_CLOSE and till.held:
            broken.add("SR_NOT_EMPTY")
        other = self.accounts[self.counterpart(entry, till)]
        if not LEAST <= other.posted + entry["counted"] + till.posted <= MOST:
            broken.add("SR_AMOUNT")
        return broken

    def counterpart(self, entry, till):
        """Float comes from the safe, where there is one."""
        more = entry["counted"] + till.posted > 0
        return ISSUE_ACCOUNT if entry["kind"] == TILL_OPEN and more and \
            ISSUE_ACCOUNT in self.accounts else OVER_SHORT

    def count(self, entry, signer, _):
        broken = self.count_broken(entry, signer)

        def effect():
            till = self.accounts[entry["till"]]
            more = entry["counted"] + till.posted
            other = self.counterpart(entry, till)
            till.till_closed = entry["kind"] == TILL_CLOSE
            if more < 0:
                till.floor = till.soft_floor = min(till.floor - more, 0)
            return self.move(entry["till"], other, more) if more \
                else [entry["till"]]
        return broken, effect
