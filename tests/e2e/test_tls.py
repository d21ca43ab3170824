# SPDX-License-Identifier: Apache-2.0
"""Who may speak and who is spoken to: TLS and certificates, in both directions, each fault with its own name."""
import itertools
import os
import re
import select
import socket
import ssl
import subprocess
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
        for count in itertools.count(1):
            self.lab.wait_record("tls.refuse", count)
            mine = [r for r in self.lab.records("tls.refuse") if r["peer"] == peer]
            if mine:
                self.assertEqual(len(mine), 1)
                return mine[0]


# ---- gatehouse is the server ---------------------------------------------------------------------------


class Incoming(TlsCase):
    @classmethod
    def prepare(cls):
        pki = cls.pki
        pki.root("deep", "/O=gatehouse lab/CN=Deep CA")
        pki.intermediate("middle", "/O=gatehouse lab/CN=Middle CA", "deep")
        pki.root("foreign", "/O=elsewhere/CN=Foreign CA")
        pki.root("namesake", "/O=gatehouse lab/CN=Lab CA")
        pki.trust("deep")
        pki.leaf("under-foreign", ca="foreign")
        pki.leaf("under-namesake", ca="namesake")
        pki.leaf("under-middle", ca="middle", chain=("middle.pem",))
        pki.leaf("under-nothing", ca="middle")
        pki.self_signed("alone", "/CN=CUCMA", ("subjectAltName=DNS:CUCMA",))
        pki.leaf("expired", start=-7200, end=-60)
        pki.leaf("early", start=3600)
        pki.leaf("server-only", eku="serverAuth")
        pki.leaf("mail-only", eku="emailProtection")
        pki.leaf("weak-key", key="rsa:1024")
        pki.leaf("weak-hash", key="rsa:2048", digest="sha1")
        pki.leaf("rsa", key="rsa:2048")
        pki.leaf("no-eku", eku=None)

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

    def test_certificates_that_end_the_handshake(self):
        cases = {
            None: ("cert_missing", None),
            "under-foreign": ("cert_untrusted", ["CUCMA", "CUCMA"]),
            "under-namesake": ("cert_untrusted", ["CUCMA", "CUCMA"]),
            "under-nothing": ("cert_incomplete_chain", ["CUCMA", "CUCMA"]),
            "alone": ("cert_self_signed", ["CUCMA", "CUCMA"]),
            "expired": ("cert_expired", ["CUCMA", "CUCMA"]),
            "early": ("cert_not_yet_valid", ["CUCMA", "CUCMA"]),
            "weak-key": ("cert_weak", ["CUCMA", "CUCMA"]),
            "weak-hash": ("cert_weak", ["CUCMA", "CUCMA"]),
        }
        for (name, (reason, presented)), version in itertools.product(
                cases.items(), (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
            with self.subTest(cert=name, version=version.name):
                cert = name and self.pki.path(name + "-both.pem")
                peer = self.handshake_fails(cert, version, OLD)
                self.check_refusal(peer, reason, "server", presented)

    def test_versions_and_ciphers(self):
        good = self.lab.cert("CUCMA")
        cases = (
            ("TLS 1.0", ssl.TLSVersion.TLSv1, OLD, "tls_version_refused"),
            ("TLS 1.1", ssl.TLSVersion.TLSv1_1, OLD, "tls_version_refused"),
            ("RSA key exchange", ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384:AES128-SHA:@SECLEVEL=0", "tls_no_common_cipher"),
            ("NULL cipher", ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-NULL-SHA:NULL-SHA:@SECLEVEL=0", "tls_no_common_cipher"),
            ("no authentication", ssl.TLSVersion.TLSv1_2, "AECDH-AES256-SHA:@SECLEVEL=0", "tls_no_common_cipher"),
            ("CBC", ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0", "tls_no_common_cipher"),
            ("plain DHE", ssl.TLSVersion.TLSv1_2, "DHE-RSA-AES256-GCM-SHA384", "tls_no_common_cipher"),
        )
        for what, version, ciphers, reason in cases:
            with self.subTest(what=what):
                peer = self.handshake_fails(good, version, ciphers)
                self.check_refusal(peer, reason, "server")

    def test_good_certificates(self):
        for name, version in itertools.product(("CUCMA", "CUCM10", "rsa", "under-middle", "no-eku"),
                                               (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
            with self.subTest(cert=name, version=version.name):
                source = self.source()
                peer = h.tls_connect(self.lab, source=source,
                                     context=client(self.lab, self.pki.path(name + "-both.pem"), version))
                trunk = "CUCM10" if name == "CUCM10" else "CUCMA"
                h.Dialog(self.lab, peer).request("OPTIONS")
                peer.expect(200)
                line = self.lab.log.wait(rf"tls\.accept .*peer={re.escape(source)}:")
                self.assertRegex(line, rf"trunk={trunk} .*role=server .*version={peer.sock.version()} .*name={trunk}")
                peer.close()

    def admission_refuses(self, cert, reason, presented, trunk=None, expected=("CUCMA", "CUCM10")):
        """The handshake is done; the first request is told why, and nothing after it is read."""
        context = client(self.lab, self.pki.path(cert + "-both.pem"))
        peer = h.tls_connect(self.lab, source=self.source(), context=context)
        name = "%s:%d" % peer.sock.getsockname()
        dialog = h.Dialog(self.lab, peer)
        text = (dialog.headers("INVITE").strip().replace("\n", "\r\n") + "\r\nContent-Type: application/sdp\r\n")
        body = h.sdp(self.lab.a_host)
        first = f"{text}Content-Length: {len(body)}\r\n\r\n".encode() + body
        second = first.replace(dialog.call_id.encode(), b"pipelined-" + dialog.call_id.encode())
        peer.raw(first + second)
        answer = peer.expect(403)
        self.assertIn(f"{reason}: ", answer.get("Warning"))
        for san in presented:
            self.assertIn(san, answer.get("Warning"))
        self.assertTrue(answer.get("Warning").startswith("399 border1.example.net "))
        self.assertEqual(answer.get("Call-ID"), dialog.call_id)
        self.assertIsNone(peer.receive())
        self.check_refusal(name, reason, "server", presented, trunk, expected)
        trace = open(self.lab.path("trace"), errors="replace").read()
        self.assertEqual(trace.count(dialog.call_id), 2)  # the request and its answer
        self.assertNotIn("pipelined-" + dialog.call_id, trace)
        self.assertEqual([r for r in self.lab.records("call.start") if dialog.call_id in r["call_id"]], [])

    def test_stranger_with_good_papers(self):
        self.admission_refuses("intruder", "no_trunk_for_certificate", ["intruder", "intruder.example.org"])

    def test_usage_does_not_fit(self):
        self.admission_refuses("server-only", "cert_eku_missing", ["CUCMA", "CUCMA"], "CUCMA", ("CUCMA",))
        self.admission_refuses("mail-only", "cert_eku_missing", ["CUCMA", "CUCMA"], "CUCMA", ("CUCMA",))

    def test_stranger_who_says_nothing_intelligible(self):
        """A broken first request is answered 400, and the connection ends all the same."""
        for bad in ("Max-Forwards: many", ""):
            with self.subTest(bad=bad):
                context = client(self.lab, self.pki.path("intruder-both.pem"))
                peer = h.tls_connect(self.lab, source=self.source(), context=context)
                if bad:
                    peer.send(h.Dialog(self.lab, peer).headers("OPTIONS").replace("Max-Forwards: 70", bad))
                    status = 400
                else:
                    peer.raw(b"\r\n\r\nnonsense\r\n\r\n" * 2)
                    status = None
                if status:
                    self.assertIn("bad_message", peer.expect(status).get("Warning"))
                self.assertIsNone(peer.receive())

    def test_our_certificate_as_server(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.assertEqual(peer.sock.getpeercert(binary_form=True), self.pki.der("border1"))

    def test_no_resumption(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version.name):
                context = client(self.lab, self.lab.cert("CUCMA"), version)
                first = h.tls_connect(self.lab, context=context)
                h.Dialog(self.lab, first).request("OPTIONS")
                first.expect(200)  # a TLS 1.3 ticket would have come by now
                session = first.sock.session
                self.assertFalse(session.has_ticket)
                first.close()
                raw = socket.create_connection((self.lab.host, 5061), h.LIMIT_S, source_address=(self.lab.a_host, 0))
                again = context.wrap_socket(raw, session=session)
                self.assertFalse(again.session_reused)
                again.close()

    def test_no_renegotiation(self):
        """s_client asks for one (R); the daemon answers no, and goes on serving others."""
        ask = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"{self.lab.host}:5061", "-bind", f"{self.source()}:0", "-tls1_2",
             "-cert", self.lab.cert("CUCMA"), "-CAfile", self.lab.path("pki", "ca.pem")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out = h.Lines(ask.stdout)
        out.wait("Verify return code: 0")
        ask.stdin.write("R\n")
        ask.stdin.flush()
        out.wait("no renegotiation")
        ask.stdin.close()
        ask.wait(h.LIMIT_S)
        self.settle()

    def test_sip_without_tls_on_the_tls_port(self):
        raw = socket.create_connection((self.lab.host, 5061), h.LIMIT_S, source_address=(self.source(), 0))
        name = "%s:%d" % raw.getsockname()
        raw.sendall(b"OPTIONS sip:border1 SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKx\r\nContent-Length: 0\r\n\r\n")
        said = b""
        while chunk := self.read(raw):
            said += chunk
        self.assertNotIn(b"SIP/2.0", said)
        record = self.check_refusal(name, "tls_not_tls", "server")
        self.assertIn("OPTIO", record["text"])

    def read(self, sock):
        try:
            return sock.recv(4096)
        except ConnectionError:
            return b""

    def test_tls_on_the_plain_port(self):
        """The first octets of TLS are no SIP: one line, no answer, closed; a stranger's no more than LAB's."""
        for source in (self.lab.lab_host, self.source()):
            with self.subTest(source=source):
                raw = socket.create_connection((self.lab.host, 5060), h.LIMIT_S, source_address=(source, 0))
                name = "%s:%d" % raw.getsockname()
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    client(self.lab, self.lab.cert("CUCMA")).wrap_socket(raw)
                line = self.lab.log.wait(rf"message\.refuse .*peer={re.escape(name)} ")
                self.assertIn("reason=bad_message", line)
                self.settle()
                self.assertEqual(len([x for x in self.lab.log.lines if f"peer={name} reason=bad_message" in x]), 1)

    def test_handshakes_that_stop(self):
        """Cut inside the handshake: after nothing, after a piece, and by a reset."""
        hello = self.client_hello()
        for octets in (b"", hello[:7], hello):
            with self.subTest(octets=len(octets)):
                raw = socket.create_connection((self.lab.host, 5061), h.LIMIT_S, source_address=(self.source(), 0))
                name = "%s:%d" % raw.getsockname()
                raw.sendall(octets)
                raw.shutdown(socket.SHUT_WR)
                self.lab.log.wait(rf"tls\.refuse .*peer={re.escape(name)} ")
                self.check_refusal(name, "tls_closed", "server")
                raw.close()

    def client_hello(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            client(self.lab).wrap_bio(incoming, outgoing).do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()


class Names(TlsCase):
    """Which name of a certificate counts (RFC 5922 section 7)."""

    @classmethod
    def options(cls):
        return {"extra_trunks": "".join(
            f"  {name}: {{security_profile: encrypted, listener: core, peer_names: [{names}]{more}}}\n"
            for name, names, more in (
                ("DOT", "dot.example.net.", ""), ("HOST", "host.example.net", ""), ("URI", "uri.example.net", ""),
                ("WILD", "wild.example.org", ", allow_wildcard: true"), ("TEAMS", "teams.example.com", ", name_in: cn"),
                ("ANY", "any.example.com", ", name_in: any")))}

    CASES = (
        # name           CN                  SAN                                          trunk, or None
        ("cn-only",      "CUCMA",            None,                                        "CUCMA"),
        ("san-over-cn",  "CUCMA",            "DNS:other.example.net",                     None),
        ("email-san",    "CUCMA",            "email:a@example.net",                       "CUCMA"),
        ("case",         "x",                "DNS:cUcMa",                                 "CUCMA"),
        ("second-name",  "x",                "DNS:other.example.net,DNS:CUCM10",          "CUCM10"),
        ("no-dot",       "x",                "DNS:dot.example.net",                       "DOT"),
        ("dot",          "x",                "DNS:Host.Example.Net.",                     "HOST"),
        ("uri",          "x",                "URI:sip:uri.example.net",                   "URI"),
        ("uri-user",     "x",                "URI:sip:alice@uri.example.net",             None),
        ("uri-http",     "x",                "URI:http://uri.example.net",                None),
        ("uri-sips",     "x",                "URI:sips:uri.example.net",                  None),
        ("wild",         "x",                "DNS:*.example.net",                         None),
        ("wild-allowed", "x",                "DNS:*.example.org",                         "WILD"),
        ("wild-all",     "x",                "DNS:*.org",                                 None),
        ("teams",        "teams.example.com", "DNS:other.example.net",                    "TEAMS"),
        ("teams-san",    "x",                "DNS:teams.example.com",                     None),
        ("any-cn",       "any.example.com",  "DNS:other.example.net",                     "ANY"),
        ("prefix",       "x",                "DNS:CUCMA.example.net",                     None),
    )

    @classmethod
    def prepare(cls):
        for name, cn, san, _ in cls.CASES:
            cls.pki.leaf(name, cn, san)
        cls.pki.leaf("both", "x", "DNS:CUCMA,DNS:CUCM10")

    def connect(self, name):
        peer = h.tls_connect(self.lab, source=self.source(), context=client(self.lab, self.pki.path(name + "-both.pem")))
        h.Dialog(self.lab, peer).request("OPTIONS")
        return peer, "%s:%d" % peer.sock.getsockname()

    def test_names(self):
        for name, _, _, trunk in self.CASES:
            with self.subTest(name=name):
                peer, address = self.connect(name)
                if trunk:
                    peer.expect(200)
                    self.assertIn(f"trunk={trunk} ", self.lab.log.wait(rf"tls\.accept .*peer={re.escape(address)} "))
                else:
                    self.assertIn("no_trunk_for_certificate", peer.expect(403).get("Warning"))
                    self.assertIsNone(peer.receive())
                    self.assertEqual(self.record_of(address)["reason"], "no_trunk_for_certificate")
                peer.close()

    def test_one_certificate_for_two_trunks(self):
        peer, address = self.connect("both")
        self.assertIn("ambiguous_certificate", peer.expect(403).get("Warning"))
        self.assertIsNone(peer.receive())
        record = self.record_of(address)
        self.assertEqual((record["reason"], record["presented"]), ("ambiguous_certificate", ["x", "CUCMA", "CUCM10"]))


class Revocation(TlsCase):
    @classmethod
    def options(cls):
        return {"tls": "    crl: pki/ca.crl\n"}

    @classmethod
    def prepare(cls):
        cls.pki.root("deep", "/O=gatehouse lab/CN=Deep CA")
        cls.pki.trust("deep")
        cls.pki.leaf("revoked")
        cls.pki.leaf("listless", ca="deep")
        cls.pki.revoke("revoked")

    def test_revoked_client(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version.name):
                peer = Incoming.handshake_fails(self, self.pki.path("revoked-both.pem"), version)
                self.check_refusal(peer, "cert_revoked", "server", ["CUCMA", "CUCMA"])

    def test_no_list_for_this_ca(self):
        peer = h.tls_connect(self.lab, source=self.source(), context=client(self.lab, self.pki.path("listless-both.pem")))
        h.Dialog(self.lab, peer).request("OPTIONS")
        self.assertIn("crl_unavailable", peer.expect(403).get("Warning"))
        self.assertIsNone(peer.receive())
        self.check_refusal("%s:%d" % peer.sock.getsockname(), "crl_unavailable", "server", ["CUCMA", "CUCMA"], "CUCMA",
                           ("CUCMA",))

    def test_good_client(self):
        self.settle()

    def test_revoked_server(self):
        outgoing_is_refused(self, self.pki.path("revoked-both.pem"), "cert_revoked", ["CUCMA", "CUCMA"])


class RevocationWaived(TlsCase):
    @classmethod
    def options(cls):
        return {"tls": "    crl: pki/ca.crl\n    crl_unavailable: warn\n"}

    @classmethod
    def prepare(cls):
        Revocation.prepare.__func__(cls)

    def test_no_list_is_marked(self):
        peer = h.tls_connect(self.lab, source=self.source(), context=client(self.lab, self.pki.path("listless-both.pem")))
        h.Dialog(self.lab, peer).request("OPTIONS")
        peer.expect(200)
        self.assertEqual([r["marks"] for r in [self.lab.wait_record("tls.accept")]], [["crl_waived"]])

    def test_revoked_is_not_waived(self):
        peer = Incoming.handshake_fails(self, self.pki.path("revoked-both.pem"), ssl.TLSVersion.TLSv1_3)
        self.check_refusal(peer, "cert_revoked", "server", ["CUCMA", "CUCMA"])


class Expiry(TlsCase):
    """A certificate's last second passes while the connection stands."""

    def test_incoming(self):
        self.pki.leaf("brief", end=4)
        peer = h.tls_connect(self.lab, source=self.source(), context=client(self.lab, self.pki.path("brief-both.pem")))
        name = "%s:%d" % peer.sock.getsockname()
        dialog = h.Dialog(self.lab, peer)
        dialog.request("OPTIONS")
        peer.expect(200)
        self.assertIsNone(peer.receive())  # closed, at the end of its validity
        self.check_refusal(name, "cert_expired_since", "server", ["CUCMA", "CUCMA"], "CUCMA", ("CUCMA",))
        record = self.record_of(name)
        self.assertGreaterEqual(record["ts"], record["not_after"])
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        h.Dialog(self.lab, peer).request("OPTIONS")
        peer.expect(200)

    def test_a_call_outlives_its_connection(self):
        """The call's dialogs and media stay; its BYE goes over a new connection."""
        self.pki.leaf("brief10", "CUCM10", "DNS:CUCM10", end=5)
        with h.Server(self.lab, self.pki.path("brief10-both.pem")) as server:
            peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
            dialog = h.Dialog(self.lab, peer)
            dialog.invite(h.sdp(self.lab.a_host))
            b = server.accept()
            request = b.expect("INVITE")
            line = re.search(rb"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 ", request.body)
            h.reply(b, request, 200, "OK",
                    h.sdp(self.lab.b_host, 31000, f"{line[1].decode()} AES_CM_128_HMAC_SHA1_80 inline:{h.KEY_B}"), tag="t",
                    contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
            dialog.take_tag(peer.expect(200))
            dialog.ack()
            b.expect("ACK")
            self.assertIsNone(b.receive())
            self.check_refusal(f"{self.lab.b_host}:5061", "cert_expired_since", "client", ["CUCM10", "CUCM10"], "CUCM10",
                               ("CUCM10",))
            self.assertEqual(self.lab.records("call.end"), [])
        with h.Server(self.lab) as server:
            dialog.request("BYE")
            b = server.accept()
            h.reply(b, b.expect("BYE"), 200, "OK")
            peer.expect(200)


# ---- gatehouse is the client ---------------------------------------------------------------------------


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
    end = call_end(case, dialog)
    case.assertEqual((end["reasons"], end["grade"], end["key_holders"]), ([reason], "none", []))
    # One source and reason is one record a second, so the names in it may be those of the case before.
    record = refusal(case.lab, address, reason)
    case.assertEqual((record["role"], record["trunk"], "presented" in record, record["expected"]),
                     ("client", "CUCM10", presented is not None, ["CUCM10"]))
    case.assertTrue(record["advice"])
    case.assertNotIn("listener", record)
    case.assertEqual(messages_to(case.lab, "CUCM10"), written)


def refusal(lab, peer, reason):
    """A tls.refuse record of this peer for this reason."""
    for count in itertools.count(1):
        lab.wait_record("tls.refuse", count)
        mine = [r for r in lab.records("tls.refuse") if (r["peer"], r["reason"]) == (peer, reason)]
        if mine:
            return mine[-1]


def messages_to(lab, trunk):
    with open(lab.path("trace"), errors="replace") as f:
        return f.read().count(f" to {trunk} ")


def call_end(case, dialog):
    """call.end of the call that this dialog began."""
    for count in itertools.count(1):
        case.lab.wait_record("call.end", count)
        call = next((r["call"] for r in case.lab.records("call.start") if r["call_id"] == dialog.call_id), None)
        mine = [r for r in case.lab.records("call.end") if r["call"] == call]
        if mine:
            return mine[0]


class Outgoing(TlsCase):
    @classmethod
    def prepare(cls):
        pki = cls.pki
        name = {"cn": "CUCM10", "san": "DNS:CUCM10"}
        pki.root("deep", "/O=gatehouse lab/CN=Deep CA")
        pki.intermediate("middle", "/O=gatehouse lab/CN=Middle CA", "deep")
        pki.root("foreign", "/O=elsewhere/CN=Foreign CA")
        pki.trust("deep")
        pki.leaf("under-foreign", ca="foreign", **name)
        pki.leaf("under-middle", ca="middle", chain=("middle.pem",), **name)
        pki.leaf("under-nothing", ca="middle", **name)
        pki.self_signed("alone", "/CN=CUCM10", ("subjectAltName=DNS:CUCM10",))
        pki.leaf("expired", start=-7200, end=-60, **name)
        pki.leaf("early", start=3600, **name)
        pki.leaf("client-only", eku="clientAuth", **name)
        pki.leaf("weak-key", key="rsa:1024", **name)
        pki.leaf("rsa", key="rsa:2048", **name)
        # The very address that we connect to does not help a certificate with the wrong name.
        pki.leaf("address", "x", f"IP:{cls.lab.b_host},DNS:{cls.lab.b_host}")

    def test_certificates(self):
        cases = (
            ("under-foreign", "cert_untrusted", ["CUCM10", "CUCM10"]),
            ("under-nothing", "cert_incomplete_chain", ["CUCM10", "CUCM10"]),
            ("alone", "cert_self_signed", ["CUCM10", "CUCM10"]),
            ("expired", "cert_expired", ["CUCM10", "CUCM10"]),
            ("early", "cert_not_yet_valid", ["CUCM10", "CUCM10"]),
            ("client-only", "cert_eku_missing", ["CUCM10", "CUCM10"]),
            ("weak-key", "cert_weak", ["CUCM10", "CUCM10"]),
            ("CUCMA", "cert_name_mismatch", ["CUCMA", "CUCMA"]),
            ("intruder", "cert_name_mismatch", ["intruder", "intruder.example.org"]),
            ("address", "cert_name_mismatch", ["x", self.lab.b_host]),
        )
        for (name, reason, presented), version in itertools.product(
                cases, (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
            def prepare(context, version=version):
                context.set_ciphers(OLD)
                context.minimum_version = context.maximum_version = version
            with self.subTest(cert=name, version=version.name):
                outgoing_is_refused(self, self.pki.path(name + "-both.pem"), reason, presented, prepare)

    def test_versions_and_ciphers(self):
        def old(version):
            def prepare(context):
                context.set_ciphers(OLD)
                context.minimum_version = context.maximum_version = version
            return prepare

        def only(ciphers):
            def prepare(context):
                context.set_ciphers(ciphers)
                context.maximum_version = ssl.TLSVersion.TLSv1_2
            return prepare

        for what, cert, prepare, reason in (
                ("TLS 1.0", "CUCM10", old(ssl.TLSVersion.TLSv1), "tls_version_refused"),
                ("TLS 1.1", "CUCM10", old(ssl.TLSVersion.TLSv1_1), "tls_version_refused"),
                ("RSA key exchange", "rsa", only("AES256-GCM-SHA384:@SECLEVEL=0"), "tls_no_common_cipher"),
                ("NULL cipher", "CUCM10", only("ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"), "tls_no_common_cipher"),
                ("CBC", "CUCM10", only("ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"), "tls_no_common_cipher")):
            with self.subTest(what=what):
                outgoing_is_refused(self, self.pki.path(cert + "-both.pem"), reason, None, prepare)

    def test_server_that_does_not_trust_us(self):
        server = h.Server(self.lab)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.lab.cert("CUCM10"))
        context.load_verify_locations(self.pki.path("foreign.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        server.context = context
        with server:
            peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"), source=self.source())
            dialog = h.Dialog(self.lab, peer)
            dialog.invite(h.sdp(self.lab.a_host))
            with self.assertRaises(ssl.SSLError):
                server.accept()
            self.assertIn("tls_peer_refused_ours", peer.expect(503).get("Warning"))
            dialog.ack_refusal()
        line = self.lab.log.wait(r"tls\.refuse .*reason=tls_peer_refused_ours ")
        self.assertIn("unknown CA", line)
        self.assertEqual(call_end(self, dialog)["reasons"], ["tls_peer_refused_ours"])

    def test_server_that_does_not_speak_tls(self):
        with h.Server(self.lab) as server:
            peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"), source=self.source())
            dialog = h.Dialog(self.lab, peer)
            dialog.invite(h.sdp(self.lab.a_host))
            raw, _ = server.sock.accept()
            raw.settimeout(h.LIMIT_S)
            hello = raw.recv(65536)
            self.assertEqual(hello[:1], b"\x16")
            raw.sendall(b"SIP/2.0 400 Bad Request\r\n\r\n")
            self.assertNotIn(b"INVITE", everything_from(raw))
            self.assertIn("tls_not_tls", peer.expect(503).get("Warning"))
            dialog.ack_refusal()
            raw.close()

    def test_nobody_there(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"), source=self.source())
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host))
        self.assertIn("connection_lost", peer.expect(503).get("Warning"))
        dialog.ack_refusal()
        self.assertEqual(call_end(self, dialog)["legs"][0]["trunk"], "CUCMA")

    def call_reaches(self, server, host=None):
        """A call to 9898 arrives at @server; refused there, so that it ends.  @return its connection"""
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"), source=self.source())
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host))
        b = server.accept()
        h.reply(b, b.expect("INVITE"), 486, "Busy Here", tag="t")
        b.expect("ACK")
        peer.expect(486)
        dialog.ack_refusal()
        peer.close()
        return b

    def test_our_certificate_as_client(self):
        with h.Server(self.lab) as server:
            b = self.call_reaches(server)
            self.assertEqual(b.sock.getpeercert(binary_form=True), self.pki.der("client"))
            self.assertNotEqual(self.pki.der("client"), self.pki.der("border1"))
            b.close()

    def test_good_servers(self):
        for name, version in itertools.product(("CUCM10", "rsa", "under-middle"),
                                               (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
            with self.subTest(cert=name, version=version.name), h.Server(self.lab, self.pki.path(name + "-both.pem")) as server:
                server.context.minimum_version = server.context.maximum_version = version
                b = self.call_reaches(server)
                self.assertEqual(b.sock.version(), version.name.replace("TLSv1_", "TLSv1."))
                b.close()

    def test_we_do_not_resume(self):
        """Python's server gives tickets and sessions; the next connection is a full handshake all the same."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version.name), h.Server(self.lab) as server:
                server.context.minimum_version = server.context.maximum_version = version
                for _ in range(2):
                    b = self.call_reaches(server)
                    self.assertFalse(b.sock.session_reused)
                    b.close()
                self.assertEqual(server.context.session_stats()["hits"], 0)


class NextDestination(TlsCase):
    """CUCM10 has two addresses; the first is an impostor's."""

    @classmethod
    def options(cls):
        x, y = h.lab_number()
        return {"extra_trunks": f'  PAIR: {{security_profile: encrypted, listener: core, peer_names: [CUCM10.example.net], '
                                f'destinations: ["127.{x}.{y}.10:5061", "127.{x}.{y}.11:5061"], srtp: required}}\n',
                "extra_routes": '  - {pattern: "7777", trunks: [PAIR]}\n'}

    @classmethod
    def prepare(cls):
        cls.pki.leaf("good", "x", "DNS:CUCM10.example.net")
        cls.pki.root("foreign", "/O=elsewhere/CN=Foreign CA")
        cls.pki.leaf("bad", "x", "DNS:CUCM10.example.net", ca="foreign")

    def servers(self, first, second):
        made = [h.Server(self.lab, self.pki.path(f"{cert}-both.pem"), host=self.lab.addr(last))
                for cert, last in ((first, 10), (second, 11))]
        for server in made:
            self.addCleanup(server.close)
        return made

    def call(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"), source=self.source())
        dialog = h.Dialog(self.lab, peer, number="7777")
        dialog.invite(h.sdp(self.lab.a_host))
        return dialog

    def nothing_reaches(self, server):
        try:
            sock = server.accept().sock
        except (ssl.SSLError, ConnectionError):
            return
        self.assertEqual(everything_from(sock), b"")

    def test_next_is_tried(self):
        for bad in ("bad", "CUCMA"):
            with self.subTest(first=bad):
                first, second = self.servers(bad, "good")
                dialog = self.call()
                self.nothing_reaches(first)
                b = second.accept()
                h.reply(b, b.expect("INVITE"), 486, "Busy Here", tag="t")
                b.expect("ACK")
                dialog.peer.expect(486)
                dialog.ack_refusal()
                end = call_end(self, dialog)
                self.assertEqual((end["reasons"], end["key_holders"]), (["refused_by_peer"], ["CUCMA", "border1.example.net", "PAIR"]))
                b.close()
                first.close()
                second.close()

    def test_none_is_left(self):
        first, second = self.servers("bad", "CUCMA")
        dialog = self.call()
        self.nothing_reaches(first)
        self.nothing_reaches(second)
        # The last one's fault is told.
        self.assertIn("cert_name_mismatch", dialog.peer.expect(503).get("Warning"))
        dialog.ack_refusal()
        end = call_end(self, dialog)
        self.assertEqual((end["reasons"], end["sip"], end["key_holders"]), (["cert_name_mismatch"], 503, []))
        self.assertEqual(refusal(self.lab, self.lab.addr(10) + ":5061", "cert_untrusted")["trunk"], "PAIR")
        self.assertEqual(refusal(self.lab, self.lab.addr(11) + ":5061", "cert_name_mismatch")["trunk"], "PAIR")


if __name__ == "__main__":
    h.main()
