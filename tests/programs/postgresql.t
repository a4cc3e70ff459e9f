#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# PostgreSQL: a value of 6 MB, COPY, pgbench with 20 clients, LISTEN and NOTIFY, a base backup and the streaming replica that it becomes.
# packages: postgresql postgresql-contrib
. "$(dirname "$0")/lib.sh"
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
needs postgresql=initdb postgresql-contrib=pgbench

mkdir pg copy
chown postgres: pg copy
export PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=10
as="setpriv --reuid=postgres --regid=postgres --clear-groups"
$as initdb -D "$work/pg/data" -A trust -N >initdb.log 2>&1 ||
    skip_all "initdb: $(tail -n 1 initdb.log)"
printf '%s\n' "host all,replication all all trust" \
    >>pg/data/pg_hba.conf
cat >>pg/data/postgresql.conf <<END
unix_socket_directories = '$work/pg'
fsync = off
shared_buffers = 32MB
END
printf '%s;\n' 'listen tell' "notify tell, 'word'" >tell
head -c 3000000 /dev/urandom | xxd -p -c 0 >value

# postgres DATA PORT: the command.
postgres()
{
	echo "$as postgres -D $work/pg/$1 -p $2 -c listen_addresses=$any"
}

start()
{
	# shellcheck disable=SC2046
	server 5432 $(postgres data 5432) &&
	    wait_for 20 client pg_isready -h "$server" -q
}

sql()
{
	client psql -h "$server" -qtAX -v ON_ERROR_STOP=1 "$@"
}

work()
{
	sql -c 'drop table if exists v; create table v (v text)'
	does "6 MB $1" sql -c '\copy v from value'
	sql -c '\copy v to back'
	same "come back equal" back value
	does "tables of pgbench" client pgbench -h "$server" -i -q -s 1
	does "20 clients" client pgbench -h "$server" -n -c 20 -j 2 -t 20
	does "a client is told" eval 'sql -f tell | grep -q "payload \"word\""'
}

reload()
{
	echo "work_mem = 7MB" >>pg/data/postgresql.conf
	kill -HUP "$(head -n 1 pg/data/postmaster.pid)" && wait_for 10 eval \
	    'sql -c "show work_mem" | grep -qx 7MB'
}

# The other side's replica of it, made over the network.
replicated()
{
	does "a base backup" client $as pg_basebackup -h "$server" -R -D \
	    "$work/pg/$side" -X stream -c fast
	# shellcheck disable=SC2046
	spawn replica "$lab" "$other" $(postgres "$side" 5433)
	does "its replica is up" wait_for 30 client pg_isready -h "$1" \
	    -p 5433 -q
	sql -c "create table $side as select generate_series(1, 50000) as n"
	does "what is written arrives there" wait_for 20 eval \
	    '[ "$(here psql -h '"$1"' -p 5433 -qtAX -c \
	    "select sum(n) from '"$side"'")" = 1250025000 ]'
	stop replica
}

up
on run
lives
replicated $kernel
stop server
on peer
start && work "to the peer" &&
    quota_of_client psql -h "$server" -qtAX -c 'select 1'
replicated $tcpd
stop server
finish 150
