#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
Each rule of the rooms' policies is proved: it names a test that exists, or
says what must happen before it is needed.  That the named tests really fail
without their rules is shown by `make rules`.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(os.environ.get("TOP") or Path(__file__).resolve().parents[2])


def rules(path):
    """Each rule with the lines that continue it, in one line."""
    for text in re.findall(r"^allow .*\n(?:[ \t].*\n)*", path.read_text(),
                           re.M):
        yield " ".join(text.split())


def wrong_with(rule, tests):
    proof = re.search(r"\[(needed|rare): ([^][]+)\]$", rule)
    if not proof:
        return "has no proof"
    kind, words = proof.groups()
    if kind == "needed" and words not in tests:
        return f"names {words}, which is no test"
    if kind == "rare" and len(words.split()) < 4:
        return "does not say what must happen"
    return None


def say(name, wrong):
    print(f"not ok {name}: {'; '.join(wrong)}" if wrong else f"ok {name}")
    return not wrong


def main():
    listed = subprocess.run([TOP / "tests/run", "--list"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    tests, good, proofs = set(listed.split()), True, 0
    for path in sorted((TOP / "policy").glob("*.policy")):
        found = list(rules(path))
        wrong = [f"{rule.split(' -- ')[0]} {what}" for rule in found
                 if (what := wrong_with(rule, tests))]
        good &= say(f"given {path.name} then each rule is proved", wrong)
        proofs += sum("[needed: " in rule for rule in found)
    # What takes the rules out reads the same ones.
    listed = subprocess.run([TOP / "tests/mutants/run", "--rules", "--list"],
                            check=True, stdout=subprocess.PIPE,
                            text=True).stdout.splitlines()
    whole = {line.split(": ")[0] for line in listed
             if re.match(r"[a-z]+-[a-z_0-9]+(-[0-9])?: ", line)}
    good &= say("given the proofs then make rules tries each",
                [] if len(whole) == proofs > 40 else
                [f"{proofs} rules name a test, {len(whole)} are tried"])
    made_up = "allow getpid -- It wants to know its id. [needed: e2e/test_x]"
    good &= say("given a test that is not there then the rule is refused",
                [] if wrong_with(made_up, tests) else ["nobody noticed"])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
