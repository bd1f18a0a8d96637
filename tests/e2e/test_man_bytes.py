#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=120
"""
strongroom-journal(5) and strongroom-protocol(7) against a bank's own bytes:
a reader that knows nothing but the tables of the pages walks the ledger,
computes leaves and roots, and has openssl check the signatures.
"""
import base64
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import TOP, Bank, temporary_directory  # noqa: E402
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402

ledger = identity = None


# ---- What the pages say ----------------------------------------------------

def tables(page):
    """The tables of a page by the magic or the first words of a row."""
    text = (TOP / "man" / page).read_text()
    found = []
    for block in re.findall(r"^offset size\n(.*?)^\.Ed", text, re.M | re.S):
        found.append([(int(offset), int(size or 0), what) for
                      offset, size, what in re.findall(
                          r"^ *(\d+) +(\d+)? {2,}(\S.*)$", block, re.M)])
    return found


def table_with(page, words):
    for table in tables(page):
        if any(words in what for _, _, what in table):
            return table
    raise AssertionError(f"{page} has no table with {words!r}")


def field(table, data, words):
    """The bytes of the row that begins with these words."""
    for offset, size, what in table:
        if what.startswith(words):
            return data[offset:offset + size]
    raise AssertionError(f"there is no row {words!r}")


def number(table, data, words):
    return int.from_bytes(field(table, data, words), "little")


JOURNAL, PROTOCOL = "strongroom-journal.5", "strongroom-protocol.7"
SEGMENT = table_with(JOURNAL, '"SRSEGMT1"')
FRAME = table_with(JOURNAL, '"SRF1"')
COMMIT = table_with(JOURNAL, "first leaf of the batch")
LEAF = table_with(JOURNAL, "SHA-256(first 100 bytes of the header")
CERTIFICATE = table_with(PROTOCOL, '"SRCERT01"')


def length(table):
    return table[-1][0] + table[-1][1]


# ---- What RFCs say ---------------------------------------------------------

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def root_of(leaves):
    """RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:half]) +
                          root_of(leaves[half:])).digest()


def verifies(key, signature, message):
    """Ed25519 by openssl, which shares no line with the bank."""
    if not shutil.which("openssl"):
        skip("openssl is not installed")
    base = temporary_directory()
    (base / "key").write_bytes(
        bytes.fromhex("302a300506032b6570032100") + key)
    (base / "signature").write_bytes(signature)
    (base / "message").write_bytes(message)
    return subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform",
         "DER", "-inkey", "key", "-sigfile", "signature", "-in", "message"],
        cwd=base, capture_output=True, check=False).returncode == 0


# ---- The bank --------------------------------------------------------------

def walk():
    """Leaf hashes of the whole log; each COMMIT states their root."""
    leaves = []
    for path in sorted((ledger / "segment").glob("*.log")):
        data = path.read_bytes()
        if not any(data):
            continue
        header = data[:length(SEGMENT)]
        equal(field(SEGMENT, header, "magic"), b"SRSEGMT1")
        equal(number(SEGMENT, header, "CRC-32C"), crc32c(header[:124]))
        equal(number(SEGMENT, header, "first seq"), len(leaves))
        equal(field(SEGMENT, header, "root"), root_of(leaves))
        at, head_len, pending = length(SEGMENT), FRAME[-1][0], []
        while at < len(data) and any(data[at:at + 8]):
            head = data[at:at + head_len]
            equal(field(FRAME, head, "magic"), b"SRF1")
            body_len = number(FRAME, head, "length")
            body = data[at + head_len:at + head_len + body_len]
            equal(number(FRAME, head, "CRC-32C"), crc32c(head[:100] + body))
            if number(FRAME, head, "type") == 1:
                leaf = (bytes([1]) + field(FRAME, head, "seq") +
                        field(FRAME, head, "time") +
                        field(FRAME, head, "class") +
                        field(FRAME, head, "segment") +
                        hashlib.sha256(head[:100] + body).digest() +
                        field(FRAME, head, "commitment"))
                equal(len(leaf), length(LEAF), "a leaf's length")
                pending.append(hashlib.sha256(b"\0" + leaf).digest())
            else:
                equal(number(COMMIT, body, "first leaf"), len(leaves))
                leaves, pending = leaves + pending, []
                equal(number(COMMIT, body, "size of the tree"), len(leaves))
                equal(field(COMMIT, body, "root of the tree"),
                      root_of(leaves))
            at += (head_len + body_len + 7) // 8 * 8
        check(not any(data[at:]), "the rest is not zero")
    return leaves


@scenario
def given_a_day_of_a_bank_when_it_has_ended_then_there_is_a_ledger():
    global ledger, identity
    bank = Bank.found(ledgerd_segment_size="64K")
    bank.start()
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.deposit(card, "ada", "50.00")
    bank.stop()
    ledger = bank.ledger
    identity = bytes.fromhex(re.search(
        r"^identity = ([0-9a-f]{64})$", bank.id.read_text(), re.M).group(1))


@scenario
def given_the_journal_when_it_is_read_by_the_page_then_the_checkpoint_agrees():
    note = (ledger / "public/checkpoint").read_text()
    origin, size, root = note.split("\n")[:3]
    equal(origin, "strongroom/" + hashlib.sha256(identity).hexdigest() + "/1")
    leaves = walk()
    check(len(leaves) >= 8, f"there are {len(leaves)} leaves only")
    equal(int(size), len(leaves), "the checkpoint's size")
    equal(base64.b64decode(root), root_of(leaves), "the checkpoint's root")


@scenario
def given_the_certificates_when_they_are_read_by_the_page_then_they_verify():
    data = (ledger / "public/certificates").read_bytes()
    equal(int.from_bytes(data[:2], "little"), length(CERTIFICATE))
    certificate = data[-length(CERTIFICATE):]
    equal(field(CERTIFICATE, certificate, "bank id"),
          hashlib.sha256(identity).digest())
    check(verifies(identity, certificate[192:],
                   b"strongroom/1 certificate" + certificate[:192]),
          "the certificate's signature does not verify")


@scenario
def given_the_checkpoint_when_it_is_read_by_the_page_then_it_verifies():
    key = field(CERTIFICATE, (ledger / "public/certificates").read_bytes()[2:],
                "log key")
    body, line = (ledger / "public/checkpoint").read_text().split("\n\n")
    body += "\n"
    dash, name, blob = line.rstrip("\n").split(" ")
    blob = base64.b64decode(blob)
    equal((dash, name), ("\u2014", body.split("\n")[0]))
    equal(blob[:4], hashlib.sha256(name.encode() + b"\n\1" + key).digest()[:4],
          "the key id")
    check(verifies(key, blob[4:], body.encode()),
          "the checkpoint's signature does not verify")
    check(not verifies(key, blob[4:], body.encode() + b"x"),
          "any signature verifies")


if __name__ == "__main__":
    run()
