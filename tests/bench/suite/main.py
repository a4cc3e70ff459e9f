# SPDX-License-Identifier: ISC
"""Rounds: which measures, in which order, and how long it still takes."""
import os
import re
import signal
import sys
import time

from . import plot, report, systems, tools
from .measures import GOALS, LABS, MEASURES
from .systems import Failed, Missing

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
JSON = os.environ.get("BENCH_JSON", "bench.json")
OVERHEAD = 0.25  # seconds a measure, beside its own; a first guess


def fail(*words):
    print("bench:", *words, file=sys.stderr)
    sys.exit(1)


def chosen():
    """The default set, the full one, or what of it a pattern names; one that
    names nothing of the default set is meant for the full one."""
    which = os.environ.get("BENCH_SET", "default")
    if which not in ("default", "full"):
        fail("BENCH_SET=%s: it is default or full" % which)
    only = os.environ.get("BENCH_ONLY", "")
    named = [m for m in MEASURES if re.search(only, m.name)]
    base = [m for m in named if not m.full]
    picked = named if which == "full" or not base else base
    if not picked:
        fail("BENCH_ONLY=%s names no measure; there are: %s" %
             (only, " ".join(m.name for m in MEASURES)))
    return which, picked


class Progress:
    def __init__(self, total):
        self.total, self.done, self.begin = total, 0, time.monotonic()
        self.said = -1
        self.tty = sys.stderr.isatty()

    def remaining(self):
        if self.done < 3:
            return (self.total - self.done) * (SECONDS + OVERHEAD)
        spent = time.monotonic() - self.begin
        return spent / self.done * (self.total - self.done)

    def step(self, what):
        left = self.remaining()
        text = "%3d %%, %s left: %s" % (
            100 * self.done // self.total, "%d min" % round(left / 60)
            if left >= 90 else "%d s" % left, what)
        if self.tty:
            print("\r\033[K" + text, end="", file=sys.stderr, flush=True)
        elif 10 * self.done // self.total != self.said:
            self.said = 10 * self.done // self.total
            print(text, flush=True)
        self.done += 1

    def say(self, *words):
        print("\r\033[K" if self.tty else "", "bench: ", *words, sep="",
              file=sys.stderr, flush=True)


class Bench:
    def __init__(self, measures):
        self.measures = measures
        self.up = {}         # (system, lab): System
        self.skipped = {}    # (system, lab) or tool: why
        self.failures = []   # (measure, system, why)
        # measure: system: a figure's dict a round, None where it failed
        self.results = {m.name: {s: [] for s in m.systems} for m in measures}
        self.progress = Progress(ROUNDS * sum(len(m.systems)
                                              for m in measures))

    def place(self, system, lab):
        if (system, lab) not in self.up:
            self.up[system, lab] = systems.make(system, lab, LABS[lab])
        return self.up[system, lab]

    def skip(self, key, missing):
        self.skipped[key] = "%s: %s" % missing.args
        self.progress.say("skipped: ", self.skipped[key])

    def take(self, m, system):
        if (system, m.lab) in self.skipped or m.tool in self.skipped:
            return None
        try:
            place = self.place(system, m.lab)
        except Missing as e:
            self.skip((system, m.lab), e)
            return None
        except Failed as e:
            self.skipped[system, m.lab] = str(e)
            self.failures.append((m.name, system, str(e)))
            self.progress.say(str(e))
            return None
        try:
            return tools.take(place, m, SECONDS)
        except Missing as e:
            self.skip(m.tool, e)
        except Failed as e:
            self.failures.append((m.name, system, str(e)))
            self.progress.say("%s, %s: %s" % (m.name, system, e))
        return None

    def run(self):
        for n in range(ROUNDS):
            for m in self.measures:
                turns = m.systems if n % 2 == 0 else m.systems[::-1]
                for system in turns:
                    self.progress.step("round %d of %d, %s" %
                                       (n + 1, ROUNDS, m.name))
                    self.results[m.name][system].append(self.take(m, system))

    def down(self):
        """One that does not go must not keep the others."""
        for s in self.up.values():
            try:
                s.down()
            except OSError as e:
                self.progress.say("%s: %s" % (s.name, e))


def main():
    if not os.access(systems.LOAD, os.X_OK):
        fail("%s is missing: run `make bench'" % systems.LOAD)
    which, measures = chosen()
    # Whoever ends it, with timeout(1) for one, leaves no lab behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(measures)
    print("%d measures, %d rounds: about %d minutes" % (
        len(measures), ROUNDS, round(bench.progress.remaining() / 60 + 0.5)),
        flush=True)
    try:
        bench.run()
    except KeyboardInterrupt:
        bench.progress.say("interrupted: what there is")
    finally:
        bench.down()
    if bench.progress.tty:
        print("\r\033[K", end="", file=sys.stderr)
    doc = report.document(bench, which, ROUNDS, SECONDS, GOALS)
    report.table(doc)
    report.write(doc, JSON)
    plot.all_plots(doc, JSON)
    report.goals(doc)
    return 1 if bench.failures else 0
