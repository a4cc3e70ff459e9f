/* SPDX-License-Identifier: ISC */
/*
 * The options and the state filter of `tcpctl ss`, as ss(8) has them.  tcpd
 * speaks TCP and UDP, so what asks for other sockets is an error, and what only
 * turns off names (-n: there are none) changes nothing.  Without -t and -u it
 * is TCP's sockets that are shown.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "names.h"
#include "parser.h"

#define ST(n) (1u << (n))

/* ss's words for states; the numbers are Linux's. */
static const char *const words[] = {"established", "syn-sent", "syn-recv",
    "fin-wait-1", "fin-wait-2", "time-wait", "closed", "close-wait", "last-ack",
    "listening", "closing", "all", "connected", "synchronized", "bucket", "big",
    NULL};

#define ALL	  (ST(12) - 2)
#define CONNECTED (ALL & ~(ST(7) | ST(10)))
#define BUCKET	  (ST(3) | ST(6))

static const uint32_t masks[] = {ST(1), ST(2), ST(3), ST(4), ST(5), ST(6),
    ST(7), ST(8), ST(9), ST(10), ST(11), ALL, CONNECTED, CONNECTED & ~ST(2),
    BUCKET, ALL & ~BUCKET};

static bool
set_flag(struct ss_opts *o, char c)
{
	switch (c) {
	case 'l':
		return o->listening = true;
	case 'a':
		return o->all = true;
	case 'e':
		return o->extended = true;
	case 'i':
		return o->info = true;
	case 'p':
		return o->processes = true;
	case 'o':
		return o->timers = true;
	case 'H':
		return o->no_header = true;
	case '4':
		return o->inet = true;
	case '6':
		return o->inet6 = true;
	case 'h':
		return o->help = true;
	case 't':
		return o->tcp = true;
	case 'u':
		return o->udp = true;
	case 'n':
	case 'O':
		return true;
	default:
		return false;
	}
}

/* The same in words, which may be shortened. */
static bool
set_long_flag(struct ss_opts *o, const char *word)
{
	static const char *const longs[] = {"listening", "all", "extended",
	    "info", "processes", "options", "no-header", "ipv4", "ipv6", "tcp",
	    "udp", "numeric", "oneline", "help", NULL};
	int i = match_word(word, longs);

	return i >= 0 && set_flag(o, "laeipoH46tunOh"[i]);
}

/* state WORD or exclude WORD. */
static bool
set_state(
    struct ss_opts *o, bool exclude, const char *word, char *why, size_t whylen)
{
	int i = word == NULL ? -1 : match_word(word, words);

	if (i < 0) {
		size_t at = (size_t)snprintf(why, whylen,
		    word == NULL ? "a state is missing%s; possible here: "
				 : "\"%s\" is not a state; possible here: ",
		    word == NULL ? "" : word);

		for (int k = 0; words[k] != NULL && at < whylen; k++)
			at += (size_t)snprintf(why + at, whylen - at, "%s%s",
			    k == 0 ? "" : " | ", words[k]);
		return false;
	}
	if (exclude)
		o->states = (o->states != 0 ? o->states : ALL) & ~masks[i];
	else
		o->states |= masks[i];
	return true;
}

bool
ss_wants(const struct request *r, bool inet6)
{
	const struct ss_opts *o = &r->ss;

	return !r->is_ss || o->inet == o->inet6 || (inet6 ? o->inet6 : o->inet);
}

bool
ss_wants_dgram(const struct request *r, bool connected)
{
	/* UDP has two states, which ss calls ESTAB and UNCONN. */
	return !r->is_ss || r->ss.states & (connected ? ST(1) : ST(7));
}

bool
parse_ss(
    struct request *r, int argc, char *const argv[], char *why, size_t whylen)
{
	struct ss_opts *o = &r->ss;

	r->is_ss = true;
	for (int i = 0; i < argc; i++) {
		const char *a = argv[i];

		if (strcmp(a, "state") == 0 || strcmp(a, "exclude") == 0) {
			const char *word = i + 1 < argc ? argv[i + 1] : NULL;

			if (!set_state(o, a[0] == 'e', word, why, whylen))
				return false;
			i++;
			continue;
		}
		if (a[0] != '-' || a[1] == '\0') {
			snprintf(why, whylen,
			    "\"%s\" is unknown; possible here: -t -u -4 -6 "
			    "-l -a -n -e -i -o -p -H | state STATE | exclude "
			    "STATE",
			    a);
			return false;
		}
		if (a[1] == '-') {
			if (set_long_flag(o, a + 2))
				continue;
			snprintf(why, whylen,
			    "ss has no option %s here (tcpd speaks TCP); "
			    "ss --help shows what there is",
			    a);
			return false;
		}
		for (a++; *a != '\0'; a++)
			if (!set_flag(o, *a)) {
				snprintf(why, whylen,
				    "ss has no option -%c here (tcpd speaks "
				    "TCP and UDP); possible: -t -u -4 -6 -l -a "
				    "-n -e -i -o -p -H",
				    *a);
				return false;
			}
	}
	if (o->states == 0)
		o->states = o->all	   ? ALL
			    : o->listening ? ST(10) | (o->udp ? ST(7) : 0)
					   : CONNECTED & ~BUCKET;
	r->q.states = o->states & ~ST(10);
	return true;
}
