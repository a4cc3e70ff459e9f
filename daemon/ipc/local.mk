# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/ipc/msg.h
# libsockopt: what the daemon and the shim both decide by; no system calls.
noinst_LTLIBRARIES += libsockopt.la
libsockopt_la_SOURCES = daemon/ipc/policy.c daemon/ipc/sockopt.c \
	daemon/ipc/sockopt_tcp.c
noinst_HEADERS += daemon/ipc/policy.h daemon/ipc/sockopt.h \
	daemon/ipc/sockopt.def
