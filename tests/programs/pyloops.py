# SPDX-License-Identifier: ISC
# pyloops.py serve LOOP ADDRESS FILE, pyloops.py get LOOP HOST FILE: FILE by
# HTTP on port 8000 and back from it 20 times at once, in the loop named.
import asyncio
import sys

what, loop, host, path = sys.argv[1:5]
with open(path, "rb") as f:
    big = f.read()
url = "http://%s:8000/" % ("[%s]" % host if ":" in host else host)


def same(got):
    if got != big:
        sys.exit("not equal: %d bytes" % len(got))


# ---- aiohttp on uvloop ----


def serve_uvloop():
    import uvloop
    from aiohttp import web

    async def answer(_):
        return web.Response(body=big)

    app = web.Application()
    app.router.add_get("/", answer)
    uvloop.install()
    web.run_app(app, host=host, port=8000, loop=uvloop.new_event_loop())


def get_uvloop():
    import aiohttp
    import uvloop

    async def one(session):
        async with session.get(url) as r:
            same(await r.read())

    async def every():
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(one(session) for _ in range(20)))
        try:
            await asyncio.open_connection(host, 8001)
        except ConnectionRefusedError:
            return
        sys.exit("not refused")

    uvloop.install()
    uvloop.new_event_loop().run_until_complete(every())


# ---- tornado ----


def serve_tornado():
    import tornado.ioloop
    import tornado.web

    class Answer(tornado.web.RequestHandler):
        def get(self):
            self.write(big)

    tornado.web.Application([("/", Answer)]).listen(8000, host)
    tornado.ioloop.IOLoop.current().start()


def get_tornado():
    from tornado.httpclient import AsyncHTTPClient
    from tornado.ioloop import IOLoop

    async def every():
        client = AsyncHTTPClient(max_clients=20)
        for r in await asyncio.gather(*(client.fetch(url) for _ in range(20))):
            same(r.body)

    IOLoop.current().run_sync(every)


# ---- gevent, requests ----


def serve_gevent():
    from gevent.pywsgi import WSGIServer

    def answer(_, start):
        start("200 OK", [("Content-Length", str(len(big)))])
        return [big]

    WSGIServer((host, 8000), answer, log=None).serve_forever()


def get_gevent():
    import gevent.monkey

    gevent.monkey.patch_all()
    import gevent
    import requests

    jobs = [
        gevent.spawn(lambda: same(requests.get(url, timeout=20).content))
        for _ in range(20)
    ]
    gevent.joinall(jobs, raise_error=True)


# ---- twisted ----


def serve_twisted():
    from twisted.internet import reactor
    from twisted.web.resource import Resource
    from twisted.web.server import Site

    class Answer(Resource):
        isLeaf = True

        def render_GET(self, _):
            return big

    reactor.listenTCP(8000, Site(Answer()), interface=host)
    reactor.run()


def get_twisted():
    from twisted.internet import defer, task
    from twisted.web.client import Agent, readBody

    async def one(agent):
        same(await readBody(await agent.request(b"GET", url.encode())))

    def every(reactor):
        agent = Agent(reactor)
        return defer.gatherResults(
            [defer.ensureDeferred(one(agent)) for _ in range(20)]
        )

    task.react(every)


globals()["%s_%s" % (what, loop)]()
