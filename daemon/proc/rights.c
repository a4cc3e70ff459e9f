/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that clients send.
 *
 * The last close of one may take for ever (undertaker.c), and the kernel closes
 * what lies in the queue of a socket that we close or read without room for it.
 * So none may come that was not asked for: the sockets of programs and of
 * clients refuse them (SO_PASSRIGHTS) until a request needs one, and what comes
 * then is closed here only if it was looked at and is harmless.
 *
 * Bounds: a user has at most ASKED_PER_UID clients that may send, and none with
 * UNBURIED_PER_UID useless descriptors not closed yet.  Honest clients send one
 * that is useless when its connection ends at that moment, and a listener after
 * they changed their user, whose queue nobody has looked into.
 */
#include "config.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ipc/msg.h"
#include "proc/engine.h"
#include "proc/undertaker.h"

/* Forgets the burials that are over. */
static void
sweep(struct engine *e)
{
	struct grave *g, *next;
	struct account *a;

	for (g = LIST_FIRST(&e->graves); g != NULL; g = next) {
		next = LIST_NEXT(g, link);
		if (!undertaker_done(g->b))
			continue;
		a = g->acct;
		LIST_REMOVE(g, link);
		a->unburied -= (uint32_t)g->n;
		free(g);
		account_put(e, a);
	}
}

bool
rights_ask(struct visit *v)
{
	struct account *a = v->acct;

	if (a->unburied > 0)
		sweep(v->e);
	if (v->asked || a->unburied >= UNBURIED_PER_UID ||
	    a->asked >= ASKED_PER_UID)
		return false;
	v->asked = true;
	a->asked++;
	(void)msg_allow_fds(v->fd, true);
	return true;
}

ssize_t
rights_recv(
    struct visit *v, void *buf, size_t len, int fds[RIGHTS_MAX], size_t *n)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
	} ctl;
	struct iovec iov = {buf, len};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl.space,
	    .msg_controllen = sizeof ctl.space};
	struct cmsghdr *h;
	ssize_t r;

	*n = 0;
	if (!v->asked)
		return recv(v->fd, buf, len, MSG_DONTWAIT);
	r = recvmsg(v->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	h = r < 0 ? NULL : CMSG_FIRSTHDR(&m);
	if (h != NULL && h->cmsg_level == SOL_SOCKET &&
	    h->cmsg_type == SCM_RIGHTS) {
		*n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(h), *n * sizeof(int));
	}
	return r;
}

void
rights_bury(struct visit *v, const int *fds, size_t n)
{
	struct grave *g = malloc(sizeof *g);
	struct burial *b = undertaker_bury(fds, n);

	if (g == NULL || b == NULL) {
		free(g);
		return;
	}
	g->acct = v->acct;
	g->b = b;
	g->n = n;
	v->acct->unburied += (uint32_t)n;
	LIST_INSERT_HEAD(&v->e->graves, g, link);
}

void
rights_leave(struct visit *v)
{
	int have = 0;

	if (v->asked) {
		v->acct->asked--;
		(void)msg_allow_fds(v->fd, false);
		if (ioctl(v->fd, FIONREAD, &have) == 0 && have > 0) {
			drop_count(v->e->drops, DROP_IPC_MALFORMED);
			rights_bury(v, &v->fd, 1);
			return;
		}
	}
	close(v->fd);
}

void
rights_done(struct engine *e)
{
	struct grave *g;

	sweep(e);
	while ((g = LIST_FIRST(&e->graves)) != NULL) {
		LIST_REMOVE(g, link);
		g->acct->unburied -= (uint32_t)g->n;
		free(g); /* the burial itself is the thread's for ever */
	}
}
