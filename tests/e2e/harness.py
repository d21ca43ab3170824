# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a laboratory with certificates, a daemon, phones and bare peers.

A test program is `python3 test_x.py BUILD_DIR` (ctest gives the folder).  Every laboratory has its own
loopback addresses and ports, so that programs can run side by side.  Nothing sleeps: each wait is for a
line, a message, a packet or the end of a process, and has a limit after which the test fails.
"""
import atexit
import base64
import contextlib
import ctypes
import functools
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import weakref

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(SOURCE, "build")
LIMIT_S = float(os.environ.get("GH_E2E_LIMIT_S", "30"))  # for any single event; sanitizers and load slow all


def cmake_cache(name):
    """A value that the build was configured with; "" if it has none."""
    with open(os.path.join(BUILD, "CMakeCache.txt")) as f:
        found = re.search(rf"(?m)^{name}:[A-Z]+=(.*)$", f.read())
    return found.group(1) if found else ""


SANITIZE = cmake_cache("GH_SANITIZE")  # "", "address,undefined" or "thread"
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|SUMMARY: \w+Sanitizer|: runtime error: ")
# An exit code of its own: a program that is expected to end with 1 must not get away with a report.
for options in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    os.environ[options] = ":".join(filter(None, ("exitcode=99", os.environ.get(options))))


def check_reports(who, lines):
    """A sanitizer's report fails the test, whatever the program's exit code was."""
    at = next((i for i, line in enumerate(lines) if REPORT.search(line)), None)
    assert at is None, f"a sanitizer's report of {who}:\n" + "\n".join(lines[max(0, at - 2):at + 60])


def main():
    """Run the tests of the calling module; the build folder is not unittest's business."""
    # Sockets that a failing test leaves open are the process's to close.
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2, warnings="ignore")


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with_parent(how=signal.SIGKILL):
    """In the child: a test that is killed (ctest's timeout) leaves no daemon behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, how)


class Lines:
    """Lines of a pipe, kept, and awaited by pattern."""

    def __init__(self, pipe):
        self.pipe, self.lines, self.cond, self.done = pipe, [], threading.Condition(), False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        for line in self.pipe:
            with self.cond:
                self.lines.append(line.rstrip("\n"))
                self.cond.notify_all()
        with self.cond:
            self.done = True
            self.cond.notify_all()

    def wait(self, pattern, count=1, limit=LIMIT_S):
        """The count-th line that matches, from the beginning on."""
        regex = re.compile(pattern)

        def found():
            return [line for line in self.lines if regex.search(line)]

        with self.cond:
            self.cond.wait_for(lambda: len(found()) >= count or self.done, limit)
            hits = found()
        if len(hits) < count:
            raise AssertionError(f"no line {pattern!r}; the last ones:\n" + "\n".join(self.lines[-20:]))
        return hits[count - 1]

    def text(self):
        with self.cond:
            return "\n".join(self.lines)


def lab_number():
    """Own part of 127.0.0.0/8 for this process: 127.x.y.*"""
    n = os.getpid() & 0xffff
    return 1 + (n >> 8) % 254, n & 0xff


@functools.lru_cache
def certificates():
    """What tools/lab-pki makes, once for all laboratories of this process; each has a copy."""
    folder = tempfile.mkdtemp(prefix="gatehouse-pki-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([os.path.join(SOURCE, "tools", "lab-pki"), folder], check=True)
    return folder


class Lab:
    """A folder with certificates, a configuration, and the daemon."""

    def __init__(self, extra_trunks="", extra_routes="", trunk_options=None, media="", profile="", top="", tls="",
                 ports="20000-29999", timeout="60s", overload="accept", status="update", program="gatehouse"):
        """@overload  on a busy machine nobody else's load shall decide about a test's calls
        @status  status_updates of all trunks: no re-INVITE comes that a test did not ask for
        @program  of the build folder"""
        self.dir = tempfile.mkdtemp(prefix="gatehouse-e2e-")
        self.x, self.y = lab_number()
        shutil.copytree(certificates(), self.path("pki"))
        self.host, self.a_host, self.b_host, self.lab_host, self.strange_host = (self.addr(n) for n in range(1, 6))
        self.keys_file = self.path("keys")
        self.audit = self.path("audit")
        self.daemon, self.program = None, program
        self.logs = []  # of every start
        self.peers = []  # programs that end with the laboratory
        self.connections = weakref.WeakSet()  # those of ours that still stand; the daemon would wait for them to close
        options = {"CUCMA": "srtp: allowed", "CUCM10": "srtp: required", "LAB": "srtp: allowed"}
        options.update(trunk_options or {})
        extra_trunks = extra_trunks.replace("security_profile: encrypted,",
                                            f"security_profile: encrypted, status_updates: {status},")
        with open(self.path("lab.yaml"), "w") as f:
            f.write(f"""version: 1
node: {{name: border1.example.net}}
tls:
  corp:
    certificate: pki/border1.pem
    private_key: pki/border1.key
    client_certificate: pki/client.pem
    client_private_key: pki/client.key
    trust: pki/ca.pem
{tls}listeners:
  core: {{transport: tls, address: {self.host}, port: 5061, tls: corp}}
  lab: {{transport: tcp, address: {self.host}, port: 5060}}
media: {{address: {self.host}, ports: {ports}, timeout: {timeout}, overload: {overload}{media}}}
security_profiles:
  encrypted: {{device_security_mode: encrypted, transmit_security_status: true{profile}}}
  open: {{device_security_mode: non_secure}}
trunks:
  CUCMA: {{security_profile: encrypted, listener: core, peer_names: [CUCMA], destinations: ["{self.a_host}:5061"], status_updates: {status}, {options["CUCMA"]}}}
  CUCM10: {{security_profile: encrypted, listener: core, peer_names: [CUCM10], destinations: ["{self.b_host}:5061"], status_updates: {status}, {options["CUCM10"]}}}
  LAB: {{security_profile: open, listener: lab, peer_addresses: [{self.lab_host}], {options["LAB"]}}}
{extra_trunks}routes:
  - {{pattern: "9898", trunks: [CUCM10]}}
  - {{pattern: "1018", trunks: [CUCMA]}}
{extra_routes}audit: {{directory: audit}}
{top}""")

    def addr(self, last):
        return f"127.{self.x}.{self.y}.{last}"

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        self.daemon = subprocess.Popen(
            [os.path.join(BUILD, self.program), "run", "lab.yaml", "--trace", "trace"],
            cwd=self.dir, stderr=subprocess.PIPE, text=True, errors="replace", preexec_fn=end_with_parent)
        self.log = Lines(self.daemon.stderr)
        self.logs.append(self.log)
        self.log.wait(r" main +start ")

    def stop(self):
        with contextlib.ExitStack() as ends:  # last in, first out, and none is left out
            ends.callback(self.stop_daemon)
            for connection in list(self.connections):
                ends.callback(connection.close)
            for peer in self.peers:
                ends.callback(peer.stop)

    def stop_daemon(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
        if self.daemon:
            try:
                code = self.daemon.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                code = f"nothing: it was killed after {LIMIT_S} s; {self.daemon.wait()}"
            self.log.thread.join(LIMIT_S)
            self.daemon = None
            logs, self.logs = self.logs, []
            for log in logs:
                check_reports("gatehouse", log.lines)
            assert code == 0, f"gatehouse ended with {code}:\n" + "\n".join(self.log.lines[-40:])

    def records(self, kind=None):
        """Records of the ledger so far."""
        out = []
        for name in sorted(os.listdir(self.audit)):
            if name.endswith(".jsonl"):
                # One read: line by line, a line that is just being written would come in two pieces.
                with open(os.path.join(self.audit, name)) as f:
                    out += [json.loads(line) for line in f.read().split("\n")[:-1]]
        return [r for r in out if kind is None or r["type"] == kind]

    def wait_record(self, kind, count=1, **fields):
        """The count-th record of a kind, with these fields: the log tells when to look, the ledger is synced within 20 ms."""
        limit = time.monotonic() + LIMIT_S
        while time.monotonic() < limit:
            found = [r for r in self.records(kind) if all(r.get(name) == value for name, value in fields.items())]
            if len(found) >= count:
                return found[count - 1]
            select.select([], [], [], 0.02)
        raise AssertionError(f"no record {kind} {fields}: {[r['type'] for r in self.records()]}")

    def call_end(self, call_id):
        """call.end of the call that came with this Call-ID."""
        return self.wait_record("call.end", call=self.wait_record("call.start", call_id=call_id)["call"])

    def cert(self, name):
        return self.path("pki", name + "-both.pem")

    # ---- peers ----

    def own(self, peer):
        """Stop it when the laboratory ends.  @return it"""
        self.peers.append(peer)
        return peer

    def phone(self, *args, **kwargs):
        return self.own(Phone(self, *args, **kwargs))

    def callee(self, *more):
        """CUCM10's phone 9898."""
        return self.phone("--answer", "--name", "9898", "--local", f"{self.b_host}:5061", "--cert",
                          self.cert("CUCM10"), "--media-port", "40000", *more)

    def caller(self, *more, number="9898"):
        """CUCMA's phone 1018 calls."""
        return self.phone("--call", f"sip:{number}@{self.host}:5061;transport=tls", "--name", "1018", "--local",
                          f"{self.a_host}:5061", "--cert", self.cert("CUCMA"), "--media-port", "42000", *more)


class Phone:
    """The libre phone (tests/support/phone)."""

    def __init__(self, lab, *args):
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "demo-phone"), *args, "--ca", lab.path("pki", "ca.pem"), "--keys", lab.keys_file],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)
        self.out.wait("^ready")

    def report(self):
        """Wait for the end of the process and give its report."""
        self.check_end(self.process.wait(LIMIT_S + 90))
        return json.loads(self.out.wait(r"^\{"))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.check_end(self.process.wait(LIMIT_S))

    def check_end(self, code):
        self.err.thread.join(LIMIT_S)
        check_reports("the phone", self.err.lines)
        assert code == 0, f"the phone ended with {code}:\n" + "\n".join(self.err.lines[-20:])

    def end(self):
        self.stop()
        return self.report()


class Message:
    """A SIP message as this test suite reads it."""

    def __init__(self, octets):
        head, _, self.body = octets.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.start = lines[0]
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0
        self.method = "" if self.status else self.start.split()[0]

    def get(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Peer:
    """One SIP connection, written by hand: the honest neighbour or the liar."""

    def __init__(self, lab, sock):
        self.sock, self.buffer = sock, b""
        self.sock.settimeout(LIMIT_S)
        lab.connections.add(self)

    def send(self, text, body=b""):
        """Start line and headers with LF; Content-Length is added."""
        head = text.strip().replace("\n", "\r\n") + f"\r\nContent-Length: {len(body)}\r\n\r\n"
        self.sock.sendall(head.encode() + body)

    def raw(self, octets):
        self.sock.sendall(octets)

    def receive(self):
        """The next message; None when the connection ended."""
        while True:
            self.buffer = self.buffer.lstrip(b"\r\n")
            end = self.buffer.find(b"\r\n\r\n")
            if end >= 0:
                length = int(re.search(rb"(?im)^content-length: *(\d+)", self.buffer[:end + 2]).group(1))
                if len(self.buffer) >= end + 4 + length:
                    octets, self.buffer = self.buffer[:end + 4 + length], self.buffer[end + 4 + length:]
                    return Message(octets)
            try:
                more = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return None
            if not more:
                return None
            self.buffer += more

    def expect(self, what):
        """Skip 100 Trying; the next message must be of this status or method."""
        while True:
            msg = self.receive()
            assert msg is not None, f"connection ended, expected {what}"
            if msg.status == 100 and what != 100:
                continue
            assert what in (msg.status, msg.method), f"expected {what}, got {msg.start}: {msg.get('Warning')}"
            return msg

    def silent(self, seconds=0.3):
        """Nothing more is there, or the connection has ended."""
        ready, _, _ = select.select([self.sock], [], [], seconds)
        return not ready or self.receive() is None

    def close(self):
        self.sock.close()


def client_context(lab, cert=None, **kwargs):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(lab.path("pki", "ca.pem"))
    for key, value in kwargs.items():
        setattr(context, key, value)
    if cert:
        context.load_cert_chain(cert)
    return context


def tls_connect(lab, cert=None, source=None, context=None):
    raw = socket.create_connection((lab.host, 5061), LIMIT_S, source_address=(source or lab.a_host, 0))
    return Peer(lab, (context or client_context(lab, cert)).wrap_socket(raw))


def tcp_connect(lab, source=None):
    return Peer(lab, socket.create_connection((lab.host, 5060), LIMIT_S, source_address=(source or lab.lab_host, 0)))


class Server:
    """A neighbour that waits for gatehouse's connection."""

    def __init__(self, lab, cert="CUCM10", host=None, port=5061):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # it may show what gatehouse must refuse
        context.load_cert_chain(cert if os.path.isabs(cert) else lab.cert(cert))
        context.load_verify_locations(lab.path("pki", "ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        self.lab, self.context = lab, context
        self.sock = socket.create_server((host or lab.b_host, port))
        self.sock.settimeout(LIMIT_S)

    def accept(self):
        raw, _ = self.sock.accept()
        return Peer(self.lab, self.context.wrap_socket(raw, server_side=True))

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class PlainServer:
    """The same without TLS."""

    def __init__(self, lab, host=None, port=5060):
        self.lab = lab
        self.sock = socket.create_server((host or lab.b_host, port))
        self.sock.settimeout(LIMIT_S)

    def accept(self):
        return Peer(self.lab, self.sock.accept()[0])

    def close(self):
        self.sock.close()


def token():
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=16))


def base64_key(octets=30):
    """Key and salt, fresh; 30: of AES_CM_128."""
    return base64.b64encode(os.urandom(octets)).decode()


KEY_A = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
KEY_B = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"


def base64_text(key):
    return base64.b64encode(key).decode()


def fresh_key(like):
    """Another key of the same length."""
    return os.urandom(len(like))


def memory(lab, name):
    """The daemon's memory as it is now."""
    subprocess.run(["gcore", "-o", lab.path(name), str(lab.daemon.pid)], check=True, capture_output=True)
    with open(f"{lab.path(name)}.{lab.daemon.pid}", "rb") as f:
        return f.read()


def left_behind(lab, keys):
    """Where a key of @keys stands in what the daemon wrote, or in its memory: its text, its octets, or its master key."""
    places = {"log": lab.log.text().encode(), "memory": memory(lab, "after")}
    for name in [*(os.path.join(lab.audit, name) for name in os.listdir(lab.audit)), lab.path("trace")]:
        with open(name, "rb") as f:
            places[name] = f.read()
    return [f"{what} of key {i} in {where}" for where, octets in places.items() for i, key in enumerate(keys)
            for what, form in (("text", base64_text(key).encode()), ("octets", key), ("master key", key[:16]))
            if form in octets]


def sdp(host, port=30000, crypto="1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY_A, proto="RTP/SAVP", more=""):
    text = f"""v=0
o=CiscoSystemsCCM-SIP 161095 1 IN IP4 {host}
s=SIP Call
c=IN IP4 {host}
t=0 0
m=audio {port} {proto} 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
"""
    for line in ([crypto] if isinstance(crypto, str) else crypto or []):
        text += f"a=crypto:{line}\n"
    return (text + more).replace("\n", "\r\n").encode()


class Dialog:
    """The requests of one side of a dialog, from its INVITE on."""

    def __init__(self, lab, peer, number="9898", user="1018", host=None, transport="TLS"):
        self.lab, self.peer, self.number, self.user = lab, peer, number, user
        self.host, self.transport = host or lab.a_host, transport
        self.call_id, self.tag, self.branch, self.cseq = token(), token(), "z9hG4bK" + token(), 1
        self.to_tag = ""

    def headers(self, method, cseq=None, branch=None, uri=None):
        to = f";tag={self.to_tag}" if self.to_tag else ""
        port = 5061 if self.transport == "TLS" else 5060
        return f"""{method} {uri or f"sip:{self.number}@{self.lab.host}:{port}"} SIP/2.0
Via: SIP/2.0/{self.transport} {self.host}:{port};branch={branch or self.branch}
Max-Forwards: 70
From: "Phone" <sip:{self.user}@{self.host}>;tag={self.tag}
To: <sip:{self.number}@{self.lab.host}>{to}
Call-ID: {self.call_id}
CSeq: {cseq or self.cseq} {method}
Contact: <sip:{self.user}@{self.host}:{port};transport={self.transport.lower()}>
"""

    def invite(self, body, extra="", content_type="application/sdp"):
        typed = f"Content-Type: {content_type}\n" if body else ""
        self.peer.send(self.headers("INVITE") + extra + typed, body)

    def ack(self, body=b""):
        typed = "Content-Type: application/sdp\n" if body else ""
        self.peer.send(self.headers("ACK", branch="z9hG4bK" + token()) + typed, body)

    def ack_refusal(self):
        """ACK to a final response that is no 2xx: same branch (RFC 3261 section 17.1.1.3)."""
        self.peer.send(self.headers("ACK"))

    def cancel(self):
        self.peer.send(self.headers("CANCEL"))

    def request(self, method, extra="", body=b""):
        self.cseq += 1
        self.peer.send(self.headers(method, branch="z9hG4bK" + token()) + extra, body)

    def take_tag(self, msg):
        self.to_tag = re.search(r"tag=([^;]+)", msg.get("To")).group(1)


def reply(peer, request, status, phrase, body=b"", tag=None, extra="", contact=None, content_type="application/sdp"):
    """A response to a request that gatehouse sent."""
    to = request.get("To")
    if tag and "tag=" not in to:
        to += f";tag={tag}"
    text = f"SIP/2.0 {status} {phrase}\n"
    text += "".join(f"Via: {via}\n" for via in request.all("Via"))
    text += f"From: {request.get('From')}\nTo: {to}\nCall-ID: {request.get('Call-ID')}\nCSeq: {request.get('CSeq')}\n"
    if contact:
        text += f"Contact: <{contact}>\n"
    text += extra
    if body:
        text += f"Content-Type: {content_type}\n"
    peer.send(text, body)


def in_dialog(request, method, cseq, lab, host, extra=""):
    """A request of the called side inside the dialog that gatehouse's INVITE made: From and To change places."""
    tag = token()
    return f"""{method} sip:{lab.host}:5061;transport=tls SIP/2.0
Via: SIP/2.0/TLS {host}:5061;branch=z9hG4bK{tag}
Max-Forwards: 70
From: {request["to"]}
To: {request["from"]}
Call-ID: {request["call_id"]}
CSeq: {cseq} {method}
{extra}"""
