/* SPDX-License-Identifier: ISC */
/*
 * A raw AF_PACKET socket on an existing Ethernet interface.
 *
 * With PACKET_VNET_HDR it carries virtio-net headers like a TAP and takes and
 * gives 64 KiB TCP frames.  Without it the kernel still gives such frames (a
 * veth peer's, or merged by GRO), with checksums nobody filled in; auxiliary
 * data says so, and the frame is trusted as the kernel itself would trust it.
 *
 * A filter in the kernel keeps away what is not for this station: other
 * stations' unicast (a promiscuous interface), our own output, and frames of a
 * VLAN, whose tag the kernel takes off and which would pass for untagged ones;
 * another VLAN is another wire.  Priority tags (VLAN 0) pass.
 *
 * Sharing the interface's address has one trap: a kernel that forwards would
 * also forward the frames meant for us, and tell their senders; the caller is
 * warned.
 *
 * Socket buffers are raised: the default holds three 64 KiB frames, and what
 * exceeds it is lost.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "dev/adapter.h"
#include "dev/link.h"
#include "dev/netns.h"
#include "dev/rtnl.h"

#define PACKET_RCVBUF (16 << 20)
#define PACKET_SNDBUF (4 << 20)

/* Accepts group frames and those to mac, untagged ones only. */
unsigned
station_code(struct sock_filter code[STATION_CODE], const uint8_t mac[6])
{
	uint32_t hi = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 |
		      (uint32_t)mac[2] << 8 | mac[3];
	uint32_t lo = (uint32_t)mac[4] << 8 | mac[5];
	uint32_t ad = (uint32_t)SKF_AD_OFF;
	const struct sock_filter c[STATION_CODE] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_VLAN_TAG_PRESENT),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ad + SKF_AD_VLAN_TAG),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x0fff),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 4, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, hi, 0, 3),
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, lo, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};

	memcpy(code, c, sizeof c);
	return STATION_CODE;
}

static int
set_filter(int fd, const uint8_t mac[6])
{
	struct sock_filter code[STATION_CODE];
	struct sock_fprog prog = {
	    (unsigned short)station_code(code, mac), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
}

/* The forced form may exceed the system's limit and needs privilege. */
static void
set_buffer(int fd, int forced, int plain, int bytes, const char *name,
    char *err, size_t errlen)
{
	int got = 0;
	socklen_t len = sizeof got;

	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
	if (getsockopt(fd, SOL_SOCKET, plain, &got, &len) == 0 &&
	    got / 2 < bytes)
		dev_note(err, errlen,
		    "%s: socket buffer of %d bytes only, bursts may be lost: "
		    "raise net.core.%s to %d",
		    name, got / 2, plain == SO_RCVBUF ? "rmem_max" : "wmem_max",
		    bytes);
}

/* Virtio-net headers when wanted and possible; the capabilities. */
static int
set_offloads(int fd, const struct dev_open *o, struct dev_caps *caps, char *err,
    size_t errlen)
{
	int one = 1;

	caps->gro = true;
	if (o->offload) {
		if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
			sizeof one) == 0) {
			caps->vnet_hdr = caps->csum = caps->tso = true;
			return 0;
		}
		dev_note(err, errlen,
		    "%s: offloads are off, the kernel refused PACKET_VNET_HDR "
		    "(%s)",
		    o->name, strerror(errno));
	}
	return setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one);
}

/* The address that tcpd answers to, and what comes with the choice. */
static int
set_station(int fd, const struct dev_open *o, const struct link_facts *link,
    struct dev_caps *caps, char *err, size_t errlen)
{
	struct packet_mreq promisc = {
	    .mr_ifindex = link->ifindex, .mr_type = PACKET_MR_PROMISC};
	char path[96], c = '0';
	struct netns_open what = {.path = path, .flags = O_RDONLY};
	char unused[160];
	int p;

	memcpy(caps->mac, o->have_mac ? o->mac : link->mac, 6);
	if (memcmp(caps->mac, link->mac, 6) != 0)
		return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP,
		    &promisc, sizeof promisc);
	snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/forwarding",
	    o->name);
	p = netns_open(o->netns, &what, unused, sizeof unused);
	if (p < 0)
		return 0;
	if (read(p, &c, 1) == 1 && c != '0')
		dev_note(err, errlen,
		    "%s: the kernel forwards on this interface and would "
		    "forward tcpd's frames too: give tcpd a mac of its own or "
		    "set net.ipv4.conf.%s.forwarding=0",
		    o->name, o->name);
	close(p);
	return 0;
}

int
dev_inspect(
    const struct dev_open *o, struct link_facts *link, char *err, size_t errlen)
{
	int e, sock = rtnl_open(o->netns, err, errlen);

	if (sock < 0)
		return sock;
	e = link_query(sock, o->name, link);
	close(sock);
	if (e) {
		snprintf(err, errlen, "interface %s: %s%s", o->name,
		    strerror(-e), e == -ENODEV ? ": see ip link" : "");
		return e;
	}
	if (!link->ethernet) {
		snprintf(err, errlen,
		    "interface %s is not an Ethernet interface: choose another "
		    "or use a tap device",
		    o->name);
		return -EINVAL;
	}
	if (!link->up) {
		snprintf(err, errlen, "interface %s is down: ip link set %s up",
		    o->name, o->name);
		return -ENETDOWN;
	}
	if (o->mtu > link->mtu) {
		snprintf(err, errlen,
		    "interface %s has an MTU of %u, less than the %u wanted: "
		    "ip link set %s mtu %u",
		    o->name, link->mtu, o->mtu, o->name, o->mtu);
		return -EINVAL;
	}
	return 0;
}

int
packet_open(
    const struct dev_open *o, struct dev_caps *caps, char *err, size_t errlen)
{
	const struct netns_open raw = {
	    .domain = AF_PACKET, .type = SOCK_RAW | SOCK_NONBLOCK};
	struct sockaddr_ll at = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct link_facts link;
	const char *step;
	int e, fd, one = 1;

	memset(caps, 0, sizeof *caps);
	caps->kind = DEV_PACKET;
	*err = '\0';
	if ((e = dev_inspect(o, &link, err, errlen)))
		return e;
	fd = netns_open(o->netns, &raw, err, errlen);
	if (fd < 0)
		return fd;
	snprintf(caps->name, sizeof caps->name, "%s", o->name);
	caps->mtu =
	    o->mtu ? o->mtu
		   : (uint16_t)(link.mtu > UINT16_MAX ? UINT16_MAX : link.mtu);
	at.sll_ifindex = link.ifindex;
	set_buffer(
	    fd, SO_RCVBUFFORCE, SO_RCVBUF, PACKET_RCVBUF, o->name, err, errlen);
	set_buffer(
	    fd, SO_SNDBUFFORCE, SO_SNDBUF, PACKET_SNDBUF, o->name, err, errlen);
	/* Bound last: no frame comes in before the filter stands. */
	if (step = "PACKET_IGNORE_OUTGOING (needs Linux 4.20)",
	    setsockopt(
		fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0)
		goto fail;
	if (step = "offloads", set_offloads(fd, o, caps, err, errlen) < 0)
		goto fail;
	if (o->ring && (e = rxring_open(fd, caps->mtu)))
		dev_note(err, errlen,
		    "%s: no receive ring, each frame takes a system call: the "
		    "kernel refused it (%s)",
		    o->name, strerror(-e));
	else
		caps->rx_ring = o->ring;
	if (step = "address", set_station(fd, o, &link, caps, err, errlen) < 0)
		goto fail;
	if (step = "filter", set_filter(fd, caps->mac) < 0)
		goto fail;
	if (step = "bind", bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		goto fail;
	return fd;
fail:
	e = errno;
	snprintf(
	    err, errlen, "interface %s: %s: %s", o->name, step, strerror(e));
	close(fd);
	return -e;
}

/* An interface that went down comes back by itself; one that was removed
 * leaves the socket bound to nothing. */
static ssize_t
recv_error(int fd, int e)
{
	struct sockaddr_ll at = {0};
	socklen_t len = sizeof at;

	if (e != ENETDOWN)
		return -e;
	if (getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
	    at.sll_ifindex > 0)
		return -EAGAIN;
	return -ENODEV;
}

static ssize_t
packet_recv(int fd, struct iovec *iov, int n, struct offload *off)
{
	ssize_t len;

	do
		len = readv(fd, iov, n);
	while (len < 0 && errno == EINTR);
	return len >= 0 ? len : recv_error(fd, errno);
}

static ssize_t
packet_plain_recv(int fd, struct iovec *iov, int n, struct offload *off)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} ctl;
	struct msghdr m = {.msg_iov = iov,
	    .msg_iovlen = (size_t)n,
	    .msg_control = ctl.bytes,
	    .msg_controllen = sizeof ctl.bytes};
	struct tpacket_auxdata aux;
	struct cmsghdr *c;
	ssize_t len;

	do
		len = recvmsg(fd, &m, 0);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return recv_error(fd, errno);
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_PACKET &&
	    c->cmsg_type == PACKET_AUXDATA) {
		memcpy(&aux, CMSG_DATA(c), sizeof aux);
		off->csum_valid = aux.tp_status & (TP_STATUS_CSUMNOTREADY |
						      TP_STATUS_CSUM_VALID);
	}
	return len;
}

/* What the kernel lost for want of room since it was last asked. */
static void
packet_count(struct dev *d)
{
	struct tpacket_stats st = {0};
	socklen_t len = sizeof st;

	if (getsockopt(d->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0)
		d->stats.rx_lost += st.tp_drops;
}

/* A ring has no error of its own: the socket has it. */
static int
packet_idle(struct dev *d)
{
	int e = 0;
	socklen_t len = sizeof e;

	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 || e == 0)
		return -EAGAIN;
	return (int)recv_error(d->fd, e);
}

#define OPS(recv_, ...)                                                        \
	{                                                                      \
		.recv = (recv_), .tx = txbatch_tx, .flush = txbatch_flush,     \
		.count = packet_count, __VA_ARGS__                             \
	}
#define READ .attach = txbatch_new, .detach = txbatch_free, .rx = dev_rx_read
#define RING                                                                   \
	.attach = rxring_attach, .detach = rxring_detach, .rx = rxring_rx,     \
	.idle = packet_idle

const struct dev_ops packet_ops = OPS(packet_recv, READ);
const struct dev_ops packet_plain_ops = OPS(packet_plain_recv, READ);
const struct dev_ops packet_ring_ops = OPS(packet_recv, RING);
const struct dev_ops packet_plain_ring_ops = OPS(packet_plain_recv, RING);
