/* SPDX-License-Identifier: ISC */
/*
 * What keyd and ledgerd say, taken and handed to the clients.  Must never
 * take a message as being about another connection than the one whose id it
 * bears, or for another phase than that connection is in.
 */
#include <string.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "netd/client.h"
#include "netd/rooms.h"

/* Of diag_limited(): all of a room's mistakes are one kind of event. */
#define DIAG_KEY_ROOMS 0x726f6f6d

/* ---- From keyd ----------------------------------------------------------- */

static bool
of_this_generation(const struct netd *n, uint64_t id)
{
	return id >> 32 == n->params.generation;
}

/* The connection with that id if it waits for keyd in one of the phases. */
static struct connection *
handshake_of(struct netd *n, uint64_t id, enum connection_phase phase,
    enum connection_phase or_phase)
{
	struct connection *c = connection_find(&n->connections, id);

	if (c == NULL || !c->in_turn ||
	    (c->phase != phase && c->phase != or_phase))
		return NULL;
	rooms_turn_over(n, c);
	return c;
}

void
netd_take_keyd_beacon(struct netd *n, const struct message_beacon *m)
{
	if (frame_len_check(FRAME_HELLO, m->hello_len) != SR_OK) {
		diag_warn("keyd sent a HELLO of a wrong length");
		return;
	}
	memcpy(n->hello, m->hello, m->hello_len);
	n->hello_len = m->hello_len;
}

void
netd_take_keyd_handshake_2(struct netd *n, const struct message_handshake_2 *m)
{
	struct connection *c =
	    handshake_of(n, m->connection, CONNECTION_M1, CONNECTION_M1);

	if (c == NULL)
		return;
	client_phase(n, c, CONNECTION_M2);
	(void)client_send(n, c, FRAME_M2, m->body, m->body_len);
}

void
netd_take_keyd_handshake_accepted(
    struct netd *n, const struct message_handshake_accepted *m)
{
	struct connection *c = connection_find(&n->connections, m->connection);

	if (c == NULL || c->phase == CONNECTION_GONE) {
		/* It ended meanwhile, but ledgerd has a session for it. */
		if (of_this_generation(n, m->connection))
			(void)rooms_session_gone(n, m->connection);
		return;
	}
	c = handshake_of(n, m->connection, CONNECTION_M3, CONNECTION_M3);
	if (c == NULL)
		return;
	c->keyd_knows = false;
	c->ledgerd_knows = true;
	client_phase(n, c, CONNECTION_SESSION);
}

void
netd_take_keyd_handshake_5(struct netd *n, const struct message_handshake_5 *m)
{
	struct connection *c =
	    handshake_of(n, m->connection, CONNECTION_M3, CONNECTION_M3);

	if (c == NULL)
		return;
	c->keyd_knows = false;
	if (client_send(n, c, FRAME_M5, m->body, m->body_len))
		client_goodbye(n, c);
}

void
netd_take_keyd_handshake_refused(
    struct netd *n, const struct message_handshake_refused *m)
{
	struct connection *c =
	    handshake_of(n, m->connection, CONNECTION_M1, CONNECTION_M3);

	if (c == NULL)
		return;
	c->keyd_knows = false;
	/* An answer that came late must not tell by its time, either. */
	while (c->refuse_ms <= n->now_ms)
		c->refuse_ms += NETD_REFUSE_MS;
	client_phase(n, c, CONNECTION_REFUSED);
}

void
netd_refuse_keyd(struct netd *n, unsigned type, enum sr_error why)
{
	(void)n;
	diag_limited(DIAG_KEY_ROOMS, "keyd sent message %u: %s", type,
	    error_sentence(why));
}

/* ---- From ledgerd -------------------------------------------------------- */

void
netd_take_ledgerd_record_out(struct netd *n, const struct message_record_out *m)
{
	struct connection *c = connection_find(&n->connections, m->connection);

	if (c == NULL || c->phase == CONNECTION_GONE) {
		/* A session that opens for a client that has ended. */
		if (m->frame_type == FRAME_M4 &&
		    of_this_generation(n, m->connection))
			(void)rooms_session_gone(n, m->connection);
		return;
	}
	/* ledgerd may be quicker than keyd's word that M3 was good. */
	if (c->phase == CONNECTION_M3 && m->frame_type == FRAME_M4) {
		rooms_turn_over(n, c);
		c->keyd_knows = false;
		c->ledgerd_knows = true;
		client_phase(n, c, CONNECTION_SESSION);
	}
	if (c->phase != CONNECTION_SESSION ||
	    (m->frame_type != FRAME_M4 && m->frame_type != FRAME_RECORD))
		return;
	(void)client_send(
	    n, c, (enum frame_type)m->frame_type, m->body, m->body_len);
}

void
netd_take_ledgerd_session_close(
    struct netd *n, const struct message_session_close *m)
{
	struct connection *c = connection_find(&n->connections, m->connection);

	if (c == NULL ||
	    (c->phase != CONNECTION_SESSION && c->phase != CONNECTION_M3))
		return;
	rooms_turn_over(n, c);
	c->keyd_knows = false;
	client_goodbye(n, c);
}

void
netd_refuse_ledgerd(struct netd *n, unsigned type, enum sr_error why)
{
	(void)n;
	diag_limited(DIAG_KEY_ROOMS, "ledgerd sent message %u: %s", type,
	    error_sentence(why));
}
