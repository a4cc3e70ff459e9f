/* SPDX-License-Identifier: ISC */
/*
 * Is a descriptor ours, which one, and in what state?  Asked of the kernel
 * each time: the library keeps no table, so dup, fork, exec and SCM_RIGHTS
 * need no care.
 *
 * Where no other meaning is given, functions return 0 or a negative errno and
 * leave errno alone.
 */
#ifndef LIBCLIENT_IDENT_H
#define LIBCLIENT_IDENT_H

#include <stdbool.h>
#include <stdint.h>
#include "ipc/md5key.h"
#include "ipc/sockopt.h"
#include "tcpd/proto.h"

/* One getsockopt for a foreign descriptor. */
bool ident_ours(int fd, uint64_t *handle);
/* AF_INET or AF_INET6, of a descriptor of ours. */
int ident_family(int fd);
/* An accepted connection that no accept() of ours has seen (a raw system
 * call, io_uring): tags it.  For descriptors known to be AF_UNIX. */
bool ident_adopt(int fd, uint64_t *handle);
/* The far end's name, when fd is an accepted connection. */
bool ident_peer(int fd, struct proto_peer *peer);
/* Is this name that of an accepted connection's far end? */
bool ident_is_peer(const void *sockaddr, unsigned len, struct proto_peer *out);

/* A random one. */
uint64_t ident_handle(void);
/* All of the tag, as it is; 0: none. */
uint64_t ident_get_tag(int fd);
int ident_set_tag(int fd, uint64_t tag);
int ident_tag(int fd, int family, uint64_t handle);
/* A new AF_UNIX stream, tagged as a socket of family; type carries
 * SOCK_NONBLOCK, SOCK_CLOEXEC. */
int ident_new(int family, int type, uint64_t *handle);

enum phase {
	PHASE_FRESH, /* perhaps bound */
	PHASE_LISTENING,
	PHASE_CONNECTING,
	PHASE_ARRIVED, /* established, and connect() has not told yet */
	PHASE_CONNECTED,
	PHASE_FAILED, /* ended, and connect() has not told yet */
	PHASE_OVER,   /* was connected, has ended */
};
enum phase ident_phase(int fd, uint64_t handle);
bool ident_writable(int fd); /* in this instant */
bool ident_attached(int fd); /* it has a far end, or had one */
bool ident_listening(int fd);
bool ident_bound(int fd); /* its AF_UNIX side has a name */
/* About to be attached: is that by its maker, who need show nothing later? */
bool ident_attach_as_maker(int fd);
/* Of one with a connection: does the daemon know it as this user's?  If in
 * doubt, no. */
bool ident_mine(int fd);

/* A connection attempt goes on after connect() has returned. */
void ident_pending(int fd, bool on);

/* Established, seen for the first time: the send buffer becomes what it shall
 * be. */
void ident_settle(int fd);
/* What the ring does not take soon fills it, or no longer. */
void ident_ringed(int fd, bool on);
/* What the send buffer of an established connection is natively. */
void ident_sndbuf(int fd, const struct sockopts *o);

/* The options set so far, kept on the descriptor itself. */
void ident_options(int fd, struct sockopts *o);
/* The same where the family is known. */
void ident_options_of(int fd, int family, struct sockopts *o);
int ident_keep_options(int fd, const struct sockopts *o);
/* The keys, the same way.  Who holds the descriptor can read them there, so
 * they go once the daemon has them for a listener. */
void ident_keys(int fd, struct md5keys *k);
int ident_keep_keys(int fd, const struct md5keys *k);

/* An epoll instance that watches a descriptor: what it was told. */
struct watch {
	int ep, fd;
	uint32_t events;
	uint64_t data;
};
#define WATCH_MAX 4
/* Who watches it, kept there too; the number. */
unsigned ident_watches(int fd, struct watch w[WATCH_MAX]);
int ident_keep_watches(int fd, const struct watch *w, unsigned n);
/* May another socket take its place yet?  Of descriptors of ours. */
bool ident_replaceable(int fd);

/* Puts a fresh tagged socket in fd's place, with its options and flags. */
int ident_renew(int fd, uint64_t *handle);
/* A socket of the kernel's TCP with fd's family, options and flags. */
int ident_kernel_twin(int fd);
/* What the kernel keeps of from goes to to: time-outs, priority, ... */
void ident_copy_native(int from, int to);
/* SOCK_NONBLOCK and SOCK_CLOEXEC as fd has them. */
int ident_flags(int fd);
/* Puts new in fd's place, and in the epoll instances that watch that; new
 * itself is closed, whatever comes of it. */
int ident_replace(int fd, int new);

#endif
