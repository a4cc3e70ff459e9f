#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A strace of a transfer shows the calls that the program made, and no other:
# each way to send and to receive, blocking and with epoll, poll and select, on
# connections that were made and that were accepted.  What socket, connect,
# accept and close cost is bounded.
# Then curl and nginx with sendfile, beside themselves on the kernel's TCP.
. "$(dirname "$0")/lib.sh"
need strace curl nginx

up
serves peer 9000 peer "$python" "$e2e/bulk.py" peer $kernel 9000
check "each way to send and to receive, traced" \
    run sh -c 'strace -qq -s 64 -o "$1" "$2" "$3" ways 9000 "$4" >"$5"' - \
    "$work/trace" "$python" "$e2e/bulk.py" $kernel "$work/said"
check "strace saw the program's own calls" \
    "$python" "$e2e/bulk.py" check "$work/trace" "$work/said"
note "$(cat "$work/check.out")"

# traced SIDE NAME CMD...
traced()
{
	local trace=$work/$2.$1
	set -- "$1" "${@:3}"
	"$1" strace -f -qq -s 64 -o "$trace" "${@:2}"
}

# beside NAME: the trace of that on both sides.
beside()
{
	check "$1 makes the calls that it makes on the kernel's TCP" \
	    "$python" "$e2e/bulk.py" beside "$work/$1.run" "$work/$1.peer"
	note "$(cat "$work/check.out")"
}

mkdir "$work/www"
random_file "$work/www/big" 16M
for side in run peer; do
	nginx_conf 8080 "sendfile on;
	    server { listen $any_host:8080; root $work/www; }" >"$work/conf"
	address=$kernel_host
	[ $side = run ] && address=$tcpd_host
	serves $side 8080 nginx strace -f -qq -s 64 -o "$work/nginx.$side" \
	    nginx -e stderr -p "$work" -c "$work/conf"
	check "nginx, traced, answers" peer curl -sSf -o "$work/got" \
	    "http://$address:8080/big"
	check "equal" cmp "$work/www/big" "$work/got"
	if [ $side = peer ]; then
		for one in run peer; do
			check "curl, traced" traced $one curl curl -sSf \
			    -o "$work/got" "http://$address:8080/big"
		done
	fi
	kill "$(cat "$work/nginx.8080.pid")"
	finish_of 10 nginx
done
beside nginx
beside curl
finish 50
