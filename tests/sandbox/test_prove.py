#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=120
"""
strongroomd --prove: what a probe in each room's place can do.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import Bank, run_program                     # noqa: E402
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402

ROOMS = ("keyd", "netd", "ledgerd")


def prove(bank):
    result = run_program([bank.monitor, "-c", bank.conf, "--prove"])
    if "sanitizer" in result.out:
        skip("an instrument build has wider policies")
    return result


def rows(result):
    """The table: attempt and its three verdicts."""
    table = re.findall(r"^(.{36}) (\S+) +(\S+) +(\S+) *$", result.out, re.M)
    return [row for row in table if row[0].strip() != "attempt"]


@scenario
def given_a_stopped_bank_when_its_walls_are_tried_then_each_attempt_is_stopped():
    bank = Bank.found()
    result = prove(bank)
    equal(result.code, 4 if "lacks: " in result.out else 0, str(result))
    table = rows(result)
    check(len(table) >= 50, f"{len(table)} attempts only")
    for words, *verdicts in table:
        for room, verdict in zip(ROOMS, verdicts):
            check(verdict in ("killed", "refused"),
                  f"{words.strip()} in {room}: {verdict}")
    for room in ROOMS:
        check(re.search(rf"^{room} .* seccomp 2 no-new-privs 1 "
                        r"effective capabilities 0+ .*as it must be",
                        result.out, re.M), f"{room}: {result.out[:600]}")
    bank.start()
    bank.stop()


@scenario
def given_namespaces_switched_off_when_tried_then_it_says_so_and_ends_with_4():
    bank = Bank.found()
    bank.configure("sandbox", "namespaces", "off")
    result = prove(bank)
    equal(result.code, 4, str(result))
    check("layers are missing" in result.out and "lacks: namespaces" in result.out,
          result.out[-300:])
    check(all(verdict in ("killed", "refused")
              for _, *verdicts in rows(result) for verdict in verdicts),
          result.out)


@scenario
def given_a_running_bank_when_tried_then_it_is_left_alone():
    bank = Bank.found().start()
    result = run_program([bank.monitor, "-c", bank.conf, "--prove"])
    result.ends(69, "already runs")
    bank.stop()


if __name__ == "__main__":
    run()
