#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 user-on-demand
"""Starting, stopping, dying and coming back."""
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (CLIENT_LIMIT_S, CONFIG, DONE, INTACT,  # noqa: E402
                      MONITOR, UNREACHABLE, USAGE, Bank, alive, process_state,
                      run_program)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          wait_until)
from lib.session import Session  # noqa: E402

bank = card = None


def pay_much(payer):
    """What is paid to bob in a second or so."""
    return sum(payer.burst(30, "@bob", 1)["booked"] for _ in range(20))


@scenario
def given_a_bank_when_it_runs_then_a_second_start_is_refused():
    global bank, card
    bank = Bank.found()
    if os.environ.get("TEST_AS_USER"):
        bank.shorten_segments(1 << 20)
    bank.start()
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(card, "ada", "50.00")
    said = run_program([MONITOR, "-c", bank.conf], limit_s=CLIENT_LIMIT_S)
    said.ends(UNREACHABLE, "another strongroomd already runs on this data")
    bank.ctl("certify").ends(UNREACHABLE, "already runs")
    equal(bank.balance("ada"), 5000, "the first goes on")


@scenario
def given_rooms_that_were_stopped_when_they_continue_then_the_bank_goes_on():
    rooms = bank.rooms()
    for name, pid in rooms.items():
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda pid=pid: process_state(pid)["State"][0] == "T",
                   f"{name} stops")
    for pid in rooms.values():
        os.kill(pid, signal.SIGCONT)
    equal(bank.balance("ada"), 5000)
    equal(bank.rooms(), rooms, "the set of rooms")


@scenario
def given_a_running_bank_when_keyds_files_are_asked_for_then_they_come():
    begun = bank.ask("keyd", "backup_begin")[1]
    for file, name in enumerate(("credentials", "limits", "terminals"), 1):
        piece = bank.ask("keyd", "backup_keyd_get", backup=begun["backup"],
                         file=file, offset=0)[1]
        equal(piece["error"], 0, f"the answer for {name}")
        equal(piece["len"], begun[name], f"the length of {name}")
        equal(piece["bytes"], (bank.keyd / name).read_bytes()[:8000], name)


@scenario
def given_sigterm_when_sessions_are_open_then_it_ends_within_two_seconds():
    sessions = [Session(bank, "ada"), Session(bank, "bob")]
    with socket.create_connection(("127.0.0.1", bank.port)):
        started = time.monotonic()
        bank.stop(10)
        took = time.monotonic() - started
    check(took <= 2.0, f"it took {took:.2f} s")
    for session in sessions:
        answer = session.order(credit="0", amount=1)
        check(answer["error"] != "SR_OK", f"after the end: {answer}")
        session.close()
    bank.start()
    equal(bank.balance("ada"), 5000)


@scenario
def given_sigint_when_it_runs_in_the_foreground_then_it_ends_well():
    bank.process.send_signal(signal.SIGINT)
    equal(bank.ended(5), 0, "the exit code")


@scenario
def given_an_address_in_use_when_it_starts_then_it_says_so():
    with socket.create_server(("127.0.0.1", bank.port)):
        bank.start_refused().ends(UNREACHABLE, bank.address, "in use")
    bank.start()


@scenario
def given_kill_9_of_all_when_it_restarts_at_once_then_nothing_is_lost():
    for number in range(5):
        bank.transfer("ada", "bob", "0.01", "--id", f"before-{number}")
        # A connection in the middle of things, so that the port is busy.
        with socket.create_connection(("127.0.0.1", bank.port)):
            bank.kill()
            bank.start()
        equal(bank.balance("bob"), number + 1, "bob's balance")


@scenario
def given_kill_9_of_the_monitor_alone_when_it_is_gone_then_the_rooms_end():
    pids = bank.rooms()
    process, bank.process = bank.process, None
    process.kill()
    process.wait()
    started = time.monotonic()
    bank.start()
    check(time.monotonic() - started < 5, "the restart took too long")
    for name, pid in pids.items():
        check(not alive(pid, name), f"{name} lives on")
    equal(bank.balance("bob"), 5)


@scenario
def given_netd_killed_when_it_comes_back_then_the_bank_goes_on():
    session = Session(bank, "ada")
    before = bank.rooms()
    said = len(bank.said())
    bank.kill_room("netd")
    wait_until(lambda: "generation 2" in bank.said()[said:],
               "a netd of the next generation")
    wait_until(lambda: len(bank.rooms()) == 3, "three rooms")
    after = bank.rooms()
    equal((after["keyd"], after["ledgerd"]),
          (before["keyd"], before["ledgerd"]), "keyd and ledgerd")
    check(after["netd"] != before["netd"], "netd is the old one")
    answer = session.order(credit="@bob", amount=1)
    check(answer["error"] != "SR_OK", f"the old session: {answer}")
    session.close()
    bank.transfer("ada", "bob", "0.01")
    equal(bank.balance("bob"), 6)
    bank.look_at_walls()
    status = bank.status()
    equal((status["netd_generation"], status["netd_restarts"]), (2, 1))


@scenario
def given_keyd_or_ledgerd_killed_when_it_is_gone_then_the_bank_ends():
    for name in ("keyd", "ledgerd"):
        pids = bank.rooms()
        said = len(bank.said())
        bank.kill_room(name)
        code = bank.ended(10)
        check(code != 0, f"exit code 0 without {name}")
        # keyd ends with ledgerd's link, and may be the first to be missed.
        contains(bank.said()[said:], "there is no bank")
        for room, pid in pids.items():
            check(not alive(pid, room), f"{room} lives on")
        bank.start()
    equal(bank.balance("bob"), 6)


@scenario
def given_a_wrong_passphrase_when_it_starts_then_it_stays_locked():
    bank.stop()
    passphrase = bank.base / "passphrase"
    right = passphrase.read_bytes()
    passphrase.write_bytes(b"not the passphrase\n")
    bank.start_refused().ends(CONFIG, "locked",
                              "strongroom-unlock: error: root.sealed: ")
    passphrase.write_bytes(right)
    passphrase.chmod(0o644)
    said = bank.start_refused()
    check(said.code != 0, str(said))
    contains(said.err, "passphrase")
    passphrase.chmod(0o600)
    # One trailing newline is not part of it.
    passphrase.write_bytes(right.rstrip(b"\n"))
    bank.start()
    bank.stop()
    passphrase.write_bytes(right)


@scenario
def given_a_configuration_with_a_mistake_when_it_starts_then_it_names_it():
    good = bank.conf.read_text()
    for line, word in (("[netd]\nspeed = 9\n", "speed"),
                       ("[keyd]\nregistration = maybe\n", "registration"),
                       ("[cellar]\n", "cellar")):
        bank.conf.write_text(good + line)
        bank.start_refused().ends(CONFIG, word, "strongroom.conf:")
    bank.conf.write_text(good)
    run_program([MONITOR]).ends(USAGE, "usage")
    run_program([MONITOR, "-c", "/nonexistent"]).ends(CONFIG, "/nonexistent")


@scenario
def given_a_stopped_bank_when_it_is_certified_then_clients_go_on():
    before = bank.id.read_bytes()
    bank.ctl("certify").ends(DONE)
    equal(bank.id.read_bytes(), before, "bank.id")
    bank.start()
    equal(bank.balance("bob"), 6)
    bank.stop()
    bank.verify().ends(INTACT)


@scenario
def given_a_full_segment_when_it_restarts_then_all_is_there():
    """The first segment, as long as init makes it, is full after some 30,000
    orders; as an ordinary user once more, a shorter one."""
    for name in ("cyd", "dan", "eli", "fay"):
        bank.passwords[name] = "the password of " + name
    bank.configure("ledgerd", "segment_size", "64K")
    bank.start()
    bank.deposit(card, "ada", "900.00")
    payers = []
    for name in ("cyd", "dan", "eli", "fay"):
        bank.register(name)
        bank.transfer("ada", name, "200.00")
        payers.append(Session(bank, name))
    before = bank.balance("bob")
    booked = 0
    with ThreadPoolExecutor(len(payers)) as pool:
        for _ in range(60):
            if bank.status()["segment"] >= 2:
                break
            booked += sum(pool.map(pay_much, payers))
    check(bank.status()["segment"] >= 2, f"{booked} orders, no new segment")
    for payer in payers:
        payer.close()
    equal(bank.balance("bob"), before + booked, "bob's balance")
    bank.kill()
    bank.start()
    equal(bank.balance("bob"), before + booked, "bob's balance")
    equal(len(bank.statement("bob", 1000)), 1000, "lines of the statement")
    # A statement that reads several segments.
    check(bank.statement("bob", 65535)[-1]["leaf"] < 100, "the oldest line")
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
