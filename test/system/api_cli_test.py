#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""ringdown(1) through the real console process, with a scripted keeper.

usage: api_cli_test.py [NAME ...]     BIN says where the programs are
"""
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from api_lib import BIN, ROOT, Console

TESTS = []
PDF = b"%PDF-1.7\n\0\xff"


def test(f):
    TESTS.append(f)
    return f


def pair(**more):
    return {
        "peer": "north.example", "state": "live", "why": "", "verdict": "trusted",
        "verdict_why": "", "trunk": "up", "since": "2026-01-01T00:00:00.000Z", "session": True,
        "paths": [{"path": 0, "state": "up", "rtt_us": 12300, "rttvar_us": 800,
                   "remote": "192.0.2.1:7411", "bytes_in": 1, "bytes_out": 2, "retransmits": 0,
                   "why": ""}],
        "own": {"size": 1204, "acked": 1201, "sent": 1204},
        "other": {"size": 998, "cosigned": 998, "announced": 1000},
        "joint": {"size": 2180, "root": "00" * 32, "signed": 2177}, "wants": 1, "offset_ms": -12,
        "last_proof": "2026-01-01T00:00:00.000Z", "unacknowledged": 3} | more


def status(*pairs):
    return {"name": "south.example", "version": "0.1.0", "time": "2026-01-01T00:00:00.000Z",
            "sandbox": {"keeper": "seccomp", "trunk": "seccomp"}, "pairs": list(pairs),
            "counters": {}}


def line(name="liaison", **more):
    clocks = [{"side": s, "zone": z, "offset_s": o, "due_offset_s": o + 1800} for s, z, o in (
        ("north.example", "Asia/Pyongyang", 32400), ("south.example", "Asia/Kolkata", 19800))]
    return {
        "peer": "north.example", "line": name, "state": "open",
        "since": "2026-01-01T00:00:00.000Z", "word_of": "agreement", "reason": "", "until": None,
        "version": 1, "begins": None, "proposals": [], "declined": "", "proven": True,
        "waiting": 0, "next_check": {"check": "opening", "due": "2026-01-02T00:00:00.000Z"},
        "last_check": None, "calls": [], "clocks": clocks} | more


def call(**more):
    return {"seq": 41, "check": "opening", "kind": "scheduled", "role": "principal",
            "due": "2126-01-01T00:00:00.000Z", "until": "2126-01-01T00:10:00.000Z",
            "drill": False} | more


def item(seq, **more):
    return {"seq": seq, "kind": "notice", "id": "x%d" % seq, "by": "kim",
            "precedence": "routine", "subject": "s%d" % seq, "name": None,
            "media": "text/plain", "bytes": 5, "time": "2026-01-02T03:04:05.678Z",
            "states": ["acked", "held"]} | more


def problem(status_, kind):
    return {"type": "/problems/" + kind, "title": "Title of " + kind, "status": status_,
            "detail": "Detail.\x1b[31m"}


class World:
    """A keeper with a few things in it; `said` keeps what was asked."""

    def __init__(self):
        self.said, self.pairs, self.items, self.bodies = [], [pair()], {}, {}
        self.refuse, self.bundle, self.entries = None, b"", []
        self.lines, self.left_out, self.texts, self.differences = [], 0, {}, {}

    def __call__(self, k, name, f, fd):
        self.said.append((name, f, os.pread(fd, 1 << 25, 0) if name == "Q_SUBMIT_FD" else None))
        if self.refuse:
            k.answer(f["req"], problem(*self.refuse), self.refuse[0], "application/problem+json")
            return True
        getattr(self, name)(k, f)
        return True

    def last(self, name):
        return [(f, body) for n, f, body in self.said if n == name][-1]

    def Q_STATUS(self, k, f):
        k.answer(f["req"], status(*self.pairs))

    def Q_LINES(self, k, f):
        lines = [x for x in self.lines if f["peer"] in ("", x["peer"])]
        k.answer(f["req"], {"time": "2026-01-01T00:00:00.000Z", "lines": lines,
                            "states": {}, "total": len(lines) + self.left_out,
                            "left_out": self.left_out})

    def Q_LINE(self, k, f):
        found = [x for x in self.lines if x["line"] == f["line"]]
        if found:
            k.answer(f["req"], found[0] | {"agreement": "00" * 32, "texts": self.texts,
                                           "differences": self.differences})
        else:
            k.answer(f["req"], problem(404, "no-line"), 404, "application/problem+json")

    def Q_LINE_DO(self, k, f):
        k.answer(f["req"], {"peer": f["peer"], "line": f["line"] or "liaison", "act": "x",
                            "seq": 8}, 201)

    def Q_SERVICE(self, k, f):
        k.answer(f["req"], {"said": True})

    def Q_METRICS(self, k, f):
        k.answer(f["req"], "ringdown_x 1\n", 200, "text/plain; version=0.0.4; charset=utf-8")

    def Q_CARD(self, k, f):
        k.answer(f["req"], "ringdown-card/v1\n", 200, "text/plain")

    def Q_PAIR(self, k, f):
        k.answer(f["req"], {"peer": "north.example", "words": " ".join(
            "w%d" % i for i in range(12))}, 201)

    def done(self, k, f):
        k.answer(f["req"], {"peer": f["peer"], "state": "live"})
    Q_CONFIRM = Q_REVOKE = Q_VOUCH = done

    def submit(self, k, f):
        k.answer(f["req"], {"seq": 7, "again": f["id"] == "again",
                            "state": ["stored", "acked", "held"][f["wait"]]}, 201)
    Q_SUBMIT = Q_SUBMIT_FD = submit

    def Q_BULK(self, k, f):
        k.answer(f["req"], {"first": 1, "last": f["count"]})

    def Q_ITEMS(self, k, f):
        box = [i for i in self.items.get(f["box"], []) if i["seq"] > f["after"]]
        more = len(box) > f["limit"]
        box = box[:f["limit"]]
        k.answer(f["req"], {"items": box, "next": box[-1]["seq"] if more else None})

    def Q_SHOW(self, k, f):
        k.answer(f["req"], [i for i in self.items[f["box"]] if i["seq"] == f["seq"]][0])

    def file(self, k, f, media, octets):
        fd = os.memfd_create("x")
        os.write(fd, octets)
        k.send("ANSWER_FD", fd, req=f["req"], http=200, media=media, offset=0, bytes=len(octets))
        os.close(fd)

    def Q_BODY(self, k, f):
        self.file(k, f, "text/plain", self.bodies[f["seq"]])

    def Q_EXPORT(self, k, f):
        self.file(k, f, "application/vnd.ringdown.bundle", self.bundle)

    def Q_RECORD(self, k, f):
        part = self.entries[f["from"]:f["from"] + f["limit"]]
        end = f["from"] + len(part)
        k.answer(f["req"], {"entries": part, "unplaced": [],
                            "next": end if end < len(self.entries) else None})

    def Q_ENTRY(self, k, f):
        k.answer(f["req"], "ringdown-entry/v1\nlog x\n\n", 200, "text/plain; charset=utf-8")

    def Q_CANCEL(self, k, f):
        pass


class Here:
    def __init__(self, console, directory):
        self.console, self.dir, self.world = console, directory, None

    def run(self, *args, code=0, put=b"", lang="C", env=None, where=True):
        more = {"RINGDOWN_SOCKET": self.console.path} if where else {}
        p = subprocess.run([BIN / "ringdown", *args], input=put, capture_output=True, timeout=60,
                           cwd=self.dir, env=os.environ | {"LC_ALL": lang} | more | (env or {}))
        assert p.returncode == code, (args, p.returncode, p.stdout, p.stderr)
        return p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")

    def terminal(self, *args, seconds=10, until=None, put=b"", stop=b"", code=0):
        """On a pseudo terminal: what it wrote"""
        pid, fd = pty.fork()
        if not pid:
            os.chdir(self.dir)
            os.environ.update(RINGDOWN_SOCKET=self.console.path, LC_ALL="C", TERM="xterm")
            os.execv(BIN / "ringdown", ["ringdown", *args])
        out, deadline, told = b"", time.monotonic() + seconds, False
        os.write(fd, put)
        while time.monotonic() < deadline:
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    piece = os.read(fd, 65536)
                except OSError:
                    break
                if not piece:
                    break
                out += piece
            if until and until in out and not told:
                told = True
                os.write(fd, stop)
        _, st = os.waitpid(pid, 0)
        os.close(fd)
        assert os.waitstatus_to_exitcode(st) == code, (out, st)
        assert not until or told, out
        return out.decode(errors="replace")

    def file(self, name, octets):
        (self.dir / name).write_bytes(octets if isinstance(octets, bytes) else octets.encode())
        return name


# ---- no exchange needed ----

@test
def usage_and_version(h):
    for args in ([], ["nothing"], ["inbox"], ["inbox", "a", "b"], ["--what"], ["pair", "add"],
                 ["pair", "nothing"], ["show", "a", "up", "1"], ["show", "a", "in", "x"],
                 ["inbox", "a", "-n", "0"], ["inbox", "a", "-n", "x"], ["record", "list"],
                 ["record", "what", "x"], ["init", "No Name"], ["init", "a", "--dir", "b"]):
        out, err = h.run(*args, code=64)
        assert err.startswith("ringdown: ") and not out, (args, err)
    assert re.match(r"ringdown \d", h.run("version")[0])
    assert json.loads(h.run("version", "--json")[0])["version"]
    assert h.run("--version")[0] == h.run("version")[0]
    out, _ = h.run("help")
    assert "record export PEER DIR" in out and "receipt" in out
    assert "수령증" in h.run("help", lang="ko_KR.UTF-8")[0]
    assert "수령증" not in h.run("help", lang="kok_IN")[0]


@test
def init_and_check_config(h):
    base = h.dir / "exchange"
    conf = str(base / "ringdown.conf")
    base.mkdir()
    out, _ = h.run("init", "-c", conf, "--dir", str(base), "south.example")
    assert conf in out and (base / "keys/log.key").exists()
    assert (base / "keys").stat().st_mode & 0o777 == 0o700
    assert "name south.example" in (base / "ringdown.conf").read_text()
    assert "in order" in h.run("check-config", "-c", conf)[0]
    said = json.loads(h.run("check-config", "--json", "-c", conf)[0])
    assert said == {"name": "south.example", "socket": str(base / "api.sock")}
    before = (base / "ringdown.conf").read_text()
    _, err = h.run("init", "-c", conf, "--dir", str(base), "south.example", code=1)
    assert "left alone" in err and (base / "ringdown.conf").read_text() == before
    # keys that are there are never touched, and no configuration is left
    other = str(base / "other.conf")
    h.run("init", "-c", other, "--dir", str(base), "south.example", code=74)
    assert not os.path.exists(other)
    h.file("bad.conf", "name x\nwhat 1\n")
    _, err = h.run("check-config", "-c", "bad.conf", code=1)
    assert "bad.conf:2" in err, err
    # the socket named by a configuration
    _, err = h.run("status", "-c", conf, code=2)
    assert str(base / "api.sock") in err and "ringdownd" in err


@test
def exchange_that_is_not_there(h):
    _, err = h.run("status", "--socket", str(h.dir / "none"), code=2)
    assert "none" in err
    h.console.keeper.die()
    _, err = h.run("status", code=2)
    assert "keeper" in err and "503" in err
    h.console.keeper_new(h.world)


# ---- looking ----

@test
def status_in_words(h):
    h.world.pairs = [pair(), pair(peer="b.example", trunk="down", verdict="exposed",
                                  verdict_why="feed.b\x1b[2J\u202eevil", state="waiting",
                                  why="w", words="a b c", last_proof=None, offset_ms=None,
                                  since=None, unacknowledged=0, paths=[])]
    out, _ = h.run("status")
    for want in ("north.example  ● up  since 2026-01-01 00:00:00Z", "3 wait for their signature",
                 "b.example  ○ down", "EXPOSED", "never", "all signed by them", "words not",
                 "192.0.2.1:7411  12.3 ms ±0.8", "their clock -12 ms", "2 more announced",
                 "signed by both up to 2177"):
        assert want in out or want == "words not", (want, out)
    assert "\x1b" not in out and "\u202e" not in out and "\\u{1b}[2J\\u{202e}evil" in out, out
    assert all(len(x) <= 80 for x in out.split("\n")), [x for x in out.split("\n") if len(x) > 80]
    out, _ = h.run("status", lang="ko_KR.UTF-8")
    assert "● 연결됨" in out and "3건 상대 서명 대기" in out, out
    lines = {"lines": [], "states": {}, "total": 0, "left_out": 0}
    assert json.loads(h.run("status", "--json")[0]) == status(*h.world.pairs) | {"lines": lines}
    out, _ = h.run("pair", "list")
    assert "north.example" in out and "words not confirmed" in out
    assert json.loads(h.run("pair", "list", "--json")[0]) == h.world.pairs
    h.world.pairs = []
    assert "No pairs yet" in h.run("status")[0]
    h.world.pairs = [pair()]


@test
def status_that_lives(h):
    def later():
        time.sleep(1.0)
        h.world.pairs = [pair(trunk="down")]
        h.console.keeper.send("NEWS", peer="north.example", joint=0, own=0, other=0, what="line")
    import threading
    threading.Thread(target=later).start()
    start = time.monotonic()
    out = h.terminal("status", "-w", until="○ ".encode(), stop=b"\x03")
    assert time.monotonic() - start < 6, "the change did not come by itself"
    assert "● " in out and out.index("● ") < out.index("○ ")
    assert out.startswith("\x1b[?1049h") and out.rstrip().endswith("\x1b[?1049l"), out
    # the keeper goes: said on the screen, and all is well again after
    h.world.pairs = [pair()]
    h.console.keeper.die()
    out = h.terminal("status", "-w", until=b"does not answer", stop=b"\x03")
    h.console.keeper_new(h.world)


# ---- lines ----

@test
def lines_in_words(h):
    w = h.world
    w.lines = [line(), line("calm", state="suspended-by-them", reason="no\x1bise", waiting=3,
                            until="2026-02-01T00:00:00.000Z", next_check=None),
               line("asked", state="proposed", version=None, proposals=[
                   {"from": "them", "by": "Ri", "version": 1, "agreement": "00" * 32}]),
               line("drilled", calls=[call(drill=True), call(seq=42), call(
                   seq=43, until="2026-01-01T00:10:00.000Z")], declined="too long",
                    begins="2027-01-01T00:00:00.000Z")]
    out, _ = h.run("status")
    for want in ("!! DRILL CHECK opening of line drilled: principal attend before 00:10Z "
                 "(09:10 north.example, 05:40 south.example)",
                 "ringdown check attend drilled 42 --peer north.example",
                 "opening was missed", "attend drilled 43", "liaison         ● open", "opening 01-02 09:30/06:00", "3 wait",
                 "calm            ◐ suspended-by-them", "no\\u{1b}ise", "until 2026-02-01 00:00Z",
                 "they propose version 1: ringdown line show asked",
                 "version 1 holds from 2027-01-01 00:00Z on", "was declined: too long",
                 " north.example +09:00  "):
        assert want in out, (want, out)
    assert "\x1b" not in out, out
    assert not [x for x in out.split("\n") if x != x.rstrip() and "seccomp" not in x], out
    out, _ = h.run("status", lang="ko_KR.UTF-8")
    assert "!! 훈련 점검 opening, 회선 drilled" in out and "상대가 중지함" in out, out
    out, _ = h.run("line", "list")
    assert "north.example\n" in out and "liaison" in out
    got = json.loads(h.run("status", "--json")[0])["lines"]
    assert [x["line"] for x in got["lines"]] == [x["line"] for x in w.lines]
    assert json.loads(h.run("line", "list", "--json", "--peer", "north.example")[0])["total"] == 4
    w.left_out = 9000
    assert "9000 more lines are not shown; of all 9004" in h.run("status")[0]
    # loud on a terminal: reversed, and a bell
    out = h.terminal("status", "-w", until=b"attend", stop=b"\x03")
    assert "\a" in out and "\x1b[7m!! DRILL" in out, out
    w.lines = [line()]
    out = h.terminal("status", "-w", until=b"liaison", stop=b"\x03")
    assert "\a" not in out
    w.lines = []
    assert "No lines yet" in h.run("line", "list")[0]


@test
def orders_to_lines(h):
    w = h.world
    w.lines = [line()]
    why = ("--reason", "눈 때문에")
    for words, want in (
            (("close",), {"act": 4, "declared": 1}),
            (("fault",), {"act": 4, "declared": 3}), (("open",), {"act": 4, "declared": 0}),
            (("suspend", "--until", "2026-12-01T09:00:00Z"), {
                "act": 4, "declared": 2, "until_ms": 1796115600000}),
            (("withdraw",), {"act": 3})):
        out, _ = h.run("line", words[0], "liaison", *words[1:], *why, "--as", "kim")
        f, _ = w.last("Q_LINE_DO")
        for k, v in (want | {"by": "kim", "reason": why[1], "line": "liaison"}).items():
            assert f[k] == v, (words, k, f)
        assert "liaison" in out and "entry 8" in out, out
    assert h.run("line", "open", "liaison") and w.last("Q_LINE_DO")[0]["reason"]
    for words in (("close", "liaison"), ("withdraw", "liaison"), ("decline", "liaison"),
                  ("close", "liaison", "--until", "2026-12-01T09:00:00Z", *why),
                  ("suspend", "liaison", "--until", "tomorrow", *why), ("shut", "liaison"),
                  ("show",), ("text", "liaison", "x"), ("show", "liaison", "--peer", "A/b")):
        h.run("line", *words, code=64)
    # checks
    h.run("check", "run", "liaison", "--drill")
    assert w.last("Q_LINE_DO")[0]["act"] == 5 and w.last("Q_LINE_DO")[0]["drill"] == 1
    h.run("check", "attend", "liaison", code=1)
    w.lines = [line(calls=[call()])]
    h.run("check", "attend", "liaison", "--as", "kim")
    f, _ = w.last("Q_LINE_DO")
    assert (f["act"], f["seq"], f["refused"], f["by"]) == (6, 41, 0, "kim"), f
    w.lines = [line(calls=[call(), call(seq=42)])]
    _, err = h.run("check", "attend", "liaison", code=1)
    assert "attend liaison 42" in err, err
    h.run("check", "attend", "liaison", "42", "--refuse", *why)
    f, _ = w.last("Q_LINE_DO")
    assert (f["seq"], f["refused"], f["reason"]) == (42, 1, why[1]), f
    h.run("check", "attend", "liaison", "42", "--refuse", code=64)
    h.run("check", "attend", "liaison", "x", code=64)
    # which of two peers?
    w.pairs = [pair(), pair(peer="b.example")]
    _, err = h.run("check", "run", "liaison", code=64)
    assert "--peer" in err
    h.run("check", "run", "liaison", "--peer", "b.example")
    assert w.last("Q_LINE_DO")[0]["peer"] == "b.example"
    h.run("service", "say", "펌프", "7", "--peer", "b.example", "--as", "kim")
    f, _ = w.last("Q_SERVICE")
    assert (f["peer"], f["by"], f["text"]) == ("b.example", "kim", "펌프 7"), f
    h.run("service", "say", "x" * 1001, "--peer", "b.example", code=64)
    assert h.run("metrics")[0] == "ringdown_x 1\n"
    h.file("note", "x\n")
    h.run("send", "b.example", "note", "--line", "liaison")
    assert w.last("Q_SUBMIT")[0]["line"] == "liaison"
    w.refuse = (404, "no-line")
    assert "404" in h.run("line", "close", "nothing", "--peer", "b.example", *why, code=1)[1]
    w.refuse = None


AGREEMENT = """ringdown-agreement/v1
line liaison
version 1
replaces none
sides north.example south.example
from 2026-12-01T00:00:00Z
purpose Liaison
language ko
medium notice
recording none
restoration machine
zone north.example Asia/Pyongyang
zone south.example Asia/Seoul
"""


@test
def agreements(h):
    w = h.world
    h.file("agr", AGREEMENT)
    out, _ = h.run("line", "propose", "agr")
    f, _ = w.last("Q_LINE_DO")
    assert f["act"] == 0 and f["peer"] == "north.example" and f["text"].decode() == (
        AGREEMENT.replace("zone south", "offset north.example 2026-12-01T00:00:00Z +09:00\n"
                          "zone south") +
        "offset south.example 2026-12-01T00:00:00Z +09:00\n"), f["text"].decode()
    assert "+ purpose: Liaison" in out and "Version 1" in out, out
    w.said.clear()
    # wrong: the file's own line, though offsets stand before it by then
    h.file("bad", AGREEMENT + "hours mon-fri 09:00-08:00 south.example\n")
    _, err = h.run("line", "propose", "bad", code=1)
    assert "bad:14: expected" in err and "nothing was sent" in err, err
    h.file("zone", AGREEMENT.replace("Asia/Seoul", "Asia/Nowhere"))
    assert "zone: " in h.run("line", "propose", "zone", code=1)[1]
    h.file("other", AGREEMENT.replace("south.example", "weast.example"))
    assert "none of the sides" in h.run("line", "propose", "other", code=1)[1]
    h.file("long", AGREEMENT + "x" * 40000)
    h.run("line", "propose", "long", code=1)
    h.run("line", "propose", "no-such-file", code=74)
    assert "Q_LINE_DO" not in [n for n, _, _ in w.said]
    # accept: the hash is of what was shown, whatever the exchange calls it
    w.lines = [line(proposals=[{"from": "them", "by": "Ri", "version": 1,
                                "agreement": "ff" * 32}])]
    _, err = h.run("line", "accept", "liaison", code=1)
    assert "proposes nothing" in err
    w.texts, w.differences = {"theirs": "evil\x1b[2J\n"}, {"theirs": "+ all\x1b[2J\n"}
    out, err = h.run("line", "accept", "liaison", code=1)
    assert "\x1b" not in out and "evil\\u{1b}[2J" in out and "--yes" in err, out
    assert "Q_LINE_DO" not in [n for n, _, _ in w.said]
    h.run("line", "accept", "liaison", "--yes", "--as", "kim")
    f, _ = w.last("Q_LINE_DO")
    assert f["act"] == 1 and f["hash"] == hashlib.sha256(b"evil\x1b[2J\n").digest(), f
    w.said.clear()
    out = h.terminal("line", "accept", "liaison", until=b"yes:", stop=b"no\n", code=1)
    assert "Nothing was signed" in out and "Q_LINE_DO" not in [n for n, _, _ in w.said]
    h.terminal("line", "accept", "liaison", until=b"yes:", stop=b"yes\n")
    assert w.last("Q_LINE_DO")[0]["act"] == 1
    h.run("line", "decline", "liaison", "--reason", "why not")
    f, _ = w.last("Q_LINE_DO")
    assert f["act"] == 2 and f["reason"] == "why not"
    out, _ = h.run("line", "show", "liaison")
    assert "What their proposal changes" in out and "\x1b" not in out
    assert h.run("line", "text", "liaison", "theirs")[0] == "evil\x1b[2J\n"
    h.run("line", "text", "liaison", code=1)


@test
def service_is_heard(h):
    p = subprocess.Popen([BIN / "ringdown", "service", "follow"], stdout=subprocess.PIPE,
                         env=os.environ | {"LC_ALL": "C", "RINGDOWN_SOCKET": h.console.path})
    got = b""
    while not got:      # until it listens
        h.console.keeper.send("NEWS", peer="north.example", what="service", who="Ri\x1b",
                              text="안녕\u202e")
        h.console.keeper.send("NEWS", peer="north.example", what="line up")
        if select.select([p.stdout], [], [], 0.2)[0]:
            got = p.stdout.readline()
    assert "north.example Ri\\u{1b}: 안녕\\u{202e}\n" in got.decode(), got
    p.terminate()
    p.wait(10)


# ---- pairing ----

@test
def pairing(h):
    assert h.run("pair", "card")[0] == "ringdown-card/v1\n"
    assert h.world.last("Q_CARD")[0]["by"]
    h.file("card", "the card\n")
    out, _ = h.run("pair", "add", "card", "--own-serial", "ab" * 16)
    assert "w0 " in out and "w11" in out and "pair confirm north.example" in out, out
    f, _ = h.world.last("Q_PAIR")
    assert f["card"] == "the card\n" and f["own_serial"] == "ab" * 16
    h.world.said.clear()
    h.run("pair", "add", "-", "--yes", put=b"x", env={"LC_ALL": "C"})
    assert [n for n, _, _ in h.world.said] == ["Q_PAIR", "Q_CONFIRM"]
    h.world.said.clear()
    out = h.terminal("pair", "add", "card", until=b"yes:", stop=b"yes\n")
    assert [n for n, _, _ in h.world.said] == ["Q_PAIR", "Q_CONFIRM"], out
    out = h.terminal("pair", "add", "card", until=b"yes:", stop=b"no\n", code=1)
    assert "Not confirmed" in out
    for act, name in (("confirm", "Q_CONFIRM"), ("revoke", "Q_REVOKE"), ("vouch", "Q_VOUCH")):
        h.run("pair", act, "north.example", "--as", "김 선생")
        f, _ = h.world.last(name)
        assert f["peer"] == "north.example" and f["by"] == "김 선생", f
        assert json.loads(h.run("pair", act, "north.example", "--json")[0])["state"] == "live"
    h.run("pair", "add", "no-such-file", code=74)
    h.file("long", b"x" * 5000)
    h.run("pair", "add", "long", code=74)


# ---- sending ----

@test
def sending_text(h):
    h.file("note", "첫 줄\n둘째 줄\n")
    out, _ = h.run("send", "north.example", "-s", "제목", "-p", "flash", "--id", "i.1", "--wait",
                   "held", "note", "--as", "lee")
    f, _ = h.world.last("Q_SUBMIT")
    assert (f["subject"], f["precedence"], f["id"], f["wait"], f["by"], f["kind"]) == (
        "제목", "flash", "i.1", 2, "lee", 2), f
    assert f["body"].decode() == "첫 줄\n둘째 줄\n"
    assert "number 7" in out and "held by them" in out
    # standard input, the subject out of the first line
    h.run("send", "north.example", put="\n  Valve 3 reopened  \nat noon\n".encode())
    f, _ = h.world.last("Q_SUBMIT")
    assert f["subject"] == "Valve 3 reopened" and f["precedence"] == "routine" and f["id"] == ""
    h.run("send", "north.example", "-", put=("긴" * 100 + "\n").encode())
    f, _ = h.world.last("Q_SUBMIT")
    assert f["subject"] == "긴" * 36, f["subject"]
    h.run("send", "north.example", "note")
    assert h.world.last("Q_SUBMIT")[0]["subject"] == "note"
    out, _ = h.run("send", "north.example", "--id", "again", "note")
    assert "before" in out
    assert json.loads(h.run("send", "north.example", "note", "--json")[0])["seq"] == 7
    h.run("send", "north.example", code=1)          # empty
    h.run("send", "north.example", "none", code=74)
    h.run("send", "north.example", ".", code=74)
    _, err = h.run("send", "north.example", "-s", "a\nb", "note", code=1)
    assert "subject" in err
    _, err = h.run("send", "north.example", "-s", b"\xff", "note", code=1)
    assert "UTF-8" in err


@test
def sending_documents(h):
    def sent(*args, **kw):
        h.run("send", "north.example", *args, **kw)
        name, f, body = h.world.said[-1]
        return f["kind"], f["name"], f["media"], body if name == "Q_SUBMIT_FD" else f["body"]
    h.file("a.pdf", PDF)
    assert sent("a.pdf") == (3, "a.pdf", "application/pdf", PDF)
    h.file("A.TIF", PDF)
    assert sent("A.TIF") == (3, "A.TIF", "image/tiff", PDF)
    h.file("text.pdf", "only text")
    assert sent("text.pdf") == (3, "text.pdf", "application/pdf", b"only text")
    h.file("binary", b"a\0b")
    assert sent("binary") == (3, "binary", "application/octet-stream", b"a\0b")
    assert sent("-", put=b"a\0b") == (3, "stdin", "application/octet-stream", b"a\0b")
    for n in (32736, 32737, 32738, 3 << 20):
        octets = (b"line\n" * (n // 5 + 1))[:n]
        h.file("big.txt", octets)
        kind, name, media, body = sent("big.txt")
        assert body == octets and kind == (2 if n <= 32736 else 3), n
        assert media == "text/plain"
        kind, name, media, body = sent("-", put=octets)
        assert body == octets and kind == (2 if n <= 32736 else 3), n
    h.file("b.txt", "short")
    assert sent("b.txt", "--document", "--media", "text/x", "--name", "n.x") == (
        3, "n.x", "text/x", b"short")
    assert sent("b.txt")[0] == 2
    # a bar when somebody watches
    h.file("big.bin", b"\0" * (24 << 20))
    out = h.terminal("send", "north.example", "big.bin", seconds=30)
    assert "100%" in out and "[####" in out, out
    h.world.refuse = (507, "no-room")
    _, err = h.run("send", "north.example", "big.txt", code=1)
    assert "Title of no-room (507): Detail.\\u{1b}[31m" in err, err
    h.world.refuse = None


@test
def sending_very_many(h):
    line = b'{"subject":"a","text":"b"}\n'
    h.file("many.ndjson", line * 50000)
    out, _ = h.run("send", "north.example", "--bulk", "many.ndjson", "--wait", "acked")
    assert "Sent 50000 notices" in out, out
    assert sum(f["count"] for n, f, _ in h.world.said if n == "Q_BULK") == 50000
    assert h.world.last("Q_BULK")[0]["wait"] == 1
    out, _ = h.run("send", "north.example", "--bulk", "-", "--json", put=line * 3)
    assert json.loads(out)["count"] == 3
    h.file("bad.ndjson", line * 9 + b"{}\n" + line * 9)
    _, err = h.run("send", "north.example", "--bulk", "bad.ndjson", code=1)
    assert "Line 10" in err and "up to line" in err, err
    h.run("send", "north.example", "x", "--bulk", "many.ndjson", code=64)


# ---- reading ----

@test
def boxes(h):
    h.world.items[0] = [item(i) for i in range(3, 1000, 3)]
    h.world.items[1] = [item(5, kind="document", name="p\u202e.pdf", precedence="flash",
                             subject="긴 제목 " * 30, states=["stored", "acked", "opened"])]
    h.world.pairs = [pair(other={"size": 1001, "cosigned": 0, "announced": 0})]
    out, _ = h.run("inbox", "north.example")
    lines = out.strip().split("\n")
    assert len(lines) == 20 and lines[-1].split()[0] == "999", out
    assert lines[0].split()[0] == str(999 - 57)
    assert len(h.run("inbox", "north.example", "-n", "300")[0].strip().split("\n")) == 300
    out, _ = h.run("inbox", "north.example", "--after", "5", "-n", "2")
    assert [x.split()[0] for x in out.strip().split("\n")] == ["6", "9"]
    got = json.loads(h.run("inbox", "north.example", "-n", "2", "--json")[0])
    assert [i["seq"] for i in got["items"]] == [996, 999]
    out, _ = h.run("outbox", "north.example")
    assert "\u202e" not in out and "!flash" in out and "opened" in out and "…" in out, out
    assert "!초긴급" in h.run("outbox", "north.example", lang="ko_KR.UTF-8")[0]
    h.world.items[1] = []
    assert "Nothing yet" in h.run("outbox", "north.example")[0]
    h.world.pairs = [pair()]


@test
def showing(h):
    evil = "line 1\n\x1b]0;title\x07\u202etext\r\n끝".encode()
    h.world.items[0] = [item(3, subject="s\x9bx"), item(4, kind="document", name="a.pdf",
                                                       media="application/pdf")]
    h.world.items[1] = [item(3)]
    h.world.bodies = {3: evil, 4: PDF}
    out, _ = h.run("show", "north.example", "in", "3")
    assert out.encode() == evil                 # to a pipe: as it is
    assert h.world.last("Q_BODY")[0]["open"] == 1
    h.run("show", "north.example", "in", "3", "--peek")
    assert h.world.last("Q_BODY")[0]["open"] == 0
    h.run("show", "north.example", "out", "3")
    assert h.world.last("Q_BODY")[0]["open"] == 0
    out = h.terminal("show", "north.example", "in", "3")
    assert "\x1b" not in out and "\\u{1b}]0;title\\u{7}\\u{202e}text" in out and "끝" in out, out
    assert "\\u{9b}x" in out
    h.world.said.clear()
    out = h.terminal("show", "north.example", "in", "4", code=1)
    assert "-o FILE" in out and not [n for n, _, _ in h.world.said if n == "Q_BODY"]
    h.run("show", "north.example", "in", "4", "-o", "out.pdf")
    assert (h.dir / "out.pdf").read_bytes() == PDF
    h.world.said.clear()
    h.run("show", "north.example", "in", "4", "-o", "out.pdf", code=74)
    assert not [n for n, _, _ in h.world.said if n == "Q_BODY"], "opened, then not written"
    assert json.loads(h.run("show", "north.example", "in", "4", "--json")[0])["name"] == "a.pdf"
    h.world.refuse = (404, "no-item")
    _, err = h.run("show", "north.example", "in", "9", "-o", "new", code=1)
    assert "no-item (404)" in err and not (h.dir / "new").exists()
    _, err = h.run("show", "north.example", "in", "9", "--json", code=1)
    assert json.loads(err)["status"] == 404
    h.world.refuse = None


# ---- the record ----

def entry(i):
    return {"joint": i, "side": "own" if i % 2 else "peer", "seq": i // 2, "type": "notice",
            "time": "2026-01-02T03:04:05.678Z", "seen": 0, "understood": i != 2,
            "fields": [["id", "x"], ["by", "kim"], ["subject", "n%d\x1b" % i]]}


@test
def record(h):
    h.world.entries = [entry(i) for i in range(1200)]
    lines = h.run("record", "list", "north.example")[0].strip().split("\n")
    assert len(lines) == 1200 and "\\u{1b}" in lines[0] and "not understood" in lines[2]
    assert lines[7].split()[:3] == ["7", "we", "3"], lines[7]
    lines = h.run("record", "list", "north.example", "--from", "500", "-n", "600")[0].split("\n")
    assert len(lines) == 601 and lines[599].split()[0] == "1099"
    lines = h.run("record", "list", "north.example", "--json", "-n", "3")[0].strip().split("\n")
    assert [json.loads(x)["joint"] for x in lines] == [0, 1, 2]
    out, _ = h.run("record", "entry", "north.example", "in", "0")
    assert out == "ringdown-entry/v1\nlog x\n\n"
    h.world.pairs = [pair(joint={"size": 1200, "root": "", "signed": 0})]
    p = subprocess.Popen([BIN / "ringdown", "record", "follow", "north.example", "-n", "2"],
                         stdout=subprocess.PIPE, env=os.environ | {
                             "LC_ALL": "C", "RINGDOWN_SOCKET": h.console.path})
    assert [p.stdout.readline().split()[0] for _ in range(2)] == [b"1198", b"1199"]
    for i in range(1200, 1203):
        h.world.entries.append(entry(i))
        h.console.keeper.send("NEWS", peer="north.example", joint=i, own=0, other=0, what="record")
        assert p.stdout.readline().split()[0] == b"%d" % i
    p.terminate()
    assert p.wait(10) == 0
    h.world.pairs = [pair()]


def bundle(*files, end=True):
    out = b""
    for name, octets in files:
        name = name.encode()
        out += struct.pack(">H", len(name)) + name + struct.pack(">Q", len(octets)) + octets
    return out + (b"\0\0" if end else b"")


GOOD = [("dossier", b"d"), ("card.a.example", b"c"), ("feed.a.example", b"f" * 300000),
        ("feed.a.example.checkpoint", b"n"), ("feed.a.example.cosigned", b""),
        ("feed.a.example.idle", b"i"), ("joint.checkpoint", b"j"),
        ("blob/" + "0a" * 32, b"b" * 70000), ("blob/" + "0b" * 32, b""),
        ("proof/1.fork", b"p"), ("proof/2.envelope", b"e"), ("proof/3.cosignature", b"c"),
        ("proof/4.joint", b"j")]


@test
def export(h):
    h.world.bundle = bundle(*GOOD)
    out, _ = h.run("record", "export", "north.example", "dossier")
    assert "13 files" in out
    made = {str(p.relative_to(h.dir / "dossier")): p.read_bytes()
            for p in (h.dir / "dossier").rglob("*") if p.is_file()}
    assert made == dict(GOOD), made.keys()
    assert h.world.last("Q_EXPORT")[0]["bodies"] == 1
    out, _ = h.run("record", "export", "north.example", "d2", "--no-bodies", "--json")
    assert json.loads(out)["files"] == 13 and h.world.last("Q_EXPORT")[0]["bodies"] == 0
    _, err = h.run("record", "export", "north.example", "dossier", code=74)
    assert "left alone" in err
    bad = ["../x", "/etc/x", "blob", "blob/../x", "blob/" + "0A" * 32, "proof/x.fork", "proof/1.hidden",
           "proof/01.fork", "proof/1234567890.fork", "card.", "card.A", "feed.", "x",
           "dossier\0", "dossier/x", ".", "joint.checkpoint.x", "d" * 201, "feed.a/../../x"]
    for name in bad:
        h.world.bundle = bundle(GOOD[0], (name, b"x"))
        _, err = h.run("record", "export", "north.example", "bad", code=74)
        assert not (h.dir / "bad").exists(), name
        subprocess.run(["rm", "-r", h.dir / "bad.partial"], check=True)
    assert not (h.dir / "x").exists()
    for octets in (bundle(GOOD[0], GOOD[0]), bundle(GOOD[0], end=False), bundle(*GOOD)[:-70010],
                   bundle(GOOD[0]) + b"x", b"\0"):
        h.world.bundle = octets
        h.run("record", "export", "north.example", "bad", code=74)
        assert not (h.dir / "bad").exists()
        subprocess.run(["rm", "-r", h.dir / "bad.partial"], stderr=subprocess.DEVNULL)
    h.world.refuse = (404, "no-pair")
    h.run("record", "export", "north.example", "bad", code=1)
    assert not (h.dir / "bad.partial").exists()
    h.world.refuse = None


@test
def verify_runs_the_verifier(h):
    if not (BIN / "ringdown-verify").exists():
        return
    (h.dir / "empty").mkdir()
    p = subprocess.run([BIN / "ringdown", "verify", h.dir / "empty"], capture_output=True)
    assert p.returncode == 3 and b"invalid" in p.stdout + p.stderr, p


# ---- the catalogue ----

def strings(text):
    return re.sub(r'"\s*"', "", text)


@test
def catalogue_is_whole(h):
    literal = r'((?:"(?:\\.|[^"\\])*"\s*)+)'
    words = dict(re.findall(r"WORDS\(%s,\s*%s\)" % (literal, literal),
                            (ROOT / "src/cmd/cli_words.def").read_text()))
    words = {strings(k).strip(): strings(v).strip() for k, v in words.items()}
    conversion = re.compile(r"%(?:(\d+)\$)?([-+.0-9]*[a-z]+|%)")
    assert len(words) > 100
    for en, ko in words.items():
        a = [c[1] for c in conversion.findall(en)]
        b = conversion.findall(ko)
        if any(c[0] for c in b):
            b = [c[1] for c in sorted(b, key=lambda c: int(c[0]))]
        else:
            b = [c[1] for c in b]
        assert [x.rstrip("dusl") for x in a] == [x.rstrip("dusl") for x in b] and len(a) == len(
            b), (en, ko)
        assert en.endswith("\\n\"") == ko.endswith("\\n\""), en
    missing = []
    for f in (ROOT / "src/cmd").glob("*.c"):
        text = f.read_text()
        if f.name.startswith("cli") or f.name == "ringdown.c":
            missing += [strings(m).strip() for m in re.findall(r"\btr\(\s*" + literal, text)
                        if strings(m).strip() not in words]
    assert not missing, missing


def main():
    names = sys.argv[1:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        h = Here(Console(pathlib.Path(directory)), None)
        for t in TESTS:
            if names and t.__name__ not in names:
                continue
            h.dir = pathlib.Path(directory) / t.__name__
            h.dir.mkdir()
            h.world = World()
            h.console.keeper.handler = h.world
            start = time.monotonic()
            try:
                t(h)
                passed += 1
                print("ok   %s (%.1f s)" % (t.__name__, time.monotonic() - start), flush=True)
            except Exception:
                failed += 1
                print("FAIL " + t.__name__)
                traceback.print_exc(file=sys.stdout)
                h.console.keeper_new(h.world)
        failed += h.console.stop() != 0
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
