/* SPDX-License-Identifier: ISC */
/*
 * A stack in virtual time with one link and, in TCP's place, a recorder: what
 * reaches it is kept, and it says what a test tells it to.  That the stack
 * links against it shows that it uses nothing of tcp/ but tcp.h.
 *
 *	peer_sends*()	a frame arrives
 *	stack_sends*()	exactly this leaves next (a copy is in lab.sent)
 *	silence()	nothing leaves
 *	at()		the time moves on; what is due then happens
 *	dropped()	that counter is one higher than at the last call
 */
#ifndef UNIT_STACK_LAB_H
#define UNIT_STACK_LAB_H

#include <criterion/criterion.h>
#include <string.h>
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#define OURS	0xc0000202 /* 192.0.2.2/24 */
#define PEER	0xc0000201
#define OTHER	0xc0000203
#define GATEWAY 0xc00002fe
#define FAR	0xcb007107 /* 203.0.113.7, behind the gateway */

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 3};
static const uint8_t all_macs[6] = {255, 255, 255, 255, 255, 255};

/* IPv6: 2001:db8::2/64, and link-local addresses of the others. */
static const struct ipaddr ours6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 2}};
static const struct ipaddr peer6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
static const struct ipaddr far6 = {{0x20, 0x01, 0x0d, 0xb9, [15] = 7}};
static const struct ipaddr peer_ll = {{0xfe, 0x80, [15] = 1}};
static const struct ipaddr other_ll = {{0xfe, 0x80, [15] = 3}};
static const struct ipaddr any6;
static const struct ipaddr all_nodes6 = {{0xff, 0x02, [15] = 1}};
static const struct ipaddr all_routers6 = {{0xff, 0x02, [15] = 2}};
static const struct ipaddr all_mld6 = {{0xff, 0x02, [15] = 0x16}};

struct fake_tcp {
	struct tcp_config cfg;
	unsigned inputs;
	struct tcp_in in; /* the last segment; bytes are a copy of it */
	uint8_t bytes[BUF_FRAME];
	unsigned errors; /* tcp_icmp_input() */
	struct tuple id;
	uint32_t seq;
	enum tcp_icmp what;
	bool believes; /* what is said to it */
	uint16_t mtu;
	unsigned unreachable;	/* tcp_host_unreachable() */
	struct ipaddr gone[64]; /* the first ones */
	struct tcp_out out[8];	/* what to say */
	unsigned nout, said;
	mono_t deadline;
	unsigned expired;
};
extern struct fake_tcp fake;

struct lab {
	struct stack_config cfg;
	struct stack_addr addrs[4]; /* cfg's; one is used */
	struct stack_route routes[4];
	struct stack *s;
	mono_t now;
	struct txframe f;
	uint8_t sent[BUF_FRAME]; /* the last frame, in one piece */
	size_t sent_len;
	struct ipaddr ll;
	struct ipaddr sent_src; /* of the last IPv6 packet */
	uint8_t sent_hops;
	uint64_t seen[NDROPS]; /* counters at the last dropped() */
};
extern struct lab lab;

void lab_defaults(void); /* lab.cfg; start it yourself */
void lab_start(void);
void lab_init(void); /* both, and takes the announcements away */
void lab_end(void);

/* The same with ours6 beside OURS, no DAD; our link-local address is lab.ll. */
void lab_defaults6(void);
void lab_init6(void);

static inline int64_t
ms(int64_t n)
{
	return n * 1000;
}

/* ---- in ---- */
void peer_sends(const uint8_t *frame, size_t len);
void peer_sends_off(
    const uint8_t *frame, size_t len, const struct offload *off);
void peer_sends_arp(const uint8_t dst[6], uint16_t op, const uint8_t sha[6],
    uint32_t spa, uint32_t tpa);
/* PEER's station is known and confirmed. */
void peer_is_known(void);
/* Headers around payload from src to us; returns the length. */
size_t make_packet(uint8_t *frame, uint32_t src, uint8_t proto,
    const void *payload, size_t len);
/* The IP header's checksum, made right after changes. */
void fix_ip(uint8_t *frame);
/* An ICMP message with its checksum. */
size_t make_icmp(uint8_t *frame, uint8_t type, uint8_t code, uint32_t rest,
    const void *data, size_t len);

/* A datagram from port sport of src to dport of ours, of either family; returns
 * the length of the frame. */
size_t make_udp(uint8_t *frame, const struct ipaddr *src, uint16_t sport,
    uint16_t dport, const void *payload, size_t len);
/* Headers around payload; returns the length of the frame. */
size_t make_packet6(uint8_t *frame, const struct ipaddr *src,
    const struct ipaddr *dst, uint8_t next, uint8_t hops, const void *payload,
    size_t len);
/* An ICMPv6 message as ND wants it, from mac. */
void peer_sends_icmp6(const uint8_t mac[6], const struct ipaddr *src,
    const struct ipaddr *dst, uint8_t type, uint32_t rest, const void *data,
    size_t len);
/* Solicitations and advertisements of target; lla may be NULL. */
void peer_sends_ns(const uint8_t mac[6], const struct ipaddr *src,
    const struct ipaddr *dst, const struct ipaddr *target, const uint8_t *lla);
void peer_sends_na(const uint8_t mac[6], const struct ipaddr *src,
    const struct ipaddr *dst, const struct ipaddr *target, uint32_t flags,
    const uint8_t *lla);
struct ipaddr solicited_node(const struct ipaddr *a);
#define NA_ROUTER    0x80000000u
#define NA_SOLICITED 0x40000000u
#define NA_OVERRIDE  0x20000000u

/* ---- out ---- */
void stack_sends(void);
void stack_sends_arp(
    const uint8_t dst[6], uint16_t op, uint32_t spa, uint32_t tpa);
/* An IP packet whose payload starts at the returned place. */
const uint8_t *stack_sends_packet(
    const uint8_t dst_mac[6], uint32_t dst, uint8_t proto, size_t payload);
void silence(void);
/* The same of IPv6, to dst and the station dst_mac (NULL: dst's group). */
const uint8_t *stack_sends_packet6(const uint8_t *dst_mac,
    const struct ipaddr *dst, uint8_t next, size_t payload);
/* An ICMPv6 message of type; *m points into lab.sent. */
void stack_sends_icmp6(const uint8_t *dst_mac, const struct ipaddr *dst,
    uint8_t type, struct wire_icmp *m);
/* A solicitation of target, to one station or to target's group (NULL). */
void stack_sends_ns(const uint8_t *dst_mac, const struct ipaddr *target);
void stack_sends_na(const uint8_t *dst_mac, const struct ipaddr *dst,
    const struct ipaddr *target, uint32_t flags);
/* A multicast listener report. */
void stack_sends_report(uint8_t type, const struct ipaddr *group);

/* TCP has a segment to send: a 20-byte header and payload at data. */
struct tcp_out *tcp_says(uint32_t dst, const void *data, size_t len);
struct tcp_out *tcp_says6(
    const struct ipaddr *dst, const void *data, size_t len);

/* ---- time and counters ---- */
void at(int64_t us); /* since the start of the test */
void quiet_until(int64_t us);
void dropped(enum drop why);
void nothing_dropped(void);

#endif
