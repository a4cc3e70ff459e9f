# SPDX-License-Identifier: ISC
"""Plots in SVG, by gnuplot, of what a run has figures for."""
import os
import shutil
import subprocess

from .measures import BULK_LABS, LAB_TEXT, WRITES

HEAD = """set terminal svg size 640,400 font 'sans-serif,12' background '#ffffff'
set output '%(out)s'
set title '%(title)s' font ',13'
set ylabel '%(ylabel)s'
set key outside top center horizontal
set grid ytics lc rgb '#dddddd'
set border 3
set xtics nomirror
set ytics nomirror
"""
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b"]


def ratio_of(doc, name, key="gbit_s"):
    figures = doc["measures"].get(name, {}).get("figures", {})
    r = figures.get(key, {}).get("ratios", {}).get("kernel")
    return r["median"] if r else None


def value_of(doc, name, key, system):
    figures = doc["measures"].get(name, {}).get("figures", {})
    s = figures.get(key, {}).get("systems", {}).get(system)
    return s["median"] if s else None


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def curves(out, title, labels, xlabel, rows):
    """rows: (what, a value a label or None); a line at 1."""
    rows = [(what, v) for what, v in rows
            if sum(x is not None for x in v) > 1]
    if not rows:
        return False
    script = HEAD % {"out": out, "title": title,
                     "ylabel": "ratio to the kernel"}
    script += "set yrange [0:*]\nset xlabel '%s'\nset xtics (%s)\n" % (
        xlabel, ", ".join("'%s' %d" % (t, i) for i, t in enumerate(labels)))
    script += "set xrange [-0.2:%g]\n" % (len(labels) - 0.8)
    plots = ["1 with lines dt 2 lc rgb '#555555' title 'the kernel'"]
    data = ""
    for i, (what, values) in enumerate(rows):
        plots.append("'-' with linespoints lw 2 pt 7 ps 0.6 lc rgb '%s' "
                     "title '%s'" % (COLOURS[i % len(COLOURS)], what))
        data += "".join("%d %g\n" % (x, v) for x, v in enumerate(values)
                        if v is not None) + "e\n"
    gnuplot(script + "plot " + ", \\\n ".join(plots) + "\n" + data)
    return True


def bars(out, title, ylabel, rows, names, more):
    """rows: (what, a value a name or None), side by side."""
    rows = [(what, v) for what, v in rows if None not in v]
    if not rows:
        return False
    script = HEAD % {"out": out, "title": title, "ylabel": ylabel} + more
    script += ("set style data histograms\nset style histogram clustered\n"
               "set style fill solid 0.8 border -1\nset xtics rotate by -30\n")
    data = "".join("\"%s\" %s\n" % (what, " ".join("%g" % x for x in v))
                   for what, v in rows) + "e\n"
    plots = ["'-' using %d%s lc rgb '%s' title '%s'" % (
        i + 2, ":xtic(1)" if i == 0 else "", COLOURS[i], name)
        for i, name in enumerate(names)]
    gnuplot(script + "plot " + ", \\\n ".join(plots) + "\n" +
            data * len(names))
    return True


def name_of(way, streams, write, lab="base"):
    return "%s%s_%d%s" % ("" if lab == "base" else lab + "_", way, streams,
                          "" if write == "128k" else "_" + write)


def by_write(doc, out):
    rows = [("%s, %d stream%s" % (way, n, "s" if n > 1 else ""),
             [ratio_of(doc, name_of(way, n, w)) for w in WRITES])
            for way in ("send", "recv") for n in (1, 8, 64)]
    return curves(out, "tcpd to the kernel by the size of writes",
                  ["1 KiB", "16 KiB", "128 KiB"], "bytes a write", rows)


def by_streams(doc, out):
    rows = [("%s%s" % (way, ", " + LAB_TEXT[lab] if LAB_TEXT[lab] else ""),
             [ratio_of(doc, name_of(way, n, "128k", lab))
              for n in (1, 8, 64)])
            for lab in BULK_LABS for way in ("send", "recv")]
    return curves(out, "tcpd to the kernel by connections, 128 KiB a write",
                  ["1", "8", "64"], "connections", rows[:6])


def latency(doc, out):
    rows = []
    for n in (1, 16, 256):
        name = "rr" if n == 1 else "rr_%d" % n
        for key, text in (("p50_us", "p50"), ("p99_us", "p99"),
                          ("p999_us", "p99.9")):
            rows.append(("%s, %d" % (text, n), [
                value_of(doc, name, key, s) for s in ("kernel", "tcpd")]))
    return bars(out, "64-byte round trip, by percentile and connections",
                "microseconds", rows, ("kernel", "tcpd"),
                "set logscale y\nset yrange [10:*]\n")


def programs(doc, out):
    names = ("send_1", "recv_1", "send_8", "recv_8", "send_1_1k", "nginx",
             "redis", "redis_p16", "crr_1", "crr_8", "accept_crr_8",
             "udp_send", "udp_recv", "local_1", "plain_send_1",
             "plain_recv_1")
    rows = []
    for name in names:
        for key in ("per_s", "gbit_s"):
            r = ratio_of(doc, name, key)
            if r is not None:
                rows.append((name.replace("_", " "), [r]))
    return bars(out, "tcpd to the kernel", "ratio", rows, ("tcpd",),
                "set yrange [0:*]\nset arrow from graph 0, first 1 to "
                "graph 1, first 1 nohead dt 2 lc rgb '#555555'\n")


PLOTS = {"writes": by_write, "streams": by_streams, "latency": latency,
         "programs": programs}


def all_plots(doc, path):
    """Beside the JSON: bench.json, bench-writes.svg ..."""
    if not shutil.which("gnuplot"):
        print("no plots: gnuplot is not installed: "
              "apt-get install gnuplot-nox")
        return
    stem = os.path.splitext(path)[0]
    for name, draw in PLOTS.items():
        out = "%s-%s.svg" % (stem, name)
        if draw(doc, out):
            print("written: " + out)
