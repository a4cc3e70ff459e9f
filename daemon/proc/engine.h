/* SPDX-License-Identifier: ISC */
/*
 * The engine's own types: the process that owns the device, the stack and the
 * far ends of all programs' descriptors.  See engine.c for the picture.
 *
 * Names: A is the program's descriptor, D the engine's end of it.  A "chan" is
 * one connection with its D; a "bound" a local address that a program holds,
 * perhaps listening; a "visit" a client of tcpd.sock that has not said yet what
 * it wants; a "speaker" a process that holds bounds; an "account" one uid.
 */
#ifndef PROC_ENGINE_H
#define PROC_ENGINE_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <stdbool.h>
#include <stdint.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include "base/rng.h"
#include "base/timerq.h"
#include "dev/dev.h"
#include "ipc/msg.h"
#include "ipc/aokey.h"
#include "ipc/md5key.h"
#include "ipc/ring.h"
#include "ipc/sockopt.h"
#include "proc/busypoll.h"
#include "proc/conf.h"
#include "proc/names.h"
#include "stack/stack.h"
#include "tcpd/proto.h"

struct engine;
struct account;
struct speaker;
struct request;
struct msgchan;

/* A deadline of the engine's own; fn may set it again or free it. */
struct etimer {
	struct timer t;
	void (*fn)(struct engine *e, struct etimer *t);
};

/* How long things may take, in microseconds. */
#define VISIT_US       (10 * 1000000LL) /* a client that says nothing */
#define RESOLVE_US     (20 * 1000000LL) /* a name that is asked for */
#define ERROR_KEEP_US  (60 * 1000000LL) /* an errno that nobody asks for */
#define STRAY_PROBE_US 1000000LL	/* listeners nobody speaks for */
#define SQUEEZE_US     20000LL		/* a user over his buffer bytes */
#define EXACT_US       1000 /* so often are they counted one by one */
#define RESET_WAIT_US  (30 * 1000000LL) /* a reset nobody accepted yet */
#define STOP_GRACE_US  2000000LL	/* data in flight when we stop */

#define SQUEEZED_WINDOW	 16384u /* of a user's who is over his buffer bytes */
#define ERRORS_PER_UID	 1024
#define VISITS_PER_UID	 4096
#define KEYS_PER_UID	 4096 /* of TCP_MD5SIG or TCP-AO, of his listeners */
#define KEYS_PER_CONN	 TCP_AO_PEER_KEYS
#define QUERIES_PER_UID	 256	   /* that the resolver has not answered */
#define ASKED_PER_UID	 64	   /* of them, that may send a descriptor */
#define UNBURIED_PER_UID 8	   /* useless descriptors not closed yet */
#define FLUSH_BUDGET	 (4 << 20) /* from all, before others are looked at */
#define CHAN_BUDGET	 (256 * 1024) /* bytes a turn from one program */

enum chan_state {
	CHAN_CONNECTING, /* the hello is unread in D */
	CHAN_OPEN,
	CHAN_LEFT,  /* the program is gone, its last bytes are in D */
	CHAN_RESET, /* the connection is gone, A must learn of it */
};

struct chan {
	struct name name; /* first: (uid, handle) */
	uint64_t id;	  /* rising, never used twice */
	RB_ENTRY(chan) by_id;
	TAILQ_ENTRY(chan) of_account;
	TAILQ_ENTRY(chan) ready;
	struct engine *e;
	struct account *acct;
	struct tcp_pcb *pcb;	/* NULL: gone */
	struct bound *bound;	/* bind() before connect() */
	struct chan_ring *ring; /* NULL: all comes by D */
	struct sockopts opts;
	struct etimer timer;
	uint64_t cookie;  /* of the program's end, as it said; 0: not known */
	uint64_t charged; /* bytes on the account */
	uint32_t window;  /* the largest to advertise */
	uint32_t bits;	  /* EPOLLRDHUP, HUP, ERR seen on D; they stay */
	pid_t pid;
	int fd; /* D */
	enum chan_state state;
	uint32_t to_mark; /* bytes until the urgent mark, 0: none */
	uint32_t given;	  /* to A since its queue was looked at */
	uint8_t lag;	  /* bytes at D's head that were taken already */
	bool preamble;	  /* accepted: the first byte may be the preamble */
	bool half_open;	  /* our SYN is not answered: counted as such */
	bool accepted;
	bool is_ready;	  /* on the ready list */
	bool in_pending;  /* D may have something */
	bool out_blocked; /* D is full: EPOLLOUT is asked for */
	bool out_ready;	  /* D may have room again */
	bool want_room;	  /* the send buffer is full */
	bool squeezed;	  /* the user is over his buffer bytes */
	bool fin_taken;	  /* the program's half close is passed on */
	bool eof_given;	  /* the peer's FIN is passed on */
	bool discarding;  /* the program's SHUT_RD is passed on */
};
RB_HEAD(chans, chan);
int chan_cmp(const struct chan *a, const struct chan *b);
RB_PROTOTYPE(chans, chan, by_id, chan_cmp)
TAILQ_HEAD(chanq, chan);

struct bound {
	struct name name; /* first */
	uint64_t id;
	RB_ENTRY(bound) by_id;
	LIST_ENTRY(bound) of_speaker, of_account;
	struct engine *e;
	struct account *acct;
	struct speaker *speaker; /* NULL: a stray */
	struct tcp_bind *tb;	 /* NULL: bind() failed, or let go, or ... */
	bool portless;		 /* ... it has this address and no port yet */
	struct ipaddr addr;
	unsigned flags; /* of tcp_bind(), for then */
	struct sockopts opts;
	int node;	 /* O_PATH of A's node; -1 */
	uint64_t cookie; /* A's SO_COOKIE, by its word; 0: not said */
	bool shown;	 /* its descriptor, by another user: ... */
	uint32_t shown_by;
	pid_t pid;
	bool listening;
	bool dead;     /* noticed inside the stack; to be reaped */
	bool in_chan;  /* a chan owns it */
	mono_t probed; /* seen alive then */
	uint32_t backlog;
	uint32_t nkeys; /* as counted on the account */
	uint64_t accepted, refused;
};
RB_HEAD(bounds, bound);
int bound_cmp(const struct bound *a, const struct bound *b);
RB_PROTOTYPE(bounds, bound, by_id, bound_cmp)
LIST_HEAD(boundlist, bound);

/* An error that waits in a socket's error queue. */
struct dgram_error {
	STAILQ_ENTRY(dgram_error) link;
	struct proto_derror head;
	uint8_t data[]; /* head.len of it */
};
STAILQ_HEAD(dgram_errors, dgram_error);

/* A socket of UDP and the engine's end of it (dgram.c). */
struct dgram {
	struct name name; /* first */
	uint64_t id;	  /* rising, never used twice */
	RB_ENTRY(dgram) by_id;
	TAILQ_ENTRY(dgram) of_account, ready;
	struct engine *e;
	struct account *acct;
	struct udp_sock *sock;
	struct sockopts opts;
	uint64_t cookie;  /* of the program's end */
	uint64_t charged; /* bytes on the account */
	uint64_t empties; /* the empty messages on their way, oldest lowest:
			     1 is an errno, 0 a datagram */
	uint32_t wants;	  /* PROTO_DGRAM_*, of what comes */
	struct dgram_errors errors;
	uint32_t nerrors, error_bytes;
	pid_t pid;
	int fd;
	int error; /* waits for the program; 0: none */
	uint8_t nempties;
	bool is_ready;
	bool gone; /* the program's end is closed */
	bool raw;  /* what comes goes on without a header */
	bool asks; /* its peer is the resolver */
	/* What was said of the first of several pieces of one datagram, and
	 * they (dgram_send.c); NULL: none waits for more. */
	struct dgram_pieces *pieces;
	LIST_HEAD(, dquery) queries;
};
RB_HEAD(dgrams, dgram);
int dgram_cmp(const struct dgram *a, const struct dgram *b);
RB_PROTOTYPE(dgrams, dgram, by_id, dgram_cmp)
TAILQ_HEAD(dgramq, dgram);

/* A query of the DNS that came as a datagram (resolve_here.c). */
struct dquery {
	RB_ENTRY(dquery) by_id;
	LIST_ENTRY(dquery) of_dgram;
	struct dgram *d;
	uint32_t id;
	struct ipaddr asked, from;
	uint16_t port; /* of from */
	struct etimer timer;
};
RB_HEAD(dqueries, dquery);
int dquery_cmp(const struct dquery *a, const struct dquery *b);
RB_PROTOTYPE(dqueries, dquery, by_id, dquery_cmp)

/* An errno that waits to be asked for: SO_ERROR of a dead connection. */
struct errrec {
	struct name name; /* first */
	TAILQ_ENTRY(errrec) lru;
	struct account *acct;
	struct etimer timer;
	int error;
};

struct speaker {
	RB_ENTRY(speaker) link;
	struct engine *e;
	pid_t pid;
	int pidfd;
	struct event ev;
	struct boundlist bounds;
};

RB_HEAD(speakers, speaker);
int speaker_cmp(const struct speaker *a, const struct speaker *b);
RB_PROTOTYPE(speakers, speaker, link, speaker_cmp)

struct account {
	RB_ENTRY(account) link;
	uint32_t uid;
	struct conf_quota limit;
	uint32_t conns, listeners, half_active, visits, nerrors;
	uint32_t asked;	       /* visits that may send a descriptor */
	uint32_t keys;	       /* of TCP_MD5SIG, at listeners */
	uint32_t queries;      /* visits that wait for the resolver */
	uint32_t unburied;     /* his descriptors that are being closed */
	uint32_t half_passive; /* as counted at turn half_turn */
	uint64_t half_turn;
	uint64_t bytes;	       /* charged, see account_charge() */
	uint64_t ring_bytes;   /* of rings, those of orphans too */
	uint32_t orphans;      /* connections that his programs left */
	uint64_t orphan_bytes; /* what was unsent or unacknowledged then */
	mono_t exact;	       /* when bytes was last counted exactly */
	uint32_t squeezed;     /* chans that wait for bytes to go */
	struct etimer squeeze;
	uint64_t conns_refused, listeners_refused, half_open_refused;
	uint64_t buffer_clamped, requests;
	struct chanq chans;
	struct dgramq dgrams;
	struct boundlist bounds;
	TAILQ_HEAD(, errrec) errors;
};
RB_HEAD(accounts, account);
int account_cmp(const struct account *a, const struct account *b);
RB_PROTOTYPE(accounts, account, link, account_cmp)

struct visit {
	LIST_ENTRY(visit) link;
	TAILQ_ENTRY(visit) ready;
	struct engine *e;
	struct account *acct;
	struct etimer timer;
	int fd;
	pid_t pid;
	uint32_t uid;
	bool watched;  /* fd is in the engine's epoll */
	bool is_ready; /* on the ready list */
	bool closed;   /* its client has */
	bool asked;    /* for a descriptor */
	/* 0, or what the resolver has been asked for it; by_query is good then.
	 */
	uint32_t query;
	RB_ENTRY(visit) by_query;
};
RB_HEAD(queries, visit);
int query_cmp(const struct visit *a, const struct visit *b);
RB_PROTOTYPE(queries, visit, by_query, query_cmp)

/* Descriptors on their way out (undertaker.c). */
struct grave {
	LIST_ENTRY(grave) link;
	struct account *acct;
	struct burial *b;
	size_t n;
};

/* What the engine counts besides the stack's drops. */
struct engine_stats {
	uint64_t attaches, accepts, requests, refused_quota, refused_nofile;
	uint64_t orphans_reset;
	uint64_t visits_silent, listeners_dead, probes, resets_to_program;
	uint64_t queries, queries_refused;
	uint64_t rings, ring_bytes; /* begun; taken from them */
	uint64_t turns;
};

/* flood.c */
struct flood {
	struct etimer timer;
	bool looking, refused;
	bool was_empty; /* the device's queue, once in this tick */
	unsigned settle;
	unsigned shift;	    /* of 2^shift SYNs one comes through */
	uint32_t open, key; /* these, see dev_syn_filter() */
	unsigned ticks, calm;
	uint64_t seen;	   /* SYNs that the filter judges, in this tick */
	uint64_t answered; /* with cookies, at the last tick */
	mono_t since;
};

struct engine {
	struct event_base *eb;
	struct stack *stack;
	struct tcp *tcp;
	struct drops *drops;
	struct rng rng;
	struct conf *conf; /* limits; ours */

	/* time: read once per turn; one timer for stack and engine */
	mono_t now;
	bool now_valid;
	struct busypoll busypoll;
	struct event timer;
	mono_t armed;
	struct timerq timers;
	uint64_t turn;

	/* pump.c */
	struct dev *dev;
	struct event ev_dev_in, ev_dev_out;
	bool rx_behind;	  /* the last burst was full: more waits */
	bool rx_bulky;	  /* frames of late were large */
	unsigned tx_left; /* frames with text that this flush may still send */
	bool tx_blocked;
	size_t tx_len; /* of the frame that the device did not take */
	struct offload tx_off;
	uint8_t *tx_copy;

	struct flood flood;

	/* attach.c */
	int listen_fd, spare_fd, policy_fd;
	struct event ev_accept;
	bool accepting;
	struct etimer accept_timer;
	int64_t visit_us; /* VISIT_US, less in tests */
	LIST_HEAD(, visit) visits;
	TAILQ_HEAD(, visit) visits_ready;
	bool serving; /* those */
	size_t nvisits;
	bool told_nofile;
	bool no_oob; /* this kernel's AF_UNIX has no MSG_OOB */
	LIST_HEAD(, grave) graves;

	/* refuse.c */
	const struct proto_policy *policy; /* NULL: it refuses nothing */

	/* resolve.c */
	struct msgchan *resolver; /* NULL: there is none */
	struct queries queries;
	struct dqueries dqueries;
	uint32_t last_query;

	/* what there is */
	struct names names;
	struct chans chans;
	struct dgrams dgrams;
	struct bounds bounds;
	struct accounts accounts;
	struct chanq ready;
	struct dgramq dgrams_ready;
	struct speakers speakers;
	struct boundlist strays;
	struct etimer stray_timer;
	size_t taken; /* bytes from programs in this flush */
	bool reap;    /* some bound is dead */
	bool told_path;
	uint64_t next_id;
	size_t nchans, nbounds, ndgrams;
	uint64_t ring_bytes; /* of memory, in rings */

	/* chan.c: all Ds, and those that may become one (visits), in an epoll
	 * of their own, inside libevent's */
	int ep;
	struct event ev_ep;
	/* dgram.c: the same of sockets of UDP */
	int ep_dgram;
	bool dgrams_late; /* the last turn was over before theirs */
	struct event ev_dgram;

	/* listener.c */
	int probe_fd;
	char fd_dir[64];

	struct engine_stats stats;
	bool stopping, stopped, failed;
	struct etimer stop_timer;
};

/* ---- engine.c ---- */

struct engine_setup {
	struct stack_config stack; /* seed, env: filled in by the engine */
	/* What stack.addrs and stack.routes may point to. */
	struct stack_addr addrs[STACK_ADDRS];
	struct stack_route routes[STACK_ROUTES];
	const char *fd_dir; /* sandbox_fd_dir() */
};

/* conf becomes the engine's.  NULL when memory is out or the stack refuses
 * its configuration. */
struct engine *engine_new(
    struct event_base *eb, const struct engine_setup *s, struct conf *conf);
void engine_free(struct engine *e);
/* One turn: waits for something (unless there is work left), does it, passes
 * everything on.  false: stopped and finished. */
bool engine_turn(struct engine *e);
/* Takes descriptors over. */
int engine_set_device(struct engine *e, int fd, const struct dev_caps *caps);
int engine_set_listener(struct engine *e, int fd);
void engine_set_policy(struct engine *e, int fd);
/* A reload: limits, routes. */
void engine_set_conf(struct engine *e, struct conf *conf);
/* Closes everything; engine_turn() goes on until that is done. */
void engine_stop(struct engine *e);
bool engine_failed(const struct engine *e);
/* Bytes that all users' connections hold. */
uint64_t engine_bytes(const struct engine *e);

mono_t engine_now(struct engine *e);
/* Timers: init reserves; false when memory is out. */
bool etimer_init(struct engine *e, struct etimer *t,
    void (*fn)(struct engine *, struct etimer *));
void etimer_done(struct engine *e, struct etimer *t);
void etimer_set(struct engine *e, struct etimer *t, mono_t when);
void engine_flush(struct engine *e);
/* What programs did before is done, as far as it concerns programs here: who
 * asks next finds it so, as on the kernel. */
void engine_catch_up(struct engine *e);

/* The addresses and routes of a configuration as the stack has them; at most
 * STACK_ADDRS and STACK_ROUTES. */
unsigned engine_addrs(const struct conf *conf, struct stack_addr *out);
unsigned engine_routes(const struct conf *conf, struct stack_route *out);

/* ---- pump.c ---- */
/* Begins a flush: how many frames with text it may send. */
void pump_begin(struct engine *e);
/* false: the flush has sent its share, and there may be more to send. */
bool pump_output(struct engine *e);
void pump_done(struct engine *e);

/* ---- flood.c: too many SYNs ---- */
bool flood_init(struct engine *e);
void flood_done(struct engine *e);
/* Frames wait: is there a flood?  Says so once a tick at the most. */
void flood_look(struct engine *e);
/* A frame that was read while there is a look. */
void flood_count(struct flood *f, const struct buf *frame);
/* The end of a tick of so many us, in which so many SYNs were answered with
 * cookies; rate a second are right, 0: any number.  True: f is another filter
 * now. */
bool flood_step(struct flood *f, uint64_t rate, uint64_t answered, int64_t us);

/* ---- chan.c: one connection's life ---- */
bool chans_init(struct engine *e);
/* What programs have done by now. */
void chans_look(struct engine *e);
void chans_done(struct engine *e);
struct chan *chan_new(
    struct engine *e, struct account *a, uint64_t handle, int fd, pid_t pid);
/* Closes D as it is and forgets everything; the pcb must be gone or handed
 * back by the caller. */
void chan_free(struct chan *c);
/* Begins to listen to D, which is in the epoll already, or not. */
bool chan_start(struct chan *c, bool watched);
void chan_ready(struct chan *c);
/* A Fast Open that waits for what the program writes: that can come now.
 * false: it broke its own hello. */
bool chan_listen_early(struct chan *c);
void chan_tcp_event(struct chan *c, const struct tcp_event *ev);
/* Moves what can be moved. */
void chan_service(struct chan *c);
/* Does it go over IPv6?  Not each connection of a socket of AF_INET6 does. */
bool chan_ipv6(const struct chan *c);
void chan_abort(struct chan *c, int error); /* both sides; A sees a reset */
void chan_stop(struct chan *c);
void chan_squeeze(struct chan *c, bool on);

struct request;

/* ---- dgram.c: sockets of UDP ---- */
bool dgrams_init(struct engine *e);
void dgrams_done(struct engine *e);
/* Takes what programs send, as far as the device does; bounded. */
void dgrams_first(struct engine *e);
void dgrams_flush(struct engine *e);
/* There is something to take, and room for it. */
bool dgrams_waiting(const struct engine *e);
void dgram_free(struct dgram *d);
void dgrams_bury(struct engine *e);
/* The program's end goes to *fd.  0 or a positive errno. */
int dgram_new(struct request *r, bool ipv6, int *fd);
/* Bytes that wait for the program, as its buffer counts them. */
uint64_t dgram_queued(const struct dgram *d);
/* The same and the error queue: what its user is charged for. */
uint64_t dgram_held(const struct dgram *d);
/* opts have changed, or the peer. */
void dgram_apply(struct dgram *d);
int dgram_deliver(void *ctx, void *user, const struct udp_in *in);
void dgram_failed(void *ctx, void *user, int error);
/* dgram_err.c: the error queue. */
void dgram_reported(void *ctx, void *user, const struct udp_icmp *e);
void dgram_too_long(struct dgram *d, const struct udp_msg *m);
int dgram_error_take(struct request *r, struct dgram *d);
void dgram_errors_purge(struct dgram *d);
/* ---- dgram_send.c: from the program ---- */
/* A message as it was sent. */
void dgram_message(struct dgram *d, const uint8_t *p, size_t len);
/* What has come of a datagram in pieces goes now (UDP_CORK). */
void dgram_uncork(struct dgram *d);
uint64_t dgram_pieces_held(const struct dgram *d);
void dgram_pieces_purge(struct dgram *d);
/* The program learns that there is an errno, now or when it asks. */
void dgram_tell(struct dgram *d, int error);
/* What it has sent by now is taken. */
void dgram_catch_up(struct dgram *d);
/* ---- dgram_req.c ---- */
/* The socket of UDP that r names; NULL and err 0: none has that handle. */
struct dgram *dgram_of(struct request *r, int *err);
int dgram_serve(struct request *r, struct dgram *d);
int dgram_make(struct request *r);

/* ---- chan_io.c: bytes between D and the stack ---- */
enum moved {
	MOVED_ALL,    /* nothing left to do */
	MOVED_SOME,   /* the budget is used up */
	MOVED_WAIT,   /* no room on the other side */
	MOVED_CLOSED, /* chan_take: look at how A was closed */
	MOVED_RESET,  /* A was closed with unread data */
	MOVED_EPIPE,  /* chan_deliver: A does not read any more */
};
enum moved chan_take(struct chan *c, size_t budget);
/* One read of at most avail new bytes from D, of which the last one stays
 * there; *took is 0 before. */
enum moved chan_take_some(
    struct chan *c, size_t avail, size_t budget, size_t *took);
/* n bytes were passed on, to the urgent mark at most. */
void chan_took(struct chan *c, size_t n);
enum moved chan_deliver(struct chan *c);
/* Bytes that D holds; negative on error. */
int chan_pending(const struct chan *c);
/* Takes out the reset byte, so that closing D is a clean end for A. */
void chan_drop_lag(struct chan *c);
/* The next byte that the program writes is the last urgent one. */
void chan_mark_next(struct chan *c);

/* ---- chan_ring.c: bytes that programs leave in shared memory ---- */
/* 0, and its memfd and size; or a positive errno. */
int chan_ring_open(struct chan *c, int *fd, uint32_t *size);
void chan_ring_close(struct chan *c);
/* D had so many new bytes before: as chan_take(), once. */
enum moved chan_ring_take(
    struct chan *c, uint32_t stream, size_t budget, size_t *took);
/* What is acknowledged is free. */
void chan_ring_release(struct chan *c);
/* Bytes in it that the stack does not have yet; 0 without a ring. */
uint32_t chan_ring_waiting(const struct chan *c);
uint32_t chan_ring_size(const struct chan *c);
/* Bytes in it that the stack has. */
uint32_t chan_ring_lent(const struct chan *c);

/* ---- rights.c: descriptors that clients send ---- */
#define RIGHTS_MAX 253 /* of a message: SCM_MAX_FD */
/* From now on v may send one; false: this user may not (yet). */
bool rights_ask(struct visit *v);
/* As recv(); descriptors go to fds. */
ssize_t rights_recv(
    struct visit *v, void *buf, size_t len, int fds[RIGHTS_MAX], size_t *n);
/* Closes what may block, in its own time. */
void rights_bury(struct visit *v, const int *fds, size_t n);
/* Closes the visit's own descriptor. */
void rights_leave(struct visit *v);
void rights_done(struct engine *e);

/* ---- refuse.c: what the policy refuses, 0 or a positive errno ---- */

/* fd stays the caller's; -1: nothing is refused. */
void refuse_set_policy(struct engine *e, int fd);
int refuse_connect(
    struct engine *e, uint32_t uid, const struct ipaddr *dst, uint16_t port);
int refuse_bind(struct engine *e, const struct ipaddr *addr, uint16_t port);

/* ---- resolve.c: names ---- */
/* The channel to the resolver, taken over. */
bool engine_set_resolver(struct engine *e, int fd);
/* PROTO_RESOLVE; as request_serve(). */
int resolve_ask(struct request *r);
/* v waits for what was asked, or no longer. */
void resolve_wait(struct visit *v, uint32_t query);
void resolve_forget(struct visit *v);
void resolve_done(struct engine *e);
/* A number that no query has. */
uint32_t resolve_number(struct engine *e);

/* ---- resolve_here.c: the same in datagrams to 127.0.0.1 or ::1 ---- */
/* Is what a socket sends to there for the resolver? */
bool here_is(struct engine *e, const struct ipaddr *dst, uint16_t port);
/* Such a socket has it as its peer: 0 or a positive errno. */
int here_connect(struct dgram *d, const struct ipaddr *dst, uint16_t port);
/* A query; the answer comes as a datagram.  0 or a negative errno, -ENOBUFS: it
 * is dropped. */
int here_ask(struct dgram *d, const struct udp_msg *m);
void here_answer(struct engine *e, uint32_t id, const void *msg, size_t len);
/* Nobody waits any more for what d, or anybody, has asked. */
void here_forget(struct dgram *d);
void here_forget_all(struct engine *e);

/* ---- attach.c ---- */
/* The answer to what v waits for: a positive errno, or data. */
void attach_answer(struct visit *v, int err, const void *data, size_t len);
void attach_visit_done(struct visit *v);
/* There is something to read of v, or its end. */
void attach_note(struct visit *v, bool closed);
/* Serves those of whom that was noted. */
void attach_visits(struct engine *e);
void attach_stop(struct engine *e);
/* Also the fuzz target's: the first bytes of a client, peeked.  Returns the
 * length of head and body when complete, 0 when more is needed, a negative
 * errno: -EPROTO malformed, -EPROTONOSUPPORT another version. */
ssize_t proto_check(const void *data, size_t len);
struct hello {
	struct ipaddr dst;
	uint16_t port;
	bool fast, waits; /* PROTO_FAST, PROTO_WAITS */
	uint64_t cookie;
	struct sockopts opts;
	struct md5keys keys; /* for that address */
	const uint8_t *data; /* in the body */
	uint32_t data_len;
};
/* Addresses in messages; false: not of a family that we speak.  ipv6: of a
 * socket of AF_INET6. */
bool proto_name_get(const struct proto_name *n, struct ipaddr *out);
void proto_name_put(
    struct proto_name *n, bool ipv6, const struct ipaddr *a, uint16_t port);
/* The body of an attach: 0, -EPROTO or an option's positive errno. */
int hello_parse(const void *body, size_t len, struct hello *h);

/* ---- request.c ---- */
struct request {
	struct engine *e;
	struct account *acct;
	pid_t pid;
	uint32_t uid;
	struct proto_head head;
	const void *body;
	size_t len;
	int pass;	/* the client's descriptor; -1: none or taken */
	bool good;	/* it is what was asked for: closing it is harmless */
	bool shown;	/* it is what was asked for, and has to be buried */
	int visit_fd;	/* for SO_PEERPIDFD */
	int pass_fd;	/* goes along with the answer; -1 */
	uint32_t query; /* the resolver has it, and the answer waits; or 0 */
	bool pass_on;	/* the client's alone afterwards: our copy goes */
	uint8_t out[sizeof(struct proto_derror) + PROTO_DERROR_DATA];
	size_t outlen;
};
/* Returns 0 or a positive errno for the answer, -EPROTO: malformed. */
int request_serve(struct request *r);

/* ---- listener.c ---- */
/* An address of ours that can be had. */
bool request_our_addr(struct request *r, const struct ipaddr *addr);
/* May he have this port? */
bool bound_may_have(const struct request *r, uint16_t port);
bool listener_init(struct engine *e);
void listener_done(struct engine *e);
/* The name that A's getpeername() gives for an accepted connection. */
void chan_peer_name(const struct chan *c, struct proto_peer *out);
int bound_accept(void *ctx, struct tcp_bind *tb, struct tcp_pcb *pcb);
enum tcp_admit bound_may_open(void *ctx, struct tcp_bind *tb);
struct sockaddr_un;
/* Where connect() finds the descriptor of a node. */
void bound_node_address(
    const struct engine *e, int node, struct sockaddr_un *sun);
struct bound *bound_find(struct engine *e, uint32_t uid, uint64_t handle);
/* The descriptor was shown by a process of uid, who may connect it now: the
 * socket that uid's connection of that handle has its name from, or NULL. */
void bound_shown(struct bound *b, uint32_t uid);
struct bound *bound_to_connect(struct engine *e, uint32_t uid, uint64_t handle);
/* 0 or a positive errno, EACCES: without a node; it is taken over when a
 * record is made. */
int bound_bind(struct request *r, const struct proto_name *name,
    const struct ipaddr *addr);
int bound_listen(struct bound *b, uint32_t backlog);
/* A listener's options have changed: what comes from now on has them. */
int bound_opts(struct bound *b);
/* SO_REUSEADDR or SO_REUSEPORT of a socket that is bound already. */
void bound_reuse(struct bound *b, int name, bool on);
/* A key of TCP_MD5SIG; both: 0 or a positive errno. */
/* Those of a user's that were closed unnoticed count no more; all but one. */
void bound_bury(struct account *a, const struct bound *but);
int bound_key(struct bound *b, const struct md5key *k);
/* Those of a connection that begins. */
int chan_keys(struct chan *c, const struct md5keys *s);
/* Options with keys, of b or (NULL) c: 0 or a positive errno. */
int keys_setopt(struct bound *b, struct chan *c, const struct proto_opt *o,
    const void *val);
int keys_getopt(
    const struct bound *b, const struct chan *c, void *val, uint32_t *len);
/* The program's shutdown() of its listener: bound, but no more listening. */
int bound_unlisten(struct bound *b);
/* connect() on a bound socket: the connection owns it from now on. */
void bound_to_chan(struct bound *b, struct chan *c);
/* Does a process hold it still?  If not, dead() counts and frees it. */
bool bound_alive(struct bound *b);
void bound_dead(struct bound *b);
void bound_free(struct bound *b);
/* The process pid speaks for it now. */
void bound_spoken(struct bound *b, pid_t pid, int visit_fd);
void bound_reap(struct engine *e);

/* ---- account.c ---- */
struct account *account_get(struct engine *e, uint32_t uid);
void account_put(struct engine *e, struct account *a);
/* What c holds in buffers now; squeezes when the user has too much. */
void account_charge(struct chan *c);
/* The same for n bytes more that wait for the program of d; false: his user has
 * too much already. */
bool account_take(struct dgram *d, uint64_t n);
/* Its share of the user's buffer bytes, as a bound of its window. */
void account_share(struct chan *c);
void account_uncharge(struct chan *c);
bool account_may_orphan(const struct account *a, size_t bytes);
void account_orphan(void *ctx, uint32_t uid, int n, size_t bytes);
uint32_t account_half_passive(struct engine *e, struct account *a);
/* His congestion control, where o names none; o is used before a reload. */
void account_congestion(const struct account *a, struct tcp_opts *o);
/* The limits of a reloaded configuration. */
void account_relimit(struct engine *e);
/* An errno for (uid, handle) that PROTO_ERROR will ask for. */
void error_set(struct engine *e, struct account *a, uint64_t handle, int err);
int error_take(struct engine *e, uint32_t uid, uint64_t handle);
void error_free(struct engine *e, struct errrec *r);
void accounts_free(struct engine *e);

/* ---- report.c ---- */
struct msgchan;
bool report_query(struct engine *e, struct msgchan *ch, struct msg *m);

#endif
