/* SPDX-License-Identifier: ISC */
/*
 * TCP-AO's socket options (RFC 5925) as Linux 6.7 and later have them, for
 * systems whose headers are older.  Numbers and shapes are the kernel's; names
 * of structs are ours, so that both can be included.
 */
#ifndef TCPD_AO_H
#define TCPD_AO_H

#include <stdint.h>
#include <sys/socket.h>

#ifndef TCP_AO_ADD_KEY
#define TCP_AO_ADD_KEY	38
#define TCP_AO_DEL_KEY	39
#define TCP_AO_INFO	40
#define TCP_AO_GET_KEYS 41
#define TCP_AO_REPAIR	42
#endif

#define TCPD_AO_KEYLEN 80 /* bytes of a key at most */

#define TCPD_AO_KEY_IFINDEX	0x1 /* keyflags */
#define TCPD_AO_KEY_EXCLUDE_OPT 0x2

/* Bits of the words of flags. */
#define TCPD_AO_SET_CURRENT  0x1
#define TCPD_AO_SET_RNEXT    0x2
#define TCPD_AO_DEL_ASYNC    0x4 /* of tcpd_ao_del */
#define TCPD_AO_REQUIRED     0x4 /* of tcpd_ao_info, and the rest */
#define TCPD_AO_SET_COUNTERS 0x8
#define TCPD_AO_ACCEPT_ICMPS 0x10

struct tcpd_ao_add {
	struct sockaddr_storage addr;
	char alg_name[64]; /* "hmac(sha1)", "cmac(aes128)", "hmac(sha256)" */
	int32_t ifindex;
	uint32_t flags;
	uint16_t reserved2;
	uint8_t prefix, sndid, rcvid;
	uint8_t maclen; /* 0: 12 */
	uint8_t keyflags, keylen;
	uint8_t key[TCPD_AO_KEYLEN];
};
_Static_assert(sizeof(struct tcpd_ao_add) == 288, "tcpd_ao_add");

struct tcpd_ao_del {
	struct sockaddr_storage addr;
	int32_t ifindex;
	uint32_t flags;
	uint16_t reserved2;
	uint8_t prefix, sndid, rcvid, current_key, rnext, keyflags;
};
_Static_assert(sizeof(struct tcpd_ao_del) == 144, "tcpd_ao_del");

struct tcpd_ao_info {
	uint32_t flags;
	uint16_t reserved2;
	uint8_t current_key, rnext;
	uint64_t good, bad, key_not_found, ao_required, dropped_icmp;
};
_Static_assert(sizeof(struct tcpd_ao_info) == 48, "tcpd_ao_info");

#endif
