#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# tcpd-run --no-bypass: no socket of the kernel's IP, whatever the program
# tries (escape.c has the list), with the shim and with the trap; and what works
# on all the same.
. "$(dirname "$0")/lib.sh"
need_tcpd
escape=$top_builddir/tests/e2e/escape
[ -x "$escape" ] || skip_all "tests/e2e/escape is not built (make check-net)"
up

spawn holder "$lab" peer "$escape" hold
wait_for 30 grep -q holding "$work/holder.log"
held=$(pgrep -f "^$escape hold")

# The list itself: without the option each way that the kernel has works.
run "$escape" try "$held" >"$work/free" 2>&1
equal "without it, the ways are ways" \
    "$(grep -cE '^(each family|fork|bind to loopback|terminal): ESCAPED' "$work/free")" 4
for way in "" --trap; do
	run --no-bypass $way "$escape" try "$held" >"$work/out" 2>&1
	equal "no escape ${way:-with the shim}" "$(tail -n 1 "$work/out")" \
	    "0 escapes"
	note "$(grep ESCAPED "$work/out")"
	equal "all ways tried ${way:-with the shim}" \
	    "$(grep -c ': no$' "$work/out")" "$(grep -c : "$work/free")"
done

matches "an inherited socket is found" \
    "$(run --no-bypass true 7<>/dev/udp/127.0.0.1/9 2>&1; echo "status $?")" \
    'descriptor 7 is a socket of the kernel.s IPv4'
run --no-bypass true 7<>/dev/udp/127.0.0.1/9 2>/dev/null
equal "and refused" "$?" 126

mkdir "$work/www"
random_file "$work/www/file" 3M
cd "$work/www" || exit 1
serves peer 8000 web "$python" -m http.server --bind $any 8000
cd "$work" || exit 1
for way in "" --trap; do
	check "tcpd's destinations work ${way:-with the shim}" run --no-bypass \
	    $way curl -sSf -o got http://$kernel_host:8000/file
	check "equal" cmp www/file got
done
matches "the kernel's fail, clearly" \
    "$(run --no-bypass curl -sS http://127.0.0.1:8000/ 2>&1)" \
    'onnect|ermission denied'
down
echo "1..$count"
[ "$failures" = 0 ]
