# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/wire/bytes.h daemon/wire/tcp.h

noinst_LTLIBRARIES += daemon/libwire.la
daemon_libwire_la_SOURCES = daemon/wire/tcp.c
