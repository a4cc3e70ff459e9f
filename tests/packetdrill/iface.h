/* SPDX-License-Identifier: ISC */
/*
 * What packetdrill expects of a library that it loads with --so_filename: one
 * function that fills in this structure.  Each member does what the system
 * call of its name does, with userdata in front; errno is set as there.
 *
 * The order of the members is packetdrill's; everything else here is ours.
 */
#ifndef PACKETDRILL_IFACE_H
#define PACKETDRILL_IFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
	void *userdata;
	void (*free)(void *u);

	int (*socket)(void *u, int domain, int type, int protocol);
	int (*bind)(void *u, int fd, const struct sockaddr *a, socklen_t n);
	int (*listen)(void *u, int fd, int backlog);
	int (*accept)(void *u, int fd, struct sockaddr *a, socklen_t *n);
	int (*connect)(void *u, int fd, const struct sockaddr *a, socklen_t n);

	ssize_t (*read)(void *u, int fd, void *buf, size_t len);
	ssize_t (*readv)(void *u, int fd, const struct iovec *iov, int n);
	ssize_t (*recv)(void *u, int fd, void *buf, size_t len, int flags);
	ssize_t (*recvfrom)(void *u, int fd, void *buf, size_t len, int flags,
	    struct sockaddr *a, socklen_t *n);
	ssize_t (*recvmsg)(void *u, int fd, struct msghdr *m, int flags);

	ssize_t (*write)(void *u, int fd, const void *buf, size_t len);
	ssize_t (*writev)(void *u, int fd, const struct iovec *iov, int n);
	ssize_t (*send)(
	    void *u, int fd, const void *buf, size_t len, int flags);
	ssize_t (*sendto)(void *u, int fd, const void *buf, size_t len,
	    int flags, const struct sockaddr *a, socklen_t n);
	ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *m, int flags);

	int (*fcntl)(void *u, int fd, int cmd, ...);
	int (*ioctl)(void *u, int fd, unsigned long request, ...);
	int (*close)(void *u, int fd);
	int (*shutdown)(void *u, int fd, int how);
	int (*getsockopt)(
	    void *u, int fd, int level, int name, void *val, socklen_t *len);
	int (*setsockopt)(void *u, int fd, int level, int name, const void *val,
	    socklen_t len);
	int (*poll)(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);

	/* One raw IP packet for the stack; 0 when it has been dealt with. */
	int (*netdev_send)(void *u, const void *packet, size_t len);
	/* Waits for a packet of the stack's.  *len: the room, then the length
	 * (0: none will come); *us: when it was sent. */
	int (*netdev_receive)(
	    void *u, void *packet, size_t *len, long long *us);

	/* The clock that the script runs by. */
	int (*usleep)(void *u, useconds_t us);
	int (*gettimeofday)(void *u, struct timeval *tv, struct timezone *tz);

	int (*epoll_create)(void *u, int size);
	int (*epoll_ctl)(
	    void *u, int epfd, int op, int fd, struct epoll_event *ev);
	int (*epoll_wait)(void *u, int epfd, struct epoll_event *evs, int max,
	    int timeout_ms);
	int (*pipe)(void *u, int fds[2]);
	int (*splice)(void *u, int in, loff_t *in_off, int out, loff_t *out_off,
	    size_t len, unsigned int flags);
};

void packetdrill_interface_init(
    const char *flags, struct packetdrill_interface *out);

#endif
