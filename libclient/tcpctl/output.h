/* SPDX-License-Identifier: ISC */
/*
 * How answers are written: one set of functions for text, one for JSON.  Rows
 * come one by one, as many as there are, and none is kept.
 */
#ifndef TCPCTL_OUTPUT_H
#define TCPCTL_OUTPUT_H

#include "parser.h"

struct output {
	/* Before and after the rows of one kind (ss: listeners, then
	 * connections, then sockets of UDP). */
	void (*begin)(const struct request *r, uint16_t what);
	void (*end)(const struct request *r, uint16_t what);
	/* Around everything. */
	void (*open)(const struct request *r);
	void (*close)(const struct request *r);

	void (*conn)(const struct request *r, const struct ctl_conn *c);
	void (*listener)(const struct request *r, const struct ctl_listener *l);
	void (*dgram)(const struct request *r, const struct ctl_dgram *d);
	void (*client)(const struct ctl_client *c);
	void (*counter)(const struct request *r, const struct ctl_counter *c);
	void (*neigh)(const struct ctl_neigh *n);
	void (*addr)(const struct ctl_addr *a);
	void (*route)(const struct ctl_route *t);
	void (*rule)(const struct ctl_rule *p);
	void (*why)(const struct request *r, const struct ctl_rule *p);
};

extern const struct output output_text, output_json;

#endif
