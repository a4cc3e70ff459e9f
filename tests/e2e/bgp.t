#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# BGP as its users have it: BIRD under tcpd-run and BIRD on the kernel, a
# session with a password between them, begun by either side, and routes that
# come across; none with another password.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
need bird birdc

# conf NAME ASN OWN PEER PEER-ASN PASSWORD PASSIVE: its own routes are of its
# own number.
conf()
{
	local table=ipv4 route=10.$(($2 - 64512)).0.0/16
	[ "$family" = 4 ] || table=ipv6 route=fd00:${2%?}:${2#????}::/48
	cat >"$work/$1.conf" <<-END
	router id 10.255.0.$(($2 - 64512));
	protocol device {}
	protocol static {
		$table;
		route $route blackhole;
	}
	protocol bgp peer {
		local $3 as $2;
		neighbor $4 as $5;
		multihop;
		passive $7;
		connect delay time 1;
		connect retry time 2;
		error wait time 1, 2;
		password "$6";
		$table { import all; export all; };
	}
	END
}

# speaks SIDE NAME
speaks()
{
	rm -f "$work/$2.ctl"
	spawn "$2" "$lab" "$1" bird -f -c "$work/$2.conf" -s "$work/$2.ctl" \
	    -P "$work/$2.pid"
}

birdc_of()
{
	birdc -r -s "$work/$1.ctl" "${@:2}"
}

established()
{
	birdc_of "$1" show protocols peer | grep -q Established
}

has_route()
{
	birdc_of "$1" show route | grep -q "$2"
}

silence_both()
{
	stop ours
	stop theirs
}

# session WHAT OURS-PASSIVE THEIRS-PASSIVE
session()
{
	conf ours 64513 "$tcpd" "$kernel" 64514 secret "$2"
	conf theirs 64514 "$kernel" "$tcpd" 64513 secret "$3"
	speaks run ours
	speaks peer theirs
	check "$1: the session is up" wait_for 30 established ours ||
	    note "$(tail -n 5 "$work/ours.log" "$work/theirs.log")"
	if [ "$family" = 4 ]; then
		check "$1: a route from the kernel" wait_for 10 has_route ours \
		    10.2.0.0/16
		check "$1: a route to it" wait_for 10 has_route theirs \
		    10.1.0.0/16
	else
		check "$1: a route from the kernel" wait_for 10 has_route ours \
		    fd00:6451:4::
		check "$1: a route to it" wait_for 10 has_route theirs \
		    fd00:6451:3::
	fi
	matches "$1: signed" "$(ctl -j ss)" '"md5": *true'
	silence_both
}

up
session "tcpd begins" off on
session "the kernel begins" on off
conf ours 64513 "$tcpd" "$kernel" 64514 secret off
conf theirs 64514 "$kernel" "$tcpd" 64513 another off
speaks run ours
speaks peer theirs
# Either side has tried by the time that tcpd has dropped something.
check "another password: what comes is dropped" wait_for 20 eval \
    'ctl show drops | grep -q "wrong MD5"'
check "and there is no session" test "$(birdc_of ours show protocols peer |
    grep -c Established)" = 0
silence_both
finish 2
