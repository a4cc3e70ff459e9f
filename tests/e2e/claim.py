# SPDX-License-Identifier: ISC
# claim.py INTERFACE ADDRESS: an ARP announcement (RFC 5227 2.3) that this
# station has the IPv4 address.
import fcntl
import socket
import struct
import sys

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind((sys.argv[1], 0x0806))
mac = fcntl.ioctl(s, 0x8927, struct.pack("256s", sys.argv[1].encode()))[18:24]
addr = socket.inet_aton(sys.argv[2])
s.send(b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) +
       mac + addr + b"\0" * 6 + addr)
