# SPDX-License-Identifier: ISC
# trapped.py HOST PORT: connects to an echo there and says "connected"; for each
# line that comes in it sends 64 KiB for it to come back whole, makes another
# socket and says how both went.
import errno
import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family)
s.settimeout(20)
s.connect((host, port))
print("connected", flush=True)
data = bytes(range(256)) * 256
for line in sys.stdin:
    s.sendall(data)
    got = b""
    while len(got) < len(data):
        more = s.recv(len(data) - len(got))
        if not more:
            break
        got += more
    word = "another"
    try:
        socket.socket(family).close()
    except OSError as e:
        word = errno.errorcode[e.errno]
    print("whole" if got == data else "broken", word, flush=True)
