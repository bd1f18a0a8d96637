#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""A disk that becomes full, or read-only, under a bank at work: new orders are
refused with a sentence, balances are answered, people log in, and when there
is room again everything goes on by itself."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (DONE, INTACT, Bank, free_port,  # noqa: E402
                      namespaces_available, temporary_directory)
from lib.disk import own_mounts  # noqa: E402
from lib.scenario import (Failure, at_end, check, contains,  # noqa: E402
                          equal, run, scenario, skip, wait_until)
from lib.traffic import Traffic  # noqa: E402
from lib.watchdog import watched  # noqa: E402

MIB = 1 << 20
RESERVE = MIB
CLOSED = "the bank is closed for orders; nothing was booked"
FULL, READ_ONLY = "the disk is full", "the disk is read-only"
PAYERS = ("ada", "bob", "cyd")
bank = card = traffic = None


def do(*words, may_fail=False):
    done = subprocess.run([str(word) for word in words], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0 and not may_fail:
        raise Failure(f"{words}: {done.stderr.strip()}")
    return done.stdout.strip()


def bank_on(mount):
    """A founded bank whose data, and nothing else, lie on that disk; segments
    of 64 KiB and a reserve of 1 MiB."""
    reason = own_mounts()
    if reason:
        skip(reason)
    if Bank.namespaces is None:
        Bank.namespaces = namespaces_available()
    made = watched(Bank)(temporary_directory(), free_port())
    made.directory.mkdir(mode=0o755)
    mount(made.directory)
    at_end(lambda: (made.kill(), do("umount", made.directory, may_fail=True)))
    made.init().ends(DONE)
    made.configure("ledgerd", "segment-size", "64K")
    made.configure("ledgerd", "reserve", "1M")
    return made


def free(of):
    left = os.statvfs(of.directory)
    return left.f_bavail * left.f_frsize


def fill(of, leave=0):
    """Takes the disk's space, all but so many bytes."""
    with open(of.directory / "ballast", "ab", buffering=0) as ballast:
        while free(of) > leave:
            try:
                if ballast.write(bytes(min(free(of) - leave, MIB))) == 0:
                    break
            except OSError:
                break


def make_room(of):
    (of.directory / "ballast").unlink()


def is_closed(of, why):
    return of.status()["closed"] == why


def refused(of, why):
    """An order is refused with the sentence and the reason; all else works."""
    before = of.balance("ada")
    of.atm("ada", "transfer", "bob", "0.01").ends(69, f"{CLOSED}: {why}")
    check(of.balance("ada") <= before, "money came from nowhere")
    status = of.status()
    equal((status["open"], status["closed"]), (False, why), "status")
    contains(of.ctl("status").ends(DONE).out, f"closed: {why}")


@scenario
def given_a_disk_below_the_reserve_when_a_bank_is_founded_then_it_says_so():
    reason = own_mounts()
    if reason:
        skip(reason)
    made = Bank(temporary_directory(), free_port())
    made.directory.mkdir(mode=0o755)
    do("mount", "-t", "tmpfs", "-o", "size=60M,mode=0755", "tmpfs",
       made.directory)
    at_end(lambda: do("umount", made.directory, may_fail=True))
    said = made.init()
    check(said.code != DONE, str(said))
    contains(said.err, "MiB are free, and a new bank needs 96 MiB")
    contains(said.err, "reserve")
    equal(list(made.directory.iterdir()), [], "left behind")


@scenario
def given_a_small_disk_when_people_pay_then_it_is_a_bank_like_others():
    global bank, card, traffic
    bank = bank_on(lambda at: do("mount", "-t", "tmpfs", "-o",
                                 "size=128M,mode=0755", "tmpfs", at))
    bank.start()
    card = bank.enrol("lobby")
    for name in PAYERS:
        bank.register(name)
        bank.deposit(card, name, "50.00")
    do("mount", "-o", "remount,size=48M", bank.directory)
    check(free(bank) > 4 * MIB, f"only {free(bank)} bytes are free")
    equal(bank.status()["reserve_bytes"], RESERVE, "the reserve")
    traffic = Traffic(bank, PAYERS, PAYERS)
    traffic.wait_for(each=5)


def need_traffic():
    if traffic is None:
        skip("there is no bank on a disk of its own")


@scenario
def given_traffic_when_the_disk_fills_up_then_refused_and_goes_on_by_itself():
    need_traffic()
    for _ in range(3):
        said = len(bank.said())
        fill(bank)
        wait_until(lambda: is_closed(bank, FULL), "closed")
        refused(bank, FULL)
        traffic.check_alive()
        bank.fed(2)
        make_room(bank)
        traffic.wait_for(each=3)
        equal(bank.status()["closed"], None, "closed")
        words = bank.said()[said:]
        equal((words.count("closed for orders"),
               words.count("takes orders again")), (1, 1),
              f"lines about it in {words!r}")
    wait_until(lambda: bank.status()["audit_lines_missing"] == 0,
               "a line in the audit log for each entry")
    bank.verify("--audit-log", bank.directory / "audit" / "audit.log").ends(
        INTACT, "lines compared, of the entries 0 to ")


@scenario
def given_the_reserve_when_it_is_touched_then_closed_before_the_disk_is_full():
    need_traffic()
    fill(bank, leave=RESERVE // 2)
    wait_until(lambda: is_closed(bank, FULL), "closed")
    check(free(bank) > RESERVE // 4, "the disk is full, the bank was late")
    refused(bank, FULL)
    make_room(bank)
    traffic.wait_for(each=3)


@scenario
def given_a_full_disk_when_somebody_registers_then_refused_and_no_harm():
    need_traffic()
    fill(bank)
    bank.atm("dan", "register", password="the password of dan").ends(69, FULL)
    make_room(bank)
    bank.register("dan")
    bank.atm("dan", "balance").ends(DONE)


@scenario
def given_a_full_disk_when_a_new_customer_comes_then_not_before_there_is_room():
    need_traffic()
    # registered by keyd, not yet in the books: that is an entry
    fill(bank, leave=RESERVE // 2)
    wait_until(lambda: is_closed(bank, FULL), "closed")
    bank.passwords["eve"] = "the password of eve"
    result = bank.atm("eve", "register")
    make_room(bank)
    traffic.wait_for(each=1)
    if result.code == DONE:
        bank.atm("eve", "balance").ends(DONE)
    else:
        result.ends(69)
        wait_until(lambda: bank.atm("eve", "balance").code == DONE
                   or bank.atm("eve", "register").code == DONE,
                   "eve is a customer")


@scenario
def given_a_full_disk_when_the_bank_starts_then_it_answers_and_waits():
    need_traffic()
    traffic.end()
    traffic.count([card])
    fill(bank)
    bank.stop()
    bank.start()
    refused(bank, FULL)
    # With room for it or none, as in a bank that was not watched before.
    pulse = bank.ledger / "pulse"
    pulse.unlink()
    fill(bank)
    bank.fed(3)
    make_room(bank)
    wait_until(lambda: is_closed(bank, None), "open")
    wait_until(lambda: pulse.exists() and pulse.stat().st_size == 8,
               "a pulse on the disk")
    bank.transfer("ada", "bob", "0.01")
    bank.stop()
    bank.verify().ends(INTACT)


@scenario
def given_a_disk_with_an_error_when_it_goes_read_only_then_no_orders_only():
    image = temporary_directory() / "disk"
    image.touch()
    os.truncate(image, 200 * MIB)

    def mount(at):
        do("mkfs.ext4", "-q", "-F", image)
        do("mount", "-o", "loop,errors=remount-ro", image, at)
        at.chmod(0o755)

    other = bank_on(mount)
    device = do("losetup", "-j", image, "-n", "-O", "NAME")
    trigger = Path("/sys/fs/ext4", Path(device).name, "trigger_fs_error")
    if not trigger.exists():
        skip("this kernel has no trigger_fs_error")
    other.start()
    till = other.enrol("lobby")
    for name in ("ada", "bob"):
        other.register(name)
        other.deposit(till, name, "50.00")
    try:
        trigger.write_text("a disk that fails\n")
    except OSError as error:
        skip(f"trigger_fs_error: {error}")
    refused(other, READ_ONLY)
    other.fed(2)
    equal(other.balance("bob"), 5000, "the balance")
    other.stop()
    do("umount", other.directory)
    do("e2fsck", "-fy", image, may_fail=True)
    do("mount", "-o", "loop", image, other.directory)
    other.start()
    other.transfer("ada", "bob", "1.00")
    other.stop()
    other.verify().ends(INTACT)


if __name__ == "__main__":
    run()
