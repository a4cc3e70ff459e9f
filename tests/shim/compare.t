#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The cases of tests/shim/cases.c on the kernel's TCP and under the shim: the
# same results, line by line, for sockets of AF_INET, of AF_INET6, and for those
# of AF_INET6 that speak IPv4; and once more under valgrind.  What differs all
# the same is listed in tests/shim/differences with the reason, and is to be
# struck out there when it does no more.  And a program that links libtcpd
# instead.
. "$(dirname "$0")/../e2e/lib.sh"
cases=$top_builddir/tests/shim/cases
labs=$LAB kinds="4 6 mapped" only=

# results WHERE KIND [CMD...]: the cases in $only, or all
results()
{
	local out=$work/$1.$2.out status
	export CASES_KIND=$2 CASES_DEVICE=lab1
	[ "$LAB_DEVICE" != tap ] || CASES_DEVICE=tcpd0
	shift 2
	spawn "peer-$LAB" peer "$cases" peer "$work/$LAB.sock"
	# shellcheck disable=SC2086
	run env CASES_QUIT=1 "$@" "$cases" run "$work/$LAB.sock" $only \
	    >"$out" 2>"$out.err" </dev/null
	status=$?
	finish_of 10 "peer-$LAB"
	[ "$status" = 0 ] || { tail -n 5 "$out.err"; return 1; }
}

# The cases whose results are not the same in both files; those of a list only.
differing()
{
	diff "$1" "$2" | sed -n 's/^[<>] \([^:]*\): .*/\1/p' | sort -u
}

of_cases()
{
	grep -f <(sed 's/.*/^&: /' <<<"$1") "$2"
}

# same NAME WHERE KIND KERNEL'S [CMD...]: as the kernel's, but for what is
# listed.  Two processors race in some cases (a wake-up more, a read in two), on
# the kernel too: what differs is tried once more, and said.
same()
{
	local name=$1 kind=$3 k=$4 s=$work/$2.$3.out unlisted results
	shift 4
	results=$(wc -l <"$s")
	differing "$k" "$s" >"$work/differ"
	cat "$work/differ" >>"$work/differed"
	unlisted=$(comm -23 "$work/differ" "$work/listed")
	if [ -n "$unlisted" ]; then
		note "tried again:" $unlisted
		only=$unlisted results again "$kind" "$@"
		of_cases "$unlisted" "$k" >"$work/again.k"
		of_cases "$unlisted" "$work/again.$kind.out" >"$work/again.s"
		k=$work/again.k s=$work/again.s
		unlisted=$(differing "$k" "$s")
	fi
	if [ -z "$unlisted" ]; then
		ok "$name: $results results as the kernel's"
		return
	fi
	not_ok "$name"
	note "< kernel, > shim"
	for name in $unlisted; do
		diff <(of_cases "$name" "$k") <(of_cases "$name" "$s") |
		    head -n 20 | sed 's/^/# /'
	done
}

"$cases" list | sort >"$work/names"
sed -n 's/^case: *//p' "$top_srcdir/tests/shim/differences" |
    sort >"$work/listed"
check "$(wc -l <"$work/names") cases, each of its own name" \
    test -z "$(uniq -d "$work/names")"
equal "no difference is listed of a case that does not exist" \
    "$(comm -13 "$work/names" "$work/listed")" ""

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
	same "shim, $kind" shim "$kind" "$work/kernel.$kind.out"
done
equal "what is listed as different is" \
    "$(sort -u "$work/differed" | comm -13 - "$work/listed")" ""
if command -v valgrind >/dev/null &&
    ! grep -q '^#define WITH_SANITIZERS' "$top_builddir/config.h"; then
	# Without the subjects that pass bad pointers on purpose, wait for one
	# another's threads and signals, or make calls that valgrind knows not.
	only=$("$cases" list | sed 's,/.*,/,' | uniq |
	    grep -vE '^(options|arguments|waiting|signalling|files|rings)/')
	grep -f <(sed 's/^/^/' <<<"$only") "$work/kernel.4.out" \
	    >"$work/kernel.some.out"
	checked="valgrind -q --trace-children=yes --log-file=$work/vg.%p"
	# shellcheck disable=SC2086
	check "under the shim and valgrind" results valgrind 4 $checked
	# shellcheck disable=SC2086
	same "valgrind" valgrind 4 "$work/kernel.some.out" $checked
	equal "valgrind has nothing to say" "$(cat "$work"/vg.* | head -n 40)" ""
else
	skip "valgrind" "not installed, or a build with sanitizers"
fi
check "libtcpd" run env -u LD_PRELOAD "$top_builddir/tests/shim/linked"
down
echo "1..$count"
[ "$failures" = 0 ]
