#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""What stands between an order and its answer, seen from the kernel's side:
both syncs, in their order; and what happens when one of them fails."""
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import INTACT, Bank  # noqa: E402
from lib.inject import Inject  # noqa: E402
from lib.scenario import (Failure, at_end, check, equal,  # noqa: E402
                          run, scenario, skip, wait_until)
from lib.session import Session  # noqa: E402
from lib.traffic import Traffic  # noqa: E402

# The links by their numbers in policy/fds.h.
LEDGERD_NETD, LEDGERD_KEYD, KEYD_NETD, KEYD_LEDGERD = 4, 5, 4, 5
SEGMENT, STATE, LIMITS = "/segment/", "/keyd/state", "/keyd/limits"
PAYERS = ("ada", "bob", "cyd")
bank = card = None


class Call:
    """A system call of a trace: where it began and ended among the lines."""

    def __init__(self, pid, begin, name, arguments):
        self.pid, self.begin, self.name = pid, begin, name
        self.arguments, self.end, self.result = arguments, None, ""
        match = re.match(r"(\d+)<([^>]*)>", arguments)
        self.fd = int(match.group(1)) if match else -1
        self.path = match.group(2) if match else ""

    def returned(self, line, text):
        self.end, self.result = line, text.rsplit(" = ", 1)[-1].strip()

    def number(self):
        match = re.match(r"-?\d+", self.result)
        return int(match.group()) if match else -1


def calls_of(text):
    calls, open_calls = [], {}
    for line, row in enumerate(text.splitlines()):
        match = re.match(r"(\d+) +(.*)$", row)
        if not match:
            continue
        pid, rest = int(match.group(1)), match.group(2)
        begun = re.match(r"(\w+)\((.*)$", rest)
        resumed = re.match(r"<\.\.\. (\w+) resumed>(.*)$", rest)
        if begun:
            call = Call(pid, line, begun.group(1), begun.group(2))
            calls.append(call)
            if rest.endswith("<unfinished ...>"):
                open_calls[pid] = call
            else:
                call.returned(line, rest)
        elif resumed and pid in open_calls:
            open_calls.pop(pid).returned(line, rest)
    return calls


class Trace:
    """strace on rooms of the bank, for the length of a with block."""

    def __init__(self, rooms, *options):
        self.file = bank.base / "trace"
        words = ["strace", "-f", "-y", "-o", str(self.file), *options]
        for name in rooms:
            words += ["-p", str(bank.rooms()[name])]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE,
                                        text=True)
        at_end(self.stop)
        for _ in rooms:
            line = self.process.stderr.readline()
            if "attached" not in line:
                self.stop()
                if "not permitted" in line:
                    skip(f"strace cannot attach: {line.strip()}")
                raise Failure(line.strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        self.process.stderr.close()

    def calls(self):
        self.stop()
        return calls_of(self.file.read_text(errors="replace"))


@scenario
def given_a_bank_when_strace_may_look_then_the_tests_begin():
    global bank, card
    if os.geteuid() != 0:
        skip("only root may trace a room, which cannot be dumped")
    try:
        subprocess.run(["strace", "-V"], capture_output=True, check=True)
    except OSError:
        skip("there is no strace")
    bank = Bank.found().start()
    card = bank.enrol("lobby")
    for name in PAYERS:
        bank.register(name)
        bank.deposit(card, name, "50.00")


def need_bank():
    if bank is None:
        skip("only root with strace can look")
    if bank.process is None:
        bank.start()


@scenario
def given_an_order_when_it_is_answered_then_both_syncs_came_between():
    need_bank()
    rooms = bank.rooms()
    with Session(bank, "ada") as ada:
        payee = ada.find("bob") << 16
        with Trace(("keyd", "ledgerd"), "-e",
                   "trace=read,write,pwrite64,fdatasync,fsync") as trace:
            for _ in range(5):
                ada.booked(credit=payee, amount=1)
            calls = trace.calls()
    ledgerd = [call for call in calls if call.pid == rooms["ledgerd"]]
    keyd = [call for call in calls if call.pid == rooms["keyd"]]
    orders = [call for call in ledgerd if call.name == "read"
              and call.fd == LEDGERD_NETD and call.number() > 500]
    answers = [call for call in ledgerd if call.name == "write"
               and call.fd == LEDGERD_NETD and call.number() > 250]
    equal((len(orders), len(answers)), (5, 5), "orders and answers")
    for order, answer in zip(orders, answers):
        def between(part, name, path):
            found = [call for call in part if call.name == name
                     and path in call.path and order.end < call.begin
                     and call.end < answer.begin]
            if not found:
                raise Failure(f"no {name} of {path} before the answer")
            for call in found:
                check(call.number() >= 0, f"{name}: {call.result}")
            return found[0], found[-1]

        _, frames = between(ledgerd, "pwrite64", SEGMENT)
        _, segment = between(ledgerd, "fdatasync", SEGMENT)
        slot, _ = between(keyd, "pwrite64", STATE)
        _, state = between(keyd, "fdatasync", STATE)
        check(frames.end < segment.begin, "frames behind their sync")
        # keyd signs what is on ledgerd's disk, and tells when it is on its.
        check(segment.end < slot.begin, "keyd was before the segment's sync")
        told = [call for call in keyd if call.name == "write"
                and call.fd == KEYD_LEDGERD and order.end < call.begin
                and call.begin < answer.begin]
        check(told and told[0].begin > state.end,
              "keyd told its head before it was on disk")


@scenario
def given_a_log_in_when_it_is_answered_then_the_attempt_is_on_disk():
    need_bank()
    with Trace(("keyd",), "-e", "trace=read,write,fdatasync") as trace:
        bank.balance("bob")
        calls = trace.calls()
    first = next(call for call in calls if call.name == "read"
                 and call.fd == KEYD_NETD and call.number() > 300)
    answer = next(call for call in calls if call.name == "write"
                  and call.fd == KEYD_NETD and call.begin > first.end
                  and call.number() > 400)
    check(any(call.name == "fdatasync" and LIMITS in call.path
              and first.end < call.begin and call.end < answer.begin
              for call in calls), "M2 left before the charge was on disk")


def sync_fails(room, error, call="fdatasync", when=1):
    """One order whose sync fails: no answer, and no bank."""
    need_bank()
    before = bank.balance("bob")
    said = len(bank.said())
    session = Session(bank, "ada")
    payee = session.find("bob") << 16
    with Inject(bank, (room,), call, error, when):
        answer = session.order(credit=payee, amount=1)
        code = bank.ended()
    session.close()
    check(answer["error"] != "SR_OK", f"acknowledged: {answer}")
    check(code != 0, "exit code 0")
    words = bank.said()[said:]
    check(re.search(rf"{room}.*(sync|writ|disk|segment|state)", words),
          f"no sentence about {room}: {words!r}")
    bank.start()
    # Never acknowledged: it may be there once or not at all.
    check(bank.balance("bob") - before in (0, 1), "it is there twice")
    bank.transfer("ada", "bob", "0.01")


@scenario
def given_ledgerds_sync_when_it_fails_then_the_bank_stops_unanswered():
    sync_fails("ledgerd", "EIO")


@scenario
def given_keyds_sync_when_it_fails_then_the_bank_stops_unanswered():
    sync_fails("keyd", "EIO")


@scenario
def given_a_full_disk_in_the_middle_of_a_batch_then_the_bank_stops():
    # The first write of a batch only asks; the second one has begun it.
    sync_fails("ledgerd", "ENOSPC", "pwrite64", 2)


def writes_refused(error, why):
    """While the disk refuses every write: no orders, and all else."""
    need_bank()
    with Session(bank, "ada") as ada:
        payee = ada.find("bob") << 16
        ada.booked(credit=payee, amount=1)
        before = bank.balance("bob")
        with Inject(bank, ("keyd", "ledgerd"), "pwrite64", error, 1, last=0):
            answer = ada.order(credit=payee, amount=1)
            equal(answer["error"], "SR_CLOSED_FOR_ORDERS", "the answer")
            bank.atm("ada", "transfer", "bob", "0.01").ends(
                69, f"the bank is closed for orders; nothing was booked: {why}")
            equal(bank.balance("bob"), before, "the balance")
            equal(bank.status()["closed"], why, "status")
        wait_until(lambda: bank.status()["closed"] is None, "open again")
        bank.transfer("ada", "bob", "0.01")
    equal(bank.balance("bob"), before + 1, "the balance")


@scenario
def given_a_full_disk_when_a_batch_begins_then_refused_until_there_is_room():
    writes_refused("ENOSPC", "the disk is full")


@scenario
def given_a_read_only_disk_when_a_batch_begins_then_refused_until_it_writes():
    writes_refused("EROFS", "the disk is read-only")


@scenario
def given_traffic_when_a_sync_fails_then_what_was_acknowledged_is_there():
    need_bank()
    for name in PAYERS:
        bank.deposit(card, name, "50.00")
    bank.register("dan")
    accounts = (*PAYERS, "dan")
    traffic = Traffic(bank, accounts, PAYERS)
    for room, when in (("ledgerd", 7), ("keyd", 7), ("ledgerd", 30),
                       ("keyd", 31)):
        traffic.wait_for(each=1)
        with Inject(bank, (room,), "fdatasync", "EIO", when):
            check(bank.ended() != 0, "exit code 0")
        bank.start()
    traffic.wait_for(each=1)
    traffic.end()
    # Amounts that tests before this one moved have no memo.
    check(traffic.count([card]) > 50, "hardly any traffic")
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
