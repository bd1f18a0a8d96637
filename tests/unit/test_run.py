#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
The runner of the tests itself: what it counts, bounds, refuses and kills.
A runner that overlooks a failure would make every other test worthless.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(os.environ["TOP"])
failed = False

SCENARIOS = "echo 'ok a'; echo 'not ok b: why not'; echo 'skip c: no such'"
CMOCKA = """
echo '[==========] Running 3 test(s).'
echo '[ RUN      ] one'
echo '[       OK ] one'
echo '[ RUN      ] two'
echo 'two is not 2'
echo '[  FAILED  ] two'
echo '[ RUN      ] three'
kill -SEGV $$
"""


def say(name, wrong):
    global failed
    failed = failed or bool(wrong)
    print(f"not ok {name}: {wrong}" if wrong else f"ok {name}", flush=True)


def run(files, *options, **variables):
    """Runs a tree of these test files; gives status and output lines."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        for name, text in {**files, "build/tests/none": "",
                           "tests/run": ""}.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text("#!/bin/sh\n" + text)
            (tree / name).chmod(0o755)
        shutil.copy(TOP / "tests" / "run", tree / "tests" / "run")
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("CI", "BUILD")}
        result = subprocess.run(
            [tree / "tests" / "run", *options], capture_output=True,
            text=True, check=False, timeout=60,
            env={**environment, **variables})
        return result.returncode, result.stdout.rstrip("\n").split("\n")


def expect(result, status, *lines):
    missing = [line for line in lines if line not in result[1]]
    if result[0] != status or missing or result[1][-1] != lines[-1]:
        return f"exit {result[0]}, said {result[1]}, expected {lines}"
    return ""


def counts():
    return expect(run({"tests/sim/test_a.sh": SCENARIOS}), 1,
                  "FAIL sim/test_a:b: why not", "skip sim/test_a:c: no such",
                  "1 passed, 1 failed, 1 skipped")


def silent_success():
    return expect(run({"tests/sim/test_a.sh": "exit 0"}), 0,
                  "1 passed, 0 failed, 0 skipped")


def status_without_a_line():
    return expect(run({"tests/sim/test_a.sh": "echo 'ok a'; echo bad; exit 3"
                       }), 1, "FAIL sim/test_a: exit status 3: bad",
                  "1 passed, 1 failed, 0 skipped")


def whole_skip():
    files = {"tests/sim/test_a.sh": "echo no kernel; exit 77",
             "tests/sim/test_b.sh": "exit 0"}
    return expect(run(files), 0, "skip sim/test_a: no kernel",
                  "1 passed, 0 failed, 1 skipped")


def unlisted_skip():
    files = {"tests/sim/test_a.sh": "echo no kernel; exit 77",
             "tests/sim/test_b.sh": "echo no lock; exit 77",
             "tests/may-skip": "sim/test_b  machines without locks\n"}
    return expect(run(files, CI="1"), 1, "skip sim/test_b: no lock",
                  "FAIL sim/test_a: skipped but not in tests/may-skip: no"
                  " kernel", "0 passed, 1 failed, 1 skipped")


def cmocka():
    return expect(run({"tests/unit/test_a.c": "", "build/tests/test_a": CMOCKA
                       }), 1, "FAIL unit/test_a:two: two is not 2",
                  "FAIL unit/test_a:three: the program ended in it",
                  "1 passed, 2 failed, 0 skipped")


def not_built():
    return expect(run({"tests/unit/test_a.c": ""}), 1,
                  "0 passed, 1 failed, 0 skipped")


def nothing_ran():
    return expect(run({}), 1, "0 passed, 0 failed, 0 skipped")


def ignored_killer():
    return expect(run({"tests/sim/test_a.sh": "kill -KILL $$"}), 1,
                  "FAIL sim/test_a: exit status 137: died of SIGKILL",
                  "0 passed, 1 failed, 0 skipped")


def strays():
    """A daemon in a session of its own must be gone, time-out or not."""
    for end, count in (("exit 0", "1 passed, 0"), ("sleep 50", "0 passed, 1")):
        with tempfile.NamedTemporaryFile("r") as pids:
            text = f"""# tests/run: limit=1
(setsid sh -c 'trap "" TERM; setsid sleep 50 & echo $! >>{pids.name}
    echo $$ >>{pids.name}; wait' &)
while [ "$(wc -l <{pids.name})" != 2 ]; do :; done
{end}
"""
            status, lines = run({"tests/sim/test_a.sh": text})
            if lines[-1] != f"{count} failed, 0 skipped":
                return f"exit {status}, said {lines}"
            alive = [pid for pid in pids.read().split()
                     if Path("/proc", pid).exists()]
            if alive:
                return f"still there: {alive}"
    return ""


def private_directory():
    text = ('[ "$(ls -A "$TMPDIR" | wc -l)" = 0 ] && [ "$HOME" = "$TMPDIR" ]'
            ' && [ -d "$BUILD" ] && [ -d "$TOP" ] || exit 1\n'
            'touch "$TMPDIR/a"; echo "$TMPDIR" >>"$TOP/homes"\n'
            '[ "$(sort -u "$TOP/homes" | wc -l)" = '
            '"$(wc -l <"$TOP/homes")" ]\n')
    return expect(run({"tests/sim/test_a.sh": text,
                       "tests/sim/test_b.sh": text}, "-j", "1"), 0,
                  "2 passed, 0 failed, 0 skipped")


def as_user():
    """The tree is in a private directory, so it is copied for the user."""
    result = run({"tests/e2e/test_a.sh": 'touch "$HOME/a" && id -u'},
                 TMPDIR="/tmp")
    return expect(result, 0, f"{2 if os.getuid() == 0 else 1} passed,"
                  " 0 failed, 0 skipped")


def as_user_only():
    files = {"tests/e2e/test_a.sh":
             "# tests/run: user-on-demand\n[ $(id -u) = 0 ]"}
    return os.getuid() == 0 and (
        expect(run(files, TMPDIR="/tmp"), 0, "1 passed, 0 failed, 0 skipped")
        or expect(run(files, "--as-user", "--brief", TMPDIR="/tmp"), 1,
                  "FAIL e2e/test_a@user: exit status 1: it said nothing",
                  "0 passed, 1 failed, 0 skipped"))


def only():
    files = {"tests/sim/test_a.sh": "exit 1", "tests/sim/test_b.sh": "exit 0"}
    return expect(run(files, "--only", "sim/test_b"), 0,
                  "1 passed, 0 failed, 0 skipped") or \
        expect(run(files, "--without", "*_a"), 0,
               "1 passed, 0 failed, 0 skipped")


def on_demand():
    files = {"tests/sim/test_a.sh": "# tests/run: on-demand\nexit 1",
             "tests/sim/test_b.sh": "exit 0"}
    return expect(run(files), 0, "1 passed, 0 failed, 0 skipped") or \
        expect(run(files, "--only", "sim/*"), 1,
               "1 passed, 1 failed, 0 skipped")


def again():
    """Fails the first time only; a sanitizer's word is never tried again."""
    once = '[ -e "$TOP/tried" ] || { touch "$TOP/tried"; echo %s; exit 1; }'
    late = {"tests/sim/test_a.sh": once % "late"}
    found = {"tests/sim/test_a.sh": once % "'ERROR: AddressSanitizer: x'"}
    always = {"tests/sim/test_a.sh": "echo late; exit 1"}
    return expect(run(late, "--again"), 0,
                  "AGAIN sim/test_a: exit status 1: late",
                  "1 passed, 0 failed, 0 skipped") or \
        expect(run(late), 1, "FAIL sim/test_a: exit status 1: late",
               "0 passed, 1 failed, 0 skipped") or \
        expect(run(always, "--again"), 1,
               "FAIL sim/test_a: exit status 1: late",
               "0 passed, 1 failed, 0 skipped") or \
        expect(run(found, "--again"), 1, "FAIL sim/test_a: exit status 1:"
               " ERROR: AddressSanitizer: x", "0 passed, 1 failed, 0 skipped")


say("given_scenario_lines_then_each_counts", counts())
say("given_no_lines_then_the_file_counts_once", silent_success())
say("given_a_bad_status_without_a_line_then_it_failed",
    status_without_a_line())
say("given_status_77_then_it_is_a_skip_with_its_reason", whole_skip())
say("given_ci_then_an_unlisted_skip_failed", unlisted_skip())
say("given_cmocka_then_each_test_counts_and_a_crash_failed", cmocka())
say("given_a_program_that_was_not_built_then_it_failed", not_built())
say("given_nothing_to_run_then_that_is_no_success", nothing_ran())
say("given_a_test_that_is_killed_then_it_failed", ignored_killer())
say("given_stray_processes_then_none_is_left", strays())
say("given_a_test_then_its_directory_is_its_own", private_directory())
say("given_root_then_e2e_runs_as_a_user_too", as_user())
say("given_a_user_on_demand_then_root_alone_unless_asked_for", as_user_only())
say("given_patterns_then_only_those_run", only())
say("given_a_test_on_demand_then_it_runs_only_when_asked_for", on_demand())
say("given_a_failure_then_only_an_instrument_run_tries_it_again", again())
sys.exit(1 if failed else 0)
