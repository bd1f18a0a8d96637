#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""Who may do what: operators, terminals and the operator's tool."""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (CTL, DECLINED, DONE, UNREACHABLE,  # noqa: E402
                      USAGE, WRONG_PASSWORD, Bank, run_program, traced)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          skip)
from lib.session import (APPROVE, DEPOSIT, ENROL, REVOKE,  # noqa: E402
                         Session, enrol_parameters, revoke_parameters)

bank = lobby = hall = None


def operator(number):
    return bank.directory / f"operator-{number}.card"


@scenario
def given_a_bank_when_two_atms_are_enrolled_then_both_take_cash():
    global bank, lobby, hall
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    hall = bank.enrol("hall", "20.00")
    bank.register("ada")
    bank.deposit(lobby, "ada", "10.00")
    bank.deposit(hall, "ada", "20.00")
    bank.atm("ada", "deposit", "0.01", terminal=hall).ends(DECLINED, "till")


@scenario
def given_one_operator_when_he_enrols_alone_then_nothing_is_enrolled():
    alone = bank.base / "alone.card"
    bank.ctl("--as", operator(1), "terminal", "add", "cellar", "--max",
             "5.00", "--out", alone).ends(DECLINED, "one operator alone")
    check(not alone.exists(), "there is a card")
    bank.ctl("--as", operator(1), "--approve", operator(1), "terminal", "add",
             "attic", "--max", "5.00", "--out", alone).ends(
                 DECLINED, "request of their own")
    check(not alone.exists(), "there is a card")


@scenario
def given_a_mistake_when_an_atm_is_enrolled_then_its_name_is_still_free():
    card = bank.base / "garage.card"
    add = ["terminal", "add", "garage", "--max", "5.00", "--out"]
    bank.ctl("--as", operator(1), *add, card).ends(DECLINED)
    bank.ctl("--as", operator(1), "--approve", operator(1), *add,
             card).ends(DECLINED)
    bank.ctl("--as", lobby, "--approve", operator(2), *add, card).ends(
        DECLINED, "operator's")
    bank.ctl(*bank.operators(), *add, bank.base / "nowhere" / "a.card").ends(
        UNREACHABLE, "nowhere")
    bank.ctl(*bank.operators(), *add, lobby).ends(USAGE, "exists")
    equal(bank.enrol("garage", "5.00"), card)


@scenario
def given_a_request_when_it_is_not_the_one_approved_then_it_is_declined():
    bank.register("poor")       # whoever has money is not made a till
    with Session(bank, card=operator(1)) as one, \
            Session(bank, card=operator(2)) as two:
        poor = one.find("poor")
        asked = one.booked(kind=ENROL, debit=0, credit=0, attachment=(
            enrol_parameters(poor, poor, 1, 100)))
        for wanted, fields in (
                ("SR_NO_REQUEST", {"refers_to": asked["leaf"] + 1,
                                   "attachment": asked["hash"]}),
                ("SR_NO_REQUEST", {"refers_to": asked["leaf"],
                                   "attachment": "00" * 32}),
                ("SR_NO_REQUEST", {"refers_to": 0,
                                   "attachment": asked["hash"]})):
            answer = two.order(kind=APPROVE, debit=0, **fields)
            check(wanted in (answer["error"], answer["outcome"]),
                  f"{fields}: {answer}")
        own = one.order(kind=APPROVE, debit=0, refers_to=asked["leaf"],
                        attachment=asked["hash"])
        equal(own["outcome"], "SR_OWN_REQUEST", "approving one's own")


@scenario
def given_a_customer_when_she_acts_as_operator_then_it_is_declined():
    with Session(bank, "ada") as ada:
        me = ada.facts["customer"]
        for fields in ({"kind": ENROL, "attachment":
                        enrol_parameters(me, me, 1, 10**9)},
                       {"kind": REVOKE, "attachment":
                        revoke_parameters(ada.find("lobby"), 1)},
                       {"kind": APPROVE, "attachment": "00" * 32,
                        "refers_to": 1}):
            answer = ada.order(debit=0, **fields)
            equal((answer["error"], answer["outcome"]), ("SR_OK", "SR_ROLE"),
                  f"{fields}")
    with Session(bank, card=operator(1)) as one:
        till = one.find("lobby") << 16 | 1
        answer = one.order(kind=DEPOSIT, debit=till, credit="@ada",
                           amount=100)
        equal(answer["outcome"], "SR_ROLE", "an operator's deposit")


@scenario
def given_tills_deposit_when_the_session_is_another_terminals_then_refused():
    before = bank.balance("ada")
    with Session(bank, card=hall, terminal=hall) as session:
        other = session.find("lobby") << 16 | 1
        answer = session.order(kind=DEPOSIT, debit=other, credit="@ada",
                               amount=100)
        equal(answer["outcome"], "SR_NOT_YOURS", "the other's till")
    # The till's own principal and signature, but at another terminal.
    for terminal in (hall, None):
        session = Session(bank, card=lobby, terminal=terminal)
        if session.refused is None:
            own = session.facts["till"] or session.find("lobby") << 16 | 1
            answer = session.order(kind=DEPOSIT, debit=own, credit="@ada",
                                   amount=100)
            check(answer["error"] != "SR_OK" or answer["outcome"] != "SR_OK",
                  f"booked at {terminal}: {answer}")
            answer = session.order(kind=DEPOSIT, debit=own, credit="@ada",
                                   amount=100, terminal=(
                                       session.find("lobby")))
            check(answer["error"] != "SR_OK" or answer["outcome"] != "SR_OK",
                  f"booked at {terminal} by a false number: {answer}")
        session.close()
    equal(bank.balance("ada"), before, "ada's balance")


@scenario
def given_a_card_when_others_may_read_it_then_it_is_not_used():
    loose = bank.base / "loose.card"
    loose.write_bytes(lobby.read_bytes())
    loose.chmod(0o644)
    said = bank.atm("ada", "deposit", "1.00", terminal=loose)
    check(said.code not in (DONE, DECLINED), str(said))
    contains(said.err, "loose.card")


@scenario
def given_a_session_when_its_terminal_is_revoked_then_it_is_out_at_once():
    before = bank.balance("ada")
    with Session(bank, card=lobby, terminal=lobby) as till, \
            Session(bank, "ada", terminal=lobby) as customer, \
            Session(bank, "ada") as elsewhere:
        mine = till.facts["till"]
        till.booked(kind=DEPOSIT, debit=mine, credit="@ada", amount=100)
        bank.ctl("--as", operator(2), "terminal", "revoke", "lobby").ends(
            DONE, "revoked")
        answer = till.order(kind=DEPOSIT, debit=mine, credit=(
            elsewhere.facts["account"]), amount=100)
        check(answer["error"] not in ("SR_OK", "SR_USAGE"),
              f"a deposit after the revocation: {answer}")
        answer = customer.balance()
        check(answer["error"] != "SR_OK",
              f"a session at the revoked terminal goes on: {answer}")
        equal(elsewhere.balance()["posted"], before + 100,
              "a session elsewhere goes on")
    said = bank.atm("ada", "deposit", "1.00", terminal=lobby)
    said.ends(DECLINED, "revoked")
    equal(bank.balance("ada"), before + 100)
    session = Session(bank, card=lobby)
    if session.refused is None:
        answer = session.order(kind=DEPOSIT, debit=mine, credit="@ada",
                               amount=100)
        check(answer["outcome"] != "SR_OK" or answer["error"] != "SR_OK",
              f"a revoked till pays in from an open terminal: {answer}")
    session.close()


@scenario
def given_a_revoked_terminal_when_the_bank_restarts_then_it_stays_out():
    bank.stop()
    bank.start()
    bank.atm("ada", "deposit", "1.00", terminal=lobby).ends(DECLINED)
    bank.ctl("--as", operator(1), "terminal", "revoke", "hall").ends(DONE)
    bank.atm("ada", "deposit", "0.01", terminal=hall).ends(DECLINED)


@scenario
def given_an_invitation_when_registration_is_by_invitation_then_it_decides():
    bank.stop()
    bank.configure("keyd", "registration", "invite")
    bank.start()
    bank.passwords["eve"] = "the password of eve"
    bank.atm("eve", "register").ends(DECLINED, "invitation")
    code = bank.ctl("invite", "eve").ends(DONE).out.strip()
    bank.atm("mallory", "register", "--invitation", code).ends(
        DECLINED, "invitation")
    bank.atm("eve", "register", "--invitation", "00" * 32).ends(
        DECLINED, "invitation")
    bank.atm("eve", "register", "--invitation", code).ends(DONE)
    equal(bank.balance("eve"), 0)
    bank.stop()
    bank.configure("keyd", "registration", "closed")
    bank.start()
    bank.atm("zoe", "register").ends(DECLINED, "no registrations")
    bank.stop()
    bank.configure("keyd", "registration", "open")
    bank.start()


@scenario
def given_keyd_closed_to_it_when_strongroomctl_works_then_it_needs_no_file():
    """As an ordinary user by its mode; as root, whom modes do not stop, by a
    user who owns nothing but the way to the socket and the cards."""
    if os.geteuid() == 0:
        skip("root reads everything; the run as an ordinary user shows it")
    bank.keyd.chmod(0)
    try:
        bank.status()
        bank.enrol("kiosk")
        bank.ctl("--as", operator(1), "terminal", "revoke", "kiosk").ends(
            DONE)
        equal(len(bank.ctl("invite", "someone").ends(DONE).out.strip()), 64)
    finally:
        bank.keyd.chmod(0o700)


@scenario
def given_strongroomctl_when_it_is_traced_then_it_opens_no_file_of_the_rooms():
    trace = bank.base / "trace"
    words = ["strace", "-f", "-e", "trace=%file", "-o", trace]
    probe = subprocess.run([*words, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        skip("strace cannot trace here")
    card = bank.base / "traced.card"
    run_program([*words, CTL, "-c", bank.conf, *bank.operators(), "terminal",
                 "add", "traced", "--max", "1.00", "--out", card],
                env=traced(bank.environment("operator"))).ends(DONE)
    opened = trace.read_text()
    contains(opened, "bank.id", "the trace")
    for part in ("/keyd/", "/ledger/", "/audit/"):
        check(part not in opened, f"strongroomctl touched {part}")


@scenario
def given_an_operators_card_when_its_password_is_wrong_then_nothing_is_done():
    text = operator(1).read_text()
    forged = bank.base / "forged.card"
    forged.touch(0o600)
    forged.write_text(re.sub(r"(?m)^password = .*$",
                             "password = " + "A" * 52, text))
    bank.ctl("--as", forged, "terminal", "revoke", "lobby").ends(
        WRONG_PASSWORD)
    bank.ctl("terminal", "revoke", "lobby").ends(USAGE, "--as")


if __name__ == "__main__":
    run()
