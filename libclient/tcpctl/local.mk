# SPDX-License-Identifier: ISC
# tcpctl: a library of its parts, so that tests link them, and main.
noinst_LTLIBRARIES += libtcpctl.la
libtcpctl_la_SOURCES = libclient/tcpctl/client.c libclient/tcpctl/json.c \
	libclient/tcpctl/names.c libclient/tcpctl/parser.c \
	libclient/tcpctl/ss.c libclient/tcpctl/text.c
libtcpctl_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
noinst_HEADERS += libclient/tcpctl/client.h libclient/tcpctl/names.h \
	libclient/tcpctl/output.h libclient/tcpctl/parser.h

sbin_PROGRAMS += tcpctl
tcpctl_SOURCES = libclient/tcpctl/tcpctl.c
tcpctl_LDADD = libtcpctl.la libsockopt.la daemon/libbase.la $(JANSSON_LIBS)
