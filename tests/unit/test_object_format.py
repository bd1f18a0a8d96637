#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Heads and bodies of stored objects, written a second time in Python from
what the header files say of them: the same bytes."""
import hashlib
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import xchacha  # noqa: E402
from lib.foreign import Partner, Refused  # noqa: E402
from lib.scenario import Failure, check, equal, run, scenario  # noqa: E402

ROOT, KEY = bytes(range(32)), bytes(range(100, 132))
NONCE, HEADER = bytes(range(24)), bytes(range(50, 74))
BANK, OWNER, OBJECT = bytes(range(200, 232)), 258, bytes(range(16))
VERSION, EPOCH = 772, 65538
CHUNK = 65536


def place(bank=BANK, owner=OWNER, thing=OBJECT, version=VERSION, epoch=EPOCH):
    return bank + struct.pack("<Q16sII", owner, thing, version, epoch)


def plaintext(name, kind=1, size=70000, of=(0, bytes(16), 0), length=464):
    return (struct.pack("<BBHIQqQ16sI32s24sH", 1, kind, 0, 0x12345678, size,
                        -5, *of, KEY, HEADER, len(name)) + name).ljust(
                            length, b"\0")


def sealed_head(plain, nonce=NONCE):
    label = b"strongroom/1 box head"
    return (struct.pack("<II", EPOCH, 0) + nonce +
            xchacha.seal(xchacha.expand32(ROOT, label + BANK), nonce,
                         label + place(), plain))


def bucket(size):
    """Padme, by the number's text in base 2."""
    bits = f"{max(size, 256):b}"
    kept = 1 + len(f"{len(bits) - 1:b}")
    step = 2 ** (len(bits) - kept)
    return -(-max(size, 256) // step) * step


def sealed_body(size):
    plain = bytes(i // 251 + 7 * i & 0xff for i in range(size))
    plain += bytes(bucket(size) - size)
    stream, out = xchacha.SecretStream(KEY, HEADER), b""
    last = (len(plain) - 1) // CHUNK
    for i in range(last + 1):
        ad = OBJECT + struct.pack("<IQ", VERSION, i)
        out += stream.push(plain[i * CHUNK:(i + 1) * CHUNK], ad,
                           xchacha.FINAL if i == last else xchacha.MESSAGE)
    return out


def halves(data):
    return data[:2304], data[2304:]


@scenario
def given_the_drafts_figures_then_the_cipher_in_python_is_right():
    """draft-irtf-cfrg-xchacha-03, 2.2.1 and A.3.1."""
    equal(xchacha.hchacha20(
        bytes(range(32)),
        bytes.fromhex("000000090000004a0000000031415927")).hex(),
        "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
    sealed = xchacha.seal(
        bytes(range(0x80, 0xa0)), bytes(range(0x40, 0x58)),
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you "
        b"only one tip for the future, sunscreen would be it.")
    equal(sealed[-16:].hex(), "c0875924c1c7987947deafd8780acf49")
    equal(sealed[:8].hex(), "bd6d179d3e83d43b")


@scenario
def given_heads_when_sealed_then_python_has_the_same_bytes():
    ours = Partner.ours("object_peer")
    share = (5, b"o" * 16, 9)
    for plain in (plaintext(b"report.pdf"), plaintext(b"", kind=4),
                  plaintext(b"x", kind=6, of=share), plaintext(b"n" * 354),
                  plaintext(b"n" * 355, length=4560),
                  plaintext(b"n" * 3000, length=4560)):
        pieces = ours.ask("head", ROOT, place(), NONCE, plain.rstrip(b"\0"))
        equal(b"".join(pieces), sealed_head(plain), "the head")


@scenario
def given_a_head_of_python_when_opened_then_only_in_its_place():
    ours = Partner.ours("object_peer")
    for plain in (plaintext(b"report.pdf"),
                  plaintext(b"n" * 4096, length=4560)):
        sealed = sealed_head(plain, nonce=b"another nonce of this test"[:24])
        equal(b"".join(ours.ask("open", ROOT, place(), *halves(sealed))),
              plain, "what the head says")
        for other in (place(bank=bytes(32)), place(owner=OWNER + 1),
                      place(thing=bytes(16)), place(version=VERSION + 1),
                      place(epoch=EPOCH + 1)):
            try:
                ours.ask("open", ROOT, other, *halves(sealed))
            except Refused as why:
                equal(str(why), "SR_NOT_AS_STORED")
            else:
                raise Failure("it opens in another place")


@scenario
def given_bodies_when_sealed_then_python_has_the_same_bytes():
    ours = Partner.ours("object_peer")
    for size in (0, 1, 256, 257, 1000, 66000):
        wanted = sealed_body(size)
        digest, length = ours.ask("body", KEY, HEADER, place(),
                                  struct.pack("<Q", size))
        equal(struct.unpack("<Q", length)[0], len(wanted), "the length")
        equal(digest, hashlib.sha256(wanted).digest(), f"the body of {size}")


@scenario
def given_bytes_when_summed_then_cksum_has_the_same():
    ours = Partner.ours("object_peer")
    for size in (0, 1, 5, 8, 1000, 4096):
        data = hashlib.shake_128(b"%d" % size).digest(size)
        theirs = subprocess.run(["cksum"], input=data, capture_output=True,
                                check=True).stdout.split()
        (seen,) = ours.ask("cksum", data)
        equal(struct.unpack("<Q", seen)[0], int(theirs[0]), "the sum")
        check(int(theirs[1]) == size, theirs)


run()
