/* SPDX-License-Identifier: ISC */
/*
 * Closing what strangers sent.
 *
 * close() can take as long as the sender wishes: the last reference to a TCP
 * socket of the kernel's with SO_LINGER waits for its peer, a file of a FUSE
 * mount for the mount's server, an unlinked huge file for its blocks.  So no
 * descriptor that came from a client, and no socket that may still hold one in
 * its queue, is closed by the loop.  This thread does it; it may stand still
 * for ever, and nothing waits for it but the user who sent the descriptor (he
 * is not asked for another one until it is closed).
 *
 * The thread shares nothing but the descriptor table, one pipe of pointers and
 * the flag that tells that a burial is over.
 */
#include "config.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "proc/undertaker.h"

#define STACK_BYTES (64 * 1024)

struct burial {
	atomic_bool done;
	size_t n;
	int fds[];
};

static int graves[2] = {-1, -1};

static void *
work(void *arg)
{
	struct burial *b;
	size_t i;

	/* The start is over: no call beyond read() and close() follows. */
	(void)!write(*(int *)arg, "", 1);
	while (read(graves[0], &b, sizeof b) == (ssize_t)sizeof b) {
		for (i = 0; i < b->n; i++)
			close(b->fds[i]);
		atomic_store(&b->done, true);
	}
	return NULL;
}

static bool
begin(int *ready)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t t;
	int err;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&t, &attr, work, ready);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return err == 0;
}

bool
undertaker_start(void)
{
	int ready[2];
	bool ok;
	char c;

	if (graves[1] >= 0)
		return true;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return false;
	ok = pipe2(graves, O_CLOEXEC) == 0 && begin(&ready[1]) &&
	     read(ready[0], &c, 1) == 1;
	if (ok) {
		/* A full pipe must not stop the loop. */
		(void)fcntl(graves[1], F_SETFL, O_NONBLOCK);
	} else if (graves[1] >= 0) {
		close(graves[0]);
		close(graves[1]);
		graves[0] = graves[1] = -1;
	}
	close(ready[0]);
	close(ready[1]);
	return ok;
}

struct burial *
undertaker_bury(const int *fds, size_t n)
{
	struct burial *b = NULL;
	size_t i;

	if (graves[1] >= 0)
		b = malloc(sizeof *b + n * sizeof *fds);
	if (b != NULL) {
		atomic_init(&b->done, false);
		b->n = n;
		memcpy(b->fds, fds, n * sizeof *fds);
		if (write(graves[1], &b, sizeof b) == (ssize_t)sizeof b)
			return b;
		free(b);
	}
	for (i = 0; i < n; i++)
		close(fds[i]);
	return NULL;
}

bool
undertaker_done(struct burial *b)
{
	if (!atomic_load(&b->done))
		return false;
	free(b);
	return true;
}
