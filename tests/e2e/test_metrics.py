#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=600
"""strongroomctl metrics: OpenMetrics text that a strict reader takes, and
whose numbers are those of what was done."""
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.bank import DONE, Bank  # noqa: E402
from lib.openmetrics import Wrong, parse  # noqa: E402
from lib.scenario import Failure, check, contains, equal, run  # noqa: E402
from lib.scenario import scenario, wait_until  # noqa: E402

bank = None

GOOD = """\
# TYPE a counter
# HELP a One \\"word\\".
a_total{b="c"} 1
a_total{b="d\\n\\"\\\\"} 2.5e1
# TYPE t_seconds histogram
# UNIT t_seconds seconds
t_seconds_bucket{le="0.5"} 1
t_seconds_bucket{le="+Inf"} 2
t_seconds_count 2
t_seconds_sum 0.75
# TYPE s stateset
s{s="on"} 1
s{s="off"} 0
# TYPE v info
v_info{version="1"} 1
# TYPE g gauge
g -3
# EOF
"""
# Each takes one thing of GOOD and makes it wrong.
BAD = (
    ("# EOF\n", ""), ("# EOF\n", "# EOF\n\n"), ("# EOF\n", "\n# EOF\n"),
    ("g -3", "g  -3"), ("g -3", "g -3 "), ("g -3", "g three"),
    ("g -3", "h -3"), ("g -3", "g"), ("g -3", "g_total 3"), ("g -3\n", "g 0x3\n"),
    ("g -3", "g -3\ng 4"), ("g -3", "g{b=c} 3"), ("g -3", 'g{b="c",} 3'),
    ("g -3", 'g{b="c",b="d"} 3'), ("g -3", 'g{__b="c"} 3'),
    ("g -3", 'g{b="\\x"} 3'), ("g -3", "g -3\n# HELP g later"),
    ("g -3", "g -3\n# TYPE a gauge"), ("# TYPE g gauge", "# TYPE g gouge"),
    ("# TYPE g gauge", "# TYPE g gauge\n# TYPE g gauge"),
    ("# TYPE g gauge", "# TIPE g gauge"), ("# TYPE g gauge", "#TYPE g gauge"),
    ("# TYPE g gauge", "# TYPE g gauge\n# UNIT g seconds"),
    ("# TYPE g gauge\ng -3", "# TYPE a_total gauge\na_total 3"),
    ("a_total{b=\"c\"} 1", "a_total{b=\"c\"} -1"),
    ("a_total{b=\"c\"} 1", "a{b=\"c\"} 1"),
    ("t_seconds_bucket{le=\"+Inf\"} 2\n", ""), ("t_seconds_count 2", "t_seconds_count 3"),
    ("t_seconds_bucket{le=\"0.5\"} 1", "t_seconds_bucket{le=\"0.5\"} 3"),
    ("t_seconds_bucket{le=\"0.5\"} 1", "t_seconds_bucket 1"),
    ("t_seconds_sum 0.75\n", ""), ("s{s=\"on\"} 1", "s{s=\"on\"} 2"),
    ("s{s=\"on\"} 1", "s{t=\"on\"} 1"), ("v_info{version=\"1\"} 1", "v_info{version=\"1\"} 2"),
)


def scrape():
    return parse(bank.ctl("metrics").ends(DONE).out)


def value(families, name, suffix="", **labels):
    return families["strongroom_" + name].value(suffix, **labels)


@scenario
def given_the_reader_when_one_thing_is_wrong_then_it_refuses():
    families = parse(GOOD)
    equal(families["a"].value("_total", b='d\n"\\'), 25.0)
    equal(families["t_seconds"].value("_sum"), 0.75)
    for good, bad in BAD:
        text = GOOD.replace(good, bad, 1)
        check(text != GOOD, f"{good!r} is not in the text")
        try:
            parse(text)
        except Wrong:
            continue
        raise Failure(f"with {bad!r} for {good!r} it is read")


@scenario
def given_a_new_bank_when_it_is_scraped_then_every_family_is_described():
    global bank
    bank = Bank.found().start()
    families = scrape()
    for name, family in families.items():
        check(name.startswith("strongroom_"), f"{name} is not ours")
        check("TYPE" in family.described, f"{name} lacks its type")
        check(family.described.get("HELP", "").endswith("."),
              f"{name} lacks a sentence")
    equal(value(families, "state", strongroom_state="open"), 1)
    equal(value(families, "state", strongroom_state="locked"), 0)
    equal(value(families, "people", role="operator"), 2)
    equal(families["strongroom_last_seconds"].samples, [], "never done")


@scenario
def given_orders_when_they_are_answered_then_each_is_counted_once():
    card = bank.enrol("lobby")
    bank.register("ada")
    bank.register("bob")
    before = scrape()
    bank.deposit(card, "ada", "10.00")
    bank.transfer("ada", "bob", "1.00", "--id", "once")
    bank.transfer("ada", "bob", "1.00", "--id", "once")
    bank.atm("ada", "transfer", "bob", "100.00").ends(1)
    after = scrape()

    def more(name, suffix="", **labels):
        try:
            old = value(before, name, suffix, **labels)
        except KeyError:
            old = 0
        return value(after, name, suffix, **labels) - old

    equal(more("orders", "_total", outcome="done"), 2, "orders done")
    equal(more("orders", "_total", outcome="funds"), 1, "orders declined")
    equal(more("orders_repeated", "_total"), 1, "orders that came again")
    commits = more("commit_seconds", "_count")
    check(commits >= 3, f"{commits} commits")
    check(more("commit_seconds", "_sum") > 0, "commits took no time")
    check(more("entries", "_total") >= 3, "entries")
    check(more("log_entries") >= 3, "entries signed")
    status = bank.status()
    equal(value(after, "people", role="customer"), 2, "customers")
    equal(value(after, "people", role="terminal"), 1, "terminals")
    equal(value(after, "accounts"), status["accounts"], "accounts")
    equal(value(after, "disk_reserve_bytes"), status["reserve_bytes"])
    check(value(after, "disk_free_bytes") > 0, "the disk is full")


@scenario
def given_wrong_passwords_when_scraped_then_the_attempt_is_counted():
    before = scrape()
    bank.atm("ada", "balance", password="not hers").ends(77)
    after = scrape()
    def more(name):
        return value(after, name, "_total") - value(before, name, "_total")

    equal(more("handshakes"), 1, "attempts")
    equal(more("handshakes_accepted"), 0, "log-ins that succeeded")
    before = after
    bank.atm("ada", "balance").ends(DONE)
    after = scrape()
    equal((more("handshakes"), more("handshakes_accepted")), (1, 1))


@scenario
def given_somebody_at_the_bank_when_scraped_then_the_session_is_there():
    # the bank hears of an end a little after the client has ended
    wait_until(lambda: value(scrape(), "sessions") == 0, "no session")
    with subprocess.Popen(
            bank.atm_words("ada", "--password-fd", "0"),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=bank.environment("ada")) as atm:
        atm.stdin.write((bank.passwords["ada"] + "\n").encode())
        atm.stdin.flush()
        wait_until(lambda: value(scrape(), "sessions") == 1,
                   "a session is counted", 60)
        atm.stdin.close()
        atm.wait()


@scenario
def given_a_backup_and_a_verification_when_scraped_then_it_says_when():
    size = bank.status()["tree_size"]
    begun = time.time()
    bank.ctl("backup", bank.base / "backup").ends(DONE)
    bank.ctl("verify").ends(DONE)
    families = scrape()
    for what in ("backup", "verified"):
        when = value(families, "last_seconds", what=what)
        check(begun - 1 <= when <= time.time() + 1, f"{what} at {when}")
        equal(value(families, "last_entries", what=what), size, what)
        equal(value(families, "last_good", what=what), 1, what)
    status = bank.status()
    equal(status["last_verified"]["entries"], size, "status")
    contains(bank.ctl("status").out, f" UTC, {size} entries")


@scenario
def given_all_that_is_printed_when_read_then_no_name_and_no_balance_is_in_it():
    text = bank.ctl("metrics").out
    for word in ("ada", "bob", "lobby", "operator-1"):
        check(f'"{word}"' not in text, f"{word} is in it")


@scenario
def given_a_locked_bank_when_scraped_then_it_is_whole_and_says_so():
    bank.ctl("lock").ends(DONE)
    families = scrape()
    equal(value(families, "state", strongroom_state="locked"), 1)
    equal(value(families, "state", strongroom_state="open"), 0)
    check("strongroom_orders" not in families, "who has counted orders?")
    equal(json.loads(bank.ctl("status", "--json").out)["state"], "locked")


@scenario
def given_a_stopped_bank_when_scraped_then_nothing_is_printed():
    bank.stop()
    equal(bank.ctl("metrics").ends(69).out, "", "the scrape")


if __name__ == "__main__":
    run()
