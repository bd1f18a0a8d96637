#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
The attestation key, the channel key and the password key are rotated: whoever
was a customer before notices nothing, and what was recorded of the former keys
is refused.
"""
import json
import re
import shutil
import socket
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, DECLINED, DONE, INTACT,  # noqa: E402
                      UNREACHABLE, VERIFY, WRONG_KEY, WRONG_PASSWORD,
                      Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402

CERTIFICATE = 2 + 256
bank = lobby = told = None
receipts = []


def table():
    rows = [json.loads(line)
            for line in bank.ctl("keys", "--json").ends(DONE).out.splitlines()]
    return {(row["key"], row["former"]): row for row in rows}


def certificates():
    """Epoch, channel key and attestation key of each."""
    data = (bank.ledger / "public/certificates").read_bytes()
    equal(len(data) % CERTIFICATE, 0)
    return [(int.from_bytes(one[14:18], "little"), one[66:98], one[162:194])
            for one in (data[at:at + CERTIFICATE]
                        for at in range(0, len(data), CERTIFICATE))]


def pay(payer, payee):
    said = bank.atm(payer, "transfer", payee, "1.00", "--json").ends(DONE)
    equal(said.err, "", f"what {payer} is told")
    receipts.append(bank.base / f"{len(receipts)}.tlog-proof")
    bank.atm(payer, "receipt", str(said.json()["leaf"]), "-o",
             receipts[-1]).ends(DONE)


def attested_by(name):
    there = bank.base / f"{name}.export"
    shutil.rmtree(there, ignore_errors=True)
    bank.atm(name, "export-my-data", there).ends(DONE)
    return json.loads((there / "profile.json").read_text())["attested_by"]


def hello():
    """What the bank says to whoever connects."""
    host, port = (bank.directory / "run/address").read_text().split()[0] \
        .rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as link:
        with link.makefile("rb") as stream:
            head = stream.read(4)
            return head + stream.read(struct.unpack("<H", head[:2])[0])


class Replay:
    """Says to each who connects what a bank has said once, and no more."""

    def __init__(self, recorded):
        self.recorded = recorded
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        try:
            while True:
                link, _ = self.listener.accept()
                with link:
                    link.sendall(self.recorded)
                    link.recv(4096)
        except OSError:
            pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@scenario
def given_customers_when_the_attestation_key_is_rotated_then_both_are_told():
    global bank, lobby, told
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob", "dora"):
        bank.register(name)
    bank.deposit(lobby, "ada", "50.00")
    bank.deposit(lobby, "bob", "50.00")
    pay("ada", "bob")
    before = table()
    bank.ctl("backup", bank.base / "sets").ends(DONE)
    bank.stop()
    shutil.copy(bank.ledger / "public/checkpoint", bank.base / "old")
    told = json.loads(bank.ctl("rotate", "attestation-key", "--json").ends(
        DONE, "the old one never again").out)
    equal(told["keys"], ["log-key", "attestation-key"])
    (_, channel, old), (epoch, same_channel, new) = certificates()
    equal((epoch, channel), (told["new_epoch"], same_channel))
    check(old != new, "the attestation key is the same")
    bank.start()
    after = table()
    row, kept = (after["attestation-key", former] for former in (False, True))
    equal(row["epoch"], told["new_epoch"])
    equal(kept["fingerprint"], before["attestation-key", False]["fingerprint"])
    equal((kept["epoch"], kept["left"]), (1, None))
    check(row["uses_at_most"] <= 4096, row)
    check(row["fingerprint"] != kept["fingerprint"], "the same key")
    equal(after["channel-key", False]["epoch"], 1)
    contains(bank.ctl("keys").out, "verifies")


@scenario
def given_the_former_attestations_when_used_then_nobody_notices():
    (_, _, old), (_, _, new) = certificates()
    pay("ada", "bob")
    bank.deposit(lobby, "ada", "1.00")
    equal(attested_by("ada"), old.hex())
    bank.register("cleo")
    equal(attested_by("cleo"), new.hex())
    pay("ada", "cleo")
    pay("cleo", "bob")
    # a new password makes no attestation, new keys do
    bank.atm("bob", "--new-password-fd", "0", "passwd",
             password=f"{bank.passwords['bob']}\nanother for bob").ends(DONE)
    bank.passwords["bob"] = "another for bob"
    equal(attested_by("bob"), old.hex())
    bank.atm("dora", "rekey").ends(DONE, "keys are new")
    equal(attested_by("dora"), new.hex())
    pay("bob", "dora")
    pay("dora", "ada")
    for path in receipts:
        run_program([VERIFY, "--bank", bank.id, "receipt", path]).ends(
            ANCHORED, "transfer of 1.00 EUR")


@scenario
def given_operators_of_before_when_they_order_then_it_is_done():
    bank.ctl(*bank.operators(), "account", "freeze", "cleo").ends(DONE)
    bank.ctl(*bank.operators(), "account", "unfreeze", "cleo").ends(DONE)


@scenario
def given_the_log_when_verified_then_it_tells_since_when_which_key_attests():
    bank.stop()
    said = bank.verify("--since", bank.base / "old").ends(
        INTACT, "log key rotated", "attestation key rotated with it")
    check("channel" not in said.out, str(said))
    facts = json.loads(bank.verify("--json").ends(INTACT).out)
    equal(facts["rotations"],
          [{"entry": told["entry"], "time_ms": told["time_ms"],
            "old_epoch": 1, "new_epoch": told["new_epoch"],
            "keys": ["log-key", "attestation-key"]}])
    key, shown = bank.base / "auditor.key", bank.base / "disclosure"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.start()
    bank.ctl(*bank.operators(), "auditor", "add", "eve",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "eve", "--out",
             shown).ends(DONE)
    bank.stop()
    # all of before had logged in before
    facts = json.loads(bank.verify(
        "--keys", shown, "--auditor-key", key, "--since", bank.base / "old",
        "--json").ends(ANCHORED).out)
    equal(facts["former_attested"], [])


@scenario
def given_the_channel_key_rotated_when_its_former_hello_is_replayed_then_no():
    bank.start()
    recorded = hello()
    bank.stop()
    said = bank.ctl("rotate", "channel-key", "--json").ends(DONE).json()
    equal(said["keys"], ["log-key", "channel-key"])
    (_, _, old), (_, channel, key), (_, new_channel, same) = certificates()
    check(old != key == same, "another attestation key than was asked for")
    check(channel != new_channel, "the channel key is the same")
    # whoever has not met the bank since is not warned, and gets no answer
    with Replay(recorded) as replay:
        bank.atm("bob", "balance", server=replay.address).ends(UNREACHABLE)
    bank.start()
    for name in ("ada", "bob"):
        equal(bank.atm(name, "balance").ends(DONE).err, "", name)
    with Replay(recorded) as replay:
        bank.atm("bob", "balance", server=replay.address).ends(
            WRONG_KEY, "expired or was replaced")
    pay("bob", "ada")
    equal(table()["channel-key", False]["epoch"], said["new_epoch"])
    check(("channel-key", True) not in table(), "a former channel key")
    equal(table()["attestation-key", False]["epoch"], told["new_epoch"])


def left():
    """Credentials that are bound to a former password key."""
    row = table().get(("password-key", True))
    return row["left"] if row else 0


@scenario
def given_the_password_key_rotated_when_customers_log_in_then_each_moves():
    code = re.search(r"(?:[0-9A-Z]{5}-){7}[0-9A-Z]{5}",
                     bank.register("finn").out).group()
    old = table()["password-key", False]
    bank.stop()
    said = bank.ctl("rotate", "password-key").ends(
        DONE, "password-key, epoch", "unnoticed")
    check("channel-key" not in said.out, str(said))
    bank.start()
    row, former = (table()["password-key", one] for one in (False, True))
    check(row["epoch"] == certificates()[-1][0] > 1, str(row))
    equal((former["epoch"], former["fingerprint"]),
          (1, old["fingerprint"]))
    check(row["fingerprint"] != old["fingerprint"], "the same key")
    contains(bank.ctl("keys").out, f"{former['left']} left")
    # each has a password and a recovery code, and the code stays
    count = left()
    equal(bank.atm("ada", "balance").ends(DONE).err, "")
    equal(left(), count - 1)
    equal(bank.atm("ada", "balance").ends(DONE).err, "")
    equal(left(), count - 1)
    bank.atm("bob", "balance", password="a guess").ends(
        WRONG_PASSWORD, "wrong name or password")
    equal(left(), count - 1)
    # a new code and password by a code of before
    bank.atm("finn", "--new-password-fd", "0", "recover",
             password=f"{code}\nfound again").ends(DONE)
    bank.passwords["finn"] = "found again"
    equal(left(), count - 3)
    pay("ada", "finn")
    # twice, and a start in between
    bank.stop()
    bank.ctl("rotate", "password-key").ends(DONE)
    bank.start()
    contains(bank.atm("bob", "balance").ends(DONE).err, "wrong password")
    for name in ("bob", "ada", "finn"):
        equal(bank.atm(name, "balance").ends(DONE).err, "", name)
    pay("bob", "ada")
    bank.stop()
    bank.verify().ends(INTACT, "password key rotated with it")
    facts = json.loads(bank.verify("--json").ends(INTACT).out)
    equal(facts["rotations"][-1]["keys"], ["log-key", "password-key"])
    bank.start()


@scenario
def given_backups_of_before_and_after_when_restored_then_only_the_later():
    bank.ctl("backup", bank.base / "sets").ends(DONE)
    bank.stop()
    shutil.copy(bank.ledger / "public/checkpoint", bank.base / "last")
    for name in ("ledger", "keyd", "audit"):
        (bank.directory / name).rename(bank.base / f"lost-{name}")
    bank.ctl("restore", "--anchor", bank.base / "old",
             bank.base / "sets").ends(DECLINED)
    bank.ctl("restore", "--anchor", bank.base / "last",
             bank.base / "sets").ends(DONE)
    bank.start()
    equal(table()["attestation-key", False]["epoch"], told["new_epoch"])
    pay("ada", "dora")
    pay("dora", "bob")
    bank.stop()


@scenario
def given_a_restore_with_loss_when_it_goes_on_then_the_present_keys_attest():
    shutil.rmtree(bank.ledger)
    (bank.base / "lost-ledger").rename(bank.ledger)
    bank.ctl("restore", "--accept-loss").ends(DONE)
    bank.start()
    equal(table()["attestation-key", False]["epoch"], told["new_epoch"])
    # ada is told of what was lost, and both are who they were
    bank.transfer("ada", "dora", "2.00")
    bank.transfer("dora", "bob", "1.00")
    bank.register("emil")
    equal(attested_by("emil"), certificates()[-1][2].hex())
    equal(attested_by("emil"), attested_by("dora"))
    bank.stop()
    bank.verify().ends(INTACT, "restored with loss")


if __name__ == "__main__":
    run()
