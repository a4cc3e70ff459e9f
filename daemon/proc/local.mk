# SPDX-License-Identifier: ISC
noinst_HEADERS += daemon/proc/conf.h daemon/proc/log.h daemon/proc/proc.h \
	daemon/proc/sandbox.h
