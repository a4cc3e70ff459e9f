#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Congestion control and pacing as a program asks for them, whoever's TCP it
is: what is printed can be compared with the kernel's.

congestion.py serve ADDR PORT          takes transfers, answers with the digest
congestion.py options ADDR PORT NAME.. sets and gets before and after connect(),
                                       wrong names, all lengths
congestion.py send ADDR PORT NAME..    a transfer with each
congestion.py listen ADDR PORT NAME..  sets each on a listener and sends to a
                                       connection of it
congestion.py call ADDR PORT N         takes what N of them send
congestion.py pace ADDR PORT NAME RATE N  sends N octets at RATE a second;
                                       prints the milliseconds
congestion.py hold ADDR PORT           prints what a connection has, then again
                                       for each line of its input
congestion.py keep ADDR PORT           takes connections; prints what they have
"""
import ctypes
import errno
import hashlib
import os
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
import tcpinfo  # noqa: E402

PACING = 47  # SO_MAX_PACING_RATE
AMOUNT = 400000


def fresh(addr):
    return socket.socket(socket.AF_INET6 if ':' in addr else socket.AF_INET)


def listening(addr, port, name=None):
    s = fresh(addr)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if name:
        choose(s, name)
    s.bind((addr, port))
    s.listen(8)
    return s


def attempt(what, *args):
    try:
        return what(*args)
    except OSError as e:
        return errno.errorcode[e.errno]


def get(s, n=16):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, n)


def name_of(s):
    return get(s).rstrip(b'\0').decode()


def choose(s, name):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())


# ---- transfers ----

def digest_of(s):
    """What comes until the end, and how much."""
    digest, n = hashlib.sha256(), 0
    while data := s.recv(1 << 16):
        digest.update(data)
        n += len(data)
    return '%d %s' % (n, digest.hexdigest())


def transfer(s, n, before=b''):
    """Sends n octets; True: the other end got them, and those before."""
    data = os.urandom(n)
    s.sendall(data)
    data, n = before + data, len(before) + n
    s.shutdown(socket.SHUT_WR)
    answer = b''
    while more := s.recv(256):
        answer += more
    return answer.decode() == '%d %s' % (n, hashlib.sha256(data).hexdigest())


def serve(addr, port):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    s = listening(addr, port)
    while True:
        c, _ = s.accept()
        if os.fork() == 0:
            s.close()
            try:
                c.sendall(digest_of(c).encode())
            except OSError:
                pass
            os._exit(0)
        c.close()


def send(addr, port, *names):
    for name in names:
        s = fresh(addr)
        choose(s, name)
        s.connect((addr, port))
        print(name, name_of(s), transfer(s, AMOUNT))


# ---- options ----

def lengths(s):
    libc = ctypes.CDLL(None, use_errno=True)
    for n in range(1, 20):
        print('get', n, get(s, n))
    for n in (0, -1):
        size = ctypes.c_int(n)
        buf = ctypes.create_string_buffer(b'unchanged')
        ctypes.set_errno(0)
        r = libc.getsockopt(s.fileno(), socket.IPPROTO_TCP,
                            socket.TCP_CONGESTION, buf, ctypes.byref(size))
        print('get', n, r, errno.errorcode.get(ctypes.get_errno(), 0),
              size.value, buf.value)


def wrong(s):
    before = name_of(s)
    for value in (b'warp', b'', b'\0', b'Reno', b'ren', b'reno ', b'renox',
                  b'reno\0x', b'reno' + bytes(40), b'x' * 40):
        print('set', value, attempt(s.setsockopt, socket.IPPROTO_TCP,
                                    socket.TCP_CONGESTION, value), name_of(s))
        choose(s, before)


def rates(s):
    print([s.getsockopt(socket.SOL_SOCKET, PACING, n).hex()
           for n in range(1, 13)])


def pacing(s):
    rates(s)
    for value in (struct.pack('=I', 2000000), struct.pack('=Q', 5 << 32),
                  struct.pack('=I', 0xffffffff), struct.pack('=Q', 3000000),
                  struct.pack('=QI', 4000000, 1), struct.pack('=IH', 9000000, 1),
                  struct.pack('=H', 1), b'', struct.pack('=Q', 2**64 - 1)):
        print('pacing', value.hex(),
              attempt(s.setsockopt, socket.SOL_SOCKET, PACING, value))
        rates(s)
        print(tcpinfo.read(s)['max_pacing_rate'])


def options(addr, port, *names):
    s = fresh(addr)
    for turn in 'before', 'after':
        print(turn, 'connect')
        for name in names:
            choose(s, name)
            print(name, name_of(s))
        lengths(s)
        wrong(s)
        pacing(s)
        if turn == 'before':
            s.connect((addr, port))
            print('connected', name_of(s))
    # It changes while data is on its way, too.
    for name in names:
        s.sendall(bytes(AMOUNT))
        choose(s, name)
    print(transfer(s, 1000, bytes(AMOUNT * len(names))), name_of(s))


# ---- listeners ----

def listen(addr, port, *names):
    s = listening(addr, port, names[0])
    for name, then in zip(names, names[1:] + names[:1]):
        has = name_of(s)
        c, _ = s.accept()
        # Now, as this peer's end brings the next one.
        choose(s, then)
        print(name, has, name_of(c), transfer(c, AMOUNT), flush=True)
        c.close()


def call(addr, port, n):
    for _ in range(int(n)):
        s = fresh(addr)
        s.connect((addr, port))
        s.sendall(digest_of(s).encode())
        s.close()


# ---- the rest ----

def pace(addr, port, name, rate, n):
    s = fresh(addr)
    choose(s, name)
    s.setsockopt(socket.SOL_SOCKET, PACING, int(rate))
    s.connect((addr, port))
    began = time.monotonic()
    same = transfer(s, int(n))
    print(same, int((time.monotonic() - began) * 1000))


def hold(addr, port):
    s = fresh(addr)
    s.connect((addr, port))
    print(name_of(s), flush=True)
    for _ in sys.stdin:
        print(name_of(s), flush=True)


def keep(addr, port):
    s = listening(addr, port)
    while True:
        c, _ = s.accept()
        print(name_of(c), flush=True)
        c.close()


{'serve': serve, 'options': options, 'send': send, 'listen': listen,
 'call': call, 'pace': pace, 'hold': hold, 'keep': keep}[sys.argv[1]](
    sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
