#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: on-demand limit=1800
"""
The packages themselves: built twice, in different places by differently set up
builders, they are the same to the byte, and lintian has nothing against them.
`make check-systemd' runs it; make deb has built build/deb.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
DEBS = TOP / "build/deb"
NAMES = ["strongroom", "strongroom-client", "strongroom-verify"]


def debs(place):
    found = {path.name: path for path in place.glob("*.deb")}
    equal(sorted(name.split("_")[0] for name in found), NAMES,
          f"{place}: make deb")
    return found


@scenario
def given_another_builder_elsewhere_when_built_again_then_not_a_byte_differs():
    if shutil.which("dpkg-buildpackage") is None:
        skip("dpkg-buildpackage is not installed")
    before = debs(DEBS)
    tree = Path(tempfile.mkdtemp(dir=os.environ["TMPDIR"])) / \
        "another-place-with-a-longer-name"
    shutil.copytree(TOP, tree, symlinks=True, ignore=shutil.ignore_patterns(
        ".git", "build", "__pycache__"))
    settings = {"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LOGNAME": "other",
                "DEB_BUILD_OPTIONS": "nocheck parallel=3"}
    made = subprocess.run(
        ["sh", "-c", "umask 077 && exec mk/deb build/deb"], cwd=tree,
        env=settings, capture_output=True, text=True, timeout=1500,
        check=False)
    equal(made.returncode, 0, (made.stdout + made.stderr)[-2000:])
    after = debs(tree / "build/deb")
    equal(sorted(after), sorted(before))
    for name, path in after.items():
        if path.read_bytes() != before[name].read_bytes():
            said = subprocess.run(["diffoscope", path, before[name]],
                                  capture_output=True, text=True, check=False,
                                  timeout=600).stdout \
                if shutil.which("diffoscope") else ""
            check(False, f"{name} is another one: {said[:2000]}")


@scenario
def given_the_packages_when_lintian_looks_then_it_warns_of_nothing():
    if shutil.which("lintian") is None:
        skip("lintian is not installed")
    said = subprocess.run(
        ["lintian", "--allow-root", "--pedantic", "--fail-on",
         "error,warning,pedantic", *debs(DEBS).values()],
        capture_output=True, text=True, timeout=300, check=False)
    equal((said.returncode, said.stdout), (0, ""), said.stderr)


if __name__ == "__main__":
    run()
