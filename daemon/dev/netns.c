/* SPDX-License-Identifier: ISC */
/*
 * The opening happens in a short-lived child that enters the namespace and
 * hands the descriptor back by SCM_RIGHTS.  Entering and coming back in the
 * parent itself would be cheaper, but coming back needs rights over the
 * namespace that one came from, which a rootless parent may not have; then the
 * whole parent would be stuck in the wrong place.
 *
 * Trusts its caller for the name of the namespace (it comes from tcpd.conf).
 */
#include "config.h"

#include "dev/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the child failed; its report is this and an errno. */
enum stage {
	STAGE_FIND,
	STAGE_ENTER,
	STAGE_OPEN,
	STAGE_DONE
};

struct report {
	enum stage stage;
	int err;
};

static int
open_here(const struct netns_open *w)
{
	int fd;

	if (w->make)
		return w->make(w->arg);
	if (w->path)
		fd = open(w->path, w->flags | O_CLOEXEC);
	else
		fd = socket(w->domain, w->type | SOCK_CLOEXEC, w->protocol);
	return fd < 0 ? -errno : fd;
}

static void
explain_open(const struct netns_open *w, int e, char *err, size_t errlen)
{
	const char *cure = "";

	if (e == EPERM || e == EACCES)
		cure = ": start tcpd as root, or as root of a user namespace "
		       "that owns the network namespace";
	else if (e == ENOENT && w->path && !strcmp(w->path, "/dev/net/tun"))
		cure = ": load the tun module or make the node "
		       "(mknod /dev/net/tun c 10 200)";
	if (w->path)
		snprintf(err, errlen, "%s: %s%s", w->path, strerror(e), cure);
	else
		snprintf(err, errlen, "socket (family %d): %s%s", w->domain,
		    strerror(e), cure);
}

/* The child: sends the report, with the descriptor when there is one. */
static void
send_report(int sock, struct report r, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ctl = {0};
	struct iovec iov = {&r, sizeof r};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = ctl.bytes;
		m.msg_controllen = sizeof ctl.bytes;
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	(void)sendmsg(sock, &m, MSG_NOSIGNAL);
}

static void
child(int sock, const char *path, const struct netns_open *w)
{
	struct report r = {STAGE_FIND, 0};
	int fd = -1, ns = open(path, O_RDONLY | O_CLOEXEC);

	if (ns < 0) {
		r.err = errno;
	} else if (setns(ns, CLONE_NEWNET) < 0) {
		r = (struct report){STAGE_ENTER, errno};
	} else if ((fd = open_here(w)) < 0) {
		r = (struct report){STAGE_OPEN, -fd};
		fd = -1;
	} else {
		r.stage = STAGE_DONE;
	}
	send_report(sock, r, fd);
}

/* The parent: the descriptor, or -1 with the child's report in *r. */
static int
receive_report(int sock, struct report *r)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = {r, sizeof *r};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl.bytes,
	    .msg_controllen = sizeof ctl.bytes};
	struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof *r) {
		*r = (struct report){STAGE_ENTER, n < 0 ? errno : EIO};
		return -1;
	}
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	if (fd < 0 && r->stage == STAGE_DONE)
		*r = (struct report){STAGE_OPEN, EMFILE};
	return fd;
}

/* Runs the child and collects both it and its report. */
static int
ask_child(const char *path, const struct netns_open *w, struct report *r)
{
	int pair[2], fd;
	pid_t pid;

	*r = (struct report){STAGE_ENTER, 0};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r->err = errno;
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		child(pair[1], path, w);
		_exit(0);
	}
	if (pid < 0)
		r->err = errno;
	close(pair[1]);
	fd = pid < 0 ? -1 : receive_report(pair[0], r);
	close(pair[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return fd;
}

int
netns_open(
    const char *netns, const struct netns_open *w, char *err, size_t errlen)
{
	char path[256];
	struct report r;
	int fd;

	if (!netns || !*netns) {
		fd = open_here(w);
		if (fd < 0)
			explain_open(w, -fd, err, errlen);
		return fd;
	}
	if ((size_t)snprintf(path, sizeof path, "%s%s",
		strchr(netns, '/') ? "" : "/run/netns/",
		netns) >= sizeof path) {
		snprintf(err, errlen, "name of the network namespace too long");
		return -ENAMETOOLONG;
	}
	fd = ask_child(path, w, &r);
	if (fd >= 0)
		return fd;
	if (r.stage == STAGE_FIND)
		snprintf(err, errlen,
		    "network namespace %s: %s: make it first (ip netns add)",
		    path, strerror(r.err));
	else if (r.stage == STAGE_ENTER)
		snprintf(err, errlen,
		    "cannot enter the network namespace %s: %s", path,
		    strerror(r.err));
	else
		explain_open(w, r.err, err, errlen);
	return -r.err;
}
