#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The other end of docs/voice.md, written from the document, and the telephones
of a media engine: what one sends the other must hear.

usage: BIN=build/gcc test/system/voice_test.py
"""
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENGINE = os.path.join(os.environ.get("BIN", "build/gcc"), "test/bench/media_engine")
CALLS = 20
# what test/bench/media_key.h gives the ends a (the engine) and b (us)
THEIRS, OURS = (1, AESGCM(b"\xaa" * 32)), (2, AESGCM(b"\xbb" * 32))


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.setblocking(False)
    return s


def hear(s, ms=3000):
    """The next datagram, or None."""
    ready, _, _ = select.select([s], [], [], ms / 1000)
    return s.recv(65536) if ready else None


def rtp(seq, payload, ssrc=7, pt=8, marker=False):
    return struct.pack("!BBHII", 0x80, marker << 7 | pt, seq, seq * 160 & 0xffffffff,
                       ssrc) + payload


def frame(call, number, seq, payload, source=0, pt=8, marker=False):
    return struct.pack("!HHBBHIH", call, number & 0xffff, source, marker << 7 | pt, seq & 0xffff,
                       seq * 160 & 0xffffffff, len(payload)) + payload


def frames(plain):
    while plain:
        call, number, source, mpt, seq, ts, n = struct.unpack("!HHBBHIH", plain[:14])
        assert call and len(plain) >= 14 + n
        yield call, number, source, mpt, seq, ts, plain[14:14 + n]
        plain = plain[14 + n:]


class Exchange:
    """We, on one path."""

    def __init__(self):
        self.s, self.counter, self.highest = udp(), 0, -1

    def seal(self, plain):
        head = struct.pack("!IQ", OURS[0], self.counter)
        self.counter += 1
        return head + OURS[1].encrypt(head, plain, head)

    def say(self, plain):
        self.s.send(self.seal(plain))

    def heard(self):
        """Frames that came, probes left out; [] when none do."""
        end = time.monotonic() + 3
        while time.monotonic() < end and (d := hear(self.s)):
            assert 28 <= len(d) <= 1300, len(d)
            key, counter = struct.unpack("!IQ", d[:12])
            assert key == THEIRS[0] and counter > self.highest
            self.highest = counter
            if plain := THEIRS[1].decrypt(d[:12], d[12:], d[:12]):
                return list(frames(plain))
        return []


class Rig:
    def __enter__(self):
        self.us, self.phones = Exchange(), udp()
        for _ in range(20):         # until its ports are free
            self.first = random.randrange(10000, 30000, 100)
            trunk_port = self.first + 99
            self.engine = subprocess.Popen(
                [ENGINE, "a", str(CALLS), str(self.first), str(self.phones.getsockname()[1]),
                 str(trunk_port), str(self.us.s.getsockname()[1])],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if self.engine.stdout.readline() == "ready\n":
                self.us.s.connect(("127.0.0.1", trunk_port))
                return self
            self.engine.wait(10)
        raise OSError(f"{ENGINE} does not start")

    def __exit__(self, *_):
        self.engine.terminate()
        self.engine.wait(10)

    def say(self, call, octets):
        """From the telephone of this call, 1 to CALLS."""
        self.phones.sendto(octets, ("127.0.0.1", self.first + 2 * (call - 1)))

    def hear(self, ms=3000):
        """RTP at the telephones, RTCP left out."""
        while d := hear(self.phones, ms):
            if not 192 <= d[1] <= 223:
                b, mpt, seq, ts, ssrc = struct.unpack("!BBHII", d[:12])
                assert b == 0x80
                return mpt, seq, ts, ssrc, d[12:]
        return None


def test_station_to_trunk(r):
    for i in range(3):
        r.say(5, rtp(65534 + i & 0xffff, b"x" * 160, marker=not i))
        (f,) = r.us.heard()
        assert f[:2] == (5, i) and f[3] == (0x88 if not i else 8)
        assert f[4] == 65534 + i & 0xffff and f[6] == b"x" * 160
        source = f[2]
    r.say(5, rtp(9, b"another source", ssrc=8, pt=0))
    (f,) = r.us.heard()
    assert f[1] == 3 and f[2] == source + 1 & 0xff and f[3:5] == (0, 9) and f[5] == 9 * 160
    r.say(5, b"\x80\x08\0")             # no RTP
    r.say(5, rtp(10, b"y" * 1259, ssrc=8))      # too long for a frame
    r.say(5, rtp(11, b"z", ssrc=8))
    (f,) = r.us.heard()
    assert f[1] == 4 and f[6] == b"z"   # and no number was used up


def test_trunk_to_station(r):
    us = r.us
    us.say(frame(1, 0, 100, b"one") + frame(2, 0, 200, b"two", pt=0, marker=True))
    one, two = r.hear(), r.hear()
    assert one[:3] == (8, 100, 16000) and one[4] == b"one"
    assert two[:3] == (0x80, 200, 32000) and two[4] == b"two" and two[3] != one[3]
    us.say(frame(1, 1, 102, b"three"))
    assert r.hear()[1:2] == (102,)
    us.say(frame(1, 2, 7, b"new source", source=1))
    mpt, seq, ts, ssrc, _ = r.hear()
    assert seq == 103 and ssrc == one[3] and mpt == 0x88 and ts > 102 * 160
    us.say(frame(1, 3, 8, b"goes on", source=1))
    assert r.hear()[1:3] == (104, ts + 160)


def test_doubles_and_order(r):
    us = r.us
    us.say(frame(3, 0, 10, b"a") * 2)
    assert r.hear()[4] == b"a"
    us.say(frame(3, 2, 12, b"c"))
    us.say(frame(3, 1, 11, b"b"))       # late, but new
    us.say(frame(3, 1, 11, b"b"))
    us.say(frame(3, 130, 140, b"d"))
    us.say(frame(3, 2, 12, b"c"))       # 128 back: too old to know
    us.say(frame(3, 131, 141, b"e"))
    assert [r.hear()[4] for _ in range(4)] == [b"c", b"b", b"d", b"e"]
    # numbers go round; payloads that stand apart by half a round are told apart
    for n in (30000, 60000, 65535, 65536, 65537):
        us.say(frame(3, n, n, b"round"))
        assert r.hear()[1] == n & 0xffff
    us.say(frame(3, 65535, 65535, b"round"))
    assert r.hear(300) is None


def test_refused(r):
    us = r.us
    good = us.seal(frame(4, 0, 1, b"good"))
    for bad in (good[:-1], good[:27], b"", good[:-1] + bytes([good[-1] ^ 1]),
                struct.pack("!I", 9) + good[4:], good[:4] + b"\1" + good[5:],
                us.seal(frame(4, 0, 1, b"cut off")[:-1]), us.seal(frame(0, 0, 1, b"call 0")),
                us.seal(frame(4, 0, 1, b"whole, then not") + b"\0"),
                us.seal(frame(999, 0, 1, b"no such call"))):
        us.s.send(bad)
    us.say(b"")                         # a probe
    assert r.hear(300) is None
    us.s.send(good)
    assert r.hear()[4] == b"good"
    us.s.send(good)                     # replayed
    assert r.hear(300) is None
    first = us.seal(frame(4, 1, 2, b"old"))
    late = us.seal(frame(4, 2, 3, b"late"))
    for _ in range(1022):
        us.seal(b"")
    us.say(frame(4, 3, 4, b"new"))      # 1024 above first, 1023 above late
    us.s.send(first)
    us.s.send(late)
    assert [r.hear()[4], r.hear()[4]] == [b"new", b"late"]
    assert r.hear(300) is None


def test_bundles(r):
    """What is ready together travels together, in at most 1300 octets."""
    most = 0
    for seq in range(20):
        want = {(i + 1, seq): bytes([i, seq]) * 80 for i in range(CALLS)}
        for (call, _), payload in want.items():
            r.say(call, rtp(seq, payload, ssrc=99))
        while want:
            got = r.us.heard()
            assert got, f"{len(want)} frames did not come"
            most = max(most, len(got))
            for call, _, _, _, number, _, payload in got:
                assert want.pop((call, number)) == payload
    assert most == 7, most


def test_probes(r):
    start = time.monotonic()
    for _ in range(2):
        d = hear(r.us.s, 3000)
        assert len(d) == 28
        THEIRS[1].decrypt(d[:12], d[12:], d[:12])
    assert time.monotonic() - start > .8


failed = 0
tests = [(n, t) for n, t in globals().copy().items() if n.startswith("test_")]
for name, test in tests:
    try:
        with Rig() as rig:
            test(rig)
    except (AssertionError, InvalidTag, TypeError, ValueError, OSError) as e:
        tb = e.__traceback__
        while tb.tb_next:
            tb = tb.tb_next
        print(f"{name}: line {tb.tb_lineno}: {e!r}")
        failed += 1
print(f"voice: {len(tests) - failed} passed, {failed} failed")
sys.exit(bool(failed))
