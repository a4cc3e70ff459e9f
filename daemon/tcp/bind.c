/* SPDX-License-Identifier: ISC */
/*
 * Local addresses and ports.  A struct tcp_bind is what a user holds by bind();
 * connections that came from it ("refs") and TIME-WAITs ("tws") keep it alive
 * after he let go ("released"), so that its port is not handed out under them.
 *
 * Conflicts are Linux's: two binds of one port and overlapping addresses are
 * refused, unless both say REUSEADDR and the other does not listen, or both say
 * REUSEPORT and have one owner.  The wildcard 0.0.0.0 stands for all addresses
 * of IPv4, :: for those of IPv6 and, unless V6ONLY is said, of IPv4 as well.
 */
#include <errno.h>
#include "tcp/internal.h"

int
bind_cmp(struct tcp_bind *a, struct tcp_bind *b)
{
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

RB_GENERATE(bindtree, tcp_bind, node, bind_cmp)

static struct tcp_bind *
first_on_port(const struct tcp *t, uint16_t port)
{
	struct tcp_bind key = {.port = port};
	struct tcp_bind *b =
	    RB_NFIND(bindtree, (struct bindtree *)&t->binds, &key);

	return b != NULL && b->port == port ? b : NULL;
}

static struct tcp_bind *
next_on_port(struct tcp_bind *b)
{
	struct tcp_bind *n = RB_NEXT(bindtree, NULL, b);

	return n != NULL && n->port == b->port ? n : NULL;
}

/* How well b's address is addr: 0 not at all, 1 as the wildcard of both
 * families, 2 of its own, 3 as this address. */
static unsigned
covers(const struct tcp_bind *b, const struct ipaddr *addr)
{
	if (ipaddr_eq(&b->addr, addr))
		return 3;
	if (!ipaddr_is_any(&b->addr))
		return 0;
	if (ipaddr_is_v4(&b->addr) == ipaddr_is_v4(addr))
		return 2;
	return ipaddr_is_v4(&b->addr) || b->flags & TCP_BIND_V6ONLY ? 0 : 1;
}

/* May b be bound, or listen, beside a?  A server that starts again listens
 * beside the connections of its last life (MUST-42). */
static bool
compatible(const struct tcp_bind *a, const struct tcp_bind *b)
{
	if (covers(a, &b->addr) == 0 && covers(b, &a->addr) == 0)
		return true;
	if (a->flags & b->flags & TCP_BIND_REUSEPORT)
		return a->owner == b->owner;
	return (a->flags & b->flags & TCP_BIND_REUSEADDR) && !a->listening;
}

static bool
conflicts(const struct tcp *t, const struct tcp_bind *b)
{
	struct tcp_bind *o;

	for (o = first_on_port(t, b->port); o != NULL; o = next_on_port(o)) {
		if (o != b && !compatible(o, b))
			return true;
	}
	return false;
}

/* A free port for bind(0): none that anyone holds, from a random start. */
static bool
pick_bind_port(struct tcp *t, struct tcp_bind *b)
{
	uint32_t n = (uint32_t)t->cfg.port_last - t->cfg.port_first + 1, i;
	uint32_t start = rng_below(&t->rng, n);

	for (i = 0; i < n; i++) {
		b->port = (uint16_t)(t->cfg.port_first + (start + i) % n);
		if (first_on_port(t, b->port) == NULL)
			return true;
	}
	/* Every port has a holder: share one where that is allowed. */
	for (i = 0; i < n; i++) {
		b->port = (uint16_t)(t->cfg.port_first + (start + i) % n);
		if (!conflicts(t, b))
			return true;
	}
	return false;
}

/* MUST-41: a bind of its own, or an error; what is there stays as it is.
 * MUST-43: at an address, or at all. */
int
tcp_bind(struct tcp *t, const struct ipaddr *addr, uint16_t port,
    unsigned flags, uint32_t owner, void *user, struct tcp_bind **out)
{
	struct tcp_bind *b = slab_alloc(&t->bindslab);

	if (b == NULL)
		return -ENOMEM;
	b->t = t;
	b->addr = *addr;
	b->port = port;
	b->flags = (uint16_t)flags;
	b->owner = owner;
	b->user = user;
	b->serial = ++t->bind_serial;
	b->refs = 1;
	TAILQ_INIT(&b->halves);
	if (port == 0 ? !pick_bind_port(t, b) : conflicts(t, b)) {
		slab_free(&t->bindslab, b);
		return -EADDRINUSE;
	}
	RB_INSERT(bindtree, &t->binds, b);
	*out = b;
	return 0;
}

int
tcp_bind_opts(struct tcp_bind *b, const struct tcp_opts *opts)
{
	const struct tcp_cc_ops *cc = NULL;

	if (opts->congestion != NULL &&
	    (cc = tcp_cc_find(opts->congestion)) == NULL)
		return -ENOENT;
	b->opts = *opts;
	b->opts.congestion = NULL; /* the name is the caller's */
	b->cc = cc;
	return 0;
}

void
tcp_bind_reuse(struct tcp_bind *b, unsigned flags)
{
	const unsigned both = TCP_BIND_REUSEADDR | TCP_BIND_REUSEPORT;

	b->flags = (uint16_t)((b->flags & ~both) | (flags & both));
}

const struct tcp_cc_ops *
bind_cc(const struct tcp_bind *b)
{
	return b->cc != NULL ? b->cc : b->t->cc;
}

int
tcp_listen(struct tcp_bind *b, uint32_t backlog)
{
	bool was = b->listening;

	b->listening = true;
	if (!was && conflicts(b->t, b)) {
		b->listening = false;
		return -EADDRINUSE;
	}
	b->backlog = backlog;
	return 0;
}

void
tcp_unbind(struct tcp_bind *b, mono_t now)
{
	struct tcp_half *h;

	(void)now;
	CHECK(!b->released);
	b->released = true;
	b->listening = false;
	b->user = NULL;
	md5_free(b->t, &b->keys);
	/* Without a word, as Linux does: what the peer sends next gets its
	 * reset, or another listener's answer. */
	while ((h = TAILQ_FIRST(&b->halves)) != NULL)
		half_free(b->t, h);
	bind_unref(b);
}

void
bind_ref(struct tcp_bind *b)
{
	b->refs++;
}

static void
bind_free(struct tcp *t, struct tcp_bind *b)
{
	RB_REMOVE(bindtree, &t->binds, b);
	md5_free(t, &b->keys);
	bind_port_freed(t, NULL);
	slab_free(&t->bindslab, b);
}

void
bind_unref(struct tcp_bind *b)
{
	struct tcp *t = b->t;

	CHECK(b->refs > 0);
	if (--b->refs == 0 && b->tws == 0)
		bind_free(t, b);
}

/*
 * A TIME-WAIT has no room to say whose it is.  One of an address that is bound
 * by itself is taken from there before the wildcard, which serves others too:
 * so the counts always come out even.  Of several the released one goes first.
 */
void
bind_tw_gone(struct tcp *t, const struct tuple *id)
{
	struct tcp_bind *b, *best = NULL;
	int rank, best_rank = -1;

	for (b = first_on_port(t, id->lport); b != NULL; b = next_on_port(b)) {
		bool exact = ipaddr_eq(&b->addr, &id->laddr);

		if (b->tws == 0 || (!exact && !ipaddr_is_any(&b->addr)))
			continue;
		rank = 2 * exact + b->released;
		if (rank > best_rank) {
			best = b;
			best_rank = rank;
		}
	}
	CHECK(best != NULL);
	if (--best->tws == 0 && best->refs == 0)
		bind_free(t, best);
}

void
tcp_bind_info(const struct tcp_bind *b, struct tcp_bind_info *out)
{
	*out = (struct tcp_bind_info){
	    .addr = b->addr,
	    .port = b->port,
	    .listening = b->listening,
	    .backlog = b->backlog,
	    .half_open = b->nhalf + b->fo.pending,
	    .user = b->user,
	    .owner = b->owner,
	    .flags = b->flags,
	};
}

/*
 * The listener for a SYN: the exact address before the wildcards, that of its
 * family before that of both; among several equals (REUSEPORT) one by the
 * connection's hash, so that its segments agree.
 */
struct tcp_bind *
bind_lookup(struct tcp *t, const struct tuple *id)
{
	struct tcp_bind *b, *best = NULL;
	unsigned good, most = 0;
	uint64_t hash = siphash(&t->key_port, id, sizeof *id), n = 0;

	for (b = first_on_port(t, id->lport); b != NULL; b = next_on_port(b)) {
		good = b->listening ? covers(b, &id->laddr) : 0;
		if (good > most) {
			best = b;
			most = good;
			n = 1;
		} else if (good != 0 && good == most && hash % ++n == 0) {
			/* Each of n equals with probability 1/n. */
			best = b;
		}
	}
	return best;
}

/* A port of a TIME-WAIT that may be taken over is good after so many others. */
#define FREE_TRIES 512
#define FULL_US	   1000000

static bool
same_peer(const struct tuple *a, const struct tuple *b)
{
	return a->rport == b->rport && ipaddr_eq(&a->raddr, &b->raddr) &&
	       ipaddr_eq(&a->laddr, &b->laddr);
}

/* A connection or a bind went: its port may be free now. */
void
bind_port_freed(struct tcp *t, const struct tuple *id)
{
	if (id == NULL || same_peer(id, &t->full))
		t->full_until.us = 0;
}

/*
 * A port for an active open (RFC 6056 3.3.4, with the steps of 3.3.5): a hash
 * of the other three numbers gives the start, and another one says which
 * counter moves it on.  So ports to one peer rise, by steps that he cannot
 * foresee, and tell him nothing of the connections to others.  Sets id->lport,
 * of a TIME-WAIT only when tw_reusable(); 0 or -EADDRNOTAVAIL.  That all ports
 * are taken is remembered until one of them goes, so that a user who goes on
 * trying costs no search each time.
 */
int
bind_pick_port(struct tcp *t, struct tuple *id, mono_t now)
{
	uint32_t n = (uint32_t)t->cfg.port_last - t->cfg.port_first + 1, i;
	const struct tcp_node *node;
	uint16_t again = 0;
	uint32_t start, *moved;
	uint64_t hash;

	if (mono_before(now, t->full_until) && same_peer(id, &t->full))
		return -EADDRNOTAVAIL;
	id->lport = 0;
	hash = siphash(&t->key_port, id, sizeof *id);
	moved = &t->port_moved[(hash >> 32) % TCP_PORT_COUNTERS];
	start = (uint32_t)hash + *moved;
	for (i = 0; i < n && (i < FREE_TRIES || again == 0); i++) {
		id->lport = (uint16_t)(t->cfg.port_first + (start + i) % n);
		if (first_on_port(t, id->lport) != NULL)
			continue;
		if ((node = conn_find(t, id)) == NULL) {
			*moved += i + 1 + rng_below(&t->rng, TCP_PORT_STEP);
			return 0;
		}
		if (again == 0 && node->kind == NODE_TW &&
		    tw_reusable(t, (const struct tcp_tw *)node, now))
			again = id->lport;
	}
	if (again != 0) {
		id->lport = again;
		return 0;
	}
	t->full = *id;
	t->full_until = mono_add(now, FULL_US);
	return -EADDRNOTAVAIL;
}
