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
	struct ip_config cfg = {.mtu = 1500,
	    .addr = NET(192, 0, 2, 2),
	    .mask = 0xffffff00,
	    .drops = &drops};

	cfg.bufs = bufpool_new(1 << 20);
	cr_assert(ip_init(&ip, &cfg, (mono_t){0}));
}

static void
done(void)
{
	struct bufpool *bufs = ip.bufs;

	ip_done(&ip);
	bufpool_free(bufs);
}

TestSuite(route, .init = init, .fini = done);

static uint32_t
hop(uint32_t dst)
{
	const struct route *r = route_find(&ip.routes, dst);

	return r == NULL ? UINT32_MAX : r->gateway;
}

Test(route, longest_prefix_wins_in_any_order)
{
	static const struct route r[] = {
	    {0, 0, NET(192, 0, 2, 254)},
	    {NET(10, 1, 2, 0), 0xffffff00, NET(192, 0, 2, 3)},
	    {NET(10, 0, 0, 0), 0xff000000, NET(192, 0, 2, 1)},
	    {NET(10, 1, 0, 0), 0xffff0000, NET(192, 0, 2, 2) ^ 7},
	    {NET(10, 1, 2, 3), 0xffffffff, 0},
	    {NET(10, 0, 0, 0), 0xff000000, NET(192, 0, 2, 9)},
	};

	cr_assert(ip_set_routes(&ip, r, 6));
	cr_assert_eq(hop(NET(192, 0, 2, 77)), 0);
	cr_assert_eq(hop(NET(10, 1, 2, 3)), 0);
	cr_assert_eq(hop(NET(10, 1, 2, 4)), NET(192, 0, 2, 3));
	cr_assert_eq(hop(NET(10, 1, 3, 4)), NET(192, 0, 2, 5));
	cr_assert_eq(hop(NET(10, 2, 3, 4)), NET(192, 0, 2, 1));
	cr_assert_eq(hop(NET(11, 2, 3, 4)), NET(192, 0, 2, 254));
}

Test(route, without_a_default_the_rest_is_unreachable)
{
	cr_assert_eq(hop(NET(192, 0, 3, 1)), UINT32_MAX);
	cr_assert_eq(hop(NET(192, 0, 2, 1)), 0);
}

Test(route, nonsense_is_refused_and_changes_nothing)
{
	static const struct route good = {0, 0, NET(192, 0, 2, 254)};
	static const struct route bad[] = {
	    {NET(10, 0, 0, 0), 0xff00ff00, 0},		      /* holes */
	    {NET(10, 0, 0, 1), 0xff000000, 0},		      /* bits outside */
	    {NET(10, 0, 0, 0), 0xff000000, NET(10, 0, 0, 1)}, /* by itself */
	    {NET(10, 0, 0, 0), 0xff000000, NET(172, 16, 0, 1)}, /* off link */
	    {NET(10, 0, 0, 0), 0xff000000, NET(192, 0, 2, 2)},	/* ourselves */
	};
	struct route many[IP_ROUTES];
	unsigned i;

	cr_assert(ip_set_routes(&ip, &good, 1));
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_assert(!ip_set_routes(&ip, &bad[i], 1), "row %u", i);
		cr_assert_eq(hop(NET(10, 0, 0, 1)), NET(192, 0, 2, 254));
	}
	for (i = 0; i < IP_ROUTES; i++)
		many[i] = (struct route){NET(10, i, 0, 0), 0xffff0000, 0};
	cr_assert(!ip_set_routes(&ip, many, IP_ROUTES));
	cr_assert(ip_set_routes(&ip, many, IP_ROUTES - 1));
	cr_assert_eq(hop(NET(10, IP_ROUTES - 2, 1, 1)), 0);
}

Test(route, groups_are_not_stations)
{
	static const uint32_t group[] = {0, NET(0, 1, 2, 3), NET(127, 0, 0, 1),
	    NET(224, 0, 0, 1), NET(239, 255, 255, 255), NET(240, 0, 0, 1),
	    UINT32_MAX, NET(192, 0, 2, 255), NET(192, 0, 2, 0)};
	unsigned i;

	for (i = 0; i < sizeof group / sizeof group[0]; i++)
		cr_assert(ip_is_group(&ip, group[i]), "row %u", i);
	cr_assert(!ip_is_group(&ip, NET(192, 0, 2, 1)));
	cr_assert(!ip_is_group(&ip, NET(192, 0, 3, 255)));
	/* RFC 3021: a link of two has no broadcast address. */
	ip.mask = 0xfffffffe;
	cr_assert(!ip_is_group(&ip, NET(192, 0, 2, 3)));
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
