# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/ip/arp.h daemon/ip/icmp.h daemon/ip/ifaddr.h \
	daemon/ip/ip.h daemon/ip/neigh.h daemon/ip/pktq.h daemon/ip/route.h

noinst_LTLIBRARIES += daemon/libip.la
daemon_libip_la_SOURCES = daemon/ip/arp.c daemon/ip/icmp.c daemon/ip/ifaddr.c \
	daemon/ip/ip.c daemon/ip/ipv4.c daemon/ip/neigh.c daemon/ip/pktq.c \
	daemon/ip/route.c daemon/ip/srcsel.c
