# SPDX-License-Identifier: ISC
# The simulator: whole stacks in virtual time.  make check runs some hundred
# seeds; make check-long 10,000 transfers and more.
noinst_HEADERS += tests/sim/sim.h tests/sim/path.h
check_LTLIBRARIES += tests/sim/libsim.la
tests_sim_libsim_la_SOURCES = tests/sim/sim.c tests/sim/link.c \
	tests/sim/host.c tests/sim/app.c tests/sim/oracle.c \
	tests/sim/stranger.c \
	tests/sim/scenario.c tests/sim/path.c tests/sim/measure.c

SIM_LIBS = tests/sim/libsim.la daemon/libstack.la daemon/libudp.la daemon/libip.la \
	daemon/libtcp.la daemon/libwire.la daemon/libbase.la
SIM_TESTS = tests/sim/swarm tests/sim/idle tests/sim/goodput tests/sim/marks
check_PROGRAMS += $(SIM_TESTS)
TESTS += $(SIM_TESTS)
tests_sim_swarm_LDADD = $(SIM_LIBS)
tests_sim_idle_LDADD = $(SIM_LIBS)
tests_sim_goodput_LDADD = $(SIM_LIBS)
tests_sim_marks_LDADD = $(SIM_LIBS)
EXTRA_DIST += tests/sim/golden/goodput.txt tests/sim/golden/paths.txt \
	tests/sim/golden/linux.txt tests/sim/golden/tcpd.txt \
	tests/sim/golden/bbr.txt \
	tests/sim/yardstick

# The same links in real time, between two devices, and a program that
# measures over them; tests/e2e and contrib/lab use them.
check_PROGRAMS += tests/sim/relay
tests_sim_relay_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_sim_relay_LDADD = tests/sim/libsim.la daemon/libwire.la \
	daemon/libbase.la

EXTRA_PROGRAMS += tests/sim/haul
tests_sim_haul_SOURCES = tests/sim/haul.c
tests_sim_haul_CPPFLAGS = -D_GNU_SOURCE
tests_sim_haul_CFLAGS = $(TCPD_CFLAGS) -O2
tests_sim_haul_LDFLAGS =
CLEANFILES += tests/sim/haul$(EXEEXT)

# Needs root or user namespaces, and ten minutes.
goodput-linux: tests/sim/relay$(EXEEXT) tests/sim/haul$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/tests/sim/yardstick >linux.txt
	cp linux.txt $(top_srcdir)/tests/sim/golden/linux.txt
CLEANFILES += linux.txt

check-long: tests/sim/swarm
	tests/sim/swarm -s 1000000 -h -t 10000
	tests/sim/swarm -s 2000000 -n 20000
.PHONY: check-long goodput-linux
