/* SPDX-License-Identifier: ISC */
/*
 * relay: the simulator's links in real time.  It makes a TAP device at each
 * end, in network namespaces, and passes frames between them as link.c says
 * for a named path (path.c), so that the kernel's TCP and tcpd meet the same
 * network as the stacks in the simulator do.
 *
 *	relay -l
 *	relay [-er] [-s seed] path pid/interface pid/interface
 *		[pid/interface ...]
 *
 * pid is a process in the namespace.  The first device has the senders behind
 * it: the path's first link leads away from it.  Devices after the second are
 * further senders in front of the same bottleneck; what comes back goes to all
 * senders, as on a hub.  -r: the path leads the other way;
 * -e: SYNs that ask for ECN are lost on it; -l: names all paths.
 *
 * The devices have no offloads: frames are of the MTU, with check sums, and a
 * lost one is one segment.  The event heap is the simulator's, with virtual
 * time led along by the monotonic clock; one timerfd is set to its first
 * event, so nothing spins.  What the heap holds is bounded.  It says "ready",
 * works until SIGTERM or SIGINT, and prints its counters then, among them how
 * late frames left, which is its own error: real-time priority, where it may
 * have it, keeps that small.
 */
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/check.h"
#include "path.h"

#define PORTS	 4
#define BURST	 64	/* frames of one device in a turn */
#define HELD_MAX 100000 /* frames under way */
#define LATE_MAX 20000	/* us that are told apart */
#define TXQUEUE	 10000

static struct {
	struct sim *sim;
	int64_t start_us; /* of the clock, at the simulator's first moment */
	int port[PORTS];  /* the first is the receiver's side */
	unsigned nports;
	int timer;
	uint64_t overflow, unwritten, passed[2];
	uint32_t late[LATE_MAX + 1];
} relay;

static int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SEC + t.tv_nsec / 1000;
}

static mono_t
virtual_now(void)
{
	return (mono_t){1000 * SEC + clock_us() - relay.start_us};
}

static void
pass_to(int fd, const struct packet *p)
{
	if (write(fd, p->data, p->len) != (ssize_t)p->len)
		relay.unwritten++;
}

static void
deliver(struct link *l, struct packet *p)
{
	int64_t late = mono_diff(virtual_now(), l->sim->now);

	relay.late[late < 0 ? 0 : late < LATE_MAX ? late : LATE_MAX]++;
	relay.passed[l->to == 0]++;
	if (l->to == 1)
		pass_to(relay.port[0], p);
	else
		for (unsigned i = 1; i < relay.nports; i++)
			pass_to(relay.port[i], p);
	free(p);
}

/* Frames that wait in a device are taken as of now. */
static void
take_frames(unsigned port)
{
	static uint8_t frame[FRAME_MAX];
	struct sim *s = relay.sim;
	struct packet *p;
	ssize_t n;

	for (unsigned i = 0; i < BURST; i++) {
		n = read(relay.port[port], frame, sizeof frame);
		if (n <= 0)
			return;
		sim_run(s, virtual_now(), NULL);
		if (s->nheap >= HELD_MAX) {
			relay.overflow++;
			continue;
		}
		p = calloc(1, sizeof *p + (size_t)n);
		CHECK(p != NULL);
		p->len = (size_t)n;
		memcpy(p->data, frame, p->len);
		link_send(&s->links[port == 0], p);
	}
}

static void
set_timer(void)
{
	struct itimerspec t = {0};
	int64_t us;

	if (relay.sim->nheap > 0) {
		us = relay.sim->heap[0].when.us - 1000 * SEC + relay.start_us;
		t.it_value.tv_sec = us / SEC;
		t.it_value.tv_nsec = us % SEC * 1000;
	}
	CHECK(timerfd_settime(relay.timer, TFD_TIMER_ABSTIME, &t, NULL) == 0);
}

/* ---- devices ---- */

/* spec is "pid/name"; the device is in that process's network namespace. */
static int
make_port(const char *spec, int home)
{
	const char *name = strchr(spec, '/');
	struct ifreq ifr = {0};
	char path[64];
	int ns, fd, ctl;

	if (name == NULL || strlen(name + 1) >= sizeof ifr.ifr_name)
		errx(2, "%s: not of the form pid/interface", spec);
	snprintf(path, sizeof path, "/proc/%ld/ns/net", atol(spec));
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns == -1 || setns(ns, 0) == -1)
		err(1, "%s", path);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		err(1, "/dev/net/tun");
	strcpy(ifr.ifr_name, name + 1);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(fd, TUNSETIFF, &ifr) == -1)
		err(1, "%s: TUNSETIFF", spec);
	ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_qlen = TXQUEUE;
	if (ctl == -1 || ioctl(ctl, SIOCSIFTXQLEN, &ifr) == -1)
		err(1, "%s: txqueuelen", spec);
	close(ctl);
	if (setns(home, 0) == -1)
		err(1, "/proc/self/ns/net");
	close(ns);
	return fd;
}

static void
make_ports(char **specs)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home == -1)
		err(1, "/proc/self/ns/net");
	for (; *specs != NULL; specs++) {
		if (relay.nports == PORTS)
			errx(2, "more than %d devices", PORTS);
		relay.port[relay.nports++] = make_port(*specs, home);
	}
	close(home);
	/* On the command line the senders come first. */
	if (relay.nports >= 2) {
		int receiver = relay.port[1];

		relay.port[1] = relay.port[0];
		relay.port[0] = receiver;
	}
}

/* ---- what it has done ---- */

/* Microseconds by which all but 1 of so many frames were less late. */
static unsigned
late_us(uint64_t total, uint64_t permyriad)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < LATE_MAX; i++) {
		n += relay.late[i];
		if (n * 10000 >= total * permyriad)
			break;
	}
	return i;
}

static void
report(void)
{
	uint64_t total = relay.passed[0] + relay.passed[1];

	for (unsigned i = 0; i < 2; i++) {
		const struct link *l = &relay.sim->links[i];

		printf("%s: %llu frames, %llu lost, %llu policed, %llu past "
		       "the queue, %llu marked, %llu late, %llu twice, %llu "
		       "damaged, %llu passed\n",
		    i == 0 ? "there" : "back", (unsigned long long)l->sent,
		    (unsigned long long)l->lost, (unsigned long long)l->policed,
		    (unsigned long long)l->queued_out,
		    (unsigned long long)l->marked, (unsigned long long)l->late,
		    (unsigned long long)l->twice,
		    (unsigned long long)l->damaged,
		    (unsigned long long)relay.passed[i]);
	}
	printf("late by: median %u us, 99 %% %u us, 99.99 %% %u us; %llu not "
	       "held, %llu not written\n",
	    late_us(total, 5000), late_us(total, 9900), late_us(total, 9999),
	    (unsigned long long)relay.overflow,
	    (unsigned long long)relay.unwritten);
}

/* ---- the loop ---- */

static int
watch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd == -1)
		err(1, "signalfd");
	return fd;
}

static void
watch(int epoll, int fd, uint32_t what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = what};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
work(void)
{
	enum {
		TIMER = PORTS,
		SIGNAL
	};
	struct epoll_event ev[PORTS + 2];
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	uint64_t expired;

	if (ep == -1)
		err(1, "epoll_create1");
	for (unsigned i = 0; i < relay.nports; i++)
		watch(ep, relay.port[i], i);
	watch(ep, relay.timer, TIMER);
	watch(ep, watch_signals(), SIGNAL);
	for (;;) {
		sim_run(relay.sim, virtual_now(), NULL);
		set_timer();
		n = epoll_wait(ep, ev, PORTS + 2, -1);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		for (int i = 0; i < n; i++) {
			if (ev[i].data.u32 == SIGNAL)
				return;
			if (ev[i].data.u32 < PORTS)
				take_frames(ev[i].data.u32);
			else if (read(relay.timer, &expired, 8) != 8 &&
				 errno != EAGAIN)
				err(1, "timerfd");
		}
	}
}

/* For who measures: all paths, as "name bytes ideal_us capacity flows warm
 * span seeds". */
static int
list(void)
{
	for (const struct path *p = paths; p < paths + npaths; p++)
		printf("%s %llu %lld %llu %u %u %u %u\n", p->name,
		    (unsigned long long)p->bytes, (long long)path_ideal_us(p),
		    (unsigned long long)path_capacity(p), p->flows, p->warm_s,
		    p->span_s, p->seeds != 0 ? p->seeds : 1);
	return 0;
}

static _Noreturn void
usage(void)
{
	fprintf(stderr,
	    "usage: relay -l\n       relay [-er] [-s seed] path pid/interface "
	    "pid/interface [pid/interface ...]\n\npaths:\n");
	for (unsigned i = 0; i < npaths; i++)
		fprintf(stderr, "  %-14s %s\n", paths[i].name, paths[i].what);
	exit(2);
}

int
main(int argc, char **argv)
{
	const struct sched_param rt = {.sched_priority = 10};
	const struct path *p;
	uint64_t seed = 1;
	bool reverse = false, ecn_hole = false;
	int c;

	while ((c = getopt(argc, argv, "elrs:")) != -1) {
		if (c == 'l')
			return list();
		if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'r')
			reverse = true;
		else if (c == 'e')
			ecn_hole = true;
		else
			usage();
	}
	if (argc - optind < 3)
		usage();
	if ((p = path_find(argv[optind])) == NULL)
		errx(2, "no path is called %s; relay -l lists them",
		    argv[optind]);
	relay.sim = sim_new(seed);
	for (unsigned i = 0; i < 2; i++) {
		relay.sim->links[i].cfg = path_link(p, reverse ? 1 - i : i);
		relay.sim->links[i].cfg.ecn_hole = ecn_hole;
		relay.sim->links[i].deliver = deliver;
	}
	sim_faults(relay.sim, true);
	make_ports(argv + optind + 1);
	relay.timer =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (relay.timer == -1)
		err(1, "timerfd_create");
	/* Without the right to it, it is later now and then, and says so. */
	sched_setscheduler(0, SCHED_RR, &rt);
	relay.start_us = clock_us();
	puts("ready");
	fflush(stdout);
	work();
	report();
	sim_free(relay.sim);
	return 0;
}
