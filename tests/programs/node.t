#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# node: HTTP by a cluster of three processes, and HTTP/2 with 50 streams in one connection.
# packages: nodejs curl
. "$(dirname "$0")/lib.sh"
needs nodejs=node curl

random_file big 5M

start()
{
	server 8000 node "$programs/web.js" serve "$any" 8000 "$work/big" &&
	    wait_for 10 side_listens 8001
}

work()
{
	does "50 requests $1" client node "$programs/web.js" get "$server" \
	    8000 "$work/big"
	does "HTTP/2" client node "$programs/web.js" get2 "$server" 8001 \
	    "$work/big"
	does "curl" client curl -sSf -o got "http://$server_host:8000/"
	same "equal" got big
}

up
both_sides node "$programs/web.js" get "$kernel" 8000 "$work/big"
finish 50
