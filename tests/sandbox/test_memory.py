#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=900 root-only
"""
What root finds in the rooms' memory while the bank runs and has done its
day's work: of keyd's keys nothing where the kernel has memfd_secret, and
nothing outside of the secret pages where it has not; of a session's keys,
once ledgerd has them, nothing in keyd and netd; of passwords nothing in any
room; of names and memos nothing but in ledgerd.  Once the bank is locked,
nothing of all that in any process of it.

A kernel without memfd_secret is made by a seccomp filter around the whole
bank that answers ENOSYS.
"""
import os
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.bank import (BUILD, DONE, MONITOR, WRONG_PASSWORD, Bank,
                      instrumented)
from lib.memory import Memory, mappings
from lib.relay import M3, Relay
from lib.scenario import check, equal, run, scenario, skip, wait_until
from lib.session import Session

OLDER_KERNEL = '''#!/usr/bin/env python3
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
rules = b"".join(struct.pack("=HBBI", *rule) for rule in (
    (0x20, 0, 0, 0),                # the call's number
    (0x15, 0, 1, 447),              # memfd_secret
    (0x06, 0, 0, 0x00050000 | 38),  # ENOSYS
    (0x06, 0, 0, 0x7fff0000)))      # all others pass
data = ctypes.create_string_buffer(rules)
program = ctypes.create_string_buffer(
    struct.pack("=H6xQ", 4, ctypes.addressof(data)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0
os.execv({monitor!r}, [{monitor!r}] + sys.argv[1:])
'''
PASSWORD = "correct horse battery staple of ada's"
WRONG = "no such horse, whatever it is called"
MEMO = "for the tuba lessons in november"
DISPLAY = "Ada Augusta King of Lovelace"
ADA, BOB = "adaaugusta-lovelace", "bob-of-the-boiler-room"
STRANGER = "nobody-of-that-name"
PLAIN = {"password": PASSWORD.encode(), "wrong password": WRONG.encode(),
         "memo": MEMO.encode(), "display name": DISPLAY.encode(),
         "name": ADA.encode(), "other name": BOB.encode(),
         "unknown name": STRANGER.encode()}
# The first words of a ChaCha20 state, as vector units hold four and eight.
CHACHA = {"a ChaCha20 state": b"expaexpaexpaexpa",
          "another ChaCha20 state": b"expand 32-byte k"}
# What keyd keeps as long as it runs.
KEPT = ("noise-private", "opaque.scalar", "oprf-seed", "log-key.seed",
        "attestation-key.seed", "log-root", "storage", "credential-id",
        "terminal-root", "limit", "name-index", "device-token", "state",
        "fake-id", "fake-record", "generation", "invitation")
_banks = {}


class Working:
    """A running bank, and the secrets that came up in it."""

    def __init__(self, older):
        if os.geteuid() != 0:
            skip("only root reads another process's memory")
        if instrumented():
            skip("sanitizers keep copies of their own")
        bank = self.bank = Bank.found()
        if older:
            bank.monitor = bank.base / "older-kernel"
            bank.monitor.write_text(
                OLDER_KERNEL.format(monitor=str(MONITOR)))
            bank.monitor.chmod(0o755)
        bank.start()
        try:
            os.close(os.open(f"/proc/{bank.rooms()['keyd']}/mem",
                             os.O_RDONLY))
        except PermissionError:
            skip("root may not read another process's memory here")
        bank.passwords[ADA] = PASSWORD
        self.sessions = {}
        self.allowed = (lambda m: m.secret_page()) if older else \
            (lambda m: False)

    def session(self):
        """One that stays open; what both sides know of it is noted."""
        session = Session(self.bank, ADA)
        check(not session.refused, "no session")
        self.note(session)
        return session

    def note(self, session):
        for name, secret in session.secrets().items():
            self.sessions[f"{name} {len(self.sessions)}"] = secret

    def memory(self, room):
        pid = self.bank.rooms()[room]
        wait_until(lambda: at_rest(pid), f"{room} waits for its links")
        return Memory(pid)

    def look_at_keyd(self, when):
        keys = {**keys_of(self.bank), **forms(self.sessions), **PLAIN}
        memory = self.memory("keyd")
        memory.has_none(keys, f"keyd, {when}", self.allowed)
        # the constants also stand in the code
        memory.has_none(CHACHA, f"keyd, {when}", lambda m:
                        self.allowed(m) or "w" not in m.access)

    def works(self):
        """Each kind of work for keyd, with a look after each."""
        bank = self.bank
        self.look_at_keyd("started")
        bank.atm(ADA, "register", "--display-name", DISPLAY).ends(DONE)
        self.look_at_keyd("a registration later")
        bank.register(BOB)
        card = bank.enrol("lobby")
        self.look_at_keyd("a terminal's enrolment later")
        bank.deposit(card, ADA, "50.00")
        self.look_at_keyd("a deposit later")
        bank.atm(ADA, "balance", password=WRONG).ends(WRONG_PASSWORD)
        self.look_at_keyd("a wrong password later")
        bank.atm(STRANGER, "balance", password=WRONG).ends(WRONG_PASSWORD)
        self.look_at_keyd("an unknown name later")
        with Relay(bank.port, lambda frame: None if frame.type == M3 else
                   [frame.data]) as relay:
            bank.atm(ADA, "balance", server=relay.address)
        self.look_at_keyd("half a log-in later")
        with self.session():
            self.look_at_keyd("a log-in later")
        bank.transfer(ADA, BOB, "1.00", "--memo", MEMO)
        bank.statement(ADA)
        self.look_at_keyd("a transfer later")


def at_rest(pid):
    """In poll, ppoll or epoll: the step before is over."""
    return Path(f"/proc/{pid}/syscall").read_text().split()[0] in (
        "7", "271", "232", "281")


def processes_of(bank):
    """Whoever runs a program of this build with the bank's lock open."""
    lock = os.stat(bank.directory / "run/lock")
    found = set()
    for entry in os.listdir("/proc"):
        try:
            for fd in os.listdir(f"/proc/{entry}/fd"):
                if os.path.samestat(os.stat(f"/proc/{entry}/fd/{fd}"), lock):
                    found.add(int(entry))
        except (OSError, ValueError):
            pass        # no process, or it has ended
    return found


def everything(bank):
    """All that a process of a locked bank must not have."""
    passphrase = (bank.bank.base / "passphrase").read_bytes().strip()
    return {**keys_of(bank.bank), **forms(bank.sessions), **PLAIN,
            "passphrase": passphrase}


def unlock(bank, typed=None):
    """With what is typed, which is wrong, or with the right passphrase."""
    text = typed or (bank.base / "passphrase").read_text()
    bank.ctl("unlock", "--passphrase-fd", "0", give=text).ends(
        WRONG_PASSWORD if typed else DONE)


def forgets(bank):
    """ledgerd has taken note of the goodbye."""
    return bank.bank.status()["sessions"] == 0


def working(older=False):
    if older not in _banks:
        bank = Working(older)
        bank.works()
        _banks[older] = bank
    return _banks[older]


def digits(scalar):
    """The signed digits to the base of 16 into which multiplying by a scalar
    turns it."""
    out, carry = [], 0
    for byte in scalar:
        out += [byte & 15, byte >> 4]
    for i in range(63):
        out[i] += carry
        carry = (out[i] + 8) >> 4
        out[i] -= carry * 16
    out[63] += carry
    return bytes(digit & 255 for digit in out)


def wide(key, lanes):
    """A key as a vector unit takes it: each word as often as it has lanes."""
    return b"".join(key[i:i + 4] * lanes for i in range(0, len(key), 4))


def forms(secrets):
    """The secrets, and what computing makes of them."""
    out = dict(secrets)
    for name, secret in secrets.items():
        if name.endswith(".scalar"):
            out[name + " digits"] = digits(secret)
        if name.endswith(".chacha") or "send-key" in name or \
                "receive-key" in name:
            out[name + " in 4 lanes"] = wide(secret, 4)
            out[name + " in 8 lanes"] = wide(secret, 8)
    return out


def keys_of(bank):
    """Names and bytes of what the unsealed root yields."""
    words = [BUILD / "tests/sandbox/root_keys", bank.base / "passphrase",
             bank.keyd]
    for path in sorted(bank.ledger.rglob("*")):
        with open(path, "rb") if path.is_file() else open(os.devnull,
                                                          "rb") as file:
            head = file.read(128)
        if head[:8] == b"SRSEGMT1":
            words += [int.from_bytes(head[12:16], "little"),
                      head[48:80].hex()]
    equal(len(words), 5, "the number of words for one segment")
    said = subprocess.run([str(word) for word in words], check=True,
                          capture_output=True, text=True, timeout=60).stdout
    keys = {name: bytes.fromhex(value) for name, value in
            (line.split() for line in said.splitlines())}
    return forms(keys)


@scenario
def given_memfd_secret_when_keyd_works_then_root_finds_no_key_in_it():
    bank = working()
    pid = bank.bank.rooms()["keyd"]
    secret = [m for m in mappings(pid) if m.name.startswith("/secretmem")]
    if not secret:
        skip("this kernel has no memfd_secret")
    memory = bank.memory("keyd")
    hidden = [(str(m), way) for m, way in memory.unreadable]
    for mapping in secret:
        for way in ("call", "file"):
            check((str(mapping), way) in hidden,
                  f"{mapping} can be read by {way}")
    # the search works: this is public and must be there
    certificate = (bank.bank.ledger / "public/certificates").read_bytes()
    check(memory.find({"certificate": certificate[2:]}),
          "the certificate is not found")


@scenario
def given_no_memfd_secret_when_keyd_works_then_only_its_secret_pages_have_keys():
    bank = working(older=True)
    memory = bank.memory("keyd")
    check(not any(m.name.startswith("/secretmem") for m, _, _ in memory.seen),
          "memfd_secret is there all the same")
    keys = keys_of(bank.bank)
    found = memory.find({name: keys[name] for name in KEPT})
    equal(sorted(set(KEPT) - set(found)), [],
          "what the search does not find in the secret pages")


@scenario
def given_log_ins_under_way_when_root_reads_keyd_then_its_stack_alone_may_have_keys():
    bank = working()
    keys = keys_of(bank.bank)
    pid = bank.bank.rooms()["keyd"]
    ended = threading.Event()
    done = []

    def log_in():
        while not ended.is_set():
            done.append(bank.bank.atm(ADA, "balance").code)

    customer = threading.Thread(target=log_in, daemon=True)
    customer.start()
    try:
        while len(done) < 5 and customer.is_alive():
            Memory(pid).has_none(keys, "keyd at work",
                                 lambda m: m.name == "[stack]")
    finally:
        ended.set()
        customer.join(60)
    equal(set(done), {DONE}, "how log-ins end")


@scenario
def given_other_rooms_when_root_reads_them_then_keyds_keys_are_not_there():
    bank = working()
    # what keyd hands to ledgerd: segment keys, names and what seals them
    for room, others in (("netd", ()), ("ledgerd", ("segment-",
                                                    ".directory-key"))):
        bank.memory(room).has_none(
            {name: key for name, key in keys_of(bank.bank).items()
             if not any(part in name for part in others)}, room)
    Memory(bank.bank.process.pid).has_none(keys_of(bank.bank), "strongroomd")


@scenario
def given_sessions_when_root_reads_then_only_ledgerd_has_their_keys_and_while_they_last():
    for older in (False, True):
        bank = working(older)
        session = bank.session()
        own = {name: key for name, key in bank.sessions.items() if
               name.split()[0] in ("chain-key", "send-key", "receive-key")}
        now = {name: own[name] for name in list(own)[-3:]}
        before = {name: own[name] for name in list(own)[:-3]}
        equal(sorted(bank.memory("ledgerd").find(now)), sorted(now),
              "what ledgerd has of an open session")
        bank.memory("ledgerd").has_none(forms(before),
                                        "ledgerd, a session later")
        bank.memory("netd").has_none(forms(own), "netd")
        session.ask("rekey")
        bank.note(session)
        bank.look_at_keyd("a re-key later")
        bank.memory("ledgerd").has_none(now, "ledgerd, a re-key later")
        bank.memory("netd").has_none(forms(bank.sessions), "netd")
        session.close()
        last = forms({name: key for name, key in bank.sessions.items()
                      if name.split()[0] in ("chain-key", "send-key",
                                             "receive-key")})
        wait_until(lambda: forgets(bank), "the session is over")
        bank.memory("ledgerd").has_none(last, "ledgerd, the session over")


@scenario
def given_a_days_work_when_root_reads_then_passwords_and_seeds_are_nowhere():
    for older in (False, True):
        bank = working(older)
        own = {name: PLAIN[name] for name in ("password", "wrong password")}
        own.update({name: key for name, key in bank.sessions.items()
                    if name.split()[0] in ("account-seed", "signing-seed",
                                           "message-key", "file-root")})
        for room in ("keyd", "netd", "ledgerd"):
            bank.memory(room).has_none(own, room)


@scenario
def given_a_days_work_when_root_reads_then_netd_knows_no_name_and_no_memo():
    for older in (False, True):
        bank = working(older)
        check("name" in bank.memory("ledgerd").find(PLAIN),
              "ledgerd knows no name: the search is blind")
        bank.memory("netd").has_none(PLAIN, "netd")


@scenario
def given_a_days_work_when_locked_then_no_process_of_the_bank_has_anything():
    for older in (False, True):
        bank = working(older)
        bank.session().close()
        rooms = bank.bank.rooms()
        # the search works: keyd is not the only one that had something
        check("name" in bank.memory("ledgerd").find(PLAIN),
              "ledgerd knows no name: the search is blind")
        bank.bank.ctl("lock").ends(DONE)
        for name, pid in rooms.items():
            check(not Path(f"/proc/{pid}").exists(), f"{name} is there")
        equal(processes_of(bank.bank), {bank.bank.process.pid},
              "the processes of the locked bank")
        monitor = Memory(bank.bank.process.pid)
        # ... and in this process, too
        check(monitor.find({"bank": bytes(bank.bank.directory)}),
              "strongroomd knows no directory: the search is blind")
        monitor.has_none(everything(bank), "strongroomd, locked")
        for typed in ("no such passphrase, however long", None):
            unlock(bank.bank, typed)
            at = Memory(bank.bank.process.pid)
            at.has_none(everything(bank), "strongroomd, after an unlock")
            if typed:
                at.has_none({"typed": typed.encode()}, "strongroomd")
        bank.session().close()
        bank.bank.transfer(ADA, BOB, "1.00")
        bank.look_at_keyd("locked and unlocked")


if __name__ == "__main__":
    run()
