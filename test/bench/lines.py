#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Ten thousand lines on one exchange: agreeing, showing, checking all at once.

usage: BIN=build/gcc test/bench/lines.py [LINES]

Two real exchanges on this machine.  All lines have ten checks a day, one of
them at the same minute everywhere: how late does the last one begin, and what
does a check cost?  CPU is of all processes of both exchanges.
"""
import calendar
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import lines_test as t  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def family(pid):
    out = [pid]
    for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split():
        out += family(int(child))
    return out


def cpu(world):
    """Seconds of both exchanges since they began"""
    total = 0
    for s in world.both:
        for pid in family(s.process.pid):
            field = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
            total += int(field[11]) + int(field[12])
    return total / TICK


def resident(side):
    kib = 0
    for pid in family(side.process.pid):
        rollup = pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text()
        kib += int(re.search(r"Rss:\s+(\d+)", rollup)[1])
    return kib // 1024


def text(i, checks):
    return t.agreement("line-%d" % i, checks=checks)


def many(which, work, jobs=8):
    at = iter(which)
    lock = threading.Lock()

    def run():
        while True:
            with lock:
                i = next(at, None)
            if i is None:
                return
            work(i)
    all_jobs = [threading.Thread(target=run) for _ in range(jobs)]
    for j in all_jobs:
        j.start()
    for j in all_jobs:
        j.join()


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        w = t.World(pathlib.Path(work), alarms=False)
        print("load %s" % os.getloadavg()[0])
        # all ten minutes of the hour to come; the first leaves time to agree
        burst = (int(time.time()) + 120 + n // 100) // 60 * 60
        minutes = [burst + k * 7200 for k in range(10)]
        checks = "".join("check c%d daily %s south.example by %s.example grace 600 role none\n" % (
            k, time.strftime("%H:%M", time.gmtime(m + 9 * 3600)), "south" if k % 2 == 0 else "north")
            for k, m in enumerate(minutes))
        begin = time.monotonic()

        def propose(i):
            status, got = w.south.http("POST", "/v1/pairs/north.example/lines", text(i, checks))
            assert status == 201, got

        def accept(i):
            t.until(lambda: w.north.line("line-%d" % i)["proposals"], 60)
            status, got = w.north.act("line-%d" % i, "accept", agreement=t.sha(text(i, checks)))
            assert status == 201, got
        for first in range(0, n, 1000):	# so many proposals may be open
            part = range(first, min(first + 1000, n))
            many(part, propose)
            many(part, accept)
        for s in w.both:
            t.until(lambda: s.metric("lines", state="open") == n or
                    s.line("line-%d" % (n - 1))["state"] == "open", 120, 0.5)
        print("%d lines proposed and signed in %.0f s" % (n, time.monotonic() - begin))
        assert time.time() < burst - 5, "this machine is too slow for %d lines" % n
        took = []
        for _ in range(9):
            a = time.monotonic()
            w.south.cli("status")
            took.append((time.monotonic() - a) * 1000)
        print("ringdown status with %d lines: median %.0f ms, max %.0f ms" % (
            n, sorted(took)[4], max(took)))
        print("resident: %d MiB south, %d MiB north" % tuple(resident(s) for s in (w.south, w.north)))
        a = cpu(w)
        time.sleep(20)
        idle = cpu(w) - a
        print("at rest: %.2f %% of a core, both exchanges" % (idle / 20 * 100))
        time.sleep(max(0, burst - 2 - time.time()))
        a, from_s = cpu(w), time.monotonic()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(burst))

        def results():
            return w.south.metric("checks_total", peer="north.example", outcome="answered") or 0
        before = results()
        t.until(lambda: results() >= before + n, 300, 0.5)
        lasted, used = time.monotonic() - from_s, cpu(w) - a
        late = []
        for e in w.south.record():
            if e["type"] == "check" and dict(e["fields"]).get("due") == stamp:
                late.append(e["time"])
        assert len(late) == n, (len(late), n)
        last = max(late)
        lateness = calendar.timegm(time.strptime(last[:19], "%Y-%m-%dT%H:%M:%S")) + (
            float(last[19:23]) - burst)
        print("%d checks due at %s: all answered within %.1f s; the last began %.2f s late" % (
            n, stamp, lasted - 2, lateness))
        print("CPU a check, both exchanges: %.2f ms; 100,000 a day: %.2f %% of a core" % (
            used / n * 1000, used / n * 100000 / 86400 * 100))
        w.stop()


main()
