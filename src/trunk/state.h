/* SPDX-License-Identifier: ISC */
/** @file state.h  What the trunk holds in memory: private to src/trunk */
#ifndef TRUNK_STATE_H
#define TRUNK_STATE_H

#include <netinet/in.h>
#include <sys/socket.h>
#include "core/path.h"
#include "trunk/conn.h"
#include "trunk/trunk.h"

#define LINKS_MAX 1024		/* connections in all; more: not accepted */
#define REASON_CHARS 201	/* with NUL */
#define REMOTE_CHARS 64		/* "[IPv6]:port" and NUL */
#define DIALS_MAX \
	(PATHS_MAX - 1) /* addresses dialled; one number is left for
				     paths that the peer dials */
#define KEEPER_QUEUE_BYTES_HIGH 1048576 /* towards the keeper: stop reading */
#define KEEPER_QUEUE_BYTES_LOW 524288	/* and go on */
#define LINGER_MS 1000		/* to get BYE across; then just closed */
#define TURN_BYTES \
	262144 /* read or written on one link before the others
				   have their turn */

/** What an epoll event is about. */
enum source_kind { SOURCE_LINK, SOURCE_LISTEN, SOURCE_MONITOR, SOURCE_KEEPER };

struct source {
	enum source_kind kind;
	int fd;
};

enum link_state {
	LINK_CONNECTING,	/* dialled */
	LINK_FIRST,		/* accepted, not an octet seen */
	LINK_TLS,
	LINK_HELLO,		/* the keeper knows it; the peer's HELLO is due */
	LINK_GIVEN,		/* the keeper has that HELLO; nothing is read */
	LINK_JOINED,
	LINK_BYE,		/* BYE on its way out */
	LINK_DRAIN,		/* and said; waiting for the peer's end */
	LINK_DEAD		/* closed; freed at the end of the turn */
};

/** One TCP connection. */
struct link {
	struct source src;	/* first; fd owned, -1 when DEAD */
	uint32_t id;		/* the keeper's `conn` */
	enum link_state state;
	bool dialled;
	bool stranger;		/* in trunk.strangers */
	bool opened;		/* the keeper was told PATH_OPEN */
	bool read_more;		/* there may be octets that no poll announces */
	bool held;		/* not read: the keeper is behind */
	bool blocked;		/* waits for the socket to take more */
	bool kicked;		/* in trunk.work */
	uint32_t events;	/* as epoll knows them */
	uint64_t since_ms;	/* begun; BYE, DRAIN: since then */
	struct tlspsk *tls;
	struct conn *conn;
	struct slot *slot;	/* NULL: none (yet) */
	struct sockaddr_storage peer;
	struct trunk *trunk;
	struct link *older, *newer;	/* strangers */
	struct link *next_work, *next_dead;
	char bye[REASON_CHARS];	/* the peer's last word */
	char why[REASON_CHARS];	/* of the end */
};

/** A numbered path of a pair: dialled ones for good, others while they last. */
struct slot {
	bool used;
	uint32_t pair;
	uint8_t number;
	struct path path;
	struct link *link;	/* NULL: none */
	char address[ADDRESS_CHARS_MAX];	/* dialled */
	char why[REASON_CHARS];	/* it is down */
	int told;		/* enum path_state that the keeper knows; -1 */
	uint64_t told_ms;
};

struct pair {
	bool used;
	char name[HOST_CHARS_MAX + 1];
	char dial_identity[IDENTITY_CHARS + 1];
	char listen_identity[IDENTITY_CHARS + 1];
	uint8_t dial_psk[PSK_BYTES];
	uint8_t listen_psk[PSK_BYTES];
	char addresses[601];
	struct slot slot[PATHS_MAX];
};

struct trunk {
	struct boot *boot;
	const struct config *conf;
	int epoll;
	struct tlspsk_ctx *tls;
	struct tally tally;
	uint64_t start_us;
	uint64_t now_us, now_ms;	/* since a second before start_us */
	uint64_t timer_ms;		/* next time for timers */

	struct source monitor, keeper_src;
	struct source listen[BOOT_LISTENS_MAX];
	uint64_t listen_again_ms;	/* accepting rests until then; 0: no */
	struct wire_end *keeper;	/* borrowed from boot; NULL: none */
	bool keeper_lost;		/* to be dropped at the end of the turn */
	uint32_t keeper_events;
	uint64_t turn, turn_ms;		/* last TURN and when it came */
	uint64_t ping_ms, counts_ms;	/* next */

	struct pair pair[PAIRS_MAX];
	struct link *link[LINKS_MAX];	/* at id % LINKS_MAX */
	uint32_t last_id;
	struct link *oldest, *newest;	/* strangers, in order of arrival */
	unsigned strangers;
	struct link *work, *dead;
	bool any_held;
	bool report;		/* some path may have changed */
	uint64_t log_ms;	/* refusals of known identities: next line */
};

/* ---- link.c ---- */

/** fd is given.  NULL: closed, there is no room. */
struct link *link_new(struct trunk *t, int fd, enum link_state state);
/** NULL: no such connection, or over. */
struct link *link_find(const struct trunk *t, uint32_t id);
void link_event(struct trunk *t, struct link *l, uint32_t events);
/** Read what is there and hand it up, within a turn's budget. */
void link_read(struct trunk *t, struct link *l);
/** Do at the end of the turn what waits: read on, write. */
void link_kick(struct trunk *t, struct link *l);
void link_work(struct trunk *t);
/** The keeper called its HELLO good. */
void link_join(struct trunk *t, struct link *l);
/** End it now, without a word.  Counts @p k.  l is freed at the end of the
 *  turn. */
void link_close(struct trunk *t, struct link *l, enum tally_kind k,
		const char *why);
/** Say BYE, then end it. */
void link_bye(struct trunk *t, struct link *l, const char *reason);
/** Tell epoll what we wait for. */
void link_interest(struct trunk *t, struct link *l);
/** Free what is DEAD and known to be so by the keeper. */
void link_bury(struct trunk *t);
/** BYE, DRAIN: the time is up. */
void link_linger(struct trunk *t);

/* ---- strangers.c ---- */

/** Accept what waits, within a bound. */
void strangers_accept(struct trunk *t, const struct source *listen);
void strangers_remove(struct trunk *t, struct link *l);
/** Drop who has had his time.  Gives the time of the next. */
uint64_t strangers_tick(struct trunk *t);

/* ---- paths.c ---- */

/** Take over or change a pair.  False: the keeper broke the rules. */
bool paths_pair_set(struct trunk *t, const struct wire_pair_set *m);
/** Forget a pair and end its paths.  why: for the peer. */
void paths_pair_drop(struct trunk *t, uint32_t pair, const char *why);
enum tally_kind paths_find(const char *identity, size_t n,
			   uint8_t psk[PSK_BYTES], uint32_t *tag, void *arg);
/** A number for a path that the peer dialled.  NULL: all are in use. */
struct slot *paths_accepted(struct trunk *t, uint32_t pair, struct link *l);
/** The link of this path is gone. */
void paths_lost(struct trunk *t, struct link *l, const char *why);
/** Timers of all paths.  Gives the time of the next. */
uint64_t paths_tick(struct trunk *t);
/** Tell the keeper of every path that changed, or was not told for 5 s. */
void paths_report(struct trunk *t);
/** A new keeper knows nothing. */
void paths_untold(struct trunk *t);

/* ---- address.c ---- */

/** "192.0.2.1:7411", "[2001:db8::1]:7411".  0 or EBADMSG. */
int address_parse(const char *s, struct sockaddr_storage *out, socklen_t *n)
	__attribute__((warn_unused_result));
void address_print(const struct sockaddr_storage *a, char out[REMOTE_CHARS]);

/* ---- trunk.c ---- */

/** To the keeper.  0; ENOBUFS: not now; EPIPE: it is gone. */
int keeper_send(struct trunk *t, const struct wire_msg *m)
	__attribute__((warn_unused_result));
/** Its queue is full: read no more from peers. */
bool keeper_behind(const struct trunk *t);
/** What beats say of the keeper. */
void keeper_beat(const struct trunk *t, struct beat *out);

#endif
