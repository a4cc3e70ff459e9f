/* SPDX-License-Identifier: ISC */
/*
 * tcpd.conf (tcpd.conf(5)) read into struct conf.
 *
 * libconfuse does the grammar.  It calls validate_key() after each value and
 * after each section, with the parser standing on that line, so a value is
 * checked and stored at once and the complaint has its exact line.
 *
 *	conf_scan.c	the text, before the parser
 *	conf_key.c	the table of keys, and the checks of their values
 *	conf_section.c	the table of sections, when they are complete
 *	here		the parser, and what belongs together fits together
 *
 * Only the parent runs this, on a file that root owns: it is not hostile, but
 * it is often wrong, and the daemon must say how.
 */
#include "config.h"

#include <pwd.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addrtext.h"
#include "base/check.h"
#include "proc/conf_read.h"
#include "tcp/tcp.h"
#include "tcpd/proto.h"

#define DEFAULT_USER	"_tcpd"
#define FALLBACK_USER	"nobody"
#define BUSY_POLL_US	100 /* about the time of a round trip on one host */
#define BUSY_POLL_SHARE 20
#define OPTS_MAX	40 /* of one section, its sections and its end too */

static struct reader *cur; /* libconfuse hands no argument through */
int
conf_complain(struct reader *r, uint32_t line, const char *fmt, ...)
{
	char text[600], whole[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (line > 0)
		snprintf(whole, sizeof whole, "%s:%u: %s", r->path, line, text);
	else
		snprintf(whole, sizeof whole, "%s: %s", r->path, text);
	if (!r->failed)
		r->err(r->arg, whole);
	r->failed = true;
	return -1;
}
/* ---- libconfuse ---- */

static int
end_section(struct reader *r, cfg_opt_t *opt)
{
	cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	uint32_t line = r->closed < r->nopened ? r->opened[r->closed] : 0;

	r->closed++;
	for (unsigned i = 0; i < conf_nsections; i++) {
		if (strcmp(conf_section_names[conf_sections[i].section],
			opt->name) != 0)
			continue;
		if (conf_sections[i].end(r, sec, line) != 0)
			return -1;
		for (unsigned k = 0; k < conf_nkeys && conf_sections[i].titled;
		     k++)
			if (conf_keys[k].section == conf_sections[i].section)
				r->key_line[k] = 0;
	}
	return 0;
}

/* After each value and each section. */
static int
validate_key(cfg_t *cfg, cfg_opt_t *opt)
{
	struct reader *r = cur;
	uint32_t line = (uint32_t)cfg->line;

	if (opt->type == CFGT_SEC)
		return end_section(r, opt);
	for (unsigned i = 0; i < conf_nkeys; i++) {
		const struct key *k = &conf_keys[i];

		if (strcmp(k->name, opt->name) != 0 ||
		    strcmp(conf_section_names[k->section], cfg->name) != 0)
			continue;
		if (r->key_line[i] != 0 &&
		    (k->type != CFGT_STR || k->min != KEY_MANY))
			return conf_complain(r, line,
			    "%s is given twice, first on line %u; keep one",
			    k->name, r->key_line[i]);
		r->key_line[i] = line;
		return k->set(r, k, opt, line);
	}
	return conf_complain(r, line, "%s is not known here", opt->name);
}

/* "; here can be: name, mtu, ..." */
static void
list_options(cfg_t *cfg, char *buf, size_t size)
{
	size_t at = strlen(buf);

	for (unsigned i = 0; cfg->opts[i].name != NULL && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s",
		    i == 0 ? "; possible here: " : ", ", cfg->opts[i].name);
}

/* libconfuse's complaints, with the cure. */
static void
grammar_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const struct {
		const char *fmt, *cure;
	} cures[] = {
	    {"missing equal sign", "write KEY = VALUE"},
	    {"invalid integer", "give a whole number"},
	    {"integer value for", "give a smaller number"},
	    {"invalid boolean", "write true or false"},
	    {"missing title", "write it like device tap { ... }"},
	    {"found duplicate title", "keep one of the two sections"},
	    {"missing opening brace", "a section is NAME { KEY = VALUE ... }"},
	    {"unexpected closing brace", "remove it"},
	    {"premature end of file", "the last line lacks its value"},
	    {"unexpected token", "one value is expected here, in quotes when "
				 "it is more than letters and digits"},
	};
	char text[500];

	vsnprintf(text, sizeof text, fmt, ap);
	if (strncmp(fmt, "no such option", 14) == 0)
		list_options(cfg, text, sizeof text);
	for (unsigned i = 0; i < sizeof cures / sizeof cures[0]; i++)
		if (strncmp(fmt, cures[i].fmt, strlen(cures[i].fmt)) == 0)
			snprintf(text + strlen(text),
			    sizeof text - strlen(text), "; %s", cures[i].cure);
	conf_complain(cur, cfg != NULL ? (uint32_t)cfg->line : 0, "%s", text);
}

/* The options of one section, from the tables. */
static void
make_opts(cfg_opt_t *opts, enum section s, cfg_opt_t (*all)[OPTS_MAX])
{
	static const cfg_opt_t end = CFG_END();
	unsigned n = 0;

	for (unsigned i = 0; i < conf_nkeys; i++) {
		if (conf_keys[i].section != s)
			continue;
		opts[n++] = (cfg_opt_t){.name = conf_keys[i].name,
		    .type = conf_keys[i].type,
		    .flags = CFGF_NODEFAULT,
		    .validcb = validate_key};
	}
	for (unsigned i = 0; i < conf_nsections; i++) {
		if (conf_sections[i].parent != s)
			continue;
		opts[n++] = (cfg_opt_t){
		    .name = conf_section_names[conf_sections[i].section],
		    .type = CFGT_SEC,
		    .flags = conf_sections[i].titled
				 ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
				 : CFGF_NONE,
		    .subopts = all[conf_sections[i].section],
		    .validcb = validate_key};
	}
	CHECK(n < OPTS_MAX);
	opts[n] = end;
}
/* ---- the whole ---- */

static int
by_uid(const void *a, const void *b)
{
	const struct conf_quota_user *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* What a quota_user section leaves out comes from quota. */
static int
finish_quotas(struct reader *r)
{
	struct conf *c = r->conf;

	if (r->nusers > 0 &&
	    (c->quotas = calloc(r->nusers, sizeof *c->quotas)) == NULL)
		return conf_complain(r, 0, "out of memory");
	for (unsigned i = 0; i < r->nusers; i++) {
		const struct user_section *u = &r->users[i];
		struct conf_quota *q = &c->quotas[i].quota;

		c->quotas[i] = u->q;
		if ((u->given & 1u << 0) == 0)
			q->conns = c->g.quota.conns;
		if ((u->given & 1u << 1) == 0)
			q->listeners = c->g.quota.listeners;
		if ((u->given & 1u << 2) == 0)
			q->half_open = c->g.quota.half_open;
		if ((u->given & 1u << 3) == 0)
			q->buffer_bytes = c->g.quota.buffer_bytes;
		if ((u->given & 1u << 4) == 0)
			memcpy(q->congestion, c->g.quota.congestion,
			    sizeof q->congestion);
	}
	c->g.nquotas = r->nusers;
	if (c->quotas != NULL)
		qsort(c->quotas, c->g.nquotas, sizeof *c->quotas, by_uid);
	return 0;
}

/* Whom the children become: only root can change. */
static int
finish_user(struct reader *r)
{
	struct conf_global *g = &r->conf->g;
	struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	if (g->user[0] == '\0')
		strcpy(g->user, getpwnam(DEFAULT_USER) != NULL ? DEFAULT_USER
							       : FALLBACK_USER);
	if ((pw = getpwnam(g->user)) == NULL)
		return conf_complain(r, 0,
		    "neither user %s nor %s exists; create %s (useradd "
		    "--system %s) or set user",
		    DEFAULT_USER, FALLBACK_USER, DEFAULT_USER, DEFAULT_USER);
	if (pw->pw_uid == 0)
		return conf_complain(r, *conf_key_line(r, S_TOP, "user"),
		    "user = \"%s\" is root; name one without privileges",
		    g->user);
	g->uid = pw->pw_uid;
	g->gid = pw->pw_gid;
	g->have_user = 1;
	return 0;
}

/* The address of ours in whose network a is; NULL: none. */
static const struct conf_addr *
link_of(const struct conf_global *g, const struct ipaddr *a)
{
	for (uint32_t i = 0; i < g->naddrs; i++)
		if (ipaddr_is_v4(&g->addrs[i].addr) == ipaddr_is_v4(a) &&
		    ipaddr_in(a, &g->addrs[i].addr, g->addrs[i].plen))
			return &g->addrs[i];
	return NULL;
}

static bool
is_ours(const struct conf_global *g, const struct ipaddr *a)
{
	for (uint32_t i = 0; i < g->naddrs; i++)
		if (ipaddr_eq(&g->addrs[i].addr, a))
			return true;
	return false;
}

/* The first address of a's family, to name in a complaint. */
static const struct conf_addr *
like(const struct conf_global *g, const struct ipaddr *a)
{
	for (uint32_t i = 0; i < g->naddrs; i++)
		if (ipaddr_is_v4(&g->addrs[i].addr) == ipaddr_is_v4(a))
			return &g->addrs[i];
	return NULL;
}

/* The host's side of a TAP shares a network with us. */
static int
check_hosts(struct reader *r)
{
	struct conf_global *g = &r->conf->g;
	char a[ADDRTEXT_MAX], b[ADDRTEXT_MAX];

	for (uint32_t i = 0; i < g->device.nhosts; i++) {
		const struct conf_addr *h = &g->device.hosts[i], *ours;

		if (link_of(g, &h->addr) != NULL && !is_ours(g, &h->addr))
			continue;
		/* A router or a server of ours, perhaps. */
		if ((ipaddr_is_v4(&h->addr) ? g->ipv4.dhcp : g->ipv6.slaac) &&
		    !is_ours(g, &h->addr))
			continue;
		if ((ours = like(g, &h->addr)) == NULL)
			return conf_complain(r, h->line,
			    "host_address %s has no address of ours in its "
			    "network; add address = ..., or leave it out",
			    addrtext(&h->addr, a));
		return conf_complain(r, ours->line,
		    "address %s and the device's host_address %s must be two "
		    "addresses of one network",
		    addrtext_prefix(&ours->addr, ours->plen, a),
		    addrtext(&h->addr, b));
	}
	return 0;
}

static int
check_gateway(struct reader *r, const struct conf_route *rt)
{
	struct conf_global *g = &r->conf->g;
	const struct conf_addr *ours = like(g, &rt->gateway);
	char a[ADDRTEXT_MAX], b[ADDRTEXT_MAX];

	if (ours == NULL && g->ipv6.slaac && ipaddr_is_link_local(&rt->gateway))
		return 0;
	if (ours == NULL)
		return conf_complain(r, rt->line,
		    "a route by way of %s needs an address of its family; "
		    "add address = ...",
		    addrtext(&rt->gateway, a));
	if (is_ours(g, &rt->gateway) ||
	    (link_of(g, &rt->gateway) == NULL &&
		(ipaddr_is_v4(&rt->gateway) ||
		    !ipaddr_is_link_local(&rt->gateway))))
		return conf_complain(r, rt->line,
		    "gateway %s is not another station in the network of "
		    "address %s; name one that is",
		    addrtext(&rt->gateway, a),
		    addrtext_prefix(&ours->addr, ours->plen, b));
	return 0;
}

/* Does, or may, the stack have a route to a? */
static bool
may_reach(const struct conf *c, const struct ipaddr *a)
{
	bool v4 = ipaddr_is_v4(a), six = c->g.ipv6.slaac;

	for (uint32_t i = 0; i < c->g.naddrs; i++)
		six |= !ipaddr_is_v4(&c->g.addrs[i].addr);
	if (v4 ? c->g.ipv4.dhcp : six && c->g.ipv6.accept_ra)
		return true;
	for (uint32_t i = 0; i < c->g.nroutes; i++)
		if (ipaddr_is_v4(&c->routes[i].dst) == v4 &&
		    ipaddr_in(a, &c->routes[i].dst, c->routes[i].plen))
			return true;
	return link_of(&c->g, a) != NULL;
}

static int
check_nameservers(struct reader *r)
{
	const struct conf_resolver *res = &r->conf->g.resolver;
	char a[ADDRTEXT_MAX];

	for (uint32_t i = 0; i < res->nservers; i++)
		if (!may_reach(r->conf, &res->servers[i].addr))
			return conf_complain(r,
			    *conf_key_line(r, S_RESOLVER, "nameserver"),
			    "no route leads to nameserver %s; add gateway = "
			    "..., or name one in the network of an address",
			    addrtext(&res->servers[i].addr, a));
	return 0;
}

/* RFC 8200 5: a link that carries IPv6 carries 1280 bytes. */
static int
check_mtu(struct reader *r)
{
	struct conf_global *g = &r->conf->g;

	if (g->ipv6.slaac && g->device.mtu != 0 && g->device.mtu < 1280)
		return conf_complain(r, *conf_key_line(r, S_TOP, "address"),
		    "address = \"slaac\" needs an MTU of 1280 at least, the "
		    "device has mtu = %u; raise it",
		    g->device.mtu);
	for (uint32_t i = 0; i < g->naddrs; i++)
		if (!ipaddr_is_v4(&g->addrs[i].addr) && g->device.mtu != 0 &&
		    g->device.mtu < 1280)
			return conf_complain(r, g->addrs[i].line,
			    "an IPv6 address needs an MTU of 1280 at least, "
			    "the device has mtu = %u; raise it",
			    g->device.mtu);
	return 0;
}

/* A buffer that begins larger than the default maximum does not grow. */
static int
finish_size(struct reader *r, const char *name, const char *max_name,
    uint32_t size, uint32_t *max)
{
	uint32_t line = *conf_key_line(r, S_TCP, max_name);

	if (size <= *max)
		return 0;
	if (line != 0)
		return conf_complain(r, line,
		    "%s = %u is less than %s = %u; raise it, or leave it out",
		    max_name, *max, name, size);
	*max = size;
	return 0;
}

static int
finish_tcp(struct reader *r)
{
	struct tcp_bufs *b = &r->conf->g.tcp.size;

	if (finish_size(r, "sndbuf", "sndbuf_max", b->sndbuf, &b->sndbuf_max) !=
	    0)
		return -1;
	return finish_size(
	    r, "rcvbuf", "rcvbuf_max", b->rcvbuf, &b->rcvbuf_max);
}

/* What belongs together fits together. */
static int
finish_network(struct reader *r)
{
	struct conf_global *g = &r->conf->g;

	if (r->device_line == 0)
		return conf_complain(
		    r, 0, "no device; add device tap { host_address = ... }");
	if (g->naddrs == 0 && !g->ipv6.slaac && !g->ipv4.dhcp)
		return conf_complain(
		    r, 0, "no address; add address = \"192.0.2.2/24\"");
	if (g->ipv6.slaac && !g->ipv6.accept_ra)
		return conf_complain(r, *conf_key_line(r, S_IPV6, "accept_ra"),
		    "address = \"slaac\" comes from routers, which "
		    "accept_ra = false ignores; leave one of the two out");
	if (check_hosts(r) != 0 || check_mtu(r) != 0)
		return -1;
	for (uint32_t i = 0; i < g->nroutes; i++)
		if (!ipaddr_is_any(&r->conf->routes[i].gateway) &&
		    check_gateway(r, &r->conf->routes[i]) != 0)
			return -1;
	if (check_nameservers(r) != 0)
		return -1;
	if (strcmp(g->socket, g->control) == 0)
		return conf_complain(r, *conf_key_line(r, S_TOP, "control"),
		    "socket and control are the same path; give each its own");
	return 0;
}

/* With one processor, who looks keeps those away that he waits for. */
static uint32_t
default_busy_poll(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 &&
	    CPU_COUNT(&cpus) == 1)
		return 0;
	return BUSY_POLL_US;
}

static struct conf *
new_conf(void)
{
	struct conf *c = calloc(1, sizeof *c);
	struct conf_global *g;

	if (c == NULL)
		return NULL;
	g = &c->g;
	g->device.offload = 1;
	g->device.ring = 1;
	g->engine.busypoll = (struct busypoll_config){
	    .max_us = default_busy_poll(), .share = BUSY_POLL_SHARE};
	g->tcp = (struct conf_tcp){.congestion = "cubic",
	    .size = {.sndbuf = 256u << 10,
		.sndbuf_max = 4u << 20,
		.rcvbuf = 128u << 10,
		.rcvbuf_max = 6u << 20},
	    .msl_us = 30000000,
	    .timestamps = 1,
	    .sack = 1,
	    .window_scaling = 1,
	    .quick_acks = 1,
	    .max_orphans = 65536,
	    .syn_rate = 30000,
	    .pacing = 1,
	    .loopback_fast_path = 1,
	    .ecn = TCP_ECN_ON,
	    .fastopen = {.mode = FASTOPEN_CLIENT | FASTOPEN_SERVER,
		.blackhole_s = 3600},
	    .port_first = 32768,
	    .port_last = 60999};
	g->ipv6 = (struct conf_ipv6){.accept_ra = 1, .dad_transmits = 1};
	g->resolver.hosts = 1;
	g->quota = (struct conf_quota){.conns = 4096,
	    .listeners = 256,
	    .half_open = 1024,
	    .buffer_bytes = 256u << 20};
	g->loopback = PROTO_KERNEL;
	g->buffers = 1u << 30;
	g->control_gid = UINT32_MAX;
	strcpy(g->socket, PROTO_SOCKET);
	strcpy(g->control, "/run/tcpd/control.sock");
	strcpy(g->pidfile, "/run/tcpd/tcpd.pid");
	return c;
}

static int
parse(struct reader *r)
{
	cfg_opt_t opts[S_MEMORY + 1][OPTS_MAX];
	cfg_t *cfg;
	int rc;

	for (int s = S_MEMORY; s >= S_TOP; s--)
		make_opts(opts[s], (enum section)s, opts);
	if ((cfg = cfg_init(opts[S_TOP], CFGF_NONE)) == NULL)
		return conf_complain(r, 0, "out of memory");
	cfg_set_error_function(cfg, grammar_error);
	cur = r;
	rc = cfg_parse_buf(cfg, r->text);
	cur = NULL;
	cfg_free(cfg);
	if (rc != CFG_SUCCESS && !r->failed)
		return conf_complain(r, 0, "cannot be parsed");
	return r->failed ? -1 : 0;
}

struct conf *
conf_load(const char *path, conf_error_fn *err, void *arg)
{
	struct reader r = {.path = path, .err = err, .arg = arg};

	if ((r.conf = new_conf()) == NULL)
		conf_complain(&r, 0, "out of memory");
	else if (conf_read_text(&r) == 0 && conf_scan(&r) == 0 &&
		 parse(&r) == 0 && finish_network(&r) == 0 &&
		 finish_tcp(&r) == 0 && finish_quotas(&r) == 0)
		finish_user(&r);
	free(r.text);
	free(r.opened);
	free(r.users);
	if (r.failed) {
		conf_free(r.conf);
		return NULL;
	}
	return r.conf;
}
