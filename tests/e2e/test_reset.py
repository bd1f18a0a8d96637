#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
Who has lost password and recovery code gets new ones by the word of two
operators: what holds afterwards, what does not any more, and what nobody can
do with less.
"""
import json
import re
import stat
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (  # noqa: E402
    BAD_DATA, DECLINED, DONE, INTACT, UNKNOWN, UNREACHABLE, USAGE, VERIFY,
    WRONG_PASSWORD, Bank, run_program)
from lib.relay import M3, M5, TO_CLIENT, Relay  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402
from model import model  # noqa: E402

RECOVERY = re.compile(r"(?:[0-9A-Z]{5}-){7}[0-9A-Z]{5}")
RESET = re.compile(r"(?:[0-9a-f]{8}-){7}[0-9a-f]{8}\n")
OLD, NEW = "the old password", "the new password"
bank = lobby = one = two = None
recovery = {}
files = 0


def new_file():
    global files
    files += 1
    return bank.base / f"code-{files}"


def code_of(name, *words):
    """A reset code for that name, by both operators at once."""
    path = new_file()
    bank.ctl(*bank.operators(), "reset", name, "--out", path,
             *words).ends(DONE)
    return path.read_text().strip()


def reset(user, code, new, *words, **options):
    return bank.atm(user, "--new-password-fd", "0", *words, "reset",
                    password=f"{code}\n{new}", **options)


def opens(user, password, terminal=None):
    result = bank.atm(user, "balance", password=password, terminal=terminal)
    if result.code != DONE:
        result.ends(WRONG_PASSWORD, "wrong name or password")
    return result.code == DONE


def customer(name, amount="20.00"):
    recovery[name] = RECOVERY.search(bank.register(name, OLD).out).group()
    bank.deposit(lobby, name, amount)


@scenario
def given_two_operators_when_they_agree_then_one_code_in_a_file():
    global bank, lobby, one, two
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    one, two = bank.operators()[1::2]
    for name in ("ada", "bob", "cleo"):
        customer(name)
    path = new_file()
    said = bank.ctl(*bank.operators(), "reset", "ada", "--out", path).ends(
        DONE, "once", "does not open again", "atm recover",
        "atm --bank bank.id --user ada reset\n")
    check(RESET.fullmatch(path.read_text()), "what is in the file")
    equal(stat.S_IMODE(path.stat().st_mode), 0o600, "who may read it")
    check(path.read_text().strip() not in said.out + said.err,
          "the code was shown")
    bank.ctl(*bank.operators(), "reset", "ada", "--out", path).ends(
        USAGE, "exists already")
    # until it is used everything goes on
    bank.transfer("ada", "bob", "1.00")


@scenario
def given_the_code_when_used_then_all_is_new_and_the_money_is_there():
    code = code_of("ada")
    with Session(bank, "ada") as elsewhere:
        result = reset("ada", code, NEW).ends(
            DONE, "are new", "former ones are void")
        equal(elsewhere.balance()["error"], "SR_UNKNOWN_OUTCOME",
              "a session from before")
    contains(result.err, "box and stored messages, does not open again")
    bank.passwords["ada"] = NEW
    used, recovery["ada"] = recovery["ada"], RECOVERY.search(
        result.out).group()
    check(not opens("ada", OLD), "the old password opens a session")
    bank.atm("ada", "--new-password-fd", "0", "recover",
             password=f"{used}\nthird").ends(WRONG_PASSWORD)
    equal(bank.balance("ada"), 1900)
    equal(len(bank.statement("ada")), 2, "the lines from before")
    bank.transfer("ada", "bob", "1.00")
    bank.transfer("bob", "ada", "2.00")
    # the new recovery code is one
    result = bank.atm("ada", "--new-password-fd", "0", "recover",
                      password=f"{recovery['ada']}\nthird password")
    result.ends(DONE)
    bank.passwords["ada"] = "third password"
    equal(bank.balance("ada"), 2000)


@scenario
def given_a_used_code_when_used_again_then_refused():
    code = code_of("ada")
    reset("ada", code, NEW).ends(DONE)
    bank.passwords["ada"] = NEW
    reset("ada", code, "again").ends(WRONG_PASSWORD, "was used")
    check(opens("ada", NEW), "a used code did something")


@scenario
def given_another_code_when_the_former_is_used_then_refused():
    former, code = code_of("bob"), code_of("bob")
    reset("bob", former, NEW).ends(WRONG_PASSWORD, "replaced")
    # of one approval, too, only the last code serves
    path = new_file()
    asked = bank.ctl("--as", one, "reset", "bob").ends(
        DONE, "another operator").out.strip()
    entry = bank.ctl("--as", two, "approve", asked).ends(
        DONE, "a reset code take over bob", "reset-code bob ").out.strip()
    bank.ctl("reset-code", "bob", entry, "--out", path).ends(
        DONE, "reset code of bob")
    reset("bob", code, NEW).ends(WRONG_PASSWORD, "replaced")
    # keyd says whose it is, and another's is not written
    stranger = new_file()
    bank.ctl("reset-code", "cleo", entry, "--out", stranger).ends(
        DECLINED, "reset of bob, not of cleo",
        f"reset-code bob {entry} --out")
    check(not stranger.exists(), "a stranger's code was written")
    bank.ctl("reset-code", "bob", entry, "--out", new_file()).ends(DONE)
    former, path = path.read_text().strip(), new_file()
    bank.ctl("reset-code", "bob", entry, "--out", path).ends(
        DONE, "reset code of bob")
    reset("bob", former, NEW).ends(WRONG_PASSWORD, "replaced")
    # and none, once the customer has found the password again
    bank.atm("bob", "--new-password-fd", "0", "passwd",
             password=f"{OLD}\nfound again").ends(DONE)
    bank.passwords["bob"] = "found again"
    reset("bob", path.read_text().strip(), NEW).ends(WRONG_PASSWORD)
    equal(bank.balance("bob"), 2000)


@scenario
def given_a_code_that_is_wrong_when_used_then_a_sentence():
    code = code_of("cleo")
    for place in (0, 20, 40, len(code) - 1):
        letter = "0" if code[place] != "0" else "1"
        reset("cleo", code[:place] + letter + code[place + 1:], NEW).ends(
            WRONG_PASSWORD, "not one of this name")
    reset("bob", code, NEW).ends(WRONG_PASSWORD, "not one of this name")
    reset("nobody", code, NEW).ends(WRONG_PASSWORD, "not one of this name")
    reset("cleo", code[:-1], NEW).ends(BAD_DATA, "8 groups")
    reset("cleo", code + "00", NEW).ends(BAD_DATA, "8 groups")
    check(opens("cleo", OLD), "a code for nothing did something")
    reset("cleo", code.upper().replace("-", " "), NEW).ends(DONE)
    bank.passwords["cleo"] = NEW


@scenario
def given_less_than_two_operators_when_asked_then_there_is_no_code():
    path = new_file()
    bank.ctl("--as", one, "reset", "cleo", "--out", path).ends(
        USAGE, "go together")
    asked = bank.ctl("--as", one, "reset", "cleo").ends(DONE).out.strip()
    bank.ctl("--as", one, "approve", asked).ends(DECLINED, "of their own")
    bank.ctl("reset-code", "cleo", asked, "--out", path).ends(
        DECLINED, "does not approve a reset")
    bank.ctl("reset-code", "cleo", "1", "--out", path).ends(DECLINED)
    bank.ctl("reset-code", "cleo", "999999", "--out", path).ends(DECLINED)
    check(not path.exists(), "there is a code")
    bank.ctl("reset-code", "cleo", asked).ends(USAGE, "--out")
    # what was asked for names the keys of then
    bank.atm("cleo", "rekey").ends(DONE)
    bank.transfer("cleo", "bob", "0.10")
    bank.ctl("--as", two, "approve", asked).ends(DECLINED)


@scenario
def given_keys_replaced_after_the_approval_when_asked_then_no_code():
    asked = bank.ctl("--as", one, "reset", "cleo").ends(DONE).out.strip()
    entry = bank.ctl("--as", two, "approve", asked).ends(DONE).out.strip()
    bank.atm("cleo", "rekey").ends(DONE)
    bank.ctl("reset-code", "cleo", entry, "--out", new_file()).ends(
        DECLINED, "other keys by now")


@scenario
def given_one_who_is_no_customer_when_asked_then_refused():
    for name in ("operator-1", "lobby"):
        bank.ctl(*bank.operators(), "reset", name, "--out",
                 new_file()).ends(DECLINED, "no customer")
    bank.ctl(*bank.operators(), "reset", "nobody", "--out",
             new_file()).ends(DECLINED, "nobody of that name")


@scenario
def given_a_frozen_customer_when_reset_then_frozen_as_before():
    bank.ctl("--as", one, "account", "freeze", "cleo").ends(DONE)
    reset("cleo", code_of("cleo"), OLD).ends(DONE)
    bank.passwords["cleo"] = OLD
    bank.atm("cleo", "transfer", "bob", "1.00").ends(DECLINED, "frozen")
    # operators move the money of who cannot get the account back
    bank.ctl(*bank.operators(), "adjust", "cleo", "bob", "0.50",
             "--memo", "cards were stolen").ends(DONE)
    bank.ctl(*bank.operators(), "account", "unfreeze", "cleo").ends(DONE)


@scenario
def given_a_lost_answer_or_half_a_reset_then_one_password_holds():
    def losing(frame_type, which):
        seen = []

        def change(frame):
            if frame.type == frame_type:
                seen.append(frame)
                if len(seen) == which:
                    return None
            return [frame.data]
        return Relay(bank.port, change)
    code = code_of("ada")
    with losing(M5, 1) as relay:
        reset("ada", code, "half", server=relay.address).ends(
            UNREACHABLE, "nothing happened")
    check(opens("ada", NEW), "half a reset is one")
    with losing(M3, 2) as relay:
        reset("ada", code, "half", server=relay.address).ends(
            UNKNOWN, "run the same again")
    check(opens("ada", NEW), "half a reset is one")
    with losing(M5, 2) as relay:
        result = reset("ada", code, "whole", "--json",
                       server=relay.address).ends(DONE)
    equal(result.json()["key_epoch"], 4, "the key epoch")
    bank.passwords["ada"] = "whole"
    bank.transfer("ada", "bob", "0.10")


@scenario
def given_a_code_when_the_bank_is_killed_then_it_serves_after_the_start():
    code = code_of("ada", "--days", "365")
    bank.kill()
    bank.start()

    def change(frame):
        if frame.type == M5:
            change.count += 1
            if change.count == 2:
                bank.kill()
        return [frame.data] if change.count < 2 else None
    change.count = 0
    with Relay(bank.port, change) as relay:
        reset("ada", code, NEW, server=relay.address)
    bank.start()
    check(opens("ada", NEW, lobby) != opens("ada", "whole", lobby),
          "both or neither of the passwords")
    bank.passwords["ada"] = NEW
    bank.transfer("ada", "bob", "0.10")


@scenario
def given_a_device_from_before_when_guessing_then_it_has_no_bucket_of_its_own():
    # five wrong ones from anywhere use up the open bucket; bob's own device
    # goes on, but not one that has logged in before a reset only
    for _ in range(6):
        bank.atm("bob", "balance", password="wrong", state="thief")
    held = bank.balance("bob")
    stolen = bank.state_home("bob").rename(bank.base / "state/stolen")
    reset("bob", code_of("bob"), NEW).ends(WRONG_PASSWORD, "are in force")
    bank.passwords["bob"] = NEW
    # the first log-in comes without a device
    equal(bank.balance("bob", terminal=lobby), held)
    equal(bank.balance("bob"), held, "by the new device")
    bank.atm("bob", "balance", state=stolen.name).ends(
        WRONG_PASSWORD, "too many attempts")


@scenario
def given_all_this_when_audited_with_keys_then_the_books_verify():
    key, out = bank.base / "clara.key", bank.base / "disclosure"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-0", "--to", "clara", "--out",
             out).ends(DONE)
    result = bank.verify("--auditor-key", key, "--keys", out, "--json",
                         "--export", bank.base / "export").ends(INTACT)
    facts = json.loads(result.out)
    check(facts["keys"] and facts["undisclosed"] == 0, f"{facts}")
    entries = [json.loads(line) for line in
               (bank.base / "export").read_text().splitlines()]
    equal(model.run(entries), [], "what the model says")
    check(any(entry.get("kind_name") == "reset" for entry in entries),
          "no reset in the export")
    bank.stop()


if __name__ == "__main__":
    run()
