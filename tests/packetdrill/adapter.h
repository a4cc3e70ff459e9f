/* SPDX-License-Identifier: ISC */
/*
 * The adapter between packetdrill and the stack: a world with one stack, a
 * clock of its own and sockets whose calls behave as Linux's do.
 *
 *	world.c   the clock, frames in and out, calls that wait
 *	sock.c    socket, bind, listen, accept, connect, shutdown, close
 *	data.c    reading and writing
 *	poll.c    poll and epoll
 *	opt.c     options, fcntl, ioctl
 *	flags.c   --so_flags
 *	entry.c   the interface that packetdrill sees
 *
 * Virtual time stands still while the stack works.  It moves when packetdrill
 * sleeps or waits for a packet, from one deadline to the next, and by a
 * microsecond when it looks at the clock.
 *
 * packetdrill makes calls that block on a second thread.  Such a call leaves a
 * struct waiter and sleeps; whichever thread changes the stack then tries it
 * again, so that what it does happens at a definite point of virtual time.
 * One lock covers everything.
 *
 * Functions here return negative errnos; entry.c turns them into errno.
 */
#ifndef PACKETDRILL_ADAPTER_H
#define PACKETDRILL_ADAPTER_H

#include <pthread.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "base/mono.h"
#include "ipc/sockopt.h"
#include "stack/stack.h"
#include "iface.h"

struct settings {
	struct stack_config stack; /* points into the others */
	struct stack_addr addrs[2];
	struct stack_route routes[2];
	bool no_tso;  /* the device cuts no trains: the kernel does */
	uint32_t gso; /* what comes in larger is a train of such; 0: not */
};

/* Parses "key=value,key=value"; exits with a message when it cannot. */
void settings_parse(struct settings *s, const char *flags);
/* The same for more of them; false: something is not understood. */
bool settings_change(struct settings *s, const char *flags);

/* ---- a call that waits ---- */

struct world;

struct waiter {
	TAILQ_ENTRY(waiter) link;
	pthread_cond_t cond;
	mono_t deadline, done_at;
	bool done;
	long result;
	long (*attempt)(struct world *w, void *arg);
	void *arg;
};

/* ---- sockets ---- */

enum sock_kind {
	SOCK_FRESH,  /* not connected, not listening */
	SOCK_LISTEN, /* bind listens */
	SOCK_CONN,   /* it has or had a pcb */
	SOCK_EPOLL,
};

struct watch; /* an epoll's interest in a socket */

struct sock {
	TAILQ_ENTRY(sock) link;
	int fd; /* a real one, so that nobody else gets its number; or -1 */
	enum sock_kind kind;
	int domain, flags; /* flags: of fcntl(F_GETFL) */
	struct sockopts opts;
	int64_t rcvtimeo_us, sndtimeo_us; /* 0: none */

	struct tcp_bind *bind;
	struct tcp_pcb *pcb; /* NULL once it is dead */
	struct ipaddr laddr, raddr;
	uint16_t lport, rport;
	bool connecting, connected, gone;
	bool deferred; /* connect() has returned, a write makes the SYN go */
	bool by_send;  /* a sendto() connects it, and another may follow */
	bool rd_shut, wr_shut, fin; /* fin: all before it was read */
	bool more;		    /* MSG_MORE holds back the rest */
	int error;		    /* SO_ERROR */
	int soft_error;
	uint8_t *rest; /* unread when the connection died */
	size_t rest_len, rest_off;
	struct tcp_info_out last; /* what TCP_INFO says after that */

	/* A listener's. */
	unsigned backlog, nready;
	TAILQ_HEAD(, sock) ready; /* accepted by the stack, not the program */

	TAILQ_HEAD(, watch) watches; /* who watches it; or, of an epoll, its */
};

struct packet {
	STAILQ_ENTRY(packet) link;
	mono_t at;
	size_t len;
	uint8_t data[];
};

struct world {
	pthread_mutex_t lock;
	struct settings cfg;
	struct stack *stack;
	struct tcp *tcp;
	mono_t now;
	bool settling;
	TAILQ_HEAD(, sock) socks;
	TAILQ_HEAD(, waiter) waiters;
	STAILQ_HEAD(, packet) out;
};

/* ---- world.c ---- */
struct world *world_new(const char *flags);
/* Takes up, of cfg, what may change on the way. */
void world_reconfigure(struct world *w);
void world_free(struct world *w);
/* Delivers events, takes what the stack sends, tries the calls that wait,
 * until nothing changes any more. */
void world_settle(struct world *w);
void world_advance(struct world *w, mono_t until);
void world_inject(struct world *w, const uint8_t *packet, size_t len);
/* The next packet out, moving time as far as need be; NULL: none will come. */
struct packet *world_receive(struct world *w);
/* The time that the calling thread sees, and the step it takes. */
mono_t world_look(struct world *w);
/* attempt() now and, when it says -EAGAIN and block is set, until it says
 * something else or the deadline is there (-EAGAIN then). */
long world_call(struct world *w, long (*attempt)(struct world *w, void *arg),
    void *arg, bool block, mono_t deadline);

/* ---- sock.c ---- */
struct sock *sock_find(const struct world *w, int fd);
struct sock *sock_new(struct world *w, int domain, enum sock_kind kind);
void sock_free(struct world *w, struct sock *s);
void sock_give_fd(struct sock *s);
void sock_event(struct world *w, const struct tcp_event *ev);
int sock_take(void *ctx, struct tcp_bind *listener, struct tcp_pcb *pcb);
int sock_apply(struct world *w, struct sock *s);
/* Reads and clears the error that a call reports; 0 or a positive errno. */
int sock_error(struct sock *s);
size_t sock_unread(const struct sock *s);
int sys_bind(struct world *w, int fd, const struct sockaddr *a, socklen_t n);
int sys_listen(struct world *w, int fd, int backlog);
int sys_accept(struct world *w, int fd, struct sockaddr *a, socklen_t *n);
int sys_connect(struct world *w, int fd, const struct sockaddr *a, socklen_t n);
/* The SYN may carry *room octets of what is written before it leaves. */
int sock_open_fast(struct world *w, struct sock *s, const struct sockaddr *a,
    socklen_t n, bool waits, int *room);
/* Is Fast Open off? */
bool sock_fast_off(struct world *w);
int sys_shutdown(struct world *w, int fd, int how);
int sys_close(struct world *w, int fd);

/* ---- data.c ---- */
ssize_t sys_recv(
    struct world *w, int fd, const struct iovec *iov, int n, int flags);
/* To an address, if that is not NULL, which MSG_FASTOPEN alone looks at. */
ssize_t sys_send(struct world *w, int fd, const struct iovec *iov, int n,
    int flags, const struct sockaddr *a, socklen_t alen);
ssize_t sys_splice(struct world *w, int in, loff_t *in_off, int out,
    loff_t *out_off, size_t len, unsigned flags);
ssize_t sys_sendfile(struct world *w, int out, int in, off_t *off, size_t len);

/* ---- poll.c ---- */
short sock_mask(const struct sock *s);
/* Something of mask may have become true: edge-triggered watches see it. */
void sock_wake(struct sock *s, short mask);
void watches_free(struct sock *s);
int sys_poll(struct world *w, struct pollfd *fds, nfds_t n, int timeout_ms);
int sys_epoll_ctl(
    struct world *w, int epfd, int op, int fd, const struct epoll_event *ev);
int sys_epoll_wait(struct world *w, int epfd, struct epoll_event *evs, int max,
    int timeout_ms);

/* ---- entry.c ---- */
/* libc's own; a negative errno. */
int world_real_getsockopt(
    int fd, int level, int name, void *val, socklen_t *len);

/* ---- opt.c ---- */
int sys_getsockopt(
    struct world *w, int fd, int level, int name, void *val, socklen_t *len);
int sys_setsockopt(struct world *w, int fd, int level, int name,
    const void *val, socklen_t len);
int sys_fcntl(struct world *w, int fd, int cmd, long arg);
int sys_ioctl(struct world *w, int fd, unsigned long request, void *arg);

#endif
