#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""strongroomctl import: members of a list are invited, and get what they begin
with, once, whatever is run again, by whom and from where."""
import csv
import fcntl
import hashlib
import io
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DONE, Bank  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import APPROVE, Session  # noqa: E402

HEADER = "name,display name,opening balance\r\n"
WANTED = {"ada": 1250, "bob": 0, "carol": 300}
TEXT = HEADER + 'carol,,3\r\nada,"Ada, ""A"".",12.50\r\nbob,Bob,\r\n'
bank = None


def amount(minor):
    return f"{minor // 100}.{minor % 100:02}"


def checksum(*pairs):
    text = "".join(f"{name}|{amount(minor)}\n" for name, minor in pairs)
    return hashlib.sha256(text.encode()).hexdigest()


def the_list(text=TEXT):
    path = bank.base / "members.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def swapped():
    return ["--as", bank.directory / "operator-2.card",
            "--approve", bank.directory / "operator-1.card"]


def balances(*words, cards=None):
    return bank.ctl(*(bank.operators() if cards is None else cards), "import",
                    bank.base / "members.csv", "--balances", *words)


def forget():
    """The operators' machine burns down: nothing is kept."""
    shutil.rmtree(bank.base / "state/operator", ignore_errors=True)


def size():
    return bank.status()["tree_size"]


def reference(name):
    """As the page has it: of the approval of that member's balance."""
    bank_id = bytes.fromhex(bank.status()["bank_id"])
    return hashlib.sha256(b"strongroom opening balance" + bank_id +
                          name.encode()).digest()[:16]


@scenario
def given_lists_with_faults_when_imported_then_each_is_named_and_nothing_done():
    global bank
    bank = Bank.found(keyd_registration="invite",
                      netd_handshake_timeout_ms="120000").start()
    before = size()
    for line, sentence in (("ad,x,1", ":3: the name"),
                           ("bob,x,1.001", ":3: the opening balance"),
                           ("bob,x,-1", ":3: the opening balance"),
                           ("bob,x", ":3: a line has three fields"),
                           ("ada,x,1", ":3: ada: this name stands"),
                           ('bob,"x,1', ":3: the quotation mark"),
                           ("bob,x\x07,1", ":3: the display name")):
        the_list(HEADER + "ada,Ada,1\r\n" + line)
        for words in (["--dry-run"], ["--out", bank.base / "never"]):
            bank.ctl("import", bank.base / "members.csv", *words).ends(
                65, sentence, "nothing was done")
        balances().ends(65, sentence)
    the_list("ada,Ada,1\r\n")
    bank.ctl("import", bank.base / "members.csv").ends(65, ":1: the first")
    bank.ctl("import", bank.base / "none.csv").ends(69)
    check(not (bank.base / "never").exists(), "a file was written")
    equal(size(), before, "the log's size")


@scenario
def given_a_dry_run_when_all_is_right_then_it_is_shown_and_nothing_changes():
    before = size()
    path = the_list()
    result = bank.ctl("import", path, "--dry-run", "--out",
                      bank.base / "never").ends(DONE)
    contains(result.err, "3 members: 3 to be invited, 0 registered")
    lines = [line.split() for line in result.out.splitlines()]
    equal(lines, [[name, amount(minor), checksum((name, minor))]
                  for name, minor in sorted(WANTED.items())] +
          [["total", "15.50", checksum(*sorted(WANTED.items()))]])
    check(not (bank.base / "never").exists(), "a file was written")
    equal(size(), before, "the log's size")


@scenario
def given_invitations_when_they_are_written_then_each_lets_its_name_register():
    out = bank.base / "invitations.csv"
    bank.ctl("import", the_list(), "--out", out).ends(
        DONE, "3 invited, 0 registered already")
    equal(out.stat().st_mode & 0o777, 0o600, "its mode")
    rows = list(csv.reader(io.StringIO(out.read_text(), newline="")))
    equal(rows[0], ["name", "display name", "invitation"])
    equal([row[:2] for row in rows[1:]],
          [["ada", 'Ada, "A".'], ["bob", "Bob"], ["carol", ""]])
    for name, _, invitation in rows[1:3]:
        bank.passwords[name] = f"the password of {name}"
        bank.atm("eve", "--invitation", invitation, "register",
                 password="eve's own").ends(1)
        bank.atm(name, "--invitation", invitation, "register").ends(DONE)
    before = out.read_bytes()
    bank.ctl("import", the_list(), "--out", out).ends(64)
    equal(out.read_bytes(), before, "the file that was there")


@scenario
def given_some_have_registered_when_imported_again_then_the_rest_is_invited():
    result = bank.ctl("import", the_list()).ends(
        DONE, "1 invited, 2 registered already")
    rows = list(csv.reader(io.StringIO(result.out, newline="")))
    equal([row[0] for row in rows], ["name", "carol"])
    bank.passwords["carol"] = "the password of carol"


@scenario
def given_one_operator_alone_when_balances_are_imported_then_nothing_is_booked():
    before = size()
    bank.ctl("--as", bank.directory / "operator-1.card", "import",
             the_list(), "--balances").ends(1, "one operator alone")
    balances(cards=[]).ends(64)
    bank.ctl("--as", bank.directory / "operator-1.card", "import",
             the_list(), "--balances", "--dry-run").ends(
        1, "1 to be booked", "carol has not registered yet")
    equal(size(), before, "the log's size")
    card = bank.directory / "operator-1.card"
    balances(cards=["--as", card, "--approve", card]).ends(
        1, "nobody approves a request of their own")
    equal(bank.balance("ada"), 0, "ada's balance")


@scenario
def given_members_who_registered_when_imported_then_booked_and_the_rest_named():
    result = balances().ends(1, "carol has not registered yet",
                             "1 booked")
    equal([line.split()[:2] for line in result.out.splitlines()],
          [["ada", "12.50"], ["bob", "0.00"], ["total", "12.50"]])
    equal(bank.balance("ada"), 1250, "ada's balance")
    line = bank.statement("ada")[0]
    equal((line["kind"], line["memo"]), ("issue", "opening balance"))


@scenario
def given_what_is_booked_when_run_again_then_no_order_is_given():
    before = size()
    for prepare, cards in ((lambda: None, None), (forget, None),
                           (forget, swapped())):
        prepare()
        balances(cards=cards).ends(1, "0 booked, 1 booked before")
        equal(size(), before, "the log's size")
    equal(bank.balance("ada"), 1250, "ada's balance")


@scenario
def given_an_approver_whose_orders_were_many_since_then_still_booked_once():
    with Session(bank, card=bank.directory / "operator-2.card") as operator:
        for _ in range(65):
            answer = operator.order(kind=APPROVE, refers_to=1,
                                    attachment="00" * 32)
            equal(answer["outcome"], "SR_NO_REQUEST")
    forget()
    balances().ends(1, "0 booked, 1 booked before")
    equal(bank.balance("ada"), 1250, "ada's balance")


@scenario
def given_a_declined_order_with_the_reference_when_imported_then_booked_once():
    with Session(bank, card=bank.directory / "operator-2.card") as operator:
        answer = operator.order(kind=APPROVE, refers_to=1, attachment="00" * 32,
                                reference="0x" + reference("carol").hex())
        equal(answer["outcome"], "SR_NO_REQUEST")
    invitation = bank.ctl("invite", "carol").ends(DONE).out.strip()
    bank.atm("carol", "--invitation", invitation, "register").ends(DONE)
    result = balances("--json").ends(DONE, "1 booked, 1 booked before")
    lines = [json.loads(line) for line in result.out.splitlines()]
    equal([(line["name"], line["amount_minor"]) for line in lines[:-1]],
          sorted(WANTED.items()))
    equal(lines[-1], {"v": 1, "members": 3, "sum_minor": 1550,
                      "sha256": checksum(*sorted(WANTED.items()))})
    equal(bank.balance("carol"), 300, "carol's balance")
    before = size()
    forget()
    balances().ends(DONE, "0 booked, 2 booked before")
    equal(size(), before, "the log's size")


@scenario
def given_money_that_moved_since_when_run_again_then_the_books_still_say_so():
    bank.transfer("ada", "bob", "12.50")
    result = balances().ends(DONE, "0 booked, 2 booked before")
    equal(result.out.split()[-1], checksum(*sorted(WANTED.items())))
    equal(bank.balance("ada"), 0, "ada's balance")


@scenario
def given_another_amount_when_run_again_then_nothing_at_all_is_booked():
    before = size()
    the_list(TEXT.replace("12.50", "12.51") + "bob2,,1\r\n")
    balances().ends(1, "ada: 12.50 was booked, and the list says 12.51",
                    "nothing was booked")
    equal(size(), before, "the log's size")


@scenario
def given_another_import_at_work_when_run_then_it_waits_for_nobody():
    the_list()
    with bank.id.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        balances().ends(69, "another import is at work")
    balances().ends(DONE)


@scenario
def given_mutual_credit_when_balances_are_imported_then_told_why_not():
    bank.stop()
    other = Bank.found()
    shutil.rmtree(other.directory)
    other.init("HOUR:2", "--type", "mutual-credit").ends(DONE)
    other.start()
    path = other.base / "members.csv"
    path.write_text(HEADER + "ada,Ada,1\r\n")
    other.ctl(*other.operators(), "import", path, "--balances").ends(
        1, "this bank has no issue account")
    other.stop()


if __name__ == "__main__":
    run()
