#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""Every target of tests/fuzz takes its corpus, and bytes that are none."""
import os
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


@scenario
def given_each_target_when_fed_with_its_corpus_then_it_ends_well():
    check(len(TARGETS) >= 12, TARGETS)
    equal(sorted(path.name for path in CORPUS.iterdir()), TARGETS)
    for name in TARGETS:
        files = sorted((CORPUS / name).iterdir())
        check(files, f"no corpus of {name}")
        takes(name, files)


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
