#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 user-on-demand
"""
The watchdog: strongroomd tells systemd that the bank lives when, and only
when, a pulse has gone through netd, keyd and ledgerd to the disk and come
back; or when the bank is locked.
"""
import os
import signal
import stat
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (CONFIG, DONE, INTACT, ROOMS, Bank,  # noqa: E402
                      process_state)
from lib.inject import Inject  # noqa: E402
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          skip, wait_until)
from lib.watchdog import LIMIT_S, watched  # noqa: E402

PERIOD_S = LIMIT_S / 4
LATE = "the watchdog gets nothing"
bank = card = None


def pulse():
    """The number of the last pulse on the disk."""
    return struct.unpack("<Q", (bank.ledger / "pulse").read_bytes())[0]


@scenario
def given_a_watched_bank_when_it_runs_then_it_is_fed_in_time():
    global bank, card
    bank = watched(Bank).found()
    if os.environ.get("TEST_AS_USER"):
        bank.shorten_segments(1 << 20)
    check(not (bank.ledger / "pulse").exists(), "a pulse of nobody's")
    bank.start()
    bank.fed(5)
    bank.in_time()
    feeds = bank.feeds()
    check(feeds[0] >= bank.heard("READY=1")[0], "fed before it was ready")
    check(feeds[4] - feeds[0] > 3 * PERIOD_S, f"fed all the time: {feeds}")
    state = (bank.ledger / "pulse").stat()
    equal((state.st_size, stat.S_IMODE(state.st_mode), state.st_uid),
          (8, 0o600, (bank.ledger / "segment").stat().st_uid),
          "size, mode and owner of ledger/pulse")
    check(pulse() >= 5, f"pulse {pulse()} is the last on the disk")
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(card, "ada", "50.00")
    check(LATE not in bank.said(), bank.said())


@scenario
def given_each_room_stopped_when_its_pulse_is_late_then_not_fed_and_said():
    for name in ROOMS:
        said = len(bank.said())
        pid = bank.rooms()[name]
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda pid=pid: process_state(pid)["State"][0] == "T",
                       f"{name} stops")
            bank.overdue()
        finally:
            os.kill(pid, signal.SIGCONT)
        words = bank.said()[said:]
        contains(words, f" ms {name} has not answered")
        equal(words.count(LATE), 1, "lines about it")
        bank.fed(3)
        contains(bank.said()[said:], "the watchdog is fed again")
        equal(bank.balance("ada"), 5000)


@scenario
def given_netd_killed_when_a_new_one_runs_then_it_goes_on_being_fed():
    begun = time.monotonic()
    for _ in range(3):
        before = bank.rooms()["netd"]
        os.kill(before, signal.SIGSTOP)
        wait_until(lambda: process_state(before)["State"][0] == "T",
                   "netd stops")
        # The pulse that is due now dies with it.
        wait_until(lambda: time.monotonic() - bank.feeds()[-1]
                   > 1.2 * PERIOD_S, "a pulse on its way")
        bank.kill_room("netd")
        wait_until(lambda: bank.rooms().get("netd", before) != before,
                   "another netd")
        bank.fed(1)
    bank.fed(2)
    bank.in_time(begun)
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_bank_when_locked_and_unlocked_then_it_is_fed_all_the_time():
    begun = time.monotonic()
    bank.ctl("lock").ends(DONE)
    last = pulse()
    bank.fed(3)
    equal(pulse(), last, "the last pulse of a locked bank")
    bank.ctl("unlock").ends(DONE)
    bank.fed(3)
    check(pulse() > last, "no pulse since it is open")
    bank.in_time(begun)
    bank.stop()
    bank.verify().ends(INTACT)


@scenario
def given_a_watched_bank_when_backed_up_then_it_is_the_books_alone():
    bank.start()
    bank.fed(1)
    check((bank.ledger / "pulse").exists(), "there is no pulse")
    backups = bank.base / "backups"
    bank.ctl("backup", backups).ends(DONE, "verified")
    equal(list(backups.rglob("pulse")), [], "pulses in the backup")
    bank.ctl("restore", "--check", backups).ends(DONE)
    check("pulse" not in bank.ctl("doctor").out, "doctor knows of pulses")
    bank.stop()
    (bank.ledger / "pulse").unlink()


@scenario
def given_a_bank_that_begins_locked_then_it_is_fed():
    text = bank.conf.read_text()
    begin = text.index("[unlock]\n")
    end = text.find("\n[", begin)
    bank.conf.write_text(text[:begin] + "[unlock]\nlocked = yes\n" +
                         (text[end:] if end >= 0 else ""))
    bank.launch()
    bank.fed(3)
    bank.in_time()
    check(not (bank.ledger / "pulse").exists(), "a pulse without rooms")
    bank.stop()
    bank.conf.write_text(text)


@scenario
def given_a_watchdog_of_somebody_elses_then_nobody_is_told():
    bank.pid = "1"
    bank.start()
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun > 2 * PERIOD_S,
               "time for two pulses")
    equal(bank.feeds(), [], "what systemd was told")
    check(not (bank.ledger / "pulse").exists(), "a pulse for nobody")
    bank.stop()
    bank.pid = None


@scenario
def given_a_watchdog_that_makes_no_sense_when_it_starts_then_it_says_so():
    good = bank.usec
    for usec in ("", "0", "soon", "-1", "999999", "1e6", "18446744073709551615"):
        bank.usec = usec
        bank.start_refused().ends(CONFIG, f"WATCHDOG_USEC={usec} is no number",
                                  "WatchdogSec=")
    bank.usec = good
    for pid in ("", "0", "me", "99999999999"):
        bank.pid = pid
        bank.start_refused().ends(CONFIG, f"WATCHDOG_PID={pid} is no number")
    bank.pid = None


@scenario
def given_root_and_a_disk_that_refuses_then_it_is_fed():
    if os.geteuid() != 0:
        skip("only root may trace a room that cannot be dumped")
    bank.start()
    begun = time.monotonic()
    bank.fed(1)
    for error, why in (("ENOSPC", "the disk is full"),
                       ("EROFS", "the disk is read-only")):
        with Inject(bank, ("ledgerd",), "pwrite64", error, 1, last=0) as full:
            bank.fed(4)
            bank.atm("ada", "transfer", "bob", "0.01").ends(69, why)
        check(any("/pulse" in path for path in full.paths),
              f"no pulse was refused: {full.paths}")
        wait_until(lambda: bank.status()["closed"] is None, "open again")
    bank.in_time(begun)


@scenario
def given_root_and_a_disk_that_fails_then_the_bank_ends():
    if os.geteuid() != 0:
        skip("only root may trace a room that cannot be dumped")
    for call in ("fdatasync", "pwrite64"):
        said = len(bank.said())
        with Inject(bank, ("ledgerd",), call, "EIO", 1, part="pulse"):
            check(bank.ended() != 0, "exit code 0")
        contains(bank.said()[said:], "ledger/pulse: ")
        bank.start()
        bank.fed(1)
    bank.stop()


if __name__ == "__main__":
    run()
