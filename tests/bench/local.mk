# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/bench/dev_bench
tests_bench_dev_bench_LDADD = daemon/libdev.la daemon/libbase.la
