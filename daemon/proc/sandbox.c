/* SPDX-License-Identifier: ISC */
/*
 * The sandboxes of engine, frontend and resolver.
 *
 *	file system	an empty read-only tmpfs in a mount namespace of its
 *			own; in those of engine and resolver there is one
 *			directory, /fd, which is /proc/PID/fd: through it, and
 *			only so, they can connect() to a socket whose O_PATH
 *			descriptor they were given: by a client, or for the
 *			resolver the daemon's own
 *	user		the one of tcpd.conf; no groups, no capabilities, not
 *			even in the bounding set; no_new_privs
 *	system calls	an allow-list (the tables below); another one ends the
 *			process, and the log says which it was
 *
 * Every step may be refused: in containers, in user namespaces with one user
 * only, on kernels without seccomp.  Then a warning says what is missing and
 * the daemon runs without it.  What may not happen is half a change of user.
 * Sanitizers and valgrind need /proc and system calls of their own, so the
 * file system and system call parts are left out under them, with a warning.
 *
 * A filter's match traps (SIGSYS) instead of killing, so that the handler can
 * tell the parent the number before it exits; the call itself is not made.
 */
#include "config.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/log.h"
#include "proc/sandbox.h"
#include "proc/spawn.h"
#include "proc/undertaker.h"

static const char *fd_dir = "/proc/self/fd";

const char *
sandbox_fd_dir(void)
{
	return fd_dir;
}

/* What watches us from inside the process and would not survive. */
static const char *
watched_by(void)
{
	const char *preload = getenv("LD_PRELOAD");

#ifdef WITH_SANITIZERS
	return "the sanitizers";
#endif
	if (preload != NULL && strstr(preload, "vgpreload") != NULL)
		return "valgrind";
	return NULL;
}

/* ---- descriptors ---- */

/* One descriptor per connection: as many as we may have. */
static void
raise_limits(void)
{
	struct rlimit r;
	unsigned long most = 0;
	const struct rlimit pinned = {RLIM_INFINITY, RLIM_INFINITY};
	FILE *f = fopen("/proc/sys/fs/nr_open", "re");

	/* A device xdp has memory that the driver sees. */
	setrlimit(RLIMIT_MEMLOCK, &pinned);

	if (f != NULL) {
		if (fscanf(f, "%lu", &most) != 1)
			most = 0;
		fclose(f);
	}
	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	if (most > r.rlim_max) {
		struct rlimit all = {most, most};

		if (setrlimit(RLIMIT_NOFILE, &all) == 0)
			return;
	}
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_max < 65536)
		log_info("at most %lu descriptors, so fewer connections; raise "
			 "the hard limit (ulimit -Hn, LimitNOFILE=)",
		    (unsigned long)r.rlim_max);
}

/* ---- file system ---- */

/* A directory to mount over, in our own mount namespace. */
static const char *
mount_point(void)
{
	static const char *const dirs[] = {"/tmp", "/run", "/mnt", "/dev"};
	struct stat st;

	for (unsigned i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
		if (stat(dirs[i], &st) == 0 && S_ISDIR(st.st_mode))
			return dirs[i];
	return "/";
}

/* Makes the empty root and goes there; NULL or the step that failed. */
static const char *
empty_root(bool with_fd)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *dir = mount_point();
	char fds[64];

	snprintf(fds, sizeof fds, "/proc/%d/fd", (int)getpid());
	if (unshare(CLONE_NEWNS) == -1)
		return "a mount namespace";
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return "private mounts";
	if (mount("tcpd", dir, "tmpfs", flags,
		"mode=0555,size=4k,nr_inodes=4") == -1)
		return "an empty file system";
	if (chdir(dir) == -1)
		return "the empty file system's directory";
	if (with_fd && (mkdir("fd", 0555) == -1 ||
			   mount(fds, "fd", NULL, MS_BIND, NULL) == -1))
		return "binding /proc/PID/fd";
	if (mount("none", dir, NULL, MS_REMOUNT | MS_RDONLY | flags,
		"size=4k") == -1)
		return "a read-only root";
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH) == -1)
			return "letting go of the old root";
	} else if (chroot(".") == -1) {
		return "changing the root";
	}
	if (chdir("/") == -1)
		return "the new root";
	if (with_fd)
		fd_dir = "/fd";
	return NULL;
}

/* ---- user ---- */

static void
drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2];

	memset(none, 0, sizeof none);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &h, none) == -1)
		log_warn("cannot drop capabilities: %s", strerror(errno));
}

static void
change_user(const struct conf_global *g, bool tell)
{
	if (!g->have_user) {
		log_debug(
		    "not started by root: staying user %d", (int)getuid());
		return;
	}
	if (setgroups(0, NULL) == -1 && errno != EPERM)
		fatal("cannot give up groups: %s", strerror(errno));
	if (setresgid(g->gid, g->gid, g->gid) == -1) {
		if (tell)
			log_warn("cannot become user %s (%s; in a user "
				 "namespace with one user only that is so): "
				 "staying user %d",
			    g->user, strerror(errno), (int)getuid());
		return;
	}
	if (setresuid(g->uid, g->uid, g->uid) == -1)
		fatal("became group %u but cannot become user %u: %s", g->gid,
		    g->uid, strerror(errno));
	if (setresuid(0, 0, 0) == 0 || geteuid() != g->uid)
		fatal("user %u can become root again; refusing to run", g->uid);
	if (tell && strcmp(g->user, "nobody") == 0)
		log_warn("running as nobody; a user of tcpd's own is better "
			 "(useradd --system _tcpd)");
}

/* ---- system calls ---- */

#define SYS(name) SCMP_SYS(name)

/* What the C library, libevent and all roles need. */
static const int calls_common[] = {SYS(read), SYS(readv), SYS(write),
    SYS(writev), SYS(recvmsg), SYS(sendmsg), SYS(recvfrom), SYS(sendto),
    SYS(recvmmsg), SYS(sendmmsg), SYS(accept4), SYS(accept), SYS(getsockopt),
    SYS(setsockopt), SYS(getpeername), SYS(getsockname), SYS(shutdown),
    SYS(close), SYS(close_range), SYS(dup), SYS(fcntl), SYS(fstat),
    SYS(newfstatat), SYS(lseek), SYS(epoll_create1), SYS(epoll_ctl),
    SYS(epoll_wait), SYS(epoll_pwait), SYS(timerfd_create),
    SYS(timerfd_settime), SYS(eventfd2), SYS(poll), SYS(ppoll), SYS(select),
    SYS(pselect6), SYS(clock_gettime), SYS(clock_getres), SYS(gettimeofday),
    SYS(time), SYS(munmap), SYS(madvise), SYS(mremap), SYS(brk), SYS(futex),
    SYS(exit), SYS(exit_group), SYS(rt_sigaction), SYS(rt_sigprocmask),
    SYS(rt_sigreturn), SYS(sigaltstack), SYS(restart_syscall), SYS(getrandom),
    SYS(getpid), SYS(gettid), SYS(getppid), SYS(getuid), SYS(geteuid),
    SYS(getgid), SYS(getegid), SYS(sched_yield), SYS(uname), SYS(getrusage)};

/* The engine also connects to listeners and watches processes. */
static const int calls_engine[] = {SYS(connect), SYS(bind), SYS(listen),
    SYS(socketpair), SYS(pidfd_open), SYS(memfd_create), SYS(ftruncate)};

static const int calls_resolver[] = {SYS(connect)};

/* Refused without ending the process: the C library tries them and copes. */
static const int calls_refused[] = {SYS(open), SYS(openat), SYS(access),
    SYS(faccessat), SYS(faccessat2), SYS(readlink), SYS(readlinkat), SYS(stat),
    SYS(prlimit64), SYS(sched_getaffinity), SYS(prctl)};

static const unsigned long ioctls[] = {
    FIONREAD, FIONBIO, SIOCOUTQ, SIOCOUTQNSD, TUNATTACHFILTER, TUNDETACHFILTER};

static void
on_sigsys(int sig, siginfo_t *si, void *ctx)
{
	struct {
		struct msg_head h;
		struct cm_syscall c;
	} m = {{.magic = msgchan_internal.magic,
		   .version = msgchan_internal.version,
		   .type = CM_SYSCALL,
		   .len = sizeof(struct cm_syscall)},
	    {(uint32_t)si->si_syscall, (uint32_t)si->si_arch}};

	send(PROC_FD, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL);
	_exit(128 + SIGSYS);
}

static int
allow_list(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (calls[i] < 0)
			continue; /* not on this architecture */
		rc = seccomp_rule_add(f, action, calls[i], 0);
	}
	return rc;
}

/* Calls that depend on their arguments. */
static int
allow_some(scmp_filter_ctx f, bool connects)
{
	const uint32_t yes = SCMP_ACT_ALLOW;
	const uint64_t exec = PROT_EXEC, self = (uint64_t)getpid();
	int rc;

	rc = seccomp_rule_add(
	    f, yes, SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
	if (rc == 0)
		rc = seccomp_rule_add(f, yes, SYS(mprotect), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
	if (rc == 0) /* abort() */
		rc = seccomp_rule_add(
		    f, yes, SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self, 0));
	for (size_t i = 0; i < sizeof ioctls / sizeof ioctls[0] && rc == 0; i++)
		rc = seccomp_rule_add(
		    f, yes, SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, ioctls[i], 0));
	if (rc == 0 && connects)
		rc = seccomp_rule_add(
		    f, yes, SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	return rc;
}

#define LIST(a) (a), sizeof(a) / sizeof((a)[0])

static int
load_filter(enum proc_role role)
{
	struct sigaction sa = {
	    .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
	int rc;

	if (f == NULL)
		return -ENOMEM;
	sigaction(SIGSYS, &sa, NULL);
	/* The undertaker's thread as well. */
	rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = allow_list(f, SCMP_ACT_ALLOW, LIST(calls_common));
	if (rc == 0)
		rc = allow_list(f, SCMP_ACT_ERRNO(EACCES), LIST(calls_refused));
	if (rc == 0 && role == ROLE_ENGINE)
		rc = allow_list(f, SCMP_ACT_ALLOW, LIST(calls_engine));
	if (rc == 0 && role == ROLE_RESOLVER)
		rc = allow_list(f, SCMP_ACT_ALLOW, LIST(calls_resolver));
	if (rc == 0)
		rc = allow_some(f, role != ROLE_FRONTEND);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc;
}

/* ---- the whole ---- */

void
sandbox_enter(enum proc_role role, const struct conf_global *g)
{
	bool engine = role == ROLE_ENGINE;
	const char *watcher = watched_by(), *step;
	int rc;

	if (engine)
		raise_limits();
	if (watcher != NULL) {
		log_warn("running under %s: without the file system and "
			 "system call parts of the sandbox",
		    watcher);
	} else if ((step = empty_root(role != ROLE_FRONTEND)) != NULL) {
		log_warn("no empty root: %s was refused: %s (needs root, or a "
			 "user namespace of one's own)",
		    step, strerror(errno));
	}
	drop_bounding_set();
	change_user(g, engine);
	drop_capabilities();
	if (engine && !undertaker_start())
		log_warn("cannot begin a thread: %s; a local user can make "
			 "tcpd wait",
		    strerror(errno));
	prctl(PR_SET_DUMPABLE, watcher != NULL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		log_warn("no_new_privs was refused: %s", strerror(errno));
	if (watcher == NULL && (rc = load_filter(role)) != 0)
		log_warn("system calls are not restricted: %s (a kernel with "
			 "CONFIG_SECCOMP_FILTER is needed)",
		    strerror(-rc));
}
