# SPDX-License-Identifier: ISC
"""
What is not ours and checks us (`make check-interop`, mk/interop): whether it
is here, and a partner that is asked line by line in hex.

    theirs = Partner.theirs()
    (key,) = theirs.ask("setup")
"""
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

from lib.bank import BUILD, TOP
from lib.scenario import Failure, at_end, skip

HERE = TOP / "tests/interop"
LIMIT_S = 60


def need_packages():
    """Skips where Node.js or the packages are not there."""
    missing = BUILD / "interop/missing"
    if not shutil.which("node"):
        skip("Node.js is not installed")
    if missing.exists():
        skip(missing.read_text().strip())
    if not (BUILD / "interop/node_modules").is_dir():
        skip("`make check-interop` brings the packages that this needs")


def node(script):
    return ["node", str(HERE / script)]


def environment():
    return dict(os.environ, BUILD=str(BUILD))


class Refused(Exception):
    """The partner said no."""


class Partner:
    """A program that answers each line with one; see opaque_peer.c."""

    def __init__(self, words):
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=environment(), bufsize=0)
        self.rest = b""
        at_end(self.close)

    @classmethod
    def ours(cls):
        return cls([BUILD / "tests/interop/opaque_peer"])

    @classmethod
    def theirs(cls):
        need_packages()
        return cls(node("opaque_theirs.mjs"))

    def ask(self, name, *arguments):
        words = [name] + [argument.hex() or "-" for argument in arguments]
        self.process.stdin.write(" ".join(words).encode() + b"\n")
        verdict, *values = self.line().split()
        if verdict == "no":
            raise Refused(" ".join(values))
        return [bytes.fromhex(value) for value in values]

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
