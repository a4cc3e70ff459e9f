#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# An IPv4 address from a server (dnsmasq): the lease, its route, programs over
# it, both ways.
. "$(dirname "$0")/lib.sh"
need_tcpd
need dnsmasq curl jq

export LAB_ADDRESS=dhcp
# leased FIELD: of the address that the server gave.
leased()
{
	ctl -j show addresses | jq -r --arg f "$1" '.addresses[] |
	    select(.origin == "dhcp") | .[$f]'
}

up
equal "ready without an address of the server's" "$(leased address)" ""
spawn dnsmasq "$lab" peer dnsmasq --no-daemon --conf-file=/dev/null --port=0 \
    --user= --interface=tcpd0 --bind-interfaces --no-ping --dhcp-authoritative \
    --dhcp-range=192.0.2.50,192.0.2.60,10m --dhcp-option=3,192.0.2.1 \
    --dhcp-leasefile="$work/leases" --pid-file="$work/dnsmasq.pid"
if ! wait_for 45 eval '[ "$(leased usable)" = true ]'; then
	not_ok "an address that can be used"
	note "$(ctl show addresses)"
	note "$(cat "$work/dnsmasq.log")"
	finish
	exit
fi
ok "an address that can be used"
address=$(leased address)
matches "it is of the server's range" "$address" '^192\.0\.2\.(5[0-9]|60)/24$'
address=${address%/*}
matches "the server knows" "$(cat "$work/leases")" " ${address//./\\.} "
matches "its time is the lease's" "$(leased valid_us)" '^(600|5[89][0-9])'
check "the route is the server's" eval 'ctl -j show routes |
    jq -e ".routes[] | select(.destination == \"0.0.0.0/0\" and
	.gateway == \"192.0.2.1\" and .origin == \"dhcp\")"'
peer ip address add 198.51.100.1/32 dev lo
matches "programs learn of it" "$(ctl why 198.51.100.1:80)" 'tcpd, because'
cd "$work" || exit 1
random_file file 1M
serves peer 8000 web-kernel "$python" "$e2e/put.py" 0.0.0.0 8000
serves run 8001 web-tcpd "$python" "$e2e/put.py" "$address" 8001
check "a server beyond the router" \
    run curl -sSf --max-time 20 -o got http://198.51.100.1:8000/file
check "equal" cmp file got
check "a server at the address" \
    peer curl -sSf --max-time 20 -o got http://$address:8001/file
check "equal" cmp file got
finish 2
