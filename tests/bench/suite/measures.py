# SPDX-License-Identifier: ISC
"""What is measured, in which lab, and what is aimed at: data only.

A measure is one command of a client, run on one side of a lab:

  path   "out"    the client is in the far end, the server in the kernel
         "in"     the client is in the kernel, the server in the far end
         "local"  both are in the far end
  lab    a row of LABS
  tool   which program it is and how its output is read (tools.py)
  keys   which figures of its output count, rows of KEYS
  full   only in BENCH_SET=full
  systems  who takes turns; ratios are tcpd's figure to each other one's

The far end is what differs between systems: the kernel in a second namespace,
tcpd, or one of the other stacks in user space.
"""
from collections import namedtuple

Measure = namedtuple("Measure",
                     "name what path lab tool args keys full systems")

# figure: what it is called, unit, is more better
KEYS = {
    "gbit_s": ("Gbit/s", "Gbit/s", True),
    "per_s": ("a second", "/s", True),
    "p50_us": ("p50", "us", False),
    "p99_us": ("p99", "us", False),
    "p999_us": ("p99.9", "us", False),
    "cpu_s_per_gib": ("CPU a GiB", "s", False),
    "cpu_us_per_op": ("CPU an operation", "us", False),
}
BULK = ("gbit_s", "cpu_s_per_gib")
LATENCY = ("p50_us", "p99_us", "p999_us", "cpu_us_per_op")
RATE = ("per_s", "cpu_us_per_op")
PROGRAM = ("per_s", "p50_us", "p99_us", "cpu_us_per_op")

# Environment of contrib/lab; "conf" goes into tcpd.conf, behind LAB_CONF.
LABS = {
    "base": {},
    "mtu9000": {"LAB_MTU": "9000"},
    "mtu65521": {"LAB_MTU": "65521"},
    "plain": {"LAB_OFFLOAD": "no"},
    "plain9000": {"LAB_OFFLOAD": "no", "LAB_MTU": "9000"},
    "plain65521": {"LAB_OFFLOAD": "no", "LAB_MTU": "65521"},
    "packet": {"LAB_DEVICE": "packet"},
    "sleep": {"conf": "engine { busy_poll = 0 }"},
}
LAB_TEXT = {
    "base": "", "mtu9000": "MTU 9000", "mtu65521": "MTU 65521",
    "plain": "no offloads", "plain9000": "MTU 9000, no offloads",
    "plain65521": "MTU 65521, no offloads", "packet": "AF_PACKET", "sleep": "no busy polling",
}
# Where bulk is measured in every combination.
BULK_LABS = ("base", "mtu9000", "mtu65521", "plain", "plain9000",
             "plain65521", "packet")

TURNS = ("kernel", "tcpd")
STACKS = ("tcpd", "pasta", "slirp4netns", "lwip")
WRITES = {"1k": 1024, "16k": 16384, "128k": 131072}


def measure(name, what, path, args, keys, tool="load", lab="base", full=False,
            systems=TURNS):
    return Measure(name, what, path, lab, tool, args.split(), keys, full,
                   systems)


MEASURES = [
    measure("send_1", "far end sends, 1 stream", "out", "-c1 send", BULK),
    measure("recv_1", "far end receives, 1 stream", "out", "-c1 recv", BULK),
    measure("send_8", "far end sends, 8 streams", "out", "-c8 send", BULK),
    measure("recv_8", "far end receives, 8 streams", "out", "-c8 recv", BULK),
    measure("send_1_1k", "far end sends, 1 stream, writes of 1 KiB", "out",
            "-c1 -w1024 send", BULK),
    measure("accept_recv_1", "far end is server, receives", "in", "-c1 send",
            BULK),
    measure("accept_send_1", "far end is server, sends", "in", "-c1 recv",
            BULK),
    measure("plain_send_1", "no offloads, far end sends", "out", "-c1 send",
            BULK, lab="plain"),
    measure("plain_recv_1", "no offloads, far end receives", "out",
            "-c1 recv", BULK, lab="plain"),
    measure("local_1", "two local programs, 1 stream", "local", "-c1 send",
            BULK),
    measure("local_rr", "two local programs, 64-byte round trip", "local",
            "-c1 -s64 rr", LATENCY),
    measure("rr", "64-byte round trip", "out", "-c1 -s64 rr", LATENCY),
    measure("rr_sleep", "the same, no busy polling", "out", "-c1 -s64 rr",
            LATENCY, lab="sleep"),
    measure("rr_16", "64-byte round trip, 16 connections", "out",
            "-c16 -s64 turns", LATENCY),
    measure("crr_1", "connect+request+close, 1 at once", "out", "-c1 crr",
            RATE),
    measure("crr_8", "connect+request+close, 8 at once", "out", "-c8 crr",
            RATE),
    measure("accept_crr_8", "the same, far end is server", "in", "-c8 crr",
            RATE),
    measure("nginx", "nginx, 1 KiB, wrk with 50 connections", "in",
            "/1k -c50", PROGRAM, tool="wrk"),
    measure("redis", "redis GET, 50 clients", "in", "-c 50", PROGRAM,
            tool="redis"),
    measure("redis_p16", "redis GET, 50 clients, 16 at once", "in",
            "-c 50 -P 16", PROGRAM, tool="redis"),
    measure("udp_rr", "UDP: 64-byte round trip", "out", "-s64 udp-rr",
            LATENCY, tool="udp"),
    measure("udp_send", "UDP: far end sends, 1,400 bytes", "out",
            "-s1400 udp-send", BULK, tool="udp"),
    measure("udp_recv", "UDP: far end receives, 1,400 bytes", "out",
            "-s1400 udp-recv", BULK, tool="udp"),
    measure("stack_send", "stacks in user space: send", "in", "-c1 recv",
            BULK, systems=STACKS),
    measure("stack_recv", "stacks in user space: receive", "in", "-c1 send",
            BULK, systems=STACKS),
    measure("flood_accept_recv_1", "SYN flood: far end receives", "in",
            "-c1 send", BULK, tool="flood"),
    measure("flood_accept_send_1", "SYN flood: far end sends", "in",
            "-c1 recv", BULK, tool="flood"),
    measure("flood_accept_paced_4", "SYN flood: 4 of 2.5 Gbit/s each", "in",
            "-c4 -b312500000 send", BULK, tool="flood"),
    measure("flood_accept_crr_1", "SYN flood: connect+request+close", "in",
            "-c1 crr", RATE, tool="flood"),
]


def bulk_matrix():
    """Every combination that is not in MEASURES already."""
    for lab in BULK_LABS:
        for family in ("", "_v6"):
            for streams in (1, 8, 64):
                for write in WRITES:
                    for way in ("send", "recv"):
                        name = "%s_%d%s%s" % (
                            way, streams, "" if write == "128k" else
                            "_" + write, family)
                        if lab != "base":
                            name = lab + "_" + name
                        yield measure(
                            name, "%s%s, %d stream%s%s%s" % (
                                LAB_TEXT[lab] + ", " if lab != "base" else "",
                                way, streams, "s" if streams > 1 else "",
                                ", writes of %d KiB" % (WRITES[write] >> 10),
                                ", IPv6" if family else ""),
                            "out", "-c%d -w%d %s%s" % (
                                streams, WRITES[write], "-6 " if family else
                                "", way), BULK, lab=lab, full=True)


def latency_matrix():
    for size in (64, 4096):
        for conns in (1, 16, 256):
            name = "rr%s%s" % ("" if conns == 1 else "_%d" % conns,
                               "" if size == 64 else "_4k")
            yield measure(
                name, "%d-byte round trip, %d connection%s" % (
                    size, conns, "s" if conns > 1 else ""), "out",
                "-c%d -s%d %s" % (conns, size, "rr" if conns == 1 else
                                  "turns"), LATENCY, full=True)


FULL = [
    measure("local_8", "two local programs, 8 streams", "local", "-c8 send",
            BULK, full=True),
    measure("accept_recv_8", "far end is server, receives, 8 streams", "in",
            "-c8 send", BULK, full=True),
    measure("accept_send_8", "far end is server, sends, 8 streams", "in",
            "-c8 recv", BULK, full=True),
    measure("accept_crr_1", "connect+request+close, far end is server", "in",
            "-c1 crr", RATE, full=True),
    measure("nginx_100k", "nginx, 100 KiB, wrk with 50 connections", "in",
            "/100k -c50", PROGRAM, tool="wrk", full=True),
    measure("redis_set", "redis SET of 1 KiB, 50 clients", "in",
            "-c 50 -t set -d 1024", PROGRAM, tool="redis", full=True),
    measure("udp_rr_1400", "UDP: 1,400-byte round trip", "out",
            "-s1400 udp-rr", LATENCY, tool="udp", full=True),
    measure("udp_send_64", "UDP: far end sends, 64 bytes", "out",
            "-s64 udp-send", BULK, tool="udp", full=True),
    measure("udp_recv_64", "UDP: far end receives, 64 bytes", "out",
            "-s64 udp-recv", BULK, tool="udp", full=True),
    measure("iperf3_send", "iperf3, far end sends", "out", "", BULK,
            tool="iperf3", full=True),
    measure("iperf3_recv", "iperf3, far end receives", "out", "-R", BULK,
            tool="iperf3", full=True),
]

for _m in [*bulk_matrix(), *latency_matrix(), *FULL]:
    if _m.name not in [m.name for m in MEASURES]:
        MEASURES.append(_m)

# What is aimed at: measure, figure, tcpd's ratio to whom, at least or at most.
GOALS = [
    ("send_1", "gbit_s", "kernel", ">=", 1.0),
    ("recv_1", "gbit_s", "kernel", ">=", 1.0),
    ("iperf3_send", "gbit_s", "kernel", ">=", 1.0),
    ("iperf3_recv", "gbit_s", "kernel", ">=", 1.0),
    ("send_8", "gbit_s", "kernel", ">=", 0.9),
    ("recv_8", "gbit_s", "kernel", ">=", 0.9),
    ("send_1", "cpu_s_per_gib", "kernel", "<=", 1.0),
    ("recv_1", "cpu_s_per_gib", "kernel", "<=", 1.0),
    ("send_1_1k", "gbit_s", "kernel", ">=", 4.0),
    ("local_1", "gbit_s", "kernel", ">=", 2.0),
    ("rr", "p50_us", "kernel", "<=", 0.6),
    ("rr", "p99_us", "kernel", "<=", 1.5),
    ("rr_sleep", "p50_us", "kernel", "<=", 1.35),
    ("rr_sleep", "p99_us", "kernel", "<=", 1.5),
    ("crr_1", "per_s", "kernel", ">=", 0.7),
    ("crr_8", "per_s", "kernel", ">=", 0.7),
    ("nginx", "per_s", "kernel", ">=", 0.8),
    ("redis", "per_s", "kernel", ">=", 0.8),
    ("redis_p16", "per_s", "kernel", ">=", 1.0),
    ("plain_recv_1", "gbit_s", "kernel", ">=", 1.0),
    ("plain_send_1", "gbit_s", "kernel", ">=", 0.5),
    ("stack_send", "gbit_s", "pasta", ">=", 2.0),
    ("stack_send", "gbit_s", "slirp4netns", ">=", 10.0),
    ("stack_send", "gbit_s", "lwip", ">=", 10.0),
    ("stack_recv", "gbit_s", "pasta", ">=", 10.0),
    ("stack_recv", "gbit_s", "slirp4netns", ">=", 5.0),
    ("stack_recv", "gbit_s", "lwip", ">=", 10.0),
]
