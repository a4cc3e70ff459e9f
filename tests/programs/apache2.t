#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# apache2, prefork and event: 50 MiB, 2000 requests of ab with and without keep-alive, graceful restarts.
# packages: apache2 apache2-utils curl
. "$(dirname "$0")/lib.sh"
needs apache2 apache2-utils=ab curl

mkdir www
random_file www/big 50M
random_file www/small 4000
modules=/usr/lib/apache2/modules
# It asks for TCP_DEFER_ACCEPT.
# shellcheck disable=SC2034
words=GET

conf()
{
	cat <<-END
	LoadModule mpm_$1_module $modules/mod_mpm_$1.so
	LoadModule authz_core_module $modules/mod_authz_core.so
	ServerRoot $work
	ServerName tcpd.test
	PidFile $work/apache2.pid
	Listen $any_host:8080
	User www-data
	Group www-data
	DocumentRoot $work/www
	ErrorLog /dev/stderr
	GracefulShutdownTimeout 5
	END
	# Short of threads, or with too many to spare, event closes kept
	# connections at once, whoever is about to ask on one.
	[ "$1" = prefork ] || cat <<-END
	StartServers 2
	ThreadsPerChild 64
	MaxRequestWorkers 384
	MaxSpareThreads 384
	END
}

start()
{
	server 8080 apache2 -D FOREGROUND -f "$work/apache2.conf"
}

# With -k the headers that end a connection have another length: no fault (-l).
asks()
{
	client ab -q -n 2000 -c 50 -l "$@" "http://$server_host:8080/small" \
	    >ab.log 2>&1 && grep -q '^Failed requests: *0$' ab.log &&
	    ! grep -q '^Non-2xx' ab.log
}

work()
{
	does "50 MiB $1" client curl -sSf -o got "http://$server_host:8080/big"
	same "equal" got www/big
	does "2000 requests" asks
	does "2000 in 50 connections" asks -k
}

reload()
{
	local old
	old=$(pgrep -P "${pid_of[server]}" | head -n 1)
	kill -USR1 "${pid_of[server]}" &&
	    wait_for 10 eval "! kill -0 $old"
}

up
for mpm in prefork event; do
	conf $mpm >apache2.conf
	note "$mpm"
	both_sides curl -sSf -o /dev/null "http://$kernel_host:8080/small"
done
finish 1000
