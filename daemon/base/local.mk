# SPDX-License-Identifier: ISC
# Each folder of daemon/ is a convenience library.
noinst_HEADERS += daemon/base/addr.h daemon/base/addrtext.h \
	daemon/base/buf.h daemon/base/check.h \
	daemon/base/drop.h daemon/base/drop.def daemon/base/frame.h \
	daemon/base/mono.h daemon/base/rng.h daemon/base/siphash.h \
	daemon/base/slab.h daemon/base/timerq.h

noinst_LTLIBRARIES += daemon/libbase.la
daemon_libbase_la_SOURCES = daemon/base/addrtext.c \
	daemon/base/buf.c daemon/base/check.c \
	daemon/base/drop.c daemon/base/rng.c daemon/base/siphash.c \
	daemon/base/slab.c \
	daemon/base/timerq.c
