# SPDX-License-Identifier: Apache-2.0
"""What the tests of TLS share: connections that will be refused, and what must be written down about it."""
import itertools
import re
import socket
import ssl
import unittest

import harness as h
from pki import Pki

# openssl's words for a context that still speaks what nobody should: Python's own minimum is TLS 1.2.
OLD = "DEFAULT:@SECLEVEL=0"


def client(lab, cert=None, version=None, ciphers=None):
    """A client's context that looks at the server's certificate and speaks just what it is told to."""
    context = h.client_context(lab)
    if ciphers:
        context.set_ciphers(ciphers)
    if version:
        context.minimum_version = context.maximum_version = version
    if cert:
        context.load_cert_chain(cert)
    return context


class TlsCase(unittest.TestCase):
    """One laboratory for a class; every connection that will be refused has a source address of its own, because
    refusals that repeat (same reason, same source) fold into one record a second."""

    @classmethod
    def setUpClass(cls):
        cls.lab = h.Lab(**cls.options())
        cls.addClassCleanup(cls.lab.__exit__)
        cls.pki = Pki(cls.lab)
        cls.addresses = itertools.count(20)
        cls.prepare()
        cls.lab.start()

    @classmethod
    def options(cls):
        return {}

    @classmethod
    def prepare(cls):
        """Make certificates, before the daemon reads them."""

    def source(self):
        return self.lab.addr(next(self.addresses))

    # ---- what was written down ----

    def lines_of(self, peer):
        return [line for line in self.lab.log.lines if f"peer={peer}" in line and "tls.refuse" in line]

    def settle(self):
        """All that the daemon had to say of what went before is written when its next line is."""
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        name = "%s:%d" % peer.sock.getsockname()
        self.lab.log.wait(rf"tls\.accept .*peer={re.escape(name)} ")
        peer.close()

    def check_refusal(self, peer, reason, role, presented=None, trunk=None, expected=("CUCMA", "CUCM10")):
        """One log line and one record, and what they say.  @peer  address:port"""
        line = self.lab.log.wait(rf"trunk +tls\.refuse +.*peer={re.escape(peer)} ")
        self.settle()
        self.assertEqual(self.lines_of(peer), [line])
        self.assertIn(f" role={role} reason={reason} ", line)
        self.assertIn(f" trunk={trunk} " if trunk else " listener=core ", line)
        self.assertRegex(line, r'change="[^"]+"')
        self.assertIn(" expected=\"" + ",".join(expected) + "\"", line)
        record = self.record_of(peer)
        self.assertEqual((record["reason"], record["role"], record.get("trunk")), (reason, role, trunk))
        if role == "server":
            self.assertEqual(record["listener"], "core")
        self.assertEqual(record["expected"], list(expected))
        self.assertEqual(record.get("presented"), presented)
        self.assertIn(f'presented="{",".join(presented) if presented is not None else "no certificate seen"}"', line)
        self.assertTrue(record["advice"] and record["text"])
        self.assertIn(record["advice"], line)
        return record

    def record_of(self, peer):
        """The one record of a refusal; the ledger may be some milliseconds behind the log."""
        record = self.lab.wait_record("tls.refuse", peer=peer)
        self.assertEqual(len([r for r in self.lab.records("tls.refuse") if r["peer"] == peer]), 1)
        return record

    def handshake_fails(self, cert, version, ciphers=None):
        """@return the client's address:port; nothing but an alert came"""
        raw = socket.create_connection((self.lab.host, 5061), h.LIMIT_S, source_address=(self.source(), 0))
        name = "%s:%d" % raw.getsockname()
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            sock = client(self.lab, cert, version, ciphers).wrap_socket(raw)
            try:
                # TLS 1.3: the client is done before the server has judged it; then comes the alert.
                sock.sendall(b"OPTIONS sip:x SIP/2.0\r\n")
                if sock.recv(1) == b"":
                    raise ConnectionError("closed")
            finally:
                sock.close()
        return name


def everything_from(sock):
    """Octets until the connection ends; an alert is an end."""
    got = b""
    while True:
        try:
            chunk = sock.recv(65536)
        except (ssl.SSLError, ConnectionError):
            return got
        if not chunk:
            return got
        got += chunk


def outgoing_is_refused(case, cert, reason, presented, prepare=None, warning=None):
    """A routes a call to CUCM10, whose server is not what it should be.  Nothing may reach it."""
    written, address = messages_to(case.lab, "CUCM10"), f"{case.lab.b_host}:5061"
    before = case.lines_of(address)
    with h.Server(case.lab, cert) as server:
        if prepare:
            prepare(server.context)
        peer = h.tls_connect(case.lab, case.lab.cert("CUCMA"), source=case.source())
        dialog = h.Dialog(case.lab, peer)
        dialog.invite(h.sdp(case.lab.a_host))
        raw, _ = server.sock.accept()
        raw.settimeout(h.LIMIT_S)
        try:
            sock = server.context.wrap_socket(raw, server_side=True)
        except (ssl.SSLError, ConnectionError):
            raw.close()
        else:
            case.assertEqual(everything_from(sock), b"")
            sock.close()
        answer = peer.expect(503)
        case.assertIn(f"{warning or reason}", answer.get("Warning"))
        case.assertIsNotNone(answer.get("Retry-After"))
        dialog.ack_refusal()
        peer.close()
    case.settle()
    line, = case.lines_of(address)[len(before):]
    shown = ",".join(presented) if presented else "no certificate seen"
    case.assertIn(f'trunk=CUCM10 peer={address} role=client reason={reason} presented="{shown}" expected="CUCM10" ', line)
    end = case.lab.call_end(dialog.call_id)
    case.assertEqual((end["reasons"], end["grade"], end["key_holders"]), ([reason], "none", ["CUCMA", "border1.example.net"]))
    # One source and reason is one record a second, so the names in it may be those of the case before.
    record = refusal(case.lab, address, reason)
    case.assertEqual((record["role"], record["trunk"], "presented" in record, record["expected"]),
                     ("client", "CUCM10", presented is not None, ["CUCM10"]))
    case.assertTrue(record["advice"])
    case.assertNotIn("listener", record)
    case.assertEqual(messages_to(case.lab, "CUCM10"), written)


def refusal(lab, peer, reason):
    """A tls.refuse record of this peer for this reason."""
    return lab.wait_record("tls.refuse", peer=peer, reason=reason)


def messages_to(lab, trunk):
    with open(lab.path("trace"), errors="replace") as f:
        return f.read().count(f" to {trunk} ")
