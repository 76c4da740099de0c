#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Load on an exchange through its API, with microsecond stamps.

usage: load.py SOCKET PEER single SECONDS | senders N SECONDS | bulk SECONDS
       | fill COUNT | acked | document MIB
Each sender keeps one connection and waits for its own confirmation: durable and
cosigned at both ends, body held at the other.  fill: entries that are stored
here alone; acked: wait until the other end has all.
"""
import http.client
import json
import os
import socket
import sys
import threading
import time


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('ringdown', timeout=600)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def post(conn, url, body, kind, **more):
    conn.request('POST', url, body, {'Content-Type': kind, **more})
    answer = conn.getresponse()
    text = answer.read()
    if answer.status >= 300:
        sys.exit(f'{answer.status}: {text.decode()}')
    return text


def sender(path, peer, until, size, out):
    conn = Unix(path)
    body = json.dumps({'subject': 'load', 'text': 'x' * (size - 1) + '\n',
                       'wait': 'held'})
    while time.monotonic() < until:
        t = time.monotonic_ns()
        post(conn, f'/v1/pairs/{peer}/notices', body, 'application/json')
        out.append((time.monotonic_ns() - t) / 1e6)


def senders(path, peer, n, seconds, size):
    out = []
    start = time.monotonic()
    threads = [threading.Thread(target=sender, args=(path, peer,
                                                     start + seconds, size, out))
               for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - start
    out.sort()
    print(f'senders {n} bytes {size} count {len(out)} rate {len(out) / took:.0f}/s '
          f'p50 {out[len(out) // 2]:.2f} ms p99 {out[len(out) * 99 // 100]:.2f} ms')


def bulk(path, peer, seconds):
    """One call; lines of 300-byte notices until the time is over."""
    line = json.dumps({'subject': 'bulk', 'text': 'y' * 299 + '\n'}).encode() + b'\n'
    block = line * 200
    count = [0]

    def lines(until):
        while time.monotonic() < until:
            count[0] += 200
            yield block

    conn = Unix(path)
    start = time.monotonic()
    conn.request('POST', f'/v1/pairs/{peer}/notices?wait=held',
                 lines(start + seconds),
                 {'Content-Type': 'application/x-ndjson',
                  'Transfer-Encoding': 'chunked'}, encode_chunked=True)
    answer = conn.getresponse()
    text = answer.read().decode()
    took = time.monotonic() - start
    if answer.status >= 300:
        sys.exit(f'{answer.status}: {text}')
    print(f'bulk count {count[0]} seconds {took:.1f} rate {count[0] / took:.0f}/s')


def fill(path, peer, count):
    line = json.dumps({'subject': 'fill', 'text': 'z' * 299 + '\n'}).encode() + b'\n'
    conn = Unix(path)
    start = time.monotonic()
    conn.request('POST', f'/v1/pairs/{peer}/notices?wait=stored',
                 (line * 200 for _ in range(count // 200)),
                 {'Content-Type': 'application/x-ndjson',
                  'Transfer-Encoding': 'chunked'}, encode_chunked=True)
    answer = conn.getresponse()
    text = answer.read().decode()
    if answer.status >= 300:
        sys.exit(f'{answer.status}: {text}')
    print(f'fill count {count} seconds {time.monotonic() - start:.1f}')


def get(conn, url):
    conn.request('GET', url)
    return json.loads(conn.getresponse().read())


def acked(path, peer):
    conn = Unix(path)
    while True:
        own = next(p for p in get(conn, '/v1/status')['pairs'] if p['peer'] == peer)['own']
        if own['acked'] == own['size']:
            return
        time.sleep(0.02)


def document(path, peer, mib):
    """Both halves: from the client into the store here, from there to the other end."""
    conn = Unix(path)
    body = os.urandom(1 << 20) * mib
    start = time.monotonic()
    seq = json.loads(post(
        conn, f'/v1/pairs/{peer}/documents?subject=big&name=big.bin&wait=stored',
        body, 'application/octet-stream'))['seq']
    stored = time.monotonic()
    while 'held' not in get(conn, f'/v1/pairs/{peer}/out/{seq}')['states']:
        time.sleep(0.005)
    held = time.monotonic()
    print(f'document {mib} MiB stored here {mib / (stored - start):.0f} MiB/s, '
          f'from there durable at the other end {mib / (held - stored):.0f} MiB/s')


def main():
    path, peer, what = sys.argv[1:4]
    if what == 'single':
        senders(path, peer, 1, float(sys.argv[4]), 300)
    elif what == 'senders':
        senders(path, peer, int(sys.argv[4]), float(sys.argv[5]), 1024)
    elif what == 'bulk':
        bulk(path, peer, float(sys.argv[4]))
    elif what == 'fill':
        fill(path, peer, int(sys.argv[4]))
    elif what == 'acked':
        acked(path, peer)
    elif what == 'document':
        document(path, peer, int(sys.argv[4]))
    else:
        sys.exit(__doc__)


main()
