# SPDX-License-Identifier: ISC
# memcached.py HOST PORT N: sets N values over ten connections, and gets them.
import os
import socket
import sys

host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
conns = [socket.create_connection((host, port), 20) for _ in range(10)]
files = [c.makefile("rwb") for c in conns]
values = [os.urandom(1 + i * i * 12 % 500000) for i in range(n)]
for i, v in enumerate(values):
    f = files[i % 10]
    f.write(b"set k%d 0 0 %d\r\n%s\r\n" % (i, len(v), v))
    f.flush()
    assert f.readline() == b"STORED\r\n"
for i, v in enumerate(values):
    f = files[(i + 3) % 10]
    f.write(b"get k%d\r\n" % i)
    f.flush()
    words = f.readline().split()
    assert words[0] == b"VALUE" and int(words[3]) == len(v)
    assert f.read(len(v) + 2) == v + b"\r\n"
    assert f.readline() == b"END\r\n"
