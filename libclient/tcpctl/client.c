/* SPDX-License-Identifier: ISC */
/*
 * The connection to the daemon's control socket: see client.h and
 * tcpd/control.h.  The daemon is trusted to mean well, not to be of this
 * build: versions, sizes and kinds are checked.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "names.h"

static _Alignas(16) char buf[sizeof(struct ctl_head) + CTL_DATA_MAX];

int
client_open(const char *path, char *why, size_t whylen)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const char *cure;
	int fd, e;

	if (strlen(path) >= sizeof sun.sun_path) {
		snprintf(why, whylen, "%s: the path is too long", path);
		return -1;
	}
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&sun, sizeof sun) == 0)
		return fd;
	e = errno;
	if (fd != -1)
		close(fd);
	cure = e == EACCES ? "only root and the control_group of tcpd.conf may"
	       : e == ENOENT || e == ECONNREFUSED
		   ? "is tcpd running? -s names another control socket"
	       : e == EPROTOTYPE
		   ? "that is not a control socket; is it the clients' socket?"
		   : "-s names another control socket";
	snprintf(why, whylen, "cannot reach tcpd at %s: %s; %s", path,
	    strerror(e), cure);
	return -1;
}

static int
send_query(int fd, const struct ctl_query *q)
{
	struct {
		struct ctl_head h;
		struct ctl_query q;
	} m = {{.magic = CTL_MAGIC,
		   .version = CTL_VERSION,
		   .type = CTL_QUERY,
		   .len = sizeof *q,
		   .id = 1},
	    *q};

	return send(fd, &m, sizeof m, MSG_NOSIGNAL) == sizeof m ? 0 : -1;
}

/* One record; its payload's length, or -1. */
static int
receive(int fd, struct ctl_head *h, char *why, size_t whylen)
{
	ssize_t n;

	do
		n = recv(fd, buf, sizeof buf, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0) {
		snprintf(why, whylen,
		    "tcpd ended the connection%s%s; is it "
		    "stopping, or are there too many of us?",
		    n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
		return -1;
	}
	if ((size_t)n >= sizeof *h)
		memcpy(h, buf, sizeof *h);
	if ((size_t)n < sizeof *h || h->magic != CTL_MAGIC) {
		snprintf(why, whylen, "what answers there is not tcpd");
		return -1;
	}
	if (h->version != CTL_VERSION) {
		snprintf(why, whylen,
		    "tcpd speaks version %u of the control protocol, this "
		    "tcpctl version %u; use both from one build",
		    h->version, CTL_VERSION);
		return -1;
	}
	if (h->len != (size_t)n - sizeof *h) {
		snprintf(why, whylen, "a damaged answer from tcpd");
		return -1;
	}
	return (int)h->len;
}

/* The rows of one message; false: damaged. */
static bool
take_rows(const struct ctl_query *q, int len, client_row_fn *row, void *arg)
{
	const char *p = buf + sizeof(struct ctl_head);
	uint32_t size = ctl_row_size(q->what);
	struct ctl_rows h;

	if ((size_t)len < sizeof h)
		return false;
	memcpy(&h, p, sizeof h);
	if (h.what != q->what || size == 0 || h.row_size != size ||
	    (uint64_t)h.nrows * size != (size_t)len - sizeof h)
		return false;
	scope_name(h.ifname);
	for (uint32_t i = 0; i < h.nrows; i++)
		row(arg, p + sizeof h + (size_t)i * size);
	return true;
}

int
client_query(int fd, const struct ctl_query *q, client_row_fn *row, void *arg,
    char *why, size_t whylen)
{
	struct ctl_head h;
	struct ctl_end end;
	int len;

	/* A send that fails: the daemon may have said why before it left. */
	send_query(fd, q);
	for (;;) {
		if ((len = receive(fd, &h, why, whylen)) == -1)
			return -1;
		if (h.type == CTL_ROWS && take_rows(q, len, row, arg))
			continue;
		if (h.type == CTL_END && (size_t)len == sizeof end)
			break;
		snprintf(why, whylen, "a damaged answer from tcpd");
		return -1;
	}
	memcpy(&end, buf + sizeof h, sizeof end);
	end.text[sizeof end.text - 1] = '\0';
	if (end.err == 0)
		return 0;
	snprintf(why, whylen, "%s",
	    end.text[0] != '\0' ? end.text : strerror(end.err));
	return -1;
}
