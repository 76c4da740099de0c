/* SPDX-License-Identifier: ISC */
/**
 * @file registrar.h  Stations: who may register and call, and where they are
 *
 * Accounts with digest passwords (auth.h), and for each the contacts under
 * which its telephones have registered (RFC 3261 10).  A contact is reached
 * where its REGISTER came from, over the same stream if it was one; when that
 * stream ends the contact is gone.
 */
#ifndef SIP_REGISTRAR_H
#define SIP_REGISTRAR_H

#include <re.h>
#include <stdbool.h>
#include <stdint.h>

#define REGISTRAR_ACCOUNTS_MAX 4096	/* more: ENOSPC */
#define REGISTRAR_CONTACTS_MAX 8	/* of one account; more: 403 */
#define REGISTRAR_URI_CHARS_MAX 255	/* of a contact; longer: 400 */
#define REGISTRAR_USER_CHARS_MAX 64	/* longer: ENAMETOOLONG */
#define REGISTRAR_EXPIRES_S_MIN 60	/* less: 423 */
#define REGISTRAR_EXPIRES_S_MAX 3600	/* more is cut to it */
#define REGISTRAR_SOURCES_MAX 4096	/* with a limit of their own; more share */

struct endpoint;
struct registrar;

struct registrar_conf {
	const char *realm;
	uint32_t requests_per_s; /* REGISTER and INVITE of one address... */
	uint32_t requests_burst; /* ...and at once; 0: no limit.  A wrong
				  * password counts as ten */
};

/** Where a station is, borrowed from the registrar till it is next asked. */
struct registrar_contact {
	const char *uri;
	const char *route; /* or NULL: the URI says it */
	const struct sip_msg *over;
};

/** ENOMEM, EIO.  *rp is owned, freed by registrar_free(); @p ep is kept by
 *  the caller longer. */
int registrar_alloc(struct registrar **rp, struct endpoint *ep,
		    const struct registrar_conf *conf)
	__attribute__((warn_unused_result));
void *registrar_free(struct registrar *r);

/** Add an account, or give it a new password; the text is not kept. */
int registrar_account(struct registrar *r, const char *user,
		      const char *password) __attribute__((warn_unused_result));

/** For endpoint_conf: false when this address asks too often. */
bool registrar_source_ok(struct registrar *r, const struct sip_msg *msg);

/** Answer a REGISTER. */
void registrar_register(struct registrar *r, const struct sip_msg *msg);

/**
 * Is this request of one of our accounts?
 *
 * @return its name, till the registrar is next asked; NULL: it has been
 *         answered (401, 403 or 400)
 */
const char *registrar_admit(struct registrar *r, const struct sip_msg *msg);

/** The contacts of this account, at most @p max; 0: unknown or not here. */
size_t registrar_contacts(struct registrar *r, struct pl user,
			  struct registrar_contact *v, size_t max);

#endif
