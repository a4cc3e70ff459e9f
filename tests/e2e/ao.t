#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# TCP-AO (RFC 5925) with another tcpd, and with the kernel where it has that:
# algorithms, keys that differ, a key that another one follows, and refusals.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd

ao=$e2e/ao.py
sha="61,84,hmac(sha1),between two peers"
ahs="84,61,hmac(sha1),between two peers"
aes="5,6,cmac(aes128),sixteen bytes ok"
sea="6,5,cmac(aes128),sixteen bytes ok"
sha2="7,7,hmac(sha256),a third one"

# ask SIDE ADDRESS PORT BYTES KEY...
ask()
{
	timeout 90 "$lab" "$1" "$python" "$ao" ask "${@:2}"
}

# refused NAME SIDE ADDRESS PORT KEY: no connection comes about, in silence.
refused()
{
	silence "$1" ask "$2" "$3" "$4" 1000 "$5"
}

# drops NAME TEXT: tcpd counted some.
drops()
{
	check "$1" test "$(ctl show drops | awk -v n="$2" '$0 ~ n { s += $1 }
	    END { print s + 0 }')" -gt 0
}

# servers SIDE PEER PORT: with three keys; with one, said early; with none.
servers()
{
	spawn "$1.$3" "$lab" "$1" "$python" "$ao" serve "$2" "$3" "$ahs" \
	    "$sea" "$sha2"
	spawn "$1.early" "$lab" "$1" "$python" "$ao" early "$2" $(($3 + 1)) \
	    "$ahs"
	spawn "$1.none" "$lab" "$1" "$python" "$ao" serve "$2" $(($3 + 2)) ""
	check "servers on the side of $1" wait_for 10 eval "grep -q ready \
	    '$work/$1.$3.log' && grep -q ready '$work/$1.early.log' && \
	    grep -q ready '$work/$1.none.log'"
}

# pair FROM TO ADDRESS PORT: from the one to the other's servers.
pair()
{
	local from=$1 to=$2 address=$3 port=$4
	equal "$from to $to, SHA-1" \
	    "$(ask "$from" "$address" "$port" 2000000 "$sha")" good
	equal "$from to $to, AES" \
	    "$(ask "$from" "$address" "$port" 2000000 "$aes")" good
	equal "$from to $to, SHA-256" \
	    "$(ask "$from" "$address" "$port" 100000 "$sha2")" good
	equal "$from to $to, keys said early" \
	    "$(ask "$from" "$address" $((port + 1)) 100000 "$sha")" good
	equal "$from to $to, one key follows another" "$(timeout 90 "$lab" \
	    "$from" "$python" "$ao" turn "$address" "$port" 300000 "$sha" \
	    "$aes")" "good good 61 6 True 0 good"
	equal "$from to $to, no key on either side" \
	    "$(ask "$from" "$address" $((port + 2)) 1000 "")" good
	refused "$from to $to, wrong key" "$from" "$address" "$port" \
	    "61,84,hmac(sha1),other"
	refused "$from to $to, unknown id" "$from" "$address" "$port" \
	    "61,85,hmac(sha1),between two peers"
	refused "$from to $to, no key" "$from" "$address" "$port" ""
	refused "$from to $to, a key nobody wants" "$from" "$address" \
	    $((port + 2)) "$sha"
	silences
}

# The kernel's side needs CONFIG_TCP_AO.
up
if peer "$python" "$ao" probe >"$work/probe" 2>&1; then
	servers run "$kernel" 9100
	servers peer "$tcpd" 9000
	pair run peer "$kernel" 9000
	pair peer run "$tcpd" 9100
else
	skip "with the kernel" "no TCP-AO in this kernel: $(tail -n 1 \
	    "$work/probe")"
fi
for name in "${!pid_of[@]}"; do
	kill "${pid_of[$name]}" 2>/dev/null
done
clean_log
"$lab" down >/dev/null 2>&1

export LAB_PEER=tcpd
up
equal "refusals as Linux has them" \
    "$(timeout 60 "$lab" run "$python" "$ao" api "$kernel")" done
servers run "$kernel" 9100
servers peer "$tcpd" 9000
pair run peer "$kernel" 9000
pair peer run "$tcpd" 9100
drops "unsigned SYNs are counted" "no TCP-AO signature"
drops "wrong signatures are counted" "wrong TCP-AO"
drops "unwanted signatures are counted" "TCP-AO signature where"
spawn slow "$lab" run "$python" "$ao" ask "$kernel" 9000 200000000 "$sha"
wait_for 10 eval 'ctl -j ss | tr -d " \n" | grep -q "\"ao\":{\"current\":61"'
matches "tcpctl shows whose keys are in use" "$(ctl -j ss | tr -d ' \n')" \
    '"ao":{"current":61,"rnext":84}'
check "and nothing of the key" test "$(ctl -j ss | grep -c between)" = 0
stop slow
finish 1
