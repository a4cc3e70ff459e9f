# SPDX-License-Identifier: ISC
# make check-net: namespaces, the kernel as the peer, real programs.  Not part
# of make check.  One after another: several of them time what they see.
NET_TESTS =
TEST_EXTENSIONS = .t
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
T_LOG_DRIVER_FLAGS = --comments
EXTRA_DIST += $(NET_TESTS)
dist_noinst_SCRIPTS += tests/summary

check-net: all
	@if test -z '$(NET_TESTS)'; then echo 'no network tests yet'; else \
	$(MAKE) $(AM_MAKEFLAGS) -j1 check-TESTS TESTS='$(NET_TESTS)' \
	    TEST_SUITE_LOG=test-suite-net.log; fi
.PHONY: check-net
