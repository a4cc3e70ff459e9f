/* SPDX-License-Identifier: ISC */
/*
 * Asking and setting an interface's plain properties by ioctl.  sock is any
 * AF_INET socket out of the interface's network namespace (link_socket).
 * All return 0 or a negative errno.
 */
#ifndef DEV_LINK_H
#define DEV_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_facts {
	int ifindex;
	uint32_t mtu, txqueuelen;
	bool up;
	bool ethernet; /* has a 6-byte Ethernet address, in mac */
	bool loopback;
	uint8_t mac[6];
};

/* A socket for the calls below, or a negative errno and the reason in err. */
int link_socket(const char *netns, char *err, size_t errlen);

int link_query(int sock, const char *ifname, struct link_facts *out);
int link_set_mtu(int sock, const char *ifname, uint32_t mtu);
int link_set_txqueuelen(int sock, const char *ifname, uint32_t n);
int link_set_up(int sock, const char *ifname);

#endif
