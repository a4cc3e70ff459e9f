# SPDX-License-Identifier: ISC
# Segment scripts: one Criterion program over the TCP layer alone.
SCRIPT_SOURCES = \
	tests/script/lab.c \
	tests/script/closed.c \
	tests/script/listen.c \
	tests/script/syn_sent.c \
	tests/script/syn_received.c \
	tests/script/established.c \
	tests/script/fin_wait_1.c \
	tests/script/fin_wait_2.c \
	tests/script/close_wait.c \
	tests/script/closing.c \
	tests/script/last_ack.c \
	tests/script/time_wait.c \
	tests/script/options.c \
	tests/script/simultaneous.c \
	tests/script/rexmt.c \
	tests/script/recovery.c \
	tests/script/rack.c \
	tests/script/tlp.c \
	tests/script/dsack.c \
	tests/script/undo.c \
	tests/script/frto.c \
	tests/script/reneging.c \
	tests/script/prr.c \
	tests/script/limited_transmit.c \
	tests/script/lend.c \
	tests/script/pacing.c \
	tests/script/receive.c \
	tests/script/window.c \
	tests/script/keepalive.c \
	tests/script/names.c \
	tests/script/icmp.c \
	tests/script/hostile.c \
	tests/script/memory.c \
	tests/script/chaos.c \
	tests/script/delack.c \
	tests/script/cookie.c \
	tests/script/mtu.c \
	tests/script/tune.c \
	tests/script/urgent.c \
	tests/script/ao.c \
	tests/script/md5.c \
	tests/script/ecn.c \
	tests/script/fastopen.c \
	tests/script/fastsyn.c \
	tests/script/accecn.c \
	tests/script/dctcp.c \
	tests/script/info.c \
	tests/script/rest.c

noinst_HEADERS += tests/script/lab.h
EXTRA_DIST += tests/script/script6.sh
tests_script_script_SOURCES = $(SCRIPT_SOURCES)
# A script names again what SEG() presets.
tests_script_script_CFLAGS = $(AM_CFLAGS) -Wno-override-init
tests_script_script_LDADD = daemon/libtcp.la daemon/libwire.la \
	daemon/libcrypto.la daemon/libbase.la $(CRITERION_LIBS)
if HAVE_CRITERION
check_PROGRAMS += tests/script/script
TESTS += tests/script/script tests/script/script6.sh
else
EXTRA_PROGRAMS += tests/script/script
endif
