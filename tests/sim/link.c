/* SPDX-License-Identifier: ISC */
/*
 * What happens to a frame on its way: outage, loss (alone or in bursts), the
 * policer's token bucket, the queue before the bottleneck, propagation with
 * jitter that keeps the order, reordering that does not, doubling, damage.
 *
 * Damage is one octet of an IP packet, changed: Ethernet's own check sum would
 * have caught damage to its header and to ARP, and the Internet check sum
 * catches every burst of up to 15 bits; so no damaged packet may get through.
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sim.h"

static void
arrive(void *arg)
{
	struct packet *p = arg;
	struct link *l = p->link;

	host_receive(&l->sim->hosts[l->to], p);
}

static bool
is_down(const struct link *l)
{
	int64_t t = l->sim->now.us;

	return t >= l->cfg.down_from && t < l->cfg.down_to;
}

static bool
lost_by_chance(struct link *l)
{
	struct sim *s = l->sim;

	if (l->bad)
		l->bad = !sim_chance(s, l->cfg.bad_end);
	else
		l->bad = sim_chance(s, l->cfg.bad_begin);
	if (l->bad && sim_chance(s, 500000))
		return true;
	return sim_chance(s, l->cfg.loss);
}

static bool
policed(struct link *l, size_t len)
{
	int64_t cap = (int64_t)l->cfg.police_burst * SEC;
	int64_t need = (int64_t)len * SEC;

	if (l->cfg.police_rate == 0)
		return false;
	l->tokens +=
	    mono_diff(l->sim->now, l->filled) * (int64_t)l->cfg.police_rate;
	if (l->tokens > cap)
		l->tokens = cap;
	l->filled = l->sim->now;
	if (l->tokens < need)
		return true;
	l->tokens -= need;
	return false;
}

/* When the frame leaves the bottleneck; false when its queue is full. */
static bool
through_queue(struct link *l, size_t len, mono_t *out)
{
	struct sim *s = l->sim;
	mono_t from = mono_max(s->now, l->busy);
	uint64_t waiting;

	if (l->cfg.rate == 0) {
		*out = s->now;
		return true;
	}
	waiting = (uint64_t)mono_diff(from, s->now) * l->cfg.rate / SEC;
	if (waiting + len > l->cfg.queue)
		return false;
	*out = l->busy = mono_add(
	    from, (int64_t)((len * SEC + l->cfg.rate - 1) / l->cfg.rate));
	return true;
}

static void
damage(struct link *l, struct packet *p)
{
	size_t at;

	if (p->len <= 34 || p->data[12] != 0x08 || p->data[13] != 0x00)
		return;
	at = 14 + (size_t)sim_between(l->sim, 0, (int64_t)p->len - 15);
	p->data[at] ^= (uint8_t)sim_between(l->sim, 1, 255);
	p->damaged = true;
	l->damaged++;
}

static void
deliver_at(struct link *l, struct packet *p, mono_t when)
{
	p->link = l;
	sim_at(l->sim, when, arrive, p);
}

static struct packet *
copy_of(const struct packet *p)
{
	struct packet *c = malloc(sizeof *c + p->len);

	CHECK(c != NULL);
	memcpy(c, p, sizeof *p + p->len);
	return c;
}

void
link_send(struct link *l, struct packet *p)
{
	struct sim *s = l->sim;
	mono_t out, when;

	l->sent++;
	if (l->faults &&
	    (is_down(l) || lost_by_chance(l) || policed(l, p->len))) {
		l->lost++;
		free(p);
		return;
	}
	if (!through_queue(l, p->len, &out)) {
		l->queued_out++;
		free(p);
		return;
	}
	when = mono_add(out, l->cfg.delay_us);
	if (l->faults && sim_chance(s, l->cfg.reorder)) {
		when = mono_add(when, sim_between(s, 1, l->cfg.reorder_us));
	} else {
		if (l->faults && l->cfg.jitter_us > 0)
			when =
			    mono_add(when, sim_between(s, 0, l->cfg.jitter_us));
		when = l->last = mono_max(when, l->last);
	}
	if (l->faults && sim_chance(s, l->cfg.dup))
		deliver_at(
		    l, copy_of(p), mono_add(when, sim_between(s, 0, 2000)));
	if (l->faults && p->off.gso == GSO_NONE && !p->off.csum_valid &&
	    sim_chance(s, l->cfg.corrupt))
		damage(l, p);
	deliver_at(l, p, when);
}
