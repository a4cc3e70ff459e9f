#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes the seed inputs of frames_fuzz: make_corpus.py DIRECTORY

Each is a short story in the language that the head of frames_fuzz.c explains.
What fuzzing finds is added to the directory by hand, under a name that says
what it was.
"""
import os
import struct
import sys

PLAIN, POOR, DENY, BUSY, NARROW, MANNER = 1, 2, 4, 8, 16, 32
RAW, FIT, SEGMENT, CALL = range(4)
VALID, PARTIAL, GSO, EXPIRE, IDLE, HOARD = 4, 8, 16, 32, 64, 128
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32

OURS = bytes([192, 0, 2, 2])
PEER = bytes([192, 0, 2, 1])
OUR_MAC = bytes([2, 0, 0, 0, 0, 2])
PEER_MAC = bytes([2, 0, 0, 0, 0, 1])
ALL = b"\xff" * 6

MSS = b"\x02\x04\x05\xb4"
SYN_OPTS = MSS + b"\x04\x02\x08\x0a\0\0\0\x01\0\0\0\0\x01\x03\x03\x07"
TS = b"\x01\x01\x08\x0a\0\0\0\x02\0\0\0\0"


def step(kind, body=b"", wait=0):
    return bytes([kind, wait]) + struct.pack(">H", len(body)) + body


def wait(ms_mantissa, shift=0, flags=0):
    return step(CALL | flags, b"", shift << 4 | ms_mantissa)


def expire(n=1):
    return step(CALL | EXPIRE) * n


def seg(which, flags, seq=0, ack=0, win=65535, opts=b"", data=b"", how=0,
        pause=0):
    head = struct.pack(">BBIIHB", which, flags, seq & 0xffffffff,
                       ack & 0xffffffff, win, len(opts) // 4)
    return step(SEGMENT | how, head + opts + data, pause)


def call(what, conn=0, value=0, how=0):
    return step(CALL | how, bytes([what, conn, value]))


def sack(*edges):
    body = b"".join(struct.pack(">I", e & 0xffffffff) for e in edges)
    return b"\x01\x01\x05" + bytes([2 + len(body)]) + body


def ipv4(proto, payload, src=PEER, dst=OURS, frag=0x4000, opts=b""):
    head = struct.pack(">BBHHHBBH", 0x45 + len(opts) // 4, 0, 0, 0, frag, 64,
                       proto, 0) + src + dst + opts
    return OUR_MAC + PEER_MAC + b"\x08\0" + head + payload


def icmp(kind, code, rest, data):
    return ipv4(1, struct.pack(">BBHI", kind, code, 0, rest) + data)


def quote(flow=0, seq=0):
    return struct.pack(">BBHHHBBH", 0x45, 0, 1500, 0, 0x4000, 63, 6, 0) + \
        OURS + PEER + struct.pack(">HHI", 0, flow, seq & 0xffffffff)


def udp(sport, dport, data, src=PEER, frag=0x4000):
    return step(FIT, ipv4(17, struct.pack(">HHHH", sport, dport, 0, 0) + data,
                          src, frag=frag))


def udp_quote(which, proto=17):
    return struct.pack(">BBHHHBBH", 0x45, 0, 1500, 0, 0x4000, 63, proto, 0) + \
        OURS + PEER + struct.pack(">HHHH", 0, which, 8, 0)


# Calls of sockets of UDP: 0 is bound to port 53, 1 connected to the peer's.
SEND, REPLY, REOPEN, BIND, CONNECT, DISCONNECT, OPTIONS, TO_US = \
    range(240, 248)


def arp(op, sha, spa, tpa, dst=OUR_MAC):
    return dst + sha + b"\x08\x06\0\x01\x08\0\x06\x04" + \
        struct.pack(">H", op) + sha + spa + b"\0" * 6 + tpa + b"\0" * 18


# Flow 0 is the active connection, flow 1 the first that the peer opens.
PASSIVE = seg(128, SYN, 1000, opts=SYN_OPTS) + seg(1, ACK, opts=TS)
ACTIVE = seg(0, SYN | ACK, 5000, opts=SYN_OPTS)

STORIES = {
    "handshake-echo-close": PASSIVE +
    seg(1, PSH | ACK, opts=TS, data=b"hello") + seg(1, ACK, opts=TS) +
    seg(1, FIN | ACK, opts=TS) + seg(1, ACK, opts=TS) + expire(4),
    "plain-options": seg(128, SYN, 7) + seg(1, ACK) +
    seg(1, PSH | ACK, data=b"x" * 700) + seg(1, ACK) + seg(1, RST),
    "fastopen": seg(128, SYN, 1000, opts=SYN_OPTS, data=b"early") +
    seg(1, ACK, opts=TS) + seg(1, PSH | ACK, opts=TS, data=b"more") +
    seg(1, FIN | ACK, opts=TS) + seg(1, ACK, opts=TS) + expire(4),
    "fastopen-cookies": seg(128, SYN, 1000, opts=MSS + b"\x22\2\1\1") +
    seg(129, SYN, 1000, opts=MSS + b"\x22\6wxyz\1\1", data=b"early") +
    seg(130, SYN, 1000, opts=MSS + b"\xfe\4\xf9\x89") +
    seg(131, SYN, 1000, opts=b"\x22\5xyz\1\1\1") + seg(1, ACK),
    "fastopen-again": seg(128, SYN, 1000, opts=MSS, data=b"early") +
    seg(1, SYN, -6, opts=MSS, data=b"early", pause=0x6f) + expire(3) +
    seg(1, ACK),
    "fastopen-reset": seg(128, SYN, 1000, opts=MSS, data=b"early") +
    seg(1, RST, 7) + seg(1, RST) + expire(2),
    "fastopen-unanswered": seg(128, SYN, 1000, opts=MSS, data=b"early") +
    seg(129, SYN, 1000, opts=MSS, data=b"early") + call(3, 1) + call(4, 2) +
    expire(12),
    "fastopen-active": call(0, 3, 0) + seg(0, SYN | ACK, 5000, 0,
                                           opts=MSS + b"\x22\x0aabcdefgh\1\1") +
    call(0, 4, 0) + call(1, 4, 100) + expire(2),
    "active-echo": ACTIVE + seg(0, ACK, opts=TS) +
    seg(0, PSH | ACK, opts=TS, data=b"y" * 3000, how=VALID) + call(2, 0) +
    seg(0, FIN | ACK, opts=TS) + seg(0, ACK, opts=TS) + expire(5),
    "refused": seg(0, RST | ACK, 0, 0),
    "syn-ack-lost": expire(8),
    "simultaneous-open": seg(0, SYN, 9000, opts=SYN_OPTS) +
    seg(0, SYN | ACK, -1, 0, opts=SYN_OPTS) + seg(0, ACK) +
    seg(0, FIN | ACK),
    "sack-recovery": ACTIVE + call(1, 0, 255) + call(1, 0, 255) +
    b"".join(seg(0, ACK, 0, -15000, opts=sack(-15000 + 1460 * i,
                                              -15000 + 1460 * (i + 1)))
             for i in range(1, 6)) + expire(2) + seg(0, ACK) + expire(3),
    "duplicate-acks": seg(0, SYN | ACK, 1, opts=MSS) + call(1, 0, 200) +
    seg(0, ACK, 0, -8000) * 6 + expire(3) + seg(0, ACK, 0, -4000) +
    seg(0, ACK),
    "out-of-order": PASSIVE + seg(1, ACK, 3000, opts=TS, data=b"c" * 1000) +
    seg(1, ACK, 1000, opts=TS, data=b"b" * 1500) +
    seg(1, FIN | ACK, 4000, opts=TS) +
    seg(1, ACK, 0, opts=TS, data=b"a" * 1200) + seg(1, ACK, opts=TS),
    "overlaps": PASSIVE + b"".join(
        seg(1, ACK, s, opts=TS, data=bytes([65 + i]) * n)
        for i, (s, n) in enumerate([(500, 100), (400, 300), (450, 20),
                                    (700, 100), (100, 900), (0, 2000)])),
    "gro-train": PASSIVE +
    seg(1, PSH | ACK, opts=TS, data=b"g" * 20000, how=GSO | PARTIAL) +
    seg(1, PSH | ACK, opts=TS, data=b"g" * 20000, how=GSO | VALID | IDLE) +
    call(9, 1),
    "zero-window": ACTIVE + call(1, 0, 255) + seg(0, ACK, win=0, opts=TS) +
    expire(5) + seg(0, ACK, win=10, opts=TS) + expire(2) +
    seg(0, ACK, win=65535, opts=TS) + expire(2),
    "window-closed-by-us": PASSIVE + seg(1, ACK, opts=TS, data=b"z" * 30000,
                                         how=GSO | VALID | IDLE) * 4 +
    call(6, 1, 1, IDLE) + seg(1, ACK, opts=TS, data=b"p", how=IDLE) +
    call(9, 1) + call(6, 1, 255),
    "resets": PASSIVE + seg(1, RST, 100) + seg(1, RST, -5) +
    seg(1, SYN, 50) + seg(1, RST | ACK, 0),
    "blind-attacks": ACTIVE + seg(0, SYN | ACK, 77) + seg(0, ACK, 0, 10 ** 6) +
    seg(0, ACK, 0, -(10 ** 6)) + seg(0, ACK, -(10 ** 6), data=b"old") +
    seg(0, 0, data=b"no ack") + seg(0, 0x3f) + seg(0, RST, 1),
    "time-wait-reuse": PASSIVE + call(3, 1) + seg(1, ACK, opts=TS) +
    seg(1, FIN | ACK, opts=TS) +
    seg(128, SYN, 2 ** 20, opts=SYN_OPTS.replace(b"\0\0\0\x01", b"\0\0\1\0"))
    + seg(1, ACK, opts=TS) + expire(3),
    "simultaneous-close": PASSIVE + call(3, 1) + seg(1, FIN | ACK, 0, -1,
                                                     opts=TS) +
    seg(1, ACK, opts=TS) + expire(2),
    "half-close": PASSIVE + seg(1, FIN | ACK, opts=TS, how=IDLE) +
    call(1, 1, 20) + seg(1, ACK, opts=TS) + call(2, 1) +
    seg(1, ACK, opts=TS),
    "close-unread": PASSIVE + seg(1, ACK, opts=TS, data=b"u" * 99,
                                  how=IDLE) + call(3, 1) + seg(1, ACK),
    "keepalive": ACTIVE + call(5, 0, 2 | 16) + expire(12),
    "user-timeout": ACTIVE + call(5, 0, 32) + call(1, 0, 9) + expire(12),
    "cork-newreno": ACTIVE + call(5, 0, 4 | 64) + call(1, 0, 1) + expire(2) +
    call(5, 0, 65) + seg(0, ACK, opts=TS) + call(8, 0),
    "urgent": PASSIVE + seg(1, URG | ACK, opts=TS, data=b"urgent!"),
    "discard": PASSIVE + call(7, 1) + seg(1, ACK, opts=TS, data=b"d" * 500),
    "syn-flood": b"".join(seg(128 + i, SYN, i, opts=SYN_OPTS)
                          for i in range(40)) + expire(10),
    "many-accepts": b"".join(
        seg(128 + i, SYN, i, opts=MSS) + seg(1 + i, ACK)
        for i in range(15)) + expire(3),
    "bad-options": b"".join(
        seg(128, SYN, 1, opts=o) for o in
        (b"\x02\x03\0\0", b"\x02\0\0\0", b"\x03\x03\xff\0", b"\x08\x0a\0\0",
         b"\x05\x0a\0\0", b"\0\0\0\0", b"\x1e\x02\x02\x04")),
    "self-connect": call(0, 1) + call(1, 1, 50) + call(1, 2, 99) + expire(3) +
    call(3, 1) + expire(6),
    "no-buffers": seg(128, SYN, 1000, opts=SYN_OPTS, how=HOARD) +
    seg(128, SYN, 1000, opts=SYN_OPTS) + seg(1, ACK, opts=TS, how=HOARD) +
    seg(1, ACK, opts=TS, data=b"n" * 900, how=HOARD) +
    step(FIT | HOARD, icmp(8, 0, 1, b"ping")) + call(1, 0, 99, HOARD),
    "path-mtu": ACTIVE + call(1, 0, 255) +
    step(FIT, icmp(3, 4, 1000, quote(0, -3000))) + expire(2) +
    step(FIT, icmp(3, 4, 0, quote(0, -3000))) +
    step(FIT, icmp(3, 4, 60, quote(0, -3000))) + seg(0, ACK, opts=TS),
    "icmp-errors": b"".join(step(FIT, icmp(t, c, 0, quote(0, -1)))
                            for t, c in ((3, 0), (3, 1), (3, 13), (11, 0),
                                         (12, 0), (4, 0), (5, 1), (3, 3))),
    "icmp-soft": ACTIVE + call(1, 0, 9) + b"".join(
        step(FIT, icmp(3, c, 0, quote(0, -500))) for c in (0, 1, 2, 3, 9)),
    "icmp-mangled": step(RAW, icmp(8, 0, 0, b"bad sum")) +
    step(FIT, icmp(3, 1, 0, quote()[:20])) + step(FIT, icmp(3, 1, 0, b"")) +
    step(FIT, ipv4(1, b"\x08\0\0")),
    "echo": step(FIT, icmp(8, 0, 0x12340001, b"e" * 56)) +
    step(FIT, icmp(8, 0, 0x12340002, b"e" * 1472)) +
    step(FIT, icmp(8, 0, 3, b"e" * 1473)),
    "unknown-protocols": step(FIT, ipv4(17, b"\0\x35\0\x35\0\x0c\0\0abcd")) +
    step(FIT, ipv4(132, b"s" * 20)) * 2,
    "fragments": step(FIT, ipv4(6, b"f" * 24, frag=0x2000)) +
    step(FIT, ipv4(6, b"f" * 24, frag=0x0003)),
    "ip-options": step(FIT, ipv4(6, b"\0" * 20, opts=b"\x01\x07\x03\x04")) +
    step(FIT, ipv4(6, b"\0" * 20, opts=b"\x83\x07\x04\1\2\3\4\0")) +
    step(FIT, ipv4(6, b"\0" * 20, opts=b"\x07\x00\0\0")),
    "sources": b"".join(
        step(FIT, ipv4(6, b"\0" * 20, src=bytes(s)))
        for s in ((0, 0, 0, 0), (255,) * 4, (224, 0, 0, 1), (127, 0, 0, 1),
                  (192, 0, 2, 255), (192, 0, 2, 2), (8, 8, 8, 8))),
    "frames": step(RAW, b"") + step(RAW, b"\0" * 13) +
    step(RAW, OUR_MAC + PEER_MAC + b"\x86\xdd" + b"6" * 40) +
    step(RAW, OUR_MAC + PEER_MAC + b"\x08\0") +
    step(RAW, PEER_MAC + OUR_MAC + b"\x08\0" + b"E" * 40),
    "arp": step(RAW, arp(1, PEER_MAC, PEER, OURS, ALL)) +
    step(RAW, arp(2, PEER_MAC, PEER, OURS)) +
    step(RAW, arp(1, PEER_MAC, b"\0" * 4, OURS, ALL)) +
    step(RAW, arp(2, b"\2\0\0\0\0\x09", PEER, OURS), 0xc1) +
    step(RAW, arp(2, b"\2\0\0\0\0\x09", OURS, OURS)) * 2 +
    step(RAW, arp(3, PEER_MAC, PEER, OURS)[:40]),
    "gateway": step(FIT, ipv4(1, struct.pack(">BBHI", 8, 0, 0, 1),
                              src=bytes([203, 0, 113, 7]))) * 3 + expire(4) +
    step(RAW, arp(2, PEER_MAC, bytes([192, 0, 2, 254]), OURS)),
    "datagrams": udp(5353, 53, b"query") + call(REPLY, 0, 1) +
    udp(53, 40000, b"") + call(SEND, 1, 2) + udp(5353, 54, b"nobody") +
    udp(5353, 53, b"\xee gone") + call(REPLY, 0, 1) + call(DISCONNECT, 1) +
    call(SEND, 1, 1) + call(CONNECT, 2, 0) + call(REOPEN, 1),
    "datagrams-pieces": call(SEND, 1, 20) + call(OPTIONS, 1, 2) +
    call(SEND, 1, 20) + call(SEND, 1, 255) + call(OPTIONS, 1, 16) +
    call(SEND, 1, 3) + udp(5353, 53, b"p" * 16, frag=0x2000) +
    step(FIT, ipv4(17, b"q" * 24, frag=3)),
    "datagrams-errors": b"".join(
        step(FIT, icmp(3, c, 1000 if c == 4 else 0, udp_quote(w)))
        for c in (3, 4, 1, 9, 13) for w in (0, 1, 2)) + call(SEND, 1, 4),
    "datagrams-ports": call(BIND, 2, 53) + call(OPTIONS, 2, 3) +
    call(OPTIONS, 3, 3) + call(BIND, 2, 54) + call(BIND, 3, 54) +
    call(TO_US, 2, 54) + call(SEND, 2, 1) + call(TO_US, 3, 53) +
    call(SEND, 3, 9, HOARD) + call(SEND, 3, 9, IDLE) +
    udp(5353, 54, b"both") + call(CONNECT, 3, 99),
    "neighbour-dies": PASSIVE + wait(15, 12) + call(1, 1, 9) + expire(12),
    "idle-day": PASSIVE + wait(15, 15) * 3 + seg(1, ACK, opts=TS, data=b"!"),
}

# What is told to another configuration than the usual one.
CONFIGURED = {
    "plain-options": PLAIN,
    "active-echo-plain": PLAIN,
    "gro-train-poor": POOR,
    "sack-recovery-poor": POOR,
    "syn-flood-denied": DENY,
    "many-accepts-busy": BUSY,
    "out-of-order-narrow": NARROW,
    "zero-window-narrow": NARROW | PLAIN,
}
# The second byte: congestion control, ECN << 2, pacing, AE, the peer's field.
CUBIC, NEWRENO, BBR, DCTCP = range(4)
CLASSIC, ECN_ON, PACED, AE, CE = 1 << 2, 3 << 2, 16, 32, 3 << 6
MANNERS = {
    "duplicate-acks": NEWRENO,
    "echo-bbr": BBR | ECN_ON | AE | CE,
    "echo-dctcp": DCTCP | CLASSIC | CE,
    "active-echo-accurate": CUBIC | ECN_ON | AE | PACED | CE,
    "active-echo-classic": NEWRENO | CLASSIC | CE,
    "sack-recovery-bbr": BBR,
    "sack-recovery-dctcp": DCTCP | PACED,
    "out-of-order-dctcp": DCTCP | CLASSIC | CE,
}
CONFIGURED.update({name: MANNER for name in MANNERS})
STORIES.update({name: STORIES[name.rsplit("-", 1)[0]]
                for name in CONFIGURED if name not in STORIES})


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, story in STORIES.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(bytes([CONFIGURED.get(name, 0)]))
            if name in MANNERS:
                f.write(bytes([MANNERS[name]]))
            f.write(story)


main()
