/* SPDX-License-Identifier: ISC */
/*
 * tcpctl's words: see parser.h.
 *
 * A word may be shortened as long as one word of its table begins so.  What is
 * not understood is answered with what is possible at that place, made from
 * the same tables.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrtext.h"
#include "parser.h"

enum token_type {
	T_END,	    /* the end of the table */
	T_DONE,	    /* the sentence may end here */
	T_WORD,	    /* a fixed word */
	T_ENDPOINT, /* ADDR[:PORT] */
	T_NUMBER,   /* a connection's ID */
	T_SS,	    /* the rest belongs to ss */
};

struct token {
	enum token_type type;
	const char *word; /* or what the value is called */
	int what;	  /* enum ctl_what; 0: not decided by this */
	void (*set)(struct request *r);
	const struct token *next;
};

static void
set_bind(struct request *r)
{
	r->q.bind = 1;
}

static void
set_verbose(struct request *r)
{
	r->q.verbose = 1;
}

static void
set_all(struct request *r)
{
	r->all = true;
}

static const struct token t_done[] = {{.type = T_DONE}, {.type = T_END}};

static const struct token t_drops[] = {{.type = T_DONE},
    {T_WORD, "all", CTL_DROPS, set_all, t_done}, {.type = T_END}};

static const struct token t_show[] = {
    {T_WORD, "connections", CTL_CONNECTIONS, NULL, t_done},
    {T_WORD, "listeners", CTL_LISTENERS, NULL, t_done},
    {T_WORD, "datagrams", CTL_DATAGRAMS, NULL, t_done},
    {T_WORD, "clients", CTL_CLIENTS, NULL, t_done},
    {T_WORD, "stats", CTL_STATS, NULL, t_done},
    {T_WORD, "drops", CTL_DROPS, NULL, t_drops},
    {T_WORD, "neighbours", CTL_NEIGHBOURS, NULL, t_done},
    {T_WORD, "addresses", CTL_ADDRS, NULL, t_done},
    {T_WORD, "routes", CTL_ROUTES, NULL, t_done},
    {T_WORD, "policy", CTL_POLICY, NULL, t_done}, {.type = T_END}};

static const struct token t_endpoint[] = {
    {T_ENDPOINT, "ADDR[:PORT]", CTL_WHY, NULL, t_done}, {.type = T_END}};

static const struct token t_why[] = {
    {T_WORD, "bind", CTL_WHY, set_bind, t_endpoint},
    {T_WORD, "connect", CTL_WHY, NULL, t_endpoint},
    {T_ENDPOINT, "ADDR[:PORT]", CTL_WHY, NULL, t_done}, {.type = T_END}};

static const struct token t_close[] = {
    {T_NUMBER, "ID", CTL_CLOSE, NULL, t_done}, {.type = T_END}};

static const struct token t_log[] = {
    {T_WORD, "verbose", CTL_LOG, set_verbose, t_done},
    {T_WORD, "brief", CTL_LOG, NULL, t_done}, {.type = T_END}};

static const struct token t_main[] = {{T_WORD, "show", 0, NULL, t_show},
    {T_SS, "ss", CTL_CONNECTIONS, NULL, NULL}, {T_WORD, "why", 0, NULL, t_why},
    {T_WORD, "close", 0, NULL, t_close}, {T_WORD, "log", 0, NULL, t_log},
    {.type = T_END}};

int
match_word(const char *word, const char *const words[])
{
	size_t len = strlen(word);
	int found = -1;

	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
		if (len == 0 || strncmp(word, words[i], len) != 0)
			continue;
		found = found == -1 ? i : -2;
	}
	return found;
}

static bool
parse_number(const char *s, uint64_t *out)
{
	char *rest;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &rest, 10);
	return errno == 0 && *rest == '\0' && *out != 0;
}

/* "; possible: a | b | c", of the words that begin so. */
static void
list_words(const struct token *table, const char *begin, char *why, size_t len)
{
	size_t at = strlen(why);
	const char *sep = "; possible here: ";

	for (const struct token *t = table; t->type != T_END && at < len; t++) {
		if (*begin != '\0' &&
		    (t->word == NULL ||
			strncmp(begin, t->word, strlen(begin)) != 0))
			continue;
		at += (size_t)snprintf(why + at, len - at, "%s%s", sep,
		    t->type == T_DONE ? "(nothing more)" : t->word);
		sep = " | ";
	}
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80". */
static bool
parse_endpoint(const char *s, struct ctl_query *q)
{
	struct ipaddr a;

	if (!addrtext_parse_endpoint(s, &a, &q->port))
		return false;
	memcpy(q->addr, a.b, sizeof q->addr);
	return true;
}

/* The row of table that word is; NULL: none or several (*many). */
static const struct token *
match(
    const struct token *table, const char *word, struct request *r, bool *many)
{
	const struct token *found = NULL;
	size_t len = strlen(word);

	*many = false;
	for (const struct token *t = table; t->type != T_END; t++) {
		if (t->type == T_ENDPOINT && parse_endpoint(word, &r->q))
			return t;
		if (t->type == T_NUMBER && parse_number(word, &r->q.id))
			return t;
		if ((t->type != T_WORD && t->type != T_SS) || len == 0 ||
		    strncmp(word, t->word, len) != 0)
			continue;
		if (strlen(t->word) == len)
			return t;
		*many = found != NULL;
		found = t;
	}
	return *many ? NULL : found;
}

static bool
may_end(const struct token *table)
{
	return table->type == T_DONE;
}

bool
parse_request(
    struct request *r, int argc, char *const argv[], char *why, size_t whylen)
{
	const struct token *table = t_main, *t;
	bool many;

	memset(r, 0, sizeof *r);
	for (int i = 0; i < argc; i++) {
		if ((t = match(table, argv[i], r, &many)) == NULL) {
			snprintf(why, whylen, "\"%s\" is %s", argv[i],
			    many ? "ambiguous" : "unknown");
			list_words(table, many ? argv[i] : "", why, whylen);
			return false;
		}
		if (t->what != 0)
			r->q.what = (uint16_t)t->what;
		if (t->set != NULL)
			t->set(r);
		if (t->type == T_SS)
			return parse_ss(
			    r, argc - i - 1, argv + i + 1, why, whylen);
		table = t->next;
	}
	if (may_end(table))
		return true;
	snprintf(why, whylen, "a word is missing%s%s",
	    argc > 0 ? " after " : "", argc > 0 ? argv[argc - 1] : "");
	list_words(table, "", why, whylen);
	return false;
}
