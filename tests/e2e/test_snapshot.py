#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300
"""A bank of small segments and many orders: it starts from its snapshots,
tells old lines by logged uses, and verifies."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import INTACT, TAMPERED, Bank  # noqa: E402
from lib.scenario import check, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402

bank = None


def snapshots():
    return sorted(path.name for path in
                  (bank.directory / "ledger/snapshot").iterdir())


def newest():
    """keyd's word for it, without a program to start for it."""
    return bank.ask("keyd", "keyd_status_get")[1]["snapshot"]


def pay_until(number):
    """Ada pays Bob until that snapshot is there; how much she paid."""
    paid = 0
    with Session(bank, "ada") as ada:
        for _ in range(100):
            if newest() >= number:
                return paid
            paid += ada.burst(30, "@bob", 1)["booked"]
    check(False, f"{paid} orders and snapshot {newest()}")


@scenario
def given_many_orders_when_segments_fill_then_snapshots_are_made():
    global bank
    bank = Bank.found(ledgerd_segment_size="64K")
    # what init has made is longer, and all zeros but its first entry
    for path in (bank.directory / "ledger/segment").iterdir():
        if path.name == "00000000.log":
            os.truncate(path, 65536)
        else:
            path.unlink()
    bank.start()
    equal(snapshots(), [], "the first snapshots")
    card = bank.enrol("lobby", "10000.00")
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(card, "ada", "1000.00")
    paid = pay_until(4)
    equal(snapshots(), [f"{newest() - 1:08}", f"{newest():08}"],
          "the snapshots")
    equal(bank.balance("bob"), paid, "bob's balance")


@scenario
def given_snapshots_when_killed_then_it_starts_from_the_newest():
    before, snapshot = bank.balance("bob"), newest()
    bank.kill()
    # What lies before is not looked at: damage there is verify's to find.
    first = bank.directory / "ledger/segment/00000000.log"
    good = first.read_bytes()
    first.write_bytes(good[:5000] + bytes(100) + good[5100:])
    bank.start()
    check(f"in snapshot {snapshot};" in bank.said(), bank.said()[-500:])
    equal(bank.balance("bob"), before, "bob's balance")
    bank.stop()
    bank.verify().ends(TAMPERED)
    first.write_bytes(good)


@scenario
def given_a_damaged_snapshot_when_started_then_the_one_before_serves():
    bank.start()
    before, snapshot = bank.balance("bob"), newest()
    bank.stop()
    damaged = bank.directory / f"ledger/snapshot/{snapshot:08}"
    good = damaged.read_bytes()
    damaged.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
    bank.start()
    for said in (f"{damaged.name} is not the snapshot that the log names",
                 f"in snapshot {snapshot - 1};"):
        check(said in bank.said(), bank.said()[-500:])
    equal(bank.balance("bob"), before, "bob's balance")


@scenario
def given_old_segments_when_a_statement_is_asked_then_each_key_is_logged():
    before = bank.status()
    equal(before["old_keys"], 0, "old keys")
    lines = bank.statement("bob", 65535)
    equal(sum(line["amount_minor"] for line in lines), bank.balance("bob"),
          "the sum of the lines")
    now = bank.status()
    check(now["old_keys"] >= 2, f"{now['old_keys']} old keys")
    equal(now["tree_size"] - before["tree_size"], now["old_keys"],
          "new entries in the log")
    # each is asked once
    equal(len(bank.statement("bob", 65535)), len(lines), "lines")
    equal(bank.status()["old_keys"], now["old_keys"], "old keys")


@scenario
def given_snapshots_and_uses_when_verified_then_the_log_is_intact():
    pay_until(newest() + 1)
    bank.stop()
    bank.verify().ends(INTACT)


@scenario
def given_the_snapshots_when_searched_then_no_name_is_in_them():
    equal(len(snapshots()), 2, "snapshots")
    for name in snapshots():
        path = bank.directory / "ledger/snapshot" / name
        equal(path.stat().st_mode & 0o077, 0, f"the mode of {name}")
        for text in (b"lobby", b"operator"):
            check(text not in path.read_bytes(), f"{text} is in {name}")


if __name__ == "__main__":
    run()
