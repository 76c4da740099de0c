#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""verify.py  A second verifier, written from docs/record.md sections 1 to 8.

It exists to disagree: it shares no code and no structure with
ringdown-verify(1), holds everything in memory, and is slow.

usage: verify.py [--card FILE]... DOSSIER
       verify.py --proof FILE --entry FILE (--card FILE --card FILE | --vkeys FILE...)
       verify.py --note FILE --vkeys FILE... [ENTRY...]
       verify.py --corpus DIRECTORY     one line a case: NAME CODE LINE
"""

import base64
import datetime
import functools
import hashlib
import os
import re
import socket
import stat
import sys
from collections import namedtuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LEVEL = {'trusted': 0, 'suspected': 1, 'exposed': 2, 'invalid': 3}
INT_MAX = 2**63 - 1


class Invalid(Exception):
    """An `invalid` verdict: it ends the run."""


class Usage(Exception):
    """Wrong usage: 64."""


class Bad(Exception):
    """Input that does not keep its grammar."""


# ---- grammar: compiled once, matched whole ------------------------------

UINT = rb'(?:0|[1-9][0-9]{0,18})'
B64H = rb'[A-Za-z0-9+/]{43}='
HOST = rb'[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?'
TOKEN = rb'[a-z][a-z0-9-]{0,31}'
TS = rb'[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z'

HOST_RE = re.compile(HOST)
ENTRY_RE = re.compile(
    rb'ringdown-entry/v1\n'
    rb'log ([^\n]+)\n'
    rb'seq (' + UINT + rb')\n'
    rb'time (' + TS + rb')\n'
    rb'seen (' + UINT + rb') (' + B64H + rb')\n'
    rb'nonce [0-9a-f]{32}\n'
    rb'type (' + TOKEN + rb')\n'
    rb'((?:' + TOKEN + rb' [^\n]+\n)*)'
    rb'\n'
    rb'((?s:.*\n)?)')
CARD_RE = re.compile(
    rb'(ringdown-card/v1\n'
    rb'name (' + HOST + rb')\n'
    rb'log (' + B64H + rb')\n'
    rb'cosigner (' + B64H + rb')\n'
    rb'trunk (' + B64H + rb')\n'
    rb'next sha256:([0-9a-f]{64})\n'
    rb'serial [0-9a-f]{32}\n'
    rb'((?:address [^\n]+\n){0,8}))'
    rb'(share (' + B64H + rb')\ncheck ([0-9a-f]{8})\n)?')
SPACES = ''.join(map(chr, [0x85, 0xa0, 0x1680, *range(0x2000, 0x200b),
                           0x2028, 0x2029, 0x202f, 0x205f, 0x3000]))
SIG_RE = re.compile('\u2014 ([^ +' + SPACES + ']+) ([A-Za-z0-9+/]+={0,2})')


def clean(data):
    """The text of strict UTF-8 without control characters but LF."""
    try:
        text = data.decode('utf-8', 'strict')
    except UnicodeDecodeError:
        raise Bad('utf-8') from None
    if re.search('[\x00-\x09\x0b-\x1f\x7f]', text):
        raise Bad('control')
    return text


def uint(data):
    if not re.fullmatch(UINT, data) or int(data) > INT_MAX:
        raise Bad('number')
    return int(data)


def b64(data, size=None):
    if isinstance(data, str):
        data = data.encode()
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        raise Bad('base64') from None
    if base64.b64encode(raw) != data or not raw:
        raise Bad('base64 not canonical')
    if size is not None and len(raw) != size:
        raise Bad('base64 size')
    return raw


def stamp(data):
    """Milliseconds since 1970."""
    if not re.fullmatch(TS, data):
        raise Bad('time')
    try:
        t = datetime.datetime.strptime(data[:19].decode(), '%Y-%m-%dT%H:%M:%S')
    except ValueError:
        raise Bad('time') from None
    # strptime takes 60 and 61 for seconds
    if t.year < 1970 or int(data[17:19]) > 59:
        raise Bad('time')
    days = t.toordinal() - datetime.date(1970, 1, 1).toordinal()
    seconds = (days * 24 + t.hour) * 3600 + t.minute * 60 + t.second
    return seconds * 1000 + int(data[20:23])


def value(data):
    if not 1 <= len(data) <= 1024 or data[:1] == b' ' or data[-1:] == b' ':
        raise Bad('value')
    return data


def fits(check, *args):
    try:
        return check(*args) is not False
    except Bad:
        return False


# ---- hashes -------------------------------------------------------------

def sha(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha(b'\x01' + left + right)


class Tree:
    """RFC 6962, by the definition of its section 2.1, remembered."""

    def __init__(self, entries):
        self.leaf = [sha(b'\x00' + e) for e in entries]
        self.span = functools.lru_cache(None)(self._span)

    def _span(self, lo, hi):
        if hi - lo == 1:
            return self.leaf[lo]
        k = 1 << (hi - lo - 1).bit_length() - 1
        return node(self.span(lo, lo + k), self.span(lo + k, hi))

    def root(self, n):
        return self.span(0, n) if n else sha(b'')


def inclusion(index, size, leaf, proof):
    """The root that a proof leads to (RFC 6962 2.1.1, from the top down)."""
    # the turns from the root to the leaf, then back up with the hashes
    turns, lo, hi = [], 0, size
    while hi - lo > 1:
        k = 1 << (hi - lo - 1).bit_length() - 1
        right = index >= lo + k
        turns.append(right)
        lo, hi = (lo + k, hi) if right else (lo, lo + k)
    if len(turns) != len(proof):
        raise Bad('proof length')
    for right, sibling in zip(reversed(turns), proof):
        leaf = node(sibling, leaf) if right else node(leaf, sibling)
    return leaf


def consistency(m, n, old, proof):
    """Both roots that a proof leads to (RFC 6962 2.1.2, SUBPROOF)."""
    proof = list(proof)

    def subproof(m, n, whole):
        if m == n:
            if whole:
                return old, old
            if not proof:
                raise Bad('proof length')
            h = proof.pop(0)
            return h, h
        k = 1 << (n - 1).bit_length() - 1
        if m <= k:
            first, second = subproof(m, k, whole)
            if not proof:
                raise Bad('proof length')
            return first, node(second, proof.pop(0))
        first, second = subproof(m - k, n - k, False)
        if not proof:
            raise Bad('proof length')
        left = proof.pop(0)
        return node(left, first), node(left, second)

    roots = subproof(m, n, True)
    if proof:
        raise Bad('proof length')
    return roots


# ---- keys, cards, notes -------------------------------------------------

class Key:
    def __init__(self, name, kind, pub):
        self.name, self.kind, self.pub = name, kind, pub
        self.id = sha(name.encode() + b'\n' + bytes([kind]) + pub)[:4]

    def vkey(self):
        raw = base64.b64encode(bytes([self.kind]) + self.pub).decode()
        return f'{self.name}+{self.id.hex()}+{raw}'

    def verify(self, sig, message):
        try:
            Ed25519PublicKey.from_public_bytes(self.pub).verify(sig, message)
        except (InvalidSignature, ValueError):
            raise Bad('signature') from None

    def cosigned(self, time, sig, body):
        self.verify(sig, b'cosignature/v1\ntime %d\n' % time + body)

    @classmethod
    def parse(cls, line):
        m = re.fullmatch(r'([^+]+)\+([0-9a-f]{8})\+(.+)', line)
        if not m:
            raise Bad('vkey')
        raw = b64(m[3], 33)
        key = cls(m[1], raw[0], raw[1:])
        if key.id.hex() != m[2] or key.kind not in (1, 4):
            raise Bad('vkey')
        return key


Card = namedtuple('Card', 'text host log cosigner trunk next')


def address(line):
    m = re.fullmatch(rb'(?:\[([^]]+)\]|([^:\[\]]+)):([1-9][0-9]{0,4})', line)
    if not m or int(m[3]) > 65535:
        raise Bad('address')
    try:
        socket.inet_pton(socket.AF_INET6 if m[1] else socket.AF_INET,
                         (m[1] or m[2]).decode())
    except (OSError, ValueError):
        raise Bad('address') from None


def card_parse(data, whole_ok):
    clean(data)
    m = CARD_RE.fullmatch(data)
    if not m or len(data) > 16384 or (m[8] and not whole_ok):
        raise Bad('card')
    if m[8]:
        b64(m[9], 32)
        lines = data[:data.rindex(b'check ')]
        if sha(lines)[:4].hex().encode() != m[10]:
            raise Bad('check')
    for line in m[7].splitlines():
        address(line[len(b'address '):])
    keys = [b64(m[i], 32) for i in (3, 4, 5)]
    if len(set(keys)) != 3:
        raise Bad('keys repeated')
    return Card(m[1], m[2].decode(), *keys, m[6].decode())


class Note:
    def __init__(self, data):
        if len(data) > 16384:
            raise Bad('note size')
        text = clean(data)
        body, gap, tail = text.rpartition('\n\n')
        if not gap or not tail.endswith('\n'):
            raise Bad('note')
        self.body = (body + '\n').encode()
        lines = body.split('\n')
        if len(lines) != 3 or not lines[0]:
            raise Bad('checkpoint')
        self.origin = lines[0]
        self.size = uint(lines[1].encode())
        self.root = b64(lines[2], 32)
        self.lines = []
        for line in tail[:-1].split('\n'):
            m = SIG_RE.fullmatch(line)
            if not m:
                raise Bad('signature line')
            raw = b64(m[2])
            if len(raw) < 5:
                raise Bad('signature line')
            self.lines.append((m[1], raw[:4], raw[4:]))
        if len(self.lines) > 16:
            raise Bad('too many signatures')
        self.signed = {}        # key name and kind: time, or True

    def check(self, keys):
        # a log key is known over its own origin alone
        keys = [k for k in keys if k.kind == 4 or k.name == self.origin]
        known = {(k.name, k.id): k for k in keys}
        for name, kid, sig in self.lines:
            key = known.pop((name, kid), None)
            if key is None:
                if any((k.name, k.id) == (name, kid) for k in keys):
                    raise Bad('two lines of one key')
                continue
            if key.kind == 1:
                if len(sig) != 64:
                    raise Bad('signature')
                key.verify(sig, self.body)
                self.signed[key.name, 1] = True
            else:
                time = int.from_bytes(sig[:8], 'big')
                if len(sig) != 72 or time > INT_MAX:
                    raise Bad('signature')
                key.cosigned(time, sig[8:], self.body)
                self.signed[key.name, 4] = time
        return self

    def time(self, key):
        return self.signed.get((key.name, key.kind))


# ---- entries ------------------------------------------------------------

def one_of(*words):
    return lambda v: v.decode() in words


def first_last(v):
    m = re.fullmatch(rb'(\S+) (\S+)', v)
    return bool(m) and uint(m[1]) <= uint(m[2])


def pair(second):
    def check(v):
        a, sp, b = v.partition(b' ')
        uint(a)
        return bool(sp) and second(b) is not False
    return check


def blob(v):
    m = re.fullmatch(rb'sha256:[0-9a-f]{64} ([0-9]+) [^ ]+', v)
    return bool(m) and uint(m[1]) >= 0


def kind_other(v):
    return re.fullmatch(TOKEN, v) is not None and v != b'clock'


IDENT = re.compile(rb'[A-Za-z0-9._-]{1,64}')
ANY = value
PRECEDENCE = one_of('routine', 'priority', 'immediate', 'flash')


def ident(v):
    return IDENT.fullmatch(v) is not None


def name(v):
    return re.fullmatch(TOKEN, v) is not None


def hash_size(v):
    m = re.fullmatch(rb'sha256:[0-9a-f]{64} ([0-9]+)', v)
    return bool(m) and uint(m[1]) >= 0


KIND = one_of('scheduled', 'unannounced', 'restoration', 'fallback')


def signed(v):
    return uint(v[1:]) > 0 if v[:1] == b'-' else uint(v) >= 0


TYPES = {
    'notice': [[('id', ident), ('by', ANY), ('precedence', PRECEDENCE),
                ('subject', ANY), ('blob', blob), ('?line', name),
                ('?written', stamp)]],
    'document': [[('id', ident), ('by', ANY), ('precedence', PRECEDENCE),
                  ('subject', ANY), ('name', ANY), ('blob', blob),
                  ('?line', name), ('?written', stamp)]],
    'receipt': [[('state', one_of('held', 'delivered', 'opened', 'printed')),
                 ('of', first_last), ('?by', ANY)]],
    'refuse': [[('of', first_last), ('reason', ANY)]],
    'ack': [[]],
    'line': [[('state', one_of('up', 'down')), ('?offset-ms', signed),
              ('?rtt-ms', uint)]],
    'fault': [[('kind', one_of('clock')), ('was', stamp), ('now', stamp)],
              [('kind', kind_other), ('detail', ANY)]],
    'restore': [[('from', uint), ('to', pair(lambda v: b64(v, 32))),
                 ('attest', pair(lambda v: b64(v, 64)))]],
    # docs/lines.md 2
    'propose': [[('line', name), ('version', uint), ('by', ANY)]],
    'accept': [[('line', name), ('version', uint), ('agreement', hash_size),
                ('by', ANY)]],
    'decline': [[('line', name), ('version', uint), ('agreement', hash_size),
                 ('by', ANY), ('reason', ANY)]],
    'withdraw': [[('line', name), ('version', uint), ('by', ANY),
                  ('reason', ANY)]],
    'declare': [[('line', name),
                 ('state', one_of('open', 'closed', 'suspended', 'fault')),
                 ('?until', stamp), ('by', ANY), ('reason', ANY)]],
    'check': [[('line', name), ('check', name), ('due', stamp), ('kind', KIND),
               ('?for', name), ('?mark', one_of('drill')), ('?by', ANY)]],
    'answer': [[('of', uint), ('line', name), ('check', name), ('due', stamp),
                ('state', one_of('ready', 'refused'))]],
    'attend': [[('of', uint), ('line', name), ('check', name), ('due', stamp),
                ('state', one_of('present', 'refused')), ('by', ANY),
                ('?reason', ANY)]],
    'result': [[('line', name), ('check', name), ('due', stamp), ('kind', KIND),
                ('?for', name), ('?mark', one_of('drill')),
                ('outcome', one_of('answered', 'answered-late', 'unattended',
                                   'refused', 'path-down', 'outside-hours',
                                   'fault-declared-here', 'suspended',
                                   'fault-declared-there')),
                ('?of', uint), ('?after-ms', uint), ('?by', ANY),
                ('?tried', ANY)]],
    'waiting': [[('line', name), ('id', ident), ('blob', blob)]],
}


def alternatives(shape):
    """All lists of names that a shape with optional fields allows."""
    lists = [[]]
    for name, check in shape:
        field = (name.lstrip('?'), check)
        with_it = [x + [field] for x in lists]
        lists = lists + with_it if name[0] == '?' else with_it
    return lists


class Entry:
    def __init__(self, data):
        clean(data)
        m = ENTRY_RE.fullmatch(data)
        if not m or len(data) > 49152:
            raise Bad('entry')
        self.log = value(m[1])
        self.seq = uint(m[2])
        self.time = stamp(m[3])
        self.seen = uint(m[4])
        self.root = b64(m[5], 32)
        self.type = m[6].decode()
        self.head, self.text = m[7], m[8]
        self.fields = [tuple(line.split(b' ', 1))
                       for line in m[7].split(b'\n')[:-1]]
        if len(self.fields) > 64:
            raise Bad('fields')
        for _, v in self.fields:
            value(v)
        self.understood = self._understood()
        self.get = {k.decode(): v for k, v in self.fields}
        self.clock = (self.understood and self.type == 'fault' and
                      self.get['kind'] == b'clock')

    def _understood(self):
        if bool(self.text) != (self.type == 'propose'):
            return False
        names = [k.decode() for k, _ in self.fields]
        for shape in TYPES.get(self.type, []):
            for want in alternatives(shape):
                if [n for n, _ in want] != names:
                    continue
                if all(fits(c, v) for (_, c), (_, v) in zip(want, self.fields)):
                    return True
        return False

    def blob(self):
        if not self.understood or self.type not in ('notice', 'document'):
            return None
        h, size, _ = self.get['blob'].split(b' ', 2)
        return h[7:].decode(), int(size)


# ---- a dossier ----------------------------------------------------------

def frames(data, most=49152):
    out, at = [], 0
    while at < len(data):
        n = int.from_bytes(data[at:at + 2], 'big')
        if at + 2 > len(data) or not 1 <= n <= most or \
                at + 2 + n > len(data):
            raise Bad('framing')
        out.append(data[at + 2:at + 2 + n])
        at += 2 + n
    return out


class Side:
    def __init__(self, card):
        self.card, self.host = card, card.host


class Pair:
    """What follows from two cards (section 2)."""

    def __init__(self, cards):
        cards = sorted(cards, key=lambda c: c.log)
        lo, hi = self.sides = [Side(c) for c in cards]
        text = b'ringdown-gen/v1\n'
        for c in cards:
            text += len(c.text).to_bytes(4, 'big') + c.text
        gen = sha(text + bytes(8)).hex()[:32]
        self.pairing = lo.card.text + hi.card.text
        for s, o in ((lo, hi), (hi, lo)):
            s.other = o
            s.origin = f'{s.host}/ringdown/{o.host}/{gen}'
            s.key = Key(s.origin, 1, s.card.log)
            s.cosigner = Key(f'{s.host}/ringdown/cosigner', 4, s.card.cosigner)
            s.feed_name = f'feed.{s.host}'
        a, b = sorted([lo.host, hi.host], key=str.encode)
        self.joint = Key(f'ringdown/{a}/{b}/{gen}', 1, lo.card.log)
        self.cosigners = [lo.cosigner, hi.cosigner]


class Dossier:
    PROOFS = {b'fork': 65536, b'envelope': 4194304, b'cosignature': 16384,
              b'joint': 16384}

    def __init__(self, path, cards):
        self.path, self.given = path, cards
        self.found = []         # (level, host, reason, place)

    def say(self, level, side, reason, place):
        self.found.append((level, side.host, reason, place))

    def read(self, name):
        with open(os.path.join(self.path, name), 'rb') as f:
            return f.read()

    def has(self, name):
        return os.path.lexists(os.path.join(self.path.encode(),
                                            name.encode()))

    def judge(self):
        try:
            self.shape()
            self.cards()
            self.feeds()
            if self.entries():
                self.seen()
                self.weigh_restores()
                self.cosignatures()
                self.restores()
                self.joint_record()
                self.blobs()
            self.proofs()
        except Invalid as e:
            return 3, 'verdict: invalid %s %s' % e.args
        for level in ('exposed', 'suspected'):
            for f in self.found:
                if f[0] == level:
                    return LEVEL[level], 'verdict: ' + ' '.join(f)
        return 0, 'verdict: trusted'

    # 1
    def shape(self):
        top = os.path.join(self.path.encode(), b'')
        names = os.listdir(top)
        suffixes = (b'.checkpoint', b'.cosigned', b'.idle')
        hosts = sorted(n[5:] for n in names if n.startswith(b'card.') and
                       HOST_RE.fullmatch(n[5:]) and
                       not n.endswith(suffixes))
        allowed = {b'dossier': 200, b'joint.checkpoint': 16384}
        for h in hosts:
            allowed[b'card.' + h] = 16384
            allowed[b'feed.' + h] = None
            for s in suffixes:
                allowed[b'feed.' + h + s] = 16384
        unbound, large = [], []

        def look(name, limit):
            st = os.lstat(top + name)
            if not stat.S_ISREG(st.st_mode):
                unbound.append(name)
            elif limit is not None and st.st_size > limit:
                large.append(name)

        for n in names:
            if n in (b'blob', b'proof'):
                if not stat.S_ISDIR(os.lstat(top + n).st_mode):
                    unbound.append(n)
                    continue
                for f in os.listdir(top + n):
                    m = re.fullmatch(rb'[0-9]{1,9}\.([a-z]+)', f)
                    if n == b'blob' and re.fullmatch(rb'[0-9a-f]{64}', f):
                        look(n + b'/' + f, None)
                    elif n == b'proof' and m and m[1] in self.PROOFS:
                        look(n + b'/' + f, self.PROOFS[m[1]])
                    else:
                        unbound.append(n + b'/' + f)
            elif n in allowed:
                look(n, allowed[n])
            else:
                unbound.append(n)
        if unbound:
            raise Invalid('unbound', printable(min(unbound)))
        if b'dossier' not in names:
            raise Invalid('missing', 'dossier')
        if len(hosts) != 2:
            raise Invalid('missing', 'card')
        for h in hosts:
            feed = b'feed.' + h
            if feed not in names:
                raise Invalid('missing', feed.decode())
            if os.stat(top + feed).st_size and \
                    feed + b'.checkpoint' not in names:
                raise Invalid('missing', feed.decode() + '.checkpoint')
        if large:
            raise Invalid('syntax', min(large).decode())
        self.hosts = [h.decode() for h in hosts]

    # 2
    def cards(self):
        cards, keys = [], set()
        for h in self.hosts:
            try:
                c = card_parse(self.read('card.' + h), False)
            except Bad:
                raise Invalid('syntax', 'card.' + h) from None
            if c.host != h:
                raise Invalid('syntax', 'card.' + h)
            cards.append(c)
        for c in cards:
            mine = {c.log, c.cosigner, c.trunk}
            if mine & keys:
                raise Invalid('syntax', 'card.' + c.host)
            keys |= mine
        for g in self.given:
            if g.text not in [c.text for c in cards]:
                raise Invalid('card', 'card.' + g.host)
        m = re.fullmatch(rb'ringdown-dossier/v1\nside ([^\n]+)\n',
                         self.read('dossier'))
        if not m or m[1].decode('latin-1') not in self.hosts:
            raise Invalid('syntax', 'dossier')
        self.pair = Pair(cards)
        self.lo, self.hi = self.sides = self.pair.sides

    def note(self, name, keys, must):
        if not self.has(name):
            return None
        try:
            n = Note(self.read(name)).check(keys)
        except Bad:
            raise Invalid('signature', name) from None
        if n.origin != keys[0].name or n.time(must) is None:
            raise Invalid('signature', name)
        return n

    # 3
    def feeds(self):
        for s in self.sides:
            try:
                s.raw = frames(self.read(s.feed_name))
            except Bad:
                raise Invalid('framing', s.feed_name) from None
            s.keys = [s.key] + self.pair.cosigners
            name = s.feed_name + '.checkpoint'
            s.tree = Tree(s.raw)
            s.checkpoint = self.note(name, s.keys, s.key)
            if s.checkpoint and s.checkpoint.size != len(s.raw):
                raise Invalid('size', name)
            if s.checkpoint and s.checkpoint.root != s.tree.root(len(s.raw)):
                raise Invalid('root', name)

    # 4
    def opening(self, s):
        agreement = hashlib.sha256(self.pair.pairing).hexdigest()
        return (f'peer {s.other.origin}\n'
                f'agreement sha256:{agreement} {len(self.pair.pairing)}\n'
                f'pivot {self.lo.origin}\n'
                f'log-key {s.key.vkey()}\n'
                f'cosigner-key {s.cosigner.vkey()}\n'
                f'next-key sha256:{s.card.next}\n').encode()

    def entry_fault(self, s, i, e, last):
        if e.log != s.origin.encode():
            return 'log'
        if e.seq != i:
            return 'seq'
        if (e.type == 'open') != (i == 0):
            return 'open'
        if last and e.seen < last.seen:
            return 'seen'
        if e.seen == 0 and e.root != sha(b''):
            return 'seen'
        if last and e.time < last.time:
            if not (e.clock and stamp(e.get['was']) == last.time and
                    stamp(e.get['now']) == e.time):
                return 'time'
        if i == 0 and (e.head != self.opening(s) or e.text):
            return 'open'
        return None

    def entries(self):
        for s in self.sides:
            s.entry = []
            for i, raw in enumerate(s.raw):
                try:
                    e = Entry(raw)
                    why = self.entry_fault(s, i, e,
                                           s.entry[-1] if i else None)
                except Bad:
                    why = 'grammar'
                if why:
                    self.say('exposed', s, why, f'{s.feed_name}:{i}')
                    break
                s.entry.append(e)
        return not self.found

    # 5
    def seen(self):
        for s in self.sides:
            told = False
            for i, e in enumerate(s.entry):
                if e.seen > len(s.other.raw):
                    raise Invalid('incomplete', f'{s.feed_name}:{i}')
                if e.root != s.other.tree.root(e.seen) and not told:
                    self.say('suspected', s, 'seen-root',
                             f'{s.feed_name}:{i}')
                    told = True

    # 6
    def cosignatures(self):
        for s in self.sides:
            o, notes = s.other, [s.checkpoint]
            last_seen = o.entry[-1].seen if o.entry else 0
            for kind in ('cosigned', 'idle'):
                name = f'{s.feed_name}.{kind}'
                n = self.note(name, s.keys, o.cosigner)
                notes.append(n)
                if not n:
                    continue
                if not 1 <= n.size <= len(s.raw):
                    raise Invalid('size', name)
                if n.root != s.tree.root(n.size):
                    self.other_tree(s, n, name)
                elif any(e.type != 'ack'
                         for e in s.entry[last_seen:n.size]):
                    self.say('suspected', o, 'cosigned-unseen', name)
            for n in notes:
                if n and n.time(s.cosigner) is not None:
                    self.backdated(s, n.size, n.time(s.cosigner))
            if notes[2]:
                # a larger tree cosigned since answers it
                self.idle(s, max(n.size for n in notes[1:] if n),
                          notes[2].time(o.cosigner))

    def other_tree(self, s, n, place):
        if n.time(s.key):
            self.fork(s, s.key, [n, s.checkpoint], place)
        else:
            self.say('suspected', s.other, 'cosigned-root', place)

    def backdated(self, s, size, time):
        for i in range(size, len(s.entry)):
            if s.entry[i].clock:
                return
            if s.entry[i].time // 1000 < time:
                self.say('exposed', s, 'backdated', f'{s.feed_name}:{i}')
                return

    def idle(self, s, size, time):
        for i in range(size, len(s.entry)):
            e = s.entry[i]
            if e.type != 'ack' and e.time + 300_000 < time * 1000:
                self.say('suspected', s.other, 'unacknowledged',
                         f'{s.feed_name}:{i}')
                return

    # 7
    def restore_fault(self, s, i, e, root):
        size, to = e.get['to'].split(b' ')
        time, sig = e.get['attest'].split(b' ')
        body = s.origin.encode() + b'\n' + size + b'\n' + to + b'\n'
        if not fits(s.other.cosigner.cosigned, int(time), b64(sig), body):
            return 'attest'
        return None if int(size) == i and b64(to) == root else 'restore'

    def weigh_restores(self):
        for s in self.sides:
            s.valid, s.bad = [], []
            for i, e in enumerate(s.entry):
                if e.type != 'restore' or not e.understood:
                    continue
                why = self.restore_fault(s, i, e, s.tree.root(i))
                if why:
                    s.bad.append((why, i))
                else:
                    s.valid.append((i, int(e.get['attest'].split(b' ')[0])))

    def restores(self):
        for s in self.sides:
            for why, i in s.bad:
                self.say('exposed', s, why, f'{s.feed_name}:{i}')

    # 8
    def joint_record(self):
        p, q = self.lo, self.hi
        order, self.joint_sizes, j = [], {0: 0}, 0
        for i, e in enumerate(p.entry):
            while j < e.seen:
                order.append(q.raw[j])
                j += 1
            order.append(p.raw[i])
            self.joint_sizes[len(order)] = i + 1
        self.joint_tree = Tree(order)
        name = 'joint.checkpoint'
        n = self.note(name, [self.pair.joint] + self.pair.cosigners,
                      self.pair.joint)
        if not n:
            return
        if n.size not in self.joint_sizes:
            raise Invalid('size', name)
        if n.root != self.joint_tree.root(n.size):
            self.joint_false(n, name)

    def joint_false(self, n, place):
        p, q = self.lo, self.hi
        own = self.joint_sizes[n.size]
        last = p.entry[own - 1] if own else None
        level = 'exposed'
        if last and last.root != q.tree.root(last.seen):
            level = 'suspected'
        if any(e.type == 'restore' and e.understood for e in p.entry[:own]):
            level = 'suspected'
        self.say(level, p, 'joint-root', place)

    # 9
    def blobs(self):
        named = {}
        for s in self.sides:
            for e in s.entry:
                b = e.blob()
                if b:
                    named.setdefault(b[0], set()).add(b[1])
        if not self.has('blob'):
            return
        for name in sorted(os.listdir(os.path.join(self.path, 'blob'))):
            if name not in named:
                raise Invalid('unbound', 'blob/' + name)
            data = self.read('blob/' + name)
            if sha(data).hex() != name or len(data) not in named[name]:
                raise Invalid('hash', 'blob/' + name)

    # 10
    def fork(self, signer, key, notes, place):
        other, restored = signer.other, False
        for m, attest in signer.valid:
            if key is self.pair.joint and m:
                m += signer.entry[m - 1].seen
            if m >= notes[0].size:
                continue
            restored = True
            for n in notes:
                t = n.time(other.cosigner)
                if n.size > m and t is not None and t <= attest and \
                        not any(e.clock and e.time // 1000 <= t
                                for e in other.entry):
                    self.say('exposed', other, 'attested-lie', place)
                    return
        if restored:
            self.say('suspected', signer, 'fork-after-restore', place)
        else:
            self.say('exposed', signer, 'fork', place)

    def fork_parse(self, data):
        m = re.match(rb'ringdown-fork/v1\nfirst (' + UINT + rb')\nsecond (' +
                     UINT + rb')\nprefix (' + B64H + rb')\nproof (' + UINT +
                     rb')\n', data)
        if not m:
            raise Bad('fork')
        n1, n2, prefix, count = uint(m[1]), uint(m[2]), b64(m[3]), uint(m[4])
        rest = data[m.end():].split(b'\n', min(count, 97))
        if count > 96 or len(rest) != count + 1:
            raise Bad('fork')
        proof, notes = [b64(h, 32) for h in rest[:-1]], rest[-1]
        if n1 + n2 != len(notes):
            raise Bad('fork')
        first, second = Note(notes[:n1]), Note(notes[n1:])
        keys = {s.origin: (s, s.key) for s in self.sides}
        keys[self.pair.joint.name] = (self.lo, self.pair.joint)
        if first.origin != second.origin or first.origin not in keys:
            raise Bad('origin')
        signer, key = keys[first.origin]
        for n in (first, second):
            n.check([key] + self.pair.cosigners)
            if not n.time(key):
                raise Bad('unsigned')
        if not 1 <= first.size <= second.size or prefix == first.root:
            raise Bad('no contradiction')
        if first.size == second.size:
            if proof or prefix != second.root:
                raise Bad('no contradiction')
        elif consistency(first.size, second.size, prefix, proof) != \
                (prefix, second.root):
            raise Bad('proof')
        return signer, key, [first, second]

    def envelope(self, data, place):
        m = re.match(rb'ringdown-envelope/v1\nfrom (' + UINT +
                     rb')\nnote (' + UINT + rb')\n', data)
        if not m or m.end() + uint(m[2]) > len(data):
            raise Bad('envelope')
        at = m.end() + uint(m[2])
        n, k = Note(data[m.end():at]), uint(m[1])
        s = next((s for s in self.sides if s.origin == n.origin), None)
        if not s or not n.check(s.keys).time(s.key) or k > len(s.raw):
            raise Bad('envelope')
        raw = s.raw[:k] + frames(data[at:], 65535)
        if n.size != len(raw) or n.root != Tree(raw).root(n.size):
            raise Bad('envelope')
        entry = s.entry[:k]
        for i in range(k, len(raw)):
            try:
                e = Entry(raw[i])
            except Bad:
                why = 'grammar'
            else:
                why = self.entry_fault(s, i, e, entry[-1] if i else None)
                if not why and e.type == 'restore' and e.understood:
                    why = self.restore_fault(s, i, e, Tree(raw[:i]).root(i))
                entry.append(e)
            if why:
                self.say('exposed', s, why, f'{place}:{i}')
                return
        raise Bad('no fault')

    def cosignature(self, data, place):
        n = Note(data)
        s = next((s for s in self.sides if s.origin == n.origin), None)
        if not s or n.check(s.keys).time(s.other.cosigner) is None or \
                not 1 <= n.size <= len(s.raw) or \
                n.root == s.tree.root(n.size):
            raise Bad('cosignature')
        self.other_tree(s, n, place)

    def joint_note(self, data, place):
        n = Note(data)
        if n.origin != self.pair.joint.name or \
                not n.check([self.pair.joint] +
                            self.pair.cosigners).time(self.pair.joint) or \
                n.size not in self.joint_sizes or \
                n.root == self.joint_tree.root(n.size):
            raise Bad('joint')
        self.joint_false(n, place)

    def proofs(self):
        if not self.has('proof'):
            return
        judged = all(hasattr(s, 'valid') for s in self.sides)
        for name in sorted(os.listdir(os.path.join(self.path, 'proof'))):
            place, kind = 'proof/' + name, name.partition('.')[2]
            try:
                if kind == 'fork':
                    found = self.fork_parse(self.read(place))
                    if judged:
                        self.fork(*found, place)
                elif judged:
                    {'envelope': self.envelope, 'joint': self.joint_note,
                     'cosignature': self.cosignature}[kind](
                         self.read(place), place)
            except Bad:
                raise Invalid('proof', place) from None


def printable(name):
    return ''.join(chr(b) if 0x21 <= b <= 0x7e and b != 0x5c else
                   f'\\x{b:02x}' for b in name)


# ---- single proofs and notes --------------------------------------------

def open_note(data, keys):
    n = Note(data).check(keys)
    if not any(k.kind == 1 and k.name == n.origin and n.time(k)
               for k in keys):
        raise Bad('unsigned')
    return n


def signers(n, keys):
    return ['signed by ' + k.name for k in keys if n.time(k)]


def judge_note(path, keys, entries):
    place = printable(os.fsencode(path))
    try:
        n = open_note(slurp(path), keys)
    except Bad:
        raise Invalid('signature', place) from None
    print('\n'.join(signers(n, keys)))
    if entries:
        tree = Tree([slurp(e) for e in entries])
        if n.size != len(entries):
            raise Invalid('size', place)
        if n.root != tree.root(n.size):
            raise Invalid('root', place)


def judge_proof(path, keys, entry):
    place = printable(os.fsencode(path))
    m = re.match(rb'c2sp\.org/tlog-proof@v1\n(?:extra ([^\n]*)\n)?index (' +
                 UINT + rb')\n((?:[^\n]+\n)*)\n', slurp(path))
    try:
        if not m:
            raise Bad('proof')
        index = uint(m[2])
        proof = [b64(h, 32) for h in m[3].split(b'\n')[:-1]]
        if entry is None and not m[1]:
            raise Usage
        leaf = slurp(entry) if entry is not None else b64(m[1])
    except Bad:
        raise Invalid('syntax', place) from None
    try:
        n = open_note(slurp(path)[m.end():], keys)
    except Bad:
        raise Invalid('signature', place) from None
    print('\n'.join(signers(n, keys)))
    try:
        if index >= n.size or \
                inclusion(index, n.size, sha(b'\0' + leaf), proof) != n.root:
            raise Bad('root')
    except Bad:
        raise Invalid('proof', place) from None


def slurp(path):
    with open(path, 'rb') as f:
        return f.read()


def given_cards(paths):
    try:
        cards = [card_parse(slurp(p), True) for p in paths]
    except Bad:
        raise Usage from None
    if len(cards) > 2 or len({c.host for c in cards}) != len(cards):
        raise Usage
    return cards


def given_keys(cards, vkeys):
    keys = []
    if cards:
        pair = Pair(cards)
        keys = [s.key for s in pair.sides] + [pair.joint] + pair.cosigners
    for path in vkeys:
        keys += [Key.parse(x) for x in slurp(path).decode().splitlines()]
    return keys


def corpus(top):
    for name in sorted(os.listdir(top)):
        cards = os.path.join(top, name, 'cards')
        given = []
        if os.path.isdir(cards):
            given = [os.path.join(cards, c) for c in sorted(os.listdir(cards))]
        path = os.path.join(top, name, 'dossier')
        print(name, *Dossier(path, given_cards(given)).judge())
    return 0


def main(argv):
    if len(argv) == 2 and argv[0] == '--corpus':
        return corpus(argv[1])
    opt = {'--card': [], '--vkeys': [], '--note': [], '--proof': [],
           '--entry': []}
    rest = []
    while argv:
        a = argv.pop(0)
        if a in opt and argv:
            opt[a].append(argv.pop(0))
        elif a.startswith('-'):
            raise Usage
        else:
            rest.append(a)
    cards = given_cards(opt['--card'])
    if opt['--note'] or opt['--proof']:
        keys = given_keys(cards, opt['--vkeys'])
        try:
            if opt['--note']:
                judge_note(opt['--note'][0], keys, rest)
            else:
                judge_proof(opt['--proof'][0], keys,
                            (opt['--entry'] or [None])[0])
        except Invalid as e:
            print('verdict: invalid %s %s' % e.args)
            return 3
        print('verdict: trusted')
        return 0
    if len(rest) != 1:
        raise Usage
    code, line = Dossier(rest[0], cards).judge()
    print(line)
    return code


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except Usage:
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    except OSError as err:
        print(f'verify.py: {err}', file=sys.stderr)
        sys.exit(74)
