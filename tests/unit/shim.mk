# SPDX-License-Identifier: ISC

UNIT_TESTS += tests/unit/policy_test tests/unit/sockopt_test \
	tests/unit/md5key_test tests/unit/nss_test
tests_unit_md5key_test_LDADD = libsockopt.la daemon/libcrypto.la \
	daemon/libbase.la $(CRITERION_LIBS)
tests_unit_policy_test_LDADD = libsockopt.la $(CRITERION_LIBS)
tests_unit_sockopt_test_SOURCES = tests/unit/sockopt_test.c \
	tests/unit/sockopt_rates.c
tests_unit_sockopt_test_LDADD = libsockopt.la daemon/libtcp.la \
	daemon/libwire.la daemon/libbase.la $(CRITERION_LIBS)
tests_unit_nss_test_SOURCES = tests/unit/nss_test.c libclient/lookup.c \
	libclient/nss.c libclient/nss_query.c libclient/nss_switch.c
tests_unit_nss_test_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE \
	-I$(top_srcdir)/libclient
tests_unit_nss_test_LDADD = libsockopt.la daemon/libbase.la $(RESOLV_LIBS) \
	$(CRITERION_LIBS)
