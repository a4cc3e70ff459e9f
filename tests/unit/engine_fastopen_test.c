/* SPDX-License-Identifier: ISC */
/*
 * TCP Fast Open (RFC 7413) as a client of the engine sees it.
 */
#include "config.h"

#include <sys/socket.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/engine_lab.h"

TestSuite(engine_fastopen, .init = lab_up, .fini = lab_down, .timeout = 60);

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
Test(engine_fastopen, fast_open)
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
Test(engine_fastopen, fast_open_that_waits)
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
Test(engine_fastopen, fast_open_refused)
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

Test(engine_fastopen, fast_open_malformed)
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
