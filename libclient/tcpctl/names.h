/* SPDX-License-Identifier: ISC */
/*
 * How things are written, for text and JSON alike.
 */
#ifndef TCPCTL_NAMES_H
#define TCPCTL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrtext.h"

#define STATE_LISTEN 10

/* "ESTAB", as ss has them. */
const char *state_text(uint8_t state);
/* "192.0.2.1" */
const char *addr_text(const uint8_t addr[16], char buf[ADDRTEXT_MAX]);
/* The interface that endpoint_text() names with link-local addresses; not
 * terminated where it has 16 bytes. */
void scope_name(const char ifname[16]);
/* "192.0.2.1:80", "[fe80::1]%tcpd0:80"; port 0: "192.0.2.1:*" */
const char *endpoint_text(
    const uint8_t addr[16], uint16_t port, char buf[ADDRTEXT_MAX]);
/* "10.0.0.0/8" of a v4-mapped prefix of 128 bits */
const char *prefix_text(
    const uint8_t addr[16], uint8_t plen, char buf[ADDRTEXT_MAX]);
/* A user's name, or his number; "-" for nobody. */
const char *user_text(uint32_t uid);
/* A process's name, or its user's. */
const char *process_text(uint32_t pid, uint32_t uid, char *buf, size_t len);
/* "route", "address", ...: a stable word for enum proto_why. */
const char *why_word(uint16_t why);

#endif
