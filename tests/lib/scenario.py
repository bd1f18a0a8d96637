# SPDX-License-Identifier: ISC
"""
Scenarios of a test file: functions named given_..._when_..._then_..., run in
the order in which they stand, each with one line of result (see tests/run).

    @scenario
    def given_a_bank_when_it_is_asked_then_it_answers():
        equal(bank.balance("ada"), 5000)

    if __name__ == "__main__":
        run()

A scenario fails by any exception and is skipped by `skip("why")`.  With
TEST_BRIEF (tests/run --brief) nothing is run after a failure.
"""
import os
import sys
import time
import traceback


class Skip(Exception):
    """A scenario that cannot run here; says why."""


class Failure(AssertionError):
    """What was seen is not what was promised."""


SCENARIOS = []
CLEANUPS = []


def scenario(function):
    SCENARIOS.append(function)
    return function


def skip(why):
    raise Skip(why)


def check(condition, why):
    if not condition:
        raise Failure(why)


def equal(seen, wanted, what=""):
    if seen != wanted:
        raise Failure(f"{what + ' ' if what else ''}is {seen!r},"
                      f" not {wanted!r}")


def contains(text, part, what="the text"):
    if part not in text:
        raise Failure(f"{what} lacks {part!r}: {text!r}")


def at_end(function):
    """Called after the last scenario, the newest first."""
    CLEANUPS.append(function)


def wait_until(condition, what, limit_s=20):
    """Looks until condition() is true and returns what it returned."""
    give_up = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up:
            raise Failure(f"not within {limit_s} s: {what}")
        time.sleep(0.01)


def one_line(error):
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) < 600 else words[:600] + "..."


def run():
    """Runs the scenarios; arguments choose those whose name contains one."""
    chosen = [function for function in SCENARIOS
              if len(sys.argv) < 2
              or any(word in function.__name__ for word in sys.argv[1:])]
    failed = False
    try:
        for function in chosen:
            started = time.monotonic()
            try:
                function()
                line = f"ok {function.__name__}"
            except Skip as reason:
                line = f"skip {function.__name__}: {one_line(reason)}"
            except Exception as error:  # any: the next scenario still runs
                failed = True
                for row in traceback.format_exc().rstrip().split("\n"):
                    print("    " + row)
                line = f"not ok {function.__name__}: {one_line(error)}"
            print(line)
            print(f"    ({time.monotonic() - started:.1f} s)", flush=True)
            if failed and os.environ.get("TEST_BRIEF"):
                break
    finally:
        while CLEANUPS:
            CLEANUPS.pop()()
    sys.stdout.flush()
    os._exit(1 if failed or not chosen else 0)
