#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A router advertises: tcpd makes an address that stays the same from one start
# to the next, programs reach what is behind the router, and all of it goes when
# the router says so.  Duplicate address detection, and an address in use.
. "$(dirname "$0")/lib.sh"
need_tcpd
need "$python" curl jq
[ -e /proc/net/if_inet6 ] || skip_all "the kernel has no IPv6"

prefix=2001:db8:7:: router=2001:db8:7::1 behind=2001:db8:8::1
advertise()
{
	peer "$python" "$e2e/ra.py" tcpd0 "$@"
}

# The field of tcpd's address from the prefix.
made()
{
	ctl -j show addresses | jq -r --arg f "$1" '.addresses[] |
	    select(.origin == "slaac") | .[$f]'
}

has_default_route()
{
	ctl -j show routes |
	    jq -e '.routes[] | select(.destination == "::/0")'
}

link_local_ready()
{
	peer ip -6 address show dev tcpd0 scope link |
	    grep -v tentative | grep -q 'inet6 fe80'
}

# The lab with a router in its peer.
router_up()
{
	up
	# Else its neighbour advertisements say that it is none.
	peer sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	peer ip -6 address add $router/64 dev tcpd0 nodad
	peer ip -6 address add $behind/128 dev lo
	check "the router has its own address" wait_for 10 link_local_ready
	check "an advertisement" advertise 600 $prefix 1200 600
	check "an address is made and can be used" wait_for 10 eval \
	    '[ "$(made usable)" = true ]'
}

export LAB_DAD=1
router_up
first=$(made address)
matches "it is of the prefix" "$first" '^2001:db8:7:[0-9a-f:]*/64$'
matches "its time is the router's" "$(made valid_us)" '^1(19|20)[0-9]{7}$'
address=${first%/64}
check "there is a default route" has_default_route
matches "programs learn of it" "$(ctl why "[$behind]:80")" 'tcpd, because'
cd "$work" || exit 1
echo hello >file
serves peer 8000 web-kernel "$python" "$e2e/put.py" :: 8000
serves run 8001 web-tcpd "$python" "$e2e/put.py" :: 8001
check "a server beyond the router" \
    run curl -sSf --max-time 60 "http://[$behind]:8000/file"
link=$(peer ip -6 -o address show dev tcpd0 scope link |
    sed 's/.*inet6 \([^/]*\).*/\1/')
check "a server at the router's link-local address" \
    run curl -sSf --max-time 60 "http://[$link%25tcpd0]:8000/file"
link=$(ctl show addresses | sed -n 's/^\(fe80[^/]*\).*/\1/p')
check "a server at tcpd's link-local address" \
    peer curl -sSf --max-time 60 "http://[$link%25tcpd0]:8001/file"
check "a server at the address that was made" \
    peer curl -sSf --max-time 60 "http://[$address]:8001/file"
check "bind to it" run "$python" -c '
import socket, sys
s = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6)
sys.exit(s.getsockname()[0] != sys.argv[1])' "$address"

check "the prefix grows old" advertise 600 $prefix 1200 0
check "the address is deprecated" wait_for 30 eval \
    '[ "$(made state)" = deprecated ]'
check "the router goes" advertise 0
check "so does the default route" wait_for 30 eval '! has_default_route'
check "and programs learn of it" wait_for 30 eval \
    'ctl why "[$behind]:80" | grep -q "kernel, because"'
clean_log
check "down" "$lab" down

router_up
equal "the same address after another start" "$(made address)" "$first"
check "down" "$lab" down

# Somebody has the address that tcpd is told to have.
export LAB_DEVICE=packet
LAB_CONF='address = "2001:db8::1/64"' up
check "an address in use is not used" wait_for 10 eval \
    'ctl -j show addresses | jq -e ".addresses[] | select(
	.address == \"2001:db8::1/64\" and .state == \"duplicate\" and
	.usable == false)"'
check "the log says so" grep -q "2001:db8::1 is another station's" \
    "$labdir/log"
clean_log
echo "1..$count"
[ "$failures" = 0 ]
