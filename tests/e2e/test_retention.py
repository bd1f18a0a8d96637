#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""An auditor who has read all signs a snapshot of the books."""
import os
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, COULD_NOT, DECLINED, DONE,  # noqa: E402
                      INTACT, TAMPERED, USAGE, VERIFY, Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402

bank = key = eve = None


def audit(*more, keys="keys", ledger=None):
    words = [VERIFY, "--bank", bank.id, "--auditor-key", key,
             "--keys", bank.base / keys]
    return run_program([*words, *more, ledger or bank.ledger])


def disclose(*what, out="keys"):
    (bank.base / out).unlink(missing_ok=True)
    return bank.ctl("disclose", *what, "--to", "clara", "--out",
                    bank.base / out)


def snapshots():
    return sorted(int(path.name) for path in
                  (bank.ledger / "snapshot").iterdir())


def newest():
    return bank.ask("keyd", "keyd_status_get")[1]["snapshot"]


def pay_until(number):
    with Session(bank, "ada") as ada:
        for _ in range(100):
            if newest() >= number:
                return
            ada.burst(30, "@bob", 1)
    check(False, f"snapshot {newest()}")


def certify(paper, card=None, **options):
    return bank.ctl("--as", card or eve, "auditor", "certify",
                    bank.base / paper, **options)


@scenario
def given_an_auditor_when_all_is_read_then_there_is_something_to_sign():
    global bank, key, eve
    bank = Bank.found(ledgerd_segment_size="64K")
    bank.shorten_segments(65536)
    bank.start()
    lobby = bank.enrol("lobby", "10000.00")
    key = bank.base / "clara.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    disclose("--snapshot", "last").ends(DECLINED, "no snapshot yet")
    eve = bank.base / "eve.card"
    bank.ctl(*bank.operators(), "role", "set", "eve", "auditor", "--out",
             eve).ends(DONE)
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(lobby, "ada", "1000.00")
    pay_until(1)
    for words in ("0", "x", "4294967296", ""):
        disclose("--snapshot", words).ends(USAGE)
    disclose("--snapshot", "99").ends(DECLINED)
    disclose("--segments", "0-").ends(DONE)
    audit("--certify", bank.base / "paper").ends(COULD_NOT, "nothing to")
    disclose("--snapshot", "last").ends(DONE)
    audit("--certify", bank.base / "paper").ends(COULD_NOT, "nothing to")
    disclose("--segments", "0-", "--snapshot", "last").ends(DONE, "snapshot")
    audit("--certify", bank.base / "paper").ends(INTACT)
    audit("--certify", bank.base / "paper").ends(COULD_NOT, "exists")


@scenario
def given_the_paper_when_somebody_else_signs_it_then_declined():
    one = bank.directory / "operator-1.card"
    certify("paper", card=one).ends(DECLINED, "role")
    text = (bank.base / "paper").read_text()
    for wrong in (text[:-2], text + "x", text.replace("-1 ", "-2 "),
                  text[:30] + ("0" if text[30] != "0" else "1") + text[31:]):
        (bank.base / "wrong").write_text(wrong)
        check(certify("wrong").code != DONE, wrong)
    at = len(text) - 2 - 2 * 64    # the snapshot's hash
    (bank.base / "wrong").write_text(
        text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:])
    certify("wrong").ends(DECLINED, "none of the bank's last two")


@scenario
def given_the_auditors_signature_when_more_snapshots_come_then_it_stays():
    certify("paper").ends(DONE, "snapshot 1", "certified")
    equal(bank.ask("ledgerd", "retention_get")[1]["certified"][:4],
          b"\1\0\0\0", "the certified one")
    pay_until(4)
    equal(snapshots(), [1, newest() - 1, newest()], "the snapshots")
    certify("paper").ends(DECLINED, "none of the bank's last two")
    bank.kill()
    bank.start()
    pay_until(newest() + 1)
    equal(snapshots(), [1, newest() - 1, newest()], "after a start")
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    equal(sorted(int(path.name) for path in bank.base.glob(
        "backup/0*/ledger/snapshot/*")), snapshots(), "those of the backup")
    bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)
    disclose("--segments", "0-", "--snapshot", "1").ends(DONE)
    shutil.copy(bank.published(), bank.base / "since")
    bank.transfer("ada", "bob", "0.01")
    disclose("--segments", "0-", "--snapshot", "last").ends(DONE)
    audit("--since", bank.base / "since").ends(ANCHORED)


@scenario
def given_a_newer_certificate_when_signed_then_the_older_file_goes():
    audit("--certify", bank.base / "second").ends(INTACT)
    certify("second").ends(DONE)
    equal(snapshots(), [newest() - 1, newest()], "the snapshots")
    disclose("--segments", "0-").ends(DONE)
    audit().ends(INTACT, "with keys")


def told(which):
    """Number, size and segment of a snapshot, by the bank's word."""
    return struct.unpack("<IQI", bank.ask(
        "ledgerd", "retention_get")[1][which][:16])


@scenario
def given_certified_books_when_the_rest_is_disclosed_then_0_from_there_on():
    number, size, segment = told("certified")
    equal(number, newest(), "the certified snapshot")
    check(segment > 2, "there is too little before it to mean anything")
    bank.transfer("ada", "bob", "0.01")
    shutil.copy(bank.published(), bank.base / "since")
    disclose("--segments", f"{segment}-", "--snapshot", str(number)).ends(DONE)
    since = ["--since", bank.base / "since"]
    # only the paper that the auditor kept tells them from the books of a bank
    # that calls anybody an auditor
    audit(*since).ends(INTACT, "the word of these books alone")
    audit(*since, "--certify", bank.base / "fourth").ends(
        COULD_NOT, "--certified")
    audit(*since, "--certified", bank.base / "paper").ends(
        INTACT, "the word of these books alone")
    text = (bank.base / "second").read_text()
    for at in (len(text) - 2, len(text) - 2 - 2 * 64):
        (bank.base / "wrong").unlink(missing_ok=True)
        (bank.base / "wrong").write_text(
            text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:])
        audit(*since, "--certified", bank.base / "wrong").ends(
            TAMPERED, "of other books than these")
    (bank.base / "wrong").write_text("paper\n")
    audit(*since, "--certified", bank.base / "wrong").ends(
        COULD_NOT, "is not a paper")
    audit(*since, "--certified", bank.base / "none").ends(COULD_NOT, "none")
    since += ["--certified", bank.base / "second"]
    said = audit(*since).ends(
        ANCHORED, f"from entry {size} on", "has certified in entry",
        f"not disclosed before it: {segment} segments", "with keys")
    check("but not all" not in said.out, said.out)
    facts = audit("--json", *since).json()
    check(facts["start"] == size and facts["certified"] > size and
          facts["paper"] and
          facts["executed"] == facts["signed"] - size, f"{facts}")
    audit(*since, "--export", bank.base / "books", "--format",
          "hledger").ends(COULD_NOT, "begins with entry 0")
    audit(*since, "--certify", bank.base / "fourth").ends(ANCHORED)
    # without the books, or what follows them, there is nothing to begin with
    disclose("--segments", f"{segment}-").ends(DONE)
    audit(*since).ends(INTACT, "on nothing could be carried out")


@scenario
def given_books_that_nobody_certified_when_begun_with_then_3():
    pay_until(newest() + 1)
    number, _, segment = told("certified")
    disclose("--segments", f"{segment + 1}-", "--snapshot",
             str(number)).ends(DONE)
    audit().ends(INTACT, "on nothing could be carried out")
    number, size, segment = told("newest")
    disclose("--segments", f"{segment}-", "--snapshot", str(number)).ends(DONE)
    since = ["--since", bank.base / "since"]
    said = audit("--since", bank.base / "since").ends(
        INTACT, f"from entry {size} on", "no auditor has certified")
    contains(said.out, "but not all of them")
    audit(*since, "--certify", bank.base / "fifth").ends(
        COULD_NOT, "certified by nobody")
    check(not (bank.base / "fifth").exists(), "there is a paper")


@scenario
def given_other_books_when_begun_with_then_1():
    number, _, segment = told("certified")
    disclose("--segments", f"{segment}-", "--snapshot", str(number)).ends(DONE)
    copy = bank.base / "begun"
    bank.copy_ledger(copy)
    path = copy / f"snapshot/{number:08}"
    text = bytearray(path.read_bytes())
    for at in (200, 128 + 70000, len(text) - 1):
        if at < len(text):
            path.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1:])
            audit(ledger=copy).ends(TAMPERED, f"snapshot/{number:08}")
    path.unlink()
    audit(ledger=copy).ends(INTACT, "on nothing could be carried out")


@scenario
def given_a_revoked_auditor_when_signing_then_declined_and_the_past_stands():
    pay_until(newest() + 1)
    disclose("--segments", "0-", "--snapshot", "last").ends(DONE)
    audit("--certify", bank.base / "third").ends(INTACT)
    bank.ctl("--as", bank.directory / "operator-1.card", "role", "revoke",
             "eve").ends(DONE)
    check(certify("third").code != DONE, "a revoked auditor has certified")
    disclose("--segments", "0-").ends(DONE)
    audit().ends(INTACT, "with keys")
    bank.stop()


@scenario
def given_other_books_under_the_right_key_when_read_then_1():
    copy = bank.base / "copy"
    bank.copy_ledger(copy)
    path = copy / f"snapshot/{snapshots()[-1]:08}"
    text = bytearray(path.read_bytes())
    text[300] ^= 1
    path.write_bytes(text)
    disclosed = bank.base / "keys"
    audit(ledger=copy).ends(TAMPERED, "not the one that entry")
    check(disclosed.exists() and os.path.getsize(disclosed) > 80, "keys")
    contains(audit().out, "verified")


if __name__ == "__main__":
    run()
