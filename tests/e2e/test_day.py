#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""A customer's day at the ATM, with everything that can go wrong in it."""
import hashlib
import http.server
import os
import re
import socketserver
import sys
import termios
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ATM, BAD_DATA, CONFIG, CTL, DECLINED, DONE,  # noqa: E402
                      INTACT, UNREACHABLE, USAGE, VERIFY, WRONG_KEY,
                      WRONG_PASSWORD, Bank, free_port, run_program,
                      temporary_directory)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.terminal import Terminal  # noqa: E402

bank = card = None


@scenario
def given_nothing_when_a_bank_is_founded_then_it_starts_behind_its_walls():
    global bank
    bank = Bank.found()
    for name in ("operator-1.card", "operator-2.card"):
        equal((bank.directory / name).stat().st_mode & 0o777, 0o600, name)
    bank.start()
    status = bank.status()
    check(status["open"], "the bank takes no orders")
    equal(status["registration"], "open", "registration")
    for room, missing in status["sandbox_missing"].items():
        equal(missing & 1, 0 if bank.namespaces else 1,
              f"the namespaces' bit of {room}")


@scenario
def given_a_bank_when_init_comes_again_then_it_is_left_alone():
    before = bank.conf.read_bytes()
    bank.init().ends(USAGE, "there is a bank here already")
    equal(bank.conf.read_bytes(), before, "strongroom.conf")


@scenario
def given_a_part_of_a_bank_when_init_comes_then_it_is_left_alone():
    """Its configuration may lie elsewhere; a failed init takes back."""
    for part in ("keyd/root.sealed", "keyd/state", "audit/audit.log",
                 "ledger/segment/00000000.log", "run/lock", "bank.id",
                 "operator-1.card"):
        other = temporary_directory() / "bank"
        (other / part).parent.mkdir(parents=True)
        (other / part).write_text("dear")
        for secret in (bank.base / "passphrase", other / "no/such/place"):
            bank.ctl("init", "--dir", other, "--name", "Another", "--unit",
                     "EUR:2", "--unlock", f"passphrase-file:{secret}",
                     conf=False).ends(
                USAGE, f"{other / part.split('/')[0]} is left as it is")
        equal((other / part).read_text(), "dear", part)
        equal([str(path.relative_to(other)) for path in other.rglob("*")
               if path.is_file()], [part], "the files")


@scenario
def given_two_operators_when_they_enrol_an_atm_then_its_card_is_private():
    global card
    card = bank.enrol("lobby")
    equal(card.stat().st_mode & 0o777, 0o600, "the card's mode")


@scenario
def given_a_new_name_when_it_registers_then_it_has_an_account_and_a_code():
    said = bank.register("ada").out
    check(re.search(r"^  ([0-9A-Z]{5}-){7}[0-9A-Z]{5}$", said, re.M),
          f"no recovery code in {said!r}")
    bank.register("bob")
    equal(bank.balance("ada"), 0, "the first balance")


@scenario
def given_a_taken_name_when_it_registers_again_then_it_is_refused():
    bank.atm("ada", "register", password="another password",
             state="mallory").ends(DECLINED, "taken")
    equal(bank.balance("ada"), 0, "ada's balance with the old password")


@scenario
def given_cash_when_it_is_paid_in_at_the_atm_then_it_is_booked():
    bank.deposit(card, "ada", "50.00")
    equal(bank.balance("ada"), 5000)


@scenario
def given_no_card_when_cash_is_paid_in_then_it_is_refused():
    bank.atm("ada", "deposit", "1.00").ends(DECLINED, "enrolled ATM")
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_full_till_when_more_is_paid_in_then_it_is_declined():
    bank.atm("ada", "deposit", "950.01", terminal=card).ends(
        DECLINED, "till")
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_comma_and_a_memo_when_ada_pays_bob_then_both_balances_move():
    said = bank.transfer("ada", "bob", "12,50", "--memo", "pizza", "--id",
                         "K1").out
    contains(said, "12.50 EUR to bob booked")
    equal(bank.balance("ada"), 3750, "ada's balance")
    equal(bank.balance("bob"), 1250, "bob's balance")


@scenario
def given_the_same_id_when_it_is_run_twice_then_it_is_booked_once():
    said = bank.transfer("ada", "bob", "12,50", "--memo", "pizza", "--id",
                         "K1").out
    contains(said, "before; not again")
    equal(bank.balance("ada"), 3750, "ada's balance")
    bank.atm("ada", "transfer", "bob", "12,51", "--memo", "pizza", "--id",
             "K1").ends(DECLINED, "another order")
    # Another device does not have the kept order; the books still know it.
    bank.atm("ada", "transfer", "bob", "1.00", "--id", "K1",
             state="another device").ends(DECLINED, "already used")
    equal(bank.balance("ada"), 3750, "ada's balance")


@scenario
def given_a_script_when_it_asks_for_the_balance_then_json_is_exact():
    said = bank.atm("ada", "balance", "--json").ends(DONE).out
    check(re.fullmatch(r'\{"v":1,"account":"[0-9]+-0","number":"[0-9]+",'
                       r'"status":"open","unit":"EUR:2",'
                       r'"balance_minor":3750,"held_minor":0,'
                       r'"floor_minor":0,"below_soft_floor":false\}\n', said),
          f"it is {said!r}")


@scenario
def given_orders_when_the_statement_is_read_then_each_is_there_newest_first():
    lines = bank.statement("ada")
    equal([(line["kind"], line["amount_minor"], line["balance_minor"])
           for line in lines],
          [("transfer", -1250, 3750), ("deposit", 5000, 5000)])
    equal((lines[0]["name"], lines[0]["memo"]), ("bob", "pizza"))
    lines = bank.statement("bob")
    equal([(line["name"], line["memo"], line["amount_minor"])
           for line in lines], [("ada", "pizza", 1250)])
    said = bank.atm("ada", "statement", "--count", "1").ends(DONE).out
    contains(said, "-12.50")
    check("50.00" not in said, "one line was asked for")


@scenario
def given_too_little_when_more_is_transferred_then_it_is_declined():
    bank.atm("ada", "transfer", "bob", "37.51").ends(DECLINED,
                                                     "not enough money")
    equal(bank.balance("ada"), 3750)
    bank.atm("ada", "transfer", "ada", "1.00").ends(DECLINED, "same account")


@scenario
def given_several_devices_when_all_pay_at_once_then_each_order_is_booked():
    """Orders of one signer are a chain: whoever collides signs anew."""
    before = bank.balance("ada"), bank.balance("bob")
    with ThreadPoolExecutor(4) as pool:
        for said in pool.map(lambda number: bank.atm(
                "ada", "transfer", "bob", "0.25", "--id", f"device-{number}",
                state=f"device {number}"), range(8)):
            said.ends(DONE, "0.25 EUR to bob booked")
    equal((bank.balance("ada"), bank.balance("bob")),
          (before[0] - 200, before[1] + 200), "the balances")
    bank.transfer("bob", "ada", "2.00")


@scenario
def given_an_unknown_payee_when_ada_pays_then_it_is_refused():
    bank.atm("ada", "transfer", "nobody", "1.00").ends(DECLINED, "nobody")


@scenario
def given_a_wrong_password_or_name_when_logging_in_then_both_look_the_same():
    wrong = bank.atm("ada", "balance", password="not it", state="mallory")
    wrong.ends(WRONG_PASSWORD)
    unknown = bank.atm("eve", "balance", password="not it", state="mallory")
    equal((unknown.code, unknown.err), (wrong.code, wrong.err))
    said = bank.atm("ada", "balance").ends(DONE)
    contains(said.err, "1 log-in with a wrong password")


@scenario
def given_a_password_file_when_it_ends_in_a_newline_then_that_is_not_of_it():
    for ending in ("", "\n"):
        path = bank.base / "password"
        path.write_text(bank.passwords["ada"] + ending)
        run_program(bank.atm_words("ada", "--password-file", path, "balance"),
                    env=bank.environment("ada")).ends(DONE, "37.50 EUR")
    path.write_text(bank.passwords["ada"] + "\n\n")
    code = run_program(
        bank.atm_words("ada", "--password-file", path, "balance"),
        env=bank.environment("ada")).code
    check(code in (BAD_DATA, WRONG_PASSWORD), f"two newlines give {code}")


@scenario
def given_the_menu_when_a_customer_types_then_the_whole_day_works():
    words = bank.atm_words(None, terminal=card)
    with Terminal(words, bank.environment("kiosk")) as screen:
        screen.expect("Name: ")
        screen.type("bob")
        screen.expect("Password: ")
        screen.type("a wrong one")
        screen.expect("wrong name or password")
        screen.expect("Name: ")
        screen.type("bob")
        screen.expect("Password: ")
        screen.type(bank.passwords["bob"])
        screen.expect("Your choice: ")
        screen.type("deposit")
        screen.expect("Amount in EUR: ")
        screen.type("7.50")
        screen.expect("balance 20.00 EUR")
        screen.expect("Your choice: ")
        screen.type("transfer")
        screen.expect("To whom: ")
        screen.type("ada")
        screen.expect("Amount in EUR: ")
        screen.type("2,50")
        screen.expect("Memo")
        screen.type("change back")
        screen.expect("2.50 EUR to ada booked")
        screen.expect("Your choice: ")
        screen.type("transfer")
        screen.expect("To whom: ")
        screen.type("ada")
        screen.expect("Amount in EUR: ")
        screen.type("1.000,00")
        screen.expect("Memo")
        screen.type("")
        screen.expect("grouped")
        screen.expect("Your choice: ")
        screen.type("3")
        screen.expect("17.50 EUR")
        screen.expect("Your choice: ")
        screen.type("statement")
        screen.expect("change back")
        screen.expect("Your choice: ")
        screen.type("exit")
        screen.expect("Good-bye")
        equal(screen.end(), 0, "the exit code")
        check(bank.passwords["bob"] not in screen.shown,
              "the password is on the screen")
    equal(bank.balance("ada"), 4000, "ada's balance")


@scenario
def given_the_menu_when_a_stranger_comes_then_they_become_a_customer():
    before = bank.status()
    words = bank.atm_words(None, terminal=card)
    with Terminal(words, bank.environment("kiosk")) as screen:
        screen.expect("New here?")
        screen.expect("Name: ")
        screen.type("+")
        screen.expect("Name: ")
        screen.type("bob")              # taken
        screen.expect("New password: ")
        screen.type("the password of eve")
        screen.expect("The same again")
        screen.type("the password of eve")
        screen.expect("taken")
        screen.expect("Name: ")
        screen.type("+")
        screen.expect("Name: ")
        screen.type("eve")
        screen.expect("New password: ")
        screen.type("the password of eve")
        screen.expect("The same again")
        screen.type("the password of eve")
        screen.expect("Recovery code")
        screen.expect("Your choice: ")
        screen.type("deposit")
        screen.expect("Amount in EUR: ")
        screen.type("3.00")
        screen.expect("balance 3.00 EUR")
        screen.expect("Your choice: ")
        screen.type("exit")
        equal(screen.end(), DONE, "the exit code")
        check("the password of eve" not in screen.shown,
              "the password is on the screen")
    bank.passwords["eve"] = "the password of eve"
    equal(bank.balance("eve"), 300)
    after = bank.status()
    equal((after["customers"], after["operators"], after["terminals"]),
          (before["customers"] + 1, 2, before["terminals"]))
    said = bank.ctl("status").ends(DONE)
    contains(said.out, f"{after['customers']} customers, 2 operators,"
                       f" {after['terminals']} terminal (0 revoked)")


@scenario
def given_the_menu_when_the_bank_invites_then_it_asks_for_the_invitation():
    bank.stop()
    bank.configure("keyd", "registration", "invite")
    bank.start()
    invited = bank.ctl("invite", "finn").ends(DONE)
    contains(invited.err, "valid for 7 days", "--user finn --invitation")
    invitation = invited.out.strip()
    with Terminal(bank.atm_words(None), bank.environment("kiosk")) as screen:
        screen.expect("Name: ")
        screen.type("+")
        screen.expect("Name: ")
        screen.type("finn")
        for _ in range(2):
            screen.expect("New password: ")
            screen.type("finn's own")
            screen.expect("The same again")
            screen.type("finn's own")
            if "Invitation: " not in screen.shown:
                screen.expect("Invitation: ")
                screen.type(invitation)
        screen.expect("Recovery code")
        screen.expect("Your choice: ")
        screen.type("exit")
        equal(screen.end(), DONE, "the exit code")
    bank.stop()
    bank.configure("keyd", "registration", "closed")
    bank.start()
    with Terminal(bank.atm_words(None), bank.environment("kiosk")) as screen:
        screen.expect("Name: ")
        screen.type("+")
        screen.expect("Name: ")
        screen.type("gus")
        screen.expect("New password: ")
        screen.type("gus's own")
        screen.expect("The same again")
        screen.type("gus's own")
        screen.expect("takes no registrations")
        shown = screen.expect("Name: ")
        check("New here?" not in shown, "it is offered again")
        screen.type("bob")
        screen.expect("Password: ")
        screen.type(bank.passwords["bob"])
        screen.expect("Your choice: ")
        screen.type("exit")
        equal(screen.end(), DONE, "the exit code")
    bank.stop()
    bank.configure("keyd", "registration", "open")
    bank.start()


@scenario
def given_the_menu_when_the_customer_gives_up_then_it_ends():
    with Terminal(bank.atm_words("bob"), bank.environment("kiosk")) as screen:
        screen.expect("Password: ")
        screen.type("a wrong one")
        screen.expect("Ctrl-D")
        screen.expect("Password: ")
        os.write(screen.fd, b"\x04")
        screen.expect("Good-bye")
        check(screen.end() != 0, "a log-in that failed is no success")


@scenario
def given_no_terminal_when_the_menu_wants_a_password_then_it_ends():
    run_program(bank.atm_words("bob"), env=bank.environment("kiosk"),
                start_new_session=True).ends(
                    USAGE, "no terminal", "--password-fd")


@scenario
def given_the_menu_when_nothing_is_typed_then_it_asks_again():
    with Terminal(bank.atm_words("bob"), bank.environment("kiosk")) as screen:
        screen.expect("Password: ")
        screen.type("")
        screen.expect("empty")
        screen.expect("Password: ")
        screen.type(bank.passwords["bob"])
        screen.expect("Your choice: ")
        os.write(screen.fd, b"\x04")
        screen.expect("\nGood-bye")
        equal(screen.end(), DONE, "the exit code")


@scenario
def given_the_menu_when_a_memo_is_too_long_then_nothing_is_booked():
    before = bank.balance("bob")
    with Terminal(bank.atm_words("bob"), bank.environment("kiosk")) as screen:
        screen.expect("Password: ")
        screen.type(bank.passwords["bob"])
        for memo in ("m" * 257, "m" * 400):
            screen.expect("Your choice: ")
            screen.type("transfer")
            screen.expect("To whom: ")
            screen.type("ada")
            screen.expect("Amount in EUR: ")
            screen.type("1.00")
            screen.expect("Memo")
            screen.type(memo)
        screen.expect("nothing was done")
        screen.expect("Your choice: ")
        screen.type("exit")
        equal(screen.end(), DONE, "the exit code")
    equal(bank.balance("bob"), before, "bob's balance")


@scenario
def given_a_question_for_a_password_when_interrupted_then_the_echo_is_back():
    # The terminal outlives the program: one shell runs both commands.
    words = ["/bin/sh", "-c", "trap : INT; \"$@\"; echo; stty -a", "sh",
             *bank.atm_words("bob", "balance")]
    with Terminal(words, bank.environment("kiosk")) as screen:
        screen.expect("Password: ")
        check(not termios.tcgetattr(screen.fd)[3] & termios.ECHO,
              "the password is shown")
        os.write(screen.fd, b"\x03")
        screen.expect("baud")
        check(termios.tcgetattr(screen.fd)[3] & termios.ECHO, "no echo")


@scenario
def given_a_program_when_it_is_asked_for_help_then_it_helps():
    for program in (ATM, CTL, VERIFY):
        said = run_program([program, "--help"]).ends(DONE)
        contains(said.out, "usage: " + program.name)
        contains(said.out, "--help")
        said = run_program([program, "--version"]).ends(DONE)
        check(re.fullmatch(program.name + r" \d+\.\d+\.\d+\n", said.out),
              f"--version says {said.out!r}")
    run_program([ATM]).ends(USAGE, "--bank")
    run_program([ATM, "--bank", bank.id, "dance"]).ends(USAGE, "dance")
    run_program([ATM, "--bank", bank.id, "--dance"]).ends(USAGE)
    run_program([ATM, "--bank", bank.id, "transfer", "bob"]).ends(USAGE)
    run_program([ATM, "--bank", "/nonexistent", "balance"]).ends(
        UNREACHABLE, "/nonexistent")
    run_program([CTL]).ends(USAGE)
    run_program([CTL, "status"]).ends(USAGE, "-c")
    run_program([CTL, "-c", "nowhere", "lock", "now"]).ends(
        USAGE, "the command is `lock'")
    run_program([CTL, "-c", "/", "status"]).ends(
        CONFIG, "a directory; name the strongroom.conf in it")
    run_program([CTL, "-c", "/nonexistent", "status"]).ends(CONFIG,
                                                            "/nonexistent")
    said = run_program([CTL, "terminal"]).ends(
        USAGE, "terminal add NAME", "terminal revoke NAME")
    check("auditor add" not in said.err, f"more than was asked: {said.err}")
    run_program([CTL, "terminal", "dance"]).ends(USAGE, "terminal revoke")
    run_program([CTL, "auditor"]).ends(USAGE, "auditor add NAME KEYFILE")
    run_program([CTL, "clock", "dance"]).ends(USAGE, "clock confirm")
    run_program([CTL, "dance"]).ends(USAGE, "no such command: dance")
    init = [CTL, "init", "--dir", bank.base / "other", "--unlock",
            f"passphrase-file:{bank.base / 'other.passphrase'}"]
    for name, unit, why in (("Other", "EUR:9", "0 to 8"),
                            (" ", "EUR:2", "--name"),
                            ("Oth\ner", "EUR:2", "--name")):
        run_program([*init, "--name", name, "--unit", unit]).ends(USAGE, why)
    run_program([VERIFY, "--bank", bank.id, bank.directory]).ends(
        2, "ledger directory")


@scenario
def given_nobody_listening_when_a_client_comes_then_it_says_where_and_why():
    address = f"127.0.0.1:{free_port()}"
    said = bank.atm("ada", "balance", server=address).ends(UNREACHABLE,
                                                           address)
    contains(said.err.lower(), "refused")


@scenario
def given_another_identity_when_a_client_comes_then_it_does_not_log_in():
    text = bank.id.read_text()
    identity = os.urandom(32)
    text = re.sub(r"(?m)^identity = .*$", f"identity = {identity.hex()}",
                  text)
    wrong = bank.base / "wrong.id"
    wrong.write_text(text)
    words = [ATM, "--bank", wrong, "--user", "ada", "--password-fd", "0",
             "balance"]
    # The bank id is the identity's hash: the file contradicts itself.
    run_program(words, give="x\n", env=bank.environment("ada")).ends(CONFIG)
    bank_id = hashlib.sha256(identity).hexdigest()
    wrong.write_text(re.sub(r"(?m)^bank-id = .*$", f"bank-id = {bank_id}",
                            text))
    run_program(words, give="x\n", env=bank.environment("ada")).ends(
        WRONG_KEY, "key")


class Speaker(socketserver.BaseRequestHandler):
    """Says its first words at once, as mail and SSH servers do."""
    words = b""

    def handle(self):
        self.request.sendall(self.words)
        self.request.recv(1)


class Web(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up is what this test is about."""


def answered_by(handler):
    """What atm says when that answers in the bank's place."""
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = bank.atm("ada", "balance",
                        server="127.0.0.1:%d" % server.server_address[1])
        server.shutdown()
        return said.ends(UNREACHABLE)


@scenario
def given_something_else_at_the_address_when_a_client_comes_then_it_is_named():
    contains(answered_by(Web).err, "a web ")
    for words, name in ((b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"),
                        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
                        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
                        (os.urandom(40), "")):
        Speaker.words = words
        contains(answered_by(Speaker).err, name)


@scenario
def given_the_day_when_the_bank_closes_then_it_ends_well_and_the_books_verify():
    bank.stop()
    bank.verify().ends(INTACT)
    bank.atm("ada", "balance").ends(UNREACHABLE, bank.address)


if __name__ == "__main__":
    run()
