/* SPDX-License-Identifier: ISC */
/*
 * Identity and state of a descriptor; see ident.h.
 *
 * The tag (the family and a random handle) sits in SO_MAX_PACING_RATE, which
 * AF_UNIX does not use.  The options of a socket without a connection sit in a
 * socket filter that never runs: a stream of AF_UNIX does not run filters.  Its
 * instructions are "load this constant", the constants are the words, the last
 * one accepts everything.  Keys of TCP_MD5SIG stand behind them; before them,
 * which epoll instances watch it, for they forget a descriptor whose socket is
 * replaced.
 *
 * A non-blocking attempt is pending until connect() has told its end, as in
 * Linux (SS_CONNECTING): that flag is SO_NOFCS, which means nothing here and
 * which the table keeps elsewhere; as SO_WIFI_STATUS, the mark of a socket that
 * another user attached than made it.  The send buffer is PROTO_WAIT_SNDBUF
 * while connecting, a value that it never has otherwise, until it is settled.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include "ident.h"
#include "ipc/aokey.h"
#include "sys.h"
#include "wire.h"

/* A's send buffer once established (the kernel doubles it and clamps it). */
#define SNDBUF_NATIVE  (1 << 20)
/* Written, AF_UNIX cuts into pieces of 32 KiB and what goes into a page with
 * their heads, or half a small buffer.  One stays, for the byte that the daemon
 * leaves (the reset byte); would it be more than a quarter of the buffer, A
 * were never writable again.  Also more than PROTO_WAIT_SNDBUF / 2. */
#define SNDBUF_MINIMUM (2 * (33 << 10) + 2 * (int)sysconf(_SC_PAGESIZE))

/* First come the watches, after their number. */
#define WATCH_WORDS   5
#define WATCHES_WORDS (1 + WATCH_MAX * WATCH_WORDS)
#define JOURNAL_WORDS                                                          \
	(WATCHES_WORDS + SOCKOPT_JOURNAL_MAX + MD5KEYS_JOURNAL_MAX)

static bool
get_int(int fd, int name, int *v)
{
	socklen_t len = sizeof *v;

	return sys_getsockopt(fd, SOL_SOCKET, name, v, &len) == 0;
}

uint64_t
ident_get_tag(int fd)
{
	uint64_t tag = 0;
	socklen_t len = sizeof tag;

	if (sys_getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &tag, &len) != 0)
		return 0;
	return tag;
}

bool
ident_ours(int fd, uint64_t *handle)
{
	uint64_t tag = ident_get_tag(fd);
	int domain;

	if (tag >> PROTO_TAG_SHIFT != PROTO_TAG &&
	    tag >> PROTO_TAG_SHIFT != PROTO_TAG6)
		return false;
	*handle = tag & PROTO_HANDLE_MASK;
	return get_int(fd, SO_DOMAIN, &domain) && domain == AF_UNIX;
}

int
ident_family(int fd)
{
	return ident_get_tag(fd) >> PROTO_TAG_SHIFT == PROTO_TAG6 ? AF_INET6
								  : AF_INET;
}

bool
ident_is_peer(const void *sockaddr, unsigned len, struct proto_peer *out)
{
	const struct sockaddr_un *un = sockaddr;

	if (len != sizeof un->sun_family + sizeof *out ||
	    un->sun_family != AF_UNIX)
		return false;
	memcpy(out, un->sun_path, sizeof *out);
	return out->zero == 0 &&
	       memcmp(out->magic, PROTO_PEER_MAGIC, sizeof out->magic) == 0;
}

bool
ident_peer(int fd, struct proto_peer *peer)
{
	struct sockaddr_un un;
	socklen_t len = sizeof un;

	return sys_getpeername(fd, &un, &len) == 0 &&
	       ident_is_peer(&un, len, peer);
}

bool
ident_adopt(int fd, uint64_t *handle)
{
	struct proto_peer peer;

	if (!ident_peer(fd, &peer))
		return false;
	*handle = peer.handle & PROTO_HANDLE_MASK;
	return ident_tag(fd, peer.local.family, *handle) == 0;
}

int
ident_set_tag(int fd, uint64_t tag)
{
	return sys_setsockopt(
	    fd, SOL_SOCKET, SO_MAX_PACING_RATE, &tag, sizeof tag);
}

int
ident_tag(int fd, int family, uint64_t handle)
{
	uint64_t tag = family == AF_INET6 ? PROTO_TAG6 : PROTO_TAG;

	return ident_set_tag(fd, tag << PROTO_TAG_SHIFT | handle);
}

uint64_t
ident_handle(void)
{
	uint64_t h = 0;

	while (h == 0) {
		if (SYS(SYS_getrandom, &h, sizeof h, 0, 0, 0, 0) != sizeof h)
			h = 0;
		h &= PROTO_HANDLE_MASK;
	}
	return h;
}

int
ident_new(int family, int type, uint64_t *handle)
{
	int fd, err;

	fd = sys_socket(AF_UNIX, type, 0);
	if (fd < 0)
		return fd;
	*handle = ident_handle();
	err = ident_tag(fd, family, *handle);
	if (err != 0) {
		sys_close(fd);
		return err;
	}
	return fd;
}

bool
ident_attached(int fd)
{
	struct sockaddr_un un;
	socklen_t len = sizeof un;

	return sys_getpeername(fd, &un, &len) == 0;
}

bool
ident_listening(int fd)
{
	int on;

	return get_int(fd, SO_ACCEPTCONN, &on) && on;
}

bool
ident_bound(int fd)
{
	struct sockaddr_un un;
	socklen_t len = sizeof un;

	return sys_getsockname(fd, &un, &len) == 0 &&
	       len > sizeof un.sun_family;
}

bool
ident_attach_as_maker(int fd)
{
	struct stat st;
	int v = 1;

	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		return true;
	sys_setsockopt(fd, SOL_SOCKET, SO_WIFI_STATUS, &v, sizeof v);
	return false;
}

bool
ident_mine(int fd)
{
	struct proto_peer peer;
	struct stat st;
	int other;

	if (ident_peer(fd, &peer))
		return peer.local.flags == geteuid();
	return get_int(fd, SO_WIFI_STATUS, &other) && !other &&
	       fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

/* Poll bits of this instant. */
static int
bits(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	struct timespec none = {0, 0};

	if (SYS(SYS_ppoll, &p, 1, &none, 0, 0, 0) < 0)
		return 0;
	return p.revents;
}

/* Attached, not writable and never told: the daemon knows which it is. */
static bool
has_peer_name(int fd, uint64_t handle)
{
	struct proto_name name;
	struct wire_req q = {.type = PROTO_GETPEERNAME,
	    .handle = handle,
	    .auth_fd = fd,
	    .ans = &name,
	    .ans_max = sizeof name};

	return wire_request(&q) == 0;
}

bool
ident_writable(int fd)
{
	return bits(fd) & POLLOUT;
}

static bool
unsettled(int fd)
{
	int v;

	return get_int(fd, SO_SNDBUF, &v) && v == PROTO_WAIT_SNDBUF;
}

enum phase
ident_phase(int fd, uint64_t handle)
{
	bool pending;
	int b, flag = 0;

	if (!ident_attached(fd))
		return ident_listening(fd) ? PHASE_LISTENING : PHASE_FRESH;
	pending = get_int(fd, SO_NOFCS, &flag) && flag;
	b = bits(fd);
	if (b & (POLLHUP | POLLERR))
		return pending ? PHASE_FAILED : PHASE_OVER;
	if (!pending)
		return PHASE_CONNECTED;
	if (b & POLLOUT || !unsettled(fd))
		return PHASE_ARRIVED;
	return has_peer_name(fd, handle) ? PHASE_ARRIVED : PHASE_CONNECTING;
}

void
ident_pending(int fd, bool on)
{
	int v = on;

	sys_setsockopt(fd, SOL_SOCKET, SO_NOFCS, &v, sizeof v);
}

void
ident_sndbuf(int fd, const struct sockopts *o)
{
	int v = sockopt_val(o, OPT_SO_SNDBUF, 0) / 2;

	int lowat = sockopt_val(o, OPT_TCP_NOTSENT_LOWAT, 0);

	if (v == 0)
		v = SNDBUF_NATIVE;
	/* What waits here is not sent either. */
	if (lowat > 0 && lowat < v)
		v = lowat;
	if (v < SNDBUF_MINIMUM)
		v = SNDBUF_MINIMUM;
	sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, sizeof v);
}

void
ident_ringed(int fd, bool on)
{
	int v = on ? SNDBUF_MINIMUM : SNDBUF_NATIVE;

	sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, sizeof v);
}

void
ident_settle(int fd)
{
	struct sockopts o;

	if (!unsettled(fd))
		return;
	ident_options(fd, &o);
	ident_sndbuf(fd, &o);
}

/* ---- options and keys on the descriptor ---- */

/* All that is kept there. */
struct journal {
	struct watch watch[WATCH_MAX];
	unsigned nwatches;
	struct sockopts opts;
	struct md5keys keys;
};

static size_t
watches_get(struct journal *j, const uint32_t *words, size_t n)
{
	struct watch *w;

	j->nwatches = 0;
	if (n == 0 || words[0] > WATCH_MAX || words[0] * WATCH_WORDS > n - 1)
		return n;
	for (n = 1; j->nwatches < words[0]; n += WATCH_WORDS) {
		w = &j->watch[j->nwatches++];
		w->ep = (int)words[n];
		w->fd = (int)words[n + 1];
		w->events = words[n + 2];
		w->data = (uint64_t)words[n + 3] << 32 | words[n + 4];
	}
	return n;
}

static size_t
watches_put(const struct journal *j, uint32_t *words)
{
	const struct watch *w;
	size_t n = 1;

	words[0] = j->nwatches;
	for (w = j->watch; w < j->watch + j->nwatches; w++) {
		words[n++] = (uint32_t)w->ep;
		words[n++] = (uint32_t)w->fd;
		words[n++] = w->events;
		words[n++] = (uint32_t)(w->data >> 32);
		words[n++] = (uint32_t)w->data;
	}
	return n;
}

static void
read_journal_of(int fd, int family, struct journal *j)
{
	struct sock_filter f[JOURNAL_WORDS + 1];
	uint32_t words[JOURNAL_WORDS];
	socklen_t n = JOURNAL_WORDS + 1; /* in instructions, not bytes */
	size_t i, at;

	memset(j, 0, sizeof *j);
	j->opts.ipv6 = family == AF_INET6;
	memset(f, 0, sizeof f); /* valgrind does not know of instructions */
	if (sys_getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, f, &n) != 0 ||
	    n < 2 || n > JOURNAL_WORDS + 1)
		return;
	for (i = 0; i < n - 1; i++)
		words[i] = f[i].k;
	at = watches_get(j, words, n - 1);
	sockopt_journal_get(&j->opts, words + at, n - 1 - at);
	md5keys_journal_get(&j->keys, words + at, n - 1 - at);
	if (j->keys.n > 0) {
		explicit_bzero(f, sizeof f);
		explicit_bzero(words, sizeof words);
	}
}

static void
read_journal(int fd, struct journal *j)
{
	read_journal_of(fd, ident_family(fd), j);
}

static int
write_journal(int fd, const struct journal *j)
{
	struct sock_filter f[JOURNAL_WORDS + 1];
	uint32_t words[JOURNAL_WORDS];
	size_t n = watches_put(j, words), i;
	struct sock_fprog prog = {.filter = f};
	int err;

	n += sockopt_journal_put(&j->opts, words + n, SOCKOPT_JOURNAL_MAX);
	n += md5keys_journal_put(&j->keys, words + n);
	for (i = 0; i < n; i++)
		f[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, words[i]);
	f[n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	prog.len = (unsigned short)(n + 1);
	err = sys_setsockopt(
	    fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
	if (j->keys.n > 0) {
		explicit_bzero(f, sizeof f);
		explicit_bzero(words, sizeof words);
	}
	return err;
}

static void
forget(struct journal *j)
{
	if (j->keys.n > 0)
		explicit_bzero(&j->keys, sizeof j->keys);
}

void
ident_options_of(int fd, int family, struct sockopts *o)
{
	struct journal j;

	read_journal_of(fd, family, &j);
	*o = j.opts;
	forget(&j);
}

void
ident_options(int fd, struct sockopts *o)
{
	ident_options_of(fd, ident_family(fd), o);
}

void
ident_keys(int fd, struct md5keys *k)
{
	struct journal j;

	read_journal(fd, &j);
	*k = j.keys;
	forget(&j);
}

unsigned
ident_watches(int fd, struct watch w[WATCH_MAX])
{
	struct journal j;

	read_journal(fd, &j);
	memcpy(w, j.watch, sizeof j.watch);
	forget(&j);
	return j.nwatches;
}

int
ident_keep_options(int fd, const struct sockopts *o)
{
	struct journal j;
	int err;

	read_journal(fd, &j);
	j.opts = *o;
	err = write_journal(fd, &j);
	forget(&j);
	return err;
}

int
ident_keep_keys(int fd, const struct md5keys *k)
{
	struct journal j;
	int err;

	read_journal(fd, &j);
	j.keys = *k;
	err = write_journal(fd, &j);
	forget(&j);
	return err;
}

int
ident_keep_watches(int fd, const struct watch *w, unsigned n)
{
	struct journal j;
	int err;

	read_journal(fd, &j);
	memcpy(j.watch, w, n * sizeof *w);
	j.nwatches = n;
	err = write_journal(fd, &j);
	forget(&j);
	return err;
}

bool
ident_replaceable(int fd)
{
	int pending = 0;

	return !ident_attached(fd) ||
	       (get_int(fd, SO_NOFCS, &pending) && pending);
}

/* ---- another socket in its place ---- */

void
ident_copy_native(int from, int to)
{
	static const int names[] = {SO_BROADCAST, SO_BUSY_POLL, SO_INCOMING_CPU,
	    SO_OOBINLINE, SO_PRIORITY, SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDTIMEO};
	uint64_t v[2], fresh[2];
	socklen_t len, flen;
	unsigned i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		len = flen = sizeof v;
		if (sys_getsockopt(from, SOL_SOCKET, names[i], v, &len) != 0 ||
		    sys_getsockopt(to, SOL_SOCKET, names[i], fresh, &flen) !=
			0 ||
		    memcmp(v, fresh, len) == 0)
			continue;
		sys_setsockopt(to, SOL_SOCKET, names[i], v, len);
	}
}

int
ident_flags(int fd)
{
	int fl = sys_fcntl(fd, F_GETFL, 0), fdfl = sys_fcntl(fd, F_GETFD, 0);

	return (fl > 0 && fl & O_NONBLOCK ? SOCK_NONBLOCK : 0) |
	       (fdfl > 0 && fdfl & FD_CLOEXEC ? SOCK_CLOEXEC : 0);
}

int
ident_renew(int fd, uint64_t *handle)
{
	struct journal j;
	int new;

	new =
	    ident_new(ident_family(fd), SOCK_STREAM | ident_flags(fd), handle);
	if (new < 0)
		return new;
	read_journal(fd, &j);
	if (sockopt_any(&j.opts) || j.keys.n > 0 || j.keys.ao != 0 ||
	    j.nwatches > 0)
		write_journal(new, &j);
	forget(&j);
	ident_copy_native(fd, new);
	return ident_replace(fd, new);
}

/* Without its keys it would be another socket than was asked for. */
static int
sign_twin(int fd, int twin)
{
	uint8_t val[MD5KEY_VALUE];
	struct tcpd_ao_info info;
	struct md5keys k;
	uint32_t len;
	int err = 0, name;

	ident_keys(fd, &k);
	for (uint32_t i = 0; i < k.n && err == 0; i++) {
		len = key_value(
		    &k.key[i], ident_family(fd) == AF_INET6, val, &name);
		err = sys_setsockopt(twin, IPPROTO_TCP, name, val, len);
	}
	if (err == 0 && keys_info(&k, &info) > 0)
		err = sys_setsockopt(
		    twin, IPPROTO_TCP, TCP_AO_INFO, &info, sizeof info);
	explicit_bzero(val, sizeof val);
	explicit_bzero(&k, sizeof k);
	return err;
}

int
ident_kernel_twin(int fd)
{
	uint8_t buf[SOCKOPT_PACK_MAX];
	struct proto_opt po;
	struct sockopts o;
	size_t len, at = 0;
	uint32_t n;
	int new, err;

	new = sys_socket(
	    ident_family(fd), SOCK_STREAM | ident_flags(fd), IPPROTO_TCP);
	if (new < 0)
		return new;
	err = sign_twin(fd, new);
	if (err != 0) {
		sys_close(new);
		return err;
	}
	ident_options(fd, &o);
	len = sockopt_pack(&o, buf, sizeof buf, &n);
	while (at < len) {
		memcpy(&po, buf + at, sizeof po);
		at += sizeof po;
		sys_setsockopt(new, po.level, po.name, buf + at, po.len);
		at += (po.len + 7) & ~7u;
	}
	ident_copy_native(fd, new);
	return new;
}
