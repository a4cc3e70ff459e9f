# SPDX-License-Identifier: ISC

UNIT_TESTS += tests/unit/addr_test
tests_unit_addr_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
UNIT_TESTS += tests/unit/buf_test
tests_unit_buf_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
UNIT_TESTS += tests/unit/drop_test
tests_unit_drop_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
UNIT_TESTS += tests/unit/rng_test
tests_unit_rng_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
UNIT_TESTS += tests/unit/siphash_test
tests_unit_siphash_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
UNIT_TESTS += tests/unit/timerq_test
tests_unit_timerq_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
UNIT_TESTS += tests/unit/slab_test
tests_unit_slab_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
