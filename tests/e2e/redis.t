#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# redis-server and redis-benchmark, both ways.
families="4 6"
. "$(dirname "$0")/lib.sh"
need redis-server redis-benchmark redis-cli

up
cd "$work" || exit 1
redis()
{
	serves "$1" "$2" "redis-$1" redis-server --bind $any --port "$2" \
	    --protected-mode no --save '' --dir "$work" --daemonize no
}
redis run 6379
redis peer 6380
equal "ping of redis in tcpd" "$(peer redis-cli -h $tcpd -p 6379 ping)" PONG
equal "ping of redis in the kernel" \
    "$(run redis-cli -h $kernel -p 6380 ping)" PONG

head -c 3000000 /dev/urandom | base64 >value
check "a value of 4 MB to redis in tcpd" \
    eval 'peer redis-cli -h $tcpd -p 6379 -x set big <value'
peer redis-cli -h $tcpd -p 6379 --raw get big >back
equal "comes back equal" "$(head -c -1 back | sum_of /dev/stdin)" \
    "$(sum_of value)"
check "redis-benchmark in the kernel, 50 clients" \
    peer redis-benchmark -h $tcpd -p 6379 -q -n 20000 -c 50 -t set,get,lrange_100
check "the same pipelined" \
    peer redis-benchmark -h $tcpd -p 6379 -q -n 50000 -c 50 -P 16 -t set,get
check "redis-benchmark in tcpd, 50 clients" \
    run redis-benchmark -h $kernel -p 6380 -q -n 20000 -c 50 -t set,get,lrange_100
check "the same pipelined" \
    run redis-benchmark -h $kernel -p 6380 -q -n 50000 -c 50 -P 16 -t set,get
check "replication: redis in tcpd follows the kernel's" \
    peer redis-cli -h $tcpd -p 6379 replicaof $kernel 6380
check "the link comes up" wait_for 20 eval \
    'peer redis-cli -h $tcpd -p 6379 info replication |
    grep -q master_link_status:up'
finish 200
