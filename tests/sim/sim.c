/* SPDX-License-Identifier: ISC */
/*
 * The event heap, the one generator, the digest.  Events of the same moment
 * run in the order in which they were put on the heap.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "sim.h"

static struct sim *current;

struct sim *
sim_new(uint64_t seed)
{
	struct sim *s = calloc(1, sizeof *s);

	CHECK(s != NULL);
	s->seed = seed;
	s->now = (mono_t){1000 * SEC};
	s->digest = 0xcbf29ce484222325u;
	s->audit = 64;
	s->faults_end = s->budget_end = MONO_NEVER;
	rng_init(&s->rng, seed, 0x746370645f73696d);
	for (unsigned i = 0; i < 2; i++) {
		s->links[i].sim = s;
		s->links[i].to = 1 - i;
	}
	current = s;
	return s;
}

void
sim_free(struct sim *s)
{
	void (*drop)(void *) = free;

	/* What is left on the heap are frames under way and wake-ups. */
	for (size_t i = 0; i < s->nheap; i++)
		if ((uint8_t *)s->heap[i].arg < (uint8_t *)s ||
		    (uint8_t *)s->heap[i].arg >= (uint8_t *)(s + 1))
			drop(s->heap[i].arg);
	free(s->heap);
	current = NULL;
	free(s);
}

static bool
earlier(const struct sim_event *a, const struct sim_event *b)
{
	if (a->when.us != b->when.us)
		return a->when.us < b->when.us;
	return a->serial < b->serial;
}

void
sim_at(struct sim *s, mono_t when, void (*fn)(void *), void *arg)
{
	struct sim_event e = {mono_max(when, s->now), s->serial++, fn, arg};
	size_t i, up;

	if (s->nheap == s->heap_cap) {
		s->heap_cap = s->heap_cap != 0 ? 2 * s->heap_cap : 256;
		s->heap = realloc(s->heap, s->heap_cap * sizeof *s->heap);
		CHECK(s->heap != NULL);
	}
	for (i = s->nheap++; i > 0; i = up) {
		up = (i - 1) / 2;
		if (!earlier(&e, &s->heap[up]))
			break;
		s->heap[i] = s->heap[up];
	}
	s->heap[i] = e;
}

static struct sim_event
take_first(struct sim *s)
{
	struct sim_event first = s->heap[0], last = s->heap[--s->nheap];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < s->nheap) {
		if (c + 1 < s->nheap && earlier(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (!earlier(&s->heap[c], &last))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	return first;
}

/* Very many events in one microsecond: something goes round in circles. */
static void
watch_for_spin(struct sim *s)
{
	if (s->spin_at.us != s->now.us) {
		s->spin_at = s->now;
		s->spin = 0;
	} else if (++s->spin > 200000) {
		sim_fail(s, "time does not move on: it spins");
	}
}

void
sim_run(struct sim *s, mono_t until, bool (*done)(struct sim *))
{
	struct sim_event e;

	while (!s->failed && s->nheap > 0 &&
	       !mono_before(until, s->heap[0].when)) {
		if (done != NULL && done(s))
			return;
		e = take_first(s);
		s->now = e.when;
		s->steps++;
		watch_for_spin(s);
		e.fn(e.arg);
	}
	if (!s->failed && (done == NULL || !done(s)) && !mono_is_never(until))
		s->now = mono_max(s->now, until);
}

void
sim_faults(struct sim *s, bool on)
{
	s->links[0].faults = s->links[1].faults = on;
}

void
sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (s->failed)
		return;
	s->failed = true;
	n = snprintf(s->why, sizeof s->why,
	    "at %.6f s: ", (double)(s->now.us - 1000 * SEC) / 1e6);
	va_start(ap, fmt);
	vsnprintf(s->why + n, sizeof s->why - (size_t)n, fmt, ap);
	va_end(ap);
}

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

void
sim_digest(struct sim *s, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t w;

	for (; n >= 8; b += 8, n -= 8) {
		memcpy(&w, b, 8);
		s->digest = (s->digest ^ w) * 0x100000001b3u;
		s->digest ^= s->digest >> 29;
	}
	for (; n > 0; b++, n--)
		s->digest = (s->digest ^ *b) * 0x100000001b3u;
}

bool
sim_chance(struct sim *s, uint32_t millionths)
{
	return millionths != 0 && rng_below(&s->rng, 1000000) < millionths;
}

int64_t
sim_between(struct sim *s, int64_t from, int64_t to)
{
	CHECK(from <= to);
	return from + (int64_t)(rng_u64(&s->rng) % (uint64_t)(to - from + 1));
}

static uint8_t
stream_byte(uint64_t key, uint64_t pos)
{
	return (uint8_t)(mix(key + pos / 8) >> pos % 8 * 8);
}

void
stream_fill(uint64_t key, uint64_t pos, uint8_t *p, size_t n)
{
	uint64_t w;

	for (; n > 0 && pos % 8 != 0; n--)
		*p++ = stream_byte(key, pos++);
	for (; n >= 8; p += 8, pos += 8, n -= 8) {
		w = mix(key + pos / 8);
		for (unsigned i = 0; i < 8; i++)
			p[i] = (uint8_t)(w >> 8 * i);
	}
	for (; n > 0; n--)
		*p++ = stream_byte(key, pos++);
}

bool
stream_verify(uint64_t key, uint64_t pos, const uint8_t *p, size_t n)
{
	uint8_t want[512];
	size_t part;

	for (; n > 0; p += part, pos += part, n -= part) {
		part = n < sizeof want ? n : sizeof want;
		stream_fill(key, pos, want, part);
		if (memcmp(want, p, part) != 0)
			return false;
	}
	return true;
}

static void
on_abort(int sig)
{
	char b[160];
	int n;

	if (current != NULL) {
		n = snprintf(b, sizeof b,
		    "SEED=%llu: the stack aborted at %lld us\n",
		    (unsigned long long)current->seed,
		    (long long)(current->now.us - 1000 * SEC));
		if (write(2, b, (size_t)n) < 0)
			_exit(3);
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

void
sim_name_failures(void)
{
	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
}
