/* SPDX-License-Identifier: ISC */
/*
 * Typed messages over real socket pairs: what is promised, and what a hostile
 * other side gets.
 */
#include "config.h"

#include <sys/socket.h>

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "ipc/msg.h"

static struct event_base *eb;

struct end {
	struct msgchan *ch;
	unsigned got, closed, drained, refuse_at;
	uint32_t next; /* expected number in the payload */
	int error, fd;
	bool free_in_input, free_in_closed, keep_fd;
};

static bool
input(void *arg, struct msg *m)
{
	struct end *e = arg;
	uint32_t n;

	e->got++;
	if (m->type == 1) {
		cr_assert(m->len >= sizeof n);
		memcpy(&n, m->data, sizeof n);
		cr_assert_eq(n, e->next++);
	}
	if (e->keep_fd)
		e->fd = msg_take_fd(m, 0);
	if (e->free_in_input) {
		msgchan_free(e->ch);
		e->ch = NULL;
	}
	return e->refuse_at == 0 || e->got != e->refuse_at;
}

static void
closed(void *arg, int error)
{
	struct end *e = arg;

	e->closed++;
	e->error = error;
	if (e->free_in_closed) {
		msgchan_free(e->ch);
		e->ch = NULL;
	}
}

static void
drained(void *arg)
{
	struct end *e = arg;

	e->drained++;
}

static const struct msgchan_ops ops = {.input = input,
    .closed = closed,
    .drained = drained};
static const struct msgchan_config cfg = {.magic = 0x31323334,
    .version = 7,
    .fds_max = 2};

/* Runs the loop until nothing is left to do. */
static void
settle(void)
{
	for (int i = 0; i < 10000; i++)
		event_base_loop(eb, EVLOOP_NONBLOCK);
}

static void
until_idle(const struct end *e, unsigned want)
{
	for (int i = 0; i < 1000000 && e->got < want; i++)
		event_base_loop(eb, EVLOOP_NONBLOCK);
}

static unsigned
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
pair(int sv[2])
{
	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
}

static void
join(struct end *a, struct end *b)
{
	int sv[2];

	pair(sv);
	memset(a, 0, sizeof *a);
	memset(b, 0, sizeof *b);
	a->ch = msgchan_new(eb, sv[0], &cfg, &ops, a);
	b->ch = msgchan_new(eb, sv[1], &cfg, &ops, b);
	cr_assert(a->ch != NULL && b->ch != NULL);
}

static void
set_up(void)
{
	eb = event_base_new();
	cr_assert(eb != NULL);
}

static void
tear_down(void)
{
	event_base_free(eb);
}

TestSuite(msg, .init = set_up, .fini = tear_down);

Test(msg, arrives_in_order_with_descriptors)
{
	struct end a, b;
	unsigned before;
	int p[2];
	char c;

	join(&a, &b);
	b.keep_fd = true;
	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(
		    msgchan_send(a.ch, 1, i, &i, sizeof i, NULL, 0), 0);
	cr_assert_eq(msgchan_send(a.ch, 2, 0, NULL, 0, &p[1], 1), 0);
	settle();
	cr_assert_eq(b.got, 11);
	cr_assert_neq(b.fd, -1);
	cr_assert_eq(write(b.fd, "x", 1), 1);
	cr_assert_eq(read(p[0], &c, 1), 1);
	close(b.fd);
	/* Descriptors that nobody takes are closed. */
	b.keep_fd = false;
	before = open_fds();
	cr_assert_eq(msgchan_send(a.ch, 2, 0, NULL, 0, p, 2), 0);
	settle();
	cr_assert_eq(b.got, 12);
	cr_assert_eq(open_fds(), before);
	close(p[0]);
	close(p[1]);
	msgchan_free(a.ch);
	msgchan_free(b.ch);
}

Test(msg, queue_is_bounded_and_drains)
{
	static uint32_t big[2000];
	struct end a, b;
	uint32_t n = 0;
	int rc, p[2];

	join(&a, &b);
	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	b.keep_fd = false;
	msgchan_pause(b.ch, true);
	for (;; n++) {
		big[0] = n;
		rc = msgchan_send(a.ch, 1, 0, big, sizeof big, p, n % 3 == 0);
		if (rc != 0)
			break;
		cr_assert_lt(n, 10000);
	}
	cr_assert_eq(rc, -EAGAIN);
	cr_assert(msgchan_queued(a.ch) > 0 && msgchan_queued(a.ch) <= 1u << 20);
	msgchan_pause(b.ch, false);
	until_idle(&b, n);
	settle();
	cr_assert_eq(b.got, n);
	cr_assert_eq(a.drained, 1);
	cr_assert_eq(msgchan_queued(a.ch), 0);
	cr_assert_eq(msgchan_send(a.ch, 2, 0, big, MSG_DATA_MAX + 1, NULL, 0),
	    -EMSGSIZE);
	close(p[0]);
	close(p[1]);
	msgchan_free(a.ch);
	msgchan_free(b.ch);
}

Test(msg, what_was_sent_before_the_end_arrives)
{
	struct end a, b;

	join(&a, &b);
	for (uint32_t i = 0; i < 100; i++)
		cr_assert_eq(
		    msgchan_send(a.ch, 1, 0, &i, sizeof i, NULL, 0), 0);
	msgchan_free(a.ch);
	settle();
	cr_assert_eq(b.got, 100);
	cr_assert_eq(b.closed, 1);
	cr_assert_eq(b.error, 0);
	cr_assert_eq(msgchan_send(b.ch, 1, 0, NULL, 0, NULL, 0), -EPIPE);
	msgchan_free(b.ch);
}

Test(msg, may_be_freed_in_any_callback)
{
	struct end a, b;
	uint32_t n = 0;

	join(&a, &b);
	b.free_in_input = true;
	msgchan_send(a.ch, 2, 0, &n, sizeof n, NULL, 0);
	msgchan_send(a.ch, 2, 0, &n, sizeof n, NULL, 0);
	a.free_in_closed = true;
	settle();
	cr_assert_eq(b.got, 1);
	cr_assert_null(b.ch);
	cr_assert_eq(a.closed, 1);
	cr_assert_null(a.ch);
}

Test(msg, a_refused_message_ends_the_channel)
{
	struct end a, b;
	uint64_t before = msgchan_malformed();

	join(&a, &b);
	b.refuse_at = 2;
	for (int i = 0; i < 5; i++)
		msgchan_send(a.ch, 2, 0, NULL, 0, NULL, 0);
	settle();
	cr_assert_eq(b.got, 2);
	cr_assert_eq(b.closed, 1);
	cr_assert_eq(b.error, -EPROTO);
	cr_assert_eq(msgchan_malformed(), before + 1);
	msgchan_free(a.ch);
	msgchan_free(b.ch);
}

/* Raw records from a hostile sender: each ends the channel. */
static const struct hostile {
	const char *what;
	uint32_t magic, len;
	uint16_t version;
	size_t bytes; /* of the record */
	unsigned fds;
	int error;
} hostiles[] = {
    {"an empty record is the end", 0, 0, 0, 0, 0, 0},
    {"one byte", 0x31323334, 0, 7, 1, 0, -EPROTO},
    {"a head cut short", 0x31323334, 0, 7, 15, 0, -EPROTO},
    {"wrong magic", 0x31323335, 0, 7, 16, 0, -EPROTO},
    {"another version", 0x31323334, 0, 8, 16, 0, -EPROTO},
    {"a length that promises more", 0x31323334, 1, 7, 16, 0, -EPROTO},
    {"a length that hides bytes", 0x31323334, 0, 7, 17, 0, -EPROTO},
    {"a huge length", 0x31323334, UINT32_MAX, 7, 32, 0, -EPROTO},
    {"a record longer than any", 0x31323334, MSG_DATA_MAX + 1, 7,
	16 + MSG_DATA_MAX + 1, 0, -EPROTO},
    {"more descriptors than allowed", 0x31323334, 0, 7, 16, 3, -EPROTO},
    {"more descriptors than fit", 0x31323334, 0, 7, 16, 60, -EPROTO},
};

static void
send_raw(int fd, const struct hostile *h)
{
	static union {
		struct msg_head h;
		char bytes[sizeof(struct msg_head) + MSG_DATA_MAX + 64];
	} rec;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 64)];
	} ctl;
	struct iovec iov = {&rec, h->bytes};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;

	memset(&rec, 0, sizeof rec);
	memset(&ctl, 0, sizeof ctl);
	rec.h = (struct msg_head){
	    .magic = h->magic, .version = h->version, .type = 2, .len = h->len};
	if (h->fds > 0) {
		mh.msg_control = ctl.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * h->fds);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * h->fds);
		for (unsigned i = 0; i < h->fds; i++)
			memcpy(CMSG_DATA(cm) + i * sizeof fd, &fd, sizeof fd);
	}
	cr_assert_eq(sendmsg(fd, &mh, 0), (ssize_t)h->bytes, "%s", h->what);
}

Test(msg, hostile_records_end_the_channel_and_are_counted)
{
	for (size_t i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++) {
		const struct hostile *h = &hostiles[i];
		uint64_t before = msgchan_malformed();
		struct end b = {0};
		unsigned fds;
		int sv[2];

		pair(sv);
		b.ch = msgchan_new(eb, sv[1], &cfg, &ops, &b);
		fds = open_fds();
		send_raw(sv[0], h);
		settle();
		cr_assert_eq(b.got, 0, "%s", h->what);
		cr_assert_eq(b.closed, 1, "%s", h->what);
		cr_assert_eq(b.error, h->error, "%s: %d", h->what, b.error);
		cr_assert_eq(
		    msgchan_malformed() - before, h->error != 0, "%s", h->what);
		cr_assert_eq(open_fds(), fds, "%s", h->what);
		msgchan_free(b.ch);
		close(sv[0]);
	}
}

Test(msg, another_version_is_told_ours)
{
	struct msg_head h;
	struct end b = {0};
	int sv[2];

	pair(sv);
	b.ch = msgchan_new(eb, sv[1], &cfg, &ops, &b);
	send_raw(sv[0], &hostiles[4]);
	settle();
	cr_assert_eq(recv(sv[0], &h, sizeof h, MSG_DONTWAIT), sizeof h);
	cr_assert_eq(h.version, 7);
	cr_assert_eq(h.type, 0);
	msgchan_free(b.ch);
	close(sv[0]);
}

Test(msg, getters_want_exact_sizes)
{
	uint32_t data[5] = {1, 2, 3, 4, 5}, one, head;
	struct msg m = {.len = 4, .data = data};
	const void *rows;

	cr_assert(MSG_GET(&m, &one));
	m.len = 5;
	cr_assert_not(MSG_GET(&m, &one));
	m.len = 3;
	cr_assert_not(MSG_GET(&m, &one));
	cr_assert_eq(msg_rows(&m, &head, sizeof head, 8, &rows), -1);
	m.len = 20;
	cr_assert_eq(msg_rows(&m, &head, sizeof head, 8, &rows), 2);
	cr_assert_eq(rows, &data[1]);
	m.len = 16;
	cr_assert_eq(msg_rows(&m, &head, sizeof head, 8, &rows), -1);
	m.len = 4;
	cr_assert_eq(msg_rows(&m, &head, sizeof head, 8, &rows), 0);
	cr_assert_eq(msg_take_fd(&m, 0), -1);
}
