# SPDX-License-Identifier: ISC
"""The systems that take turns: where their two sides are and what runs there.

Each has a side "peer", whose TCP is always the kernel's, and a far end at
address far; what is run there and at which address its programs are seen is
all that a measure needs to know.

  kernel       contrib/lab with a second namespace behind a veth pair
  tcpd         contrib/lab, as LAB_DEVICE and LAB_CONF say
  pasta, slirp4netns
               a namespace whose only link is theirs; their far end is a
               program in the namespace in which they run
  lwip         a program of its own on a TAP (tests/bench/lwip)
"""
import glob
import json
import os
import resource
import shutil
import signal
import subprocess
import time

SRC = os.path.abspath(os.environ.get("top_srcdir") or
                      os.path.dirname(__file__) + "/../../..")
BUILD = os.path.abspath(os.environ.get("top_builddir") or SRC + "/build")
LAB = SRC + "/contrib/lab"
BIN = BUILD + "/tests/bench/"
LOAD = BIN + "load"
# An MTU that both of them take; it is the best one for both.
STACK_MTU = "65520"
TICK = os.sysconf("SC_CLK_TCK")
# Where pasta and slirp4netns show the programs of the namespace around them.
PASTA_NET, SLIRP_HOST = "192.0.2", "10.0.2.2"


class Failed(Exception):
    """A measure or a system that did not work, and why."""


class Missing(Exception):
    """What this machine does not have, and the cure."""


def cpu_of(pid):
    """utime + stime of a process, in seconds; 0 if it has gone."""
    try:
        with open("/proc/%s/stat" % pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except OSError:
        return 0.0


def softirq_threads():
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path) as f:
                if f.read().startswith("ksoftirqd/"):
                    yield path.split("/")[2]
        except OSError:
            pass


KSOFTIRQD = list(softirq_threads())


def wait_until(what, condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(what)
        time.sleep(0.02)


class Result:
    """What a client printed, and the CPU seconds of it and its children."""

    def __init__(self, run, cpu):
        self.out, self.cpu = run.stdout, cpu


class System:
    """Servers and clients on two sides; a derived class says where."""
    kernel = "192.0.2.1"  # the peer's address for the far end
    far = "192.0.2.2"     # and the other way round
    kernel6, far6 = "2001:db8::1", "2001:db8::2"
    engine = None

    def __init__(self, name):
        self.name = name
        self.started = {}
        self.children = []

    def command(self, side, argv):
        raise NotImplementedError

    def environment(self):
        return None

    def spawn(self, side, argv, **more):
        child = subprocess.Popen(self.command(side, argv),
                                 env=self.environment(), **more)
        self.children.append(child)
        return child

    def run(self, side, argv, timeout=120):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            r = subprocess.run(self.command(side, argv),
                               env=self.environment(), capture_output=True,
                               text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failed("%s: no end in %d s" % (argv[0], timeout))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if r.returncode:
            raise Failed("%s: %s" % (os.path.basename(argv[0]),
                                     (r.stderr or r.stdout).strip()[-300:]))
        return Result(r, after.ru_utime - before.ru_utime +
                      after.ru_stime - before.ru_stime)

    def once(self, what, start):
        """Servers are started when they are first wanted."""
        if what not in self.started:
            self.started[what] = start()
        return self.started[what]

    def namespaces(self):
        return {os.readlink("/proc/%d/ns/net" % c.pid)
                for c in self.children if c.poll() is None}

    def processes(self):
        ns, pids = self.namespaces(), []
        for path in glob.glob("/proc/[0-9]*/ns/net"):
            try:
                if os.readlink(path) in ns:
                    pids.append(path.split("/")[2])
            except OSError:
                pass
        return pids

    def cpu(self):
        return sum(cpu_of(p) for p in self.processes() + KSOFTIRQD)

    def peak_reset(self):
        """Peak memory is that of a measure, not of the engine's life."""
        for pid in self.engines():
            with open("/proc/%s/clear_refs" % pid, "w") as f:
                f.write("5")

    def peak_mib(self):
        total = 0
        for pid in self.engines():
            with open("/proc/%s/status" % pid) as f:
                for line in f:
                    if line.startswith("VmHWM:"):
                        total += int(line.split()[1])
        return total / 1024

    def engines(self):
        return []

    def down(self):
        for c in self.children:
            c.terminate()
        for c in self.children:
            try:
                c.wait(5)
            except subprocess.TimeoutExpired:
                c.kill()
                c.wait()


class Lab(System):
    """kernel or tcpd, in a lab with the environment of a row of LABS."""

    def __init__(self, name, lab, settings):
        super().__init__(name)
        settings = dict(settings)
        self.env = dict(os.environ, LAB_BUILD=BUILD,
                        LAB="bench-%s-%s-%d" % (name, lab, os.getpid()))
        # Answers to the flood's sources (RFC 2544) go back where they are from.
        self.env["LAB_CONF"] = "\n".join([
            self.env.get("LAB_CONF", 'route "198.18.0.0/15" { via = "%s" }' %
                         self.kernel), settings.pop("conf", "")])
        self.env.update(settings)
        if name == "kernel":
            self.env["LAB_DEVICE"] = "kernel"
        self.lab("up")
        if name == "kernel":
            for args in (["ip", "route", "add", "198.18.0.0/15", "via",
                          self.kernel],
                         ["sysctl", "-qw", "net.ipv4.tcp_syncookies=1"]):
                self.lab("run", *args)

    def lab(self, *args):
        r = subprocess.run([LAB, *args], env=self.env, capture_output=True,
                           text=True)
        if r.returncode:
            raise Failed("lab %s, %s: %s" % (args[0], self.name, r.stderr))
        return r.stdout

    def command(self, side, argv):
        return [LAB, side] + argv

    def environment(self):
        return self.env

    def interface(self):
        links = json.loads(self.lab("peer", "ip", "-j", "link"))
        return [l["ifname"] for l in links if l["ifname"] != "lo"][0]

    def engines(self):
        found = []
        for pid in self.processes() if self.name == "tcpd" else []:
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    args = f.read().split(b"\0")
            except OSError:
                continue
            if args[1:3] == [b"-R", b"engine"]:
                found.append(pid)
        return found

    def down(self):
        subprocess.run([LAB, "down"], env=self.env)
        for c in self.children:
            c.wait()


class Namespaces(System):
    """An outer namespace that a holder keeps, made without contrib/lab."""

    def __init__(self, name):
        need(self.program, self.package)
        super().__init__(name)
        try:
            self.hold()
            self.bring_up()
        except BaseException:
            self.down()
            raise

    def hold(self):
        new = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-Urn"]
        self.holder = subprocess.Popen(new + ["sleep", "infinity"])
        self.children.append(self.holder)
        mine = os.readlink("/proc/self/ns/net")
        wait_until("unshare makes no namespace", lambda: os.readlink(
            "/proc/%d/ns/net" % self.holder.pid) != mine)
        self.outside("ip", "link", "set", "lo", "up")

    def enter(self, pid):
        if os.getuid() == 0:
            return ["nsenter", "-t", str(pid), "-n", "--"]
        return ["nsenter", "--preserve-credentials", "-t", str(pid), "-U",
                "-n", "--"]

    def outside(self, *argv):
        r = subprocess.run(self.enter(self.holder.pid) + list(argv),
                           capture_output=True, text=True)
        if r.returncode:
            raise Failed("%s: %s" % (" ".join(argv), r.stderr.strip()))

    def command(self, side, argv):
        if side == "run":
            return self.enter(self.holder.pid) + argv
        return self.enter(self.inner) + argv

    def use_cubic(self):
        """Where the host's default is another one and this is allowed."""
        for side in ("run", "peer"):
            subprocess.run(self.command(side, [
                "sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic"]),
                capture_output=True)


class Pasta(Namespaces):
    """It wants an interface with a route, to copy; it makes the namespace
    itself, and its gateway's address is the outer loopback."""
    program, package = "pasta", "passt"
    inner = None

    def bring_up(self):
        self.far = PASTA_NET + ".254"
        for line in ("link add up0 type veth peer name up1",
                     "address add %s.1/24 dev up0" % PASTA_NET,
                     "link set up0 up", "link set up1 up",
                     "route add default via " + self.far):
            self.outside("ip", *line.split())
        # By their own words, "-t none" and so on: no port is forwarded.
        pasta = self.spawn("run", [
            "pasta", "-f", "-4", "-m", STACK_MTU, "--config-net",
            "--netns-only", "--runas", "0", "-t", "none", "-u", "none", "-T",
            "none", "-U", "none", "sleep", "infinity"],
            stderr=subprocess.DEVNULL)
        wait_until("pasta does not start", lambda: self.child_of(pasta.pid))
        self.inner = self.child_of(pasta.pid)
        self.use_cubic()

    def child_of(self, pid):
        """The command that pasta has started, once it is in its namespace."""
        mine = os.readlink("/proc/%d/ns/net" % self.holder.pid)
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = f.read().split()
        for child in children:
            try:
                where = os.readlink("/proc/%s/ns/net" % child)
            except OSError:
                continue  # it has ended, or is still another user's
            if where != mine and cmdline(child)[0] == "sleep":
                return int(child)
        return None

    def namespaces(self):
        return super().namespaces() | {
            os.readlink("/proc/%d/ns/net" % self.inner)}

    def down(self):
        # Its command does not end with it, and is deaf: process 1 of its own.
        if self.inner and os.path.exists("/proc/%d" % self.inner):
            os.kill(self.inner, signal.SIGKILL)
        super().down()


class Slirp(Namespaces):
    program, package = "slirp4netns", "slirp4netns"

    def bring_up(self):
        self.far = SLIRP_HOST
        inner = self.spawn("run", ["unshare", "-n", "sleep", "infinity"])
        self.inner = inner.pid
        wait_until("unshare makes no namespace",
                   lambda: cmdline(inner.pid)[0] == "sleep")
        ready, write = os.pipe()
        self.spawn("run", ["slirp4netns", "--configure", "--mtu=" + STACK_MTU,
                           "--ready-fd=%d" % write, str(inner.pid), "tap0"],
                   pass_fds=[write], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(ready) as f:
            if f.read(1) != "1":
                raise Failed("slirp4netns does not start")
        self.use_cubic()


class Lwip(Namespaces):
    program, package = BIN + "lwip", "liblwip-dev, configure, make"

    def bring_up(self):
        self.inner = self.holder.pid
        lwip = self.spawn("run", [BIN + "lwip", "lwip0", self.far, "9000"],
                          stdout=subprocess.PIPE)
        if lwip.stdout.readline() != b"ready\n":
            raise Failed("lwip does not start")
        self.outside("ip", "address", "add", self.kernel + "/24", "dev",
                     "lwip0")
        self.outside("ip", "link", "set", "lwip0", "txqueuelen", "10000", "up")
        self.started["serve.run"] = True
        self.use_cubic()


def need(program, package):
    if not shutil.which(program):
        raise Missing(os.path.basename(program) + " is not installed",
                      "apt-get install " + package)


def need_tun(name):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise Missing("/dev/net/tun is not ours to open, for " + name,
                      "modprobe tun; chmod 666 /dev/net/tun, as udev has it")


def cmdline(pid):
    try:
        with open("/proc/%s/cmdline" % pid) as f:
            return f.read().split("\0")
    except OSError:
        return [""]


OTHERS = {"pasta": Pasta, "slirp4netns": Slirp, "lwip": Lwip}


def make(name, lab, settings):
    """Raises Missing or Failed."""
    if name in OTHERS:
        need_tun(name)
        return OTHERS[name](name)
    return Lab(name, lab, settings)
