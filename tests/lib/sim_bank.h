/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_SIM_BANK_H
#define TESTS_LIB_SIM_BANK_H
/*
 * A bank in one process: the real keyd and the real ledgerd over a simulated
 * env.  Its netd and its monitor are the test's hands.  And people: the
 * client's side of registration, log-in and orders, without a network and
 * without Argon2id.
 *
 * Helpers that cannot fail in a test end the program (abort); those that may
 * return an error.
 */
#include "common/payload.h"
#include "common/statement.h"
#include "keyd/keyd.h"
#include "ledgerd/ledgerd.h"
#include "tests/lib/env_sim.h"

enum {
	SIM_BANK_FRAMES = 512, /* for clients, not yet looked at */
	SIM_BANK_SEGMENT_LEN = 64 * 1024,
};

/* A frame that ledgerd sent through netd. */
struct sim_frame {
	uint64_t connection;
	uint8_t type;
	size_t len;
	uint8_t body[FRAME_BODY_MAX];
};

struct sim_bank {
	struct sim *sim;
	struct sim_room *keyd_room;
	struct sim_room *ledgerd_room;
	struct sim_room *netd;
	struct sim_room *monitor;
	uint32_t registrations_an_hour; /* 0: more than anybody tries */
	struct keyd *keyd;              /* NULL: not running */
	struct ledgerd *ledgerd;        /* likewise */
	enum sr_error keyd_error;
	enum sr_error ledgerd_error;
	uint8_t root[32];
	uint8_t identity_seed[32];
	enum audit_mode audit; /* of ledgerd, from the next start on */
	bool restore;          /* the next start is a restore start */
	uint8_t rotate; /* likewise a rotation start, of that key; 0: none */
	uint32_t restore_epoch; /* from that head only; size 0: any */
	uint64_t restore_size;
	uint32_t generation;
	uint64_t connections;
	sim_step
	    before_ledgerd; /* keyd's step at the next start, if not NULL */

	/* what came last */
	uint8_t hello[HELLO_LEN];
	uint64_t m2_connection;
	uint8_t m2[FRAME_M2_LEN];
	uint8_t m5[FRAME_M5_LEN];
	bool m5_came;
	struct sim_frame frames[SIM_BANK_FRAMES];
	size_t frame_count;
	uint64_t closed; /* connection of the last session_close */
	bool ready;
	uint32_t generation_done;
	struct message_settings_done settings_done;
	uint64_t pulse_done; /* number of the last one that came back */
	unsigned pulses_done;
	unsigned pulses_seen;            /* of keyd and ledgerd together */
	struct message_room_event event; /* for systemd's journal */
	unsigned events;
	uint8_t control_answer[8192];
	size_t control_answer_len;
};

/* Somebody with a name, keys and at most one session. */
struct sim_person {
	const char *name;
	const char *password;
	uint8_t signing_public[32];
	uint8_t signing_secret[64];
	uint32_t terminal; /* through which it logs in; 0: an open one */
	uint32_t terminal_epoch;
	uint8_t psk[32];
	uint64_t connection;
	struct session session;
	struct payload_m4 m4;
	uint64_t next_seq;
	uint8_t last_hash[32];
	uint32_t request;
};

/* An order and what travels with it. */
struct sim_order {
	uint8_t bytes[ORDER_LEN];
	uint8_t signature[ORDER_SIGNATURE_LEN];
	uint8_t attachment[ORDER_ATTACHMENT_MAX];
	size_t attachment_len;
};

/* Empty disks; nothing runs. */
struct sim_bank *sim_bank_new(uint64_t seed);
void sim_bank_free(struct sim_bank *bank);

/* Starts both rooms; identity: with the identity key, to found. */
enum sr_error sim_bank_start(struct sim_bank *bank, bool identity);

/* Both rooms gone as by a power cut or kill -9, and started again. */
enum sr_error sim_bank_restart(struct sim_bank *bank, enum sim_loss loss);

/* Both rooms are gone; their disks are left as they are. */
void sim_bank_end(struct sim_bank *bank);

/* Steps the rooms until nothing moves; the first error of a room. */
enum sr_error sim_bank_run(struct sim_bank *bank);

/* Leaf 0, with these two as operators. */
enum sr_error sim_bank_found(struct sim_bank *bank,
    const struct sim_person *one, const struct sim_person *two);

/*
 * A bank with operators op-one and op-two, a terminal `lobby' with its key,
 * and customers ada and bob, ada with 100.00; everybody's log-in is over.
 */
struct sim_people {
	struct sim_person operators[2];
	struct sim_person lobby;
	struct sim_person ada;
	struct sim_person bob;
};
void sim_bank_furnish(struct sim_bank *bank, struct sim_people *people);

/* Four eyes make that principal a terminal, and its key is fetched. */
enum sr_error sim_enrol(struct sim_bank *bank, struct sim_people *people,
    struct sim_person *person);

/* The key of a terminal that is enrolled, as its card has it. */
enum sr_error sim_terminal_key(
    struct sim_bank *bank, struct sim_person *person);

/* A message of control to ledgerd; the answer is in control_answer. */
enum sr_error sim_bank_control(
    struct sim_bank *bank, const void *message, size_t len);

/* ledgerd gets settings; bank->settings_done is its answer. */
enum sr_error sim_bank_settings(
    struct sim_bank *bank, const struct message_ledgerd_settings *settings);

/* Tells both rooms of a new netd. */
enum sr_error sim_bank_generation(struct sim_bank *bank);

/* A pulse through netd. */
enum sr_error sim_bank_pulse(struct sim_bank *bank, uint64_t number);

void sim_person_init(
    struct sim_person *person, const char *name, const char *password);
enum sr_error sim_person_register(
    struct sim_bank *bank, struct sim_person *person);

/* SR_CLOSED when no M4 came; else M4's status. */
enum sr_error sim_person_log_in(
    struct sim_bank *bank, struct sim_person *person);

/* The same by either credential. */
enum sr_error sim_person_log_in_by(struct sim_bank *bank,
    struct sim_person *person, uint8_t slot, const char *secret);

/*
 * The parts of a handshake: the beginning of M1; M1 on a new connection and
 * M2 opened (SR_CLOSED when none came; else its status); M3, and the rooms run.
 */
void sim_begin_m1(const struct sim_person *person,
    enum payload_operation operation, struct payload_m1 *m1);
enum sr_error sim_exchange_m1(struct sim_bank *bank, struct sim_person *person,
    struct handshake *hs, const struct payload_m1 *m1, struct payload_m2 *m2);
void sim_send_m3(struct sim_bank *bank, const struct sim_person *person,
    const uint8_t body[FRAME_M3_LEN]);

/* Sends messages as one record, without running anything. */
void sim_person_send(struct sim_bank *bank, struct sim_person *person,
    const struct writer *messages);

/*
 * The next message for that person, in plain: its type and body.  SR_AGAIN
 * when there is none.
 */
enum sr_error sim_person_receive(struct sim_bank *bank,
    struct sim_person *person, unsigned *type, struct reader *body);

/* The fields that an honest client would choose; seq and hash move on. */
void sim_order_begin(struct sim_bank *bank, const struct sim_person *person,
    enum order_kind kind, struct order *order);
void sim_order_sign(const struct sim_person *person, struct order *order,
    const void *attachment, size_t len, struct sim_order *out);
void sim_order_send(struct sim_bank *bank, struct sim_person *person,
    const struct sim_order *order);

/* Sends, runs, and reads the answer; SR_CLOSED when none came. */
enum sr_error sim_order_submit(struct sim_bank *bank, struct sim_person *person,
    const struct sim_order *order, struct message_order_answer *answer);

/* A transfer between main accounts; the outcome or the refusal. */
enum sr_error sim_transfer(struct sim_bank *bank, struct sim_person *from,
    uint64_t to_account, int64_t amount_minor,
    struct message_order_answer *answer);

/* A deposit signed by the terminal `from' for an account. */
enum sr_error sim_deposit(struct sim_bank *bank, struct sim_person *from,
    uint64_t to_account, int64_t amount_minor,
    struct message_order_answer *answer);

/* The posted amount of an account in the books as they are now. */
int64_t sim_bank_posted(const struct sim_bank *bank, uint64_t account);

#endif
