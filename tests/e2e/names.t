#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Host names outside of a sandbox: whatever function of the C library asks, it
# is the daemon's resolver that does, of a server that only tcpd can reach.
. "$(dirname "$0")/lib.sh"
need_tcpd
need "$python" curl getent

export LAB_CONF="resolver { nameserver = \"$kernel\" }"
up
cd "$work" || exit 1
serves peer 53 dns "$python" "$e2e/names.py" $kernel 53 web.example=$kernel \
    www.example=alias:web.example six.example=2001:db8::77 \
    "many.example=1000*10.0.0.1" mail.far.example=192.0.2.25 \
    1.2.0.192.in-addr.arpa=name:web.example silent.example=silent
serves peer 8000 web "$python" -m http.server --bind $kernel \
    --directory "$e2e" 8000

# py EXPRESSION: under tcpd; libc is the whole process, as a linker has it.
py()
{
	run "$python" -c "
import ctypes, socket as s, sys
libc = ctypes.CDLL(None)
h_errno = libc['__h_errno_location']
h_errno.restype = ctypes.c_void_p
def res(f, *a):
    room = ctypes.create_string_buffer(4096)
    n = f(*[x.encode() if isinstance(x, str) else x for x in a], 1, 1, room,
          len(room))
    return s.inet_ntoa(room.raw[n - 4:n]) if n > 0 else n
try:
    print($1)
except OSError as e:
    print(e)" 2>&1
}

# ---- getaddrinfo(3) and its elders ----
equal "getaddrinfo" "$(run getent ahosts web.example | cut -d' ' -f1 |
    sort -u)" $kernel
equal "a family that the name has not" "$(run getent ahostsv6 six.example |
    cut -d' ' -f1 | sort -u)/$(run getent ahostsv4 six.example)" 2001:db8::77/
equal "its name is the last of the aliases'" "$(py 's.getaddrinfo("www.example",
    80, 0, 1, 0, s.AI_CANONNAME)[0][3:]')" "('web.example', ('$kernel', 80))"
equal "as many as there are" \
    "$(py 'len(s.getaddrinfo("many.example", 80, 0, 1))')" 1000
equal "AI_ADDRCONFIG means tcpd's families" "$(py '[len(s.getaddrinfo(n, 80, 0,
    1, 0, s.AI_ADDRCONFIG)) for n in ("web.example", "six.example")]')" "[1, 1]"
equal "gethostbyname" "$(py 's.gethostbyname_ex("www.example")')" \
    "('web.example', ['www.example'], ['$kernel'])"
equal "gethostbyaddr" "$(py 's.gethostbyaddr("192.0.2.1")[0]')" web.example
equal "getnameinfo" "$(py 's.getnameinfo(("192.0.2.1", 80), 0)')" \
    "('web.example', 'http')"
matches "one that does not exist" "$(py 's.getaddrinfo("nosuch.example", 1)')" \
    "Errno -2"
matches "one that nobody knows of in time" \
    "$(RES_OPTIONS=attempts:1 py 's.getaddrinfo("silent.example", 1)')" \
    "Errno -3"
equal "one of /etc/hosts is not asked for" \
    "$(run getent ahostsv4 localhost | head -n 1 | cut -d' ' -f1 &&
    grep -c localhost dns.log)" $'127.0.0.1\n0'
export LOCALDOMAIN="near.example far.example"
equal "a short one" "$(run getent hosts mail | tr -s ' ')" \
    "192.0.2.25 mail.far.example"
equal "... which the list was gone through for" \
    "$(grep -c 'mail.near.example' dns.log)" 2
equal "res_search" "$(py 'res(libc.res_search, "mail")')" 192.0.2.25
unset LOCALDOMAIN

# ---- resolver(3) ----
equal "res_query" "$(py 'res(libc.res_query, "web.example")')" $kernel
equal "the name of it that old programs have" \
    "$(py 'res(libc["__res_query"], "web.example")')" $kernel
equal "res_querydomain" "$(py 'res(libc.res_querydomain, "web", "example")')" \
    $kernel
equal "and h_errno of one that does not exist" "$(py '(res(libc.res_query,
    "nosuch.example"), ctypes.c_int.from_address(h_errno()).value)')" "(-1, 1)"

# ---- who else may be asked ----
check "curl by name" run curl -sSf -o got http://web.example:8000/lib.sh
check "equal" cmp got "$e2e/lib.sh"
check "where no socket of the kernel's can be" run --no-bypass curl -sSf \
    -o got http://web.example:8000/lib.sh
if [ "$UID" = 0 ]; then
	serves peer 514 rsh "$python" "$e2e/rcmd.py" serve $kernel
	equal "rcmd" "$(run "$python" "$e2e/rcmd.py" call www.example date)" \
	    "web.example me you date $tcpd reserved"
	equal "rcmd with a second channel" \
	    "$(run "$python" "$e2e/rcmd.py" call www.example date second)" \
	    "web.example me you date $tcpd reserved
the other one, reserved"
	equal "rcmd that is refused" \
	    "$(run "$python" "$e2e/rcmd.py" call www.example refused 2>&1 |
		sort | tr '\n' ' ')" "failed -1 not you "
else
	skip "rcmd" "reserved ports are root's"
fi
# switched LINE: with it as the line of hosts in nsswitch.conf.
switched()
{
	printf 'passwd: files\n%s\n' "$1" >nsswitch.conf
	run unshare -m sh -c 'mount --bind nsswitch.conf /etc/nsswitch.conf &&
	    getent ahostsv4 web.example | head -n 1 | cut -d" " -f1'
}
if unshare -m true 2>/dev/null && [ -e /etc/nsswitch.conf ]; then
	equal "before resolved" "$(switched \
	    'hosts: files resolve [!UNAVAIL=return] dns')" $kernel
	equal "a line with a remark" "$(switched '  hosts	:files dns#')" $kernel
	equal "without a line" "$(switched '')" $kernel
	equal "where it is not to be asked" "$(switched 'hosts: files')" ""
else
	skip "other services" "no mount namespaces here"
fi
# trapped SERVER: with it in resolv.conf, and no library.
trapped()
{
	echo "nameserver $1" >resolv.conf
	run --trap unshare -m sh -c 'mount --bind resolv.conf \
	    /etc/resolv.conf && getent ahostsv4 web.example | head -n 1 |
	    cut -d" " -f1'
}
if unshare -m true 2>/dev/null && [ -e /etc/resolv.conf ]; then
	equal "trapped, whom resolv.conf names" "$(trapped $kernel)" $kernel
	equal "... and nobody else" "$(trapped 127.0.0.1)" ""
else
	skip "trapped" "no mount namespaces here"
fi

TCPD_SOCKET=$work/none LD_PRELOAD=$top_builddir/.libs/libtcpd-preload.so \
    "$python" -c 'import socket; socket.getaddrinfo("web.example", 80)' \
    >gone 2>&1
matches "a daemon that is gone" "$(cat gone)" "Errno -3"
finish 4
