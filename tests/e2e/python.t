#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Python's http.server and asyncio, each under the shim and in the kernel.
families="4 6"
. "$(dirname "$0")/lib.sh"
need "$python" curl

mkdir "$work/www"
random_file "$work/www/big" 50M
up
cd "$work/www" || exit 1
serves run 8000 web "$python" -m http.server --bind $any 8000
cd "$work" || exit 1
check "http.server in tcpd, curl in the kernel" \
    peer curl -sSf -o got http://$tcpd_host:8000/big
check "equal" cmp www/big got
cat >get.py <<'END'
import hashlib, sys, urllib.request
data = urllib.request.urlopen(sys.argv[1], timeout=30).read()
print(hashlib.sha256(data).hexdigest())
END
equal "urllib in the kernel" \
    "$(peer "$python" get.py http://$tcpd_host:8000/big 2>&1)" \
    "$(sum_of www/big)"

serves peer 9001 aio-kernel "$python" "$e2e/aio.py" serve $any 9001
check "asyncio in tcpd, 50 connections to the kernel" \
    run "$python" "$e2e/aio.py" fetch $kernel 9001 50
serves run 9002 aio-tcpd "$python" "$e2e/aio.py" serve $any 9002
check "asyncio in the kernel, 50 connections to tcpd" \
    peer "$python" "$e2e/aio.py" fetch $tcpd 9002 50
finish 100
