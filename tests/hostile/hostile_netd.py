# SPDX-License-Identifier: ISC
"""
A netd written by an attacker.  strongroomd starts it in the place of the real
one (see install()), so it holds the real sockets: the listeners, and the
links to keyd and ledgerd.  It enters no sandbox, which gives it more than an
attacker inside the real netd would have.

It relays honestly what it is not told to hold or alter, remembers all of it,
and says to keyd and ledgerd whatever the test wants.  The test speaks to it
in lines of JSON over a unix socket; do_X() below are its commands.
"""
import collections
import json
import os
import select
import socket
import stat
import struct
import sys
from pathlib import Path

from lib import wire

CONTROL, KEYD, LEDGERD, LISTEN = 3, 4, 5, 7
HELLO, M1, M2, M3, M4, M5, RECORD = range(1, 8)


def install(libexec, command_path, tests):
    """Writes the program that strongroomd will start as netd."""
    path = Path(libexec) / "netd"
    path.unlink()
    path.write_text(
        f"#!{os.path.realpath(sys.executable)} -B\n"
        f"import sys\nsys.path.insert(0, {str(tests)!r})\n"
        "from hostile.hostile_netd import main\n"
        f"main({str(command_path)!r})\n", encoding="utf-8")
    path.chmod(0o755)


def frame_of(kind, body):
    return struct.pack("<HBB", len(body), kind, 1) + body


class Connection:
    def __init__(self, number, sock):
        self.id, self.sock = number, sock
        self.phase, self.buffer = "hello", b""
        self.sent = []      # [type, body] that the client sent
        self.got = []       # [type, body] that the rooms sent to it
        self.held = []      # indices of `sent` that were not passed on

    def tell(self):
        def list_of(frames):
            return [[kind, body.hex()] for kind, body in frames]
        return {"id": self.id, "phase": self.phase, "held": self.held,
                "sent": list_of(self.sent), "got": list_of(self.got)}


class HostileNetd:
    def __init__(self, command_path, options):
        self.generation = int(options.get("generation", 1))
        self.counter = self.generation << 32
        self.links = {name: socket.socket(fileno=fd) for name, fd in (
            ("monitor", CONTROL), ("keyd", KEYD), ("ledgerd", LEDGERD))}
        self.listeners = [socket.socket(fileno=LISTEN + i)
                          for i in range(int(options.get("listeners", 0)))]
        for listener in self.listeners:
            listener.setblocking(False)
        self.queues = {name: collections.deque() for name in self.links}
        self.connections = {}
        self.hello = b""
        self.heard = []
        self.hold, self.hold_min, self.alter = set(), 0, set()
        self.pulses = []    # numbers of those that were kept back
        self.keeps_pulses = False
        self.awaiting_empty = False
        self.command = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.command.connect(command_path)
        self.lines = b""

    # ---- the honest part

    def say(self, link, name, /, **fields):
        self.queues[link].append(wire.encode(name, **fields))

    def accept(self, listener):
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        self.counter += 1
        self.connections[self.counter] = Connection(self.counter, sock)
        self.to_client(self.connections[self.counter], HELLO, self.hello)

    def to_client(self, connection, kind, body):
        connection.got.append((kind, body))
        frame = bytearray(frame_of(kind, body))
        if kind in self.alter:
            frame[-1] ^= 1
        self.raw_to_client(connection, bytes(frame))

    def raw_to_client(self, connection, data):
        try:
            connection.sock.settimeout(5)
            connection.sock.sendall(data)
        except OSError:
            self.close(connection)

    def close(self, connection):
        if connection.phase == "closed":
            return
        if connection.phase == "session":
            self.say("ledgerd", "session_gone", generation=self.generation,
                     connection=connection.id)
        elif connection.phase != "hello":
            self.say("keyd", "handshake_gone", generation=self.generation,
                     connection=connection.id)
        connection.phase = "closed"
        connection.sock.close()

    def pass_on(self, kind, body, number):
        where, name = {M1: ("keyd", "handshake_1"),
                       M3: ("keyd", "handshake_3"),
                       RECORD: ("ledgerd", "record_in")}[kind]
        self.say(where, name, generation=self.generation, connection=number,
                 body=body)

    def from_client(self, connection):
        try:
            data = connection.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.close(connection)
            return
        connection.buffer += data
        while len(connection.buffer) >= 4:
            size = 4 + struct.unpack_from("<H", connection.buffer)[0]
            if len(connection.buffer) < size:
                return
            kind = connection.buffer[2]
            body = connection.buffer[4:size]
            connection.buffer = connection.buffer[size:]
            connection.sent.append((kind, body))
            if kind in self.hold and len(body) >= self.hold_min:
                connection.held.append(len(connection.sent) - 1)
                continue
            connection.phase = {M1: "m1", M3: "m3"}.get(
                kind, connection.phase)
            self.pass_on(kind, body, connection.id)

    def from_room(self, link):
        packet = self.links[link].recv(wire.PACKET_MAX + 1)
        if not packet:
            sys.exit(0)
        for name, fields in wire.decode(packet, link, "netd"):
            self.heard.append([link, name, fields.get("connection", 0)])
            if name == "stop":
                sys.exit(0)
            if name == "beacon":
                self.hello = fields["hello"]
            if name == "control_request":
                self.answer_control(fields)
            if name == "pulse":
                self.from_pulse(fields["number"])
            connection = self.connections.get(fields.get("connection"))
            if connection is None or connection.phase == "closed":
                continue
            if name == "handshake_2":
                self.to_client(connection, M2, fields["body"])
            elif name == "handshake_5":
                self.to_client(connection, M5, fields["body"])
                connection.phase = "hello"      # nobody has to be told
                self.close(connection)
            elif name == "handshake_accepted":
                connection.phase = "session"
            elif name == "record_out":
                connection.phase = "session"
                self.to_client(connection, fields["frame_type"],
                               fields["body"])
            elif name in ("session_close", "handshake_refused"):
                self.close(connection)

    def answer_control(self, fields):
        self.say("monitor", "control_answer", request=fields["request"],
                 packet=wire.encode("netd_status",
                                    generation=self.generation))

    def from_pulse(self, number):
        if self.keeps_pulses:
            self.pulses.append(number)
            return
        self.say("keyd", "pulse_keyd", generation=self.generation,
                 number=number)
        self.say("monitor", "pulse_seen", number=number)

    # ---- the commands

    def do_keep_pulses(self, keep):
        """Whether pulses are kept back; those that were, until now."""
        self.keeps_pulses = keep
        kept, self.pulses = self.pulses, []
        return kept

    def do_list(self):
        """Everything that is remembered of the connections."""
        return [c.tell() for c in self.connections.values()]

    def do_about(self):
        return {"generation": self.generation, "pid": os.getpid()}

    def do_hold(self, types, least=0):
        """Client's frames of these types and length are not passed on."""
        self.hold, self.hold_min = set(types), least

    def do_alter(self, types):
        """One bit of these frames is changed on the way to the client."""
        self.alter = set(types)

    def do_pass(self, connection, index, to=None):
        """Passes a remembered frame on, as that of connection `to`."""
        kind, body = self.connections[connection].sent[index]
        number = connection if to is None else to
        target = self.connections.get(number)
        if kind == M3 and target is not None and target.phase != "closed":
            target.phase = "m3"
        self.pass_on(kind, body, number)

    def do_send(self, link, packets, times=1):
        """Says these packets (hex) to a room; answers when all are out."""
        for _ in range(times):
            self.queues[link].extend(bytes.fromhex(p) for p in packets)
        self.awaiting_empty = True

    def do_client(self, connection, data):
        """Bytes for a client, as they are."""
        self.raw_to_client(self.connections[connection], bytes.fromhex(data))

    def do_abandon(self, connection):
        """Closes towards the client, and keeps that from the rooms."""
        self.connections[connection].phase = "closed"
        self.connections[connection].sock.close()

    def do_close(self, connection):
        self.close(self.connections[connection])

    def do_heard(self):
        """What the rooms have said since the last time."""
        heard, self.heard = self.heard, []
        return heard

    def do_die(self):
        os.kill(os.getpid(), 9)
        os._exit(9)         # as process 1 of a namespace it may not die of it

    def from_test(self):
        data = self.command.recv(1 << 20)
        if not data:
            sys.exit(0)
        self.lines += data
        while b"\n" in self.lines:
            line, self.lines = self.lines.split(b"\n", 1)
            words = json.loads(line)
            result = getattr(self, "do_" + words.pop("do"))(**words)
            if not self.awaiting_empty:
                self.reply(result)

    def reply(self, result):
        self.command.settimeout(60)
        self.command.sendall(json.dumps(result).encode() + b"\n")

    # ---- the loop

    def flush(self, link):
        queue = self.queues[link]
        while queue:
            try:
                self.links[link].send(
                    queue[0], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            except OSError:
                sys.exit(0)
            queue.popleft()

    def run(self):
        self.say("monitor", "ready", missing=0)
        while True:
            poll = select.poll()
            for link, sock in self.links.items():
                self.flush(link)
                poll.register(sock, select.POLLIN | (
                    select.POLLOUT if self.queues[link] else 0))
            if self.awaiting_empty and not any(self.queues.values()):
                self.awaiting_empty = False
                self.reply(None)
            poll.register(self.command, select.POLLIN)
            if self.hello:
                for listener in self.listeners:
                    poll.register(listener, select.POLLIN)
            owners = {}
            for connection in self.connections.values():
                if connection.phase != "closed":
                    poll.register(connection.sock, select.POLLIN)
                    owners[connection.sock.fileno()] = connection
            ready = {fd: event for fd, event in poll.poll()
                     if event & ~select.POLLOUT}
            for link, sock in self.links.items():
                if sock.fileno() in ready:
                    self.from_room(link)
            for listener in self.listeners:
                if listener.fileno() in ready:
                    self.accept(listener)
            for fd, connection in owners.items():
                if fd in ready and connection.phase != "closed":
                    self.from_client(connection)
            if self.command.fileno() in ready:
                self.from_test()


def main(command_path):
    words = sys.argv[1:]
    options = {words[i][2:]: words[i + 1] for i in range(0, len(words), 2)}
    assert stat.S_ISSOCK(os.fstat(KEYD).st_mode)
    HostileNetd(command_path, options).run()
