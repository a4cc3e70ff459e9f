/* SPDX-License-Identifier: ISC */
/*
 * What the parts of load share: the request that begins a connection, what the
 * command line says, and the small things that each of them needs.
 *
 *	load.c		the command line, addresses, reports
 *	load_serve.c	the server of connections
 *	load_stream.c	clients with one blocking thread a connection
 *	load_many.c	clients with one epoll loop, or one process a connection
 *	load_udp.c	server and client of datagrams
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <sys/socket.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op {
	SINK = 'S',
	SOURCE = 'G',
	ECHO = 'E',
	ANSWER = 'A',
	COUNT = 'C', /* datagrams: how much of SINK has arrived? */
};

struct request {
	char op;
	char pad[3];
	uint32_t write; /* SOURCE: bytes a write, in the host's order */
	uint32_t ms;	/* SOURCE of datagrams: for how long */
	uint32_t run;	/* datagrams: which measurement they are of */
	char rest[48];
};

#define CHUNK (128 * 1024)

/* What the command line says. */
struct load_opt {
	const char *host;
	int port;
	int conns;
	double seconds;
	size_t size;   /* of a request or datagram */
	size_t write;  /* bytes a write of bulk, CHUNK at most */
	uint64_t pace; /* bytes a second and connection; 0: none */
};
extern struct load_opt opt;
extern char zeros[CHUNK];
extern double t_begin; /* of the measurement */

/* What one client has done. */
struct stream {
	pthread_t thread;
	uint64_t bytes;
	uint64_t lost;	/* datagrams without an answer */
	double until;	/* when this one was done */
	float *samples; /* microseconds */
	size_t nsamples, max;
};

double now(void);
/* opt.host and opt.port, of either family; how long it is. */
socklen_t address(struct sockaddr_storage *out);
void no_delay(int fd);
/* A connection whose request has been sent. */
int dial(char op);
void read_full(int fd, void *buf, size_t len);
/* A sample of what began at t0. */
void sample(struct stream *st, double t0);
/* The line of JSON; n streams. */
void report(const char *mode, struct stream *streams, int n);

void serve(void);
void serve_udp(void);
void run_send(void);
void run_recv(void);
void run_rr(void);
void run_crr(void);
void run_turns(void);
void run_many(void);
void run_hold(void);
void run_udp_send(void);
void run_udp_recv(void);
void run_udp_rr(void);

#endif
