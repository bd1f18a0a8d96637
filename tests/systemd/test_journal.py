#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
What systemd's journal has of a bank's day: each event once, with its fields
and its sentence in the catalogue; lines of the rooms with their priority; and
nowhere a secret, a name or an amount.

Run by hand it boots a machine of its own (tests/systemd/boot) and runs itself
in there.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.machine import in_a_machine                        # noqa: E402
from lib.scenario import (check, contains, equal, scenario,  # noqa: E402
                          wait_until)

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD") or TOP / "build")
BUILD = BUILD if BUILD.is_absolute() else TOP / BUILD
CATALOGUE = BUILD / "gen/strongroom.catalog"
BASE = Path("/srv/bank")
BANK = BASE / "d"
CONF = BANK / "strongroom.conf"
UNIT = Path("/etc/systemd/system/strongroom.service")
NAME = "Test Bank"
SECRET = "Das weiss nur die Kasse"
PEOPLE = {"walburga": "hinterm Ofen liegt er", "kunigunde": "vor der Tuer"}
PROGRAMS = ("strongroomd", "keyd", "netd", "ledgerd", "strongroom-unlock")


def command(*words, give="", code=0):
    result = subprocess.run([str(word) for word in words],
                            input=give.encode(), capture_output=True,
                            timeout=90, check=False,
                            env=dict(os.environ, XDG_STATE_HOME="/srv/state"))
    if code is not None and result.returncode != code:
        check(False, f"{words} ended with {result.returncode}: "
              f"{result.stdout} {result.stderr} {lines()[-20:]}")
    return result.stdout.decode()


def ctl(*words, **options):
    return command("strongroomctl", "-c", CONF, *words, **options)


def atm(user, *words):
    return command("atm", "--bank", BANK / "bank.id", "--user", user,
                   "--password-fd", "0", *words, give=PEOPLE[user] + "\n")


def entries(*words):
    """The unit's entries; the journal is asked to have them all first."""
    command("journalctl", "--sync")
    found = [json.loads(line) for line in command(
        "journalctl", "-u", "strongroom", "-o", "json", "--all",
        *words).splitlines()]
    return [entry for entry in found
            if entry.get("_SYSTEMD_UNIT") == "strongroom.service"]


def lines():
    return [entry.get("MESSAGE") for entry in entries()]


def kinds():
    """The names of events.def by their MESSAGE_ID."""
    text = (TOP / "policy/events.def").read_text(encoding="ascii")
    return {number: name for name, number in
            re.findall(r"^event (\w+) ([0-9a-f]{32})$", text, re.M)}


def by_strongroomd(entry):
    """The journal looks at a process at most once a second, and sees it first
    with the name it has just before systemd executes the program."""
    return entry.get("_COMM") in ("strongroomd", "(ongroomd)")


def events(kind):
    """Those of a kind, the oldest first, with what each of them has."""
    names, everything = kinds(), entries()
    found = [entry for entry in everything
             if names.get(entry.get("MESSAGE_ID")) == kind]
    for entry in found:
        equal(entry["STRONGROOM_BANK"], NAME)
        equal(entry["SYSLOG_IDENTIFIER"], "strongroomd")
        check(by_strongroomd(entry), entry["_COMM"])
        # strongroomd tells it once; a room or strongroomctl may have a line.
        told = [one.get("MESSAGE_ID") for one in everything
                if by_strongroomd(one) and
                entry["MESSAGE"] in one["MESSAGE"]]
        equal(told, [entry["MESSAGE_ID"]] * len(told), "who tells it")
    return found


def last(kind, count, **fields):
    """The newest of so many, with these fields."""
    found = wait_until(lambda: len(events(kind)) >= count and events(kind),
                       f"{count} x {kind}")
    equal(len(found), count, f"how often there is {kind}")
    for field, value in fields.items():
        equal(found[-1].get(field), value, field)
    return found[-1]


def state():
    return json.loads(ctl("status", "--json", code=None) or "{}").get("state")


def rooms():
    pid = command("systemctl", "show", "-P", "MainPID", "strongroom").strip()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {Path(f"/proc/{child}/comm").read_text().strip(): int(child)
            for child in children}


def configure(before, after):
    text = CONF.read_text()
    check(before in text, text)
    CONF.write_text(text.replace(before, after))


@scenario
def given_a_bank_when_it_starts_then_the_journal_has_that_it_is_open():
    for room in ("keyd", "netd", "ledgerd"):
        command("useradd", "--system", f"strongroom-{room}")
    shutil.copyfile(CATALOGUE, "/usr/lib/systemd/catalog/strongroom.catalog")
    command("journalctl", "--update-catalog")
    BASE.mkdir(mode=0o755, parents=True)
    (BASE / "passphrase").write_text(SECRET)
    (BASE / "passphrase").chmod(0o600)
    command("strongroomctl", "init", "--dir", BANK, "--name", NAME, "--unit",
            "EUR:2", "--listen", "127.0.0.1:7420", "--unlock",
            f"passphrase-file:{BASE}/passphrase")
    UNIT.write_text("[Service]\nType=notify\n"
                    f"ExecStart=/usr/local/sbin/strongroomd -c {CONF}\n"
                    f"ExecReload=/usr/local/bin/strongroomctl -c {CONF} "
                    "reload\n")
    command("systemctl", "daemon-reload")
    command("systemctl", "start", "strongroom")
    opened = last("opened", 1, PRIORITY="5", _TRANSPORT="journal")
    contains(opened["MESSAGE"], "the bank is open")
    # Ordinary lines come by the stream, with the priority taken off.
    line = [entry for entry in entries()
            if "listening on 127.0.0.1:7420" in entry["MESSAGE"]]
    equal([(one["PRIORITY"], one["_TRANSPORT"], one["MESSAGE"])
           for one in line],
          [("6", "stdout", "strongroom: listening on 127.0.0.1:7420")])


@scenario
def given_a_day_when_customers_come_then_no_event_tells_of_them():
    count = len([entry for entry in entries() if "MESSAGE_ID" in entry])
    for user in PEOPLE:
        atm(user, "register")
    ctl("--as", BANK / "operator-1.card", "--approve",
        BANK / "operator-2.card", "terminal", "add", "lobby", "--max",
        "9173.00", "--out", BASE / "lobby.card")
    command("atm", "--bank", BANK / "bank.id", "--terminal",
            BASE / "lobby.card", "--user", "walburga", "--password-fd", "0",
            "deposit", "4711.00", give=PEOPLE["walburga"] + "\n")
    atm("walburga", "transfer", "kunigunde", "815.00")
    equal(len([entry for entry in entries() if "MESSAGE_ID" in entry]), count)


@scenario
def given_netd_when_killed_then_its_end_and_the_next_generation_are_events():
    os.kill(rooms()["netd"], signal.SIGKILL)
    last("netd_anew", 1, STRONGROOM_ROOM="netd", STRONGROOM_GENERATION="2",
         PRIORITY="4")
    ended = last("room_ended", 1, STRONGROOM_ROOM="netd", PRIORITY="3",
                 STRONGROOM_HOW="signal", STRONGROOM_STATUS="9")
    equal(ended["MESSAGE"], "netd was killed by signal 9")


@scenario
def given_a_reload_when_asked_through_systemd_then_it_is_an_event():
    configure("[keyd]\n", "[keyd]\nregistration = closed\n"
              if "registration" not in CONF.read_text() else "[keyd]\n")
    text = CONF.read_text()
    CONF.write_text(re.sub("registration = .*", "registration = invite",
                           text))
    command("systemctl", "reload", "strongroom")
    last("reloaded", 1, STRONGROOM_CHANGED="[keyd] registration",
         PRIORITY="5")
    good = CONF.read_text()
    CONF.write_text(good + "[netd]\nmax-connections = many\n")
    command("systemctl", "reload", "strongroom", code=1)
    refused = last("reload_refused", 1, STRONGROOM_WHY="SR_CONFIG",
                   PRIORITY="3")
    contains(refused["MESSAGE"], f"{CONF}:{good.count(chr(10)) + 2}: "
             "[netd] max-connections")
    equal(command("systemctl", "is-active", "strongroom"), "active\n")
    CONF.write_text(good)


@scenario
def given_another_way_to_open_when_added_then_its_number_is_told():
    command("sh", "-c", f"umask 077; head -c 32 /dev/urandom >{BASE}/more")
    ctl("seal", "add", f"credential:{BASE}/more", "--label", "geheimfach")
    changed = last("seal_changed", 1, STRONGROOM_CHANGE="added",
                   STRONGROOM_KIND="credential", PRIORITY="4")
    equal(changed["STRONGROOM_NUMBER"], "2")


@scenario
def given_a_wrong_secret_when_unlocked_then_the_failure_is_an_event():
    ctl("lock")
    last("locked", 1, PRIORITY="5")
    command("sh", "-c", f"umask 077; head -c 32 /dev/urandom >{BASE}/wrong")
    ctl("unlock", "--credential", BASE / "wrong", code=77)
    last("unlock_failed", 1, STRONGROOM_WHY="SR_UNLOCK", PRIORITY="3")
    last("locked", 2)
    ctl("unlock")
    last("unlocked", 1, PRIORITY="5")
    equal(state(), "open")


@scenario
def given_a_reserve_that_is_not_there_then_the_closed_bank_is_an_event():
    text = CONF.read_text()
    free = os.statvfs(BANK / "ledger")
    if free.f_bavail * free.f_frsize > 2000 << 20:
        # so that 2048M are more than there is
        command("fallocate", "-l", str(free.f_bavail * free.f_frsize -
                                       (1000 << 20)), BASE / "ballast")
    CONF.write_text(text.replace("[ledgerd]\n", "[ledgerd]\nreserve = 2048M\n")
                    if "[ledgerd]" in text else
                    text + "\n[ledgerd]\nreserve = 2048M\n")
    ctl("reload")
    closed = last("ledgerd_closed", 1, STRONGROOM_WHY="SR_NO_SPACE",
                  STRONGROOM_ROOM="ledgerd", PRIORITY="3")
    contains(closed["MESSAGE"], "closed for orders: the disk is full")
    CONF.write_text(text)
    (BASE / "ballast").unlink(missing_ok=True)
    ctl("reload")
    last("ledgerd_open", 1, STRONGROOM_ROOM="ledgerd", PRIORITY="5")
    # The room's own lines are there, too, as warnings.
    line = [entry for entry in entries() if entry.get("_COMM") == "ledgerd" and
            entry["MESSAGE"].startswith("ledgerd: warning: the bank is closed")]
    equal([entry["PRIORITY"] for entry in line], ["4"])


@scenario
def given_the_end_when_asked_for_then_it_is_the_units_last_event():
    command("systemctl", "stop", "strongroom")
    last("stopping", 1, PRIORITY="5")
    command("systemctl", "start", "strongroom")
    last("opened", 2)
    command("systemctl", "stop", "strongroom")
    last("stopping", 2)


@scenario
def given_an_older_keyd_when_it_starts_then_the_history_is_an_alert():
    saved = BASE / "saved"
    shutil.copytree(BANK / "keyd", saved)
    command("systemctl", "start", "strongroom")
    atm("kunigunde", "transfer", "walburga", "1.00")
    command("systemctl", "stop", "strongroom")
    for path in saved.iterdir():
        (BANK / "keyd" / path.name).write_bytes(path.read_bytes())
    command("systemctl", "start", "strongroom", code=1)
    refused = last("history_refused", 1, PRIORITY="1",
                   STRONGROOM_ROOM="keyd", STRONGROOM_WHY="SR_ROLLED_BACK")
    check(int(refused["STRONGROOM_TOLD"]) > int(refused["STRONGROOM_SIGNED"]),
          str(refused))
    # Why a start fails stands in its lines.
    check(any("state: keyd signed" in line for line in lines()), str(lines()))


@scenario
def given_a_wrong_configuration_at_the_start_then_the_unit_has_the_line():
    text = CONF.read_text()
    CONF.write_text("nonsense\n" + text)
    command("systemctl", "reset-failed", "strongroom")
    command("systemctl", "start", "strongroom", code=1)
    wait_until(lambda: any(f"{CONF}:1: the line is neither" in (line or "")
                           for line in lines()), "the sentence")
    entry = [one for one in entries() if f"{CONF}:1:" in one["MESSAGE"]][-1]
    equal((entry["PRIORITY"], entry["_TRANSPORT"]), ("3", "stdout"))
    CONF.write_text(text)


@scenario
def given_the_catalogue_then_journalctl_explains_each_event():
    said = command("journalctl", "-u", "strongroom", "-x", "--no-pager")
    contains(said, "The bank was not unlocked")
    contains(said, "man:strongroomd(8)")
    contains(said, f"The rooms of {NAME} are behind their walls")
    contains(said, "The netd of generation 2 serves.")
    dumped = command("journalctl", "--dump-catalog", *kinds())
    for number in kinds():
        contains(dumped, number, "the catalogue")


@scenario
def given_the_whole_journal_then_it_has_no_secret_no_name_and_no_amount():
    command("journalctl", "--sync")
    said = subprocess.run(
        ["journalctl", "-o", "export", *(f"_COMM={name}"
                                         for name in PROGRAMS)],
        capture_output=True, timeout=90, check=True).stdout
    check(len(said) > 5000, f"{len(said)} bytes")
    forbidden = [SECRET, "geheimfach", "4711", "815", "9173",
                 "389600"]      # what walburga is left with
    forbidden += list(PEOPLE) + list(PEOPLE.values())
    # Numbers stand in times and ids, too: of those only the texts count.
    texts = b"\n".join(re.findall(rb"^(?:MESSAGE|STRONGROOM_\w+)=(.*)$", said,
                                  re.M))
    for word in forbidden:
        check(word.encode() not in (texts if word.isdigit() else said),
              f"the journal has {word!r}")
    for path in (BASE / "more", BASE / "wrong"):
        secret = path.read_bytes()
        check(secret not in said and secret.hex().encode() not in said,
              f"the journal has what is in {path}")


if __name__ == "__main__":
    in_a_machine(__file__)
