/* SPDX-License-Identifier: ISC */
/*
 * The whole stack behind four calls: frames and the time go in, frames and the
 * next deadline come out.  No I/O, no clock, no logging; the same code runs in
 * the engine, the simulator and the fuzzers.
 *
 *	stack_input()     one received frame (takes the reference to its buf)
 *	stack_output()    the next frame to send, until it returns false
 *	stack_deadline()  when stack_expire() must be called next
 *
 * TCP is reached through stack_tcp(), UDP through stack_udp(): their user calls
 * and events are in tcp/tcp.h and udp/udp.h.  What the stack sends to its own
 *address comes back in at the next stack_expire(); stack_deadline() is the
 *present until then.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/drop.h"
#include "base/frame.h"
#include "base/mono.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

struct stack;

/* Prefix lengths count of 128 bits in both families: the /24 of an IPv4
 * address is 96 + 24 (base/addr.h). */
struct stack_addr {
	struct ipaddr addr;
	uint8_t plen; /* of its link */
};

struct stack_route {
	struct ipaddr dst;
	struct ipaddr gateway; /* any of either family: on link */
	uint8_t plen;
};

#define STACK_ADDRS  64
#define STACK_ROUTES 64

struct stack_config {
	uint8_t mac[6];
	uint16_t mtu; /* of IP packets: 576..65535, below 1280 no IPv6 */
	/* What is configured; read by stack_new() alone. */
	const struct stack_addr *addrs;
	unsigned naddrs; /* at most STACK_ADDRS */
	const struct stack_route *routes;
	unsigned nroutes; /* at most STACK_ROUTES */
	/* The VLAN whose tag our frames carry and those to us must carry, 1 to
	 * 4094; 0: no tag, or one of priority alone. */
	uint16_t vlan;
	/* IPv4 addresses are probed for before they are used, and given up when
	 * another station insists (RFC 5227); else they are used at once and
	 * defended for ever. */
	bool conflict_detection;
	/* An IPv4 address, its network and a default route are asked of a
	 * server (RFC 2131), beside those that are configured. */
	bool dhcp4;
	/* IPv6 is spoken when an address of it is configured, or always. */
	bool ipv6;
	/* Routers' advertisements bring default routes, prefixes and addresses
	 * (RFC 4861, RFC 4862). */
	bool accept_ra;
	/* Questions that find duplicates of an IPv6 address before it is used,
	 * one a second (RFC 4862 5.1: 1); 0: none. */
	uint8_t dad_probes;
	/* Keeps the identifiers of addresses that we make the same from one
	 * start to the next (RFC 7217); all zero: they are new each time. */
	uint8_t stable_secret[16];
	/* 127.0.0.0/8 and ::1 are served, among connections of this stack. */
	bool loopback;
	bool tx_csum;	       /* the device fills in checksums */
	bool tx_tso;	       /* the device takes 64 KiB GSO frames */
	size_t buf_bytes;      /* bound of all buffers together */
	struct tcp_config tcp; /* bufs, drops and env.path are the stack's */
	struct udp_env udp;    /* its ports and secrets are TCP's */
};

/* NULL when memory is out or the MTU, the VLAN, an address or a route makes no
 * sense (as in stack_set_addrs() and stack_set_routes()). */
struct stack *stack_new(const struct stack_config *cfg, mono_t now);
/* Every buf that was taken from stack_bufs() must be back. */
void stack_free(struct stack *s);

void stack_input(struct stack *s, struct rxframe *f, mono_t now);
bool stack_output(struct stack *s, struct txframe *f, mono_t now);
mono_t stack_deadline(const struct stack *s);
void stack_expire(struct stack *s, mono_t now);

struct tcp *stack_tcp(struct stack *s);
struct udp *stack_udp(struct stack *s);
struct bufpool *stack_bufs(struct stack *s); /* devices fill these */
struct drops *stack_drops(struct stack *s);

/* Frames that wait for the device; beyond a bound what comes is dropped. */
size_t stack_backlog(const struct stack *s);
#define STACK_BACKLOG_MAX 1024

/* True when dst is one of our addresses, loopback among them, or has a route.
 */
bool stack_has_route(const struct stack *s, const struct ipaddr *dst);

/* Other configured addresses, at a reload; those that stay keep their state,
 * and those that were not configured (link-local, SLAAC, DHCP) stay too.
 * false, and nothing changes, when there are too many, one is doubled or no
 * station's, or a prefix length is not of its family. */
bool stack_set_addrs(
    struct stack *s, const struct stack_addr *addrs, unsigned n, mono_t now);
/* New routes at a reload; connections keep theirs alive by lookup.  false, and
 * nothing changes, when there are too many, a destination has bits behind its
 * prefix, or a gateway is not a station on our link. */
bool stack_set_routes(
    struct stack *s, const struct stack_route *routes, unsigned n);

/* Whether loopback addresses are served, at a reload; connections of theirs
 * that are left behind get no further. */
void stack_set_loopback(struct stack *s, bool on);
/* Can a socket be bound to addr?  Not the wildcards. */
bool stack_is_local(const struct stack *s, const struct ipaddr *addr);

/* A number that is another one whenever what the next two calls tell may have
 * changed otherwise than by time: an address became usable or was refused by
 * its link, came or went; a route came or went. */
uint32_t stack_changes(const struct stack *s);

struct stack_addr_row {
	struct ipaddr addr;
	uint8_t plen;
	bool usable;	    /* connections can have it */
	const char *state;  /* "tentative", "preferred", "deprecated",
			       "duplicate" */
	const char *origin; /* "static", "link-local", "slaac", "dhcp" */
	int64_t preferred_us, valid_us; /* still; -1: for ever */
};
void stack_foreach_addr(const struct stack *s,
    void (*fn)(void *arg, const struct stack_addr_row *a), void *arg,
    mono_t now);
/* False while an address that can still become usable is not. */
bool stack_addrs_settled(const struct stack *s);

struct stack_route_row {
	struct ipaddr dst, gateway; /* gateway as in struct stack_route */
	uint8_t plen;
	const char *origin; /* "static", "link", "ra", "dhcp" */
};
void stack_foreach_route(const struct stack *s,
    void (*fn)(void *arg, const struct stack_route_row *r), void *arg);

struct stack_stats {
	uint64_t in_frames, out_frames, in_bytes, out_bytes;
	uint64_t in_packets, out_packets, echo_replies, arp_requests;
	uint64_t solicitations; /* neighbour discovery's questions */
	uint64_t icmp_errors;	/* sent */
	size_t neighbours;
	size_t buf_used, buf_limit;
};
void stack_stats(const struct stack *s, struct stack_stats *out);

struct stack_neigh {
	struct ipaddr addr;
	uint8_t mac[6];
	const char *state; /* "REACHABLE", ... as ip neigh */
	int64_t age_us;
};
void stack_foreach_neigh(const struct stack *s,
    void (*fn)(void *arg, const struct stack_neigh *n), void *arg, mono_t now);

#endif
