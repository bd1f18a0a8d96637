#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The monitor: starts, restarts, refusals and ends of a whole bank."""
import os
import signal
import socket
import stat
import subprocess
import time

from lib.bank import (CONFIG, MONITOR, UNREACHABLE, Bank, children,
                      process_state, run_program)
from lib.scenario import check, contains, equal, run, scenario, wait_until

STOP_LIMIT_S = 2

bank = Bank.found()


def alive(pid):
    return process_state(pid).get("State", "Z")[0] not in "ZX"


def connect():
    return socket.create_connection(("127.0.0.1", bank.port), 5)


def stopped_conf(**settings):
    """The bank's configuration with other settings, put back afterwards."""
    class Changed:
        def __enter__(self):
            self.text = bank.conf.read_text()
            for name, value in settings.items():
                bank.configure(*name.split("_", 1), value)

        def __exit__(self, *_):
            bank.conf.write_text(self.text)
    return Changed()


@scenario
def given_a_running_bank_when_started_again_then_the_second_is_refused():
    bank.start()
    rooms = bank.rooms()
    run_program([MONITOR, "-c", bank.conf]).ends(UNREACHABLE, "already runs")
    equal(bank.rooms(), rooms, "the set of rooms")
    bank.stop()


@scenario
def given_connections_when_sigterm_comes_then_it_ends_within_two_seconds():
    bank.start()
    with connect(), connect():
        wait_until(lambda: bank.status()["connections"] == 2, "2 connections")
        started = time.monotonic()
        bank.stop()
        spent = time.monotonic() - started
    check(spent < STOP_LIMIT_S, f"the end took {spent:.1f} s")


@scenario
def given_a_killed_monitor_then_no_room_outlives_it_and_a_start_works_at_once():
    bank.start()
    for _ in range(3):
        rooms = bank.rooms()
        monitor, bank.process = bank.process, None
        monitor.kill()
        bank.start()
        monitor.wait()
        for name, pid in rooms.items():
            check(not alive(pid), f"{name} of the killed bank lives")
    bank.stop()


@scenario
def given_netd_dies_then_a_new_one_serves_the_same_address():
    bank.start()
    before = bank.rooms()
    with connect() as old:
        old.settimeout(5)
        wait_until(lambda: bank.status()["connections"] == 1, "a connection")
        bank.kill_room("netd")
        # its connections are gone with it
        while old.recv(4096):
            pass
    wait_until(lambda: len(bank.rooms()) == 3, "a new netd")
    after = bank.rooms()
    for name in ("keyd", "ledgerd"):
        equal(after[name], before[name], f"the pid of {name}")
    wait_until(lambda: bank.ask("netd", "netd_status_get")[1].get(
        "generation") == 2, "generation 2")
    equal(bank.ask("monitor", "monitor_status_get")[1]["netd_restarts"], 1)
    bank.look_at_walls()
    with connect() as new:
        new.settimeout(5)
        check(new.recv(4096), "no HELLO from the new netd")
    bank.stop()


@scenario
def given_netd_dies_again_and_again_then_the_bank_ends():
    bank.start()
    monitor = bank.process
    for _ in range(11):
        pid = wait_until(lambda: bank.rooms().get("netd"), "a netd")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not alive(pid) and (
            monitor.poll() is not None or bank.rooms().get("netd")),
            "the next netd")
    check(bank.ended() not in (0, None), "it ended as if all were well")
    contains(bank.said(), "netd ended 11 times")


@scenario
def given_keyd_or_ledgerd_dies_then_all_end_and_the_exit_code_tells():
    for name in ("keyd", "ledgerd"):
        bank.start()
        rooms = bank.rooms()
        bank.kill_room(name)
        check(bank.ended() not in (0, None), "it ended as if all were well")
        for other, pid in rooms.items():
            check(not alive(pid), f"{other} lives without {name}")


@scenario
def given_the_address_is_taken_then_the_start_says_so():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", bank.port))
        other.listen()
        bank.start_refused().ends(UNREACHABLE, bank.address,
                                  "already in use")


@scenario
def given_a_wrong_passphrase_then_the_bank_stays_locked():
    path = bank.base / "passphrase"
    right = path.read_text()
    path.write_text("another one\n")
    bank.start_refused().ends(CONFIG, "stays locked")
    path.write_text(right)
    path.chmod(0o644)
    bank.start_refused().ends(CONFIG, "chmod 600")
    path.chmod(0o600)


@scenario
def given_a_fault_in_the_configuration_then_file_and_line_are_named():
    with stopped_conf(netd_maximum="3"):
        line = bank.conf.read_text().splitlines().index("maximum = 3") + 1
        bank.start_refused().ends(CONFIG, f"{bank.conf}:{line}: ")
    with stopped_conf(netd_max_connections="0"):
        bank.start_refused().ends(CONFIG, "a number from 1 to 100000")
    run_program([MONITOR]).ends(64, "usage")
    run_program([MONITOR, "-c", bank.base / "none"]).ends(CONFIG, "none")


@scenario
def given_root_when_the_rooms_users_are_unfit_then_the_start_is_refused():
    if os.geteuid() != 0:
        return
    with stopped_conf(sandbox_user_netd="no-such-user-here"):
        bank.start_refused().ends(CONFIG, "no-such-user-here")
    with stopped_conf(sandbox_user_netd="0"):
        bank.start_refused().ends(CONFIG, "user-netd")
    with stopped_conf(sandbox_user_netd="60001", sandbox_user_keyd="60001"):
        bank.start_refused().ends(CONFIG, "three different")
    with stopped_conf(sandbox_user_ledgerd="60002"):
        bank.start_refused().ends(CONFIG, "belongs to user")


@scenario
def given_a_link_or_pipe_in_the_place_of_a_file_of_keyds_then_no_start():
    secret = bank.base / "secret"
    for name in ("state", "limits", "root.sealed"):
        path = bank.keyd / name
        kept = bank.base / f"kept-{name}"
        path.rename(kept)
        for plant in (lambda: path.symlink_to(secret),
                      lambda: os.link(secret, path),
                      lambda: os.mkfifo(path, 0o600)):
            secret.write_bytes(kept.read_bytes())
            plant()
            bank.start_refused()
            equal(secret.read_bytes(), kept.read_bytes(), "the other file")
            path.unlink()
        kept.rename(path)
    bank.start()
    bank.stop()


@scenario
def given_a_link_in_a_directory_of_a_rooms_when_init_then_it_is_not_followed():
    other = bank.base / "other"
    other.mkdir(0o755)
    directory = bank.base / "planted"
    (directory / "ledger").mkdir(parents=True)
    (directory / "ledger/segment").symlink_to(other)
    before = other.stat()
    result = bank.ctl("init", "--dir", directory, "--name", "Other",
                      "--unit", "EUR:2", "--unlock",
                      f"passphrase-file:{bank.base}/passphrase", conf=False)
    check(result.code != 0, f"a planted link was taken: {result}")
    after = other.stat()
    equal((after.st_uid, after.st_mode), (before.st_uid, before.st_mode),
          "owner and mode of what the link names")


@scenario
def given_no_namespaces_then_it_runs_and_says_what_is_missing():
    with stopped_conf(sandbox_namespaces="off"):
        said = bank.launch()
        for name in ("keyd", "netd", "ledgerd"):
            contains(said, f"the sandbox of {name} lacks: namespaces")
        rooms = bank.rooms()
        equal(len(rooms), 3, "the number of rooms")
        for pid in rooms.values():
            state = process_state(pid)
            equal((state["Seccomp"], state["NoNewPrivs"],
                   int(state["CapEff"], 16)), ("2", "1", 0))
        status = bank.ask("monitor", "monitor_status_get")[1]
        equal(status["namespaces"], 0)
        for name in ("keyd", "netd", "ledgerd"):
            equal(status[f"missing_{name}"] & 1, 1)
        bank.stop()


@scenario
def given_no_listen_then_only_the_owner_reaches_it():
    bank.launch("--no-listen")
    private = bank.directory / "run/private"
    mode = private.stat().st_mode
    check(stat.S_ISSOCK(mode), "run/private is no socket")
    equal(stat.S_IMODE(mode), 0o600, "its mode")
    check(not (bank.directory / "run/address").exists(), "run/address exists")
    try:
        connect().close()
        check(False, "it listens on TCP")
    except ConnectionRefusedError:
        pass
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect(str(private))
        check(one.recv(4096), "no HELLO")
    bank.stop()
    check(not private.exists(), "run/private is left behind")


@scenario
def given_nonsense_on_the_control_socket_then_only_that_connection_ends():
    bank.start()
    path = str(bank.directory / "run/control")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "its mode")
    for packet in (b"\x00", b"\x09\x00\x00\x50\x00", b"\x01" * 8194):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
            one.settimeout(5)
            one.connect(path)
            one.send(packet)
            equal(one.recv(9000), b"", f"the answer to {packet[:4]}")
    for room in range(4):
        for message in (b"\xff\xff\xff\xff", b"\x00\x00\xfe\x00", bytes(8192)):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                one.settimeout(5)
                one.connect(path)
                one.send(bytes([room]) + message)
                answer = one.recv(9000)
                equal(answer[:1], bytes([room]), "the room that answers")
                equal(answer[3], 92, "the answer's type (control_refused)")
    # more connections than places, and none of them waits for its answer
    for _ in range(40):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
            one.connect(path)
            one.send(b"\x03\x00\x00\x58\x00")
    wait_until(lambda: bank.status()["sessions"] == 0, "an answer")
    bank.look_at_walls()
    bank.stop()


@scenario
def given_sockets_of_systemds_then_these_are_served():
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        given.listen()
        port = given.getsockname()[1]
        read, write = os.pipe()
        os.set_inheritable(given.fileno(), True)
        shell = (f'exec 3<&{given.fileno()}; '
                 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"')
        with subprocess.Popen(["sh", "-c", shell, "sh", MONITOR, "-c",
                               bank.conf], stderr=write,
                              close_fds=False) as process:
            os.close(write)
            try:
                with os.fdopen(read) as said:
                    # the sandbox of a sanitizer's build has more to say
                    line = next(one for one in said if "listening" in one)
                contains(line, f"listening on 127.0.0.1:{port}")
                equal(sorted(children(process.pid).values()),
                      ["keyd", "ledgerd", "netd"])
                with socket.create_connection(("127.0.0.1", port), 5) as one:
                    one.settimeout(5)
                    check(one.recv(4096), "no HELLO")
                process.terminate()
                equal(process.wait(10), 0, "the exit code")
            finally:
                process.kill()


def passed_socket(given, **settings):
    """What the bank says at the start with that socket of systemd's, and of a
    reload with another address in its file."""
    shell = (f'exec 3<&{given.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ '
             'LISTEN_FDNAMES=strongroom@canteen.socket exec "$@"')
    os.set_inheritable(given.fileno(), True)
    with stopped_conf(**settings):
        before = len(bank.said())
        with open(bank.log, "ab") as log:
            bank.process = subprocess.Popen(
                ["sh", "-c", shell, "sh", MONITOR, "-c", bank.conf],
                stderr=log, stdin=subprocess.DEVNULL, close_fds=False)
        wait_until(lambda: bank.ctl("status").code == 0, "a bank", 30)
        started = bank.said()[before:]
        bank.configure("netd", "listen", "127.0.0.1:1")
        reloaded = bank.ctl("reload").ends(0)
        bank.stop()
    return started, reloaded.out + reloaded.err


@scenario
def given_other_sockets_of_systemds_than_the_file_says_then_it_says_so():
    with socket.create_server(("127.0.0.1", 0)) as given:
        here = f"127.0.0.1:{given.getsockname()[1]}"
        for other in ("127.0.0.1:1", f"[::1]:{here.rsplit(':', 1)[1]}",
                      f"{here}\nlisten = 127.0.0.1:1"):
            started, reloaded = passed_socket(given, netd_listen=other)
            contains(started, "names other addresses than the sockets that "
                     "systemd has passed")
            contains(started, "/strongroom@canteen.socket.d/listen.conf")
            contains(started, "bank.id")
        for same in (here, "127.0.0.1:0"):
            started, reloaded = passed_socket(given, netd_listen=same)
            check("systemd has passed" not in started, started)
            contains(reloaded, "[netd] listen changes at the next start\n"
                     "strongroomctl: also then systemd's socket decides where "
                     "customers connect")
            contains(reloaded, "/strongroom@canteen.socket.d/listen.conf")


@scenario
def given_no_configuration_when_checked_or_started_then_it_says_what_to_do():
    places = {"etc/strongroom/strongroom.conf": "found the bank first: "
              "strongroomctl init\n",
              "etc/strongroom/canteen/strongroom.conf": "found the bank first:"
              " strongroomctl init --instance canteen --listen ADDRESS\n",
              "strongroom/a/b/strongroom.conf": "is the path right?",
              "bank/strongroom.conf": "is the path right?"}
    for path, what in places.items():
        for words in ([], ["--check"]):
            run_program([MONITOR, "-c", bank.base / "none" / path, *words]
                        ).ends(CONFIG, what)


@scenario
def given_a_configuration_when_checked_then_it_is_judged_and_nothing_starts():
    said = run_program([MONITOR, "-c", bank.conf, "--check"]).ends(0)
    equal(said.out + said.err, "")
    with stopped_conf(netd_listen="nowhere"):
        run_program([MONITOR, "-c", bank.conf, "--check"]).ends(
            CONFIG, "127.0.0.1:7420, [::1]:7420 or unix:/PATH")
    run_program([MONITOR, "-c", bank.conf, "--check", "--prove"]).ends(64)
    bank.start()
    run_program([MONITOR, "-c", bank.conf, "--check"]).ends(0)
    equal(bank.ctl("status").code, 0)
    bank.stop()


@scenario
def given_port_0_and_a_unix_socket_then_run_address_tells():
    path = bank.base / "socket"
    text = bank.conf.read_text()
    try:
        bank.conf.write_text(text.replace(
            f"listen = {bank.address}\n",
            f"listen = 127.0.0.1:0\nlisten = [::1]:0\nlisten = unix:{path}\n"))
        bank.launch()
        lines = (bank.directory / "run/address").read_text().splitlines()
        equal(len(lines), 3, "the number of addresses")
        equal(lines[2], f"unix:{path}")
        for line in lines[:2]:
            host, port = line.rsplit(":", 1)
            check(0 < int(port) < 65536, f"the port of {line}")
            with socket.create_connection((host.strip("[]"), port), 5) as one:
                one.settimeout(5)
                check(one.recv(4096), f"no HELLO from {line}")
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(5)
            one.connect(str(path))
            check(one.recv(4096), "no HELLO from the unix socket")
        # a leftover of a killed bank is no address in use
        bank.kill()
        bank.launch()
        check(bank.process.poll() is None, "a leftover socket is in the way")
        bank.stop()
    finally:
        bank.conf.write_text(text)


if __name__ == "__main__":
    run()
