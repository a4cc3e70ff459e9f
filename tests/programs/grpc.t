#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# gRPC: 200 calls, a stream of 50 messages of 100 KB both ways.
# packages: python3-grpcio
. "$(dirname "$0")/lib.sh"
needs python3-grpcio=/usr/lib/python3/dist-packages/grpc

cat >serve.py <<'END'
import sys
from concurrent import futures
import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method == "/echo/one":
            return grpc.unary_unary_rpc_method_handler(lambda m, _: m)
        return grpc.stream_stream_rpc_method_handler(lambda all, _: all)


server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((Echo(),))
if not server.add_insecure_port(sys.argv[1]):
    sys.exit("cannot listen")
server.start()
server.wait_for_termination()
END
cat >get.py <<'END'
import os
import sys
import grpc
with grpc.insecure_channel(sys.argv[1]) as channel:
    one = channel.unary_unary("/echo/one")
    for i in range(200):
        if one(b"%d" % i, timeout=20, wait_for_ready=True) != b"%d" % i:
            sys.exit("not equal")
    sent = [os.urandom(100000) for _ in range(50)]
    if list(channel.stream_stream("/echo/all")(iter(sent))) != sent:
        sys.exit("the stream is not equal")
END

start()
{
	server 50051 "$python" serve.py "$any_host:50051"
}

work()
{
	does "calls and a stream $1" client timeout 60 "$python" get.py \
	    "$server_host:50051"
}

up
both_sides
finish 5
