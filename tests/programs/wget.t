#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# wget: files, TLS, a directory of 50 files with keep-alive, and a transfer that goes on after kill -9.
# packages: wget nginx-light openssl
. "$(dirname "$0")/lib.sh"
needs wget nginx-light=nginx openssl

mkdir -p www/dir
random_file www/big 50M
for i in $(seq 50); do
	random_file "www/dir/f$i" 20000
	echo "<a href=\"f$i\">f$i</a>"
done >www/dir/index.html

work()
{
	rm -rf got got2 dir
	does "50 MiB $1" client wget -nv -O got "http://$server_host:8080/big"
	same "equal" got www/big
	does "by TLS" client wget -nv --ca-certificate cert.pem -O got2 \
	    "https://$server_host:8443/big"
	same "equal" got2 www/big
	does "50 files" client wget -nv -r -np -nH \
	    "http://$server_host:8080/dir/index.html"
	does "equal" diff -r dir www/dir
}

up
on peer
webserver && work "from the peer"
rm -f part
client_killed wget -q -O part "http://$server_host:8080/slow/big"
does "the killed one's transfer goes on" client wget -nv -c -O part \
    "http://$server_host:8080/big"
same "equal" part www/big
quota_of_client wget -t 1 -nv -O /dev/null "http://$server_host:8080/dir/f1"
work "after that"
finish 8
