#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A server binds its port as root, changes its user, and listens only then; a
# client connects as root and changes its user.
families="4 6"
. "$(dirname "$0")/lib.sh"
need socat "$python"
[ "$UID" = 0 ] || skip_all "needs two users: run it as root"

up
serves run 900 server "$python" "$e2e/dropped.py" $any 900
equal "it serves" "$(echo hello | peer socat -t 10 - \
    "TCP$family:$tcpd_host:900")" hello
finish_of 10 server
equal "what it saw" "$(tr '\n' ' ' <"$work/server.log")" \
    "EACCES True True True "
serves peer 901 echo socat "TCP$family-LISTEN:901,fork" EXEC:cat
equal "a client that was root when it connected" \
    "$(run "$python" "$e2e/dropped.py" "$kernel" 901 connect 2>&1 |
	tr '\n' ' ')" "902 True True 0 77 True True b'hello' "
stop echo
finish 2
