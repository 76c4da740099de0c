#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Calls in a running rtpengine, by its ng protocol, for media.sh.

usage: rtpengine_calls.py NG_PORT CALLS A_PORT B_PORT > TABLE

A call is between telephones at 127.0.0.1 A_PORT and B_PORT; a line of the table
has the two ports of rtpengine that they are to send to.
"""
import re
import socket
import sys

NG, CALLS, A, B = map(int, sys.argv[1:5])
SDP = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio {} RTP/AVP 8\r
"""


def bencode(v):
    if isinstance(v, dict):
        return b"d" + b"".join(bencode(k) + bencode(v[k]) for k in sorted(v)) + b"e"
    if isinstance(v, list):
        return b"l" + b"".join(map(bencode, v)) + b"e"
    return b"%d:%s" % (len(v), v.encode())


def ask(sock, n, command):
    """The port in the SDP that comes back."""
    sock.send(b"%d " % n + bencode({"ICE": "remove", "replace": ["origin"], **command}))
    reply = sock.recv(65536).decode()
    port = re.search(r"m=audio (\d+) ", reply)
    if not port:
        sys.exit(f"rtpengine: {reply}")
    return int(port[1])


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(("127.0.0.1", NG))
    s.settimeout(5)
    for i in range(CALLS):
        call = {"call-id": f"bench-{i}", "from-tag": f"a{i}"}
        to_b = ask(s, 2 * i, {**call, "command": "offer", "sdp": SDP.format(A)})
        to_a = ask(s, 2 * i + 1, {**call, "command": "answer", "to-tag": f"b{i}",
                                  "sdp": SDP.format(B)})
        # each telephone sends to the port that was told to it
        print(to_a, to_b)
