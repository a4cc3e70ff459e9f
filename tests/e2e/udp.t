#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# UDP between programs under the shim and the kernel's side, both ways: all
# sizes, names, refusals, waiting, pieces of datagrams, what the socket can ask,
# children; real programs; the end of a program, and quotas.
families="4 6"
LAB_CONF='quota { connections = 60 }'
export LAB_CONF
. "$(dirname "$0")/lib.sh"
need "$python"

up
dgram=$e2e/udp.py

udp_listens()
{
	if [ "$1" = run ] && [ "$LAB_DEVICE" != kernel ]; then
		grep -q up "$work/$3.log"
	else
		"$lab" "$1" ss -Hlun "sport = :$2" | grep -q .
	fi
}

# answers SIDE PORT NAME CMD...: a server on a side.
answers()
{
	local side=$1 port=$2 name=$3
	shift 3
	spawn "$name" "$lab" "$side" "$@"
	wait_for 15 udp_listens "$side" "$port" "$name" ||
	    not_ok "$name on port $port"
}

answers peer 7000 there "$python" "$dgram" echo $kernel 7000
answers run 7001 here "$python" "$dgram" echo $tcpd 7001
for word in sizes names refused waits parts peeks asks many shares ports local; do
	equal "tcpd asks the kernel: $word" \
	    "$(SUBJECT=$tcpd run "$python" "$dgram" $word $kernel 7000 2>&1)" good
	equal "the kernel asks tcpd: $word" \
	    "$(SUBJECT=$kernel peer "$python" "$dgram" $word $tcpd 7001 2>&1)" good
done
equal "tcpd asks itself" \
    "$(SUBJECT=$tcpd run "$python" "$dgram" sizes $tcpd 7001 2>&1)" good

if command -v socat >/dev/null; then
	spawn server "$lab" run socat -u UDP$family-LISTEN:7002,bind=$tcpd_host \
	    OPEN:"$work/got",creat
	send_one()
	{
		echo socat | peer socat -u - UDP$family:$tcpd_host:7002 &&
		    grep -q socat "$work/got"
	}
	check "socat listens" wait_for 10 send_one
	stop server
	equal "socat asks" "$(echo hello |
	    run socat -t 3 - UDP$family:$kernel_host:7000)" hello
fi
if command -v nc >/dev/null; then
	spawn server "$lab" run nc -$family -u -l $tcpd 7003
	send_one()
	{
		echo netcat | peer nc -$family -u -w 1 $tcpd 7003
		grep -q netcat "$work/server.log"
	}
	check "nc -u -l hears" wait_for 15 send_one
	stop server
fi

if [ "$LAB_DEVICE" != kernel ]; then
	matches "ss -ul shows a server" "$(ctl ss -$family -ul)" \
	    '^UNCONN +0 +0 .*7001 +\*:\*'
	equal "and -u alone does not" "$(ctl ss -H -u)" ""
	equal "show datagrams" "$(ctl -j show datagrams | jq -r '.datagrams[] |
	    "\(.local_address) \(.local_port) \(.peer_port) \(.in == .out)"')" \
	    "$tcpd 7001 null true"
	stop here
	gone()
	{
		ctl -j show clients | jq -e '([.clients[].conns] | add // 0) == 0' &&
		    ctl -j show datagrams | jq -e '.datagrams == []'
	}
	check "nothing is left of them" wait_for 30 gone
	answers run 7001 victim "$python" "$dgram" echo $tcpd 7001
	kill -KILL "$(pgrep -f "$dgram echo $tcpd 7001" | tail -n 1)"
	wait "${pid_of[victim]}" 2>/dev/null
	answers run 7001 heir "$python" "$dgram" echo $tcpd 7001
	equal "kill -9, and its port is free" \
	    "$(SUBJECT=$kernel peer "$python" "$dgram" names $tcpd 7001 2>&1)" good
	matches "one more than the quota" "$(run "$python" -c '
import socket
kept = []
try:
    while True:
        kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
except OSError as e:
    print(len(kept), e.errno)')" '^59 24$'
	stop heir
	matches "all of it was tcpd's" "$(stat_of udp.in)" '^[0-9]{4,}$'
fi
stop there
finish
