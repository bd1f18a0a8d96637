#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
strongroomd --rehearse: keyd alone, on copies of its files, says which public
keys it derives, and nothing of the bank is touched.
"""
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import Bank, children, temporary_directory  # noqa: E402
from lib.scenario import check, equal, run, scenario  # noqa: E402

BUSY = 5    # common/errors.def
KEYS = ("noise", "opaque", "log", "attestation")


def second(bank):
    """A bank of nothing but copies of keyd's files."""
    other = Bank(temporary_directory(), bank.port)
    other.directory.mkdir()
    shutil.copytree(bank.keyd, other.keyd)
    text = bank.conf.read_text()
    other.conf.write_text(text)     # the same passphrase file
    return other


def rehearse(bank):
    said = bank.launch("--rehearse")
    check(bank.process.poll() is None, said)
    return bank.ask("keyd", "public_keys_get")[1]


@scenario
def given_copies_of_keyds_files_when_rehearsed_then_the_keys_are_the_banks():
    bank = Bank.found().start()
    bank.register("ada")
    keys = bank.ask("keyd", "public_keys_get")[1]
    certificate = (bank.ledger / "public/certificates").read_bytes()
    for name in KEYS:
        check(keys[name] in certificate, f"the {name} key is certified")
    equal(keys["bank_id"], bank.ask("keyd", "keyd_status_get")[1]["bank_id"])
    bank.stop()
    other = second(bank)
    before = {path.name: path.read_bytes() for path in bank.keyd.iterdir()}
    equal(rehearse(other), keys, "the second keyd's keys")
    equal(sorted(children(other.process.pid).values()), ["keyd"])
    # there is no room but keyd, and keyd serves nobody
    equal(other.ask("ledgerd", "ledgerd_status_get"),
          ("control_refused", {"error": BUSY}))
    equal(other.ask("monitor", "lock")[0], "control_refused")
    other.stop()
    equal({path.name: path.read_bytes() for path in bank.keyd.iterdir()},
          before, "the bank's own files")
    bank.start()


@scenario
def given_another_banks_root_when_rehearsed_then_it_is_not_taken_for_this():
    bank, stranger = Bank.found(), Bank.found()
    other = second(bank)
    shutil.copy2(stranger.keyd / "root.sealed", other.keyd)
    shutil.copy2(stranger.base / "passphrase", bank.base)
    refused = other.start_refused("--rehearse")
    check("state" in refused.err and "damaged" in refused.err, refused)
    # all of the stranger's files: a keyd, but another one
    other.remove()
    ours = bank.keyd
    bank.keyd = stranger.keyd
    keys = rehearse(third := second(bank))
    third.stop()
    bank.keyd = ours
    stranger.start()
    equal(keys, stranger.ask("keyd", "public_keys_get")[1])


if __name__ == "__main__":
    sys.exit(run())
