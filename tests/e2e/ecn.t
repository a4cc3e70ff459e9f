#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# ECN with the kernel as the peer and between two tcpds: who speaks it by what
# both are set to; marks that the path makes, counted at both ends, reduce the
# window and lose nothing; a path that loses SYNs with ECN flags.
# Each lab is for both families: what they count together is the path's.
. "$(dirname "$0")/lib.sh"
need_tcpd
need "$python"
ecn=$e2e/ecn.py

# set_ecn KERNEL TCPD
set_ecn()
{
	peer sh -c "echo $1 >/proc/sys/net/ipv4/tcp_ecn"
	sed "s/^tcp { ecn = .*/tcp { ecn = $2 }/" "$labdir/tcpd.conf" \
	    >"$work/conf" && cat "$work/conf" >"$labdir/tcpd.conf"
	grep -q "ecn = $2 " "$labdir/tcpd.conf" || not_ok "ecn = $2 is set"
	local reloads
	reloads=$(grep -c 'read again' "$labdir/log")
	kill -HUP "$(cat "$labdir/tcpd.pid")"
	wait_for 30 eval 'grep -c "read again" "$labdir/log" |
	    grep -vqx '"$reloads"
}

peer_listens()
{
	peer "$top_builddir/tcpctl" -s "$labdir/peer-control.sock" \
	    show listeners | grep -q :9001
}

# speak FAMILY: of what follows
speak()
{
	kernel=192.0.2.1 tcpd=192.0.2.2
	[ "$1" = 4 ] || kernel=2001:db8::1 tcpd=2001:db8::2
}

serve()
{
	any=::
	serves run 9000 serve-tcpd "$python" "$ecn" serve $any 9000
	if [ "${LAB_PEER:-kernel}" = kernel ]; then
		serves peer 9001 serve-peer "$python" "$ecn" serve $any 9001
		return
	fi
	spawn serve-peer "$lab" peer "$python" "$ecn" serve $any 9001
	wait_for 15 peer_listens
}

leave()
{
	clean_log
	local name
	for name in "${!pid_of[@]}"; do
		kill "${pid_of[$name]}" 2>/dev/null
	done
	"$lab" down >"$work/down.log" 2>&1
}

# value WORD LINE
value()
{
	sed -nE "s/.*(^| )$1=([0-9]+).*/\2/p" <<<"$2"
}

# sends SIDE OCTETS: to the other side's server.
sends()
{
	if [ "$1" = run ]; then
		timeout 30 "$lab" run "$python" "$ecn" send $kernel 9001 "$2"
	else
		timeout 30 "$lab" peer "$python" "$ecn" send $tcpd 9000 "$2"
	fi
}

# agreed SIDE WANT: both ends have, or both have not.
agreed()
{
	local got
	got=$(sends "$1" 5000 2>&1)
	[ "$(value equal "$got") $(value ecn "$got")$(value seen "$got") $(
	    )$(value their_ecn "$got")$(value their_seen "$got")" = \
	    "1 $2$2 $2$2" ] || {
		note "$1, kernel $theirs, tcpd $ours: $got"
		return 1
	}
}

# ---- who speaks it ----

export LAB_CONF="tcp { ecn = on }"
up
serve
bad=''
for theirs in 0 1 2; do
	for ours in off classic passive on; do
		set_ecn $theirs $ours
		asks=0 grants=0
		case $ours in
		classic|on) [ $theirs = 0 ] || asks=1 ;;
		esac
		[ $ours = off ] || [ $theirs != 1 ] || grants=1
		for family in 4 6; do
			speak $family
			agreed run $asks || bad="$bad run$family/$theirs/$ours"
			agreed peer $grants ||
			    bad="$bad peer$family/$theirs/$ours"
		done
	done
done
equal "as tcp_ecn 0, 1, 2 and off, classic, passive, on have it" "$bad" ''

set_ecn 1 on
# shown SIDE: while it is open.
shown()
{
	mkfifo "$work/hold.$1"
	exec {hold}<>"$work/hold.$1"
	local to=$kernel port=9001
	[ "$1" = run ] || to=$tcpd port=9000
	spawn "held.$1" "$lab" "$1" "$python" "$ecn" send $to $port 5000 \
	    "$work/hold.$1"
	wait_for 10 grep -q equal=1 "$work/held.$1.log"
	matches "$1: tcpctl ss -i" "$(ctl ss -i)" ' ts sack ecn ecnseen '
	matches "$1: ss -i on the kernel's side" \
	    "$(peer ss -Htino state established "( sport = :$port or dport = :$port )")" \
	    ' ecn ecnseen '
	matches "$1: tcpctl -j" "$(ctl -j show connections | tr -d ' \n')" \
	    '"ecn":"classic","ecn_seen":true'
	echo >&"$hold"
	finish_of 5 "held.$1"
	exec {hold}>&-
}
speak 4
shown run
speak 6
shown peer
leave

# ---- marks on the path ----

[ -x "$top_builddir/tests/sim/relay" ] ||
    skip_all "tests/sim/relay is not built"
export LAB_DEVICE=packet LAB_SIX=yes
amount=1000000

# The number of marks that the relay made, which is there when it has ended.
relay_marked()
{
	sed -nE "s/^$1: .* ([0-9]+) marked.*/\1/p" "$work/down.log"
}

# kernel_ce: packets with CE that the kernel has taken in.
kernel_ce()
{
	local four six
	four=$(peer awk '/^IpExt:/ { if (n++) { print $at; exit }
		for (i = 1; i <= NF; i++) if ($i == "InCEPkts") at = i }' \
	    /proc/net/netstat)
	six=$(peer awk '$1 == "Ip6InCEPkts" { print $2 }' /proc/net/snmp6)
	echo $((four + ${six:-0}))
}

# What holds of each sender that met marks, whoever he is.
reacted()
{
	equal "$1: all of it came" "$(value equal "$2")" 1
	equal "$1: nothing was sent again" "$(value resent "$2")" 0
	check "$1: it met $(value delivered_ce "$2") marks" \
	    test "$(value delivered_ce "$2")" -gt 0
	check "$1: not all was marked" \
	    test "$(value delivered_ce "$2")" -lt "$(value delivered "$2")"
	check "$1: the window was reduced" \
	    test "$(value ssthresh "$2")" -lt 1000
}

watched()
{
	rm -f "$work/watch.log"
	spawn watch "$lab" peer "$python" "$ecn" watch lab0
	wait_for 30 grep -q ready "$work/watch.log"
	got=$(sends "$1" $amount 2>&1)
	kill "${pid_of[watch]}"
	finish_of 5 watch
	seen=$(tail -n 1 "$work/watch.log")
	check "$1: ECE was seen, and CWR, $seen" \
	    test "$(value ece "$seen")" -gt 0 -a "$(value cwr "$seen")" -gt 0
}

# to WHAT SIDE: a transfer of each family; $arrived is what their receivers
# say of marks.
to()
{
	arrived=0
	for family in 4 6; do
		speak $family
		watched "$2"
		reacted "$1, IPv$family" "$got"
		arrived=$((arrived + $(value their_received_ce "$got")))
	done
}

export LAB_RELAY=marks
up
serve
set_ecn 1 on
to "to the kernel" run
arrived=$(kernel_ce)
check "to the kernel: counted as reductions" \
    test "$(stat_of tcp.ecn_reductions)" -ge 2
leave
equal "to the kernel: it took in what was marked" "$arrived" \
    "$(relay_marked there)"

export LAB_RELAY="-r marks"
up
serve
set_ecn 1 on
to "from the kernel" peer
equal "from the kernel: TCP_INFO and tcpctl say the same" \
    "$arrived" "$(stat_of tcp.ecn_ce_received)"
leave
equal "from the kernel: tcpd took in what was marked" "$arrived" \
    "$(relay_marked back)"

# Accurate ECN: what one end counts the other end knows.
export LAB_RELAY=marks LAB_PEER=tcpd
up
serve
arrived=0
for family in 4 6; do
	speak $family
	got=$(sends run $amount 2>&1)
	reacted "two tcpds, IPv$family" "$got"
	equal "two tcpds: packets with marks, at both ends" \
	    "$(value delivered_ce "$got")" "$(value their_received_ce "$got")"
	equal "two tcpds: octets with marks, at both ends" \
	    "$(value delivered_ce_bytes "$got")" \
	    "$(value their_received_ce_bytes "$got")"
	equal "two tcpds: octets that could have been marked, at both ends" \
	    "$(value delivered_e0_bytes "$got")" \
	    "$(value their_received_e0_bytes "$got")"
	arrived=$((arrived + $(value their_received_ce "$got")))
done
leave
equal "two tcpds: as many as were marked" "$arrived" "$(relay_marked there)"

# DCTCP in the classic form: its echo tells each mark, and only those.
export LAB_CONF="tcp { ecn = classic congestion = dctcp }"
up
serve
arrived=0
for family in 4 6; do
	speak $family
	got=$(sends run $amount 2>&1)
	reacted "DCTCP, IPv$family" "$got"
	equal "DCTCP: packets with marks, at both ends" \
	    "$(value delivered_ce "$got")" "$(value their_received_ce "$got")"
	arrived=$((arrived + $(value their_received_ce "$got")))
done
leave
# Bare ACKs and the handshake may have met some, too.
check "DCTCP: no more than were marked" \
    test "$arrived" -le "$(relay_marked there)"
unset LAB_PEER
export LAB_CONF="tcp { ecn = on }"

# ---- a path that loses SYNs which ask ----

export LAB_RELAY="-e short"
up
serve
set_ecn 1 classic
for family in 4 6; do
	speak $family
	for side in run peer; do
		sends $side 20000 >"$work/hole.$side.$family" 2>&1 &
		hole="${hole:-} $!"
	done
done
# shellcheck disable=SC2086
wait $hole
for family in 4 6; do
	for side in run peer; do
		got=$(cat "$work/hole.$side.$family")
		equal "a black hole, IPv$family: $side goes without" \
		    "$(value equal "$got") $(value ecn "$got")$(
		    )$(value their_ecn "$got")" '1 00'
	done
done
equal "a black hole: it is counted" "$(stat_of tcp.ecn_syn_fallbacks)" 2
leave
echo "1..$count"
[ "$failures" = 0 ]
