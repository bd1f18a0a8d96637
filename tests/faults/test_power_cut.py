#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""The power goes while customers pay: what had not been synced is gone, and
no answer was given before its order was.  CUT_SEED repeats a run, CUTS
changes how often; tests/faults/run does it for as long as wanted."""
import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.disk import Disk, NO_LOG_FLUSH, no_disk  # noqa: E402
from lib.bank import temporary_directory  # noqa: E402
from lib.ordeal import Ordeal  # noqa: E402
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402

CUTS = int(os.environ.get("CUTS") or 5)
SEED = int(os.environ.get("CUT_SEED") or random.randrange(2**32))
missing = no_disk()
ordeal = None


@scenario
def given_a_disk_when_the_power_goes_then_only_what_was_synced_is_there():
    if missing:
        skip(missing)
    disk = Disk(temporary_directory())
    path = disk.place / "file"
    with open(path, "wb", buffering=0) as file:
        file.write(b"synced")
        os.fsync(file.fileno())
        os.pwrite(file.fileno(), b"writ", 0)
    disk.shut_down(NO_LOG_FLUSH)
    disk.unmount()
    disk.mount()
    equal(path.read_bytes(), b"synced", "the file after the cut")


@scenario
def given_payers_when_the_power_goes_then_no_answer_is_lost():
    global ordeal
    if missing:
        skip(missing)
    print(f"    CUT_SEED={SEED} CUTS={CUTS}", flush=True)
    ordeal = Ordeal(random.Random(SEED), plug=True)
    while ordeal.cuts < CUTS:
        ordeal.cut()


@scenario
def given_the_cuts_when_the_bank_starts_once_more_then_the_books_verify():
    if ordeal is None:
        skip(missing or "there is no bank")
    acknowledged = ordeal.end()
    print(f"    {acknowledged} orders were acknowledged", flush=True)
    check(acknowledged >= 4 * CUTS, "hardly any traffic")


if __name__ == "__main__":
    run()
