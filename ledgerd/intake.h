/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_INTAKE_H
#define LEDGERD_INTAKE_H
/*
 * What comes in from clients: log-ins that keyd announces and records that
 * netd relays.  Opens and decodes them and puts them in the queues, in the
 * order in which they came; decides nothing about money.  What each message
 * inside a record becomes is in messages.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct ledgerd;
struct customer_session;
struct item;
struct opening;
struct message_session_open;
struct message_attestation;

/* The i-th waiting item or opening, from the front. */
struct item *intake_item(struct ledgerd *ledgerd, size_t i);
struct opening *intake_opening_at(struct ledgerd *ledgerd, size_t i);

/* Takes the first count items or openings off the queues and wipes them. */
void intake_drop_items(struct ledgerd *ledgerd, size_t count);
void intake_drop_openings(struct ledgerd *ledgerd, size_t count);

/* A log-in: opens its session and queues it for M4; closes when full. */
void intake_opening(
    struct ledgerd *ledgerd, const struct message_session_open *m);

/* Keys that the books have not seen come into them without a log-in: an
 * opening without a session.  Others, and when the queue is full: nothing. */
void intake_attested(
    struct ledgerd *ledgerd, const struct message_attestation *m);

/* True while another packet of netd's has room in the queue. */
bool intake_has_room(const struct ledgerd *ledgerd);

/* Reads what netd has sent, as far as there is room.  SR_CLOSED, SR_IO. */
enum sr_error intake_listen(struct ledgerd *ledgerd);

/* Ends one session; with `goodbye' when it is to be told. */
void intake_end(
    struct ledgerd *ledgerd, struct customer_session *session, bool goodbye);

/* Ends the sessions of a customer, of a terminal, or of older generations. */
void intake_end_customer(struct ledgerd *ledgerd, uint64_t customer);
/* That one of the customer's sessions, if it is still there. */
void intake_end_session(
    struct ledgerd *ledgerd, uint64_t customer, const uint8_t id[16]);
void intake_end_terminal(struct ledgerd *ledgerd, uint32_t terminal);
void intake_end_older(struct ledgerd *ledgerd, uint32_t generation);
void intake_end_all(struct ledgerd *ledgerd);

/*
 * Ends sessions that were idle, open or under the same keys for too long;
 * about once a second.
 */
void intake_sweep(struct ledgerd *ledgerd);

#endif
