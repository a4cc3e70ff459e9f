/* SPDX-License-Identifier: ISC */
/*
 * Answers as text, for people: columns, times in milliseconds, bytes as they
 * are.  `ss` looks as ss(8) does; scripts should use -j.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ipc/policy.h"
#include "names.h"
#include "output.h"
#include "tcpd/proto.h"

static void
nothing(const struct request *r)
{
}

/* With sockets of two kinds ss(8) says which each is. */
static bool
ss_names_kind(const struct request *r)
{
	return r->ss.tcp && r->ss.udp;
}

static void
begin(const struct request *r, uint16_t what)
{
	static bool titled;

	if (r->is_ss) {
		if (!titled && !r->ss.no_header) {
			if (ss_names_kind(r))
				printf("%-6s", "Netid");
			printf("%-11s%-8s%-8s%22s %22s  %s\n", "State",
			    "Recv-Q", "Send-Q", "Local Address:Port",
			    "Peer Address:Port",
			    r->ss.processes ? "Process" : "");
		}
		titled = true;
		return;
	}
	switch (what) {
	case CTL_CONNECTIONS:
		printf("%-8s %-11s %10s %10s %-22s %-22s %s\n", "ID", "STATE",
		    "RECV-Q", "SEND-Q", "LOCAL", "PEER", "USER");
		break;
	case CTL_LISTENERS:
		printf("%-8s %-11s %8s %8s %8s %10s %10s %-22s %s\n", "ID",
		    "STATE", "BACKLOG", "WAITING", "HALFOPEN", "ACCEPTED",
		    "REFUSED", "LOCAL", "USER");
		break;
	case CTL_CLIENTS:
		printf("%-12s %-17s %-15s %-15s %-22s %s\n", "USER",
		    "CONNECTIONS/MAX", "LISTENERS/MAX", "HALF-OPEN/MAX",
		    "BUFFER-BYTES/MAX", "REFUSED c/l/h, HELD BACK");
		break;
	case CTL_NEIGHBOURS:
		printf(
		    "%-30s %-18s %-11s %s\n", "ADDRESS", "MAC", "STATE", "AGE");
		break;
	case CTL_ADDRS:
		printf("%-30s %-12s %-11s %s\n", "ADDRESS", "STATE", "FROM",
		    "VALID");
		break;
	case CTL_ROUTES:
		printf("%-30s %-30s %s\n", "DESTINATION", "GATEWAY", "FROM");
		break;
	case CTL_DATAGRAMS:
		printf("%-8s %8s %8s %10s %10s %10s %-22s %-22s %s\n", "ID",
		    "RECV-Q", "RCVBUF", "IN", "OUT", "FULL", "LOCAL", "PEER",
		    "USER");
		break;
	case CTL_POLICY:
		printf("%-8s %-4s %-30s %-12s %-7s %s\n", "FOR", "#", "PREFIX",
		    "PORTS", "STACK", "BECAUSE");
		break;
	default:
		break;
	}
}

static void
end(const struct request *r, uint16_t what)
{
}

/* ---- ss ---- */

static double
ms(int64_t us)
{
	return (double)us / 1000;
}

static void
ss_head(const struct request *r, const char *kind, const char *state,
    uint32_t recv_q, uint32_t send_q, const char *local, const char *peer)
{
	if (ss_names_kind(r))
		printf("%-6s", kind);
	printf("%-11s%-8" PRIu32 "%-8" PRIu32 "%22s %22s ", state, recv_q,
	    send_q, local, peer);
}

static void
ss_process(const struct request *r, uint32_t uid, uint32_t pid)
{
	char buf[64];

	if (r->ss.processes && uid != UINT32_MAX && pid != 0)
		printf(" users:((\"%s\",pid=%" PRIu32 "))",
		    process_text(pid, uid, buf, sizeof buf), pid);
	if (r->ss.extended && uid != UINT32_MAX)
		printf(" uid:%" PRIu32, uid);
}

static void
ss_timer(const struct ctl_conn *c)
{
	if (c->timer[0] == '\0' || c->timer_us < 0)
		return;
	printf(" timer:(%.*s,%.0fms,%" PRIu32 ")", (int)sizeof c->timer,
	    c->timer, ms(c->timer_us), c->retransmits);
}

/* As ss(8) does: what is 0 is not shown. */
static void
nonzero(const char *name, uint64_t v)
{
	if (v > 0)
		printf(" %s:%" PRIu64, name, v);
}

static void
nonzero_ms(const char *name, int64_t us)
{
	if (us > 0)
		printf(" %s:%g", name, ms(us));
}

/* Milliseconds, and what part of the time that something was to be sent. */
static void
limited(const char *name, int64_t us, int64_t busy_us)
{
	if (us > 0 && busy_us > 0)
		printf(" %s:%.0fms(%.1f%%)", name, ms(us),
		    100.0 * (double)us / (double)busy_us);
}

static void
ss_info_rates(const struct ctl_conn *c)
{
	if (c->srtt_us > 0)
		printf(" send %.0fbps",
		    (double)c->cwnd_bytes * 8e6 / (double)c->srtt_us);
	printf(" lastsnd:%.0f lastrcv:%.0f lastack:%.0f",
	    ms(c->last_data_sent_us), ms(c->last_data_recv_us),
	    ms(c->last_ack_recv_us));
	if (c->pacing_rate > 0)
		printf(" pacing_rate %.0fbps", (double)c->pacing_rate * 8);
	if (c->pacing_rate > 0 && c->max_pacing_rate > 0)
		printf("/%.0fbps", (double)c->max_pacing_rate * 8);
	if (c->delivery_rate > 0)
		printf(" delivery_rate %.0fbps", (double)c->delivery_rate * 8);
	nonzero("delivered", c->delivered_packets);
	nonzero("delivered_ce", c->delivered_ce);
	if (c->delivery_app_limited)
		printf(" app_limited");
	if (c->busy_us > 0)
		printf(" busy:%.0fms", ms(c->busy_us));
	limited("rwnd_limited", c->rwnd_limited_us, c->busy_us);
	limited("sndbuf_limited", c->sndbuf_limited_us, c->busy_us);
}

/* Linux counts packets where the stack counts bytes, as for TCP_INFO. */
static void
ss_info_losses(const struct ctl_conn *c)
{
	uint32_t mss = c->snd_mss > 0 ? c->snd_mss : 536;

	nonzero("unacked", c->unacked_segs);
	if (c->retrans_bytes > 0 || c->total_retrans > 0)
		printf(" retrans:%" PRIu32 "/%" PRIu32,
		    (c->retrans_bytes + mss - 1) / mss, c->total_retrans);
	nonzero("lost", c->lost_bytes / mss);
	nonzero("sacked", c->sacked_bytes / mss);
	nonzero("dsack_dups", c->dsack_dups);
	if (c->reordering != 3) /* Linux's default */
		nonzero("reordering", c->reordering);
	nonzero("reord_seen", c->reord_seen);
	nonzero("total_rto", c->total_rto);
	nonzero("total_rto_recoveries", c->total_rto_recoveries);
	nonzero_ms("total_rto_time", c->total_rto_us);
}

static void
ss_info_receiver(const struct ctl_conn *c)
{
	nonzero_ms("rcv_rtt", c->rcv_rtt_us);
	nonzero("rcv_space", c->rcv_space);
	nonzero("notsent", c->send_unsent);
	nonzero_ms("minrtt", c->min_rtt_us);
	nonzero("rcv_ooopack", c->ooo_segs);
	nonzero("snd_wnd", c->snd_wnd);
	nonzero("rcv_wnd", c->rcv_wnd);
}

static void
ss_info_ecn(const struct ctl_conn *c)
{
	nonzero("received_ce", c->received_ce);
	if (c->ecn_mode != 2)
		return;
	printf(" received_bytes:%" PRIu32 "/%" PRIu32 "/%" PRIu32
	       " delivered_bytes:%" PRIu32 "/%" PRIu32 "/%" PRIu32,
	    c->received_e0_bytes, c->received_e1_bytes, c->received_ce_bytes,
	    c->delivered_e0_bytes, c->delivered_e1_bytes,
	    c->delivered_ce_bytes);
}

/* What came and went, in all. */
static void
ss_info_counts(const struct ctl_conn *c)
{
	nonzero("bytes_sent", c->bytes_sent);
	nonzero("bytes_retrans", c->bytes_retrans);
	nonzero("bytes_acked", c->bytes_acked + c->ctl_acked);
	nonzero("bytes_received", c->bytes_received);
	nonzero("segs_out", c->segs_out);
	nonzero("segs_in", c->segs_in);
	nonzero("data_segs_out", c->data_segs_out);
	nonzero("data_segs_in", c->data_segs_in);
}

static void
ss_info(const struct ctl_conn *c)
{
	static const char *const ecn[] = {"", " ecn", " accecn"};

	if ((c->flags & CTL_CONN_INFO) == 0)
		return;
	printf("\n\t");
	if (c->flags & CTL_CONN_AO)
		printf(" ao:%u,%u", c->ao_current, c->ao_rnext);
	if (c->flags & CTL_CONN_RING)
		printf(" ring");
	printf("%s%s%s%s%s%s%s %.*s", c->flags & CTL_CONN_MD5 ? " md5" : "",
	    c->flags & CTL_CONN_TIMESTAMPS ? " ts" : "",
	    c->flags & CTL_CONN_SACK ? " sack" : "",
	    c->ecn_mode < 3 ? ecn[c->ecn_mode] : "",
	    c->ecn_seen ? " ecnseen" : "", c->ecn_off ? " ecnoff" : "",
	    c->flags & CTL_CONN_SYN_DATA ? " fastopen" : "",
	    (int)sizeof c->congestion, c->congestion);
	if (c->flags & CTL_CONN_WSCALE)
		printf(" wscale:%u,%u", c->snd_wscale, c->rcv_wscale);
	printf(" rto:%g", ms(c->rto_us));
	nonzero("backoff", c->backoff);
	if (c->srtt_us > 0)
		printf(" rtt:%g/%g", ms(c->srtt_us), ms(c->rttvar_us));
	nonzero_ms("ato", c->ato_us);
	printf(" mss:%" PRIu32 " pmtu:%" PRIu32 " rcvmss:%" PRIu32
	       " advmss:%" PRIu32,
	    c->snd_mss, c->pmtu, c->rcv_mss, c->advmss);
	if (c->snd_mss > 0)
		printf(" cwnd:%" PRIu32, c->cwnd_bytes / c->snd_mss);
	if (c->snd_mss > 0 && c->ssthresh_bytes < UINT32_MAX / 2)
		printf(" ssthresh:%" PRIu32, c->ssthresh_bytes / c->snd_mss);
	ss_info_counts(c);
	ss_info_rates(c);
	ss_info_losses(c);
	ss_info_receiver(c);
	ss_info_ecn(c);
}

/* A socket of AF_INET6 that speaks IPv4 shows it. */
static const char *
ss_endpoint(
    const uint8_t addr[16], uint16_t port, bool inet6, char buf[ADDRTEXT_MAX])
{
	char text[ADDRTEXT_MAX];
	struct ipaddr a;

	memcpy(a.b, addr, sizeof a.b);
	if (!inet6 || !ipaddr_is_v4(&a))
		return endpoint_text(addr, port, buf);
	snprintf(buf, ADDRTEXT_MAX, "[::ffff:%.15s]:%u", addr_text(addr, text),
	    port);
	return buf;
}

static void
ss_conn(const struct request *r, const struct ctl_conn *c)
{
	char local[ADDRTEXT_MAX], peer[ADDRTEXT_MAX];
	bool inet6 = c->flags & CTL_CONN_INET6;

	ss_head(r, "tcp", state_text(c->state), c->recv_q, c->send_q,
	    ss_endpoint(c->laddr, c->lport, inet6, local),
	    ss_endpoint(c->raddr, c->rport, inet6, peer));
	ss_process(r, c->uid, c->pid);
	if (r->ss.timers || r->ss.extended)
		ss_timer(c);
	if (r->ss.extended && c->id != 0)
		printf(" id:%" PRIu64, c->id);
	if (r->ss.info)
		ss_info(c);
	putchar('\n');
}

static void
ss_listener(const struct request *r, const struct ctl_listener *l)
{
	char local[ADDRTEXT_MAX], peer[ADDRTEXT_MAX];
	static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff}, any6[16];
	bool inet6 = l->flags & CTL_LISTENER_INET6;

	if (!l->listening)
		return;
	ss_endpoint(l->laddr, l->lport, inet6, local);
	endpoint_text(inet6 ? any6 : any4, 0, peer);
	if (inet6 && (l->flags & CTL_LISTENER_V6ONLY) == 0 &&
	    memcmp(l->laddr, any6, sizeof any6) == 0) {
		snprintf(local, sizeof local, "*:%u", l->lport);
		strcpy(peer, "*:*"); /* of both families */
	}
	ss_head(r, "tcp", state_text(STATE_LISTEN), l->accept_queue, l->backlog,
	    local, peer);
	ss_process(r, l->uid, l->pid);
	if (r->ss.extended)
		printf(" id:%" PRIu64, l->id);
	putchar('\n');
}

static void
ss_dgram(const struct request *r, const struct ctl_dgram *d)
{
	char local[ADDRTEXT_MAX], peer[ADDRTEXT_MAX] = "*:*";
	static const uint8_t any6[16];
	bool inet6 = d->flags & CTL_DGRAM_INET6;
	bool connected = d->flags & CTL_DGRAM_CONNECTED;

	if (!ss_wants_dgram(r, connected))
		return;
	ss_endpoint(d->laddr, d->lport, inet6, local);
	if (connected)
		ss_endpoint(d->raddr, d->rport, inet6, peer);
	else if (inet6 && (d->flags & CTL_DGRAM_V6ONLY) == 0 &&
		 memcmp(d->laddr, any6, sizeof any6) == 0)
		snprintf(local, sizeof local, "*:%u", d->lport);
	ss_head(r, "udp", connected ? "ESTAB" : "UNCONN", d->recv_q, 0, local,
	    peer);
	ss_process(r, d->uid, d->pid);
	if (r->ss.extended)
		printf(" id:%" PRIu64, d->id);
	if (r->ss.info) {
		nonzero("in", d->in);
		nonzero("in_bytes", d->in_bytes);
		nonzero("out", d->out);
		nonzero("out_bytes", d->out_bytes);
		nonzero("full", d->full);
	}
	putchar('\n');
}

/* ---- show ---- */

static void
conn(const struct request *r, const struct ctl_conn *c)
{
	char local[ADDRTEXT_MAX], peer[ADDRTEXT_MAX], id[24] = "-";

	if (!ss_wants(r, c->flags & CTL_CONN_INET6))
		return;
	if (r->is_ss) {
		ss_conn(r, c);
		return;
	}
	if (c->id != 0)
		snprintf(id, sizeof id, "%" PRIu64, c->id);
	printf("%-8s %-11s %10" PRIu32 " %10" PRIu32 " %-22s %-22s %s%s\n", id,
	    state_text(c->state), c->recv_q, c->send_q,
	    endpoint_text(c->laddr, c->lport, local),
	    endpoint_text(c->raddr, c->rport, peer), user_text(c->uid),
	    c->flags & CTL_CONN_ORPHAN ? " (closed)" : "");
}

static void
listener(const struct request *r, const struct ctl_listener *l)
{
	char local[ADDRTEXT_MAX];

	if (!ss_wants(r, l->flags & CTL_LISTENER_INET6))
		return;
	if (r->is_ss) {
		ss_listener(r, l);
		return;
	}
	printf("%-8" PRIu64 " %-11s %8" PRIu32 " %8" PRIu32 " %8" PRIu32
	       " %10" PRIu64 " %10" PRIu64 " %-22s %s\n",
	    l->id, l->listening ? "LISTEN" : "BOUND", l->backlog,
	    l->accept_queue, l->half_open, l->accepted, l->refused,
	    endpoint_text(l->laddr, l->lport, local), user_text(l->uid));
}

static void
dgram(const struct request *r, const struct ctl_dgram *d)
{
	char local[ADDRTEXT_MAX], peer[ADDRTEXT_MAX] = "-";

	if (!ss_wants(r, d->flags & CTL_DGRAM_INET6))
		return;
	if (r->is_ss) {
		ss_dgram(r, d);
		return;
	}
	if (d->flags & CTL_DGRAM_CONNECTED)
		endpoint_text(d->raddr, d->rport, peer);
	printf("%-8" PRIu64 " %8" PRIu32 " %8" PRIu32 " %10" PRIu64
	       " %10" PRIu64 " %10" PRIu64 " %-22s %-22s %s\n",
	    d->id, d->recv_q, d->rcvbuf, d->in, d->out, d->full,
	    endpoint_text(d->laddr, d->lport, local), peer, user_text(d->uid));
}

static void
client(const struct ctl_client *c)
{
	char conns[32], listeners[32], half[32], bytes[48];

	snprintf(conns, sizeof conns, "%" PRIu32 "/%" PRIu32, c->conns,
	    c->conns_max);
	snprintf(listeners, sizeof listeners, "%" PRIu32 "/%" PRIu32,
	    c->listeners, c->listeners_max);
	snprintf(half, sizeof half, "%" PRIu32 "/%" PRIu32, c->half_open,
	    c->half_open_max);
	snprintf(bytes, sizeof bytes, "%" PRIu64 "/%" PRIu64, c->buffer_bytes,
	    c->buffer_bytes_max);
	printf("%-12s %-17s %-15s %-15s %-22s %" PRIu64 "/%" PRIu64 "/%" PRIu64
	       ", %" PRIu64 "\n",
	    user_text(c->uid), conns, listeners, half, bytes, c->conns_refused,
	    c->listeners_refused, c->half_open_refused, c->buffer_clamped);
}

static void
counter(const struct request *r, const struct ctl_counter *c)
{
	char name[64];

	if (r->q.what == CTL_DROPS && c->value == 0 && !r->all)
		return;

	if (strncmp(c->group, "drop", sizeof c->group) == 0)
		snprintf(
		    name, sizeof name, "%.*s", (int)sizeof c->name, c->name);
	else
		snprintf(name, sizeof name, "%.*s.%.*s", (int)sizeof c->group,
		    c->group, (int)sizeof c->name, c->name);
	printf("%14" PRIu64 "  %-28s %.*s\n", c->value, name,
	    (int)sizeof c->text, c->text);
}

static void
neigh(const struct ctl_neigh *n)
{
	char addr[ADDRTEXT_MAX];

	printf("%-30s %02x:%02x:%02x:%02x:%02x:%02x  %-11.*s %.1f s\n",
	    addr_text(n->addr, addr), n->mac[0], n->mac[1], n->mac[2],
	    n->mac[3], n->mac[4], n->mac[5], (int)sizeof n->state, n->state,
	    (double)n->age_us / 1e6);
}

static void
addr(const struct ctl_addr *a)
{
	char net[ADDRTEXT_MAX], valid[32] = "for ever";

	if (a->valid_us >= 0)
		snprintf(
		    valid, sizeof valid, "%.0f s", (double)a->valid_us / 1e6);
	printf("%-30s %-12.*s %-11.*s %s\n", prefix_text(a->addr, a->plen, net),
	    (int)sizeof a->state, a->state, (int)sizeof a->origin, a->origin,
	    valid);
}

static void
route(const struct ctl_route *t)
{
	static const uint8_t none[16];
	char dst[ADDRTEXT_MAX], via[ADDRTEXT_MAX] = "on link", from[32];

	snprintf(from, sizeof from, "%.*s", (int)sizeof t->origin, t->origin);
	if (memcmp(t->gateway, none, sizeof none) != 0)
		addr_text(t->gateway, via);
	if (t->line != 0)
		snprintf(from, sizeof from, "line %" PRIu32, t->line);
	printf(
	    "%-30s %-30s %s\n", prefix_text(t->dst, t->plen, dst), via, from);
}

/* "tcpd has a route to it (line 12 of tcpd.conf)" */
static void
print_reason(const struct ctl_rule *p)
{
	printf("%s", policy_why_text(p->why));
	if (p->line != 0)
		printf(" (line %" PRIu32 "%s)", p->line,
		    p->why == PROTO_WHY_CONF ? "" : " of tcpd.conf");
}

static void
rule(const struct ctl_rule *p)
{
	char prefix[ADDRTEXT_MAX], ports[24] = "any";

	if (p->port_first == p->port_last)
		snprintf(ports, sizeof ports, "%u", p->port_first);
	else if (p->port_first > 0 || p->port_last < 65535)
		snprintf(
		    ports, sizeof ports, "%u-%u", p->port_first, p->port_last);
	printf("%-8s %-4" PRIu32 " %-30s %-12s %-7s ",
	    p->bind ? "bind" : "connect", p->index,
	    prefix_text(p->addr, p->plen, prefix), ports,
	    policy_action_text(p->action));
	print_reason(p);
	putchar('\n');
}

static void
why(const struct request *r, const struct ctl_rule *p)
{
	char where[ADDRTEXT_MAX], prefix[ADDRTEXT_MAX];

	printf("%s %s: %s, because ", r->q.bind ? "bind" : "connect",
	    r->q.port != 0 ? endpoint_text(r->q.addr, r->q.port, where)
			   : addr_text(r->q.addr, where),
	    policy_action_text(p->action));
	print_reason(p);
	if (p->index != UINT32_MAX)
		printf("; rule %" PRIu32 ", %s", p->index,
		    prefix_text(p->addr, p->plen, prefix));
	putchar('\n');
}

const struct output output_text = {
    .begin = begin,
    .end = end,
    .open = nothing,
    .close = nothing,
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
