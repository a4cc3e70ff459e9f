#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes the corpus of control_fuzz into tests/fuzz/corpus/control: one input
for each query with its answer, and for the other kinds of steps."""
import pathlib
import struct

ASKER, QUERY, ENGINE, ROWS, END, LEAVE, CONF, FILE = range(8)
out = pathlib.Path(__file__).parent / "corpus" / "control"
SIZES = {1: 400, 2: 64, 3: 96, 4: 128, 5: 128, 6: 48, 7: 56, 12: 72}


def step(kind, body=b""):
    return struct.pack(">BH", kind, len(body)) + body


def query(what, port=0, states=0xffe, ident=7, addr=b"\0" * 16, bind=0,
          verbose=0):
    return step(QUERY, struct.pack("=HHIQ16sBB6x", what, port, states, ident,
                                   addr, bind, verbose))


def rows(what, n):
    size = SIZES[what]
    return step(ROWS, struct.pack("=HHI", what, size, n) + b"\1" * size * n)


def end(err=0, more=0, cursor=5):
    return step(END, struct.pack("=iIQQ", err, more, cursor, 0))


def head(magic, version, kind, length, ident):
    return struct.pack("=IHHII", magic, version, kind, length, ident)


inputs = {f"query{w}": query(w) + rows(w, 3) + end(0, 1) + rows(w, 2) + end()
          for w in SIZES}
inputs |= {f"here{w}": query(w, port=80, addr=b"\0" * 10 + b"\xff\xff\xc0\0\2\1",
                             bind=w & 1) for w in (8, 9, 11)}
CONFIG = pathlib.Path(__file__).parents[2] / "contrib" / "tcpd.conf.example"
inputs |= {
    "close": query(10) + end(2) + query(10) + end(1),
    "unknown": query(99) + query(0),
    "left": query(1) + rows(1, 4) + step(LEAVE) + rows(1, 1) + end(0, 1),
    "two": query(1) + query(2),
    "wrong-kind": query(1) + rows(2, 1) + end(),
    "raw": step(ASKER, head(0x6c746374, 1, 1, 0, 1)) + step(ASKER, b"x") +
    step(ENGINE, head(0x69706374, 1, 193, 0, 0)),
    "conf": step(CONF, b"\0" + b"\0" * 700) + step(CONF, b"\4") +
    step(CONF, b"\1" + b"\0" * 16),
    "file": step(FILE, CONFIG.read_bytes()),
    "file-bad": step(FILE, b'device tap { mtu = 1 }') +
    step(FILE, b'policy { connect "10.0.0.0/8:1-2" { action = tcpd } '
               b'bind "1.2.3.4/32" { action = kernel } }') +
    step(FILE, b'"\\'),
}
out.mkdir(parents=True, exist_ok=True)
for name, data in inputs.items():
    (out / name).write_bytes(data)
