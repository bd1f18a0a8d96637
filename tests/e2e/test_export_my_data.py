#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
`atm export-my-data': what a customer gets is all of it, adds up, is what its
index says, and holds nothing that opens the account; and it is there as a
whole or not at all.  Read again here with what Python has for each format.
"""
import csv
import hashlib
import json
import re
import resource
import signal
import stat
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (DONE, UNREACHABLE, USAGE, WRONG_PASSWORD,  # noqa: E402
                      Bank, run_program)
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, skip)
from lib.session import Session  # noqa: E402
from lib.terminal import Terminal  # noqa: E402

PAID = 260              # more than a page of a statement holds
MEMO = 'rent; "november", \\ €'
bank = lobby = where = None
code = None             # ada's recovery code


def export(user, directory, **options):
    return bank.atm(user, "export-my-data", directory, **options)


def read(directory):
    """The index and each file's bytes, which are as the index says."""
    equal(stat.S_IMODE(directory.stat().st_mode), 0o700, "the directory")
    index = json.loads((directory / "index.json").read_text())
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    equal(sorted(found), sorted([entry["file"] for entry in index["files"]] +
                                ["index.json"]), "the files")
    for path in directory.iterdir():
        equal(stat.S_IMODE(path.stat().st_mode), 0o600, path.name)
    for entry in index["files"]:
        data = found[entry["file"]]
        equal(len(data), entry["bytes"], entry["file"])
        equal(hashlib.sha256(data).hexdigest(), entry["sha256"],
              entry["file"])
    return index, found


def nothing_beside(directory):
    equal([path.name for path in directory.parent.iterdir()
           if path.name.startswith(directory.name + ".")], [],
          "what is left beside it")


def adds_up(statement, rows):
    """A statement from the first line on, in both forms."""
    balance = 0
    equal((statement["from"], statement["opening_minor"]), (None, 0))
    equal([rows[1][2], rows[1][7], rows[-1][2]],
          ["opening", "0.00", "closing"])
    equal(len(rows), len(statement["lines"]) + 3, "the rows")
    for line, row in zip(statement["lines"], rows[2:-1]):
        balance += line["amount_minor"]
        equal(line["balance_minor"], balance, f"after #{line['leaf']}")
        equal((row[0], row[1], Decimal(row[6]) * 100, Decimal(row[7]) * 100),
              (str(line["leaf"]), line["time"], line["amount_minor"],
               balance))
    leaves = [line["leaf"] for line in statement["lines"]]
    equal(leaves, sorted(set(leaves)), "the leaves")
    equal((statement["closing_minor"], Decimal(rows[-1][7]) * 100),
          (balance, balance), "the closing balance")
    return balance


@scenario
def given_two_accounts_when_exported_then_all_is_there_and_adds_up():
    global bank, lobby, where, code
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    code = bank.register("ada").out
    bank.register("bob")
    bank.deposit(lobby, "ada", "500.00")
    bank.atm("ada", "account", "open", "savings").ends(DONE)
    bank.atm("ada", "transfer", "self", "40.00", "--to", "savings").ends(DONE)
    with Session(bank, "ada") as session:
        for _ in range(PAID // 20):
            equal(session.burst(20, "@bob", 1)["booked"], 20, "booked")
    bank.transfer("ada", "bob", "12.34", "--memo", MEMO, "--id", "K1")
    where = bank.base / "mine"
    said = export("ada", where).ends(DONE)
    contains(said.out, f"9 files in {where}")
    equal(said.err, "", "progress without a terminal")
    nothing_beside(where)
    index, found = read(where)
    equal((index["v"], index["complete"], index["missing"]), (1, True, []))
    told = bank.atm("ada", "account", "list", "--json").json_lines()
    accounts = json.loads(found["accounts.json"])
    equal([dict(one, v=1) for one in accounts["accounts"]], told)
    equal(sorted(one["label"] for one in told), ["main", "savings"])
    for account in told:
        name = f"statement-{account['number']}"
        statement = json.loads(found[f"{name}.json"])
        rows = list(csv.reader(found[f"{name}.csv"].decode().splitlines(),
                               strict=True))
        equal(statement["number"], account["number"])
        equal(adds_up(statement, rows), account["balance_minor"],
              account["label"])
        for entry in index["files"]:
            if entry["file"].startswith(name):
                equal((entry["number"], entry["lines"]),
                      (account["number"], len(statement["lines"])))
        if account["label"] == "main":
            check(len(statement["lines"]) > PAID, "lines are missing")
            check(MEMO in [line["memo"] for line in statement["lines"]],
                  "the memo is not there")


@scenario
def given_an_export_when_the_profile_is_read_then_it_is_the_customers():
    _, found = read(where)
    profile = json.loads(found["profile.json"])
    equal((profile["name"], profile["role"], profile["key_epoch"]),
          ("ada", "customer", 1))
    account = bank.atm("ada", "balance", "--json").json()["account"]
    equal(f"{profile['customer']}-0", account)
    attestation = bytes.fromhex(profile["attestation"])
    for key in ("signing_key", "message_key"):
        check(bytes.fromhex(profile[key]) in attestation,
              f"the {key} is not the attested one")
    pinned = re.findall(r"^(bank-id|identity|unit) = (.+)$",
                        bank.id.read_text(), re.M)
    equal(re.findall(r"^(bank-id|identity|unit) = (.+)$",
                     found["bank.id"].decode(), re.M), pinned)


@scenario
def given_orders_on_this_device_when_exported_then_they_are_among_it():
    _, found = read(where)
    orders = json.loads(found["orders.json"])["orders"]
    mine = [order for order in orders
            if order["kind"] == "transfer" and order["amount_minor"] == 1234]
    equal(len(mine), 1, "the transfer")
    equal((mine[0]["answered"], mine[0]["lost"]), (True, False))
    equal(bytes.fromhex(mine[0]["attachment"]).decode(), MEMO)
    equal(bytes.fromhex(mine[0]["reference"]).rstrip(b"\0"), b"K1")
    equal((len(mine[0]["order"]), len(mine[0]["signature"])), (416, 128))


@scenario
def given_an_export_when_searched_then_nothing_in_it_opens_the_account():
    index, found = read(where)
    spelled = re.search(r"(?:[0-9A-Z]{5}-){7}[0-9A-Z]{5}", code).group()
    state = next(path for path in bank.base.rglob("token-ada"))
    secrets = [bank.passwords["ada"].encode(), spelled.encode(),
               spelled.replace("-", "").encode(), state.read_bytes(),
               state.read_bytes().hex().encode()]
    for name, data in found.items():
        for secret in secrets:
            check(secret not in data, f"a secret is in {name}")
    said = {one["what"]: one["why"] for one in index["not_included"]}
    for what in ("password and recovery code", "secret keys",
                 "the time of registration"):
        check(said.get(what), f"{what}: not said why it is not there")


@scenario
def given_something_there_when_exported_then_it_is_refused_untouched():
    before = {path.name: path.read_bytes() for path in where.iterdir()}
    export("ada", where).ends(USAGE, "File exists")
    equal({path.name: path.read_bytes() for path in where.iterdir()}, before)
    empty, dangling = bank.base / "empty", bank.base / "dangling"
    empty.mkdir()
    dangling.symlink_to(bank.base / "nowhere")
    for place in (empty, f"{empty}/", dangling, bank.id):
        # before a password is asked for: none is right here
        export("ada", place, password="wrong").ends(USAGE, "File exists")
    equal(list(empty.iterdir()), [])
    nothing_beside(empty)
    bank.atm("ada", "export-my-data").ends(USAGE, "export-my-data DIRECTORY")


@scenario
def given_a_place_that_takes_no_files_when_exported_then_it_says_so():
    def short_of_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

    place = bank.base / "full"
    said = export("ada", place, preexec_fn=short_of_room)
    check(said.code not in (DONE, USAGE), said)
    contains(said.err, "statement-")
    contains(said.err, "File too large")
    contains(said.err, f"nothing was written to {place}")
    check(not place.exists(), "a part of it is there")
    nothing_beside(place)
    for directory in ("/proc/mine", f"{bank.id}/mine", "no/such/place"):
        said = export("ada", directory)
        check(said.code not in (DONE, USAGE), said)
        contains(said.err, f"{directory}: ")
    export("ada", place, password="wrong").ends(WRONG_PASSWORD)
    nothing_beside(place)


@scenario
def given_a_full_or_read_only_disk_when_exported_then_it_says_so():
    if not bank.namespaces:
        skip("this machine gives no namespace to mount in")
    disk = bank.base / "disk"
    disk.mkdir()
    for options, code, why in (
            ("size=16k", UNREACHABLE, "No space left on device"),
            ("ro", UNREACHABLE, "Read-only file system")):
        said = run_program(
            ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o "$1" none'
             ' "$2"; at=$2; shift 2; "$@"; code=$?; ls -A "$at"; exit $code',
             "sh", options, disk,
             *bank.atm_words("ada", "--password-fd", "0", "export-my-data",
                             disk / "mine")],
            give=bank.passwords["ada"] + "\n", env=bank.environment("ada"))
        said.ends(code, f"{disk}/mine", why)
        equal(said.out, "", "what is left there")


@scenario
def given_a_terminal_when_exported_then_progress_is_shown_there():
    place = bank.base / "watched"
    with Terminal(bank.atm_words("ada", "export-my-data", place),
                  bank.environment("ada")) as screen:
        screen.expect("Password: ")
        screen.type(bank.passwords["ada"])
        screen.expect(" entries")
        screen.expect("9 files in ")
        equal(screen.end(), DONE)
    read(place)


@scenario
def given_a_closed_account_when_exported_then_it_is_there_until_erased():
    bank.register("ida")
    bank.deposit(lobby, "ida", "1.00")
    bank.transfer("ida", "bob", "1.00", "--memo", "the last one")
    bank.atm("ida", "account", "close", "main").ends(DONE)
    place = bank.base / "hers"
    said = export("ida", place, terminal=None).ends(DONE)
    contains(said.out, str(place))
    index, found = read(place)
    account = json.loads(found["accounts.json"])["accounts"][0]
    equal((account["status"], account["balance_minor"]), ("closed", 0))
    statement = json.loads(found[f"statement-{account['number']}.json"])
    equal([line["amount_minor"] for line in statement["lines"]
           if line["amount_minor"] != 0], [100, -100])
    said = bank.atm("ida", "export-my-data", bank.base / "again",
                    "--json").json()
    equal(said, {"v": 1, "directory": str(bank.base / "again"),
                 "files": len(index["files"]) + 1})
    bank.atm("ida", "account", "erase", "--yes").ends(DONE)
    export("ida", bank.base / "late").ends(WRONG_PASSWORD)


if __name__ == "__main__":
    run()
