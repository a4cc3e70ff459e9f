/* SPDX-License-Identifier: ISC */
/*
 * The other side, always on the kernel's TCP: one connection at a time, a
 * command a line, an answer a line, at an AF_UNIX socket.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "cases.h"

/* One connection at a time; a command a line, an answer a line. */
static int p_conn = -1, p_listen = -1;
/* A listener whose queue is full, and what fills it. */
static int p_mute = -1, p_mute_filler = -1;

int
name_port(int fd)
{
	union name sin;
	socklen_t len = name_len();

	if (getsockname(fd, &sin.sa, &len) != 0)
		return -1;
	return ntohs(sin.port);
}

static int
read_full(int fd, char *buf, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read(fd, buf + got, n - got);
		if (r <= 0)
			return r < 0 ? -1 : (int)got;
		got += (size_t)r;
	}
	return (int)got;
}

static void
p_pattern(int fd, long n, FILE *out)
{
	static char buf[65536];
	long done = 0;
	size_t k;

	while (done < n) {
		k = n - done < (long)sizeof buf ? (size_t)(n - done)
						: sizeof buf;
		for (size_t i = 0; i < k; i++)
			buf[i] = (char)((done + (long)i) * 7 >> 3);
		for (size_t at = 0; at < k;) {
			ssize_t r = send(fd, buf + at, k - at, MSG_NOSIGNAL);
			if (r <= 0) {
				fprintf(
				    out, "err %s\n", strerrorname_np(errno));
				return;
			}
			at += (size_t)r;
		}
		done += (long)k;
	}
	fprintf(out, "ok\n");
}

static void
p_end(FILE *out)
{
	static char buf[65536];
	long total = 0;
	unsigned sum = 0;
	ssize_t r;

	while ((r = read(p_conn, buf, sizeof buf)) > 0) {
		for (ssize_t i = 0; i < r; i++)
			sum = sum * 31 + (unsigned char)buf[i];
		total += r;
	}
	fprintf(out, "%s after %ld sum %08x\n",
	    r == 0 ? "EOF" : strerrorname_np(errno), total, sum);
}

/* What is before the mark, the byte there, and what comes behind. */
static void
p_oob(FILE *out)
{
	struct pollfd p = {p_conn, POLLPRI, 0};
	char urg = '-', buf[64];
	int mark = -1, before, after;

	poll(&p, 1, PATIENCE_S * 1000);
	recv(p_conn, &urg, 1, MSG_OOB);
	before = (int)recv(p_conn, buf, sizeof buf, 0);
	ioctl(p_conn, SIOCATMARK, &mark);
	after = (int)recv(p_conn, buf, sizeof buf, 0);
	fprintf(out, "%d '%c' mark %d, %d\n", before, urg, mark, after);
}

static void
p_connect(int port, FILE *out)
{
	union name sin = addr(SUBJECT, port);

	p_conn = socket(family, SOCK_STREAM, 0);
	bounded(p_conn);
	if (connect(p_conn, &sin.sa, name_len()) != 0)
		fprintf(out, "err %s\n", strerrorname_np(errno));
	else
		fprintf(out, "port %d\n", name_port(p_conn));
}

static int
p_listening(int backlog)
{
	union name sin = addr(PEER, 0);
	int fd = socket(family, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	bounded(fd);
	if (bind(fd, &sin.sa, name_len()) != 0 || listen(fd, backlog) != 0)
		broken("peer listen");
	return fd;
}

static void
p_open(FILE *out)
{
	if (p_listen < 0)
		p_listen = p_listening(64);
	fprintf(out, "%d\n", name_port(p_listen));
}

/* A port that drops every SYN: its one place is taken. */
static void
p_silent(FILE *out)
{
	union name sin;

	if (p_mute < 0) {
		p_mute = p_listening(0);
		sin = addr(PEER, name_port(p_mute));
		p_mute_filler = socket(family, SOCK_STREAM, 0);
		if (connect(p_mute_filler, &sin.sa, name_len()) != 0)
			broken("peer's connect to itself");
	}
	fprintf(out, "%d\n", name_port(p_mute));
}

static void
p_accept(FILE *out)
{
	union name sin;
	socklen_t len = name_len();

	p_conn = accept(p_listen, &sin.sa, &len);
	if (p_conn < 0) {
		fprintf(out, "err %s\n", strerrorname_np(errno));
		return;
	}
	bounded(p_conn);
	fprintf(out, "port %d\n", ntohs(sin.port));
}

/* All that was sent is at the other side's stack. */
static void
p_acked(FILE *out)
{
	int n = 1, i;

	for (i = 0; i < PATIENCE_S * 200 && n > 0; i++)
		if (ioctl(p_conn, SIOCOUTQ, &n) != 0 || n > 0)
			poll(NULL, 0, 5);
	fprintf(out, "%d left\n", n);
}

static void
p_reset(void)
{
	struct linger l = {1, 0};

	setsockopt(p_conn, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	close(p_conn);
	p_conn = -1;
}

static void
p_drop(void)
{
	if (p_conn >= 0)
		close(p_conn);
	p_conn = -1;
}

/* ---- UDP: one socket, and who was heard last ---- */

static int p_dgram = -1;
static union name p_heard;

static void
p_open_dgram(FILE *out)
{
	union name any = addr(ANY, 0);
	int on = 1;

	if (p_dgram < 0) {
		p_dgram = socket(family, SOCK_DGRAM, 0);
		bounded(p_dgram);
		setsockopt(p_dgram, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
		setsockopt(p_dgram, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
		setsockopt(
		    p_dgram, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
		setsockopt(
		    p_dgram, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
		if (bind(p_dgram, &any.sa, name_len()) != 0)
			broken("peer's socket of UDP");
	}
	fprintf(out, "%d\n", name_port(p_dgram));
}

/* How long it is, what it says, and how it is marked. */
static void
p_hear(FILE *out)
{
	char buf[2048];
	union {
		struct cmsghdr h;
		char space[256];
	} ctl_buf;
	struct iovec iov = {buf, sizeof buf};
	struct msghdr m = {.msg_name = &p_heard,
	    .msg_namelen = sizeof p_heard,
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &ctl_buf,
	    .msg_controllen = sizeof ctl_buf};
	ssize_t n = recvmsg(p_dgram, &m, 0);
	struct cmsghdr *c;

	if (n < 0) {
		fprintf(out, "err %s\n", strerrorname_np(errno));
		return;
	}
	fprintf(out, "%zd %.*s", n, n < 40 ? (int)n : 40, buf);
	for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
		fprintf(out, " %d:%u", c->cmsg_type, *CMSG_DATA(c));
	fprintf(out, "\n");
}

static void
p_answer(long n, FILE *out)
{
	char buf[2048];
	long i;

	for (i = 0; i < n && i < (long)sizeof buf; i++)
		buf[i] = (char)('a' + (i + n) % 26);
	fprintf(out, "%zd\n",
	    sendto(p_dgram, buf, (size_t)i, 0, &p_heard.sa, name_len()));
}

/* ---- what comes in packets ---- */

static int p_packets = -1;

static void
p_drop_packets(void)
{
	if (p_packets >= 0)
		close(p_packets);
	p_packets = -1;
}

static void
p_watch(FILE *out)
{
	p_drop_packets();
	p_packets =
	    socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (p_packets < 0)
		broken("peer's packets");
	p_open(out);
}

/* The mark, hops and length of each segment of the connection that has data,
 * SYN or FIN. */
static void
p_segment(const uint8_t *b, ssize_t n, int port, FILE *out)
{
	const uint8_t *tcp;
	int tos, hops, len;

	if (n >= 40 && b[0] >> 4 == 4 && b[9] == IPPROTO_TCP) {
		tcp = b + 4 * (b[0] & 15);
		tos = b[1];
		hops = b[8];
		len = b[2] << 8 | b[3];
	} else if (n >= 60 && b[0] >> 4 == 6 && b[6] == IPPROTO_TCP) {
		tcp = b + 40;
		tos = (b[0] & 15) << 4 | b[1] >> 4;
		hops = b[7];
		len = 40 + (b[4] << 8 | b[5]);
	} else {
		return;
	}
	if ((tcp[2] << 8 | tcp[3]) != port)
		return;
	len -= (int)(tcp - b) + 4 * (tcp[12] >> 4);
	if (len > 0 || tcp[13] & (TH_SYN | TH_FIN))
		fprintf(out, "%d tos %02x hops %d%s%s, ", len, tos & 0xfc, hops,
		    tcp[13] & TH_SYN ? " SYN" : "",
		    tcp[13] & TH_FIN ? " FIN" : "");
}

static void
p_seen(FILE *out)
{
	struct sockaddr_ll from;
	socklen_t len = sizeof from;
	uint8_t buf[65536];
	ssize_t n;

	while ((n = recvfrom(p_packets, buf, sizeof buf, 0,
		    (struct sockaddr *)&from, &len)) > 0) {
		if (from.sll_pkttype == PACKET_HOST)
			p_segment(buf, n, name_port(p_conn), out);
		len = sizeof from;
	}
	fprintf(out, "\n");
}

static void
peer_obey(const char *line, FILE *out)
{
	static char buf[65536];
	long n = 0;

	sscanf(line, "%*s %ld", &n);
	if (strncmp(line, "dgram", 5) == 0) {
		p_open_dgram(out);
	} else if (strncmp(line, "drecv", 5) == 0) {
		p_hear(out);
	} else if (strncmp(line, "dsend", 5) == 0) {
		p_answer(n, out);
	} else if (strncmp(line, "watch", 5) == 0) {
		p_watch(out);
	} else if (strncmp(line, "seen", 4) == 0) {
		p_seen(out);
	} else if (strncmp(line, "listen", 6) == 0) {
		p_open(out);
	} else if (strncmp(line, "silent", 6) == 0) {
		p_silent(out);
	} else if (strncmp(line, "accept", 6) == 0) {
		p_accept(out);
	} else if (strncmp(line, "connect", 7) == 0) {
		p_connect((int)n, out);
	} else if (strncmp(line, "send", 4) == 0) {
		p_pattern(p_conn, n, out);
	} else if (strncmp(line, "recv", 4) == 0) {
		int r = read_full(p_conn, buf, (size_t)n);
		fprintf(out, "%d %.*s\n", r, r > 0 && r < 40 ? r : 0, buf);
	} else if (strncmp(line, "end", 3) == 0) {
		p_end(out);
	} else if (strncmp(line, "urgent", 6) == 0) {
		send(p_conn, "urgent", 6, MSG_OOB);
		fprintf(out, "ok\n");
	} else if (strncmp(line, "say ", 4) == 0) {
		send(p_conn, line + 4, strlen(line + 4) - 1, 0);
		fprintf(out, "ok\n");
	} else if (strncmp(line, "mark ", 5) == 0) {
		send(p_conn, line + 5, strlen(line + 5) - 1, MSG_OOB);
		fprintf(out, "ok\n");
	} else if (strncmp(line, "oob", 3) == 0) {
		p_oob(out);
	} else if (strncmp(line, "acked", 5) == 0) {
		p_acked(out);
	} else if (strncmp(line, "reset", 5) == 0) {
		p_reset();
		fprintf(out, "ok\n");
	} else if (strncmp(line, "shut", 4) == 0) {
		shutdown(p_conn, SHUT_WR);
		fprintf(out, "ok\n");
	} else if (strncmp(line, "close", 5) == 0) {
		p_drop();
		fprintf(out, "ok\n");
	} else {
		fprintf(out, "what?\n");
	}
	fflush(out);
}

int
peer_main(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c;
	char line[256];
	FILE *in, *out;

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	unlink(path);
	if (bind(l, (struct sockaddr *)&un, sizeof un) != 0 ||
	    listen(l, 4) != 0)
		broken(path);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		c = accept(l, NULL, NULL);
		if (c < 0)
			continue;
		in = fdopen(c, "r");
		out = fdopen(dup(c), "w");
		while (fgets(line, sizeof line, in) != NULL) {
			if (strncmp(line, "quit", 4) == 0)
				return 0;
			peer_obey(line, out);
		}
		/* Nor does the next case find what this one left. */
		p_drop();
		if (p_dgram >= 0)
			close(p_dgram);
		p_dgram = -1;
		p_drop_packets();
		if (p_listen >= 0)
			close(p_listen);
		p_listen = -1;
		fclose(in);
		fclose(out);
	}
}
