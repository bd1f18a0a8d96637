#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
The units as `make install' puts them: systemd understands all of them, finds
their programs, and calls them as safe as they were made to be.  Needs no root
and starts nothing.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, skip)

TOP = Path(__file__).resolve().parents[2]
UNITS = TOP / "policy/systemd"
# Least exposure is 0, most 100 (systemd-analyze(1), security).
THRESHOLDS = {"strongroom.service": 24, "strongroom@.service": 24,
              "strongroom-verify.service": 10, "strongroom-verify@.service": 10,
              "strongroom-backup.service": 10, "strongroom-backup@.service": 10,
              "user/strongroom.service": 17}


def systemd(*words, **options):
    if shutil.which(words[0]) is None:
        skip(f"{words[0]} is not installed")
    return subprocess.run([str(word) for word in words], capture_output=True,
                          text=True, timeout=60, check=False, **options)


def install(prefix="/usr"):
    """A root directory with what `make install' puts there."""
    root = Path(tempfile.mkdtemp(dir=os.environ["TMPDIR"]))
    build = os.environ["BUILD"]
    subprocess.run([TOP / "mk/install", build, root, prefix,
                    f"{prefix}/lib/systemd/system",
                    f"{prefix}/lib/systemd/user", "/etc"], check=True,
                   timeout=60)
    return root


def verify(root, *units):
    """What systemd-analyze has against units of ours in that root."""
    # the machine's own units, to which ours refer
    system = root / "usr/lib/systemd/system"
    system.mkdir(parents=True, exist_ok=True)
    for place in ("/usr/lib/systemd/system", "/lib/systemd/system"):
        for unit in Path(place).glob("*.target"):
            if not (system / unit.name).exists():
                shutil.copyfile(unit, system / unit.name)
    said = systemd("systemd-analyze", "verify", f"--root={root}", "--man=no",
                   "--recursive-errors=no", *units)
    return said.returncode, said.stdout + said.stderr


@scenario
def given_the_units_when_systemd_judges_them_then_they_are_as_safe_as_said():
    found = {str(path.relative_to(UNITS))
             for path in [*UNITS.glob("*.service"),
                          *UNITS.glob("user/*.service")]}
    equal(found, set(THRESHOLDS), "a unit of which nothing is promised")
    for name, threshold in THRESHOLDS.items():
        said = systemd("systemd-analyze", "security", "--offline=true",
                       f"--threshold={threshold}", UNITS / name)
        equal(said.returncode, 0, f"{name}: {said.stdout[-200:]}")


@scenario
def given_the_installed_units_when_verified_then_systemd_says_nothing():
    root = install()
    names = sorted(path.name for path in UNITS.glob("strongroom*"))
    names = [name.replace("@.", "@second.") for name in names]
    code, said = verify(root, *names)
    equal((code, said), (0, ""))
    # and it would say something
    (root / "usr/sbin/strongroomd").unlink()
    code, said = verify(root, "strongroom.service")
    check(code != 0, "a program that is not there")
    contains(said, "strongroomd")


@scenario
def given_another_prefix_when_installed_then_units_start_what_lies_there():
    root = install("/opt/strongroom")
    place = root / "opt/strongroom"
    started = set()
    for path in [*place.glob("lib/systemd/system/*"),
                 *place.glob("lib/systemd/user/*")]:
        for program in re.findall(r"^Exec\w+=[-@:+!]*(\S+)", path.read_text(),
                                  re.M):
            started.add(program)
            check((root / program.lstrip("/")).exists(),
                  f"{path.name}: {program}")
    equal(started, {"/opt/strongroom/sbin/strongroomd",
                    "/opt/strongroom/bin/strongroomctl"})


@scenario
def given_the_tree_when_installed_then_every_unit_and_page_is_there():
    root = install()
    for source, place in (("policy/systemd", "lib/systemd/system"),
                          ("policy/systemd/user", "lib/systemd/user")):
        for path in (TOP / source).glob("strongroom*"):
            check((root / "usr" / place / path.name).is_file(), path.name)
    for page in (TOP / "man").glob("*.[1-8]"):
        check((root / f"usr/share/man/man{page.suffix[1:]}" / page.name)
              .is_file(), page.name)
    for name in ("lib/systemd/catalog/strongroom.catalog",
                 "lib/sysusers.d/strongroom.conf",
                 "lib/tmpfiles.d/strongroom.conf",
                 "share/doc/strongroom/SECURITY.md"):
        check((root / "usr" / name).is_file(), name)
    check((root / "etc/logrotate.d/strongroom").is_file(), "logrotate")
    # never a bank's configuration: it is made by init and stays
    check(not (root / "etc/strongroom").exists(), "/etc/strongroom")
    for path in root.rglob("*"):
        check(path.is_symlink() or path.stat().st_mode & 0o7022 == 0,
              f"{path} may be written by others")


@scenario
def given_the_users_and_directories_when_made_in_a_root_then_all_are_there():
    root = install()
    said = systemd("systemd-sysusers", f"--root={root}", "strongroom.conf")
    equal(said.returncode, 0, said.stderr)
    users = [line.split(":") for line in
             (root / "etc/passwd").read_text().splitlines()]
    equal(sorted(user[0] for user in users),
          ["strongroom-keyd", "strongroom-ledgerd", "strongroom-netd"])
    equal(len({user[2] for user in users}), 3)
    for user in users:
        contains(user[6], "nologin")
    if os.geteuid() != 0:
        return      # owners cannot be given
    said = systemd("systemd-tmpfiles", f"--root={root}", "--create",
                   "strongroom.conf")
    equal(said.returncode, 0, said.stderr)
    for name, mode in (("etc/strongroom", 0o755),
                       ("var/lib/strongroom", 0o755),
                       ("var/backups/strongroom", 0o700)):
        equal((root / name).stat().st_mode & 0o777, mode, name)


if __name__ == "__main__":
    run()
