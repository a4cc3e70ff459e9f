/* SPDX-License-Identifier: ISC */
/*
 * An engine that moves no frames: it follows the start and the stop of
 * proc/proc.h, enters the real sandbox, and answers queries with rows that are
 * made up.  So parent, frontend, control socket and sandbox are tested alone.
 *
 * CTL_CONNECTIONS gives STANDIN_CONNS rows over many pages; CTL_CLOSE of id 1
 * asks for EPERM unless root does, of id 2 for a forbidden system call, of id 3
 * for a violent death, of id 4 for a malformed message to the frontend;
 * CTL_STATS says whether the file system is empty.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/log.h"
#include "proc/proc.h"
#include "proc/sandbox.h"

#define STANDIN_CONNS 100000
#define ROWS_A_MESSAGE                                                         \
	((MSG_DATA_MAX - sizeof(struct ctl_rows)) / sizeof(struct ctl_conn))

static struct {
	struct event_base *eb;
	struct msgchan *parent, *frontend;
	struct confrx rx;
	struct conf *conf;
	int fds[3];
	bool stop, failed;
} e = {.fds = {-1, -1, -1}};

static void
rows(uint32_t id, uint16_t what, const void *row, uint32_t n, size_t size)
{
	struct ctl_rows h = {
	    .what = what, .row_size = (uint16_t)size, .nrows = n};

	msgchan_send2(e.frontend, EM_ROWS, id, &h, sizeof h, row, n * size);
}

static void
end(uint32_t id, int err, uint32_t more, uint64_t cursor)
{
	struct em_end m = {.err = err, .more = more, .cursor = {cursor, 0}};

	msgchan_send(e.frontend, EM_END, id, &m, sizeof m, NULL, 0);
}

static void
connections(uint32_t id, const struct fm_query *q)
{
	static struct ctl_conn row[ROWS_A_MESSAGE];
	uint64_t at = q->cursor[0];
	uint32_t left = q->max_rows;

	while (left > 0 && at < STANDIN_CONNS) {
		uint32_t n = 0;

		memset(row, 0, sizeof row);
		for (; n < ROWS_A_MESSAGE && n < left && at < STANDIN_CONNS;
		     n++, at++) {
			row[n].id = at + 1;
			row[n].laddr[10] = row[n].laddr[11] = 0xff;
			row[n].raddr[10] = row[n].raddr[11] = 0xff;
			row[n].state = 1;
			row[n].lport = 80;
			row[n].rport = (uint16_t)(1024 + at % 60000);
		}
		rows(id, CTL_CONNECTIONS, row, n, sizeof row[0]);
		left -= n;
	}
	end(id, 0, at < STANDIN_CONNS, at);
}

static void
stats(uint32_t id)
{
	struct ctl_counter c[] = {{"standin", "root_is_empty", "", 0},
	    {"standin", "own_descriptors", "", 0},
	    {"standin", "quota_conns", "", e.conf->g.quota.conns},
	    {"standin", "uid", "", getuid()}};
	struct stat st;

	c[0].value = stat("/etc", &st) == -1;
	c[1].value = sandbox_fd_dir()[1] == 'f';
	rows(id, CTL_STATS, c, 4, sizeof c[0]);
	end(id, 0, 0, 0);
}

static void
close_one(uint32_t id, const struct fm_query *q)
{
	switch (q->q.id) {
	case 1:
		end(id, q->uid == 0 ? 0 : EPERM, 0, 0);
		break;
	case 2:
		syscall(SYS_ptrace, 0, 0, 0, 0);
		end(id, ENOSYS, 0, 0);
		break;
	case 3:
		raise(SIGKILL);
		abort();
	case 4:
		end(id, -1, 7, 0);
		break;
	default:
		end(id, ENOENT, 0, 0);
	}
}

static bool
frontend_input(void *arg, struct msg *m)
{
	struct fm_query q;

	if (m->type != FM_QUERY || !MSG_GET(m, &q))
		return false;
	switch (q.q.what) {
	case CTL_CONNECTIONS:
		connections(m->id, &q);
		break;
	case CTL_STATS:
		stats(m->id);
		break;
	case CTL_CLOSE:
		close_one(m->id, &q);
		break;
	default:
		end(m->id, 0, 0, 0);
	}
	return true;
}

static void
closed(void *arg, int error)
{
	e.stop = true;
	e.failed |= error != 0;
}

static const struct msgchan_ops frontend_ops = {.input = frontend_input,
    .closed = closed};

static bool
parent_input(void *arg, struct msg *m)
{
	struct conf *next;
	int rc;

	switch (m->type) {
	case PM_DEVICE:
	case PM_LISTENER:
	case PM_POLICY:
		return (e.fds[m->type == PM_DEVICE     ? 0
			      : m->type == PM_LISTENER ? 1
						       : 2] =
			       msg_take_fd(m, 0)) != -1;
	case PM_PEER:
		e.frontend = msgchan_new(e.eb, msg_take_fd(m, 0),
		    &msgchan_internal, &frontend_ops, NULL);
		return e.frontend != NULL;
	case PM_START:
		sandbox_enter(ROLE_ENGINE, &e.conf->g);
		log_info("standing in");
		return msgchan_send(e.parent, CM_READY, 0, NULL, 0, NULL, 0) ==
		       0;
	case PM_LOG:
		return true;
	case PM_STOP:
		e.stop = true;
		return true;
	default:
		if ((rc = confrx_input(&e.rx, m, &next)) == 1) {
			conf_free(e.conf);
			e.conf = next;
		}
		return rc >= 0;
	}
}

static const struct msgchan_ops parent_ops = {.input = parent_input,
    .closed = closed};

int
engine_main(const struct proc_args *a)
{
	signal(SIGINT, SIG_IGN);
	e.eb = event_base_new();
	e.parent =
	    msgchan_new(e.eb, PROC_FD, &msgchan_internal, &parent_ops, NULL);
	while (!e.stop)
		event_base_loop(e.eb, EVLOOP_ONCE);
	msgchan_free(e.frontend);
	msgchan_free(e.parent);
	conf_free(e.conf);
	event_base_free(e.eb);
	return e.failed ? 1 : 0;
}
