# SPDX-License-Identifier: ISC
# libengine: the engine, apart from its process's main, so that tests can run
# several in one process.
noinst_HEADERS += daemon/proc/busypoll.h daemon/proc/engine.h daemon/proc/names.h
noinst_LTLIBRARIES += daemon/libengine.la
daemon_libengine_la_SOURCES = daemon/proc/accept.c \
	daemon/proc/account.c daemon/proc/attach.c \
	daemon/proc/busypoll.c \
	daemon/proc/chan.c daemon/proc/chan_io.c daemon/proc/chan_ring.c daemon/proc/engine.c \
	daemon/proc/dgram.c daemon/proc/dgram_err.c daemon/proc/dgram_req.c \
	daemon/proc/dgram_send.c \
	daemon/proc/refuse.c \
	daemon/proc/engine_role.c daemon/proc/flood.c daemon/proc/hello.c daemon/proc/keys.c \
	daemon/proc/listener.c \
	daemon/proc/names.c daemon/proc/pump.c daemon/proc/report.c \
	daemon/proc/request.c daemon/proc/resolve.c \
	daemon/proc/resolve_here.c daemon/proc/rights.c
daemon_libengine_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS)

# The engine's own stack; goes before TCPD_LIBS.
ENGINE_LIBS = daemon/libengine.la daemon/libstack.la daemon/libudp.la daemon/libip.la \
	daemon/libtcp.la daemon/libwire.la

sbin_PROGRAMS += tcpd
tcpd_SOURCES = daemon/main.c
tcpd_LDADD = $(ENGINE_LIBS) $(TCPD_LIBS)
