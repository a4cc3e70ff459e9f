/* SPDX-License-Identifier: ISC */
/*
 * tcpctl's side of the frontend.
 *
 * A client has one query at a time.  What the engine must answer is asked for
 * in pages of PAGE_BYTES: the next page is asked for when the client has taken
 * the last one, so a slow reader costs one page of memory and the engine
 * nothing.  A client that goes away in the middle leaves one page on its way,
 * which is thrown away.
 *
 * Anybody who can open the socket may look (its mode decides: 0660, root and
 * control_group).  Closing a connection is left to the engine, which knows the
 * owner; changing the log is root's.  The user is the kernel's word
 * (SO_PEERCRED) at the time of connect().
 *
 * Bounds: CLIENTS connections, USER_CLIENTS of one user (root is free of the
 * latter), a queue of QUEUE_BYTES each.  At the limit the listening socket
 * rests until one leaves, so there is no busy loop and no timer.
 */
#include "config.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "ipc/policy.h"
#include "proc/control.h"
#include "proc/log.h"
#include "proc/proc.h"

#define CLIENTS	     64
#define USER_CLIENTS 16
#define PAGE_BYTES   (192u << 10)
#define QUEUE_BYTES  (2 * PAGE_BYTES)

_Static_assert(sizeof(struct msg_head) == sizeof(struct ctl_head) &&
		   MSG_DATA_MAX == CTL_DATA_MAX,
    "the control protocol is framed as messages");

/* One connection of a tcpctl. */
struct asker {
	TAILQ_ENTRY(asker) link;
	struct control *ctl;
	struct msgchan *ch;
	uint32_t uid;
	uint32_t id;	    /* his, of the query under way; 0: none */
	uint32_t page_id;   /* ours, of the page under way; 0: none */
	uint32_t page_rows; /* rows that the engine may still send */
	bool more;	    /* another page is to be asked for */
	struct fm_query q;
};

struct control {
	struct event_base *eb;
	const struct control_env *env;
	struct event *accept;
	int fd;
	TAILQ_HEAD(, asker) askers;
	unsigned naskers;
	uint32_t next_id;
	uint64_t queries, refused;
};

static const struct msgchan_config ctl_channel = {.magic = CTL_MAGIC,
    .version = CTL_VERSION,
    .fds_max = 0,
    .queue_max = QUEUE_BYTES};

bool
ctl_query_valid(const struct ctl_query *q)
{
	static const uint8_t zero[sizeof q->pad];

	return q->what >= CTL_CONNECTIONS && q->what < CTL_NWHAT &&
	       q->bind <= 1 && q->verbose <= 1 &&
	       memcmp(q->pad, zero, sizeof zero) == 0;
}

/* ---- answers ---- */

static void
asker_free(struct asker *a)
{
	struct control *ctl = a->ctl;

	TAILQ_REMOVE(&ctl->askers, a, link);
	ctl->naskers--;
	msgchan_free(a->ch);
	free(a);
	event_add(ctl->accept, NULL);
}

static void
answer_end(struct asker *a, int err, const char *text)
{
	struct ctl_end end = {.err = err};

	if (text != NULL)
		snprintf(end.text, sizeof end.text, "%s", text);
	msgchan_send(a->ch, CTL_END, a->id, &end, sizeof end, NULL, 0);
	a->id = 0;
	a->page_id = 0;
	a->more = false;
}

static int
answer_rows(struct asker *a, const void *rows, uint32_t n)
{
	struct ctl_rows head = {.what = a->q.q.what,
	    .row_size = (uint16_t)ctl_row_size(a->q.q.what),
	    .nrows = n};

	snprintf(head.ifname, sizeof head.ifname, "%s",
	    a->ctl->env->conf->g.device.name);
	return msgchan_send2(a->ch, CTL_ROWS, a->id, &head, sizeof head, rows,
	    (size_t)head.row_size * n);
}

/* ---- what is known here ---- */

/* Rule i of the page; those for bind follow those for connect. */
static struct ctl_rule
rule_row(const struct proto_policy *p, uint32_t i)
{
	const struct proto_rule *r = &p->rules[i];
	struct ctl_rule row = {.plen = r->plen,
	    .action = r->action,
	    .bind = i >= p->nconnect,
	    .port_first = r->port_first,
	    .port_last = r->port_last,
	    .why = r->why,
	    .line = r->line,
	    .index = i >= p->nconnect ? i - p->nconnect : i};

	memcpy(row.addr, r->addr, sizeof row.addr);
	return row;
}

static void
serve_policy(struct asker *a)
{
	const struct proto_policy *p = a->ctl->env->policy;

	for (uint32_t i = 0; i < p->nconnect + p->nbind; i++) {
		struct ctl_rule row = rule_row(p, i);

		answer_rows(a, &row, 1);
	}
	answer_end(a, 0, NULL);
}

/* Does rule i of the page match?  Asked of the one evaluation that clients
 * use as well, with a page of this one rule. */
static bool
rule_matches(const struct proto_policy *p, uint32_t i, bool bind,
    const struct ipaddr *addr, uint16_t port)
{
	static struct proto_policy one;
	struct policy_verdict v;

	one = (struct proto_policy){
	    .magic = p->magic, .version = p->version, .nconnect = 1};
	one.rules[0] = p->rules[i];
	v = policy_connect(&one, addr, port);
	return v.why != PROTO_WHY_DEFAULT;
}

static void
serve_why(struct asker *a)
{
	const struct proto_policy *p = a->ctl->env->policy;
	const struct ctl_query *q = &a->q.q;
	uint32_t first = q->bind ? p->nconnect : 0;
	uint32_t n = q->bind ? p->nbind : p->nconnect;
	struct policy_verdict v;
	struct ipaddr addr;
	struct ctl_rule row;

	memcpy(addr.b, q->addr, sizeof addr.b);
	v = q->bind ? policy_bind(p, &addr, q->port)
		    : policy_connect(p, &addr, q->port);
	row = (struct ctl_rule){.action = (uint8_t)v.action,
	    .bind = q->bind,
	    .port_last = 65535,
	    .why = (uint16_t)v.why,
	    .line = v.line,
	    .index = UINT32_MAX};
	for (uint32_t i = first; i < first + n; i++)
		if (rule_matches(p, i, q->bind, &addr, q->port)) {
			row = rule_row(p, i);
			break;
		}
	answer_rows(a, &row, 1);
	answer_end(a, 0, NULL);
}

static void
serve_log(struct asker *a)
{
	struct pm_log l = {
	    .verbose = a->q.q.verbose ? LOG_LVL_DEBUG : LOG_LVL_INFO};

	if (a->uid != 0) {
		answer_end(a, EPERM, "only root may change the log");
		return;
	}
	msgchan_send(a->ctl->env->parent, CM_VERBOSE, 0, &l, sizeof l, NULL, 0);
	answer_end(a, 0, NULL);
}

/* The frontend's own counters, after the engine's. */
static void
add_own_stats(struct asker *a)
{
	const struct control *ctl = a->ctl;
	struct ctl_counter rows[] = {
	    {"control", "sessions", "connections to the control socket",
		ctl->naskers},
	    {"control", "queries", "queries so far", ctl->queries},
	    {"control", "refused", "connections over a user's limit",
		ctl->refused},
	    {"control", "malformed", "malformed messages to the frontend",
		msgchan_malformed()},
	};

	answer_rows(a, rows, sizeof rows / sizeof rows[0]);
}

/* ---- what the engine knows ---- */

static void
ask_page(struct asker *a)
{
	struct control *ctl = a->ctl;
	uint32_t size = ctl_row_size(a->q.q.what);
	int rc;

	if (++ctl->next_id == 0)
		ctl->next_id = 1;
	a->more = false;
	a->page_id = ctl->next_id;
	a->page_rows = size == 0 ? 0 : PAGE_BYTES / size;
	a->q.max_rows = a->page_rows;
	rc = ctl->env->engine == NULL
		 ? -EPIPE
		 : msgchan_send(ctl->env->engine, FM_QUERY, a->page_id, &a->q,
		       sizeof a->q, NULL, 0);
	if (rc != 0)
		answer_end(a, -rc, "the engine does not take queries now");
}

static struct asker *
by_page(struct control *ctl, uint32_t id)
{
	struct asker *a;

	TAILQ_FOREACH (a, &ctl->askers, link)
		if (a->page_id == id)
			return a;
	return NULL;
}

static bool
engine_rows(struct control *ctl, const struct msg *m)
{
	struct asker *a = by_page(ctl, m->id);
	struct ctl_rows h;
	const void *rows;
	uint32_t size;
	int bytes = msg_rows(m, &h, sizeof h, 1, &rows);

	if (bytes < 0 || (size = ctl_row_size(h.what)) == 0 ||
	    h.row_size != size || h.nrows != (uint32_t)bytes / size ||
	    (uint32_t)bytes % size != 0)
		return false;
	if (a == NULL)
		return true; /* he left */
	if (h.what != a->q.q.what || h.nrows > a->page_rows)
		return false;
	a->page_rows -= h.nrows;
	answer_rows(a, rows, h.nrows);
	return true;
}

static const char *
close_text(int err)
{
	switch (err) {
	case 0:
		return NULL;
	case EPERM:
		return "only root and the connection's owner may close it";
	case ENOENT:
		return "no connection has this ID (show connections lists "
		       "them; a listener ends with its program)";
	default:
		return strerror(err);
	}
}

static bool
engine_end(struct control *ctl, const struct msg *m)
{
	struct asker *a = by_page(ctl, m->id);
	struct em_end end;

	if (!MSG_GET(m, &end) || end.err < 0 || end.more > 1)
		return false;
	if (a == NULL)
		return true;
	a->page_id = 0;
	if (end.err != 0 || !end.more) {
		if (end.err == 0 && a->q.q.what == CTL_STATS)
			add_own_stats(a);
		answer_end(a, end.err, close_text(end.err));
		return true;
	}
	memcpy(a->q.cursor, end.cursor, sizeof a->q.cursor);
	a->more = true;
	if (msgchan_queued(a->ch) == 0)
		ask_page(a);
	return true;
}

bool
control_engine(struct control *ctl, const struct msg *m)
{
	switch (m->type) {
	case EM_ROWS:
		return engine_rows(ctl, m);
	case EM_END:
		return engine_end(ctl, m);
	default:
		return false;
	}
}

void
control_engine_gone(struct control *ctl)
{
	struct asker *a;

	TAILQ_FOREACH (a, &ctl->askers, link)
		if (a->page_id != 0)
			answer_end(a, EPIPE, "the engine is gone");
}

/* ---- askers ---- */

static bool
asker_input(void *arg, struct msg *m)
{
	static void (*const here[CTL_NWHAT])(struct asker *) = {
	    [CTL_POLICY] = serve_policy,
	    [CTL_WHY] = serve_why,
	    [CTL_LOG] = serve_log,
	};
	struct asker *a = arg;
	struct ctl_query q;

	if (m->type != CTL_QUERY || m->id == 0 || a->id != 0 || !MSG_GET(m, &q))
		return false;
	a->id = m->id;
	a->q = (struct fm_query){.q = q, .uid = a->uid};
	a->ctl->queries++;
	if (!ctl_query_valid(&q))
		answer_end(a, EINVAL, "tcpd does not know this query");
	else if (here[q.what] != NULL)
		here[q.what](a);
	else
		ask_page(a);
	return true;
}

static void
asker_closed(void *arg, int error)
{
	asker_free(arg);
}

static void
asker_drained(void *arg)
{
	struct asker *a = arg;

	if (a->more)
		ask_page(a);
}

static const struct msgchan_ops asker_ops = {.input = asker_input,
    .closed = asker_closed,
    .drained = asker_drained};

static void
add_asker(struct control *ctl, int fd)
{
	struct ucred cred = {.uid = UINT32_MAX};
	socklen_t len = sizeof cred;
	struct asker *a, *other;
	unsigned same = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1) {
		close(fd);
		return;
	}
	TAILQ_FOREACH (other, &ctl->askers, link)
		same += other->uid == cred.uid;
	if (cred.uid != 0 && same >= USER_CLIENTS) {
		ctl->refused++;
		close(fd);
		return;
	}
	if ((a = calloc(1, sizeof *a)) == NULL) {
		close(fd);
		return;
	}
	a->ctl = ctl;
	a->uid = cred.uid;
	a->ch = msgchan_new(ctl->eb, fd, &ctl_channel, &asker_ops, a);
	if (a->ch == NULL) {
		free(a);
		return;
	}
	TAILQ_INSERT_TAIL(&ctl->askers, a, link);
	if (++ctl->naskers >= CLIENTS)
		event_del(ctl->accept);
}

static void
on_accept(evutil_socket_t lfd, short what, void *arg)
{
	struct control *ctl = arg;
	int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd != -1)
		add_asker(ctl, fd);
	else if (errno == EMFILE || errno == ENFILE)
		event_del(ctl->accept); /* until one leaves */
}

struct control *
control_new(struct event_base *eb, int fd, const struct control_env *env)
{
	struct control *ctl = calloc(1, sizeof *ctl);

	if (ctl == NULL) {
		close(fd);
		return NULL;
	}
	ctl->eb = eb;
	ctl->env = env;
	ctl->fd = fd;
	TAILQ_INIT(&ctl->askers);
	evutil_make_socket_nonblocking(fd);
	(void)msg_allow_fds(fd, false); /* nobody has one for us */
	ctl->accept = event_new(eb, fd, EV_READ | EV_PERSIST, on_accept, ctl);
	if (ctl->accept == NULL || event_add(ctl->accept, NULL) != 0) {
		control_free(ctl);
		return NULL;
	}
	return ctl;
}

void
control_free(struct control *ctl)
{
	struct asker *a;

	if (ctl == NULL)
		return;
	while ((a = TAILQ_FIRST(&ctl->askers)) != NULL)
		asker_free(a);
	if (ctl->accept != NULL)
		event_free(ctl->accept);
	close(ctl->fd);
	free(ctl);
}
