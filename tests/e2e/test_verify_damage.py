#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""strongroom-verify as a program: several threads, several anchors, progress
on a terminal, and what it says after damage."""
import json
import os
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, COULD_NOT, DONE, INTACT,  # noqa: E402
                      TAMPERED, VERIFY, Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402

HEADER, COMMIT = 128, 2
bank = key = None
anchors = []


def keep(name):
    path = bank.base / name
    shutil.copy(bank.published(), path)
    anchors.append(path)


def words(*more, ledger=None, keys=True):
    found = [VERIFY, "--bank", bank.id]
    if keys:
        found += ["--keys", bank.base / "disclosure", "--auditor-key", key]
    return [*found, *more, ledger or bank.ledger]


def audit(*more, **options):
    return run_program(words(*more, **options))


def since(paths):
    return [word for path in paths for word in ("--since", path)]


def copy():
    path = bank.base / "copy"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(bank.ledger, path)
    return path


def frames(data):
    """Offset and type of each frame."""
    at, found = HEADER, []
    while data[at:at + 4] == b"SRF1":
        found.append((at, data[at + 5]))
        at += (104 + struct.unpack("<I", data[at + 8:at + 12])[0] + 7) // 8 * 8
    return found


@scenario
def given_a_bank_of_some_segments_when_audited_then_anchored():
    global bank, key
    bank = Bank.found(ledgerd_segment_size="64K")
    os.truncate(bank.ledger / "segment/00000000.log", 65536)
    for path in (bank.ledger / "segment").glob("*.log"):
        if path.read_bytes()[:8] != b"SRSEGMT1":
            path.unlink()
    bank.start()
    till = bank.enrol("till", "1000.00")
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(till, "ada", "500.00")
    key = bank.base / "clara.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    keep("first")
    with Session(bank, "ada") as ada:
        for turn in range(170):
            ada.order(credit="@bob", amount=1 + turn)
            if turn == 100:
                keep("second")
    bank.ctl("disclose", "--segments", "0-2", "--to", "clara", "--out",
             bank.base / "disclosure").ends(DONE)
    bank.stop()
    audit(*since(anchors)).ends(ANCHORED, "first, of size", "second, of size")


@scenario
def given_one_job_or_many_when_audited_then_the_same_words():
    for more in ((), ("--json",), ("--quiet",)):
        one = audit("--jobs", "1", *since(anchors), *more)
        for jobs in ("2", "7", "64"):
            many = audit("--jobs", jobs, *since(anchors), *more)
            equal((many.code, many.out), (one.code, one.out))
    for jobs in ("0", "65", "-1", "two", ""):
        audit("--jobs", jobs).ends(COULD_NOT, "1 to 64")


@scenario
def given_a_table_when_printed_then_each_line_fits_a_terminal():
    table = audit(*since(anchors)).out.splitlines()
    check(len(table) >= 4, table)
    for line in table[:4]:
        check(len(line) <= 80, line)


@scenario
def given_several_anchors_when_one_does_not_hold_then_it_is_named():
    ledger = copy()
    for path in ("public/checkpoint",):
        shutil.copy(anchors[0], ledger / path)
    later = sorted((ledger / "segment").glob("*.log"))[1:]
    for path in later:
        path.unlink()
    first = ledger / "segment/00000000.log"
    size = int(anchors[0].read_text().splitlines()[1])
    data = bytearray(first.read_bytes())
    end = next(at for at, kind in frames(data) if kind == COMMIT and
               struct.unpack("<Q", data[at + 12:at + 20])[0] == size) + 232
    data[end:] = bytes(len(data) - end)
    first.write_bytes(data)
    # gone back, keyd and all, to what the first one knows
    audit(*since(anchors[:1]), ledger=ledger).ends(ANCHORED)
    audit(*since(anchors), ledger=ledger).ends(
        TAMPERED, "rolled back", "second has")


@scenario
def given_a_terminal_when_audited_then_progress_is_shown_and_taken_away():
    environment = dict(os.environ, TERM="dumb")
    with Terminal(words(*since(anchors)), environment) as screen:
        screen.expect(" %, ")
        screen.expect(" entries\x1b[K")
        screen.expect("\x1b[K")
        screen.expect("verified: ")
    quiet = audit(*since(anchors))
    equal(quiet.err, "", "nothing on what is no terminal")


@scenario
def given_damage_when_audited_then_what_is_left_is_told():
    ledger = copy()
    path = ledger / "segment/00000001.log"
    data = bytearray(path.read_bytes())
    commits = [at for at, kind in frames(data) if kind == COMMIT]
    hit = commits[2] + 232                  # the entry after that batch
    data[hit + 150] ^= 1
    path.write_bytes(data)
    found = audit("--json", *since(anchors), ledger=ledger)
    told = json.loads(found.ends(TAMPERED).out)
    equal((told["fault"]["segment"], told["fault"]["offset"]), (1, hit))
    contains(told["fault"]["what"], "a damaged frame")
    equal(told["fault"]["entry"], told["entries"])
    # segment 1 is not looked into, and all of segment 0 was carried out
    equal(told["trustworthy"], told["executed"])
    check(told["trusted_by"]["size"] <= told["entries"], told)
    equal([row["segment"] for row in told["beyond"]], [1, 2])
    damaged, whole = told["beyond"]
    equal((damaged["state"], whole["state"]), ("damaged", "whole"))
    equal(damaged["first"], told["entries"] + 1)
    equal(damaged["last"] + 1, whole["first"])
    check(0 < damaged["unreadable"] < 1000, damaged)
    total = json.loads(audit("--json").out)["entries"]
    equal(whole["last"] + 1, total)
    check(total - 10 < whole["signed"] < total, (whole, total))
    text = audit(*since(anchors), ledger=ledger).ends(
        TAMPERED, "still trustworthy: entries 0 to", "by the head of",
        "no root says").out
    for line in text.splitlines():
        if "NOT VERIFIED" not in line and "still trustworthy" not in line:
            check(len(line) <= 80, line)
    contains(audit(ledger=ledger, keys=False).out, f"offset {hit} (entry")


@scenario
def given_a_segment_that_is_gone_when_audited_then_what_is_left_is_told():
    ledger = copy()
    (ledger / "segment/00000000.log").unlink()
    told = json.loads(audit("--json", ledger=ledger).ends(TAMPERED).out)
    contains(told["why"], "segment/00000000.log")
    equal(told["trustworthy"], 0)
    equal([row["state"] for row in told["beyond"]],
          ["missing", "whole", "whole"])
    contains(audit(ledger=ledger).out, "still trustworthy: nothing")


@scenario
def given_a_file_of_a_far_number_when_audited_then_it_ends_and_is_short():
    for numbers in ((4294967294,), range(1000, 3000, 2)):
        ledger = copy()
        gap = len(list((ledger / "segment").glob("*.log")))
        for number in numbers:
            (ledger / f"segment/{number:08}.log").touch()
        missing = audit(ledger=ledger).ends(TAMPERED, f"{gap:08}.log is missing")
        contains(missing.out, f"{gap:08} missing, to {numbers[0] - 1:08}")
        check(len(missing.out) < 10000, len(missing.out))
        told = json.loads(audit("--json", ledger=ledger).ends(TAMPERED).out)
        equal(told["beyond"][0], {"segment": gap, "to": numbers[0] - 1,
                                  "state": "missing"})
        check(len(told["beyond"]) < 20, told["beyond"])
    # as many names as one likes: the directory is not read for each of them
    ledger = copy()
    gap = len(list((ledger / "segment").glob("*.log")))
    for number in range(gap, 20000):
        (ledger / f"segment/{number:08}.log").touch()
    path = ledger / "segment/00000000.log"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    audit(ledger=ledger).ends(TAMPERED, "00000000.log")


@scenario
def given_segments_made_ready_when_they_are_many_then_it_is_told():
    ledger = copy()
    last = max(row["segment"] for row in
               json.loads(audit("--json").out)["segments"])
    for number in range(last + 1, last + 9):
        (ledger / f"segment/{number:08}.log").touch()
    audit(ledger=ledger).ends(INTACT)
    (ledger / f"segment/{last + 9:08}.log").touch()
    audit(ledger=ledger).ends(TAMPERED, "more segments are made ready")


@scenario
def given_the_log_alone_when_whole_then_nothing_is_said_of_damage():
    told = json.loads(audit("--json", keys=False).ends(INTACT).out)
    check("fault" not in told and "trustworthy" not in told, told)


run()
