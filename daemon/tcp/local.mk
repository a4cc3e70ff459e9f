# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += daemon/libtcp.la
daemon_libtcp_la_SOURCES = \
	daemon/tcp/cc.h \
	daemon/tcp/cc_bbr.h \
	daemon/tcp/internal.h \
	daemon/tcp/seq.h \
	daemon/tcp/tcp.h \
	daemon/tcp/accecn.c \
	daemon/tcp/dctcp_echo.c \
	daemon/tcp/ao.c \
	daemon/tcp/aokeys.c \
	daemon/tcp/ack.c \
	daemon/tcp/bind.c \
	daemon/tcp/cc.c \
	daemon/tcp/cc_bbr.c \
	daemon/tcp/cc_bbr_model.c \
	daemon/tcp/cc_cubic.c \
	daemon/tcp/cc_dctcp.c \
	daemon/tcp/cc_newreno.c \
	daemon/tcp/cookie.c \
	daemon/tcp/delack.c \
	daemon/tcp/ecn.c \
	daemon/tcp/fastopen.c \
	daemon/tcp/fastsyn.c \
	daemon/tcp/half.c \
	daemon/tcp/input.c \
	daemon/tcp/layer.c \
	daemon/tcp/local.c \
	daemon/tcp/md5.c \
	daemon/tcp/mtu.c \
	daemon/tcp/output.c \
	daemon/tcp/pacing.c \
	daemon/tcp/pcb.c \
	daemon/tcp/rack.c \
	daemon/tcp/rate.c \
	daemon/tcp/reasm.c \
	daemon/tcp/recovery.c \
	daemon/tcp/rtt.c \
	daemon/tcp/scoreboard.c \
	daemon/tcp/sendq.c \
	daemon/tcp/timer.c \
	daemon/tcp/timewait.c \
	daemon/tcp/tlp.c \
	daemon/tcp/tune.c \
	daemon/tcp/undo.c \
	daemon/tcp/urgent.c \
	daemon/tcp/user.c daemon/tcp/calls.c daemon/tcp/rest.c
daemon_libtcp_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBBSD_CFLAGS)
