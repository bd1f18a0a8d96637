/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_LEDGERD_H
#define LEDGERD_LEDGERD_H
/*
 * ledgerd: the only owner of balances and audit files.  It opens the records
 * of authenticated sessions, checks signatures and rules, journals in groups
 * and answers.  It never answers anything that rests on a batch which is not
 * durable and signed, never retries a failed sync, and holds no private key
 * but its sessions' and the journal's.
 *
 * ledgerd_init, ledgerd_start, then ledgerd_step until it says so.  It
 * reaches the world through env.h only, so all of it runs in a test process.
 *
 * Bounds, and what happens at them: openings waiting (the connection is
 * closed), messages of one session waiting (the session is closed), items
 * waiting (netd is not read), answers to netd (netd is not read and nothing
 * is committed until they have left).
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/book/book.h"
#include "common/certificate.h"
#include "common/env.h"
#include "common/ipc.h"
#include "common/merkle.h"
#include "common/note.h"
#include "common/outbox.h"
#include "common/payload.h"
#include "common/restore.h"
#include "common/rotation.h"
#include "common/seal_event.h"
#include "gen/messages.h"
#include "ledgerd/admission.h"
#include "ledgerd/archive.h"
#include "ledgerd/audit.h"
#include "ledgerd/metrics.h"
#include "ledgerd/people.h"
#include "ledgerd/proof.h"
#include "ledgerd/pulse.h"
#include "ledgerd/retire.h"
#include "ledgerd/segments.h"
#include "ledgerd/sessions.h"
#include "ledgerd/snapshot.h"
#include "ledgerd/tiles.h"

struct ledgerd_params {
	uint64_t segment_len; /* bytes of a new segment */
	uint64_t reserve;     /* bytes below which no orders are taken */
	uint64_t session_idle_s;
	uint64_t session_absolute_s;
	uint64_t session_rekey_s;
	uint64_t sessions_max;
	uint64_t audit;   /* enum audit_mode */
	uint32_t missing; /* sandbox layers not in force, for `ready' */
};

enum {
	ITEMS_MAX = 512,
	/* netd's packets are read only while so many places are free: more
	 * than the records one packet can hold. */
	ITEMS_RESERVE = 256,
	OPENINGS_MAX = 256,
	LEDGERD_ROTATES_AN_HOUR = 32,
	OPERATIONS_MAX = 2 * ITEMS_MAX,
	FRAMES_LEN = 1024 * 1024,
	NETD_OUTBOX_LEN = 1024 * 1024,
	CONTROL_OUTBOX_LEN = 128 * 1024,
	LEDGERD_SEALS_MAX = 16,
};

/* A log-in that keyd has announced, until it is answered with M4. */
struct opening {
	struct message_session_open message; /* pointers into the arrays */
	uint64_t serial;                     /* of its session */
	uint8_t name[PAYLOAD_NAME_MAX];
	uint8_t display_name[PAYLOAD_DISPLAY_NAME_MAX];
	uint8_t attestation[ENTRY_ATTESTATION_MAX];
	enum sr_error reset;  /* of keys by a reset: whether it was ordered */
	enum sr_error status; /* of M4 */
};

enum item_kind {
	ITEM_ORDER,
	ITEM_BALANCE,
	ITEM_STATEMENT,
	ITEM_DIRECTORY,
	ITEM_CERTIFICATE,
	ITEM_HOLDS,
	ITEM_LATE,
	ITEM_ACCOUNTS,
	ITEM_REQUESTS,
	ITEM_POLICY,
	ITEM_PRINCIPALS,
	ITEM_POSTING,
	ITEM_RECEIPT,
	ITEM_REFUSED,
	ITEM_REKEY,
	ITEM_GOODBYE,
};

struct item_order {
	uint8_t bytes[ORDER_LEN];
	uint8_t signature[ORDER_SIGNATURE_LEN];
	size_t attachment_len;
	uint8_t attachment[ORDER_ATTACHMENT_MAX];
	struct book_order order;
	struct message_order_answer answer; /* without the proof */
	enum sr_error checked;              /* form and signature */
	bool stored; /* applied before: read the answer from the log */
};

/* One message of a client, from its record to its answer. */
struct item {
	enum item_kind kind;
	uint64_t connection;
	uint64_t serial; /* of its session */
	uint32_t request;
	enum sr_error refused;
	uint64_t account; /* of accounts and the directory: the customer */
	uint64_t before;  /* of lists: after; of a posting, receipt: its leaf */
	uint16_t count;
	uint32_t key_id; /* of a certificate */
	uint8_t name_len;
	char name[PAYLOAD_NAME_MAX];
	uint8_t key[32]; /* the client's half of a re-key */
	struct item_order order;
};

/* An operation of keyd's that is logged before it is done. */
struct operation {
	enum entry_use code; /* 0: a certificate or retirement takes effect */
	uint32_t request;    /* control request, 0: none */
	uint32_t terminal;   /* of those for terminals */
	uint32_t epoch;
	/* of USE_DISCLOSE and USE_SEGMENT_KEY; of USE_DISCLOSE_SNAPSHOT the
	 * snapshot's number */
	uint32_t segment;
	uint64_t customer; /* of USE_ERASE and USE_RESET */
	uint8_t key;       /* of USE_ROTATE */
	uint64_t leaf; /* of the customer's or auditor's order, or approval */
	/* of what was approved: a retirement or a reset; 0: neither */
	uint64_t request_leaf;
	uint8_t auditor[32];
	uint8_t salt[JOURNAL_SALT_LEN];
};

/* Whose sessions end when the batch is signed. */
struct revoked {
	uint64_t principal;
	uint32_t terminal;
};

/* Directory keys by customer; only while the journal is replayed. */
struct directory_keys {
	struct directory_key *of;
	size_t count;
	size_t capacity;
};

/* What one commit writes: frames that lie in one segment. */
struct batch {
	uint8_t frames[FRAMES_LEN];
	size_t frames_len;
	bool takes_entries;
	enum sr_error closed; /* for orders, and why */
	size_t limit;         /* frames and COMMIT fit into so many bytes */
	uint64_t first;       /* index of its first leaf */
	uint64_t time_ms;
	struct merkle_frontier tree; /* with this batch */
	size_t leaf_count;
	uint8_t leaves[ITEMS_MAX + OPENINGS_MAX][MERKLE_HASH_LEN];
	uint8_t leaf_bytes[ITEMS_MAX + OPENINGS_MAX][JOURNAL_LEAF_LEN];
	struct audit_record audit[ITEMS_MAX + OPENINGS_MAX];
	size_t items; /* of the queue, that this commit has taken */
	size_t openings;
};

/* keyd's answers, as the handlers left them. */
struct keyd_answers {
	unsigned arrived;        /* bits of enum keyd_answer */
	uint64_t attestation_of; /* asked for; 0: nobody's */
	struct message_tree_head head;
	struct message_segment_key segment_key;
	struct message_key_used used;
	struct message_snapshot_key snapshot_key;
	uint8_t genesis_signature[64];
	enum sr_error genesis_error;
	bool founded;
	bool copy; /* of a backup: nothing may be logged */
	bool restoring;
	bool rotating;
	uint8_t bank_id[32];
	uint8_t identity[32];
	uint8_t certificate[CERTIFICATE_LEN];
	enum sr_error restore_error;
	uint8_t restore_note[RESTORE_NOTE_LEN];
	enum sr_error rotation_error;
	uint8_t rotation_note[ROTATION_NOTE_LEN];
	/* of terminals, directory_keys and snapshots: points into the packet */
	const uint8_t *list;
	size_t list_len;
};

struct ledgerd {
	struct env *env;
	struct ledgerd_params params;
	unsigned phase;      /* enum message_phase */
	enum sr_error fatal; /* set where a handler cannot return it */
	bool stopping;
	bool stopped; /* in good order: the main may end */
	bool netd_gone;

	/* The bank. */
	uint8_t bank_id[32];
	uint8_t identity[32];
	struct certificate certificate;
	struct certificate former_certificate; /* that was asked for last;
						  epoch 0: none */
	struct book book;
	struct people people;
	struct directory_keys directory_keys;
	/* of those that a crash kept from keyd */
	uint64_t certificate_leaf;
	uint64_t retired_leaf;         /* the approval's */
	uint64_t retired_request_leaf; /* and of what was approved */

	/* The log. */
	struct segments segments;
	uint8_t segment_key[32]; /* of the open segment */
	struct archive archive;
	struct proof proof; /* of the last commit's entries */
	struct snapshots snapshots;
	struct tiles tiles;
	struct retire retire;
	struct merkle_frontier tree; /* what keyd has signed */
	struct message_tree_head head;
	char checkpoint[NOTE_MAX];
	size_t checkpoint_len;
	uint64_t last_time_ms; /* of the last entry */
	struct audit_log audit;
	struct admission admission;
	struct refusals refusals; /* of keyd's, not journaled yet */
	struct seal_event seals[LEDGERD_SEALS_MAX]; /* likewise */
	size_t seal_count;

	/* Who is here and what waits. */
	uint32_t generation;
	struct sessions sessions;
	struct opening openings[OPENINGS_MAX]; /* a ring */
	size_t opening_head;
	size_t opening_count;
	struct item items[ITEMS_MAX]; /* a ring */
	size_t item_head;
	size_t item_count;
	struct batch batch;
	size_t items_unanswered; /* of the last commit, in front */
	size_t openings_unanswered;
	struct operation operations[OPERATIONS_MAX];
	size_t operation_count;
	struct revoked revoked[OPERATIONS_MAX];
	size_t revoked_count;
	uint64_t swept_ms;

	/* The links. */
	struct keyd_answers keyd;
	struct ipc_packet keyd_packet;
	struct ipc_packet packet;
	struct outbox netd_out;
	struct outbox control_out;
	uint8_t netd_out_bytes[NETD_OUTBOX_LEN];
	uint8_t control_out_bytes[CONTROL_OUTBOX_LEN];
	uint32_t control_request; /* being answered */
	bool control_answered;

	struct pulse pulse;

	uint64_t rotates_since_ms; /* boot clock; of the hour's first one */
	unsigned rotates;          /* asked for since then, done or refused */

	/* Counters for status. */
	struct metrics metrics;
	uint64_t orders;
	uint64_t declined;
	uint64_t refused;
	uint64_t recovered;
};

/* Prepares the struct; SR_MEMORY. */
enum sr_error ledgerd_init(struct ledgerd *ledgerd, struct env *env,
    const struct ledgerd_params *params);

/*
 * Asks keyd for the bank, replays the journal, brings both to one head and
 * says `ready'.  SR_DAMAGED, SR_ROLLED_BACK, SR_FORKED, SR_IO ...: after a
 * line that says what and where; the room must end.
 */
enum sr_error ledgerd_start(struct ledgerd *ledgerd);

/*
 * One look at the links and at most one commit.  Waits at most timeout_ms (-1:
 * until something happens) when there is nothing to do.  Anything but SR_OK
 * ends the room with a failure; ledgerd->stopped ends it in good order.
 */
enum sr_error ledgerd_step(struct ledgerd *ledgerd, int timeout_ms);

/* Wipes and releases. */
void ledgerd_close(struct ledgerd *ledgerd);

/*
 * The time that an entry would bear now, in milliseconds since 1970: where
 * the clock went back behind the last entry, it stands still.
 */
uint64_t ledgerd_time_ms(const struct ledgerd *ledgerd);

#endif
