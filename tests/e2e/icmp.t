#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# What a router says of a connect(): the program learns it at once, as with the
# kernel's TCP.
. "$(dirname "$0")/lib.sh"
need_tcpd
need python3 ip

LAB_CONF='route "198.51.100.0/24" { via = "192.0.2.1" }'
export LAB_CONF
up
peer sysctl -qw net.ipv4.ip_forward=1
peer ip route add unreachable 198.51.100.0/25
peer ip route add prohibit 198.51.100.128/25

# connects ADDRESS: the name of connect()'s errno
connects()
{
	run timeout -s KILL 20 python3 -c '
import errno, socket, sys
s = socket.socket()
r = s.connect_ex((sys.argv[1], 9))
print(errno.errorcode.get(r, r))' "$1"
}
equal "host unreachable" "$(connects 198.51.100.9)" EHOSTUNREACH
equal "prohibited" "$(connects 198.51.100.200)" EHOSTUNREACH
finish
