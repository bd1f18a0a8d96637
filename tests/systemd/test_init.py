#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: root-only
"""
`strongroomctl init' without a word: the bank of a machine, a second one beside
it, and a user's own, each where the commands then find it.

In a machine of its own (tests/systemd/boot), so that /etc and /var/lib may be
written.
"""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.machine import in_a_machine                       # noqa: E402
from lib.scenario import check, contains, equal, scenario  # noqa: E402
from lib.terminal import Terminal                          # noqa: E402

ETC = Path("/etc/strongroom")
DATA = Path("/var/lib/strongroom")
SOCKETS = Path("/etc/systemd/system")
ROOMS = ("keyd", "netd", "ledgerd")
DONE, DECLINED, USAGE, NO_PERMISSION = 0, 1, 64, 78


def command(*words, code=DONE, **options):
    result = subprocess.run([str(word) for word in words],
                            capture_output=True, text=True, timeout=60,
                            check=False, **options)
    equal(result.returncode, code,
          f"{words}: {result.stdout} {result.stderr}")
    return result.stdout + result.stderr


def settings(path):
    return dict(line.split(" = ", 1) for line in
                path.read_text().splitlines() if " = " in line)


@contextlib.contextmanager
def running(conf, user=None):
    """A bank that is started as its unit would."""
    who = {"user": user, "group": user, "extra_groups": []} if user else {}
    with subprocess.Popen(["strongroomd", "-c", conf], env={
            **os.environ, "CREDENTIALS_DIRECTORY": str(Path(conf).parent)},
            stderr=subprocess.PIPE, text=True, **who) as bank:
        for line in bank.stderr:
            if "listening on" in line:
                break
        try:
            yield
        finally:    # else a scenario that fails waits for its end
            bank.terminate()
            bank.stderr.read()
        equal(bank.wait(timeout=30), 0, "end of strongroomd")


def state(*words, user=None):
    """What status says of a bank that is started for the question."""
    before = ["runuser", "-u", user, "--"] if user else []
    with running(words[0], user):
        return json.loads(command(*before, "strongroomctl", *words[1:],
                                  "status", "--json"))["state"]


@scenario
def given_a_machine_with_its_users_when_founded_then_all_lies_in_its_place():
    for room in ROOMS:
        command("useradd", "--system", f"strongroom-{room}")
    said = command("strongroomctl", "init", stdin=subprocess.DEVNULL)
    contains(said, "systemctl enable --now strongroom.socket "
             "strongroom.service")
    contains(said, "bank-key, which no backup holds")
    contains(said, "Only this machine reaches it")
    equal(sorted(path.name for path in ETC.iterdir()),
          ["bank-key", "strongroom.conf"])
    equal((ETC / "bank-key").stat().st_mode & 0o777, 0o600)
    found = settings(ETC / "strongroom.conf")
    equal(found["data"], str(DATA))
    equal(found["name"], "Bank of " + os.uname().nodename)
    equal(found["credential"], "bank-key")
    equal(found["user-keyd"], command("id", "-u", "strongroom-keyd").strip())
    check((DATA / "bank.id").stat().st_mode & 0o004, "bank.id")
    check(not (SOCKETS / "strongroom.socket.d").exists(),
          "a drop-in that says what the unit says")
    equal(state(ETC / "strongroom.conf"), "open")


@scenario
def given_a_bank_when_founded_again_then_refused_and_nothing_is_touched():
    before = {path: path.read_bytes() for path in DATA.rglob("*")
              if path.is_file()}
    said = command("strongroomctl", "init", code=USAGE)
    contains(said, "there is a bank here already")
    contains(said, "choose another --instance")
    equal({path: path.read_bytes() for path in before}, before)
    # the configuration alone counts as one, too
    DATA.rename("/var/lib/elsewhere")
    contains(command("strongroomctl", "init", code=USAGE),
             "there is a bank here already")
    DATA.rmdir() if DATA.exists() else None
    Path("/var/lib/elsewhere").rename(DATA)


@scenario
def given_an_address_that_is_taken_when_founded_then_it_says_who_has_it():
    def refused(address, why):
        said = command("strongroomctl", "init", "--instance", "late",
                       "--listen", address, code=USAGE)
        contains(said, why)
        contains(said, "choose another port")
        for place in (ETC / "late", Path(f"{DATA}-late"),
                      SOCKETS / "strongroom@late.socket.d"):
            check(not place.exists(), f"{place} after {said}")

    other = "the bank of /etc/strongroom/strongroom.conf has that address"
    refused("127.0.0.1:7420", other)
    # any program, while it listens; a bank that is stopped is found above
    with socket.create_server(("127.0.0.1", 7440)):
        refused("127.0.0.1:7440", "another program on this machine")
    with socket.create_server(("::1", 7440), family=socket.AF_INET6):
        refused("[::1]:7440", "another program on this machine")
    # all of a family's addresses are also that one
    said = command("strongroomctl", "init", "--instance", "late", "--listen",
                   "0.0.0.0:7420", "--public-address", "bank.example:7420",
                   code=USAGE)
    contains(said, other)
    check(not (ETC / "late").exists(), said)


@scenario
def given_every_address_when_founded_then_customers_get_the_one_named():
    words = ["strongroomctl", "init", "--instance", "open", "--listen"]
    for listen in ("0.0.0.0:7425", "[::]:7425"):
        contains(command(*words, listen, code=USAGE),
                 f"--listen {listen} is every address of this machine, and "
                 "customers need one of them: say which with "
                 "--public-address HOST:7425")
    for bad in ("0.0.0.0:7425", "[::]:7425", "bank.example", "bank.example:0",
                ":7425", "unix:/run/x", "1.2.3:7425", "-x:7425", "a b:7425",
                "2001:db8::1:7425", "[bank]:7425", "x" * 116 + ":7425"):
        contains(command(*words, "0.0.0.0:7425", f"--public-address={bad}",
                         code=USAGE), "--public-address is what customers")
    check(not (ETC / "open").exists(), "something is founded")
    said = command(*words, "0.0.0.0:7425", "--listen", "[::]:7425",
                   "--public-address", "bank.example:7425",
                   "--public-address", "[2001:db8::1]:80")
    check("Only this machine" not in said, said)
    lines = Path(f"{DATA}-open/bank.id").read_text().splitlines()
    equal([line for line in lines if line.startswith("address")],
          ["address = bank.example:7425", "address = [2001:db8::1]:80"])
    contains((SOCKETS / "strongroom@open.socket.d/listen.conf").read_text(),
             "ListenStream=0.0.0.0:7425\nListenStream=[::]:7425\n")
    equal(state(ETC / "open/strongroom.conf", "--instance", "open"), "open")


@scenario
def given_a_second_bank_when_founded_then_it_has_its_own_place_and_users():
    refusals = [
        ([], "needs --listen"),
        (["--listen", "127.0.0.1:7421", "--dir", "/srv/x"], "not both"),
        (["--listen", "127.0.0.1:7421", "-c", "x"], "--dir D says where")]
    for words, why in refusals:
        contains(command("strongroomctl", "init", "--instance", "canteen",
                         *words, code=USAGE), why)
    for name in ("", "-x", "a/b", "..", "x" * 33, "bank-key"):
        contains(command("strongroomctl", "init", f"--instance={name}",
                         "--listen", "127.0.0.1:7421", code=USAGE),
                 "--instance is a name of 1 to 32")
    said = command("strongroomctl", "init", "--instance", "canteen",
                   "--listen", "127.0.0.1:7421", "--listen",
                   "unix:/run/canteen 100%")
    contains(said, "strongroom@canteen.socket strongroom@canteen.service")
    conf = ETC / "canteen/strongroom.conf"
    found = settings(conf)
    equal(found["data"], "/var/lib/strongroom-canteen")
    equal(found["name"], "Bank of canteen")
    one = settings(ETC / "strongroom.conf")
    for room in ROOMS:
        check(found[f"user-{room}"] != one[f"user-{room}"], room)
    equal((SOCKETS / "strongroom@canteen.socket.d/listen.conf").read_text(),
          "[Socket]\nListenStream=\nListenStream=127.0.0.1:7421\n"
          "ListenStream=/run/canteen 100%%\n")
    equal(state(conf, "--instance", "canteen"), "open")
    name = "x" * 32     # the longest
    command("strongroomctl", "init", "--instance", name, "--listen",
            "127.0.0.1:7422")
    equal(state(ETC / name / "strongroom.conf", "--instance", name), "open")


@scenario
def given_a_directory_of_the_same_hash_when_founded_then_the_users_differ():
    command("strongroomctl", "init", "--instance", "bar1067", "--listen",
            "127.0.0.1:7427")
    found = settings(ETC / "bar1067/strongroom.conf")
    other = settings(ETC / "canteen/strongroom.conf")
    users = [int(bank[f"user-{room}"]) for bank in (other, found)
             for room in ("keyd", "netd", "ledgerd")]
    equal(users[3:], [user + 3 for user in users[:3]], "the next three")


@scenario
def given_the_two_when_asked_then_each_answers_for_itself():
    contains(command("strongroomctl", "--instance", "nobody", "status",
                     code=USAGE),
             "there is no /etc/strongroom/nobody/strongroom.conf")
    contains(command("strongroomctl", "-c", "x", "--instance", "canteen",
                     "doctor", code=USAGE), "not both")
    said = command("strongroomctl", "--instance", "canteen", "doctor", code=2)
    for part in ("/etc/strongroom/canteen/strongroom.conf",
                 "does not run on this bank: systemctl start "
                 "strongroom@canteen.socket strongroom@canteen.service\n",
                 "never: strongroomctl --instance canteen verify\n",
                 "never: strongroomctl --instance canteen backup DIRECTORY, or "
                 "every day: systemctl enable --now "
                 "strongroom-backup@canteen.timer\n"):
        contains(said, part)
    said = command("strongroomctl", "doctor", code=2)
    for part in ("never: strongroomctl verify\n", "never: strongroomctl backup",
                 "systemctl enable --now strongroom-backup.timer\n",
                 "systemctl start strongroom.socket strongroom.service\n"):
        contains(said, part)
    conf = ETC / "strongroom.conf"
    conf.chmod(0o666)
    contains(command("strongroomctl", "doctor", code=2), "chmod go-w")
    conf.chmod(0o644)


@scenario
def given_a_user_who_may_not_ask_when_looking_then_that_is_no_fault():
    command("useradd", "otto")
    as_otto = ["runuser", "-u", "otto", "--", "env", "-u", "XDG_CONFIG_HOME",
               "-u", "XDG_DATA_HOME", "strongroomctl"]
    with running(ETC / "strongroom.conf"):
        command("strongroomctl", "backup", tempfile.mkdtemp())
        said = command(*as_otto, "doctor", code=1)
        for part in ("warn running       not checked: ask as root or as the "
                     "bank's own user (sudo strongroomctl doctor)\n",
                     "warn backup        not checked: ask as root"):
            contains(said, part)
        check("FAIL" not in said, said)
        contains(command(*as_otto, "status", code=NO_PERMISSION),
                 "ask as root or as the bank's own user (sudo)")


def backed_up_and_lost(where, conf, data, *words, user=None):
    """The backup, what stands for the newest checkpoint that an auditor has,
    and the bank's directory moved away."""
    with running(conf, user):
        command(*words, "backup", where / "backup")
    data.rename(data.parent / "gone")
    kept = where / "checkpoint"
    shutil.copyfile(data.parent / "gone/ledger/public/checkpoint", kept)
    return where / "backup", kept


@scenario
def given_a_backup_when_the_directory_is_gone_then_it_is_restored_and_starts():
    for words, conf, data, unit in (
            ([], ETC / "strongroom.conf", DATA, "strongroom"),
            (["--instance", "canteen"], ETC / "canteen/strongroom.conf",
             Path("/var/lib/strongroom-canteen"), "strongroom@canteen")):
        where = Path(tempfile.mkdtemp())
        ctl = ["strongroomctl", *words]
        backup, kept = backed_up_and_lost(where, conf, data, *ctl)
        # nothing shows that this is all: nothing is left there
        contains(command(*ctl, "restore", backup, code=DECLINED),
                 f"{data} is removed again")
        check(not data.exists(), "a directory that was made for nothing")
        said = command(*ctl, "restore", "--anchor", kept, backup)
        contains(said, f"{conf.parent}/bank-key opens the keys")
        contains(said, f"{data} was not there; it is made")
        contains(said, f"Start it:  systemctl enable --now {unit}.socket "
                 f"{unit}.service")
        check("strongroomd -c" not in said, said)
        old = data.parent / "gone"
        for name in ("", "run", "bank.id", "ledger/public", "keyd"):
            equal((data / name).stat().st_mode, (old / name).stat().st_mode,
                  f"the mode of {name}")
            equal((data / name).stat().st_uid, (old / name).stat().st_uid,
                  f"the owner of {name}")
        equal(state(conf, *words), "open")
        for card in old.glob("*.card"):
            card.rename(data / card.name)
        shutil.rmtree(old)
    conf = ETC / "strongroom.conf"
    contains(command("strongroomctl", "-c", conf, "certify"),
             f"{ETC}/bank-key opens the keys")
    contains(command("strongroomctl", "rotate", "log-key"),
             "systemctl enable --now strongroom.socket")


@scenario
def given_a_user_when_founded_then_the_bank_is_theirs():
    command("useradd", "--create-home", "clara")
    home = Path(command("getent", "passwd", "clara").split(":")[5])
    as_clara = ["runuser", "-u", "clara", "--", "env", "-u",
                "XDG_CONFIG_HOME", "-u", "XDG_DATA_HOME"]
    # until she has one of her own she means the machine's
    contains(command(*as_clara, "strongroomctl", "doctor", code=2),
             "/etc/strongroom/strongroom.conf")
    said = command(*as_clara, "strongroomctl", "init", "--name", "Club",
                   "--listen", "127.0.0.1:7430", cwd="/",
                   stdin=subprocess.DEVNULL)
    contains(said, "systemctl --user enable --now strongroom.socket")
    conf = home / ".config/strongroom/strongroom.conf"
    equal(settings(conf)["data"], str(home / ".local/share/strongroom"))
    equal(conf.parent.stat().st_mode & 0o777, 0o700)
    check(not (SOCKETS / "strongroom.socket.d").exists(), "not the machine's")
    contains((home / ".config/systemd/user/strongroom.socket.d/listen.conf")
             .read_text(), "ListenStream=127.0.0.1:7430\n")
    equal(state(conf, user="clara"), "open")
    where = Path(tempfile.mkdtemp(dir=home))
    shutil.chown(where, "clara")
    backup, kept = backed_up_and_lost(
        where, conf, home / ".local/share/strongroom", *as_clara,
        "strongroomctl", user="clara")
    kept.chmod(0o644)
    contains(command(*as_clara, "strongroomctl", "restore", "--anchor", kept,
                     backup),
             "Start it:  systemctl --user enable --now strongroom.socket")
    equal(state(conf, user="clara"), "open")
    elsewhere = home / "x"
    words = [*as_clara, f"XDG_CONFIG_HOME={elsewhere}/c",
             f"XDG_DATA_HOME={elsewhere}/d", "strongroomctl", "init"]
    command(*words, "--unit", "HOUR:2", "--listen", "127.0.0.1:7431", cwd="/",
            stdin=subprocess.DEVNULL)
    check((elsewhere / "c/strongroom/bank-key").exists(), "XDG_CONFIG_HOME")
    check((elsewhere / "d/strongroom/bank.id").exists(), "XDG_DATA_HOME")
    # a path that is not absolute does not count; root does not look there
    contains(command(*as_clara, "XDG_CONFIG_HOME=c", "XDG_DATA_HOME=d",
                     "strongroomctl", "init", code=USAGE, cwd="/"),
             str(home / ".local/share/strongroom"))
    contains(command("env", f"XDG_CONFIG_HOME={elsewhere}/c",
                     f"HOME={home}", "strongroomctl", "init", code=USAGE),
             "/var/lib/strongroom:")


@scenario
def given_a_terminal_when_founded_then_name_and_unit_are_asked_for():
    words = ["/usr/local/bin/strongroomctl", "init", "--listen",
             "127.0.0.1:7423", "--instance"]
    beside = [*words[:3], "127.0.0.1:7424", "--instance"]
    with Terminal([*words, "asked"], dict(os.environ)) as screen:
        screen.expect("Name of the bank, which stays for ever "
                      "[Bank of asked]: ")
        screen.type("Our Bank")
        screen.expect("decimals, which stays for ever [EUR:2]: ")
        screen.type("HOUR:1")
        equal(screen.end(), DONE)
    bank = Path("/var/lib/strongroom-asked/bank.id").read_text()
    contains(bank, "Our Bank")
    contains(bank, "HOUR")
    equal(settings(ETC / "asked/strongroom.conf")["name"], "Our Bank")
    with Terminal([*beside, "taken"], dict(os.environ)) as screen:
        screen.expect("[Bank of taken]: ")
        screen.type("")
        screen.expect("[EUR:2]: ")
        screen.type("")
        equal(screen.end(), DONE)
    equal(settings(ETC / "taken/strongroom.conf")["name"], "Bank of taken")


if __name__ == "__main__":
    in_a_machine(__file__)
