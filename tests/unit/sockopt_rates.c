/* SPDX-License-Identifier: ISC */
/* TCP_INFO and TCP_CC_INFO as programs see them that have Linux's structs; the
 * C library's own are older. */
#include <criterion/criterion.h>
#include <linux/in.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include "ipc/sockopt.h"
#include "tcp/tcp.h"

/* TCP_CC_INFO is as long as what the algorithm says; TCP_INFO has the rates. */
Test(sockopt, rates)
{
	struct tcp_info_out live = {.state = TCPS_ESTABLISHED,
	    .snd_mss = 1000,
	    .pacing_rate = 7000,
	    .delivery_rate = 6000,
	    .delivery_app_limited = true,
	    .delivered_packets = 9,
	    .busy_us = 30,
	    .rwnd_limited_us = 20,
	    .sndbuf_limited_us = 10,
	    .cc = {.kind = CC_INFO_BBR,
		.bw = 1ULL << 33,
		.min_rtt_us = 5,
		.pacing_gain_256 = 320,
		.cwnd_gain_256 = 512}};
	struct sockopts o = {0};
	struct tcp_info ti;
	union tcp_cc_info cc;
	uint32_t len = sizeof ti;

	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	cr_assert_eq(ti.tcpi_pacing_rate, 7000);
	cr_assert_eq(ti.tcpi_max_pacing_rate, UINT64_MAX);
	cr_assert_eq(ti.tcpi_delivery_rate, 6000);
	cr_assert_eq(ti.tcpi_delivery_rate_app_limited, 1);
	cr_assert_eq(ti.tcpi_delivered, 9);
	cr_assert_eq(ti.tcpi_busy_time, 30);
	cr_assert_eq(ti.tcpi_rwnd_limited, 20);
	cr_assert_eq(ti.tcpi_sndbuf_limited, 10);
	len = sizeof cc;
	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_CC_INFO, &cc, &len),
	    0);
	cr_assert_eq(len, sizeof cc.bbr);
	cr_assert_eq(cc.bbr.bbr_bw_hi, 2);
	cr_assert_eq(cc.bbr.bbr_bw_lo, 0);
	cr_assert_eq(cc.bbr.bbr_pacing_gain, 320);
	live.cc = (struct tcp_cc_state){
	    .kind = CC_INFO_DCTCP, .alpha_1024 = 512, .ecn = true};
	len = sizeof cc;
	sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_CC_INFO, &cc, &len);
	cr_assert_eq(len, sizeof cc.dctcp);
	cr_assert_eq(cc.dctcp.dctcp_enabled, 1);
	cr_assert_eq(cc.dctcp.dctcp_alpha, 512);
	live.cc.kind = CC_INFO_NONE;
	len = sizeof cc;
	cr_assert_eq(
	    sockopt_get_live(&o, &live, IPPROTO_TCP, TCP_CC_INFO, &cc, &len),
	    0);
	cr_assert_eq(len, 0);
}
