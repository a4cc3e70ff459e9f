/* SPDX-License-Identifier: ISC */
/*
 * What happens to a frame on its way: outage, loss (alone or in bursts, or of
 * acknowledgements only), the policer's token bucket, the queue before the
 * bottleneck with its marks (RFC 3168), propagation with jitter that keeps the
 * order, reordering that does not, doubling, damage.
 *
 * Both worlds use it: the simulator in virtual time between two stacks, relay
 * in real time between two devices.  So it knows no host.
 *
 * Damage is one octet of an IP packet, changed: Ethernet's own check sum would
 * have caught damage to its header and to ARP, and the Internet check sum
 * catches every burst of up to 15 bits; so no damaged packet may get through.
 * In IPv6 that holds from the addresses on; what is before has no check sum.
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sim.h"

#define ETH 14

static void
arrive(void *arg)
{
	struct packet *p = arg;
	struct link *l = p->link;

	l->deliver(l, p);
}

static bool
is_down(const struct link *l)
{
	int64_t t = l->sim->now.us;

	return t >= l->cfg.down_from && t < l->cfg.down_to;
}

size_t
sim_tcp_at(const uint8_t *f, size_t len)
{
	if (len >= 34 && f[12] == 0x08 && f[13] == 0x00 && f[23] == 6)
		return ETH + (f[14] & 0x0fu) * 4u;
	if (len >= 54 && f[12] == 0x86 && f[13] == 0xdd && f[20] == 6)
		return ETH + 40;
	return 0;
}

/* Where the TCP header is, and where the packet ends; false: it has none. */
static bool
find_tcp(const struct packet *p, size_t *tcp, size_t *end)
{
	const uint8_t *ip = p->data + ETH;

	*tcp = sim_tcp_at(p->data, p->len);
	if (*tcp == 0)
		return false;
	*end = ip[0] >> 4 == 4 ? ETH + ((size_t)ip[2] << 8 | ip[3])
			       : ETH + 40 + ((size_t)ip[4] << 8 | ip[5]);
	return *tcp + 20 <= *end && *end <= p->len;
}

static bool
only_acknowledges(const struct packet *p)
{
	size_t tcp, end;

	return find_tcp(p, &tcp, &end) &&
	       (p->data[tcp + 13] & (TH_SYN | TH_FIN | TH_RST)) == 0 &&
	       tcp + (p->data[tcp + 12] >> 4) * 4u == end;
}

static bool
asks_for_ecn(const struct packet *p)
{
	size_t tcp, end;

	return find_tcp(p, &tcp, &end) &&
	       (p->data[tcp + 13] & (TH_SYN | TH_ACK)) == TH_SYN &&
	       (p->data[tcp + 13] & (TH_ECE | TH_CWR)) != 0;
}

static bool
lost_by_chance(struct link *l, const struct packet *p)
{
	struct sim *s = l->sim;

	if (l->bad)
		l->bad = !sim_chance(s, l->cfg.bad_end);
	else
		l->bad = sim_chance(s, l->cfg.bad_begin);
	if (l->bad && sim_chance(s, 500000))
		return true;
	if (l->cfg.ack_loss != 0 && only_acknowledges(p) &&
	    sim_chance(s, l->cfg.ack_loss))
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

/* ECT becomes CE; true when it did.  In IPv4 the check sum follows (RFC 1624:
 * the word of the TOS grows by the bits that were not set). */
static bool
set_ce(struct packet *p)
{
	uint8_t *d = p->data;
	uint32_t sum;

	if (p->len >= ETH + 20 && d[12] == 0x08 && d[13] == 0x00 &&
	    (d[ETH + 1] & 3) != 0 && (d[ETH + 1] & 3) != 3) {
		sum = (uint32_t)d[ETH + 10] << 8 | d[ETH + 11];
		sum += 0xffffu - (3u - (d[ETH + 1] & 3u));
		sum = (sum & 0xffff) + (sum >> 16);
		d[ETH + 1] |= 3;
		d[ETH + 10] = (uint8_t)(sum >> 8);
		d[ETH + 11] = (uint8_t)sum;
		return true;
	}
	if (p->len >= ETH + 40 && d[12] == 0x86 && d[13] == 0xdd &&
	    (d[ETH + 1] & 0x30) != 0 && (d[ETH + 1] & 0x30) != 0x30) {
		d[ETH + 1] |= 0x30;
		return true;
	}
	return false;
}

/* The IP-ECN field becomes Not-ECT; in IPv4 the check sum follows. */
static void
clear_field(struct packet *p)
{
	uint8_t *d = p->data;
	uint32_t sum;

	if (p->len >= ETH + 20 && d[12] == 0x08 && d[13] == 0x00) {
		sum = ((uint32_t)d[ETH + 10] << 8 | d[ETH + 11]) +
		      (d[ETH + 1] & 3u);
		sum = (sum & 0xffff) + (sum >> 16);
		d[ETH + 1] &= 0xfc;
		d[ETH + 10] = (uint8_t)(sum >> 8);
		d[ETH + 11] = (uint8_t)sum;
	} else if (p->len >= ETH + 40 && d[12] == 0x86 && d[13] == 0xdd) {
		d[ETH + 1] &= 0xcf;
	}
}

/* When the frame leaves the bottleneck; false when its queue is full. */
static bool
through_queue(struct link *l, struct packet *p, mono_t *out)
{
	size_t len = p->len;
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
	if (l->cfg.mark != 0 && waiting + len > l->cfg.mark && set_ce(p))
		l->marked++;
	*out = l->busy = mono_add(
	    from, (int64_t)((len * SEC + l->cfg.rate - 1) / l->cfg.rate));
	return true;
}

static void
damage(struct link *l, struct packet *p)
{
	const uint8_t *d = p->data;
	size_t from, at;

	if (p->len > ETH + 20 && d[12] == 0x08 && d[13] == 0x00)
		from = ETH;
	else if (p->len > ETH + 40 && d[12] == 0x86 && d[13] == 0xdd)
		from = ETH + 8;
	else
		return;
	at =
	    from + (size_t)sim_between(l->sim, 0, (int64_t)(p->len - from) - 1);
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
	if (l->cfg.bleach)
		clear_field(p);
	if (l->faults && (is_down(l) || lost_by_chance(l, p) ||
			     (l->cfg.ecn_hole && asks_for_ecn(p)))) {
		l->lost++;
		free(p);
		return;
	}
	if (l->faults && policed(l, p->len)) {
		l->policed++;
		free(p);
		return;
	}
	if (!through_queue(l, p, &out)) {
		l->queued_out++;
		free(p);
		return;
	}
	when = mono_add(out, l->cfg.delay_us);
	if (l->faults && sim_chance(s, l->cfg.reorder)) {
		when = mono_add(when,
		    sim_between(s,
			l->cfg.reorder_min_us > 0 ? l->cfg.reorder_min_us : 1,
			l->cfg.reorder_us));
		l->late++;
	} else {
		if (l->faults && l->cfg.jitter_us > 0)
			when =
			    mono_add(when, sim_between(s, 0, l->cfg.jitter_us));
		when = l->last = mono_max(when, l->last);
	}
	if (l->faults && sim_chance(s, l->cfg.dup)) {
		l->twice++;
		deliver_at(
		    l, copy_of(p), mono_add(when, sim_between(s, 0, 2000)));
	}
	if (l->faults && p->off.gso == GSO_NONE && !p->off.csum_valid &&
	    sim_chance(s, l->cfg.corrupt))
		damage(l, p);
	deliver_at(l, p, when);
}
