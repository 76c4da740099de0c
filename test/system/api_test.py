#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The real console process against a scripted keeper: every route, every error.

usage: api_test.py [NAME ...]     BIN says where api_console is
"""
import fcntl
import hashlib
import json
import os
import pathlib
import queue
import re
import select
import socket
import sys
import tempfile
import threading
import time
import traceback

import api_lib
from api_lib import BIN, ROOT, Console, SEEN, receive, send

JSON = {"Content_Type": "application/json"}
LINES = {"Content_Type": "application/x-ndjson"}
PAIR = "/v1/pairs/north.example"
SANITIZED = b"__asan_init" in (BIN / "test/system/api_console").read_bytes()
TESTS = []


def test(f):
    TESTS.append(f)
    return f


def notice(**more):
    return json.dumps({"subject": "pump 7", "text": "opened\n", **more})


# ---- routes ----

@test
def routes_become_messages(c):
    """Each resource: the message with its fields, and the answer as it is."""
    by = {"by": "kim"}
    peer = {"peer": "north.example"}
    cases = [
        ("GET", "/v1/status", None, "Q_STATUS", {}),
        ("POST", "/v1/card", None, "Q_CARD", by),
        ("POST", PAIR + "/confirm", None, "Q_CONFIRM", by | peer),
        ("POST", PAIR + "/revoke", None, "Q_REVOKE", by | peer),
        ("POST", PAIR + "/vouch", None, "Q_VOUCH", by | peer),
        ("GET", PAIR + "/inbox", None, "Q_ITEMS", peer | {"box": 0, "after": 0, "limit": 100}),
        ("GET", PAIR + "/outbox?after=7&limit=500", None, "Q_ITEMS",
         peer | {"box": 1, "after": 7, "limit": 500}),
        ("GET", PAIR + "/in/12", None, "Q_SHOW", peer | {"box": 0, "seq": 12}),
        ("GET", PAIR + "/out/9223372036854775807", None, "Q_SHOW",
         peer | {"box": 1, "seq": 2**63 - 1}),
        ("GET", PAIR + "/in/3/body?open=1", None, "Q_BODY",
         peer | by | {"box": 0, "seq": 3, "open": 1}),
        ("GET", PAIR + "/out/3/body", None, "Q_BODY", peer | by | {"box": 1, "seq": 3, "open": 0}),
        ("GET", PAIR + "/out/0/entry", None, "Q_ENTRY", peer | {"box": 1, "seq": 0}),
        ("GET", PAIR + "/record?from=5&limit=1", None, "Q_RECORD",
         peer | {"from": 5, "limit": 1}),
        ("GET", PAIR + "/export?bodies=1", None, "Q_EXPORT", peer | {"bodies": 1}),
        ("GET", PAIR + "/export", None, "Q_EXPORT", peer | {"bodies": 0}),
        ("GET", "/metrics", None, "Q_METRICS", {}),
        ("GET", "/v1/lines?brief=1", None, "Q_LINES", {"peer": "", "brief": 1}),
        ("GET", PAIR + "/lines", None, "Q_LINES", peer | {"brief": 0}),
        ("GET", PAIR + "/lines/liaison-2", None, "Q_LINE", peer | {"line": "liaison-2"}),
    ]
    for method, target, body, want, fields in cases:
        answer = c.later(method, target, body, Ringdown_Operator="kim")
        got, _ = c.keeper.next(want)
        req = got.pop("req")
        assert got == fields, (target, got)
        c.keeper.answer(req, {"said": target})
        a = answer.get(timeout=10)
        assert a.status == 200 and a.json() == {"said": target}, (target, a.status, a.body)
        assert a.media == "application/json"
        assert a.headers["Cache-Control"] == "no-store"
        assert a.headers["X-Content-Type-Options"] == "nosniff"


def order(**more):
    return {"peer": "north.example", "line": "liaison", "act": 0, "by": "kim", "reason": "",
            "text": b"", "hash": b"", "declared": 0, "until_ms": 0, "seq": 0, "drill": 0,
            "refused": 0} | more


@test
def orders_to_lines(c):
    line, sha = PAIR + "/lines/liaison", "0a" * 32
    cases = [
        ("/accept?agreement=" + sha, {"act": 1, "hash": b"\n" * 32}),
        ("/decline?agreement=" + sha + "&reason=%EC%95%88%20%EB%90%A8", {
            "act": 2, "hash": b"\n" * 32, "reason": "안 됨"}),
        ("/withdraw?reason=over", {"act": 3, "reason": "over"}),
        ("/declare?state=open&reason=again", {"act": 4, "reason": "again"}),
        ("/declare?state=closed&reason=x", {"act": 4, "declared": 1, "reason": "x"}),
        ("/declare?state=suspended&until=1970-01-01T00:00:01.000Z&reason=x", {
            "act": 4, "declared": 2, "reason": "x", "until_ms": 1000}),
        ("/declare?state=fault&reason=x", {"act": 4, "declared": 3, "reason": "x"}),
        ("/check", {"act": 5}), ("/check?drill=1", {"act": 5, "drill": 1}),
        ("/attend?seq=7", {"act": 6, "seq": 7}),
        ("/attend?seq=7&refused=1&reason=x", {"act": 6, "seq": 7, "refused": 1, "reason": "x"}),
    ]
    for target, want in cases:
        a = c.later("POST", line + target, Ringdown_Operator="kim")
        got, _ = c.keeper.next("Q_LINE_DO")
        req = got.pop("req")
        assert got == order(**want), (target, got)
        c.keeper.answer(req, {"seq": 3}, 201)
        assert a.get(timeout=10).status == 201, target
    # a text as long as one may be; what it says is the keeper's to judge
    text = "가" * 10922 + "\n\n"
    a = c.later("POST", PAIR + "/lines", text, Content_Type="text/plain; charset=utf-8",
                Ringdown_Operator="kim")
    got, _ = c.keeper.next("Q_LINE_DO")
    req = got.pop("req")
    assert got == order(line="", text=text.encode()) and len(got["text"]) == 32768
    c.keeper.answer(req, {"type": "/problems/agreement-bad", "title": "t", "status": 422,
                          "detail": "d"}, 422, "application/problem+json")
    a.get(timeout=10).problem(422, "agreement-bad")
    a = c.later("POST", PAIR + "/service", "펌프 7 좀 봐 주십시오\n", Content_Type="text/plain",
                Ringdown_Operator="kim")
    got, _ = c.keeper.next("Q_SERVICE")
    assert (got["peer"], got["by"], got["text"]) == (
        "north.example", "kim", "펌프 7 좀 봐 주십시오"), got
    c.keeper.answer(got["req"], {"said": True})
    assert a.get(timeout=10).json() == {"said": True}
    # on a line
    a = c.later("POST", PAIR + "/notices", notice(line="liaison"), **JSON)
    got, _ = c.keeper.next("Q_SUBMIT")
    assert got["line"] == "liaison"
    c.keeper.answer(got["req"], {"seq": 4, "again": False, "state": "waits"}, 202)
    assert a.get(timeout=10).status == 202
    a = c.later("POST", PAIR + "/documents?subject=s&name=n&line=l-2", "x", Content_Type="a/b")
    got, _ = c.keeper.next("Q_SUBMIT")
    assert got["line"] == "l-2"
    c.keeper.answer(got["req"], {"seq": 4, "again": False, "state": "waits"}, 202)
    assert a.get(timeout=10).status == 202


@test
def orders_that_are_refused(c):
    line, sha = PAIR + "/lines/liaison", "0a" * 32
    text = {"Content_Type": "text/plain"}
    for target in ("/accept", "/accept?agreement=0A", "/accept?agreement=" + sha[1:],
                   "/accept?agreement=%s&reason=x" % sha, "/decline?agreement=" + sha,
                   "/decline?agreement=%s&reason=" % sha, "/withdraw", "/withdraw?reason=%20x",
                   "/withdraw?reason=a%0ab", "/withdraw?reason=" + "a" * 1001,
                   "/declare?state=open", "/declare?reason=x", "/declare?state=down&reason=x",
                   "/declare?state=suspended&reason=x&until=tomorrow",
                   "/declare?state=suspended&reason=x&until=1970-01-01T00:00:00.000Z",
                   "/check?drill=yes", "/attend", "/attend?seq=x", "/attend?seq=1&refused=2"):
        try:
            c.ask("POST", line + target).problem(400, "request")
        except AssertionError as e:
            raise AssertionError(target) from e
    for target in ("/lines/Liaison", "/lines/1", "/lines/" + "a" * 33, "/lines/a/agree",
                   "/lines/-a/check", "/lines/"):
        c.ask("GET", PAIR + target).problem(404, "not-found")
    for method, target in (("GET", line + "/accept"), ("POST", line), ("POST", "/metrics"),
                           ("DELETE", PAIR + "/lines"), ("GET", PAIR + "/service")):
        c.ask(method, target).problem(405, "method")
    c.ask("GET", PAIR + "/lines?brief=2").problem(400, "request")
    c.ask("POST", PAIR + "/lines", "x" * 32769, **text).problem(413, "too-large")
    c.ask("POST", PAIR + "/lines", "", **text).problem(400, "request")
    c.ask("POST", PAIR + "/lines", "x", Content_Type="text/html").problem(415, "media")
    c.ask("POST", PAIR + "/service", "x" * 1002, **text).problem(413, "too-large")
    for said in ("", "\n", "a\nb", "a\n\n", " a", "\x1b[2J", b"\xff", "x" * 1001):
        c.ask("POST", PAIR + "/service", said, **text).problem(400, "request")
    c.ask("POST", PAIR + "/service", "x").problem(415, "media")
    c.ask("POST", PAIR + "/notices", notice(line="No"), **JSON).problem(400, "request")
    c.ask("POST", PAIR + "/documents?subject=s&name=n&line=", "x",
          Content_Type="a/b").problem(400, "request")
    assert c.keeper.silent()


@test
def card_of_the_peer(c):
    card = "ringdown-card/v1\nname north.example\n"
    a = c.later("POST", "/v1/pairs?own-serial=" + "0a" * 16, card, Content_Type="text/plain")
    got, _ = c.keeper.next("Q_PAIR")
    assert got["card"] == card and got["own_serial"] == "0a" * 16, got
    assert got["by"] == "uid:%d" % os.getuid(), got
    c.keeper.answer(got["req"], {"peer": "north.example", "words": "a b"}, 201)
    assert a.get(timeout=10).status == 201
    a = c.later("POST", "/v1/pairs", "x" * 4096, Content_Type="text/plain; charset=utf-8")
    got, _ = c.keeper.next("Q_PAIR")
    assert len(got["card"]) == 4096 and got["own_serial"] == ""
    c.keeper.answer(got["req"], {"type": "/problems/card-bad", "title": "t", "status": 422,
                                 "detail": "d"}, 422, "application/problem+json")
    a.get(timeout=10).problem(422, "card-bad")
    c.ask("POST", "/v1/pairs", "x" * 4097, Content_Type="text/plain").problem(413, "too-large")
    c.ask("POST", "/v1/pairs", "", Content_Type="text/plain").problem(400, "request")
    c.ask("POST", "/v1/pairs", "x", Content_Type="text/html").problem(415, "media")
    c.ask("POST", "/v1/pairs", "x").problem(415, "media")
    assert c.keeper.silent()


@test
def notice_becomes_submit(c):
    a = c.later("POST", PAIR + "/notices",
                notice(id="a-1", precedence="flash", wait="held", text="문\t\"\\\n"),
                Ringdown_Operator="김 선생".encode(), **JSON)
    got, _ = c.keeper.next("Q_SUBMIT")
    want = {"peer": "north.example", "kind": 2, "wait": 2, "id": "a-1", "by": "김 선생",
            "precedence": "flash", "subject": "pump 7", "name": "", "media": "text/plain",
            "line": "", "body": "문\t\"\\\n".encode()}
    req = got.pop("req")
    assert got == want, got
    c.keeper.answer(req, {"seq": 9, "again": False, "state": "held"}, 201)
    a = a.get(timeout=10)
    assert a.status == 201 and a.json()["seq"] == 9
    # the defaults, and the longest text
    a = c.later("POST", PAIR + "/notices", notice(text="é" * 16368),
                Content_Type="application/json; charset=utf-8")
    got, _ = c.keeper.next("Q_SUBMIT")
    assert (got["id"], got["precedence"], got["wait"]) == ("", "routine", 0)
    assert len(got["body"]) == 32736
    c.keeper.answer(got["req"], {"seq": 9, "again": True, "state": "stored"})
    assert a.get(timeout=10).status == 200


@test
def notices_that_are_refused(c):
    bad = {
        "not JSON": "{", "not UTF-8": b'{"subject":"\xff","text":"a"}', "no object": "[1]",
        "no text": '{"subject":"a"}', "no subject": '{"text":"a"}',
        "empty text": notice(text=""), "empty subject": notice(subject=""),
        "control": notice(text="a\x1bb"), "DEL": notice(text="\x7f"),
        "NUL": '{"subject":"a","text":"b\\u0000c"}', "lf in subject": notice(subject="a\nb"),
        "space first": notice(subject=" a"), "space last": notice(subject="a "),
        "long subject": notice(subject="a" * 1001), "number": notice(subject=5),
        "unknown member": notice(priority="flash"), "wait": notice(wait="forever"),
        "precedence": notice(precedence="Flash"), "id": notice(id="a b"),
        "long id": notice(id="a" * 65), "empty id": notice(id=""),
        "twice": '{"subject":"a","subject":"a","text":"b"}', "after": notice() + "x",
        "deep": "[" * 100000, "surrogate": '{"subject":"a","text":"\\ud800"}',
        "empty": "",
    }
    for name, body in bad.items():
        try:
            c.ask("POST", PAIR + "/notices", body, **JSON).problem(400, "request")
        except AssertionError as e:
            raise AssertionError(name) from e
    c.ask("POST", PAIR + "/notices", notice(text="a" * 32737), **JSON).problem(413, "too-large")
    c.ask("POST", PAIR + "/notices", "x" * 262145, **JSON).problem(413, "too-large")
    # in chunks nobody knows the length before
    c.ask("POST", PAIR + "/notices", iter([b"x" * 65536] * 40), **JSON).problem(413, "too-large")
    c.ask("POST", PAIR + "/notices", notice(), Content_Type="text/plain").problem(415, "media")
    c.ask("POST", PAIR + "/notices?wait=held", notice(), **JSON).problem(400, "request")
    assert c.keeper.silent()


@test
def heads_that_are_refused(c):
    cases = [
        (404, "not-found", "GET", "/"), (404, "not-found", "GET", "/v1/status/"),
        (404, "not-found", "GET", "/v1//status"), (404, "not-found", "GET", "/v1/stat%75s"),
        (404, "not-found", "GET", "/v1/pairs/North/inbox"),
        (404, "not-found", "GET", "/v1/pairs/%s/inbox" % ("a" * 64)),
        (404, "not-found", "GET", "/v1/pairs/../status"),
        (404, "not-found", "GET", PAIR + "/in/01"), (404, "not-found", "GET", PAIR + "/in/-1"),
        (404, "not-found", "GET", PAIR + "/in/9223372036854775808"),
        (404, "not-found", "GET", PAIR + "/box/1"),
        (405, "method", "POST", "/v1/status"), (405, "method", "GET", "/v1/card"),
        (405, "method", "DELETE", PAIR + "/inbox"), (405, "method", "OPTIONS", "/v1/events"),
        (400, "request", "GET", "/v1/status?x=1"), (400, "request", "GET", PAIR + "/inbox?limit=0"),
        (400, "request", "GET", PAIR + "/inbox?limit=501"),
        (400, "request", "GET", PAIR + "/inbox?after=-1"),
        (400, "request", "GET", PAIR + "/inbox?after=1&after=1"),
        (400, "request", "GET", PAIR + "/inbox?after=%3"),
        (400, "request", "GET", PAIR + "/inbox?after=%001"),
        (400, "request", "GET", PAIR + "/in/1/body?open=2"),
        (400, "request", "GET", PAIR + "/export?bodies=yes"),
        (400, "request", "GET", PAIR + "/record?from="),
        (400, "request", "POST", "/v1/pairs?own-serial=0A"),
    ]
    for status, kind, method, target in cases:
        a = c.ask(method, target, **({"Content_Type": "text/plain"} if "serial" in target else {}))
        try:
            a.problem(status, kind)
        except AssertionError as e:
            raise AssertionError(method + " " + target) from e
        assert (a.headers.get("Allow") in ("GET", "POST")) == (status == 405)
    for name in (b"", b"a\xff", b"a" * 201, b"a\tb"):
        c.ask("POST", "/v1/card", Ringdown_Operator=name).problem(400, "request")
    c.ask("GET", "/v1/status", "body").problem(400, "request")
    # longer than the path may be, and longer than the head may be
    c.ask("GET", "/v1/status?" + "a" * 9000).problem(400, "request")
    assert c.ask("GET", "/v1/status", X="a" * 70000).status in (413, 431)
    s = c.connect()
    s.sendall(b"\x16\x03\x01\x02\x00 what is this\r\n\r\n")
    assert not s.recv(4096).startswith(b"HTTP/1.1 200")
    assert c.keeper.silent()


# ---- documents ----

def document(**query):
    q = {"subject": "plan%20%EA%B0%80", "name": "plan.pdf"} | query
    return PAIR + "/documents?" + "&".join("%s=%s" % kv for kv in q.items())


@test
def small_document_in_the_message(c):
    a = c.later("POST", document(id="d.1", precedence="priority", wait="acked"), b"%PDF\0\xff",
                Content_Type="application/pdf; version=\"1.7\"")
    got, _ = c.keeper.next("Q_SUBMIT")
    del got["req"], got["by"]
    assert got == {"peer": "north.example", "kind": 3, "wait": 1, "id": "d.1",
                   "precedence": "priority", "subject": "plan 가", "name": "plan.pdf",
                   "media": 'application/pdf;version="1.7"', "line": "", "body": b"%PDF\0\xff"}, got
    c.keeper.die()
    a.get(timeout=10).problem(503, "keeper-gone")
    c.keeper_new()


@test
def big_document_in_a_sealed_memfd(c):
    piece = os.urandom(1 << 20)
    for n, chunked in ((32736, False), (32737, False), (32737, True), (48 << 20, False)):
        body = (piece * 49)[:n]
        stream = iter([body[:30000], body[30000:]]) if chunked else body
        a = c.later("POST", document(), stream, Content_Type="image/tiff", seconds=60)
        if n == 32736:
            got, _ = c.keeper.next("Q_SUBMIT")
            assert got["body"] == body
        else:
            got, fd = c.keeper.next("Q_SUBMIT_FD", 60)
            seals = fcntl.fcntl(fd, 1034)
            assert seals == 15, seals     # seal, shrink, grow, write
            assert got["bytes"] == n == os.fstat(fd).st_size
            with open(fd, "rb") as f:
                f.seek(0)
                assert hashlib.sha256(f.read()).digest() == hashlib.sha256(body).digest()
        c.keeper.answer(got["req"], {"seq": 1, "again": False, "state": "stored"}, 201)
        assert a.get(timeout=60).status == 201


@test
def documents_that_are_refused(c):
    pdf = {"Content_Type": "application/pdf"}
    for q in ({"subject": ""}, {"name": "a%2Fb"}, {"name": ".."}, {"name": "%0A"},
              {"subject": "a" * 1001}, {"id": "%20"}, {"wait": "never"}, {"precedence": "x"},
              {"name": "%ff"}, {"after": "1"}):
        c.ask("POST", document(**q), "x", **pdf).problem(400, "request")
    c.ask("POST", PAIR + "/documents?name=a", "x", **pdf).problem(400, "request")
    c.ask("POST", PAIR + "/documents?subject=a", "x", **pdf).problem(400, "request")
    c.ask("POST", document(), "", **pdf).problem(400, "request")
    for m in ("pdf", "/pdf", "application/", "a/\u00e9", "a/" + "b" * 200):
        c.ask("POST", document(), "x", Content_Type=m.encode()).problem(415, "media")
    c.ask("POST", document(), "x").problem(415, "media")
    # told before a gigabyte is on its way
    s = c.connect()
    s.sendall(b"POST %s HTTP/1.1\r\nHost: r\r\nContent-Type: a/b\r\nContent-Length: %d\r\n"
              b"Expect: 100-continue\r\n\r\n" % (document().encode(), (1 << 30) - 31))
    assert s.recv(4096).startswith(b"HTTP/1.1 413")
    s = c.connect()
    s.sendall(b"POST %s HTTP/1.1\r\nHost: r\r\nContent-Type: a/b\r\nContent-Length: %d\r\n"
              b"Expect: 100-continue\r\n\r\n" % (document().encode(), (1 << 30) - 32))
    assert s.recv(4096).startswith(b"HTTP/1.1 100")
    assert c.keeper.silent()


# ---- answers ----

def file_of(octets):
    fd = os.memfd_create("answer")
    os.write(fd, octets)
    return fd


@test
def content_from_a_descriptor(c):
    content = os.urandom(3 << 20)
    for offset, n in ((0, len(content)), (32, 1000), (5, 0), (len(content) - 1, 1)):
        a = c.later("GET", PAIR + "/in/1/body")
        got, _ = c.keeper.next("Q_BODY")
        fd = file_of(content)
        c.keeper.send("ANSWER_FD", fd, req=got["req"], http=200, media="image/png",
                      name="보고 \"1\".png", offset=offset, bytes=n)
        os.close(fd)
        a = a.get(timeout=20)
        assert a.body == content[offset:offset + n], (offset, n, len(a.body))
        assert a.media == "image/png"
        assert a.headers["Content-Disposition"] == (
            "attachment; filename*=UTF-8''%EB%B3%B4%EA%B3%A0%20%221%22.png")
    # a peer's media type that would split the head
    a = c.later("GET", PAIR + "/in/1/body")
    got, _ = c.keeper.next("Q_BODY")
    c.keeper.send("ANSWER_FD", file_of(b"x"), req=got["req"], http=200, media="a/b\r\nX: y",
                  offset=0, bytes=1)
    a = a.get(timeout=10)
    assert a.media == "application/octet-stream" and "X" not in a.headers


@test
def answers_that_cannot_be_passed_on(c):
    r, w = os.pipe()
    for fd, offset, n in ((file_of(b"abc"), 0, 4), (file_of(b"abc"), 4, 0),
                          (file_of(b"abc"), 2**64 - 1, 2), (r, 0, 1)):
        a = c.later("GET", PAIR + "/in/1/body")
        got, _ = c.keeper.next("Q_BODY")
        c.keeper.send("ANSWER_FD", fd, req=got["req"], http=200, media="a/b", offset=offset,
                      bytes=n)
        a.get(timeout=10).problem(500, "broken-answer")
    for http, media in ((99, "a/b"), (600, "a/b"), (200, "a\nb"), (200, "")):
        a = c.later("GET", "/v1/status")
        got, _ = c.keeper.next("Q_STATUS")
        c.keeper.answer(got["req"], "{}", http, media)
        a.get(timeout=10).problem(500, "broken-answer")
    a = c.later("GET", PAIR + "/record")
    got, _ = c.keeper.next("Q_RECORD")
    for i in range(140):
        c.keeper.answer(got["req"], b"x" * 61440, last=0)
    a.get(timeout=10).problem(500, "broken-answer")
    os.close(w)


@test
def answer_in_parts(c):
    a = c.later("GET", PAIR + "/record")
    got, _ = c.keeper.next("Q_RECORD")
    text = json.dumps({"entries": ["x" * 1000] * 300})
    for i in range(0, len(text), 61440):
        c.keeper.answer(got["req"], text[i:i + 61440], last=i + 61440 >= len(text))
    assert a.get(timeout=10).json() == json.loads(text)
    # on one connection one after the other
    client = c.http()
    for i in range(5):
        t = threading.Thread(target=lambda: c.keeper.answer(c.keeper.next("Q_CARD")[0]["req"],
                                                            "card\n", 200, "text/plain"))
        t.start()
        a = client.ask("POST", "/v1/card")
        t.join()
        assert a.body == b"card\n" and a.media == "text/plain"


# ---- the keeper's life ----

@test
def keeper_death(c):
    waiting = [c.later("GET", "/v1/status") for _ in range(3)]
    old = [c.keeper.next("Q_STATUS")[0]["req"] for _ in range(3)]
    c.keeper.die()
    for w in waiting:
        a = w.get(timeout=10)
        a.problem(503, "keeper-gone")
        assert int(a.headers["Retry-After"]) > 0
    c.ask("GET", "/v1/status").problem(503, "keeper-gone")
    c.keeper_new()
    a = c.later("GET", "/v1/status")
    req = c.keeper.next("Q_STATUS")[0]["req"]
    assert req not in old
    for r in old + [0, 0xffffffff]:
        c.keeper.answer(r, {"old": True})    # says nothing to anybody
    c.keeper.answer(req, {"new": True})
    assert a.get(timeout=10).json() == {"new": True}
    # replaced while it works
    a = c.later("GET", "/v1/status")
    c.keeper.next("Q_STATUS")
    c.keeper_new()
    a.get(timeout=10).problem(503, "keeper-gone")


@test
def keeper_that_breaks_the_rules(c):
    for packet in (b"", b"\0", api_lib.encode("Q_STATUS", req=1), b"\xff" * 10,
                   api_lib.encode("ANSWER", req=1, body="x") + b"\0"):
        if not packet:
            continue
        a = c.later("GET", "/v1/status")
        c.keeper.next("Q_STATUS")
        c.keeper.sock.send(packet)
        a.get(timeout=10).problem(503, "keeper-gone")
        name, fields, _ = receive(c.monitor)
        assert name == "COMPLAIN" and fields["role"] == api_lib.ROLES["KEEPER"], (name, fields)
        c.ask("GET", "/v1/status").problem(503, "keeper-gone")
        c.keeper_new()


@test
def keeper_that_does_not_read(c):
    """Its queue fills; who comes then is told at once, and all goes on after."""
    c.keeper.die()
    ours, theirs = api_lib.pair()
    theirs.setblocking(False)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100000)
    send(c.monitor, "PEER_FD", theirs.fileno(), role=api_lib.ROLES["KEEPER"])
    theirs.close()
    line = json.dumps({"subject": "s", "text": "x" * 30000}).encode() + b"\n"
    bulks = [c.later("POST", PAIR + "/notices", iter([line] * 64), seconds=60, **LINES)
             for _ in range(40)]
    deadline = time.monotonic() + 10
    while True:     # until the queue is full, when nobody has to wait to hear it
        try:
            c.ask("POST", PAIR + "/notices", notice(text="x" * 32736), seconds=0.5,
                  **JSON).problem(503, "busy")
            break
        except TimeoutError:
            assert time.monotonic() < deadline
    seq = [0]

    def answering(k, name, f, fd):
        if name != "Q_BULK":
            return True     # from those who did not wait so long
        first = seq[0]
        seq[0] += f["count"]
        k.answer(f["req"], {"first": first, "last": seq[0] - 1})
        return True
    c.keeper = api_lib.Keeper(ours, answering)
    for b in bulks:
        a = b.get(timeout=60)
        assert a.status == 200 and a.json()["count"] == 64, a.body
    assert seq[0] == 40 * 64
    c.keeper.die()
    c.keeper_new()


# ---- clients ----

@test
def client_that_hangs_up(c):
    for target, want in (("/v1/status", "Q_STATUS"), (PAIR + "/record", "Q_RECORD")):
        s = c.connect()
        s.sendall(b"GET %s HTTP/1.1\r\nHost: r\r\n\r\n" % target.encode())
        req = c.keeper.next(want)[0]["req"]
        s.close()
        assert c.keeper.next("Q_CANCEL")[0]["req"] == req
        c.keeper.answer(req, {})        # crossed the cancel: dropped
    # one that only has nothing more to say still wants its answer
    s = c.connect()
    s.sendall(b"GET /v1/status HTTP/1.1\r\nHost: r\r\n\r\n")
    req = c.keeper.next("Q_STATUS")[0]["req"]
    s.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    c.keeper.answer(req, {"half": "closed"})
    assert b"half" in s.recv(65536)
    assert c.keeper.silent()


@test
def connections_beyond_64_wait(c):
    many = [c.connect() for _ in range(70)]
    for s in many:
        s.sendall(b"GET /v1/nothing HTTP/1.1\r\nHost: r\r\n\r\n")
    deadline = time.monotonic() + 5
    served = set()
    while time.monotonic() < deadline and len(served) < 64:
        served |= set(select.select([s for s in many if s not in served], [], [], 0.2)[0])
    time.sleep(0.3)
    served |= set(select.select([s for s in many if s not in served], [], [], 0)[0])
    assert len(served) == 64, len(served)
    rest = [s for s in many if s not in served]
    for s in served:
        s.close()
    for s in rest:
        assert s.recv(4096).startswith(b"HTTP/1.1 404")


@test
def waits_leave_room_for_others(c):
    held = [c.connect() for _ in range(48)]
    for s in held:
        s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: r\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 200")
    c.ask("GET", "/v1/events").problem(503, "busy")
    c.ask("POST", PAIR + "/notices", notice(wait="held"), **JSON).problem(503, "busy")
    a = c.later("GET", "/v1/status")
    c.keeper.answer(c.keeper.next("Q_STATUS")[0]["req"], {})
    assert a.get(timeout=10).status == 200
    for s in held:
        s.close()
    deadline = time.monotonic() + 5
    while True:
        a = c.later("POST", PAIR + "/notices", notice(wait="held"), **JSON)
        try:
            got, _ = c.keeper.next("Q_SUBMIT", 0.5)
            break
        except queue.Empty:
            assert time.monotonic() < deadline
    c.keeper.answer(got["req"], {"seq": 1, "again": False, "state": "held"}, 201)
    assert a.get(timeout=10).status == 201


@test
def slow_clients_are_cut(c):
    """Four kinds of dawdling, at once: each is cut after 30 s, none sooner."""
    start = time.monotonic()
    nothing = c.connect(60)
    head = c.connect(60)
    body = c.connect(60)
    body.sendall(b"POST %s/notices HTTP/1.1\r\nHost: r\r\nContent-Length: 1000\r\n"
                 b"Content-Type: application/json\r\n\r\n" % PAIR.encode())
    reader = c.connect(60)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.sendall(b"GET %s/in/1/body HTTP/1.1\r\nHost: r\r\n\r\n" % PAIR.encode())
    got, _ = c.keeper.next("Q_BODY")
    c.keeper.send("ANSWER_FD", file_of(b"x" * (8 << 20)), req=got["req"], http=200,
                  media="a/b", offset=0, bytes=8 << 20)
    cut = {}
    dripping = {head: b"GET /v1/status HTTP/1.1\r\nX: ", body: b""}
    head.sendall(dripping[head])
    while time.monotonic() - start < 50 and len(cut) < 3:
        for s in (nothing, head, body):
            if s in cut:
                continue
            try:
                if s is not nothing:
                    s.sendall(b" ")
                if select.select([s], [], [], 0)[0] and not s.recv(4096):
                    cut[s] = time.monotonic() - start
            except OSError:
                cut[s] = time.monotonic() - start
        time.sleep(0.5)
    assert len(cut) == 3 and all(28 < t < 40 for t in cut.values()), cut.values()
    # of the answer what was not read in time never comes
    n = 0
    while True:
        try:
            got = reader.recv(1 << 20)
        except OSError:
            break
        if not got:
            break
        n += len(got)
    assert n < 8 << 20, n
    # and a slow but steady one is served
    a = c.later("GET", "/v1/status")
    c.keeper.answer(c.keeper.next("Q_STATUS")[0]["req"], {})
    assert a.get(timeout=10).status == 200


# ---- many notices ----

def bulk_lines(n, size=200, first=0):
    return [json.dumps({"subject": "s%d" % i, "text": "t" * size}).encode() + b"\n"
            for i in range(first, first + n)]


def items_of(octets):
    out, at = [], 0
    while at < len(octets):
        v = []
        for _ in range(2):
            n = int.from_bytes(octets[at:at + 2], "big")
            v.append(octets[at + 2:at + 2 + n].decode())
            at += 2 + n
        out.append(tuple(v))
    assert at == len(octets)
    return out


class Store:
    """A keeper's part in bulk: takes items in order, refuses from `full` on."""

    def __init__(self, full=None):
        self.items, self.full, self.refused = [], full, 0

    def __call__(self, k, name, f, fd):
        if name != "Q_BULK":
            return False
        items = items_of(f["items"])
        assert len(items) == f["count"] and len(f["items"]) <= 60000
        if self.full is not None and len(self.items) + len(items) > self.full:
            self.refused += 1
            k.answer(f["req"], {"type": "/problems/no-room", "title": "t", "status": 507,
                                "detail": "disk full"}, 507, "application/problem+json")
            return True
        first = len(self.items)
        self.items += items
        k.answer(f["req"], {"first": 100 + first, "last": 100 + len(self.items) - 1})
        return True


@test
def lines_become_batches(c):
    store = Store()
    c.keeper.handler = store
    lines = bulk_lines(5000)
    want = [(json.loads(x)["subject"], json.loads(x)["text"]) for x in lines]
    text = b"".join(lines)
    # in pieces that have nothing to do with lines; CRLF, blank lines, no last LF
    pieces = [text[i:i + 7919] for i in range(0, len(text), 7919)]
    a = c.ask("POST", PAIR + "/notices?wait=acked", iter(pieces), Ringdown_Operator="bulk",
              **LINES)
    assert a.json() == {"first": 100, "last": 5099, "count": 5000}, a.body
    assert store.items == want
    store.items.clear()
    text = b"\n\r\n" + text.replace(b"\n", b"\r\n").rstrip()
    a = c.ask("POST", PAIR + "/notices", text, **LINES)
    assert a.json() == {"first": 100, "last": 5099, "count": 5000}, a.body
    assert store.items == want
    a = c.ask("POST", PAIR + "/notices", b"", **LINES)
    assert a.json() == {"first": None, "last": None, "count": 0}, a.body
    c.keeper.handler = None


@test
def bulk_window(c):
    """16 messages at the keeper, not one more; then the sender waits."""
    lines = bulk_lines(40, 30000)
    a = c.later("POST", PAIR + "/notices?wait=held", b"".join(lines), Ringdown_Operator="b",
                **LINES)
    asked = [c.keeper.next("Q_BULK")[0] for _ in range(16)]
    assert c.keeper.silent(0.5)
    assert all(m["wait"] == 2 and m["by"] == "b" for m in asked)
    n = 0
    while asked:
        m = asked.pop(0)
        c.keeper.answer(m["req"], {"first": n, "last": n + m["count"] - 1})
        n += m["count"]
        if n < 40 and len(asked) < 16 and n + sum(x["count"] for x in asked) < 40:
            asked.append(c.keeper.next("Q_BULK")[0])
    assert a.get(timeout=10).json() == {"first": 0, "last": 39, "count": 40}


@test
def line_that_is_wrong(c):
    for bad, status, kind in ((b"{}", 400, "request"), (b"x", 400, "request"),
                              (b'{"subject":"a","text":"b","id":"c"}', 400, "request"),
                              (b'{"subject":"a","text":"%s"}' % (b"x" * 32737), 413, "too-large"),
                              (b"x" * 300000, 413, "too-large")):
        store = Store()
        c.keeper.handler = store
        lines = bulk_lines(2000)
        lines[1500] = bad + b"\n"
        p = c.ask("POST", PAIR + "/notices", b"".join(lines), **LINES).problem(status, kind)
        assert "ine 1501" in p["detail"], p
        assert p["lines"] == p["count"] == len(store.items) <= 1500, (p, len(store.items))
        assert p["lines"] > 1000 and p["first"] == 100 and p["last"] == 99 + p["count"], p
    c.keeper.handler = None


@test
def bulk_that_the_keeper_refuses(c):
    store = Store(1000)
    c.keeper.handler = store
    p = c.ask("POST", PAIR + "/notices", b"".join(bulk_lines(20000)), **LINES).problem(507,
                                                                                    "no-room")
    assert p["detail"] == "disk full" and p["lines"] == len(store.items), p
    assert 0 < store.refused <= 16
    # nothing at all, and no sense
    c.keeper.handler = Store(0)
    p = c.ask("POST", PAIR + "/notices", b"".join(bulk_lines(3)), **LINES).problem(507, "no-room")
    assert (p["lines"], p["count"], p["first"], p["last"]) == (0, 0, None, None), p
    # one message in the middle, those after it on their way: `lines` ends before the gap
    c.keeper.handler = None
    a = c.later("POST", PAIR + "/notices", b"".join(bulk_lines(6, 30000)), **LINES)
    asked = [c.keeper.next("Q_BULK")[0] for _ in range(6)]
    for i, m in enumerate(asked):
        if i == 2:
            c.keeper.answer(m["req"], {"type": "/problems/busy", "title": "t", "status": 503,
                                       "detail": "d"}, 503, "application/problem+json")
        else:
            c.keeper.answer(m["req"], {"first": i, "last": i})
    p = a.get(timeout=10).problem(503, "busy")
    assert (p["lines"], p["count"], p["first"], p["last"]) == (2, 5, 0, 5), p
    for nonsense in ("{}", "x", '{"first":2,"last":1}', '{"first":-1,"last":1}'):
        c.keeper.handler = lambda k, name, f, fd: k.answer(f["req"], nonsense) or True
        c.ask("POST", PAIR + "/notices", b"".join(bulk_lines(3)), **LINES).problem(
            500, "broken-answer")
    c.keeper.handler = None


@test
def bulk_and_keeper_death(c):
    a = c.later("POST", PAIR + "/notices", b"".join(bulk_lines(40, 30000)), **LINES)
    asked = [c.keeper.next("Q_BULK")[0] for _ in range(16)]
    c.keeper.answer(asked[0]["req"], {"first": 5, "last": 5 + asked[0]["count"] - 1})
    c.keeper.next("Q_BULK")
    c.keeper.die()
    p = a.get(timeout=10).problem(503, "keeper-gone")
    assert p["lines"] == p["count"] == asked[0]["count"] and p["first"] == 5, p
    c.ask("POST", PAIR + "/notices", b"".join(bulk_lines(3)), **LINES).problem(503, "keeper-gone")
    c.keeper_new()
    # the client goes: what is asked is cancelled
    s = c.connect()
    s.sendall(b"POST %s/notices HTTP/1.1\r\nHost: r\r\nContent-Type: application/x-ndjson\r\n"
              b"Content-Length: 1000000\r\n\r\n" % PAIR.encode() + bulk_lines(1)[0])
    m = c.keeper.next("Q_BULK")[0]      # a pause, and nothing is asked: sent at once
    assert m["count"] == 1
    s.close()
    assert c.keeper.next("Q_CANCEL")[0]["req"] == m["req"]


@test
def bulk_is_fast(c):
    seq = [0]

    def counting(k, name, f, fd):
        first = seq[0]
        seq[0] += f["count"]
        k.answer(f["req"], b'{"first":%d,"last":%d}' % (first, seq[0] - 1))
        return True
    c.keeper.handler = counting
    n = 20000 if SANITIZED else 300000
    text = b"".join(bulk_lines(1000, 260)) * (n // 1000)

    def cpu():
        f = pathlib.Path("/proc/%d/stat" % c.process.pid).read_text().rsplit(")", 1)[1].split()
        return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")
    before, start = cpu(), time.monotonic()
    a = c.ask("POST", PAIR + "/notices", text, seconds=120, **LINES)
    took, used = time.monotonic() - start, cpu() - before
    assert a.json()["count"] == n, a.body
    print("    %d notices of %d bytes: %.0f/s by the clock, %.0f/s of console CPU"
          % (n, len(text) // n, n / took, n / max(used, 0.01)))
    assert SANITIZED or n / max(used, 0.01) > 60000, used
    c.keeper.handler = None


# ---- events ----

class Stream:
    def __init__(self, c, last=None):
        self.s = c.connect(30)
        h = "Last-Event-ID: %s\r\n" % last if last else ""
        self.s.sendall(("GET /v1/events HTTP/1.1\r\nHost: r\r\n%s\r\n" % h).encode())
        self.f = self.s.makefile("rb")
        assert self.f.readline() == b"HTTP/1.1 200 OK\r\n"
        head = {}
        while (line := self.f.readline().strip()):
            k, v = line.decode().split(": ", 1)
            head[k.lower()] = v
        assert head["content-type"] == "text/event-stream", head
        SEEN.add(("GET", "/v1/events", 200))
        self.text = ""

    def next(self):
        """The next event: (event, id, data), or a comment"""
        while "\n\n" not in self.text:
            n = int(self.f.readline(), 16)
            self.text += self.f.read(n).decode()
            self.f.readline()
        piece, self.text = self.text.split("\n\n", 1)
        if piece.startswith(":"):
            return piece
        d = dict(line.split(": ", 1) for line in piece.split("\n"))
        return d["event"], d["id"], json.loads(d["data"])

    def event(self):
        while isinstance(got := self.next(), str):
            pass
        return got

    def close(self):
        self.f.close()
        self.s.close()


def news(c, i):
    c.keeper.send("NEWS", peer="north.example", joint=i, own=2 * i, other=3 * i,
                  what="record 가\"" if i % 2 else "line up")


@test
def events_and_resumption(c):
    a, b = Stream(c), Stream(c)
    assert a.next() == ": alive"
    for i in range(1, 6):
        news(c, i)
    ids = []
    for i in range(1, 6):
        kind, ident, data = a.event()
        ids.append(ident)
        assert kind == "news" and data == {
            "peer": "north.example", "joint": i, "own": 2 * i, "other": 3 * i,
            "what": "record 가\"" if i % 2 else "line up"}, data
        assert b.event()[1] == ident
    assert len(set(ids)) == 5
    b.close()
    # one that was asleep goes on where it was
    r = Stream(c, ids[1])
    assert [r.event()[2]["joint"] for _ in range(3)] == [3, 4, 5]
    news(c, 6)
    assert r.event()[2]["joint"] == 6
    r.close()
    # from another life, or nonsense: reset, and then what is new
    for bad in ("0000000000000000-3", "x", ids[0][:-1] + "999999", ids[0].split("-")[0] + "-"):
        r = Stream(c, bad)
        assert r.event()[0] == "reset", bad
        news(c, 7)
        assert r.event()[2]["joint"] == 7
        r.close()
    # forgotten after a thousand
    known = Stream(c)
    news(c, 8)
    first = known.event()[1]
    for i in range(1000):
        news(c, i)
    for i in range(1000):
        known.event()
    r = Stream(c, first)
    assert r.event()[0] == "news"       # the thousand after it are all kept
    r.close()
    news(c, 9)
    known.event()
    r = Stream(c, first)
    assert r.event()[0] == "reset"
    # a restarted keeper is news
    c.keeper_new()
    assert known.event()[2]["what"] == "keeper restarted"
    known.close()
    r.close()
    a.close()


@test
def event_stream_stays_alive(c):
    s = Stream(c)
    assert s.next() == ": alive"
    start = time.monotonic()
    assert s.next() == ": alive"
    assert 13 < time.monotonic() - start < 18
    s.close()


@test
def stream_that_nobody_reads(c):
    """News pass it by; it is told so, or cut; others are served."""
    s = Stream(c)
    for i in range(5000):
        news(c, i)
    a = c.later("GET", "/v1/status")
    c.keeper.answer(c.keeper.next("Q_STATUS")[0]["req"], {})
    assert a.get(timeout=10).status == 200
    while True:     # what it missed it is told in one word
        kind, _, data = s.event()
        if kind == "reset" or data["joint"] == 4999:
            break
    s.close()


# ---- the description ----

def described():
    """(method, path) -> statuses, from docs/openapi.yaml by its indentation"""
    out, path, method, inside = {}, None, None, False
    for line in (ROOT / "docs/openapi.yaml").read_text().split("\n"):
        if re.match(r"^\S", line):
            inside = line.startswith("paths:")
        if not inside:
            continue
        if m := re.match(r"^  (/\S*):$", line):
            path = m[1]
        elif m := re.match(r"^    (get|post|put|delete):$", line):
            method = (m[1].upper(), path)
            out[method] = set()
        elif m := re.match(r'^        "(\d+)":', line):
            out[method].add(int(m[1]))
    return out


def unlike_the_description():
    """What was seen in all tests and is not described, or never asked for"""
    wrong, api = [], described()
    always = {400, 405, 500, 503}
    asked = set()
    for method, target, status in sorted(SEEN):
        for (m, path) in api:
            if re.fullmatch(re.sub(r"\\{box\\}", "(in|out)", re.sub(
                    r"\\{(peer|seq|line)\\}", lambda x: {
                        "peer": "[a-z.]+", "seq": r"\d+", "line": "[a-z][a-z0-9-]*"}[x[1]],
                    re.escape(path))), target):
                if m != method:
                    ok = status == 405
                else:
                    asked.add((m, path))
                    ok = status in api[m, path] | always or (
                        target == "/v1/status" and status in (413, 431))
                if not ok and not (m != method and (method, path) in api):
                    wrong.append("%s %s answered %d" % (method, target, status))
    wrong += ["%s %s was never asked" % k for k in api if k not in asked]
    return wrong


def main():
    names = sys.argv[1:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        c = Console(pathlib.Path(directory))
        os.chmod(directory, 0o755)
        for t in TESTS:
            if names and t.__name__ not in names:
                continue
            start = time.monotonic()
            try:
                t(c)
                assert c.process.poll() is None, "the console ended"
                passed += 1
                print("ok   %s (%.1f s)" % (t.__name__, time.monotonic() - start), flush=True)
            except Exception:
                failed += 1
                print("FAIL " + t.__name__)
                traceback.print_exc(file=sys.stdout)
                if c.process.poll() is not None:
                    break
                c.keeper_new()
        status = c.stop()
        if status:
            failed += 1
            print("FAIL the console ended with", status)
    if not names:
        wrong = unlike_the_description()
        for w in wrong:
            print("FAIL openapi.yaml:", w)
        failed += bool(wrong)
        passed += not wrong
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
