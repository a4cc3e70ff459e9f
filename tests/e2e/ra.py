# SPDX-License-Identifier: ISC
# ra.py INTERFACE LIFETIME [PREFIX VALID PREFERRED]: one router advertisement
# (RFC 4861 4.2) to all nodes on the link; the times are seconds, PREFIX is a
# /64 for addresses.
import socket
import struct
import sys

index = socket.if_nametoindex(sys.argv[1])
packet = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, int(sys.argv[2]), 0, 0)
if len(sys.argv) > 3:
    packet += struct.pack("!BBBBIII", 3, 4, 64, 0xc0, int(sys.argv[4]),
                          int(sys.argv[5]), 0)
    packet += socket.inet_pton(socket.AF_INET6, sys.argv[3])
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
s.sendto(packet, ("ff02::1", 0, 0, index))
