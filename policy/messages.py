#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
messages.py DEFINITIONS DIRECTORY

Reads policy/messages.def (its syntax stands in messages_def.py) and writes C
into DIRECTORY: messages.h and messages.c (structs, encoders, decoders, a
table) and dispatch_ROOM.c (which message a room takes from whom, and when).
A message for which its receiver has no handler does not link; a message that
is not in the list cannot be sent.
"""
import sys
import textwrap
from pathlib import Path

from messages_def import HEADER_LEN, INTEGERS, PHASES, ROOMS, Wrong, read

RECEIVERS = ("netd", "keyd", "ledgerd", "monitor")
BANNER = "/* Made by policy/messages.py from policy/messages.def. */\n"


def comment(text, indent=""):
    lines = textwrap.wrap(text, 74 - 8 * len(indent))
    if len(lines) == 1:
        return f"{indent}/* {lines[0]} */\n"
    body = "".join(f"{indent} * {line}\n" for line in lines)
    return f"{indent}/*\n{body}{indent} */\n"


def phase_bits(message):
    return " | ".join("PHASE_" + p.upper() for p in message.phases)


def struct(message):
    out = comment(f"{message.name} ({message.number}),"
                  f" {', '.join(message.senders)} to"
                  f" {', '.join(message.receivers)}: {message.does}")
    out += f"struct message_{message.name} {{\n"
    for field in message.fields:
        out += comment(field.sentence, "\t")
        if field.kind in INTEGERS:
            out += f"\t{INTEGERS[field.kind][0]} {field.name};\n"
        elif field.kind == "bytes":
            out += f"\tuint8_t {field.name}[{field.size}];\n"
        else:
            out += (f"\tconst uint8_t *{field.name};\n"
                    f"\tsize_t {field.name}_len; /* at most {field.size} */\n")
    if not message.fields:
        out += "\tuint8_t nothing; /* the message has no fields */\n"
    return out + "};\n\n"


def encode_prototype(message):
    return (f"message_{message.name}_encode(struct writer *w,\n"
            f"    const struct message_{message.name} *m)")


def decode_prototype(message):
    return (f"message_{message.name}_decode(const uint8_t *body, size_t len,\n"
            f"    struct message_{message.name} *m)")


def encoder(message):
    limits = [f"m->{field.name}_len > {field.size}"
              for field in message.fields if field.kind == "data"]
    out = f"enum sr_error\n{encode_prototype(message)}\n{{\n"
    out += "\tconst struct writer before = *w;\n\n"
    if limits:
        out += ("\tif (" + " ||\n\t    ".join(limits) +
                ")\n\t\treturn SR_TOO_LARGE;\n")
    body_len = " + ".join(
        [str(message.least())] + [f"m->{field.name}_len"
                                  for field in message.fields
                                  if field.kind == "data"])
    if not message.fields:
        out += "\t(void)m;\n"
    out += (f"\twriter_u16(w, (uint16_t)({body_len}));\n"
            f"\twriter_u8(w, MESSAGE_{message.name.upper()});\n"
            f"\twriter_u8(w, 0);\n")
    for field in message.fields:
        if field.kind in INTEGERS:
            out += f"\twriter_{field.kind}(w, m->{field.name});\n"
        elif field.kind == "bytes":
            out += f"\twriter_bytes(w, m->{field.name}, {field.size});\n"
        else:
            out += (f"\twriter_u16(w, (uint16_t)m->{field.name}_len);\n"
                    f"\twriter_bytes(w, m->{field.name},"
                    f" m->{field.name}_len);\n")
    return out + "\treturn message_written(w, before);\n}\n\n"


def decoder(message):
    out = f"enum sr_error\n{decode_prototype(message)}\n{{\n"
    out += "\tstruct reader r = reader_of(body, len);\n\n"
    out += "\tmemset(m, 0, sizeof(*m));\n"
    for field in message.fields:
        if field.kind in INTEGERS:
            out += f"\tm->{field.name} = reader_{field.kind}(&r);\n"
        elif field.kind == "bytes":
            out += f"\treader_bytes(&r, m->{field.name}, {field.size});\n"
        else:
            out += (f"\tm->{field.name} = message_data(&r, {field.size},"
                    f" &m->{field.name}_len);\n")
    return out + ("\tif (reader_end(&r))\n\t\treturn SR_OK;\n"
                  "\tmemset(m, 0, sizeof(*m));\n"
                  "\treturn SR_MALFORMED;\n}\n\n")


def context(receiver, sender, names):
    """The parameters that say to whom a message comes."""
    out = f"struct {receiver} *" + (receiver if names else "")
    if sender == "client":
        out += ", struct session *" + ("session" if names else "")
    return out


def links(messages, receiver):
    """Who may send to receiver, and what."""
    pairs = [(sender, [m for m in messages
                       if (sender, receiver) in m.links()])
             for sender in ROOMS]
    return [(sender, taken) for sender, taken in pairs if taken]


HEADER_START = """
#ifndef GEN_MESSAGES_H
#define GEN_MESSAGES_H
/*
 * Every message between the rooms: its struct, its encoder and decoder, and
 * for each receiver the handlers that it must have.  On the wire a message is
 * body length u16 | type u8 | zero u8 | body, integers little-endian; a
 * packet holds one or more messages one after the other.
 *
 * message_X_encode() appends header and body.  SR_TOO_LARGE when data is
 * longer than its maximum or w has no room: w is then as it was.
 *
 * message_X_decode() takes a body to its last byte, SR_MALFORMED when it is
 * anything else (m is then all zeros).  Pointers in m point into the body.
 *
 * ROOM_dispatch_SENDER() takes a whole packet that came on the link from
 * SENDER while the room is in `phase` (one of enum message_phase), and calls
 * for each message ROOM_take_SENDER_X(); *m is wiped when that returns.  At
 * the first message that is malformed (SR_MALFORMED), not one that SENDER may
 * send, or not one for this phase (both SR_NOT_ALLOWED) it calls
 * ROOM_refuse_SENDER() with the type (0 when it has none) and drops the rest
 * of the packet.  Gives the number of messages taken.  A client's packet may
 * end in zeros.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"
#include "common/refusal.h"

"""


def header(messages):
    out = "/* SPDX-License-Identifier: ISC */\n" + BANNER.rstrip()
    out += HEADER_START
    for room in RECEIVERS + ("session",):
        out += f"struct {room};\n"
    out += "\nenum message_phase {\n"
    for i, phase in enumerate(PHASES):
        out += f"\tPHASE_{phase.upper()} = {1 << i},\n"
    out += "};\n\n/* The type in the header; unique per sender and receiver. */\n"
    out += "enum message_type {\n\tMESSAGE_NONE = 0,\n"
    for m in messages:
        out += f"\tMESSAGE_{m.name.upper()} = {m.number},\n"
    out += "};\n\n/* Bytes of header and body, at most. */\n"
    out += f"#define MESSAGE_HEADER_LEN {HEADER_LEN}\n"
    for m in messages:
        out += (f"#define MESSAGE_{m.name.upper()}_MAX"
                f" {HEADER_LEN + m.most()}\n")
    out += "\n/* How often in an hour keyd does what it is asked. */\n"
    for m in messages:
        for budget in m.budgets:
            if budget.name:
                out += (f"#define BUDGET_{budget.name.upper()}"
                        f" {budget.most}u\n")
    out += ("/* One more of it: SR_OK, or why not; keyd's own to define. */\n"
            "enum sr_error keyd_budget(\n"
            "    struct keyd *keyd, enum refusal budget, uint32_t most);\n")
    out += "\n/* The same as a table, for tests and documents. */\n"
    out += ("struct message_row {\n\tconst char *name;\n\tconst char *from;\n"
            "\tconst char *to;\n\tconst char *does;\n\tunsigned number;\n"
            "\tunsigned phases; /* of the receiver */\n"
            "\tsize_t body_min_len;\n\tsize_t body_max_len;\n};\n\n"
            "extern const struct message_row message_table[];\n"
            "extern const size_t message_table_count;\n\n")
    for m in messages:
        out += struct(m)
    for m in messages:
        out += f"enum sr_error {encode_prototype(m)};\n"
        out += f"enum sr_error {decode_prototype(m)};\n"
    for receiver in RECEIVERS:
        for sender, taken in links(messages, receiver):
            who = context(receiver, sender, False)
            out += f"\n/* {receiver}'s side of its link from {sender}. */\n"
            out += (f"unsigned {receiver}_dispatch_{sender}({who},"
                    f" unsigned phase,\n    const uint8_t *packet,"
                    f" size_t len);\n")
            out += (f"void {receiver}_refuse_{sender}({who}, unsigned type,\n"
                    f"    enum sr_error why);\n")
            for m in taken:
                out += (f"void {receiver}_take_{sender}_{m.name}({who},\n"
                        f"    const struct message_{m.name} *m);\n")
    return out + "\n#endif\n"


SOURCE_START = """/*
 * Encoders and decoders.  Each one goes through the bounded reader and writer
 * and leaves nothing half done.
 */
#include "gen/messages.h"

#include <string.h>

/* What an encoder returns: all of it is in w, or nothing is. */
static inline enum sr_error
message_written(struct writer *w, struct writer before)
{
	if (!w->bad)
		return SR_OK;
	*w = before;
	return SR_TOO_LARGE;
}

/* Bytes after their u16 length, which must not be above max. */
static inline const uint8_t *
message_data(struct reader *r, size_t max, size_t *len)
{
	*len = reader_u16(r);
	if (*len > max)
		r->bad = true;
	return reader_view(r, *len);
}

"""


def source(messages):
    out = "/* SPDX-License-Identifier: ISC */\n" + BANNER + SOURCE_START
    out += "const struct message_row message_table[] = {\n"
    for m in messages:
        out += (f'\t{{"{m.name}", "{",".join(m.senders)}",'
                f' "{",".join(m.receivers)}",\n'
                f'\t    "{m.does}",\n\t    {m.number}, {phase_bits(m)},'
                f" {m.least()}, {m.most()}}},\n")
    out += ("\t{NULL, NULL, NULL, NULL, 0, 0, 0, 0},\n};\n"
            f"const size_t message_table_count = {len(messages)};\n\n")
    return out + "".join(encoder(m) + decoder(m) for m in messages)


def spend(receiver, message):
    out = ""
    for budget in message.budgets if receiver == "keyd" else ():
        if budget.each:
            name = budget.name.upper()
            out += (f"\t\terror = keyd_budget(keyd, REFUSAL_{name},"
                    f" BUDGET_{name});\n"
                    f"\t\tif (error != SR_OK) {{\n"
                    f"\t\t\texplicit_bzero(&m, sizeof(m));\n"
                    f"\t\t\treturn error;\n\t\t}}\n")
    return out


def dispatcher(receiver, sender, taken):
    who = context(receiver, sender, True)
    hand = receiver + (", session" if sender == "client" else "")
    padded = "true" if sender == "client" else "false"
    out = (f"/* One message from {sender}: may it, now, and is it whole? */\n"
           f"static enum sr_error\n{receiver}_one_{sender}({who},"
           f" unsigned phase,\n    const struct ipc_message *in)\n{{\n")
    out += "\tenum sr_error error;\n\n\tswitch (in->type) {\n"
    for m in taken:
        out += (f"\tcase MESSAGE_{m.name.upper()}: {{\n"
                f"\t\tstruct message_{m.name} m;\n\n"
                f"\t\tif ((phase & ({phase_bits(m)})) == 0)\n"
                f"\t\t\treturn SR_NOT_ALLOWED;\n"
                f"\t\terror = message_{m.name}_decode(in->body,"
                f" in->len, &m);\n"
                f"\t\tif (error != SR_OK)\n\t\t\treturn error;\n"
                f"{spend(receiver, m)}"
                f"\t\t{receiver}_take_{sender}_{m.name}({hand}, &m);\n"
                f"\t\texplicit_bzero(&m, sizeof(m));\n"
                f"\t\treturn SR_OK;\n\t}}\n")
    out += "\tdefault:\n\t\treturn SR_NOT_ALLOWED;\n\t}\n}\n\n"
    out += (f"unsigned\n{receiver}_dispatch_{sender}({who}, unsigned phase,\n"
            f"    const uint8_t *packet, size_t len)\n{{\n"
            f"\tstruct reader r = reader_of(packet, len);\n"
            f"\tstruct ipc_message in;\n"
            f"\tunsigned taken = 0;\n"
            f"\tenum sr_error error;\n\n"
            f"\twhile ((error = ipc_next(&r, {padded}, &in)) == SR_OK) {{\n"
            f"\t\terror = {receiver}_one_{sender}({hand}, phase, &in);\n"
            f"\t\tif (error != SR_OK)\n\t\t\tbreak;\n"
            f"\t\ttaken++;\n\t}}\n"
            f"\tif (error == SR_AGAIN && taken > 0)\n\t\treturn taken;\n"
            f"\t{receiver}_refuse_{sender}({hand}, in.type,\n"
            f"\t    error == SR_AGAIN ? SR_MALFORMED : error);\n"
            f"\treturn taken;\n}}\n\n")
    return out


def dispatchers(messages, receiver):
    out = "/* SPDX-License-Identifier: ISC */\n" + BANNER
    out += f"/* What {receiver} takes, from whom and when. */\n"
    out += ('#include "gen/messages.h"\n\n#include <string.h>\n\n'
            '#include "common/ipc.h"\n\n')
    for sender, taken in links(messages, receiver):
        out += dispatcher(receiver, sender, taken)
    return out


def main(arguments):
    if len(arguments) != 3:
        print("usage: messages.py DEFINITIONS DIRECTORY", file=sys.stderr)
        return 64
    try:
        messages = read(Path(arguments[1]).read_text(encoding="utf-8"))
    except (OSError, UnicodeError, Wrong) as error:
        print(f"{arguments[1]}: {error}", file=sys.stderr)
        return 65
    directory = Path(arguments[2])
    files = {"messages.h": header(messages), "messages.c": source(messages)}
    for receiver in RECEIVERS:
        files[f"dispatch_{receiver}.c"] = dispatchers(messages, receiver)
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
