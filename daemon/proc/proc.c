/* SPDX-License-Identifier: ISC */
/*
 * What the children have in common, and payloads that are not copied as they
 * are: see proc.h.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>

#include "proc/log.h"
#include "proc/proc.h"

struct event_base *
proc_begin(struct msgchan **parent, const struct msgchan_ops *ops, void *arg)
{
	static const int ours_not[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
	struct event_base *eb = event_base_new();

	for (unsigned i = 0; i < sizeof ours_not / sizeof ours_not[0]; i++)
		signal(ours_not[i], SIG_IGN);
	if (eb == NULL)
		fatal("cannot make an event loop: %s", strerror(errno));
	*parent = msgchan_new(eb, PROC_FD, &msgchan_internal, ops, arg);
	if (*parent == NULL)
		fatal("cannot talk to the parent");
	return eb;
}

bool
proc_log(const struct msg *m)
{
	struct pm_log l;

	if (!MSG_GET(m, &l) || l.verbose > LOG_LVL_DEBUG)
		return false;
	log_show((enum log_level)l.verbose);
	return true;
}

void
pm_device_from(struct pm_device *d, const struct dev_caps *caps)
{
	memset(d, 0, sizeof *d);
	d->kind = caps->kind;
	d->vnet_hdr = caps->vnet_hdr;
	d->csum = caps->csum;
	d->tso = caps->tso;
	d->gro = caps->gro;
	d->rx_ring = caps->rx_ring;
	d->mtu = caps->mtu;
	d->ifindex = caps->ifindex;
	memcpy(d->mac, caps->mac, sizeof d->mac);
	memcpy(d->name, caps->name, sizeof d->name);
}

bool
pm_device_to(const struct pm_device *d, struct dev_caps *caps)
{
	if (d->kind < DEV_TAP || d->kind > DEV_XDP || d->mtu < 576 ||
	    memchr(d->name, '\0', sizeof d->name) == NULL)
		return false;
	memset(caps, 0, sizeof *caps);
	caps->kind = d->kind;
	caps->vnet_hdr = d->vnet_hdr != 0;
	caps->csum = d->csum != 0;
	caps->tso = d->tso != 0;
	caps->gro = d->gro != 0;
	caps->rx_ring = d->rx_ring != 0;
	caps->mtu = d->mtu;
	caps->ifindex = d->ifindex;
	memcpy(caps->mac, d->mac, sizeof caps->mac);
	memcpy(caps->name, d->name, sizeof caps->name);
	return true;
}
