# SPDX-License-Identifier: ISC
noinst_HEADERS += include/tcpd/ao.h include/tcpd/control.h include/tcpd/proto.h include/tcpd/ring.h
tcpdincludedir = $(includedir)/tcpd
tcpdinclude_HEADERS = include/tcpd/client.h
