#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# nginx, reloaded every 2 s under wrk: fails no request that the kernel does not.
# packages: nginx-light wrk
#
# RELOAD_SECONDS=600 for as long; 20 otherwise.  The kernel's turn is first, on
# the lab's loopback, then tcpd's.  One wrk has a connection for each request.
# The other keeps its connections, and asks every 5 ms on each: a worker that
# leaves closes those that wait for a request, which wrk counts ("read").
. "$(dirname "$0")/lib.sh"
needs nginx-light=nginx wrk
seconds=${RELOAD_SECONDS:-20}

mkdir www
random_file www/small 4000
echo 'function delay() return 5 end' >delay.lua

start()
{
	nginx_conf "$1" "
		server { listen $2:$1 backlog=4096; root $work/www; }" |
	    sed '1i worker_shutdown_timeout 5s;' >"nginx.$1.conf"
	spawn "nginx.$1" "${@:3}" nginx -e stderr -p "$work" \
	    -c "$work/nginx.$1.conf"
	wait_for 10 test -s "nginx.$1.pid"
}

daemons()
{
	local parent
	parent=$(cat "$labdir/tcpd.pid")
	echo "$parent" $(pgrep -P "$parent")
}

rss()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# A line of the table: the time, connections, and KiB and descriptors of each
# process of tcpd.
sample()
{
	local pid
	printf '%5d s %6d' $((($(now_ms) - began) / 1000)) \
	    "$(stat_of engine.connections)"
	for pid in $(daemons); do
		printf ' %8d %6d' "$(rss "$pid")" \
		    "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
	done
	echo
}

# under_load NAME PORT URL CMD...: reloads by the clock; each wrk's words go to
# NAME.keep.log and NAME.close.log.
under_load()
{
	local name=$1 master reloads=0 next
	master=$(cat "nginx.$2.pid")
	spawn "$name.keep" "${@:4}" wrk -t 1 -c 20 -d "$((seconds + 1))s" \
	    -s "$work/delay.lua" "$3"
	spawn "$name.close" "${@:4}" wrk -t 1 -c 20 -d "$((seconds + 1))s" \
	    -H 'Connection: close' "$3"
	began=$(now_ms)
	next=$began
	while [ "$((next - began))" -lt $((seconds * 1000)) ]; do
		next=$((next + 2000))
		wait_for 3 clock_past "$next"
		kill -HUP "$master" && reloads=$((reloads + 1))
		[ "$name" = kernel ] || sample >>table
	done
	equal "$name: reloaded every 2 s" "$reloads" $((seconds / 2))
	check "$name: wrk ends" finish_of 30 "$name.keep"
	check "$name: the other wrk, too" finish_of 30 "$name.close"
	sed -n "s/^ *\([0-9]* requests in.*\|Socket errors.*\|Non-2xx.*\)/# $name: \1/p" \
	    "$name.keep.log" "$name.close.log"
}

# failed LOG: what wrk counts, in all.
failed()
{
	awk '/Socket errors/ { gsub(/[^0-9]+/, " "); n += $1 + $2 + $3 + $4 }
	    /Non-2xx/ { n += $NF } END { print n + 0 }' "$1"
}

# The columns are 4, 6, ...; no more at the end than a third of the way on, but
# for SLACK.
no_growth()
{
	awk -v c="$1" -v slack="$2" '{ v[NR] = $c } END {
		for (i = int(NR / 3); i < 2 * NR / 3; i++)
			if (v[i] > was) was = v[i]
		for (; i <= NR; i++) if (v[i] > now) now = v[i]
		if (now <= was + slack) exit 0
		print was " grew to " now; exit 1 }' table
}

up
touch table
began=$(now_ms)
sample >before
start 8081 127.0.0.1 "$lab" inside
under_load kernel 8081 http://127.0.0.1:8081/small "$lab" inside
stop nginx.8081
start 8080 "$any_host" "$lab" run
wait_for 10 tcpd_listens 8080
under_load tcpd 8080 "http://$tcpd_host:8080/small" "$lab" peer

equal "a connection for each request: as many fail as on the kernel" \
    "$(failed tcpd.close.log)" "$(failed kernel.close.log)"
# One in twenty of them may have been busy here and not there.
check "kept connections: not more fail than on the kernel" \
    test "$(failed tcpd.keep.log)" -le \
    $(($(failed kernel.keep.log) + 20 * seconds / 2 / 20))
columns=$(awk '{ print NF; exit }' table)
for ((i = 4; i < columns; i += 2)); do
	what=$(ps -o args= -p "$(daemons | cut -d' ' -f$((i / 2 - 1)))")
	# As many more as there are connections may be between two requests.
	equal "descriptors do not grow: $what" "$(no_growth $((i + 1)) 40)" ''
	# What is in TIME-WAIT grows for a minute.
	if [ "$seconds" -ge 180 ]; then
		equal "nor does memory" "$(no_growth $i 1024)" ''
	else
		skip "nor does memory" "$seconds s show nothing"
	fi
done
{
	echo "time  connections, then KiB and descriptors of each process"
	cat before
	awk -v every=$((seconds / 20 + 1)) 'NR % every == 1 || every == 1' table
} | sed 's/^/# /'
stop nginx.8080
check "nothing is left" wait_for 10 clients_gone
equal "nor a descriptor" "$(sample | awk '{ print $5, $7, $9 }')" \
    "$(awk '{ print $5, $7, $9 }' before)"
finish 100
