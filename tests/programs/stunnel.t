#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# stunnel: both ends of a tunnel, a program behind it, ten connections at once.
# packages: stunnel4 openssl python3
. "$(dirname "$0")/lib.sh"
needs stunnel4 openssl python3=$python

certificate

start()
{
	cat >server.conf <<-END
	foreground = yes
	pid =
	[echo]
	accept = $any:7000
	cert = $work/cert.pem
	key = $work/key.pem
	exec = /bin/cat
	END
	cat >client.conf <<-END
	foreground = yes
	pid =
	client = yes
	[echo]
	accept = 127.0.0.1:7100
	connect = $server:7000
	CAfile = $work/cert.pem
	verifyChain = yes
	END
	server 7000 stunnel4 "$work/server.conf"
}

work()
{
	spawn tunnel "$lab" "$other" stunnel4 "$work/client.conf"
	does "the other end is there" wait_for 10 eval \
	    'peer_of_loopback ss -Htln "sport = :7100" | grep -q .'
	does "ten times 1 MB there and back $1" peer_of_loopback "$python" \
	    "$programs/echo.py" 127.0.0.1 7100 10
	stop tunnel
}

reload()
{
	kill -HUP "${pid_of[server]}"
}

# The tunnel's near end is on the kernel's loopback of the lab.
peer_of_loopback()
{
	if [ "$LAB_DEVICE" = kernel ]; then
		client "$@"
	else
		"$lab" inside "$@"
	fi
}

up
both_sides
finish 20
