# SPDX-License-Identifier: ISC
"""
Somebody at a keyboard: runs a program on a pseudo-terminal, waits for what it
shows and types.

    with Terminal(words, environment) as screen:
        screen.expect("Name: ")
        screen.type("ada")
"""
import os
import pty
import select
import signal
import time

from lib.scenario import Failure


class Terminal:
    def __init__(self, words, environment, limit_s=60):
        self.limit_s, self.shown, self.position = limit_s, "", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(str(words[0]), [str(word) for word in words],
                          environment)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def more(self, give_up):
        """Reads what is shown next; False at the end."""
        left = give_up - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            raise Failure(f"nothing more on the screen: {self.shown!r}")
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.shown += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def expect(self, text):
        """Waits for the text behind what was expected last; returns what
        stood before it."""
        give_up = time.monotonic() + self.limit_s
        while text not in self.shown[self.position:]:
            if not self.more(give_up):
                raise Failure(f"it ended without {text!r}:"
                              f" {self.shown[self.position:]!r}")
        start = self.shown.index(text, self.position)
        before = self.shown[self.position:start]
        self.position = start + len(text)
        return before

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def end(self):
        """Waits for the end of the program; its exit code."""
        give_up = time.monotonic() + self.limit_s
        while self.more(give_up):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)
