#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# conformance.py finds what it is for: a small tree with one requirement of
# each kind, and each way in which tags, sources and runs can disagree.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
if ! command -v python3 >/dev/null; then
	echo '1..0 # SKIP no python3 here (apt install python3)'
	exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
trap 'rm -rf "$work"' EXIT
count=0 failures=0

# A tree in which all is well.
tree()
{
	rm -rf "$work/src"
	mkdir -p "$work/src/tests/conformance" "$work/src/tests/unit" \
	    "$work/src/daemon" "$work/src/man"
	cd "$work/src" || exit 1
	cp "$top_srcdir"/tests/conformance/page.* tests/conformance
	printf '%s-1\t3.1\tDo %s.\n' MUST must SHLD should MAY may \
	    >tests/conformance/rfc9293.tsv
	cat >tests/unit/x_test.c <<-'C'
	Test(x, one, .description = "MUST-1")
	{
	}
	C
	cat >daemon/x.c <<-'C'
	/* MUST-1 */
	/* DEVIATION: SHLD-1: nobody who tries it comes back. */
	/* DECLINED: MAY-1: there is nobody to ask for it here. */
	C
	printf '#!/bin/sh\necho "ok - x::one MUST-1 (0.00s)"\n' \
	    >tests/unit/x_test
	chmod +x tests/unit/x_test
}

# says NAME STATUS REGEX: what a run says, and how it ends
says()
{
	local out status
	out=$(python3 "$top_srcdir/tests/conformance/conformance.py" \
	    "${mode:-run}" . ${build-.})
	status=$?
	count=$((count + 1))
	if [ "$status" = "$2" ] && [[ $out =~ $3 ]]; then
		echo "ok $count - $1"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $count - $1"
	printf '%s\n' "$out" "status $status, want $2 and $3" | sed 's/^/# /'
}

tree
says "all is well" 0 "1 declined, 1 deviate, 1 pass. 0 problems"
mode=check build='' says "and the page is what was written" 0 "0 problems"
echo 'more' >>man/tcpd-conformance.7
mode=check build='' says "not after somebody wrote into it" 1 "is not what"

tree
sed -i 's/MUST-1/MUST-1 MUST-2/' tests/unit/x_test.c
says "a requirement that is none" 1 "RFC 9293 has no MUST-2"
tree
sed -i 's/, .description.*")/)/' tests/unit/x_test.c
says "a requirement without a test" 1 "MUST-1: neither a test"
tree
sed -i '/MUST-1/d' daemon/x.c
says "a requirement without a place" 1 "MUST-1: no place"
tree
sed -i 's/ok - .*"/"/' tests/unit/x_test
says "a test that did not run" 1 "x::one did not run"
tree
sed -i 's/"ok/"not ok/' tests/unit/x_test
says "a test that failed" 1 "x::one failed"
tree
sed -i 's/SHLD-1: .*/SHLD-1 *\//' daemon/x.c
says "a deviation without a reason" 1 "without its reason"
tree
sed -i 's/DEVIATION/DECLINED/' daemon/x.c
says "a SHOULD is no option" 1 "SHLD.1 is no option"
tree
for i in 2 3 4 5 6; do
	printf 'SHLD-%d\t3.1\tDo more.\n' $i >>tests/conformance/rfc9293.tsv
	printf '/* DEVIATION: SHLD-%d: as for the first of them all. */\n' $i \
	    >>daemon/x.c
done
says "six deviations" 1 "6 requirements deviate, at most 5"
echo "1..$count"
[ "$failures" = 0 ]
