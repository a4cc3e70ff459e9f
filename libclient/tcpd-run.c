/* SPDX-License-Identifier: ISC */
/*
 * tcpd-run: starts a program so that its TCP is tcpd's.
 *
 * That is done by LD_PRELOAD, which silently does nothing for some programs.
 * So before anything runs, the program's file is inspected (run_check.c), the
 * daemon asked whether it is there, and what LD_PRELOAD cannot reach has its
 * system calls trapped (run_trap.c) or is refused with the reason.  --check
 * only reports.  What the program starts in turn comes here by way of the
 * library when that does not reach it (run_exec.c).
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "base/addrtext.h"
#include "ipc/policy.h"
#include "run.h"
#include "run_sandbox.h"
#include "wire.h"

/* Does --wait wait this long, milliseconds, between two looks? */
#define WAIT_STEP_MS 50

static void
usage(FILE *to)
{
	fputs("usage: tcpd-run [-nSTw] [-s PATH] [-W SECONDS] PROG [ARGS...]\n"
	      "       tcpd-run --check [-nST] [-s PATH] [ADDRESS:PORT ...] "
	      "[PROG]\n"
	      "       tcpd-run -V | -h\n\n"
	      "  -s, --socket PATH   the daemon's socket, else $TCPD_SOCKET,"
	      " else " PROTO_SOCKET "\n"
	      "  -c, --check         say what was found and which stack sockets"
	      " would use\n"
	      "  -S, --sandbox       the program has no other way out, and asks"
	      " tcpd for names\n"
	      "  -T, --trap          trap system calls instead of LD_PRELOAD;"
	      " by itself\n"
	      "                      for programs that need it\n"
	      "  -n, --no-bypass     no socket of the kernel's IP, come what"
	      " may\n"
	      "  -w, --wait          wait until the daemon answers\n"
	      "  -W, --timeout S     give up waiting after S seconds\n"
	      "  -V, --version       the version\n"
	      "  -h, --help          this text\n",
	    to);
}

/* ---- the library ---- */

static bool
beside(char *buf, size_t size, const char *below)
{
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n < 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	return (size_t)snprintf(
		   buf, size, "%s%s/libtcpd-preload.so", self, below) < size &&
	       access(buf, R_OK) == 0;
}

/* What LD_PRELOAD shall name.  $LIB lets one installed path serve programs of
 * several classes: the loader puts lib/x86_64-linux-gnu or the like there. */
static const char *
find_library(char *buf, size_t size)
{
	static const char *const trees[] = {
	    "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64"};
	static const char dir[] = LIBDIR;
	size_t n;
	unsigned i;

	if (beside(buf, size, "/.libs") || beside(buf, size, ""))
		return buf;
	if (access(LIBDIR "/libtcpd-preload.so", R_OK) != 0)
		return NULL;
	for (i = 0; i < sizeof trees / sizeof trees[0]; i++) {
		n = strlen(trees[i]);
		if (sizeof dir - 1 <= n ||
		    strcmp(&dir[sizeof dir - 1 - n], trees[i]) != 0)
			continue;
		snprintf(buf, size, "%.*s/$LIB/libtcpd-preload.so",
		    (int)(sizeof dir - 1 - n), dir);
		return buf;
	}
	return LIBDIR "/libtcpd-preload.so";
}

/* ---- the daemon ---- */

/* The program may go to another directory, so the path is made absolute. */
static void
use_socket(const char *option, const char *path)
{
	char whole[2 * PATH_MAX], dir[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(dir, sizeof dir) == NULL)
		err(EXIT_OURS, "%s %s: the directory that it is in", option,
		    path);
	snprintf(
	    whole, sizeof whole, "%s%s%s", dir, *dir != '\0' ? "/" : "", path);
	if (*path == '\0' || wire_set_path(whole) != 0)
		errx(EXIT_OURS,
		    "%s %s: a path of 1 to 107 bytes is needed, with its "
		    "directory",
		    option, path);
}

/* 0, or a negative errno; the page in *p. */
static int
ask_daemon(const struct proto_policy **p, uint16_t *version)
{
	struct wire_req q = {.type = PROTO_ERROR, .auth_fd = -1};
	int err;

	*p = wire_policy(&err);
	if (err == -EPROTONOSUPPORT) {
		wire_request(&q);
		*version = q.version;
	}
	return err;
}

/* Why the daemon's socket takes no connection: an errno; 0: it does. */
static int
try_socket(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, e = 0;

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", wire_path());
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof sun) != 0)
		e = errno;
	if (fd >= 0)
		close(fd);
	return e;
}

static void
explain(int err, uint16_t version)
{
	const char *path = wire_path();
	int e;

	if (err == -EPROTONOSUPPORT) {
		warnx("the daemon at %s speaks version %u of the protocol, "
		      "this tcpd-run version %u: install both from one build",
		    path, version, PROTO_VERSION);
		return;
	}
	e = try_socket();
	if (e == ENOENT || e == ENOTDIR || e == ECONNREFUSED)
		warnx("no daemon: %s: %s; start tcpd, or name another socket "
		      "with --socket or $" PROTO_SOCKET_ENV,
		    path, strerror(e));
	else if (e == EACCES)
		warnx("the daemon's socket %s may not be used by this user: "
		      "%s; see the mode of it (0666 as tcpd makes it) and of "
		      "its directories",
		    path, strerror(e));
	else if (e == EPROTOTYPE)
		warnx("%s: %s; that is not the clients' socket; is it the "
		      "control socket?",
		    path, strerror(e));
	else
		warnx("the daemon at %s does not answer (%s): is it stopping, "
		      "or is that not tcpd?",
		    path, strerror(e != 0 ? e : -err));
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
need_daemon(const struct proto_policy **p, bool wait, int64_t limit_ms)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
	int64_t end = now_ms() + limit_ms;
	uint16_t version = 0;
	int err;

	while ((err = ask_daemon(p, &version)) == -ENETDOWN && wait &&
	       now_ms() < end)
		nanosleep(&step, NULL);
	if (err == 0)
		return 0;
	explain(err, version);
	return EXIT_NO_DAEMON;
}

/* ---- --check ---- */

/* An address with a port. */
static bool
parse_question(const char *s, struct ipaddr *a, uint16_t *port)
{
	const char *end = strrchr(s, ':');

	return end != NULL && addrtext_parse_endpoint(s, a, port) &&
	       (*port != 0 || strcmp(end, ":0") == 0);
}

/* Looks like an address, or ends like one with a port; programs seldom do. */
static bool
meant_as_question(const char *s)
{
	const char *port = strrchr(s, ':');

	if (strchr(s, '/') != NULL)
		return false;
	return (strspn(s, "0123456789abcdefABCDEF.:[]") == strlen(s) &&
		   strpbrk(s, ".:") != NULL) ||
	       (port != NULL && port[1] != '\0' &&
		   strspn(port + 1, "0123456789") == strlen(port + 1));
}

static void
print_verdict(const char *what, const char *addr, struct policy_verdict v)
{
	printf("%-7s %s: %s: %s", what, addr, policy_action_text(v.action),
	    policy_why_text(v.why));
	if (v.line != 0)
		printf(" (line %u)", v.line);
	putchar('\n');
}

static void
print_rules(const struct proto_policy *p)
{
	char rule[ADDRTEXT_MAX];
	uint32_t i, n = p->nconnect + p->nbind;
	const struct proto_rule *r;
	struct ipaddr a;

	for (i = 0; i < n; i++) {
		r = &p->rules[i];
		memcpy(a.b, r->addr, sizeof a.b);
		print_verdict(i < p->nconnect ? "connect" : "bind",
		    addrtext_prefix(&a, r->plen, rule),
		    (struct policy_verdict){r->action, r->why, r->line});
	}
}

/* Why the daemon's resolver answers nobody, or NULL. */
static const char *
no_names(void)
{
	struct wire_req q = {.type = PROTO_RESOLVE, .auth_fd = -1};
	int err;

	err = wire_request(&q);
	if (err == -EOPNOTSUPP)
		return "the daemon has no resolver; add a line like resolver "
		       "{ nameserver = \"192.0.2.53\" } to its tcpd.conf and "
		       "restart it";
	return err != 0 ? strerror(-err) : NULL;
}

/* Arguments are questions and, last, perhaps a program. */
static int
check(int argc, char **argv, struct run_options *o, const char *library)
{
	const struct proto_policy *p;
	struct ipaddr a;
	uint16_t port;
	const char *why;
	int i, status, questions = 0;

	printf("library: %s\n", library);
	status = need_daemon(&p, false, 0);
	if (status != 0)
		return status;
	printf("daemon:  %s answers, protocol %u, policy %u\n", wire_path(),
	    PROTO_VERSION, p->generation);
	for (i = 0; i < argc; i++) {
		if (parse_question(argv[i], &a, &port)) {
			questions++;
			print_verdict(
			    "connect", argv[i], policy_connect(p, &a, port));
			print_verdict(
			    "bind", argv[i], policy_bind(p, &a, port));
			continue;
		}
		questions++;
		if (meant_as_question(argv[i])) {
			warnx("%s: an address with a port is needed, like "
			      "192.0.2.1:80 or [2001:db8::1]:80; names are "
			      "not looked up",
			    argv[i]);
			return EXIT_OURS;
		}
		status = run_inspect(argv[i], o, true);
		break;
	}
	if (status == 0 && o->trap && !o->sandbox)
		puts("names:   whom /etc/resolv.conf names");
	else if (status == 0) {
		why = no_names();
		printf("names:   %s%s\n",
		    why == NULL	 ? "the daemon's resolver answers"
		    : o->sandbox ? "none in the sandbox: "
				 : "the kernel's: ",
		    why != NULL ? why : "");
	}
	if (questions == 0) {
		print_rules(p);
		puts("connect, bind anything else: kernel; "
		     "other families and socket types: kernel");
	}
	return status;
}

/* ---- --sandbox ---- */

static void
enter_sandbox(const struct proto_policy *p, const struct run_options *o)
{
	const struct sandbox_families f = {
	    policy_reaches(p, true), policy_reaches(p, false)};
	const char *why = no_names();

	if (why != NULL)
		warnx("warning: no name will resolve: %s", why);
	run_sandbox(f, EXIT_OURS);
}

/* ---- run ---- */

/* The library's (exec.c), not people's. */
#define OPTION_EXEC 256

static void
set_environment(const char *library)
{
	const char *old = getenv("LD_PRELOAD");
	char *both;

	if (old != NULL && *old != '\0') {
		if (strstr(old, "libtcpd-preload.so") != NULL)
			return;
		if (asprintf(&both, "%s:%s", library, old) < 0)
			err(EXIT_OURS, "environment");
		library = both;
	}
	if (setenv("LD_PRELOAD", library, 1) != 0 ||
	    setenv(PROTO_SOCKET_ENV, wire_path(), 1) != 0)
		err(EXIT_OURS, "environment");
}

static int
run(char **argv, struct run_options *o, const char *library, bool wait,
    int64_t limit_ms)
{
	const struct proto_policy *p;
	int status = run_inspect(argv[0], o, false);

	if (status == 0)
		status = need_daemon(&p, wait, limit_ms);
	if (status != 0)
		return status;
	if (o->sandbox)
		enter_sandbox(p, o); /* returns in it */
	if (o->trap)
		status = run_trap(o);
	else if (o->no_bypass)
		status = run_no_bypass(o);
	if (status != 0)
		return status;
	if (o->trap)
		run_drop_library();
	else
		set_environment(library);
	execvp(argv[0], argv);
	status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
	warn("%s", argv[0]);
	return status;
}

static int64_t
seconds(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*s == '\0' || *end != '\0' || n < 0 || n > 1000000)
		errx(EXIT_OURS,
		    "--timeout %s: a number of seconds from 0 to 1000000 is "
		    "needed",
		    s);
	return n * 1000;
}

int
main(int argc, char **argv)
{
	static const struct option longopts[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"check", no_argument, NULL, 'c'},
	    {"sandbox", no_argument, NULL, 'S'},
	    {"trap", no_argument, NULL, 'T'},
	    {"no-bypass", no_argument, NULL, 'n'},
	    {"wait", no_argument, NULL, 'w'},
	    {"timeout", required_argument, NULL, 'W'},
	    {"exec", required_argument, NULL, OPTION_EXEC},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'}, {0}};
	struct run_options o = {.trap = false};
	bool checking = false, wait = false;
	int64_t limit_ms = INT64_MAX / 2;
	char buf[PATH_MAX];
	const char *library, *exec = NULL, *option = "$" PROTO_SOCKET_ENV;
	const char *path = secure_getenv(PROTO_SOCKET_ENV);
	int c;

	if (path != NULL && *path == '\0')
		path = NULL; /* as good as not set */
	while ((c = getopt_long(argc, argv, "+s:cnSTVwW:h", longopts, NULL)) !=
	       -1) {
		switch (c) {
		case 's':
			path = optarg;
			option = "--socket";
			break;
		case 'T':
			o.trap = true;
			break;
		case 'n':
			o.no_bypass = true;
			break;
		case 'c':
			checking = true;
			break;
		case 'S':
			o.sandbox = true;
			break;
		case 'w':
			wait = true;
			break;
		case 'W':
			wait = true;
			limit_ms = seconds(optarg);
			break;
		case OPTION_EXEC:
			exec = optarg;
			break;
		case 'V':
			puts(PACKAGE_STRING);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EXIT_OURS;
		}
	}
	if (exec != NULL && argc - optind >= 2)
		run_exec(exec, argv + optind);
	if (path != NULL)
		use_socket(option, path);
	library = find_library(buf, sizeof buf);
	if (library == NULL)
		errx(EXIT_OURS, "libtcpd-preload.so is neither beside this "
				"program nor in " LIBDIR ": run make install");
	if (checking)
		return check(argc - optind, argv + optind, &o, library);
	if (optind == argc) {
		usage(stderr);
		return EXIT_OURS;
	}
	return run(argv + optind, &o, library, wait, limit_ms);
}
