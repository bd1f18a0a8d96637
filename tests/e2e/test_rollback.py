#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""The disk in an attacker's hands: older files, changed bytes, cut tails; and
what strongroom-verify says of them."""
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (COULD_NOT, INTACT, TAMPERED, VERIFY,  # noqa: E402
                      Bank, run_program)
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.session import Session  # noqa: E402

bank = old = new = card = None
SEGMENT = "ledger/segment/00000000.log"


def put(source, target):
    """The file or directory of one bank in the place of another's."""
    if target.is_dir():
        shutil.rmtree(target)
    elif target.exists():
        target.unlink()
    subprocess.run(["cp", "-a", source, target], check=True)


def written(path):
    """Length without the zeros that are not yet used."""
    return len(path.read_bytes().rstrip(b"\0"))


@scenario
def given_two_days_when_both_are_kept_then_the_tests_begin():
    global bank, old, new, card
    bank = Bank.found().start()
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(card, "ada", "50.00")
    bank.stop()
    old = bank.copy()
    bank.start()
    with Session(bank, "ada") as ada:
        for _ in range(20):
            ada.booked(credit="@bob", amount=1)
    bank.register("eve")
    bank.stop()
    new = bank.copy()


@scenario
def given_an_untouched_copy_when_it_starts_then_it_is_the_same_bank():
    other = new.copy().start()
    equal(other.balance("bob"), 20)
    other.stop()


@scenario
def given_an_older_ledger_beside_keyds_state_when_it_starts_then_refused():
    victim = new.copy()
    put(old.ledger, victim.ledger)
    said = victim.start_refused()
    check(said.code != 0, str(said))
    check("older" in said.err or "rolled back" in said.err or
          "signed" in said.err, f"no sentence: {said.err!r}")
    # The right ledger put back, it is a bank again.
    put(new.ledger, victim.ledger)
    victim.start()
    equal(victim.balance("bob"), 20)
    victim.stop()


@scenario
def given_an_older_segment_alone_when_it_starts_then_refused():
    victim = new.copy()
    put(old.directory / SEGMENT, victim.directory / SEGMENT)
    said = victim.start_refused()
    check(said.code != 0, str(said))


@scenario
def given_keyds_files_swapped_for_older_ones_when_it_starts_then_refused():
    for names in (("state",), ("credentials",), ("state", "credentials"),
                  ("credentials", "limits", "terminals")):
        victim = new.copy()
        for name in names:
            put(old.keyd / name, victim.keyd / name)
        said = victim.start_refused()
        check(said.code != 0, str(said))
        check(len(said.err.strip()) > 0, "no sentence")


@scenario
def given_all_of_keyds_files_older_when_it_starts_then_the_log_shows_it():
    victim = new.copy()
    put(old.keyd, victim.keyd)
    said = victim.start_refused()
    check(said.code != 0, str(said))
    contains(said.err, "keyd: error: state: keyd signed", "keyd's words")


@scenario
def given_keyds_file_with_a_changed_byte_when_it_starts_then_refused():
    for name, share in (("state", 0.1), ("state", 0.6),
                        ("credentials", 0.001), ("root.sealed", 0.5),
                        ("terminals", 0.01)):
        victim = new.copy()
        path = victim.keyd / name
        data = bytearray(path.read_bytes())
        used = [i for i, byte in enumerate(data) if byte]
        at = used[int(len(used) * share)]
        data[at] ^= 0x40
        path.write_bytes(data)
        said = victim.launch()
        if victim.process.poll() is None:
            # Of two versions the older was hit, or the books say the same.
            check(name in ("state", "terminals"), f"{name}: nobody noticed")
            equal(victim.balance("bob"), 20)
            victim.deposit(victim.base / "lobby.card", "ada", "1.00")
            victim.stop()
        else:
            check(victim.process.returncode != 0, said)
            victim.process = None
            check(len(said.strip()) > 0, "no sentence")


@scenario
def given_a_changed_byte_in_the_log_when_it_starts_then_the_place_is_named():
    used = written(new.directory / SEGMENT)
    places = [0, 8, 130, 160, 200, 240, 300, used // 3, used // 2,
              used * 3 // 4]
    refused = 0
    for place in places:
        victim = new.copy()
        path = victim.directory / SEGMENT
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)
        said = victim.start_refused()
        check(said.code != 0, f"byte {place}: {said}")
        contains(said.err, "00000000.log", f"byte {place}")
        refused += 1
        verdict = victim.verify()
        verdict.ends(TAMPERED, "00000000.log")
    equal(refused, len(places))


@scenario
def given_a_cut_tail_when_it_starts_then_it_is_refused():
    used = written(new.directory / SEGMENT)
    for keep in (used - 1, used - 100, used - 1000, used // 2, 128):
        victim = new.copy()
        path = victim.directory / SEGMENT
        data = path.read_bytes()
        path.write_bytes(data[:keep] + bytes(len(data) - keep))
        said = victim.start_refused()
        check(said.code != 0, f"cut at {keep}: {said}")
    victim = new.copy()
    (victim.directory / SEGMENT).unlink()
    check(victim.start_refused().code != 0, "no segment at all")


@scenario
def given_an_unsigned_tail_when_it_starts_then_it_is_cut_and_kept():
    victim = new.copy()
    path = victim.directory / SEGMENT
    used = written(path)
    with open(path, "r+b") as file:
        file.seek((used + 7) // 8 * 8)
        file.write(b"half a frame that nobody was told of")
    verdict = victim.verify()
    verdict.ends(INTACT, "tail")
    victim.start()
    equal(victim.balance("bob"), 20)
    check(victim.status()["recovered_bytes"] > 0, "recovered_bytes is 0")
    victim.transfer("ada", "bob", "0.01")
    victim.stop()
    victim.verify().ends(INTACT)


@scenario
def given_lost_checkpoint_and_tiles_when_it_starts_then_they_come_back():
    victim = new.copy()
    for path in (victim.ledger / "public").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    victim.start()
    equal(victim.balance("bob"), 20)
    victim.stop()
    victim.verify().ends(INTACT)


@scenario
def given_an_anchor_when_the_log_extends_it_then_verify_says_so():
    anchor = bank.base / "anchor"
    shutil.copy(old.ledger / "public/checkpoint", anchor)
    # Intact and anchored, but nobody opened the entries: 3, never 0.
    said = new.verify("--since", anchor).ends(INTACT)
    contains(said.out, "continues the checkpoint")
    contains(said.out, "without keys")
    old.verify("--since", anchor).ends(INTACT, "continues the checkpoint")
    new.verify("--quiet").ends(INTACT)
    new.verify("--json").ends(INTACT)
    contains(new.verify().out + new.verify().err, "--since")


@scenario
def given_an_anchor_when_the_log_is_older_then_verify_ends_with_1():
    anchor = bank.base / "anchor"
    shutil.copy(new.ledger / "public/checkpoint", anchor)
    old.verify("--since", anchor).ends(TAMPERED)


@scenario
def given_an_anchor_of_another_history_when_verified_then_it_is_a_fork():
    one, two = old.copy().start(), old.copy().start()
    for other, amount in ((one, "1.00"), (two, "2.00")):
        other.transfer("ada", "bob", amount)
        other.transfer("ada", "bob", amount)
        other.stop()
    anchor = bank.base / "anchor"
    shutil.copy(one.ledger / "public/checkpoint", anchor)
    one.verify("--since", anchor).ends(INTACT)
    two.verify("--since", anchor).ends(TAMPERED)


@scenario
def given_what_cannot_be_checked_when_verified_then_it_ends_with_2():
    run_program([VERIFY]).ends(COULD_NOT)
    run_program([VERIFY, "--dance", new.ledger]).ends(COULD_NOT)
    run_program([VERIFY, new.ledger]).ends(COULD_NOT)
    new.verify(ledger="/nonexistent").ends(COULD_NOT)
    run_program([VERIFY, "--bank", "/nonexistent",
                 new.ledger]).ends(COULD_NOT)
    new.verify("--since", "/nonexistent").ends(COULD_NOT)
    new.verify("--since", bank.id).ends(COULD_NOT, "is not a checkpoint")
    empty = bank.base / "empty"
    (empty / "segment").mkdir(parents=True)
    check(new.verify(ledger=empty).code in (TAMPERED, COULD_NOT),
          "an empty ledger passes")


@scenario
def given_another_banks_id_when_verified_then_it_is_not_these_books():
    other = Bank.found()
    said = run_program([VERIFY, "--bank", other.id, new.ledger])
    said.ends(TAMPERED)


@scenario
def given_a_changed_public_file_when_verified_then_it_is_told():
    for name in ("checkpoint", "certificates"):
        victim = new.copy()
        path = victim.ledger / "public" / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        victim.verify().ends(TAMPERED)


if __name__ == "__main__":
    run()
