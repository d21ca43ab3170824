# SPDX-License-Identifier: Apache-2.0
"""Who is spoken to: TLS and certificates where gatehouse connects, and proofs that run out."""
import itertools
import re
import ssl
import subprocess

import harness as h
from tls_case import OLD, TlsCase, client, everything_from, outgoing_is_refused, refusal


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
        self.assertEqual(self.lab.call_end(dialog.call_id)["reasons"], ["tls_peer_refused_ours"])

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
        warning = peer.expect(503).get("Warning")
        self.assertIn("no_destination", warning)
        self.assertIn("(Connection refused)", warning)
        self.assertNotIn(self.lab.b_host, warning)
        dialog.ack_refusal()
        record = self.lab.call_end(dialog.call_id)
        self.assertEqual((record["reasons"], record["legs"][0]["trunk"]), (["no_destination"], "CUCMA"))

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


    def test_we_do_not_renegotiate(self):
        """s_server asks for it (r) in the middle of a call's first message: it is told no, by an alert."""
        serve = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"{self.lab.b_host}:5061", "-tls1_2", "-cert", self.lab.cert("CUCM10"),
             "-CAfile", self.lab.path("pki", "ca.pem"), "-Verify", "1", "-msg"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out = h.Lines(serve.stdout)
        out.wait("ACCEPT")
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"), source=self.source())
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host))
        out.wait(r"^Content-Length: ")
        serve.stdin.write("r\n")
        serve.stdin.flush()
        out.wait("HelloRequest")
        out.wait(r"Alert.*no_renegotiation")
        self.assertEqual(len([x for x in out.lines if "ClientHello" in x]), 1)
        serve.stdin.close()
        serve.terminate()
        serve.wait(h.LIMIT_S)
        peer.expect(503)
        dialog.ack_refusal()
        peer.close()


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
                end = self.lab.call_end(dialog.call_id)
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
        end = self.lab.call_end(dialog.call_id)
        self.assertEqual((end["reasons"], end["sip"], end["key_holders"]), (["cert_name_mismatch"], 503, ["CUCMA", "border1.example.net"]))
        self.assertEqual(refusal(self.lab, self.lab.addr(10) + ":5061", "cert_untrusted")["trunk"], "PAIR")
        self.assertEqual(refusal(self.lab, self.lab.addr(11) + ":5061", "cert_name_mismatch")["trunk"], "PAIR")


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


if __name__ == "__main__":
    h.main()
