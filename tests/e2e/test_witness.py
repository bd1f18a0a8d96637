#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""Witnesses: who signs what continues their last checkpoint, and nothing
else; and who counts their signatures.  OpenSSL checks one, too."""
import base64
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (BAD_DATA, COULD_NOT, DONE, INTACT,  # noqa: E402
                      TAMPERED, USAGE, VERIFY, Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402

NAME = "club.example/witness"
bank = old = anchor = None


def witness(of, *more, key="w.key", state="w.state"):
    return run_program([VERIFY, "--bank", of.id, "witness", "--key",
                        bank.base / key, "--state", bank.base / state,
                        of.ledger, *more])


def vkey(key="w.key"):
    return (bank.base / f"{key}.pub").read_text().strip()


def verify(*more):
    return run_program([VERIFY, "--bank", bank.id, "--since", anchor, *more,
                        bank.ledger])


@scenario
def given_a_name_when_a_key_is_made_then_its_verifier_key_is_the_standards():
    global bank, old
    bank = Bank.found().start()
    bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.stop()
    old = bank.copy()
    run_program([VERIFY, "keygen", "--witness", NAME, "-o",
                 bank.base / "w.key"]).ends(0, "secret key")
    equal((bank.base / "w.key").stat().st_mode & 0o777, 0o600, "its mode")
    name, key_id, key = vkey().split("+", 2)
    equal(name, NAME, "the name in the verifier key")
    typed = base64.b64decode(key)
    equal(typed[0], 4, "the type of the key")
    equal(hashlib.sha256(NAME.encode() + b"\n" + typed).hexdigest()[:8],
          key_id, "the key id")
    run_program([VERIFY, "keygen", "--witness", "a name", "-o",
                 bank.base / "no.key"]).ends(COULD_NOT, "without spaces")
    run_program([VERIFY, "keygen", "--witness", NAME, "-o",
                 bank.base / "w.key"]).ends(COULD_NOT)


@scenario
def given_a_ledger_when_witnessed_then_openssl_verifies_the_signature():
    global anchor
    anchor = bank.base / "one.anchor"
    bank.ctl("anchor", "-o", anchor).ends(DONE)
    line = witness(bank).ends(0, "the first one that this witness sees").out
    name, text = line.removeprefix("\u2014 ").split()
    equal(name, NAME, "who signed")
    bytes_ = base64.b64decode(text)
    equal(len(bytes_), 76, "the length of a cosignature")
    seconds = int.from_bytes(bytes_[4:12], "big")
    body = anchor.read_text().split("\n\n")[0] + "\n"
    (bank.base / "message").write_text(
        f"cosignature/v1\ntime {seconds}\n{body}")
    (bank.base / "signature").write_bytes(bytes_[12:])
    key = base64.b64decode(vkey().split("+", 2)[2])[1:]
    (bank.base / "key.der").write_bytes(
        bytes.fromhex("302a300506032b6570032100") + key)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER",
         "-inkey", bank.base / "key.der", "-rawin", "-in",
         bank.base / "message", "-sigfile", bank.base / "signature"],
        capture_output=True, check=False, text=True)
    contains(done.stdout, "Verified Successfully")
    (bank.base / "line").write_text(line)


@scenario
def given_an_older_checkpoint_when_witnessed_then_that_one_is_signed():
    size = int(anchor.read_text().splitlines()[1])
    bank.start()
    bank.register("carla")
    bank.stop()
    said = witness(bank, anchor, state="older.state").ends(0)
    contains(said.err, f"has signed {size} entries")
    equal((bank.base / "older.state").read_text().splitlines()[1], str(size))
    # what it has signed is what it has written down: it goes on from there
    said = witness(bank, state="older.state").ends(0)
    newest = (bank.ledger / "public/checkpoint").read_text().splitlines()[1]
    check(int(newest) > size, newest)
    contains(said.err, f"has signed {newest} entries")


@scenario
def given_its_line_when_put_to_the_anchor_then_it_counts():
    verify("--witness", vkey()).ends(INTACT, "has signed none")
    wrong = vkey().replace(NAME, "club.example/other")
    bank.ctl("anchor", "add-cosignature", anchor, bank.base / "line",
             "--witness", wrong).ends(USAGE)
    bank.ctl("anchor", "add-cosignature", anchor, bank.base / "line",
             "--witness", vkey()).ends(DONE, "bears the signature")
    bank.ctl("anchor", "add-cosignature", anchor, bank.base / "line",
             "--witness", vkey()).ends(DONE, "already")
    equal(len(anchor.read_text().splitlines()), 6, "lines of the anchor")
    verify("--witness", vkey(), "--witnesses", "1").ends(
        INTACT, f"witness {NAME} has signed")
    said = run_program([VERIFY, "--json", "--bank", bank.id, "--since",
                        anchor, "--witness", vkey(), bank.ledger])
    contains(said.out, f'"witnesses":[{{"name":"{NAME}","size":')


@scenario
def given_fewer_witnesses_than_wanted_then_it_is_said():
    run_program([VERIFY, "keygen", "--witness", "second", "-o",
                 bank.base / "w2.key"]).ends(0)
    verify("--witness", vkey(), "--witness", vkey("w2.key"), "--witnesses",
           "2").ends(INTACT, "too few witnesses: 1 of the 2")
    verify("--witness", vkey(), "--witnesses", "2").ends(COULD_NOT)
    verify("--witness", vkey(), "--witness", vkey()).ends(COULD_NOT, "twice")
    verify("--witness", "nonsense").ends(COULD_NOT, "verifier key")


@scenario
def given_a_changed_line_when_counted_then_the_file_is_refused():
    text = anchor.read_text()
    bad = bank.base / "bad.anchor"
    lines = text.splitlines()
    head, last = lines[5].rsplit(" ", 1)
    changed = bytearray(base64.b64decode(last))
    changed[11] ^= 1    # of the time
    lines[5] = f"{head} {base64.b64encode(changed).decode()}"
    bad.write_text("\n".join(lines) + "\n")
    run_program([VERIFY, "--bank", bank.id, "--since", bad, "--witness",
                 vkey(), bank.ledger]).ends(COULD_NOT, "is not its signature")
    (bank.base / "changed").write_text(lines[5] + "\n")
    bank.ctl("anchor", "-o", bank.base / "clean.anchor").ends(DONE)
    bank.ctl("anchor", "add-cosignature", bank.base / "clean.anchor",
             bank.base / "changed", "--witness", vkey()).ends(
                 BAD_DATA, "nothing was changed")


def public_of(of, name):
    """What such a bank shows to the world, and nothing else of it."""
    target = bank.base / name
    of.copy_ledger(target / "public", "public")
    return target


def witness_public(directory, *more):
    return run_program([VERIFY, "--bank", bank.id, "witness", "--key",
                        bank.base / "w.key", "--state",
                        bank.base / "public.state", directory, *more])


@scenario
def given_the_public_tree_alone_when_it_goes_on_then_it_is_signed():
    witness_public(public_of(old, "public-0")).ends(0, "the first one")
    bank.start()
    bank.register("zoe")
    bank.stop()
    later = public_of(bank, "public-1")
    witness_public(later).ends(0, "has signed")
    witness_public(later).ends(0, "has signed")
    # a tile that says something else, or nothing
    tiles = [path for path in (later / "public/tile").rglob("*")
             if path.is_file() and "entries" not in path.parts]
    shutil.copy(bank.base / "w.state", bank.base / "public.state")
    kept = [path.read_bytes() for path in tiles]
    for path, data in zip(tiles, kept):
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    said = witness_public(later).ends(TAMPERED, "forked", "or files of it")
    check(not said.out, "a signature without a proof")
    for path in tiles:
        path.unlink()
    witness_public(later).ends(COULD_NOT, "rebuild-tiles")


@scenario
def given_the_public_tree_of_a_fork_when_looked_at_then_not_signed():
    witness_public(public_of(bank, "public-3")).ends(0)
    fork = old.copy().start()
    for name in ("carl", "dora", "emil", "fred", "gert"):
        fork.register(name)
    fork.stop()
    said = witness_public(public_of(fork, "public-2")).ends(
        TAMPERED, "forked: the public tree")
    check(not said.out, "a signature of a fork")


@scenario
def given_a_later_log_when_witnessed_then_signed_and_the_older_one_not():
    bank.start()
    bank.register("eve")
    bank.stop()
    witness(bank, "-o", bank.base / "later").ends(0, "has signed")
    check((bank.base / "later").read_text().startswith("\u2014 "), "no line")
    before = (bank.base / "w.state").read_text()
    # the bank as it was before: a rollback
    witness(old).ends(TAMPERED, "not signed: rolled back")
    witness(bank, anchor).ends(TAMPERED, "not signed: rolled back")
    equal((bank.base / "w.state").read_text(), before, "the state")
    bank.ctl("anchor", "-o", anchor).ends(USAGE, "bears witnesses'")


@scenario
def given_a_fork_when_witnessed_then_it_is_not_signed():
    old.start()
    for name in ("carl", "dora", "emil"):
        old.register(name)
    old.stop()
    said = witness(old)
    equal(said.code, TAMPERED, "the end at a fork")
    contains(said.err, "not signed")
    check(not said.out, "a signature of a fork")


@scenario
def given_a_state_or_key_of_another_when_witnessed_then_refused():
    forged = bank.base / "forged.state"
    shutil.copy(anchor, forged)
    text = forged.read_text().splitlines()[:5]
    forged.write_text("\n".join(text) + "\n")
    witness(bank, state="forged.state").ends(COULD_NOT, "is not a state")
    witness(bank, key="w2.key").ends(COULD_NOT, "is not a state")
    witness(bank, key="w.key.pub").ends(COULD_NOT)


if __name__ == "__main__":
    run()
