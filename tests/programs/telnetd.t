#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# telnetd, telnet: a session on a terminal, behind inetd; 20,000 lines.
# packages: openbsd-inetd inetutils-telnetd inetutils-telnet
. "$(dirname "$0")/lib.sh"
needs openbsd-inetd=inetd inetutils-telnetd=/usr/sbin/telnetd \
    inetutils-telnet=telnet

cat >session <<'END'
#!/bin/sh
stty -echo -onlcr
echo ready
read -r line
echo "<$line>"
seq 20000
echo done
read -r line
END
chmod 755 session

start()
{
	echo "2323 stream tcp$family nowait root /usr/sbin/telnetd telnetd" \
	    "-E $work/session" >inetd.conf
	server 2323 inetd -i "$work/inetd.conf"
}

# What is said waits for what it answers.
session()
{
	: >said
	client sh -c '(timeout 20 sh -c "until grep -q ready said; do :; done"
	    echo hello
	    timeout 20 sh -c "until grep -q done said; do :; done"
	    echo bye) | timeout 40 telnet "$1" 2323 >said' - "$server" 2>/dev/null
	tr -d '\r\0' <said | grep -x '<hello>' &&
	    tr -d '\r\0' <said | grep -xE '[0-9]+' | cmp - <(seq 20000)
}

work()
{
	does "a session $1" session
}

up
both_sides
finish 5
