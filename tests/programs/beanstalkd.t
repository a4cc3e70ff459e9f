#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# beanstalkd: 500 jobs of 10 KB put and taken, in order.
# packages: beanstalkd
. "$(dirname "$0")/lib.sh"
needs beanstalkd

cat >jobs.py <<'END'
import os
import socket
import sys
s = socket.create_connection((sys.argv[1], 11300), timeout=20)
f = s.makefile("rwb")
jobs = [os.urandom(10000) for _ in range(500)]
for j in jobs:
    f.write(b"put 0 0 60 %d\r\n%s\r\n" % (len(j), j))
f.flush()
for _ in jobs:
    if not f.readline().startswith(b"INSERTED"):
        sys.exit("not put")
for j in jobs:
    f.write(b"reserve\r\n")
    f.flush()
    _, job, size = f.readline().split()
    if f.read(int(size) + 2)[:-2] != j:
        sys.exit("not equal")
    f.write(b"delete %s\r\n" % job)
    f.flush()
    f.readline()
END

start()
{
	server 11300 beanstalkd -l "$any" -p 11300
}

work()
{
	does "500 jobs $1" client "$python" jobs.py "$server"
}

up
both_sides "$python" jobs.py "$kernel"
finish 5
