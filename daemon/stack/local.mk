# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/stack/stack.h
