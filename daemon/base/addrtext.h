/* SPDX-License-Identifier: ISC */
/*
 * Addresses of both families as people write them, for every program that
 * reads or prints one.  IPv6 is written as RFC 5952 has it, IPv4 always as
 * dots: ::ffff:192.0.2.1 reads as 192.0.2.1.  Prefix lengths are counted of
 * 128, so an IPv4 one is 96 more than what is written.
 */
#ifndef BASE_ADDRTEXT_H
#define BASE_ADDRTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"

#define ADDRTEXT_MAX 64 /* holds each of the texts here */

/* "192.0.2.1", "2001:db8::1" */
const char *addrtext(const struct ipaddr *a, char buf[ADDRTEXT_MAX]);
/* "10.0.0.0/8", "2001:db8::/32" */
const char *addrtext_prefix(
    const struct ipaddr *a, uint8_t plen, char buf[ADDRTEXT_MAX]);
/* "192.0.2.1:80", "[2001:db8::1]:80"; port 0: "192.0.2.1:*" */
const char *addrtext_endpoint(
    const struct ipaddr *a, uint16_t port, char buf[ADDRTEXT_MAX]);

/* Each takes the whole of s, or returns false. */
bool addrtext_parse(const char *s, struct ipaddr *a);
/* ADDRESS/LENGTH; an ADDRESS alone is a prefix of 128. */
bool addrtext_parse_prefix(const char *s, struct ipaddr *a, uint8_t *plen);
/* ADDRESS, ADDRESS:PORT, [ADDRESS], [ADDRESS]:PORT; without a port: 0. */
bool addrtext_parse_endpoint(const char *s, struct ipaddr *a, uint16_t *port);

#endif
