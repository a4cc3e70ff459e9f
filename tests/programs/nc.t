#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# nc (netcat-openbsd): 50 MB each way, half-closed, scanning ports; it serves one connection after another.
# packages: netcat-openbsd
. "$(dirname "$0")/lib.sh"
needs netcat-openbsd=nc.openbsd

random_file big 50M

# nc may end before it has written what it read, when both sides
# send; so one at a time.
work()
{
	rm -f got back
	server 7000 sh -c 'exec nc.openbsd -'"$family"' -l 7000 >got' || return
	does "50 MB there $1" eval 'client nc.openbsd -N "$server" 7000 <big'
	finish_of 10 server
	same "equal" got big
	server 7000 sh -c 'exec nc.openbsd -N -'"$family"' -l 7000 <big' ||
		return
	does "50 MB back" eval 'client nc.openbsd -d "$server" 7000 >back'
	finish_of 10 server
	same "equal" back big
}

up
on run
work "at first"
work "again"
server 7000 nc.openbsd -"$family" -l -k 7000
does "the port is open" client nc.openbsd -z "$server" 7000
does "and again" client nc.openbsd -z "$server" 7000
does "another is not" not client nc.openbsd -z "$server" 7001
stop server
on peer
work "to the peer"
server 7000 nc.openbsd -"$family" -l -k 7000
quota_of_client nc.openbsd -z "$server" 7000
client_killed nc.openbsd "$server" 7000
finish 5
