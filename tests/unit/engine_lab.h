/* SPDX-License-Identifier: ISC */
/*
 * Two engines in one process, each with its loop in a thread, joined by a
 * socketpair that stands for the cable; and a client that speaks proto.h
 * without the shim.
 *
 *	client -- lab[0] 192.0.2.1 ==== 192.0.2.2 lab[1] -- client
 */
#ifndef ENGINE_LAB_H
#define ENGINE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "proc/engine.h"

#define LAB_ADDR(i) (0xc0000201u + (unsigned)(i))

struct lab_engine {
	char path[64]; /* its tcpd.sock */
	struct engine *e;
};
extern struct lab_engine lab[2];
extern struct conf_quota lab_quota; /* before lab_up() */

void lab_up(void);
void lab_down(void);
/* Runs fn in the engine's thread and waits for it. */
void lab_on(int i, void (*fn)(struct engine *e, void *arg), void *arg);
/* Connections, bounds, a counter of drops. */
size_t lab_conns(int i);
size_t lab_bounds(int i);
uint64_t lab_drops(int i, enum drop d);
/* Asks until cond() gives want or the time is over; true if it did. */
bool lab_until(size_t (*cond)(int), int i, size_t want, int ms);
void lab_stop(int i);
/* From now on the policy refuses to connect to addr:port, and to bind port. */
void lab_refuse(int i, uint32_t addr, uint16_t port);

/* ---- the client ---- */

/* A socket and its handle. */
struct cl {
	int fd;
	uint64_t handle;
};
struct cl cl_socket(void);
/* Begins to connect; 0 or an errno of the first steps. */
int cl_start(struct cl *c, int i, uint32_t addr, uint16_t port);
/* The same with PROTO_FAST and its like, and a text in the hello. */
int cl_start_fast(struct cl *c, int i, uint32_t addr, uint16_t port,
    uint32_t flags, const char *text);
/* Waits; 0 or the errno that PROTO_ERROR gives. */
int cl_finish(struct cl *c, int i);
int cl_connect(struct cl *c, int i, uint32_t addr, uint16_t port);
/* A new connection to the daemon; 0 or an errno. */
int cl_dial(int fd, int i);
/* sendmsg() with fd, unless it is -1. */
ssize_t cl_send_fd(int s, struct iovec *iov, size_t niov, int fd);
/* One request, fd when it is asked for; the answer's errno, its body in
 * out. */
int cl_request(int i, uint16_t type, uint64_t handle, const void *body,
    size_t len, int fd, void *out, size_t *outlen);
/* Tells, without an answer (PROTO_TELLOPT); 0 or an errno. */
int cl_tell(int i, uint64_t handle, const void *body, size_t len);
/* bind and listen on port (0: any); the port or a negative errno. */
int cl_listen(struct cl *c, int i, uint16_t port, int backlog);
/* The same at an address: what it is called then goes to name. */
int cl_listen_at(struct cl *c, int i, struct proto_name *name, int backlog);
/* accept() with the preamble. */
int cl_accept(const struct cl *l);
/* A connected pair: *a through engine 0, the accepted end through 1. */
void cl_pair(struct cl *a, int *b);
int cl_poll(int fd); /* all bits, at once */
/* Waits until all of bits are there. */
bool cl_wait(int fd, int bits, int ms);
bool cl_write(int fd, const void *p, size_t n);
/* Reads until n bytes or the end; negative errno on an error. */
ssize_t cl_read(int fd, void *p, size_t n);
/* Writes until nothing moves any more; how much. */
size_t cl_fill(int fd);
/* Reads to the end; how much, SIZE_MAX if it was not a clean one. */
size_t cl_drain(int fd);

/* A stream of n bytes, each known by its place, in writes of many sizes; for
 * pthread_create().  ok: all went, or came, and then the end. */
struct cl_bulk {
	int fd;
	size_t n;
	bool ok;
};
void *cl_bulk_write(void *bulk);
void *cl_bulk_read(void *bulk);

#endif
