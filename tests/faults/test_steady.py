#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300
"""A few rounds of the load of `make soak`: descriptors come back to what they
were, and one that does not is told."""
import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.flat import complaints  # noqa: E402
from lib.scenario import check, run, scenario, skip  # noqa: E402
from lib.steady import Steady  # noqa: E402

load = None


def more_of(samples):
    """As if there had been enough of them."""
    return [taken for taken in samples for _ in range(10)]


@scenario
def given_rounds_of_load_when_all_have_left_then_descriptors_are_as_before():
    global load
    load = Steady(1)
    for _ in range(2):
        load.one_round()
    check(load.sessions >= 20, "hardly any sessions")
    check(load.as_before(), f"{load.numbers()}, not {load.fewest}")


@scenario
def given_a_connection_that_stays_when_a_sample_is_taken_then_it_is_told():
    if load is None or os.geteuid() != 0:
        skip("only root sees another user's descriptors")
    with socket.create_connection(("127.0.0.1", load.bank.port)):
        load.take_sample(wait_s=1)
    found = complaints(more_of(load.samples))
    check(any("netd had" in line for line in found), f"{found}")
    load.samples.pop()


@scenario
def given_the_load_when_it_ends_then_no_order_was_lost():
    load.ordeal.traffic.begin(load.book.where())
    check(load.ordeal.end() >= 200, "hardly any traffic")


if __name__ == "__main__":
    run()
