/* SPDX-License-Identifier: ISC */
/*
 * What is looked at in a message of the DNS (RFC 1035 4.1), by the daemon's
 * resolver and by tcpd-run, who pass messages on as they are: the head, the one
 * question, the room that an answer has.  Both ends are strangers: no length or
 * count in a message is believed.
 */
#ifndef IPC_DNSMSG_H
#define IPC_DNSMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_PORT      53
#define DNS_HEAD      12
#define DNS_MSG_MAX   65535
#define DNS_QUERY_MAX 2048 /* a question with options; longer is refused */
#define DNS_NAME_TEXT 256

enum dns_rcode {
	DNS_NOERROR,
	DNS_FORMERR,
	DNS_SERVFAIL,
	DNS_NXDOMAIN,
	DNS_NOTIMP,
	DNS_REFUSED,
};

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_AAAA = 28,
	DNS_OPT = 41,
};
#define DNS_IN 1 /* the class */

struct dns_question {
	uint16_t type, class;
	size_t end; /* where it ends in the message */
	/* As one writes it, in lower case and without the last dot; "" for the
	 * root, and for a name with bytes that are in no host's name. */
	char name[DNS_NAME_TEXT];
};

/* A standard query with one question: 0 and *q.  Else the enum dns_rcode that
 * it deserves, or -1: it is nothing that is answered. */
int dns_query(const void *msg, size_t len, struct dns_question *q);

/* An answer without records to a query that is at least a head: the question,
 * if it can be read.  Returns its length, at most len. */
size_t dns_empty(
    const void *query, size_t len, enum dns_rcode rcode, void *out);

/* Octets that a datagram to this query's sender may have: RFC 6891 6.2.5. */
size_t dns_room(const void *query, size_t len);

/* Does it answer this query, by identifier and question? */
bool dns_answers(const void *ans, size_t len, const void *query, size_t qlen);

/* An answer that is longer than room loses its records and says so.  Returns
 * what is left of it. */
size_t dns_cut(void *ans, size_t len, size_t room);

/* The identifier. */
uint16_t dns_id(const void *msg);
void dns_set_id(void *msg, uint16_t id);

#endif
