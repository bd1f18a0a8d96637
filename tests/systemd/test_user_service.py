#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
A bank without root, as a service of its user's own systemd, with the units of
policy/systemd/user: all their walls are up, and so are the bank's own.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.machine import in_a_machine                              # noqa: E402
from lib.scenario import check, contains, equal, scenario, wait_until  # noqa: E402

ROOMS = ["keyd", "ledgerd", "netd"]


def command(*words, code=0, **options):
    result = subprocess.run([str(word) for word in words],
                            capture_output=True, text=True, timeout=60,
                            check=False, **options)
    if result.returncode != code:
        journal = subprocess.run(["journalctl", "-n", "40", "-o", "cat"],
                                 capture_output=True, text=True, timeout=60,
                                 check=False).stdout
        check(False, f"{words} ended with {result.returncode}: "
              f"{result.stdout} {result.stderr} {journal}")
    return result.stdout


def as_clara(*words, give=None, code=0):
    uid = command("id", "-u", "clara").strip()
    return command("runuser", "-u", "clara", "--", "env", "-u",
                   "XDG_CONFIG_HOME", "-u", "XDG_DATA_HOME",
                   f"XDG_RUNTIME_DIR=/run/user/{uid}", *words, code=code,
                   cwd="/", input=give)


def main_pid():
    return int(as_clara("systemctl", "--user", "show", "-P", "MainPID",
                        "strongroom"))


def rooms():
    """Process ids of the rooms by name."""
    pid = main_pid()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {Path(f"/proc/{child}/comm").read_text().strip(): child
            for child in children}


@scenario
def given_a_user_when_their_bank_is_enabled_then_it_serves_behind_all_walls():
    command("useradd", "--create-home", "clara")
    uid = int(command("id", "-u", "clara"))
    runtime = Path(f"/run/user/{uid}")
    # which logind, that no other test here needs, would make
    runtime.mkdir(parents=True, mode=0o700)
    os.chown(runtime, uid, uid)
    Path(f"/etc/systemd/system/user-runtime-dir@{uid}.service").write_text(
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\n")
    command("systemctl", "daemon-reload")
    # what any service of the machine with a mount namespace leaves behind,
    # and those of users need
    command("systemd-run", "--wait", "-q", "-p", "PrivateMounts=yes", "true")
    as_clara("strongroomctl", "init", "--name", "Club")
    command("systemctl", "start", f"user@{uid}.service")
    as_clara("systemctl", "--user", "enable", "--now", "strongroom.socket",
             "strongroom.service")
    equal(json.loads(as_clara("strongroomctl", "status", "--json"))["state"],
          "open")
    equal(sorted(rooms()), ROOMS)
    home = Path(command("getent", "passwd", "clara").split(":")[5])
    bank = home / ".local/share/strongroom/bank.id"
    secret = home / "password"
    secret.write_text("Nicht auf den Zettel!")
    secret.chmod(0o600)
    os.chown(secret, uid, uid)
    as_clara("atm", "--bank", bank, "--user", "ada", "--password-file",
             secret, "register")
    contains(as_clara("atm", "--bank", bank, "--user", "ada",
                      "--password-file", secret, "balance", "--json"),
             '"balance_minor":0')


@scenario
def given_the_users_bank_when_looked_at_then_its_rooms_have_their_own_walls():
    outside = {kind: os.readlink(f"/proc/{main_pid()}/ns/{kind}")
               for kind in ("user", "mnt", "net", "pid")}
    for name, pid in rooms().items():
        status = dict(line.split(":\t", 1) for line in
                      Path(f"/proc/{pid}/status").read_text().splitlines()
                      if ":\t" in line)
        equal(status["CapEff"].strip(), "0" * 16, name)
        equal(status["NoNewPrivs"].strip(), "1", name)
        for kind, link in outside.items():
            check(os.readlink(f"/proc/{pid}/ns/{kind}") != link,
                  f"{name} shares its {kind} namespace")
    # and the unit's: no network but the socket that it was handed
    check(os.readlink("/proc/1/ns/net") != outside["net"],
          "the service has the machine's network")


@scenario
def given_the_users_bank_when_it_is_killed_then_it_comes_back_by_itself():
    before = main_pid()
    os.kill(before, 9)
    wait_until(lambda: main_pid() not in (0, before) and sorted(
        rooms()) == ROOMS, "the bank is back")
    as_clara("systemctl", "--user", "stop", "strongroom.socket")
    equal(as_clara("systemctl", "--user", "is-active", "strongroom.service",
                   code=3).strip(), "inactive")


if __name__ == "__main__":
    in_a_machine(__file__)
