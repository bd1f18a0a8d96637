#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300
"""
A netd in the hands of an attacker and the watchdog: it may keep pulses back,
which ends the bank by systemd's hand, as it may refuse all service; it can
make neither work by them, nor what systemd takes for a bank that lives.
"""
import contextlib
import os
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile.story import HostileBank, Story
from lib import wire
from lib.scenario import check, contains, equal, run, scenario, wait_until
from lib.watchdog import watched

WRITES_A_SECOND = 4     # of ledgerd, ledgerd/pulse.h
FLOOD_S = 3
_story = []


def story():
    if not _story:
        _story.append(Story(watched(HostileBank)))
    return _story[0]


class Flood(threading.Thread):
    """Pulses by the ten thousand, each of another number, until end()."""

    def __init__(self, attacker):
        super().__init__(daemon=True)
        self.attacker, self.ended = attacker, threading.Event()
        self.sent, self.first = 0, 1 << 40
        self.start()

    def run(self):
        while not self.ended.is_set():
            packets = []
            for _ in range(8):
                first = self.first + self.sent
                packets.append(b"".join(wire.encode(
                    "pulse_keyd", generation=self.attacker.generation,
                    number=first + i) for i in range(4000)))
                self.sent += 4000
            self.attacker.say("keyd", *packets)

    def end(self):
        self.ended.set()
        self.join(60)
        check(not self.is_alive(), "keyd takes nothing from netd any more")


class Numbers(threading.Thread):
    """All that stand in ledger/pulse, until end()."""

    def __init__(self, bank):
        super().__init__(daemon=True)
        self.file, self.ended = bank.ledger / "pulse", threading.Event()
        self.seen = set()
        self.start()

    def run(self):
        file = os.open(self.file, os.O_RDONLY)
        while not self.ended.wait(0.002):
            self.seen.add(os.pread(file, 8, 0))
        os.close(file)

    def end(self):
        self.ended.set()
        self.join()
        return {struct.unpack("<Q", bytes)[0] for bytes in self.seen}


@scenario
def given_a_hostile_netd_when_it_passes_pulses_then_it_is_fed():
    tale = story()
    tale.bank.fed(3)
    tale.bank.in_time()
    tale.unharmed()


@scenario
def when_it_floods_then_few_are_written_and_money_flows():
    tale = story()
    numbers, begun = Numbers(tale.bank), time.monotonic()
    flood = Flood(tale.attacker)
    with contextlib.ExitStack() as ends:
        ends.callback(flood.end)
        while time.monotonic() - begun < FLOOD_S:
            tale.bank.transfer("ada", "bob", "0.10")
            tale.moved("ada", "bob", 10)
    took = time.monotonic() - begun
    seen = numbers.end()
    check(flood.sent > 100000, f"hardly a flood: {flood.sent}")
    check(any(number >= flood.first for number in seen),
          f"no pulse of the flood came through: {seen}")
    check(len(seen) <= WRITES_A_SECOND * took + 2,
          f"{len(seen)} writes within {took:.1f} s")
    tale.unharmed()
    tale.bank.fed(2)


@scenario
def when_it_keeps_pulses_and_says_that_they_came_then_it_is_not_fed():
    tale = story()
    me = tale.attacker
    said = len(tale.bank.said())
    me.do("keep_pulses", keep=True)
    kept = wait_until(lambda: me.do("keep_pulses", keep=True), "a pulse")
    names = ("pulse_done", "pulse_seen", "pulse", "pulse_ledgerd")
    for number in (kept[0], kept[0] + 1, 0):
        for name in names:
            for room in ("monitor", "ledgerd"):
                me.say(room, wire.encode(name, number=number))
    # All numbers but the one that is awaited; those of others' generations.
    me.say("keyd", *(wire.encode("pulse_keyd", generation=me.generation,
                                 number=kept[0] + i)
                     for i in (-2, -1, 1, 2)))
    me.say("keyd", wire.encode("pulse_keyd", generation=me.generation - 1,
                               number=kept[0]))
    before = len(tale.bank.feeds())
    tale.bank.overdue()
    equal(len(tale.bank.feeds()), before, "how often it was fed")
    contains(tale.bank.said()[said:], "the watchdog gets nothing")
    tale.unharmed()
    me.do("keep_pulses", keep=False)
    tale.bank.fed(2)
    contains(tale.bank.said()[said:], "the watchdog is fed again")


@scenario
def when_all_is_over_then_the_books_verify():
    tale = story()
    tale.unharmed()
    tale.bank.stop()
    tale.bank.verify().ends(3)


if __name__ == "__main__":
    run()
