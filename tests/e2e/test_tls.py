# SPDX-License-Identifier: Apache-2.0
"""Who may speak: TLS and certificates where gatehouse is the server, each fault with its own name."""
import itertools
import re
import socket
import ssl
import subprocess

import harness as h
from tls_case import OLD, TlsCase, client, outgoing_is_refused


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
                if source == self.lab.lab_host:  # what it stood for until then: nothing of TLS, not even empty
                    self.lab.log.wait(rf" info +trunk accept +trunk=LAB conn=\d+ role=server transport=tcp peer={name}$")

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


def prepare_revoked(pki):
    """A revoked leaf, and one of a trusted CA that has no list."""
    pki.root("deep", "/O=gatehouse lab/CN=Deep CA")
    pki.trust("deep")
    pki.leaf("revoked")
    pki.leaf("listless", ca="deep")
    pki.revoke("revoked")


class Revocation(TlsCase):
    @classmethod
    def options(cls):
        return {"tls": "    crl: pki/ca.crl\n"}

    @classmethod
    def prepare(cls):
        prepare_revoked(cls.pki)

    def test_revoked_client(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version.name):
                peer = self.handshake_fails(self.pki.path("revoked-both.pem"), version)
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
        prepare_revoked(cls.pki)

    def test_no_list_is_marked(self):
        peer = h.tls_connect(self.lab, source=self.source(), context=client(self.lab, self.pki.path("listless-both.pem")))
        h.Dialog(self.lab, peer).request("OPTIONS")
        peer.expect(200)
        self.assertEqual([r["marks"] for r in [self.lab.wait_record("tls.accept")]], [["crl_waived"]])

    def test_revoked_is_not_waived(self):
        peer = self.handshake_fails(self.pki.path("revoked-both.pem"), ssl.TLSVersion.TLSv1_3)
        self.check_refusal(peer, "cert_revoked", "server", ["CUCMA", "CUCMA"])


if __name__ == "__main__":
    h.main()
