#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""policyc refuses whatever an auditor of a policy could misread."""
import os
import subprocess
import sys
import tempfile

POLICYC = os.path.join(os.environ.get("BUILD", "build"), "tools/policyc")

WANTS = "allow getpid -- It wants to know its id."


def rules(*texts):
    """Rules with a proof that they are needed."""
    return "".join(f"{text} [needed: e2e/test_day]\n" for text in texts)


# Name: the policy, and what policyc must say against it.
REFUSED = {
    "given a rule without a sentence":
        ("allow getpid\n", "lacks a sentence"),
    "given a proof without a sentence":
        (rules("allow getpid --"), "lacks a sentence"),
    "given a sentence of two words":
        (rules("allow getpid -- Some id."), "lacks a sentence"),
    "given a sentence without a stop":
        (rules("allow getpid -- It wants to know its id"), "lacks a sentence"),
    "given a rule without a proof": (WANTS + "\n", "lacks [needed"),
    "given an empty proof": (WANTS + " []\n", '"" proves nothing'),
    "given an open proof":
        (WANTS + " [needed: e2e/test_day\n", "must end the rule"),
    "given words after the proof":
        (WANTS + " [needed: e2e/test_day] Often.\n", "must end the rule"),
    "given another word for needed":
        (WANTS + " [wanted: e2e/test_day]\n", "proves nothing"),
    "given two tests":
        (WANTS + " [needed: e2e/test_day e2e/test_crash]\n", "names one test"),
    "given no test's name": (WANTS + " [needed: e2e]\n", "names one test"),
    "given a test without its directory":
        (WANTS + " [needed: test_day]\n", "names one test"),
    "given a rare path of two words":
        (WANTS + " [rare: almost never]\n", "what must happen"),
    "given an instrument rule with a proof":
        (rules("instrument read -- The sanitizer wants to read as well."),
         "lacks a sentence"),
    "given an unknown call":
        (rules("allow getpidd -- It wants to know its id."),
         "no system call"),
    "given an unknown name":
        (rules("allow read arg0 == FD_X -- It wants to read from there."),
         "is no value"),
    "given a value above 32 bits":
        (rules("allow read arg0 == 0x100000000 -- It wants to read it."),
         "is no value"),
    "given an unknown condition":
        (rules("allow read arg0 > 3 -- It wants to read from there."),
         "is no condition"),
    "given argument 6":
        (rules("allow read arg6 == 3 -- It wants to read from there."),
         "begins no condition"),
    "given one argument twice":
        (rules("allow read arg0 == 3 arg0 == 4 -- It wants to read that."),
         "stands twice"),
    "given a broad rule after a narrow one":
        (rules("allow read arg0 == 3 -- It wants to read from there.",
               "allow read -- It wants to read from everywhere."),
         "means nothing"),
    "given a broad rule before a narrow one":
        (rules("allow read -- It wants to read from everywhere.",
               "allow read arg0 == 3 -- It wants to read from there."),
         "means nothing"),
    "given a rule that is no rule":
        (rules("deny read -- It must not read from there."), 'is not "allow"'),
    "given an indented line at the start":
        (rules("  allow read -- It wants to read from there."),
         "continues nothing"),
    "given an empty list":
        (rules("allow read arg0 in -- It wants to read from there."),
         "needs values"),
    "given nothing": ("# only a comment\n", "no rule"),
}

ACCEPTED = {
    "given a sentence and a test": rules(WANTS),
    "given a sentence in two lines":
        rules("allow getpid --\n    It wants to know\n    its id."),
    "given a proof in a line of its own":
        WANTS + "\n    [needed: e2e/test_day]\n",
    "given a rare path":
        WANTS + "\n    [rare: the C library\n    has been replaced]\n",
    "given two narrow rules":
        rules("allow read arg0 == 3 -- It wants to read from there.",
              "allow read arg0 in 4 5 arg2 <= 9 -- It wants to read little."),
    "given a broad instrument rule":
        rules("allow read arg0 == 3 -- It wants to read from there.") +
        "instrument read -- The sanitizer wants to read as well.\n",
}


def compile_policy(directory, text):
    source = os.path.join(directory, "x.policy")
    with open(source, "w", encoding="ascii") as f:
        f.write(text)
    return subprocess.run([POLICYC, source, os.path.join(directory, "x.h")],
                          capture_output=True, text=True, check=False)


def say(name, verb, ok, done):
    print("ok" if ok else "not ok", f"{name} then it is {verb}")
    if not ok:
        print(f"    {done.returncode}: {done.stderr}")
    return ok


def main():
    good = True
    with tempfile.TemporaryDirectory() as directory:
        for name, (text, why) in REFUSED.items():
            done = compile_policy(directory, text)
            good &= say(name, "refused", done.returncode == 1 and
                        "x.policy:" in done.stderr and why in done.stderr,
                        done)
        for name, text in ACCEPTED.items():
            done = compile_policy(directory, text)
            good &= say(name, "accepted", done.returncode == 0, done)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
