# SPDX-License-Identifier: ISC
"""Telephones for tests of src/sip: raw SIP, so that a test says every line."""
import os
import pathlib
import random
import re
import select
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BIN", ROOT / "build/gcc"))
SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio %d RTP/AVP 0\r\n")
WAIT_S = 4.0


class Failure(Exception):
    pass


def check(ok, what):
    if not ok:
        raise Failure(what)


class Msg:
    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.decode("latin1").partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.first = lines[0]
        self.headers = [tuple(x.strip() for x in l.split(":", 1)) for l in lines[1:] if ":" in l]
        words = self.first.split(" ", 2)
        self.code = int(words[1]) if words[0] == "SIP/2.0" else 0
        self.method = "" if self.code else words[0]
        self.uri = "" if self.code else words[1]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=""):
        return (self.all(name) or [default])[0]

    @property
    def cseq(self):
        n, method = self.get("CSeq").split()
        return int(n), method

    def tag(self, name):
        m = re.search(r";tag=([^;>\s]+)", self.get(name))
        return m[1] if m else None

    def __str__(self):
        return f"{self.first} [{self.get('CSeq')}]"


class Phone:
    """One UDP (or TCP) socket.  What comes twice, octet for octet, is counted in
    `again` and not shown."""

    def __init__(self, rig, tcp=False):
        self.rig = ("127.0.0.1", rig.port)
        self.tcp = tcp
        self.sock = socket.socket(socket.AF_INET,
                                  socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        if tcp:
            self.sock.connect(self.rig)
        else:
            self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.seen, self.again, self.queue, self.buf = set(), [], [], b""

    @property
    def contact(self):
        return f"sip:p@127.0.0.1:{self.port}" + (";transport=tcp" if self.tcp else "")

    def send(self, text):
        data = text.encode("latin1") if isinstance(text, str) else text
        if self.tcp:
            self.sock.sendall(data)
        else:
            self.sock.sendto(data, self.rig)

    def _read(self, timeout):
        if not select.select([self.sock], [], [], max(0, timeout))[0]:
            return False
        data = self.sock.recv(65536)
        if not self.tcp:
            self._take(data)
            return True
        if not data:
            return False
        self.buf += data
        while b"\r\n\r\n" in self.buf:
            head = self.buf.split(b"\r\n\r\n")[0]
            n = len(head) + 4 + int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
            if len(self.buf) < n:
                break
            self._take(self.buf[:n])
            self.buf = self.buf[n:]
        return True

    def _take(self, data):
        if data in self.seen:
            self.again.append(Msg(data))
        else:
            self.seen.add(data)
            self.queue.append(Msg(data))

    def wait(self, want, timeout=WAIT_S, skip=()):
        """The next message; `want` is a method, a code, or (code, method)."""
        end = time.monotonic() + timeout
        while True:
            while self.queue:
                m = self.queue.pop(0)
                if m.code in (100,) + tuple(skip) or m.method in skip:
                    continue
                got = (m.code, m.cseq[1]) if isinstance(want, tuple) else m.code or m.method
                check(got == want, f"wanted {want}, got {m}")
                return m
            if not self._read(end - time.monotonic()) and time.monotonic() >= end:
                raise Failure(f"wanted {want}, got nothing in {timeout} s")

    def nothing(self, seconds, skip=()):
        """Nothing new comes in this time (what is asserted is an absence)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._read(end - time.monotonic())
            for m in self.queue:
                check(m.code == 100 or m.method in skip or m.code in skip, f"not wanted: {m}")
            self.queue.clear()

    def wait_again(self, want, timeout=WAIT_S):
        """A repetition comes."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for m in self.again:
                if (m.code or m.method) == want:
                    self.again.clear()
                    return m
            self._read(end - time.monotonic())
        raise Failure(f"{want} was not repeated in {timeout} s")

    def reply(self, req, code, sdp=None, extra="", tag="b", phrase="x", contact=True):
        to = req.get("To")
        if ";tag=" not in to and code > 100:
            to += f";tag={tag}"
        lines = [f"SIP/2.0 {code} {phrase}"]
        lines += [f"Via: {v}" for v in req.all("Via")]
        lines += [f"Record-Route: {v}" for v in req.all("Record-Route")]
        lines += [f"From: {req.get('From')}", f"To: {to}", f"Call-ID: {req.get('Call-ID')}",
                  f"CSeq: {req.get('CSeq')}"]
        if contact:
            lines.append(f"Contact: <{self.contact}>")
        self.send(compose(lines, sdp, extra))

    def close(self):
        self.sock.close()


def compose(lines, body, extra):
    text = "\r\n".join(lines) + "\r\n" + extra
    if body:
        text += "Content-Type: application/sdp\r\n"
    return text + f"Content-Length: {len(body or '')}\r\n\r\n{body or ''}"


class Leg:
    """A dialog of a telephone: as caller (to) or as callee (invite)."""

    def __init__(self, phone, to=None, invite=None, tag="b"):
        self.p, self.cseq = phone, random.randrange(1, 1000)
        if invite:
            self.callid, self.target = invite.get("Call-ID"), contact_uri(invite)
            to_now = invite.get("To")
            self.local = to_now if ";tag=" in to_now else f"{to_now};tag={tag}"
            self.remote = invite.get("From")
        else:
            self.callid = f"{random.getrandbits(64):x}"
            self.target = f"sip:{to}@127.0.0.1:{phone.rig[1]}"
            self.local = f"<sip:p@127.0.0.1:{phone.port}>;tag=a{random.getrandbits(32):x}"
            self.remote = f"<{self.target}>"
        self.branch = self.invite_cseq = None

    def request(self, method, sdp=None, extra="", cseq=None, branch=None, type_=None, body=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        self.branch = branch or f"z9hG4bK{random.getrandbits(64):x}"
        if method == "INVITE":
            self.invite_cseq, self.invite_branch = cseq, self.branch
        tp = "TCP" if self.p.tcp else "UDP"
        lines = [f"{method} {self.target} SIP/2.0",
                 f"Via: SIP/2.0/{tp} 127.0.0.1:{self.p.port};branch={self.branch};rport",
                 "Max-Forwards: 70", f"From: {self.local}", f"To: {self.remote}",
                 f"Call-ID: {self.callid}", f"CSeq: {cseq} {method}",
                 f"Contact: <{self.p.contact}>"]
        if type_:
            text = "\r\n".join(lines) + f"\r\n{extra}Content-Type: {type_}\r\n"
            self.p.send(text + f"Content-Length: {len(body)}\r\n\r\n{body}")
        else:
            self.p.send(compose(lines, sdp, extra))

    def learn(self, m):
        """From a response with a To tag."""
        self.remote = m.get("To")
        if m.get("Contact"):
            self.target = contact_uri(m)
        return m

    def ack(self, sdp=None):
        self.request("ACK", sdp, cseq=self.invite_cseq)

    def ack_failure(self):
        self.request("ACK", cseq=self.invite_cseq, branch=self.invite_branch)

    def cancel(self, extra=""):
        self.request("CANCEL", cseq=self.invite_cseq, branch=self.invite_branch, extra=extra)


def contact_uri(m):
    return re.search(r"<([^>]+)>", m.get("Contact"))[1]


class Rig:
    """sip_rig with routes; `with Rig(...) as rig`."""

    def __init__(self, *args):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 0))
        self.port, self.args = s.getsockname()[1], args
        s.close()

    def start(self, **routes):
        args = [f"{n[1:]}={','.join(p.contact if isinstance(p, Phone) else p for p in v)}"
                for n, v in routes.items()]
        self.proc = subprocess.Popen(
            [BIN / "test/system/sip_rig", "-p", str(self.port), *self.args, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.proc.stdout.readline()
        check(line == "ready\n", f"sip_rig said {line!r}")
        return self

    def stop(self):
        """Its last line, as a dict."""
        self.proc.stdin.close()
        last = self.proc.stdout.read()
        code = self.proc.wait(timeout=10)
        check(code == 0, f"sip_rig ended with {code}")
        return {k: int(v) for k, v in (w.split("=") for w in last.split())}


def run(tests, by_name=()):
    only = sys.argv[1:]
    passed = failed = 0
    for t in [*tests, *(t for t in by_name if t.__name__ in only)]:
        if only and t.__name__ not in only:
            continue
        try:
            t()
            passed += 1
        except (Failure, OSError, subprocess.SubprocessError, AttributeError,
                IndexError, ValueError, TypeError) as e:
            tb, where = e.__traceback__, 0
            while tb:
                if tb.tb_frame.f_code.co_filename == t.__code__.co_filename:
                    where = tb.tb_lineno
                tb = tb.tb_next
            print(f"{t.__name__}: line {where}: {type(e).__name__}: {e}")
            failed += 1
    print(f"sip: {passed} passed, {failed} failed")
    sys.exit(failed > 0)
