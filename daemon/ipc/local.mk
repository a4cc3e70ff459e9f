# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/ipc/msg.h
