/* SPDX-License-Identifier: ISC */
/*
 * What netd says to strongroomd and, through it, to strongroomctl: that it
 * serves, and its counters.  Must never name a client.
 */
#include "common/diag.h"
#include "gen/messages.h"
#include "netd/netd.h"

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
	    outbox_append(&n->links[LINK_CONTROL].box, bytes, writer_len(&w)) !=
		SR_OK)
		diag_warn("an answer to strongroomd was dropped");
}

void
netd_ready(struct netd *n, uint32_t missing)
{
	const struct message_ready m = {.missing = missing};
	uint8_t bytes[MESSAGE_READY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (message_ready_encode(&w, &m) != SR_OK ||
	    outbox_append(&n->links[LINK_CONTROL].box, bytes, writer_len(&w)) !=
		SR_OK)
		diag_fatal("strongroomd cannot be told");
}

void
netd_take_monitor_stop(struct netd *n, const struct message_stop *m)
{
	(void)m;
	netd_stop(n);
}

void
netd_take_monitor_control_request(
    struct netd *n, const struct message_control_request *m)
{
	n->control_request = m->request;
	(void)netd_dispatch_control(n, PHASE_OPEN, m->packet, m->packet_len);
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
