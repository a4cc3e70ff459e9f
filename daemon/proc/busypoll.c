/* SPDX-License-Identifier: ISC */
/* Looking for events before sleeping; see busypoll.h. */
#include "config.h"
#include <sys/param.h>
#include <string.h>
#include "proc/busypoll.h"

#define FIRST_US 10 /* a window that begins to grow */

void
busypoll_init(struct busypoll *b, const struct busypoll_config *cfg, mono_t now)
{
	memset(b, 0, sizeof *b);
	b->cfg = *cfg;
	b->paid = now;
}

void
busypoll_configure(struct busypoll *b, const struct busypoll_config *cfg)
{
	b->cfg = *cfg;
	b->window_us = MIN(b->window_us, cfg->max_us);
}

static void
pay(struct busypoll *b, mono_t now)
{
	b->debt -= mono_diff(now, b->paid) * b->cfg.share;
	b->debt = MAX(b->debt, 0);
	b->paid = now;
}

int64_t
busypoll_window(struct busypoll *b, mono_t now)
{
	if (b->window_us == 0)
		return 0;
	pay(b, now);
	return b->debt < BUSYPOLL_DEBT_US * 100 ? b->window_us : 0;
}

void
busypoll_looked(struct busypoll *b, int64_t us, bool found)
{
	if (found) {
		b->stats.found++;
		return;
	}
	b->stats.in_vain++;
	b->stats.us += (uint64_t)us;
	b->debt += us * 100;
}

void
busypoll_slept(struct busypoll *b, int64_t us)
{
	if (us > b->cfg.max_us)
		b->window_us = b->window_us > FIRST_US ? b->window_us / 2 : 0;
	else if (us > b->window_us)
		b->window_us = MIN(
		    MAX(2 * b->window_us, FIRST_US), (int64_t)b->cfg.max_us);
}
