/* SPDX-License-Identifier: ISC */
/*
 * The table of path.h.  Delays are of one way; queues in bytes, of whole
 * frames.  The way back has the same delay and no bottleneck.
 */
#include <string.h>
#include "path.h"

#define MSS		  1448u /* with timestamps */
#define FRAME		  1514u
#define MS		  1000
#define NOISE		  100 /* us: chance for what hangs on a frame more or less */
#define MBIT(n)		  ((n)*125000ULL)
/* Bytes on a path of so many Mbit/s with that round-trip time. */
#define BDP(mbit, rtt_ms) ((uint32_t)((mbit)*125u * (rtt_ms)))

const struct path paths[] = {
    {.name = "clean-10",
	.what = "10 Mbit/s, 20 ms, queue of 2 BDP",
	.link[0] = {.delay_us = 10 * MS,
	    .rate = MBIT(10),
	    .queue = 2 * BDP(10, 20)},
	.bytes = 4 << 20},
    {.name = "clean-100",
	.what = "100 Mbit/s, 20 ms, queue of 1 BDP",
	.link[0] = {.delay_us = 10 * MS,
	    .rate = MBIT(100),
	    .queue = BDP(100, 20)},
	.bytes = 32 << 20},
    {.name = "short",
	.what = "50 kB over 20 Mbit/s, 50 ms",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50)},
	.bytes = 50000},
    {.name = "loss-1",
	.what = "1 % lost, 20 Mbit/s, 50 ms, queue of 1 BDP",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50),
	    .loss = 10000},
	.bytes = 4 << 20,
	.seeds = 9},
    {.name = "short-loss",
	.what = "50 kB over 20 Mbit/s, 50 ms, 3 % lost",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50),
	    .loss = 30000},
	.bytes = 50000,
	.seeds = 51},
    {.name = "loss-burst",
	.what = "bursts: 0.3 % begin one, half of some 10 lost; as loss-1",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50),
	    .bad_begin = 3000,
	    .bad_end = 100000},
	.bytes = 4 << 20,
	.seeds = 9},
    {.name = "reorder-10",
	.what = "10 % late by 10 ms, 20 Mbit/s, 50 ms, queue of 1 BDP",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50),
	    .reorder = 100000,
	    .reorder_min_us = 10 * MS,
	    .reorder_us = 10 * MS},
	.bytes = 16 << 20,
	.seeds = 3},
    {.name = "police-10",
	.what = "policer of 10 Mbit/s, bursts of 64 KiB; 100 Mbit/s, 50 ms",
	.link[0] = {.delay_us = 25 * MS,
	    .jitter_us = NOISE,
	    .rate = MBIT(100),
	    .queue = BDP(100, 50),
	    .police_rate = MBIT(10),
	    .police_burst = 65536},
	.bytes = 8 << 20,
	.seeds = 3},
    {.name = "buffer-1",
	.what = "queue of 1 BDP, 20 Mbit/s, 50 ms",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50)},
	.bytes = 16 << 20},
    {.name = "buffer-0.1",
	.what = "queue of 0.1 BDP, 20 Mbit/s, 50 ms",
	.link[0] = {.delay_us = 25 * MS,
	    .jitter_us = NOISE,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50) / 10},
	.bytes = 16 << 20,
	.seeds = 5},
    {.name = "ack-loss-30",
	.what = "30 % of the ACKs lost, 20 Mbit/s, 50 ms, queue of 1 BDP",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50)},
	.link[1] = {.ack_loss = 300000},
	.bytes = 16 << 20,
	.seeds = 3},
    {.name = "satellite",
	.what = "300 ms each way, 10 Mbit/s, queue of 1 BDP",
	.link[0] = {.delay_us = 300 * MS,
	    .rate = MBIT(10),
	    .queue = BDP(10, 600)},
	.bytes = 16 << 20},
    {.name = "satellite-300",
	.what = "300 ms there and back, 10 Mbit/s, queue of 1 BDP",
	.link[0] = {.delay_us = 150 * MS,
	    .rate = MBIT(10),
	    .queue = BDP(10, 300)},
	.bytes = 16 << 20},
    {.name = "marks",
	.what = "CE above 0.25 BDP, 20 Mbit/s, 50 ms, queue of 1 BDP",
	.link[0] = {.delay_us = 25 * MS,
	    .jitter_us = NOISE,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50),
	    .mark = BDP(20, 50) / 4},
	.bytes = 16 << 20,
	.seeds = 3},
    {.name = "rough",
	.what = "1 % lost, 2 % twice, 2 % late, 0.2 % damaged, jitter of 2 ms",
	.link[0] = {.delay_us = 10 * MS,
	    .jitter_us = 2 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50),
	    .loss = 10000,
	    .dup = 20000,
	    .reorder = 20000,
	    .reorder_us = 5 * MS,
	    .corrupt = 2000},
	.link[1] = {.loss = 10000, .dup = 20000, .corrupt = 2000},
	.bytes = 4 << 20,
	.seeds = 9},
    {.name = "shared",
	.what = "two senders, 20 Mbit/s, 50 ms, queue of 1 BDP",
	.link[0] = {.delay_us = 25 * MS,
	    .rate = MBIT(20),
	    .queue = BDP(20, 50)},
	.flows = 2,
	.warm_s = 10,
	.span_s = 50,
	.seeds = 3},
};
const unsigned npaths = sizeof paths / sizeof paths[0];

const struct path *
path_find(const char *name)
{
	for (unsigned i = 0; i < npaths; i++)
		if (strcmp(paths[i].name, name) == 0)
			return &paths[i];
	return NULL;
}

struct linkcfg
path_link(const struct path *p, unsigned i)
{
	struct linkcfg c = p->link[i];

	c.delay_us = p->link[0].delay_us;
	return c;
}

/* What is lost by chance must be sent again; in bursts, half is lost. */
static uint64_t
part_that_arrives(const struct linkcfg *c)
{
	uint64_t bad = 0;

	if (c->bad_begin != 0)
		bad = 1000000ULL * c->bad_begin / (c->bad_begin + c->bad_end);
	return (1000000 - c->loss - c->corrupt) * (1000000 - bad / 2) / 1000000;
}

uint64_t
path_capacity(const struct path *p)
{
	const struct linkcfg *c = &p->link[0];
	uint64_t rate = c->rate;

	if (c->police_rate != 0 && c->police_rate < rate)
		rate = c->police_rate;
	return rate * MSS / FRAME * part_that_arrives(c) / 1000000;
}

int64_t
path_ideal_us(const struct path *p)
{
	return 3 * p->link[0].delay_us +
	       (int64_t)(p->bytes * SEC / path_capacity(p));
}
