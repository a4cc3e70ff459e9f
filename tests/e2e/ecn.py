#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Explicit congestion notification, as both ends of a transfer see it.

ecn.py serve ADDR PORT       takes transfers; tells each sender what came, and
                             what of TCP_INFO speaks of ECN
ecn.py send ADDR PORT N [F]  sends N octets; prints what both ends say, one
                             word each; with F, ends when a line comes from it
ecn.py watch INTERFACE       counts, until SIGTERM, segments with data that
                             have CWR, and what answers with ECE
"""
import hashlib
import os
import select
import signal
import socket
import sys

sys.dont_write_bytecode = True
import tcpinfo  # noqa: E402

ECN, ECN_SEEN = 8, 16


def family(addr):
    return socket.AF_INET6 if ':' in addr else socket.AF_INET


def told(s):
    """What this end knows of ECN."""
    i = tcpinfo.read(s)
    words = {'ecn': 1 if i['options'] & ECN else 0,
             'seen': 1 if i['options'] & ECN_SEEN else 0,
             'opts': i['options'], 'resent': i['total_retrans'],
             'delivered': i['delivered'], 'ssthresh': i['snd_ssthresh'],
             'cwnd': i['snd_cwnd']}
    for name in ('delivered_ce', 'received_ce', 'delivered_e0_bytes',
                 'delivered_ce_bytes', 'received_e0_bytes',
                 'received_ce_bytes'):
        words[name] = i.get(name, 0)
    return words


def line_of(s):
    data = b''
    while not data.endswith(b'\n'):
        more = s.recv(4096)
        if not more:
            raise OSError('it ends')
        data += more
    return data.decode().strip()


def answer(c):
    left = int(line_of(c))
    c.sendall(b'go\n')
    digest = hashlib.sha256()
    while left > 0:
        data = c.recv(min(left, 1 << 16))
        if not data:
            raise OSError('it ends')
        digest.update(data)
        left -= len(data)
    words = ['their_%s=%d' % w for w in told(c).items()]
    c.sendall(('%s %s\n' % (digest.hexdigest(), ' '.join(words))).encode())
    c.recv(1)


def serve(addr, port):
    s = socket.socket(family(addr))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    s.listen(16)
    while True:
        c, _ = s.accept()
        if os.fork() == 0:
            s.close()
            answer(c)
            os._exit(0)
        c.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass


def send(addr, port, n, hold):
    s = socket.socket(family(addr))
    s.connect((addr, port))
    s.sendall(b'%d\n' % n)
    line_of(s)
    data = os.urandom(n)
    s.sendall(data)
    digest, theirs = line_of(s).split(' ', 1)
    same = 1 if digest == hashlib.sha256(data).hexdigest() else 0
    words = ['%s=%d' % w for w in told(s).items()]
    print('equal=%d %s %s' % (same, ' '.join(words), theirs), flush=True)
    if hold:
        with open(hold, encoding='ascii') as f:
            f.readline()


def tcp_of(frame):
    """Where the TCP header is, and how much follows it."""
    if frame[12:14] == b'\x08\x00' and frame[23] == 6:
        at = 14 + (frame[14] & 15) * 4
        end = 14 + int.from_bytes(frame[16:18], 'big')
    elif frame[12:14] == b'\x86\xdd' and frame[20] == 6:
        at, end = 54, 54 + int.from_bytes(frame[18:20], 'big')
    else:
        return None, 0
    return at, end - at - (frame[at + 12] >> 4) * 4


def watch(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    s.bind((interface, 0))
    end, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGTERM, lambda *_: None)
    print('ready', flush=True)
    cwr = ece = 0
    while True:
        ready = select.select([s, end], [], [])[0]
        if s not in ready:
            break
        frame = s.recv(128)
        at, data = tcp_of(frame)
        if at is None or frame[at + 13] & 2:  # SYN
            continue
        if data > 0 and frame[at + 13] & 0x80:
            cwr += 1
        if frame[at + 13] & 0x40:
            ece += 1
    print('cwr=%d ece=%d' % (cwr, ece), flush=True)


def main(argv):
    if argv[1] == 'serve':
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        serve(argv[2], int(argv[3]))
    elif argv[1] == 'send':
        send(argv[2], int(argv[3]), int(argv[4]), (argv + [''])[5])
    else:
        watch(argv[2])


main(sys.argv)
