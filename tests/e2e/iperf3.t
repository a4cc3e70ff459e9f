#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# iperf3 in both roles and both directions.
families="4 6"
. "$(dirname "$0")/lib.sh"
need iperf3 jq

seconds=2
[ "$family" = 4 ] || seconds=1
up
cd "$work" || exit 1
# measured NAME SIDE HOST ARGS...
measured()
{
	local name=$1 side=$2 host=$3
	shift 3
	if check "iperf3: $name" eval \
	    'timeout 60 "$lab" "$side" iperf3 -$family -J -c "$host" -t "$seconds" "$@" >i.json'
	then
		note "$(jq -r '.end.sum_received.bits_per_second / 1e6 |
		    floor | tostring + " Mbit/s"' i.json)"
		check "bytes arrived" jq -e '.end.sum_received.bytes > 100000' \
		    i.json
	else
		note "$(tail -n 5 i.json)"
	fi
}
serves peer 5201 iperf3-kernel iperf3 -$family -s
measured "tcpd sends" run $kernel
measured "tcpd receives" run $kernel -R
measured "tcpd sends, 4 streams" run $kernel -P 4
measured "both directions at once" run $kernel --bidir
serves run 5201 iperf3-tcpd iperf3 -$family -s
measured "server in tcpd receives" peer $tcpd
measured "server in tcpd sends" peer $tcpd -R
measured "server in tcpd receives, 4 streams" peer $tcpd -P 4
finish 12
