#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Makes tests/fuzz/corpus/ipc: make_ipc_corpus.py DIRECTORY.  The format is
# ipc_fuzz.c's; the messages are those of include/tcpd/proto.h.
import os
import re
import struct
import sys

(RAW, MORE, LEAVE, REQUEST, REQUEST_FD, ATTACH, SHUT, FAST, ANSWER,
 ANSWER_RAW, DGRAM, DSEND, DREQUEST, DCOMES, DBACK) = range(15)
(BIND, LISTEN, GETSOCKNAME, GETPEERNAME, GETOPT, SETOPT, ERROR, POLICY,
 SHUTDOWN, OUTQ, URGENT, FASTOPEN, RESOLVE) = range(2, 15)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../include/tcpd/proto.h")) as f:
    VERSION = int(re.search(r"^#define PROTO_VERSION (\d+)u$", f.read(),
                            re.M)[1])


def op(what, arg, data=b""):
    return struct.pack("<BBH", what, arg, len(data)) + data


def head(kind, length, handle=1, magic=0x64706374, version=VERSION, reserved=0):
    return struct.pack("<IHHIIQ", magic, version, kind, length, reserved,
                       handle)


def name(port, addr=b"\0\0\0\0", family=2, flags=1):
    return struct.pack("<HHI", family, port, flags) + addr.ljust(16, b"\0")


def opt(level, number, value=b"", length=None):
    n = len(value) if length is None else length
    return struct.pack("<iiII", level, number, n, 0) + value


def padded(level, number, value):
    return opt(level, number, value) + b"\0" * (-len(value) % 8)


one = struct.pack("<i", 1)
MAPPED = b"\0" * 10 + b"\xff\xff\xc0\0\2\2"
bound = op(REQUEST_FD, BIND, name(8080))
query = struct.pack("<II", 1, 0) + bytes.fromhex(
    "123401000001000000000000") + b"\1a\7example\0\0\1\0\1"
asked = op(REQUEST, RESOLVE, query)
listening = bound + op(REQUEST, LISTEN, struct.pack("<II", 16, 0))
DCONNECT, DEMPTY = 0, 1  # above 16
dgram = op(DGRAM, 0)
peer = name(53, b"\xc0\0\2\x4d")
dbound = dgram + op(REQUEST, BIND, name(8080))


def to(where, local=name(0, family=0), tos=0, ttl=0):
    return where + local + bytes((tos, ttl)) + b"\0" * 6


files = {
    "dgram": dgram + op(DSEND, 0, to(peer) + b"hello") + op(LEAVE, 0),
    "dgram_many": b"".join(op(DGRAM, 64 * i) for i in range(4)) * 3,
    "dgram_ipv6": op(DGRAM, 1) + op(DSEND, 0, to(name(53, b"\x20\1\x0d\xb8" +
                                                    b"\0" * 11 + b"\x4d", 10)) +
                                    b"hello"),
    "dgram_raw": dgram + op(MORE, 0, b"to nobody") + op(REQUEST, ERROR),
    "dgram_connect": dgram + op(DREQUEST, DCONNECT, peer) +
    op(MORE, 0, b"hello") + op(REQUEST, GETPEERNAME) + op(MORE, 0) +
    op(DREQUEST, DCONNECT, name(0, family=0)) + op(REQUEST, GETPEERNAME),
    "dgram_foreign": dgram + op(DREQUEST, DCONNECT, name(53, b"\x0a\0\0\1")) +
    op(DSEND, 0, to(name(53, b"\x0a\0\0\1"))) +
    op(DREQUEST, DEMPTY, struct.pack("<II", 0, 0)) +
    op(DREQUEST, DEMPTY, struct.pack("<II", 2, 0)),
    "dgram_options": dgram + op(REQUEST, SETOPT, opt(0, 8, one)) +
    op(REQUEST, SETOPT, opt(1, 8, one)) + op(REQUEST, SETOPT, opt(0, 13, one)) +
    op(REQUEST, GETOPT, opt(17, 1, length=4)) +
    op(REQUEST, GETOPT, opt(0, 14, length=4)),
    "dgram_marks": dgram + op(DSEND, 0, to(peer, name(0, b"\xc0\0\2\2", 2),
                                           7, 3) + b"x" * 3000),
    "dgram_hears": dbound + op(DCOMES, 255, b"hello") + op(DCOMES, 255) +
    op(REQUEST, SETOPT, opt(0, 8, one)) + op(DCOMES, 255, b"x" * 1400) * 9,
    "dgram_hears_peer": dbound + op(DREQUEST, DCONNECT, name(
        53, b"\xc0\0\2\1")) + op(DCOMES, 255, b"x") + op(DCOMES, 255) * 70 +
    op(DREQUEST, DEMPTY, struct.pack("<II", 0, 0)) * 2 +
    op(DREQUEST, DEMPTY, struct.pack("<II", 1, 0)),
    "dgram_back": dbound + op(DCOMES, 255, b"hello") * 3 +
    op(DREQUEST, DCONNECT, name(53, b"\xc0\0\2\1")) + op(DBACK, 0) * 2 +
    op(DBACK, 0, b"more") + op(DBACK, 0) * 3,
    "dgram_back_unconnected": dbound + op(DCOMES, 255, b"hello") +
    op(DCOMES, 255) + op(DBACK, 0) * 4,
    "dgram_back_marked": dbound + op(REQUEST, SETOPT, opt(0, 8, one)) +
    op(DCOMES, 255, b"x" * 1400) * 4 + op(DBACK, 0, b"y" * 2000) * 5,
    "dgram_back_of_nobody": dgram + op(DSEND, 0, b"\x40" + b"\0" * 80) +
    op(DSEND, 0, b"\x40" + b"\0" * 3) + op(DBACK, 0),
    "dgram_back_forged": dbound + op(DSEND, 0, b"\x40" + b"\0" * 11 + to(
        name(1, b"\1\2\3\4"), name(2, b"\x20\1\x0d\xb8", 10)) + b"forged") +
    op(DBACK, 0),
    "dgram_shut": dgram + op(SHUT, 0) + op(MORE, 0, b"x"),
    "dgram_no_stream": dgram + op(REQUEST, LISTEN, struct.pack("<II", 5, 0)) +
    op(REQUEST, OUTQ) + op(REQUEST, URGENT) + op(ATTACH, 0),
    "dgram_unknown": op(DREQUEST, DCONNECT, peer) +
    op(DREQUEST, DEMPTY, struct.pack("<II", 0, 0)) + op(DREQUEST, 9, b"x"),
    "bind": bound,
    "bind_twice": bound + bound,
    "bind_pipe": op(REQUEST_FD, BIND + 16, name(8080)),
    "bind_own_socket": op(REQUEST_FD, BIND + 32, name(8080)),
    "bind_without_node": op(REQUEST, BIND, name(8080)),
    "bind_any_port": op(REQUEST_FD, BIND, name(0)) +
    op(REQUEST, GETSOCKNAME),
    "bind_foreign_address": op(REQUEST_FD, BIND, name(80, b"\x0a\0\0\1")),
    "bind_in_use": bound + op(REQUEST_FD, BIND + 64, name(8080)),
    "bind_family": op(REQUEST_FD, BIND, name(1, family=1)),
    "bind_ipv6": op(REQUEST_FD, BIND, name(8080, family=10)) +
    op(REQUEST, GETSOCKNAME) + op(REQUEST, LISTEN, struct.pack("<II", 5, 0)),
    "bind_v6only": op(REQUEST_FD, BIND, name(8080, family=10, flags=5)) +
    op(REQUEST_FD, BIND + 64, name(8080)),
    "bind_mapped": op(REQUEST_FD, BIND, name(80, MAPPED, 10)) +
    op(REQUEST, GETSOCKNAME),
    "attach_ipv6": op(ATTACH, 32 + 1, padded(41, 67, one)) +
    op(REQUEST, GETSOCKNAME) + op(REQUEST, GETPEERNAME) +
    op(REQUEST, GETOPT, opt(41, 61, length=32)) +
    op(REQUEST, SETOPT, opt(41, 16, one)),
    "options_of_the_other_family": op(ATTACH, 0) +
    op(REQUEST, SETOPT, opt(41, 67, one)) +
    op(REQUEST, GETOPT, opt(41, 26, length=4)),
    "listen": listening,
    "listen_options": bound + op(REQUEST, LISTEN, struct.pack("<II", 5, 1) +
                                 padded(6, 1, one)),
    "listen_unbound": op(REQUEST, LISTEN, struct.pack("<II", 5, 0)),
    "shutdown": listening + op(REQUEST, SHUTDOWN, struct.pack("<II", 2, 0)) +
    op(REQUEST, LISTEN, struct.pack("<II", 16, 0)),
    "attach": op(ATTACH, 0),
    "attach_options": op(ATTACH, 2, padded(6, 1, one) + padded(1, 9, one)),
    "attach_bad_options": op(ATTACH, 7, padded(6, 1, one)),
    "attach_long_option": op(ATTACH, 1, opt(6, 13, b"x" * 600)),
    "attach_no_route": op(ATTACH, 16) + op(REQUEST, ERROR),
    "attach_bound": bound + op(ATTACH, 0) + op(REQUEST, GETSOCKNAME),
    "attach_same_handle": op(ATTACH, 0) + op(ATTACH, 0) + op(LEAVE, 0),
    "attach_leave": op(ATTACH, 0) + op(LEAVE, 0) + op(REQUEST, ERROR),
    "attach_half_close": op(ATTACH, 0) + op(SHUT, 0) + op(MORE, 0, b"x"),
    "attach_many": b"".join(op(ATTACH, 64 * (i % 4)) for i in range(12)),
    "fast": op(FAST, 0, b"\1\5hello") + op(LEAVE, 0),
    "fast_options": op(FAST, 1, b"\1\5" + padded(6, 30, one) + b"hello") +
    op(REQUEST, GETPEERNAME),
    "fast_waits": op(FAST, 0, b"\3\0") + op(MORE, 0, b"hello") + op(SHUT, 0),
    "fast_waits_leave": op(FAST, 0, b"\3\0") + op(LEAVE, 0),
    "fast_waits_with_data": op(FAST, 0, b"\3\5hello"),
    "fast_data_lies": op(FAST, 0, b"\1\x63hello"),
    "fast_flags": op(FAST, 0, b"\2\0") + op(FAST, 0, b"\4\0"),
    "fast_no_route": op(FAST, 16, b"\1\5hello") + op(REQUEST, ERROR),
    "fast_room": op(REQUEST, FASTOPEN, name(80, b"\xc0\0\2\x4d") +
                    struct.pack("<IIII", 0, 0, 0, 0)),
    "fast_room_bound": bound + op(REQUEST, FASTOPEN, name(80, MAPPED, 10) +
                                  struct.pack("<IIII", 1, 0, 0, 0) +
                                  padded(6, 34, one)),
    "fast_listener": bound + op(REQUEST, LISTEN, struct.pack("<II", 5, 2) +
                                padded(6, 23, one) +
                                padded(6, 33, b"k" * 32)),
    "names": op(ATTACH, 0) + op(REQUEST, GETSOCKNAME) +
    op(REQUEST, GETPEERNAME) + op(REQUEST, OUTQ) + op(REQUEST, ERROR),
    "getopt": op(ATTACH, 0) + op(REQUEST, GETOPT, opt(6, 11, length=512)) +
    op(REQUEST, GETOPT, opt(1, 7, length=4)) +
    op(REQUEST, GETOPT, opt(6, 13, length=16)),
    "getopt_listener": listening + op(REQUEST, GETOPT, opt(6, 11, length=9)),
    "setopt": op(ATTACH, 0) + op(REQUEST, SETOPT, opt(6, 1, one)) +
    op(REQUEST, SETOPT, opt(6, 13, b"newreno")) +
    op(REQUEST, SETOPT, opt(1, 13, struct.pack("<ii", 1, 0))),
    "setopt_lies": op(ATTACH, 0) + op(REQUEST, SETOPT, opt(6, 1, one, 99)),
    "error_unknown": op(REQUEST, ERROR + 128),
    "policy": op(REQUEST, POLICY),
    "resolve": asked + op(ANSWER, 0, query[8:]),
    "resolve_is_there": op(REQUEST, RESOLVE),
    "resolve_many": asked * 5 + op(ANSWER, 2, query[8:]) +
    op(ANSWER, 0, query[8:]) * 2 + op(LEAVE, 3) + op(ANSWER, 1, query[8:]),
    "resolve_leave": asked + op(LEAVE, 0) + op(ANSWER, 0, query[8:]),
    "resolve_talk_on": asked + op(MORE, 0, b"x") + op(ANSWER, 0, query[8:]),
    "resolve_shut": asked + op(SHUT, 0) + op(ANSWER, 0, query[8:]),
    "resolve_long": asked + op(ANSWER, 0, query[8:] + b"\0" * 8000),
    "resolve_short": op(REQUEST, RESOLVE, query[:15]),
    "resolve_flags": op(REQUEST, RESOLVE, b"\2" + query[1:]),
    "resolve_big": op(REQUEST, RESOLVE, query + b"\0" * 2048),
    "resolve_with_fd": op(REQUEST_FD, RESOLVE, query),
    "resolver_short": asked + op(ANSWER, 0, b"\x12\x34") + asked,
    "resolver_noise": asked + op(ANSWER_RAW, 0, b"noise" * 9) + asked,
    "urgent": op(ATTACH, 0) + op(REQUEST, URGENT) + op(MORE, 0, b"ab") +
    op(REQUEST, URGENT) + op(REQUEST, URGENT) + op(MORE, 0, b"c"),
    "urgent_listener": listening + op(REQUEST, URGENT),
    "proof": op(ATTACH, 0) + op(REQUEST_FD, GETOPT + 32,
                                opt(6, 1, length=4)),
    "pieces": op(RAW, 0, head(ERROR, 0)[:7]) + op(MORE, 0, head(ERROR, 0)[7:]),
    "piece_and_gone": op(RAW, 0, head(BIND, 24)[:20]) + op(LEAVE, 0),
    "piece_and_shut": op(RAW, 0, head(BIND, 24)[:20]) + op(SHUT, 0),
    "hello_in_part": op(RAW, 0, head(1, 40) + name(80, b"\xc0\0\2\x4d") +
                        b"\0" * 16),
    "magic": op(RAW, 0, head(ERROR, 0, magic=0x20544547)),
    "version": op(RAW, 0, head(ERROR, 0, version=1)),
    "reserved": op(RAW, 0, head(ERROR, 0, reserved=1)),
    "handle": op(RAW, 0, head(ERROR, 0, handle=1 << 50)),
    "length": op(RAW, 0, head(SETOPT, 1 << 20)),
    "type_0": op(RAW, 0, head(0, 0)),
    "type_99": op(RAW, 0, head(99, 0)),
    "body_short": op(REQUEST, BIND, b"\2"),
    "body_long": op(REQUEST, GETSOCKNAME, b"x" * 100),
    "http": op(RAW, 0, b"GET / HTTP/1.0\r\n\r\n"),
    "nothing": op(RAW, 0) + op(LEAVE, 0),
}
os.makedirs(sys.argv[1], exist_ok=True)
for n, data in files.items():
    with open(os.path.join(sys.argv[1], n), "wb") as f:
        f.write(data)
