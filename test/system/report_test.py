#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Statements, statistics and history from dossiers, as an auditor makes them.

usage: report_test.py [NAME ...]     BIN says where the programs are
"""
import csv
import hashlib
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import traceback
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BIN", ROOT / "build/gcc")).resolve()
sys.path.insert(0, str(ROOT / "test/verify"))
sys.dont_write_bytecode = True
import api_cli_test as scripted  # noqa: E402
from api_lib import Console  # noqa: E402
from make_corpus import World, ts  # noqa: E402

DAY, HOUR, MINUTE = 86400000, 3600000, 60000
FIRST = 20788 * DAY             # 2026-12-01, a Tuesday
NORTH, SOUTH = "north.example", "south.example"
TEXT = """ringdown-agreement/v1
line liaison
version 1
replaces none
sides north.example south.example
from 2026-11-01T00:00:00Z
purpose Liaison
language ko
medium notice
recording none
restoration machine
zone north.example Asia/Pyongyang
offset north.example 2026-11-01T00:00:00Z +08:30
zone south.example Asia/Seoul
offset south.example 2026-11-01T00:00:00Z +09:00
check opening mon-fri 09:00 south.example by south.example grace 600 role principal
"""
TESTS = []


def test(f):
    TESTS.append(f)
    return f


def weekdays(n):
    """The first instants of n working days from FIRST on."""
    day = FIRST
    while n:
        if (day // DAY + 3) % 7 < 5:
            yield day
            n -= 1
        day += DAY


def story(pivot, reason="storm"):
    """Forty working days: each fifth check is missed; a cut; a declaration."""
    w = World(pivot)
    w.now = FIRST - 3 * DAY
    w.open()
    s, n = (w.p, w.q) if w.p.host == SOUTH else (w.q, w.p)
    w.put(n, "propose", [("line", "liaison"), ("version", "1"), ("by", "Pak")], TEXT)
    w.deliver()
    text = TEXT.encode()
    w.put(s, "accept", [("line", "liaison"), ("version", "1"), ("agreement",
          f"sha256:{hashlib.sha256(text).hexdigest()} {len(text)}"), ("by", "Kim")])
    w.deliver()
    for i, day in enumerate(weekdays(40)):
        what = [("line", "liaison"), ("check", "opening"), ("due", ts(day))]
        w.now = day
        seq = w.put(s, "check", what + [("kind", "scheduled")])
        w.deliver()
        missed = i % 5 > 2
        if not missed:
            w.put(n, "attend", [("of", str(seq))] + what + [("state", "present"),
                                                            ("by", "Pak Chol")])
            w.deliver()
        w.now = day + 11 * MINUTE
        how = [("outcome", "unattended"), ("of", str(seq))] if missed else \
            [("outcome", "answered"), ("of", str(seq)), ("after-ms", str(1000 + i)),
             ("by", "Pak Chol")]
        w.put(s, "result", what + [("kind", "scheduled")] + how)
        w.deliver()
    w.now = FIRST + 60 * DAY
    w.put(s, "line", [("state", "down")])
    w.put(n, "line", [("state", "down")])
    w.put(s, "waiting", [("line", "liaison"), ("id", "a"),
                         ("blob", f"sha256:{'0' * 64} 40 text/plain")])
    w.put(n, "declare", [("line", "liaison"), ("state", "fault"), ("by", "Pak"),
                         ("reason", reason)])
    w.deliver()
    w.put(w.p, "ack")           # the pivot places what the other wrote
    w.deliver()
    w.tick()
    w.sign_all()
    # and one that is not placed: South is, or is not, the pivot
    w.now += HOUR
    w.put(w.q, "declare", [("line", "liaison"), ("state", "suspended"), ("by", "x"),
                           ("reason", "not placed")])
    w.cosigned, w.idle, w.joint = {}, {}, None
    return w


def write(w, top, side=None, change=None):
    if side:
        w.side = w.p if w.p.host == side else w.q
    files = w.files()
    if change:
        change(files)
    for name, octets in files.items():
        path = pathlib.Path(top, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    return top


def run(*args, code=0, lang="C.UTF-8"):
    env = {"PATH": os.environ["PATH"], "LC_ALL": lang}
    r = subprocess.run([BIN / "ringdown", *args], capture_output=True, env=env, timeout=60)
    assert r.returncode == code, (args, r.returncode, r.stdout, r.stderr)
    return r.stdout.decode() if not code else r.stderr.decode()


def lines(text):
    return text.split("\n")


MISSED = ("The 09:00 (00:00 UTC) opening check on line liaison was not answered; the "
          "exchange of the other side could be reached")


@test
def statements(tmp):
    for pivot in NORTH, SOUTH:
        d = write(story(pivot), f"{tmp}/{pivot}", SOUTH)
        r = subprocess.run([BIN / "ringdown-verify", d], capture_output=True, text=True)
        assert r.stdout.splitlines()[-1:] == ["verdict: trusted"] or \
            "verdict: trusted" in r.stdout, r
        out = lines(run("statement", "--dossier", d, "--day", "2026-12-01"))
        assert ("The 09:00 (00:00 UTC) opening check on line liaison was answered by the "
                "other side after 1 s (Pak Chol).") in out, out
        assert MISSED + "." in lines(run("statement", "--dossier", d, "--day", "2026-12-04"))
        out = run("statement", "--dossier", d, "--day", "2026-12-07", "--line", "liaison")
        assert MISSED + "; second working day in a row." in lines(out), out
        out = run("statement", "--dossier", d, "--day", "2026-12-07", "--lang", "ko")
        assert ("회선 liaison의 09:00(UTC 00:00) 개시 점검에 상대 측이 응답하지 않았습니다. "
                "상대 측 교환국과는 연결되어 있었습니다. 근무일 기준 2일 연속입니다.") in lines(out)
        assert out == run("statement", "--dossier", d, "--day", "2026-12-07",
                          lang="ko_KR.UTF-8")
        # the other side's clock and words
        out = lines(run("statement", "--dossier", d, "--day", "2026-12-07", "--side", NORTH))
        assert ("The 08:30 (00:00 UTC) opening check of the other side on line liaison was not "
                "answered; the exchange of this side could be reached; second working day in a "
                "row.") in out, out
        # without a day: that of the last entry
        out = run("statement", "--dossier", d)
        assert "Saturday, 30 January 2027" in out, out
        assert "reason: storm.\n" in out, out
        assert "reason: not placed. It is not in the joint record yet.\n" in out, out
        assert "Not in the joint record yet: " in out, out


@test
def the_same_from_both_sides(tmp):
    """Whoever exported it, the same record says the same."""
    for pivot in NORTH, SOUTH:
        w = story(pivot)
        a = write(w, f"{tmp}/{pivot}-a", SOUTH)
        b = write(w, f"{tmp}/{pivot}-b", NORTH)
        for args in (["statement", "--day", "2027-01-30"], ["check", "stats"],
                     ["line", "history", "liaison"]):
            one, two = (run(*args, "--dossier", d, "--side", SOUTH) for d in (a, b))
            assert one == two, (one, two)


@test
def statistics(tmp):
    d = write(story(SOUTH), f"{tmp}/d", SOUTH)
    table = list(csv.DictReader(io.StringIO(run("check", "stats", "--dossier", d, "--csv"),
                                            newline="")))
    assert [r["month"] for r in table] == ["2026-12", "2027-01"], table
    assert [int(r["asked"]) for r in table] == [23, 17], table
    assert sum(int(r["answered"]) for r in table) == 24, table
    assert sum(int(r["unattended"]) for r in table) == 16, table
    assert table[0]["answer_rate_percent"] == "65.2", table     # 15 of 23
    raw = subprocess.run([BIN / "ringdown", "check", "stats", "--dossier", d, "--csv"],
                         capture_output=True).stdout
    assert raw.count(b"\r\n") == raw.count(b"\n") == 3, raw
    rows = json.loads(run("check", "stats", "--dossier", d, "--json"))
    assert rows["complete"] and rows["side"] == SOUTH
    assert [r["outcomes"]["unattended"] for r in rows["rows"]] == \
        [int(r["unattended"]) for r in table]
    assert [r["p50_ms"] for r in rows["rows"]] == [int(r["p50_ms"]) for r in table]
    out = run("check", "stats", "--dossier", d)
    assert "2026-12" in out and "65.2%" in out, out
    assert "No checks are recorded." in run("check", "stats", "--dossier", d, "--line", "none")


@test
def plot(tmp):
    d = write(story(SOUTH), f"{tmp}/d", SOUTH)
    for lang in "en", "ko":
        text = run("check", "stats", "--dossier", d, "--svg", "--lang", lang)
        r = subprocess.run(["xmllint", "--noout", "-"], input=text.encode(), capture_output=True) \
            if os.path.exists("/usr/bin/xmllint") else None
        assert not r or not r.returncode, r
        top = xml.fromstring(text.encode())
        ns = "{http://www.w3.org/2000/svg}"
        assert top.tag == ns + "svg" and top.find(ns + "title") is not None
        tags = {e.tag.removeprefix(ns) for e in top.iter()}
        assert tags == {"svg", "title", "rect", "text", "line", "polyline", "polygon"}, tags
        assert not [e for e in top.iter() for k in e.attrib if k.startswith("on") or "href" in k]
        words = "".join(e.text or "" for e in top.iter(ns + "text"))
        assert "2026-12" in words and "2027-01" in words and "liaison" in words, words
        width, height = int(top.get("width")), int(top.get("height"))
        for e in (e for e in top.iter() if e.get("points")):
            for xy in e.get("points").split():
                x, y = map(float, xy.split(","))
                assert 0 <= x <= width and 0 <= y <= height, xy


@test
def history(tmp):
    d = write(story(SOUTH), f"{tmp}/d", SOUTH)
    h = json.loads(run("line", "history", "liaison", "--dossier", d, "--json"))
    assert h["line"] == "liaison" and h["complete"]
    one, = h["hiatuses"]
    assert one["end"] is None and one["length_ms"] is None
    assert one["cause"] == "down" and one["word_of"] in ("side", "other")
    assert one["causes"]["other"] == ["down", "suspended", "fault"], one
    assert one["waited"] == {"side": 1, "other": 0}
    assert "goes on" in run("line", "history", "liaison", "--dossier", d)
    assert "knows no line none" in run("line", "history", "none", "--dossier", d, code=1)


@test
def the_words_of_others(tmp):
    """What would move, hide or reorder text is shown, not obeyed."""
    d = write(story(SOUTH, reason="a\u202eb\u200bc"), f"{tmp}/d", SOUTH)
    out = run("statement", "--dossier", d)
    assert "a\\u{202e}b\\u{200b}c" in out, out
    text = json.loads(run("statement", "--dossier", d, "--json"))["text"]
    assert "a\u202eb\u200bc" in text, text


@test
def damage(tmp):
    """A dossier that is none gives no report, and no crash."""
    feed, card = f"feed.{SOUTH}", f"card.{NORTH}"
    cases = {
        "cut": lambda f: f.update({feed: f[feed][:-3]}),
        "zero": lambda f: f.update({feed: b"\0\0" + f[feed]}),
        "long": lambda f: f.update({feed: b"\xff\xff" + f[feed]}),
        "no-feed": lambda f: f.pop(feed),
        "no-card": lambda f: f.pop(card),
        "bad-card": lambda f: f.update({card: b"ringdown-card/v1\n"}),
        "big-card": lambda f: f.update({card: b"x" * 100000}),
        "no-side": lambda f: f.pop("dossier"),
        "other-side": lambda f: f.update({"dossier": b"ringdown-dossier/v1\nside x\n"}),
        "three": lambda f: f.update({"card.x": f[card], "feed.x": b""}),
        "cards": lambda f: (f.pop(feed), f.update(
            {"card.x": f[card].replace(b"name north.example", b"name x")})),
        "short": lambda f: f.update({f"feed.{NORTH}": f[f"feed.{NORTH}"][:2]}),
    }
    w = story(SOUTH)
    for name, change in cases.items():
        d = write(w, f"{tmp}/{name}", SOUTH, change)
        for args in (["statement"], ["check", "stats"], ["line", "history", "liaison"]):
            said = run(*args, "--dossier", d, code=74)
            assert d in said, (name, said)
    assert "No such file" in run("statement", "--dossier", f"{tmp}/nothing", code=74)
    # an incomplete other feed: what the pivot has seen is not there
    d = write(w, f"{tmp}/less", SOUTH, lambda f: f.update(
        {f"feed.{NORTH}": f[f"feed.{NORTH}"][:2 + int.from_bytes(f[f"feed.{NORTH}"][:2], "big")]}))
    assert "verify" in run("statement", "--dossier", d, code=74)
    os.mkfifo(f"{write(w, f'{tmp}/fifo', SOUTH)}/feed.z")
    run("statement", "--dossier", f"{tmp}/fifo", code=74)


@test
def strange_entries(tmp):
    """Entries of another pair are left out, and that is said."""
    w = story(SOUTH)
    w.put(w.q, "declare", [("line", "liaison"), ("state", "closed"), ("by", "x"),
                           ("reason", "y")], log="a.example/ringdown/b.example/0")
    d = write(w, f"{tmp}/d", SOUTH)
    r = subprocess.run([BIN / "ringdown", "statement", "--dossier", d], capture_output=True,
                       text=True, env={"LC_ALL": "C.UTF-8"})
    assert r.returncode == 0 and "1 entries are none of this pair" in r.stderr, r
    assert "closed" not in r.stdout, r.stdout


@test
def usage(tmp):
    d = write(story(SOUTH), f"{tmp}/d", SOUTH)
    for args in (["statement", "--day", "2026-13-01"], ["statement", "--lang", "fr"],
                 ["statement", "--line", "No"], ["statement", "--peer", "x"],
                 ["statement", "--side", "else.example"], ["check", "stats", "--csv", "--svg"],
                 ["check", "stats", "more"], ["line", "history"]):
        run(*args, "--dossier", d, code=64)


@test
def from_the_exchange(tmp):
    """The same words as from the dossier; a bundle that is none gives none."""
    w = story(SOUTH)
    d = write(w, f"{tmp}/d", SOUTH)
    files = list(w.files().items())
    os.chmod(tmp, 0o755)
    os.mkdir(f"{tmp}/run", 0o755)
    h = scripted.Here(Console(pathlib.Path(tmp, "run")), pathlib.Path(tmp))
    h.world = h.console.keeper.handler = scripted.World()
    h.world.bundle = scripted.bundle(*files)
    for args in (["statement", "--day", "2026-12-07"], ["check", "stats"],
                 ["line", "history", "liaison"]):
        want = run(*args, "--dossier", d)
        assert h.run(*args, lang="C.UTF-8")[0] == want, args        # the only pair
        assert h.run(*args, "--peer", NORTH, lang="C.UTF-8")[0] == want
        assert h.world.last("Q_EXPORT")[0]["bodies"] == 0
    whole = scripted.bundle(*files)
    name = struct.pack(">H", 7) + b"dossier"
    for octets in (b"", b"\0", whole[:-2], whole[:-40], whole + b"x", b"\xff\xff" + whole,
                   name + b"\xff" * 8, name + b"\0" * 7, scripted.bundle(*files, *files[:5]),
                   scripted.bundle(*files[1:])):
        h.world.bundle = octets
        out, err = h.run("statement", "--day", "2026-12-07", code=74)
        assert not out and err, octets[:20]
    h.world.pairs.append(h.world.pairs[0] | {"peer": "west.example"})
    assert "--peer" in h.run("statement", code=64)[1]
    h.world.refuse = (404, "no-pair")
    h.run("statement", "--peer", "x.example", code=1)


def main():
    passed = failed = 0
    for t in TESTS:
        if len(sys.argv) > 1 and t.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as tmp:
            try:
                t(tmp)
                passed += 1
            except Exception:
                failed += 1
                print(f"{t.__name__}:")
                traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
