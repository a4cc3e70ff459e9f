#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The other ways to a peer: a TAP without offloads, AF_PACKET on a veth with
# and without them, AF_XDP on one, and links of 576 (IPv6: 1,280) and
# 9,000 bytes.  64 MiB each way by curl.
families="4 6"
. "$(dirname "$0")/lib.sh"
need curl

mkdir "$work/www"
random_file "$work/www/file" "${E2E_PLAIN:-64M}"

# both_ways NAME: on a lab that the environment describes
both_ways()
{
	up
	cd "$work/www" || exit 1
	serves peer 8000 "web-kernel-$1" "$python" "$e2e/put.py" $any 8000
	serves run 8001 "web-tcpd-$1" "$python" "$e2e/put.py" $any 8001
	cd "$work" || exit 1
	check "$1: tcpd fetches" run curl -sSf -o got1 http://$kernel_host:8000/file
	check "$1: equal" cmp www/file got1
	check "$1: tcpd uploads" run curl -sSf -T www/file \
	    http://$kernel_host:8000/up1
	check "$1: equal" cmp www/file www/up1
	check "$1: tcpd serves" peer curl -sSf -o got2 http://$tcpd_host:8001/file
	check "$1: equal" cmp www/file got2
	check "$1: tcpd takes an upload" peer curl -sSf -T www/file \
	    http://$tcpd_host:8001/up2
	check "$1: equal" cmp www/file www/up2
	rm -f got1 got2 www/up1 www/up2
	carried 4
	clean_log
	check "$1: down" "$lab" down
}

LAB_OFFLOAD=no both_ways "tap without offloads"
least=576
[ "$family" = 4 ] || least=1280
LAB_MTU=$least both_ways "tap, mtu $least"
LAB_MTU=9000 both_ways "tap, mtu 9000"
LAB_DEVICE=${E2E_DEVICE:-packet} both_ways "packet"
LAB_DEVICE=${E2E_DEVICE:-packet} LAB_OFFLOAD=no \
    both_ways "packet without offloads"
if [ "$UID" = 0 ]; then
	LAB_DEVICE=${E2E_DEVICE:-xdp} both_ways "xdp"
else
	skip "xdp" "loading an XDP program takes root"
fi
echo "1..$count"
[ "$failures" = 0 ]
