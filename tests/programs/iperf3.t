#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# iperf3: 200 MB each way, in one and in eight streams, both directions at once.
# packages: iperf3
. "$(dirname "$0")/lib.sh"
needs iperf3 jq

start()
{
	server 5201 iperf3 -s -B "$any"
}

# The receiver counts until he is told of the end, which does not wait for what
# lies in the buffers of eight streams.
moved()
{
	wait_for 5 side_listens 5201
	client iperf3 -c "$server" -n 200M -J "$@" >iperf.json &&
	    jq -e '.error == null and .end.sum_sent.bytes >= 2e8 and
	    .end.sum_received.bytes >= 1e8' iperf.json
}

work()
{
	does "200 MB there $1" moved
	does "200 MB back" moved -R
	does "in eight streams" moved -P 8
	wait_for 5 side_listens 5201
	does "both ways at once" client iperf3 -c "$server" -t 1 --bidir -J
}

up
both_sides iperf3 -c "$kernel" -n 1M
finish 20
