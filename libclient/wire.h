/* SPDX-License-Identifier: ISC */
/*
 * Talking to the daemon (tcpd/proto.h): requests, the attachment, the policy.
 *
 * Nothing is kept open: each request is a connection of its own.  All state
 * is on the caller's stack but for the path of the daemon's socket, read from
 * the environment once, and one mapping of the policy page.
 *
 * Functions return 0 or a negative errno.  -ENETDOWN: the daemon cannot be
 * reached; -EPROTONOSUPPORT: it speaks another version.
 */
#ifndef LIBCLIENT_WIRE_H
#define LIBCLIENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <sys/un.h>
#include "tcpd/proto.h"

void wire_setup(void);
/* The daemon's socket; set() for programs that take it as an argument. */
const char *wire_path(void);
int wire_set_path(const char *path);

/* The answer's body goes to ans (room for *alen, then what there was). */
struct wire_req {
	uint16_t type;
	uint64_t handle;
	const void *body[2];
	size_t len[2];
	int auth_fd; /* sent when the daemon asks for it; -1: none */
	void *ans;
	size_t ans_max, ans_len;
	int *got_fd;	  /* NULL: none wanted */
	uint16_t version; /* out: the daemon's */
	bool answered;	  /* out: the result is the daemon's word */
};
int wire_request(struct wire_req *q);
/* Says it, and does not wait for an answer, of which there is none.  An error
 * says that it was not said. */
int wire_tell(const struct wire_req *q);
/* Asks, and leaves it at that: the descriptor where a struct proto_reply and
 * what belongs to it will come, or a negative errno. */
int wire_begin(const struct wire_req *q);
/* Waits for it there (NULL: does without) and closes. */
int wire_end(int fd, struct wire_req *q);

/* Makes fd, an unconnected AF_UNIX stream, the connection of a hello, which
 * carries at->data_len bytes of data from these spans. */
#define WIRE_SPANS 16
int wire_attach(int fd, uint64_t handle, const struct proto_attach *at,
    const void *opts, size_t opts_len, const struct iovec *data, int ndata);

/* The policy; NULL and *err when there never was one to be had. */
const struct proto_policy *wire_policy(int *err);

#endif
