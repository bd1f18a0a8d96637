#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=900 user-on-demand
"""strongroomctl backup while the bank works, and restore: what is in a backup,
what is refused, and what a kill, a full disk or somebody's hand leaves."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (BAD_DATA, CONFIG, CTL, DECLINED, DONE,  # noqa: E402
                      INTACT, UNREACHABLE, VERIFY, WRONG_PASSWORD, Bank,
                      free_port, run_program, temporary_directory, traced)
from lib.scenario import (check, contains, equal, run, scenario,  # noqa: E402
                          skip)
from lib.traffic import Traffic  # noqa: E402

ACCOUNTS = [f"acct-{number}" for number in range(4)]
CLIENT_LIMIT_S = 300
# Of a backup's steps at which it is killed; as an ordinary user once more.
EVERY = 3 if os.environ.get("TEST_AS_USER") else 1
bank = card = backups = None


# ---- Helpers ---------------------------------------------------------------

def newest(directory):
    """The newest set of a backup directory."""
    return max(path for path in directory.iterdir()
               if re.fullmatch(r"\d{8}", path.name))


def manifest(a_set):
    """Head and files of a set, as its manifest has them."""
    head, files = {}, {}
    for line in (a_set / "manifest").read_text().splitlines():
        words = line.split()
        if words[0] == "file":
            files[words[3]] = (words[1], int(words[2]))
        else:
            head[words[0]] = words[1]
    return head, files


def whole(a_set):
    """Every file is as the manifest says, and open to its owner only."""
    for name, (digest, length) in manifest(a_set)[1].items():
        data = (a_set / name).read_bytes()
        equal((hashlib.sha256(data).hexdigest(), len(data)),
              (digest, length), name)
        equal((a_set / name).stat().st_mode & 0o7777, 0o600, f"mode of {name}")
        equal((a_set / name).parent.stat().st_mode & 0o7777, 0o700,
              f"mode of the directory of {name}")


def rewritten(a_set):
    """The manifest made anew: what an attacker would do, too."""
    lines = []
    for line in (a_set / "manifest").read_text().splitlines():
        words = line.split()
        if words[0] == "file":
            data = (a_set / words[3]).read_bytes()
            words[1:3] = [hashlib.sha256(data).hexdigest(), str(len(data))]
        if words[0] != "end":
            lines.append(" ".join(words) + "\n")
    text = "".join(lines)
    (a_set / "manifest").write_text(
        text + f"end {hashlib.sha256(text.encode()).hexdigest()}\n")


def tree_hash(*directories):
    """A hash over names, modes, times and bytes of everything in there."""
    digest = hashlib.sha256()
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            status = path.lstat()
            digest.update(f"{path} {status.st_mode} {status.st_mtime_ns}"
                          .encode())
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def copied(directory):
    """The backup directory once more, to be damaged."""
    other = temporary_directory() / "backups"
    subprocess.run(["cp", "-a", directory, other], check=True)
    return other


def kept_checkpoint(a_set):
    """The set's checkpoint as an auditor has it: somewhere else."""
    path = temporary_directory() / "checkpoint"
    shutil.copyfile(a_set / "ledger/public/checkpoint", path)
    return path


def new_place(a_set, of):
    """An empty bank's directory on another machine, so to say."""
    other = Bank(temporary_directory(), free_port())
    other.directory.mkdir()
    other.directory.chmod(0o755)
    shutil.copy2(of.base / "passphrase", other.base)
    for name in ("strongroom.conf", "bank.id"):
        text = (a_set / name).read_text().replace(str(of.base),
                                                  str(other.base))
        (other.directory / name).write_text(
            text.replace(of.address, other.address))
    for path in of.base.glob("*.card"):
        shutil.copy2(path, other.base)
    other.passwords = dict(of.passwords)
    return other


def restored(directory, of):
    """The newest backup of a bank, as a bank of its own."""
    a_set = newest(directory)
    other = new_place(a_set, of)
    other.ctl("restore", "--anchor", kept_checkpoint(a_set),
              directory).ends(DONE, "is restored")
    return other


def slow_backup(where, options, limit_s=CLIENT_LIMIT_S, background=False):
    """strongroomctl backup under strace with these options."""
    if not shutil.which("strace"):
        skip("strace is not installed")
    words = ["strace", "-qq", "-o", "/dev/null", *options, CTL, "-c",
             bank.conf, "backup", where]
    if background:
        return subprocess.Popen([str(word) for word in words],
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=traced())
    result = run_program(words, limit_s=limit_s, env=traced())
    if "ptrace" in result.err.lower() and "not permitted" in result.err:
        skip("strace may not trace here")
    return result


# ---- A backup of a bank that works -----------------------------------------

@scenario
def given_a_bank_under_load_when_it_is_backed_up_then_it_goes_on_meanwhile():
    global bank, card, backups
    bank = Bank.found(ledgerd_segment_size="64K")
    first, *more = sorted((bank.ledger / "segment").glob("*.log"))
    os.truncate(first, 65536)   # made ready by init, longer
    for path in more:
        path.unlink()
    bank.start()
    card = bank.enrol("lobby", "10000.00")
    for name in ACCOUNTS:
        bank.register(name)
        bank.deposit(card, name, "100.00")
    backups = bank.base / "backups"
    bank.ctl("backup", backups).ends(DONE, "verified")
    whole(newest(backups))


def read_acknowledged(traffic):
    return [words for payer in traffic.payers
            for words in [[payer, *line] for line in
                          traffic.lines(payer, "ok")]]


def change_credentials(names, ended):
    """Registrations and password changes, one after the other."""
    number = 0
    while not ended.is_set() and number < 200:
        name = f"new-{number:03}"
        bank.register(name)
        names.append(name)
        secrets = f"{bank.passwords[name]}\nchanged {name}\n"
        run_program(bank.atm_words(name, "--password-fd", "0",
                                   "--new-password-fd", "0", "passwd"),
                    give=secrets, env=bank.environment(name)).ends(DONE)
        bank.passwords[name] = f"changed {name}"
        number += 1


@scenario
def given_load_and_new_customers_when_backed_up_then_all_of_before_is_in_it():
    traffic = Traffic(bank, ACCOUNTS, ACCOUNTS[:3], 7)
    names, ended = [], threading.Event()
    thread = threading.Thread(target=change_credentials, args=(names, ended))
    thread.start()
    try:
        traffic.wait_for(each=5)
        before = read_acknowledged(traffic)
        customers = list(names)
        passwords = {name: bank.passwords[name] for name in customers
                     if bank.passwords[name].startswith("changed")}
        # So slow that credentials are written while they are read.
        said = slow_backup(backups, [
            "-e", "trace=pwrite64", "-e",
            "inject=pwrite64:delay_enter=20000"])
        said.ends(DONE, "verified")
        traffic.wait_for(each=1)
    finally:
        ended.set()
        thread.join()
    traffic.end()
    a_set = newest(backups)
    whole(a_set)
    run_program([VERIFY, "--bank", a_set / "bank.id",
                 a_set / "ledger"]).ends(INTACT)
    size = int(manifest(a_set)[0]["size"])
    check(len(names) > len(customers), "nobody registered meanwhile")
    check(all(int(words[4]) < size for words in before),
          "an order that was acknowledged before is not in the backup")

    other = restored(backups, bank).start()
    for name in ACCOUNTS:
        found = {(line["memo"], line["amount_minor"], line["leaf"])
                 for line in other.statement(name, 65535)}
        for payer, reference, payee, amount, leaf in read_acknowledged(traffic):
            if int(leaf) >= size or name not in (payer, payee):
                continue
            sign = -1 if name == payer else 1
            check((reference, sign * int(amount), int(leaf)) in found,
                  f"{reference} is not in the restored statement of {name}")
    for name in customers:
        if name in passwords:
            equal(other.balance(name), 0, f"balance of {name}")
            other.atm(name, "balance", state="else",
                      password=f"the password of {name}").ends(WRONG_PASSWORD)
    other.register("later")
    other.deposit(other.base / "lobby.card", ACCOUNTS[0], "0.01")
    other.stop()
    other.verify("--since", a_set / "ledger/public/checkpoint").ends(INTACT)


@scenario
def given_a_quiet_bank_when_backed_up_and_restored_then_balances_are_equal():
    bank.ctl("backup", backups).ends(DONE)
    balances = [bank.balance(name) for name in ACCOUNTS]
    other = restored(backups, bank).start()
    equal([other.balance(name) for name in ACCOUNTS], balances, "balances")
    other.stop()


@scenario
def given_an_erased_customer_when_restored_then_as_the_backup_had_it():
    bank.register("gone")
    bank.atm("gone", "account", "close", "main").ends(DONE)
    older = bank.base / "older"
    bank.ctl("backup", older).ends(DONE)
    bank.atm("gone", "account", "erase", "--yes").ends(DONE)
    bank.ctl("backup", backups).ends(DONE)
    bank.ctl("restore", "--check", backups).ends(DONE)
    after = restored(backups, bank).start()
    after.atm("gone", "balance").ends(WRONG_PASSWORD)
    after.register("gone", "another's", state="else")
    equal(after.balance("gone", state="else"), 0)
    after.stop()
    after.verify().ends(INTACT)
    # where the log knows of no erasure yet there was none
    before = restored(older, bank).start()
    before.atm("gone", "account", "erase", "--yes", password=bank.passwords[
        "gone"]).ends(DONE)
    before.atm("gone", "balance").ends(WRONG_PASSWORD)
    before.stop()
    before.verify().ends(INTACT)


@scenario
def given_a_backup_when_another_follows_then_only_new_segments_are_sent():
    where = bank.base / "incremental"
    first = bank.ctl("backup", "--json", where).json()
    check(first["segments"] >= 3, f"too few segments: {first}")
    equal(first["segments_sent"], first["segments"], "segments of the first")
    second = bank.ctl("backup", "--json", where).json()
    equal(second["segments_sent"], second["segments"] - first["segments"] + 1,
          "segments of the second")
    check(second["sent"] <= first["sent"] - 65536 * (first["segments"] - 1),
          f"{first['sent']} bytes, then {second['sent']}")
    old, new = (where / name / "ledger/segment/00000000.log"
                for name in ("00000001", "00000002"))
    equal(old.stat().st_ino, new.stat().st_ino, "the first segment's inode")
    # A damaged one is not taken over.
    data = bytearray(new.read_bytes())
    data[5000] ^= 1
    new.write_bytes(data)
    third = bank.ctl("backup", "--json", where).json()
    equal(third["segments_sent"], second["segments_sent"] + 1, "sent again")
    whole(newest(where))
    equal(sorted(path.name for path in where.iterdir()),
          ["00000002", "00000003"], "the sets that are kept")


# ---- What is refused -------------------------------------------------------

@scenario
def given_a_backup_of_another_bank_when_one_is_to_be_added_then_refused():
    other = Bank.found().start()
    where = other.base / "backups"
    other.ctl("backup", where).ends(DONE)
    before = tree_hash(where)
    bank.ctl("backup", where).ends(BAD_DATA, "another bank")
    equal(tree_hash(where), before, "the foreign backup")
    other.stop()
    other.ctl("restore", backups).ends(BAD_DATA, "another bank")
    other.start().stop()


@scenario
def given_a_directory_that_others_may_write_when_backed_up_then_refused():
    where = bank.base / "open"
    where.mkdir()
    where.chmod(0o777)
    said = bank.ctl("backup", where)
    said.ends(78, "others may write")
    equal(list(where.iterdir()), [], "what is in it")


@scenario
def given_a_bank_that_runs_when_it_is_to_be_restored_then_refused():
    before = tree_hash(bank.keyd)
    bank.ctl("restore", backups).ends(UNREACHABLE, "stop it first")
    equal(tree_hash(bank.keyd), before, "keyd's files")
    bank.balance(ACCOUNTS[0])


@scenario
def given_a_bank_that_does_not_run_when_backed_up_then_unreachable():
    other = Bank.found()
    other.ctl("backup", other.base / "backups").ends(
        UNREACHABLE, "is strongroomd running")
    check(not (other.base / "backups").exists(), "a directory was made")


@scenario
def given_a_running_bank_when_its_backup_is_checked_then_nothing_is_written():
    bank.ctl("backup", backups).ends(DONE)
    scratch = temporary_directory()
    before = tree_hash(backups, bank.keyd, bank.ledger)
    said = run_program([CTL, "-c", bank.conf, "restore", "--check", "--json",
                        backups], env=dict(os.environ, TMPDIR=str(scratch)))
    equal(said.json()["entries"], int(manifest(newest(backups))[0]["size"]))
    equal(said.json()["sum_minor"], 0)
    equal(tree_hash(backups, bank.keyd, bank.ledger), before, "the files")
    equal(list(scratch.iterdir()), [], "what is left in TMPDIR")
    # the bank goes on, and that is no reason not to try its backup
    bank.deposit(bank.base / "lobby.card", ACCOUNTS[0], "0.01")
    bank.ctl("restore", "--check", backups).ends(DONE, "sum is zero")
    bank.ctl("backup", backups).ends(DONE)


@scenario
def given_a_place_in_the_banks_directory_when_backed_up_then_refused():
    before = sorted(bank.directory.iterdir())
    for where in (bank.directory, bank.directory / "backups",
                  bank.ledger / ".." / "backups"):
        bank.ctl("backup", where).ends(DECLINED, "would be lost with it")
    equal(sorted(bank.directory.iterdir()), before, "what is there")


@scenario
def given_a_machine_without_a_configuration_when_restored_then_told_what():
    nowhere = bank.base / "nowhere" / "strongroom.conf"
    said = run_program([CTL, "-c", nowhere, "restore", backups])
    said.ends(CONFIG, "cannot be read")
    contains(said.err, "On a new machine")
    # and with one alone bank.id comes from the backup, for all to read
    other = new_place(newest(backups), bank)
    other.id.unlink()
    other.ctl("restore", "--anchor", kept_checkpoint(newest(backups)),
              backups).ends(DONE, "is restored")
    equal(other.id.stat().st_mode & 0o777, 0o644, "the mode of bank.id")


@scenario
def given_a_rotten_byte_on_the_banks_disk_when_backed_up_then_it_is_named():
    former = newest(backups)
    segment = bank.ledger / "segment/00000000.log"
    check(segment.read_bytes()[-1:] == b"\0", "the segment has no rest")
    where = bank.base / "rotten"
    flip(segment, -1)
    bank.ctl("backup", where).ends(
        DECLINED, "segment/00000000.log", "is removed")
    equal(list(where.iterdir()), [], "what is left there")
    # one that has that segment from before does not even look at it
    bank.ctl("backup", backups).ends(DONE)
    flip(segment, -1)
    check(newest(backups) > former, "the next set")
    bank.ctl("backup", where).ends(DONE)


@scenario
def given_a_changed_byte_in_each_file_when_checked_then_the_file_is_named():
    other = copied(backups)
    a_set = newest(other)
    for name in manifest(a_set)[1]:
        path = a_set / name
        data = path.read_bytes()
        at = len(data) // 2
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        bank.ctl("restore", "--check", other).ends(DECLINED, name)
        path.write_bytes(data)
    text = (a_set / "manifest").read_text()
    (a_set / "manifest").write_text(text.replace("size ", "size 1", 1))
    bank.ctl("restore", "--check", other).ends(DECLINED, "manifest")
    (a_set / "manifest").write_text(text)
    (a_set / "keyd/limits").unlink()
    bank.ctl("restore", "--check", other).ends(DECLINED, "keyd/limits")


def refused_when(change, *sentences):
    """A backup that was changed together with its manifest."""
    other = copied(backups)
    a_set = newest(other)
    change(a_set)
    rewritten(a_set)
    said = bank.ctl("restore", "--check", other)
    check(said.code != DONE, str(said))
    for sentence in sentences:
        contains(said.err, sentence)


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@scenario
def given_a_forged_manifest_when_checked_then_the_banks_own_proofs_refuse():
    refused_when(lambda s: flip(s / "ledger/segment/00000000.log", 700),
                 "segment/00000000.log")
    refused_when(lambda s: flip(s / "ledger/public/checkpoint", 150),
                 "checkpoint")
    slot = 0 if (newest(backups) / "keyd/state").read_bytes()[:8] == \
        b"SRSTATE5" else 4096
    # its flags: not a copy any more
    refused_when(lambda s: flip(s / "keyd/state", slot + 84), "damaged")
    refused_when(lambda s: flip(s / "keyd/credentials", 2048 + 1024 + 100),
                 "credentials")


@scenario
def given_a_manifest_that_names_files_elsewhere_when_checked_then_refused():
    other = copied(backups)
    a_set = newest(other)
    text = (a_set / "manifest").read_text()
    for path in ("../../etc/passwd", "keyd/../../x", "/etc/passwd", "x"):
        changed = text.replace(" audit/audit.log", f" {path}")
        body = changed[:changed.index("end ")]
        (a_set / "manifest").write_text(
            body + f"end {hashlib.sha256(body.encode()).hexdigest()}\n")
        bank.ctl("restore", "--check", other).ends(
            DECLINED, "a path that no backup has")


# ---- Broken off and full ---------------------------------------------------

@scenario
def given_a_full_disk_when_backed_up_then_69_and_the_former_one_is_whole():
    former = newest(backups)
    for at in (1, 50, 200):
        said = slow_backup(backups, [
            "-e", "trace=pwrite64", "-e",
            f"inject=pwrite64:error=ENOSPC:when={at}+"])
        said.ends(UNREACHABLE, "no room for the backup", "as it was")
        equal(newest(backups), former, "the newest set")
        whole(former)
    bank.ctl("backup", backups).ends(DONE)


@scenario
def given_kills_at_each_step_of_a_backup_then_the_former_one_is_whole():
    where = bank.base / "killed"
    bank.ctl("backup", where).ends(DONE)
    kills = 0
    for call, steps in (("rename", range(1, 40)), ("fsync", range(1, 60, 3)),
                        ("pwrite64", range(1, 300, 40)),
                        ("mkdir", range(1, 12, 2)), ("link", range(1, 8)),
                        ("unlink", (1, 5, 20)), ("unlinkat", (1, 5))):
        for step in tuple(steps)[::EVERY]:
            former = newest(where)
            said = slow_backup(where, [
                "-e", f"trace={call}", "-e",
                f"inject={call}:signal=KILL:when={step}"])
            whole(newest(where))
            if said.code == DONE:
                break
            kills += 1
            check(newest(where) >= former, "the newest set is gone")
    print(f"    {kills} kills", flush=True)
    check(kills > 30 / EVERY, f"only {kills} kills")
    said = bank.ctl("backup", "--json", where).json()
    bank.ctl("restore", "--check", where).ends(DONE, "sum is zero")
    equal([path.name for path in where.iterdir() if "." in path.name], [],
          "parts that are left")
    check(said["entries"] > 0, "entries")


# ---- Put back --------------------------------------------------------------

@scenario
def given_a_backup_copied_by_hand_when_the_bank_starts_then_it_refuses():
    bank.deposit(card, ACCOUNTS[0], "0.01")
    bank.ctl("backup", backups).ends(DONE)
    bank.stop()
    victim = bank.copy()
    a_set = newest(backups)
    owner = (victim.ledger.stat().st_uid, victim.ledger.stat().st_gid)
    for part in ("keyd", "ledger", "audit"):
        shutil.rmtree(victim.directory / part)
        shutil.copytree(a_set / part, victim.directory / part)
        if os.geteuid() == 0 and part != "keyd":
            for path in [victim.directory / part,
                         *(victim.directory / part).rglob("*")]:
                os.chown(path, *owner)
    said = victim.start_refused()
    contains(said.err, "these are a backup's files; strongroomctl restore")
    # keyd's state alone is enough, and no anchor is no restore
    victim.ctl("restore", backups).ends(DECLINED, "--anchor", "--accept-loss")
    said = victim.start_refused()
    contains(said.err, "these are a backup's files")


@scenario
def given_keyds_files_when_the_ledger_is_lost_then_it_is_restored_twice():
    victim = bank.copy()
    shutil.rmtree(victim.ledger)
    for _ in range(2):
        victim.ctl("restore", backups).ends(DONE, "is restored")
    equal(sorted(path.name for path in
                 victim.directory.glob("before-restore.*/ledger")), ["ledger"])
    victim.ctl("restore", backups).ends(
        DONE, "an earlier restore has moved a journal to")
    victim.start()
    equal(victim.balance(ACCOUNTS[0]), bank_balance(), "balance")
    victim.stop()


def bank_balance():
    """Of a copy: a start may add a snapshot's entry, which no backup has."""
    asked = bank.copy().start()
    balance = asked.balance(ACCOUNTS[0])
    asked.stop()
    return balance


@scenario
def given_more_entries_than_the_backup_when_restored_then_refused():
    victim = bank.copy().start()
    victim.deposit(victim.base / "lobby.card", ACCOUNTS[0], "0.01")
    victim.stop()
    newer = victim.base / "newer"
    shutil.copyfile(victim.ledger / "public/checkpoint", newer)
    before = tree_hash(victim.ledger, victim.keyd)
    victim.ctl("restore", backups).ends(DECLINED, "would be lost",
                                        "--accept-loss")
    equal(tree_hash(victim.ledger, victim.keyd), before, "the files")
    # without its ledger keyd itself knows of the later entry
    shutil.rmtree(victim.ledger)
    said = victim.ctl("restore", backups)
    check(said.code != DONE, str(said))
    contains(said.err, "--accept-loss")
    contains(said.err, "is as it was")
    check(not victim.ledger.exists(), "a ledger was left there")
    # and with keyd's files gone, too, an anchor; a new segment may have begun
    # with the deposit, and then a snapshot's entry has followed it
    shutil.rmtree(victim.keyd)
    lost = (int(newer.read_text().split("\n")[1]) -
            int(manifest(newest(backups))[0]["size"]))
    check(lost >= 1, "nothing came after the backup")
    victim.ctl("restore", "--anchor", newer, backups).ends(
        DECLINED, f"the last {lost} would be lost", "--accept-loss")
    victim.ctl("restore", backups).ends(DECLINED, "--anchor")
    a_set = newest(backups)
    victim.ctl("restore", "--anchor", a_set / "ledger/public/checkpoint",
               backups).ends(DECLINED, "of the backup itself")
    check(not victim.keyd.exists(), "keyd's files were put there")


@scenario
def given_an_older_anchor_when_keyd_is_lost_then_it_is_not_enough():
    victim = bank.copy()
    shutil.rmtree(victim.keyd)
    sets = sorted(path for path in backups.iterdir()
                  if re.fullmatch(r"\d{8}", path.name))
    older = next((path for path in sets if manifest(path)[0]["size"] !=
                  manifest(sets[-1])[0]["size"]), None)
    if older is None:
        skip("both sets have one size")
    victim.ctl("restore", "--anchor", kept_checkpoint(older), backups).ends(
        DECLINED, "does not show that these are all")


@scenario
def given_kills_at_each_step_of_a_restore_then_the_next_one_ends_it():
    if not shutil.which("strace"):
        skip("strace is not installed")
    anchor = kept_checkpoint(newest(backups))
    balance, kills = bank_balance(), 0
    for lost in ("ledger", "keyd"):
        victim = bank.copy()
        shutil.rmtree(victim.directory / lost)
        for call, steps in (("rename", range(1, 40, 3)), ("mkdir", (1, 5, 12)),
                            ("fsync", range(1, 60, 9)), ("clone", (1,))):
            for step in tuple(steps)[::EVERY]:
                said = run_program([
                    "strace", "-qq", "-o", "/dev/null", "-e",
                    f"trace={call}", "-e",
                    f"inject={call}:signal=KILL:when={step}", CTL, "-c",
                    victim.conf, "restore", "--anchor", anchor, backups],
                    env=traced())
                if said.code == DONE:
                    break
                kills += 1
        victim.ctl("restore", "--anchor", anchor, backups).ends(DONE)
        victim.start()
        equal(victim.balance(ACCOUNTS[0]), balance, "balance")
        victim.stop()
        check(not (victim.directory / "restore.part").exists(), "a part")
    print(f"    {kills} kills", flush=True)
    check(kills >= 20 / EVERY, f"only {kills} kills")


@scenario
def given_a_restore_with_loss_when_backed_up_then_a_new_directory_takes_it():
    victim = bank.copy()
    victim.ctl("restore", "--accept-loss", backups).ends(DONE)
    victim.start()
    victim.deposit(victim.base / "lobby.card", ACCOUNTS[0], "0.01")
    victim.ctl("backup", copied(backups)).ends(DECLINED,
                                               "begin another directory")
    where = victim.base / "backups"
    victim.ctl("backup", where).ends(DONE)
    contains(list(manifest(newest(where))[1]), "ledger/public/restores")
    victim.ctl("restore", "--check", where).ends(DONE, "sum is zero")
    victim.stop()


@scenario
def given_a_pipe_in_a_files_place_when_read_then_nobody_waits():
    other = copied(backups)
    for name in ("manifest", "keyd/state", "bank.id",
                 "ledger/public/checkpoint"):
        path = newest(other) / name
        data = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        check(bank.ctl("restore", "--check", other, limit_s=30).code != DONE,
              f"{name} was read")
        path.unlink()
        path.write_bytes(data)


if __name__ == "__main__":
    run()
