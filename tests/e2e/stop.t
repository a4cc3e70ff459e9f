#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The daemon's own end and its reload.  SIGTERM: peers see FIN or RST at once,
# programs see their connections end, nothing hangs.  SIGHUP: what changed is
# in force, connections live on, and a bad file changes nothing.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
need jq

pair()
{
	serves peer 9100 "peer-of-client$1" "$python" "$e2e/ends.py" listen $any 9100
	spawn "client$1" "$lab" run "$python" "$e2e/ends.py" connect $kernel 9100
	serves run 9101 "server$1" "$python" "$e2e/ends.py" listen $any 9101
	spawn "peer-of-server$1" \
	    "$lab" peer "$python" "$e2e/ends.py" connect $tcpd 9101
	for who in client peer-of-client server peer-of-server; do
		check "$who$1 is connected" \
		    wait_for 10 grep -q up "$work/$who$1.log"
	done
}

up
daemon=$(cat "$labdir/tcpd.pid")
pair 1

# Started with the daemon there, it connects when the daemon has gone.
cat >"$work/late.py" <<'END'
import errno, socket, sys
sys.stdin.readline()
try:
    socket.create_connection((sys.argv[1], 9100), 10)
except OSError as e:
    print(errno.errorcode[e.errno])
END
mkfifo "$work/go"
exec {late}<>"$work/go"
"$lab" run "$python" "$work/late.py" $kernel <&"$late" >"$work/late.log" 2>&1 &
pid_of[late]=$!

cp "$labdir/tcpd.conf" "$work/conf"
more=198.51.100.7 plen=24
[ "$family" = 4 ] || more=2001:db8:9::7 plen=64
cat >>"$labdir/tcpd.conf" <<END
quota { connections = 77 }
address = "$more/$plen"
END
check "SIGHUP" kill -HUP "$daemon"
check "the new quota is in force" \
    wait_for 30 eval 'ctl -j show clients | grep -q "\\b77\\b"'
check "the new address is there" wait_for 30 eval \
    'ctl show addresses | grep -q "^$more/$plen *preferred"'
matches "and programs may bind to it" "$(ctl why bind $more)" 'tcpd, because'
echo 'addres = "nonsense"' >>"$labdir/tcpd.conf"
lines=$(wc -l <"$labdir/log")
check "SIGHUP with a bad file" kill -HUP "$daemon"
check "the log names the file and the line" wait_for 30 eval \
    'tail -n +$((lines + 1)) "$labdir/log" |
    grep -q "tcpd.conf:$(wc -l <"$labdir/tcpd.conf")"'
check "the daemon still runs and answers" ctl show stats
for who in client1 server1; do
	check "$who lived on" eval '! ended $who'
done
cp "$work/conf" "$labdir/tcpd.conf"

began=$(now_ms)
check "SIGTERM" kill -TERM "$daemon"
for who in client1 peer-of-client1 server1 peer-of-server1; do
	finish_of 30 $who
	equal "$who ends by itself" $? 0
	# A program may also hear that it is the network that has gone.
	also=ENETDOWN
	[ "${who#peer}" = "$who" ] || also=ECONNRESET
	matches "$who saw an end" "$(tail -n 1 "$work/$who.log")" \
	    "^(eof|ECONNRESET|$also)\$"
done
check "the daemon is gone" wait_for 30 test ! -d "/proc/$daemon"
note "all ended after $(($(now_ms) - began)) ms"
check "its pid file is gone" test ! -e "$labdir/tcpd.pid"
check "its client socket is gone" test ! -e "$labdir/tcpd.sock"
run true >"$work/none.log" 2>&1
equal "tcpd-run without a daemon: its status" $? 124
matches "and its message" "$(cat "$work/none.log")" "no daemon.*$labdir/tcpd.sock"
echo go >&"$late"
finish_of 10 late
equal "a program that connects without a daemon goes on" $? 0
equal "with an errno" "$(cat "$work/late.log")" ENETDOWN
count_log=$(grep -cE 'Sanitizer|runtime error' "$labdir/log")
equal "the daemon's log has no complaint" "$count_log" 0
echo "1..$count"
[ "$failures" = 0 ]
