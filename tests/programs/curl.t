#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# curl: HTTP/1.1 and HTTP/2 over TLS, 50 transfers at once, ranges, a rate limit, kill -9.
# packages: curl nginx-light openssl
. "$(dirname "$0")/lib.sh"
needs curl nginx-light=nginx openssl

mkdir www
random_file www/big 50M
random_file www/small 100000

work()
{
	does "50 MiB $1" client curl -sSf -o got "http://$server_host:8080/big"
	same "equal" got www/big
	equal "$where: HTTP/2" "$(client curl -sSf --cacert cert.pem --http2 \
	    -o got2 -w '%{http_version}' "https://$server_host:8443/big")" 2
	same "equal" got2 www/big
	does "100 transfers in one connection" client curl -sSf -Z --http2 \
	    --cacert cert.pem --parallel-max 50 \
	    "https://$server_host:8443/small?[1-100]" -o 'small-#1'
	equal "$where: all equal" "$(for i in $(seq 100); do
	    sum_of "small-$i"; done | sort -u)" "$(sum_of www/small)"
	does "two halves" eval 'client curl -sSf -r 0-26214399 -o half \
	    "http://$server_host:8080/big" && client curl -sSf -C 26214400 \
	    "http://$server_host:8080/big" >>half'
	same "equal" half www/big
}

up
on peer
webserver && work "from the peer"
client_killed curl -sSf -o /dev/null "http://$server_host:8080/slow/big"
quota_of_client curl -sSf -o /dev/null "http://$server_host:8080/small"
work "after that"
client curl -sS "http://$server_host:8089/" 2>refused
equal "$where: nobody there" $? 7
finish 8
