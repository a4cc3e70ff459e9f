#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# make bench's own working: that a measure of each kind gives figures of both
# systems, in the form that tests/bench/README promises.  How large they are is
# none of a test's business.
. "$(dirname "$0")/lib.sh"
need jq
[ "${LAB_DEVICE:-}" != kernel ] || skip_all "bench has its own lab of the kernel"

export BENCH_ROUNDS=1 BENCH_SECONDS=0.1 BENCH_JSON=$work/bench.json
bench()
{
	BENCH_ONLY=$1 "$top_srcdir/tests/bench/bench"
}

# has WHAT FILTER: it holds for the JSON.
has()
{
	check "$1" jq -e "$2" "$BENCH_JSON"
}

check "one measure each of bulk, round trips, connections, datagrams" \
    bench '^(send_1|rr_16|crr_1|udp_rr)$'
has "all of them, nothing failed" \
    '.version == 2 and .set == "default" and .failed == [] and
    (.measures | keys) == ["crr_1", "rr_16", "send_1", "udp_rr"]'
has "both systems, the ratio and what it is of" \
    '[.measures[].figures[] | .what != "" and .unit != "" and
    .systems.kernel.median > 0 and .systems.tcpd.min <= .systems.tcpd.max and
    .ratios.kernel.median > 0] | all'
has "every run" '.measures.send_1.runs | .kernel[0].bytes > 0 and
    .tcpd[0].bytes > 0 and .tcpd[0].peak_mib > 0'
has "what is aimed at is judged" \
    '[.goals[] | (.ratio >= .aim) == .met or .way == "<="] |
    all and length > 2'
check "a pattern that names only what is in the full set" \
    bench '^send_1_16k_v6$'
has "is taken from there" '.measures | keys == ["send_1_16k_v6"]'
check "one that names nothing is refused" eval '! bench ^nothing'
equal "what is not installed is skipped, with the cure" "$(
    PATH=$work $python -B - "$top_srcdir/tests/bench" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	from suite import systems
	try:
	    systems.need("pasta", "passt")
	except systems.Missing as e:
	    print("%s: %s" % e.args)
	END
)" "pasta is not installed: apt-get install passt"
echo "1..$count"
[ "$failures" = 0 ]
