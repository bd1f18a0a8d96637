# SPDX-License-Identifier: ISC
"""
A TCP relay between a client and the bank that does what somebody on the
network could do.  It knows the frames' headers and nothing else.

    with Relay(bank.port) as relay:
        bank.atm("ada", "balance", server=relay.address)
    relay.seen                  all bytes of both directions

`change` gets each whole frame and gives the list of byte strings that are
passed on in its place: [frame] leaves it, [] drops it, [frame, frame] replays
it, None cuts the connection.  Without `frames` bytes pass as they come.
"""
import select
import socket
import threading

HELLO, M1, M2, M3, M4, M5, RECORD = range(1, 8)
TO_BANK, TO_CLIENT = "to the bank", "to the client"


class Frame:
    """A whole frame on its way."""

    def __init__(self, way, number, data):
        self.way, self.number, self.data = way, number, data
        self.type = data[2]

    def altered(self, position, bit=0):
        changed = bytearray(self.data)
        changed[position] ^= 1 << bit
        return bytes(changed)


class Relay:
    """Listens on a port of its own until the end of the with block."""

    def __init__(self, port, change=None, piece=None, join_s=0.0):
        self.port, self.change = port, change
        self.piece = piece      # longest segment that is passed on
        self.join_s = join_s    # collects what comes in that time
        self.seen = bytearray()
        self.frames = []        # as they came, of all connections
        self.connections = []   # per connection: list of Frame
        self.closing = threading.Event()
        self.threads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def __enter__(self):
        self.spawn(self.accept)
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.listener.close()
        for thread in self.threads:
            thread.join(20)

    def spawn(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments,
                                  daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while not self.closing.is_set():
            try:
                if not select.select([self.listener], [], [], 0.1)[0]:
                    continue
                client, _ = self.listener.accept()
            except (OSError, ValueError):
                return
            try:
                bank = socket.create_connection(("127.0.0.1", self.port))
            except ConnectionRefusedError:
                client.close()      # the bank is down
                continue
            for end in (client, bank):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            frames = []
            self.connections.append(frames)
            self.spawn(self.serve, client, bank, frames)

    def serve(self, client, bank, frames):
        ways = {client: (bank, TO_BANK), bank: (client, TO_CLIENT)}
        rest = {client: b"", bank: b""}
        count = {client: 0, bank: 0}
        reading = {client, bank}
        try:
            while reading and not self.closing.is_set():
                for source in select.select(list(reading), [], [], 0.1)[0]:
                    target, way = ways[source]
                    data = self.receive(source)
                    if not data:
                        if rest[source]:
                            target.sendall(rest[source])
                        reading.discard(source)
                        target.shutdown(socket.SHUT_WR)
                        continue
                    self.seen += data
                    out, rest[source] = self.pass_on(
                        way, rest[source] + data, count, source, frames)
                    if out is None:
                        return
                    self.send(target, out)
        except OSError:
            pass
        finally:
            for end in (client, bank):
                end.close()

    def receive(self, source):
        data = source.recv(65536)
        while data and self.join_s and \
                select.select([source], [], [], self.join_s)[0]:
            more = source.recv(65536)
            if not more:
                break
            data += more
        return data

    def pass_on(self, way, data, count, source, frames):
        """Bytes to send now (None: cut) and what is not a whole frame yet."""
        out = b""
        while len(data) >= 4:
            size = 4 + int.from_bytes(data[:2], "little")
            if len(data) < size:
                break
            frame = Frame(way, count[source], data[:size])
            count[source] += 1
            data = data[size:]
            self.frames.append(frame)
            frames.append(frame)
            pieces = self.change(frame) if self.change else [frame.data]
            if pieces is None:
                return None, b""
            out += b"".join(pieces)
        return out, data

    def send(self, target, data):
        if not self.piece:
            target.sendall(data)
            return
        for start in range(0, len(data), self.piece):
            target.sendall(data[start:start + self.piece])
