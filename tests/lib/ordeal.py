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
from lib.scenario import check, equal, wait_until
from lib.traffic import Traffic

TARGETS = ("strongroomd", "netd", "keyd", "ledgerd", "all")
FLOAT = 10000           # of each account in the beginning, minor units
STARTS_OF_NETD = 9      # strongroomd ends at the eleventh within a minute
ORDERS_BETWEEN = 60


class Ordeal:
    """dice: a random.Random; kind: Bank, or one of its kinds."""

    def __init__(self, dice, payers=4, kind=Bank, **settings):
        self.dice = dice
        settings = {"ledgerd_segment_size": "256K", **settings}
        self.bank = kind.found(**settings).start()
        self.card = self.bank.enrol("lobby", "10000.00")
        self.names = [f"pay-{number}" for number in range(payers)]
        for name in self.names:
            self.bank.register(name)
            self.bank.deposit(self.card, name, "100.00")
        self.traffic = Traffic(self.bank, self.names, self.names,
                               dice.randrange(10000))
        self.book = Acknowledged(self.traffic, FLOAT * payers)
        self.netd_deaths = 0        # since strongroomd was started
        self.start_s = 0.1          # what a start took
        self.fallen = dict.fromkeys(TARGETS, 0)

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
        if self.dice.randrange(5) == 0:
            self.bank.launch(wait=False)
            # at any moment of the start, which no event marks
            time.sleep(self.dice.random() * self.start_s)
            self.fallen["all"] += 1
            self.end_bank("all")
            self.look_at_disk()
        began = time.monotonic()
        self.bank.start()
        self.start_s = time.monotonic() - began
        self.netd_deaths = 0

    # ---- What must hold ----------------------------------------------------

    def look_at_disk(self):
        """Nobody runs: what does the log hold?"""
        result = self.bank.verify("--json")
        try:
            result.ends(INTACT)
        finally:
            if '"entries":' in result.out:
                self.book.on_disk(json.loads(result.out)["entries"])

    def look_at_statements(self, before):
        """Each payer's next session finds all that it was told, once."""
        def all_read():
            self.book.take()
            self.traffic.check_alive()
            return all(self.book.reads[name] > before[name]
                       for name in self.names)

        wait_until(all_read, "a session of each payer", 60)
        self.book.check()

    def end(self):
        """The whole of it once more, by the programs that people use; the
        number of acknowledged orders."""
        self.traffic.wait_for(each=1)
        self.traffic.end()
        self.book.check()
        acknowledged = self.traffic.count([self.card])
        equal(acknowledged, len(self.book.told), "acknowledged orders")
        before = [self.bank.balance(name) for name in self.names]
        self.end_bank("all")
        self.bank.start()
        equal([self.bank.balance(name) for name in self.names], before,
              "the balances")
        self.bank.stop()
        self.look_at_disk()
        return acknowledged

    def close(self):
        """Ends what runs; for the one that comes next."""
        self.traffic.kill()
        self.bank.close()
        self.bank.remove()
