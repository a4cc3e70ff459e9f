#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A small name server, UDP and TCP, for tests of the sandbox.

names.py ADDRESS PORT [RECORD...]

A record is NAME=ADDRESS, NAME=N*ADDRESS (N times, each with its last octet or
group one higher), or NAME=silent: such queries are not answered.  NAME=lies
gives answers to another question, with another number, or garbage, in turns,
and never the right one.  NAME=alias:OTHER is a CNAME, whose OTHER's addresses
come along, NAME=name:OTHER what an address under in-addr.arpa or ip6.arpa
points to.  Everything else does not exist.  Each query is printed, "udp
a.example A".
"""
import ipaddress
import socket
import struct
import sys
import threading

TYPES = {1: "A", 28: "AAAA", 12: "PTR"}
RECORDS = {}


def records_of(value):
    count, _, address = value.rpartition("*")
    first = ipaddress.ip_address(address)
    return [first + i for i in range(int(count or 1))]


def read_question(msg):
    labels, at = [], 12
    while msg[at]:
        labels.append(msg[at + 1:at + 1 + msg[at]].decode("ascii", "replace"))
        at += 1 + msg[at]
    kind, = struct.unpack("!H", msg[at + 1:at + 3])
    return ".".join(labels).lower(), kind, msg[12:at + 5]


def room_of(msg, end):
    # An OPT record comes right behind the question.
    if len(msg) >= end + 11 and msg[end:end + 3] == b"\0\0\x29":
        return max(512, struct.unpack("!H", msg[end + 3:end + 5])[0])
    return 512


def encoded(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) \
        + b"\0"


def record(owner, kind, data):
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def records(owner, value, kind):
    word, _, other = value.partition(":")
    if word == "alias":
        return [record(owner, 5, encoded(other))] + \
            records(encoded(other), RECORDS[other], kind)
    if word == "name":
        return [record(owner, 12, encoded(other))] if kind == 12 else []
    return [record(owner, kind, a.packed) for a in records_of(value)
            if kind == {4: 1, 6: 28}[a.version]]


def lie(msg, question, turn):
    other = question.replace(b"e", b"x", 1)
    number = bytes([msg[0] ^ 1]) + msg[1:2]
    head = b"\x81\x80\0\1\0\1\0\0\0\0"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
    return [msg[:2] + head + other + record, number + head + question + record,
            b"\0" * 30, msg[:2] + b"\x81\x80\xff\xff" * 4,
            msg[:2] + head + b"\xc0\x0c\0\1\0\1" + record][turn % 5]


def answer(msg, datagram):
    name, kind, question = read_question(msg)
    print("udp" if datagram else "tcp", name, TYPES.get(kind, kind), flush=True)
    value = RECORDS.get(name)
    if value == "silent":
        return None
    if value == "lies":
        RECORDS["turn"] = RECORDS.get("turn", 0) + 1
        return lie(msg, question, RECORDS["turn"])
    found = records(b"\xc0\x0c", value, kind) if value else []
    body = b"".join(found)
    cut = datagram and 12 + len(question) + len(body) > \
        room_of(msg, 12 + len(question))
    flags = 0x8180 | (0 if value else 3) | (0x200 if cut else 0)
    head = msg[:2] + struct.pack("!HHHHH", flags, 1,
                                 0 if cut else len(found), 0, 0)
    return head + question + (b"" if cut else body)


def serve_datagrams(sock):
    while True:
        msg, peer = sock.recvfrom(4096)
        out = answer(msg, True)
        if out:
            sock.sendto(out, peer)


def serve_stream(conn):
    file = conn.makefile("rwb")
    while len(length := file.read(2)) == 2:
        out = answer(file.read(struct.unpack("!H", length)[0]), False)
        if out:
            file.write(struct.pack("!H", len(out)) + out)
            file.flush()
    conn.close()


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    RECORDS.update(word.split("=", 1) for word in sys.argv[3:])
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.bind((address, port))
    threading.Thread(target=serve_datagrams, args=(udp,), daemon=True).start()
    tcp = socket.create_server((address, port), family=family, backlog=64)
    while True:
        conn, _ = tcp.accept()
        threading.Thread(target=serve_stream, args=(conn,), daemon=True).start()


main()
