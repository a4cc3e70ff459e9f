#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# An idle daemon uses no CPU: with a listener and an idle connection, over four
# seconds of the clock, no tick of utime or stime and no wake-up.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd

daemon_pids()
{
	local daemon
	daemon=$(cat "$labdir/tcpd.pid")
	echo "$daemon" $(pgrep -P "$daemon")
}

# Ticks of CPU and voluntary context switches of all daemon processes.
ticks()
{
	local pid
	for pid in $(daemon_pids); do
		sed 's/.*) //' "/proc/$pid/stat"
	done | awk '{ sum += $12 + $13 } END { print sum }'
}

switches()
{
	local pid
	for pid in $(daemon_pids); do
		cat "/proc/$pid/status"
	done | awk '/^voluntary_ctxt/ { sum += $2 } END { print sum }'
}

quiet()
{
	local before
	before=$(switches)
	wait_for 5 clock_past $(($(now_ms) + 1500))
	[ "$(switches)" = "$before" ]
}

up
# The peer's own chatter (router solicitations) is not the daemon's doing.
quiet_peer='echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
[ "$family" = 4 ] ||
    quiet_peer='echo 0 >/proc/sys/net/ipv6/conf/tcpd0/accept_ra'
peer sh -c "$quiet_peer"
serves run 9101 server "$python" "$e2e/ends.py" listen $any 9101
spawn client "$lab" peer "$python" "$e2e/ends.py" connect $tcpd 9101
check "an idle connection is there" wait_for 10 grep -q up "$work/client.log"
# tcpd confirms the neighbour that it used, once, some seconds later.
asked=stack.arp_requests
[ "$family" = 4 ] || asked=stack.solicitations
wait_for 10 eval '[ "$(stat_of $asked)" -ge 1 ]'
# A connection that is idle is folded up, once.
wait_for 15 eval '[ "$(stat_of tcp.resting)" -ge 1 ]'
check "it comes to rest" wait_for 30 quiet
ticks_before=$(ticks) switches_before=$(switches)
began=$(now_ms)
wait_for 10 clock_past $((began + 4000))
ticks_after=$(ticks) switches_after=$(switches)
note "$((switches_after - switches_before)) wake-ups in" \
    "$(($(now_ms) - began)) ms, $(wc -w <<<"$(daemon_pids)") processes"
equal "no tick of CPU" "$((ticks_after - ticks_before))" 0
check "at most one wake-up (an ARP request of the peer)" \
    test $((switches_after - switches_before)) -le 2
equal "the connection is still there" "$(cat "$work/client.log")" up
finish
