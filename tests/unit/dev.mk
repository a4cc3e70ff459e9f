# SPDX-License-Identifier: ISC
UNIT_TESTS += tests/unit/dev_test tests/unit/devnet_test
tests_unit_dev_test_LDADD = daemon/libdev.la daemon/libbase.la \
	$(CRITERION_LIBS)
tests_unit_devnet_test_LDADD = daemon/libnetcfg.la daemon/libdev.la \
	daemon/libbase.la $(CRITERION_LIBS)
