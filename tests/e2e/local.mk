# SPDX-License-Identifier: ISC
# make check-net: namespaces, the kernel as the peer, real programs.  Not part
# of make check.  Three at a time, for most of them wait for most of their time;
# those that need all of a machine have it for themselves.  The longest come
# first.
NET_TIMED = \
	tests/e2e/gigabyte.t \
	tests/e2e/iperf3.t \
	tests/e2e/kill.t \
	tests/e2e/synflood.t

NET_TESTS = \
	tests/e2e/trap.t \
	tests/shim/compare.t \
	tests/e2e/redis.t \
	tests/e2e/interop.t \
	tests/e2e/md5.t \
	tests/e2e/ao.t \
	tests/e2e/idle.t \
	tests/e2e/congestion.t \
	tests/e2e/basic.t \
	tests/e2e/curl.t \
	tests/e2e/nginx.t \
	tests/e2e/python.t \
	tests/e2e/sandbox.t \
	tests/e2e/ring.t \
	tests/e2e/streams.t \
	tests/e2e/many.t \
	tests/e2e/plain.t \
	tests/e2e/quota.t \
	tests/e2e/stop.t \
	tests/e2e/errors.t \
	tests/e2e/icmp.t \
	tests/e2e/bgp.t \
	tests/e2e/slaac.t \
	tests/e2e/dhcp.t \
	tests/e2e/vlan.t \
	tests/e2e/conflict.t \
	tests/e2e/fastopen.t \
	tests/e2e/ecn.t \
	tests/e2e/info.t \
	tests/e2e/udp.t \
	tests/e2e/loopback.t \
	tests/e2e/names.t \
	tests/e2e/dropped.t \
	tests/e2e/bulk.t \
	tests/e2e/bench.t

TEST_EXTENSIONS = .t
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
# A script that fails has said so; one that dies lacks its plan.
T_LOG_DRIVER_FLAGS = --ignore-exit
EXTRA_DIST += $(NET_TESTS) $(NET_TIMED) tests/e2e/lib.sh tests/e2e/put.py \
	tests/e2e/aio.py tests/e2e/opener.py tests/e2e/ends.py \
	tests/e2e/ra.py tests/e2e/rcmd.py tests/e2e/ring.py tests/e2e/claim.py tests/e2e/tagged.py \
	tests/e2e/fast.py tests/e2e/ao.py tests/e2e/md5.py tests/e2e/ecn.py \
	tests/e2e/tcpinfo.py tests/e2e/info.py \
	tests/e2e/congestion.py tests/e2e/names.py tests/e2e/udp.py \
	tests/e2e/loopback.py tests/e2e/dropped.py tests/e2e/bulk.py
EXTRA_DIST += tests/e2e/asker.py tests/e2e/job.py tests/e2e/flood_names.py
dist_noinst_SCRIPTS += tests/summary

# haul.c over lwIP: the same text, its calls renamed.
if HAVE_LWIP
LWIP_PEER = tests/e2e/lwip$(EXEEXT)
endif
EXTRA_PROGRAMS += tests/e2e/lwip
EXTRA_LTLIBRARIES += tests/e2e/libhaul_lwip.la
tests_e2e_lwip_SOURCES = tests/e2e/lwip.c
tests_e2e_lwip_CPPFLAGS = -D_GNU_SOURCE $(LWIP_CFLAGS)
tests_e2e_lwip_CFLAGS = $(TCPD_CFLAGS) -O2 -pthread
tests_e2e_lwip_LDFLAGS = -pthread
tests_e2e_lwip_LDADD = tests/e2e/libhaul_lwip.la $(LWIP_LIBS)
tests_e2e_libhaul_lwip_la_SOURCES = tests/sim/haul.c
tests_e2e_libhaul_lwip_la_CFLAGS = $(TCPD_CFLAGS) -O2 \
	-Wno-missing-prototypes
tests_e2e_libhaul_lwip_la_CPPFLAGS = -D_GNU_SOURCE -Dmain=haul_main \
	-Dsocket=lwip_socket -Dbind=lwip_bind -Dlisten=lwip_listen \
	-Daccept=lwip_accept -Dconnect=lwip_connect -Dread=lwip_read \
	-Dwrite=lwip_write -Dshutdown=lwip_shutdown -Dclose=lwip_close \
	-Dsetsockopt=lwip_setsockopt -Dpoll=lwip_poll
CLEANFILES += tests/e2e/lwip$(EXEEXT)

HAUL = tests/sim/haul$(EXEEXT) tests/sim/relay$(EXEEXT) $(LWIP_PEER)
check-net: all tests/bench/load$(EXEEXT) tests/bench/synflood$(EXEEXT) \
    $(HAUL)
	status=0; \
	$(MAKE) $(AM_MAKEFLAGS) -j3 check-TESTS TESTS='$(NET_TESTS)' \
	    TEST_SUITE_LOG=test-suite-net.log || status=1; \
	$(MAKE) $(AM_MAKEFLAGS) -j1 check-TESTS TESTS='$(NET_TIMED)' \
	    TEST_SUITE_LOG=test-suite-timed.log || status=1; \
	exit $$status
# The whole matrix of interop.t; check-net has a part of it.
check-interop: all $(HAUL)
	$(AM_TESTS_ENVIRONMENT) INTEROP=all $(top_srcdir)/tests/e2e/interop.t
.PHONY: check-net check-interop
