/* SPDX-License-Identifier: ISC */
/*
 * What the engine's users may have, and what happens at each limit.
 */
#include "config.h"

#include <sys/socket.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include "tests/unit/engine_lab.h"

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
	struct cl_bulk k[2];
	pthread_t t[2];
	struct cl a;
	int b, i;

	cl_pair(&a, &b);
	k[0] = (struct cl_bulk){a.fd, 16 << 20, false};
	k[1] = (struct cl_bulk){b, 16 << 20, false};
	pthread_create(&t[0], NULL, cl_bulk_write, &k[0]);
	pthread_create(&t[1], NULL, cl_bulk_read, &k[1]);
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
	cl_fill(a[0].fd);
	cl_fill(a[1].fd);
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
