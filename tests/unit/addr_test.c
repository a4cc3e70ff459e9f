/* SPDX-License-Identifier: ISC */
/*
 * The small types of base: addresses, their texts, and points in time.
 */
#include <criterion/criterion.h>
#include "base/addr.h"
#include "base/addrtext.h"
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

/* What is read is written as it should be, and what is wrong is refused. */
Test(addr, text)
{
	static const struct {
		const char *in, *out;
	} good[] = {{"192.0.2.1", "192.0.2.1"},
	    {"2001:DB8:0::1", "2001:db8::1"}, {"::", "::"}, {"::1", "::1"},
	    {"0.0.0.0", "0.0.0.0"}, {"::ffff:192.0.2.1", "192.0.2.1"},
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}};
	static const char *const bad[] = {"", "192.0.2", "192.0.2.256",
	    "192.0.2.1 ", "2001:db8::1::", "fe80::1%lo", "[::1]", "1.2.3.4/8",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	char buf[ADDRTEXT_MAX];
	struct ipaddr a;
	size_t i;

	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		cr_assert(addrtext_parse(good[i].in, &a), "%s", good[i].in);
		cr_assert_str_eq(addrtext(&a, buf), good[i].out);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert(!addrtext_parse(bad[i], &a), "%s", bad[i]);
}

Test(addr, prefix_text)
{
	static const struct {
		const char *in, *out;
		unsigned plen;
	} good[] = {{"10.0.0.0/8", "10.0.0.0/8", 104},
	    {"192.0.2.1", "192.0.2.1/32", 128}, {"0.0.0.0/0", "0.0.0.0/0", 96},
	    {"::/0", "::/0", 0}, {"2001:db8::/32", "2001:db8::/32", 32},
	    {"::1", "::1/128", 128}, {"::ffff:0:0/96", "0.0.0.0/0", 96},
	    {"::ffff:0:0/95", "::ffff:0.0.0.0/95", 95}};
	static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/", "/8",
	    "10.0.0.0/8x", "::/129", "::/-1", "::/ 1", "x/8"};
	char buf[ADDRTEXT_MAX];
	struct ipaddr a;
	uint8_t plen;
	size_t i;

	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		cr_assert(addrtext_parse_prefix(good[i].in, &a, &plen));
		cr_assert_eq(plen, good[i].plen, "%s", good[i].in);
		cr_assert_str_eq(addrtext_prefix(&a, plen, buf), good[i].out);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert(
		    !addrtext_parse_prefix(bad[i], &a, &plen), "%s", bad[i]);
	cr_assert(addrtext_parse("2001:db8:ffff::1", &a));
	a = ipaddr_masked(&a, 33);
	cr_assert_str_eq(addrtext(&a, buf), "2001:db8:8000::");
	a = ipaddr_masked(&a, 0);
	cr_assert_str_eq(addrtext(&a, buf), "::");
}

Test(addr, endpoint_text)
{
	static const struct {
		const char *in, *out;
	} good[] = {{"192.0.2.1:80", "192.0.2.1:80"}, {"[::1]:80", "[::1]:80"},
	    {"192.0.2.1", "192.0.2.1:*"}, {"::1", "[::1]:*"},
	    {"[2001:db8::1]", "[2001:db8::1]:*"},
	    {"2001:db8::1:80", "[2001:db8::1:80]:*"}};
	static const char *const bad[] = {"192.0.2.1:", "192.0.2.1:65536",
	    "[::1", "[::1]80", "[::1]:", "::1]:80", ":80", "[]:80", "80"};
	char buf[ADDRTEXT_MAX];
	struct ipaddr a;
	uint16_t port;
	size_t i;

	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		cr_assert(addrtext_parse_endpoint(good[i].in, &a, &port));
		cr_assert_str_eq(addrtext_endpoint(&a, port, buf), good[i].out);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert(
		    !addrtext_parse_endpoint(bad[i], &a, &port), "%s", bad[i]);
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
