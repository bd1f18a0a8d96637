# SPDX-License-Identifier: ISC
"""
A bank of an earlier day, as tests/fixtures/make has packed it: unpacked to a
fresh place, with a port of its own, given to whoever runs the test.
"""
import hashlib
import json
import os
import re
import tarfile

from lib.bank import (DONE, Bank, free_port, namespaces_available,
                      temporary_directory)


def tree_hash(*directories):
    """Names and bytes of everything in there."""
    digest = hashlib.sha256()
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            digest.update(f"{path.relative_to(directory)}\0".encode())
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def ledger_of(bank, names):
    """Roles, limits, tills, the policy and what waits, as operators see it;
    without what passes with time."""
    def told(*words):
        lines = bank.ctl("--as", bank.directory / "operator-1.card", *words,
                         "--json").ends(DONE).json_lines()
        for line in lines:
            line.pop("day_left_minor", None)
        return lines

    return {"roles": told("role", "list"), "accounts": told("account", "list"),
            "tills": told("till", "list"), "policy": told("policy"),
            "requests": told("requests"),
            "limits": {name: told("account", "show", name)
                       for name in sorted(names)}}


def rows_of(lines, columns):
    """A statement's lines; one that begins with what was carried forward has
    a row of that alone."""
    return [["carried forward", line["carried_forward_minor"]]
            if "carried_forward_minor" in line else
            [line[column] for column in columns] for line in lines]


class Fixture:
    """One of them, unpacked to a fresh place."""

    def __init__(self, directory):
        self.name = directory.name
        self.directory = directory
        self.expected = json.loads(
            (directory / "expected.json").read_text())
        self.people = self.expected["people"]
        self.bank = None

    def unpack(self):
        if Bank.namespaces is None:
            Bank.namespaces = namespaces_available()
        self.bank = bank = Bank(temporary_directory(), free_port())
        with tarfile.open(self.directory / "bank.tar.xz") as tar:
            tar.extractall(bank.base)
        for path in (bank.conf, bank.id):
            text = path.read_text()
            text = text.replace(self.expected["base"], str(bank.base))
            path.write_text(text.replace(self.expected["address"],
                                         bank.address))
        if not bank.namespaces:
            bank.configure("sandbox", "namespaces", "off")
        self.give_to_rooms()
        bank.passwords = {name: person["password"]
                          for name, person in self.people.items()}

    def give_to_rooms(self):
        """Who restores such files as root gives them to the rooms' users."""
        if os.geteuid() != 0:
            return
        users = {room: int(number) for room, number in re.findall(
            r"^user-(\w+) = (\d+)$", self.bank.conf.read_text(), re.M)}
        os.chown(self.bank.keyd, users["keyd"], users["keyd"])
        for top in (self.bank.ledger, self.bank.directory / "audit"):
            for path in (top, *top.rglob("*")):
                os.chown(path, users["ledgerd"], users["ledgerd"])

    def card(self, name):
        return self.bank.base / f"{name}.card"

    def disclosed(self, name):
        base = self.bank.base
        words = ["--since", base / "since", "--auditor-key",
                 base / "clara.key", "--keys", base / name]
        return words + (["--certified", base / "paper"]
                        if self.expected.get("retired") else [])

    def rows(self, name, **options):
        return rows_of(self.bank.statement(name, 200, **options),
                       self.expected["columns"])

    def account(self, name, **options):
        said = self.bank.atm(name, "balance", "--json", **options).json()
        return said["balance_minor"], said["held_minor"]

    def holds(self):
        return self.bank.ctl(
            "--as", self.bank.directory / "operator-1.card", "holds",
            "--json").ends(DONE).json_lines()
