/* SPDX-License-Identifier: ISC */
/*
 * The engine end to end, without shim and device: what a program sees on its
 * descriptor must be what a kernel's TCP socket shows.
 */
#include "config.h"

#include <sys/ioctl.h>
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

Test(engine, bulk_both_ways_arrives_intact)
{
	struct cl_bulk k[4];
	pthread_t t[4];
	struct cl a;
	int b, i;

	cl_pair(&a, &b);
	for (i = 0; i < 4; i++)
		k[i] = (struct cl_bulk){i & 1 ? b : a.fd, 24 << 20, false};
	pthread_create(&t[0], NULL, cl_bulk_write, &k[0]);
	pthread_create(&t[1], NULL, cl_bulk_read, &k[1]);
	pthread_create(&t[2], NULL, cl_bulk_read, &k[2]);
	pthread_create(&t[3], NULL, cl_bulk_write, &k[3]);
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

Test(engine, full_buffers_hold_back_and_go_on)
{
	struct cl a;
	size_t sent;
	int b;

	cl_pair(&a, &b);
	sent = cl_fill(a.fd);
	cr_assert_gt(sent, 1 << 20);
	cr_assert_lt(sent, 16 << 20);
	shutdown(a.fd, SHUT_WR);
	cr_assert_eq(cl_drain(b), sent);
}

Test(engine, program_that_leaves_with_full_buffers_is_drained)
{
	struct cl a;
	size_t sent;
	int b;

	cl_pair(&a, &b);
	sent = cl_fill(a.fd);
	close(a.fd);
	/* Before its peer has read anything. */
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	cr_assert_eq(cl_drain(b), sent);
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

/* Nobody waits for it, and yet who asks afterwards finds it so: each time, with
 * the connection's own hello just before. */
Test(engine, what_is_told_is_known_to_who_asks)
{
	struct proto_opt o = {IPPROTO_TCP, TCP_NODELAY, 4, 0};
	uint8_t opt[sizeof o + 4], out[64];
	struct cl l = cl_socket(), a;
	int port = cl_listen(&l, 1, 0, 64), i, on, val;
	size_t len;

	for (i = 0; i < 50; i++) {
		a = cl_socket();
		on = 1;
		cr_assert_eq(cl_start(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
		do {
			memcpy(opt, &o, sizeof o);
			memcpy(opt + sizeof o, &on, 4);
			cr_assert_eq(cl_tell(0, a.handle, opt, sizeof opt), 0);
			cr_assert_eq(cl_request(0, PROTO_GETOPT, a.handle, &o,
					 sizeof o, -1, out, &len),
			    0);
			memcpy(&val, out + sizeof o, 4);
			cr_assert_eq(val, on, "the %d. connection", i);
		} while (on-- > 0);
		close(a.fd);
	}
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

static void
poll_busily(struct engine *e, void *max_us)
{
	busypoll_configure(
	    &e->busypoll, &(struct busypoll_config){
			      .max_us = *(uint32_t *)max_us, .share = 100});
}

static void
looks(struct engine *e, void *out)
{
	*(struct busypoll_stats *)out = e->busypoll.stats;
}

/* Rounds of a byte each way until something was found by looking for it. */
static bool
finds_by_looking(int a, int b, int rounds)
{
	struct busypoll_stats before, now;
	char c;

	lab_on(1, looks, &before);
	do {
		if (!cl_write(a, "a", 1) || cl_read(b, &c, 1) != 1 ||
		    !cl_write(b, "b", 1) || cl_read(a, &c, 1) != 1)
			return false;
		lab_on(1, looks, &now);
	} while (now.found == before.found && --rounds > 0);
	return now.found != before.found;
}

Test(engine, busy_polling)
{
	uint32_t on = BUSYPOLL_MAX_US, off = 0;
	struct cl a;
	int b;

	cl_pair(&a, &b);
	cr_assert_not(finds_by_looking(a.fd, b, 50), "off by default here");
	lab_on(1, poll_busily, &on);
	cr_assert(finds_by_looking(a.fd, b, 5000));
	lab_on(1, poll_busily, &off);
	cr_assert_not(finds_by_looking(a.fd, b, 50));
	close(a.fd);
	close(b);
}
