# SPDX-License-Identifier: ISC
"""
A bank whose customers write what programs would obey into their memos, and
readers of what it exports that share nothing with the bank.

    day = Day()                     # a bank that has had it
    day.statement("ada", "csv")     # text
    day.books("hledger")            # the same, by an auditor with keys
    balances = plain_text(day.books("hledger"))
"""
import json
import re
from decimal import Decimal

from lib.bank import INTACT, VERIFY, Bank, run_program
from lib.scenario import Failure, check
from lib.session import Session

# Each would do something in one format or another.
MEMOS = (
    "pizza",
    '=HYPERLINK("http://evil.example";"x")', "+1", "-1", "@SUM(A1)", "  =1+1",
    "\uff1d1+1", "'=1", 'a;=1+1;"=1"', "a,b,c", '"', '""', "'",
    "; Assets:Cash  1000.00 EUR", "x  ; y", "x  1000.00 EUR",
    ":tag:", "date: 1999-01-01", "date2:1999-01-01", "[1999-01-01]",
    "[=1999-01-01]", "Payee: eve", "amount:: 1000", "Value:: 1000", "a | b",
    "{10.00 EUR}", "@@ 1 EUR", "= 0 EUR", "#tag ^link", "\\", "\\n\\\"",
    "{{= 7*7 }}", "</MEMO></STMTTRN>", "&amp;&#10;<!-- ", "]]>", "<![CDATA[",
    "include /etc/passwd", "~ monthly", "* (7) forged", "! x", "(x) [y]",
    "%s%n", "\u00fc\u20ac\U0001f600", "\uffff", "x" * 256,
)
AMOUNT = re.compile(r"^(-?)(\d+)\.(\d\d) EUR$")


class Day:
    def __init__(self, memos=MEMOS):
        self.bank = bank = Bank.found()
        bank.start()
        self.card = bank.enrol("lobby")
        for name in ("ada", "bob"):
            bank.register(name)
        self.key = bank.base / "clara.key"
        run_program([VERIFY, "keygen", "-o", self.key]).ends(0)
        bank.ctl(*bank.operators(), "auditor", "add", "clara",
                 f"{self.key}.pub").ends(0)
        bank.deposit(self.card, "ada", "500.00", "--memo", "'cash'")
        with Session(bank, "ada") as ada:
            for number, memo in enumerate(memos):
                ada.booked(credit="@bob", amount=100 + number,
                           attachment=memo.encode().hex())
        bank.transfer("bob", "ada", "0.01")
        bank.atm("bob", "withdraw", "5.00", terminal=self.card).ends(0)
        self.memos = memos
        self.keys = bank.base / "disclosure"
        bank.ctl("disclose", "--segments", "0-0", "--to", "clara", "--out",
                 self.keys).ends(0)

    def busy(self):
        """Then money moves in every other way that there is, too."""
        bank, both = self.bank, self.bank.operators()
        bank.atm("ada", "account", "open", "savings").ends(0)
        bank.transfer("ada", "self", "10.00", "--to", "savings",
                      "--memo", "; own")
        bank.transfer("ada", "self", "4.00", "--from", "savings")
        paid = bank.transfer("ada", "bob", "3.00", "--json").json()["leaf"]
        bank.atm("bob", "undo", str(paid)).ends(0)
        issued = bank.ctl(*both, "issue", "bob", "7.00", "--memo",
                          "=made").ends(0).out.strip()
        bank.ctl(*both, "reverse", issued, "--memo", "+unmade").ends(0)
        bank.ctl(*both, "adjust", "/over-short", "bob", "2.50", "--memo",
                 "date: 1999-01-01").ends(0)
        bank.atm(None, "till", "count", "--counted", "496.00", "--yes",
                 terminal=self.card).ends(0)
        bank.atm("bob", "withdraw", "1.00", terminal=self.card).ends(0)
        self.keys.unlink()
        bank.ctl("disclose", "--segments", "0-0", "--to", "clara", "--out",
                 self.keys).ends(0)

    def balances(self):
        """By verify's JSON lines: account, as the journals name it, to
        balance, as these count it."""
        found = {}
        for line in map(json.loads, self.books("json").splitlines()):
            if line["type"] == "balance" and line["posted"] != 0:
                found[name_of(line["account"])] = \
                    -Decimal(line["posted"]) / 100
        return found

    def statement(self, name, form, *more):
        """What statement --out writes; it is what goes to stdout, too."""
        path = self.bank.base / f"{name}.{form}"
        path.unlink(missing_ok=True)
        said = self.bank.atm(name, "statement", "--format", form, "--out",
                             path, *more).ends(0)
        check(said.out == "", f"it says {said.out!r}")
        check(path.stat().st_mode & 0o777 == 0o600, "its mode is not 0600")
        return path.read_bytes().decode()

    def books(self, form, code=INTACT):
        path = self.bank.base / f"books.{form}"
        path.unlink(missing_ok=True)
        run_program([VERIFY, "--bank", self.bank.id, "--keys", self.keys,
                     "--auditor-key", self.key, "--export", path, "--format",
                     form, self.bank.ledger]).ends(code)
        return path.read_bytes().decode()


def name_of(account):
    """As common/account_number.h has it, written once more."""
    customer, index = account >> 16, account & 0xffff
    if customer == 0:
        return {1: "Equity:Issue", 2: "Expenses:Over-Short"}[index]
    number = customer * 100 + index
    group = "Assets:Tills" if index == 1 else "Liabilities:Customers"
    return f"{group}:{number}{98 - number * 100 % 97:02}"


def amount(text):
    found = AMOUNT.match(text)
    if not found:
        raise Failure(f"{text!r} is no amount")
    return Decimal(f"{found[1]}{found[2]}.{found[3]}")


def plain_text(text):
    """
    hledger's and ledger's journals as far as ours use them: account to
    balance.  Fails for any line that is none of ours, for a transaction that
    does not balance, and for a balance that is not the one asserted.
    """
    balances, declared, open_sum = {}, set(), Decimal(0)
    for line in text.split("\n"):
        posting = re.match(r"^    ([A-Z][A-Za-z0-9:-]+)  (.+?)(?: = (.+))?$",
                           line)
        if posting:
            account = posting[1]
            check(account in declared, f"{account} is not declared")
            balances[account] = balances.get(account, 0) + amount(posting[2])
            open_sum += amount(posting[2])
            if posting[3]:
                check(amount(posting[3]) == balances[account],
                      f"{line!r} asserts another balance than"
                      f" {balances[account]}")
            continue
        if line.startswith("    "):
            check(re.match(r"^    (; (kind|time-utc|refers-to|memo): .+"
                           r"|format 1000\.00 EUR)$", line),
                  f"{line!r} is no line of ours")
            continue
        check(open_sum == 0, f"before {line!r} it does not balance")
        if line.startswith("account "):
            declared.add(line.split(" ")[1])
            continue
        check(re.match(r"^($|; |tag [a-z-]+$|decimal-mark \.$|commodity "
                       r"(1000\.00 )?EUR$|\d{4}-\d\d-\d\d \* \(\d+\) [a-z-]+$)",
                       line), f"{line!r} is no line of ours")
    return balances


def memos(text):
    """The memos in a journal of hledger or ledger."""
    return re.findall(r"^    ; memo: (.*)$", text, re.M)


def narrow(text):
    """Full-width forms as what they stand for."""
    return "".join(chr(ord(c) - 0xfee0) if 0xff01 <= ord(c) <= 0xff5e else c
                   for c in text)


def falsified(text, rng):
    """One asserted balance is another by the smallest amount."""
    found = rng.choice(list(re.finditer(r" = -?\d+\.\d(\d)", text)))
    digit = str((int(found[1]) + 1) % 10)
    return text[:found.start(1)] + digit + text[found.end(1):]
