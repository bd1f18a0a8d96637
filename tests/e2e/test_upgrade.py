#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""
Banks of every version that ever had files of its own (tests/fixtures), read by
the programs of today: verified, started, gone on with; their customers'
passwords, recovery codes, cards and kept orders, their backups.  A fixture is
never made anew and never left out: who has such files has a bank in them.
"""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import (ANCHORED, DECLINED, DONE, INTACT,  # noqa: E402
                      TOP)
from lib.fixture import Fixture, tree_hash  # noqa: E402
from lib.scenario import check, contains, equal, run, scenario  # noqa: E402


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

    def certificate(self):
        return (self.bank.ledger / "public/certificates").read_bytes()[-256:]

    def when_an_old_device_comes_back_then_its_doubt_is_resolved(self):
        bank = self.bank
        orders = list(bank.state_home("ada").rglob("order-ada-*"))
        check(len(orders) >= 2, "ada has kept no orders")
        said = bank.atm("ada", "transfer", "bob", "7.00", "--id", "DOUBT")
        contains(said.ends(DONE).out, "booked before; not again")
        said = bank.atm("ada", "transfer", "bob", "12.50", "--memo", "pizza",
                        "--id", "K1").ends(DONE)
        contains(said.out, "booked before; not again")
        equal(self.account("ada"), (self.people["ada"]["balance_minor"],
                                    self.people["ada"]["held_minor"]))

    def when_its_atm_starts_then_the_open_withdrawal_is_settled(self):
        bank = self.bank
        said = bank.atm("bob", "balance", terminal=self.card("lobby"),
                        state="kiosk").ends(DONE)
        contains(said.err, "withdrawal of 25.00 EUR is booked")
        equal(self.holds(), [], "the open holds")
        equal(self.account("dora"),
              (self.people["dora"]["balance_minor"] - 2500, 0), "dora's")
        check(not list(bank.state_home("kiosk").rglob("till-lobby")),
              "the till's journal is still there")
        bank.atm("bob", "balance", terminal=self.card("attic"),
                 state="attic").ends(DECLINED, "revoked")

    def when_people_go_on_then_all_that_is_new_is_booked(self):
        bank = self.bank
        before = {name: self.account(name)[0] for name in self.people}
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
        self.look_after("at once")

    def when_payments_are_undone_then_only_those_of_today(self):
        """Which postings can be undone must be the same for who starts from
        a snapshot of that version and for who reads the log from leaf 0."""
        bank, tried = self.bank, 0
        for name in self.people:
            for line in bank.statement(name, 100):
                if line["kind"] == "transfer" and line["amount_minor"] > 0 \
                        and line["leaf"] < self.expected["tree_size"]:
                    bank.atm(name, "undo", str(line["leaf"])).ends(
                        DECLINED, "can be undone any more")
                    tried += 1
        check(tried > 0, "nobody was ever paid")
        bank.transfer("bob", "dora", "1.00")
        leaf = bank.statement("dora", 1)[0]["leaf"]
        bank.atm("dora", "undo", str(leaf)).ends(DONE)
        self.look_after("after what was undone")

    def look_after(self, when):
        equal({name: self.account(name) for name in self.after},
              {name: (minor, 0) for name, minor in self.after.items()}, when)

    def when_it_is_killed_then_old_and_new_are_there(self):
        bank = self.bank
        bank.kill()
        bank.start()
        self.look_after("after a kill")
        bank.ctl("disclose", "--segments", "0-", "--to", "clara", "--out",
                 bank.base / "today").ends(DONE)
        bank.ctl("backup", bank.base / "backup").ends(DONE)
        bank.stop()
        bank.verify(*self.disclosed("today")).ends(ANCHORED)
        bank.ctl("restore", "--check", bank.base / "backup").ends(DONE)
        bank.ctl("certify").ends(DONE)
        bank.start()
        self.look_after("after a new certificate")
        bank.stop()


STEPS = [step for name, step in vars(Story).items()
         if name.startswith("when_")]


def promise(fixture, step):
    def story():
        step(fixture)
    story.__name__ = f"given_files_of_{fixture.name}_{step.__name__}"
    scenario(story)


@scenario
def given_the_tree_then_every_version_has_its_fixture():
    """The first is never taken away, whatever comes later."""
    check((TOP / "tests/fixtures/v1/bank.tar.xz").exists(), "v1 is missing")


for one in sorted((TOP / "tests/fixtures").glob("v*/")):
    its = Story(one)
    for one_step in STEPS:
        promise(its, one_step)

if __name__ == "__main__":
    run()
