/* SPDX-License-Identifier: ISC */
/*
 * The C library's own functions, for what is not ours: a foreign descriptor
 * gets exactly the call that the program made.
 *
 * The table starts with plain system calls and is switched over to the next
 * library's symbols by a constructor, so that a call made before that (an
 * allocator's constructor that reads a file) neither recurses nor allocates.
 */
#ifndef LIBCLIENT_REAL_H
#define LIBCLIENT_REAL_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct ifaddrs;
struct mmsghdr;

struct real {
	int (*socket)(int, int, int);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*listen)(int, int);
	int (*accept4)(int, struct sockaddr *, socklen_t *, int);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*getpeername)(int, struct sockaddr *, socklen_t *);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*shutdown)(int, int);
	int (*ioctl)(int, unsigned long, ...);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*readv)(int, const struct iovec *, int);
	ssize_t (*recvfrom)(
	    int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*writev)(int, const struct iovec *, int);
	ssize_t (*sendto)(
	    int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned, int);
	int (*recvmmsg)(
	    int, struct mmsghdr *, unsigned, int, struct timespec *);
	ssize_t (*sendfile)(int, int, off_t *, size_t);
	ssize_t (*splice)(int, int64_t *, int, int64_t *, size_t, unsigned);
	int (*epoll_ctl)(int, int, int, struct epoll_event *);
	long (*syscall)(long, ...);
	int (*getifaddrs)(struct ifaddrs **);
	void (*freeifaddrs)(struct ifaddrs *);
	unsigned (*if_nametoindex)(const char *);
	char *(*if_indextoname)(unsigned, char *);
};

extern struct real real;

/* The next library's function of that name, if there is one, to *slot. */
void real_resolve(const char *name, void *slot);

#endif
