#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The judgement of tests/lib/flat.py: what is flat passes, what leaks does
not, however little it is at a time."""
import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.flat import FEWEST, complaints, sample  # noqa: E402
from lib.scenario import check, equal, run, scenario  # noqa: E402

ROUNDS = 600


def samples(size, number=lambda _: 9):
    return [{"room": (size(at), number(at))} for at in range(ROUNDS)]


@scenario
def given_the_noise_of_an_hour_when_judged_then_flat():
    dice = random.Random(1)
    equal(complaints(samples(lambda _: 8000 + dice.randrange(-60, 60))), [])


@scenario
def given_growth_in_the_warm_up_when_judged_then_flat():
    equal(complaints(samples(lambda at: 8000 + 40 * min(at, 100))), [])


@scenario
def given_half_a_kibibyte_a_round_when_judged_then_it_leaks():
    dice = random.Random(2)
    found = complaints(samples(
        lambda at: 8000 + at // 2 + dice.randrange(-60, 60)))
    equal(len(found), 1)
    check("grew" in found[0], found)


@scenario
def given_a_step_late_when_judged_then_it_leaks():
    equal(len(complaints(samples(
        lambda at: 8000 + 500 * (at > ROUNDS * 0.8)))), 1)


@scenario
def given_one_descriptor_more_when_judged_then_it_leaks():
    equal(len(complaints(samples(lambda _: 8000,
                                 lambda at: 9 + (at > 300)))), 1)


@scenario
def given_descriptors_up_to_a_bound_when_judged_then_flat():
    equal(complaints(samples(lambda _: 8000,
                             lambda at: 9 + min(at // 10, 8))), [])


@scenario
def given_few_samples_when_judged_then_nothing_is_said_to_be_flat():
    equal(len(complaints(samples(lambda _: 8000)[:FEWEST - 1])), 1)


@scenario
def given_this_process_when_it_takes_then_the_samples_show_it():
    before = sample({"me": os.getpid()})["me"]
    kept = bytearray(os.urandom(4 << 20)), open(os.devnull, "rb")
    after = sample({"me": os.getpid()})["me"]
    check(after[0] - before[0] >= 4000, f"{before} to {after}")
    equal(after[1] - before[1], 1, "descriptors")
    kept[1].close()


if __name__ == "__main__":
    run()
