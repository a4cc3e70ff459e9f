# SPDX-License-Identifier: ISC
"""struct tcp_info as Linux 6.18 has it, by name: read(socket) gives what of it
the kernel, or tcpd, knows."""
import socket
import struct

# The C library's headers need not know the end of it.
FIELDS = (
    ('B', 'state ca_state retransmits probes backoff options wscale flags'),
    ('I', 'rto ato snd_mss rcv_mss unacked sacked lost retrans fackets'
     ' last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu'
     ' rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering'
     ' rcv_rtt rcv_space total_retrans'),
    ('Q', 'pacing_rate max_pacing_rate bytes_acked bytes_received'),
    ('I', 'segs_out segs_in notsent_bytes min_rtt data_segs_in'
     ' data_segs_out'),
    ('Q', 'delivery_rate busy_time rwnd_limited sndbuf_limited'),
    ('I', 'delivered delivered_ce'),
    ('Q', 'bytes_sent bytes_retrans'),
    ('I', 'dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash'),
    ('H', 'total_rto total_rto_recoveries'),
    ('I', 'total_rto_time received_ce delivered_e1_bytes delivered_e0_bytes'
     ' delivered_ce_bytes received_e1_bytes received_e0_bytes'
     ' received_ce_bytes'),
    ('H', 'accecn_fail_mode accecn_opt_seen'),
)
NAMES = [n for _, names in FIELDS for n in names.split()]
FORMAT = '=' + ''.join(c * len(names.split()) for c, names in FIELDS)
SIZE = struct.calcsize(FORMAT)


def raw(s, size=SIZE):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)


def read(s):
    got = raw(s)
    known = struct.unpack(FORMAT, got + bytes(SIZE - len(got)))
    info = dict(zip(NAMES, known))
    for name in NAMES:
        if struct.calcsize(FORMAT[:NAMES.index(name) + 2]) > len(got):
            del info[name]
    return info
