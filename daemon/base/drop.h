/* SPDX-License-Identifier: ISC */
/*
 * Why a frame, a segment or a message was not processed further.  One list is
 * the enum, the counter and the row in `tcpctl show drops`; drop.def holds it.
 */
#ifndef BASE_DROP_H
#define BASE_DROP_H

#include <stdint.h>

/* DROP_NONE (0) is "not dropped", so that a parser can return 0 or a reason;
 * the reasons run from DROP_FIRST to NDROPS - 1. */
enum drop {
	DROP_NONE = 0,
#define DROP(name, layer, text) DROP_##name,
#include "drop.def"
#undef DROP
	NDROPS
};
#define DROP_FIRST 1

struct drops {
	uint64_t count[NDROPS];
};

/* "tcp.checksum" and the like; the text says what was wrong. */
const char *drop_name(enum drop d);
const char *drop_text(enum drop d);

static inline void
drop_count(struct drops *d, enum drop why)
{
	d->count[why]++;
}

#endif
