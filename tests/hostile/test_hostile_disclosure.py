#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240
"""
Keys for an auditor while netd, a terminal of an operator's, or whoever
carries the disclosure to the auditor, is in the hands of an attacker.  Nobody
is enrolled whom not both operators have named; no key goes out that was not
asked for on the bank's own machine; and what goes out opens for one auditor
and one segment.
"""
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile.hostile_netd import RECORD
from hostile.story import FREE_ID, ORDER_LEAST, Victim, story
from lib import wire
from lib.bank import (ANCHORED, COULD_NOT, DECLINED, DONE, VERIFY,
                      run_program)
from lib.scenario import check, equal, run, scenario, wait_until

HEADER, ITEM = 80, 120          # of a disclosure (strongroom-journal(5))


class Operators(Victim):
    """strongroomctl, whose sessions go through the hostile netd."""

    def work(self, bank, words, options):
        self.result = bank.ctl(*bank.operators(), *words, **options)


def keygen(tale, name):
    path = tale.bank.base / name
    if not path.exists():
        run_program([VERIFY, "keygen", "-o", path]).ends(DONE)
    return path


def public(path):
    return Path(f"{path}.pub")


def disclose(tale, to, out, segments="0-"):
    return tale.bank.ctl("disclose", "--segments", segments, "--to", to,
                         "--out", tale.bank.base / out)


def not_enrolled(tale, name):
    before = entries(tale)
    disclose(tale, name, "none").ends(DECLINED, "no such auditor")
    check(not (tale.bank.base / "none").exists(), "there is a disclosure")
    equal(entries(tale), before, "entries after a refusal")


def entries(tale):
    return tale.bank.ask("keyd", "keyd_status_get")[1]["tree_size"]


def held_orders(tale, known):
    """Connections with an order that is kept back, each once."""
    return [c for c in tale.attacker.connections()
            if c["id"] not in known and c["held"]]


def next_held(tale, known):
    return wait_until(lambda: next(iter(held_orders(tale, known)), None),
                      "an operator's order")


def pass_held(tale, connection, to=None):
    tale.attacker.do("pass", connection=connection["id"],
                     index=connection["held"][-1],
                     to=connection["id"] if to is None else to)


def held_back(tale, name, key):
    """
    Both operators enrol an auditor: the request is let pass, the approval is
    kept back.  The operators, and the connections of the two.
    """
    known = {c["id"] for c in tale.attacker.connections()}
    tale.attacker.do("hold", types=[RECORD], least=ORDER_LEAST)
    operators = Operators(tale.bank, "auditor", "add", name, public(key))
    asks = next_held(tale, known)
    pass_held(tale, asks)
    return operators, asks, next_held(tale, known | {asks["id"]})


@scenario
def when_netd_asks_for_keys_itself_then_it_gets_none():
    tale = story()
    me, size = tale.attacker, entries(tale)
    get = wire.encode("disclosure_get", segment=0, name=b"clara")
    packets = [get, wire.encode("disclosure"),
               wire.encode("control_request", request=7, packet=get),
               wire.encode("control_answer", request=7, packet=get),
               wire.encode("key_use", request=7, seq=size),
               wire.encode("key_used", request=7),
               wire.encode("segment_key_get", segment=0)]
    me.do("heard")
    for room in ("ledgerd", "keyd"):
        before = tale.refused(room)
        me.say(room, *packets)
        tale.settled(room, before, len(packets))
    said = [(link, name) for link, name, _ in me.do("heard")
            # the session of the scenario before may be ending still
            if name not in ("beacon", "control_request", "record_out",
                            "session_close")]
    equal(said, [], "what the rooms said")
    equal(entries(tale), size, "entries")
    tale.unharmed()


@scenario
def when_such_messages_are_cut_or_too_long_then_they_are_refused():
    tale = story()
    size = entries(tale)
    number = wire.BY_NAME["disclosure_get"].number
    body = struct.pack("<IH", 0, 5) + b"clara"
    whole = wire.raw(number, body)
    packets = [whole[:cut] for cut in range(1, len(whole))]
    packets += [wire.raw(number, body + bytes(more))
                for more in (1, 27, 28, 4000, 30000)]
    packets += [wire.header(number, 0xffff) + body,
                wire.header(number, len(body), 1) + body]
    for room in ("ledgerd", "keyd"):
        before = tale.refused(room)
        tale.attacker.say(room, *packets)
        tale.settled(room, before, len(packets))
    # and over the socket of the bank's own machine
    for bad in (struct.pack("<IH", 0, 33) + bytes(33),
                struct.pack("<IH", 0, 6) + b"clara", body[:-1], body[:3]):
        name, fields = ask_raw(tale, wire.raw(number, bad))
        equal(name, "control_refused", f"the answer to {bad}")
        check(fields["error"] != 0, "no error")
    equal(entries(tale), size, "entries")
    tale.unharmed()


def ask_raw(tale, packet):
    """One packet over the control socket, whatever it is."""
    kept = wire.encode
    try:
        wire.encode = lambda *_, **__: packet
        return tale.bank.ask("ledgerd", "disclosure_get")
    finally:
        wire.encode = kept


@scenario
def when_the_approval_is_dropped_then_there_is_no_auditor():
    tale = story()
    me, key = tale.attacker, keygen(tale, "clara.key")
    not_enrolled(tale, "clara")
    operators, asks, approves = held_back(tale, "clara", key)
    not_enrolled(tale, "clara")
    me.do("close", connection=approves["id"])
    check(operators.join().code not in (DONE, DECLINED),
          "the operators saw an outcome")
    me.honest()
    not_enrolled(tale, "clara")
    # the approval from sessions that are gone, never were, or another's
    refused = tale.refused("ledgerd")
    for to in (approves["id"], asks["id"], me.id(FREE_ID + 3)):
        pass_held(tale, approves, to=to)
    tale.settled("ledgerd", refused, 3)
    not_enrolled(tale, "clara")
    tale.unharmed()


@scenario
def when_request_and_approval_are_altered_or_swapped_then_no_auditor():
    tale = story()
    me, key = tale.attacker, keygen(tale, "clara.key")
    operators, asks, approves = held_back(tale, "clara", key)
    # the request once more, in the place of the approval
    refused = tale.refused("ledgerd")
    pass_held(tale, asks, to=approves["id"])
    tale.settled("ledgerd", refused, 1)
    me.honest()
    check(operators.join().code != DONE, "the operators saw a success")
    not_enrolled(tale, "clara")
    tale.unharmed()


@scenario
def when_an_operators_terminal_asks_and_approves_alone_then_no_auditor():
    tale = story()
    mallory = keygen(tale, "mallory.key")
    card = tale.bank.directory / "operator-1.card"
    tale.bank.ctl("--as", card, "auditor", "add", "mallory",
                  public(mallory)).ends(DONE, "nothing is done until")
    said = tale.bank.ctl("--as", card, "--approve", card, "auditor", "add",
                         "mallory", public(mallory))
    check(said.code != DONE, f"one operator alone: {said}")
    not_enrolled(tale, "mallory")
    tale.unharmed()


@scenario
def when_an_enrolment_is_replayed_then_nothing_is_added():
    tale = story()
    me, key = tale.attacker, keygen(tale, "clara.key")
    known = {c["id"] for c in me.connections()}
    me.honest()
    tale.bank.ctl(*tale.bank.operators(), "auditor", "add", "clara",
                  public(key)).ends(DONE)
    size = entries(tale)
    sessions = [c for c in me.connections() if c["id"] not in known]
    records = [(c, i) for c in sessions
               for i, (kind, _) in enumerate(c["sent"]) if kind == RECORD]
    check(len(records) >= 2, f"{len(records)} records")
    refused = tale.refused("ledgerd")
    for c, i in records:
        for to in (c["id"], me.id(FREE_ID + 9)):
            me.do("pass", connection=c["id"], index=i, to=to)
    tale.settled("ledgerd", refused, 2 * len(records))
    equal(entries(tale), size, "entries after the replay")
    # nor does another key come under that name, nor that key under another
    other = keygen(tale, "mallory.key")
    for name, whose in (("clara", other), ("mallory", key)):
        tale.bank.ctl(*tale.bank.operators(), "auditor", "add", name,
                      public(whose)).ends(DECLINED, "already")
    not_enrolled(tale, "mallory")
    tale.unharmed()


def audit(tale, disclosure, secret):
    return run_program([VERIFY, "--bank", tale.bank.id, "--since",
                        tale.bank.base / "since", "--keys", disclosure,
                        "--auditor-key", secret, tale.bank.ledger])


@scenario
def when_the_carrier_changes_a_disclosure_then_it_opens_nothing():
    tale = story()
    clara, mallory = keygen(tale, "clara.key"), keygen(tale, "mallory.key")
    base = tale.bank.base
    (base / "since").write_bytes(
        (tale.bank.ledger / "public/checkpoint").read_bytes())
    size = entries(tale)
    disclose(tale, "clara", "first").ends(DONE)
    equal(entries(tale), size + 1, "each key is an entry")
    disclose(tale, "clara", "second").ends(DONE)
    equal(entries(tale), size + 2, "and asked again another one")
    first, second = (base / "first").read_bytes(), (base / "second").read_bytes()
    equal(len(first), HEADER + ITEM, "a disclosure of one segment")
    check(first[HEADER + 40:] != second[HEADER + 40:], "the same seal twice")
    audit(tale, base / "first", clara).ends(ANCHORED)
    # an older one is as good: it is the same key, and was logged
    audit(tale, base / "second", clara).ends(ANCHORED)
    audit(tale, base / "first", mallory).ends(COULD_NOT, "another auditor")
    forged = base / "forged"
    key = bytes.fromhex(public(mallory).read_text().split()[1])

    def refused(text, secret=clara):
        forged.write_bytes(text)
        audit(tale, forged, secret).ends(COULD_NOT)
    # for another auditor, of another segment, one half of each
    refused(first[:48] + key + first[80:], mallory)
    refused(first[:HEADER] + struct.pack("<I", 1) + first[HEADER + 4:])
    refused(first[:HEADER + 40 + 32] + second[HEADER + 40 + 32:])
    # twice the same, one more than it says, one less
    refused(first[:12] + struct.pack("<I", 2) + first[16:] + first[HEADER:])
    refused(first + first[HEADER:])
    refused(first[:12] + struct.pack("<I", 0xffffffff) + first[16:])
    tale.unharmed()


@scenario
def when_all_is_over_then_every_key_that_went_out_is_in_the_log():
    tale = story()
    base = tale.bank.base
    disclose(tale, "clara", "last").ends(DONE)
    tale.bank.stop()
    export = base / "export"
    run_program([VERIFY, "--bank", tale.bank.id, "--since", base / "since",
                 "--keys", base / "last", "--auditor-key",
                 base / "clara.key", "--export", export,
                 tale.bank.ledger]).ends(ANCHORED)
    uses = [line for line in export.read_text().splitlines()
            if '"type":"use"' in line and '"code":5' in line]
    equal(len(uses), 3, f"disclosures in the log {uses[:1]}")


if __name__ == "__main__":
    run()
