# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/dev/dev.h
