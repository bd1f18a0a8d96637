# SPDX-License-Identifier: ISC
"""
What is not ours and checks us (`make check-interop`, mk/interop): whether it
is here, and a partner that is asked line by line in hex.

    theirs = Partner.in_node("opaque_theirs.mjs")
    (key,) = theirs.ask("setup")
"""
import os
import select
import shutil
import subprocess
import sys
import time

from lib import scenario
from lib.bank import BUILD, TOP
from lib.scenario import Failure, at_end

HERE = TOP / "tests/interop"
LIMIT_S = 60


def absent(what):
    """Why "npm" or "go" cannot take part; empty when it can."""
    program, path = {"npm": ("node", "node_modules"),
                     "go": ("go", "log_theirs")}[what]
    missing = BUILD / "interop" / f"missing-{what}"
    if missing.exists():
        return missing.read_text().strip()
    if not shutil.which(program):
        return f"{program} is not installed"
    if not (BUILD / "interop" / path).exists():
        return "`make check-interop` brings what this needs"
    return ""


def run_with(what):
    """The scenarios of a file; a skip of all of them where that is absent."""
    reason = absent(what)
    if reason:
        print(reason)
        sys.exit(77)
    scenario.run()


def node(script):
    return ["node", str(HERE / script)]


def environment():
    return dict(os.environ, BUILD=str(BUILD))


class Refused(Exception):
    """The partner said no."""


class Partner:
    """A program that answers each line with one; see tests/lib/peer.h."""

    def __init__(self, words):
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=environment(), bufsize=0)
        self.rest = b""
        at_end(self.close)

    @classmethod
    def ours(cls, name):
        return cls([BUILD / "tests/interop" / name])

    @classmethod
    def in_node(cls, script):
        return cls(node(script))

    @classmethod
    def in_go(cls, name):
        return cls([BUILD / "interop" / name])

    def ask(self, name, *arguments):
        words = [name] + [argument.hex() or "-" for argument in arguments]
        self.process.stdin.write(" ".join(words).encode() + b"\n")
        verdict, *values = self.line().split()
        if verdict == "no":
            raise Refused(" ".join(values))
        return [bytes.fromhex(value.strip("-")) for value in values]

    def line(self):
        give_up = time.monotonic() + LIMIT_S
        while b"\n" not in self.rest:
            left = give_up - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [],
                                              left)[0]:
                raise Failure(f"{self.process.args} says nothing")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise Failure(f"{self.process.args} ended with"
                              f" {self.process.wait()}")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
