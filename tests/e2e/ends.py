# SPDX-License-Identifier: ISC
# ends.py connect HOST PORT, or listen ADDRESS PORT: one connection, idle until it
# ends; prints "up", then how it ended: "eof" or an errno's name.
import errno
import socket
import sys

if sys.argv[1] == "connect":
    s = socket.create_connection((sys.argv[2], int(sys.argv[3])), 10)
    s.settimeout(None)
else:
    family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
    listener = socket.create_server((sys.argv[2], int(sys.argv[3])),
                                    family=family)
    s, _ = listener.accept()
print("up", flush=True)
try:
    data = s.recv(1)
    print("data" if data else "eof", flush=True)
except OSError as e:
    print(errno.errorcode.get(e.errno, str(e)), flush=True)
