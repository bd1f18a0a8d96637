/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CHAT_CHAT_H
#define CLIENT_CHAT_CHAT_H
/*
 * A live conversation of two customers, sealed from end to end: the bank
 * relays frames (frame.h) that it cannot read.  This is the state machine of
 * one side, without files, sockets, clock or randomness: who calls it passes
 * frames, the time and fresh random bytes in, and sends the frames that come
 * out, in the order in which they came out.
 *
 *   chat_start      idle: who the two are
 *   chat_open       opening: the first handshake message is to be sent
 *   chat_receive    whatever the other side has sent; what it means is told
 *                   as an event, and it may give a frame to be sent
 *   chat_tick       when chat_wait_ms is over: renews the keys, gives up
 *   chat_send_...   open only: one frame each
 *   chat_close      says goodbye
 *
 * Handshake: Noise KK (common/noise_kk.h) with the keys that keyd attests,
 *
 *	prologue = "strongroom/1 chat" | bank id 32 | lower customer id u64
 *	    | higher customer id u64 | conversation 16
 *	prk = Extract(salt h, k1 | k2)
 *	ck0 = Expand(prk, "strongroom/1 chat chain", 64)
 *
 * The answer is a byte within the second message: accepted, busy or no.  The
 * initiator then sends the record "ready", which tells the other side that
 * the first message was no repetition of an old one: before it nothing is
 * said to have been opened.  If both open at once, the handshake of the lower
 * customer id goes on and the other side answers it.
 *
 * Keys: as of a session with the bank (common/session.h), the initiator as
 * the client: one key a direction out of a chain that is renewed with fresh
 * X25519 keys of both sides, every rekey_ms, after 1 GiB or 2^20 records.
 * The record "re-key" is the last that a side sends under its old key; who
 * receives one and has sent none sends its own; who has both turns to the new
 * keys, and the old ones are wiped.  So it makes no difference who begins, or
 * whether both do; in between, chat_may_send says no.
 *
 * Records: ChaCha20-Poly1305 under the direction's key, nonce = the frame's
 * counter, which goes up by one with each data frame of a direction through
 * the whole conversation and stands in the frame, so that what is missing can
 * be told from what came twice.
 *
 * Messages: each side numbers its texts and files from 1.  Marks (delivered,
 * read) name one message of the other side each.  One file at a time goes in
 * each direction, and texts go in between its chunks; its SHA-256 comes at its
 * end.
 *
 * Security:
 * - Nothing is given out that is not the next record of the other side, whole
 *   and unaltered.  Whatever else comes in an open conversation ends it, with
 *   an error that says what was seen.  A relay that keeps everything back is
 *   noticed when the keys are due, or when something else is not answered
 *   within CHAT_ANSWER_MS.
 * - A conversation that has ended keeps no key, and an open one not the own
 *   private key that the handshake needed.
 * - What the other side types or calls its file is opaque here: who shows it
 *   makes it printable, who writes it to a disk chooses the name.
 * - Bank and network see who talks with whom, when, and lengths in four steps.
 *
 * The struct belongs to its caller, holds secrets and is wiped by chat_wipe().
 * Nothing here allocates.  Times are milliseconds of a clock that is not set.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "client/chat/frame.h"
#include "common/error.h"
#include "common/noise_kk.h"
#include "common/session.h"

enum {
	CHAT_BANK_ID_LEN = 32,
	CHAT_FRESH_LEN = 32,
	CHAT_REKEY_MS_MIN = 5000,
	CHAT_REKEY_MS_MAX = 3600000,
	CHAT_REKEY_MS_DEFAULT = 600000,
	/* How long an answer of the other side's program is waited for. */
	CHAT_ANSWER_MS = 30000,
};

/* Who talks: the ids and keys that keyd attests. */
struct chat_parties {
	uint8_t bank_id[CHAT_BANK_ID_LEN];
	uint64_t own_id;
	uint64_t peer_id;
	uint8_t own_private[32];
	uint8_t peer_public[32];
	uint32_t rekey_ms; /* CHAT_REKEY_MS_MIN to CHAT_REKEY_MS_MAX */
};

enum chat_phase {
	CHAT_ENDED,    /* must be 0; chat.why says of what */
	CHAT_IDLE,     /* nothing sent, nothing received */
	CHAT_OPENING,  /* own first message sent */
	CHAT_ACCEPTED, /* answered, and nothing proves yet who is there */
	CHAT_OPEN,
};

enum chat_answer {
	CHAT_YES = 0,
	CHAT_BUSY = 1, /* talks with somebody else */
	CHAT_NO = 2,   /* does not want to */
};

/* A file on its way in one direction. */
struct chat_file {
	uint64_t number; /* of its message; 0: there is none */
	uint64_t size;
	uint64_t done;
	bool refused;
	crypto_hash_sha256_state hash;
};

/* Of the caller; fields are for reading only. */
struct chat {
	struct chat_parties parties;
	enum chat_phase phase;
	enum sr_error why; /* it has ended; SR_OK: as one of the two wanted */
	uint8_t conversation[CHAT_CONVERSATION_LEN];
	struct noise_kk handshake;
	struct session keys; /* its side: CLIENT is who has opened */
	uint64_t sent;       /* data frames = counter of the next */
	uint64_t received;
	uint64_t asked_ms; /* an answer is waited for since */
	uint64_t keyed_ms; /* the present keys are in use since */
	bool rekeying;     /* own re-key sent, the other's not received */
	uint8_t rekey_private[32];
	uint8_t rekey_public[32];
	uint64_t own_messages; /* numbers given */
	uint64_t peer_messages;
	struct chat_file sending;
	struct chat_file receiving;
};

enum chat_event_kind {
	CHAT_NOTHING,      /* nothing that anybody need be told */
	CHAT_JOINED,       /* the conversation is open, both are there */
	CHAT_DECLINED,     /* answer says how; it has ended */
	CHAT_CLOSED,       /* the other side said goodbye; it has ended */
	CHAT_ANOTHER,      /* an `open' of another conversation, see below */
	CHAT_STRAY,        /* of another conversation: passed over */
	CHAT_RENEWED,      /* new keys are in use */
	CHAT_TEXT,         /* number, data */
	CHAT_DELIVERED,    /* number of an own message */
	CHAT_READ,         /* number of an own message */
	CHAT_TYPING,       /* typing */
	CHAT_FILE,         /* number, size; data is its name */
	CHAT_FILE_CHUNK,   /* number, offset, data */
	CHAT_FILE_WHOLE,   /* number: all of it came, SHA-256 compared */
	CHAT_FILE_DAMAGED, /* number: it is not what its sender has read */
	CHAT_FILE_STOPPED, /* number: its sender has given it up */
	CHAT_FILE_REFUSED, /* number: stop it, the other wants no more */
};

/* What a frame meant, of the caller; data is the event's own. */
struct chat_event {
	enum chat_event_kind kind;
	enum chat_answer answer;
	bool typing;
	uint64_t number;
	uint64_t size;
	uint64_t offset;
	size_t len;
	uint8_t data[CHAT_DATA_MAX];
};

/*
 * Begins with an idle conversation.  SR_NOT_ALLOWED when the ids are not of
 * two customers or rekey_ms is out of its range.
 */
enum sr_error chat_start(struct chat *chat, const struct chat_parties *parties);

/*
 * Opens it: the frame is to be sent.  conversation and fresh: 16 and 32
 * random bytes, drawn for this.  SR_INTERNAL unless idle; SR_CHAT_HANDSHAKE
 * for a peer's key that gives zeros.
 */
enum sr_error chat_open(struct chat *chat,
    const uint8_t conversation[CHAT_CONVERSATION_LEN],
    const uint8_t fresh[CHAT_FRESH_LEN], uint64_t now_ms,
    struct chat_frame *out);

/*
 * A frame of the other side's came; what waits is to be given before a tick.
 * An idle conversation accepts one that is opened (chat_decline instead of
 * this says no).  fresh: 32 random bytes, drawn for this call.  out is to be
 * sent if it is not empty.  Errors end the conversation, except that an idle
 * one stays idle:
 * SR_CHAT_HANDSHAKE  not of the other side's key, another bank's or customer's,
 *                    or altered: nothing was begun
 * SR_CHAT_ALTERED    it does not verify
 * SR_CHAT_MISSING    its counter is higher than the next
 * SR_CHAT_REPEATED   its counter is lower, or a handshake message came again
 * SR_CHAT_PEER       it verifies and has no meaning: the other's program errs
 * SR_CHAT_NO_ANSWER  the other side goes on under keys that are overdue
 * SR_CHAT_ENDED      it had ended before
 * SR_MALFORMED       no frame at all, to an idle one
 *
 * CHAT_ANOTHER: the other side's program was started anew, or the bank repeats
 * an old frame.  This conversation goes on.  Who wants to know gives the frame
 * to an idle one and sends nothing here meanwhile; when that has joined, this
 * is to be wiped.
 */
enum sr_error chat_receive(struct chat *chat, const uint8_t *bytes, size_t len,
    uint64_t now_ms, const uint8_t fresh[CHAT_FRESH_LEN],
    struct chat_frame *out, struct chat_event *event);

/*
 * Answers a frame that opens a conversation with CHAT_BUSY or CHAT_NO, which
 * only the other side can have made; there is no conversation then.
 * SR_CHAT_HANDSHAKE when the frame does not verify, SR_MALFORMED when it does
 * not open one.
 */
enum sr_error chat_decline(const struct chat_parties *parties,
    enum chat_answer answer, const uint8_t *bytes, size_t len,
    const uint8_t fresh[CHAT_FRESH_LEN], struct chat_frame *out);

/*
 * To be called when chat_wait_ms has passed, and as often as one likes: begins
 * a re-key that is due (out is then not empty; fresh as above).  Ends the
 * conversation with SR_CHAT_NO_ANSWER when one is late.
 */
enum sr_error chat_tick(struct chat *chat, uint64_t now_ms,
    const uint8_t fresh[CHAT_FRESH_LEN], struct chat_frame *out);

/* Milliseconds until chat_tick has something to do; UINT64_MAX: never. */
uint64_t chat_wait_ms(const struct chat *chat, uint64_t now_ms);

/*
 * Whether the functions below take something now: it is open, and no keys are
 * being or are to be renewed.  Otherwise they are SR_AGAIN, or SR_CHAT_ENDED.
 */
bool chat_may_send(const struct chat *chat);

/* 1 to CHAT_DATA_MAX bytes (else SR_TOO_LARGE); *number is the message's. */
enum sr_error chat_send_text(struct chat *chat, const void *text, size_t len,
    struct chat_frame *out, uint64_t *number);

/* Marks a message of the other side's.  SR_NOT_FOUND if there was none. */
enum sr_error chat_send_delivered(
    struct chat *chat, uint64_t number, struct chat_frame *out);
enum sr_error chat_send_read(
    struct chat *chat, uint64_t number, struct chat_frame *out);

/* That somebody types, or no longer does. */
enum sr_error chat_send_typing(
    struct chat *chat, bool typing, struct chat_frame *out);

/*
 * Announces a file: size in bytes, at most CHAT_FILE_SIZE_MAX, and a name of
 * 1 to CHAT_FILE_NAME_MAX bytes (else SR_TOO_LARGE).  SR_BUSY while another
 * one is on its way.  Then its bytes, in chunks of 1 to CHAT_DATA_MAX, and its
 * end.  SR_TOO_LARGE for more bytes than were announced, SR_NOT_FOUND when no
 * file is on its way or the other side has refused it (then stop it),
 * SR_INTERNAL for an end before all of it.
 */
enum sr_error chat_send_file(struct chat *chat, uint64_t size, const void *name,
    size_t name_len, struct chat_frame *out, uint64_t *number);
enum sr_error chat_send_chunk(
    struct chat *chat, const void *data, size_t len, struct chat_frame *out);
enum sr_error chat_send_file_end(struct chat *chat, struct chat_frame *out);

/* Gives up the file that is being sent.  SR_NOT_FOUND if there is none. */
enum sr_error chat_stop_file(struct chat *chat, struct chat_frame *out);

/*
 * Wants no more of the file that comes: chunks that are on their way are passed
 * over without an event.  SR_NOT_FOUND if there is none.
 */
enum sr_error chat_refuse_file(struct chat *chat, struct chat_frame *out);

/* Ends the conversation, when the frame is sent; all keys are wiped. */
enum sr_error chat_close(struct chat *chat, struct chat_frame *out);

/* Wipes everything; the conversation has ended. */
void chat_wipe(struct chat *chat);

#endif
