# SPDX-License-Identifier: ISC
# The shared libraries go into other people's programs: they are built from
# their own objects, without the sanitizers' run-time library (undefined
# behaviour traps instead), and export what their maps say.
lib_LTLIBRARIES += libtcpd.la libtcpd-preload.la libnss_tcpd.la
bin_PROGRAMS += tcpd-run
pkgconfig_DATA += libclient/libtcpd.pc

SHIM_CFLAGS = $(TCPD_CFLAGS) -U_FORTIFY_SOURCE -fvisibility=hidden \
	-ffunction-sections -fdata-sections
# At compile time only: linking needs nothing of it.
SHIM_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
if SANITIZERS
SHIM_CPPFLAGS += -fsanitize=undefined -fsanitize-undefined-trap-on-error
endif
LIBRARY_SOURCES = libclient/connect.c libclient/device.c libclient/fastopen.c \
	libclient/ident.c libclient/iface.c libclient/io.c \
	libclient/lane.c libclient/listen.c libclient/opt.c \
	libclient/sock.c libclient/stream.c libclient/urgent.c libclient/wire.c \
	libclient/dgram.c libclient/dgram_io.c libclient/dgram_opt.c
SHIM_SOURCES = $(LIBRARY_SOURCES) libclient/await.c libclient/real.c \
	libclient/watch.c libclient/ifaddrs.c \
	daemon/ipc/aokey.c daemon/ipc/dgramopt.c daemon/ipc/md5key.c daemon/ipc/policy.c daemon/ipc/ring.c daemon/ipc/ringmap.c daemon/ipc/sockopt.c

libtcpd_la_SOURCES = libclient/client.c $(SHIM_SOURCES)
libtcpd_la_CPPFLAGS = $(SHIM_CPPFLAGS)
libtcpd_la_CFLAGS = $(SHIM_CFLAGS)
libtcpd_la_LDFLAGS = -version-info 0:0:0 -Wl,-z,now -Wl,-z,relro \
	-Wl,--version-script=$(top_srcdir)/libclient/client.map
libtcpd_la_LIBADD = -ldl
libtcpd_la_DEPENDENCIES = libclient/client.map

libtcpd_preload_la_SOURCES = libclient/preload.c libclient/elf.c \
	libclient/exec.c libclient/hostnames.c libclient/rcmd.c \
	libclient/resquery.c libclient/ways.c \
	$(SHIM_SOURCES)
libtcpd_preload_la_CPPFLAGS = $(SHIM_CPPFLAGS)
libtcpd_preload_la_CFLAGS = $(SHIM_CFLAGS)
# Each program pays for being loaded with it, so: few segments to map, no symbol
# looked up before it is needed, and no page made read-only again, which would
# keep nothing safe beside the table of struct real.
libtcpd_preload_la_LDFLAGS = -module -avoid-version -shared -Wl,-z,lazy \
	-Wl,-z,norelro -Wl,-z,noseparate-code -Wl,-Bsymbolic \
	-Wl,--gc-sections -Wl,--hash-style=gnu \
	-Wl,--version-script=$(top_srcdir)/libclient/preload.map
libtcpd_preload_la_LIBADD = -ldl
libtcpd_preload_la_DEPENDENCIES = libclient/preload.map

# The number is that of the C library's interface to such services.
libnss_tcpd_la_SOURCES = libclient/lookup.c libclient/nss.c \
	libclient/nss_query.c libclient/nss_switch.c libclient/wire.c \
	daemon/ipc/policy.c
libnss_tcpd_la_CPPFLAGS = $(SHIM_CPPFLAGS)
libnss_tcpd_la_CFLAGS = $(SHIM_CFLAGS)
libnss_tcpd_la_LDFLAGS = -version-info 2:0:0 -shared -no-undefined -Wl,-z,defs -Wl,-Bsymbolic \
	-Wl,--gc-sections -Wl,--version-script=$(top_srcdir)/libclient/nss.map
libnss_tcpd_la_LIBADD = $(RESOLV_LIBS)
libnss_tcpd_la_DEPENDENCIES = libclient/nss.map

tcpd_run_SOURCES = libclient/tcpd-run.c libclient/elf.c \
	libclient/run_bypass.c libclient/run_check.c \
	libclient/run_dns.c libclient/run_exec.c libclient/run_filter.c \
	libclient/run_inside.c libclient/run_sandbox.c \
	libclient/run_trap.c libclient/trap.c \
	libclient/trap_call.c libclient/trap_data.c libclient/trap_dgram.c \
	libclient/trap_hook.c \
	libclient/trap_target.c libclient/trap_wait.c \
	$(LIBRARY_SOURCES)
tcpd_run_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE $(SECCOMP_CFLAGS)
tcpd_run_LDADD = libsockopt.la daemon/libbase.la $(SECCOMP_LIBS)

noinst_HEADERS += libclient/lane.h libclient/device.h libclient/dgram.h libclient/elf.h \
	libclient/exec.h libclient/hint.h libclient/ident.h libclient/iface.h \
	libclient/lookup.h libclient/nss_tcpd.h libclient/real.h libclient/stream.h \
	libclient/run.h libclient/run_sandbox.h \
	libclient/sock.h libclient/sys.h libclient/trap.h libclient/wire.h
EXTRA_DIST += libclient/client.map libclient/nss.map libclient/preload.map
