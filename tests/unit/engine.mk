# SPDX-License-Identifier: ISC
noinst_HEADERS += tests/unit/engine_lab.h

ENGINE_TEST_LIBS = $(ENGINE_LIBS) $(TCPD_LIBS) -lpthread

UNIT_TESTS += tests/unit/engine_test
tests_unit_engine_test_SOURCES = tests/unit/engine_test.c \
	tests/unit/engine_lab.c
tests_unit_engine_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS) -I$(top_srcdir)
tests_unit_engine_test_LDADD = $(ENGINE_TEST_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/engine_fastopen_test
tests_unit_engine_fastopen_test_SOURCES = tests/unit/engine_fastopen_test.c \
	tests/unit/engine_lab.c
tests_unit_engine_fastopen_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS) -I$(top_srcdir)
tests_unit_engine_fastopen_test_LDADD = $(ENGINE_TEST_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/engine_quota_test
tests_unit_engine_quota_test_SOURCES = tests/unit/engine_quota_test.c \
	tests/unit/engine_lab.c
tests_unit_engine_quota_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS) -I$(top_srcdir)
tests_unit_engine_quota_test_LDADD = $(ENGINE_TEST_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/engine_hostile_test
tests_unit_engine_hostile_test_SOURCES = tests/unit/engine_hostile_test.c \
	tests/unit/engine_lab.c
tests_unit_engine_hostile_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS) -I$(top_srcdir)
tests_unit_engine_hostile_test_LDADD = $(ENGINE_TEST_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/names_test
tests_unit_names_test_LDADD = daemon/libengine.la daemon/libbase.la \
	$(CRITERION_LIBS)

UNIT_TESTS += tests/unit/flood_test
tests_unit_flood_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS)
tests_unit_flood_test_LDADD = $(ENGINE_TEST_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/engine_dgram_test
tests_unit_engine_dgram_test_SOURCES = tests/unit/engine_dgram_test.c \
	tests/unit/engine_lab.c
tests_unit_engine_dgram_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS) -I$(top_srcdir)
tests_unit_engine_dgram_test_LDADD = $(ENGINE_TEST_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/busypoll_test
tests_unit_busypoll_test_LDADD = daemon/libengine.la $(CRITERION_LIBS)
