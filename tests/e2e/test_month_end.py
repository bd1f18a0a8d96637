#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""
Month-end: one signed file for the auditor, who checks it with bank.id alone.
Whatever is changed in it, taken out, put in or put in its place is named.
"""
import hashlib
import io
import json
import shutil
import sys
import tarfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, COULD_NOT, DECLINED, DONE,  # noqa: E402
                      INTACT, TAMPERED, UNREACHABLE, USAGE, VERIFY, Bank,
                      run_program)
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, wait_until)
from lib.session import Session  # noqa: E402

bank = old = lobby = first = second = None
MONTH = time.strftime("%Y-%m", time.gmtime())
NAMES = ["manifest", "anchor", "tills.csv", "books.csv", "books.hledger",
         "verify.json"]


def disclose(of):
    out = of.base / f"keys-{time.monotonic_ns()}"
    of.ctl("disclose", "--segments", "0-", "--to", "treasurer", "--out",
           out).ends(DONE)
    return out


def month_end(out, *more, of=None, month=MONTH, so_far=("--so-far",)):
    of = of or bank
    return of.ctl("--as", of.directory / "operator-1.card", "month-end",
                  month, "--keys", disclose(of), "--auditor-key",
                  bank.base / "treasurer.key", *so_far, "-o", out, *more)


def verify(path, since=None, pinned=None, *more, signer="operator-1"):
    words = ["--since", since] if since else []
    words += ["--signer", signer] if signer else []
    return run_program([VERIFY, "--bank", pinned or bank.id, *words, *more,
                        "bundle", path])


def size_of(checkpoint):
    return int(checkpoint.read_text().splitlines()[1])


def facts_of(path):
    return json.loads(verify(path, None, None, "--json").out)


def members(path):
    with tarfile.open(path, "r:") as tar:
        return {Path(member.name).name: tar.extractfile(member).read()
                for member in tar.getmembers()}


def packed(name, parts):
    """A bundle of these parts, by somebody else's tar."""
    path = bank.base / name
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for part, data in parts:
            member = tarfile.TarInfo(f"month-end-{MONTH}/{part}")
            member.size, member.mode = len(data), 0o600
            tar.addfile(member, io.BytesIO(data))
    data = path.read_bytes().rstrip(b"\0")
    data += bytes(-len(data) % 512 + 1024)
    path.write_bytes(data)
    return path


def pay(of, times=1):
    with Session(of, "ada") as ada:
        for _ in range(times):
            ada.booked(credit="@bob", amount=125)


@scenario
def given_a_month_when_it_is_closed_then_one_file_that_tar_opens():
    global bank, old, lobby, first
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
    key = bank.base / "treasurer.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.ctl(*bank.operators(), "auditor", "add", "treasurer",
             f"{key}.pub").ends(DONE)
    bank.deposit(lobby, "ada", "100.00")
    bank.atm(None, "till", "count", "--counted", "99.00", "--yes",
             terminal=lobby).ends(DONE)
    pay(bank, 3)
    first = bank.base / "first.tar"
    said = month_end(first, "--json").ends(DONE, "signed by operator-1")
    equal((json.loads(said.out)["file"], json.loads(said.out)["verified"]),
          (str(first), INTACT))
    equal(first.stat().st_mode & 0o777, 0o600, "its mode")
    listed = run_program(["tar", "tf", first]).ends(0).out.split()
    equal(listed, [f"month-end-{MONTH}/{name}" for name in NAMES])
    check(not list(bank.base.glob("first.tar.*")), "something is left over")
    parts = members(first)
    for line in parts["manifest"].decode().splitlines():
        words = line.split()
        if words[0] == "file":
            data = parts[words[3]]
            equal((words[1], int(words[2])),
                  (hashlib.sha256(data).hexdigest(), len(data)), words[3])
    contains(parts["tills.csv"].decode(),
             ",0.00,100.00,0.00,-1.00,99.00,1,99.00,")
    equal(json.loads(parts["verify.json"])["exit"], INTACT)


@scenario
def given_a_bundle_when_the_auditor_checks_it_then_it_holds():
    said = verify(first).ends(INTACT, "no older bundle", "(operator-1)",
                              "whose key the bank has attested", "1 till,")
    check("NOT" not in said.out, said.out)
    check(max(map(len, said.out.splitlines()[1:])) <= 80, said.out)
    facts = facts_of(first)
    equal((facts["month"], facts["so_far"], facts["name"], facts["tills"]),
          (MONTH, True, "operator-1", 1))
    # with keys of his own he makes the same bytes
    books = bank.base / "his"
    bank.verify("--keys", disclose(bank), "--auditor-key",
                bank.base / "treasurer.key", "--month", MONTH, "--books",
                books, "--so-far").ends(INTACT)
    for path in books.iterdir():
        equal(members(first)[path.name], path.read_bytes(), path.name)


@scenario
def given_the_next_one_when_compared_then_it_continues_the_last():
    global old, second
    bank.stop()
    old = bank.copy()
    bank.start()
    pay(bank, 3)
    bank.deposit(lobby, "bob", "5.00")
    second = bank.base / "second.tar"
    month_end(second, "--since", first).ends(DONE)
    verify(second, first).ends(ANCHORED, "verified", "continues an anchor")
    anchor = bank.base / "anchor"
    anchor.write_bytes(members(first)["anchor"])
    verify(second, anchor).ends(ANCHORED)
    verify(second).ends(INTACT)
    verify(second, second).ends(INTACT, "that shows nothing")
    # books are somebody's word
    verify(second, first, signer=None).ends(
        INTACT, "the word of customer", "(operator-1)", "--signer")
    verify(second, first, signer="operator-2").ends(
        TAMPERED, "(operator-1), not by operator-2")
    verify(first, signer="operator-2").ends(TAMPERED, "not by operator-2")
    verify(first, second).ends(TAMPERED, "rolled back")
    # all keys, and an anchor: so says the verdict within
    equal(json.loads(members(second)["verify.json"])["exit"], ANCHORED)
    pay(bank)
    other = bank.base / "other.tar"
    bank.ctl("--as", bank.directory / "operator-2.card", "month-end", MONTH,
             "--keys", disclose(bank), "--auditor-key",
             bank.base / "treasurer.key", "--so-far", "-o", other, "--since",
             second).ends(DONE)
    verify(other, second).ends(TAMPERED, "(operator-2), not by operator-1")
    verify(other, second, signer="operator-2").ends(ANCHORED)
    third = bank.base / "third.tar"
    month_end(third).ends(DONE)
    verify(third, first).ends(INTACT, "no proof that it continues")


@scenario
def given_a_new_log_key_when_closed_then_it_continues_the_old_one():
    before, anchor = second, bank.base / "old-anchor"
    for name in ("rotated.tar", "again.tar"):
        bank.stop()
        epoch = bank.ctl("rotate", "log-key", "--json").json()["new_epoch"]
        bank.start()
        pay(bank)
        rotated = bank.base / name
        month_end(rotated, "--since", before).ends(DONE, "with all keys")
        contains(members(rotated)["anchor"].decode(), f"/{epoch}\n")
        verify(rotated, before).ends(ANCHORED, "continues an anchor")
        verify(before, rotated).ends(TAMPERED, "rolled back")
        # an anchor alone does as well, whichever key signed it
        anchor.write_bytes(members(before)["anchor"])
        verify(rotated, anchor).ends(ANCHORED, "continues an anchor")
        before = rotated
    verify(before, second).ends(INTACT, "no proof that it continues")


@scenario
def given_any_byte_changed_when_checked_then_it_is_tampered():
    data = first.read_bytes()
    path = bank.base / "changed.tar"
    for at in [*range(0, len(data), 211), len(data) - 1]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        said = verify(path)
        check(said.code == TAMPERED and "NOT VERIFIED" in said.out,
              f"byte {at}: {said}")
    for length in (0, 1, 511, 512, 700, len(data) // 2, len(data) - 1024,
                   len(data) - 1):
        path.write_bytes(data[:length])
        verify(path).ends(TAMPERED)
    path.write_bytes(data + b"\0")
    verify(path).ends(TAMPERED, "bytes after its end")


@scenario
def given_parts_of_another_one_when_checked_then_each_is_named():
    mine, other = members(first), members(second)
    packed_same = packed("same.tar", mine.items())
    check(packed_same.read_bytes() == first.read_bytes(),
          "other bytes than tar writes")
    for name in NAMES[1:]:
        swapped = [(part, other[part] if part == name else data)
                   for part, data in mine.items()]
        verify(packed("x.tar", swapped)).ends(TAMPERED, name)
        less = [(part, data) for part, data in mine.items() if part != name]
        verify(packed("x.tar", less)).ends(TAMPERED)
        twice = [*mine.items(), (name, mine[name])]
        verify(packed("x.tar", twice)).ends(TAMPERED)
    verify(packed("x.tar", [("manifest", other["manifest"]),
                            *list(mine.items())[1:]])).ends(TAMPERED)
    verify(packed("x.tar", [*mine.items(), ("../../evil", b"x")])).ends(
        TAMPERED)
    verify(packed("x.tar", reversed(mine.items()))).ends(
        TAMPERED, "not a month-end bundle")


@scenario
def given_what_is_none_when_checked_then_it_says_so():
    stranger = Bank.found()
    verify(first, pinned=stranger.id).ends(TAMPERED, "of another bank")
    verify(bank.id).ends(TAMPERED, "not a month-end bundle")
    verify(bank.base / "none").ends(COULD_NOT, "No such file")
    verify(bank.base).ends(COULD_NOT)
    evil = shutil.copy(first, bank.base / "\033[2Kverified: rent\n\u009b")
    for said in (verify(evil).ends(INTACT), verify(second, evil),
                 verify(second, bank.base / "\033[2Knone")):
        check(not any(line.startswith("verified: rent") or "\033" in line
                      for line in (said.out + said.err).splitlines()), said)
    evil.unlink()
    verify(second, bank.id).ends(COULD_NOT, "neither a checkpoint nor")
    verify(second, bank.base / "changed.tar").ends(TAMPERED, "--since")
    run_program([VERIFY, "--bank", bank.id, "bundle"]).ends(COULD_NOT)


@scenario
def given_another_history_when_closed_then_it_does_not_continue():
    other = old.copy()
    head = other.ledger / "public/checkpoint"
    size, begun = facts_of(second)["size"], size_of(head)
    other.start()
    # one entry tells of the start
    pay(other, size - begun - 1)
    wait_until(lambda: size_of(head) == size, "a head of the same size", 20)
    same_size = shutil.copy(head, other.base / "same-size")
    theirs = other.base / "theirs.tar"
    month_end(theirs, "--since", second, of=other).ends(DECLINED, "forked")
    check(not list(other.base.glob("theirs*")), "something is left over")
    month_end(theirs, of=other).ends(DONE)
    verify(theirs, second).ends(INTACT, "no proof that it continues")
    forked = other.base / "forked.tar"
    month_end(forked, "--since", same_size, of=other).ends(DONE)
    verify(forked, same_size).ends(ANCHORED)
    verify(forked, second).ends(TAMPERED, "forked: it does not continue")
    other.stop()


@scenario
def given_a_restore_with_loss_when_closed_then_it_is_no_clean_month():
    """What was lost is not in the books, and no proof shows that."""
    victim = old.copy().start()
    store = victim.base / "backups"
    victim.ctl("backup", store).ends(DONE)
    pay(victim, 2)
    victim.stop()
    lost = shutil.copy(victim.ledger / "public/checkpoint",
                       victim.base / "lost")
    shutil.rmtree(victim.ledger)
    victim.ctl("restore", "--accept-loss", store).ends(DONE)
    victim.start()
    restored = victim.base / "restored.tar"
    month_end(restored, "--since", lost, of=victim).ends(
        DECLINED, "no bundle was made: rolled back")
    month_end(restored, "--since", first, of=victim).ends(
        DONE, "restored with loss")
    verify(restored, first).ends(INTACT, "another origin", "a restore has")
    check(verify(restored, lost).code != ANCHORED, "the lost anchor")
    victim.stop()


@scenario
def given_what_cannot_be_closed_when_asked_then_nothing_is_made():
    made = bank.base / "made.tar"
    month_end(made, so_far=()).ends(USAGE, "is not over")
    month_end(made, month="2026-1").ends(USAGE, "a month as")
    month_end(made, month="1999-12").ends(
        UNREACHABLE, "no bundle was made: the bank was founded after that")
    month_end(bank.base / "none/made").ends(UNREACHABLE, "No such file")
    month_end(made, "--since", bank.base / "none").ends(
        UNREACHABLE, "/none: No such file")
    month_end(first).ends(USAGE, "exist")
    bank.ctl("--as", bank.directory / "operator-1.card", "month-end", MONTH,
             "--so-far", "-o", made).ends(USAGE, "--keys", "treasurer")
    bank.stop()
    path = bank.ledger / "segment/00000000.log"
    kept = path.read_bytes()
    bank.start()
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    month_end(made).ends(DECLINED, "no bundle was made", "00000000.log")
    check(not list(bank.base.glob("made*")), "something is left over")
    path.write_bytes(kept)


@scenario
def given_the_end_of_the_bank_when_only_its_id_is_left_then_bundles_hold():
    pinned = bank.base / "kept.id"
    shutil.copy(bank.id, pinned)
    bank.kill()
    shutil.rmtree(bank.directory)
    verify(second, first, pinned).ends(ANCHORED)


if __name__ == "__main__":
    run()
