#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""The plain audit log of a real bank: all modes, rotated under load, killed,
torn; and strongroom-verify, which compares every line with the log."""
import re
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (COULD_NOT, DECLINED, DONE, INTACT, TAMPERED,  # noqa: E402
                      VERIFY, Bank, run_program)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          wait_until)
from lib.session import Session  # noqa: E402

bank = lobby = log = key = disclosure = account = None
rotated = []


def start(mode=None):
    if mode:
        bank.configure("ledgerd", "audit-log", mode)
    return bank.start()


def pay(times=5):
    with Session(bank, "ada", terminal=lobby) as ada:
        for _ in range(times):
            ada.order(credit=account, amount=1)


def compare(*more, files=None, keys=True, ledger=None):
    words = [VERIFY, "--bank", bank.id]
    for path in files or [*rotated, log]:
        words += ["--audit-log", path]
    if keys:
        words += ["--auditor-key", key, "--keys", disclosure]
    return run_program([*words, *more, ledger or bank.ledger])


def disclose():
    global disclosure
    disclosure = bank.base / "disclosure"
    disclosure.unlink(missing_ok=True)
    bank.ctl("disclose", "--segments", "0-0", "--to", "clara", "--out",
             disclosure).ends(DONE)


def rotate():
    to = log.with_name(f"audit.log.{len(rotated) + 1}")
    log.rename(to)
    rotated.append(to)


@scenario
def given_a_new_bank_then_its_log_has_pseudonyms_and_verifies():
    global bank, lobby, log, key, account
    bank = Bank.found()
    log = bank.directory / "audit" / "audit.log"
    bank.start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(lobby, "ada", "50.00")
    with Session(bank, "bob", terminal=lobby) as bob:
        account = bob.facts["account"]
    pay()
    bank.atm("ada", "transfer", "bob", "9999.00").ends(DECLINED)
    key = bank.base / "clara.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    disclose()
    text = log.read_text()
    contains(text.splitlines()[0], "# strongroom-audit 1 ", "the head")
    contains(text, " order SR_FUNDS ", "the log")
    for word in ("ada", "bob", "lobby", "transfer", "50.00"):
        check(word not in text, f"the log has {word!r}")
    ours = re.findall(r" order ok ([0-9a-f]{16})\n", text)
    check(len(set(ours)) == 2, f"not two signers: {set(ours)}")
    compare().ends(INTACT, "lines compared")
    compare(keys=False).ends(INTACT, "0 of them with keys")


@scenario
def given_full_when_the_bank_starts_then_it_says_what_that_costs():
    bank.stop()
    start("full")
    bank.settled()
    contains(bank.said(), "names, kinds and amounts in the clear", "the start")
    contains(bank.ctl("doctor").out, "an erased name stays there", "doctor")
    contains(bank.ctl("status").out, "full: names and amounts", "status")
    pay(3)
    text = log.read_text()
    contains(text, ' transfer 0.01 ', "the log")
    contains(text, ' "ada" ', "the log")
    disclose()
    compare().ends(INTACT)


@scenario
def given_off_then_nothing_is_written_and_on_again_none_is_missing():
    before = log.read_bytes()
    bank.stop()
    start("off")
    pay(3)
    equal(log.read_bytes(), before, "the log")
    bank.stop()
    start("pseudonyms")
    pay(2)
    disclose()
    compare().ends(INTACT)


@scenario
def given_load_when_the_log_is_renamed_then_no_line_is_lost_or_doubled():
    enough = threading.Event()

    def load():
        while not enough.is_set():
            pay(20)

    payer = threading.Thread(target=load)
    payer.start()
    try:
        for _ in range(8):
            wait_until(lambda: log.exists() or not payer.is_alive(),
                       "a new log after the renamed one")
            rotate()
    finally:
        enough.set()
        payer.join()
    pay(1)
    disclose()
    compare().ends(INTACT)
    compare("--json", keys=False).ends(INTACT, '"contradictions":0')


@scenario
def given_no_log_just_now_when_a_backup_is_made_then_it_is_made():
    sets = bank.base / "backup"
    rotate()
    bank.ctl("backup", sets).ends(DONE)
    pay(1)
    bank.ctl("backup", sets).ends(DONE)
    logs = sorted(path.parent.parent.name
                  for path in sets.glob("*/audit/audit.log"))
    equal(logs, ["00000002"], "sets with an audit log")
    copy = sets / "00000002"
    compare(files=[*rotated, copy / "audit" / "audit.log"],
            ledger=copy / "ledger", keys=False).ends(INTACT)


@scenario
def given_kills_when_the_bank_starts_again_then_every_entry_has_its_line():
    for cut in (0, 1, 40, 200):
        pay(3)
        bank.kill()
        if cut:
            text = log.read_bytes()
            log.write_bytes(text[:-cut])
        start()
    pay(1)
    disclose()
    compare().ends(INTACT)
    equal(bank.ctl("status", "--json").json()["audit_lines_missing"], 0,
          "lines missing")


def altered(change, *words, keys=True):
    """The verdict on the newest file with one line changed; the place of the
    line is told."""
    lines = log.read_text().splitlines()
    at = [i for i, line in enumerate(lines) if " order ok " in line][6]
    lines[at:at + 1] = change(lines[at], lines)
    path = bank.base / "altered.log"
    path.write_text("\n".join(lines) + "\n")
    return compare(files=[*rotated, path], keys=keys).ends(
        TAMPERED, f"altered.log:{at + 1}: ",
        "still trustworthy: entries 0 to", *words)


@scenario
def given_lines_that_the_log_contradicts_then_file_and_line_are_named():
    bank.stop()
    contains(log.read_text(), "# strongroom-audit 1 ", "the log")

    def other(pattern, new):
        return lambda line, all_lines: [re.sub(pattern, new, line, count=1)]

    for keys in (True, False):
        altered(other("^2", "3"), "its time is", keys=keys)
        altered(other(" (order|system) ", " box "), "its class is", keys=keys)
        altered(lambda line, _: [], "have no line before this one", keys=keys)
        altered(lambda line, _: [other(r" \d+ ", " 2 ")(line, _)[0], line],
                "out of its place, or a second line", keys=keys)
        altered(lambda line, _: ["not a line", line],
                "no line of an audit log", keys=keys)
    altered(other(r" ok ", " SR_FUNDS "), "its outcome is")
    altered(other(r"[0-9a-f]{16}$", "0123456789abcdef"), "its pseudonym is")
    compare(files=[*rotated[:2], *rotated[3:], log]).ends(
        TAMPERED, "have no line before this one")
    compare(files=[*rotated, bank.base / "none"]).ends(COULD_NOT)


@scenario
def given_full_lines_with_other_facts_then_they_are_named():
    """Of the lines in full: kind, amount, accounts, and whose name it is."""
    first = rotated[0].read_text()
    path = bank.base / "full.log"
    for old, new, word in (
            (" transfer 0.01 ", " deposit 0.01 ", "its kind is"),
            (" transfer 0.01 ", " transfer 0.02 ", "its amount is")):
        path.write_text(first.replace(old, new, 1))
        compare(files=[path]).ends(TAMPERED, word)
    at = first.rindex('"ada"')
    path.write_text(first[:at] + '"eve"' + first[at + 5:])
    compare(files=[path]).ends(TAMPERED, "another name")
    path.write_bytes(bytes(range(256)) * 5000)
    compare(files=[path]).ends(TAMPERED, "no line of an audit log")
    path.write_text("1970-01-01T00:00:00Z 99999999 order ok -\n")
    compare(files=[path]).ends(INTACT, "after the end of this log")


if __name__ == "__main__":
    run()
