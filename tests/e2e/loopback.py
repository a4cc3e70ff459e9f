# SPDX-License-Identifier: ISC
# loopback.py OWN FOREIGN OWN6 FOREIGN6: what a program sees on loopback
# addresses, a line for each; OWN is another address of its stack, FOREIGN one
# of another.
import errno
import hashlib
import os
import select
import socket
import struct
import sys
import threading
import time

OWN, FOREIGN, OWN6, FOREIGN6 = sys.argv[1:5]


def names(addr):
    """An address as the two runs have it alike."""
    if addr[0] in (OWN, OWN6):
        return "own"
    return addr[0].replace(OWN, "own")


def failing(f, *args):
    began = time.monotonic()
    try:
        f(*args)
    except OSError as e:
        soon = "at once" if time.monotonic() - began < 0.9 else "late"
        return errno.errorcode[e.errno] + " " + soon
    return "success"


def listener(family, host):
    s = socket.socket(family)
    s.bind((host, 0))
    s.listen(50)
    return s


def pump(s, data):
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)


def drain(s):
    h, n = hashlib.sha256(), 0
    while True:
        more = s.recv(1 << 16)
        if not more:
            return h.hexdigest(), n
        h.update(more)
        n += len(more)


def carried(c, a):
    """4 MB each way at once."""
    one, two = os.urandom(4 << 20), os.urandom(4 << 20)
    got = []
    threads = [threading.Thread(target=pump, args=(c, one)),
               threading.Thread(target=pump, args=(a, two)),
               threading.Thread(target=lambda: got.append(drain(a)))]
    for t in threads:
        t.start()
    back = drain(c)
    for t in threads:
        t.join()
    return (got == [(hashlib.sha256(one).hexdigest(), len(one))] and
            back == (hashlib.sha256(two).hexdigest(), len(two)))


def pair(what, family, bound, to, source=None):
    server = listener(family, bound)
    port = server.getsockname()[1]
    c = socket.socket(family)
    if source:
        c.bind((source, 0))
    c.settimeout(20)
    c.connect((to, port))
    a, peer = server.accept()
    print(what, "bound", names(server.getsockname()),
          "client", names(c.getsockname()), names(c.getpeername()),
          "server", names(a.getsockname()), names(peer),
          peer == c.getsockname(), a.getsockname() == c.getpeername())
    print(what, "carried", carried(c, a))
    for s in (c, a, server):
        s.close()


def refusals(what, family, host):
    s = listener(family, host)
    name = s.getsockname()
    s.close()
    c = socket.socket(family)
    print(what, "nobody listens:", failing(c.connect, name))
    c = socket.socket(family)
    c.setblocking(False)
    c.connect_ex(name)
    poll = select.poll()
    poll.register(c, select.POLLOUT)
    print(what, "not blocking:", bool(poll.poll(1000)),
          errno.errorcode.get(c.getsockopt(socket.SOL_SOCKET,
                                           socket.SO_ERROR)))
    s = listener(family, host)
    other = socket.socket(family)
    print(what, "in use:", failing(other.bind, s.getsockname()))


def itself(what, family, host):
    """Connected to its own name, by a simultaneous open with itself."""
    s = socket.socket(family)
    s.bind((host, 0))
    s.settimeout(20)
    s.connect(s.getsockname())
    s.sendall(b"echo" * 1000)
    got = b""
    while len(got) < 4000:
        got += s.recv(4000)
    print(what, "itself", s.getsockname() == s.getpeername(),
          got == b"echo" * 1000)
    s.shutdown(socket.SHUT_WR)
    print(what, "itself, the end", s.recv(1))
    s.close()


def last_words(what, family, host):
    """What is written before a reset arrives before it."""
    for how in ("unread", "linger"):
        server = listener(family, host)
        good = 0
        for _ in range(50):
            c = socket.create_connection(server.getsockname()[:2], 20)
            a, _ = server.accept()
            if how == "unread":
                a.sendall(bytes(1000))
                c.recv(10)
            else:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
            c.sendall(b"last words")
            c.close()
            a.settimeout(20)
            try:
                good += a.recv(100) == b"last words"
                a.recv(1)
            except ConnectionResetError:
                good += 1
            a.close()
        print(what, how, "last words and reset", good)


def reset_at_once(what, family, host):
    """When a close that resets has returned, the other side knows of it."""
    server = listener(family, host)
    gone = [0, 0]
    for i in range(100):
        c = socket.create_connection(server.getsockname()[:2], 20)
        a, _ = server.accept()
        one, other = (c, a) if i % 2 else (a, c)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       struct.pack("ii", 1, 0))
        one.sendall(b"last words")
        one.close()
        gone[i % 2] += failing(other.getpeername) == "ENOTCONN at once"
        other.close()
    print(what, "no peer after a reset", gone)


def numbers(host):
    """What one thread asks about takes no number from another one."""
    server = listener(socket.AF_INET, host)
    c = socket.create_connection(server.getsockname())
    a, _ = server.accept()
    first = os.dup(0)
    os.close(first)
    begun, done = threading.Event(), threading.Event()

    def ask():
        while not done.is_set():
            c.getpeername()
            begun.set()

    asker = threading.Thread(target=ask)
    asker.start()
    begun.wait()
    same = 0
    for _ in range(2000):
        fd = os.dup(0)
        same += fd == first
        os.close(fd)
    done.set()
    asker.join()
    print("numbers stay", same > 2000 * 0.8)


def many(family, host):
    s = listener(family, host)
    held = []
    for i in range(200):
        c = socket.create_connection(s.getsockname()[:2], 20)
        a, _ = s.accept()
        a.sendall(b"%d" % i)
        held.append((c, a))
    print("many", all(c.recv(10) == b"%d" % i
                      for i, (c, _) in enumerate(held)))


def datagrams(what, family, host):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((host, 0))
    c = socket.socket(family, socket.SOCK_DGRAM)
    c.settimeout(20)
    c.connect(s.getsockname())
    c.send(b"hello")
    got, peer = s.recvfrom(100)
    s.sendto(got * 2000, peer)
    print(what, "datagrams", names(peer), len(c.recv(65536)))
    s.close()
    c.send(b"nobody")
    print(what, "datagram to nobody:", failing(c.recv, 100))


v4, v6 = socket.AF_INET, socket.AF_INET6
pair("v4", v4, "127.0.0.1", "127.0.0.1")
pair("v4 other", v4, "127.8.9.10", "127.8.9.10")
pair("v4 wildcard", v4, "", "127.0.0.1")
pair("v4 to the wildcard", v4, "", "0.0.0.0")
pair("v4 source", v4, "127.0.0.1", "127.0.0.1", "127.0.0.9")
pair("v4 own to loopback", v4, "127.0.0.1", "127.0.0.1", OWN)
pair("v4 loopback to own", v4, OWN, OWN, "127.0.0.1")
pair("v4 own to the wildcard", v4, "", "0.0.0.0", OWN)
pair("v6", v6, "::1", "::1")
pair("v6 wildcard", v6, "::", "::1")
pair("v6 to the wildcard", v6, "::", "::")
pair("mapped", v6, "::ffff:127.0.0.1", "::ffff:127.0.0.1")
pair("mapped wildcard", v6, "::", "::ffff:127.0.0.1")
pair("v6 own", v6, OWN6, OWN6)
for what, family, host in (("v4", v4, "127.0.0.1"), ("v6", v6, "::1"),
                           ("mapped", v6, "::ffff:127.0.0.1")):
    refusals(what, family, host)
    itself(what, family, host)
    datagrams(what, family, host)
itself("own", v4, OWN)
last_words("v4", v4, "127.0.0.1")
last_words("v6", v6, "::1")
reset_at_once("v4", v4, "127.0.0.1")
reset_at_once("v6", v6, "::1")
reset_at_once("mapped", v6, "::ffff:127.0.0.1")
reset_at_once("own", v4, OWN)
numbers("127.0.0.1")
many(v4, "127.0.0.1")
many(v6, "::1")
s = socket.socket()
s.bind(("127.0.0.1", 0))
print("outward:", failing(s.connect, (FOREIGN, 9)))
print("localhost:", socket.create_server(("localhost", 0))
      .getsockname()[0])
