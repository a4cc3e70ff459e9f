#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# kill -9 of one client and of 1,000 clients in mid-transfer, half of them
# sending and half receiving: soon (one: within a second) the daemon has no
# stream and no descriptor of theirs, and once the peers have what was written,
# no connection and no byte.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd

# Every process of the daemon; and their open descriptors, in all.
daemon_pids()
{
	local daemon
	daemon=$(cat "$labdir/tcpd.pid")
	echo "$daemon" $(pgrep -P "$daemon")
}

descriptors()
{
	local pid sum=0
	for pid in $(daemon_pids); do
		sum=$((sum + $(find "/proc/$pid/fd" -mindepth 1 | wc -l)))
	done
	echo "$sum"
}

# What the daemon holds for clients: all zero when nobody is there, but the
# buffers, which return to what an idle daemon has.
held()
{
	ctl show stats | awk -v base="${buffers_before:-0}" '
	$2 ~ /^tcp[.](conns|half_open|orphans)$/ ||
	$2 ~ /^engine[.](connections|unfinished_requests|client_bytes)$/ {
		printf "%s=%d ", $2, $1; sum += $1
	}
	$2 == "stack.buf_used" {
		printf "%s=%+d ", $2, $1 - base; if ($1 > base) sum += $1 - base
	}
	END { print "sum=" sum + 0 }'
}

clients_gone()
{
	[ "$(stat_of engine.connections)" = 0 ] &&
	    [ "$(descriptors)" -le "$descriptors_before" ]
}

nothing_held()
{
	grep -q 'sum=0$' <(held) &&
	    [ "$(descriptors)" -le "$descriptors_before" ]
}

# No process of this group of children runs any more (Z is dead).
all_dead()
{
	! ps -o stat=,comm= --ppid 1,"${pid_of[hold-$3]}" | grep -q '^[^Z].*load$'
}

# within LIMIT NAME CONDITION: in milliseconds
within()
{
	local began
	began=$(now_ms)
	wait_for 30 "$3"
	began=$(($(now_ms) - began))
	note "$2 after $began ms"
	if [ "$began" -le "$1" ]; then
		ok "$2 after $1 ms"
	else
		not_ok "$2 after $1 ms"
		note "held: $(held), $(($(descriptors) -
		    descriptors_before)) descriptors"
	fi
}

# killed COUNT
killed()
{
	local pids began line
	spawn "hold-$1" "$lab" run "$load" -p 9000 -c "$1" -s 4096 hold $kernel
	if ! wait_for "$ready_s" grep -q ready "$work/hold-$1.log"; then
		not_ok "$1 clients are in mid-transfer"
		sed 's/^/# /' "$work/hold-$1.log" | cut -c1-200 | head -n 20
		return
	fi
	line=$(cat "$work/hold-$1.log")
	pids=${line#ready }
	note "held by $1 clients: $(held)," \
	    "$(($(descriptors) - descriptors_before)) descriptors"
	check "$1 clients are in mid-transfer" \
	    test "$(stat_of engine.connections)" -ge "$1"
	# shellcheck disable=SC2086
	kill -KILL $pids "${pid_of[hold-$1]}"
	began=$(now_ms)
	wait_for 10 all_dead "${pids%% *}" "${pids##* }" "$1"
	note "all dead after $(($(now_ms) - began)) ms"
	within "$gone_ms" "kill -9 of $1 clients: no descriptor is left" \
	    clients_gone
	within "$owed_ms" "kill -9 of $1 clients: nothing is left" nothing_held
}

up
# What a thousand wrote is owed to their peers, 200 MB; an ACK that the device's
# full queue loses costs a time-out or two.  A daemon with sanitizers takes its
# time.
gone_ms=1000
owed_ms=1000
ready_s=40
if grep -q '^#define WITH_SANITIZERS' "$top_builddir/config.h"; then
	gone_ms=8000
	owed_ms=25000
	# Its device's queue is always full then, and a peer's first flight may
	# be lost five times.
	ready_s=150
fi
# AF_PACKET loses frames when 1,000 connections burst into it.
grep -q 'device=packet' "$labdir/state" && owed_ms=20000
serves peer 9000 load-kernel "$load" -p 9000 serve $any
# One client comes and goes first, so that what is made once is there.
check "a first client" run "$load" -p 9000 -c 1 -s 1000 many $kernel
wait_for 5 eval '[ "$(stat_of engine.connections)" = 0 ]'
buffers_before=$(stat_of stack.buf_used)
descriptors_before=$(descriptors)
note "before: $(held), $descriptors_before descriptors"
killed 1
[ "$gone_ms" -gt 10000 ] || gone_ms=10000
[ "$owed_ms" -gt 10000 ] || owed_ms=10000
killed 1000

serves run 9001 load-tcpd "$load" -p 9001 serve $any
kill -KILL "${pid_of[load-tcpd]}"
check "a killed server's listener is gone in 1 s" \
    wait_for 1 eval '! tcpd_listens 9001'
check "and its port can be bound again" \
    serves run 9001 load-again "$load" -p 9001 serve $any
finish
