#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=900 user-on-demand
"""
A bank that is locked and unlocked: what it says, whom it turns away, with
which passphrase it opens, and that nothing acknowledged is lost when it is
locked at any moment.  LOCK_SEED repeats a run, LOCK_TIMES changes how often it
is locked under load.
"""
import array
import contextlib
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import wire  # noqa: E402
from lib.bank import (CLIENT_LIMIT_S, CONFIG, CTL, DONE, INTACT,  # noqa: E402
                      MONITOR, UNREACHABLE, USAGE, WRONG_PASSWORD, Bank,
                      children, instrumented)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          skip, wait_until)
from lib.session import Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402
from lib.traffic import Traffic  # noqa: E402

TIMES = int(os.environ.get("LOCK_TIMES")
            or (4 if os.environ.get("TEST_AS_USER") else 10))
SEED = int(os.environ.get("LOCK_SEED") or random.randrange(2**32))
MALFORMED, NOT_ALLOWED, PARAMETERS = 1, 3, 49   # common/errors.def
# Where a client would wait this long it hangs.
TURNED_AWAY_S = 10
ACCOUNTS = [f"acct-{number}" for number in range(6)]
PAYERS = ACCOUNTS[:4]
_bank = []


def open_bank():
    """The one bank of most scenarios, running and unlocked."""
    if not _bank:
        bank = Bank.found()
        _bank.append(bank)
        bank.start()
        bank.register("ada")
        bank.deposit(bank.enrol("lobby"), "ada", "50.00")
    bank = _bank[0]
    if bank.process is None:
        bank.start()
    elif state(bank) == "locked":
        unlock(bank)
    return bank


def state(bank):
    return bank.status()["state"]


def lock(bank):
    bank.ctl("lock").ends(DONE, "is locked")
    equal(children(bank.process.pid), {}, "the processes of a locked bank")


def unlock(bank, *words, **options):
    bank.ctl("unlock", *words, **options).ends(DONE, "is open")
    bank.look_at_walls()


def passphrase(bank):
    return (bank.base / "passphrase").read_text()


def turned_away(address, family=socket.AF_INET):
    """Connects; the connection must end at once, without a byte."""
    with socket.socket(family) as one:
        one.settimeout(TURNED_AWAY_S)
        one.connect(address)
        equal(one.recv(4096), b"", "what a locked bank says")


def descriptors(pid):
    return sorted(os.listdir(f"/proc/{pid}/fd"))


def asked(bank):
    """Connections to the control socket that strongroomd still has: sockets
    of its own that are connected under the name that was bound."""
    pid, own = bank.process.pid, set()
    for name in descriptors(pid):
        with contextlib.suppress(FileNotFoundError):    # closed meanwhile
            own.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    lines = Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.endswith("/control") and
            line.split()[5] == "03" and f"socket:[{line.split()[6]}]" in own]


def descriptors_of_its_own(bank):
    """Those of strongroomd once nobody who asked is connected any more."""
    wait_until(lambda: not asked(bank), "the connections' end")
    return descriptors(bank.process.pid)


def ask_monitor(bank, name, hand=(), **fields):
    """A request with descriptors; name and fields of the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.settimeout(CLIENT_LIMIT_S)
        control.connect(str(bank.directory / "run/control"))
        with_it = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", hand))] if hand else []
        control.sendmsg([b"\0" + wire.encode(name, **fields)], with_it)
        return wire.decode(control.recv(8193)[1:], "monitor", "control")[0]


def a_pipe(text):
    """The end of a pipe that holds text and has no writer."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return read


@scenario
def given_a_bank_when_locked_then_no_room_is_left_and_status_says_so():
    bank = open_bank()
    rooms = bank.rooms()
    equal(state(bank), "open")
    lock(bank)
    for name, pid in rooms.items():
        check(not Path(f"/proc/{pid}").exists(), f"{name} is there")
    equal(bank.status(), {"v": 1, "state": "locked", "open": False,
                          "netd_restarts": 0}, "status --json")
    bank.ctl("status").ends(DONE, "locked", bank.address)
    bank.ctl("invite", "bob").ends(UNREACHABLE, "the bank is locked")
    check(bank.process.poll() is None, "strongroomd has ended")
    unlock(bank)
    equal(state(bank), "open")
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_locked_bank_when_customers_come_then_they_are_turned_away():
    bank = open_bank()
    lock(bank)
    turned_away(("127.0.0.1", bank.port))
    for _ in range(2):
        bank.atm("ada", "balance").ends(UNREACHABLE, "the bank is locked")
    bank.ctl(*bank.operators(), "terminal", "revoke", "lobby").ends(
        UNREACHABLE, "the bank is locked")
    # a crowd that comes at once is no burden
    crowd = []
    try:
        for _ in range(200):
            one = socket.create_connection(("127.0.0.1", bank.port), 10)
            crowd.append(one)
        for one in crowd:
            equal(one.recv(1), b"", "what a locked bank says")
    finally:
        for one in crowd:
            one.close()
    equal(state(bank), "locked")
    unlock(bank)
    equal(bank.balance("ada"), 5000)


@scenario
def given_lock_or_unlock_twice_then_a_sentence_says_that_nothing_was_done():
    bank = open_bank()
    lock(bank)
    bank.ctl("lock").ends(DONE, "was locked already")
    unlock(bank)
    rooms = bank.rooms()
    bank.ctl("unlock").ends(DONE, "was open already")
    bank.ctl("unlock", "--passphrase-fd", "0", give="nonsense\n").ends(
        DONE, "was open already", "no passphrase was looked at")
    equal(bank.rooms(), rooms, "the set of rooms")
    bank.ctl("lock", "now").ends(USAGE)
    bank.ctl("unlock", "--passphrase-fd", "x").ends(USAGE, "descriptor")


@scenario
def given_customers_in_session_when_locked_then_their_sessions_end():
    bank = open_bank()
    with Session(bank, "ada") as ada:
        equal(ada.balance()["posted"], 5000)
        with socket.create_connection(("127.0.0.1", bank.port), 5) as idle:
            idle.settimeout(TURNED_AWAY_S)
            check(idle.recv(4096), "no HELLO")
            lock(bank)
            while idle.recv(4096):
                pass
        unlock(bank)
        # what was agreed with the keyd of before is worth nothing
        try:
            check(not ada.balance().get("posted"), "the session goes on")
        except (OSError, AssertionError):
            pass
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_wrong_passphrase_when_unlocked_then_it_stays_locked():
    bank = open_bank()
    lock(bank)
    for wrong in ("nonsense\n", passphrase(bank)[:-2] + "\n", "x" * 1024):
        bank.ctl("unlock", "--passphrase-fd", "0", give=wrong).ends(
            WRONG_PASSWORD, "stays locked", "does not open the bank's keys")
        equal(state(bank), "locked")
        equal(children(bank.process.pid), {}, "what runs")
    turned_away(("127.0.0.1", bank.port))
    bank.ctl("unlock", "--passphrase-fd", "0", give="").ends(65)
    unlock(bank, "--passphrase-fd", "0", give=passphrase(bank))
    equal(bank.balance("ada"), 5000)


@scenario
def given_an_unfit_passphrase_file_when_unlocked_then_the_exit_code_is_78():
    bank = open_bank()
    lock(bank)
    path = bank.base / "passphrase"
    right = passphrase(bank)
    path.write_text("another one\n")
    bank.ctl("unlock").ends(CONFIG, "stays locked")
    path.write_text(right)
    path.chmod(0o644)
    bank.ctl("unlock").ends(CONFIG, "stays locked", "diagnostics")
    path.chmod(0o600)
    equal(state(bank), "locked")
    unlock(bank)


def nobody_reads(pid):
    """No core, no swap, no other process of the same user."""
    process = Path("/proc") / str(pid)
    cores = re.search(r"Max core file size +(\S+) +(\S+)",
                      (process / "limits").read_text())
    equal(cores.groups(), ("0", "0"), "the size of a core")
    if not instrumented():  # a sanitizer takes mlock(2) for itself
        locked = re.search(r"VmLck:\s+(\d+) kB",
                           (process / "status").read_text())
        check(int(locked[1]) > 0, "no memory is locked")
        equal((process / "environ").stat().st_uid, 0, "it can be traced")


@scenario
def given_no_passphrase_file_when_unlocked_then_a_terminal_is_asked():
    bank = open_bank()
    path = bank.base / "passphrase"
    right = passphrase(bank)
    lock(bank)
    path.rename(bank.base / "elsewhere")
    try:
        bank.ctl("unlock").ends(USAGE, "passphrase is not there",
                                "--passphrase-fd")
        equal(state(bank), "locked")
        for typed, code in (("nonsense", WRONG_PASSWORD),
                            (right.strip(), DONE)):
            with Terminal([CTL, "-c", bank.conf, "unlock"],
                          bank.environment("operator")) as screen:
                screen.expect("Passphrase: ")
                nobody_reads(screen.pid)
                screen.type(typed)
                equal(screen.end(), code, "the exit code")
                check(typed not in screen.shown, "it is shown")
        bank.look_at_walls()
        equal(bank.balance("ada"), 5000)
    finally:
        (bank.base / "elsewhere").rename(path)


@scenario
def given_a_damaged_file_when_unlocked_then_it_stays_locked_until_it_is_right():
    bank = open_bank()
    for damaged in (bank.keyd / "state", bank.keyd / "root.sealed"):
        lock(bank)
        kept = bank.base / "kept"
        shutil.copy2(damaged, kept)
        damaged.write_bytes(b"x" * damaged.stat().st_size)
        bank.ctl("unlock").ends(UNREACHABLE, "stays locked", "diagnostics")
        wait_until(lambda: state(bank) == "locked", "locked again")
        equal(children(bank.process.pid), {}, "what runs")
        damaged.write_bytes(kept.read_bytes())
        unlock(bank)
        equal(bank.balance("ada"), 5000)


@scenario
def given_a_room_dies_while_unlocking_then_it_stays_locked():
    bank = open_bank()
    died = 0
    for name in ("netd", "ledgerd", "keyd", "strongroom-unlock") * 3:
        lock(bank)
        with subprocess.Popen([CTL, "-c", bank.conf, "unlock"],
                              stderr=subprocess.PIPE) as asked:
            while asked.poll() is None:
                for pid, found in children(bank.process.pid).items():
                    if found == name[:15]:
                        try:
                            os.kill(pid, signal.SIGKILL)
                        except ProcessLookupError:
                            pass    # strongroom-unlock lives shortly
            code = asked.wait()
        now = state(bank)
        if code == DONE:        # it came too late
            bank.kill()
            bank.start()
            continue
        died += 1
        equal((code, now), (UNREACHABLE, "locked"), f"without {name}")
        unlock(bank)
    check(died > 0, "no room was found in time")
    equal(bank.balance("ada"), 5000)


@scenario
def given_unlocking_when_it_is_locked_again_then_both_are_told():
    bank = open_bank()
    seen = set()
    dice = random.Random(SEED)
    for _ in range(12):
        lock(bank)
        with subprocess.Popen([CTL, "-c", bank.conf, "unlock"],
                              stderr=subprocess.PIPE) as asked:
            time.sleep(dice.random() * 0.3)
            locked = bank.ctl("lock")
            said = asked.communicate(timeout=CLIENT_LIMIT_S)[1].decode()
        check(locked.code == DONE, f"{locked}")
        check(asked.returncode in (DONE, UNREACHABLE), said)
        seen.add(asked.returncode)
        # a lock may also come before the unlock that was asked for first
        now = state(bank)
        if "already" not in locked.err:
            equal(now, "locked")
        if now == "locked":
            equal(children(bank.process.pid), {}, "what runs")
        unlock(bank) if now == "locked" else bank.look_at_walls()
    print(f"    exit codes of unlock: {sorted(seen)}", flush=True)
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_locked_bank_when_sigterm_or_kill_then_the_next_start_is_open():
    bank = open_bank()
    lock(bank)
    started = time.monotonic()
    bank.stop()
    spent = time.monotonic() - started
    check(spent < 2, f"the end took {spent:.1f} s")
    check(not (bank.directory / "run/control").exists(), "run/control")
    bank.start()
    lock(bank)
    bank.kill()
    bank.start()
    equal(state(bank), "open")
    lock(bank)
    # while it is locked the data is no less in use
    other = subprocess.run([MONITOR, "-c", bank.conf], capture_output=True,
                           timeout=CLIENT_LIMIT_S, check=False)
    equal(other.returncode, UNREACHABLE, "exit code of a second strongroomd")
    contains(other.stderr.decode(), "already runs")
    unlock(bank)
    equal(bank.balance("ada"), 5000)


@scenario
def given_a_new_netd_when_locked_and_unlocked_then_it_serves_and_may_die_again():
    bank = open_bank()
    before = bank.status()["netd_restarts"]
    for number in (1, 2):
        old = bank.rooms()["netd"]
        bank.kill_room("netd")
        wait_until(lambda old=old: bank.rooms().get("netd", old) != old,
                   "a new netd")
        wait_until(lambda: bank.ask("netd", "netd_status_get")[1].get(
            "generation") == 2, "generation 2")
        equal(bank.balance("ada"), 5000)
        lock(bank)
        equal(bank.status()["netd_restarts"], before + number)
        unlock(bank)
        equal(bank.ask("netd", "netd_status_get")[1]["generation"], 1)


@scenario
def given_descriptors_on_the_control_socket_then_none_is_kept():
    bank = open_bank()
    pid = bank.process.pid
    lock(bank)
    before = descriptors_of_its_own(bank)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(str(bank.directory / "run/control"))
        wait_until(lambda: len(asked(bank)) == 1, "the connection")
    read, write = os.pipe()
    with open(bank.base / "passphrase", encoding="ascii") as file:
        for hand, error in (((), MALFORMED), ((file.fileno(),), PARAMETERS),
                            ((read, write), MALFORMED),
                            ((write,) * 100, MALFORMED)):
            equal(ask_monitor(bank, "unlock", hand, kind=1),
                  ("control_refused", {"error": error}), "the answer")
        equal(ask_monitor(bank, "unlock", (read,), kind=0),
              ("control_refused", {"error": MALFORMED}), "the answer")
    # a writer that never ends does not make anybody wait
    name, _ = ask_monitor(bank, "unlock", (read,), kind=1)
    equal(name, "control_refused", "the answer")
    equal(ask_monitor(bank, "monitor_status_get", (read, write))[0],
          "monitor_status")
    os.close(read)
    os.close(write)
    wait_until(lambda: descriptors(pid) == before, "the same descriptors")
    right = a_pipe(passphrase(bank))
    equal(ask_monitor(bank, "unlock", (right,), kind=1)[0], "unlocked")
    os.close(right)
    bank.look_at_walls()
    open_before = len(descriptors_of_its_own(bank))
    for _ in range(5):
        lock(bank)
        unlock(bank)
    wait_until(lambda: len(descriptors(pid)) == open_before,
               "as many descriptors as before")


@scenario
def given_root_when_keyds_files_are_its_users_then_it_is_unlocked():
    if os.geteuid() != 0:
        skip("an ordinary user owns all")
    bank = open_bank()
    bank.stop()
    owner = bank.keyd.stat()
    for path in bank.keyd.iterdir():
        os.chown(path, owner.st_uid, owner.st_gid)
    bank.start()
    lock(bank)
    unlock(bank)
    equal(bank.balance("ada"), 5000)


@scenario
def given_root_and_little_lockable_memory_then_it_is_unlocked():
    if not int(Path("/proc/self/status").read_text().split("CapEff:")[1]
               .split()[0], 16) & 1 << 14:
        skip("nobody here has CAP_IPC_LOCK")
    bank = open_bank()
    small = (65536, 65536)
    resource.prlimit(bank.process.pid, resource.RLIMIT_MEMLOCK, small)
    lock(bank)
    unlock(bank)
    lock(bank)
    bank.stop()


@scenario
def given_a_start_for_one_command_when_locked_then_refused():
    bank = open_bank()
    bank.stop()
    for option in ("--restore", "--accept-loss"):
        bank.launch(option)
        for name, fields in (("lock", {}), ("unlock", {"kind": 0})):
            equal(ask_monitor(bank, name, **fields),
                  ("control_refused", {"error": NOT_ALLOWED}), option)
        bank.stop()


@scenario
def given_systemds_socket_when_locked_then_it_stays_and_systemd_is_told():
    bank = open_bank()
    bank.stop()
    name = f"strongroom-test-{os.getpid()}-{random.getrandbits(64):x}"
    with socket.socket() as given, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, \
            open(bank.log, "ab") as log:
        told.bind("\0" + name)
        told.settimeout(CLIENT_LIMIT_S)
        given.bind(("127.0.0.1", 0))
        given.listen()
        address = given.getsockname()
        os.set_inheritable(given.fileno(), True)
        shell = (f'exec 3<&{given.fileno()}; '
                 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"')
        bank.process = subprocess.Popen(
            ["sh", "-c", shell, "sh", MONITOR, "-c", bank.conf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            close_fds=False, env=dict(os.environ, NOTIFY_SOCKET="@" + name))
        equal(told.recv(4096), b"READY=1\nSTATUS=open")
        lock(bank)
        equal(told.recv(4096), b"READY=1\nSTATUS=locked")
        turned_away(address)
        equal(given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), 1,
              "that systemd's socket listens")
        unlock(bank)
        equal(told.recv(4096), b"STATUS=unlocking")
        equal(told.recv(4096), b"READY=1\nSTATUS=open")
        with socket.create_connection(address, 10) as one:
            check(one.recv(4096), "no HELLO")
        lock(bank)
        equal(told.recv(4096), b"READY=1\nSTATUS=locked")
        bank.stop()
        equal(told.recv(4096), b"STOPPING=1")


@scenario
def given_only_a_unix_socket_when_locked_then_it_turns_away_too():
    bank = open_bank()
    bank.stop()
    bank.launch("--no-listen")
    private = str(bank.directory / "run/private")
    lock(bank)
    turned_away(private, socket.AF_UNIX)
    unlock(bank)
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(TURNED_AWAY_S)
        one.connect(private)
        check(one.recv(4096), "no HELLO")
    bank.stop()


@scenario
def given_payers_when_it_is_locked_at_any_moment_then_nothing_is_lost():
    print(f"    LOCK_SEED={SEED} LOCK_TIMES={TIMES}", flush=True)
    dice = random.Random(SEED)
    bank = Bank.found(ledgerd_segment_size="256K").start()
    card = bank.enrol("lobby", "10000.00")
    for name in ACCOUNTS:
        bank.register(name)
        bank.deposit(card, name, "100.00")
    traffic = Traffic(bank, ACCOUNTS, PAYERS, SEED % 10000)
    ends = ("unlock", "unlock", "unlock", "kill", "stop", "stop at once")
    for _ in range(TIMES):
        traffic.wait_for(each=1)
        traffic.wait_for(total=dice.randrange(60))
        end = dice.choice(ends)
        if end == "stop at once":   # SIGTERM while the rooms are ending
            with subprocess.Popen([CTL, "-c", bank.conf, "lock"],
                                  stderr=subprocess.DEVNULL) as asked:
                time.sleep(dice.random() * 0.05)
                bank.stop()
                asked.wait(CLIENT_LIMIT_S)
        else:
            lock(bank)
        if end == "unlock":
            unlock(bank)
            continue
        if end == "kill":
            bank.kill()
        else:
            bank.stop()
        bank.start()
    traffic.wait_for(each=1)
    traffic.end()
    acknowledged = traffic.count([card])
    print(f"    {acknowledged} orders were acknowledged", flush=True)
    check(acknowledged >= len(PAYERS) * TIMES, "hardly any traffic")
    check("is killed" not in bank.said(), "a room had to be killed")
    bank.stop()
    bank.verify().ends(INTACT)


if __name__ == "__main__":
    run()
