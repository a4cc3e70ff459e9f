# SPDX-License-Identifier: ISC
# http.server that also takes PUT: put.py ADDRESS PORT, in the directory that
# it serves.
import http.server
import os
import socket
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        with open(os.path.basename(self.path), "wb") as f:
            while left:
                data = self.rfile.read(min(left, 1 << 20))
                if not data:
                    raise EOFError
                f.write(data)
                left -= len(data)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET


server = Server((sys.argv[1], int(sys.argv[2])), Handler)
server.serve_forever()
