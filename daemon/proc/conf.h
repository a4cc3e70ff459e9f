/* SPDX-License-Identifier: ISC */
/*
 * The configuration: tcpd.conf read, checked and turned into plain data.
 *
 * Only the parent reads the file and resolves names; the children get struct
 * conf as messages (conf_send, confrx_input) and check it again, because a
 * message from another process is hostile.  Booleans are uint8_t so that a
 * foreign byte is never an invalid bool.
 */
#ifndef PROC_CONF_H
#define PROC_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "ipc/msg.h"
#include "proc/busypoll.h"
#include "tcp/tcp.h"

#define CONF_PATH_MAX 108  /* sun_path */
#define CONF_ADDRS    16   /* of ours, and of a TAP's host side */
#define CONF_ROUTES   64   /* STACK_ROUTES */
#define CONF_RULES    160  /* leaves room for the built-in ones */
#define CONF_QUOTAS   4096 /* quota_user sections */
#define CONF_SERVERS  8	   /* name servers */

/* Addresses are IPv6 or v4-mapped, lengths count of 128 (base/addr.h). */
struct conf_addr {
	struct ipaddr addr;
	uint8_t plen;
	uint8_t pad[3];
	uint32_t line; /* of tcpd.conf */
};

struct conf_device {
	uint8_t kind; /* enum dev_kind */
	uint8_t offload, multi_queue, have_mac;
	uint8_t mac[6];
	uint8_t ring, pad[3]; /* packet: try a receive ring */
	uint16_t mtu;	      /* 0: keep */
	uint32_t txqueuelen;  /* 0: keep */
	uint32_t nhosts;      /* 0: leave the host side alone */
	uint32_t vlan;	      /* 0: none */
	struct conf_addr hosts[CONF_ADDRS];
	char name[16];
	char netns[CONF_PATH_MAX]; /* "": this one */
};

struct conf_tcp {
	char congestion[16];
	struct tcp_bufs size;
	uint32_t msl_us;
	uint16_t port_first, port_last;
	uint8_t syncookies;  /* enum tcp_cookies */
	uint8_t mtu_probing; /* enum tcp_mtu_probing */
	uint8_t timestamps, sack, window_scaling, quick_acks;
	uint8_t pacing;
	uint8_t ecn;	       /* enum tcp_ecn_policy */
	uint8_t accecn_option; /* enum tcp_accecn_option */
	uint8_t ect_all;
	uint8_t syn_linear;
	uint8_t loopback_fast_path;
	struct tcp_fastopen fastopen;
	uint64_t max_conns;   /* 0: as memory allows */
	uint64_t syn_rate;    /* 0: no limit */
	uint64_t max_orphans; /* 0: as many as there are */
};

struct conf_ipv4 {
	uint8_t dhcp; /* address = "dhcp": without a static one, too */
	uint8_t conflict_detection;
	uint8_t pad[2];
};

struct conf_ipv6 {
	uint8_t slaac;	   /* address = "slaac": without a static one, too */
	uint8_t accept_ra; /* routes and addresses from routers */
	uint8_t dad_transmits;
	uint8_t pad;
};

/* Limits of one user, and his default. */
struct conf_quota {
	uint32_t conns, listeners, half_open, pad;
	uint64_t buffer_bytes;
	char congestion[16]; /* "": tcp's */
};

struct conf_quota_user {
	uint32_t uid, pad;
	struct conf_quota quota;
};

struct conf_route {
	struct ipaddr dst, gateway; /* gateway any of either family: on link */
	uint8_t plen;
	uint8_t pad[3];
	uint32_t line; /* of tcpd.conf */
};

struct conf_rule {
	struct ipaddr addr;
	uint8_t plen;
	uint8_t action; /* enum proto_action */
	uint8_t bind;	/* a rule for bind, else for connect */
	uint8_t pad;
	uint16_t port_first, port_last;
	uint32_t line;
};

struct conf_nameserver {
	struct ipaddr addr;
	uint16_t port;
	uint16_t pad;
};

struct conf_resolver {
	uint32_t nservers; /* 0: there is no resolver */
	uint8_t hosts;	   /* the daemon's /etc/hosts comes first */
	uint8_t pad[3];
	struct conf_nameserver servers[CONF_SERVERS];
};

struct conf_engine {
	struct busypoll_config busypoll;
	uint8_t ring; /* programs may leave what they send where it lies */
	uint8_t pad[7];
};

/* What is one of each. */
struct conf_global {
	struct conf_device device;
	struct conf_engine engine;
	struct conf_tcp tcp;
	struct conf_ipv4 ipv4;
	struct conf_ipv6 ipv6;
	struct conf_resolver resolver;
	struct conf_quota quota;	    /* of users without their own */
	struct conf_addr addrs[CONF_ADDRS]; /* ours */
	uint32_t naddrs;
	uint32_t uid, gid;    /* what the children become */
	uint32_t control_gid; /* of the control socket; UINT32_MAX: none */
	uint8_t have_user;    /* 0: stay who we are */
	uint8_t loopback;     /* enum proto_action */
	uint8_t pad2[2];
	uint64_t buffers; /* bytes of all packet buffers together */
	char socket[CONF_PATH_MAX];
	char control[CONF_PATH_MAX];
	char pidfile[CONF_PATH_MAX];
	char user[32];
	uint32_t nroutes, nrules, nquotas;
	uint32_t loopback_line; /* of tcpd.conf; 0: by default */
};

struct conf {
	struct conf_global g;
	struct conf_route *routes;
	struct conf_rule *rules;
	struct conf_quota_user *quotas; /* sorted by uid */
};

/* Where the complaints go: one line each, "file:line: cause; cure". */
typedef void conf_error_fn(void *arg, const char *line);

/* Reads and checks path.  NULL when anything is wrong with it. */
struct conf *conf_load(const char *path, conf_error_fn *err, void *arg);
void conf_free(struct conf *c);

/* Is plen the length of a prefix of a's family? */
bool conf_plen_valid(const struct ipaddr *a, uint8_t plen);

/* The limits that hold for uid. */
const struct conf_quota *conf_quota(const struct conf *c, uint32_t uid);

/*
 * A reload: *now takes over what of next can take effect while running (tcp's
 * congestion, buffer sizes and syncookies; quotas, policy, addresses, routes;
 * busy polling);
 * next is freed.  Returns the number of changed settings that need a restart,
 * each told to err by its name.
 */
unsigned conf_reload(
    struct conf *now, struct conf *next, conf_error_fn *err, void *arg);

/* Sends c as messages PM_CONF ... PM_CONF_END; 0 or msgchan_send()'s error. */
int conf_send(const struct conf *c, struct msgchan *ch);

/* The receiving side: feed it every PM_CONF* message. */
struct confrx {
	struct conf *building;
	uint32_t have_routes, have_rules, have_quotas;
};
/* 1: *done is a complete, checked configuration, the caller's to free; 0: go
 * on; -EPROTO: malformed; -ENOMEM. */
int confrx_input(struct confrx *rx, const struct msg *m, struct conf **done);

#endif
