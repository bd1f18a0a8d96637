#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=240 root-only
"""
The manual against the programs: the EXAMPLES of each page are typed and must
do what the page says; options, keys, messages and errors are those that are
there; tables of bytes add up.

An example ends with 0 unless the sentence before it names another exit
status.  Lines below a command that do not begin with "$ " are what it prints.
"""
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ATM, CTL, MONITOR, TOP, VERIFY,  # noqa: E402
                      Bank, free_port, run_program, temporary_directory)
from lib.scenario import (Failure, check, contains, equal, run,  # noqa: E402
                          scenario)
from lib.typed import Typist, password_of  # noqa: E402

MAN = TOP / "man"
ESCAPES = ((r"\e", "\\"), (r"\(dq", '"'), (r"\(em", "\u2014"), (r"\&", ""),
           (r"\-", "-"))


def page_of(name):
    return (MAN / name).read_text()


def plain(line):
    for escape, character in ESCAPES:
        line = line.replace(escape, character)
    return line


def section(page, title):
    found = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page,
                      re.M | re.S)
    check(found, f"there is no section {title}")
    return found.group(1)


class Example:
    def __init__(self, command, intro):
        self.command, self.prints = command, []
        status = re.search(r"exit\s+status\s+(\d+)", intro)
        self.status = int(status.group(1)) if status else 0


def examples_of(page):
    """The commands of the section EXAMPLES with what they print."""
    found, intro, block, used = [], "", False, False
    for line in section(page, "EXAMPLES").splitlines():
        if line.startswith(".Bd"):
            block = True
        elif line.startswith(".Ed"):
            block = False
        elif line.startswith(".Dl ") or block:
            used = True
            line = plain(line[4:] if line.startswith(".Dl ") else line)
            if line.startswith("$ "):
                found.append(Example(line[2:], intro))
            elif found and found[-1].command.endswith("\\"):
                found[-1].command = found[-1].command[:-1] + line.strip()
            elif found:
                found[-1].prints.append(line)
        elif line != ".Pp":
            intro, used = line if used else f"{intro} {line}", False
    check(found, "there is no example")
    return found


def typed(typist, page, before=lambda command: None):
    for example in examples_of(page_of(page)):
        before(example.command)
        shown, code = typist.type(example.command)
        if code != example.status:
            raise Failure(f"{page}: {example.command} ended with {code}, not"
                          f" {example.status}: {shown!r}")
        for line in example.prints:
            check(typist.adapt(line) in shown.splitlines(),
                  f"{page}: {example.command} does not print {line!r}:"
                  f" {shown!r}")


def fresh():
    directory = temporary_directory()
    return Typist(directory, free_port())


# ---- The examples ----------------------------------------------------------

@scenario
def given_a_bank_when_the_examples_of_atm_are_typed_then_they_hold():
    bank = Bank.found()
    bank.start()
    typist = Typist(temporary_directory(), bank.port)
    shutil.copy(bank.enrol("lobby"), typist.directory / "lobby.card")
    shutil.copy(bank.id, typist.directory / "bank.id")
    (typist.directory / "p").write_text(password_of("ada") + "\n")

    def before(command):
        # Somebody whom ada can pay registers after ada, as customer 5.
        if "transfer bob" in command:
            bank.register("bob")

    typed(typist, "atm.1", before)
    bank.stop()


@scenario
def given_nothing_when_the_examples_of_strongroomctl_are_typed_then_they_hold():
    typist = fresh()

    def before(command):
        if command.endswith(" certify"):
            equal(typist.stop(), 0, "strongroomd's exit code")

    typed(typist, "strongroomctl.8", before)
    typist.stop()


@scenario
def given_a_new_bank_when_the_examples_of_strongroomd_are_typed_then_they_hold():
    typist = fresh()
    shown, code = typist.type(
        'strongroomctl init --dir bank --name "Our Bank" --unit EUR:2'
        " --listen 127.0.0.1:7420 --unlock passphrase-file:bank.passphrase")
    equal(code, 0, shown)
    typed(typist, "strongroomd.8")
    equal(typist.stop(), 0, "strongroomd's exit code")


@scenario
def given_a_ledger_when_the_examples_of_verify_are_typed_then_they_hold():
    bank = Bank.found()
    bank.start()
    bank.register("ada")
    typist = fresh()
    key = typist.directory / "clara.key"
    run_program([VERIFY, "keygen", "-o", key]).ends(0)
    bank.ctl(*bank.operators(), "auditor", "add", "clara",
             f"{key}.pub").ends(0)
    bank.atm("ada", "account", "open", "savings").ends(0)
    bank.atm("ada", "receipt", "-o",
             typist.directory / "rent.tlog-proof").ends(0)
    bank.ctl("disclose", "--segments", "0-0", "--to", "clara", "--out",
             typist.directory / "disclosure").ends(0)
    bank.stop()
    shutil.copy(bank.id, typist.directory / "bank.id")
    for part in ("ledger", "audit"):
        shutil.copytree(bank.directory / part, typist.directory / part)
    typed(typist, "strongroom-verify.1")


@scenario
def given_nothing_when_the_examples_of_the_overview_are_typed_then_they_hold():
    typist = fresh()
    typed(typist, "strongroom.7")
    typist.stop()


# ---- Options and keys ------------------------------------------------------

def options_agree(program, name):
    in_help = set(re.findall(r"--([a-z][a-z-]+)",
                             run_program([program, "--help"]).ends(0).out))
    in_page = set(re.findall(r"\bFl -([a-z][a-z-]+)", page_of(name)))
    equal(sorted(in_page), sorted(in_help), f"the options of {name}")


@scenario
def given_each_program_when_it_helps_then_its_page_has_the_same_options():
    for program, name in ((ATM, "atm.1"), (CTL, "strongroomctl.8"),
                          (VERIFY, "strongroom-verify.1"),
                          (MONITOR, "strongroomd.8")):
        options_agree(program, name)


@scenario
def given_each_program_when_it_helps_then_its_page_has_the_same_commands():
    for program, name, macro in ((ATM, "atm.1", "Ic"),
                                 (CTL, "strongroomctl.8", "Cm")):
        text = run_program([program, "--help"]).ends(0).out
        text = text[text.index("commands:"):text.index("\noptions")]
        in_help = set(re.findall(
            r"^  ([a-z]+(?: (?:add|revoke)\b)?)", text, re.M))
        listed = section(page_of(name), "DESCRIPTION")
        listed = listed[listed.index("The commands are:"):]
        listed = listed[:listed.index(".El\n")]
        in_page = set(re.findall(
            rf"^\.It {macro} ([a-z]+(?: (?:add|revoke)\b)?)", listed, re.M))
        equal(sorted(in_page), sorted(in_help), f"the commands of {name}")


def keys_of_page():
    found, where = {}, None
    for line in page_of("strongroom.conf.5").splitlines():
        if line.startswith(".Ss Section "):
            where = line.split()[-1]
        key = re.match(r"^\.It Cm (\S+) No =", line)
        if key:
            found.setdefault(where, []).append(key.group(1))
    return {(where, key) for where, keys in found.items() for key in keys}


def parse(text):
    """What strongroomctl says of that configuration; no bank runs there."""
    conf = temporary_directory() / "strongroom.conf"
    conf.write_text(text)
    return run_program([CTL, "-c", conf, "status"])


VALUES = {
    "name": "Our Bank", "data": ".", "listen": "127.0.0.1:7420",
    "max-connections": "10", "max-per-address": "10",
    "handshake-timeout-ms": "5000", "segment-size": "64K", "reserve": "1M",
    "session-idle": "60", "session-absolute": "600", "session-rekey": "60", "audit-log": "full",
    "registration": "invite", "passphrase-file": "p",
    "credential": "key", "ask": "yes", "locked": "yes", "namespaces": "on",
    "user-keyd": "1001", "user-netd": "1002", "user-ledgerd": "1003",
}


@scenario
def given_each_key_of_the_page_when_it_is_used_then_the_parser_takes_it():
    keys = keys_of_page()
    ways = {key for where, key in keys if where == "unlock"}
    for way in sorted(ways):    # exactly one of them
        text = "".join(
            f"[{where}]\n" + "".join(
                f"{key} = {VALUES[key]}\n" for at, key in sorted(keys)
                if at == where and (at != "unlock" or key == way))
            for where in sorted({where for where, _ in keys}))
        parse(text).ends(69)
    parse(text.replace("[bank]\n", "[bank]\nmotto = x\n")).ends(78, "motto")


@scenario
def given_each_key_of_the_parser_when_it_is_looked_up_then_the_page_has_it():
    table = (TOP / "common/config.c").read_text()
    table = re.search(r"\bkeys\[\] = \{(.*?)^\};", table, re.M | re.S)
    equal(sorted(keys_of_page()),
          sorted(re.findall(r'\{"([a-z]+)", "([a-z-]+)",', table.group(1))),
          "the keys of strongroom.conf(5)")


@scenario
def given_the_example_configuration_when_it_is_read_then_it_is_valid():
    text = section(page_of("strongroom.conf.5"), "EXAMPLES")
    text = re.search(r"^\.Bd.*?\n(.*?)^\.Ed", text, re.M | re.S).group(1)
    parse(text).ends(69)


# ---- The specifications ----------------------------------------------------

def messages_of_client():
    """Number and fields of each message between client and ledgerd."""
    found, name = {}, None
    for line in (TOP / "policy/messages.def").read_text().splitlines():
        words = line.split()
        if line.startswith("message "):
            name, number, fields, ends = words[1], words[2], [], set()
            found[name] = (number, fields, ends)
        elif words[:1] == ["from"]:
            ends.update(re.split(r"[ ,]", " ".join(words)))
        elif words and words[0] in ("u8", "u16", "u32", "u64", "i64"):
            fields.append((words[0], words[1]))
        elif words and words[0] in ("bytes", "data"):
            fields.append((f"{words[0]} {words[1]}", words[2]))
    return {name: (number, fields)
            for name, (number, fields, ends) in found.items()
            if "client" in ends}


@scenario
def given_the_messages_when_they_are_looked_up_then_the_page_has_their_fields():
    text = section(page_of("strongroom-protocol.7"), "MESSAGES")
    in_page = {}
    for item in re.split(r"^\.It ", text, flags=re.M)[1:]:
        head = re.match(r"Cm (\w+) No \((\d+),", item)
        fields = re.findall(
            r"^((?:u8|u16|u32|u64|i64|bytes \d+|data \d+))\s+(\w+)\s", item,
            re.M)
        in_page[head.group(1)] = (head.group(2), fields)
    equal(in_page, messages_of_client(), "messages of the page")


@scenario
def given_the_errors_when_they_are_looked_up_then_the_page_has_them():
    text = section(page_of("strongroom-protocol.7"), "ERROR NUMBERS")
    joined = re.sub(r"\n {9,}", " ", text)
    in_page = re.findall(r"^ *(\d+) +(\d+)  (.*)$", joined, re.M)
    in_code = re.findall(
        r'^ERROR\(\w+, (\d+), (\d+), "(.*)"\)$',
        (TOP / "common/errors.def").read_text(), re.M)
    equal(in_page, in_code, "errors of the page")


@scenario
def given_who_may_order_what_when_it_is_looked_up_then_the_page_has_it():
    numbers = dict(re.findall(r"^\t(ORDER_\w+) = (\d+),",
                              (TOP / "common/order.h").read_text(), re.M))
    may = {}
    for kind, role in re.findall(
            r"^MAY\((ORDER_\w+), ROLE_(\w+)\)$",
            (TOP / "policy/authority.def").read_text(), re.M):
        may.setdefault(int(numbers[kind]), set()).add(role.lower())
    text = section(page_of("strongroom-protocol.7"), "ORDERS")
    rows = text[text.index("kind                signed by"):]
    in_page = {}
    for row in rows[:rows.index(".Ed")].splitlines()[1:]:
        if row[:2].strip():
            number = int(row[:2])
        signers = in_page.setdefault(number, set())
        signers.update(re.findall(r"customer|terminal|teller|operator|auditor",
                                  row[20:39]))
    equal(in_page, may, "who signs what")


@scenario
def given_tables_of_bytes_when_they_are_added_then_there_is_no_gap():
    tables = 0
    for path in sorted(MAN.glob("*.[57]")):
        for table in re.findall(r"^offset size\n(.*?)^\.Ed", path.read_text(),
                                re.M | re.S):
            tables, at = tables + 1, 0
            for offset, size in re.findall(r"^ *(\d+) +(\d+)? {2,}\S", table,
                                           re.M):
                equal(int(offset), at, f"{path.name}: an offset")
                at += int(size or 0)
    check(tables >= 8, f"only {tables} tables were found")


@scenario
def given_the_pages_when_they_are_listed_then_each_has_its_sections():
    for path in sorted(MAN.glob("*.[1-8]")):
        text = path.read_text()
        for title in ("NAME", "DESCRIPTION", "SEE ALSO",
                      "SECURITY CONSIDERATIONS"):
            section(text, title)
        if path.suffix in (".1", ".8"):
            section(text, "EXIT STATUS")
        for name, number in re.findall(r"^\.Xr (\S+) (\d)", text, re.M):
            contains([p.name for p in MAN.iterdir()], f"{name}.{number}",
                     f"man/, to which {path.name} refers,")


if __name__ == "__main__":
    run()
