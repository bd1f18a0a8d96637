#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300
"""The public tree's files, as c2sp.org/tlog-tiles has them: written, caught up
and made again; each time compared with what the journal's frames give."""
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import tiles  # noqa: E402
from lib.bank import Bank  # noqa: E402
from lib.scenario import check, equal, run, scenario, wait_until  # noqa: E402
from lib.traffic import Traffic  # noqa: E402

NAMES = ("ada", "bob")
bank = None


def tile(path):
    return bank.ledger / "public/tile" / path


def published():
    """Once everything that is signed is published, its size."""
    def is_there():
        size = bank.status()["tree_size"]
        return size if tiles.checkpoint(bank.ledger)[0] == size else None
    return wait_until(is_there, "the published checkpoint")


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


if __name__ == "__main__":
    run()
