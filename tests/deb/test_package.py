#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only on-demand alone limit=600
"""
The packages as an operator has them: installed into a machine of its own
(tests/systemd/boot), nothing answered; founded, started by its socket, a
customer's day; then what happens to a service: rooms killed and stopped under
load, a start anew, timers, damage, a second bank, a user's own.

`make check-systemd' builds the packages into BUILD/deb.
"""
import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (DONE, INTACT, ROOMS, UNREACHABLE, children,  # noqa: E402
                      process_state, run_program)
from lib.installed import DATA, ETC, Installed, run, shown         # noqa: E402
from lib.machine import in_a_machine                               # noqa: E402
from lib.scenario import (check, contains, equal, scenario,        # noqa: E402
                          wait_until)
from lib.traffic import Traffic                                    # noqa: E402

TOP = Path(__file__).resolve().parents[2]
NAMES = ("ada", "bob", "cyd")
PACKAGES = ("strongroom", "strongroom-client", "strongroom-verify")
LEDGER = DATA / "ledger"

bank = Installed() if "BOOTED" in os.environ else None
canteen = Installed("canteen", 7421) if "BOOTED" in os.environ else None
state = {}


def debs():
    """The newest build's, one of each package."""
    found = [glob.glob(f"{TOP}/build/deb/{name}_*.deb") for name in PACKAGES]
    check(all(len(one) == 1 for one in found),
          f"build/deb has not one of each package: {found}")
    return [one[0] for one in found]


def drop_in(unit, text):
    """What `systemctl edit' would write."""
    path = Path("/etc/systemd/system") / f"{unit}.d/test.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    run("systemctl", "daemon-reload")
    return path


@contextlib.contextmanager
def load():
    """Customers who pay each other meanwhile; then all is counted."""
    if "traffic" in state:
        traffic = state["traffic"]
        traffic.begin({name: (len(traffic.lines(name, "ask")), 0)
                       for name in NAMES})
    else:
        traffic = state["traffic"] = Traffic(bank, NAMES, NAMES)
    try:
        traffic.wait_for(each=3)
        yield traffic
        traffic.wait_for(each=3)
    except BaseException:
        traffic.kill()
        raise
    traffic.end()
    traffic.count([state["hall"]])


def doctor(check_name):
    """State and sentence of one of doctor's checks."""
    said = bank.ctl("doctor", "--json").out.splitlines()
    lines = {line["check"]: line for line in map(json.loads, said)}
    return lines[check_name]["state"], lines[check_name]["text"]


def metric(sample):
    for line in bank.ctl("metrics").out.splitlines():
        if line.startswith(f"strongroom_{sample} "):
            return float(line.split()[-1])
    return None


# ---- The packages ----------------------------------------------------------

@scenario
def given_the_packages_when_installed_then_nothing_is_asked_or_started():
    # a container's, which keeps packages from starting and stopping anything
    Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    run("apt-get", "install", "-y", "--no-install-recommends", *debs(),
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"), limit_s=300)
    for name in PACKAGES:
        equal(run("dpkg", "-V", name), "")
    equal(shown("strongroom.service", "ActiveState", "UnitFileState"),
          ["inactive", "disabled"])
    equal(shown("strongroom.socket", "ActiveState", "UnitFileState"),
          ["inactive", "disabled"])
    equal([path.name for path in DATA.iterdir()] if DATA.exists() else [], [])
    for room in ROOMS:
        run("id", f"strongroom-{room}")
    equal(run("systemctl", "--failed", "--no-legend", "--plain"), "")


@scenario
def given_no_bank_when_started_then_refused_with_what_to_do():
    for one, what in ((bank, "strongroomctl init\n"),
                      (canteen, "strongroomctl init --instance canteen "
                       "--listen ADDRESS\n")):
        run("systemctl", "enable", "--now", one.socket, one.unit, code=1)
        # where systemctl's own words lead
        for words in (["journalctl", "-u", one.socket, "-o", "cat"],
                      ["systemctl", "status", one.socket]):
            contains(run(*words, code=None), "found the bank first: " + what)
        equal(shown(one.unit, "ActiveState"), ["inactive"])
        # nothing holds the address for which a bank is to be founded
        check(shown(one.socket, "ActiveState") != ["active"], one.socket)
        run("systemctl", "disable", one.socket, one.unit)
    run("systemctl", "reset-failed", code=None)


@scenario
def given_init_without_a_word_when_enabled_then_it_serves_behind_its_walls():
    bank.found("Test Bank").start()
    equal(bank.uids(), {room: run("id", "-u", f"strongroom-{room}").strip()
                        for room in ROOMS})
    equal(doctor("sandbox"), ("ok", "all layers in force"))
    equal(doctor("configuration"), ("ok", str(bank.conf)))


@scenario
def given_readmes_next_steps_when_typed_then_a_terminal_is_enrolled():
    text = (TOP / "README.md").read_text()
    text = text[text.index("\n## As a package"):]
    lines = re.findall(r"^    (\S.*?)(?: {2,}#.*)?$",
                       text[:text.index("\n## ", 1)], re.M)
    apt, init, enable, place, terminal, customer = lines[1:]
    contains(apt, "apt install ./build/deb/strongroom*.deb")
    equal(init, "strongroomctl init")
    equal(enable, f"systemctl enable --now {bank.socket} {bank.unit}")
    equal(place, f"cd {DATA}")
    contains(terminal, "terminal add lobby")
    run("sh", "-c", terminal.replace("lobby", "entrance"), cwd=DATA,
        env=dict(os.environ, HOME="/root"))
    check((DATA / "entrance.card").exists(), "no card")
    (DATA / "entrance.card").unlink()
    equal(customer, "atm --bank bank.id --user ada register")


@scenario
def given_a_stopped_bank_when_proved_then_every_attempt_is_stopped():
    bank.stop()
    run("systemctl", "stop", bank.socket)
    with open(ETC / "bank-key", "rb") as key:
        said = run("strongroomd", "-c", bank.conf, "--prove", "--unlock-kind",
                   "credential", stdin=key)
    check("POSSIBLE" not in said and "killed" in said, said)
    # behind the unit's own walls, too
    path = drop_in(bank.unit, "[Service]\nType=oneshot\nRestart=no\n"
                   "WatchdogSec=0\nExecStart=\nExecStart=strongroomd -c "
                   f"{bank.conf} --prove\n")
    run("systemctl", "start", bank.unit)
    said = run("journalctl", "-u", bank.unit, "-o", "cat")
    check("POSSIBLE" not in said and "killed" in said, said)
    path.unlink()
    run("systemctl", "daemon-reload")


@scenario
def given_another_address_when_moved_as_told_then_customers_find_it_there():
    text = bank.conf.read_text()
    bank.conf.write_text(text.replace(bank.address, "127.0.0.1:7429"))
    run("systemctl", "restart", bank.unit)
    warning = "names other addresses than the sockets that systemd has passed"
    said = run("journalctl", "-u", bank.unit, "-o", "cat")
    contains(said, warning)
    path = "/etc/systemd/system/strongroom.socket.d/listen.conf"
    contains(said, f"ListenStream= in {path}")
    moved = Path(path)
    moved.parent.mkdir()
    moved.write_text("[Socket]\nListenStream=\nListenStream=127.0.0.1:7429\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", bank.socket, bank.unit)
    equal((DATA / "run/address").read_text(), "127.0.0.1:7429\n")
    equal(run("journalctl", "-u", bank.unit, "-o", "cat").count(warning), 1)
    moved.unlink()
    moved.parent.rmdir()
    bank.conf.write_text(text)
    run("systemctl", "daemon-reload")
    run("systemctl", "stop", bank.socket)


@scenario
def given_only_the_socket_when_a_customer_comes_then_systemd_starts_the_bank():
    run("systemctl", "start", bank.socket)
    equal(shown(bank.unit, "ActiveState"), ["inactive"])
    bank.register("dan")
    equal(shown(bank.unit, "ActiveState"), ["active"])


@scenario
def given_customers_when_a_day_goes_by_then_the_books_are_right():
    bank.register("eve")
    for name in NAMES:
        bank.register(name)
    card, state["hall"] = bank.enrol("lobby"), bank.enrol("hall")
    for name in NAMES:
        bank.deposit(state["hall"], name, "100.00")
    bank.deposit(card, "dan", "100.00")
    bank.transfer("dan", "eve", "12,50", "--memo", "pizza")
    bank.atm("dan", "withdraw", "20.00",
             terminal=card).ends(DONE)
    equal([bank.balance(name) for name in ("dan", "eve")], [6750, 1250])
    contains(bank.atm("eve", "statement").ends(DONE).out, "pizza")
    bank.verify().ends(INTACT)


# ---- Secrets ---------------------------------------------------------------

@scenario
def given_a_bank_that_runs_then_only_strongroom_unlock_could_read_its_key():
    place = Path(f"/run/credentials/{bank.unit}/bank-key")
    secret = (ETC / "bank-key").read_bytes()
    equal(place.read_bytes(), secret)
    equal((ETC / "bank-key").stat().st_mode & 0o777, 0o600)
    for room, uid in bank.uids().items():
        # as that user, and as that room sees the machine
        for path in (place, ETC / "bank-key", DATA / "keyd/root.sealed"):
            said = run("setpriv", f"--reuid={uid}", f"--regid={uid}",
                       "--clear-groups", "cat", path, code=None)
            allowed = room == "keyd" and path.parent.name == "keyd"
            check(allowed or "Permission denied" in said, f"{room}: {path}")
        root = Path(f"/proc/{bank.rooms()[room]}/root")
        check(not (root / "run").exists() and not (root / "etc").exists(),
              f"{room} sees files")
        held = [os.readlink(link) for link in
                Path(f"/proc/{bank.rooms()[room]}/fd").iterdir()]
        check(not any("bank-key" in name or "root.sealed" in name
                      for name in held), f"{room} holds {held}")
        check(secret not in Path(f"/proc/{bank.rooms()[room]}/environ")
              .read_bytes(), room)
    equal(process_state(bank.process.pid)["Name"], "strongroomd")


# ---- What happens to a service ---------------------------------------------

@scenario
def given_load_when_netd_is_killed_then_only_netd_is_started_anew():
    before = bank.process.pid
    with load() as traffic:
        for _ in range(3):
            old = bank.rooms()["netd"]
            bank.kill_room("netd")
            wait_until(lambda gone=old: bank.rooms().get("netd", gone) != gone,
                       "another netd")
            traffic.wait_for(each=2)
    equal((bank.process.pid, bank.restarts()), (before, 0))


@scenario
def given_load_when_keyd_or_ledgerd_is_killed_then_the_bank_is_back_by_itself():
    with load() as traffic:
        for room in ("keyd", "ledgerd", "keyd"):
            before = bank.restarts()
            bank.kill_room(room)
            bank.back(before + 1)
            traffic.wait_for(each=2)


@scenario
def given_load_when_started_anew_then_no_connection_is_refused():
    inode = re.search(r"ino:(\d+)", run("ss", "-Hlne", "sport", "= :7420"))
    with load() as traffic:
        for _ in range(3):
            with subprocess.Popen(["systemctl", "restart", bank.unit]) as anew:
                while anew.poll() is None:
                    # refused would be exit code 69: the socket stays open
                    said = bank.atm("ada", "balance", state="another")
                    check(said.code != UNREACHABLE or
                          "refused" not in said.err, said)
            equal(anew.returncode, 0, "systemctl restart")
            traffic.wait_for(each=2)
    after = re.search(r"ino:(\d+)", run("ss", "-Hlne", "sport", "= :7420"))
    equal(after[1], inode[1], "the listening socket")


@scenario
def given_a_room_that_hangs_when_the_watchdog_bites_then_the_bank_is_back():
    run("systemctl", "reset-failed", code=None)
    path = drop_in(bank.unit, "[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\n")
    run("systemctl", "restart", bank.unit)
    with load() as traffic:
        for room in ROOMS:
            before = bank.restarts()
            os.kill(bank.rooms()[room], signal.SIGSTOP)
            bank.back(before + 1)
            traffic.wait_for(each=2)
            contains(run("journalctl", "-u", bank.unit, "-o", "cat"),
                     "Watchdog timeout")
    time_before = bank.restarts()
    # a locked bank has no rooms to ask, and is not killed for that
    bank.ctl("lock").ends(DONE)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 7 or
               bank.restarts() != time_before, "two of its times", 20)
    equal((bank.restarts(), shown(bank.unit, "StatusText")),
          (time_before, ["locked"]))
    bank.ctl("unlock").ends(DONE)
    path.unlink()
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", bank.unit)


@scenario
def given_another_configuration_when_reloaded_then_it_is_in_force():
    before = bank.process.pid, bank.restarts()
    bank.configure("keyd", "registration", "closed")
    run("systemctl", "reload", bank.unit)
    said = bank.atm("fay", "register", password="nobody's")
    check(said.code != DONE, said)
    bank.conf.write_text(bank.conf.read_text() + "nonsense = 1\n")
    run("systemctl", "reload", bank.unit, code=1)
    contains(bank.said(), "nonsense")
    bank.conf.write_text(bank.conf.read_text().replace("nonsense = 1\n", ""))
    bank.configure("keyd", "registration", "open")
    run("systemctl", "reload", bank.unit)
    bank.register("fay")
    equal((bank.process.pid, bank.restarts()), before)


@scenario
def given_the_journal_when_read_then_events_have_their_numbers_and_no_secret():
    run("journalctl", "--sync")
    entries = [json.loads(line) for line in run(
        "journalctl", "-u", bank.unit, "-o", "json",
        "--no-pager").splitlines()]
    rooms = [entry for entry in entries if entry.get("STRONGROOM_ROOM") and
             entry.get("MESSAGE_ID")]
    check(rooms, "no event names a room")
    for entry in rooms:
        equal(entry["STRONGROOM_BANK"], "Test Bank")
    told = run("journalctl", "-x", "-u", bank.unit, "--no-pager")
    contains(told, "Defined-By: strongroom")
    key = (ETC / "bank-key").read_bytes()
    words = [*bank.passwords.values(), key.hex(), *NAMES, "pizza"]
    for entry in entries:
        text = str(entry.get("MESSAGE"))
        for word in words:
            check(not re.search(rf"\b{re.escape(word)}\b", text),
                  f"{word} in {text}")


# ---- Timers and damage -----------------------------------------------------

@scenario
def given_the_timers_when_their_time_comes_then_books_are_verified_and_copied():
    for name in ("verify", "backup"):
        drop_in(f"strongroom-{name}.timer", "[Timer]\nOnCalendar=\n"
                "OnActiveSec=1s\nAccuracySec=1ms\nRandomizedDelaySec=0\n")
        run("systemctl", "start", f"strongroom-{name}.timer")
    for check_name in ("verified", "backup"):
        wait_until(lambda which=check_name: doctor(which)[0] == "ok",
                   f"doctor sees: {check_name}", 60)
    for name in ("verify", "backup"):
        wait_until(lambda which=name: shown(
            f"strongroom-{which}.service", "ActiveState", "Result") ==
            ["inactive", "success"], f"the end of {name}", 60)
        run("systemctl", "stop", f"strongroom-{name}.timer")
    sets = list(Path("/var/backups/strongroom").rglob("bank.id"))
    check(sets, "no backup")
    run_program(["strongroom-verify", "--bank", sets[0],
                 sets[0].parent / "ledger"]).ends(INTACT)


@scenario
def given_damage_when_the_night_comes_then_the_unit_is_red_and_says_where():
    segment = sorted((LEDGER / "segment").glob("*.log"))[0]
    with open(segment, "r+b") as file:
        file.seek(6000)
        byte = file.read(1)
        file.seek(6000)
        file.write(bytes([byte[0] ^ 1]))
    run("systemctl", "start", "strongroom-verify.service", code=1)
    contains(run("systemctl", "--failed", "--plain"),
             "strongroom-verify.service")
    contains(run("journalctl", "-u", "strongroom-verify.service", "-o", "cat"),
             segment.name)
    equal(doctor("verified")[0], "fail")
    equal(metric('last_good{what="verified"}'), 0.0)
    with open(segment, "r+b") as file:
        file.seek(6000)
        file.write(byte)
    run("systemctl", "start", "strongroom-verify.service")
    equal(run("systemctl", "--failed", "--plain", "--no-legend"), "")
    equal(doctor("verified")[0], "ok")
    equal(metric('last_good{what="verified"}'), 1.0)


# ---- Several banks ---------------------------------------------------------

@scenario
def given_a_second_bank_when_started_then_neither_touches_the_other():
    canteen.found("Canteen").start()
    uids = {*bank.uids().values(), *canteen.uids().values()}
    equal(len(uids), 6, "users of the rooms")
    canteen.register("ada")
    equal(canteen.balance("ada"), 0)
    equal(bank.balance("ada") >= 0, True)
    before = bank.process.pid, bank.restarts()
    canteen.kill_room("keyd")
    canteen.back(1)
    equal((bank.process.pid, bank.restarts()), before)
    run("systemctl", "stop", canteen.unit, canteen.socket)
    check(bank.open(), "the other one")
    run("systemctl", "start", canteen.unit)
    check(canteen.open(), "it comes with its socket")


@scenario
def given_what_works_at_night_then_it_sees_its_own_bank_and_no_key():
    """Whatever a file of ledgerd's would make of verify or backup."""
    for one, other in ((bank, canteen), (canteen, bank)):
        copies = Path(str(one.directory).replace("/lib/", "/backups/"))
        copies.mkdir(mode=0o700, exist_ok=True)
        (copies / "a copy").write_text("of it")
    for one, other in ((bank, canteen), (canteen, bank)):
        for name in ("verify", "backup"):
            unit = one.unit.replace("strongroom", f"strongroom-{name}")
            path = drop_in(unit, "[Service]\nExecStart=\nExecStart="
                           "/usr/bin/find /etc/strongroom /var/lib "
                           "/var/backups /run -not -type d -size +0 "
                           "-readable\nExecStart=/usr/bin/find /var/lib "
                           "/run -type s\nSyslogIdentifier=seen\n")
            begun = run("date", "+%s.%N").strip()
            run("systemctl", "start", unit)
            path.unlink()
            run("systemctl", "daemon-reload")
            run("journalctl", "--sync")
            seen = set(run("journalctl", "-t", "seen", "-o", "cat",
                           f"--since=@{begun}").split("\n")) - {""}
            own = {line for line in seen if line == str(one.conf) or
                   line.startswith(f"{one.directory}/")}
            check(str(one.conf) in seen and f"{one.directory}/bank.id" in seen,
                  f"{unit} sees {sorted(seen)}")
            if name == "backup":
                own = {line for line in own if "/run/" in line or line in
                       (str(one.conf), f"{one.directory}/bank.id")}
                own |= {line for line in seen
                        if line.startswith("/var/backups/")}
                check(any(line.endswith("/a copy") for line in own), unit)
            equal(sorted(seen - own), [], f"{unit} sees")
            equal([line for line in seen if line.endswith(
                (".card", "bank-key", "bank-key.sealed")) or
                   line.startswith(f"{one.directory}/keyd/")],
                  [], f"{unit} sees")
            equal(any(line.startswith(f"{one.directory}/ledger/")
                      for line in seen),
                  name == "verify", "the books")


@scenario
def given_both_when_the_package_is_put_in_again_then_both_run_the_new_one():
    before = bank.process.pid, canteen.process.pid
    run("apt-get", "install", "-y", "--reinstall", *debs(), limit_s=300,
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    for one, pid in zip((bank, canteen), before):
        check(one.open() and one.process.pid != pid, one.unit)


@scenario
def given_the_target_when_stopped_then_all_banks_end_and_nobody_wakes_them():
    run("systemctl", "stop", "strongroom.target")
    for unit in (bank.unit, bank.socket, canteen.unit, canteen.socket,
                 "strongroom-verify.timer"):
        # systemctl waits for the target's own job
        wait_until(lambda unit=unit:
                   shown(unit, "ActiveState") == ["inactive"], unit)
    bank.atm("ada", "balance").ends(UNREACHABLE)
    run("systemctl", "start", "strongroom.target")
    wait_until(bank.open, "open")
    run("systemctl", "disable", canteen.unit, canteen.socket)


# ---- A user's own ----------------------------------------------------------

@scenario
def given_a_user_when_their_service_starts_then_it_serves_without_root():
    run("useradd", "--create-home", "clara")
    uid = int(run("id", "-u", "clara"))
    runtime = Path(f"/run/user/{uid}")
    runtime.mkdir(parents=True)
    os.chown(runtime, uid, uid)
    runtime.chmod(0o700)
    as_clara = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                "env", "-i", "HOME=/home/clara", f"XDG_RUNTIME_DIR={runtime}",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
    run("systemd-run", "--unit=clara", f"--uid={uid}", f"--gid={uid}",
        "-pDelegate=yes", f"-pEnvironment=XDG_RUNTIME_DIR={runtime}",
        "-pEnvironment=HOME=/home/clara", "-pType=notify",
        "/lib/systemd/systemd", "--user")
    wait_until(lambda: (runtime / "systemd/private").exists(),
               "the user's systemd")
    run(*as_clara, "strongroomctl", "init", "--name", "Club", "--listen",
        "127.0.0.1:7440", cwd="/")
    run(*as_clara, "systemctl", "--user", "start", "strongroom.service",
        cwd="/")
    said = json.loads(run(*as_clara, "strongroomctl", "status", "--json",
                          cwd="/"))
    equal(said["state"], "open")
    pid = int(run(*as_clara, "systemctl", "--user", "show", "-P", "MainPID",
                  "strongroom.service", cwd="/"))
    equal(process_state(pid)["Uid"].split()[0], str(uid))
    equal(sorted(children(pid).values()), sorted(ROOMS))
    run(*as_clara, "systemctl", "--user", "stop", "strongroom.service",
        cwd="/")
    run("systemctl", "stop", "clara.service")


if __name__ == "__main__":
    in_a_machine(__file__, bare=True, limit_s=580)
