/* SPDX-License-Identifier: ISC */
/*
 * IP over Ethernet: packets in, with all that can be answered here answered;
 * packets out, with the way to their next hop found.  Knows nothing of TCP.
 *
 *	ip4_input(), ip6_input()   one packet: done with, a TCP segment, or an
 *ICMP error about something that we sent ip_way()     how a packet to dst
 *leaves ip_send()    a whole packet of our own into the queue out ip_expire()
 *timers
 *
 * What must go out (ARP, ICMP, frames that waited for a neighbour) stands in
 * ip->out, what is for ourselves in ip->loop; the stack takes it from there.
 */
#ifndef IP_IP_H
#define IP_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/drop.h"
#include "base/mono.h"
#include "base/rng.h"
#include "base/timerq.h"
#include "ip/dhcp4.h"
#include "ip/ifaddr.h"
#include "ip/mld.h"
#include "ip/neigh.h"
#include "ip/pktq.h"
#include "ip/pmtu.h"
#include "ip/ra.h"
#include "ip/reass.h"
#include "ip/route.h"

#define IP_LOOP_MTU   65535 /* of packets to ourselves */
#define IP_LOOP_BYTES (1024 * 1024)
#define IP_OUT_FRAMES 1024 /* answers of ours that wait for the device */
#define IP_TTL	      64

struct ip_config {
	uint8_t mac[6];
	uint16_t mtu;
	struct bufpool *bufs;
	struct drops *drops;
	uint64_t seed[2];
	uint16_t vlan;	    /* of our frames; 0: no tag */
	bool acd;	    /* probe for IPv4 addresses before use */
	bool dhcp4;	    /* ask a server for an IPv4 address */
	bool ipv6;	    /* speak it without a configured address too */
	bool accept_ra;	    /* believe routers' advertisements */
	uint8_t dad_probes; /* RFC 4862's DupAddrDetectTransmits */
	struct siphash_key stable; /* RFC 7217's secret */
};

/* A token bucket: per_s tokens a second, at most burst saved up. */
struct bucket {
	uint32_t per_s, burst;
	int64_t credit_us; /* what was saved, as time */
	mono_t last;
};

bool bucket_take(struct bucket *b, mono_t now);

/* What a timer in ip->timers sits in. */
enum ip_timer {
	IP_TIMER_NEIGH,
	IP_TIMER_ADDR,
	IP_TIMER_RA,
	IP_TIMER_MLD,
	IP_TIMER_REASS,
	IP_TIMER_DHCP4,
};

struct ip {
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t vlan; /* 0: none */
	bool acd;      /* IPv4 addresses are probed for (RFC 5227) */
	bool loopback; /* 127.0.0.0/8 and ::1 are ours, among ourselves */
	struct ifaddrs addrs;
	struct bufpool *bufs;
	struct drops *drops;
	struct rng rng;
	struct routes configured; /* by ip_set_routes() */
	struct routes routes;	  /* all that hold, made from the others */
	uint32_t changes;	  /* counts those of addresses and routes */
	struct timerq timers;
	struct neigh_table neigh;
	struct pktq out, loop;

	/* IPv6. */
	bool v6, accept_ra; /* spoken at all; routers are listened to */
	uint8_t dad_probes;
	uint16_t mtu6;	    /* the link's, or less by a router's word */
	uint8_t hop_limit6; /* by a router's word, or IP_TTL */
	struct siphash_key stable;
	int64_t retrans_us, reachable_us; /* by a router's word */
	struct ra ra;
	struct mld mld;
	struct pmtu_table pmtu;

	struct reass_table reass;
	struct dhcp4 dhcp;
	struct bucket echo, errors;
	uint64_t in_packets, echo_replies, icmp_errors;
	uint64_t arp_requests, solicitations;
};

/* false when memory is out; ip_done() is right in either case. */
bool ip_init(struct ip *ip, const struct ip_config *cfg, mono_t now);
void ip_done(struct ip *ip);

/* IPv6 is spoken from now on, from a link-local address; false when the MTU
 * forbids it. */
bool ip_start_v6(struct ip *ip, mono_t now);
/* The configured addresses from now on; false when one of them makes no sense
 * (they are as before then). */
bool ip_set_addrs(
    struct ip *ip, const struct ipnet *nets, unsigned n, mono_t now);
/* Our links first, then these; false when one of them makes no sense (the
 * routes are as before then). */
bool ip_set_routes(struct ip *ip, const struct route *r, unsigned n);
/* The routes again, after an address or a router came or went. */
void ip_rebuild_routes(struct ip *ip);

/* ---- in ---- */

enum ip_verdict {
	IP_DONE, /* answered, ignored or dropped, and counted */
	IP_TCP,	 /* off and len are the segment's now */
	IP_UDP,	 /* the same of a datagram */
	IP_ERROR /* error is filled in: ICMP about what we sent of these two */
};

struct ip_error {
	uint8_t type, code;
	uint8_t proto;		/* WIRE_PROTO_TCP or WIRE_PROTO_UDP */
	uint16_t mtu;		/* of "fragmentation needed" */
	struct ipaddr src, dst; /* of the segment: ours, the peer's */
	uint16_t sport, dport;
	uint32_t seq; /* TCP's */
	/* As it is: who says so, the second word, and what is quoted from the
	 * ports on, good for as long as the packet. */
	struct ipaddr from;
	uint32_t rest;
	const uint8_t *quote;
	uint32_t quote_len;
};

struct ip_in {
	struct buf *buf;     /* the caller keeps his reference */
	uint32_t off, len;   /* the packet in it, perhaps with padding behind */
	bool looped;	     /* sent by ourselves */
	bool broadcast;	     /* its frame was not for our station alone */
	bool csum_ok;	     /* the device vouches for what is inside */
	bool fragment;	     /* it came in pieces, or as if */
	struct reass *whole; /* buf is its: reass_free() when done */
	struct ipaddr src, dst; /* filled in from here on */
	uint8_t proto, tos, hop_limit;
	uint32_t hdr_len; /* of the IP headers, in front of off */
	struct ip_error error;
};

enum ip_verdict ip4_input(struct ip *ip, struct ip_in *in, mono_t now);
enum ip_verdict ip6_input(struct ip *ip, struct ip_in *in, mono_t now);
/* Nobody has the port of that datagram: tells its sender (RFC 1122 3.2.2.1). */
void ip_refuse_port(struct ip *ip, const struct ip_in *in, mono_t now);

/* ---- out ---- */

enum ip_way {
	IP_WAY_NONE,	/* no route */
	IP_WAY_LOOP,	/* to ourselves */
	IP_WAY_FRAME,	/* neigh->mac is the station */
	IP_WAY_RESOLVE, /* neigh_hold() the frame */
};

enum ip_way ip_way(
    struct ip *ip, const struct ipaddr *dst, mono_t now, struct neigh **neigh);

/* True for addresses that no TCP connection and no answer goes to. */
bool ip_is_group(const struct ip *ip, const struct ipaddr *addr);
/* True when it is an address of ours that packets may come to. */
bool ip_is_ours(const struct ip *ip, const struct ipaddr *addr);
/* The same, or a loopback address that we serve: packets to it never leave,
 * and no other's are taken. */
bool ip_is_local(const struct ip *ip, const struct ipaddr *addr);
/* Can in quote a packet that we sent from addr? */
bool ip_may_quote(
    const struct ip *ip, const struct ip_in *in, const struct ipaddr *addr);
/* True when a route says that addr is a station on our link. */
bool ip_on_link(const struct ip *ip, const struct ipaddr *addr);
/* The MTU of packets to dst: the link's, or the path's if that is known. */
uint16_t ip_mtu(struct ip *ip, const struct ipaddr *dst, mono_t now);
/* Of packets to dst whose sender does not care (RFC 4861 6.3.2). */
uint8_t ip_hop_limit(const struct ip *ip, const struct ipaddr *dst);

struct ip_hdr_out {
	struct ipaddr src, dst;
	uint8_t proto, tos, ttl;
	uint16_t len;  /* of the payload */
	uint16_t id;   /* IPv4 */
	uint32_t flow; /* IPv6 */
	/* IPv4: routers may cut it up; it is a piece itself, which begins at
	 * byte at of the whole and is not the last one. */
	bool may_cut, more;
	uint16_t at;
};

/* Bytes of the Ethernet and the IP header in front of what goes to dst. */
#define IP_HEADS_MAX 58
static inline size_t
ip_heads(const struct ip *ip, const struct ipaddr *dst)
{
	return (ip->vlan != 0 ? 18u : 14u) + (ipaddr_is_v4(dst) ? 20u : 40u);
}
/* Writes them; the station's address may be all zero still (dst_mac NULL). */
void ip_write_heads(const struct ip *ip, uint8_t *p, const uint8_t *dst_mac,
    const struct ip_hdr_out *h);

/* A frame with its headers written and room for h->len bytes of payload, or
 * NULL (counted) when there is no buffer. */
struct buf *ip_packet(struct ip *ip, const struct ip_hdr_out *h);
static inline uint8_t *
ip_payload(const struct ip *ip, struct buf *b, const struct ip_hdr_out *h)
{
	return pkt_frame(b) + ip_heads(ip, &h->dst);
}
/* Sends it to its next hop by h->dst; takes the reference. */
void ip_send(
    struct ip *ip, struct buf *b, const struct ipaddr *dst, mono_t now);
/* Sends the payload in spans, len bytes, in pieces that fit into mtu; h says
 * the rest.  0 or -ENOBUFS, which may leave a part of it sent. */
int ip_send_pieces(struct ip *ip, const struct ip_hdr_out *h,
    const struct span *spans, size_t len, uint16_t mtu, mono_t now);
/* A packet of ours to one station, or with mac NULL to the group dst (IPv6). */
void ip_send_to(
    struct ip *ip, struct buf *b, const struct ipaddr *dst, const uint8_t *mac);
/* Puts a frame of ours to wait for the device, or drops it (counted). */
void ip_queue_out(struct ip *ip, struct buf *b);
/* The same for the way back to ourselves. */
void ip_queue_loop(struct ip *ip, struct buf *b);
/* No room in it for a packet of any size. */
bool ip_loop_full(const struct ip *ip);

/* ---- time ---- */

/* Works on timers due at now.  true: a neighbour failed, out is filled in, and
 * there may be more; false: nothing is due any more. */
bool ip_expire(struct ip *ip, mono_t now, struct neigh_failure *out);

#endif
