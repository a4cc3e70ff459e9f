/* SPDX-License-Identifier: ISC */
/*
 * Socket options as one table: every option that Linux 6.x knows for a TCP
 * socket at SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6 and IPPROTO_TCP
 * (sockopt.def).
 *
 * An option lives in one of three places, sockopt_where() says in which:
 * natively on the program's AF_UNIX descriptor, where the kernel gives it the
 * meaning that it has on TCP (SO_RCVTIMEO); in the stack, kept here in struct
 * sockopts and mapped onto struct tcp_opts (TCP_NODELAY); or nowhere: the
 * table alone answers, with a constant or the errno.
 *
 * Lengths, ranges, clamps and errnos are Linux's, in Linux's order of checks.
 * An option that Linux has and tcpd has not takes its default value and no
 * other: anything else is ENOPROTOOPT, never a success without effect.
 *
 * Pure code, for both sides.  Values from the other side are parsed by
 * sockopt_set() itself, so a hostile message can do no more than a program.
 * The second half (sockopt_tcp.c) is the daemon's.
 */
#ifndef IPC_SOCKOPT_H
#define IPC_SOCKOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct tcp_info as of Linux 6.18, and where its youngest fields begin. */
#define SOCKOPT_INFO_MAX  280
#define SOCKOPT_INFO_TAIL 232

/* The options that are kept in struct sockopts. */
enum sockopt_id {
#define OPT(where, level, name, kind, def, min, max, other)
#define KEPT(where, level, name, kind, def, min, max, other) OPT_##name,
#define SAME(where, level, name, kind, def, min, max, other, as)
#include "sockopt.def"
#undef SAME
#undef OPT
#undef KEPT
	OPT_COUNT
};

#define SOCKOPT_WORDS ((OPT_COUNT + 63) / 64)

/* What was set explicitly, normalised as getsockopt() shows it. */
struct sockopts {
	uint64_t set[SOCKOPT_WORDS]; /* bit enum sockopt_id */
	int32_t val[OPT_COUNT];	     /* SO_LINGER: seconds, -1 off;
					TCP_CONGESTION: index of a name */
	uint64_t pacing_rate;	     /* SO_MAX_PACING_RATE, whose val is 0 */
	uint8_t fastopen_key[32];    /* TCP_FASTOPEN_KEY, whose val is its
					length: one key or two */
	uint16_t segment;	     /* UDP_SEGMENT, of dgramopt.h */
	bool cork;		     /* UDP_CORK, the same */
	bool ipv6; /* of a socket of AF_INET6; the owner's to say */
};

/* Where an option lives; 0: the table alone answers (or nobody knows it). */
enum {
	SOCKOPT_NATIVE = 1 << 0, /* set and get on the AF_UNIX descriptor */
	SOCKOPT_STACK = 1 << 1,	 /* set here and told to the stack */
	SOCKOPT_LIVE = 1 << 2,	 /* get: only the stack knows the value */
};
unsigned sockopt_where(int level, int name);

/* "TCP_NODELAY", or NULL when the table does not have it. */
const char *sockopt_name(int level, int name);

/*
 * setsockopt() on o: 0 or a positive errno.  For a native option it returns
 * 0 and leaves the judgement to the kernel, except where TCP's rule differs.
 */
int sockopt_set(
    struct sockopts *o, int level, int name, const void *val, uint32_t len);

/*
 * getsockopt() on a socket without a connection: *len is the room in val, then
 * what was written.  0 or a positive errno.  Not for native options (EINVAL).
 */
int sockopt_get(
    const struct sockopts *o, int level, int name, void *val, uint32_t *len);

/* The copying rule by itself: a value of size bytes into room for *len. */
void sockopt_copy(void *val, uint32_t *len, const void *from, uint32_t size);

/*
 * In a hello: struct proto_opt and value, each padded to 8 bytes.  pack()
 * returns the bytes written (0 and *n = 0 when none are set, or cap is short:
 * SOCKOPT_PACK_MAX always suffices).  unpack() returns 0 or a positive errno,
 * the first one that an option gave or EINVAL for a malformed message; keys
 * are left to md5key_unpack().
 */
#define SOCKOPT_PACK_MAX (OPT_COUNT * 32)
size_t sockopt_pack(
    const struct sockopts *o, void *buf, size_t cap, uint32_t *n);
int sockopt_unpack(struct sockopts *o, const void *buf, size_t len, uint32_t n);

/*
 * In the journal on an unattached descriptor: one 32-bit word of level, name
 * and length, then the value's words.  put() returns the number of words.
 */
#define SOCKOPT_JOURNAL_MAX (OPT_COUNT * 5)

/* The longest value that is kept, bytes. */
#define SOCKOPT_VALUE_MAX 32

size_t sockopt_journal_put(
    const struct sockopts *o, uint32_t *words, size_t max);
int sockopt_journal_get(struct sockopts *o, const uint32_t *words, size_t n);

static inline bool
sockopt_isset(const struct sockopts *o, enum sockopt_id id)
{
	return o->set[id / 64] >> id % 64 & 1;
}

static inline bool
sockopt_any(const struct sockopts *o)
{
	uint64_t any = 0;
	unsigned i;

	for (i = 0; i < SOCKOPT_WORDS; i++)
		any |= o->set[i];
	return any != 0;
}

/* The value, or dflt when it was not set. */
static inline int32_t
sockopt_val(const struct sockopts *o, enum sockopt_id id, int32_t dflt)
{
	return sockopt_isset(o, id) ? o->val[id] : dflt;
}

/* TCP_DEFER_ACCEPT: how many time-outs of a SYN-ACK (1, 2, 4 s, ...) it takes
 * until so many seconds are over, and when so many of them are. */
uint8_t sockopt_timeouts(int32_t seconds);
int32_t sockopt_timeouts_end(uint8_t n);

/* ---- the daemon's half ---- */

struct tcp_opts;
struct tcp_info_out;

/* The name that a value of TCP_CONGESTION stands for, as Linux has it. */
const char *sockopt_congestion(int32_t val);

/* What was set, as the stack wants it for a connection over IPv6 or IPv4; zero
 * where nothing was set. */
void sockopt_to_tcp(const struct sockopts *o, bool ipv6, struct tcp_opts *out);

/* getsockopt() with a connection (or listener) behind it. */
int sockopt_get_live(const struct sockopts *o, const struct tcp_info_out *live,
    int level, int name, void *val, uint32_t *len);

/* Applies to an accepted connection: what Linux's child inherits. */
void sockopt_inherit(const struct sockopts *listener, struct sockopts *child);

#endif
