# SPDX-License-Identifier: ISC

UNIT_TESTS += tests/unit/msg_test
tests_unit_msg_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_msg_test_LDADD = daemon/libipc.la daemon/libbase.la \
	$(LIBEVENT_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/ring_test
tests_unit_ring_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
