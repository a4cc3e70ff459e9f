/* SPDX-License-Identifier: ISC */
/*
 * The engine's answers to the frontend: one page of rows a question, found
 * again by a cursor of ids, so that neither a table of 100,000 connections nor
 * a reader who went away holds anything here.
 *
 * Connections come in two parts: the chans by their ids (cursor 0, id), then
 * what only the stack knows (half-open, TIME-WAIT, orphans; cursor 1, index).
 */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ipc/dgramopt.h"
#include "ipc/msg.h"
#include "proc/engine.h"
#include "proc/proc.h"

#define PAGE_ROWS 1024

struct page_out {
	struct engine *e;
	struct msgchan *ch;
	uint32_t id;
	struct ctl_rows head;
	size_t cap;    /* rows of a message */
	uint32_t left; /* rows of this page */
	const struct fm_query *q;
	struct em_end end;
	uint64_t index, first; /* of the stack's entries; where to begin */
	bool full;
	_Alignas(8) uint8_t rows[MSG_DATA_MAX - sizeof(struct ctl_rows)];
};

/* false: the channel takes no more; the page ends here. */
static bool
send_rows(struct page_out *p)
{
	int rc;

	if (p->head.nrows == 0)
		return true;
	rc = msgchan_send2(p->ch, EM_ROWS, p->id, &p->head, sizeof p->head,
	    p->rows, (size_t)p->head.nrows * p->head.row_size);
	p->head.nrows = 0;
	return rc == 0;
}

/* Room for one row, zeroed; NULL: the page is full. */
static void *
new_row(struct page_out *p)
{
	void *row;

	if (p->left == 0 || (p->head.nrows == p->cap && !send_rows(p))) {
		p->full = true;
		return NULL;
	}
	p->left--;
	row = p->rows + (size_t)p->head.nrows++ * p->head.row_size;
	memset(row, 0, p->head.row_size);
	return row;
}

/* ---- connections ---- */

static void
fill_tuple(struct ctl_conn *r, const struct tuple *t)
{
	memcpy(r->laddr, t->laddr.b, sizeof r->laddr);
	memcpy(r->raddr, t->raddr.b, sizeof r->raddr);
	r->lport = t->lport;
	r->rport = t->rport;
}

static void
copy_name(char *out, size_t size, const char *in)
{
	if (in != NULL)
		strlcpy(out, in, size);
}

static void
fill_ecn(struct ctl_conn *r, const struct tcp_ecn_info *e)
{
	r->ecn_mode = e->mode;
	r->ecn_seen = e->seen;
	r->ecn_off = e->no_ect;
	r->accecn_opt = e->opt_seen;
	r->received_ce = e->received_ce;
	r->delivered_ce = e->delivered_ce;
	r->received_e1_bytes = e->received_e1;
	r->received_e0_bytes = e->received_e0;
	r->received_ce_bytes = e->received_ce_bytes;
	r->delivered_e1_bytes = e->delivered_e1;
	r->delivered_e0_bytes = e->delivered_e0;
	r->delivered_ce_bytes = e->delivered_ce_bytes;
}

static void
fill_info(struct ctl_conn *r, const struct tcp_info_out *i)
{
	r->state = (uint8_t)i->state;
	r->ca_state = i->ca_state;
	r->snd_wscale = i->snd_wscale;
	r->rcv_wscale = i->rcv_wscale;
	r->flags |= CTL_CONN_INFO | (i->timestamps ? CTL_CONN_TIMESTAMPS : 0) |
		    (i->sack ? CTL_CONN_SACK : 0) |
		    (i->wscale ? CTL_CONN_WSCALE : 0) |
		    (i->syn_data ? CTL_CONN_SYN_DATA : 0) |
		    (i->md5 ? CTL_CONN_MD5 : 0) | (i->ao ? CTL_CONN_AO : 0);
	r->ao_current = i->ao_current;
	r->ao_rnext = i->ao_rnext;
	r->backoff = i->backoff;
	copy_name(r->timer, sizeof r->timer, i->timer_name);
	r->timer_us = i->timer_us;
	copy_name(r->congestion, sizeof r->congestion, i->congestion);
#define COPY(f) r->f = i->f
	COPY(snd_mss), COPY(rcv_mss), COPY(advmss), COPY(pmtu);
	COPY(cwnd_bytes), COPY(ssthresh_bytes), COPY(flight_bytes);
	COPY(snd_wnd), COPY(rcv_wnd);
	COPY(rto_us), COPY(srtt_us), COPY(rttvar_us), COPY(min_rtt_us);
	COPY(retransmits), COPY(total_retrans), COPY(probes);
	COPY(sacked_bytes), COPY(lost_bytes), COPY(retrans_bytes);
	COPY(ooo_segs), COPY(rcv_ooo_bytes), COPY(reordering);
	COPY(reord_seen), COPY(dsack_dups);
	COPY(send_unsent), COPY(sndbuf), COPY(rcvbuf);
	COPY(bytes_sent), COPY(bytes_acked), COPY(bytes_received);
	COPY(bytes_retrans), COPY(segs_out), COPY(segs_in);
	COPY(pacing_rate), COPY(delivery_rate), COPY(delivered_bytes);
	COPY(busy_us), COPY(rwnd_limited_us), COPY(sndbuf_limited_us);
	COPY(data_segs_out), COPY(data_segs_in), COPY(last_data_sent_us);
	COPY(unacked_segs), COPY(rcv_space), COPY(rcv_rtt_us), COPY(ato_us);
	COPY(total_rto), COPY(total_rto_recoveries), COPY(total_rto_us);
	COPY(max_pacing_rate), COPY(delivered_packets), COPY(ctl_acked);
	COPY(delivery_app_limited);
	COPY(last_data_recv_us), COPY(last_ack_recv_us);
#undef COPY
	fill_ecn(r, &i->ecn);
	r->recv_q = i->recv_queued;
	r->send_q = i->send_queued;
}

static bool
wanted(const struct page_out *p, enum tcp_state s)
{
	return p->q->q.states == 0 || (p->q->q.states >> s & 1) != 0;
}

/* false: the page is full. */
static bool
chan_row(struct page_out *p, const struct chan *c)
{
	struct tcp_info_out info;
	struct ctl_conn *r;

	if (c->pcb == NULL || !wanted(p, tcp_pcb_state(c->pcb)))
		return true;
	if ((r = new_row(p)) == NULL)
		return false;
	tcp_info(c->pcb, &info, engine_now(p->e));
	fill_tuple(r, tcp_tuple(c->pcb));
	fill_info(r, &info);
	r->id = c->id;
	r->uid = c->name.uid;
	r->pid = (uint32_t)c->pid;
	if (c->opts.ipv6)
		r->flags |= CTL_CONN_INET6;
	if (c->accepted)
		r->flags |= CTL_CONN_ACCEPTED;
	if (c->state == CHAN_LEFT)
		r->flags |= CTL_CONN_ORPHAN;
	if (chan_ring_size(c) > 0)
		r->flags |= CTL_CONN_RING;
	return true;
}

static void
other_row(void *arg, const struct tcp_entry *en)
{
	struct page_out *p = arg;
	struct tcp_info_out info;
	struct ctl_conn *r;

	if (p->full || en->state == TCPS_LISTEN ||
	    (en->pcb != NULL && tcp_user(en->pcb) != NULL))
		return;
	if (p->index++ < p->first || !wanted(p, en->state))
		return;
	if ((r = new_row(p)) == NULL) {
		p->end.cursor[1] = p->index - 1;
		return;
	}
	fill_tuple(r, &en->id);
	if (!ipaddr_is_v4(&en->id.raddr))
		r->flags |= CTL_CONN_INET6;
	r->uid = UINT32_MAX;
	r->state = (uint8_t)en->state;
	r->timer_us = -1;
	if (en->pcb != NULL) {
		tcp_info(en->pcb, &info, engine_now(p->e));
		fill_info(r, &info);
		r->flags |= CTL_CONN_ORPHAN;
	} else if (!mono_is_never(en->deadline)) {
		r->timer_us = mono_diff(en->deadline, engine_now(p->e));
		copy_name(r->timer, sizeof r->timer,
		    en->state == TCPS_TIME_WAIT ? "timewait" : "on");
	}
}

static void
connections(struct page_out *p)
{
	struct chan key, *c;

	if (p->q->cursor[0] == 0) {
		key.id = p->q->cursor[1] + 1;
		for (c = RB_NFIND(chans, &p->e->chans, &key); c != NULL;
		     c = RB_NEXT(chans, &p->e->chans, c)) {
			if (!chan_row(p, c)) {
				p->end.cursor[1] = c->id - 1;
				return;
			}
		}
	} else {
		p->first = p->q->cursor[1];
	}
	p->end.cursor[0] = 1;
	tcp_foreach(p->e->tcp, other_row, p);
}

/* ---- listeners, users ---- */

static void
listeners(struct page_out *p)
{
	struct bound key, *b, *next;
	struct tcp_bind_info info;
	struct ctl_listener *r;

	key.id = p->q->cursor[1] + 1;
	for (b = RB_NFIND(bounds, &p->e->bounds, &key); b != NULL; b = next) {
		next = RB_NEXT(bounds, &p->e->bounds, b);
		if (b->tb == NULL || b->in_chan)
			continue;
		if (!bound_alive(b)) {
			bound_dead(b);
			continue;
		}
		if ((r = new_row(p)) == NULL) {
			p->end.cursor[1] = b->id - 1;
			return;
		}
		tcp_bind_info(b->tb, &info);
		r->id = b->id;
		memcpy(r->laddr, info.addr.b, sizeof r->laddr);
		r->lport = info.port;
		r->listening = b->listening;
		r->flags =
		    (b->opts.ipv6 ? CTL_LISTENER_INET6 : 0) |
		    (info.flags & TCP_BIND_V6ONLY ? CTL_LISTENER_V6ONLY : 0);
		r->uid = b->name.uid;
		r->pid = (uint32_t)b->pid;
		r->backlog = b->backlog;
		r->half_open = info.half_open;
		r->accepted = b->accepted;
		r->refused = b->refused;
	}
}

/* Processes that hold listeners of this user; connections know theirs by pid,
 * but nobody counts those without a walk. */
static uint32_t
processes(const struct account *a)
{
	const struct bound *b;
	uint32_t n = 0;
	pid_t last = 0;

	LIST_FOREACH (b, &a->bounds, of_account) {
		if (b->pid != last)
			n++;
		last = b->pid;
	}
	return n;
}

static void
clients(struct page_out *p)
{
	struct account key, *a;
	struct ctl_client *r;

	key.uid = (uint32_t)p->q->cursor[1];
	for (a = RB_NFIND(accounts, &p->e->accounts, &key); a != NULL;
	     a = RB_NEXT(accounts, &p->e->accounts, a)) {
		if ((r = new_row(p)) == NULL) {
			p->end.cursor[1] = a->uid;
			return;
		}
		r->uid = a->uid;
		r->processes = processes(a);
		r->conns = a->conns;
		r->listeners = a->listeners;
		r->half_open = a->half_active + account_half_passive(p->e, a);
		r->descriptors = a->conns + a->listeners + a->visits;
		r->conns_max = a->limit.conns;
		r->listeners_max = a->limit.listeners;
		r->half_open_max = a->limit.half_open;
		r->buffer_bytes = a->bytes + a->orphan_bytes;
		r->buffer_bytes_max = a->limit.buffer_bytes;
		r->conns_refused = a->conns_refused;
		r->listeners_refused = a->listeners_refused;
		r->half_open_refused = a->half_open_refused;
		r->buffer_clamped = a->buffer_clamped;
		r->requests = a->requests;
	}
}

static void
datagrams(struct page_out *p)
{
	struct udp_info info;
	struct dgram key, *d;
	struct ctl_dgram *r;

	key.id = p->q->cursor[1] + 1;
	for (d = RB_NFIND(dgrams, &p->e->dgrams, &key); d != NULL;
	     d = RB_NEXT(dgrams, &p->e->dgrams, d)) {
		if ((r = new_row(p)) == NULL) {
			p->end.cursor[1] = d->id - 1;
			return;
		}
		udp_info(d->sock, &info);
		r->id = d->id;
		memcpy(r->laddr, info.id.laddr.b, sizeof r->laddr);
		memcpy(r->raddr, info.id.raddr.b, sizeof r->raddr);
		r->lport = info.id.lport;
		r->rport = info.id.rport;
		r->flags = (d->opts.ipv6 ? CTL_DGRAM_INET6 : 0) |
			   (info.flags & UDP_V6ONLY ? CTL_DGRAM_V6ONLY : 0) |
			   (info.connected ? CTL_DGRAM_CONNECTED : 0);
		r->uid = d->name.uid;
		r->pid = (uint32_t)d->pid;
		r->recv_q = (uint32_t)dgram_queued(d);
		r->rcvbuf = (uint32_t)sockopt_val(
		    &d->opts, OPT_SO_RCVBUF, DGRAMOPT_BUF);
		r->in = info.in;
		r->in_bytes = info.in_bytes;
		r->out = info.out;
		r->out_bytes = info.out_bytes;
		r->full = info.full;
	}
}

/* ---- counters ---- */

static void
counter(struct page_out *p, const char *group, const char *name,
    const char *text, uint64_t value)
{
	struct ctl_counter *r;

	if (p->index++ < p->first)
		return;
	if (p->full || (r = new_row(p)) == NULL) {
		if (p->end.cursor[1] == 0)
			p->end.cursor[1] = p->index - 1;
		return;
	}
	strlcpy(r->group, group, sizeof r->group);
	strlcpy(r->name, name, sizeof r->name);
	strlcpy(r->text, text, sizeof r->text);
	r->value = value;
}

static void
tcp_counters(struct page_out *p)
{
	struct tcp_stats s;

	tcp_stats(p->e->tcp, &s);
#define C(f, text) counter(p, "tcp", #f, text, s.f)
	C(conns, "connections now");
	C(half_open, "half-open passive connections now");
	C(time_wait, "connections in TIME-WAIT now");
	C(time_wait_bytes, "bytes that their records take");
	C(resting, "connections that are idle now, and folded up");
	C(orphans, "connections that their program left, now");
	C(binds, "bound addresses now");
	C(active_opens, "connections that programs began");
	C(passive_opens, "connections that peers began");
	C(attempt_fails, "connections that were never established");
	C(estab_resets, "established connections that were reset");
	C(in_segs, "segments received");
	C(out_segs, "segments sent");
	C(retrans_segs, "segments sent again");
	C(in_errs, "segments received in error");
	C(out_rsts, "RST segments sent");
	C(fast_retransmits, "fast retransmissions");
	C(timeouts, "retransmission timeouts");
	C(sack_recoveries, "recoveries with SACK");
	C(spurious_rtos, "timeouts that were needless");
	C(syn_cookies, "SYN cookies sent");
	C(challenge_acks, "challenge ACKs sent (RFC 5961)");
	C(delayed_acks, "delayed ACKs sent");
	C(window_probes, "zero window probes sent");
	C(keepalive_probes, "keep-alive probes sent");
	C(ooo_queued, "segments received out of order");
	C(paws_rejected, "old duplicates by timestamp");
	C(mtu_probes, "probes of the path MTU sent");
	C(mtu_black_holes, "paths that swallow large segments");
	C(local_bytes,
	    "bytes passed between connections of ours without segments");
	C(orphans_reset, "connections reset for the limit of orphans");
	C(time_waits, "connections that went to TIME-WAIT");
	C(lost_retransmits, "retransmissions found lost again");
	C(tlp_probes, "tail loss probes sent");
	C(tlp_recoveries, "losses that a tail loss probe mended");
	C(spurious_recoveries, "fast recoveries that were needless");
	C(dsacks_sent, "reports of what came twice, sent");
	C(dsacks_received, "reports of what came twice, received");
	C(sack_renegings, "peers that threw away what they had SACKed");
	C(fastopen_active, "Fast Opens whose data the peer took");
	C(fastopen_active_fail, "Fast Opens whose data went again");
	C(fastopen_passive, "SYNs of Fast Opens that were taken");
	C(fastopen_passive_old, "of them, with a cookie of the older key");
	C(fastopen_passive_fail, "SYNs of Fast Opens that were not");
	C(fastopen_overflow, "SYNs beyond a listener's limit of Fast Opens");
	C(fastopen_cookie_reqd, "Fast Open cookies asked for");
	C(fastopen_blackhole, "times that Fast Open was paused");
	C(ecn_accurate, "connections with accurate ECN");
	C(ecn_classic, "connections with classic ECN");
	C(ecn_syn_fallbacks, "SYNs sent without ECN after others were lost");
	C(ecn_ce_received, "packets that came marked CE");
	C(ecn_reductions, "windows reduced because of CE");
	C(ecn_mangled, "connections whose path mangles ECN");
	C(ecn_options_off, "connections that lost the AccECN option");
#undef C
}

static void
stack_counters(struct page_out *p)
{
	struct stack_stats s;

	stack_stats(p->e->stack, &s);
#define C(f, text) counter(p, "stack", #f, text, s.f)
	C(in_frames, "frames received");
	C(out_frames, "frames sent");
	C(in_bytes, "bytes of frames received");
	C(out_bytes, "bytes of frames sent");
	C(in_packets, "IP packets received");
	C(out_packets, "IP packets sent");
	C(echo_replies, "ICMP echo replies sent");
	C(arp_requests, "ARP requests sent");
	C(solicitations, "IPv6 neighbour solicitations sent");
	C(icmp_errors, "ICMP errors sent");
	C(neighbours, "neighbours known");
	C(buf_used, "bytes of buffers in use");
	C(buf_limit, "bytes of buffers allowed");
#undef C
}

static void
engine_counters(struct page_out *p)
{
	struct engine *e = p->e;
	const struct engine_stats *s = &e->stats;

	counter(
	    p, "engine", "connections", "programs' descriptors now", e->nchans);
	counter(p, "engine", "bound", "bound and listening sockets now",
	    e->nbounds);
	counter(p, "engine", "unfinished_requests",
	    "clients that have not said what they want, now", e->nvisits);
	counter(p, "engine", "client_bytes", "bytes held for programs, now",
	    engine_bytes(e));
#define C(f, text) counter(p, "engine", #f, text, s->f)
	C(attaches, "connect() calls");
	C(accepts, "connections handed to listeners");
	C(requests, "requests of the shim");
	C(queries, "names asked for");
	C(queries_refused, "of them refused: too many under way");
	C(rings, "connections that began to send from shared memory");
	C(ring_bytes, "bytes that were sent from there");
	C(refused_quota, "refused: the user is at his quota");
	C(orphans_reset,
	    "closed connections reset: their user is at his quota");
	C(refused_nofile, "refused: out of descriptors");
	C(visits_silent, "clients dropped for saying nothing");
	C(listeners_dead, "listeners whose program died");
	C(probes, "looks whether a listener lives");
	C(resets_to_program, "connections ended as reset");
	counter(p, "engine", "syn_filter",
	    "of so many SYNs the device lets one through, now",
	    1u << e->flood.shift);
	C(turns, "turns of the engine's loop");
#undef C
#define C(f, text)                                                             \
	counter(p, "engine", "busy_poll_" #f, text, e->busypoll.stats.f)
	C(found, "looks for an event instead of sleeping that found one");
	C(in_vain, "looks that did not");
	C(us, "microseconds that those took");
#undef C
}

/* What the device can and what its own side has counted. */
static void
device_counters(struct page_out *p)
{
	const struct dev_caps *caps;
	struct dev_stats s;

	if (p->e->dev == NULL)
		return;
	caps = dev_caps(p->e->dev);
	dev_stats(p->e->dev, &s);
#define C(f, text) counter(p, "device", #f, text, caps->f)
	C(mtu, "bytes of an IP packet at most");
	C(csum, "1: it makes and vouches for checksums");
	C(tso, "1: it takes segments of 64 KiB");
	C(gro, "1: it may deliver such");
	C(rx_ring, "1: frames come by shared memory");
	C(zero_copy, "1: the driver uses that memory itself");
#undef C
#define C(f, text) counter(p, "device", #f, text, s.f)
	C(rx_lost, "frames lost for its receive queue was full");
	C(tx_batches, "system calls that sent several frames");
	C(tx_batched, "frames that those sent");
#undef C
}

static void
udp_counters(struct page_out *p)
{
	struct udp_stats s;

	udp_stats(stack_udp(p->e->stack), &s);
#define C(f, text) counter(p, "udp", #f, text, s.f)
	C(socks, "sockets now");
	C(in, "datagrams received");
	C(out, "datagrams sent");
	C(in_bytes, "bytes of those received");
	C(out_bytes, "bytes of those sent");
	C(no_port, "datagrams for a port that nobody has");
	C(in_errors, "datagrams received in error");
	C(full, "datagrams for a socket whose buffer was full");
	C(out_errors, "datagrams that could not be sent");
	C(icmp_errors, "ICMP errors about datagrams of ours");
#undef C
}

static void
stats(struct page_out *p)
{
	p->first = p->q->cursor[1];
	p->e->stats.turns = p->e->turn;
	tcp_counters(p);
	udp_counters(p);
	stack_counters(p);
	device_counters(p);
	engine_counters(p);
}

static void
drops(struct page_out *p)
{
	unsigned i;

	p->first = p->q->cursor[1];
	for (i = DROP_FIRST; i < NDROPS; i++)
		counter(p, "drop", drop_name(i), drop_text(i),
		    p->e->drops->count[i]);
}

/* Room for the row of the stack's next entry, or NULL. */
static void *
indexed_row(struct page_out *p)
{
	void *row;

	if (p->full || p->index++ < p->first)
		return NULL;
	if ((row = new_row(p)) == NULL)
		p->end.cursor[1] = p->index - 1;
	return row;
}

static void
neighbour_row(void *arg, const struct stack_neigh *n)
{
	struct ctl_neigh *r = indexed_row(arg);

	if (r == NULL)
		return;
	memcpy(r->addr, n->addr.b, sizeof r->addr);
	memcpy(r->mac, n->mac, sizeof r->mac);
	strlcpy(r->state, n->state, sizeof r->state);
	r->age_us = n->age_us;
}

static void
neighbours(struct page_out *p)
{
	p->first = p->q->cursor[1];
	stack_foreach_neigh(p->e->stack, neighbour_row, p, engine_now(p->e));
}

/* ---- addresses, routes ---- */

static void
addr_row(void *arg, const struct stack_addr_row *a)
{
	struct ctl_addr *r = indexed_row(arg);

	if (r == NULL)
		return;
	memcpy(r->addr, a->addr.b, sizeof r->addr);
	r->plen = a->plen;
	r->usable = a->usable;
	strlcpy(r->state, a->state, sizeof r->state);
	strlcpy(r->origin, a->origin, sizeof r->origin);
	r->preferred_us = a->preferred_us;
	r->valid_us = a->valid_us;
}

static void
addrs(struct page_out *p)
{
	p->first = p->q->cursor[1];
	stack_foreach_addr(p->e->stack, addr_row, p, engine_now(p->e));
}

static uint32_t
line_of(const struct conf *c, const struct stack_route_row *r)
{
	for (uint32_t i = 0; i < c->g.nroutes; i++)
		if (c->routes[i].plen == r->plen &&
		    ipaddr_eq(&c->routes[i].dst, &r->dst))
			return c->routes[i].line;
	return 0;
}

static void
route_row(void *arg, const struct stack_route_row *t)
{
	struct page_out *p = arg;
	struct ctl_route *r = indexed_row(p);

	if (r == NULL)
		return;
	memcpy(r->dst, t->dst.b, sizeof r->dst);
	if (!ipaddr_is_any(&t->gateway))
		memcpy(r->gateway, t->gateway.b, sizeof r->gateway);
	r->plen = t->plen;
	strlcpy(r->origin, t->origin, sizeof r->origin);
	if (strcmp(t->origin, "static") == 0)
		r->line = line_of(p->e->conf, t);
}

static void
routes(struct page_out *p)
{
	p->first = p->q->cursor[1];
	stack_foreach_route(p->e->stack, route_row, p);
}

/* `tcpctl close`: a reset to both sides. */
static void
close_one(struct page_out *p)
{
	struct chan key = {.id = p->q->q.id}, *c;

	c = RB_FIND(chans, &p->e->chans, &key);
	if (c == NULL || c->pcb == NULL)
		p->end.err = ENOENT;
	else if (p->q->uid != 0 && p->q->uid != c->name.uid)
		p->end.err = EPERM;
	else
		chan_abort(c, ECONNABORTED);
}

static const struct {
	void (*fill)(struct page_out *);
	uint16_t row_size;
} table[CTL_NWHAT] = {
    [CTL_CONNECTIONS] = {connections, sizeof(struct ctl_conn)},
    [CTL_LISTENERS] = {listeners, sizeof(struct ctl_listener)},
    [CTL_CLIENTS] = {clients, sizeof(struct ctl_client)},
    [CTL_STATS] = {stats, sizeof(struct ctl_counter)},
    [CTL_DROPS] = {drops, sizeof(struct ctl_counter)},
    [CTL_NEIGHBOURS] = {neighbours, sizeof(struct ctl_neigh)},
    [CTL_ADDRS] = {addrs, sizeof(struct ctl_addr)},
    [CTL_DATAGRAMS] = {datagrams, sizeof(struct ctl_dgram)},
    [CTL_ROUTES] = {routes, sizeof(struct ctl_route)},
    [CTL_CLOSE] = {close_one, 1},
};

bool
report_query(struct engine *e, struct msgchan *ch, struct msg *m)
{
	static struct page_out p; /* 32 KiB; one at a time */
	struct fm_query q;

	if (!MSG_GET(m, &q) || m->id == 0 || q.q.what >= CTL_NWHAT ||
	    table[q.q.what].fill == NULL)
		return false;
	p.e = e;
	p.ch = ch;
	p.id = m->id;
	p.q = &q;
	p.head = (struct ctl_rows){
	    .what = q.q.what, .row_size = table[q.q.what].row_size};
	p.cap = sizeof p.rows / p.head.row_size;
	p.left = q.max_rows < PAGE_ROWS ? q.max_rows : PAGE_ROWS;
	p.end = (struct em_end){0};
	p.index = p.first = 0;
	p.full = p.left == 0;
	table[q.q.what].fill(&p);
	(void)send_rows(&p);
	p.end.more = p.full && q.max_rows > 0;
	/* Room for the end is kept: the frontend asks one page at a time. */
	(void)msgchan_send(ch, EM_END, m->id, &p.end, sizeof p.end, NULL, 0);
	return true;
}
