# SPDX-License-Identifier: ISC
# Tests.  Programs and scripts that `make check` runs go into TESTS; each
# folder's local.mk adds its own.  A script in TESTS also goes into
# dist_check_SCRIPTS; one that cannot run here exits 77 and says why.
include tests/unit/local.mk
include tests/script/local.mk
include tests/sim/local.mk
include tests/fuzz/local.mk
include tests/e2e/local.mk
include tests/e2e/trap.mk
include tests/shim/local.mk
include tests/bench/local.mk
include tests/packetdrill/local.mk
include tests/conformance/local.mk
include tests/programs/local.mk

# Criterion does not look at how a test's process ends, so leaks that the
# sanitizer reports there would pass.
EXTRA_DIST += tests/leaks
if SANITIZERS
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/leaks
endif

dist_check_SCRIPTS += tests/man.sh tests/tidy.sh
TESTS += tests/man.sh tests/tidy.sh
EXTRA_DIST += .clang-format

# make format: brings all C files into the house's format.
format:
	cd $(srcdir) && find daemon include libclient tests -name '*.[ch]' \
	    -exec clang-format --style=file -i '{}' +
.PHONY: format
