/* SPDX-License-Identifier: ISC */
/*
 * The keys of tcpd.conf: one row each (section, name, check, where it goes,
 * limits), and the checks, one function per kind of value.  Each value is
 * checked when its line is read; what belongs together is compared later, in
 * conf_file.c.
 */
#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrtext.h"
#include "ipc/dnsmsg.h"
#include "proc/conf_read.h"
#include "tcp/tcp.h"
#include "tcpd/proto.h"

/* ---- values ---- */

/* "80", "8000-8100". */
bool
conf_parse_ports(const char *s, uint16_t *first, uint16_t *last)
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

const char *const conf_section_names[] = {
    [S_TOP] = "root",
    [S_DEVICE] = "device",
    [S_ROUTE] = "route",
    [S_POLICY] = "policy",
    [S_CONNECT] = "connect",
    [S_BIND] = "bind",
    [S_QUOTA] = "quota",
    [S_QUOTA_USER] = "quota_user",
    [S_TCP] = "tcp",
    [S_IPV4] = "ipv4",
    [S_IPV6] = "ipv6",
    [S_RESOLVER] = "resolver",
    [S_ENGINE] = "engine",
    [S_MEMORY] = "memory",
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
	case S_IPV4:
		return &r->conf->g.ipv4;
	case S_IPV6:
		return &r->conf->g.ipv6;
	case S_RESOLVER:
		return &r->conf->g.resolver;
	case S_ENGINE:
		return &r->conf->g.engine;
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
		return conf_complain(r, line,
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
		return conf_complain(r, line,
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
		return conf_complain(r, line,
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
		return conf_complain(r, line,
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
		return conf_complain(r, line,
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
		return conf_complain(r, line,
		    "mac = \"%s\" is not an Ethernet address; write it like "
		    "02:00:00:00:00:01",
		    s);
	for (int i = 0; i < 6; i++)
		d->mac[i] = (uint8_t)b[i];
	if ((d->mac[0] & 1) != 0)
		return conf_complain(r, line,
		    "mac = \"%s\" is a group address; use an even first byte, "
		    "like 02",
		    s);
	d->have_mac = 1;
	return 0;
}

/* Is a the network's own address or its broadcast address?  IPv6 has none of
 * the latter and gives the former to its routers (RFC 4291 2.6.1). */
static bool
of_network(const struct ipaddr *a, uint8_t plen)
{
	uint32_t host, v4;

	if (plen >= 127)
		return false; /* RFC 3021, RFC 6164 */
	if (!ipaddr_is_v4(a)) {
		struct ipaddr net = ipaddr_masked(a, plen);

		return ipaddr_eq(a, &net);
	}
	host = UINT32_MAX >> (plen - 96);
	v4 = ipaddr_to_v4(a) & host;
	return v4 == 0 || v4 == host;
}

/* An address that a station can have. */
static bool
unicast(const struct ipaddr *a)
{
	static const struct ipaddr loop = {{[15] = 1}};
	uint32_t v4 = ipaddr_is_v4(a) ? ipaddr_to_v4(a) >> 24 : 1;

	return !ipaddr_is_any(a) && !ipaddr_is_multicast(a) &&
	       !ipaddr_eq(a, &loop) && v4 != 0 && v4 != 127 && v4 < 0xe0;
}

/* An interface's address with its network's length: one more. */
static int
set_host(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	struct conf_global *g = &r->conf->g;
	bool ours = k->section == S_TOP;
	struct conf_addr *list = ours ? g->addrs : g->device.hosts;
	struct conf_addr a = {.line = line};
	uint32_t *n = ours ? &g->naddrs : &g->device.nhosts;

	if (ours && strcmp(s, "slaac") == 0) {
		g->ipv6.slaac = 1;
		return 0;
	}
	if (ours && strcmp(s, "dhcp") == 0) {
		g->ipv4.dhcp = 1;
		return 0;
	}
	if (strchr(s, '/') == NULL ||
	    !addrtext_parse_prefix(s, &a.addr, &a.plen) ||
	    a.plen == (ipaddr_is_v4(&a.addr) ? 96 : 0) ||
	    (ipaddr_is_v4(&a.addr) && a.plen < 96))
		return conf_complain(r, line,
		    "%s = \"%s\" is not an address with its network; write "
		    "it like 192.0.2.2/24 or 2001:db8::2/64",
		    k->name, s);
	if (!unicast(&a.addr))
		return conf_complain(r, line,
		    "%s = \"%s\" is a loopback, multicast or reserved "
		    "address; use a unicast one",
		    k->name, s);
	if (of_network(&a.addr, a.plen))
		return conf_complain(r, line,
		    "%s = \"%s\" is the network's own or its broadcast "
		    "address; use one between them",
		    k->name, s);
	for (uint32_t i = 0; i < *n; i++)
		if (ipaddr_eq(&list[i].addr, &a.addr))
			return conf_complain(r, line,
			    "%s = \"%s\" is there already, on line %u; keep "
			    "one of them",
			    k->name, s, list[i].line);
	if (*n >= CONF_ADDRS)
		return conf_complain(r, line,
		    "too many lines of %s; at most %u fit", k->name,
		    CONF_ADDRS);
	list[(*n)++] = a;
	return 0;
}

static int
parse_gateway(struct reader *r, const struct key *k, cfg_opt_t *opt,
    uint32_t line, struct ipaddr *out)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (!addrtext_parse(s, out) || !unicast(out))
		return conf_complain(r, line,
		    "%s = \"%s\" is not a station's address; write it like "
		    "192.0.2.1 or 2001:db8::1",
		    k->name, s);
	return 0;
}

static int
set_via(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	r->via_line = line;
	return parse_gateway(r, k, opt, line, &r->route.gateway);
}

/* The default route of a family, in one word. */
static int
set_gateway(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	struct conf_route route = {.line = line};
	bool v4;

	if (parse_gateway(r, k, opt, line, &route.gateway) != 0)
		return -1;
	v4 = ipaddr_is_v4(&route.gateway);
	if (v4) {
		route.dst = ipaddr_v4(0);
		route.plen = 96;
	}
	if (r->gateway_line[!v4] != 0)
		return conf_complain(r, line,
		    "gateway is given twice for %s, first on line %u; keep "
		    "one",
		    v4 ? "IPv4" : "IPv6", r->gateway_line[!v4]);
	r->gateway_line[!v4] = line;
	return conf_add_route(r, &route, v4 ? "0.0.0.0/0" : "::/0");
}

/* The i-th word of "a, b or c". */
static void
add_choice(char *list, size_t size, unsigned i, const char *word, bool last)
{
	if (i > 0)
		strlcat(list, last ? " or " : ", ", size);
	strlcat(list, word, size);
}

/* One of words, which end with NULL; stored is its place, counted from first.
 */
static int
put_word(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line,
    const char *const *words, unsigned first)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	char list[128] = "";

	for (unsigned i = 0; words[i] != NULL; i++) {
		if (strcmp(s, words[i]) == 0) {
			store(r, k, first + i);
			return 0;
		}
		add_choice(
		    list, sizeof list, i, words[i], words[i + 1] == NULL);
	}
	return conf_complain(
	    r, line, "%s = \"%s\" is unknown; use %s", k->name, s, list);
}

static int
set_action(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	static const char *const words[] = {"kernel", "tcpd", "refuse", NULL};

	return put_word(r, k, opt, line, words, PROTO_KERNEL);
}

static int
set_loopback(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	r->conf->g.loopback_line = line;
	return set_action(r, k, opt, line);
}

static int
set_syncookies(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	static const char *const words[] = {"auto", "never", "always", NULL};

	return put_word(r, k, opt, line, words, TCP_COOKIES_AUTO);
}

static int
set_mtu_probing(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	static const char *const words[] = {
	    "blackhole", "never", "always", NULL};

	return put_word(r, k, opt, line, words, TCP_MTU_BLACK_HOLE);
}

static int
set_ecn(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	static const char *const words[] = {
	    "off", "classic", "passive", "on", NULL};

	return put_word(r, k, opt, line, words, TCP_ECN_OFF);
}

static int
set_accecn_option(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	static const char *const words[] = {"news", "always", "never", NULL};

	return put_word(r, k, opt, line, words, TCP_ACCECN_NEWS);
}

/* Linux's number, as far as it has a meaning. */
static int
set_fastopen(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	int64_t v = cfg_opt_getnint(opt, 0);

	if (v < 0 || (v & ~(int64_t)FASTOPEN_ALL) != 0)
		return conf_complain(r, line,
		    "%s = %#llx has bits that mean nothing; add up 1, 2, 4, "
		    "0x200 and 0x400",
		    k->name, (long long)v);
	store(r, k, (uint64_t)v);
	return 0;
}

/* Four words of eight hexadecimal digits, each with its lowest byte first, as
 * Linux has them. */
static bool
parse_fastopen_key(const char *s, uint8_t key[FASTOPEN_KEY])
{
	unsigned long word;
	char *end;

	for (int i = 0; i < 4; i++, s = end + 1) {
		if (strspn(s, "0123456789abcdefABCDEF") != 8)
			return false;
		word = strtoul(s, &end, 16);
		for (int b = 0; b < 4; b++)
			key[4 * i + b] = (uint8_t)(word >> 8 * b);
		if (*end != (i < 3 ? '-' : '\0'))
			return false;
	}
	return true;
}

static int
set_fastopen_key(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	struct tcp_fastopen *f = &r->conf->g.tcp.fastopen;

	if (f->nkeys == 2)
		return conf_complain(r, line,
		    "%s has more than two keys; give the new one and the one "
		    "before it",
		    k->name);
	if (!parse_fastopen_key(cfg_opt_getnstr(opt, 0), f->key[f->nkeys]))
		return conf_complain(r, line,
		    "%s is no key; write it like "
		    "01234567-89abcdef-01234567-89abcdef",
		    k->name);
	f->nkeys++;
	return 0;
}

static int
set_user(struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (getpwnam(s) == NULL)
		return conf_complain(r, line,
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
		return conf_complain(r, line,
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
	char list[128] = "";

	if (strcmp(s, "reno") == 0) /* as TCP_CONGESTION calls it */
		s = "newreno";
	for (unsigned i = 0; tcp_cc_name(i) != NULL; i++) {
		if (strcmp(s, tcp_cc_name(i)) == 0)
			return put_string(r, k, s, line);
		add_choice(list, sizeof list, i, tcp_cc_name(i),
		    tcp_cc_name(i + 1) == NULL);
	}
	return conf_complain(
	    r, line, "%s = \"%s\" is unknown; use %s", k->name, s, list);
}

static int
set_port_range(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	struct conf_tcp *t = &r->conf->g.tcp;
	const char *s = cfg_opt_getnstr(opt, 0);

	if (!conf_parse_ports(s, &t->port_first, &t->port_last) ||
	    t->port_first == t->port_last)
		return conf_complain(r, line,
		    "port_range = \"%s\" is not a range of ports; write it "
		    "like 32768-60999",
		    s);
	return 0;
}

/* A name server, asked by way of the stack: that leads to no loopback. */
static int
set_nameserver(
    struct reader *r, const struct key *k, cfg_opt_t *opt, uint32_t line)
{
	struct conf_resolver *res = &r->conf->g.resolver;
	const char *s = cfg_opt_getnstr(opt, 0);
	struct conf_nameserver ns = {.port = 0};

	if (!addrtext_parse_endpoint(s, &ns.addr, &ns.port))
		return conf_complain(r, line,
		    "nameserver = \"%s\" is not an address with perhaps a "
		    "port; write it like 192.0.2.53 or [2001:db8::53]:53",
		    s);
	if (!unicast(&ns.addr) ||
	    (!ipaddr_is_v4(&ns.addr) && ipaddr_is_link_local(&ns.addr)))
		return conf_complain(r, line,
		    "nameserver = \"%s\" cannot be reached through the "
		    "stack; name a station that routes lead to",
		    s);
	if (res->nservers >= CONF_SERVERS)
		return conf_complain(r, line,
		    "too many lines of nameserver; at most %u fit",
		    CONF_SERVERS);
	if (ns.port == 0)
		ns.port = DNS_PORT;
	res->servers[res->nservers++] = ns;
	return 0;
}

/* ---- the table ---- */

#define G(m) offsetof(struct conf_global, m), sizeof((struct conf_global *)0)->m
#define D(m) offsetof(struct conf_device, m), sizeof((struct conf_device *)0)->m
#define T(m) offsetof(struct conf_tcp, m), sizeof((struct conf_tcp *)0)->m
#define R(m) offsetof(struct conf_rule, m), sizeof((struct conf_rule *)0)->m
#define V(m) offsetof(struct conf_ipv4, m), sizeof((struct conf_ipv4 *)0)->m
#define I(m) offsetof(struct conf_ipv6, m), sizeof((struct conf_ipv6 *)0)->m
#define N(m)                                                                   \
	offsetof(struct conf_resolver, m), sizeof((struct conf_resolver *)0)->m
#define E(m) offsetof(struct conf_engine, m), sizeof((struct conf_engine *)0)->m
#define Q(m) offsetof(struct conf_quota, m), sizeof((struct conf_quota *)0)->m
#define QUOTA_ROWS(s)                                                          \
	{s, "connections", CFGT_INT, set_number, Q(conns), 0, UINT32_MAX},     \
	    {s, "listeners", CFGT_INT, set_number, Q(listeners), 0,            \
		UINT32_MAX},                                                   \
	    {s, "half_open", CFGT_INT, set_number, Q(half_open), 0,            \
		UINT32_MAX},                                                   \
	    {s, "buffer_bytes", CFGT_INT, set_number, Q(buffer_bytes), 65536,  \
		INT64_MAX},                                                    \
	{                                                                      \
		s, "congestion", CFGT_STR, set_congestion, Q(congestion), 0, 0 \
	}

const struct key conf_keys[] = {
    {S_TOP, "address", CFGT_STR, set_host, 0, 0, KEY_MANY, 0},
    {S_TOP, "gateway", CFGT_STR, set_gateway, 0, 0, KEY_MANY, 0},
    {S_TOP, "socket", CFGT_STR, set_path, G(socket), 0, 0},
    {S_TOP, "control", CFGT_STR, set_path, G(control), 0, 0},
    {S_TOP, "control_group", CFGT_STR, set_group, 0, 0, 0, 0},
    {S_TOP, "pidfile", CFGT_STR, set_path, G(pidfile), 0, 0},
    {S_TOP, "user", CFGT_STR, set_user, G(user), 0, 0},
    {S_DEVICE, "name", CFGT_STR, set_ifname, D(name), 0, 0},
    {S_DEVICE, "interface", CFGT_STR, set_ifname, D(name), 0, 0},
    {S_DEVICE, "netns", CFGT_STR, set_netns, D(netns), 0, 0},
    {S_DEVICE, "mtu", CFGT_INT, set_number, D(mtu), 576, 65521},
    {S_DEVICE, "vlan", CFGT_INT, set_number, D(vlan), 1, 4094},
    {S_DEVICE, "txqueuelen", CFGT_INT, set_number, D(txqueuelen), 1, 1000000},
    {S_DEVICE, "offload", CFGT_BOOL, set_bool, D(offload), 0, 0},
    {S_DEVICE, "ring", CFGT_BOOL, set_bool, D(ring), 0, 0},
    {S_DEVICE, "multi_queue", CFGT_BOOL, set_bool, D(multi_queue), 0, 0},
    {S_DEVICE, "host_address", CFGT_STR, set_host, 0, 0, KEY_MANY, 0},
    {S_DEVICE, "mac", CFGT_STR, set_mac, 0, 0, 0, 0},
    {S_ROUTE, "via", CFGT_STR, set_via, 0, 0, 0, 0},
    {S_POLICY, "loopback", CFGT_STR, set_loopback, G(loopback), 0, 0},
    {S_CONNECT, "action", CFGT_STR, set_action, R(action), 0, 0},
    {S_BIND, "action", CFGT_STR, set_action, R(action), 0, 0},
    QUOTA_ROWS(S_QUOTA),
    QUOTA_ROWS(S_QUOTA_USER),
    {S_TCP, "congestion", CFGT_STR, set_congestion, T(congestion), 0, 0},
    {S_TCP, "pacing", CFGT_BOOL, set_bool, T(pacing), 0, 0},
    {S_TCP, "sndbuf", CFGT_INT, set_number, T(size.sndbuf), 4096, 1 << 30},
    {S_TCP, "sndbuf_max", CFGT_INT, set_number, T(size.sndbuf_max), 4096,
	1 << 30},
    {S_TCP, "rcvbuf", CFGT_INT, set_number, T(size.rcvbuf), 4096, 1 << 30},
    {S_TCP, "rcvbuf_max", CFGT_INT, set_number, T(size.rcvbuf_max), 4096,
	1 << 30},
    {S_TCP, "msl", CFGT_INT, set_seconds, T(msl_us), 1, 120},
    {S_TCP, "port_range", CFGT_STR, set_port_range, 0, 0, 0, 0},
    {S_TCP, "max_conns", CFGT_INT, set_number, T(max_conns), 0, INT64_MAX},
    {S_TCP, "mtu_probing", CFGT_STR, set_mtu_probing, T(mtu_probing), 0, 0},
    {S_TCP, "syncookies", CFGT_STR, set_syncookies, T(syncookies), 0, 0},
    {S_TCP, "timestamps", CFGT_BOOL, set_bool, T(timestamps), 0, 0},
    {S_TCP, "sack", CFGT_BOOL, set_bool, T(sack), 0, 0},
    {S_TCP, "window_scaling", CFGT_BOOL, set_bool, T(window_scaling), 0, 0},
    {S_TCP, "quick_acks", CFGT_BOOL, set_bool, T(quick_acks), 0, 0},
    {S_TCP, "ecn", CFGT_STR, set_ecn, T(ecn), 0, 0},
    {S_TCP, "accecn_option", CFGT_STR, set_accecn_option, T(accecn_option), 0,
	0},
    {S_TCP, "ect_all", CFGT_BOOL, set_bool, T(ect_all), 0, 0},
    {S_TCP, "loopback_fast_path", CFGT_BOOL, set_bool, T(loopback_fast_path), 0,
	0},
    {S_TCP, "syn_linear", CFGT_INT, set_number, T(syn_linear), 0, 127},
    {S_TCP, "fastopen", CFGT_INT, set_fastopen, T(fastopen.mode), 0, 0},
    {S_TCP, "fastopen_key", CFGT_STR, set_fastopen_key, 0, 0, KEY_MANY, 0},
    {S_TCP, "fastopen_blackhole", CFGT_INT, set_number, T(fastopen.blackhole_s),
	0, 1 << 24},
    {S_TCP, "syn_rate", CFGT_INT, set_number, T(syn_rate), 0, 1 << 30},
    {S_TCP, "max_orphans", CFGT_INT, set_number, T(max_orphans), 0, INT64_MAX},
    {S_IPV4, "conflict_detection", CFGT_BOOL, set_bool, V(conflict_detection),
	0, 0},
    {S_IPV6, "accept_ra", CFGT_BOOL, set_bool, I(accept_ra), 0, 0},
    {S_IPV6, "dad_transmits", CFGT_INT, set_number, I(dad_transmits), 0, 255},
    {S_RESOLVER, "nameserver", CFGT_STR, set_nameserver, 0, 0, KEY_MANY, 0},
    {S_RESOLVER, "hosts", CFGT_BOOL, set_bool, N(hosts), 0, 0},
    {S_ENGINE, "busy_poll", CFGT_INT, set_number, E(busypoll.max_us), 0,
	BUSYPOLL_MAX_US},
    {S_ENGINE, "busy_poll_share", CFGT_INT, set_number, E(busypoll.share), 1,
	100},
    {S_ENGINE, "ring", CFGT_BOOL, set_bool, E(ring), 0, 0},
    {S_MEMORY, "buffers", CFGT_INT, set_number, G(buffers), 1 << 20, INT64_MAX},
};
const unsigned conf_nkeys = sizeof conf_keys / sizeof conf_keys[0];
_Static_assert(sizeof conf_keys / sizeof conf_keys[0] <= 96, "reader.key_line");

uint32_t *
conf_key_line(struct reader *r, enum section s, const char *name)
{
	for (unsigned i = 0; i < conf_nkeys; i++)
		if (conf_keys[i].section == s &&
		    strcmp(conf_keys[i].name, name) == 0)
			return &r->key_line[i];
	return NULL;
}
