#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
A rotation of the log key: the old key and the new one sign for it, nobody
loses anything by it, and the old one never signs again.
"""
import base64
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, DECLINED, DONE, INTACT, TAMPERED,  # noqa: E402
                      UNREACHABLE, VERIFY, Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402

NOTE, SIGNED = 288, 160
bank = lobby = before = told = None
receipts = {}


def receipt(name, entry):
    receipts[name] = bank.base / f"{name}.tlog-proof"
    bank.atm("ada", "receipt", str(entry), "-o", receipts[name]).ends(DONE)


def keep(name):
    path = bank.base / f"{name}.checkpoint"
    shutil.copy(bank.published(), path)
    return path


def pay(name):
    return bank.atm("ada", "transfer", "bob", "1.00", "--id", name,
                    "--json").json()["leaf"]


def origin(path):
    return path.read_text().splitlines()[0]


def witness(ledger, state):
    return run_program([VERIFY, "--bank", bank.id, "witness", "--key",
                        bank.base / "w.key", "--state", bank.base / state,
                        ledger])


@scenario
def given_a_bank_when_its_log_key_is_rotated_then_both_keys_have_signed():
    global bank, lobby, before, told
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(lobby, "ada", "50.00")
    receipt("old", pay("first"))
    bank.ctl("backup", bank.base / "sets").ends(DONE)
    run_program([VERIFY, "keygen", "--witness", "w", "-o",
                 bank.base / "w.key"]).ends(0)
    for key in ("log-key", "attestation-key", "channel-key"):
        said = bank.ctl("rotate", key).ends(UNREACHABLE, "stop it first")
        equal(len(said.err.splitlines()), 1, said)
    bank.stop()
    keep("old")
    witness(bank.ledger, "w.state").ends(0)
    before = bank.copy()
    said = bank.ctl("rotate", "log-key", "--json").ends(
        DONE, "the old one never again", "remain good")
    told = json.loads(said.out)
    record = (bank.ledger / "public/restores").read_bytes()
    equal(len(record), 32 + NOTE)
    note = record[32:]
    keys = [base64.b64decode(told[f"{which}_vkey"].split("+", 2)[2])[1:]
            for which in ("old", "new")]
    (bank.base / "text").write_bytes(b"strongroom/1 rotation" + note[:SIGNED])
    for i, key in enumerate(keys):
        contains(note[:SIGNED].hex(), key.hex())
        (bank.base / "signature").write_bytes(
            note[SIGNED + 64 * i:SIGNED + 64 * (i + 1)])
        (bank.base / "key.der").write_bytes(
            bytes.fromhex("302a300506032b6570032100") + key)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER",
             "-inkey", bank.base / "key.der", "-rawin", "-in",
             bank.base / "text", "-sigfile", bank.base / "signature"],
            capture_output=True, check=False, text=True)
        contains(done.stdout, "Verified Successfully")


@scenario
def given_the_new_key_when_the_bank_goes_on_then_customers_notice_nothing():
    bank.start()
    said = bank.atm("ada", "balance").ends(DONE)
    equal(said.err, "", "what a customer is told")
    entry = pay("second")
    receipt("new", entry)
    equal(bank.balance("bob"), 200)
    contains(bank.ctl("status").ends(DONE).out, f"/{told['new_epoch']}")
    contains(bank.ctl("doctor").out,
             f"epoch {told['new_epoch']}, since the rotation 0 days ago")
    bank.stop()
    # of one start more than the first
    bank.start()
    receipt("later", pay("third"))
    bank.stop()
    keep("new")
    equal(origin(bank.base / "new.checkpoint").rsplit("/", 1)[1],
          str(told["new_epoch"]))


@scenario
def given_receipts_of_both_keys_when_checked_then_bank_id_is_enough():
    for path in receipts.values():
        run_program([VERIFY, "--bank", bank.id, "receipt", path]).ends(
            ANCHORED, "transfer of 1.00 EUR")


@scenario
def given_the_log_when_verified_then_the_note_is_followed():
    for name in ("old", "new"):
        bank.verify("--since", bank.base / f"{name}.checkpoint").ends(
            INTACT, "log key rotated", "both keys signed",
            "continues the checkpoint")
    facts = json.loads(bank.verify("--json").ends(INTACT).out)
    equal(facts["restores"], [])
    equal(facts["rotations"],
          [{"entry": told["entry"], "time_ms": told["time_ms"],
            "old_epoch": 1, "new_epoch": told["new_epoch"],
            "keys": ["log-key"]}])


@scenario
def given_the_keys_when_verified_then_all_is_anchored_by_the_old_checkpoint():
    key, shown = bank.base / "auditor.key", bank.base / "disclosure"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.start()
    bank.ctl(*bank.operators(), "auditor", "add", "eve",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "eve", "--out",
             shown).ends(DONE)
    bank.stop()
    export = bank.base / "export"
    bank.verify("--keys", shown, "--auditor-key", key, "--since",
                bank.base / "old.checkpoint", "--export", export).ends(
        ANCHORED, "with keys")
    contains(export.read_text(), '"type":"rotation"')


@scenario
def given_a_month_across_another_rotation_when_closed_then_it_goes_on():
    month, victim = time.strftime("%Y-%m", time.gmtime()), bank.copy()

    def close(name, *more):
        keys = victim.base / f"{name}.keys"
        victim.start()
        victim.deposit(lobby, "ada", "1.00")
        victim.ctl("disclose", "--segments", "0-", "--to", "eve", "--out",
                   keys).ends(DONE)
        victim.ctl("--as", victim.directory / "operator-1.card", "month-end",
                   month, "--so-far", "--keys", keys, "--auditor-key",
                   bank.base / "auditor.key", "-o", victim.base / name,
                   *more).ends(DONE)
        victim.stop()
        return victim.base / name

    def verify(since):
        return run_program([VERIFY, "--bank", victim.id, "--since", since,
                            "--signer", "operator-1", "bundle", second])

    first = close("first.tar")
    victim.ctl("rotate", "attestation-key").ends(DONE)
    second = close("second.tar", "--since", first)
    verify(first).ends(ANCHORED)
    # it has the certificate of that one's log key, and one proof
    verify(bank.base / "new.checkpoint").ends(
        INTACT, "no proof that it continues")
    equal(len(json.loads(victim.verify("--json").ends(INTACT).out)
              ["rotations"]), 2)


@scenario
def given_a_note_that_is_changed_or_gone_when_verified_then_tampering():
    for change in ("gone", "old", "new", "salt", "cut"):
        victim = bank.copy()
        path = victim.ledger / "public/restores"
        data = bytearray(path.read_bytes())
        if change == "gone":
            path.unlink()
        elif change == "cut":
            path.write_bytes(data[:-1])
        else:
            data[{"old": 32 + SIGNED, "new": 32 + SIGNED + 64,
                  "salt": 0}[change]] ^= 1
            path.write_bytes(data)
        said = victim.verify().ends(TAMPERED)
        check("note" in said.out, str(said))


@scenario
def given_a_witness_when_the_key_changes_then_it_follows():
    witness(bank.ledger, "w.state").ends(0, "has signed")
    # with the public part alone, too
    bank.copy_ledger(bank.base / "mirror/public", "public")
    (bank.base / "w2.state").unlink(missing_ok=True)
    for ledger in (before.ledger, bank.base / "mirror"):
        witness(ledger, "w2.state").ends(0, "has signed")


@scenario
def given_an_anchor_of_the_old_key_when_written_anew_then_of_the_new_one():
    victim = before.copy()
    path, last = victim.base / "kept", victim.directory / "run/last-anchor"
    victim.ctl("anchor", "-o", path).ends(DONE)
    old = origin(path)
    victim.ctl("rotate", "log-key").ends(DONE)
    victim.ctl("anchor", "-o", path).ends(DONE)
    check(origin(path) != old, "the origin is that of the old key")
    equal(last.read_text(), path.read_text(), "the last anchor")
    victim.verify("--since", path).ends(INTACT, "continues the checkpoint")
    # what was put out of use: the key, and a log without its note
    shutil.copy(before.ledger / "public/checkpoint",
                victim.ledger / "public/checkpoint")
    victim.ctl("anchor", "-o", path).ends(DECLINED)
    check(origin(path) != old, "the anchor went back to the old key")


@scenario
def given_old_files_of_keyd_with_the_newer_log_then_the_bank_does_not_start():
    victim = bank.copy()
    for name in ("state", "credentials", "limits", "terminals"):
        shutil.copy(before.keyd / name, victim.keyd / name)
    victim.start_refused()
    # nor where the note is all that they do not know
    victim = before.copy()
    victim.ctl("rotate", "log-key").ends(DONE)
    for name in ("state", "credentials", "limits", "terminals"):
        shutil.copy(before.keyd / name, victim.keyd / name)
    said = victim.start_refused()
    contains(said.err, "was in force")


@scenario
def given_backups_of_before_and_after_when_restored_then_only_the_later():
    bank.start()
    bank.ctl("backup", bank.base / "sets").ends(DONE)
    bank.stop()
    anchor = keep("last")
    for name in ("ledger", "keyd", "audit"):
        (bank.directory / name).rename(bank.base / f"lost-{name}")
    bank.ctl("restore", "--anchor", bank.base / "old.checkpoint",
             bank.base / "sets").ends(DECLINED)
    bank.ctl("restore", "--anchor", anchor, bank.base / "sets").ends(DONE)
    bank.verify("--since", bank.base / "old.checkpoint").ends(
        INTACT, "log key rotated")
    bank.start()
    equal(bank.balance("bob"), 300)
    equal(bank.ctl("status", "--json").json()["certificate_epoch"],
          told["new_epoch"])
    bank.stop()


@scenario
def given_a_restore_to_before_the_rotation_then_the_note_is_given_up():
    victim = bank.copy()
    shutil.rmtree(victim.ledger)
    subprocess.run(["cp", "-a", "-T", before.ledger, victim.ledger],
                   check=True)
    victim.ctl("restore", "--accept-loss").ends(DONE)
    facts = json.loads(victim.verify("--json").ends(INTACT).out)
    equal((len(facts["restores"]), facts["rotations"]), (1, []))
    check(facts["restores"][0]["new_epoch"] > told["new_epoch"], str(facts))
    victim.ctl("rotate", "log-key").ends(DONE)
    facts = json.loads(victim.verify("--json").ends(INTACT).out)
    equal((len(facts["restores"]), len(facts["rotations"])), (1, 1))
    victim.start()
    equal(victim.balance("bob"), 100)
    victim.stop()


if __name__ == "__main__":
    run()
