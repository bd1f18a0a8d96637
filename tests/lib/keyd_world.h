/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_KEYD_WORLD_H
#define TESTS_LIB_KEYD_WORLD_H
/*
 * keyd in a simulated env, with a netd, a ledgerd and a monitor that are
 * nothing but the test's hands: they send what they are told and keep the
 * last message of each kind that came.  And the client's side of a handshake.
 */
#include "keyd/keyd.h"
#include "tests/lib/env_sim.h"

struct world {
	struct sim *sim;
	struct sim_room *keyd_room;
	struct sim_room *netd;
	struct sim_room *ledgerd;
	struct sim_room *monitor;
	struct keyd *keyd;
	struct keyd_params params;
	uint8_t root[32];
	uint8_t identity_seed[32];
	uint64_t connection; /* the last one used */
	uint32_t generation;

	/* what came last; counts since the last world_forget() */
	uint8_t hello[HELLO_LEN];
	unsigned hellos;
	uint64_t m2_connection;
	uint8_t m2[FRAME_M2_LEN];
	unsigned m2s;
	uint8_t m5[FRAME_M5_LEN];
	unsigned m5s;
	unsigned accepted;
	unsigned refused;
	struct message_session_open open;
	char open_name[33];
	unsigned opens;
	uint64_t ended; /* customer of sessions_end */
	struct message_tree_head head;
	unsigned heads;
	struct message_key_used used;
	unsigned useds;
	struct message_genesis_signed genesis;
	unsigned geneses;
	bool founded; /* of the last bank */
	uint8_t bank_id[32];
	struct message_segment_key segment_key;
	unsigned segment_keys;
	struct message_snapshot_key snapshot_key;
	struct message_restore_signed restore; /* note points to note */
	uint8_t note[RESTORE_NOTE_LEN];
	struct message_rotate_signed rotate;
	uint8_t rotation_note[ROTATION_NOTE_LEN];
	unsigned rotates;
	unsigned restores;
	struct message_attestation attestation; /* without what it points to */
	uint8_t list
	    [65536]; /* of the last terminals, snapshots or directory_keys */
	size_t list_len;
	struct message_terminal_key terminal_key;
	unsigned terminal_keys;
	struct message_disclosure disclosure;
	unsigned disclosures;
	struct message_invited invited;
	struct message_keyd_status status;
	unsigned refusals; /* control_refused */
	uint32_t generation_done;
	struct message_settings_done settings_done;
	struct message_pulse_ledgerd pulse; /* that ledgerd got */
	unsigned pulses;
	struct message_pulse_seen seen; /* that strongroomd was told of */
	unsigned seens;
	struct message_room_event event; /* for systemd's journal */
	unsigned events;
	uint8_t control_type; /* of the last answer to control, and its body */
	uint8_t control_body[8192];
	size_t control_len;
};

/* A person at a terminal. */
struct person {
	const char *name;
	const char *password;
	const char *recovery; /* NULL: none */
	uint8_t device_token[DEVICE_TOKEN_LEN];
	uint8_t invitation[INVITATION_LEN];
	uint32_t terminal;
	uint32_t epoch;
	uint8_t psk[32];
	uint32_t retry_after_s; /* out: of the last M2 */
};

/* A world whose keyd has made its files; not founded.  Free with world_free. */
struct world *world_new(uint64_t seed);
void world_free(struct world *w);

/* Ends keyd (its memory is gone) and starts another on the same disk. */
enum sr_error world_restart(struct world *w, bool identity);

/* The same without the identity, and with the tree of nothing opened; or the
 * test ends. */
void world_start_again(struct world *w);

/* Steps keyd and takes what it sent, until nothing moves. */
enum sr_error world_run(struct world *w);
void world_forget(struct world *w);

/* Signs leaf 0 and appends it: keyd is open then. */
void world_found(struct world *w);

/* Sends what w holds as one packet on a link; then runs. */
void world_send(struct world *w, struct sim_room *from, enum env_link link,
    const struct writer *writer);

/* Offers a leaf with that note at seq, as ledgerd; keyd's answer. */
enum sr_error world_log_note(
    struct world *w, const uint8_t *note, size_t len, uint64_t seq);

/* A pulse from a netd of that generation; then runs. */
void world_pulse(struct world *w, uint32_t generation, uint64_t number);

void world_tree_start(struct world *w, uint64_t size, const uint8_t root[32],
    const uint8_t signature[64]);
void world_append(
    struct world *w, uint64_t first, const uint8_t *leaves, size_t count);

/*
 * The logged use that has a key begin an epoch, of which only the first byte
 * of the detail may be set.  What keyd made of it; SR_IO when it ended.
 */
enum sr_error world_rotate(struct world *w, uint64_t key, uint8_t detail);

/* As the logged use has keyd do it; or the test ends. */
void world_enrol(
    struct world *w, uint32_t terminal, uint32_t epoch, bool enrolled);

/* Idle steps, until the credentials' former epoch has ended or keyd has. */
void world_reseal(struct world *w);

/*
 * Whole handshakes.  What M2 or M5 said; SR_OK; SR_LOGIN when the client
 * itself saw that the password is wrong; SR_CLOSED when keyd refused.
 */
enum sr_error world_register(struct world *w, struct person *p);
enum sr_error world_login(struct world *w, struct person *p, uint8_t slot);
enum sr_error world_change(struct world *w, struct person *p, uint8_t slot,
    uint8_t target, const char *secret);

/* The password's record again, as it is. */
enum sr_error world_renew(struct world *w, struct person *p);

/* The parts: M1 on a new connection, and M3 after M2 came. */
struct attempt {
	struct handshake handshake;
	struct opaque_client_login login;
	uint8_t blind[32]; /* of a registration request */
	enum payload_operation operation;
	uint64_t connection;
	uint8_t m1[FRAME_M1_LEN];
	uint8_t m3[FRAME_M3_LEN];
	struct handshake_keys keys;
};

/* An M1 that is not sent. */
void world_seal_m1(struct world *w, struct person *p, struct attempt *a,
    enum payload_operation operation, uint8_t slot, uint8_t target,
    const char *secret);
void world_m1(struct world *w, struct person *p, struct attempt *a,
    enum payload_operation operation, uint8_t slot, uint8_t target,
    const char *secret);
enum sr_error world_m3(struct world *w, struct person *p, struct attempt *a,
    const char *secret, const char *new_secret);
void world_send_m1(struct world *w, uint64_t connection, uint32_t generation,
    const uint8_t *body, size_t len);
void world_send_m3(struct world *w, uint64_t connection, uint32_t generation,
    const uint8_t *body, size_t len);

#endif
