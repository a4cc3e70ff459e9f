# SPDX-License-Identifier: ISC
# dropped.py HOST PORT: binds as root, becomes nobody, then listens, as servers
# do that take a port below 1024; says what each step gave, and echoes once.
import errno
import os
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((host, port))
other = s.dup()
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
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
