/* SPDX-License-Identifier: ISC */
/*
 * Tries to come by a socket of the kernel's IP, each way that there is, under
 * tcpd-run --no-bypass.
 *
 *	escape hold		outside: has such a socket on descriptor 200
 *	escape try PID		inside; PID is the one that holds
 *
 * One line each: the way's name and "no", or "ESCAPED" when the kernel has a
 * socket of ours that is of a family with IP in it, or when another process
 * could be made to act.  System calls are made without the C library.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HELD 200

static int escapes;
static pid_t holder;
static const char *self;

static long
raw(long n, long a, long b, long c, long d, long e)
{
	long ret;
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
#else
	ret = syscall(n, a, b, c, d, e);
	if (ret == -1)
		ret = -errno;
#endif
	return ret;
}

/* Is it a socket of another protocol than those that cannot carry IP?  Asked of
 * the file system of sockets, which nobody answers for the kernel. */
static bool
forbidden(int fd)
{
	static const char *const harmless[] = {"UNIX", "NETLINK", "ALG"};
	char name[64] = "";
	ssize_t n =
	    fgetxattr(fd, "system.sockprotoname", name, sizeof name - 1);

	if (n <= 0)
		return false;
	for (unsigned i = 0; i < 3; i++)
		if (strncmp(name, harmless[i], strlen(harmless[i])) == 0)
			return false;
	return true;
}

static bool
have_one(void)
{
	for (int fd = 0; fd < 1024; fd++)
		if (forbidden(fd))
			return true;
	return false;
}

static void
verdict(const char *way, bool escaped)
{
	escaped |= have_one();
	printf("%s: %s\n", way, escaped ? "ESCAPED" : "no");
	fflush(stdout);
	if (!escaped)
		return;
	escapes++;
	for (int fd = 3; fd < 1024; fd++)
		if (forbidden(fd))
			close(fd);
}

/* Descriptors that a way may have made, tcpd's own among them. */
static void
tidy(void)
{
	for (int fd = 3; fd < 64; fd++)
		close(fd);
}

/* ---- by socket() ---- */

static void
each_family(long upper, const char *way)
{
	long family, type;
	bool any = false;

	for (family = 0; family < 64; family++)
		for (type = 0; type <= 10; type++) {
			long fd = raw(
			    SYS_socket, upper | family, upper | type, 0, 0, 0);

			any |= fd >= 0 && forbidden((int)fd);
			if (fd >= 0)
				close((int)fd);
		}
	verdict(way, any);
}

static void
protocols(void)
{
	static const int proto[] = {IPPROTO_ICMP, IPPROTO_UDPLITE, IPPROTO_SCTP,
	    IPPROTO_DCCP, 262 /* MPTCP */, 256 /* SMC */};
	static const int families[] = {AF_INET, AF_INET6};
	static const int types[] = {
	    SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_RAW};

	for (unsigned f = 0; f < 2; f++)
		for (unsigned t = 0; t < 5; t++)
			for (unsigned p = 0; p < 6; p++)
				raw(SYS_socket, families[f], types[t], proto[p],
				    0, 0);
	verdict("protocols", false);
	tidy();
}

static void
pairs(void)
{
	int fds[2];

	raw(SYS_socketpair, AF_INET, SOCK_STREAM, 0, (long)fds, 0);
	raw(SYS_socketpair, AF_INET6, SOCK_DGRAM, 0, (long)fds, 0);
	verdict("socketpair", false);
}

#if defined(__x86_64__)
static long
int80(long n, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(n), "b"(a), "c"(b), "d"(c)
			 : "r8", "r9", "r10", "r11", "memory");
	return (int)ret;
}

static void
other_interfaces(void)
{
	uint32_t *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	const long x32 = 0x40000000;

	raw(x32 | SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0);
	raw(x32 | SYS_socket, AF_INET6, SOCK_DGRAM, 0, 0, 0);
	verdict("x32", false);
	int80(359, AF_INET, SOCK_STREAM, 0);
	int80(359, AF_INET6, SOCK_DGRAM, 0);
	int80(359, AF_PACKET, SOCK_RAW, 0);
	verdict("32 bits: socket", false);
	args[0] = AF_INET;
	args[1] = SOCK_STREAM;
	args[2] = 0;
	int80(102, 1, (long)(uintptr_t)args, 0);
	verdict("32 bits: socketcall", false);
	verdict(
	    "32 bits: io_uring", int80(425, 4, (long)(uintptr_t)args, 0) >= 0);
	verdict("32 bits: pidfd_getfd",
	    int80(438, int80(434, holder, 0, 0), HELD, 0) >= 0);
}
#endif

/* ---- by others' hands ---- */

static void
rings(void)
{
	struct io_uring_params p;
	long fd;

	memset(&p, 0, sizeof p);
	fd = raw(SYS_io_uring_setup, 4, (long)&p, 0, 0, 0);
	verdict("io_uring", fd != -ENOSYS);
	if (fd >= 0)
		close((int)fd);
}

static void
others(void)
{
	char byte = 0, path[64];
	struct iovec from = {&byte, 1}, to = {(void *)(uintptr_t)&escapes, 1};
	long pidfd = raw(SYS_pidfd_open, holder, 0, 0, 0, 0);

	raw(SYS_pidfd_getfd, pidfd, HELD, 0, 0, 0);
	verdict("pidfd_getfd", pidfd < 0);
	verdict("ptrace: attach",
	    raw(SYS_ptrace, PTRACE_ATTACH, holder, 0, 0, 0) == 0);
	verdict("ptrace: seize",
	    raw(SYS_ptrace, PTRACE_SEIZE, holder, 0, 0, 0) == 0);
	/* Landlock's domain, where the kernel has one for that. */
	snprintf(path, sizeof path, "/proc/%d/mem", (int)holder);
	verdict("/proc/PID/mem",
	    open(path, O_RDWR) >= 0 &&
		raw(SYS_landlock_create_ruleset, 0, 0, 1, 0, 0) >= 4);
	verdict("process_vm_writev",
	    raw(SYS_process_vm_writev, holder, (long)&from, 1, (long)&to, 1) !=
		-EPERM);
}

/* By a helper that the kernel starts. */
static void
keys(void)
{
	verdict("request_key",
	    raw(SYS_request_key, (long)"user", (long)"tcpd:escape", (long)"x",
		-3 /* the process's keyring */, 0) != -EPERM);
}

/* By what a shell reads from the terminal when we have ended. */
static int
type_ahead(long upper)
{
	int tty = posix_openpt(O_RDWR), own;

	if (tty < 0 || grantpt(tty) != 0 || unlockpt(tty) != 0 || setsid() < 0)
		return 0;
	own = open(ptsname(tty), O_RDWR);
	return own >= 0 &&
	       (raw(SYS_ioctl, own, upper | TIOCSTI, (long)"x", 0, 0) == 0 ||
		   raw(SYS_ioctl, own, upper | TIOCLINUX, (long)"\6", 0, 0) !=
		       -EPERM);
}

/* ---- by becoming another ---- */

static int
child_status(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int
simple(void *arg)
{
	bool *any = arg;

	raw(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0);
	raw(SYS_socket, AF_INET6, SOCK_STREAM, 0, 0, 0);
	if (have_one())
		*any = true;
	return have_one();
}

static void *
in_thread(void *arg)
{
	simple(arg);
	return NULL;
}

static void
relatives(void)
{
	bool any = false;
	pthread_t t;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit(simple(&any));
	verdict("fork", child_status(pid) != 0);
	if (pthread_create(&t, NULL, in_thread, &any) == 0)
		pthread_join(t, NULL);
	verdict("thread", any);
	pid = vfork();
	if (pid == 0) {
		execl(self, self, "simple", (char *)NULL);
		_exit(1);
	}
	verdict("vfork, exec", child_status(pid) != 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
			_exit(0);
		_exit(simple(&any));
	}
	verdict("namespaces", child_status(pid) != 0);
	pid = fork();
	if (pid == 0)
		_exit(type_ahead(0));
	verdict("terminal", child_status(pid) != 0);
	pid = fork();
	if (pid == 0)
		_exit(type_ahead(0x100000000));
	verdict("terminal, upper half set", child_status(pid) != 0);
	tidy();
}

/* ---- by the C library's names, which tcpd has taken ---- */

static void
kernels_addresses(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	verdict("connect to loopback",
	    connect(fd, (struct sockaddr *)&sin, sizeof sin) == 0 ||
		errno == ECONNREFUSED);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	verdict("bind to loopback",
	    bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
	close(fd);
	sin.sin_addr.s_addr = htonl(0xffffffff);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	connect(fd, (struct sockaddr *)&sin, sizeof sin);
	verdict("connect to broadcast", false);
	tidy();
}

static int
hold(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || dup2(fd, HELD) < 0)
		return 1;
	puts("holding");
	fflush(stdout);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	bool any = false;

	self = argv[0];
	if (argc > 1 && strcmp(argv[1], "hold") == 0)
		return hold();
	if (argc > 1 && strcmp(argv[1], "simple") == 0)
		return simple(&any);
	if (argc < 3 || strcmp(argv[1], "try") != 0)
		return 2;
	holder = (pid_t)atoi(argv[2]);
	verdict("inherited", false);
	each_family(0, "each family");
	each_family(0x100000000, "each family, upper half set");
	protocols();
	pairs();
#if defined(__x86_64__)
	other_interfaces();
#endif
	rings();
	others();
	keys();
	relatives();
	kernels_addresses();
	printf("%d escapes\n", escapes);
	return escapes != 0;
}
