# SPDX-License-Identifier: ISC
# libcrypto: what segments are signed with.  Whoever links it gets libnettle.
noinst_HEADERS += daemon/crypto/crypto.h
noinst_LTLIBRARIES += daemon/libcrypto.la
daemon_libcrypto_la_SOURCES = daemon/crypto/crypto.c
daemon_libcrypto_la_CPPFLAGS = $(AM_CPPFLAGS) $(NETTLE_CFLAGS)
daemon_libcrypto_la_LIBADD = $(NETTLE_LIBS)
