#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# IPv4 address conflict detection (RFC 5227): an address is used after the link
# was asked for it, defended once, and given up when another station insists;
# one that somebody has already is never used.
. "$(dirname "$0")/lib.sh"
need_tcpd
need jq curl

export LAB_CONF='ipv4 { conflict_detection = true }'
# state_of ADDRESS/LENGTH
state_of()
{
	ctl -j show addresses | jq -r --arg a "$1" '.addresses[] |
	    select(.address == $a) | .state + " " + (.usable | tostring)'
}

up
equal "ready means that the address can be used" \
    "$(state_of 192.0.2.2/24)" "preferred true"
cd "$work" || exit 1
echo hello >file
serves run 8001 web-tcpd "$python" "$e2e/put.py" 0.0.0.0 8001
check "it is used" peer curl -sSf --max-time 10 http://$tcpd:8001/file
check "another station says that the address is its own" \
    peer "$python" "$e2e/claim.py" tcpd0 $tcpd
check "tcpd defends it" peer curl -sSf --max-time 10 http://$tcpd:8001/file
check "the other insists" peer "$python" "$e2e/claim.py" tcpd0 $tcpd
check "tcpd gives it up" wait_for 30 eval \
    '[ "$(state_of 192.0.2.2/24)" = "duplicate false" ]'
check "the log says so" wait_for 30 \
    grep -q "192.0.2.2 is another station's" "$labdir/log"
clean_log
check "down" "$lab" down

# The kernel's own address, on an interface where it answers for it.
LAB_DEVICE=packet LAB_ADDRESS=192.0.2.1/24 up
equal "an address that somebody has" "$(state_of 192.0.2.1/24)" \
    "duplicate false"
run "$python" -c 'import socket; socket.create_server(("192.0.2.1", 0))' \
    >refused 2>&1
matches "it cannot be bound" "$(cat refused)" "Cannot assign requested address"
clean_log
echo "1..$count"
[ "$failures" = 0 ]
