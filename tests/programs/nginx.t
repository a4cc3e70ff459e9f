#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# nginx: 50 MiB and 200 small files, reloads and an upgrade of the binary under load.
# packages: nginx-light curl wrk
. "$(dirname "$0")/lib.sh"
needs nginx-light=nginx curl wrk

mkdir www
random_file www/big 50M
random_file www/small 4000

# Its upgrade wants it in the background and by its whole name.
conf()
{
	echo "env LD_PRELOAD; env TCPD_SOCKET; worker_shutdown_timeout 5s;"
	nginx_conf "$1" "
		sendfile on;
		server { listen $any_host:$1; root $work/www; }" |
	    sed 's/daemon off/daemon on/'
}

start()
{
	conf 8080 >nginx.conf
	server 8080 "$(command -v nginx)" -e stderr -p "$work" -c "$work/nginx.conf" &&
	    pid_of[server]=$(cat nginx.8080.pid)
}

work()
{
	does "50 MiB $1" client curl -sSf -o got "http://$server_host:8080/big"
	same "equal" got www/big
	rm -f small-*
	client curl -sSf -Z --parallel-max 50 \
	    "http://$server_host:8080/small?[1-200]" -o 'small-#1' 2>curl.err
	equal "$where: 200 small files, equal" \
	    "$(cat small-* | sum_of /dev/stdin)" \
	    "$(for i in $(seq 200); do cat www/small; done |
	    sum_of /dev/stdin)"
}

# Their generation: the workers of a configuration are its master's children.
workers()
{
	pgrep -P "$1" | sort | tr '\n' ' '
}

renewed()
{
	local now
	now=$(workers "$1")
	for pid in $2; do
		[[ " $now" != *" $pid "* ]] || return 1
	done
	[ "$(wc -w <<<"$now")" = 2 ]
}

reload()
{
	local master old
	master=$(cat nginx.8080.pid)
	old=$(workers "$master")
	kill -HUP "$master" && wait_for 10 renewed "$master" "$old"
}

# Reloads, and at last another binary, while wrk asks.
under_load()
{
	local i old new
	spawn wrk "$lab" "$other" wrk -t 2 -c 20 -d 6s -H 'Connection: close' \
	    "http://$server_host:8080/small"
	for i in 1 2 3; do
		does "reload $i under load" reload
	done
	old=$(cat nginx.8080.pid)
	does "the upgrade begins" kill -USR2 "$old"
	does "the new binary serves" wait_for 10 eval \
	    '[ -s nginx.8080.pid ] && [ "$(cat nginx.8080.pid)" != '"$old ]"
	new=$(cat nginx.8080.pid)
	kill -WINCH "$old"
	does "the old one's workers leave" wait_for 30 eval \
	    '[ "$(workers '"$old)\" = \"$new \" ]"
	does "and it quits" eval "kill -QUIT $old && wait_for 10 not kill -0 $old"
	finish_of 20 wrk
	matches "$where: wrk has done thousands of requests" \
	    "$(cat wrk.log)" '[0-9]{4,} requests in'
	equal "$where: none failed" "$(grep -E 'Socket errors|Non-2xx' wrk.log)" ''
	pid_of[server]=$new
	work "of the new binary"
}

up
on run
lives
under_load
stop server
on peer
start && work "to the peer" && quota_of_client \
    curl -sSf -o /dev/null "http://$server_host:8080/small"
stop server
finish 500
