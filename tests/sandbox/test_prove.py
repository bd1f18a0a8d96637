#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=120
"""
strongroomd --prove: what a probe in each room's place can do.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (BUILD, CTL, DONE, Bank, children,    # noqa: E402
                      free_port, run_program, temporary_directory)
from lib.scenario import (at_end, check, equal, run, scenario,  # noqa: E402
                          skip)

ROOMS = ("keyd", "netd", "ledgerd")


def prove(bank):
    result = run_program([bank.monitor, "-c", bank.conf, "--prove"])
    if "sanitizer" in result.out:
        skip("an instrument build has wider policies")
    return result


def whole(result):
    """Every attempt stopped, and 4 only where it says what lacks."""
    equal(result.code, 4 if "lacks: " in result.out else 0, str(result))
    table = rows(result)
    check(len(table) >= 50, f"{len(table)} attempts only")
    for words, *verdicts in table:
        for room, verdict in zip(ROOMS, verdicts):
            check(verdict in ("killed", "refused"),
                  f"{words.strip()} in {room}: {verdict}")


def rows(result):
    """The table: attempt and its three verdicts."""
    table = re.findall(r"^(.{36}) (\S+) +(\S+) +(\S+) *$", result.out, re.M)
    return [row for row in table if row[0].strip() != "attempt"]


@scenario
def given_a_stopped_bank_when_its_walls_are_tried_then_each_attempt_is_stopped():
    bank = Bank.found()
    result = prove(bank)
    whole(result)
    for room in ROOMS:
        check(re.search(rf"^{room} .* seccomp 2 no-new-privs 1 "
                        r"effective capabilities 0+ .*as it must be",
                        result.out, re.M), f"{room}: {result.out[:600]}")
    bank.start()
    bank.stop()


@scenario
def given_namespaces_switched_off_when_tried_then_it_says_so_and_ends_with_4():
    bank = Bank.found()
    bank.configure("sandbox", "namespaces", "off")
    result = prove(bank)
    equal(result.code, 4, str(result))
    check("layers are missing" in result.out and "lacks: namespaces" in result.out,
          result.out[-300:])
    check(all(verdict in ("killed", "refused")
              for _, *verdicts in rows(result) for verdict in verdicts),
          result.out)


@scenario
def given_a_running_bank_when_tried_then_it_is_left_alone():
    bank = Bank.found().start()
    result = run_program([bank.monitor, "-c", bank.conf, "--prove"])
    result.ends(69, "already runs")
    bank.stop()


class Installed:
    """Programs, configuration and credential, and data, each in its place."""

    def __init__(self):
        root = temporary_directory()
        for part in ("sbin", "libexec"):
            shutil.copytree(BUILD / part, root / "usr" / part)
        self.monitor = root / "usr/sbin/strongroomd"
        self.conf = root / "etc/strongroom/strongroom.conf"
        self.conf.parent.mkdir(parents=True)
        self.key = self.conf.parent / "bank-key"
        data = root / "var/lib/strongroom"
        data.parent.mkdir(parents=True)
        if Bank.namespaces is None:
            Bank.found()
        run_program([CTL, "init", "--dir", data, "--name", "Installed",
                     "--unit", "EUR:2", "--listen",
                     f"127.0.0.1:{free_port()}", "--unlock",
                     f"credential:{self.key}", "--namespaces",
                     "on" if Bank.namespaces else "off"]).ends(DONE)
        text = (data / "strongroom.conf").read_text()
        (data / "strongroom.conf").unlink()
        self.conf.write_text(text.replace(
            "[bank]\n", f"[bank]\ndata = {data}\n"))

    def prove(self):
        return run_program([self.monitor, "-c", self.conf, "--unlock-kind",
                            "credential", "--prove"],
                           give=self.key.read_bytes())

    def start(self, listener):
        """As systemd starts it for its socket."""
        os.set_inheritable(listener.fileno(), True)
        process = subprocess.Popen(
            ["sh", "-c", f"exec 3<&{listener.fileno()}; "
             'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", self.monitor, "-c",
             self.conf], close_fds=False,
            env=dict(os.environ, CREDENTIALS_DIRECTORY=str(self.key.parent)))
        at_end(process.kill)
        return process


def hello(port):
    with socket.create_connection(("127.0.0.1", port), 20) as one:
        one.settimeout(20)
        return one.recv(4096)


@scenario
def given_an_installed_bank_when_tried_then_it_stands_and_a_running_one_is_left():
    bank = Installed()
    run_program([bank.monitor, "-c", bank.conf, "--prove"],
                env={"PATH": os.environ["PATH"]}).ends(
        78, "--unlock-kind credential")
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        given.listen()
        port = given.getsockname()[1]
        running = bank.start(given)
        check(hello(port), "no HELLO")
        rooms = children(running.pid)
        bank.prove().ends(69, "already runs on this data; stop it first")
        equal(children(running.pid), rooms, "the rooms of the running bank")
        check(hello(port), "no HELLO any more")
        running.terminate()
        equal(running.wait(30), 0, "the end of the bank")
        # systemd still has the socket
        result = bank.prove()
        if "sanitizer" in result.out:
            skip("an instrument build has wider policies")
        whole(result)


if __name__ == "__main__":
    run()
