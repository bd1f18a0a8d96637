#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
How a bank was opened and what was changed of that, as an auditor with keys
reads it: of an open bank, of a locked one, with wrong secrets in between.
"""
import json
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, DONE, INTACT, VERIFY,  # noqa: E402
                      WRONG_PASSWORD, Bank, run_program)
from lib.scenario import check, equal, run, scenario  # noqa: E402

_bank = []


def open_bank():
    if not _bank:
        _bank.append(Bank.found())
        _bank[0].configure("ledgerd", "audit-log", "full")
        _bank[0].start()
        key = _bank[0].base / "clara.key"
        run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
        _bank[0].ctl(*_bank[0].operators(), "auditor", "add", "clara",
                     f"{key}.pub").ends(DONE)
    return _bank[0]


def verified(bank, *more):
    (bank.base / "disclosure").unlink(missing_ok=True)
    bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
             bank.base / "disclosure").ends(DONE)
    return run_program(
        [VERIFY, "--bank", bank.id, "--auditor-key", bank.base / "clara.key",
         "--keys", bank.base / "disclosure", *more, bank.ledger])


def head(bank, name):
    """A checkpoint of all there is, kept elsewhere."""
    bank.stop()
    shutil.copyfile(bank.ledger / "public/checkpoint", bank.base / name)
    bank.start()
    return bank.base / name


def journaled(bank):
    """What the entries tell, and their kinds in the audit log."""
    (bank.base / "export").unlink(missing_ok=True)
    result = verified(bank, "--export", bank.base / "export", "--audit-log",
                      bank.directory / "audit/audit.log")
    check(result.code in (INTACT, ANCHORED), result)
    entries = [json.loads(line)
               for line in (bank.base / "export").read_text().splitlines()]
    found = [entry for entry in entries if "seal" in entry]
    log = (bank.directory / "audit/audit.log").read_text()
    for entry in found:
        check(any(f" {entry['seq']} " in line and " seal" in line
                  for line in log.splitlines()), log)
    return found


def told(entry):
    return (entry["seal"], entry["way"], entry["by"], entry["by_number"],
            entry["ways"], entry["set"], entry["wrong"])


def wrong_passphrase(bank, *words):
    bank.ctl(*words, "--passphrase-fd", 0, give=b"nonsense").ends(
        WRONG_PASSWORD)


@scenario
def given_an_open_bank_when_opened_and_changed_then_each_is_an_entry():
    bank = open_bank()
    path = bank.base / "key"
    bank.ctl("seal", "add", f"credential:{path}", "--label",
             "this machine").ends(DONE)
    number = json.loads(bank.ctl("seal", "--json").out)["set"]
    bank.ctl("seal", "remove", number).ends(DONE)
    entries = journaled(bank)
    equal([told(entry) for entry in entries],
          [("opened", "passphrase", "passphrase", 1, 1, 1, 0),
           ("added", "credential", "passphrase", 1, 2, 2, 0),
           ("removed", "credential", "passphrase", 1, 1, 3, 0)])
    equal(entries[0]["by_hand"], False)
    equal([entry["label"] for entry in entries],
          ["made at init", "this machine", "this machine"])
    for entry in entries:
        equal(entry["code"], 9)
        check(0 <= entry["time_ms"] - entry["when_ms"] < 60000, entry)
        check(entry["executed"], entry)


@scenario
def given_a_locked_bank_when_changed_then_journaled_once_it_is_open():
    bank = open_bank()
    before = len(journaled(bank))
    bank.ctl("lock").ends(DONE)
    path = bank.base / "second"
    bank.ctl("seal", "add", f"credential:{path}").ends(DONE)
    number = json.loads(bank.ctl("seal", "--json").out)["set"]
    wrong_passphrase(bank, "unlock")
    wrong_passphrase(bank, "seal", "remove", number)
    bank.ctl("unlock", "--credential", path).ends(DONE)
    entries = journaled(bank)[before:]
    equal([told(entry) for entry in entries],
          [("added", "credential", "passphrase", 1, 2, 4, 0),
           ("opened", "credential", "credential", 4, 2, 4, 2)])
    equal(entries[1]["by_hand"], True)


@scenario
def given_shares_when_made_and_rehearsed_then_both_are_entries():
    bank = open_bank()
    before = len(journaled(bank))
    bank.ctl("ceremony", "--shares", "3", "--quorum", "2", "-o",
             bank.base / "shares").ends(DONE)
    entries = journaled(bank)[before:]
    equal([told(entry) for entry in entries],
          [("added", "shares", "passphrase", 1, 3, 5, 0),
           ("rehearsed", "shares", "shares", 5, 3, 6, 0)])
    equal({(entry["quorum"], entry["shares"]) for entry in entries}, {(2, 3)})


@scenario
def given_a_change_that_no_start_could_tell_then_the_set_shows_that():
    """What strongroomd had not told when it ended is in no entry, but the
    next one counts it."""
    bank = open_bank()
    entries = journaled(bank)
    before = len(entries)
    anchor = head(bank, "before")
    said = verified(bank, "--since", anchor).ends(ANCHORED)
    check("what opens" not in said.out, said)
    bank.ctl("lock").ends(DONE)
    bank.ctl("seal", "add", f"credential:{bank.base}/third").ends(DONE)
    wrong_passphrase(bank, "unlock")
    bank.stop()
    bank.start()
    # as usual: not before there is an entry of somebody else's
    equal(len(journaled(bank)), before)
    bank.register("ada")
    equal([told(entry) for entry in journaled(bank)[before:]],
          [("opened", "passphrase", "passphrase", 1, 4, 7, 0)])
    entries = journaled(bank)[before - 1:]
    verified(bank, "--since", anchor).ends(
        INTACT, f"between entry {entries[0]['seq']} (",
        f") and entry {entries[1]['seq']} (", ": 1 change is in no entry",
        f"from after entry {entries[1]['seq']} in --since")
    gap = {"from": entries[0]["seq"], "from_ms": entries[0]["when_ms"],
           "entry": entries[1]["seq"], "time_ms": entries[1]["when_ms"],
           "expected": 6, "set": 7}
    equal(json.loads(verified(bank, "--json", "--since", anchor).out)["seals"],
          {"gaps": 1, "told": [gap]})
    # who has kept a later checkpoint can have seen it
    verified(bank, "--since", head(bank, "after")).ends(
        ANCHORED, ": 1 change is in no entry")


@scenario
def given_changes_without_an_entry_before_others_then_they_are_counted():
    bank = open_bank()
    anchor = head(bank, "anchor")
    bank.ctl("lock").ends(DONE)
    for name in ("fourth", "fifth"):
        bank.ctl("seal", "add", f"credential:{bank.base}/{name}").ends(DONE)
    bank.stop()
    bank.start()
    number = json.loads(bank.ctl("seal", "--json").out)["set"]
    bank.ctl("seal", "remove", number).ends(DONE)
    verified(bank, "--since", anchor).ends(
        INTACT, ": 1 change is in no entry", ": 2 changes are in no entry")


@scenario
def given_an_older_file_of_the_ways_when_put_back_then_the_set_shows_that():
    bank = open_bank()
    anchor = head(bank, "anchor")
    number = json.loads(bank.ctl("seal", "--json").out)["set"]
    shutil.copy2(bank.keyd / "root.sealed", bank.base / "older")
    bank.ctl("seal", "add", f"credential:{bank.base}/sixth").ends(DONE)
    bank.stop()
    (bank.keyd / "root.sealed").write_bytes(
        (bank.base / "older").read_bytes())
    bank.start()
    bank.register("bob")
    verified(bank, "--since", anchor).ends(
        INTACT, f"change {number} comes after change {number + 1}",
        "an older root.sealed was put back")


if __name__ == "__main__":
    os.umask(0o077)
    run()
