/* SPDX-License-Identifier: ISC */
/*
 * The neighbour cache: which station answers for an address on our link.
 */
#ifndef IP_NEIGH_H
#define IP_NEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include "base/addr.h"
#include "base/mono.h"
#include "base/siphash.h"
#include "base/timerq.h"
#include "ip/pktq.h"

struct ip;

enum neigh_state {
	NEIGH_FREE,
	NEIGH_INCOMPLETE, /* asked, no answer yet: frames wait */
	NEIGH_REACHABLE,  /* confirmed a short while ago */
	NEIGH_STALE,	  /* known, not confirmed lately */
	NEIGH_DELAY,	  /* in use: confirmation from above is awaited */
	NEIGH_PROBE,	  /* in use and being asked */
	NEIGH_FAILED,	  /* did not answer; asked again when wanted */
	NEIGH_NSTATES
};

#define NEIGH_MAX	   4096
#define NEIGH_BUCKETS	   4096
#define NEIGH_QUEUE_BYTES  (256 * 1024)
#define NEIGH_REACHABLE_US 30000000 /* times 0.5 to 1.5 */
#define NEIGH_DELAY_US	   5000000
#define NEIGH_RETRANS_US   1000000
#define NEIGH_LOCK_US	   1000000 /* an address moves at most so often */
#define NEIGH_PROBES	   3

struct neigh {
	LIST_ENTRY(neigh) hash;
	TAILQ_ENTRY(neigh) lru;
	struct tagged_timer timer;
	struct ipaddr addr;
	uint8_t mac[6];
	uint8_t state;	/* enum neigh_state */
	uint8_t probes; /* sent in this state */
	bool proven;	/* has been REACHABLE: evicted after the others */
	uint32_t reachable_us;
	mono_t confirmed, updated;
	struct pktq queue;
};

LIST_HEAD(neigh_list, neigh);
TAILQ_HEAD(neigh_lru, neigh);

struct neigh_table {
	struct neigh *entries;	  /* NEIGH_MAX of them */
	struct neigh_list *hash;  /* NEIGH_BUCKETS of them */
	struct neigh_lru lru[2];  /* by proven; the longest unused first */
	struct neigh_list unused; /* given back */
	struct neigh *last;	  /* the last one that was used */
	size_t n, touched;	  /* in use; ever used */
	size_t queue_bytes, queue_limit;
	struct siphash_key key;
};

/* What was known of a neighbour that stopped answering: his address and the
 * frames that waited, which the caller takes over. */
struct neigh_failure {
	struct ipaddr addr;
	struct pktq undelivered;
};

/* How an address was learnt. */
enum neigh_hint {
	NEIGH_ASKED_US,	 /* a request for our address */
	NEIGH_ANSWERED,	 /* a reply sent to us */
	NEIGH_OVERHEARD, /* anything else */
};

/* false when memory is out. */
bool neigh_init(struct ip *ip);
void neigh_done(struct ip *ip);

/* The entry of addr, made when there is none, about to be sent to: starts
 * resolution or the unreachability check as its state demands. */
struct neigh *neigh_use(struct ip *ip, const struct ipaddr *addr, mono_t now);

/* Its station address is known (perhaps not confirmed). */
static inline bool
neigh_usable(const struct neigh *n)
{
	return n->state >= NEIGH_REACHABLE && n->state <= NEIGH_PROBE;
}

/* Keeps a frame until n is resolved; takes the reference. */
void neigh_hold(struct ip *ip, struct neigh *n, struct buf *b);

/* The layer above saw progress by way of n: as good as an answer. */
void neigh_confirm(struct ip *ip, struct neigh *n, mono_t now);
/* The layer above hears nothing by way of n (RFC 9293 3.8.3, MUST-20): he is
 * asked at once whether he is there. */
void neigh_doubt(struct ip *ip, struct neigh *n, mono_t now);

/* addr was seen at mac. */
void neigh_learn(struct ip *ip, const struct ipaddr *addr, const uint8_t mac[6],
    enum neigh_hint hint, mono_t now);

/* What a neighbour advertisement says (RFC 4861 4.4). */
struct neigh_advert {
	const uint8_t *mac; /* or NULL */
	bool router, solicited, override;
};
void neigh_advertised(struct ip *ip, const struct ipaddr *addr,
    const struct neigh_advert *v, mono_t now);

/* An expired timer of the table; true when that neighbour has now failed. */
bool neigh_expire(
    struct ip *ip, struct timer *t, mono_t now, struct neigh_failure *out);

/* Its state at now: REACHABLE turns STALE without a timer. */
enum neigh_state neigh_state_at(const struct neigh *n, mono_t now);
const char *neigh_state_name(enum neigh_state s); /* as `ip neigh` has them */

#endif
