/* SPDX-License-Identifier: ISC */
/*
 * tcpctl's words: what is understood, what is not and what is answered then.
 */
#include <string.h>

#include <criterion/criterion.h>

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
    {"ss -u", "no option -u", "-t -4 -6 -l"},
    {"ss foo", "\"foo\" is unknown", "state STATE"},
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
	cr_assert(parse(&r, "ss state time-wait state est", why));
	cr_assert_eq(r.q.states, ST(6) | ST(1));
	cr_assert(parse(&r, "ss exclude listening exclude time-wait", why));
	cr_assert_eq(r.ss.states & (ST(10) | ST(6)), 0);
	cr_assert_neq(r.ss.states & ST(3), 0);
}
