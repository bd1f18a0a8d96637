#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=180
"""
Strangers on the network who do not want to log in, but to be in the way:
whatever they hold open, begin or send, a customer is served, and what they
hold is taken from them.  And the ways in: IPv4, IPv6 and a unix socket.
"""
import contextlib
import random
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.bank import UNREACHABLE, Bank
from lib.relay import M1, RECORD
from lib.scenario import check, equal, run, scenario, wait_until

HANDSHAKE_MS = 2000
MOST = 40               # connections from one address
M1_LEN = 312
_bank = []


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def the_bank():
    if not _bank:
        bank = Bank.found(netd_handshake_timeout_ms=str(HANDSHAKE_MS),
                          netd_max_per_address=str(MOST))
        bank.unix = f"unix:{bank.base}/socket"
        bank.ipv6 = f"[::1]:{bank.port}" if has_ipv6() else None
        more = [bank.unix] + ([bank.ipv6] if bank.ipv6 else [])
        text = bank.conf.read_text().replace(
            f"listen = {bank.address}\n", f"listen = {bank.address}\n" +
            "".join(f"listen = {address}\n" for address in more))
        bank.conf.write_text(text)
        bank.start()
        bank.register("ada")
        _bank.append(bank)
    return _bank[0]


def frame_of(kind, body):
    return len(body).to_bytes(2, "little") + bytes([kind, 1]) + body


def stranger(bank):
    sock = socket.create_connection(("127.0.0.1", bank.port))
    sock.settimeout(20)
    return sock


def read_to_the_end(sock):
    """True when the bank has closed, orderly or not."""
    try:
        while sock.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


def connections(bank):
    return bank.ask("netd", "netd_status_get")[1]["connections"]


@scenario
def given_three_ways_in_when_ada_takes_each_then_she_is_served():
    bank = the_bank()
    addresses = (bank.directory / "run/address").read_text().split()
    equal(addresses[0], bank.address, "the first address")
    for server in filter(None, (bank.address, bank.unix, bank.ipv6)):
        check(server in addresses, f"{server} is not in run/address")
        equal(bank.balance("ada", server=server), 0, f"by {server}")


@scenario
def when_strangers_say_nothing_then_ada_is_served_and_they_are_closed():
    bank = the_bank()
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(stranger(bank))
                  for _ in range(MOST - 10)]
        for sock in silent[::2]:        # half of them begin a message
            sock.sendall(frame_of(M1, bytes(M1_LEN))[:100])
        equal(bank.balance("ada"), 0)
        for sock in silent:
            check(read_to_the_end(sock), "it is still open")
    wait_until(lambda: connections(bank) == 0, "all have gone")


@scenario
def when_one_address_wants_too_much_then_only_the_excess_is_refused():
    bank = the_bank()
    refused = bank.ask("netd", "netd_status_get")[1]["refused"]
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(stranger(bank)) for _ in range(MOST)]
        for sock in held:
            check(sock.recv(1), "one within the bound was closed")
        # Who comes now from there is told that nothing happened ...
        bank.atm("ada", "balance").ends(UNREACHABLE)
        # ... and from elsewhere is served.
        equal(bank.balance("ada", server=bank.unix), 0)
        now = bank.ask("netd", "netd_status_get")[1]["refused"]
        check(now > refused, "nothing was counted")
    wait_until(lambda: connections(bank) == 0, "all have gone")
    equal(bank.balance("ada"), 0)


@scenario
def when_strangers_flood_with_handshakes_then_ada_is_served():
    bank = the_bank()
    over = threading.Event()
    failures = []

    def work(seed):
        chance = random.Random(seed)
        try:
            while not over.is_set():
                with stranger(bank) as sock:
                    sock.recv(4)
                    sock.sendall(frame_of(
                        M1, bytes(8) + chance.randbytes(M1_LEN - 8)))
                    read_to_the_end(sock)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(24)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            equal(bank.balance("ada"), 0)
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    equal(failures, [], "what went wrong for the strangers")


@scenario
def when_strangers_send_nonsense_then_they_are_closed_and_ada_is_served():
    bank = the_bank()
    chance = random.Random(9)
    pieces = [b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\xa5\x01",
              frame_of(RECORD, bytes(16656)), b"\0" * 2000,
              *(chance.randbytes(500) for _ in range(20))]
    for piece in pieces:
        with stranger(bank) as sock:
            try:
                sock.sendall(piece)
                # A header of nonsense may promise more: that ends, too.
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            check(read_to_the_end(sock), "it is still open")
    rooms = bank.rooms()
    equal(bank.balance("ada"), 0)
    equal(bank.rooms(), rooms, "the rooms")


@scenario
def when_all_is_over_then_the_bank_stops_at_once_with_idle_clients():
    bank = the_bank()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(stranger(bank)) for _ in range(10)]
        bank.stop(limit_s=2)
        for sock in idle:
            check(read_to_the_end(sock), "it is still open")


if __name__ == "__main__":
    run()
