/* SPDX-License-Identifier: ISC */
/*
 * The queue of deadlines against a model that is plainly right: an array of
 * deadlines that is searched from end to end.
 */
#include <signal.h>
#include <criterion/criterion.h>
#include "base/rng.h"
#include "base/timerq.h"

enum {
	NTIMERS = 200
};

struct model {
	struct timerq q;
	struct timer timers[NTIMERS];
	mono_t when[NTIMERS]; /* MONO_NEVER: not queued */
};

static void
model_init(struct model *m)
{
	memset(m, 0, sizeof *m);
	timerq_init(&m->q);
	for (int i = 0; i < NTIMERS; i++) {
		cr_assert(timerq_reserve(&m->q));
		m->when[i] = MONO_NEVER;
	}
}

static mono_t
model_deadline(const struct model *m)
{
	mono_t first = MONO_NEVER;

	for (int i = 0; i < NTIMERS; i++)
		first = mono_min(first, m->when[i]);
	return first;
}

static void
model_check(const struct model *m)
{
	size_t queued = 0;

	cr_assert_eq(timerq_deadline(&m->q).us, model_deadline(m).us);
	for (int i = 0; i < NTIMERS; i++) {
		const struct timer *t = &m->timers[i];

		cr_assert_eq(timer_queued(t), !mono_is_never(m->when[i]));
		if (!timer_queued(t))
			continue;
		queued++;
		if (t->prev != NULL)
			cr_assert_eq(*t->prev, t);
		else
			cr_assert_eq(m->q.heap[t->slot - 1], t);
		cr_assert_eq(t->when.us, m->when[i].us);
	}
	cr_assert_eq(queued, m->q.n + m->q.nwheel);
	for (size_t i = 1; i < m->q.n; i++)
		cr_assert(!mono_before(
		    m->q.heap[i]->when, m->q.heap[(i - 1) / 2]->when));
}

static void
model_pop(struct model *m, mono_t now)
{
	mono_t first = model_deadline(m);
	struct timer *t = timerq_pop(&m->q, now);

	if (mono_is_never(first) || mono_before(now, first)) {
		cr_assert_null(t);
		return;
	}
	cr_assert_not_null(t);
	cr_assert_eq(t->when.us, first.us);
	m->when[t - m->timers] = MONO_NEVER;
}

static void
random_run(uint64_t seed)
{
	/* few different points, so that there are many ties; some lists of the
	 * wheel; wheel and heap */
	static const uint32_t spans[] = {50, 1000000, 20000, 5000000};
	uint32_t span = spans[seed % 4];
	struct model m;
	struct rng r;

	rng_init(&r, seed, 0);
	model_init(&m);
	for (int step = 0; step < 2000; step++) {
		uint32_t i = rng_below(&r, NTIMERS);
		mono_t when = {rng_below(&r, span)};

		switch (rng_below(&r, 9)) {
		case 0:
			timerq_cancel(&m.q, &m.timers[i]);
			m.when[i] = MONO_NEVER;
			break;
		case 1:
			timerq_set(&m.q, &m.timers[i], MONO_NEVER);
			m.when[i] = MONO_NEVER;
			break;
		case 2:
			model_pop(&m, when);
			break;
		case 3:
			timerq_turn(&m.q, when);
			break;
		default:
			timerq_set(&m.q, &m.timers[i], when);
			m.when[i] = when;
			break;
		}
		if (step % 16 == 0)
			model_check(&m);
	}
	while (!mono_is_never(model_deadline(&m)))
		model_pop(&m, (mono_t){span});
	model_check(&m);
	timerq_done(&m.q);
}

Test(timerq, random_operations_match_the_model)
{
	for (uint64_t seed = 0; seed < 24; seed++)
		random_run(seed);
}

/* Time goes on, the wheel with it: what is due in the next second is in the
 * wheel wherever it stands, and comes at its point, not before. */
Test(timerq, the_wheel_turns)
{
	struct timer near = {.slot = 0}, far = {.slot = 0}, *t;
	mono_t now = {1}, when;
	struct timerq q;
	struct rng r;

	rng_init(&r, 1, 2);
	timerq_init(&q);
	cr_assert(timerq_reserve(&q) && timerq_reserve(&q));
	for (int i = 0; i < 2000; i++) {
		timerq_turn(&q, now);
		timerq_set(&q, &far, mono_add(now, 7200 * 1000000LL));
		when = mono_add(now, rng_below(&r, 1000000));
		timerq_set(&q, &near, when);
		cr_assert_not_null(near.prev);
		cr_assert_null(far.prev);
		cr_assert_eq(timerq_deadline(&q).us, when.us);
		cr_assert_null(timerq_pop(&q, mono_add(when, -1)));
		t = timerq_pop(&q, when);
		cr_assert_eq(t, &near);
		now = mono_add(when, rng_below(&r, 5000000));
	}
	timerq_cancel(&q, &far);
	timerq_release(&q);
	timerq_release(&q);
	timerq_done(&q);
}

Test(timerq, empty)
{
	struct timer t = {.slot = 0};
	struct timerq q;

	timerq_init(&q);
	cr_assert(mono_is_never(timerq_deadline(&q)));
	cr_assert_null(timerq_pop(&q, (mono_t){INT64_MAX}));
	timerq_cancel(&q, &t);
	timerq_set(&q, &t, MONO_NEVER);
	cr_assert_eq(t.slot, 0);
	timerq_done(&q);
}

Test(timerq, due_at_its_very_point)
{
	struct timer t = {.slot = 0};
	struct timerq q;

	timerq_init(&q);
	cr_assert(timerq_reserve(&q));
	timerq_set(&q, &t, (mono_t){100});
	cr_assert_null(timerq_pop(&q, (mono_t){99}));
	cr_assert_eq(timerq_pop(&q, (mono_t){100}), &t);
	cr_assert_null(timerq_pop(&q, (mono_t){100}));
	timerq_release(&q);
	timerq_done(&q);
}

/* Setting a node that nobody reserved room for is our own bug. */
Test(timerq, set_without_reserve_aborts, .signal = SIGABRT)
{
	struct timer t = {.slot = 0};
	struct timerq q;

	timerq_init(&q);
	timerq_set(&q, &t, (mono_t){1});
}

Test(timerq, release_of_a_queued_node_aborts, .signal = SIGABRT)
{
	struct timer t = {.slot = 0};
	struct timerq q;

	timerq_init(&q);
	cr_assert(timerq_reserve(&q));
	timerq_set(&q, &t, (mono_t){1});
	timerq_release(&q);
}
