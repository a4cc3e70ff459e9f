/* SPDX-License-Identifier: ISC */
/*
 * Local addresses and ports of UDP, and whose a datagram is.
 *
 * Conflicts of one owner's sockets are Linux's: two on one port with
 * overlapping addresses are refused, unless both say REUSEADDR or both say
 * REUSEPORT.
 *
 * DEVIATION: two owners never share.  Linux lets the second one who says
 * REUSEADDR take the datagrams of the first who does, and a socket that is
 * connected come back, with another peer or with none, to an address that was
 * somebody's meanwhile.  For groups, which need the former, tcpd has no
 * sockets.
 *
 * A port that nobody named is a random one (RFC 6056 3.3.1; a resolver
 * lives by its not being guessed, RFC 5452 4.5) that no other socket has.
 */
#include <errno.h>
#include <string.h>
#include "base/check.h"
#include "udp/internal.h"

static int
youngest_first(const struct udp_sock *a, const struct udp_sock *b)
{
	return a->serial > b->serial ? -1 : a->serial < b->serial;
}

int
udp_port_cmp(struct udp_sock *a, struct udp_sock *b)
{
	if (a->id.lport != b->id.lport)
		return a->id.lport < b->id.lport ? -1 : 1;
	return youngest_first(a, b);
}

int
udp_peer_cmp(struct udp_sock *a, struct udp_sock *b)
{
	int r = memcmp(&a->id, &b->id, sizeof a->id);

	return r != 0 ? r : youngest_first(a, b);
}

_Static_assert(sizeof(struct tuple) == 36, "no padding in what is compared");

RB_GENERATE(udp_ports, udp_sock, by_port, udp_port_cmp)
RB_GENERATE(udp_open_tree, udp_sock, by_kind, udp_port_cmp)
RB_GENERATE(udp_peers, udp_sock, by_kind, udp_peer_cmp)

/* Before all that share a port or a peer with it. */
static struct udp_sock
before(const struct tuple *id)
{
	return (struct udp_sock){.serial = UINT64_MAX, .id = *id};
}

void
udp_list(struct udp_sock *s)
{
	CHECK(s->id.lport != 0);
	s->serial = ++s->u->serial;
	RB_INSERT(udp_ports, &s->u->ports, s);
	if (s->connected)
		RB_INSERT(udp_peers, &s->u->peers, s);
	else
		RB_INSERT(udp_open_tree, &s->u->open, s);
}

void
udp_unlist(struct udp_sock *s)
{
	if (s->id.lport == 0)
		return;
	RB_REMOVE(udp_ports, &s->u->ports, s);
	if (s->connected)
		RB_REMOVE(udp_peers, &s->u->peers, s);
	else
		RB_REMOVE(udp_open_tree, &s->u->open, s);
}

void
udp_let_go(struct udp_sock *s)
{
	udp_unlist(s);
	s->connected = false;
	s->id = (struct tuple){.laddr = s->bound};
}

static struct udp_sock *
first_on_port(struct udp *u, uint16_t port)
{
	struct tuple id = {.lport = port};
	struct udp_sock key = before(&id), *s;

	s = RB_NFIND(udp_ports, &u->ports, &key);
	return s != NULL && s->id.lport == port ? s : NULL;
}

/* How well an address of s's, own, is addr: 0 not at all, 1 as the wildcard of
 * both families, 2 of its own, 3 as this address. */
static unsigned
reaches(const struct udp_sock *s, const struct ipaddr *own,
    const struct ipaddr *addr)
{
	if (ipaddr_eq(own, addr))
		return 3;
	if (!ipaddr_is_any(own))
		return 0;
	if (ipaddr_is_v4(own) == ipaddr_is_v4(addr))
		return 2;
	return ipaddr_is_v4(own) || s->opts.flags & UDP_V6ONLY ? 0 : 1;
}

/* The same of what it has now. */
static unsigned
covers(const struct udp_sock *s, const struct ipaddr *addr)
{
	return reaches(s, &s->id.laddr, addr);
}

/* Of another owner, what a socket is bound to counts, not what it has while it
 * is connected: it may connect again. */
static bool
compatible(const struct udp_sock *a, const struct udp_sock *b)
{
	if (a->owner != b->owner)
		return reaches(a, &a->bound, &b->bound) == 0 &&
		       reaches(b, &b->bound, &a->bound) == 0;
	if (covers(a, &b->id.laddr) == 0 && covers(b, &a->id.laddr) == 0)
		return true;
	return a->opts.flags & b->opts.flags & (UDP_REUSEADDR | UDP_REUSEPORT);
}

static bool
conflicts(const struct udp_sock *s)
{
	struct udp_sock *o = first_on_port(s->u, s->id.lport);

	for (; o != NULL && o->id.lport == s->id.lport;
	     o = RB_NEXT(udp_ports, NULL, o))
		if (o != s && !compatible(o, s))
			return true;
	return false;
}

bool
udp_is_others(const struct udp_sock *s, const struct ipaddr *addr)
{
	struct udp_sock *o = first_on_port(s->u, s->id.lport);

	for (; o != NULL && o->id.lport == s->id.lport;
	     o = RB_NEXT(udp_ports, NULL, o))
		if (o->owner != s->owner && reaches(o, &o->bound, addr) != 0)
			return true;
	return false;
}

/* Sets lport: one that no socket has. */
static bool
pick_port(struct udp_sock *s)
{
	struct udp *u = s->u;
	uint32_t n = (uint32_t)u->port_last - u->port_first + 1, i;
	uint32_t start = rng_below(&u->rng, n);

	for (i = 0; i < n; i++) {
		s->id.lport = (uint16_t)(u->port_first + (start + i) % n);
		if (first_on_port(u, s->id.lport) == NULL)
			return true;
	}
	s->id.lport = 0;
	return false;
}

int
udp_autobind(struct udp_sock *s)
{
	if (s->id.lport != 0)
		return 0;
	if (!pick_port(s))
		return -EAGAIN;
	udp_list(s);
	return 0;
}

int
udp_bind(struct udp_sock *s, const struct ipaddr *addr, uint16_t port)
{
	struct ipaddr was = s->bound;

	if (s->id.lport != 0)
		return -EINVAL;
	s->id.laddr = s->bound = *addr;
	s->id.lport = port;
	if (port == 0 ? !pick_port(s) : conflicts(s)) {
		s->id.laddr = s->bound = was;
		s->id.lport = 0;
		return -EADDRINUSE;
	}
	s->addr_bound = !ipaddr_is_any(addr);
	s->port_bound = port != 0;
	udp_list(s);
	return 0;
}

/* The best of those without a peer: the exact address before the wildcards,
 * that of its family before that of both.  Equals that say REUSEPORT share by
 * the hash of the four numbers, so that one flow keeps its socket. */
static struct udp_sock *
find_open(struct udp *u, const struct tuple *id)
{
	struct udp_sock key = before(id), *s, *best = NULL;
	unsigned good, most = 0;
	uint64_t hash = 0, n = 0;

	for (s = RB_NFIND(udp_open_tree, &u->open, &key);
	     s != NULL && s->id.lport == id->lport;
	     s = RB_NEXT(udp_open_tree, NULL, s)) {
		good = covers(s, &id->laddr);
		if (good > most) {
			best = s;
			most = good;
			n = 1;
		} else if (good != 0 && good == most &&
			   s->opts.flags & best->opts.flags & UDP_REUSEPORT &&
			   s->owner == best->owner) {
			if (hash == 0)
				hash = siphash(&u->key_group, id, sizeof *id);
			/* Each of n equals with probability 1/n. */
			if (hash % ++n == 0)
				best = s;
		}
	}
	return best;
}

struct udp_sock *
udp_find(struct udp *u, const struct tuple *id)
{
	struct udp_sock key = before(id), *s;

	s = RB_NFIND(udp_peers, &u->peers, &key);
	if (s != NULL && memcmp(&s->id, id, sizeof *id) == 0)
		return s;
	return find_open(u, id);
}

bool
udp_is_heard(struct udp *u, const struct ipaddr *addr, uint16_t port)
{
	const struct tuple id = {.laddr = *addr, .lport = port};

	return find_open(u, &id) != NULL;
}

void
udp_check(const struct udp *u)
{
	struct udp *v = (struct udp *)(uintptr_t)u;
	size_t ports = 0, kinds = 0;
	struct udp_sock *s;

	RB_FOREACH (s, udp_ports, &v->ports)
		ports++;
	RB_FOREACH (s, udp_open_tree, &v->open) {
		CHECK(!s->connected);
		kinds++;
	}
	RB_FOREACH (s, udp_peers, &v->peers) {
		CHECK(s->connected && s->id.rport != 0);
		CHECK(!ipaddr_is_any(&s->id.laddr));
		kinds++;
	}
	CHECK(ports == kinds && ports <= u->socks.used);
}
