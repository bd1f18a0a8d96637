# SPDX-License-Identifier: ISC
"""
A bank that the packages have installed and systemd starts, asked as a test
asks one of its own (lib/bank.py), but by the programs in /usr/bin.

    bank = Installed()                      # /etc/strongroom, strongroom.service
    other = Installed("canteen", 7421)      # strongroom@canteen.service
    bank.found("Test Bank").start()
"""
import json
import os
import subprocess
from pathlib import Path

from lib import bank as of_a_test
from lib.bank import Bank, children, process_state, temporary_directory
from lib.scenario import check, equal, wait_until

for program in ("ATM", "CTL", "VERIFY"):
    setattr(of_a_test, program,
            Path("/usr/bin") / getattr(of_a_test, program).name)

ETC, DATA = Path("/etc/strongroom"), Path("/var/lib/strongroom")
PORT = 7420


def run(*words, code=0, limit_s=90, **options):
    """A command of the operator's; both what it said."""
    done = subprocess.run([str(word) for word in words], capture_output=True,
                          text=True, timeout=limit_s, check=False,
                          **{"stdin": subprocess.DEVNULL, **options})
    if code is not None:
        check(done.returncode == code,
              f"{' '.join(map(str, words))} ended with {done.returncode}, "
              f"not {code}: {done.stdout[-2000:]} {done.stderr[-2000:]} "
              f"{last_words()}")
    return done.stdout + done.stderr


def last_words():
    return subprocess.run(["journalctl", "-n", "25", "-o", "short", "--no-pager"],
                          capture_output=True, text=True, timeout=60,
                          check=False).stdout


def shown(unit, *names):
    """Properties of a unit, as systemctl show has them."""
    text = run("systemctl", "show", unit, *(f"-p{name}" for name in names))
    values = dict(line.split("=", 1) for line in text.splitlines())
    return [values[name] for name in names]


class MainProcess:
    """In the place of the process that a test has started itself."""

    def __init__(self, unit):
        self.unit = unit

    @property
    def pid(self):
        return int(shown(self.unit, "MainPID")[0])

    def poll(self):
        return None if self.pid else 0


class Installed(Bank):
    def __init__(self, instance=None, port=PORT):
        self.instance = instance
        name = f"strongroom@{instance}" if instance else "strongroom"
        self.unit, self.socket = f"{name}.service", f"{name}.socket"
        super().__init__(temporary_directory(), port)
        self.process = MainProcess(self.unit)

    def settle(self, directory):
        del directory
        self.directory = Path(f"{DATA}-{self.instance}") if self.instance \
            else DATA
        self.conf = (ETC / self.instance if self.instance else ETC) \
            / "strongroom.conf"
        self.id = self.directory / "bank.id"
        self.ledger = self.directory / "ledger"
        self.keyd = self.directory / "keyd"

    def found(self, name):
        words = ["init", "--name", name]
        if self.instance:
            words += ["--instance", self.instance, "--listen", self.address]
        self.ctl(*words, conf=False).ends(0)
        return self

    def start(self):
        run("systemctl", "enable", "--now", self.socket, self.unit)
        equal(self.open(), True, "open")
        self.look_at_walls()
        return self

    def stop(self):
        run("systemctl", "stop", self.unit)

    def open(self):
        """Whether it serves, with all three rooms."""
        said = self.ctl("status", "--json")
        return said.code == 0 and json.loads(said.out)["state"] == "open"

    def back(self, restarts):
        """Waits until systemd has started it so many times, and it serves."""
        wait_until(lambda: int(shown(self.unit, "NRestarts")[0]) >= restarts
                   and self.open(), f"{self.unit} is back", 60)
        equal(int(shown(self.unit, "NRestarts")[0]), restarts, "restarts")

    def restarts(self):
        return int(shown(self.unit, "NRestarts")[0])

    def kill_room(self, name):
        os.kill(self.rooms()[name], 9)

    def uids(self):
        return {name: process_state(pid)["Uid"].split()[0]
                for name, pid in self.rooms().items()}

    def rooms(self):
        pid = self.process.pid
        return {name: child for child, name in children(pid).items()
                if name in of_a_test.ROOMS} if pid else {}

    def said(self, since=0):
        del since
        return run("journalctl", "-u", self.unit, "-o", "cat", "--no-pager",
                   code=None)

    def close(self):
        """The machine ends with the test."""
