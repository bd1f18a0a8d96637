# SPDX-License-Identifier: ISC
"""
XChaCha20-Poly1305 and libsodium's secretstream in plain Python, written from
RFC 8439, draft-irtf-cfrg-xchacha-03 and libsodium's description of the stream:
a second opinion on bytes, slow and for tests only.
"""
import hashlib
import hmac
import struct

MASK = 0xffffffff
CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")
MESSAGE, FINAL = 0, 3


def _quarter(x, a, b, c, d):
    for one, two, three, turn in ((a, b, d, 16), (c, d, b, 12),
                                  (a, b, d, 8), (c, d, b, 7)):
        x[one] = (x[one] + x[two]) & MASK
        mixed = x[three] ^ x[one]
        x[three] = (mixed << turn | mixed >> 32 - turn) & MASK


def _rounds(state):
    x = list(state)
    for _ in range(10):
        for column in range(4):
            _quarter(x, column, column + 4, column + 8, column + 12)
        for at in range(4):
            _quarter(x, at, (at + 1) % 4 + 4, (at + 2) % 4 + 8,
                     (at + 3) % 4 + 12)
    return x


def hchacha20(key, nonce16):
    x = _rounds(CONSTANTS + struct.unpack("<8I", key) +
                struct.unpack("<4I", nonce16))
    return struct.pack("<8I", *x[:4], *x[12:])


def stream(key, nonce12, counter, length):
    """Key stream of ChaCha20 from that block on."""
    out = bytearray()
    fixed = CONSTANTS + struct.unpack("<8I", key)
    while len(out) < length:
        state = fixed + (counter,) + struct.unpack("<3I", nonce12)
        out += struct.pack("<16I", *((a + b) & MASK for a, b in
                                     zip(_rounds(state), state)))
        counter += 1
    return bytes(out[:length])


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for at in range(0, len(data), 16):
        block = data[at:at + 16] + b"\1"
        total = (total + int.from_bytes(block, "little")) * r % (2**130 - 5)
    total += int.from_bytes(key[16:], "little")
    return (total % 2**128).to_bytes(16, "little")


def padded(data):
    return data + bytes(-len(data) % 16)


def seal(key, nonce24, ad, plain):
    """XChaCha20-Poly1305: ciphertext and tag."""
    subkey = hchacha20(key, nonce24[:16])
    nonce = bytes(4) + nonce24[16:]
    text = xor(plain, stream(subkey, nonce, 1, len(plain)))
    tag = poly1305(stream(subkey, nonce, 0, 32), padded(ad) + padded(text) +
                   struct.pack("<QQ", len(ad), len(text)))
    return text + tag


class SecretStream:
    """The pushing side of crypto_secretstream_xchacha20poly1305."""

    def __init__(self, key, header):
        self.key = hchacha20(key, header[:16])
        self.counter, self.inner = 1, header[16:]

    def push(self, plain, ad, tag):
        nonce = struct.pack("<I", self.counter) + self.inner
        first = xor(bytes([tag]) + bytes(63), stream(self.key, nonce, 1, 64))
        text = xor(plain, stream(self.key, nonce, 2, len(plain)))
        # libsodium fills up to (len & 15), not to a block: it stays so
        mac = poly1305(stream(self.key, nonce, 0, 32),
                       padded(ad) + first + text + bytes(len(text) % 16) +
                       struct.pack("<QQ", len(ad), 64 + len(text)))
        self.inner = xor(self.inner, mac[:8])
        self.counter += 1
        return first[:1] + text + mac


def expand32(key, info):
    """HKDF-Expand (RFC 5869) with SHA-512, 32 bytes."""
    return hmac.new(key, info + b"\1", hashlib.sha512).digest()[:32]
