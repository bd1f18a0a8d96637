/* SPDX-License-Identifier: ISC */
/*
 * policyc FILE.policy FILE.h: turns a room's policy into the BPF program that
 * the room loads.  Runs at build time, so that no daemon links libseccomp.
 * It must refuse whatever an auditor could misread: a rule without a
 * sentence or without a proof that it is needed, a broad rule beside a narrow
 * one, an unknown name.
 *
 * A policy is text:
 *
 *	# comment
 *	allow CALL [argN CONDITION]... -- Why the room needs this,
 *	    in a sentence that may go on in indented lines. [PROOF]
 *	instrument CALL [argN CONDITION]... -- The same, only in builds
 *	    with a sanitizer, which need no proof.
 *
 * The PROOF that a rule is needed is one of:
 *
 *	needed: DIRECTORY/test_NAME	this test fails without the rule, as
 *		the room is killed: `make rules` takes the rule out and looks
 *	rare: WORDS	what must happen before the room makes this call,
 *		where no test can bring it about
 *
 * All conditions of a rule must hold; several rules for one call are
 * alternatives.  What no rule allows kills the process, as does a call of
 * another architecture.  Conditions:
 *
 *	== VALUE            the low 32 bits are equal (int arguments)
 *	== NULL             all 64 bits are zero (pointers)
 *	<= VALUE            all 64 bits, unsigned
 *	& MASK == VALUE     of the low 32 bits those in the mask
 *	in VALUE...         one of these, as ==
 *
 * A VALUE is a number or a name of policyc_names.h, or several joined by |.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/policyc_names.h"

#define RULES_MAX 256
#define TEXT_MAX 1024
#define ARGUMENTS_MAX 6
#define WORDS_MIN 4

struct rule {
	char call[64];
	int number; /* below 0: not on this architecture */
	unsigned line;
	bool instrument;
	unsigned count;
	struct scmp_arg_cmp conditions[ARGUMENTS_MAX];
};

struct policy {
	const char *file;
	unsigned line; /* of the rule being read */
	struct rule rules[RULES_MAX];
	size_t count;
};

static struct policy policy;

static _Noreturn void __attribute__((format(printf, 1, 2)))
fail(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "policyc: %s:%u: ", policy.file, policy.line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t
parse_one_value(const char *text)
{
	char *end;
	uint64_t value;

	for (size_t i = 0; i < POLICYC_NAME_COUNT; i++)
		if (strcmp(policyc_names[i].name, text) == 0)
			return policyc_names[i].value;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 ||
	    value > UINT32_MAX)
		fail("\"%s\" is no value", text);
	return value;
}

static uint64_t
parse_value(char *text)
{
	uint64_t value = 0;
	char *rest = NULL;

	if (text == NULL)
		fail("a value is missing");
	for (char *part = strtok_r(text, "|", &rest); part != NULL;
	     part = strtok_r(NULL, "|", &rest))
		value |= parse_one_value(part);
	return value;
}

static void
add_condition(struct rule *rule, unsigned argument, enum scmp_compare how,
    uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < rule->count; i++)
		if (rule->conditions[i].arg == argument)
			fail("arg%u stands twice in one rule", argument);
	rule->conditions[rule->count++] = (struct scmp_arg_cmp){
	    .arg = argument, .op = how, .datum_a = a, .datum_b = b};
}

static void
add_rule(const struct rule *rule)
{
	if (policy.count == RULES_MAX)
		fail("too many rules");
	policy.rules[policy.count++] = *rule;
}

static void parse_conditions(struct rule rule, char *words[], size_t at);

/* Each value of the list makes a rule of its own with the words after it. */
static void
parse_list(struct rule rule, unsigned argument, char *words[], size_t at)
{
	size_t end = at;

	while (words[end] != NULL && strncmp(words[end], "arg", 3) != 0)
		end++;
	if (end == at)
		fail("\"in\" needs values");
	for (; at < end; at++) {
		struct rule one = rule;

		add_condition(&one, argument, SCMP_CMP_MASKED_EQ, UINT32_MAX,
		    parse_one_value(words[at]));
		parse_conditions(one, words, end);
	}
}

static void
parse_conditions(struct rule rule, char *words[], size_t at)
{
	while (words[at] != NULL) {
		const char *name = words[at++];
		const char *how = words[at];
		unsigned argument = (unsigned)(name[3] - '0');

		if (strncmp(name, "arg", 3) != 0 || argument > 5 ||
		    name[4] != '\0' || how == NULL)
			fail("\"%s\" begins no condition", name);
		at++;
		if (strcmp(how, "in") == 0) {
			parse_list(rule, argument, words, at);
			return;
		} else if (strcmp(how, "==") == 0 && words[at] != NULL &&
			   strcmp(words[at], "NULL") == 0) {
			add_condition(&rule, argument, SCMP_CMP_EQ, 0, 0);
		} else if (strcmp(how, "==") == 0) {
			add_condition(&rule, argument, SCMP_CMP_MASKED_EQ,
			    UINT32_MAX, parse_value(words[at]));
		} else if (strcmp(how, "<=") == 0) {
			add_condition(&rule, argument, SCMP_CMP_LE,
			    parse_value(words[at]), 0);
		} else if (strcmp(how, "&") == 0) {
			uint64_t mask = parse_value(words[at++]);

			if (words[at] == NULL || strcmp(words[at], "==") != 0)
				fail("a mask needs == and a value");
			add_condition(&rule, argument, SCMP_CMP_MASKED_EQ, mask,
			    parse_value(words[++at]));
		} else {
			fail("\"%s\" is no condition", how);
		}
		at++;
	}
	add_rule(&rule);
}

static unsigned
count_words(const char *text)
{
	unsigned words = 0;

	for (const char *at = text; *at != '\0'; at++)
		if (*at != ' ' && (at == text || at[-1] == ' '))
			words++;
	return words;
}

/* A sentence has some words, begins with a capital and ends with a stop. */
static void
check_sentence(const char *text)
{
	size_t len;

	text += strspn(text, " ");
	len = strlen(text);
	if (count_words(text) < WORDS_MIN || !isupper((unsigned char)text[0]) ||
	    text[len - 1] != '.')
		fail("the rule lacks a sentence that says why");
}

/* The name of one test, as tests/run knows it. */
static bool
names_test(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash != NULL && slash != text &&
	       strncmp(slash, "/test_", 6) == 0 && slash[6] != '\0' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_/") ==
		   strlen(text) &&
	       strchr(slash + 1, '/') == NULL;
}

/* Checks the proof at the end of the text and takes it off. */
static void
take_proof(char *text)
{
	static const char needed[] = "needed: ", rare[] = "rare: ";
	char *proof = strchr(text, '[');
	size_t len;

	if (proof == NULL)
		fail("the rule lacks [needed: TEST] or [rare: WORDS]");
	*proof++ = '\0';
	len = strlen(proof);
	if (len == 0 || strchr(proof, ']') != proof + len - 1)
		fail("the proof must end the rule, with a ]");
	proof[len - 1] = '\0';
	if (strncmp(proof, needed, strlen(needed)) == 0) {
		if (!names_test(proof + strlen(needed)))
			fail("needed: names one test, as e2e/test_day");
	} else if (strncmp(proof, rare, strlen(rare)) == 0) {
		if (count_words(proof + strlen(rare)) < WORDS_MIN)
			fail("rare: says what must happen for it");
	} else {
		fail("\"%s\" proves nothing", proof);
	}
	for (len = strlen(text); len > 0 && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
}

static void
parse_rule(char *text)
{
	struct rule rule = {.line = policy.line};
	char *sentence = strstr(text, " -- ");
	char *words[64], *rest = NULL, *word;
	size_t count = 0;

	if (sentence == NULL)
		fail("the rule lacks a sentence that says why");
	*sentence = '\0';
	rule.instrument = strncmp(text, "instrument ", 11) == 0;
	if (!rule.instrument)
		take_proof(sentence + 4);
	check_sentence(sentence + 4);
	for (word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		if (count == 63)
			fail("too many words");
		words[count++] = word;
	}
	words[count] = NULL;
	if (count < 2)
		fail("a rule is: allow CALL [argN CONDITION]... -- "
		     "Sentence. [PROOF]");
	if (!rule.instrument && strcmp(words[0], "allow") != 0)
		fail("\"%s\" is not \"allow\"", words[0]);
	rule.number = seccomp_syscall_resolve_name(words[1]);
	if (rule.number == __NR_SCMP_ERROR || strlen(words[1]) > 63)
		fail("there is no system call \"%s\"", words[1]);
	memcpy(rule.call, words[1], strlen(words[1]) + 1);
	parse_conditions(rule, words, 2);
}

/* Reads lines; an indented one continues the rule above it. */
static void
read_policy(FILE *file)
{
	char line[TEXT_MAX], text[TEXT_MAX] = "";
	unsigned number = 0;

	while (fgets(line, sizeof(line), file) != NULL) {
		size_t len = strcspn(line, "\n");
		bool more = line[0] == ' ' || line[0] == '\t';

		number++;
		if (line[len] != '\n')
			fail("a line is too long or has no end");
		line[len] = '\0';
		for (size_t i = 0; i < len; i++)
			if (line[i] == '\t')
				line[i] = ' ';
		if (more && text[0] == '\0' &&
		    line[strspn(line, " ")] != '\0') {
			policy.line = number;
			fail("an indented line continues nothing");
		}
		if (more && strlen(text) + len + 1 >= sizeof(text))
			fail("the rule is too long");
		if (more) {
			memcpy(text + strlen(text), line, len + 1);
			continue;
		}
		if (text[0] != '\0')
			parse_rule(text);
		text[0] = '\0';
		policy.line = number;
		if (line[0] != '#')
			memcpy(text, line, len + 1);
	}
	if (text[0] != '\0')
		parse_rule(text);
}

/* True if the rule allows all that the other does, and not only that. */
static bool
broad(const struct rule *rule, bool instrument)
{
	return rule->count == 0 && (instrument || !rule->instrument);
}

/*
 * libseccomp would let a broad rule swallow a narrow one in silence, and the
 * policy would read stricter than it is.  Only the instrument rules may.
 */
static void
check_swallowed(void)
{
	for (size_t i = 0; i < policy.count; i++) {
		const struct rule *a = &policy.rules[i];

		for (size_t j = 0; j < policy.count; j++) {
			const struct rule *b = &policy.rules[j];

			if (i == j || strcmp(a->call, b->call) != 0 ||
			    !broad(a, a->instrument) ||
			    a->instrument != b->instrument)
				continue;
			policy.line = b->line;
			fail("line %u allows all of %s, so this rule means "
			     "nothing",
			    a->line, a->call);
		}
	}
}

static bool
swallowed(const struct rule *rule, bool instrument)
{
	for (size_t i = 0; i < policy.count; i++)
		if (&policy.rules[i] != rule &&
		    strcmp(policy.rules[i].call, rule->call) == 0 &&
		    broad(&policy.rules[i], instrument) &&
		    (rule->count > 0 || &policy.rules[i] < rule))
			return true;
	return false;
}

static scmp_filter_ctx
make_filter(bool instrument)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (filter == NULL || seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
				  SCMP_ACT_KILL_PROCESS) != 0)
		fail("libseccomp makes no filter");
	for (size_t i = 0; i < policy.count; i++) {
		const struct rule *rule = &policy.rules[i];
		int error;

		if (rule->number < 0 || (rule->instrument && !instrument) ||
		    swallowed(rule, instrument))
			continue;
		policy.line = rule->line;
		/* The first lines of a policy are asked first. */
		error = seccomp_syscall_priority(
		    filter, rule->number, (uint8_t)(255 - i * 255 / RULES_MAX));
		if (error == 0)
			error =
			    seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW,
				rule->number, rule->count, rule->conditions);
		/* The same rule twice, after names of equal value. */
		if (error != 0 && error != -EEXIST)
			fail("libseccomp refuses the rule: %s",
			    strerror(-error));
	}
	return filter;
}

static void
write_filter(FILE *out, const char *name, bool instrument)
{
	scmp_filter_ctx filter = make_filter(instrument);
	struct sock_filter instruction;
	FILE *program = tmpfile();
	size_t count = 0;

	if (program == NULL || seccomp_export_bpf(filter, fileno(program)) != 0)
		fail("the program cannot be written");
	rewind(program);
	fprintf(out, "static const struct sock_filter %s_policy[] = {\n", name);
	while (fread(&instruction, sizeof(instruction), 1, program) == 1) {
		fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", instruction.code,
		    instruction.jt, instruction.jf, instruction.k);
		count++;
	}
	fprintf(out, "};\n");
	if (count == 0 || count > BPF_MAXINSNS || ferror(program) != 0)
		fail("the program's length is not possible");
	fclose(program);
	seccomp_release(filter);
}

int
main(int argc, char *argv[])
{
	char name[32], upper[32];
	const char *base;
	FILE *in, *out;
	size_t len;

	policy.file = argc > 1 ? argv[1] : "";
	if (argc != 3)
		fail("usage: policyc FILE.policy FILE.h");
	base = strrchr(argv[1], '/');
	base = base != NULL ? base + 1 : argv[1];
	len = strcspn(base, ".");
	if (len == 0 || len >= sizeof(name) || strcmp(base + len, ".policy"))
		fail("the name must end with .policy");
	for (size_t i = 0; i <= len; i++) {
		name[i] = i < len ? base[i] : '\0';
		upper[i] = (char)toupper((unsigned char)name[i]);
	}
	in = fopen(argv[1], "r");
	if (in == NULL)
		fail("cannot be read: %s", strerror(errno));
	read_policy(in);
	if (ferror(in) != 0 || fclose(in) != 0 || policy.count == 0)
		fail("no rule could be read");
	check_swallowed();
	out = fopen(argv[2], "w");
	if (out == NULL)
		fail("%s cannot be written: %s", argv[2], strerror(errno));
	fprintf(out, "/* Made by policyc from %s; do not edit. */\n", base);
	fprintf(out, "#include <linux/filter.h>\n");
	fprintf(out, "#include \"policy/sandbox_steps.h\"\n");
	fprintf(out, "#if SANDBOX_IS_INSTRUMENTED\n");
	write_filter(out, name, true);
	fprintf(out, "#else\n");
	write_filter(out, name, false);
	fprintf(out,
	    "#endif\n#define %s_POLICY_LEN (sizeof(%s_policy) / "
	    "sizeof(%s_policy[0]))\n",
	    upper, name, name);
	if (fclose(out) != 0)
		fail("%s cannot be written: %s", argv[2], strerror(errno));
	return 0;
}
