/* SPDX-License-Identifier: ISC */
/*
 * The engine end to end, without shim and device: what a program sees on its
 * descriptor must be what a kernel's TCP socket shows.
 */
#include "config.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/engine_lab.h"

TestSuite(engine, .init = lab_up, .fini = lab_down, .timeout = 60);

#define REFUSED (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP)

Test(engine, bytes_flow_both_ways)
{
	struct cl a;
	char buf[64];
	int b;

	cl_pair(&a, &b);
	cr_assert(cl_write(a.fd, "hello", 5));
	cr_assert_eq(cl_read(b, buf, 5), 5);
	cr_assert_arr_eq(buf, "hello", 5);
	cr_assert(cl_write(b, "x", 1));
	cr_assert_eq(cl_read(a.fd, buf, 1), 1);
	cr_assert_eq(buf[0], 'x');
	cr_assert(cl_write(a.fd, "yz", 2));
	cr_assert_eq(cl_read(b, buf, 2), 2);
	cr_assert_arr_eq(buf, "yz", 2);
	cr_assert_eq(cl_poll(a.fd), POLLOUT);
	cr_assert_eq(cl_poll(b), POLLOUT);
	close(a.fd);
	close(b);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert(lab_until(lab_conns, 1, 0, 1000));
}

struct bulk {
	int fd;
	size_t n;
	bool ok;
};

/* The stream's byte at i. */
static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

static void *
bulk_write(void *arg)
{
	struct bulk *k = arg;
	static const size_t sizes[] = {1, 7, 1448, 65536, 100000, 13};
	uint8_t *buf = malloc(100000);
	size_t at = 0, i, n, turn = 0;

	for (k->ok = true; k->ok && at < k->n; at += n) {
		n = sizes[turn++ % 6];
		if (n > k->n - at)
			n = k->n - at;
		for (i = 0; i < n; i++)
			buf[i] = byte_at(at + i);
		k->ok = cl_write(k->fd, buf, n);
	}
	shutdown(k->fd, SHUT_WR);
	free(buf);
	return NULL;
}

static void *
bulk_read(void *arg)
{
	struct bulk *k = arg;
	uint8_t *buf = malloc(50000);
	size_t at = 0, i;
	ssize_t r;

	for (k->ok = true; (r = read(k->fd, buf, 50000)) > 0; at += (size_t)r)
		for (i = 0; i < (size_t)r; i++)
			k->ok = k->ok && buf[i] == byte_at(at + i);
	if (!k->ok || r != 0 || at != k->n)
		fprintf(stderr, "read: ok %d r %zd errno %d at %zu of %zu\n",
		    k->ok, r, r < 0 ? errno : 0, at, k->n);
	k->ok = k->ok && r == 0 && at == k->n;
	free(buf);
	return NULL;
}

Test(engine, bulk_both_ways_arrives_intact)
{
	struct bulk k[4];
	pthread_t t[4];
	struct cl a;
	int b, i;

	cl_pair(&a, &b);
	for (i = 0; i < 4; i++)
		k[i] = (struct bulk){i & 1 ? b : a.fd, 24 << 20, false};
	pthread_create(&t[0], NULL, bulk_write, &k[0]);
	pthread_create(&t[1], NULL, bulk_read, &k[1]);
	pthread_create(&t[2], NULL, bulk_read, &k[2]);
	pthread_create(&t[3], NULL, bulk_write, &k[3]);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		cr_assert(k[i].ok, "stream %d", i);
	}
	close(a.fd);
	close(b);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert(lab_until(lab_conns, 1, 0, 1000));
}

Test(engine, refused_looks_like_tcp)
{
	struct cl a = cl_socket();
	char c;

	cr_assert_eq(cl_start(&a, 0, LAB_ADDR(1), 9), 0);
	cr_assert(cl_wait(a.fd, POLLHUP, 2000));
	cr_assert_eq(cl_poll(a.fd), REFUSED);
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL),
	    ECONNREFUSED);
	/* Asked and answered: it is gone. */
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL),
	    EBADF);
	cr_assert_eq(recv(a.fd, &c, 1, 0), -1);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert_eq(lab_conns(0), 0);
}

Test(engine, not_writable_until_established)
{
	struct cl a = cl_socket();

	/* Nobody answers ARP for this one. */
	cr_assert_eq(cl_start(&a, 0, 0xc000024d, 80), 0);
	cr_assert(lab_until(lab_conns, 0, 1, 1000));
	cr_assert_eq(cl_poll(a.fd), 0);
	cr_assert_eq(cl_finish(&a, 0), EHOSTUNREACH);
}

Test(engine, no_route_is_told_at_once)
{
	struct cl a = cl_socket();

	cr_assert_eq(cl_connect(&a, 0, 0x0a000001, 80), ENETUNREACH);
}

Test(engine, killed_while_connecting_leaves_nothing)
{
	struct cl a = cl_socket();

	cr_assert_eq(cl_start(&a, 0, 0xc000024d, 80), 0);
	cr_assert(lab_until(lab_conns, 0, 1, 1000));
	close(a.fd);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
}

Test(engine, peers_fin_is_eof_and_the_other_way_lives, .description = "MUST-12")
{
	struct cl a;
	char buf[8];
	int b;

	cl_pair(&a, &b);
	cr_assert(cl_write(a.fd, "bye", 3));
	shutdown(a.fd, SHUT_WR);
	cr_assert(cl_wait(b, POLLRDHUP, 2000));
	cr_assert_eq(cl_poll(b), POLLIN | POLLOUT | POLLRDHUP);
	cr_assert_eq(cl_read(b, buf, 8), 3);
	cr_assert(cl_write(b, "still", 5));
	cr_assert_eq(cl_read(a.fd, buf, 5), 5);
	cr_assert_eq(cl_poll(a.fd), POLLOUT);
	close(b);
	cr_assert(cl_wait(a.fd, POLLHUP, 2000));
	cr_assert_eq(cl_read(a.fd, buf, 8), 0);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert(lab_until(lab_conns, 1, 0, 1000));
}

/* Data, then close() with unread data at the peer: RST after the data. */
static void
reset_by_unread(int closer, int other)
{
	char buf[16];

	cr_assert(cl_write(other, "unread", 6));
	cr_assert(cl_wait(closer, POLLIN, 2000));
	cr_assert(cl_write(closer, "last", 4));
	cr_assert(cl_wait(other, POLLIN, 2000));
	close(closer);
	cr_assert(cl_wait(other, POLLHUP | POLLERR, 2000));
	cr_assert_eq(cl_poll(other), REFUSED);
	cr_assert_eq(cl_read(other, buf, 4), 4);
	cr_assert_eq(cl_read(other, buf, 1), -ECONNRESET);
	cr_assert_eq(cl_read(other, buf, 1), 0);
}

Test(engine, close_with_unread_data_resets, .description = "SHLD-3")
{
	struct cl a;
	int b;

	cl_pair(&a, &b);
	reset_by_unread(b, a.fd);
	close(a.fd);
	cl_pair(&a, &b);
	reset_by_unread(a.fd, b);
	close(b);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert(lab_until(lab_conns, 1, 0, 1000));
}

Test(engine, reset_reaches_an_accepted_program_that_never_wrote,
    .description = "MUST-12")
{
	struct cl a;
	char c;
	int b;

	cl_pair(&a, &b);
	cr_assert(cl_write(b, "x", 1));
	cr_assert(cl_wait(a.fd, POLLIN, 2000));
	close(a.fd); /* unread: RST */
	cr_assert(cl_wait(b, POLLHUP, 2000));
	cr_assert_eq(read(b, &c, 1), -1);
	cr_assert_eq(errno, ECONNRESET);
}

Test(engine, reset_before_accept_is_kept_for_it)
{
	struct cl l = cl_socket(), a = cl_socket();
	int port = cl_listen(&l, 1, 0, 16), b, on[2] = {1, 0};
	uint8_t opt[sizeof(struct proto_opt) + 8];
	struct proto_opt o = {SOL_SOCKET, SO_LINGER, 8, 0};
	char c;

	memcpy(opt, &o, sizeof o);
	memcpy(opt + sizeof o, on, 8);
	cr_assert_gt(port, 0);
	cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
	cr_assert_eq(cl_request(0, PROTO_SETOPT, a.handle, opt, sizeof opt, -1,
			 NULL, NULL),
	    0);
	cr_assert(cl_wait(l.fd, POLLIN, 2000));
	close(a.fd);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	b = cl_accept(&l);
	cr_assert_geq(b, 0);
	cr_assert(cl_wait(b, POLLHUP, 2000));
	cr_assert_eq(read(b, &c, 1), -1);
	cr_assert_eq(errno, ECONNRESET);
}

/* A key of n bytes at lab i's socket c, for peer number peer. */
static int
set_key(const struct cl *c, int i, uint32_t peer, uint16_t n)
{
	struct {
		struct proto_opt o;
		struct tcp_md5sig m;
	} opt = {
	    {IPPROTO_TCP, TCP_MD5SIG, sizeof opt.m, 0}, {.tcpm_keylen = n}};
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000 + peer)};

	memcpy(&opt.m.tcpm_addr, &sin, sizeof sin);
	memset(opt.m.tcpm_key, 'k', sizeof opt.m.tcpm_key);
	return cl_request(
	    i, PROTO_SETOPT, c->handle, &opt, sizeof opt, -1, NULL, NULL);
}

/* Keys are counted: a user's at his listeners, and a connection's. */
Test(engine, keys_have_a_limit)
{
	struct cl l = cl_socket(), more = cl_socket(), a = cl_socket();
	int port = cl_listen(&l, 1, 0, 16), b;
	uint32_t i;

	cr_assert_gt(port, 0);
	cr_assert_gt(cl_listen(&more, 1, 0, 16), 0);
	cr_assert_eq(set_key(&l, 1, 0, 0), ENOENT);
	cr_assert_eq(set_key(&l, 1, 0, 81), EINVAL);
	for (i = 0; i < KEYS_PER_UID; i++)
		cr_assert_eq(set_key(&l, 1, i, 7), 0, "key %u", i);
	cr_assert_eq(set_key(&l, 1, i, 7), ENOMEM);
	cr_assert_eq(set_key(&more, 1, 0, 7), ENOMEM);
	cr_assert_eq(set_key(&l, 1, 5, 9), 0, "another for the same peer");
	cr_assert_eq(set_key(&l, 1, 5, 0), 0);
	cr_assert_eq(set_key(&more, 1, 0, 7), 0);
	cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
	b = cl_accept(&l);
	cr_assert_geq(b, 0);
	for (i = 0; i < KEYS_PER_CONN; i++)
		cr_assert_eq(set_key(&a, 0, i, 7), 0);
	cr_assert_eq(set_key(&a, 0, i, 7), ENOMEM);
	/* They go with a listener that is closed, whoever notices. */
	close(l.fd);
	for (i = 1; i < KEYS_PER_UID; i++)
		cr_assert_eq(set_key(&more, 1, i, 7), 0, "key %u", i);
	cr_assert_eq(set_key(&more, 1, i, 7), ENOMEM);
	close(more.fd);
	close(a.fd);
	close(b);
}

/* Is a run of so many bytes c between from and to? */
static bool
run_between(int mem, off_t from, off_t to, char c, size_t run)
{
	char buf[4096];
	ssize_t got, i;
	size_t n = 0;

	for (; from < to; from += got) {
		got = pread(mem, buf, sizeof buf, from);
		if (got <= 0)
			return false;
		for (i = 0; i < got; i++) {
			n = buf[i] == c ? n + 1 : 0;
			if (n == run)
				return true;
		}
	}
	return false;
}

/* In anything that this process can write, but for its stack, where the test
 * has put it itself, and for what is too large to have been written to? */
static bool
in_memory(char c, size_t run)
{
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	bool found = false;
	char line[512];

	cr_assert(mem >= 0 && maps != NULL);
	while (!found && fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx rw-p", &from, &to) != 2 ||
		    strstr(line, " rw-p ") == NULL ||
		    strstr(line, "[stack]") != NULL || to - from > 1 << 28)
			continue;
		found = run_between(mem, (off_t)from, (off_t)to, c, run);
	}
	fclose(maps);
	close(mem);
	return found;
}

/* A key that was taken away is nowhere, nor is the message that brought it. */
Test(engine, keys_leave_nothing_in_memory)
{
	struct cl l = cl_socket();

	cr_assert_gt(cl_listen(&l, 1, 0, 16), 0);
	cr_assert_eq(set_key(&l, 1, 0, 80), 0);
	cr_assert(in_memory('k', 80));
	cr_assert_eq(set_key(&l, 1, 0, 0), 0);
	lab_drops(1, DROP_IPC_MALFORMED); /* the engine is done with it */
	cr_assert(!in_memory('k', 80));
	close(l.fd);
}

Test(engine, accepted_peer_name_and_raw_accept)
{
	struct cl l = cl_socket(), a = cl_socket();
	int port = cl_listen(&l, 1, 0, 16), b;
	struct sockaddr_un sun;
	struct proto_peer peer;
	socklen_t len = sizeof sun;
	char buf[8];

	cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
	b = accept(l.fd, NULL, NULL); /* without a preamble */
	cr_assert_eq(getpeername(b, (struct sockaddr *)&sun, &len), 0);
	cr_assert_eq(len, offsetof(struct sockaddr_un, sun_path) + 64);
	memcpy(&peer, sun.sun_path, sizeof peer);
	cr_assert_arr_eq(peer.magic, PROTO_PEER_MAGIC, 7);
	cr_assert_eq(peer.local.port, port);
	cr_assert_eq(peer.remote.addr[3], 1);
	cr_assert_eq(peer.local.addr[3], 2);
	cr_assert(cl_write(b, "123", 3));
	cr_assert_eq(cl_read(a.fd, buf, 3), 3);
	cr_assert_arr_eq(buf, "123", 3);
	close(b);
	cr_assert_eq(cl_read(a.fd, buf, 3), 0);
}

/* How much a SYN to the other engine's port could carry; or a negative errno.
 */
static int
fast_room(uint16_t port)
{
	struct proto_attach a = {.dst = {.family = AF_INET, .port = port}};
	struct {
		struct proto_opt o;
		int room;
	} ans;
	size_t len = sizeof ans;
	int err;

	a.dst.addr[0] = (uint8_t)(LAB_ADDR(1) >> 24);
	a.dst.addr[1] = (uint8_t)(LAB_ADDR(1) >> 16);
	a.dst.addr[2] = (uint8_t)(LAB_ADDR(1) >> 8);
	a.dst.addr[3] = (uint8_t)LAB_ADDR(1);
	err = cl_request(0, PROTO_FASTOPEN, 1, &a, sizeof a, -1, &ans, &len);
	return err != 0 ? -err : ans.room;
}

/* A listener that takes data from SYNs, and a cookie of it. */
static int
fast_listener(struct cl *l)
{
	struct cl a = cl_socket();
	int port = cl_listen(l, 1, 0, 16), one = 5;
	uint8_t opt[sizeof(struct proto_opt) + 4];
	struct proto_opt o = {IPPROTO_TCP, TCP_FASTOPEN, 4, 0};

	memcpy(opt, &o, sizeof o);
	memcpy(opt + sizeof o, &one, 4);
	cr_assert_gt(port, 0);
	cr_assert_eq(cl_request(1, PROTO_SETOPT, l->handle, opt, sizeof opt, -1,
			 NULL, NULL),
	    0);
	cr_assert_eq(fast_room((uint16_t)port), 0);
	cr_assert_eq(
	    cl_start_fast(&a, 0, LAB_ADDR(1), (uint16_t)port, PROTO_FAST, ""),
	    0);
	cr_assert_eq(cl_finish(&a, 0), 0);
	close(cl_accept(l));
	close(a.fd);
	cr_assert_gt(fast_room((uint16_t)port), 1000);
	return port;
}

/* RFC 7413: what comes with the hello goes with the SYN. */
Test(engine, fast_open)
{
	struct cl l = cl_socket(), a = cl_socket();
	int port = fast_listener(&l), b;
	char buf[8];

	cr_assert_eq(cl_start_fast(&a, 0, LAB_ADDR(1), (uint16_t)port,
			 PROTO_FAST, "hello"),
	    0);
	cr_assert_eq(cl_finish(&a, 0), 0);
	cr_assert(cl_write(a.fd, "123", 3));
	b = cl_accept(&l);
	cr_assert_eq(cl_read(b, buf, 8), 8);
	cr_assert_arr_eq(buf, "hello123", 8);
	close(a.fd);
	cr_assert_eq(cl_read(b, buf, 1), 0);
	close(b);
}

/* It can be written to at once, and what was written arrives although the
 * program is gone before there is an answer. */
Test(engine, fast_open_that_waits)
{
	struct cl l = cl_socket(), a = cl_socket(), idle = cl_socket();
	int port = fast_listener(&l), b;
	char buf[8];

	cr_assert_eq(cl_start_fast(&idle, 0, LAB_ADDR(1), (uint16_t)port,
			 PROTO_FAST | PROTO_WAITS, ""),
	    0);
	cr_assert(cl_wait(idle.fd, POLLOUT, 2000));
	cr_assert_eq(cl_request(0, PROTO_GETPEERNAME, idle.handle, NULL, 0, -1,
			 NULL, NULL),
	    ENOTCONN);
	cr_assert_eq(cl_start_fast(&a, 0, LAB_ADDR(1), (uint16_t)port,
			 PROTO_FAST | PROTO_WAITS, ""),
	    0);
	cr_assert(cl_write(a.fd, "hello", 5));
	close(a.fd);
	b = cl_accept(&l);
	cr_assert_eq(cl_read(b, buf, 8), 5);
	cr_assert_arr_eq(buf, "hello", 5);
	close(b);
	/* The other one has sent nothing yet. */
	cr_assert(!cl_wait(l.fd, POLLIN, 0));
	close(idle.fd);
	cr_assert(lab_until(lab_conns, 0, 0, 2000));
}

/* Its end comes with the next call, as connect() has returned long since. */
Test(engine, fast_open_refused)
{
	struct cl l = cl_socket(), a = cl_socket();
	int port = fast_listener(&l);
	char c;

	close(l.fd);
	cr_assert_eq(cl_start_fast(&a, 0, LAB_ADDR(1), (uint16_t)port,
			 PROTO_FAST | PROTO_WAITS, ""),
	    0);
	cr_assert(cl_wait(a.fd, POLLOUT, 2000));
	cr_assert(cl_write(a.fd, "hello", 5));
	cr_assert(cl_wait(a.fd, POLLHUP, 3000));
	cr_assert_eq(read(a.fd, &c, 1), -1);
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL),
	    ECONNREFUSED);
}

Test(engine, fast_open_malformed)
{
	const struct {
		uint32_t flags;
		const char *text;
	} rows[] = {{PROTO_WAITS, ""}, {4, ""}, {0, "x"},
	    {PROTO_FAST | PROTO_WAITS, "x"}};
	struct cl a;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		a = cl_socket();
		cr_assert_eq(cl_start_fast(&a, 0, LAB_ADDR(1), 80,
				 rows[i].flags, rows[i].text),
		    0);
		cr_assert(cl_wait(a.fd, POLLHUP, 2000));
		cr_assert_eq(lab_drops(0, DROP_IPC_MALFORMED), i + 1);
		close(a.fd);
	}
}

/* A listener on :: takes IPv4 as well, under names of its own family; one that
 * is for IPv6 alone refuses it and leaves the port to 0.0.0.0. */
Test(engine, listener_of_both_families)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	struct proto_name any6 = {.family = AF_INET6};
	struct cl l = cl_socket(), a = cl_socket(), only6 = cl_socket();
	struct cl only4 = cl_socket(), again = cl_socket();
	struct sockaddr_un sun;
	struct proto_peer peer;
	socklen_t len = sizeof sun;
	int port = cl_listen_at(&l, 1, &any6, 16), b;

	cr_assert_gt(port, 0);
	cr_assert_eq(any6.family, AF_INET6);
	cr_assert_eq(cl_listen(&again, 1, (uint16_t)port, 5), -EADDRINUSE);
	cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
	b = accept(l.fd, NULL, NULL);
	cr_assert_eq(getpeername(b, (struct sockaddr *)&sun, &len), 0);
	memcpy(&peer, sun.sun_path, sizeof peer);
	cr_assert_eq(peer.local.family, AF_INET6);
	cr_assert_eq(peer.remote.family, AF_INET6);
	cr_assert_arr_eq(peer.remote.addr, mapped, sizeof mapped);
	close(b);
	any6 = (struct proto_name){.family = AF_INET6, .flags = PROTO_V6ONLY};
	port = cl_listen_at(&only6, 1, &any6, 16);
	cr_assert_gt(port, 0);
	close(a.fd);
	a = cl_socket();
	cr_assert_eq(
	    cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), ECONNREFUSED);
	cr_assert_eq(cl_listen(&only4, 1, (uint16_t)port, 5), port);
}

/* Writes until nothing moves any more; how much. */
static size_t
fill(int fd)
{
	static char buf[1 << 16];
	size_t sent = 0;
	ssize_t r;

	do {
		while ((r = send(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0)
			sent += (size_t)r;
	} while (cl_wait(fd, POLLOUT, 300));
	return sent;
}

/* Reads to a clean end; how much. */
static size_t
drain(int fd)
{
	static char buf[1 << 16];
	size_t got = 0;
	ssize_t r;

	while ((r = read(fd, buf, sizeof buf)) > 0)
		got += (size_t)r;
	cr_assert_eq(r, 0);
	return got;
}

Test(engine, full_buffers_hold_back_and_go_on)
{
	struct cl a;
	size_t sent;
	int b;

	cl_pair(&a, &b);
	sent = fill(a.fd);
	cr_assert_gt(sent, 1 << 20);
	cr_assert_lt(sent, 16 << 20);
	shutdown(a.fd, SHUT_WR);
	cr_assert_eq(drain(b), sent);
}

Test(engine, program_that_leaves_with_full_buffers_is_drained)
{
	struct cl a;
	size_t sent;
	int b;

	cl_pair(&a, &b);
	sent = fill(a.fd);
	close(a.fd);
	/* Before its peer has read anything. */
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert_eq(drain(b), sent);
}

Test(engine, accept_queue_overflow_waits)
{
	struct cl l = cl_socket(), a[6];
	int port = cl_listen(&l, 1, 0, 2), i, b;
	char c;

	for (i = 0; i < 6; i++) {
		a[i] = cl_socket();
		cr_assert_eq(
		    cl_start(&a[i], 0, LAB_ADDR(1), (uint16_t)port), 0);
	}
	for (i = 0; i < 6; i++) {
		b = cl_accept(&l); /* the last ones come when peers ask again */
		cr_assert_geq(b, 0);
		cr_assert(cl_write(b, "k", 1));
		close(b);
	}
	for (i = 0; i < 6; i++) {
		cr_assert_eq(cl_finish(&a[i], 0), 0);
		cr_assert_eq(cl_read(a[i].fd, &c, 1), 1);
		close(a[i].fd);
	}
}

Test(engine, dead_listener_is_noticed)
{
	int pipefd[2], port, status;
	struct cl a = cl_socket();
	pid_t pid;

	cr_assert_eq(pipe(pipefd), 0);
	pid = fork();
	if (pid == 0) {
		struct cl l = cl_socket();

		port = cl_listen(&l, 1, 0, 16);
		(void)!write(pipefd[1], &port, sizeof port);
		for (;;)
			pause();
	}
	cr_assert_eq(read(pipefd[0], &port, sizeof port), sizeof port);
	cr_assert_gt(port, 0);
	cr_assert_eq(lab_bounds(1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cr_assert(lab_until(lab_bounds, 1, 0, 1000));
	cr_assert_eq(
	    cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), ECONNREFUSED);
}

Test(engine, address_in_use_until_its_holder_dies)
{
	struct cl l = cl_socket(), l2 = cl_socket(), l3 = cl_socket();
	int port = cl_listen(&l, 1, 0, 16);

	cr_assert_gt(port, 0);
	cr_assert_eq(cl_listen(&l2, 1, (uint16_t)port, 16), -EADDRINUSE);
	close(l.fd); /* this process lives on: only a probe can tell */
	cr_assert_eq(cl_listen(&l3, 1, (uint16_t)port, 16), port);
}

Test(engine, closed_listener_refuses)
{
	struct cl l = cl_socket(), a = cl_socket();
	int port = cl_listen(&l, 1, 0, 16);

	close(l.fd);
	cr_assert_eq(
	    cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), ECONNREFUSED);
	cr_assert_eq(lab_bounds(1), 0);
}

Test(engine, names_and_options)
{
	uint8_t opt[sizeof(struct proto_opt) + 4], out[600];
	struct proto_opt o = {IPPROTO_TCP, TCP_NODELAY, 4, 0};
	struct proto_name n;
	struct cl a;
	int b, one = 1, val;
	size_t len;

	cl_pair(&a, &b);
	cr_assert_eq(
	    cl_request(0, PROTO_GETSOCKNAME, a.handle, NULL, 0, -1, &n, &len),
	    0);
	cr_assert_eq(n.addr[3], 1);
	cr_assert_geq(n.port, 32768);
	cr_assert_eq(
	    cl_request(0, PROTO_GETPEERNAME, a.handle, NULL, 0, -1, &n, &len),
	    0);
	cr_assert_eq(n.addr[3], 2);
	memcpy(opt, &o, sizeof o);
	memcpy(opt + sizeof o, &one, 4);
	cr_assert_eq(cl_request(0, PROTO_SETOPT, a.handle, opt, sizeof opt, -1,
			 NULL, NULL),
	    0);
	cr_assert_eq(
	    cl_request(0, PROTO_GETOPT, a.handle, &o, sizeof o, -1, out, &len),
	    0);
	cr_assert_eq(len, sizeof o + 4);
	memcpy(&val, out + sizeof o, 4);
	cr_assert_eq(val, 1);
	o.name = TCP_INFO;
	o.len = 512;
	cr_assert_eq(
	    cl_request(0, PROTO_GETOPT, a.handle, &o, sizeof o, -1, out, &len),
	    0);
	cr_assert_gt(len, sizeof o + 100);
	cr_assert_eq(out[sizeof o], 1); /* tcpi_state: ESTABLISHED */
	cr_assert_eq(
	    cl_request(0, PROTO_GETSOCKNAME, 12345, NULL, 0, -1, &n, &len),
	    EBADF);
}

/* Both ways: a byte that was announced is the last one before the mark, and at
 * the other end it is what a socket calls out-of-band. */
Test(engine, urgent_data, .description = "MUST-30 MUST-32 MUST-33")
{
	struct cl a;
	char buf[8];
	int b, n;

	cl_pair(&a, &b);
	cr_assert(cl_write(a.fd, "ab", 2));
	cr_assert_eq(
	    cl_request(0, PROTO_URGENT, a.handle, NULL, 0, -1, NULL, NULL), 0);
	cr_assert(cl_write(a.fd, "cde", 3));
	cr_assert(cl_wait(b, POLLPRI, 2000));
	cr_assert_eq(recv(b, buf, 1, MSG_OOB), 1);
	cr_assert_eq(buf[0], 'c');
	cr_assert_eq(recv(b, buf, 8, 0), 2);
	cr_assert_eq(ioctl(b, SIOCATMARK, &n), 0);
	cr_assert_eq(n, 1);
	cr_assert_eq(cl_read(b, buf, 2), 2);
	cr_assert_eq(memcmp(buf, "de", 2), 0);
	cr_assert_eq(
	    cl_request(0, PROTO_URGENT, 12345, NULL, 0, -1, NULL, NULL), EBADF);
	close(a.fd);
	close(b);
}

/* A soft error in whatever connection there is. */
static void
make_soft_error(struct engine *e, void *arg)
{
	struct ipaddr peer = ipaddr_v4(LAB_ADDR(1));

	tcp_host_unreachable(e->tcp, &peer, engine_now(e));
	engine_flush(e);
}

static uint64_t asked;

/* The bytes of connection `asked` of engine i that its peer has not acked. */
static size_t
unacked(int i)
{
	struct {
		struct proto_opt opt;
		uint32_t unacked, unsent;
	} ans;
	size_t len = 0;
	int err = cl_request(i, PROTO_OUTQ, asked, NULL, 0, -1, &ans, &len);

	return err == 0 && len == sizeof ans ? ans.unacked : SIZE_MAX;
}

/* A soft error disturbs nobody: no bit, no byte; who asks learns it, once. */
Test(engine, soft_errors_wait_to_be_asked_for,
    .description = "MUST-47 SHLD-20 SHLD-25")
{
	struct cl a;
	char c;
	int b, before;

	cl_pair(&a, &b);
	before = cl_poll(a.fd);
	lab_on(0, make_soft_error, NULL);
	cr_assert_eq(cl_poll(a.fd), before);
	cr_assert(cl_write(a.fd, "x", 1));
	cr_assert_eq(cl_read(b, &c, 1), 1);
	/* A later ACK would end the error: the host is reachable. */
	asked = a.handle;
	cr_assert(lab_until(unacked, 0, 0, 2000));
	lab_on(0, make_soft_error, NULL);
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL),
	    EHOSTUNREACH);
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL), 0);
	cr_assert(cl_write(b, "y", 1));
	cr_assert_eq(cl_read(a.fd, &c, 1), 1);
	close(a.fd);
	close(b);
}

static void
quota_up(void)
{
	lab_quota = (struct conf_quota){.conns = 3,
	    .listeners = 2,
	    .half_open = 2,
	    .buffer_bytes = 1 << 20};
	lab_up();
}

TestSuite(engine_quota, .init = quota_up, .fini = lab_down, .timeout = 60);

Test(engine_quota, limits_have_their_errnos)
{
	struct cl l = cl_socket(), l2 = cl_socket(), l3 = cl_socket();
	struct cl a[3], over = cl_socket(), half[3];
	int port = cl_listen(&l, 1, 0, 16), i;

	cr_assert_gt(cl_listen(&l2, 1, 0, 16), 0);
	cr_assert_eq(cl_listen(&l3, 1, 0, 16), -EMFILE);
	for (i = 0; i < 2; i++) {
		half[i] = cl_socket();
		cr_assert_eq(cl_start(&half[i], 0, 0xc000024d, 80), 0);
	}
	half[2] = cl_socket();
	cr_assert_eq(cl_connect(&half[2], 0, 0xc000024d, 80), EAGAIN);
	close(half[0].fd);
	close(half[1].fd);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	for (i = 0; i < 3; i++) {
		a[i] = cl_socket();
		cr_assert_eq(
		    cl_connect(&a[i], 0, LAB_ADDR(1), (uint16_t)port), 0);
	}
	cr_assert_eq(cl_connect(&over, 0, LAB_ADDR(1), (uint16_t)port), EMFILE);
	close(a[0].fd);
	cr_assert(lab_until(lab_conns, 0, 2, 1000));
	over = cl_socket();
	cr_assert_eq(cl_accept(&l) >= 0, 1);
}

Test(engine_quota, buffer_bytes_are_back_pressure)
{
	struct bulk k[2];
	pthread_t t[2];
	struct cl a;
	int b, i;

	cl_pair(&a, &b);
	k[0] = (struct bulk){a.fd, 16 << 20, false};
	k[1] = (struct bulk){b, 16 << 20, false};
	pthread_create(&t[0], NULL, bulk_write, &k[0]);
	pthread_create(&t[1], NULL, bulk_read, &k[1]);
	for (i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		cr_assert(k[i].ok, "%d", i);
	}
}

static void
count_squeezed(struct engine *e, void *arg)
{
	struct account *a;

	RB_FOREACH (a, accounts, &e->accounts)
		*(size_t *)arg += a->squeezed;
}

static size_t
squeezed(int i)
{
	size_t n = 0;

	lab_on(i, count_squeezed, &n);
	return n;
}

/* Who is over his limit has it from one connection; others go on at speed. */
Test(engine_quota, who_holds_little_is_not_squeezed)
{
	struct cl a[3];
	size_t was;
	int b[3], i;
	char c;

	for (i = 0; i < 3; i++)
		cl_pair(&a[i], &b[i]);
	fill(a[0].fd);
	fill(a[1].fd);
	cr_assert_gt(was = squeezed(0), 0);
	for (i = 0; i < 20; i++) {
		cr_assert(cl_write(a[2].fd, "x", 1));
		cr_assert_eq(cl_read(b[2], &c, 1), 1);
		cr_assert(cl_write(b[2], "y", 1));
		cr_assert_eq(cl_read(a[2].fd, &c, 1), 1);
		cr_assert_eq(squeezed(0), was);
	}
}

static void
count_orphans(struct engine *e, void *arg)
{
	struct account *a;

	RB_FOREACH (a, accounts, &e->accounts)
		*(size_t *)arg += a->orphans;
}

static size_t
orphans(int i)
{
	size_t n = 0;

	lab_on(i, count_orphans, &n);
	return n;
}

static void
count_resets(struct engine *e, void *arg)
{
	*(size_t *)arg = e->stats.orphans_reset;
}

static void
raise_limit(struct engine *e, void *arg)
{
	struct account *a;

	RB_FOREACH (a, accounts, &e->accounts)
		a->limit.conns = *(uint32_t *)arg;
}

/* Peers that never close hold what was left to them; a user may leave as many
 * connections as he may have. */
Test(engine_quota, left_connections_are_on_their_users_account)
{
	struct cl l = cl_socket(), a;
	int port = cl_listen(&l, 1, 0, 16), b[4], i;
	uint32_t peers = 100;
	size_t resets = 0;
	char c[8];

	lab_on(1, raise_limit, &peers);
	for (i = 0; i < 4; i++) {
		a = cl_socket();
		cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
		b[i] = cl_accept(&l);
		cr_assert(cl_write(a.fd, "last", 4));
		cr_assert_eq(cl_read(b[i], c, 4), 4);
		close(a.fd);
		cr_assert(lab_until(lab_conns, 0, 0, 1000));
		if (i < 3)
			cr_assert_eq(read(b[i], c, sizeof c), 0);
		else
			cr_assert(cl_wait(b[i], POLLERR, 1000));
	}
	lab_on(0, count_resets, &resets);
	cr_assert_eq(resets, 1);
	cr_assert_eq(orphans(0), 3);
	for (i = 0; i < 3; i++)
		close(b[i]);
	cr_assert(lab_until(orphans, 0, 0, 1000));
}

Test(engine, a_thousand_killed_at_once_leave_nothing)
{
	struct cl l = cl_socket();
	int port = cl_listen(&l, 1, 0, 1024), i, n = 500, status, ready[2];
	static char junk[20000];
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < n; i++) {
			struct cl a = cl_socket();

			if (cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port) != 0)
				_exit(1);
			(void)send(a.fd, junk, sizeof junk, MSG_DONTWAIT);
		}
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 1);
	cr_assert_eq(lab_conns(0), (size_t)n);
	for (i = 0; i < n / 2; i++)
		cr_assert_geq(cl_accept(&l), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
}

/* What is sent raw; the answer's errno, -1: closed without one. */
static int
raw(const void *p, size_t n, struct proto_reply *reply)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t r;

	strcpy(sun.sun_path, lab[0].path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	cr_assert_eq(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
	r = recv(fd, reply, sizeof *reply, MSG_WAITALL);
	close(fd);
	return r == sizeof *reply ? reply->err : -1;
}

Test(engine, malformed_clients_are_counted_and_closed)
{
	struct proto_head h = {
	    .magic = PROTO_MAGIC, .version = 77, .type = PROTO_ERROR};
	struct proto_reply r;
	struct cl a;
	int b;

	cr_assert_eq(raw("GET / HTTP/1.0\r\n\r\n", 18, &r), -1);
	cr_assert_eq(lab_drops(0, DROP_IPC_MALFORMED), 1);
	cr_assert_eq(raw(&h, sizeof h, &r), EPROTONOSUPPORT);
	cr_assert_eq(r.version, PROTO_VERSION);
	cr_assert_eq(lab_drops(0, DROP_IPC_VERSION), 1);
	h.version = PROTO_VERSION;
	h.type = PROTO_BIND; /* without its body */
	cr_assert_eq(raw(&h, sizeof h, &r), -1);
	h.len = 1 << 20;
	cr_assert_eq(raw(&h, sizeof h, &r), -1);
	h.len = 0;
	h.type = 99;
	cr_assert_eq(raw(&h, sizeof h, &r), -1);
	cr_assert_eq(lab_drops(0, DROP_IPC_MALFORMED), 4);
	cl_pair(&a, &b); /* and it works as before */
}

Test(engine, half_a_request_waits_for_the_rest)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_ERROR,
	    .handle = 5};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct proto_reply r;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, lab[0].path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	cr_assert_eq(send(fd, &h, 7, 0), 7);
	(void)lab_conns(0); /* a turn goes by */
	cr_assert_eq(
	    send(fd, (char *)&h + 7, sizeof h - 7, 0), (ssize_t)sizeof h - 7);
	cr_assert_eq(recv(fd, &r, sizeof r, MSG_WAITALL), (ssize_t)sizeof r);
	cr_assert_eq(r.err, EBADF);
}

Test(engine, another_user_needs_the_descriptor)
{
	struct proto_opt o = {IPPROTO_TCP, TCP_NODELAY, 4, 0};
	struct cl a, l = cl_socket();
	struct sockaddr_un sun;
	struct proto_peer peer;
	socklen_t sl = sizeof sun;
	uint8_t out[64];
	size_t len;
	int b, status, port;
	pid_t pid;

	if (getuid() != 0)
		cr_skip_test("needs root for a second user");
	port = cl_listen(&l, 1, 0, 16);
	a = cl_socket();
	cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
	b = cl_accept(&l);
	cr_assert_eq(getpeername(b, (struct sockaddr *)&sun, &sl), 0);
	memcpy(&peer, sun.sun_path, sizeof peer);
	pid = fork();
	if (pid == 0) {
		int e[3];

		if (setresuid(1234, 1234, 1234) != 0)
			_exit(99);
		/* The listener, too. */
		e[0] = cl_request(
		    1, PROTO_GETSOCKNAME, l.handle, NULL, 0, -1, out, &len);
		e[1] = cl_request(
		    1, PROTO_GETSOCKNAME, l.handle, NULL, 0, a.fd, out, &len);
		e[2] = cl_request(
		    1, PROTO_GETSOCKNAME, l.handle, NULL, 0, l.fd, out, &len);
		if (e[0] != EACCES || e[1] != EACCES || e[2] != 0)
			_exit(2);
		e[0] = cl_request(
		    1, PROTO_GETOPT, peer.handle, &o, sizeof o, -1, out, &len);
		e[1] = cl_request(1, PROTO_GETOPT, peer.handle, &o, sizeof o,
		    a.fd, out, &len);
		e[2] = cl_request(
		    1, PROTO_GETOPT, peer.handle, &o, sizeof o, b, out, &len);
		_exit(e[0] == EACCES && e[1] == EACCES && e[2] == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 99)
		cr_skip_test("cannot become another user here");
	cr_assert_eq(status, 0);
}

Test(engine, shut_rd_lets_the_peer_go_on)
{
	static char buf[1 << 16];
	struct cl a;
	size_t i;
	int b;

	cl_pair(&a, &b);
	shutdown(b, SHUT_RD);
	for (i = 0; i < 256; i++) /* more than all buffers hold */
		cr_assert(cl_write(a.fd, buf, sizeof buf));
	cr_assert(cl_write(b, "ok", 2));
	cr_assert_eq(cl_read(a.fd, buf, 2), 2);
	close(b);
	close(a.fd);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert(lab_until(lab_conns, 1, 0, 1000));
}

Test(engine, shut_both_ways_is_a_clean_end)
{
	struct cl a;
	char c;
	int b;

	cl_pair(&a, &b);
	cr_assert(cl_write(a.fd, "x", 1));
	shutdown(a.fd, SHUT_RDWR);
	cr_assert_eq(cl_read(b, &c, 1), 1);
	cr_assert_eq(cl_read(b, &c, 1), 0);
	close(b);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert_eq(cl_read(a.fd, &c, 1), 0);
}

static void
hurry(struct engine *e, void *arg)
{
	e->visit_us = 20000;
}

static size_t
silent_clients(int i)
{
	return (size_t)lab_drops(i, DROP_IPC_LIMIT);
}

Test(engine, silent_clients_are_dropped)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	lab_on(0, hurry, NULL);
	strcpy(sun.sun_path, lab[0].path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	cr_assert_eq(send(fd, "tc", 2, 0), 2);
	cr_assert(lab_until(silent_clients, 0, 1, 2000));
	cr_assert_leq(read(fd, &c, 1), 0);
}

static void
get_turns(struct engine *e, void *arg)
{
	*(uint64_t *)arg = e->turn;
}

/* A child dials n times; the number of connections that came up. */
static int
dial_many(int n, uint16_t port)
{
	int i, status, up = 0;
	pid_t pid = fork();

	if (pid == 0) {
		for (i = 0; i < n; i++) {
			struct cl a = cl_socket();

			up += cl_connect(&a, 0, LAB_ADDR(1), port) == 0;
		}
		_exit(up);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

Test(engine, out_of_descriptors_refuses_and_recovers)
{
	struct cl l = cl_socket();
	int port = cl_listen(&l, 1, 0, 64), used, up;
	struct rlimit was, few;
	uint64_t before, after;

	cr_assert_eq(dial_many(20, (uint16_t)port), 20);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	used = dup(0);
	close(used);
	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = (rlim_t)used + 12;
	lab_on(0, get_turns, &before);
	setrlimit(RLIMIT_NOFILE, &few);
	up = dial_many(20, (uint16_t)port);
	setrlimit(RLIMIT_NOFILE, &was);
	lab_on(0, get_turns, &after);
	cr_assert_lt(up, 20);
	cr_assert_lt(after - before, 20000, "it spins");
	cr_assert(lab_until(lab_conns, 0, 0, 2000));
	/* What overflowed in the accept queue goes first. */
	while (cl_poll(l.fd) & POLLIN)
		close(cl_accept(&l));
	cr_assert_eq(dial_many(20, (uint16_t)port), 20);
}

/* A socket of the kernel's whose last close() waits for its peer, *peer. */
static int
lingerer(int *peer)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger wait = {1, 60};
	static char junk[1 << 20];
	socklen_t len = sizeof sin;
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(l, (struct sockaddr *)&sin, len) < 0 || listen(l, 1) < 0 ||
	    getsockname(l, (struct sockaddr *)&sin, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&sin, len) < 0)
		cr_skip_test("no loopback");
	*peer = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	close(l);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, junk, sizeof junk) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof wait);
	return fd;
}

Test(engine, nobody_waits_for_a_strangers_descriptor)
{
	struct proto_name name = {.family = AF_INET};
	struct cl l = cl_socket();
	uint8_t out[64];
	size_t len;
	int peer, status, go[2], fd = lingerer(&peer);
	char c;

	/* The engine's is the last copy of it: ours goes before the child
	 * asks, and a process that exits does not wait. */
	cr_assert_eq(pipe(go), 0);
	if (fork() == 0) {
		close(peer);
		close(go[1]);
		if (read(go[0], &c, 1) != 0)
			_exit(2);
		_exit(cl_request(0, PROTO_BIND, 1, &name, sizeof name, fd, out,
			  &len) == EPERM
			  ? 0
			  : 1);
	}
	close(fd);
	close(go[0]);
	close(go[1]);
	cr_assert(wait(&status) > 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, 1, NULL, 0, -1, out, &len), EBADF);
	cr_assert_eq(lab_drops(0, DROP_IPC_MALFORMED), 1);
	cr_assert_gt(cl_listen(&l, 0, 0, 1), 0);
	close(peer);
}

Test(engine, descriptors_come_only_when_asked_for)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_ERROR};
	struct iovec iov = {&h, sizeof h};
	struct cl a;
	int b, s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (setsockopt(s, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &on, sizeof on) <
	    0)
		cr_skip_test("this kernel cannot refuse descriptors");
	cr_assert_eq(cl_dial(s, 0), 0);
	cr_assert_lt(cl_send_fd(s, &iov, 1, s), 0);
	cr_assert_eq(errno, EPERM);
	cl_pair(&a, &b);
	cr_assert_lt(cl_send_fd(a.fd, &iov, 1, s), 0);
	cr_assert_eq(errno, EPERM);
	cr_assert_lt(cl_send_fd(b, &iov, 1, s), 0);
	cr_assert_eq(errno, EPERM);
}

Test(engine, stop_is_never_silent)
{
	struct cl a;
	char buf[8];
	int b;

	cl_pair(&a, &b);
	cr_assert(cl_write(a.fd, "tail", 4));
	lab_stop(0);
	cr_assert(cl_wait(a.fd, POLLHUP, 2000));
	cr_assert_eq(cl_read(a.fd, buf, 1), -ECONNRESET);
	cr_assert_eq(cl_read(b, buf, 8), 4); /* then FIN */
	cr_assert_arr_eq(buf, "tail", 4);
}
