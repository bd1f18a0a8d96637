# SPDX-License-Identifier: ISC
"""
One long session with a bank, steered line by line (tests/faults/session.c):
what no honest client sends, signed with a real key.

    with Session(bank, "ada") as ada:
        answer = ada.order(credit="@bob", amount=-1)
        equal(answer["outcome"], "SR_AMOUNT")
"""
import os
import select
import struct
import subprocess
import time

from lib.bank import BUILD, CLIENT_LIMIT_S
from lib.scenario import Failure, at_end, equal

PROGRAM = BUILD / "tests/faults/session"

# Kinds and roles, as common/order.h and common/authority.h number them.
TRANSFER, DEPOSIT, ENROL, APPROVE, REVOKE = 1, 2, 13, 14, 17
HOLD, POST, VOID, RELEASE = 3, 4, 5, 28
CUSTOMER, TERMINAL, TELLER, OPERATOR = 1, 2, 3, 4


def enrol_parameters(principal, terminal, epoch, maximum_minor, role=TERMINAL):
    return struct.pack("<QIIqB7x", principal, terminal, epoch, maximum_minor,
                       role).hex()


def revoke_parameters(principal, terminal):
    return struct.pack("<QI4x", principal, terminal).hex()


def release_parameters(account, amount_minor):
    return struct.pack("<Qq", account, amount_minor).hex()


class Session:
    """`facts` is what the bank said at log-in; `refused` why it said no."""

    def __init__(self, bank, user=None, card=None, terminal=None,
                 server=None):
        words = [PROGRAM, "--bank", bank.id]
        words += ["--server", server or bank.address]
        words += ["--user", user] if user else ["--card", card]
        words += ["--terminal", terminal] if terminal else []
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=open(bank.log, "ab"),
            env=bank.environment("session"), bufsize=0)
        at_end(self.close)
        self.rest = b""
        self.facts, self.refused = {}, None
        if user:
            self.write(bank.passwords[user])
        first = self.read()
        word, _, more = first.partition(" ")
        if word == "in":
            self.facts = {key: int(value) for key, value in
                          self.fields(more).items()}
        elif word == "out":
            self.refused = more
        else:
            raise Failure(f"the session tool said {first!r}")

    def __enter__(self):
        if self.refused:
            raise Failure(f"no session: {self.refused}")
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def fields(line):
        return dict(word.split("=", 1) for word in line.split())

    def write(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def read(self):
        give_up = time.monotonic() + CLIENT_LIMIT_S
        while b"\n" not in self.rest:
            left = give_up - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [],
                                              left)[0]:
                raise Failure("the session tool says nothing")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise Failure("the session tool ended with"
                              f" {self.process.wait()}")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def ask(self, line):
        self.write(line)
        answer = self.fields(self.read())
        return {key: value if key in ("error", "outcome", "hash", "body")
                else int(value) for key, value in answer.items()}

    def order(self, **fields):
        return self.ask("order " + " ".join(
            f"{key}={value}" for key, value in fields.items()))

    def booked(self, **fields):
        answer = self.order(**fields)
        equal(answer["error"], "SR_OK", "the answer")
        equal(answer["outcome"], "SR_OK", "the outcome")
        return answer

    def again(self):
        return self.ask("again")

    def balance(self, account="0"):
        return self.ask(f"balance {account}")

    def statement(self, account="0"):
        return self.ask(f"statement {account}")

    def find(self, name):
        answer = self.ask(f"find {name}")
        equal(answer["error"], "SR_OK", f"finding {name}")
        return answer["customer"]

    def burst(self, count, account, amount):
        """Orders that are all sent before an answer is read."""
        return self.ask(f"burst {count} {account} {amount}")

    def secrets(self):
        """The session's keys and the customer's own, by name."""
        self.write("secrets")
        return {name: bytes.fromhex(value) for name, value in
                self.fields(self.read()).items() if name != "error"}

    def raw(self, data):
        return self.ask("raw " + data.hex())

    def register(self, name):
        return self.ask("register " + name.hex())["error"]

    def close(self):
        """The goodbye, and the end of the tool."""
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(CLIENT_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
