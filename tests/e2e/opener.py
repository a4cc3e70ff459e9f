# SPDX-License-Identifier: ISC
# opener.py connect HOST PORT N, or listen ADDRESS PORT N: opens as many sockets as
# told and holds them; prints "held K" or "held K then ERRNO-NAME".  It ends
# when its standard input does.
import errno
import socket
import sys

held = []
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
count = int(sys.argv[-1])
word = ""
try:
    for i in range(count):
        s = socket.socket(family)
        if sys.argv[1] == "connect":
            s.settimeout(10)
            s.connect((sys.argv[2], int(sys.argv[3])))
        else:
            s.bind((sys.argv[2], int(sys.argv[3]) + i))
            s.listen()
        held.append(s)
except OSError as e:
    word = " then " + errno.errorcode.get(e.errno, str(e))
print("held %d%s" % (len(held), word), flush=True)
sys.stdin.read()
