#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# memcached: 200 values of up to 500 KB over ten connections, four threads.
# packages: memcached python3
. "$(dirname "$0")/lib.sh"
needs memcached

start()
{
	server 11211 memcached -u nobody -l "$any" -p 11211 -U 0 -m 256 -t 4
}

work()
{
	does "values $1" client "$python" "$programs/memcached.py" "$server" \
	    11211 200
}

up
both_sides "$python" "$programs/memcached.py" $kernel 11211 1
finish 50
