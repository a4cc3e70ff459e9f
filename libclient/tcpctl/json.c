/* SPDX-License-Identifier: ISC */
/*
 * Answers as JSON: one object on standard output, its keys as documented in
 * tcpctl(8); keys are added, never renamed or removed.
 *
 * Rows are written as they come, so a table of any length takes no memory;
 * jansson makes each of them, so quoting and numbers are its business.  Fields
 * that are copied as they are come from tables.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ipc/policy.h"
#include "names.h"
#include "output.h"

enum field_type {
	F_U8,
	F_U16,
	F_U32,
	F_U64,
	F_I64,
};

struct field {
	const char *name;
	enum field_type type;
	size_t off;
};

#define FIELD(s, t, m)                                                         \
	{                                                                      \
#m, t, offsetof(struct s, m)                                   \
	}
#define NFIELDS(a) (sizeof(a) / sizeof((a)[0]))

static const struct field conn_fields[] = {
    FIELD(ctl_conn, F_U32, recv_q), FIELD(ctl_conn, F_U32, send_q)};

static const struct field info_fields[] = {FIELD(ctl_conn, F_U32, snd_mss),
    FIELD(ctl_conn, F_U32, rcv_mss), FIELD(ctl_conn, F_U32, advmss),
    FIELD(ctl_conn, F_U32, pmtu), FIELD(ctl_conn, F_U32, cwnd_bytes),
    FIELD(ctl_conn, F_U32, ssthresh_bytes),
    FIELD(ctl_conn, F_U32, flight_bytes), FIELD(ctl_conn, F_U32, snd_wnd),
    FIELD(ctl_conn, F_U32, rcv_wnd), FIELD(ctl_conn, F_U8, snd_wscale),
    FIELD(ctl_conn, F_U8, rcv_wscale), FIELD(ctl_conn, F_U8, ca_state),
    FIELD(ctl_conn, F_U32, rto_us), FIELD(ctl_conn, F_U32, srtt_us),
    FIELD(ctl_conn, F_U32, rttvar_us), FIELD(ctl_conn, F_U32, min_rtt_us),
    FIELD(ctl_conn, F_U32, backoff), FIELD(ctl_conn, F_U32, retransmits),
    FIELD(ctl_conn, F_U32, total_retrans), FIELD(ctl_conn, F_U32, probes),
    FIELD(ctl_conn, F_U32, sacked_bytes), FIELD(ctl_conn, F_U32, lost_bytes),
    FIELD(ctl_conn, F_U32, retrans_bytes), FIELD(ctl_conn, F_U32, ooo_segs),
    FIELD(ctl_conn, F_U32, rcv_ooo_bytes), FIELD(ctl_conn, F_U32, reordering),
    FIELD(ctl_conn, F_U32, reord_seen), FIELD(ctl_conn, F_U32, dsack_dups),
    FIELD(ctl_conn, F_U32, send_unsent), FIELD(ctl_conn, F_U32, sndbuf),
    FIELD(ctl_conn, F_U32, rcvbuf), FIELD(ctl_conn, F_U64, bytes_sent),
    FIELD(ctl_conn, F_U64, bytes_acked), FIELD(ctl_conn, F_U64, bytes_received),
    FIELD(ctl_conn, F_U64, bytes_retrans), FIELD(ctl_conn, F_U64, segs_out),
    FIELD(ctl_conn, F_U64, segs_in), FIELD(ctl_conn, F_U64, data_segs_out),
    FIELD(ctl_conn, F_U64, data_segs_in), FIELD(ctl_conn, F_U64, pacing_rate),
    FIELD(ctl_conn, F_U64, delivery_rate),
    FIELD(ctl_conn, F_U64, delivered_bytes), FIELD(ctl_conn, F_I64, busy_us),
    FIELD(ctl_conn, F_I64, rwnd_limited_us),
    FIELD(ctl_conn, F_I64, sndbuf_limited_us),
    FIELD(ctl_conn, F_I64, last_data_sent_us),
    FIELD(ctl_conn, F_I64, last_data_recv_us),
    FIELD(ctl_conn, F_I64, last_ack_recv_us),
    FIELD(ctl_conn, F_U32, unacked_segs), FIELD(ctl_conn, F_U32, rcv_space),
    FIELD(ctl_conn, F_U32, rcv_rtt_us), FIELD(ctl_conn, F_U32, ato_us),
    FIELD(ctl_conn, F_U32, total_rto),
    FIELD(ctl_conn, F_U32, total_rto_recoveries),
    FIELD(ctl_conn, F_I64, total_rto_us),
    FIELD(ctl_conn, F_U64, max_pacing_rate),
    FIELD(ctl_conn, F_U64, delivered_packets), FIELD(ctl_conn, F_U8, ctl_acked),
    FIELD(ctl_conn, F_U32, received_ce), FIELD(ctl_conn, F_U32, delivered_ce),
    FIELD(ctl_conn, F_U32, received_e1_bytes),
    FIELD(ctl_conn, F_U32, received_e0_bytes),
    FIELD(ctl_conn, F_U32, received_ce_bytes),
    FIELD(ctl_conn, F_U32, delivered_e1_bytes),
    FIELD(ctl_conn, F_U32, delivered_e0_bytes),
    FIELD(ctl_conn, F_U32, delivered_ce_bytes)};

static const struct field listener_fields[] = {FIELD(ctl_listener, F_U64, id),
    FIELD(ctl_listener, F_U32, backlog),
    FIELD(ctl_listener, F_U32, accept_queue),
    FIELD(ctl_listener, F_U32, half_open), FIELD(ctl_listener, F_U64, accepted),
    FIELD(ctl_listener, F_U64, refused), FIELD(ctl_listener, F_U32, uid),
    FIELD(ctl_listener, F_U32, pid)};

static const struct field dgram_fields[] = {FIELD(ctl_dgram, F_U64, id),
    FIELD(ctl_dgram, F_U32, recv_q), FIELD(ctl_dgram, F_U32, rcvbuf),
    FIELD(ctl_dgram, F_U64, in), FIELD(ctl_dgram, F_U64, in_bytes),
    FIELD(ctl_dgram, F_U64, out), FIELD(ctl_dgram, F_U64, out_bytes),
    FIELD(ctl_dgram, F_U64, full), FIELD(ctl_dgram, F_U32, uid),
    FIELD(ctl_dgram, F_U32, pid)};

static const struct field client_fields[] = {FIELD(ctl_client, F_U32, uid),
    FIELD(ctl_client, F_U32, processes), FIELD(ctl_client, F_U32, conns),
    FIELD(ctl_client, F_U32, conns_max), FIELD(ctl_client, F_U32, listeners),
    FIELD(ctl_client, F_U32, listeners_max),
    FIELD(ctl_client, F_U32, half_open),
    FIELD(ctl_client, F_U32, half_open_max),
    FIELD(ctl_client, F_U32, descriptors),
    FIELD(ctl_client, F_U64, buffer_bytes),
    FIELD(ctl_client, F_U64, buffer_bytes_max),
    FIELD(ctl_client, F_U64, conns_refused),
    FIELD(ctl_client, F_U64, listeners_refused),
    FIELD(ctl_client, F_U64, half_open_refused),
    FIELD(ctl_client, F_U64, buffer_clamped),
    FIELD(ctl_client, F_U64, requests)};

static bool first;    /* of the array or object being written */
static json_t *stats; /* counters are gathered by their groups */
static bool flat;     /* one group only: no level for it */

static void
add_fields(json_t *o, const struct field *f, size_t n, const void *row)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)row + f[i].off;
		int64_t v = 0;
		uint16_t v16;
		uint32_t v32;
		uint64_t v64;

		switch (f[i].type) {
		case F_U8:
			v = *p;
			break;
		case F_U16:
			memcpy(&v16, p, sizeof v16);
			v = v16;
			break;
		case F_U32:
			memcpy(&v32, p, sizeof v32);
			v = v32;
			break;
		case F_U64:
			memcpy(&v64, p, sizeof v64);
			v = v64 <= INT64_MAX ? (int64_t)v64 : INT64_MAX;
			break;
		case F_I64:
			memcpy(&v, p, sizeof v);
			break;
		}
		json_object_set_new(o, f[i].name, json_integer(v));
	}
}

static void
set_text(json_t *o, const char *key, const char *text)
{
	json_t *s = json_string(text);

	json_object_set_new(o, key, s != NULL ? s : json_null());
}

/* A field of size bytes that may lack its end. */
static void
set_field(json_t *o, const char *key, const char *text, size_t size)
{
	json_t *s = json_stringn(text, strnlen(text, size));

	json_object_set_new(o, key, s != NULL ? s : json_null());
}

static void
set_endpoint(json_t *o, const char *addr_key, const uint8_t addr[16],
    const char *port_key, uint16_t port)
{
	char buf[ADDRTEXT_MAX];

	set_text(o, addr_key, addr_text(addr, buf));
	json_object_set_new(o, port_key, json_integer(port));
}

static void
emit(json_t *o)
{
	printf("%s\n", first ? "" : ",");
	first = false;
	json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(o);
}

/* ---- around the rows ---- */

static bool opened;

static bool
is_order(const struct request *r)
{
	return r->q.what == CTL_CLOSE || r->q.what == CTL_LOG;
}

static void
open_all(const struct request *r)
{
	/* Of an order that fails nothing is written. */
	if (!is_order(r))
		putchar('{');
	opened = false;
}

static void
close_all(const struct request *r)
{
	if (is_order(r))
		printf("{\"ok\":true");
	printf("}\n");
}

static void
begin(const struct request *r, uint16_t what)
{
	static const char *const keys[CTL_NWHAT] = {
	    [CTL_CONNECTIONS] = "connections",
	    [CTL_LISTENERS] = "listeners",
	    [CTL_DATAGRAMS] = "datagrams",
	    [CTL_CLIENTS] = "clients",
	    [CTL_NEIGHBOURS] = "neighbours",
	    [CTL_ADDRS] = "addresses",
	    [CTL_ROUTES] = "routes",
	    [CTL_POLICY] = "policy",
	};

	if (what == CTL_STATS || what == CTL_DROPS)
		stats = json_object();
	flat = what == CTL_DROPS;
	if (keys[what] == NULL)
		return;
	printf("%s\"%s\":[", opened ? ",\n" : "", keys[what]);
	opened = first = true;
}

static void
end(const struct request *r, uint16_t what)
{
	if (what == CTL_STATS || what == CTL_DROPS) {
		printf("\"%s\":", what == CTL_STATS ? "stats" : "drops");
		json_dumpf(stats, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		json_decref(stats);
		opened = true;
	} else if (what != CTL_WHY && what != CTL_CLOSE && what != CTL_LOG) {
		printf("%s]", first ? "" : "\n");
	}
}

/* ---- rows ---- */

static void
conn(const struct request *r, const struct ctl_conn *c)
{
	json_t *o, *t, *i;

	if (!ss_wants(r, c->flags & CTL_CONN_INET6))
		return;
	o = json_object();
	json_object_set_new(o, "id", json_integer((json_int_t)c->id));
	set_text(o, "state", state_text(c->state));
	set_endpoint(o, "local_address", c->laddr, "local_port", c->lport);
	set_endpoint(o, "peer_address", c->raddr, "peer_port", c->rport);
	set_text(o, "family", c->flags & CTL_CONN_INET6 ? "inet6" : "inet");
	add_fields(o, conn_fields, NFIELDS(conn_fields), c);
	json_object_set_new(o, "uid",
	    c->uid == UINT32_MAX ? json_null() : json_integer(c->uid));
	json_object_set_new(
	    o, "pid", c->pid == 0 ? json_null() : json_integer(c->pid));
	json_object_set_new(
	    o, "accepted", json_boolean(c->flags & CTL_CONN_ACCEPTED));
	json_object_set_new(
	    o, "orphan", json_boolean(c->flags & CTL_CONN_ORPHAN));
	if (c->timer[0] != '\0' && c->timer_us >= 0) {
		t = json_object();
		set_field(t, "name", c->timer, sizeof c->timer);
		json_object_set_new(t, "in_us", json_integer(c->timer_us));
		json_object_set_new(o, "timer", t);
	}
	if (c->flags & CTL_CONN_INFO) {
		i = json_object();
		set_field(i, "congestion", c->congestion, sizeof c->congestion);
		json_object_set_new(i, "timestamps",
		    json_boolean(c->flags & CTL_CONN_TIMESTAMPS));
		json_object_set_new(
		    i, "sack", json_boolean(c->flags & CTL_CONN_SACK));
		json_object_set_new(
		    i, "wscale", json_boolean(c->flags & CTL_CONN_WSCALE));
		json_object_set_new(
		    i, "syn_data", json_boolean(c->flags & CTL_CONN_SYN_DATA));
		json_object_set_new(
		    i, "md5", json_boolean(c->flags & CTL_CONN_MD5));
		json_object_set_new(
		    i, "ring", json_boolean(c->flags & CTL_CONN_RING));
		json_object_set_new(i, "ao",
		    c->flags & CTL_CONN_AO
			? json_pack("{s:i, s:i}", "current", c->ao_current,
			      "rnext", c->ao_rnext)
			: json_null());
		json_object_set_new(i, "ecn",
		    json_string(c->ecn_mode == 1   ? "classic"
				: c->ecn_mode == 2 ? "accurate"
						   : "none"));
		json_object_set_new(i, "ecn_seen", json_boolean(c->ecn_seen));
		json_object_set_new(i, "ecn_off", json_boolean(c->ecn_off));
		json_object_set_new(i, "delivery_app_limited",
		    json_boolean(c->delivery_app_limited));
		add_fields(i, info_fields, NFIELDS(info_fields), c);
		json_object_set_new(o, "info", i);
	}
	emit(o);
}

static void
listener(const struct request *r, const struct ctl_listener *l)
{
	json_t *o;

	if ((r->is_ss && !l->listening) ||
	    !ss_wants(r, l->flags & CTL_LISTENER_INET6))
		return;
	o = json_object();
	set_endpoint(o, "local_address", l->laddr, "local_port", l->lport);
	set_text(o, "family", l->flags & CTL_LISTENER_INET6 ? "inet6" : "inet");
	json_object_set_new(
	    o, "v6only", json_boolean(l->flags & CTL_LISTENER_V6ONLY));
	json_object_set_new(o, "listening", json_boolean(l->listening));
	add_fields(o, listener_fields, NFIELDS(listener_fields), l);
	emit(o);
}

static void
dgram(const struct request *r, const struct ctl_dgram *d)
{
	bool connected = d->flags & CTL_DGRAM_CONNECTED;
	json_t *o;

	if (!ss_wants(r, d->flags & CTL_DGRAM_INET6) ||
	    !ss_wants_dgram(r, connected))
		return;
	o = json_object();
	set_endpoint(o, "local_address", d->laddr, "local_port", d->lport);
	if (connected) {
		set_endpoint(
		    o, "peer_address", d->raddr, "peer_port", d->rport);
	} else {
		json_object_set_new(o, "peer_address", json_null());
		json_object_set_new(o, "peer_port", json_null());
	}
	set_text(o, "family", d->flags & CTL_DGRAM_INET6 ? "inet6" : "inet");
	json_object_set_new(
	    o, "v6only", json_boolean(d->flags & CTL_DGRAM_V6ONLY));
	add_fields(o, dgram_fields, NFIELDS(dgram_fields), d);
	emit(o);
}

static void
client(const struct ctl_client *c)
{
	json_t *o = json_object();

	set_text(o, "user", user_text(c->uid));
	add_fields(o, client_fields, NFIELDS(client_fields), c);
	emit(o);
}

static void
counter(const struct request *r, const struct ctl_counter *c)
{
	json_t *group;
	char g[sizeof c->group + 1], n[sizeof c->name + 1];

	snprintf(g, sizeof g, "%.*s", (int)sizeof c->group, c->group);
	snprintf(n, sizeof n, "%.*s", (int)sizeof c->name, c->name);
	if (flat) {
		json_object_set_new(
		    stats, n, json_integer((json_int_t)c->value));
		return;
	}
	if ((group = json_object_get(stats, g)) == NULL) {
		json_object_set_new(stats, g, json_object());
		group = json_object_get(stats, g);
	}
	json_object_set_new(group, n, json_integer((json_int_t)c->value));
}

static void
neigh(const struct ctl_neigh *n)
{
	json_t *o = json_object();
	char buf[ADDRTEXT_MAX];

	set_text(o, "address", addr_text(n->addr, buf));
	snprintf(buf, sizeof buf, "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0],
	    n->mac[1], n->mac[2], n->mac[3], n->mac[4], n->mac[5]);
	set_text(o, "mac", buf);
	set_field(o, "state", n->state, sizeof n->state);
	json_object_set_new(o, "age_us", json_integer(n->age_us));
	emit(o);
}

static void
set_time(json_t *o, const char *key, int64_t us)
{
	json_object_set_new(o, key, us >= 0 ? json_integer(us) : json_null());
}

static void
addr(const struct ctl_addr *a)
{
	json_t *o = json_object();
	char buf[ADDRTEXT_MAX];

	set_text(o, "address", prefix_text(a->addr, a->plen, buf));
	set_field(o, "state", a->state, sizeof a->state);
	set_field(o, "origin", a->origin, sizeof a->origin);
	json_object_set_new(o, "usable", json_boolean(a->usable));
	set_time(o, "preferred_us", a->preferred_us);
	set_time(o, "valid_us", a->valid_us);
	emit(o);
}

static void
route(const struct ctl_route *t)
{
	static const uint8_t none[16];
	json_t *o = json_object();
	char buf[ADDRTEXT_MAX];

	set_text(o, "destination", prefix_text(t->dst, t->plen, buf));
	if (memcmp(t->gateway, none, sizeof none) != 0)
		set_text(o, "gateway", addr_text(t->gateway, buf));
	else
		json_object_set_new(o, "gateway", json_null());
	set_field(o, "origin", t->origin, sizeof t->origin);
	json_object_set_new(
	    o, "line", t->line != 0 ? json_integer(t->line) : json_null());
	emit(o);
}

static json_t *
rule_object(const struct ctl_rule *p)
{
	json_t *o = json_object();
	char buf[ADDRTEXT_MAX];

	set_text(o, "for", p->bind ? "bind" : "connect");
	set_text(o, "stack", policy_action_text(p->action));
	set_text(o, "because", why_word(p->why));
	set_text(o, "text", policy_why_text(p->why));
	json_object_set_new(
	    o, "line", p->line != 0 ? json_integer(p->line) : json_null());
	if (p->index == UINT32_MAX)
		return o;
	json_object_set_new(o, "index", json_integer(p->index));
	set_text(o, "prefix", prefix_text(p->addr, p->plen, buf));
	json_object_set_new(o, "port_first", json_integer(p->port_first));
	json_object_set_new(o, "port_last", json_integer(p->port_last));
	return o;
}

static void
rule(const struct ctl_rule *p)
{
	emit(rule_object(p));
}

static void
why(const struct request *r, const struct ctl_rule *p)
{
	json_t *o = rule_object(p);

	set_endpoint(o, "address", r->q.addr, "port", r->q.port);
	printf("\"why\":");
	json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(o);
	opened = true;
}

const struct output output_json = {
    .begin = begin,
    .end = end,
    .open = open_all,
    .close = close_all,
    .conn = conn,
    .listener = listener,
    .dgram = dgram,
    .client = client,
    .counter = counter,
    .neigh = neigh,
    .addr = addr,
    .route = route,
    .rule = rule,
    .why = why,
};
