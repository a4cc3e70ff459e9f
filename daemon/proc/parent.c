/* SPDX-License-Identifier: ISC */
/*
 * The parent: reads the configuration, makes what needs privileges, starts the
 * children and hands everything down.  Afterwards it only waits: for
 * signals, for a child's death, for the few messages a child may send.  It
 * never reads a byte that came from the network or a client.
 *
 *	SIGTERM, SIGINT	stop: the engine ends all connections, then all exit 0
 *	SIGHUP		read the configuration again; what cannot change while
 *			running is named in the log
 *	a child dies	its cause is logged, everything stops, exit 1
 *
 * In the background the caller of tcpd waits until all children are ready, so
 * its exit status says whether the daemon runs.  Until then errors go to his
 * standard error, afterwards to syslog.
 *
 * The policy page is made here (page.c), out of the configuration and of what
 * the engine says that the network gave; the engine hands it to clients, the
 * frontend reads it.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addrtext.h"
#include "proc/log.h"
#include "proc/page.h"
#include "proc/proc.h"
#include "proc/runtime.h"
#include "proc/spawn.h"

#define START_S	    30 /* all children must be ready by then */
#define STOP_S	    10 /* then they are killed */
#define LOG_PENDING 2048

enum {
	ENGINE,
	FRONTEND,
	RESOLVER, /* if tcpd.conf has one */
	NCHILDREN
};

struct parent;

struct child {
	struct parent *p;
	const char *name; /* NULL: never started */
	pid_t pid;	  /* 0: not running */
	struct msgchan *ch;
	bool ready;
	int log;
	struct event *log_ev;
	char pending[LOG_PENDING];
	size_t npending;
};

struct parent {
	struct proc_args args;
	struct conf *conf;
	struct runtime rt;
	struct page page;
	uint32_t generation;
	struct cm_net net; /* what the network gave */
	struct event_base *eb;
	struct event *sig[4], *timer;
	struct child child[NCHILDREN];
	int waiter; /* the process that started us in the background; -1 */
	bool stopping, failed;
};

static void
to_log(void *arg, const char *line)
{
	log_error("%s", line);
}

/* ---- the end ---- */

static bool
all_gone(const struct parent *p)
{
	for (int i = 0; i < NCHILDREN; i++)
		if (p->child[i].pid != 0)
			return false;
	return true;
}

static void
stop(struct parent *p)
{
	struct timeval tv = {STOP_S, 0};

	if (p->stopping)
		return;
	p->stopping = true;
	for (int i = 0; i < NCHILDREN; i++) {
		struct child *c = &p->child[i];

		if (c->pid != 0 && c->ch != NULL)
			msgchan_send(c->ch, PM_STOP, 0, NULL, 0, NULL, 0);
	}
	event_add(p->timer, &tv);
	if (all_gone(p))
		event_base_loopbreak(p->eb);
}

static bool
all_are_ready(const struct parent *p)
{
	for (int i = 0; i < NCHILDREN; i++)
		if (p->child[i].name != NULL && !p->child[i].ready)
			return false;
	return true;
}

static void
fail(struct parent *p)
{
	p->failed = true;
	stop(p);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;

	for (int i = 0; i < NCHILDREN; i++) {
		struct child *c = &p->child[i];

		if (!p->stopping && c->name != NULL && !c->ready)
			log_error(
			    "%s is not ready after %d s", c->name, START_S);
		if (!p->stopping || c->pid == 0)
			continue;
		log_error(
		    "%s does not stop after %d s; killing it", c->name, STOP_S);
		p->failed = true;
		kill(c->pid, SIGKILL);
	}
	if (!p->stopping)
		fail(p);
}

/* ---- children ---- */

static void
read_log(struct child *c)
{
	for (;;) {
		ssize_t n = read(c->log, c->pending + c->npending,
		    sizeof c->pending - c->npending);
		size_t used;

		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0) {
			event_del(c->log_ev);
			return;
		}
		c->npending += (size_t)n;
		used = log_relay(c->name, c->pending, c->npending);
		memmove(c->pending, c->pending + used, c->npending - used);
		c->npending -= used;
	}
}

static void
on_log(evutil_socket_t fd, short what, void *arg)
{
	read_log(arg);
}

/* Why a child ended, in words. */
static void
log_death(const struct child *c, int status)
{
	if (WIFSIGNALED(status))
		log_error("%s (process %d) was killed by signal %d (%s)%s",
		    c->name, (int)c->pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGKILL
			? "; perhaps memory was short (dmesg)"
			: "");
	else if (WEXITSTATUS(status) == 127)
		log_error("%s could not be started: executing tcpd again "
			  "failed",
		    c->name);
	else
		log_error("%s (process %d) ended unasked with status %d",
		    c->name, (int)c->pid, WEXITSTATUS(status));
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < NCHILDREN; i++) {
			struct child *c = &p->child[i];

			if (c->pid != pid)
				continue;
			if (c->log_ev != NULL)
				read_log(c);
			if (!p->stopping || status != 0) {
				log_death(c, status);
				p->failed = true;
			}
			c->pid = 0;
			stop(p);
		}
	}
	if (p->stopping && all_gone(p))
		event_base_loopbreak(p->eb);
}

/* Everything runs: tell whoever waits, and let go of his terminal. */
static void
all_ready(struct parent *p)
{
	char buf[ADDRTEXT_MAX];
	int null;

	event_del(p->timer);
	if (p->waiter != -1) {
		if (write(p->waiter, "", 1) == -1)
			log_warn("whoever started tcpd is gone");
		close(p->waiter);
		p->waiter = -1;
		if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
			dup2(null, STDIN_FILENO);
			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
			close(null);
		}
		log_init("", LOG_DEST_SYSLOG, log_shown());
	}
	log_info("ready: %s%s on %s, clients at %s",
	    p->conf->g.naddrs > 0  ? addrtext(&p->conf->g.addrs[0].addr, buf)
	    : p->conf->g.ipv4.dhcp ? "dhcp"
				   : "slaac",
	    p->conf->g.naddrs > 1 ? " and others" : "", p->rt.caps.name,
	    p->conf->g.socket);
}

static void
set_verbose(struct parent *p, const struct pm_log *l)
{
	log_show(l->verbose);
	for (int i = 0; i < NCHILDREN; i++)
		if (p->child[i].ch != NULL)
			msgchan_send(
			    p->child[i].ch, PM_LOG, 0, l, sizeof *l, NULL, 0);
	log_info("the log is %s now",
	    l->verbose >= LOG_LVL_DEBUG ? "verbose" : "brief");
}

static bool
child_ready(struct child *c, const struct msg *m)
{
	struct parent *p = c->p;

	if (m->len != 0 || c->ready)
		return false;
	c->ready = true;
	if (all_are_ready(p) && !p->stopping)
		all_ready(p);
	return true;
}

static bool
child_stopped_by_sandbox(struct child *c, const struct msg *m)
{
	struct cm_syscall s;
	char *name;

	if (!MSG_GET(m, &s))
		return false;
	name = seccomp_syscall_resolve_num_arch(s.arch, (int)s.nr);
	log_error("%s: the sandbox stopped system call %u (%s); this is a bug "
		  "or a break-in, please report it",
	    c->name, s.nr, name != NULL ? name : "unknown");
	free(name);
	return true;
}

static int
send_policy(struct parent *p, struct child *c)
{
	struct pm_policy pol = {.generation = p->generation};

	if (c == &p->child[RESOLVER])
		return 0; /* it asks by way of the stack, always */
	return msgchan_send(
	    c->ch, PM_POLICY, 0, &pol, sizeof pol, &p->page.fd, 1);
}

static int
make_page(struct parent *p, struct page *page, uint32_t generation)
{
	const struct page_source from = {.conf = p->conf,
	    .net = &p->net,
	    .link = (uint32_t)p->rt.ifindex,
	    .mtu = p->rt.caps.mtu};

	return page_make(page, &from, generation);
}

/* The names that /etc/hosts has now.  Who resolves them can open nothing. */
static int
send_hosts(struct parent *p)
{
	struct child *c = &p->child[RESOLVER];
	int fd = -1, rc;
	struct stat st;

	if (p->conf->g.resolver.hosts)
		fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	rc = msgchan_send(c->ch, PM_HOSTS, 0, NULL, 0, &fd, fd != -1);
	if (fd != -1)
		close(fd);
	return rc;
}

/* A new page for everybody; after a new configuration that goes first. */
static void
renew_policy(struct parent *p, bool with_conf)
{
	struct page page;
	int rc = make_page(p, &page, p->generation + 1);

	if (rc != 0) {
		log_error("no new policy: %s", strerror(-rc));
		return;
	}
	page_supersede(&p->page);
	page_close(&p->page);
	p->page = page;
	p->generation++;
	for (int i = 0; i < NCHILDREN; i++) {
		struct child *c = &p->child[i];

		if (c->name == NULL)
			continue;
		if (c->ch == NULL)
			return;
		rc = with_conf ? conf_send(p->conf, c->ch) : 0;
		if (rc == 0 && with_conf && i == RESOLVER)
			rc = send_hosts(p);
		rc = rc ? rc : send_policy(p, c);
		if (rc != 0) {
			log_error("cannot tell %s: %s", c->name, strerror(-rc));
			fail(p);
			return;
		}
	}
}

/* The engine's word on what the network gives. */
static bool
take_net(struct parent *p, const struct msg *m)
{
	struct cm_net net;

	if (!MSG_GET(m, &net) || net.naddrs > CM_NET_ADDRS ||
	    net.nroutes > CM_NET_ROUTES)
		return false;
	for (uint32_t i = 0; i < net.naddrs; i++)
		if (!conf_plen_valid(&net.addrs[i].addr, net.addrs[i].plen))
			return false;
	for (uint32_t i = 0; i < net.nroutes; i++)
		if (!conf_plen_valid(&net.routes[i].dst, net.routes[i].plen))
			return false;
	p->net = net;
	if (!p->stopping)
		renew_policy(p, false);
	return true;
}

static bool
child_input(void *arg, struct msg *m)
{
	struct child *c = arg;
	struct pm_log l;

	switch (m->type) {
	case CM_READY:
		return child_ready(c, m);
	case CM_SYSCALL:
		return child_stopped_by_sandbox(c, m);
	case CM_VERBOSE:
		if (c != &c->p->child[FRONTEND] || !MSG_GET(m, &l) ||
		    l.verbose > LOG_LVL_DEBUG)
			return false;
		set_verbose(c->p, &l);
		return true;
	case CM_NET:
		return c == &c->p->child[ENGINE] && take_net(c->p, m);
	default:
		return false;
	}
}

static void
child_closed(void *arg, int error)
{
	struct child *c = arg;

	msgchan_free(c->ch);
	c->ch = NULL;
	if (error == 0)
		return; /* SIGCHLD says the rest */
	log_error("the channel to %s failed: %s", c->name, strerror(-error));
	fail(c->p);
	if (c->pid != 0)
		kill(c->pid, SIGKILL);
}

static const struct msgchan_ops child_ops = {.input = child_input,
    .closed = child_closed};

static bool
start_child(struct parent *p, int which, enum proc_role role)
{
	struct child *c = &p->child[which];
	struct spawned s;
	int rc = spawn(role, &p->args, &s);

	c->p = p;
	c->name = role_name(role);
	c->log = -1;
	if (rc != 0) {
		log_error("cannot start %s: %s", c->name, strerror(-rc));
		return false;
	}
	c->pid = s.pid;
	c->ch = msgchan_new(p->eb, s.channel, &msgchan_internal, &child_ops, c);
	if (s.log != -1) {
		c->log = s.log;
		fcntl(s.log, F_SETFL, O_NONBLOCK);
		c->log_ev =
		    event_new(p->eb, s.log, EV_READ | EV_PERSIST, on_log, c);
		if (c->log_ev == NULL || event_add(c->log_ev, NULL) != 0)
			return false;
	}
	return c->ch != NULL;
}

/* What makes the resolver, and the engine know it. */
static int
hand_down_resolver(struct parent *p)
{
	struct child *e = &p->child[ENGINE], *r = &p->child[RESOLVER];
	int rc, sv[2], door;

	if (r->ch == NULL)
		return 0;
	door = open(p->conf->g.socket, O_PATH | O_CLOEXEC);
	if (door == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1) {
		rc = -errno;
		if (door != -1)
			close(door);
		return rc;
	}
	rc = conf_send(p->conf, r->ch);
	rc = rc ? rc : msgchan_send(r->ch, PM_DOOR, 0, NULL, 0, &door, 1);
	rc = rc ? rc : send_hosts(p);
	rc = rc ? rc : msgchan_send(r->ch, PM_RESOLVER, 0, NULL, 0, &sv[0], 1);
	rc = rc ? rc : msgchan_send(e->ch, PM_RESOLVER, 0, NULL, 0, &sv[1], 1);
	rc = rc ? rc : msgchan_send(r->ch, PM_START, 0, NULL, 0, NULL, 0);
	close(door);
	close(sv[0]);
	close(sv[1]);
	return rc;
}

/* Everything that a child needs, and the word to begin. */
static bool
hand_down(struct parent *p)
{
	struct child *e = &p->child[ENGINE], *f = &p->child[FRONTEND];
	struct pm_link link = {.stable_secret = {0}};
	int rc, sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1) {
		log_error("cannot join the children: %s", strerror(errno));
		return false;
	}
	pm_device_from(&link.dev, &p->rt.caps);
	memcpy(
	    link.stable_secret, p->rt.stable_secret, sizeof link.stable_secret);
	rc = conf_send(p->conf, e->ch);
	rc = rc ? rc : conf_send(p->conf, f->ch);
	rc = rc ? rc
		: msgchan_send(e->ch, PM_DEVICE, 0, &link, sizeof link,
		      &p->rt.device, 1);
	rc =
	    rc ? rc
	       : msgchan_send(e->ch, PM_LISTENER, 0, NULL, 0, &p->rt.client, 1);
	rc =
	    rc ? rc
	       : msgchan_send(f->ch, PM_CONTROL, 0, NULL, 0, &p->rt.control, 1);
	rc = rc ? rc : hand_down_resolver(p);
	for (int i = ENGINE; i <= FRONTEND && rc == 0; i++) {
		struct child *c = &p->child[i];

		rc = send_policy(p, c);
		rc = rc ? rc
			: msgchan_send(c->ch, PM_PEER, 0, NULL, 0, &sv[i], 1);
		rc = rc ? rc
			: msgchan_send(c->ch, PM_START, 0, NULL, 0, NULL, 0);
	}
	close(sv[0]);
	close(sv[1]);
	runtime_pass_on(&p->rt);
	if (rc != 0)
		log_error("cannot set up the children: %s", strerror(-rc));
	return rc == 0;
}

/* ---- reload ---- */

static void
needs_restart(void *arg, const char *name)
{
	log_warn(
	    "%s has changed in the configuration; that needs a restart", name);
}

static void
reload(struct parent *p)
{
	struct conf *next = conf_load(p->args.conf, to_log, NULL);

	if (next == NULL) {
		log_error("the configuration stays as it was");
		return;
	}
	conf_reload(p->conf, next, needs_restart, NULL);
	renew_policy(p, true);
	log_info("configuration %s read again", p->args.conf);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct parent *p = arg;

	if (p->stopping)
		return;
	if (sig != SIGHUP) {
		log_info("%s: stopping", sig == SIGINT ? "SIGINT" : "SIGTERM");
		stop(p);
	} else if (all_are_ready(p)) {
		reload(p);
	}
}

/* ---- the beginning ---- */

/* In the background: the caller's process waits until we are ready and exits;
 * we return in the child. */
static bool
go_background(struct parent *p)
{
	int pipefd[2];
	pid_t pid;
	char c;

	if (pipe2(pipefd, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_error("cannot go into the background: %s", strerror(errno));
		return false;
	}
	if (pid > 0) {
		close(pipefd[1]);
		_exit(read(pipefd[0], &c, 1) == 1 ? 0 : 1);
	}
	close(pipefd[0]);
	p->waiter = pipefd[1];
	setsid();
	if (chdir("/") == -1)
		log_warn("cannot leave the working directory");
	return true;
}

static bool
make_loop(struct parent *p)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	struct timeval tv = {START_S, 0};

	signal(SIGPIPE, SIG_IGN);
	if ((p->eb = event_base_new()) == NULL)
		return false;
	p->timer = evtimer_new(p->eb, on_timer, p);
	for (int i = 0; i < 4; i++) {
		p->sig[i] = evsignal_new(p->eb, sigs[i],
		    sigs[i] == SIGCHLD ? on_child : on_signal, p);
		if (p->sig[i] == NULL || event_add(p->sig[i], NULL) != 0)
			return false;
	}
	return p->timer != NULL && event_add(p->timer, &tv) == 0;
}

static void
clean_up(struct parent *p)
{
	for (int i = 0; i < NCHILDREN; i++) {
		struct child *c = &p->child[i];

		msgchan_free(c->ch);
		if (c->log_ev != NULL)
			event_free(c->log_ev);
		if (c->pid != 0)
			kill(c->pid, SIGKILL);
		if (c->name != NULL && c->log != -1)
			close(c->log);
	}
	for (int i = 0; i < 4; i++)
		if (p->sig[i] != NULL)
			event_free(p->sig[i]);
	if (p->timer != NULL)
		event_free(p->timer);
	if (p->eb != NULL)
		event_base_free(p->eb);
	runtime_close(&p->rt, p->conf);
	page_close(&p->page);
}

static int
run(struct parent *p)
{
	int rc;

	if (!runtime_open(&p->rt, p->conf))
		return 1;
	p->generation = 1;
	if ((rc = make_page(p, &p->page, p->generation)) != 0)
		log_error("cannot make the policy: %s", strerror(-rc));
	else if (!make_loop(p))
		log_error("cannot make the event loop");
	else if (start_child(p, ENGINE, ROLE_ENGINE) &&
		 start_child(p, FRONTEND, ROLE_FRONTEND) &&
		 (p->conf->g.resolver.nservers == 0 ||
		     start_child(p, RESOLVER, ROLE_RESOLVER)) &&
		 hand_down(p)) {
		event_base_dispatch(p->eb);
		if (!p->failed)
			log_info("stopped");
		clean_up(p);
		return p->failed ? 1 : 0;
	}
	clean_up(p);
	return 1;
}

/* What spawn() executes: our file's path, which also works where valgrind
 * stands in for us; else the kernel's link to it. */
static const char *
own_path(const char *fallback)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n <= 0)
		return fallback;
	path[n] = '\0';
	return access(path, X_OK) == 0 ? path : fallback;
}

int
parent_main(const struct proc_args *a)
{
	static struct parent p;
	char *path = NULL;
	int rc = 1;

	p = (struct parent){.args = *a, .waiter = -1, .page.fd = -1};
	p.conf = conf_load(a->conf, to_log, NULL);
	if (p.conf == NULL)
		return 1;
	if (a->check) {
		printf("tcpd: %s: the configuration is correct\n", a->conf);
		conf_free(p.conf);
		return 0;
	}
	p.args.self = own_path(a->self);
	/* SIGHUP finds it again from "/". */
	if ((path = realpath(a->conf, NULL)) != NULL)
		p.args.conf = path;
	if (a->debug || go_background(&p))
		rc = run(&p);
	conf_free(p.conf);
	free(path);
	return rc;
}
