/* SPDX-License-Identifier: ISC */
/* The table of sockets by (uid, handle); see names.h. */
#include <stdlib.h>
#include "base/check.h"
#include "proc/names.h"

#define NAMES_START 256 /* buckets */

static size_t
slot(const struct names *t, uint64_t handle)
{
	return siphash(&t->key, &handle, sizeof handle) & t->mask;
}

bool
names_init(struct names *t, uint64_t seed0, uint64_t seed1)
{
	t->bucket = calloc(NAMES_START, sizeof *t->bucket);
	t->mask = NAMES_START - 1;
	t->n = 0;
	t->key = (struct siphash_key){seed0, seed1};
	return t->bucket != NULL;
}

void
names_done(struct names *t)
{
	CHECK(t->n == 0);
	free(t->bucket);
	t->bucket = NULL;
}

static void
grow(struct names *t)
{
	struct names bigger = *t;
	struct name *n, *next;
	size_t i, s;

	bigger.mask = t->mask * 2 + 1;
	bigger.bucket = calloc(bigger.mask + 1, sizeof *bigger.bucket);
	if (bigger.bucket == NULL)
		return;
	for (i = 0; i <= t->mask; i++)
		for (n = t->bucket[i]; n != NULL; n = next) {
			next = n->next;
			s = slot(&bigger, n->handle);
			n->next = bigger.bucket[s];
			bigger.bucket[s] = n;
		}
	free(t->bucket);
	*t = bigger;
}

void
names_add(struct names *t, struct name *n)
{
	size_t s;

	CHECK(!n->listed);
	if (t->n > t->mask)
		grow(t);
	s = slot(t, n->handle);
	n->next = t->bucket[s];
	t->bucket[s] = n;
	n->listed = true;
	t->n++;
}

void
names_del(struct names *t, struct name *n)
{
	struct name **p;

	if (!n->listed)
		return;
	for (p = &t->bucket[slot(t, n->handle)]; *p != n; p = &(*p)->next)
		CHECK(*p != NULL);
	*p = n->next;
	n->listed = false;
	t->n--;
}

struct name *
names_find(const struct names *t, uint32_t uid, uint64_t handle)
{
	struct name *n;

	for (n = t->bucket[slot(t, handle)]; n != NULL; n = n->next)
		if (n->handle == handle && n->uid == uid)
			return n;
	return NULL;
}

struct name *
names_any(const struct names *t, uint64_t handle, const struct name *prev)
{
	struct name *n;

	n = prev != NULL ? prev->next : t->bucket[slot(t, handle)];
	for (; n != NULL; n = n->next)
		if (n->handle == handle)
			return n;
	return NULL;
}
