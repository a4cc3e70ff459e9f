# SPDX-License-Identifier: ISC
# Unit tests: tests/unit/NAME_test.c is one Criterion program that links only
# the libraries it may use, lowest last.  A new one takes two lines in the
# *.mk file of its part:
#
#	UNIT_TESTS += tests/unit/NAME_test
#	tests_unit_NAME_test_LDADD = daemon/libbase.la $(CRITERION_LIBS)
#
# (automake finds tests/unit/NAME_test.c by itself).
UNIT_TESTS =

include tests/unit/base.mk
include tests/unit/wire.mk
include tests/unit/tcp.mk
include tests/unit/ip.mk
include tests/unit/stack.mk
include tests/unit/dev.mk
include tests/unit/ipc.mk
include tests/unit/shim.mk
include tests/unit/proc.mk
include tests/unit/engine.mk

if HAVE_CRITERION
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
else
EXTRA_PROGRAMS += $(UNIT_TESTS)
check-local::
	@echo 'Criterion >= 2.4 was not found by configure: the unit tests' \
	    'were not built (Debian: apt install libcriterion-dev)'
endif
