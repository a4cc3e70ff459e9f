/* SPDX-License-Identifier: ISC */
/*
 * The table of socket options against the running kernel: for each level and
 * name, for several lengths and values, setsockopt()'s errno and what
 * getsockopt() then shows, on a fresh TCP socket and in the table.  A
 * difference is allowed only where sockopt.def documents one: the option is
 * "not in tcpd" (then the errno is what it names) or its errno depends on
 * privilege or modules.  Options that the running kernel does not know yet,
 * or knows and the table does not, are not compared.
 *
 * And the ways of options through messages and the journal.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ipc/sockopt.h"
#include "tcp/tcp.h"
#include "tcpd/proto.h"

#define MAX_NAME 100

static const int levels[] = {
    SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6, 255};
static const uint32_t lengths[] = {0, 1, 2, 4, 8, 16, 20};
static const int values[] = {
    0, -1, -2, 1, 2, 3, 4, 5, 6, 100, 255, 256, 1280, 1000000};
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Not compared, and why. */
static bool
excused(int level, int name)
{
	static const struct {
		int level, name;
	} list[] = {
	    /* cut to net.core.wmem_max of this machine */
	    {SOL_SOCKET, SO_SNDBUF},
	    {SOL_SOCKET, SO_RCVBUF},
	    /* CAP_NET_ADMIN */
	    {SOL_SOCKET, SO_DEBUG},
	    {SOL_SOCKET, SO_MARK},
	    {SOL_SOCKET, SO_SNDBUFFORCE},
	    {SOL_SOCKET, SO_RCVBUFFORCE},
	    {SOL_SOCKET, SO_PREFER_BUSY_POLL},
	    {SOL_SOCKET, SO_BUSY_POLL_BUDGET},
	    {IPPROTO_IP, IP_TRANSPARENT},
	    {IPPROTO_IP, 16},
	    {IPPROTO_IP, 17},
	    {IPPROTO_TCP, TCP_REPAIR},
	    {IPPROTO_TCP, TCP_REPAIR_QUEUE},
	    {IPPROTO_TCP, TCP_REPAIR_WINDOW},
	    {IPPROTO_TCP, TCP_TIMESTAMP},
	    /* sysctls, modules: defaults and lists differ by machine */
	    {IPPROTO_TCP, TCP_CONGESTION},
	    {IPPROTO_TCP, TCP_CC_INFO},
	    {IPPROTO_TCP, TCP_ULP},
	    {IPPROTO_TCP, TCP_MD5SIG},
	    {IPPROTO_TCP, TCP_MD5SIG_EXT},
	    /* RFC 9293 MUST-23 wants one retry more than Linux makes */
	    {IPPROTO_TCP, TCP_SYNCNT},
	    /* its size grows with the kernel */
	    {IPPROTO_TCP, TCP_INFO},
	    {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE},
	};
	size_t i;

	for (i = 0; i < N(list); i++)
		if (list[i].level == level && list[i].name == name)
			return true;
	/* iptables and its kin, when their modules are there */
	if (level == IPPROTO_IPV6)
		return name == 64 || name == 65 || name == IPV6_TRANSPARENT ||
		       /* CAP_NET_RAW, CAP_NET_ADMIN, protocol modules */
		       name == IPV6_IPSEC_POLICY || name == IPV6_XFRM_POLICY ||
		       name == IPV6_HOPOPTS || name == IPV6_RTHDRDSTOPTS ||
		       name == IPV6_DSTOPTS || name == IPV6_JOIN_ANYCAST;
	return level == IPPROTO_IP && name >= 64;
}

/* Does this kernel have it at all?  Both calls say ENOPROTOOPT if not. */
static bool
kernel_knows(int family, int level, int name)
{
	int s = socket(family, SOCK_STREAM, 0);
	unsigned char buf[64] = {0};
	socklen_t len = sizeof buf;
	bool known = getsockopt(s, level, name, buf, &len) == 0 ||
		     errno != ENOPROTOOPT ||
		     setsockopt(s, level, name, buf, 16) == 0 ||
		     errno != ENOPROTOOPT;

	close(s);
	return known;
}

/* The table's "not in tcpd": a value was refused that Linux takes. */
static bool
not_in_tcpd(int kernel, int table)
{
	return kernel != table &&
	       (table == ENOPROTOOPT || table == ENODEV || table == EOPNOTSUPP);
}

static void
compare_one(int family, int level, int name, uint32_t len, int value)
{
	int s = socket(family, SOCK_STREAM, 0);
	unsigned char in[32] = {0}, kernel[512] = {0}, table[512] = {0};
	struct sockopts o = {.ipv6 = family == AF_INET6};
	socklen_t klen = sizeof kernel;
	uint32_t tlen = sizeof table;
	int kerr, terr;

	memcpy(in, &value, sizeof value);
	kerr = setsockopt(s, level, name, in, len) == 0 ? 0 : errno;
	terr = sockopt_set(&o, level, name, in, len);
	if (!not_in_tcpd(kerr, terr)) {
		cr_expect_eq(kerr, terr,
		    "set %d/%d %s len %u value %d: kernel %d, table %d", level,
		    name, sockopt_name(level, name), len, value, kerr, terr);
		kerr =
		    getsockopt(s, level, name, kernel, &klen) == 0 ? 0 : errno;
		terr = sockopt_get(&o, level, name, table, &tlen);
		cr_expect_eq(kerr, terr,
		    "get %d/%d %s after len %u value %d: kernel %d, table %d",
		    level, name, sockopt_name(level, name), len, value, kerr,
		    terr);
		cr_expect(
		    kerr != 0 || terr != 0 ||
			(klen == tlen && memcmp(kernel, table, tlen) == 0),
		    "value %d/%d %s after len %u value %d: kernel %u:%d, "
		    "table %u:%d",
		    level, name, sockopt_name(level, name), len, value, klen,
		    *(int *)(void *)kernel, tlen, *(int *)(void *)table);
	}
	close(s);
}

static void
compare_family(int family)
{
	size_t l, i, j;
	int name;
	bool knows;

	for (l = 0; l < N(levels); l++) {
		for (name = 0; name <= MAX_NAME; name++) {
			knows = kernel_knows(family, levels[l], name);
			if (sockopt_where(levels[l], name) == SOCKOPT_NATIVE ||
			    excused(levels[l], name) ||
			    !knows == (sockopt_name(levels[l], name) != NULL) ||
			    (sockopt_name(levels[l], name) == NULL && knows))
				continue;
			for (i = 0; i < N(lengths); i++)
				for (j = 0; j < N(values); j++)
					compare_one(family, levels[l], name,
					    lengths[i], values[j]);
		}
	}
}

Test(sockopt, as_the_kernel)
{
	int s = socket(AF_INET6, SOCK_STREAM, 0);

	compare_family(AF_INET);
	if (s < 0)
		return; /* a kernel without IPv6 */
	close(s);
	compare_family(AF_INET6);
}

/* Room of any size: the value is cut as the kernel cuts it. */
Test(sockopt, room)
{
	static const int names[][2] = {{SOL_SOCKET, SO_TYPE},
	    {SOL_SOCKET, SO_LINGER}, {IPPROTO_TCP, TCP_NODELAY},
	    {IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_IP, IP_TTL},
	    {IPPROTO_IP, IP_TOS}};
	unsigned char kernel[32], table[32];
	struct sockopts o = {0};
	socklen_t klen;
	uint32_t tlen;
	size_t i;
	int s = socket(AF_INET, SOCK_STREAM, 0), room;

	for (i = 0; i < N(names); i++) {
		for (room = 0; room <= 16; room++) {
			klen = tlen = (uint32_t)room;
			memset(kernel, 0x55, sizeof kernel);
			memset(table, 0x55, sizeof table);
			cr_assert_eq(getsockopt(s, names[i][0], names[i][1],
					 kernel, &klen),
			    0);
			cr_assert_eq(sockopt_get(&o, names[i][0], names[i][1],
					 table, &tlen),
			    0);
			cr_assert_eq(klen, tlen);
			cr_assert_arr_eq(kernel, table, sizeof kernel);
		}
	}
	close(s);
}

static void
set_int(struct sockopts *o, int level, int name, int v)
{
	cr_assert_eq(sockopt_set(o, level, name, &v, sizeof v), 0, "%s",
	    sockopt_name(level, name));
}

static struct sockopts
several(void)
{
	struct linger l = {.l_onoff = 1, .l_linger = 9};
	struct sockopts o = {0};

	set_int(&o, SOL_SOCKET, SO_SNDBUF, 100000);
	set_int(&o, SOL_SOCKET, SO_RCVBUF, 1);
	set_int(&o, SOL_SOCKET, SO_KEEPALIVE, 4);
	set_int(&o, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(&o, IPPROTO_TCP, TCP_KEEPIDLE, 33);
	set_int(&o, IPPROTO_TCP, TCP_LINGER2, -5);
	set_int(&o, IPPROTO_TCP, TCP_USER_TIMEOUT, 1500);
	set_int(&o, IPPROTO_TCP, TCP_MAXSEG, 900);
	set_int(&o, IPPROTO_IP, IP_TOS, 0x2f);
	set_int(&o, IPPROTO_IP, IP_TTL, 9);
	cr_assert_eq(sockopt_set(&o, SOL_SOCKET, SO_LINGER, &l, sizeof l), 0);
	cr_assert_eq(
	    sockopt_set(&o, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	return o;
}

static void
same(const struct sockopts *a, const struct sockopts *b)
{
	unsigned i;

	cr_assert_arr_eq(a->set, b->set, sizeof a->set);
	for (i = 0; i < OPT_COUNT; i++)
		if (sockopt_isset(a, i))
			cr_assert_eq(a->val[i], b->val[i], "option %u", i);
	if (sockopt_isset(a, OPT_SO_MAX_PACING_RATE))
		cr_assert_eq(a->pacing_rate, b->pacing_rate);
}

/* Every option with a place of its own, through the message and back, and cut
 * short at every byte. */
Test(sockopt, messages)
{
	uint8_t buf[SOCKOPT_PACK_MAX];
	struct sockopts o = several(), back = {0};
	uint32_t n;
	size_t len = sockopt_pack(&o, buf, sizeof buf, &n), cut;

	cr_assert_eq(n, 12);
	cr_assert_eq(sockopt_unpack(&back, buf, len, n), 0);
	same(&o, &back);
	for (cut = 0; cut < len; cut++) {
		cr_assert_eq(sockopt_unpack(&back, buf, cut, n), EINVAL);
		cr_assert_eq(sockopt_pack(&o, buf, cut, &n), 0);
		n = 12;
	}
	cr_assert_eq(sockopt_unpack(&back, buf, len, n + 1), EINVAL);
	cr_assert_eq(sockopt_unpack(&back, buf, len, n - 1), EINVAL);
	((struct proto_opt *)(void *)buf)->len = UINT32_MAX;
	cr_assert_eq(sockopt_unpack(&back, buf, len, n), EINVAL);
}

Test(sockopt, journal)
{
	uint32_t words[SOCKOPT_JOURNAL_MAX];
	struct sockopts o = several(), back = {0};
	size_t n = sockopt_journal_put(&o, words, N(words)), cut;

	cr_assert_gt(n, 0);
	cr_assert_eq(sockopt_journal_get(&back, words, n), 0);
	same(&o, &back);
	for (cut = 0; cut < n; cut++) {
		cr_assert_eq(sockopt_journal_put(&o, words, cut), 0);
		memset(&back, 0, sizeof back);
		(void)sockopt_journal_get(&back, words, cut);
	}
	words[0] = 0xffffffff;
	cr_assert_neq(sockopt_journal_get(&back, words, n), 0);
}

/* Everything at once fits where it must. */
Test(sockopt, all_fit)
{
	uint32_t words[SOCKOPT_JOURNAL_MAX], n;
	uint8_t buf[SOCKOPT_PACK_MAX];
	struct sockopts o = {0}, back = {.ipv6 = true};
	unsigned i;

	o = several();
	for (i = 0; i < OPT_COUNT; i++)
		if (!sockopt_isset(&o, i))
			o.val[i] = 1;
	o.val[OPT_IPV6_TCLASS] = 4; /* values that set leaves as they are */
	o.val[OPT_IPV6_ADDR_PREFERENCES] = 0x401;
	o.val[OPT_TCP_WINDOW_CLAMP] = 1152;
	o.val[OPT_SO_MAX_PACING_RATE] = 0; /* has a place of its own */
	o.val[OPT_IP_RECVERR] = o.val[OPT_IPV6_RECVERR] = 0;
	o.val[OPT_TCP_FASTOPEN_KEY] = 32;
	memset(o.fastopen_key, 0x5a, sizeof o.fastopen_key);
	for (i = 0; i < OPT_COUNT; i++)
		o.set[i / 64] |= 1ULL << i % 64;
	cr_assert_gt(sockopt_pack(&o, buf, sizeof buf, &n), 0);
	cr_assert_eq(n, OPT_COUNT);
	cr_assert_leq(sizeof(struct proto_head) + sizeof(struct proto_attach) +
			  sockopt_pack(&o, buf, sizeof buf, &n),
	    PROTO_MSG_MAX);
	cr_assert_eq(sockopt_unpack(
			 &back, buf, sockopt_pack(&o, buf, sizeof buf, &n), n),
	    0);
	same(&o, &back);
	cr_assert_gt(sockopt_journal_put(&o, words, N(words)), 0);
}

/* One key or two; they travel, and are shown to their owner. */
Test(sockopt, fastopen_keys)
{
	static const uint8_t keys[32] = "0123456789abcdefghijklmnopqrstuv";
	struct sockopts o = {0}, back = {0};
	uint32_t words[SOCKOPT_JOURNAL_MAX], n, len = 32;
	uint8_t buf[SOCKOPT_PACK_MAX], got[32];
	struct tcp_opts t;

	cr_assert_eq(
	    sockopt_get(&o, IPPROTO_TCP, TCP_FASTOPEN_KEY, got, &len), 0);
	cr_assert_eq(len, 0);
	for (len = 0; len <= 40; len++)
		cr_assert_eq(
		    sockopt_set(&o, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys, len),
		    len == 16 || len == 32 ? 0 : EINVAL);
	len = (uint32_t)sockopt_pack(&o, buf, sizeof buf, &n);
	cr_assert_eq(sockopt_unpack(&back, buf, len, n), 0);
	same(&o, &back);
	memset(&back, 0, sizeof back);
	n = (uint32_t)sockopt_journal_put(&o, words, N(words));
	cr_assert_eq(sockopt_journal_get(&back, words, n), 0);
	len = sizeof got;
	cr_assert_eq(
	    sockopt_get(&back, IPPROTO_TCP, TCP_FASTOPEN_KEY, got, &len), 0);
	cr_assert_eq(len, 32);
	cr_assert_arr_eq(got, keys, 32);
	sockopt_to_tcp(&back, false, &t);
	cr_assert_eq(t.fastopen_nkeys, 2);
	cr_assert_arr_eq(t.fastopen_key, keys, 32);
	/* A shorter one takes the place of both. */
	sockopt_set(&back, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys + 8, 16);
	sockopt_to_tcp(&back, false, &t);
	cr_assert_eq(t.fastopen_nkeys, 1);
	cr_assert_arr_eq(t.fastopen_key[0], keys + 8, 16);
	set_int(&back, IPPROTO_TCP, TCP_FASTOPEN, 5);
	set_int(&back, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
	sockopt_to_tcp(&back, false, &t);
	cr_assert_eq(t.fastopen, 5);
	cr_assert(t.fastopen_bare);
}

Test(sockopt, live_fastopen)
{
	struct tcp_info_out live = {
	    .state = TCPS_ESTABLISHED, .syn_data = true, .fastopen_fail = 2};
	struct sockopts o = {0};
	struct tcp_info ti;
	uint32_t len = sizeof ti;

	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	cr_assert(ti.tcpi_options & TCPI_OPT_SYN_DATA);
	/* tcpi_fastopen_client_fail, two bits of the eighth byte */
	cr_assert_eq(((const uint8_t *)&ti)[7] >> 1 & 3, 2);
}

Test(sockopt, to_tcp)
{
	struct sockopts o = several();
	struct tcp_opts t;

	sockopt_to_tcp(&o, false, &t);
	cr_assert_eq(t.sndbuf, 100000);
	cr_assert_eq(t.rcvbuf, 1152);
	cr_assert(t.keepalive && t.nodelay && !t.cork);
	cr_assert_eq(t.keepidle_s, 33);
	cr_assert_eq(t.keepcnt, 0);
	cr_assert_eq(t.user_timeout_us, 1500000);
	cr_assert_eq(t.max_seg, 900);
	cr_assert_eq(t.linger2_s, 1);
	cr_assert_eq(t.tos, 0x2c);
	cr_assert_eq(t.ttl, 9);
	cr_assert_str_eq(t.congestion, "reno");
	memset(&o, 0, sizeof o);
	sockopt_to_tcp(&o, false, &t);
	cr_assert_null(t.congestion);
	set_int(&o, IPPROTO_TCP, TCP_USER_TIMEOUT, INT_MAX);
	sockopt_to_tcp(&o, false, &t);
	cr_assert_eq(t.user_timeout_us, UINT32_MAX);
}

/* Each family's header has its own options. */
Test(sockopt, to_tcp_ipv6)
{
	struct sockopts o = {.ipv6 = true};
	struct tcp_opts t;

	set_int(&o, IPPROTO_IP, IP_TOS, 0x10);
	set_int(&o, IPPROTO_IPV6, IPV6_TCLASS, 0x2f);
	set_int(&o, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
	sockopt_to_tcp(&o, true, &t);
	cr_assert_eq(t.tos, 0x2c);
	cr_assert_eq(t.ttl, 7);
	/* A listener of both has peers of IPv4. */
	cr_assert_eq(t.tos4, 0x10);
	cr_assert_eq(t.ttl4, 0);
	sockopt_to_tcp(&o, false, &t);
	cr_assert_eq(t.tos, 0x10);
	cr_assert_eq(t.ttl, 0);
	set_int(&o, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0);
	sockopt_to_tcp(&o, true, &t);
	cr_assert_eq(t.ttl, 1);
	set_int(&o, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1);
	sockopt_to_tcp(&o, true, &t);
	cr_assert_eq(t.ttl, 64);
}

Test(sockopt, live_ipv6)
{
	struct tcp_info_out live = {.state = TCPS_ESTABLISHED, .pmtu = 1400};
	struct sockopts o = {.ipv6 = true};
	struct {
		struct sockaddr_in6 addr;
		uint32_t mtu;
	} info; /* struct ip6_mtuinfo */
	uint32_t len = sizeof info;
	int v;

	cr_assert_eq(sockopt_get_live(
			 &o, &live, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len),
	    0);
	cr_assert_eq(info.mtu, 1400);
	len = sizeof v;
	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_IPV6, IPV6_MTU, &v, &len), 0);
	cr_assert_eq(v, 1400);
	cr_assert_eq(sockopt_get_live(
			 &o, &live, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len),
	    EINVAL);
	o.ipv6 = false;
	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_IPV6, IPV6_MTU, &v, &len),
	    EOPNOTSUPP);
}

/* Every algorithm that the layer has can be asked for by name. */
Test(sockopt, congestion_controls)
{
	struct tcp_opts t;
	const char *name;
	unsigned i;

	for (i = 0; (name = tcp_cc_name(i)) != NULL; i++) {
		struct sockopts o = {0};

		cr_assert_eq(sockopt_set(&o, IPPROTO_TCP, TCP_CONGESTION, name,
				 (uint32_t)strlen(name)),
		    0, "%s", name);
		sockopt_to_tcp(&o, false, &t);
		cr_assert(strcmp(t.congestion, name) == 0 ||
			      strcmp(t.congestion, "reno") == 0,
		    "%s", name);
	}
}

/* SO_MAX_PACING_RATE: 64 bits, or 32 whose all ones mean no limit. */
Test(sockopt, pacing_rate)
{
	uint64_t rate = 5000000000, got = 0;
	uint32_t narrow = 0, len = sizeof got;
	struct sockopts o = {0};
	struct tcp_opts t;

	cr_assert_eq(
	    sockopt_set(&o, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, 8), 0);
	sockopt_to_tcp(&o, false, &t);
	cr_assert_eq(t.max_pacing_rate, rate);
	cr_assert_eq(
	    sockopt_get(&o, SOL_SOCKET, SO_MAX_PACING_RATE, &got, &len), 0);
	cr_assert_eq(got, rate);
	len = sizeof narrow;
	cr_assert_eq(
	    sockopt_get(&o, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, &len), 0);
	cr_assert_eq(narrow, UINT32_MAX);
	cr_assert_eq(
	    sockopt_set(&o, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, 4), 0);
	sockopt_to_tcp(&o, false, &t);
	cr_assert_eq(t.max_pacing_rate, 0);
	narrow = 125000;
	cr_assert_eq(
	    sockopt_set(&o, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, 4), 0);
	sockopt_to_tcp(&o, false, &t);
	cr_assert_eq(t.max_pacing_rate, 125000);
}

Test(sockopt, live)
{
	struct tcp_info_out live = {.state = TCPS_ESTABLISHED,
	    .congestion = "newreno",
	    .snd_mss = 1448,
	    .pmtu = 1500,
	    .cwnd_bytes = 14480,
	    .ssthresh_bytes = UINT32_MAX,
	    .flight_bytes = 2896,
	    .unacked_segs = 2,
	    .sndbuf = 77777,
	    .rcvbuf = 88888,
	    .srtt_us = 250};
	struct sockopts o = {0};
	struct tcp_info ti;
	char name[16];
	uint32_t len;
	int v;

	len = 104; /* an old program's struct */
	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	cr_assert_eq(len, 104);
	cr_assert_eq(ti.tcpi_state, 1);
	cr_assert_eq(ti.tcpi_snd_cwnd, 10);
	cr_assert_eq(ti.tcpi_unacked, 2);
	cr_assert_eq(ti.tcpi_rtt, 250);
	len = sizeof name;
	cr_assert_eq(sockopt_get_live(
			 &o, &live, IPPROTO_TCP, TCP_CONGESTION, name, &len),
	    0);
	cr_assert_str_eq(name, "reno");
	len = sizeof v;
	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_IP, IP_MTU, &v, &len), 0);
	cr_assert_eq(v, 1500);
	len = sizeof v;
	sockopt_get_live(&o, &live, SOL_SOCKET, SO_SNDBUF, &v, &len);
	cr_assert_eq(v, 77777);
	set_int(&o, SOL_SOCKET, SO_SNDBUF, 50000);
	sockopt_get_live(&o, &live, SOL_SOCKET, SO_SNDBUF, &v, &len);
	cr_assert_eq(v, 100000);
	live.state = TCPS_CLOSE_WAIT;
	len = sizeof ti;
	sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_INFO, &ti, &len);
	cr_assert_eq(ti.tcpi_state, 8); /* Linux's number */
}

/* The fields of ECN, at Linux 6.18's places; a program with an older struct
 * gets the beginning. */
Test(sockopt, live_ecn)
{
	struct tcp_info_out live = {.state = TCPS_ESTABLISHED,
	    .snd_mss = 1448,
	    .ecn = {.mode = 2,
		.seen = true,
		.opt_seen = 2,
		.fail = 4,
		.received_ce = 11,
		.delivered_ce = 12,
		.delivered_e1 = 13,
		.received_ce_bytes = 14}};
	struct sockopts o = {0};
	uint8_t all[SOCKOPT_INFO_MAX + 8];
	struct tcp_info ti;
	uint32_t len = sizeof all, v[8];

	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_INFO, all, &len), 0);
	cr_assert_eq(len, SOCKOPT_INFO_MAX);
	memcpy(&ti, all, sizeof ti);
	cr_assert_eq(ti.tcpi_options, TCPI_OPT_ECN | TCPI_OPT_ECN_SEEN);
	memcpy(v, all + 196, sizeof v[0]); /* tcpi_delivered_ce */
	cr_assert_eq(v[0], 12);
	memcpy(v, all + 248, sizeof v); /* tcpi_received_ce */
	cr_assert_eq(v[0], 11);
	cr_assert_eq(v[1], 13);
	cr_assert_eq(v[6], 14);
	cr_assert_eq(v[7], 4 | 2 << 16);
}

/* What came before ECN's, at its places too; a time in a count of 16 bits does
 * not begin anew. */
Test(sockopt, live_time_outs)
{
	struct tcp_info_out live = {.state = TCPS_ESTABLISHED,
	    .snd_mss = 1448,
	    .rcv_wnd = 70000,
	    .unacked_segs = 5,
	    .bytes_acked = 10,
	    .ctl_acked = 2,
	    .ato_us = 40000,
	    .total_rto = 70000,
	    .total_rto_recoveries = 3,
	    .total_rto_us = 1234567};
	struct sockopts o = {0};
	uint8_t all[SOCKOPT_INFO_MAX];
	struct tcp_info ti;
	uint32_t len = sizeof all, v;
	uint64_t bytes;
	uint16_t n[2];

	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_INFO, all, &len), 0);
	memcpy(&ti, all, sizeof ti);
	cr_assert_eq(ti.tcpi_unacked, 5);
	memcpy(&bytes, all + 120, sizeof bytes); /* tcpi_bytes_acked */
	cr_assert_eq(bytes, 12);
	cr_assert_eq(ti.tcpi_ato, 40000);
	memcpy(&v, all + 232, sizeof v);
	cr_assert_eq(v, 70000);
	memcpy(n, all + 240, sizeof n);
	cr_assert_eq(n[0], 65535);
	cr_assert_eq(n[1], 3);
	memcpy(&v, all + 244, sizeof v);
	cr_assert_eq(v, 1234);
}
