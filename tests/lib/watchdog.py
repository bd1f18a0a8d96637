# SPDX-License-Identifier: ISC
"""
systemd's part of a watchdog: a bank that is told to be alive every so often,
and what it says to that.

    bank = watched(Bank).found()
    bank.start()
    bank.fed(3)             # three more times
    bank.overdue()          # from here on systemd would have killed it
"""
import os
import socket
import subprocess
import threading
import time

from lib.scenario import Failure, check, wait_until

# Time enough for a busy machine; a pulse is due each quarter of it.
LIMIT_S = 4
START_LIMIT_S = 60
# WATCHDOG_PID is the pid of who becomes strongroomd.
BECOME = 'WATCHDOG_PID=$$ exec "$@"'


def watched(kind):
    """A kind of bank that runs as a service with WatchdogSec=."""

    class Watched(kind):
        usec = str(LIMIT_S * 1000000)
        pid = None          # WATCHDOG_PID; None: as systemd has it
        notices = ()        # of this start: when each came, and its text
        systemd = None      # the socket that they come to

        def launch(self, *more, wait=True):
            name = f"strongroom-test-{time.monotonic_ns():x}-{id(self):x}"
            self.listen("\0" + name)
            words = [self.monitor, "-c", self.conf, *more]
            settings = {"NOTIFY_SOCKET": "@" + name,
                        "WATCHDOG_USEC": self.usec}
            if self.pid is None:
                words = ["/bin/sh", "-c", BECOME, "sh", *words]
            else:
                settings["WATCHDOG_PID"] = self.pid
            with open(self.log, "ab") as log:
                before = log.tell()
                self.process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=dict(os.environ, **settings))
            if wait:
                wait_until(lambda: self.heard("READY=1") or
                           self.process.poll() is not None,
                           "READY=1, or its end", START_LIMIT_S)
            return self.said(before)

        def listen(self, name):
            """Takes what comes there, when it comes, for this start."""
            self.stop_listening()
            systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            systemd.bind(name)
            notices = []

            def take():
                text = systemd.recv(4096)
                while text:
                    notices.append((time.monotonic(), text.decode()))
                    text = systemd.recv(4096)
                systemd.close()
            threading.Thread(target=take, daemon=True).start()
            self.systemd, self.notices = systemd, notices

        def stop_listening(self):
            if self.systemd is not None:
                self.systemd.shutdown(socket.SHUT_RD)
                self.systemd = None

        def heard(self, part):
            return [when for when, text in list(self.notices) if part in text]

        def feeds(self):
            """When it said that it is alive."""
            return self.heard("WATCHDOG=1")

        def fed(self, times, limit_s=5 * LIMIT_S):
            """Waits until it has said so that many times more."""
            before = len(self.feeds())
            wait_until(lambda: len(self.feeds()) >= before + times,
                       f"{times} more times fed", limit_s)

        def in_time(self, since=0.0):
            """That it was never overdue, from that moment to now."""
            times = [max(since, self.heard("READY=1")[0])]
            times += [when for when in self.feeds() if when > times[0]]
            times.append(time.monotonic())
            longest = max(b - a for a, b in zip(times, times[1:]))
            check(longest < LIMIT_S, f"not fed for {longest:.1f} s")

        def overdue(self, limit_s=5 * LIMIT_S):
            """Waits until nothing has come for as long as systemd waits."""
            begun = time.monotonic()

            def late():
                if self.process.poll() is not None:
                    raise Failure("strongroomd has ended: "
                                  + self.said()[-2000:])
                last = max([begun, *self.feeds()])
                return time.monotonic() - last >= LIMIT_S
            wait_until(late, "the end of the feeding", limit_s)

        def close(self):
            super().close()
            self.stop_listening()

    return Watched
