/* SPDX-License-Identifier: ISC */
/*
 * A socket is a file too: what the calls say that are made for others, vectors
 * of all lengths, stdio.
 */
#include <aio.h>
#include <linux/aio_abi.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include "cases.h"

static volatile int minus_one = -1;

static void
status(void)
{
	int fds[] = {stream(0), listening(0), linked(0)};
	struct stat st;
	size_t i;

	for (i = 0; i < 3; i++) {
		result("fstat", fstat(fds[i], &st));
		say("socket %d size %ld links %ld mode %o blocks %ld",
		    S_ISSOCK(st.st_mode), (long)st.st_size, (long)st.st_nlink,
		    st.st_mode & 0777, (long)st.st_blocks);
		say("ours %d inode %d", st.st_uid == geteuid(), st.st_ino != 0);
	}
}

static void
status_of_path(void)
{
	char name[64], link[64] = "";
	int fd = linked(0);
	struct stat st;

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	result("readlink", readlink(name, link, sizeof link - 1) > 0 ? 0 : -1);
	say("%.8s", link);
	fstat(fd, &st);
	say("inode %d",
	    (unsigned long)st.st_ino == strtoul(link + 8, NULL, 10));
	result("stat", stat(name, &st));
	say("socket %d", S_ISSOCK(st.st_mode));
	result("open", open(name, O_RDWR));
	result("by path", open(name, O_PATH) >= 0 ? 0 : -1);
	result("fchdir", fchdir(fd));
}

static void
file_system(void)
{
	struct statfs fs;
	int fd = linked(0);

	result("fstatfs", fstatfs(fd, &fs));
	say("type %lx", (long)fs.f_type);
}

static void
sizes(void)
{
	int fd = linked(0);

	result("lseek", lseek(fd, 0, SEEK_END));
	result("ftruncate", ftruncate(fd, 10));
	result("fallocate", fallocate(fd, 0, 0, 10));
	say("posix_fallocate %d", posix_fallocate(fd, 0, 10));
	say("posix_fadvise %d", posix_fadvise(fd, 0, 10, POSIX_FADV_NORMAL));
	result("readahead", readahead(fd, 0, 10));
}

static void
synchronised(void)
{
	int fd = linked(0);

	result("fsync", fsync(fd));
	result("fdatasync", fdatasync(fd));
	result("sync_file_range", sync_file_range(fd, 0, 10, 0));
	result("syncfs", syncfs(fd));
}

static void
modes(void)
{
	int fd = linked(0);
	struct stat st;

	result("fchmod", fchmod(fd, 0600));
	fstat(fd, &st);
	say("mode %o", st.st_mode & 0777);
	result("fchown", fchown(fd, (uid_t)-1, (gid_t)-1));
	result("futimens", futimens(fd, NULL) < 0 ? -1 : 0);
	result("fgetxattr", fgetxattr(fd, "user.none", NULL, 0));
	result("fsetxattr", fsetxattr(fd, "user.none", "x", 1, 0));
}

static void
locks(void)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = linked(0);

	result("flock", flock(fd, LOCK_EX | LOCK_NB));
	result("unlock", flock(fd, LOCK_UN));
	result("F_SETLK", fcntl(fd, F_SETLK, &l));
	result("F_GETLK", fcntl(fd, F_GETLK, &l));
	say("type %d", l.l_type);
	result("lease", fcntl(fd, F_SETLEASE, F_RDLCK));
}

static void
control(void)
{
	int fd = linked(0), fl = fcntl(fd, F_GETFL);

	say("flags %x", fl);
	result("append", fcntl(fd, F_SETFL, fl | O_APPEND));
	say("flags %x", fcntl(fd, F_GETFL));
	result("direct", fcntl(fd, F_SETFL, O_DIRECT));
	say("flags %x", fcntl(fd, F_GETFL));
	result("pipe size", fcntl(fd, F_GETPIPE_SZ));
	result("seals", fcntl(fd, F_GET_SEALS));
	result("unknown", fcntl(fd, 9999));
	result("FIGETBSZ", ioctl(fd, _IO(0, 2), &fl));
}

static void
no_terminal(void)
{
	char b[64];
	int fd = linked(0);

	errno = 0;
	say("isatty %d", isatty(fd));
	result("why", errno != 0 ? -1 : 0);
	say("ttyname %s", strerrorname_np(ttyname_r(fd, b, sizeof b)));
	result("tcgetpgrp", tcgetpgrp(fd));
}

static void
no_directory(void)
{
	char *args[] = {(char[]){"x"}, NULL};
	int fd = linked(0);
	char b[256];

	result("getdents", syscall(SYS_getdents64, fd, b, sizeof b));
	result("openat", openat(fd, "x", O_RDONLY));
	result("fexecve", fexecve(fd, args, args + 1));
}

/* ---- vectors ---- */

static void
vectors_of_none(void)
{
	struct iovec v[2] = {{NULL, 0}, {NULL, 0}};
	int fd = linked(0), u = stream(0);

	result("writev", writev(fd, NULL, 0));
	result("readv", readv(fd, NULL, 0));
	result("empty", writev(fd, v, 2));
	result("fresh", writev(u, v, 0));
	result("fresh", readv(u, v, 0));
	result("negative", readv(fd, v, minus_one));
}

static void
vectors_of_many(void)
{
	static char b[IOV_MAX][3];
	struct iovec v[IOV_MAX];
	int fd = linked(0), i;
	unsigned sum = 0;
	ssize_t r;

	for (i = 0; i < IOV_MAX; i++) {
		memset(b[i], 'a' + i % 26, 3);
		v[i] = (struct iovec){b[i], 3};
	}
	result("writev", writev(fd, v, IOV_MAX));
	say("peer: %s", peer("recv %d", 3 * IOV_MAX));
	peer("send %d", 3 * IOV_MAX);
	for (i = 0; i < 3 * IOV_MAX;)
		if (ioctl(fd, FIONREAD, &i) != 0)
			break;
	r = readv(fd, v, IOV_MAX);
	result("readv", r);
	for (i = 0; i < IOV_MAX; i++)
		sum =
		    sum * 31 + (unsigned char)b[i][0] + (unsigned char)b[i][2];
	say("sum %08x", sum);
}

static void
vectors_with_bad_parts(void)
{
	struct iovec v[2] = {{(char[]){"ab"}, 2}, {(void *)16, 2}};
	char b[4] = "";
	int fd = linked(0);

	peer("say abcd");
	await_quietly(fd, POLLIN);
	v[1].iov_base = b;
	v[1].iov_len = (size_t)1 << 63;
	result("overflow", readv(fd, v, 2));
	v[1].iov_len = 2;
	result("readv", readv(fd, v, 2));
	say("'%s'", b);
}

/* ---- several messages ---- */

static void
receive_many_in_time(void)
{
	char b[3][4] = {""};
	struct iovec v[3] = {{b[0], 2}, {b[1], 2}, {b[2], 2}};
	struct timespec ts = {.tv_nsec = 100000000};
	struct mmsghdr m[3] = {0};
	int fd = linked(0), i;

	for (i = 0; i < 3; i++)
		m[i].msg_hdr =
		    (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	peer("say abcdef");
	await_quietly(fd, POLLIN);
	result("recvmmsg", recvmmsg(fd, m, 3, 0, &ts));
	ts = (struct timespec){0, -1};
	result("bad time", recvmmsg(fd, m, 3, MSG_DONTWAIT, &ts));
	peer("say ab");
	result("one of three", recvmmsg(fd, m, 3, MSG_WAITFORONE, NULL));
}

static void
send_many_partly(void)
{
	static char big[1 << 22];
	struct iovec v[2] = {{big, sizeof big}, {big, sizeof big}};
	struct mmsghdr m[2] = {0};
	int fd = linked(SOCK_NONBLOCK), i;

	for (i = 0; i < 2; i++)
		m[i].msg_hdr =
		    (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	for (i = 0; sendmmsg(fd, m, 2, 0) > 0 && i < 100; i++)
		;
	say("stopped %d", i < 100);
	result("full", sendmmsg(fd, m, 2, 0) < 0 ? -1 : 0);
}

/* ---- asynchronous ---- */

static void
aio_of_posix(void)
{
	char b[16] = "";
	int fd = linked(0);
	struct aiocb cb = {
	    .aio_fildes = fd, .aio_buf = b, .aio_nbytes = sizeof b};
	const struct aiocb *list[1] = {&cb};

	result("aio_read", aio_read(&cb));
	peer("say abc");
	result("suspend", aio_suspend(list, 1, &(struct timespec){5, 0}));
	say("error %d return %ld '%s'", aio_error(&cb), (long)aio_return(&cb),
	    b);
	cb.aio_nbytes = 2;
	result("aio_write", aio_write(&cb));
	aio_suspend(list, 1, &(struct timespec){5, 0});
	say("error %d return %ld", aio_error(&cb), (long)aio_return(&cb));
	say("peer: %s", peer("recv 2"));
}

static long
submit(aio_context_t ctx, int fd, int op, void *buf, size_t n)
{
	struct iocb cb = {.aio_fildes = (unsigned)fd,
	    .aio_lio_opcode = (unsigned short)op,
	    .aio_buf = (uintptr_t)buf,
	    .aio_nbytes = n};
	struct iocb *list[1] = {&cb};
	struct io_event ev = {.res = 0};

	if (syscall(SYS_io_submit, ctx, 1, list) != 1)
		return -1;
	if (syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL) != 1)
		return -1;
	if (ev.res >= 0)
		return (long)ev.res;
	errno = (int)-ev.res;
	return -1;
}

static void
aio_of_the_kernel(void)
{
	aio_context_t ctx = 0;
	char b[16] = "";
	int fd = linked(0);

	if (syscall(SYS_io_setup, 4, &ctx) != 0)
		broken("io_setup");
	peer("say abc");
	await_quietly(fd, POLLIN);
	result("read", submit(ctx, fd, IOCB_CMD_PREAD, b, sizeof b));
	say("'%s'", b);
	result("write", submit(ctx, fd, IOCB_CMD_PWRITE, b, 2));
	say("peer: %s", peer("recv 2"));
	result("sync", submit(ctx, fd, IOCB_CMD_FSYNC, NULL, 0));
	result("poll",
	    submit(ctx, fd, IOCB_CMD_POLL, (void *)(uintptr_t)POLLOUT, 0) > 0);
}

/* ---- stdio ---- */

static void
stdio_both_ways(void)
{
	int fd = linked(0);
	FILE *f = fdopen(fd, "r+");
	char line[64] = "";

	peer("say one");
	say("%s", fgets(line, 4, f) != NULL ? line : "none");
	fputs("two", f);
	result("flush", fflush(f));
	say("peer: %s", peer("recv 3"));
	setvbuf(f, NULL, _IONBF, 0);
	fputs("three", f);
	say("peer: %s", peer("recv 5"));
	result("tell", ftell(f));
	rewind(f);
	say("error %d", !!ferror(f));
}

static void
stdio_two_streams(void)
{
	int fd = linked(0);
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char *line = NULL;
	size_t room = 0;

	setlinebuf(out);
	fprintf(out, "hello\nworld");
	say("peer: %s", peer("recv 5"));
	result("close", fclose(out));
	peer("say abc");
	peer("shut");
	result("getline", getline(&line, &room, in));
	say("'%s'", line);
	result("getline", getline(&line, &room, in));
	say("eof %d", !!feof(in));
	result("close", fclose(in));
	say("peer: %s", peer("end"));
}

static void
stdio_large(void)
{
	int fd = linked(0), i;
	FILE *f = fdopen(fd, "w");

	setvbuf(f, NULL, _IOFBF, 10000);
	for (i = 0; i < 20000; i++)
		fprintf(f, "%d", i % 7);
	result("close", fclose(f));
	say("peer: %s", peer("end"));
}

static const struct shim_case table[] = {
    CASE(status),
    CASE(status_of_path),
    CASE(file_system),
    CASE(sizes),
    CASE(synchronised),
    CASE(modes),
    CASE(locks),
    CASE(control),
    CASE(no_terminal),
    CASE(no_directory),
    CASE(vectors_of_none),
    CASE(vectors_of_many),
    CASE(vectors_with_bad_parts),
    CASE(receive_many_in_time),
    CASE(send_many_partly),
    CASE(aio_of_posix),
    CASE(aio_of_the_kernel),
    CASE(stdio_both_ways),
    CASE(stdio_two_streams),
    CASE(stdio_large),
};
const struct subject files_cases = SUBJECT("files", table);
