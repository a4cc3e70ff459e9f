/* SPDX-License-Identifier: ISC */
/*
 * The policy page: first match decides, ports and prefixes count, the page's
 * bounds hold whatever its counts say.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include "ipc/policy.h"

static struct proto_policy page;

static struct ipaddr
v4(uint32_t a)
{
	return ipaddr_v4(a);
}

static void
add(bool to_bind, uint32_t addr, uint8_t plen, uint16_t first, uint16_t last,
    enum proto_action action, uint32_t line)
{
	struct ipaddr a = v4(addr);
	int err = to_bind ? policy_add_bind(&page, &a, (uint8_t)(96 + plen),
				first, last, action, PROTO_WHY_CONF, line)
			  : policy_add_connect(&page, &a, (uint8_t)(96 + plen),
				first, last, action, PROTO_WHY_CONF, line);

	cr_assert_eq(err, 0);
}

static struct policy_verdict
to(uint32_t addr, uint16_t port)
{
	struct ipaddr a = v4(addr);

	return policy_connect(&page, &a, port);
}

static struct policy_verdict
at(uint32_t addr, uint16_t port)
{
	struct ipaddr a = v4(addr);

	return policy_bind(&page, &a, port);
}

Test(policy, first_match_decides)
{
	policy_init(&page, 7);
	add(true, 0, 32, 80, 80, PROTO_REFUSE, 3);
	add(false, 0x0a000000, 8, 0, 65535, PROTO_KERNEL, 1);
	add(true, 0, 32, 0, 65535, PROTO_TCPD, 4);
	add(false, 0x0a010000, 16, 0, 65535, PROTO_TCPD, 2);
	add(false, 0xc0000200, 24, 443, 444, PROTO_TCPD, 5);
	cr_assert_eq(policy_add_loopback(&page, PROTO_KERNEL, 0), 0);
	cr_assert(!policy_valid(&page));
	policy_finalise(&page);
	cr_assert(policy_valid(&page));
	cr_assert_eq(page.generation, 7);

	cr_assert_eq(to(0x0a010203, 1).line, 1);
	cr_assert_eq(to(0x0a010203, 1).action, PROTO_KERNEL);
	cr_assert_eq(to(0xc0000201, 443).action, PROTO_TCPD);
	cr_assert_eq(to(0xc0000201, 445).action, PROTO_KERNEL);
	cr_assert_eq(to(0xc0000201, 445).why, PROTO_WHY_DEFAULT);
	cr_assert_eq(to(0xc0000301, 443).why, PROTO_WHY_DEFAULT);
	cr_assert_eq(to(0x7f123456, 443).why, PROTO_WHY_LOOPBACK);
	cr_assert_eq(at(0, 80).action, PROTO_REFUSE);
	cr_assert_eq(at(0, 81).action, PROTO_TCPD);
	cr_assert_eq(at(1, 81).action, PROTO_KERNEL);
	cr_assert_eq(at(0x7f000001, 81).why, PROTO_WHY_LOOPBACK);
}

/* A prefix of every length matches its last address and not the next. */
Test(policy, prefixes)
{
	uint32_t base = 0xc6336480, mask;
	unsigned plen;

	for (plen = 0; plen <= 32; plen++) {
		mask = plen == 0 ? 0 : 0xffffffffu << (32 - plen);
		policy_init(&page, 1);
		add(false, base, (uint8_t)plen, 0, 65535, PROTO_TCPD, 1);
		policy_finalise(&page);
		cr_assert_eq(to(base | ~mask, 5).action, PROTO_TCPD);
		cr_assert_eq(to(base & mask, 5).action, PROTO_TCPD);
		if (plen == 0)
			continue;
		cr_assert_eq(to((base | ~mask) + 1, 5).action, PROTO_KERNEL);
		cr_assert_eq(to((base & mask) - 1, 5).action, PROTO_KERNEL);
	}
}

Test(policy, bounds)
{
	struct ipaddr a = v4(1);
	int i;

	policy_init(&page, 1);
	cr_assert_eq(policy_add_bind(
			 &page, &a, 129, 0, 1, PROTO_TCPD, PROTO_WHY_CONF, 0),
	    -EINVAL);
	cr_assert_eq(policy_add_bind(
			 &page, &a, 128, 2, 1, PROTO_TCPD, PROTO_WHY_CONF, 0),
	    -EINVAL);
	for (i = 0; i < PROTO_POLICY_RULES; i++)
		add(i & 1, (uint32_t)i, 32, 0, 65535, PROTO_TCPD, 0);
	cr_assert_eq(policy_add_connect(
			 &page, &a, 128, 0, 1, PROTO_TCPD, PROTO_WHY_CONF, 0),
	    -ENOSPC);
	policy_finalise(&page);
	cr_assert_eq(at(255, 1).action, PROTO_TCPD);

	/* Counts that lie. */
	page.nconnect = 0xffffffff;
	page.nbind = 0xfffffff0;
	cr_assert(!policy_valid(&page));
	cr_assert(!policy_reaches(&page, false));
	(void)to(0x01020304, 1);
	(void)at(0x01020304, 1);
	page.nconnect = PROTO_POLICY_RULES;
	(void)at(0x01020304, 1);
	page.rules[0].plen = 255;
	(void)to(0x01020304, 1);
}
