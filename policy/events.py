#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
events.py events.def DIRECTORY: writes events.h, events.c and the catalogue
strongroom.catalog from the list of events.  It must never guess: whatever it
does not understand is an error with the number of the line.
"""
import re
import sys
import textwrap
from pathlib import Path

ROOMS = {"monitor": "EVENT_MONITOR", "keyd": "EVENT_KEYD",
         "ledgerd": "EVENT_LEDGERD"}
KEYS = ("priority", "from", "subject", "text")
HEAD = re.compile(r"event ([a-z][a-z_]*) ([0-9a-f]{32})\Z")
FIELD = re.compile(r"@([A-Z_]*)@")


class Wrong(Exception):
    pass


class Event:
    def __init__(self, name, number):
        self.name, self.id, self.values = name, number, {}

    def check(self):
        for key in KEYS:
            if key not in self.values:
                raise Wrong(f"{self.name} has no {key}")
        if not re.fullmatch("[1-5]", self.values["priority"]):
            raise Wrong(f"{self.name}: the priority is not 1 to 5")
        if self.values["from"] not in ROOMS:
            raise Wrong(f"{self.name}: there is no such room")
        for field in FIELD.findall(self.values["text"]):
            if not field.startswith("STRONGROOM_"):
                raise Wrong(f"{self.name}: @{field}@ is no field of ours")


def read(text):
    """The events of a file; a text goes on in lines that are indented more."""
    events, key = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            head = HEAD.match(line)
            if head:
                events.append(Event(*head.groups()))
                key = None
            elif line.startswith("    ") and key == "text":
                events[-1].values[key] += " " + line.strip()
            elif re.match(r"  \w", line) and events:
                key, _, value = line.strip().partition(" ")
                if key not in KEYS or key in events[-1].values or not value:
                    raise Wrong(f"{key} is not known, empty or there twice")
                events[-1].values[key] = value.strip()
            else:
                raise Wrong("not understood")
        except Wrong as error:
            raise Wrong(f"line {number}: {error}") from None
    for event in events:
        event.check()
    for what in ("name", "id"):
        all_of = [getattr(event, what) for event in events]
        if len(set(all_of)) != len(all_of):
            raise Wrong(f"a {what} is there twice")
    return events


def header(events):
    kinds = "".join(f"\tEVENT_{event.name.upper()},\n" for event in events)
    return f"""/* Generated from policy/events.def; do not edit. */
#ifndef GEN_EVENTS_H
#define GEN_EVENTS_H

/* Who alone can tell of it. */
enum event_from {{ EVENT_MONITOR, EVENT_KEYD, EVENT_LEDGERD }};

/* By these numbers rooms tell them (the message room_event). */
enum event_kind {{
{kinds}\tEVENT_KINDS
}};

struct event_def {{
	const char *id; /* MESSAGE_ID: 32 hexadecimal digits */
	unsigned priority; /* of syslog: 1 alert to 5 notice */
	enum event_from from;
}};

extern const struct event_def event_defs[EVENT_KINDS];

#endif
"""


def table(events):
    rows = "".join(
        f'    [EVENT_{event.name.upper()}] = {{"{event.id}",'
        f' {event.values["priority"]}, {ROOMS[event.values["from"]]}}},\n'
        for event in events)
    return ("/* Generated from policy/events.def; do not edit. */\n"
            '#include "gen/events.h"\n\n'
            "const struct event_def event_defs[EVENT_KINDS] = {\n"
            f"{rows}}};\n")


def catalogue(events):
    out = ("# SPDX-License-Identifier: ISC\n"
           "# Generated from policy/events.def; do not edit.\n")
    for event in events:
        text = textwrap.fill(event.values["text"], 72, break_long_words=False,
                             break_on_hyphens=False)
        out += (f"\n-- {event.id}\n"
                f"Subject: {event.values['subject']}\n"
                "Defined-By: strongroom\n"
                "Documentation: man:strongroomd(8)\n\n"
                f"{text}\n")
    return out


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: events.py events.def DIRECTORY")
    directory = Path(sys.argv[2])
    try:
        events = read(Path(sys.argv[1]).read_text(encoding="ascii"))
    except Wrong as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    for name, text in (("events.h", header(events)),
                       ("events.c", table(events)),
                       ("strongroom.catalog", catalogue(events))):
        (directory / name).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
