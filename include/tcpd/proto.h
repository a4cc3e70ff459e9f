/* SPDX-License-Identifier: ISC */
/*
 * The wire between a client (the shim, libtcpd, tcpd-run) and the daemon, over
 * the AF_UNIX stream socket at PROTO_SOCKET.  Both ends are on one machine, so
 * integers are in host order; sizes are fixed and asserted.
 *
 * A connection to that socket begins with one struct proto_head.  Its type
 * says what the connection is from then on:
 *
 * PROTO_ATTACH   The connection *is* the program's TCP connection.  The rest
 *                of the hello follows (struct proto_attach, options, for a
 *                Fast Open the stream's first bytes), padded with zeros to
 *                PROTO_HELLO_BYTES, then one byte more of its own (the
 *                "reset byte", see the engine).  The daemon leaves the hello
 *                unread until the connection is established: until then it
 *                fills a quarter of the client's send buffer, so the
 *                descriptor does not poll writable.  From then on the stream
 *                carries the program's bytes and nothing else.
 *
 * others         One request with one answer (struct proto_reply; none to
 *                PROTO_TELLOPT) and then the client closes.  A request names a
 * socket by its handle, a number that the client chose when it made the socket;
 * it is only a name.  Authority is the same user (SO_PEERCRED) or the socket
 * itself, passed along by SCM_RIGHTS.  EBADF: the daemon knows no socket of
 * that handle (any more).
 *
 * Descriptors are taken only when they were asked for: a first answer EACCES
 * says that the daemon now takes one, and the client may send the same message
 * again on the same connection, with it.  At any other time sendmsg() fails
 * with EPERM (SO_PASSRIGHTS, Linux 6.16): nobody shall be able to put a
 * descriptor into the daemon's hands that it cannot let go of in time.
 */
#ifndef TCPD_PROTO_H
#define TCPD_PROTO_H

#include <stdint.h>

#define PROTO_MAGIC   0x64706374u /* "tcpd" in memory */
#define PROTO_VERSION 7u

#define PROTO_SOCKET	 "/run/tcpd/tcpd.sock"
#define PROTO_SOCKET_ENV "TCPD_SOCKET"

/* The hello's size: past a quarter of a send buffer of PROTO_ATTACH_SNDBUF
 * (SO_SNDBUF is given half of that, the kernel doubles it). */
#define PROTO_ATTACH_SNDBUF 32768
#define PROTO_HELLO_BYTES   8704
/* Then it is made so small that nothing else fits in before it is read. */
#define PROTO_WAIT_SNDBUF   8192

/*
 * The tag on a descriptor of ours: kept in SO_MAX_PACING_RATE, which an
 * AF_UNIX socket does not use, so dup, fork, exec and SCM_RIGHTS carry it.
 * Top 16 bits: PROTO_TAG, or PROTO_TAG6 for a socket of AF_INET6; the other 48:
 * the handle, random, never 0.
 */
#define PROTO_TAG	     0x7c9dULL
#define PROTO_TAG6	     0x7c9eULL
#define PROTO_TAG_SHIFT	     48
/*
 * Of a socket of UDP: PROTO_TAG_DGRAM with these bits, and the same 48.  What
 * is known of a socket stands in its tag, which all who hold it share.
 */
#define PROTO_TAG_DGRAM	     0x7cc0ULL
#define PROTO_TAG_DGRAM_MASK 0xffc0ULL
#define PROTO_DTAG_INET6     1u
#define PROTO_DTAG_SETTLED   2u	 /* tcpd's for good: it has been used there */
#define PROTO_DTAG_RAW	     4u	 /* what comes has no struct proto_dgram */
#define PROTO_DTAG_CONN	     8u	 /* connected; its peer is kept on it */
#define PROTO_DTAG_OPTS	     16u /* options were set */
#define PROTO_DTAG_SHUT	     32u /* by shutdown() */
#define PROTO_HANDLE_MASK    ((1ULL << PROTO_TAG_SHIFT) - 1)

enum proto_type {
	PROTO_ATTACH = 1,
	PROTO_BIND,   /* proto_name; asks for an O_PATH of the bound node; then
			 perhaps the socket's SO_COOKIE, u64, by which who has
			 the socket proves it when he is another user by then */
	PROTO_LISTEN, /* proto_listen */
	PROTO_GETSOCKNAME, /* nothing; answer: proto_name */
	PROTO_GETPEERNAME, /* nothing; answer: proto_name */
	PROTO_GETOPT,	   /* proto_opt; answer: proto_opt and value */
	PROTO_SETOPT,	   /* proto_opt and value */
	PROTO_ERROR,	   /* nothing; answer: err is the errno, cleared */
	PROTO_POLICY,	   /* nothing; answer: the policy in a memfd */
	PROTO_SHUTDOWN,	   /* proto_listen.backlog: how; listeners only */
	PROTO_OUTQ,	   /* nothing; answer: proto_opt, value u32 unacked,
			      u32 unsent */
	PROTO_URGENT,	   /* nothing: the next byte that is written is the last
			      urgent one */
	PROTO_FASTOPEN,	   /* proto_attach and options, as if to attach; answer:
			      proto_opt, value u32 how many octets a SYN could
			      carry now; EOPNOTSUPP: Fast Open is off */
	PROTO_RESOLVE,	   /* proto_resolve and a query of the DNS; answer: the
			      DNS's; EOPNOTSUPP: tcpd.conf has no resolver,
			      EAGAIN: too many of the user's are under way.
			      Without a body: 0 if there is a resolver */
	PROTO_DGRAM,	   /* proto_listen.backlog: AF_INET or AF_INET6;
			      answer: a socket of UDP, see below */
	PROTO_DCONNECT,	   /* proto_name, family 0: no peer any more; answer:
			      proto_opt, value u32: 1 if all that comes is raw,
			      u32: 1 if what comes from now on is */
	PROTO_DEMPTY,	   /* proto_listen.backlog: enum proto_empty; answer:
			      proto_opt, value u32 errno, 0: none; u32 1 if it
			      was an empty datagram */
	PROTO_DERROR,	   /* nothing; answer: proto_derror and what is quoted;
			      EAGAIN: the error queue is empty */
	PROTO_TELLOPT,	   /* proto_opt and value, as PROTO_SETOPT, and no
			      answer: the client is its user, and has closed */
	PROTO_RING, /* nothing; answer: a ring for what the program writes
		       (tcpd/ring.h) in a memfd, and proto_opt, value u32: its
		       size; EOPNOTSUPP: there are none here */
	PROTO_NTYPES
};

struct proto_head {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t len; /* bytes that follow the head (padding not counted) */
	uint32_t reserved; /* 0 */
	uint64_t handle;
};
_Static_assert(sizeof(struct proto_head) == 24, "proto_head");

/* An address of a socket of family AF_INET or AF_INET6 (0: none), port in host
 * order.  On AF_INET6 an IPv4 address is v4-mapped (::ffff:a.b.c.d). */
struct proto_name {
	uint16_t family;
	uint16_t port;
	uint32_t flags;	  /* PROTO_BIND: PROTO_REUSEADDR, ... */
	uint8_t addr[16]; /* network order; AF_INET: the first four bytes */
};
_Static_assert(sizeof(struct proto_name) == 24, "proto_name");

#define PROTO_REUSEADDR 1u
#define PROTO_REUSEPORT 2u
#define PROTO_V6ONLY	4u
/* An address without a port, which the connection or the listener gets. */
#define PROTO_NOPORT	8u

struct proto_listen {
	uint32_t backlog;
	uint32_t nopts; /* proto_opt + value follow, as in an attach: what
			   accepted connections inherit; 0 in a shutdown */
};
_Static_assert(sizeof(struct proto_listen) == 8, "proto_listen");

/* One option and, right behind it, len bytes of value. */
struct proto_opt {
	int32_t level, name;
	uint32_t len;
	uint32_t reserved;
};
_Static_assert(sizeof(struct proto_opt) == 16, "proto_opt");

/* Values of options in a message are at most this long. */
#define PROTO_OPT_MAX 512

struct proto_attach {
	struct proto_name dst;
	uint32_t nopts; /* proto_opt + value follow, each padded to 8 bytes */
	uint32_t policy_generation;
	uint32_t flags;	   /* PROTO_FAST, ... */
	uint32_t data_len; /* bytes behind the options: the stream's first */
	uint64_t cookie;   /* the socket's SO_COOKIE; 0: not known */
};
_Static_assert(sizeof(struct proto_attach) == 48, "proto_attach");

/* Fast Open: the SYN shall carry the stream's first bytes, if it may. */
#define PROTO_FAST  1u
/* ... those that are written first, and there is no SYN before: the hello is
 * read at once, so that the descriptor can be written to. */
#define PROTO_WAITS 2u

struct proto_resolve {
	uint32_t flags; /* PROTO_DATAGRAM */
	uint32_t reserved;
};
_Static_assert(sizeof(struct proto_resolve) == 8, "proto_resolve");

/* The answer is to fit into a datagram, as the query has it (RFC 6891 6.2.5).
 */
#define PROTO_DATAGRAM 1u

/* All of a message: head, body, values. */
#define PROTO_MSG_MAX 4096

struct proto_reply {
	uint32_t magic;
	uint16_t version;
	uint16_t type; /* of the request */
	int32_t err;   /* 0 or a positive errno */
	uint32_t len;  /* bytes that follow */
};
_Static_assert(sizeof(struct proto_reply) == 16, "proto_reply");

/*
 * An accepted connection's far end carries this abstract name (sun_path[0] is
 * the zero byte), so the program's side learns with getpeername() whose
 * connection it is, without asking the daemon.  local.flags is the user.
 */
struct proto_peer {
	uint8_t zero;	 /* 0 */
	char magic[7];	 /* "tcpd\2\0\0": the version in it */
	uint64_t handle; /* the daemon's choice, top 16 bits zero */
	struct proto_name local, remote;
};
_Static_assert(sizeof(struct proto_peer) == 64, "proto_peer");
#define PROTO_PEER_MAGIC "tcpd\2\0"

/* Of this handle it is the sandbox's resolver, which tcpd-run has bound to this
 * name, with 127.0.0.1 or ::1 and port 53 as remote, for programs that can have
 * no socket of the kernel's: connect() there is to it. */
#define PROTO_RESOLVER_HANDLE 53

/*
 * What accept() sends at once on the new descriptor: 15 bytes that the daemon
 * takes out again and one that stays there (the "reset byte", see the engine).
 * A program that accepts without this preamble is taken at its first bytes,
 * which are these ones with the handle's chance, 2^-48, of a random guess.
 */
struct proto_preamble {
	char magic[8];
	uint64_t handle; /* of the proto_peer */
};
_Static_assert(sizeof(struct proto_preamble) == 16, "proto_preamble");
#define PROTO_PREAMBLE_MAGIC "\0acc\xf5\xc0\1"

/*
 * A socket of UDP is one end of an AF_UNIX pair of SOCK_SEQPACKET, which the
 * daemon makes (PROTO_DGRAM) and keeps the other end of.  Each message is one
 * datagram:
 *
 * - with this header and then the payload, to the program while the socket is
 *   not connected or wants to know more than a payload of each datagram; from
 *   the program at any time, when it says more than a payload.  No peer can
 *   forge it, for none knows the handle.
 * - as the payload alone otherwise.
 *
 * An empty message to the program is an errno that waits for it, or an empty
 * datagram from the peer of a connected socket: PROTO_DEMPTY says which.
 */
struct proto_dgram {
	uint32_t magic;
	uint32_t flags; /* PROTO_DGRAM_*: what is there, or wanted */
	uint64_t handle;
	struct proto_name peer;	 /* from or to whom; family 0: the peer */
	struct proto_name local; /* which address of ours */
	uint8_t tos, ttl;
	uint16_t segment; /* PROTO_DGRAM_SEGMENT: several, so long each */
	uint8_t reserved[4];
};
_Static_assert(sizeof(struct proto_dgram) == 72, "proto_dgram");
#define PROTO_DGRAM_MAGIC 0xd6647075u /* "udp" and no letter */

/* From the program: what is given.  To the program: what it wants to know, by
 * the options of IPPROTO_IP, */
#define PROTO_DGRAM_LOCAL   1u
#define PROTO_DGRAM_TOS	    2u
#define PROTO_DGRAM_TTL	    4u
/* and by those of IPPROTO_IPV6. */
#define PROTO_DGRAM_LOCAL6  8u
#define PROTO_DGRAM_TCLASS  16u
#define PROTO_DGRAM_HOPS    32u
/* From the program: what it got, with its header, before the socket was
 * connected.  It is to come once more, as datagrams come now. */
#define PROTO_DGRAM_BACK    64u
/* From the program alone: */
#define PROTO_DGRAM_SEGMENT 128u
#define PROTO_DGRAM_MORE    256u /* what comes next belongs to it */

/* An error of the queue (IP_RECVERR), as struct sock_extended_err has it. */
struct proto_derror {
	struct proto_name dst;	/* to whom the datagram was sent */
	struct proto_name from; /* who says so; family 0: we do */
	uint32_t error, info;
	uint8_t origin, type, code, reserved;
	uint32_t len; /* of the payload, right behind */
};
_Static_assert(sizeof(struct proto_derror) == 64, "proto_derror");
#define PROTO_DERROR_DATA 1232 /* at most */

/* Why the errno is asked for (PROTO_DEMPTY). */
enum proto_empty {
	PROTO_EMPTY_TAKEN,  /* an empty message was received */
	PROTO_EMPTY_PEEKED, /* one is next: the client takes it out unless it
			       is a datagram */
	PROTO_EMPTY_ASKED,  /* none is in sight: SO_ERROR */
};

/*
 * The policy: which stack a destination or a listening address belongs to.
 * A sealed-size memfd that the daemon keeps mapped: when it makes a new one,
 * it sets superseded in the old, and clients ask again.
 */
#define PROTO_POLICY_RULES 1024
struct proto_rule {
	uint8_t addr[16];		/* v4-mapped or IPv6 */
	uint8_t plen;			/* of 128 */
	uint8_t action;			/* enum proto_action */
	uint16_t port_first, port_last; /* 0, 65535: any */
	uint16_t why;			/* enum proto_why */
	uint32_t line;			/* of tcpd.conf; 0: built in */
	uint8_t net_plen; /* to bind at our address: its network's, of 128 */
	uint8_t reserved[3];
};
_Static_assert(sizeof(struct proto_rule) == 32, "proto_rule");

enum proto_action {
	PROTO_KERNEL = 1,
	PROTO_TCPD,
	PROTO_REFUSE, /* ENETUNREACH from connect, EADDRNOTAVAIL from bind */
};

enum proto_why {
	PROTO_WHY_LOOPBACK = 1, /* 127.0.0.0/8, ::1: the kernel's */
	PROTO_WHY_ROUTE,	/* tcpd has a route */
	PROTO_WHY_ADDRESS,	/* tcpd's own address */
	PROTO_WHY_WILDCARD,	/* a wildcard listener */
	PROTO_WHY_CONF,		/* a rule of tcpd.conf, at line */
	PROTO_WHY_DEFAULT,	/* nothing else matched */
	PROTO_WHY_MULTICAST,	/* multicast and broadcast: the kernel's */
};

struct proto_policy {
	uint32_t magic;
	uint32_t version;
	uint32_t generation;
	uint32_t superseded;	  /* set by the daemon */
	uint32_t nconnect, nbind; /* rules: first those for connect */
	uint32_t link; /* the interface whose link-local addresses the rules
			  are about (sin6_scope_id); 0: none */
	uint32_t mtu;  /* of that link, as tcpd uses it; 0: as it is */
	struct proto_rule rules[PROTO_POLICY_RULES]; /* first match decides */
};

#endif
