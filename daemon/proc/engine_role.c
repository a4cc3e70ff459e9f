/* SPDX-License-Identifier: ISC */
/*
 * The engine as a process: what the parent sends becomes an engine, the
 * frontend's questions are answered, a stop is carried out.  See proc.h for
 * the order of the messages.  The parent is trusted to be the parent, its
 * messages are checked all the same.
 */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/addrtext.h"
#include "proc/engine.h"
#include "proc/log.h"
#include "proc/proc.h"
#include "proc/sandbox.h"

struct role {
	struct event_base *eb;
	struct msgchan *parent, *frontend;
	struct engine *engine;
	struct confrx rx;
	struct conf *conf; /* until the engine has it */
	struct dev_caps caps;
	uint8_t stable_secret[16];
	int device, listener, policy, resolver;
	bool have_device, start, failed;
	bool ready;    /* the parent knows that we are */
	uint32_t told; /* stack_changes() when it was told what there is */
	struct ipaddr doubles[STACK_ADDRS]; /* that the log knows */
	unsigned ndoubles;
};

unsigned
engine_addrs(const struct conf *conf, struct stack_addr *out)
{
	uint32_t i;

	for (i = 0; i < conf->g.naddrs && i < STACK_ADDRS; i++)
		out[i] = (struct stack_addr){
		    conf->g.addrs[i].addr, conf->g.addrs[i].plen};
	return i;
}

unsigned
engine_routes(const struct conf *conf, struct stack_route *out)
{
	uint32_t i;

	for (i = 0; i < conf->g.nroutes && i < STACK_ROUTES; i++)
		out[i] = (struct stack_route){.dst = conf->routes[i].dst,
		    .gateway = conf->routes[i].gateway,
		    .plen = conf->routes[i].plen};
	return i;
}

static void
setup_from(const struct role *r, struct engine_setup *s)
{
	const struct conf *c = r->conf;
	const struct dev_caps *caps = &r->caps;
	const struct conf_global *g = &c->g;

	memset(s, 0, sizeof *s);
	memcpy(s->stack.mac, caps->mac, sizeof s->stack.mac);
	s->stack.mtu = caps->mtu;
	s->stack.addrs = s->addrs;
	s->stack.naddrs = engine_addrs(c, s->addrs);
	s->stack.routes = s->routes;
	s->stack.nroutes = engine_routes(c, s->routes);
	s->stack.vlan = (uint16_t)g->device.vlan;
	s->stack.loopback = g->loopback == PROTO_TCPD;
	s->stack.dhcp4 = g->ipv4.dhcp;
	s->stack.conflict_detection = g->ipv4.conflict_detection;
	s->stack.ipv6 = g->ipv6.slaac;
	s->stack.accept_ra = g->ipv6.accept_ra;
	s->stack.dad_probes = g->ipv6.dad_transmits;
	memcpy(s->stack.stable_secret, r->stable_secret,
	    sizeof s->stack.stable_secret);
	s->stack.tx_csum = caps->csum;
	s->stack.tx_tso = caps->tso;
	s->stack.buf_bytes = g->buffers;
	s->stack.tcp.max_conns = g->tcp.max_conns;
	s->stack.tcp.max_orphans = g->tcp.max_orphans;
	s->stack.tcp.no_timestamps = !g->tcp.timestamps;
	s->stack.tcp.no_sack = !g->tcp.sack;
	s->stack.tcp.no_wscale = !g->tcp.window_scaling;
	s->stack.tcp.no_quickack = !g->tcp.quick_acks;
	s->stack.tcp.size = g->tcp.size;
	s->stack.tcp.msl_us = g->tcp.msl_us;
	s->stack.tcp.port_first = g->tcp.port_first;
	s->stack.tcp.port_last = g->tcp.port_last;
	s->stack.tcp.congestion = g->tcp.congestion;
	s->stack.tcp.syncookies = g->tcp.syncookies;
	s->stack.tcp.mtu_probing = g->tcp.mtu_probing;
	s->stack.tcp.pacing = g->tcp.pacing;
	s->stack.tcp.ecn = g->tcp.ecn;
	s->stack.tcp.accecn_option = g->tcp.accecn_option;
	s->stack.tcp.ect_all = g->tcp.ect_all;
	s->stack.tcp.syn_linear = g->tcp.syn_linear;
	s->stack.tcp.no_fast_path = !g->tcp.loopback_fast_path;
	s->stack.tcp.fastopen = g->tcp.fastopen;
	s->fd_dir = sandbox_fd_dir();
}

/* ---- the frontend ---- */

static bool
frontend_input(void *arg, struct msg *m)
{
	struct role *r = arg;

	return m->type == FM_QUERY && r->engine != NULL &&
	       report_query(r->engine, r->frontend, m);
}

static void
frontend_closed(void *arg, int error)
{
	struct role *r = arg;

	msgchan_free(r->frontend);
	r->frontend = NULL;
	if (error != 0)
		log_error("the frontend sent a malformed message");
}

static const struct msgchan_ops frontend_ops = {
    .input = frontend_input,
    .closed = frontend_closed,
};

/* ---- the parent ---- */

static bool
got_conf(struct role *r, struct msg *m)
{
	struct conf *c = NULL;
	int rc = confrx_input(&r->rx, m, &c);

	if (rc < 0)
		return false;
	if (rc == 0)
		return true;
	if (r->engine != NULL) {
		engine_set_conf(r->engine, c);
		return true;
	}
	conf_free(r->conf);
	r->conf = c;
	return true;
}

static bool
got_fd(struct msg *m, int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = msg_take_fd(m, 0);
	return *fd >= 0;
}

static bool
got_peer(struct role *r, struct msg *m)
{
	int fd = msg_take_fd(m, 0);

	if (fd < 0 || r->frontend != NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	r->frontend =
	    msgchan_new(r->eb, fd, &msgchan_internal, &frontend_ops, r);
	return r->frontend != NULL;
}

static bool
got_policy(struct role *r, struct msg *m)
{
	struct pm_policy p;

	if (!MSG_GET(m, &p) || !got_fd(m, &r->policy))
		return false;
	if (r->engine != NULL) {
		engine_set_policy(r->engine, r->policy);
		r->policy = -1;
	}
	return true;
}

static bool
got_device(struct role *r, struct msg *m)
{
	struct pm_link l;

	r->have_device = MSG_GET(m, &l) && pm_device_to(&l.dev, &r->caps) &&
			 got_fd(m, &r->device);
	if (r->have_device)
		memcpy(
		    r->stable_secret, l.stable_secret, sizeof r->stable_secret);
	return r->have_device;
}

static bool
parent_input(void *arg, struct msg *m)
{
	struct role *r = arg;

	switch (m->type) {
	case PM_CONF:
	case PM_CONF_ROUTES:
	case PM_CONF_RULES:
	case PM_CONF_QUOTAS:
	case PM_CONF_END:
		return got_conf(r, m);
	case PM_DEVICE:
		return got_device(r, m);
	case PM_LISTENER:
		return got_fd(m, &r->listener);
	case PM_POLICY:
		return got_policy(r, m);
	case PM_PEER:
		return got_peer(r, m);
	case PM_RESOLVER:
		return r->engine == NULL && got_fd(m, &r->resolver);
	case PM_LOG:
		return proc_log(m);
	case PM_START:
		if (r->conf == NULL || !r->have_device || r->listener < 0)
			return false;
		r->start = true;
		return true;
	case PM_STOP:
		if (r->engine == NULL)
			r->failed = true;
		else
			engine_stop(r->engine);
		return true;
	default:
		return false;
	}
}

static void
parent_closed(void *arg, int error)
{
	struct role *r = arg;

	msgchan_free(r->parent);
	r->parent = NULL;
	if (error != 0)
		log_error("a malformed message from the parent");
	if (r->engine != NULL)
		engine_stop(r->engine); /* the parent is gone */
	else
		r->failed = true;
}

static const struct msgchan_ops parent_ops = {
    .input = parent_input,
    .closed = parent_closed,
};

/* ---- the process ---- */

static void
begin(struct role *r)
{
	struct engine_setup s;
	int rc;

	sandbox_enter(ROLE_ENGINE, &r->conf->g);
	setup_from(r, &s);
	r->engine = engine_new(r->eb, &s, r->conf);
	if (r->engine == NULL)
		fatal("cannot make the stack: out of memory, or congestion "
		      "control \"%s\" is unknown",
		    r->conf->g.tcp.congestion);
	r->conf = NULL;
	engine_set_policy(r->engine, r->policy);
	r->policy = -1;
	if (r->resolver >= 0 && !engine_set_resolver(r->engine, r->resolver))
		fatal("cannot talk to the resolver");
	rc = engine_set_device(r->engine, r->device, &r->caps);
	if (rc == 0)
		rc = engine_set_listener(r->engine, r->listener);
	if (rc != 0)
		fatal(
		    "cannot attach device %s: %s", r->caps.name, strerror(-rc));
	log_debug("running on %s", r->caps.name);
}

/* ---- what the network gives ---- */

static bool
in_list(const struct ipaddr *list, unsigned n, const struct ipaddr *a)
{
	while (n > 0)
		if (ipaddr_eq(&list[--n], a))
			return true;
	return false;
}

struct collect {
	struct role *r;
	struct cm_net net;
	struct ipaddr doubles[STACK_ADDRS];
	unsigned ndoubles;
};

/* An address that another station has as well is told once. */
static void
note_double(struct collect *c, const struct ipaddr *a)
{
	char text[ADDRTEXT_MAX];

	if (!in_list(c->r->doubles, c->r->ndoubles, a))
		log_warn("address %s is another station's on this link "
			 "already, and is not used; give tcpd another one",
		    addrtext(a, text));
	if (c->ndoubles < STACK_ADDRS)
		c->doubles[c->ndoubles++] = *a;
}

static void
collect_addr(void *arg, const struct stack_addr_row *a)
{
	struct collect *c = arg;
	struct cm_net *n = &c->net;

	if (strcmp(a->state, "duplicate") == 0)
		note_double(c, &a->addr);
	if (a->usable && strcmp(a->origin, "static") != 0 &&
	    n->naddrs < CM_NET_ADDRS)
		n->addrs[n->naddrs++] =
		    (struct conf_addr){.addr = a->addr, .plen = a->plen};
}

static void
collect_route(void *arg, const struct stack_route_row *r)
{
	struct cm_net *n = &((struct collect *)arg)->net;

	if (strcmp(r->origin, "static") != 0 && n->nroutes < CM_NET_ROUTES)
		n->routes[n->nroutes++] = (struct conf_route){
		    .dst = r->dst, .gateway = r->gateway, .plen = r->plen};
}

/* Tells the parent what changed, and when the addresses can be used. */
static void
tell_parent(struct role *r)
{
	struct stack *s = r->engine->stack;
	struct collect c = {.r = r};

	if (r->parent == NULL)
		return;
	if (r->told != stack_changes(s)) {
		r->told = stack_changes(s);
		stack_foreach_addr(s, collect_addr, &c, engine_now(r->engine));
		stack_foreach_route(s, collect_route, &c);
		memcpy(r->doubles, c.doubles, sizeof r->doubles);
		r->ndoubles = c.ndoubles;
		msgchan_send(
		    r->parent, CM_NET, 0, &c.net, sizeof c.net, NULL, 0);
	}
	if (!r->ready && stack_addrs_settled(s)) {
		r->ready = true;
		msgchan_send(r->parent, CM_READY, 0, NULL, 0, NULL, 0);
	}
}

int
engine_main(const struct proc_args *a)
{
	struct role r = {
	    .device = -1, .listener = -1, .policy = -1, .resolver = -1};
	bool failed;

	r.eb = proc_begin(&r.parent, &parent_ops, &r);
	while (!r.start && !r.failed)
		event_base_loop(r.eb, EVLOOP_ONCE);
	if (r.failed)
		return 1;
	begin(&r);
	do
		tell_parent(&r);
	while (engine_turn(r.engine));
	failed = engine_failed(r.engine);
	if (r.frontend != NULL)
		msgchan_free(r.frontend);
	if (r.parent != NULL)
		msgchan_free(r.parent);
	engine_free(r.engine);
	event_base_free(r.eb);
	return failed ? 1 : 0;
}
