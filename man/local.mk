# SPDX-License-Identifier: ISC
dist_man_MANS += man/tcpctl.8 man/tcpd.8 man/tcpd.conf.5
