/* SPDX-License-Identifier: ISC */
/*
 * Which addresses has this machine: getifaddrs(), the ioctls of netdevice(7)
 * and if_nametoindex().  What else the machine has is not said, only what is of
 * the link that all cases are about, and what comes first.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include "cases.h"

static const char *
text(const struct sockaddr *sa)
{
	static char buf[2][INET6_ADDRSTRLEN];
	static int turn;
	union name n;

	if (sa == NULL)
		return "none";
	turn ^= 1;
	memcpy(&n, sa, sa->sa_family == AF_INET ? sizeof n.v4 : sizeof n.v6);
	if (n.family == AF_INET)
		inet_ntop(AF_INET, &n.v4.sin_addr, buf[turn], sizeof buf[turn]);
	else
		inet_ntop(
		    AF_INET6, &n.v6.sin6_addr, buf[turn], sizeof buf[turn]);
	return buf[turn];
}

static bool
is_global(const struct ifaddrs *a)
{
	const struct sockaddr_in6 *sin6 = (void *)a->ifa_addr;

	if (a->ifa_flags & IFF_LOOPBACK || a->ifa_addr == NULL)
		return false;
	return a->ifa_addr->sa_family == AF_INET ||
	       (a->ifa_addr->sa_family == AF_INET6 &&
		   !IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr));
}

/* What a program that looks for its own address takes. */
static void
first_of(int af)
{
	struct ifaddrs *all, *a;

	if (result("getifaddrs", getifaddrs(&all)) != 0)
		return;
	for (a = all; a != NULL; a = a->ifa_next)
		if (is_global(a) && a->ifa_addr->sa_family == af)
			break;
	if (a == NULL) {
		say("family %d: none", af);
	} else {
		say("family %d: %s, mask %s", af, text(a->ifa_addr),
		    text(a->ifa_netmask));
		say("mask's family %d, name %d, flags %d, data %d",
		    a->ifa_netmask->sa_family,
		    strcmp(a->ifa_name, device()) == 0,
		    (a->ifa_flags & (IFF_UP | IFF_RUNNING | IFF_BROADCAST |
					IFF_LOOPBACK)) ==
			(IFF_UP | IFF_RUNNING | IFF_BROADCAST),
		    a->ifa_data != NULL);
		if (af == AF_INET)
			say("broadcast %d",
			    a->ifa_flags & IFF_BROADCAST &&
				a->ifa_broadaddr != NULL &&
				a->ifa_broadaddr->sa_family == AF_INET);
	}
	freeifaddrs(all);
}

/* The order that programs know: links, then IPv4, then IPv6; loopback first. */
static void
listed(void)
{
	struct ifaddrs *all, *a;
	int was = 0, links = 0, loopbacks = 0, falls = 0, now;

	first_of(AF_INET);
	first_of(AF_INET6);
	if (getifaddrs(&all) != 0)
		broken("getifaddrs");
	for (a = all; a != NULL; a = a->ifa_next) {
		now = a->ifa_addr == NULL		   ? 0
		      : a->ifa_addr->sa_family == AF_INET  ? 1
		      : a->ifa_addr->sa_family == AF_INET6 ? 2
							   : 0;
		falls += now < was;
		was = now;
		links += now == 0 && strcmp(a->ifa_name, device()) == 0;
		loopbacks += a->ifa_flags & IFF_LOOPBACK ? 1 : 0;
	}
	say("links %d, loopbacks %d, out of order %d", links, loopbacks, falls);
	freeifaddrs(all);
	freeifaddrs(NULL);
}

static void
ask(const char *what, int fd, unsigned long req, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof *ifr);
	snprintf(ifr->ifr_name, sizeof ifr->ifr_name, "%s", device());
	result(what, ioctl(fd, req, ifr));
}

static void
by_name(int fd)
{
	struct ifreq ifr;

	ask("SIOCGIFADDR", fd, SIOCGIFADDR, &ifr);
	say("%d %s", ifr.ifr_addr.sa_family, text(&ifr.ifr_addr));
	ask("SIOCGIFDSTADDR", fd, SIOCGIFDSTADDR, &ifr);
	ask("SIOCGIFNETMASK", fd, SIOCGIFNETMASK, &ifr);
	say("%d %s", ifr.ifr_addr.sa_family, text(&ifr.ifr_netmask));
	ask("SIOCGIFBRDADDR", fd, SIOCGIFBRDADDR, &ifr);
	say("%d", ifr.ifr_addr.sa_family);
	ask("SIOCGIFMTU", fd, SIOCGIFMTU, &ifr);
	say("%d", ifr.ifr_mtu);
	ask("SIOCGIFFLAGS", fd, SIOCGIFFLAGS, &ifr);
	say("up %d, loopback %d", (ifr.ifr_flags & IFF_UP) != 0,
	    (ifr.ifr_flags & IFF_LOOPBACK) != 0);
	ask("SIOCGIFHWADDR", fd, SIOCGIFHWADDR, &ifr);
	say("Ethernet %d", ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER);
	ask("SIOCGIFINDEX", fd, SIOCGIFINDEX, &ifr);
	say("index %d", ifr.ifr_ifindex == (int)if_nametoindex(device()));
	ifr.ifr_name[0] = '\0';
	result("SIOCGIFNAME", ioctl(fd, SIOCGIFNAME, &ifr));
	say("name %d", strcmp(ifr.ifr_name, device()) == 0);
	result("of a name that nobody has",
	    ioctl(fd, SIOCGIFADDR, &(struct ifreq){.ifr_name = "nosuch0"}));
	result("of the loopback",
	    ioctl(fd, SIOCGIFADDR, &(struct ifreq){.ifr_name = "lo"}));
	result("unreadable", ioctl(fd, SIOCGIFADDR, (void *)8));
	ask("SIOCSIFMTU", fd, SIOCSIFMTU, &ifr);
}

static void
asked_of_stream(void)
{
	by_name(stream(0));
}

static void
asked_of_connection(void)
{
	by_name(linked(0));
}

static void
asked_of_datagram(void)
{
	by_name(socket(family, SOCK_DGRAM, 0));
}

/* SIOCGIFCONF: loopback, then ours; less room, less of them. */
static void
configured(void)
{
	struct ifreq v[64];
	struct ifconf c = {.ifc_len = 0};
	int fd = stream(0), i, all, at = -1;

	result("how many", ioctl(fd, SIOCGIFCONF, &c));
	all = c.ifc_len;
	c = (struct ifconf){.ifc_len = sizeof v, .ifc_req = v};
	result("list", ioctl(fd, SIOCGIFCONF, &c));
	say("as many %d, whole %d", c.ifc_len == all,
	    c.ifc_len % (int)sizeof v[0] == 0);
	for (i = 0; i < c.ifc_len / (int)sizeof v[0]; i++)
		if (at < 0 && strcmp(v[i].ifr_name, "lo") != 0)
			at = i;
	say("at %d: %d, %d %s", at, strcmp(v[at].ifr_name, device()) == 0,
	    v[at].ifr_addr.sa_family, text(&v[at].ifr_addr));
	for (i = 0; i < 3; i++) {
		memset(v, 0x5a, sizeof v);
		c = (struct ifconf){
		    .ifc_len = i * (int)sizeof v[0] + 7, .ifc_req = v};
		result("less room", ioctl(fd, SIOCGIFCONF, &c));
		say("%d of them, beyond untouched %d",
		    c.ifc_len / (int)sizeof v[0],
		    v[2].ifr_name[0] == 0x5a && v[i].ifr_name[0] == 0x5a);
	}
	c = (struct ifconf){.ifc_len = -1, .ifc_req = v};
	result("negative room", ioctl(fd, SIOCGIFCONF, &c));
	c = (struct ifconf){.ifc_len = sizeof v, .ifc_req = (void *)8};
	result("nowhere", ioctl(fd, SIOCGIFCONF, &c));
	result("unreadable", ioctl(fd, SIOCGIFCONF, (void *)8));
}

static void
named(void)
{
	char name[IFNAMSIZ] = "";
	unsigned index = if_nametoindex(device());

	say("index %d", index != 0);
	say("name %d",
	    if_indextoname(index, name) == name && strcmp(name, device()) == 0);
	result("no such name", if_nametoindex("nosuch0") != 0 ? 0 : -1);
	result("no such index", if_indextoname(4711, name) != NULL ? 0 : -1);
}

static const struct shim_case table[] = {
    CASE(listed),
    CASE(asked_of_stream),
    CASE(asked_of_connection),
    CASE(asked_of_datagram),
    CASE(configured),
    CASE(named),
};
const struct subject interfaces_cases = SUBJECT("interfaces", table);
