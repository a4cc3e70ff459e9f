#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Loopback addresses that tcpd serves itself (policy { loopback = "tcpd" }): the
# same as on the kernel's, between programs of any user, and none of it leaves.
. "$(dirname "$0")/lib.sh"
need_tcpd
need jq "$python"

# Another user must be able to read the library, and a build tree may be root's.
mkdir -p "$work/build/.libs"
cp "$top_builddir/tcpd" "$top_builddir/tcpctl" "$top_builddir/tcpd-run" \
    "$work/build/"
cp "$top_builddir/.libs/"libtcpd*.so* "$work/build/.libs/"
LAB_BUILD=$work/build
export LAB_CONF='policy { loopback = "tcpd" }'
up

"$lab" inside "$python" "$e2e/loopback.py" $kernel $tcpd 2001:db8::1 \
    2001:db8::2 >"$work/kernel" 2>&1
run "$python" "$e2e/loopback.py" $tcpd $kernel 2001:db8::2 2001:db8::1 \
    >"$work/tcpd" 2>&1
check "$(wc -l <"$work/kernel") results as the kernel's" \
    diff "$work/kernel" "$work/tcpd"
# Thousands would have: what is there are questions for neighbours, and the one
# connection outward that is refused before it begins.
check "none of it left" test "$(stat_of stack.out_frames)" -lt 50
matches "why" "$(run --check 127.0.0.1:80)" 'tcpd'

# From one program to another, and from another user.
serves run 9000 web "$python" -m http.server --bind 127.0.0.1 \
    --directory "$e2e" 9000
check "from another program" run curl -sSf -o "$work/got" \
    http://127.0.0.1:9000/lib.sh
check "equal" cmp "$work/got" "$e2e/lib.sh"
if [ "$UID" = 0 ] && command -v setpriv >/dev/null; then
	check "from another user" run setpriv --reuid nobody --regid nogroup \
	    --clear-groups curl -sSf -o /dev/null http://localhost:9000/lib.sh
fi
"$lab" inside curl -sS -o /dev/null http://127.0.0.1:9000/ 2>"$work/err"
equal "not from outside" $? 7
spawn kernels "$lab" inside "$python" -m http.server --bind 127.0.0.1 9001
wait_for 10 eval '"$lab" inside ss -Htln "sport = :9001" | grep -q .'
run curl -sS -o /dev/null http://127.0.0.1:9001/ 2>"$work/err"
equal "and outside's not from here" $? 7

# A reload takes it away, and brings it back.
reloaded()
{
	sed -i "s/loopback = \"[a-z]*\"/loopback = \"$1\"/" "$labdir/tcpd.conf"
	kill -HUP "$(cat "$labdir/tcpd.pid")"
	wait_for 30 eval 'run --check 127.0.0.1:80 | grep -q "'"$2"'"'
}
check "refused after a reload" reloaded refuse refuse
run curl -sS -o /dev/null http://127.0.0.1:9000/lib.sh 2>"$work/err"
equal "then nobody gets there" $? 7
check "the kernel's after another" reloaded kernel kernel
check "so its server is reached" run curl -sSf -o /dev/null \
    http://127.0.0.1:9001/
check "tcpd's again" reloaded tcpd tcpd
check "and its own" run curl -sSf -o /dev/null http://127.0.0.1:9000/lib.sh
finish 200
