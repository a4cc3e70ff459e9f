# SPDX-License-Identifier: ISC
# echo.py HOST PORT N [SIZE]: N connections at once to an echo, 1 MB (or SIZE)
# through each.
import os
import socket
import sys
import threading

host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
size = int(sys.argv[4]) if len(sys.argv) > 4 else 1000000
good = []


def one():
    data = os.urandom(size)
    s = socket.create_connection((host, port), 20)
    threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
    back = b""
    while len(back) < len(data):
        more = s.recv(1 << 16)
        if not more:
            return
        back += more
    if back == data:
        good.append(1)


threads = [threading.Thread(target=one) for _ in range(n)]
for t in threads:
    t.start()
for t in threads:
    t.join()
sys.exit(len(good) != n)
