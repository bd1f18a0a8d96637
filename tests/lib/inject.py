# SPDX-License-Identifier: ISC
"""
Calls of a room's that fail (tests/faults/inject.c):

    with Inject(bank, ("keyd",), "fdatasync", "EIO", 1) as failing:
        ...
    equal(len(failing.paths), 1)
"""
import subprocess

from lib.bank import BUILD
from lib.scenario import Failure, at_end, check, skip

PROGRAM = BUILD / "tests/faults/inject"


class Inject:
    """Calls of rooms that fail, from the first to the last (0: every later
    one; None: only the first) of that name and on files with that part in
    their path, for the length of a with block.  Afterwards `paths` names
    their files."""

    def __init__(self, bank, rooms, call, error, first, last=None, part=""):
        self.bank, self.said = bank, len(bank.said())
        self.processes, self.paths = [], []
        at_end(self.stop)
        for name in rooms:
            words = [PROGRAM, bank.rooms()[name], call, error, first,
                     first if last is None else last, part]
            process = subprocess.Popen([str(word) for word in words],
                                       stderr=subprocess.PIPE, text=True)
            self.processes.append(process)
            line = process.stderr.readline()
            if "attached" not in line:
                self.stop()
                if "not permitted" in line:
                    skip(f"a room cannot be traced: {line.strip()}")
                raise Failure(line.strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Lets the rooms go.  An end of one must have been its own and not
        its filter's."""
        if not self.processes:
            return
        for process in self.processes:
            process.terminate()
            self.paths += [line.split(" ", 1)[1].strip()
                           for line in process.stderr
                           if line.startswith("failed ")]
            process.wait()
            process.stderr.close()
        self.processes = []
        words = self.bank.said()[self.said:]
        check("its policy forbids" not in words, f"the filter killed: {words}")
