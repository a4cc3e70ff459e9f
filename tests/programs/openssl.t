#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# openssl s_server, s_client: files by TLS 1.2 and 1.3.
# packages: openssl
. "$(dirname "$0")/lib.sh"
needs openssl

certificate
random_file big 10M

start()
{
	server 4433 openssl s_server -"$family" -accept 4433 -cert cert.pem \
	    -key key.pem -WWW -quiet
}

fetch()
{
	# Its input must stay open until the answer is there.
	client sh -c '(printf "GET /big HTTP/1.0\r\n\r\n"; cat <&3) |
	    openssl s_client -connect "$1" -CAfile cert.pem -quiet -ign_eof \
	    $2' - "$server_host:4433" "$1" 3<>hold 2>tls.log |
	    tail -c 10485760 | cmp - big
}

work()
{
	does "10 MiB by TLS 1.3 $1" fetch -tls1_3
	does "by TLS 1.2" fetch -tls1_2
}

up
both_sides sh -c "openssl s_client -connect $kernel_host:4433 </dev/null"
finish 10
