# SPDX-License-Identifier: ISC

UNIT_TESTS += tests/unit/policy_test tests/unit/sockopt_test \
	tests/unit/md5key_test
tests_unit_md5key_test_LDADD = libsockopt.la daemon/libcrypto.la \
	daemon/libbase.la $(CRITERION_LIBS)
tests_unit_policy_test_LDADD = libsockopt.la $(CRITERION_LIBS)
tests_unit_sockopt_test_SOURCES = tests/unit/sockopt_test.c \
	tests/unit/sockopt_rates.c
tests_unit_sockopt_test_LDADD = libsockopt.la daemon/libtcp.la \
	daemon/libwire.la daemon/libbase.la $(CRITERION_LIBS)
