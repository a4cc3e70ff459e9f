#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# tcpd-run --sandbox: programs with no interface but lo.  Names are resolved by
# the daemon, from a server on the kernel's side; connections and listeners are
# tcpd's; nothing else leads out; and the tree's end leaves nothing.
families="4 6"
. "$(dirname "$0")/lib.sh"
need_tcpd
need "$python" curl openssl setsid hostname
unshare -Urn true 2>/dev/null || skip_all "no user namespaces here"

if [ "$family" = 4 ]; then
	kind=A other=2001:db8::1
else
	kind=AAAA other=192.0.2.1
fi

sandbox()
{
	run --sandbox "$@"
}

# asks NAME: its first address, by the C library.
asks()
{
	sandbox "$python" -c 'if True:
	    import socket, sys
	    print(socket.getaddrinfo(sys.argv[1], 80)[0][4][0])' "$1" 2>&1
}

names()
{
	serves peer "$2" "$1" "$python" "$e2e/names.py" $kernel "$2" "${@:3}"
}

# ends_with STATUS NAME CMD...
ends_with()
{
	local want=$1 name=$2
	shift 2
	"$@" >"$work/end.out" 2>&1 </dev/null
	equal "$name" $? "$want" || sed 's/^/# /' "$work/end.out"
}

# marked: processes that have this test's mark in their environment.
marked()
{
	grep -lz "^MARK=$LAB\$" /proc/[0-9]*/environ 2>/dev/null |
	    cut -d/ -f3
}

# in_state PID LETTER
in_state()
{
	[ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat")" = "$2" ]
}

export LAB_CONF="resolver { nameserver = \"$kernel_host\" }"
up
cd "$work" || exit 1
names dns 53 web.example=$kernel "many.example=40*$kernel" \
    silent.example=silent lies.example=lies
random_file file 3M
serves peer 8000 web "$python" "$e2e/put.py" $any 8000

# ---- what there is inside ----
equal "there is no interface but lo" \
    "$(sandbox ip -br link | cut -d' ' -f1)" lo
equal "but tcpd's, to who asks for addresses" \
    "$(sandbox hostname -I | xargs)" "192.0.2.2 2001:db8::2"
equal "who one is" "$(sandbox id -u) $(sandbox id -g)" "$(run id -u) $(run id -g)"
check "the files of the sandbox are its own" test -z \
    "$(grep -s '^nameserver 127.0.0.1$' /etc/resolv.conf)"

# ---- names ----
export RES_OPTIONS=attempts:1
# asks_long NAME: as asks, and how long it took.
asks_long()
{
	local began
	began=$(now_ms)
	asks "$1"
	echo "took $(($(now_ms) - began))"
}

spawn silent asks_long silent.example
spawn lies asks lies.example
equal "getaddrinfo" "$(asks web.example)" $kernel
equal "a family that the name has not" \
    "$(sandbox getent ahostsv$((10 - family)) web.example | grep -c $other)" 0
equal "an answer too long for a datagram" "$(sandbox "$python" -c 'if True:
    import socket
    print(len(socket.getaddrinfo("many.example", 80, 0, 1)))')" 40
matches "a name that does not exist" "$(asks nosuch.example)" 'not known'
matches "the queries went by way of tcpd" "$(cat dns.log)" \
    "udp web.example $kind"
matches "by TCP where an answer was cut" "$(cat dns.log)" \
    "tcp many.example $kind"
equal "/etc/hosts" "$(sandbox getent hosts localhost | wc -l)" 1
if busybox --list 2>/dev/null | grep -qx nslookup; then
	matches "a program that asks by itself" \
	    "$(sandbox sh -c 'busybox nslookup web.example')" "Address.*$kernel"
	matches "the daemon's /etc/hosts" \
	    "$(sandbox sh -c 'busybox nslookup localhost')" "127.0.0.1"
else
	skip "a program that asks by itself" "no busybox with nslookup"
fi
if [ "$family" = 4 ] && command -v go >/dev/null; then
	cat >go.go <<-'END'
	package main

	import ("fmt"; "net"; "os")

	func main() {
		a, err := net.LookupHost(os.Args[1])
		fmt.Println(a, err)
	}
	END
	CGO_ENABLED=0 GOCACHE=$work/go GOFLAGS=-mod=mod go build -o go.bin go.go \
	    >go.log 2>&1
	matches "a Go program" "$(sandbox sh -c './go.bin web.example')" \
	    "[[]$kernel[]] <nil>"
else
	skip "a Go program" "no go, or it was asked for already"
fi
finish_of 60 silent
took=$(sed -n 's/^took //p' silent.log)
matches "a server that says nothing" "$(cat silent.log)" 'gaierror|failure'
check "... in $took ms" test "$took" -lt 15000
finish_of 60 lies
matches "a server that lies" "$(cat lies.log)" 'gaierror|failure'
equal "many at once" "$(sandbox "$python" -c 'if True:
    import concurrent.futures, socket
    ask = lambda i: socket.getaddrinfo("web.example", i)[0][4][1]
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        print(sum(pool.map(ask, range(1, 401))))')" 80200

version=$(sed -n 's/^#define PROTO_VERSION \([0-9]*\)u$/\1/p' \
    "$top_srcdir/include/tcpd/proto.h")
equal "a user's 257th query at a time is refused" "$(peer "$python" \
    "$e2e/flood_names.py" "$labdir/tcpd.sock" "$version" 14 silent.example \
    300)" 44
equal "those whose clients have gone do not count" "$(asks web.example)" $kernel

# ---- names without any socket of the kernel's ----
equal "getaddrinfo, no bypass" "$(run --sandbox --no-bypass "$python" \
    -c 'if True:
    import socket
    print(socket.getaddrinfo("web.example", 80)[0][4][0],
          len(socket.getaddrinfo("many.example", 80, 0, 1)))' 2>&1)" \
    "$kernel 40"
if run --trap true 2>trap.err; then
	equal "getaddrinfo, no bypass, with the trap" "$(run --sandbox \
	    --no-bypass --trap getent hosts web.example | cut -d' ' -f1)" \
	    $kernel
	equal "who asks by himself, with the trap" "$(run --sandbox \
	    --no-bypass --trap "$python" "$e2e/asker.py" web.example $kind \
	    2>&1)" $kernel
else
	skip "getaddrinfo, no bypass, with the trap" "$(tail -n 1 trap.err)"
	skip "who asks by himself, with the trap" "no trap"
fi
# env: a sanitized tcpd-run bears no library that comes first.
equal "who asks by himself, with the shim" "$(sandbox env -u LD_PRELOAD \
    "$(sed -n 's/^tcpd_run=//p' "$labdir/state")" --no-bypass "$python" \
    "$e2e/asker.py" web.example $kind 2>&1)" $kernel
if [ -e go.bin ]; then
	equal "a Go program" "$(run --sandbox --no-bypass ./go.bin web.example \
	    2>&1)" "[$kernel] <nil>"
fi

# ---- connections ----
check "curl, by name" sandbox curl -sSf -o got http://web.example:8000/file
check "equal" cmp file got
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout key.pem -out cert.pem -days 2 -subj /CN=web.example \
    -addext subjectAltName=DNS:web.example >openssl.log 2>&1
serves peer 8443 tls openssl s_server -accept "$kernel_host:8443" -WWW \
    -cert cert.pem -key key.pem
check "curl, TLS, by name" sandbox curl -sSf --cacert cert.pem -o got.tls \
    https://web.example:8443/file
check "equal" cmp file got.tls
serves run 8001 inner --sandbox "$python" "$e2e/put.py" $any 8001
check "a listener in the sandbox" \
    peer curl -sSf -o got.in http://$tcpd_host:8001/file
check "equal" cmp file got.in
# env: a sanitized tcpd-run bears no library that comes first.
check "nested" run --sandbox env -u LD_PRELOAD \
    "$(sed -n 's/^tcpd_run=//p' "$labdir/state")" --sandbox curl -sSf -o got.nested http://web.example:8000/file
check "equal" cmp file got.nested

if ! run --trap true 2>trap.err; then
	skip "a static program, by name" "$(tail -n 1 trap.err)"
	skip "equal" "no trap"
elif busybox --list 2>/dev/null | grep -qx wget; then
	check "a static program, by name" sandbox --trap sh -c \
	    'busybox wget -qO got.static http://web.example:8000/file'
	check "equal" cmp file got.static
else
	skip "a static program, by name" "no busybox with wget"
	skip "equal" "no busybox with wget"
fi
equal "a datagram, and an answer" "$(sandbox "$python" -c 'if True:
    import socket, sys
    to = sys.argv[1]
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.settimeout(10)
    s.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", (to, 53))
    print(s.recvfrom(512)[1][0])' $kernel)" $kernel

# ---- no other way ----
outside='if True:
    import ctypes, errno, os, socket, sys
    libc = ctypes.CDLL(None, use_errno=True)
    six = ":" in sys.argv[1]
    number = {"x86_64": 41}.get(os.uname().machine, 198)
    # Not by the shim: the call itself.
    fd = libc.syscall(number, 10 if six else 2, int(sys.argv[2]), 0)
    name = socket.socket(fileno=fd)
    try:
        name.connect((sys.argv[1], 8000))
    except OSError as e:
        print(errno.errorcode[e.errno])'
equal "a TCP socket of the kernel's" \
    "$(sandbox env LD_PRELOAD= "$python" -c "$outside" $kernel 1)" ENETUNREACH
equal "a UDP socket of the kernel's" \
    "$(sandbox env LD_PRELOAD= "$python" -c "$outside" $kernel 2)" ENETUNREACH
equal "what the policy leaves to the kernel" "$(sandbox "$python" -c 'if True:
    import errno, socket
    s = socket.socket()
    print(errno.errorcode[s.connect_ex(("203.0.113.1", 80))])')" ENETUNREACH
equal "an address of the kernel's" "$(sandbox "$python" -c 'if True:
    import errno, socket, sys
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
    try:
        s.bind((sys.argv[1], 0))
    except OSError as e:
        print(errno.errorcode[e.errno])' $kernel)" EADDRNOTAVAIL
check "loopback is the sandbox's own" sandbox "$python" -c 'if True:
    import socket
    s = socket.create_server(("127.0.0.1", 8000))
    c = socket.create_connection(("127.0.0.1", 8000))
    s.accept()[0].send(b"x")
    assert c.recv(1) == b"x"'
check "namespaces outside are out of reach" \
    eval '! sandbox nsenter -t 1 -n true'

# ---- as env(1) would ----
ends_with 7 "a status" sandbox sh -c 'exit 7'
ends_with 143 "a death by signal" sandbox sh -c 'kill -TERM $$'
ends_with 127 "a program that is not there" sandbox ./nosuch
ends_with 126 "a program that cannot be run" sandbox ./file
equal "standard input and output" "$(echo hello | sandbox cat)" hello
equal "what is open is inherited" "$(sandbox sh -c 'cat <&9' 9<<<nine)" nine
check "its working directory" test "$(sandbox pwd)" = "$work"
equal "its process group is tcpd-run's" "$(setsid -w "$lab" run --sandbox \
    sh -c 'ps -o pgid= -p $$; ps -o pgid= -p $PPID' | sort -u | wc -l)" 1
spawn trap "$lab" run --sandbox sh -c \
    'trap "exit 9" USR1; : >ready; while :; do read -t 1 x <>fifo; done'
mkfifo fifo 2>/dev/null
check "a program starts" wait_for 10 test -e ready
kill -USR1 "${pid_of[trap]}"
ends_with 9 "a signal reaches the program" finish_of 10 trap
spawn stop "$lab" run --sandbox sh -c 'kill -STOP $$; exit 3'
check "it stops with the program" wait_for 10 in_state "${pid_of[stop]}" T
kill -CONT "${pid_of[stop]}"
ends_with 3 "and goes on with it" finish_of 10 stop
check "jobs of a shell on a terminal" \
    "$python" "$e2e/job.py" "$lab" run --sandbox

# ---- the end ----
spawn killed env MARK="$LAB" "$lab" run --sandbox sh -c \
    'setsid sleep 1000 & (sleep 1000 & sleep 1000) & : >all; wait'
check "a tree" wait_for 10 test -e all
wait_for 10 eval '[ "$(marked | wc -l)" -ge 6 ]'
kill -KILL "${pid_of[killed]}"
check "kill -9 of tcpd-run leaves nothing" wait_for 30 eval '[ -z "$(marked)" ]'
spawn guard env MARK="$LAB" "$lab" run --sandbox sh -c \
    'setsid sleep 1000 & : >all2; wait'
check "a tree" wait_for 10 test -e all2
# shellcheck disable=SC2046
kill -KILL $(for p in $(marked); do
	grep -lx tcpd-sandbox "/proc/$p/comm"
done | cut -d/ -f3)
check "nor does kill -9 of the guard" wait_for 30 eval '[ -z "$(marked)" ]'
wait "${pid_of[guard]}" 2>/dev/null
env MARK="$LAB" "$lab" run --sandbox sh -c \
    '(read -r _ <fifo; getent hosts web.example >late) >&- 2>&- &' 2>late.err
timeout 10 sh -c 'echo >fifo' # tcpd-run has ended
check "a daemon keeps its sandbox" wait_for 10 grep -q $kernel late
check "and then that goes" wait_for 30 eval '[ -z "$(marked)" ]'

# ---- users, and those who may not ----
run_bin=$(sed -n 's/^tcpd_run=//p' "$labdir/state")
as_user=()
[ "$UID" != 0 ] || as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
common=(env TCPD_SOCKET="$labdir/tcpd.sock")
if [ "$UID" = 0 ] && ! peer "${as_user[@]}" test -x "$run_bin"; then
	skip "an unprivileged user" "who cannot reach $run_bin"
else
	equal "an unprivileged user" "$(peer "${common[@]}" "${as_user[@]}" \
	    "$run_bin" --sandbox curl -sSf http://web.example:8000/file |
	    sha256sum)" "$(sha256sum <file)"
fi
matches "where there may be no user namespaces" "$(peer unshare -Ur sh -c '
    echo 0 >/proc/sys/user/max_user_namespaces
    exec "$@"' sh "${common[@]}" "$run_bin" --sandbox true 2>&1)" \
    'user namespace was refused.*max_user_namespaces is 0'

# ---- where loopback addresses are tcpd's ----
cp "$labdir/tcpd.conf" tcpd.conf
echo 'policy { loopback = tcpd }' >>"$labdir/tcpd.conf"
kill -HUP "$(cat "$labdir/tcpd.pid")"
check "a reload makes loopback addresses tcpd's" wait_for 10 eval \
    'run --check 127.0.0.1:53 | grep -q "^connect 127.0.0.1:53: tcpd"'
equal "who asks by himself" \
    "$(sandbox "$python" "$e2e/asker.py" web.example $kind 2>&1)" $kernel
cp tcpd.conf "$labdir/tcpd.conf"

# ---- another server, and none ----
names dns2 5353 web.example=$nobody
sed -i "s/^resolver.*/resolver { nameserver = \"$kernel_host:5353\" }/" \
    "$labdir/tcpd.conf"
kill -HUP "$(cat "$labdir/tcpd.pid")"
check "a reload takes another server" wait_for 10 eval \
    '[ "$(asks web.example)" = $nobody ]'
stop dns2
matches "a server that is not there" "$(asks web.example)" 'gaierror|failure'
carried 5
clean_log
check "down" "$lab" down
LAB_CONF='' up
matches "a daemon without a resolver" "$(asks web.example)" \
    'add a line like resolver'
finish
