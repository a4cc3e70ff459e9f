/* SPDX-License-Identifier: ISC */
/*
 * The trap: a process beside a program that makes system calls itself.  It is
 * told of the calls that name or configure TCP (run_filter.c), makes them on
 * the program's own descriptors with the library's code, and answers.
 *
 *	run_trap.c	starts it
 *	trap.c		its loop
 *	trap_call.c	the calls
 *	trap_data.c	the few of them with a stream's data
 *	trap_dgram.c	those with datagrams
 *	trap_wait.c	those that wait
 *	trap_hook.c	what the library's code does differently here
 *	trap_target.c	the program's memory and descriptors
 *
 * One call is made at a time, so what belongs to it is in `serving`.
 */
#ifndef LIBCLIENT_TRAP_H
#define LIBCLIENT_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* A call that a thread of the program stands still in. */
struct trap_call {
	uint64_t id;
	pid_t tid;
	int nr;
	uint64_t arg[6];
};

/* Places of a message's bytes that are looked at in one call. */
#define SPANS_MAX 16

/* A call that may have to wait. */
struct trap_op {
	struct trap_call c;
	int fd;		   /* ours, of the program's socket; -1: closed */
	uint32_t events;   /* of it that are waited for, as epoll has them */
	int64_t end_ms;	   /* of its patience; -1: none */
	int timed_out;	   /* the negative errno at that time */
	bool was_blocking; /* the kernel's socket shall be so again */
	bool alone;	   /* nobody stands in the call any more */
	socklen_t room;	   /* accept: for the name */
	bool room_known;
	/* Data: what is left of it the next time. */
	int flags;
	size_t size, done; /* bytes, or messages */
	int64_t limit_ns;  /* recvmmsg(): no other message after it; -1 */
	unsigned nspans;
	struct iovec span[SPANS_MAX];
	/* It happened.  true: answered, or nobody is there any more. */
	bool (*again)(struct trap_op *op, uint32_t events);
};

/* ---- trap.c ---- */

struct trap {
	int listener; /* of notifications */
	int epoll;
	bool no_bypass;
	bool privileged; /* may become the program's user */
};
extern struct trap trap;

/* Until the last process of the tree has ended.  ready: a descriptor to close
 * when all is set up. */
_Noreturn void trap_loop(int listener, bool no_bypass, int ready);

/* ---- trap_call.c ---- */

void trap_serve(const struct trap_call *c);
/* The size of the argument of an ioctl() that is trapped; 0: it is not. */
size_t trap_ioctl_size(unsigned long req);
/* Around what makes a socket, at the daemon or of the kernel's.  false: there
 * is no caller any more, or nobody knows who it is. */
bool trap_become_caller(const struct trap_call *c);
void trap_become_self(void);

/* ---- trap_data.c: for serving, whose descriptor they close ---- */

void trap_send(const struct trap_call *c);
void trap_recv(const struct trap_call *c);
/* Makes op, now or when the socket is ready, with the patience of an option. */
void trap_start(struct trap_op *op, uint32_t events, int patience);

/* ---- trap_dgram.c: the same of datagrams ---- */

void trap_datagram(const struct trap_call *c);

/* ---- trap_wait.c ---- */

/* Takes a copy of op and its fd; answers at once when there are too many. */
void trap_wait(const struct trap_op *op);
/* The call, a connect(), has an attempt under way on fd, and ends; takes fd. */
void trap_settle_later(const struct trap_call *c, int fd);
void trap_restore(struct trap_op *op);
void trap_happened(void *waiter, uint32_t events);
/* Looks after those who may have gone, been interrupted or waited enough, when
 * it is time; returns the milliseconds until then, -1: never. */
int trap_look(void);

/* ---- trap_hook.c ---- */

/* The call that the library's functions are made for. */
struct serving {
	const struct trap_call *c;
	int fd;		 /* here, and */
	int target_fd;	 /* there */
	bool elsewhere;	 /* the program has another network namespace */
	bool sigpipe;	 /* out: EPIPE is to come with its signal */
	bool foreign;	 /* out: not ours, the kernel's to do */
	bool waits;	 /* out: the call would wait */
	bool twin_waits; /* out: ... for a socket of the kernel's */
};
extern struct serving serving;

/* ---- trap_target.c: 0 or a negative errno ---- */

int trap_read(const struct trap_call *c, uint64_t addr, void *buf, size_t n);
int trap_write(
    const struct trap_call *c, uint64_t addr, const void *buf, size_t n);
/* A descriptor of ours for the program's file. */
int trap_getfd(const struct trap_call *c, int fd);
/* Does the caller still stand in the call?  If so, what was read is his. */
bool trap_valid(const struct trap_call *c);
bool trap_elsewhere(const struct trap_call *c);
/* Has the program a descriptor left? */
bool trap_has_room(const struct trap_call *c);

struct trap_status {
	pid_t tgid;
	uid_t euid;
	long fdsize, threads;
	/* Signals that wait: for the thread, for all; what it has blocked. */
	uint64_t pending, shared, blocked;
};
bool trap_status(pid_t tid, struct trap_status *s);

/* The answers.  false: nobody is there any more. */
bool trap_answer(const struct trap_call *c, long result);
bool trap_continue(const struct trap_call *c);
/* The call's result is a copy of fd. */
bool trap_give(const struct trap_call *c, int fd, bool cloexec);
/* Puts a copy of fd where the program has at. */
int trap_put(const struct trap_call *c, int fd, int at);

#endif
