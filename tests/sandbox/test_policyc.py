#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""policyc refuses whatever an auditor of a policy could misread."""
import os
import subprocess
import sys
import tempfile

POLICYC = os.path.join(os.environ.get("BUILD", "build"), "tools/policyc")

REFUSED = {
    "given a rule without a sentence": "allow getpid\n",
    "given a sentence of two words": "allow getpid -- Some id.\n",
    "given a sentence without a stop": "allow getpid -- It wants to know its id\n",
    "given an unknown call": "allow getpidd -- It wants to know its id.\n",
    "given an unknown name": "allow read arg0 == FD_X -- It wants to read from there.\n",
    "given a value above 32 bits":
        "allow read arg0 == 0x100000000 -- It wants to read from there.\n",
    "given an unknown condition": "allow read arg0 > 3 -- It wants to read from there.\n",
    "given argument 6": "allow read arg6 == 3 -- It wants to read from there.\n",
    "given one argument twice":
        "allow read arg0 == 3 arg0 == 4 -- It wants to read from there.\n",
    "given a broad rule after a narrow one":
        "allow read arg0 == 3 -- It wants to read from there.\n"
        "allow read -- It wants to read from everywhere.\n",
    "given a broad rule before a narrow one":
        "allow read -- It wants to read from everywhere.\n"
        "allow read arg0 == 3 -- It wants to read from there.\n",
    "given a rule that is no rule": "deny read -- It must not read from there.\n",
    "given an indented line at the start": "  allow read -- It wants to read from there.\n",
    "given an empty list": "allow read arg0 in -- It wants to read from there.\n",
    "given nothing": "# only a comment\n",
}

ACCEPTED = {
    "given a sentence": "allow getpid -- It wants to know its id.\n",
    "given a sentence in two lines": "allow getpid --\n    It wants to know\n    its id.\n",
    "given two narrow rules":
        "allow read arg0 == 3 -- It wants to read from there.\n"
        "allow read arg0 in 4 5 arg2 <= 9 -- It wants to read little from there.\n",
    "given a broad instrument rule":
        "allow read arg0 == 3 -- It wants to read from there.\n"
        "instrument read -- The sanitizer wants to read as well.\n",
}


def compile_policy(directory, text):
    source = os.path.join(directory, "x.policy")
    with open(source, "w", encoding="ascii") as f:
        f.write(text)
    return subprocess.run([POLICYC, source, os.path.join(directory, "x.h")],
                          capture_output=True, text=True, check=False)


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for cases, accepted in ((REFUSED, False), (ACCEPTED, True)):
            for name, text in cases.items():
                done = compile_policy(directory, text)
                told = accepted or "x.policy:" in done.stderr
                ok = (done.returncode == 0) == accepted and done.returncode >= 0 and told
                failed += not ok
                print("ok" if ok else "not ok",
                      f"{name} then it is {'accepted' if accepted else 'refused'}")
                if not ok:
                    print(done.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
