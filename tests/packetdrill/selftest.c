/* SPDX-License-Identifier: ISC */
/*
 * The adapter without packetdrill: loads it as packetdrill does and holds a
 * conversation through its interface, in virtual time.  What is expected here
 * is what a script would say.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/addrtext.h"
#include "iface.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

#define PORT  8080
#define RPORT 40000

static struct packetdrill_interface io;
static int (*command)(const char *); /* system() as packetdrill sees it */
static uint32_t iss;		     /* of the stack */

/* The family spoken, and who speaks it. */
static bool six;
static struct ipaddr ours, theirs;

#define EXPECT(cond)                                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: expected %s (errno %d)\n",     \
			    __FILE__, __LINE__, #cond, errno);                 \
			exit(1);                                               \
		}                                                              \
	} while (0)

static long long
now(void)
{
	struct timeval tv;

	EXPECT(io.gettimeofday(io.userdata, &tv, NULL) == 0);
	return tv.tv_sec * 1000000LL + tv.tv_usec;
}

/* Virtual time: nobody waits. */
static void
time_passes(useconds_t us)
{
	EXPECT((*io.usleep)(io.userdata, us) == 0);
}

static void
put_header(uint8_t *p, size_t len)
{
	struct wire_ipv4 h = {.ttl = 64, .proto = WIRE_PROTO_TCP};
	struct wire_ipv6 h6 = {.hop_limit = 64,
	    .next = WIRE_PROTO_TCP,
	    .payload_len = (uint16_t)len,
	    .src = theirs,
	    .dst = ours};

	if (six) {
		wire_ipv6_emit(&h6, p);
		return;
	}
	h.src = ipaddr_to_v4(&theirs);
	h.dst = ipaddr_to_v4(&ours);
	h.total_len = (uint16_t)(WIRE_IPV4_HDR_MIN + len);
	wire_ipv4_emit(&h, p);
}

/* Sequence numbers of the peer's begin at 0; ack counts from iss. */
static void
peer_sends(uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
	struct wire_tcp t = {.sport = RPORT,
	    .dport = PORT,
	    .seq = seq,
	    .ack = flags & TH_ACK ? iss + ack : 0,
	    .flags = flags,
	    .wnd = 65535,
	    .has_mss = flags & TH_SYN,
	    .mss = 1000,
	    .sack_permitted = flags & TH_SYN};
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t p[2000], *tcp = p + (six ? WIRE_IPV6_HDR : WIRE_IPV4_HDR_MIN);
	size_t n = wire_tcp_emit(&t, tcp);

	memset(tcp + n, 'x', len);
	n += len;
	put_header(p, n);
	wire_csum_pseudo(&c, &theirs, &ours, WIRE_PROTO_TCP, (uint32_t)n);
	wire_csum_add(&c, tcp, n);
	put16(tcp + WIRE_TCP_CSUM_OFF, wire_csum_final(&c));
	EXPECT(io.netdev_send(io.userdata, p, (size_t)(tcp - p) + n) == 0);
}

/* The length of the packet's IP header, which must be between the two. */
static size_t
header_len(const uint8_t *p, size_t n)
{
	struct wire_ipv4 h;
	struct wire_ipv6 h6;

	if (six) {
		EXPECT(wire_ipv6_parse(p, n, &h6) == 0);
		EXPECT(
		    ipaddr_eq(&h6.src, &ours) && ipaddr_eq(&h6.dst, &theirs));
		return WIRE_IPV6_HDR;
	}
	EXPECT(wire_ipv4_parse(p, n, &h) == 0);
	EXPECT(h.src == ipaddr_to_v4(&ours) && h.dst == ipaddr_to_v4(&theirs));
	return h.ihl;
}

/* The next packet out, which must be this one; returns when it was sent. */
static long long
stack_sends(uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
	uint8_t p[65536];
	size_t n = sizeof p;
	struct wire_tcp t;
	long long at;
	size_t ihl;

	EXPECT(io.netdev_receive(io.userdata, p, &n, &at) == 0);
	EXPECT(n > 0);
	ihl = header_len(p, n);
	EXPECT(wire_tcp_parse(p + ihl, n - ihl, &t) == 0);
	if (flags & TH_SYN)
		iss = t.seq;
	EXPECT(t.flags == flags);
	EXPECT(t.seq - iss == seq);
	EXPECT(t.ack == ack);
	EXPECT(n - ihl - t.hdr_len == len);
	return at;
}

static short
events(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	EXPECT(io.poll(io.userdata, &p, 1, 0) >= 0);
	return p.revents;
}

static int
handshake(int listener)
{
	int fd;

	peer_sends(TH_SYN, 0, 0, 0);
	stack_sends(TH_SYN | TH_ACK, 0, 1, 0);
	time_passes(20000);
	peer_sends(TH_ACK, 1, 1, 0);
	fd = io.accept(io.userdata, listener, NULL, NULL);
	EXPECT(fd >= 0);
	EXPECT(io.fcntl(io.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	return fd;
}

static _Atomic pid_t reader;

/* A call that blocks, on a thread of its own as in packetdrill. */
static void *
blocking_read(void *arg)
{
	char buf[100];
	long n;

	atomic_store(&reader, gettid());
	n = io.read(io.userdata, *(int *)arg, buf, sizeof buf);
	return (void *)(n == 5 ? now() : 0LL);
}

/* Sleeps the thread, in the call that it makes?  As packetdrill finds out. */
static void
wait_asleep(void)
{
	char path[64], state = 0;
	FILE *f;
	pid_t t;

	while ((t = atomic_load(&reader)) == 0)
		sched_yield();
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)t);
	while (state != 'S') {
		sched_yield();
		f = fopen(path, "r");
		EXPECT(f != NULL && fscanf(f, "%*d (%*[^)]) %c", &state) == 1);
		fclose(f);
	}
}

static void
blocking(int fd)
{
	long long sent, back;
	pthread_t t;
	void *r;

	EXPECT(io.fcntl(io.userdata, fd, F_SETFL, O_RDWR) == 0);
	atomic_store(&reader, 0);
	EXPECT(pthread_create(&t, NULL, blocking_read, &fd) == 0);
	wait_asleep();
	time_passes(3000000);
	sent = now();
	peer_sends(TH_ACK | TH_PSH, 1, 1, 5);
	/* Time goes on before the other thread looks at the clock. */
	time_passes(1000000);
	EXPECT(pthread_join(t, &r) == 0);
	back = (long long)(intptr_t)r;
	EXPECT(back >= sent && back < sent + 1000);
	EXPECT(io.fcntl(io.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	stack_sends(TH_ACK, 1, 6, 0);
}

static void
data(int fd)
{
	static char buf[3000];
	struct tcp_info ti;
	socklen_t len = sizeof ti;
	long long first, again;
	int n;

	EXPECT(events(fd) == POLLOUT);
	EXPECT(io.read(io.userdata, fd, buf, sizeof buf) == -1);
	EXPECT(errno == EAGAIN);
	peer_sends(TH_ACK | TH_PSH, 6, 1, 100);
	stack_sends(TH_ACK, 1, 106, 0);
	EXPECT(events(fd) == (POLLIN | POLLOUT));
	EXPECT(io.ioctl(io.userdata, fd, FIONREAD, &n) == 0 && n == 100);
	EXPECT(io.read(io.userdata, fd, buf, sizeof buf) == 100);
	EXPECT(buf[0] == 'x' && buf[99] == 'x');
	EXPECT(io.write(io.userdata, fd, NULL, 10) == -1 && errno == EFAULT);

	/* A loss: the same again after a while, and only virtually so. */
	EXPECT(io.write(io.userdata, fd, buf, 500) == 500);
	first = stack_sends(TH_ACK | TH_PSH, 1, 106, 500);
	again = stack_sends(TH_ACK | TH_PSH, 1, 106, 500);
	EXPECT(again - first > 10000 && again - first < 2000000);
	EXPECT(io.getsockopt(
		   io.userdata, fd, IPPROTO_TCP, TCP_INFO, &ti, &len) == 0);
	EXPECT(ti.tcpi_state == 1 && ti.tcpi_unacked == 1);
	peer_sends(TH_ACK, 106, 501, 0);
}

static void
end(int fd)
{
	char c;

	peer_sends(TH_ACK | TH_FIN, 106, 501, 0);
	stack_sends(TH_ACK, 501, 107, 0);
	EXPECT(events(fd) == (POLLIN | POLLOUT | POLLRDHUP));
	EXPECT(io.read(io.userdata, fd, &c, 1) == 0);
	EXPECT(io.close(io.userdata, fd) == 0);
	stack_sends(TH_ACK | TH_FIN, 501, 107, 0);
	peer_sends(TH_ACK, 107, 502, 0);
	EXPECT(io.read(io.userdata, fd, &c, 1) == -1 && errno == EBADF);
}

/* A reset, and edge-triggered epoll. */
static void
reset(int listener)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	int fd = handshake(listener), ep = io.epoll_create(io.userdata, 1);
	char buf[10];

	EXPECT(ep >= 0);
	EXPECT(io.epoll_ctl(io.userdata, ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	EXPECT(io.epoll_wait(io.userdata, ep, &ev, 1, 0) == 0);
	peer_sends(TH_ACK | TH_PSH, 1, 1, 5);
	stack_sends(TH_ACK, 1, 6, 0);
	EXPECT(io.epoll_wait(io.userdata, ep, &ev, 1, 0) == 1);
	EXPECT(ev.events == EPOLLIN);
	EXPECT(io.epoll_wait(io.userdata, ep, &ev, 1, 0) == 0);
	peer_sends(TH_RST | TH_ACK, 6, 1, 0);
	EXPECT(io.epoll_wait(io.userdata, ep, &ev, 1, 0) == 1);
	EXPECT(ev.events & EPOLLERR && ev.events & EPOLLHUP);
	EXPECT(io.read(io.userdata, fd, buf, 10) == 5);
	EXPECT(io.read(io.userdata, fd, buf, 10) == -1);
	EXPECT(errno == ECONNRESET);
	EXPECT(io.read(io.userdata, fd, buf, 10) == 0);
	EXPECT(io.close(io.userdata, fd) == 0);
	EXPECT(io.close(io.userdata, ep) == 0);
}

/* A train is one packet, or what a kernel makes of it for a device that cuts
 * none: PSH is on the last then. */
static void
trains(int listener)
{
	int fd = handshake(listener);
	static char buf[2500];

	EXPECT(io.write(io.userdata, fd, buf, 2000) == 2000);
	stack_sends(TH_ACK | TH_PSH, 1, 1, 2000);
	EXPECT(command("tcpd-set tso=0") == 0);
	EXPECT(io.write(io.userdata, fd, buf, 2000) == 2000);
	stack_sends(TH_ACK, 2001, 1, 1000);
	stack_sends(TH_ACK | TH_PSH, 3001, 1, 1000);
	EXPECT(command("tcpd-set tso=1") == 0);
	peer_sends(TH_RST | TH_ACK, 1, 4001, 0);
	EXPECT(io.close(io.userdata, fd) == 0);
}

static int
listens(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons(PORT),
	    .sin_addr.s_addr = htonl(ipaddr_to_v4(&ours))};
	struct sockaddr_in6 sin6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	const void *a = six ? (void *)&sin6 : (void *)&sin;
	int fd = io.socket(
	    io.userdata, six ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);

	EXPECT(fd >= 0);
	memcpy(&sin6.sin6_addr, &ours, 16);
	EXPECT(
	    io.bind(io.userdata, fd, a, six ? sizeof sin6 : sizeof sin) == 0);
	EXPECT(io.listen(io.userdata, fd, 1) == 0);
	EXPECT(events(fd) == 0);
	return fd;
}

/* Settings that change on the way, and other commands. */
static void
settings(void)
{
	const uint8_t ecn_syn = TH_SYN | TH_ECE | TH_CWR;

	peer_sends(ecn_syn, 0, 0, 0);
	stack_sends(TH_SYN | TH_ACK, 0, 1, 0);
	peer_sends(TH_RST, 1, 0, 0);
	EXPECT(command("tcpd-set ecn=1,timestamps=0") == 0);
	peer_sends(ecn_syn, 0, 0, 0);
	stack_sends(TH_SYN | TH_ACK | TH_ECE, 0, 1, 0);
	peer_sends(TH_RST, 1, 0, 0);
	EXPECT(command("tcpd-set ecn=0") == 0);
	EXPECT(command("exit 3") == 3 << 8);
}

static void
converse(const char *our, const char *their)
{
	int fd, conn;

	EXPECT(addrtext_parse(our, &ours) && addrtext_parse(their, &theirs));
	six = !ipaddr_is_v4(&ours);
	fd = listens();
	conn = handshake(fd);
	blocking(conn);
	data(conn);
	end(conn);
	/* TIME-WAIT is over after a minute that passes at once. */
	time_passes(61000000);
	reset(fd);
	trains(fd);
	settings();
	EXPECT(io.close(io.userdata, fd) == 0);
}

int
main(void)
{
	const char *top = getenv("top_builddir");
	void (*init)(const char *, struct packetdrill_interface *);
	uint8_t p[2000];
	size_t n = sizeof p;
	long long at;
	char path[4096];
	void *so;

	snprintf(path, sizeof path,
	    "%s/tests/packetdrill/.libs/tcpd-packetdrill.so",
	    top != NULL ? top : ".");
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (so == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&init = dlsym(so, "packetdrill_interface_init");
	*(void **)&command = dlsym(so, "system");
	EXPECT(init != NULL && command != NULL);
	init("rcvbuf=65536", &io);
	converse("192.168.0.2", "192.0.2.1");
	converse("fd3d:fa7b:d17d::2", "2001:db8::1");
	/* Nothing is left that would ever send. */
	EXPECT(io.netdev_receive(io.userdata, p, &n, &at) == 0 && n == 0);
	io.free(io.userdata);
	printf("adapter: handshakes, data, losses, FINs and resets\n");
	return 0;
}
