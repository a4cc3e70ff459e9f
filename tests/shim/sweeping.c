/* SPDX-License-Identifier: ISC */
/*
 * Every number of an option at every level that a socket of TCP has, whether
 * anybody has given it a meaning or not: what lengths get and set take, in each
 * state of a socket.  What values mean is options.c's; here only nothing is
 * set, which is every option's default or no value of it at all.
 */
#include "cases.h"

static const unsigned sizes[] = {0, 1, 4, 8, 16, 64};
#define NSIZES	(sizeof sizes / sizeof sizes[0])
#define NUMBERS 84

/* What is left out. */
static const struct skipped {
	int level, first, last;
} skipped[] = {
    /* Options whose default alone is taken, or not even that where nothing is
     * not their default: options.c has them, as ABSENT. */
    {SOL_SOCKET, SO_ATTACH_FILTER, SO_ATTACH_FILTER},
    {SOL_SOCKET, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF},
    {SOL_SOCKET, SO_TXTIME, SO_TXTIME},
    {SOL_SOCKET, 74, 74}, /* SO_TXREHASH */
    {SOL_SOCKET, 80, 80}, /* SO_DEVMEM_DONTNEED */
    {IPPROTO_IP, IP_OPTIONS, IP_OPTIONS},
    {IPPROTO_IP, IP_MTU_DISCOVER, IP_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_MTU_DISCOVER},
    {IPPROTO_IPV6, 32, 32}, /* IPV6_FLOWLABEL_MGR */
    {IPPROTO_IPV6, IPV6_PKTINFO, IPV6_PKTINFO},
    {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, IPV6_AUTOFLOWLABEL},
    {IPPROTO_TCP, TCP_TIMESTAMP, TCP_TIMESTAMP},
    {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, TCP_ZEROCOPY_RECEIVE},
    /* Of iptables, where the kernel has it. */
    {IPPROTO_IP, 64, 67},
    {IPPROTO_IP, 80, 83},
    {IPPROTO_IPV6, 64, 65},
    {IPPROTO_IPV6, 68, 69},
    {IPPROTO_IPV6, 80, 83},
    /* TCP-AO, the same; tests/e2e/ao.t is about it. */
    {IPPROTO_TCP, 38, 42},
    /* TCP_RTO_MAX_MS, TCP_RTO_MIN_US and TCP_DELACK_MAX_US, from Linux 6.15
     * on. */
    {IPPROTO_TCP, 44, 46},
};

static bool
skips(int level, int name)
{
	const struct skipped *s = skipped,
			     *end = s + sizeof skipped / sizeof skipped[0];

	for (; s < end; s++)
		if (s->level == level && name >= s->first && name <= s->last)
			return true;
	return false;
}

/* What get gives to who has so much room, the length or the errno. */
static void
sweep_get(const char *what, int fd, int level, int name)
{
	char line[256], val[64];
	size_t i, n = 0;
	socklen_t len;
	int r;

	for (i = 0; i < NSIZES; i++) {
		len = sizes[i];
		memset(val, 0, sizeof val);
		r = getsockopt(fd, level, name, val, &len);
		n += (size_t)(r == 0 ? snprintf(line + n, sizeof line - n,
					   " %u", len)
				     : snprintf(line + n, sizeof line - n,
					   " %s", strerrorname_np(errno)));
	}
	say("%s, %d %d get:%s", what, level, name, line);
}

static void
sweep_set(const char *what, int fd, int level, int name)
{
	static const char zeros[64];
	char line[256];
	size_t i, n = 0;
	int r;

	for (i = 0; i < NSIZES; i++) {
		r = setsockopt(fd, level, name, zeros, sizes[i]);
		n += (size_t)snprintf(line + n, sizeof line - n, " %s",
		    r == 0 ? "0" : strerrorname_np(errno));
	}
	say("%s, %d %d set:%s", what, level, name, line);
}

/* All get first: what is set next to nothing may be felt elsewhere. */
static void
sweep(const char *what, int fd)
{
	static const int levels[] = {
	    SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP};
	static void (*const turns[])(const char *, int, int, int) = {
	    sweep_get, sweep_set};
	size_t t, i;
	int name;

	for (t = 0; t < 2; t++)
		for (i = 0; i < sizeof levels / sizeof levels[0]; i++)
			for (name = 0; name < NUMBERS; name++)
				if (!skips(levels[i], name))
					turns[t](what, fd, levels[i], name);
	close(fd);
}

static void
fresh(void)
{
	sweep("fresh", stream(0));
}

static void
listens(void)
{
	sweep("listening", listening(0));
}

static void
connected(void)
{
	sweep("connected", linked(0));
}

static const struct shim_case table[] = {
    CASE(fresh),
    CASE(listens),
    CASE(connected),
};
const struct subject sweeping_cases = SUBJECT("sweeping", table);
