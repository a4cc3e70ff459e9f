/* SPDX-License-Identifier: ISC */
/*
 * The small inline types of base: addresses and points in time.
 */
#include <criterion/criterion.h>
#include "base/addr.h"
#include "base/mono.h"

Test(addr, v4_is_kept_mapped)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	struct ipaddr a = ipaddr_v4(0xc0000201), v6 = {{0x20, 0x01}};

	cr_assert_arr_eq(a.b, mapped, 16);
	cr_assert(ipaddr_is_v4(&a));
	cr_assert_eq(ipaddr_to_v4(&a), 0xc0000201);
	cr_assert(!ipaddr_is_v4(&v6));
	cr_assert(!ipaddr_eq(&a, &v6));
	cr_assert(ipaddr_eq(&a, &a));
}

Test(addr, wildcards)
{
	struct ipaddr any4 = ipaddr_v4(0), any6 = {{0}};
	struct ipaddr one4 = ipaddr_v4(1), one6 = {{[15] = 1}};

	cr_assert(ipaddr_is_any(&any4));
	cr_assert(ipaddr_is_any(&any6));
	cr_assert(!ipaddr_is_any(&one4));
	cr_assert(!ipaddr_is_any(&one6));
	cr_assert(!ipaddr_eq(&any4, &any6));
}

Test(mono, never_is_last_and_stays)
{
	mono_t never = MONO_NEVER, t = {5};

	cr_assert(mono_is_never(mono_add(never, -1)));
	cr_assert(mono_before(t, never));
	cr_assert(!mono_before(t, t));
	cr_assert_eq(mono_add(t, 10).us, 15);
	cr_assert_eq(mono_diff((mono_t){15}, t), 10);
	cr_assert_eq(mono_min(t, never).us, 5);
	cr_assert(mono_is_never(mono_max(t, never)));
}
