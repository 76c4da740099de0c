#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Lines between two real exchanges: agreements, states, checks, what waits.

usage: lines_test.py [NAME ...]     BIN says where the programs are
"""
import atexit
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BIN", ROOT / "build/gcc")).resolve()
SIDES = ("north", "south")
TESTS = []

HOOK = """#!/bin/sh
read line
printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$RINGDOWN_EVENT" "$RINGDOWN_PEER" "$RINGDOWN_LINE" \\
    "$RINGDOWN_WORDS" "$(id -u)" "$(env | sort | tr '\\n' '|')" >> OUT/alarms
printf '%s\\n' "$line" >> OUT/lines
test "$RINGDOWN_LINE" != hookfails
"""


def test(f):
    TESTS.append(f)
    return f


def until(what, seconds=20, every=0.05):
    """Ask again until it is so; what it came to"""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < end, "did not come true in %d s" % seconds
        time.sleep(every)


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("ringdown", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Side:
    def __init__(self, work, name, port, dial):
        self.name, self.host = name, name + ".example"
        self.peer = SIDES[name == "north"] + ".example"
        self.conf, self.sock = work / name / "ringdown.conf", str(work / name / "api.sock")
        self.log = open(work / (name + ".log"), "ab")
        self.logfile = work / (name + ".log")
        self.cli("init", "-c", str(self.conf), "--dir", str(work / name), self.host)
        with open(self.conf, "a") as f:
            f.write("listen 127.0.0.1:%d\naddress 127.0.0.1:%d\n" % (port, dial))

    def start(self):
        self.process = subprocess.Popen([BIN / "ringdownd", "-c", self.conf], stderr=self.log,
                                        stdout=self.log)
        atexit.register(self.process.kill)      # whatever fails
        until(lambda: self.process.poll() is not None or subprocess.run([BIN / "ringdown", "-c", self.conf, "status"],
                                     capture_output=True).returncode == 0)
        assert self.process.poll() is None, self.logfile.read_text()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0

    def cli(self, *args, code=0, put=""):
        p = subprocess.run([BIN / "ringdown", "-c", self.conf, "--as", self.name + " officer",
                            *args], input=put.encode(), capture_output=True, timeout=60,
                           env=os.environ | {"LC_ALL": "C.UTF-8"})
        assert p.returncode == code, (args, p.returncode, p.stdout, p.stderr)
        return p.stdout.decode() if not code else p.stderr.decode()

    def http(self, method, path, body=None, media="text/plain"):
        c = Unix(self.sock)
        c.request(method, path, body, {"Content-Type": media} if body is not None else {})
        r = c.getresponse()
        out = r.read()
        c.close()
        return r.status, out if r.headers["Content-Type"].startswith("text/plain") else (
            json.loads(out))

    def line(self, name):
        status, got = self.http("GET", "/v1/pairs/%s/lines/%s" % (self.peer, name))
        return got if status == 200 else {"state": None, "proposals": [], "calls": []}

    def act(self, name, act, **params):
        return self.http("POST", "/v1/pairs/%s/lines/%s/%s?%s" % (
            self.peer, name, act, urllib.parse.urlencode(params)))

    def is_state(self, name, *states, seconds=20):
        return until(lambda: self.line(name)["state"] in states and self.line(name), seconds)

    def inbox(self, line):
        out, after = [], 0
        while after is not None:
            _, page = self.http("GET", "/v1/pairs/%s/inbox?after=%d&limit=500"
                                % (self.peer, after))
            out += page["items"]
            after = page["next"]
        return [i["subject"] for i in out if i["subject"].startswith(line + " ")]

    def record(self):
        out, at = [], 0
        while at is not None:
            _, page = self.http("GET", "/v1/pairs/%s/record?limit=500&from=%d" % (self.peer, at))
            out += page["entries"]
            at = page["next"]
        return out + page["unplaced"]

    def metric(self, name, **labels):
        _, text = self.http("GET", "/metrics")
        for row in text.decode().split("\n"):
            m = re.fullmatch(r'(\w+)(?:\{(.*)\})? (\S+)', row)
            if m and m[1] == "ringdown_" + name and dict(
                    re.findall(r'(\w+)="([^"]*)"', m[2] or "")) == labels:
                return float(m[3])
        return None

    def trunk(self):
        _, s = self.http("GET", "/v1/status")
        return s["pairs"][0]["trunk"]


def agreement(line, version=1, replaces="none", **more):
    part = {"medium": "notice", "grace": 10, "purpose": "Test of lines", "from":
            "2026-01-01T00:00:00Z", "checks": "", "restoration": "machine"} | more
    return """ringdown-agreement/v1
line %s
version %d
replaces %s
sides north.example south.example
from %s
purpose %s
language ko
language en
medium %s
recording none
restoration %s
zone north.example Asia/Pyongyang
offset north.example 2026-01-01T00:00:00Z +09:00
zone south.example Asia/Seoul
offset south.example 2026-01-01T00:00:00Z +09:00
%sunannounced grace %d
""" % (line, version, replaces, part["from"], part["purpose"], part["medium"],
       part["restoration"], part["checks"], part["grace"])


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


class World:
    def __init__(self, work, alarms=True):
        self.work = work
        self.syslog = self.devlog() if alarms else None
        self.out = work / "out"
        self.out.mkdir()
        self.out.chmod(0o777)
        hook = work / "hook"
        hook.write_text(HOOK.replace("OUT", str(self.out)))
        hook.chmod(0o755)
        base = random.randrange(20000, 40000)
        self.relay = subprocess.Popen([BIN / "test/system/relay", "%d:%d" % (base + 2, base),
                                       "%d:%d" % (base + 3, base + 1)],
                                      stdout=subprocess.DEVNULL)
        atexit.register(self.relay.kill)
        self.north = Side(work, "north", base, base + 2)
        self.south = Side(work, "south", base + 1, base + 3)
        self.both = (self.north, self.south)
        with open(self.south.conf, "a") as f:
            f.write("alarm-hook %s\nalarm-syslog yes\n" % hook if alarms else "")
        for s in self.both:
            s.start()
        cards = [s.cli("pair", "card") for s in self.both]
        for s, card in zip(self.both, reversed(cards)):
            s.cli("pair", "add", "--yes", "-", put=card)
        for s in self.both:
            until(lambda: s.trunk() == "up")

    def agree(self, name, opens=True, **more):
        """Proposed by south, signed by north, and open on both sides"""
        text = agreement(name, **more)
        status, got = self.south.http("POST", "/v1/pairs/north.example/lines", text)
        assert status == 201 and got["line"] == name, (status, got)
        until(lambda: self.north.line(name)["proposals"])
        status, got = self.north.act(name, "accept", agreement=sha(text))
        assert status == 201, got
        for s in self.both:
            until(lambda: s.line(name).get("version") == 1)
            if opens:
                until(lambda: s.line(name)["state"] == "open" and s.line(name)["proven"])
        return text

    def alarms(self, event, line):
        p = self.out / "alarms"
        rows = [r.split("\t") for r in (p.read_text().split("\n") if p.exists() else [])]
        return [r for r in rows if len(r) == 6 and r[0] == event and r[2] == line]

    def stop(self):
        for s in self.both:
            s.stop()
        self.relay.kill()
        self.relay.wait()

    @staticmethod
    def devlog():
        """Where there is no syslog and we may: ours"""
        if os.getuid() or os.path.lexists("/dev/log"):
            return None
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind("/dev/log")
        atexit.register(os.unlink, "/dev/log")
        os.chmod("/dev/log", 0o666)
        s.settimeout(0.5)
        return s


# ---- agreements ----

@test
def proposed_and_accepted(w):
    """FILE, difference, signature; then an amendment; the same on both sides"""
    text = agreement("liaison")
    bare = "".join(x + "\n" for x in text.split("\n")[:-1] if not x.startswith("offset"))
    (w.work / "liaison").write_text(bare)
    out = w.south.cli("line", "propose", str(w.work / "liaison"))
    assert "+ purpose: Test of lines" in out and "proposed to north.example" in out, out
    got = until(lambda: (x := w.north.line("liaison"))["proposals"] and x)
    assert got["state"] == "proposed" and got["proposals"][0]["from"] == "them"
    assert got["proposals"][0]["by"] == "south officer"
    text = got["texts"]["theirs"]
    assert "+ purpose: Test of lines" in got["differences"]["theirs"]
    assert got["proposals"][0]["agreement"] == sha(text)
    until(lambda: w.south.line("liaison").get("texts", {}).get("ours") == text)
    # signed is what was read, and nothing else
    status, p = w.north.act("liaison", "accept", agreement="00" * 32)
    assert status == 409 and p["type"] == "/problems/line-state", p
    assert "Nothing was written" in p["detail"] and "liaison" in p["detail"], p
    out = w.north.cli("line", "accept", "liaison", "--yes")
    assert text.split("\n")[6] in out and "is agreed" in out
    for s in w.both:
        got = s.is_state("liaison", "open")
        assert got["version"] == 1 and got["agreement"] == sha(text), got
        assert got["texts"] == {"agreement": text} and got["proposals"] == []
        assert [c["zone"] for c in got["clocks"]] == ["Asia/Pyongyang", "Asia/Seoul"]
        assert "liaison" in s.cli("status") and "+09:00" in s.cli("status")
    # the next version says which it replaces
    new = agreement("liaison", 2, "sha256:" + sha(text), purpose="Liaison, and repairs")
    status, p = w.north.http("POST", "/v1/pairs/south.example/lines", agreement("liaison", 3))
    assert status in (409, 422), p
    status, p = w.north.http("POST", "/v1/pairs/south.example/lines", new)
    assert status == 201, p
    until(lambda: w.south.line("liaison")["proposals"])
    got = w.south.line("liaison")["differences"]["theirs"]
    assert "- purpose: Test of lines" in got and "+ purpose: Liaison, and repairs" in got, got
    assert "= sides: north.example and south.example" in got, got
    assert w.south.act("liaison", "accept", agreement=sha(new))[0] == 201
    for s in w.both:
        until(lambda: s.line("liaison")["version"] == 2)
        assert s.line("liaison")["agreement"] == sha(new)
    assert w.south.cli("line", "text", "liaison") == new


@test
def declined_with_reason(w):
    text = agreement("declined")
    assert w.south.http("POST", "/v1/pairs/north.example/lines", text)[0] == 201
    until(lambda: w.north.line("declined")["proposals"])
    w.north.cli("line", "decline", "declined", "--reason", "야간 근무자가 없음")
    got = until(lambda: (x := w.south.line("declined"))["declined"] and x)
    assert got["declined"] == "야간 근무자가 없음" and got["proposals"] == []
    assert "야간" in w.south.cli("line", "list")
    # again, and signed
    assert w.south.http("POST", "/v1/pairs/north.example/lines", text)[0] == 201
    until(lambda: w.north.line("declined")["proposals"])
    assert w.north.act("declined", "accept", agreement=sha(text))[0] == 201
    until(lambda: w.south.line("declined")["version"] == 1)


@test
def proposals_that_cross(w):
    """Both propose, both sign the other's: one and the same is agreed"""
    texts = {s: agreement("crossing", purpose="As %s wants it" % s.name) for s in w.both}
    for s in w.both:
        assert s.http("POST", "/v1/pairs/%s/lines" % s.peer, texts[s])[0] == 201
    for s in w.both:
        until(lambda: len(s.line("crossing")["proposals"]) == 2)
    answers = [s.act("crossing", "accept", agreement=sha(texts[o]))[0]
               for s, o in (w.both, w.both[::-1])]
    assert answers[0] == 201 and answers[1] in (201, 409), answers
    for s in w.both:
        until(lambda: s.line("crossing")["version"] == 1)
    until(lambda: w.north.line("crossing")["proposals"] == [] ==
          w.south.line("crossing")["proposals"])
    got = {s.line("crossing")["agreement"] for s in w.both}
    assert len(got) == 1 and got <= {sha(t) for t in texts.values()}, got


@test
def withdrawn(w):
    w.agree("withdrawn")
    w.north.cli("line", "withdraw", "withdrawn", "--reason", "over")
    assert w.south.is_state("withdrawn", "closed-by-them")["word_of"] == "them"
    assert w.north.is_state("withdrawn", "closed-by-us")["reason"] == "over"
    assert w.north.act("withdrawn", "withdraw", reason="x")[0] == 409


# ---- states and what waits ----

def send(s, line, n, code=0):
    return s.cli("send", s.peer, "--line", line, "-s", "%s %d" % (line, n), "--id",
                 "%s-%s-%d" % (s.name, line, n), "-", put="text %d\n" % n, code=code)


@test
def closed_waits_and_goes_out(w):
    w.agree("closing")
    assert "stored here" in send(w.south, "closing", 0)
    w.north.cli("line", "close", "closing", "--reason", "storm")
    got = w.south.is_state("closing", "closed-by-them")
    assert got["reason"] == "storm" and got["word_of"] == "them"
    assert w.north.line("closing")["state"] == "closed-by-us"
    for i in range(1, 21):
        assert "waits here" in send(w.south, "closing", i)
    status, got = w.south.http("POST", "/v1/pairs/north.example/notices", json.dumps(
        {"subject": "closing 20", "text": "x\n", "id": "south-closing-20", "line": "closing"}),
        "application/json")
    assert status == 202 and got["state"] == "waits" and got["again"], got
    assert w.south.line("closing")["waiting"] == 20
    assert w.south.metric("line_waiting_items", peer="north.example", line="closing") == 20
    assert "20 wait" in w.south.cli("status")
    assert w.north.inbox("closing") == ["closing 0"]
    waits = [e for e in w.north.record() if e["type"] == "waiting" and ["line", "closing"]
             in e["fields"]]
    assert len(waits) == 20 and "closing 1" not in str(waits)   # committed to, and not told
    w.north.cli("line", "open", "closing")
    until(lambda: w.south.line("closing")["waiting"] == 0)
    until(lambda: len(w.north.inbox("closing")) == 21)
    time.sleep(0.5)     # nothing comes twice
    assert w.north.inbox("closing") == ["closing %d" % i for i in range(21)]
    for s in w.both:
        got = s.is_state("closing", "open")
        assert got["proven"] and got["last_check"]["outcome"] == "answered", got
    late = [e for e in w.north.record() if e["type"] == "notice" and ["subject", "closing 7"]
            in e["fields"]]
    assert len(late) == 1 and "written" in dict(late[0]["fields"]), late
    item = w.north.http("GET", "/v1/pairs/south.example/in/%d" % late[0]["seq"])[1]
    assert item["line"] == "closing" and item["written"] < item["time"], item


@test
def suspended_until(w):
    w.agree("suspending")
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5))
    w.south.cli("line", "suspend", "suspending", "--reason", "works", "--until", stamp)
    got = w.north.is_state("suspending", "suspended-by-them")
    assert got["until"] == stamp[:-1] + ".000Z" and got["reason"] == "works", got
    assert "until " + stamp[:10] in w.south.cli("line", "list")
    assert "waits here" in send(w.north, "suspending", 1)
    w.south.is_state("suspending", "open", seconds=15)
    w.north.is_state("suspending", "open", seconds=15)
    until(lambda: w.south.inbox("suspending") == ["suspending 1"], 30)


@test
def fault_and_repair(w):
    w.agree("faulty")
    w.south.cli("line", "fault", "faulty", "--reason", "cable at the crossing")
    assert w.north.is_state("faulty", "fault-there")["reason"] == "cable at the crossing"
    assert w.south.is_state("faulty", "fault-here")
    assert w.north.metric("line_state", peer="south.example", line="faulty",
                          state="fault-there") == 1
    # only who said it takes it back
    assert w.north.act("faulty", "declare", state="open", reason="x")[0] in (201, 409)
    assert w.north.line("faulty")["state"] == "fault-there"
    w.south.cli("line", "open", "faulty", "--reason", "mended")
    for s in w.both:
        s.is_state("faulty", "open")
    assert w.alarms("line-state", "faulty") or until(lambda: w.alarms("line-state", "faulty"))


@test
def trunk_is_cut(w):
    w.agree("cut")
    w.relay.send_signal(signal.SIGUSR1)
    for s in w.both:
        s.is_state("cut", "down")
    for s in w.both:
        for i in range(5):
            assert "waits here" in send(s, "cut", i)
    w.relay.send_signal(signal.SIGUSR2)
    for s in w.both:
        s.is_state("cut", "open", seconds=40)
        until(lambda: s.inbox("cut") == ["cut %d" % i for i in range(5)], 40)
        assert s.line("cut")["waiting"] == 0
    until(lambda: [a for a in w.alarms("trunk", "") if "down" in a[3]])
    # the checks of the hiatus are on the record
    kinds = [dict(e["fields"]).get("kind") for e in w.south.record() if e["type"] == "check"
             and ["line", "cut"] in e["fields"]]
    assert "restoration" in kinds, kinds


# ---- checks ----

@test
def check_is_attended(w):
    w.agree("attended", grace=60, restoration="person", opens=False)
    # after the agreement was signed a person has to prove the line
    for s in w.both:
        until(lambda: s.line("attended")["version"] == 1)
    before = w.south.metric("checks_total", peer="north.example", outcome="answered")
    status, got = w.south.act("attended", "check")
    assert status == 201, got
    call = until(lambda: [c for c in w.north.line("attended")["calls"] if c["seq"] == got["seq"]])
    assert call[0]["kind"] == "unannounced" and not call[0]["drill"], call
    out = w.north.cli("status")
    assert "!! CHECK unannounced of line attended" in out and "DRILL" not in out, out
    out = w.north.cli("check", "attend", "attended", str(got["seq"]))
    assert "you attended" in out
    last = until(lambda: (x := w.south.line("attended"))["last_check"] and x)["last_check"]
    assert last["outcome"] == "answered", last
    assert w.south.metric("checks_total", peer="north.example", outcome="answered") > before
    done = until(lambda: [e for e in w.north.record() if e["type"] == "result" and
                          ["line", "attended"] in e["fields"] and
                          ["kind", "unannounced"] in e["fields"]])
    assert dict(done[0]["fields"])["by"] == "north officer", done
    # nobody can attend twice, or to what was never asked
    assert w.north.act("attended", "attend", seq=got["seq"])[0] == 409
    assert w.north.act("attended", "attend", seq=999999)[0] in (404, 409)


@test
def check_is_refused(w):
    w.agree("refusing", grace=60)
    _, got = w.south.act("refusing", "check")
    until(lambda: [c for c in w.north.line("refusing")["calls"] if c["seq"] == got["seq"]])
    w.north.cli("check", "attend", "refusing", str(got["seq"]), "--refuse", "--reason", "not now")
    assert w.south.is_state("refusing", "refused")["last_check"]["outcome"] == "refused"
    w.north.is_state("refusing", "refused")
    alarm = until(lambda: [a for a in w.alarms("check-result", "refusing") if "refused" in a[3]])
    assert "unannounced" in alarm[0][3], alarm
    # the line carries all the same, and the next answer mends it
    assert "stored here" in send(w.south, "refusing", 1)
    _, got = w.south.act("refusing", "check")
    until(lambda: [c for c in w.north.line("refusing")["calls"] if c["seq"] == got["seq"]])
    w.north.cli("check", "attend", "refusing", str(got["seq"]))
    w.south.is_state("refusing", "open")


@test
def drill_is_marked(w):
    w.agree("drill", grace=60)
    out = w.north.cli("check", "run", "drill", "--drill")
    assert out.startswith("Entry") and "DRILL" in out
    call = until(lambda: [c for c in w.south.line("drill")["calls"] if c["drill"]])
    assert "!! DRILL CHECK" in w.south.cli("status")
    assert until(lambda: [a for a in w.alarms("check-asked", "drill") if "DRILL" in a[3]])
    w.south.cli("check", "attend", "drill", str(call[0]["seq"]))
    done = until(lambda: [e for e in w.south.record() if e["type"] == "result" and
                          ["line", "drill"] in e["fields"] and ["mark", "drill"] in e["fields"]])
    assert dict(done[0]["fields"])["outcome"] == "answered"
    assert until(lambda: [a for a in w.alarms("check-result", "drill") if a[3].startswith(
        "DRILL: ")])


@test
def check_that_nobody_answers(w):
    w.agree("alone")
    before = w.north.metric("checks_total", peer="south.example", outcome="unattended")
    _, got = w.north.act("alone", "check")
    until(lambda: w.south.line("alone")["calls"])
    asked = until(lambda: w.alarms("check-asked", "alone"))
    w.north.is_state("alone", "unattended", seconds=40)
    got = w.south.is_state("alone", "unattended")
    assert got["last_check"]["outcome"] == "unattended", got
    assert "CHECK unannounced of line alone" not in w.south.cli("status")   # it is over
    assert w.north.metric("checks_total", peer="south.example", outcome="unattended") > before
    assert w.north.metric("line_state", peer="south.example", line="alone",
                          state="unattended") == 1
    # the hook was told: before, and after
    missed = until(lambda: w.alarms("check-missed", "alone"))
    for row in asked + missed:
        assert row[1] == "north.example", row
        env = dict(x.split("=", 1) for x in row[5].strip("|\n").split("|") if "=" in x)
        assert set(env) <= {"PATH", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_", "RINGDOWN_NAME",
                            "RINGDOWN_EVENT", "RINGDOWN_PEER", "RINGDOWN_LINE", "RINGDOWN_WORDS",
                            "RINGDOWN_TIME"}, env
        assert row[4] == ("65534" if os.getuid() == 0 else str(os.getuid())), row
    rows = (w.out / "lines").read_text()
    assert re.search(r'^time=\S+ event=check-missed peer=north.example line=alone words="', rows,
                     re.M), rows
    assert w.south.metric("alarms_total") > 0 and w.south.metric("alarms_lost_total") == 0


# ---- the service line ----

@test
def service_chat(w):
    p = subprocess.Popen([BIN / "ringdown", "-c", w.north.conf, "service", "follow"],
                         stdout=subprocess.PIPE, env=os.environ | {"LC_ALL": "C.UTF-8"})
    os.set_blocking(p.stdout.fileno(), False)

    def heard():
        w.south.cli("service", "say", "케이블", "7번", "확인")
        return p.stdout.readline()
    got = until(heard, 20, 0.2).decode()
    p.terminate()
    p.wait(10)
    assert "south.example south officer: 케이블 7번 확인" in got, got
    for s in w.both:
        assert "케이블" not in json.dumps(s.record(), ensure_ascii=False)
    w.relay.send_signal(signal.SIGUSR1)
    until(lambda: w.south.trunk() == "down")
    status, p = w.south.http("POST", "/v1/pairs/north.example/service", "x")
    assert status == 409 and p["type"] == "/problems/no-path" and "not in the record" in p[
        "detail"], p
    w.relay.send_signal(signal.SIGUSR2)
    for s in w.both:
        until(lambda: s.trunk() == "up", 40)


# ---- what is refused ----

@test
def bad_input(w):
    s, lines = w.south, "/v1/pairs/north.example/lines"

    def refused(status, kind, got):
        assert got[0] == status and got[1]["type"] == "/problems/" + kind, got
        assert "othing was written" in got[1]["detail"], got
        return got[1]["detail"]
    size = len(s.record())
    for bad, place in ((agreement("x").replace("notice", "smoke"), "Line 10"), ("x", "Line 1"),
                       (agreement("X"), "Line 2"), (agreement("x") + "\n", "Line"),
                       (agreement("x").replace("+09:00", "+24:00"), "Line 14"),
                       (agreement("x").replace("grace 10", "grace 9"), "Line 17")):
        assert place in refused(422, "agreement-bad", s.http("POST", lines, bad)), bad
    other = agreement("x").replace("north.example", "morth.example")
    assert s.http("POST", lines, other)[0] in (409, 422)
    refused(404, "no-line", s.act("nothing", "declare", state="closed", reason="x"))
    refused(404, "no-line", s.act("nothing", "check"))
    refused(404, "no-line", s.act("nothing", "accept", agreement="00" * 32))
    refused(404, "no-line", s.http("GET", lines + "/nothing"))
    refused(404, "no-line", s.http("POST", "/v1/pairs/north.example/notices", json.dumps(
        {"subject": "s", "text": "t", "line": "nothing"}), "application/json"))
    w.agree("voice-only", checks="", purpose="x")
    assert len(s.record()) > size
    assert s.http("GET", "/v1/pairs/weast.example/lines")[0] == 404
    assert s.http("POST", "/v1/pairs/weast.example/service", "x")[0] == 404
    err = s.cli("line", "close", "nothing", "--reason", "x", code=1)
    assert "There is no line nothing with north.example" in err, err
    # a proposal that nobody has signed carries nothing
    text = agreement("unsigned")
    assert s.http("POST", lines, text)[0] == 201
    until(lambda: s.line("unsigned")["proposals"])
    refused(409, "line-state", s.http("POST", "/v1/pairs/north.example/notices", json.dumps(
        {"subject": "s", "text": "t", "line": "unsigned"}), "application/json"))


# ---- alarms ----

@test
def syslog_is_told(w):
    """daemon.alert where somebody has to act, else daemon.notice"""
    if not w.syslog:
        print("    no /dev/log of our own: not looked at")
        return
    def drain():
        rows = []
        try:
            while True:
                rows.append(w.syslog.recv(4096).decode())
        except TimeoutError:
            return rows
    # nobody reads it: when it is full, that stops nothing
    w.agree("noisy")
    for i in range(50):
        if b"ev=syslog.deaf" in w.south.logfile.read_bytes():
            break
        assert w.south.act("noisy", "declare", state=("fault", "open")[i % 2], reason="x")[
            0] == 201
    assert drain() and b"ev=syslog.deaf" in w.south.logfile.read_bytes()
    w.agree("logged", grace=60)
    _, got = w.north.act("logged", "check")
    until(lambda: w.south.line("logged")["calls"])
    rows = drain()
    assert b"ev=syslog.takes-again" in w.south.logfile.read_bytes()
    for what, priority in ((": agreed peer=north.example line=logged: ", 3 << 3 | 5),
                           (": check-asked peer=north.example line=logged: ", 3 << 3 | 1)):
        found = [r for r in rows if what in r]
        found = [r for r in found if "nobody need" not in r]
        assert found and all(r.startswith("<%d>" % priority) for r in found), (what, rows)
        assert all(re.match(r"<\d+>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ringdownd\[%d\]: "
                            % w.south.process.pid, r) for r in found), found
    w.south.act("logged", "attend", seq=got["seq"])


@test
def hook_that_fails(w):
    """Said in the log, and nothing else suffers"""
    w.agree("hookfails")
    until(lambda: b"ev=hook.failed" in w.south.logfile.read_bytes())
    w.agree("hookworks")
    until(lambda: w.alarms("agreed", "hookworks"))


@test
def all_is_on_the_record(w):
    """What the exchanges wrote, an independent program finds in order"""
    for s in w.both:
        until(lambda: (lambda p: p["unacknowledged"] == 0 and p["joint"]["signed"] == p["joint"][
            "size"])(s.http("GET", "/v1/status")[1]["pairs"][0]), 30)
    out = w.work / "dossier"
    w.south.cli("record", "export", "north.example", str(out))
    p = subprocess.run([BIN / "ringdown-verify", str(out)], capture_output=True)
    assert p.returncode == 0, p.stdout
    # at most the signature that crossed ours
    assert w.south.metric("core_events_total", event="not-agreed") <= 1
    assert w.south.metric("peer_trusted", peer="north.example") == 1
    _, text = w.south.http("GET", "/metrics")
    seen, families = set(), []
    for row in text.decode().split("\n"):
        name = row.split(" ")[2] if row.startswith("# ") else re.split(r"[{ ]", row)[0]
        if row.startswith("# TYPE"):
            assert name not in families, name
            families.append(name)
        elif row and not row.startswith("#"):
            key = row.rsplit(" ", 1)[0]
            assert key not in seen and name == families[-1], row
            seen.add(key)


def main():
    names = sys.argv[1:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        w = World(pathlib.Path(directory))
        for t in TESTS:
            if names and t.__name__ not in names:
                continue
            start = time.monotonic()
            try:
                t(w)
                passed += 1
                print("ok   %s (%.1f s)" % (t.__name__, time.monotonic() - start), flush=True)
            except Exception:
                failed += 1
                print("FAIL " + t.__name__, flush=True)
                traceback.print_exc(file=sys.stdout)
                w.relay.send_signal(signal.SIGUSR2)
        try:
            w.stop()
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
        logs = b"".join(s.logfile.read_bytes() for s in w.both)
        if b"ev=child.died" in logs or b"broke-rules" in logs or failed:
            sys.stdout.write(logs.decode(errors="replace")[-6000:])
            failed += b"ev=child.died" in logs or b"broke-rules" in logs
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
