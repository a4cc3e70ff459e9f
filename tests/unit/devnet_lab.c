/* SPDX-License-Identifier: ISC */
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
#include <unistd.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include "tests/unit/devnet_lab.h"

char lab_err[512];

void
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

void
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
	case EXIT_NO_XDP:
		cr_skip_test("no ethtool(8), or no XDP program allowed here");
	default:
		cr_assert_eq(WEXITSTATUS(status), 0);
	}
}

/* --- the devices ----------------------------------------------------- */

static struct bufpool *pool;
struct drops drops;
struct dev_caps caps;
struct dev *dev;
const char *host_if;

void
attach(int fd)
{
	MUST(fd >= 0);
	MUST((pool = bufpool_new(64 << 20)) != NULL);
	MUST((dev = dev_attach(fd, &caps, pool, &drops)) != NULL);
}

void
detach(void)
{
	dev_close(dev);
	MUST(bufpool_used(pool) == 0);
	bufpool_free(pool);
}

int
host_address(const char *netns, const char *ifname)
{
	struct ipaddr host = ipaddr_v4(HOST);

	return netcfg_address(
	    netns, ifname, &host, 96 + 24, lab_err, sizeof lab_err);
}

void
make_veth(void)
{
	if (system("ip link add v0 type veth peer name v1 && "
		   "ip link set v0 up && ip link set v1 up") != 0)
		_exit(EXIT_NO_IP);
}

void
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

/* --- the responder --------------------------------------------------- */

struct seen seen;

/* The one TCP connection. */
static struct {
	uint8_t peer_mac[6];
	uint16_t peer_port;
	uint32_t rcv_nxt, snd_una, snd_nxt, snd_wnd; /* snd_* from 0 */
	bool established;
	size_t sent;
} conn;

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16);
}

uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

void
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

void
send_numbered(int fd, int ifindex, const uint8_t dst[6], unsigned nr)
{
	struct sockaddr_ll to = {
	    .sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6};
	uint8_t frame[1514] = {0};
	size_t len = 60 + nr % (sizeof frame - 60);

	memcpy(frame, dst, 6);
	frame[6] = 2;
	put16(frame + 12, 0x88b5); /* for local experiments */
	put16(frame + 14, nr);
	MUST(sendto(fd, frame, len, 0, (struct sockaddr *)&to, sizeof to) ==
	     (ssize_t)len);
}

unsigned
take_numbered(unsigned next)
{
	struct rxframe f;
	int n;

	while ((n = dev_rx(dev, &f, 1)) > 0) {
		if (get16(f.buf->data + 12) == 0x88b5) {
			MUST(get16(f.buf->data + 14) == next);
			MUST(f.buf->len == 60 + next % (1514 - 60));
			next++;
		}
		buf_unref(f.buf);
	}
	MUST(n == 0);
	return next;
}

void
overrun(int fd, int ifindex, unsigned nr)
{
	unsigned sent = nr;
	struct dev_stats st;

	dev_stats(dev, &st);
	MUST(st.rx_lost == 0);
	while (st.rx_lost == 0 && sent < nr + 60000) {
		send_numbered(fd, ifindex, caps.mac, sent++);
		dev_stats(dev, &st);
	}
	MUST(st.rx_lost > 0);
	MUST(take_numbered(nr) > nr);
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
	MUST(dev_tx(dev, f) == 0 && dev_flush(dev) == 0);
}

static size_t
put_ipv4(uint8_t *eth, uint8_t proto, size_t payload)
{
	uint8_t *ip = eth + 14;

	memcpy(eth, conn.peer_mac, 6);
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
	put16(tcp + 2, conn.peer_port);
	put32(tcp + 4, conn.snd_nxt);
	put32(tcp + 8, conn.rcv_nxt);
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
	conn.snd_nxt += (uint32_t)len + (flags & 2 ? 1 : 0);
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
	while (conn.sent < BYTES) {
		n = BYTES - conn.sent < max ? BYTES - conn.sent : max;
		if (conn.snd_nxt - conn.snd_una + n > conn.snd_wnd)
			return;
		send_tcp(0x18, data + conn.sent, n);
		conn.sent += n;
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
		conn.peer_port = get16(tcp);
		conn.rcv_nxt = get32(tcp + 4) + 1;
		send_tcp(0x12, NULL, 0);
		return;
	}
	MUST(get32(tcp + 4) == conn.rcv_nxt); /* nothing is ever lost */
	conn.established = true;
	conn.snd_una = get32(tcp + 8);
	conn.snd_wnd = get16(tcp + 14);
	for (i = 0; i < n; i++)
		MUST(data[i] == pattern(seen.received + i));
	seen.received += n;
	conn.rcv_nxt += (uint32_t)n;
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
	memcpy(conn.peer_mac, f->buf->data + 6, 6);
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

void
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

void
exchange(void)
{
	kernel_pings();
	kernel_talks_tcp();
}
