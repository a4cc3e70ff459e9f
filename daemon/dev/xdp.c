/* SPDX-License-Identifier: ISC */
/*
 * AF_XDP: frames between the driver and memory of ours, past the kernel's
 * network stack.  Without a copy where the driver can (the kernel decides when
 * the socket is bound), else with one.
 *
 * The parent makes the socket and a program of a dozen instructions, which
 * redirects frames of the first queue for our station, and groups', to it; all
 * others go on to the kernel.  The program is on the interface for as long as
 * the link's descriptor is open: when the daemon dies, it goes.  So it takes
 * four bpf() calls, and libbpf or libxdp would bring nothing but themselves.
 * The engine, which has no privilege, registers the memory and binds.
 *
 * Memory is CHUNKS pieces that hold a frame each: the first half is the
 * kernel's to receive into, of the second those that are free are on a stack.
 * A received frame is copied into a buf of its size and its piece goes back at
 * once, as with a packet socket's ring.
 *
 * There are no offloads and a frame is one piece: no more than XDP_MTU_MAX.
 * Nobody fills in checksums that a local sender (a veth's other end) left to
 * its device: the manual says what to switch off.
 *
 * Trusts the kernel for the rings' indexes; addresses are checked.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include "base/check.h"
#include "dev/adapter.h"
#include "dev/link.h"
#include "dev/netns.h"
#include "dev/rtnl.h"

#define RING	    2048u /* entries of each ring */
#define CHUNKS	    (2 * RING)
#define CHUNK_SMALL 2048u
#define CHUNK_LARGE 4096u
#define CHUNK_HEAD  256u /* that the kernel keeps of each */
#define FRAME_HEAD  18u	 /* Ethernet's with a tag */
#define XDP_MTU_MAX (CHUNK_LARGE - CHUNK_HEAD - FRAME_HEAD)
#define KICKS	    (RING / 8) /* calls of a flush at most */

/* One ring that is shared with the kernel. */
struct xring {
	uint32_t *producer, *consumer, *flags;
	void *desc;
	void *map;
	size_t map_bytes;
	uint32_t at; /* our side's index */
};

struct xsk {
	uint8_t *umem;
	uint32_t chunk_bytes;
	struct xring fill, done, rx, tx;
	uint32_t nfree;
	uint64_t free[RING]; /* addresses to send from */
};

static uint32_t
chunk_bytes(uint16_t mtu)
{
	return mtu + FRAME_HEAD + CHUNK_HEAD <= CHUNK_SMALL ? CHUNK_SMALL
							    : CHUNK_LARGE;
}

/* ---- opening: the parent ---- */

static int
bpf_call(int cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof *attr);

	return r < 0 ? -errno : r;
}

#define INSN(c, d, s, o, i)                                                    \
	{                                                                      \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o),       \
		.imm = (i)                                                     \
	}

/* What is for mac or a group goes to the socket in the map, while there is one;
 * the rest is the kernel's. */
static int
load_program(int map, const uint8_t mac[6])
{
	int32_t lo;
	uint16_t hi;

	memcpy(&lo, mac, sizeof lo);
	memcpy(&hi, mac + 4, sizeof hi);
	const struct bpf_insn code[] = {
	    INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0),
	    INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, 4, 0),
	    INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),
	    INSN(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 14),
	    INSN(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 12, 0),
	    INSN(BPF_LDX | BPF_MEM | BPF_B, 4, 2, 0, 0),
	    INSN(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 4, 1),
	    INSN(BPF_LDX | BPF_MEM | BPF_W, 4, 2, 0, 0),
	    INSN(BPF_JMP32 | BPF_JNE | BPF_K, 4, 0, 8, lo),
	    INSN(BPF_LDX | BPF_MEM | BPF_H, 4, 2, 4, 0),
	    INSN(BPF_JMP | BPF_JNE | BPF_K, 4, 0, 6, hi),
	    INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 16, 0), /* its queue */
	    INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map),
	    INSN(0, 0, 0, 0, 0),
	    INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, XDP_PASS),
	    INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
	    INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	    INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
	    INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_XDP,
	    .insn_cnt = sizeof code / sizeof *code,
	    .insns = (uint64_t)(uintptr_t)code,
	    .license = (uint64_t)(uintptr_t) "ISC",
	    .expected_attach_type = BPF_XDP};

	return bpf_call(BPF_PROG_LOAD, &a);
}

/* The program, whose map has the socket fd as its first queue's. */
static int
make_program(int fd, const uint8_t mac[6])
{
	union bpf_attr a = {.map_type = BPF_MAP_TYPE_XSKMAP,
	    .key_size = 4,
	    .value_size = 4,
	    .max_entries = 1};
	uint32_t queue = 0;
	int map = bpf_call(BPF_MAP_CREATE, &a), prog;

	if (map < 0)
		return map;
	a = (union bpf_attr){.map_fd = (uint32_t)map,
	    .key = (uint64_t)(uintptr_t)&queue,
	    .value = (uint64_t)(uintptr_t)&fd};
	prog = bpf_call(BPF_MAP_UPDATE_ELEM, &a);
	if (prog == 0)
		prog = load_program(map, mac);
	close(map);
	return prog;
}

struct attachment {
	int prog, ifindex;
	uint32_t flags;
};

/* Inside the interface's namespace. */
static int
make_link(void *arg)
{
	const struct attachment *at = arg;
	union bpf_attr a = {.link_create = {.prog_fd = (uint32_t)at->prog,
				.target_ifindex = (uint32_t)at->ifindex,
				.attach_type = BPF_XDP,
				.flags = at->flags}};

	return bpf_call(BPF_LINK_CREATE, &a);
}

/* In the driver, or before the kernel's stack where the driver cannot. */
static int
attach_program(
    const struct dev_open *o, int prog, int ifindex, char *err, size_t errlen)
{
	struct attachment at = {prog, ifindex, XDP_FLAGS_DRV_MODE};
	const struct netns_open how = {.make = make_link, .arg = &at};
	char unused[160];
	int link = netns_open(o->netns, &how, unused, sizeof unused);

	if (link >= 0 || link == -EBUSY || link == -EPERM)
		return link;
	dev_note(err, errlen,
	    "%s: the driver runs no XDP program (%s): it runs behind the "
	    "driver, slower",
	    o->name, strerror(-link));
	at.flags = XDP_FLAGS_SKB_MODE;
	return netns_open(o->netns, &how, unused, sizeof unused);
}

static int
explain(
    const struct dev_open *o, const char *step, int e, char *err, size_t errlen)
{
	const char *cure = "";

	if (e == -EPERM)
		cure = ": start tcpd as root (of the machine: CAP_BPF and "
		       "CAP_NET_ADMIN), or use device packet";
	else if (e == -EBUSY)
		cure = ": another program is on it (ip link set dev ... xdp "
		       "off)";
	else if (e == -EAFNOSUPPORT)
		cure = ": this kernel has no AF_XDP (CONFIG_XDP_SOCKETS); use "
		       "device packet";
	snprintf(err, errlen, "interface %s: %s: %s%s", o->name, step,
	    strerror(-e), cure);
	return e;
}

static int
check_mtu(const struct dev_open *o, uint32_t mtu, char *err, size_t errlen)
{
	if (mtu <= XDP_MTU_MAX)
		return 0;
	snprintf(err, errlen,
	    "interface %s: device xdp carries IP packets of %u bytes at most, "
	    "not %u: ip link set %s mtu %u, or use device packet",
	    o->name, XDP_MTU_MAX, mtu, o->name, XDP_MTU_MAX);
	return -EINVAL;
}

int
xdp_open(const struct dev_open *o, struct dev_caps *caps, int *link, char *err,
    size_t errlen)
{
	const struct netns_open sock = {
	    .domain = AF_XDP, .type = SOCK_RAW | SOCK_NONBLOCK};
	struct link_facts facts;
	int e, fd, prog;

	memset(caps, 0, sizeof *caps);
	caps->kind = DEV_XDP;
	*err = '\0';
	if ((e = dev_inspect(o, &facts, err, errlen)) ||
	    (e = check_mtu(o, facts.mtu, err, errlen)))
		return e;
	snprintf(caps->name, sizeof caps->name, "%s", o->name);
	caps->mtu = o->mtu ? o->mtu : (uint16_t)facts.mtu;
	caps->ifindex = (uint32_t)facts.ifindex;
	memcpy(caps->mac, o->have_mac ? o->mac : facts.mac, 6);
	fd = netns_open(o->netns, &sock, err, errlen);
	if (fd < 0)
		return explain(o, "an XDP socket", fd, err, errlen);
	prog = make_program(fd, caps->mac);
	if (prog < 0) {
		close(fd);
		return explain(o, "an XDP program", prog, err, errlen);
	}
	*link = attach_program(o, prog, facts.ifindex, err, errlen);
	close(prog);
	if (*link < 0) {
		close(fd);
		return explain(o, "an XDP program on it", *link, err, errlen);
	}
	return fd;
}

/* ---- attaching: the engine ---- */

static bool
map_ring(int fd, struct xring *r, const struct xdp_ring_offset *o,
    size_t desc_bytes, off_t at)
{
	r->map_bytes = o->desc + RING * desc_bytes;
	r->map = mmap(NULL, r->map_bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, fd, at);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return false;
	}
	r->producer = (uint32_t *)((uint8_t *)r->map + o->producer);
	r->consumer = (uint32_t *)((uint8_t *)r->map + o->consumer);
	r->flags = (uint32_t *)((uint8_t *)r->map + o->flags);
	r->desc = (uint8_t *)r->map + o->desc;
	return true;
}

static void
unmap_ring(struct xring *r)
{
	if (r->map)
		munmap(r->map, r->map_bytes);
}

static int
set_rings(int fd)
{
	static const int names[] = {XDP_UMEM_FILL_RING,
	    XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING};
	const unsigned n = RING;

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (setsockopt(fd, SOL_XDP, names[i], &n, sizeof n) < 0)
			return -1;
	return 0;
}

/* The memory, the four rings and the interface; 0, or -1 with errno. */
static int
set_up(struct dev *d, struct xsk *x)
{
	struct xdp_umem_reg reg = {.len = (uint64_t)CHUNKS * x->chunk_bytes,
	    .chunk_size = x->chunk_bytes};
	struct sockaddr_xdp at = {.sxdp_family = AF_XDP,
	    .sxdp_flags = XDP_USE_NEED_WAKEUP,
	    .sxdp_ifindex = d->caps.ifindex};
	struct xdp_mmap_offsets o;
	socklen_t len = sizeof o;
	void *p = mmap(NULL, reg.len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	x->umem = p;
	reg.addr = (uint64_t)(uintptr_t)p;
	if (setsockopt(d->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof reg) < 0 ||
	    set_rings(d->fd) < 0 ||
	    getsockopt(d->fd, SOL_XDP, XDP_MMAP_OFFSETS, &o, &len) < 0)
		return -1;
	if (!map_ring(d->fd, &x->fill, &o.fr, sizeof(uint64_t),
		XDP_UMEM_PGOFF_FILL_RING) ||
	    !map_ring(d->fd, &x->done, &o.cr, sizeof(uint64_t),
		XDP_UMEM_PGOFF_COMPLETION_RING) ||
	    !map_ring(d->fd, &x->rx, &o.rx, sizeof(struct xdp_desc),
		XDP_PGOFF_RX_RING) ||
	    !map_ring(d->fd, &x->tx, &o.tx, sizeof(struct xdp_desc),
		XDP_PGOFF_TX_RING))
		return -1;
	return bind(d->fd, (struct sockaddr *)&at, sizeof at);
}

static void
xdp_detach(struct dev *d)
{
	struct xsk *x = d->xsk;

	unmap_ring(&x->fill);
	unmap_ring(&x->done);
	unmap_ring(&x->rx);
	unmap_ring(&x->tx);
	if (x->umem)
		munmap(x->umem, (size_t)CHUNKS * x->chunk_bytes);
	free(x);
}

/* A chunk that the kernel may receive into. */
static void
give(struct xring *fill, uint64_t addr)
{
	((uint64_t *)fill->desc)[fill->at++ % RING] = addr;
	__atomic_store_n(fill->producer, fill->at, __ATOMIC_RELEASE);
}

static int
xdp_attach(struct dev *d)
{
	struct xsk *x = calloc(1, sizeof *x);
	struct xdp_options opts = {0};
	socklen_t len = sizeof opts;
	int e;

	if (!x)
		return -ENOMEM;
	d->xsk = x;
	x->chunk_bytes = chunk_bytes(d->caps.mtu);
	if (set_up(d, x) < 0) {
		e = errno;
		xdp_detach(d);
		return -e;
	}
	for (uint32_t i = 0; i < RING; i++) {
		give(&x->fill, (uint64_t)i * x->chunk_bytes);
		x->free[x->nfree++] = (uint64_t)(RING + i) * x->chunk_bytes;
	}
	d->caps.zero_copy =
	    getsockopt(d->fd, SOL_XDP, XDP_OPTIONS, &opts, &len) == 0 &&
	    opts.flags & XDP_OPTIONS_ZEROCOPY;
	return 0;
}

/* ---- frames ---- */

static int
take(struct dev *d, struct xsk *x, const struct xdp_desc *desc,
    struct rxframe *f)
{
	if (desc->addr >= (uint64_t)CHUNKS * x->chunk_bytes ||
	    desc->addr % x->chunk_bytes + desc->len > x->chunk_bytes)
		return dev_rx_skip(d, DROP_DEV_RX_HEADER);
	f->off = (struct offload){0};
	f->buf = buf_alloc(d->bufs, desc->len);
	if (!f->buf)
		return dev_rx_skip(d, DROP_DEV_RX_NO_MEMORY);
	memcpy(f->buf->data, x->umem + desc->addr, desc->len);
	f->buf->len = desc->len;
	return 1;
}

static int
xdp_rx(struct dev *d, struct rxframe *f)
{
	struct xsk *x = d->xsk;
	struct xring *r = &x->rx;
	struct xdp_desc desc;
	int rc;

	if (__atomic_load_n(r->producer, __ATOMIC_ACQUIRE) == r->at)
		return -EAGAIN;
	desc = ((const struct xdp_desc *)r->desc)[r->at++ % RING];
	rc = take(d, x, &desc, f);
	__atomic_store_n(r->consumer, r->at, __ATOMIC_RELEASE);
	give(&x->fill, desc.addr - desc.addr % x->chunk_bytes);
	return rc;
}

/* Has a driver that shares memory stopped for want of chunks? */
static int
xdp_idle(struct dev *d)
{
	int e = 0;
	socklen_t len = sizeof e;

	if (*(volatile uint32_t *)d->xsk->fill.flags & XDP_RING_NEED_WAKEUP)
		(void)recvfrom(d->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &e, &len) == 0 &&
	    e == ENETDOWN) /* unbound: the interface was removed */
		return -ENODEV;
	return -EAGAIN;
}

/* Chunks whose frames have left. */
static void
reclaim(struct xsk *x)
{
	struct xring *r = &x->done;
	uint32_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	while (r->at != end) {
		CHECK(x->nfree < RING);
		x->free[x->nfree++] = ((uint64_t *)r->desc)[r->at++ % RING];
	}
	__atomic_store_n(r->consumer, r->at, __ATOMIC_RELEASE);
}

/* The kernel sends a share of the ring in each call. */
static int
xdp_flush(struct dev *d)
{
	struct xring *r = &d->xsk->tx;
	uint32_t before, after = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(r->producer, __ATOMIC_RELAXED) != r->at) {
		d->stats.tx_batches++;
		d->stats.tx_batched += r->at - *r->producer;
		__atomic_store_n(r->producer, r->at, __ATOMIC_RELEASE);
	}
	for (unsigned i = 0; after != r->at && i < KICKS; i++) {
		if (!(*(volatile uint32_t *)r->flags & XDP_RING_NEED_WAKEUP))
			return 0; /* the driver is at it */
		before = after;
		if (sendto(d->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 &&
		    errno != EAGAIN && errno != EBUSY && errno != ENOBUFS &&
		    errno != EINTR) {
			if (errno == ENXIO) /* unbound: it was removed */
				return -ENODEV;
			/* It is down: what waits goes when it is up. */
			drop_count(d->drops, DROP_DEV_TX_ERROR);
			return 0;
		}
		after = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
		if (after == before)
			return -EAGAIN;
	}
	return 0;
}

static int
xdp_tx(struct dev *d, const struct txframe *f)
{
	struct xsk *x = d->xsk;
	struct xring *r = &x->tx;
	uint64_t addr;
	uint8_t *p;

	if (f->len > x->chunk_bytes) {
		drop_count(d->drops, DROP_DEV_TX_ERROR);
		return -EMSGSIZE;
	}
	if (x->nfree == 0)
		reclaim(x);
	if (x->nfree == 0) {
		(void)xdp_flush(d);
		reclaim(x);
	}
	/* As many chunks as entries: with a chunk there is an entry. */
	if (x->nfree == 0)
		return -EAGAIN;
	addr = x->free[--x->nfree];
	p = x->umem + addr;
	for (unsigned i = 0; i < f->nspans; i++) {
		memcpy(p, f->spans[i].base, f->spans[i].len);
		p += f->spans[i].len;
	}
	((struct xdp_desc *)r->desc)[r->at++ % RING] =
	    (struct xdp_desc){.addr = addr, .len = (uint32_t)f->len};
	return 0;
}

static void
xdp_count(struct dev *d)
{
	struct xdp_statistics st = {0};
	socklen_t len = sizeof st;

	if (getsockopt(d->fd, SOL_XDP, XDP_STATISTICS, &st, &len) == 0)
		d->stats.rx_lost = st.rx_dropped + st.rx_ring_full;
}

const struct dev_ops xdp_ops = {.attach = xdp_attach,
    .detach = xdp_detach,
    .rx = xdp_rx,
    .idle = xdp_idle,
    .tx = xdp_tx,
    .flush = xdp_flush,
    .count = xdp_count};
