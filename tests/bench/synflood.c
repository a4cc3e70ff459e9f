/* SPDX-License-Identifier: ISC */
/*
 * synflood: offers SYNs from addresses that are nobody's to one port, at a
 * steady rate for a bounded time, in a namespace of a test's own.
 *
 *	synflood [-r RATE] [-s SECONDS] INTERFACE ADDRESS PORT
 *
 * Frames go out of INTERFACE as they are (AF_PACKET), to the station that the
 * kernel's neighbour table names for ADDRESS.  Sources are of 198.18.0.0/15
 * (RFC 2544: for benchmarks), with MSS, SACK, timestamps and window scale as
 * Linux offers them.  Prints what it sent, as JSON.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define OPTS  20

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t opts[OPTS];
} __attribute__((packed));

static struct frame frames[BATCH];
static uint64_t state;

/* xorshift64: the same flood each time. */
static uint64_t
next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t
sum16(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len > 1; p += 2, len -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The station addresses of both ends. */
static void
learn_stations(const char *ifname, struct in_addr dst, struct ether_header *e)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = dst};
	struct ifreq ifr = {0};
	struct arpreq arp = {0};

	if (fd < 0)
		err(1, "socket");
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		err(1, "%s", ifname);
	memcpy(e->ether_shost, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	memcpy(&arp.arp_pa, &sin, sizeof sin);
	snprintf(arp.arp_dev, sizeof arp.arp_dev, "%s", ifname);
	if (ioctl(fd, SIOCGARP, &arp) < 0 || !(arp.arp_flags & ATF_COM))
		errx(1, "%s is not known on %s: ping it first", inet_ntoa(dst),
		    ifname);
	memcpy(e->ether_dhost, arp.arp_ha.sa_data, ETH_ALEN);
	e->ether_type = htons(ETHERTYPE_IP);
	close(fd);
}

static void
make_frame(struct frame *f, struct in_addr dst, uint16_t port,
    const struct ether_header *eth)
{
	static const uint8_t opts[OPTS] = {
	    2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};

	f->eth = *eth;
	f->ip = (struct iphdr){.version = 4,
	    .ihl = 5,
	    .tot_len = htons(sizeof *f - sizeof f->eth),
	    .frag_off = htons(IP_DF),
	    .ttl = 64,
	    .protocol = IPPROTO_TCP,
	    .daddr = dst.s_addr};
	f->tcp = (struct tcphdr){.dest = htons(port),
	    .doff = (sizeof f->tcp + OPTS) / 4,
	    .syn = 1,
	    .window = htons(64240)};
	memcpy(f->opts, opts, OPTS);
}

/* Another source, port and sequence number. */
static void
vary(struct frame *f)
{
	uint64_t r = next_random();
	uint32_t sum;

	f->ip.saddr = htonl(0xc6120000 | ((uint32_t)r & 0x1ffff));
	f->tcp.source = htons((uint16_t)(1024 + (r >> 20) % 64000));
	f->tcp.seq = (uint32_t)(r >> 32);
	f->ip.check = f->tcp.check = 0;
	f->ip.check = fold(sum16(0, &f->ip, sizeof f->ip));
	sum = sum16(0, &f->ip.saddr, 8) + IPPROTO_TCP + sizeof f->tcp + OPTS;
	f->tcp.check = fold(sum16(sum, &f->tcp, sizeof f->tcp + OPTS));
}

static unsigned
send_batch(int fd, unsigned n)
{
	static struct mmsghdr msgs[BATCH];
	static struct iovec iov[BATCH];
	unsigned i;
	int sent;

	for (i = 0; i < n; i++) {
		vary(&frames[i]);
		iov[i] = (struct iovec){&frames[i], sizeof frames[i]};
		msgs[i].msg_hdr =
		    (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	sent = sendmmsg(fd, msgs, n, 0);
	if (sent < 0 && errno != ENOBUFS && errno != EAGAIN)
		err(1, "sendmmsg");
	return sent < 0 ? 0 : (unsigned)sent;
}

static double
seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) +
	       (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

/* A tick each millisecond; what a late one missed is made up for. */
static void
flood(int fd, double rate, double duration)
{
	struct itimerspec ms = {{0, 1000000}, {0, 1000000}};
	int tick = timerfd_create(CLOCK_MONOTONIC, 0);
	struct timespec start;
	uint64_t offered = 0, sent = 0, ticks;
	double at;

	if (tick < 0 || timerfd_settime(tick, 0, &ms, NULL) < 0)
		err(1, "timerfd");
	clock_gettime(CLOCK_MONOTONIC, &start);
	while ((at = seconds_since(&start)) < duration) {
		uint64_t due = (uint64_t)(at * rate);

		while (offered < due) {
			unsigned n = due - offered < BATCH
					 ? (unsigned)(due - offered)
					 : BATCH;

			sent += send_batch(fd, n);
			offered += n;
		}
		if (read(tick, &ticks, sizeof ticks) < 0)
			err(1, "timerfd");
	}
	printf("{\"offered\": %ju, \"sent\": %ju, \"seconds\": %.3f}\n",
	    (uintmax_t)offered, (uintmax_t)sent, at);
}

int
main(int argc, char **argv)
{
	double rate = 100000, duration = 5;
	struct sockaddr_ll sll = {.sll_family = AF_PACKET};
	struct ether_header eth;
	struct in_addr dst;
	int fd, c;

	while ((c = getopt(argc, argv, "r:s:")) != -1) {
		if (c == 'r')
			rate = strtod(optarg, NULL);
		else if (c == 's')
			duration = strtod(optarg, NULL);
		else
			return 2;
	}
	if (argc - optind != 3 || inet_aton(argv[optind + 1], &dst) == 0 ||
	    rate <= 0 || rate > 1e6 || duration <= 0 || duration > 60)
		errx(2, "usage: synflood [-r RATE] [-s SECONDS] INTERFACE "
			"ADDRESS PORT; at most 1000000/s for 60 s");
	sll.sll_ifindex = (int)if_nametoindex(argv[optind]);
	if (sll.sll_ifindex == 0)
		err(1, "%s", argv[optind]);
	learn_stations(argv[optind], dst, &eth);
	/* Protocol 0: it sends and receives nothing. */
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sll, sizeof sll) < 0)
		err(1, "AF_PACKET on %s", argv[optind]);
	state = 88172645463325252u;
	for (c = 0; c < BATCH; c++)
		make_frame(&frames[c], dst,
		    (uint16_t)strtoul(argv[optind + 2], NULL, 10), &eth);
	flood(fd, rate, duration);
	return 0;
}
