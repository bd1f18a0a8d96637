# SPDX-License-Identifier: ISC
"""
Tests that need a machine of their own: in_a_machine(__file__), at a test's
end, boots one whose first process is systemd (tests/systemd/boot) and runs the
test in it; where none can be booted each scenario is skipped, with the reason.
A bare one has none of our programs, for a test that installs them.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lib import scenario

TOP = Path(__file__).resolve().parents[2]
# What goes along into the machine.
KEPT = ("CI", "TEST_BRIEF")


def boot(test, bare, limit_s):
    """Runs it in there and ends as it does; else why there is no machine."""
    if os.geteuid() != 0:
        return "only root can boot a machine"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    with tempfile.TemporaryDirectory() as out:
        here = Path("/srv/strongroom") / Path(test).resolve().relative_to(TOP)
        words = ["BOOTED=yes", sys.executable, str(here), *sys.argv[1:]]
        words[:0] = [f"{name}={os.environ[name]}" for name in KEPT
                     if name in os.environ]
        code = subprocess.run(
            [TOP / "tests/systemd/boot", out, *words], check=False,
            env=dict(os.environ, BOOT_LIMIT=str(limit_s),
                     BOOT_BARE="yes" if bare else "")).returncode
        said = Path(out) / "stdout"
        if said.exists():
            print(said.read_text(errors="replace"), end="", flush=True)
            os._exit(code)
        console = (Path(out) / "console").read_text(errors="replace")
        return "no machine can be booted here: " + console[-300:]


def in_a_machine(test, bare=False, limit_s=115):
    why = None if "BOOTED" in os.environ else boot(test, bare, limit_s)
    if why is not None:
        for number, function in enumerate(list(scenario.SCENARIOS)):
            def skipped(reason=why):
                scenario.skip(reason)
            skipped.__name__ = function.__name__
            scenario.SCENARIOS[number] = skipped
    scenario.run()
