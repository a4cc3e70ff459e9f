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
 * taken.  SYNs that wait in it came in under an older filter: so the next step
 * comes after a tick that began when it had been empty, or after SETTLE_TICKS.
 *
 * Of a flood that the filter does not judge (fragments, extension headers) it
 * would keep nothing away, only everybody else.  So such SYNs are told from the
 * others, and when they alone are too many there is no filter.
 *
 * The look begins when frames wait, and ends when there is no flood: an idle
 * daemon has no timer here.
 */
#include "config.h"
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
	int err;

	if (f->open == 0) /* a new round */
		f->key = (uint32_t)rng_u64(&e->rng);
	err = dev_syn_filter(e->dev, (1u << f->shift) - 1, f->open, f->key);
	if (err == 0)
		return;
	log_warn("the device takes no filter against a flood of SYNs: %s",
	    strerror(-err));
	f->refused = true;
	f->shift = 0;
}

/* To another shift, or to the next group of the same. */
static void
change(struct flood *f, unsigned shift)
{
	f->ticks = 0;
	if (shift == f->shift) {
		f->open = (f->open + 1) & ((1u << shift) - 1);
		return;
	}
	f->open = f->calm = 0;
	f->shift = shift;
}

void
flood_count(struct flood *f, const struct buf *frame)
{
	f->seen += dev_syn_filtered(frame->data, frame->len);
}

/* The shift at which rate is kept; 0 also where none would do that. */
static unsigned
wanted(const struct flood *f, uint64_t rate, uint64_t answered, uint64_t us)
{
	uint64_t judged = f->seen < answered ? f->seen : answered;
	uint64_t others = (answered - judged) * 1000000 / us, came;
	unsigned want = 0;

	if (rate == 0 || others >= rate)
		return 0;
	came = judged * 1000000 / us;
	while ((came << f->shift >> want) + others > rate && want < SHIFT_MAX)
		want++;
	if (want <= f->shift && !f->was_empty && came > rate / 8)
		want = f->shift < SHIFT_MAX ? f->shift + 1 : SHIFT_MAX;
	return want;
}

bool
flood_step(struct flood *f, uint64_t rate, uint64_t answered, int64_t us)
{
	unsigned want = wanted(f, rate, answered, us > 0 ? (uint64_t)us : 1);
	bool settled = f->settle == 0;

	if (f->was_empty)
		f->settle = 0;
	else if (f->settle > 0)
		f->settle--;
	f->was_empty = false;
	f->seen = 0;
	f->calm = want < f->shift ? f->calm + 1 : 0;
	if (want > f->shift && settled)
		f->settle = SETTLE_TICKS;
	else if (f->calm < CALM_TICKS &&
		 (f->shift == 0 || ++f->ticks < OPEN_TICKS))
		return false;
	else if (f->calm < CALM_TICKS)
		want = f->shift;
	change(f, want);
	return true;
}

static void
on_tick(struct engine *e, struct etimer *t)
{
	struct flood *f = &e->flood;
	uint64_t n = cookies(e), answered = n - f->answered;
	int64_t us = mono_diff(engine_now(e), f->since);
	unsigned was = f->shift;

	f->looking = false;
	f->answered = n;
	f->since = engine_now(e);
	if (flood_step(f, e->conf->g.tcp.syn_rate, answered, us)) {
		if (was == 0)
			log_warn("flood of SYNs: the device lets 1 in %u "
				 "through (syn_rate)",
			    1u << f->shift);
		else if (f->shift == 0)
			log_info("the flood of SYNs is over");
		set_filter(e);
	}
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
		f->seen = 0;
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
