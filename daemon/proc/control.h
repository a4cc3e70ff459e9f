/* SPDX-License-Identifier: ISC */
/*
 * The control socket: tcpctl's queries, answered from the configuration and
 * the policy here, or by the engine page by page.
 */
#ifndef PROC_CONTROL_H
#define PROC_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include "ipc/msg.h"
#include "proc/conf.h"
#include "tcpd/control.h"
#include "tcpd/proto.h"

struct event_base;
struct control;

/* What control needs of the frontend; the pointers may change (a reload). */
struct control_env {
	const struct conf *conf;
	const struct proto_policy *policy;
	struct msgchan *engine, *parent;
};

/* Serves the listening socket fd (taken over).  NULL when memory is out. */
struct control *control_new(
    struct event_base *eb, int fd, const struct control_env *env);
void control_free(struct control *ctl);

/* A message of the engine; false: it is not one that was asked for. */
bool control_engine(struct control *ctl, const struct msg *m);
/* Its channel is closed: whoever waits for it is told. */
void control_engine_gone(struct control *ctl);

/* Is q a query that this version knows, with nothing set that it does not? */
bool ctl_query_valid(const struct ctl_query *q);

#endif
