# SPDX-License-Identifier: ISC
"""UDP as programs use it, one word of the command line at a time.

	udp.py echo HOST PORT [N]   answers N datagrams (0: for ever), says "up"
	udp.py WORD HOST PORT       asks that echo; prints "good" if all is well
"""
import errno
import hashlib
import os
import select
import socket
import struct
import sys

PATIENCE = 15


def new(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    return s


def echo(host, port, n="0"):
    s = new(host)
    s.settimeout(None)
    s.bind((host, port))
    print("up", flush=True)
    left = int(n)
    while True:
        data, who = s.recvfrom(70000)
        s.sendto(data, who)
        left -= 1
        if left == 0:
            break


def text(n):
    return (hashlib.sha256(str(n).encode()).digest() * (n // 32 + 1))[:n]


def sizes(host, port):
    s, c = new(host), new(host)
    c.connect((host, port))
    for n in (0, 1, 100, 1452, 1453, 1472, 1473, 3000, 9000, 65507):
        assert s.sendto(text(n), (host, port)) == n
        data, who = s.recvfrom(70000)
        assert data == text(n) and who[:2] == (host, port), n
        assert c.send(text(n)) == n
        assert c.recv(70000) == text(n), n
    try:
        c.send(bytes(65508 if ":" not in host else 65528))
        return "too long a datagram went"
    except OSError as e:
        assert e.errno == errno.EMSGSIZE, e


def names(host, port):
    c = new(host)
    assert c.getsockname()[1] == 0
    c.connect((host, port))
    name = c.getsockname()
    assert name[1] != 0 and name[0] == os.environ["SUBJECT"], name
    assert c.getpeername()[:2] == (host, port)
    c.send(b"x")
    data, who = c.recvfrom(10)
    assert who[:2] == (host, port), who
    # Another peer's datagram is not for it.
    b = new(host)
    b.bind((os.environ["SUBJECT"], 0))
    b.sendto(b"y", (host, port))
    assert b.recv(10) == b"y"


def provoke(c):
    """Sends until it is refused: the kernel sends few ICMP errors a second."""
    for _ in range(PATIENCE * 5):
        c.send(b"x")
        if select.select([c], [], [], 0.2)[0]:
            return
    raise AssertionError("nobody refuses it")


def refused(host, port):
    c = new(host)
    c.connect((host, 9))
    provoke(c)
    try:
        c.recv(10)
        return "no error"
    except ConnectionRefusedError:
        pass
    provoke(c)
    assert c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == \
        errno.ECONNREFUSED
    provoke(c)
    try:
        c.send(b"x")
        return "no error"
    except ConnectionRefusedError:
        pass
    # It goes on after that, with another peer.
    c.connect((host, port))
    c.send(b"again")
    while True:
        try:
            assert c.recv(10) == b"again"
            return
        except ConnectionRefusedError:
            pass


def waits(host, port):
    c = new(host)
    c.setblocking(False)
    p, e = select.poll(), select.epoll()
    p.register(c, select.POLLIN | select.POLLOUT)
    e.register(c, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    assert p.poll(0) == [(c.fileno(), select.POLLOUT)], p.poll(0)
    assert e.poll(0) == [(c.fileno(), select.EPOLLOUT)]
    try:
        c.recv(1)
        return "there was something"
    except BlockingIOError:
        pass
    c.connect((host, port))
    c.send(b"x")
    while not e.poll(PATIENCE)[0][1] & select.EPOLLIN:
        pass
    assert p.poll(0)[0][1] & select.POLLIN
    assert c.recv(1) == b"x"
    assert p.poll(0) == [(c.fileno(), select.POLLOUT)]


def parts(host, port):
    s = new(host)
    for flags in (0, socket.MSG_PEEK, socket.MSG_TRUNC,
                  socket.MSG_PEEK | socket.MSG_TRUNC):
        s.sendto(b"0123456789", (host, port))
        buf = bytearray(4)
        n, _, got, who = s.recvmsg_into([buf], 0, flags)
        assert bytes(buf) == b"0123" and got & socket.MSG_TRUNC
        assert n == (10 if flags & socket.MSG_TRUNC else 4), (flags, n)
        assert who[:2] == (host, port)
        if flags & socket.MSG_PEEK:
            assert s.recv(20) == b"0123456789"
    s.sendmsg([b"ab", b"", b"cde"], [], 0, (host, port))
    a, b = bytearray(2), bytearray(9)
    assert s.recvmsg_into([a, b])[0] == 5
    assert bytes(a) == b"ab" and bytes(b[:3]) == b"cde"


def peeks(host, port):
    """What nc -u -l does: peeks, connects to whom it saw, then reads."""
    s = new(host)
    s.sendto(b"first", (host, port))
    s.sendto(b"second", (host, port))
    data, who = s.recvfrom(100, socket.MSG_PEEK)
    select.select([s], [], [], PATIENCE)
    s.connect(who)
    s.settimeout(None)
    seen = {os.read(s.fileno(), 100), os.read(s.fileno(), 100)}
    assert seen == {b"first", b"second"}, seen
    s.send(b"third")
    assert os.read(s.fileno(), 100) == b"third"
    s.send(b"")
    assert os.read(s.fileno(), 100) == b""


def asks(host, port):
    """IP_PKTINFO, IP_RECVTOS, IP_RECVTTL and their like."""
    v6 = ":" in host
    s = new(host)
    level = socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP
    info = socket.IPV6_PKTINFO if v6 else 8
    for name in ((socket.IPV6_RECVPKTINFO, socket.IPV6_RECVTCLASS,
                  socket.IPV6_RECVHOPLIMIT) if v6 else (8, 13, 12)):
        s.setsockopt(level, name, 1)
    s.sendto(b"x", (host, port))
    data, control, _, who = s.recvmsg(10, 200)
    said = {(lv, ty): v for lv, ty, v in control}
    assert len(said) == 3, said
    here = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET,
                            os.environ["SUBJECT"])
    got = said[(level, info)]
    assert (got[:16] if v6 else got[8:12]) == here, got
    ttl = said[(level, socket.IPV6_HOPLIMIT if v6 else 2)]
    assert struct.unpack("i", ttl)[0] == 64
    assert len(said[(level, socket.IPV6_TCLASS if v6 else 1)]) == \
        (4 if v6 else 1)
    # The same on one that is connected.
    s.connect((host, port))
    s.send(b"y")
    data, control, _, who = s.recvmsg(10, 200)
    assert data == b"y" and len(control) == 3 and who[:2] == (host, port)


def many(host, port):
    """A thousand, with no more than 32 under way, none lost on this link."""
    s = new(host)
    s.connect((host, port))
    sent, got = 0, set()
    while len(got) < 1000:
        while sent < 1000 and sent - len(got) < 32:
            s.send(b"%d" % sent)
            sent += 1
        got.add(s.recv(100))
    assert got == {b"%d" % i for i in range(1000)}


def shares(host, port):
    """A child and a copy have the same socket."""
    s = new(host)
    s.connect((host, port))
    pid = os.fork()
    if pid == 0:
        os.write(os.dup(s.fileno()), b"child")
        os._exit(0)
    os.waitpid(pid, 0)
    assert s.recv(100) == b"child"
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [s.fileno()])
    s.close()
    fds = socket.recv_fds(b, 1, 1)[1]
    os.set_blocking(fds[0], True)
    os.write(fds[0], b"passed")
    assert os.read(fds[0], 100) == b"passed"


def ports(host, port):
    """Conflicts, sharing and what the number is."""
    mine = os.environ["SUBJECT"]
    a, b = new(host), new(host)
    a.bind((mine, 0))
    taken = a.getsockname()[1]
    try:
        b.bind((mine, taken))
        return "twice"
    except OSError as e:
        assert e.errno == errno.EADDRINUSE
    for s in (a, b):
        s.close()
    a, b = new(host), new(host)
    for s in (a, b):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((mine, taken))
    try:
        new(host).bind(("2001:db8::77" if ":" in host else "192.0.2.77", 0))
        return "somebody else's address"
    except OSError as e:
        assert e.errno == errno.EADDRNOTAVAIL


def local(host, port):
    """The loopback address is the kernel's, whoever asks there."""
    home = "::1" if ":" in host else "127.0.0.1"
    s, c = new(host), new(host)
    s.bind((home, 0))
    c.bind(("::" if ":" in host else "0.0.0.0", 0))
    mine = c.getsockname()[1]
    c.sendto(b"x", s.getsockname())
    data, who = s.recvfrom(10)
    assert who[1] == mine, (who, mine)


if __name__ == "__main__":
    said = globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
    print(said or "good")
