#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""A bank that starts from a snapshot while withdrawals are open: what becomes
of each of them afterwards, and an auditor who carries the whole journal out
again, from leaf 0, and comes to the same."""
import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, BUILD, DONE, VERIFY, Bank,  # noqa: E402
                      run_program)
from lib.scenario import check, equal, run, scenario  # noqa: E402
from lib.session import HOLD, POST, VOID, Session  # noqa: E402
from model import model  # noqa: E402

bank = lobby = None
holds = {}                      # what is to become of it -> leaf
AMOUNTS = {"post": 2000, "part": 1500, "void": 700, "release": 400,
           "stay": 100}
CASH = 20000
expected = None                 # (posted, held) of ada's


def newest():
    return bank.ask("keyd", "keyd_status_get")[1]["snapshot"]


def ada_has():
    said = bank.atm("ada", "balance", "--json").json()
    return said["balance_minor"], said["held_minor"]


def restart():
    """As after a power cut; it must be a start from the snapshot."""
    snapshot = newest()
    bank.kill()
    bank.start()
    check(snapshot > 0 and f"in snapshot {snapshot};" in bank.said(),
          bank.said()[-500:])
    equal(ada_has(), expected, "ada's account after the start")


def states():
    return {hold["leaf"]: hold["state"] for hold in
            bank.ctl("--as", bank.directory / "operator-1.card", "holds",
                     "--json").ends(DONE).json_lines()}


def until_overdue(leaf):
    give_up = time.monotonic() + 60
    while states()[leaf] != "overdue":
        check(time.monotonic() < give_up, "it is never overdue")


def release(leaf):
    until_overdue(leaf)
    bank.ctl(*bank.operators(), "release", leaf).ends(DONE)


def end(what, amount):
    with Session(bank, card=lobby, terminal=lobby) as till, \
            Session(bank, "ada") as ada:
        fields = {"kind": VOID, "debit": 0, "credit": 0}
        if amount:
            fields = {"kind": POST, "debit": ada.facts["account"],
                      "credit": till.facts["till"]}
        till.booked(amount=amount, refers_to=holds[what], **fields)
        again = till.order(amount=amount, refers_to=holds[what], **fields)
        equal(again["outcome"], "SR_HOLD_STATE", "the same once more")


@scenario
def given_open_withdrawals_when_a_segment_fills_then_they_are_in_a_snapshot():
    global bank, lobby, expected
    bank = Bank.found(ledgerd_segment_size="64K")
    for path in (bank.directory / "ledger/segment").iterdir():
        if path.name == "00000000.log":
            os.truncate(path, 65536)
        else:
            path.unlink()
    bank.start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
        bank.deposit(lobby, name, f"{CASH / 100:.2f}")
    (bank.base / "since").write_bytes(bank.published().read_bytes())
    with Session(bank, "ada", terminal=lobby) as ada, \
            Session(bank, card=lobby, terminal=lobby) as till:
        for what, amount in AMOUNTS.items():
            holds[what] = ada.booked(
                kind=HOLD, debit=ada.facts["account"],
                credit=till.facts["till"], amount=amount)["leaf"]
    expected = CASH, sum(AMOUNTS.values())
    with Session(bank, "bob") as bob:
        for _ in range(100):
            if newest() > 0:
                break
            bob.burst(30, "@bob", 1)
            bob.burst(30, "@ada", 0)
    equal(ada_has(), expected, "ada's account")
    restart()
    equal(states(), {leaf: "open" for leaf in holds.values()}, "the holds")


@scenario
def given_the_snapshot_when_they_end_then_each_as_it_must_and_once():
    global expected
    posted, held = expected
    for what, out in (("post", 2000), ("part", 500), ("void", 0)):
        end(what, out)
        posted, held = posted - out, held - AMOUNTS[what]
        expected = posted, held
        restart()
    equal(set(states()), {holds["release"], holds["stay"]}, "what is open")


@scenario
def given_the_journal_when_carried_out_from_leaf_0_then_it_is_the_same_state():
    key = bank.base / "clara.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
             bank.base / "disclosure").ends(DONE)
    status = bank.status()
    with Session(bank, "ada") as ada:
        account = ada.facts["account"]
    bank.stop()
    words = [VERIFY, "--bank", bank.id, "--since", bank.base / "since",
             "--keys", bank.base / "disclosure", "--auditor-key", key]
    facts = run_program([*words, "--json", bank.ledger]).ends(
        ANCHORED).json()
    equal((facts["open_holds"], facts["late_posts"], facts["accounts"]),
          (2, 0, status["accounts"]))
    run_program([*words, "--export", bank.base / "export",
                 bank.ledger]).ends(ANCHORED)
    lines = [json.loads(line) for line in
             (bank.base / "export").read_text().splitlines()]
    equal([(line["posted"], line["held"]) for line in lines
           if line["type"] == "balance" and line["account"] == account],
          [expected], "ada's account as the auditor has it")
    equal(model.run(lines), [], "what the model says")


@scenario
def given_an_overdue_one_when_released_and_posted_late_then_replayed_the_same():
    """With a ledgerd whose holds are overdue after 2 s."""
    global expected
    tree = bank.base / "tree"
    for part in ("sbin", "libexec"):
        shutil.copytree(BUILD / part, tree / part)
    shutil.copy2(BUILD / "tests/hasty/ledgerd",
                 tree / "libexec/strongroom/ledgerd")
    bank.monitor = tree / "sbin/strongroomd"
    bank.start()
    posted, held = expected
    release(holds["release"])
    held -= AMOUNTS["release"]
    expected = posted, held
    restart()
    end("release", AMOUNTS["release"])
    expected = posted - AMOUNTS["release"], held
    restart()
    equal(list(states()), [holds["stay"]], "what is still open")
    equal(bank.status()["late_posts"], 1)
    # without the snapshot the whole journal is replayed: the same state
    before = {name: bank.status()[name] for name in
              ("tree_size", "accounts", "holds", "late_posts")}
    equal(newest(), 1, "the snapshots")
    bank.stop()
    (bank.ledger / "snapshot/00000001").unlink()
    bank.start()
    equal(ada_has(), expected, "ada's account after the whole journal")
    equal(list(states()), [holds["stay"]], "what is open after that")
    equal({name: bank.status()[name] for name in before}, before)


if __name__ == "__main__":
    run()
