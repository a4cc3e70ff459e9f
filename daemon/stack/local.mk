# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/stack/internal.h daemon/stack/stack.h

noinst_LTLIBRARIES += daemon/libstack.la
daemon_libstack_la_SOURCES = daemon/stack/input.c daemon/stack/output.c \
	daemon/stack/stack.c daemon/stack/udp.c
