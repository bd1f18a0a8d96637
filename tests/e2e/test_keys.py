#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
strongroomctl keys: what an operator is told of the bank's keys, that nothing
of them is in it, and that the counts of their uses never fall.
"""
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (BUILD, DECLINED, DONE, INTACT,  # noqa: E402
                      VERIFY, WRONG_PASSWORD, Bank, run_program)
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, wait_until)
from lib.session import Session  # noqa: E402

KEYS = ["channel-key", "log-key", "attestation-key", "password-key",
        "password-seed", "journal-root", "credential-key", "terminal-root",
        "invitation-key", "device-key", "state-key", "generation-key",
        "identifier-key", "stranger-key", "stranger-seed", "limits-key",
        "index-key", "reset-key"]
bank = None


def table():
    lines = bank.ctl("keys", "--json").ends(DONE).out.splitlines()
    return [json.loads(line) for line in lines]


def current():
    return {row["key"]: row for row in table() if not row["former"]}


def secrets():
    """Everything that the root secret yields."""
    words = [BUILD / "tests/sandbox/root_keys", bank.base / "passphrase",
             bank.keyd]
    told = subprocess.run(words, capture_output=True, check=True, text=True)
    return {line.split()[0]: line.split()[1]
            for line in told.stdout.splitlines()}


@scenario
def given_a_bank_when_its_keys_are_asked_for_then_there_is_a_row_for_each():
    global bank
    bank = Bank.found().start()
    bank.register("ada")
    equal([row["key"] for row in table()], KEYS)
    rows = current()
    for row in rows.values():
        equal((row["v"], row["epoch"], len(row["fingerprint"])), (1, 1, 16))
        check(row["made_ms"] > 1.6e12, row)
    equal(len({row["fingerprint"] for row in rows.values()}), len(KEYS))
    equal(rows["credential-key"]["cap"], 2**48)
    equal(rows["log-key"]["cap"], None)
    equal(rows["limits-key"]["uses_at_most"], None)
    check(rows["log-key"]["due_ms"] - rows["log-key"]["made_ms"]
          == 730 * 86400000, "when it is due")
    text = bank.ctl("keys").ends(DONE).out
    for row in rows.values():
        line = [line for line in text.splitlines()
                if line.startswith(row["key"] + " ")]
        equal(len(line), 1)
        contains(line[0], row["fingerprint"])
        contains(line[0], row["purpose"])
        contains(line[0], "due 2" if row["rotates"] else " none ")


@scenario
def given_the_table_when_it_is_searched_then_nothing_of_a_key_is_there():
    told = bank.ctl("keys", "--json").out + bank.ctl("keys").out
    prints = {row["fingerprint"] for row in table()}
    found = secrets()
    check(len(found) > 20, f"{len(found)} secrets only")
    for name, secret in found.items():
        for at in range(0, max(len(secret) - 15, 1), 2):
            check(secret[at:at + 16] not in prints, f"a part of {name}")
            check(len(secret) < 16 or secret[at:at + 16] not in told,
                  f"a part of {name}")


@scenario
def given_customers_when_they_log_in_then_uses_rise_and_never_fall():
    before = current()
    for _ in range(2):
        bank.atm("ada", "balance").ends(DONE)
    after = current()
    for key in ("channel-key", "password-key", "password-seed", "device-key"):
        equal(after[key]["uses_at_most"], before[key]["uses_at_most"] + 2, key)
    bank.kill()
    bank.start()
    again = current()
    for key, row in after.items():
        equal(again[key]["fingerprint"], row["fingerprint"], key)
        check((again[key]["uses_at_most"] or 0) >= (row["uses_at_most"] or 0),
              f"the uses of {key} have fallen")


@scenario
def given_a_bank_when_its_credential_key_is_rotated_then_nobody_notices():
    for name in ("bob", "cleo"):
        bank.register(name)
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    before = current()["credential-key"]
    told = bank.ctl("rotate", "credential-key", "--json").ends(DONE)
    check(json.loads(told.out.splitlines()[0])["epoch"] > 1, told.out)
    # in use still, or less than an hour old
    bank.ctl("rotate", "credential-key").ends(DECLINED)
    wait_until(lambda: not any(row["former"] for row in table()),
               "the end of the former epoch")
    after = current()["credential-key"]
    check(after["epoch"] * 1000 == after["made_ms"], after)
    # for people a time
    text = bank.ctl("keys").ends(DONE).out
    contains(text, time.strftime(" %Y-%m-%d %H:%M:%SZ ",
                                 time.gmtime(after["epoch"])))
    check(str(after["epoch"]) not in text, text)
    check(after["fingerprint"] != before["fingerprint"], "the same key")
    for name in ("ada", "bob", "cleo"):
        bank.atm(name, "balance").ends(DONE)
    bank.atm("nobody", "balance").ends(WRONG_PASSWORD)
    for at in range(0, len(data := (bank.keyd / "credentials").read_bytes()),
                    1024):
        epoch = int.from_bytes(data[at + 4:at + 8], "little")
        check(epoch == after["epoch"] or not any(data[at:at + 1024]),
              f"epoch {epoch} at {at}")
    bank.kill()
    bank.start()
    equal(current()["credential-key"]["epoch"], after["epoch"])
    for name in ("ada", "bob", "cleo"):
        bank.atm(name, "balance").ends(DONE)
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)
    # the entry of the rotation, with keys
    key, shown = bank.base / "auditor.key", bank.base / "disclosure"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "eve",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "eve", "--out",
             shown).ends(DONE)
    bank.stop()
    bank.verify("--keys", shown, "--auditor-key", key).ends(INTACT)
    bank.start()


def resting_on_the_former_seed():
    rows = [row for row in table()
            if row["key"] == "password-seed" and row["former"]]
    return rows[0]["left"] if rows else 0


@scenario
def given_a_new_password_seed_when_customers_log_in_then_they_move_unnoticed():
    names = ("ada", "bob", "cleo")
    before = current()["password-seed"]
    equal(resting_on_the_former_seed(), 0)
    with Session(bank, "bob") as other:
        bank.ctl("rotate", "password-seed").ends(
            DONE, "former: hardens passwords")
        after = current()["password-seed"]
        check(after["epoch"] > 1 and after["uses_at_most"] <= 4096, after)
        check(after["fingerprint"] != before["fingerprint"], "the same seed")
        # a password and a recovery code each, and the founder's
        left = resting_on_the_former_seed()
        check(left >= 2 * len(names), left)
        for name in names:
            told = bank.atm(name, "balance").ends(DONE)
            equal(told.err, "", f"what {name} is told")
            left -= 1
            equal(resting_on_the_former_seed(), left, f"{name} moved")
            bank.atm(name, "balance").ends(DONE)
            equal(resting_on_the_former_seed(), left, f"{name} moved twice")
        other.balance()
    bank.atm("ada", "balance", password="wrong").ends(WRONG_PASSWORD)
    bank.atm("nobody", "balance").ends(WRONG_PASSWORD)
    equal(resting_on_the_former_seed(), left)
    bank.ctl("rotate", "password-seed").ends(DECLINED, "30 days")
    bank.register("dora")
    equal(resting_on_the_former_seed(), left, "a new customer's")
    bank.kill()
    bank.start()
    equal(resting_on_the_former_seed(), left, "after a start")
    for name in (*names, "dora"):
        bank.atm(name, "balance").ends(DONE)
    equal(resting_on_the_former_seed(), left)


@scenario
def given_a_bank_when_its_log_key_is_rotated_then_the_table_has_the_new_one():
    before = current()["log-key"]
    bank.stop()
    bank.ctl("rotate", "log-key").ends(DONE)
    bank.start()
    after = current()["log-key"]
    check(after["epoch"] > 1 and after["made_ms"] == after["epoch"] * 1000,
          after)
    check(after["fingerprint"] != before["fingerprint"], "the same key")


run()
