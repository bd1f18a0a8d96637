#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""A disk that has lost a bit years back: the bank that starts from its last
snapshot serves on, and whoever asks for what is lost is told so."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DONE, TAMPERED, Bank          # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import Session                     # noqa: E402

UNAVAILABLE = 69
SEGMENT_LEN = 128
bank = None
first = 0       # entry of the damaged segment
rows = []       # segments, when all was whole


def newest():
    return bank.ask("keyd", "keyd_status_get")[1]["snapshot"]


@scenario
def given_damage_before_the_last_snapshot_when_started_then_it_serves():
    global bank, first, rows
    bank = Bank.found(ledgerd_segment_size="64K")
    bank.shorten_segments(65536)
    bank.start()
    till = bank.enrol("till", "1000.00")
    for name in ("ada", "bob", "eve"):
        bank.register(name)
    bank.deposit(till, "ada", "500.00")
    with Session(bank, "ada") as ada:
        for _ in range(100):
            if newest() >= 4:
                break
            ada.burst(30, "@bob", 1)
    check(newest() >= 4, f"snapshot {newest()}")
    bank.stop()
    told = json.loads(bank.verify("--json").out)
    rows = told["segments"]
    first = rows[1]["first"]
    path = bank.ledger / "segment/00000001.log"
    data = bytearray(path.read_bytes())
    for at in range(4096, 8192):
        data[at] ^= 0x55
    path.write_bytes(data)
    bank.start()
    bank.transfer("ada", "bob", "0.01")


@scenario
def given_the_damage_when_anybody_asks_for_it_then_told_and_it_goes_on():
    for leaf in (first + 15, first + 20):
        for who in ("eve", "ada"):
            bank.atm(who, "receipt", str(leaf)).ends(
                UNAVAILABLE, "cannot read its old record")
    equal(bank.said().count("segment/00000001.log, which lies before"), 1)
    said = bank.atm("ada", "statement", "--from-date", "2020-01-01")
    contains(said.err + said.out, "cannot read its old record")
    bank.transfer("ada", "bob", "0.01")
    newer = bank.atm("bob", "statement").ends(DONE).out
    contains(newer, "0.01")


@scenario
def given_an_end_that_is_cut_off_when_asked_for_then_told_and_no_more_read():
    bank.stop()
    path = bank.ledger / "segment/00000002.log"
    data = path.read_bytes()
    frames = [at for at in range(SEGMENT_LEN, len(data), 8)
              if data[at:at + 4] == b"SRF1"]
    path.write_bytes(data[:frames[-30]] + bytes(len(data) - frames[-30]))
    bank.start()
    before = bank.ask("keyd", "keyd_status_get")[1]["old_keys"]
    gone = rows[2]["first"] + rows[2]["entries"] - 5
    bank.atm("ada", "receipt", str(gone)).ends(
        UNAVAILABLE, "cannot read its old record")
    used = bank.ask("keyd", "keyd_status_get")[1]["old_keys"] - before
    check(used <= 1, f"{used} old keys for one question")
    contains(bank.said(), "segment/00000002.log, which lies before")


@scenario
def given_the_damage_when_the_journal_is_verified_then_it_is_named():
    bank.stop()
    bank.verify().ends(TAMPERED, "segment/00000001.log")
    bank.start()


run()
