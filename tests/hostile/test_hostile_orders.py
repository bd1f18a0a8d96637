#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""
Every kind of order and every question, from a client that is an attacker with
a real key, past a netd that is one, too: malformed, oversized, for another
bank or session, in a role that may not, and once more.  Each gets a clean
refusal, none moves anything, and nobody dies.  The kinds are read from
common/order.h, the questions from policy/messages.def: a new one that is not
played here makes the suite fail.  Log-ins take most of the time: all
scenarios share one session for each role.
"""
import contextlib
import random
import re
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile.hostile_netd import RECORD
from hostile.story import FREE_ID, story
from lib import wire
from lib.bank import DONE, TOP
from lib.scenario import check, equal, run, scenario
from lib.session import HOLD, TRANSFER, Session

NONE = 2 ** 64 - 1
MEMO = b"given in good order"
LABEL = b"the-second-of-me"     # none may be longer
# What a well-formed attachment of each kind is like; MEMO where it is a memo.
SHAPES = {
    "TRANSFER": MEMO, "DEPOSIT": MEMO, "HOLD": MEMO, "UNDO": MEMO,
    "REVERSE": MEMO, "ISSUE": MEMO, "ADJUST": MEMO, "CASH_OUT": MEMO,
    "POST": b"", "VOID": b"", "ERASE": b"",
    "POLICY": struct.pack("<qqqqQQQQ", -1, 0, 10, 10, 60000, 60000, 0, 0),
    "ROLE": struct.pack("<QB7xQq", 77, 5, 0, 0),
    "RAISE_LIMIT": struct.pack("<Qqqqq", 77 << 8, -100, 0, 100, 100),
    "LOWER_LIMIT": struct.pack("<Qqqqq", 77 << 8, 0, 0, 1, 1),
    "ENROL_REQUEST": struct.pack("<QIIqB7x", 77, 9, 1, 100, 2),
    "APPROVE": bytes(32),
    "FREEZE": struct.pack("<QQ", 77 << 8, 0),
    "UNFREEZE": struct.pack("<QQ", 77 << 8, 0),
    "CLOSE": struct.pack("<QQ", 77 << 8, 0),
    "REVOKE": struct.pack("<QI4x", 77, 9),
    "ROLE_REVOKE": struct.pack("<QQ", 77, 0),
    "RELEASE_REQUEST": struct.pack("<Qq", 77 << 8, 100),
    "AUDITOR_REQUEST": bytes(31) + b"\7" + b"\3" + b"eva" + bytes(36),
    "TILL_OPEN": struct.pack("<QB7x", 77 << 8 | 1, 0),
    "TILL_COUNT": struct.pack("<QB7x", 77 << 8 | 1, 0),
    "TILL_CLOSE": struct.pack("<QB7x", 77 << 8 | 1, 0),
    "ACCOUNT_OPEN": LABEL,
    "CERTIFY": struct.pack("<IIIIQ64x", 1, 0, 128, 0, 1),
    "RETIRE": struct.pack("<I36x", 1),
    "RESET": struct.pack("<QQ32x", 77, 2 ** 40),
}
# What else is needed for the order to be carried out; of the others, nothing.
NOTHING = {"debit": 0, "credit": 0, "amount": 0}
FIELDS = {
    "TRANSFER": {"credit": "@bob", "amount": 100},
    "ACCOUNT_OPEN": {"debit": 0, "credit": "@ada#2", "amount": 0},
}
_made = {}


def kinds():
    """Name and number of every kind that somebody may sign, and who may."""
    text = (TOP / "common/order.h").read_text()
    numbers = {name: int(number) for name, number in
               re.findall(r"^\tORDER_(\w+) = (\d+),", text, re.M)}
    may = {}
    for kind, role in re.findall(r"^MAY\(ORDER_(\w+), ROLE_(\w+)\)",
                                 (TOP / "policy/authority.def").read_text(),
                                 re.M):
        may.setdefault(kind, []).append(role)
    equal(set(may), set(SHAPES), "the kinds that are played here")
    return [(name, numbers[name], may[name]) for name in sorted(may)]


def tale_of_roles():
    """A bank with a hostile netd, and how to log in in each role."""
    if not _made:
        tale = story()
        bank = tale.bank
        card = bank.base / "tess.card"
        bank.ctl(*bank.operators(), "role", "set", "tess", "teller", "--max",
                 "100.00", "--out", card).ends(DONE)
        walt = bank.base / "walt.card"
        bank.ctl(*bank.operators(), "role", "set", "walt", "auditor", "--out",
                 walt).ends(DONE)
        _made.update(tale=tale, desks={}, roles={
            "CUSTOMER": {"user": "ada"}, "TELLER": {"card": card},
            "TERMINAL": {"card": tale.lobby, "terminal": tale.lobby},
            "AUDITOR": {"card": walt},
            "OPERATOR": {"card": bank.directory / "operator-1.card"}})
    return _made["tale"], _made["roles"]


def answered(session, packet):
    """What a message that is sealed well is answered: name and fields."""
    answer = session.raw(packet)
    if answer["error"] != "SR_OK":
        return answer["error"], {}
    return wire.decode(wire.raw(answer["type"],
                                bytes.fromhex(answer["body"])),
                       "ledgerd", "client")[0]


def lives(session):
    return answered(session, wire.encode("policy_get"))[0] == "policy"


def at_desk(role):
    """The session of that role; a new one where the last one has ended."""
    tale, roles = tale_of_roles()
    desks = _made["desks"]
    if role not in desks or not lives(desks[role][0]):
        before = tale.attacker.connections()
        session = Session(tale.bank, **roles[role])
        equal(session.refused, None, f"the log-in as {role}")
        connection = tale.new_connection(
            before, lambda c: c["phase"] == "session")
        desks[role] = session, connection["id"]
    return desks[role][0]


def books():
    """Every account with its limits, every hold, request and role."""
    told = {}
    for question, fields in (("accounts_get", {"customer": NONE}),
                             ("holds_get", {}), ("requests_get", {}),
                             ("principals_get", {})):
        name, got = answered(at_desk("OPERATOR"),
                             wire.encode(question, **fields))
        equal((got["error"], got["more"]), (0, 0), f"{name} of the operator")
        told[name] = got["list"]
    return told


@contextlib.contextmanager
def nothing_moves():
    """Nothing in the books is another afterwards, and nobody died."""
    tale, _ = tale_of_roles()
    before = books()
    yield tale
    for name, told in books().items():
        equal(told.hex(), before[name].hex(), name)
    rooms = tale.bank.rooms()
    for name in ("keyd", "ledgerd"):
        equal(rooms.get(name), tale.pids[name], f"the pid of {name}")


def refused(client, what, /, **fields):
    """The order is refused or declined; the reason."""
    answer = client.order(**fields)
    reason = answer["outcome"] if answer["error"] == "SR_OK" \
        else answer["error"]
    check(reason != "SR_OK", f"{what} was carried out: {answer}")
    return reason, answer


def refused_again(session, what, answer):
    """The same bytes once more are answered as before."""
    again = session.again()
    if answer["error"] == "SR_OK":
        equal(again, answer, f"{what}, once more")
    else:
        equal(again["error"], answer["error"], f"{what}, once more")
    check(lives(session), f"{what} ended the session")


def misshapen(name, chance):
    """Attachments that are none of that kind."""
    good = SHAPES[name]
    wrong = [good + b"\0", chance.randbytes(4096),
             b"\xff" * max(len(good), 1)]     # nor is it UTF-8
    if good and good is not MEMO:
        wrong.append(b"")
    if good and good not in (MEMO, LABEL):
        wrong.append(good[:-1])
    return wrong


@scenario
def when_each_kind_comes_with_a_wrong_attachment_then_none_is_carried_out():
    chance = random.Random(11)
    with nothing_moves():
        for name, number, may in kinds():
            session = at_desk(may[0])
            for data in misshapen(name, chance):
                what = f"{name} {data[:20]!r}"
                reason, answer = refused(
                    session, what, kind=number, attachment=data.hex(),
                    **FIELDS.get(name, NOTHING))
                # any 32 bytes are some hash, any 16 some hold
                if len(data) != len(SHAPES[name]) or reason not in (
                        "SR_NO_REQUEST", "SR_HOLD_STATE"):
                    equal(reason, "SR_PARAMETERS", what)
            refused_again(session, what, answer)


@scenario
def when_a_kind_is_none_that_is_accepted_then_its_order_is_not_read():
    known = {number for _, number, _ in kinds()}
    with nothing_moves() as tale:
        orders = tale.bank.status()["orders"]
        for role in ("CUSTOMER", "OPERATOR"):
            for number in sorted({*range(64), 127, 128, 255} - known):
                reason, answer = refused(at_desk(role), f"kind {number}",
                                         kind=number, debit=0, credit=0,
                                         amount=0)
                equal(reason, "SR_MALFORMED", f"kind {number}")
            refused_again(at_desk(role), f"kind {number}", answer)
        equal(tale.bank.status()["orders"], orders, "the orders")


@scenario
def when_each_kind_is_signed_in_a_wrong_role_then_each_is_declined():
    with nothing_moves() as tale:
        for role in _made["roles"]:
            session = at_desk(role)
            for name, number, may in kinds():
                if role in may:
                    continue
                what = f"{name} of a {role}"
                reason, answer = refused(
                    session, what, kind=number, debit=0, credit=0, amount=0,
                    attachment=SHAPES[name].hex())
                equal(reason, "SR_ROLE", what)
            refused_again(session, what, answer)
        equal(tale.bank.process.poll(), None, "strongroomd's end")


@scenario
def when_each_kind_names_what_is_not_ones_own_then_each_is_declined():
    # somebody else's money, an entry that is none, the most
    wrong = [("@bob", "@eve", 100, 0), ("@eve", "@bob", 100, 3),
             (NONE, 77 << 8, 2 ** 63 - 1, NONE),
             ("@bob", "@bob", -2 ** 63, NONE - 1)]
    with nothing_moves():
        for name, number, may in kinds():
            for role in may:
                session, what = at_desk(role), f"{name} of others by a {role}"
                for debit, credit, amount, entry in wrong:
                    if name == "ADJUST" and amount == 100 and entry == 0:
                        continue    # that, two operators may
                    _, answer = refused(
                        session, what, kind=number, debit=debit,
                        credit=credit, amount=amount, refers_to=entry,
                        attachment=SHAPES[name].hex())
                refused_again(session, what, answer)


@scenario
def when_each_kind_is_for_another_bank_or_session_then_none_is_read():
    with nothing_moves() as tale:
        orders = tale.bank.status()["orders"]
        for name, number, may in kinds():
            session = at_desk(may[0])
            for wanted, spoilt in (("SR_WRONG_BANK", {"bank": "bad"}),
                                   ("SR_STALE", {"session": "bad"}),
                                   ("SR_SIGNATURE", {"signature": "bad"}),
                                   ("SR_MALFORMED", {"hash": "bad"}),
                                   ("SR_SIGNATURE", {"signer": 2}),
                                   ("SR_TERMINAL", {"terminal": 77}),
                                   ("SR_EXPIRED", {"life": -60000}),
                                   ("SR_NOT_AFTER", {"life": 10 ** 9}),
                                   ("SR_SEQ", {"previous": "bad"})):
                what = f"{name} {spoilt}"
                reason, answer = refused(
                    session, what, kind=number,
                    attachment=SHAPES[name].hex(), **spoilt)
                equal(reason, wanted, what)
            refused_again(session, what, answer)
        equal(tale.bank.status()["orders"], orders, "the orders")


def play(session, role):
    """Every kind that this role may sign; some of them are carried out."""
    booked = 0
    for name, number, may in kinds():
        if role not in may:
            continue
        answer = session.order(kind=number, attachment=SHAPES[name].hex(),
                               **FIELDS.get(name, NOTHING))
        # there is no snapshot yet that anybody could sign, or rely on
        equal(answer["error"], "SR_NOT_FOUND" if name in (
            "CERTIFY", "RETIRE") else "SR_OK", name)
        equal(session.again(), answer, f"{name}, once more")
        booked += answer["outcome"] == "SR_OK"
        if name in FIELDS:
            equal(answer["outcome"], "SR_OK", name)
    return booked


@scenario
def when_netd_brings_each_kind_again_then_no_order_is_taken():
    tale, roles = tale_of_roles()
    me, chance = tale.attacker, random.Random(13)
    booked = {role: play(at_desk(role), role) for role in roles}
    check(booked["OPERATOR"] > 0, "the operator asked for nothing")
    tale.moved("ada", "bob", 100)
    sent = {c["id"]: c["sent"] for c in me.connections()}
    with nothing_moves():
        orders, count = tale.bank.status()["orders"], tale.refused("ledgerd")
        desks = dict(_made["desks"])
        passes = 0
        for role, (_, mine) in desks.items():
            records = [i for i, (kind, _) in enumerate(sent[mine])
                       if kind == RECORD]
            for index in chance.sample(records, min(40, len(records))):
                for to in (mine, me.id(FREE_ID + 20),
                           *(other for _, other in desks.values())):
                    me.do("pass", connection=mine, index=index, to=to)
                    passes += 1
        tale.settled("ledgerd", count, passes)
        for role, (session, _) in desks.items():
            check(not lives(session), f"the session of the {role} goes on")
            session.close()
        _made["desks"].clear()
        equal(tale.bank.status()["orders"], orders, "the orders")


def misshapen_messages(message, chance):
    """Packets that are no message of that kind."""
    good = wire.encode(message.name)
    number, body = good[2], good[4:]
    # what is cut off comes back as zeros: records are padded
    wrong = [wire.header(number, len(body) + 1) + body,
             wire.header(number, len(body), zero=1) + body,
             wire.raw(number, body + b"\0"),
             wire.raw(number, chance.randbytes(4900))]
    if body:
        wrong += [wire.raw(number), wire.raw(number, body[:-1])]
    last = message.fields[-1] if message.fields else None
    if last is not None and last.kind == "data" and last.size < 4200:
        wrong.append(wire.raw(number, body[:-2] + struct.pack(
            "<H", last.size + 1) + bytes(last.size + 1)))
    if ("client", "ledgerd") not in message.links():
        wrong.append(good)
    return wrong


@scenario
def when_each_message_is_malformed_then_it_is_refused_and_the_bank_goes_on():
    chance = random.Random(12)
    links = {("client", "ledgerd"), ("ledgerd", "client")}
    inside = [m for m in wire.MESSAGES if links & set(m.links())]
    packets = [(m.name, packet) for m in inside
               for packet in misshapen_messages(m, chance)]
    packets += [(f"message {number}", wire.raw(number, body))
                for number in set(range(256)) - {m.number for m in inside}
                for body in (b"", bytes(40))]
    with nothing_moves() as tale:
        count, session = tale.refused("ledgerd"), at_desk("CUSTOMER")
        for name, packet in packets:
            said, got = answered(session, packet)
            equal(said, "refused", f"{name} {packet[:20]!r}")
            check(got["error"] != 0, f"{name} {packet[:20]!r}: {got}")
        check(lives(session), "the session ended")
        equal(tale.refused("ledgerd") - count, len(packets), "the refusals")


@scenario
def when_each_question_is_asked_about_others_then_nothing_is_told():
    tale, _ = tale_of_roles()
    clerk, lobby = at_desk("OPERATOR"), at_desk("TERMINAL")
    leaf = at_desk("CUSTOMER").booked(kind=TRANSFER, credit="@bob",
                                      amount=100)["leaf"]
    tale.moved("ada", "bob", 100)
    number = next(n for name, n, _ in kinds() if name == "POLICY")
    clerk.booked(kind=number, debit=0, credit=0, amount=0,
                 attachment=SHAPES["POLICY"].hex())
    bob = Session(tale.bank, "bob", terminal=tale.lobby)
    account, customer = bob.facts["account"], bob.facts["customer"]
    bob.booked(kind=HOLD, debit=account, credit=lobby.facts["till"],
               amount=100)
    told = {"balance_get": {"account": account},
            "statement_get": {"account": account, "before": NONE,
                              "count": 100},
            "holds_get": {}, "late_get": {}, "requests_get": {},
            "accounts_get": {"customer": NONE},
            "principals_get": {}, "posting_get": {"leaf": leaf},
            "receipt_get": {"leaf": leaf}}
    asked = {m.name for m in wire.between("client", "ledgerd")}
    equal(asked - set(told), {"order_submit", "directory_get", "policy_get",
                              "certificate_get", "goodbye", "rekey"},
          "the messages that are not played here")

    def secrets(session, question, fields):
        """What is told that is not nothing."""
        name, got = answered(session, wire.encode(question, **fields))
        check(name + "_get" == question, f"{question}: {name}")
        return {field: value for field, value in got.items() if value and
                field in ("posted", "held", "amount", "debit", "lines",
                          "list", "committed", "path", "name")}

    for question, fields in told.items():   # there is something to tell
        who = bob if question in ("statement_get", "receipt_get") else clerk
        check(question == "late_get" or secrets(who, question, fields),
              f"{question} told nothing to whom it may be told")
    with nothing_moves(), Session(tale.bank, "eve") as eve:
        for who in (eve, at_desk("TELLER"), lobby):
            for question, fields in told.items():
                known = {f.name for f in wire.BY_NAME[question].fields}
                # a terminal is told what it has to settle, and no more
                if who is lobby and question == "holds_get":
                    fields = {"after": NONE}
                for spoilt in ({}, {"after": NONE}, {"customer": customer},
                               {"leaf": NONE}, {"account": NONE},
                               {"before": 0}, {"count": 0xffff}):
                    if set(spoilt) <= known:
                        equal(secrets(who, question, dict(fields, **spoilt)),
                              {}, f"{question} {spoilt} of {who.facts}")
        name, got = answered(eve, wire.encode("directory_get",
                                              customer=customer))
        equal((name, got["name"], got["display_name"]),
              ("directory", b"", b""), "who has that number")
    bob.close()


@scenario
def when_all_is_over_then_the_books_verify():
    tale, _ = tale_of_roles()
    tale.unharmed()
    tale.bank.look_at_walls()
    tale.bank.stop()
    tale.bank.verify().ends(3)


if __name__ == "__main__":
    run()
