#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only limit=300
"""
A ceremony: shares that are handed out, rehearsed and written into a
transcript; who opens the bank with them, who does not, and what each wrong
share is told.
"""
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import qr  # noqa: E402
from lib.bank import (CTL, DECLINED, DONE, UNREACHABLE, USAGE,  # noqa: E402
                      WRONG_PASSWORD, Bank, children,
                      temporary_directory)
from lib.scenario import check, equal, run, scenario, skip  # noqa: E402
from lib.terminal import Terminal  # noqa: E402

CONSONANTS, VOWELS = "bdfghjklmnprstvz", "aiou"
HOLDERS = ["Ada", "Ben", "Cleo", "Dan", "Eve"]
KEYS = ("noise", "opaque", "log", "attestation")
_bank = []


# ---- A share by the words of strongroomctl(8), and not by its code ----------

def word(bits):
    return (CONSONANTS[bits >> 12] + VOWELS[bits >> 10 & 3] +
            CONSONANTS[bits >> 6 & 15] + VOWELS[bits >> 4 & 3] +
            CONSONANTS[bits & 15])


def lines(record):
    for number in range(1, 6):
        part = record[8 * (number - 1):8 * number]
        check_bits = hashlib.sha256(b"strongroom/1 share" + bytes([number]) +
                                    record[:8 * number]).digest()[:2]
        yield " ".join(word(int.from_bytes(piece, "big")) for piece in
                       [*(part[i:i + 2] for i in range(0, 8, 2)), check_bits])


def record_of(text):
    words = re.findall(r"^(?:[a-z]{5} ){4}[a-z]{5}$", text, re.M)
    equal(len(words), 5, "the lines of a share")
    bits = []
    for letters in " ".join(words).split():
        value = 0
        for letter in letters:
            places = CONSONANTS if letter in CONSONANTS else VOWELS
            value = value * len(places) + places.index(letter)
        bits.append(value)
    record = b"".join(value.to_bytes(2, "big")
                      for number, value in enumerate(bits) if number % 5 != 4)
    equal(list(lines(record)), words, "the words of a share")
    return record


# ---- A bank that has had its ceremony ----------------------------------------

def ceremony(bank, *words, count=5, quorum=3, give=b""):
    """Of that many shares; what was said, and the records by their index."""
    out = temporary_directory() / "shares"
    result = bank.ctl("ceremony", "--shares", count, "--quorum", quorum,
                      "-o", out, *words, give=give)
    files = sorted(out.glob("*.txt"),
                   key=lambda path: int(path.name.split("-")[2])) \
        if out.exists() else []
    return result, files


def the_bank():
    if not _bank:
        bank = Bank.found().start()
        bank.register("ada")
        holders = [word for name in HOLDERS for word in ("--holder", name)]
        transcript = bank.base / "transcript"
        result, files = ceremony(bank, *holders, "--transcript", transcript)
        result.ends(DONE)
        _bank.append((bank, files, result, transcript.read_text()))
    return _bank[0]


def unlock(bank, *files):
    return bank.ctl("unlock", *(word for path in files
                                for word in ("--share-file", path)))


def written(record, changes=()):
    """A file with that share, some bytes of it changed."""
    changed = bytearray(record)
    for at, value in dict(changes).items():
        changed[at] = value
    path = temporary_directory() / "share"
    path.write_text("\n".join(lines(bytes(changed))) + "\n")
    return path


@scenario
def given_a_ceremony_then_its_transcript_tells_all_but_a_share():
    bank, files, _, transcript = the_bank()
    keys = bank.ask("keyd", "public_keys_get")[1]
    equal(len(files), 5, "the files of shares")
    for name in KEYS:
        check(re.search(rf"^{name} +{keys[name].hex()} same$", transcript,
                        re.M), transcript)
    check("rehearsal    done, with the shares 5 4 3" in transcript, transcript)
    for number, path in enumerate(files):
        equal(path.stat().st_mode & 0o777, 0o600, f"the mode of {path}")
        text = path.read_text()
        check(f"share {number + 1} of 5" in text and HOLDERS[number] in text,
              text)
        record = record_of(text)
        equal((record[0], record[1], record[2]), (1, number + 1, 3))
        equal(record[3:6], keys["bank_id"][:3], "the tag of the bank")
        digest = hashlib.sha256(record).hexdigest()[:16]
        check(re.search(rf"^share {number + 1} +{digest}\n  held by +"
                        rf"{HOLDERS[number]}$", transcript, re.M), transcript)
        check(record[8:].hex() not in transcript, "a share in the transcript")
        for line in lines(record):
            check(line not in transcript and line.split()[1] not in
                  transcript, "words of a share in the transcript")


@scenario
def given_each_quorum_then_it_opens_the_bank_and_two_do_not():
    bank, files, _, _ = the_bank()
    for three in itertools.combinations(files, 3):
        bank.ctl("lock").ends(DONE)
        unlock(bank, *reversed(three)).ends(DONE, "is open")
    bank.ctl("lock").ends(DONE)
    for two in itertools.combinations(files, 2):
        said = unlock(bank, *two).ends(WRONG_PASSWORD, "1 more share is needed")
        equal(bank.status()["state"], "locked", said)
    unlock(bank, *files).ends(DONE, "is open")
    equal(bank.balance("ada"), 0)


@scenario
def given_wrong_shares_then_each_is_told_apart():
    bank, files, _, _ = the_bank()
    good = [record_of(path.read_text()) for path in files]
    number = good[0][6]
    bank.ctl("lock").ends(DONE)
    for path, sentence in (
            (files[0], "share 1: it is there already"),
            (written(good[1], {3: good[1][3] ^ 1}), "of another bank"),
            (written(good[1], {6: number - 1}), "of the former set"),
            (written(good[1], {6: number + 1}), "of the later set"),
            (written(good[1], {2: 2}), "asks for a quorum of 2"),
            (written(good[1], {2: 4}), "asks for a quorum of 4"),
            (written(good[1], {1: 6}), "no share of that number"),
            (written(good[1], {1: 3}), "share 3: it is not as it was handed"),
            (written(good[1], {39: good[1][39] ^ 0x80}), "it was altered"),
            (written(good[1], {0: 2}), "newer version")):
        unlock(bank, files[0], path, files[2], files[3]).ends(
            WRONG_PASSWORD, sentence)
        equal(bank.status()["state"], "locked")
    slip = files[1].read_text().replace(next(iter(lines(good[1]))).split()[1],
                                        "babab" if good[1][2:4] != b"\0\0"
                                        else "zuzuz")
    mistyped = temporary_directory() / "share"
    mistyped.write_text(slip)
    unlock(bank, mistyped).ends(WRONG_PASSWORD, "line 1 is mistyped")
    unlock(bank, bank.base / "nothing").ends(UNREACHABLE, "No such file")
    unlock(bank, *files[2:]).ends(DONE)


@scenario
def given_people_at_a_terminal_then_slips_are_told_and_asked_for_again():
    bank, files, _, _ = the_bank()
    good = [list(lines(record_of(path.read_text()))) for path in files]
    bank.ctl("lock").ends(DONE)
    with Terminal([CTL, "-c", bank.conf, "unlock", "--shares"],
                  bank.environment("operator")) as screen:
        screen.expect("3 are missing")
        screen.expect("line 1: ")
        screen.type(good[0][0].upper().replace(" ", "-"))
        screen.expect("line 2: ")
        screen.type(good[0][2])
        screen.expect("line 2 is mistyped")
        screen.expect("line 2: ")
        screen.type(" ".join(good[0][1:4]))
        screen.expect("line 5: ")
        screen.type(good[0][4])
        screen.expect("\x1b[2J")
        screen.expect("share 1: it is right; 2 more")
        screen.expect("line 1: ")
        screen.type(" ".join(good[0]))
        screen.expect("share 1: it is there already")
        screen.expect("line 1: ")
        screen.type(good[3][0])
        screen.expect("line 2: ")
        screen.type("")
        screen.expect("begins anew")
        screen.expect("line 1: ")
        screen.type(" ".join(good[1]) + " babab")
        screen.expect("more words than a share has")
        screen.expect("line 1: ")
        screen.type(" ".join(good[1]))
        screen.expect("1 more")
        screen.expect("line 1: ")
        screen.type("".join(good[4]))
        screen.expect("0 more")
        equal(screen.end(), DONE, screen.shown)
    equal(bank.status()["state"], "open")


@scenario
def given_a_ceremony_at_a_terminal_then_each_sees_a_share_and_types_it():
    bank = Bank.found().start()
    transcript = bank.base / "transcript"
    shares = []
    with Terminal([CTL, "-c", bank.conf, "ceremony", "--shares", "3",
                   "--quorum=2", "--transcript", transcript],
                  bank.environment("operator")) as screen:
        for number in (1, 2, 3):
            screen.expect(f"(holder {number} of 3)")
            screen.expect("press Enter ")
            screen.type("")
            page = screen.expect("Written down")
            shares.append(list(lines(record_of(page))))
            check(f"share {number} of 3" in page, page)
            for other in shares[:-1]:
                check(other[1] not in page, "two shares on one page")
            screen.type("")
            screen.expect("\x1b[2J\x1b[3J")
        screen.expect("The rehearsal")
        for share in (shares[2], shares[0]):
            screen.expect("line 1: ")
            screen.type(" ".join(share))
            screen.expect("it is right")
        equal(screen.end(), DONE, screen.shown)
    check("with the shares 3 1" in transcript.read_text(),
          transcript.read_text())
    bank.ctl("lock").ends(DONE)
    with Terminal([CTL, "-c", bank.conf, "unlock", "--shares"],
                  bank.environment("operator")) as screen:
        screen.expect("line 1: ")
        os.write(screen.fd, b"\x04")
        equal(screen.end(), UNREACHABLE, screen.shown)
    equal(bank.status()["state"], "locked")


@scenario
def given_a_rehearsal_left_out_then_that_is_confirmed_and_told():
    bank = Bank.found().start()
    read_back, former = ceremony(bank, count=3, quorum=2)
    check("Make a backup now" in read_back.ends(DONE).err, read_back)
    ceremony(bank, "--no-rehearsal")[0].ends(DECLINED, "nothing was done")
    ceremony(bank, "--no-rehearsal", give="yes\n")[0].ends(
        DECLINED, "nothing was done")
    result, files = ceremony(bank, "--no-rehearsal", give="not rehearsed\n")
    result.ends(DECLINED, "but NOT REHEARSED")
    check("rehearsal    NOT REHEARSED" in result.out, result)
    # what nobody has read back does not take the place of what was
    check("0 removed, 1 kept" in result.out, result)
    equal([rehearsed for _, rehearsed in sets(bank)], [True, False])
    for shares in (former, files):
        bank.ctl("lock").ends(DONE)
        unlock(bank, *shares).ends(DONE)


def sets(bank):
    """(number, rehearsed) of each set of shares."""
    result = bank.ctl("seal", "--json")
    result.ends(DONE)
    return [(one["number"], one["rehearsed"])
            for one in json.loads(result.out)["envelopes"]
            if one["kind"] == "shares"]


def handing_out(bank):
    """A ceremony at a terminal, as the second share stands on the screen."""
    screen = Terminal([CTL, "-c", bank.conf, "ceremony", "--shares", "3",
                       "--quorum=2"], bank.environment("operator"))
    shares = []
    for number in (1, 2):
        screen.expect(f"(holder {number} of 3)")
        screen.type("")
        shares.append(written(record_of(screen.expect("Written down"))))
        if number == 1:
            screen.type("")
    return screen, shares


@scenario
def given_an_interruption_then_no_share_stays_in_force_or_on_the_screen():
    bank = Bank.found().start()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        screen, _ = handing_out(bank)
        with screen:
            if number == signal.SIGINT:
                os.write(screen.fd, b"\x03")
            else:
                os.kill(screen.pid, number)
            equal(screen.end(), -number, screen.shown)
            after = screen.shown[screen.position:]
            check("\x1b[2J\x1b[3J" in after, after)
            check("interrupted: set" in after, after)
        equal(sets(bank), [], number)
        bank.ctl("status").ends(DONE)
    # of a bank that runs for the length of the command
    bank.stop()
    screen, _ = handing_out(bank)
    with screen:
        os.write(screen.fd, b"\x03")
        equal(screen.end(), -signal.SIGINT, screen.shown)
        check("is taken out again" in screen.shown, screen.shown)
    bank.start()
    equal(sets(bank), [])
    # while shares are typed to open it
    _, files = ceremony(bank, count=2, quorum=2)
    bank.ctl("lock").ends(DONE)
    with Terminal([CTL, "-c", bank.conf, "unlock", "--shares"],
                  bank.environment("operator")) as screen:
        screen.expect("line 1: ")
        screen.type(next(lines(record_of(files[0].read_text()))))
        screen.expect("line 2: ")
        os.write(screen.fd, b"\x03")
        screen.expect("\x1b[2J\x1b[3J")
        equal(screen.end(), -signal.SIGINT, screen.shown)
    unlock(bank, *files).ends(DONE)


@scenario
def given_a_ceremony_that_is_killed_then_its_shares_are_told_not_rehearsed():
    bank = Bank.found().start()
    screen, shares = handing_out(bank)
    with screen:
        os.kill(screen.pid, signal.SIGKILL)
        equal(screen.end(), -signal.SIGKILL)
    (number, rehearsed), = sets(bank)
    equal(rehearsed, False)
    for words in (["status"], ["doctor"], ["seal"]):
        check("shares (2 of 3) NOT REHEARSED" in bank.ctl(*words).out, words)
    bank.ctl("rehearse", "--share-file", shares[0]).ends(
        WRONG_PASSWORD, "1 more share is needed")
    equal(sets(bank), [(number, False)])
    bank.ctl("rehearse", *(word for path in shares
                           for word in ("--share-file", path))).ends(
        DONE, f"set {number} restore the bank's keys")
    equal(sets(bank), [(number, True)])
    for words in (["status"], ["doctor"], ["seal"]):
        said = bank.ctl(*words).out
        check("shares (2 of 3)" in said and "REHEARSED" not in said, said)


@scenario
def given_somebody_who_says_ready_then_only_the_banks_own_word_counts():
    """To the socket at which a command waits for the bank that it starts."""
    if not os.access("/usr/bin/systemd-ask-password", os.X_OK):
        skip("systemd-ask-password is not installed")
    bank = Bank.found()
    secret = (bank.base / "passphrase").read_text().strip()
    bank.conf.write_text(bank.conf.read_text().replace(
        f"passphrase-file = {bank.base}/passphrase", "ask = yes"))
    with Terminal([CTL, "-c", bank.conf, "ceremony", "--shares", "2",
                   "--quorum=2"], bank.environment("operator")) as screen:
        screen.expect("Passphrase that opens the keys of")
        monitor = children(screen.pid)
        names = [entry.split(b"=", 1)[1].decode() for pid in monitor
                 for entry in Path(f"/proc/{pid}/environ").read_bytes().split(
                     b"\0") if entry.startswith(b"NOTIFY_SOCKET=")]
        equal(len(names), 1, monitor)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as liar:
            liar.sendto(b"READY=1", "\0" + names[0][1:])
        screen.type(secret)
        # its own question: the bank is open
        screen.expect("Passphrase: ")
        screen.type(secret)
        screen.expect("(holder 1 of 2)")
        os.write(screen.fd, b"\x03")
        equal(screen.end(), -signal.SIGINT, screen.shown)


@scenario
def given_a_second_ceremony_then_the_former_shares_open_only_when_kept():
    bank = Bank.found()     # stopped: it runs for the length of the command
    first, old = ceremony(bank, count=2, quorum=2)
    first.ends(DONE)
    second, kept = ceremony(bank, "--keep", count=16, quorum=16)
    check("0 removed, 1 kept" in second.ends(DONE).out, second)
    bank.start()
    for files in (old, kept):
        bank.ctl("lock").ends(DONE)
        unlock(bank, *files).ends(DONE)
    bank.ctl("lock").ends(DONE)
    unlock(bank, old[0], kept[0]).ends(WRONG_PASSWORD, "do not go together")
    unlock(bank, *kept[:15]).ends(WRONG_PASSWORD, "1 more share is needed")
    unlock(bank, *kept).ends(DONE)
    # by those who are there, for others
    by = [word for path in old for word in ("--share-file", path)]
    third, new = ceremony(bank, *by, count=3, quorum=2)
    check("2 removed, 0 kept" in third.ends(DONE).out, third)
    check("made before they still open" in third.err, third)
    bank.ctl("lock").ends(DONE)
    for files in (old, kept):
        unlock(bank, *files).ends(WRONG_PASSWORD, "of the former set")
    unlock(bank, *new).ends(DONE)


@scenario
def given_a_lost_passphrase_then_shares_restore_a_backup():
    bank, files, _, _ = the_bank()
    backup = temporary_directory() / "backup"
    bank.ctl("backup", backup).ends(DONE)
    bank.stop()
    (bank.base / "passphrase").rename(bank.base / "lost")
    shares = [word for path in files[1:4] for word in ("--share-file", path)]
    bank.ctl("restore", "--check", backup).ends(USAGE, "or --shares")
    bank.ctl("restore", "--check", *shares[:4], backup).ends(
        WRONG_PASSWORD, "1 more share is needed")
    bank.ctl("restore", "--check", *shares, backup).ends(DONE)
    before = {path.name for path in bank.directory.iterdir()}
    bank.ctl("restore", *shares, backup).ends(DONE, "is restored")
    check(before <= {path.name for path in bank.directory.iterdir()}, before)
    (bank.base / "lost").rename(bank.base / "passphrase")
    bank.start()
    equal(bank.balance("ada"), 0)


@scenario
def given_a_lost_passphrase_when_shares_are_there_then_they_do_all_it_did():
    bank = Bank.found().start()
    _, files = ceremony(bank, count=3, quorum=2)
    by = [word for path in files[1:] for word in ("--share-file", path)]
    backup = temporary_directory() / "backup"
    bank.ctl("backup", backup).ends(DONE)
    lost = bank.base / "passphrase"
    lost.unlink()
    new = bank.base / "new"
    bank.ctl("seal", "add", f"passphrase-file:{new}", *by[:2]).ends(
        WRONG_PASSWORD, "1 more share is needed")
    check(not new.exists(), "it is made before anything opens")
    bank.ctl("seal", "add", f"credential:{bank.base}/key", *by).ends(DONE)
    bank.stop()
    bank.ctl("certify", *by).ends(DONE, "renewed")
    bank.ctl("rotate", "log-key", *by).ends(DONE)
    bank.ctl("certify", *by[:2]).ends(WRONG_PASSWORD, "1 more share")
    shutil.rmtree(bank.keyd)
    bank.ctl("restore", "--accept-loss", *by, backup).ends(DONE)
    # a new passphrase in the place of the one that was lost
    text = bank.conf.read_text()
    bank.conf.write_text(text.replace(f"passphrase-file = {lost}",
                                      "locked = yes"))
    bank.launch()
    bank.ctl("unlock", *by).ends(DONE)
    bank.ctl("seal", "add", f"passphrase-file:{lost}", *by).ends(DONE)
    bank.stop()
    bank.conf.write_text(text)
    bank.start()


@scenario
def given_words_that_make_no_ceremony_then_nothing_is_done():
    bank, files, _, _ = the_bank()
    sealed = (bank.keyd / "root.sealed").read_bytes()
    out = temporary_directory()
    (out / "something").write_text("here")
    for words, sentence in (
            (["--shares", "5"], "how many"),
            (["--quorum", "3"], "how many"),
            (["--shares", "5", "--quorum", "6"], "more than there are"),
            (["--shares", "17", "--quorum", "3"], "--shares is 2 to 16"),
            (["--shares=1", "--quorum", "1"], "--shares is 2 to 16"),
            (["--shares", "5", "--quorum", "1"], "--quorum is 2 to 16"),
            (["--shares", "5", "--quorum", "3"], "at a terminal"),
            (["--shares", "2", "--quorum", "2", "--holder", "Ada"],
             "name each holder"),
            (["--shares", "2", "--quorum", "2", "--holder", "Ada",
              "--holder", "Ben\nshare 1 of Ben"], "a line of text"),
            (["--shares", "2", "--quorum", "2", "-o", out], "not an empty"),
            (["--shares", "2", "--quorum", "2", "-o", out / "new",
              "--transcript", out / "something"], "is there already")):
        bank.ctl("ceremony", *words).ends(USAGE, sentence)
    equal((bank.keyd / "root.sealed").read_bytes(), sealed)


@scenario
def given_a_page_of_a_share_then_a_reader_of_codes_has_its_words():
    _, files, _, _ = the_bank()
    if not qr.there():
        skip("libzbar is not installed")
    for path in files:
        text = path.read_text()
        code = "\n".join(line for line in text.splitlines()
                         if not line.isascii() or not line.strip())
        words = " ".join(lines(record_of(text)))
        equal(qr.read(qr.paper(code)), [words.encode()])


if __name__ == "__main__":
    sys.exit(run())
