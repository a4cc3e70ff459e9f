#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A user at his quota gets the documented errno (EMFILE), and another user at
# the same time is not touched.  Needs two users, so root.
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

# opens NAME UID ARGS...: starts it, and waits for what it says.
opens()
{
	local name=$1
	shift
	as "$@" >"$work/$name.log" 2>&1 &
	pid_of[$name]=$!
	wait_for 30 grep -q held "$work/$name.log"
	cat "$work/$name.log"
}

mkfifo "$work/hold"
exec {hold}<>"$work/hold"
export LAB_CONF='quota_user "games" { connections = 3
	listeners = 2 }'
up
shim=$(run sh -c 'echo $LD_PRELOAD')
setpriv --reuid "$alice" --regid "$alice" --clear-groups \
    cat "${shim%%[: ]*}" >/dev/null 2>&1 ||
    skip_all "user games cannot read $shim: build somewhere readable"
cp "$e2e/opener.py" "$work/"
e2e=$work
serves peer 9000 load-kernel "$load" -p 9000 serve 0.0.0.0
equal "alice, with a quota of 3, opens 3 connections, then EMFILE" \
    "$(opens alice "$alice" connect $kernel 9000 10)" "held 3 then EMFILE"
equal "bob opens 10 meanwhile" \
    "$(opens bob "$bob" connect $kernel 9000 10)" "held 10"
equal "alice, with a quota of 2 listeners" \
    "$(opens alice2 "$alice" listen 7000 5)" "held 2 then EMFILE"
equal "bob listens on 5 ports meanwhile" \
    "$(opens bob2 "$bob" listen 7100 5)" "held 5"
check "tcpctl shows the refusals" grep -q . <(ctl show clients)
note "$(ctl show clients)"

stop alice
check "alice's place is free after her process has gone" \
    wait_for 1 eval 'opens alice3 "$alice" connect $kernel 9000 3 |
    grep -qx "held 3"'
exec {hold}>&-
finish
