/* SPDX-License-Identifier: ISC */
/*
 * tcpd's addresses among those of this machine's interfaces.
 */
#ifndef LIBCLIENT_IFACE_H
#define LIBCLIENT_IFACE_H

#include <ifaddrs.h>
#include <stdbool.h>
#include <stdint.h>
#include <net/if.h>
#include <sys/socket.h>
#include "tcpd/proto.h"

/* The interface that tcpd's addresses are shown on. */
struct iface {
	const struct proto_policy *policy;
	char name[IFNAMSIZ];
	bool kernels; /* knows it by that name */
};

enum iface_what {
	IFACE_ADDRESS,
	IFACE_MASK,
	IFACE_BROADCAST
};

/* false: no daemon, or one that has no interface. */
bool iface_find(struct iface *i);
/* The next of tcpd's addresses of a family from *at on, or NULL. */
const struct proto_rule *iface_next(
    const struct iface *i, int family, uint32_t *at);
uint32_t iface_count(const struct iface *i, int family);
void iface_sockaddr(const struct iface *i, const struct proto_rule *r,
    enum iface_what what, struct sockaddr_storage *out);
/* An ioctl on a socket of the kernel's: 0 or a negative errno. */
int iface_ask(int family, unsigned long req, void *arg);
/* Answers what an Internet socket is asked about interfaces, as far as tcpd's
 * is meant: *r is 0 or a negative errno then.  false: the kernel's to answer,
 * as it is. */
bool iface_ioctl(int family, unsigned long req, void *arg, int *r);

/* The calls of these names. */
int iface_getifaddrs(struct ifaddrs **list);
void iface_freeifaddrs(struct ifaddrs *list);
unsigned iface_nametoindex(const char *name);
char *iface_indextoname(unsigned index, char *name);

#endif
