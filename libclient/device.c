/* SPDX-License-Identifier: ISC */
/*
 * SO_BINDTODEVICE and SO_BINDTOIFINDEX.  tcpd has one link, and the policy says
 * which interface of this network namespace that is: a socket may be bound to
 * it, which changes nothing, for all that is tcpd's goes there.  The loopback's
 * is the kernel's, and so is a socket from then on that is bound to it; others
 * are ENODEV, for what the policy gives to tcpd shall not leave by them unseen.
 * What is kept is the index, as an option like others, so accepted connections
 * and the kernel's twin have it.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <net/if.h>
#include <netinet/in.h>
#include "device.h"
#include "iface.h"
#include "ipc/policy.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

int
device_index(const void *val, socklen_t len, int *index)
{
	struct ifreq ifr = {.ifr_ifindex = 0};
	int err;

	if ((int)len < 0)
		return -EINVAL;
	if (len > IFNAMSIZ - 1)
		len = IFNAMSIZ - 1;
	if (!sys_mapped(val, len))
		return -EFAULT;
	memcpy(ifr.ifr_name, val, len);
	*index = 0;
	if (ifr.ifr_name[0] == '\0')
		return 0;
	err = sock_ask_interface(AF_INET, SIOCGIFINDEX, &ifr);
	if (err != 0)
		return -ENODEV;
	*index = ifr.ifr_ifindex;
	return 0;
}

int
device_name(int index, void *val, socklen_t *len)
{
	struct ifreq ifr = {.ifr_ifindex = index};
	int err;

	if (index == 0) {
		*len = 0;
		return 0;
	}
	if (*len < IFNAMSIZ)
		return -EINVAL;
	err = sock_ask_interface(AF_INET, SIOCGIFNAME, &ifr);
	if (err != 0)
		return err;
	*len = (socklen_t)strnlen(ifr.ifr_name, IFNAMSIZ - 1) + 1;
	memcpy(val, ifr.ifr_name, *len);
	return 0;
}

/* The loopback's, where that is the kernel's, and what is no interface, to
 * which Linux takes a socket as well.  Both are for the kernel, and lead
 * nowhere. */
static bool
harmless(int index)
{
	struct ifreq ifr = {.ifr_ifindex = index};
	const struct endpoint loop = {.addr = ipaddr_v4(INADDR_LOOPBACK)};
	struct policy_verdict v;
	uint32_t generation;

	if (iface_ask(AF_UNIX, SIOCGIFNAME, &ifr) != 0)
		return true;
	return iface_ask(AF_UNIX, SIOCGIFFLAGS, &ifr) == 0 &&
	       ifr.ifr_flags & IFF_LOOPBACK &&
	       sock_judge(&loop, false, &v, &generation) == 0 &&
	       v.action == PROTO_KERNEL;
}

int
device_check(int before, int index)
{
	const struct proto_policy *p;
	int err;

	/* As Linux does with who has not CAP_NET_RAW. */
	if (before != 0)
		return -EPERM;
	if (index < 0)
		return -EINVAL;
	if (index == 0)
		return 0;
	p = wire_policy(&err);
	if (p == NULL)
		return err;
	return (uint32_t)index == p->link || harmless(index) ? 0 : -ENODEV;
}
