/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "adapter.h"
#include "base/addrtext.h"
#include "base/check.h"
#include "wire/ipv6.h"

static bool
take_number(uint32_t *out, const char *v, uint32_t max)
{
	char *end;
	unsigned long n = strtoul(v, &end, 0);

	if (*v == '\0' || *end != '\0' || n > max)
		return false;
	*out = (uint32_t)n;
	return true;
}

/* "quickack=0" and its like; false: not one of them. */
static bool
take_switch(struct stack_config *c, const char *key, const char *v)
{
	const struct {
		const char *key;
		bool *off;
	} all[] = {
	    {"quickack", &c->tcp.no_quickack},
	    {"timestamps", &c->tcp.no_timestamps},
	    {"sack", &c->tcp.no_sack},
	    {"wscale", &c->tcp.no_wscale},
	};
	uint32_t n;
	size_t i;

	for (i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (strcmp(key, all[i].key) != 0)
			continue;
		if (!take_number(&n, v, 1))
			return false;
		*all[i].off = n == 0;
		return true;
	}
	return false;
}

/* "01234567-89abcdef-01234567-89abcdef", each word with its lowest byte first.
 */
static bool
take_key(struct tcp_fastopen *f, const char *v)
{
	unsigned w[4];

	if (sscanf(v, "%8x-%8x-%8x-%8x", &w[0], &w[1], &w[2], &w[3]) != 4)
		return false;
	for (int i = 0; i < FASTOPEN_KEY; i++)
		f->key[0][i] = (uint8_t)(w[i / 4] >> 8 * (i % 4));
	f->nkeys = 1;
	return true;
}

static bool
take_fastopen(struct tcp_fastopen *f, const char *key, const char *v)
{
	uint32_t n;

	if (strcmp(key, "fastopen_key") == 0)
		return take_key(f, v);
	if (strcmp(key, "fastopen_blackhole") == 0)
		return take_number(&f->blackhole_s, v, INT32_MAX);
	if (!take_number(&n, v, FASTOPEN_ALL))
		return false;
	f->mode = (uint16_t)n;
	return true;
}

/* Linux's tcp_ecn.  Its 2 grants nothing but RFC 3168, which is what a peer
 * gets here who asks for no more. */
static bool
take_ecn(enum tcp_ecn_policy *policy, const char *v)
{
	static const enum tcp_ecn_policy all[] = {TCP_ECN_OFF, TCP_ECN_CLASSIC,
	    TCP_ECN_PASSIVE, TCP_ECN_ON, TCP_ECN_OFF, TCP_ECN_PASSIVE};
	uint32_t n;

	if (!take_number(&n, v, 5) || n == 4)
		return false;
	*policy = all[n];
	return true;
}

/* Linux's tcp_ecn_option. */
static bool
take_ecn_option(enum tcp_accecn_option *option, const char *v)
{
	static const enum tcp_accecn_option all[] = {
	    TCP_ACCECN_NEVER, TCP_ACCECN_NEWS, TCP_ACCECN_ALWAYS};
	uint32_t n;

	if (!take_number(&n, v, 2))
		return false;
	*option = all[n];
	return true;
}

static bool
take(struct settings *s, const char *key, const char *v)
{
	struct stack_config *c = &s->stack;
	uint32_t n;

	if (strcmp(key, "local") == 0)
		return addrtext_parse(v, &s->addrs[0].addr);
	if (strcmp(key, "local6") == 0)
		return addrtext_parse(v, &s->addrs[1].addr);
	if (strcmp(key, "gateway") == 0)
		return addrtext_parse(v, &s->routes[0].gateway);
	if (strcmp(key, "mtu") == 0) {
		if (!take_number(&n, v, 65535))
			return false;
		c->mtu = (uint16_t)n;
		return true;
	}
	if (strcmp(key, "gso") == 0)
		return take_number(&s->gso, v, 65535);
	if (strcmp(key, "rcvbuf") == 0)
		return take_number(&c->tcp.size.rcvbuf, v, INT32_MAX);
	if (strcmp(key, "rcvbuf_max") == 0)
		return take_number(&c->tcp.size.rcvbuf_max, v, INT32_MAX);
	if (strcmp(key, "sndbuf_max") == 0)
		return take_number(&c->tcp.size.sndbuf_max, v, INT32_MAX);
	if (strcmp(key, "sndbuf") == 0)
		return take_number(&c->tcp.size.sndbuf, v, INT32_MAX);
	if (strcmp(key, "congestion") == 0) {
		static char name[16];

		snprintf(name, sizeof name, "%s",
		    strcmp(v, "reno") == 0 ? "newreno" : v);
		c->tcp.congestion = name;
		return true;
	}
	if (strcmp(key, "ecn") == 0)
		return take_ecn(&c->tcp.ecn, v);
	if (strcmp(key, "syn_linear") == 0) {
		if (!take_number(&n, v, 127))
			return false;
		c->tcp.syn_linear = (uint8_t)n;
		return true;
	}
	if (strcmp(key, "min_tso_segs") == 0) {
		if (!take_number(&n, v, 64))
			return false;
		c->tcp.min_tso_segs = (uint8_t)n;
		return true;
	}
	if (strcmp(key, "ecn_option") == 0)
		return take_ecn_option(&c->tcp.accecn_option, v);
	if (strncmp(key, "fastopen", 8) == 0)
		return take_fastopen(&c->tcp.fastopen, key, v);
	if (strcmp(key, "tso") == 0) {
		if (!take_number(&n, v, 1))
			return false;
		s->no_tso = n == 0;
		return true;
	}
	return take_switch(c, key, v);
}

bool
settings_change(struct settings *s, const char *flags)
{
	char *copy = strdup(flags), *at = copy, *key, *v;
	bool good = true;

	while (good && (key = strsep(&at, ",")) != NULL) {
		if (*key == '\0')
			continue;
		v = strchr(key, '=');
		if (v != NULL)
			*v++ = '\0';
		good = v != NULL && take(s, key, v);
		if (!good)
			fprintf(stderr,
			    "tcpd: --so_flags: %s: not understood\n", key);
	}
	free(copy);
	return good;
}

void
settings_parse(struct settings *s, const char *flags)
{
	*s = (struct settings){
	    .stack = {
		.mac = {2, 0, 0, 0, 0, 1},
		.mtu = 1500,
		.naddrs = 1,
		.nroutes = 1,
		.tx_csum = true,
		.tx_tso = true,
		.buf_bytes = 256 << 20,
		.tcp = {.seed = {1, 2},
		    .size = {.sndbuf = 256 << 10, .rcvbuf = 1 << 20},
		    .msl_us = 30000000,
		    .ect_all = true,
		    .accecn_option = TCP_ACCECN_ALWAYS,
		    .fastopen.mode = FASTOPEN_CLIENT,
		    .port_first = 32768,
		    .port_last = 60999,
		    .congestion = "cubic"},
	    }};
	s->addrs[0] = (struct stack_addr){ipaddr_v4(0xc0a80002), 96 + 16};
	s->routes[0] = (struct stack_route){
	    .dst = ipaddr_v4(0), .gateway = ipaddr_v4(0xc0a80001), .plen = 96};
	CHECK(addrtext_parse("fd3d:fa7b:d17d::2", &s->addrs[1].addr));
	s->addrs[1].plen = 48;
	if (flags != NULL && !settings_change(s, flags))
		exit(1);
	/* IPv6 needs more than the least that IPv4 can do with. */
	if (s->stack.mtu >= WIRE_IPV6_MTU_MIN)
		s->stack.naddrs = s->stack.nroutes = 2;
	s->routes[1] = (struct stack_route){.gateway = s->addrs[1].addr};
	s->routes[1].gateway.b[15] ^= 0xff; /* another one on its link */
	s->stack.addrs = s->addrs;
	s->stack.routes = s->routes;
}
