#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A server that sends back what comes, or a client that checks that, over
connections with TCP-AO.  A KEY is sndid,rcvid,algorithm,secret ("" for none).

ao.py serve ADDRESS PORT KEY...   keys after listen()
ao.py early ADDRESS PORT KEY...   and before bind()
ao.py ask ADDRESS PORT BYTES KEY...   prints "good" at the end
ao.py turn ADDRESS PORT BYTES KEY KEY   asks for the second key in the middle,
                                        prints the ids in use at the end
ao.py api ADDRESS                 refusals, and what TCP_AO_INFO tells
ao.py probe                       fails where there is no TCP-AO
"""
import errno
import hashlib
import ipaddress
import os
import socket
import struct
import sys
import threading

ADD, DEL, INFO, GET_KEYS = 38, 39, 40, 41
TCP = socket.IPPROTO_TCP
PREFIX = {socket.AF_INET: 32, socket.AF_INET6: 128}


def sockaddr(family, net):
    if family == socket.AF_INET6:
        return struct.pack("=HHI16sI", family, 0, 0, net.packed, 0)
    return struct.pack("=HH4s", family, 0, net.packed)


def add(s, address, key, flags=0, keyflags=0, maclen=0):
    sndid, rcvid, alg, secret = key.split(",")
    s.setsockopt(TCP, ADD, struct.pack(
        "=128s64siIHBBBBBB80s", sockaddr(s.family,
                                         ipaddress.ip_address(address)),
        alg.encode(), 0, flags, 0, PREFIX[s.family], int(sndid), int(rcvid),
        maclen, keyflags, len(secret), secret.encode()))


def delete(s, address, sndid, rcvid, flags=0, current=0, rnext=0):
    s.setsockopt(TCP, DEL, struct.pack(
        "=128siIHBBBBBB", sockaddr(s.family, ipaddress.ip_address(address)),
        0, flags, 0, PREFIX[s.family], sndid, rcvid, current, rnext, 0))


def ask_info(s):
    """flags, current, rnext, good, bad, not found, missing, ICMP errors"""
    return struct.unpack("=IHBBQQQQQ", s.getsockopt(TCP, INFO, 48))


def set_info(s, flags, current=0, rnext=0):
    s.setsockopt(TCP, INFO, struct.pack("=IHBBQQQQQ", flags, 0, current,
                                        rnext, 0, 0, 0, 0, 0))


def echo(c):
    while data := c.recv(65536):
        c.sendall(data)
    c.close()


def serve(family, what, address, port, *keys):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def sign():
        for key in keys:
            if key:
                add(s, address, key)

    if what == "early":
        sign()
    s.bind(("0.0.0.0" if family == socket.AF_INET else "::", int(port)))
    s.listen(16)
    if what != "early":
        sign()
    print("ready", flush=True)
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo, args=(c,), daemon=True).start()


def transfer(s, size):
    sent = hashlib.sha256()
    got = hashlib.sha256()
    block = bytes(range(251)) * 97

    def send():
        left = size
        while left > 0:
            part = block[:min(left, len(block))]
            s.sendall(part)
            sent.update(part)
            left -= len(part)

    t = threading.Thread(target=send)
    t.start()
    left = size
    while left > 0 and (data := s.recv(min(left, 65536))):
        got.update(data)
        left -= len(data)
    t.join()
    return "good" if got.digest() == sent.digest() else "damaged"


def ask(family, what, address, port, size, *keys):
    s = socket.socket(family)
    s.settimeout(float(os.environ.get("CONNECT_S", 60)))
    for key in keys:
        if key:
            add(s, address, key)
    s.connect((address, int(port)))
    s.settimeout(60)
    result = transfer(s, int(size))
    if what == "turn":
        _, rcvid = keys[1].split(",")[:2]
        set_info(s, 2, rnext=int(rcvid))
        result += " " + transfer(s, int(size))
        # The peer signs with it now; and we do as he asks.
        _, _, current, rnext, good, bad, *_ = ask_info(s)
        result += " %d %d %s %d" % (current, rnext, good > 0, bad)
        set_info(s, 1, current=int(keys[1].split(",")[0]))
        delete(s, address, *[int(i) for i in keys[0].split(",")[:2]])
        result += " " + transfer(s, int(size))
    s.shutdown(socket.SHUT_WR)
    print(result if s.recv(1) == b"" else "more than was sent")


def refused(want, what, *args, **more):
    try:
        what(*args, **more)
    except OSError as e:
        if e.errno == want:
            return
        print("%s: %s" % (what.__name__, errno.errorcode[e.errno]))
        return
    print("%s: not refused" % what.__name__)


def api(family, address):
    key = "1,2,hmac(sha1),secret"
    other = ["192.0.2.77", "2001:db8::77"][family == socket.AF_INET6]
    for listening in False, True:
        s = socket.socket(family)
        if listening:
            s.bind(("0.0.0.0" if family == socket.AF_INET else "::", 0))
            s.listen(1)
        refused(errno.ENOENT, ask_info, s)
        add(s, address, key)
        refused(errno.EEXIST, add, s, address, "1,9,hmac(sha1),secret")
        refused(errno.EEXIST, add, s, address, "9,2,cmac(aes128),secret")
        refused(errno.ENOENT, add, s, address, "3,3,rot13,secret")
        refused(errno.EINVAL, add, s, address, "3,3,hmac(sha1),")
        refused(errno.EINVAL, add, s, address, "3,3,hmac(sha1),k", keyflags=4)
        refused(errno.EMSGSIZE, add, s, address, "3,3,hmac(sha1),k", maclen=17)
        refused(errno.ENOENT, delete, s, address, 2, 1)
        add(s, other, "1,2,cmac(aes128),another")
        set_info(s, 16)
        if ask_info(s)[0] & 16 == 0:
            print("accept_icmps is lost")
        md5 = struct.pack("=128sBBHi80s",
                          sockaddr(family, ipaddress.ip_address(address)),
                          0, 0, 1, 0, b"k")
        refused(errno.EKEYREJECTED, s.setsockopt, TCP, 14, md5)
        refused(errno.EPERM, s.setsockopt, TCP, 42, bytes(24))
        delete(s, address, 1, 2)
        s.setsockopt(TCP, 14, md5)
        refused(errno.EKEYREJECTED, add, s, address, key)
        s.close()
    print("done")


if sys.argv[1] == "probe":
    ask_info_of = socket.socket()
    add(ask_info_of, "192.0.2.9", "1,1,hmac(sha1),k")
    sys.exit(0)
what, where = sys.argv[1], sys.argv[2]
version = socket.AF_INET6 if ":" in where else socket.AF_INET
if what in ("ask", "turn"):
    ask(version, what, *sys.argv[2:])
elif what == "api":
    api(version, where)
else:
    serve(version, what, *sys.argv[2:])
