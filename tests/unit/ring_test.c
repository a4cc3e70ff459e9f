/* SPDX-License-Identifier: ISC */
/*
 * The ring's and the stream's one sequence: every order of the sides' steps.
 *
 * The production code is compiled in here with a switch of contexts before each
 * access to what is shared.  An explorer runs a scene again and again, first
 * as it comes, then with a switch at every place where one can be, then with
 * every two of them (and three, of small scenes), and beyond that with seeded
 * random ones.  Whatever the order: each writer's bytes come in its own order,
 * nothing is left when all are asleep, nothing comes that was not written.
 *
 * The stream is a queue with room for a few bytes whose every write is an event
 * for the engine, as an edge-triggered socket's.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <criterion/criterion.h>
#include "base/rng.h"

static void step(void);
#define RING_STEP() step()
#define RING_PIECE  2
#define RING_SMALL  1
#include "../../daemon/ipc/ring.c"

#define SIZE	  4u /* of the ring */
#define ROOM	  3u /* of the stream */
#define STACK	  (64 * 1024)
#define STEPS_MAX 4000
#define CTX_MAX	  4

/* ---- the scene ---- */

struct script {
	uint8_t len[4];	 /* of its writes, 0: no more */
	uint8_t leaves;	 /* before which write it ends the ring; 9: never */
	bool blocks;	 /* else it tries once what the stream does not take */
	uint8_t dies_at; /* so many steps; 0: not */
	uint8_t refused; /* so often the stream has no memory */
};

static struct {
	struct ring r;
	struct ring_page page;
	uint8_t data[SIZE];
	struct ring_taker taker;
	uint8_t stream[ROOM];
	uint32_t queued;
	bool event;
	uint8_t out[64]; /* what the engine has taken: writer, number */
	uint32_t nout;
	uint8_t wrote[CTX_MAX], refused[CTX_MAX];
	bool failed;
} w;

static const struct script *scripts;
static unsigned nscripts;

/* ---- the explorer ---- */

static ucontext_t explorer, ctx[CTX_MAX];
static char *stacks;
static bool done[CTX_MAX], waits[CTX_MAX], inside;
static unsigned cur, steps[CTX_MAX], total;
/* Switches: at which step, to whom. */
static struct {
	unsigned at, to;
} plan[4];
static unsigned nplan, planned;
static struct rng *dice;

static bool
can_run(unsigned i)
{
	if (done[i])
		return false;
	if (!waits[i])
		return true;
	return i == 0 ? w.event : w.queued < ROOM;
}

static void
step(void)
{
	if (!inside)
		return;
	steps[cur]++;
	swapcontext(&ctx[cur], &explorer);
}

static void
wait_for_it(void)
{
	waits[cur] = true;
	swapcontext(&ctx[cur], &explorer);
	waits[cur] = false;
}

/* ---- the sides ---- */

struct source {
	struct ring_from f;
	unsigned who;
	bool blocks;
	uint8_t first; /* number of the first byte */
};

static uint8_t
byte_of(const struct source *s, size_t off)
{
	return (uint8_t)(s->who << 5 | (s->first + off));
}

static void
copy(const struct ring_from *f, size_t off, uint8_t *to, size_t n)
{
	const struct source *s = (const struct source *)f;
	size_t at = (size_t)(to - w.data);

	for (size_t i = 0; i < n; i++) {
		step();
		w.data[(at + i) % SIZE] = byte_of(s, off + i);
	}
}

static ssize_t
stream(const struct ring_from *f, size_t off, size_t n)
{
	const struct source *s = (const struct source *)f;
	size_t i = 0;

	step();
	if (w.refused[s->who]++ < scripts[s->who - 1].refused)
		return -ENOBUFS;
	while (i < n) {
		if (w.queued == ROOM) {
			if (!s->blocks)
				break;
			wait_for_it();
			continue;
		}
		while (i < n && w.queued < ROOM)
			w.stream[w.queued++] = byte_of(s, off + i++);
		w.event = true;
	}
	return i > 0 ? (ssize_t)i : -EAGAIN;
}

static void
writer(unsigned who)
{
	const struct script *s = &scripts[who - 1];
	struct source src = {
	    .f = {copy, stream}, .who = who, .blocks = s->blocks};
	bool left = false;
	ssize_t r;

	for (unsigned i = 0; i < 4 && s->len[i] > 0; i++) {
		src.first = w.wrote[who];
		if (i == s->leaves) {
			ring_end(w.r.page);
			left = true;
		}
		/* Who has left is as one who never knew. */
		r = left ? stream(&src.f, 0, s->len[i])
			 : ring_write(&w.r, &src.f, s->len[i]);
		if (r > 0)
			w.wrote[who] += (uint8_t)r;
	}
}

static void
take(enum ring_next what, uint32_t n, uint32_t at)
{
	for (uint32_t i = 0; i < n && w.nout < sizeof w.out; i++)
		w.out[w.nout++] =
		    what == RING_BYTES ? w.data[(at + i) % SIZE] : w.stream[i];
	if (what == RING_BYTES) {
		ring_take_bytes(&w.taker, n);
		ring_release(&w.taker, n);
		return;
	}
	memmove(w.stream, w.stream + n, w.queued - n);
	w.queued -= n;
	ring_take_stream(&w.taker, n);
}

static void
engine(void)
{
	enum ring_next what;
	uint32_t n, at, had;

	for (;;) {
		w.event = false;
		do {
			step();
			had = w.queued;
			what = ring_next(&w.taker, had, &n, &at);
			if (what == RING_BROKEN)
				w.failed = true;
			if (what == RING_BYTES || what == RING_STREAM)
				take(what, n, at);
		} while (!w.failed && (what != RING_NOTHING ||
					  (!ring_sleep(&w.taker) && !w.event)));
		wait_for_it();
	}
}

static void
enter_ctx(int who)
{
	cur = (unsigned)who;
	if (who == 0)
		engine();
	else
		writer((unsigned)who);
	done[who] = true;
	setcontext(&explorer);
}

/* ---- a run ---- */

static void
begin_run(void)
{
	memset(&w, 0, sizeof w);
	w.r = (struct ring){.page = &w.page, .data = w.data, .size = SIZE};
	ring_begin(&w.taker, &w.r, 0);
	memset(steps, 0, sizeof steps);
	memset(waits, 0, sizeof waits);
	memset(done, 0, sizeof done);
	total = planned = 0;
	cur = 1;
	for (unsigned i = 0; i <= nscripts; i++) {
		getcontext(&ctx[i]);
		ctx[i].uc_stack.ss_sp = stacks + i * STACK;
		ctx[i].uc_stack.ss_size = STACK;
		ctx[i].uc_link = NULL;
		makecontext(&ctx[i], (void (*)(void))enter_ctx, 1, (int)i);
	}
}

/* Who goes on; CTX_MAX: nobody can. */
static unsigned
choose(void)
{
	unsigned i, next;

	for (i = 1; i <= nscripts; i++)
		if (scripts[i - 1].dies_at > 0 &&
		    steps[i] >= scripts[i - 1].dies_at)
			done[i] = true;
	if (planned < nplan && plan[planned].at == total) {
		next = plan[planned++].to;
		if (can_run(next))
			return next;
	}
	if (dice != NULL && rng_below(dice, 8) == 0) {
		next = rng_below(dice, nscripts + 1);
		if (can_run(next))
			return next;
	}
	if (can_run(cur))
		return cur;
	for (i = 1; i <= nscripts + 1; i++) {
		next = (cur + i) % (nscripts + 1);
		if (can_run(next))
			return next;
	}
	return CTX_MAX;
}

static bool
in_order_of(unsigned who)
{
	unsigned next = 0;

	for (uint32_t i = 0; i < w.nout; i++)
		if (w.out[i] >> 5 == who && (w.out[i] & 31) != next++)
			return false;
	/* Of who died in a call nobody knows what it said. */
	return scripts[who - 1].dies_at > 0 || next == w.wrote[who];
}

static const char *
came(void)
{
	static char text[sizeof w.out * 3 + 1];

	for (uint32_t i = 0; i < w.nout; i++)
		snprintf(text + 3 * i, 4, "%02x ", w.out[i]);
	return text;
}

/* Returns how many steps it took. */
static unsigned
run(void)
{
	unsigned next, i;

	begin_run();
	while ((next = choose()) != CTX_MAX && total < STEPS_MAX) {
		total++;
		cur = next;
		inside = true;
		swapcontext(&explorer, &ctx[next]);
		inside = false;
	}
	cr_assert_lt(total, STEPS_MAX, "it goes on for ever");
	for (i = 1; i <= nscripts; i++)
		if (w.failed || !in_order_of(i) || (!done[i] && !waits[i]))
			cr_assert_fail("writer %u wrote %u, came %u %s %s: "
				       "switches at %u to %u, %u to "
				       "%u, %u to %u",
			    i, w.wrote[i], w.nout, came(),
			    w.failed  ? "broken"
			    : done[i] ? "done"
				      : "",
			    plan[0].at, plan[0].to, plan[1].at, plan[1].to,
			    plan[2].at, plan[2].to);
	return total;
}

/* All runs with at most so many switches more. */
static void
explore(unsigned more, unsigned from)
{
	unsigned n = run(), at, to, mine = nplan;

	if (more == 0)
		return;
	for (at = from; at < n; at++)
		for (to = 0; to <= nscripts; to++) {
			nplan = mine + 1;
			plan[mine].at = at;
			plan[mine].to = to;
			explore(more - 1, at + 1);
			nplan = mine;
		}
}

static void
scene(const struct script *s, unsigned n, unsigned switches)
{
	struct rng r;

	scripts = s;
	nscripts = n;
	stacks = malloc(CTX_MAX * STACK);
	cr_assert_not_null(stacks);
	memset(plan, 0, sizeof plan);
	nplan = 0;
	explore(switches, 0);
	rng_init(&r, 1, 2);
	dice = &r;
	for (unsigned i = 0; i < 200; i++)
		run();
	dice = NULL;
	free(stacks);
	stacks = NULL;
}

/* ---- the scenes ---- */

#define NEVER 9

Test(ring, one_writer)
{
	static const struct script s[] = {
	    {{3, 1, 2}, NEVER, true, 0, 0},
	    {{1, 1, 1}, NEVER, true, 0, 0},
	    {{9}, NEVER, true, 0, 0},
	    {{5, 3}, NEVER, false, 0, 0},
	    {{2, 1, 1}, NEVER, true, 0, 1},
	};

	for (size_t i = 0; i < sizeof s / sizeof s[0]; i++)
		scene(&s[i], 1, 2);
}

Test(ring, three_switches)
{
	static const struct script s[] = {{{2, 1}, NEVER, true, 0, 0}};

	scene(s, 1, 3);
}

Test(ring, two_writers)
{
	static const struct script s[] = {
	    {{2, 3}, NEVER, true, 0, 0}, {{3}, NEVER, true, 0, 0}};
	static const struct script one_long[] = {
	    {{6}, NEVER, true, 0, 0}, {{1}, NEVER, true, 0, 0}};

	scene(s, 2, 2);
	scene(one_long, 2, 2);
}

Test(ring, it_is_left)
{
	static const struct script s[] = {
	    {{2, 3, 2, 1}, 2, true, 0, 0}, {{2, 2}, NEVER, true, 0, 0}};

	scene(s, 1, 2);
	scene(s, 2, 1);
}

/* Wherever one dies in a call, the other's bytes come. */
Test(ring, a_writer_dies)
{
	struct script s[] = {
	    {{2, 3, 2}, NEVER, true, 0, 0}, {{3, 3}, NEVER, true, 0, 0}};

	for (s[1].dies_at = 1; s[1].dies_at < 60; s[1].dies_at += 3)
		scene(s, 2, 1);
}

/* ---- what is not a program's word ---- */

Test(ring, what_cannot_be_is_broken)
{
	static const struct {
		uint32_t head, after_ring, after_stream;
		enum ring_next next;
	} rows[] = {
	    {0, 0, 0, RING_STREAM},
	    {SIZE, 0, 0, RING_BYTES},
	    {SIZE + 1, 0, 0, RING_BROKEN},
	    {UINT32_MAX, 0, 0, RING_BROKEN},
	    {2, 77, 9, RING_BYTES},
	    {2, 0, 9, RING_STREAM},
	    {2, 0, UINT32_MAX, RING_BYTES},
	};
	uint32_t n, at;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memset(&w, 0, sizeof w);
		w.r = (struct ring){
		    .page = &w.page, .data = w.data, .size = SIZE};
		ring_begin(&w.taker, &w.r, 0);
		w.page.word = word_of(rows[i].head, 0);
		w.page.mark = (uint64_t)rows[i].after_ring << RING_MARK_SHIFT |
			      rows[i].after_stream;
		cr_assert_eq(ring_next(&w.taker, 5, &n, &at), rows[i].next,
		    "row %zu", i);
		cr_assert(rows[i].next == RING_BROKEN || n <= 5);
	}
}

/* Bytes in the stream that nobody counted: the ring is not used any more. */
Test(ring, who_writes_unknown_ends_it)
{
	memset(&w, 0, sizeof w);
	w.r = (struct ring){.page = &w.page, .data = w.data, .size = SIZE};
	ring_begin(&w.taker, &w.r, 2);
	ring_take_stream(&w.taker, 3);
	w.page.busy = 1;
	cr_assert_not(in_order(&w.page, 0));
	cr_assert_eq(w.page.off, 1);
}
