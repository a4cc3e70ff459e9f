/* SPDX-License-Identifier: ISC */
/*
 * What must always be so, whatever the network does.
 *
 * From the wire, with its own bookkeeping: nothing new is sent beyond the
 * window that the peer has shown (one octet more may be a probe), nobody takes
 * back a window that he has shown (SHLD-14), no data beyond the congestion
 * window, in recovery neither.  From the layer's census: every connection that
 * is not CLOSED has a deadline, or waits for its program or its peer's; no
 * deadline has passed without work; tcp_check().  In the end nothing is left.
 *
 * That delivered bytes are a prefix of the sent ones is verified in app.c.
 */
#include <stdio.h>
#include "base/check.h"
#include "sim.h"

struct view {
	struct end *from; /* the end that sent it */
	struct wire_tcp h;
	uint32_t len; /* sequence space */
	bool data;
};

/* The TCP segment in a frame that host sender sent; false for all else. */
static bool
look(struct sim *s, unsigned sender, const uint8_t *f, size_t n, struct view *v)
{
	size_t tcp = sim_tcp_at(f, n), ihl = tcp - 14, total;
	struct flow *flow;

	if (tcp == 0)
		return false;
	total = f[14] >> 4 == 4 ? (size_t)f[16] << 8 | f[17]
				: 40 + ((size_t)f[18] << 8 | f[19]);
	if (total > n - 14 || total < ihl ||
	    wire_tcp_parse(f + 14 + ihl, total - ihl, &v->h) != 0)
		return false;
	if (v->h.sport == SERVER_PORT) {
		flow = flow_find(s, 1 - sender, v->h.dport);
		v->from = flow != NULL ? &flow->end[1] : NULL;
	} else {
		flow = flow_find(s, sender, v->h.sport);
		v->from = flow != NULL ? &flow->end[0] : NULL;
	}
	if (flow == NULL)
		return false;
	v->len = (uint32_t)(total - ihl - v->h.hdr_len);
	v->data = v->len > 0;
	v->len += ((v->h.flags & TH_SYN) != 0) + ((v->h.flags & TH_FIN) != 0);
	return true;
}

static struct end *
peer_of(struct end *e)
{
	return &e->flow->end[e == &e->flow->end[0]];
}

static uint32_t
shown_edge(const struct end *e, const struct wire_tcp *h)
{
	const struct end *o = peer_of((struct end *)e);
	bool scaled = e->wire.scaled && o->wire.scaled && !(h->flags & TH_SYN);

	return h->ack + ((uint32_t)h->wnd << (scaled ? e->wire.wscale : 0));
}

static void
check_offer(struct end *e, const struct wire_tcp *h)
{
	uint32_t edge = shown_edge(e, h);
	int32_t slack = 1 << e->wire.wscale;

	if (!(h->flags & TH_ACK) || (h->flags & TH_RST) ||
	    !peer_of(e)->wire.syn)
		return; /* whether windows are scaled is not known */
	if (e->wire.offer_known && (int32_t)(edge - e->wire.offer) <= -slack)
		sim_fail(e->flow->sim,
		    "flow %u end %d: the window is taken back by %d",
		    e->flow->index, (int)(e - e->flow->end),
		    (int)(e->wire.offer - edge));
	if (!e->wire.offer_known || (int32_t)(edge - e->wire.offer) > 0)
		e->wire.offer = edge;
	e->wire.offer_known = true;
}

/* Data, new and old, keeps to the congestion window as the layer itself reports
 * it.  A tail loss probe may exceed it by a segment (RFC 8985 7.3), however
 * much is out since the window was cut; so may the first retransmission of a
 * recovery (RFC 6675 5, step 4.1), which needs the peer's word. */
static void
check_cwnd(struct end *e, bool again)
{
	struct tcp_info_out i;
	struct tcp_stats t;

	if (e->pcb == NULL || tcp_pcb_state(e->pcb) == TCPS_CLOSED)
		return;
	tcp_stats(host_tcp(e->host), &t);
	if (t.tlp_probes != e->host->probes) {
		e->host->probes = t.tlp_probes;
		return;
	}
	tcp_info(e->pcb, &i, e->flow->sim->now);
	if ((int64_t)i.flight_bytes <= (int64_t)i.cwnd_bytes + 3 * i.snd_mss)
		return;
	if (again && !e->wire.resent)
		e->wire.resent = true;
	else
		sim_fail(e->flow->sim,
		    "flow %u end %d: flight %u with a congestion window of %u",
		    e->flow->index, (int)(e - e->flow->end), i.flight_bytes,
		    i.cwnd_bytes);
}

static void
note_syn(struct end *e, const struct wire_tcp *h)
{
	e->wire.syn = true;
	e->wire.scaled = h->has_wscale;
	e->wire.wscale = h->has_wscale ? h->wscale : 0;
	e->wire.max_seq = h->seq + 1;
	/* An old SYN, late, can begin a new life after the end. */
	e->wire.offer_known = false;
}

static void
print(struct host *h, const struct view *v)
{
	int end = (int)(v->from - v->from->flow->end);
	struct tcp_info_out i;

	fprintf(stderr,
	    "%12.6f  host %u  flow %u.%d  %s%s%s%s%s seq %u ack %u len %u "
	    "wnd %u",
	    (double)(h->sim->now.us - 1000 * SEC) / 1e6, h->index,
	    v->from->flow->index, end, v->h.flags & TH_SYN ? "S" : "",
	    v->h.flags & TH_FIN ? "F" : "", v->h.flags & TH_RST ? "R" : "",
	    v->h.flags & TH_PSH ? "P" : "", v->h.flags & TH_ACK ? "." : "",
	    v->h.seq, v->h.ack, v->len, v->h.wnd);
	for (unsigned k = 0; k < v->h.nsack; k++)
		fprintf(
		    stderr, " %u-%u", v->h.sack[k].left, v->h.sack[k].right);
	if (v->from->pcb != NULL) {
		tcp_info(v->from->pcb, &i, h->sim->now);
		fprintf(stderr, "  cwnd %u ssthresh %u flight %u ca %u",
		    i.cwnd_bytes, i.ssthresh_bytes, i.flight_bytes, i.ca_state);
	}
	fputc('\n', stderr);
}

/* Of the TOS or the traffic class. */
static unsigned
ecn_field(const uint8_t *frame)
{
	return frame[12] == 0x86 ? frame[15] >> 4 & 3u : frame[15] & 3u;
}

/* RFC 3168 6.1.1, 6.1.4, 6.1.5: only new data is ECT, and then ECT(0); with
 * DCTCP all may be (RFC 8257 3.6). */
static void
check_ect(struct end *e, const struct view *v, unsigned field)
{
	uint32_t end = v->h.seq + v->len;
	bool fresh = v->data && !(v->h.flags & TH_SYN) &&
		     (int32_t)(end - e->wire.max_seq) > 0;
	const char *cc = e->host->cfg.congestion;
	bool any = cc != NULL && strcmp(cc, "dctcp") == 0;

	if (field == 0 || (field == 2 && (fresh || any)))
		return;
	sim_fail(e->flow->sim,
	    "flow %u end %d: sends IP-ECN %u on what is not new data",
	    e->flow->index, (int)(e - e->flow->end), field);
}

void
oracle_sent(struct host *h, const uint8_t *frame, size_t len)
{
	struct sim *s = h->sim;
	struct view v;
	struct end *e;
	uint32_t end;

	if (!look(s, h->index, frame, len, &v))
		return;
	if (s->verbose)
		print(h, &v);
	e = v.from;
	check_ect(e, &v, ecn_field(frame));
	if (v.h.flags & TH_SYN) {
		note_syn(e, &v.h);
		check_offer(e, &v.h);
		return;
	}
	if (!e->wire.syn)
		return; /* a reset to an unknown connection */
	check_offer(e, &v.h);
	end = v.h.seq + v.len;
	if (v.data)
		check_cwnd(e, (int32_t)(end - e->wire.max_seq) <= 0);
	if (v.len == 0 || (int32_t)(end - e->wire.max_seq) <= 0)
		return;
	e->wire.max_seq = end;
	if (v.data && e->wire.edge_known &&
	    (int32_t)(v.h.seq + v.len - ((v.h.flags & TH_FIN) != 0) -
		      e->wire.edge) > 1)
		sim_fail(s, "flow %u end %d: sends %d beyond the window",
		    e->flow->index, (int)(e - e->flow->end),
		    (int)(end - e->wire.edge));
}

void
oracle_received(struct host *h, const uint8_t *frame, size_t len)
{
	struct view v;
	struct end *e;
	uint32_t edge;

	if (!look(h->sim, 1 - h->index, frame, len, &v))
		return;
	if (!(v.h.flags & TH_ACK) || (v.h.flags & TH_RST))
		return;
	e = peer_of(v.from);
	e->wire.resent = false;
	if (ecn_field(frame) == 3 && v.data) {
		v.from->wire.ce_bytes += v.len - ((v.h.flags & TH_FIN) != 0);
		v.from->wire.ce_packets++;
	} else if (ecn_field(frame) != 0 && v.data) {
		v.from->wire.ect_bytes += v.len - ((v.h.flags & TH_FIN) != 0);
	}
	edge = shown_edge(v.from, &v.h);
	if (!e->wire.edge_known || (int32_t)(edge - e->wire.edge) > 0)
		e->wire.edge = edge;
	e->wire.edge_known = true;
}

/* ---- the census ---- */

/* May this connection do without a timer? */
static bool
waits_for_others(const struct tcp_entry *e, struct sim *s)
{
	struct tcp_info_out i;

	if (e->pcb == NULL)
		return false;
	tcp_info(e->pcb, &i, s->now);
	if (i.state == TCPS_CLOSED || i.state == TCPS_TIME_WAIT)
		return i.recv_queued > 0; /* the program still reads */
	if (i.state != TCPS_ESTABLISHED && i.state != TCPS_CLOSE_WAIT &&
	    i.state != TCPS_FIN_WAIT_2)
		return false;
	return i.send_queued == 0;
}

static void
audit_entry(void *arg, const struct tcp_entry *e)
{
	struct host *h = arg;

	if (!mono_is_never(e->deadline) || waits_for_others(e, h->sim))
		return;
	sim_fail(h->sim,
	    "host %u: a connection in %s (port %u to %u) has no timer",
	    h->index, tcp_state_name(e->state), e->id.lport, e->id.rport);
}

void
oracle_step(struct host *h)
{
	struct sim *s = h->sim;
	mono_t d;

	if (s->failed)
		return;
	d = stack_deadline(h->stack);
	if (mono_before(d, s->now) && mono_before(d, h->wake) &&
	    mono_diff(s->now, d) > 0 && h->wake.us != s->now.us &&
	    !mono_is_never(h->wake))
		sim_fail(s, "host %u: a deadline has passed", h->index);
	if (s->audit == 0 || s->steps % s->audit != 0)
		return;
	tcp_check(host_tcp(h), s->now);
	tcp_foreach(host_tcp(h), audit_entry, h);
}

void
oracle_end(struct sim *s)
{
	struct tcp_stats t;
	struct stack_stats k;

	for (unsigned i = 0; i < 2 && !s->failed; i++) {
		struct host *h = &s->hosts[i];

		tcp_check(host_tcp(h), s->now);
		tcp_stats(host_tcp(h), &t);
		stack_stats(h->stack, &k);
		if (t.conns != 0 || t.half_open != 0 || t.time_wait != 0 ||
		    t.orphans != 0)
			sim_fail(s,
			    "host %u: %zu connections, %zu half-open, %zu in "
			    "TIME-WAIT, %zu orphans are left",
			    i, t.conns, t.half_open, t.time_wait, t.orphans);
		if (k.buf_used != 0)
			sim_fail(s, "host %u: %zu bytes of buffers are left", i,
			    k.buf_used);
	}
}
