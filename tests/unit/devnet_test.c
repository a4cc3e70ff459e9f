/* SPDX-License-Identifier: ISC */
/*
 * Real devices with the kernel as the peer.  Each test runs in a child with a
 * network namespace of its own (and a user namespace when not root), and is
 * skipped with a reason where that is refused.
 *
 *	  this program                          the kernel
 *	192.0.2.2  responder -- dev_rx/dev_tx -- t0   192.0.2.1
 *	192.0.2.2  responder -- AF_PACKET v0 == v1    192.0.2.1
 *
 * The responder answers ARP and echo requests and accepts one TCP connection:
 * it acknowledges what comes and sends as much back, without losses to mend.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include "dev/dev.h"
#include "proc/netcfg.h"

#define HOST  0xc0000201u /* 192.0.2.1, the kernel */
#define US    0xc0000202u
#define BYTES (1 << 20) /* TCP payload each way */

enum {
	EXIT_NO_NETNS = 77,
	EXIT_NO_TUN,
	EXIT_NO_IP
};

#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s: %s (%s)\n", __FILE__,      \
			    __LINE__, #cond, strerror(errno), err);            \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static char err[512];

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(EXIT_NO_NETNS);
	close(fd);
}

static void
enter_namespaces(void)
{
	char map[64];
	unsigned uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWNET) == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(EXIT_NO_NETNS);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}

/* Runs body in a child inside new namespaces. */
static void
in_netns(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		alarm(30);
		enter_namespaces();
		body();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	switch (WEXITSTATUS(status)) {
	case EXIT_NO_NETNS:
		cr_skip_test("no network namespace may be made here");
	case EXIT_NO_TUN:
		cr_skip_test("no /dev/net/tun here");
	case EXIT_NO_IP:
		cr_skip_test("no ip(8) or no veth interfaces here");
	default:
		cr_assert_eq(WEXITSTATUS(status), 0);
	}
}

/* --- the devices ----------------------------------------------------- */

static struct bufpool *pool;
static struct drops drops;
static struct dev_caps caps;
static struct dev *dev;
static const char *host_if; /* the kernel's side */

static void
attach(int fd)
{
	MUST(fd >= 0);
	MUST((pool = bufpool_new(64 << 20)) != NULL);
	MUST((dev = dev_attach(fd, &caps, pool, &drops)) != NULL);
}

static void
detach(void)
{
	dev_close(dev);
	MUST(bufpool_used(pool) == 0);
	bufpool_free(pool);
}

static int
host_address(const char *netns, const char *ifname)
{
	struct ipaddr host = ipaddr_v4(HOST);

	return netcfg_address(netns, ifname, &host, 96 + 24, err, sizeof err);
}

static void
open_tap(bool offload)
{
	struct dev_open o = {
	    .name = "t0", .offload = offload, .txqueuelen = 10000};

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	attach(tap_open(&o, &caps, err, sizeof err));
	MUST(*err == '\0');
	host_if = "t0";
	MUST(host_address(NULL, "t0") == 0);
}

static void
make_veth(void)
{
	if (system("ip link add v0 type veth peer name v1 && "
		   "ip link set v0 up && ip link set v1 up") != 0)
		_exit(EXIT_NO_IP);
}

static void
open_packet(bool offload, bool own_mac)
{
	struct dev_open o = {.name = "v0",
	    .offload = offload,
	    .have_mac = own_mac,
	    .mac = {2, 0, 0, 0, 0, 7}};

	make_veth();
	attach(packet_open(&o, &caps, err, sizeof err));
	host_if = "v1";
	MUST(host_address(NULL, "v1") == 0);
}

/* --- the responder --------------------------------------------------- */

static struct {
	unsigned arps, echos;
	size_t max_frame;
	bool gso, partial, vouched, unvouched;
	uint16_t gso_size, hdr_len;
	uint8_t peer_mac[6];
	uint16_t peer_port;
	uint32_t rcv_nxt, snd_una, snd_nxt, snd_wnd; /* snd_* from 0 */
	bool established;
	size_t received, sent;
} seen;

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16);
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t
sum(const uint8_t *p, size_t len, uint32_t s)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		s += get16(p + i);
	if (len & 1)
		s += (uint32_t)p[len - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void
send_frame(struct txframe *f)
{
	unsigned i;

	f->len = 0;
	for (i = 0; i < f->nspans; i++)
		f->len += f->spans[i].len;
	MUST(dev_tx(dev, f) == 0);
}

static size_t
put_ipv4(uint8_t *eth, uint8_t proto, size_t payload)
{
	uint8_t *ip = eth + 14;

	memcpy(eth, seen.peer_mac, 6);
	memcpy(eth + 6, caps.mac, 6);
	put16(eth + 12, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(20 + payload));
	ip[8] = 64;
	ip[9] = proto;
	put32(ip + 12, US);
	put32(ip + 16, HOST);
	put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
	return 34;
}

/* payload bytes at stream position pos leave in small spans. */
static void
send_tcp(uint8_t flags, const uint8_t *payload, size_t len)
{
	struct txframe f = {.nspans = 1};
	uint8_t *tcp = f.hdr + 34;
	size_t opts = flags & 2 ? 4 : 0, tcplen = 20 + opts + len, off;
	uint32_t s;

	put_ipv4(f.hdr, 6, tcplen);
	put16(tcp, 7);
	put16(tcp + 2, seen.peer_port);
	put32(tcp + 4, seen.snd_nxt);
	put32(tcp + 8, seen.rcv_nxt);
	tcp[12] = (uint8_t)((20 + opts) << 2);
	tcp[13] = flags;
	put16(tcp + 14, 65535);
	if (opts)
		put32(tcp + 20, 0x02040000 | 1460);
	f.spans[0] = (struct span){f.hdr, 54 + opts};
	for (off = 0; off < len; off += 2000)
		f.spans[f.nspans++] = (struct span){(void *)(payload + off),
		    len - off < 2000 ? len - off : 2000};
	s = sum(f.hdr + 26, 8, 6 + (uint32_t)tcplen);
	if (caps.csum) {
		f.off = (struct offload){
		    .needs_csum = true, .csum_start = 34, .csum_offset = 16};
		put16(tcp + 16, s);
	} else {
		s = sum(payload, len, sum(tcp, 20 + opts, s));
		put16(tcp + 16, ~s & 0xffff);
	}
	if (len > 1460) {
		f.off.gso = GSO_TCP4;
		f.off.gso_size = 1460;
		f.off.hdr_len = 54;
	}
	send_frame(&f);
	seen.snd_nxt += (uint32_t)len + (flags & 2 ? 1 : 0);
}

/* Sends what the peer's window takes, half of it at most at once. */
static void
push(void)
{
	static uint8_t data[BYTES];
	size_t max = caps.tso ? 48000 : 1460, n;

	if (data[1] == 0)
		for (n = 0; n < BYTES; n++)
			data[n] = pattern(n);
	while (seen.sent < BYTES) {
		n = BYTES - seen.sent < max ? BYTES - seen.sent : max;
		if (seen.snd_nxt - seen.snd_una + n > seen.snd_wnd)
			return;
		send_tcp(0x18, data + seen.sent, n);
		seen.sent += n;
	}
}

static void
on_tcp(const struct rxframe *f, const uint8_t *ip, size_t len)
{
	const uint8_t *tcp = ip + 20, *data = tcp + (tcp[12] >> 4) * 4;
	size_t n = len - 20 - (size_t)(tcp[12] >> 4) * 4, i;

	if (!f->off.csum_valid)
		MUST(sum(tcp, len - 20,
			 sum(ip + 12, 8, 6 + (uint32_t)(len - 20))) == 0xffff);
	if (f->buf->len > 60) {
		seen.vouched |= f->off.csum_valid;
		seen.unvouched |= !f->off.csum_valid;
	}
	if (f->off.gso) {
		MUST(f->off.gso == GSO_TCP4 && f->off.csum_start == 34 &&
		     f->off.csum_offset == 16);
		seen.gso = true;
		seen.gso_size = f->off.gso_size;
		seen.hdr_len = f->off.hdr_len;
	}
	seen.partial |= f->off.needs_csum;
	if (tcp[13] & 2) {
		seen.peer_port = get16(tcp);
		seen.rcv_nxt = get32(tcp + 4) + 1;
		send_tcp(0x12, NULL, 0);
		return;
	}
	MUST(get32(tcp + 4) == seen.rcv_nxt); /* nothing is ever lost */
	seen.established = true;
	seen.snd_una = get32(tcp + 8);
	seen.snd_wnd = get16(tcp + 14);
	for (i = 0; i < n; i++)
		MUST(data[i] == pattern(seen.received + i));
	seen.received += n;
	seen.rcv_nxt += (uint32_t)n;
	if (n)
		send_tcp(0x10, NULL, 0);
}

static void
on_arp(const uint8_t *eth)
{
	struct txframe f = {.nspans = 1, .spans = {{f.hdr, 42}}};

	if (get16(eth + 20) != 1 || get32(eth + 38) != US)
		return;
	seen.arps++;
	memcpy(f.hdr, eth, 42);
	memcpy(f.hdr, eth + 6, 6);
	memcpy(f.hdr + 6, caps.mac, 6);
	put16(f.hdr + 20, 2);
	memcpy(f.hdr + 22, caps.mac, 6);
	put32(f.hdr + 28, US);
	memcpy(f.hdr + 32, eth + 22, 10);
	send_frame(&f);
}

static void
on_ipv4(const struct rxframe *f)
{
	const uint8_t *ip = f->buf->data + 14;
	size_t len = get16(ip + 2);

	if (get32(ip + 16) != US)
		return;
	MUST(memcmp(f->buf->data, caps.mac, 6) == 0);
	MUST(len <= f->buf->len - 14);
	memcpy(seen.peer_mac, f->buf->data + 6, 6);
	if (f->buf->len > seen.max_frame)
		seen.max_frame = f->buf->len;
	if (ip[9] == 6)
		on_tcp(f, ip, len);
	if (ip[9] == 1 && ip[20] == 8) {
		struct txframe t = {.nspans = 2};

		seen.echos++;
		put_ipv4(t.hdr, 1, len - 20);
		memcpy(t.hdr + 34, ip + 20, 8);
		t.hdr[34] = 0;
		put16(t.hdr + 36, 0);
		put16(t.hdr + 36,
		    ~sum(ip + 28, len - 28, sum(t.hdr + 34, 8, 0)) & 0xffff);
		t.spans[0] = (struct span){t.hdr, 42};
		t.spans[1] = (struct span){(void *)(ip + 28), len - 28};
		send_frame(&t);
	}
}

static void
respond(void)
{
	struct rxframe f[16];
	int i, n;

	while ((n = dev_rx(dev, f, 16)) > 0)
		for (i = 0; i < n; i++) {
			MUST(f[i].buf->len >= 14);
			if (get16(f[i].buf->data + 12) == 0x0806)
				on_arp(f[i].buf->data);
			if (get16(f[i].buf->data + 12) == 0x0800)
				on_ipv4(&f[i]);
			buf_unref(f[i].buf);
		}
	MUST(n == 0);
}

/* Waits until fd has one of events or the device has a frame. */
static bool
wait_for(int fd, short events)
{
	struct pollfd p[2] = {{dev_fd(dev), POLLIN, 0}, {fd, events, 0}};

	MUST(poll(p, 2, 10000) > 0);
	if (p[0].revents)
		respond();
	return p[1].revents != 0;
}

static struct sockaddr_in
our_address(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	a.sin_port = htons(7);
	a.sin_addr.s_addr = htonl(US);
	return a;
}

/* The kernel pings us: ARP, then an echo request with payload. */
static void
kernel_pings(void)
{
	struct sockaddr_in a = our_address();
	uint8_t req[1008] = {8, 0, 0, 0, 0x12, 0x34, 0, 1}, got[2048];
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
	ssize_t n;
	size_t i;

	MUST(fd >= 0);
	for (i = 8; i < sizeof req; i++)
		req[i] = pattern(i);
	put16(req + 2, ~sum(req, sizeof req, 0) & 0xffff);
	MUST(sendto(fd, req, sizeof req, 0, (struct sockaddr *)&a, sizeof a) ==
	     sizeof req);
	while (!wait_for(fd, POLLIN))
		;
	n = recv(fd, got, sizeof got, 0);
	MUST(n == 20 + (ssize_t)sizeof req && got[20] == 0);
	MUST(memcmp(got + 24, req + 4, sizeof req - 4) == 0);
	MUST(seen.arps >= 1 && seen.echos == 1);
	close(fd);
}

/* The kernel sends BYTES by TCP, then we send as many. */
static void
kernel_talks_tcp(void)
{
	static uint8_t data[BYTES];
	struct sockaddr_in a = our_address();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	size_t sent = 0, got = 0, i;
	ssize_t n;

	MUST(fd >= 0);
	for (i = 0; i < BYTES; i++)
		data[i] = pattern(i);
	MUST(connect(fd, (struct sockaddr *)&a, sizeof a) < 0);
	while (sent < BYTES) {
		if (!wait_for(fd, POLLOUT))
			continue;
		n = send(fd, data + sent, BYTES - sent, MSG_NOSIGNAL);
		MUST(n > 0);
		sent += (size_t)n;
	}
	while (seen.received < BYTES)
		wait_for(-1, 0);
	while (got < BYTES) {
		push();
		if (!wait_for(fd, POLLIN))
			continue;
		n = recv(fd, data, sizeof data, 0);
		MUST(n > 0);
		for (i = 0; i < (size_t)n; i++)
			MUST(data[i] == pattern(got + i));
		got += (size_t)n;
	}
	close(fd);
	for (i = 0; i < NDROPS; i++)
		MUST(drops.count[i] == 0);
}

static void
exchange(void)
{
	kernel_pings();
	kernel_talks_tcp();
}

/* --- TAP ------------------------------------------------------------- */

static void
tap_with_offload(void)
{
	struct link_facts link;

	open_tap(true);
	MUST(caps.kind == DEV_TAP && caps.vnet_hdr && caps.csum && caps.tso &&
	     caps.gro && caps.mtu == 1500);
	MUST(netcfg_query(NULL, "t0", &link, err, sizeof err) == 0);
	MUST(link.up && link.ethernet && link.txqueuelen == 10000);
	MUST(memcmp(link.mac, caps.mac, 6) != 0);
	exchange();
	MUST(seen.gso && seen.partial && seen.gso_size > 1000 &&
	     seen.gso_size <= 1460 && seen.hdr_len >= 54);
	MUST(seen.max_frame > 20000);
	detach();
}

Test(devnet, tap_with_offload)
{
	in_netns(tap_with_offload);
}

static void
tap_plain(void)
{
	open_tap(false);
	MUST(!caps.vnet_hdr && !caps.csum && !caps.tso && !caps.gro);
	exchange();
	MUST(!seen.gso && !seen.vouched && seen.unvouched);
	MUST(seen.max_frame == 1514);
	detach();
}

Test(devnet, tap_plain)
{
	in_netns(tap_plain);
}

/* From now on ioctl(.., cmd, ..) or setsockopt(.., .., name, ..) is refused. */
static void
refuse(int nr, unsigned arg, uint32_t value)
{
	struct sock_filter code[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		(uint32_t)offsetof(struct seccomp_data, args) + 8 * arg +
		    (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof code / sizeof *code, code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		_exit(EXIT_NO_NETNS);
}

static void
tap_refuses_header_size(void)
{
	struct dev_open o = {.name = "t0", .offload = true};

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	refuse(SYS_ioctl, 1, TUNSETVNETHDRSZ);
	attach(tap_open(&o, &caps, err, sizeof err));
	MUST(strstr(err, "TUNSETVNETHDRSZ") && strstr(err, "offloads are off"));
	MUST(!caps.vnet_hdr && !caps.csum && !caps.tso && !caps.gro);
	MUST(host_address(NULL, "t0") == 0);
	exchange();
	detach();
}

Test(devnet, tap_falls_back_to_plain)
{
	in_netns(tap_refuses_header_size);
}

static void
tap_refuses_offload(void)
{
	struct dev_open o = {.name = "t0", .offload = true};

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	refuse(SYS_ioctl, 1, TUNSETOFFLOAD);
	attach(tap_open(&o, &caps, err, sizeof err));
	MUST(strstr(err, "TUNSETOFFLOAD"));
	MUST(caps.vnet_hdr && caps.csum && caps.tso && !caps.gro);
	MUST(host_address(NULL, "t0") == 0);
	exchange();
	MUST(seen.max_frame == 1514);
	detach();
}

Test(devnet, tap_sends_large_frames_though_it_gets_none)
{
	in_netns(tap_refuses_offload);
}

static void
tap_errors(void)
{
	struct dev_open o = {.name = "t0", .offload = true, .mtu = 9000};
	struct dev_caps c;
	struct rxframe f;
	int fd;

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	attach(tap_open(&o, &caps, err, sizeof err));
	MUST(caps.mtu == 9000);
	MUST(tap_open(&o, &c, err, sizeof err) == -EBUSY);
	MUST(strstr(err, "another program holds"));
	o.name = "a_name_of_16_chr";
	MUST(tap_open(&o, &c, err, sizeof err) == -ENAMETOOLONG);
	o.name = "lo";
	MUST(tap_open(&o, &c, err, sizeof err) == -EINVAL);
	MUST(strstr(err, "is no TAP"));
	o.name = "t1";
	o.netns = "/nonexistent/netns";
	MUST(tap_open(&o, &c, err, sizeof err) == -ENOENT);
	MUST(strstr(err, "/nonexistent/netns"));
	o.netns = "/dev/null";
	MUST(tap_open(&o, &c, err, sizeof err) == -EINVAL);
	o.netns = NULL;
	o.mtu = 65535;
	MUST(tap_open(&o, &c, err, sizeof err) == -EINVAL);
	MUST(strstr(err, "MTU"));
	o.mtu = 0;
	o.multi_queue = true;
	MUST((fd = tap_open(&o, &c, err, sizeof err)) >= 0);
	MUST(close(fd) == 0);
	o.multi_queue = false;
	/* The interface goes away under the device. */
	if (system("ip link del t0") != 0)
		_exit(EXIT_NO_IP);
	MUST(dev_rx(dev, &f, 1) == -ENODEV);
	detach();
}

Test(devnet, tap_errors)
{
	in_netns(tap_errors);
}

static void
tap_in_named_netns(void)
{
	char path[64], c;
	int there[2], done[2], fd;
	struct dev_open o = {.name = "t0", .netns = path, .offload = true};
	struct link_facts link;
	pid_t pid;

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	MUST(pipe(there) == 0 && pipe(done) == 0);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		close(done[1]);
		MUST(write(there[1], "x", 1) == 1);
		MUST(read(done[0], &c, 1) == 0);
		_exit(0);
	}
	close(done[0]);
	close(there[1]);
	MUST(read(there[0], &c, 1) == 1);
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	MUST((fd = tap_open(&o, &caps, err, sizeof err)) >= 0);
	MUST(host_address(path, "t0") == 0);
	MUST(netcfg_query(path, "t0", &link, err, sizeof err) == 0 && link.up);
	MUST(netcfg_query(NULL, "t0", &link, err, sizeof err) == -ENODEV);
	close(fd);
	close(done[1]);
	MUST(waitpid(pid, NULL, 0) == pid);
}

Test(devnet, tap_in_another_namespace)
{
	in_netns(tap_in_named_netns);
}

/* --- AF_PACKET ------------------------------------------------------- */

static void
packet_with_offload(void)
{
	open_packet(true, false);
	MUST(caps.kind == DEV_PACKET && caps.vnet_hdr && caps.tso && caps.gro);
	exchange();
	MUST(seen.gso && seen.partial && seen.max_frame > 20000);
	detach();
}

Test(devnet, packet_with_offload)
{
	in_netns(packet_with_offload);
}

static void
packet_own_mac(void)
{
	open_packet(true, true);
	MUST(caps.mac[5] == 7);
	exchange();
	detach();
}

Test(devnet, packet_with_its_own_mac)
{
	in_netns(packet_own_mac);
}

static void
packet_plain(void)
{
	open_packet(false, false);
	MUST(!caps.vnet_hdr && !caps.csum && !caps.tso && caps.gro);
	exchange();
	MUST(!seen.gso && seen.vouched && seen.max_frame > 20000);
	detach();
}

Test(devnet, packet_plain)
{
	in_netns(packet_plain);
}

static void
packet_refuses_header(void)
{
	make_veth();
	refuse(SYS_setsockopt, 2, PACKET_VNET_HDR);
	host_if = "v1";
	attach(packet_open(&(struct dev_open){.name = "v0", .offload = true},
	    &caps, err, sizeof err));
	MUST(strstr(err, "PACKET_VNET_HDR"));
	MUST(!caps.vnet_hdr && !caps.tso);
	MUST(host_address(NULL, "v1") == 0);
	exchange();
	detach();
}

Test(devnet, packet_falls_back_to_plain)
{
	in_netns(packet_refuses_header);
}

/* Frames by AF_PACKET from the kernel's side. */
static void
inject(int fd, int ifindex, const uint8_t dst[6], uint16_t vlan)
{
	struct sockaddr_ll to = {
	    .sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6};
	uint8_t frame[64] = {0};
	size_t at = 12;

	memcpy(frame, dst, 6);
	frame[6] = 2;
	if (vlan != 0xffff) {
		put16(frame + at, 0x8100);
		put16(frame + at + 2, vlan);
		at += 4;
	}
	put16(frame + at, 0x88b5); /* for local experiments */
	MUST(sendto(fd, frame, sizeof frame, 0, (struct sockaddr *)&to,
		 sizeof to) == sizeof frame);
}

static void
packet_filter(void)
{
	static const uint8_t other[6] = {2, 9, 9, 9, 9, 9};
	static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
	struct link_facts link;
	struct rxframe f[16];
	int fd, i, n, mine = 0;

	open_packet(true, true);
	MUST(netcfg_query(NULL, "v1", &link, err, sizeof err) == 0);
	MUST((fd = socket(AF_PACKET, SOCK_RAW, 0)) >= 0);
	inject(fd, link.ifindex, other, 0xffff); /* another station */
	inject(fd, link.ifindex, caps.mac, 5);	 /* another VLAN */
	inject(fd, link.ifindex, caps.mac, 0);	 /* a priority tag */
	inject(fd, link.ifindex, group, 0xffff); /* a group */
	inject(fd, link.ifindex, caps.mac, 0xffff);
	while ((n = dev_rx(dev, f, 16)) > 0)
		for (i = 0; i < n; i++) {
			mine += get16(f[i].buf->data + 12) == 0x88b5;
			buf_unref(f[i].buf);
		}
	MUST(mine == 3);
	close(fd);
	detach();
}

Test(devnet, packet_hears_its_station_only)
{
	in_netns(packet_filter);
}

static void
packet_on_a_forwarding_interface(void)
{
	struct dev_open o = {.name = "v0", .mac = {2, 0, 0, 0, 0, 7}};
	int fd;

	make_veth();
	write_file("/proc/sys/net/ipv4/conf/v0/forwarding", "1");
	MUST((fd = packet_open(&o, &caps, err, sizeof err)) >= 0);
	MUST(strstr(err, "net.ipv4.conf.v0.forwarding=0"));
	close(fd);
	o.have_mac = true;
	MUST((fd = packet_open(&o, &caps, err, sizeof err)) >= 0);
	MUST(*err == '\0');
	close(fd);
}

Test(devnet, packet_warns_of_a_forwarding_kernel)
{
	in_netns(packet_on_a_forwarding_interface);
}

static void
packet_errors(void)
{
	struct dev_open o = {.name = "v0", .offload = true};
	struct dev_caps c;
	struct rxframe f;
	int n;

	open_packet(true, false);
	o.name = "nosuch";
	MUST(packet_open(&o, &c, err, sizeof err) == -ENODEV);
	MUST(strstr(err, "nosuch"));
	o.name = "lo";
	MUST(packet_open(&o, &c, err, sizeof err) == -EINVAL);
	MUST(strstr(err, "Ethernet"));
	o.name = "v0";
	o.mtu = 9000;
	MUST(packet_open(&o, &c, err, sizeof err) == -EINVAL);
	MUST(strstr(err, "MTU of 1500"));
	/* Down is no end; the frames that still come are not ours to see. */
	MUST(system("ip link set v0 down") == 0);
	o.mtu = 0;
	MUST(packet_open(&o, &c, err, sizeof err) == -ENETDOWN);
	MUST(strstr(err, "is down"));
	while ((n = dev_rx(dev, &f, 1)) > 0)
		buf_unref(f.buf);
	MUST(n == 0);
	MUST(system("ip link set v0 up") == 0);
	kernel_pings();
	MUST(system("ip link del v0") == 0);
	while ((n = dev_rx(dev, &f, 1)) > 0)
		buf_unref(f.buf);
	MUST(n == -ENODEV);
	detach();
}

Test(devnet, packet_errors)
{
	in_netns(packet_errors);
}

/* --- the host's side ------------------------------------------------- */

static void
host_side(void)
{
	const struct ipaddr v4 = ipaddr_v4(HOST);
	const struct ipaddr v6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	struct link_facts link;

	make_veth();
	MUST(netcfg_link(NULL, "v1", 1400, 5000, err, sizeof err) == 0);
	MUST(netcfg_query(NULL, "v1", &link, err, sizeof err) == 0);
	MUST(link.mtu == 1400 && link.txqueuelen == 5000 && link.up);
	MUST(netcfg_link(NULL, "v1", 10, 0, err, sizeof err) == -EINVAL);
	MUST(strstr(err, "MTU"));
	MUST(netcfg_link(NULL, "nosuch", 0, 0, err, sizeof err) == -ENODEV);
	MUST(strstr(err, "nosuch"));
	MUST(host_address(NULL, "v1") == 0);
	MUST(host_address(NULL, "v1") == 0);
	MUST(netcfg_address(NULL, "v1", &v4, 95, err, sizeof err) == -EINVAL);
	MUST(netcfg_address(NULL, "v1", &v6, 129, err, sizeof err) == -EINVAL);
	MUST(netcfg_address(NULL, "v1", &v6, 64, err, sizeof err) == 0);
	MUST(netcfg_address(NULL, "v1", &v6, 64, err, sizeof err) == 0);
	MUST(system("ip -4 address show dev v1 | "
		    "grep -q 'inet 192.0.2.1/24 brd 192.0.2.255'") == 0);
	/* At once, without asking the link. */
	MUST(system("ip -6 address show dev v1 scope global | "
		    "grep 'inet6 2001:db8::1/64' | grep -qv tentative") == 0);
	MUST(system("echo 1 >/proc/sys/net/ipv6/conf/v0/disable_ipv6") == 0);
	MUST(netcfg_address(NULL, "v0", &v6, 64, err, sizeof err) < 0);
	MUST(strstr(err, "disable_ipv6"));
}

Test(devnet, host_side)
{
	in_netns(host_side);
}
