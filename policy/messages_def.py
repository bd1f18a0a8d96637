# SPDX-License-Identifier: ISC
"""
Reads policy/messages.def, the one list of what the rooms may say to each
other.  One statement a line; '#' starts a comment, a backslash at the end of
a line joins the next one:

    message NAME NUMBER         number 1..255, unique per sender and receiver
      from ROOM[,ROOM] to ROOM[,ROOM]
                                client netd keyd ledgerd monitor control;
                                each with each but itself
      when PHASE[,PHASE]...     phases of the receiver: init open
                                restore, or any
                                (not enforced by client and control)
      does SENTENCE             what it is for
      budget none SENTENCE      to keyd: no limit, and why none is needed
      budget each|some NAME N SENTENCE
                                to keyd: at most N in an hour; each one is
                                counted before keyd looks at it, or some by
                                keyd's own code; NAME is of common/refusal.h
      u8|u16|u32|u64|i64 FIELD SENTENCE
      bytes N FIELD SENTENCE    exactly N bytes
      data N FIELD SENTENCE     0 to N bytes after their u16 length

It must never guess: whatever it does not understand is an error with the
number of the line.
"""
import re

ROOMS = ("client", "netd", "keyd", "ledgerd", "monitor", "control")
PHASES = ("init", "open", "restore")
INTEGERS = {"u8": ("uint8_t", 1), "u16": ("uint16_t", 2),
            "u32": ("uint32_t", 4), "u64": ("uint64_t", 8),
            "i64": ("int64_t", 8)}
HEADER_LEN = 4
PACKET_MAX = 65536
# Smaller for who speaks inside another message: a client inside a record,
# control inside control_request and control_answer.
INSIDE_MAX = {"client": 16640, "control": 8192}
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")
KEYWORDS = set("""auto break case char const continue default do double else
    enum extern float for goto if inline int long register restrict return
    short signed sizeof static struct switch typedef union unsigned void
    volatile while bool true false asm typeof""".split())


class Wrong(Exception):
    """What is wrong, and in which line."""


class Field:
    def __init__(self, kind, size, name, sentence):
        self.kind, self.size, self.name = kind, size, name
        self.sentence = sentence

    def least(self):
        if self.kind in INTEGERS:
            return INTEGERS[self.kind][1]
        return self.size if self.kind == "bytes" else 2

    def most(self):
        return self.least() + (self.size if self.kind == "data" else 0)


class Budget:
    def __init__(self, each, name, most, sentence):
        self.each, self.name, self.most = each, name, most
        self.sentence = sentence


class Message:
    def __init__(self, name, number, line):
        self.name, self.number, self.line = name, number, line
        self.senders = self.receivers = ()
        self.does = None
        self.phases = ()
        self.fields = []
        self.budgets = []

    def links(self):
        return [(sender, receiver) for sender in self.senders
                for receiver in self.receivers if sender != receiver]

    def least(self):
        return sum(field.least() for field in self.fields)

    def most(self):
        return sum(field.most() for field in self.fields)


def statements(text):
    """Yields (line number, words) of each statement."""
    joined, start = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        line = re.sub(r"(^|\s)#.*", "", line).rstrip()
        start = start if joined else number
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        words = (joined + line).split()
        joined = ""
        if words:
            yield start, words
    if joined:
        raise Wrong(f"line {start}: nothing follows the backslash")


def number_of(word, least, most, what):
    if not re.match(r"[0-9]+\Z", word) or not least <= int(word) <= most:
        raise Wrong(f"{what} must be a number from {least} to {most},"
                    f" not '{word}'")
    return int(word)


def identifier_of(word, what):
    if not IDENTIFIER.match(word) or word in KEYWORDS:
        raise Wrong(f"'{word}' cannot be the name of a {what}")
    return word


def sentence_of(words):
    sentence = " ".join(words)
    if not sentence:
        raise Wrong("a sentence is missing")
    if "*/" in sentence or "/*" in sentence or '"' in sentence \
            or "\\" in sentence:
        raise Wrong("a sentence may not contain comment marks, double quotes"
                    " or backslashes")
    return sentence


def read_from(message, words):
    if message.senders:
        raise Wrong("'from' stands twice")
    if len(words) != 4 or words[2] != "to":
        raise Wrong("expected 'from ROOM[,ROOM] to ROOM[,ROOM]'")
    for rooms in (words[1].split(","), words[3].split(",")):
        for room in rooms:
            if room not in ROOMS:
                raise Wrong(f"there is no room '{room}'")
            if rooms.count(room) > 1:
                raise Wrong(f"the room '{room}' stands twice")
    message.senders = tuple(words[1].split(","))
    message.receivers = tuple(words[3].split(","))
    if not message.links():
        raise Wrong("a room does not write to itself")


def read_when(message, words):
    if message.phases:
        raise Wrong("'when' stands twice")
    phases = " ".join(words[1:]).replace(",", " ").split()
    if not phases:
        raise Wrong("expected 'when PHASE[,PHASE]...'")
    for phase in phases:
        if phase not in PHASES + ("any",) or phases.count(phase) > 1 \
                or (phase == "any" and len(phases) > 1):
            raise Wrong(f"'{phase}' is not a phase here")
    message.phases = PHASES if phases == ["any"] else tuple(phases)


def read_field(message, words):
    kind, rest, size = words[0], words[1:], 0
    if kind in ("bytes", "data"):
        if not rest:
            raise Wrong("the number of bytes is missing")
        size = number_of(rest[0], 1, 65535, "the number of bytes")
        rest = rest[1:]
    if not rest:
        raise Wrong("the name of the field is missing")
    name = identifier_of(rest[0], "field")
    taken = {field.name for field in message.fields}
    taken |= {field.name + "_len" for field in message.fields
              if field.kind == "data"}
    if name in taken or (kind == "data" and name + "_len" in taken):
        raise Wrong(f"the field '{name}' stands twice")
    message.fields.append(Field(kind, size, name, sentence_of(rest[1:])))


def read_budget(message, words):
    if words[1:2] == ["none"]:
        message.budgets.append(Budget(False, None, 0, sentence_of(words[2:])))
    elif words[1:2] in (["each"], ["some"]) and len(words) > 3:
        name = identifier_of(words[2], "budget")
        if name in [budget.name for budget in message.budgets]:
            raise Wrong(f"the budget '{name}' stands twice")
        message.budgets.append(Budget(
            words[1] == "each", name,
            number_of(words[3], 1, 1000000, "a budget"),
            sentence_of(words[4:])))
    else:
        raise Wrong("expected 'budget none SENTENCE' or 'budget each|some"
                    " NAME N SENTENCE'")
    if len(message.budgets) > 1 and None in [b.name for b in message.budgets]:
        raise Wrong("'budget none' stands beside another")


def read_line(message, words):
    if words[0] == "from":
        read_from(message, words)
    elif words[0] == "when":
        read_when(message, words)
    elif words[0] == "does":
        if message.does:
            raise Wrong("'does' stands twice")
        message.does = sentence_of(words[1:])
    elif words[0] == "budget":
        read_budget(message, words)
    elif words[0] in INTEGERS or words[0] in ("bytes", "data"):
        read_field(message, words)
    else:
        raise Wrong(f"the word '{words[0]}' is unknown")


def check(message):
    if not message.senders:
        raise Wrong(f"{message.name}: 'from' is missing")
    if not message.does:
        raise Wrong(f"{message.name}: 'does' is missing")
    if not message.phases:
        raise Wrong(f"{message.name}: 'when' is missing")
    if "keyd" in message.receivers and not message.budgets:
        raise Wrong(f"{message.name}: 'budget' is missing: how often may keyd"
                    " be asked that?")
    if message.budgets and "keyd" not in message.receivers:
        raise Wrong(f"{message.name}: a budget is for messages to keyd")
    most = min(INSIDE_MAX.get(room, PACKET_MAX)
               for room in message.senders + message.receivers)
    if message.most() > most - HEADER_LEN:
        raise Wrong(f"{message.name}: {message.most()} bytes do not fit into"
                    f" a packet of {most}")


def read(text):
    messages = []
    number = 0
    try:
        for number, words in statements(text):
            if words[0] == "message":
                if len(words) != 3:
                    raise Wrong("expected 'message NAME NUMBER'")
                name = identifier_of(words[1], "message")
                messages.append(Message(
                    name, number_of(words[2], 1, 255, "a message's number"),
                    number))
            elif not messages:
                raise Wrong("expected 'message NAME NUMBER' first")
            else:
                read_line(messages[-1], words)
        seen = {}
        for message in messages:
            number = message.line
            check(message)
            for key in [message.name] + [link + (message.number,)
                                         for link in message.links()]:
                if key in seen:
                    raise Wrong(f"{message.name}: name or number was taken in"
                                f" line {seen[key]}")
                seen[key] = message.line
    except Wrong as wrong:
        where = str(wrong)
        raise Wrong(where if where.startswith("line ")
                    else f"line {number}: {where}") from None
    return messages
