/* SPDX-License-Identifier: ISC */
/* ICMP about our segments: RFC 9293 3.9.2.2 (MUST-54, MUST-56, SHLD-25,
 * SHLD-26), RFC 5927, RFC 1191. */
#include "lab.h"

TestSuite(icmp, .init = passive_lab, .fini = lab_end);

static const struct {
	enum tcp_icmp what;
	int error;
} soft[] = {
    {TCP_ICMP_NET_UNREACH, ENETUNREACH},
    {TCP_ICMP_HOST_UNREACH, EHOSTUNREACH},
    {TCP_ICMP_ADMIN, EHOSTUNREACH},
    {TCP_ICMP_TIME_EXCEEDED, EHOSTUNREACH},
    {TCP_ICMP_PARAM_PROBLEM, EPROTO},
};
enum {
	NSOFT = sizeof soft / sizeof soft[0]
};

/* MUST-56: a soft error never aborts; SHLD-25: the program can ask. */
Test(icmp, soft_errors, .description = "MUST-47 MUST-56 SHLD-25")
{
	for (size_t i = 0; i < NSOFT; i++) {
		passive_lab();
		reach(TCPS_ESTABLISHED);
		app_writes(10);
		lab_drain();
		icmp_says(soft[i].what, 1, 0);
		in_state(TCPS_ESTABLISHED);
		expect_eq(tcp_soft_error(lab_pcb()), soft[i].error);
		expect_eq(tcp_soft_error(lab_pcb()), 0);
		peer_sends(ACK, .seq = 1, .ack = 11);
		silence();
	}
}

/* RFC 5927 4.1: only about what is out. */
Test(icmp, sequence_check, .description = "MUST-54")
{
	static const int64_t seqs[] = {-100, 0, 11, 12, 100000};

	for (size_t i = 0; i < 5; i++) {
		passive_lab();
		reach(TCPS_ESTABLISHED);
		app_writes(10);
		lab_drain();
		icmp_says(TCP_ICMP_HOST_UNREACH, seqs[i], 0);
		expect_eq(tcp_soft_error(lab_pcb()), 0);
		no_event();
	}
}

/* In a synchronized state hard errors are taken as soft (RFC 5927 5.2). */
Test(icmp, hard_errors_when_established, .description = "SHLD-26")
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	lab_drain();
	icmp_says(TCP_ICMP_PORT_UNREACH, 1, 0);
	icmp_says(TCP_ICMP_PROTO_UNREACH, 1, 0);
	icmp_says(TCP_ICMP_ADMIN, 1, 0);
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 11);
	in_state(TCPS_ESTABLISHED);
}

/* MUST-56: nor does it end an attempt to connect. */
Test(icmp, soft_errors_in_syn_sent, .description = "MUST-56 SHLD-25")
{
	for (size_t i = 0; i < NSOFT; i++) {
		active_lab();
		reach(TCPS_SYN_SENT);
		icmp_says(soft[i].what, 0, 0);
		in_state(TCPS_SYN_SENT);
		event(TCP_EV_ERROR);
		expect_eq(tcp_soft_error(lab_pcb()), soft[i].error);
		peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
		stack_sends(ACK, .seq = 1, .ack = 1);
		in_state(TCPS_ESTABLISHED);
	}
	/* And if nobody ever answers, it is the reason. */
	for (size_t i = 0; i < NSOFT; i++) {
		active_lab();
		reach(TCPS_SYN_SENT);
		icmp_says(soft[i].what, 0, 0);
		lab_run_until(sec(300));
		gone(soft[i].error);
	}
}

/* SHLD-26: before that they end the attempt. */
Test(icmp, hard_errors_in_syn_sent, .description = "MUST-54 SHLD-26")
{
	static const struct {
		enum tcp_icmp what;
		int error;
	} rows[] = {
	    {TCP_ICMP_PORT_UNREACH, ECONNREFUSED},
	    {TCP_ICMP_PROTO_UNREACH, ENOPROTOOPT},
	};

	for (size_t i = 0; i < 2; i++) {
		active_lab();
		reach(TCPS_SYN_SENT);
		icmp_says(rows[i].what, 0, 0);
		gone(rows[i].error);
		in_state(TCPS_CLOSED);
	}
}

/* A wrong sequence number does not. */
Test(icmp, forged_in_syn_sent)
{
	active_lab();
	reach(TCPS_SYN_SENT);
	icmp_says(TCP_ICMP_PORT_UNREACH, 77, 0);
	in_state(TCPS_SYN_SENT);
	no_event();
}

/* The stack's own news that the neighbour does not answer. */
Test(icmp, host_unreachable)
{
	struct ipaddr dst = lab_addr(0xc0000201u);

	active_lab();
	reach(TCPS_SYN_SENT);
	tcp_host_unreachable(lab_tcp(), &dst, lab_mono());
	lab_silence(AT);
	quiet_for(0);
	gone(EHOSTUNREACH);
	passive_lab();
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	lab_drain();
	tcp_host_unreachable(lab_tcp(), &dst, lab_mono());
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 11);
}

/* Hosts that do not answer, thirty thousand of them, each of whom is nobody's
 * business but his own connection's. */
Test(icmp, many_hosts_unreachable, .timeout = 30)
{
	enum {
		MANY = 30000
	};
	static struct tcp_pcb *pcbs[MANY];
	const struct ipaddr any = lab_addr(0);
	const struct tcp_opts opts = {0};
	struct ipaddr dst;

	active_lab();
	for (uint32_t i = 0; i < MANY; i++) {
		dst = lab_addr(0x0a000000u + i);
		expect_eq(tcp_connect(lab_tcp(), NULL, &any, &dst, 80, &opts,
			      NULL, lab_mono(), &pcbs[i]),
		    0);
	}
	for (uint32_t i = 0; i < 4 * MANY; i++) {
		dst = lab_addr(0x0b000000u + i);
		tcp_host_unreachable(lab_tcp(), &dst, lab_mono());
	}
	for (uint32_t i = 0; i < MANY; i++) {
		expect_eq(tcp_pcb_state(pcbs[i]), TCPS_SYN_SENT);
		dst = lab_addr(0x0a000000u + i);
		tcp_host_unreachable(lab_tcp(), &dst, lab_mono());
		expect_eq(tcp_pcb_state(pcbs[i]), TCPS_CLOSED);
	}
}

/* RFC 1191: smaller packets from now on, and what was too big goes again. */
Test(icmp, packet_too_big)
{
	uint32_t got = 0;
	struct lab_seg s;

	reach(TCPS_ESTABLISHED);
	app_writes(2920);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	stack_sends(ACK | PSH, .seq = 1461, .ack = 1, .len = 1460);
	icmp_says(TCP_ICMP_TOO_BIG, 1, 1300);
	expect_eq(lab_info().snd_mss, 1260);
	while (got < 2920 && lab_now() < sec(5)) {
		s = lab_next();
		if (s.flags == 0) {
			after(ms(50));
			if (got > 0)
				peer_sends(ACK, .seq = 1, .ack = 1 + got);
			continue;
		}
		expect(s.len <= 1260);
		if (s.seq == 1 + (int64_t)got)
			got += s.len;
	}
	peer_sends(ACK, .seq = 1, .ack = 2921);
	app_writes(2000);
	stack_sends(ACK, .seq = 2921, .ack = 1, .len = 1260);
	lab_drain();
}

/* RFC 5927 7.2: absurd sizes and those that are no smaller change nothing. */
Test(icmp, packet_too_big_absurd)
{
	static const uint16_t mtus[] = {0, 20, 40, 1500, 9000, 65535};

	for (size_t i = 0; i < 6; i++) {
		passive_lab();
		reach(TCPS_ESTABLISHED);
		app_writes(1460);
		lab_drain();
		icmp_says(TCP_ICMP_TOO_BIG, 1, mtus[i]);
		expect(lab_info().snd_mss >= 48);
		if (mtus[i] >= 1500)
			expect_eq(lab_info().snd_mss, 1460);
		lab_run_until(sec(1));
		in_state(TCPS_ESTABLISHED);
	}
}

/* About a connection that is not there. */
Test(icmp, nobody, .description = "MUST-54")
{
	icmp_says(TCP_ICMP_PORT_UNREACH, 0, 0);
	icmp_says(TCP_ICMP_TOO_BIG, 0, 500);
	silence();
	in_state(TCPS_LISTEN);
}
