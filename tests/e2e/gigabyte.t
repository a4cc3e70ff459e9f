#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# 1 GiB in each direction with equal checksums, client and server in tcpd.
families="4 6"
. "$(dirname "$0")/lib.sh"
need socat

# Both families on one machine in one go: the second is shorter.
size=1G
[ "$family" = 4 ] || size=256M
size=${E2E_GIGABYTE:-$size}
random_file "$work/in" "$size"
want=$(sum_of "$work/in")
up
cd "$work" || exit 1
# carry NAME RECEIVER-SIDE SENDER-SIDE HOST: the receiver listens.
carry()
{
	local began sum
	serves "$2" 7100 "sum-$2" sh -c \
	    "socat -u -b 262144 TCP$family-LISTEN:7100,reuseaddr - | sha256sum"
	began=$(now_ms)
	check "$1: sent" timeout 120 "$lab" "$3" \
	    socat -u -b 262144 OPEN:in "TCP:$4:7100"
	finish_of 60 "sum-$2"
	sum=$(cut -d' ' -f1 "sum-$2.log")
	note "$(($(wc -c <in) / 1048 / ($(now_ms) - began))) MB/s with checksums"
	equal "$1: equal checksums" "$sum" "$want"
}
carry "client in tcpd sends $size" peer run $kernel_host
carry "server in tcpd receives $size" run peer $tcpd_host

# fetch NAME SENDER-SIDE RECEIVER-SIDE HOST: the sender listens.
fetch()
{
	serves "$2" 7200 "send-$2" \
	    socat -u -b 262144 OPEN:in TCP$family-LISTEN:7200,reuseaddr
	equal "$1: equal checksums" "$(timeout 120 "$lab" "$3" \
	    socat -u -b 262144 "TCP:$4:7200" - | sum_of /dev/stdin)" "$want"
	finish_of 10 "send-$2"
	equal "$1: the sender ends well" $? 0
}
fetch "client in tcpd receives $size" peer run $kernel_host
fetch "server in tcpd sends $size" run peer $tcpd_host
finish 4
