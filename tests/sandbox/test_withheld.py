#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=180
"""
The walls on an older kernel, and where namespaces are forbidden: what lacks is
named, all the rest holds, and what fails for another reason ends the start.
tests/sandbox/withhold.c plays the other kernel, from strongroomd on.
"""
import json
import os
import re
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (BUILD, CONFIG, CTL, DONE, MONITOR,  # noqa: E402
                      ROOMS, UNREACHABLE, Bank, instrumented, process_state,
                      run_program)
from lib.scenario import (SCENARIOS, Skip, check, contains,  # noqa: E402
                          equal, run, scenario, skip, wait_until)

WITHHOLD = BUILD / "tests/sandbox/withhold"

# Of each name in `status --json` what people read.
LAYERS = {
    "namespaces": "namespaces ([sandbox] namespaces = off)",
    "landlock": "Landlock (needs Linux 5.13 that starts with lsm=landlock)",
    "landlock-truncate": "Landlock for cutting files (needs Linux 6.2)",
    "landlock-tcp": "Landlock for TCP (needs Linux 6.7)",
    "landlock-ioctl": "Landlock for devices (needs Linux 6.10)",
    "landlock-scope":
        "Landlock for signals and abstract sockets (needs Linux 6.12)",
    "mdwe": "MDWE (needs Linux 6.3)",
    "memfd-secret": "memfd_secret (needs Linux 6.5, or secretmem.enable=1)",
    "mseal": "mseal (needs Linux 6.10)",
    "policy": "the narrow filter (built with a sanitizer)",
}
ABI = ["landlock-truncate", "landlock-tcp", "landlock-ioctl",
       "landlock-scope"]
NO_LANDLOCK = "landlock_create_ruleset=ENOSYS"
NO_MEMORY = ["memfd_secret=ENOSYS", "mseal=ENOSYS"]
FORBIDDEN = "namespaces are forbidden here; where that must be so, set" \
    " [sandbox] namespaces = off in "

_founded = []
_here = []


class OtherKernel(Bank):
    """A bank of which all programs run under withhold."""

    def under(self, *what):
        self.words = [WITHHOLD, *what, "--"] if what else []
        self.monitor = self.base / "strongroomd"
        self.monitor.write_text("#!/bin/sh\nexec " + " ".join(
            shlex.quote(str(word)) for word in [*self.words, MONITOR])
            + ' "$@"\n')
        self.monitor.chmod(0o755)
        return self

    def ctl(self, *words, conf=True, **options):
        words = (["-c", self.conf] if conf else []) + list(words)
        return run_program([*getattr(self, "words", []), CTL, *words],
                           env=self.environment("operator"), **options)

    @classmethod
    def copy_of(cls, *what):
        copy = _founded[0].copy()
        copy.__class__ = cls
        return copy.under(*what)

    def prove(self):
        return run_program([self.monitor, "-c", self.conf, "--prove"])


def begin():
    """The one bank that all others are copies of, and what this machine lacks
    before anything is withheld."""
    if not _founded:
        bank = Bank.found()
        bank.start()
        _here.append(bank.status()["sandbox_lacks"])
        bank.stop()
        _founded.append(bank)


def lacking(*names, keyd=()):
    """Each room's list, with what this machine itself lacks."""
    wanted = {}
    for room in ROOMS:
        more = names + (tuple(keyd) if room == "keyd" else ())
        wanted[room] = [name for name in LAYERS
                        if name in more or name in _here[0][room] and not
                        ("landlock" in more and name.startswith("landlock-"))]
    return wanted


def sentence(names):
    return ", ".join(LAYERS[name] for name in names)


def named(bank, said, wanted):
    """At the start, in status, in doctor."""
    text = bank.ctl("status").ends(DONE).out
    for room, names in wanted.items():
        if names:
            contains(said, f"the sandbox of {room} lacks: {sentence(names)}\n",
                     "the start")
            contains(text, f"sandbox of {room:8} lacks: {sentence(names)}\n",
                     "status")
        else:
            check(f"sandbox of {room} lacks" not in said, said)
            contains(text, f"sandbox of {room:8} all layers in force\n")
    status = bank.status()
    equal(status["sandbox_lacks"], wanted, "status --json")
    lines = {line["check"]: line for line in map(
        json.loads, bank.ctl("doctor", "--json").out.splitlines())}
    equal(lines["memory"]["state"],
          "warn" if "memfd-secret" in wanted["keyd"] else "ok", "memory")
    told = {name for room in ROOMS for name in wanted[room]}
    told -= {"memfd-secret"}
    equal(lines["sandbox"]["state"], "warn" if told else "ok", "sandbox")
    for name in told:
        contains(lines["sandbox"]["text"], LAYERS[name], "doctor")


def held(bank, wanted):
    """What a probe in each room's place can still do: nothing."""
    result = bank.prove()
    lacks = any(wanted.values())
    if not instrumented():      # its policies let more pass
        equal(result.code, 4 if lacks else 0, str(result))
    for room, names in wanted.items():
        line = re.search(rf"^{room} .* seccomp 2 no-new-privs 1 effective"
                         r" capabilities 0+ .*: as it must be(.*)$",
                         result.out, re.M)
        check(line, f"{room}: {result.out[:800]}")
        equal(line.group(1), f"; lacks: {sentence(names)}" if names else "",
              f"--prove of {room}")
    if instrumented():
        return
    rows = re.findall(r"^(.{36}) (\S+) +(\S+) +(\S+) *$", result.out, re.M)[1:]
    check(len(rows) > 90, f"{len(rows)} attempts only")
    for words, *verdicts in rows:
        for room, verdict in zip(ROOMS, verdicts):
            check(verdict in ("killed", "refused"),
                  f"{words.strip()} in {room}: {verdict}")


def lives(bank):
    """A customer, a new netd, and a lock: all walls are built anew."""
    bank.register("ada")
    before = bank.rooms()["netd"]
    bank.kill_room("netd")
    wait_until(lambda: bank.rooms().get("netd", before) != before and
               bank.status()["netd_restarts"] == 1, "a new netd")
    bank.look_at_walls()
    bank.ctl("lock").ends(DONE)
    bank.ctl("unlock").ends(DONE)
    bank.look_at_walls()
    equal(bank.balance("ada"), 0)


# ---- Each thing that an older kernel has not ---------------------------------

# Name, what is withheld, what each room lacks, what keyd lacks besides.
OLDER = (
    ("landlock", [NO_LANDLOCK], ["landlock"], []),
    ("landlock_switched_off", ["landlock_create_ruleset=EOPNOTSUPP"],
     ["landlock"], []),
    ("landlock_after_its_first_version", ["landlock=1"], ABI, []),
    ("landlock_after_its_second_version", ["landlock=2"], ABI, []),
    ("landlock_after_its_third_version", ["landlock=3"], ABI[1:], []),
    ("landlock_after_its_fourth_version", ["landlock=4"], ABI[2:], []),
    ("landlock_after_its_fifth_version", ["landlock=5"], ABI[3:], []),
    ("mdwe", ["mdwe=EINVAL"], ["mdwe"], []),
    ("memfd_secret", NO_MEMORY[:1], [], ["memfd-secret"]),
    ("mseal", NO_MEMORY[1:], [], ["mseal"]),
    ("mseal_by_a_container", ["mseal=EPERM"], [], ["mseal"]),
    ("what_only_other_programs_use",
     ["close_range=ENOSYS", "clone3=ENOSYS", "openat2=ENOSYS",
      "pidfd_open=ENOSYS", "pidfd_getfd=ENOSYS",
      "pidfd_send_signal=ENOSYS"], [], []),
    ("all_that_debian_12_lacks",
     ["landlock=2", "mdwe=EINVAL", *NO_MEMORY], [*ABI, "mdwe"],
     ["memfd-secret", "mseal"]),
    ("all_of_these", [NO_LANDLOCK, "mdwe=EINVAL", "close_range=ENOSYS",
                      *NO_MEMORY], ["landlock", "mdwe"],
     ["memfd-secret", "mseal"]),
)
# Those with the whole table of attempts, and with a day's work.
PROVED = ("landlock", "landlock_after_its_first_version", "mdwe",
          "what_only_other_programs_use", "all_of_these")
LIVED = ("all_of_these",)


def older(name, what, each, keyd):
    if "landlock" in each and not Bank.namespaces:
        skip("without namespaces and Landlock there is no start")
    if any(word.startswith("landlock=") for word in what) and \
            any(lack.startswith("landlock") and lack not in each
                for lack in _here[0]["netd"]):
        skip("this kernel's own Landlock is older")
    wanted = lacking(*each, keyd=keyd)
    bank = OtherKernel.copy_of(*what)
    named(bank, bank.start().said(), wanted)
    if name in LIVED:
        lives(bank)
    bank.stop()
    if name in PROVED:
        held(bank, wanted)
    bank.remove()


# ---- What fails for another reason ------------------------------------------

# Name, what is withheld, what the start says.
FAILING = (
    ("landlocks_version_is_refused", ["landlock_create_ruleset=EPERM"],
     "Landlock's version: Operation not permitted"),
    ("a_directory_is_refused", ["landlock_add_rule=EPERM"],
     "Landlock: a directory: Operation not permitted"),
    ("landlock_is_refused", ["landlock_restrict_self=EPERM"],
     "Landlock: Operation not permitted"),
    ("landlock_is_there_and_fails", ["landlock_restrict_self=ENOSYS"],
     "Landlock: Function not implemented"),
    ("mdwe_is_refused", ["mdwe=EPERM"], "MDWE: Operation not permitted"),
    ("the_filter_is_refused", ["seccomp=EPERM"],
     "seccomp: Operation not permitted"),
    ("the_filter_is_not_known", ["seccomp=ENOSYS"],
     "seccomp: Function not implemented"),
    ("new_privileges_stay", ["no_new_privs=EINVAL"],
     "no_new_privs: Invalid argument"),
    ("memory_shows", ["undumpable=EPERM"],
     "undumpable: Operation not permitted"),
    ("capabilities_stay", ["capset=EPERM"], "capset: Operation not permitted"),
    ("the_bounding_set_stays", ["bounding-set=EPERM"],
     "the bounding set: Operation not permitted"),
    ("securebits_stay", ["securebits=EPERM"],
     "securebits: Operation not permitted"),
    ("memory_cannot_be_locked", ["memfd_secret=ENOSYS", "mlock=EPERM"],
     "no protected memory"),
    ("the_keys_are_not_sealed", ["mseal=EINVAL"], "keyd: error: keys: "),
)


def failing(name, what, told):
    if name in ("the_bounding_set_stays", "securebits_stay") and \
            os.geteuid() != 0 and not Bank.namespaces:
        skip("an ordinary user without a namespace has nothing to bound")
    if name == "memory_cannot_be_locked" and instrumented():
        skip("a sanitizer makes mlock do nothing")
    bank = OtherKernel.copy_of(*what)
    result = bank.start_refused()
    # another start may find memory, but no other kernel
    transient = name in ("memory_cannot_be_locked", "the_keys_are_not_sealed")
    result.ends(UNREACHABLE if transient else CONFIG)
    contains(result.err, told, "the start")
    if "EPERM" in what[-1] and "sandbox: " in result.err:
        contains(result.err, "something forbids it", "the start")
    check(" open" not in result.err and "READY" not in result.err, str(result))
    check(not (bank.directory / "run/address").exists(), "it is announced")
    bank.remove()


# ---- Namespaces that are forbidden ------------------------------------------

def forbidden(_, what):
    bank = OtherKernel.copy_of(*what)
    bank.configure("sandbox", "namespaces", "on")
    result = bank.start_refused()
    contains(result.ends(CONFIG).err, FORBIDDEN, "the start")
    # one sentence a process, and of the first that is started first
    check(result.err.count(FORBIDDEN) <= 4, result.err)
    bank.prove().ends(result.code, FORBIDDEN)
    bank.remove()


FORBIDS = (
    ("a_container", ["container"]),
    ("an_older_containers_filter", ["namespaces=EPERM"]),
    ("only_mounts", ["mount=EACCES"]),
    ("only_new_namespaces_of_a_process", ["unshare=EPERM"]),
    ("no_namespace_is_left", ["clone-namespaces=ENOSPC"]),
)


def without(_, what, each, keyd):
    if "landlock" in _here[0]["netd"]:
        skip("without namespaces and Landlock there is no start")
    bank = OtherKernel.copy_of(*what)
    bank.configure("sandbox", "namespaces", "off")
    bank.namespaces = False
    wanted = lacking("namespaces", *each, keyd=keyd)
    named(bank, bank.start().said(), wanted)
    lives(bank)
    bank.stop()
    held(bank, wanted)
    bank.remove()


WITHOUT = (
    ("a_container", ["container"], [], []),
    ("a_container_on_debian_12",
     ["container", "landlock=2", "mdwe=EINVAL", *NO_MEMORY],
     [*ABI, "mdwe"], ["memfd-secret", "mseal"]),
    ("a_container_on_linux_5_13",
     ["container", "landlock=1", "mdwe=EINVAL", *NO_MEMORY],
     [*ABI, "mdwe"], ["memfd-secret", "mseal"]),
)


def neither(_):
    """Without namespaces Landlock alone keeps ledgerd in its directories."""
    bank = OtherKernel.copy_of("container", NO_LANDLOCK)
    bank.configure("sandbox", "namespaces", "off")
    result = bank.start_refused()
    contains(result.err, "without namespaces ([sandbox] namespaces = off) a"
             " room needs Landlock", "the start")
    bank.remove()


def founded(_):
    """Init and a start where all is a container's from the beginning."""
    first = _founded[0]
    bank = OtherKernel(Path(str(first.base) + "-contained"), first.port)
    bank.base.mkdir(mode=0o755)
    bank.under("container")
    bank.init("EUR:2", "--namespaces", "on").ends(UNREACHABLE, FORBIDDEN)
    check(not bank.conf.exists(), "init has left a bank")
    bank.namespaces = False
    bank.init("EUR:2").ends(DONE)
    bank.start()
    bank.stop()
    bank.remove()


# ---- All at once, each in a scenario of its own -----------------------------

_pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2))


def every(function, name, *arguments):
    """A scenario of that name that waits for its turn's result."""
    future = []

    def start():
        future.append(_pool.submit(function, *arguments))

    def wait():
        begin()
        if not future:
            for other in waiting:
                other()
            waiting.clear()
        try:
            future[0].result()
        except Skip:
            raise
        except Exception:
            if os.environ.get("TEST_BRIEF"):    # nothing is run after it
                _pool.shutdown(cancel_futures=True)
            raise

    wait.__name__ = name
    if len(sys.argv) < 2 or any(word in name for word in sys.argv[1:]):
        waiting.append(start)
    SCENARIOS.append(wait)


waiting = []
for row in OLDER:
    # The same as for root, but for the user's own namespace.
    if os.geteuid() != 0 and row[0] not in PROVED:
        continue
    every(older, f"given_a_kernel_without_{row[0]}_then_it_is_named_and_the"
          "_rest_holds", *row)
for row in FAILING:
    every(failing, f"given_{row[0]}_then_there_is_no_start", *row)
for row in FORBIDS:
    every(forbidden, f"given_{row[0]}_that_forbids_namespaces_then_told_how_to"
          "_do_without", *row)
for row in WITHOUT:
    every(without, f"given_{row[0]}_and_namespaces_off_then_all_other_walls"
          "_hold", *row)
every(neither, "given_neither_namespaces_nor_landlock_then_there_is_no_start",
      None)
every(founded, "given_a_container_when_a_bank_is_founded_in_it_then_it_runs",
      None)

if __name__ == "__main__":
    run()
