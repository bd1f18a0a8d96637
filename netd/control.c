/* SPDX-License-Identifier: ISC */
/*
 * What netd says to strongroomd and, through it, to strongroomctl: that it
 * serves, and its counters.  Must never name a client.
 */
#include "common/diag.h"
#include "gen/messages.h"
#include "netd/netd.h"
#include "netd/rooms.h"

/* Puts an encoded message into the control link's outbox. */
static enum sr_error
tell(struct netd *n, const struct writer *w)
{
	return outbox_append(
	    &n->links[LINK_CONTROL].box, w->start, writer_len(w));
}

/* Puts an answer to the request in hand into the control link's outbox. */
static void
answer(struct netd *n, const struct writer *packet)
{
	struct message_control_answer m = {.request = n->control_request,
	    .packet = packet->start,
	    .packet_len = writer_len(packet)};
	uint8_t bytes[MESSAGE_HEADER_LEN + 6 + MESSAGE_NETD_STATUS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (packet->bad || message_control_answer_encode(&w, &m) != SR_OK ||
	    tell(n, &w) != SR_OK)
		diag_warn("an answer to strongroomd was dropped");
}

void
netd_ready(struct netd *n, uint32_t missing)
{
	const struct message_ready m = {.missing = missing};
	uint8_t bytes[MESSAGE_READY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (message_ready_encode(&w, &m) != SR_OK || tell(n, &w) != SR_OK)
		diag_fatal("strongroomd cannot be told");
}

void
netd_take_monitor_stop(struct netd *n, const struct message_stop *m)
{
	(void)m;
	netd_stop(n);
}

static bool
settings_valid(const struct message_netd_settings *m)
{
	return m->max_connections > 0 && m->max_per_address > 0 &&
	       m->handshake_timeout_ms > 0;
}

/* Nobody who is connected is sent away. */
void
netd_take_monitor_netd_settings(
    struct netd *n, const struct message_netd_settings *m)
{
	struct message_settings_done done = {.reload = m->reload};
	uint8_t bytes[MESSAGE_SETTINGS_DONE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (settings_valid(m)) {
		n->params.admit = m->max_connections;
		if (n->params.admit > n->params.max_connections)
			n->params.admit = n->params.max_connections;
		n->params.max_per_address = m->max_per_address;
		n->params.handshake_timeout_ms = m->handshake_timeout_ms;
	} else {
		done.error = SR_PARAMETERS;
	}
	if (message_settings_done_encode(&w, &done) != SR_OK ||
	    tell(n, &w) != SR_OK)
		diag_warn("an answer to strongroomd was dropped");
}

void
netd_take_monitor_control_request(
    struct netd *n, const struct message_control_request *m)
{
	n->control_request = m->request;
	(void)netd_dispatch_control(n, PHASE_OPEN, m->packet, m->packet_len);
}

/* strongroomd asks again for what is dropped here. */
void
netd_take_monitor_pulse(struct netd *n, const struct message_pulse *m)
{
	const struct message_pulse_seen seen = {.number = m->number};
	uint8_t bytes[MESSAGE_PULSE_SEEN_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (rooms_pulse(n, m->number) &&
	    message_pulse_seen_encode(&w, &seen) == SR_OK)
		(void)outbox_append(
		    &n->links[LINK_CONTROL].box, bytes, writer_len(&w));
}

void
netd_refuse_monitor(struct netd *n, unsigned type, enum sr_error why)
{
	(void)n;
	diag_warn("strongroomd sent message %u: %s", type, error_sentence(why));
}

void
netd_take_control_netd_status_get(
    struct netd *n, const struct message_netd_status_get *m)
{
	const struct message_netd_status status = {
	    .generation = n->params.generation,
	    .connections = n->connections.used,
	    .accepted = n->accepted,
	    .refused = n->refused};
	uint8_t bytes[MESSAGE_NETD_STATUS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)m;
	(void)message_netd_status_encode(&w, &status);
	answer(n, &w);
}

void
netd_refuse_control(struct netd *n, unsigned type, enum sr_error why)
{
	const struct message_control_refused refused = {.error = (uint16_t)why};
	uint8_t bytes[MESSAGE_CONTROL_REFUSED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)type;
	(void)message_control_refused_encode(&w, &refused);
	answer(n, &w);
}
