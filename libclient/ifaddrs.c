/* SPDX-License-Identifier: ISC */
/*
 * getifaddrs(3) and if_nametoindex(3), which ask the kernel inside the C
 * library and are told of tcpd's addresses here; see iface.c.
 *
 * The C library's list stays what it is and ours are hung in between, so that
 * each side frees its own.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "iface.h"
#include "real.h"

/* The netmask is right behind, where no C library has it: by that ours are
 * told from theirs. */
struct listed {
	struct ifaddrs ifa;
	struct sockaddr_storage mask, addr, broad;
	char name[IFNAMSIZ];
	size_t bytes; /* of the first: how long all are */
};

static bool
ours(const struct ifaddrs *a)
{
	const struct listed *l = (const struct listed *)a;

	return (const void *)a->ifa_netmask == &l->mask &&
	       (const void *)a->ifa_addr == &l->addr;
}

static unsigned
flags_of(const struct iface *i)
{
	struct ifreq ifr = {.ifr_flags = 0};

	memcpy(ifr.ifr_name, i->name, sizeof ifr.ifr_name);
	if (i->kernels && iface_ask(AF_UNIX, SIOCGIFFLAGS, &ifr) == 0)
		return (unsigned short)ifr.ifr_flags;
	return IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST;
}

static void
fill(struct listed *l, const struct iface *i, const struct proto_rule *r)
{
	memcpy(l->name, i->name, sizeof l->name);
	iface_sockaddr(i, r, IFACE_ADDRESS, &l->addr);
	iface_sockaddr(i, r, IFACE_MASK, &l->mask);
	iface_sockaddr(i, r, IFACE_BROADCAST, &l->broad);
	l->ifa.ifa_name = l->name;
	l->ifa.ifa_flags = flags_of(i);
	l->ifa.ifa_addr = (struct sockaddr *)&l->addr;
	l->ifa.ifa_netmask = (struct sockaddr *)&l->mask;
	if (l->addr.ss_family == AF_INET && l->ifa.ifa_flags & IFF_BROADCAST)
		l->ifa.ifa_broadaddr = (struct sockaddr *)&l->broad;
}

/* Where those of a family go: behind the loopback's, before the others, and
 * IPv4's before IPv6's. */
static struct ifaddrs **
place(struct ifaddrs **at, int family)
{
	for (; *at != NULL; at = &(*at)->ifa_next) {
		int f = (*at)->ifa_addr != NULL ? (*at)->ifa_addr->sa_family
						: AF_UNSPEC;

		if (f == AF_INET6 && family == AF_INET)
			break;
		if (f == family && !((*at)->ifa_flags & IFF_LOOPBACK))
			break;
	}
	return at;
}

/* Those of a family from block on; returns where the next one goes. */
static struct listed *
insert(struct ifaddrs **list, const struct iface *i, int family,
    struct listed *block)
{
	struct ifaddrs **at = place(list, family);
	const struct proto_rule *r;
	uint32_t from = 0;

	for (; (r = iface_next(i, family, &from)) != NULL; block++) {
		fill(block, i, r);
		block->ifa.ifa_next = *at;
		*at = &block->ifa;
		at = &block->ifa.ifa_next;
	}
	return block;
}

/* All of ours in one piece of memory, which is not the program's allocator's:
 * that may be one that asks for addresses. */
static int
insert_all(struct ifaddrs **list, const struct iface *i)
{
	size_t n = iface_count(i, AF_INET) + iface_count(i, AF_INET6);
	struct listed *block;
	void *p;

	if (n == 0)
		return 0;
	p = mmap(NULL, n * sizeof *block, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	block = p;
	block->bytes = n * sizeof *block;
	insert(list, i, AF_INET6, insert(list, i, AF_INET, block));
	return 0;
}

int
iface_getifaddrs(struct ifaddrs **list)
{
	struct ifaddrs *all = NULL;
	struct iface i;
	int err;

	err = real.getifaddrs(&all);
	if (!iface_find(&i)) {
		if (err == 0)
			*list = all;
		return err;
	}
	/* It may not ask the kernel: then there are ours. */
	if (err != 0)
		all = NULL;
	if (insert_all(&all, &i) != 0) {
		iface_freeifaddrs(all);
		errno = ENOMEM;
		return -1;
	}
	*list = all;
	return 0;
}

void
iface_freeifaddrs(struct ifaddrs *list)
{
	struct ifaddrs **at = &list;
	struct listed *block = NULL, *gone;

	while (*at != NULL) {
		if (!ours(*at)) {
			at = &(*at)->ifa_next;
			continue;
		}
		gone = (struct listed *)*at;
		if (gone->bytes != 0)
			block = gone;
		*at = gone->ifa.ifa_next;
	}
	if (block != NULL)
		munmap(block, block->bytes);
	if (list != NULL)
		real.freeifaddrs(list);
}

unsigned
iface_nametoindex(const char *name)
{
	unsigned index = real.if_nametoindex(name);
	struct iface i;

	if (index != 0 || !iface_find(&i) || i.kernels ||
	    strcmp(name, i.name) != 0)
		return index;
	return i.policy->link;
}

char *
iface_indextoname(unsigned index, char *name)
{
	char *r = real.if_indextoname(index, name);
	struct iface i;

	if (r != NULL || !iface_find(&i) || i.kernels ||
	    index != i.policy->link)
		return r;
	return memcpy(name, i.name, sizeof i.name);
}
