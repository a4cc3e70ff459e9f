# SPDX-License-Identifier: ISC
# libsockopt: what the daemon and the shim both decide by; no system calls but
# those that map a ring, whose order tests/unit/ring_test checks step by step.
noinst_LTLIBRARIES += libsockopt.la
libsockopt_la_SOURCES = daemon/ipc/aokey.c daemon/ipc/dgramopt.c \
	daemon/ipc/dnsmsg.c daemon/ipc/md5key.c daemon/ipc/policy.c daemon/ipc/ring.c daemon/ipc/ringmap.c daemon/ipc/sockopt.c \
	daemon/ipc/sockopt_tcp.c
noinst_HEADERS += daemon/ipc/aokey.h daemon/ipc/dgramopt.h daemon/ipc/dnsmsg.h daemon/ipc/md5key.h daemon/ipc/policy.h daemon/ipc/ring.h daemon/ipc/sockopt.h \
	daemon/ipc/sockopt.def

# libipc: typed messages between our own processes, and with tcpctl.
noinst_LTLIBRARIES += daemon/libipc.la
daemon_libipc_la_SOURCES = daemon/ipc/msg.c
daemon_libipc_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
noinst_HEADERS += daemon/ipc/msg.h
