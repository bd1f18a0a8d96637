#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""What an auditor has certified two operators give up for ever."""
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (DECLINED, DONE, INTACT, USAGE,  # noqa: E402
                      VERIFY, Bank, run_program)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          wait_until)
from lib.session import Session  # noqa: E402

bank = key = eve = lobby = None
WAIT_S = 60


def retention():
    return bank.ask("ledgerd", "retention_get")[1]


def snapshot(which):
    """Number, size and segment, by the bank's word."""
    return struct.unpack("<IQI", retention()[which][:16])


def pay_until(number):
    with Session(bank, "ada") as ada:
        for _ in range(200):
            if bank.ask("keyd", "keyd_status_get")[1]["snapshot"] >= number:
                return
            ada.burst(30, "@bob", 1)
    check(False, "no snapshot comes")


def certify():
    """Eve reads the whole ledger, or from the last cut on, and signs."""
    low = snapshot("cut")[2]
    words = ["--segments", f"{low}-", "--snapshot", "last"]
    for name in ("keys", "paper"):
        (bank.base / name).unlink(missing_ok=True)
    bank.ctl("disclose", *words, "--to", "clara", "--out",
             bank.base / "keys").ends(DONE)
    run_program([VERIFY, "--bank", bank.id, "--auditor-key", key, "--keys",
                 bank.base / "keys", "--certify", bank.base / "paper",
                 bank.ledger]).ends(INTACT)
    bank.ctl("--as", eve, "auditor", "certify", bank.base / "paper").ends(DONE)


def retire(*words, cards=True):
    return bank.ctl(*(bank.operators() if cards else ()), "retire", *words)


def settled():
    """When ledgerd has removed what is retired."""
    wait_until(lambda: not retention()["busy"], "the segments to go", WAIT_S)


def segments(suffix):
    return sorted(int(path.name.split(".")[0]) for path in
                  (bank.ledger / "segment").glob(f"*.{suffix}"))


def gone_below(segment):
    settled()
    equal(segments("leaves"), list(range(segment)), "the leaves")
    equal(segments("log")[0], segment, "the first segment")
    equal([path.name for path in (bank.ledger / "segment").iterdir()
           if path.suffix not in (".log", ".leaves") and
           path.name != "next"], [], "what is left over")


@scenario
def given_no_certificate_when_retired_then_declined_and_told_why():
    global bank, key, eve, lobby
    bank = Bank.found(ledgerd_segment_size="64K")
    bank.shorten_segments(65536)
    bank.start()
    lobby = bank.enrol("lobby", "10000.00")
    key = bank.base / "clara.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    eve = bank.base / "eve.card"
    bank.ctl(*bank.operators(), "role", "set", "eve", "auditor", "--out",
             eve).ends(DONE)
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(lobby, "ada", "1000.00")
    pay_until(1)
    retire().ends(DECLINED, "no auditor has certified")
    retire("--dry-run", cards=False).ends(DECLINED, "no auditor")
    contains(bank.ctl("doctor").out, "no auditor has certified")


@scenario
def given_only_the_newest_certified_when_retired_then_declined():
    certify()
    retire().ends(DECLINED, "the newest")
    pay_until(2)
    certify()
    pay_until(4)
    bank.ctl("--as", eve, "retire").ends(DECLINED, "role")


@scenario
def given_a_certificate_when_tried_then_all_is_told_and_nothing_done():
    number, size, segment = snapshot("certified")
    said = retire("--dry-run", cards=False).ends(
        DONE, f"segments 0 to {segment - 1}", f"before snapshot {number}",
        "close it first")
    facts = retire("--dry-run", "--json", cards=False).json()
    equal((facts["snapshot"], facts["first_segment"], facts["last_segment"],
           facts["bytes"]), (number, 0, segment - 1, segment * 65536))
    check(0 < facts["entries"] <= size and facts["certificate"] > size,
          said.out)
    contains(bank.ctl("doctor").out, "could be retired")
    retire("--keep-months", "1", cards=False).ends(USAGE)
    retire("--keep-months", "1", "--dry-run").ends(DECLINED, "1 month is")
    retire("--keep-months", "x", "--dry-run").ends(USAGE)
    retire("--keep-months", "1", "--before", "1").ends(USAGE)
    retire("--before", str(number + 1)).ends(DECLINED, "is not the one")
    equal(segments("leaves"), [], "the leaves")


@scenario
def given_one_operator_when_asked_then_it_waits_for_the_other():
    number, _, segment = snapshot("certified")
    one, two = bank.operators()[1::2]
    request = bank.ctl("--as", one, "retire", "--before",
                       str(number)).ends(DONE).out.strip()
    contains(bank.ctl("--as", two, "requests").out, "certified snapshot")
    equal(segments("leaves"), [], "the leaves")
    bank.ctl("--as", one, "approve", request).ends(DECLINED)
    shutil.copy(bank.published(), bank.base / "since")
    bank.ctl("--as", two, "approve", request).ends(DONE)
    gone_below(segment)
    retire().ends(DECLINED, "is retired")
    contains(bank.ctl("doctor").out, "is retired")


@scenario
def given_a_retired_past_when_the_bank_goes_on_then_it_serves_and_verifies():
    bank.transfer("ada", "bob", "0.01")
    check(len(bank.statement("bob")) > 0, "no statement")
    bank.verify("--since", bank.base / "since").ends(INTACT)
    bank.kill()
    bank.start()
    bank.transfer("bob", "ada", "0.01")
    gone_below(snapshot("cut")[2])
    before = snapshot("cut")[2] - 1
    bank.ctl("disclose", "--segments", f"{before}-{before}", "--to", "clara",
             "--out", bank.base / "old").ends(DECLINED)
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
