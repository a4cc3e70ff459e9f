#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# redis: a value of 4 MB, pipelined load, BGSAVE with writes meanwhile, replication both ways.
# packages: redis-server redis-tools
. "$(dirname "$0")/lib.sh"
needs redis-server redis-tools=redis-cli redis-tools=redis-benchmark

head -c 3000000 /dev/urandom | base64 >value

cli()
{
	"$lab" "$other" redis-cli -h "$server" -p 6379 --raw "$@"
}

start()
{
	server 6379 redis-server --bind "$any" --port 6379 \
	    --protected-mode no --save '' --dir "$work" --daemonize no
}

work()
{
	does "4 MB $1" eval 'cli -x set big <value'
	cli get big | head -c -1 >back
	same "comes back equal" back value
	does "50 pipelined clients" client redis-benchmark -h "$server" \
	    -p 6379 -q -n 10000 -c 50 -P 16 -t set,get
}

saved()
{
	cli info persistence | tr -d '\r' | grep -qx rdb_bgsave_in_progress:0
}

reload()
{
	cli config set maxclients 500 | grep -q OK
}

linked()
{
	"$lab" "$1" redis-cli -h "$2" -p "$3" info replication |
	    grep -q master_link_status:up
}

up
on run
lives
cli -x set fill <value >/dev/null
matches "$where: BGSAVE forks" "$(cli bgsave)" 'started'
does "writes go on meanwhile" client redis-benchmark -h "$server" -p 6379 \
    -q -n 5000 -c 20 -t set
does "it ends" wait_for 20 saved
matches "$where: well" "$(cli info persistence)" 'rdb_last_bgsave_status:ok'
spawn replica "$lab" "$other" redis-server --bind "$any" --port 6380 \
    --protected-mode no --save '' --dir "$work" --dbfilename r.rdb \
    --replicaof "$server" 6379
does "a replica of the other side follows" \
    wait_for 20 linked "$side" $kernel 6380
cli set after replication >/dev/null
does "what is written arrives there" wait_for 10 eval \
    '[ "$(here redis-cli -h $kernel -p 6380 get after)" = replication ]'
stop replica
spawn replica "$lab" "$side" redis-server --bind "$any" --port 6381 \
    --protected-mode no --save '' --dir "$work" --dbfilename r.rdb
wait_for 10 tcpd_listens 6381
stop server
on peer
start && work "to the peer" && quota_of_client redis-cli -h "$server" -e ping
here redis-cli -h $tcpd -p 6381 replicaof "$server" 6379 >/dev/null
does "a replica in tcpd follows" wait_for 20 linked peer $tcpd 6381
stop replica
stop server
finish 200
