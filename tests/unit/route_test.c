/* SPDX-License-Identifier: ISC */
/*
 * Routes: longest prefix, order of equals, and what is refused.
 */
#include <criterion/criterion.h>
#include "base/drop.h"
#include "ip/ip.h"

#define NET(a, b, c, d)                                                        \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 |      \
	    (uint32_t)(d))

static struct ip ip;
static struct drops drops;

static void
init(void)
{
	struct ip_config cfg = {.mtu = 1500, .drops = &drops};
	struct ipnet net = {ipaddr_v4(NET(192, 0, 2, 2)), 96 + 24};

	cfg.bufs = bufpool_new(1 << 20);
	cr_assert(ip_init(&ip, &cfg, (mono_t){0}));
	cr_assert(ip_set_addrs(&ip, &net, 1, (mono_t){0}));
}

static void
done(void)
{
	struct bufpool *bufs = ip.bufs;

	ip_done(&ip);
	bufpool_free(bufs);
}

TestSuite(route, .init = init, .fini = done);

#define NOWHERE UINT32_MAX

static uint32_t
hop(uint32_t dst)
{
	struct ipaddr a = ipaddr_v4(dst);
	const struct route *r = route_find(&ip.routes, &a);

	return r == NULL ? NOWHERE : ipaddr_to_v4(&r->gateway);
}

static struct route
route(uint32_t dst, unsigned plen, uint32_t gateway)
{
	return (struct route){.dst = ipaddr_v4(dst),
	    .plen = (uint8_t)(96 + plen),
	    .gateway = ipaddr_v4(gateway)};
}

Test(route, longest_prefix_wins_in_any_order)
{
	struct route r[] = {
	    route(0, 0, NET(192, 0, 2, 254)),
	    route(NET(10, 1, 2, 0), 24, NET(192, 0, 2, 3)),
	    route(NET(10, 0, 0, 0), 8, NET(192, 0, 2, 1)),
	    route(NET(10, 1, 0, 0), 16, NET(192, 0, 2, 5)),
	    route(NET(10, 1, 2, 3), 32, 0),
	    route(NET(10, 0, 0, 0), 8, NET(192, 0, 2, 9)),
	};

	cr_assert(ip_set_routes(&ip, r, 6));
	cr_assert_eq(hop(NET(192, 0, 2, 77)), 0);
	cr_assert_eq(hop(NET(10, 1, 2, 3)), 0);
	cr_assert_eq(hop(NET(10, 1, 2, 4)), NET(192, 0, 2, 3));
	cr_assert_eq(hop(NET(10, 1, 3, 4)), NET(192, 0, 2, 5));
	cr_assert_eq(hop(NET(10, 2, 3, 4)), NET(192, 0, 2, 1));
	cr_assert_eq(hop(NET(11, 2, 3, 4)), NET(192, 0, 2, 254));
}

/* ::/0 covers the mapped block only on paper. */
Test(route, families_do_not_mix)
{
	static const struct ipaddr any6, net6 = {{0x20, 0x01, 0x0d, 0xb8}};
	struct ipaddr in6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 9}};
	struct ipnet nets[] = {{ipaddr_v4(NET(192, 0, 2, 2)), 96 + 24},
	    {{{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, 64}};
	struct route r[] = {{.dst = any6, .gateway = in6, .plen = 0}};
	struct route wrong = {
	    .dst = any6, .gateway = ipaddr_v4(NET(192, 0, 2, 9))};
	struct ipaddr far6 = {{0x20, 0x02}};
	const struct route *found;

	cr_assert(!ip_set_routes(&ip, r, 1), "no IPv6 link yet");
	cr_assert(ip_set_addrs(&ip, nets, 2, (mono_t){0}));
	cr_assert(ip_set_routes(&ip, r, 1));
	cr_assert_eq(hop(NET(10, 0, 0, 1)), NOWHERE);
	found = route_find(&ip.routes, &far6);
	cr_assert(found != NULL && ipaddr_eq(&found->gateway, &in6));
	found = route_find(&ip.routes, &in6);
	cr_assert(found != NULL && route_on_link(found));
	cr_assert(ipaddr_eq(&found->dst, &net6) && found->plen == 64);
	cr_assert(!ip_set_routes(&ip, &wrong, 1));
}

Test(route, without_a_default_the_rest_is_unreachable)
{
	cr_assert_eq(hop(NET(192, 0, 3, 1)), UINT32_MAX);
	cr_assert_eq(hop(NET(192, 0, 2, 1)), 0);
}

Test(route, nonsense_is_refused_and_changes_nothing)
{
	struct route good = route(0, 0, NET(192, 0, 2, 254));
	struct route bad[] = {
	    route(NET(10, 0, 0, 0), 33, 0),		    /* too long */
	    route(NET(10, 0, 0, 1), 8, 0),		    /* bits outside */
	    route(NET(10, 0, 0, 0), 8, NET(10, 0, 0, 1)),   /* by itself */
	    route(NET(10, 0, 0, 0), 8, NET(172, 16, 0, 1)), /* off link */
	    route(NET(10, 0, 0, 0), 8, NET(192, 0, 2, 2)),  /* ourselves */
	};
	struct route many[IP_ROUTES];
	unsigned i;

	cr_assert(ip_set_routes(&ip, &good, 1));
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_assert(!ip_set_routes(&ip, &bad[i], 1), "row %u", i);
		cr_assert_eq(hop(NET(10, 0, 0, 1)), NET(192, 0, 2, 254));
	}
	for (i = 0; i < IP_ROUTES; i++)
		many[i] = route(NET(10, i, 0, 0), 16, 0);
	cr_assert(!ip_set_routes(&ip, many, IP_ROUTES));
	cr_assert(ip_set_routes(&ip, many, IP_ROUTES - 1));
	cr_assert_eq(hop(NET(10, IP_ROUTES - 2, 1, 1)), 0);
}

static bool
is_group(uint32_t addr)
{
	struct ipaddr a = ipaddr_v4(addr);

	return ip_is_group(&ip, &a);
}

Test(route, groups_are_not_stations)
{
	static const uint32_t group[] = {0, NET(0, 1, 2, 3), NET(127, 0, 0, 1),
	    NET(224, 0, 0, 1), NET(239, 255, 255, 255), NET(240, 0, 0, 1),
	    UINT32_MAX, NET(192, 0, 2, 255), NET(192, 0, 2, 0)};
	struct ipnet pair = {ipaddr_v4(NET(192, 0, 2, 2)), 96 + 31};
	unsigned i;

	for (i = 0; i < sizeof group / sizeof group[0]; i++)
		cr_assert(is_group(group[i]), "row %u", i);
	cr_assert(!is_group(NET(192, 0, 2, 1)));
	cr_assert(!is_group(NET(192, 0, 3, 255)));
	/* RFC 3021: a link of two has no broadcast address. */
	cr_assert(ip_set_addrs(&ip, &pair, 1, (mono_t){0}));
	cr_assert(!is_group(NET(192, 0, 2, 3)));
}

Test(bucket, saves_up_its_burst_and_no_more)
{
	struct bucket b = {.per_s = 10, .burst = 3, .last = {0}};
	mono_t now = {3600000000};
	unsigned n = 0;

	while (bucket_take(&b, now))
		n++;
	cr_assert_eq(n, 3);
	now = mono_add(now, 99999);
	cr_assert(!bucket_take(&b, now));
	now = mono_add(now, 1);
	cr_assert(bucket_take(&b, now));
	cr_assert(!bucket_take(&b, now));
}
