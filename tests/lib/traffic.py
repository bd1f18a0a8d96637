# SPDX-License-Identifier: ISC
"""
Customers who pay each other without a pause while things happen to the bank
(tests/faults/load.c), and the count afterwards: every acknowledged order is
there exactly once, nothing is there that nobody ordered, the sum is zero.
"""
import signal
import subprocess
import time

from lib.bank import BUILD
from lib.scenario import Failure, at_end, check, equal
from lib.session import Session

PROGRAM = BUILD / "tests/faults/load"


class Traffic:
    """payers pay at random among all names of accounts."""

    def __init__(self, bank, accounts, payers, seed=1):
        self.bank, self.accounts, self.payers = bank, accounts, payers
        self.processes, self.seed = {}, seed
        self.read_to, self.counts = {}, {}  # of the logs
        at_end(self.kill)
        self.begin()

    def begin(self, where=None, rest_ms=0):
        """where: for each payer the number of its next order and the leaf up
        to which it has read its statement, when it goes on."""
        for number, payer in enumerate(self.payers):
            first, read = where[payer] if where else (0, 0)
            words = [PROGRAM, "--bank", self.bank.id, "--server",
                     self.bank.address, "--user", payer, "--keep",
                     f"{self.seed + number + first}:{first}:{read}"
                     f":{rest_ms}",
                     self.log(payer),
                     *(name for name in self.accounts if name != payer)]
            with open(self.errors(payer), "ab") as errors:
                process = subprocess.Popen(
                    [str(word) for word in words], stdin=subprocess.PIPE,
                    stdout=errors, stderr=errors,
                    env=self.bank.environment(payer))
            process.stdin.write(self.bank.passwords[payer].encode() + b"\n")
            process.stdin.close()
            self.processes[payer] = process

    def log(self, payer):
        return self.bank.base / f"{payer}.load"

    def errors(self, payer):
        return self.bank.base / f"{payer}.errors"

    def lines(self, payer, word):
        """What the payer's log says behind that first word."""
        try:
            text = self.log(payer).read_text()
        except FileNotFoundError:
            return []
        return [line.split()[1:] for line in text.splitlines()
                if line.split()[0] == word]

    def answered(self):
        """Number of answers of each payer; reads only what is new."""
        for payer in self.payers:
            try:
                with open(self.log(payer), "rb") as file:
                    file.seek(self.read_to.get(payer, 0))
                    data = file.read()
            except FileNotFoundError:
                data = b""
            whole = data[:data.rfind(b"\n") + 1]
            self.read_to[payer] = self.read_to.get(payer, 0) + len(whole)
            self.counts[payer] = self.counts.get(payer, 0) + sum(
                line.startswith((b"ok ", b"no "))
                for line in whole.split(b"\n"))
        return dict(self.counts)

    def wait_for(self, each=0, total=0, limit_s=60):
        """Until each payer has so many answers more, and all together."""
        before = self.answered()
        give_up = time.monotonic() + limit_s
        while True:
            more = {payer: now - before[payer]
                    for payer, now in self.answered().items()}
            if min(more.values()) >= each and sum(more.values()) >= total:
                return
            self.check_alive()
            if time.monotonic() > give_up:
                raise Failure(f"no answers within {limit_s} s: {more};"
                              f" {self.bank.said()[-1000:]}")
            time.sleep(0.01)

    def check_alive(self):
        for payer, process in self.processes.items():
            if process.poll() is not None:
                raise Failure(f"{payer} ended: "
                              f"{self.errors(payer).read_text()[-500:]}")

    def end(self):
        """Each ends when its last order is answered."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for payer, process in self.processes.items():
            try:
                code = process.wait(90)
            except subprocess.TimeoutExpired:
                raise Failure(f"{payer} does not end") from None
            equal(code, 0, f"{payer}: {self.errors(payer).read_text()[-500:]}"
                  " exit code")

    def kill(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()

    def count(self, cards=()):
        """After end(): looks for every order in the statements."""
        # From another device: the payers' keep all those orders.
        lines = {name: self.bank.statement(name, 65535, state="auditor")
                 for name in self.accounts}
        memos = {}
        for name, statement in lines.items():
            for line in statement:
                memos.setdefault((name, line["memo"]), []).append(line)
        ordered, acknowledged = set(), 0
        for payer in self.payers:
            ordered |= {words[0] for words in self.lines(payer, "ask")}
            for words in self.lines(payer, "no"):
                equal(words[1], "SR_FUNDS", f"{words[0]} was declined with")
                check((payer, words[0]) not in memos,
                      f"{words[0]} was declined and is booked")
            seen = [words[0] for words in self.lines(payer, "ok")]
            equal(len(seen), len(set(seen)), "acknowledged references")
            for reference, payee, amount, leaf in self.lines(payer, "ok"):
                acknowledged += 1
                for name, sign in ((payer, -1), (payee, 1)):
                    found = memos.get((name, reference), [])
                    equal([(line["amount_minor"], line["leaf"])
                           for line in found],
                          [(sign * int(amount), int(leaf))],
                          f"{reference} in {name}'s statement")
        for (name, memo), found in memos.items():
            if memo:
                check(memo in ordered, f"{memo} was never ordered")
                equal(len(found), 1, f"{memo} in {name}'s statement")
        total = 0
        for name, statement in lines.items():
            balance = self.bank.balance(name, state="auditor")
            equal(sum(line["amount_minor"] for line in statement), balance,
                  f"the sum of {name}'s statement")
            if statement:
                equal(statement[0]["balance_minor"], balance,
                      f"{name}'s last balance")
            total += balance
        for card in cards:
            with Session(self.bank, card=card, terminal=card) as till:
                total += till.balance()["posted"]
        equal(total, 0, "the sum over all accounts")
        return acknowledged
