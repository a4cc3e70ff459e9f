#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The cases of tests/shim/cases.c on the kernel's TCP and under the shim: the
# same results, line by line, for sockets of AF_INET, of AF_INET6, and for those
# of AF_INET6 that speak IPv4; and once more under valgrind.  What differs all
# the same is listed in tests/shim/differences with the reason, and is to be
# struck out there when it does no more.  And a program that links libtcpd
# instead.
#
# Cases wait for most of their time, so each kind has a lab of its own and they
# run side by side, first the kernel's, then tcpd's.
#
#	COMPARE_ONLY='ports/ polling/edge' tests/shim/compare.t
#
# runs the cases whose names begin so.
. "$(dirname "$0")/../e2e/lib.sh"
cases=$top_builddir/tests/shim/cases
kinds="4 6 mapped" only=${COMPARE_ONLY:-} started=
# Two processors race in some cases (a wake-up more, a read in two), on the
# kernel too: so many of a kind may differ once; they are named and counted.
AGAIN_MAX=2

cleanup()
{
	local job
	for job in $started; do
		kill "${pid_of[$job]}" 2>/dev/null
		LAB=$LAB.$job "$lab" down >/dev/null 2>&1
	done
	"$lab" down >/dev/null 2>&1
	rm -rf "$work"
}

# results JOB KIND [CMD...]: what the cases in $only, or all, say: into JOB.out
results()
{
	local out=$work/$1.out status
	export CASES_KIND=$2 CASES_DEVICE=lab1
	[ "$LAB_DEVICE" != tap ] || CASES_DEVICE=tcpd0
	shift 2
	spawn "peer-$LAB" peer "$cases" peer "$out.sock"
	# shellcheck disable=SC2086
	run env CASES_QUIT=1 "$@" "$cases" run "$out.sock" $only \
	    >"$out" 2>"$out.err" </dev/null
	status=$?
	finish_of 10 "peer-$LAB"
	[ "$status" = 0 ] || { tail -n 5 "$out.err"; return 1; }
}

# The cases whose results are not the same in both files.
differing()
{
	diff "$1" "$2" | sed -n 's/^[<>] \([^:]*\): .*/\1/p' | sort -u
}

# of_cases LIST FILE: the results of those
of_cases()
{
	grep -f <(sed 's/.*/^&: /' "$1") "$2"
}

# compared JOB KIND KERNEL'S [CMD...]: the cases under the shim; JOB.once are
# those that differ from the kernel's without being listed, JOB.twice those that
# do so again.
compared()
{
	local job=$1 kind=$2 k=$3 at=$work/$1
	shift 3
	results "$job" "$kind" "$@" || return
	differing "$k" "$at.out" >"$at.differ"
	comm -23 "$at.differ" "$work/listed" >"$at.once"
	: >"$at.twice"
	[ -s "$at.once" ] || return 0
	only=$(cat "$at.once") results "$job.again" "$kind" "$@" || return
	of_cases "$at.once" "$k" >"$at.want"
	of_cases "$at.once" "$at.again.out" >"$at.got"
	differing "$at.want" "$at.got" >"$at.twice"
}

# start JOB DEVICE CMD...: CMD in a lab of its own, in the background
start()
{
	local job=$1
	started+=" $1"
	(
		trap - EXIT INT TERM
		export LAB=$LAB.$job LAB_DEVICE=$2
		labdir+=.$job
		shift 2
		"$lab" up && "$@"
		status=$?
		[ "$status" != 0 ] || clean_log >"$work/$job.clean"
		"$lab" down && exit "$status"
	) >"$work/$job.log" 2>&1 </dev/null &
	pid_of[$job]=$!
}

# done_with JOB: waits for it, and says what went wrong
done_with()
{
	wait "${pid_of[$1]}" && return
	note "$1: status $?"
	tail -n 15 "$work/$1.log" | sed 's/^/# /'
	return 1
}

# same JOB NAME: what came of compared()
same()
{
	local at=$work/$1 name often
	if ! done_with "$1"; then
		not_ok "$2"
		return
	fi
	often=$(wc -l <"$at.once")
	[ ! -s "$at.once" ] || note "$1: tried again:" $(cat "$at.once")
	cat "$at.once" >>"$work/again"
	if [ ! -s "$at.twice" ] && [ "$often" -le $AGAIN_MAX ]; then
		ok "$2: $(wc -l <"$at.out") results as the kernel's," \
		    "$often cases at the second try"
		return
	fi
	not_ok "$2: $(wc -l <"$at.twice") cases differ," \
	    "$often at the first try ($AGAIN_MAX may)"
	[ -s "$at.twice" ] || return
	note "< kernel, > shim"
	while read -r name; do
		diff <(grep "^$name: " "$at.want") <(grep "^$name: " "$at.got") |
		    head -n 20 | sed 's/^/# /'
	done <"$at.twice"
}

: >"$work/again"
"$cases" list | sort >"$work/names"
sed -n 's/^case: *//p' "$top_srcdir/tests/shim/differences" |
    sort >"$work/listed"
check "$(wc -l <"$work/names") cases, each of its own name" \
    test -z "$(uniq -d "$work/names")"
equal "no difference is listed of a case that does not exist" \
    "$(comm -13 "$work/names" "$work/listed")" ""

up
for kind in $kinds; do
	start "kernel.$kind" kernel results "kernel.$kind" "$kind"
done
for kind in $kinds; do
	check "on the kernel's TCP, $kind" done_with "kernel.$kind"
done
if [ "$LAB_DEVICE" = kernel ]; then
	echo "1..$count"
	[ "$failures" = 0 ]
	exit
fi

for kind in $kinds; do
	start "shim.$kind" "${LAB_DEVICE:-tap}" compared "shim.$kind" "$kind" \
	    "$work/kernel.$kind.out"
done
checked=
if command -v valgrind >/dev/null && [ -z "$only" ] &&
    ! grep -q '^#define WITH_SANITIZERS' "$top_builddir/config.h"; then
	# Without the subjects that pass bad pointers on purpose, as one case of
	# another one does, wait for one another's threads and signals, or make
	# calls that valgrind knows not.
	only=$("$cases" list | grep -vx datagrams/pointing |
	    sed '/^datagrams/!s,/.*,/,' | uniq | grep -vE '^(options|'\
'sweeping|arguments|interfaces|waiting|signalling|files|rings)/')
	grep -f <(sed 's/^/^/' <<<"$only") "$work/kernel.4.out" \
	    >"$work/kernel.some.out"
	checked="valgrind -q --trace-children=yes --log-file=$work/vg.%p"
	# shellcheck disable=SC2086
	start valgrind "${LAB_DEVICE:-tap}" compared valgrind 4 \
	    "$work/kernel.some.out" $checked
fi
for kind in $kinds; do
	same "shim.$kind" "under the shim, $kind"
done
if [ -n "$checked" ]; then
	same valgrind "under the shim and valgrind"
	equal "valgrind has nothing to say" "$(cat "$work"/vg.* | head -n 40)" ""
else
	skip "valgrind" "not installed, or a build with sanitizers"
fi
[ -n "${COMPARE_ONLY:-}" ] || equal "what is listed as different is" \
    "$(sort -u "$work"/shim.*.differ | comm -13 - "$work/listed")" ""
equal "the daemons' logs have no complaint" \
    "$(cat "$work"/*.clean | grep -v '^ok')" ""
check "libtcpd" run env -u LD_PRELOAD "$top_builddir/tests/shim/linked"
down
note "$(wc -l <"$work/again") cases at the second try"
echo "1..$count"
[ "$failures" = 0 ]
