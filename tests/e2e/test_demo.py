#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 root-only
"""`make demo' as whoever comes first sees it: at a terminal, where nobody
types anything, it goes to its end."""
import fcntl
import os
import pty
import subprocess
import sys
import termios
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import BUILD, temporary_directory  # noqa: E402
from lib.scenario import check, contains, run, scenario  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
LIMIT_S = 240


def begin():
    """In the child: the terminal is its own, as a shell's is."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@scenario
def given_a_terminal_when_the_demo_runs_then_it_asks_nothing_and_ends():
    build = temporary_directory()
    for name in ("bin", "sbin", "lib", "libexec"):
        if (BUILD / name).exists():
            (build / name).symlink_to(BUILD / name)
    ours, theirs = pty.openpty()
    demo = subprocess.Popen([TOP / "tests/demo", build], stdin=theirs,
                            stdout=theirs, stderr=theirs, preexec_fn=begin)
    os.close(theirs)
    said = []

    def listen():
        try:
            while text := os.read(ours, 65536):
                said.append(text)
        except OSError:     # nobody has the terminal open any more
            pass

    ear = threading.Thread(target=listen)
    ear.start()
    try:
        code = demo.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        demo.kill()
        code = "no end"
    finally:
        ear.join(10)
        os.close(ours)
    text = b"".join(said).decode(errors="replace")
    check(code == 0, f"it ended with {code}: {text[-2000:]}")
    contains(text, "cash 30.00")


if __name__ == "__main__":
    run()
