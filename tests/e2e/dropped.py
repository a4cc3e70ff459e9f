# SPDX-License-Identifier: ISC
# dropped.py HOST PORT: binds as root, becomes nobody, then listens, as servers
# do that take a port below 1024; says what each step gave, and echoes once.
# dropped.py HOST PORT connect: connects and binds as root, and goes on with both
# as nobody.
import errno
import os
import select
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


def become_nobody():
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def connected():
    s.setblocking(False)
    s.connect_ex((host, port))
    bound = socket.socket(s.family)
    bound.bind(("", 902))
    become_nobody()
    bound.connect((host, port))
    print(bound.getsockname()[1], bound.getpeername()[1] == port)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    print(s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0)
    s.settimeout(10)
    select.select([], [s], [], 10)
    print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77)
    print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))
    print(s.getpeername()[:2] == (host, port), s.getsockname()[1] != 0)
    s.sendall(b"hello")
    s.shutdown(socket.SHUT_WR)
    print(s.recv(100))


if len(sys.argv) > 3:
    connected()
    sys.exit()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((host, port))
other = s.dup()
become_nobody()
mine = socket.socket(s.family)
try:
    mine.bind((host, port + 1))
    print("bound")
except OSError as e:
    print(errno.errorcode[e.errno])
try:
    print(s.getsockname()[1] == port)
    s.listen(5)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.close()
    print(other.getsockname()[1] == port, flush=True)
    c, _ = other.accept()
    print(c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
    c.sendall(c.recv(100))
except OSError as e:
    print(errno.errorcode[e.errno], flush=True)
