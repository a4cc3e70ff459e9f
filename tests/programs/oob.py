# SPDX-License-Identifier: ISC
# oob.py HOST PORT: sends before, an urgent byte and after to an echo, and says
# what comes back.
import socket
import sys

s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
s.sendall(b"before")
s.send(b"!", socket.MSG_OOB)
s.sendall(b"after")
s.shutdown(socket.SHUT_WR)
data = b""
while True:
    more = s.recv(100)
    if not more:
        break
    data += more
print(data.decode())
