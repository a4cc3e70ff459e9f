#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A server that sends back what comes, or a client that checks that, over
connections signed with a key (TCP_MD5SIG_EXT), "" for none.

md5.py serve ADDRESS PORT KEY [NET/LENGTH KEY...]   keys after listen()
md5.py early ADDRESS PORT KEY [NET/LENGTH KEY...]   and before bind()
md5.py ask ADDRESS PORT KEY BYTES                   prints "good" at the end
"""
import hashlib
import ipaddress
import os
import socket
import struct
import sys
import threading

TCP_MD5SIG_EXT = 32


def sign(s, net, key):
    net = ipaddress.ip_network(net)
    if s.family == socket.AF_INET6:
        addr = struct.pack("=HHI16sI", s.family, 0, 0,
                           net.network_address.packed, 0)
    else:
        addr = struct.pack("=HH4s", s.family, 0, net.network_address.packed)
    s.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG_EXT,
                 struct.pack("=128sBBHi80s", addr, 1, net.prefixlen, len(key),
                             0, key.encode()))


def echo(c):
    while data := c.recv(65536):
        c.sendall(data)
    c.close()


def serve(family, what, address, port, key, *more):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    nets = [address + ("/32" if family == socket.AF_INET else "/128"), key]
    nets += more

    def sign_all():
        for net, k in zip(nets[::2], nets[1::2]):
            if k:
                sign(s, net, k)

    if what == "early":
        sign_all()
    s.bind(("0.0.0.0" if family == socket.AF_INET else "::", int(port)))
    s.listen(16)
    if what != "early":
        sign_all()
    print("ready", flush=True)
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo, args=(c,), daemon=True).start()


def ask(family, address, port, key, size):
    s = socket.socket(family)
    s.settimeout(float(os.environ.get("CONNECT_S", 60)))
    if key:
        sign(s, address, key)
    s.connect((address, int(port)))
    s.settimeout(60)
    sent = hashlib.sha256()
    got = hashlib.sha256()

    def send():
        left = int(size)
        block = bytes(range(251)) * 97
        while left > 0:
            part = block[:min(left, len(block))]
            s.sendall(part)
            sent.update(part)
            left -= len(part)
        s.shutdown(socket.SHUT_WR)

    t = threading.Thread(target=send)
    t.start()
    while data := s.recv(65536):
        got.update(data)
    t.join()
    print("good" if got.digest() == sent.digest() else "damaged")


what, where = sys.argv[1], sys.argv[2]
version = socket.AF_INET6 if ":" in where else socket.AF_INET
if what == "ask":
    ask(version, *sys.argv[2:])
else:
    serve(version, what, *sys.argv[2:])
