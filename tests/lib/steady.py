# SPDX-License-Identifier: ISC
"""
A bank under load, round after round: payers log in and pay each other;
meanwhile others deposit, withdraw, ask and mistype their passwords, each in a
session of its own.  Then all leave, and when nobody is served any more the
memory and the descriptors of the four processes are taken (lib/flat.py).
"""
import random

from lib.bank import DONE, WRONG_PASSWORD
from lib.flat import descriptors, sample
from lib.ordeal import Ordeal
from lib.scenario import Failure, equal, wait_until

ORDERS_OF_A_ROUND, REST_MS = 100, 50
# ledgerd keeps files of old segments open, so many at most.
OLD_SEGMENTS = 8
PASSERS_BY = ("ada", "bob", "eve")


class Steady:
    """one_round() as often as wanted; samples holds what was seen."""

    def __init__(self, seed):
        self.ordeal = Ordeal(random.Random(seed), segment=128 << 10)
        self.bank, self.book = self.ordeal.bank, self.ordeal.book
        self.samples, self.sessions = [], 0
        for name in PASSERS_BY:
            self.bank.register(name)
            self.bank.deposit(self.ordeal.card, name, "50.00")
        self.balance = {name: 5000 for name in PASSERS_BY}
        self.ordeal.newcomers.update(self.balance)
        self.pids = {**self.bank.rooms(),
                     "strongroomd": self.bank.process.pid}
        self.ordeal.traffic.wait_for(each=1)
        self.ordeal.traffic.end()
        self.fewest = self.least()      # descriptors

    def passers_by(self):
        bank, card = self.bank, self.ordeal.card
        bank.deposit(card, "ada", "20.00")
        bank.atm("ada", "withdraw", "20.00", terminal=card).ends(DONE)
        bank.transfer("ada", "bob", "0.01")
        bank.transfer("bob", "ada", "0.01")
        equal(len(bank.statement("ada", 4)), 4, "lines of a statement")
        for name in ("ada", "bob"):
            equal(bank.balance(name), self.balance[name], f"{name} has")
        bank.atm("eve", "balance", password="another",
                 state="thief").ends(WRONG_PASSWORD)
        self.sessions += 8

    def one_round(self):
        traffic = self.ordeal.traffic
        where = self.book.where()
        reads = dict(self.book.reads)
        traffic.begin(where, REST_MS)
        self.sessions += len(traffic.payers)
        self.passers_by()
        traffic.wait_for(each=1)
        traffic.wait_for(total=ORDERS_OF_A_ROUND)
        self.ordeal.look_at_statements(reads)
        traffic.end()
        self.take_sample()

    def numbers(self):
        return {name: descriptors(pid) for name, pid in self.pids.items()}

    def least(self):
        """Of an idle bank: strongroomd closes our own question a little
        after its answer."""
        wait_until(self.nobody, "an idle bank", 30)
        seen = []
        wait_until(lambda: seen.append(self.numbers()) or len(seen) == 100,
                   "a hundred looks")
        return min(seen, key=lambda numbers: numbers["strongroomd"] or 0)

    def nobody(self):
        status = self.bank.status()
        return status["connections"] == 0 and status["sessions"] == 0

    def as_before(self):
        numbers, fewest = self.numbers(), self.fewest
        return numbers["ledgerd"] is None or \
            numbers["ledgerd"] - fewest["ledgerd"] <= OLD_SEGMENTS + 1 and \
            {**numbers, "ledgerd": 0} == {**fewest, "ledgerd": 0}

    def take_sample(self, wait_s=30):
        """What does not come back to what it was shows in the sample."""
        try:
            wait_until(self.nobody, "an idle bank", wait_s)
            wait_until(self.as_before, "the descriptors of before", wait_s)
        except Failure as late:
            print(f"    {late}: {self.numbers()}, not {self.fewest}")
        self.samples.append(sample(self.pids))
