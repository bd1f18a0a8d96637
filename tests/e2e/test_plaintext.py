#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""
What customers type and what must stay secret, searched in every file of the
bank and in all that went over the network, after a day with every feature:
names, memos, amounts, passwords, recovery codes, terminals' keys, the
customers' seeds, the bank's keys.  What must be found shows that the search
can find: memos and amounts in a statement, keys on a card, the bank's id in
the files and on the wire.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.bank import (BUILD, DONE, VERIFY, WRONG_PASSWORD, Bank,
                      run_program)
from lib.relay import Relay
from lib.scenario import check, contains, equal, run, scenario
from lib.session import Session

ZEB, QUI = "zebulon-the-baker", "quirinus-the-cook"
DISPLAY = "Zebulon Oddfellow the Third"
MEMOS = ["three dozen poppy-seed rolls", "a cake for the midsummer fair",
         "cash for the flour mill", "tips"]
# Of so many digits that their eight bytes are nobody else's.
DEPOSIT, TRANSFER, WITHDRAWAL = 987654321987, 123456789123, 314159265300
PASSWORDS = {"first": "gluten, salt and water", "second": "rye before wheat",
             "third": "never on a sunday", "wrong": "open, o sesame bun",
             "cook's": "a pinch of everything"}
CODE = re.compile(r"(?:[0-9A-Z]{5}-){7}[0-9A-Z]{5}")
bank = card = None
secret = {}             # name: the byte strings that must not be found
seen = bytearray()      # what went over the network


def text_of(minor):
    return f"{minor // 100}.{minor % 100:02}"


def keep(name, *forms):
    secret.setdefault(name, []).extend(
        form.encode() if isinstance(form, str) else form for form in forms)


def keep_key(name, key):
    keep(name, key, key.hex(), key.hex().upper())


def keep_code(result):
    code = CODE.search(result.out + result.err).group()
    keep("recovery code", code, code.replace("-", ""), code.lower(),
         code.replace("-", "").lower())
    return code


def two_secrets(command, first, second, server):
    return bank.atm(ZEB, "--new-password-fd", "0", command,
                    password=f"{first}\n{second}", server=server).ends(DONE)


def money(server):
    """Deposit, transfer, withdrawal, statements; a wrong password."""
    at = {"server": server}
    bank.deposit(card, ZEB, text_of(DEPOSIT), "--memo", MEMOS[3], **at)
    bank.transfer(ZEB, QUI, text_of(TRANSFER), "--memo", MEMOS[0], **at)
    bank.transfer(QUI, ZEB, "0.01", "--memo", MEMOS[1], **at)
    bank.atm(ZEB, "withdraw", text_of(WITHDRAWAL), "--memo", MEMOS[2],
             terminal=card, **at).ends(DONE)
    bank.statement(ZEB, **at)
    bank.balance(QUI, **at)
    bank.atm(ZEB, "balance", password=PASSWORDS["wrong"], **at).ends(
        WRONG_PASSWORD)


def credentials(code, server):
    """passwd, recover, rekey."""
    two_secrets("passwd", PASSWORDS["first"], PASSWORDS["second"], server)
    keep_code(two_secrets("recover", code, PASSWORDS["third"], server))
    bank.passwords[ZEB] = PASSWORDS["third"]
    keys_of_customers(server)
    code = bank.atm(ZEB, "rekey", "--json", server=server).json()[
        "recovery_code"]
    keep("recovery code", code, code.replace("-", ""))
    keys_of_customers(server)


def keys_of_customers(server):
    for name in (ZEB, QUI):
        with Session(bank, name, server=server) as session:
            for what, key in session.secrets().items():
                keep_key(what, key)
            equal(session.ask("rekey")["error"], "SR_OK", "the re-key")
            keep_key("chain-key", session.secrets()["chain-key"])


def audit(server):
    """An auditor is enrolled and gets all keys."""
    run_program([VERIFY, "keygen", "-o", bank.base / "clara.key"]).ends(DONE)
    bank.ctl("--server", server, *bank.operators(), "auditor", "add",
             "clara", bank.base / "clara.key.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
             bank.base / "disclosure").ends(DONE)


def fill(server):
    """Orders until a segment is full and a snapshot is made."""
    with Session(bank, ZEB, server=server) as session:
        for _ in range(8):
            equal(session.burst(20, f"@{QUI}", TRANSFER // 1000)["booked"],
                  20, "the orders booked")


def keep_cards():
    for path in (card, bank.directory / "operator-1.card",
                 bank.directory / "operator-2.card"):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" = ")
            if key == "password":
                keep("a card's password", value)
            elif key == "psk":
                keep_key("a terminal's key", bytes.fromhex(value))


def keep_bank_keys():
    done = subprocess.run(
        [BUILD / "tests/sandbox/root_keys", bank.base / "passphrase",
         bank.keyd], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        name, value = line.split()
        keep_key(name, bytes.fromhex(value))


def files():
    """What the bank itself writes, and what it says."""
    found = [path for path in bank.directory.rglob("*") if path.is_file() and
             path.parent != bank.directory]
    for part in ("keyd", "ledger", "audit", "run"):
        check((bank.directory / part).is_dir(), f"there is no {part}/")
    return found + [bank.log, bank.base / "disclosure"]


def backup_files():
    """Everything in a backup of the bank that runs."""
    where = bank.base / "backup"
    bank.ctl("backup", where).ends(DONE)
    found = [path for path in where.rglob("*") if path.is_file()]
    names = {path.name for path in found}
    for name in ("state", "credentials", "root.sealed", "00000000.log",
                 "audit.log", "manifest"):
        check(name in names, f"there is no {name} in the backup")
    return found


def is_nowhere(data, where):
    found = [name for name, forms in secret.items()
             if any(form in data for form in forms)]
    equal(found, [], f"what is in the clear in {where}")


@scenario
def given_a_bank_when_a_day_with_every_feature_is_over_then_it_is_recorded():
    global bank, card
    bank = Bank.found(ledgerd_segment_size="64K")
    first, *more = sorted((bank.ledger / "segment").glob("*.log"))
    os.truncate(first, 65536)   # made ready by init, longer
    for path in more:
        path.unlink()
    bank.start()
    bank.passwords.update({ZEB: PASSWORDS["first"], QUI: PASSWORDS["cook's"]})
    for name, password in PASSWORDS.items():
        keep(f"the {name} password", password)
    keep("names", ZEB, QUI, DISPLAY, DISPLAY.encode("utf-16-le"))
    keep("memos", *MEMOS[:3])
    for minor in (DEPOSIT, TRANSFER, WITHDRAWAL):
        for number in (minor, -minor):
            keep("amounts", number.to_bytes(8, "little", signed=True),
                 number.to_bytes(8, "big", signed=True))
        keep("amounts", text_of(minor), str(minor))
    card = bank.base / "lobby.card"
    with Relay(bank.port) as relay:
        bank.ctl("--server", relay.address, *bank.operators(), "terminal",
                 "add", "lobby", "--max", "20000000000.00", "--out",
                 card).ends(DONE)
        code = keep_code(bank.atm(ZEB, "register", "--display-name", DISPLAY,
                                  server=relay.address).ends(DONE))
        keep_code(bank.atm(QUI, "register", server=relay.address).ends(DONE))
        money(relay.address)
        credentials(code, relay.address)
        audit(relay.address)
        fill(relay.address)
        seen.extend(relay.seen)
    keep_cards()
    keep_bank_keys()


@scenario
def given_the_day_when_what_must_be_found_is_searched_then_it_is():
    said = bank.atm(ZEB, "statement", "--count", "1000").ends(DONE).out
    for memo in MEMOS[:3]:
        contains(said, memo, "the statement")
    for minor in (DEPOSIT, TRANSFER, WITHDRAWAL):
        contains(said, text_of(minor), "the statement")
    contents = card.read_bytes()
    check(any(form in contents for form in secret["a terminal's key"]),
          "the card's key is not found on the card")
    bank_id = bytes.fromhex(re.search(r"bank-id = ([0-9a-f]{64})",
                                      bank.id.read_text()).group(1))
    check(bank_id in seen, "the bank's id is not found on the wire")
    for part in ("keyd", "ledger"):
        check(any(bank_id in path.read_bytes() for path in files()
                  if (bank.directory / part) in path.parents),
              f"the bank's id is not found in {part}/")
    check(len(list((bank.ledger / "segment").glob("*.log"))) > 1,
          "there is but one segment")
    check(any((bank.ledger / "snapshot").iterdir()), "there is no snapshot")
    check(len(seen) > 50000, "hardly anything went over the network")


@scenario
def given_a_running_bank_when_its_files_are_searched_then_all_is_sealed():
    for path in files():
        is_nowhere(path.read_bytes(), path)


@scenario
def given_a_backup_when_its_files_are_searched_then_all_is_sealed():
    for path in backup_files():
        is_nowhere(path.read_bytes(), path)


@scenario
def given_the_networks_traffic_when_searched_then_all_is_sealed():
    is_nowhere(bytes(seen), "the traffic")


@scenario
def given_a_bank_that_was_stopped_and_started_then_all_is_sealed_still():
    bank.stop()
    for path in files():
        is_nowhere(path.read_bytes(), path)
    bank.start()
    contains(bank.atm(ZEB, "statement", "--count", "1000").ends(DONE).out,
             MEMOS[0], "the statement")
    for path in files():
        is_nowhere(path.read_bytes(), path)


if __name__ == "__main__":
    run()
