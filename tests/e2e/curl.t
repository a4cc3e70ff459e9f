#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# curl and wget under the shim, a web server with the kernel's TCP.
families="4 6"
. "$(dirname "$0")/lib.sh"
need curl wget

mkdir "$work/www"
random_file "$work/www/big" 100M
for i in $(seq 40); do
	random_file "$work/www/$i" "$((i * 4000 + i))"
done
up
cd "$work/www" || exit 1
serves peer 8000 web "$python" "$e2e/put.py" $any 8000
cd "$work" || exit 1
url=http://$kernel_host:8000

check "curl downloads 100 MiB" run curl -sSf -o got $url/big
check "equal" cmp www/big got
check "curl uploads 100 MiB" run curl -sSf -T www/big $url/up
check "equal" cmp www/big www/up
check "wget downloads 100 MiB" run wget -q -O wgot $url/big
check "equal" cmp www/big wgot
check "curl, 40 files over one connection" \
    run curl -sSf "$url/[1-40]" -o 'one-#1'
same=0
for i in $(seq 40); do
	cmp -s "www/$i" "one-$i" && same=$((same + 1))
done
equal "all 40 equal" "$same" 40
check "curl, 40 connections in parallel" \
    run curl -sSf -Z --parallel-immediate --parallel-max 40 \
    "$url/[1-40]" -o 'par-#1'
same=0
for i in $(seq 40); do
	cmp -s "www/$i" "par-$i" && same=$((same + 1))
done
equal "all 40 equal" "$same" 40

run curl -sS http://$kernel_host:9/ >refused 2>&1
equal "a closed port: curl's status" $? 7
matches "and its message" "$(cat refused)" "refused|Couldn't connect"
began=$(now_ms)
run curl -sS --connect-timeout 20 http://${any_host/$any/$nobody}:80/ >nobody 2>&1
equal "an address that nobody has: curl's status" $? 7
matches "it says why" "$(cat nobody)" \
    "No route to host|Could.?n.t connect|Failed to connect"
check "before curl's own time-out" test $(($(now_ms) - began)) -lt 19000
run curl -sS --max-time 2 --limit-rate 1k $url/big -o /dev/null 2>late
equal "curl's own time-out in mid-transfer" $? 28
finish 45
