/* SPDX-License-Identifier: ISC */
/*
 * TCP as a pure state machine: the only header of tcp/ that outsiders include.
 *
 * Segments, user calls and the time go in; segments, events and the next
 * deadline come out.  Nothing here does I/O, reads a clock or logs.
 *
 *	tcp_input()     one received segment (or a GRO train of them)
 *	tcp_output()    the next segment to send, until it returns false
 *	tcp_event()     what happened to a connection, until it returns false
 *	tcp_deadline()  when tcp_expire() must be called next
 *
 * A user call that makes something to send or to know (a write, a close, a
 * read that opens the window) does not emit it: the caller goes on with
 * tcp_event() and tcp_output() afterwards.
 *
 * The types: struct tcp is the layer; struct tcp_bind a local address and port
 * that a user holds, perhaps listening; struct tcp_pcb one connection.  Half-
 * open passive connections and TIME-WAIT are small types inside.
 *
 * Every pointer to a pcb is good until the call of tcp_event() after the one
 * that delivered TCP_EV_GONE (so what is unread can still be taken then), or
 * until the user calls tcp_close() or tcp_abort(), after which the layer keeps
 * what it must on its own and the user forgets the pointer.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/drop.h"
#include "base/frame.h"
#include "base/mono.h"
#include "base/rng.h"

struct tcp;
struct tcp_bind;
struct tcp_pcb;
struct tcp_keys;

/* RFC 9293 3.3.2; the order is Linux's, so that tools show known numbers. */
enum tcp_state {
	TCPS_CLOSED = 0,
	TCPS_ESTABLISHED = 1,
	TCPS_SYN_SENT,
	TCPS_SYN_RECEIVED,
	TCPS_FIN_WAIT_1,
	TCPS_FIN_WAIT_2,
	TCPS_TIME_WAIT,
	TCPS_CLOSE_WAIT,
	TCPS_LAST_ACK,
	TCPS_LISTEN,
	TCPS_CLOSING,
	TCPS_NSTATES
};

const char *tcp_state_name(enum tcp_state s); /* "ESTAB", as ss has them */

/* What the way to a destination allows; the stack fills it in. */
struct tcp_path {
	struct ipaddr src; /* the source address to use */
	uint16_t mtu;	   /* of IP packets to there, bytes */
	uint16_t rcv_mtu;  /* of IP packets that can come to us */
	bool local;	   /* to an address of ours; may be left out */
	uint32_t tso_max;  /* largest payload of one GSO segment, 0: no TSO */
};

/* May a SYN begin something? */
enum tcp_admit {
	TCP_ADMIT_NO,
	TCP_ADMIT_YES,
	TCP_ADMIT_COOKIE, /* if it takes no memory: with a SYN cookie */
	TCP_ADMIT_GONE,	  /* the listener is no more: another's, or refused */
};

/* When SYNs are answered with cookies (RFC 4987 3.6): when the SYN queue is
 * full, or as env.may_open says; or by these. */
enum tcp_cookies {
	TCP_COOKIES_AUTO,
	TCP_COOKIES_NEVER,
	TCP_COOKIES_ALWAYS,
};

/* When segments probe for the path's MTU (RFC 4821, 8899): after a black hole
 * or a router's word; never; on each connection, which begins small. */
enum tcp_mtu_probing {
	TCP_MTU_BLACK_HOLE,
	TCP_MTU_NEVER,
	TCP_MTU_ALWAYS,
};

/* Explicit congestion notification, as Linux's tcp_ecn has 0, 1, 5 and 3. */
enum tcp_ecn_policy {
	TCP_ECN_OFF,
	TCP_ECN_CLASSIC, /* RFC 3168: asked for and granted */
	TCP_ECN_PASSIVE, /* granted to peers who ask, RFC 9768 first */
	TCP_ECN_ON,	 /* RFC 9768, or else RFC 3168, asked for and granted */
};

/* When segments have an AccECN option (RFC 9768 3.2.3.3), as Linux's
 * tcp_ecn_option has 1, 2 and 0. */
enum tcp_accecn_option {
	TCP_ACCECN_NEWS,   /* when it says something new */
	TCP_ACCECN_ALWAYS, /* once the peer has shown one */
	TCP_ACCECN_NEVER,
};

/* TCP Fast Open (RFC 7413): what of it is done, in the bits that Linux's
 * tcp_fastopen has. */
enum {
	FASTOPEN_CLIENT = 0x1,
	FASTOPEN_SERVER = 0x2,		/* for listeners that ask for it */
	FASTOPEN_CLIENT_BARE = 0x4,	/* data in SYNs without a cookie */
	FASTOPEN_SERVER_BARE = 0x200,	/* taken from SYNs without one */
	FASTOPEN_EACH_LISTENER = 0x400, /* asked for or not */
	FASTOPEN_ALL = 0x607,
};

#define FASTOPEN_KEY 16 /* bytes */

struct tcp_fastopen {
	uint16_t mode; /* FASTOPEN_ */
	/* For our cookies: how many of the keys are given, 0 (they are made
	 * here, and anew from time to time), 1, or 2, of which the second is
	 * an older one that is still taken. */
	uint8_t nkeys;
	uint8_t key[2][FASTOPEN_KEY];
	/* After a black hole no SYN carries data for so many seconds, and
	 * twice as long after the next; 0: that is not looked at. */
	uint32_t blackhole_s;
};

/* What the layer asks of its owner, synchronously. */
struct tcp_env {
	/* The path to dst (src: the wanted source or a wildcard).  Returns 0
	 * or a negative errno: -ENETUNREACH, -EADDRNOTAVAIL. */
	int (*path)(void *ctx, const struct ipaddr *src,
	    const struct ipaddr *dst, struct tcp_path *out);
	/* May another half-open connection start for this listener?  NO drops
	 * the SYN (a quota). */
	enum tcp_admit (*may_open)(void *ctx, struct tcp_bind *listener);
	/* A handshake for a listener is complete: hand the connection to its
	 * user, who calls tcp_set_user().  Returns 0; -EAGAIN: the accept
	 * queue is full, the ACK is ignored and the peer's next one asks
	 * again (as Linux does); else the connection is reset.  It may let
	 * go of the listener, but not close or abort pcb: it says so by its
	 * result. */
	int (*accept)(
	    void *ctx, struct tcp_bind *listener, struct tcp_pcb *pcb);
	/* May be NULL.  n = 1: the user of a connection left it with bytes
	 * still to be acknowledged; n = -1, with the same number: it is gone.
	 * owner is tcp_set_owner()'s. */
	void (*orphan)(void *ctx, uint32_t owner, int n, size_t bytes);
	void *ctx;
};

/* Buffers of connections whose user set none, bytes: how they begin and what
 * they may grow to with the path (not at all when the maximum is less). */
struct tcp_bufs {
	uint32_t sndbuf, sndbuf_max;
	uint32_t rcvbuf, rcvbuf_max;
};

/* The algorithms of TCP-AO: RFC 5926 3.2's two, and as Linux has one more. */
enum tcp_ao_alg {
	TCP_AO_SHA1,
	TCP_AO_AES128,
	TCP_AO_SHA256,
	TCP_AO_ALGS
};
#define TCP_AO_TRAFFIC 32 /* bytes of a traffic key, or of a MAC, at most */

/* What signs segments (RFC 2385, RFC 5926).  The bytes of in, one after the
 * other.  mac() returns the bytes written; a key of AES has 16. */
struct tcp_digest {
	void (*md5)(const struct span *in, unsigned n, uint8_t out[16]);
	unsigned (*mac)(enum tcp_ao_alg alg, const uint8_t *key, size_t len,
	    const struct span *in, unsigned n, uint8_t out[TCP_AO_TRAFFIC]);
};

struct tcp_config {
	struct tcp_env env;
	struct bufpool *bufs;
	struct drops *drops;
	uint64_t seed[2]; /* keys ISNs, ports and tables */
	size_t max_conns; /* connections in all; 0: as memory allows */
	/* A connection without a segment for so long is folded up until it has
	 * one: it takes less memory, else nothing is different; 0: 5 s. */
	uint32_t rest_us;
	struct tcp_bufs size;
	uint32_t msl_us;		/* TIME-WAIT lasts 2*MSL; 30 s */
	uint16_t port_first, port_last; /* ephemeral ports */
	const char *congestion;		/* "cubic", "newreno" */
	bool pacing; /* also where the congestion control asks for none */
	enum tcp_cookies syncookies;
	enum tcp_mtu_probing mtu_probing;
	/* Connections that their users left; one more is reset.  0: any. */
	size_t max_orphans;
	bool no_quickack; /* delay ACKs from the first segment on */
	/* Options not to offer or take (RFC 7323, 2018). */
	bool no_timestamps, no_sack, no_wscale;
	enum tcp_ecn_policy ecn;
	enum tcp_accecn_option accecn_option;
	bool ect_all; /* RFC 9768: ECT not only on data that is new */
	/* So many SYNs are sent again after the same time; the next ones
	 * after twice the time of the one before (RFC 6298 5.5). */
	uint8_t syn_linear;
	bool no_fast_path;    /* between ends that are both ours (local.c) */
	uint8_t min_tso_segs; /* of a train, however low the rate; 0: 2 */
	struct tcp_fastopen fastopen;
	const struct tcp_digest *digest; /* NULL: there are no keys */
};

/* NULL when memory is out or the congestion control is unknown. */
struct tcp *tcp_new(const struct tcp_config *cfg, mono_t now);
/* Other defaults, for connections that begin from now on.  Returns 0 or
 * -ENOENT: no such congestion control, nothing changed. */
int tcp_set_defaults(
    struct tcp *t, const char *congestion, const struct tcp_bufs *size);
void tcp_set_pacing(struct tcp *t, bool on);
/* For handshakes that begin from now on. */
void tcp_set_options(
    struct tcp *t, bool no_timestamps, bool no_sack, bool no_wscale);
/* For SYNs that come from now on. */
void tcp_set_syncookies(struct tcp *t, enum tcp_cookies mode);
/* For black holes that are met, and connections made, from now on. */
void tcp_set_mtu_probing(struct tcp *t, enum tcp_mtu_probing mode);
/* For handshakes that begin from now on. */
void tcp_set_ecn(struct tcp *t, enum tcp_ecn_policy policy);
/* For segments from now on. */
void tcp_set_accecn(struct tcp *t, enum tcp_accecn_option option, bool ect_all);
/* For text from now on. */
void tcp_set_fast_path(struct tcp *t, bool on);
/* For SYNs from now on. */
void tcp_set_syn_linear(struct tcp *t, uint8_t n);
/* For trains from now on. */
void tcp_set_min_tso_segs(struct tcp *t, uint8_t n);
/* For SYNs from now on.  Keys that were made here stay when none are given. */
void tcp_set_fastopen(struct tcp *t, const struct tcp_fastopen *f);
/* Aborts everything without a word and frees it. */
void tcp_free(struct tcp *t);

/* ---- segments ---- */

struct tcp_in {
	struct ipaddr src, dst;
	struct buf *buf;   /* holds the segment; the layer takes references */
	uint32_t off, len; /* the TCP header and payload in buf->data */
	uint16_t gso_size; /* GRO train: payload of each segment; else 0 */
	uint8_t tos;	   /* of the IP header, or the traffic class */
	bool csum_ok;	   /* verified below */
};

/* The caller keeps its reference to in->buf. */
void tcp_input(struct tcp *t, const struct tcp_in *in, mono_t now);

/* One segment to send: header in hdr, payload in spans, checksum left to the
 * caller (the field holds zero). */
struct tcp_out {
	struct ipaddr src, dst;
	uint8_t tos, ttl;  /* MUST-48, MUST-49; ttl 0: the host's */
	uint16_t gso_size; /* nonzero: payload exceeds it, cut it up */
	/* The peer acknowledged something new since this connection's last
	 * segment: the neighbour is alive (RFC 4861 7.3.1).  The caller has
	 * cleared it. */
	bool progress;
	/* Retransmissions of what is out went unanswered, R1 of them: is the
	 * neighbour dead (RFC 9293 3.8.3)?  The caller has cleared it. */
	bool in_doubt;
	uint8_t hdr_len;
	uint8_t hdr[60];
	uint32_t payload_len;
	unsigned nspans;
	struct span spans[FRAME_SPANS - 2];
};

bool tcp_output(struct tcp *t, struct tcp_out *out, mono_t now);

/* ICMP about a segment that we sent; RFC 5927 checks are made here. */
enum tcp_icmp {
	TCP_ICMP_NET_UNREACH,
	TCP_ICMP_HOST_UNREACH,
	TCP_ICMP_PROTO_UNREACH,
	TCP_ICMP_PORT_UNREACH,
	TCP_ICMP_ADMIN, /* ICMPv6; ICMP's are one of the first two */
	TCP_ICMP_TIME_EXCEEDED,
	TCP_ICMP_PARAM_PROBLEM,
	TCP_ICMP_TOO_BIG, /* mtu given */
};
/* True: it was about something that is under way, and believed. */
bool tcp_icmp_input(struct tcp *t, const struct tuple *id, uint32_t seq,
    enum tcp_icmp what, uint16_t mtu, mono_t now);

/* The neighbour or route to dst is gone: soft error for its connections;
 * connections in SYN-SENT fail with -EHOSTUNREACH. */
void tcp_host_unreachable(struct tcp *t, const struct ipaddr *dst, mono_t now);

mono_t tcp_deadline(const struct tcp *t);
/* When tcp_expire() should be called for the sake of memory alone. */
mono_t tcp_rest_deadline(const struct tcp *t);
/* What tcp_output() gave out for ourselves has been put in before (local.c). */
void tcp_expire(struct tcp *t, mono_t now);

/* ---- events ---- */

enum {
	TCP_EV_CONNECTED = 1 << 0, /* an active open is established */
	TCP_EV_READABLE = 1 << 1,  /* there is data to take */
	TCP_EV_WRITABLE = 1 << 2,  /* room in the send buffer appeared */
	TCP_EV_EOF = 1 << 3,	   /* the peer's FIN, in order */
	TCP_EV_ERROR = 1 << 4,	   /* soft error: tcp_soft_error(); R1 is one */
	/* Dead; the error says how: 0 after an orderly end, the peer's reset is
	 * another (MUST-12).  The last event. */
	TCP_EV_GONE = 1 << 5,
	TCP_EV_URGENT = 1 << 6,	  /* the urgent pointer advanced */
	TCP_EV_RETURNED = 1 << 7, /* tcp_send_returned() has grown */
};

struct tcp_event {
	struct tcp_pcb *pcb;
	void *user;
	unsigned bits;
	int error; /* with GONE: 0 after an orderly end, else errno */
};

bool tcp_event(struct tcp *t, struct tcp_event *ev);

/* ---- options ---- */

/* TCP_QUICKACK: as the connection goes; each segment; as answers go. */
enum tcp_quick {
	TCP_QUICK_AUTO,
	TCP_QUICK_ON,
	TCP_QUICK_OFF
};

struct tcp_opts {
	/* Zero means the layer's default everywhere. */
	const char *congestion;
	uint32_t sndbuf, rcvbuf;
	/* MUST-21: R2 of this connection. */
	uint32_t user_timeout_us; /* RFC 5482's, 0: RFC 9293's R2 */
	uint32_t keepidle_s, keepintvl_s, keepcnt;
	uint32_t linger2_s;	  /* FIN-WAIT-2 of an orphan; 0: 60 s */
	uint32_t notsent_lowat;	  /* no more than so much waits to be sent */
	uint32_t window_clamp;	  /* never more is advertised */
	uint64_t max_pacing_rate; /* bytes a second */
	uint16_t max_seg;	  /* TCP_MAXSEG */
	/* A listener's: this many time-outs of the SYN-ACK without data pass
	 * before a connection is handed to the user; 0: at once. */
	uint8_t defer_accept;
	uint8_t syn_retries;
	uint8_t tos, ttl; /* MUST-48, MUST-49; ttl 0: the host's */
	/* The same of a listener of both families, to a peer of IPv4. */
	uint8_t tos4, ttl4;
	uint8_t quickack; /* enum tcp_quick */
	/* MUST-17; MUST-24, MAY-5 */
	bool nodelay, keepalive, cork;
	/* Fast Open.  A listener's: how many connections may have been handed
	 * over whose handshake goes on, 0: none; its own keys, if it has any.
	 * Either side's: as if the layer's mode were BARE. */
	uint32_t fastopen;
	uint8_t fastopen_nkeys;
	uint8_t fastopen_key[2][FASTOPEN_KEY];
	bool fastopen_bare;
};

/* ---- local addresses and listeners ---- */

enum {
	TCP_BIND_REUSEADDR = 1 << 0,
	TCP_BIND_REUSEPORT = 1 << 1, /* only among equal owner ids */
	TCP_BIND_V6ONLY = 1 << 2,    /* :: is not for IPv4 (RFC 3493 5.3) */
};

/*
 * Holds addr (or the wildcard) and port (0: choose one).  owner is any number
 * that stands for the user (a uid).  Returns 0, -EADDRINUSE, -ENOMEM.
 */
int tcp_bind(struct tcp *t, const struct ipaddr *addr, uint16_t port,
    unsigned flags, uint32_t owner, void *user, struct tcp_bind **out);
/* Starts (or resizes) listening.  Returns 0 or -EADDRINUSE.  backlog bounds
 * the SYN queue; the accept queue is the user's (env.accept). */
int tcp_listen(struct tcp_bind *b, uint32_t backlog);
/* Options that connections of this listener have from their SYN on.  Returns 0
 * or -ENOENT for an unknown congestion control. */
int tcp_bind_opts(struct tcp_bind *b, const struct tcp_opts *opts);
/* REUSEADDR and REUSEPORT as in flags, from now on: who is bound stays so, and
 * the next bind() or listen() is judged by them. */
void tcp_bind_reuse(struct tcp_bind *b, unsigned flags);
/*
 * A key of TCP MD5 (RFC 2385) for peers of a prefix; IPv4's is longer by the
 * 96 bits of the mapped ones'.  Of several the longest prefix counts, and a
 * second key for the same one takes the first one's place; len 0 takes it
 * away.  What comes from such a peer must be signed with it, what goes to him
 * is.  Returns 0, -ENOENT (none to take away), -EINVAL, -ENOMEM, -EOPNOTSUPP
 * (no tcp_config.digest).
 */
#define TCP_MD5_KEY 80 /* bytes at most */
struct tcp_md5 {
	struct ipaddr addr;
	uint8_t plen; /* of 128 */
	uint8_t len;
	uint8_t key[TCP_MD5_KEY];
};
/* For connections that begin from now on, each with a copy of its key. */
int tcp_bind_md5(struct tcp_bind *b, const struct tcp_md5 *m);
/* How many it has, TCP-AO's among them. */
size_t tcp_bind_keys(const struct tcp_bind *b);
/* All of them, to be given to another one (NULL: to nobody). */
struct tcp_keys *tcp_bind_keys_take(struct tcp_bind *b);
void tcp_bind_keys_give(struct tcp *t, struct tcp_bind *b, struct tcp_keys *k);
/* Lets go; half-open connections are forgotten, connections live on. */
void tcp_unbind(struct tcp_bind *b, mono_t now);

struct tcp_bind_info {
	struct ipaddr addr;
	uint16_t port;
	bool listening;
	uint32_t backlog, half_open; /* Fast Open's are among these */
	void *user;
	uint32_t owner;
	unsigned flags; /* TCP_BIND_* */
};
void tcp_bind_info(const struct tcp_bind *b, struct tcp_bind_info *out);

/* ---- connections ---- */

/*
 * Active open.  bind may be NULL (a port is chosen, RFC 6056) or a bind of the
 * same user, which the connection keeps alive.  Returns 0 or -ENETUNREACH,
 * -EADDRNOTAVAIL (no port free, or that 4-tuple is in use), -ENOMEM,
 * -ECONNREFUSED (never), -EINVAL (broadcast, multicast: MUST-46).
 */
int tcp_connect(struct tcp *t, struct tcp_bind *bind, const struct ipaddr *src,
    const struct ipaddr *dst, uint16_t dport, const struct tcp_opts *opts,
    void *user, mono_t now, struct tcp_pcb **out);

/*
 * Makes p, just connected, a Fast Open: its first SYN carries of the data that
 * is committed until tcp_output() what fits and may be sent, or asks for a
 * cookie.  What it carried and the peer did not take goes again.  waits: there
 * is no SYN before there is data (or a shutdown).  The user may close it at
 * once: what he committed is delivered all the same.
 */
void tcp_fastopen(struct tcp_pcb *p, bool waits, mono_t now);
/* How many octets a SYN could carry to dst as things are: 0, none, and a
 * cookie would be asked for; -EOPNOTSUPP: Fast Open is off; else an error of
 * tcp_connect()'s. */
int tcp_fastopen_room(struct tcp *t, const struct ipaddr *src,
    const struct ipaddr *dst, const struct tcp_opts *opts, mono_t now);

/* A key for p, from the next segment on; before tcp_output() has sent its SYN
 * from that on.  As tcp_bind_md5(). */
int tcp_pcb_md5(struct tcp_pcb *p, const struct tcp_md5 *m);
size_t tcp_pcb_keys(const struct tcp_pcb *p);

/*
 * TCP-AO (RFC 5925) of a listener b, for connections that begin from now on,
 * or of a connection p: the other one is NULL.  What a key is for must be
 * signed, with that or another one for the same peer.  A connection gets its
 * first key before tcp_output() has sent its SYN, and then more.
 *
 * add: -EEXIST (one for such a peer has an id of it), -EKEYREJECTED (there is
 * an MD5 key), -EISCONN (too late for the first one), -EINVAL (not for p's
 * peer; no length of a key or MAC), -ENOMEM, -EOPNOTSUPP.  del: -ENOENT,
 * -EBUSY (it is in use, and none in its place was named).
 */
struct tcp_ao_key {
	struct ipaddr addr; /* its peers, as a struct tcp_md5 has them */
	uint8_t plen;
	uint8_t sndid, rcvid;
	uint8_t alg;	     /* enum tcp_ao_alg */
	uint8_t maclen;	     /* bytes, to WIRE_TCP_AO_MAC */
	bool no_options;     /* other options are not covered */
	bool current, rnext; /* becomes what we sign with, and ask for */
	uint8_t len;
	uint8_t key[TCP_MD5_KEY];
};
/* A connection takes all of its listener's that are for its peer: so many can
 * be, more are ENOMEM. */
#define TCP_AO_PEER_KEYS 16
int tcp_ao_add(
    struct tcp_bind *b, struct tcp_pcb *p, const struct tcp_ao_key *k);

/* What is asked of a set as a whole.  The ids are of a key's own, current's
 * sndid and rnext's rcvid; -1: left as they are. */
struct tcp_ao_want {
	int current, rnext;
};
int tcp_ao_del(struct tcp_bind *b, struct tcp_pcb *p,
    const struct tcp_ao_key *k, const struct tcp_ao_want *w);

struct tcp_ao_info {
	int current, rnext; /* as above; -1: there is none */
	bool required;	    /* of peers without a key, too */
	bool accept_icmps;  /* hard errors count (RFC 5925 7.8) */
	bool set_counters;  /* set: to what follows */
	uint64_t good, bad, not_found, missing, icmps;
};
/* -ENOENT: no such key; get: no TCP-AO.  -EKEYREJECTED, -EISCONN, -ENOMEM,
 * -EINVAL as above. */
int tcp_ao_set(
    struct tcp_bind *b, struct tcp_pcb *p, const struct tcp_ao_info *i);
int tcp_ao_get(
    const struct tcp_bind *b, const struct tcp_pcb *p, struct tcp_ao_info *i);

void tcp_set_user(struct tcp_pcb *p, void *user);
void *tcp_user(const struct tcp_pcb *p);
/* Any number that stands for the user (a uid), for env.orphan. */
void tcp_set_owner(struct tcp_pcb *p, uint32_t owner);
const struct tuple *tcp_tuple(const struct tcp_pcb *p);
enum tcp_state tcp_pcb_state(const struct tcp_pcb *p);

/* Sending: reserve room, fill it, commit what was filled.  reserve returns
 * the number of spans (0: no room or no memory; room raises WRITABLE later).
 * At most want bytes are offered. */
unsigned tcp_send_reserve(
    struct tcp_pcb *p, struct span *spans, unsigned max, size_t want);
void tcp_send_commit(struct tcp_pcb *p, size_t n, mono_t now);
size_t tcp_send_space(const struct tcp_pcb *p);
/* Bytes that stay where they are until they are acknowledged, beyond the send
 * buffer's size.  take is called for each time that back will be.  false: the
 * end is queued, or memory is out. */
#define TCP_LEND_MAX (128u << 10)
struct tcp_lent {
	const uint8_t *bytes;
	uint32_t len; /* 1 to TCP_LEND_MAX */
	void (*take)(void *owner), (*back)(void *owner);
	void *owner;
};
bool tcp_send_lend(struct tcp_pcb *p, const struct tcp_lent *l, mono_t now);
/* How many such bytes were acknowledged, modulo 2^32. */
uint32_t tcp_send_returned(const struct tcp_pcb *p);
/* Room for n bytes from now on, whatever the send buffer's size: they are the
 * last, of a program that is gone. */
void tcp_send_last(struct tcp_pcb *p, uint32_t n);
size_t tcp_send_queued(const struct tcp_pcb *p); /* not yet acknowledged */
size_t tcp_send_unsent(const struct tcp_pcb *p); /* not yet sent */
/* All that was committed so far is urgent (RFC 9293 3.8.5); nothing when the
 * peer has acknowledged it.  To be called before tcp_output() can have sent
 * the last of it: a pointer to what is past tells nobody anything. */
void tcp_send_urgent(struct tcp_pcb *p, mono_t now);
/* The program's shutdown(SHUT_WR): FIN after what is queued. */
void tcp_shutdown(struct tcp_pcb *p, mono_t now);

/* Receiving: look at what is in order, take it.  consume opens the window. */
unsigned tcp_recv_peek(
    const struct tcp_pcb *p, struct span *spans, unsigned max);
void tcp_recv_consume(struct tcp_pcb *p, size_t n, mono_t now);
/* Of what was consumed, and is about to be, the program has not read this much:
 * it is no reason for a larger buffer. */
void tcp_recv_unread(struct tcp_pcb *p, uint32_t bytes);
size_t tcp_recv_queued(const struct tcp_pcb *p);
/* How many of the octets to be taken next are urgent; more than are queued if
 * the rest has not come yet; 0: none. */
uint32_t tcp_recv_urgent(const struct tcp_pcb *p);
bool tcp_recv_eof(const struct tcp_pcb *p); /* FIN reached and all taken */
/* DECLINED: MAY-17: sockets have no place for the peer's PSH.
 *
 * The program's shutdown(SHUT_RD): what arrives is acknowledged, not kept. */
void tcp_recv_discard(struct tcp_pcb *p, mono_t now);

/* DECLINED: MAY-14: sockets have no FLUSH; what was written stays written.
 *
 * The program is gone from this connection (MAY-1: both ways).  close: FIN in
 * order, or RST when data is unread (SHLD-3); abort: RST at once.  The pointer
 * is dead then. */
void tcp_close(struct tcp_pcb *p, mono_t now);
void tcp_abort(struct tcp_pcb *p, mono_t now);

/* Options of a live connection, whole; apply() takes effect at once and
 * returns -ENOENT for an unknown congestion control. */
void tcp_get_opts(const struct tcp_pcb *p, struct tcp_opts *out);
int tcp_apply_opts(struct tcp_pcb *p, const struct tcp_opts *o, mono_t now);
int tcp_soft_error(struct tcp_pcb *p); /* returns and clears; 0 or errno */
/* Room for received data is short (a quota): advertise at most this. */
void tcp_clamp_window(struct tcp_pcb *p, uint32_t bytes);

/* The i-th congestion control's name, the default first; NULL: no more. */
const char *tcp_cc_name(unsigned i);

/* What TCP_CC_INFO shows; kind says which fields mean something. */
struct tcp_cc_state {
	enum {
		CC_INFO_NONE,
		CC_INFO_BBR,
		CC_INFO_DCTCP
	} kind;
	uint64_t bw;				    /* bytes a second */
	uint32_t min_rtt_us;			    /* BBR */
	uint32_t pacing_gain_256, cwnd_gain_256;    /* BBR, 256 is 1 */
	uint32_t alpha_1024, ce_bytes, total_bytes; /* DCTCP: this window */
	bool ecn;				    /* DCTCP: at work */
};

/* What TCP_INFO and tcpctl show; times in microseconds. */
struct tcp_info_out {
	enum tcp_state state;
	const char *congestion;
	uint32_t snd_mss, rcv_mss, advmss, pmtu;
	uint32_t cwnd_bytes, ssthresh_bytes, flight_bytes;
	uint32_t snd_wnd, rcv_wnd;
	uint8_t snd_wscale, rcv_wscale;
	bool timestamps, sack, wscale;
	uint32_t rto_us, srtt_us, rttvar_us, min_rtt_us;
	uint32_t backoff, retransmits, probes;
	uint32_t sacked_bytes, lost_bytes, retrans_bytes;
	uint8_t ca_state; /* 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss */
	uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans;
	uint64_t segs_out, segs_in, data_segs_out, data_segs_in;
	uint32_t total_retrans, ooo_segs, rcv_ooo_bytes, reordering;
	uint32_t reord_seen, dsack_dups;
	uint32_t unacked_segs; /* that are out, at least */
	/* Of the retransmission timer: time-outs, the recoveries that they
	 * began, and how long those went on. */
	uint32_t total_rto, total_rto_recoveries;
	int64_t total_rto_us;
	uint32_t send_queued, send_unsent, recv_queued, sndbuf, rcvbuf;
	uint32_t rcv_rtt_us, rcv_space;	       /* as its autotuning sees it */
	uint64_t pacing_rate, max_pacing_rate; /* bytes a second, 0: none */
	uint64_t delivery_rate;		       /* bytes a second, 0: unknown */
	bool delivery_app_limited;
	uint64_t delivered_bytes; /* acknowledged or SACKed */
	/* The same, as it went, and the SYN or SYN-ACK with its data. */
	uint64_t delivered_packets;
	/* For how long something was to be sent; of that, the peer's window
	 * or the send buffer was what it waited for. */
	int64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
	struct tcp_cc_state cc;
	uint32_t ato_us;   /* by which an ACK is delayed; 0: none came yet */
	uint8_t ctl_acked; /* SYN and FIN, beside bytes_acked */
	int64_t last_data_sent_us, last_data_recv_us,
	    last_ack_recv_us;	/* ago */
	int64_t timer_us;	/* until the next timer, -1: none */
	const char *timer_name; /* "on", "keepalive", "persist", ... as ss */
	struct tcp_ecn_info {
		uint8_t mode;	  /* 0 none, 1 classic, 2 accurate */
		bool seen;	  /* something came as ECT or CE */
		bool no_ect;	  /* we send none: the path mangles it */
		uint8_t opt_seen; /* AccECN option: 0 no, 1 empty, 2 counters,
				     3 zeroed */
		uint8_t fail;	  /* Linux's bits of accecn_fail_mode */
		/* Packets with CE: that arrived here, that the peer saw. */
		uint32_t received_ce, delivered_ce;
		/* Accurate: payload bytes by mark, here and at the peer. */
		uint32_t received_e1, received_e0, received_ce_bytes;
		uint32_t delivered_e1, delivered_e0, delivered_ce_bytes;
	} ecn;
	bool syn_data;	       /* data in a SYN was taken, ours or his */
	uint8_t fastopen_fail; /* Linux's tcpi_fastopen_client_fail */
	bool md5;	       /* it is signed */
	bool ao;	       /* by TCP-AO, with these two keys */
	uint8_t ao_current, ao_rnext;
};
void tcp_info(const struct tcp_pcb *p, struct tcp_info_out *out, mono_t now);

/* Everything there is, for censuses and tcpctl.  Half-open and TIME-WAIT
 * entries have pcb NULL. */
struct tcp_entry {
	struct tuple id;
	enum tcp_state state;
	struct tcp_pcb *pcb;
	struct tcp_bind *listener; /* of a half-open one */
	mono_t deadline;
};
void tcp_foreach(const struct tcp *t,
    void (*fn)(void *arg, const struct tcp_entry *e), void *arg);
void tcp_foreach_bind(
    const struct tcp *t, void (*fn)(void *arg, struct tcp_bind *b), void *arg);

struct tcp_stats {
	uint64_t active_opens, passive_opens, attempt_fails, estab_resets;
	uint64_t in_segs, out_segs, retrans_segs, in_errs, out_rsts;
	uint64_t fast_retransmits, timeouts, sack_recoveries, spurious_rtos;
	uint64_t syn_cookies, challenge_acks, delayed_acks, window_probes;
	uint64_t keepalive_probes, ooo_queued, paws_rejected, time_waits;
	uint64_t orphans_reset, mtu_probes, mtu_black_holes;
	uint64_t local_bytes; /* between connections of ours, in no segment */
	uint64_t lost_retransmits, tlp_probes, tlp_recoveries;
	uint64_t spurious_recoveries, dsacks_sent, dsacks_received;
	uint64_t sack_renegings;
	size_t conns, half_open, time_wait, binds, orphans; /* now */
	size_t time_wait_bytes; /* that their records take */
	size_t resting;		/* of conns: idle, and folded up */
	uint64_t ecn_classic, ecn_accurate, ecn_syn_fallbacks, ecn_mangled;
	uint64_t ecn_ce_received, ecn_reductions, ecn_options_off;
	/* SYN data: taken by peers, not taken; of peers taken (of them with
	 * the older key), not taken, not taken because of a listener's limit;
	 * cookies asked for by peers; black holes met. */
	uint64_t fastopen_active, fastopen_active_fail;
	uint64_t fastopen_passive, fastopen_passive_old, fastopen_passive_fail;
	uint64_t fastopen_overflow, fastopen_cookie_reqd, fastopen_blackhole;
};
void tcp_stats(const struct tcp *t, struct tcp_stats *out);

/* Verifies a connection's invariants with CHECK; the simulator and the fuzz
 * targets call it after each step. */
void tcp_check(const struct tcp *t, mono_t now);

#endif
