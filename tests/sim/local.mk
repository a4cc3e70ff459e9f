# SPDX-License-Identifier: ISC
# The simulator: whole stacks in virtual time.  make check runs some hundred
# seeds; make check-long 10,000 transfers and more.
noinst_HEADERS += tests/sim/sim.h
check_LTLIBRARIES = tests/sim/libsim.la
tests_sim_libsim_la_SOURCES = tests/sim/sim.c tests/sim/link.c \
	tests/sim/host.c tests/sim/app.c tests/sim/oracle.c \
	tests/sim/stranger.c \
	tests/sim/scenario.c

SIM_LIBS = tests/sim/libsim.la daemon/libstack.la daemon/libip.la \
	daemon/libtcp.la daemon/libwire.la daemon/libbase.la
SIM_TESTS = tests/sim/swarm tests/sim/idle tests/sim/goodput
check_PROGRAMS += $(SIM_TESTS)
TESTS += $(SIM_TESTS)
tests_sim_swarm_LDADD = $(SIM_LIBS)
tests_sim_idle_LDADD = $(SIM_LIBS)
tests_sim_goodput_LDADD = $(SIM_LIBS)
EXTRA_DIST += tests/sim/golden/goodput.txt

check-long: tests/sim/swarm
	tests/sim/swarm -s 1000000 -h -t 10000
	tests/sim/swarm -s 2000000 -n 20000
.PHONY: check-long
