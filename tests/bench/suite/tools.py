# SPDX-License-Identifier: ISC
"""The programs that make traffic: how each is run and its output read.

Each takes a system, a measure and how long, starts the servers that it needs
when it first needs them, and returns figures: those of measures.KEYS, with
"bytes" or "count" for what the CPU seconds ("cpu": the client's own) are
divided by.
"""
import csv
import io
import itertools
import json
import os
import re
import subprocess
import tempfile
import threading

from .systems import BIN, LOAD, Failed, Missing, wait_until, need

PORT, PORT6, UDP_PORT = 9000, 9006, 9001
HTTP, REDIS, IPERF = 8080, 6379, 5201
FLOOD_RATE = 100000
BEFORE_FLOOD = 0.5  # seconds in which connections come up
PAGES = {"1k": 1000, "100k": 100000}

WORK = tempfile.TemporaryDirectory(prefix="tcpd-bench.")
os.chmod(WORK.name, 0o755)
serial = itertools.count()


def sides(system, m):
    """Side of the client, side of its server, the server's addresses."""
    far = (system.far, system.far6)
    return {"out": ("run", "peer", (system.kernel, system.kernel6)),
            "in": ("peer", "run", far),
            "local": ("run", "run", far)}[m.path]


def answers(system, side, argv):
    def once():
        try:
            system.run(side, argv, timeout=15)
            return True
        except Failed:
            return False
    wait_until("%s: no server for %s" % (system.name, " ".join(argv)), once)


def load_client(system, side, args, port, address, seconds):
    r = system.run(side, [LOAD, "-p%d" % port, "-t%g" % seconds] + args +
                   [address])
    return json.loads(r.out)


def load(system, m, seconds, seen=None):
    client, server, (four, six) = sides(system, m)
    args, port, any_host, address = m.args, PORT, "0.0.0.0", four
    if "-6" in args:
        args = [a for a in args if a != "-6"]
        port, any_host, address = PORT6, "::", six

    def serve():
        system.spawn(server, [LOAD, "-p%d" % port, "serve", any_host])
        answers(system, client, [LOAD, "-p%d" % port, "-c1", "-t0.01", "crr",
                                 address])
    system.once("serve.%s%s" % (server, "6" if port == PORT6 else ""), serve)
    return load_client(system, client, args, port, address, seconds)


def udp(system, m, seconds):
    client, server, (address, _) = sides(system, m)

    def serve():
        system.spawn(server, [LOAD, "-p%d" % UDP_PORT, "serve-udp",
                              "0.0.0.0"])
        answers(system, client, [LOAD, "-p%d" % UDP_PORT, "-t0.01",
                                 "udp-send", address])
    system.once("udp." + server, serve)
    return load_client(system, client, m.args, UDP_PORT, address, seconds)


def flood(system, m, seconds):
    """load, under FLOOD_RATE spoofed SYNs a second from the peer to the far
    end's server."""
    def send():
        subprocess.run(system.command("peer", [
            BIN + "synflood", "-r", str(FLOOD_RATE), "-s", "%g" % seconds,
            system.interface(), system.far, str(PORT)]),
            env=system.environment(), stdout=subprocess.DEVNULL)
    seconds = max(seconds, 4 * BEFORE_FLOOD)
    timer = threading.Timer(BEFORE_FLOOD, send)
    timer.start()
    try:
        out = load(system, m, seconds)
    finally:
        timer.join()
    return out


NGINX = """daemon off; user %(user)s; worker_processes 2;
pid %(dir)s/nginx.pid; error_log stderr;
events { worker_connections 1024; }
http {
	access_log off; sendfile on; keepalive_requests 1000000;
	client_body_temp_path %(dir)s/body; proxy_temp_path %(dir)s/proxy;
	fastcgi_temp_path %(dir)s/fastcgi; uwsgi_temp_path %(dir)s/uwsgi;
	scgi_temp_path %(dir)s/scgi;
	server { listen %(port)d; root %(dir)s; }
}
"""
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


def nginx(system, client, server, address):
    need("nginx", "nginx-light")
    path = "%s/nginx.%d" % (WORK.name, next(serial))
    os.mkdir(path)
    for page, size in PAGES.items():
        with open("%s/%s" % (path, page), "wb") as f:
            f.write(b"x" * size)
    user = "nobody nogroup" if os.getuid() == 0 else "root root"
    with open(path + "/conf", "w") as f:
        f.write(NGINX % {"user": user, "dir": path, "port": HTTP})
    with open(path + "/log", "w") as log:
        system.spawn(server, ["nginx", "-e", "stderr", "-p", path, "-c",
                              path + "/conf"], stderr=log)
    answers(system, client, ["curl", "-sSfo", "/dev/null",
                             "http://%s:%d/1k" % (address, HTTP)])


def wrk(system, m, seconds):
    need("wrk", "wrk")
    need("curl", "curl")
    client, server, (address, _) = sides(system, m)
    system.once("nginx." + server,
                lambda: nginx(system, client, server, address))
    # It takes whole seconds.
    r = system.run(client, ["wrk", "-t1", "--latency",
                            "-d%d" % max(1, round(seconds))] + m.args[1:] +
                   ["http://%s:%d%s" % (address, HTTP, m.args[0])])
    done = re.search(r"(\d+) requests in ([\d.]+)(m?s)", r.out)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", r.out)
    if not done or not rate or "Socket errors" in r.out:
        raise Failed("wrk: " + " ".join(r.out.split()))
    out = {"cpu": r.cpu, "count": int(done[1]), "per_s": float(rate[1])}
    for percent, value, unit in re.findall(
            r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", r.out, re.M):
        out["p%s_us" % percent] = float(value) * {
            "us": 1, "ms": 1e3, "s": 1e6}[unit]
    return out


def redis(system, m, seconds):
    need("redis-server", "redis-server")
    need("redis-benchmark", "redis-tools")
    client, server, (address, _) = sides(system, m)

    def serve():
        system.spawn(server, ["redis-server", "--bind", "0.0.0.0", "--port",
                              str(REDIS), "--protected-mode", "no", "--save",
                              "", "--dir", WORK.name],
                     stdout=subprocess.DEVNULL)
        answers(system, client, ["redis-cli", "-h", address, "ping"])
    system.once("redis." + server, serve)
    # It counts requests, not seconds: about as many as take so long.
    count = int(seconds * (400000 if "-P" in m.args else 50000))
    kind = [] if "-t" in m.args else ["-t", "get"]
    r = system.run(client, ["redis-benchmark", "-h", address, "--csv", "-n",
                            str(count)] + kind + m.args)
    row = next(csv.DictReader(io.StringIO(r.out[r.out.index('"test"'):])))
    return {"cpu": r.cpu, "count": count, "per_s": float(row["rps"]),
            "p50_us": 1e3 * float(row["p50_latency_ms"]),
            "p99_us": 1e3 * float(row["p99_latency_ms"])}


def iperf3(system, m, seconds):
    need("iperf3", "iperf3")
    client, server, (address, _) = sides(system, m)

    def serve():
        system.spawn(server, ["iperf3", "-s", "-p", str(IPERF)],
                     stdout=subprocess.DEVNULL)
        answers(system, client, ["iperf3", "-c", address, "-n", "1k"])
    system.once("iperf3." + server, serve)
    r = system.run(client, ["iperf3", "-J", "-c", address, "-t",
                            str(max(1, round(seconds)))] + m.args)
    end = json.loads(r.out)["end"]["sum_received"]
    return {"cpu": r.cpu, "bytes": end["bytes"],
            "gbit_s": end["bits_per_second"] / 1e9}


TOOLS = {"load": load, "udp": udp, "flood": flood, "wrk": wrk,
         "redis": redis, "iperf3": iperf3}


def take(system, m, seconds):
    """One measure of one system; raises Failed or Missing."""
    before, known = system.cpu(), set(system.started)
    system.peak_reset()
    out = TOOLS[m.tool](system, m, seconds)
    if known != set(system.started):
        # With its servers just started: once more, to be like the others.
        before = system.cpu()
        system.peak_reset()
        out = TOOLS[m.tool](system, m, seconds)
    cpu = system.cpu() - before + out["cpu"]
    if "bytes" in out:
        out["cpu_s_per_gib"] = cpu / (out["bytes"] / 2**30)
    elif "count" in out:
        out["cpu_us_per_op"] = cpu / out["count"] * 1e6
    else:
        out[m.keys[0]] = 0.0  # nothing arrived, none ended in time
    if system.engines():
        out["peak_mib"] = system.peak_mib()
    return out
