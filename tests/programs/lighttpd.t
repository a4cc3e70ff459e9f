#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# lighttpd: 50 MiB, 2000 requests of ab, a graceful restart.
# packages: lighttpd apache2-utils curl
. "$(dirname "$0")/lib.sh"
needs lighttpd apache2-utils=ab curl

mkdir www run
chown www-data: run
random_file www/big 50M
random_file www/small 4000

start()
{
	cat >lighttpd.conf <<-END
	server.document-root = "$work/www"
	server.port = 8080
	server.bind = "$any_host"
	server.username = "www-data"
	server.errorlog = "$work/run/log"
	server.feature-flags = ( "server.graceful-shutdown-timeout" => 5 )
	END
	server 8080 lighttpd -D -f "$work/lighttpd.conf"
}

work()
{
	does "50 MiB $1" client curl -sSf -o got "http://$server_host:8080/big"
	same "equal" got www/big
	does "2000 requests" client ab -q -n 2000 -c 50 \
	    "http://$server_host:8080/small"
}

reload()
{
	kill -USR1 "${pid_of[server]}" && wait_for 10 client curl -sSf \
	    -o /dev/null "http://$server_host:8080/small"
}

up
both_sides curl -sSf -o /dev/null "http://$kernel_host:8080/small"
finish 1000
