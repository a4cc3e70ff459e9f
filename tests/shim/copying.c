/* SPDX-License-Identifier: ISC */
/*
 * Bytes that the kernel moves in a program's place: sendfile(), splice(),
 * tee(), vmsplice(), copy_file_range().
 */
#include <sys/mman.h>
#include "cases.h"

/* A file of so many bytes, at its beginning. */
static int
file_of(size_t n)
{
	int f = memfd_create("cases", 0);
	size_t i;
	char *b;

	if (f < 0 || ftruncate(f, (off_t)n) != 0)
		broken("memfd_create");
	b = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	for (i = 0; i < n; i++)
		b[i] = (char)(n < 100 ? 'a' + i % 26 : i * 13 >> 2);
	munmap(b, n);
	return f;
}

static void
make_pipe(int p[2], const char *text)
{
	size_t n = strlen(text);

	if (pipe(p) != 0 || write(p[1], text, n) != (ssize_t)n)
		broken("pipe");
}

/* ---- sendfile ---- */

static void
sendfile_all(void)
{
	int fd = linked(0), f = file_of(8);

	result("sendfile", sendfile(fd, f, NULL, 5));
	say("position %ld", (long)lseek(f, 0, SEEK_CUR));
	result("the rest", sendfile(fd, f, NULL, 100));
	result("nothing", sendfile(fd, f, NULL, 100));
	result("no bytes", sendfile(fd, f, NULL, 0));
	say("peer: %s", peer("recv 8"));
}

static void
sendfile_from_offset(void)
{
	int fd = linked(0), f = file_of(8);
	off_t off = 3;

	result("sendfile", sendfile(fd, f, &off, 100));
	say("offset %ld position %ld", (long)off, (long)lseek(f, 0, SEEK_CUR));
	off = 100;
	result("behind the end", sendfile(fd, f, &off, 1));
	off = -1;
	result("before the beginning", sendfile(fd, f, &off, 1));
	say("offset %ld", (long)off);
	say("peer: %s", peer("recv 5"));
}

static void
sendfile_large(void)
{
	int fd = linked(0), f = file_of(1 << 20);
	off_t off = 0;
	pid_t pid = fork();

	if (pid == 0) {
		while (off < 1 << 20)
			if (sendfile(fd, f, &off, (1 << 20) - (size_t)off) <= 0)
				_exit(1);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	say("peer: %s", peer("end"));
	waitpid(pid, NULL, 0);
}

static void
sendfile_full(void)
{
	int fd = linked(0), f = file_of(8);
	off_t off = 0;

	fill(fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("sendfile", sendfile(fd, f, &off, 8));
	say("offset %ld", (long)off);
}

static void
sendfile_unconnected(void)
{
	int fd = stream(0), l = listening(0), f = file_of(8);

	handle(SIGPIPE, 0);
	result("fresh", sendfile(fd, f, NULL, 8));
	say("signals %d", (int)signals);
	result("listening", sendfile(l, f, NULL, 8));
	say("signals %d", (int)signals);
	say("position %ld", (long)lseek(f, 0, SEEK_CUR));
}

static void
sendfile_shut(void)
{
	int fd = linked(0), f = file_of(8);

	handle(SIGPIPE, 0);
	shutdown(fd, SHUT_WR);
	result("shut", sendfile(fd, f, NULL, 8));
	say("signals %d", (int)signals);
}

static void
sendfile_from_socket(void)
{
	int fd = linked(0), f = file_of(8);
	off_t off = 0;

	peer("send 5");
	await_quietly(fd, POLLIN);
	result("to a file", sendfile(f, fd, NULL, 5));
	result("to itself", sendfile(fd, fd, NULL, 5));
	result("from an offset", sendfile(f, fd, &off, 5));
	say_read("read", fd);
}

static void
sendfile_files(void)
{
	int fd = linked(0), p[2];

	make_pipe(p, "abc");
	result("a pipe", sendfile(fd, p[0], NULL, 3) < 0 ? -1 : 3);
	result("a directory", sendfile(fd, open("/", O_RDONLY), NULL, 3));
	result(
	    "write only", sendfile(fd, open("/dev/null", O_WRONLY), NULL, 3));
	result("nothing there",
	    sendfile(fd, open("/dev/null", O_RDONLY), NULL, 3));
	result("none", sendfile(fd, -1, NULL, 3));
	result("to none", sendfile(-1, fd, NULL, 3));
}

/* ---- splice ---- */

static void
splice_in(void)
{
	int fd = linked(0), p[2];
	loff_t off = 0;

	make_pipe(p, "abcdef");
	result("splice", splice(p[0], NULL, fd, NULL, 4, 0));
	result("the rest", splice(p[0], NULL, fd, NULL, 4, SPLICE_F_MORE));
	result("no bytes", splice(p[0], NULL, fd, NULL, 0, 0));
	result("an empty pipe",
	    splice(p[0], NULL, fd, NULL, 4, SPLICE_F_NONBLOCK));
	result("at an offset", splice(p[0], NULL, fd, &off, 4, 0));
	result("unknown flags", splice(p[0], NULL, fd, NULL, 4, 0x1000));
	close(p[1]);
	result("at the end", splice(p[0], NULL, fd, NULL, 4, 0));
	shutdown(fd, SHUT_WR);
	say("peer: %s", peer("end"));
}

static void
splice_out(void)
{
	struct timeval tv = {.tv_usec = 50000};
	int fd = linked(0), p[2];
	char b[16] = "";
	loff_t off = 0;

	make_pipe(p, "");
	peer("say abcdef");
	await_quietly(fd, POLLIN);
	result("splice", splice(fd, NULL, p[1], NULL, 4, 0));
	result("the rest", splice(fd, NULL, p[1], NULL, 100, 0));
	result("read", read(p[0], b, sizeof b));
	say("'%s'", b);
	/* The flag is the pipe's: TCP waits all the same. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	result("none", splice(fd, NULL, p[1], NULL, 4, SPLICE_F_NONBLOCK));
	bounded(fd);
	result("from an offset", splice(fd, &off, p[1], NULL, 4, 0));
	result("no bytes", splice(fd, NULL, p[1], NULL, 0, 0));
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	result("at the end", splice(fd, NULL, p[1], NULL, 4, 0));
	peer("reset");
	await_quietly(fd, POLLHUP);
	result("reset", splice(fd, NULL, p[1], NULL, 4, 0));
}

static void
splice_out_reset(void)
{
	int fd = linked(0), p[2];

	make_pipe(p, "");
	peer("send 5");
	await_quietly(fd, POLLIN);
	peer("reset");
	await_quietly(fd, POLLHUP);
	result("what there is", splice(fd, NULL, p[1], NULL, 100, 0));
	result("reset", splice(fd, NULL, p[1], NULL, 100, 0));
	result("told", splice(fd, NULL, p[1], NULL, 100, 0));
}

static void
splice_out_waits(void)
{
	struct timeval tv = {.tv_usec = 50000};
	int fd = linked(0), p[2];

	make_pipe(p, "");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	result("time-out", splice(fd, NULL, p[1], NULL, 4, 0));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("not waiting", splice(fd, NULL, p[1], NULL, 4, 0));
}

static void
splice_unconnected(void)
{
	int fd = stream(0), p[2];

	handle(SIGPIPE, 0);
	make_pipe(p, "abc");
	result("out", splice(fd, NULL, p[1], NULL, 4, 0));
	result("in", splice(p[0], NULL, fd, NULL, 3, 0));
	say("signals %d", (int)signals);
	dial(fd, PEER, 1);
	result("refused", splice(fd, NULL, p[1], NULL, 4, 0));
}

static void
splice_shut(void)
{
	int fd = linked(0), p[2], n = -1;

	handle(SIGPIPE, 0);
	make_pipe(p, "abc");
	shutdown(fd, SHUT_RDWR);
	result("out", splice(fd, NULL, p[1], NULL, 4, 0));
	result("in", splice(p[0], NULL, fd, NULL, 3, 0));
	say("signals %d", (int)signals);
	ioctl(p[0], FIONREAD, &n);
	say("left in the pipe %d", n);
}

static void
splice_full(void)
{
	int fd = linked(0), p[2];

	make_pipe(p, "abc");
	fill(fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("in", splice(p[0], NULL, fd, NULL, 3, 0));
}

static void
splice_sockets(void)
{
	int fd = linked(0), f = file_of(8);

	result("to itself", splice(fd, NULL, fd, NULL, 4, 0));
	result("from a file", splice(f, NULL, fd, NULL, 4, 0));
	result("to a file", splice(fd, NULL, f, NULL, 4, 0));
	result("to none", splice(fd, NULL, -1, NULL, 4, 0));
	result("from none", splice(-1, NULL, fd, NULL, 4, 0));
}

/* What came goes back, through a pipe. */
static void
splice_echo(void)
{
	int fd = linked(0), p[2], all = 0;
	ssize_t n, m, k;

	make_pipe(p, "");
	peer("send 100000");
	peer("shut");
	while ((n = splice(fd, NULL, p[1], NULL, 65536, SPLICE_F_MOVE)) > 0) {
		for (m = 0; m < n; m += k) {
			k = splice(p[0], NULL, fd, NULL, (size_t)(n - m), 0);
			if (k <= 0)
				broken("splice");
		}
		all += (int)n;
	}
	result("the end", n);
	say("%d", all);
	shutdown(fd, SHUT_WR);
	say("peer: %s", peer("end"));
}

/* ---- what needs pipes or files on both sides ---- */

static void
tee_and_vmsplice(void)
{
	struct iovec v = {(char[]){"abc"}, 3};
	int fd = linked(0), p[2];

	make_pipe(p, "abc");
	result("tee to it", tee(p[0], fd, 3, 0));
	result("tee from it", tee(fd, p[1], 3, 0));
	result("vmsplice", vmsplice(fd, &v, 1, 0));
}

static void
tee_then_splice(void)
{
	int fd = linked(0), p[2], q[2];

	make_pipe(p, "abc");
	make_pipe(q, "");
	result("tee", tee(p[0], q[1], 3, 0));
	result("splice", splice(q[0], NULL, fd, NULL, 3, 0));
	result("splice", splice(p[0], NULL, fd, NULL, 3, 0));
	say("peer: %s", peer("recv 6"));
}

/* Pages that a program gave away and writes to no more. */
static void
vmsplice_then_splice(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v = {page, 4096};
	int fd = linked(0), p[2];

	memset(page, 'g', 4096);
	make_pipe(p, "");
	result("vmsplice", vmsplice(p[1], &v, 1, SPLICE_F_GIFT));
	result("splice", splice(p[0], NULL, fd, NULL, 4096, SPLICE_F_MOVE));
	shutdown(fd, SHUT_WR);
	say("peer: %s", peer("end"));
}

static void
copying_ranges(void)
{
	int fd = linked(0), f = file_of(8);
	loff_t off = 0;

	result("from a file", copy_file_range(f, NULL, fd, NULL, 8, 0));
	result("to a file", copy_file_range(fd, NULL, f, NULL, 8, 0));
	result("offset", copy_file_range(f, &off, fd, &off, 8, 0));
}

static const struct shim_case table[] = {
    CASE(sendfile_all),
    CASE(sendfile_from_offset),
    CASE(sendfile_large),
    CASE(sendfile_full),
    CASE(sendfile_unconnected),
    CASE(sendfile_shut),
    CASE(sendfile_from_socket),
    CASE(sendfile_files),
    CASE(splice_in),
    CASE(splice_out),
    CASE(splice_out_reset),
    CASE(splice_out_waits),
    CASE(splice_unconnected),
    CASE(splice_shut),
    CASE(splice_full),
    CASE(splice_sockets),
    CASE(splice_echo),
    CASE(tee_and_vmsplice),
    CASE(tee_then_splice),
    CASE(vmsplice_then_splice),
    CASE(copying_ranges),
};
const struct subject copying_cases = SUBJECT("copying", table);
