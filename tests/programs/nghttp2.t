#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# nghttpd, h2load, nghttp: HTTP/2 by TLS, 2000 requests in 10 connections of 20 streams.
# packages: nghttp2-server nghttp2-client
. "$(dirname "$0")/lib.sh"
needs nghttp2-server=nghttpd nghttp2-client=h2load openssl

mkdir www
random_file www/big 20M
random_file www/small 20000
certificate

start()
{
	server 8443 nghttpd -a "$any" -n 2 -d "$work/www" 8443 \
	    "$work/key.pem" "$work/cert.pem"
}

work()
{
	client h2load -n 2000 -c 10 -m 20 -t 2 \
	    "https://$server_host:8443/small" >said
	does "2000 requests $1" grep -q '2000 succeeded, 0 failed' said
	does "20 MB" eval \
	    'client nghttp "https://$server_host:8443/big" >got 2>/dev/null'
	same "equal" got www/big
}

up
both_sides
finish 20
