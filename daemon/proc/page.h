/* SPDX-License-Identifier: ISC */
/*
 * The policy page: the rules of ipc/policy.h in a memfd, made by the parent
 * out of the configuration and what the network gave, mapped read-only by the
 * clients and the frontend.
 */
#ifndef PROC_PAGE_H
#define PROC_PAGE_H

#include "proc/proc.h"
#include "tcpd/proto.h"

struct page {
	int fd; /* sealed: whoever gets it can read it only */
	struct proto_policy *map;
};

/* What the rules are made of. */
struct page_source {
	const struct conf *conf;
	const struct cm_net *net; /* besides; NULL: nothing */
	uint32_t link;		  /* the device's interface */
	uint32_t mtu;		  /* the device's */
};

/* The rules, without a memfd.  0 or -ENOSPC. */
int page_rules(struct proto_policy *p, const struct page_source *from,
    uint32_t generation);
/* Makes a page.  0 or a negative errno. */
int page_make(
    struct page *page, const struct page_source *from, uint32_t generation);
/* A new page follows: clients that have this one ask again. */
void page_supersede(struct page *page);
void page_close(struct page *page);

/* Maps a page that somebody else made, read-only; NULL when it is none.  The
 * descriptor stays the caller's. */
const struct proto_policy *page_map(int fd);
void page_unmap(const struct proto_policy *p);

#endif
