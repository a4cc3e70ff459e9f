/* SPDX-License-Identifier: ISC */
/*
 * Interfaces by rtnetlink.  The old ioctls would do, were it not that the one
 * for the queue length asks for a right over the whole machine, which the root
 * of a user namespace does not have over his own interface.
 */
#include "config.h"

#include "dev/link.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include "dev/rtnl.h"

#define REQUEST_BYTES 512

static bool
name_fits(const char *ifname)
{
	size_t len = strlen(ifname);

	return len > 0 && len < IFNAMSIZ;
}

static int
on_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct link_facts *out = arg;
	const struct nlattr *a;

	out->ifindex = m->ifi_index;
	out->up = m->ifi_flags & IFF_UP;
	out->ethernet = m->ifi_type == ARPHRD_ETHER;
	mnl_attr_for_each (a, h, sizeof *m) {
		switch (mnl_attr_get_type(a)) {
		case IFLA_MTU:
			out->mtu = mnl_attr_get_u32(a);
			break;
		case IFLA_TXQLEN:
			out->txqueuelen = mnl_attr_get_u32(a);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(a) == sizeof out->mac)
				memcpy(out->mac, mnl_attr_get_payload(a),
				    sizeof out->mac);
			else
				out->ethernet = false;
			break;
		default:
			break;
		}
	}
	return MNL_CB_OK;
}

int
link_query(int fd, const char *ifname, struct link_facts *out)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES] = {0};
	struct nlmsghdr *h = rtnl_request(buf, RTM_GETLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

	memset(out, 0, sizeof *out);
	if (!name_fits(ifname))
		return -ENODEV;
	m->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(h, IFLA_IFNAME, ifname);
	return rtnl_talk(fd, h, on_link, out);
}

/* Sets flags (with their mask) and, unless attr is 0, one number. */
static int
set(int fd, const char *ifname, unsigned flags, uint16_t attr, uint32_t value)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES] = {0};
	struct nlmsghdr *h = rtnl_request(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

	if (!name_fits(ifname))
		return -ENODEV;
	m->ifi_family = AF_UNSPEC;
	m->ifi_flags = m->ifi_change = flags;
	mnl_attr_put_strz(h, IFLA_IFNAME, ifname);
	if (attr)
		mnl_attr_put_u32(h, attr, value);
	return rtnl_talk(fd, h, NULL, NULL);
}

int
link_set_mtu(int fd, const char *ifname, uint32_t mtu)
{
	return set(fd, ifname, 0, IFLA_MTU, mtu);
}

int
link_set_txqueuelen(int fd, const char *ifname, uint32_t packets)
{
	return set(fd, ifname, 0, IFLA_TXQLEN, packets);
}

int
link_set_up(int fd, const char *ifname)
{
	return set(fd, ifname, IFF_UP, 0, 0);
}
