#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# ZeroMQ: 2000 requests, 20 messages of 1 MB pushed, a server that comes later and again.
# packages: python3-zmq
. "$(dirname "$0")/lib.sh"
needs python3-zmq=/usr/lib/python3/dist-packages/zmq

cat >serve.py <<'END'
import hashlib
import sys
import zmq
context = zmq.Context(2)
at = "tcp://%s:" % ("[%s]" % sys.argv[1] if ":" in sys.argv[1] else sys.argv[1])
answer, pull = context.socket(zmq.REP), context.socket(zmq.PULL)
for s, port in (pull, "5556"), (answer, "5555"):
    s.setsockopt(zmq.IPV6, ":" in sys.argv[1])
    s.setsockopt(zmq.TCP_KEEPALIVE, 1)
    s.bind(at + port)
poller = zmq.Poller()
poller.register(answer, zmq.POLLIN)
poller.register(pull, zmq.POLLIN)
seen = set()
while True:
    for s, _ in poller.poll():
        if s is pull:
            seen.add(hashlib.sha256(pull.recv()).digest())
            continue
        asked = answer.recv()
        if asked.startswith(b"seen "):
            asked = b"yes" if asked[5:] in seen else b"no"
        answer.send(asked)
END
cat >get.py <<'END'
import hashlib
import os
import sys
import zmq
context = zmq.Context()
at = "tcp://%s:" % ("[%s]" % sys.argv[1] if ":" in sys.argv[1] else sys.argv[1])
ask, push = context.socket(zmq.REQ), context.socket(zmq.PUSH)
for s, port in (push, "5556"), (ask, "5555"):
    s.setsockopt(zmq.IPV6, ":" in sys.argv[1])
    s.setsockopt(zmq.RCVTIMEO, 20000)
    s.connect(at + port)
for i in range(2000):
    ask.send(b"%d" % i)
    if ask.recv() != b"%d" % i:
        sys.exit("not equal")
for i in range(20):
    big = os.urandom(1 << 20)
    push.send(big)
    digest = hashlib.sha256(big).digest()
    while True:
        ask.send(b"seen " + digest)
        if ask.recv() == b"yes":
            break
END

start()
{
	server 5555 "$python" serve.py "$any"
}

work()
{
	does "requests and messages $1" client timeout 60 "$python" get.py \
	    "$server"
}

up
# A client before its server: it tries again until there is one.
on run
spawn early "$lab" "$other" timeout 60 "$python" get.py "$server"
start && work "at first"
does "one that was there before it" finish_of 30 early
stop server
lives
stop server
on peer
start && work "to the peer"
stop server
finish 5
