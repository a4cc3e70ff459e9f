/* SPDX-License-Identifier: ISC */
/*
 * What a client's first bytes say, as pure functions over bytes: the fuzz
 * target and the engine call the same code.  Nothing in a message is trusted;
 * who sends it is asked of the kernel elsewhere.
 */
#include "config.h"
#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include "proc/engine.h"

ssize_t
proto_check(const void *data, size_t len)
{
	struct proto_head h;

	if (len < sizeof h) {
		/* Another program altogether shows at once. */
		const uint32_t magic = PROTO_MAGIC;

		return memcmp(data, &magic, len < 4 ? len : 4) == 0 ? 0
								    : -EPROTO;
	}
	memcpy(&h, data, sizeof h);
	if (h.magic != PROTO_MAGIC)
		return -EPROTO;
	if (h.version != PROTO_VERSION)
		return -EPROTONOSUPPORT;
	if (h.type == 0 || h.type >= PROTO_NTYPES || h.reserved != 0 ||
	    h.len > PROTO_MSG_MAX - sizeof h ||
	    (h.handle & ~PROTO_HANDLE_MASK) != 0)
		return -EPROTO;
	if (len < sizeof h + h.len)
		return 0;
	return (ssize_t)(sizeof h + h.len);
}

bool
proto_name_get(const struct proto_name *n, struct ipaddr *out)
{
	*out = ipaddr_v4(0);
	if (n->family == AF_INET)
		memcpy(out->b + 12, n->addr, 4);
	else
		memcpy(out->b, n->addr, 16);
	return n->family == AF_INET || n->family == AF_INET6;
}

void
proto_name_put(
    struct proto_name *n, bool ipv6, const struct ipaddr *a, uint16_t port)
{
	memset(n, 0, sizeof *n);
	n->family = ipv6 ? AF_INET6 : AF_INET;
	n->port = port;
	if (ipv6)
		memcpy(n->addr, a->b, 16);
	else
		memcpy(n->addr, a->b + 12, 4);
}

int
hello_parse(const void *body, size_t len, struct hello *h)
{
	struct proto_attach a;
	int r;

	memset(h, 0, sizeof *h);
	if (len < sizeof a)
		return -EPROTO;
	memcpy(&a, body, sizeof a);
	if (!proto_name_get(&a.dst, &h->dst) ||
	    (a.flags & ~(PROTO_FAST | PROTO_WAITS)) != 0 ||
	    a.flags == PROTO_WAITS || a.data_len > len - sizeof a ||
	    (a.data_len > 0 && a.flags != PROTO_FAST))
		return -EPROTO;
	h->port = a.dst.port;
	h->fast = a.flags & PROTO_FAST;
	h->waits = a.flags & PROTO_WAITS;
	h->cookie = a.cookie;
	h->opts.ipv6 = a.dst.family == AF_INET6;
	body = (const uint8_t *)body + sizeof a;
	len -= sizeof a + a.data_len;
	h->data_len = a.data_len;
	h->data = (const uint8_t *)body + len;
	r = sockopt_unpack(&h->opts, body, len, a.nopts);
	return r != 0 ? r : md5keys_unpack(&h->keys, body, len, a.nopts);
}
