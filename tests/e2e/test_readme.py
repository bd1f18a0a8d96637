#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=120
"""
README is true: its bank in a few commands, and what follows them, is typed
line by line in a fresh directory, and the goals, files and pages that it names are there.  `make` and
the line that sets PATH are left out: the programs are built already and are
found.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import TOP, free_port, temporary_directory  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402
from lib.typed import Typist  # noqa: E402

README = (TOP / "README.md").read_text()


def commands(section, count):
    """The lines of the section, those that go on below joined."""
    text = README[README.index(f"\n## {section}") + 1:]
    text = text[:text.index("\n## ")]
    blocks = re.findall(r"\n\n((?:    .*\n)+)", text)
    equal(len(blocks), count, "blocks of commands")
    joined = re.sub(r" *\\\n +", " ", "".join(blocks))
    return [line.strip() for line in joined.splitlines()]


@scenario
def given_a_fresh_directory_when_readme_is_typed_then_it_does_what_it_says():
    typist = Typist(temporary_directory(), free_port())
    lines = commands("A bank in ", 2)
    equal(lines[0], "make")
    equal(lines[1], 'export PATH="$PWD/build/bin:$PWD/build/sbin:$PATH"')
    screens = {}
    for line in lines[2:]:
        shown, code = typist.type(line)
        wanted = 3 if line.startswith("strongroom-verify") else 0
        equal(code, wanted, f"the exit status of {line!r}, which shows"
                            f" {shown!r},")
        word = re.search(r"^strongroom-verify| (register|deposit|transfer|"
                         r"requests|till)\b", line)
        if word:
            screens.setdefault(word.group(1) or "verify", shown)
    contains(screens["register"], "Recovery code")
    contains(screens["deposit"], "balance 50.00 EUR")
    contains(screens["transfer"], "balance 37.50 EUR")
    contains(screens["verify"], "verified: ")
    contains(screens["till"], "deposit of 5.00 EUR to bob")
    contains(screens["requests"], "asks to issue 5.00 EUR to bob: welcome")
    shown, code = typist.type(
        "atm --bank bank/bank.id --user bob balance --json")
    equal(code, 0, shown)
    contains(shown, '"balance_minor":1750')
    for line in commands("What opens the bank", 1):
        shown, code = typist.type(line)
        equal(code, 0, f"the exit status of {line!r}, which shows {shown!r},")
        screens[re.search(r"(seal add|seal|reset|ceremony|unlock)\b|$",
                          line.split(".conf ")[1])[0]] = shown
    for word in ("passphrase", "credential", "shares (2 of 3)"):
        contains(screens["seal"], word)
    check("NOT REHEARSED" not in screens["seal"], screens["seal"])
    equal(typist.stop(), 0, "strongroomd's exit code")


@scenario
def given_the_goals_of_readme_when_they_are_looked_up_then_make_has_them():
    makefile = (TOP / "Makefile").read_text()
    goals = set(re.findall(r"\bmake ([a-z-]+)\b(?=[`\s]+(?:#|$|keeps|after|"
                           r"lists|must))", README, re.M))
    check({"demo", "check"} <= goals, f"README names {goals}")
    for goal in goals:
        check(re.search(rf"^{goal}:", makefile, re.M),
              f"there is no make {goal}")


@scenario
def given_the_files_of_readme_when_they_are_looked_up_then_they_are_there():
    names = set(re.findall(r"`([a-z]+/[a-z*_.]+)`", README)) | \
        set(re.findall(r"\]\(([A-Z]+\.md)\)", README))
    check(len(names) >= 7, f"README names only {names}")
    for name in names:
        check(list(TOP.glob(name)), f"there is no {name}")
    for page, number in re.findall(r"\b([a-z.-]+)\((\d)\)", README):
        check((TOP / "man" / f"{page}.{number}").exists(),
              f"there is no page {page}({number})")


if __name__ == "__main__":
    run()
