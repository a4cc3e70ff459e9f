#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# tcpd with other TCPs: the kernel's with its options on and off, at MTUs from
# 576 to 65521, over a path that loses, doubles, delays and damages; another
# tcpd; lwIP.  Each transfer of tests/sim/haul goes both ways over one
# connection, the second half-closed, and every byte is verified by its
# position; each pair is tried with tcpd as the client and as the server.
#
#	make check-net		what could break each on its own
#	make check-interop	all combinations
#
. "$(dirname "$0")/lib.sh"
need_tcpd

haul=$top_builddir/tests/sim/haul
lwip=$top_builddir/tests/e2e/lwip
all=${INTEROP:-}
big=400000 small=60000
kernel6=2001:db8::1 tcpd6=2001:db8::2
controls=$(cat /proc/sys/net/ipv4/tcp_available_congestion_control)

# Each line: tcp_ecn tcp_timestamps tcp_sack tcp_window_scaling.
options()
{
	local ecn ts sack scale
	if [ -z "$all" ]; then
		printf '%s\n' '2 1 1 1' '1 1 1 1' '0 0 1 1' '1 1 0 1' '2 1 1 0' \
		    '1 0 0 0'
		return
	fi
	for ecn in 0 1 2; do for ts in 0 1; do for sack in 0 1; do
		for scale in 0 1; do
			echo $ecn $ts $sack $scale
		done
	done; done; done
}

set_options()
{
	peer sh -c "cd /proc/sys/net/ipv4 && echo $1 >tcp_ecn &&
	    echo $2 >tcp_timestamps && echo $3 >tcp_sack &&
	    echo $4 >tcp_window_scaling"
}

# The lab's route says cubic, and a route has the last word.
set_control()
{
	peer ip route change 192.0.2.0/24 dev "$link" src $kernel congctl "$1"
	[ -z "$six" ] || peer ip -6 route replace 2001:db8::/64 dev "$link" \
	    proto kernel metric 256 congctl "$1"
}

serve()
{
	link=tcpd0
	[ "$LAB_DEVICE" = packet ] && link=lab0
	serves run 9000 haul-tcpd "$haul" -l -k 9000
	serves peer 9001 haul-kernel "$haul" -l -k 9001
	six=
	grep -q 2001:db8::1 "$work/up.log" || return
	six=yes
	serves run 9002 haul-tcpd6 "$haul" -l -k -6 9002
	serves peer 9003 haul-kernel6 "$haul" -l -k -6 9003
}

# both BYTES: to the kernel's server and from its client.
both()
{
	timeout 60 "$lab" run "$haul" -b "$1" $kernel 9001 "$1" &&
	    timeout 60 "$lab" peer "$haul" -b "$1" $tcpd 9000 "$1" || return
	[ -n "$six" ] || return 0
	timeout 60 "$lab" run "$haul" -b "$1" $kernel6 9003 "$1" &&
	    timeout 60 "$lab" peer "$haul" -b "$1" $tcpd6 9002 "$1"
}

# with_kernel WHAT BYTES: all options and controls of the kernel.
with_kernel()
{
	local set control bad n=0
	while read -r set; do
		bad=
		# shellcheck disable=SC2086
		set_options $set
		for control in $controls; do
			set_control "$control"
			both "$2" >"$work/both" 2>&1 ||
			    bad="$bad $control: $(tail -n 1 "$work/both");"
			n=$((n + 1))
		done
		[ -z "$bad" ] || {
			not_ok "$1, ecn timestamps sack scale $set"
			note "$bad"
		}
	done < <(options)
	ok "$1: $n pairs of transfers${six:+, twice for IPv6,} with the kernel's $controls"
}

down_quietly()
{
	clean_log
	for name in "${!pid_of[@]}"; do
		kill "${pid_of[$name]}" 2>/dev/null
	done
	"$lab" down >"$work/down.log" 2>&1
}

mtus="576 1280 1500 9000 65521"
for mtu in $mtus; do
	export LAB_MTU=$mtu
	up
	serve
	with_kernel "MTU $mtu" $big
	down_quietly
done
unset LAB_MTU

# Under impairment the transfers run side by side: they mostly wait.
impaired()
{
	local control pids=() bad=0 pid
	for control in $controls; do
		set_control "$control"
		for i in 1 2 3; do
			both $small >"$work/rough.$control.$i" 2>&1 &
			pids+=($!)
		done
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || bad=1
	done
	[ $bad = 0 ] || note "$(cat "$work"/rough.*)"
	return $bad
}

if [ -x "$top_builddir/tests/sim/relay" ]; then
	export LAB_DEVICE=packet LAB_SIX=yes
	for direction in "" "-r "; do
		export LAB_RELAY="${direction}rough"
		up
		serve
		while read -r set; do
			# shellcheck disable=SC2086
			set_options $set
			if impaired; then
				ok "rough path ($LAB_RELAY), options $set"
			else
				not_ok "rough path ($LAB_RELAY), options $set"
			fi
			[ -n "$all" ] || break
		done < <(options)
		down_quietly
		note "$(cat "$work/down.log")"
	done
	unset LAB_RELAY LAB_SIX
	LAB_DEVICE=
else
	skip "rough path" "tests/sim/relay is not built"
fi

# others BYTES WHERE: two tcpds, then tcpd and lwIP, which has neither
# timestamps nor SACK.  The interface of both is in $link.
others()
{
	export LAB_PEER=tcpd
	up
	serves run 9000 haul-tcpd "$haul" -l -k 9000
	rm -f "$work/haul-peer.log" # of the last lab, with its "ready"
	spawn haul-peer "$lab" peer "$haul" -l -k 9001
	wait_for 15 grep -q ready "$work/haul-peer.log"
	check "tcpd to another tcpd, $2" timeout 60 "$lab" run "$haul" \
	    -b "$1" $kernel 9001 "$1"
	check "another tcpd to tcpd, $2" timeout 60 "$lab" peer "$haul" \
	    -b "$1" $tcpd 9000 "$1"
	if grep -q 2001:db8::1 "$work/up.log"; then
		serves run 9002 haul-tcpd6 "$haul" -l -k -6 9002
		check "another tcpd to tcpd, IPv6, $2" timeout 60 "$lab" peer \
		    "$haul" -b "$1" $tcpd6 9002 "$1"
	fi
	down_quietly

	if [ ! -x "$lwip" ]; then
		skip "lwIP, $2" "liblwip-dev was missing at configure"
		return
	fi
	export LAB_PEER=none LAB_OFFLOAD=no
	up
	serves run 9000 haul-tcpd "$haul" -l -k 9000
	check "lwIP to tcpd, $2" timeout 60 "$lab" peer "$lwip" "$link" \
	    $kernel -b "$1" $tcpd 9000 "$1"
	if grep -q 2001:db8::1 "$work/up.log"; then
		serves run 9002 haul-tcpd6 "$haul" -l -k -6 9002
		check "lwIP to tcpd, IPv6, $2" timeout 60 "$lab" peer "$lwip" \
		    "$link" $kernel6 -b "$1" $tcpd6 9002 "$1"
	fi
	rm -f "$work/haul-lwip.log"
	spawn haul-lwip "$lab" peer "$lwip" "$link" $kernel -l 9001
	wait_for 15 grep -q ready "$work/haul-lwip.log"
	check "tcpd to lwIP, $2" timeout 60 "$lab" run "$haul" \
	    -b "$1" $kernel 9001 "$1"
	down_quietly
	unset LAB_OFFLOAD LAB_PEER
}

link=tcpd0
others 3000000 "TAP"
export LAB_OFFLOAD=no
others 3000000 "TAP without offloads"
unset LAB_OFFLOAD
if [ -x "$top_builddir/tests/sim/relay" ]; then
	export LAB_DEVICE=packet LAB_RELAY=rough LAB_SIX=yes link=lab0
	others 200000 "rough path"
fi
echo "1..$count"
[ "$failures" = 0 ]
