#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
A bank of which the first segments are retired: what customers, auditors and
operators are told then, and what backups have of it.  What stays of the
segments is made again by hand (lib/leaves.py), as somebody does who writes
ledgerd's disk.
"""
import json
import shutil
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import leaves  # noqa: E402
from lib import tiles as tiles_lib  # noqa: E402
from lib.bank import (ANCHORED, DECLINED, DONE, INTACT,  # noqa: E402
                      TAMPERED, UNREACHABLE, VERIFY, Bank, run_program)
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, wait_until)
from lib.session import Session  # noqa: E402

bank = key = lobby = None
cut = entries = early = 0
tree = {}


def audit(*more, keys=True, ledger=None):
    words = [VERIFY, "--bank", bank.id]
    if keys:
        words += ["--auditor-key", key, "--keys", bank.base / "keys"]
    return run_program([*words, *more, ledger or bank.ledger])


def disclose(*what):
    (bank.base / "keys").unlink(missing_ok=True)
    bank.ctl("disclose", *what, "--to", "clara", "--out",
             bank.base / "keys").ends(DONE)


def told(which):
    """Number, size and segment of a snapshot, by the bank's word."""
    return struct.unpack("<IQI", bank.ask(
        "ledgerd", "retention_get")[1][which][:16])


def newest():
    return bank.ask("keyd", "keyd_status_get")[1]["snapshot"]


def pay_until(number):
    with Session(bank, "ada") as ada:
        for _ in range(100):
            if newest() >= number:
                return
            ada.burst(30, "@bob", 1)
    check(False, f"snapshot {newest()}")


def tiles():
    base = bank.ledger / "public/tile"
    return {str(path.relative_to(base)): path.read_bytes()
            for path in sorted(base.rglob("*"))
            if path.is_file() and ".p" not in str(path)}


def rotate():
    bank.stop()
    bank.ctl("rotate", "log-key").ends(DONE)
    bank.start()


@scenario
def given_a_certified_snapshot_when_the_segments_before_are_retired():
    global bank, key, lobby, early, cut, entries, tree
    bank = Bank.found(ledgerd_segment_size="64K")
    bank.shorten_segments(65536)
    bank.start()
    lobby = bank.enrol("lobby", "10000.00")
    key = bank.base / "clara.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl(*bank.operators(), "role", "set", "eve", "auditor", "--out",
             bank.base / "eve.card").ends(DONE)
    for name in ("ada", "bob", "old"):
        bank.register(name)
    bank.deposit(lobby, "ada", "1000.00")
    bank.deposit(lobby, "old", "7.50")
    early = bank.atm("ada", "transfer", "bob", "12.50", "--id", "P1",
                     "--json").json()["leaf"]
    bank.atm("ada", "receipt", str(early), "-o",
             bank.base / "early").ends(DONE)
    rotate()
    pay_until(3)
    disclose("--segments", "0-", "--snapshot", "last")
    audit("--certify", bank.base / "paper").ends(INTACT)
    bank.ctl("--as", bank.base / "eve.card", "auditor", "certify",
             bank.base / "paper").ends(DONE)
    pay_until(5)
    bank.atm("ada", "transfer", "bob", "0.75").ends(DONE)
    cut = told("certified")[2]
    check(cut > 1, "there is too little to retire")
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    shutil.copytree(bank.base / "backup", bank.base / "before")
    bank.stop()
    tree = tiles()
    shutil.copy(bank.ledger / "public/checkpoint", bank.base / "since")
    shutil.copytree(bank.ledger, bank.base / "whole")
    shutil.copytree(bank.ledger, bank.base / "by-hand")
    bank.start()
    bank.ctl(*bank.operators(), "retire").ends(DONE)
    wait_until(lambda: not bank.ask("ledgerd", "retention_get")[1]["busy"],
               "the segments to go", 60)
    equal(told("cut")[2], cut, "the cut")
    entries = leaves.retire(bank.base / "by-hand", cut)
    check(early < entries, "the first payment is not retired")
    for number in range(cut):
        name = f"segment/{number:08}"
        check(not (bank.ledger / f"{name}.log").exists(), name)
        equal((bank.ledger / f"{name}.leaves").read_bytes(),
              (bank.base / "by-hand" / f"{name}.leaves").read_bytes(), name)


def segments(directory, suffix):
    return sorted(int(path.stem)
                  for path in directory.glob(f"segment/0*{suffix}"))


@scenario
def given_retired_segments_when_backed_up_then_their_leaves_are_kept():
    for number in (2, 3):    # the second one has them from the first
        bank.ctl("backup", bank.base / "backup").ends(DONE)
        base = bank.base / f"backup/{number:08}/ledger"
        equal(segments(base, ".leaves"), list(range(cut)), "leaves")
        equal(segments(base, ".log")[0], cut, "the first segment")
        audit(keys=False, ledger=base).ends(INTACT, "retired, leaves only")
    bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)
    one = bank.base / "backup/00000003/ledger/segment/00000000.leaves"
    good = one.read_bytes()
    one.unlink()    # it may be linked
    one.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    bank.ctl("restore", "--check", bank.base / "backup").ends(
        DECLINED, "00000000.leaves")
    # what is damaged in a set is had from the bank for the next one
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)


@scenario
def given_wrong_leaves_of_the_bank_when_backed_up_then_it_is_refused():
    path = bank.ledger / "segment/00000001.leaves"
    good = path.read_bytes()
    wrong = bytearray(good)
    wrong[136 + 40] ^= 1
    path.write_bytes(wrong)
    said = bank.ctl("backup", bank.base / "lied")
    check(said.code != DONE, said)
    contains(said.err, "00000001.leaves")
    equal(list((bank.base / "lied").glob("0*[0-9]")), [], "sets")
    # those of the former set are the right ones
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    path.write_bytes(good)
    bank.ctl("backup", bank.base / "lied").ends(DONE)
    bank.ctl("restore", "--check", bank.base / "lied").ends(DONE)


@scenario
def given_a_backup_with_leaves_when_restored_then_the_bank_goes_on():
    balance = bank.balance("ada")
    bank.stop()
    shutil.rmtree(bank.ledger)
    bank.ctl("restore", bank.base / "backup").ends(DONE)
    tiles_lib.expect_readable(bank.ledger)
    bank.start()
    equal(bank.balance("ada"), balance, "the balance")
    equal(segments(bank.ledger, ".leaves"), list(range(cut)), "leaves")
    audit("--since", bank.base / "since", keys=False).ends(INTACT)


@scenario
def given_a_receipt_of_a_retired_entry_when_checked_then_it_verifies():
    run_program([VERIFY, "--bank", bank.id, "receipt",
                 bank.base / "early"]).ends(ANCHORED, "12.50 EUR")
    bank.atm("ada", "receipt", str(early), "-o",
             bank.base / "anew").ends(DECLINED, "has retired its records")
    (bank.base / "held").mkdir()
    shutil.copy(bank.base / "early", bank.base / "held")
    audit("--receipts", bank.base / "held", keys=False).ends(INTACT)


@scenario
def given_a_statement_when_it_reaches_retired_lines_then_carried_forward():
    lines = bank.atm("ada", "statement", "--count", "60000",
                     "--json").ends(DONE).json_lines()
    carried = lines.pop()
    equal(sorted(carried), ["carried_forward_minor", "v"])
    check(len(lines) > 30, f"{len(lines)} lines")
    check(lines[-1]["leaf"] >= entries, "a retired line was told")
    equal(carried["carried_forward_minor"],
          lines[-1]["balance_minor"] - lines[-1]["amount_minor"])
    equal(carried["carried_forward_minor"] +
          sum(line["amount_minor"] for line in lines),
          lines[0]["balance_minor"])
    said = bank.atm("ada", "statement", "--count", "60000").ends(DONE)
    contains(said.out, "carried forward")
    said = bank.atm("ada", "statement", "--count", "3").ends(DONE)
    check("carried" not in said.out, said.out)


@scenario
def given_the_formats_when_lines_are_retired_then_each_carries_forward():
    def period(name):
        return bank.atm("ada", "statement", "--format", name).ends(DONE).out
    whole = bank.atm("ada", "statement", "--format",
                     "json").ends(DONE).json()
    check(whole["carried_forward"] is True, whole.keys())
    equal(whole["opening_minor"] +
          sum(line["amount_minor"] for line in whole["lines"]),
          whole["closing_minor"])
    opening = f"{whole['opening_minor'] // 100}.{whole['opening_minor'] % 100:02}"
    contains(period("text"), "carried forward", opening)
    contains(period("csv"), ",,carried forward,,,,,", opening)
    contains(period("hledger"), "carried forward", opening)
    contains(period("beancount"), "carried forward", opening)
    contains(period("ofx"), "<NAME>Carried forward</NAME>",
             f"<VALUE>{opening}</VALUE>")
    # an account of which no line is left
    bare = bank.atm("old", "statement", "--json").ends(DONE).json_lines()
    equal(bare, [{"v": 1, "carried_forward_minor": 750}])
    bare = bank.atm("old", "statement", "--format", "json").ends(DONE).json()
    equal((bare["opening_minor"], bare["closing_minor"], bare["lines"],
           bare["carried_forward"]), (750, 750, [], True))
    bank.atm("old", "statement", "--to-date", "2020-01-01").ends(
        DECLINED, "has retired its records")
    bank.atm("old", "export-my-data", bank.base / "old").ends(DONE)


@scenario
def given_the_lists_when_segments_are_retired_then_they_are_told():
    operator = ["--as", bank.directory / "operator-1.card"]
    for words in (["requests"], ["holds"], ["account", "list"]):
        bank.ctl(*operator, *words).ends(DONE)
    said = bank.till(lobby, "undo", str(early))
    check(said.code != DONE, "a retired entry was undone")


@scenario
def given_retired_segments_when_disclosed_then_the_first_left_is_named():
    bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
             bank.base / "none").ends(
        DECLINED, "has retired", f"the first that is left is segment {cut};",
        f"--snapshot {told('cut')[0]}")
    check(not (bank.base / "none").exists(), "half a disclosure")


@scenario
def given_the_ledger_when_verified_then_the_leaves_count():
    said = audit(keys=False).ends(
        INTACT, f"retired, leaves only: segments 00000000 to {cut - 1:08}",
        f"of the first {entries} entries", "without keys")
    contains(said.out, " retired ")
    facts = json.loads(audit("--json", keys=False).out)
    equal((facts["retired"], facts["retired_entries"]), (cut, entries))
    equal([row["retired"] for row in facts["segments"]][:cut + 1],
          [True] * cut + [False])
    (number, size, segment), since = told("certified"), bank.base / "since"
    bank.stop()
    bank.start()
    audit("--since", since, keys=False).ends(INTACT)
    disclose("--segments", f"{segment}-", "--snapshot", str(number))
    said = audit("--since", since, "--certified", bank.base / "paper").ends(
        ANCHORED, f"from entry {size} on", "has certified in entry")
    check("not all" not in said.out, said.out)
    audit("--since", since).ends(INTACT)
    disclose("--segments", f"{segment}-")
    audit("--since", since).ends(INTACT, "certified snapshot")


@scenario
def given_a_paper_when_a_month_is_closed_then_it_is_verified():
    """A month after the cut: the books that it begins with are certified."""
    month = f"{time.gmtime().tm_year + 1}-03"
    number, _, segment = told("certified")
    disclose("--segments", f"{segment}-", "--snapshot", str(number))

    def month_end(month, out, *more):
        return bank.ctl("--as", bank.directory / "operator-1.card",
                        "month-end", month, "--so-far", "--since",
                        bank.base / "since", "--keys", bank.base / "keys",
                        "--auditor-key", key, "-o", bank.base / out, *more)
    paper = ("--certified", bank.base / "paper")
    month_end(month, "begun.tar").ends(DONE, "opened in part only")
    month_end(month, "all.tar", *paper).ends(DONE, "verified with all keys")
    month_end(time.strftime("%Y-%m", time.gmtime()), "cut.tar", *paper).ends(
        UNREACHABLE, "no bundle was made", "snapshot")
    check(not list(bank.base.glob("cut.tar*")), "something is left over")
    for out, code, words in (("begun.tar", INTACT, "opened in part or"),
                             ("all.tar", ANCHORED, "verified, with all keys")):
        run_program([VERIFY, "--bank", bank.id, "--since",
                     bank.base / "since", "--signer", "operator-1", "bundle",
                     bank.base / out]).ends(code, words)


@scenario
def given_rotations_when_one_is_retired_then_its_note_is_still_needed():
    (number, _, segment), since = told("certified"), bank.base / "since"
    rotate()
    bank.transfer("ada", "bob", "0.02")
    disclose("--segments", f"{segment}-", "--snapshot", str(number))
    said = audit("--json", "--since", since, "--certified",
                 bank.base / "paper").ends(ANCHORED)
    first, second = (rotation["entry"]
                     for rotation in json.loads(said.out)["rotations"])
    check(first < entries < second, (first, entries, second))
    run_program([VERIFY, "--bank", bank.id, "receipt",
                 bank.base / "early"]).ends(ANCHORED)
    bank.stop()
    notes = bank.ledger / "public/restores"
    good = notes.read_bytes()
    for left in (b"", good[len(good) // 2:]):
        notes.write_bytes(left)
        audit(keys=False).ends(TAMPERED)
    notes.write_bytes(good)
    bank.start()


@scenario
def given_leaves_that_nobody_has_ordered_when_verified_then_it_is_told():
    forged = bank.base / "by-hand"
    number, _, segment = told("certified")
    audit("--since", bank.base / "since", keys=False, ledger=forged).ends(
        INTACT, "only keys can show")
    disclose("--segments", f"{segment}-", "--snapshot", str(number))
    audit("--since", bank.base / "since", "--certified", bank.base / "paper",
          ledger=forged).ends(TAMPERED, "nobody has ordered that")
    disclose("--segments", f"{segment}-")
    audit("--since", bank.base / "since", ledger=forged).ends(INTACT)
    # a retirement is ordered, and more was taken away than that
    more = bank.base / "more"
    bank.stop()
    shutil.copytree(bank.ledger, more)
    for number in range(cut):
        (more / f"segment/{number:08}.leaves").unlink()
        shutil.copy(bank.base / f"whole/segment/{number:08}.log",
                    more / "segment")
    leaves.retire(more, cut + 1)
    audit("--since", bank.base / "since", "--certified",
          bank.base / "paper", ledger=more).ends(INTACT, "was not seen")
    bank.start()


@scenario
def given_the_tree_when_it_is_made_anew_then_of_the_leaves():
    bank.stop()
    shutil.rmtree(bank.ledger / "public/tile")
    bank.ctl("rebuild-tiles", bank.ledger).ends(DONE)
    made = tiles()
    for name, content in tree.items():
        equal(made.get(name), content, name)
    audit(keys=False).ends(INTACT)
    shutil.rmtree(bank.ledger / "public/tile")
    (bank.ledger / "public/tile").mkdir()
    status = (bank.ledger / "public").stat()
    shutil.chown(bank.ledger / "public/tile", status.st_uid, status.st_gid)
    bank.start()
    bank.transfer("ada", "bob", "0.01")
    bank.stop()
    made = tiles()
    for name, content in tree.items():
        equal(made.get(name), content, name)


@scenario
def given_a_leaf_that_was_altered_when_verified_then_it_is_named():
    path = bank.ledger / "segment/00000001.leaves"
    good = path.read_bytes()
    first, = struct.unpack_from("<Q", good, 48)
    wrong = bytearray(good)
    wrong[136 + 2 * 86 + 60] ^= 1
    path.write_bytes(wrong)
    audit(keys=False).ends(
        TAMPERED, f"segment/00000001.leaves, offset {136 + 2 * 86} "
        f"(entry {first + 2})", "public/tile")
    facts = json.loads(audit("--json", keys=False).out)
    equal((facts["fault"]["retired"], facts["fault"]["entry"]),
          (True, first + 2))
    path.unlink()
    audit(keys=False).ends(TAMPERED, "segment/00000001.leaves is missing")
    path.write_bytes(good)
    back = bank.ledger / "segment/00000000.log"
    shutil.copy(bank.base / "whole/segment/00000000.log", back)
    audit(keys=False).ends(TAMPERED, "segment/00000001.leaves, offset 0",
                           "is retired, and the one before it is not")
    back.unlink()


@scenario
def given_a_segment_and_its_leaves_when_they_disagree_then_it_is_named():
    name = f"segment/{cut - 1:08}"
    shutil.copy(bank.base / f"whole/{name}.log", bank.ledger / f"{name}.log")
    audit(keys=False).ends(INTACT)
    path = bank.ledger / f"{name}.leaves"
    wrong = bytearray(path.read_bytes())
    first, = struct.unpack_from("<Q", wrong, 48)
    wrong[136 + 86 + 30] ^= 1
    path.write_bytes(wrong)
    audit(keys=False).ends(
        TAMPERED, f"{name}.leaves, offset {136 + 86} (entry {first + 1})",
        "and has another entry")


@scenario
def given_a_backup_of_before_when_restored_then_nothing_is_retired():
    bank.ctl("restore", "--accept-loss", bank.base / "before").ends(DONE)
    bank.start()
    equal(segments(bank.ledger, ".leaves"), [], "leaves")
    equal(told("cut")[0], 0, "the cut")
    bank.atm("ada", "receipt", str(early), "-o",
             bank.base / "again").ends(DONE)
    audit(keys=False).ends(INTACT)
    bank.ctl("backup", bank.base / "after").ends(DONE)
    made = bank.base / "after/00000001/ledger"
    equal(segments(made, ".leaves"), [], "leaves")
    equal(segments(made, ".log")[0], 0, "the first segment")


run()
