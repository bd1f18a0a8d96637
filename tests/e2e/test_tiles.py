#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""The public tree's files, as c2sp.org/tlog-tiles has them: written, caught up
and made again; each time compared with what the journal's frames give."""
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import tiles  # noqa: E402
from lib.bank import (CTL, DECLINED, DONE, INTACT, TAMPERED,  # noqa: E402
                      UNREACHABLE, Bank, run_program)
from lib.scenario import check, equal, run, scenario, wait_until  # noqa: E402
from lib.traffic import Traffic  # noqa: E402

NAMES = ("ada", "bob")
bank = None


def tile(path):
    return bank.ledger / "public/tile" / path


def published():
    """Once everything that is signed is published, its size."""
    bank.published()
    return tiles.checkpoint(bank.ledger)[0]


@scenario
def given_a_new_bank_when_it_works_then_its_tree_is_published_at_once():
    global bank
    bank = Bank.found(ledgerd_segment_size="64K")
    bank.start()
    card = bank.enrol("lobby")
    for who in NAMES:
        bank.register(who)
        bank.deposit(card, who, "500.00")
    size = published()
    equal(tiles.expect_whole(bank.ledger), size, "the size")
    check(tile(f"0/000.p/{size}").is_file(), "no partial tile")
    tiles.expect_readable(bank.ledger)


@scenario
def given_more_than_256_entries_then_full_tiles_and_nothing_that_they_replace():
    traffic = Traffic(bank, NAMES, NAMES, 5)
    traffic.wait_for(total=320)
    traffic.end()
    check(published() > 256, "hardly any entries")
    tiles.expect_whole(bank.ledger)
    check(not tile("0/000.p").exists(), "partial tiles of a full one")
    check(not tile("entries/000.p").exists(), "partial bundles of a full one")


@scenario
def given_a_stop_or_a_kill_when_the_bank_starts_then_everything_is_there():
    bank.stop()
    tiles.expect_whole(bank.ledger)
    bank.start()
    traffic = Traffic(bank, NAMES, NAMES, 6)
    traffic.wait_for(total=40)
    bank.kill()
    traffic.kill()
    bank.start()
    published()
    tiles.expect_whole(bank.ledger)


@scenario
def given_tiles_gone_or_short_when_the_bank_starts_then_they_are_there_again():
    size = published()
    for spoil in (lambda: shutil.rmtree(tile("")),
                  lambda: tile("entries/000").unlink(),
                  lambda: tile("0/000").write_bytes(b"short"),
                  lambda: shutil.rmtree(tile("1")),
                  lambda: (bank.ledger / "public/checkpoint").unlink()):
        bank.stop()
        before = tiles.files(tiles.leaves(bank.ledger))
        spoil()
        bank.start()
        check(published() >= size, "the log is shorter")
        wait_until(lambda: all((bank.ledger / "public" / path).is_file() and
                               (bank.ledger / "public" / path).read_bytes()
                               == content for path, content in before.items()
                               if ".p/" not in path), "the tiles")
        # its edge comes last, made from them
        wait_until(lambda: tiles.is_whole(bank.ledger), "the edge")
        tiles.expect_whole(bank.ledger)


@scenario
def given_a_wrong_hash_at_the_edge_when_the_bank_starts_then_it_is_made_anew():
    bank.stop()
    size, _ = tiles.checkpoint(bank.ledger)
    edge = tile(f"0/{tiles.name(size // 256)}.p/{size % 256}")
    edge.write_bytes(bytes(len(edge.read_bytes())))
    bank.start()
    published()
    tiles.expect_whole(bank.ledger)
    bank.stop()



def rebuild(ledger, *more):
    return run_program([CTL, "rebuild-tiles", "--bank", bank.id, *more,
                        ledger])


def tree(ledger):
    public = ledger / "public"
    return {str(path.relative_to(public)): path.read_bytes()
            for path in public.rglob("*") if path.is_file()}


@scenario
def given_a_stopped_bank_when_its_tree_is_rebuilt_then_byte_for_byte_the_same():
    before = tree(bank.ledger)
    expected = tiles.files(tiles.leaves(bank.ledger))
    for spoil in (lambda: None, lambda: shutil.rmtree(tile("")),
                  lambda: tile("1/000.p/junk").write_bytes(b"junk")):
        spoil()
        rebuild(bank.ledger).ends(DONE)
        after = tree(bank.ledger)
        equal({path: data for path, data in after.items()
               if path.startswith("tile/")}, expected, "the tree")
        check(all(before[path] == data for path, data in after.items()),
              "a file has other bytes than ledgerd had written")
        equal(after["checkpoint"], before["checkpoint"], "the checkpoint")
    tiles.expect_readable(bank.ledger)
    bank.start()
    published()
    tiles.expect_whole(bank.ledger)
    bank.stop()


@scenario
def given_a_copy_without_its_checkpoint_then_the_last_that_the_journal_has():
    copy = bank.base / "copy"
    shutil.copytree(bank.ledger, copy)
    (copy / "public/checkpoint").unlink()
    said = rebuild(copy, "--json").ends(DONE).json()
    equal(said["checkpoint"], "made", "the checkpoint")
    size, _ = tiles.checkpoint(copy)
    equal(said["entries"], size, "the size")
    check(size < tiles.checkpoint(bank.ledger)[0], "it is not the one before")
    tiles.expect_whole(copy)
    bank.verify(ledger=copy).ends(INTACT)
    shutil.rmtree(copy)


@scenario
def given_a_journal_that_is_altered_then_nothing_is_rebuilt_from_it():
    copy = bank.base / "copy"
    shutil.copytree(bank.ledger, copy)
    segment = copy / "segment/00000000.log"
    data = bytearray(segment.read_bytes())
    data[400] ^= 1
    segment.write_bytes(data)
    before = tree(copy)
    rebuild(copy).ends(DECLINED, "nothing is rebuilt")
    equal(tree(copy), before, "the tree")
    shutil.rmtree(copy)


@scenario
def given_a_running_bank_then_its_tree_is_not_rebuilt():
    bank.start()
    rebuild(bank.ledger).ends(UNREACHABLE, "stop it first")
    bank.stop()


def verified():
    return json.loads(bank.verify("--json").ends(INTACT).out)


@scenario
def given_the_tree_when_verified_then_each_file_and_what_is_missing_is_told():
    bank.start()
    for _ in range(3):
        bank.transfer("ada", "bob", "0.01")
        published()
    bank.stop()
    count = len([path for path in tile("").rglob("*") if path.is_file()])
    equal(verified()["tiles"], {"there": True, "checked": count, "missing": 0},
          "the tiles")
    for name in ("entries/000", "0/000"):
        data = tile(name).read_bytes()
        tile(name).unlink()
        equal(verified()["tiles"]["missing"], 1, "missing tiles")
        bank.verify().ends(INTACT, f"the first is public/tile/{name}")
        tile(name).write_bytes(data[:-1])
        bank.verify().ends(INTACT, f"the first is public/tile/{name}")
        tile(name).write_bytes(data)
    shutil.move(tile(""), bank.base / "tile")
    bank.verify().ends(INTACT, "is not there; strongroomctl rebuild-tiles")
    shutil.move(bank.base / "tile", tile(""))


@scenario
def given_any_file_of_the_tree_when_altered_then_it_is_tampered_by_its_name():
    names = [path for path in tile("").rglob("*") if path.is_file()]
    check(len(names) > 5, "hardly any files")
    for path in names:
        name = str(path.relative_to(bank.ledger))
        data = path.read_bytes()
        for place in (0, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1])
                             + data[place + 1:])
            bank.verify("--quiet").ends(TAMPERED, f"{name}: ")
        path.write_bytes(data + b"x")
        bank.verify("--quiet").ends(TAMPERED, f"{name} is longer")
        path.write_bytes(data)
    bank.verify().ends(INTACT)


@scenario
def given_a_backup_when_restored_then_the_tree_that_is_not_in_it_is_whole():
    bank.start()
    backups = bank.base / "backups"
    bank.ctl("backup", backups).ends(DONE)
    published()
    bank.stop()
    check(not list(backups.rglob("tile")), "the backup has tiles")
    shutil.rmtree(bank.ledger)
    bank.ctl("restore", backups).ends(DONE, "is restored")
    tiles.expect_whole(bank.ledger)
    bank.start()
    bank.transfer("ada", "bob", "0.01")
    published()
    tiles.expect_whole(bank.ledger)
    bank.stop()


if __name__ == "__main__":
    run()
