# SPDX-License-Identifier: ISC
"""
The count that goes on while the bank falls and rises: what each payer of a
Traffic was told, held against every account's statement as its owner reads it
in each new session.  Needs payers who are all the accounts that get money, so
that both sides of every transfer are read.

    book = Acknowledged(traffic, total_minor)
    book.check()        # fails with what is lost or doubled

What was answered after the last session began stays open: Traffic.count() of
the end looks for that.
"""
from lib.scenario import Failure, check, equal


class Acknowledged:
    def __init__(self, traffic, total_minor):
        self.traffic, self.total = traffic, total_minor
        payers = traffic.payers
        self.offsets = dict.fromkeys(payers, 0)
        self.asked, self.declined = set(), set()
        self.told = {}          # reference: payer, payee, amount, leaf
        self.open = []          # references that are not looked up yet
        self.new_lines = {payer: {} for payer in payers}
        self.lines = {payer: {} for payer in payers}
        self.read = dict.fromkeys(payers, 0)    # up to this leaf
        self.reads = dict.fromkeys(payers, 0)   # so many times
        self.next = dict.fromkeys(payers, 0)    # number of the next order
        self.orders = {}        # reference: its leaves
        self.lost, self.doubled = set(), set()

    def take(self):
        """Reads what is new in the logs."""
        for payer in self.traffic.payers:
            try:
                with open(self.traffic.log(payer), "rb") as file:
                    file.seek(self.offsets[payer])
                    data = file.read()
            except FileNotFoundError:
                continue
            data = data[:data.rfind(b"\n") + 1]
            self.offsets[payer] += len(data)
            for line in data.decode().splitlines():
                word, *rest = line.split(" ")
                getattr(self, "take_" + word)(payer, *rest)

    def take_ask(self, payer, reference, *_):
        self.asked.add(reference)
        self.next[payer] = int(reference.rsplit("-", 1)[1]) + 1

    def take_no(self, _, reference, error):
        equal(error, "SR_FUNDS", f"{reference} was declined with")
        self.declined.add(reference)

    def take_ok(self, payer, reference, payee, amount, leaf):
        if reference in self.told:
            self.doubled.add(reference)
        self.told[reference] = payer, payee, int(amount), int(leaf)
        self.open.append(reference)

    def take_line(self, payer, leaf, amount, balance, memo):
        self.new_lines[payer][int(leaf)] = int(amount), int(balance), memo

    def take_read(self, payer, leaf):
        """All lines up to that leaf are known; they continue the others."""
        new = {at: line for at, line in self.new_lines[payer].items()
               if at <= int(leaf)}
        self.new_lines[payer] = {}
        known = self.lines[payer]
        balance = known[self.read[payer]][1] if self.read[payer] else 0
        for at in sorted(new):
            amount, after, memo = new[at]
            equal(after, balance + amount, f"{payer}'s balance at {at}")
            balance = after
            known[at] = new[at]
            if memo:
                leaves = self.orders.setdefault(memo, set())
                leaves.add(at)
                if len(leaves) > 1:
                    self.doubled.add(memo)
        self.read[payer] = int(leaf)
        self.reads[payer] += 1
        # A session that begins after an answer must see what was answered.
        for reference in self.open:
            if self.told[reference][0] == payer and \
                    self.told[reference][3] not in known:
                self.lost.add(reference)

    def look_up(self, reference):
        """Whether it stands on both sides, and nothing else there."""
        payer, payee, amount, leaf = self.told[reference]
        for name, wanted in ((payer, -amount), (payee, amount)):
            found = self.lines[name].get(leaf)
            if found is None or (found[0], found[2]) != (wanted, reference):
                self.lost.add(reference)

    def where(self):
        """For Traffic.begin(), when nobody pays."""
        self.take()     # what was ordered until the last of them ended
        return {payer: (self.next[payer], self.read[payer])
                for payer in self.traffic.payers}

    def check(self):
        self.take()
        later = []
        for reference in self.open:
            payer, payee, _, leaf = self.told[reference]
            if leaf <= min(self.read[payer], self.read[payee]):
                self.look_up(reference)
            else:
                later.append(reference)
        self.open = later
        if self.lost or self.doubled:
            raise Failure(f"lost: {sorted(self.lost)[:9]},"
                          f" doubled: {sorted(self.doubled)[:9]}")
        if not self.orders.keys() <= self.asked:
            self.take()         # somebody else has read it already
        unknown = self.orders.keys() - self.asked
        equal(sorted(unknown)[:9], [], "what nobody ordered")
        booked = self.orders.keys() & self.declined
        equal(sorted(booked)[:9], [], "what was declined and is booked")
        if min(self.read.values()) > 0:
            self.check_sum()

    def check_sum(self):
        """All accounts at one place of the log, the newest that all know."""
        at = min(self.read.values())
        total = 0
        for lines in self.lines.values():
            total += lines[max(leaf for leaf in lines if leaf <= at)][1]
        equal(total, self.total, f"the sum of all accounts at {at}")

    def on_disk(self, entries):
        """A log of so many entries: whose answers are beyond its end?"""
        self.take()
        self.lost |= {reference for reference, (_, _, _, leaf)
                      in self.told.items() if leaf >= entries}
        check(not self.lost, f"the log ends at {entries}, and these were"
              f" acknowledged: {sorted(self.lost)[:9]}")
