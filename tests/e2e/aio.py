# SPDX-License-Identifier: ISC
# asyncio both ways: aio.py serve ADDRESS PORT, aio.py fetch ADDRESS PORT N.
# The server sends as many bytes of a SHAKE-128 stream as it is asked for; each
# of the client's N connections sends its own and compares digests.
import asyncio
import hashlib
import sys


def stream(seed, size):
    return hashlib.shake_128(seed).digest(size)


async def answer(reader, writer):
    seed, size = (await reader.readline()).split()
    body = await reader.readexactly(int(size))
    good = body == stream(seed, int(size))
    writer.write(b"good\n" if good else b"bad\n")
    writer.write(stream(seed[::-1], int(size)))
    await writer.drain()
    writer.write_eof()
    await reader.read()
    writer.close()


async def fetch(host, port, index):
    seed, size = b"s%d" % index, 100000 + index * 977
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"%s %d\n" % (seed, size))
    writer.write(stream(seed, size))
    await writer.drain()
    assert await reader.readline() == b"good\n"
    assert await reader.read() == stream(seed[::-1], size)
    writer.close()
    await writer.wait_closed()


async def main():
    host, port = sys.argv[2], int(sys.argv[3])
    if sys.argv[1] == "serve":
        server = await asyncio.start_server(answer, host, port, backlog=512)
        await server.serve_forever()
    count = int(sys.argv[4])
    await asyncio.gather(*(fetch(host, port, i) for i in range(count)))
    print(count, "connections, all equal")


asyncio.run(main())
