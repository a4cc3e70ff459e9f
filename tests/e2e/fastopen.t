#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# TCP Fast Open with the kernel as the peer, each way: cookies are asked for and
# kept, data goes with the SYN, and all of it arrives; what the calls return is
# what they return on the kernel's own sockets.
families="4 6"
. "$(dirname "$0")/lib.sh"
need "$python"

fast()
{
	"$python" "$e2e/fast.py" "$@"
}

up
peer sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen' ||
    skip_all "the kernel's Fast Open cannot be turned on"
run true
[ "$LAB_DEVICE" = kernel ] &&
    run sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen'

# ways SIDE ADDRESS PORT: from that side to a server on the other.
ways()
{
	local side=$1 to=$2 port=$3 how n
	equal "$side: the first asks for a cookie" \
	    "$($side "$python" "$e2e/fast.py" send $to $port 100 2>&1)" \
	    'theirs 0 ours 0'
	for how in send soon connect child; do
		for n in 1 500 100000; do
			equal "$side: $how, $n octets" \
			    "$($side "$python" "$e2e/fast.py" \
			    $how $to $port $n 2>&1)" 'theirs 1 ours 1'
		done
	done
}

serves peer 9001 kernel-server "$python" "$e2e/fast.py" serve $any 9001
serves run 9002 tcpd-server "$python" "$e2e/fast.py" serve $any 9002
ways run $kernel 9001
ways peer $tcpd 9002

want='100 100 EISCONN EISCONN ECONNREFUSED None out EISCONN ENOTCONN 100 EINVAL EINVAL'
equal "run: what the calls return" \
    "$(run "$python" "$e2e/fast.py" errnos $kernel 9001 2>&1)" "$want"
equal "peer: what they return in the kernel" \
    "$(peer "$python" "$e2e/fast.py" errnos $tcpd 9002 2>&1)" "$want"

check "run: closed as soon as it is written" \
    run "$python" "$e2e/fast.py" close $kernel 9001 1000

if [ "$LAB_DEVICE" != kernel ]; then
	for name in fastopen_active fastopen_passive fastopen_cookie_reqd; do
		check "tcpctl counts $name" test "$(stat_of tcp.$name)" -ge 1
	done
	equal "nothing went wrong" "$(stat_of tcp.fastopen_blackhole)" 0
	check "tcpctl -j stats has them" jq -e \
	    '.. | objects | select(has("fastopen_active"))' \
	    <(ctl -j show stats)
fi

# Programs that were never changed: curl here, nginx there, each way round.
conf()
{
	nginx_conf "$1" \
	    "server { listen $any_host:$1 fastopen=16; root $work/www; }"
}

# fetches SIDE HOST PORT: twice, the second time by a cookie.
fetches()
{
	local side=$1 host=$2 port=$3 i
	for i in 1 2; do
		check "$side: curl --tcp-fastopen from nginx, $i" \
		    "$side" curl -sSf --tcp-fastopen -o got.$port.$i \
		    http://$host:$port/file
		check "$side: equal, $i" cmp www/file got.$port.$i
	done
}

if ! curl --help all 2>/dev/null | grep -q tcp-fastopen ||
    ! command -v nginx >/dev/null; then
	skip "curl and nginx" "there is no nginx, or no curl with Fast Open"
	finish 10
	exit
fi
mkdir "$work/www"
random_file "$work/www/file" 300K
conf 8080 >"$work/tcpd.conf"
conf 8180 >"$work/kernel.conf"
serves run 8080 nginx-tcpd nginx -e stderr -p "$work" -c "$work/tcpd.conf"
serves peer 8180 nginx-kernel nginx -e stderr -p "$work" -c "$work/kernel.conf"
cd "$work" || exit 1
[ "$LAB_DEVICE" = kernel ] || before=$(stat_of tcp.fastopen_active)
[ "$LAB_DEVICE" = kernel ] || served=$(stat_of tcp.fastopen_passive)
fetches run $kernel_host 8180
fetches peer $tcpd_host 8080
if [ "$LAB_DEVICE" != kernel ]; then
	check "curl's request went with a SYN" \
	    test "$(stat_of tcp.fastopen_active)" -gt "$before"
	check "nginx got one with a SYN" \
	    test "$(stat_of tcp.fastopen_passive)" -gt "$served"
fi
finish 10
