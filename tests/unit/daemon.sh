#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# daemon.sh: starts tcpd in a network namespace of its own and looks at its life:
# start in fore- and background, control socket, reload, clean stop, the death of
# a child, what is left behind.  First with the engine that only answers
# (tcpd-standin: it can be told to misbehave), then a round with the real one.
#
# Runs as root in a network namespace, otherwise in a user namespace; skipped
# with a reason where neither works or there is no /dev/net/tun to open.
set -u
build=${top_builddir:-.}
ctl_bin=$(readlink -f "$build/tcpctl")
standin=$(readlink -f "$build/tests/unit/tcpd-standin")
tcpd=$(readlink -f "$build/tcpd")

if [ -z "${DAEMON_SH_INSIDE:-}" ]; then
	flags=-n
	[ "$(id -u)" = 0 ] || flags=-Urn
	if ! unshare $flags true 2>/dev/null; then
		echo "SKIP: no namespaces here (unshare $flags is refused)"
		exit 77
	fi
	# shellcheck disable=SC2016
	if ! unshare $flags sh -c ': <>/dev/net/tun' 2>/dev/null; then
		echo "SKIP: /dev/net/tun is not there or may not be opened"
		exit 77
	fi
	export DAEMON_SH_INSIDE=1
	exec timeout 120 unshare $flags bash "$0" "$@"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/tcpd-daemon.XXXXXX") || exit 99
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
failed=0 daemon=''

ok()
{
	echo "ok - $1"
}

# check TEXT CMD...
check()
{
	local text=$1
	shift
	if "$@"; then
		ok "$text"
	else
		echo "not ok - $text: $*"
		[ -s "$work/log" ] && sed 's/^/# /' "$work/log" | tail -n 20
		failed=1
	fi
}

ctl()
{
	"$ctl_bin" -s "$work/run/control.sock" "$@"
}

quietly()
{
	"$@" >/dev/null
}

# stat_of NAME: a counter of the daemon
stat_of()
{
	ctl show stats | awk -v n="$1" '$2 == n { print $1 }'
}

write_conf()
{
	cat >"$work/tcpd.conf" <<-END
	device tap { name = "daemonsh0"  host_address = "192.0.2.1/24" }
	address = "192.0.2.2/24"
	socket = "$work/run/tcpd.sock"
	control = "$work/run/control.sock"
	pidfile = "$work/run/tcpd.pid"
	$*
	END
}

# wait_log TEXT: reads the daemon's standard error until a line holds TEXT.
wait_log()
{
	local line
	while IFS= read -rt 30 -u "$log" line; do
		printf '%s\n' "$line" >>"$work/log"
		case $line in
		*"$1"*) return 0 ;;
		esac
	done
	return 1
}

# start BINARY: in the foreground, until it is ready
start()
{
	: >"$work/log"
	exec {log}<> <(:)
	"$1" -dv -f "$work/tcpd.conf" 2>&"$log" &
	daemon=$!
	wait_log ready:
}

# ended: the daemon's exit status, within 30 seconds
ended()
{
	timeout 30 tail -s 0.05 --pid="$daemon" -f /dev/null
	wait "$daemon"
	status=$?
}

gone()
{
	[ ! -e "$work/run/tcpd.pid" ] && [ ! -e "$work/run/tcpd.sock" ] &&
	    [ ! -e "$work/run/control.sock" ] && [ ! -e "$work/run/bind" ]
}

children()
{
	pgrep -P "$daemon" | sort | tr '\n' ' '
}

stop()
{
	kill -TERM "$daemon"
	ended
}

ip link set lo up 2>/dev/null

# ---- -n ----
write_conf
check "-n accepts a good file" quietly "$tcpd" -n -f "$work/tcpd.conf"
check "and the example" quietly "$tcpd" -n \
    -f "${top_srcdir:-$(dirname "$0")/../..}/contrib/tcpd.conf.example"
write_conf 'colour = 1'
"$tcpd" -n -f "$work/tcpd.conf" 2>"$work/err"
check "-n refuses a bad one" test $? = 1
check "and says where" grep -q 'tcpd.conf:6: no such option' "$work/err"

# ---- a life in the foreground ----
write_conf 'quota { connections = 11 }'
check "starts" start "$standin"
check "the pid file holds its number" \
    grep -qx "$daemon" "$work/run/tcpd.pid"
check "the client socket is open to all" \
    test "$(stat -c %a "$work/run/tcpd.sock")" = 666
check "the control socket is not" \
    test "$(stat -c %a "$work/run/control.sock")" = 660
check "bind/ is like /tmp" test "$(stat -c %a "$work/run/bind")" = 1777
check "the host side has its address" \
    grep -q 192.0.2.1/24 <(ip addr show daemonsh0)
check "the control socket answers" test "$(stat_of standin.quota_conns)" = 11
if grep -q 'running under' "$work/log"; then
	check "the log says what the sandbox leaves out" \
	    grep -q 'without the file system' "$work/log"
elif ! grep -q 'no empty root' "$work/log"; then
	check "the engine's root is empty" \
	    test "$(stat_of standin.root_is_empty)" = 1
	check "but for its descriptors" \
	    test "$(stat_of standin.own_descriptors)" = 1
fi
if grep -q ' 4294967295$' /proc/self/uid_map; then # all users are mapped
	check "the engine is not root" test "$(stat_of standin.uid)" != 0
	check "another user may not ask" grep -q 'control_group' <(
	    setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$ctl_bin" -s "$work/run/control.sock" show stats 2>&1)
fi
for child in $(children); do
	check "no capabilities in $child" \
	    grep -q '^CapEff:.0*$' "/proc/$child/status"
	grep -q 'running under' "$work/log" || check "a filter in $child" \
	    grep -q '^Seccomp:.2$' "/proc/$child/status"
done

"$standin" -d -f "$work/tcpd.conf" 2>"$work/err"
check "a second daemon is refused" test $? = 1
check "with the first one's number" grep -q "process $daemon" "$work/err"

# 100,000 rows stream; a reader who does not read holds up nobody.
check "a long table arrives whole" test "$(ctl show conn | wc -l)" = 100001
check "as JSON too" test \
    "$(ctl -j show connections | grep -c '^{"id"')" = 100000
exec {slow}< <(exec "$ctl_bin" -s "$work/run/control.sock" show connections)
read -r -u "$slow" _
check "another asks meanwhile" test "$(stat_of standin.uid)" != ''
check "and the slow one gets the rest" test "$(wc -l <&"$slow")" = 100000
exec {slow}<&-
ctl show connections | head -n 1 >/dev/null
check "one who left half way leaves nothing" \
    test "$(stat_of control.malformed)" = 0
check "close: what is not there" \
    grep -q 'no connection has this ID' <(ctl close 99 2>&1)
check "close: as root" ctl close 1
check "log verbose" ctl log verbose
check "is done" wait_log 'the log is verbose'

write_conf 'quota { connections = 12 }' 'memory { buffers = 2000000 }'
kill -HUP "$daemon"
check "SIGHUP reads it again" wait_log 'read again'
check "what needs a restart is named" \
    grep -q 'memory buffers has changed' "$work/log"
check "the new quota is with the engine" \
    test "$(stat_of standin.quota_conns)" = 12
write_conf 'quota { connections = none }'
kill -HUP "$daemon"
check "a bad file changes nothing" wait_log 'stays as it was'
check "and is named with its line" grep -q 'tcpd.conf:6:' "$work/log"
check "the old quota holds" test "$(stat_of standin.quota_conns)" = 12
stop
check "SIGTERM ends it with 0" test "$status" = 0
check "nothing is left behind" gone

# ---- children that fail ----
write_conf
check "starts again" start "$standin"
ctl close 3 2>/dev/null
ended
check "an engine's death ends it with 1" test "$status" = 1
check "the log names the signal" wait_log 'was killed by signal 9'
check "nothing is left behind" gone

check "starts again" start "$standin"
ctl close 4 2>/dev/null
ended
check "a malformed message ends it with 1" test "$status" = 1
check "the log says who sent it" wait_log 'the engine sent a malformed'

if ! grep -q 'running under\|not restricted' "$work/log"; then
	check "starts again" start "$standin"
	ctl close 2 2>/dev/null
	ended
	check "a forbidden system call ends it with 1" test "$status" = 1
	check "the log names the call" wait_log '(ptrace)'
fi

check "starts again" start "$standin"
kids=$(children)
kill -KILL "$daemon"
ended
for child in $kids; do
	check "a child ends with its parent" \
	    timeout 30 tail -s 0.05 --pid="$child" -f /dev/null
done
check "sockets are left over" test -S "$work/run/tcpd.sock"
check "they do not hinder the next" start "$standin"
stop
check "which stops cleanly" test "$status" = 0

# ---- the background ----
"$standin" -f "$work/tcpd.conf"
check "in the background: 0 when it is ready" test $? = 0
daemon=$(cat "$work/run/tcpd.pid")
check "it answers at once" test "$(stat_of standin.uid)" != ''
kill -TERM "$daemon"
check "SIGTERM" timeout 30 tail -s 0.05 --pid="$daemon" -f /dev/null
check "nothing is left behind" gone
write_conf "user = \"root\""
"$standin" -f "$work/tcpd.conf" 2>/dev/null
check "1 when it cannot start" test $? = 1
write_conf
sed -i 's/device tap.*/device packet { interface = "nonesuch" }/' \
    "$work/tcpd.conf"
"$standin" -f "$work/tcpd.conf" 2>"$work/err"
check "1 without its device" test $? = 1
check "and the caller is told why" grep -q nonesuch "$work/err"
check "nothing is left behind" gone

# ---- the real engine ----
write_conf
check "tcpd starts" start "$tcpd"
for what in connections listeners clients stats drops neighbours addresses routes policy
do
	check "show $what" quietly ctl show $what
	check "show $what as JSON" quietly ctl -j show $what
done
check "ss" quietly ctl ss -taien
check "why" grep -q ': tcpd, because' <(ctl why 192.0.2.1:80)
stop
check "SIGTERM ends it with 0" test "$status" = 0
check "nothing is left behind" gone
exit $failed
