#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Cash out of an ATM: in full, in part, not at all; the terminal killed between
any two steps; what is overdue, released, and posted late.
"""
import json
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (BUILD, DECLINED, DONE, INTACT, UNKNOWN,  # noqa: E402
                      USAGE, VERIFY, Bank, run_program, traced)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          skip)
from lib.session import (APPROVE, HOLD, POST, RELEASE, VOID,  # noqa: E402
                         Session, release_parameters)
from lib.terminal import Terminal  # noqa: E402
from model import model  # noqa: E402

bank = lobby = hall = None


def dispenser(name, body):
    """A dispenser that writes what it gives out into a file."""
    path = bank.base / name
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return path


def cash():
    """Everything that the dispensers have given out."""
    path = bank.base / "cash"
    return sum(map(int, path.read_text().split())) if path.exists() else 0


def withdraw(user, amount, *more, card=None, state="kiosk"):
    return bank.atm(user, "withdraw", amount, *more, terminal=card or lobby,
                    state=state)


def account(user):
    said = bank.atm(user, "balance", "--json", state="home").json()
    return said["balance_minor"], said["held_minor"]


def till(card):
    """Posted and held of a till, in its own session."""
    with Session(bank, card=card, terminal=card) as own:
        said = own.balance()
        return said["posted"], said["held"]


def operator(number):
    return bank.directory / f"operator-{number}.card"


def holds():
    return bank.ctl("--as", operator(1), "holds", "--json").json_lines()


@scenario
def given_a_bank_when_an_atm_is_enrolled_then_its_card_says_what_it_pays():
    global bank, lobby, hall
    bank = Bank.found().start()
    lobby = bank.base / "lobby.card"
    bank.ctl(*bank.operators(), "terminal", "add", "lobby", "--max",
             "1000.00", "--denominations", "20,5.00,10,50", "--out",
             lobby).ends(DONE)
    contains(lobby.read_text(), "\ndenominations = 500,1000,2000,5000\n")
    hall = bank.enrol("hall")
    check("denominations" not in hall.read_text(), "the default is any")
    for wrong in ("5,5", "0", "x", "5.001", ""):
        bank.ctl(*bank.operators(), "terminal", "add", "attic", "--max",
                 "10.00", "--denominations", wrong, "--out",
                 bank.base / "attic.card").ends(USAGE, "--denominations")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(lobby, "ada", "100.00", state="kiosk")
    bank.deposit(lobby, "bob", "10.00", state="kiosk")


@scenario
def given_money_when_cash_is_taken_out_then_it_is_booked():
    said = withdraw("ada", "20.00", "--memo", "the fair").ends(DONE)
    contains(said.err, "take your cash: 20.00 EUR")
    contains(said.out, "withdrawal of 20.00 EUR booked")
    contains(said.out, "balance 80.00 EUR")
    equal(account("ada"), (8000, 0))
    equal(till(lobby), (-9000, 0))
    said = bank.atm(None, "till", "show", terminal=lobby,
                    state="kiosk").ends(DONE)
    equal(said.out, "cash 90.00 EUR, of which reserved 0.00; room for 910.00"
                    " more\n")
    told = bank.atm(None, "till", "show", "--json", terminal=lobby,
                    state="kiosk").json()
    equal((told["cash_minor"], told["held_minor"], told["room_minor"]),
          (9000, 0, 91000))
    bank.atm("bob", "till", "show").ends(DECLINED, "--terminal")
    lines = bank.statement("ada", state="home")
    equal([(line["kind"], line["amount_minor"], line["balance_minor"],
            line["held_minor"]) for line in lines[:2]],
          [("post", -2000, 8000, 0), ("hold", 0, 10000, 2000)])
    equal(lines[0]["refers_to"], lines[1]["leaf"], "what the post refers to")
    equal(lines[1]["memo"], "the fair")
    equal(holds(), [])


@scenario
def given_denominations_when_an_amount_cannot_be_made_then_the_nearest_are():
    said = withdraw("ada", "12.34").ends(DECLINED)
    contains(said.err, "nearest: 10.00 or 15.00")
    contains(withdraw("ada", "3").ends(DECLINED).err, "nearest: 5.00\n")
    withdraw("ada", "0").ends(USAGE)
    bank.atm("ada", "withdraw", "5.00").ends(DECLINED, "--terminal")
    equal(account("ada"), (8000, 0))


@scenario
def given_too_little_money_or_cash_when_asked_for_then_it_is_declined():
    withdraw("bob", "15.00").ends(DECLINED, "not enough money")
    # ada has the money, but the hall's till is empty
    withdraw("ada", "5.00", card=hall).ends(DECLINED, "so much cash")
    equal(account("bob"), (1000, 0))
    equal(account("ada"), (8000, 0))


@scenario
def given_a_dispenser_when_it_gives_less_then_that_is_booked():
    gives = dispenser("gives", f"echo $1 >>{bank.base}/cash\n")
    less = dispenser("less", f"echo 500 >>{bank.base}/cash; echo 500; exit 1\n")
    none = dispenser("none", "echo 0; exit 3\n")
    withdraw("ada", "10.00", "--dispenser", gives).ends(DONE)
    equal(account("ada"), (7000, 0))
    said = withdraw("ada", "20.00", "--dispenser", less, "--json").ends(DONE)
    contains(said.err, "only 5.00 of 20.00 EUR")
    equal(said.json()["amount_minor"], 500)
    equal(said.json()["balance_minor"], 6500)
    withdraw("ada", "20.00", "--dispenser", none).ends(DECLINED,
                                                       "nothing was paid out")
    withdraw("ada", "20.00", "--dispenser", bank.base / "not there").ends(
        DECLINED, "does not start")
    equal(account("ada"), (6500, 0))
    equal(cash(), 1500)
    equal([line["kind"] for line in bank.statement("ada", 2, state="home")],
          ["void", "hold"])
    # whoever says nothing may have given out all
    for body in ("exit 1\n", "echo all of it; exit 1\n",
                 "echo 501; exit 1\n"):
        vague = dispenser("vague", body)
        said = withdraw("ada", "5.00", "--dispenser", vague).ends(DONE)
        contains(said.err, "did not say")
    equal(account("ada"), (5000, 0))


@scenario
def given_an_id_when_it_is_run_again_then_it_is_paid_out_once():
    gives = bank.base / "gives"
    before = cash()
    withdraw("ada", "10.00", "--id", "W1", "--dispenser", gives).ends(DONE)
    said = withdraw("ada", "10.00", "--id", "W1", "--dispenser", gives)
    contains(said.ends(DONE).out, "booked before; not again")
    equal((account("ada"), cash()), ((4000, 0), before + 1000))
    withdraw("ada", "5.00", "--id", "W2", "--dispenser",
             bank.base / "none").ends(DECLINED)
    withdraw("ada", "5.00", "--id", "W2", "--dispenser", gives).ends(
        DECLINED, "choose another --id")
    equal((account("ada"), cash()), ((4000, 0), before + 1000))


@scenario
def given_the_menu_at_an_atm_when_cash_is_wanted_then_it_is_paid_out():
    words = bank.atm_words("ada", terminal=lobby)
    with Terminal(words, bank.environment("kiosk")) as screen:
        screen.expect("Password: ")
        screen.type(bank.passwords["ada"])
        screen.expect("withdraw")
        screen.expect("Your choice: ")
        screen.type("withdraw")
        screen.expect("Amount")
        screen.type("7,50")
        screen.expect("nearest: 5.00 or 10.00")
        screen.expect("Your choice: ")
        screen.type("7")
        screen.expect("Amount")
        screen.type("5")
        screen.expect("take your cash: 5.00 EUR")
        screen.expect("balance 35.00 EUR")
        screen.expect("Your choice: ")
        screen.type("exit")
        equal(screen.end(), 0, "the exit code")


@scenario
def given_the_terminal_killed_while_it_dispenses_then_it_posts_in_full():
    dies = dispenser("dies", f"echo $1 >>{bank.base}/cash; kill -9 $PPID\n")
    before, out = account("ada")[0], cash()
    equal(withdraw("ada", "10.00", "--dispenser", dies).code, -9)
    equal(account("ada"), (before, 1000))
    equal([(hold["amount_minor"], hold["state"]) for hold in holds()],
          [(1000, "open")])
    equal(bank.status()["holds"], 1)
    # any next start of that ATM settles, here that of another customer
    said = bank.atm("bob", "balance", terminal=lobby, state="kiosk")
    contains(said.ends(DONE).err, "an earlier withdrawal of 10.00 EUR is booked")
    equal(account("ada"), (before - 1000, 0))
    equal(cash() - out, 1000)
    equal(holds(), [])


@scenario
def given_a_bank_that_is_gone_when_cash_is_out_then_it_is_booked_later():
    # the bank dies while the dispenser works
    kills = dispenser("kills", f"echo $1 >>{bank.base}/cash\nkill -9 " +
                      " ".join(map(str, [bank.process.pid,
                                         *bank.rooms().values()])) + "\n")
    before, out = account("ada")[0], cash()
    said = withdraw("ada", "5.00", "--dispenser", kills, "--id", "GONE")
    said.ends(UNKNOWN, "at its next start")
    bank.kill()
    bank.start()
    equal(account("ada"), (before, 500))
    said = withdraw("ada", "5.00", "--dispenser", kills, "--id", "GONE")
    contains(said.ends(DONE).out, "not again")
    equal((account("ada"), cash() - out), ((before - 500, 0), 500))


@scenario
def given_a_kill_at_every_write_of_the_terminal_then_nothing_is_lost():
    strace = shutil.which("strace")
    if not strace:
        skip("strace is not installed")
    gives = bank.base / "gives"
    bank.deposit(lobby, "ada", "200.00", state="kiosk")
    start, out = account("ada")[0], cash()
    till_start = till(lobby)[0]
    seen = set()
    variables = traced(bank.environment("kiosk"))
    for cut in range(1, 40):
        words = [strace, "-qq", "-o", "/dev/null", "-e", "trace=rename", "-e",
                 f"inject=rename:signal=KILL:when={cut}",
                 *bank.atm_words("ada", "--password-fd", "0", "--dispenser",
                                 gives, "withdraw", "5.00", terminal=lobby)]
        result = run_program(words, give=bank.passwords["ada"] + "\n",
                             env=variables)
        said = bank.atm("bob", "balance", terminal=lobby,
                        state="kiosk").ends(DONE)
        seen.add("not paid out" if "not paid out" in said.err else
                 "is booked" if "is booked" in said.err else "nothing")
        posted, held = account("ada")
        equal(held, 0, f"held after a kill at write {cut}")
        given = cash() - out
        # cash that is out is booked; booked cash may still lie in the
        # machine, for it was killed before the dispenser began
        check(given <= start - posted <= given + 500,
              f"cut {cut}: {given} is out, {start - posted} is booked")
        equal(till(lobby), (till_start + start - posted, 0))
        start, out, till_start = posted, cash(), till(lobby)[0]
        if result.code == 0:
            break
    else:
        check(False, "the withdrawal never came to its end")
    check(cut > 6, f"only {cut} writes")
    equal(seen, {"nothing", "not paid out", "is booked"})
    equal(holds(), [])


@scenario
def given_sessions_when_they_order_what_they_may_not_then_it_is_declined():
    bank.deposit(hall, "bob", "50.00")
    with Session(bank, "bob") as home:
        at_home = home.order(kind=HOLD, debit=home.facts["account"],
                             credit=home.find("hall") * 65536 + 1, amount=100)
        equal((at_home["error"], at_home["outcome"]),
              ("SR_OK", "SR_NO_TERMINAL"))
    with Session(bank, "bob", terminal=hall) as bob, \
            Session(bank, card=hall, terminal=hall) as own, \
            Session(bank, card=lobby, terminal=lobby) as other:
        mine, cash_of = f"{bob.facts['account']}", f"{own.facts['till']}"
        wanted = {"kind": HOLD, "debit": mine, "credit": cash_of,
                  "amount": 1000}

        def declined(session, outcome, **fields):
            answer = session.order(**fields)
            equal((answer["error"], answer["outcome"]), ("SR_OK", outcome))

        declined(bob, "SR_NO_TERMINAL",
                 **dict(wanted, credit=other.facts["till"]))
        declined(bob, "SR_TILL_EMPTY", **dict(wanted, amount=5001))
        declined(own, "SR_ROLE", **wanted)
        hold = bob.booked(**wanted)["leaf"]
        post = {"kind": POST, "debit": mine, "credit": cash_of,
                "amount": 600, "refers_to": hold}
        void = {"kind": VOID, "debit": 0, "credit": 0, "amount": 0,
                "refers_to": hold}
        declined(bob, "SR_ROLE", **post)
        declined(other, "SR_NOT_YOURS", **post)
        declined(other, "SR_NOT_YOURS", **void)
        declined(own, "SR_AMOUNT", **dict(post, amount=1001))
        declined(own, "SR_AMOUNT", **dict(post, amount=0))
        declined(own, "SR_HOLD_STATE", **dict(post, refers_to=hold - 1))
        equal((bob.balance()["posted"], bob.balance()["held"]), (6000, 1000))
        own.booked(**post)
        equal(own.again()["outcome"], "SR_OK")      # the stored answer
        declined(own, "SR_HOLD_STATE", **post)
        declined(own, "SR_HOLD_STATE", **void)
        equal((bob.balance()["posted"], bob.balance()["held"]), (5400, 0))


@scenario
def given_a_young_hold_when_operators_release_it_then_it_is_declined():
    with Session(bank, "bob", terminal=hall) as bob, \
            Session(bank, card=hall, terminal=hall) as own:
        hold = bob.booked(kind=HOLD, debit=bob.facts["account"],
                          credit=own.facts["till"], amount=100)["leaf"]
        bank.ctl(*bank.operators(), "release", hold).ends(
            DECLINED, "not overdue")
        bank.ctl(*bank.operators(), "release", hold - 1).ends(
            DECLINED, "no such open hold")
        bank.ctl(*bank.operators(), "release", "x").ends(USAGE)
        own.booked(kind=VOID, debit=0, credit=0, amount=0, refers_to=hold)
    said = bank.ctl("--as", lobby, "release", 5)
    check(said.code != DONE, "a terminal's card releases")


@scenario
def given_a_revoked_atm_when_cash_was_reserved_there_then_two_release_it():
    """The ATM dies with a hold of its own and is revoked before it settles."""
    attic = bank.enrol("attic")
    cellar = bank.enrol("cellar")
    bank.register("cleo")
    bank.deposit(attic, "cleo", "50.00")
    contains(bank.ctl("--as", operator(1), "terminal", "revoke",
                      "cellar").ends(DONE).err, "no withdrawal of it is open")
    check(cellar.exists(), "its card")
    with Session(bank, "cleo", terminal=attic) as cleo:
        attic_till = cleo.find("attic") * 65536 + 1
        first, second = (
            cleo.booked(kind=HOLD, debit=cleo.facts["account"],
                        credit=attic_till, amount=amount)["leaf"]
            for amount in (1500, 700))
    said = bank.ctl("--as", operator(1), "terminal", "revoke", "attic")
    contains(said.ends(DONE).err, "2 withdrawals of it (22.00 EUR) stay"
                                  " reserved until two operators release them")
    # the ATM is out, and the money reserved
    bank.atm("cleo", "balance", terminal=attic).ends(
        DECLINED, "revoked")
    equal(account("cleo"), (5000, 2200))
    equal([(hold["leaf"], hold["state"], hold["revoked"], hold["releasable"])
           for hold in holds()],
          [(first, "open", True, True), (second, "open", True, True)])
    equal(bank.status()["overdue"], 2)
    shown = bank.ctl("--as", operator(1), "holds").ends(DONE)
    contains(shown.out, "open, the terminal is revoked")
    contains(shown.err, "2 of them may be released")
    contains(shown.err, "release ENTRY")
    bank.ctl("--as", operator(1), "release", first).ends(
        DONE, "nothing is done until another operator")
    bank.ctl(*bank.operators(), "release", first).ends(DONE, "is released")
    equal(account("cleo"), (5000, 700))
    # what nobody can post any more is not waited for
    equal([hold["leaf"] for hold in holds()], [second])
    bank.ctl(*bank.operators(), "release", first).ends(DECLINED,
                                                       "no such open hold")
    bank.ctl(*bank.operators(), "release", second).ends(DONE)
    equal((account("cleo"), holds()), ((5000, 0), []))
    for words, said in (((), "every withdrawal is settled"),
                        (("--late",), "no withdrawal was paid out after")):
        shown = bank.ctl("--as", operator(1), "holds", *words).ends(DONE)
        equal(shown.out, "")
        contains(shown.err, said)


@scenario
def given_the_day_when_the_bank_restarts_then_all_is_as_it_was():
    before = account("ada"), account("bob"), till(lobby), till(hall)
    bank.stop()
    bank.start()
    equal((account("ada"), account("bob"), till(lobby), till(hall)), before)
    # and an auditor's model of the books, which shares no line with them
    key = bank.base / "auditor.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
             bank.base / "keys").ends(DONE)
    export = bank.base / "export"
    run_program([VERIFY, "--bank", bank.id, "--auditor-key", key, "--keys",
                 bank.base / "keys", "--export", export,
                 bank.ledger]).ends(INTACT)
    entries = [json.loads(line) for line in export.read_text().splitlines()]
    equal(model.run(entries), [], "what the model says")
    done = {entry["kind"] for entry in entries
            if entry["type"] == "order" and not entry["outcome"]}
    check({HOLD, POST, VOID} <= done, f"only kinds {done} took effect")
    bank.stop()
    bank.verify().ends(INTACT)


@scenario
def given_an_overdue_hold_when_two_operators_release_it_then_a_late_post_comes():
    """A bank whose holds are overdue after 2 s, and a post below the floor."""
    global bank, lobby
    hasty = BUILD / "tests/hasty/ledgerd"
    bank = Bank.found()
    tree = bank.base / "tree"
    for part in ("sbin", "libexec"):
        shutil.copytree(BUILD / part, tree / part)
    shutil.copy2(hasty, tree / "libexec/strongroom/ledgerd")
    bank.monitor = tree / "sbin/strongroomd"
    bank.start()
    lobby = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(lobby, "ada", "30.00", state="kiosk")
    dies = dispenser("dies", f"echo $1 >>{bank.base}/cash; kill -9 $PPID\n")
    equal(withdraw("ada", "20.00", "--dispenser", dies).code, -9)
    leaf = holds()[0]["leaf"]
    give_up = time.monotonic() + 30
    while holds()[0]["state"] != "overdue":
        check(time.monotonic() < give_up, "it is never overdue")
    # overdue alone gives nothing back
    equal(account("ada"), (3000, 2000))
    equal(bank.status()["overdue"], 1)
    bank.ctl("--as", operator(1), "release", leaf).ends(
        DONE, "nothing is done until another operator")
    bank.ctl("--as", operator(1), "--approve", operator(1), "release",
             leaf).ends(DECLINED, "request of their own")
    with Session(bank, card=operator(1)) as one, \
            Session(bank, card=operator(2)) as two:
        ada = one.find("ada") * 65536
        answer = one.order(kind=RELEASE, debit=0, credit=0, refers_to=leaf,
                           attachment=release_parameters(ada, 1999))
        equal(answer["outcome"], "SR_PARAMETERS")
        asked = one.booked(kind=RELEASE, debit=0, credit=0, refers_to=leaf,
                           attachment=release_parameters(ada, 2000))
        approval = two.booked(kind=APPROVE, debit=0, credit=0,
                              refers_to=asked["leaf"],
                              attachment=asked["hash"])
        equal(two.again()["leaf"], approval["leaf"], "the stored answer")
    equal(account("ada"), (3000, 0))
    bank.ctl(*bank.operators(), "release", leaf).ends(DECLINED,
                                                      "no such open hold")
    equal([hold["state"] for hold in holds()], ["released"])
    bank.transfer("ada", "bob", "25.00", state="home")
    bank.stop()
    bank.start()
    # the terminal comes back: the cash was out, and it is booked
    said = bank.atm("bob", "balance", terminal=lobby, state="kiosk")
    contains(said.ends(DONE).err, "withdrawal of 20.00 EUR is booked")
    equal(account("ada"), (-1500, 0))
    equal(till(lobby), (-1000, 0))
    status = bank.status()
    equal((status["holds"], status["overdue"], status["late_posts"]),
          (0, 0, 1))
    lines = bank.statement("ada", state="home")
    equal([(line["kind"], line["amount_minor"], line["refers_to"])
           for line in lines[:4]],
          [("post", -2000, leaf), ("transfer", -2500, 0),
           ("release-request", 0, leaf), ("hold", 0, 0)])
    bank.atm("ada", "transfer", "bob", "0.01", state="home").ends(
        DECLINED, "not enough money")
    late = bank.ctl("--as", operator(2), "holds", "--late", "--json").json()
    equal((late["leaf"], late["hold"], late["amount_minor"],
           late["below_floor"]), (lines[0]["leaf"], leaf, 2000, True))
    bank.stop()
    bank.start()
    equal(account("ada"), (-1500, 0))
    equal(bank.status()["late_posts"], 1)
    said = bank.ctl("--as", operator(1), "holds", "--late").ends(DONE).out
    contains(said, f"hold #{leaf}: below the floor")
    contains(said, "20.00 EUR")
    equal(said.count("\n"), 1, "the lines")
    # the auditor, whose rules are as hasty, is told of it, too
    key = bank.base / "late.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(DONE)
    bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
             bank.base / "late.keys").ends(DONE)
    verify = [BUILD / "tests/hasty/strongroom-verify", "--bank", bank.id,
              "--auditor-key", key, "--keys", bank.base / "late.keys"]
    run_program([*verify, bank.ledger]).ends(
        INTACT, "after their release: 1; accounts below their floor: 1\n"
        f"  entry {late['leaf']}, ", f"hold of entry {leaf}, below")
    told = json.loads(run_program([*verify, "--json", bank.ledger]).out)
    equal(told["late"], [{name: late[name] for name in late if name != "v"}])
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
