/* SPDX-License-Identifier: ISC */
/*
 * UDP (RFC 768, RFC 8200 8.1): which socket a datagram is for, which ports are
 * whose, what a datagram that goes out looks like, what ICMP says about one.
 *
 * The layer keeps no data.  What comes in goes to its socket's owner while the
 * call lasts (env.deliver), what goes out to the stack at once (net.output):
 * queues are theirs.  It never looks at a clock; nothing in UDP is timed.
 *
 * Addresses are those of base/addr.h: 0.0.0.0 is IPv4's wildcard, :: that of
 * IPv6 and, unless V6ONLY is said, of both.  Ports are in host order.
 */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/drop.h"

struct udp;
struct udp_sock;

/* The longest payload: 65535 less the headers. */
#define UDP_MAX4 65507
#define UDP_MAX6 65527

/* How a packet to dst leaves. */
struct udp_path {
	struct ipaddr src;
	uint16_t mtu;	   /* of the path, bytes of the IP packet */
	uint16_t link_mtu; /* of our link */
};

/* A datagram on its way out, to be sent before the call returns. */
struct udp_out {
	struct ipaddr src, dst;
	uint16_t sport, dport;
	uint8_t tos, ttl; /* ttl 0: as the stack has it */
	bool no_csum;	  /* IPv4 alone */
	bool whole;	  /* no router may cut it up */
	uint16_t mtu;	  /* cut up here when it is longer */
	const void *data;
	uint32_t len;
};

/* A datagram that came; data is good during the call. */
struct udp_in {
	struct ipaddr src, dst;
	uint16_t sport, dport;
	uint8_t tos, ttl;
	const uint8_t *data;
	uint32_t len;
};

/* The stack's side: 0 or a negative errno each. */
struct udp_net {
	int (*path)(void *ctx, const struct ipaddr *src,
	    const struct ipaddr *dst, struct udp_path *out);
	int (*output)(void *ctx, const struct udp_out *o);
	void *ctx;
};

/* What ICMP says about a datagram of ours. */
struct udp_icmp {
	struct tuple id; /* of the datagram that it quotes */
	int error;	 /* a positive errno */
	bool hard;	 /* it will not go away */
	bool too_big;
	uint8_t type, code; /* ICMP's or, by the address, ICMPv6's */
	uint32_t info;	    /* too_big: the MTU */
	struct ipaddr from; /* who says so */
	const uint8_t
	    *data;    /* of the payload what is quoted; good during the */
	uint32_t len; /* call */
};

/* The owner's.  Neither may close a socket or send. */
struct udp_env {
	/* 0; -EAGAIN: there is no room, and it is counted; -EPIPE: nobody has
	 * the socket any more, it gives up its port and another one may get
	 * the datagram. */
	int (*deliver)(void *ctx, void *user, const struct udp_in *d);
	/* ICMP made a connected socket fail: a positive errno. */
	void (*failed)(void *ctx, void *user, int error);
	/* Goes ahead of that where the socket wants to know all (errors). */
	void (*reported)(void *ctx, void *user, const struct udp_icmp *e);
	void *ctx;
};

struct udp_config {
	struct udp_net net;
	struct udp_env env;
	struct drops *drops;
	uint64_t seed[2];
	uint16_t port_first, port_last; /* of those that nobody names */
};

/* NULL when memory is out. */
struct udp *udp_new(const struct udp_config *cfg);
/* Every socket must be closed. */
void udp_free(struct udp *u);

/* ---- packets ---- */

struct udp_packet {
	struct ipaddr src, dst;
	const uint8_t *p; /* from the UDP header on */
	uint32_t len;	  /* to the end of the IP packet */
	uint8_t tos, ttl;
	bool csum_ok; /* verified below */
};

/* false: no socket has that port, which the sender may be told. */
bool udp_input(struct udp *u, const struct udp_packet *in);

/* false: no socket of ours can have sent that. */
bool udp_icmp_input(struct udp *u, const struct udp_icmp *e);

/* ---- sockets ---- */

#define UDP_REUSEADDR 1u
#define UDP_REUSEPORT 2u
#define UDP_V6ONLY    4u

/* May a datagram be cut up?  The numbers are those of Linux's
 * IP_MTU_DISCOVER.  Where routers are not believed, the link's MTU counts. */
enum udp_pmtu {
	UDP_PMTU_DONT,	    /* here and on the way */
	UDP_PMTU_WANT,	    /* here, when it must be */
	UDP_PMTU_DO,	    /* nowhere: -EMSGSIZE */
	UDP_PMTU_PROBE,	    /* nowhere, and routers are not believed */
	UDP_PMTU_INTERFACE, /* on the way; nor are they */
	UDP_PMTU_OMIT,	    /* here and on the way; nor are they */
};

struct udp_opts {
	uint8_t tos, ttl; /* IPv4; ttl 0: as the stack has it */
	uint8_t tclass, hops;
	enum udp_pmtu pmtu, pmtu6;
	bool no_csum; /* IPv4 */
	/* ICMP's every word is wanted, about peers too that the socket is not
	 * connected to; by the family of the datagram. */
	bool errors, errors6;
	unsigned flags; /* UDP_REUSEADDR and its like */
};

/* A socket of AF_INET or AF_INET6; only sockets of one owner share a port, by
 * UDP_REUSEADDR or UDP_REUSEPORT.  NULL when memory is out. */
struct udp_sock *udp_open(struct udp *u, bool ipv6, uint32_t owner, void *user);
void udp_close(struct udp_sock *s);
void udp_set_opts(struct udp_sock *s, const struct udp_opts *o);

/* Port 0: any.  0, -EINVAL (it has one), -EADDRINUSE.  Whether addr is ours
 * the caller knows. */
int udp_bind(struct udp_sock *s, const struct ipaddr *addr, uint16_t port);
/* The only peer from now on.  0 or a negative errno: -ENETUNREACH,
 * -EADDRNOTAVAIL, -EAGAIN (no port is free). */
int udp_connect(struct udp_sock *s, const struct ipaddr *dst, uint16_t port);
void udp_disconnect(struct udp_sock *s);
/* A peer that is not in the net but answers here: for what is sent there, the
 * socket has a port.  0, -EAFNOSUPPORT, -ENETUNREACH, -EAGAIN. */
int udp_prepare(struct udp_sock *s, const struct ipaddr *dst);
/* Such a one is its only peer; src is our address unless it is bound to one. */
int udp_connect_here(struct udp_sock *s, const struct ipaddr *src,
    const struct ipaddr *dst, uint16_t port);
/* Would a socket without a peer get what comes to there? */
bool udp_is_heard(struct udp *u, const struct ipaddr *addr, uint16_t port);

struct udp_msg {
	bool to_peer; /* of udp_connect(); dst and dport are nothing */
	struct ipaddr dst;
	uint16_t dport;
	bool have_src;
	struct ipaddr src; /* one of ours; the wildcard: as without */
	int tos, ttl;	   /* -1: the socket's */
	bool uncut;	   /* -EMSGSIZE rather than in pieces */
	const void *data;
	uint32_t len;
};
/* 0 or a negative errno: -EDESTADDRREQ, -EINVAL (port 0), -EMSGSIZE,
 * -ENETUNREACH, -EADDRNOTAVAIL, -ENOBUFS, -EAGAIN (no port is free). */
int udp_send(struct udp_sock *s, const struct udp_msg *m);

struct udp_info {
	struct tuple id; /* rport 0 when not connected */
	bool connected;
	unsigned flags;
	uint64_t in, in_bytes, out, out_bytes, full;
	uint16_t mtu; /* of the path of a connected one; else 0 */
};
void udp_info(const struct udp_sock *s, struct udp_info *out);
void *udp_user(const struct udp_sock *s);

/* A receiver that looks at no checksum hears them all the same: what is wrong
 * is dropped (RFC 1122 4.1.3.4). */
struct udp_stats {
	uint64_t socks;
	uint64_t in, out, in_bytes, out_bytes;
	uint64_t no_port, in_errors, full, out_errors, icmp_errors;
};
void udp_stats(const struct udp *u, struct udp_stats *out);

/* For tests: the tables agree with the sockets. */
void udp_check(const struct udp *u);

#endif
