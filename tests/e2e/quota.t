#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A user at his quota gets the documented errno (EMFILE), and another user at
# the same time is not touched.  Needs two users, so root.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
need jq setpriv
[ "$UID" = 0 ] || skip_all "needs two users: run it as root"

alice=$(id -u games) bob=$(id -u man)
as()
{
	local who=$1
	shift
	exec 3<"$work/hold"
	exec "$lab" run setpriv --reuid "$who" --regid "$who" --clear-groups \
	    "$python" "$e2e/opener.py" "$@" <&3
}

# opens NAME UID ARGS...: starts it, and waits for what it says: $said.
opens()
{
	local name=$1
	shift
	as "$@" >"$work/$name.log" 2>&1 &
	pid_of[$name]=$!
	wait_for 30 grep -q held "$work/$name.log"
	said=$(cat "$work/$name.log")
}

# The other users must be able to read the library, and a build tree may be
# root's alone.
mkdir -p "$work/build/.libs"
cp "$top_builddir/tcpd" "$top_builddir/tcpctl" "$top_builddir/tcpd-run" \
    "$work/build/"
cp "$top_builddir/.libs/"libtcpd*.so* "$work/build/.libs/"
LAB_BUILD=$work/build
mkfifo "$work/hold"
exec {hold}<>"$work/hold"
export LAB_CONF='quota_user "games" { connections = 3
	listeners = 2 }'
up
cp "$e2e/opener.py" "$work/"
e2e=$work
serves peer 9000 load-kernel "$load" -p 9000 serve $any
opens alice "$alice" connect $kernel 9000 10
equal "alice, with a quota of 3, opens 3 connections, then EMFILE" \
    "$said" "held 3 then EMFILE"
opens bob "$bob" connect $kernel 9000 10
equal "bob opens 10 meanwhile" "$said" "held 10"
opens alice-l "$alice" listen $any 7000 5
equal "alice, with a quota of 2 listeners" "$said" "held 2 then EMFILE"
opens bob-l "$bob" listen $any 7100 5
equal "bob listens on 5 ports meanwhile" "$said" "held 5"
note "$(ctl show clients)"
refusals=$(ctl -j show clients)
matches "tcpctl shows alice's refusals" "$refusals" 'games'

# Half of a quota's use: the place is free again when the process has gone.
kill -KILL "${pid_of[alice]}"
began=$(now_ms)
opens again "$alice" connect $kernel 9000 3
equal "after kill -9 of alice's process her places are free" "$said" "held 3"
note "after $(($(now_ms) - began)) ms"
exec {hold}>&-
finish
