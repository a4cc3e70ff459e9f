# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += daemon/libudp.la
daemon_libudp_la_SOURCES = daemon/udp/bind.c daemon/udp/input.c \
	daemon/udp/internal.h daemon/udp/layer.c daemon/udp/udp.h
daemon_libudp_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBBSD_CFLAGS)
