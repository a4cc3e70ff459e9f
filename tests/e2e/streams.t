#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# socat and nc as client and server under the shim, with half close: one side
# ends its sending and still gets an answer.
families="4 6"
. "$(dirname "$0")/lib.sh"
need socat nc

random_file "$work/in" 30M
# nc -l ends with its peer's FIN, whatever it still has to read: the reply must
# be read long before that.
random_file "$work/reply" 1M
want=$(sum_of "$work/in")
up
cd "$work" || exit 1

# The client's side of each pair; the server is on the other.
for side in run peer; do
	if [ $side = run ]; then
		server=peer host=$kernel to=$kernel_host
		where="client in tcpd"
	else
		server=run host=$tcpd to=$tcpd_host
		where="server in tcpd"
	fi
	serves $server 7001 socat-$side socat -t 60 \
	    TCP$family-LISTEN:7001,reuseaddr SYSTEM:sha256sum
	answer=$("$lab" $side socat -t 60 - TCP:$to:7001 <in 2>socat.err)
	equal "socat, half close, $where" "${answer%% *}" "$want"
	finish_of 10 socat-$side
	equal "socat's server ends well, $where" $? 0

	serves $server 7005 nc-socat-$side socat -t 60 \
	    TCP$family-LISTEN:7005,reuseaddr SYSTEM:sha256sum
	answer=$(timeout 60 "$lab" $side nc -N $host 7005 <in 2>nc.err)
	equal "nc, half close, $where" "${answer%% *}" "$want"
	finish_of 10 nc-socat-$side

	# nc may drop what it has yet to send when its peer ends first (with
	# any TCP), so each way on its own.
	serves $server 7002 nc-$side sh -c \
	    "exec nc -$family -d -l 7002 >'$work/nc.got'"
	check "nc to nc, $where" eval \
	    'timeout 60 "$lab" $side nc -N $host 7002 <in'
	finish_of 10 nc-$side
	equal "nc's server ends well, $where" $? 0
	check "what it got is equal, $where" cmp in nc.got
	serves $server 7006 nc-back-$side sh -c \
	    "exec nc -$family -N -l 7006 <'$work/reply'"
	check "nc from nc, $where" eval \
	    'timeout 60 "$lab" $side nc -d $host 7006 >nc.back'
	finish_of 10 nc-back-$side
	equal "its server ends well, $where" $? 0
	check "what it gave is equal, $where" cmp reply nc.back
done

# One byte at a time, forth and back: an interactive session.
serves run 7003 cat-tcpd socat TCP$family-LISTEN:7003,reuseaddr,fork EXEC:cat
cat >chat.py <<'END'
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
for i in range(2000):
    s.sendall(bytes([i & 255]))
    if s.recv(1) != bytes([i & 255]):
        sys.exit("wrong byte %d" % i)
s.shutdown(socket.SHUT_WR)
sys.exit(s.recv(1) != b"")
END
check "2,000 single bytes forth and back, server in tcpd" \
    peer "$python" chat.py $tcpd 7003
serves peer 7004 cat-kernel socat TCP$family-LISTEN:7004,reuseaddr,fork EXEC:cat
check "2,000 single bytes forth and back, client in tcpd" \
    run "$python" chat.py $kernel 7004
finish 10
