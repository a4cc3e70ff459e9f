/* SPDX-License-Identifier: ISC */
/*
 * Fast Open of our listeners (RFC 7413 4.2): a SYN whose cookie shows that its
 * sender has received at its address before becomes a connection at once, and
 * its data is the program's before the handshake ends.
 *
 * The connection is in SYN-RECEIVED then, and all but its SYN-ACK goes as in
 * ESTABLISHED: what the program writes is sent, what it closes ends.  The SYN-
 * ACK is none of what the retransmission queue knows.  It is sent again from
 * what half.c keeps of a handshake (fo.half), by the retransmission timer,
 * which sends nothing else meanwhile.
 *
 * The cookie is a keyed hash of both addresses, as Linux makes it: machines of
 * both kinds that serve one address and have one key take each other's.
 *
 * A peer who spoofs addresses cannot make cookies, but can collect them for a
 * host that he shares.  So a listener has a limit, for which also counts, for
 * a minute, what the peer reset before its handshake was complete (5.1).
 */
#include <errno.h>
#include "tcp/internal.h"

#define ROTATE_US    (24LL * 3600 * 1000000) /* our own keys */
#define HOLD_SLOT_US 4000000 /* so that 60 s are over when its slot comes */

/* ---- cookies ---- */

static uint64_t
get64le(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static struct siphash_key
key_of(const uint8_t *p)
{
	return (struct siphash_key){get64le(p), get64le(p + 8)};
}

static void
own_key(struct tcp *t, mono_t now)
{
	t->fo.key[0] = (struct siphash_key){rng_u64(&t->rng), rng_u64(&t->rng)};
	t->fo.rotated = now;
}

void
fastopen_init(struct tcp *t, mono_t now)
{
	const struct tcp_fastopen f = t->cfg.fastopen;

	own_key(t, now);
	tcp_set_fastopen(t, &f);
}

void
tcp_set_fastopen(struct tcp *t, const struct tcp_fastopen *f)
{
	t->cfg.fastopen = *f;
	for (unsigned i = 0; i < f->nkeys; i++)
		t->fo.key[i] = key_of(f->key[i]);
	if (f->nkeys > 0)
		t->fo.old = f->nkeys > 1;
}

/* A key that is in use for long is one that somebody may have found (6). */
static void
rotate(struct tcp *t, mono_t now)
{
	if (t->cfg.fastopen.nkeys > 0 ||
	    mono_diff(now, t->fo.rotated) < ROTATE_US)
		return;
	t->fo.old = mono_diff(now, t->fo.rotated) < 2 * ROTATE_US;
	t->fo.key[1] = t->fo.key[0];
	own_key(t, now);
}

/* The listener's i-th key, or the layer's; false: there is none. */
static bool
cookie_key(const struct tcp_bind *b, unsigned i, struct siphash_key *key)
{
	const struct tcp_opts *o = &b->opts;

	if (o->fastopen_nkeys > 0) {
		*key = key_of(o->fastopen_key[i]);
		return i < o->fastopen_nkeys;
	}
	*key = b->t->fo.key[i];
	return i == 0 || b->t->fo.old;
}

static void
cookie_make(const struct siphash_key *key, const struct tuple *id,
    uint8_t out[FASTOPEN_COOKIE])
{
	unsigned from = ipaddr_is_v4(&id->raddr) ? 12 : 0, n = 16 - from;
	uint8_t path[32];
	uint64_t h;

	memcpy(path, id->raddr.b + from, n);
	memcpy(path + n, id->laddr.b + from, n);
	h = siphash(key, path, 2 * n);
	for (int i = 0; i < FASTOPEN_COOKIE; i++)
		out[i] = (uint8_t)(h >> 8 * i);
}

/* With which of the keys was this cookie made?  -1: with none. */
static int
cookie_check(const struct tcp_bind *b, const struct seg *s)
{
	const struct wire_fastopen *fo = &s->h.fastopen;
	uint8_t want[FASTOPEN_COOKIE], differs;
	struct siphash_key key;

	if (!fo->present || fo->len != sizeof want)
		return -1;
	for (unsigned i = 0; i < 2 && cookie_key(b, i, &key); i++) {
		cookie_make(&key, &s->id, want);
		differs = 0;
		for (unsigned k = 0; k < sizeof want; k++)
			differs |= want[k] ^ fo->cookie[k];
		if (differs == 0)
			return (int)i;
	}
	return -1;
}

/* ---- may it? ---- */

/* What was held for long enough counts no more. */
static void
release(struct tcp_bind *b, mono_t now)
{
	int64_t slot = now.us / HOLD_SLOT_US;
	uint32_t *at;

	if (slot - b->fo.slot > FASTOPEN_HOLD_SLOTS)
		b->fo.slot = slot - FASTOPEN_HOLD_SLOTS;
	while (b->fo.slot < slot) {
		at = &b->fo.slots[++b->fo.slot % FASTOPEN_HOLD_SLOTS];
		b->fo.held -= *at;
		*at = 0;
	}
}

static bool
has_room(struct tcp_bind *b, mono_t now)
{
	uint32_t limit = b->opts.fastopen;

	if (limit == 0 && b->t->cfg.fastopen.mode & FASTOPEN_EACH_LISTENER)
		limit = b->backlog;
	if (b->fo.held > 0)
		release(b, now);
	if (b->fo.pending + b->fo.held < limit)
		return true;
	b->t->st.fastopen_overflow += limit > 0;
	return false;
}

static void
put_cookie(
    struct tcp_bind *b, const struct seg *s, struct wire_fastopen *answer)
{
	struct siphash_key key;

	if (!s->h.fastopen.present)
		return;
	(void)cookie_key(b, 0, &key);
	answer->present = true;
	answer->len = FASTOPEN_COOKIE;
	cookie_make(&key, &s->id, answer->cookie);
}

/* Whoever asks or shows a wrong or an old cookie is given a good one.  While
 * there is no room he is not, and cannot tell that from a host without Fast
 * Open, as in Linux. */
bool
fastopen_admits(
    struct tcp_bind *b, const struct seg *s, struct wire_fastopen *answer)
{
	const struct wire_fastopen *fo = &s->h.fastopen;
	struct tcp *t = b->t;
	int key;

	*answer = (struct wire_fastopen){.exp = fo->exp};
	if (fo->bad)
		drop_count(t->cfg.drops, DROP_TCP_FASTOPEN);
	t->st.fastopen_cookie_reqd += fo->present && fo->len == 0;
	/* Beside a signature there is no room for a cookie. */
	if (!(t->cfg.fastopen.mode & FASTOPEN_SERVER) || seg_signed(s) ||
	    (s->len == 0 && !fo->present) || !has_room(b, s->now))
		return false;
	if (s->len > 0 && (t->cfg.fastopen.mode & FASTOPEN_SERVER_BARE ||
			      b->opts.fastopen_bare))
		return true;
	rotate(t, s->now);
	key = cookie_check(b, s);
	if (key != 0)
		put_cookie(b, s, answer);
	t->st.fastopen_passive_fail += key < 0 && fo->len > 0;
	t->st.fastopen_passive_old += key > 0;
	return key >= 0;
}

/* ---- the connection ---- */

/* The SYN's data is the first that there is to read; what there is no memory
 * for comes again. */
static void
take_text(struct tcb *p, struct seg *s)
{
	struct tcp_half *h = p->fo.half;
	uint32_t wnd = tcp_rcv_wnd(p);

	p->segs_in = s->nsegs;
	p->data_segs_in = s->len > 0 ? s->nsegs : 0;
	s->seq = seq_add(s->seq, 1);
	s->h.flags &= ~TH_SYN;
	if (s->len > wnd)
		s->len = wnd;
	reasm_input(p, s);
	h->taken = (uint16_t)seq_diff(p->rcv_nxt, seq_add(p->irs, 1));
	p->fo.taken = h->taken > 0;
}

/* 0, with p in its user's hands; or what env.accept() said. */
static int
hand_over(struct tcp_bind *b, struct tcb *p)
{
	struct tcp *t = b->t;

	p->bind = b;
	bind_ref(b);
	return t->cfg.env.accept(t->cfg.env.ctx, b, p->h);
}

static struct tcp_half *
handshake_new(
    struct tcp_bind *b, const struct seg *s, const struct tcp_path *path)
{
	struct tcp *t = b->t;
	struct tcp_half *h = conn_table_full(t) ? NULL : slab_alloc(&t->halves);

	if (h == NULL)
		return NULL;
	h->node.id = s->id;
	h->node.kind = NODE_HALF;
	h->listener = b;
	half_describe(b, h, s, path);
	return h;
}

enum step
fastopen_child(struct tcp_bind *b, struct seg *s, const struct tcp_path *path,
    struct wire_fastopen *answer)
{
	struct tcp *t = b->t;
	struct tcp_half *h = handshake_new(b, s, path);
	struct tcb *p = h != NULL ? half_promote(t, h, false, s->now) : NULL;
	int error = -EAGAIN;

	if (p != NULL) {
		/* RFC 7323 2.2: a SYN's window is not scaled. */
		p->snd_wnd = p->max_wnd = s->h.wnd;
		p->snd_wl1 = s->seq;
		p->snd_wl2 = p->snd_una;
		ecn_child(p, h, h->ecn.mode);
		error = hand_over(b, p);
	}
	if (error != 0) {
		if (p != NULL)
			pcb_free(p);
		if (h != NULL)
			slab_free(&t->halves, h);
		t->st.fastopen_passive_fail++;
		if (error != -EAGAIN) {
			tcp_send_rst_for(t, s);
			return DROP;
		}
		put_cookie(b, s, answer);
		return NEXT;
	}
	p->fo.half = h;
	b->fo.pending++;
	CHECK(conn_insert(t, &p->h->node));
	take_text(p, s);
	half_synack(t, h, answer, s->now);
	delack_sent(p);
	pcb_timer(p, TMR_REXMT, mono_add(s->now, half_patience(h)));
	t->st.fastopen_passive++;
	return DONE;
}

/* ---- the rest of its handshake ---- */

bool
fastopen_syn_again(struct tcb *p, const struct seg *s)
{
	struct tcp_half *h = p->fo.half;

	if ((s->h.flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN ||
	    !seq_eq(s->seq, p->irs))
		return false;
	if (!ecn_half_again(h, s)) {
		drop_count(p->t->cfg.drops, DROP_TCP_ECN_MIXED);
		return true;
	}
	if (mono_diff(s->now, h->synack_at) < TCP_CHALLENGE_US)
		return true;
	half_synack(p->t, h, NULL, s->now);
	pcb_timer(p, TMR_REXMT, mono_add(s->now, half_patience(h)));
	return true;
}

void
fastopen_done(struct tcb *p)
{
	struct tcp_half *h = p->fo.half;

	p->fo.half = NULL;
	h->listener->fo.pending--;
	slab_free(&p->t->halves, h);
}

bool
fastopen_acked(struct tcb *p, struct seg *s)
{
	if (seq_lt(s->ack, p->snd_una) || seq_gt(s->ack, p->snd_nxt))
		return false;
	half_measure(p, p->fo.half, s->now);
	ecn_child_acked(p, p->fo.half, s);
	fastopen_done(p);
	tcp_set_state(p, TCPS_ESTABLISHED);
	p->t->st.passive_opens++;
	ecn_established(p);
	p->snd_wnd = p->max_wnd = s->wnd;
	p->snd_wl1 = s->seq;
	p->snd_wl2 = s->ack;
	pcb_timer(p, TMR_REXMT, MONO_NEVER);
	if (!TAILQ_EMPTY(&p->tx))
		tcp_arm_rexmt(p, s->now);
	tcp_arm_keep(p, s->now);
	if (p->flags & PF_FIN_QUEUED)
		tcp_set_state(p, TCPS_FIN_WAIT_1);
	pcb_ready(p);
	return true;
}

void
fastopen_reset(struct tcb *p, mono_t now)
{
	struct tcp_bind *b = p->fo.half->listener;

	release(b, now);
	b->fo.held++;
	b->fo.slots[b->fo.slot % FASTOPEN_HOLD_SLOTS]++;
}

bool
fastopen_timeout(struct tcb *p, mono_t now)
{
	struct tcp_half *h = p->fo.half;

	/* Once more than without data: there is something to lose. */
	if (h->retries > TCP_SYNACK_RETRIES) {
		pcb_dead(p, ETIMEDOUT);
		return false;
	}
	h->retries++;
	p->total_retrans++;
	p->t->st.retrans_segs++;
	half_synack(p->t, h, NULL, now);
	pcb_timer(p, TMR_REXMT, mono_add(now, half_patience(h)));
	return true;
}
