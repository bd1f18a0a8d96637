#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=180
"""
The real netd behind its real walls, with everything around it played by the
test: keyd, ledgerd, strongroomd and the clients.  Whatever netd does in its
life must be allowed by its policy; a call that is not ends it with SIGSYS.
"""
import fcntl
import os
import resource
import select
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import wire
from lib.bank import BUILD, process_state, temporary_directory
from lib.relay import HELLO, M1, M2, M3, M4, M5, RECORD
from lib.scenario import at_end, check, equal, run, scenario, skip, wait_until

NETD = BUILD / "libexec" / "strongroom" / "netd"
HELLO_LEN, M1_LEN, M2_LEN, M3_LEN = 320, 312, 432, 528
M4_LEN, M5_LEN = 1296, 336
SOMEBODY = 54321
LIMIT_S = 20
# A sanitizer's build (policy/sandbox.h), whose memory tells nothing.
INSTRUMENTED = 1 << 5
IDLE = 10000


def frame_of(kind, body):
    return len(body).to_bytes(2, "little") + bytes([kind, 1]) + body


def take(sock, count):
    sock.settimeout(LIMIT_S)
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        check(part, f"closed after {len(data)} of {count} bytes")
        data += part
    return data


def take_frame(sock):
    header = take(sock, 4)
    return header[2], take(sock, int.from_bytes(header[:2], "little"))


def keep_for_ourselves():
    """Nothing that the test was started with goes to netd."""
    for entry in os.listdir("/proc/self/fd"):
        try:
            os.set_inheritable(int(entry), False)
        except OSError:
            pass    # the directory's own


class Netd:
    """A netd process; `keyd`, `ledgerd` and `monitor` are the far ends."""

    def __init__(self, **options):
        keep_for_ourselves()
        self.directory = temporary_directory()
        self.listeners = [socket.create_server(("127.0.0.1", 0), backlog=4096)]
        try:
            self.listeners.append(socket.create_server(
                ("::1", 0), family=socket.AF_INET6))
        except OSError:
            pass
        unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        unix.bind(str(self.directory / "socket"))
        os.chmod(self.directory / "socket", 0o666)
        unix.listen(64)
        self.listeners.append(unix)
        self.far = {}
        near = []
        for name in ("monitor", "keyd", "ledgerd"):
            one, two = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
            self.far[name] = one
            near.append(two)
        lock = os.open(self.directory / "lock", os.O_CREAT | os.O_RDWR)
        null = os.open("/dev/null", os.O_RDWR)
        fds = [null, null, 2] + [s.fileno() for s in near] + [lock]
        fds += [s.fileno() for s in self.listeners]
        words = [str(NETD), "--namespaces", "0", "--listeners",
                 str(len(self.listeners)), "--generation", "3"]
        if os.geteuid() == 0:
            words += ["--uid", str(SOMEBODY), "--gid", str(SOMEBODY)]
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200) for fd in fds]
        self.pid = os.posix_spawn(
            words[0], words, {},
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, i)
                          for i, fd in enumerate(high)])
        for fd in high + [lock, null]:
            os.close(fd)
        for sock in near:
            sock.close()
        self.queue = {name: [] for name in self.far}
        self.status = None
        at_end(self.kill)
        name, fields = self.hears("monitor")
        equal(name, "ready")
        self.instrumented = fields["missing"] & INSTRUMENTED != 0

    def kill(self):
        if self.status is None:
            os.kill(self.pid, 9)
            _, self.status = os.waitpid(self.pid, 0)

    def ended(self):
        _, self.status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(self.status)

    def tell(self, room, name, **fields):
        self.far[room].send(wire.encode(name, **fields))

    def hears(self, room):
        """The next message that netd has for a room."""
        if not self.queue[room]:
            self.far[room].settimeout(LIMIT_S)
            packet = self.far[room].recv(wire.PACKET_MAX + 1)
            check(packet, "netd has ended")
            self.queue[room] = wire.decode(packet, "netd", room)
        return self.queue[room].pop(0)

    def beacon(self):
        self.tell("keyd", "beacon", hello=b"h" * HELLO_LEN)

    def connect(self, which=0):
        sock = socket.socket(self.listeners[which].family,
                             socket.SOCK_STREAM)
        sock.connect(self.listeners[which].getsockname())
        return sock

    def log_in(self, which=0):
        """A client in a session, and its connection's number."""
        client = self.connect(which)
        equal(take_frame(client), (HELLO, b"h" * HELLO_LEN), "HELLO")
        client.sendall(frame_of(M1, b"1" * M1_LEN))
        name, fields = self.hears("keyd")
        equal((name, fields["body"], fields["generation"]),
              ("handshake_1", b"1" * M1_LEN, 3), "M1")
        number = fields["connection"]
        self.tell("keyd", "handshake_2", connection=number,
                  body=b"2" * M2_LEN)
        equal(take_frame(client), (M2, b"2" * M2_LEN), "M2")
        client.sendall(frame_of(M3, b"3" * M3_LEN))
        name, fields = self.hears("keyd")
        equal((name, fields["connection"]), ("handshake_3", number), "M3")
        self.tell("keyd", "handshake_accepted", connection=number)
        self.tell("ledgerd", "record_out", connection=number, frame_type=M4,
                  body=b"4" * M4_LEN)
        equal(take_frame(client), (M4, b"4" * M4_LEN), "M4")
        return client, number

    def counters(self):
        self.tell("monitor", "control_request", request=1,
                  packet=wire.encode("netd_status_get"))
        name, fields = self.hears("monitor")
        equal(name, "control_answer")
        (name, fields), = wire.decode(fields["packet"], "netd", "control")
        equal(name, "netd_status")
        return fields

    def resident_kib(self):
        return int(process_state(self.pid)["VmRSS"].split()[0])


@scenario
def given_netd_alone_when_it_is_up_then_it_is_behind_its_walls():
    netd = Netd()
    state = process_state(netd.pid)
    equal((state["Seccomp"], state["NoNewPrivs"], int(state["CapEff"], 16)),
          ("2", "1", 0), "the walls")
    netd.kill()


@scenario
def when_clients_come_by_each_kind_of_socket_then_all_are_served():
    netd = Netd()
    netd.beacon()
    for which in range(len(netd.listeners)):
        client, number = netd.log_in(which)
        client.sendall(frame_of(RECORD, b"a" * 300) * 3)
        for _ in range(3):
            name, fields = netd.hears("ledgerd")
            equal((name, fields["connection"], fields["body"]),
                  ("record_in", number, b"a" * 300), "the record")
        netd.tell("ledgerd", "record_out", connection=number,
                  frame_type=RECORD, body=b"b" * 16656)
        equal(take_frame(client), (RECORD, b"b" * 16656), "the answer")
        netd.tell("ledgerd", "session_close", connection=number)
        equal(client.recv(1), b"", "the end")
        client.close()
    equal(netd.counters()["refused"], 0, "refusals")
    netd.kill()


@scenario
def when_registration_ends_or_a_handshake_fails_then_the_connection_ends():
    netd = Netd()
    netd.beacon()
    client = netd.connect()
    take_frame(client)
    client.sendall(frame_of(M1, b"1" * M1_LEN))
    began = time.monotonic()
    _, fields = netd.hears("keyd")
    netd.tell("keyd", "handshake_refused", connection=fields["connection"])
    client.settimeout(LIMIT_S)
    equal(client.recv(1), b"", "the silent end")
    took = time.monotonic() - began
    check(2.9 < took < 4, f"refused after {took:.2f} s instead of 3 s")

    client = netd.connect()
    take_frame(client)
    client.sendall(frame_of(M1, b"1" * M1_LEN))
    _, fields = netd.hears("keyd")
    number = fields["connection"]
    netd.tell("keyd", "handshake_2", connection=number, body=b"2" * M2_LEN)
    take_frame(client)
    client.sendall(frame_of(M3, b"3" * M3_LEN))
    netd.hears("keyd")
    netd.tell("keyd", "handshake_5", connection=number, body=b"5" * M5_LEN)
    equal(take_frame(client), (M5, b"5" * M5_LEN), "M5")
    equal(client.recv(1), b"", "the end")
    netd.kill()


@scenario
def when_nonsense_comes_then_it_is_closed_and_the_rooms_hear_nothing():
    netd = Netd(handshake_timeout_ms=500)
    netd.beacon()
    for words in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                  b"SSH-2.0-x\r\n", bytes(100), b"\xff" * 100,
                  frame_of(RECORD, bytes(300)), frame_of(M3, bytes(528))):
        client = netd.connect()
        take_frame(client)
        client.sendall(words)
        client.settimeout(LIMIT_S)
        try:
            equal(client.recv(1), b"", "the end")
        except ConnectionResetError:
            pass
    # And one that says nothing at all.
    client = netd.connect()
    take_frame(client)
    equal(client.recv(1), b"", "the end by time-out")
    equal(netd.counters()["refused"], 8, "refusals")
    for room in ("keyd", "ledgerd"):
        check(not select.select([netd.far[room]], [], [], 0)[0],
              f"{room} has heard something")
    netd.kill()


@scenario
def when_it_is_told_to_stop_then_it_ends_well_within_two_seconds():
    netd = Netd()
    netd.beacon()
    client, number = netd.log_in()
    idle = netd.connect()
    take_frame(idle)
    began = time.monotonic()
    netd.tell("monitor", "stop")
    equal(idle.recv(1), b"", "the end of one that had not logged in")
    netd.tell("ledgerd", "record_out", connection=number, frame_type=RECORD,
              body=b"l" * 272)
    equal(take_frame(client), (RECORD, b"l" * 272), "the last answer")
    equal(netd.ended(), 0, "the exit code")
    took = time.monotonic() - began
    check(took < 2, f"it took {took:.2f} s")


@scenario
def when_ledgerd_is_gone_then_netd_ends():
    netd = Netd()
    netd.far["ledgerd"].close()
    equal(netd.ended(), 1, "the exit code")


@scenario
def when_ten_thousand_are_idle_then_memory_and_the_others_do_not_suffer():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < IDLE + 200:
        skip(f"the system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    netd = Netd(max_connections=IDLE + 50, max_per_address=IDLE + 50,
                handshake_timeout_ms=600000)
    netd.beacon()
    alone_kib = netd.resident_kib()
    check(alone_kib < 4096 or netd.instrumented,
          f"netd alone takes {alone_kib} KiB")
    idle = []
    for _ in range(IDLE):
        idle.append(netd.connect())
        if len(idle) % 500 == 0:
            take_frame(idle[-1])
    take_frame(idle[0])
    wait_until(lambda: netd.counters()["connections"] == IDLE,
               "all are connected")
    each = (netd.resident_kib() - alone_kib) / IDLE
    check(each < 4 or netd.instrumented,
          f"an idle connection takes {each:.1f} KiB")
    print(f"    netd: {alone_kib} KiB alone, {each:.2f} KiB a connection")
    client, number = netd.log_in()
    client.sendall(frame_of(RECORD, b"a" * 300))
    equal(netd.hears("ledgerd")[1]["connection"], number, "the record's")
    for sock in idle:
        sock.close()
    wait_until(lambda: netd.counters()["connections"] == 1, "all have gone")
    netd.kill()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    run()
