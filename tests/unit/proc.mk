# SPDX-License-Identifier: ISC

UNIT_TESTS += tests/unit/conf_test
tests_unit_conf_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_conf_test_LDADD = $(TCPD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/dns_test
tests_unit_dns_test_LDADD = $(TCPD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/tcpctl_test
tests_unit_tcpctl_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/libclient
tests_unit_tcpctl_test_LDADD = libtcpctl.la libsockopt.la daemon/libbase.la \
	$(JANSSON_LIBS) $(CRITERION_LIBS)

# The daemon with an engine that only answers (engine_standin.c), and the test
# that starts it and tcpd.
check_PROGRAMS += tests/unit/tcpd-standin
tests_unit_tcpd_standin_SOURCES = daemon/main.c tests/unit/engine_standin.c
tests_unit_tcpd_standin_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_tcpd_standin_LDADD = $(TCPD_LIBS)
dist_check_SCRIPTS += tests/unit/daemon.sh
TESTS += tests/unit/daemon.sh
