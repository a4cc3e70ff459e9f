/* SPDX-License-Identifier: ISC */
/*
 * tcpctl's words: a table per place in the sentence, each word or value with
 * what it means and the table that follows.
 */
#ifndef TCPCTL_PARSER_H
#define TCPCTL_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tcpd/control.h"

/* What `ss` was asked for. */
struct ss_opts {
	bool listening, all;				   /* -l, -a */
	bool tcp, udp;					   /* -t, -u */
	bool inet, inet6;				   /* -4, -6 */
	bool extended, info, processes, timers, no_header; /* -e -i -p -o -H */
	bool help;
	uint32_t states; /* 1 << state; 0: the default for the options */
};

struct request {
	struct ctl_query q;
	bool is_ss;
	bool all; /* show drops all: with the rows that are 0 */
	struct ss_opts ss;
};

/* false: not understood; why holds lines for the user. */
bool parse_request(
    struct request *r, int argc, char *const argv[], char *why, size_t whylen);

/* The options and the filter of `ss`. */
bool parse_ss(
    struct request *r, int argc, char *const argv[], char *why, size_t whylen);

/* Does ss show sockets of this family? */
bool ss_wants(const struct request *r, bool inet6);
/* Does it show this socket of UDP? */
bool ss_wants_dgram(const struct request *r, bool connected);

/* Is word the only one of words (NULL-terminated) that begins so?  Its place,
 * -1: none, -2: several. */
int match_word(const char *word, const char *const words[]);

#endif
