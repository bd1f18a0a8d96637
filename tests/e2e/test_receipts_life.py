#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
A bank's whole life, and receipts of its first day: whatever happens to a
customer, to the log and to the bank, they say what they said, with bank.id
and nothing else; and who may ask anew gets the same order and outcome.
"""
import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, DECLINED, DONE, INTACT,  # noqa: E402
                      VERIFY, Bank, run_program, temporary_directory, traced)
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, skip, wait_until)
from lib.session import Session  # noqa: E402

# What of a receipt stays the same whoever asks and whenever.
ORDER = ("leaf", "leaf_hash", "order", "amount_minor", "debit", "credit",
         "signer", "time_ms", "outcome")
bank = lobby = alone = None
first_day, entries, asked = {}, {}, 0


def check_receipts(*paths):
    """The words for it, run where bank.id and receipts are, no bank."""
    return run_program([VERIFY, "--bank", "bank.id", "--json", "receipt",
                        *[Path(path).name for path in paths]], cwd=alone)


def facts(*paths, code=ANCHORED):
    said = check_receipts(*paths).ends(code)
    return [json.loads(line) for line in said.out.splitlines()]


def pay(amount, *more, code=DONE):
    said = bank.atm("ada", "transfer", "bob", amount, *more, "--json")
    return said.ends(code).json()["leaf"] if code == DONE else None


def take(user, which, name, **options):
    path = alone / name
    bank.atm(user, "receipt", str(which), "-o", path, **options).ends(DONE)
    return path


def anew(user, name, code=ANCHORED, **options):
    """The entry of that receipt, asked of the bank as it is now."""
    global asked
    asked += 1
    path = take(user, entries[name], f"anew-{asked}", **options)
    found, was = facts(path, code=code)[0], first_day[name]
    equal([found[key] for key in ORDER], [was[key] for key in ORDER], name)
    check(found["size"] >= was["size"], "it stands under an older head")
    return found


def hold(event):
    """They say to the letter what they said, and the bank is the same."""
    for path, (name, was) in zip(first_day, first_day.items()):
        equal(facts(path), [was], f"{name} after {event}")
    equal(bank.id.read_bytes(), (alone / "bank.id").read_bytes(),
          f"bank.id after {event}")


def newest():
    return bank.ask("keyd", "keyd_status_get")[1]["snapshot"]


def pay_until(number):
    with Session(bank, "ada") as ada:
        for _ in range(200):
            if newest() >= number:
                return
            ada.burst(30, "@bob", 1)
    check(False, f"snapshot {newest()}")


@scenario
def given_a_first_day_when_each_asks_then_receipts_of_every_kind():
    global bank, lobby, alone
    bank = Bank.found(ledgerd_segment_size="64K")
    bank.shorten_segments(65536)
    bank.start()
    alone = temporary_directory()
    shutil.copy(bank.id, alone)
    lobby = bank.enrol("lobby", "10000.00")
    for name in ("ada", "bob", "ida"):
        bank.register(name)
    bank.deposit(lobby, "ada", "1000.00")
    cash = bank.atm("ida", "deposit", "5.00", "--json",
                    terminal=lobby).json()["leaf"]
    gone = bank.atm("ida", "transfer", "bob", "5.00",
                    "--json").json()["leaf"]
    pizza = pay("12.50", "--memo", "pizza")
    pay("9999.00", "--id", "TOO-MUCH", code=DECLINED)
    for user, name, which in (
            ("ada", "payer", pizza), ("bob", "payee", pizza),
            ("ada", "declined", "TOO-MUCH"), ("ida", "erased", gone),
            ("bob", "of-erased", gone), ("ida", "cash", cash)):
        first_day[name] = facts(take(user, which, name))[0]
    first_day["till"] = facts(take(None, cash, "till", terminal=lobby))[0]
    for name, was in first_day.items():
        entries[name] = was["leaf"]
    equal([was["outcome"] for was in first_day.values()].count("declined"), 1)
    hold("the first day")


@scenario
def given_a_receipt_when_checked_then_nothing_else_is_opened():
    trace = bank.base / "trace"
    if not shutil.which("strace"):
        skip("strace is not installed")
    said = run_program(
        ["strace", "-f", "-qq", "-o", trace, "-e", "trace=%file,%network",
         VERIFY, "--bank", "bank.id", "receipt", "payer"], cwd=alone,
        env=traced())
    if "ptrace" in said.err:
        skip("strace cannot trace here")
    said.ends(ANCHORED)
    text = trace.read_text()
    check(not re.search(r"socket\(|connect\(", text), text)
    opened = re.findall(r'open(?:at)?\([^"]*"([^"]*)"', text)
    equal([path for path in opened if not path.startswith(
        ("/etc/", "/lib", "/usr/", "/proc/", "/dev/"))
        and not path.endswith(".so")], ["bank.id", "payer"], "its files")


@scenario
def given_a_new_password_when_checked_then_they_hold():
    secret = bank.base / "new-passphrase"
    secret.write_text("another good passphrase")
    bank.atm("ada", "passwd", "--new-password-file", secret).ends(DONE)
    bank.passwords["ada"] = secret.read_text()
    hold("a new password")
    anew("ada", "payer")
    anew("ada", "declined")


@scenario
def given_new_keys_of_a_customer_when_checked_then_they_hold():
    bank.atm("ada", "rekey").ends(DONE)
    hold("new keys")
    anew("ada", "payer")
    # where the key of then is not known it is not asserted
    found = anew("ada", "payer", code=INTACT, state="elsewhere")
    contains(found["why"], "nothing that shows whose key")
    anew("bob", "payee", code=INTACT)
    equal(facts(take("ada", pay("1.00"), "new-keys"))[0]["exit"], ANCHORED)


@scenario
def given_an_erased_customer_when_checked_then_they_hold():
    bank.atm("ida", "account", "close", "main").ends(DONE)
    bank.atm("ida", "account", "erase", "--yes").ends(DONE)
    hold("erasure")
    equal(facts("erased")[0]["name"], "ida")
    check("name" not in anew("bob", "of-erased"), "the name of the erased")


@scenario
def given_a_retired_segment_when_checked_then_they_hold():
    key, keys, paper = (bank.base / name for name in ("key", "keys", "paper"))
    auditor = bank.base / "eve.card"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl(*bank.operators(), "role", "set", "eve", "auditor", "--out",
             auditor).ends(DONE)
    pay_until(2)
    bank.ctl("disclose", "--segments", "0-", "--snapshot", "last", "--to",
             "clara", "--out", keys).ends(DONE)
    bank.verify("--auditor-key", key, "--keys", keys, "--certify",
                paper).ends(INTACT)
    bank.ctl("--as", auditor, "auditor", "certify", paper).ends(DONE)
    pay_until(4)
    bank.ctl(*bank.operators(), "retire").ends(DONE)
    wait_until(lambda: not bank.ask("ledgerd", "retention_get")[1]["busy"],
               "the segments to go", 60)
    size = struct.unpack("<IQI",
                         bank.ask("ledgerd", "retention_get")[1]["cut"][:16])[1]
    check(max(entries.values()) < size, "they are not retired")
    check(not (bank.ledger / "segment/00000000.log").exists(), "not retired")
    hold("retirement")
    for name in ("payer", "declined"):
        bank.atm("ada", "receipt", str(entries[name]), "-o",
                 alone / "none").ends(DECLINED, "has retired its records")
    # the log, of which only leaves are left, is still the one of then
    held = bank.base / "held"
    held.mkdir()
    for name in first_day:
        shutil.copy(alone / name, held)
    bank.verify("--receipts", held).ends(
        INTACT, f"{len(first_day)} of {len(first_day)} stand in the log")


@scenario
def given_a_new_log_key_when_checked_then_they_hold():
    recent = alone / "old-key"
    entries["old-key"] = pay("4.00")
    first_day["old-key"] = facts(take("ada", entries["old-key"],
                                      recent.name))[0]
    bank.stop()
    told = bank.ctl("rotate", "log-key", "--json").json()
    bank.start()
    hold("a new log key")
    # the same entry under the head of either key
    found = anew("bob", "old-key")
    check(found["size"] > told["entry"], "not under the new key's head")
    taken = alone / f"anew-{asked}"
    equal([path.read_text().count(
        f"/{told['new_epoch']}\n") for path in (recent, taken)], [0, 1])
    take("ada", pay("6.00"), "new-log-key")


@scenario
def given_a_restore_with_loss_when_checked_then_they_hold():
    bank.stop()
    older = bank.base / "older"
    subprocess.run(["cp", "-a", bank.ledger, older], check=True)
    bank.start()
    entries["lost"] = pay("2.00")
    first_day["lost"] = facts(take("ada", entries["lost"], "lost"))[0]
    bank.stop()
    shutil.rmtree(bank.ledger)
    older.rename(bank.ledger)
    bank.ctl("restore", "--accept-loss").ends(DONE)
    bank.start()
    # also the one of which the bank knows nothing any more
    hold("a restore with loss")
    bank.atm("ada", "balance").ends(DONE)   # which tells what is lost
    equal(facts(take("ada", pay("3.00"), "new-origin"))[0]["exit"], ANCHORED)


@scenario
def given_the_end_of_the_bank_when_only_its_id_is_left_then_they_hold():
    equal(bank.id.read_bytes(), (alone / "bank.id").read_bytes(), "bank.id")
    bank.stop()
    shutil.rmtree(bank.directory)
    for name, was in first_day.items():
        equal(facts(name), [was], name)
    later = facts("new-keys", "new-log-key", "new-origin")
    equal([found["exit"] for found in later], [ANCHORED] * 3)


if __name__ == "__main__":
    run()
