/* SPDX-License-Identifier: ISC */
/*
 * struct conf after it was read (conf_file.c): looking up a user's limits,
 * taking over what a reload may change, and the way to the children.
 *
 * The receiving side takes nothing for granted: counts are bounded before
 * anything is allocated, arrays must arrive complete and in order, strings must
 * end, and numbers must be what conf_file.c lets through.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc/conf.h"
#include "proc/proc.h"
#include "tcpd/proto.h"

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	free(c->routes);
	free(c->rules);
	free(c->quotas);
	free(c);
}

const struct conf_quota *
conf_quota(const struct conf *c, uint32_t uid)
{
	uint32_t lo = 0, hi = c->g.nquotas;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->quotas[mid].uid == uid)
			return &c->quotas[mid].quota;
		if (c->quotas[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &c->g.quota;
}

/* ---- reload ---- */

unsigned
conf_reload(struct conf *now, struct conf *next, conf_error_fn *err, void *arg)
{
	const struct conf_global *a = &now->g, *b = &next->g;
	const struct {
		const char *name;
		bool differs;
	} fixed[] = {
	    {"device", memcmp(&a->device, &b->device, sizeof a->device) != 0},
	    {"socket", strcmp(a->socket, b->socket) != 0},
	    {"control", strcmp(a->control, b->control) != 0},
	    {"control_group", a->control_gid != b->control_gid},
	    {"pidfile", strcmp(a->pidfile, b->pidfile) != 0},
	    {"user", a->have_user != b->have_user || a->uid != b->uid},
	    {"ipv4", memcmp(&a->ipv4, &b->ipv4, sizeof a->ipv4) != 0},
	    {"ipv6", memcmp(&a->ipv6, &b->ipv6, sizeof a->ipv6) != 0},
	    {"memory buffers", a->buffers != b->buffers},
	    {"resolver",
		(a->resolver.nservers == 0) != (b->resolver.nservers == 0)},
	    {"tcp msl", a->tcp.msl_us != b->tcp.msl_us},
	    {"tcp max_conns", a->tcp.max_conns != b->tcp.max_conns},
	    {"tcp quick_acks", a->tcp.quick_acks != b->tcp.quick_acks},
	    {"tcp max_orphans", a->tcp.max_orphans != b->tcp.max_orphans},
	    {"tcp port_range", a->tcp.port_first != b->tcp.port_first ||
				   a->tcp.port_last != b->tcp.port_last},
	};
	struct conf old = *now;
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (fixed[i].differs) {
			err(arg, fixed[i].name);
			n++;
		}
	memcpy(
	    now->g.tcp.congestion, b->tcp.congestion, sizeof b->tcp.congestion);
	now->g.engine = b->engine;
	now->g.tcp.size = b->tcp.size;
	now->g.tcp.syncookies = b->tcp.syncookies;
	now->g.tcp.syn_rate = b->tcp.syn_rate;
	now->g.tcp.mtu_probing = b->tcp.mtu_probing;
	now->g.tcp.pacing = b->tcp.pacing;
	now->g.tcp.timestamps = b->tcp.timestamps;
	now->g.tcp.sack = b->tcp.sack;
	now->g.tcp.window_scaling = b->tcp.window_scaling;
	now->g.tcp.ecn = b->tcp.ecn;
	now->g.tcp.accecn_option = b->tcp.accecn_option;
	now->g.tcp.ect_all = b->tcp.ect_all;
	now->g.tcp.syn_linear = b->tcp.syn_linear;
	now->g.tcp.loopback_fast_path = b->tcp.loopback_fast_path;
	now->g.tcp.fastopen = b->tcp.fastopen;
	if (a->resolver.nservers != 0 && b->resolver.nservers != 0)
		now->g.resolver = b->resolver;
	now->g.quota = b->quota;
	now->g.loopback = b->loopback;
	now->g.loopback_line = b->loopback_line;
	memcpy(now->g.addrs, b->addrs, sizeof b->addrs);
	now->g.naddrs = b->naddrs;
	now->g.nroutes = b->nroutes;
	now->g.nrules = b->nrules;
	now->g.nquotas = b->nquotas;
	now->routes = next->routes;
	now->rules = next->rules;
	now->quotas = next->quotas;
	next->routes = old.routes;
	next->rules = old.rules;
	next->quotas = old.quotas;
	conf_free(next);
	return n;
}

/* ---- sending ---- */

static int
send_array(struct msgchan *ch, uint16_t type, const void *rows, size_t size,
    uint32_t n)
{
	uint32_t per = (uint32_t)(MSG_DATA_MAX / size);

	for (uint32_t i = 0; i < n; i += per) {
		uint32_t k = n - i < per ? n - i : per;
		int rc = msgchan_send(ch, type, 0,
		    (const char *)rows + i * size, k * size, NULL, 0);

		if (rc != 0)
			return rc;
	}
	return 0;
}

int
conf_send(const struct conf *c, struct msgchan *ch)
{
	int rc;

	rc = msgchan_send(ch, PM_CONF, 0, &c->g, sizeof c->g, NULL, 0);
	if (rc == 0)
		rc = send_array(ch, PM_CONF_ROUTES, c->routes,
		    sizeof *c->routes, c->g.nroutes);
	if (rc == 0)
		rc = send_array(
		    ch, PM_CONF_RULES, c->rules, sizeof *c->rules, c->g.nrules);
	if (rc == 0)
		rc = send_array(ch, PM_CONF_QUOTAS, c->quotas,
		    sizeof *c->quotas, c->g.nquotas);
	if (rc == 0)
		rc = msgchan_send(ch, PM_CONF_END, 0, NULL, 0, NULL, 0);
	return rc;
}

/* ---- receiving ---- */

#define ENDS(s) (memchr((s), '\0', sizeof(s)) != NULL)

bool
conf_plen_valid(const struct ipaddr *a, uint8_t plen)
{
	return plen <= 128 && (plen >= 96 || !ipaddr_is_v4(a));
}

static bool
addrs_valid(const struct conf_addr *a, uint32_t n)
{
	if (n > CONF_ADDRS)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!conf_plen_valid(&a[i].addr, a[i].plen))
			return false;
	return true;
}

static bool
size_valid(uint32_t size, uint32_t max)
{
	return size >= 4096 && size <= max && max <= 1u << 30;
}

static bool
global_valid(const struct conf_global *g)
{
	const struct conf_device *d = &g->device;
	const struct conf_tcp *t = &g->tcp;

	return d->kind >= DEV_TAP && d->kind <= DEV_XDP && ENDS(d->name) &&
	       ENDS(d->netns) && addrs_valid(d->hosts, d->nhosts) &&
	       ENDS(t->congestion) && ENDS(g->quota.congestion) &&
	       t->pacing <= 1 &&
	       size_valid(t->size.sndbuf, t->size.sndbuf_max) &&
	       size_valid(t->size.rcvbuf, t->size.rcvbuf_max) &&
	       t->msl_us >= 1000000 && t->msl_us <= 120000000 &&
	       t->syncookies <= TCP_COOKIES_ALWAYS && t->ecn <= TCP_ECN_ON &&
	       t->accecn_option <= TCP_ACCECN_NEVER && t->ect_all <= 1 &&
	       t->mtu_probing <= TCP_MTU_ALWAYS &&
	       (t->fastopen.mode & ~FASTOPEN_ALL) == 0 &&
	       t->fastopen.nkeys <= 2 && t->port_first >= 1 &&
	       t->port_first < t->port_last &&
	       g->naddrs + g->ipv6.slaac + g->ipv4.dhcp >= 1 &&
	       g->resolver.nservers <= CONF_SERVERS && g->resolver.hosts <= 1 &&
	       d->vlan < 4095 && addrs_valid(g->addrs, g->naddrs) &&
	       ENDS(g->socket) && ENDS(g->control) && ENDS(g->pidfile) &&
	       ENDS(g->user) && g->buffers >= 1u << 20 &&
	       g->engine.busypoll.max_us <= BUSYPOLL_MAX_US &&
	       g->engine.busypoll.share >= 1 &&
	       g->engine.busypoll.share <= 100 && g->engine.ring <= 1 &&
	       g->loopback >= PROTO_KERNEL && g->loopback <= PROTO_REFUSE &&
	       g->quota.buffer_bytes >= 65536 && g->nroutes <= CONF_ROUTES &&
	       g->nrules <= CONF_RULES && g->nquotas <= CONF_QUOTAS;
}

static bool
arrays_valid(const struct conf *c)
{
	for (uint32_t i = 0; i < c->g.nroutes; i++)
		if (!conf_plen_valid(&c->routes[i].dst, c->routes[i].plen))
			return false;
	for (uint32_t i = 0; i < c->g.nrules; i++) {
		const struct conf_rule *r = &c->rules[i];

		if (r->plen > 128 || r->action < PROTO_KERNEL ||
		    r->action > PROTO_REFUSE || r->port_first > r->port_last)
			return false;
	}
	for (uint32_t i = 0; i < c->g.nquotas; i++)
		if (c->quotas[i].quota.buffer_bytes < 65536 ||
		    !ENDS(c->quotas[i].quota.congestion) ||
		    (i > 0 && c->quotas[i].uid <= c->quotas[i - 1].uid))
			return false;
	return true;
}

static int
begin(struct confrx *rx, const struct msg *m)
{
	struct conf *c;

	if (rx->building != NULL)
		return -EPROTO;
	if ((c = calloc(1, sizeof *c)) == NULL)
		return -ENOMEM;
	*rx = (struct confrx){.building = c};
	if (!MSG_GET(m, &c->g) || !global_valid(&c->g))
		return -EPROTO;
	c->routes = calloc(c->g.nroutes + 1, sizeof *c->routes);
	c->rules = calloc(c->g.nrules + 1, sizeof *c->rules);
	c->quotas = calloc(c->g.nquotas + 1, sizeof *c->quotas);
	if (c->routes == NULL || c->rules == NULL || c->quotas == NULL)
		return -ENOMEM;
	return 0;
}

/* More elements of one array; *have counts them, want is the promise. */
static int
append(const struct msg *m, void *array, size_t size, uint32_t *have,
    uint32_t want)
{
	const void *rows;
	int n = msg_rows(m, NULL, 0, size, &rows);

	if (n <= 0 || (uint32_t)n > want - *have)
		return -EPROTO;
	memcpy((char *)array + *have * size, rows, (size_t)n * size);
	*have += (uint32_t)n;
	return 0;
}

static int
step(struct confrx *rx, const struct msg *m)
{
	struct conf *c = rx->building;

	if (m->type == PM_CONF)
		return begin(rx, m);
	if (c == NULL)
		return -EPROTO;
	switch (m->type) {
	case PM_CONF_ROUTES:
		return append(m, c->routes, sizeof *c->routes, &rx->have_routes,
		    c->g.nroutes);
	case PM_CONF_RULES:
		return append(m, c->rules, sizeof *c->rules, &rx->have_rules,
		    c->g.nrules);
	case PM_CONF_QUOTAS:
		return append(m, c->quotas, sizeof *c->quotas, &rx->have_quotas,
		    c->g.nquotas);
	case PM_CONF_END:
		if (m->len != 0 || rx->have_routes != c->g.nroutes ||
		    rx->have_rules != c->g.nrules ||
		    rx->have_quotas != c->g.nquotas || !arrays_valid(c))
			return -EPROTO;
		return 1;
	default:
		return -EPROTO;
	}
}

int
confrx_input(struct confrx *rx, const struct msg *m, struct conf **done)
{
	int rc = step(rx, m);

	if (rc == 0)
		return 0;
	if (rc == 1)
		*done = rx->building;
	else
		conf_free(rx->building);
	rx->building = NULL;
	return rc;
}
