/* SPDX-License-Identifier: ISC */
/*
 * The control protocol: tcpctl and the daemon over the SOCK_SEQPACKET socket
 * CTL_SOCKET.  One record is struct ctl_head and len bytes; integers are in
 * host order (one machine), sizes are fixed and asserted.
 *
 * The client sends CTL_QUERY (struct ctl_query) with an id of its choice, not
 * 0, and gets any number of CTL_ROWS (struct ctl_rows and that many rows of
 * the kind asked for), then one CTL_END (struct ctl_end) with the same id.  One
 * query at a time on a connection.  A table of any length streams: nobody holds
 * it whole.  Rows that come or go meanwhile may be missed or seen twice.
 *
 * Who may: whoever can open the socket (mode 0660, root and control_group) sees
 * everything.  CTL_CLOSE is for root and the connection's owner, CTL_LOG
 * for root; others get EPERM.  The kernel says who asks (SO_PEERCRED).
 *
 * Strings are terminated and padded with zero bytes.  Addresses are 16 bytes in
 * network order, IPv4 v4-mapped (::ffff:a.b.c.d).
 */
#ifndef TCPD_CONTROL_H
#define TCPD_CONTROL_H

#include <stdint.h>

#define CTL_MAGIC   0x6c746374u /* "tctl" in memory */
#define CTL_VERSION 5u
#define CTL_SOCKET  "/run/tcpd/control.sock"

#define CTL_DATA_MAX 32768 /* bytes after the head */

struct ctl_head {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t len;
	uint32_t id;
};
_Static_assert(sizeof(struct ctl_head) == 16, "ctl_head");

enum ctl_type {
	CTL_QUERY = 1, /* client: struct ctl_query */
	CTL_ROWS,      /* daemon: struct ctl_rows, rows */
	CTL_END,       /* daemon: struct ctl_end */
};

/* What is asked; the row that answers. */
enum ctl_what {
	CTL_CONNECTIONS = 1, /* struct ctl_conn */
	CTL_LISTENERS,	     /* struct ctl_listener */
	CTL_CLIENTS,	     /* struct ctl_client */
	CTL_STATS,	     /* struct ctl_counter */
	CTL_DROPS,	     /* struct ctl_counter */
	CTL_NEIGHBOURS,	     /* struct ctl_neigh */
	CTL_ROUTES,	     /* struct ctl_route */
	CTL_POLICY,	     /* struct ctl_rule */
	CTL_WHY,	     /* struct ctl_rule: the one that decides */
	CTL_CLOSE,	     /* none */
	CTL_LOG,	     /* none */
	CTL_ADDRS,	     /* struct ctl_addr */
	CTL_DATAGRAMS,	     /* struct ctl_dgram */
	CTL_NWHAT
};

struct ctl_query {
	uint16_t what;	  /* enum ctl_what */
	uint16_t port;	  /* CTL_WHY; host order, 0: any */
	uint32_t states;  /* CTL_CONNECTIONS: 1 << state of those wanted */
	uint64_t id;	  /* CTL_CLOSE: ctl_conn.id */
	uint8_t addr[16]; /* CTL_WHY */
	uint8_t bind;	  /* CTL_WHY: 1: for bind, 0: for connect */
	uint8_t verbose;  /* CTL_LOG: 1 verbose, 0 brief */
	uint8_t pad[6];	  /* 0 */
};
_Static_assert(sizeof(struct ctl_query) == 40, "ctl_query");

struct ctl_rows {
	uint16_t what;	   /* of the query */
	uint16_t row_size; /* bytes of each */
	uint32_t nrows;
	char ifname[16]; /* of the device: the scope of link-local addresses */
};
_Static_assert(sizeof(struct ctl_rows) == 24, "ctl_rows");

struct ctl_end {
	int32_t err; /* 0 or a positive errno */
	uint32_t pad;
	char text[112]; /* the cause and the cure, when err is set; or "" */
};
_Static_assert(sizeof(struct ctl_end) == 120, "ctl_end");

/* Bits of ctl_conn.flags. */
#define CTL_CONN_TIMESTAMPS 0x01u
#define CTL_CONN_SACK	    0x02u
#define CTL_CONN_WSCALE	    0x04u
#define CTL_CONN_ACCEPTED   0x08u /* a passive open */
#define CTL_CONN_ORPHAN	    0x10u /* the program is gone from it */
#define CTL_CONN_INFO	    0x20u /* the fields from snd_mss on are filled in */
#define CTL_CONN_INET6	    0x40u /* of a socket of AF_INET6 */
#define CTL_CONN_SYN_DATA   0x80u /* a SYN's data was taken (Fast Open) */
#define CTL_CONN_MD5	    0x100u /* signed (RFC 2385) */
#define CTL_CONN_AO	    0x200u /* signed (RFC 5925) */
#define CTL_CONN_RING	    0x400u /* its program writes into a ring */

/* state is the number that Linux and enum tcp_state have (ESTABLISHED 1,
 * SYN-SENT 2, ... LISTEN 10, CLOSING 11); times in microseconds. */
struct ctl_conn {
	uint64_t id; /* the engine's name for it; 0: cannot be closed */
	uint8_t laddr[16], raddr[16];
	uint16_t lport, rport;
	uint8_t state;
	uint8_t ca_state;
	uint8_t snd_wscale, rcv_wscale;
	uint32_t flags;
	uint32_t uid; /* UINT32_MAX: nobody's (half-open, TIME-WAIT) */
	uint32_t pid; /* that connected, or 0 */
	uint32_t recv_q, send_q; /* bytes, as ss has them */
	uint32_t backoff;
	char timer[16];	  /* "on", "keepalive", ...; "": none */
	int64_t timer_us; /* until then; -1: none */
	char congestion[16];
	uint32_t snd_mss, rcv_mss, advmss, pmtu;
	uint32_t cwnd_bytes, ssthresh_bytes, flight_bytes;
	uint32_t snd_wnd, rcv_wnd;
	uint32_t rto_us, srtt_us, rttvar_us, min_rtt_us;
	uint32_t retransmits, total_retrans, probes;
	uint32_t sacked_bytes, lost_bytes, retrans_bytes;
	uint32_t ooo_segs, rcv_ooo_bytes, reordering;
	uint32_t reord_seen, dsack_dups;
	uint32_t send_unsent, sndbuf, rcvbuf;
	uint32_t unacked_segs; /* that are out */
	uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans;
	uint64_t segs_out, segs_in, data_segs_out, data_segs_in;
	uint64_t pacing_rate, delivery_rate; /* bytes a second; 0: none */
	uint64_t delivered_bytes;
	int64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
	int64_t last_data_sent_us, last_data_recv_us,
	    last_ack_recv_us; /* ago */
	uint8_t ecn_mode; /* 0 none, 1 classic (RFC 3168), 2 accurate (9768) */
	uint8_t ecn_seen; /* 1: something came as ECT or CE */
	uint8_t ecn_off;  /* 1: we send no ECT, the path mangles it */
	uint8_t accecn_opt; /* the peer's option: 0 no, 1 empty, 2 with
			       counts, 3 zeroed by the path */
	/* Packets marked CE, that came and that the peer told of; accurate:
	 * payload bytes by mark, the same. */
	uint32_t received_ce, delivered_ce;
	uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
	uint32_t delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
	uint32_t rcv_space, rcv_rtt_us; /* of the receive buffer's autotuning */
	uint32_t ato_us;		/* by which an ACK is delayed */
	/* Retransmission time-outs, the recoveries that they began, and how
	 * long those went on. */
	uint32_t total_rto, total_rto_recoveries;
	int64_t total_rto_us;
	uint64_t max_pacing_rate;     /* bytes a second; 0: none */
	uint64_t delivered_packets;   /* acknowledged or SACKed, with the SYN */
	uint8_t delivery_app_limited; /* 1: delivery_rate is the program's */
	uint8_t ctl_acked;	      /* SYN and FIN, beside bytes_acked */
	uint8_t ao_current, ao_rnext; /* the ids of TCP-AO's keys in use */
	uint8_t pad[4];
};
_Static_assert(sizeof(struct ctl_conn) == 448, "ctl_conn");

/* Bits of ctl_listener.flags. */
#define CTL_LISTENER_INET6  0x01u /* of a socket of AF_INET6 */
#define CTL_LISTENER_V6ONLY 0x02u

struct ctl_listener {
	uint64_t id;
	uint8_t laddr[16];
	uint16_t lport;
	uint8_t listening; /* 0: bound only */
	uint8_t flags;
	uint32_t uid, pid;
	uint32_t backlog;
	uint32_t half_open;
	uint32_t
	    accept_queue; /* connections that wait for accept(); may be 0 */
	uint64_t accepted, refused; /* so far */
};
_Static_assert(sizeof(struct ctl_listener) == 64, "ctl_listener");

/* Bits of ctl_dgram.flags. */
#define CTL_DGRAM_INET6	    0x01u /* of a socket of AF_INET6 */
#define CTL_DGRAM_V6ONLY    0x02u
#define CTL_DGRAM_CONNECTED 0x04u

/* A socket of UDP; what came and went so far. */
struct ctl_dgram {
	uint64_t id;
	uint8_t laddr[16], raddr[16]; /* raddr: when connected */
	uint16_t lport, rport;	      /* lport 0: not bound yet */
	uint32_t flags;
	uint32_t uid, pid;
	uint32_t recv_q, rcvbuf; /* bytes, as the kernel counts them */
	uint64_t in, in_bytes, out, out_bytes;
	uint64_t full; /* that came and found no room */
};
_Static_assert(sizeof(struct ctl_dgram) == 104, "ctl_dgram");

/* One user's account. */
struct ctl_client {
	uint32_t uid;
	uint32_t processes; /* known to have sockets */
	uint32_t conns, listeners, half_open, descriptors;
	uint32_t conns_max, listeners_max, half_open_max, pad;
	uint64_t buffer_bytes, buffer_bytes_max;
	uint64_t conns_refused, listeners_refused, half_open_refused;
	uint64_t buffer_clamped; /* times that a window was held back */
	uint64_t requests;
};
_Static_assert(sizeof(struct ctl_client) == 96, "ctl_client");

/* group.name is the stable key: "tcp.active_opens", "drop.tcp.checksum". */
struct ctl_counter {
	char group[16];
	char name[32];
	char text[72]; /* what it means */
	uint64_t value;
};
_Static_assert(sizeof(struct ctl_counter) == 128, "ctl_counter");

struct ctl_neigh {
	uint8_t addr[16];
	uint8_t mac[6];
	uint8_t pad[2];
	char state[16];
	int64_t age_us;
};
_Static_assert(sizeof(struct ctl_neigh) == 48, "ctl_neigh");

struct ctl_route {
	uint8_t dst[16];
	uint8_t gateway[16]; /* all zero: on link */
	uint8_t plen;	     /* of 128 */
	uint8_t pad[3];
	uint32_t line;	 /* of tcpd.conf; 0: none */
	char origin[16]; /* "static", "link", "ra", "dhcp" */
};
_Static_assert(sizeof(struct ctl_route) == 56, "ctl_route");

/* An address of ours. */
struct ctl_addr {
	uint8_t addr[16];
	uint8_t plen;	/* of 128 */
	uint8_t usable; /* connections can have it */
	uint8_t pad[6];
	char state[16];	 /* "tentative", "preferred", ... */
	char origin[16]; /* "static", "link-local", "slaac", "dhcp" */
	int64_t preferred_us, valid_us; /* still; -1: for ever */
};
_Static_assert(sizeof(struct ctl_addr) == 72, "ctl_addr");

/* A rule of the policy, as in struct proto_rule. */
struct ctl_rule {
	uint8_t addr[16];
	uint8_t plen;
	uint8_t action; /* enum proto_action */
	uint8_t bind;
	uint8_t pad;
	uint16_t port_first, port_last;
	uint16_t why; /* enum proto_why */
	uint16_t pad2;
	uint32_t line;
	uint32_t index; /* its place among its kind; first match decides */
};
_Static_assert(sizeof(struct ctl_rule) == 36, "ctl_rule");

/* Bytes of one row of the kind what; 0: it answers without rows. */
static inline uint32_t
ctl_row_size(uint16_t what)
{
	static const uint32_t sizes[CTL_NWHAT] = {
	    [CTL_CONNECTIONS] = sizeof(struct ctl_conn),
	    [CTL_LISTENERS] = sizeof(struct ctl_listener),
	    [CTL_CLIENTS] = sizeof(struct ctl_client),
	    [CTL_STATS] = sizeof(struct ctl_counter),
	    [CTL_DROPS] = sizeof(struct ctl_counter),
	    [CTL_NEIGHBOURS] = sizeof(struct ctl_neigh),
	    [CTL_ROUTES] = sizeof(struct ctl_route),
	    [CTL_POLICY] = sizeof(struct ctl_rule),
	    [CTL_WHY] = sizeof(struct ctl_rule),
	    [CTL_ADDRS] = sizeof(struct ctl_addr),
	    [CTL_DATAGRAMS] = sizeof(struct ctl_dgram),
	};

	return what < CTL_NWHAT ? sizes[what] : 0;
}

#endif
