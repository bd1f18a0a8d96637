/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_SEAL_H
#define CLIENT_CTL_SEAL_H
/*
 * What opens a bank's keys: looked at, and changed while the bank runs or is
 * locked.  The change itself is strongroom-unlock's; strongroomd hands it the
 * end of a socket on which request and answer go by.
 */
#include "client/ctl/unlock_secret.h"
#include "common/sealed.h"

/* root.sealed as it is in force, without what it seals. */
enum sr_error ctl_sealed_get(int control, struct sealed *out);

/*
 * What opens the keys, for people: "passphrase, shares (3 of 5)", and what it
 * means when there is one way only; of a running or a locked bank.
 * SR_NOT_REHEARSED: shares among them are not, which stands there, too.
 */
enum sr_error ctl_sealed_describe(int control, char *out, size_t out_len);

/* " NOT REHEARSED" where shares are not; else "". */
const char *ctl_sealed_rehearsed(const struct sealed_envelope *envelope);

struct ctl_seal_change {
	const struct ctl_unlock_secret *present;
	/* what is added; kind 0 (the enum's none): something is taken out */
	enum sealed_kind new_kind;
	const char *label;
	const uint8_t *new_secret; /* NULL of shares */
	size_t new_len;
	uint8_t quorum; /* of shares */
	uint8_t shares;
	uint16_t number; /* of what is taken out, or */
	bool rehearsed;  /* is noted as rehearsed, with its own shares */
};

/*
 * Does it; SR_OK once it is on disk.  records gets SHARE_LEN bytes for each
 * new share.  Says nothing; SR_PASSPHRASE, SR_CREDENTIAL or SR_SHARES when
 * `present' does not open the keys, else as error_sentence() says.
 */
enum sr_error ctl_seal_change(int control, const struct ctl_seal_change *change,
    uint8_t records[SHARE_COUNT_MAX * SHARE_LEN]);

#endif
