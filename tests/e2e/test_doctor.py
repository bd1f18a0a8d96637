#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""strongroomctl doctor on a bank that runs: nothing to be said of a bank that
is looked after, and a line for each thing that is not as it should be.  The
bounds of each verdict are in unit/test_doctor; orders, clock, certificate and
audit log go wrong there only, as no test moves the machine's clock."""
import json
import os
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DONE, Bank  # noqa: E402
from lib.disk import PluggedBank, no_disk  # noqa: E402
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          skip, wait_until)

DAY_MS = 86400 * 1000
CHECKS = ["configuration", "files", "passphrase", "cards", "unlock",
          "running", "orders", "disk", "audit-log", "checkpoint", "log-key",
          "certificate", "sandbox", "memory", "rooms", "keys", "clock", "retention", "backup",
          "verified"]
# What a machine may lack that runs the tests.
MACHINE = ("sandbox", "memory")
bank = None


def lines(of=None):
    """The checks with state and text, by name; files may stand more than
    once: the worst is kept."""
    found, result = {}, (of or bank).ctl("doctor", "--json")
    for line in map(json.loads, result.out.splitlines()):
        equal(line["v"], 1)
        if found.get(line["check"], {}).get("state") != "fail":
            found[line["check"]] = line
    states = {line["state"] for line in found.values()}
    equal(result.code, 2 if "fail" in states else 1 if "warn" in states else 0,
          "the exit code")
    return found


def wrong(of=None):
    return {name: line["state"] for name, line in lines(of).items()
            if line["state"] != "ok" and name not in MACHINE}


def note(which, **changes):
    """Changes lines of run/last-WHICH."""
    path = bank.directory / f"run/last-{which}"
    text = path.read_text()
    for key, value in changes.items():
        key = key.replace("_", "-")
        text, n = re.subn(rf"^{key} = .*$", f"{key} = {value}", text,
                          flags=re.M)
        equal(n, 1, f"lines {key}")
    path.write_text(text)


@scenario
def given_a_new_bank_when_looked_at_then_what_is_to_be_done_is_said():
    global bank
    bank = Bank.found().start()
    equal(wrong(), {"cards": "warn", "backup": "warn", "verified": "warn"})
    equal(list(lines()), CHECKS, "the checks")
    result = bank.ctl("doctor").ends(1)
    contains(result.out, "warn cards ")
    for check_name, words in (("backup", "backup DIRECTORY"),
                              ("verified", "verify")):
        contains(result.out, f"warn {check_name:13} never: strongroomctl -c "
                 f"{bank.conf} {words}\n")


@scenario
def given_a_bank_that_is_looked_after_when_looked_at_then_all_is_well():
    for n in (1, 2):
        shutil.move(bank.directory / f"operator-{n}.card", bank.base)
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    bank.ctl("verify").ends(DONE)
    equal(wrong(), {})


@scenario
def given_a_file_that_others_reach_when_looked_at_then_it_is_named():
    for name, mode in (("", 0o777), ("strongroom.conf", 0o664),
                       ("keyd", 0o711), ("keyd/root.sealed", 0o640),
                       ("ledger/segment", 0o750), ("audit", 0o755),
                       ("run/control", 0o666), ("../passphrase", 0o644)):
        path = bank.directory / name
        before = path.stat().st_mode & 0o7777
        path.chmod(mode)
        equal(wrong(), {"files": "fail"}, f"with {name} {mode:o}")
        contains(lines()["files"]["text"],
                 str(path.resolve()).rstrip("/"))
        path.chmod(before)
        equal(wrong(), {}, f"with {name} {before:o}")


@scenario
def given_the_passphrase_when_its_file_is_gone_then_it_warns():
    path = bank.base / "passphrase"
    path.rename(bank.base / "elsewhere")
    equal(wrong(), {"passphrase": "warn"})
    (bank.base / "elsewhere").rename(path)


@scenario
def given_notes_that_are_old_when_looked_at_then_it_warns_and_fails():
    for which, name in (("backup", "backup"), ("verified", "verified")):
        path = bank.directory / f"run/last-{which}"
        text = path.read_text()
        now_ms = int(re.search(r"^time-ms = (\d+)$", text, re.M)[1])
        for changes, state in (
                ({"time_ms": now_ms - 3 * DAY_MS}, "warn"),
                ({"time_ms": now_ms - 15 * DAY_MS}, "fail"),
                ({"time_ms": now_ms + DAY_MS}, "fail"),
                ({"good": "no"}, "fail"), ({"good": "maybe"}, "fail"),
                ({"root": "00"}, "fail"), ({"entries": 10 ** 12}, "fail")):
            note(which, **changes)
            equal(wrong(), {name: state}, f"with {changes}")
            path.write_text(text)
        path.unlink()
        equal(wrong(), {name: "warn"}, "without the note")
        path.write_text(text)
    equal(wrong(), {})


@scenario
def given_a_backup_when_what_opens_the_bank_is_changed_then_it_warns():
    bank.ctl("seal", "add", f"credential:{bank.base}/key").ends(DONE)
    # the change is an entry, and its checkpoint comes a little later
    wait_until(lambda: wrong() == {"backup": "warn"}, "the warning")
    contains(bank.ctl("doctor").out,
             "from before what opens the bank was changed")
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    wait_until(lambda: wrong() == {}, "that all is well")
    number = json.loads(bank.ctl("seal", "--json").out)["set"]
    bank.ctl("seal", "remove", number).ends(DONE)
    wait_until(lambda: wrong() == {"backup": "warn"}, "the warning")
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    wait_until(lambda: wrong() == {}, "that all is well")


@scenario
def given_a_checkpoint_when_it_is_none_of_this_bank_then_it_fails():
    path = bank.ledger / "public/checkpoint"
    text = path.read_bytes()
    for bad in (b"", text[:-1], text.replace(b"strongroom/", b"strongroom_"),
                text.replace(b"/1\n", b"/2\n").replace(b"/1 ", b"/2 ")):
        path.write_bytes(bad)
        equal(wrong(), {"checkpoint": "fail"}, f"with {bad!r}")
    path.unlink()
    equal(wrong(), {"checkpoint": "fail"}, "without it")
    path.write_bytes(text)
    os.chown(path, bank.ledger.stat().st_uid, bank.ledger.stat().st_gid)
    equal(wrong(), {})


@scenario
def given_netd_when_it_was_started_anew_then_it_warns():
    bank.kill_room("netd")

    def anew():
        status = bank.ctl("status", "--json")   # busy until it is ready
        return status.code == DONE and \
            json.loads(status.out).get("netd_restarts") == 1

    wait_until(anew, "a new netd", 60)
    equal(wrong(), {"rooms": "warn"})
    contains(lines()["rooms"]["text"], "1 times")


@scenario
def given_a_bank_without_namespaces_when_looked_at_then_it_warns():
    bank.stop()
    bank.configure("sandbox", "namespaces", "off")
    bank.namespaces = False
    bank.start()
    line = lines()["sandbox"]
    equal(line["state"], "warn", "namespaces off")
    contains(line["text"], "each room lacks: namespaces")
    check(wrong() == {}, f"netd is new again: {wrong()}")


@scenario
def given_a_bank_that_is_locked_or_stopped_then_the_rest_is_checked():
    for how, words in (("lock", ("lock",)), ("stop", None)):
        if words:
            bank.ctl(*words).ends(DONE)
        else:
            bank.stop()
        seen = lines()
        equal(wrong(), {"running": "fail"}, how)
        contains(lines()["running"]["text"],
                 f"strongroomctl -c {bank.conf} unlock" if words else
                 f"strongroomd -c {bank.conf.resolve()}")
        equal(sorted(seen), sorted(["configuration", "files", "passphrase",
                                    "cards", "running", "backup",
                                    "verified"] +
                                   ["unlock"] * (how == "lock")), how)


@scenario
def given_a_journal_that_was_changed_when_verified_then_doctor_fails():
    path = bank.ledger / "segment/00000000.log"
    with path.open("r+b") as segment:
        segment.seek(300)
        byte = segment.read(1)
        segment.seek(300)
        segment.write(bytes([byte[0] ^ 1]))
    bank.ctl("verify").ends(1)
    equal(wrong(), {"running": "fail", "verified": "fail"})
    for what in (f"damage was found: strongroomctl -c {bank.conf} verify says",
                 "copy them elsewhere",
                 f"strongroomctl -c {bank.conf} restore --check finds good"):
        contains(lines()["verified"]["text"], what)
    with path.open("r+b") as segment:
        segment.seek(300)
        segment.write(byte)
    bank.ctl("verify").ends(DONE)
    equal(wrong(), {"running": "fail"})


@scenario
def given_a_configuration_with_a_fault_then_its_line_is_told():
    bank.configure("netd", "colour", "red")
    result = bank.ctl("doctor")
    equal(result.code, 2, "the exit code")
    contains(result.out, "FAIL configuration")
    contains(result.out, "strongroom.conf:")
    bank.ctl("doctor", conf=False).ends(64)


@scenario
def given_a_disk_that_fills_when_looked_at_then_it_warns_before_it_fails():
    reason = no_disk()
    if reason:
        skip(reason)
    small = PluggedBank.found(ledgerd_segment_size="64K")
    small.configure("ledgerd", "reserve", "100M")
    small.start()
    free = small.status()["free_bytes"]
    check(free > 100 << 20, f"only {free} bytes are free")
    if free >= 200 << 20:
        equal(lines(small)["disk"]["state"], "ok")
    fill = small.directory / "fill"
    for leave, state in ((150 << 20, "warn"), (50 << 20, "fail")):
        with fill.open("ab") as out:
            left = os.statvfs(small.directory)
            more = left.f_bavail * left.f_frsize - leave
            check(more > 0, "the disk is too full")
            os.posix_fallocate(out.fileno(), fill.stat().st_size, more)
        wait_until(lambda: lines(small)["disk"]["state"] == state,
                   f"the disk is said to {state}", 30)
    equal(lines(small)["orders"]["state"], "fail", "orders on a full disk")
    fill.unlink()
    small.stop()


if __name__ == "__main__":
    run()
