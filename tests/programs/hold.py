# SPDX-License-Identifier: ISC
# hold.py HOST PORT N [WORDS]: opens N connections, sends WORDS on each, and
# holds them; says "held K" each time that another one is established, and ends
# when the first one does.
import errno
import select
import socket
import sys

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
words = sys.argv[4].encode() if len(sys.argv) > 4 else b""
family = socket.AF_INET6 if ":" in host else socket.AF_INET
poll = select.poll()
opening, held = {}, {}
for _ in range(count):
    s = socket.socket(family)
    s.setblocking(False)
    if s.connect_ex((host, port)) not in (0, errno.EINPROGRESS):
        sys.exit("cannot connect")
    opening[s.fileno()] = s
    poll.register(s, select.POLLOUT)
while True:
    for fd, bits in poll.poll():
        s = opening.pop(fd, None)
        if s is not None:
            err = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if err:
                sys.exit("cannot connect: " + errno.errorcode[err])
            held[fd] = s
            s.sendall(words)
            poll.modify(s, select.POLLIN)
            print("held", len(held), flush=True)
            continue
        try:
            if held[fd].recv(65536):
                continue  # a greeting
        except OSError:
            pass
        print("ended", flush=True)
        sys.exit(0)
