/* SPDX-License-Identifier: ISC */
/*
 * The table of socket options at work; see sockopt.h for what it promises and
 * sockopt.def for the rows.
 *
 * Linux's rules, seen from outside (tests/unit/sockopt.c compares them with
 * the running kernel): SOL_SOCKET and IPPROTO_TCP want four bytes before they
 * look at the name and ignore what is beyond; IPPROTO_IP takes an int from
 * four bytes, an unsigned char from one to three, and 0 from none; IPPROTO_IPV6
 * wants four bytes for most names and takes fewer as 0 for some.  get cuts the
 * value to the room given; IPPROTO_IP gives a single byte to whoever has room
 * for less than an int when the value fits.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include "ipc/md5key.h"
#include "ipc/sockopt.h"
#include "tcpd/ao.h"
#include "tcpd/proto.h"

/* Younger than the C library's headers may be. */
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_PROTOCOL
#define IP_PROTOCOL 52
#endif
#ifndef TCP_IS_MPTCP
#define TCP_IS_MPTCP 43
#endif
#define IPT_SET_REPLACE		 64
#define IPT_SET_ADD_COUNTERS	 65
#define ARPT_SET_REPLACE	 96
#define ARPT_SET_ADD_COUNTERS	 97
#define IP6T_SO_SET_REPLACE	 64
#define IP6T_SO_SET_ADD_COUNTERS 65

/* Linux's net.core.[rw]mem_max, here a constant: 4 MiB. */
#define BUF_CAP (4 << 20)

enum kind {
	NATIVE,	    /* the kernel judges */
	BOOL,	    /* any value, shown as 0 or 1 */
	INT,	    /* min..max */
	BUF,	    /* doubled, at least min */
	BACKLOG,    /* at least min, cut to max */
	LINGER,	    /* struct linger */
	LINGER2,    /* negative: -1; above max: max; 0: the default */
	MAXSEG,	    /* 0 or min..max */
	TOS,	    /* without the ECN bits */
	TTL,	    /* -1 or min..max */
	CONG,	    /* a name that we have */
	CONST,	    /* get: def; set: err */
	ADDR,	    /* the same, never cut to a byte */
	ERR,	    /* get: EINVAL below max bytes, err for exactly min,
		       else errno def; set: err */
	EMPTY,	    /* get: nothing; set: err */
	EMPTY8,	    /* get: eight zero bytes; set: EINVAL but for 8, err */
	ONLY,	    /* min..max else EINVAL; then def, or err */
	ONLY8,	    /* the same, shown in eight bytes */
	ONLYERR,    /* the same, and no get */
	DEFER,	    /* seconds, as SYN-ACK time-outs add up to */
	CLAMP,	    /* 0, or at least min */
	ONLYRANGE,  /* two ports, low one first: EINVAL; then 0, or err */
	BOOLONLY,   /* 0, or err */
	BOOLDGRAM,  /* the same: on a stream it has no other value */
	REFUSE,	    /* 0, or err */
	REFUSENEG,  /* below 0 EINVAL, else err */
	PACING,	    /* 4 or 8 bytes, all ones: no limit */
	PEERCRED,   /* get: nobody */
	DEVICE,	    /* an empty name, or err; any length */
	IPOPTIONS,  /* no options, or err */
	INFO,	    /* struct tcp_info */
	NAME,	    /* any length but 0, err */
	KEYED,	    /* a struct; shorter EINVAL, else err */
	KEY,	    /* exactly min or max bytes, else EINVAL */
	IGNORED,    /* min..max, then nothing happens */
	ADVICE,	    /* get: errno def; set: heard */
	FAMILY,	    /* get: the socket's; set: err */
	STRUCT,	    /* get: as ERR; set: shorter than min EINVAL, else err */
	RANGED,	    /* get: errno def; set: EINVAL but for min..max, then err */
	PMTUDISC,   /* min..max else EINVAL; IP_PMTUDISC_WANT, _DO, or err */
	MTU,	    /* get: errno def; set: 0 or min..max, no meaning on TCP */
	PKTOPTIONS, /* get: nothing; set: no control message, or err */
	TCLASS,	    /* -1: 0, to 255, without the ECN bits */
	ALWAYS,	    /* not 0, or err */
	PREFER,	    /* at most one of each pair of RFC 5014 */
};

enum {
	T = 0,
	N = SOCKOPT_NATIVE,
	S = SOCKOPT_STACK,
	L = SOCKOPT_LIVE,
	WHERE = 7,
	NEED = 8,   /* IPPROTO_IP: not zero bytes; IPPROTO_IPV6: four */
	EXACT = 16, /* those two: four bytes and no more */
};

struct row {
	uint8_t where, level, name, kind;
	int8_t id; /* enum sockopt_id, or -1 */
	uint8_t err;
	int32_t def, min, max;
};

static const struct row rows[] = {
#define OPT(where, level, name, kind, def, min, max, err)                      \
	{where, level, name, kind, -1, err, def, min, max},
#define KEPT(where, level, name, kind, def, min, max, err)                     \
	{where, level, name, kind, OPT_##name, err, def, min, max},
#define SAME(where, level, name, kind, def, min, max, err, as)                 \
	{where, level, name, kind, OPT_##as, err, def, min, max},
#include "sockopt.def"
#undef SAME
#undef OPT
#undef KEPT
};
#define NROWS (sizeof rows / sizeof rows[0])

/* Their names apart: pointers in the table would have to be relocated in each
 * process that loads the shim, where nobody asks for a name. */
static const char *const row_names[NROWS] = {
#define OPT(where, level, name, kind, def, min, max, err)      #name,
#define KEPT(where, level, name, kind, def, min, max, err)     #name,
#define SAME(where, level, name, kind, def, min, max, err, as) #name,
#include "sockopt.def"
#undef SAME
#undef OPT
#undef KEPT
};

/* The kinds of congestion control, as Linux names them. */
static const char cong_names[][16] = {"cubic", "reno", "bbr", "dctcp"};
#define NCONG (sizeof cong_names / sizeof cong_names[0])

static const struct row *
find(int level, int name)
{
	size_t i;

	for (i = 0; i < NROWS; i++)
		if (rows[i].name == name && rows[i].level == level)
			return &rows[i];
	return NULL;
}

static const struct row *
row_of(enum sockopt_id id)
{
	size_t i;

	for (i = 0; rows[i].id != (int)id; i++)
		;
	return &rows[i];
}

unsigned
sockopt_where(int level, int name)
{
	const struct row *r = find(level, name);

	return r ? r->where & WHERE : 0;
}

const char *
sockopt_name(int level, int name)
{
	const struct row *r = find(level, name);

	return r ? row_names[r - rows] : NULL;
}

static int
keep(struct sockopts *o, const struct row *r, int32_t v)
{
	if (r->id >= 0) {
		o->val[r->id] = v;
		o->set[r->id / 64] |= 1ULL << r->id % 64;
	}
	return 0;
}

const char *
sockopt_congestion(int32_t val)
{
	return cong_names[val];
}

/* ---- set ---- */

/* SYN-ACKs time out after 1, 2, 4 s and so on, up to this. */
#define TIMEOUT_MAX_S 120

uint8_t
sockopt_timeouts(int32_t seconds)
{
	int32_t end = 1, next = 2;
	uint8_t n = 1;

	if (seconds <= 0)
		return 0;
	for (; seconds > end && n < UINT8_MAX; n++) {
		end += next;
		next = 2 * next < TIMEOUT_MAX_S ? 2 * next : TIMEOUT_MAX_S;
	}
	return n;
}

int32_t
sockopt_timeouts_end(uint8_t n)
{
	int32_t end = 0, next = 1;

	for (; n > 0; n--) {
		end += next;
		next = 2 * next < TIMEOUT_MAX_S ? 2 * next : TIMEOUT_MAX_S;
	}
	return end;
}

/* A name in at most 15 bytes of val. */
static int
set_congestion(
    struct sockopts *o, const struct row *r, const char *val, uint32_t len)
{
	char name[16] = "";
	size_t i;

	if (len < 1)
		return EINVAL;
	for (i = 0; i < len && i < sizeof name - 1 && val[i] != '\0'; i++)
		name[i] = val[i];
	if (strcmp(name, "newreno") == 0)
		strcpy(name, "reno");
	for (i = 0; i < NCONG; i++)
		if (strcmp(name, cong_names[i]) == 0)
			return keep(o, r, (int32_t)i);
	return ENOENT;
}

static int
set_linger(
    struct sockopts *o, const struct row *r, const void *val, uint32_t len)
{
	struct linger l;

	if (len < sizeof l)
		return EINVAL;
	memcpy(&l, val, sizeof l);
	if (!l.l_onoff)
		return keep(o, r, -1);
	return keep(o, r, l.l_linger < 0 ? INT_MAX : l.l_linger);
}

static int
set_pacing(
    struct sockopts *o, const struct row *r, const void *val, uint32_t len)
{
	uint32_t narrow;

	if (len < sizeof narrow)
		return EINVAL;
	if (len >= sizeof o->pacing_rate) {
		memcpy(&o->pacing_rate, val, sizeof o->pacing_rate);
	} else {
		memcpy(&narrow, val, sizeof narrow);
		o->pacing_rate = narrow == UINT32_MAX ? UINT64_MAX : narrow;
	}
	return keep(o, r, 0);
}

static int
set_key(struct sockopts *o, const struct row *r, const void *val, uint32_t len)
{
	if (len != (uint32_t)r->min && len != (uint32_t)r->max)
		return EINVAL;
	memset(o->fastopen_key, 0, sizeof o->fastopen_key);
	memcpy(o->fastopen_key, val, len);
	return keep(o, r, (int32_t)len);
}

/* Kinds that look at the bytes themselves.  -1: not one of them. */
static int
set_bytes(
    struct sockopts *o, const struct row *r, const void *val, uint32_t len)
{
	switch (r->kind) {
	case CONG:
		return set_congestion(o, r, val, len);
	case DEVICE:
		return len == 0 || *(const char *)val == '\0' ? 0 : r->err;
	case NAME:
		return len < 1 ? EINVAL : r->err;
	case KEY:
		return set_key(o, r, val, len);
	case IPOPTIONS:
		return len == 0 ? 0 : len > 40 ? EINVAL : r->err;
	case PACING:
		return set_pacing(o, r, val, len);
	case LINGER:
		return set_linger(o, r, val, len);
	case EMPTY8:
		return len == 8 ? r->err : EINVAL;
	case KEYED:
		return len < sizeof(struct tcp_md5sig) ? EINVAL : r->err;
	case STRUCT:
		return len < (uint32_t)r->min ? EINVAL : r->err;
	case PKTOPTIONS:
		return len < sizeof(struct cmsghdr) ? 0 : r->err;
	default:
		return -1;
	}
}

static int
set_buf(struct sockopts *o, const struct row *r, int v)
{
	uint32_t u = (uint32_t)v < BUF_CAP ? (uint32_t)v : BUF_CAP;

	u *= 2;
	return keep(o, r, u < (uint32_t)r->min ? r->min : (int32_t)u);
}

/* Kinds that may refuse every value but one. */
static int
set_fixed(const struct row *r, int v)
{
	switch (r->kind) {
	case ONLY:
	case ONLY8:
	case ONLYERR:
		if (v < r->min || v > r->max)
			return EINVAL;
		return v == r->def ? 0 : r->err;
	case ONLYRANGE:
		if ((v & 0xffff) != 0 && (uint32_t)v >> 16 != 0 &&
		    (v & 0xffff) > (int)((uint32_t)v >> 16))
			return EINVAL;
		return v == 0 ? 0 : r->err;
	case BOOLONLY:
	case REFUSE:
		return v == 0 ? 0 : r->err;
	case REFUSENEG:
		return v < 0 ? EINVAL : r->err;
	case IGNORED:
		return v < r->min || v > r->max ? EINVAL : 0;
	case ADVICE:
		return 0;
	case ALWAYS:
		return v != 0 ? 0 : r->err;
	case MTU:
		return v != 0 && (v < r->min || v > r->max) ? EINVAL : 0;
	case RANGED:
		return v < r->min || v > r->max ? EINVAL : r->err;
	default: /* CONST, ERR, EMPTY, PEERCRED, INFO */
		return r->err;
	}
}

/* IPV6_ADDR_PREFERENCES (RFC 5014).  They are kept and shown: tcpd has neither
 * temporary nor home addresses, so that both wishes of a pair mean the same. */
static int
set_preferences(struct sockopts *o, const struct row *r, int v)
{
	static const int default_of[] = {
	    IPV6_PREFER_SRC_PUBTMP_DEFAULT, IPV6_PREFER_SRC_HOME};
	static const int other[] = {
	    IPV6_PREFER_SRC_TMP | IPV6_PREFER_SRC_PUBLIC, IPV6_PREFER_SRC_COA};
	const int cga = IPV6_PREFER_SRC_CGA | IPV6_PREFER_SRC_NONCGA;
	int32_t now = sockopt_val(o, r->id, r->def);
	int i, all, got;

	if ((v & cga) == cga)
		return EINVAL;
	for (i = 0; i < 2; i++) {
		all = default_of[i] | other[i];
		got = v & all;
		if ((got & (got - 1)) != 0)
			return EINVAL;
		if (got != 0)
			now = (now & ~all) | got;
	}
	return keep(o, r, now);
}

/* Every segment that we send is atomic and obeys the path's MTU, which is what
 * both of these ask for. */
static int
set_pmtudisc(struct sockopts *o, const struct row *r, int v)
{
	if (v < r->min || v > r->max)
		return EINVAL;
	if (v != IP_PMTUDISC_WANT && v != IP_PMTUDISC_DO)
		return r->err;
	return keep(o, r, v);
}

static int
set_int(struct sockopts *o, const struct row *r, int v)
{
	switch (r->kind) {
	case BOOL:
		return keep(o, r, v != 0);
	case BOOLDGRAM:
		return v == 0 ? keep(o, r, 0) : r->err;
	case INT:
		return v < r->min || v > r->max ? EINVAL : keep(o, r, v);
	case BUF:
		return set_buf(o, r, v);
	case BACKLOG:
		return v < r->min ? EINVAL
				  : keep(o, r, v < r->max ? v : r->max);
	case LINGER2:
		return keep(o, r,
		    v < 0	 ? -1
		    : v > r->max ? r->max
		    : v == 0	 ? r->def
				 : v);
	case DEFER:
		return keep(o, r, sockopt_timeouts_end(sockopt_timeouts(v)));
	case CLAMP:
		return keep(o, r, v == 0 || v >= r->min ? v : r->min);
	case MAXSEG:
		if (v != 0 && (v < r->min || v > r->max))
			return EINVAL;
		return keep(o, r, v);
	case TOS:
		return keep(o, r, v & 0xfc);
	case TTL:
		if (v != -1 && (v < r->min || v > r->max))
			return EINVAL;
		return keep(o, r, v == -1 ? r->def : v);
	case TCLASS:
		if (v < -1 || v > r->max)
			return EINVAL;
		return keep(o, r, v == -1 ? r->def : v & 0xfc);
	case PREFER:
		return set_preferences(o, r, v);
	case PMTUDISC:
		return set_pmtudisc(o, r, v);
	default:
		return set_fixed(r, v);
	}
}

/* The int of an IPPROTO_IP option; false: EINVAL. */
static bool
ip_value(const struct row *r, const void *val, uint32_t len, int *v)
{
	*v = 0;
	if (len >= sizeof *v)
		memcpy(v, val, sizeof *v);
	else if (len >= 1)
		*v = *(const unsigned char *)val;
	else if (r->where & NEED || r->kind == TTL)
		return false;
	return !(r->where & EXACT) || len == sizeof *v;
}

/* The same of an IPPROTO_IPV6 option. */
static bool
ipv6_value(const struct row *r, const void *val, uint32_t len, int *v)
{
	*v = 0;
	if (len >= sizeof *v)
		memcpy(v, val, sizeof *v);
	else if (r->where & (NEED | EXACT))
		return false;
	return !(r->where & EXACT) || len == sizeof *v;
}

static int
set_ip(struct sockopts *o, const struct row *r, const void *val, uint32_t len)
{
	bool good;
	int v, err;

	if (r == NULL)
		return ENOPROTOOPT;
	err = set_bytes(o, r, val, len);
	if (err >= 0)
		return err;
	good = r->level == IPPROTO_IP ? ip_value(r, val, len, &v)
				      : ipv6_value(r, val, len, &v);
	return good ? set_int(o, r, v) : EINVAL;
}

int
sockopt_set(
    struct sockopts *o, int level, int name, const void *val, uint32_t len)
{
	const struct row *r = find(level, name);
	int v, err;

	if (r != NULL && (r->where & WHERE) == SOCKOPT_NATIVE)
		return 0;
	if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && o->ipv6))
		return set_ip(o, r, val, len);
	if (level != SOL_SOCKET && level != IPPROTO_TCP)
		return ENOPROTOOPT;
	if (len < sizeof v &&
	    (r == NULL || (r->kind != CONG && r->kind != DEVICE &&
			      r->kind != NAME && r->kind != KEY)))
		return EINVAL;
	if (r == NULL)
		return ENOPROTOOPT;
	err = set_bytes(o, r, val, len);
	if (err >= 0)
		return err;
	memcpy(&v, val, sizeof v);
	return set_int(o, r, v);
}

/* ---- get ---- */

void
sockopt_copy(void *val, uint32_t *len, const void *from, uint32_t size)
{
	if (*len > size)
		*len = size;
	memcpy(val, from, *len);
}

static int
put_int(const struct row *r, int32_t v, void *val, uint32_t *len)
{
	if (r->level == IPPROTO_IP && *len > 0 && *len < sizeof v && v >= 0 &&
	    v <= 255) {
		*(unsigned char *)val = (unsigned char)v;
		*len = 1;
		return 0;
	}
	sockopt_copy(val, len, &v, sizeof v);
	return 0;
}

static int
get_linger(const struct sockopts *o, void *val, uint32_t *len)
{
	int32_t v = sockopt_val(o, OPT_SO_LINGER, -1);
	struct linger l = {.l_onoff = v >= 0, .l_linger = v >= 0 ? v : 0};

	sockopt_copy(val, len, &l, sizeof l);
	return 0;
}

/* Eight bytes, or four for who has no room for more. */
static uint64_t
pacing_rate(const struct sockopts *o)
{
	return sockopt_isset(o, OPT_SO_MAX_PACING_RATE) ? o->pacing_rate
							: UINT64_MAX;
}

static int
get_pacing(const struct sockopts *o, void *val, uint32_t *len)
{
	uint64_t rate = pacing_rate(o);
	uint32_t narrow = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;

	if (*len >= sizeof rate)
		sockopt_copy(val, len, &rate, sizeof rate);
	else
		sockopt_copy(val, len, &narrow, sizeof narrow);
	return 0;
}

static int
get_info(const struct sockopts *o, void *val, uint32_t *len)
{
	uint8_t all[SOCKOPT_INFO_MAX] = {0};
	struct tcp_info ti;

	memset(&ti, 0, sizeof ti);
	ti.tcpi_state = 7; /* closed */
	ti.tcpi_rto = 1000000;
	ti.tcpi_snd_mss = 536;
	ti.tcpi_snd_ssthresh = INT_MAX;
	ti.tcpi_snd_cwnd = 10;
	ti.tcpi_reordering = 3;
	ti.tcpi_delivery_rate_app_limited = 1;
	ti.tcpi_pacing_rate = UINT64_MAX;
	ti.tcpi_max_pacing_rate = pacing_rate(o);
	memcpy(all, &ti, sizeof ti < sizeof all ? sizeof ti : sizeof all);
	sockopt_copy(val, len, all, sizeof all);
	return 0;
}

/* What get shows of an option that was not set. */
static int32_t
default_of(const struct sockopts *o, const struct row *r)
{
	/* Linux makes it true for sockets of AF_INET only. */
	if (o->ipv6 && r->id == OPT_IP_MULTICAST_ALL)
		return 0;
	return r->def;
}

int
sockopt_get(
    const struct sockopts *o, int level, int name, void *val, uint32_t *len)
{
	static const int32_t nobody[3] = {0, -1, -1};
	const struct row *r = find(level, name);
	uint64_t wide = 0;
	int32_t v;

	if (level == IPPROTO_IPV6 && !o->ipv6)
		return EOPNOTSUPP;
	if (r == NULL)
		return o->ipv6 || level == IPPROTO_IP || level == IPPROTO_TCP ||
			       level == SOL_SOCKET
			   ? ENOPROTOOPT
			   : EOPNOTSUPP;
	switch (r->kind) {
	case NATIVE:
		return EINVAL;
	case ERR:
		if (r->min != 0 && *len == (uint32_t)r->min)
			return r->err;
		return *len < (uint32_t)r->max ? EINVAL : r->def;
	case STRUCT:
		return *len < (uint32_t)r->max ? EINVAL : r->def;
	case ADVICE:
	case KEYED:
	case RANGED:
	case MTU:
		return r->def;
	case ONLYERR:
		return ENOPROTOOPT;
	case EMPTY:
	case DEVICE:
	case NAME:
	case IPOPTIONS:
	case PKTOPTIONS:
		*len = 0;
		return 0;
	case KEY:
		/* Not the daemon's own, which all its users' cookies are of. */
		v = sockopt_val(o, r->id, 0);
		sockopt_copy(val, len, o->fastopen_key, (uint32_t)v);
		return 0;
	case PACING:
		return get_pacing(o, val, len);
	case ONLY8:
	case EMPTY8:
		sockopt_copy(val, len, &wide, sizeof wide);
		return 0;
	case ADDR:
		sockopt_copy(val, len, &r->def, sizeof r->def);
		return 0;
	case FAMILY:
		return put_int(r, o->ipv6 ? AF_INET6 : AF_INET, val, len);
	case PEERCRED:
		sockopt_copy(val, len, nobody, sizeof nobody);
		return 0;
	case LINGER:
		return get_linger(o, val, len);
	case INFO:
		return get_info(o, val, len);
	case CONG:
		v = sockopt_val(o, OPT_TCP_CONGESTION, 0);
		sockopt_copy(val, len, cong_names[v], sizeof cong_names[v]);
		return 0;
	default:
		v = default_of(o, r);
		if (r->id >= 0)
			v = sockopt_val(o, r->id, v);
		if (r->kind == MAXSEG && v == 0)
			v = r->def;
		return put_int(r, v, val, len);
	}
}

/* ---- in messages and in the journal ---- */

/* The value that sockopt_set() takes to get to the same state. */
static uint32_t
encode(const struct sockopts *o, const struct row *r,
    uint8_t out[SOCKOPT_VALUE_MAX])
{
	int32_t v = o->val[r->id];
	struct linger l;

	memset(out, 0, SOCKOPT_VALUE_MAX);
	switch (r->kind) {
	case LINGER:
		l.l_onoff = v >= 0;
		l.l_linger = v >= 0 ? v : 0;
		memcpy(out, &l, sizeof l);
		return sizeof l;
	case CONG:
		memcpy(out, cong_names[v], 16);
		return 16;
	case PACING:
		memcpy(out, &o->pacing_rate, sizeof o->pacing_rate);
		return sizeof o->pacing_rate;
	case KEY:
		memcpy(out, o->fastopen_key, (size_t)v);
		return (uint32_t)v;
	case BUF:
		v /= 2;
		break;
	default:
		break;
	}
	memcpy(out, &v, sizeof v);
	return sizeof v;
}

size_t
sockopt_pack(const struct sockopts *o, void *buf, size_t cap, uint32_t *n)
{
	struct proto_opt po = {0};
	uint8_t *p = buf, value[SOCKOPT_VALUE_MAX];
	size_t used = 0, room;
	const struct row *r;
	unsigned id;

	*n = 0;
	for (id = 0; id < OPT_COUNT; id++) {
		if (!sockopt_isset(o, id))
			continue;
		r = row_of(id);
		po.level = r->level;
		po.name = r->name;
		po.len = encode(o, r, value);
		room = (po.len + 7) & ~7u;
		if (used + sizeof po + room > cap) {
			*n = 0;
			return 0;
		}
		memcpy(p + used, &po, sizeof po);
		memcpy(p + used + sizeof po, value, room);
		used += sizeof po + room;
		++*n;
	}
	return used;
}

int
sockopt_unpack(struct sockopts *o, const void *buf, size_t len, uint32_t n)
{
	const uint8_t *p = buf;
	struct proto_opt po;
	size_t room;
	int err;

	for (; n > 0; n--) {
		if (len < sizeof po)
			return EINVAL;
		memcpy(&po, p, sizeof po);
		p += sizeof po;
		len -= sizeof po;
		if (po.len > PROTO_OPT_MAX)
			return EINVAL;
		room = (po.len + 7) & ~(size_t)7;
		if (room > len)
			return EINVAL;
		err = md5key_kept(po.level, po.name)
			  ? 0
			  : sockopt_set(o, po.level, po.name, p, po.len);
		if (err != 0)
			return err;
		p += room;
		len -= room;
	}
	return len == 0 ? 0 : EINVAL;
}

size_t
sockopt_journal_put(const struct sockopts *o, uint32_t *words, size_t max)
{
	const struct row *r;
	uint8_t value[SOCKOPT_VALUE_MAX];
	size_t n = 0, room;
	uint32_t len;
	unsigned id;

	for (id = 0; id < OPT_COUNT; id++) {
		if (!sockopt_isset(o, id))
			continue;
		r = row_of(id);
		len = encode(o, r, value);
		room = (len + 3) / 4;
		if (n + 1 + room > max)
			return 0;
		words[n++] =
		    (uint32_t)r->level << 24 | (uint32_t)r->name << 8 | len;
		memcpy(words + n, value, room * 4);
		n += room;
	}
	return n;
}

int
sockopt_journal_get(struct sockopts *o, const uint32_t *words, size_t n)
{
	uint32_t head, len;
	size_t i = 0, room;
	int level, name, err;

	while (i < n) {
		head = words[i++];
		len = head & 0xff;
		room = (len + 3) / 4;
		if (room > n - i)
			return EINVAL;
		level = (int)(head >> 24);
		name = (int)(head >> 8 & 0xffff);
		err = md5key_kept(level, name)
			  ? 0
			  : sockopt_set(o, level, name, words + i, len);
		if (err != 0)
			return err;
		i += room;
	}
	return 0;
}
