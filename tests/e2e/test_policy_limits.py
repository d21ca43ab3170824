# SPDX-License-Identifier: Apache-2.0
"""What a trunk and the node do not take: loops, calls beyond a limit, requests that the security profile forbids; and
what older and weaker TLS may carry where a trunk allows it."""
import re
import socket
import ssl
import time
import unittest

import harness as h
from pki import Pki
from tls_case import client

SESSION = "ab30317f1a784dc48ff824d0d3715d86"  # RFC 7989 section 6.3
NULL = "00000000000000000000000000000000"


class Case(unittest.TestCase):
    """A laboratory for each test, as limits are about what is there at one time."""

    def start(self, prepare=None, **options):
        self.lab = h.Lab(**options)
        self.addCleanup(self.lab.__exit__)
        if prepare:
            prepare(Pki(self.lab))
        self.lab.start()
        self.server = h.Server(self.lab)
        self.addCleanup(self.server.close)
        self.b = None

    def connect(self, name="CUCMA", **kwargs):
        return h.tls_connect(self.lab, self.lab.cert(name), **kwargs)

    def call(self, peer, number="9898", extra=""):
        """An INVITE.  @return its dialog"""
        dialog = h.Dialog(self.lab, peer, number=number)
        dialog.invite(h.sdp(self.lab.a_host), extra=extra)
        return dialog

    def rings(self):
        """The next INVITE at CUCM10, which answers 180."""
        self.b = self.b or self.server.accept()
        request = self.b.expect("INVITE")
        h.reply(self.b, request, 180, "Ringing", tag=h.token())
        return request

    def give_up(self, dialog, request):
        """The called side is busy after all; the call is gone, and counted no more, when this returns."""
        h.reply(self.b, request, 486, "Busy Here", tag="busy")
        self.b.expect("ACK")
        dialog.peer.expect(486)
        dialog.ack_refusal()
        end = self.lab.call_end(dialog.call_id)
        self.lab.log.wait(rf"call +state +call={end['call']} .*to=gone")

    def check_refused(self, dialog, status, reason):
        answer = dialog.peer.expect(status)
        self.assertTrue(answer.get("Warning").startswith(f'399 border1.example.net "{reason}: '), answer.get("Warning"))
        dialog.ack_refusal()
        return answer


def headers(name):
    """The two headers that tell one call from another, whoever resets Max-Forwards."""
    return {"Session-ID": f"Session-ID: {name};remote={NULL}\n",
            "Cisco-Guid": f"Cisco-Guid: {int(name[:8], 16)}-0000065536-0000308372-0402827456\n"}


class Loops(Case):
    SELF = ('  SELF: {{security_profile: encrypted, listener: core, peer_names: [border1.example.net], '
            'destinations: ["{host}:5061"], srtp: allowed}}\n')

    def start_with_self(self, **more):
        """A route that leads back to where it begins."""
        x, y = h.lab_number()
        self.start(extra_trunks=self.SELF.format(host=f"127.{x}.{y}.1"),
                   extra_routes='  - {pattern: "7777", trunks: [SELF]}\n'
                                '  - {pattern: "9899", trunks: [CUCM10]}\n', **more)

    def reasons(self):
        return [r["reason"] for r in self.lab.records("policy.refuse")]

    def test_max_forwards_ends_a_loop(self):
        """Nothing tells this call from another, so that every hop counts Max-Forwards down."""
        self.start_with_self()
        dialog = h.Dialog(self.lab, self.connect(), number="7777")
        dialog.peer.send(dialog.headers("INVITE").replace("Max-Forwards: 70", "Max-Forwards: 5") +
                         "Content-Type: application/sdp\n", h.sdp(self.lab.a_host))
        dialog.peer.expect(483)
        dialog.ack_refusal()
        self.lab.wait_record("call.end", 5)
        self.assertEqual(len(self.lab.records("call.start")), 5)
        self.assertEqual(self.reasons(), ["too_many_hops"])

    def check_loop(self, header):
        self.start_with_self()
        dialog = self.call(self.connect(), "7777", header)
        dialog.peer.expect(482)
        dialog.ack_refusal()
        # One from CUCMA, and three from ourselves: the fourth of those is one too many.
        self.lab.wait_record("call.end", 4)
        self.assertEqual(len(self.lab.records("call.start")), 4)
        self.assertEqual(self.reasons(), ["loop_detected"])

    def test_a_session_id_ends_a_loop_sooner(self):
        self.check_loop(headers(SESSION)["Session-ID"])

    def test_a_cisco_guid_ends_a_loop_sooner(self):
        self.check_loop(headers(SESSION)["Cisco-Guid"])

    def test_a_neighbour_that_resets_max_forwards(self):
        """It always says 70, as CUCM does."""
        self.start_with_self(top="limits: {max_hops_same_call: 2}\n")
        peer = self.connect()
        for name, header in headers(SESSION).items():
            with self.subTest(header=name):
                calls = []
                for _ in range(2):
                    dialog = self.call(peer, extra=header)
                    calls.append((dialog, self.rings()))
                    peer.expect(180)
                self.check_refused(self.call(peer, extra=header), 482, "loop_detected")
                # Another call, and the same call to another number.
                for number, more in (("9898", headers(SESSION[::-1])[name]), ("9898", ""), ("9899", header)):
                    dialog = self.call(peer, number, more)
                    request = self.rings()
                    peer.expect(180)
                    self.give_up(dialog, request)
                # It came by twice at one time: one of them ends, and there is room for another.
                self.give_up(*calls.pop())
                dialog = self.call(peer, extra=header)
                calls.append((dialog, self.rings()))
                peer.expect(180)
                for each in calls:
                    self.give_up(*each)
        self.lab.stop_daemon()  # a repeat within a second is written at last
        loops = [r for r in self.lab.records("policy.refuse") if r["reason"] == "loop_detected"]
        self.assertEqual(sum(r.get("count", 1) for r in loops), 2)


class Limits(Case):
    def fill(self, peer, count):
        calls = []
        for _ in range(count):
            dialog = self.call(peer)
            calls.append((dialog, self.rings()))
            peer.expect(180)
        return calls

    def check_full(self, peer):
        answer = self.check_refused(self.call(peer), 503, "too_many_calls")
        self.assertEqual(answer.get("Retry-After"), "10")

    def check_limit(self, count):
        """So many and no more, until one has ended."""
        peer = self.connect()
        calls = self.fill(peer, count)
        self.check_full(peer)
        self.check_full(peer)
        self.give_up(*calls.pop())
        calls += self.fill(peer, 1)
        self.check_full(peer)
        for each in calls:
            self.give_up(*each)
        calls = self.fill(peer, count)
        for each in calls:
            self.give_up(*each)
        self.lab.wait_record("call.end", 2 * count + 1)
        self.assertEqual(len(self.lab.records("call.start")), 2 * count + 1)

    def test_calls_of_the_node(self):
        self.start(top="limits: {max_calls: 3}\n")
        self.check_limit(3)

    def test_calls_of_the_calling_trunk(self):
        self.start(trunk_options={"CUCMA": "srtp: allowed, max_calls: 2"})
        self.check_limit(2)
        self.assertEqual({r["reason"] for r in self.lab.records("policy.refuse")}, {"too_many_calls"})

    def test_calls_of_the_called_trunk(self):
        """The call was taken, and ends when its only trunk has no room."""
        self.start(trunk_options={"CUCM10": "srtp: required, max_calls: 1"})
        peer = self.connect()
        call, = self.fill(peer, 1)
        dialog = self.call(peer)
        self.check_refused(dialog, 503, "too_many_calls")
        self.assertEqual(self.lab.call_end(dialog.call_id)["reasons"], ["too_many_calls"])
        self.give_up(*call)
        call, = self.fill(peer, 1)
        self.give_up(*call)

    def test_one_trunk_does_not_use_up_another(self):
        self.start(trunk_options={"CUCMA": "srtp: allowed, max_calls: 1"})
        peer = self.connect()
        call, = self.fill(peer, 1)
        self.check_full(peer)
        other = self.connect("CUCM10", source=self.lab.b_host)
        dialog = self.call(other)  # CUCM10 calls its own phone
        self.rings()
        other.expect(180)
        self.assertEqual(dialog.call_id, self.lab.wait_record("call.start", 2)["call_id"])

    def burst(self, peer, count):
        """So many INVITEs at once.  @return those that were taken, those that were refused"""
        dialogs = {dialog.call_id: dialog for dialog in (self.call(peer) for _ in range(count))}
        taken, refused = [], []
        while dialogs:
            answer = peer.receive()
            dialog = dialogs.pop(answer.get("Call-ID"))
            if answer.status == 100:
                taken.append(dialog)
                continue
            self.assertEqual((answer.status, answer.get("Retry-After")), (503, "10"))
            self.assertIn("too_many_calls", answer.get("Warning"))
            refused.append(dialog)
            dialog.ack_refusal()
        if taken and not self.b:
            self.b = self.server.accept()
        for request in [self.b.expect("INVITE") for _ in taken]:
            h.reply(self.b, request, 486, "Busy Here", tag="busy")
            self.b.expect("ACK")
            gone = peer.expect(486).get("Call-ID")
            next(dialog for dialog in taken if dialog.call_id == gone).ack_refusal()
        return taken, refused

    def test_new_calls_a_second(self):
        """At most two in one second of the clock, however long these take; and there is a next second."""
        self.start(trunk_options={"CUCMA": "srtp: allowed, max_cps: 2"})
        peer, begun = self.connect(), time.monotonic()
        taken, refused = self.burst(peer, 40)
        self.assertGreaterEqual(len(taken), 2)
        self.assertLessEqual(len(taken), 2 * (int(time.monotonic() - begun) + 2))
        self.assertEqual(len(taken) + len(refused), 40)
        while not self.burst(peer, 1)[0]:
            self.assertLess(time.monotonic() - begun, h.LIMIT_S)
        self.assertEqual({r["reason"] for r in self.lab.records("policy.refuse")}, {"too_many_calls"})


class Profile(Case):
    """The boxes of CUCM's security profile, none of them ticked: 403, whatever the gate would say."""

    OUTSIDE = {
        "SUBSCRIBE": "Event: presence\nExpires: 60\n",
        "REFER": "Refer-To: <sip:4711@192.0.2.1>\n",
        "NOTIFY": "Event: message-summary\nSubscription-State: active\n",
    }

    def check_forbidden(self, dialog, reason):
        answer = dialog.peer.expect(403)
        self.assertTrue(answer.get("Warning").startswith(f'399 border1.example.net "{reason}: '), answer.get("Warning"))

    def check_records(self, reason, **counts):
        """How many of each trunk; repeats of a second are one record that counts them."""
        self.lab.stop_daemon()  # what is still being counted is written now
        records, found = self.lab.records("policy.refuse"), {}
        self.assertEqual({(r["reason"], r["sip"]) for r in records}, {(reason, 403)})
        for record in records:
            found[record["trunk"]] = found.get(record["trunk"], 0) + record.get("count", 1)
        self.assertEqual(found, counts)

    def dialogs(self):
        """One over TLS, one without."""
        return (h.Dialog(self.lab, self.connect()),
                h.Dialog(self.lab, h.tcp_connect(self.lab), host=self.lab.lab_host, transport="TCP"))

    def test_requests_outside_a_dialog(self):
        self.start()
        for dialog in self.dialogs():
            for method, extra in self.OUTSIDE.items():
                with self.subTest(method=method, transport=dialog.transport):
                    dialog.request(method, extra)
                    self.check_forbidden(dialog, "method_forbidden")
        self.check_records("method_forbidden", CUCMA=3, LAB=3)

    def test_a_key_beside_is_still_forbidden(self):
        """403 comes first; the gate does not make a 488 of what is not taken at all."""
        self.start()
        _, plain = self.dialogs()
        plain.request("SUBSCRIBE", self.OUTSIDE["SUBSCRIBE"] + "Content-Type: application/sdp\n",
                      h.sdp(self.lab.lab_host))
        self.check_forbidden(plain, "method_forbidden")
        self.check_records("method_forbidden", LAB=1)

    def test_replaces(self):
        self.start()
        for dialog in self.dialogs():
            dialog.invite(h.sdp(self.lab.a_host, crypto=None, proto="RTP/AVP"),
                          extra="Replaces: 12345@192.0.2.1;to-tag=1;from-tag=2\n")
            self.check_forbidden(dialog, "replaces_forbidden")
            dialog.ack_refusal()
        self.assertEqual(self.lab.records("call.start"), [])
        self.check_records("replaces_forbidden", CUCMA=1, LAB=1)

    def test_inside_a_dialog_they_are_no_such_thing(self):
        self.start()
        dialog = self.call(self.connect())
        request = self.rings()
        dialog.peer.expect(180)
        line = re.search(rb"a=crypto:(\d+) (AES_CM_128_HMAC_SHA1_80) ", request.body)
        h.reply(self.b, request, 200, "OK",
                h.sdp(self.lab.b_host, 31000, f"{line[1].decode()} {line[2].decode()} inline:{h.KEY_B}"), tag="bt",
                contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
        dialog.take_tag(dialog.peer.expect(200))
        dialog.ack()
        self.b.expect("ACK")
        for method, extra in self.OUTSIDE.items():
            with self.subTest(method=method):
                dialog.request(method, extra)
                answer = dialog.peer.receive()
                self.assertNotEqual(answer.status, 403)
                self.assertGreaterEqual(answer.status, 200)


class OlderTls(Case):
    """CUCM 9.1 as Cisco's technote 200180 shows it: TLS 1.0, AES128-SHA, RSA 1024 and SHA-1 in a certificate without
    SAN; and the device security mode "Authenticated", which is NULL-SHA."""

    AES128_SHA = "AES128-SHA:@SECLEVEL=0"
    NULL_SHA = "NULL-SHA:@SECLEVEL=0"
    MARKS = {"weak_tls", "no_forward_secrecy", "cert_weak"}

    def start_old(self, mode, **options):
        """CUCM9 at a listener of its own, port 5062."""
        def prepare(pki):
            pki.leaf("CUCM9", cn="CUCM9", san=None, key="rsa:1024", digest="sha1")
            # These ciphers need an RSA key on our side, too (RFC 5246 appendix A.5).
            pki.leaf("border-rsa", cn="border1.example.net", san="DNS:border1.example.net", key="rsa:2048")
            with open(self.lab.path("nine.yaml"), "w") as f:
                f.write(f"""
tls: {{old: {{certificate: pki/border-rsa.pem, private_key: pki/border-rsa.key, trust: pki/ca.pem}}}}
listeners: {{nine: {{transport: tls, address: {self.lab.host}, port: 5062, tls: old}}}}
security_profiles: {{nine: {{device_security_mode: {mode}}}}}
trunks:
  CUCM9: {{security_profile: nine, listener: nine, peer_names: [CUCM9], srtp: allowed, tls_policy: legacy-cucm}}
routes:
  - {{pattern: "9897", trunks: [CUCM10], require: {{grade: hop_by_hop, refuse_marks: [weak_tls]}}}}
""")
        self.start(prepare, top="include: [nine.yaml]\n", **options)

    def connect_old(self, ciphers, version=ssl.TLSVersion.TLSv1):
        context = client(self.lab, self.lab.path("pki", "CUCM9-both.pem"), version, ciphers)
        raw = socket.create_connection((self.lab.host, 5062), h.LIMIT_S, source_address=(self.lab.a_host, 0))
        return h.Peer(self.lab, context.wrap_socket(raw))

    def test_keys_cross_and_the_record_says_over_what(self):
        self.start_old("encrypted")
        peer = self.connect_old(self.AES128_SHA)
        dialog = self.call(peer)
        request = self.rings()
        peer.expect(180)
        self.assertIn(h.KEY_A.encode(), request.body)
        self.give_up(dialog, request)
        accept = self.lab.wait_record("tls.accept", trunk="CUCM9")
        self.assertEqual((accept["version"], accept["cipher"], accept["forward_secret"], set(accept["marks"])),
                         ("TLSv1", "AES128-SHA", False, self.MARKS))
        leg = self.lab.call_end(dialog.call_id)["legs"][0]
        self.assertEqual((leg["trunk"], leg["sig"]["version"], leg["sig"]["verified"]), ("CUCM9", "TLSv1", True))
        # A route may want better than that.
        self.check_refused(self.call(peer, "9897"), 488, "weak_tls")

    def test_better_tls_is_taken_where_the_peer_has_it(self):
        self.start_old("encrypted")
        peer = self.connect_old("DEFAULT:@SECLEVEL=0", ssl.TLSVersion.TLSv1_3)
        dialog = self.call(peer, "9897")
        self.give_up(dialog, self.rings_through(peer))
        accept = self.lab.wait_record("tls.accept", trunk="CUCM9")
        self.assertEqual((accept["version"], accept["marks"]), ("TLSv1.3", ["cert_weak"]))

    def rings_through(self, peer):
        request = self.rings()
        peer.expect(180)
        return request

    def test_no_key_over_a_null_cipher(self):
        self.start_old("authenticated", trunk_options={"CUCM10": "srtp: allowed"})
        peer = self.connect_old(self.NULL_SHA)
        self.check_refused(self.call(peer), 488, "key_over_null_cipher")
        self.assertEqual(self.lab.wait_record("policy.refuse")["reason"], "key_over_null_cipher")
        # Without keys a call goes, and none comes back on this leg.
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host, crypto=None, proto="RTP/AVP"))
        request = self.rings_through(peer)
        line = re.search(rb"a=crypto:(\d+) (AES_CM_128_HMAC_SHA1_80) ", request.body)
        h.reply(self.b, request, 200, "OK",
                h.sdp(self.lab.b_host, 31000, f"{line[1].decode()} {line[2].decode()} inline:{h.KEY_B}"), tag="bt",
                contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
        answer = peer.expect(200)
        self.assertNotRegex(answer.body, rb"(?i)crypto|inline|savp")
        dialog.take_tag(answer)
        dialog.ack()
        self.b.expect("ACK")
        dialog.request("BYE")
        h.reply(self.b, self.b.expect("BYE"), 200, "OK")
        peer.expect(200)
        accept = self.lab.wait_record("tls.accept", trunk="CUCM9")
        self.assertEqual((accept["cipher"], "weak_tls" in accept["marks"]), ("NULL-SHA", True))
        self.assertNotEqual(self.lab.call_end(dialog.call_id)["status"], "Encrypted")

    def test_null_only_where_the_profile_says_so(self):
        self.start_old("encrypted")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.connect_old(self.NULL_SHA)
        self.assertEqual(self.lab.wait_record("tls.refuse")["reason"], "tls_no_common_cipher")


if __name__ == "__main__":
    h.main()
