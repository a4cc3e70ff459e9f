/* SPDX-License-Identifier: ISC */
/*
 * The values of TCP_AO_ADD_KEY, TCP_AO_DEL_KEY and TCP_AO_INFO (RFC 5925), and
 * what of them a descriptor keeps until it listens or connects.  Keys are a
 * struct md5key, which stands for both kinds.  Errnos are Linux's.
 */
#ifndef IPC_AOKEY_H
#define IPC_AOKEY_H

#include "ipc/md5key.h"
#include "tcp/tcp.h"
#include "tcpd/ao.h"

/* Is it one of the three? */
bool aokey_is(int level, int name);

/* Each: 0 or a positive errno. */
int aokey_parse(struct md5key *k, bool ipv6, const void *val, uint32_t len);
/* The key's ids and peers; whether it may be taken away from a listener. */
struct aokey_del {
	struct md5key k;
	struct tcp_ao_want want;
	bool async;
};
int aokey_parse_del(
    struct aokey_del *d, bool ipv6, const void *val, uint32_t len);
int aokey_parse_info(struct tcp_ao_info *i, const void *val, uint32_t len);

/* As a value of TCP_AO_ADD_KEY, of MD5KEY_VALUE bytes; of TCP_AO_INFO. */
void aokey_value(const struct md5key *k, bool ipv6, void *val);
void aokey_info_value(const struct tcp_ao_info *i, struct tcpd_ao_info *val);
/* A key of either kind as a value, of *name; returns its length. */
uint32_t key_value(const struct md5key *k, bool ipv6, void *val, int *name);
/* s->ao as a value of TCP_AO_INFO; 0: there is nothing to say. */
uint32_t keys_info(const struct md5keys *s, struct tcpd_ao_info *val);
/* setsockopt() of either kind on a descriptor that is neither connected nor
 * listening. */
int keys_change(
    struct md5keys *s, bool ipv6, int name, const void *val, uint32_t len);
void aokey_to_tcp(const struct md5key *k, struct tcp_ao_key *out);

/* On a descriptor: as the calls of tcp/tcp.h do, with a positive errno. */
int aokeys_add(struct md5keys *s, const struct md5key *k);
int aokeys_del(struct md5keys *s, const struct aokey_del *d);
int aokeys_set(struct md5keys *s, const struct tcp_ao_info *i);
int aokeys_get(const struct md5keys *s, struct tcp_ao_info *i);

#endif
