#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The socket calls of tests/shim/cases.c on the kernel's TCP and under the
# shim: the same results, line by line, and once more under valgrind.  And a
# program that links libtcpd instead.
. "$(dirname "$0")/../e2e/lib.sh"
cases=$top_builddir/tests/shim/cases
labs=$LAB

# results WHERE [CMD...]: all cases on a lab of that device
results()
{
	local out=$work/$1.out status
	shift
	spawn "peer-$LAB" peer "$cases" peer "$work/$LAB.sock"
	run env CASES_QUIT=1 "$@" "$cases" run "$work/$LAB.sock" \
	    >"$out" 2>"$out.err" </dev/null
	status=$?
	finish_of 10 "peer-$LAB"
	[ "$status" = 0 ] || { tail -n 5 "$out.err"; return 1; }
}

# same NAME FILE: against the kernel's
same()
{
	if diff "$work/kernel.out" "$2" >"$work/diff"; then
		ok "$1: $(wc -l <"$2") results as the kernel's"
	else
		not_ok "$1"
		note "< kernel, > shim"
		head -n 40 "$work/diff" | sed 's/^/# /'
	fi
}

LAB=$labs.k LAB_DEVICE=kernel
up
check "on the kernel's TCP" results kernel
check "lab down" "$lab" down
if [ "${E2E_DEVICE:-tap}" = kernel ]; then
	echo "1..$count"
	[ "$failures" = 0 ]
	exit
fi

LAB=$labs LAB_DEVICE=${E2E_DEVICE:-tap}
up
check "under the shim" results shim
same "shim" "$work/shim.out"
if command -v valgrind >/dev/null &&
    ! nm "$cases" 2>/dev/null | grep -q __asan; then
	check "under the shim and valgrind" results valgrind \
	    valgrind -q --trace-children=yes --log-file="$work/vg.%p"
	same "valgrind" "$work/valgrind.out"
	equal "valgrind has nothing to say" "$(cat "$work"/vg.*)" ""
else
	skip "valgrind" "not installed, or a build with sanitizers"
fi
check "libtcpd" run env -u LD_PRELOAD "$top_builddir/tests/shim/linked"
down
echo "1..$count"
[ "$failures" = 0 ]
