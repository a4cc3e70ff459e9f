/* SPDX-License-Identifier: ISC */
/*
 * Between the files that read tcpd.conf: what is known while it is read, and
 * the tables of keys and sections.  conf_file.c drives; conf.h is for others.
 */
#ifndef PROC_CONF_READ_H
#define PROC_CONF_READ_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/conf.h"

enum section {
	S_TOP,
	S_DEVICE,
	S_ROUTE,
	S_POLICY,
	S_CONNECT,
	S_BIND,
	S_QUOTA,
	S_QUOTA_USER,
	S_TCP,
	S_IPV4,
	S_IPV6,
	S_RESOLVER,
	S_ENGINE,
	S_MEMORY,
};

struct user_section {
	struct conf_quota_user q;
	unsigned given; /* bit per row of the section's keys */
};

struct reader {
	const char *path;
	char *text;
	conf_error_fn *err;
	void *arg;
	bool failed;
	struct conf *conf;

	uint32_t *opened; /* line of each section's "{", in order of "}" */
	unsigned nopened, closed;

	/* The section that is being read, and on which line each key was. */
	struct user_section user;
	struct conf_route route;
	struct conf_rule rule;
	struct user_section *users;
	unsigned nusers;
	uint32_t key_line[96]; /* by row of conf_keys[]; 0: not given */
	uint32_t device_line, via_line;
	uint32_t gateway_line[2]; /* of gateway, IPv4 and IPv6 */
};

#define KEY_MANY 1 /* min */

struct key {
	enum section section;
	const char *name;
	cfg_type_t type;
	/* Checks the value and stores it; 0 or conf_complain()'s -1. */
	int (*set)(struct reader *r, const struct key *k, cfg_opt_t *opt,
	    uint32_t line);
	size_t off;    /* in the section's struct */
	unsigned size; /* of the member */
	/* Of a number.  A string with KEY_MANY may be given more than once. */
	int64_t min, max;
};

/* A kind of section, and what is done at its "}". */
struct section_kind {
	enum section section, parent;
	bool titled;
	int (*end)(struct reader *r, cfg_t *sec, uint32_t line);
};

extern const char *const conf_section_names[];
extern const struct key conf_keys[];
extern const unsigned conf_nkeys;
extern const struct section_kind conf_sections[];
extern const unsigned conf_nsections;

/* Tells the first mistake, by its line (0: of no line).  Always -1. */
int conf_complain(struct reader *r, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The file's text, and whether its sections, strings and comments end. */
int conf_read_text(struct reader *r);
int conf_scan(struct reader *r);

/* On which line a key was given; 0 there: not given. */
uint32_t *conf_key_line(struct reader *r, enum section s, const char *name);

/* "80-90" */
bool conf_parse_ports(const char *s, uint16_t *first, uint16_t *last);
/* One more element of a growing array, zeroed; NULL (told) when it is full. */
void *conf_grow(struct reader *r, void *arrayp, uint32_t *n, size_t size,
    uint32_t max, const char *what, uint32_t line);
/* A route more; -1 (told) when it is there already or there are too many. */
int conf_add_route(
    struct reader *r, const struct conf_route *route, const char *title);

#endif
