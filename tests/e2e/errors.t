#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Bad arguments and bad configuration: a clear error that names the cause, a
# status that is not zero, and nothing else happens.
. "$(dirname "$0")/lib.sh"
need_tcpd

up
program()
{
	sed -n "s/^$1=//p" "$labdir/state"
}
tcpd_bin=$(program tcpd) tcpctl_bin=$(program tcpctl)
run_bin=$(program tcpd_run)

# refuses NAME REGEX CMD...: fails with a message that matches.
refuses()
{
	local name=$1 regex=$2 status
	shift 2
	timeout -s KILL 10 "$@" >"$work/out" 2>&1 </dev/null
	status=$?
	if [ "$status" = 0 ] || [ "$status" -ge 128 ]; then
		not_ok "$name: refused"
		note "status $status: $*"
		return
	fi
	matches "$name" "$(cat "$work/out")" "$regex"
}

# bad NAME REGEX LINES: tcpd -n on the lab's file with these lines more.
bad()
{
	{ cat "$labdir/tcpd.conf"; printf '%s\n' "$3"; } >"$work/bad.conf"
	refuses "$1" "$2" "$tcpd_bin" -n -f "$work/bad.conf"
}

check "tcpd -n passes a good file" "$tcpd_bin" -n -f "$labdir/tcpd.conf"
last=$(($(wc -l <"$labdir/tcpd.conf") + 1))
bad "an unknown key" "bad.conf:$last.*colour" 'colour = "blue"'
bad "a string for a number" "bad.conf:$last" 'quota { connections = "many" }'
bad "a negative quota" "connections" 'quota { connections = -1 }'
bad "an unclosed section" "bad.conf" 'quota { connections = 1'
bad "an address that is none" "300.1.1.1" 'route "300.1.1.1/8" { via = "192.0.2.1" }'
bad "a route without a gateway on the link" "10.9.9.9" \
    'route "10.0.0.0/8" { via = "10.9.9.9" }'
bad "a policy's unknown action" "perhaps" \
    'policy { connect "10.0.0.0/8" { action = "perhaps" } }'
bad "a congestion control that is none" "warp" 'tcp { congestion = "warp" }'
bad "an unknown user in a quota" "no_such_user" \
    'quota_user "no_such_user" { connections = 1 }'
refuses "no file" "No such file" "$tcpd_bin" -n -f "$work/none.conf"
: >"$work/empty.conf"
refuses "an empty file" "empty.conf|device|address" \
    "$tcpd_bin" -n -f "$work/empty.conf"
head -c 4096 /dev/urandom >"$work/noise.conf"
refuses "noise" "noise.conf" "$tcpd_bin" -n -f "$work/noise.conf"
refuses "tcpd: an unknown option" "usage|invalid" "$tcpd_bin" -Z
refuses "tcpd: a stray argument" "usage|argument" "$tcpd_bin" -n stray
refuses "a second daemon on the same files" "." \
    "$lab" peer "$tcpd_bin" -d -f "$labdir/tcpd.conf"
check "the first still answers" ctl show stats

refuses "tcpctl: an unknown word" "usage|unknown|colours" \
    "$tcpctl_bin" show colours
refuses "tcpctl: nothing to show" "usage|show" "$tcpctl_bin" show
refuses "tcpctl: no daemon there" "$work/no.sock" \
    "$tcpctl_bin" -s "$work/no.sock" show stats
refuses "tcpctl close: not a number" "close|number|ID|id" \
    "$lab" ctl close seven
refuses "tcpctl close: nobody's number" "." "$lab" ctl close 123456789
refuses "tcpd-run: no program" "usage" "$run_bin"
refuses "tcpd-run: a program that is not there" "no-such-program" \
    "$run_bin" --socket "$labdir/tcpd.sock" no-such-program
refuses "tcpd-run: an unknown option" "usage|option" "$run_bin" --colour true
refuses "tcpd-run: the control socket" "is it the control socket" \
    "$run_bin" --socket "$labdir/control.sock" true
refuses "tcpd-run --check: a name" "not looked up" \
    "$run_bin" --socket "$labdir/tcpd.sock" --check www.example:80
matches "tcpd-run --check --sandbox: are there names" \
    "$(run --check --sandbox true)" "names: .*no resolver"
equal "a relative socket is still found elsewhere" "$(cd "$labdir" &&
    "$run_bin" -s tcpd.sock sh -c 'cd / && echo "$TCPD_SOCKET"')" \
    "$labdir/tcpd.sock"
check "tcpd-run --trap under another one" \
    run env ASAN_OPTIONS=verify_asan_link_order=0 timeout 60 \
    "$run_bin" --trap true
run sh -c 'exit 7'
equal "tcpd-run passes the program's status on" $? 7
finish
