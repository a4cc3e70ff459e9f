#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Python's event loops: aiohttp on uvloop, tornado, gevent with requests, Twisted; 20 requests at once in each.
# packages: python3-uvloop python3-aiohttp python3-tornado python3-gevent python3-requests python3-twisted
. "$(dirname "$0")/lib.sh"
needs python3-uvloop=/usr/lib/python3/dist-packages/uvloop \
    python3-aiohttp=/usr/lib/python3/dist-packages/aiohttp \
    python3-tornado=/usr/lib/python3/dist-packages/tornado \
    python3-gevent=/usr/lib/python3/dist-packages/gevent \
    python3-requests=/usr/lib/python3/dist-packages/requests \
    python3-twisted=/usr/lib/python3/dist-packages/twisted

random_file big 2M

start()
{
	server 8000 "$python" "$programs/pyloops.py" serve "$loop" "$any" \
	    "$work/big"
}

work()
{
	does "$loop $1" client timeout 60 "$python" "$programs/pyloops.py" \
	    get "$loop" "$server" "$work/big"
}

up
for loop in uvloop tornado gevent twisted; do
	on run
	start && work "to tcpd"
	stop server
	on peer
	start && work "to the peer"
	stop server
done
loop=uvloop
on run
lives
stop server
finish 100
