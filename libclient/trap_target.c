/* SPDX-License-Identifier: ISC */
/*
 * The program's memory and descriptors, seen from the trap.
 *
 * A notification names a thread by its number, which means that thread for as
 * long as the notification is valid.  So the order is: read the memory, take
 * the descriptor, see that the notification is valid, and only then believe
 * what was read and act.  Everything is copied once; the program may change
 * its memory at any time.  Before something is written the same is asked; what
 * is left is a thread killed, and its number taken by another process of the
 * same user, between two system calls.
 *
 * Descriptors are those of the very thread where the kernel can say so
 * (PIDFD_THREAD, Linux 6.9), else those of its process's first one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "sys.h"
#include "trap.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* ---- what /proc says ---- */

static uint64_t
field(const char *text, const char *name, int base)
{
	const char *p = strstr(text, name);

	return p != NULL ? strtoull(p + strlen(name), NULL, base) : 0;
}

static bool
read_proc(pid_t tid, const char *file, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool
trap_status(pid_t tid, struct trap_status *s)
{
	char text[4096];
	const char *uids;
	char *end;

	if (!read_proc(tid, "status", text, sizeof text) ||
	    (uids = strstr(text, "\nUid:")) == NULL)
		return false;
	strtoul(uids + 5, &end, 10);
	s->euid = (uid_t)strtoul(end, NULL, 10);
	s->tgid = (pid_t)field(text, "\nTgid:", 10);
	s->fdsize = (long)field(text, "\nFDSize:", 10);
	s->threads = (long)field(text, "\nThreads:", 10);
	s->pending = field(text, "\nSigPnd:", 16);
	s->shared = field(text, "\nShdPnd:", 16);
	s->blocked = field(text, "\nSigBlk:", 16);
	return true;
}

bool
trap_elsewhere(const struct trap_call *c)
{
	static struct stat own;
	struct stat st;
	char path[64];

	if (own.st_ino == 0 && stat("/proc/self/ns/net", &own) != 0)
		return true;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)c->tid);
	return stat(path, &st) != 0 || st.st_ino != own.st_ino ||
	       st.st_dev != own.st_dev;
}

static long
count_entries(const char *path)
{
	DIR *d = opendir(path);
	long n = -2; /* "." and ".." */

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

bool
trap_has_room(const struct trap_call *c)
{
	struct trap_status s;
	struct rlimit lim;
	struct stat st;
	char path[64];

	if (prlimit(c->tid, RLIMIT_NOFILE, NULL, &lim) != 0)
		return true;
	snprintf(path, sizeof path, "/proc/%d/fd", (int)c->tid);
	/* Linux 6.2 gives their number as the directory's size. */
	if (stat(path, &st) == 0 && st.st_size > 0)
		return (rlim_t)st.st_size < lim.rlim_cur;
	if (!trap_status(c->tid, &s) || (rlim_t)s.fdsize < lim.rlim_cur)
		return true;
	return (rlim_t)count_entries(path) < lim.rlim_cur;
}

/* ---- memory ---- */

int
trap_read(const struct trap_call *c, uint64_t addr, void *buf, size_t n)
{
	struct iovec here = {buf, n}, there = {(void *)(uintptr_t)addr, n};

	if (n == 0)
		return 0;
	return process_vm_readv(c->tid, &here, 1, &there, 1, 0) == (ssize_t)n
		   ? 0
		   : -EFAULT;
}

int
trap_write(const struct trap_call *c, uint64_t addr, const void *buf, size_t n)
{
	struct iovec here = {(void *)(uintptr_t)buf, n};
	struct iovec there = {(void *)(uintptr_t)addr, n};

	if (n == 0)
		return 0;
	if (!trap_valid(c))
		return -ESRCH;
	return process_vm_writev(c->tid, &here, 1, &there, 1, 0) == (ssize_t)n
		   ? 0
		   : -EFAULT;
}

/* ---- descriptors ---- */

/* The pidfd of a thread stays with that thread, so the last ones are kept; that
 * of a process would outlive the thread whose number it was asked by. */
static struct pidfd {
	pid_t tid;
	int fd;
} known[64];

static int
pidfd_of(pid_t tid, struct pidfd **slot)
{
	struct trap_status s;
	int fd;

	fd = (int)SYS(SYS_pidfd_open, tid, PIDFD_THREAD, 0, 0, 0, 0);
	if (fd == -EINVAL) {
		*slot = NULL;
		return trap_status(tid, &s)
			   ? (int)SYS(SYS_pidfd_open, s.tgid, 0, 0, 0, 0, 0)
			   : -ESRCH;
	}
	if (fd < 0)
		return fd;
	*slot = &known[(unsigned)tid % (sizeof known / sizeof known[0])];
	if ((*slot)->tid != 0)
		close((*slot)->fd);
	**slot = (struct pidfd){tid, fd};
	return fd;
}

int
trap_getfd(const struct trap_call *c, int fd)
{
	struct pidfd *slot =
	    &known[(unsigned)c->tid % (sizeof known / sizeof known[0])];
	int pidfd, r;

	if (slot->tid == c->tid) {
		r = (int)SYS(SYS_pidfd_getfd, slot->fd, fd, 0, 0, 0, 0);
		if (r != -ESRCH)
			return r;
	}
	pidfd = pidfd_of(c->tid, &slot);
	if (pidfd < 0)
		return pidfd;
	r = (int)SYS(SYS_pidfd_getfd, pidfd, fd, 0, 0, 0, 0);
	if (slot == NULL)
		close(pidfd);
	return r;
}

static bool
has_cloexec(const struct trap_call *c, int fd)
{
	char file[32], text[512];

	snprintf(file, sizeof file, "fdinfo/%d", fd);
	return read_proc(c->tid, file, text, sizeof text) &&
	       field(text, "flags:", 8) & O_CLOEXEC;
}

/* ---- answers ---- */

bool
trap_valid(const struct trap_call *c)
{
	uint64_t id = c->id;

	return ioctl(trap.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static bool
respond(struct seccomp_notif_resp *r)
{
	return ioctl(trap.listener, SECCOMP_IOCTL_NOTIF_SEND, r) == 0;
}

bool
trap_answer(const struct trap_call *c, long result)
{
	struct seccomp_notif_resp r = {.id = c->id,
	    .val = result < 0 ? 0 : result,
	    .error = result < 0 ? (int)result : 0};

	return respond(&r);
}

bool
trap_continue(const struct trap_call *c)
{
	struct seccomp_notif_resp r = {
	    .id = c->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	return respond(&r);
}

bool
trap_give(const struct trap_call *c, int fd, bool cloexec)
{
	struct seccomp_notif_addfd a = {.id = c->id,
	    .flags = SECCOMP_ADDFD_FLAG_SEND,
	    .srcfd = (uint32_t)fd,
	    .newfd_flags = cloexec ? O_CLOEXEC : 0};
	int err;

	if (ioctl(trap.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a) >= 0)
		return true;
	err = errno;
	return err != ENOENT && trap_answer(c, -err);
}

int
trap_put(const struct trap_call *c, int fd, int at)
{
	struct seccomp_notif_addfd a = {.id = c->id,
	    .flags = SECCOMP_ADDFD_FLAG_SETFD,
	    .srcfd = (uint32_t)fd,
	    .newfd = (uint32_t)at,
	    .newfd_flags = has_cloexec(c, at) ? O_CLOEXEC : 0};

	return ioctl(trap.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a) < 0 ? -errno
								       : 0;
}
