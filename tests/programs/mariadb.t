#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# MariaDB: a value of 4 MB in and out, mysqlslap with 20 clients.
# packages: mariadb-server
. "$(dirname "$0")/lib.sh"
needs mariadb-server=mariadbd mariadb-server=mariadb-install-db

mkdir db
chown nobody: db
mariadb-install-db --no-defaults --user=nobody --datadir="$work/db" \
    --auth-root-authentication-method=normal >install.log 2>&1 ||
    skip_all "mariadb-install-db: $(tail -n 1 install.log)"
mariadbd --no-defaults --bootstrap --user=nobody --datadir="$work/db" \
    >bootstrap.log 2>&1 <<'END'
flush privileges;
create user tester@'%' identified by 'word';
grant all on *.* to tester@'%';
create database t;
END
head -c 3000000 /dev/urandom | base64 -w 0 >value

start()
{
	server 3306 mariadbd --no-defaults --user=nobody \
	    --datadir="$work/db" --bind-address="$any" --port=3306 \
	    --socket="$work/db/sock" --pid-file="$work/db/pid" \
	    --innodb-buffer-pool-size=16M --max-allowed-packet=64M \
	    --skip-name-resolve --innodb-flush-log-at-trx-commit=0
}

sql()
{
	client mariadb --no-defaults -h "$server" -P 3306 --protocol=tcp \
	    -utester -pword --max-allowed-packet=64M -N -B -r t "$@"
}

work()
{
	{
		echo "drop table if exists v; create table v (v longtext);"
		printf "insert into v values ('%s');" "$(cat value)"
	} >in.sql
	does "4 MB $1" eval 'sql <in.sql'
	sql -e 'select * from v' | head -c -1 >back
	same "come back equal" back value
	does "20 clients" client mariadb-slap --no-defaults -h "$server" \
	    -P 3306 -utester -pword --protocol=tcp -a -c 20 \
	    --number-of-queries=400
}

up
both_sides mariadb --no-defaults -h "$kernel" -utester -pword -e 'select 1'
finish 40
