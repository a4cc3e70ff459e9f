/* SPDX-License-Identifier: ISC */
/*
 * One request to rtnetlink and its answer.
 */
#ifndef DEV_RTNL_H
#define DEV_RTNL_H

#include <stddef.h>
#include <libmnl/libmnl.h>

/* A NETLINK_ROUTE socket of netns (see dev/netns.h), or a negative errno and
 * the reason in err. */
int rtnl_open(const char *netns, char *err, size_t errlen);

/* Starts a request in buf, which has room for all of it; flags come
 * on top of NLM_F_REQUEST and NLM_F_ACK. */
struct nlmsghdr *rtnl_request(void *buf, uint16_t type, uint16_t flags);

/* Sends the request and waits for the kernel's verdict: 0 or a negative errno.
 * cb (or NULL) sees the messages of the answer. */
int rtnl_talk(int fd, struct nlmsghdr *req, mnl_cb_t cb, void *arg);

#endif
