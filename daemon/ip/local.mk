# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/ip/arp.h daemon/ip/dhcp4.h daemon/ip/icmp.h \
	daemon/ip/icmp6.h daemon/ip/ifaddr.h daemon/ip/ip.h daemon/ip/mld.h \
	daemon/ip/nd.h daemon/ip/neigh.h daemon/ip/pktq.h daemon/ip/pmtu.h \
	daemon/ip/ra.h daemon/ip/reass.h daemon/ip/route.h

noinst_LTLIBRARIES += daemon/libip.la
daemon_libip_la_SOURCES = daemon/ip/arp.c daemon/ip/config.c \
	daemon/ip/dhcp4.c daemon/ip/frag.c daemon/ip/icmp.c daemon/ip/icmp6.c \
	daemon/ip/ifaddr.c daemon/ip/ip.c daemon/ip/ipv4.c daemon/ip/ipv6.c \
	daemon/ip/mld.c daemon/ip/nd.c daemon/ip/neigh.c daemon/ip/pktq.c \
	daemon/ip/pmtu.c daemon/ip/ra.c daemon/ip/reass.c daemon/ip/route.c \
	daemon/ip/srcsel.c
