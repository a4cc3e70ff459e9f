# SPDX-License-Identifier: ISC
noinst_HEADERS += include/tcpd/proto.h
