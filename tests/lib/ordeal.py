# SPDX-License-Identifier: ISC
"""
What a bank has to go through under load: kill -9 on each process and on all
at once, power cuts.  After each of them the log on disk holds every
acknowledged order before the bank starts, and every payer looks for its
orders in a new session afterwards.

    ordeal = Ordeal(random.Random(seed))
    for _ in range(50):
        ordeal.kill()
    ordeal.end()        # every statement once more, and strongroom-verify
"""
import json
import os
import signal
import time

from lib.acknowledged import Acknowledged
from lib.bank import INTACT, Bank, alive
from lib.disk import LOG_FLUSH, NO_LOG_FLUSH, PluggedBank
from lib.scenario import check, equal, wait_until
from lib.traffic import Traffic

TARGETS = ("strongroomd", "netd", "keyd", "ledgerd", "all")
FLOAT = 10000           # of each account in the beginning, minor units
STARTS_OF_NETD = 9      # strongroomd ends at the eleventh within a minute
ORDERS_BETWEEN = 60
UNREADABLE_CHECKPOINT = "/public/checkpoint is not a checkpoint"
# A log-in that a start's end cuts off counts as an attempt; five are free.
STARTS_KILLED = 4


class Ordeal:
    """dice: a random.Random; plug: on a disk of its own, for cut()."""

    def __init__(self, dice, payers=4, plug=False, segment=256 << 10):
        self.dice = dice
        self.bank = (PluggedBank if plug else Bank).found()
        self.bank.shorten_segments(segment).start()
        self.card = self.bank.enrol("lobby", "10000.00")
        self.names = [f"pay-{number}" for number in range(payers)]
        for name in self.names:
            self.bank.register(name)
            self.bank.deposit(self.card, name, "100.00")
        self.traffic = Traffic(self.bank, self.names, self.names,
                               dice.randrange(10000))
        self.book = Acknowledged(self.traffic, FLOAT * payers)
        self.starts_killed = 0
        self.netd_deaths = 0        # since strongroomd was started
        self.start_s = 0.1          # what a start took
        self.fallen = dict.fromkeys(TARGETS, 0)
        self.cuts, self.newcomers = 0, {}

    # ---- Falls -------------------------------------------------------------

    def run_on(self):
        """Everybody is in and pays; the fall comes at any of the next
        orders."""
        self.traffic.wait_for(each=1)
        self.traffic.wait_for(total=self.dice.randrange(ORDERS_BETWEEN))
        self.book.take()

    def kill(self, target=None):
        """One kill -9, and all that is looked at after it."""
        target = target or self.dice.choice(TARGETS)
        if target == "netd" and self.netd_deaths >= STARTS_OF_NETD:
            target = "all"
        self.run_on()
        self.fallen[target] += 1
        reads = dict(self.book.reads)
        if target == "netd":
            self.kill_netd()
        else:
            self.end_bank(target)
            self.look_at_disk()
            self.rise()
        self.look_at_statements(reads)

    def cut(self):
        """A power cut: whoever registered and was told so just before it is
        a customer after it, with the money that the till took."""
        self.run_on()
        self.cuts += 1
        name = f"new-{self.cuts}"
        reads = dict(self.book.reads)
        self.bank.register(name)
        if self.dice.randrange(2):
            self.bank.deposit(self.card, name, "1.00")
            self.newcomers[name] = 100
        else:
            self.newcomers[name] = 0
        self.pull_plug()
        if self.begin_start():
            self.cuts += 1
            self.pull_plug()
        self.start()
        equal(self.bank.balance(name), self.newcomers[name],
              f"the balance of {name}")
        self.look_at_statements(reads)

    def pull_plug(self):
        self.bank.cut(self.dice.choice((LOG_FLUSH, NO_LOG_FLUSH)))
        self.look_at_disk(cut=True)

    def kill_netd(self):
        """The bank goes on, with another netd."""
        old = self.bank.rooms()
        os.kill(old["netd"], signal.SIGKILL)
        wait_until(lambda: self.bank.process.poll() is not None
                   or self.bank.rooms().get("netd", old["netd"])
                   != old["netd"], "a new netd")
        check(self.bank.process.poll() is None,
              f"netd's death ended the bank: {self.bank.said()[-1000:]}")
        new = self.bank.rooms()
        equal((new["keyd"], new["ledgerd"]), (old["keyd"], old["ledgerd"]),
              "keyd and ledgerd")
        self.netd_deaths += 1

    def end_bank(self, target):
        """After that none of its processes is left."""
        rooms = self.bank.rooms()
        if target == "all":
            self.bank.kill()
        elif target == "strongroomd":
            process, self.bank.process = self.bank.process, None
            process.kill()
            process.wait()
        else:
            os.kill(rooms[target], signal.SIGKILL)
            check(self.bank.ended() != 0, f"exit code 0 without {target}")
        wait_until(lambda: not any(alive(pid, name)
                                   for name, pid in rooms.items()),
                   f"the end of all rooms without {target}")

    def rise(self):
        """As systemd would: again and again.  Some starts are killed, too."""
        if self.begin_start():
            self.fallen["all"] += 1
            self.end_bank("all")
            self.look_at_disk()
        self.start()

    def begin_start(self):
        """Now and then a start that will not come to its end."""
        if self.starts_killed >= STARTS_KILLED or self.dice.randrange(5) > 0:
            return False
        self.starts_killed += 1
        self.bank.launch(wait=False)
        # at any moment of the start, which no event marks
        time.sleep(self.dice.random() * self.start_s)
        return True

    def start(self):
        began = time.monotonic()
        self.bank.start()
        self.start_s = time.monotonic() - began
        self.netd_deaths = 0

    # ---- What must hold ----------------------------------------------------

    def look_at_disk(self, cut=False):
        """Nobody runs: what does the log hold?  After a cut the disk may know
        a rename and not what was written before it: public/checkpoint, which
        each start makes anew, is not synced and may be empty.  Then the
        statements after the start tell alone."""
        result = self.bank.verify("--json", limit_s=600)
        said = json.loads(result.out) if result.out else {}
        if cut and \
                UNREADABLE_CHECKPOINT in said.get("why", ""):
            return
        result.ends(INTACT)
        self.book.on_disk(said["entries"])

    def look_at_statements(self, before):
        """Each payer's next session finds all that it was told, once."""
        def all_read():
            self.book.take()
            self.traffic.check_alive()
            return all(self.book.reads[name] > before[name]
                       for name in self.names)

        wait_until(all_read, "a session of each payer", 60)
        self.book.check()

    def end(self, count=True):
        """The whole of it once more, by the programs that people use; the
        number of acknowledged orders.  Without count, when there are more
        than a statement has lines, only what is new."""
        self.traffic.wait_for(each=1)
        self.traffic.end()
        self.book.check()
        if count:
            self.count()
        before = self.balances()
        self.end_bank("all")
        self.bank.start()
        equal(self.balances(), before, "the balances")
        self.bank.stop()
        self.look_at_disk()
        return len(self.book.told)

    def balances(self):
        """From another device: the payers' keep all their orders, each in a
        file that the next run of atm would look at."""
        return [self.bank.balance(name, state="auditor")
                for name in self.names]

    def count(self):
        for name, balance in self.newcomers.items():
            equal(self.bank.balance(name), balance, f"the balance of {name}")
        self.traffic.accounts = (*self.names, *self.newcomers)
        equal(self.traffic.count([self.card]), len(self.book.told),
              "the number of acknowledged orders")

    def close(self):
        """Ends what runs; for the one that comes next."""
        self.traffic.kill()
        self.bank.close()
        self.bank.remove()
