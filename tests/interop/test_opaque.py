#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 on-demand
"""
OPAQUE between common/opaque.h and opaque-ke: their client with our server and
our client with their server, with identities and without.  The context is
empty: the package cannot set one.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.foreign import Partner, Refused, run_with  # noqa: E402
from lib.scenario import Failure, check, equal, scenario  # noqa: E402

ID = b"credential 7"
PASSWORD, WRONG = "pässword of ada".encode(), b"password of ada"
NAMED, UNNAMED = (b"ada", b"bank"), (b"", b"")
partners = {}


def pair(direction):
    if not partners:
        partners.update(theirs=Partner.in_node("opaque_theirs.mjs"),
                        ours=Partner.ours("opaque_peer"))
    client, server = direction
    return partners[client], partners[server]


THEIRS_AT_OURS, OURS_AT_THEIRS = ("theirs", "ours"), ("ours", "theirs")


def register(direction, identities=NAMED):
    """Registers with a new server; its public key, record, export key."""
    client, server = pair(direction)
    (server_key,) = server.ask("setup")
    (request,) = client.ask("register", PASSWORD)
    (response,) = server.ask("evaluate", ID, request)
    record, export_key = client.ask("record", PASSWORD, *identities, response)
    equal(len(record), 192, "the record's length")
    return server_key, record, export_key


def answer(direction, record, password=PASSWORD, identities=NAMED):
    """A log-in as far as KE2."""
    client, server = pair(direction)
    (ke1,) = client.ask("login", password)
    (ke2,) = server.ask("respond", ID, *identities, record, ke1)
    equal((len(ke1), len(ke2)), (96, 320), "the lengths of KE1 and KE2")
    return ke2


def refused(partner, *words):
    try:
        partner.ask(*words)
    except Refused:
        return
    raise Failure(f"{words[0]} is not refused")


def changed(message, position):
    changed = bytearray(message)
    changed[position] ^= 1
    return bytes(changed)


def log_in(direction, identities):
    client, server = pair(direction)
    server_key, record, export_key = register(direction, identities)
    for _ in range(2):
        ke2 = answer(direction, record, PASSWORD, identities)
        ke3, session_key, again, key = client.ask(
            "finish", PASSWORD, *identities, ke2)
        equal(again, export_key, "the export key at log-in")
        equal(key, server_key, "the server's public key")
        (at_server,) = server.ask("verify", *identities, ke3)
        equal(at_server, session_key, "the server's session key")
        equal(len(session_key), 64, "the session key's length")


def wrong_password(direction):
    client, _ = pair(direction)
    _, record, _ = register(direction)
    refused(client, "finish", WRONG, *NAMED,
            answer(direction, record, WRONG))


def unknown_name(direction):
    client, _ = pair(direction)
    register(direction)
    refused(client, "finish", PASSWORD, *NAMED, answer(direction, b""))


def other_identity(direction):
    """The identities are bound: those of the two sides must be the same."""
    client, _ = pair(direction)
    _, record, _ = register(direction)
    refused(client, "finish", PASSWORD, b"ada", b"other",
            answer(direction, record))


def altered(direction):
    """One bit of each part of KE2, and of KE3."""
    client, server = pair(direction)
    _, record, _ = register(direction)
    for position in (0, 32, 64, 191, 192, 224, 256, 319):
        refused(client, "finish", PASSWORD, *NAMED,
                changed(answer(direction, record), position))
    ke2 = answer(direction, record)
    ke3 = client.ask("finish", PASSWORD, *NAMED, ke2)[0]
    check(len(ke3) == 64, "the length of KE3")
    refused(server, "verify", *NAMED, changed(ke3, 63))


@scenario
def given_their_client_when_it_logs_in_at_ours_then_all_keys_are_equal():
    log_in(THEIRS_AT_OURS, NAMED)
    log_in(THEIRS_AT_OURS, UNNAMED)


@scenario
def given_our_client_when_it_logs_in_at_theirs_then_all_keys_are_equal():
    log_in(OURS_AT_THEIRS, NAMED)
    log_in(OURS_AT_THEIRS, UNNAMED)


@scenario
def given_their_client_when_the_password_is_wrong_then_it_is_refused():
    wrong_password(THEIRS_AT_OURS)


@scenario
def given_our_client_when_the_password_is_wrong_then_it_is_refused():
    wrong_password(OURS_AT_THEIRS)


@scenario
def given_their_client_when_the_name_is_unknown_then_it_is_refused():
    unknown_name(THEIRS_AT_OURS)


@scenario
def given_our_client_when_the_name_is_unknown_then_it_is_refused():
    unknown_name(OURS_AT_THEIRS)


@scenario
def given_their_client_when_the_bank_is_another_then_it_is_refused():
    other_identity(THEIRS_AT_OURS)


@scenario
def given_our_client_when_the_bank_is_another_then_it_is_refused():
    other_identity(OURS_AT_THEIRS)


@scenario
def given_their_client_when_a_bit_changes_on_the_way_then_it_is_refused():
    altered(THEIRS_AT_OURS)


@scenario
def given_our_client_when_a_bit_changes_on_the_way_then_it_is_refused():
    altered(OURS_AT_THEIRS)


if __name__ == "__main__":
    run_with("npm")
