/* SPDX-License-Identifier: ISC */
/*
 * A flood of SYNs: cookies keep it from taking memory, but each SYN still costs
 * a frame read and a frame sent, and what is read late is lost for everybody.
 * So when frames wait and more than tcpd.conf's syn_rate are answered with
 * cookies, the device lets 1 in 2, 4, ... of them through (dev/synfilter.c):
 * as many as the rate allows.  Which ones changes every OPEN_TICKS, a time that
 * is no multiple of the second that clients wait before they try again.
 *
 * A queue that is never empty hides how many there are: then one step more is
 * taken.  SYNs that wait in it came in under an older filter: so after a step
 * the next comes when it was empty, or after SETTLE_TICKS.
 *
 * The look begins when frames wait, and ends when there is no flood: an idle
 * daemon has no timer here.
 */
#include "config.h"
#include <sys/param.h>
#include <string.h>
#include "proc/engine.h"
#include "proc/log.h"

#define TICK_US	     100000
#define OPEN_TICKS   11
#define SETTLE_TICKS 5
#define CALM_TICKS   (OPEN_TICKS + 1) /* until more come through */
#define SHIFT_MAX    8

static uint64_t
cookies(struct engine *e)
{
	struct tcp_stats st;

	tcp_stats(e->tcp, &st);
	return st.syn_cookies;
}

static void
set_filter(struct engine *e)
{
	struct flood *f = &e->flood;
	int err = dev_syn_filter(e->dev, (1u << f->shift) - 1, f->open);

	if (err == 0)
		return;
	log_warn("the device takes no filter against a flood of SYNs: %s",
	    strerror(-err));
	f->refused = true;
	f->shift = 0;
}

/* How far the answers of the last tick call for another filter. */
static void
judge(struct engine *e, uint64_t answered, int64_t us)
{
	struct flood *f = &e->flood;
	uint64_t came = answered * 1000000 / (uint64_t)us;
	uint64_t offered = came << f->shift;
	uint64_t rate = e->conf->g.tcp.syn_rate;
	unsigned want = 0;

	while (rate != 0 && offered >> want > rate && want < SHIFT_MAX)
		want++;
	if (f->was_empty)
		f->settle = 0;
	else if (f->settle > 0)
		f->settle--;
	else if (want <= f->shift && rate != 0 && came > rate / 8)
		want = MIN(f->shift + 1, SHIFT_MAX);
	f->was_empty = false;
	f->calm = want < f->shift ? f->calm + 1 : 0;
	if (want > f->shift && f->settle == 0) {
		f->settle = SETTLE_TICKS;
		if (f->shift == 0)
			log_warn("flood of SYNs, %llu a second: the device "
				 "lets some through, about %llu (syn_rate)",
			    (unsigned long long)offered,
			    (unsigned long long)(offered >> want));
		f->shift = want;
	} else if (f->calm >= CALM_TICKS) {
		f->calm = 0;
		if ((f->shift = want) == 0)
			log_info("the flood of SYNs is over");
	} else if (f->shift == 0 || ++f->ticks < OPEN_TICKS) {
		return;
	}
	f->ticks = 0;
	f->open = (f->open + 1) & ((1u << f->shift) - 1);
	set_filter(e);
}

static void
on_tick(struct engine *e, struct etimer *t)
{
	struct flood *f = &e->flood;
	uint64_t n = cookies(e), answered = n - f->answered;
	int64_t us = mono_diff(engine_now(e), f->since);

	f->looking = false;
	f->answered = n;
	f->since = engine_now(e);
	judge(e, answered, us > 0 ? us : 1);
	if (f->shift > 0)
		flood_look(e);
}

void
flood_look(struct engine *e)
{
	struct flood *f = &e->flood;

	if (f->looking || f->refused)
		return;
	f->looking = true;
	if (f->shift == 0) {
		f->answered = cookies(e);
		f->since = engine_now(e);
		f->settle = 0;
		f->was_empty = false;
	}
	etimer_set(e, &f->timer, mono_add(engine_now(e), TICK_US));
}

bool
flood_init(struct engine *e)
{
	return etimer_init(e, &e->flood.timer, on_tick);
}

void
flood_done(struct engine *e)
{
	etimer_done(e, &e->flood.timer);
}
