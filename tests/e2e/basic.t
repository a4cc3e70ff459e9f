#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The lab itself: it comes up, tcpd answers pings, programs under the shim are
# in tcpd and the others are not, two labs live side by side, and `lab down`
# leaves nothing behind.
families="4 6"
. "$(dirname "$0")/lib.sh"

up
check "status names the lab" grep -q "^$LAB: .* up" <("$lab" status)
"$lab" up >"$work/again" 2>&1
matches "a second up says why not" "$(cat "$work/again")" 'is up already'

if command -v ping >/dev/null; then
	check "ping" peer ping -$family -c 3 -i 0.2 -W 2 $tcpd
	check "ping with 1400 bytes" peer ping -$family -c 2 -i 0.2 -s 1400 -W 2 $tcpd
	check "ping, 500 in a row without a loss" \
	    grep -q ' 0% packet loss' <(peer ping -$family -q -c 500 -i 0.002 $tcpd)
else
	skip "ping" "no ping command"
fi

first=$LAB
export LAB=second.$$
check "a second lab beside it" "$lab" up
if command -v ping >/dev/null; then
	check "ping in the second" peer ping -$family -c 1 -W 2 $tcpd
fi
second_processes=$(pgrep -f "tcpd-lab.*/$LAB/" | tr '\n' ' ')
check "down of the second" "$lab" down
check "its files are gone" test ! -e "${labdir%/*}/$LAB"
gone=yes
for pid in $second_processes; do
	[ -d "/proc/$pid" ] && gone=no
done
equal "its processes are gone" "$gone" yes
LAB=$first
check "the first still answers" peer ip route get $tcpd

if [ "$LAB_DEVICE" != kernel ]; then
	for what in connections listeners datagrams clients stats drops neighbours \
	    addresses routes policy; do
		check "tcpctl show $what" ctl show "$what"
		check "tcpctl -j show $what is JSON" \
		    jq -e . <(ctl -j show "$what")
	done
	check "tcpctl ss" ctl ss
	equal "an order in JSON" "$(ctl -j log brief)" '{"ok":true}'
	equal "one that fails writes none" "$(ctl -j close 0 2>/dev/null)" ""
fi
finish
