/* SPDX-License-Identifier: ISC */
/*
 * The table of congestion controls and what all of them share: the initial
 * window (RFC 6928) and slow start.
 */
#include <string.h>
#include "tcp/cc.h"

static const struct tcp_cc_ops *const table[] = {
    &tcp_cc_cubic, /* the default */
    &tcp_cc_newreno,
};

const struct tcp_cc_ops *
tcp_cc_find(const char *name)
{
	size_t i;

	if (name == NULL)
		return table[0];
	for (i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	}
	/* Linux's name for the same algorithm. */
	return strcmp(name, "reno") == 0 ? &tcp_cc_newreno : NULL;
}

void
tcp_cc_init(struct tcp_cc *cc, const struct tcp_cc_ops *ops, uint32_t mss)
{
	*cc = (struct tcp_cc){
	    .ops = ops, .mss = mss, .cwnd = 10 * mss, .ssthresh = UINT32_MAX};
	ops->init(cc);
}

uint32_t
tcp_cc_slow_start(struct tcp_cc *cc, uint32_t acked)
{
	uint32_t room;

	if (cc->cwnd >= cc->ssthresh)
		return acked;
	room = cc->ssthresh - cc->cwnd;
	if (acked <= room) {
		cc->cwnd += acked;
		return 0;
	}
	cc->cwnd += room;
	return acked - room;
}
