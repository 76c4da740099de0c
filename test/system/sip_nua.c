/* SPDX-License-Identifier: ISC */
/**
 * @file sip_nua.c  A telephone on sofia-sip's nua: a peer of another make
 *
 *	sip_nua PORT answer		183 reliably, and 200 after PRACK
 *	sip_nua PORT call URI		then hold by re-INVITE, UPDATE, INFO, BYE
 *
 * One call, with 100rel and a session timer; says what happens, a word a line,
 * and ends 0 when the call has ended well.
 */
#include <stdbool.h>
#include <sofia-sip/nua.h>
#include <sofia-sip/sdp.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/soa.h>
#include <sofia-sip/su.h>
#include <sofia-sip/su_tag_io.h>
#include <stdio.h>
#include <string.h>

static struct {
	su_root_t *root;
	nua_handle_t *call;
	bool caller, up, answered, held, done;
	int code;
} phone = {.code = 1};

static void say(const char *what, int status)
{
	printf("%s %d\n", what, status);
	fflush(stdout);
}

static void leave(nua_t *nua, int code)
{
	if (phone.done)
		return;
	phone.done = true;
	phone.code = code;
	nua_shutdown(nua);
}

static void on_state(nua_t *nua, nua_handle_t *nh, tagi_t tags[])
{
	int state = nua_callstate_init;

	tl_gets(tags, NUTAG_CALLSTATE_REF(state), TAG_END());
	if (state == nua_callstate_terminated)
		leave(nua, phone.up ? phone.code : 1);
	if (state != nua_callstate_ready)
		return;
	phone.up = true;
	if (phone.caller && !phone.held) {
		phone.held = true;
		nua_invite(nh, SOATAG_HOLD("audio"), TAG_END());
	}
}

static void on_invite(nua_handle_t *nh)
{
	if (phone.up) {
		say("reinvite", 200);
		nua_respond(nh, SIP_200_OK, TAG_END());
		return;
	}
	phone.call = nh;
	nua_respond(nh, SIP_183_SESSION_PROGRESS, TAG_END());
}

/* The arguments are nua's */
static void on_event(nua_event_t event, int status, char const *phrase,
		     nua_t *nua, nua_magic_t *magic, nua_handle_t *nh,
		     nua_hmagic_t *hmagic, sip_t const *sip, tagi_t tags[])
{
	(void)magic;
	(void)hmagic;
	(void)sip;
	(void)phrase;
	switch (event) {
	case nua_i_invite: on_invite(nh); break;
	case nua_i_state: on_state(nua, nh, tags); break;
	case nua_i_prack:
		say("prack", status);
		nua_respond(nh, SIP_200_OK, TAG_END());
		break;
	case nua_i_update: say("updated", status); break;
	case nua_i_info: say("informed", status); break;
	case nua_i_bye:
		say("bye", status);
		phone.code = 0;
		break;
	case nua_r_invite:
		if (status < 200)
			break;
		say("invite", status);
		if (status >= 300)
			leave(nua, 1);
		else if (phone.answered)
			nua_update(nh, TAG_END());
		phone.answered = true;
		break;
	case nua_r_prack: say("pracked", status); break;
	case nua_r_update:
		say("update", status);
		nua_info(nh, SIPTAG_CONTENT_TYPE_STR("application/dtmf-relay"),
			 SIPTAG_PAYLOAD_STR("Signal=5\r\n"), TAG_END());
		break;
	case nua_r_info:
		say("info", status);
		nua_bye(nh, TAG_END());
		break;
	case nua_r_bye:
		say("bye", status);
		phone.code = status != 200;
		leave(nua, phone.code);
		break;
	case nua_r_shutdown:
		if (status >= 200)
			su_root_break(phone.root);
		break;
	default: break;
	}
}

int main(int argc, char **argv)
{
	char url[64];
	nua_t *nua;

	if (argc < 3 || (strcmp(argv[2], "answer") && argc < 4))
		return 2;
	snprintf(url, sizeof(url), "sip:127.0.0.1:%s", argv[1]);
	phone.caller = !strcmp(argv[2], "call");
	su_init();
	phone.root = su_root_create(NULL);
	nua = nua_create(phone.root, on_event, NULL, NUTAG_URL(url),
			 NUTAG_AUTOANSWER(0), NUTAG_AUTOALERT(0),
			 NUTAG_EARLY_MEDIA(1), NUTAG_SESSION_TIMER(120),
			 NUTAG_ALLOW("INFO, UPDATE"),
			 SIPTAG_SUPPORTED_STR("100rel, timer"),
			 SOATAG_USER_SDP_STR("m=audio 5004 RTP/AVP 0"),
			 SOATAG_ADDRESS("127.0.0.1"), TAG_END());
	if (!nua)
		return 1;
	puts("ready");
	fflush(stdout);
	if (phone.caller) {
		phone.call = nua_handle(nua, NULL, SIPTAG_TO_STR(argv[3]),
					TAG_END());
		nua_invite(phone.call, TAG_END());
	}
	su_root_run(phone.root);
	nua_destroy(nua);
	su_root_destroy(phone.root);
	su_deinit();
	return phone.code;
}
