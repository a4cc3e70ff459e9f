# shellcheck shell=bash
# SPDX-License-Identifier: ISC
#
# What the files of tests/programs are written in, beside the words of
# tests/e2e/lib.sh.  Each file is a Debian program; its head says what is done,
# and which packages that takes, and goes into tcpd-compat(7):
#
#	# redis: what is done.
#	# packages: redis-server redis-tools
#	# open: what does not work, and why (then the file may fail)
#
# A run is one of the ways, in PROGRAM_WAY: the peer is the kernel or another
# tcpd, over IPv4 or IPv6: kernel.4, tcpd.6.
#
# on SIDE puts the program as a server on that side, run (the tcpd under test)
# or peer, its clients on the other, and gives the addresses $server and
# $server_host.  A file defines
#
#	start	starts the server, by `server PORT CMD...'
#	work	real work with a checksum, by `client CMD...'; repeated often
#	reload	optional: has the server take a new configuration
#
# and says `lives', which has it started, worked, reloaded, restarted, killed
# and refused by a quota.

set -u
PROGRAM_WAY=${PROGRAM_WAY:-kernel.4}
E2E_FAMILY=${PROGRAM_WAY#*.}
LAB_PEER=${PROGRAM_WAY%.*}
export E2E_FAMILY LAB_PEER
programs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top_srcdir=${top_srcdir:-$(cd "$programs/../.." && pwd)}
# shellcheck source=tests/e2e/lib.sh
. "$top_srcdir/tests/e2e/lib.sh"

[ "$UID" = 0 ] || skip_all "servers change their user: run it as root"
cd "$work" || exit 1
side=run other=peer server=$tcpd server_host=$tcpd_host port=0 where=

# needs PACKAGE=PROGRAM..., or one word where both are the same.
needs()
{
	local pair
	for pair in "$@"; do
		command -v "${pair#*=}" >/dev/null ||
		    [ -e "${pair#*=}" ] ||
		    skip_all "the package ${pair%%=*} is not installed"
	done
}

on()
{
	side=$1
	if [ "$side" = run ]; then
		other=peer server=$tcpd server_host=$tcpd_host
		where="server in tcpd"
	else
		other=run server=$kernel server_host=$kernel_host
		where="client in tcpd"
	fi
}

# Whether the peer, kernel or tcpd, listens on a port.
kernel_listens()
{
	if [ "$LAB_PEER" = tcpd ] && [ "$LAB_DEVICE" != kernel ]; then
		"$lab" peerctl show listeners | grep -qE "[:. ]$1( |\$)"
	else
		peer ss -Htln "sport = :$1" | grep -q .
	fi
}

side_listens()
{
	if [ "$side" = run ]; then
		tcpd_listens "$1"
	else
		kernel_listens "$1"
	fi
}

# server PORT CMD...: the server, in the foreground, in a group of processes of
# its own: some signal to all of theirs.
server()
{
	port=$1
	shift
	spawn server setsid "$lab" "$side" "$@"
	wait_for 15 side_listens "$port" && return
	not_ok "$where: the server listens on port $port"
	sed 's/^/# /' server.log
	return 1
}

here()
{
	"$lab" "$side" "$@"
}

client()
{
	"$lab" "$other" "$@"
}

# does NAME CMD...: as check, with the side in front.
does()
{
	local name=$1
	shift
	check "$where: $name" "$@"
}

# same NAME GOT WANT: two files.
same()
{
	does "$1" cmp "$2" "$3"
}

# kill -9 of a process and all that came from it, the oldest first halted, so that
# none of them makes another meanwhile.
kill_tree()
{
	local pid
	kill -STOP "$1" 2>/dev/null || return
	for pid in $(pgrep -P "$1"); do
		kill_tree "$pid"
	done
	kill -KILL "$1"
}

alive()
{
	kill -0 "${pid_of[server]}" 2>/dev/null
}

not()
{
	! "$@"
}

# ---- the life of a server ----

restarted()
{
	stop server
	does "it stops, and its listener is gone" \
	    wait_for 10 not side_listens "$port"
	start && work "restarted"
}

# hold N: so many connections; with $words, where the server is to see them only
# when they speak (TCP_DEFER_ACCEPT).
hold()
{
	spawn holder "$lab" "$other" "$python" "$programs/hold.py" \
	    "$server" "$port" "$1" "${words:-}"
}

# kill -9 of all its processes, while a client holds a connection.
killed()
{
	wait_for 5 side_listens "$port" # some listen anew after each client
	hold 1
	does "a client is connected" wait_for 10 grep -q 'held 1' \
	    "$work/holder.log" || sed 's/^/# /' "$work/holder.log"
	kill_tree "${pid_of[server]}"
	wait "${pid_of[server]}" 2>/dev/null
	does "killed, its listener is gone within a second" \
	    wait_for 1 not side_listens "$port"
	does "and its client is told" wait_for 10 ended holder
	ended holder || stop holder
	start && work "started again at once"
}

# Which limit holds for all users of the tcpd under test from now on; none: as
# before.
quota()
{
	local conf=$labdir/tcpd.conf n
	[ "$LAB_DEVICE" != kernel ] || return 0
	[ -e "$work/conf" ] || cp "$conf" "$work/conf"
	n=$(grep -c 'read again' "$labdir/log")
	{
		cat "$work/conf"
		[ "$1" = none ] || echo "quota { connections = $1 }"
	} >"$conf"
	kill -HUP "$(cat "$labdir/tcpd.pid")"
	wait_for 5 eval '[ "$(grep -c "read again" \
	    "$labdir/log")" -gt '"$n ]"
}

refusals()
{
	ctl -j show clients | jq '[.. | .conns_refused? // empty] | add'
}

held_some()
{
	[ "$(tail -n 1 "$work/holder.log")" = "held $1" ]
}

# More clients than the user of the server may have connections: those wait in
# the network until there is room, and the server never knows.
quota_of_server()
{
	local before
	before=$(refusals)
	quota 3 || not_ok "the quota is set"
	hold 6
	does "at a quota further clients are refused" \
	    wait_for 10 eval '[ "$(refusals)" -gt '"${before:-0} ]"
	does "the server runs on" alive
	quota none || not_ok "the quota is lifted"
	does "and they get in when there is room" \
	    wait_for 15 held_some 6
	stop holder
	work "after that"
}

# clients PROGRAM may use to show the quota: fails at once, and does not hang.
quota_of_client()
{
	[ "$LAB_DEVICE" != kernel ] || return 0
	quota 0 || not_ok "the quota is set"
	does "at a quota of 0 the client says so" not timeout 20 \
	    "$lab" "$other" "$@"
	quota none || not_ok "the quota is lifted"
	does "and works after that" "$lab" "$other" "$@"
}

# The whole life in tcpd.  Leaves the server running.
lives()
{
	start || return
	work "at first"
	if declare -F reload >/dev/null; then
		does "it reloads" reload
		work "after the reload"
	fi
	restarted
	[ "$LAB_DEVICE" = kernel ] && return
	killed
	quota_of_server
}

# both_sides [CLIENT...]: the server's life in tcpd; then it serves from the
# peer, and CLIENT..., a command that needs a connection, meets a quota.
both_sides()
{
	on run
	lives
	stop server
	on peer
	start || return
	work "to the peer"
	[ $# = 0 ] || quota_of_client "$@"
	stop server
}

# ---- programs that are clients ----

clients_gone()
{
	[ "$(stat_of engine.connections)" = 0 ]
}

# kill -9 of a client in mid-transfer: nothing of it stays.
client_killed()
{
	[ "$LAB_DEVICE" != kernel ] || return 0
	spawn victim client "$@"
	does "a client is in mid-transfer" \
	    wait_for 10 not clients_gone
	kill_tree "${pid_of[victim]}"
	wait "${pid_of[victim]}" 2>/dev/null
	does "killed, nothing of it is left after a second" \
	    wait_for 1 clients_gone
}

# webserver: nginx on $side with $work/www, plain at port 8080 and by TLS with
# HTTP/2 at 8443.
webserver()
{
	certificate
	nginx_conf 8080 "
		sendfile on;
		server { listen $any_host:8080;
			listen $any_host:8443 ssl http2;
			ssl_certificate $work/cert.pem;
			ssl_certificate_key $work/key.pem;
			root $work/www;
			location /slow/ { alias $work/www/; limit_rate 1m; } }" \
	    >nginx.conf
	server 8080 nginx -e stderr -p "$work" -c "$work/nginx.conf"
}

certificate()
{
	[ -e cert.pem ] || openssl req -x509 -newkey rsa:2048 -nodes \
	    -keyout key.pem -out cert.pem -days 2 -subj /CN=tcpd.test \
	    -addext "subjectAltName=IP:$tcpd,IP:$kernel" 2>/dev/null
	chmod 644 key.pem
}
