/* SPDX-License-Identifier: ISC */
/*
 * tcpd.conf (tcpd.conf(5)) read into struct conf.
 *
 * libconfuse does the grammar.  It calls validate_key() after each value and
 * after each section, with the parser standing on that line, so a value is
 * checked and stored at once and the complaint has its exact line.  Every key
 * is one row of a table: section, name, check, where it goes, limits.
 *
 * What libconfuse lets pass is caught by scan() before it: a file that ends
 * inside a section, string or comment, and bytes that are no text.  scan() also
 * notes where each section began, in the order in which they end, because the
 * parser only knows the line of the closing brace.
 *
 * Only the parent runs this, on a file that root owns: it is not hostile, but
 * it is often wrong, and the daemon must say how.
 */
#include "config.h"

#include <sys/stat.h>

#include <arpa/inet.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "dev/dev.h"
#include "proc/conf.h"
#include "tcpd/proto.h"

#define FILE_MAX_BYTES (1u << 20)
#define DEFAULT_USER   "_tcpd"
#define FALLBACK_USER  "nobody"

/* Which of its keys a quota section gave. */
#define QUOTA_KEYS 4

struct user_section {
	struct conf_quota_user q;
	unsigned given; /* bit per key of the section */
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
	unsigned quota_given;
	struct user_section *users;
	unsigned nusers;
	uint32_t key_line[64]; /* by row of keys[]; 0: not given */
	uint32_t device_line, via_line;
};

static struct reader *cur; /* libconfuse hands no argument through */

__attribute__((format(printf, 3, 4))) static int
complain(struct reader *r, uint32_t line, const char *fmt, ...)
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

/* ---- values ---- */

/* "10.0.0.0/8" (or "10.0.0.1" when plen_wanted is false); host order. */
static bool
parse_cidr(const char *s, uint32_t *addr, uint8_t *plen)
{
	char buf[INET_ADDRSTRLEN];
	const char *slash = strchr(s, '/');
	struct in_addr in;
	unsigned long n;
	char *end;

	if (slash == NULL || (size_t)(slash - s) >= sizeof buf ||
	    slash[1] < '0' || slash[1] > '9')
		return false;
	memcpy(buf, s, (size_t)(slash - s));
	buf[slash - s] = '\0';
	if (inet_pton(AF_INET, buf, &in) != 1)
		return false;
	n = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || n > 32)
		return false;
	*addr = ntohl(in.s_addr);
	*plen = (uint8_t)n;
	return true;
}

static uint32_t
mask_of(uint8_t plen)
{
	return plen == 0 ? 0 : UINT32_MAX << (32 - plen);
}

static const char *
show_addr(uint32_t addr, char buf[INET_ADDRSTRLEN])
{
	struct in_addr in = {htonl(addr)};

	return inet_ntop(AF_INET, &in, buf, INET_ADDRSTRLEN);
}

/* "80", "8000-8100". */
static bool
parse_ports(const char *s, uint16_t *first, uint16_t *last)
{
	unsigned long a, b;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	a = b = strtoul(s, &end, 10);
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return false;
		b = strtoul(end + 1, &end, 10);
	}
	if (*end != '\0' || a < 1 || a > b || b > 65535)
		return false;
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return true;
}

/* ---- one function per kind of key ---- */

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
	S_MEMORY,
};

static const char *const section_names[] = {
    [S_TOP] = "root",
    [S_DEVICE] = "device",
    [S_ROUTE] = "route",
    [S_POLICY] = "policy",
    [S_CONNECT] = "connect",
    [S_BIND] = "bind",
    [S_QUOTA] = "quota",
    [S_QUOTA_USER] = "quota_user",
    [S_TCP] = "tcp",
    [S_MEMORY] = "memory",
};

struct key {
	enum section section;
	const char *name;
	cfg_type_t type;
	/* Checks the value and stores it; 0 or complain()'s -1. */
	int (*set)(struct reader *r, const struct key *k, cfg_opt_t *opt,
	    uint32_t line);
	size_t off;	  /* in the section's struct */
	unsigned size;	  /* of the member */
	int64_t min, max; /* of a number */
};

/* What the keys of a section are stored in. */
static void *
target(struct reader *r, enum section s)
{
	switch (s) {
	case S_DEVICE:
		return &r->conf->g.device;
	case S_ROUTE:
		return &r->route;
	case S_CONNECT:
	case S_BIND:
		return &r->rule;
	case S_QUOTA:
		return &r->conf->g.quota;
	case S_QUOTA_USER:
		return &r->user.q.quota;
	case S_TCP:
		return &r->conf->g.tcp;
	default:
		return &r->conf->g;
	}
}

static void
store(struct reader *r, const struct key *k, uint64_t v)
{
	uint8_t *p = (uint8_t *)target(r, k->section) + k->off;
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	switch (k->size) {
	case 1:
		memcpy(p, &v8, 1);
		break;
	case 2:
		memcpy(p, &v16, 2);
		break;
	case 4:
		memcpy(p, &v32, 4);
		break;
	default:
		memcpy(p, &v, 8);
		break;
	}
}

static int
set_number(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	int64_t v = cfg_opt_getnint(opt, 0);

	if (v < k->min || v > k->max)
		return complain(r, line,
		    "%s = %lld is out of range; give %lld to %lld", k->name,
		    (long long)v, (long long)k->min, (long long)k->max);
	store(r, k, (uint64_t)v);
	return 0;
}

static int
set_seconds(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	if (set_number(r, k, opt, line) != 0)
		return -1;
	store(r, k, (uint64_t)cfg_opt_getnint(opt, 0) * 1000000);
	return 0;
}

static int
set_bool(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	store(r, k, cfg_opt_getnbool(opt, 0) ? 1 : 0);
	return 0;
}

static int
put_string(struct reader *r, const struct key *k, const char *s, uint32_t line)
{
	if (strlen(s) >= k->size)
		return complain(r, line,
		    "%s = \"%s\" is too long; at most %u bytes fit", k->name, s,
		    k->size - 1);
	strcpy((char *)target(r, k->section) + k->off, s);
	return 0;
}

static int
set_path(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (s[0] != '/' || s[strlen(s) - 1] == '/')
		return complain(r, line,
		    "%s = \"%s\" is not the absolute path of a file; "
		    "begin it with /",
		    k->name, s);
	return put_string(r, k, s, line);
}

static int
set_ifname(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (s[0] == '\0' || strpbrk(s, "/ \t\n:%") != NULL ||
	    strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return complain(r, line,
		    "%s = \"%s\" is not an interface's name; use up to 15 "
		    "letters and digits",
		    k->name, s);
	return put_string(r, k, s, line);
}

static int
set_netns(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (s[0] != '/' && strchr(s, '/') != NULL)
		return complain(r, line,
		    "netns = \"%s\" is neither the name of a network "
		    "namespace (ip netns list) nor an absolute path",
		    s);
	return put_string(r, k, s, line);
}

static int
set_mac(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	struct conf_device *d = &r->conf->g.device;
	unsigned b[6];
	char more;

	if (strlen(s) != 17 ||
	    sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3],
		&b[4], &b[5], &more) != 6)
		return complain(r, line,
		    "mac = \"%s\" is not an Ethernet address; write it like "
		    "02:00:00:00:00:01",
		    s);
	for (int i = 0; i < 6; i++)
		d->mac[i] = (uint8_t)b[i];
	if ((d->mac[0] & 1) != 0)
		return complain(r, line,
		    "mac = \"%s\" is a group address; use an even first byte, "
		    "like 02",
		    s);
	d->have_mac = 1;
	return 0;
}

/* An interface's address with its network's length. */
static int
set_host(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	uint32_t addr, host;
	uint8_t plen;

	if (!parse_cidr(s, &addr, &plen) || plen == 0)
		return complain(r, line,
		    "%s = \"%s\" is not an IPv4 address with its network; "
		    "write it like 192.0.2.2/24",
		    k->name, s);
	host = addr & ~mask_of(plen);
	if (addr >> 24 == 0 || addr >> 24 == 127 || addr >> 28 >= 0xe)
		return complain(r, line,
		    "%s = \"%s\" is a loopback, multicast or reserved "
		    "address; use a unicast one",
		    k->name, s);
	if (plen < 31 && (host == 0 || host == ~mask_of(plen)))
		return complain(r, line,
		    "%s = \"%s\" is the network's own or its broadcast "
		    "address; use one between them",
		    k->name, s);
	if (k->section == S_TOP) {
		r->conf->g.addr = addr;
		r->conf->g.plen = plen;
	} else {
		r->conf->g.device.host_addr = addr;
		r->conf->g.device.host_plen = plen;
	}
	return 0;
}

static int
set_via(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	struct in_addr in;

	if (inet_pton(AF_INET, s, &in) != 1 || in.s_addr == 0)
		return complain(r, line,
		    "via = \"%s\" is not an IPv4 address; write it like "
		    "192.0.2.1",
		    s);
	r->route.gateway = ntohl(in.s_addr);
	r->via_line = line;
	return 0;
}

static int
set_action(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	static const char *const words[] = {[PROTO_KERNEL] = "kernel",
	    [PROTO_TCPD] = "tcpd",
	    [PROTO_REFUSE] = "refuse"};
	const char *s = cfg_opt_getnstr(opt, 0);

	for (unsigned i = 1; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(s, words[i]) == 0) {
			r->rule.action = (uint8_t)i;
			return 0;
		}
	return complain(r, line,
	    "action = \"%s\" is unknown; use kernel, tcpd or refuse", s);
}

static int
set_user(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (getpwnam(s) == NULL)
		return complain(r, line,
		    "user = \"%s\" does not exist; create it (useradd "
		    "--system %s) or name another",
		    s, s);
	return put_string(r, k, s, line);
}

static int
set_group(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	struct group *gr;

	if (s[0] == '\0')
		return 0;
	if ((gr = getgrnam(s)) == NULL)
		return complain(r, line,
		    "control_group = \"%s\" does not exist; create it "
		    "(groupadd --system %s) or name another",
		    s, s);
	r->conf->g.control_gid = gr->gr_gid;
	return 0;
}

static int
set_congestion(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (strcmp(s, "cubic") != 0 && strcmp(s, "newreno") != 0)
		return complain(r, line,
		    "congestion = \"%s\" is unknown; use cubic or newreno", s);
	return put_string(r, k, s, line);
}

static int
set_port_range(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	struct conf_tcp *t = &r->conf->g.tcp;
	const char *s = cfg_opt_getnstr(opt, 0);

	if (!parse_ports(s, &t->port_first, &t->port_last) ||
	    t->port_first == t->port_last)
		return complain(r, line,
		    "port_range = \"%s\" is not a range of ports; write it "
		    "like 32768-60999",
		    s);
	return 0;
}

#define G(m) offsetof(struct conf_global, m), sizeof((struct conf_global *)0)->m
#define D(m) offsetof(struct conf_device, m), sizeof((struct conf_device *)0)->m
#define T(m) offsetof(struct conf_tcp, m), sizeof((struct conf_tcp *)0)->m
#define Q(m) offsetof(struct conf_quota, m), sizeof((struct conf_quota *)0)->m
#define QUOTA_ROWS(s)                                                          \
	{s, "connections", CFGT_INT, set_number, Q(conns), 0, UINT32_MAX},     \
	    {s, "listeners", CFGT_INT, set_number, Q(listeners), 0,            \
		UINT32_MAX},                                                   \
	    {s, "half_open", CFGT_INT, set_number, Q(half_open), 0,            \
		UINT32_MAX},                                                   \
	{                                                                      \
		s, "buffer_bytes", CFGT_INT, set_number, Q(buffer_bytes),      \
		    65536, INT64_MAX                                           \
	}

static const struct key keys[] = {
    {S_TOP, "address", CFGT_STR, set_host, 0, 0, 0, 0},
    {S_TOP, "socket", CFGT_STR, set_path, G(socket), 0, 0},
    {S_TOP, "control", CFGT_STR, set_path, G(control), 0, 0},
    {S_TOP, "control_group", CFGT_STR, set_group, 0, 0, 0, 0},
    {S_TOP, "pidfile", CFGT_STR, set_path, G(pidfile), 0, 0},
    {S_TOP, "user", CFGT_STR, set_user, G(user), 0, 0},
    {S_DEVICE, "name", CFGT_STR, set_ifname, D(name), 0, 0},
    {S_DEVICE, "interface", CFGT_STR, set_ifname, D(name), 0, 0},
    {S_DEVICE, "netns", CFGT_STR, set_netns, D(netns), 0, 0},
    {S_DEVICE, "mtu", CFGT_INT, set_number, D(mtu), 576, 65521},
    {S_DEVICE, "txqueuelen", CFGT_INT, set_number, D(txqueuelen), 1, 1000000},
    {S_DEVICE, "offload", CFGT_BOOL, set_bool, D(offload), 0, 0},
    {S_DEVICE, "multi_queue", CFGT_BOOL, set_bool, D(multi_queue), 0, 0},
    {S_DEVICE, "host_address", CFGT_STR, set_host, 0, 0, 0, 0},
    {S_DEVICE, "mac", CFGT_STR, set_mac, 0, 0, 0, 0},
    {S_ROUTE, "via", CFGT_STR, set_via, 0, 0, 0, 0},
    {S_CONNECT, "action", CFGT_STR, set_action, 0, 0, 0, 0},
    {S_BIND, "action", CFGT_STR, set_action, 0, 0, 0, 0},
    QUOTA_ROWS(S_QUOTA),
    QUOTA_ROWS(S_QUOTA_USER),
    {S_TCP, "congestion", CFGT_STR, set_congestion, T(congestion), 0, 0},
    {S_TCP, "sndbuf", CFGT_INT, set_number, T(sndbuf), 4096, 1 << 30},
    {S_TCP, "rcvbuf", CFGT_INT, set_number, T(rcvbuf), 4096, 1 << 30},
    {S_TCP, "msl", CFGT_INT, set_seconds, T(msl_us), 1, 120},
    {S_TCP, "port_range", CFGT_STR, set_port_range, 0, 0, 0, 0},
    {S_TCP, "max_conns", CFGT_INT, set_number, T(max_conns), 0, INT64_MAX},
    {S_MEMORY, "buffers", CFGT_INT, set_number, G(buffers), 1 << 20, INT64_MAX},
};
#define NKEYS (sizeof keys / sizeof keys[0])
_Static_assert(NKEYS <= 64, "reader.key_line");

static uint32_t *
key_line(struct reader *r, enum section s, const char *name)
{
	for (unsigned i = 0; i < NKEYS; i++)
		if (keys[i].section == s && strcmp(keys[i].name, name) == 0)
			return &r->key_line[i];
	return NULL;
}

/* ---- sections, when they are complete ---- */

static int
end_device(struct reader *r, cfg_t *sec, uint32_t line)
{
	/* Keys that only one kind of device has. */
	static const struct {
		const char *name;
		uint8_t kind;
	} only[] = {{"name", DEV_TAP}, {"txqueuelen", DEV_TAP},
	    {"multi_queue", DEV_TAP}, {"host_address", DEV_TAP},
	    {"interface", DEV_PACKET}};
	struct conf_device *d = &r->conf->g.device;
	const char *title = cfg_title(sec);

	if (r->device_line != 0)
		return complain(r, line,
		    "a second device (the first is on line %u); there can be "
		    "one",
		    r->device_line);
	r->device_line = line;
	if (strcmp(title, "tap") == 0)
		d->kind = DEV_TAP;
	else if (strcmp(title, "packet") == 0)
		d->kind = DEV_PACKET;
	else
		return complain(
		    r, line, "device %s is unknown; use tap or packet", title);
	for (unsigned i = 0; i < sizeof only / sizeof only[0]; i++) {
		uint32_t at = *key_line(r, S_DEVICE, only[i].name);

		if (at != 0 && only[i].kind != d->kind)
			return complain(r, at,
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
		return complain(r, line,
		    "device packet names no interface; add "
		    "interface = \"eth0\"");
	}
	return 0;
}

/* The next element of a growing array, zeroed; NULL (told) when it is full. */
static void *
grow(struct reader *r, void *arrayp, uint32_t *n, size_t size, uint32_t max,
    const char *what, uint32_t line)
{
	void **array = arrayp;
	void *p;

	if (*n >= max) {
		complain(r, line, "too many %s; at most %u fit", what, max);
		return NULL;
	}
	if ((p = reallocarray(*array, *n + 1, size)) == NULL) {
		complain(r, line, "out of memory");
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
check_prefix(
    struct reader *r, const char *s, uint32_t addr, uint8_t plen, uint32_t line)
{
	char buf[INET_ADDRSTRLEN];

	if ((addr & ~mask_of(plen)) != 0)
		return complain(r, line,
		    "\"%s\" has bits set beyond its length; did you mean "
		    "%s/%u?",
		    s, show_addr(addr & mask_of(plen), buf), plen);
	return 0;
}

static int
end_route(struct reader *r, cfg_t *sec, uint32_t line)
{
	const char *title = cfg_title(sec);
	struct conf *c = r->conf;
	struct conf_route *rt;

	if (!parse_cidr(title, &r->route.dst, &r->route.plen))
		return complain(r, line,
		    "route \"%s\" is not an IPv4 prefix; write it like "
		    "\"198.51.100.0/24\"",
		    title);
	if (check_prefix(r, title, r->route.dst, r->route.plen, line) != 0)
		return -1;
	for (uint32_t i = 0; i < c->g.nroutes; i++)
		if (c->routes[i].dst == r->route.dst &&
		    c->routes[i].plen == r->route.plen)
			return complain(r, line,
			    "route \"%s\" is there already, on line %u; keep "
			    "one of them",
			    title, c->routes[i].line);
	rt = grow(r, &c->routes, &c->g.nroutes, sizeof *rt, CONF_ROUTES,
	    "routes", line);
	if (rt == NULL)
		return -1;
	*rt = r->route;
	rt->line = r->via_line != 0 ? r->via_line : line;
	memset(&r->route, 0, sizeof r->route);
	r->via_line = 0;
	return 0;
}

/* connect and bind: the title is PREFIX or PREFIX:PORT or PREFIX:PORT-PORT. */
static int
end_rule(struct reader *r, cfg_t *sec, uint32_t line, bool bind)
{
	const char *title = cfg_title(sec);
	char prefix[64];
	size_t n = strcspn(title, ":");
	struct conf_rule *rule;
	struct ipaddr ip;
	uint32_t addr;
	uint8_t plen;

	snprintf(prefix, sizeof prefix, "%.*s", (int)n, title);
	r->rule.port_last = 65535;
	if (!parse_cidr(prefix, &addr, &plen) ||
	    (title[n] == ':' && !parse_ports(title + n + 1, &r->rule.port_first,
				    &r->rule.port_last)))
		return complain(r, line,
		    "%s \"%s\" is not a prefix with perhaps ports; write it "
		    "like \"10.0.0.0/8\" or \"10.0.0.0/8:80-90\"",
		    bind ? "bind" : "connect", title);
	if (check_prefix(r, prefix, addr, plen, line) != 0)
		return -1;
	if (r->rule.action == 0)
		return complain(r, line,
		    "%s \"%s\" has no action; add action = \"kernel\", "
		    "\"tcpd\" or \"refuse\"",
		    bind ? "bind" : "connect", title);
	rule = grow(r, &r->conf->rules, &r->conf->g.nrules, sizeof *rule,
	    CONF_RULES, "policy rules", line);
	if (rule == NULL)
		return -1;
	*rule = r->rule;
	ip = ipaddr_v4(addr);
	memcpy(rule->addr, ip.b, sizeof rule->addr);
	rule->plen = (uint8_t)(96 + plen);
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
			return complain(r, line,
			    "quota_user \"%s\": there is no such user; give a "
			    "login name or a number",
			    title);
		uid = pw->pw_uid;
	} else if (errno != 0 || uid >= UINT32_MAX) {
		return complain(
		    r, line, "quota_user \"%s\" is not a user number", title);
	}
	for (unsigned i = 0; i < r->nusers; i++)
		if (r->users[i].q.uid == uid)
			return complain(r, line,
			    "quota_user \"%s\": user %lu has a quota already; "
			    "keep one of them",
			    title, uid);
	u = grow(r, &r->users, &r->nusers, sizeof *u, CONF_QUOTAS,
	    "quota_user sections", line);
	if (u == NULL)
		return -1;
	*u = r->user;
	u->q.uid = (uint32_t)uid;
	for (unsigned i = 0; i < NKEYS; i++)
		if (keys[i].section == S_QUOTA_USER && r->key_line[i] != 0)
			u->given |= 1u << i;
	memset(&r->user, 0, sizeof r->user);
	return 0;
}

static int
end_plain(struct reader *r, cfg_t *sec, uint32_t line)
{
	return 0;
}

static const struct {
	enum section section, parent;
	bool titled;
	int (*end)(struct reader *r, cfg_t *sec, uint32_t line);
} sections[] = {
    {S_DEVICE, S_TOP, true, end_device},
    {S_ROUTE, S_TOP, true, end_route},
    {S_CONNECT, S_POLICY, true, end_connect},
    {S_BIND, S_POLICY, true, end_bind},
    {S_POLICY, S_TOP, false, end_plain},
    {S_QUOTA, S_TOP, false, end_plain},
    {S_QUOTA_USER, S_TOP, true, end_quota_user},
    {S_TCP, S_TOP, false, end_plain},
    {S_MEMORY, S_TOP, false, end_plain},
};
#define NSECTIONS (sizeof sections / sizeof sections[0])

/* ---- libconfuse ---- */

static int
end_section(struct reader *r, cfg_opt_t *opt)
{
	cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	uint32_t line = r->closed < r->nopened ? r->opened[r->closed] : 0;

	r->closed++;
	for (unsigned i = 0; i < NSECTIONS; i++) {
		if (strcmp(section_names[sections[i].section], opt->name) != 0)
			continue;
		if (sections[i].end(r, sec, line) != 0)
			return -1;
		for (unsigned k = 0; k < NKEYS && sections[i].titled; k++)
			if (keys[k].section == sections[i].section)
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
	for (unsigned i = 0; i < NKEYS; i++) {
		const struct key *k = &keys[i];

		if (strcmp(k->name, opt->name) != 0 ||
		    strcmp(section_names[k->section], cfg->name) != 0)
			continue;
		if (r->key_line[i] != 0)
			return complain(r, line,
			    "%s is given twice, first on line %u; keep one",
			    k->name, r->key_line[i]);
		r->key_line[i] = line;
		return k->set(r, k, opt, line);
	}
	return complain(r, line, "%s is not known here", opt->name);
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
	complain(cur, cfg != NULL ? (uint32_t)cfg->line : 0, "%s", text);
}

/* The options of one section, from the tables. */
static void
make_opts(cfg_opt_t *opts, enum section s, cfg_opt_t (*all)[16])
{
	static const cfg_opt_t end = CFG_END();
	unsigned n = 0;

	for (unsigned i = 0; i < NKEYS; i++) {
		if (keys[i].section != s)
			continue;
		opts[n++] = (cfg_opt_t){.name = keys[i].name,
		    .type = keys[i].type,
		    .flags = CFGF_NODEFAULT,
		    .validcb = validate_key};
	}
	for (unsigned i = 0; i < NSECTIONS; i++) {
		if (sections[i].parent != s)
			continue;
		opts[n++] =
		    (cfg_opt_t){.name = section_names[sections[i].section],
			.type = CFGT_SEC,
			.flags = sections[i].titled ? CFGF_MULTI | CFGF_TITLE |
							  CFGF_NO_TITLE_DUPES
						    : CFGF_NONE,
			.subopts = all[sections[i].section],
			.validcb = validate_key};
	}
	opts[n] = end;
}

/* ---- before the parser ---- */

/* Walks over the string or comment at *p; the line of its begin when it does
 * not end, else 0. */
static uint32_t
scan_token(const char **p, uint32_t *line)
{
	const char *s = *p;
	uint32_t begin = *line;
	char quote = *s;

	if (*s == '#' || (s[0] == '/' && s[1] == '/')) {
		*p = s + strcspn(s, "\n");
		return 0;
	}
	if (s[0] == '/' && s[1] == '*') {
		for (s += 2; *s != '\0' && (s[0] != '*' || s[1] != '/'); s++)
			*line += *s == '\n';
		*p = s + (*s != '\0' ? 2 : 0);
		return *s == '\0' ? begin : 0;
	}
	for (s++; *s != '\0' && *s != quote; s++) {
		if (*s == '\\' && s[1] != '\0')
			s++;
		*line += *s == '\n';
	}
	*p = s + (*s != '\0');
	return *s == '\0' ? begin : 0;
}

/* Is every section, string and comment closed?  Notes where sections begin. */
static int
scan(struct reader *r)
{
	uint32_t stack[16], line = 1, open;
	unsigned depth = 0;
	const char *p = r->text;

	while (*p != '\0') {
		if (*p == '"' || *p == '\'' || *p == '#' ||
		    (*p == '/' && (p[1] == '/' || p[1] == '*'))) {
			if ((open = scan_token(&p, &line)) != 0)
				return complain(r, open,
				    "a string or comment begins here and "
				    "never ends; close it");
			continue;
		}
		if (*p == '\n')
			line++;
		if (*p == '{') {
			if (depth == 16)
				return complain(r, line,
				    "sections nest too deeply; close some");
			stack[depth++] = line;
		}
		if (*p == '}' && depth > 0) {
			r->opened = reallocarray(
			    r->opened, r->nopened + 1, sizeof *r->opened);
			if (r->opened == NULL)
				return complain(r, 0, "out of memory");
			r->opened[r->nopened++] = stack[--depth];
		}
		p++;
	}
	if (depth > 0)
		return complain(r, stack[depth - 1],
		    "the section that begins here is not closed; add a }");
	return 0;
}

static int
read_file(struct reader *r)
{
	struct stat st;
	ssize_t n = -1;
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1 || fstat(fd, &st) == -1) {
		int e = errno;

		if (fd != -1)
			close(fd);
		return complain(r, 0,
		    "%s; name the configuration with -f (an example is in "
		    "the documentation, tcpd.conf.example)",
		    strerror(e));
	}
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX_BYTES) {
		close(fd);
		return complain(r, 0,
		    "not a regular file of at most 1 MiB; name another with "
		    "-f");
	}
	if ((r->text = calloc(1, (size_t)st.st_size + 1)) != NULL)
		n = read(fd, r->text, (size_t)st.st_size);
	close(fd);
	if (n != st.st_size)
		return complain(r, 0, "cannot read all of it; try again");
	if (strlen(r->text) != (size_t)n)
		return complain(r, 0, "holds a zero byte; it is not text");
	return 0;
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
	unsigned first = 0;

	while (keys[first].section != S_QUOTA_USER)
		first++;
	if (r->nusers > 0 &&
	    (c->quotas = calloc(r->nusers, sizeof *c->quotas)) == NULL)
		return complain(r, 0, "out of memory");
	for (unsigned i = 0; i < r->nusers; i++) {
		const struct user_section *u = &r->users[i];
		struct conf_quota *q = &c->quotas[i].quota;

		c->quotas[i] = u->q;
		if ((u->given & 1u << first) == 0)
			q->conns = c->g.quota.conns;
		if ((u->given & 1u << (first + 1)) == 0)
			q->listeners = c->g.quota.listeners;
		if ((u->given & 1u << (first + 2)) == 0)
			q->half_open = c->g.quota.half_open;
		if ((u->given & 1u << (first + 3)) == 0)
			q->buffer_bytes = c->g.quota.buffer_bytes;
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
		return complain(r, 0,
		    "neither user %s nor %s exists; create %s (useradd "
		    "--system %s) or set user",
		    DEFAULT_USER, FALLBACK_USER, DEFAULT_USER, DEFAULT_USER);
	if (pw->pw_uid == 0)
		return complain(r, *key_line(r, S_TOP, "user"),
		    "user = \"%s\" is root; name one without privileges",
		    g->user);
	g->uid = pw->pw_uid;
	g->gid = pw->pw_gid;
	g->have_user = 1;
	return 0;
}

/* What belongs together fits together. */
static int
finish_network(struct reader *r)
{
	struct conf_global *g = &r->conf->g;
	uint32_t mask = mask_of(g->plen);
	char a[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];
	uint32_t line = *key_line(r, S_TOP, "address");

	if (r->device_line == 0)
		return complain(
		    r, 0, "no device; add device tap { host_address = ... }");
	if (line == 0)
		return complain(
		    r, 0, "no address; add address = \"192.0.2.2/24\"");
	if (g->device.host_addr != 0 &&
	    (g->device.host_addr == g->addr ||
		(g->device.host_addr & mask) != (g->addr & mask)))
		return complain(r, line,
		    "address %s/%u and the device's host_address %s must be "
		    "two addresses of one network",
		    show_addr(g->addr, a), g->plen,
		    show_addr(g->device.host_addr, b));
	for (uint32_t i = 0; i < g->nroutes; i++) {
		const struct conf_route *rt = &r->conf->routes[i];

		if (rt->gateway != 0 &&
		    (rt->gateway == g->addr ||
			(rt->gateway & mask) != (g->addr & mask)))
			return complain(r, rt->line,
			    "via = \"%s\" is not another station in the "
			    "network of address %s/%u; name one that is",
			    show_addr(rt->gateway, a), show_addr(g->addr, b),
			    g->plen);
	}
	if (strcmp(g->socket, g->control) == 0)
		return complain(r, *key_line(r, S_TOP, "control"),
		    "socket and control are the same path; give each its own");
	return 0;
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
	g->tcp = (struct conf_tcp){.congestion = "cubic",
	    .sndbuf = 4u << 20,
	    .rcvbuf = 4u << 20,
	    .msl_us = 30000000,
	    .port_first = 32768,
	    .port_last = 60999};
	g->quota = (struct conf_quota){.conns = 4096,
	    .listeners = 256,
	    .half_open = 1024,
	    .buffer_bytes = 256u << 20};
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
	cfg_opt_t opts[S_MEMORY + 1][16];
	cfg_t *cfg;
	int rc;

	for (int s = S_MEMORY; s >= S_TOP; s--)
		make_opts(opts[s], (enum section)s, opts);
	if ((cfg = cfg_init(opts[S_TOP], CFGF_NONE)) == NULL)
		return complain(r, 0, "out of memory");
	cfg_set_error_function(cfg, grammar_error);
	cur = r;
	rc = cfg_parse_buf(cfg, r->text);
	cur = NULL;
	cfg_free(cfg);
	if (rc != CFG_SUCCESS && !r->failed)
		return complain(r, 0, "cannot be parsed");
	return r->failed ? -1 : 0;
}

struct conf *
conf_load(const char *path, conf_error_fn *err, void *arg)
{
	struct reader r = {.path = path, .err = err, .arg = arg};

	if ((r.conf = new_conf()) == NULL)
		complain(&r, 0, "out of memory");
	else if (read_file(&r) == 0 && scan(&r) == 0 && parse(&r) == 0 &&
		 finish_network(&r) == 0 && finish_quotas(&r) == 0)
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
