#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# busybox (static): httpd and wget, 20 MB by ten at once; nc. Its system calls are trapped.
# packages: busybox-static
. "$(dirname "$0")/lib.sh"
needs busybox-static=busybox
busybox=$(command -v busybox)
case $(ldd "$busybox" 2>&1) in
*'not a dynamic'*) ;;
*) skip_all "the package busybox-static is not installed" ;;
esac

mkdir www
random_file www/big 20M

start()
{
	server 8000 "$busybox" httpd -f -p "$any_host:8000" -h "$work/www"
}

ten()
{
	local i pids=
	for i in $(seq 10); do
		client "$busybox" wget -q -O "got.$i" \
		    "http://$server_host:8000/big" &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	for i in $(seq 10); do
		cmp "got.$i" www/big || return 1
	done
}

work()
{
	does "20 MB by ten at once $1" ten
}

up
both_sides "$busybox" wget -q -O /dev/null "http://$kernel_host:8000/big"
finish 50
