/* SPDX-License-Identifier: ISC */
/*
 * The error queue of a socket of UDP (IP_RECVERR, IPV6_RECVERR): what ICMP said
 * of its datagrams, and which of them were too long, until the program takes
 * it (recvmsg() with MSG_ERRQUEUE).  Some are kept, the oldest, as on Linux
 * whose queue ends at the receive buffer's size; they count against the user's
 * buffer bytes.
 */
#include "config.h"
#include <sys/socket.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include "proc/engine.h"

#define ERRORS_MAX 32

static void
let_go(struct dgram *d, struct dgram_error *r)
{
	STAILQ_REMOVE_HEAD(&d->errors, link);
	d->nerrors--;
	d->error_bytes -= (uint32_t)sizeof *r + r->head.len;
	free(r);
}

void
dgram_errors_purge(struct dgram *d)
{
	while (!STAILQ_EMPTY(&d->errors))
		let_go(d, STAILQ_FIRST(&d->errors));
}

static void
keep(struct dgram *d, const struct proto_derror *head, const void *data)
{
	uint32_t size = (uint32_t)sizeof(struct dgram_error) + head->len;
	struct dgram_error *r;

	if (d->nerrors == ERRORS_MAX) {
		drop_count(d->e->drops, DROP_UDP_FULL);
		return;
	}
	if (!account_take(d, size)) {
		drop_count(d->e->drops, DROP_UDP_QUOTA);
		return;
	}
	r = malloc(size);
	if (r == NULL)
		return;
	r->head = *head;
	if (head->len > 0)
		memcpy(r->data, data, head->len);
	STAILQ_INSERT_TAIL(&d->errors, r, link);
	d->nerrors++;
	d->error_bytes += size;
}

void
dgram_reported(void *ctx, void *user, const struct udp_icmp *e)
{
	struct dgram *d = user;
	struct proto_derror h = {.error = (uint32_t)e->error,
	    .info = e->info,
	    .origin = ipaddr_is_v4(&e->id.raddr) ? SO_EE_ORIGIN_ICMP
						 : SO_EE_ORIGIN_ICMP6,
	    .type = e->type,
	    .code = e->code,
	    .len = e->len < PROTO_DERROR_DATA ? e->len : PROTO_DERROR_DATA};

	proto_name_put(&h.dst, d->opts.ipv6, &e->id.raddr, e->id.rport);
	proto_name_put(&h.from, d->opts.ipv6, &e->from, 0);
	keep(d, &h, e->data);
}

void
dgram_too_long(struct dgram *d, const struct udp_msg *m)
{
	struct proto_derror h = {
	    .error = EMSGSIZE, .origin = SO_EE_ORIGIN_LOCAL};
	struct udp_info info;
	const struct ipaddr *dst;

	udp_info(d->sock, &info);
	dst = m->to_peer ? &info.id.raddr : &m->dst;
	if (!sockopt_val(&d->opts,
		ipaddr_is_v4(dst) ? OPT_IP_RECVERR : OPT_IPV6_RECVERR, 0) ||
	    !m->to_peer)
		return;
	h.info = info.mtu;
	proto_name_put(&h.dst, d->opts.ipv6, dst, info.id.rport);
	keep(d, &h, NULL);
}

/* PROTO_DERROR.  With the last one goes the errno that told of it. */
int
dgram_error_take(struct request *r, struct dgram *d)
{
	struct dgram_error *first = STAILQ_FIRST(&d->errors);

	if (first == NULL)
		return EAGAIN;
	memcpy(r->out, &first->head, sizeof first->head);
	memcpy(r->out + sizeof first->head, first->data, first->head.len);
	r->outlen = sizeof first->head + first->head.len;
	let_go(d, first);
	first = STAILQ_FIRST(&d->errors);
	d->error = first != NULL ? (int)first->head.error : 0;
	return 0;
}
