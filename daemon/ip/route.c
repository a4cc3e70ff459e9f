/* SPDX-License-Identifier: ISC */
/*
 * The route table: at most IP_ROUTES entries in an array sorted by prefix
 * length, so the first that matches is the longest (RFC 1122 3.3.1.2, with
 * RFC 4632's longest match).  A host has a handful of routes; scanning these
 * is cheaper than any tree.
 */
#include "ip/route.h"

#include <stddef.h>

bool
route_add(struct routes *t, const struct route *r)
{
	uint32_t holes = ~r->mask & (~r->mask + 1);
	unsigned i;

	if (t->n == IP_ROUTES || holes != 0 || (r->dst & ~r->mask) != 0)
		return false;
	for (i = t->n; i > 0 && t->r[i - 1].mask < r->mask; i--)
		t->r[i] = t->r[i - 1];
	t->r[i] = *r;
	t->n++;
	return true;
}

const struct route *
route_find(const struct routes *t, uint32_t dst)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if ((dst & t->r[i].mask) == t->r[i].dst)
			return &t->r[i];
	}
	return NULL;
}
