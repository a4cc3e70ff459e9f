/* SPDX-License-Identifier: ISC */
/*
 * The options of UDP: see dgramopt.h.  Most are those of any Internet socket
 * and sockopt.c's; here is what Linux does otherwise than on TCP.
 *
 * Not in tcpd is UDP_ENCAP: its default may be set, anything else is
 * ENOPROTOOPT.  So is all of UDP_GRO, as on a kernel that does not know it: who
 * asks takes that for an answer.  Time stamps are the descriptor's.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/udp.h>
#include "ipc/dgramopt.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static int
keep(struct sockopts *o, enum sockopt_id id, int32_t v)
{
	o->val[id] = v;
	o->set[id / 64] |= 1ULL << id % 64;
	return 0;
}

bool
dgramopt_multicast(int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_ADD_MEMBERSHIP ||
		       name == IP_ADD_SOURCE_MEMBERSHIP ||
		       name == IP_MULTICAST_IF || name == MCAST_JOIN_GROUP ||
		       name == MCAST_JOIN_SOURCE_GROUP;
	return level == IPPROTO_IPV6 &&
	       (name == IPV6_ADD_MEMBERSHIP || name == IPV6_MULTICAST_IF ||
		   name == MCAST_JOIN_GROUP || name == MCAST_JOIN_SOURCE_GROUP);
}

bool
dgramopt_stamp(int level, int name)
{
	return level == SOL_SOCKET &&
	       (name == SO_TIMESTAMP_OLD || name == SO_TIMESTAMPNS_OLD ||
		   name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW);
}

bool
dgramopt_kept(const struct sockopts *o, int level, int name)
{
	return sockopt_any(o) || (level == IPPROTO_UDP &&
				     (name == UDP_CORK || name == UDP_SEGMENT));
}

unsigned
dgramopt_where(int level, int name)
{
	if (dgramopt_stamp(level, name))
		return SOCKOPT_NATIVE;
	if (level == SOL_SOCKET && name == SO_NO_CHECK)
		return SOCKOPT_STACK;
	return sockopt_where(level, name);
}

/* The value as IPPROTO_IP and IPPROTO_IPV6 read it; false: too short. */
static bool
value(int level, const void *val, uint32_t len, int *v)
{
	*v = 0;
	if (len >= sizeof *v)
		memcpy(v, val, sizeof *v);
	else if (len >= 1 && level == IPPROTO_IP)
		*v = *(const unsigned char *)val;
	else
		return len == 0 && level == IPPROTO_IP;
	return true;
}

/* IPPROTO_UDP (SOL_UDP). */
static int
set_udp(struct sockopts *o, int name, const void *val, uint32_t len)
{
	int v;

	if (len < sizeof v)
		return EINVAL;
	memcpy(&v, val, sizeof v);
	switch (name) {
	case UDP_SEGMENT:
		if (v < 0 || v > USHRT_MAX)
			return EINVAL;
		o->segment = (uint16_t)v;
		return 0;
	case UDP_CORK:
		o->cork = v != 0;
		return 0;
	case UDP_ENCAP:
	case UDP_NO_CHECK6_TX:
	case UDP_NO_CHECK6_RX:
		break;
	default:
		return ENOPROTOOPT;
	}
	return v == 0 ? 0 : ENOPROTOOPT;
}

static int
set_buffer(struct sockopts *o, int name, const void *val, uint32_t len)
{
	int v;

	if (len < sizeof v)
		return EINVAL;
	memcpy(&v, val, sizeof v);
	if ((uint32_t)v > DGRAMOPT_BUF)
		v = DGRAMOPT_BUF; /* net.core.[rw]mem_max */
	return sockopt_set(o, SOL_SOCKET, name, &v, sizeof v);
}

/* The two bits of ECN are the program's to set. */
static int
set_tos(struct sockopts *o, int level, const void *val, uint32_t len)
{
	int v;

	if (!value(level, val, len, &v))
		return EINVAL;
	if (level == IPPROTO_IP)
		return keep(o, OPT_IP_TOS, v & 0xff);
	if (v < -1 || v > 255)
		return EINVAL;
	return keep(o, OPT_IPV6_TCLASS, v == -1 ? 0 : v);
}

static int
set_pmtudisc(struct sockopts *o, int level, const void *val, uint32_t len)
{
	int v;

	if (!value(level, val, len, &v) || v < IP_PMTUDISC_DONT ||
	    v > IP_PMTUDISC_OMIT)
		return EINVAL;
	return keep(o,
	    level == IPPROTO_IP ? OPT_IP_MTU_DISCOVER : OPT_IPV6_MTU_DISCOVER,
	    v);
}

static int
set_errors(struct sockopts *o, int level, const void *val, uint32_t len)
{
	int v;

	if (!value(level, val, len, &v))
		return EINVAL;
	return keep(
	    o, level == IPPROTO_IP ? OPT_IP_RECVERR : OPT_IPV6_RECVERR, v != 0);
}

int
dgramopt_set(
    struct sockopts *o, int level, int name, const void *val, uint32_t len)
{
	int v;

	if (level == IPPROTO_UDP)
		return set_udp(o, name, val, len);
	if (level == IPPROTO_TCP || (level == IPPROTO_IPV6 && !o->ipv6))
		return ENOPROTOOPT;
	if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF))
		return set_buffer(o, name, val, len);
	if (level == SOL_SOCKET && name == SO_NO_CHECK) {
		if (len < sizeof v)
			return EINVAL;
		memcpy(&v, val, sizeof v);
		return v == 0 ? 0 : ENOPROTOOPT; /* not in tcpd */
	}
	if ((level == IPPROTO_IP && name == IP_TOS) ||
	    (level == IPPROTO_IPV6 && name == IPV6_TCLASS))
		return set_tos(o, level, val, len);
	if ((level == IPPROTO_IP && name == IP_MTU_DISCOVER) ||
	    (level == IPPROTO_IPV6 && name == IPV6_MTU_DISCOVER))
		return set_pmtudisc(o, level, val, len);
	if ((level == IPPROTO_IP && name == IP_RECVERR) ||
	    (level == IPPROTO_IPV6 && name == IPV6_RECVERR))
		return set_errors(o, level, val, len);
	if (dgramopt_multicast(level, name))
		return ENOPROTOOPT; /* not in tcpd */
	return sockopt_set(o, level, name, val, len);
}

int
dgramopt_get(const struct sockopts *o, uint16_t mtu, int level, int name,
    void *val, uint32_t *len)
{
	int32_t v;

	if (level == IPPROTO_UDP) {
		if (name != UDP_CORK && name != UDP_ENCAP &&
		    name != UDP_NO_CHECK6_TX && name != UDP_NO_CHECK6_RX &&
		    name != UDP_SEGMENT)
			return ENOPROTOOPT;
		v = name == UDP_CORK	  ? o->cork
		    : name == UDP_SEGMENT ? o->segment
					  : 0;
	} else if (level == IPPROTO_TCP) {
		return o->ipv6 ? ENOPROTOOPT : EOPNOTSUPP;
	} else if (level == SOL_SOCKET && name == SO_TYPE) {
		v = SOCK_DGRAM;
	} else if (level == SOL_SOCKET && name == SO_PROTOCOL) {
		v = IPPROTO_UDP;
	} else if (level == SOL_SOCKET && name == SO_NO_CHECK) {
		v = 0;
	} else if (level == SOL_SOCKET && name == SO_SNDBUF) {
		v = sockopt_val(o, OPT_SO_SNDBUF, DGRAMOPT_BUF);
	} else if (level == SOL_SOCKET && name == SO_RCVBUF) {
		v = sockopt_val(o, OPT_SO_RCVBUF, DGRAMOPT_BUF);
	} else if (mtu != 0 && ((level == IPPROTO_IP && name == IP_MTU) ||
				   (level == IPPROTO_IPV6 && o->ipv6 &&
				       name == IPV6_MTU))) {
		v = mtu;
	} else {
		return sockopt_get(o, level, name, val, len);
	}
	sockopt_copy(val, len, &v, sizeof v);
	return 0;
}
