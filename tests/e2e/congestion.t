#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Congestion control and pacing as programs and the configuration ask for them:
# TCP_CONGESTION and SO_MAX_PACING_RATE answer as the kernel's do, each
# algorithm's transfers arrive whole, a limited sender keeps to its rate, and
# tcpd.conf's defaults are seen, also after a reload.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
need "$python" setpriv
[ "$UID" = 0 ] || skip_all "needs two users: run it as root"
cc=$e2e/congestion.py
user=$(id -u games)

# Another user must be able to read the programs; a build tree may be root's.
mkdir -p "$work/build/.libs"
cp "$top_builddir/tcpd" "$top_builddir/tcpctl" "$top_builddir/tcpd-run" \
    "$work/build/"
cp "$top_builddir/.libs/"libtcpd*.so* "$work/build/.libs/"
cp "$cc" "$e2e/tcpinfo.py" "$work/"
LAB_BUILD=$work/build
export LAB_CONF='tcp { congestion = bbr }
quota_user "games" { congestion = reno }'
up
serves run 9000 serve-run "$python" "$cc" serve $any 9000
serves peer 9001 serve-peer "$python" "$cc" serve $any 9001

# What both have; dctcp is a module of the kernel's, and bbr may be.
both=
for name in $(peer cat /proc/sys/net/ipv4/tcp_available_congestion_control); do
	case $name in
	cubic|reno|bbr|dctcp) both="$both $name" ;;
	esac
done
all="cubic reno bbr dctcp"

# ---- options ----

# shellcheck disable=SC2086
timeout 20 "$lab" peer "$python" "$cc" options $tcpd 9000 $both >"$work/options.kernel" 2>&1
# shellcheck disable=SC2086
timeout 20 "$lab" run "$python" "$cc" options $kernel 9001 $both >"$work/options.tcpd" 2>&1
check "there is something to compare with" \
    grep -q "^True " "$work/options.kernel"
check "names, lengths and rates are as the kernel's" \
    diff "$work/options.kernel" "$work/options.tcpd"

# ---- transfers ----

# of WORDS.. of each name: "cubic cubic True", or what is said of it.
of_each()
{
	for name in $all; do
		echo "$name ${*//NAME/$name}"
	done
}
# shellcheck disable=SC2086
equal "a transfer with each" \
    "$(timeout 30 "$lab" run "$python" "$cc" send $kernel 9001 $all 2>&1)" \
    "$(of_each NAME True)"
# shellcheck disable=SC2086
serves run 9002 listen-run "$python" "$cc" listen $any 9002 $all
check "each is called" \
    timeout 30 "$lab" peer "$python" "$cc" call $tcpd 9002 4
finish_of 5 listen-run
equal "a listener's is that of its connections" "$(cat "$work/listen-run.log")" \
    "$(of_each NAME NAME True)"

# ---- pacing ----

for name in cubic bbr; do
	spawn "pace-$name" timeout 30 "$lab" run "$python" "$cc" pace \
	    $kernel 9001 $name 2000000 4000000
done

# ---- defaults ----

as_user()
{
	"$lab" run setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
}

# begin NAME CMD...: in the background, with a pipe to its input.
begin()
{
	local name=$1
	shift
	mkfifo "$work/in.$name"
	exec {pipe}<>"$work/in.$name"
	"$@" <"$work/in.$name" >"$work/$name.log" 2>&1 &
	pid_of[$name]=$!
}

# says NAME N: its N-th line.
says()
{
	wait_for 10 eval '[ "$(wc -l <"$work/'"$1"'.log")" -ge '"$2"' ]'
	sed -n "$2p" "$work/$1.log"
}

# called PORT: one connection to it.
called()
{
	peer "$python" "$cc" call $tcpd "$1" 1 >"$work/called.log" 2>&1
}

begin conn run "$python" "$cc" hold $kernel 9001
conn=$pipe
begin user-conn as_user "$python" "$work/congestion.py" hold $kernel 9001
equal "the default is seen" "$(says conn 1)" bbr
equal "a user's own is seen" "$(says user-conn 1)" reno
begin keep run "$python" "$cc" keep $any 9003
begin user-keep as_user "$python" "$work/congestion.py" keep $any 9004
for port in 9003 9004; do
	wait_for 10 tcpd_listens $port
	called $port
done
equal "by a connection that came" "$(says keep 1)" bbr
equal "by a user's connection that came" "$(says user-keep 1)" reno
matches "tcpctl ss -i" "$(ctl ss -ie | grep -A 1 "uid:$user")" ' sack.* newreno '

for name in cubic bbr; do
	finish_of 30 "pace-$name"
	read -r same took <"$work/pace-$name.log"
	# Later is the machine's affair, as long as it comes.
	check "$name keeps to 2 MB/s: 4 MB in $took ms, $same" \
	    test "$same" = True -a "$took" -ge 1950
done

reloads=$(grep -c 'read again' "$labdir/log")
sed 's/congestion = bbr/congestion = dctcp/; s/congestion = reno/congestion = cubic/' \
    "$labdir/tcpd.conf" >"$work/conf" && cat "$work/conf" >"$labdir/tcpd.conf"
kill -HUP "$(cat "$labdir/tcpd.pid")"
wait_for 30 eval '[ "$(grep -c "read again" "$labdir/log")" -gt '"$reloads"' ]'
begin new-conn run "$python" "$cc" hold $kernel 9001
begin new-user-conn as_user "$python" "$work/congestion.py" hold $kernel 9001
equal "a reload's default is seen" "$(says new-conn 1)" dctcp
equal "a user's own, too" "$(says new-user-conn 1)" cubic
called 9003
called 9004
equal "by what comes to an old listener" "$(says keep 2)" dctcp
equal "by what comes to a user's old listener" "$(says user-keep 2)" cubic
echo >&"$conn"
equal "what was there keeps its own" "$(says conn 2)" bbr
matches "tcpctl ss -i, all of them" "$(ctl ss -i | grep -o ' sack.* rto' |
    grep -oE ' (bbr|newreno|dctcp|cubic) ' | sort -u | tr -d '\n')" \
    ' bbr .*cubic .*dctcp .*newreno '
finish 20
