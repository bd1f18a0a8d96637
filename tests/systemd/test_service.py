#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
The bank as a service of a real systemd, with the unit of policy/systemd: it
starts unattended by a credential, plain or sealed to the machine; without it
the bank is locked, and whoever answers systemd's questions opens it.

Run by hand it boots a machine of its own (tests/systemd/boot) and runs itself
in there.
"""
import configparser
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.machine import in_a_machine                        # noqa: E402
from lib.scenario import (check, contains, equal, scenario,  # noqa: E402
                          wait_until)

BANK = Path("/var/lib/strongroom")
CONF = Path("/etc/strongroom/strongroom.conf")
KEY = Path("/etc/strongroom/bank-key")
UNIT = Path("/usr/local/lib/systemd/system/strongroom.service")
QUESTIONS = Path("/run/systemd/ask-password")
PASSPHRASE = "Zur Kasse, bitte!"
ROOMS = ("keyd", "netd", "ledgerd")


def command(*words, give=b"", code=0):
    result = subprocess.run([str(word) for word in words], input=give,
                            capture_output=True, timeout=60, check=False)
    if code is not None and result.returncode != code:
        journal = subprocess.run(
            ["journalctl", "-u", "strongroom", "-n", "30", "-o", "cat"],
            capture_output=True, timeout=60, check=False).stdout
        check(False, f"{words} ended with {result.returncode}: "
              f"{result.stdout} {result.stderr} {journal}")
    return result.stdout.decode()


def ctl(*words, **options):
    return command("strongroomctl", "-c", CONF, *words, **options)


def state():
    """As systemd sees the unit, as it was told, and as the bank says."""
    told = dict(line.split("=", 1) for line in command(
        "systemctl", "show", "strongroom", "-p", "ActiveState", "-p",
        "StatusText").splitlines())
    said = json.loads(ctl("status", "--json", code=None))["state"]
    return told["ActiveState"], told["StatusText"], said


def question():
    """What systemd asks for now, and where the answer goes; or None."""
    for path in QUESTIONS.glob("ask.*"):
        found = configparser.ConfigParser(interpolation=None)
        with contextlib.suppress(FileNotFoundError):    # answered meanwhile
            found.read_string(path.read_text())
            if found["Ask"].get("Id") == "strongroom":
                return found["Ask"]["Message"], found["Ask"]["Socket"]
    return None


def answer(text):
    """As an agent does; the question that was answered."""
    message, place = wait_until(question, "systemd asks")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as agent:
        agent.sendto(b"+" + text.encode(), place)
    wait_until(lambda: (question() or ("", ""))[1] != place,
               "the answer is taken")
    return message


def rooms():
    """The rooms that run, by the unit's own list of processes."""
    names = []
    for pid in command("systemctl", "show", "-P", "MainPID",
                       "strongroom").split():
        children = Path(f"/proc/{pid}/task/{pid}/children")
        names += [Path(f"/proc/{child}/comm").read_text().strip()
                  for child in children.read_text().split()]
    return sorted(names)


def configure(before, after):
    text = CONF.read_text()
    check(before in text, text)
    CONF.write_text(text.replace(before, after))


@scenario
def given_a_bank_with_a_credential_when_started_then_it_opens_unattended():
    command("systemd-sysusers", "strongroom.conf")
    command("systemd-tmpfiles", "--create", "strongroom.conf")
    command("strongroomctl", "init", "--name", "Test Bank")
    configure("credential = bank-key", "credential = bank-key\nask = yes")
    command("systemctl", "daemon-reload")
    command("systemctl", "start", "strongroom")
    equal(state(), ("active", "open", "open"))
    equal(rooms(), sorted(ROOMS))
    equal(question(), None)
    # only the service sees it, and not where it came from
    check(not Path("/run/credentials/strongroom.service/bank-key").stat()
          .st_mode & 0o077 & ~0o040, "others read the credential")
    secret = Path(tempfile.mkdtemp()) / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    ctl("seal", "add", f"passphrase-file:{secret}", "--credential", KEY)


@scenario
def given_a_locked_bank_when_unlocked_or_restarted_then_it_is_open():
    ctl("lock")
    equal(state(), ("active", "locked", "locked"))
    equal(rooms(), [])
    equal(question(), None)     # who locks it does not want to be asked
    ctl("unlock")
    equal(state(), ("active", "open", "open"))
    ctl("lock")
    command("systemctl", "restart", "strongroom")
    equal(state(), ("active", "open", "open"))
    equal(rooms(), sorted(ROOMS))


@scenario
def given_a_running_bank_when_reloaded_then_it_stays_and_errors_are_told():
    pid = command("systemctl", "show", "-P", "MainPID", "strongroom")
    configure("[netd]\n", "[netd]\nmax-per-address = 32\n")
    command("systemctl", "reload", "strongroom")
    configure("max-per-address = 32\n", "max-per-address = none\n")
    command("systemctl", "reload", "strongroom", code=1)
    configure("max-per-address = none\n", "")
    command("systemctl", "reload", "strongroom")
    equal(state(), ("active", "open", "open"))
    equal(command("systemctl", "show", "-P", "MainPID", "strongroom"), pid)


@scenario
def given_a_credential_sealed_to_the_machine_when_started_then_it_opens():
    command("systemd-creds", "setup")
    sealed = KEY.with_name("bank-key.sealed")
    command("systemd-creds", "encrypt", "--with-key=host", "--name=bank-key",
            KEY, sealed)
    KEY.rename(KEY.with_name("kept"))
    text = UNIT.read_text()
    UNIT.write_text(text.replace("LoadCredential=", "#LoadCredential=")
                    .replace("#LoadCredentialEncrypted=",
                             "LoadCredentialEncrypted="))
    check(UNIT.read_text() != text, "the unit has no such lines")
    command("systemctl", "daemon-reload")
    command("systemctl", "restart", "strongroom")
    equal(state(), ("active", "open", "open"))
    equal(question(), None)
    sealed.unlink()


@scenario
def given_a_damaged_bank_when_started_then_it_fails_and_asks_nobody():
    KEY.with_name("kept").rename(KEY)
    command("systemd-creds", "encrypt", "--with-key=host", "--name=bank-key",
            KEY, KEY.with_name("bank-key.sealed"))
    command("systemctl", "stop", "strongroom")
    path = BANK / "keyd/state"
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    command("systemctl", "start", "strongroom", code=1)
    equal(question(), None)
    equal(command("systemctl", "show", "-P", "Result", "strongroom").strip(),
          "exit-code")
    command("systemctl", "stop", "strongroom")
    command("systemctl", "reset-failed", "strongroom", code=None)
    path.write_bytes(whole)
    command("systemctl", "start", "strongroom")
    equal(state(), ("active", "open", "open"))
    KEY.rename(KEY.with_name("kept"))
    KEY.with_name("bank-key.sealed").unlink()


@scenario
def given_no_credential_when_started_then_locked_and_an_answer_opens_it():
    command("systemctl", "restart", "strongroom")
    equal(state(), ("active", "locked", "locked"))
    contains(command("journalctl", "-u", "strongroom", "-o", "cat"),
             "there is no credential: systemd found none where "
             "LoadCredential= of the service says (/etc/strongroom/bank-key")
    equal(rooms(), ["systemd-ask-pas"])
    contains(ctl("status"), "locked")
    contains(answer("nonsense"), "keys of Test Bank")
    answer(PASSPHRASE)
    wait_until(lambda: state()[1] == "open", "the bank is open")
    equal(rooms(), sorted(ROOMS))
    equal(question(), None)


@scenario
def given_a_question_when_the_operator_unlocks_then_nobody_is_asked_more():
    command("systemctl", "restart", "strongroom")
    wait_until(question, "systemd asks")
    ctl("unlock", "--credential", KEY.with_name("kept"))
    wait_until(lambda: question() is None, "no question")
    equal(state(), ("active", "open", "open"))
    # and a service that is stopped while it asks leaves nothing behind
    command("systemctl", "restart", "strongroom")
    wait_until(question, "systemd asks")
    command("systemctl", "stop", "strongroom")
    equal(question(), None)
    equal(command("systemctl", "show", "-P", "Result", "strongroom").strip(),
          "success")


if __name__ == "__main__":
    in_a_machine(__file__)
