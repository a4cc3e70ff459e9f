# SPDX-License-Identifier: ISC
# make check-net: namespaces, the kernel as the peer, real programs.  Not part
# of make check.  One after another: several of them time what they see.
NET_TESTS = \
	tests/e2e/basic.t \
	tests/e2e/curl.t \
	tests/e2e/nginx.t \
	tests/e2e/python.t \
	tests/e2e/redis.t \
	tests/e2e/iperf3.t \
	tests/e2e/streams.t \
	tests/e2e/many.t \
	tests/e2e/gigabyte.t \
	tests/e2e/plain.t \
	tests/e2e/kill.t \
	tests/e2e/quota.t \
	tests/e2e/synflood.t \
	tests/e2e/stop.t \
	tests/e2e/errors.t \
	tests/e2e/idle.t

TEST_EXTENSIONS = .t
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
# A script that fails has said so; one that dies lacks its plan.
T_LOG_DRIVER_FLAGS = --ignore-exit
EXTRA_DIST += $(NET_TESTS) tests/e2e/lib.sh tests/e2e/put.py \
	tests/e2e/aio.py tests/e2e/opener.py tests/e2e/ends.py
dist_noinst_SCRIPTS += tests/summary

check-net: all tests/bench/load$(EXEEXT) tests/bench/synflood$(EXEEXT)
	$(MAKE) $(AM_MAKEFLAGS) -j1 check-TESTS TESTS='$(NET_TESTS)' \
	    TEST_SUITE_LOG=test-suite-net.log
.PHONY: check-net
