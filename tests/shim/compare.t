#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The socket calls of tests/shim/cases.c on the kernel's TCP and under the
# shim: the same results, line by line, for sockets of AF_INET, of AF_INET6, and
# for those of AF_INET6 that speak IPv4; and once more under valgrind.  And a
# program that links libtcpd instead.
. "$(dirname "$0")/../e2e/lib.sh"
cases=$top_builddir/tests/shim/cases
labs=$LAB kinds="4 6 mapped"

# results WHERE KIND [CMD...]: all cases on a lab of that device
results()
{
	local out=$work/$1.$2.out status
	export CASES_KIND=$2
	shift 2
	spawn "peer-$LAB" peer "$cases" peer "$work/$LAB.sock"
	run env CASES_QUIT=1 "$@" "$cases" run "$work/$LAB.sock" \
	    >"$out" 2>"$out.err" </dev/null
	status=$?
	finish_of 10 "peer-$LAB"
	[ "$status" = 0 ] || { tail -n 5 "$out.err"; return 1; }
}

# same NAME WHERE KIND: against the kernel's
same()
{
	if diff "$work/kernel.$3.out" "$work/$2.$3.out" >"$work/diff"; then
		ok "$1: $(wc -l <"$work/$2.$3.out") results as the kernel's"
	else
		not_ok "$1"
		note "< kernel, > shim"
		head -n 40 "$work/diff" | sed 's/^/# /'
	fi
}

LAB=$labs.k LAB_DEVICE=kernel
up
for kind in $kinds; do
	check "on the kernel's TCP, $kind" results kernel "$kind"
done
check "lab down" "$lab" down
if [ "${E2E_DEVICE:-tap}" = kernel ]; then
	echo "1..$count"
	[ "$failures" = 0 ]
	exit
fi

LAB=$labs LAB_DEVICE=${E2E_DEVICE:-tap}
up
for kind in $kinds; do
	check "under the shim, $kind" results shim "$kind"
	same "shim, $kind" shim "$kind"
done
if command -v valgrind >/dev/null &&
    ! nm "$cases" 2>/dev/null | grep -q __asan; then
	for kind in 4 mapped; do
		check "under the shim and valgrind, $kind" results valgrind \
		    $kind valgrind -q --trace-children=yes \
		    --log-file="$work/vg.%p"
		same "valgrind, $kind" valgrind $kind
	done
	equal "valgrind has nothing to say" "$(cat "$work"/vg.*)" ""
else
	skip "valgrind" "not installed, or a build with sanitizers"
fi
check "libtcpd" run env -u LD_PRELOAD "$top_builddir/tests/shim/linked"
down
echo "1..$count"
[ "$failures" = 0 ]
