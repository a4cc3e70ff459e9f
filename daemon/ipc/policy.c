/* SPDX-License-Identifier: ISC */
/*
 * Evaluation and building of the policy page; see policy.h.
 *
 * The counts are read from memory that another process can write: each is
 * copied once and clamped before it bounds a loop.
 */
#include <errno.h>
#include <string.h>
#include "ipc/policy.h"

/* A short prefix (::/0) is one of IPv6: IPv4 does not lie in it. */
static bool
prefix_match(const struct ipaddr *a, const struct proto_rule *r)
{
	struct ipaddr prefix;
	uint8_t plen = r->plen; /* once: it may change meanwhile */

	memcpy(prefix.b, r->addr, sizeof prefix.b);
	return plen <= 128 && (plen >= 96 || !ipaddr_is_v4(a)) &&
	       ipaddr_in(a, &prefix, plen);
}

static struct policy_verdict
evaluate(const struct proto_policy *p, uint32_t first, uint32_t n,
    const struct ipaddr *addr, uint16_t port)
{
	const struct proto_rule *r;
	uint32_t i;

	for (i = first; i < first + n; i++) {
		r = &p->rules[i];
		if (port < r->port_first || port > r->port_last ||
		    !prefix_match(addr, r))
			continue;
		return (struct policy_verdict){r->action, r->why, r->line};
	}
	return (struct policy_verdict){PROTO_KERNEL, PROTO_WHY_DEFAULT, 0};
}

static uint32_t
clamp(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

struct policy_verdict
policy_connect(
    const struct proto_policy *p, const struct ipaddr *dst, uint16_t port)
{
	return evaluate(
	    p, 0, clamp(p->nconnect, PROTO_POLICY_RULES), dst, port);
}

struct policy_verdict
policy_bind(
    const struct proto_policy *p, const struct ipaddr *addr, uint16_t port)
{
	uint32_t nc = clamp(p->nconnect, PROTO_POLICY_RULES);

	return evaluate(
	    p, nc, clamp(p->nbind, PROTO_POLICY_RULES - nc), addr, port);
}

const struct proto_rule *
policy_next_address(const struct proto_policy *p, uint32_t *at)
{
	uint32_t nc = clamp(p->nconnect, PROTO_POLICY_RULES);
	uint32_t nb = clamp(p->nbind, PROTO_POLICY_RULES - nc);
	const struct proto_rule *r;

	while (*at < nb) {
		r = &p->rules[nc + (*at)++];
		if (r->why == PROTO_WHY_ADDRESS)
			return r;
	}
	return NULL;
}

bool
policy_valid(const struct proto_policy *p)
{
	return p->magic == PROTO_MAGIC && p->version == PROTO_VERSION &&
	       p->nconnect <= PROTO_POLICY_RULES &&
	       p->nbind <= PROTO_POLICY_RULES - p->nconnect;
}

const char *
policy_why_text(enum proto_why why)
{
	static const char *const text[] = {
	    [PROTO_WHY_LOOPBACK] = "loopback is the kernel's",
	    [PROTO_WHY_ROUTE] = "tcpd has a route to it",
	    [PROTO_WHY_ADDRESS] = "it is an address of tcpd",
	    [PROTO_WHY_WILDCARD] = "wildcard listeners are tcpd's",
	    [PROTO_WHY_CONF] = "a rule of tcpd.conf says so",
	    [PROTO_WHY_DEFAULT] = "no rule matches: the kernel's",
	    [PROTO_WHY_MULTICAST] = "multicast and broadcast are the kernel's",
	};

	if ((unsigned)why >= sizeof text / sizeof text[0] || !text[why])
		return "unknown";
	return text[why];
}

const char *
policy_action_text(enum proto_action action)
{
	switch (action) {
	case PROTO_KERNEL:
		return "kernel";
	case PROTO_TCPD:
		return "tcpd";
	case PROTO_REFUSE:
		return "refuse";
	}
	return "unknown";
}

void
policy_init(struct proto_policy *p, uint32_t generation)
{
	memset(p, 0, sizeof *p);
	p->generation = generation;
}

static int
add_at(struct proto_policy *p, uint32_t at, const struct proto_rule *r)
{
	uint32_t n = p->nconnect + p->nbind;

	if (r->plen > 128 || r->port_first > r->port_last)
		return -EINVAL;
	if (n >= PROTO_POLICY_RULES)
		return -ENOSPC;
	memmove(
	    &p->rules[at + 1], &p->rules[at], (n - at) * sizeof p->rules[0]);
	p->rules[at] = *r;
	return 0;
}

static struct proto_rule
rule(const struct ipaddr *addr, uint8_t plen, uint16_t port_first,
    uint16_t port_last, enum proto_action action, enum proto_why why,
    uint32_t line)
{
	struct proto_rule r = {.plen = plen,
	    .action = (uint8_t)action,
	    .port_first = port_first,
	    .port_last = port_last,
	    .why = (uint16_t)why,
	    .line = line};

	memcpy(r.addr, addr->b, sizeof r.addr);
	return r;
}

int
policy_add_connect(struct proto_policy *p, const struct ipaddr *addr,
    uint8_t plen, uint16_t port_first, uint16_t port_last,
    enum proto_action action, enum proto_why why, uint32_t line)
{
	struct proto_rule r =
	    rule(addr, plen, port_first, port_last, action, why, line);
	int err = add_at(p, p->nconnect, &r);

	if (err == 0)
		p->nconnect++;
	return err;
}

int
policy_add_bind(struct proto_policy *p, const struct ipaddr *addr, uint8_t plen,
    uint16_t port_first, uint16_t port_last, enum proto_action action,
    enum proto_why why, uint32_t line)
{
	struct proto_rule r =
	    rule(addr, plen, port_first, port_last, action, why, line);
	int err = add_at(p, p->nconnect + p->nbind, &r);

	if (err == 0)
		p->nbind++;
	return err;
}

int
policy_add_address(
    struct proto_policy *p, const struct ipaddr *addr, uint8_t net_plen)
{
	int err = policy_add_bind(
	    p, addr, 128, 0, 65535, PROTO_TCPD, PROTO_WHY_ADDRESS, 0);

	if (err == 0)
		p->rules[p->nconnect + p->nbind - 1].net_plen = net_plen;
	return err;
}

int
policy_add_loopback(
    struct proto_policy *p, enum proto_action action, uint32_t line)
{
	static const struct ipaddr loop6 = {.b = {[15] = 1}};
	const struct ipaddr loop4 = ipaddr_v4(0x7f000000);
	const struct ipaddr any4 = ipaddr_v4(0), any6 = {{0}};
	const struct {
		const struct ipaddr *addr;
		uint8_t plen;
		bool bind;
	} nets[] = {{&loop4, 96 + 8, true}, {&loop6, 128, true},
	    {&any4, 128, false}, {&any6, 128, false}};
	enum proto_why why = line != 0 ? PROTO_WHY_CONF : PROTO_WHY_LOOPBACK;
	unsigned i;
	int err;

	for (i = 0; i < sizeof nets / sizeof nets[0]; i++) {
		err = policy_add_connect(
		    p, nets[i].addr, nets[i].plen, 0, 65535, action, why, line);
		if (err == 0 && nets[i].bind)
			err = policy_add_bind(p, nets[i].addr, nets[i].plen, 0,
			    65535, action, why, line);
		if (err != 0)
			return err;
	}
	return 0;
}

void
policy_finalise(struct proto_policy *p)
{
	p->magic = PROTO_MAGIC;
	p->version = PROTO_VERSION;
}

bool
policy_reaches(const struct proto_policy *p, bool v4)
{
	const struct proto_rule *r;
	struct ipaddr a;
	uint32_t n = clamp(p->nconnect, PROTO_POLICY_RULES), i;

	for (i = 0; i < n; i++) {
		r = &p->rules[i];
		memcpy(a.b, r->addr, sizeof a.b);
		if (r->action == PROTO_TCPD &&
		    (ipaddr_is_v4(&a) && r->plen >= 96) == v4)
			return true;
	}
	return false;
}
