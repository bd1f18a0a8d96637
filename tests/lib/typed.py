# SPDX-License-Identifier: ISC
"""
Commands as documentation prints them, typed as a reader would: by a shell, at
a terminal, with an answer to each question for a password.

What a reader would do and a test cannot is said here and nowhere else:
port 7420 is another, free one; where namespaces are forbidden `init` gets
`--namespaces off`, as README says; after a command that ends in & the next
one waits until the bank says that it is ready.
"""
import os
import random
import re
import select
import shlex
import signal
import socket
import subprocess
import time

from lib.bank import BUILD, namespaces_available
from lib.scenario import Failure, at_end
from lib.terminal import Terminal

LIMIT_S = 60
QUESTION = re.compile(r"(New password|The same again|Password): ?$")


def password_of(user):
    return f"the password of {user}"


class Typist:
    """Somebody in a directory of their own, with the programs in PATH."""

    def __init__(self, directory, port):
        self.directory, self.port = directory, port
        self.namespaces = namespaces_available()
        self.bank = None
        (directory / "state").mkdir(exist_ok=True)
        self.environment = dict(
            os.environ, LC_ALL="C.UTF-8",
            PATH=f"{BUILD}/bin:{BUILD}/sbin:{os.environ['PATH']}",
            XDG_STATE_HOME=str(directory / "state"))
        at_end(self.stop)

    def adapt(self, text):
        text = text.replace(":7420", f":{self.port}")
        if re.match(r"strongroomctl init\b", text) and not self.namespaces:
            text += " --namespaces off"
        return text

    def type(self, command):
        """Runs one command; what the screen showed and the exit code."""
        command = self.adapt(command)
        if command.endswith("&"):
            return self.start(command[:-1].strip())
        user = re.search(r"--user (\S+)", command)
        words = ["/bin/bash", "--noprofile", "--norc", "-c",
                 f"cd {shlex.quote(str(self.directory))} && {command}"]
        with Terminal(words, self.environment, LIMIT_S) as screen:
            answered, give_up = 0, time.monotonic() + LIMIT_S
            while screen.more(give_up):
                if QUESTION.search(screen.shown[answered:]):
                    answered = len(screen.shown)
                    if user is None:
                        raise Failure(f"{command} asks for a password")
                    screen.type(password_of(user.group(1)))
            return screen.shown, screen.end()

    def start(self, command):
        """A command that ends in &: until READY=1."""
        name = f"strongroom-test-{os.getpid()}-{random.getrandbits(64):x}"
        log = self.directory / "strongroomd.log"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, \
                open(log, "ab") as out:
            ready.bind("\0" + name)
            self.bank = subprocess.Popen(
                ["/bin/bash", "-c", "exec " + command], cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=dict(self.environment, NOTIFY_SOCKET="@" + name))
            give_up = time.monotonic() + LIMIT_S
            while time.monotonic() < give_up:
                if select.select([ready], [], [], 0.02)[0] and \
                        b"READY=1" in ready.recv(4096):
                    return log.read_text(), 0
                if self.bank.poll() is not None:
                    break
        said, code = log.read_text(), self.bank.poll()
        self.stop()
        raise Failure(f"{command} is not ready, {code}: {said}")

    def stop(self):
        """Ends the bank that was started, if one was."""
        if self.bank is None:
            return None
        bank, self.bank = self.bank, None
        if bank.poll() is None:
            bank.send_signal(signal.SIGTERM)
        try:
            return bank.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            bank.kill()
            return bank.wait()
