# SPDX-License-Identifier: ISC
"""
A bank of its own for a test: founded by strongroomctl in a temporary
directory, started, killed, asked by the programs that people use.  At every
start the walls of all three rooms are looked at.

    bank = Bank.found()
    bank.start()
    bank.register("ada")
    card = bank.enrol("lobby", "1000.00")
    bank.deposit(card, "ada", "50.00")
    equal(bank.balance("ada"), 5000)
"""
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from lib import wire
from lib.scenario import Failure, at_end, check, equal, wait_until

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD") or TOP / "build")
BUILD = BUILD if BUILD.is_absolute() else TOP / BUILD
ATM = BUILD / "bin/atm"
CTL = BUILD / "bin/strongroomctl"
VERIFY = BUILD / "bin/strongroom-verify"
MONITOR = BUILD / "sbin/strongroomd"
ROOMS = ("keyd", "netd", "ledgerd")
# The room byte of the control socket (policy/control.h).
CONTROL = {"monitor": 0, "keyd": 1, "netd": 2, "ledgerd": 3}

CLIENT_LIMIT_S = 90
START_LIMIT_S = 60

# Exit codes of the clients.
DONE, DECLINED, USAGE, BAD_DATA, UNREACHABLE = 0, 1, 64, 65, 69
UNKNOWN, WRONG_KEY, WRONG_PASSWORD, CONFIG = 75, 76, 77, 78
# Exit codes of strongroom-verify.
ANCHORED, TAMPERED, COULD_NOT, INTACT = 0, 1, 2, 3


class Result:
    """What a program said and how it ended."""

    def __init__(self, words, code, out, err):
        self.words, self.code, self.out, self.err = words, code, out, err

    def __str__(self):
        return (f"{' '.join(map(str, self.words))} ended with {self.code};"
                f" stdout {self.out!r}; stderr {self.err!r}")

    def ends(self, code, *sentences):
        """Checks the exit code and what stderr or stdout must contain."""
        if self.code != code:
            raise Failure(f"{self}, not with {code}")
        for sentence in sentences:
            if sentence not in self.err + self.out:
                raise Failure(f"{self}; it does not say {sentence!r}")
        return self

    def json(self):
        self.ends(DONE)
        return json.loads(self.out)

    def json_lines(self):
        self.ends(DONE)
        return [json.loads(line) for line in self.out.splitlines()]


def traced(environment=None):
    """For a program under strace: a sanitizer's search for leaks is a tracer
    itself, and there can be only one."""
    environment = dict(os.environ if environment is None else environment)
    environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + \
        ":detect_leaks=0"
    return environment


def run_program(words, give=b"", limit_s=CLIENT_LIMIT_S, **options):
    if isinstance(give, str):
        give = give.encode()
    words = [str(word) if not isinstance(word, bytes) else word
             for word in words]
    try:
        done = subprocess.run(words, input=give, capture_output=True,
                              timeout=limit_s, check=False, **options)
    except subprocess.TimeoutExpired:
        raise Failure(f"{words} did not end within {limit_s} s") from None
    return Result(words, done.returncode,
                  done.stdout.decode("utf-8", "replace"),
                  done.stderr.decode("utf-8", "replace"))


def namespaces_available():
    """Whether this machine gives the namespaces that the rooms want."""
    words = ["unshare"] + ([] if os.geteuid() == 0 else ["-Ur"]) + [
        "--mount", "--net", "--ipc", "--uts", "--pid", "--cgroup", "--fork",
        "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        return subprocess.run(words, capture_output=True, timeout=20,
                              check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def instrumented():
    """Whether sanitizers are in the rooms: they keep copies and take time."""
    return b"__asan_init" in (BUILD / "libexec/strongroom/keyd").read_bytes()


def free_port():
    """A free TCP port below those that the system gives to clients."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def temporary_directory():
    path = Path(tempfile.mkdtemp(prefix="bank-"))
    path.chmod(0o755)       # the rooms have other uids than root
    at_end(lambda: remove(path))
    return path


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


def process_state(pid):
    """The fields of /proc/PID/status; empty when there is no such process."""
    try:
        text = Path("/proc", str(pid), "status").read_text()
    except OSError:
        return {}
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))


def alive(pid, name):
    """Whether that process still runs; one that waits for its parent to take
    note of its end does not."""
    state = process_state(pid)
    return state.get("Name") == name and state["State"][0] not in "ZX"


def children(pid):
    """Pids of living children, with their names."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            state = process_state(entry)
            if state.get("PPid") == str(pid) and state["State"][0] not in "ZX":
                found[int(entry)] = state["Name"]
    return found


class Bank:
    """One bank's directory and, between start and stop, its processes."""

    namespaces = None       # found out once for all banks

    def __init__(self, base, port):
        self.base, self.port = base, port
        self.settle(base / "d")
        self.log = base / "strongroomd.log"
        self.address = f"127.0.0.1:{port}"
        self.passwords = {}
        self.process = None
        self.monitor = MONITOR  # or one of a tree with another room in it
        at_end(self.close)

    def settle(self, directory):
        """That is where it has its files."""
        self.directory = directory
        self.conf = self.directory / "strongroom.conf"
        self.id = self.directory / "bank.id"
        self.ledger = self.directory / "ledger"
        self.keyd = self.directory / "keyd"

    # ---- Made and copied ---------------------------------------------------

    @classmethod
    def found(cls, unit="EUR:2", **settings):
        """strongroomctl init; settings are lines of strongroom.conf, as
        ledgerd_segment_size="64K"."""
        if cls.namespaces is None:
            cls.namespaces = namespaces_available()
        for _ in range(3):
            bank = cls(temporary_directory(), free_port())
            result = bank.init(unit)
            if result.code == 0:
                break
        result.ends(DONE)
        for name, value in settings.items():
            bank.configure(*name.split("_", 1), value)
        return bank

    def init(self, unit="EUR:2", *more):
        words = ["init", "--dir", self.directory, "--name", "Test Bank",
                 "--unit", unit, "--listen", self.address, "--unlock",
                 f"passphrase-file:{self.base}/passphrase"]
        if not self.namespaces:
            words += ["--namespaces", "off"]
        return self.ctl(*words, *more, conf=False)

    def configure(self, section, key, value):
        """Sets a key in strongroom.conf; of the next start."""
        key = key.replace("_", "-")
        text = self.conf.read_text()
        text = re.sub(rf"^{key} = .*\n", "", text, flags=re.M)
        if f"[{section}]\n" not in text:
            text += f"\n[{section}]\n"
        text = text.replace(f"[{section}]\n",
                            f"[{section}]\n{key} = {value}\n")
        self.conf.write_text(text)

    def shorten_segments(self, length):
        """Before the first start: what init has made is longer than
        segment-size says, and all zeros but its first entry."""
        for path in (self.ledger / "segment").iterdir():
            if path.name == "00000000.log":
                os.truncate(path, length)
            else:
                path.unlink()
        self.configure("ledgerd", "segment_size", str(length))
        return self

    def copy(self):
        """The same bank (stopped) once more, elsewhere, on another port."""
        check(self.process is None, "only a stopped bank can be copied")
        other = Bank(temporary_directory(), free_port())
        subprocess.run(["cp", "-a", self.directory, self.base / "passphrase",
                        other.base], check=True)
        for path in (other.conf, other.id):
            text = path.read_text().replace(str(self.base), str(other.base))
            path.write_text(text.replace(self.address, other.address))
        for card in self.base.glob("*.card"):
            shutil.copy2(card, other.base)
        other.passwords = dict(self.passwords)
        return other

    # ---- Started and ended -------------------------------------------------

    def start(self, *more):
        """Starts it and waits until it says that it is ready."""
        check(self.process is None, "it runs already")
        said = self.launch(*more)
        if self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            raise Failure(f"strongroomd ended with {code} at start: {said}")
        equal((self.directory / "run/address").read_text().split()[0],
              self.address, "run/address")
        self.look_at_walls()
        return self

    def start_refused(self, *more):
        """A start that must not succeed: exit code and what it said."""
        check(self.process is None, "it runs already")
        said = self.launch(*more)
        code = self.process.poll()
        if code is None:
            self.kill()
            raise Failure("the start was not refused")
        self.process = None
        return Result(["strongroomd"], code, "", said)

    def launch(self, *more, wait=True):
        """Starts strongroomd, until ready or ended; returns its words."""
        name = f"strongroom-test-{os.getpid()}-{random.getrandbits(64):x}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, \
                open(self.log, "ab") as log:
            ready.bind("\0" + name)
            before = log.tell()
            self.process = subprocess.Popen(
                [self.monitor, "-c", self.conf, *more], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
                env=dict(os.environ, NOTIFY_SOCKET="@" + name))
            if not wait:
                return ""
            give_up = time.monotonic() + START_LIMIT_S
            while time.monotonic() < give_up:
                if select.select([ready], [], [], 0.02)[0] and \
                        b"READY=1" in ready.recv(4096):
                    return self.said(before)
                if self.process.poll() is not None:
                    return self.said(before)
        self.kill()
        raise Failure(f"not ready within {START_LIMIT_S} s:"
                      f" {self.said(before)}")

    def said(self, since=0):
        """What strongroomd and the rooms wrote."""
        return self.log.read_bytes()[since:].decode("utf-8", "replace")

    def rooms(self):
        """Name to pid of the rooms that run now."""
        if self.process is None:
            return {}
        return {name: pid for pid, name in children(self.process.pid).items()
                if name in ROOMS}

    def look_at_walls(self):
        """Every room has no capability, no way to more and its filter."""
        rooms = self.rooms()
        equal(sorted(rooms), sorted(ROOMS), "the set of rooms")
        for name, pid in rooms.items():
            state = process_state(pid)
            equal(state.get("Seccomp"), "2", f"Seccomp of {name}")
            equal(state.get("NoNewPrivs"), "1", f"NoNewPrivs of {name}")
            kinds = ["CapEff", "CapPrm", "CapInh", "CapAmb"]
            # an ordinary user without a namespace cannot empty it
            if os.geteuid() == 0 or self.namespaces:
                kinds.append("CapBnd")
            for kind in kinds:
                equal(int(state.get(kind, "1"), 16), 0, f"{kind} of {name}")
            if os.geteuid() == 0:
                uid = state["Uid"].split()
                check("0" not in uid, f"{name} runs as root")
        if os.geteuid() == 0:
            uids = {process_state(pid)["Uid"] for pid in rooms.values()}
            equal(len(uids), 3, "the number of the rooms' uids")

    def stop(self, limit_s=30):
        """SIGTERM, and a good end."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failure(f"no end within {limit_s} s of SIGTERM: "
                          f"{self.said()[-2000:]}") from None
        equal(code, 0, "strongroomd's exit code after SIGTERM")

    def kill(self):
        """kill -9 for the monitor and all rooms."""
        if self.process is None:
            return
        process, self.process = self.process, None
        pids = list(children(process.pid))
        for pid in [process.pid] + pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()

    def settled(self):
        """Whether strongroomd has ended or has all its rooms."""
        return (self.process.poll() is not None or
                len(children(self.process.pid)) >= len(ROOMS))

    def close(self):
        """The end of the test; says which rooms the walls have killed, and
        whatever a sanitizer has found in one is a failure."""
        try:
            # Of a room that has just died, strongroomd tells why first.
            if self.process is not None:
                wait_until(self.settled, "a bank with its rooms", 3)
        except Failure:
            pass    # such as one that is locked
        self.kill()
        if self.log.exists():
            for line in self.said().splitlines():
                if "its policy forbids" in line:
                    print("   ", line)
                if "ERROR: AddressSanitizer" in line or \
                        "LeakSanitizer" in line or "runtime error:" in line:
                    print(f"not ok a_sanitizer_in_a_room: {line}")

    def remove(self):
        """What is left of it; it is not asked again."""
        self.close()
        remove(self.base)

    def kill_room(self, name):
        os.kill(self.rooms()[name], signal.SIGKILL)

    def ended(self, limit_s=30):
        """Waits until strongroomd ends by itself; its exit code."""
        process, self.process = self.process, None
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process = process
            self.kill()
            raise Failure("strongroomd goes on") from None

    # ---- Asked -------------------------------------------------------------

    def state_home(self, who):
        path = self.base / "state" / who
        path.mkdir(parents=True, exist_ok=True)
        return path

    def environment(self, who):
        return dict(os.environ, XDG_STATE_HOME=str(self.state_home(who)))

    def ctl(self, *words, conf=True, **options):
        words = (["-c", self.conf] if conf else []) + list(words)
        return run_program([CTL, *words], env=self.environment("operator"),
                           **options)

    def operators(self):
        return ["--as", self.directory / "operator-1.card",
                "--approve", self.directory / "operator-2.card"]

    def atm_words(self, user, *words, terminal=None, server=None):
        first = [ATM, "--bank", self.id]
        if user is not None:
            first += ["--user", user]
        if terminal is not None:
            first += ["--terminal", terminal]
        if server is not None:
            first += ["--server", server]
        return first + list(words)

    def atm(self, user, *words, password=None, state=None, terminal=None,
            server=None, **options):
        """One-shot atm as that customer, the password on descriptor 0."""
        if password is None:
            password = self.passwords.get(user, "none")
        return run_program(
            self.atm_words(user, "--password-fd", "0", *words,
                           terminal=terminal, server=server),
            give=password + "\n", env=self.environment(state or str(user)),
            **options)

    def register(self, name, password=None, **options):
        self.passwords[name] = password or f"the password of {name}"
        return self.atm(name, "register", **options).ends(DONE)

    def enrol(self, name, maximum="1000.00"):
        """An enrolled ATM; returns the path of its card."""
        card = self.base / f"{name}.card"
        self.ctl(*self.operators(), "terminal", "add", name, "--max", maximum,
                 "--out", card).ends(DONE)
        return card

    def deposit(self, card, user, amount, *more, **options):
        return self.atm(user, "deposit", amount, *more, terminal=card,
                        **options).ends(DONE)

    def transfer(self, payer, payee, amount, *more, **options):
        return self.atm(payer, "transfer", payee, amount, *more,
                        **options).ends(DONE)

    def till(self, card, *words, **options):
        """A teller's till, with that card."""
        return run_program([ATM, "--bank", self.id, "--teller", card, "till",
                            *words], env=self.environment(card.stem),
                           **options)

    def balance(self, user, **options):
        """The posted balance in minor units."""
        return self.atm(user, "balance", "--json",
                        **options).json()["balance_minor"]

    def statement(self, user, count=20, **options):
        return self.atm(user, "statement", "--json", "--count", str(count),
                        **options).json_lines()

    def ask(self, room, name, /, **fields):
        """
        One question over the control socket, as policy/messages.def has it;
        gives name and fields of the answer.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
            control.settimeout(CLIENT_LIMIT_S)
            control.connect(str(self.directory / "run/control"))
            control.send(bytes([CONTROL[room]]) +
                         wire.encode(name, **fields))
            answer = control.recv(1 + 8192)
        equal(answer[:1], bytes([CONTROL[room]]), "the room that answers")
        return wire.decode(answer[1:], room, "control")[0]

    def status(self):
        return self.ctl("status", "--json").json()

    def published(self):
        """The newest checkpoint, once a bank that runs has published all that
        is signed, which is a moment after it has answered."""
        path = self.ledger / "public/checkpoint"
        if self.process is not None:
            wait_until(lambda: int(path.read_text().split("\n")[1]) ==
                       self.status()["tree_size"], "the published checkpoint")
        return path

    def copy_ledger(self, target, part=""):
        """Its ledger, or a part, copied there: also from a bank that runs,
        which may just be publishing a file under another name."""
        self.published()
        shutil.copytree(self.ledger / part, target,
                        ignore=shutil.ignore_patterns("*.new"))
        return target

    def verify(self, *words, ledger=None, **options):
        return run_program([VERIFY, "--bank", self.id, *words,
                            ledger or self.ledger], **options)
