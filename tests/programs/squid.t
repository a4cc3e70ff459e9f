#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# squid: a proxy between a web server of the other side and clients there; 50 MiB, 200 files, a tunnel for TLS, reconfigured.
# packages: squid nginx-light curl openssl
. "$(dirname "$0")/lib.sh"
needs squid nginx-light=nginx curl openssl

mkdir www run
random_file www/big 50M
random_file www/small 4000
chown proxy: run

start()
{
	cat >squid.conf <<-END
	http_port $any_host:3128
	http_access allow all
	cache_effective_user proxy
	pid_filename none
	access_log none
	cache_log $work/run/cache.log
	cache_store_log none
	coredump_dir $work/run
	shutdown_lifetime 1 seconds
	pinger_enable off
	dns_nameservers 127.0.0.1
	visible_hostname tcpd.test
	END
	server 3128 squid -N -f "$work/squid.conf"
}

work()
{
	does "50 MiB $1" client curl -sSf -x "http://$server_host:3128" -o got \
	    "http://$origin:8080/big"
	same "equal" got www/big
	does "a tunnel for TLS" client curl -sSf -x "http://$server_host:3128" \
	    -k -o got2 "https://$origin:8443/big"
	same "equal" got2 www/big
	rm -f small-*
	does "200 files, 20 at once" client curl -sSf -Z --parallel-max 20 \
	    -x "http://$server_host:3128" \
	    "http://$origin:8080/small?[1-200]" -o 'small-#1'
	equal "$where: all equal" "$(for i in $(seq 200); do
	    sum_of "small-$i"; done | sort -u)" "$(sum_of www/small)"
}

reload()
{
	kill -HUP "${pid_of[server]}" && wait_for 10 client curl -sSf \
	    -x "http://$server_host:3128" -o /dev/null \
	    "http://$origin:8080/small"
}

up
on peer
webserver
pid_of[web]=${pid_of[server]}
origin=$kernel_host
on run
lives
stop server
finish 100
