/* SPDX-License-Identifier: ISC */
/*
 * rtnetlink by libmnl, one question at a time.  The socket is used by hand, as
 * it may come out of another namespace.  The kernel answers before sendto()
 * returns, so nothing here waits for anything but the processor.
 */
#include "config.h"

#include "dev/rtnl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/types.h>
#include "dev/netns.h"

int
rtnl_open(const char *netns, char *err, size_t errlen)
{
	const struct netns_open what = {
	    .domain = AF_NETLINK, .type = SOCK_RAW, .protocol = NETLINK_ROUTE};

	return netns_open(netns, &what, err, errlen);
}

struct nlmsghdr *
rtnl_request(void *buf, uint16_t type, uint16_t flags)
{
	static uint32_t seq;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++seq;
	return h;
}

int
rtnl_talk(int fd, struct nlmsghdr *req, mnl_cb_t cb, void *arg)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	_Alignas(struct nlmsghdr) char buf[8192];
	ssize_t n;
	int r;

	if (sendto(fd, req, req->nlmsg_len, 0, (const struct sockaddr *)&kernel,
		sizeof kernel) < 0)
		return -errno;
	do {
		do
			n = recv(fd, buf, sizeof buf, 0);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, req->nlmsg_seq, 0, cb, arg);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}
