/* SPDX-License-Identifier: ISC */
/*
 * tcpctl's words: what is understood, what is not and what is answered then;
 * and how a connection is shown.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tcpctl/names.h"
#include "tcpctl/output.h"
#include "tcpctl/parser.h"

#define ST(n) (1u << (n))

/* Splits a line at its blanks and parses it. */
static bool
parse(struct request *r, const char *line, char why[512])
{
	char buf[256], *argv[16], *p = buf, *word;
	int argc = 0;

	strcpy(buf, line);
	while ((word = strsep(&p, " ")) != NULL)
		if (*word != '\0')
			argv[argc++] = word;
	why[0] = '\0';
	return parse_request(r, argc, argv, why, 512);
}

static const struct {
	const char *line;
	int what;
} good[] = {
    {"show connections", CTL_CONNECTIONS},
    {"show listeners", CTL_LISTENERS},
    {"show datagrams", CTL_DATAGRAMS},
    {"show clients", CTL_CLIENTS},
    {"show stats", CTL_STATS},
    {"show drops", CTL_DROPS},
    {"show drops all", CTL_DROPS},
    {"show neighbours", CTL_NEIGHBOURS},
    {"show routes", CTL_ROUTES},
    {"show policy", CTL_POLICY},
    {"sh con", CTL_CONNECTIONS},
    {"show l", CTL_LISTENERS},
    {"why 192.0.2.1", CTL_WHY},
    {"why bind 0.0.0.0:80", CTL_WHY},
    {"w connect [2001:db8::1]:443", CTL_WHY},
    {"close 17", CTL_CLOSE},
    {"log verbose", CTL_LOG},
    {"log b", CTL_LOG},
    {"ss", CTL_CONNECTIONS},
};

Test(tcpctl, understood)
{
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct request r;
		char why[512];

		cr_assert(
		    parse(&r, good[i].line, why), "%s: %s", good[i].line, why);
		cr_assert_eq(r.q.what, good[i].what, "%s", good[i].line);
	}
}

/* ss -u: the connected ones, the others, both. */
Test(tcpctl, sockets_of_udp)
{
	static const struct {
		const char *line;
		bool udp, connected, others;
	} rows[] = {
	    {"ss", false, true, false},
	    {"ss -u", true, true, false},
	    {"ss -ul", true, false, true},
	    {"ss -tua", true, true, true},
	    {"show datagrams", false, true, true},
	};
	struct request r;
	char why[512];
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_assert(parse(&r, rows[i].line, why), "%s", why);
		cr_assert_eq(r.ss.udp, rows[i].udp);
		cr_assert_eq(ss_wants_dgram(&r, true), rows[i].connected);
		cr_assert_eq(ss_wants_dgram(&r, false), rows[i].others);
	}
}

/* The answer holds both pieces. */
static const struct {
	const char *line, *says, *offers;
} bad[] = {
    {"", "missing", "show | ss | why | close | log"},
    {"show", "missing after show", "connections | listeners"},
    {"show colours", "\"colours\" is unknown", "drops | neighbours"},
    {"show c", "\"c\" is ambiguous", "here: connections | clients"},
    {"s", "\"s\" is ambiguous", "show | ss"},
    {"show drops none", "\"none\" is unknown", "(nothing more) | all"},
    {"show stats now", "\"now\" is unknown", "(nothing more)"},
    {"close", "missing after close", "ID"},
    {"close seven", "\"seven\" is unknown", "ID"},
    {"close 0", "\"0\" is unknown", "ID"},
    {"close -1", "\"-1\" is unknown", "ID"},
    {"close 18446744073709551616", "unknown", "ID"},
    {"why", "missing after why", "ADDR[:PORT]"},
    {"why nowhere", "\"nowhere\" is unknown", "bind | connect | ADDR[:PORT]"},
    {"why 192.0.2.1:99999", "unknown", "ADDR[:PORT]"},
    {"why 192.0.2.1:", "unknown", "ADDR[:PORT]"},
    {"why [::1", "unknown", "ADDR[:PORT]"},
    {"log loud", "\"loud\" is unknown", "verbose | brief"},
    {"ss -x", "no option -x", "-t -u -4 -6 -l"},
    {"ss foo", "\"foo\" is unknown", "state STATE"},
    {"ss --raw", "no option --raw", "ss --help"},
    {"ss --i", "no option --i", "ss --help"}, /* info, ipv4, ipv6 */
    {"ss state", "a state is missing", "established"},
    {"ss state foo", "\"foo\" is not a state", "time-wait"},
};

Test(tcpctl, not_understood)
{
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct request r;
		char why[512];

		cr_assert_not(parse(&r, bad[i].line, why), "%s", bad[i].line);
		cr_assert_not_null(
		    strstr(why, bad[i].says), "%s -> %s", bad[i].line, why);
		cr_assert_not_null(
		    strstr(why, bad[i].offers), "%s -> %s", bad[i].line, why);
	}
}

Test(tcpctl, values)
{
	static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
	static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	struct request r;
	char why[512];

	cr_assert(parse(&r, "why 192.0.2.1:80", why));
	cr_assert_eq(memcmp(r.q.addr, v4, 16), 0);
	cr_assert_eq(r.q.port, 80);
	cr_assert_eq(r.q.bind, 0);
	cr_assert(parse(&r, "why bind 2001:db8::1", why));
	cr_assert_eq(memcmp(r.q.addr, v6, 16), 0);
	cr_assert_eq(r.q.port, 0);
	cr_assert_eq(r.q.bind, 1);
	cr_assert(parse(&r, "why [2001:db8::1]:8", why));
	cr_assert_eq(r.q.port, 8);
	cr_assert(parse(&r, "close 12345678901", why));
	cr_assert_eq(r.q.id, 12345678901u);
	cr_assert(parse(&r, "log verbose", why));
	cr_assert_eq(r.q.verbose, 1);
}

Test(tcpctl, ss_states)
{
	struct request r;
	char why[512];

	/* ss(8): by default what is connected, without SYN-RECV, TIME-WAIT. */
	cr_assert(parse(&r, "ss -tn", why));
	cr_assert_eq(
	    r.q.states, ST(1) | ST(2) | ST(4) | ST(5) | ST(8) | ST(9) | ST(11));
	cr_assert_eq(r.ss.states & ST(10), 0);
	cr_assert(parse(&r, "ss -l", why));
	cr_assert_eq(r.ss.states, ST(10));
	cr_assert_eq(r.q.states, 0);
	cr_assert(parse(&r, "ss -aiepoH", why));
	cr_assert(r.ss.info && r.ss.extended && r.ss.processes && r.ss.timers);
	cr_assert_neq(r.q.states & ST(6), 0);
	cr_assert_neq(r.ss.states & ST(10), 0);
	cr_assert(parse(&r, "ss --all --inf --extended -H", why));
	cr_assert(r.ss.all && r.ss.info && r.ss.extended && r.ss.no_header);
	cr_assert(parse(&r, "ss --tcp --numeric --ipv6 --help", why));
	cr_assert(r.ss.inet6 && r.ss.help && !r.ss.inet);
	cr_assert(parse(&r, "ss state time-wait state est", why));
	cr_assert_eq(r.q.states, ST(6) | ST(1));
	cr_assert(parse(&r, "ss exclude listening exclude time-wait", why));
	cr_assert_eq(r.ss.states & (ST(10) | ST(6)), 0);
	cr_assert_neq(r.ss.states & ST(3), 0);
}

/* ---- what is shown ---- */

/* Each field has a number of its own. */
static const struct ctl_conn full = {
    .state = 1,
    .flags = CTL_CONN_INFO | CTL_CONN_TIMESTAMPS | CTL_CONN_SACK,
    .uid = UINT32_MAX,
    .timer_us = -1,
    .congestion = "cubic",
    .snd_mss = 1000,
    .rcv_mss = 536,
    .advmss = 1448,
    .pmtu = 1500,
    .cwnd_bytes = 20000,
    .ssthresh_bytes = 7000,
    .flight_bytes = 3000, /* the pipe: nobody's packets out */
    .snd_wnd = 61000,
    .rcv_wnd = 62000,
    .rto_us = 201000,
    .srtt_us = 10000,
    .rttvar_us = 5000,
    .min_rtt_us = 9500,
    .retransmits = 8,
    .total_retrans = 31,
    .sacked_bytes = 4000,
    .lost_bytes = 5000,
    .retrans_bytes = 1001,
    .ooo_segs = 6,
    .rcv_ooo_bytes = 999,
    .reordering = 5,
    .reord_seen = 32,
    .dsack_dups = 33,
    .send_unsent = 34,
    .unacked_segs = 17,
    .bytes_acked = 35,
    .ctl_acked = 1,
    .pacing_rate = 1000,
    .max_pacing_rate = 2000,
    .delivery_rate = 3000,
    .delivered_packets = 37,
    .delivery_app_limited = 1,
    .busy_us = 400000,
    .rwnd_limited_us = 100000,
    .sndbuf_limited_us = 50000,
    .delivered_ce = 38,
    .rcv_space = 14480,
    .rcv_rtt_us = 12500,
    .ato_us = 40000,
    .total_rto = 41,
    .total_rto_recoveries = 42,
    .total_rto_us = 43000,
};

/* What is printed of c, with the ends of words as blanks. */
static void
printed_for(const struct output *out, const struct request *r,
    const struct ctl_conn *c, char buf[4096])
{
	FILE *f = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t n;

	cr_assert_not_null(f);
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	out->conn(r, c);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(f);
	n = fread(buf, 1, 4095, f);
	buf[n] = '\0';
	fclose(f);
	for (char *p = buf; (p = strpbrk(p, "\t\n{}")) != NULL; p++)
		*p = ' ';
}

static void
printed(const struct output *out, const struct ctl_conn *c, char buf[4096])
{
	const struct request r = {.is_ss = true, .ss = {.info = true}};

	printed_for(out, &r, c, buf);
}

/* As ss(8) of iproute2 has it. */
Test(tcpctl, ss_info)
{
	static const char *const words[] = {" ts sack cubic ", " rto:201 ",
	    " rtt:10/5 ", " ato:40 ", " mss:1000 ", " pmtu:1500 ",
	    " rcvmss:536 ", " advmss:1448 ", " cwnd:20 ", " ssthresh:7 ",
	    " bytes_acked:36 ", " send 16000000bps ",
	    " pacing_rate 8000bps/16000bps ", " delivery_rate 24000bps ",
	    " delivered:37 ", " delivered_ce:38 ", " app_limited ",
	    " busy:400ms ", " rwnd_limited:100ms(25.0%) ",
	    " sndbuf_limited:50ms(12.5%) ", " unacked:17 ", " retrans:2/31 ",
	    " lost:5 ", " sacked:4 ", " dsack_dups:33 ", " reordering:5 ",
	    " reord_seen:32 ", " total_rto:41 ", " total_rto_recoveries:42 ",
	    " total_rto_time:43 ", " rcv_rtt:12.5 ", " rcv_space:14480 ",
	    " notsent:34 ", " minrtt:9.5 ", " rcv_ooopack:6 ",
	    " snd_wnd:61000 ", " rcv_wnd:62000 "};
	char text[4096], *at = text;

	printed(&output_text, &full, text);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		char *p = strstr(at, words[i]);

		cr_assert_not_null(p, "\"%s\" is not next in%s", words[i], at);
		at = p + strlen(words[i]) - 1;
	}
}

/* What is 0 is not shown. */
Test(tcpctl, ss_info_of_nothing)
{
	static const char *const words[] = {"ato", "unacked", "retrans", "lost",
	    "sacked", "dsack", "reord", "total_rto", "rcv_rtt", "rcv_space",
	    "notsent", "minrtt", "ooopack", "limited", "busy", "delivered",
	    "bytes_", "_wnd", "pacing", "send "};
	static const struct ctl_conn c = {.state = 1,
	    .flags = CTL_CONN_INFO,
	    .uid = UINT32_MAX,
	    .timer_us = -1,
	    .snd_mss = 1000,
	    .congestion = "bbr",
	    .reordering = 3};
	char text[4096];

	printed(&output_text, &c, text);
	cr_assert_not_null(strstr(text, " bbr "));
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		cr_assert_null(
		    strstr(text, words[i]), "%s: %s", words[i], text);
}

Test(tcpctl, json_info)
{
	static const char *const words[] = {"\"unacked_segs\":17,",
	    "\"flight_bytes\":3000,", "\"rcv_space\":14480,",
	    "\"rcv_wnd\":62000,", "\"rcv_rtt_us\":12500,", "\"ato_us\":40000,",
	    "\"total_rto\":41,", "\"total_rto_recoveries\":42,",
	    "\"total_rto_us\":43000,", "\"max_pacing_rate\":2000,",
	    "\"delivered_packets\":37,", "\"delivery_app_limited\":true,",
	    "\"bytes_acked\":35,", "\"ctl_acked\":1,",
	    "\"rwnd_limited_us\":100000,"};
	char text[4096];

	printed(&output_json, &full, text);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		cr_assert_not_null(
		    strstr(text, words[i]), "%s: %s", words[i], text);
}

/* A rate that no JSON integer of 64 bits holds is not shown as negative. */
Test(tcpctl, json_unsigned)
{
	struct ctl_conn c = full;
	char text[4096];

	c.max_pacing_rate = UINT64_MAX;
	printed(&output_json, &c, text);
	cr_assert_not_null(
	    strstr(text, "\"max_pacing_rate\":9223372036854775807,"), "%s",
	    text);
}

/* As ss(8) has it: [fe80::1]%eth0:80. */
Test(tcpctl, scope)
{
	static const struct {
		uint8_t addr[16];
		uint16_t port;
		const char *text;
	} rows[] = {
	    {{0xfe, 0x80, [15] = 1}, 80, "[fe80::1]%tcpd0:80"},
	    {{0xfe, 0x80, [15] = 1}, 0, "[fe80::1]%tcpd0:*"},
	    {{0x20, 1, 0xd, 0xb8, [15] = 1}, 80, "[2001:db8::1]:80"},
	    {{[10] = 0xff, 0xff, 169, 254, 0, 1}, 80, "169.254.0.1:80"},
	};
	static const uint8_t longest[16] = {0xfe, 0xbf, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	char buf[ADDRTEXT_MAX];

	cr_assert_str_eq(endpoint_text(rows[0].addr, 80, buf), "[fe80::1]:80");
	scope_name((const char[16]){"tcpd0"});
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		cr_assert_str_eq(endpoint_text(rows[i].addr, rows[i].port, buf),
		    rows[i].text);
	/* Not terminated, from another build. */
	scope_name((const char[16]){"0123456789abcdef"});
	cr_assert_str_eq(endpoint_text(longest, 65535, buf),
	    "[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff]%0123456789abcde:65535");
}

/* With sockets of both kinds ss says which each is. */
Test(tcpctl, kind)
{
	static const char *const lines[] = {"ss -a", "ss -tua"};
	char text[4096];

	for (size_t i = 0; i < 2; i++) {
		struct request r;
		char why[512];

		cr_assert(parse(&r, lines[i], why));
		printed_for(&output_text, &r, &full, text);
		cr_assert_eq(strncmp(text, i == 0 ? "ESTAB " : "tcp   ESTAB ",
				 i == 0 ? 6 : 12),
		    0, "%s", text);
	}
}
