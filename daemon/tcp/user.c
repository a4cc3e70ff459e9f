/* SPDX-License-Identifier: ISC */
/*
 * What the user calls do (RFC 9293 3.9.1, 3.10.1 to 3.10.6) and what else comes
 * from above or beside: options, ICMP's word, what TCP_INFO shows.
 */
#include <errno.h>
#include "tcp/internal.h"

int
pcb_soft_error(struct tcb *p)
{
	int e = p->soft_error;

	p->soft_error = 0;
	return e;
}

void
pcb_clamp_window(struct tcb *p, uint32_t bytes)
{
	p->rcv_clamp = bytes;
	if (p->state != TCPS_CLOSED && tcp_want_window_update(p)) {
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
}

/* ---- active open ---- */

static int
choose_tuple(struct tcp *t, struct tcp_bind *bind, struct tuple *id,
    seq_t *iss_floor, bool *has_floor, mono_t now)
{
	struct tcp_node *n;

	*has_floor = false;
	if (bind != NULL)
		id->lport = bind->port;
	else if (bind_pick_port(t, id, now) != 0)
		return -EADDRNOTAVAIL;
	n = conn_find(t, id);
	if (n == NULL)
		return 0;
	if (n->kind != NODE_TW || !tw_reusable(t, (struct tcp_tw *)n, now))
		return -EADDRNOTAVAIL;
	*iss_floor = ((struct tcp_tw *)n)->snd_nxt;
	*has_floor = true;
	tw_free(t, (struct tcp_tw *)n);
	return 0;
}

static bool
destination_valid(const struct ipaddr *dst)
{
	/* MUST-46 */
	if (ipaddr_is_any(dst))
		return false;
	if (!ipaddr_is_v4(dst))
		return !ipaddr_is_multicast(dst);
	return ipaddr_to_v4(dst) < 0xe0000000;
}

static void
start_syn(struct tcb *p, seq_t iss, mono_t now)
{
	const struct tcp_config *c = &p->t->cfg;

	p->iss = p->snd_una = p->recover = p->snd_sml = iss;
	p->snd_nxt = seq_add(iss, 1);
	p->flags |= PF_SYN_NOW |
		    (c->no_timestamps || p->md5.key != NULL ? 0 : PF_TS) |
		    (c->no_sack ? 0 : PF_SACK) | (c->no_wscale ? 0 : PF_WSCALE);
	if (p->flags & PF_WSCALE)
		p->rcv_wscale =
		    tune_wscale(p->t, p->tune.rcv_locked ? p->rcvbuf : 0);
	p->ts_off = tcp_ts_offset(p->t, &p->h->node.id);
	pcb_set_mss(p);
	tcp_cc_init(&p->cc, p->cc.ops, p->snd_mss, now);
	tcp_set_state(p, TCPS_SYN_SENT);
	tcp_arm_rexmt(p, now);
	pcb_ready(p);
}

/* MUST-44: the way names the source address if the user does not; MUST-45: it
 * is in the tuple and stays. */
int
tcp_connect(struct tcp *t, struct tcp_bind *bind, const struct ipaddr *src,
    const struct ipaddr *dst, uint16_t dport, const struct tcp_opts *opts,
    void *user, mono_t now, struct tcp_pcb **out)
{
	const struct tcp_cc_ops *cc =
	    opts->congestion != NULL ? tcp_cc_find(opts->congestion) : t->cc;
	struct tuple id = {.raddr = *dst, .rport = dport};
	struct tcp_path path = {0};
	struct tcb *p;
	seq_t floor, iss;
	bool has_floor;
	int r;

	if (!destination_valid(dst) || dport == 0 || cc == NULL)
		return -EINVAL;
	if (bind != NULL && !ipaddr_is_any(&bind->addr))
		src = &bind->addr;
	if ((r = t->cfg.env.path(t->cfg.env.ctx, src, dst, &path)) != 0)
		return r;
	id.laddr = path.src;
	if ((r = choose_tuple(t, bind, &id, &floor, &has_floor, now)) != 0)
		return r;
	if ((p = pcb_new(t, &id, now)) == NULL)
		return -ENOMEM;
	if (!conn_insert(t, &p->h->node) ||
	    txseg_add(p, (iss = tcp_isn(t, &id, now)), 1, now) == NULL) {
		pcb_free(p);
		return -ENOMEM;
	}
	if (has_floor && !seq_gt(iss, floor)) {
		iss = seq_add(floor, 65537);
		TAILQ_FIRST(&p->tx)->seq = iss;
	}
	t->st.active_opens++;
	p->h->user = user;
	p->path = path;
	p->bind = bind;
	if (bind != NULL)
		bind_ref(bind);
	p->cc.ops = cc;
	p->peer_mss = UINT16_MAX;
	if (bind != NULL && !md5_inherit(p, bind, NULL)) {
		pcb_free(p);
		return -ENOMEM;
	}
	pcb_opts_apply(p, opts);
	start_syn(p, iss, now);
	*out = p->h;
	return 0;
}

/* ---- the end ---- */

void
pcb_shutdown(struct tcb *p, mono_t now)
{
	if (p->flags & (PF_FIN_QUEUED | PF_FINISHED))
		return;
	p->flags |= PF_FIN_QUEUED;
	fastsyn_begin(p, now);
	if (p->state == TCPS_ESTABLISHED)
		tcp_set_state(p, TCPS_FIN_WAIT_1);
	else if (p->state == TCPS_CLOSE_WAIT)
		tcp_set_state(p, TCPS_LAST_ACK);
	pcb_ready(p);
}

static void
forget_user(struct tcb *p)
{
	struct tcp *t = p->t;

	p->h->user = NULL;
	p->flags |= PF_ORPHAN;
	p->flags &= ~PF_KEEPALIVE;
	t->orphans++;
	p->orphan_bytes = p->sq.bytes;
	if (t->cfg.env.orphan != NULL)
		t->cfg.env.orphan(t->cfg.env.ctx, p->owner, 1, p->orphan_bytes);
	p->events = 0;
	if (p->on_events)
		TAILQ_REMOVE(&t->events, p, event_link);
	p->on_events = false;
	pcb_timer(p, TMR_KEEP, MONO_NEVER);
	pcb_timer(p, TMR_MEMORY, MONO_NEVER);
}

/* A connection whose protocol is over goes at once; true if it did. */
static bool
close_dead(struct tcb *p)
{
	if (p == p->t->delivered)
		return true; /* goes with the next tcp_event() */
	if (p->state != TCPS_CLOSED && !(p->flags & PF_FINISHED))
		return false;
	pcb_free(p);
	return true;
}

void
pcb_close(struct tcb *p, mono_t now)
{
	if (close_dead(p))
		return;
	fastsyn_gone(p, now);
	/* SHLD-3: what the program never read is lost; the peer must know.  Of
	 * a Fast Open it may have written before there was an answer. */
	if (p->rcv_bytes > 0 ||
	    (p->state == TCPS_SYN_SENT && !(p->fo.on && p->sq.bytes > 0))) {
		pcb_abort(p, now);
		return;
	}
	/* What nobody waits for may hold only so much. */
	if (p->t->cfg.max_orphans != 0 &&
	    p->t->orphans >= p->t->cfg.max_orphans) {
		p->t->st.orphans_reset++;
		pcb_abort(p, now);
		return;
	}
	pcb_shutdown(p, now);
	forget_user(p);
	if (p->state == TCPS_FIN_WAIT_2) {
		pcb_timer(p, TMR_KEEP,
		    mono_add(now, (int64_t)p->linger2_s * 1000000));
	}
}

void
pcb_abort(struct tcb *p, mono_t now)
{
	if (close_dead(p))
		return;
	/* RFC 9293 3.10.5; after both FINs there is nothing to reset. */
	if (p->state != TCPS_SYN_SENT && p->state != TCPS_LAST_ACK &&
	    p->state != TCPS_CLOSING)
		pcb_reset(p, now);
	pcb_free(p);
}

/* ---- options ---- */

void
pcb_get_opts(const struct tcb *p, struct tcp_opts *o)
{
	*o = (struct tcp_opts){
	    .congestion = p->cc.ops->name,
	    .sndbuf = p->tune.snd_locked ? p->sndbuf : 0,
	    .rcvbuf = p->tune.rcv_locked ? p->rcvbuf : 0,
	    .user_timeout_us = p->user_timeout_us,
	    .notsent_lowat = p->notsent_lowat,
	    .window_clamp = p->window_clamp,
	    .keepidle_s = p->keepidle_s,
	    .keepintvl_s = p->keepintvl_s,
	    .keepcnt = p->keepcnt,
	    .linger2_s = p->linger2_s,
	    .max_seg = p->max_seg,
	    .max_pacing_rate = p->pace.max_rate,
	    .syn_retries = p->max_syn_retries,
	    .tos = p->tos,
	    .ttl = p->ttl,
	    .nodelay = p->flags & PF_NODELAY,
	    .keepalive = p->flags & PF_KEEPALIVE,
	    .cork = p->flags & PF_CORK,
	    .quickack = p->ack.asked,
	    .fastopen_bare = p->fo.bare,
	};
}

int
pcb_apply_opts(struct tcb *p, const struct tcp_opts *o, mono_t now)
{
	const struct tcp_cc_ops *cc = p->cc.ops;
	bool kept = p->flags & PF_KEEPALIVE, delay = !(p->flags & PF_NODELAY);
	uint32_t idle = p->keepidle_s;

	if (o->congestion != NULL && (cc = tcp_cc_find(o->congestion)) == NULL)
		return -ENOENT;
	pcb_opts_apply(p, o);
	if (p->state == TCPS_CLOSED || (p->flags & PF_FINISHED))
		return 0;
	tcp_cc_change(&p->cc, cc, now);
	pcb_set_mss(p);
	if (!(p->flags & PF_KEEPALIVE))
		pcb_timer(p, TMR_KEEP, MONO_NEVER);
	else if (!kept || idle != p->keepidle_s)
		tcp_arm_keep(p, now);
	/* NODELAY set or CORK cleared lets what waited go; as Linux does,
	 * NODELAY once even what CORK holds. */
	if (o->nodelay && delay && pcb_send_unsent(p) > 0)
		p->flags |= PF_OVERRIDE;
	if (p->state != TCPS_SYN_SENT)
		pcb_ready(p);
	return 0;
}

/* ---- ICMP (MUST-54; RFC 9293 3.9.2.2, RFC 5927, RFC 5461) ---- */

static int
icmp_errno(enum tcp_icmp what)
{
	switch (what) {
	case TCP_ICMP_NET_UNREACH:
		return ENETUNREACH;
	case TCP_ICMP_PROTO_UNREACH:
		return ENOPROTOOPT;
	case TCP_ICMP_PORT_UNREACH:
		return ECONNREFUSED;
	case TCP_ICMP_PARAM_PROBLEM:
		return EPROTO;
	default:
		return EHOSTUNREACH;
	}
}

static bool
icmp_hard(enum tcp_icmp what)
{
	return what == TCP_ICMP_PROTO_UNREACH || what == TCP_ICMP_PORT_UNREACH;
}

bool
tcp_icmp_input(struct tcp *t, const struct tuple *id, uint32_t seq,
    enum tcp_icmp what, uint16_t mtu, mono_t now)
{
	struct tcp_node *n = conn_find(t, id);
	struct tcb *p;

	if (n == NULL || n->kind != NODE_PCB) {
		drop(t, DROP_TCP_NO_CONN);
		return false;
	}
	/* RFC 5927 4.1: only about what is out, and of one that rests nothing
	 * is. */
	if (n->resting) {
		drop(t, DROP_TCP_SEQ);
		return false;
	}
	p = ((struct tcp_pcb *)n)->b;
	if (!seq_geq(SEQ(seq), p->snd_una) || !seq_lt(SEQ(seq), p->snd_nxt)) {
		drop(t, DROP_TCP_SEQ);
		return false;
	}
	if (ao_ignores(p, what))
		return false;
	if (what == TCP_ICMP_TOO_BIG) {
		if (synchronized(p))
			mtu_too_big(p, mtu, now);
		else
			(void)fastsyn_too_big(p, mtu, now);
		return true;
	}
	/* DEVIATION: SHLD-26: hard errors end an attempt to connect; in a
	 * synchronized connection they are soft, since anyone who guesses a
	 * number in the window could end it (RFC 5927 5.2), as on Linux. */
	if (p->state == TCPS_SYN_SENT && icmp_hard(what)) {
		pcb_dead(p, icmp_errno(what));
		return true;
	}
	/* MUST-56; an owner who wants connect() to fail at once hears it. */
	p->soft_error = icmp_errno(what);
	pcb_event(p, TCP_EV_ERROR); /* MUST-47, SHLD-25 */
	return true;
}

/* Anyone can make answers go to where nobody is, by what he says his address
 * is: so this looks at few connections but those with dst. */
void
tcp_host_unreachable(struct tcp *t, const struct ipaddr *dst, mono_t now)
{
	struct tcp_pcb *h, *next;
	struct tcb *p;

	(void)now;
	LIST_FOREACH_SAFE (h, conn_peers(t, dst), peer_link, next) {
		if (!ipaddr_eq(&h->node.id.raddr, dst) ||
		    (p = pcb_awake(h)) == NULL)
			continue;
		if (p->state == TCPS_CLOSED || (p->flags & PF_FINISHED))
			continue;
		if (p->state == TCPS_SYN_SENT) {
			pcb_dead(p, EHOSTUNREACH);
			continue;
		}
		p->soft_error = EHOSTUNREACH;
		pcb_event(p, TCP_EV_ERROR);
	}
}

/* ---- TCP_INFO ---- */

static void
info_timer(const struct tcb *p, struct tcp_info_out *o, mono_t now)
{
	static const char *const names[TMR_N] = {
	    [TMR_TLP] = "on",
	    [TMR_REXMT] = "on",
	    [TMR_PERSIST] = "persist",
	    [TMR_KEEP] = "keepalive",
	};
	int i;

	o->timer_us = -1;
	o->timer_name = "";
	for (i = 0; i < TMR_N; i++) {
		if (names[i] == NULL || !timer_on(p, i))
			continue;
		o->timer_us = mono_diff(p->deadline[i], now);
		o->timer_name = names[i];
		return;
	}
}

static void
info_counts(const struct tcb *p, struct tcp_info_out *o, mono_t now)
{
	uint32_t mss = p->snd_mss != 0 ? p->snd_mss : TCP_DEFAULT_MSS;
	bool fin_acked =
	    (p->flags & PF_FIN_SENT) && seq_eq(p->snd_una, p->snd_nxt);

	o->unacked_segs = (tcp_outstanding(p) + mss - 1) / mss;
	if (o->unacked_segs < p->tx_records)
		o->unacked_segs = p->tx_records;
	o->total_rto = p->rto.total;
	o->total_rto_recoveries = p->rto.recoveries;
	o->total_rto_us = p->rto.spent_us;
	if (p->rto.since.us != 0)
		o->total_rto_us += mono_diff(now, p->rto.since);
	o->ato_us = p->ack.delay_us;
	if (synchronized(p) && !(p->flags & PF_PASSIVE))
		o->ctl_acked++;
	o->ctl_acked += fin_acked;
}

void
pcb_info(const struct tcb *p, struct tcp_info_out *o, mono_t now)
{
	struct tcp_ao_info ao;
	uint32_t out = tcp_outstanding(p), free;

	*o = (struct tcp_info_out){
	    .state = p->state,
	    .congestion = p->cc.ops->name,
	    .snd_mss = p->snd_mss,
	    .rcv_mss = p->rcv_mss,
	    .advmss =
		tcp_adv_mss(&p->path, p->max_seg) - (p->flags & PF_TS ? 12 : 0),
	    .pmtu = p->path.mtu,
	    .cwnd_bytes = p->cc.cwnd,
	    .ssthresh_bytes = p->cc.ssthresh,
	    .flight_bytes = tcp_pipe(p),
	    .snd_wnd = p->snd_wnd,
	    .rcv_wnd = tcp_rcv_wnd(p),
	    .snd_wscale = p->snd_wscale,
	    .rcv_wscale = p->rcv_wscale,
	    .timestamps = p->flags & PF_TS,
	    .sack = p->flags & PF_SACK,
	    .wscale = p->flags & PF_WSCALE,
	    .rto_us = (uint32_t)tcp_rto(p),
	    .srtt_us = p->srtt_us,
	    .rttvar_us = p->rttvar_us,
	    .min_rtt_us = p->min_rtt_us == UINT32_MAX ? 0 : p->min_rtt_us,
	    .backoff = p->backoff,
	    .retransmits = p->retries,
	    .probes = p->probes,
	    .sacked_bytes = p->sacked_bytes,
	    .lost_bytes = p->lost_bytes,
	    .retrans_bytes =
		p->retx_bytes + fastsyn_left(p, p->snd_una,
				    tcp_outstanding(p) - p->sacked_bytes),
	    .ca_state = p->ca_state,
	    .bytes_sent = p->bytes_sent,
	    .bytes_acked = p->bytes_acked,
	    .bytes_received = p->bytes_received,
	    .bytes_retrans = p->bytes_retrans,
	    .segs_out = p->segs_out,
	    .segs_in = p->segs_in,
	    .data_segs_out = p->data_segs_out,
	    .data_segs_in = p->data_segs_in,
	    .total_retrans = p->total_retrans,
	    .ooo_segs = p->ooo_total,
	    .rcv_ooo_bytes = p->ooo_bytes,
	    .reordering = p->rack.degree,
	    .reord_seen = p->rack.reordered,
	    .dsack_dups = p->undo.dsack_dups,
	    .send_queued = p->sq.bytes,
	    .recv_queued = p->rcv_bytes,
	    .sndbuf = p->sndbuf,
	    .rcvbuf = p->rcvbuf,
	    .rcv_rtt_us = p->tune.rtt_us,
	    .rcv_space = p->tune.space,
	    .last_data_sent_us = mono_diff(now, p->last_snd),
	    .last_data_recv_us = mono_diff(now, p->last_rcv),
	    .last_ack_recv_us = mono_diff(now, p->last_ack),
	};
	info_counts(p, o, now);
	free = synchronized(p) && p->sq.bytes > out ? p->sq.bytes - out : 0;
	o->send_unsent = free;
	o->syn_data = p->fo.taken;
	o->fastopen_fail = p->fo.fail;
	o->md5 = p->md5.key != NULL;
	o->ao = pcb_ao_get(NULL, p, &ao) == 0;
	if (o->ao) {
		o->ao_current = (uint8_t)ao.current;
		o->ao_rnext = (uint8_t)ao.rnext;
	}
	rate_info(p, o, now);
	ecn_info(p, &o->ecn);
	info_timer(p, o, now);
}

size_t
pcb_send_unsent(const struct tcb *p)
{
	uint32_t out = tcp_outstanding(p);

	if (!synchronized(p))
		return p->sq.bytes;
	return p->sq.bytes > out ? p->sq.bytes - out : 0;
}
