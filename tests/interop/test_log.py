#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=900 on-demand
"""
The log against that of Go's checksum database: trees, proofs and signed notes
of both are the same and verify at the other, and Go finds a bank's journal to
be what the bank's checkpoints say, across a rotation of the log key, too; and, with what a bank of 70,000 entries
serves and nothing else, every entry, proofs and OpenSSL's word on the
signature.
"""
import base64
import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import BUILD, Bank  # noqa: E402
from lib.foreign import Partner, Refused, run_with  # noqa: E402
from lib.scenario import Failure, check, equal, scenario  # noqa: E402

SIZES = 34      # past two powers of two
ORIGIN = b"strongroom/" + b"5a" * 32 + b"/3"
LOG_KEY = slice(128, 160)       # in a certificate, strongroom-protocol(7)
bank = None
kept = []       # checkpoints, the oldest first


def n(value):
    return struct.pack("<Q", value)


def partners():
    """Two empty trees."""
    return Partner.in_go("log_theirs"), Partner.ours("log_peer")


def same(both, *words):
    theirs, ours = (partner.ask(*words) for partner in both)
    equal(ours, theirs, f"what ours says to {words[0]}")
    return ours


def refused(partner, *words):
    try:
        partner.ask(*words)
    except Refused:
        return
    raise Failure(f"{words[0]} is not refused")


def changed(data, position=0):
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


@scenario
def given_two_trees_when_they_grow_then_roots_and_proofs_are_the_same():
    both = partners()
    leaves = [bytes([size]) * size for size in range(SIZES)]
    roots = []
    for size, leaf in enumerate(leaves, 1):
        same(both, "leaf", leaf)
        roots += same(both, "root", n(size))
        for first in range(size):
            (proof,) = same(both, "inclusion", n(first), n(size))
            same(both, "included", n(first), n(size), leaves[first],
                 roots[-1], proof)
            (proof,) = same(both, "consistency", n(first + 1), n(size))
            same(both, "extends", n(first + 1), n(size), roots[first],
                 roots[-1], proof)


@scenario
def given_a_proof_when_anything_in_it_is_altered_then_both_refuse_it():
    both = partners()
    for size in range(SIZES):
        same(both, "leaf", n(size))
    (root,), (old,) = same(both, "root", n(SIZES)), same(both, "root", n(13))
    (proof,) = same(both, "inclusion", n(20), n(SIZES))
    (more,) = same(both, "consistency", n(13), n(SIZES))
    for partner in both:
        for words in ((n(21), n(SIZES), n(20), root, proof),
                      (n(20), n(SIZES), n(21), root, proof),
                      (n(20), n(SIZES), n(20), changed(root), proof),
                      (n(20), n(SIZES), n(20), root, changed(proof)),
                      (n(20), n(SIZES), n(20), root, proof[32:])):
            refused(partner, "included", *words)
        for words in ((n(14), n(SIZES), old, root, more),
                      (n(13), n(SIZES), changed(old), root, more),
                      (n(13), n(SIZES), old, changed(root), more),
                      (n(13), n(SIZES), old, root, changed(more)),
                      (n(13), n(SIZES), old, root, more[:-32])):
            refused(partner, "extends", *words)


@scenario
def given_a_note_of_either_when_the_other_opens_it_then_it_verifies():
    both = partners()
    root = hashlib.sha256(b"root").digest()
    for signer in both:
        key, note = signer.ask("sign", ORIGIN, n(4711), root)
        same(both, "vkey", ORIGIN, key)
        equal(same(both, "open", ORIGIN, key, note), [n(4711), root])
        for partner in both:
            refused(partner, "open", ORIGIN, changed(key), note)
            refused(partner, "open", ORIGIN, key,
                    note.replace(b"4711", b"4712"))
            refused(partner, "open", ORIGIN, key, note[:-1])


def checkpoint():
    return (bank.ledger / "public/checkpoint").read_bytes()


@scenario
def given_a_bank_when_its_day_has_ended_then_three_checkpoints_are_kept():
    global bank
    bank = Bank.found(ledgerd_segment_size="64K")
    kept.append(checkpoint())
    bank.start()
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    kept.append(checkpoint())
    bank.deposit(card, "ada", "50.00")
    for _ in range(4):
        bank.transfer("ada", "bob", "1.00")
    bank.stop()
    kept.append(checkpoint())
    check(len(set(kept)) == 3, "the checkpoints are equal")


@scenario
def given_its_journal_when_go_reads_it_then_the_checkpoints_are_true():
    theirs, ours = partners()
    key = (bank.ledger / "public/certificates").read_bytes()[-256:][LOG_KEY]
    origin = kept[0].split(b"\n")[0]
    (size,) = theirs.ask("journal", str(bank.ledger).encode())
    leaves = [theirs.ask("record", n(index))[0]
              for index in range(struct.unpack("<Q", size)[0])]
    check(len(leaves) >= 12, f"there are {len(leaves)} leaves only")
    for leaf in leaves:
        ours.ask("leaf", leaf)
    heads = [same((theirs, ours), "open", origin, key, note) for note in kept]
    last_size, last_root = heads[-1]
    equal(last_size, size, "the newest checkpoint's size")
    for old_size, old_root in heads:
        equal(theirs.ask("root", old_size), [old_root], "a checkpoint's root")
        (proof,) = same((theirs, ours), "consistency", old_size, size)
        same((theirs, ours), "extends", old_size, size, old_root, last_root,
             proof)
    for index, leaf in enumerate(leaves):
        (proof,) = same((theirs, ours), "inclusion", n(index), size)
        same((theirs, ours), "included", n(index), size, leaf, last_root,
             proof)


@scenario
def given_its_journal_when_a_byte_is_altered_then_go_finds_another_root():
    (segment, *_) = sorted((bank.ledger / "segment").glob("*.log"))
    data = segment.read_bytes()
    segment.write_bytes(changed(data, 128 + 104 + 7))
    (theirs, _), (size, *_) = partners(), kept[-1].split(b"\n")[1:2]
    theirs.ask("journal", str(bank.ledger).encode())
    key = (bank.ledger / "public/certificates").read_bytes()[-256:][LOG_KEY]
    _, signed = theirs.ask("open", kept[-1].split(b"\n")[0], key, kept[-1])
    (root,) = theirs.ask("root", n(int(size)))
    check(root != signed, "an altered frame has the same root")
    segment.write_bytes(data)


@scenario
def given_a_rotation_when_go_holds_both_vkeys_then_the_log_goes_on():
    said = json.loads(bank.ctl("rotate", "log-key", "--json").out)
    vkeys = [said["old_vkey"], said["new_vkey"]]
    bank.start()
    bank.transfer("ada", "bob", "1.00")
    bank.stop()
    notes = [kept[-1], checkpoint()]
    theirs, ours = partners()
    heads = []
    for vkey, note, other in zip(vkeys, notes, reversed(notes)):
        origin, key = vkey.split("+")[0].encode(), base64.b64decode(
            vkey.split("+", 2)[2])[1:]
        equal(note.split(b"\n")[0], origin, "the origin")
        equal(same((theirs, ours), "vkey", origin, key), [vkey.encode()],
              "the vkey that an auditor is given")
        heads.append(same((theirs, ours), "open", origin, key, note))
        for partner in (theirs, ours):
            refused(partner, "open", origin, key, other)
            refused(partner, "open", other.split(b"\n")[0], key, other)
    (old_size, old_root), (size, root) = heads
    equal(theirs.ask("journal", str(bank.ledger).encode()), [size],
          "what go finds in the journal")
    equal(theirs.ask("root", size), [root], "the new key's root")
    for index in range(struct.unpack("<Q", size)[0]):
        ours.ask("leaf", *theirs.ask("record", n(index)))
    (proof,) = same((theirs, ours), "consistency", old_size, size)
    same((theirs, ours), "extends", old_size, size, old_root, root, proof)
    (leaf,) = theirs.ask("record", n(said["entry"]))
    (proof,) = same((theirs, ours), "inclusion", n(said["entry"]), size)
    same((theirs, ours), "included", n(said["entry"]), size, leaf, root, proof)


# ---- what is served --------------------------------------------------------

ENTRIES = 70000
PAYERS = 32
DER = bytes.fromhex("302a300506032b6570032100")    # before an Ed25519 key
large = None
earlier = []    # checkpoints of the large log while it grew


def head(note):
    """Size and root that a note's text has."""
    lines = note.split(b"\n")
    return n(int(lines[1])), base64.b64decode(lines[2])


def log_key():
    return (large.ledger / "public/certificates").read_bytes()[-256:][LOG_KEY]


def served():
    return (large.ledger / "public/checkpoint").read_bytes()


def grow():
    """Everybody pays bob for some seconds."""
    names = [f"payer-{number}" for number in range(PAYERS)]
    words = [BUILD / "tests/bench/bench_transfers", "--bank", large.id,
             "--seconds", "8", "--payee", "bob"]
    for name in names:
        words += [name, large.passwords[name]]
    subprocess.run(words, check=True, stdout=subprocess.PIPE, timeout=60)


@scenario
def given_a_bank_when_it_has_70000_entries_then_its_tree_has_three_levels():
    global large
    large = Bank.found().start()
    card = large.enrol("lobby", "1000000.00")
    large.register("bob")
    for number in range(PAYERS):
        large.register(f"payer-{number}")
        large.deposit(card, f"payer-{number}", "9999.00")
    while struct.unpack("<Q", head(served())[0])[0] < ENTRIES:
        earlier.append(served())
        grow()
    large.stop()
    earlier.append(served())
    check((large.ledger / "public/tile/1/000").is_file(), "no full level 1")
    check((large.ledger / "public/tile/2/000.p/1").is_file(), "no level 2")


@scenario
def given_what_is_served_when_go_follows_it_then_the_root_is_the_signed_one():
    theirs = Partner.in_go("log_theirs")
    public = str(large.ledger / "public").encode()
    origin = served().split(b"\n")[0]
    size, root = theirs.ask("open", origin, log_key(), served())
    theirs.ask("follow", public, size)
    equal(theirs.ask("root", size), [root], "the root of all entries")


@scenario
def given_what_is_served_when_go_proves_then_both_find_it_right():
    theirs, ours = partners()
    public = str(large.ledger / "public").encode()
    size, root = head(served())
    count, = struct.unpack("<Q", size)
    for index in [*range(0, count, 997), 255, 256, 65535, 65536, count - 1]:
        (leaf,) = theirs.ask("served-entry", public, n(index), size)
        (proof,) = theirs.ask("served-inclusion", public, n(index), size, root)
        same((theirs, ours), "included", n(index), size, leaf, root, proof)
    for note in earlier:
        old_size, old_root = head(note)
        (proof,) = theirs.ask("served-consistency", public, old_size, size,
                              root)
        same((theirs, ours), "extends", old_size, size, old_root, root, proof)


@scenario
def given_an_altered_tile_when_go_proves_with_it_then_it_proves_nothing():
    theirs, ours = partners()
    public = str(large.ledger / "public").encode()
    (size, root), index = head(served()), n(25600 + 8)
    tile = large.ledger / "public/tile/0/100"
    data = tile.read_bytes()
    tile.write_bytes(changed(data, 32 * 7))
    (leaf,) = theirs.ask("served-entry", public, index, size)
    try:
        (proof,) = theirs.ask("served-inclusion", public, index, size, root)
    except Refused:     # a version that looks at each tile
        proof = b""
    for partner in (theirs, ours):
        refused(partner, "included", index, size, leaf, root, proof)
    tile.write_bytes(data)


@scenario
def given_the_checkpoint_when_openssl_looks_then_the_signature_is_good():
    body, _, signatures = served().partition(b"\n\n")
    signature = base64.b64decode(signatures.split(b" ")[2])[4:]
    files = {"key": DER + log_key(), "signature": signature,
             "body": body + b"\n", "other": changed(body + b"\n", 70)}
    for name, data in files.items():
        (large.base / name).write_bytes(data)
    for name, code in (("body", 0), ("other", 1)):
        said = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER",
             "-inkey", large.base / "key", "-rawin", "-in",
             large.base / name, "-sigfile", large.base / "signature"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        equal(said.returncode, code, f"what openssl says to {name}: {said}")


if __name__ == "__main__":
    run_with("go")
