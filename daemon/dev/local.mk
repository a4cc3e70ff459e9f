# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/dev/adapter.h daemon/dev/dev.h daemon/dev/link.h \
	daemon/dev/netns.h daemon/dev/rtnl.h

# Whoever links it gets libmnl along.
noinst_LTLIBRARIES += daemon/libdev.la
daemon_libdev_la_SOURCES = daemon/dev/dev.c daemon/dev/link.c \
	daemon/dev/netns.c daemon/dev/packet.c daemon/dev/rtnl.c \
	daemon/dev/rxring.c daemon/dev/synfilter.c daemon/dev/tap.c \
	daemon/dev/txbatch.c daemon/dev/xdp.c
daemon_libdev_la_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
daemon_libdev_la_LIBADD = $(MNL_LIBS)
