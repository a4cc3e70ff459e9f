/* SPDX-License-Identifier: ISC */
/*
 * The daemon's half of the socket options: what they mean to the TCP layer,
 * and what getsockopt() shows of a live connection.
 *
 * SO_SNDBUF and SO_RCVBUF are shown doubled as Linux does, for overhead that
 * it counts and we do not; the layer gets the number that the program gave.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include "ipc/sockopt.h"
#include "tcp/tcp.h"

static const char *
layer_name(const struct sockopts *o)
{
	if (!sockopt_isset(o, OPT_TCP_CONGESTION))
		return NULL;
	return sockopt_congestion(o->val[OPT_TCP_CONGESTION]);
}

/* What the headers of either family carry.  DEVIATION: a hop limit of 0, which
 * no packet may leave a host with (RFC 8200 3), is sent as 1. */
static void
header_opts(const struct sockopts *o, bool ipv6, struct tcp_opts *out)
{
	out->tos4 = (uint8_t)sockopt_val(o, OPT_IP_TOS, 0);
	out->ttl4 = (uint8_t)sockopt_val(o, OPT_IP_TTL, 0);
	if (!ipv6) {
		out->tos = out->tos4;
		out->ttl = out->ttl4;
		return;
	}
	out->tos = (uint8_t)sockopt_val(o, OPT_IPV6_TCLASS, 0);
	if (sockopt_isset(o, OPT_IPV6_UNICAST_HOPS))
		out->ttl = (uint8_t)sockopt_val(o, OPT_IPV6_UNICAST_HOPS, 0);
	if (sockopt_isset(o, OPT_IPV6_UNICAST_HOPS) && out->ttl == 0)
		out->ttl = 1;
}

void
sockopt_to_tcp(const struct sockopts *o, bool ipv6, struct tcp_opts *out)
{
	uint64_t us;
	int32_t v;

	memset(out, 0, sizeof *out);
	out->congestion = layer_name(o);
	if (sockopt_isset(o, OPT_SO_MAX_PACING_RATE) &&
	    o->pacing_rate != UINT64_MAX)
		out->max_pacing_rate = o->pacing_rate;
	out->sndbuf = (uint32_t)sockopt_val(o, OPT_SO_SNDBUF, 0) / 2;
	out->rcvbuf = (uint32_t)sockopt_val(o, OPT_SO_RCVBUF, 0) / 2;
	us = (uint64_t)sockopt_val(o, OPT_TCP_USER_TIMEOUT, 0) * 1000;
	out->user_timeout_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	out->keepidle_s = (uint32_t)sockopt_val(o, OPT_TCP_KEEPIDLE, 0);
	out->keepintvl_s = (uint32_t)sockopt_val(o, OPT_TCP_KEEPINTVL, 0);
	out->keepcnt = (uint32_t)sockopt_val(o, OPT_TCP_KEEPCNT, 0);
	/* DEVIATION: -1 (no FIN-WAIT-2 at all) waits for one second. */
	v = sockopt_val(o, OPT_TCP_LINGER2, 0);
	out->linger2_s = v < 0 ? 1 : (uint32_t)v;
	out->defer_accept =
	    sockopt_timeouts(sockopt_val(o, OPT_TCP_DEFER_ACCEPT, 0));
	out->window_clamp = (uint32_t)sockopt_val(o, OPT_TCP_WINDOW_CLAMP, 0);
	out->notsent_lowat = (uint32_t)sockopt_val(o, OPT_TCP_NOTSENT_LOWAT, 0);
	out->max_seg = (uint16_t)sockopt_val(o, OPT_TCP_MAXSEG, 0);
	out->syn_retries = (uint8_t)sockopt_val(o, OPT_TCP_SYNCNT, 0);
	header_opts(o, ipv6, out);
	out->nodelay = sockopt_val(o, OPT_TCP_NODELAY, 0);
	out->keepalive = sockopt_val(o, OPT_SO_KEEPALIVE, 0);
	out->cork = sockopt_val(o, OPT_TCP_CORK, 0);
	if (sockopt_isset(o, OPT_TCP_QUICKACK))
		out->quickack =
		    o->val[OPT_TCP_QUICKACK] ? TCP_QUICK_ON : TCP_QUICK_OFF;
	out->fastopen = (uint32_t)sockopt_val(o, OPT_TCP_FASTOPEN, 0);
	out->fastopen_bare = sockopt_val(o, OPT_TCP_FASTOPEN_NO_COOKIE, 0);
	v = sockopt_val(o, OPT_TCP_FASTOPEN_KEY, 0);
	out->fastopen_nkeys = (uint8_t)(v / FASTOPEN_KEY);
	memcpy(out->fastopen_key, o->fastopen_key, sizeof out->fastopen_key);
}

void
sockopt_inherit(const struct sockopts *listener, struct sockopts *child)
{
	*child = *listener;
}

/* Linux's numbers of states. */
static uint8_t
linux_state(enum tcp_state s)
{
	static const uint8_t map[TCPS_NSTATES] = {
	    [TCPS_CLOSED] = 7,
	    [TCPS_ESTABLISHED] = 1,
	    [TCPS_SYN_SENT] = 2,
	    [TCPS_SYN_RECEIVED] = 3,
	    [TCPS_FIN_WAIT_1] = 4,
	    [TCPS_FIN_WAIT_2] = 5,
	    [TCPS_TIME_WAIT] = 6,
	    [TCPS_CLOSE_WAIT] = 8,
	    [TCPS_LAST_ACK] = 9,
	    [TCPS_LISTEN] = 10,
	    [TCPS_CLOSING] = 11,
	};

	return map[s];
}

static uint8_t
u8(uint32_t v)
{
	return v < 255 ? (uint8_t)v : 255;
}

static uint16_t
u16(uint32_t v)
{
	return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

static uint32_t
ms(int64_t us)
{
	return us < 0 ? 0 : (uint32_t)(us / 1000);
}

/* Linux counts segments where the layer counts bytes. */
static void
fill_counts(struct tcp_info *ti, const struct tcp_info_out *in, uint32_t mss)
{
	ti->tcpi_unacked = in->unacked_segs;
	ti->tcpi_sacked = in->sacked_bytes / mss;
	ti->tcpi_lost = in->lost_bytes / mss;
	ti->tcpi_retrans = (in->retrans_bytes + mss - 1) / mss;
	ti->tcpi_snd_cwnd = in->cwnd_bytes / mss;
	ti->tcpi_snd_ssthresh =
	    in->ssthresh_bytes >= INT_MAX ? INT_MAX : in->ssthresh_bytes / mss;
	ti->tcpi_total_retrans = in->total_retrans;
	ti->tcpi_bytes_sent = in->bytes_sent;
	ti->tcpi_bytes_acked = in->bytes_acked + in->ctl_acked;
	ti->tcpi_bytes_received = in->bytes_received;
	ti->tcpi_bytes_retrans = in->bytes_retrans;
	ti->tcpi_segs_out = (uint32_t)in->segs_out;
	ti->tcpi_segs_in = (uint32_t)in->segs_in;
	ti->tcpi_data_segs_out = (uint32_t)in->data_segs_out;
	ti->tcpi_data_segs_in = (uint32_t)in->data_segs_in;
	ti->tcpi_notsent_bytes = in->send_unsent;
	ti->tcpi_rcv_ooopack = in->ooo_segs;
	ti->tcpi_delivered = (uint32_t)in->delivered_packets;
}

static uint64_t
unlimited(uint64_t rate)
{
	return rate != 0 ? rate : UINT64_MAX;
}

/* The end of struct tcp_info that Linux 6.18 has, which the C library's headers
 * need not know.  DEVIATION: rehash, how often a time-out led to another flow
 * label, stays 0, as the label does not change. */
struct info_tail {
	uint32_t rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time;
	uint32_t received_ce;
	uint32_t delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
	uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
	uint16_t accecn_fail_mode, accecn_opt_seen;
};
_Static_assert(sizeof(struct info_tail) + SOCKOPT_INFO_TAIL == SOCKOPT_INFO_MAX,
    "Linux 6.18's size");

static void
put_info(const struct tcp_info *ti, const struct tcp_info_out *in, void *val,
    uint32_t *len)
{
	const struct tcp_ecn_info *e = &in->ecn;
	const struct info_tail tail = {
	    .rcv_wnd = in->rcv_wnd,
	    .total_rto = u16(in->total_rto),
	    .total_rto_recoveries = u16(in->total_rto_recoveries),
	    .total_rto_time = ms(in->total_rto_us),
	    .received_ce = e->received_ce,
	    .delivered_e1_bytes = e->delivered_e1,
	    .delivered_e0_bytes = e->delivered_e0,
	    .delivered_ce_bytes = e->delivered_ce_bytes,
	    .received_e1_bytes = e->received_e1,
	    .received_e0_bytes = e->received_e0,
	    .received_ce_bytes = e->received_ce_bytes,
	    .accecn_fail_mode = e->fail,
	    .accecn_opt_seen = e->opt_seen,
	};
	uint8_t all[SOCKOPT_INFO_MAX] = {0};

	memcpy(all, ti,
	    sizeof *ti < SOCKOPT_INFO_TAIL ? sizeof *ti : SOCKOPT_INFO_TAIL);
	memcpy(all + SOCKOPT_INFO_TAIL, &tail, sizeof tail);
	sockopt_copy(val, len, all, sizeof all);
}

static void
fill_info(struct tcp_info *ti, const struct tcp_info_out *in)
{
	memset(ti, 0, sizeof *ti);
	ti->tcpi_state = linux_state(in->state);
	ti->tcpi_ca_state = in->ca_state;
	ti->tcpi_retransmits = u8(in->retransmits);
	ti->tcpi_probes = u8(in->probes);
	ti->tcpi_backoff = u8(in->backoff);
	ti->tcpi_options = (in->timestamps ? TCPI_OPT_TIMESTAMPS : 0) |
			   (in->sack ? TCPI_OPT_SACK : 0) |
			   (in->wscale ? TCPI_OPT_WSCALE : 0) |
			   (in->ecn.mode != 0 ? TCPI_OPT_ECN : 0) |
			   (in->ecn.seen ? TCPI_OPT_ECN_SEEN : 0) |
			   (in->syn_data ? TCPI_OPT_SYN_DATA : 0);
	ti->tcpi_fastopen_client_fail = in->fastopen_fail & 3;
	ti->tcpi_delivered_ce = in->ecn.delivered_ce;
	ti->tcpi_snd_wscale = in->snd_wscale & 15;
	ti->tcpi_rcv_wscale = in->rcv_wscale & 15;
	ti->tcpi_rto = in->rto_us;
	ti->tcpi_ato = in->ato_us;
	ti->tcpi_snd_mss = in->snd_mss;
	ti->tcpi_rcv_mss = in->rcv_mss;
	ti->tcpi_last_data_sent = ms(in->last_data_sent_us);
	ti->tcpi_last_data_recv = ms(in->last_data_recv_us);
	ti->tcpi_last_ack_recv = ms(in->last_ack_recv_us);
	ti->tcpi_pmtu = in->pmtu;
	ti->tcpi_rcv_ssthresh = in->rcv_wnd;
	ti->tcpi_rtt = in->srtt_us;
	ti->tcpi_rttvar = in->rttvar_us;
	ti->tcpi_advmss = in->advmss;
	ti->tcpi_reordering = in->reordering;
	ti->tcpi_rcv_space = in->rcv_space;
	ti->tcpi_rcv_rtt = in->rcv_rtt_us;
	ti->tcpi_reord_seen = in->reord_seen;
	ti->tcpi_dsack_dups = in->dsack_dups;
	ti->tcpi_pacing_rate = unlimited(in->pacing_rate);
	ti->tcpi_max_pacing_rate = unlimited(in->max_pacing_rate);
	ti->tcpi_delivery_rate = in->delivery_rate;
	ti->tcpi_delivery_rate_app_limited = in->delivery_app_limited;
	ti->tcpi_busy_time = (uint64_t)in->busy_us;
	ti->tcpi_rwnd_limited = (uint64_t)in->rwnd_limited_us;
	ti->tcpi_sndbuf_limited = (uint64_t)in->sndbuf_limited_us;
	ti->tcpi_min_rtt = in->min_rtt_us;
	ti->tcpi_snd_wnd = in->snd_wnd;
	fill_counts(ti, in, in->snd_mss ? in->snd_mss : 536);
}

/* Values that only the connection knows; false: not one of them. */
static bool
live_int(const struct sockopts *o, const struct tcp_info_out *live, int level,
    int name, int32_t *v)
{
	if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
		if (live->state == TCPS_LISTEN || live->state == TCPS_CLOSED)
			return false;
		*v = (int32_t)live->snd_mss;
		return true;
	}
	if ((level == IPPROTO_IP && name == IP_MTU) ||
	    (level == IPPROTO_IPV6 && name == IPV6_MTU)) {
		*v = live->pmtu;
		return live->state != TCPS_LISTEN && live->pmtu != 0;
	}
	if (level == IPPROTO_IPV6 && name == IPV6_ADDRFORM) {
		*v = AF_INET6;
		return live->state == TCPS_ESTABLISHED;
	}
	/* What it is anyway: the most that the buffer holds now. */
	if (level == IPPROTO_TCP && name == TCP_WINDOW_CLAMP &&
	    sockopt_val(o, OPT_TCP_WINDOW_CLAMP, 0) == 0) {
		*v = (int32_t)live->rcvbuf;
		return live->state != TCPS_LISTEN && live->rcvbuf != 0;
	}
	if (live->state == TCPS_LISTEN || level != SOL_SOCKET)
		return false;
	if (name == SO_SNDBUF && !sockopt_isset(o, OPT_SO_SNDBUF)) {
		*v = (int32_t)live->sndbuf;
		return live->sndbuf != 0;
	}
	if (name == SO_RCVBUF && !sockopt_isset(o, OPT_SO_RCVBUF)) {
		*v = (int32_t)live->rcvbuf;
		return live->rcvbuf != 0;
	}
	return false;
}

/* IPV6_PATHMTU, struct ip6_mtuinfo: Linux leaves its address empty. */
static int
get_pathmtu(const struct tcp_info_out *live, void *val, uint32_t *len)
{
	struct {
		struct sockaddr_in6 addr;
		uint32_t mtu;
	} info = {.mtu = live->pmtu};

	if (*len < sizeof info)
		return EINVAL;
	if (live->state == TCPS_LISTEN || live->pmtu == 0)
		return ENOTCONN;
	sockopt_copy(val, len, &info, sizeof info);
	return 0;
}

/* TCP_CC_INFO: as long as what the algorithm has to say. */
static int
get_cc_info(const struct tcp_cc_state *in, void *val, uint32_t *len)
{
	union tcp_cc_info out;

	memset(&out, 0, sizeof out);
	switch (in->kind) {
	case CC_INFO_BBR:
		out.bbr.bbr_bw_lo = (uint32_t)in->bw;
		out.bbr.bbr_bw_hi = (uint32_t)(in->bw >> 32);
		out.bbr.bbr_min_rtt = in->min_rtt_us;
		out.bbr.bbr_pacing_gain = in->pacing_gain_256;
		out.bbr.bbr_cwnd_gain = in->cwnd_gain_256;
		sockopt_copy(val, len, &out, sizeof out.bbr);
		return 0;
	case CC_INFO_DCTCP:
		out.dctcp.dctcp_enabled = in->ecn;
		out.dctcp.dctcp_alpha = in->alpha_1024;
		out.dctcp.dctcp_ab_ecn = in->ce_bytes;
		out.dctcp.dctcp_ab_tot = in->total_bytes;
		sockopt_copy(val, len, &out, sizeof out.dctcp);
		return 0;
	default:
		*len = 0;
		return 0;
	}
}

int
sockopt_get_live(const struct sockopts *o, const struct tcp_info_out *live,
    int level, int name, void *val, uint32_t *len)
{
	struct tcp_info ti;
	char cong[16] = "";
	int32_t v;

	if (level == IPPROTO_TCP && name == TCP_INFO) {
		fill_info(&ti, live);
		put_info(&ti, live, val, len);
		return 0;
	}
	if (level == IPPROTO_TCP && name == TCP_CC_INFO)
		return get_cc_info(&live->cc, val, len);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION &&
	    live->congestion != NULL) {
		strncpy(cong,
		    strcmp(live->congestion, "newreno") == 0 ? "reno"
							     : live->congestion,
		    sizeof cong - 1);
		sockopt_copy(val, len, cong, sizeof cong);
		return 0;
	}
	if (level == IPPROTO_IPV6 && !o->ipv6)
		return EOPNOTSUPP;
	if (level == IPPROTO_IPV6 && name == IPV6_PATHMTU)
		return get_pathmtu(live, val, len);
	if (live_int(o, live, level, name, &v)) {
		sockopt_copy(val, len, &v, sizeof v);
		return 0;
	}
	return sockopt_get(o, level, name, val, len);
}
