#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Passwords, recovery codes and keys that change: what holds afterwards, what
does not any more, and what a customer learns when the answer is lost or the
bank is killed in between.
"""
import json
import random
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (  # noqa: E402
    BAD_DATA, DONE, INTACT, UNKNOWN, UNREACHABLE, USAGE, VERIFY,
    WRONG_PASSWORD, Bank, run_program)
from lib.relay import M3, M5, RECORD, TO_CLIENT, Relay  # noqa: E402
from lib.scenario import (  # noqa: E402
    check, contains, equal, run, scenario, wait_until)
from lib.session import Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402
from model import model  # noqa: E402

CODE = re.compile(r"(?:[0-9A-Z]{5}-){7}[0-9A-Z]{5}")
OLD, NEW = "the old password", "the new password"
bank = card = None
codes = {}


def code_of(result):
    return CODE.search(result.out + result.err).group()


def two_secrets(user, command, first, second, *words, server=None):
    """Password (or code) and new password, two lines of one descriptor."""
    return bank.atm(user, "--new-password-fd", "0", *words, command,
                    password=f"{first}\n{second}", server=server)


def passwd(user, new, **options):
    return two_secrets(user, "passwd", bank.passwords[user], new, **options)


def recover(user, code, new, **options):
    return two_secrets(user, "recover", code, new, **options)


def opens(user, password, terminal=None):
    """Whether that password opens a session; every other end is a failure.
    Attempts are counted by name and device or terminal, five of them free."""
    result = bank.atm(user, "balance", password=password, terminal=terminal)
    if result.code != DONE:
        result.ends(WRONG_PASSWORD, "wrong name or password")
    return result.code == DONE


def customer(name, amount="20.00"):
    codes[name] = code_of(bank.register(name, OLD))
    bank.deposit(card, name, amount)


@scenario
def given_a_customer_when_the_password_changes_then_only_the_new_one_opens():
    global bank, card
    bank = Bank.found().start()
    card = bank.enrol("lobby")
    customer("ada")
    customer("bob")
    with Session(bank, "ada") as elsewhere:
        passwd("ada", NEW).ends(DONE, "password is changed", "ended")
        equal(elsewhere.balance()["error"], "SR_UNKNOWN_OUTCOME",
              "a session from before")
    check(not opens("ada", OLD), "the old password opens a session")
    bank.passwords["ada"] = NEW
    equal(bank.balance("ada"), 2000)
    # the keys are the same: her orders go on
    bank.transfer("ada", "bob", "1.00")


@scenario
def given_a_wrong_present_password_when_changed_then_nothing_changes():
    two_secrets("ada", "passwd", "no password of hers", "x").ends(
        WRONG_PASSWORD)
    check(not opens("ada", "x"), "a stranger set the password")
    # nor does one that is none
    passwd("ada", "\x07").ends(BAD_DATA, "control characters")
    bank.atm("ada", "passwd", "now").ends(USAGE)
    equal(bank.balance("ada"), 1900)


@scenario
def given_a_forgotten_password_when_recovered_then_a_new_code_is_printed():
    customer("cleo")
    used = codes["cleo"]
    recover("cleo", used[:-1] + ("A" if used[-1] != "A" else "B"),
            "third password").ends(BAD_DATA, "group 8")
    recover("cleo", "ABC", "third password").ends(BAD_DATA, "8 groups")
    recover("cleo", codes["bob"], "third password").ends(
        WRONG_PASSWORD, "not the recovery code of cleo")
    result = recover("cleo", used.lower().replace("-", " "),
                     "third password").ends(DONE, "new password is set")
    codes["cleo"] = code_of(result)
    check(codes["cleo"] != used, "the code is the same")
    check(not opens("cleo", OLD), "the forgotten password opens a session")
    bank.passwords["cleo"] = "third password"
    equal(bank.balance("cleo"), 2000)
    recover("cleo", used, "fourth password").ends(WRONG_PASSWORD)


@scenario
def given_new_keys_then_old_sessions_and_code_are_void_and_orders_go_on():
    used = codes["cleo"]
    with Session(bank, "cleo") as elsewhere:
        elsewhere.booked(credit="@bob", amount=100, reference="before")
        result = bank.atm("cleo", "rekey", "--json").json()
        equal(elsewhere.balance()["error"], "SR_UNKNOWN_OUTCOME",
              "a session from before")
    equal(result["key_epoch"], 2, "the key epoch")
    codes["cleo"] = result["recovery_code"]
    equal(bank.balance("cleo"), 1900, "with the same password")
    bank.transfer("cleo", "bob", "1.00", "--memo", "new key")
    equal(bank.statement("cleo", count=1)[0]["balance_minor"], 1800)
    # bob finds and pays her under the new keys
    bank.transfer("bob", "cleo", "2.00")
    recover("cleo", used, "no").ends(WRONG_PASSWORD)
    codes["cleo"] = code_of(
        recover("cleo", codes["cleo"], "fifth password").ends(DONE))
    bank.passwords["cleo"] = "fifth password"
    equal(bank.balance("cleo"), 2000)


@scenario
def given_new_keys_when_the_bank_starts_again_then_both_rooms_know_them():
    bank.atm("cleo", "rekey").ends(DONE, "keys are new")
    bank.kill()
    bank.start()
    bank.transfer("cleo", "bob", "1.00")
    result = bank.atm("cleo", "rekey", "--json").json()
    equal(result["key_epoch"], 4, "the key epoch")
    bank.transfer("cleo", "bob", "1.00")
    bank.stop()
    bank.verify().ends(INTACT)
    bank.start()
    equal(bank.balance("cleo"), 1800)


def losing_m5(which=1):
    """A network that cuts the connection instead of the which-th M5."""
    seen = []

    def change(frame):
        if frame.way == TO_CLIENT and frame.type == M5:
            seen.append(frame)
            if len(seen) == which:
                return None
        return [frame.data]
    return Relay(bank.port, change)


@scenario
def given_a_lost_answer_when_changed_then_the_client_finds_out():
    with losing_m5() as relay:
        passwd("bob", NEW, server=relay.address).ends(
            DONE, "password is changed")
    bank.passwords["bob"] = NEW
    check(not opens("bob", OLD), "the old password opens a session")
    with losing_m5() as relay:
        codes["bob"] = code_of(recover(
            "bob", codes["bob"], OLD, server=relay.address).ends(DONE))
    bank.passwords["bob"] = OLD
    with losing_m5(which=2) as relay:
        result = bank.atm("bob", "rekey", "--json",
                          server=relay.address).json()
    equal(result["key_epoch"], 2, "the key epoch")
    codes["bob"] = result["recovery_code"]
    bank.transfer("bob", "ada", "1.00")
    # half a rekey is none
    with losing_m5() as relay:
        bank.atm("bob", "rekey", server=relay.address).ends(
            UNREACHABLE, "nothing happened")
    bank.transfer("bob", "ada", "1.00")
    recover("bob", codes["bob"], OLD).ends(DONE)


@scenario
def given_an_m3_that_never_arrives_when_changed_then_the_old_one_holds():
    def change(frame):
        return None if frame.type == M3 and change.cut.pop() else [frame.data]
    change.cut = [False, True, False]       # log-in, change, the look after
    with Relay(bank.port, change) as relay:
        passwd("bob", NEW, server=relay.address).ends(
            UNKNOWN, "try the new one first")
    check(not opens("bob", NEW), "the new password opens a session")
    check(opens("bob", OLD), "neither password opens a session")


@scenario
def given_kills_at_any_moment_of_a_change_then_one_password_and_one_key_hold():
    dice = random.Random(7)
    for turn in range(6):
        name, new = f"dan-{turn}", f"password {turn}"
        customer(name)
        kill = dice.randrange(1, 4)

        def change(frame, kill=kill):
            if frame.type == M3:
                change.count += 1
                if change.count == kill + 1:
                    bank.kill()
            return [frame.data]
        change.count = 0
        with Relay(bank.port, change) as relay:
            if turn % 2:
                bank.atm(name, "rekey", server=relay.address)
            else:
                passwd(name, new, server=relay.address)
        if bank.process is None:
            bank.start()
        old_opens = opens(name, bank.passwords[name])
        if turn % 2:
            check(old_opens, "a rekey changed the password")
        else:
            check(old_opens != opens(name, new, card),
                  f"{'both' if old_opens else 'neither'} of the passwords")
            if not old_opens:
                bank.passwords[name] = new
        bank.transfer(name, "bob", "0.10")
    bank.stop()
    bank.verify().ends(INTACT)
    bank.start()


@scenario
def given_a_long_session_when_it_rekeys_then_it_goes_on():
    with Session(bank, "ada") as ada:
        before = ada.balance()["posted"]
        for epoch in range(1, 4):
            equal(ada.ask("rekey"), {"error": "SR_OK", "epoch": epoch})
            ada.booked(credit="@bob", amount=10)
        equal(ada.balance()["posted"], before - 30)


@scenario
def given_the_menu_when_the_password_changes_then_it_goes_on():
    words = [str(word) for word in bank.atm_words("ada")]
    present = bank.passwords["ada"]
    talk = (("Password: ", present), ("choice: ", "6"),
            ("Present password: ", present), ("New password: ", NEW),
            ("same again: ", NEW), ("choice: ", "balance"),
            ("choice: ", "rekey"), ("Present password: ", NEW),
            ("choice: ", "balance"), ("choice: ", "0"))
    with Terminal(words, bank.environment("menu"), 60) as screen:
        for question, answer in talk:
            screen.expect(question)
            screen.type(answer)
        equal(screen.end(), 0, "the exit code")
        contains(screen.shown, "password is changed")
        contains(screen.shown, "keys are new")
        check(NEW not in screen.shown, "the password was shown")
    bank.passwords["ada"] = NEW
    check(opens("ada", NEW), "the new password does not open a session")


@scenario
def given_keys_for_five_seconds_when_somebody_thinks_longer_then_it_goes_on():
    bank.stop()
    bank.configure("ledgerd", "session-rekey", "5")
    bank.start()
    lazy = Session(bank, "bob")     # asks nothing, renews nothing
    with Relay(bank.port, lambda frame: [frame.data]) as relay:
        words = bank.atm_words("ada", server=relay.address)
        with Terminal(words, bank.environment("menu"), 60) as screen:
            screen.expect("Password: ")
            screen.type(bank.passwords["ada"])
            screen.expect("choice: ")

            def records():
                return sum(frame.type == RECORD and frame.way == TO_CLIENT
                           for frame in relay.frames)
            # at 5 and 10 s; without the first the session would be over
            wait_until(lambda: records() >= 2, "two re-keys", 30)
            screen.type("balance")
            screen.expect("EUR")
            screen.expect("choice: ")
            screen.type("0")
            equal(screen.end(), DONE, "the exit code")
    wait_until(lambda: bank.ask("ledgerd", "ledgerd_status_get")[1][
        "sessions"] == 0, "the end of the session that did not re-key")
    equal(lazy.balance()["error"], "SR_SESSION_ENDED")
    lazy.close()


@scenario
def given_all_these_changes_when_audited_with_keys_then_the_books_verify():
    key, out = bank.base / "clara.key", bank.base / "disclosure"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-0", "--to", "clara", "--out",
             out).ends(DONE)
    # each order against the key that was attested then
    result = bank.verify("--auditor-key", key, "--keys", out, "--json",
                         "--export", bank.base / "export").ends(INTACT)
    facts = json.loads(result.out)
    check(facts["keys"] and facts["undisclosed"] == 0, f"{facts}")
    entries = [json.loads(line) for line in
               (bank.base / "export").read_text().splitlines()]
    equal(model.run(entries), [], "what the model says")
    bank.stop()


if __name__ == "__main__":
    run()
