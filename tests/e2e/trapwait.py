# SPDX-License-Identifier: ISC
# trapwait.py NOBODY: calls that wait under the trap, and what ends them; one
# line each.  NOBODY is an address that says nothing.
import errno
import os
import resource
import signal
import socket
import struct
import sys
import threading

family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET


def says(name, call):
    try:
        print(name, call(), flush=True)
    except OSError as e:
        print(name, errno.errorcode[e.errno], flush=True)
    except KeyboardInterrupt:
        print(name, "interrupted", flush=True)


def interrupt(number, frame):
    raise KeyboardInterrupt


def timeout(s, name, seconds):
    s.setsockopt(socket.SOL_SOCKET, name,
                 struct.pack("ll", int(seconds), int(seconds % 1 * 1e6)))


signal.signal(signal.SIGALRM, interrupt)
listener = socket.create_server(("", 0), family=family)

# A handler that raises ends them.
signal.setitimer(signal.ITIMER_REAL, 0.1)
says("accept", listener.accept)
signal.setitimer(signal.ITIMER_REAL, 0.1)
s = socket.socket(family)
says("connect", lambda: s.connect((sys.argv[1], 9)))
says("again", lambda: s.connect_ex((sys.argv[1], 9)) if not s.setblocking(False)
     else 0)
s.close()

timeout(listener, socket.SO_RCVTIMEO, 0.1)
says("patience", listener.accept)
timeout(listener, socket.SO_RCVTIMEO, 0)

# Stopped and continued it waits on; a signal that kills does so.
pid = os.fork()
if pid == 0:
    listener.accept()
    os._exit(1)
os.kill(pid, signal.SIGSTOP)
says("stops", lambda: os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))
os.kill(pid, signal.SIGCONT)
says("waits on", lambda: os.waitpid(pid, os.WNOHANG)[0])
os.kill(pid, signal.SIGTERM)
says("killed", lambda: os.waitpid(pid, 0)[1])

# Many at once, and one that comes for one of them.
threads = [threading.Thread(target=listener.accept, daemon=True)
           for _ in range(50)]
for t in threads:
    t.start()
other = socket.socket(family)
says("meanwhile", lambda: other.fileno() > 0)
other.close()

# No descriptor left: the connection would stay where it is.
pid = os.fork()
if pid == 0:
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    try:
        while True:
            os.dup(0)
    except OSError:
        pass
    says("full", listener.accept)
    says("full", lambda: socket.socket(family))
    os._exit(0)
os.waitpid(pid, 0)
os._exit(0)
