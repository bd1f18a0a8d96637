#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""An auditor with keys: enrolled, disclosed to, and what verify then sees."""
import json
import os
import random
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, COULD_NOT, DECLINED, DONE,  # noqa: E402
                      INTACT, TAMPERED, USAGE, VERIFY, Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import DEPOSIT, Session  # noqa: E402
from model import model  # noqa: E402

HOLD, POST, VOID = 3, 4, 5
bank = lobby = key = since = None


def keygen(name):
    path = bank.base / name
    run_program([VERIFY, "keygen", "-o", path]).ends(DONE)
    return path


def disclose(segments, out, to="clara"):
    return bank.ctl("disclose", "--segments", segments, "--to", to, "--out",
                    out)


def audit(*more, keys=None, ledger=None, secret=None):
    words = [VERIFY, "--bank", bank.id, "--auditor-key", secret or key]
    for path in keys if keys is not None else [bank.base / "disclosure"]:
        words += ["--keys", path]
    return run_program([*words, *more, ledger or bank.ledger])


def segments(begun=True):
    found = sorted((bank.ledger / "segment").glob("*.log"))
    return [path for path in found
            if not begun or path.read_bytes()[:8] == b"SRSEGMT1"]


@scenario
def given_an_auditor_when_one_operator_asks_then_it_is_not_enrolled():
    global bank, lobby, key
    bank = Bank.found(ledgerd_segment_size="64K")
    # what init has made ready in advance is longer, and all zeros
    os.truncate(segments()[0], 65536)
    for path in segments(begun=False)[1:]:
        path.unlink()
    bank.start()
    lobby = bank.enrol("lobby")
    key = keygen("clara.key")
    equal(key.stat().st_mode & 0o777, 0o600, "the secret key's mode")
    one = ["--as", bank.directory / "operator-1.card"]
    bank.ctl(*one, "auditor", "add", "clara", f"{key}.pub").ends(
        DONE, "nothing is done until another operator runs\n"
        f"  strongroomctl -c {bank.conf} --as CARD approve ")
    bank.ctl(*bank.operators(), "auditor", "add", "clara", key).ends(78)
    disclose("0-0", bank.base / "early").ends(DECLINED, "no such auditor")
    check(not (bank.base / "early").exists(), "there is a disclosure")
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{keygen('other.key')}.pub").ends(DECLINED, "already")


@scenario
def given_random_orders_when_the_model_books_them_too_then_all_agree():
    """A few hundred orders, right and wrong, and three who tell the balances:
    the bank, verify and the model."""
    seed = int.from_bytes(os.urandom(4), "little")
    rng = random.Random(seed)
    names = ["ada", "bob", "eve"]
    for name in names:
        bank.register(name)
        bank.deposit(lobby, name, "50.00")
    with Session(bank, card=lobby, terminal=lobby) as till:
        mine = till.facts["till"]
        sessions = {name: Session(bank, name, terminal=lobby)
                    for name in names}
        holds = [(0, names[0])]
        accounts = [f"@{name}" for name in names] + [
            mine, 0, 77 << 16]
        # what chance might leave out: a hold that is paid out, one that is not
        for kind in (POST, VOID):
            hold = sessions["ada"].order(kind=HOLD, credit=mine, amount=500)
            paid = kind == POST
            till.order(kind=kind, credit=mine if paid else 0,
                       debit=sessions["ada"].facts["account"] if paid else 0,
                       amount=500 if paid else 0, refers_to=hold["leaf"])
        for _ in range(300):
            who = rng.choice(names)
            amount = rng.choice([1, 99, 2500, 2500, 7000, 0, -5, 2**62])
            fields = {"credit": rng.choice(accounts), "amount": amount}
            if rng.random() < 0.15:
                answer = sessions[who].order(kind=HOLD, credit=mine, amount=(
                    rng.choice([500, 500, 700, 9000, 0])))
                holds.append((answer["leaf"], who))
            elif rng.random() < 0.2:
                leaf, who = rng.choice(holds)
                if rng.random() < 0.3:
                    till.order(kind=VOID, debit=0, credit=0, amount=0,
                               refers_to=leaf)
                else:
                    till.order(kind=POST, credit=mine, refers_to=leaf,
                               debit=sessions[who].facts["account"],
                               amount=rng.choice([500, 300, 500, 9000]))
            elif rng.random() < 0.3:
                till.order(kind=DEPOSIT, debit=mine, **fields)
            else:
                if rng.random() < 0.1:
                    fields["debit"] = f"@{rng.choice(names)}"
                if rng.random() < 0.1:
                    fields["kind"] = rng.choice([4, 5, 13, 14, 17, 28, 29])
                sessions[who].order(**fields)
        told = {session.facts["account"]: session.balance()["posted"]
                for session in sessions.values()}
        told[mine] = till.balance()["posted"]
        for session in sessions.values():
            session.close()
    check(len(segments()) >= 3, "the journal has too few segments to mean anything")
    disclose("0-", bank.base / "disclosure").ends(DONE, "clara only")
    audit("--export", bank.base / "export").ends(INTACT)
    entries = [json.loads(line)
               for line in (bank.base / "export").read_text().splitlines()]
    wrong = model.run(entries)
    equal(wrong, [], f"what the model says (seed {seed})")
    balances = {entry["account"]: entry["posted"] for entry in entries
                if entry["type"] == "balance"}
    for account, posted in told.items():
        equal(balances[account], posted, f"account {account} (seed {seed})")
    orders = [entry for entry in entries if entry["type"] == "order"]
    declined = {entry["outcome_name"] for entry in orders} - {"SR_OK"}
    check(len(orders) > 250 and len(declined) >= 4,
          f"{len(orders)} orders, declined for {declined}")
    done = {entry["kind"] for entry in orders if not entry["outcome"]}
    check({1, 2, HOLD, POST, VOID} <= done, f"only kinds {done} took effect")
    # one balance changed in the export: the model must notice
    for entry in entries:
        if entry["type"] == "order" and entry["touched"]:
            entry["touched"][0]["posted"] += 1
            break
    check(model.run(entries) != [], "the model believes anything")


@scenario
def given_keys_and_an_anchor_when_verified_then_0_and_without_either_3():
    global since
    since = bank.base / "since"
    shutil.copy(bank.published(), since)
    bank.transfer("ada", "bob", "0.01")
    # balances beyond limits that were set later are no fault of anybody's
    bank.deposit(lobby, "eve", "1.00")
    bank.ctl(*bank.operators()[:2], "account", "limits", "eve", "--ceiling",
             "0.01").ends(DONE)
    bank.ctl(*bank.operators()[:2], "account", "limits", "lobby", "--max",
             "0.01").ends(DONE)
    (bank.base / "disclosure").unlink()
    disclose("0-", bank.base / "disclosure").ends(DONE)
    said = audit("--since", since).ends(ANCHORED, "sum is zero", "with keys")
    contains(said.out, "verified:")
    audit().ends(INTACT, "no older checkpoint")
    bank.verify().ends(INTACT, "without keys")
    facts = json.loads(audit("--json", "--since", since).out)
    check(facts["keys"] and facts["undisclosed"] == 0 and
          facts["executed"] == facts["signed"] and facts["exit"] == 0,
          f"{facts}")


@scenario
def given_segments_that_are_missing_when_verified_then_3_and_it_says_which():
    later, first = bank.base / "later", bank.base / "first"
    disclose("1-", later).ends(DONE)
    disclose("0", first).ends(DONE, "1 segment ")
    said = audit("--since", since, keys=[later]).ends(INTACT, "not disclosed")
    contains(said.out, "the first is 0")
    contains(said.out, "from entry 0 on nothing")
    said = audit("--since", since, keys=[first]).ends(INTACT, "not disclosed")
    contains(said.out, "the first is 1")
    audit("--since", since, keys=[later, first]).ends(ANCHORED)


@scenario
def given_a_disclosure_when_it_is_not_the_auditors_then_it_does_not_run():
    audit(secret=bank.base / "other.key").ends(COULD_NOT, "another auditor")
    text = (bank.base / "disclosure").read_bytes()
    broken = bank.base / "broken"
    for at in (0, 9, 12, 20, 50, 81, 85, 90, 130, 199, len(text) - 1):
        broken.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1:])
        audit("--since", since, keys=[broken]).ends(COULD_NOT)
    for length in (0, 79, 80, 199, len(text) - 1):
        broken.write_bytes(text[:length])
        said = audit("--since", since, keys=[broken])
        check(said.code == COULD_NOT, str(said))
    broken.write_bytes(text + b"x")
    audit(keys=[broken]).ends(COULD_NOT)
    run_program([VERIFY, "--bank", bank.id, "--keys", broken,
                 bank.ledger]).ends(COULD_NOT, "belong together")
    loose = bank.base / "loose.key"
    loose.write_bytes(key.read_bytes())
    loose.chmod(0o644)
    audit(secret=loose).ends(COULD_NOT, "chmod")
    disclose("0-1", bank.base / "disclosure").ends(USAGE, "exists")
    for words in ("3-1", "-1", "a", "1-2-3", "", "4294967295"):
        disclose(words, bank.base / "none").ends(USAGE)
    disclose("0-99", bank.base / "none").ends(DECLINED)
    check(not (bank.base / "none").exists(), "half a disclosure")


@scenario
def given_a_stopped_bank_when_a_byte_changes_then_1_with_the_place():
    (bank.base / "disclosure").unlink()
    disclose("0-", bank.base / "disclosure").ends(DONE)
    bank.stop()
    copy = bank.base / "copy"
    shutil.copytree(bank.ledger, copy)
    audit("--since", since, ledger=copy).ends(ANCHORED)
    path = sorted((copy / "segment").glob("*.log"))[0]
    text = path.read_bytes()
    for at in (200, 1000, 5000):
        path.write_bytes(text[:at] + bytes([text[at] ^ 4]) + text[at + 1:])
        audit("--since", since, ledger=copy).ends(
            TAMPERED, "00000000.log, offset")
    # another salt with a right checksum: no key fits, and keyless nothing
    # shows
    header = bytearray(text[:128])
    header[48] ^= 1
    header[124:128] = struct.pack("<I", crc32c(bytes(header[:124])))
    path.write_bytes(bytes(header) + text[128:])
    audit("--since", since, ledger=copy).ends(TAMPERED, "salt")


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


@scenario
def given_an_audited_bank_when_it_starts_again_then_the_auditor_is_known():
    bank.start()
    disclose("0-", bank.base / "again").ends(DONE)
    audit("--since", since, keys=[bank.base / "again"]).ends(ANCHORED)
    bank.stop()


if __name__ == "__main__":
    run()
