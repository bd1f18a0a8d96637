#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""A disaster after the last backup: the bank goes on from an older state, by
the word of its identity.  Nobody is told less than was lost."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, COULD_NOT, CTL, DECLINED, DONE,  # noqa: E402
                      INTACT, TAMPERED, USAGE, VERIFY, Bank, run_program,
                      traced)
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, skip)

bank = old = card = None
anchors = {}


def put(source, target):
    if target.is_dir():
        shutil.rmtree(target)
    elif target.exists():
        target.unlink()
    subprocess.run(["cp", "-a", source, target], check=True)


def keep_anchor(name):
    """What an auditor has: the checkpoint as it is now."""
    anchors[name] = bank.base / f"anchor-{name}"
    shutil.copy(bank.published(), anchors[name])


def verify(victim, *words):
    return run_program([VERIFY, "--bank", victim.id, *words, victim.ledger])


def notes(victim):
    return json.loads(verify(victim, "--json").out)["restores"]


@scenario
def given_a_day_when_the_ledger_is_lost_then_the_bank_does_not_start():
    global bank, old, card
    bank = Bank.found().start()
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    bank.deposit(card, "ada", "50.00", "--id", "cash-1")
    bank.transfer("ada", "bob", "1.00", "--id", "first")
    bank.stop()
    keep_anchor("kept")
    old = bank.copy()
    bank.start()
    bank.transfer("ada", "bob", "2.00", "--id", "second")
    bank.transfer("ada", "bob", "3.00", "--id", "third")
    bank.deposit(card, "bob", "7.00", "--id", "cash-2")
    keep_anchor("lost")
    bank.stop()
    put(old.ledger, bank.ledger)
    said = bank.start_refused()
    check("older than what was" in said.err, str(said))


@scenario
def given_restore_without_the_flag_when_asked_then_nothing_happens():
    bank.ctl("restore").ends(USAGE, "--accept-loss")
    bank.start_refused()


@scenario
def given_the_flag_when_restored_then_the_origin_is_new_and_people_go_on():
    said = bank.ctl("restore", "--accept-loss").ends(DONE, "log origin",
                                                     "after a restore")
    check("under a new origin" in said.err, str(said))
    bank.start()
    contains(bank.ctl("status").ends(DONE).out, "after a restore with loss")
    equal(bank.balance("bob"), 100)


@scenario
def given_acknowledged_orders_that_are_lost_when_noticed_then_they_are_named():
    said = bank.atm("ada", "balance").ends(DONE, "2.00 EUR", "3.00 EUR")
    equal(said.err.count("LOST"), 2)
    check("LOST" not in bank.atm("ada", "balance").err, "said twice")
    check(list(bank.state_home("ada").rglob("lost-ada-*")), "no evidence")
    equal(bank.balance("bob"), 100)     # nothing was sent again
    # the till's own order, too
    said = bank.atm("bob", "deposit", "1.00", terminal=card)
    equal(said.code, DONE, str(said))
    check("LOST" in said.err and "7.00 EUR" in said.err, str(said))


@scenario
def given_a_lost_order_when_run_again_with_its_id_then_it_is_told_first():
    other = old.copy()
    put(bank.base / "state", other.base / "state")
    other.passwords = bank.passwords
    for path in (other.base / "state").rglob("lost-ada-*"):
        path.rename(path.with_name(path.name.replace("lost-", "order-")
                                   .rsplit("-", 1)[0]))
    other.ctl("restore", "--accept-loss").ends(DONE)
    other.start()
    again = ("transfer", "bob", "3.00", "--id", "third")
    said = other.atm("ada", *again)
    check(said.code != DONE and "LOST" in said.err, str(said))
    equal(other.balance("bob"), 100)
    while said.code != DONE:
        check("LOST" in said.err, str(said))
        said = other.atm("ada", *again)
    equal(other.balance("bob"), 400)
    other.stop()


@scenario
def given_the_restored_bank_when_audited_then_the_gap_is_told():
    bank.transfer("ada", "bob", "4.00")
    keep_anchor("after")
    bank.transfer("bob", "ada", "0.50")
    bank.stop()
    # one of them tells of the start
    verify(bank).ends(INTACT, "restored with loss", "4 entries that keyd had "
                      "signed are lost")
    verify(bank, "--since", anchors["lost"]).ends(
        TAMPERED, "rolled back", "restore note", "still trustworthy")
    verify(bank, "--since", anchors["kept"]).ends(
        INTACT, "older than the last restore")
    verify(bank, "--since", anchors["after"]).ends(INTACT)
    equal(len(notes(bank)), 1)


@scenario
def given_the_keys_when_audited_then_an_anchor_after_the_gap_is_needed():
    key = bank.base / "auditor.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(DONE)
    bank.start()
    bank.ctl(*bank.operators(), "auditor", "add", "eve",
             f"{key}.pub").ends(DONE)
    shown = bank.base / "disclosure"
    bank.ctl("disclose", "--segments", "0-", "--to", "eve", "--out",
             shown).ends(DONE)
    bank.stop()
    with_keys = ("--keys", shown, "--auditor-key", key)
    verify(bank, *with_keys, "--since", anchors["after"]).ends(
        ANCHORED, "with keys")
    verify(bank, *with_keys, "--since", anchors["kept"]).ends(INTACT)
    verify(bank, *with_keys, "--since", anchors["lost"]).ends(TAMPERED)
    export = bank.base / "export"
    verify(bank, *with_keys, "--export", export).ends(INTACT)
    contains(export.read_text(), '"type":"restore"')


@scenario
def given_a_note_that_is_changed_or_gone_when_audited_then_it_is_tampering():
    for change in ("gone", "byte", "cut", "more"):
        victim = bank.copy()
        path = victim.ledger / "public/restores"
        data = bytearray(path.read_bytes())
        if change == "gone":
            path.unlink()
        elif change == "byte":
            data[100] ^= 1
            path.write_bytes(data)
        elif change == "cut":
            path.write_bytes(data[:-1])
        else:
            path.write_bytes(data + data)
        said = verify(victim).ends(TAMPERED)
        check("note" in said.out, str(said))


@scenario
def given_an_anchor_when_restored_again_then_the_note_knows_the_loss():
    """The second restore goes back to before the first one, from all old
    files; only the anchor knows of the origin in between."""
    victim = bank.copy()
    before = notes(victim)[0]["new_epoch"]
    put(old.ledger, victim.ledger)
    for name in ("state", "credentials", "limits", "terminals"):
        put(old.keyd / name, victim.keyd / name)
    # ledgerd's directory is ledgerd's: a link there is not followed
    precious = victim.base / "precious"
    precious.write_text("untouched")
    precious.chmod(0o600)
    (victim.ledger / "lost.checkpoint").symlink_to(precious)
    victim.ctl("restore", "--accept-loss", "--anchor",
               anchors["after"]).ends(DONE)
    equal((precious.read_text(), precious.stat().st_mode & 0o777),
          ("untouched", 0o600))
    check(not (victim.ledger / "lost.checkpoint").exists(), "left behind")
    found = notes(victim)
    equal(len(found), 1)
    equal(found[0]["old_epoch"], before)
    check(found[0]["new_epoch"] > before, str(found))
    victim.start()
    equal(victim.balance("bob"), 100)
    victim.transfer("ada", "bob", "5.00")
    victim.stop()
    verify(victim, "--since", anchors["lost"]).ends(TAMPERED, "rolled back")


@scenario
def given_two_restores_one_after_the_other_when_audited_then_both_are_told():
    second = bank.copy()
    bank.start()
    bank.transfer("ada", "bob", "6.00")
    keep_anchor("second")
    bank.stop()
    put(second.ledger, bank.ledger)
    bank.start_refused()
    bank.ctl("restore", "--accept-loss").ends(DONE)
    bank.start()
    bank.transfer("ada", "bob", "0.25")
    keep_anchor("last")
    bank.transfer("ada", "bob", "0.25")
    bank.stop()
    found = notes(bank)
    equal(len(found), 2)
    equal(found[1]["restored_epoch"], found[0]["new_epoch"])
    check(found[1]["new_epoch"] > found[0]["new_epoch"], str(found))
    equal(verify(bank).ends(INTACT).out.count("restored with loss on"), 2)
    for name, code in (("kept", INTACT), ("lost", TAMPERED),
                       ("after", INTACT), ("second", TAMPERED),
                       ("last", INTACT)):
        verify(bank, "--since", anchors[name]).ends(code)
    # and every start afterwards is an ordinary one
    bank.start()
    bank.kill()
    bank.start()
    bank.stop()
    verify(bank, "--since", anchors["last"]).ends(INTACT)


@scenario
def given_a_backup_when_keyd_stays_then_later_customers_do_too():
    victim = Bank.found().start()
    victim.register("ada")
    store = victim.base / "backups"
    victim.ctl("backup", store).ends(DONE)
    victim.register("bob")
    victim.balance("bob")
    victim.stop()
    ledger = victim.ledger / "segment/00000000.log"
    data = bytearray(ledger.read_bytes())
    data[2000:2100] = bytes(100)
    ledger.write_bytes(data)
    victim.start_refused()
    check(victim.ctl("restore", store).code != DONE, "lost silently")
    said = victim.ctl("restore", "--accept-loss", "--check", store)
    said.ends(USAGE)
    victim.ctl("restore", "--accept-loss", store).ends(DONE, "after a restore")
    victim.start()
    equal(victim.balance("ada"), 0)
    equal(victim.balance("bob"), 0)     # logs in, and is attested again
    said = victim.ctl("backup", store)
    check(said.code != DONE and "restored" in said.err, str(said))
    victim.ctl("backup", victim.base / "new").ends(DONE)
    victim.stop()
    lost = notes(victim)[0]
    check(lost["last_size"] > lost["entry"], str(lost))
    check((victim.base / "new/00000001/ledger/public/restores").exists(),
          "the backup lacks the note")


def witnessed(victim, anchor, *names):
    """Each of them signs the anchor, and its line is put to it."""
    for number, name in enumerate(names):
        key, line = victim.base / f"{number}.key", victim.base / "line"
        run_program([VERIFY, "keygen", "--witness", name, "-o",
                     key]).ends(0)
        line.write_text(run_program(
            [VERIFY, "witness", "--bank", victim.id, "--key", key, "--state",
             victim.base / f"{number}.state", victim.ledger, anchor]
        ).ends(0).out)
        victim.ctl("anchor", "add-cosignature", anchor, line, "--witness",
                   (victim.base / f"{number}.key.pub").read_text().strip()
                   ).ends(DONE)


@scenario
def given_a_backup_when_keyd_is_lost_too_then_the_anchor_tells_the_loss():
    victim = Bank.found().start()
    victim.register("ada")
    store = victim.base / "backups"
    victim.ctl("backup", store).ends(DONE)
    victim.register("bob")
    victim.balance("bob")
    anchor = victim.base / "anchor"
    shutil.copy(victim.published(), anchor)
    victim.stop()
    witnessed(victim, anchor, "witness.example/one", "witness.example/two")
    shutil.rmtree(victim.keyd)
    shutil.rmtree(victim.ledger)
    victim.ctl("restore", "--anchor", anchor, store).ends(
        DECLINED, "--accept-loss")
    anchor.write_bytes(anchor.read_bytes() + b"x")
    said = victim.ctl("restore", "--accept-loss", "--anchor", anchor, store)
    check(said.code != DONE and not victim.ledger.exists(), str(said))
    anchor.write_bytes(anchor.read_bytes()[:-1])
    check(anchor.stat().st_size > 512, "no longer than without witnesses")
    victim.ctl("restore", "--accept-loss", "--anchor", anchor, store).ends(
        DONE)
    victim.start()
    equal(victim.balance("ada"), 0)
    check(victim.atm("bob", "balance").code != DONE, "bob was lost")
    victim.register("bob")
    equal(victim.balance("bob"), 0)
    victim.stop()
    lost = notes(victim)[0]
    check(lost["last_size"] > lost["entry"], str(lost))
    verify(victim, "--since", anchor).ends(TAMPERED, "rolled back")


@scenario
def given_cash_that_is_out_when_its_hold_is_lost_then_the_record_is_kept():
    victim = old.copy().start()
    lobby = victim.base / "lobby.card"
    dies = victim.base / "dies"
    dies.write_text("#!/bin/sh\nkill -9 $PPID\n")
    dies.chmod(0o755)

    def withdraw(*more):
        return victim.atm("ada", "withdraw", "10.00", *more, terminal=lobby,
                          state="kiosk")
    equal(withdraw("--dispenser", dies).code, -9)
    victim.stop()
    put(old.ledger, victim.ledger)
    victim.ctl("restore", "--accept-loss").ends(DONE)
    victim.start()
    said = victim.atm("bob", "balance", terminal=lobby, state="kiosk")
    said.ends(DONE)
    contains(said.err, "10.00 EUR were paid out")
    contains(said.err, "NOT BOOKED")
    kept = list(victim.state_home("kiosk").rglob("unbooked-lobby-*"))
    equal(len(kept), 1)
    contains(said.err, kept[0].name)
    # told once, and the ATM goes on
    said = withdraw().ends(DONE)
    check("NOT BOOKED" not in said.err, str(said))
    equal(list(victim.state_home("kiosk").rglob("unbooked-*")), kept)
    victim.stop()


@scenario
def given_a_terminal_that_keyd_knows_better_when_restored_then_it_starts():
    """Each start logs an attempt to bring keyd up to the books; so does the
    start of a restore, and what it logged must not be thrown away."""
    victim = old.copy().start()
    operator = victim.directory / "operator-1.card"
    victim.ctl("--as", operator, "terminal", "revoke", "lobby").ends(DONE)
    victim.stop()
    put(old.ledger, victim.ledger)
    victim.ctl("restore", "--accept-loss").ends(DONE)
    victim.start()
    store = victim.base / "backups"
    victim.ctl("backup", store).ends(DONE)
    victim.stop()
    for _ in range(2):
        last = json.loads((victim.ctl("restore", "--check", "--json",
                                      store)).ends(DONE).out)["entries"]
        shutil.rmtree(victim.ledger)
        said = victim.ctl("restore", store)
        contains(said.ends(DONE).err, "did not bring terminal")
        victim.start()
        check(victim.status()["tree_size"] > last, "nothing was logged")
        equal(victim.balance("bob"), 100)
        victim.ctl("backup", store).ends(DONE)
        victim.stop()


@scenario
def given_a_start_that_fails_after_the_note_then_what_was_signed_is_kept():
    if not shutil.which("strace"):
        skip("strace is not installed")
    victim = old.copy().start()
    store = victim.base / "backups"
    victim.ctl("backup", store).ends(DONE)
    victim.transfer("ada", "bob", "2.00")
    victim.stop()
    # ledgerd alone uses renameat: its checkpoint cannot be published
    said = run_program([
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat",
        "-e", "inject=renameat:error=EIO", CTL, "-c", victim.conf, "restore",
        "--accept-loss", store], env=traced())
    check(said.code != DONE, str(said))
    contains(said.err, "the restored ledger is in")
    kept = list(victim.directory.glob("before-restore.*/tried-ledger"))
    equal(len(kept), 1)
    check((kept[0] / "public/restores").exists(), "the note is gone")
    victim.ctl("restore", "--accept-loss", store).ends(DONE)
    victim.start()
    equal(victim.balance("bob"), 100)
    victim.stop()


@scenario
def given_a_bank_that_lost_nothing_when_audited_then_there_is_no_note():
    verify(old).ends(INTACT)
    equal(notes(old), [])
    check(not (old.ledger / "public/restores").exists(), "a note")


if __name__ == "__main__":
    run()
