#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""make_corpus.py  Write the corpus of dossiers: test/data/dossiers

usage: make_corpus.py DIRECTORY           write the corpus
       make_corpus.py --bench N DIRECTORY  write one dossier of N entries
       make_corpus.py --proofs DIRECTORY   write proofs out of one story

Keys, nonces and times follow from names alone, so the same bytes come out each
time. Each case is NAME/dossier/, NAME/expect (exit code, verdict line) and
sometimes NAME/cards/, the cards to be given.
"""

import base64
import datetime
import hashlib
import os
import re
import shutil
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

EMPTY = hashlib.sha256(b'').digest()
START = 1795424400      # 2026-11-23T09:00:00Z


def sha(b):
    return hashlib.sha256(b).digest()


def b64(b):
    return base64.b64encode(b).decode()


def merkle(leaves):
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b'\1' + merkle(leaves[:k]) + merkle(leaves[k:]))


def root(entries):
    return merkle([sha(b'\0' + e) for e in entries])


def consistency(m, leaves, whole=True):
    n = len(leaves)
    if m == n:
        return [] if whole else [merkle(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return consistency(m, leaves[:k], whole) + [merkle(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [merkle(leaves[:k])]


class Key:
    def __init__(self, label):
        self.sk = Ed25519PrivateKey.from_private_bytes(sha(label.encode()))
        self.pub = self.sk.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def kid(name, kind, pub):
    return sha(name.encode() + b'\n' + bytes([kind]) + pub)[:4]


def vkey(name, kind, pub):
    raw = b64(bytes([kind]) + pub)
    return f'{name}+{kid(name, kind, pub).hex()}+{raw}'


def ts(ms):
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return f'{t:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z'


class Side:
    def __init__(self, host, label):
        self.host = host
        self.log, self.cosigner, self.trunk, self.next = (
            Key(f'{label} {x}') for x in ('log', 'cosigner', 'trunk', 'next'))
        self.address = ['192.0.2.1:7411']
        self.feed = []
        self.held = 0           # entries of the other side delivered here
        self.card_text = None

    def card(self):
        if self.card_text is not None:
            return self.card_text
        lines = ['ringdown-card/v1', f'name {self.host}',
                 f'log {b64(self.log.pub)}',
                 f'cosigner {b64(self.cosigner.pub)}',
                 f'trunk {b64(self.trunk.pub)}',
                 f'next sha256:{sha(self.next.pub).hex()}',
                 f'serial {sha(self.host.encode())[:16].hex()}']
        lines += [f'address {a}' for a in self.address]
        return ('\n'.join(lines) + '\n').encode()

    def whole_card(self):
        text = self.card() + f'share {b64(sha(b"share"))}\n'.encode()
        return text + f'check {sha(text)[:4].hex()}\n'.encode()


class World:
    """Two sides and what they write; `p` is the pivot, `q` the other."""

    def __init__(self, pivot='south.example', hosts=None):
        hosts = hosts or ('north.example', 'south.example')
        for i in range(100):
            sides = [Side(h, f'{h} {i}') for h in hosts]
            sides.sort(key=lambda s: s.log.pub)
            if sides[0].host == pivot:
                break
        self.p, self.q = sides
        self.now = START * 1000
        self.number = 0
        self.cosigned, self.idle = {}, {}
        self.own_lines = True
        self.joint = None
        self.blob = {}
        self.extra = {}
        self.side = self.p
        self.given = []

    def other(self, s):
        return self.q if s is self.p else self.p

    def names(self):
        lo, hi = self.p.card(), self.q.card()
        gen = sha(b'ringdown-gen/v1\n' + len(lo).to_bytes(4, 'big') + lo +
                  len(hi).to_bytes(4, 'big') + hi + bytes(8)).hex()[:32]
        a, b = sorted([self.p.host, self.q.host])
        self.joint_origin = f'ringdown/{a}/{b}/{gen}'
        for s in (self.p, self.q):
            s.origin = f'{s.host}/ringdown/{self.other(s).host}/{gen}'

    def tick(self, ms=1000):
        self.now += ms

    def deliver(self, *to):
        for s in to or (self.p, self.q):
            s.held = len(self.other(s).feed)

    def open_fields(self, s):
        o, pairing = self.other(s), self.p.card() + self.q.card()
        return [('peer', o.origin),
                ('agreement', f'sha256:{sha(pairing).hex()} {len(pairing)}'),
                ('pivot', self.p.origin),
                ('log-key', vkey(s.origin, 1, s.log.pub)),
                ('cosigner-key', vkey(s.host + '/ringdown/cosigner', 4,
                                      s.cosigner.pub)),
                ('next-key', 'sha256:' + sha(s.next.pub).hex())]

    def put(self, s, kind, fields=(), text='', time=None, seen=None,
            seen_root=None, seq=None, log=None):
        self.number += 1
        self.tick()
        seen = s.held if seen is None else seen
        if seen_root is None:
            seen_root = root(self.other(s).feed[:seen])
        lines = ['ringdown-entry/v1', f'log {log or s.origin}',
                 f'seq {len(s.feed) if seq is None else seq}',
                 f'time {ts(self.now if time is None else time)}',
                 f'seen {seen} {b64(seen_root)}',
                 f'nonce {sha(b"nonce %d" % self.number)[:16].hex()}',
                 f'type {kind}']
        lines += [f'{k} {v}' for k, v in fields]
        s.feed.append(('\n'.join(lines) + '\n\n' + text).encode())
        return len(s.feed) - 1

    def alter(self, s, i, old, new):
        """Change bytes of an entry in place, before anything covers it."""
        assert s.feed[i].count(old) >= 1, (old, s.feed[i])
        s.feed[i] = s.feed[i].replace(old, new, 1)

    def open(self):
        self.names()
        for s in (self.p, self.q):
            self.put(s, 'open', self.open_fields(s))
            self.deliver()

    def notice(self, s, ident, content=None, subject='Test of the line',
               size=None, kind='notice'):
        blob = sha(b'salt ' + ident.encode()) + (content or b'A notice.\n')
        name = sha(blob).hex()
        self.blob[name] = blob
        fields = [('id', ident), ('by', 'duty officer'),
                  ('precedence', 'routine'), ('subject', subject)]
        if kind == 'document':
            fields.append(('name', 'annex.txt'))
        fields.append(('blob', f'sha256:{name} {size or len(blob)} '
                               'text/plain'))
        self.put(s, kind, fields)
        return name

    def mini(self):
        """Opened, one notice, acknowledged; all is placed."""
        self.open()
        self.notice(self.p, 'P-1')
        self.deliver()
        self.put(self.q, 'receipt', [('state', 'held'), ('of', '1 1')])
        self.deliver()
        self.put(self.p, 'ack')
        self.deliver()
        return self

    def story(self):
        self.open()
        p, q = self.p, self.q
        for s in (p, q):
            self.put(s, 'line', [('state', 'up'), ('offset-ms', '-12'),
                                 ('rtt-ms', '31')])
            self.deliver()
        self.notice(p, 'P-1')
        self.deliver()
        self.put(q, 'receipt', [('state', 'held'), ('of', '2 2'),
                                ('by', 'Ødegård, vakt')])
        self.notice(q, 'Q-1', b'An annex.\n', kind='document')
        self.deliver()
        self.put(p, 'receipt', [('state', 'printed'), ('of', '3 3')])
        self.put(p, 'fault', [('kind', 'printer'), ('detail', 'no paper')])
        self.deliver()
        self.put(q, 'ack')
        self.deliver()
        self.put(p, 'ack')
        self.deliver()
        self.tick()
        self.sign_all()
        return self

    def sign_all(self):
        t = self.now // 1000
        for s in (self.p, self.q):
            self.cosigned[s] = self.note(s, len(s.feed), cosig=t)
            self.idle[s] = self.note(s, len(s.feed), cosig=t + 60)
        self.joint = self.joint_note()

    # -- notes --
    def line(self, name, kind, pub, sig):
        return f'— {name} {b64(kid(name, kind, pub) + sig)}\n'

    def log_line(self, s, body, origin=None):
        name = origin or s.origin
        return self.line(name, 1, s.log.pub, s.log.sk.sign(body.encode()))

    def cosig(self, s, body, t):
        msg = f'cosignature/v1\ntime {t}\n{body}'.encode()
        return self.line(s.host + '/ringdown/cosigner', 4, s.cosigner.pub,
                         t.to_bytes(8, 'big') + s.cosigner.sk.sign(msg))

    def body(self, origin, size, r):
        return f'{origin}\n{size}\n{b64(r)}\n'

    def note(self, s, size, r=None, log=True, own=None, cosig=None, lines=''):
        """A feed's note: the author's lines, the other's cosignature."""
        r = root(s.feed[:size]) if r is None else r
        body = self.body(s.origin, size, r)
        text = body + '\n'
        if log:
            text += self.log_line(s, body)
        if own is not None:
            text += self.cosig(s, body, own)
        if cosig is not None:
            text += self.cosig(self.other(s), body, cosig)
        return (text + lines).encode()

    def order(self, n=None):
        out, j = [], 0
        for e in self.p.feed[:n]:
            seen = int(e.split(b'\nseen ')[1].split(b' ')[0])
            out += self.q.feed[j:seen]
            j = max(j, seen)
            out.append(e)
        return out

    def joint_note(self, n=None, size=None, r=None, t=None, both=True):
        entries = self.order(n)
        body = self.body(self.joint_origin,
                         len(entries) if size is None else size,
                         root(entries) if r is None else r)
        text = body + '\n' + self.log_line(self.p, body, self.joint_origin)
        if both:
            for s in (self.p, self.q):
                text += self.cosig(s, body, t or self.now // 1000)
        return text.encode()

    # -- export --
    def files(self):
        self.names()
        f = {'dossier': f'ringdown-dossier/v1\nside {self.side.host}\n'
                        .encode()}
        for s in (self.p, self.q):
            f['card.' + s.host] = s.card()
            name = 'feed.' + s.host
            f[name] = b''.join(len(e).to_bytes(2, 'big') + e for e in s.feed)
            if s.feed:
                own = self.now // 1000 if self.own_lines else None
                f[name + '.checkpoint'] = self.note(s, len(s.feed), own=own)
            if s in self.cosigned:
                f[name + '.cosigned'] = self.cosigned[s]
            if s in self.idle:
                f[name + '.idle'] = self.idle[s]
        if self.joint:
            f['joint.checkpoint'] = self.joint
        for name, b in self.blob.items():
            f['blob/' + name] = b
        f.update(self.extra)
        return {k: v for k, v in f.items() if v is not None}


CASES = {}


def case(name, expect, **kw):
    def add(fn):
        assert name not in CASES, name
        CASES[name] = (fn, expect, kw)
        return fn
    return add


def fork_file(w, s, one, two, origin=None, prefix=None, proof=None,
              cosig=(None, None), log=(True, True)):
    """Fork proof of two histories, lists of entries, len(one) <= len(two)."""
    leaves = [sha(b'\0' + e) for e in two]
    notes = []
    for entries, t, signed in zip((one, two), cosig, log):
        body = w.body(origin or s.origin, len(entries), root(entries))
        text = body + '\n'
        if signed:
            text += w.log_line(s, body, origin)
        else:
            text += w.cosig(s, body, 1)
        if t is not None:
            text += w.cosig(w.other(s), body, t)
        notes.append(text.encode())
    if proof is None:
        proof = consistency(len(one), leaves)
    prefix = merkle(leaves[:len(one)]) if prefix is None else prefix
    head = (f'ringdown-fork/v1\nfirst {len(notes[0])}\n'
            f'second {len(notes[1])}\nprefix {b64(prefix)}\n'
            f'proof {len(proof)}\n' + ''.join(b64(h) + '\n' for h in proof))
    return head.encode() + notes[0] + notes[1]


def restored(w, s, size=None, r=None, t=None, signer=None, frm=1):
    """A restore entry at the end of a feed."""
    n = len(s.feed)
    size = n if size is None else size
    r = root(s.feed[:size]) if r is None else r
    t = w.now // 1000 if t is None else t
    body = w.body(s.origin, size, r)
    msg = f'cosignature/v1\ntime {t}\n{body}'.encode()
    sig = (signer or w.other(s)).cosigner.sk.sign(msg)
    w.put(s, 'restore', [('from', frm), ('to', f'{size} {b64(r)}'),
                         ('attest', f'{t} {b64(sig)}')])
    return t


# ---- good ----------------------------------------------------------------

@case('good-empty', 'trusted')
def _(w):
    pass


@case('good-empty-signed', 'trusted')
def _(w):
    w.names()
    for s in (w.p, w.q):
        w.extra[f'feed.{s.host}.checkpoint'] = w.note(s, 0)
    w.joint = w.joint_note()


@case('good-one-sided', 'trusted')
def _(w):
    w.names()
    w.put(w.p, 'open', w.open_fields(w.p))
    w.notice(w.p, 'P-1')


@case('good-one-sided-hi', 'trusted')
def _(w):
    w.names()
    w.put(w.q, 'open', w.open_fields(w.q))
    w.notice(w.q, 'Q-1')
    w.side = w.q


@case('good-pivot-south', 'trusted')
def _(w):
    w.story()


@case('good-pivot-north', 'trusted', pivot='north.example')
def _(w):
    w.story()
    w.side = w.q


@case('good-long-hosts', 'trusted', pivot='0' + 'a.-b' * 15 + 'zz',
      hosts=('0' + 'a.-b' * 15 + 'zz', 'x'))
def _(w):
    w.mini()


@case('good-crossing', 'trusted')
def _(w):
    w.story()
    for i in range(12):
        w.notice(w.p, f'P-cut-{i}')
        for _ in range(i % 3):
            w.notice(w.q, f'Q-cut-{i}-{_}')
    w.deliver(w.q)
    w.put(w.q, 'ack')
    w.deliver()
    w.put(w.p, 'ack')
    w.deliver()
    w.sign_all()
    w.blob = {}


@case('good-unplaced', 'trusted')
def _(w):
    w.story()
    for i in range(3):
        w.put(w.q, 'line', [('state', 'down')])


@case('good-not-acknowledged', 'trusted')
def _(w):
    w.story()
    for i in range(3):
        w.put(w.p, 'line', [('state', 'down')])


@case('good-unknown-types', 'trusted')
def _(w):
    w.mini()
    w.put(w.p, 'call-offer', [('to', 'watch'), ('sdp', 'x')])
    w.put(w.p, 'weather', text='cloudy\n\nlater fair\n')
    w.put(w.p, 'ack', [('extra', 'field')])
    w.put(w.p, 'line', [('state', 'sideways')])
    w.put(w.p, 'line', [('state', 'up'), ('offset-ms', '-0')])
    w.put(w.p, 'receipt', [('state', 'held'), ('of', '2 1')])
    w.put(w.p, 'fault', [('kind', 'clock'), ('detail', 'no times')])
    w.put(w.p, 'notice', [('id', 'bad id'), ('by', 'x')])
    w.put(w.p, 'refuse', [('of', '1 1'), ('of', '1 1'), ('reason', 'twice')])
    w.put(w.p, 'line', [('rtt-ms', '5'), ('state', 'up')])
    w.deliver()
    w.put(w.q, 'refuse', [('of', '3 12'), ('reason', 'not-understood')])
    w.deliver()
    w.put(w.p, 'ack')


@case('good-restore', 'trusted')
def _(w):
    w.mini()
    w.tick()
    restored(w, w.p)
    w.deliver()
    restored(w, w.q)
    w.deliver()
    w.put(w.p, 'ack')
    w.deliver()
    w.put(w.q, 'ack')
    w.deliver()
    w.sign_all()


@case('good-withheld', 'trusted')
def _(w):
    w.story()
    w.blob = {}


@case('good-withheld-one', 'trusted')
def _(w):
    w.story()
    w.blob.popitem()


@case('good-blob-two-sizes', 'trusted')
def _(w):
    w.mini()
    name = w.notice(w.p, 'P-2', size=7)
    w.put(w.p, 'notice', [('id', 'P-3'), ('by', 'x'), ('precedence', 'flash'),
                          ('subject', 'y'), ('blob', f'sha256:{name} '
                           f'{len(w.blob[name])} application/x')])


@case('good-clock-fault', 'trusted')
def _(w):
    w.mini()
    w.now += 10 * 365 * 86400 * 1000
    w.put(w.p, 'line', [('state', 'up')])
    was = w.now
    w.now = START * 1000 + 3600_000
    w.put(w.p, 'fault', [('kind', 'clock'), ('was', ts(was)),
                         ('now', ts(w.now + 1000))])
    w.deliver()
    w.put(w.q, 'ack')
    w.deliver()


@case('good-clock-cosigned', 'trusted')
def _(w):
    """An own cosignature of the wrong time, and the fault that explains it."""
    w.mini()
    t = w.now // 1000 + 10 * 365 * 86400
    w.cosigned[w.p] = w.note(w.p, 3, own=t, cosig=w.now // 1000)
    w.put(w.p, 'fault', [('kind', 'clock'), ('was', ts(w.now)),
                         ('now', ts(w.now + 1000))])
    w.put(w.p, 'line', [('state', 'up')])


@case('good-cards-whole', 'trusted')
def _(w):
    w.story()
    w.given = [w.p.whole_card(), w.q.whole_card()]


@case('good-cards-public', 'trusted')
def _(w):
    w.story()
    w.given = [w.q.card(), w.p.whole_card()]


@case('good-card-one', 'trusted')
def _(w):
    w.story()
    w.given = [w.q.card()]


@case('good-foreign-lines', 'trusted')
def _(w):
    w.story()
    k = Key('a witness')
    body = w.body(w.p.origin, len(w.p.feed), root(w.p.feed))
    lines = (w.line('witness.example/w1', 4, k.pub,
                    (7).to_bytes(8, 'big') + k.sk.sign(b'whatever')) +
             # a known name with another key's ID, and the reverse
             w.line(w.p.origin, 1, k.pub, bytes(64)) +
             w.line('north.example/ringdown/cosigner', 4, k.pub, bytes(72)) +
             f'— someone {b64(kid(w.p.origin, 1, w.p.log.pub) + bytes(64))}\n'
             f'— ml-dsa.example {b64(bytes(2432))}\n— x AAAAAAA=\n')
    assert body
    w.extra[f'feed.{w.p.host}.checkpoint'] = w.note(w.p, len(w.p.feed),
                                                    lines=lines)


@case('good-sixteen-lines', 'trusted')
def _(w):
    w.mini()
    w.extra[f'feed.{w.q.host}.checkpoint'] = w.note(
        w.q, len(w.q.feed), lines=''.join(f'— w{i} AAAAAAA=\n'
                                          for i in range(15)))


@case('good-largest-entry', 'trusted')
def _(w):
    w.mini()
    i = w.put(w.p, 'essay', [(f'f{k}', 'v' * 100) for k in range(64)])
    w.p.feed[i] += b'x' * (49151 - len(w.p.feed[i])) + b'\n'
    assert len(w.p.feed[i]) == 49152
    w.put(w.p, 'essay', [('v', 'w' * 1024), ('a' + 'b-9' * 10 + 'c', 'x')])


@case('good-unicode', 'trusted')
def _(w):
    w.mini()
    w.notice(w.p, 'P-2', subject='høring \u0080 \U0010ffff \ue000 \ud7ff '
             '"quoted" \\')
    w.put(w.p, 'essay', [('v', '\u00a0x\u00a0')], text='\n\n\u2028\n')


@case('good-leap-day', 'trusted')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')],
          time=int(datetime.datetime(2028, 2, 29, 23, 59, 59, 999000,
                   tzinfo=datetime.timezone.utc).timestamp() * 1000))
    w.put(w.p, 'line', [('state', 'up')], time=253402300799999)
    w.own_lines = False


@case('good-first-years', 'trusted')
def _(w):
    w.now = 0
    w.mini()


@case('good-idle-boundary', 'trusted')
def _(w):
    w.mini()
    w.now += 1000
    w.put(w.p, 'line', [('state', 'up')])
    w.idle[w.p] = w.note(w.p, 3, cosig=w.now // 1000 + 300)


@case('good-idle-answered', 'trusted')
def _(w):
    """The idle note is of a smaller tree, but a larger one was cosigned."""
    w.mini()
    w.put(w.p, 'line', [('state', 'up')])
    w.deliver()
    w.put(w.q, 'ack')
    w.idle[w.p] = w.note(w.p, 3, cosig=w.now // 1000 + 400)
    w.cosigned[w.p] = w.note(w.p, 4, cosig=w.now // 1000 + 401)


@case('good-backdated-boundary', 'trusted')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], time=w.now + 1000)
    w.cosigned[w.p] = w.note(w.p, 3, own=(w.now) // 1000,
                             cosig=w.now // 1000)


@case('good-joint-older', 'trusted')
def _(w):
    w.story()
    w.joint = w.joint_note(3)


@case('good-joint-bare', 'trusted')
def _(w):
    w.story()
    w.joint = w.joint_note(both=False)


@case('good-cosigned-no-log-line', 'trusted')
def _(w):
    w.story()
    w.cosigned[w.q] = w.note(w.q, 3, log=False, cosig=w.now // 1000)


@case('good-addresses', 'trusted')
def _(w):
    w.p.address = []
    w.q.address = ['[2001:db8::1]:7411', '[::ffff:192.0.2.1]:1',
                   '255.255.255.255:65535', '0.0.0.0:80', '[::]:7',
                   '10.0.0.1:7411', '10.0.0.2:7411', '10.0.0.3:7411']
    w.mini()


@case('good-trailing-acks', 'trusted')
def _(w):
    """An ack needs no ack: cosigned without being seen."""
    w.mini()
    w.put(w.p, 'ack')
    w.put(w.p, 'ack', [('not', 'understood')])
    w.sign_all()


# ---- 1: shape ------------------------------------------------------------

def broken(name, expect, change, **kw):
    """A story with its files changed."""
    def make(w):
        w.story()
        change(w)
    case(name, expect, **kw)(make)


def extra(name, expect, files, **kw):
    broken(name, expect, lambda w: w.extra.update(
        files(w) if callable(files) else files), **kw)


extra('unbound-file', 'invalid unbound README', {'README': b'hello\n'})
extra('unbound-first', 'invalid unbound blob/zz',
      {'notes': b'', 'blob/zz': b'', 'proof/x': b''})
extra('unbound-hidden', 'invalid unbound .lock', {'.lock': b''})
extra('unbound-feed', 'invalid unbound feed.west.example',
      {'feed.west.example': b''})
extra('unbound-suffix', 'invalid unbound feed.north.example.old',
      {'feed.north.example.old': b''})
extra('unbound-card-name', 'invalid unbound card.-x', {'card.-x': b''})
extra('unbound-card-idle', 'invalid unbound card.a.idle', {'card.a.idle': b''})
extra('unbound-blob-case', 'invalid unbound blob/' + 'A' * 64,
      {'blob/' + 'A' * 64: b''})
extra('unbound-proof', 'invalid unbound proof/1234567890.fork',
      {'proof/1234567890.fork': b''})
extra('unbound-space', r'invalid unbound a\x20b\x5cc', {'a b\\c': b''})
extra('unbound-link', 'invalid unbound joint.checkpoint',
      {'joint.checkpoint': ('link', 'dossier')})
extra('unbound-blob-file', 'invalid unbound proof', {'proof': b''})
extra('unbound-directory', 'invalid unbound card.x',
      {'card.x/y': b''})
extra('unbound-blob', 'invalid unbound blob/' + sha(b'stray').hex(),
      {'blob/' + sha(b'stray').hex(): b'stray'})
extra('missing-dossier', 'invalid missing dossier', {'dossier': None})
extra('missing-card', 'invalid missing card',
      {'card.north.example': None, 'feed.north.example': None,
       'feed.north.example.checkpoint': None,
       'feed.north.example.cosigned': None, 'feed.north.example.idle': None})
extra('missing-card-three', 'invalid missing card', {'card.west': b''})
extra('missing-feed', 'invalid missing feed.north.example',
      {'feed.north.example': None})
extra('missing-checkpoint', 'invalid missing feed.south.example.checkpoint',
      {'feed.south.example.checkpoint': None})
extra('syntax-dossier-large', 'invalid syntax dossier',
      {'dossier': b'ringdown-dossier/v1\nside south.example\n'.ljust(201,
                                                                     b'\n')})
extra('syntax-note-large', 'invalid syntax feed.north.example.idle',
      {'feed.north.example.idle': b'x' * 16385, 'dossier': b'',
       'joint.checkpoint': b'x' * 16385})
extra('syntax-fork-large', 'invalid syntax proof/1.fork',
      {'proof/1.fork': b'x' * 65537})

# ---- 2: cards ------------------------------------------------------------

N, S = 'north.example', 'south.example'     # by default S is the pivot


def card_case(name, change, host=N):
    def files(w):
        s = w.p if w.p.host == host else w.q
        return {'card.' + host: change(s)}
    extra('syntax-card-' + name, 'invalid syntax card.' + host, files)


def sub(old, new):
    return lambda s: s.card().replace(old, new, 1)


card_case('crlf', lambda s: s.card().replace(b'\n', b'\r\n'))
card_case('whole', lambda s: s.whole_card())
card_case('name', sub(b'name north', b'name worth'))
card_case('empty', lambda s: b'')
card_case('cut', lambda s: s.card()[:-1])
card_case('base64', lambda s: s.card().replace(
    b64(s.trunk.pub).encode(), b64(s.trunk.pub)[:42].encode() +
    bytes([b64(s.trunk.pub)[42].encode()[0] + 1]) + b'='))
card_case('order', lambda s: s.card().replace(b'\nlog ', b'\nx ').replace(
    b'\ncosigner ', b'\nlog ').replace(b'\nx ', b'\ncosigner '))
card_case('port', sub(b':7411', b':0'))
card_case('port-large', sub(b':7411', b':65536'))
card_case('port-zero', sub(b':7411', b':07411'))
card_case('address', sub(b'192.0.2.1', b'192.0.2.256'))
card_case('address-name', sub(b'192.0.2.1', b'host.example'))
card_case('address-bracket', sub(b'192.0.2.1', b'[192.0.2.1]'))
card_case('nine-addresses', lambda s: s.card() +
          b'address 192.0.2.1:7411\n' * 8)
card_case('keys-own', lambda s: s.card().replace(
    b64(s.trunk.pub).encode(), b64(s.log.pub).encode()), S)


def both_keys(w):
    return {'card.' + S: w.p.card().replace(b64(w.p.trunk.pub).encode(),
                                            b64(w.q.log.pub).encode())}


extra('syntax-card-keys-both', 'invalid syntax card.' + S, both_keys)
extra('syntax-dossier-crlf', 'invalid syntax dossier',
      {'dossier': b'ringdown-dossier/v1\r\nside south.example\r\n'})
extra('syntax-dossier-side', 'invalid syntax dossier',
      {'dossier': b'ringdown-dossier/v1\nside west.example\n'})
extra('syntax-dossier-tail', 'invalid syntax dossier',
      {'dossier': b'ringdown-dossier/v1\nside south.example\n\n'})


@case('card-other', 'invalid card card.' + N)
def _(w):
    w.story()
    w.given = [w.p.card(), w.q.card().replace(b':7411', b':7412')]


@case('card-stranger', 'invalid card card.west.example')
def _(w):
    w.story()
    w.given = [w.p.card(), Side('west.example', 'west').card()]


# ---- 3: feeds ------------------------------------------------------------

def feed_case(name, expect, change, host=N):
    def files(w):
        n = 'feed.' + host
        return {n: change(w.files()[n])}
    extra(name, expect, files)


feed_case('framing-zero', 'invalid framing feed.' + N, lambda b: b + bytes(2))
feed_case('framing-odd', 'invalid framing feed.' + S, lambda b: b + b'\1', S)
feed_case('framing-beyond', 'invalid framing feed.' + N, lambda b: b[:-1])
feed_case('framing-49153', 'invalid framing feed.' + S,
          lambda b: b + (49153).to_bytes(2, 'big') + b'x' * 49153, S)
feed_case('root-altered', 'invalid root feed.' + N + '.checkpoint',
          lambda b: b.replace(b'annex.txt', b'annex.doc'))


def one_less(w):
    e = w.q.feed[-1]
    return {'feed.' + N: w.files()['feed.' + N][:-len(e) - 2]}


extra('size-cut', 'invalid size feed.' + N + '.checkpoint', one_less)
extra('size-empty-feed', 'invalid size feed.' + N + '.checkpoint',
      {'feed.' + N: b''})
extra('root-empty', 'invalid root feed.' + N + '.checkpoint', lambda w: {
    'feed.' + N: b'', 'feed.' + N + '.checkpoint':
    w.note(w.q, 0, r=bytes(32))})


def note_case(name, change, host=N, suffix='checkpoint', **kw):
    file = f'feed.{host}.{suffix}' if suffix != 'joint' else 'joint.checkpoint'

    def files(w):
        s = w.p if w.p.host == host else w.q
        return {file: change(w, s, w.files()[file])}
    extra('signature-' + name, 'invalid signature ' + file, files, **kw)


def flip(b, at=-10):
    at %= len(b)
    return b[:at] + (b'B' if b[at:at + 1] == b'A' else b'A') + b[at + 1:]


def first_sig(b):
    return b.index(b'\n\n') + 80 + b.index(b'ringdown')


note_case('flipped', lambda w, s, b: flip(b, b.index(b'\n', b.index(
    b'\n\n') + 2) - 20))
note_case('cosigner-flipped', lambda w, s, b: flip(b), S)
note_case('crlf', lambda w, s, b: b.replace(b'\n', b'\r\n'))
note_case('other-origin', lambda w, s, b: w.note(w.other(s), 2))
note_case('none-of-author', lambda w, s, b: w.note(
    s, len(s.feed), log=False, own=5))
note_case('twice', lambda w, s, b: b + b.split(b'\n\n')[1].split(b'\n')[0] +
          b'\n')
note_case('leading-zero', lambda w, s, b: re_sign(w, s, f'0{len(s.feed)}'))
note_case('extension', lambda w, s, b: re_sign(w, s, len(s.feed), 'more\n'))
note_case('no-lines', lambda w, s, b: b[:b.index(b'\n\n') + 2])
note_case('seventeen-lines', lambda w, s, b: b + b''.join(
    b'\xe2\x80\x94 w%d AAAAAAA=\n' % i for i in range(15)))
note_case('short-line', lambda w, s, b: b + b'\xe2\x80\x94 w AAAAAA==\n')
note_case('hyphen', lambda w, s, b: b + b'- w AAAAAAA=\n')
note_case('no-lf', lambda w, s, b: b[:-1])
note_case('name-space', lambda w, s, b:
          b + '— w\u2003w AAAAAAA=\n'.encode())
note_case('name-plus', lambda w, s, b: b + '— w+w AAAAAAA=\n'.encode())
note_case('base64', lambda w, s, b: b + '— w AAAAAAB=\n'.encode())
note_case('nul', lambda w, s, b: b + '— w\0 AAAAAAA=\n'.encode())
note_case('overlong', lambda w, s, b: b + b'\xe2\x80\x94 \xc0\xaf AAAAAAA=\n')
note_case('cosigned-missing', lambda w, s, b: w.note(s, 2), S, 'cosigned')
note_case('cosigned-own', lambda w, s, b: w.note(s, 2, own=5), N, 'cosigned')
note_case('cosigned-flipped', lambda w, s, b: flip(b), N, 'cosigned')
note_case('idle-missing', lambda w, s, b: w.note(s, 2, own=7), S, 'idle')
note_case('idle-time', lambda w, s, b: w.note(s, 2, cosig=2**63), S, 'idle')
note_case('joint-missing', lambda w, s, b: b'\n'.join(
    x for i, x in enumerate(b.split(b'\n')) if i != 4), N, 'joint')
note_case('joint-flipped', lambda w, s, b: flip(b), N, 'joint')
note_case('joint-feed', lambda w, s, b: w.note(w.p, 2), N, 'joint')


def re_sign(w, s, size, more=''):
    body = f'{s.origin}\n{size}\n{b64(root(s.feed))}\n{more}'
    return (body + '\n' + w.log_line(s, body)).encode()


# ---- 4: entries, each with hi or lo as the culprit ------------------------

def entry_case(name, reason, change, who='p', index=3, **kw):
    """One more entry in the feed, altered; signed as it is."""
    @case(name, None, **kw)
    def _(w):
        w.mini()
        s = getattr(w, who)
        w.notice(s, 'bad')
        w.blob = {}
        b = s.feed[-1]
        s.feed[-1] = change(b) if callable(change) else \
            b.replace(change[0], change[1], 1)
        assert s.feed[-1] != b
        n = len(s.feed) - 1
        w.expect = f'exposed {s.host} {reason} feed.{s.host}:{n}'


def grammar(name, change, **kw):
    entry_case('grammar-' + name, 'grammar', change, **kw)


grammar('crlf', lambda b: b.replace(b'\n', b'\r\n'))
grammar('cr', (b'by duty', b'by\rduty'), who='q')
grammar('leading-zero', (b'seq 3', b'seq 03'))
grammar('plus', (b'seq 3', b'seq +3'))
grammar('huge', (b'seq 3', b'seq 9223372036854775808'))
grammar('base64-bits', lambda b: b[:b.index(b'=\n') - 1] + bytes(
    [b[b.index(b'=\n') - 1] + 1]) + b[b.index(b'=\n'):])
grammar('base64-pad', lambda b: b.replace(b'=\n', b'\n', 1))
grammar('base64-url', lambda b: b[:b.index(b'=\n') - 3] + b'-' +
        b[b.index(b'=\n') - 2:])
grammar('nul', lambda b: b.replace(b'duty', b'du\0y'))
grammar('nul-text', lambda b: b + b'a\0b\n')
grammar('del', lambda b: b.replace(b'duty', b'du\x7fy'), who='q')
grammar('tab', lambda b: b + b'a\tb\n')
grammar('duplicate-seq', (b'seq 3\n', b'seq 3\nseq 3\n'))
grammar('order', lambda b: swap(b, 2, 3))
grammar('order-type', lambda b: swap(b, 5, 6), who='q')
grammar('missing-nonce', lambda b: drop(b, 5))
grammar('nonce-case', lambda b: b.replace(
    b.split(b'\n')[5], b.split(b'\n')[5].upper().replace(b'NONCE', b'nonce')))
grammar('trailing', lambda b: b + b'tail')
grammar('trailing-nul', lambda b: b + b'\0')
grammar('no-blank', lambda b: b[:-1])
grammar('first-line', (b'/v1', b'/v2'))
grammar('overlong', lambda b: b.replace(b'duty', b'du\xc1\xb4y'))
grammar('overlong-3', lambda b: b.replace(b'duty', b'd\xe0\x81\xb5ty'))
grammar('overlong-text', lambda b: b + b'\xf0\x80\x80\xaf\n')
grammar('surrogate', lambda b: b.replace(b'duty', b'\xed\xa0\x80'))
grammar('above-10ffff', lambda b: b.replace(b'duty', b'\xf4\x90\x80\x80'))
grammar('cut-utf8', lambda b: b.replace(b'duty', b'\xe2\x80'))
grammar('latin1', lambda b: b.replace(b'duty', b'd\xfcty'), who='q')
grammar('date-0230', lambda b: at_time(b, b'2027-02-30T09:00:00.000Z'))
grammar('date-0229', lambda b: at_time(b, b'2100-02-29T09:00:00.000Z'))
grammar('date-0631', lambda b: at_time(b, b'2027-06-31T09:00:00.000Z'))
grammar('date-00', lambda b: at_time(b, b'2027-06-00T09:00:00.000Z'))
grammar('date-month-13', lambda b: at_time(b, b'2027-13-01T09:00:00.000Z'))
grammar('date-1969', lambda b: at_time(b, b'1969-12-31T23:59:59.999Z'))
grammar('second-60', lambda b: at_time(b, b'2026-12-31T23:59:60.000Z'))
grammar('second-61', lambda b: at_time(b, b'2026-12-31T23:59:61.000Z'))
grammar('hour-24', lambda b: at_time(b, b'2026-12-31T24:00:00.000Z'))
grammar('time-no-ms', lambda b: at_time(b, b'2026-12-31T23:59:59Z'))
grammar('time-lower', lambda b: at_time(b, b'2026-12-31t23:59:59.000z'))
grammar('type-case', (b'type notice', b'type Notice'))
grammar('type-digit', (b'type notice', b'type 1notice'))
grammar('type-33', (b'type notice', b'type ' + b'a' * 33))
grammar('value-space', (b'by duty officer', b'by duty officer '))
grammar('value-lead', (b'by duty officer', b'by  duty'))
grammar('value-empty', (b'by duty officer', b'by '))
grammar('value-none', (b'by duty officer', b'by'))
grammar('value-1025', (b'by duty officer', b'by ' + b'x' * 1025))
grammar('fields-65', lambda b: b[:-1] + b'x y\n' * 60 + b'\n')
grammar('origin-empty', lambda b: b.replace(
    b.split(b'\n')[1], b'log '), who='q')
grammar('seen-spaces', (b'seen 2 ', b'seen 2  '))
grammar('seen-bare', lambda b: drop_root(b))
grammar('tiny', lambda b: b'x')


def swap(b, i, j):
    x = b.split(b'\n')
    x[i], x[j] = x[j], x[i]
    return b'\n'.join(x)


def drop(b, i):
    x = b.split(b'\n')
    del x[i]
    return b'\n'.join(x)


def drop_root(b):
    x = b.split(b'\n')
    x[4] = x[4].rsplit(b' ', 1)[0]
    return b'\n'.join(x)


def at_time(b, t):
    x = b.split(b'\n')
    x[3] = b'time ' + t
    return b'\n'.join(x)


@case('grammar-many-tiny', f'exposed {S} grammar feed.{S}:0')
def _(w):
    """More entries than the file could hold good ones."""
    w.names()
    w.p.feed = [b'x'] * 999
    w.own_lines = False


for who in 'pq':
    side = {'p': S, 'q': N}[who]
    entry_case('log-' + who, 'log', (b'log ' + side.encode(), b'log west'),
               who=who)
    entry_case('seq-' + who, 'seq', lambda b: b.replace(
        b'\nseq ', b'\nseq 1'), who=who)
    entry_case('open-again-' + who, 'open', (b'type notice', b'type open'),
               who=who)
    entry_case('time-' + who, 'time', lambda b: at_time(
        b, b'2026-11-23T08:00:00.000Z'), who=who)


def first_case(name, change, who='p'):
    @case('open-' + name, None)
    def _(w):
        w.names()
        s = getattr(w, who)
        w.put(s, 'open', w.open_fields(s))
        w.expect = f'exposed {s.host} open feed.{s.host}:0'
        s.feed[0] = change(s.feed[0])


first_case('missing', lambda b: b.replace(b'type open', b'type opening'))
first_case('missing-q', lambda b: b.replace(b'type open', b'type ack'), 'q')
first_case('agreement', lambda b: b.replace(b'agreement sha256:',
                                            b'agreement sha256:0')[:-1] + b'\n')
first_case('pivot', lambda b: b.replace(b'pivot ' + S.encode() + b'/ringdown/'
                                        + N.encode(), b'pivot ' + N.encode() +
                                        b'/ringdown/' + S.encode()), 'q')
first_case('text', lambda b: b + b'and more\n')
first_case('order', lambda b: swap(b, 7, 8))
first_case('next-key', lambda b: b.replace(b'next-key sha256:',
                                           b'next-key sha256:').replace(
    b.rstrip().rsplit(b':', 1)[1], b'0' * 64), 'q')


@case('seen-decreasing', f'exposed {S} seen feed.{S}:4')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')])
    w.put(w.p, 'line', [('state', 'up')], seen=1)


@case('seen-decreasing-q', f'exposed {N} seen feed.{N}:2')
def _(w):
    w.mini()
    w.put(w.q, 'line', [('state', 'up')], seen=0)


@case('seen-empty-root', f'exposed {N} seen feed.{N}:0')
def _(w):
    w.names()
    w.put(w.q, 'open', w.open_fields(w.q), seen_root=sha(b'no'))


@case('time-fault-was', f'exposed {S} time feed.{S}:3')
def _(w):
    w.mini()
    t = w.now - 3600_000
    w.put(w.p, 'fault', [('kind', 'clock'), ('was', ts(w.now + 1)),
                         ('now', ts(t))], time=t)


@case('time-fault-now', f'exposed {N} time feed.{N}:2')
def _(w):
    w.mini()
    last = w.q.feed[-1].split(b'time ')[1][:24].decode()
    t = w.now - 3600_000
    w.put(w.q, 'fault', [('kind', 'clock'), ('was', last),
                         ('now', ts(t + 1))], time=t)


@case('time-fault-other', f'exposed {N} time feed.{N}:2')
def _(w):
    w.mini()
    w.put(w.q, 'fault', [('kind', 'disk'), ('detail', 'x')],
          time=w.now - 3600_000)


@case('time-fault-text', f'exposed {N} time feed.{N}:2')
def _(w):
    """With a text it is no longer an understood fault of the clock."""
    w.mini()
    last = w.q.feed[-1].split(b'time ')[1][:24].decode()
    t = w.now - 3600_000
    w.put(w.q, 'fault', [('kind', 'clock'), ('was', last), ('now', ts(t))],
          time=t, text='because\n')


@case('time-after-fault', f'exposed {S} time feed.{S}:4')
def _(w):
    """A good fault of the clock, and then back once more without one."""
    w.mini()
    last = w.p.feed[-1].split(b'time ')[1][:24].decode()
    t = w.now - 3600_000
    w.put(w.p, 'fault', [('kind', 'clock'), ('was', last), ('now', ts(t))],
          time=t)
    w.put(w.p, 'line', [('state', 'up')], time=t - 1)


@case('exposed-both', f'exposed {S} seq feed.{S}:3')
def _(w):
    w.mini()
    w.put(w.q, 'line', [('state', 'up')], seq=9)
    w.put(w.p, 'line', [('state', 'up')], seq=9)


@case('exposed-after-signature', f'invalid signature feed.{N}.checkpoint')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seq=9)
    w.extra[f'feed.{N}.checkpoint'] = flip(w.note(w.q, 2), -100)


@case('exposed-leaves-out-joint', f'exposed {S} seq feed.{S}:3')
def _(w):
    """Checks 5 to 9 are not made: neither this joint note nor this blob."""
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seq=9)
    w.extra['joint.checkpoint'] = b'junk'
    w.extra['blob/' + '0' * 64] = b'junk'


# ---- 5: seen --------------------------------------------------------------

@case('incomplete', f'invalid incomplete feed.{S}:3')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seen=9, seen_root=sha(b'x'))


@case('incomplete-q', f'invalid incomplete feed.{N}:2')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seen_root=sha(b'x'))
    w.put(w.q, 'line', [('state', 'up')], seen=9, seen_root=sha(b'x'))


@case('seen-root-p', f'suspected {S} seen-root feed.{S}:3')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seen_root=sha(b'x'))
    w.put(w.p, 'line', [('state', 'up')], seen_root=sha(b'y'))
    w.put(w.q, 'line', [('state', 'up')], seen_root=sha(b'z'))


@case('seen-root-q', f'suspected {N} seen-root feed.{N}:2')
def _(w):
    w.mini()
    w.put(w.q, 'line', [('state', 'up')], seen_root=sha(b'z'))


# ---- 6: cosignatures ------------------------------------------------------

def cosigned_case(name, expect, change, suffix='cosigned'):
    for who, host, other in (('p', S, N), ('q', N, S)):
        def make(w, who=who):
            w.story()
            s = getattr(w, who)
            getattr(w, suffix)[s] = change(w, s)
        case(f'{name}-{suffix}-{who}', expect.format(
            host=host, other=other, name=f'feed.{host}.{suffix}'))(make)


for suffix in ('cosigned', 'idle'):
    cosigned_case('size-zero', 'invalid size {name}',
                  lambda w, s: w.note(s, 0, cosig=5), suffix)
    cosigned_case('size-beyond', 'invalid size {name}', lambda w, s: w.note(
        s, len(s.feed) + 1, r=bytes(32), cosig=5), suffix)
    cosigned_case('cosigned-root', 'suspected {other} cosigned-root {name}',
                  lambda w, s: w.note(s, 3, r=sha(b'x'), log=False, cosig=5),
                  suffix)
    cosigned_case('cosigned-fork', 'exposed {host} fork {name}',
                  lambda w, s: w.note(s, 3, r=sha(b'x'), cosig=5), suffix)


@case('cosigned-unseen-p', f'suspected {N} cosigned-unseen feed.{S}.cosigned')
def _(w):
    w.story()
    w.put(w.p, 'line', [('state', 'down')])
    w.cosigned[w.p] = w.note(w.p, len(w.p.feed), cosig=w.now // 1000)


@case('cosigned-unseen-q', f'suspected {S} cosigned-unseen feed.{N}.idle')
def _(w):
    w.story()
    w.put(w.q, 'line', [('state', 'down')])
    w.idle[w.q] = w.note(w.q, len(w.q.feed), cosig=w.now // 1000)


@case('cosigned-unseen-empty',
      f'suspected {N} cosigned-unseen feed.{S}.cosigned')
def _(w):
    w.names()
    w.put(w.p, 'open', w.open_fields(w.p))
    w.cosigned[w.p] = w.note(w.p, 1, cosig=w.now // 1000)


for who, host in (('p', S), ('q', N)):
    for suffix in ('cosigned', 'idle'):
        @case(f'backdated-{suffix}-{who}', None)
        def _(w, who=who, suffix=suffix):
            w.mini()
            s = getattr(w, who)
            n = len(s.feed)
            t = w.now // 1000
            getattr(w, suffix)[s] = w.note(s, n, own=t + 3, cosig=t)
            w.put(s, 'line', [('state', 'up')], time=(t + 3) * 1000)
            w.put(s, 'line', [('state', 'up')], time=(t + 3) * 1000)
            s.feed = s.feed[:n]
            w.put(s, 'line', [('state', 'up')], time=(t + 3) * 1000 - 1)
            w.now = (t + 3) * 1000
            w.expect = f'exposed {s.host} backdated feed.{s.host}:{n}'

    @case(f'unacknowledged-{who}', None)
    def _(w, who=who):
        w.mini()
        s = getattr(w, who)
        n = len(s.feed)
        w.put(s, 'ack')
        w.put(s, 'line', [('state', 'up')], time=w.now + 999)
        t = (w.now - 1) // 1000 + 302
        w.now += 2000
        w.idle[s] = w.note(s, n, cosig=t)
        w.expect = (f'suspected {w.other(s).host} unacknowledged '
                    f'feed.{s.host}:{n + 1}')


@case('exposed-over-suspected', f'exposed {N} backdated feed.{N}:2')
def _(w):
    """The suspicion is found first; the proof weighs more."""
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seen_root=sha(b'x'))
    w.cosigned[w.q] = w.note(w.q, 2, own=w.now // 1000 + 9,
                             cosig=w.now // 1000)
    w.put(w.q, 'line', [('state', 'up')])


# ---- 7: restores ----------------------------------------------------------

@case('attest-p', f'exposed {S} attest feed.{S}:3')
def _(w):
    w.mini()
    restored(w, w.p, signer=w.p)


@case('attest-q', f'exposed {N} attest feed.{N}:2')
def _(w):
    w.mini()
    restored(w, w.q, signer=w.q)


@case('restore-size', f'exposed {S} restore feed.{S}:3')
def _(w):
    w.mini()
    restored(w, w.p, size=2)


@case('restore-size-alone', f'exposed {S} restore feed.{S}:3')
def _(w):
    """The root is right, the size attested with it is not."""
    w.mini()
    restored(w, w.p, size=2, r=root(w.p.feed))


@case('restore-root', f'exposed {N} restore feed.{N}:2')
def _(w):
    w.mini()
    restored(w, w.q, r=sha(b'x'))


@case('good-restore-misfit', 'trusted')
def _(w):
    """A restore that is not understood attests nothing."""
    w.mini()
    w.put(w.p, 'restore', [('from', '1'), ('to', '3 x'), ('attest', '5 AA==')])
    w.put(w.p, 'restore', [('from', '1')])


# ---- 8: joint -------------------------------------------------------------

@case('size-joint', 'invalid size joint.checkpoint')
def _(w):
    w.story()
    w.joint = w.joint_note(size=2)


@case('size-joint-beyond', 'invalid size joint.checkpoint')
def _(w):
    w.story()
    w.joint = w.joint_note(size=999)


@case('joint-root-p', f'exposed {S} joint-root joint.checkpoint')
def _(w):
    w.story()
    w.joint = w.joint_note(r=sha(b'x'))


@case('joint-root-north', f'exposed {N} joint-root joint.checkpoint',
      pivot=N)
def _(w):
    w.story()
    w.joint = w.joint_note(4, r=sha(b'x'))


@case('joint-root-zero', f'exposed {S} joint-root joint.checkpoint')
def _(w):
    w.story()
    w.joint = w.joint_note(0, r=sha(b'x'))


@case('joint-root-other-q', f'suspected {S} seen-root feed.{S}:3')
def _(w):
    """Q rewrote its feed: the pivot is not to be exposed by that."""
    w.story()
    i = next(i for i, e in enumerate(w.q.feed) if b'annex.txt' in e)
    w.alter(w.q, i, b'annex.txt', b'annex.doc')
    w.cosigned.pop(w.q)
    w.idle.pop(w.q)


@case('joint-root-restored', f'suspected {S} joint-root joint.checkpoint')
def _(w):
    w.mini()
    restored(w, w.p)
    w.put(w.p, 'ack')
    w.joint = w.joint_note(r=sha(b'another history'))


# ---- 9: blobs -------------------------------------------------------------

@case('hash-altered', None)
def _(w):
    w.story()
    name = min(w.blob)
    w.blob[name] = flip(w.blob[name])
    w.expect = 'invalid hash blob/' + name


@case('hash-longer', None)
def _(w):
    w.story()
    name = max(w.blob)
    w.blob[name] += b'x'
    w.expect = 'invalid hash blob/' + name


@case('hash-size', None)
def _(w):
    w.mini()
    name = w.notice(w.p, 'P-2', size=7)
    w.expect = 'invalid hash blob/' + name


@case('unbound-blob-misfit', None)
def _(w):
    """Named by an entry that is not understood."""
    w.mini()
    name = sha(b'body').hex()
    w.put(w.p, 'notice', [('id', 'P-2'), ('blob', f'sha256:{name} 4 x/y')])
    w.blob[name] = b'body'
    w.expect = 'invalid unbound blob/' + name


@case('unbound-blob-text', None)
def _(w):
    """Named by a notice that has a text, so is not understood."""
    w.mini()
    name = w.notice(w.p, 'P-2')
    w.p.feed[-1] += b'and more\n'
    w.expect = 'invalid unbound blob/' + name


# ---- 10: forks ------------------------------------------------------------

def other_history(feed, n, at):
    """n entries that differ from the feed's at one place."""
    out = list(feed[:n])
    out[at] = out[at].replace(b'\nnonce ', b'\nnonce f')[:-1]
    return out


for who, host in (('p', S), ('q', N)):
    @case(f'fork-same-size-{who}', None)
    def _(w, who=who):
        w.story()
        s = getattr(w, who)
        w.extra['proof/1.fork'] = fork_file(
            w, s, other_history(s.feed, 4, 2), s.feed[:4])
        w.expect = f'exposed {s.host} fork proof/1.fork'

    for n in range(1, 6):
        @case(f'fork-{n}-of-5-{who}' if n < 5 else f'fork-same-last-{who}',
              None)
        def _(w, who=who, n=n):
            w.story()
            s = getattr(w, who)
            w.extra['proof/%d.fork' % (n * 100)] = fork_file(
                w, s, other_history(s.feed, n, n - 1), s.feed[:5],
                cosig=(7, None))
            w.expect = f'exposed {s.host} fork proof/{n * 100}.fork'


@case('fork-joint', f'exposed {S} fork proof/000000007.fork')
def _(w):
    w.story()
    two = w.order()
    w.extra['proof/000000007.fork'] = fork_file(
        w, w.p, other_history(two, 3, 1), two, origin=w.joint_origin)


def proof_case(name, **kw):
    @case('proof-' + name, 'invalid proof proof/2.fork')
    def _(w):
        w.story()
        two = w.p.feed[:5]
        one = other_history(two, 3, 2)
        change = kw.pop('change', None)
        if kw.pop('same', False):
            one = two[:3]
        if kw.pop('larger', False):
            one, two = two, other_history(two, 3, 2)
            kw['proof'], kw['prefix'] = [], root(two)
        f = fork_file(w, w.p, one, two, **kw)
        w.extra['proof/2.fork'] = change(f) if change else f


proof_case('same', same=True)
proof_case('order', larger=True)
proof_case('count', change=lambda f: f.replace(b'proof 4', b'proof 3'))
proof_case('count-zero', proof=[])
proof_case('short', proof=[sha(b'x')])
proof_case('wrong', proof=[sha(b'x')] * 4)
proof_case('long', proof=[sha(b'x')] * 97)
proof_case('prefix', prefix=sha(b'x'))
proof_case('unsigned-first', log=(False, True))
proof_case('unsigned-second', log=(True, False))
proof_case('crlf', change=lambda f: f.replace(b'\n', b'\r\n'))
proof_case('empty', change=lambda f: b'')
proof_case('cut', change=lambda f: f[:-1])
proof_case('tail', change=lambda f: f + b'\n')
proof_case('lengths', change=lambda f: f.replace(b'first ', b'first 0'))
proof_case('flipped', change=flip)


for name, kw in (('count', {'proof': [sha(b'x')]}),
                 ('prefix', {'prefix': sha(b'x')})):
    @case('proof-same-size-' + name, 'invalid proof proof/2.fork')
    def _(w, kw=kw):
        w.story()
        w.extra['proof/2.fork'] = fork_file(
            w, w.p, other_history(w.p.feed, 4, 2), w.p.feed[:4], **kw)


@case('proof-two-signers', 'invalid proof proof/2.fork')
def _(w):
    w.story()
    a = fork_file(w, w.p, other_history(w.p.feed, 4, 2), w.p.feed[:4])
    b = fork_file(w, w.q, other_history(w.q.feed, 4, 2), w.q.feed[:4])
    na, nb = w.note(w.p, 4, cosig=None), w.note(w.q, 4)
    w.extra['proof/2.fork'] = (
        f'ringdown-fork/v1\nfirst {len(na)}\nsecond {len(nb)}\n'
        f'prefix {b64(root(w.q.feed[:4]))}\nproof 0\n').encode() + na + nb
    assert a != b


@case('proof-first-in-order', 'invalid proof proof/10.fork')
def _(w):
    w.story()
    w.extra['proof/10.fork'] = w.extra['proof/2.fork'] = b'junk'


@case('proof-after-exposed', 'invalid proof proof/1.fork')
def _(w):
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seq=9)
    w.extra['proof/1.fork'] = b'junk'


@case('fork-after-exposed', f'exposed {S} seq feed.{S}:5')
def _(w):
    w.mini()
    w.put(w.p, 'ack')
    w.put(w.p, 'ack')
    w.put(w.p, 'line', [('state', 'up')], seq=9)
    w.extra['proof/1.fork'] = fork_file(
        w, w.q, other_history(w.q.feed, 2, 1), w.q.feed[:2])


def restore_case(name, expect, t1=None, n=5, clock=False, joint=False,
                 who='p', early=False):
    """A restore at 3 or 2, then two histories, one of n entries."""
    @case(name, expect)
    def _(w):
        w.mini()
        s = getattr(w, who)
        o = w.other(s)
        attest = w.now // 1000
        restored(w, s, t=attest)
        w.deliver()
        for i in range(4):
            w.put(s, 'line', [('state', 'up')])
            w.deliver()
        if clock:
            t = (attest - 2) * 1000
            last = o.feed[-1].split(b'time ')[1][:24].decode()
            w.put(o, 'fault', [('kind', 'clock'), ('was', last),
                               ('now', ts(t))], time=t)
            w.deliver()
        w.put(o, 'ack', time=w.now + 5000)
        w.deliver()
        w.put(s, 'ack', time=w.now + 9000)
        w.now += 9000
        two = w.order() if joint else s.feed
        one = other_history(two, n, n - 1)
        t = None if t1 is None else attest + t1
        w.extra['proof/1.fork'] = fork_file(
            w, s, one, two, origin=w.joint_origin if joint else None,
            cosig=(t, None))


restore_case('fork-after-restore', f'suspected {S} fork-after-restore '
             'proof/1.fork')
restore_case('fork-after-restore-q', f'suspected {N} fork-after-restore '
             'proof/1.fork', who='q')
restore_case('fork-after-restore-cosigned', f'suspected {S} '
             'fork-after-restore proof/1.fork', t1=1)
restore_case('fork-before-restore', f'exposed {S} fork proof/1.fork', n=3)
restore_case('attested-lie', f'exposed {N} attested-lie proof/1.fork', t1=0)
restore_case('attested-lie-q', f'exposed {S} attested-lie proof/1.fork',
             t1=-3, who='q')
restore_case('attested-lie-clock', f'suspected {S} fork-after-restore '
             'proof/1.fork', t1=-2, clock=True)
restore_case('attested-lie-clock-later', f'exposed {N} attested-lie '
             'proof/1.fork', t1=-3, clock=True)
# the restore is at 3 of the pivot's feed, where 2 of Q are seen: joint size 5
restore_case('attested-lie-joint', f'exposed {N} attested-lie proof/1.fork',
             t1=0, n=6, joint=True)
restore_case('fork-joint-before-restore', f'exposed {S} fork proof/1.fork',
             t1=0, n=5, joint=True)


@case('cosigned-fork-restored',
      f'suspected {S} fork-after-restore feed.{S}.cosigned')
def _(w):
    """The other's note shows what the pivot had signed and lost."""
    w.mini()
    t = restored(w, w.p)
    w.put(w.p, 'line', [('state', 'up')])
    w.cosigned[w.p] = w.note(w.p, 4, r=sha(b'lost'), cosig=t + 60)


@case('cosigned-attested-lie', f'exposed {N} attested-lie feed.{S}.cosigned')
def _(w):
    w.mini()
    t = restored(w, w.p)
    w.put(w.p, 'line', [('state', 'up')])
    w.cosigned[w.p] = w.note(w.p, 4, r=sha(b'lost'), cosig=t)


@case('cosigned-fork-false-restore', f'exposed {S} fork feed.{S}.cosigned')
def _(w):
    """A restore that nobody attested excuses nothing and accuses nobody."""
    w.mini()
    restored(w, w.p, signer=w.p)
    w.put(w.p, 'line', [('state', 'up')])
    w.cosigned[w.p] = w.note(w.p, 4, r=sha(b'lost'), cosig=5)


# ---- 10: what was signed and not appended ---------------------------------

def envelope_file(w, s, k, bad, after=(), size=None, r=None, log=True,
                  note=None):
    """Entries that follow on the first k, and a note over all of them."""
    more = [bad, *after]
    entries = s.feed[:k] + more
    if note is None:
        note = w.note(s, len(entries) if size is None else size,
                      r=root(entries) if r is None else r, log=log, own=7)
    return (f'ringdown-envelope/v1\nfrom {k}\nnote {len(note)}\n'.encode() +
            note + b''.join(len(e).to_bytes(2, 'big') + e for e in more))


def made(w, s, kind, fields=(), **kw):
    """An entry that is not in the feed."""
    w.put(s, kind, fields, **kw)
    return s.feed.pop()


def envelope_case(name, why, make, who='p', **kw):
    """make(w, s) gives the faulty entry; another one follows it."""
    @case('envelope-' + name, None)
    def _(w):
        w.story()
        s = getattr(w, who)
        n = len(s.feed)
        bad = make(w, s)
        f = envelope_file(w, s, n, bad, [made(w, s, 'ack', seq=n + 1)], **kw)
        w.extra['proof/4.envelope'] = f
        w.expect = (f'exposed {s.host} {why} proof/4.envelope:{n}' if why
                    else 'invalid proof proof/4.envelope')


for who in 'pq':
    envelope_case('grammar-' + who, 'grammar', lambda w, s: b'no entry\n',
                  who=who)
    envelope_case('seq-' + who, 'seq',
                  lambda w, s: made(w, s, 'ack', seq=99), who=who)
    envelope_case('time-' + who, 'time',
                  lambda w, s: made(w, s, 'ack', time=START * 1000), who=who)
    envelope_case('seen-' + who, 'seen',
                  lambda w, s: made(w, s, 'ack', seen=1), who=who)
envelope_case('long', 'grammar', lambda w, s: made(
    w, s, 'call-offer').rstrip(b'\n') + b'\n\n' + b'x' * 49000 + b'\n')
envelope_case('longest', 'grammar', lambda w, s: b'x' * 65535)
envelope_case('log', 'log',
              lambda w, s: made(w, s, 'ack', log=w.q.origin))
envelope_case('open', 'open',
              lambda w, s: made(w, s, 'open', w.open_fields(s)))
envelope_case('seen-zero', 'seen', lambda w, s: made(
    w, s, 'ack', seen=0, seen_root=sha(b'x')))


def false_restore(w, s, **kw):
    restored(w, s, **kw)
    return s.feed.pop()


envelope_case('attest', 'attest',
              lambda w, s: false_restore(w, s, signer=w.p))
envelope_case('restore', 'restore',
              lambda w, s: false_restore(w, s, size=2))
envelope_case('restore-q', 'restore',
              lambda w, s: false_restore(w, s, r=sha(b'x')), who='q')
# what is no proof
envelope_case('good', None, lambda w, s: made(w, s, 'ack'))
envelope_case('good-restore', None, lambda w, s: false_restore(w, s))
envelope_case('unsigned', None, lambda w, s: b'no entry\n', log=False)
envelope_case('root', None, lambda w, s: b'no entry\n', r=sha(b'x'))
envelope_case('size', None, lambda w, s: b'no entry\n', size=5)


def envelope_change(name, change):
    @case('envelope-' + name, 'invalid proof proof/4.envelope')
    def _(w):
        w.story()
        n = len(w.p.feed)
        w.extra['proof/4.envelope'] = change(
            w, envelope_file(w, w.p, n, b'no entry\n'))


envelope_change('cut', lambda w, f: f[:-1])
envelope_change('tail', lambda w, f: f + b'\0')
envelope_change('zero-frame', lambda w, f: f + b'\0\0')
envelope_change('empty', lambda w, f: b'')
envelope_change('from', lambda w, f: f.replace(b'from 6', b'from 5'))
envelope_change('from-beyond', lambda w, f: f.replace(b'from 6', b'from 7'))
envelope_change('from-zero', lambda w, f: f.replace(b'from ', b'from 0'))
envelope_change('note', lambda w, f: f.replace(b'note ', b'note 9'))
envelope_change('of-joint', lambda w, f: envelope_file(
    w, w.p, 6, b'no entry\n', note=w.joint_note()))
envelope_change('bare', lambda w, f: envelope_file(
    w, w.p, 6, b'x', note=w.note(w.p, 6)).replace(b'\0\1x', b''))


def second_case(rule, late=9000, **kw):
    @case('envelope-second-' + rule, f'exposed {S} {rule} proof/1.envelope:7')
    def _(w):
        """It is the entry before it in the proof that it contradicts."""
        w.story()
        w.put(w.q, 'ack')
        w.deliver()
        one = made(w, w.p, 'line', [('state', 'up')], time=w.now + 5000)
        w.extra['proof/1.envelope'] = envelope_file(
            w, w.p, 6, one, [made(w, w.p, 'ack', seq=7,
                                time=w.now + late, **kw)])


second_case('time', late=3000)
second_case('seen', seen=5)


@case('envelope-first', f'exposed {S} open proof/1.envelope:0')
def _(w):
    """Nothing of this feed was ever taken over."""
    w.names()
    w.put(w.q, 'open', w.open_fields(w.q))
    w.side = w.q
    w.extra['proof/1.envelope'] = envelope_file(
        w, w.p, 0, made(w, w.p, 'ack'))


@case('envelope-prefix', f'exposed {S} seq proof/1.envelope:2')
def _(w):
    """The feed went on: from where the proof begins is what counts."""
    w.story()
    w.extra['proof/1.envelope'] = envelope_file(
        w, w.p, 2, made(w, w.p, 'line', [('state', 'up')], seen=1,
                        time=w.now + 9))


@case('envelope-after-exposed', f'exposed {S} seq feed.{S}:3')
def _(w):
    """The verdict is there: what else is in proof/ is not looked at."""
    w.mini()
    w.put(w.p, 'line', [('state', 'up')], seq=9)
    w.extra['proof/1.envelope'] = b'junk'
    w.extra['proof/1.cosignature'] = b'junk'
    w.extra['proof/1.joint'] = b'junk'


def note_case(name, expect, kind, make, **kw):
    @case(name, expect, **kw)
    def _(w):
        w.story()
        w.extra[f'proof/3.{kind}'] = make(w)


X = sha(b'x')
for who, host, other in (('p', S, N), ('q', N, S)):
    note_case('proof-cosigned-root-' + who,
              f'suspected {other} cosigned-root proof/3.cosignature',
              'cosignature', lambda w, who=who: w.note(
                  getattr(w, who), 3, r=X, log=False, cosig=7))
    note_case('proof-cosigned-fork-' + who,
              f'exposed {host} fork proof/3.cosignature', 'cosignature',
              lambda w, who=who: w.note(getattr(w, who), 3, r=X, cosig=7))
for name, make in (
        ('true', lambda w: w.note(w.p, 3, cosig=7)),
        ('none', lambda w: w.note(w.p, 3, r=X)),
        ('own', lambda w: w.note(w.p, 3, r=X, log=False, own=7)),
        ('zero', lambda w: w.note(w.p, 0, r=X, cosig=7)),
        ('beyond', lambda w: w.note(w.p, 99, r=X, cosig=7)),
        ('flipped', lambda w: flip(w.note(w.p, 3, r=X, cosig=7))),
        ('of-joint', lambda w: w.joint_note(r=X))):
    note_case('proof-cosigned-' + name, 'invalid proof proof/3.cosignature',
              'cosignature', make)
note_case('proof-joint-root', f'exposed {S} joint-root proof/3.joint',
          'joint', lambda w: w.joint_note(4, r=X))
note_case('proof-joint-root-north', f'exposed {N} joint-root proof/3.joint',
          'joint', lambda w: w.joint_note(4, r=X, both=False), pivot=N)
for name, make in (
        ('true', lambda w: w.joint_note(4)),
        ('size', lambda w: w.joint_note(size=2, r=X)),
        ('of-feed', lambda w: w.note(w.p, 3, r=X)),
        ('unsigned', lambda w: re.sub(
            rb'(?<=\n)\xe2\x80\x94 ringdown/.*\n', b'',
            w.joint_note(4, r=X))),
        ('flipped', lambda w: flip(w.joint_note(4, r=X)))):
    note_case('proof-joint-' + name, 'invalid proof proof/3.joint', 'joint',
              make)


@case('proof-joint-restored', f'suspected {S} joint-root proof/3.joint')
def _(w):
    w.mini()
    restored(w, w.p)
    w.put(w.p, 'ack')
    w.extra['proof/3.joint'] = w.joint_note(r=X)


@case('unbound-proof-kind', 'invalid unbound proof/3.hidden')
def _(w):
    w.story()
    w.extra['proof/3.hidden'] = w.note(w.p, 3, r=X, cosig=7)


# ---- writing --------------------------------------------------------------

def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if isinstance(data, tuple):
        os.symlink(data[1], path)
        return
    with open(path, 'wb') as f:
        f.write(data)


def corpus(top):
    code = {'trusted': 0, 'suspected': 1, 'exposed': 2, 'invalid': 3}
    for name, (fn, expect, kw) in CASES.items():
        w = World(**kw) if kw else World()
        w.expect = None
        fn(w)
        expect = expect or w.expect
        base = os.path.join(top, name)
        shutil.rmtree(base, ignore_errors=True)
        for f, data in w.files().items():
            write(os.path.join(base, 'dossier', f), data)
        for i, c in enumerate(w.given):
            write(os.path.join(base, 'cards', f'{i}.card'), c)
        write(os.path.join(base, 'expect'),
              f'{code[expect.split()[0]]}\nverdict: {expect}\n'.encode())
    for name in os.listdir(top):
        if name not in CASES:
            shutil.rmtree(os.path.join(top, name))
    print(f'{len(CASES)} dossiers')


def inclusion(i, leaves):
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if i < k:
        return inclusion(i, leaves[:k]) + [merkle(leaves[k:])]
    return inclusion(i - k, leaves[k:]) + [merkle(leaves[:k])]


def proofs(top):
    """For each entry of the joint record its proof there and in its feed."""
    w = World().story()
    for name, entries, note in (
            ('p', w.p.feed, w.note(w.p, len(w.p.feed), cosig=5)),
            ('q', w.q.feed, w.note(w.q, len(w.q.feed), cosig=5)),
            ('joint', w.order(), w.joint_note())):
        for i, e in enumerate(entries):
            path = inclusion(i, [sha(b'\0' + x) for x in entries])
            text = f'c2sp.org/tlog-proof@v1\nindex {i}\n' + ''.join(
                b64(h) + '\n' for h in path) + '\n'
            write(f'{top}/{name}{i}.entry', e)
            write(f'{top}/{name}{i}.tlog-proof', text.encode() + note)
    write(f'{top}/p.card', w.p.whole_card())
    write(f'{top}/q.card', w.q.card())


class Peaks:
    """The roots of a growing tree."""

    def __init__(self):
        self.n, self.peak = 0, []

    def push(self, leaf):
        n, self.n = self.n, self.n + 1
        while n & 1:
            leaf = sha(b'\1' + self.peak.pop() + leaf)
            n >>= 1
        self.peak.append(leaf)

    def root(self):
        if not self.peak:
            return EMPTY
        h = self.peak[-1]
        for p in self.peak[-2::-1]:
            h = sha(b'\1' + p + h)
        return h


def bench(n, top):
    """A long record on a live line: each notice answered by a receipt."""
    w = World()
    w.open()
    peaks = {s: Peaks() for s in (w.p, w.q)}
    joint = Peaks()
    files = {}
    f0 = w.files()
    for name, data in f0.items():
        write(os.path.join(top, name), data)
    for s in (w.p, w.q):
        files[s] = open(os.path.join(top, 'feed.' + s.host), 'wb')

    def add(s, e):
        files[s].write(len(e).to_bytes(2, 'big') + e)
        leaf = sha(b'\0' + e)
        peaks[s].push(leaf)
        joint.push(leaf)

    # in this order P's next entry has seen all of Q, so both trees agree
    add(w.p, w.p.feed[0])
    add(w.q, w.q.feed[0])
    t = w.now
    for i in range(2, n):
        s = (w.p, w.q)[i % 2]
        o, t = w.other(s), t + 7
        head = (f'ringdown-entry/v1\nlog {s.origin}\nseq {peaks[s].n}\n'
                f'time {ts(t)}\nseen {peaks[o].n} {b64(peaks[o].root())}\n'
                f'nonce {i:032x}\ntype ')
        if i % 2:
            body = (f'receipt\nstate delivered\nof {peaks[o].n - 1} '
                    f'{peaks[o].n - 1}\nby {"station " * 22}one\n\n')
        else:
            body = (f'notice\nid P-{i}\nby duty officer\nprecedence routine\n'
                    f'subject Position report number {i} of the watch\n'
                    f'blob sha256:{sha(b"%d" % i).hex()} 512 text/plain\n\n')
        add(s, (head + body).encode())
    if peaks[w.p].n <= peaks[w.q].n:    # end with the pivot: all is placed
        s, o = w.p, w.q
        add(s, (f'ringdown-entry/v1\nlog {s.origin}\nseq {peaks[s].n}\n'
                f'time {ts(t)}\nseen {peaks[o].n} {b64(peaks[o].root())}\n'
                f'nonce {0:032x}\ntype ack\n\n').encode())
    for s in (w.p, w.q):
        files[s].close()
        r, name = peaks[s].root(), os.path.join(top, 'feed.' + s.host)
        write(name + '.checkpoint', w.note(s, peaks[s].n, r, own=t // 1000))
        write(name + '.cosigned', w.note(s, peaks[s].n, r, cosig=t // 1000))
    write(os.path.join(top, 'joint.checkpoint'),
          w.joint_note(size=joint.n, r=joint.root(), t=t // 1000))
    print(f'{peaks[w.p].n + peaks[w.q].n} entries')


if __name__ == '__main__':
    if len(sys.argv) == 4 and sys.argv[1] == '--bench':
        bench(int(sys.argv[2]), sys.argv[3])
    elif len(sys.argv) == 3 and sys.argv[1] == '--proofs':
        proofs(sys.argv[2])
    elif len(sys.argv) == 2:
        os.makedirs(sys.argv[1], exist_ok=True)
        corpus(sys.argv[1])
    else:
        sys.exit(__doc__)
