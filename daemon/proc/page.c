/* SPDX-License-Identifier: ISC */
/*
 * The policy page: which stack an address belongs to, for everybody to read.
 *
 * The order is what decides (first match): rules of tcpd.conf; loopback and
 * the unspecified address, which are the kernel's unless tcpd.conf says
 * otherwise, multicast and broadcast, which are the kernel's; then what tcpd
 * has: its addresses, their networks, its routes.  For bind: loopback, as
 * above; tcpd's addresses and the wildcards are tcpd's.
 * Nothing else matches, so the rest is the kernel's.
 *
 * The memfd is sealed against resizing (a client that maps it never faults)
 * and against new writers; only the parent's own mapping can still set
 * `superseded`.  A kernel before 5.1 lacks that last seal: then a client could
 * write, so the page is sealed whole, and `superseded` cannot be set: clients
 * find out about a reload when they are started.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ipc/policy.h"
#include "proc/log.h"
#include "proc/page.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static int
connect_to(struct proto_policy *p, const struct ipaddr *addr, unsigned plen,
    enum proto_action action, enum proto_why why, uint32_t line)
{
	return policy_add_connect(
	    p, addr, (uint8_t)plen, 0, 65535, action, why, line);
}

static int
bind_at(struct proto_policy *p, const struct ipaddr *addr, enum proto_why why)
{
	return policy_add_bind(p, addr, 128, 0, 65535, PROTO_TCPD, why, 0);
}

static int
add_conf(struct proto_policy *p, const struct conf *c)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->g.nrules && rc == 0; i++) {
		const struct conf_rule *r = &c->rules[i];

		if (r->bind)
			rc = policy_add_bind(p, &r->addr, r->plen,
			    r->port_first, r->port_last, r->action,
			    PROTO_WHY_CONF, r->line);
		else
			rc = policy_add_connect(p, &r->addr, r->plen,
			    r->port_first, r->port_last, r->action,
			    PROTO_WHY_CONF, r->line);
	}
	return rc;
}

/* Of an IPv4 network that has one (RFC 3021). */
static int
add_broadcast(struct proto_policy *p, const struct conf_addr *a)
{
	struct ipaddr all;

	if (!ipaddr_is_v4(&a->addr) || a->plen >= 127)
		return 0;
	all = ipaddr_v4(ipaddr_to_v4(&a->addr) | UINT32_MAX >> (a->plen - 96));
	return connect_to(p, &all, 128, PROTO_KERNEL, PROTO_WHY_MULTICAST, 0);
}

static int
add_kernels(struct proto_policy *p, const struct conf *c)
{
	const struct ipaddr this4 = ipaddr_v4(0);
	const struct ipaddr multi4 = ipaddr_v4(0xe0000000), multi6 = {{0xff}};
	const struct ipaddr broad = ipaddr_v4(UINT32_MAX);
	const struct {
		const struct ipaddr *addr;
		unsigned plen;
		enum proto_why why;
	} nets[] = {{&this4, 96 + 8, PROTO_WHY_LOOPBACK},
	    {&multi4, 96 + 4, PROTO_WHY_MULTICAST},
	    {&multi6, 8, PROTO_WHY_MULTICAST},
	    {&broad, 128, PROTO_WHY_MULTICAST}};
	int rc = policy_add_loopback(p, c->g.loopback, c->g.loopback_line);

	for (unsigned i = 0; i < sizeof nets / sizeof nets[0] && rc == 0; i++)
		rc = connect_to(p, nets[i].addr, nets[i].plen, PROTO_KERNEL,
		    nets[i].why, 0);
	for (uint32_t i = 0; i < c->g.naddrs && rc == 0; i++)
		rc = add_broadcast(p, &c->g.addrs[i]);
	return rc;
}

static int
add_addrs(struct proto_policy *p, const struct conf_addr *a, uint32_t n)
{
	int rc = 0;

	for (; n > 0 && rc == 0; a++, n--) {
		rc = connect_to(
		    p, &a->addr, 128, PROTO_TCPD, PROTO_WHY_ADDRESS, 0);
		if (rc == 0)
			rc = policy_add_address(p, &a->addr, a->plen);
	}
	return rc;
}

static int
add_routes(struct proto_policy *p, const struct conf_route *r, uint32_t n)
{
	int rc = 0;

	for (; n > 0 && rc == 0; r++, n--)
		rc = connect_to(
		    p, &r->dst, r->plen, PROTO_TCPD, PROTO_WHY_ROUTE, r->line);
	return rc;
}

/* What tcpd has. */
static int
add_ours(
    struct proto_policy *p, const struct conf *c, const struct cm_net *net_has)
{
	static const struct cm_net nothing;
	const struct cm_net *live = net_has != NULL ? net_has : &nothing;
	const struct ipaddr any4 = ipaddr_v4(0), any6 = {{0}};
	const struct conf_addr *a = c->g.addrs, *end = a + c->g.naddrs;
	struct ipaddr net;
	int rc = add_addrs(p, a, c->g.naddrs);

	if (rc == 0)
		rc = add_addrs(p, live->addrs, live->naddrs);
	for (; a < end && rc == 0; a++) {
		net = ipaddr_masked(&a->addr, a->plen);
		rc = connect_to(
		    p, &net, a->plen, PROTO_TCPD, PROTO_WHY_ROUTE, 0);
	}
	if (rc == 0)
		rc = add_routes(p, c->routes, c->g.nroutes);
	if (rc == 0)
		rc = add_routes(p, live->routes, live->nroutes);
	if (rc == 0)
		rc = bind_at(p, &any4, PROTO_WHY_WILDCARD);
	if (rc == 0)
		rc = bind_at(p, &any6, PROTO_WHY_WILDCARD);
	return rc;
}

int
page_rules(
    struct proto_policy *p, const struct page_source *from, uint32_t generation)
{
	int rc;

	policy_init(p, generation);
	p->link = from->link;
	p->mtu = from->mtu;
	rc = add_conf(p, from->conf);
	if (rc == 0)
		rc = add_kernels(p, from->conf);
	if (rc == 0)
		rc = add_ours(p, from->conf, from->net);
	policy_finalise(p);
	return rc;
}

static void
seal(int fd)
{
	int size = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	if (fcntl(fd, F_ADD_SEALS, size | F_SEAL_FUTURE_WRITE) == 0)
		return;
	log_warn("this kernel cannot seal the policy against clients only "
		 "(before 5.1): running programs will not notice a reload");
}

int
page_make(
    struct page *page, const struct page_source *from, uint32_t generation)
{
	struct proto_policy *map, rules;
	int rc, fd;

	*page = (struct page){.fd = -1};
	if ((rc = page_rules(&rules, from, generation)) != 0)
		return rc;
	fd = memfd_create("tcpd-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -errno;
	if (ftruncate(fd, sizeof rules) == -1)
		goto fail;
	map =
	    mmap(NULL, sizeof rules, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		goto fail;
	memcpy(map, &rules, sizeof rules);
	seal(fd);
	if ((fcntl(fd, F_GET_SEALS) & F_SEAL_FUTURE_WRITE) == 0) {
		munmap(map, sizeof rules);
		map = NULL;
		fcntl(fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	}
	*page = (struct page){.fd = fd, .map = map};
	return 0;
fail:
	rc = -errno;
	close(fd);
	return rc;
}

void
page_supersede(struct page *page)
{
	if (page->map != NULL)
		__atomic_store_n(&page->map->superseded, 1, __ATOMIC_RELEASE);
}

void
page_close(struct page *page)
{
	if (page->map != NULL)
		munmap(page->map, sizeof *page->map);
	if (page->fd != -1)
		close(page->fd);
	*page = (struct page){.fd = -1};
}

const struct proto_policy *
page_map(int fd)
{
	struct proto_policy *p;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals == -1 || (seals & F_SEAL_SHRINK) == 0 ||
	    fstat(fd, &st) == -1 || st.st_size < (off_t)sizeof *p)
		return NULL;
	p = mmap(NULL, sizeof *p, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (policy_valid(p))
		return p;
	munmap(p, sizeof *p);
	return NULL;
}

void
page_unmap(const struct proto_policy *p)
{
	if (p != NULL)
		munmap((void *)p, sizeof *p);
}
