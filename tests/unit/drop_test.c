/* SPDX-License-Identifier: ISC */
/*
 * Drop reasons: names as tcpctl shows them, all different, all with a text.
 */
#include <ctype.h>
#include <string.h>
#include <criterion/criterion.h>
#include "base/drop.h"

Test(drop, names)
{
	cr_assert_str_eq(drop_name(DROP_NONE), "none");
	cr_assert_str_eq(drop_name(DROP_ETH_SHORT), "eth.short");
	cr_assert_str_eq(drop_name(DROP_TCP_CHECKSUM), "tcp.checksum");
	cr_assert_str_eq(drop_name(DROP_TCP_ACK_FUTURE), "tcp.ack_future");
	cr_assert_str_eq(drop_name(DROP_DEV_RX_NO_MEMORY), "dev.rx_no_memory");
}

Test(drop, every_reason_has_its_own_name_and_text)
{
	for (int i = DROP_FIRST; i < NDROPS; i++) {
		const char *name = drop_name((enum drop)i);

		cr_assert_not_null(strchr(name, '.'), "%s", name);
		for (const char *p = name; *p != '\0'; p++)
			cr_assert(islower((unsigned char)*p) ||
				      isdigit((unsigned char)*p) || *p == '.' ||
				      *p == '_',
			    "%s", name);
		cr_assert_gt(strlen(drop_text((enum drop)i)), 0);
		for (int j = DROP_FIRST; j < i; j++)
			cr_assert_str_neq(name, drop_name((enum drop)j));
	}
}

Test(drop, counting)
{
	struct drops d = {0};

	drop_count(&d, DROP_TCP_SEQ);
	drop_count(&d, DROP_TCP_SEQ);
	for (int i = 0; i < NDROPS; i++)
		cr_assert_eq(d.count[i], i == DROP_TCP_SEQ ? 2 : 0);
}
