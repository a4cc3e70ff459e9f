# SPDX-License-Identifier: ISC
# libproc: the processes; main.c only chooses one.
noinst_HEADERS += daemon/proc/conf.h daemon/proc/conf_read.h \
	daemon/proc/control.h daemon/proc/hosts.h daemon/proc/log.h \
	daemon/proc/page.h daemon/proc/proc.h daemon/proc/runtime.h \
	daemon/proc/sandbox.h daemon/proc/spawn.h daemon/proc/undertaker.h \
	daemon/proc/upstream.h

noinst_LTLIBRARIES += daemon/libproc.la
daemon_libproc_la_SOURCES = daemon/proc/conf.c daemon/proc/conf_file.c \
	daemon/proc/conf_key.c daemon/proc/conf_scan.c \
	daemon/proc/conf_section.c \
	daemon/proc/control.c daemon/proc/frontend.c daemon/proc/hosts.c \
	daemon/proc/log.c \
	daemon/proc/page.c daemon/proc/parent.c daemon/proc/proc.c \
	daemon/proc/runtime.c daemon/proc/sandbox.c daemon/proc/spawn.c \
	daemon/proc/undertaker.c
daemon_libproc_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS) $(CONFUSE_CFLAGS) $(SECCOMP_CFLAGS)

# The resolver, which is also a client of the daemon's.
noinst_LTLIBRARIES += daemon/libresolver.la
daemon_libresolver_la_SOURCES = daemon/proc/resolver.c daemon/proc/upstream.c \
	libclient/wire.c
daemon_libresolver_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/libclient \
	-D_GNU_SOURCE $(LIBEVENT_CFLAGS) $(LIBBSD_CFLAGS) $(CARES_CFLAGS)

# What a tcpd is linked from besides main.c and an engine.
TCPD_LIBS = daemon/libresolver.la daemon/libproc.la daemon/libtcp.la daemon/libwire.la \
	daemon/libnetcfg.la daemon/libdev.la \
	daemon/libcrypto.la daemon/libipc.la libsockopt.la \
	daemon/libbase.la $(LIBEVENT_LIBS) \
	$(LIBBSD_LIBS) $(CONFUSE_LIBS) $(SECCOMP_LIBS) $(MNL_LIBS) \
	$(CARES_LIBS)

# Apart from the rest, so that tests of devices can link it.
noinst_HEADERS += daemon/proc/netcfg.h
noinst_LTLIBRARIES += daemon/libnetcfg.la
daemon_libnetcfg_la_SOURCES = daemon/proc/netcfg.c
daemon_libnetcfg_la_CFLAGS = $(AM_CFLAGS) $(MNL_CFLAGS)
