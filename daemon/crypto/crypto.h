/* SPDX-License-Identifier: ISC */
/*
 * What the stack signs segments with, by libnettle: it has no system calls
 * and, in what is used here, allocates nothing.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include "tcp/tcp.h"

extern const struct tcp_digest crypto_digest;

#endif
