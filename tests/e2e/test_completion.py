#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
What bash completes: every command and option that --help tells of, files where
a file is meant, directories where a directory is.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.scenario import check, equal, run, scenario  # noqa: E402

BUILD = Path(os.environ["BUILD"])
PROGRAMS = {"atm": "bin", "strongroomctl": "bin", "strongroom-verify": "bin",
            "strongroomd": "sbin"}
# Programs say what they are by a line of their own; compopt needs a terminal.
ASK = """
compopt() { echo "$2" >>kinds; }
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
name=$1
"$(complete -p "$name" | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words):
    said = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash",
         BUILD / "gen/completion" / words[0], *words], capture_output=True,
        text=True, timeout=20, check=False, cwd=os.environ["TMPDIR"])
    equal((said.returncode if said.stdout else 0, said.stderr), (0, ""), words)
    return said.stdout.split()


def help_of(program):
    return subprocess.run(
        [BUILD / PROGRAMS[program] / program, "--help"], capture_output=True,
        text=True, timeout=20, check=True).stdout


@scenario
def given_each_program_when_asked_for_options_then_those_of_its_help():
    for program in PROGRAMS:
        told = help_of(program)
        wanted = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", told))
        wanted |= set(re.findall(r"^ +(-[a-z]), --", told, re.M))
        equal(set(completed(program, "-")), wanted, program)
        equal(completed(program, "--hel"), ["--help"], program)


@scenario
def given_each_command_of_the_help_when_begun_then_it_is_completed():
    for program in ("atm", "strongroomctl"):
        part = help_of(program).split("\ncommands:\n")[1].split("\n\n")[0]
        lines = re.findall(r"^  ([a-z][a-z-]*)(?: ([a-z][a-z-]*)(?= |$))?",
                           part, re.M)
        check(len(lines) > 10, lines)
        equal(set(completed(program, "")), {first for first, _ in lines})
        for first, second in lines:
            check(first in completed(program, first[:-1]), first)
            if second and not re.search(rf"^  {first} {second}  ", part, re.M):
                check(second in completed(program, first, second[:2]),
                      f"{first} {second}")
    usage = help_of("strongroom-verify").split("\n\n")[0]
    for word in ("receipt", "bundle", "witness", "keygen"):
        check(word in usage, usage)
        equal(completed("strongroom-verify", word[:3]), [word])


@scenario
def given_a_file_is_meant_when_completed_then_files_and_else_none():
    place = Path(os.environ["TMPDIR"])
    (place / "bank.id").write_text("")
    (place / "bankrupt").mkdir()
    equal(sorted(completed("atm", "--bank", "bank")), ["bank.id", "bankrupt"])
    equal(sorted(completed("atm", "--bank", "=", "bank")),
          ["bank.id", "bankrupt"])
    equal(completed("atm", "--bank", "bank.id", "--user", "bank"), [])
    equal(completed("atm", "--bank", "bank.id", "reg"), ["register"])
    equal(completed("strongroomctl", "backup", "bank"), ["bankrupt"])
    equal(completed("strongroomctl", "-c", "bank.id", "seal", "re"),
          ["remove"])
    equal(completed("strongroom-verify", "bank"), ["bankrupt"])
    equal(sorted(completed("strongroom-verify", "receipt", "bank")),
          ["bank.id", "bankrupt"])
    equal(completed("strongroomd", "--unlock-kind", "pass"), ["passphrase"])


if __name__ == "__main__":
    run()
