/* SPDX-License-Identifier: ISC */
/*
 * Typed messages over a SOCK_SEQPACKET socket, with descriptors: how our own
 * processes talk to each other, and tcpctl to the frontend.
 *
 * One record is one message: struct msg_head and len bytes.  The kernel keeps
 * the record boundaries, so there is no reassembly.  Every sender is taken for
 * hostile: wrong magic, version, length, a truncated record or descriptors
 * that nobody expects end the channel, and are counted in msgchan_malformed().
 *
 * Sending never blocks and never grows without bound: what the socket does not
 * take waits in a queue of at most queue_max bytes; then msgchan_send() says
 * -EAGAIN, the sender stops making more and goes on in ops->drained().
 *
 * Payloads are fixed-size structs without pointers or bools.  The receiver
 * gets at them with MSG_GET(), which checks the exact length, or with
 * msg_rows() for an array of rows; values are the receiver's to check.
 */
#ifndef IPC_MSG_H
#define IPC_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;

struct msg_head {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t len; /* bytes after the head */
	uint32_t id;  /* of the query that this belongs to; 0: none */
};
_Static_assert(sizeof(struct msg_head) == 16, "msg_head");

#define MSG_DATA_MAX 32768 /* bytes after the head */
#define MSG_FDS_MAX  4

/* A received message; data and fds are the channel's and good during the
 * call.  A handler that keeps a descriptor takes it with msg_take_fd(); what
 * is left is closed. */
struct msg {
	uint16_t type;
	uint32_t id;
	uint32_t len;
	const void *data; /* aligned for any type */
	unsigned nfds;
	int fds[MSG_FDS_MAX]; /* -1: taken */
};

/* Copies the payload to *out when it has exactly that size. */
bool msg_get(const struct msg *m, void *out, size_t size);
#define MSG_GET(m, out) msg_get((m), (out), sizeof *(out))
/* A payload that is a head of headsize bytes and an array of rows: the number
 * of rows and in *rows the first; -1 when the length is no such thing. */
int msg_rows(const struct msg *m, void *head, size_t headsize, size_t rowsize,
    const void **rows);
/* The i-th descriptor, now the caller's; -1 when there is none. */
int msg_take_fd(struct msg *m, unsigned i);

/* May descriptors be sent to this socket of AF_UNIX (or, for a listener, to
 * those that it accepts)?  false: this kernel has no such switch. */
bool msg_allow_fds(int fd, bool on);

struct msgchan;

struct msgchan_ops {
	/* false: the message was malformed (wrong type, size or value); the
	 * channel is closed, closed() is called with -EPROTO. */
	bool (*input)(void *arg, struct msg *m);
	/* The other side is gone (error 0), sent garbage (-EPROTO) or the
	 * socket failed.  Called once, never from within msgchan_send(); the
	 * callee calls msgchan_free(), now or later. */
	void (*closed)(void *arg, int error);
	/* May be NULL: what had to wait is all sent (also after -EAGAIN). */
	void (*drained)(void *arg);
};

struct msgchan_config {
	uint32_t magic;
	uint16_t version;
	unsigned fds_max; /* descriptors accepted in one message */
	size_t queue_max; /* bytes of unsent messages; 0: 1 MiB */
};

/* What our own processes use among themselves. */
extern const struct msgchan_config msgchan_internal;

/* Takes fd over and makes it non-blocking.  NULL when memory is out (fd is
 * closed then). */
struct msgchan *msgchan_new(struct event_base *eb, int fd,
    const struct msgchan_config *cfg, const struct msgchan_ops *ops, void *arg);
/* Good inside any callback of the channel. */
void msgchan_free(struct msgchan *c);

/*
 * Sends or queues one message.  The descriptors are dup'd when it has to wait,
 * so the caller keeps his and may close them.  Returns 0; -EAGAIN: the queue is
 * full, nothing was taken; -EPIPE: the other side is gone; -EMSGSIZE; -ENOMEM.
 */
int msgchan_send(struct msgchan *c, uint16_t type, uint32_t id,
    const void *data, size_t len, const int *fds, unsigned nfds);
/* The same with the payload in two pieces (a head and rows). */
int msgchan_send2(struct msgchan *c, uint16_t type, uint32_t id,
    const void *head, size_t headlen, const void *rows, size_t rowslen);
/* Bytes that wait unsent. */
size_t msgchan_queued(const struct msgchan *c);
/* Stops and resumes reading (a slow consumer behind us). */
void msgchan_pause(struct msgchan *c, bool pause);
/* Writes out what waits, blocking up to timeout_ms; false: not all went. */
bool msgchan_flush(struct msgchan *c, int timeout_ms);
int msgchan_fd(const struct msgchan *c);
/* Malformed messages received by this process, over all channels. */
uint64_t msgchan_malformed(void);

#endif
