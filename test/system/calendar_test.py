#!/usr/bin/python3
"""Checks, hours and offsets of agreements against another implementation.

The other one is Python's zoneinfo, which reads the same database: the offsets
that `ringdown line propose` fills in for ten years, due instants and hours must
be the same, to the second: for ten years where clocks were changed in all the
ways there are, for two in every zone there is.  BIN says where agreement_tool is.
"""
import datetime as dt
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zoneinfo

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("BIN", ROOT / "build/gcc")) / "test/system/agreement_tool"
UTC = dt.timezone.utc
DAYS = "mon tue wed thu fri sat sun".split()

# Changes of every kind within ten years of the instant
DENSE = [
    ("Asia/Seoul", "1987-01-01"), ("Asia/Seoul", "2026-12-01"),
    ("Asia/Pyongyang", "2015-01-01"), ("Asia/Pyongyang", "2018-05-04"),
    ("Europe/Berlin", "2020-02-29"), ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2019-06-01"), ("Africa/Casablanca", "2016-01-01"),
    ("Africa/Casablanca", "2026-12-01"), ("Asia/Tehran", "2015-03-01"),
    ("Pacific/Apia", "2009-01-01"), ("America/Sao_Paulo", "2015-01-01"),
    ("Asia/Beirut", "2020-01-01"), ("Africa/Cairo", "2010-01-01"),
    ("Asia/Gaza", "2020-01-01"), ("America/Caracas", "2007-01-01"),
    ("Asia/Kathmandu", "1985-06-01"), ("Pacific/Chatham", "2026-01-01"),
    ("Antarctica/Troll", "2026-01-01"), ("America/Nuuk", "2020-01-01"),
    ("Europe/Dublin", "2026-12-01"), ("Pacific/Kwajalein", "1990-01-01"),
    ("America/Santiago", "2014-01-01"), ("Europe/Istanbul", "2014-01-01"),
]

passed = failed = 0


def check(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}")


def tool(what, texts, *args, env=None):
    """One list of lines for each text."""
    r = subprocess.run([TOOL, what, *args], input="\n".join(texts), text=True,
                       capture_output=True, env={**os.environ, **(env or {})})
    if r.returncode:
        sys.exit(f"agreement_tool {what}: {r.returncode} {r.stderr}")
    return [t.splitlines() for t in r.stdout.split("\n\n") if t.strip()]


def refused(what, text, *args, env=None):
    """What it said on stderr."""
    r = subprocess.run([TOOL, what, *args], input=text, text=True,
                       capture_output=True, env={**os.environ, **(env or {})})
    return r.stderr if r.returncode == 1 else f"not refused: {r.stdout}"


def stamp(t):
    return t.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def draft(since, zone_a, zone_b, lines):
    return "\n".join([
        "ringdown-agreement/v1", "line l", "version 1", "replaces none",
        "sides a.example b.example", f"from {since}T00:00:00Z", "purpose p",
        "language en", "medium notice", "recording none",
        "restoration machine", f"zone a.example {zone_a}",
        f"zone b.example {zone_b}", *lines, ""])


def zone_offsets(zone, begin, end):
    """(instant, offset) as in the text, found by looking at each day."""
    z = zoneinfo.ZoneInfo(zone)
    offset = lambda t: t.astimezone(z).utcoffset()
    second, out, t = dt.timedelta(seconds=1), [(begin, offset(begin))], begin
    while t < end:
        day = t + dt.timedelta(days=1)
        if offset(day) != out[-1][1]:
            while day - t > second:
                half = t + (day - t) // 2 // second * second
                t, day = (half, day) if offset(half) == out[-1][1] else (t, half)
            out.append((day, offset(day)))
        t = day
    return out


def offset_words(delta):
    minutes = round(delta.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def instant(zone, date, minute):
    """Of a local time; 1440 is the next day's midnight."""
    midnight = dt.datetime(date.year, date.month, date.day)
    local = midnight + dt.timedelta(minutes=minute)
    return local.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=0).astimezone(UTC)


def dates(begin, end):
    d = begin.date() - dt.timedelta(days=3)
    while d <= end.date() + dt.timedelta(days=3):
        yield d
        d += dt.timedelta(days=1)


def due(zone, days, minute, begin, end):
    found = {instant(zone, d, minute) for d in dates(begin, end) if d.weekday() in days}
    return [stamp(t) for t in sorted(found) if begin <= t <= end]


def filled(cases):
    """Fill all drafts in, and compare each offset."""
    texts = tool("fill", [draft(since, za, zb, lines) for since, za, zb, lines in cases])
    for (since, za, zb, lines), text in zip(cases, texts):
        begin = dt.datetime.fromisoformat(since).replace(tzinfo=UTC)
        end = begin + dt.timedelta(days=3653)
        for side, zone in (("a.example", za), ("b.example", zb)):
            got = [x.split(" ", 2)[2] for x in text if x.startswith(f"offset {side} ")]
            want = [f"{stamp(t)} {offset_words(o)}" for t, o in offsets_of(zone, begin, end)]
            check(got == want, f"offsets of {zone} from {since}: {got} not {want}")
    return ["\n".join(t) + "\n" for t in texts]


cache = {}


def offsets_of(zone, begin, end):
    if (zone, begin) not in cache:
        cache[zone, begin] = zone_offsets(zone, begin, end)
    return cache[zone, begin]


def compare_checks(cases, spec, years):
    """spec: (name, days, minute, side a or b)."""
    begins = [dt.datetime.fromisoformat(c[0]).replace(tzinfo=UTC) for c in cases]
    answers = tool("checks", filled(cases),
                   stamp(max(begins) + dt.timedelta(days=years * 365)))
    check(len(answers) == len(cases), "answers")
    for (since, za, zb, lines), begin, answer in zip(cases, begins, answers):
        end = begin + dt.timedelta(days=years * 365)
        got = {}
        for line in answer:
            name, at = line.split()
            if at <= stamp(end):
                got.setdefault(name, []).append(at)
        for name, days, minute, side in spec:
            zone = za if side == "a.example" else zb
            want = due(zone, days, minute, begin, end)
            check(got.get(name) == want, f"check {name} in {zone} from {since}: "
                  f"{sorted(set(got.get(name, [])) ^ set(want))[:4]}")


def check_lines(spec):
    words = lambda days: "daily" if len(days) == 7 else ",".join(DAYS[d] for d in sorted(days))
    return [f"check {name} {words(days)} {minute // 60:02}:{minute % 60:02} {side} "
            f"by a.example grace 600 role none" for name, days, minute, side in spec]


def dense_checks():
    minutes = [0, 30, 60, 119, 120, 150, 180, 540, 1410, 1439]
    spec = [(f"c{m}", set(range(7)) if i % 2 == 0 else {0, 2, 4, 5, 6}, m, "a.example")
            for i, m in enumerate(minutes)]
    compare_checks([(since, zone, "Asia/Seoul", check_lines(spec)) for zone, since in DENSE],
                   spec, 10)


def every_zone():
    spec = [("night", set(range(7)), 150, "a.example"), ("week", {0, 1, 2, 3, 4}, 540, "b.example")]
    zones = sorted(z for z in zoneinfo.available_timezones()
                   if z not in ("localtime", "Factory", "posixrules"))
    cases = [("2026-12-01", a, b, check_lines(spec)) for a, b in zip(zones[::2], zones[1::2])]
    compare_checks(cases, spec, 2)
    check(len(zones) > 300, "zones of the database")


def hours_of(za, zb, spec, holidays, begin, end):
    """Changes, by merging the windows and cutting the holidays out."""
    zone = {"a.example": za, "b.example": zb}
    spans = []
    for days, first, last, side in spec:
        for d in dates(begin, end):
            if d.weekday() in days:
                spans.append((instant(zone[side], d, first), instant(zone[side], d, last)))
    closed = [(instant(zone[side], d, 0), instant(zone[side], d, 1440)) for side, d in holidays]
    edges = sorted({t for s in spans + closed for t in s} | {begin})
    spans.sort()
    out, is_open, active, k = [], False, [], 0
    for t in edges:
        while k < len(spans) and spans[k][0] <= t:
            active.append(spans[k])
            k += 1
        active = [s for s in active if s[1] > t]
        now = bool(active) and not any(x <= t < y for x, y in closed) and t >= begin
        if t >= begin and now != is_open:
            out.append(f"{'open' if now else 'closed'} {stamp(t)}")
            is_open = now
    return [x for x in out if x.split()[1] <= stamp(end)]


def dense_hours():
    spec = [({0, 1, 2, 3, 4}, 540, 720, "a.example"), ({0, 1, 2, 3, 4}, 780, 1020, "a.example"),
            ({5, 6}, 0, 180, "a.example"), ({6}, 150, 1440, "a.example"), ({2}, 600, 900, "b.example")]
    for zone, since in DENSE:
        begin = dt.datetime.fromisoformat(since).replace(tzinfo=UTC)
        end = begin + dt.timedelta(days=3650)
        year = begin.year + 1
        holidays = [("a.example", dt.date(year, 3, 29)), ("a.example", dt.date(year, 10, 25)),
                    ("b.example", dt.date(year + 1, 1, 1)), ("b.example", dt.date(year + 2, 5, 5)),
                    ("a.example", dt.date(year + 2, 5, 6))]
        lines = [f"hours {','.join(DAYS[d] for d in sorted(days))} {f // 60:02}:{f % 60:02}-"
                 f"{l // 60:02}:{l % 60:02} {side}" for days, f, l, side in spec]
        lines += [f"holiday {side} {d} x" for side, d in holidays]
        text = filled([(since, zone, "Asia/Seoul", lines)])[0]
        got = tool("hours", [text], stamp(end))[0]
        want = hours_of(zone, "Asia/Seoul", spec, holidays, begin, end)
        check(got == want, f"hours in {zone} from {since}: {sorted(set(got) ^ set(want))[:4]}")


def database():
    """What the database lacks, and what it says otherwise than a text."""
    for name in ("Asia/Soeul", "EST5EDTX", "Asia", "right/Asia/Seoul", "posix/Asia/Seoul",
                 "KST-9", "leapseconds", "zone.tab", "tzdata.zi", "../zoneinfo/UTC"):
        said = refused("fill", draft("2026-12-01", "UTC", name, []))
        check(said.startswith("2 "), f"zone {name}: {said}")
    said = refused("fill", draft("2026-12-01", "UTC", "Asia/Soeul", []))
    check("Asia/Soeul" in said and "/usr/share/zoneinfo" in said, said)
    said = refused("fill", draft("1970-01-01", "Africa/Monrovia", "UTC", []))
    check(said.startswith("34 ") and "-2670 s" in said, said)
    said = refused("fill", draft("2026-12-0x", "UTC", "UTC", []))
    check(said.startswith("74 ") and "`from" in said, said)
    said = refused("fill", draft("2026-12-01", "UTC", "UTC", []), env={"TZDIR": "/nonexistent"})
    check(said.startswith("2 ") and "/nonexistent" in said, said)
    # offsets that are there stay; the other zone is still filled in
    mine = draft("2026-12-01", "UTC", "Asia/Seoul", []).replace(
        "zone b", "offset a.example 2020-01-01T00:00:00Z +05:00\nzone b")
    out = "\n".join(tool("fill", [mine])[0])
    check(out.count("offset a.example") == 1 and "2020-01-01T00:00:00Z +05:00" in out and
          "offset b.example 2026-12-01T00:00:00Z +09:00" in out, out)
    check(tool("fill", [out + "\n"])[0] == out.split("\n"), "filled twice")


def another_database():
    """A zone that another database says otherwise."""
    text = filled([("2026-12-01", "Europe/Berlin", "Asia/Seoul", [])])[0]
    answer = lambda now, **env: tool("differs", [text], now, env=env)[0][0]
    check(answer("2026-12-01T00:00:00Z") == "same", "differs at once")
    check(answer("1999-12-01T00:00:00Z") == "same", "differs before")
    check(answer("2036-01-01T00:00:00Z") == "same", "differs late")
    # half a year before it is needed, and when it has run out
    check(answer("2036-11-01T00:00:00Z") == "a.example 2037-03-29T01:00:00Z", "runs out soon")
    check(answer("2040-01-15T00:00:00Z") == "a.example 2040-03-25T01:00:00Z", "has run out")
    check(answer("2040-07-15T00:00:00Z") == "a.example 2040-07-15T00:00:00Z", "is wrong")
    with tempfile.TemporaryDirectory() as d:
        os.makedirs(f"{d}/Europe")
        os.makedirs(f"{d}/Asia")
        shutil.copy("/usr/share/zoneinfo/Europe/Berlin", f"{d}/Europe/Berlin")
        shutil.copy("/usr/share/zoneinfo/Asia/Pyongyang", f"{d}/Asia/Seoul")
        check(answer("2027-01-01T00:00:00Z", TZDIR=d) == "same", "same offset now")
        shutil.copy("/usr/share/zoneinfo/Asia/Tokyo", f"{d}/Asia/Seoul")
        shutil.copy("/usr/share/zoneinfo/America/New_York", f"{d}/Europe/Berlin")
        check(answer("2027-01-01T00:00:00Z", TZDIR=d) == "a.example 2027-01-01T00:00:00Z",
              "differs now")
        shutil.copy("/usr/share/zoneinfo/Africa/Tunis", f"{d}/Europe/Berlin")
        check(answer("2027-01-01T12:34:56Z", TZDIR=d) == "a.example 2027-03-28T01:00:00Z",
              "differs from spring on")
        shutil.copy("/usr/share/zoneinfo/Europe/Dublin", f"{d}/Asia/Seoul")
        shutil.copy("/usr/share/zoneinfo/Europe/Paris", f"{d}/Europe/Berlin")
        check(answer("2027-01-01T00:00:00Z", TZDIR=d) == "b.example 2027-01-01T00:00:00Z",
              "the other side differs")
        os.unlink(f"{d}/Asia/Seoul")
        said = refused("differs", text, "2027-01-01T00:00:00Z", env={"TZDIR": d})
        check(said == "2 b.example\n", f"no such zone: {said}")
        pathlib.Path(f"{d}/Asia/Seoul").write_text("KST-9\n")
        said = refused("differs", text, "2027-01-01T00:00:00Z", env={"TZDIR": d})
        check(said == "2 b.example\n", f"no zone file: {said}")


database()
another_database()
dense_checks()
dense_hours()
every_zone()
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
