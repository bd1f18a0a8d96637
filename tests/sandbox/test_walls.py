#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
Runs the program of the same name, once as whoever we are and as root once
more as nobody.
"""
import os
import re
import subprocess
import sys

DIRECTORY = os.path.join(os.environ.get("BUILD", "build"), "tests/sandbox")
WORDS = {"OK": "ok", "FAILED": "not ok", "ERROR": "not ok", "SKIPPED": "skip"}


def main(name):
    program = os.path.join(DIRECTORY, name)
    done = subprocess.run([program], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    suffix, reason, running = "", "", None
    for line in done.stdout.splitlines():
        print("   ", line)
        match = re.match(r"\[ +(RUN|OK|FAILED|ERROR|SKIPPED) +\] (\w+)$", line)
        if line == "as an ordinary user":
            suffix = " as an ordinary user"
        elif line == "an ordinary user cannot run it":
            print(f"skip as_an_ordinary_user: {program} is out of reach")
        elif match and match.group(1) == "RUN":
            running = match.group(2)
        elif match and match.group(2) == running:
            verdict = WORDS[match.group(1)]
            why = "" if verdict == "ok" else f": {reason}"
            print(f"{verdict} {running}{suffix}{why}")
            running = None
        else:
            reason = line
    return done.returncode


if __name__ == "__main__":
    sys.exit(main("test_walls"))
