#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A client of tcpd.sock that asks for more names at a time than it may.

flood_names.py SOCKET VERSION TYPE NAME COUNT

Asks COUNT times for a name that nobody answers (PROTO_RESOLVE is that TYPE of
message), each time in a connection of its own, and prints how many of them were
refused with EAGAIN at once.
"""
import errno
import select
import socket
import struct
import sys

PATIENCE = 3


def main():
    path, version, kind, name, count = sys.argv[1], *map(int, sys.argv[2:4]), \
        sys.argv[4], int(sys.argv[5])
    question = b"".join(bytes([len(w)]) + w.encode() for w in name.split("."))
    query = struct.pack("<II", 1, 0) + \
        struct.pack("!HHHHHH", 1, 0x100, 1, 0, 0, 0) + question + b"\0\0\1\0\1"
    message = struct.pack("<IHHIIQ", 0x64706374, version, kind, len(query), 0,
                          0) + query
    clients = []
    for _ in range(count):
        clients.append(socket.socket(socket.AF_UNIX))
        clients[-1].connect(path)
        clients[-1].send(message)
    poll = select.poll()
    by_number = {c.fileno(): c for c in clients}
    for number in by_number:
        poll.register(number, select.POLLIN)
    refused = 0
    while ready := poll.poll(PATIENCE * 1000):
        for number, _ in ready:
            poll.unregister(number)
            _, _, _, err, _ = struct.unpack("<IHHiI",
                                            by_number[number].recv(16))
            refused += err == errno.EAGAIN
    print(refused)


main()
