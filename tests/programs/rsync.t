#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# rsync: a tree of 300 files and 40 MB up to the daemon and down; changes, by their differences; a client killed.
# packages: rsync
. "$(dirname "$0")/lib.sh"
needs rsync

mkdir store tree
for i in $(seq 300); do
	head -c $((i * 100)) /dev/urandom >"tree/$i"
done
random_file tree/big 40M

start()
{
	printf '%s\n' "use chroot = yes" "uid = root" "gid = root" \
	    "[store]" "path = $work/store" "read only = no" >rsyncd.conf
	server 873 rsync --daemon --no-detach --address="$any" \
	    --config="$work/rsyncd.conf"
}

work()
{
	rm -rf back
	echo "$1" >>tree/big
	does "up $1" client rsync -a --delete tree/ \
	    "rsync://$server_host/store/"
	does "and down" client rsync -a "rsync://$server_host/store/" back/
	does "equal" diff -r tree back
}

up
both_sides rsync "rsync://$kernel_host/store/"
on peer
start
rm -rf back
client_killed rsync -a "rsync://$kernel_host/store/" back/
stop server
finish 8
