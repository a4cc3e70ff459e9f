/* SPDX-License-Identifier: ISC */
/*
 * Asking and setting an interface's plain properties.  fd is a socket from
 * rtnl_open() in the interface's namespace.  All return 0 or a negative errno;
 * -ENODEV: there is no such interface.
 */
#ifndef DEV_LINK_H
#define DEV_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct link_facts {
	int ifindex;
	uint32_t mtu, txqueuelen;
	bool up;
	bool ethernet; /* has an Ethernet address, in mac */
	uint8_t mac[6];
};

int link_query(int fd, const char *ifname, struct link_facts *out);
int link_set_mtu(int fd, const char *ifname, uint32_t mtu);
int link_set_txqueuelen(int fd, const char *ifname, uint32_t packets);
int link_set_up(int fd, const char *ifname);

#endif
