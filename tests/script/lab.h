/* SPDX-License-Identifier: ISC */
/*
 * The vocabulary of the segment scripts: the TCP layer alone, in virtual time,
 * with the script as its peer, its application and its clock.
 *
 *	peer_sends(ACK, .seq = 1, .ack = 1, .len = 9)	a segment arrives
 *	stack_sends(ACK, .seq = 1, .ack = 10)		exactly this is next
 *	silence()					nothing to send now
 *	at(ms(200)), quiet_until(ms(199))		time passes
 *	app_writes(n), app_reads(n), app_closes(), ...	the user's calls
 *	event(TCP_EV_READABLE), gone(ECONNRESET)	what he learns
 *	in_state(TCPS_ESTABLISHED)
 *
 * Sequence and acknowledgement numbers are relative to the two ISNs.  Flags,
 * seq, ack, len, payload and SACK blocks are always compared; the window and
 * the other options when the script names them.  A segment that was sent and
 * not awaited fails the script at the next step that lets time pass, and at
 * the end.  After each step tcp_check() verifies the layer's own invariants.
 *
 * Every verb may carry on from the one before only through the layer's public
 * calls: no state is ever poked.
 */
#ifndef SCRIPT_LAB_H
#define SCRIPT_LAB_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include "tcp/tcp.h"

enum {
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	PSH = 0x08,
	ACK = 0x10,
	URG = 0x20,
	ECE = 0x40,
	CWR = 0x80,
	AE = 0x100,
};

/* The IP-ECN field, in lab_seg.ip. */
enum {
	NOT_ECT = 0,
	ECT1 = 1,
	ECT0 = 2,
	CE = 3,
};

/* An option or a window that the script does not name; one that is absent. */
#define ANY  (-1)
#define NONE (-2)

/* Every script runs over both families: LAB_FAMILY=6 in the environment means
 * IPv6.  Scripts name addresses as IPv4's; these are what stands for them, and
 * an MTU that leaves the same room behind longer headers. */
bool lab_is_v6(void);
struct ipaddr lab_addr(uint32_t v4);
uint16_t lab_mtu(uint16_t v4);
uint16_t lab_default_mss(void); /* MUST-15 */

struct lab_seg {
	unsigned flags;
	int64_t seq, ack;
	uint32_t len;
	int32_t win; /* as in the header, not scaled */
	int32_t mss, wscale, sackok;
	int64_t tsval, tsecr; /* ms, relative to each side's first */
	struct {
		uint32_t from, to;
	} sack[4];
	const char *data; /* instead of the pattern; len is its length */
	int32_t ip;	  /* IP-ECN field; the peer's ANY is NOT_ECT */
	/* The AccECN option: counters in their order, as many as acc_n says
	 * (NONE: there is no option). */
	int32_t acc_n;
	bool acc_e1; /* order 1 */
	uint32_t acc[3];
	uint16_t urg;
	/* The Fast Open option: the cookie's length, 0 for none (NONE: there is
	 * no option); its bytes, if they matter. */
	int32_t fo;
	bool fo_exp;
	const uint8_t *cookie;
	/* What it is signed with (RFC 2385), NULL: it is not. */
	const char *key;
	/* The peer's only. */
	uint16_t sport, dport;
	uint32_t src, dst; /* other addresses than usual */
	bool bad_csum;	   /* and csum_ok is false */
	bool bad_md5;	   /* a bit of the signature is wrong */
	/* TCP-AO, with this key of HMAC-SHA-1-96 and these ids. */
	const char *ao;
	uint8_t keyid, rnext;
	uint16_t train;	  /* a GRO train of segments of this size */
	const char *opts; /* raw option bytes after all others */
	uint8_t optlen;
	/* The stack's only. */
	bool any_sack; /* SACK blocks not compared */
	bool any_seq;  /* seq not compared */
	bool raw_seq;  /* seq is not relative */
	int32_t tos, ttl;
};

#define SEG(...)                                                               \
	((struct lab_seg){.win = ANY,                                          \
	    .mss = ANY,                                                        \
	    .wscale = ANY,                                                     \
	    .sackok = ANY,                                                     \
	    .tsval = ANY,                                                      \
	    .tsecr = ANY,                                                      \
	    .tos = ANY,                                                        \
	    .ttl = ANY,                                                        \
	    .ip = ANY,                                                         \
	    .acc_n = ANY,                                                      \
	    .fo = ANY,                                                         \
	    .flags = __VA_ARGS__})

struct lab_config {
	const char *congestion; /* "newreno" */
	bool pacing;
	uint32_t sndbuf, rcvbuf;	 /* 1 MiB, 64 KiB */
	uint32_t sndbuf_max, rcvbuf_max; /* they do not grow */
	bool no_timestamps, no_sack, no_wscale;
	uint32_t msl_us;   /* 30 s */
	uint16_t mtu;	   /* 1500 */
	uint16_t path_mtu; /* of the way to the peer; 0: as mtu */
	uint32_t tso;	   /* 0 */
	size_t max_conns;  /* 0 */
	size_t pool;	   /* 64 MiB */
	uint64_t seed;
	uint16_t port_first, port_last; /* 32768..60999 */
	bool listens, quickack;		/* on port 80, backlog 128 */
	uint32_t backlog;
	unsigned bind_flags;
	enum tcp_cookies syncookies;
	enum tcp_mtu_probing mtu_probing;
	size_t max_orphans;
	int64_t boot_us;	 /* the clock's value at the start */
	enum tcp_ecn_policy ecn; /* off */
	enum tcp_accecn_option accecn_option;
	bool ect_all;
	uint8_t syn_linear;
	struct tcp_fastopen fastopen;
	uint32_t fastopen_limit; /* of the listener */
};

#define AT __FILE__, __LINE__

/* A fresh lab; ends the one before. */
#define lab_start(...) lab_start_(&(struct lab_config){__VA_ARGS__})
void lab_start_(const struct lab_config *cfg);
void passive_lab(void); /* listening on port 80 */
void active_lab(void);	/* nobody listens */
/* Said in every failure from now on, until the lab ends. */
void lab_label(const char *what);
void lab_end(void); /* nothing pending, every buffer returned */

/* Spans of time. */
#define us(n)  ((int64_t)(n))
#define ms(n)  ((int64_t)(n)*1000)
#define sec(n) ((int64_t)(n)*1000000)
/* The RTO after a handshake that took no time, which counts as 1 us. */
#define RTO    (ms(200) + 1)

/* ---- the peer and the wire ---- */

#define peer_sends(...)		  lab_peer_sends(AT, SEG(__VA_ARGS__))
#define stack_sends(...)	  lab_stack_sends(AT, SEG(__VA_ARGS__))
#define silence()		  lab_silence(AT)
#define icmp_says(what, seq, mtu) lab_icmp(AT, what, seq, mtu)
void lab_peer_sends(const char *file, int line, struct lab_seg s);
void lab_stack_sends(const char *file, int line, struct lab_seg s);
void lab_silence(const char *file, int line);
void lab_icmp(
    const char *file, int line, enum tcp_icmp what, int64_t seq, uint16_t mtu);
/* Takes and forgets what the stack has to send; the number of segments. */
unsigned lab_drain(void);
/* The next segment as it is, relative numbers; flags 0 when there is none. */
struct lab_seg lab_next(void);

/* ---- time: absolute, from the start of the lab ---- */

#define at(t)			 lab_at(AT, t)
#define after(d)		 lab_at(AT, lab_now() + (d))
#define quiet_until(t)		 lab_quiet_until(AT, t)
#define quiet_for(d)		 lab_quiet_until(AT, lab_now() + (d))
/* Lets time pass until the stack has something to send, which must be within
 * from..to (absolute). */
#define speaks_between(from, to) lab_speaks(AT, from, to)
void lab_at(const char *file, int line, int64_t t);
void lab_quiet_until(const char *file, int line, int64_t t);
void lab_speaks(const char *file, int line, int64_t from, int64_t to);
int64_t lab_now(void);
/* Lets time pass and throws away what is sent; the number of segments. */
unsigned lab_run_until(int64_t t);

/* ---- the application ---- */

#define app_listens()	      lab_listens(AT)
#define app_unlistens()	      lab_unlistens(AT)
#define app_connects()	      lab_connects(AT, 0)
#define app_connects_fails(e) lab_connects(AT, e)
/* A Fast Open with n octets; one that waits for some. */
#define app_opens_fast(n)     lab_opens_fast(AT, n, false)
#define app_opens_waiting()   lab_opens_fast(AT, 0, true)
#define app_writes(n)	      lab_writes(AT, n)
#define app_lends(n)	      lab_lends(AT, n)
#define app_reads(n)	      lab_reads(AT, n, NULL)
#define app_leaves(n)	      lab_leaves(n) /* of all, once it reads on */
#define app_reads_text(s)     lab_reads(AT, strlen(s), s)
#define app_reads_eof()	      lab_reads_eof(AT)
#define app_marks_urgent()    lab_marks_urgent(AT)
#define app_shuts_down()      lab_shuts_down(AT)
#define app_closes()	      lab_closes(AT)
#define app_aborts()	      lab_aborts(AT)
/* app_sets(nodelay = true) */
#define app_sets(assignment)                                                   \
	do {                                                                   \
		struct tcp_opts lab_o_ = lab_opts();                           \
		lab_o_.assignment;                                             \
		lab_apply(AT, &lab_o_);                                        \
	} while (0)
/* connect() from a bound port to the peer's port 80. */
#define lab_connect_from(bind, error) lab_connects_from(AT, bind, error)
void lab_connects_from(
    const char *file, int line, struct tcp_bind *bind, int error);
void lab_opens_fast(const char *file, int line, size_t n, bool waits);
void lab_listens(const char *file, int line);
void lab_unlistens(const char *file, int line);
void lab_connects(const char *file, int line, int error);
void lab_writes(const char *file, int line, size_t n);
void lab_lends(const char *file, int line, size_t n);
uint32_t lab_lent(void); /* bufs that are not given back */
/* All that was written so far is urgent. */
void lab_marks_urgent(const char *file, int line);
/* As much of n as there is room for. */
size_t lab_offers(size_t n);
void lab_reads(const char *file, int line, size_t n, const char *text);
void lab_leaves(uint32_t unread);
void lab_reads_eof(const char *file, int line);
void lab_shuts_down(const char *file, int line);
void lab_closes(const char *file, int line);
void lab_aborts(const char *file, int line);
struct tcp_opts lab_opts(void);
void lab_apply(const char *file, int line, const struct tcp_opts *o);

/* The bits must be among the events since the last call, which forgets them
 * (and only them); no_event() wants none at all. */
#define event(bits) lab_event(AT, bits)
#define no_event()  lab_no_event(AT)
#define gone(error) lab_gone(AT, error)
#define in_state(s) lab_in_state(AT, s)
#define dropped(d)  lab_dropped(AT, DROP_##d)
void lab_event(const char *file, int line, unsigned bits);
void lab_no_event(const char *file, int line);
void lab_gone(const char *file, int line, int error);
void lab_in_state(const char *file, int line, enum tcp_state s);
/* At least one more of that drop since the last call for it. */
void lab_dropped(const char *file, int line, enum drop d);

/* Any fact: the script's line and the time are in the message. */
#define expect(cond) lab_expect(AT, cond, #cond)
#define expect_eq(got, want)                                                   \
	lab_expect_eq(AT, (int64_t)(got), (int64_t)(want), #got " == " #want)
void lab_expect(const char *file, int line, bool ok, const char *what);
void lab_expect_eq(
    const char *file, int line, int64_t got, int64_t want, const char *what);

/* ---- several connections ---- */

#define LAB_CONNS 160
/* The verbs speak of connection i from now on (0 at first); its peer's port is
 * 40000+i, towards our port 80, until app_connects() gives it others. */
void use(unsigned i);
/* The same tuple, but the stack's next SYN brings a new ISN. */
void new_incarnation(void);
struct tcp *lab_tcp(void);
struct bufpool *lab_pool(void);
struct tcp_pcb *lab_pcb(void);
struct tcp_bind *lab_bind(void);
struct tcp_info_out lab_info(void);
struct tcp_stats lab_stats(void);
mono_t lab_mono(void);
/* The peer has another address from now on. */
void lab_peer(uint32_t v4);
/* A key of the listener's or (on_pcb) the connection's for v4/plen, "" takes
 * it away. */
int lab_key(bool on_pcb, uint32_t v4, unsigned plen, const char *key);
/* Signs connections to and from the peer from now on. */
/* The same for TCP-AO. */
int lab_ao(bool on_pcb, uint8_t sndid, uint8_t rcvid, const char *key);

#define listener_key(key) expect_eq(lab_key(false, 0xc0000201, 32, key), 0)
#define app_key(key)	  expect_eq(lab_key(true, 0xc0000201, 32, key), 0)
/* The last cookie that the stack sent. */
const uint8_t *lab_cookie(void);
uint32_t lab_iss(void);	     /* the stack's ISN on this connection, learnt */
extern int lab_accept_error; /* what env.accept answers */
extern enum tcp_admit lab_may_open;	  /* what env.may_open does */
extern const struct tcp_bind *lab_closed; /* but for this one */
extern int lab_path_error;

/* ---- ready-made beginnings; they are scripts too ---- */

#define reach(state)   lab_reach(AT, state)
#define handshake(...) lab_handshake(AT, SEG(SYN, __VA_ARGS__))
/* Walks to a state from a fresh passive_lab (SYN-SENT: active_lab).  The
 * peer's and the stack's next octets are 1 where neither has sent FIN. */
void lab_reach(const char *file, int line, enum tcp_state s);
/* A passive open with this SYN of the peer's; SYN-ACK and ACK follow. */
void lab_handshake(const char *file, int line, struct lab_seg syn);

/* One row of a state's table: this segment, this reply, this next state. */
struct lab_row {
	int line;
	const char *what;
	struct lab_seg in, out; /* out.flags 0: silence */
	enum tcp_state next;
	int gone;    /* the error that the user learns */
	unsigned ev; /* events that the user learns */
};
#define ROW(name, seg, reply, ...)                                             \
	{                                                                      \
		.line = __LINE__, .what = name, .in = seg, .out = reply,       \
		.next = __VA_ARGS__                                            \
	}
#define SILENT SEG(0)
#define walk(from, rows)                                                       \
	lab_walk(__FILE__, from, rows, sizeof(rows) / sizeof((rows)[0]))
void lab_walk(const char *file, enum tcp_state from, const struct lab_row *rows,
    size_t n);

#endif
