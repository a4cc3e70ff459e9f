#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A program that asks the DNS by itself, at 127.0.0.1 and ::1: by datagrams
with a peer and without, and by TCP, with a second query in each.

asker.py NAME KIND: prints the address, one in all, or what is wrong.
"""
import ipaddress
import socket
import struct
import sys

KINDS = {"A": 1, "AAAA": 28}


def query(number, name, kind):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + labels + b"\0" + \
        struct.pack("!2H", KINDS[kind], 1)


def check(msg, number, name, kind):
    asked = query(number, name, kind)
    assert msg[:2] == asked[:2] and msg[12:len(asked)] == asked[12:], msg
    assert struct.unpack("!H", msg[2:4])[0] & 0x820f == 0x8000, msg
    rest = msg[len(asked):]
    length, = struct.unpack("!H", rest[10:12])
    return str(ipaddress.ip_address(rest[12:12 + length]))


def datagrams(at, name, kind, connected):
    family = socket.AF_INET6 if ":" in at else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(10)
    if connected:
        s.connect((at, 53))
        assert s.getpeername()[:2] == (at, 53), s.getpeername()
    found = []
    for number in 77, 78:
        q = query(number, name, kind)
        if connected:
            s.send(q)
            found.append(check(s.recv(512), number, name, kind))
            continue
        s.sendto(q, (at, 53))
        msg, peer = s.recvfrom(512)
        assert peer[:2] == (at, 53), peer
        found.append(check(msg, number, name, kind))
    assert s.getsockname()[1] != 0
    return found


def stream(at, name, kind):
    s = socket.create_connection((at, 53), 10)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert s.getpeername()[:2] == (at, 53), s.getpeername()
    assert s.getsockname()[0] == at, s.getsockname()
    found = []
    for number in 79, 80:
        q = query(number, name, kind)
        s.sendall(struct.pack("!H", len(q)) + q)
        file = s.makefile("rb", buffering=0)
        want, = struct.unpack("!H", file.read(2))
        msg = b""
        while len(msg) < want:
            part = file.read(want - len(msg))
            assert part
            msg += part
        found.append(check(msg, number, name, kind))
    s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b""
    return found


def main():
    name, kind = sys.argv[1:3]
    found = set()
    for at in "127.0.0.1", "::1":
        found.update(datagrams(at, name, kind, True),
                     datagrams(at, name, kind, False), stream(at, name, kind))
    # One socket for all, as iterative resolvers have.
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(10)
    for _ in range(2):
        s.sendto(query(81, name, kind), ("127.0.0.1", 53))
        found.add(check(s.recvfrom(512)[0], 81, name, kind))
    # What nobody answers does no harm.
    s.sendto(b"x", ("127.0.0.1", 53))
    s.sendto(b"x" * 4000, ("127.0.0.1", 53))
    s.sendto(query(82, name, kind), ("127.0.0.1", 53))
    found.add(check(s.recvfrom(512)[0], 82, name, kind))
    print(*found)


main()
