# SPDX-License-Identifier: ISC
# tagged.py INTERFACE VLAN ADDRESS OURS: asks by ARP in a frame of that VLAN (0:
# no tag) who has the IPv4 address, and then, for somebody else, in VLAN OURS;
# prints the VLAN of the first answer, or "silence" when the second one comes
# without it.
import fcntl
import socket
import struct
import sys

SOL_PACKET, PACKET_AUXDATA, TAG_VALID = 263, 8, 1 << 4
name, vlan, addr = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ours = int(sys.argv[4])
first, second = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.3")
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((name, 3))
s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
mac = fcntl.ioctl(s, 0x8927, struct.pack("256s", name.encode()))[18:24]


def ask(vlan, who):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
    s.send(b"\xff" * 6 + mac + tag +
           struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + who +
           b"\0" * 6 + socket.inet_aton(addr))


ask(vlan, first)
ask(ours, second)
s.settimeout(20)
while True:
    frame, extra, _, _ = s.recvmsg(2048, 256)
    status, tci = 0, 0
    for _, _, data in extra:
        status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
    if frame[12:14] != b"\x08\x06" or frame[20:22] != b"\0\2" or \
            frame[28:32] != socket.inet_aton(addr):
        continue
    if frame[38:42] == first:
        print(tci & 0xfff if status & TAG_VALID else 0)
        break
    if frame[38:42] == second:
        print("silence")
        break
