#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# wrk, ab: 100 connections for three seconds, 5000 requests, with keep-alive and without.
# packages: wrk apache2-utils nginx-light openssl curl
. "$(dirname "$0")/lib.sh"
needs wrk apache2-utils=ab nginx-light=nginx openssl curl

mkdir www
random_file www/small 4000

# No request of wrk's failed.
clean()
{
	client wrk "$@" >wrk.log 2>&1 && ! grep -E 'Socket errors|Non-2xx' \
	    wrk.log && grep -E '[0-9]{3,} requests in' wrk.log
}

asks()
{
	client ab -q "$@" >ab.log 2>&1 &&
	    grep -q '^Failed requests: *0$' ab.log &&
	    ! grep -q '^Non-2xx' ab.log
}

work()
{
	does "wrk with keep-alive" clean -t 2 -c 100 -d 3s \
	    "http://$server_host:8080/small"
	does "wrk without" clean -t 2 -c 100 -d 3s -H 'Connection: close' \
	    "http://$server_host:8080/small"
	does "wrk by TLS" clean -t 2 -c 20 -d 2s \
	    "https://$server_host:8443/small"
	does "ab with keep-alive" asks -n 5000 -c 100 -k \
	    "http://$server_host:8080/small"
	does "ab without" asks -n 5000 -c 100 "http://$server_host:8080/small"
}

up
on peer
webserver && work "to the peer"
client_killed wrk -t 2 -c 100 -d 30s "http://$server_host:8080/small"
quota_of_client ab -q -n 10 -c 2 "http://$server_host:8080/small"
finish 1000
