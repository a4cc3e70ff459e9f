#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# aria2: 40 MB in eight parts at once from nginx.
# packages: aria2 nginx-light
. "$(dirname "$0")/lib.sh"
needs aria2=aria2c nginx-light=nginx openssl

mkdir www
random_file www/big 40M

start()
{
	webserver
}

work()
{
	rm -f got
	does "eight parts $1" client timeout 60 aria2c -q --no-conf -x 8 -s 8 \
	    -k 1M -o got "http://$server_host:8080/big"
	same "equal" got www/big
	rm -f got
	does "by TLS" client timeout 60 aria2c -q --no-conf -x 4 -s 4 -k 1M \
	    --check-certificate=false -o got "https://$server_host:8443/big"
	same "equal" got www/big
}

up
on peer
start && work "to the peer"
quota_of_client aria2c -q --no-conf -o one "http://$server_host:8080/big"
client_killed aria2c -q --no-conf -o two "http://$server_host:8080/slow/big"
finish 5
