#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# unbound, dig: names by UDP and by TCP, a long answer that is cut and asked again; dnsmasq behind it.
# packages: unbound dnsmasq-base bind9-dnsutils
# open: dnsmasq answers nothing by TCP in tcpd: it asks netlink, the kernel, whether the address is its own.
. "$(dirname "$0")/lib.sh"
needs unbound dnsmasq-base=dnsmasq bind9-dnsutils=dig

start()
{
	{
		cat <<-END
		server:
			interface: $any
			port: 5300
			do-daemonize: no
			username: ""
			chroot: ""
			directory: "$work"
			pidfile: "$work/unbound.pid"
			use-syslog: no
			num-threads: 2
			access-control: 0.0.0.0/0 allow
			access-control: ::/0 allow
			local-zone: "test." static
			local-data: "one.test. A 10.1.2.3"
		remote-control:
			control-enable: no
		END
	} >unbound.conf
	for i in $(seq 40); do
		echo "	local-data: 'long.test. TXT \"$(printf '%0200d' "$i")\"'"
	done | sed -i '/local-data: "one/r /dev/stdin' unbound.conf
	server 5300 unbound -c "$work/unbound.conf"
}

ask()
{
	client dig +short +tries=2 +time=5 -p "${asked:-5300}" "@$server" "$@"
}

work()
{
	local how
	for how in +notcp +tcp; do
		equal "$where: a name, $how, $1" \
		    "$(ask $how one.test A)" 10.1.2.3
	done
	equal "$where: 40 long records, cut and by TCP" \
	    "$(ask long.test TXT | wc -l)" 40
	equal "$where: 300 questions in one connection" \
	    "$(yes "one.test A" | head -n 300 |
	    client dig +short +tcp +keepopen -p 5300 "@$server" -f - |
	    grep -c 10.1.2.3)" 300
}

# dnsmasq on the other side asks it, and is asked on this one.  It drops what
# comes by TCP to an address that none of the kernel's interfaces has.
behind()
{
	local how hows="+notcp +tcp"
	spawn dnsmasq "$lab" "$other" dnsmasq -k -p 5301 -C /dev/null \
	    --no-resolv --no-hosts --user=root --server="$server#5300" \
	    --pid-file
	does "dnsmasq listens" wait_for 10 "$2" 5301
	[ "$other" = run ] || [ "$LAB_PEER" = tcpd ] && hows=+notcp
	for how in $hows; do
		equal "$where: through dnsmasq, $how" \
		    "$(here dig +short "$how" -p 5301 "@$1" one.test A)" 10.1.2.3
	done
	stop dnsmasq
}

up
on run
lives
behind $kernel kernel_listens
stop server
on peer
start && work "to the peer"
behind $tcpd tcpd_listens
stop server
finish 10
