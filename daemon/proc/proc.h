/* SPDX-License-Identifier: ISC */
/*
 * The processes of tcpd and what they say to each other.
 *
 *	            PM_*  device, sockets, configuration, policy
 *	  parent ---------------------------------------------> engine
 *	  (root)  \                                            /
 *	           \ PM_*  control socket, configuration      / FM_QUERY ->
 *	            ----------------------------> frontend ---  <- EM_ROWS/END
 *	                                             |
 *	                                          tcpctl (tcpd/control.h)
 *
 * Where tcpd.conf has a resolver it is a fourth process: the engine passes
 * names' queries to it, and it asks by way of the engine, as any client.
 *
 * Each child is this binary executed again with `-R role`, its channel to the
 * parent on descriptor PROC_FD, and nothing else but 0, 1 and 2.
 *
 * The start, as a child sees it: PM_CONF ... PM_CONF_END; then descriptors
 * (engine: PM_DEVICE, PM_LISTENER, PM_POLICY, PM_PEER, PM_RESOLVER; frontend:
 * PM_CONTROL, PM_POLICY, PM_PEER; resolver: PM_RESOLVER, PM_DOOR, PM_HOSTS);
 * then PM_START.  The child enters its sandbox and answers
 * CM_READY, the engine when its addresses can be used.  Whenever the network
 * gives or takes something (CM_NET), a new PM_POLICY follows.  Afterwards:
 *PM_CONF ... PM_CONF_END and PM_POLICY again at a reload (configuration first),
 *PM_LOG, and PM_STOP.  A child exits 0 after PM_STOP when it is finished, and
 *when the channel to the parent closes (then as if stopped: the parent is
 *gone).
 *
 * A message that is not in its place or not of its size is answered by ending
 * the channel, which ends the daemon: among our own processes that is a bug or
 * a break-in.
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include "dev/dev.h"
#include "ipc/msg.h"
#include "proc/conf.h"
#include "tcpd/control.h"

#define PROC_FD 3

enum proc_role {
	ROLE_PARENT,
	ROLE_FRONTEND,
	ROLE_ENGINE,
	ROLE_RESOLVER,
};

struct proc_args {
	const char *conf; /* the file's path; parent only */
	bool debug;	  /* -d: foreground, log to standard error */
	bool check;	  /* -n */
	unsigned verbose; /* number of -v */
	const char *self; /* to execute again: /proc/self/exe */
};

/* Each returns the process's exit status. */
int parent_main(const struct proc_args *a);
int frontend_main(const struct proc_args *a);
int engine_main(const struct proc_args *a); /* channel at PROC_FD */
int resolver_main(const struct proc_args *a);

/* How a child begins: its loop, its channel to the parent, and no mind for
 * signals, which are the parent's (a terminal's ^C reaches all).  Ends the
 * process when memory is out. */
struct event_base *proc_begin(
    struct msgchan **parent, const struct msgchan_ops *ops, void *arg);
/* PM_LOG; false: malformed. */
bool proc_log(const struct msg *m);

enum proc_msg {
	/* parent -> children */
	PM_CONF = 1,	/* struct conf_global */
	PM_CONF_ROUTES, /* struct conf_route[] */
	PM_CONF_RULES,	/* struct conf_rule[] */
	PM_CONF_QUOTAS, /* struct conf_quota_user[] */
	PM_CONF_END,	/* nothing */
	PM_DEVICE,	/* struct pm_link; the device's descriptor */
	PM_LISTENER,	/* nothing; tcpd.sock, listening */
	PM_CONTROL,	/* nothing; control.sock, listening */
	PM_POLICY,	/* struct pm_policy; the policy's memfd */
	PM_PEER,	/* nothing; the channel engine <-> frontend */
	PM_START,	/* nothing */
	PM_STOP,	/* nothing */
	PM_LOG,		/* struct pm_log */
	PM_RESOLVER,	/* nothing; the channel engine <-> resolver */
	PM_DOOR,	/* nothing; tcpd.sock, opened as a path */
	PM_HOSTS,	/* nothing; /etc/hosts, opened, or no descriptor */

	/* children -> parent */
	CM_READY = 64, /* nothing */
	CM_SYSCALL,    /* struct cm_syscall: the sandbox stopped us */
	CM_VERBOSE,    /* struct pm_log: tcpctl asks (frontend only) */
	CM_NET,	       /* struct cm_net (engine only) */

	/* frontend -> engine */
	FM_QUERY = 128, /* struct fm_query; id: chosen by the frontend, not 0 */

	/* engine -> frontend, id: the query's */
	EM_ROWS = 192, /* struct ctl_rows, then rows of its kind */
	EM_END,	       /* struct em_end */

	/* engine -> resolver, id: the engine's choice, not 0 */
	EM_RESOLVE = 224, /* struct proto_resolve, then a query of the DNS */
	/* resolver -> engine, id: the query's */
	RM_ANSWER, /* what the DNS says, at least a head */
};

/* struct dev_caps in plain bytes. */
struct pm_device {
	uint8_t kind, vnet_hdr, csum, tso, gro;
	uint8_t mac[6];
	uint8_t rx_ring;
	uint16_t mtu, pad2;
	uint32_t ifindex;
	char name[16];
};

/* PM_DEVICE. */
struct pm_link {
	struct pm_device dev;
	/* For addresses that the stack makes, of this machine and device; all
	 * zero: there is none. */
	uint8_t stable_secret[16];
};
void pm_device_from(struct pm_device *d, const struct dev_caps *caps);
/* false: not the description of a device. */
bool pm_device_to(const struct pm_device *d, struct dev_caps *caps);

struct pm_policy {
	uint32_t generation, pad;
};

struct pm_log {
	uint32_t verbose; /* enum log_level that is shown */
	uint32_t pad;
};

struct cm_syscall {
	uint32_t nr, arch;
};

/* What the stack has besides the configuration: addresses that can be used,
 * prefixes and routes from link-local addresses, routers, DHCP. */
#define CM_NET_ADDRS  64
#define CM_NET_ROUTES 128
struct cm_net {
	uint32_t naddrs, nroutes;
	struct conf_addr addrs[CM_NET_ADDRS];
	struct conf_route routes[CM_NET_ROUTES];
};

/*
 * One page of a query.  The engine keeps nothing between pages: it sends at
 * most max_rows rows (EM_ROWS, as many messages as it takes) that follow
 * cursor, then EM_END with the cursor of the next page.  So neither a long
 * table nor a slow reader holds it up, and a reader that vanished leaves
 * nothing behind.  Rows that come or go between pages may be missed or seen
 * twice, as in /proc/net/tcp.
 */
struct fm_query {
	struct ctl_query
	    q; /* checked by the frontend and again by the engine */
	uint64_t cursor[2]; /* 0, 0: the beginning; else from EM_END */
	uint32_t max_rows;
	uint32_t uid; /* who asks (SO_PEERCRED); 0 and the owner may close */
};

struct em_end {
	int32_t err;   /* 0 or a positive errno */
	uint32_t more; /* 1: ask again with cursor */
	uint64_t cursor[2];
};

#endif
