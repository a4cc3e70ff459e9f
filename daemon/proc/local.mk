# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/proc/conf.h daemon/proc/log.h daemon/proc/proc.h \
	daemon/proc/sandbox.h

# Apart from the rest, so that tests of devices can link it.
noinst_HEADERS += daemon/proc/netcfg.h
noinst_LTLIBRARIES += daemon/libnetcfg.la
daemon_libnetcfg_la_SOURCES = daemon/proc/netcfg.c
daemon_libnetcfg_la_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
