# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/tcp/tcp.h
