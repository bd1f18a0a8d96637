#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""Every target of tests/fuzz takes its corpus, and bytes that are none; the
table in tests/fuzz/README.md has them all."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import BUILD, TOP  # noqa: E402
from lib.scenario import check, equal, run, scenario  # noqa: E402

CORPUS = TOP / "tests/fuzz/corpus"
TARGETS = sorted(path.stem for path in (TOP / "tests/fuzz").glob("*.c"))


def takes(name, files):
    done = subprocess.run([BUILD / "tests/fuzz" / name, *files],
                          capture_output=True, check=False, timeout=60)
    check(done.returncode == 0, f"{name}: {done}")
    return int(done.stdout.split()[-2])


@scenario
def given_each_target_when_fed_with_its_corpus_then_it_ends_well():
    check(len(TARGETS) >= 25, TARGETS)
    equal(sorted(path.name for path in CORPUS.iterdir()), TARGETS)
    for name in TARGETS:
        files = sorted((CORPUS / name).iterdir())
        check(files, f"no corpus of {name}")
        check(all(file.stat().st_size for file in files),
              f"an empty file in the corpus of {name}")
        check(takes(name, files) > 0,
              f"the decoder of {name} refuses all of its corpus")


@scenario
def given_each_target_when_looked_for_then_the_table_has_its_decoder():
    text = (TOP / "tests/fuzz/README.md").read_text()
    rows = re.findall(r"^\|.*\| `(\w+)` \|$", text, re.M)
    equal(sorted(set(rows)), TARGETS)
    for path in re.findall(r"`(\w+/[\w/]+\.[ch])`", text):
        check((TOP / path).is_file(), f"no such file: {path}")


@scenario
def given_each_target_when_fed_with_pieces_then_it_ends_well():
    with tempfile.TemporaryDirectory() as directory:
        for name in TARGETS:
            data = sorted((CORPUS / name).iterdir())[0].read_bytes()
            pieces = [b"", b"\0", data[:len(data) // 2], data[1:],
                      data + b"\0", os.urandom(len(data))]
            files = []
            for number, piece in enumerate(pieces):
                files.append(Path(directory, str(number)))
                files[-1].write_bytes(piece)
            takes(name, files)


run()
