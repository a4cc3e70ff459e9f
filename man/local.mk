# SPDX-License-Identifier: ISC
dist_man_MANS += man/libtcpd.3 man/tcpctl.8 man/tcpd-run.1 man/tcpd.8 man/tcpd.conf.5 \
	man/tcpd-conformance.7 man/tcpd-compat.7
