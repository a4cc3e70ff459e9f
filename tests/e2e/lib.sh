# shellcheck shell=bash
# SPDX-License-Identifier: ISC
#
# The few words that the scripts of tests/e2e are written in.  Each script
# makes a lab of its own name (contrib/lab), runs real programs under the shim
# and in the kernel against each other, says TAP, and leaves nothing behind.
# Nothing sleeps: wait_for polls a condition up to a deadline.
#
#	E2E_DEVICE=kernel tests/e2e/curl.t
#
# runs a script with the kernel's TCP on both sides, the truth to compare with;
# checks that only tcpd can answer are skipped then.
#
# A script that sets families="4 6" before it reads this runs once for each, its
# results in one list; E2E_FAMILY=6 runs that one alone.  $kernel and $tcpd are
# the addresses then, $kernel_host and $tcpd_host the same as URLs and socat
# have them, $any the wildcard.

set -u

# One run for each family, their results renumbered.
run_families()
{
	local f out status=0
	out=$(mktemp "${TMPDIR:-/tmp}/tcpd-e2e.XXXXXX")
	for f in $families; do
		E2E_FAMILY=$f bash "$0" "$@" | awk -v f="$f" \
		    -v n="$(grep -cE '^(not )?ok ' "$out")" '
		/^1[.][.]0 # SKIP/ {
			sub(/^1[.][.]0/, "")
			print "ok " ++n " - IPv" f $0; fflush(); next
		}
		/^1[.][.]/ { next }
		/^(not )?ok / {
			sub(/ok [0-9]+ - /, "ok " ++n " - IPv" f ": ")
		}
		{ print; fflush() }' | tee -a "$out"
		[ "${PIPESTATUS[0]}" = 0 ] || status=1
	done
	echo "1..$(grep -cE '^(not )?ok ' "$out")"
	rm -f "$out"
	exit $status
}
if [ -n "${families:-}" ] && [ -z "${E2E_FAMILY:-}" ]; then
	run_families "$@"
fi
family=${E2E_FAMILY:-4}
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
PATH=$PATH:/usr/sbin:/sbin
e2e=$top_srcdir/tests/e2e
lab=$top_srcdir/contrib/lab
load=$top_builddir/tests/bench/load
LAB=$(basename "$0" .t).$$
LAB_BUILD=$top_builddir
LAB_DEVICE=${E2E_DEVICE:-}
export LAB LAB_BUILD LAB_DEVICE
# Another user must be able to reach the sockets of root's labs.
[ "$UID" = 0 ] && unset XDG_RUNTIME_DIR
labdir=${XDG_RUNTIME_DIR:-/tmp}/tcpd-lab.$UID/$LAB
work=$(mktemp -d "${TMPDIR:-/tmp}/tcpd-e2e.XXXXXX")
chmod 755 "$work"
if [ "$family" = 4 ]; then
	kernel=192.0.2.1 tcpd=192.0.2.2 nobody=192.0.2.99 any=0.0.0.0
	kernel_host=$kernel tcpd_host=$tcpd any_host=$any
else
	kernel=2001:db8::1 tcpd=2001:db8::2 nobody=2001:db8::99 any=::
	kernel_host=[$kernel] tcpd_host=[$tcpd] any_host=[$any]
fi
count=0 failures=0
declare -A pid_of
# The distribution's interpreter, not one that a user installed elsewhere.
python=/usr/bin/python3

exec {tick}<> <(:)

cleanup()
{
	"$lab" down >/dev/null 2>&1
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

note()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

ok()
{
	count=$((count + 1))
	echo "ok $count - $*"
}

not_ok()
{
	count=$((count + 1)) failures=$((failures + 1))
	echo "not ok $count - $*"
}

skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

# check NAME CMD...: passes when CMD does.  Its output is shown if not.
check()
{
	local name=$1 status
	shift
	"$@" >"$work/check.out" 2>&1 </dev/null
	status=$?
	if [ "$status" = 0 ]; then
		ok "$name"
		return 0
	fi
	not_ok "$name"
	note "status $status of: $*"
	tail -n 15 "$work/check.out" | sed 's/^/# /'
	return 1
}

# equal NAME GOT WANT
equal()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		note "got:  $2"
		note "want: $3"
		return 1
	fi
}

# matches NAME TEXT REGEX
matches()
{
	if grep -qE -- "$3" <<<"$2"; then
		ok "$1"
	else
		not_ok "$1"
		note "no match of /$3/ in:"
		note "$(head -n 20 <<<"$2")"
		return 1
	fi
}

now_ms()
{
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

pause()
{
	read -rt "$1" -u "$tick" _
	return 0
}

# wait_for SECONDS CMD...: polls until CMD succeeds; 1 at the deadline.
wait_for()
{
	local deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$deadline" ] || return 1
		pause 0.02
	done
}

clock_past()
{
	[ "$(now_ms)" -ge "$1" ]
}

# spawn NAME CMD...: in the background; its output goes to $work/NAME.log.
spawn()
{
	local name=$1
	shift
	"$@" >"$work/$name.log" 2>&1 </dev/null &
	pid_of[$name]=$!
}

# ended NAME: has it?
ended()
{
	! kill -0 "${pid_of[$1]}" 2>/dev/null
}

# finish_of SECONDS NAME: waits for it; its status, or 124 if it would not end.
finish_of()
{
	wait_for "$1" ended "$2" || return 124
	wait "${pid_of[$2]}"
}

# silence NAME CMD...: a client that says so when its SYNs have had no answer for
# $CONNECT_S seconds.  All of them wait side by side, for silences.
silent=()
silence()
{
	CONNECT_S=4 spawn "silent.${#silent[@]}" "${@:2}"
	silent+=("$1")
}

silences()
{
	local i
	for i in "${!silent[@]}"; do
		wait "${pid_of[silent.$i]}"
		unset "pid_of[silent.$i]"
		matches "${silent[i]}: the SYN stays unanswered" \
		    "$(tail -n 1 "$work/silent.$i.log")" 'timed out|timeout'
	done
	silent=()
}

stop()
{
	kill "${pid_of[$1]}" 2>/dev/null
	wait_for 5 ended "$1" || kill -KILL "${pid_of[$1]}" 2>/dev/null
	wait "${pid_of[$1]}" 2>/dev/null
	return 0
}

# up: makes the lab, or ends the script.  options as of contrib/lab.
up()
{
	if ! "$lab" up >"$work/up.log" 2>&1; then
		sed 's/^/# /' "$work/up.log"
		if grep -q 'cannot make a network namespace\|/dev/net/tun' \
		    "$work/up.log"; then
			skip_all "$(grep -m 1 'namespace\|/dev/net/tun' \
			    "$work/up.log")"
		fi
		echo "Bail out! the lab does not come up"
		exit 1
	fi
}

down()
{
	check "lab down" "$lab" down
}

need_tcpd()
{
	[ "$LAB_DEVICE" != kernel ] || skip_all "only tcpd can answer this"
}

need()
{
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null ||
		    skip_all "$program is not installed"
	done
}

run()
{
	"$lab" run "$@"
}

peer()
{
	"$lab" peer "$@"
}

ctl()
{
	"$lab" ctl "$@"
}

kernel_listens()
{
	peer ss -Htln "sport = :$1" | grep -q .
}

tcpd_listens()
{
	if [ "$LAB_DEVICE" = kernel ]; then
		run ss -Htln "sport = :$1" | grep -q .
	else
		ctl show listeners | grep -qE "[:. ]$1( |\$)"
	fi
}

# serves SIDE PORT NAME CMD...: starts a server on a side (peer or run) and
# waits until it listens there.
serves()
{
	local side=$1 port=$2 name=$3 listens=kernel_listens
	shift 3
	[ "$side" = run ] && listens=tcpd_listens
	spawn "$name" "$lab" "$side" "$@"
	if ! wait_for 15 "$listens" "$port"; then
		not_ok "$name listens on port $port"
		sed 's/^/# /' "$work/$name.log"
		return 1
	fi
}

# nginx_conf PORT SERVERS: a configuration for two workers of another user,
# which is told from others by that port.
nginx_conf()
{
	local user="user nobody nogroup;" what
	[ "$UID" = 0 ] || user="user root root;"
	printf '%s\n' "daemon off;" "$user" "worker_processes 2;" \
	    "pid $work/nginx.$1.pid;" "error_log stderr;" \
	    "events { worker_connections 1024; }" "http {" "access_log off;"
	for what in client_body proxy fastcgi uwsgi scgi; do
		echo "${what}_temp_path $work/$what.$1;"
	done
	printf '%s\n' "$2" "}"
}

# random_file PATH SIZE (of head -c)
random_file()
{
	head -c "$2" /dev/urandom >"$1"
}

sum_of()
{
	sha256sum <"$1" | cut -d' ' -f1
}

# stat_of tcp.conns: one number of tcpctl's statistics.
stat_of()
{
	ctl show stats | awk -v name="$1" '$2 == name { print $1 }'
}

# carried N: that so many connections at least were tcpd's; a program whose
# connections slipped to the kernel would pass all else.
carried()
{
	local opens
	[ "$LAB_DEVICE" = kernel ] && return
	opens=$(($(stat_of tcp.active_opens) + $(stat_of tcp.passive_opens)))
	check "tcpd carried $opens connections, at least $1" \
	    test "$opens" -ge "$1"
}

# The sanitizers report into the daemon's log; nothing may be in there.
clean_log()
{
	[ "$LAB_DEVICE" = kernel ] && return
	if grep -qE 'Sanitizer|runtime error|CHECK|check failed' \
	    "$labdir/log" 2>/dev/null; then
		not_ok "the daemon's log has no complaint"
		grep -E -A 12 'Sanitizer|runtime error|CHECK|check failed' \
		    "$labdir/log" | head -n 60 | sed 's/^/# /'
	else
		ok "the daemon's log has no complaint"
	fi
	if [ ! -d "/proc/$(cat "$labdir/tcpd.pid" 2>/dev/null)" ]; then
		not_ok "the daemon still runs"
		tail -n 10 "$labdir/log" | sed 's/^/# /'
	fi
}

# finish [N]: the last line of each script; as of carried.
finish()
{
	[ $# = 0 ] || carried "$1"
	clean_log
	echo "1..$count"
	[ "$failures" = 0 ]
}
