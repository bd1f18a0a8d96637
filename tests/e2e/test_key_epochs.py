#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
New epochs of the keys that make what others keep: devices' tokens,
invitations, reset codes and terminals' cards.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DECLINED, DONE, USAGE, Bank  # noqa: E402
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario)

bank = None


def row_of(key, is_former):
    lines = bank.ctl("keys", "--json").ends(DONE).out.splitlines()
    rows = [json.loads(line) for line in lines]
    return next((row for row in rows if row["key"] == key
                 and row["former"] == is_former), None)


def present(key):
    return row_of(key, False)


def former(key):
    return row_of(key, True)


def device_token(name):
    found = list(bank.state_home(name).rglob(f"token-{name}"))
    equal(len(found), 1, f"tokens of {name}'s device")
    return found[0].read_bytes()


@scenario
def given_new_keys_of_tokens_when_used_then_what_is_out_serves_on():
    global bank
    bank = Bank.found().start()
    for name in ("ada", "bob"):
        bank.register(name)
        bank.atm(name, "balance").ends(DONE)
    out = bank.ctl("invite", "emma").ends(DONE).out.strip()
    tokens = {name: device_token(name) for name in ("ada", "bob")}
    for key, days in (("device-key", 90), ("invitation-key", 366),
                      ("reset-key", 366)):
        before = present(key)
        equal(former(key), None)
        told = bank.ctl("rotate", key).ends(DONE, "until 20")
        contains(told.err, "made by the new key" if days == 366 else "token")
        after = present(key)
        check(after["epoch"] > 1 and after["uses_at_most"] <= 4096, after)
        check(after["fingerprint"] != before["fingerprint"], f"same {key}")
        row = former(key)
        equal(row["fingerprint"], before["fingerprint"])
        equal(row["until_ms"], after["made_ms"] + days * 86400000)
        equal((row["left"], row["due_ms"]), (None, None))
        bank.ctl("rotate", key).ends(DECLINED, f"{days} days")
    bank.kill()
    bank.start()
    for name, token in tokens.items():
        bank.atm(name, "balance").ends(DONE)
        new = device_token(name)
        equal(new[:16], token[:16], "the device")
        check(new[16:] != token[16:], "a token of the former key")
    bank.atm("emma", "register", "--invitation", out).ends(DONE)
    made = bank.ctl("invite", "finn").ends(DONE).out.strip()
    bank.atm("finn", "register", "--invitation", made).ends(DONE)
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)


@scenario
def given_a_new_terminal_root_when_a_card_is_renewed_then_only_that_serves():
    card, other = bank.enrol("lobby"), bank.enrol("hall")
    new = bank.base / "lobby-new.card"
    equal(former("terminal-root"), None)
    before = present("terminal-root")
    bank.ctl("rotate", "terminal-root").ends(DONE, "2 left")
    bank.ctl("rotate", "terminal-root").ends(DECLINED, "an hour")
    equal(former("terminal-root")["fingerprint"], before["fingerprint"])
    bank.deposit(card, "ada", "5.00")
    bank.ctl("terminal", "renew", bank.directory / "operator-1.card", "--out",
             new).ends(DECLINED, "no terminal's card")
    bank.ctl("terminal", "renew", card).ends(USAGE, "--out")
    bank.ctl("terminal", "renew", card, "--out", new).ends(
        DONE, "serves until that is first used")
    bank.ctl("terminal", "renew", card, "--out", new).ends(USAGE, "exists")
    for one in (card, other):
        bank.deposit(one, "ada", "5.00")
    equal(former("terminal-root")["left"], 2)
    bank.deposit(new, "ada", "5.00")
    equal(former("terminal-root")["left"], 1)
    bank.kill()
    bank.start()
    check(bank.atm("ada", "deposit", "5.00", terminal=card).code != DONE,
          "the former card")
    for one in (new, other):
        bank.deposit(one, "ada", "5.00")
    equal(bank.balance("ada"), 3000)
    # a terminal of now has a card of now
    third = bank.enrol("yard")
    bank.deposit(third, "ada", "5.00")
    equal(former("terminal-root")["left"], 1)
    bank.ctl(*bank.operators(), "terminal", "revoke", "hall").ends(DONE)
    equal(former("terminal-root"), None)
    bank.ctl("terminal", "renew", other, "--out",
             bank.base / "hall-new.card").ends(DECLINED, "terminal")


run()
