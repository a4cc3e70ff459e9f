/* SPDX-License-Identifier: ISC */
/*
 * mono_t: a point on the monotonic clock, in microseconds.  A struct, so that
 * a point is never mixed up with a span (plain int64_t, suffix _us).
 */
#ifndef BASE_MONO_H
#define BASE_MONO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	int64_t us;
} mono_t;

/* "No deadline": later than every other point. */
#define MONO_NEVER ((mono_t){INT64_MAX})

static inline mono_t
mono_add(mono_t t, int64_t us)
{
	return t.us == INT64_MAX ? t : (mono_t){t.us + us};
}

static inline int64_t
mono_diff(mono_t later, mono_t earlier)
{
	return later.us - earlier.us;
}

static inline bool
mono_before(mono_t a, mono_t b)
{
	return a.us < b.us;
}

static inline bool
mono_is_never(mono_t t)
{
	return t.us == INT64_MAX;
}

static inline mono_t
mono_min(mono_t a, mono_t b)
{
	return a.us < b.us ? a : b;
}

static inline mono_t
mono_max(mono_t a, mono_t b)
{
	return a.us > b.us ? a : b;
}

#endif
