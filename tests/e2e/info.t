#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# TCP_INFO after the same transfer between two kernels, and with tcpd at one
# end, as the client and as the server: what the kernel fills in is filled in,
# and what can be equal is.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
need "$python"
info=$e2e/info.py

# transfers NAME: each way; the fields of both ends.
transfers()
{
	serves run 9000 serve-run "$python" "$info" serve $any 9000
	serves peer 9001 serve-peer "$python" "$info" serve $any 9001
	timeout 30 "$lab" run "$python" "$info" ask $kernel 9001 \
	    >"$work/$1.run" 2>"$work/$1.err" || note "$(cat "$work/$1.err")"
	timeout 30 "$lab" peer "$python" "$info" ask $tcpd 9000 \
	    >"$work/$1.peer" 2>"$work/$1.err" || note "$(cat "$work/$1.err")"
	run "$python" "$info" lengths $kernel 9001 >"$work/$1.lengths" 2>&1
	kill "${pid_of[serve-run]}" "${pid_of[serve-peer]}"
}

export LAB_DEVICE=kernel
up
peer sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_ecn'
run sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_ecn'
transfers kernel
"$lab" down >/dev/null 2>&1
export LAB_DEVICE=
up
peer sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_ecn'
transfers tcpd
for side in run peer; do
	check "$side: there is something to compare with" \
	    grep -q 'client bytes_acked 300002' "$work/kernel.$side"
	equal "$side: the fields of both ends are as the kernel's" \
	    "$("$python" "$info" compare "$work/kernel.$side" \
	    "$work/tcpd.$side" 2>&1)" ''
done
equal "buffers of all lengths" "$(cat "$work/tcpd.lengths")" \
    "$(cat "$work/kernel.lengths")"
finish 2
