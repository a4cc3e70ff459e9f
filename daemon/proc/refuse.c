/* SPDX-License-Identifier: ISC */
/*
 * What the policy refuses, judged where no program can leave it out.
 *
 * The policy's page is read by the library, in the program, which a program may
 * do without and speak tcpd/proto.h itself.  So what a rule refuses is refused
 * once more here.  Rules that say "kernel" are the library's alone: who takes
 * no notice of them has what he would have without any rule, tcpd's routes.
 *
 * The resolver is a client as well; its destinations are tcpd.conf's word.
 */
#include "config.h"
#include <sys/mman.h>
#include <errno.h>
#include <unistd.h>
#include "ipc/policy.h"
#include "proc/engine.h"
#include "proc/log.h"

static bool
refuses_anything(const struct proto_policy *p)
{
	uint32_t i;

	for (i = 0; i < p->nconnect + p->nbind; i++)
		if (p->rules[i].action == PROTO_REFUSE)
			return true;
	return false;
}

static void
forget(const struct proto_policy *p)
{
	if (p != NULL)
		munmap((void *)(uintptr_t)p, sizeof *p);
}

void
refuse_set_policy(struct engine *e, int fd)
{
	const struct proto_policy *p = NULL;

	if (fd >= 0) {
		p = mmap(NULL, sizeof *p, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED) {
			log_warn("cannot map the policy; what was refused "
				 "before still is");
			return;
		}
	}
	if (p != NULL && !(policy_valid(p) && refuses_anything(p))) {
		forget(p);
		p = NULL;
	}
	forget(e->policy);
	e->policy = p;
}

static bool
is_nameserver(const struct engine *e, const struct ipaddr *dst, uint16_t port)
{
	const struct conf_resolver *r = &e->conf->g.resolver;
	uint32_t i;

	for (i = 0; i < r->nservers; i++)
		if (ipaddr_eq(&r->servers[i].addr, dst) &&
		    r->servers[i].port == port)
			return true;
	return false;
}

static int
verdict(struct engine *e, struct policy_verdict v, int refused)
{
	if (v.action != PROTO_REFUSE)
		return 0;
	drop_count(e->drops, DROP_IPC_POLICY);
	return refused;
}

int
refuse_connect(
    struct engine *e, uint32_t uid, const struct ipaddr *dst, uint16_t port)
{
	if (e->policy == NULL ||
	    (uid == geteuid() && is_nameserver(e, dst, port)))
		return 0;
	return verdict(e, policy_connect(e->policy, dst, port), ENETUNREACH);
}

int
refuse_bind(struct engine *e, const struct ipaddr *addr, uint16_t port)
{
	if (e->policy == NULL)
		return 0;
	return verdict(e, policy_bind(e->policy, addr, port), EADDRNOTAVAIL);
}
