/* SPDX-License-Identifier: ISC */
/*
 * What the files of udp/ share.
 *
 * A socket with a port is in u->ports, by its port, and besides in one of two
 * trees: connected in u->peers, by its four numbers, else in u->open.  So a
 * server with a connected socket for each of thousands of clients costs each
 * datagram one search and no walk.  In all three the youngest of equals comes
 * first: of sockets that share a port by SO_REUSEADDR it gets what comes, as
 * on Linux.
 */
#ifndef UDP_INTERNAL_H
#define UDP_INTERNAL_H

#include <sys/tree.h>
#include "base/rng.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "udp/udp.h"

struct udp_sock {
	RB_ENTRY(udp_sock) by_port, by_kind;
	struct udp *u;
	void *user;
	uint64_t serial;
	uint32_t owner;
	bool ipv6, connected;
	bool addr_bound, port_bound; /* by udp_bind(): they stay */
	struct tuple id;	     /* lport 0: in no tree */
	struct ipaddr bound;	     /* what udp_disconnect() goes back to */
	struct udp_opts opts;
	uint64_t in, in_bytes, out, out_bytes, full;
};

RB_HEAD(udp_ports, udp_sock);
RB_HEAD(udp_open_tree, udp_sock);
RB_HEAD(udp_peers, udp_sock);
int udp_port_cmp(struct udp_sock *a, struct udp_sock *b);
int udp_peer_cmp(struct udp_sock *a, struct udp_sock *b);
RB_PROTOTYPE(udp_ports, udp_sock, by_port, udp_port_cmp)
RB_PROTOTYPE(udp_open_tree, udp_sock, by_kind, udp_port_cmp)
RB_PROTOTYPE(udp_peers, udp_sock, by_kind, udp_peer_cmp)

struct udp {
	struct udp_net net;
	struct udp_env env;
	struct drops *drops;
	struct rng rng;
	struct siphash_key key_group;
	uint16_t port_first, port_last;
	struct slab socks;
	struct udp_ports ports;
	struct udp_open_tree open;
	struct udp_peers peers;
	uint64_t serial;
	struct udp_stats stats;
};

/* Into and out of the trees; lport is set. */
void udp_list(struct udp_sock *s);
void udp_unlist(struct udp_sock *s);
/* For good: it has no port and no peer then. */
void udp_let_go(struct udp_sock *s);
/* A port for a socket that has none: 0 or -EAGAIN. */
int udp_autobind(struct udp_sock *s);
/* Is addr with the port of s somebody else's? */
bool udp_is_others(const struct udp_sock *s, const struct ipaddr *addr);
/* Whose is what came with this identity (ours first)? */
struct udp_sock *udp_find(struct udp *u, const struct tuple *id);

#endif
