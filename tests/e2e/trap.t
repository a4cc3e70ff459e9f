#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Programs that LD_PRELOAD cannot reach: the cases of tests/shim in a static
# program, busybox, Go; in processes of other users and network namespaces;
# what a kill of each side leaves; and that data does not pass by the trap.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
nobody_host=$nobody
[ "$family" = 4 ] || nobody_host=[$nobody]
bare=$top_builddir/tests/e2e/bare
[ -x "$bare" ] || skip_all "no static C library to link tests/e2e/bare with"

# ---- the calls, against the library, which compare.t holds to the kernel ----

# The subjects that are about the calls which are trapped.
subjects="connecting/ listening/ streaming/ sharing/ families/ options/"
subjects+=" heirs/ ports/ datagrams/"

# What read(), write() and recvmsg() say of an AF_UNIX socket where the library
# puts TCP's errno or name: tcpd-run(1) has the list.
untrapped='^[a-z]*/((fresh|refused_write|reset_write|reset_behind_fin|'
untrapped+='accepting|listeners): '
untrapped+='(read|recv|send|sendmsg|write|again|signals)|addresses: namelen)'
# The trap gives a connection its send buffer when it has come about, which is an
# edge more if the program has had that of the connection by then.
sometimes='^connecting/epoll_modes: no more edges:'
# Of datagrams besides what they say of one of a socket that is not connected,
# and of an errno that waits: an empty datagram.
untrapped+='|^datagrams/((fresh|connecting|shutting|refused|error_queue): '
untrapped+='(read|recv|send|write|oob|errqueue)|(gathering: readv'
untrapped+='|controlling: read):)'

# results FILE PROGRAM [OPTION]
results()
{
	local out=$1 program=$2 status
	shift 2
	export CASES_KIND=$family
	spawn "cases-${out##*/}" peer "$program" peer "$out.sock"
	# shellcheck disable=SC2086
	run "$@" env CASES_QUIT=1 "$program" run "$out.sock" \
	    $subjects >"$out.any" 2>"$out.err" </dev/null
	status=$?
	finish_of 10 "cases-${out##*/}"
	grep -vE "$sometimes" "$out.any" >"$out.all"
	grep -vE "$untrapped" "$out.all" >"$out"
	[ "$status" = 0 ] || { tail -n 5 "$out.err"; return 1; }
}

up
matches "--check tells whom names are asked of" "$(run --check "$bare")" \
    '^names: +whom /etc/resolv.conf names'
matches "--check tells why" "$(run --check "$bare")" \
    '^way: +trap: statically linked'
printf '#!/usr/bin/env -\n' >"$work/plain"
printf '#!%s\n' "$bare" >"$work/script"
chmod +x "$work/script" "$work/plain"
matches "of a script's interpreter" "$(run --check "$work/script")" \
    '^way: +trap: statically linked'
matches "and when it need not" "$(run --check "$work/plain")" \
    '^way: +LD_PRELOAD$'
check "the cases with the library" results "$work/library" \
    "$top_builddir/tests/shim/cases"
check "the cases trapped" results "$work/trapped" "$bare" --trap
check "$(wc -l <"$work/trapped") results equal" \
    diff "$work/library" "$work/trapped"
equal "but those of read, write and recvmsg" \
    "$(diff "$work/library.all" "$work/trapped.all" | grep -c '^>')" 28

# ---- programs ----

mkdir "$work/www"
random_file "$work/www/file" 8M
sum=$(sum_of "$work/www/file")
cd "$work/www" || exit 1
serves peer 8000 web-kernel "$python" -m http.server --bind $any 8000
cd "$work" || exit 1
serves peer 53 dns "$python" "$e2e/names.py" $kernel 53 web.example=$kernel
spawn echo-udp "$lab" peer "$python" "$e2e/udp.py" echo $kernel 7000
check "an echo of datagrams" wait_for 15 grep -q up "$work/echo-udp.log"
if run --check busybox 2>/dev/null | grep -q '^way: *trap'; then
	check "busybox wget" run busybox wget -q -O got \
	    http://$kernel_host:8000/file
	equal "whole" "$(sum_of got)" "$sum"
	serves run 9100 nc busybox nc -ll -p 9100 \
	    -e busybox cat "$work/www/file"
	peer socat -u TCP$family:$tcpd_host:9100 "CREATE:got" 2>/dev/null
	equal "busybox nc serves: whole" "$(sum_of got)" "$sum"
	stop nc
	matches "busybox nslookup" \
	    "$(run busybox nslookup web.example $kernel 2>&1)" \
	    "Address.*$kernel"
else
	skip "busybox" "not installed, or not static"
fi

# Without CGO_ENABLED=0 the library's parts need not be built, which takes long.
if command -v go >/dev/null && GOCACHE=$work/go GO111MODULE=off \
    go build -o "$work/web" "$e2e/web.go" 2>"$work/go.log"; then
	matches "--check knows Go" "$(run --check "$work/web")" \
	    '^way: +trap: carries the Go'
	equal "Go gets 40 times" \
	    "$(run "$work/web" get http://$kernel_host:8000/file 40)" "40 $sum"
	opens=$(stat_of tcp.active_opens)
	equal "Go gets under a shell" "$(run sh -c '"$0" get "$1" 1; true' \
	    "$work/web" "http://$kernel_host:8000/file")" "1 $sum"
	check "by a connection of tcpd's" \
	    test "$(stat_of tcp.active_opens)" -gt "$opens"
	equal "Go is refused" "$(run "$work/web" refused $kernel_host:9)" \
	    refused
	equal "Go's deadline" "$(run "$work/web" late "$nobody_host:9")" \
	    "timed out"
	serves run 8001 web-go "$work/web" serve ":8001" "$work/www"
	check "Go serves" peer curl -sSf -o got http://$tcpd_host:8001/file
	equal "whole" "$(sum_of got)" "$sum"
	stop web-go
	equal "Go asks in datagrams" \
	    "$(run "$work/web" ask $kernel_host:7000 40)" good
	equal "and resolves a name" "$(run --no-bypass "$work/web" name \
	    $kernel_host:53 web.example)" "[$kernel] <nil>"
	spawn answer-go "$lab" run "$work/web" answer ":7001"
	check "Go answers" wait_for 15 grep -q "^at" "$work/answer-go.log"
	for word in sizes names many asks; do
		equal "Go answers: $word" "$(SUBJECT=$kernel peer "$python" \
		    "$e2e/udp.py" $word $tcpd 7001 2>&1)" good
	done
	stop answer-go
else
	skip "Go" "not installed"
fi

serves peer 9000 load-kernel "$load" -p 9000 serve $any
serves run 9001 load-tcpd --trap "$load" -p 9001 serve $any
check "1,000 at once from tcpd" \
    run --trap "$load" -p 9000 -c 1000 -s 4096 many $kernel
check "1,000 at once to tcpd" \
    peer "$load" -p 9001 -c 1000 -s 4096 many $tcpd
stop load-tcpd

equal "what ends calls that wait" \
    "$(run --trap "$python" "$e2e/trapwait.py" $nobody 2>&1)" \
    "accept interrupted
connect interrupted
again $("$python" -c 'import errno; print(errno.EALREADY)')
patience EAGAIN
stops True
waits on 0
killed 15
meanwhile True
full EMFILE
full EMFILE"

# ---- other users, other networks ----

serves peer 9300 echo socat TCP$family-LISTEN:9300,fork,reuseaddr EXEC:cat
again=$(run --trap unshare -rn "$python" "$e2e/trapped.py" $kernel 9300 \
    <<<go 2>&1)
equal "from another network namespace" "$(tail -n 1 <<<"$again")" \
    "whole another"
matches "whose loopback is not ours" "$(run --trap unshare -rn "$python" \
    "$e2e/trapped.py" 127.0.0.1 9300 2>&1)" 'unreachable'

# ---- the trap itself ----

# The one in this lab, others may be about.
trap_pid()
{
	peer sh -c 'for p in $(pgrep -x tcpd-trap); do
		[ /proc/$p/ns/net -ef /proc/self/ns/net ] &&
		    grep -q "^State:.[^Z]" /proc/$p/status && echo $p
	done; true'
}

# Has line $1 of the program's the text $2?
said()
{
	[ "$(sed -n "$1p" "$work/program.log")" = "$2" ]
}

no_trap()
{
	[ -z "$(trap_pid)" ]
}

check "no program, no trap" wait_for 30 no_trap
mkfifo "$work/orders"
# program CMD...: with what is to come before python
program()
{
	exec "$lab" run --trap "$@" "$python" "$e2e/trapped.py" $kernel 9300 \
	    <"$work/orders"
}

# start [CMD...]
start()
{
	spawn program program "$@"
	exec {orders}>"$work/orders"
	wait_for 10 said 1 connected
}

if [ "$UID" = 0 ]; then
	start setpriv --reuid 65534 --clear-groups
	matches "who has become another user is that one for the quotas" \
	    "$(ctl show clients)" '^(65534|nobody) +1/'
	exec {orders}>&-
	finish_of 10 program
	# By its first datagram it becomes the kernel's.
	equal "a socket of the kernel's is that user's" "$(run --trap \
	    setpriv --reuid 65534 --clear-groups "$python" \
	    "$e2e/owner.py" $family 2>&1)" 65534
fi
start
echo go >&$orders
wait_for 10 said 2 "whole another"
mine=$(trap_pid)
check "one trap" test "$(wc -w <<<"$mine")" = 1
kill -STOP $mine
echo go >&$orders
python_pid()
{
	peer sh -c 'for p in $(pgrep -f "trapped.py '$kernel' 9300$"); do
		[ /proc/$p/ns/net -ef /proc/self/ns/net ] &&
		    grep -q python /proc/$p/comm && echo $p
	done'
}
program_pid=$(python_pid)
# It stands in socket(), and has had its data back before that.
stands_in_socket()
{
	grep -q "^$(printf '41\|198') " /proc/$program_pid/syscall
}
check "data passes while the trap is stopped" wait_for 10 stands_in_socket
kill -CONT $mine
check "and then the call is served" wait_for 10 said 3 "whole another"
kill -KILL $mine
echo go >&$orders
check "killed: connections go on, calls fail" wait_for 10 said 4 "whole ENOSYS"
exec {orders}>&-
check "the program ends" finish_of 10 program

start
kill -KILL "$(python_pid)"
exec {orders}>&-
check "a killed program's trap ends" wait_for 30 no_trap
gone() { [ "$(stat_of engine.connections)" = 0 ]; }
check "and the daemon has nothing of it" wait_for 30 gone
finish 1
