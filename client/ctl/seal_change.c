/* SPDX-License-Identifier: ISC */
/*
 * The request and the answer of a change (keyd/unlock_change.h), which pass by
 * strongroomd unread.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/seal.h"
#include "common/buffer.h"
#include "gen/messages.h"

/* A passphrase takes a tenth of a second, a loaded machine longer. */
#define CHANGE_WAIT_MS 60000

enum {
	ANSWER_MAX = 2 + SHARE_COUNT_MAX * SHARE_LEN,
};

enum sr_error
ctl_sealed_get(int control, struct sealed *out)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const struct message_backup_sealed_get question = {.file = 0};
	struct message_backup_piece piece;
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_backup_sealed_get_encode(&w, &question);

	if (error == SR_OK)
		error = control_ask(control, CONTROL_MONITOR, bytes,
		    writer_len(&w), MESSAGE_BACKUP_PIECE, packet, &body, &len);
	if (error == SR_OK)
		error = message_backup_piece_decode(body, len, &piece);
	if (error == SR_OK)
		error = error_of_wire(piece.error);
	if (error == SR_OK)
		error =
		    sealed_read(piece.bytes, piece.bytes_len, SEALED_ROOT, out);
	return error;
}

const char *
ctl_sealed_rehearsed(const struct sealed_envelope *envelope)
{
	return envelope->kind == SEALED_SHARES && !envelope->rehearsed
		   ? " NOT REHEARSED"
		   : "";
}

enum sr_error
ctl_sealed_describe(int control, char *out, size_t out_len)
{
	struct sealed sealed;
	enum sr_error error = ctl_sealed_get(control, &sealed);
	size_t len = 0;

	out[0] = '\0';
	if (error != SR_OK) {
		snprintf(
		    out, out_len, "root.sealed: %s", error_sentence(error));
		return error;
	}
	for (size_t i = 0; i < sealed.count && len < out_len; i++) {
		const struct sealed_envelope *envelope = &sealed.envelopes[i];
		char of[24] = "";

		if (envelope->kind == SEALED_SHARES)
			snprintf(of, sizeof(of), " (%u of %u)",
			    envelope->quorum, envelope->shares);
		len += (size_t)snprintf(out + len, out_len - len, "%s%s%s%s",
		    i > 0 ? ", " : "", sealed_kind_name(envelope->kind), of,
		    ctl_sealed_rehearsed(envelope));
		if (ctl_sealed_rehearsed(envelope)[0] != '\0')
			error = SR_NOT_REHEARSED;
	}
	if (sealed.count == 1 && len < out_len)
		snprintf(out + len, out_len - len,
		    " only: if it is lost, so is the bank (strongroomctl seal "
		    "add)");
	else if (error != SR_OK && len < out_len)
		snprintf(out + len, out_len - len,
		    ": nobody knows whether they restore the bank "
		    "(strongroomctl rehearse)");
	return error;
}

static bool
send_request(int fd, const struct ctl_seal_change *change)
{
	const struct ctl_unlock_secret *present = change->present;
	size_t label_len = change->label != NULL ? strlen(change->label) : 0;
	uint8_t bytes[SEALED_REQUEST_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	bool good;

	writer_u16(&w, (uint16_t)label_len);
	writer_bytes(&w, change->label, label_len);
	writer_u16(&w, (uint16_t)change->new_len);
	writer_bytes(&w, change->new_secret, change->new_len);
	writer_bytes(&w, present->bytes, present->len);
	/* It is short enough for the socket's buffer. */
	good = !w.bad &&
	       send(fd, bytes, writer_len(&w), MSG_NOSIGNAL | MSG_DONTWAIT) ==
		   (ssize_t)writer_len(&w) &&
	       shutdown(fd, SHUT_WR) == 0;
	sodium_memzero(bytes, sizeof(bytes));
	return good;
}

/*
 * After strongroomd has answered, strongroom-unlock has ended: all that it
 * said is here.
 */
static enum sr_error
take_answer(int fd, const struct ctl_seal_change *change,
    uint8_t records[SHARE_COUNT_MAX * SHARE_LEN])
{
	const size_t wanted = change->shares * (size_t)SHARE_LEN;
	uint8_t bytes[ANSWER_MAX + 1];
	enum sr_error error = SR_UNREACHABLE;
	size_t len = 0;
	struct reader r;
	ssize_t n;

	do {
		n = recv(fd, bytes + len, sizeof(bytes) - len, MSG_DONTWAIT);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < sizeof(bytes));
	r = reader_of(bytes, len);
	if (len >= 2)
		error = error_of_wire(reader_u16(&r));
	if (error == SR_OK && reader_left(&r) != wanted)
		error = SR_MALFORMED;
	else if (error == SR_OK)
		reader_bytes(&r, records, wanted);
	sodium_memzero(bytes, sizeof(bytes));
	return error;
}

static enum sr_error
ask(int control, int hand, const struct ctl_seal_change *change)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const struct message_seal_change m = {
	    .change = change->rehearsed       ? 3
		      : change->new_kind != 0 ? 1
					      : 2,
	    .kind = (uint8_t)change->present->kind,
	    .new_kind = (uint8_t)change->new_kind,
	    .quorum = change->quorum,
	    .shares = change->shares,
	    .number = change->number,
	};
	struct message_sealed sealed;
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_seal_change_encode(&w, &m);

	if (error == SR_OK)
		error = control_ask_handing(control, CONTROL_MONITOR, bytes,
		    writer_len(&w), hand, CHANGE_WAIT_MS, MESSAGE_SEALED,
		    packet, &body, &len);
	return error == SR_OK ? message_sealed_decode(body, len, &sealed)
			      : error;
}

enum sr_error
ctl_seal_change(int control, const struct ctl_seal_change *change,
    uint8_t records[SHARE_COUNT_MAX * SHARE_LEN])
{
	enum sr_error error = SR_IO, answered;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return SR_IO;
	if (send_request(pair[0], change)) {
		error = ask(control, pair[1], change);
		close(pair[1]);
		pair[1] = -1;
		answered = take_answer(pair[0], change, records);
		/* Its own word says more than that it ended badly. */
		if (error == SR_OK || answered != SR_UNREACHABLE)
			error = error == SR_OK || answered != SR_OK ? answered
								    : error;
	}
	if (pair[1] >= 0)
		close(pair[1]);
	close(pair[0]);
	return ctl_unlock_error(error, change->present->kind);
}
