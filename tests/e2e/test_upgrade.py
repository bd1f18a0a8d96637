#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600 root-only
"""
Banks of every version that ever had files of its own (tests/fixtures), read by
the programs of today: verified, started, gone on with; their customers'
passwords, recovery codes, cards and kept orders, their backups.  A fixture is
never made anew and never left out: who has such files has a bank in them.
"""
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, DECLINED, DONE, INTACT,  # noqa: E402
                      TOP, UNKNOWN, WRONG_PASSWORD)
from lib.fixture import Fixture, ledger_of, tree_hash  # noqa: E402
from lib.scenario import (check, contains, equal, run,  # noqa: E402
                          scenario, wait_until)


def alike(told, expected):
    """Without fields that were not there yet."""
    if isinstance(told, dict):
        return {name: alike(value, expected[name])
                for name, value in told.items() if name in expected}
    if isinstance(told, list) and len(told) == len(expected):
        return [alike(*pair) for pair in zip(told, expected)]
    return told


class Story(Fixture):
    """What is promised of each of them."""

    def when_it_is_verified_then_it_is_intact_and_left_alone(self):
        self.unpack()
        bank, expected = self.bank, self.expected
        before = tree_hash(bank.directory)
        bank.verify("--since", bank.base / "since").ends(INTACT)
        facts = bank.verify(*self.disclosed("disclosure"),
                            "--json").ends(ANCHORED).json()
        equal({name: facts[name] for name in expected["audit"]},
              expected["audit"], "what the auditor is told")
        equal(len(facts["restores"]), expected["restores"], "the restores")
        equal(tree_hash(bank.directory), before, "the bank's files")
        equal((bank.ledger / "public/checkpoint").read_text().splitlines()[:3],
              expected["checkpoint"], "the head")

    def when_its_backup_is_tried_then_it_is_whole(self):
        bank, expected = self.bank, self.expected
        before = tree_hash(bank.base / "backup", bank.directory)
        said = bank.ctl("restore", "--check", "--json",
                        bank.base / "backup").json()
        equal((said["entries"], said["accounts"], said["holds"],
               said["sum_minor"], said["checked_only"]),
              (expected["tree_size"], expected["accounts"],
               len(expected["holds"]), 0, True))
        equal(tree_hash(bank.base / "backup", bank.directory), before,
              "backup and bank")

    def when_it_starts_then_everybody_has_what_they_had(self):
        bank, expected = self.bank, self.expected
        # a certificate is for 730 days, a fixture for ever
        not_after_ms = int.from_bytes(self.certificate()[56:64], "little")
        if not_after_ms < time.time() * 1000:
            bank.ctl("certify").ends(DONE)
        bank.start()
        status = bank.status()
        check(status["open"] and
              status["tree_size"] >= expected["tree_size"], str(status))
        equal((status["accounts"], status["late_posts"]),
              (expected["accounts"], expected["late_posts"]))
        for name, person in self.people.items():
            equal(self.account(name, state="fresh"),
                  (person["balance_minor"], person["held_minor"]), name)
            equal(self.rows(name, state="fresh"), person["statement"],
                  f"the statement of {name}")
        equal([(hold["leaf"], hold["amount_minor"], hold["customer"])
               for hold in self.holds()],
              [(hold["leaf"], hold["amount_minor"], hold["customer"])
               for hold in expected["holds"]], "the open holds")

    def when_operators_look_then_rules_and_roles_are_as_they_were(self):
        if "ledger" not in self.expected:
            return
        expected = dict(self.expected["ledger"])
        told = alike(ledger_of(self.bank, expected["limits"]), expected)
        asked, waits = expected.pop("requests"), told.pop("requests")
        equal(told, expected, "what operators see")
        # a day later nobody approves what was asked for
        now_ms = time.time() * 1000
        if all(line["expires_ms"] > now_ms + 60000 for line in asked):
            equal(waits, asked, "what waits")
        elif all(line["expires_ms"] < now_ms for line in asked):
            equal(waits, [], "what is too old")
            self.operator(2, "approve", str(asked[0]["request"])).ends(
                DECLINED, "can be approved")

    def operator(self, number, *words):
        return self.bank.ctl(
            "--as", self.bank.directory / f"operator-{number}.card", *words)

    def both(self, *words):
        return int(self.bank.ctl(*self.bank.operators(),
                                 *words).ends(DONE).out)

    def when_an_erased_one_comes_then_nobody_knows_that_name(self):
        bank = self.bank
        for name, was in self.expected.get("erased", {}).items():
            bank.atm(name, "balance", password=was["password"]).ends(
                WRONG_PASSWORD)
            bank.atm(name, "--new-password-fd", "0", "recover",
                     password=f"{was['code']}\nanother").ends(WRONG_PASSWORD)
            bank.atm("ada", "transfer", name, "1.00").ends(
                DECLINED, "nobody here has that name")
            # the name is free, and whoever takes it begins with nothing
            bank.register(name, "one who comes later", state="later")
            equal(self.account(name, state="later"), (0, 0), name)
            equal(bank.statement(name, state="later"), [], name)
            bank.atm(name, "balance", password=was["password"],
                     state="fresh").ends(WRONG_PASSWORD)

    def certificate(self):
        return (self.bank.ledger / "public/certificates").read_bytes()[-256:]

    def when_an_old_device_comes_back_then_its_doubt_is_resolved(self):
        bank = self.bank
        orders = list(bank.state_home("ada").rglob("order-ada-*"))
        check(len(orders) >= 2, "ada has kept no orders")
        said = bank.atm("ada", "transfer", "bob", "7.00", "--id", "DOUBT")
        contains(said.ends(DONE).out, "booked before; not again")
        said = bank.atm("ada", "transfer", "bob", "12.50", "--memo", "pizza",
                        "--id", "K1")
        if self.expected.get("retired"):
            self.look_into_retired_doubt(said)
        else:
            contains(said.ends(DONE).out, "booked before; not again")
        equal(self.account("ada"), (self.people["ada"]["balance_minor"],
                                    self.people["ada"]["held_minor"]))

    def look_into_retired_doubt(self, said):
        """Whether it was booked nobody can tell: so it is never sent twice,
        and keeps nobody out."""
        bank = self.bank
        said.ends(UNKNOWN, "has this order, booked or declined", "retired")
        bank.atm("ada", "transfer", "bob", "12.50", "--memo", "pizza", "--id",
                 "K1").ends(UNKNOWN, "retired its records")
        kept, = bank.state_home("ada").rglob(
            f"order-ada-{b'K1'.ljust(16, bytes(1)).hex()}")
        bytes_of_it = kept.read_bytes()
        kept.write_bytes(bytes_of_it[:8] + b"\0" + bytes_of_it[9:])
        bank.atm("ada", "balance").ends(
            DONE, "was in doubt: the bank has it, booked or declined")
        equal(kept.read_bytes(), bytes_of_it, "the order that is kept")

    def when_its_atm_starts_then_the_open_withdrawal_is_settled(self):
        bank = self.bank
        # whoever is refused waits some seconds before that is said
        with ThreadPoolExecutor(1) as meanwhile:
            revoked = meanwhile.submit(
                bank.atm, "bob", "balance", terminal=self.card("attic"),
                state="attic")
            self.settle()
        revoked.result().ends(DECLINED, "revoked")

    def settle(self):
        bank = self.bank
        said = bank.atm("bob", "balance", terminal=self.card("lobby"),
                        state="kiosk").ends(DONE)
        contains(said.err, "withdrawal of 25.00 EUR is booked")
        equal(self.holds(), [], "the open holds")
        equal(self.account("dora"),
              (self.people["dora"]["balance_minor"] - 2500, 0), "dora's")
        check(not list(bank.state_home("kiosk").rglob("till-lobby")),
              "the till's journal is still there")

    def when_people_go_on_then_all_that_is_new_is_booked(self):
        bank = self.bank
        before = {name: person["balance_minor"] - 2500 * (name == "dora")
                  for name, person in self.people.items()}
        bank.deposit(self.card("hall"), "cleo", "5.00", state="hall")
        bank.transfer("bob", "dora", "1.00")
        bank.atm("ada", "withdraw", "10.00", terminal=self.card("lobby"),
                 state="kiosk").ends(DONE)
        bank.atm("cleo", "--new-password-fd", "0", "recover",
                 password=f"{self.people['cleo']['code']}\nthird").ends(DONE)
        bank.passwords["cleo"] = "third"
        bank.atm("bob", "rekey").ends(DONE)
        bank.transfer("bob", "dora", "1.00")
        bank.register("erna")
        bank.deposit(bank.enrol("porch"), "erna", "3.00")
        self.after = {"ada": before["ada"] - 1000, "bob": before["bob"] - 200,
                      "cleo": before["cleo"] + 500,
                      "dora": before["dora"] + 200, "erna": 300}

    def when_payments_are_undone_then_only_those_of_today(self):
        """Which postings can be undone must be the same for who starts from
        a snapshot of that version and for who reads the log from leaf 0."""
        bank, tried, undo = self.bank, 0, self.expected.get("undo")
        if undo is not None:
            self.undo_what_was_open(undo)
        for name in self.people if undo is None else ():
            for line in bank.statement(name, 100)[::12]:
                if line["kind"] == "transfer" and line["amount_minor"] > 0 \
                        and line["leaf"] < self.expected["tree_size"]:
                    bank.atm(name, "undo", str(line["leaf"])).ends(
                        DECLINED, "can be undone any more")
                    tried += 1
        check(tried > 0 or undo, "nobody was ever paid")
        bank.transfer("bob", "dora", "1.00")
        leaf = bank.statement("dora", 1)[0]["leaf"]
        bank.atm("dora", "undo", str(leaf)).ends(DONE)
        self.look_after("after what was undone")

    def undo_what_was_open(self, undo):
        bank = self.bank
        if self.expected.get("retired"):
            for entry in undo.values():
                bank.atm("dora", "undo", str(entry)).ends(
                    DECLINED, "retired its records")
            return
        bank.atm("dora", "undo", str(undo["undone"])).ends(
            DECLINED, "undone or reversed already")
        before = self.account("bob")[0], self.account("dora")[0]
        bank.atm("dora", "undo", str(undo["open"])).ends(DONE)
        for name, was, minor in zip(("bob", "dora"), before, (150, -150)):
            equal(self.account(name)[0], was + minor, name)
            self.after[name] += minor
        bank.atm("dora", "undo", str(undo["open"])).ends(
            DECLINED, "undone or reversed already")

    def when_every_kind_is_ordered_then_it_is_booked(self):
        bank = self.bank
        nina, karl = bank.base / "nina.card", bank.base / "karl.card"
        self.both("role", "set", "nina", "teller", "--max", "90", "--out",
                  nina)
        self.both("role", "set", "karl", "operator", "--out", karl)
        for name in ("gina", "hugo"):
            bank.register(name)
        bank.till(nina, "in", "gina", "20.00").ends(DONE)
        entry = bank.till(nina, "in", "hugo", "2.00", "--json").json()["leaf"]
        bank.till(nina, "undo", str(entry)).ends(DONE)
        bank.till(nina, "count", "--counted", "19.00", "-y").ends(DONE)
        bank.till(nina, "close", "--counted", "19.00").ends(DONE)
        bank.till(nina, "open", "--counted", "25.00", "-y").ends(DONE)
        self.both("till", "cash-out", "nina", "5.00", "--memo", "evening")
        self.both("issue", "hugo", "6.00", "--memo", "welcome")
        entry = self.both("adjust", "hugo", "/over-short", "1.00", "--memo",
                          "the till")
        self.both("reverse", str(entry), "--memo", "it was not his")
        bank.atm("gina", "account", "open", "fair").ends(DONE)
        bank.atm("gina", "transfer", "self", "3.00", "--to",
                 "fair").ends(DONE)
        self.operator(1, "account", "freeze", "gina").ends(DONE)
        bank.atm("gina", "transfer", "hugo", "1.00").ends(DECLINED, "frozen")
        self.both("account", "unfreeze", "gina")
        self.operator(2, "account", "limits", "gina", "--day-limit",
                      "50").ends(DONE)
        self.both("account", "limits", "gina", "--floor", "-10")
        self.both("policy", "--day-limit", "200")
        bank.transfer("gina", "hugo", "20.00")
        equal(self.account("gina"), (-300, 0), "gina's")
        entry = bank.statement("hugo", 1)[0]["leaf"]
        bank.atm("hugo", "undo", str(entry)).ends(DONE)
        bank.atm("gina", "transfer", "self", "3.00", "--from",
                 "fair").ends(DONE)
        bank.atm("gina", "account", "close", "fair").ends(DONE)
        bank.transfer("gina", "hugo", "20.00")
        bank.atm("gina", "account", "close", "main").ends(DONE)
        bank.atm("gina", "account", "erase", "--yes").ends(DONE)
        self.operator(1, "role", "revoke", "karl").ends(DONE)
        self.operator(1, "role", "revoke", "nina").ends(DONE)
        self.after["hugo"] = 2600

    def look_after(self, when):
        equal({name: self.account(name) for name in self.after},
              {name: (minor, 0) for name, minor in self.after.items()}, when)

    def when_it_is_killed_then_old_and_new_are_there(self):
        bank = self.bank
        bank.kill()
        bank.start()
        self.look_after("after a kill")
        self.disclose("today", self.expected.get("retired", 0))
        bank.ctl("backup", bank.base / "backup").ends(DONE)
        bank.stop()
        bank.verify(*self.disclosed("today")).ends(ANCHORED)
        bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)
        bank.ctl("certify").ends(DONE)
        bank.start()
        equal(self.account("erna"), (300, 0), "after a new certificate")
        bank.stop()

    def when_its_certified_past_is_retired_then_today_is_all_that_counts(self):
        """An auditor signed it under that version."""
        if self.expected.get("retired") != 0:
            return
        bank = self.bank
        bank.start()
        said = bank.ctl("retire", "--dry-run", "--json").json()
        equal((said["snapshot"], said["first_segment"]), (2, 0), "the offer")
        self.both("retire")
        wait_until(lambda: not bank.ask("ledgerd", "retention_get")[1]["busy"],
                   "the segments to go", 60)
        gone = said["last_segment"] + 1
        equal(len(list(bank.ledger.glob("segment/*.leaves"))), gone,
              "retired segments")
        bank.kill()
        bank.start()
        self.look_after("after what was retired")
        self.disclose("rest", gone)
        bank.ctl("backup", bank.base / "backup").ends(DONE)
        bank.stop()
        bank.verify(*self.disclosed("rest"), "--certified",
                    bank.base / "paper").ends(ANCHORED)
        bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)

    def disclose(self, name, gone):
        """All but what is retired, and the books that the rest begins with."""
        self.bank.ctl("disclose", "--segments", f"{gone}-",
                      *(("--snapshot", "2") if gone else ()), "--to", "clara",
                      "--out", self.bank.base / name).ends(DONE)


STEPS = [step for name, step in vars(Story).items()
         if name.startswith("when_")]


def promise(fixture, step):
    def story():
        step(fixture)
    story.__name__ = f"given_files_of_{fixture.name}_{step.__name__}"
    scenario(story)


@scenario
def given_the_tree_then_every_version_has_its_fixture():
    """None is ever taken away, whatever comes later."""
    for name in ("v1", "v2", "v3", "v4", "v5", "v6"):
        check((TOP / f"tests/fixtures/{name}/bank.tar.xz").exists(),
              f"{name} is missing")


for one in sorted((TOP / "tests/fixtures").glob("v*/")):
    its = Story(one)
    for one_step in STEPS:
        promise(its, one_step)

if __name__ == "__main__":
    run()
