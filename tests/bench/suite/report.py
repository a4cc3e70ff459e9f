# SPDX-License-Identifier: ISC
"""From the runs' figures to medians, ratios, the table and the JSON."""
import json
import os
import platform
import re
import statistics

from .measures import KEYS
from .systems import BUILD

VERSION = 2


def summary(runs, key):
    values = [r[key] for r in runs if r and key in r]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values)}


def ratio(mine, other, key):
    """Of the medians; least and most are those of single rounds, in which the
    two followed each other."""
    a, b = summary(mine, key), summary(other, key)
    if not a or not b or not b["median"]:
        return None
    pairs = [x[key] / y[key] for x, y in zip(mine, other)
             if x and y and key in x and y.get(key)]
    return {"median": a["median"] / b["median"],
            "min": min(pairs, default=None), "max": max(pairs, default=None)}


def figure(runs, key):
    name, unit, more = KEYS[key]
    row = {"what": name, "unit": unit, "more_is_better": more,
           "systems": {s: summary(r, key) for s, r in runs.items()},
           "ratios": {}}
    for other in runs:
        if other != "tcpd":
            row["ratios"][other] = ratio(runs["tcpd"], runs[other], key)
    return row


def compiler_flags():
    try:
        with open(BUILD + "/Makefile") as f:
            return re.search(r"^CFLAGS = (.*)$", f.read(), re.M)[1]
    except (OSError, TypeError):
        return ""


def judge(doc, goals):
    judged = []
    for name, key, other, way, aim in goals:
        figures = doc["measures"].get(name, {}).get("figures", {})
        r = figures.get(key, {}).get("ratios", {}).get(other)
        if r:
            met = (r["median"] >= aim if way == ">=" else
                   r["median"] <= aim)
            judged.append({"measure": name, "figure": key, "to": other,
                           "ratio": r["median"], "way": way, "aim": aim,
                           "met": met})
    return judged


def document(bench, which, rounds, seconds, goals):
    doc = {"version": VERSION, "set": which, "rounds": rounds,
           "seconds": seconds, "linux": platform.release(),
           "machine": platform.machine(), "cpus": os.cpu_count(),
           "cflags": compiler_flags(), "measures": {},
           "skipped": sorted(set(bench.skipped.values())),
           "failed": [{"measure": m, "system": s, "why": w}
                      for m, s, w in bench.failures]}
    for m in bench.measures:
        runs = bench.results[m.name]
        peak = summary(runs["tcpd"], "peak_mib")
        doc["measures"][m.name] = {
            "what": m.what, "lab": m.lab, "tool": m.tool,
            "command": " ".join(m.args),
            "figures": {k: figure(runs, k) for k in m.keys},
            "peak_mib": peak and peak["max"], "runs": runs}
    doc["goals"] = judge(doc, goals)
    return doc


def number(x):
    return "-" if x is None else "%.4g" % x["median"]


def line(text, row, systems):
    got = row["systems"]
    if not any(got.values()):
        return
    cells = ["%11s" % number(got[s]) for s in systems]
    for other in systems:
        r = row["ratios"].get(other)
        if r:
            cells.append("%6.2f (%.2f to %.2f)" % (
                r["median"], r["min"] or 0, r["max"] or 0))
    print("%-74s %-6s %s" % (text, row["unit"], " ".join(cells)))


def table(doc):
    print("\n%s, Linux %s, %d CPUs, CFLAGS=%s; medians of %d rounds of %g s; "
          "cubic;\nratios are tcpd's to each other system's, of the medians "
          "(and of single rounds);\nof microseconds and CPU less is better" % (
              doc["machine"], doc["linux"], doc["cpus"], doc["cflags"],
              doc["rounds"], doc["seconds"]))
    head = None
    for name, m in doc["measures"].items():
        systems = list(m["runs"])
        if systems != head:
            head = systems
            print("\n%-81s %s  ratio%s" % (
                "", " ".join("%11s" % s for s in systems),
                "s" if len(systems) > 2 else ""))
        for i, row in enumerate(m["figures"].values()):
            line("%-20s %s" % (name if i == 0 else "", (
                m["what"] if i == 0 and row["more_is_better"] else
                m["what"] + ", " + row["what"] if i == 0 else
                "    " + row["what"])), row, systems)
    peaks = [(m["peak_mib"], name) for name, m in doc["measures"].items()
             if m["peak_mib"]]
    if peaks:
        print("\npeak memory of the engine: %.0f MiB (in %s), at the least "
              "%.0f (in %s)" % (*max(peaks), *min(peaks)))
    for text in doc["skipped"]:
        print("skipped: " + text)


def goals(doc):
    """Last, so that what is missed stands out."""
    if doc["goals"]:
        print("\n%-48s %7s %9s" % ("goals (ratios)", "ratio", "aim"))
    for met in (True, False):
        for g in doc["goals"]:
            if g["met"] == met:
                print("%-48s %7.2f %4s %4g   %s" % (
                    "%s, %s, to %s" % (g["measure"], KEYS[g["figure"]][0],
                                       g["to"]), g["ratio"], g["way"],
                    g["aim"], "met" if met else "MISSED"))
    if doc["goals"]:
        print("%d met, %d missed" % (
            sum(g["met"] for g in doc["goals"]),
            sum(not g["met"] for g in doc["goals"])))
    for f in doc["failed"]:
        print("FAILED: %(measure)s, %(system)s: %(why)s" % f)


def write(doc, path):
    with open(path, "w") as f:
        json.dump(doc, f, indent=1)
    print("written: " + path)
