#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# TCP MD5 signatures (RFC 2385) with the kernel as the peer, both ways, on keys
# that agree, differ or are missing; over a path that loses; and another tcpd.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd

md5=$e2e/md5.py
key="between two peers"
loop=127.0.0.1
[ "$family" = 4 ] || loop=::1

# The kernel's side needs CONFIG_TCP_MD5SIG.
probe='import socket, struct
s = socket.socket()
a = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton("192.0.2.9"))
s.setsockopt(socket.IPPROTO_TCP, 14, struct.pack("=128sBBHi80s", a, 0, 0, 1,
    0, b"k"))'

# ask SIDE ADDRESS PORT KEY [BYTES]
ask()
{
	timeout 90 "$lab" "$1" "$python" "$md5" ask "$2" "$3" "$4" "${5:-100000}"
}

# refused NAME SIDE ADDRESS PORT KEY: no connection comes about, in silence.
refused()
{
	silence "$1" ask "$2" "$3" "$4" "$5"
}

# drops NAME TEXT: tcpd counted some.
drops()
{
	check "$1" test "$(ctl show drops | awk -v n="$2" '$0 ~ n { s += $1 }
	    END { print s + 0 }')" -gt 0
}

# pair FROM TO ADDRESS PORT: from the one to the other's servers.
pair()
{
	local from=$1 to=$2 address=$3 port=$4
	equal "$from to $to, signed" "$(ask "$from" "$address" "$port" "$key" \
	    3000000)" good
	refused "$from to $to, wrong key" "$from" "$address" "$port" other
	refused "$from to $to, no key" "$from" "$address" "$port" ""
	equal "$from to $to, key of a prefix, said early" \
	    "$(ask "$from" "$address" $((port + 1)) "of the net")" good
	equal "$from to $to, no key on either side" \
	    "$(ask "$from" "$address" $((port + 2)) "")" good
	refused "$from to $to, a signature nobody wants" "$from" "$address" \
	    $((port + 2)) "$key"
	silences
}

# servers SIDE PEER PORT: with this key for the peer; of its net; with none.
servers()
{
	local net=192.0.2.0/24 host
	host=$2
	[ "$family" = 4 ] || net=2001:db8::/32
	serves "$1" "$3" "$1.$3" "$python" "$md5" serve "$host" "$3" "$key"
	serves "$1" $(($3 + 1)) "$1.net.$3" "$python" "$md5" early "$host" \
	    $(($3 + 1)) "" "$net" "of the net"
	serves "$1" $(($3 + 2)) "$1.none.$3" "$python" "$md5" serve "$host" \
	    $(($3 + 2)) ""
}

stop_all()
{
	for name in "${!pid_of[@]}"; do
		kill "${pid_of[$name]}" 2>/dev/null
	done
}

up
if peer "$python" -c "$probe" >"$work/probe" 2>&1; then
	servers peer "$tcpd" 9000
	servers run "$kernel" 9100
	wait_for 30 grep -q ready "$work/run.9100.log"
	pair run peer "$kernel" 9000
	pair peer run "$tcpd" 9100
	# Loopback is the kernel's, whom the shim gives the key.
	serves peer 9120 loop "$python" "$md5" serve "$loop" 9120 "$key"
	equal "to the kernel's loopback, signed" \
	    "$(ask run "$loop" 9120 "$key")" good
	refused "to the kernel's loopback, wrong key" run "$loop" 9120 other
	silences
	drops "unsigned SYNs are counted" "no MD5 signature"
	drops "wrong signatures are counted" "wrong MD5"
	drops "unwanted signatures are counted" "MD5 signature of whom"
	# While one is up tcpctl says so, and not what the key is.
	spawn slow "$lab" run "$python" "$md5" ask "$kernel" 9000 "$key" \
	    100000000
	wait_for 10 eval 'ctl -j ss | grep -q "\"md5\": *true"'
	matches "tcpctl shows what is signed" "$(ctl -j ss)" '"md5": *true'
	check "and nothing of the key" test "$(ctl -j ss | grep -c "$key")" = 0
	stop slow
else
	skip "with the kernel" "no TCP_MD5SIG in this kernel: $(tail -n 1 \
	    "$work/probe")"
fi
stop_all
clean_log
"$lab" down >/dev/null 2>&1

if [ -x "$top_builddir/tests/sim/relay" ]; then
	export LAB_DEVICE=packet LAB_SIX=yes LAB_RELAY=rough
	up
	if peer "$python" -c "$probe" >/dev/null 2>&1; then
		servers peer "$tcpd" 9000
		servers run "$kernel" 9100
		equal "rough path, tcpd to the kernel" \
		    "$(ask run "$kernel" 9000 "$key" 60000)" good
		equal "rough path, the kernel to tcpd" \
		    "$(ask peer "$tcpd" 9100 "$key" 60000)" good
	fi
	stop_all
	clean_log
	"$lab" down >/dev/null 2>&1
	unset LAB_SIX LAB_RELAY
	export LAB_DEVICE=
fi

export LAB_PEER=tcpd
up
spawn other "$lab" peer "$python" "$md5" serve "$tcpd" 9000 "$key"
check "a server under another tcpd" wait_for 10 grep -q ready "$work/other.log"
equal "tcpd to tcpd, signed" "$(ask run "$kernel" 9000 "$key" 3000000)" good
refused "tcpd to tcpd, wrong key" run "$kernel" 9000 other
silences
stop other

finish 1
