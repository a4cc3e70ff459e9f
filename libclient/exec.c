/* SPDX-License-Identifier: ISC */
/*
 * What a program under the library executes: a file that LD_PRELOAD does not
 * reach (static, Go, set-user-ID, see elf.h), or a script for such a file, is
 * executed as "tcpd-run --exec FILE", which serves it by the trap if that can
 * be done and otherwise says that it is the kernel's.  It stays the same
 * process with the same arguments, environment, directory and descriptors.
 *
 * It is the environment that decides, as it does for all other programs: where
 * LD_PRELOAD does not name the library any more, the program is let go.  Also
 * where tcpd-run is comes from there, for that name is all that was kept.
 *
 * Most callers are children of vfork() or fork(): no allocation, no lock, some
 * ten kilobytes of stack, and nothing changed but errno.  What cannot be
 * executed is the C library's to fail with, whose errors are the true ones: so
 * the kernel is asked first, as long as it can be (AT_EXECVE_CHECK, Linux 6.14;
 * before that whether the file is executable), since tcpd-run has nobody to
 * return an error to.
 *
 * Not seen is what the C library starts itself: /bin/sh, for system() and
 * popen().  That of posix_spawn() is looked at before its file actions, of
 * which one may change the directory that a relative path is meant from.
 */
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "elf.h"
#include "exec.h"
#include "lane.h"
#include "real.h"
#include "run.h"
#include "sys.h"

#define EXPORT __attribute__((visibility("default")))

/* Linux 6.14. */
#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

/* Interpreters of interpreters: the kernel follows four. */
#define DEPTH_MAX   5
#define RUN_MAX	    512 /* of the path of tcpd-run */
#define FEW_WORDS   512
#define OWN_WORDS   5 /* before a program's own */
#define FD_PATH_MAX 32

static const char library[] = "libtcpd-preload.so", run_name[] = "tcpd-run";
static const char fd_dir[] = RUN_FD_DIR, preload[] = "LD_PRELOAD=";
static const char no_run[] = " must be started by tcpd-run, and there is no ";

static int
raw_execve(const char *path, char *const argv[], char *const envp[])
{
	errno = -(int)SYS(SYS_execve, path, argv, envp, 0, 0, 0);
	return -1;
}

/* The next library's, found beforehand, for a child has no time for that. */
static int (*real_execve)(
    const char *, char *const[], char *const[]) = raw_execve;
static int (*real_execvpe)(const char *, char *const[], char *const[]);

__attribute__((constructor)) static void
setup(void)
{
	int saved = errno;

	real_resolve("execve", &real_execve);
	real_resolve("execvpe", &real_execvpe);
	errno = saved;
}

/* ---- the environment ---- */

/* valgrind's tools are static and have programs loaded as ever, with the
 * library. */
static bool
is_valgrind(char *const envp[])
{
	static const char name[] = "VALGRIND_LAUNCHER=";

	for (; *envp != NULL; envp++)
		if (strncmp(*envp, name, sizeof name - 1) == 0)
			return true;
	return false;
}

/* The entry of LD_PRELOAD that has the library; NULL: none. */
static char *const *
find_preload(char *const envp[])
{
	unsigned i;

	for (i = 0; envp != NULL && envp[i] != NULL; i++)
		if (strncmp(envp[i], preload, sizeof preload - 1) == 0 &&
		    strstr(envp[i], library) != NULL)
			return &envp[i];
	return NULL;
}

static bool
executable(const char *path)
{
	return SYS(SYS_faccessat, AT_FDCWD, path, X_OK, 0, 0, 0) == 0;
}

/* Where tcpd-run is, in a build tree or as installed; false: the environment
 * has no library. */
static bool
find_run(char *const envp[], char run[RUN_MAX])
{
	static const char built[] = "/.libs/", installed[] = BINDIR "/tcpd-run";
	char *const *entry = find_preload(envp);
	const char *name, *dir;
	size_t n;

	_Static_assert(sizeof installed <= RUN_MAX, "a shorter --bindir");
	if (entry == NULL)
		return false;
	dir = name = strstr(*entry, library);
	while (strchr("=: ", dir[-1]) == NULL)
		dir--;
	n = (size_t)(name - dir);
	if (n >= sizeof built &&
	    memcmp(name - (sizeof built - 1), built, sizeof built - 1) == 0)
		n -= sizeof built - 2;
	if (n > 0 && n + sizeof run_name <= RUN_MAX) {
		memcpy(run, dir, n);
		memcpy(run + n, run_name, sizeof run_name);
		if (executable(run))
			return true;
	}
	memcpy(run, installed, sizeof installed);
	return true;
}

/* ---- the file ---- */

/* The path of a descriptor of this process. */
static const char *
fd_path(int fd, char text[FD_PATH_MAX])
{
	char *p = text + FD_PATH_MAX;

	*--p = '\0';
	do
		*--p = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	p -= sizeof fd_dir - 1;
	return memcpy(p, fd_dir, sizeof fd_dir - 1);
}

/* Unless it would go to some peer. */
static void
say(const char *path, const char *why, const char *what)
{
	static char own[] = "tcpd: warning: ", then[] = "; ", end[] = "\n";
	const char *unserved = run_unserved();
	struct iovec iov[] = {{own, sizeof own - 1},
	    {(char *)(uintptr_t)path, strlen(path)},
	    {(char *)(uintptr_t)why, strlen(why)},
	    {(char *)(uintptr_t)what, strlen(what)}, {then, sizeof then - 1},
	    {(char *)(uintptr_t)unserved, strlen(unserved)},
	    {end, sizeof end - 1}};
	struct stat st;
	int saved = errno;

	if (fstat(STDERR_FILENO, &st) == 0 && !S_ISSOCK(st.st_mode))
		SYS(SYS_writev, STDERR_FILENO, iov, 7, 0, 0, 0);
	errno = saved;
}

/* Of a script its interpreter, as the kernel finds it. */
static bool
is_beyond_us(int dir, const char *path)
{
	char next[ELF_LINE_MAX];
	struct elf_facts f;
	int depth;

	for (depth = 0; depth < DEPTH_MAX; depth++) {
		elf_inspect(dir, path, &f);
		switch (f.kind) {
		case ELF_SCRIPT:
			memcpy(next, f.interp, sizeof next);
			path = next;
			dir = AT_FDCWD;
			continue;
		case ELF_UNKNOWN:
			return false;
		case ELF_FOREIGN: /* if the kernel knows what to do */
			say(path, " is of another class or machine", "");
			return false;
		case ELF_UNREADABLE: /* and perhaps to be executed */
			return f.err == EACCES;
		case ELF_DYNAMIC:
			return f.go || f.setid || f.filecaps;
		default:
			return true;
		}
	}
	return false;
}

/* Is there no error that the caller should have? */
static bool
would_start(int dir, const char *path, char *const argv[], char *const envp[],
    int flags)
{
	long r = SYS(
	    SYS_execveat, dir, path, argv, envp, flags | AT_EXECVE_CHECK, 0);

	/* Not known, or some filter does not want it. */
	if (r == -EINVAL || r == -ENOSYS || r == -EPERM)
		r = SYS(
		    SYS_faccessat2, dir, path, X_OK, flags | AT_EACCESS, 0, 0);
	if (r == -ENOSYS)
		r = SYS(SYS_faccessat, dir, path, X_OK, 0, 0, 0);
	return r == 0;
}

/* Something to be done by tcpd-run?  Then where that is is in run. */
static bool
wants_run(int dir, const char *path, char *const argv[], char *const envp[],
    int flags, char run[RUN_MAX])
{
	int saved = errno;
	bool yes;

	yes = path != NULL && find_run(envp, run) && is_beyond_us(dir, path) &&
	      !is_valgrind(envp) && would_start(dir, path, argv, envp, flags);
	errno = saved;
	return yes;
}

/* ---- arguments ---- */

/* Many go into a mapping.  In a child of vfork() that is its parent's, who
 * keeps it: 8 bytes an argument, from 512 of them on. */
struct words {
	char **v;
	size_t mapped;
	char *few[FEW_WORDS];
};

static bool
words_open(struct words *w, size_t n)
{
	long r;

	w->v = w->few;
	w->mapped = 0;
	if (n <= FEW_WORDS)
		return true;
	w->mapped = n * sizeof w->few[0];
	r = SYS(SYS_mmap, NULL, w->mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r < 0 && r > -4096) {
		errno = (int)-r;
		return false;
	}
	w->v = (char **)r;
	return true;
}

static void
words_close(const struct words *w)
{
	if (w->mapped > 0)
		SYS(SYS_munmap, w->v, w->mapped, 0, 0, 0, 0);
}

/* What tcpd-run is given: how it finds the file, and then the program's own. It
 * is not to have the library itself, so of the environment that comes in an
 * argument. */
struct order {
	struct words words;
	char *const *envp;
	char fd_text[FD_PATH_MAX];
	int fd; /* of the file, when it has no path; -1 */
};

/* A path that means something in this process alone. */
static bool
is_private(int dir, const char *path)
{
	return (dir != AT_FDCWD && path[0] != '/') ||
	       strncmp(path, "/proc/", 6) == 0 ||
	       strncmp(path, "/dev/fd/", 8) == 0;
}

static size_t
count(char *const list[])
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static bool
order_open(struct order *o, int dir, const char *path, char *const argv[],
    char *const envp[])
{
	static char own[] = "tcpd-run", exec[] = "--exec", end[] = "--",
		    empty[] = "";
	size_t n = count(argv), nenv = count(envp), before;
	char *const *entry = find_preload(envp);
	char **v;

	o->fd = -1;
	if (!words_open(&o->words, OWN_WORDS + n + 2 + nenv))
		return false;
	if (is_private(dir, path))
		o->fd = (int)SYS(SYS_openat, dir, path, O_PATH, 0, 0, 0);
	v = o->words.v;
	*v++ = own;
	*v++ = exec;
	*v++ =
	    (char *)(uintptr_t)(o->fd >= 0 ? fd_path(o->fd, o->fd_text) : path);
	*v++ = end;
	*v++ = *entry + sizeof preload - 1;
	if (n == 0) /* as the kernel puts it right */
		*v++ = empty;
	for (; n > 0; n--)
		*v++ = *argv++;
	*v++ = NULL;
	o->envp = v;
	before = (size_t)(entry - envp);
	memcpy(v, envp, before * sizeof *v);
	memcpy(v + before, entry + 1, (nenv - before) * sizeof *v);
	return true;
}

static void
order_close(const struct order *o)
{
	if (o->fd >= 0)
		sys_close(o->fd);
	words_close(&o->words);
}

/* An error of executing tcpd-run that is about the arguments. */
static bool
is_callers(int e)
{
	return e == E2BIG || e == ENOMEM || e == EAGAIN;
}

/* true: it failed, and that is the result. */
static bool
by_run(const char *run, int dir, const char *path, char *const argv[],
    char *const envp[])
{
	struct order o;
	int e;

	if (!order_open(&o, dir, path, argv, envp))
		return true;
	real_execve(run, o.words.v, o.envp);
	e = errno;
	order_close(&o);
	errno = e;
	if (is_callers(e))
		return true;
	say(path, no_run, run);
	return false;
}

int
exec_file(int dir, const char *path, char *const argv[], char *const envp[],
    int flags)
{
	char run[RUN_MAX], at[FD_PATH_MAX];
	const char *file = path;
	int from = dir;

	lane_end_inherited(false);
	if (dir >= 0 && path != NULL && path[0] == '\0' &&
	    flags & AT_EMPTY_PATH) {
		file = fd_path(dir, at);
		from = AT_FDCWD;
	}
	if (wants_run(from, file, argv, envp, flags, run) &&
	    by_run(run, from, file, argv, envp))
		return -1;
	if (dir == AT_FDCWD && flags == 0)
		return real_execve(path, argv, envp);
	errno = -(int)SYS(SYS_execveat, dir, path, argv, envp, flags, 0);
	return -1;
}

/* ---- PATH ---- */

/* One candidate of execvp(). */
static bool
is_program(const char *path)
{
	struct stat st;

	return executable(path) && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The file that execvp() would find, or NULL. */
static const char *
search(const char *file, char buf[PATH_MAX])
{
	const char *path = getenv("PATH"), *p, *end;
	size_t n = strlen(file), len;

	if (strchr(file, '/') != NULL)
		return file;
	if (n == 0 || n > NAME_MAX)
		return NULL;
	if (path == NULL)
		path = "/bin:/usr/bin";
	for (p = path; p != NULL; p = *end == ':' ? end + 1 : NULL) {
		end = strchrnul(p, ':');
		len = (size_t)(end - p);
		if (len + n + 2 > PATH_MAX)
			continue;
		memcpy(buf, p, len);
		if (len > 0)
			buf[len++] = '/';
		memcpy(buf + len, file, n + 1);
		if (is_program(buf))
			return buf;
	}
	return NULL;
}

static int
exec_search(const char *file, char *const argv[], char *const envp[])
{
	char buf[PATH_MAX], run[RUN_MAX];
	const char *path;
	int saved = errno;

	lane_end_inherited(false);
	path = file != NULL ? search(file, buf) : NULL;
	errno = saved;
	if (path != NULL && wants_run(AT_FDCWD, path, argv, envp, 0, run) &&
	    by_run(run, AT_FDCWD, path, argv, envp))
		return -1;
	if (real_execvpe != NULL)
		return real_execvpe(file, argv, envp);
	return real_execve(path != NULL ? path : file, argv, envp);
}

/* ---- the C library's names ---- */

EXPORT int
execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_file(AT_FDCWD, path, argv, envp, 0);
}

EXPORT int
execv(const char *path, char *const argv[])
{
	return exec_file(AT_FDCWD, path, argv, environ, 0);
}

EXPORT int
execveat(int dir, const char *path, char *const argv[], char *const envp[],
    int flags)
{
	return exec_file(dir, path, argv, envp, flags);
}

/* Where the kernel would have another errno, or none, the C library's. */
static int
exec_fd(int fd, char *const argv[], char *const envp[])
{
	if (fd >= 0 && argv != NULL && envp != NULL)
		return exec_file(fd, "", argv, envp, AT_EMPTY_PATH);
	errno = EINVAL;
	return -1;
}

EXPORT int
fexecve(int fd, char *const argv[], char *const envp[])
{
	return exec_fd(fd, argv, envp);
}

EXPORT int
execvpe(const char *file, char *const argv[], char *const envp[])
{
	return exec_search(file, argv, envp);
}

EXPORT int
execvp(const char *file, char *const argv[])
{
	return exec_search(file, argv, environ);
}

static size_t
count_list(va_list ap)
{
	size_t n = 1;
	va_list aq;

	va_copy(aq, ap);
	while (va_arg(aq, char *) != NULL)
		n++;
	va_end(aq);
	return n + 1;
}

enum form {
	FORM_PATH,
	FORM_ENVIRONMENT,
	FORM_SEARCH
};

static int
exec_list(enum form form, const char *path, const char *first, va_list ap)
{
	char *const *envp = environ;
	struct words w;
	size_t n = 0;
	int e;

	if (!words_open(&w, first != NULL ? count_list(ap) : 1))
		return -1;
	w.v[0] = (char *)(uintptr_t)first;
	while (w.v[n] != NULL)
		w.v[++n] = va_arg(ap, char *);
	if (form == FORM_ENVIRONMENT)
		envp = va_arg(ap, char *const *);
	if (form == FORM_SEARCH)
		exec_search(path, w.v, envp);
	else
		exec_file(AT_FDCWD, path, w.v, envp, 0);
	e = errno;
	words_close(&w);
	errno = e;
	return -1;
}

EXPORT int
execl(const char *path, const char *arg, ...)
{
	va_list ap;

	va_start(ap, arg);
	exec_list(FORM_PATH, path, arg, ap);
	va_end(ap);
	return -1;
}

EXPORT int
execle(const char *path, const char *arg, ...)
{
	va_list ap;

	va_start(ap, arg);
	exec_list(FORM_ENVIRONMENT, path, arg, ap);
	va_end(ap);
	return -1;
}

EXPORT int
execlp(const char *file, const char *arg, ...)
{
	va_list ap;

	va_start(ap, arg);
	exec_list(FORM_SEARCH, file, arg, ap);
	va_end(ap);
	return -1;
}

/* ---- posix_spawn ---- */

typedef int spawner(pid_t *, const char *, const posix_spawn_file_actions_t *,
    const posix_spawnattr_t *, char *const[], char *const[]);

/* true: *err is the result. */
static bool
spawn_by_run(pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[], int *err)
{
	spawner *real_spawn = NULL;
	char run[RUN_MAX];
	struct order o;

	if (!wants_run(AT_FDCWD, path, argv, envp, 0, run) ||
	    !order_open(&o, AT_FDCWD, path, argv, envp))
		return false;
	real_resolve("posix_spawn", &real_spawn);
	*err = real_spawn(pid, run, actions, attr, o.words.v, o.envp);
	order_close(&o);
	if (*err == 0 || is_callers(*err))
		return true;
	say(path, no_run, run);
	return false;
}

EXPORT int
posix_spawn(pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	spawner *real_spawn = NULL;
	int err;

	lane_end_inherited(actions != NULL);
	if (spawn_by_run(pid, path, actions, attr, argv, envp, &err))
		return err;
	real_resolve("posix_spawn", &real_spawn);
	return real_spawn(pid, path, actions, attr, argv, envp);
}

EXPORT int
posix_spawnp(pid_t *pid, const char *file,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	spawner *real_spawn = NULL;
	int err, saved = errno;
	char buf[PATH_MAX];
	const char *path = search(file, buf);

	errno = saved;
	lane_end_inherited(actions != NULL);
	if (path != NULL &&
	    spawn_by_run(pid, path, actions, attr, argv, envp, &err))
		return err;
	real_resolve("posix_spawnp", &real_spawn);
	return real_spawn(pid, file, actions, attr, argv, envp);
}
