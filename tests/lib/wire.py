# SPDX-License-Identifier: ISC
"""
The messages of policy/messages.def for tests: encode by name and fields,
decode by who sent to whom.  The definition file is read by the generator's
own reader; what is encoded here is not made by the generated C.
"""
import importlib.util
import os
import struct
import sys
from pathlib import Path

TOP = Path(os.environ.get("TOP") or Path(__file__).resolve().parents[2])
PACKET_MAX = 65536
_FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q"}


def _load():
    spec = importlib.util.spec_from_file_location(
        "messages_def", TOP / "policy" / "messages_def.py")
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    text = (TOP / "policy" / "messages.def").read_text(encoding="utf-8")
    return module.read(text)


MESSAGES = _load()
BY_NAME = {message.name: message for message in MESSAGES}


class Malformed(Exception):
    """A packet that is none of its link."""


def between(sender, receiver):
    """The messages that may go from sender to receiver."""
    return [m for m in MESSAGES if (sender, receiver) in m.links()]


def header(number, length, zero=0):
    return struct.pack("<HBB", length, number, zero)


def raw(number, body=b""):
    """A message of any number with any body."""
    return header(number, len(body)) + body


def encode(name, /, **fields):
    """Header and body; a field that is not given is zero or empty."""
    message, body = BY_NAME[name], b""
    unknown = set(fields) - {field.name for field in message.fields}
    assert not unknown, f"{name} has no field {unknown}"
    for field in message.fields:
        if field.kind in _FORMATS:
            body += struct.pack("<" + _FORMATS[field.kind],
                                fields.get(field.name, 0))
        elif field.kind == "bytes":
            data = fields.get(field.name, bytes(field.size))
            assert len(data) == field.size, f"{name}.{field.name}"
            body += data
        else:
            data = fields.get(field.name, b"")
            assert len(data) <= field.size, f"{name}.{field.name}"
            body += struct.pack("<H", len(data)) + data
    return raw(message.number, body)


def _decode_body(message, body):
    fields, at = {}, 0
    for field in message.fields:
        if field.kind in _FORMATS:
            form = "<" + _FORMATS[field.kind]
            size = struct.calcsize(form)
            if at + size > len(body):
                raise Malformed(message.name)
            fields[field.name], = struct.unpack_from(form, body, at)
        elif field.kind == "bytes":
            size = field.size
            fields[field.name] = body[at:at + size]
        else:
            if at + 2 > len(body):
                raise Malformed(message.name)
            size = struct.unpack_from("<H", body, at)[0]
            at += 2
            fields[field.name] = body[at:at + size]
        at += size
        if at > len(body):
            raise Malformed(message.name)
    if at != len(body):
        raise Malformed(message.name)
    return fields


def decode(packet, sender, receiver):
    """The messages of a packet as a list of (name, fields)."""
    by_number = {m.number: m for m in between(sender, receiver)}
    messages, at = [], 0
    while at < len(packet):
        if at + 4 > len(packet):
            raise Malformed("a header that is cut")
        length, number, zero = struct.unpack_from("<HBB", packet, at)
        body = packet[at + 4:at + 4 + length]
        if number not in by_number or zero or len(body) != length:
            raise Malformed(f"message {number} from {sender} to {receiver}")
        message = by_number[number]
        messages.append((message.name, _decode_body(message, body)))
        at += 4 + length
    return messages
