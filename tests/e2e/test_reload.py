#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: user-on-demand
"""
strongroom.conf that is read again while the bank runs: what changes is seen
in what the rooms do, what cannot is named, and a file with an error changes
nothing.
"""
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (CLIENT_LIMIT_S, CONFIG, DECLINED, DONE,  # noqa: E402
                      MONITOR, START_LIMIT_S, UNREACHABLE, USAGE, Bank,
                      children)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          wait_until)
from lib.session import Session  # noqa: E402

# Those who start strongroomd may ignore it, and that would be inherited.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
RELOADED = "reloaded: "
_bank = []


def open_bank():
    """The one bank of most scenarios, running, with ada in it."""
    if not _bank:
        bank = Bank.found()
        bank.start()
        bank.register("ada")
        bank.deposit(bank.enrol("lobby"), "ada", "50.00")
        bank.stop()
        _bank.append((bank, bank.conf.read_text()))
    bank, text = _bank[0]
    if bank.process is None:
        bank.conf.write_text(text)
        bank.start()
    elif bank.conf.read_text() != text:
        bank.conf.write_text(text)
        reload(bank)
    return bank


def reload(bank, *settings):
    """With settings as ("netd", "max_per_address", "3") in the file."""
    for setting in settings:
        bank.configure(*setting)
    return bank.ctl("reload")


def greeted(bank):
    """One connection, and whether the bank says HELLO on it."""
    one = socket.create_connection(("127.0.0.1", bank.port), CLIENT_LIMIT_S)
    return one, one.recv(1) != b""


def admitted(bank, attempts):
    """Of so many connections that stay open, how many are greeted."""
    found = [greeted(bank) for _ in range(attempts)]
    for one, _ in found:
        one.close()
    return sum(good for _, good in found)


def netd_is_free(bank):
    """All connections of before have left."""
    wait_until(lambda: bank.ask("netd", "netd_status_get")[1]["connections"]
               == 0, "the end of all connections")


@scenario
def given_registration_when_closed_by_a_reload_then_nobody_registers():
    bank = open_bank()
    reload(bank, ("keyd", "registration", "closed")).ends(
        DONE, RELOADED + "[keyd] registration")
    bank.passwords["bob"] = "the password of bob"
    bank.atm("bob", "register").ends(DECLINED, "takes no registrations")
    equal(bank.ask("keyd", "keyd_status_get")[1]["registration"], 2)
    reload(bank, ("keyd", "registration", "open")).ends(DONE, RELOADED)
    bank.register("bob")


@scenario
def given_a_reload_when_nothing_has_changed_then_it_says_so():
    bank = open_bank()
    reload(bank).ends(DONE, RELOADED + "no value has changed")


@scenario
def given_sessions_when_reloaded_then_none_is_lost():
    bank = open_bank()
    with Session(bank, "ada") as ada:
        for number in range(5):
            reload(bank, ("ledgerd", "session_rekey", str(60 + number)),
                   ("netd", "max_per_address", str(20 + number))).ends(
                       DONE, "[netd] max-per-address, [ledgerd] session-rekey")
            equal(ada.balance()["posted"], 5000)
    equal(bank.status()["netd_restarts"], 0)


@scenario
def given_a_session_when_idle_is_shortened_then_it_ends():
    bank = open_bank()
    with Session(bank, "ada") as ada:
        equal(bank.ask("ledgerd", "ledgerd_status_get")[1]["sessions"], 1)
        reload(bank, ("ledgerd", "session_idle", "1")).ends(
            DONE, RELOADED + "[ledgerd] session-idle")
        wait_until(lambda: bank.ask("ledgerd", "ledgerd_status_get")[1]
                   ["sessions"] == 0, "the end of an idle session")
        check(ada.process.poll() is None, "the client has ended by itself")


@scenario
def given_max_per_address_when_lowered_then_new_ones_are_closed():
    bank = open_bank()
    first, good = greeted(bank)
    with first:
        check(good, "no HELLO")
        reload(bank, ("netd", "max_per_address", "3")).ends(DONE, RELOADED)
        equal(admitted(bank, 5), 2, "connections beside the first")
        # Who was there stays.
        first.setblocking(False)
        first.recv(4096)
        try:
            equal(first.recv(1), None, "what a connection that stays says")
        except BlockingIOError:
            pass
    netd_is_free(bank)
    reload(bank, ("netd", "max_per_address", "4")).ends(DONE, RELOADED)
    equal(admitted(bank, 6), 4)


@scenario
def given_max_connections_when_changed_then_as_far_as_netd_was_started_for():
    bank = open_bank()
    reload(bank, ("netd", "max_connections", "2")).ends(
        DONE, RELOADED + "[netd] max-connections")
    netd_is_free(bank)
    equal(admitted(bank, 4), 2)
    netd_is_free(bank)
    reload(bank, ("netd", "max_connections", "5")).ends(DONE, RELOADED)
    equal(admitted(bank, 7), 5)
    reload(bank, ("netd", "max_connections", "1001")).ends(
        DONE, RELOADED + "no value", "[netd] max-connections changes at the "
        "next start")
    netd_is_free(bank)
    equal(admitted(bank, 7), 5)


@scenario
def given_a_short_handshake_timeout_when_reloaded_then_the_silent_are_closed():
    bank = open_bank()
    reload(bank, ("netd", "handshake_timeout_ms", "100")).ends(DONE, RELOADED)
    with socket.create_connection(("127.0.0.1", bank.port)) as one:
        # The old limit is 15 s.
        one.settimeout(10)
        while one.recv(4096):
            pass


@scenario
def given_a_reload_when_netd_is_killed_then_the_next_has_the_new_values():
    bank = open_bank()
    reload(bank, ("netd", "max_per_address", "6"),
           ("netd", "max_connections", "4")).ends(DONE, RELOADED)
    bank.kill_room("netd")
    wait_until(lambda: bank.status()["netd_restarts"] == 1 and
               "netd" in bank.rooms(), "the next netd")
    equal(admitted(bank, 8), 4)
    netd_is_free(bank)
    # It still can what the first could.
    reload(bank, ("netd", "max_connections", "1000")).ends(DONE, RELOADED)
    equal(admitted(bank, 8), 6)
    netd_is_free(bank)
    reload(bank, ("netd", "max_per_address", "1000"),
           ("netd", "max_connections", "1000")).ends(DONE, RELOADED)
    equal(admitted(bank, 20), 20)


@scenario
def given_other_values_of_ledgerd_when_reloaded_then_they_are_in_force():
    bank = open_bank()
    path = bank.directory / "audit/audit.log"
    reload(bank, ("ledgerd", "reserve", "32M"),
           ("ledgerd", "audit_log", "full")).ends(
               DONE, RELOADED + "[ledgerd] reserve, [ledgerd] audit-log")
    status = bank.ask("ledgerd", "ledgerd_status_get")[1]
    equal((status["reserve"], status["audit_mode"]), (32 << 20, 1))
    before = path.read_text()
    check('"ada"' not in before, "a name in a log of pseudonyms")
    bank.transfer("ada", "bob", "1.00")
    wait_until(lambda: '"ada"' in path.read_text(), "a full line")
    reload(bank, ("ledgerd", "audit_log", "off")).ends(DONE, RELOADED)
    kept = path.read_text()
    bank.transfer("ada", "bob", "1.00")
    equal(path.read_text(), kept, "a log that is not kept")
    reload(bank, ("ledgerd", "audit_log", "pseudonyms")).ends(DONE, RELOADED)
    wait_until(lambda: bank.ask("ledgerd", "ledgerd_status_get")[1]
               ["audit_missing"] == 0, "a line for each entry")
    check(len(path.read_text()) > len(kept), "no line came later")
    contains(path.read_text(), kept, "the log")


@scenario
def given_a_file_with_an_error_when_reloaded_then_nothing_changes():
    bank = open_bank()
    text = bank.conf.read_text()
    before = len(bank.said())
    bank.configure("keyd", "registration", "closed")
    bank.configure("netd", "max_per_address", "1")
    bank.conf.write_text(bank.conf.read_text() + "\n[ledgerd]\nreserve = 1\n")
    line = bank.conf.read_text().splitlines().index("reserve = 1") + 1
    reload(bank).ends(CONFIG, f"{bank.conf}:{line}: [ledgerd] reserve")
    contains(bank.said()[before:],
             f"nothing was reloaded: {bank.conf}:{line}: [ledgerd] reserve")
    equal(bank.ask("keyd", "keyd_status_get")[1]["registration"], 0)
    equal(admitted(bank, 5), 5)
    # Nor when there is none.
    bank.conf.unlink()
    os.kill(bank.process.pid, signal.SIGHUP)
    wait_until(lambda: "cannot be read" in bank.said()[before:],
               "what SIGHUP makes of a file that is not there")
    reload(bank).ends(CONFIG, "cannot be read")
    bank.conf.write_text(text)
    equal(bank.balance("ada") > 0, True)


@scenario
def given_a_value_beyond_the_system_when_reloaded_then_nothing_changes():
    bank = open_bank()
    bank.stop()
    bank.conf.write_text(_bank[0][1])
    bank.configure("netd", "max_connections", "100")
    bank.process = subprocess.Popen(
        ["bash", "-c", 'ulimit -n 400; exec "$@"', "bash", MONITOR, "-c",
         bank.conf], stdin=subprocess.DEVNULL, stderr=open(bank.log, "ab"))
    wait_until(lambda: bank.ctl("status").code == 0, "a bank", START_LIMIT_S)
    reload(bank, ("keyd", "registration", "closed"),
           ("netd", "max_connections", "90000")).ends(
               CONFIG, "max-connections = 90000 needs 90064 open files")
    equal(bank.ask("keyd", "keyd_status_get")[1]["registration"], 0)
    bank.stop()


@scenario
def given_values_of_the_start_when_reloaded_then_they_are_named_and_kept():
    bank = open_bank()
    text = bank.conf.read_text()
    bank.configure("netd", "listen", "127.0.0.1:1")
    bank.configure("ledgerd", "segment_size", "128K")
    bank.configure("sandbox", "user_netd", "4711")
    bank.configure("bank", "name", "The same bank")
    bank.configure("bank", "data", str(bank.base / "elsewhere"))
    # The file no longer tells where the bank is: a signal finds it.
    reload(bank).ends(UNREACHABLE, "is strongroomd running on this bank?")
    before = len(bank.said())
    os.kill(bank.process.pid, signal.SIGHUP)
    wait_until(lambda: "at the next start" in bank.said()[before:],
               "what does not change")
    contains(bank.said()[before:], RELOADED + "[bank] name\n")
    contains(bank.said()[before:],
             "[bank] data, [ledgerd] segment-size, [sandbox] user-netd, "
             "[netd] listen change at the next start")
    bank.conf.write_text(text)
    bank.configure("netd", "listen", "127.0.0.1:1")
    reload(bank).ends(DONE, "[netd] listen changes at the next start")
    equal(admitted(bank, 1), 1)
    equal((bank.directory / "run/address").read_text(), bank.address + "\n")


@scenario
def given_a_locked_bank_when_reloaded_then_it_opens_with_the_new_values():
    bank = open_bank()
    bank.ctl("lock").ends(DONE)
    reload(bank, ("keyd", "registration", "invite"),
           ("netd", "max_per_address", "3")).ends(
               DONE, RELOADED, "the rooms begin with it")
    equal(children(bank.process.pid), {})
    bank.conf.write_text(bank.conf.read_text() + "nonsense\n")
    reload(bank).ends(CONFIG, "neither [section] nor key = value")
    bank.ctl("unlock").ends(CONFIG)     # strongroomctl reads it, too
    bank.conf.write_text(bank.conf.read_text().replace("nonsense\n", ""))
    bank.ctl("unlock").ends(DONE)
    equal(bank.ask("keyd", "keyd_status_get")[1]["registration"], 1)
    equal(admitted(bank, 5), 3)


@scenario
def given_another_way_to_open_when_reloaded_then_the_next_unlock_uses_it():
    bank = open_bank()
    (bank.base / "passphrase").rename(bank.base / "moved")
    reload(bank, ("unlock", "passphrase_file", str(bank.base / "moved"))).ends(
        DONE, RELOADED + "[unlock]")
    bank.ctl("lock").ends(DONE)
    bank.ctl("unlock").ends(DONE, "is open")
    (bank.base / "moved").rename(bank.base / "passphrase")


def systemd(bank, ready):
    """Starts it with a socket that hears what systemd would."""
    name = f"\0strongroom-reload-{os.getpid()}"
    ready.bind(name)
    ready.settimeout(START_LIMIT_S)
    bank.process = subprocess.Popen(
        [MONITOR, "-c", bank.conf], stdin=subprocess.DEVNULL,
        stderr=open(bank.log, "ab"),
        env=dict(os.environ, NOTIFY_SOCKET="@" + name[1:]))
    equal(ready.recv(4096), b"READY=1\nSTATUS=open")


@scenario
def given_systemd_when_reloaded_then_it_is_told_begin_and_end():
    bank = open_bank()
    bank.stop()
    bank.conf.write_text(_bank[0][1])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        systemd(bank, ready)
        for code, line in ((DONE, ""), (CONFIG, "nonsense\n")):
            bank.conf.write_text(_bank[0][1] + line)
            reload(bank).ends(code)
            told = ready.recv(4096).decode().split("\n")
            equal(told[0], "RELOADING=1")
            name, value = told[1].split("=")
            equal((name, len(told)), ("MONOTONIC_USEC", 2))
            with open("/proc/uptime", encoding="ascii") as uptime:
                now = float(uptime.read().split()[0])
            check(abs(int(value) / 1e6 - now) < 3600, f"the time is {value}")
            equal(ready.recv(4096), b"READY=1\nSTATUS=open")
        bank.stop()


@scenario
def given_a_room_that_stands_still_when_reloaded_then_it_waits_or_says_so():
    bank = open_bank()
    pid = bank.rooms()["ledgerd"]
    answers = []
    os.kill(pid, signal.SIGSTOP)
    try:
        asking = threading.Thread(target=lambda: answers.append(reload(
            bank, ("ledgerd", "session_idle", "200"))))
        asking.start()
        wait_until(lambda: RELOADED in bank.said().splitlines()[-1],
                   "a reload that has begun")
        # Of the second that comes meanwhile nothing is done.
        equal(bank.ask("monitor", "reload")[0], "control_refused")
    finally:
        os.kill(pid, signal.SIGCONT)
    asking.join(CLIENT_LIMIT_S)
    answers[0].ends(DONE, RELOADED + "[ledgerd] session-idle")
    os.kill(pid, signal.SIGSTOP)
    try:
        reload(bank, ("ledgerd", "session_idle", "201")).ends(
            UNREACHABLE, "ledgerd does not answer whether it has the new "
            "values: reload once more")
    finally:
        os.kill(pid, signal.SIGCONT)
    reload(bank).ends(DONE, RELOADED + "no value has changed")
    equal(bank.balance("ada") > 0, True)


@scenario
def given_a_terminal_when_it_goes_then_the_bank_ends_in_good_order():
    bank = open_bank()
    bank.stop()
    bank.conf.write_text(_bank[0][1])
    master, slave = pty.openpty()
    bank.process = subprocess.Popen([MONITOR, "-c", bank.conf], stdin=slave,
                                    stdout=slave, stderr=slave)
    os.close(slave)
    wait_until(lambda: bank.ctl("status").code == 0, "a bank", START_LIMIT_S)
    os.kill(bank.process.pid, signal.SIGHUP)
    said = b""
    while b"no value has changed" not in said:
        check(select.select([master], [], [], START_LIMIT_S)[0], "no reload")
        said += os.read(master, 4096)
    os.close(master)
    os.kill(bank.process.pid, signal.SIGHUP)
    equal(bank.ended(), 0, "the exit code")


@scenario
def given_no_bank_when_reloaded_then_it_says_whom_it_did_not_find():
    bank = open_bank()
    bank.stop()
    bank.conf.write_text(_bank[0][1])
    bank.ctl("reload").ends(UNREACHABLE, "is strongroomd running")
    bank.conf.write_text(_bank[0][1] + "nonsense\n")
    bank.ctl("reload").ends(CONFIG, "neither [section]")
    bank.ctl("reload", conf=False).ends(USAGE, "which bank?")


if __name__ == "__main__":
    run()
