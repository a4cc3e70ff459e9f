#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""TCP Fast Open, as programs use it.

fast.py serve ADDR PORT      a listener that wants it; tells each client how
                             much it got, its checksum, and whether the SYN
                             carried data
fast.py HOW ADDR PORT N      sends N octets and prints what the server says and
                             whether our SYN carried data.  HOW: send (sendto
                             with MSG_FASTOPEN), soon (the same without
                             waiting), connect (TCP_FASTOPEN_CONNECT), child
                             (the same, written by another program), close
                             (the same, and closed at once)
fast.py errnos ADDR PORT     what calls return at each stage; needs a cookie
"""
import errno
import hashlib
import os
import select
import socket
import struct
import subprocess
import sys

FASTOPEN_CONNECT = getattr(socket, 'TCP_FASTOPEN_CONNECT', 30)
TCP = socket.IPPROTO_TCP


def syn_data(s):
    return s.getsockopt(TCP, socket.TCP_INFO, 104)[5] >> 5 & 1


def sum_of(data):
    return hashlib.sha256(data).hexdigest()[:16].encode()


def new(addr):
    s = socket.socket(socket.AF_INET6 if ':' in addr else socket.AF_INET)
    s.settimeout(None)
    return s


def take(c, n):
    data = b''
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more:
            raise OSError('it ends')
        data += more
    return data


def answer(c):
    n = int(take(c, 8))
    data = take(c, n)
    c.sendall(b'%d %s %d\n' % (n, sum_of(data), syn_data(c)))
    c.recv(1)  # the end, when all has been asked


def serve(addr, port):
    s = new(addr)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(TCP, socket.TCP_FASTOPEN, 64)
    s.bind((addr, port))
    s.listen(64)
    while True:
        c, _ = s.accept()
        with c:
            try:
                answer(c)
            except OSError:
                pass


def until(s, event):
    p = select.poll()
    p.register(s, event)
    if not p.poll(10000):
        sys.exit('nothing happens')


def soon(s, data, dst):
    """Returns when it is connected and all is written."""
    s.setblocking(False)
    try:
        n = s.sendto(data, socket.MSG_FASTOPEN, dst)
    except BlockingIOError:
        n = 0
    until(s, select.POLLOUT)
    err = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if err:
        sys.exit(os.strerror(err))
    s.setblocking(True)
    s.sendall(data[n:])


def client(how, addr, port, n):
    text = os.urandom(n)
    data = b'%08d' % n + text
    dst = (addr, port)
    s = new(addr)
    if how == 'send':
        sent = s.sendto(data, socket.MSG_FASTOPEN, dst)
        if sent != n + 8:
            sys.exit('sendto() takes %d of %d' % (sent, n))
    elif how == 'soon':
        soon(s, data, dst)
    else:
        s.setsockopt(TCP, FASTOPEN_CONNECT, 1)
        s.connect(dst)
        if how == 'child':
            subprocess.run(['/bin/cat'], input=data, stdout=s, check=True)
        else:
            s.sendall(data)
    if how == 'close':
        s.close()
        return
    want = b'%d %s ' % (n, sum_of(text))
    got = take(s, len(want) + 2)
    if not got.startswith(want):
        sys.exit('the server says %r' % got)
    print('theirs', got[len(want):-1].decode(), 'ours', syn_data(s))


def what(call, *args):
    try:
        return str(call(*args))
    except OSError as e:
        return errno.errorcode[e.errno]


def bits(s):
    p = select.poll()
    p.register(s, select.POLLIN | select.POLLOUT)
    return ''.join(str(b) for _, b in p.poll(0)) or '0'


def errnos(addr, port):
    fast = socket.MSG_FASTOPEN
    dst = (addr, port)
    first = b'00000092'.ljust(100, b'x')
    out = []
    s = new(addr)
    s.setblocking(False)
    out.append(what(s.sendto, first, fast, dst))
    until(s, select.POLLOUT)
    out.append(what(s.sendto, b'y' * 100, fast, dst))
    out.append(what(s.sendto, b'z' * 100, fast, dst))
    out.append(what(s.connect, dst))
    s.close()
    # A port where nobody is.
    s = new(addr)
    out.append(what(s.sendto, first, fast, (addr, 9)))
    s.close()
    # TCP_FASTOPEN_CONNECT
    s = new(addr)
    s.setblocking(False)
    s.setsockopt(TCP, FASTOPEN_CONNECT, 1)
    out.append(what(s.connect, dst))
    out.append('out' if bits(s) == str(select.POLLOUT) else 'not ' + bits(s))
    out.append(what(s.connect, dst))
    out.append(what(s.getpeername))
    out.append(what(s.send, first))
    until(s, select.POLLOUT)
    out.append(what(s.setsockopt, TCP, FASTOPEN_CONNECT, 1))
    out.append(what(s.setsockopt, TCP, socket.TCP_FASTOPEN, 1))
    s.close()
    print(' '.join(out))


def main():
    how, addr, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if how == 'serve':
        serve(addr, port)
    elif how == 'errnos':
        errnos(addr, port)
    else:
        client(how, addr, port, int(sys.argv[4]))


main()
