#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# 100,000 SYNs a second from nobody at a listener: SYN cookies let new clients
# in, and a transfer that is under way goes on.
. "$(dirname "$0")/lib.sh"
need_tcpd
need socat

flood=$top_builddir/tests/bench/synflood
random_file "$work/in" 20M
want=$(sum_of "$work/in")
# The sources must be somewhere that answers could go to.
export LAB_CONF="route \"198.18.0.0/15\" { via = \"$kernel\" }
quota { half_open = 64 }"
up
peer ping -qc 1 $tcpd >/dev/null
interface=$(peer ip -br link | awk '!/^lo/ { sub("@.*", "", $1); print $1; exit }')
serves run 7001 sum socat -t 60 TCP-LISTEN:7001,reuseaddr,fork SYSTEM:sha256sum
serves peer 7002 sum-peer socat -t 60 TCP-LISTEN:7002,reuseaddr,fork SYSTEM:sha256sum

spawn flood "$lab" peer "$flood" -r 100000 -s 8 "$interface" $tcpd 7001
check "the SYN queue runs over" wait_for 10 eval \
    '[ "$(stat_of tcp.syn_cookies)" -gt 10000 ]'
check "the device keeps some away" \
    wait_for 10 eval '[ "$(stat_of engine.syn_filter)" -gt 1 ]'
# What others ask of a listener is not held against its user's own connections.
answer=$(run timeout 20 socat -t 20 - TCP:$kernel:7002 <"$work/in")
equal "its user connects outwards" "${answer%% *}" "$want"
answer=$(peer timeout 60 socat -t 60 - TCP:$tcpd:7001 <"$work/in")
equal "20 MB to the listener that is flooded" "${answer%% *}" "$want"
cat >"$work/in.py" <<'END'
import hashlib, socket, sys
for i in range(10):
    s = socket.create_connection((sys.argv[1], 7001), 20)
    s.settimeout(20)
    s.sendall(b"x" * i)
    s.shutdown(socket.SHUT_WR)
    got = s.recv(100).split()[0].decode()
    if got != hashlib.sha256(b"x" * i).hexdigest():
        sys.exit("connection %d: wrong answer" % i)
END
check "ten new clients, one after another" \
    peer timeout 100 "$python" "$work/in.py" $tcpd
finish_of 30 flood
check "and lets all in again when it is over" \
    wait_for 30 eval '[ "$(stat_of engine.syn_filter)" = 1 ]'
note "$(cat "$work/flood.log"); $(stat_of tcp.syn_cookies) cookies"
check "no memory is held for the flood: $(stat_of tcp.half_open) half-open" \
    test "$(stat_of tcp.half_open)" -le 4096
finish 12
