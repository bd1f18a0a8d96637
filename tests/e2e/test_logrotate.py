#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
logrotate(8) itself, with the rules that are installed, over the audit log of a
bank at work: each entry keeps its one line, and strongroom-verify reads the
files that are left.
"""
import shutil
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import INTACT, VERIFY, Bank, run_program  # noqa: E402
from lib.scenario import (check, equal, run, scenario, skip,  # noqa: E402
                          wait_until)
from lib.session import Session  # noqa: E402

RULES = Path(__file__).resolve().parents[2] / "policy/logrotate"
LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/sbin:/usr/bin:/bin")
# Runs a program where the package's user is known, whoever it is here.
NAMED = """
mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group || exit
shift 2
exec "$@"
"""
bank = lobby = log = account = None


def pay(times):
    with Session(bank, "ada", terminal=lobby) as ada:
        for _ in range(times):
            ada.order(credit=account, amount=1)


def rotate(of_machine):
    """One run with the rules, of the machine's bank or of a further one."""
    text = RULES.read_text().replace(
        "/var/lib/strongroom/audit/audit.log" if of_machine else
        "/var/lib/strongroom-*/audit/audit.log", str(log))
    rules = bank.base / "logrotate.conf"
    rules.write_text(text)
    rules.chmod(0o644)
    # as it may stand in the machine's own rules, which ours have to overrule
    general = bank.base / "general.conf"
    general.write_text(f"compress\ncreate\ndateext\ninclude {rules}\n")
    general.chmod(0o644)
    said = subprocess.run(
        ["unshare", "--mount", "sh", "-c", NAMED, "sh", bank.base / "passwd",
         bank.base / "group", LOGROTATE, "--force", "--state",
         bank.base / "logrotate.state", general],
        capture_output=True, text=True, timeout=60, check=False)
    equal((said.returncode, said.stderr), (0, ""), "logrotate")


def compare():
    words = [VERIFY, "--bank", bank.id]
    for path in sorted(log.parent.iterdir()):
        words += ["--audit-log", path]
    run_program([*words, "--json", bank.ledger]).ends(
        INTACT, '"contradictions":0')


@scenario
def given_a_bank_under_load_when_rotated_then_each_entry_keeps_its_line():
    global bank, lobby, log, account
    if LOGROTATE is None:
        skip("logrotate is not installed")
    bank = Bank.found()
    log = bank.directory / "audit/audit.log"
    # whom logrotate becomes has to find the way, as below /var/lib
    for place in (bank.base.parent, bank.base, bank.directory):
        place.chmod(place.stat().st_mode | 0o011)
    owner = log.parent.stat()
    for name, line in (
            ("passwd", f"{owner.st_uid}:{owner.st_gid}::/nonexistent:/bin/sh"),
            ("group", f"{owner.st_gid}:")):
        known = (Path("/etc") / name).read_text().splitlines()
        (bank.base / name).write_text("\n".join(
            [*(line for line in known if not line.startswith("strongroom-")),
             f"strongroom-ledgerd:x:{line}", ""]))
    bank.start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(lobby, "ada", "50.00")
    with Session(bank, "bob", terminal=lobby) as bob:
        account = bob.facts["account"]
    enough = threading.Event()

    def load():
        while not enough.is_set():
            pay(20)

    payer = threading.Thread(target=load)
    payer.start()
    try:
        for number in range(6):
            wait_until(lambda: log.exists() and log.stat().st_size > 500
                       or not payer.is_alive(), "lines in a new log")
            rotate(number < 3)
    finally:
        enough.set()
        payer.join()
    pay(1)
    wait_until(log.exists, "a new log")
    equal(sorted(path.name for path in log.parent.iterdir()),
          ["audit.log", *[f"audit.log.{n}" for n in range(1, 7)]])
    compare()


@scenario
def given_a_bank_that_is_down_when_rotated_then_it_goes_on_in_a_new_file():
    bank.stop()
    rotate(True)
    check(not log.exists(), "logrotate has made a log")
    bank.start()
    pay(2)
    wait_until(log.exists, "a new log")
    check(log.with_name("audit.log.7").exists(), "it was not rotated")
    compare()


if __name__ == "__main__":
    run()
