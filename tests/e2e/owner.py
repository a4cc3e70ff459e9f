# SPDX-License-Identifier: ISC
# owner.py 4|6: sends a datagram to a port of the loopback interface and says
# whose the kernel's socket is.
import socket
import sys

v6 = sys.argv[1] == "6"
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"x", ("::1" if v6 else "127.0.0.1", 9))
port = ":%04X" % s.getsockname()[1]
with open("/proc/net/udp6" if v6 else "/proc/net/udp") as f:
    print(*(line.split()[7] for line in f if line.split()[1].endswith(port)))
