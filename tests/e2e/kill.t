#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# kill -9 of one client and of 1,000 clients in mid-transfer, half of them
# sending and half receiving: soon (one: within a second) the daemon has no
# connection, no descriptor and no byte of theirs.
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

# Starts COUNT clients; false if some of them get no turn.  A thousand at full
# speed fill the device's queue, where a SYN-ACK can be lost time and again.
hold()
{
	spawn "hold-$1" "$lab" run "$load" -p 9000 -c "$1" -s 4096 hold $kernel
	wait_for 40 grep -q ready "$work/hold-$1.log" && return
	pkill -KILL -P "${pid_of[hold-$1]}"
	kill -KILL "${pid_of[hold-$1]}"
	note "of $1 clients some got no turn in 40 s: $(held)"
	wait_for 40 nothing_held
	return 1
}

# killed COUNT LIMIT: in milliseconds
killed()
{
	local pids began line
	if ! hold "$1" && ! hold "$1" && ! hold "$1"; then
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
	began=$(now_ms)
	wait_for 30 nothing_held
	note "nothing held after $(($(now_ms) - began)) ms"
	if [ $(($(now_ms) - began)) -le "$2" ] && nothing_held; then
		ok "kill -9 of $1 clients leaves nothing after $2 ms"
	else
		not_ok "kill -9 of $1 clients leaves nothing after $2 ms"
		note "held: $(held), $(($(descriptors) -
		    descriptors_before)) descriptors"
	fi
}

up
# AF_PACKET loses frames when 1,000 connections burst into it, and what an
# orphan owes its peer is then sent again after a time-out.
# A daemon with sanitizers takes its time.
limit_ms=1000
grep -q '^#define WITH_SANITIZERS' "$top_builddir/config.h" && limit_ms=8000
grep -q 'device=packet' "$labdir/state" && limit_ms=20000
serves peer 9000 load-kernel "$load" -p 9000 serve $any
# One client comes and goes first, so that what is made once is there.
check "a first client" run "$load" -p 9000 -c 1 -s 1000 many $kernel
wait_for 5 eval '[ "$(stat_of engine.connections)" = 0 ]'
buffers_before=$(stat_of stack.buf_used)
descriptors_before=$(descriptors)
note "before: $(held), $descriptors_before descriptors"
killed 1 "$limit_ms"
# What a thousand wrote is owed to their peer; an ACK that the full queue loses
# costs a time-out or two.
killed 1000 $((limit_ms > 10000 ? limit_ms : 10000))

serves run 9001 load-tcpd "$load" -p 9001 serve $any
kill -KILL "${pid_of[load-tcpd]}"
check "a killed server's listener is gone in 1 s" \
    wait_for 1 eval '! tcpd_listens 9001'
check "and its port can be bound again" \
    serves run 9001 load-again "$load" -p 9001 serve $any
finish
