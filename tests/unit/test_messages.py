#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
The generator of the rooms' messages: what it refuses, and that the C it makes
from a small definition file encodes, decodes and dispatches as documented.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(os.environ["TOP"])
GENERATOR = TOP / "policy" / "messages.py"
failed = False

SAMPLE = """
# a small bank
message hello 7
  from netd to keyd         # a link
  when init,open
  does Says hello, in a sentence that is \\
       longer than a line.
  budget none It is polite.
  u8 a      first
  u16 b     second
  u32 c     third
  u64 d     fourth
  i64 e     fifth
  bytes 3 f sixth
  data 5 g  seventh
  data 300 h eighth
message bye 8
  from netd,ledgerd to keyd
  when open
  does Ends it.
  budget each invitations 3 One more ends nothing.
  budget some backups 4 As keyd says.
message ask 1
  from client to ledgerd
  when any
  does Asks.
  u8 what   What.
message answer 1
  from ledgerd to client
  when any
  does Answers.
  data 4 text  What.
"""

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gen/messages.h"
#define CHECK(x) do { if (!(x)) { \
	printf("line %d: %s\n", __LINE__, #x); exit(1); } } while (0)
struct keyd { int hello, bye, refused; uint32_t left; unsigned type;
	enum sr_error why; };
struct ledgerd { int asked, refused; enum sr_error why; };
struct session { int number; };
void keyd_take_netd_hello(struct keyd *k, const struct message_hello *m)
{ (void)m; k->hello++; }
void keyd_take_netd_bye(struct keyd *k, const struct message_bye *m)
{ (void)m; k->bye++; }
void keyd_take_ledgerd_bye(struct keyd *k, const struct message_bye *m)
{ (void)m; k->bye++; }
void keyd_refuse_netd(struct keyd *k, unsigned type, enum sr_error why)
{ k->refused++; k->type = type; k->why = why; }
void keyd_refuse_ledgerd(struct keyd *k, unsigned type, enum sr_error why)
{ keyd_refuse_netd(k, type, why); }
enum sr_error keyd_budget(struct keyd *k, enum refusal budget, uint32_t most)
{ CHECK(budget == REFUSAL_INVITATIONS && most == 3 && BUDGET_BACKUPS == 4);
  return k->left == 1 ? SR_BUDGET : (k->left--, SR_OK); }
void ledgerd_take_client_ask(struct ledgerd *l, struct session *s,
    const struct message_ask *m)
{ CHECK(s->number == 5 && m->what == 9); l->asked++; }
void ledgerd_refuse_client(struct ledgerd *l, struct session *s,
    unsigned type, enum sr_error why)
{ (void)type; CHECK(s->number == 5); l->refused++; l->why = why; }

static const char wire[] =
    "\x26\0\7\0" "\x01" "\3\2" "\7\6\5\4" "\1\0\0\0\0\0\0\x80"
    "\xfe\xff\xff\xff\xff\xff\xff\xff" "xyz" "\2\0ab" "\6\0cdefgh";

int main(void)
{
	uint8_t out[1000], again[1000];
	struct writer w = writer_to(out, sizeof(out));
	struct message_hello m = { .a = 1, .b = 0x203, .c = 0x4050607,
	    .d = 0x8000000000000001, .e = -2, .f = "xyz",
	    .g = (const uint8_t *)"ab", .g_len = 2,
	    .h = (const uint8_t *)"cdefgh", .h_len = 6 }, n;
	struct keyd k = {0};
	struct ledgerd l = {0};
	struct session s = {5};
	size_t len;

	CHECK(sizeof(wire) - 1 == 4 + 0x26);
	CHECK(message_hello_encode(&w, &m) == SR_OK);
	len = writer_len(&w);
	CHECK(len == sizeof(wire) - 1);
	CHECK(memcmp(out, wire, len) == 0);
	CHECK(message_hello_decode(out + 4, len - 4, &n) == SR_OK);
	CHECK(n.a == m.a && n.b == m.b && n.c == m.c && n.d == m.d);
	CHECK(n.e == m.e && !memcmp(n.f, "xyz", 3) && n.g_len == 2);
	CHECK(!memcmp(n.g, "ab", 2) && n.h_len == 6);
	CHECK(n.h == out + 4 + 26 + 2 + 2 + 2 && !memcmp(n.h, "cdefgh", 6));

	/* every truncation and one byte more are malformed, m is zeros */
	for (size_t i = 0; i <= len - 4 + 1; i++) {
		if (i == len - 4)
			continue;
		CHECK(message_hello_decode(out + 4, i, &n) == SR_MALFORMED);
		CHECK(n.a == 0 && n.h == NULL && n.h_len == 0);
	}
	/* data longer than its maximum, in both directions */
	memcpy(again, out, sizeof(again));
	again[4 + 26] = 6;
	CHECK(message_hello_decode(again + 4, len, &n) == SR_MALFORMED);
	CHECK(message_hello_decode(again + 4, len - 4, &n) == SR_MALFORMED);
	m.g_len = 6;
	m.g = (const uint8_t *)"abcdef";
	CHECK(message_hello_encode(&w, &m) == SR_TOO_LARGE);
	CHECK(writer_len(&w) == len && !w.bad);
	m.g_len = 0;
	m.g = NULL;
	/* no room: the writer is as before */
	w = writer_to(again, len - 3);
	CHECK(message_hello_encode(&w, &m) == SR_TOO_LARGE);
	CHECK(writer_len(&w) == 0 && !w.bad);
	w = writer_to(again, len - 2);
	CHECK(message_hello_encode(&w, &m) == SR_OK);

	/* dispatch: several in a packet, in order */
	w = writer_to(again, sizeof(again));
	CHECK(!message_hello_encode(&w, &m) && !message_hello_encode(&w, &m));
	len = writer_len(&w);
	CHECK(!message_bye_encode(&w, &(struct message_bye){0}));
	CHECK(keyd_dispatch_netd(&k, PHASE_OPEN, again, writer_len(&w)) == 3);
	CHECK(k.hello == 2 && k.bye == 1 && k.refused == 0);
	/* a message that is not for this phase ends the packet */
	k = (struct keyd){0};
	CHECK(keyd_dispatch_netd(&k, PHASE_INIT, again, writer_len(&w)) == 2);
	CHECK(k.hello == 2 && k.bye == 0 && k.refused == 1);
	CHECK(k.type == MESSAGE_BYE && k.why == SR_NOT_ALLOWED);
	/* the same bytes from one who may not say them */
	k = (struct keyd){0};
	CHECK(keyd_dispatch_ledgerd(&k, PHASE_OPEN, again, len) == 0);
	CHECK(k.hello == 0 && k.refused == 1 && k.type == MESSAGE_HELLO);
	CHECK(k.why == SR_NOT_ALLOWED);
	/* beyond the budget: refused before it is looked at */
	k = (struct keyd){.left = 2};
	w = writer_to(again + len, sizeof(again) - len);
	CHECK(!message_bye_encode(&w, &(struct message_bye){0}));
	CHECK(!message_bye_encode(&w, &(struct message_bye){0}));
	CHECK(keyd_dispatch_netd(&k, PHASE_OPEN, again, len + 8) == 3);
	CHECK(k.bye == 1 && k.refused == 1 && k.why == SR_BUDGET);
	CHECK(k.type == MESSAGE_BYE);
	/* what is malformed, or not for this phase, is none of it */
	k = (struct keyd){.left = 1};
	CHECK(keyd_dispatch_netd(&k, PHASE_INIT, again + len, 4) == 0);
	CHECK(k.why == SR_NOT_ALLOWED);
	/* cut off, unknown, empty, padded: refused once, nothing more taken */
	k = (struct keyd){0};
	CHECK(keyd_dispatch_netd(&k, PHASE_OPEN, again, len - 1) == 1);
	CHECK(k.refused == 1 && k.why == SR_MALFORMED);
	CHECK(keyd_dispatch_netd(&k, PHASE_OPEN, again, 0) == 0);
	CHECK(k.refused == 2 && k.type == 0 && k.why == SR_MALFORMED);
	CHECK(keyd_dispatch_netd(&k, PHASE_OPEN,
	    (const uint8_t *)"\0\0\x63\0\0\0\x8\0", 8) == 0);
	CHECK(k.refused == 3 && k.type == 0x63 && k.why == SR_NOT_ALLOWED);
	CHECK(keyd_dispatch_netd(&k, PHASE_OPEN,
	    (const uint8_t *)"\0\0\x8\0\0\0\0\0", 8) == 1);
	CHECK(k.refused == 4 && k.bye == 1 && k.why == SR_MALFORMED);
	/* a body that is too long by a byte */
	CHECK(keyd_dispatch_netd(&k, PHASE_OPEN,
	    (const uint8_t *)"\1\0\x8\0\0", 5) == 0);
	CHECK(k.refused == 5 && k.bye == 1 && k.why == SR_MALFORMED);
	/* a client's packet ends in zeros, and only in zeros */
	CHECK(ledgerd_dispatch_client(&l, &s, PHASE_OPEN,
	    (const uint8_t *)"\1\0\1\0\x9\1\0\1\0\x9\0\0\0\0\0\0", 16) == 2);
	CHECK(l.asked == 2 && l.refused == 0);
	CHECK(ledgerd_dispatch_client(&l, &s, PHASE_OPEN,
	    (const uint8_t *)"\1\0\1\0\x9\0\0\0\0\0\1", 11) == 1);
	CHECK(l.asked == 3 && l.refused == 1 && l.why == SR_MALFORMED);
	CHECK(ledgerd_dispatch_client(&l, &s, PHASE_OPEN,
	    (const uint8_t *)"\0\0\0\0\0\0", 6) == 0);
	CHECK(l.refused == 2);

	/* the table */
	CHECK(message_table_count == 4);
	CHECK(message_table[0].body_min_len == 30);
	CHECK(message_table[0].body_max_len == 335);
	CHECK(message_table[1].phases == PHASE_OPEN);
	CHECK(strcmp(message_table[1].from, "netd,ledgerd") == 0);
	return 0;
}
"""

GOOD = "message m 1\nfrom netd to ledgerd\nwhen any\ndoes It.\n"
TO_KEYD = GOOD.replace("ledgerd", "keyd")
WRONG = [
    ("a_duplicate_number", GOOD + GOOD.replace("m 1", "n 1"), "line 5:"),
    ("a_duplicate_name", GOOD + GOOD.replace("m 1", "m 2"), "line 5:"),
    ("an_unknown_word", GOOD + "u7 field What.", "line 5:"),
    ("an_unknown_room", GOOD.replace("ledgerd", "kitchen"), "line 2:"),
    ("an_unknown_phase", GOOD.replace("any", "night"), "line 3:"),
    ("a_phase_beside_any", GOOD.replace("any", "any,open"), "line 3:"),
    ("a_phase_twice", GOOD.replace("any", "open,open"), "line 3:"),
    ("no_phase", GOOD.replace("when any\n", ""), "line 1:"),
    ("no_rooms", GOOD.replace("from netd to ledgerd\n", ""), "line 1:"),
    ("no_purpose", GOOD.replace("does It.\n", ""), "line 1:"),
    ("an_empty_purpose", GOOD.replace("does It.", "does"), "line 4:"),
    ("a_second_purpose", GOOD + "does More.", "line 5:"),
    ("a_field_without_a_sentence", GOOD + "u8 field", "line 5:"),
    ("a_field_without_a_name", GOOD + "u8", "line 5:"),
    ("a_field_twice", GOOD + "u8 a A.\nu8 a A.", "line 6:"),
    ("a_field_named_as_a_length", GOOD + "u8 a_len A.\ndata 4 a A.",
     "line 6:"),
    ("a_length_named_as_a_field", GOOD + "data 4 a A.\nu8 a_len A.",
     "line 6:"),
    ("a_keyword_as_a_field", GOOD + "u8 register What.", "line 5:"),
    ("a_size_that_is_no_number", GOOD + "bytes x f What.", "line 5:"),
    ("a_size_of_zero", GOOD + "bytes 0 f What.", "line 5:"),
    ("a_size_above_a_packet", GOOD + "data 65000 a A.\ndata 600 b B.",
     "line 1:"),
    ("a_size_above_a_record", GOOD.replace("netd", "client")
     + "data 16640 a A.", "line 1:"),
    ("number_zero", GOOD.replace("m 1", "m 0"), "line 1:"),
    ("number_256", GOOD.replace("m 1", "m 256"), "line 1:"),
    ("a_room_that_writes_to_itself", GOOD.replace("netd", "ledgerd"),
     "line 2:"),
    ("a_field_before_any_message", "u8 a A.\n", "line 1:"),
    ("a_comment_mark_in_a_sentence", GOOD.replace("It.", "It */ is."),
     "line 4:"),
    ("a_name_in_capitals", GOOD.replace("m 1", "M 1"), "line 1:"),
    ("no_budget", TO_KEYD, "line 1: m: 'budget' is missing"),
    ("a_budget_for_another_room", GOOD + "budget none No.", "line 1:"),
    ("a_budget_without_a_reason", TO_KEYD + "budget none", "line 5:"),
    ("a_budget_of_nothing", TO_KEYD + "budget each m 0 No.", "line 5:"),
    ("a_budget_of_neither", TO_KEYD + "budget m 5 No.", "line 5:"),
    ("a_budget_twice", TO_KEYD + "budget each m 5 A.\nbudget some m 5 A.",
     "line 6:"),
    ("a_budget_beside_none", TO_KEYD + "budget none A.\nbudget some m 5 A.",
     "line 6:"),
    ("an_open_backslash", GOOD + "u8 a A \\", "line 5:"),
]


def say(name, wrong):
    global failed
    failed = failed or bool(wrong)
    print(f"not ok {name}: {wrong}" if wrong else f"ok {name}", flush=True)


def generate(directory, text):
    definitions = directory / "messages.def"
    definitions.write_text(text)
    return subprocess.run(
        [sys.executable, GENERATOR, definitions, directory / "gen"],
        capture_output=True, text=True, check=False)


def refuses(directory, text, where):
    result = generate(directory, text)
    if result.returncode != 65:
        return f"exit status {result.returncode}"
    if where not in result.stderr or result.stderr.count("\n") != 1:
        return f"it says '{result.stderr.strip()}' and not '{where}'"
    return "it wrote files" if (directory / "gen").exists() else ""


def works(directory):
    result = generate(directory, SAMPLE)
    if result.returncode != 0:
        return result.stderr
    (directory / "program.c").write_text(PROGRAM)
    sources = [directory / "program.c", TOP / "common" / "buffer.c",
               TOP / "common" / "ipc.c"]
    sources += [directory / "gen" / f"{name}.c" for name in
                ("messages", "dispatch_keyd", "dispatch_ledgerd",
                 "dispatch_netd", "dispatch_monitor")]
    built = subprocess.run(
        ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra",
         "-Wconversion", "-Wshadow", "-Werror", "-I", TOP, "-I", directory,
         "-o", directory / "program", *sources],
        capture_output=True, text=True, check=False)
    if built.returncode != 0:
        print(built.stderr)
        return "what it made does not compile"
    ran = subprocess.run([directory / "program"], capture_output=True,
                         text=True, check=False)
    return ran.stdout.strip() or (
        f"exit status {ran.returncode}" if ran.returncode else "")


def unhandled(directory):
    """Without one handler the program must not link."""
    broken = PROGRAM.replace("void keyd_take_ledgerd_bye", "void no_handler")
    sources = [directory / "program.c", TOP / "common" / "buffer.c",
               TOP / "common" / "ipc.c", directory / "gen" / "messages.c",
               directory / "gen" / "dispatch_keyd.c",
               directory / "gen" / "dispatch_ledgerd.c"]
    generate(directory, SAMPLE)
    (directory / "program.c").write_text(broken)
    built = subprocess.run(
        ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-I", TOP, "-I", directory,
         "-o", directory / "program", *sources],
        capture_output=True, text=True, check=False)
    return "" if "undefined reference to `keyd_take_ledgerd_bye'" \
        in built.stderr else f"the compiler says '{built.stderr}'"


def main():
    for name, text, where in WRONG:
        with tempfile.TemporaryDirectory() as directory:
            say("given_" + name + "_then_it_is_refused",
                refuses(Path(directory), text, where))
    with tempfile.TemporaryDirectory() as directory:
        say("given_a_sample_then_its_code_does_as_documented",
            works(Path(directory)))
    with tempfile.TemporaryDirectory() as directory:
        say("given_no_handler_for_a_message_then_it_does_not_link",
            unhandled(Path(directory)))
    return 1 if failed else 0


sys.exit(main())
