#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# ncat: a program for each connection, also by TLS; 20 MB each way.
# packages: ncat openssl python3
. "$(dirname "$0")/lib.sh"
needs ncat openssl python3=$python

random_file big 20M
certificate

# Ncat counts its children, and aborts when one has ended before it has gone on
# from the fork, as happens on a busy machine: this one outlives its connection.
start()
{
	server 7000 ncat -"$family" -l -k \
	    -c 'cat; exec <&- >&- 2>&-; exec sleep 1' "$any" 7000
}

work()
{
	# It writes and reads in turn, and would wait for itself with more.
	does "ten connections there and back $1" client "$python" \
	    "$programs/echo.py" "$server" 7000 10 20000
}

up
both_sides ncat -z "$kernel" 7000

# By TLS only back: at the end of a file ncat closes with tickets unread, a reset.
there()
{
	rm -f got
	server 7001 sh -c 'exec ncat --recv-only "$@" >got' - -"$family" \
	    -l "$any" 7001
	does "20 MB there" eval 'client ncat --send-only "$server" 7001 <big'
	finish_of 10 server
	same "equal" got big
}

# back [--ssl]
back()
{
	rm -f back
	server 7001 sh -c 'exec ncat --send-only "$@" <big' - -"$family" \
	    -l "$any" 7001 ${1:+--ssl --ssl-cert cert.pem --ssl-key key.pem}
	does "20 MB back ${1:-}" eval \
	    'client ncat --recv-only '"${1:-}"' "$server" 7001 >back'
	finish_of 10 server
	same "equal" back big
}
for s in run peer; do
	on $s
	there
	back
	back --ssl
done
finish 20
