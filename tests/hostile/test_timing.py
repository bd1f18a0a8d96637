#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 alone
"""
Does the time or the size of M2 tell whether a name is registered?

Two times 5,000 log-ins that chance mixes, with keyd in one process with the
measure (login_times.c): CPU time from handshake_1 in to handshake_2 out,
which a busy machine does not stretch.  And a smaller run as somebody on the
network has it (login_wire.c): the time from M1 sent to M2 received, over
loopback, from a whole bank.

Welch's t between known and unknown names must stay below 4.5.  Interrupts and
other programs make outliers, which say nothing about names: of both kinds
together the slowest tenth is left out (on the wire, where each attempt waits
for a disk, the slowest half), by one bound for both, so that neither kind is
favoured.  A difference of 1 ms, planted where it is measured, must be found
by the same figures: on the wire it is looked for first, with as many banks as
that takes, and then names are compared with as many.
"""
import math
import subprocess
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.bank import BUILD, Bank, instrumented
from lib.scenario import check, equal, run, scenario, skip

MOST = 4.5
NAMES, ATTEMPTS = 1000, 5000
WIRE_NAMES, WIRE_ATTEMPTS = 150, 600
PLANTED_US = 1000
MOST_BANKS = 4


def measure(words, attempts):
    """Times of unknown and of known names in ns, and all lengths of M2."""
    if instrumented():
        skip("sanitizers take time of their own")
    done = subprocess.run([str(word) for word in words], capture_output=True,
                          text=True, timeout=250, check=False)
    check(done.returncode == 0, done.stderr)
    times, lengths = ([], []), set()
    for line in done.stdout.splitlines():
        known, took, length = map(int, line.split())
        times[known].append(took)
        lengths.add(length)
    for kind in times:
        # a few were put off, where names share a bucket
        check(attempts * 0.95 <= len(kind) <= attempts,
              f"{len(kind)} of {attempts} attempts of a kind")
    equal(len(lengths), 1, "the number of lengths of M2")
    return times


def cropped(times, kept):
    """Both kinds without what is slower than that part of them together."""
    both = sorted(times[0] + times[1])
    bound = both[int(len(both) * kept) - 1]
    return [[took for took in kind if took <= bound] for kind in times]


def moments(sample):
    mean = sum(sample) / len(sample)
    return mean, sum((x - mean) ** 2 for x in sample) / (len(sample) - 1)


def welch(times, kept):
    """t of known against unknown names."""
    unknown, known = cropped(times, kept)
    if min(len(unknown), len(known)) < 2:
        return math.inf     # one kind is always the slower one
    (mean_u, var_u), (mean_k, var_k) = moments(unknown), moments(known)
    t = (mean_k - mean_u) / math.sqrt(var_u / len(unknown) +
                                      var_k / len(known))
    # a bound in between shows in the counts, not in the means
    lost = (len(unknown) - len(known)) / math.sqrt(
        len(times[0] + times[1]) * kept * (1 - kept))
    print(f"    unknown {mean_u / 1000:.1f} us, known {mean_k / 1000:.1f} us,"
          f" t {t:.2f}, of the counts {lost:.2f}")
    return max(abs(t), abs(lost))


def in_process(planted_us=0, attempts=ATTEMPTS):
    return measure([BUILD / "tests/hostile/login_times", NAMES, attempts,
                    planted_us], attempts)


@scenario
def given_known_and_unknown_names_when_keyd_answers_then_its_work_is_the_same():
    t = welch(in_process(), 0.9)
    check(t < MOST, f"the time of M2 tells names apart: |t| is {t:.1f}")


@scenario
def given_a_planted_difference_of_1_ms_when_keyd_is_measured_then_it_is_found():
    t = welch(in_process(PLANTED_US, 500), 0.9)
    check(t > MOST, f"a difference of 1 ms is not found: |t| is {t:.1f}")


def on_the_wire(planted_us, attempts=WIRE_ATTEMPTS, names=WIRE_NAMES):
    """With credentials that keyd must read from the disk each time."""
    bank = Bank.found()
    bank.start()
    times = measure([BUILD / "tests/hostile/login_wire", bank.id, names,
                     attempts, planted_us, bank.keyd / "credentials"],
                    attempts)
    bank.stop()
    return times


def another_bank(times, planted_us):
    """Adds the times of a bank with names of its own; t of all of them."""
    for kind, more in zip(times, on_the_wire(planted_us)):
        kind.extend(more)
    return welch(times, 0.5)


@cache
def banks_that_find():
    """How many it takes to find the planted difference on a machine as busy
    as this one is now; None: more than MOST_BANKS."""
    times = ([], [])
    for banks in range(1, MOST_BANKS + 1):
        if another_bank(times, PLANTED_US) > MOST:
            return banks
    return None


@scenario
def given_a_planted_difference_of_1_ms_on_the_wire_then_it_is_found():
    check(banks_that_find(), "a difference of 1 ms is not found: see |t|")


@scenario
def given_a_bank_and_cold_files_when_it_answers_over_the_wire_then_names_look_the_same():
    times, t = ([], []), 0.0
    for _ in range(banks_that_find() or MOST_BANKS):
        t = another_bank(times, 0)
    check(t < MOST, f"the time of M2 tells names apart: |t| is {t:.1f}")


if __name__ == "__main__":
    run()
