#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# socat: a process for each connection (fork), a program on it (exec), half-closed connections, urgent data in line.
# packages: socat python3
. "$(dirname "$0")/lib.sh"
needs socat python3=$python

random_file big 20M

start()
{
	server 7000 socat "TCP$family-LISTEN:7000,reuseaddr,fork,oobinline" \
	    EXEC:cat
}

many()
{
	local i pids=
	for i in $(seq 10); do
		client socat -t 20 - "TCP$family:$server_host:7000" \
		    <big >"got.$i" &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	for i in $(seq 10); do
		cmp big "got.$i" || return 1
	done
}

work()
{
	does "20 MB there and back in ten connections $1" many
	equal "$where: an urgent byte in its place" \
	    "$(client "$python" "$programs/oob.py" "$server" 7000)" \
	    "before!after"
}

up
both_sides socat -u OPEN:/dev/null "TCP$family:$kernel_host:7000"

start()
{
	server 7001 socat "TCP$family-LISTEN:7001,reuseaddr,fork" \
	    'SYSTEM:sha256sum,nofork'
}

work()
{
	equal "$where: a shell on the connection $1" \
	    "$(client socat -t 20 - "TCP$family:$server_host:7001,shut-down" \
	    <big | cut -d' ' -f1)" "$(sum_of big)"
}
both_sides
finish 50
