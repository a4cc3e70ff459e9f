/* SPDX-License-Identifier: ISC */
/*
 * The policy page: which stack an address belongs to, for everybody to read.
 *
 * The order is what decides (first match): rules of tcpd.conf; loopback and
 * the unspecified address, multicast and broadcast, which are the kernel's;
 * then what tcpd has: its address, its network, its routes.  For bind: loopback
 * is the kernel's, tcpd's address and the wildcard are tcpd's.  Nothing else
 * matches, so the rest is the kernel's.
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

static uint32_t
mask_of(uint8_t plen)
{
	return plen == 0 ? 0 : UINT32_MAX << (32 - plen);
}

static int
connect_v4(struct proto_policy *p, uint32_t addr, uint8_t plen,
    enum proto_action action, enum proto_why why, uint32_t line)
{
	struct ipaddr ip = ipaddr_v4(addr);

	return policy_add_connect(
	    p, &ip, (uint8_t)(96 + plen), 0, 65535, action, why, line);
}

static int
bind_v4(struct proto_policy *p, uint32_t addr, enum proto_why why)
{
	struct ipaddr ip = ipaddr_v4(addr);

	return policy_add_bind(p, &ip, 128, 0, 65535, PROTO_TCPD, why, 0);
}

static int
add_conf(struct proto_policy *p, const struct conf *c)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->g.nrules && rc == 0; i++) {
		const struct conf_rule *r = &c->rules[i];
		struct ipaddr ip;

		memcpy(ip.b, r->addr, sizeof ip.b);
		if (r->bind)
			rc = policy_add_bind(p, &ip, r->plen, r->port_first,
			    r->port_last, r->action, PROTO_WHY_CONF, r->line);
		else
			rc = policy_add_connect(p, &ip, r->plen, r->port_first,
			    r->port_last, r->action, PROTO_WHY_CONF, r->line);
	}
	return rc;
}

static int
add_kernels(struct proto_policy *p, const struct conf *c)
{
	uint32_t mask = mask_of(c->g.plen);
	int rc = policy_add_loopback(p);

	if (rc == 0)
		rc = connect_v4(p, 0, 8, PROTO_KERNEL, PROTO_WHY_LOOPBACK, 0);
	if (rc == 0)
		rc = connect_v4(
		    p, 0xe0000000, 4, PROTO_KERNEL, PROTO_WHY_MULTICAST, 0);
	if (rc == 0)
		rc = connect_v4(
		    p, UINT32_MAX, 32, PROTO_KERNEL, PROTO_WHY_MULTICAST, 0);
	if (rc == 0 && c->g.plen < 31)
		rc = connect_v4(p, c->g.addr | ~mask, 32, PROTO_KERNEL,
		    PROTO_WHY_MULTICAST, 0);
	return rc;
}

int
page_rules(struct proto_policy *p, const struct conf *c, uint32_t generation)
{
	const struct conf_global *g = &c->g;
	int rc;

	policy_init(p, generation);
	rc = add_conf(p, c);
	if (rc == 0)
		rc = add_kernels(p, c);
	if (rc == 0)
		rc = connect_v4(
		    p, g->addr, 32, PROTO_TCPD, PROTO_WHY_ADDRESS, 0);
	if (rc == 0)
		rc = connect_v4(p, g->addr & mask_of(g->plen), g->plen,
		    PROTO_TCPD, PROTO_WHY_ROUTE, 0);
	for (uint32_t i = 0; i < g->nroutes && rc == 0; i++)
		rc = connect_v4(p, c->routes[i].dst, c->routes[i].plen,
		    PROTO_TCPD, PROTO_WHY_ROUTE, c->routes[i].line);
	if (rc == 0)
		rc = bind_v4(p, g->addr, PROTO_WHY_ADDRESS);
	if (rc == 0)
		rc = bind_v4(p, 0, PROTO_WHY_WILDCARD);
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
page_make(struct page *page, const struct conf *c, uint32_t generation)
{
	struct proto_policy *map, rules;
	int rc, fd;

	*page = (struct page){.fd = -1};
	if ((rc = page_rules(&rules, c, generation)) != 0)
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
