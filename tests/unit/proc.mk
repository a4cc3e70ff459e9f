# SPDX-License-Identifier: ISC

# The daemon with an engine that only answers (engine_standin.c).
check_PROGRAMS += tests/unit/tcpd-standin
tests_unit_tcpd_standin_SOURCES = daemon/main.c tests/unit/engine_standin.c
tests_unit_tcpd_standin_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_tcpd_standin_LDADD = $(TCPD_LIBS)
