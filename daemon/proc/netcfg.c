/* SPDX-License-Identifier: ISC */
/*
 * Addresses and routes by rtnetlink.  Each call opens its own socket: they are
 * a handful at start-up.  Trusts its caller: values come from tcpd.conf.
 */
#include "config.h"

#include "proc/netcfg.h"

#include <arpa/inet.h>
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
	case ENETUNREACH:
		return ": no route to the gateway, give the interface an "
		       "address of the gateway's network first";
	case ENETDOWN:
		return ": the interface is down, bring it up first";
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

int
netcfg_address(const char *netns, const char *ifname, uint32_t addr,
    unsigned prefix, char *err, size_t errlen)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES] = {0};
	struct nlmsghdr *h;
	struct ifaddrmsg *m;
	struct link_facts link;
	int e, fd;

	if (prefix > 32) {
		snprintf(err, errlen, "interface %s: no prefix is %u long",
		    ifname, prefix);
		return -EINVAL;
	}
	fd = begin(netns, ifname, &link, err, errlen);
	if (fd < 0)
		return fd;
	h = rtnl_request(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	m->ifa_family = AF_INET;
	m->ifa_prefixlen = (uint8_t)prefix;
	m->ifa_index = (uint32_t)link.ifindex;
	mnl_attr_put_u32(h, IFA_LOCAL, htonl(addr));
	mnl_attr_put_u32(h, IFA_ADDRESS, htonl(addr));
	if (prefix < 31)
		mnl_attr_put_u32(h, IFA_BROADCAST,
		    htonl(addr | (uint32_t)(0xffffffffull >> prefix)));
	e = rtnl_talk(fd, h, NULL, NULL);
	return finish(
	    fd, e == -EEXIST ? 0 : e, ifname, "add the address", err, errlen);
}

int
netcfg_route(const char *netns, const char *ifname, uint32_t dst,
    unsigned prefix, uint32_t via, char *err, size_t errlen)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES] = {0};
	struct nlmsghdr *h;
	struct rtmsg *m;
	struct link_facts link;
	int fd;

	if (prefix > 32 || (prefix < 32 && dst & (0xffffffffu >> prefix))) {
		snprintf(err, errlen,
		    "interface %s: the route's destination has bits behind "
		    "its prefix of %u",
		    ifname, prefix);
		return -EINVAL;
	}
	fd = begin(netns, ifname, &link, err, errlen);
	if (fd < 0)
		return fd;
	h = rtnl_request(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	m->rtm_family = AF_INET;
	m->rtm_dst_len = (uint8_t)prefix;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	if (prefix)
		mnl_attr_put_u32(h, RTA_DST, htonl(dst));
	if (via)
		mnl_attr_put_u32(h, RTA_GATEWAY, htonl(via));
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)link.ifindex);
	return finish(fd, rtnl_talk(fd, h, NULL, NULL), ifname, "add the route",
	    err, errlen);
}
