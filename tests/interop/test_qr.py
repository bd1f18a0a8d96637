#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# tests/run: limit=300 on-demand
"""
The QR codes of receipts and anchors, printed and on an 80x24 terminal (tmux),
read by ZBar: they hold what they say.
"""
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import qr  # noqa: E402
from lib.bank import (ANCHORED, CTL, DONE, VERIFY, Bank,  # noqa: E402
                      run_program)
from lib.scenario import (at_end, check, equal, run, scenario,  # noqa: E402
                          skip, wait_until)

bank = lobby = leaf = None
COLUMNS, LINES = 80, 24


def the_entry():
    """What the code of the receipt must hold: the bank as its checkpoint
    names it, the entry and the hash of its leaf as verify finds it."""
    path = bank.base / "receipt"
    if not path.exists():
        bank.atm("ada", "receipt", str(leaf), "-o", path).ends(DONE)
    facts = run_program([VERIFY, "--bank", bank.id, "--json", "receipt",
                         path]).ends(ANCHORED).json()
    origin = (bank.ledger / "public/checkpoint").read_text().split("/")
    return f"strongroom:{origin[1]}/{leaf}/{facts['leaf_hash']}".encode()


def on_screen(*words, **environment):
    """What tmux shows when that ends, with all that has gone by."""
    tmux = ["tmux", "-u", "-f", bank.base / "tmux.conf", "-S",
            bank.base / "tmux"]
    if not shutil.which("tmux"):
        skip("tmux is not installed")
    (bank.base / "tmux.conf").write_text(
        "set -g remain-on-exit on\nset -g default-terminal tmux-256color\n"
        "set -g history-limit 1000\n")
    settings = dict(bank.environment("ada"), LC_ALL="C.UTF-8", **environment)
    settings.pop("TMUX", None)

    def ask(*more):
        return run_program([*tmux, *more], env=settings)
    at_end(lambda: subprocess.run([*map(str, tmux), "kill-server"],
                                  capture_output=True, check=False))
    ask("new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), *map(
        str, words)).ends(0)
    wait_until(lambda: ask("display", "-p", "#{pane_dead}").out == "1\n",
               "the end of what runs in tmux", 60)
    shown = ask("capture-pane", "-p", "-e", "-N", "-S", "-").ends(0).out
    ask("kill-server")
    return shown


def receipt_words():
    password = bank.base / "password"
    password.write_text(bank.passwords["ada"] + "\n")
    password.chmod(0o600)
    return bank.atm_words("ada", "--password-file", password, "receipt",
                          str(leaf))


@scenario
def given_a_printed_receipt_when_its_code_is_read_then_it_is_that_entry():
    global bank, lobby, leaf
    bank = Bank.found().start()
    lobby = bank.enrol("lobby")
    for name in ("ada", "bob"):
        bank.register(name)
    bank.deposit(lobby, "ada", "100.00")
    leaf = bank.atm("ada", "transfer", "bob", "12.50", "--memo", "pizza",
                    "--json").json()["leaf"]
    text = bank.atm("ada", "receipt", str(leaf)).ends(DONE).out
    equal(qr.read(qr.paper(text)), [the_entry()])
    check(max(map(len, text.splitlines())) <= COLUMNS, text)


@scenario
def given_a_picture_without_a_corner_when_read_then_there_is_none():
    rows = qr.paper(bank.atm("ada", "receipt", str(leaf)).ends(DONE).out)
    equal(qr.read([row[:len(row) * 2 // 3] for row in rows]), [])


@scenario
def given_a_terminal_when_its_code_is_read_then_it_is_that_entry():
    shown = on_screen(*receipt_words())
    check("38;5;16" in shown, "no colours")
    for ink, ground in ((qr.WHITE, qr.BLACK), (qr.BLACK, qr.WHITE)):
        equal(qr.read(qr.screen(shown, ink, ground)), [the_entry()])


@scenario
def given_a_dark_terminal_without_colours_when_read_then_the_same():
    shown = on_screen(*receipt_words(), NO_COLOR="1")
    check("38;5" not in shown, "colours")
    equal(qr.read(qr.screen(shown, qr.WHITE, qr.BLACK)), [the_entry()])


@scenario
def given_an_anchor_when_its_code_is_read_then_it_is_the_checkpoint():
    bank.stop()
    anchor = (bank.ledger / "public/checkpoint").read_bytes()
    printed = bank.ctl("anchor", "--qr").ends(DONE).out
    equal(qr.read(qr.paper(printed)), [anchor])
    shown = on_screen(CTL, "-c", bank.conf, "anchor", "--qr")
    equal(qr.read(qr.screen(shown, qr.WHITE, qr.BLACK)), [anchor])


if __name__ == "__main__":
    if not qr.there():
        print("libzbar0 is not installed")
        sys.exit(77)
    run()
