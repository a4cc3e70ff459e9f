#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# python3: the modules http.server and asyncio, 50 connections with echoed data; urllib.
# packages: python3 curl
. "$(dirname "$0")/lib.sh"
needs python3=$python curl

random_file big 20M
cat >get.py <<'END'
import hashlib, sys, urllib.request
data = urllib.request.urlopen(sys.argv[1], timeout=30).read()
print(hashlib.sha256(data).hexdigest())
END

start()
{
	server 8000 "$python" -m http.server --bind "$any" 8000
}

work()
{
	equal "$where: urllib $1" \
	    "$(client "$python" get.py "http://$server_host:8000/big" 2>&1)" \
	    "$(sum_of big)"
}

up
both_sides curl -sSf -o /dev/null "http://$kernel_host:8000/get.py"

start()
{
	server 9001 "$python" "$e2e/aio.py" serve "$any" 9001
}

work()
{
	does "asyncio, 50 connections $1" client "$python" "$e2e/aio.py" \
	    fetch "$server" 9001 50
}
both_sides "$python" "$e2e/aio.py" fetch $kernel 9001 1
finish 100
