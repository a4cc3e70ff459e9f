#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""rcmd(3): rcmd.py serve ADDRESS, as rshd(8) would, and rcmd.py call HOST, with
and without a second channel, as a program that is linked to it."""
import ctypes
import os
import socket
import sys

PORT = 514


def text(conn):
    out = b""
    while (c := conn.recv(1)) not in (b"", b"\0"):
        out += c
    return out.decode()


def serve(address):
    server = socket.create_server((address, PORT))
    while True:
        conn, (host, port) = server.accept()
        second = text(conn)
        back = None
        if second:
            back = socket.socket()
            back.bind((address, 1000))
            back.connect((host, int(second)))
        words = [text(conn) for _ in range(3)]
        if words[2] == "refused":
            conn.sendall(b"\1not you\n")
        else:
            conn.sendall(b"\0%s %s %s" % (
                " ".join(words).encode(), host.encode(),
                b"reserved" if 512 <= port < 1024 else b"any"))
        if back:
            back.sendall(b"the other one, %s" % (
                b"reserved" if 512 <= int(second) < 1024 else b"any"))
            back.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
            conn.recv(1)
            back.close()
        conn.close()


def call(name, command, second):
    libc = ctypes.CDLL(None)
    host, fd2 = ctypes.c_char_p(name.encode()), ctypes.c_int(-1)
    fd = libc.rcmd(ctypes.byref(host), socket.htons(PORT), b"me", b"you",
                   command.encode(), ctypes.byref(fd2) if second else None)
    if fd < 0:
        print("failed", fd2.value)
        return
    one = socket.socket(fileno=fd)
    print(host.value.decode(), one.recv(100).decode())
    if second:
        print(os.read(fd2.value, 100).decode())


if sys.argv[1] == "serve":
    serve(sys.argv[2])
call(sys.argv[2], sys.argv[3], sys.argv[4:] == ["second"])
