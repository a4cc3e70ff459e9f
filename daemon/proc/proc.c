/* SPDX-License-Identifier: ISC */
/*
 * Payloads that are not copied as they are: see proc.h.
 */
#include "config.h"

#include <string.h>

#include "proc/proc.h"

void
pm_device_from(struct pm_device *d, const struct dev_caps *caps)
{
	memset(d, 0, sizeof *d);
	d->kind = caps->kind;
	d->vnet_hdr = caps->vnet_hdr;
	d->csum = caps->csum;
	d->tso = caps->tso;
	d->gro = caps->gro;
	d->mtu = caps->mtu;
	memcpy(d->mac, caps->mac, sizeof d->mac);
	memcpy(d->name, caps->name, sizeof d->name);
}

bool
pm_device_to(const struct pm_device *d, struct dev_caps *caps)
{
	if ((d->kind != DEV_TAP && d->kind != DEV_PACKET) || d->mtu < 576 ||
	    memchr(d->name, '\0', sizeof d->name) == NULL)
		return false;
	memset(caps, 0, sizeof *caps);
	caps->kind = d->kind;
	caps->vnet_hdr = d->vnet_hdr != 0;
	caps->csum = d->csum != 0;
	caps->tso = d->tso != 0;
	caps->gro = d->gro != 0;
	caps->mtu = d->mtu;
	memcpy(caps->mac, d->mac, sizeof caps->mac);
	memcpy(caps->name, d->name, sizeof caps->name);
	return true;
}
