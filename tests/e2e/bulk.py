#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""bulk.py: transfers that count their own system calls.

    bulk.py peer HOST PORT         the other side, of as many as come
    bulk.py ways PORT [HOST]       each way to send and to receive, in turns; as
                                   a server first, and then as a client
    bulk.py check TRACE SAID       compares a strace of that with what it said
    bulk.py beside TRACE KERNELS   compares straces of a program: the calls from
                                   an HTTP request to the close of its descriptor

4 MiB go one way, in pieces of 64 KiB, and are compared by a checksum.  The
program counts its own calls.  A strace of it is cut by lines of openat(2) on
names that nobody has: /mark/NAME begins what is called that.
"""

import collections
import hashlib
import json
import os
import re
import select
import socket
import sys
import tempfile

TOTAL, PIECE = 4 << 20, 65536
DATA = b''.join(hashlib.sha256(b'%d' % i).digest()
                for i in range(PIECE // 32))
SUM = hashlib.sha256(DATA * (TOTAL // PIECE)).hexdigest().encode()
calls = collections.Counter()


def mark(name):
    try:
        os.open('/mark/' + name, os.O_RDONLY)
    except OSError:
        pass


def call(name, fn, *args):
    calls[name] += 1
    return fn(*args)


def pieces(write):
    """Blocking: write(bytes) says how many it took."""
    left = TOTAL
    while left > 0:
        left -= write(DATA[(TOTAL - left) % PIECE:])


def taken(read):
    """Blocking: read(n) returns bytes.  The sum of what came."""
    h, left = hashlib.sha256(), TOTAL
    while left > 0:
        data = read(min(PIECE, left))
        assert data, 'ended early'
        h.update(data)
        left -= len(data)
    return h.hexdigest().encode()


def waiting(s, kind, bits, step):
    """step() until it is at its end, and epoll, poll or select when it would
    block; on is False once."""
    s.setblocking(False)
    fd = s.fileno()
    if kind == 'epoll_wait':
        ep = select.epoll()
        ep.register(fd, bits)
        wait = ep.poll
    elif kind == 'poll':
        po = select.poll()
        po.register(fd, bits & ~select.EPOLLET)
        wait = po.poll
    else:
        reads = [fd] if bits & select.EPOLLIN else []
        writes = [fd] if bits & select.EPOLLOUT else []

        def wait():
            select.select(reads, writes, [])

    def blocking(*args):
        while True:
            try:
                return step(*args)
            except BlockingIOError:
                calls[kind] += 1
                wait()
    return blocking


def sender(way, s):
    fd = s.fileno()
    if way == 'write':
        return lambda b: call('write', os.write, fd, b)
    if way == 'send':
        return lambda b: call('sendto', s.send, b)
    if way == 'writev':
        return lambda b: call('writev', os.writev, fd,
                              [b[:100], b[100:]])
    if way == 'sendmsg':
        return lambda b: call('sendmsg', s.sendmsg, [b[:100], b[100:]])
    file = tempfile.TemporaryFile()
    file.write(DATA)
    file.flush()
    return lambda b: call('sendfile', os.sendfile, fd, file.fileno(),
                          PIECE - len(b), len(b))


def receiver(way, s):
    fd, buf = s.fileno(), bytearray(PIECE)

    def into(name, fn, n, *args):
        r = call(name, fn, [memoryview(buf)[:n]], *args)
        return bytes(buf[:r[0] if isinstance(r, tuple) else r])
    return {
        'read': lambda n: call('read', os.read, fd, n),
        'recv': lambda n: call('recvfrom', s.recv, n),
        'recvfrom': lambda n: call('recvfrom', s.recvfrom, n)[0],
        'readv': lambda n: into('readv', lambda b: os.readv(fd, b), n),
        'recvmsg': lambda n: into('recvmsg', s.recvmsg_into, n),
    }[way]


WAITS = {'epoll': ('epoll_wait', 0), 'edge': ('epoll_wait', select.EPOLLET),
         'poll': ('poll', 0), 'select': ('select', 0)}
SENDS = ['write', 'send', 'writev', 'sendmsg', 'sendfile']
RECVS = ['read', 'recv', 'recvfrom', 'readv', 'recvmsg']


def transfer(way, s):
    """The bytes of way, "edge.write"; then their sum comes, or goes."""
    wait, _, io = way.rpartition('.')
    out = io in SENDS
    step = (sender if out else receiver)(io, s)
    if wait:
        kind, bits = WAITS[wait]
        bits |= select.EPOLLOUT if out else select.EPOLLIN
        step = waiting(s, kind, bits, step)
    mark('bulk.' + way)
    calls.clear()
    got = pieces(step) if out else taken(step)
    counted = dict(calls)
    mark('after')
    s.setblocking(True)
    if out:
        got = s.recv(64, socket.MSG_WAITALL)
    else:
        s.sendall(got)
    assert got == SUM, 'another sum'
    return counted


def family(host):
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def answer(s):
    """What it is asked for by the first byte: to take, or to send."""
    with s:
        if s.recv(1) == b's':
            s.sendall(taken(s.recv))
        else:
            pieces(s.send)
            s.recv(64, socket.MSG_WAITALL)
        s.recv(1)


def peer(host, port):
    """Serves at PORT; for each at PORT + 1, where the other serves."""
    with socket.create_server((host, port), family=family(host)) as ls:
        while True:
            s, (other, *_) = ls.accept()
            if s.recv(1) == b'c':  # the other wants to be called
                s.close()
                answer(socket.create_connection((other, port + 1)))
            else:
                answer(s)


def asked(s, way):
    s.sendall(b's' if way.rpartition('.')[2] in SENDS else b'r')


def client(way, host, port):
    mark('socket')
    s = socket.socket(family(host))
    mark('connect')
    s.connect((host, port))
    mark('connected')
    s.sendall(b'-')
    return s


def server(ls, host, port):
    with socket.create_connection((host, port)) as s:
        s.sendall(b'c')
    select.select([ls], [], [])
    mark('accept')
    s, _ = ls.accept()
    mark('accepted')
    return s


def ways(port, host):
    said = {}
    with socket.create_server(('', port + 1) if family(host) ==
                              socket.AF_INET else ('::', port + 1),
                              family=family(host)) as ls:
        for wait in ['', *(w + '.' for w in WAITS)]:
            for io in SENDS + RECVS:
                for side in 'accepted', 'connected':
                    way = wait + io
                    s = (server(ls, host, port) if side == 'accepted' else
                         client(way, host, port))
                    asked(s, way)
                    said[f'{way} {side}'] = transfer(way, s)
                    mark('close')
                    s.close()
                    mark('closed')
    print(json.dumps(said))


# ---- what strace saw ----

LINE = re.compile(r'^(?:\d+ +)?(\w+)\((.*)')
MARK = re.compile(r'"/mark/([\w.]+)"')
# The same under two names: that the C library takes another, and write() on a
# stream of tcpd's, which is a send so that its SIGPIPE can be held back.
SAME = {'pselect6': 'select', '_newselect': 'select', 'ppoll': 'poll',
        'epoll_pwait': 'epoll_wait', 'send': 'sendto', 'recv': 'recvfrom',
        'sendfile64': 'sendfile'}
AS_SEND = {'write': 'sendto', 'writev': 'sendmsg'}
# The interpreter's own.
MEMORY = {'brk', 'mmap', 'munmap', 'mremap', 'madvise', 'futex'}
# Calls whose number depends on what is there when they come; curl sets SIGPIPE
# aside each time that it wakes.
IO = {'read', 'write', 'writev', 'sendto', 'recvfrom', 'sendmsg', 'recvmsg',
      'readv', 'sendfile', 'poll', 'select', 'epoll_wait', 'rt_sigaction'}
# How many calls a step may take that is one for the program, or two: Python's
# accept() asks for the socket's name, too.
SETUP = {'socket': 3, 'connect': 32, 'accept': 20, 'close': 1}


def sections(trace):
    """(name, calls) of each mark."""
    name, seen = '', collections.Counter()
    with open(trace, encoding='utf-8', errors='replace') as f:
        for line in f:
            m = MARK.search(line)
            if m:
                yield name, seen
                name, seen = m.group(1), collections.Counter()
                continue
            m = LINE.match(line)
            if m and m.group(1) not in MEMORY:
                seen[SAME.get(m.group(1), m.group(1))] += 1
    yield name, seen


def check(trace, said):
    with open(said, encoding='utf-8') as f:
        said = json.load(f)
    status, count, most, side = 0, 0, {}, ''
    for name, seen in sections(trace):
        if name in SETUP:
            n = sum(seen.values())
            if n >= most.get(name, (0,))[0]:
                most[name] = n, seen
        elif name in ('accepted', 'connected'):
            side = name
        elif name.startswith('bulk.'):
            way = name[len('bulk.'):] + ' ' + side
            want = collections.Counter(said[way])
            as_send = collections.Counter()
            for k, v in want.items():
                as_send[AS_SEND.get(k, k)] += v
            count += 1
            if seen not in (want, as_send):
                print(f'{way}: made {dict(want)}, strace saw {dict(seen)}')
                status = 1
    for name, (n, seen) in most.items():
        print(f'{name}(): at most {n} calls, {dict(seen)}')
        if n > SETUP[name]:
            print(f'that is more than {SETUP[name]}')
            status = 1
    print(f'{count} transfers')
    return status if count == len(said) > 0 else 1


GET = re.compile(r'^(\d+) +\w+\((\d+), (?:\[\{iov_base=)?"GET ')


def request(trace):
    """Calls of the process, after a request was read or written and up to the
    last that moved bytes of its descriptor."""
    pid = fd = moved = None
    seen = collections.Counter()
    with open(trace, encoding='utf-8', errors='replace') as f:
        for line in f:
            m = GET.match(line)
            if m and not pid:
                pid, fd = m.groups()
            elif pid and line.startswith(pid):
                if re.match(pid + r' +close\(' + fd + r'\b', line):
                    break
                m = LINE.match(line)
                if m and m.group(1) not in MEMORY:
                    name = SAME.get(m.group(1), m.group(1))
                    seen[AS_SEND.get(name, name)] += 1
                    if m.group(2).startswith(fd + ',') and \
                            re.search(r'= [1-9]\d*$', line):
                        moved = seen.copy()
    return moved


def beside(ours, kernels):
    ours, kernels = request(ours), request(kernels)
    print(f'ours: {dict(ours or {})}\nkernel: {dict(kernels or {})}')
    if not ours or not kernels or set(ours) - set(kernels):
        return 1
    # Who finds more at once makes fewer; the sizes of reads are chance.
    few = [n for n in kernels if n not in IO]
    return any(ours[n] > kernels[n] for n in few) or \
        sum(ours.values()) > 2 * sum(kernels.values()) + 20


def main(what, *args):
    if what == 'peer':
        return peer(args[0], int(args[1]))
    if what == 'ways':
        return ways(int(args[0]), args[1])
    return check(*args) if what == 'check' else beside(*args)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
