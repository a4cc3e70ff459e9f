#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""TCP_INFO after one and the same transfer, whoever's TCP it is.

info.py serve ADDR PORT      takes 300,000 octets, answers with 100,000
info.py ask ADDR PORT        sends and takes them; prints the server's fields
                             and its own as "server NAME VALUE", "client ..."
info.py lengths ADDR PORT    what getsockopt gives for buffers of all lengths
info.py compare A B          what of B is of another kind than in A
"""
import os
import re
import socket
import sys

sys.dont_write_bytecode = True
import tcpinfo  # noqa: E402

THERE, BACK = 300000, 100000
TRIES = 10
# The same number each time.
EQUAL = ('state ca_state retransmits probes backoff options snd_mss advmss'
         ' pmtu unacked sacked lost retrans fackets last_ack_sent'
         ' total_retrans bytes_acked bytes_received bytes_sent bytes_retrans'
         ' notsent_bytes delivered_ce dsack_dups'
         ' reord_seen rcv_ooopack rehash total_rto total_rto_recoveries'
         ' total_rto_time received_ce delivered_e1_bytes delivered_e0_bytes'
         ' delivered_ce_bytes received_e1_bytes received_e0_bytes'
         ' received_ce_bytes accecn_fail_mode accecn_opt_seen reordering'
         ' max_pacing_rate').split()
# Something or nothing, as there.
LIKE = ('rto ato rcv_mss rcv_ssthresh rtt rttvar snd_cwnd rcv_space wscale'
        ' pacing_rate segs_out segs_in min_rtt data_segs_in'
        ' data_segs_out delivered delivery_rate snd_wnd rcv_wnd').split()
# Chance decides: last_data_sent last_data_recv last_ack_recv, which may be 0
# ms; busy_time, which the kernel counts by its tick; rcv_rtt, of an estimate that a quick transfer need not give; flags, of
# whether the last sample was the application's limit; rwnd_limited and
# sndbuf_limited.


def take(s, n):
    while n > 0:
        data = s.recv(min(n, 1 << 16))
        if not data:
            raise OSError('it ends')
        n -= len(data)


def give(s, n):
    s.sendall(bytes(n))


def fields(who, s):
    return ''.join('%s %s %d\n' % (who, *f) for f in tcpinfo.read(s).items())


def serve(addr, port):
    s = socket.socket(socket.AF_INET6 if ':' in addr else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    s.listen(8)
    while True:
        c, _ = s.accept()
        try:
            take(c, THERE)
            give(c, BACK)
            take(c, 1)
            mine = fields('server', c)
            c.sendall(b'.')
            take(c, 1)
            c.sendall(mine.encode())
        except OSError:
            pass
        c.close()


def connected(addr, port):
    return socket.create_connection((addr, port), 10)


def told(addr, port):
    s = connected(addr, port)
    give(s, THERE)
    take(s, BACK)
    s.sendall(b'.')
    take(s, 1)
    mine = fields('client', s)
    s.sendall(b'.')
    theirs = b''
    while data := s.recv(1 << 16):
        theirs += data
    return theirs.decode() + mine


def ask(addr, port):
    """Of a transfer in which no ACK was so late that a segment went twice: an
    end that is not scheduled for some milliseconds is enough for that."""
    for _ in range(TRIES):
        text = told(addr, port)
        if not re.search('total_retrans [1-9]', text):
            break
    print(text, end='')


def lengths(addr, port):
    s = connected(addr, port)
    whole = tcpinfo.raw(s, 1024)
    sizes = [len(tcpinfo.raw(s, n)) for n in range(1, 1024)]
    same = all(got == min(n, len(whole))
               for n, got in enumerate(sizes, start=1))
    begins = all(tcpinfo.raw(s, n)[:8] == whole[:8] for n in (8, 104, 232))
    print(len(whole), same, begins)


def known(path):
    out = {}
    with open(path, encoding='ascii') as f:
        for line in f:
            who, name, value = line.split()
            out[who, name] = int(value)
    return out


def compare(a, b):
    want, got = known(a), known(b)
    if os.environ.get('INFO_SHOW'):
        for k in want:
            print('# %s %s: %s %s' % (*k, want[k], got.get(k)))
    for who in 'client', 'server':
        for name in EQUAL + LIKE:
            k = (who, name)
            if k not in want:  # an older kernel
                continue
            if k not in got:
                print(who, name, 'is not there')
            elif name in EQUAL and got[k] != want[k]:
                print(who, name, got[k], 'not', want[k])
            elif name == 'delivered' and got[k] != got[who, 'data_segs_out'] + 1:
                print(who, name, got[k], 'not the SYN and all data')
            elif name in LIKE and (got[k] == 0) != (want[k] == 0):
                print(who, name, got[k], 'but', want[k])


if sys.argv[1] == 'compare':
    compare(*sys.argv[2:])
else:
    {'serve': serve, 'ask': ask, 'lengths': lengths}[sys.argv[1]](
        sys.argv[2], int(sys.argv[3]))
