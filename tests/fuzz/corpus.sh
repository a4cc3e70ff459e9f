#!/bin/sh
# SPDX-License-Identifier: ISC
#
# corpus.sh: gives each fuzz target its corpus once (make check).  A target
# TARGET_fuzz reads tests/fuzz/corpus/TARGET; with libFuzzer or without.
src=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${top_builddir:-$src/build}
: "${FUZZ_TARGETS:=frames segments ipc control}"
fail=0
for t in $FUZZ_TARGETS; do
	echo "$t:"
	"$build/tests/fuzz/${t}_fuzz" -runs=0 "$src/tests/fuzz/corpus/$t" ||
		fail=1
done
exit $fail
