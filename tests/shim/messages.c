/* SPDX-License-Identifier: ISC */
/*
 * Data with flags, vectors, control messages and offsets; what is queued and
 * what was sent.
 */
#include "cases.h"

/* Data there, connected. */
static int
holding(const char *text)
{
	int fd = linked(0), n = 0;

	peer("say %s", text);
	while (n < (int)strlen(text) && ioctl(fd, FIONREAD, &n) == 0)
		poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10);
	return fd;
}

static void
say_recv(const char *what, int fd, size_t n, int flags)
{
	char buf[256] = "";
	ssize_t r = recv(fd, buf, n, flags);

	if (r < 0)
		say("%s: %s", what, strerrorname_np(errno));
	else
		say("%s: %zd '%.*s'", what, r, (int)(flags & MSG_TRUNC ? 0 : r),
		    buf);
}

/* ---- flags ---- */

static void
peek(void)
{
	int fd = holding("abcdef");

	say_recv("peek", fd, 3, MSG_PEEK);
	say_recv("peek more", fd, 100, MSG_PEEK);
	say_recv("read", fd, 2, 0);
	say_recv("peek", fd, 100, MSG_PEEK);
	say_recv("read", fd, 100, 0);
	say_recv("peek nothing", fd, 100, MSG_PEEK | MSG_DONTWAIT);
}

static void
peek_at_the_end(void)
{
	int fd = holding("ab");

	peer("shut");
	await_quietly(fd, POLLRDHUP);
	say_recv("peek", fd, 10, MSG_PEEK);
	say_recv("read", fd, 10, 0);
	say_recv("peek", fd, 10, MSG_PEEK);
	say_recv("read", fd, 10, 0);
}

static void
peek_waiting_for_all(void)
{
	int fd = holding("abcdef");

	say_recv("peek", fd, 4, MSG_PEEK | MSG_WAITALL);
	say_recv("read", fd, 6, MSG_WAITALL);
}

static void
peek_offset(void)
{
	int fd = holding("abcdefgh");

	say("default %d", get_opt(fd, SOL_SOCKET, SO_PEEK_OFF));
	result("set", set_opt(fd, SOL_SOCKET, SO_PEEK_OFF, 0));
	say_recv("peek", fd, 3, MSG_PEEK);
	say("offset %d", get_opt(fd, SOL_SOCKET, SO_PEEK_OFF));
	say_recv("peek on", fd, 3, MSG_PEEK);
	say_recv("read", fd, 4, 0);
	say("offset %d", get_opt(fd, SOL_SOCKET, SO_PEEK_OFF));
	say_recv("peek", fd, 10, MSG_PEEK);
	say_recv("peek behind", fd, 10, MSG_PEEK | MSG_DONTWAIT);
	result("off", set_opt(fd, SOL_SOCKET, SO_PEEK_OFF, -1));
	say_recv("peek", fd, 10, MSG_PEEK);
}

static void
peek_offset_values(void)
{
	int fd = linked(0);

	result("negative", set_opt(fd, SOL_SOCKET, SO_PEEK_OFF, -2));
	result("large", set_opt(fd, SOL_SOCKET, SO_PEEK_OFF, 1000000));
	say("offset %d", get_opt(fd, SOL_SOCKET, SO_PEEK_OFF));
}

static void
wait_for_all(void)
{
	int fd = linked(0);

	peer("say abc");
	peer("say def");
	say_recv("all", fd, 6, MSG_WAITALL);
	peer("say ab");
	peer("shut");
	say_recv("what there is", fd, 6, MSG_WAITALL);
}

static void
wait_for_all_in_vain(void)
{
	struct timeval tv = {.tv_usec = 50000};
	int fd = holding("ab");

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	say_recv("time-out", fd, 6, MSG_WAITALL);
	say_recv("not waiting", fd, 6, MSG_WAITALL | MSG_DONTWAIT);
}

static void
wait_for_all_until_reset(void)
{
	int fd = holding("ab");

	peer("reset");
	await_quietly(fd, POLLHUP);
	say_recv("all", fd, 6, MSG_WAITALL);
	say_recv("then", fd, 6, MSG_WAITALL);
}

static void
truncating(void)
{
	int fd = holding("abcdefghij");

	say_recv("three", fd, 3, MSG_TRUNC);
	say_recv("peek", fd, 3, MSG_TRUNC | MSG_PEEK);
	result("nowhere", recv(fd, NULL, 2, MSG_TRUNC));
	say_recv("read", fd, 10, 0);
	say_recv("nothing", fd, 10, MSG_TRUNC | MSG_DONTWAIT);
}

static void
no_waiting(void)
{
	int fd = linked(0);

	say_recv("empty", fd, 10, MSG_DONTWAIT);
	result("send", send(fd, "x", 1, MSG_DONTWAIT));
	say("peer: %s", peer("recv 1"));
	say("flags %d", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
}

static void
more_to_come(void)
{
	int fd = linked(0);

	result("more", send(fd, "ab", 2, MSG_MORE));
	result("done", send(fd, "cd", 2, 0));
	say("peer: %s", peer("recv 4"));
}

static void
end_of_record(void)
{
	int fd = linked(0);
	struct iovec iov = {(char[8]){""}, 8};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	result("send", send(fd, "ab", 2, MSG_EOR));
	say("peer: %s", peer("recv 2"));
	peer("say ab");
	result("recvmsg", recvmsg(fd, &m, 0));
	say("flags %x", m.msg_flags);
}

static void
zero_bytes(void)
{
	int fd = linked(0);

	result("send", send(fd, "", 0, 0));
	result("write", write(fd, "", 0));
	result("recv empty", recv(fd, NULL, 0, MSG_DONTWAIT));
	result("read", read(fd, NULL, 0));
	peer("say ab");
	await_quietly(fd, POLLIN);
	result("recv", recv(fd, NULL, 0, 0));
	result("peek", recv(fd, NULL, 0, MSG_PEEK));
	say_recv("rest", fd, 10, 0);
}

static void
zero_bytes_unconnected(void)
{
	int fd = stream(0);

	result("send", send(fd, "", 0, MSG_NOSIGNAL));
	result("recv", recv(fd, NULL, 0, MSG_DONTWAIT));
	result("read", read(fd, NULL, 0));
}

/* ---- the queue of errors ---- */

static void
error_queue_empty(void)
{
	char ctl_[256], b[64];
	struct iovec iov = {b, sizeof b};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl_,
	    .msg_controllen = sizeof ctl_};
	int fd = holding("ab");

	result("recv", recv(fd, b, sizeof b, MSG_ERRQUEUE));
	result("recvmsg", recvmsg(fd, &m, MSG_ERRQUEUE));
	say_recv("data", fd, 10, 0);
	result("empty", recv(fd, b, sizeof b, MSG_ERRQUEUE));
}

static void
error_queue_elsewhere(void)
{
	char b[4];
	int fd = stream(0), l = listening(0);

	result("fresh", recv(fd, b, sizeof b, MSG_ERRQUEUE));
	result("listening", recv(l, b, sizeof b, MSG_ERRQUEUE));
	dial(fd, PEER, 1);
	result("refused", recv(fd, b, sizeof b, MSG_ERRQUEUE));
}

/* Without SO_ZEROCOPY the flag means nothing. */
static void
zerocopy_unasked(void)
{
	int fd = linked(0);

	result("send", send(fd, "abc", 3, MSG_ZEROCOPY));
	say("peer: %s", peer("recv 3"));
	result("errors", recv(fd, NULL, 0, MSG_ERRQUEUE));
	say("poll: %s", bits_text(bits(fd)));
}

/* ---- messages ---- */

static void
gather_and_scatter(void)
{
	char a[3] = "", b[5] = "", c[8] = "";
	struct iovec out[3] = {
	    {(char[]){"12"}, 2}, {NULL, 0}, {(char[]){"345"}, 3}};
	struct iovec in[3] = {{a, 2}, {b, 4}, {c, 7}};
	struct msghdr m = {.msg_iov = out, .msg_iovlen = 3};
	int fd = holding("abcdefghij");

	result("sendmsg", sendmsg(fd, &m, 0));
	say("peer: %s", peer("recv 5"));
	m.msg_iov = in;
	result("recvmsg", recvmsg(fd, &m, 0));
	say("'%s' '%s' '%s' flags %x", a, b, c, m.msg_flags);
}

static void
control_out(void)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)),
		   .cmsg_level = SOL_SOCKET,
		   .cmsg_type = SCM_RIGHTS}};
	struct iovec iov = {(char[]){"x"}, 1};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = sizeof c};
	int fd = linked(0);

	result("rights", sendmsg(fd, &m, 0));
	c.h.cmsg_level = IPPROTO_IP;
	c.h.cmsg_type = IP_TTL;
	result("IP_TTL", sendmsg(fd, &m, 0));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = 77;
	result("unknown", sendmsg(fd, &m, 0));
	c.h.cmsg_len = 1;
	result("malformed", sendmsg(fd, &m, 0));
	result("end", send(fd, "!", 1, 0));
}

static void
control_in(void)
{
	char ctl_[64] = "", b[8];
	struct sockaddr_storage from;
	struct iovec iov = {b, 2};
	struct msghdr m = {.msg_name = &from,
	    .msg_namelen = sizeof from,
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl_,
	    .msg_controllen = sizeof ctl_};
	int fd = holding("abcd");

	result("recvmsg", recvmsg(fd, &m, MSG_CMSG_CLOEXEC));
	say("name %u control %zu flags %x", m.msg_namelen, m.msg_controllen,
	    m.msg_flags);
}

static void
many_out(void)
{
	struct iovec v[3] = {
	    {(char[]){"ab"}, 2}, {(char[]){"c"}, 1}, {(char[]){"def"}, 3}};
	struct mmsghdr m[3] = {0};
	int fd = linked(0), i;

	for (i = 0; i < 3; i++)
		m[i].msg_hdr =
		    (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	result("sendmmsg", sendmmsg(fd, m, 3, 0));
	say("%u %u %u", m[0].msg_len, m[1].msg_len, m[2].msg_len);
	say("peer: %s", peer("recv 6"));
	result("none", sendmmsg(fd, m, 0, 0));
}

static void
many_in(void)
{
	char b[3][4] = {""};
	struct iovec v[3] = {{b[0], 2}, {b[1], 3}, {b[2], 3}};
	struct mmsghdr m[3] = {0};
	int fd = holding("abcdef"), i;

	for (i = 0; i < 3; i++)
		m[i].msg_hdr =
		    (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	result("recvmmsg", recvmmsg(fd, m, 3, MSG_DONTWAIT, NULL));
	say("%u %u %u '%.3s' '%.3s' '%.3s'", m[0].msg_len, m[1].msg_len,
	    m[2].msg_len, b[0], b[1], b[2]);
	result("empty", recvmmsg(fd, m, 3, MSG_DONTWAIT, NULL));
}

static void
many_with_an_address(void)
{
	union name n = addr(NOBODY, 9);
	struct iovec v = {(char[]){"ab"}, 2};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &n,
				.msg_namelen = name_len(),
				.msg_iov = &v,
				.msg_iovlen = 1}};
	int fd = linked(0);

	result("sendmmsg", sendmmsg(fd, &m, 1, 0));
	say("peer: %s", peer("recv 2"));
	peer("say cd");
	await_quietly(fd, POLLIN);
	m.msg_hdr.msg_namelen = sizeof n;
	result("recvmmsg", recvmmsg(fd, &m, 1, 0, NULL));
	say("name %u", m.msg_hdr.msg_namelen);
}

static void
many_on_the_dead(void)
{
	struct iovec v = {(char[]){"ab"}, 2};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
	int fd = linked(0), u = stream(0);

	handle(SIGPIPE, 0);
	result("fresh", recvmmsg(u, &m, 1, MSG_DONTWAIT, NULL));
	result("fresh", sendmmsg(u, &m, 1, MSG_NOSIGNAL));
	peer("reset");
	await_quietly(fd, POLLHUP);
	result("sendmmsg", sendmmsg(fd, &m, 1, 0));
	say("signals %d", (int)signals);
	result("again", sendmmsg(fd, &m, 1, 0));
	say("signals %d", (int)signals);
	result("recvmmsg", recvmmsg(fd, &m, 1, 0, NULL));
}

static void
positioned(void)
{
	char b[8] = "";
	struct iovec v = {b, 4};
	int fd = holding("abcdefgh");

	result("pread", pread(fd, b, 2, 0));
	result("pwrite", pwrite(fd, b, 2, 0));
	result("lseek", lseek(fd, 0, SEEK_SET));
	result("preadv2", preadv2(fd, &v, 1, -1, 0));
	result("preadv2 nowait", preadv2(fd, &v, 1, -1, RWF_NOWAIT));
	result("nothing left", preadv2(fd, &v, 1, -1, RWF_NOWAIT));
	result("pwritev2", pwritev2(fd, &v, 1, -1, 0));
	say("peer: %s", peer("recv 4"));
}

static void
sendto_addresses(void)
{
	union name n = addr(NOBODY, 9);
	int fd = linked(0);

	result("elsewhere", sendto(fd, "a", 1, 0, &n.sa, name_len()));
	n.family = 77;
	result("no family", sendto(fd, "b", 1, 0, &n.sa, name_len()));
	result("too short", sendto(fd, "c", 1, 0, &n.sa, 1));
	result("too long", sendto(fd, "d", 1, 0, &n.sa, 129));
	result("negative", sendto(fd, "d", 1, 0, &n.sa, (socklen_t)-1));
	say("peer: %s", peer("recv 3"));
}

static void
sendto_unconnected(void)
{
	union name n = addr(PEER, peer_number("listen"));
	int fd = stream(0);

	handle(SIGPIPE, 0);
	result("send", send(fd, "a", 1, 0));
	say("signals %d", (int)signals);
	result("sendto", sendto(fd, "a", 1, MSG_NOSIGNAL, &n.sa, name_len()));
	say("signals %d", (int)signals);
	result("write", write(fd, "a", 1));
	say("signals %d", (int)signals);
	say_sockname("getsockname", fd);
}

static void
while_connecting(void)
{
	char b[4];
	int fd = stream(SOCK_NONBLOCK);

	dial(fd, PEER, peer_number("silent"));
	result("send", send(fd, "a", 1, MSG_NOSIGNAL));
	result("write", write(fd, "a", 1));
	result("recv", recv(fd, b, 1, 0));
	result("read", read(fd, b, 1));
	result("peek", recv(fd, b, 1, MSG_PEEK));
	result("oob", recv(fd, b, 1, MSG_OOB));
}

static void
recv_unconnected(void)
{
	char b[4];
	int fd = stream(0);

	result("recv", recv(fd, b, 1, 0));
	result("read", read(fd, b, 1));
	result("peek", recv(fd, b, 1, MSG_PEEK));
	result("oob", recv(fd, b, 1, MSG_OOB));
	result("trunc", recv(fd, b, 1, MSG_TRUNC));
	result("waitall", recv(fd, b, 1, MSG_WAITALL));
	result("readv", readv(fd, &(struct iovec){b, 1}, 1));
	result("recvmsg", recvmsg(fd,
			      &(struct msghdr){.msg_iov = &(struct iovec){b, 1},
				  .msg_iovlen = 1},
			      0));
}

static void
recv_listening(void)
{
	char b[4] = "";
	int fd = listening(0);

	handle(SIGPIPE, 0);
	result("recv", recv(fd, b, 1, 0));
	result("read", read(fd, b, 1));
	result("oob", recv(fd, b, 1, MSG_OOB));
	result("send", send(fd, b, 1, 0));
	result("write", write(fd, b, 1));
	say("signals %d", (int)signals);
}

/* ---- what is queued ---- */

static void
bytes_to_read(void)
{
	int fd = holding("abcdef"), n = -1;

	result("FIONREAD", ioctl(fd, FIONREAD, &n));
	say("%d", n);
	result("SIOCINQ", ioctl(fd, SIOCINQ, &n));
	say("%d", n);
	say_recv("read", fd, 4, 0);
	ioctl(fd, FIONREAD, &n);
	say("%d", n);
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	ioctl(fd, FIONREAD, &n);
	say("behind the end %d", n);
	say_recv("read", fd, 4, 0);
	ioctl(fd, FIONREAD, &n);
	say("at the end %d", n);
}

static void
bytes_to_read_elsewhere(void)
{
	int fd = stream(0), l = listening(0), n = -1;

	result("fresh", ioctl(fd, FIONREAD, &n));
	say("%d", n);
	n = -1;
	result("listening", ioctl(l, FIONREAD, &n));
	n = -1;
	result("fresh out", ioctl(fd, SIOCOUTQ, &n));
	say("%d", n);
	n = -1;
	result("listening out", ioctl(l, SIOCOUTQ, &n));
	result("unsent", ioctl(fd, SIOCOUTQNSD, &n));
	say("%d", n);
}

static void
bytes_to_send(void)
{
	int fd = linked(0), n = -1, i;

	result("empty", ioctl(fd, SIOCOUTQ, &n));
	say("%d", n);
	result("send", send(fd, "abc", 3, 0));
	say("peer: %s", peer("recv 3"));
	for (i = 0; i < 100 && ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0; i++)
		poll(NULL, 0, 10);
	say("acknowledged: %d", n);
	result("nowhere", ioctl(fd, SIOCOUTQ, NULL));
}

static void
bytes_after_reset(void)
{
	int fd = holding("abc"), n = -1;

	peer("reset");
	await_quietly(fd, POLLHUP);
	result("in", ioctl(fd, FIONREAD, &n));
	say("%d", n);
	result("out", ioctl(fd, SIOCOUTQ, &n));
	say("%d", n);
}

static void
nonblocking_by_ioctl(void)
{
	int fd = linked(0), on = 1;

	result("on", ioctl(fd, FIONBIO, &on));
	say("%d", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	say_recv("recv", fd, 1, 0);
	on = 0;
	result("off", ioctl(fd, FIONBIO, &on));
	say("%d", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	result("cloexec", ioctl(fd, FIOCLEX));
	say("%d", fcntl(fd, F_GETFD));
	result("none", ioctl(fd, FIONCLEX));
	say("%d", fcntl(fd, F_GETFD));
}

static void
unknown_ioctls(void)
{
	int fd = stream(0), v = 0;

	result("TCGETS", ioctl(fd, 0x5401, &v) < 0 ? -1 : 0);
	result("0", ioctl(fd, 0, &v));
	result("SIOCGSTAMP", ioctl(fd, SIOCGSTAMP, &v) < 0 ? -1 : 0);
}

/* ---- low water ---- */

static void
low_water(void)
{
	int fd = linked(0);

	result("set", set_opt(fd, SOL_SOCKET, SO_RCVLOWAT, 6));
	peer("say abc");
	peer("say def");
	say_recv("read", fd, 100, 0);
	peer("say ab");
	peer("shut");
	say_recv("at the end", fd, 100, 0);
}

static void
low_water_not_waiting(void)
{
	int fd = holding("abc");

	set_opt(fd, SOL_SOCKET, SO_RCVLOWAT, 100);
	say_recv("read", fd, 100, MSG_DONTWAIT);
	say_recv("none", fd, 100, MSG_DONTWAIT);
	result("send low water", set_opt(fd, SOL_SOCKET, SO_SNDLOWAT, 5));
	say("%d", get_opt(fd, SOL_SOCKET, SO_SNDLOWAT));
}

/* ---- stdio ---- */

static void
by_stdio(void)
{
	int fd = linked(0);
	FILE *f = fdopen(fd, "r+");
	char line[64] = "";

	fprintf(f, "hello %d", 42);
	result("flush", fflush(f));
	say("peer: %s", peer("recv 8"));
	peer("say one two");
	say("%d", fgetc(f));
	say("%d", ungetc('o', f));
	result("read", (long)fread(line, 1, 7, f));
	say("'%s'", line);
	peer("shut");
	result("end", fgetc(f));
	say("eof %d error %d", !!feof(f), !!ferror(f));
	result("seek", fseek(f, 0, SEEK_SET));
	result("close", fclose(f));
}

static void
by_stdio_dead(void)
{
	int fd = linked(0);
	FILE *f = fdopen(fd, "w");

	peer("reset");
	await_quietly(fd, POLLHUP);
	fputs("hello", f);
	result("flush", fflush(f));
	result("flush", fflush(f));
	say("error %d", !!ferror(f));
	fd = linked(0);
	peer("reset");
	await_quietly(fd, POLLHUP);
	handle(SIGPIPE, 0);
	result("sendfile", sendfile(fd, open(self, O_RDONLY), NULL, 5));
	say("signals %d", (int)signals);
}

static void
by_dprintf(void)
{
	int fd = linked(0);

	result("dprintf", dprintf(fd, "%s %d", "abc", 7));
	say("peer: %s", peer("recv 5"));
}

static const struct shim_case table[] = {
    CASE(peek),
    CASE(peek_at_the_end),
    CASE(peek_waiting_for_all),
    CASE(peek_offset),
    CASE(peek_offset_values),
    CASE(wait_for_all),
    CASE(wait_for_all_in_vain),
    CASE(wait_for_all_until_reset),
    CASE(truncating),
    CASE(no_waiting),
    CASE(more_to_come),
    CASE(end_of_record),
    CASE(zero_bytes),
    CASE(zero_bytes_unconnected),
    CASE(error_queue_empty),
    CASE(error_queue_elsewhere),
    CASE(zerocopy_unasked),
    CASE(gather_and_scatter),
    CASE(control_out),
    CASE(control_in),
    CASE(many_out),
    CASE(many_in),
    CASE(many_with_an_address),
    CASE(many_on_the_dead),
    CASE(positioned),
    CASE(sendto_addresses),
    CASE(sendto_unconnected),
    CASE(while_connecting),
    CASE(recv_unconnected),
    CASE(recv_listening),
    CASE(bytes_to_read),
    CASE(bytes_to_read_elsewhere),
    CASE(bytes_to_send),
    CASE(bytes_after_reset),
    CASE(nonblocking_by_ioctl),
    CASE(unknown_ioctls),
    CASE(low_water),
    CASE(low_water_not_waiting),
    CASE(by_stdio),
    CASE(by_stdio_dead),
    CASE(by_dprintf),
};
const struct subject messages_cases = SUBJECT("messages", table);
