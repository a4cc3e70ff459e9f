#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# haproxy: master and worker with two threads, HTTP and TCP in front of nginx; 2000 requests of ab; a reload by SIGUSR2.
# packages: haproxy nginx-light apache2-utils curl
. "$(dirname "$0")/lib.sh"
needs haproxy nginx-light=nginx apache2-utils=ab curl

mkdir www
random_file www/big 20M
random_file www/small 4000

# What stands behind it is on the other side, so that haproxy is a client too.
conf()
{
	cat <<-END
	global
		maxconn 2000
		nbthread 2
		stats socket $work/stats mode 600 expose-fd listeners level admin
	defaults
		timeout connect 10s
		timeout client 30s
		timeout server 30s
		timeout check 5s
	frontend web
		mode http
		bind $any_host:8000
		default_backend web
	backend web
		mode http
		option httpchk GET /small
		server one $1:8080 check inter 500ms
	listen tcp
		mode tcp
		bind $any_host:8001
		server one $1:8080
	END
}

start()
{
	local back=$kernel_host
	[ "$side" = run ] || back=$tcpd_host
	conf "$back" >haproxy.cfg
	server 8001 haproxy -W -db -p "$work/haproxy.pid" \
	    -f "$work/haproxy.cfg"
}

work()
{
	local p
	for p in 8000 8001; do
		does "20 MiB of port $p $1" client curl -sSf --retry 5 -o got \
		    "http://$server_host:$p/big"
		same "equal" got www/big
		does "2000 requests" client ab -q -n 2000 -c 50 \
		    "http://$server_host:$p/small"
	done
}

workers()
{
	pgrep -P "${pid_of[server]}"
}

reload()
{
	local before
	before=$(workers)
	kill -USR2 "${pid_of[server]}"
	wait_for 10 eval '[ "$(workers)" != "'"$before"'" ]' &&
	    wait_for 10 not kill -0 "$before"
}

nginx_conf 8080 "server { listen $any_host:8080; root $work/www; }" >nginx.conf
behind()
{
	spawn behind "$lab" "$other" nginx -e stderr -p "$work" -c \
	    "$work/nginx.conf"
	wait_for 10 "$1" 8080 || not_ok "nginx listens"
}

up
on run
behind kernel_listens
lives
stop server
stop behind
on peer
behind tcpd_listens
start && work "to the peer"
stop behind
stop server
finish 4000
