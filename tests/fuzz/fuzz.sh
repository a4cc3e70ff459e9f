#!/bin/sh
# SPDX-License-Identifier: ISC
#
# fuzz.sh: lets libFuzzer work on each target for FUZZ_SECONDS, FUZZ_JOBS at a
# time (make fuzz).  It starts from the committed corpora and keeps what it
# finds in fuzz/ of the build tree: TARGET/ the inputs, which the next run
# starts from as well, TARGET.log, and TARGET-crash-* and the like, which fail
# it.  Such a reproducer goes into tests/fuzz/corpus/TARGET with its mend.
src=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${top_builddir:-$src/build}
: "${FUZZ_TARGETS:=frames segments ipc control}"
: "${FUZZ_SECONDS:=600}" "${FUZZ_JOBS:=2}"
export src build FUZZ_SECONDS

mkdir -p "$build/fuzz" && cd "$build/fuzz" || exit 1
# shellcheck disable=SC2016
printf '%s\n' $FUZZ_TARGETS | xargs -P "$FUZZ_JOBS" -I TARGET sh -c '
	mkdir -p TARGET
	"$build/tests/fuzz/TARGET_fuzz" -max_total_time="$FUZZ_SECONDS" \
	    -timeout=25 -print_final_stats=1 -artifact_prefix=TARGET- \
	    TARGET "$src/tests/fuzz/corpus/TARGET" >TARGET.log 2>&1
	status=$?
	echo "TARGET: status $status, $(grep "^Done" TARGET.log ||
	    echo "not done: see $build/fuzz/TARGET.log")"
	[ "$status" = 0 ]'
