# SPDX-License-Identifier: ISC
"""The console's neighbourhood, played: monitor, keeper and API clients.

The wire codec here is made from src/wire/wire.def itself; it is not the one in
src/wire/wire.c, so that both must agree on the octets.
"""
import array
import http.client
import json
import os
import pathlib
import queue
import re
import socket
import struct
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BIN", ROOT / "build/gcc"))
BIN = BIN.resolve()
ROLES = {"MONITOR": 1, "KEEPER": 2, "TRUNK": 3, "CONSOLE": 4}
NUMBER = {"U8": "B", "U16": "H", "U32": "I", "U64": "Q", "I64": "q"}


def messages():
    """NAME -> (type, has descriptor, [(kind, field)])"""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "src/wire/wire.def").read_text(), flags=re.S)
    out = {}
    found = re.findall(r"MSG\((\w+), \w+, \w+, \w+, (\w+),((?:\s*\w+\([^)]*\))+)\s*\)", text)
    for number, (name, fd, fields) in enumerate(found, 1):
        out[name] = (number, fd == "FD", re.findall(r"(\w+)\((\w+)", fields))
    return out


MESSAGES = messages()
BY_TYPE = {number: name for name, (number, _, _) in MESSAGES.items()}


def encode(message, /, **values):
    number, _, fields = MESSAGES[message]
    out = struct.pack(">H", number)
    for kind, field in fields:
        v = values.pop(field, 0 if kind in NUMBER else b"")
        if kind in NUMBER:
            out += struct.pack(">" + NUMBER[kind], v)
        else:
            v = v.encode() if isinstance(v, str) else v
            out += struct.pack(">I", len(v)) + v
    assert not values, values
    return out


def decode(packet):
    name = BY_TYPE[struct.unpack_from(">H", packet)[0]]
    at, out = 2, {}
    for kind, field in MESSAGES[name][2]:
        if kind in NUMBER:
            out[field] = struct.unpack_from(">" + NUMBER[kind], packet, at)[0]
            at += struct.calcsize(NUMBER[kind])
        else:
            n = struct.unpack_from(">I", packet, at)[0]
            v = packet[at + 4:at + 4 + n]
            out[field] = v.decode() if kind == "STR" else v
            at += 4 + n
    assert at == len(packet), "octets left over"
    return name, out


def pair():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for s in (a, b):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return a, b


def send(sock, message, fd=None, /, **values):
    packet = encode(message, **values)
    if fd is None:
        sock.send(packet)
    else:
        sock.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])


def receive(sock):
    """name, fields, descriptor or None; None at the end"""
    packet, ancillary, _, _ = sock.recvmsg(65537, socket.CMSG_SPACE(16))
    if not packet:
        return None
    fds = [fd for _, _, data in ancillary for fd in array.array("i", data)]
    name, fields = decode(packet)
    assert len(fds) == MESSAGES[name][1], (name, fds)
    return name, fields, fds[0] if fds else None


class Keeper(threading.Thread):
    """Answers by self.handler(keeper, name, fields, fd); keeps what it heard."""

    def __init__(self, sock, handler):
        super().__init__(daemon=True)
        self.sock, self.handler = sock, handler
        self.heard = queue.Queue()
        self.lock = threading.Lock()
        self.start()

    def run(self):
        while True:
            try:
                got = receive(self.sock)
            except OSError:
                return
            if got is None:
                return
            if not self.handler or not self.handler(self, *got):
                self.heard.put(got)

    def send(self, message, fd=None, /, **values):
        with self.lock:
            send(self.sock, message, fd, **values)

    def answer(self, req, body, http=200, media="application/json", last=1):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        body = body.encode() if isinstance(body, str) else body
        while len(body) > 61440:
            self.send("ANSWER", req=req, http=http, last=0, media=media, body=body[:61440])
            body = body[61440:]
        self.send("ANSWER", req=req, http=http, last=last, media=media, body=body)

    def next(self, want, seconds=10):
        name, fields, fd = self.heard.get(timeout=seconds)
        assert name == want, (name, fields)
        return fields, fd

    def silent(self, seconds=0.2):
        try:
            got = self.heard.get(timeout=seconds)
        except queue.Empty:
            return True
        raise AssertionError(got)

    def die(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.join()
        self.sock.close()


class Console:
    def __init__(self, directory, handler=None):
        self.path = str(directory / "console.sock")
        self.monitor, theirs = pair()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.path)
        listener.listen(128)
        listener.setblocking(False)
        root = os.getuid() == 0
        ids = ["65534", "65534"] if root else [str(os.getuid()), str(os.getgid())]
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec "$0" "$@" 3<&%d %d<&-' % (theirs.fileno(), theirs.fileno()),
             str(BIN / "test/system/api_console"), *ids],
            pass_fds=[theirs.fileno()])
        theirs.close()
        self.keeper_new(handler)
        send(self.monitor, "LISTEN_FD", listener.fileno(), what="console")
        send(self.monitor, "START")
        listener.close()
        self.monitor.settimeout(20)
        name, fields, _ = receive(self.monitor)
        assert name == "READY" and fields["role"] == ROLES["CONSOLE"], (name, fields)
        self.walls = fields["what"]

    def keeper_new(self, handler=None):
        ours, theirs = pair()
        theirs.setblocking(False)
        send(self.monitor, "PEER_FD", theirs.fileno(), role=ROLES["KEEPER"])
        theirs.close()
        self.keeper = Keeper(ours, handler)
        return self.keeper

    def connect(self, seconds=20):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(seconds)
        s.connect(self.path)
        return s

    def http(self, seconds=20):
        return Client(self, seconds)

    def ask(self, method, target, body=None, seconds=20, **headers):
        c = self.http(seconds)
        try:
            return c.ask(method, target, body, **headers)
        finally:
            c.close()

    def later(self, method, target, body=None, **headers):
        """Ask in a thread; .get() gives the answer."""
        out = queue.Queue()

        def run():
            try:
                out.put(self.ask(method, target, body, **headers))
            except Exception as e:  # the caller sees it
                out.put(e)
        threading.Thread(target=run, daemon=True).start()
        return out

    def stop(self):
        send(self.monitor, "STOP")
        return self.process.wait(20)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.media = response.headers.get("Content-Type", "")
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def problem(self, status, kind):
        assert self.status == status, (self.status, self.body)
        assert self.media == "application/problem+json", self.media
        p = self.json()
        assert p["type"] == "/problems/" + kind, p
        assert p["status"] == status and p["title"] and p["detail"], p
        return p


SEEN = set()    # (method, path, status): compared with docs/openapi.yaml


class Client(http.client.HTTPConnection):
    def __init__(self, console, seconds):
        super().__init__("ringdown", timeout=seconds)
        self.console, self.seconds = console, seconds

    def connect(self):
        self.sock = self.console.connect(self.seconds)

    def ask(self, method, target, body=None, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        self.putrequest(method, target, skip_accept_encoding=True)
        stream = hasattr(body, "__next__")
        if stream:
            self.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            body = body.encode() if isinstance(body, str) else body
            headers.setdefault("Content-Length", str(len(body)))
        for k, v in headers.items():
            self.putheader(k, v)
        self.endheaders()
        if stream:
            for piece in body:
                self.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.send(b"0\r\n\r\n")
        elif body:
            self.send(body)
        answer = Answer(self.getresponse())
        SEEN.add((method, target.split("?")[0], answer.status))
        return answer
