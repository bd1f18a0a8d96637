#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Receipts: each order's signer, and who was touched by it, gets a file that
anybody checks with nothing but bank.id; nobody else gets one.
"""
import base64
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (  # noqa: E402
    ANCHORED, COULD_NOT, DECLINED, DONE, TAMPERED, UNKNOWN, UNREACHABLE, USAGE,
    VERIFY, Bank, run_program)
from lib import wire  # noqa: E402
from lib.scenario import (  # noqa: E402
    check, contains, equal, run, scenario, wait_until)
from lib.session import Session  # noqa: E402

RECEIPT_GET, RECEIPT = 26, 27

bank = lobby = entry = directory = None


def verify(*words, pinned=None):
    return run_program([VERIFY, "--bank", pinned or bank.id, *words])


def receipt(user, which, name, **options):
    path = directory / name
    bank.atm(user, "receipt", *([str(which)] if which is not None else []),
             "-o", path, **options).ends(DONE)
    return path


@scenario
def given_a_payment_when_its_payer_asks_then_a_receipt_that_verifies():
    global bank, lobby, entry, directory
    bank = Bank.found().start()
    directory = bank.base
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob", "eve"):
        bank.register(name)
    bank.deposit(lobby, "ada", "100.00")
    entry = bank.atm("ada", "transfer", "bob", "12.50", "--memo", "pizza",
                     "--id", "P1", "--json").json()["leaf"]
    path = receipt("ada", entry, "ada.tlog-proof")
    said = verify("receipt", path).ends(ANCHORED)
    for words in ("transfer of 12.50 EUR", ": pizza", "(ada)", "booked",
                  f"entry {entry} of the bank's log"):
        contains(said.out, words)
    facts = verify("-j", "receipt", path).json()
    equal((facts["amount_minor"], facts["leaf"], facts["outcome"],
           facts["name"], facts["memo"]),
          (1250, entry, "booked", "ada", "pizza"))


@scenario
def given_a_receipt_when_it_is_printed_then_it_has_a_code():
    said = bank.atm("ada", "receipt").ends(DONE)
    for words in ("transfer of 12.50 EUR", "booked", "pizza",
                  "strongroom-verify --bank bank.id receipt",
                  "\u2588", "\u2580"):
        contains(said.out, words)
    text = bank.atm("ada", "receipt", "P1", "--json").json()["receipt"]
    check(text.startswith("c2sp.org/tlog-proof@v1\nextra "), text)
    check(f"\nindex {entry}\n" in text, text)
    bank.atm("ada", "receipt", "-o", directory / "ada.tlog-proof").ends(
        USAGE, "File exists")
    bank.atm("ada", "receipt", "no such order").ends(USAGE)
    bank.atm("ada", "receipt", "nothing").ends(DECLINED, "no order with that")


@scenario
def given_a_payment_when_its_payee_asks_then_a_receipt_without_the_name():
    facts = verify("-j", "receipt", receipt("bob", entry, "bob")).json()
    equal((facts["leaf"], facts.get("name")), (entry, None))


@scenario
def given_a_deposit_when_owner_and_till_ask_then_both_have_a_receipt():
    leaf = bank.atm("ada", "deposit", "5.00", "--json",
                    terminal=lobby).json()["leaf"]
    verify("receipt", receipt("ada", leaf, "mine")).ends(
        ANCHORED, "deposit of 5.00 EUR")
    verify("receipt", receipt(None, leaf, "tills", terminal=lobby)).ends(
        ANCHORED, "deposit of 5.00 EUR", "(lobby)")


@scenario
def given_a_declined_order_when_asked_then_the_receipt_says_declined():
    bank.atm("bob", "transfer", "ada", "999.00", "--id", "TOO-MUCH").ends(
        DECLINED)
    path = receipt("bob", "TOO-MUCH", "declined")
    verify("receipt", path).ends(
        ANCHORED, "DECLINED", "not enough money", "nothing was moved")
    equal(verify("-j", "receipt", path).json()["outcome"], "declined")


@scenario
def given_a_stranger_when_asking_for_others_entries_then_there_are_none():
    bank.atm("eve", "receipt", str(entry)).ends(
        DECLINED, "is not an order of yours")
    # with the keys in hand and no program in between
    with Session(bank, "eve") as eve:
        for leaf in (entry, 0, 1, 10 ** 9, 2 ** 63, 2 ** 64 - 1):
            got = eve.raw(wire.raw(RECEIPT_GET,
                                   struct.pack("<IQ", 7, leaf)))
            equal((got["error"], got["type"]), ("SR_OK", RECEIPT))
            body = bytes.fromhex(got["body"])
            equal(struct.unpack_from("<IHQ", body), (7, 4, leaf))
            check(not any(body[14:]), "something is disclosed")


@scenario
def given_a_name_that_a_terminal_obeys_when_verified_then_it_is_not_obeyed():
    evil = directory / ("\r\033[2Kverified: rent\n  transfer of 900.00 EUR\n"
                        "\033[8m\x7f\u009b")
    text = (directory / "ada.tlog-proof").read_text()
    evil.write_text(text[:-9] + text[-8:])
    for said in (verify("receipt", evil).ends(TAMPERED),
                 verify("--since", evil, bank.ledger)):
        equal([char for char in said.out + said.err
               if not " " <= char <= "~" and char != "\n"], [])
        check(not any(line.startswith("verified")
                      for line in said.out.splitlines()), said.out)
    evil.unlink()


@scenario
def given_receipts_of_others_when_verified_then_each_is_named():
    other = Bank.found()
    path = directory / "ada.tlog-proof"
    verify("receipt", path, pinned=other.id).ends(
        TAMPERED, "receipt of another bank")
    verify("receipt", path, directory / "bob").ends(ANCHORED)
    verify("receipt", path, directory / "none").ends(COULD_NOT, "No such file")
    verify("receipt", path, bank.id, directory / "none").ends(
        TAMPERED, "not a whole receipt")
    verify("receipt").ends(COULD_NOT)
    verify("receipt", directory).ends(COULD_NOT)


@scenario
def given_an_option_a_command_does_not_look_at_when_given_then_refused():
    """An auditor must not think that it was looked at."""
    path = directory / "ada.tlog-proof"
    for words in (("--since", path, "receipt", path),
                  ("--signer", path, "receipt", path),
                  ("--key", path, "bundle", path),
                  ("--export", path, "bundle", path),
                  ("--receipts", path, "witness", bank.ledger),
                  ("--since", path, "witness", bank.ledger),
                  ("--signer", path, bank.ledger),
                  ("--state", path, bank.ledger)):
        what = str(words[2]) if len(words) == 4 else "a ledger directory"
        verify(*words).ends(
            COULD_NOT, f"{words[0]} is not an option of {what}")


@scenario
def given_another_outcome_in_a_receipt_when_verified_then_it_is_refused():
    lines = (directory / "declined").read_bytes().split(b"\n")
    extra = bytearray(base64.b64decode(lines[1][6:]))
    # outcome 2, time 8 are the last of the committed plaintext
    extra[-10:-8] = bytes(2)
    lines[1] = b"extra " + base64.b64encode(extra)
    (directory / "forged").write_bytes(b"\n".join(lines))
    verify("receipt", directory / "forged").ends(
        TAMPERED, "not in the log")


@scenario
def given_no_proof_at_present_when_asked_again_then_the_outcome_is_unknown():
    """The tile in which both orders stand is gone."""
    out = directory / "dispensed"
    dispenser = directory / "dispenser"
    dispenser.write_text(f"#!/bin/sh\necho $1 >> {out}\n")
    dispenser.chmod(0o755)
    withdraw = lambda: bank.atm(  # noqa: E731
        "bob", "withdraw", "5.00", "--id", "W1", "--dispenser", dispenser,
        terminal=lobby)
    pay = lambda: bank.atm(  # noqa: E731
        "bob", "transfer", "ada", "1.00", "--id", "P2")
    pay().ends(DONE, "booked (entry")
    withdraw().ends(DONE, "booked")
    before = out.read_text()
    balance = bank.balance("bob")
    with Session(bank, "ada") as ada:
        for _ in range(20):
            equal(ada.burst(15, "@eve", 1)["booked"], 15)
    tile = bank.ledger / "public/tile/0/000"
    shutil.copy2(tile, directory / "tile")

    def lost():
        """Each full tile is looked at once, and made again, by ledgerd."""
        tile.unlink(missing_ok=True)
        return pay().code == UNKNOWN
    wait_until(lost, "a tile that is not made again", 60)
    for again in (pay, withdraw):
        again().ends(UNKNOWN, "does not prove it")
    bank.atm("bob", "receipt", str(entry)).ends(
        UNREACHABLE, "cannot prove entry")
    # one with another bit is no better
    data = bytearray((directory / "tile").read_bytes())
    data[33] ^= 1
    tile.write_bytes(data)
    pay().ends(UNKNOWN, "does not prove it")
    shutil.copy2(directory / "tile", tile)
    tile.chmod(0o644)
    pay().ends(DONE, "before; not again")
    withdraw().ends(DONE, "before; not again")
    equal((out.read_text(), bank.balance("bob")), (before, balance))


@scenario
def given_new_password_new_keys_when_asked_then_old_receipts_still_hold():
    secret = directory / "new-passphrase"
    secret.write_text("another good passphrase")
    bank.atm("ada", "passwd", "--new-password-file", secret).ends(DONE)
    bank.passwords["ada"] = secret.read_text()
    verify("receipt", receipt("ada", entry, "after-passwd")).ends(
        ANCHORED, "(ada)")
    bank.atm("ada", "rekey").ends(DONE)
    verify("receipt", directory / "ada.tlog-proof").ends(ANCHORED, "(ada)")
    # the key of then is known on the machine that ordered with it
    verify("receipt", receipt("ada", entry, "after-rekey")).ends(ANCHORED)
    leaf = bank.atm("ada", "transfer", "bob", "1.00", "--json").json()["leaf"]
    verify("receipt", receipt("ada", leaf, "new-keys")).ends(
        ANCHORED, "epoch 2")


@scenario
def given_the_end_of_the_bank_when_verified_then_receipts_still_hold():
    bank.stop()
    pinned = directory / "kept.id"
    shutil.copy(bank.id, pinned)
    shutil.rmtree(bank.directory)
    for name in ("ada.tlog-proof", "bob", "mine", "tills", "declined"):
        verify("receipt", directory / name, pinned=pinned).ends(ANCHORED)


if __name__ == "__main__":
    run()
