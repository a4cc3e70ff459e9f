#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A VLAN of the TAP: what has its tag is answered with it, what has another or
# none is not for us.  Where the kernel has VLAN interfaces, transfers over one,
# with large segments and checksums left to the other side.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
need curl

export LAB_VLAN=5
up
if [ "$family" = 4 ]; then
	for vlan in 5 6 0; do
		want=silence
		[ $vlan != 5 ] || want=5
		equal "asked in VLAN $vlan" "$(peer "$python" \
		    "$e2e/tagged.py" tcpd0 $vlan $tcpd 5 2>&1)" "$want"
	done
	check "what was not for us is counted" \
	    test "$(ctl -j show drops | jq '.drops["eth.vlan"]')" -ge 1
fi
if ! peer ip link add link tcpd0 name tcpd0.5 type vlan id 5 2>/dev/null; then
	skip "transfers" "the kernel has no VLAN interfaces"
	finish
	exit
fi
plen=24
[ "$family" = 4 ] || plen="64 nodad"
# shellcheck disable=SC2086
peer ip address add $kernel/$plen dev tcpd0.5
peer ip link set tcpd0.5 txqueuelen 10000 up
cd "$work" || exit 1
random_file file 32M
serves peer 8000 web-kernel "$python" "$e2e/put.py" $any 8000
serves run 8001 web-tcpd "$python" "$e2e/put.py" $any 8001
check "tcpd fetches" run curl -sSf -o got http://$kernel_host:8000/file
check "equal" cmp file got
check "tcpd serves" peer curl -sSf -o got http://$tcpd_host:8001/file
check "equal" cmp file got
check "tcpd takes an upload" \
    peer curl -sSf -T file http://$tcpd_host:8001/up
check "equal" cmp file up
finish 3
