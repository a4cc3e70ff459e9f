#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# A server binds its port as root, changes its user, and listens only then.
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
finish 1
