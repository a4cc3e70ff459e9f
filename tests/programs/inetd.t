#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# inetd: a static program of busybox on a connection that it inherits; 20 MB there and back; a changed configuration.
# packages: openbsd-inetd busybox-static python3
. "$(dirname "$0")/lib.sh"
needs openbsd-inetd=inetd busybox-static=busybox python3=$python
busybox=$(command -v busybox)
file -L "$busybox" 2>/dev/null | grep -q dynamic &&
    skip_all "the package busybox-static is not installed"

random_file big 20M

conf()
{
	echo "7000 stream tcp$family nowait.200 root $busybox busybox cat"
	[ -z "${1:-}" ] ||
		echo "$1 stream tcp$family nowait root $busybox busybox sha256sum"
}

start()
{
	conf >inetd.conf
	server 7000 inetd -i "$work/inetd.conf"
}

work()
{
	does "ten times 1 MB there and back $1" client "$python" \
	    "$programs/echo.py" "$server" 7000 10
}

reload()
{
	conf 7001 >inetd.conf
	kill -HUP "${pid_of[server]}" && wait_for 10 side_listens 7001
}

up
both_sides
finish 20
