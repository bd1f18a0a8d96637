#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only on-demand limit=600
"""
The packages of build/deb on a machine: installed, used, upgraded while a bank
works, removed and purged.  `make check-systemd' builds them first.

In a machine of its own (tests/systemd/boot), in which nothing but dpkg has put
programs.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.machine import in_a_machine                       # noqa: E402
from lib.scenario import check, contains, equal, scenario  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
DEBS = TOP / "build/deb"
DATA = Path("/var/lib/strongroom")
UNITS = Path("/etc/systemd/system")
QUIET = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
         "HOME": "/root"}


def command(*words, code=0, timeout=120, **options):
    result = subprocess.run([str(word) for word in words], text=True,
                            capture_output=True, timeout=timeout, check=False,
                            env=QUIET, **options)
    if code is not None and result.returncode != code:
        journal = subprocess.run(["journalctl", "-n", "40", "-o", "cat"],
                                 capture_output=True, text=True, timeout=60,
                                 check=False).stdout
        check(False, f"{words} ended with {result.returncode}: "
              f"{result.stdout} {result.stderr} {journal}")
    return result.stdout + result.stderr


def debs(pattern="strongroom*_*.deb"):
    found = sorted(DEBS.glob(pattern))
    check(found, f"{DEBS} has no {pattern}: make deb")
    return found


def newer():
    """The same packages as the next version of them."""
    place = Path(tempfile.mkdtemp())
    made = []
    for deb in debs():
        tree = place / deb.stem
        command("dpkg-deb", "-R", deb, tree)
        control = tree / "DEBIAN/control"
        control.write_text(control.read_text().replace(
            "Version: ", "Version: 9:"))
        made.append(place / f"{deb.stem}-next.deb")
        command("dpkg-deb", "--root-owner-group", "-b", tree, made[-1])
        shutil.rmtree(tree)
    return made


def active(unit="strongroom.service"):
    return command("systemctl", "is-active", unit, code=None).strip()


def main_pid():
    return command("systemctl", "show", "-P", "MainPID",
                   "strongroom.service").strip()



@scenario
def given_a_machine_when_installed_then_nothing_runs_and_nobody_is_asked():
    # what boot has put there is not the packages'
    for place in ("bin", "sbin", "libexec", "lib/systemd", "lib/sysusers.d",
                  "lib/tmpfiles.d"):
        shutil.rmtree(Path("/usr/local") / place, ignore_errors=True)
    Path("/etc/logrotate.d/strongroom").unlink(missing_ok=True)
    # by which a container keeps packages from starting and stopping services
    Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    said = command("dpkg", "--install", *debs("strongroom_*.deb"),
                   stdin=subprocess.DEVNULL)
    check("not installed" not in said, said)
    for unit in ("strongroom.service", "strongroom.socket",
                 "strongroom-verify.timer", "strongroom-backup.timer"):
        equal(active(unit), "inactive", unit)
        equal(command("systemctl", "is-enabled", unit, code=None).strip(),
              "disabled", unit)
    for room in ("keyd", "netd", "ledgerd"):
        command("id", f"strongroom-{room}")
    equal(list(Path("/etc/strongroom").iterdir()), [])
    # without a bank it does not start, and says why
    command("systemctl", "start", "strongroom.service", code=1)
    # a purge leaves nothing of a machine that never had a bank, not even of
    # one whose directories are empty
    Path("/etc/strongroom/empty").mkdir()
    command("dpkg", "--purge", "strongroom")
    for place in ("/etc/strongroom", DATA, "/var/backups/strongroom"):
        check(not Path(place).exists(), f"{place} is left")
    command("dpkg", "--install", *debs())


@scenario
def given_the_packages_when_a_customer_has_a_day_then_all_of_it_works():
    said = command(TOP / "debian/tests/day")
    equal(said.count("ok "), len(said.splitlines()), said)


@scenario
def given_a_bank_under_load_when_upgraded_then_no_order_is_lost_or_twice():
    command("systemctl", "start", "strongroom.socket", "strongroom.service")
    Path("/root/ada").write_text("a long password of eve")
    Path("/root/ada").chmod(0o600)
    words = ["atm", "--bank", DATA / "bank.id", "--user", "eve",
             "--password-file", "/root/ada"]
    command(*words, "register")
    command("strongroomctl", "--as", DATA / "operator-1.card", "--approve",
            DATA / "operator-2.card", "issue", "eve", "100.00", "--memo", "x")
    before, booked, stop = main_pid(), [], threading.Event()

    def pay():
        while not stop.is_set():
            number = len(booked)
            # as a customer does whose line was cut: the same order again
            for _ in range(100):
                paid = subprocess.run(
                    [*map(str, words), "transfer", "bob", "0.01", "--id",
                     f"upgrade-{number}"], capture_output=True, text=True,
                    timeout=60, check=False, env=QUIET)
                if paid.returncode == 0:
                    break
            booked.append(paid.returncode)

    load = threading.Thread(target=pay)
    load.start()
    try:
        made = newer()
        command("dpkg", "--install", *made)
    finally:
        stop.set()
        load.join()
    equal(active(), "active")
    check(main_pid() != before, "the old programs still run")
    check(len(booked) >= 2, "no load")
    equal(set(booked), {0})
    equal(json.loads(command(*words, "balance", "--json"))["balance_minor"],
          10000 - len(booked))
    contains(command("strongroomctl", "verify"), "verified: ")
    # one that is stopped stays so
    command("systemctl", "stop", "strongroom.socket")
    command("dpkg", "--install", *made)
    equal(active(), "inactive")


@scenario
def given_a_bank_when_removed_and_purged_then_its_books_and_keys_stay():
    command("systemctl", "start", "strongroom.socket", "strongroom.service")
    whole = {path: path.read_bytes()
             for place in (DATA / "keyd", Path("/etc/strongroom"))
             for path in place.rglob("*") if path.is_file()}
    # the nightly look at the books needs nobody else's package
    command("dpkg", "--purge", "strongroom-verify")
    contains(command("strongroomctl", "verify"), "verified: ")
    told = {"club": [], "gone": []}     # to systemd, of two more banks
    for name, port in (("club", 7431), ("gone", 7432)):
        command("strongroomctl", "init", "--instance", name, "--listen",
                f"127.0.0.1:{port}", stdin=subprocess.DEVNULL)
        command("systemctl", "enable", f"strongroom@{name}.socket",
                f"strongroom@{name}.service",
                f"strongroom-backup@{name}.timer")
        told[name] = [*UNITS.glob(f"strongroom@{name}.socket.d"),
                      *UNITS.glob(f"*.wants/strongroom*@{name}.*")]
        equal(len(told[name]), 4, told[name])
    # whoever wants the second no more has removed what is its own
    for place in ("/etc/strongroom/gone", f"{DATA}-gone"):
        shutil.rmtree(place)
    command("dpkg", "--remove", "strongroom")
    equal(active(), "inactive")
    check(not Path("/usr/sbin/strongroomd").exists(), "the program is left")
    said = command("dpkg", "--purge", "strongroom")
    contains(said, "are kept in")
    contains(said, f"rm -r /etc/strongroom {DATA}")
    for path in told["club"]:
        contains(said.split("rm -r ")[1].split(), str(path))
        check(path.is_dir() or path.is_symlink(), f"{path} is gone")
    for path in told["gone"]:
        check(not path.is_dir() and not path.is_symlink(), f"{path} is left")
    check((DATA / "ledger/public/checkpoint").exists(), "no ledger")
    for path, content in whole.items():
        if path.parts[1] == "etc":
            equal(path.read_bytes(), content, path)
        check(path.exists(), path)
    check(not Path("/etc/logrotate.d/strongroom").exists(), "a conffile")
    # and a package that comes back finds its bank
    command("dpkg", "--install", *debs())
    command("systemctl", "daemon-reload")
    command("systemctl", "start", "strongroom.socket", "strongroom.service")
    equal(json.loads(command("strongroomctl", "status", "--json"))["state"],
          "open")


if __name__ == "__main__":
    in_a_machine(__file__)
