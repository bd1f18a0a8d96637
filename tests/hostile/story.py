# SPDX-License-Identifier: ISC
"""
A bank whose netd is in the hands of an attacker (hostile_netd.py), the
attacker, and people who use that bank meanwhile.
"""
import json
import os
import shutil
import socket
import threading

from hostile import hostile_netd
from hostile.hostile_netd import RECORD
from lib.bank import BUILD, TOP, Bank, process_state
from lib.scenario import check, equal, wait_until

# An order and what goes with it; questions are shorter.
ORDER_LEAST = 300
# Ids that no connection has.
FREE_ID = 0x7fff0000


class Attacker:
    """The test's end of the line to the hostile netd."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        os.chmod(path, 0o666)
        self.listener.listen(8)
        self.listener.settimeout(60)
        self.line = None

    def meet(self):
        """The hostile netd, or the next one after it died, has called."""
        sock, _ = self.listener.accept()
        sock.settimeout(120)
        self.line = sock.makefile("rw", encoding="utf-8")
        self.generation = self.do("about")["generation"]

    def do(self, what, **words):
        self.line.write(json.dumps(dict(words, do=what)) + "\n")
        self.line.flush()
        return json.loads(self.line.readline())

    def say(self, room, *packets, times=1):
        self.do("send", link=room, packets=[p.hex() for p in packets],
                times=times)

    def connections(self):
        return self.do("list")

    def id(self, low):
        return self.generation << 32 | low

    def honest(self):
        self.do("hold", types=[])
        self.do("alter", types=[])


class HostileBank(Bank):
    def look_at_walls(self):
        """The hostile netd has no walls; those of the others must stand."""
        rooms = self.rooms()
        equal(sorted(rooms), ["keyd", "ledgerd", "netd"], "the set of rooms")
        for name in ("keyd", "ledgerd"):
            state = process_state(rooms[name])
            equal(state.get("Seccomp"), "2", f"Seccomp of {name}")
            equal(state.get("NoNewPrivs"), "1", f"NoNewPrivs of {name}")
            equal(int(state.get("CapEff", "1"), 16), 0, f"CapEff of {name}")


class Story:
    """One bank with a hostile netd for all scenarios."""

    def __init__(self, kind=HostileBank):
        self.bank = bank = kind.found()
        tree = bank.base / "tree"
        for part in ("sbin", "libexec"):
            shutil.copytree(BUILD / part, tree / part)
        self.attacker = Attacker(bank.base / "attacker")
        hostile_netd.install(tree / "libexec" / "strongroom",
                             bank.base / "attacker", TOP / "tests")
        bank.monitor = tree / "sbin" / "strongroomd"
        bank.start()
        self.attacker.meet()
        self.pids = bank.rooms()
        self.lobby = bank.enrol("lobby")
        self.expected = {}
        for name, amount in (("ada", 50), ("bob", 20), ("eve", 5)):
            bank.register(name)
            bank.deposit(self.lobby, name, f"{amount}.00")
            self.expected[name] = amount * 100
        self.unharmed()

    def unharmed(self):
        """Nothing moved that should not have, and nobody died."""
        self.attacker.honest()
        rooms = self.bank.rooms()
        for name in ("keyd", "ledgerd"):
            equal(rooms.get(name), self.pids[name], f"the pid of {name}")
        for name, minor in self.expected.items():
            equal(self.bank.balance(name), minor, f"the balance of {name}")

    def refused(self, room):
        return self.bank.ask(room, f"{room}_status_get")[1]["refused"]

    def settled(self, room, before, least):
        """Waits until a room has counted at least so many more refusals."""
        wait_until(lambda: self.refused(room) >= before + least,
                   f"{least} refusals by {room}")

    def moved(self, payer, payee, minor):
        self.expected[payer] -= minor
        self.expected[payee] += minor

    def new_connection(self, before, condition):
        """A connection that was not there before and fulfils something."""
        known = {c["id"] for c in before}

        def look():
            for connection in self.attacker.connections():
                if connection["id"] not in known and condition(connection):
                    return connection
            return None
        return wait_until(look, "a connection to attack")


class Victim:
    """Somebody at an ATM; the command runs until join()."""

    def __init__(self, bank, *words, **options):
        self.result = None
        self.thread = threading.Thread(
            target=self.work, args=(bank, words, options), daemon=True)
        self.thread.start()

    def work(self, bank, words, options):
        self.result = bank.atm(*words, **options)

    def join(self):
        self.thread.join(100)
        check(self.result is not None, "the client did not end")
        return self.result


_story = []


def story():
    if not _story:
        _story.append(Story())
    return _story[0]


def held_order(tale, payer, payee, amount, reference):
    """A transfer whose order the hostile netd keeps back."""
    before = tale.attacker.connections()
    tale.attacker.do("hold", types=[RECORD], least=ORDER_LEAST)
    victim = Victim(tale.bank, payer, "transfer", payee, amount, "--id",
                    reference)
    connection = tale.new_connection(before, lambda c: c["held"])
    return victim, connection


def a_session(tale):
    """All that went by in one honest log-in of eve's."""
    before = tale.attacker.connections()
    tale.bank.balance("eve")
    return tale.new_connection(
        before, lambda c: any(kind == RECORD for kind, _ in c["got"]))
