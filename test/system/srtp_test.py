#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""SRTP and SRTCP both ways with libsrtp2 (python3-pylibsrtp), all suites.

usage: BIN=build/gcc test/system/srtp_test.py
"""
import os
import random
import struct
import subprocess
import sys

try:
    import pylibsrtp
except ImportError:
    print("srtp: python3-pylibsrtp is not installed (tools/deps.sh check)")
    print("srtp: 0 passed, 1 failed")
    sys.exit(1)

P = pylibsrtp.Policy
SUITES = {"AES_CM_128_HMAC_SHA1_80": (P.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
          "AES_CM_128_HMAC_SHA1_32": (P.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
          "AEAD_AES_128_GCM": (P.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
          "AEAD_AES_256_GCM": (P.SRTP_PROFILE_AEAD_AES_256_GCM, 44)}
BOX = os.path.join(os.environ.get("BIN", "build/gcc"), "test/system/srtp_box")
rand = random.Random(3711)


class Box:
    def __init__(self, suite, master):
        self.p = subprocess.Popen([BOX, suite, master.hex()], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def ask(self, verb, kind, octets):
        print(verb, kind, octets.hex(), file=self.p.stdin, flush=True)
        line = self.p.stdout.readline().strip()
        return None if line.startswith("errno") else bytes.fromhex(line)

    def close(self):
        self.p.stdin.close()
        return self.p.wait()


def rtp(seq, ssrc):
    """A packet with CSRCs, an extension and a payload of any size."""
    csrcs, ext = rand.choice([0, 0, 0, 3]), rand.random() < .2
    head = struct.pack("!BBHII", 0x80 | ext << 4 | csrcs, rand.choice([0, 8, 0x80, 111]),
                       seq & 0xffff, seq * 160 & 0xffffffff, ssrc)
    head += rand.randbytes(4 * csrcs)
    if ext:
        head += struct.pack("!HH", 0xbede, 2) + rand.randbytes(8)
    return head + rand.randbytes(rand.choice([0, 1, 4, 20, 160, 160, 240, 1200]))


def rtcp(ssrc):
    words = rand.choice([1, 7, 12])
    return struct.pack("!BBHI", 0x80, 201, words, ssrc) + rand.randbytes(4 * words - 4)


def session(profile, master, inbound):
    return pylibsrtp.Session(P(key=master, srtp_profile=profile,
                               ssrc_type=P.SSRC_ANY_INBOUND if inbound else P.SSRC_ANY_OUTBOUND))


def run(suite):
    profile, octets = SUITES[suite]
    master = rand.randbytes(octets)
    theirs_out, theirs_in = session(profile, master, False), session(profile, master, True)
    box = Box(suite, master)
    wrong = 0
    for ssrc, first in ((0x11223344, 64000), (0x55667788, 5)):
        for seq in range(first, first + 3000):
            p = rtp(seq, ssrc)
            wrong += theirs_in.unprotect(box.ask("seal", "rtp", p)) != p
            wrong += box.ask("open", "rtp", theirs_out.protect(p)) != p
            if seq % 20 == 0:
                p = rtcp(ssrc)
                wrong += theirs_in.unprotect_rtcp(box.ask("seal", "rtcp", p)) != p
                wrong += box.ask("open", "rtcp", theirs_out.protect_rtcp(p)) != p
    return wrong + (box.close() != 0)


failed = 0
for name in SUITES:
    try:
        bad = run(name)
    except (pylibsrtp.Error, TypeError, OSError) as e:
        bad = repr(e)
    if bad:
        print(f"{name}: {bad}")
    failed += bool(bad)
print(f"srtp: {len(SUITES) - failed} passed, {failed} failed")
sys.exit(bool(failed))
