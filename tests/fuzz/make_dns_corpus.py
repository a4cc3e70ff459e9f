#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# Makes tests/fuzz/corpus/dns: make_dns_corpus.py DIRECTORY.  The format is
# dns_fuzz.c's.
import os
import struct
import sys


def name(text):
    return b"".join(bytes([len(w)]) + w.encode() for w in text.split(".")
                    if w) + b"\0"


def head(flags, questions=1, answers=0, more=0):
    return struct.pack("!HHHHHH", 0x1234, flags, questions, answers, 0, more)


def query(text, kind=1, more=b""):
    return head(0x100, more=1 if more else 0) + name(text) + \
        struct.pack("!HH", kind, 1) + more


def record(kind, data):
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def answer(text, kind, *records):
    return head(0x8180, answers=len(records)) + name(text) + \
        struct.pack("!HH", kind, 1) + b"".join(records)


def case(q, a=b"", hosts=b""):
    return struct.pack("!H", len(q)) + q + struct.pack("!H", len(a)) + a + hosts


OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
HOSTS = b"""127.0.0.1 localhost
# none
2001:db8::7 six.example SIX
192.0.2.7\thost.example host # alias
192.0.2.8 host
"""
A = record(1, b"\xc0\0\2\7")
files = {
    "query": case(query("www.example"), answer("www.example", 1, A)),
    "opt": case(query("www.example", more=OPT),
                answer("WWW.example", 1, *[A] * 90)),
    "cut": case(query("www.example"), answer("www.example", 1, *[A] * 90)),
    "another": case(query("www.example"), answer("web.example", 1, A)),
    "root": case(query("", 2)),
    "update": case(b"\x12\x34\x28\0\0\1\0\0\0\0\0\0" + name("a") + b"\0\6\0\1"),
    "no_question": case(head(0x100, questions=0)),
    "two_questions": case(head(0x100, questions=2) + name("a") + b"\0\1\0\1"),
    "pointer": case(head(0x100) + b"\xc0\x0c\0\1\0\1"),
    "label_too_long": case(head(0x100) + b"\x40" + b"x" * 64 + b"\0\0\1\0\1"),
    "label_runs_out": case(head(0x100) + b"\x3fx"),
    "name_too_long": case(query(".".join(["x" * 63] * 4))),
    "short": case(query("www.example")[:9]),
    "opt_short": case(query("www.example", more=OPT)[:-3]),
    "hosts": case(query("host"), hosts=HOSTS),
    "hosts_six": case(query("six", 28), hosts=HOSTS),
    "hosts_family": case(query("six.example", 1), hosts=HOSTS),
    "hosts_ptr": case(query("7.2.0.192.in-addr.arpa", 12), hosts=HOSTS),
    "hosts_ptr6": case(query("7" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa",
                             12), hosts=HOSTS),
    "hosts_many": case(query("a"), hosts=b"192.0.2.1 a\n" * 200),
}
os.makedirs(sys.argv[1], exist_ok=True)
for n, data in files.items():
    with open(os.path.join(sys.argv[1], n), "wb") as f:
        f.write(data)
