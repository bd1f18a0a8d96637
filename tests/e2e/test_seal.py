#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
Several ways to open a bank's keys at once: added and removed while it runs or
is locked, each opens it alone, none is lost by a kill at any step, and what is
wrong with a sealed file is said.
"""
import array
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import wire  # noqa: E402
from lib.bank import (BAD_DATA, CLIENT_LIMIT_S, CONFIG, CTL, DECLINED,  # noqa: E402
                      DONE, MONITOR, UNREACHABLE, USAGE, WRONG_PASSWORD,
                      Bank, free_port, namespaces_available,
                      temporary_directory)
from lib.fixture import Fixture  # noqa: E402
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          skip, wait_until)
from lib.terminal import Terminal  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
HEADER, ENVELOPE, WRAPPED = 52, 248, 72
MALFORMED, PARAMETERS, UNLOCK_KIND, SHARES, LAST = 1, 49, 111, 113, 114
NOT_FOUND = 4
_bank = []


@contextlib.contextmanager
def pipe_of(data):
    """The end of a pipe that holds them and has no writer."""
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    try:
        yield read
    finally:
        os.close(read)


def ask_monitor(bank, name, hand=(), **fields):
    """A request with descriptors; name and fields of the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.settimeout(CLIENT_LIMIT_S)
        control.connect(str(bank.directory / "run/control"))
        with_it = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", hand))] if hand else []
        control.sendmsg([b"\0" + wire.encode(name, **fields)], with_it)
        return wire.decode(control.recv(8193)[1:], "monitor", "control")[0]


def open_bank():
    if not _bank:
        bank = Bank.found()
        _bank.append(bank)
        # keyd's user comes no further than to what it is handed
        bank.base.chmod(0o700)
        bank.start()
        bank.register("ada")
    bank = _bank[0]
    if bank.process is None:
        bank.start()
    elif bank.status()["state"] == "locked":
        bank.ctl("unlock").ends(DONE)
    return bank


def listed(bank):
    """(number, kind) of each envelope."""
    result = bank.ctl("seal", "--json")
    result.ends(DONE)
    return [(one["number"], one["kind"])
            for one in json.loads(result.out)["envelopes"]]


def only(bank, kind="passphrase"):
    """Takes out all but the first of that kind."""
    for number, _ in [one for one in listed(bank) if one[1] != kind]:
        bank.ctl("seal", "remove", number).ends(DONE)


def add_credential(bank, name="key", *words):
    path = bank.base / name
    bank.ctl("seal", "add", f"credential:{path}", *words).ends(DONE)
    return path


def locked_then(bank, *words, **options):
    bank.ctl("lock").ends(DONE)
    return bank.ctl("unlock", *words, **options)


def with_passphrase(bank, text, *words):
    """A command that is given another passphrase than the configured."""
    with pipe_of(text.encode()) as read:
        return bank.ctl(*words, "--passphrase-fd", read, pass_fds=(read,))


@scenario
def given_a_new_bank_when_listed_then_one_way_and_that_is_said():
    bank = open_bank()
    result = bank.ctl("seal")
    result.ends(DONE, "one way only")
    contains(result.out, "1  passphrase")
    contains(result.out, "made at init")
    equal(os.stat(bank.keyd / "root.sealed").st_size,
          HEADER + ENVELOPE + WRAPPED)
    equal(os.stat(bank.keyd / "identity.sealed").st_size, HEADER + WRAPPED)


@scenario
def given_a_credential_when_added_then_either_opens_and_identity_stays():
    bank = open_bank()
    identity = (bank.keyd / "identity.sealed").read_bytes()
    before = listed(bank)
    path = add_credential(bank, "key", "--label", "this machine")
    equal(path.stat().st_size, 32)
    equal(path.stat().st_mode & 0o777, 0o600)
    after = listed(bank)
    equal(after[:-1], before)
    equal(after[-1][1], "credential")
    contains(bank.ctl("seal").out, "this machine")
    equal((bank.keyd / "identity.sealed").read_bytes(), identity)
    equal((bank.keyd / "root.sealed").stat().st_mode & 0o777, 0o600)
    check(not list(bank.keyd.glob("*.new")), "a new file is left")
    locked_then(bank, "--credential", path).ends(DONE, "is open")
    locked_then(bank).ends(DONE, "is open")
    # also while it is locked, and with the identity away
    bank.ctl("lock").ends(DONE)
    (bank.keyd / "identity.sealed").rename(bank.base / "away")
    second = add_credential(bank, "second")
    (bank.base / "away").rename(bank.keyd / "identity.sealed")
    bank.ctl("unlock", "--credential", second).ends(DONE)
    bank.look_at_walls()
    # a stopped bank is certified with what opens it, identity and all
    bank.stop()
    bank.ctl("certify").ends(DONE)
    bank.start()
    only(bank)


@scenario
def given_what_does_not_open_when_used_then_told_by_its_kind():
    bank = open_bank()
    wrong = bank.base / "wrong"
    wrong.write_bytes(os.urandom(32))
    wrong.chmod(0o600)
    bank.ctl("lock").ends(DONE)
    bank.ctl("unlock", "--credential", wrong).ends(
        WRONG_PASSWORD, "nothing of that kind")
    bank.ctl("unlock").ends(DONE)
    add_credential(bank, "key")
    bank.ctl("lock").ends(DONE)
    bank.ctl("unlock", "--credential", wrong).ends(
        WRONG_PASSWORD, "the credential does not open")
    with_passphrase(bank, "nonsense", "unlock").ends(
        WRONG_PASSWORD, "the passphrase does not open")
    for bad, why in ((b"", "32 bytes"), (b"x" * 31, "32 bytes"),
                     (b"x" * 33, "32 bytes")):
        wrong.write_bytes(bad)
        bank.ctl("unlock", "--credential", wrong).ends(BAD_DATA, why)
    wrong.chmod(0o640)
    bank.ctl("unlock", "--credential", wrong).ends(CONFIG, "chmod 600")
    bank.ctl("unlock", "--credential", bank.base).ends(CONFIG, "not a file")
    bank.ctl("unlock", "--credential", bank.base / "nothing").ends(
        CONFIG, "No such file")
    equal(bank.status()["state"], "locked")
    root = (bank.keyd / "root.sealed").read_bytes()
    with_passphrase(bank, "nonsense", "seal", "add",
                    f"credential:{bank.base}/third").ends(
                        WRONG_PASSWORD, "third: removed again")
    check(not (bank.base / "third").exists(), "a key that opens nothing")
    number = listed(bank)[-1][0]
    with_passphrase(bank, "nonsense", "seal", "remove", number).ends(
        WRONG_PASSWORD, "nothing was removed")
    equal((bank.keyd / "root.sealed").read_bytes(), root)
    check(not list(bank.keyd.glob("*.new")), "a new file is left")
    bank.ctl("unlock").ends(DONE)
    only(bank)


@scenario
def given_a_secret_that_opens_when_added_again_then_refused():
    """Who takes one out would think that it opens nothing any more."""
    bank = open_bank()
    path = add_credential(bank)
    before = listed(bank)
    bank.ctl("seal", "add", f"credential:{path}").ends(
        DECLINED, "opens the bank's keys already")
    bank.ctl("seal", "add", f"passphrase-file:{bank.base}/passphrase").ends(
        DECLINED, "opens the bank's keys already")
    equal(listed(bank), before)
    only(bank)


@scenario
def given_a_descriptor_that_is_not_open_when_named_then_it_is_not_read():
    bank = open_bank()
    bank.ctl("lock").ends(DONE)
    # 3 is what the program's own first one would be
    for number in (3, 77):
        bank.ctl("unlock", "--passphrase-fd", number).ends(
            USAGE, "number of an open descriptor")
    bank.ctl("unlock").ends(DONE)


@scenario
def given_a_short_passphrase_when_added_then_a_warning():
    bank = open_bank()
    path = bank.base / "short"
    for text, warned in (("eleven chrs", True), ("twelve chars", False)):
        path.write_text(text)
        path.chmod(0o600)
        result = bank.ctl("seal", "add", f"passphrase-file:{path}")
        result.ends(DONE)
        equal("guessed by whoever has a backup" in result.err, warned)
    for number, _ in listed(bank)[1:]:
        bank.ctl("seal", "remove", number).ends(DONE)


@scenario
def given_the_last_way_or_the_configured_one_when_removed_then_refused():
    bank = open_bank()
    root = (bank.keyd / "root.sealed").read_bytes()
    first = listed(bank)[0][0]
    bank.ctl("seal", "remove", first).ends(DECLINED, "the only way")
    bank.ctl("seal", "remove", 999).ends(DECLINED, "no such thing")
    for word in ("0x1", "-1", "", "70000", "first"):
        bank.ctl("seal", "remove", "--", word).ends(USAGE)
    equal((bank.keyd / "root.sealed").read_bytes(), root)
    path = add_credential(bank, "key")
    bank.ctl("seal", "remove", first, "--credential", path).ends(
        DECLINED, "strongroom.conf starts the bank with this passphrase")
    # a second passphrase: the configured one stays, the other one may go
    second = bank.base / "second-passphrase"
    bank.ctl("seal", "add", f"passphrase-file:{second}", "--label",
             "treasurer").ends(DONE)
    numbers = [number for number, _ in listed(bank)]
    bank.ctl("seal", "remove", first).ends(DECLINED, "it is what was given")
    with_passphrase(bank, second.read_text(), "seal", "remove", first).ends(
        DECLINED, "it is what was given")
    with_passphrase(bank, second.read_text(), "seal", "remove",
                    numbers[1]).ends(DONE)
    bank.ctl("seal", "remove", numbers[2]).ends(
        DONE, "copies of root.sealed from before", "one way only")
    bank.stop()
    bank.start()


@scenario
def given_a_passphrase_when_as_long_as_may_be_then_it_opens_and_no_longer():
    bank = open_bank()
    path = bank.base / "long"
    for length, code in ((1025, BAD_DATA), (1024, DONE)):
        path.write_text("x" * length + "\n")
        path.chmod(0o600)
        bank.ctl("seal", "add", f"passphrase-file:{path}").ends(code)
    bank.ctl("lock").ends(DONE)
    with_passphrase(bank, "x" * 1024 + "\n", "unlock").ends(DONE)
    bank.stop()
    text = bank.conf.read_text()
    bank.conf.write_text(text.replace(f"{bank.base}/passphrase", str(path)))
    bank.start()
    bank.stop()
    path.write_text("x" * 1025)
    bank.start_refused().ends(CONFIG, "passphrase of more than 1024 bytes")
    bank.conf.write_text(text)
    bank.start()
    bank.ctl("seal", "remove", listed(bank)[-1][0]).ends(DONE)


@scenario
def given_a_damaged_identity_when_a_way_is_added_then_it_is_not_looked_at():
    bank = open_bank()
    identity = bank.keyd / "identity.sealed"
    good = identity.read_bytes()
    identity.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    try:
        add_credential(bank, "key")
        only(bank)
    finally:
        identity.write_bytes(good)


@scenario
def given_a_disk_that_does_not_confirm_a_change_then_that_is_said():
    if os.geteuid() != 0 or not shutil.which("strace"):
        skip("needs root and strace")
    bank = open_bank()
    before = listed(bank)
    with subprocess.Popen(
            ["strace", "-p", str(bank.process.pid), "-o", "/dev/null", "-e",
             "trace=fsync", "-e", "inject=fsync:error=EIO"],
            stderr=subprocess.PIPE) as tracer:
        contains(tracer.stderr.readline().decode(), "attached", "strace")
        try:
            said = bank.ctl("seal", "add", f"credential:{bank.base}/key")
            made = bank.ctl("ceremony", "--shares", "2", "--quorum", "2",
                            "-o", bank.base / "shares")
        finally:
            tracer.terminate()
    said.ends(UNREACHABLE, "is changed, but the disk did not confirm it")
    check("nothing was" not in said.err, said)
    made.ends(UNREACHABLE, "the disk did not confirm it")
    check("no shares were made" not in made.err, made)
    equal(len(listed(bank)), len(before) + 1)
    only(bank)


@scenario
def given_a_typed_passphrase_when_added_then_it_opens_alone():
    bank = open_bank()
    with Terminal([CTL, "-c", bank.conf, "seal", "add", "passphrase"],
                  bank.environment("operator")) as screen:
        screen.expect("New passphrase: ")
        screen.type("Zur Kasse, bitte!")
        screen.expect(": ")
        screen.type("Zur Kasse, bitte!")
        equal(screen.end(), DONE, screen.shown)
    bank.ctl("lock").ends(DONE)
    with_passphrase(bank, "Zur Kasse, bitte!\n", "unlock").ends(DONE)
    last = listed(bank)[-1][0]
    bank.ctl("seal", "remove", last).ends(DONE)
    bank.ctl("lock").ends(DONE)
    with_passphrase(bank, "Zur Kasse, bitte!\n", "unlock").ends(
        WRONG_PASSWORD)


@scenario
def given_eight_ways_when_one_more_then_refused_and_labels_are_checked():
    bank = open_bank()
    for label in ("", " a", "a\nb", "ä", "x" * 32):
        bank.ctl("seal", "add", f"credential:{bank.base}/key", "--label",
                 label).ends(USAGE, "--label")
    bank.ctl("seal", "add", "card").ends(USAGE, "credential:FILE")
    for number in range(8 - len(listed(bank))):
        add_credential(bank, f"key-{number}", "--label", "x" * 31)
    equal((bank.keyd / "root.sealed").stat().st_size,
          HEADER + 8 * ENVELOPE + WRAPPED)
    bank.ctl("seal", "add", f"credential:{bank.base}/nine").ends(
        DECLINED, "as many ways")
    check(not (bank.base / "nine").exists(), "a key that opens nothing")
    # one that was there before is nobody's to remove
    (bank.base / "nine").write_bytes(os.urandom(32))
    (bank.base / "nine").chmod(0o600)
    bank.ctl("seal", "add", f"credential:{bank.base}/nine").ends(
        DECLINED, "as many ways")
    check((bank.base / "nine").exists(), "somebody's file is gone")
    locked_then(bank, "--credential", bank.base / "key-6").ends(DONE)
    only(bank)


@scenario
def given_a_bank_that_starts_locked_then_status_says_so_until_unlocked():
    bank = open_bank().stop() or _bank[0]
    text = bank.conf.read_text()
    bank.conf.write_text(text.replace(
        f"passphrase-file = {bank.base}/passphrase", "locked = yes"))
    try:
        bank.launch()
        equal(bank.status()["state"], "locked")
        bank.ctl("invite", "bob").ends(UNREACHABLE, "the bank is locked")
        bank.ctl("unlock").ends(USAGE, "--passphrase-fd")
        with_passphrase(bank, "no", "unlock").ends(WRONG_PASSWORD)
        secret = (bank.base / "passphrase").read_text()
        with_passphrase(bank, secret, "unlock").ends(DONE)
        bank.look_at_walls()
        bank.stop()
        # a command that starts it needs its keys, too
        bank.start_refused("--certify").ends(CONFIG, "--unlock-kind")
    finally:
        bank.conf.write_text(text)


@scenario
def given_a_credential_of_systemds_when_started_then_it_opens():
    bank = open_bank()
    add_credential(bank, "bank-key")
    bank.stop()
    text = bank.conf.read_text()
    bank.conf.write_text(text.replace(
        f"passphrase-file = {bank.base}/passphrase", "credential = bank-key"))
    os.environ.pop("CREDENTIALS_DIRECTORY", None)
    try:
        bank.start_refused().ends(CONFIG, "LoadCredential=bank-key:FILE")
        os.environ["CREDENTIALS_DIRECTORY"] = str(bank.base / "none")
        bank.start_refused().ends(CONFIG, "bank-key", "No such file")
        os.environ["CREDENTIALS_DIRECTORY"] = str(bank.base)
        bank.start()
        bank.ctl("lock").ends(DONE)
        bank.ctl("unlock").ends(DONE)
        number = [n for n, kind in listed(bank) if kind == "credential"][0]
        bank.ctl("seal", "remove", number, "--passphrase-fd", 0,
                 give=(bank.base / "passphrase").read_bytes()).ends(
                     DECLINED, "starts the bank with this credential")
        # nor while another credential is in hand, which systemd has not
        other = add_credential(bank, "other", "--credential",
                               bank.base / "bank-key")
        last = listed(bank)[-1][0]
        bank.ctl("seal", "remove", number, "--credential", other).ends(
            DECLINED, "the bank is started with it")
        equal([n for n, _ in listed(bank)][-2:], [number, last])
        bank.ctl("seal", "remove", last, "--credential",
                 bank.base / "bank-key").ends(DONE)
        bank.stop()
        (bank.base / "bank-key").chmod(0o604)
        bank.start_refused().ends(CONFIG, "chmod 600")
        (bank.base / "bank-key").chmod(0o600)
        (bank.base / "bank-key").write_bytes(b"short")
        bank.start_refused().ends(CONFIG, "a credential has 32 bytes")
    finally:
        os.environ.pop("CREDENTIALS_DIRECTORY", None)
        bank.conf.write_text(text)
    bank.start()
    only(bank)


@scenario
def given_a_credential_when_founded_then_it_alone_opens_the_bank():
    bank = Bank(temporary_directory(), free_port())
    if Bank.namespaces is None:
        Bank.namespaces = namespaces_available()
    path = bank.base / "bank-key"
    words = ["init", "--dir", bank.directory, "--name", "Test Bank", "--unit",
             "EUR:2", "--listen", bank.address, "--unlock"]
    more = [] if Bank.namespaces else ["--namespaces", "off"]
    for how in ("credential:", "card:x", "bank-key"):
        bank.ctl(*words, how, *more, conf=False).ends(USAGE, "--unlock is")
    path.write_bytes(b"x" * 31)
    path.chmod(0o600)
    bank.ctl(*words, f"credential:{path}", *more, conf=False).ends(
        BAD_DATA, "32 bytes")
    check(not bank.conf.exists(), "a bank is there")
    path.unlink()
    bank.ctl(*words, f"credential:{path}", *more, conf=False).ends(
        DONE, f"LoadCredential=bank-key:{path}")
    equal(path.stat().st_size, 32)
    equal(path.stat().st_mode & 0o777, 0o600)
    contains(bank.conf.read_text(), "credential = bank-key")
    bank.start_refused().ends(CONFIG, "LoadCredential=bank-key:FILE")
    os.environ["CREDENTIALS_DIRECTORY"] = str(bank.base)
    try:
        bank.start()
    finally:
        os.environ.pop("CREDENTIALS_DIRECTORY")
    equal(listed(bank), [(1, "credential")])
    locked_then(bank, "--credential", path).ends(DONE)
    bank.ctl("seal", "add", f"passphrase-file:{bank.base}/passphrase",
             "--credential", path).ends(DONE)
    bank.ctl("lock").ends(DONE)
    with_passphrase(bank, (bank.base / "passphrase").read_text(),
                    "unlock").ends(DONE)


@scenario
def given_a_credential_beside_the_configuration_then_a_stopped_bank_opens():
    bank = Bank(temporary_directory(), free_port())
    path, away = bank.directory / "bank-key", bank.base / "bank-key"
    more = [] if Bank.namespaces else ["--namespaces", "off"]
    bank.ctl("init", "--dir", bank.directory, "--name", "Test Bank", "--unit",
             "EUR:2", "--listen", bank.address, "--unlock",
             f"credential:{away}", *more, conf=False).ends(DONE)
    os.environ["CREDENTIALS_DIRECTORY"] = str(bank.base)
    try:
        bank.start()
        bank.ctl("backup", bank.base / "backup").ends(DONE)
        bank.stop()
    finally:
        os.environ.pop("CREDENTIALS_DIRECTORY")
    check_it = ("restore", "--check", bank.base / "backup")
    said = bank.ctl(*check_it)
    said.ends(USAGE, f"{path} is not there", "--credential FILE")
    check("--accept-loss" not in said.err, said.err)
    bank.ctl(*check_it, "--credential", away).ends(DONE)
    path.write_bytes(b"x" * 32)
    path.chmod(0o600)
    # which opens nothing: that says nothing of what was signed
    said = bank.ctl(*check_it)
    said.ends(UNREACHABLE, "its own lines say why")
    check("--accept-loss" not in said.err, said.err)
    path.write_bytes(away.read_bytes())
    for words in (check_it, ("restore", bank.base / "backup"), ("certify",)):
        bank.ctl(*words).ends(DONE, f"{path} opens the keys")
    bank.ctl("restore", bank.base / "backup").ends(
        DONE, f"Start it:  strongroomd -c {bank.conf}\n"
        "by a systemd service with LoadCredential=bank-key:FILE")
    # the daemon takes it from systemd, and from nowhere else
    bank.start_refused().ends(CONFIG, "LoadCredential=bank-key:FILE")
    path.chmod(0o644)
    bank.ctl(*check_it).ends(CONFIG, "chmod 600")


@scenario
def given_a_bank_that_asks_when_started_then_systemds_question_opens_it():
    if not os.access("/usr/bin/systemd-ask-password", os.X_OK):
        skip("systemd-ask-password is not installed")
    bank = open_bank()
    bank.stop()
    text = bank.conf.read_text()
    bank.conf.write_text(text.replace(
        f"passphrase-file = {bank.base}/passphrase", "ask = yes"))
    secret = (bank.base / "passphrase").read_text().strip()
    try:
        for typed, shown, code in (
                ("nonsense", "does not open the sealed root", CONFIG),
                (secret, "listening on", DONE)):
            with Terminal([MONITOR, "-c", bank.conf],
                          bank.environment("operator")) as screen:
                screen.expect("Passphrase that opens the keys of Test Bank")
                screen.type(typed)
                screen.expect(shown)
                if code == DONE:
                    bank.ctl("status").ends(DONE, "opened by")
                    os.kill(screen.pid, signal.SIGTERM)
                equal(screen.end(), code, screen.shown)
    finally:
        bank.conf.write_text(text)


@scenario
def given_a_stopped_bank_then_what_opens_it_is_listed_as_of_one_that_runs():
    bank = open_bank()
    running = bank.ctl("seal", "--json").ends(DONE).out
    text = bank.ctl("seal").ends(DONE).out
    bank.stop()
    equal(bank.ctl("seal", "--json").ends(DONE, "the bank is stopped").out,
          running)
    equal(bank.ctl("seal").ends(DONE).out, text)
    path = bank.keyd / "root.sealed"
    path.rename(bank.base / "away")
    bank.ctl("seal").ends(DECLINED, "root.sealed: ")
    (bank.base / "away").rename(path)
    with spoilt(path, lambda path: path.write_bytes(b"SRSEAL01")):
        bank.ctl("seal").ends(DECLINED, "root.sealed: ")
    bank.start()


@contextlib.contextmanager
def spoilt(path, how):
    kept = path.read_bytes(), path.stat().st_mode & 0o777
    how(path)
    try:
        yield
    finally:
        path.write_bytes(kept[0])
        path.chmod(kept[1])


def overwrite(path):
    path.write_bytes(b"x" * path.stat().st_size)


@scenario
def given_a_question_beside_a_file_when_all_else_fails_then_the_start_ends():
    """Only a secret that is not there or wrong makes it ask."""
    bank = open_bank()
    bank.stop()
    text = bank.conf.read_text()
    file = bank.base / "passphrase"
    secret = file.read_text()
    asks = "Passphrase that opens the keys of Test Bank"
    bank.conf.write_text(text.replace("[unlock]\n", "[unlock]\nask = yes\n"))
    try:
        for path, how, code in (
                (bank.keyd / "state", overwrite, UNREACHABLE),
                (bank.keyd / "root.sealed", overwrite, CONFIG),
                (bank.keyd / "limits", lambda path: path.chmod(0o644),
                 CONFIG),
                (file, lambda path: path.chmod(0o644), CONFIG)):
            with spoilt(path, how):
                said = bank.start_refused().ends(code, path.name)
                check("asks for the passphrase" not in said.err, said)
        if not os.access("/usr/bin/systemd-ask-password", os.X_OK):
            skip("systemd-ask-password is not installed")
        with spoilt(file, lambda path: path.write_text("another")), \
                Terminal([MONITOR, "-c", bank.conf],
                         bank.environment("operator")) as screen:
            # nor does what else fails count as a wrong one
            with spoilt(bank.keyd / "state", overwrite):
                for _ in range(11):
                    screen.expect(asks)
                    screen.type(secret.strip())
                screen.expect(asks)
            screen.type(secret.strip())
            screen.expect("unlocked: customers are served")
            os.kill(screen.pid, signal.SIGTERM)
            equal(screen.end(), DONE, screen.shown)
    finally:
        bank.conf.write_text(text)
    bank.start()


@scenario
def given_a_question_whose_answer_never_ends_then_nothing_waits_for_it():
    if not namespaces_available() or os.geteuid() != 0:
        skip("nothing can be put in the place of systemd-ask-password")
    if not os.access("/usr/bin/systemd-ask-password", os.X_OK):
        skip("systemd-ask-password is not installed")
    bank = open_bank()
    bank.stop()
    text = bank.conf.read_text()
    secret = (bank.base / "passphrase").read_text()
    asker = bank.base / "asker"
    asker.write_text("#!/bin/sh\nprintf half\nsleep 1000 </dev/null "
                     f"2>/dev/null &\necho $! >>{bank.base}/asked\n")
    asker.chmod(0o755)
    words = [shutil.which("unshare"), "--mount", "--propagation", "private",
             "sh", "-c",
             f"mount --bind {asker} /usr/bin/systemd-ask-password && "
             f"exec {MONITOR} -c {bank.conf}"]
    try:
        for unlock in ("ask = yes", "credential = none\nask = yes"):
            bank.conf.write_text(text.replace(
                f"passphrase-file = {bank.base}/passphrase", unlock))
            with Terminal(words, bank.environment("operator")) as screen:
                if unlock == "ask = yes":
                    screen.expect("does not open the sealed root")
                    equal(screen.end(), CONFIG, screen.shown)
                    continue
                screen.expect("nobody is asked for a passphrase any more")
                with_passphrase(bank, secret, "unlock").ends(DONE)
                os.kill(screen.pid, signal.SIGTERM)
                equal(screen.end(), DONE, screen.shown)
        equal(len((bank.base / "asked").read_text().split()), 11)
        # one that nobody answers ends with the bank
        asker.write_text("#!/bin/sh\necho half >/dev/tty\nexec sleep 1000\n")
        bank.conf.write_text(text.replace(
            f"passphrase-file = {bank.base}/passphrase", "ask = yes"))
        with Terminal(words, bank.environment("operator")) as screen:
            screen.expect("half")
            os.kill(screen.pid, signal.SIGTERM)
            equal(screen.end(), DONE, screen.shown)
    finally:
        bank.conf.write_text(text)
        for pid in (bank.base / "asked").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
    bank.start()


@scenario
def given_a_credential_or_a_question_when_it_is_gone_then_locked_and_asked():
    if not os.access("/usr/bin/systemd-ask-password", os.X_OK):
        skip("systemd-ask-password is not installed")
    bank = open_bank()
    add_credential(bank, "asked-key")
    bank.stop()
    text = bank.conf.read_text()
    bank.conf.write_text(text.replace(
        f"passphrase-file = {bank.base}/passphrase",
        "credential = asked-key\nask = yes"))
    secret = (bank.base / "passphrase").read_text().strip()
    asks = "Passphrase that opens the keys of Test Bank"
    os.environ.pop("CREDENTIALS_DIRECTORY", None)
    try:
        with Terminal([MONITOR, "-c", bank.conf],
                      bank.environment("operator")) as screen:
            screen.expect("LoadCredential=asked-key:FILE")
            for typed in ("nonsense", secret):
                screen.expect(asks)
                equal(bank.status()["state"], "locked")
                screen.type(typed)
            screen.expect("unlocked: customers are served")
            bank.balance("ada")
            # who locks it does not want to be asked
            bank.ctl("lock").ends(DONE)
            bank.ctl("unlock", "--credential",
                     bank.base / "asked-key").ends(DONE)
            check(screen.shown.count(asks) == 2, screen.shown)
            os.kill(screen.pid, signal.SIGTERM)
            equal(screen.end(), DONE, screen.shown)
        # ten wrong ones, and it asks no more
        with Terminal([MONITOR, "-c", bank.conf],
                      bank.environment("operator")) as screen:
            for _ in range(10):
                screen.expect(asks)
                screen.type("nonsense")
            screen.expect("nobody is asked for a passphrase any more")
            check(screen.shown.count(asks) == 10, screen.shown)
            with_passphrase(bank, secret, "unlock").ends(DONE)
            os.kill(screen.pid, signal.SIGTERM)
            equal(screen.end(), DONE, screen.shown)
        # a credential that opens it asks nobody, nor does a single command
        os.environ["CREDENTIALS_DIRECTORY"] = str(bank.base)
        bank.start()
        equal(bank.status()["state"], "open")
        bank.stop()
        os.environ.pop("CREDENTIALS_DIRECTORY")
        bank.start_refused("--certify").ends(CONFIG, "LoadCredential")
    finally:
        os.environ.pop("CREDENTIALS_DIRECTORY", None)
        bank.conf.write_text(text)
    bank.start()
    only(bank)


@scenario
def given_descriptors_with_a_change_when_unfit_then_refused_and_not_kept():
    bank = open_bank()
    root = (bank.keyd / "root.sealed").read_bytes()
    before = len(os.listdir(f"/proc/{bank.process.pid}/fd"))
    fields = {"change": 1, "kind": 1, "new_kind": 2, "quorum": 0, "shares": 0,
              "number": 0}
    read, write = os.pipe()
    equal(ask_monitor(bank, "seal_change", (), **fields),
          ("control_refused", {"error": MALFORMED}))
    for hand in (read, write):
        equal(ask_monitor(bank, "seal_change", (hand,), **fields),
              ("control_refused", {"error": PARAMETERS}))
    secret = (bank.base / "passphrase").read_bytes().strip()
    new = b"\x01\x00k" + b"\x20\x00" + bytes(32)
    for request, change, answer in (
            (b"", {}, MALFORMED), (b"\xff\xff", {}, MALFORMED),
            (new, {}, None), (new + secret, {"change": 4}, None),
            (new + secret, {"change": 3, "number": 1}, MALFORMED),
            (b"\0\0\0\0" + secret, {"change": 3, "number": 1}, NOT_FOUND),
            (new + secret, {"new_kind": 0}, MALFORMED),
            (new + secret, {"new_kind": 4}, None),
            (new + secret, {"new_kind": 3, "quorum": 2, "shares": 3},
             MALFORMED),
            (b"\1\0k\0\0" + secret,
             {"new_kind": 3, "quorum": 4, "shares": 3}, PARAMETERS),
            (b"\1\0k\0\0" + secret,
             {"new_kind": 3, "quorum": 1, "shares": 3}, PARAMETERS),
            (new + secret, {"change": 2, "number": 1}, MALFORMED),
            (b"\0\0\0\0" + secret, {"change": 2, "number": 1}, LAST),
            (b"\1\0\n\x20\0" + bytes(32) + secret, {}, MALFORMED),
            (b"\x20\0" + b"x" * 32 + b"\x20\0" + bytes(32) + secret, {},
             MALFORMED),
            (new + b"x" * 8000, {}, None)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(request)
            ours.shutdown(socket.SHUT_WR)
            name, _ = ask_monitor(bank, "seal_change", (theirs.fileno(),),
                                  **{**fields, **change})
            equal(name, "control_refused", request)
            theirs.close()
            try:
                said = ours.recv(4096)
            except ConnectionResetError:    # nobody read all of it
                said = b""
            if answer is not None:
                equal(said, answer.to_bytes(2, "little"), (request, change))
    # one who does not end the request does not make anybody wait
    ours, theirs = socket.socketpair()
    with ours, theirs:
        equal(ask_monitor(bank, "seal_change", (theirs.fileno(),),
                          **fields)[0], "control_refused")
    os.close(read)
    os.close(write)
    wait_until(lambda: len(os.listdir(f"/proc/{bank.process.pid}/fd"))
               == before, "the same descriptors")
    equal((bank.keyd / "root.sealed").read_bytes(), root)
    check(not list(bank.keyd.glob("*.new")), "a new file is left")
    bank.look_at_walls()


@scenario
def given_numbers_of_shares_with_a_credential_then_the_bank_still_opens():
    """They would stand where none may be, in a file that no start reads."""
    bank = open_bank()
    fields = {"change": 1, "kind": 1, "new_kind": 2, "quorum": 2, "shares": 3,
              "number": 0}
    secret = (bank.base / "passphrase").read_bytes().strip()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"\x01\x00k" + b"\x20\x00" + bytes(range(32)) + secret)
        ours.shutdown(socket.SHUT_WR)
        equal(ask_monitor(bank, "seal_change", (theirs.fileno(),),
                          **fields)[0], "sealed")
    bank.ctl("lock").ends(DONE)
    bank.ctl("unlock").ends(DONE)
    contains(bank.ctl("seal").ends(DONE).out, "credential")


@scenario
def given_a_quorum_of_shares_when_given_then_it_opens_and_no_other_does():
    bank = open_bank()
    secret = (bank.base / "passphrase").read_bytes().strip()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"\5\0board\0\0" + secret)
        ours.shutdown(socket.SHUT_WR)
        equal(ask_monitor(bank, "seal_change", (theirs.fileno(),), change=1,
                          kind=1, new_kind=3, quorum=2, shares=3,
                          number=0)[0], "sealed")
        theirs.close()
        said = b"".join(iter(lambda: ours.recv(4096), b""))
    equal(len(said), 2 + 3 * 40)
    equal(said[:2], b"\0\0")
    one, two, three = (said[2 + 40 * i:42 + 40 * i] for i in range(3))
    root = (bank.keyd / "root.sealed").read_bytes()
    for share in (one, two, three):
        check(share[8:] not in root, "a share stands in root.sealed")
        check(hashlib.sha256(share).digest()[:8] in root, "its hash")
    contains(bank.ctl("seal").out, "shares (2 of 3)", "board")
    altered = two[:39] + bytes([two[39] ^ 1])
    other_set = two[:6] + bytes([two[6] ^ 1]) + two[7:]
    bank.ctl("lock").ends(DONE)
    for records in (b"", one, one + one, one + altered, one + other_set,
                    one + two[:39], one + two + altered, one + b"\0" * 40,
                    one + two + three + one):
        with pipe_of(records) as hand:
            equal(ask_monitor(bank, "unlock", (hand,), kind=3),
                  ("control_refused", {"error": SHARES}), records.hex())
    for records in (one + two, three + one, two + three, one + two + three):
        with pipe_of(records) as hand:
            equal(ask_monitor(bank, "unlock", (hand,), kind=3)[0], "unlocked")
        bank.look_at_walls()
        bank.ctl("lock").ends(DONE)
    bank.ctl("unlock").ends(DONE)
    only(bank)
    bank.ctl("lock").ends(DONE)
    with pipe_of(one + two) as hand:
        equal(ask_monitor(bank, "unlock", (hand,), kind=3),
              ("control_refused", {"error": UNLOCK_KIND}))
    bank.ctl("unlock").ends(DONE)


@scenario
def given_a_bad_sealed_file_when_started_then_each_damage_has_its_sentence():
    bank = open_bank()
    bank.stop()
    root = bank.keyd / "root.sealed"
    good, owner = root.read_bytes(), root.stat()

    def put(data, mode=0o600):
        root.unlink()
        root.write_bytes(data)
        root.chmod(mode)
        os.chown(root, owner.st_uid, owner.st_gid)

    other = Bank.found()
    for data, sentence in (
            (b"", "is cut off"), (good[:7], "is cut off"),
            (good[:-1], "is cut off"), (good + b"\0", "goes on after"),
            (good[:8] + b"\3" + good[9:], "newer version"),
            (b"X" + good[1:], "damaged"),
            ((bank.keyd / "identity.sealed").read_bytes(), "damaged"),
            ((other.keyd / "root.sealed").read_bytes(), "does not open")):
        put(data)
        bank.start_refused().ends(CONFIG, sentence)
    # another bank's that opens with the same passphrase
    other.start()
    other.ctl("seal", "add",
              f"passphrase-file:{bank.base}/passphrase").ends(DONE)
    other.stop()
    put((other.keyd / "root.sealed").read_bytes())
    bank.start_refused().ends(UNREACHABLE, "root.sealed is another bank's")
    put(good, 0o640)
    bank.start_refused().ends(CONFIG, "others could read it; chmod 600")
    root.unlink()
    root.mkdir(0o700)
    bank.start_refused().ends(CONFIG, "it is a directory")
    root.rmdir()
    (bank.base / "real").write_bytes(good)
    root.symlink_to(bank.base / "real")
    bank.start_refused().ends(CONFIG, "symbolic link; put the file itself")
    put(good)
    shutil.copy(other.keyd / "identity.sealed",
                bank.keyd / "identity.sealed.other")
    os.replace(bank.keyd / "identity.sealed", bank.base / "identity")
    os.replace(bank.keyd / "identity.sealed.other",
               bank.keyd / "identity.sealed")
    bank.start_refused("--certify").ends(CONFIG, "is another bank's")
    os.replace(bank.base / "identity", bank.keyd / "identity.sealed")
    bank.start()


@scenario
def given_a_kill_at_any_step_of_a_change_then_old_or_new_and_whole():
    """strongroomd is killed at each system call by which the change shows."""
    if os.geteuid() != 0 or not shutil.which("strace"):
        skip("needs root and strace")
    bank = open_bank()
    seen = set()
    for call, when in (("unlinkat", 1), ("renameat", 1), ("fsync", 1),
                       ("fsync", 2), ("renameat", 2)):
        before = listed(bank)
        tracer = subprocess.Popen(
            ["strace", "-p", str(bank.process.pid), "-o", "/dev/null",
             "-e", f"trace={call}",
             "-e", f"inject={call}:signal=KILL:when={when}"],
            stderr=subprocess.PIPE)
        contains(tracer.stderr.readline().decode(), "attached", "strace")
        done = bank.ctl("seal", "add",
                        f"credential:{bank.base}/key-{call}{when}")
        if done.code == DONE:
            tracer.terminate()
            tracer.wait()
        else:
            tracer.wait()
            bank.process.wait()
            bank.process = None
            bank.start()
        after = listed(bank)
        check(after[:len(before)] == before and
              len(after) - len(before) in (0, 1), f"{call} {when}: {after}")
        seen.add(len(after) - len(before))
        # the next change finds its way past what was left
        add_credential(bank, "again")
        only(bank)
        check(not list(bank.keyd.glob("*.new")), "a new file is left")
    equal(seen, {0, 1}, "old and new were seen")


@scenario
def given_a_bank_of_version_1_when_changed_then_both_files_are_of_version_2():
    fixture = Fixture(TOP / "tests/fixtures/v4")
    fixture.unpack()
    bank = fixture.bank
    equal((bank.keyd / "root.sealed").stat().st_size, 152)
    bank.start()
    contains(bank.ctl("seal").out, "by an older version")
    identity = bank.keyd / "identity.sealed"
    identity.rename(bank.base / "away")
    bank.ctl("seal", "add", f"credential:{bank.base}/key").ends(
        CONFIG, "put it into the keyd directory")
    (bank.base / "away").rename(identity)
    old = identity.read_bytes()
    bank.ctl("seal", "add", f"credential:{bank.base}/key").ends(DONE)
    equal(listed(bank), [(1, "passphrase"), (2, "credential")])
    equal((bank.keyd / "root.sealed").stat().st_size,
          HEADER + 2 * ENVELOPE + WRAPPED)
    equal(identity.stat().st_size, HEADER + WRAPPED)
    bank.stop()
    bank.ctl("certify").ends(DONE)
    # as after a power cut between the two names: the passphrase opens both
    new = identity.read_bytes()
    identity.write_bytes(old)
    bank.ctl("certify").ends(DONE)
    bank.start()
    locked_then(bank, "--credential", bank.base / "key").ends(DONE)
    add_credential(bank, "third")
    check(identity.read_bytes() not in (old, new), "it is not sealed anew")
    equal(identity.stat().st_size, HEADER + WRAPPED)
    bank.stop()
    bank.ctl("certify").ends(DONE)


@scenario
def given_a_backup_when_restored_then_any_way_of_its_time_opens():
    bank = open_bank()
    path = add_credential(bank, "key")
    number = listed(bank)[-1][0]
    copy = bank.base / "backup"
    bank.ctl("backup", copy).ends(DONE)
    bank.ctl("seal", "remove", number).ends(DONE)
    locked_then(bank, "--credential", path).ends(WRONG_PASSWORD)
    bank.ctl("unlock").ends(DONE)
    bank.stop()
    shutil.rmtree(bank.keyd)
    # by any of them, whatever the configuration starts with
    bank.ctl("restore", "--check", "--credential", path, copy).ends(DONE)
    wrong = bank.base / "wrong"
    wrong.write_bytes(os.urandom(32))
    wrong.chmod(0o600)
    bank.ctl("restore", "--check", "--credential", wrong, copy).ends(
        UNREACHABLE, "does not open")
    (bank.base / "passphrase").rename(bank.base / "away")
    said = bank.ctl("restore", "--accept-loss", copy)
    said.ends(USAGE, "--credential FILE or --shares")
    check("goes back to it" not in said.err, "a loss is offered for a secret")
    bank.ctl("restore", "--accept-loss", "--credential", path,
             copy).ends(DONE)
    (bank.base / "away").rename(bank.base / "passphrase")
    bank.start()
    # the copy is from before the removal, and so is what opens it
    equal(listed(bank)[-1][0], number)
    locked_then(bank, "--credential", path).ends(DONE)
    only(bank)


if __name__ == "__main__":
    run()
