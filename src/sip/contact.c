/* SPDX-License-Identifier: ISC */
/**
 * @file contact.c  Dialogs with who is on a stream, behind whatever there is
 *
 * A telephone on TCP or TLS names in Contact where it listens; behind a NAT or
 * a firewall nobody gets there.  What it does hear is its own stream.  So
 * libre is shown a Contact with the address that the message came from, unless
 * proxies stand between (Record-Route), and finds the stream by it.
 */
#include <errno.h>
#include <re.h>
#include "sip/state.h"

/** A Contact with another value for a while. */
struct pinned {
	struct sip_hdr *h;
	struct pl was;
	char *text;
};

static int pin(const struct sip_msg *msg, struct pinned *p)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	struct sa there;
	int err;

	*p = (struct pinned){.h = NULL};
	if (msg->tp == SIP_TRANSP_UDP || !h ||
	    sip_msg_hdr(msg, SIP_HDR_RECORD_ROUTE) ||
	    sip_addr_decode(&addr, &h->val))
		return 0;
	if (!sa_set(&there, &addr.uri.host, addr.uri.port) &&
	    sa_cmp(&there, &msg->src, SA_ALL) &&
	    !pl_strcasecmp(&addr.uri.scheme, "sip"))
		return 0;
	err = re_sdprintf(&p->text, "<sip:%r%s%J%s>", &addr.uri.user,
			  addr.uri.user.l ? "@" : "", &msg->src,
			  sip_transp_param(msg->tp));
	if (err)
		return err;
	/* The message is ours to read only; it is put back as it was */
	p->h = (struct sip_hdr *)h;
	p->was = h->val;
	pl_set_str(&p->h->val, p->text);
	return 0;
}

static void unpin(struct pinned *p)
{
	if (p->h)
		p->h->val = p->was;
	mem_deref(p->text);
}

int contact_accept(struct sip_dialog **dlg, const struct sip_msg *msg)
{
	struct pinned p;
	int err = pin(msg, &p);

	if (!err)
		err = sip_dialog_accept(dlg, msg);
	unpin(&p);
	return err;
}

int contact_fork(struct sip_dialog **dlg, struct sip_dialog *root,
		 const struct sip_msg *msg)
{
	struct pinned p;
	int err = pin(msg, &p);

	if (!err)
		err = sip_dialog_fork(dlg, root, msg);
	unpin(&p);
	return err;
}

void contact_update(struct sip_dialog *dlg, const struct sip_msg *msg)
{
	struct pinned p;

	/* Without a Contact, or without memory, the old one stands */
	if (!pin(msg, &p))
		(void)sip_dialog_update(dlg, msg);
	unpin(&p);
}
