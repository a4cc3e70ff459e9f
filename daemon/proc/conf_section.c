/* SPDX-License-Identifier: ISC */
/*
 * The sections of tcpd.conf when they are complete: what the title says, which
 * keys go with it, and the element that it adds to the configuration.
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrtext.h"
#include "dev/dev.h"
#include "proc/conf_read.h"

static int
end_device(struct reader *r, cfg_t *sec, uint32_t line)
{
	/* Keys that only one kind of device has. */
	static const struct {
		const char *name;
		unsigned kinds;
	} only[] = {{"name", 1 << DEV_TAP}, {"txqueuelen", 1 << DEV_TAP},
	    {"multi_queue", 1 << DEV_TAP}, {"host_address", 1 << DEV_TAP},
	    {"offload", 1 << DEV_TAP | 1 << DEV_PACKET},
	    {"interface", 1 << DEV_PACKET | 1 << DEV_XDP},
	    {"ring", 1 << DEV_PACKET}};
	struct conf_device *d = &r->conf->g.device;
	const char *title = cfg_title(sec);

	if (r->device_line != 0)
		return conf_complain(r, line,
		    "a second device (the first is on line %u); there can be "
		    "one",
		    r->device_line);
	r->device_line = line;
	if (strcmp(title, "tap") == 0)
		d->kind = DEV_TAP;
	else if (strcmp(title, "packet") == 0)
		d->kind = DEV_PACKET;
	else if (strcmp(title, "xdp") == 0)
		d->kind = DEV_XDP;
	else
		return conf_complain(r, line,
		    "device %s is unknown; use tap, packet or xdp", title);
	for (unsigned i = 0; i < sizeof only / sizeof only[0]; i++) {
		uint32_t at = *conf_key_line(r, S_DEVICE, only[i].name);

		if (at != 0 && (only[i].kinds & 1u << d->kind) == 0)
			return conf_complain(r, at,
			    "a device %s has no %s; leave it out", title,
			    only[i].name);
	}
	if (d->kind == DEV_TAP) {
		if (d->name[0] == '\0')
			strcpy(d->name, "tcpd0");
		if (d->mtu == 0)
			d->mtu = 1500;
		if (d->txqueuelen == 0)
			d->txqueuelen = 10000;
	} else if (d->name[0] == '\0') {
		return conf_complain(r, line,
		    "device %s names no interface; add interface = \"eth0\"",
		    title);
	}
	return 0;
}

void *
conf_grow(struct reader *r, void *arrayp, uint32_t *n, size_t size,
    uint32_t max, const char *what, uint32_t line)
{
	void **array = arrayp;
	void *p;

	if (*n >= max) {
		conf_complain(
		    r, line, "too many %s; at most %u fit", what, max);
		return NULL;
	}
	if ((p = reallocarray(*array, *n + 1, size)) == NULL) {
		conf_complain(r, line, "out of memory");
		return NULL;
	}
	*array = p;
	p = (char *)p + *n * size;
	memset(p, 0, size);
	++*n;
	return p;
}

/* A prefix without bits set beyond its length. */
static int
check_prefix(struct reader *r, const char *s, const struct ipaddr *addr,
    uint8_t plen, uint32_t line)
{
	struct ipaddr net = ipaddr_masked(addr, plen);
	char buf[ADDRTEXT_MAX];

	if (!ipaddr_eq(addr, &net))
		return conf_complain(r, line,
		    "\"%s\" has bits set beyond its length; did you mean "
		    "%s?",
		    s, addrtext_prefix(&net, plen, buf));
	return 0;
}

int
conf_add_route(
    struct reader *r, const struct conf_route *route, const char *title)
{
	struct conf *c = r->conf;
	struct conf_route *rt;

	for (uint32_t i = 0; i < c->g.nroutes; i++)
		if (ipaddr_eq(&c->routes[i].dst, &route->dst) &&
		    c->routes[i].plen == route->plen)
			return conf_complain(r, route->line,
			    "route \"%s\" is there already, on line %u; keep "
			    "one of them",
			    title, c->routes[i].line);
	rt = conf_grow(r, &c->routes, &c->g.nroutes, sizeof *rt, CONF_ROUTES,
	    "routes", route->line);
	if (rt == NULL)
		return -1;
	*rt = *route;
	return 0;
}

static int
end_route(struct reader *r, cfg_t *sec, uint32_t line)
{
	const char *title = cfg_title(sec);
	struct conf_route *rt = &r->route;

	if (!addrtext_parse_prefix(title, &rt->dst, &rt->plen))
		return conf_complain(r, line,
		    "route \"%s\" is not a prefix; write it like "
		    "\"198.51.100.0/24\" or \"2001:db8:1::/48\"",
		    title);
	if (check_prefix(r, title, &rt->dst, rt->plen, line) != 0)
		return -1;
	rt->line = r->via_line != 0 ? r->via_line : line;
	if (r->via_line != 0 &&
	    ipaddr_is_v4(&rt->dst) != ipaddr_is_v4(&rt->gateway))
		return conf_complain(r, rt->line,
		    "route \"%s\" and its via are of two families; name a "
		    "gateway of its own",
		    title);
	if (conf_add_route(r, rt, title) != 0)
		return -1;
	memset(&r->route, 0, sizeof r->route);
	r->via_line = 0;
	return 0;
}

/* PREFIX, PREFIX:PORT, PREFIX:PORT-PORT; with ports an IPv6 prefix is in
 * brackets. */
static bool
parse_rule(const char *title, char prefix[ADDRTEXT_MAX], struct conf_rule *rule)
{
	const char *end = title + strlen(title), *ports = strchr(title, ':');
	size_t n;

	if (*title == '[') {
		end = strchr(++title, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		ports = end[1] == ':' ? end + 1 : NULL;
	} else if (ports != NULL && strchr(ports + 1, ':') != NULL) {
		ports = NULL; /* IPv6 without ports */
	} else if (ports != NULL) {
		end = ports;
	}
	n = (size_t)(end - title);
	if (n >= ADDRTEXT_MAX)
		return false;
	memcpy(prefix, title, n);
	prefix[n] = '\0';
	rule->port_last = 65535;
	return addrtext_parse_prefix(prefix, &rule->addr, &rule->plen) &&
	       (ports == NULL || conf_parse_ports(ports + 1, &rule->port_first,
				     &rule->port_last));
}

/* The sections connect and bind. */
static int
end_rule(struct reader *r, cfg_t *sec, uint32_t line, bool bind)
{
	const char *title = cfg_title(sec);
	char prefix[ADDRTEXT_MAX];
	struct conf_rule *rule;

	if (!parse_rule(title, prefix, &r->rule))
		return conf_complain(r, line,
		    "%s \"%s\" is not a prefix with perhaps ports; write it "
		    "like \"10.0.0.0/8\", \"10.0.0.0/8:80-90\" or "
		    "\"[2001:db8::/32]:80\"",
		    bind ? "bind" : "connect", title);
	if (check_prefix(r, prefix, &r->rule.addr, r->rule.plen, line) != 0)
		return -1;
	if (r->rule.action == 0)
		return conf_complain(r, line,
		    "%s \"%s\" has no action; add action = \"kernel\", "
		    "\"tcpd\" or \"refuse\"",
		    bind ? "bind" : "connect", title);
	rule = conf_grow(r, &r->conf->rules, &r->conf->g.nrules, sizeof *rule,
	    CONF_RULES, "policy rules", line);
	if (rule == NULL)
		return -1;
	*rule = r->rule;
	rule->bind = bind;
	rule->line = line;
	memset(&r->rule, 0, sizeof r->rule);
	return 0;
}

static int
end_connect(struct reader *r, cfg_t *sec, uint32_t line)
{
	return end_rule(r, sec, line, false);
}

static int
end_bind(struct reader *r, cfg_t *sec, uint32_t line)
{
	return end_rule(r, sec, line, true);
}

static int
end_quota_user(struct reader *r, cfg_t *sec, uint32_t line)
{
	const char *title = cfg_title(sec);
	struct user_section *u;
	struct passwd *pw;
	unsigned long uid;
	char *end;

	errno = 0;
	uid = strtoul(title, &end, 10);
	if (*end != '\0' || title[0] < '0' || title[0] > '9') {
		if ((pw = getpwnam(title)) == NULL)
			return conf_complain(r, line,
			    "quota_user \"%s\": there is no such user; give a "
			    "login name or a number",
			    title);
		uid = pw->pw_uid;
	} else if (errno != 0 || uid >= UINT32_MAX) {
		return conf_complain(
		    r, line, "quota_user \"%s\" is not a user number", title);
	}
	for (unsigned i = 0; i < r->nusers; i++)
		if (r->users[i].q.uid == uid)
			return conf_complain(r, line,
			    "quota_user \"%s\": user %lu has a quota already; "
			    "keep one of them",
			    title, uid);
	u = conf_grow(r, &r->users, &r->nusers, sizeof *u, CONF_QUOTAS,
	    "quota_user sections", line);
	if (u == NULL)
		return -1;
	*u = r->user;
	u->q.uid = (uint32_t)uid;
	for (unsigned i = 0, bit = 0; i < conf_nkeys; i++)
		if (conf_keys[i].section == S_QUOTA_USER)
			u->given |= (unsigned)(r->key_line[i] != 0) << bit++;
	memset(&r->user, 0, sizeof r->user);
	return 0;
}

static int
end_plain(struct reader *r, cfg_t *sec, uint32_t line)
{
	return 0;
}

static int
end_resolver(struct reader *r, cfg_t *sec, uint32_t line)
{
	if (r->conf->g.resolver.nservers > 0)
		return 0;
	return conf_complain(r, line,
	    "the resolver has nobody to ask; add nameserver = "
	    "\"192.0.2.53\"");
}

const struct section_kind conf_sections[] = {
    {S_DEVICE, S_TOP, true, end_device},
    {S_ROUTE, S_TOP, true, end_route},
    {S_CONNECT, S_POLICY, true, end_connect},
    {S_BIND, S_POLICY, true, end_bind},
    {S_POLICY, S_TOP, false, end_plain},
    {S_QUOTA, S_TOP, false, end_plain},
    {S_QUOTA_USER, S_TOP, true, end_quota_user},
    {S_TCP, S_TOP, false, end_plain},
    {S_IPV4, S_TOP, false, end_plain},
    {S_IPV6, S_TOP, false, end_plain},
    {S_RESOLVER, S_TOP, false, end_resolver},
    {S_ENGINE, S_TOP, false, end_plain},
    {S_MEMORY, S_TOP, false, end_plain},
};
const unsigned conf_nsections = sizeof conf_sections / sizeof conf_sections[0];
