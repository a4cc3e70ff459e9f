/* SPDX-License-Identifier: ISC */
/*
 * The trap's loop: one process for a tree of programs, however many.
 *
 * It ends when the last process of the tree has ended, which the descriptor of
 * notifications tells.  Should it be killed, the kernel answers the calls that
 * it was told of, and all later ones, with ENOSYS: they fail, they do not go to
 * the kernel's TCP.  Connections go on, as the program has them itself.
 *
 * A daemon that stands still holds up one call of the tree, and the next ones
 * behind it, as it would in the program.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "dgram.h"
#include "run.h"
#include "sys.h"
#include "trap.h"

/* Linux 6.6: the program's turn comes on our CPU, at once. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#define SYNC_WAKE_UP 1UL

#define EVENTS 64

struct trap trap;

/* A newer kernel's notification may be longer than ours. */
static struct seccomp_notif *
new_notification(size_t *size)
{
	struct seccomp_notif_sizes sizes;
	int r =
	    (int)SYS(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes, 0, 0, 0);

	*size = sizeof(struct seccomp_notif);
	if (r == 0 && sizes.seccomp_notif > *size)
		*size = sizes.seccomp_notif;
	return calloc(1, *size);
}

static void
receive(struct seccomp_notif *n, size_t size)
{
	struct trap_call c;

	memset(n, 0, size);
	/* ENOENT: killed in between. */
	if (ioctl(trap.listener, SECCOMP_IOCTL_NOTIF_RECV, n) != 0)
		return;
	c = (struct trap_call){
	    .id = n->id, .tid = (pid_t)n->pid, .nr = n->data.nr};
	memcpy(c.arg, n->data.args, sizeof c.arg);
	/* Of a PID namespace that we cannot see into. */
	if (c.tid == 0 && c.nr != SYS_socket)
		trap_answer(&c, -EPERM);
	else
		trap_serve(&c);
}

_Noreturn void
trap_loop(int listener, bool no_bypass, int ready)
{
	struct epoll_event ev[EVENTS] = {{.events = EPOLLIN}};
	struct seccomp_notif *n;
	size_t size;
	int i, got;

	trap = (struct trap){.listener = listener,
	    .epoll = epoll_create1(EPOLL_CLOEXEC),
	    .no_bypass = no_bypass,
	    .privileged = geteuid() == 0};
	dgram_seen = true; /* of any program */
	n = new_notification(&size);
	if (n == NULL || trap.epoll < 0 ||
	    epoll_ctl(trap.epoll, EPOLL_CTL_ADD, listener, &ev[0]) != 0 ||
	    (no_bypass && filter_no_sockets() != 0))
		_exit(EXIT_OURS);
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP);
	if (write(ready, "", 1) != 1)
		_exit(EXIT_OURS);
	close(ready);
	for (;;) {
		got = epoll_wait(trap.epoll, ev, EVENTS, trap_look());
		for (i = 0; i < got; i++) {
			if (ev[i].data.ptr != NULL)
				trap_happened(ev[i].data.ptr, ev[i].events);
			else if (ev[i].events & EPOLLIN)
				receive(n, size);
			else if (ev[i].events & EPOLLHUP)
				_exit(0);
		}
	}
}
