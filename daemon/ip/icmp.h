/* SPDX-License-Identifier: ISC */
/*
 * ICMP for IPv4 (RFC 792, RFC 1122 3.2.2): answers echo requests, tells what
 * errors say about segments of ours, reports what nobody here speaks.
 */
#ifndef IP_ICMP_H
#define IP_ICMP_H

#include "ip/ip.h"

/* At most so many answers a second and saved up; the second pair is Linux's. */
#define ICMP_ECHO_PER_S	  10000
#define ICMP_ECHO_BURST	  1000
#define ICMP_ERRORS_PER_S 1000
#define ICMP_ERRORS_BURST 50

/* RFC 1812 4.3.2.3: an error message has at most so many bytes. */
#define ICMP_ERROR_BYTES 576

/* in->off and in->len are the message's. */
enum ip_verdict icmp_input(struct ip *ip, struct ip_in *in, mono_t now);

/* An error about the packet that starts in->hdr_len bytes in front of
 * in->off: tells its sender, as far as the rate limit allows. */
void icmp_error(struct ip *ip, const struct ip_in *in, uint8_t type,
    uint8_t code, mono_t now);

#endif
