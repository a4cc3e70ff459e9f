#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A shell with job control on a terminal of its own runs a command.

job.py COMMAND...: the command, to which a program is added, is stopped from the
keyboard, goes on in the foreground, reads a line and is interrupted; then it is
a shell that has jobs of its own.  Exits 0 when all went as it should.
"""
import os
import pty
import re
import select
import shlex
import signal
import sys
import time

PATIENCE = 20
PROMPT = r"(prompt> |bash-[0-9.]+[$#] )"  # the latter is the inner one's


class Terminal:
    def __init__(self):
        self.seen = b""
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ["PS1"] = "prompt> "
            # What was ignored would stay so: of a shell in the background.
            for name in signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP:
                signal.signal(name, signal.SIG_DFL)
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, regex):
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(regex.encode(), self.seen)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                sys.exit(f"no {regex!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                sys.exit(f"the shell is gone after {self.seen!r}")
        self.seen = self.seen[found.end():]


def main():
    command = shlex.join(sys.argv[1:])
    t = Terminal()
    t.expect(PROMPT)
    t.type(f"{command} sh -c \"echo be''gun; exec cat\"\n")
    t.expect("begun\r")
    t.type("\x1a")
    t.expect("Stopped")
    t.expect(PROMPT)
    t.type("fg\n")
    t.expect("exec cat.*\r")
    t.type("echoed\n")
    t.expect("echoed\r\nechoed\r")
    t.type("\x03")
    t.expect(PROMPT)
    t.type("echo status=$?\n")
    t.expect("status=130\r")
    t.type(f"{command} bash --norc --noprofile -i\n")
    t.expect(PROMPT)
    t.type("echo be''gun; read line\n")
    t.expect("begun\r")
    t.type("\x03")
    t.expect(PROMPT)
    t.type("exit 5\n")
    t.expect(PROMPT)
    t.type("echo status=$?\n")
    t.expect("status=5\r")


main()
