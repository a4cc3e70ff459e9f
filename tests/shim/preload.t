#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# What needs no daemon: which symbols the libraries export, that programs and
# descriptors which are not tcpd's notice nothing, what happens without a
# daemon, and what tcpd-run says about programs that it cannot serve.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
lib=$top_builddir/.libs
run=$top_builddir/tcpd-run
cases=$top_builddir/tests/shim/cases
work=$(mktemp -d "${TMPDIR:-/tmp}/tcpd-shim.XXXXXX")
trap 'rm -rf "$work"' EXIT
count=0 failures=0
export TCPD_SOCKET=$work/nowhere/tcpd.sock
unset LD_PRELOAD

is()
{
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $count - $1"
	printf 'got:  %s\nwant: %s\n' "$2" "$3" | sed 's/^/# /'
}

has()
{
	case $2 in
	*"$3"*) is "$1" yes yes ;;
	*) is "$1" "$2" "... $3 ..." ;;
	esac
}

preload=$lib/libtcpd-preload.so
want=$(sed -n '/global/,/local/{/:/d;p}' "$top_srcdir/libclient/preload.map" |
    tr -d ' \t' | tr ';' '\n' | grep . | sort)
if [ "$(uname -m)" = x86_64 ] || [ "$(uname -m)" = aarch64 ]; then
	is "exports what its map says" \
	    "$(nm -D --defined-only "$preload" | awk '{ print $3 }' | sort)" \
	    "$want"
fi
is "libtcpd exports tcpd_* only" "$(nm -D --defined-only "$lib/libtcpd.so" |
    awk '$2 == "T" { print $3 }' | grep -v '^tcpd_')" ""
is "no allocation, no threads" "$(nm -D --undefined-only "$preload" |
    grep -wE 'malloc|calloc|realloc|pthread_create|open|fopen')" ""

is "needs the C library only" "$(readelf -d "$preload" |
    sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libdl|ld-linux)')" ""

# What a program can see of the library that it did not ask for.
# shellcheck disable=SC2016
state='ls -l /proc/self/fd | sed "s/.* -> //" | grep -v /proc/ | sort
	grep Threads /proc/self/status; ls /proc/self/task | wc -l'
is "no descriptor, no thread" \
    "$(LD_PRELOAD=$preload bash -c "$state" </dev/null 2>&1 | tr '0-9' 'n')" \
    "$(bash -c "$state" </dev/null 2>&1 | tr '0-9' 'n')"
# Before main nobody calls the allocator that the library could not be there for:
# a counting one is called as often with it as without.
cat >"$work/count.c" <<'C'
#include <stddef.h>
#include <unistd.h>
extern void *__libc_malloc(size_t n);
static int calls;
void *malloc(size_t n) { calls++; return __libc_malloc(n); }
int main(void) { char c = (char)('0' + calls); return write(1, &c, 1) != 1; }
C
if ${CC:-cc} -o "$work/count" "$work/count.c" 2>/dev/null; then
	is "no allocation before main" "$(LD_PRELOAD=$preload "$work/count")" \
	    "$("$work/count")"
fi

# Allocators that are preloaded with it, before and behind.
for allocator in libjemalloc.so.2 libmimalloc.so.2 libtcmalloc_minimal.so.4; do
	path=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p)
	path=$(awk -v n="$allocator" '$1 == n { print $NF; exit }' <<<"$path")
	[ -n "$path" ] || continue
	for both in "$path:$preload" "$preload:$path"; do
		"$cases" peer "$work/allocator" &
		peer=$!
		LD_PRELOAD=$both CASES_QUIT=1 "$cases" run "$work/allocator" \
		    connecting/flags connecting/loopback \
		    >"$work/$allocator" 2>&1
		wait "$peer"
		"$cases" peer "$work/allocator" &
		peer=$!
		CASES_QUIT=1 "$cases" run "$work/allocator" connecting/flags \
		    connecting/loopback >"$work/alone" 2>&1
		wait "$peer"
		is "$allocator, ${both##*/} last" "$(cat "$work/$allocator")" \
		    "$(cat "$work/alone")"
	done
done

# What any library costs, one without a line in it, is the machine's and the
# dynamic linker's: what ours costs more is ours.
startup_cost()
{
	local round us
	echo >"$work/empty.c"
	${CC:-cc} -shared -o "$work/empty.so" "$work/empty.c" || return
	for round in 1 2 3; do
		us=$("$top_builddir/tests/shim/startup" 400 /bin/true \
		    "$preload" "$work/empty.so") || return
		echo "# loaded in" $us "us (the shim, an empty library)"
		[ $((${us%%$'\n'*} - ${us##*$'\n'})) -ge 25 ] || return 0
	done
	return 1
}
costs=$(startup_cost 2>&1) && under=yes || under=no
echo "$costs"
is "costs under 25 us more to load than an empty library" "$under" yes

is "silent" "$(LD_PRELOAD=$preload /bin/echo hello 2>&1)" hello

# Cases that stay within the kernel, both ways.
for how in plain shim; do
	"$cases" peer "$work/peer" &
	peer=$!
	{
		[ "$how" = shim ] && export LD_PRELOAD=$preload
		"$cases" run "$work/peer" connecting/flags
		CASES_QUIT=1 "$cases" run "$work/peer" connecting/loopback
	} >"$work/$how" 2>&1
	unset LD_PRELOAD
	wait "$peer"
done
is "loopback and flags as without" "$(cat "$work/shim")" "$(cat "$work/plain")"

# shellcheck disable=SC2016
has "no daemon, no bypass" "$(LD_PRELOAD=$preload bash -c \
    'exec 3<>/dev/tcp/192.0.2.1/9' 2>&1)" "Network is down"

says()
{
	"$run" "$@" 2>&1
	echo "status $?"
}
has "no daemon: cause" "$(says /bin/true)" "no daemon: $TCPD_SOCKET"
has "no daemon: status" "$(says /bin/true)" "status 124"
has "no such program" "$(says no-such-program)" "status 127"
has "no argument" "$(says)" "usage:"
has "unknown option" "$(says --colour)" "status 125"
has "help" "$(says --help)" "status 0"
has "version" "$(says -V)" "status 0"
has "path too long" "$(says -s "$(printf '%0200d' 0)" /bin/true)" "107 bytes"
has "bad timeout" "$(says -W soon /bin/true)" "number of seconds"
has "path in the environment too long" "$(TCPD_SOCKET=$(printf '%0200d' 0) \
    says /bin/true)" "107 bytes"
has "not the daemon's: a file" "$(says -s "$0" /bin/true)" \
    "Connection refused; start tcpd"

# As execvp(3) finds programs and env(1) ends.
mkdir -p "$work/path/env" && : >"$work/path/denied"
has "no name" "$(says '')" "status 127"
has "below a file" "$(says "$0/x")" "status 126"
has "what is passed over" "$(PATH=$work/path:$PATH says denied)" "status 126"
has "a directory of that name" "$(PATH=$work/path:$PATH says env true)" \
    "no daemon"
has "options of the program" "$(says env --check)" "no daemon"

cat >"$work/static.c" <<'C'
int main(void) { return 0; }
C
if ${CC:-cc} -static -o "$work/static" "$work/static.c" 2>/dev/null; then
	has "static: is served, so the daemon is missed" \
	    "$(says "$work/static")" "status 124"
fi
if [ "$UID" = 0 ]; then
	cp /bin/true "$work/setuid"
	chown 65534 "$work/setuid" && chmod u+s "$work/setuid"
	chmod 755 "$work"
	has "set-user-ID" "$(setpriv --reuid 65533 --clear-groups \
	    "$run" "$work/setuid" 2>&1)" "set-user-ID"
	has "set-user-ID, trapped" "$(setpriv --reuid 65533 --clear-groups \
	    "$run" --trap "$work/setuid" 2>&1)" "without the privileges"
fi
printf '\177ELF\1\1\1' >"$work/foreign"
head -c 100 /dev/zero >>"$work/foreign"
chmod +x "$work/foreign"
has "another class" "$(says "$work/foreign")" "another class or machine"
echo "1..$count"
[ "$failures" = 0 ]
