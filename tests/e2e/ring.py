#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ring.py: what is written to a busy connection comes in its order.

    ring.py sink PORT          for each connection: reads to the end, answers
                               with the sum of what came
    ring.py WAY HOST PORT      writes so, and compares the sum with its own

The ways take the connection to where a ring is used, and then by each path out
of it.  Nothing waits for a time: who goes on is told so through a pipe.
"""

import array
import ctypes
import errno
import hashlib
import os
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import threading

PATTERN = hashlib.sha512(b'ring').digest() * 8192  # 512 KiB
FIRST = 1 << 20     # moved before anything special is done
rand = random.Random(4)
sent = hashlib.sha256()


def sink(port):
    s = socket.create_server(('0.0.0.0', port))
    print('ready', flush=True)

    def serve(c):
        h = hashlib.sha256()
        while data := c.recv(1 << 17):
            h.update(data)
        c.sendall(h.hexdigest().encode())
        c.close()
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],)).start()


def piece(n):
    at = rand.randrange(0, 65536)
    return PATTERN[at:at + n]


def put(fd, data, write=os.write):
    """All of it, on a blocking descriptor."""
    sent.update(data)
    while data:
        data = data[write(fd, data):]


def bulk(fd, total=FIRST, write=os.write):
    while total > 0:
        n = min(total, rand.choice((1, 100, 1000, 4096, 4097, 20000, 150000)))
        put(fd, piece(n), write)
        total -= n


def plain(s):
    bulk(s.fileno(), 24 << 20)


def small(s):
    for _ in range(40000):
        put(s.fileno(), piece(100))


def gathered(s):
    for _ in range(200):
        v = [piece(rand.randrange(1, 30000)) for _ in range(7)]
        data = b''.join(v)
        sent.update(data)
        n = s.sendmsg(v)
        while n < len(data):
            n += s.send(data[n:])


def polled(s, watch):
    s.setblocking(False)
    left = 16 << 20
    while left > 0:
        data = piece(min(left, rand.randrange(1, 200000)))
        left -= len(data)
        sent.update(data)
        while data:
            try:
                data = data[s.send(data):]
            except BlockingIOError:
                watch()
    s.setblocking(True)


def level(s):
    polled(s, lambda: select.select([], [s], []))


def edge(s):
    ep = select.epoll()
    ep.register(s, select.EPOLLOUT | select.EPOLLET)
    polled(s, ep.poll)


def in_turns(s, other):
    """This process and another, which other() makes: in turns, by pipes."""
    go, back = os.pipe(), os.pipe()
    for fd in go + back:
        os.set_inheritable(fd, True)
    bulk(s.fileno())
    texts = [piece(50000) for _ in range(20)]
    wait = other(go[0], back[1], texts)
    for t in texts:
        bulk(s.fileno(), 200000)
        sent.update(t)
        os.write(go[1], b'x')
        assert os.read(back[0], 1) == b'x'
    wait()
    bulk(s.fileno())


def answer(fd, go, back, texts):
    for t in texts:
        assert os.read(go, 1) == b'x'
        while t:
            t = t[os.write(fd, t):]
        os.write(back, b'x')


def child_of(run):
    pid = os.fork()
    if pid == 0:
        run()
        os._exit(0)
    return lambda: os.waitpid(pid, 0)


def forked(s):
    in_turns(s, lambda go, back, texts: child_of(
        lambda: answer(s.fileno(), go, back, texts)))


SCRIPT = '''
import os, sys
fd, go, back, n = map(int, sys.argv[1:5])
for _ in range(n):
    assert os.read(go, 1) == b'x'
    t = sys.stdin.buffer.read(50000)
    while t:
        t = t[os.write(fd, t):]
    os.write(back, b'x')
'''


def executed(s):
    s.set_inheritable(True)

    def start(go, back, texts):
        p = subprocess.Popen(
            [sys.executable, '-c', SCRIPT, str(s.fileno()), str(go), str(back),
             str(len(texts))], stdin=subprocess.PIPE, close_fds=False)
        threading.Thread(target=lambda: (p.stdin.write(b''.join(texts)),
                                         p.stdin.close())).start()
        return p.wait
    in_turns(s, start)


def spoken(s):
    """A program that is executed with it as its standard output."""
    bulk(s.fileno())
    for i in range(10):
        t = b'%d' % i * 1000
        sent.update(t)
        subprocess.run(['printf', '%s', t], stdout=s, check=True)
        bulk(s.fileno(), 300000)


def duplicate(s):
    bulk(s.fileno())
    fd = os.dup(s.fileno())
    for _ in range(10):
        put(fd, piece(30000))
        bulk(s.fileno(), 300000)
    os.close(fd)


def stream(s):
    """The C library's own, whose writes nobody sees."""
    libc = ctypes.CDLL(None)
    libc.fdopen.restype = ctypes.c_void_p
    libc.fwrite.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t,
                            ctypes.c_void_p]
    libc.fflush.argtypes = [ctypes.c_void_p]
    bulk(s.fileno())
    f = libc.fdopen(s.fileno(), b'w')
    for _ in range(10):
        t = piece(30000)
        sent.update(t)
        libc.fwrite(t, 1, len(t), f)
        libc.fflush(f)
        bulk(s.fileno(), 300000)


def passed(s):
    """By SCM_RIGHTS to a process that was there before the connection."""
    a, b, pid = s.before

    def other(go, back, texts):
        socket.send_fds(a, [b'x'], [s.fileno(), go, back])
        threading.Thread(target=a.sendall, args=(b''.join(texts),)).start()
        return lambda: os.waitpid(pid, 0)
    in_turns(s, other)


def receiver():
    a, b = socket.socketpair()
    pid = os.fork()
    if pid:
        return a, b, pid
    _, fds, _, _ = socket.recv_fds(b, 1, 3)
    data = b''
    while len(data) < 20 * 50000:
        data += b.recv(1 << 16)
    answer(*fds, [data[i:i + 50000] for i in range(0, len(data), 50000)])
    os._exit(0)


def file_sent(s):
    bulk(s.fileno())
    f = os.memfd_create('file')
    os.write(f, PATTERN)
    for _ in range(5):
        sent.update(PATTERN)
        at = 0
        while at < len(PATTERN):
            at += os.sendfile(s.fileno(), f, at, len(PATTERN) - at)
        bulk(s.fileno(), 300000)


def threads(s):
    """Each call's bytes come in one piece or, if it takes a part, in order:
    threads write what is alike, so that any order of calls has one sum."""
    bulk(s.fileno())
    data = b'a' * 70000

    def run():
        for _ in range(100):
            left = len(data)
            while left > 0:
                left -= os.write(s.fileno(), data[:left])
    all_of = [threading.Thread(target=run) for _ in range(4)]
    for t in all_of:
        t.start()
    for t in all_of:
        t.join()
    sent.update(data * 400)
    bulk(s.fileno())


def killed(s):
    """A process that shares it dies in the midst of its writing; what came of
    it is not known, so it writes what is alike, and its last is as long as
    that is."""
    bulk(s.fileno())
    r, w = os.pipe()

    def run():
        os.write(w, b'x')
        while True:
            os.write(s.fileno(), b'')
            os.write(s.fileno(), b'a' * 100000)
    pid = os.fork()
    if pid == 0:
        run()
    os.read(r, 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    s.unknown = True
    bulk(s.fileno())


def reset(s):
    """The peer is gone: it is heard of."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                 array.array('l', [20, 0]).tobytes())
    try:
        while True:
            os.write(s.fileno(), PATTERN)
    except OSError as e:
        assert e.errno in (errno.ECONNRESET, errno.EPIPE), e
        sys.exit(0)


def main(way, host, port):
    before = receiver() if way == 'passed' else None
    s = socket.create_connection((host, int(port)))
    # A descriptor of Python's refuses to be written to behind its back.
    holder = type('S', (socket.socket,), {})(fileno=s.detach())
    holder.before = before
    globals()[way](holder)
    holder.shutdown(socket.SHUT_WR)
    got = b''
    while data := holder.recv(1000):
        got += data
    if getattr(holder, 'unknown', False):
        assert len(got) == 64, got
        return
    assert got.decode() == sent.hexdigest(), (got, sent.hexdigest())


if __name__ == '__main__':
    if sys.argv[1] == 'sink':
        sink(int(sys.argv[2]))
    else:
        main(*sys.argv[1:])
