# SPDX-License-Identifier: ISC
noinst_HEADERS += include/tcpd/control.h include/tcpd/proto.h
