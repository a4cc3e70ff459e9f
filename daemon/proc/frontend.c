/* SPDX-License-Identifier: ISC */
/*
 * The frontend: the control plane, so that the engine never talks to a tcpctl.
 * It opens nothing and holds no privilege; what it serves is in control.c.
 *
 * The start follows proc.h: configuration, descriptors, PM_START; then the
 * sandbox, then CM_READY.  Everything that the parent or the engine sends out
 * of place ends the process, and with it the daemon.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/control.h"
#include "proc/log.h"
#include "proc/page.h"
#include "proc/proc.h"
#include "proc/sandbox.h"

struct frontend {
	struct event_base *eb;
	struct msgchan *parent, *engine;
	struct confrx rx;
	struct conf *conf;
	const struct proto_policy *policy;
	struct control_env env;
	struct control *control;
	int control_fd;
	bool started, stopping, failed;
};

static void
finish(struct frontend *f, bool failed)
{
	f->stopping = true;
	f->failed |= failed;
	event_base_loopbreak(f->eb);
}

static void
refresh_env(struct frontend *f)
{
	f->env = (struct control_env){.conf = f->conf,
	    .policy = f->policy,
	    .engine = f->engine,
	    .parent = f->parent};
}

/* ---- the engine ---- */

static bool
engine_input(void *arg, struct msg *m)
{
	struct frontend *f = arg;

	return f->control != NULL && control_engine(f->control, m);
}

static void
engine_closed(void *arg, int error)
{
	struct frontend *f = arg;

	msgchan_free(f->engine);
	f->engine = NULL;
	refresh_env(f);
	if (f->control != NULL)
		control_engine_gone(f->control);
	if (error == 0)
		return; /* the parent knows more, and stops us */
	log_error("the engine sent a malformed message");
	finish(f, true);
}

static const struct msgchan_ops engine_ops = {.input = engine_input,
    .closed = engine_closed};

/* ---- the parent ---- */

static bool
take_policy(struct frontend *f, struct msg *m)
{
	const struct proto_policy *map;
	struct pm_policy p;
	int fd = msg_take_fd(m, 0);

	if (fd == -1)
		return false;
	map = MSG_GET(m, &p) ? page_map(fd) : NULL;
	close(fd);
	if (map == NULL)
		return false;
	page_unmap(f->policy);
	f->policy = map;
	refresh_env(f);
	return true;
}

static bool
take_conf(struct frontend *f, struct msg *m)
{
	struct conf *next;
	int rc = confrx_input(&f->rx, m, &next);

	if (rc != 1)
		return rc == 0;
	conf_free(f->conf);
	f->conf = next;
	refresh_env(f);
	return true;
}

static bool
take_engine(struct frontend *f, struct msg *m)
{
	int fd = msg_take_fd(m, 0);

	if (fd == -1 || m->len != 0 || f->engine != NULL)
		return false;
	f->engine = msgchan_new(f->eb, fd, &msgchan_internal, &engine_ops, f);
	return f->engine != NULL;
}

static bool
take_control(struct frontend *f, struct msg *m)
{
	if (m->len != 0 || f->control_fd != -1)
		return false;
	f->control_fd = msg_take_fd(m, 0);
	return f->control_fd != -1;
}

static bool
start(struct frontend *f, const struct msg *m)
{
	if (m->len != 0 || f->started || f->conf == NULL || f->policy == NULL ||
	    f->engine == NULL || f->control_fd == -1)
		return false;
	f->started = true;
	sandbox_enter(ROLE_FRONTEND, &f->conf->g);
	refresh_env(f);
	f->control = control_new(f->eb, f->control_fd, &f->env);
	if (f->control == NULL)
		return false;
	return msgchan_send(f->parent, CM_READY, 0, NULL, 0, NULL, 0) == 0;
}

static bool
parent_input(void *arg, struct msg *m)
{
	struct frontend *f = arg;

	switch (m->type) {
	case PM_CONF:
	case PM_CONF_ROUTES:
	case PM_CONF_RULES:
	case PM_CONF_QUOTAS:
	case PM_CONF_END:
		return take_conf(f, m);
	case PM_POLICY:
		return take_policy(f, m);
	case PM_PEER:
		return take_engine(f, m);
	case PM_CONTROL:
		return take_control(f, m);
	case PM_START:
		return start(f, m);
	case PM_LOG:
		return proc_log(m);
	case PM_STOP:
		finish(f, false);
		return true;
	default:
		return false;
	}
}

static void
parent_closed(void *arg, int error)
{
	struct frontend *f = arg;

	if (error == -EPROTO)
		log_error("the parent sent a malformed message");
	finish(f, error != 0);
}

static const struct msgchan_ops parent_ops = {.input = parent_input,
    .closed = parent_closed};

int
frontend_main(const struct proc_args *a)
{
	struct frontend f = {.control_fd = -1};
	struct conf *partial = NULL;

	f.eb = proc_begin(&f.parent, &parent_ops, &f);
	while (!f.stopping)
		event_base_loop(f.eb, EVLOOP_ONCE);
	control_free(f.control);
	msgchan_free(f.engine);
	msgchan_free(f.parent);
	page_unmap(f.policy);
	conf_free(f.conf);
	partial = f.rx.building;
	conf_free(partial);
	event_base_free(f.eb);
	return f.failed ? 1 : 0;
}
