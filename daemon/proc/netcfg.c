/* SPDX-License-Identifier: ISC */
/*
 * Links and addresses by rtnetlink.  Each call opens its own socket: they are
 * a handful at start-up.  Trusts its caller: values come from tcpd.conf.
 */
#include "config.h"

#include "proc/netcfg.h"

#include <sys/socket.h>

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/rtnetlink.h>
#include "dev/rtnl.h"

#define REQUEST_BYTES 512

/* The cure that belongs to an errno whatever was tried. */
static const char *
cure(int e)
{
	switch (-e) {
	case EPERM:
	case EACCES:
		return ": start tcpd as root, or as root of a user namespace "
		       "that owns the network namespace";
	case ENODEV:
		return ": no such interface, see ip link";
	default:
		return "";
	}
}

/* A socket, and the interface's facts; its errors are worded. */
static int
begin(const char *netns, const char *ifname, struct link_facts *link, char *err,
    size_t errlen)
{
	int e, fd = rtnl_open(netns, err, errlen);

	if (fd < 0)
		return fd;
	e = link_query(fd, ifname, link);
	if (e == 0)
		return fd;
	close(fd);
	snprintf(err, errlen, "interface %s%s%s: %s%s", ifname,
	    netns && *netns ? " in namespace " : "", netns ? netns : "",
	    strerror(-e), e == -ENODEV ? ": see ip link" : cure(e));
	return e;
}

/* Words the failure of what was tried, closes the socket. */
static int
finish(int fd, int e, const char *ifname, const char *what, char *err,
    size_t errlen)
{
	close(fd);
	if (e)
		snprintf(err, errlen, "interface %s: cannot %s: %s%s", ifname,
		    what, strerror(-e), cure(e));
	return e;
}

int
netcfg_query(const char *netns, const char *ifname, struct link_facts *out,
    char *err, size_t errlen)
{
	int fd = begin(netns, ifname, out, err, errlen);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int
netcfg_link(const char *netns, const char *ifname, uint32_t mtu,
    uint32_t txqueuelen, char *err, size_t errlen)
{
	const char *what = "set the MTU";
	struct link_facts link;
	int e = 0, fd = begin(netns, ifname, &link, err, errlen);

	if (fd < 0)
		return fd;
	if (mtu && mtu != link.mtu)
		e = link_set_mtu(fd, ifname, mtu);
	if (!e && txqueuelen && txqueuelen != link.txqueuelen) {
		what = "set txqueuelen";
		e = link_set_txqueuelen(fd, ifname, txqueuelen);
	}
	if (!e && !link.up) {
		what = "bring it up";
		e = link_set_up(fd, ifname);
	}
	return finish(fd, e, ifname, what, err, errlen);
}

/* The address of a request, for both families. */
static void
put_addr(struct nlmsghdr *h, uint16_t type, const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		mnl_attr_put(h, type, 4, a->b + 12);
	else
		mnl_attr_put(h, type, 16, a->b);
}

int
netcfg_address(const char *netns, const char *ifname, const struct ipaddr *addr,
    unsigned plen, char *err, size_t errlen)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES] = {0};
	bool v4 = ipaddr_is_v4(addr);
	struct nlmsghdr *h;
	struct ifaddrmsg *m;
	struct link_facts link;
	struct ipaddr all;
	int e, fd;

	if (plen > 128 || (v4 && plen < 96)) {
		snprintf(
		    err, errlen, "interface %s: no prefix is so long", ifname);
		return -EINVAL;
	}
	fd = begin(netns, ifname, &link, err, errlen);
	if (fd < 0)
		return fd;
	h = rtnl_request(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	m->ifa_family = v4 ? AF_INET : AF_INET6;
	m->ifa_prefixlen = (uint8_t)(v4 ? plen - 96 : plen);
	m->ifa_index = (uint32_t)link.ifindex;
	/* We are the only other station, and have another address. */
	m->ifa_flags = v4 ? 0 : IFA_F_NODAD;
	put_addr(h, IFA_LOCAL, addr);
	put_addr(h, IFA_ADDRESS, addr);
	if (v4 && plen < 127) {
		all = ipaddr_v4(ipaddr_to_v4(addr) | UINT32_MAX >> (plen - 96));
		put_addr(h, IFA_BROADCAST, &all);
	}
	e = rtnl_talk(fd, h, NULL, NULL);
	if (!v4 && (e == -EACCES || e == -EOPNOTSUPP)) {
		close(fd);
		snprintf(err, errlen,
		    "interface %s: the kernel has IPv6 switched off there: "
		    "sysctl net.ipv6.conf.%s.disable_ipv6=0, or leave out its "
		    "IPv6 host_address",
		    ifname, ifname);
		return e;
	}
	return finish(
	    fd, e == -EEXIST ? 0 : e, ifname, "add the address", err, errlen);
}
