#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# What RFC 9293 asks of applications, of the programs that come with tcpd:
# nobody marks data urgent or changes the Diffserv field under way of his own
# accord.  (The shim does both when its program asks for it.)
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top_srcdir" || exit 1
programs="daemon/main.c daemon/dev daemon/proc libclient/tcpd-run.c
	libclient/tcpctl contrib tests/bench"
count=0 failures=0

# none WORDS NAME: no line of a program has one of the words
none()
{
	local found
	count=$((count + 1))
	# shellcheck disable=SC2086
	found=$(grep -rnwE "$1" $programs)
	if [ -z "$found" ]; then
		echo "ok $count - $2"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $count - $2"
	printf '%s\n' "$found" | sed 's/^/# /'
}

# The engine passes a peer's mark on, over AF_UNIX; that is all.
programs="${programs/daemon\/proc/$(find daemon/proc -name '*.c' \
    ! -name chan_io.c | tr '\n' ' ')}"
none 'MSG_OOB|SIGURG|POLLPRI' "SHLD-13 no urgent data"
none 'IP_TOS|IPV6_TCLASS' "SHLD-23 no change of the Diffserv field"
echo "1..$count"
[ "$failures" = 0 ]
