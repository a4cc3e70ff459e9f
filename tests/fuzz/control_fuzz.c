/* SPDX-License-Identifier: ISC */
/*
 * The frontend between a hostile tcpctl and a hostile engine, over real
 * sockets; configuration messages and configuration files on the side.
 *
 * An input is a sequence of steps: a byte of kind, two bytes of length (big end
 * first) and a body of that length:
 *
 *	ASKER	a record of the control socket as it is
 *	QUERY	the same, with a right head before the body
 *	ENGINE	a record of the engine as it is
 *	ROWS	an EM_ROWS with a right head and the id of the page under way
 *	END	an EM_END, likewise
 *	LEAVE	the tcpctl closes; the next step has a new one
 *	CONF	a configuration message: its type, then its payload
 *	FILE	a configuration file
 *
 * Whatever comes, nothing crashes, spins or leaks, and answers are bounded.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "proc/conf.h"
#include "proc/control.h"
#include "proc/log.h"
#include "proc/page.h"
#include "proc/proc.h"

#define MAX_STEPS 200

enum {
	KIND_ASKER,
	KIND_QUERY,
	KIND_ENGINE,
	KIND_ROWS,
	KIND_END,
	KIND_LEAVE,
	KIND_CONF,
	KIND_FILE,
	NKINDS
};

static struct {
	struct event_base *eb;
	struct control_env env;
	struct control *control;
	struct conf *conf;
	struct proto_policy policy;
	struct confrx rx;
	int asker, engine, parent; /* the hostile ends */
	uint32_t page;		   /* the last one that was asked for */
	struct sockaddr_un addr;
	socklen_t addrlen;
} f;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ignore_line(void *arg, const char *line)
{
}

static struct conf *
load(const void *text, size_t len)
{
	char path[64];
	struct conf *c = NULL;
	int fd = memfd_create("conf", MFD_CLOEXEC);

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (write(fd, text, len) == (ssize_t)len)
		c = conf_load(path, ignore_line, NULL);
	close(fd);
	return c;
}

/* ---- the honest ends ---- */

static bool
engine_input(void *arg, struct msg *m)
{
	return f.control != NULL && control_engine(f.control, m);
}

static void
engine_closed(void *arg, int error)
{
	msgchan_free(f.env.engine);
	f.env.engine = NULL;
	control_engine_gone(f.control);
}

static bool
parent_input(void *arg, struct msg *m)
{
	return false;
}

static void
parent_closed(void *arg, int error)
{
}

static const struct msgchan_ops engine_ops = {.input = engine_input,
    .closed = engine_closed};
static const struct msgchan_ops parent_ops = {.input = parent_input,
    .closed = parent_closed};

static struct msgchan *
join(int *hostile, const struct msgchan_ops *ops)
{
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		  0, sv) == 0);
	*hostile = sv[0];
	return msgchan_new(f.eb, sv[1], &msgchan_internal, ops, NULL);
}

static void
set_up(void)
{
	static const char text[] =
	    "device tap { host_address = \"192.0.2.1/24\" }\n"
	    "address = \"192.0.2.2/24\"\n"
	    "route \"0.0.0.0/0\" { via = \"192.0.2.1\" }\n";
	struct page_source from = {.conf = NULL};
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memset(&f, 0, sizeof f);
	f.asker = -1;
	f.eb = event_base_new();
	f.conf = load(text, sizeof text - 1);
	CHECK(f.conf != NULL);
	from.conf = f.conf;
	CHECK(page_rules(&f.policy, &from, 1) == 0);
	f.addr.sun_family = AF_UNIX;
	f.addrlen = sizeof f.addr;
	CHECK(bind(fd, (struct sockaddr *)&f.addr, sizeof(sa_family_t)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&f.addr, &f.addrlen) == 0);
	CHECK(listen(fd, 16) == 0);
	f.env = (struct control_env){.conf = f.conf, .policy = &f.policy};
	f.env.engine = join(&f.engine, &engine_ops);
	f.env.parent = join(&f.parent, &parent_ops);
	f.control = control_new(f.eb, fd, &f.env);
	CHECK(f.control != NULL);
}

/* Reads what came out at the hostile ends; notes the page asked for. */
static void
drain(void)
{
	static char buf[sizeof(struct msg_head) + MSG_DATA_MAX];
	struct msg_head h;
	ssize_t n;

	while ((n = recv(f.engine, buf, sizeof buf, 0)) >= (ssize_t)sizeof h) {
		memcpy(&h, buf, sizeof h);
		if (h.type == FM_QUERY)
			f.page = h.id;
	}
	while (recv(f.parent, buf, sizeof buf, 0) > 0)
		;
	while (f.asker != -1 && recv(f.asker, buf, sizeof buf, 0) > 0)
		;
}

static void
settle(void)
{
	for (int i = 0; i < 6; i++) {
		event_base_loop(f.eb, EVLOOP_NONBLOCK);
		drain();
	}
}

static void
tear_down(void)
{
	if (f.asker != -1)
		close(f.asker);
	settle();
	control_free(f.control);
	msgchan_free(f.env.engine);
	msgchan_free(f.env.parent);
	close(f.engine);
	close(f.parent);
	conf_free(f.rx.building);
	conf_free(f.conf);
	event_base_free(f.eb);
}

/* ---- steps ---- */

static int
asker(void)
{
	if (f.asker == -1) {
		f.asker = socket(
		    AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		CHECK(connect(f.asker, (struct sockaddr *)&f.addr, f.addrlen) ==
		      0);
	}
	return f.asker;
}

static void
framed(int fd, uint32_t magic, uint16_t type, uint32_t id, const void *body,
    size_t len)
{
	static char buf[sizeof(struct msg_head) + 65536];
	struct msg_head h = {.magic = magic,
	    .version = 1,
	    .type = type,
	    .len = (uint32_t)len,
	    .id = id};

	memcpy(buf, &h, sizeof h);
	memcpy(buf + sizeof h, body, len);
	send(fd, buf, sizeof h + len, MSG_NOSIGNAL);
}

static void
conf_message(const uint8_t *body, size_t len)
{
	struct msg m = {.nfds = 0};
	struct conf *done;
	void *copy;

	if (len == 0 || (copy = malloc(len)) == NULL)
		return;
	memcpy(copy, body + 1, len - 1); /* aligned, and exactly as long */
	m.type = PM_CONF + body[0] % 5;
	m.data = copy;
	m.len = (uint32_t)len - 1;
	if (confrx_input(&f.rx, &m, &done) == 1)
		conf_free(done);
	free(copy);
}

static void
step(unsigned kind, const uint8_t *body, size_t len)
{
	const uint32_t internal = msgchan_internal.magic;

	switch (kind) {
	case KIND_ASKER:
		send(asker(), body, len, MSG_NOSIGNAL);
		break;
	case KIND_QUERY:
		framed(asker(), CTL_MAGIC, CTL_QUERY, 1, body, len);
		break;
	case KIND_ENGINE:
		send(f.engine, body, len, MSG_NOSIGNAL);
		break;
	case KIND_ROWS:
		framed(f.engine, internal, EM_ROWS, f.page, body, len);
		break;
	case KIND_END:
		framed(f.engine, internal, EM_END, f.page, body, len);
		break;
	case KIND_LEAVE:
		if (f.asker != -1)
			close(f.asker);
		f.asker = -1;
		break;
	case KIND_CONF:
		conf_message(body, len);
		break;
	default:
		conf_free(load(body, len));
		break;
	}
	settle();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_show(LOG_LVL_ERROR);
	set_up();
	for (int i = 0; i < MAX_STEPS && size >= 3; i++) {
		size_t len = (size_t)data[1] << 8 | data[2];

		if (len > size - 3)
			len = size - 3;
		step(data[0] % NKINDS, data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	tear_down();
	return 0;
}
