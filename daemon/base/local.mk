# SPDX-License-Identifier: ISC
# Each folder of daemon/ is a convenience library.
noinst_HEADERS += daemon/base/addr.h daemon/base/buf.h daemon/base/check.h \
	daemon/base/drop.h daemon/base/drop.def daemon/base/frame.h \
	daemon/base/mono.h daemon/base/rng.h daemon/base/siphash.h \
	daemon/base/timerq.h
