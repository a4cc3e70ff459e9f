/* SPDX-License-Identifier: ISC */
/*
 * A TAP interface: what the kernel sends into it we read, what we write the
 * kernel receives.  With IFF_VNET_HDR each frame carries a virtio-net header,
 * so that 64 KiB TCP segments cross in one piece and without checksums, which
 * decides a factor of ten in throughput.
 *
 * Nothing is taken for granted: each step towards that is tried, and when the
 * kernel refuses one, the device is opened again in its plain form; the
 * caller gets the reason as a text and the result as capabilities.  Writing
 * large segments needs the header only; getting them needs TUNSETOFFLOAD.
 *
 * The header has 10 bytes in the host's byte order, the form that AF_PACKET
 * uses too.  A persistent interface may have been left in another form by its
 * last user, so all of it is set, also the offloads of the plain path.
 *
 * The station on our side of the TAP is another one than the kernel's, so it
 * has an address of its own: locally administered, derived from the machine's
 * id, the namespace's and the interface's name, hence stable over restarts.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include "base/siphash.h"
#include "dev/adapter.h"
#include "dev/link.h"
#include "dev/netns.h"
#include "dev/rtnl.h"

void
dev_mac_from_name(const char *netns, const char *name, uint8_t mac[6])
{
	static const struct siphash_key key = {
	    0x7463706420544150, 0x6d61632061646472};
	char id[512];
	size_t len = 0;
	uint64_t h;
	ssize_t n;
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		n = read(fd, id, 64);
		len = n > 0 ? (size_t)n : 0;
		close(fd);
	}
	n = snprintf(
	    id + len, sizeof id - len, "/%s/%s", netns ? netns : "", name);
	len += (size_t)n < sizeof id - len ? (size_t)n : sizeof id - len - 1;
	h = siphash(&key, id, len);
	memcpy(mac, &h, 6);
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}

/* The features in which reading large and unchecksummed frames succeeds, from
 * the best down; 0 always works on a TAP. */
static unsigned
set_offloads(int fd, bool wanted)
{
	static const unsigned tries[] = {
	    TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
	    TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
	    TUN_F_CSUM | TUN_F_TSO4,
	    TUN_F_CSUM,
	};
	size_t i;

	for (i = 0; wanted && i < sizeof tries / sizeof *tries; i++)
		if (ioctl(fd, TUNSETOFFLOAD, tries[i]) == 0)
			return tries[i];
	(void)ioctl(fd, TUNSETOFFLOAD, 0);
	return 0;
}

/* Puts the virtio-net header into the form that we use. */
static const char *
set_header_form(int fd)
{
	int size = DEV_VNET_HDR_LEN,
	    little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		return "TUNSETVNETHDRSZ";
	if (ioctl(fd, TUNSETVNETLE, &little) < 0)
		return "TUNSETVNETLE";
	return NULL;
}

/* Makes or attaches the interface in one form.  *refused names the step that
 * belongs to the virtio-net header and failed. */
static int
try_form(const struct dev_open *o, bool vnet, struct dev_caps *caps,
    const char **refused, char *err, size_t errlen)
{
	const struct netns_open tun = {
	    .path = "/dev/net/tun", .flags = O_RDWR | O_NONBLOCK};
	struct ifreq r = {0};
	unsigned features = 0, offloads;
	int e, fd = netns_open(o->netns, &tun, err, errlen);

	*refused = NULL;
	if (fd < 0)
		return fd;
	if (vnet && (ioctl(fd, TUNGETFEATURES, &features) < 0 ||
			!(features & IFF_VNET_HDR))) {
		*refused = "IFF_VNET_HDR";
		close(fd);
		return -EOPNOTSUPP;
	}
	memcpy(r.ifr_name, o->name, strlen(o->name));
	r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0) |
			      (o->multi_queue ? IFF_MULTI_QUEUE : 0));
	if (ioctl(fd, TUNSETIFF, &r) < 0) {
		e = errno;
		*refused = e == EINVAL ? "TUNSETIFF" : NULL;
		goto fail;
	}
	if (vnet && (*refused = set_header_form(fd))) {
		e = errno;
		goto fail;
	}
	offloads = set_offloads(fd, vnet);
	memcpy(caps->name, r.ifr_name, sizeof caps->name);
	caps->name[sizeof caps->name - 1] = '\0';
	caps->vnet_hdr = caps->csum = caps->tso = vnet;
	caps->gro = offloads & TUN_F_TSO4;
	return fd;
fail:
	close(fd);
	return -e;
}

static void
explain(const struct dev_open *o, int e, char *err, size_t errlen)
{
	const char *cure = "";

	if (e == EPERM)
		cure = ": start tcpd as root, or as root of a user namespace "
		       "that owns the network namespace";
	else if (e == EBUSY)
		cure = ": another program holds this TAP interface; stop it "
		       "or choose another name";
	else if (e == EINVAL)
		cure = ": an interface of this name exists and is no TAP, or "
		       "it differs in multi_queue";
	snprintf(err, errlen, "TAP %s: %s%s", o->name, strerror(e), cure);
}

/* MTU, queue length and "up".  What fails is fatal only when the device could
 * not work without it. */
static int
configure(
    const struct dev_open *o, struct dev_caps *caps, char *err, size_t errlen)
{
	struct link_facts link;
	int e, sock = rtnl_open(o->netns, err, errlen);

	if (sock < 0)
		return sock;
	if (o->mtu && (e = link_set_mtu(sock, caps->name, o->mtu))) {
		snprintf(err, errlen, "TAP %s: cannot set the MTU to %u: %s",
		    caps->name, o->mtu, strerror(-e));
		goto out;
	}
	if (o->txqueuelen &&
	    (e = link_set_txqueuelen(sock, caps->name, o->txqueuelen)))
		dev_note(err, errlen,
		    "TAP %s: cannot set txqueuelen to %u (%s): the kernel "
		    "drops bursts beyond its own queue length",
		    caps->name, o->txqueuelen, strerror(-e));
	if ((e = link_set_up(sock, caps->name)) ||
	    (e = link_query(sock, caps->name, &link))) {
		snprintf(err, errlen, "TAP %s: cannot bring it up: %s",
		    caps->name, strerror(-e));
		goto out;
	}
	caps->mtu = (uint16_t)(link.mtu > UINT16_MAX ? UINT16_MAX : link.mtu);
	if (o->have_mac)
		memcpy(caps->mac, o->mac, sizeof caps->mac);
	else
		dev_mac_from_name(o->netns, caps->name, caps->mac);
	if (memcmp(caps->mac, link.mac, sizeof link.mac) == 0) {
		snprintf(err, errlen,
		    "TAP %s: the kernel's side has the address that was to be "
		    "ours: give another one",
		    caps->name);
		e = -EADDRINUSE;
	}
out:
	close(sock);
	return e;
}

int
tap_open(
    const struct dev_open *o, struct dev_caps *caps, char *err, size_t errlen)
{
	const char *refused;
	int e, fd;

	memset(caps, 0, sizeof *caps);
	caps->kind = DEV_TAP;
	*err = '\0';
	if (strlen(o->name) >= IFNAMSIZ) {
		snprintf(err, errlen, "TAP %s: the name is longer than %d",
		    o->name, IFNAMSIZ - 1);
		return -ENAMETOOLONG;
	}
	fd = try_form(o, o->offload, caps, &refused, err, errlen);
	if (fd < 0 && o->offload && refused) {
		const char *step = refused;
		int why = -fd;

		fd = try_form(o, false, caps, &refused, err, errlen);
		if (fd >= 0)
			dev_note(err, errlen,
			    "TAP %s: offloads are off, the kernel refused %s "
			    "(%s)",
			    caps->name, step, strerror(why));
	}
	if (fd < 0) {
		if (!*err)
			explain(o, -fd, err, errlen);
		return fd;
	}
	if (o->offload && caps->vnet_hdr && !caps->gro)
		dev_note(err, errlen,
		    "TAP %s: the kernel refused TUNSETOFFLOAD: it sends "
		    "ordinary frames only",
		    caps->name);
	if ((e = configure(o, caps, err, errlen))) {
		close(fd);
		return e;
	}
	return fd;
}

static ssize_t
tap_recv(int fd, struct iovec *iov, int n, struct offload *off)
{
	ssize_t len;

	do
		len = readv(fd, iov, n);
	while (len < 0 && errno == EINTR);
	if (len >= 0)
		return len;
	return errno == EBADFD ? -ENODEV : -errno;
}

const struct dev_ops tap_ops = {.rx = dev_rx_read,
    .recv = tap_recv,
    .tx = dev_tx_write};
