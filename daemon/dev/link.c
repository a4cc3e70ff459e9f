/* SPDX-License-Identifier: ISC */
/*
 * The old interface ioctls: they are enough for what a device needs, cost one
 * socket and no library.  Addresses and routes go by rtnetlink, in
 * proc/netcfg.c.
 */
#include "config.h"

#include "dev/link.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "dev/netns.h"

int
link_socket(const char *netns, char *err, size_t errlen)
{
	const struct netns_open what = {
	    .domain = AF_INET, .type = SOCK_DGRAM, .protocol = 0};

	return netns_open(netns, &what, err, errlen);
}

/* A request for ifname; -ENODEV when no interface can have that name. */
static int
make_request(struct ifreq *r, const char *ifname)
{
	size_t len = strlen(ifname);

	memset(r, 0, sizeof *r);
	if (len == 0 || len >= sizeof r->ifr_name)
		return -ENODEV;
	memcpy(r->ifr_name, ifname, len);
	return 0;
}

static int
call(int sock, unsigned long req, struct ifreq *r)
{
	return ioctl(sock, req, r) < 0 ? -errno : 0;
}

int
link_query(int sock, const char *ifname, struct link_facts *out)
{
	struct ifreq r;
	int e;

	memset(out, 0, sizeof *out);
	if ((e = make_request(&r, ifname)) ||
	    (e = call(sock, SIOCGIFINDEX, &r)))
		return e;
	out->ifindex = r.ifr_ifindex;
	if ((e = call(sock, SIOCGIFMTU, &r)))
		return e;
	out->mtu = (uint32_t)r.ifr_mtu;
	if ((e = call(sock, SIOCGIFTXQLEN, &r)))
		return e;
	out->txqueuelen = (uint32_t)r.ifr_qlen;
	if ((e = call(sock, SIOCGIFHWADDR, &r)))
		return e;
	out->ethernet = r.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(out->mac, r.ifr_hwaddr.sa_data, sizeof out->mac);
	if ((e = call(sock, SIOCGIFFLAGS, &r)))
		return e;
	out->up = r.ifr_flags & IFF_UP;
	out->loopback = r.ifr_flags & IFF_LOOPBACK;
	return 0;
}

int
link_set_mtu(int sock, const char *ifname, uint32_t mtu)
{
	struct ifreq r;
	int e = make_request(&r, ifname);

	r.ifr_mtu = (int)mtu;
	return e ? e : call(sock, SIOCSIFMTU, &r);
}

int
link_set_txqueuelen(int sock, const char *ifname, uint32_t n)
{
	struct ifreq r;
	int e = make_request(&r, ifname);

	r.ifr_qlen = (int)n;
	return e ? e : call(sock, SIOCSIFTXQLEN, &r);
}

int
link_set_up(int sock, const char *ifname)
{
	struct ifreq r;
	int e = make_request(&r, ifname);

	if (e || (e = call(sock, SIOCGIFFLAGS, &r)))
		return e;
	if (r.ifr_flags & IFF_UP)
		return 0;
	r.ifr_flags |= IFF_UP;
	return call(sock, SIOCSIFFLAGS, &r);
}
