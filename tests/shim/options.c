/* SPDX-License-Identifier: ISC */
/*
 * Socket options, a case each: what a fresh, a listening, a connected and a
 * reset socket shows and takes, with good values, bad ones and wrong lengths.
 * Calls with a structure of their own are below; the rest is a row.
 */
#include <limits.h>
#include <sys/mman.h>
#include "cases.h"

/* Younger than the C library's headers may be. */
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef TCP_IS_MPTCP
#define TCP_IS_MPTCP 43
#endif

enum {
	/* The value of a connection is its own: only its length is said. */
	LIVE = 1 << 0,
	/* Nor that of any socket. */
	VARIES = 1 << 1,
	/* The system's setting, until one is set. */
	SYSTEM = 1 << 2,
	/* What there was goes with the connection: see after_reset(). */
	GOES = 1 << 3,
	/* tcpd has not got it: see refused(). */
	ABSENT = 1 << 4,
	/* Huge values are cut by a setting of the system. */
	SMALL = 1 << 5,
};

struct option {
	int level, name;
	unsigned flags;
};

/* What get gives to who has so much room. */
static void
say_get(const char *what, int fd, unsigned room, bool value)
{
	const struct option *o = case_row;
	unsigned char val[64];
	char text[2 * sizeof val + 1] = "";
	socklen_t len = room, i;
	int v;

	memset(val, 0x5a, sizeof val);
	if (getsockopt(fd, o->level, o->name, val, &len) != 0) {
		say("%s: %s", what, strerrorname_np(errno));
		return;
	}
	if (!value) {
		say("%s: length %u", what, len);
	} else if (len == sizeof v) {
		memcpy(&v, val, sizeof v);
		say("%s: %d", what, v);
	} else {
		for (i = 0; i < len && i < sizeof val; i++)
			sprintf(text + 2 * i, "%02x", val[i]);
		say("%s: %s length %u", what, text, len);
	}
}

static void
say_set(const char *what, int fd, int v, unsigned len)
{
	const struct option *o = case_row;
	unsigned char val[64] = {0};

	memcpy(val, &v, sizeof v);
	if (setsockopt(fd, o->level, o->name, val, len) != 0)
		say("%s, set %d length %u: %s", what, v, len,
		    strerrorname_np(errno));
	else
		say("%s, set %d length %u", what, v, len);
}

static void
values(const char *what, int fd, bool value)
{
	static const int some[] = {
	    0, 1, 2, -1, 9, 255, 256, 3000, 65535, 65536, INT_MIN, INT_MAX};
	const struct option *o = case_row;
	size_t i;

	for (i = 0; i < sizeof some / sizeof some[0]; i++) {
		if (o->flags & SMALL && (some[i] < 0 || some[i] > 65536))
			continue;
		if (o->flags & ABSENT &&
		    some[i] != get_opt(fd, o->level, o->name))
			continue;
		say_set(what, fd, some[i], sizeof(int));
		if (!(o->flags & SYSTEM) || some[i] > 0)
			say_get(what, fd, sizeof(int), value);
	}
}

static void
lengths(const char *what, int fd, bool value)
{
	static const unsigned some[] = {
	    0, 1, 2, 3, 4, 5, 8, 12, 16, 20, 32, 64};
	const struct option *o = case_row;
	size_t i;

	for (i = 0; i < sizeof some / sizeof some[0]; i++)
		say_get(what, fd, some[i], value);
	say_get(what, fd, (unsigned)-1, value);
	result("no length", getsockopt(fd, o->level, o->name, &i, NULL));
	for (i = 0; i < sizeof some / sizeof some[0]; i++)
		if (!(o->flags & ABSENT))
			say_set(what, fd, 1, some[i]);
	say_set(what, fd, 1, (unsigned)-1);
	/* Some names are judged before the value, others after it. */
	if (!(o->flags & ABSENT)) {
		say("no value: %d", setsockopt(fd, o->level, o->name, NULL, 4));
		say("unreadable: %d",
		    setsockopt(fd, o->level, o->name, (void *)8, 4));
	}
}

static void
option(void)
{
	const struct option *o = case_row;
	bool set = !(o->flags & VARIES), live = set && !(o->flags & LIVE),
	     fresh = set && !(o->flags & SYSTEM);
	int fd = stream(0);

	say_get("fresh", fd, sizeof(int), fresh);
	lengths("fresh", fd, fresh);
	close(fd);
	fd = stream(0);
	values("fresh", fd, set);
	close(fd);
	fd = listening(0);
	say_get("listening", fd, 64, live && fresh);
	values("listening", fd, live);
	close(fd);
	fd = linked(0);
	say_get("connected", fd, 64, live && fresh);
	values("connected", fd, live);
	close(fd);
	peer("close");
	fd = linked(0);
	peer("reset");
	await_quietly(fd, POLLHUP);
	if (!(o->flags & GOES))
		say_get("reset", fd, 64, live && fresh);
	if (!(o->flags & ABSENT))
		say_set("reset", fd, 1, sizeof(int));
	close(fd);
	say_get("closed", fd, sizeof(int), fresh);
	say_set("closed", fd, 1, sizeof(int));
}

/* A connection that has been reset, and what it says of itself then. */
static void
after_reset(void)
{
	int fd = linked(0);

	peer("reset");
	await_quietly(fd, POLLHUP);
	say("mtu %d", get_opt(fd, IPPROTO_IP, IP_MTU));
	say("maxseg %d", get_opt(fd, IPPROTO_TCP, TCP_MAXSEG) > 1000);
	say("peername %d", get_opt(fd, SOL_SOCKET, SO_PEERNAME));
}

/* What sysctl says on the kernel's TCP, and tcpd.conf under the shim. */
static void
defaults(void)
{
	int fd = stream(0);

	say("sndbuf %d", get_opt(fd, SOL_SOCKET, SO_SNDBUF));
	say("rcvbuf %d", get_opt(fd, SOL_SOCKET, SO_RCVBUF));
	say("syncnt %d", get_opt(fd, IPPROTO_TCP, TCP_SYNCNT));
}

static void
try_all(const int level, const int *names, const int *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int fd = stream(0);

		say("option %d: %d", names[i],
		    set_opt(fd, level, names[i], values[i]));
		close(fd);
	}
}

static void
refused_socket(void)
{
	static const int names[] = {SO_DONTROUTE, SO_BINDTOIFINDEX,
	    SO_LOCK_FILTER, SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING,
	    SO_ZEROCOPY, SO_BUF_LOCK, SO_TXREHASH};
	static const int values[] = {1, 1, 1, 1, 1, 8, 1, 1, 0};

	try_all(SOL_SOCKET, names, values, sizeof names / sizeof names[0]);
}

static void
refused_ip(void)
{
	static const int names[] = {IP_MTU_DISCOVER, IP_RECVERR, IP_MINTTL,
	    IP_LOCAL_PORT_RANGE, IP_RECVERR_RFC4884, IP_OPTIONS};
	static const int values[] = {IP_PMTUDISC_DONT, 1, 5, 1, 1, 0x01010101};

	try_all(IPPROTO_IP, names, values, sizeof names / sizeof names[0]);
}

static void
refused_ipv6(void)
{
	static const int names[] = {IPV6_MTU_DISCOVER, IPV6_RECVERR,
	    IPV6_MINHOPCOUNT, IPV6_RECVERR_RFC4884, IPV6_FLOWINFO_SEND,
	    IPV6_AUTOFLOWLABEL};
	static const int values[] = {IP_PMTUDISC_DONT, 1, 5, 1, 1, 0};

	try_all(IPPROTO_IPV6, names, values, sizeof names / sizeof names[0]);
}

static void
refused_tcp(void)
{
	static const int names[] = {
	    TCP_THIN_LINEAR_TIMEOUTS, TCP_SAVE_SYN, TCP_INQ, TCP_TX_DELAY};
	static const int values[] = {1, 1, 1, 1000};

	try_all(IPPROTO_TCP, names, values, sizeof names / sizeof names[0]);
}

/* What TCP_ZEROCOPY_RECEIVE puts pages into. */
static void
refused_mapping(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, linked(0), 0);

	result("mmap", p == MAP_FAILED ? -1 : 0);
}

/* What tcpd has not got, with values that are not the default. */
static void
refused(void)
{
	refused_mapping();
	refused_socket();
	refused_ip();
	refused_ipv6();
	refused_tcp();
}

#define LS SOL_SOCKET
#define LI IPPROTO_IP
#define L6 IPPROTO_IPV6
#define LT IPPROTO_TCP
#define ROW(level, name, flags)                                                \
	{                                                                      \
#name, option, &(const struct option)                          \
		{                                                              \
			level, name, flags                                     \
		}                                                              \
	}
/* A name that two levels know. */
#define AT(level, name, flags)                                                 \
	{                                                                      \
#level "_" #name, option, &(const struct option)               \
		{                                                              \
			level, name, flags                                     \
		}                                                              \
	}
#define NUMBER(level, n)                                                       \
	{                                                                      \
#level "_" #n, option, &(const struct option)                  \
		{                                                              \
			level, n, 0                                            \
		}                                                              \
	}

static const struct shim_case table[] = {
    CASE(after_reset),
    CASE(defaults),
    CASE(refused),
    /* Nobody's. */
    NUMBER(LS, 0),
    NUMBER(LS, 200),
    NUMBER(LI, 0),
    NUMBER(LI, 150),
    NUMBER(L6, 0),
    NUMBER(L6, 150),
    NUMBER(LT, 0),
    NUMBER(LT, 99),
    NUMBER(77, 1),
    NUMBER(-1, 1),
    ROW(LS, SO_DEBUG, 0),
    ROW(LS, SO_REUSEADDR, 0),
    ROW(LS, SO_TYPE, 0),
    ROW(LS, SO_ERROR, 0),
    ROW(LS, SO_DONTROUTE, ABSENT),
    ROW(LS, SO_BROADCAST, 0),
    ROW(LS, SO_SNDBUF, SYSTEM),
    ROW(LS, SO_RCVBUF, SYSTEM),
    ROW(LS, SO_KEEPALIVE, 0),
    ROW(LS, SO_OOBINLINE, 0),
    ROW(LS, SO_NO_CHECK, 0),
    ROW(LS, SO_PRIORITY, 0),
    ROW(LS, SO_LINGER, 0),
    ROW(LS, SO_BSDCOMPAT, 0),
    ROW(LS, SO_REUSEPORT, 0),
    ROW(LS, SO_PASSCRED, 0),
    ROW(LS, SO_PEERCRED, 0),
    ROW(LS, SO_RCVLOWAT, SMALL),
    ROW(LS, SO_SNDLOWAT, 0),
    ROW(LS, SO_RCVTIMEO_OLD, 0),
    ROW(LS, SO_SNDTIMEO_OLD, 0),
    ROW(LS, SO_BINDTODEVICE, 0),
    ROW(LS, SO_ATTACH_FILTER, ABSENT),
    ROW(LS, SO_DETACH_FILTER, 0),
    ROW(LS, SO_PEERNAME, LIVE | GOES),
    ROW(LS, SO_TIMESTAMP_OLD, ABSENT),
    ROW(LS, SO_ACCEPTCONN, 0),
    ROW(LS, SO_SNDBUFFORCE, 0),
    ROW(LS, SO_RCVBUFFORCE, 0),
    ROW(LS, SO_PASSSEC, 0),
    ROW(LS, SO_TIMESTAMPNS_OLD, ABSENT),
    ROW(LS, SO_MARK, 0),
    ROW(LS, SO_TIMESTAMPING_OLD, ABSENT),
    ROW(LS, SO_PROTOCOL, 0),
    ROW(LS, SO_DOMAIN, 0),
    ROW(LS, SO_RXQ_OVFL, 0),
    ROW(LS, SO_WIFI_STATUS, 0),
    ROW(LS, SO_PEEK_OFF, 0),
    ROW(LS, SO_NOFCS, 0),
    ROW(LS, SO_LOCK_FILTER, ABSENT),
    ROW(LS, SO_SELECT_ERR_QUEUE, 0),
    ROW(LS, SO_BUSY_POLL, 0),
    ROW(LS, SO_MAX_PACING_RATE, 0),
    ROW(LS, SO_BPF_EXTENSIONS, 0),
    ROW(LS, SO_INCOMING_CPU, LIVE),
    ROW(LS, SO_ATTACH_BPF, ABSENT),
    ROW(LS, SO_ATTACH_REUSEPORT_CBPF, ABSENT),
    ROW(LS, SO_ATTACH_REUSEPORT_EBPF, ABSENT),
    ROW(LS, SO_CNX_ADVICE, 0),
    ROW(LS, SO_MEMINFO, VARIES),
    ROW(LS, SO_INCOMING_NAPI_ID, 0),
    ROW(LS, SO_COOKIE, VARIES),
    ROW(LS, SO_PEERGROUPS, 0),
    ROW(LS, SO_ZEROCOPY, ABSENT),
    ROW(LS, SO_TXTIME, ABSENT),
    ROW(LS, SO_BINDTOIFINDEX, ABSENT),
    ROW(LS, SO_TIMESTAMP_NEW, ABSENT),
    ROW(LS, SO_TIMESTAMPNS_NEW, ABSENT),
    ROW(LS, SO_TIMESTAMPING_NEW, ABSENT),
    ROW(LS, SO_RCVTIMEO_NEW, 0),
    ROW(LS, SO_SNDTIMEO_NEW, 0),
    ROW(LS, SO_DETACH_REUSEPORT_BPF, 0),
    ROW(LS, SO_PREFER_BUSY_POLL, 0),
    ROW(LS, SO_BUSY_POLL_BUDGET, 0),
    ROW(LS, SO_NETNS_COOKIE, VARIES),
    ROW(LS, SO_BUF_LOCK, ABSENT),
    ROW(LS, SO_RESERVE_MEM, 0),
    ROW(LS, SO_TXREHASH, ABSENT),
    ROW(LS, SO_RCVMARK, 0),
    ROW(LS, SO_PASSPIDFD, 0),
    ROW(LS, SO_PEERPIDFD, 0),
    ROW(LS, SO_RCVPRIORITY, 0),
    ROW(LS, SO_PASSRIGHTS, 0),
    ROW(LI, IP_TOS, 0),
    ROW(LI, IP_TTL, 0),
    ROW(LI, IP_HDRINCL, 0),
    ROW(LI, IP_OPTIONS, ABSENT),
    ROW(LI, IP_ROUTER_ALERT, 0),
    ROW(LI, IP_RECVOPTS, 0),
    ROW(LI, IP_RETOPTS, 0),
    ROW(LI, IP_PKTINFO, 0),
    ROW(LI, IP_PKTOPTIONS, 0),
    ROW(LI, IP_MTU_DISCOVER, ABSENT),
    ROW(LI, IP_RECVERR, ABSENT),
    ROW(LI, IP_RECVTTL, 0),
    ROW(LI, IP_RECVTOS, 0),
    ROW(LI, IP_MTU, LIVE | GOES),
    ROW(LI, IP_FREEBIND, 0),
    ROW(LI, IP_IPSEC_POLICY, 0),
    ROW(LI, IP_XFRM_POLICY, 0),
    ROW(LI, IP_PASSSEC, 0),
    ROW(LI, IP_TRANSPARENT, 0),
    ROW(LI, IP_RECVORIGDSTADDR, 0),
    ROW(LI, IP_MINTTL, ABSENT),
    ROW(LI, IP_NODEFRAG, 0),
    ROW(LI, IP_CHECKSUM, 0),
    ROW(LI, IP_BIND_ADDRESS_NO_PORT, 0),
    ROW(LI, IP_RECVFRAGSIZE, 0),
    ROW(LI, IP_RECVERR_RFC4884, ABSENT),
    ROW(LI, IP_MULTICAST_IF, 0),
    ROW(LI, IP_MULTICAST_TTL, 0),
    ROW(LI, IP_MULTICAST_LOOP, 0),
    ROW(LI, IP_ADD_MEMBERSHIP, 0),
    ROW(LI, IP_DROP_MEMBERSHIP, 0),
    ROW(LI, IP_UNBLOCK_SOURCE, 0),
    ROW(LI, IP_BLOCK_SOURCE, 0),
    ROW(LI, IP_ADD_SOURCE_MEMBERSHIP, 0),
    ROW(LI, IP_DROP_SOURCE_MEMBERSHIP, 0),
    ROW(LI, IP_MSFILTER, 0),
    AT(LI, MCAST_JOIN_GROUP, 0),
    AT(LI, MCAST_BLOCK_SOURCE, 0),
    AT(LI, MCAST_UNBLOCK_SOURCE, 0),
    AT(LI, MCAST_LEAVE_GROUP, 0),
    AT(LI, MCAST_JOIN_SOURCE_GROUP, 0),
    AT(LI, MCAST_LEAVE_SOURCE_GROUP, 0),
    AT(LI, MCAST_MSFILTER, 0),
    ROW(LI, IP_MULTICAST_ALL, 0),
    ROW(LI, IP_UNICAST_IF, 0),
    ROW(LI, IP_LOCAL_PORT_RANGE, ABSENT),
    ROW(LI, IP_PROTOCOL, LIVE),
    ROW(L6, IPV6_ADDRFORM, 0),
    ROW(L6, IPV6_2292PKTINFO, 0),
    ROW(L6, IPV6_2292HOPOPTS, 0),
    ROW(L6, IPV6_2292DSTOPTS, 0),
    ROW(L6, IPV6_2292RTHDR, 0),
    ROW(L6, IPV6_2292PKTOPTIONS, ABSENT),
    ROW(L6, IPV6_2292HOPLIMIT, 0),
    ROW(L6, IPV6_FLOWINFO, 0),
    ROW(L6, IPV6_UNICAST_HOPS, 0),
    ROW(L6, IPV6_MULTICAST_IF, 0),
    ROW(L6, IPV6_MULTICAST_HOPS, 0),
    ROW(L6, IPV6_MULTICAST_LOOP, 0),
    ROW(L6, IPV6_ADD_MEMBERSHIP, 0),
    ROW(L6, IPV6_DROP_MEMBERSHIP, 0),
    ROW(L6, IPV6_ROUTER_ALERT, 0),
    ROW(L6, IPV6_MTU_DISCOVER, ABSENT),
    ROW(L6, IPV6_MTU, LIVE | GOES),
    ROW(L6, IPV6_RECVERR, ABSENT),
    ROW(L6, IPV6_V6ONLY, 0),
    ROW(L6, IPV6_JOIN_ANYCAST, 0),
    ROW(L6, IPV6_LEAVE_ANYCAST, 0),
    ROW(L6, IPV6_MULTICAST_ALL, 0),
    ROW(L6, IPV6_ROUTER_ALERT_ISOLATE, 0),
    ROW(L6, IPV6_RECVERR_RFC4884, ABSENT),
    ROW(L6, IPV6_FLOWINFO_SEND, ABSENT),
    ROW(L6, IPV6_IPSEC_POLICY, 0),
    ROW(L6, IPV6_XFRM_POLICY, 0),
    AT(L6, MCAST_JOIN_GROUP, 0),
    AT(L6, MCAST_BLOCK_SOURCE, 0),
    AT(L6, MCAST_UNBLOCK_SOURCE, 0),
    AT(L6, MCAST_LEAVE_GROUP, 0),
    AT(L6, MCAST_JOIN_SOURCE_GROUP, 0),
    AT(L6, MCAST_LEAVE_SOURCE_GROUP, 0),
    ROW(L6, IPV6_RECVPKTINFO, 0),
    ROW(L6, IPV6_PKTINFO, ABSENT),
    ROW(L6, IPV6_RECVHOPLIMIT, 0),
    ROW(L6, IPV6_RECVHOPOPTS, 0),
    ROW(L6, IPV6_HOPOPTS, 0),
    ROW(L6, IPV6_RTHDRDSTOPTS, 0),
    ROW(L6, IPV6_RECVRTHDR, 0),
    ROW(L6, IPV6_RTHDR, 0),
    ROW(L6, IPV6_RECVDSTOPTS, 0),
    ROW(L6, IPV6_DSTOPTS, 0),
    ROW(L6, IPV6_RECVPATHMTU, 0),
    ROW(L6, IPV6_PATHMTU, LIVE | GOES),
    ROW(L6, IPV6_DONTFRAG, 0),
    ROW(L6, IPV6_RECVTCLASS, 0),
    ROW(L6, IPV6_TCLASS, 0),
    ROW(L6, IPV6_AUTOFLOWLABEL, ABSENT),
    ROW(L6, IPV6_ADDR_PREFERENCES, 0),
    ROW(L6, IPV6_MINHOPCOUNT, ABSENT),
    ROW(L6, IPV6_ORIGDSTADDR, 0),
    ROW(L6, IPV6_TRANSPARENT, 0),
    ROW(L6, IPV6_UNICAST_IF, 0),
    ROW(L6, IPV6_RECVFRAGSIZE, 0),
    ROW(L6, IPV6_FREEBIND, 0),
    ROW(LT, TCP_NODELAY, 0),
    ROW(LT, TCP_MAXSEG, LIVE | GOES),
    ROW(LT, TCP_CORK, 0),
    ROW(LT, TCP_KEEPIDLE, 0),
    ROW(LT, TCP_KEEPINTVL, 0),
    ROW(LT, TCP_KEEPCNT, 0),
    ROW(LT, TCP_SYNCNT, SYSTEM),
    ROW(LT, TCP_LINGER2, 0),
    ROW(LT, TCP_DEFER_ACCEPT, 0),
    ROW(LT, TCP_WINDOW_CLAMP, LIVE),
    ROW(LT, TCP_INFO, VARIES),
    ROW(LT, TCP_QUICKACK, 0),
    ROW(LT, TCP_CONGESTION, 0),
    ROW(LT, TCP_MD5SIG, 0),
    ROW(LT, TCP_THIN_LINEAR_TIMEOUTS, ABSENT),
    ROW(LT, TCP_THIN_DUPACK, 0),
    ROW(LT, TCP_USER_TIMEOUT, 0),
    ROW(LT, TCP_REPAIR, 0),
    ROW(LT, TCP_REPAIR_QUEUE, 0),
    ROW(LT, TCP_QUEUE_SEQ, 0),
    ROW(LT, TCP_REPAIR_OPTIONS, 0),
    ROW(LT, TCP_FASTOPEN, 0),
    ROW(LT, TCP_NOTSENT_LOWAT, 0),
    ROW(LT, TCP_CC_INFO, 0),
    ROW(LT, TCP_SAVE_SYN, ABSENT),
    ROW(LT, TCP_SAVED_SYN, 0),
    ROW(LT, TCP_REPAIR_WINDOW, 0),
    ROW(LT, TCP_FASTOPEN_CONNECT, 0),
    ROW(LT, TCP_ULP, 0),
    ROW(LT, TCP_MD5SIG_EXT, 0),
    ROW(LT, TCP_FASTOPEN_KEY, 0),
    ROW(LT, TCP_FASTOPEN_NO_COOKIE, 0),
    ROW(LT, TCP_ZEROCOPY_RECEIVE, 0),
    ROW(LT, TCP_INQ, ABSENT),
    ROW(LT, TCP_TX_DELAY, ABSENT),
    ROW(LT, TCP_IS_MPTCP, 0),
};
const struct subject options_cases = SUBJECT("options", table);
