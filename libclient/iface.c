/* SPDX-License-Identifier: ISC */
/*
 * Which addresses has this machine?  A program that asks means to tell others
 * where it is, or to listen there, so tcpd's are shown too: with getifaddrs()
 * and the ioctls of netdevice(7), as addresses of the interface that is tcpd's
 * link, or of one more, "tcpd0", where that is not in this network namespace
 * (a sandbox).
 *
 * The kernel's own stay, for what the policy leaves to it; tcpd's come before
 * all but the loopback's, since programs take the first.  Of the link, tcpd's
 * are the addresses: that is where a socket goes that is bound to the device.
 *
 * netlink(7) itself and /proc/net are not touched.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <net/if.h>
#include "iface.h"
#include "ipc/policy.h"
#include "sys.h"
#include "wire.h"

#define NAME_OF_NONE "tcpd0"

int
iface_ask(int family, unsigned long req, void *arg)
{
	int s = sys_socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	/* Where none of the kernel's IP may be had, another answers what is not
	 * of a family. */
	if (s == -EACCES)
		s = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return s;
	err = sys_ioctl(s, req, arg);
	sys_close(s);
	return err;
}

/* The kernel's word; any socket can be asked for what is not of a family. */
static int
ask(unsigned long req, struct ifreq *ifr)
{
	return iface_ask(AF_UNIX, req, ifr);
}

bool
iface_find(struct iface *i)
{
	struct ifreq ifr = {.ifr_ifindex = 0};
	int err;

	i->policy = wire_policy(&err);
	if (i->policy == NULL || i->policy->link == 0)
		return false;
	ifr.ifr_ifindex = (int)i->policy->link;
	i->kernels = ask(SIOCGIFNAME, &ifr) == 0;
	memcpy(i->name, i->kernels ? ifr.ifr_name : NAME_OF_NONE,
	    i->kernels ? sizeof i->name : sizeof NAME_OF_NONE);
	return true;
}

const struct proto_rule *
iface_next(const struct iface *i, int family, uint32_t *at)
{
	const struct proto_rule *r;
	struct ipaddr a;

	while ((r = policy_next_address(i->policy, at)) != NULL) {
		memcpy(a.b, r->addr, sizeof a.b);
		if (ipaddr_is_v4(&a) == (family == AF_INET))
			return r;
	}
	return NULL;
}

uint32_t
iface_count(const struct iface *i, int family)
{
	uint32_t at = 0, n = 0;

	while (iface_next(i, family, &at) != NULL)
		n++;
	return n;
}

void
iface_sockaddr(const struct iface *i, const struct proto_rule *r,
    enum iface_what what, struct sockaddr_storage *out)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct ipaddr a, ones, host;
	unsigned k;

	memcpy(a.b, r->addr, sizeof a.b);
	memset(&ones, 0xff, sizeof ones);
	/* Not known: alone on its link. */
	ones = ipaddr_masked(&ones, r->net_plen != 0 ? r->net_plen : 128);
	host = a;
	for (k = 0; k < sizeof a.b; k++) {
		if (what == IFACE_MASK)
			host.b[k] = ones.b[k];
		else if (what == IFACE_BROADCAST)
			host.b[k] |= (uint8_t)~ones.b[k];
	}
	memset(out, 0, sizeof *out);
	if (ipaddr_is_v4(&a)) {
		memcpy(&sin.sin_addr, host.b + 12, sizeof sin.sin_addr);
		memcpy(out, &sin, sizeof sin);
		return;
	}
	memcpy(&sin6.sin6_addr, host.b, sizeof sin6.sin6_addr);
	if (what == IFACE_ADDRESS && ipaddr_is_link_local(&a))
		sin6.sin6_scope_id = i->policy->link;
	memcpy(out, &sin6, sizeof sin6);
}

/* ---- ioctl ---- */

/* How many of the n entries the loopback's are, which come first. */
static size_t
loopbacks(const struct ifreq *v, size_t n)
{
	struct sockaddr_in sin;
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(&sin, &v[i].ifr_addr, sizeof sin);
		if (ntohl(sin.sin_addr.s_addr) >> 24 != 127)
			break;
	}
	return i;
}

static void
put(const struct iface *i, const struct proto_rule *r, enum iface_what what,
    struct ifreq *ifr)
{
	struct sockaddr_storage sa;

	iface_sockaddr(i, r, what, &sa);
	memcpy(&ifr->ifr_addr, &sa, sizeof ifr->ifr_addr);
}

/* SIOCGIFCONF: ours into the kernel's list, as far as there is room. */
static int
list_v4(const struct iface *i, struct ifconf *c)
{
	size_t ours = iface_count(i, AF_INET), room, have, first, k;
	const struct proto_rule *r;
	uint32_t at = 0;
	int err, bytes;

	if (!sys_mapped(c, sizeof *c))
		return -EFAULT;
	bytes = c->ifc_len;
	err = iface_ask(AF_INET, SIOCGIFCONF, c);
	if (c->ifc_buf == NULL) {
		c->ifc_len = (err == 0 ? c->ifc_len : 0) +
			     (int)(ours * sizeof *c->ifc_req);
		return 0;
	}
	have = err == 0 ? (size_t)c->ifc_len / sizeof *c->ifc_req : 0;
	room = bytes > 0 ? (size_t)bytes / sizeof *c->ifc_req : 0;
	first = loopbacks(c->ifc_req, have);
	if (ours > room - first)
		ours = room - first;
	if (!sys_mapped(c->ifc_req, room * sizeof *c->ifc_req))
		return -EFAULT;
	if (have > room - ours)
		have = room - ours;
	memmove(c->ifc_req + first + ours, c->ifc_req + first,
	    (have - first) * sizeof *c->ifc_req);
	for (k = 0; k < ours && (r = iface_next(i, AF_INET, &at)); k++) {
		struct ifreq *ifr = &c->ifc_req[first + k];

		memset(ifr, 0, sizeof *ifr);
		memcpy(ifr->ifr_name, i->name, sizeof ifr->ifr_name);
		put(i, r, IFACE_ADDRESS, ifr);
	}
	c->ifc_len = (int)((have + ours) * sizeof *c->ifc_req);
	return 0;
}

/* What is asked of an interface that the kernel has not: false, nor have we. */
static bool
ask_none(const struct iface *i, unsigned long req, struct ifreq *ifr)
{
	switch (req) {
	case SIOCGIFFLAGS:
		ifr->ifr_flags =
		    IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST;
		return true;
	case SIOCGIFINDEX:
		ifr->ifr_ifindex = (int)i->policy->link;
		return true;
	case SIOCGIFHWADDR: /* it has none that anybody here could use */
		ifr->ifr_hwaddr = (struct sockaddr){.sa_family = ARPHRD_NONE};
		return true;
	case SIOCGIFMETRIC:
		ifr->ifr_metric = 0;
		return true;
	default:
		return false;
	}
}

/* SIOCGIFADDR and its like: the first of ours. */
static bool
ask_address(const struct iface *i, unsigned long req, struct ifreq *ifr)
{
	uint32_t at = 0;
	const struct proto_rule *r = iface_next(i, AF_INET, &at);

	if (r == NULL)
		return false;
	switch (req) {
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
		put(i, r, IFACE_ADDRESS, ifr);
		return true;
	case SIOCGIFNETMASK:
		put(i, r, IFACE_MASK, ifr);
		return true;
	case SIOCGIFBRDADDR:
		put(i, r, IFACE_BROADCAST, ifr);
		return true;
	default:
		return false;
	}
}

static bool
ask_by_name(
    const struct iface *i, int family, unsigned long req, struct ifreq *ifr)
{
	if (strncmp(ifr->ifr_name, i->name, sizeof i->name) != 0)
		return false;
	/* Those of IPv6 have no such request. */
	if (family == AF_INET && ask_address(i, req, ifr))
		return true;
	if (req == SIOCGIFMTU && i->policy->mtu != 0) {
		ifr->ifr_mtu = (int)i->policy->mtu;
		return true;
	}
	return !i->kernels && ask_none(i, req, ifr);
}

bool
iface_ioctl(int family, unsigned long req, void *arg, int *r)
{
	struct ifreq *ifr = arg;
	struct iface i;

	switch (req) {
	case SIOCGIFCONF:
	case SIOCGIFNAME:
	case SIOCGIFFLAGS:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
		break;
	default:
		return false;
	}
	if (!iface_find(&i))
		return false;
	if (req == SIOCGIFCONF) {
		*r = list_v4(&i, arg);
		return true;
	}
	if (!sys_mapped(ifr, sizeof *ifr))
		return false;
	*r = 0;
	if (req != SIOCGIFNAME)
		return ask_by_name(&i, family, req, ifr);
	if (i.kernels || (uint32_t)ifr->ifr_ifindex != i.policy->link)
		return false;
	memcpy(ifr->ifr_name, i.name, sizeof ifr->ifr_name);
	return true;
}
