# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/wire/arp.h daemon/wire/bytes.h \
	daemon/wire/checksum.h daemon/wire/dhcp4.h daemon/wire/ether.h daemon/wire/icmp.h \
	daemon/wire/icmp6.h daemon/wire/ipv4.h daemon/wire/ipv6.h \
	daemon/wire/tcp.h daemon/wire/udp.h

noinst_LTLIBRARIES += daemon/libwire.la
daemon_libwire_la_SOURCES = daemon/wire/arp.c daemon/wire/checksum.c daemon/wire/dhcp4.c \
	daemon/wire/ether.c daemon/wire/icmp.c daemon/wire/icmp6.c \
	daemon/wire/ipv4.c daemon/wire/ipv6.c daemon/wire/tcp.c daemon/wire/udp.c
