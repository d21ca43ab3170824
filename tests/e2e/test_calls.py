# SPDX-License-Identifier: Apache-2.0
"""Whole calls: libre on both sides, and by hand where the timing of each message matters."""
import base64
import re
import signal
import time
import unittest

import harness as h


def crypto_lines(body):
    return re.findall(rb"a=crypto:(\d+) (\S+) inline:(\S+)", body)


class LibreCalls(unittest.TestCase):
    """Two libre phones: another SIP stack, another SDP, another SRTP on both sides."""

    def test_encrypted_call(self):
        with h.Lab() as lab:
            callee, caller = lab.callee(), lab.caller("--seconds", "2")
            a = caller.report()
            end = lab.wait_record("call.end")
            b = callee.end()
            self.assertEqual((a["status"], a["sent"], a["received"]), (200, 100, 100))
            self.assertEqual((b["sent"], b["received"], b["auth_failed"]), (100, 100, 0))
            self.assertEqual(a["security"], "Encrypted")
            self.assertEqual((end["status"], end["grade"], end["reasons"]), ("Encrypted", "hop_by_hop", ["caller_hung_up"]))
            self.assertEqual(end["key_holders"], ["CUCMA", "border1.example.net", "CUCM10"])
            self.assertEqual([leg["streams"][0]["rx"]["authenticated"] for leg in end["legs"]], [100, 100])
            self.assertEqual([leg["streams"][0]["path"] for leg in end["legs"]], ["pass", "pass"])
            for leg, name in zip(end["legs"], ("CUCMA", "CUCM10")):
                self.assertTrue(leg["sig"]["verified"])
                self.assertEqual((leg["sig"]["name"], leg["sig"]["version"]), (name, "TLSv1.3"))
            self.assertEqual(lab.log.text().count("gate.departure"), 0)

    def test_bridge_between_suites(self):
        with h.Lab() as lab:
            callee = lab.callee("--suite", "AEAD_AES_256_GCM", "--seconds", "1")
            a = lab.caller("--suite", "AES_CM_128_HMAC_SHA1_80", "--seconds", "1").report()
            end = lab.wait_record("call.end")
            b = callee.end()
            self.assertEqual((a["status"], a["received"], b["received"]), (200, b["sent"], a["sent"]))
            self.assertEqual([leg["streams"][0]["suite"] for leg in end["legs"]],
                             ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"])
            self.assertEqual([leg["streams"][0]["path"] for leg in end["legs"]], ["bridge", "bridge"])
            self.assertEqual(end["grade"], "hop_by_hop")

    def test_srtp_path_bridge(self):
        with h.Lab(trunk_options={"CUCM10": "srtp: required, srtp_path: bridge"}) as lab:
            callee, a = lab.callee("--seconds", "1"), lab.caller("--seconds", "1").report()
            end = lab.wait_record("call.end")
            b = callee.end()
            self.assertEqual((a["received"], b["received"]), (50, 50))
            self.assertEqual([leg["streams"][0]["path"] for leg in end["legs"]], ["bridge", "bridge"])

    def test_plain_call_between_rtp_trunks(self):
        with h.Lab(trunk_options={"CUCMA": "srtp: off", "CUCM10": "srtp: off"}) as lab:
            callee = lab.callee("--suite", "none", "--profile", "avp", "--seconds", "1")
            a = lab.caller("--suite", "none", "--profile", "avp", "--seconds", "1").report()
            end = lab.wait_record("call.end")
            b = callee.end()
            self.assertEqual((a["status"], a["plain_received"], b["plain_received"]), (200, 50, 50))
            self.assertEqual((end["status"], end["grade"], end["key_holders"]), ("Authenticated", "clear", []))

    def test_a_phone_that_stands_still(self):
        """SIGSTOP in mid-call: the kernel keeps its packets, and it goes on where it was."""
        with h.Lab() as lab:
            callee, caller = lab.callee(), lab.caller("--seconds", "3")
            lab.log.wait("to=up")
            callee.process.send_signal(signal.SIGSTOP)
            self.wait_queued(lab.b_host)
            callee.process.send_signal(signal.SIGCONT)
            a = caller.report()
            end = lab.wait_record("call.end")
            b = callee.end()
            self.assertEqual((a["status"], b["received"], b["auth_failed"]), (200, a["sent"], 0))
            self.assertGreater(a["sent"], 50)
            self.assertEqual((end["grade"], end["reasons"]), ("hop_by_hop", ["caller_hung_up"]))
            for leg in end["legs"]:
                rx = leg["streams"][0]["rx"]
                self.assertEqual((rx["packets"], rx["auth_failed"], rx["send_failed"]), (rx["authenticated"], 0, 0))

    def wait_queued(self, host, packets=20):
        """Until as many packets, or more, wait for somebody at this address."""
        address = "".join(f"{int(part):02X}" for part in reversed(host.split(".")))
        limit = time.monotonic() + h.LIMIT_S
        while time.monotonic() < limit:
            with open("/proc/net/udp") as f:
                rows = [line.split() for line in f][1:]
            if any(row[1].startswith(address + ":") and int(row[4].split(":")[1], 16) > packets * 500 for row in rows):
                return
            time.sleep(0.02)
        self.fail("no packet waits")

    def test_many_calls_at_once(self):
        with h.Lab() as lab:
            callee = lab.callee()
            a = lab.caller("--calls", "20", "--rate", "20", "--seconds", "2").report()
            lab.wait_record("call.end", 20)
            b = callee.end()
            self.assertEqual((a["answered"], a["sent"], b["received"]), (20, 2000, 2000))
            # a hangs up when it has sent its own: what b sends last may meet a call that has ended.
            streams = [[leg["streams"][0] for leg in r["legs"]] for r in lab.records("call.end")]
            for near, far in streams:
                self.assertEqual((near["tx"], far["tx"]), (far["rx"]["authenticated"], near["rx"]["authenticated"]))
            self.assertLessEqual(a["received"], sum(near["tx"] for near, _ in streams))
            self.assertGreater(a["received"], 0)
            self.assertEqual({r["grade"] for r in lab.records("call.end")}, {"hop_by_hop"})

    @unittest.skipIf(h.SANITIZE, "a sanitizer's shadow memory is too large to be searched")
    def test_no_key_is_left_behind(self):
        """Every key used is searched in all that the daemon wrote, and in its memory after the call."""
        with h.Lab() as lab:
            callee = lab.callee()
            caller = lab.caller("--seconds", "1")
            lab.log.wait("to=up")
            keys = [base64.b64decode(key) for key in open(lab.keys_file).read().split()]
            self.assertEqual(len(keys), 2)
            # The search can find: while the call is up, the media plane holds master keys or what follows from them.
            during = h.memory(lab, "during")
            self.assertTrue(any(key[:16] in during for key in keys))
            caller.report()
            lab.wait_record("call.end")
            callee.end()
            self.assertEqual(h.left_behind(lab, keys), [])


class ByHand(unittest.TestCase):
    """Message by message, against CUCM10's side played here."""

    def setUp(self):
        self.lab = h.Lab()
        self.addCleanup(self.lab.__exit__)
        self.lab.start()
        self.server = h.Server(self.lab)
        self.addCleanup(self.server.close)

    def invite(self, **kwargs):
        """A's INVITE and its copy at b.  @return dialog, b's connection, the INVITE there"""
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host), **kwargs)
        b = self.server.accept()
        return dialog, b, b.expect("INVITE")

    def answer(self, b, request):
        h.reply(b, request, 200, "OK", h.sdp(self.lab.b_host, 31000, self.answer_line(request)), tag="btag",
                contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")

    def answer_line(self, request, suite=b"AES_CM_128_HMAC_SHA1_80"):
        tag = next(t for t, s, _ in crypto_lines(request.body) if s == suite)
        return f"{tag.decode()} {suite.decode()} inline:{h.KEY_B}"

    def establish(self):
        dialog, b, request = self.invite()
        self.answer(b, request)
        ok = dialog.peer.expect(200)
        dialog.take_tag(ok)
        dialog.ack()
        ack = b.expect("ACK")
        sides = {"from": request.get("From"), "to": ack.get("To"), "call_id": request.get("Call-ID")}
        return dialog, b, sides, ok

    def test_legs_have_their_own_identifiers(self):
        dialog, b, request = self.invite(extra="Session-ID: 0123456789abcdef0123456789abcdef\nX-Secret: 1\n")
        text = request.start + str(request.headers)
        self.assertNotEqual(request.get("Call-ID"), dialog.call_id)
        self.assertNotIn(dialog.tag, text)
        self.assertNotIn(dialog.branch, text)
        self.assertIn('"Phone" <sip:1018@', request.get("From"))
        self.assertEqual(len(request.all("Via")), 1)
        self.assertEqual(request.get("Max-Forwards"), "69")
        self.assertEqual(request.get("Session-ID"), "0123456789abcdef0123456789abcdef")
        self.assertIsNone(request.get("X-Secret"))
        # Nothing of side a's address may reach side b, in any octet.
        self.assertNotIn(self.lab.a_host, text + request.body.decode())
        h.reply(b, request, 486, "Busy Here", tag="x")
        self.assertEqual(dialog.peer.expect(486).start, "SIP/2.0 486 Busy Here")
        dialog.ack_refusal()

    def test_bye_from_the_caller(self):
        dialog, b, _, _ = self.establish()
        dialog.request("BYE")
        h.reply(b, b.expect("BYE"), 200, "OK")
        dialog.peer.expect(200)
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["by"], end["reasons"], end["grade"]), ("a", ["caller_hung_up"], "none"))

    def test_bye_from_the_called_side(self):
        dialog, b, sides, _ = self.establish()
        b.send(h.in_dialog(sides, "BYE", 1, self.lab, self.lab.b_host))
        b.expect(200)
        bye = dialog.peer.expect("BYE")
        h.reply(dialog.peer, bye, 200, "OK")
        self.assertEqual(self.lab.wait_record("call.end")["by"], "b")

    def test_record_is_on_disk_before_the_200_to_bye(self):
        dialog, b, _, _ = self.establish()
        dialog.request("BYE")
        dialog.peer.expect(200)
        self.assertEqual(len(self.lab.records("call.end")), 1)
        h.reply(b, b.expect("BYE"), 200, "OK")

    def test_both_hang_up_at_once(self):
        dialog, b, sides, _ = self.establish()
        dialog.request("BYE")
        b.send(h.in_dialog(sides, "BYE", 1, self.lab, self.lab.b_host))
        # Each BYE gets its 200, whichever came first; ours may or may not cross it.
        for peer in (b, dialog.peer):
            while True:
                msg = peer.receive()
                if msg.status == 200:
                    break
                self.assertEqual(msg.method, "BYE")
                h.reply(peer, msg, 200, "OK")
        self.lab.wait_record("call.end")
        self.assertEqual(len(self.lab.records("call.end")), 1)

    def test_cancel_while_ringing(self):
        dialog, b, request = self.invite()
        h.reply(b, request, 180, "Ringing", tag="btag")
        dialog.peer.expect(180)
        dialog.cancel()
        statuses = {dialog.peer.receive().status, dialog.peer.receive().status}
        self.assertEqual(statuses, {200, 487})
        dialog.ack_refusal()
        cancel = b.expect("CANCEL")
        h.reply(b, cancel, 200, "OK")
        h.reply(b, request, 487, "Request Terminated", tag="btag")
        b.expect("ACK")
        self.assertEqual(self.lab.wait_record("call.end")["reasons"], ["cancelled"])

    def test_cancel_meets_the_answer(self):
        """RFC 3261 section 9.1: the 2xx that crosses CANCEL is acknowledged and ended."""
        dialog, b, request = self.invite()
        h.reply(b, request, 180, "Ringing", tag="btag")
        dialog.peer.expect(180)
        dialog.cancel()
        h.reply(b, b.expect("CANCEL"), 200, "OK")
        self.answer(b, request)
        b.expect("ACK")
        h.reply(b, b.expect("BYE"), 200, "OK")
        self.assertEqual({dialog.peer.receive().status, dialog.peer.receive().status}, {200, 487})
        self.assertEqual(self.lab.wait_record("call.end")["grade"], "none")

    def test_cancel_before_any_response(self):
        dialog, b, request = self.invite()
        dialog.peer.expect(100)
        dialog.cancel()
        self.assertEqual({dialog.peer.receive().status, dialog.peer.receive().status}, {200, 487})
        dialog.ack_refusal()
        # RFC 3261 section 9.1: our CANCEL waits for the first provisional response.
        h.reply(b, request, 180, "Ringing", tag="btag")
        h.reply(b, b.expect("CANCEL"), 200, "OK")
        h.reply(b, request, 487, "Request Terminated", tag="btag")
        b.expect("ACK")

    def test_refusals_are_mapped_through(self):
        for status, phrase, expected, reason in (
                (486, "Busy Here", 486, "refused_by_peer"), (404, "Not Found", 404, "refused_by_peer"),
                (603, "Decline", 603, "refused_by_peer"), (401, "Unauthorized", 403, "peer_demands_credentials"),
                (407, "Proxy Authentication Required", 403, "peer_demands_credentials"),
                (302, "Moved Temporarily", 480, "redirect_refused"), (503, "Service Unavailable", 503, "refused_by_peer")):
            with self.subTest(status=status):
                peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
                dialog = h.Dialog(self.lab, peer)
                dialog.invite(h.sdp(self.lab.a_host))
                if not hasattr(self, "b"):
                    self.b = self.server.accept()
                request = self.b.expect("INVITE")
                h.reply(self.b, request, status, phrase, tag="t",
                        extra='WWW-Authenticate: Digest realm="x", nonce="y"\n' if status == 401 else "")
                self.b.expect("ACK")
                answer = peer.expect(expected)
                self.assertIsNone(answer.get("WWW-Authenticate"))
                dialog.ack_refusal()
                peer.close()
        self.lab.wait_record("call.end", 7)
        reasons = [r["reasons"][0] for r in self.lab.records("call.end")]
        self.assertEqual(reasons.count("refused_by_peer"), 4)
        self.assertEqual(reasons.count("peer_demands_credentials"), 2)

    def test_183_with_an_answer_opens_the_media(self):
        dialog, b, request = self.invite()
        h.reply(b, request, 183, "Session Progress", tag="btag")
        self.assertEqual(dialog.peer.expect(183).body, b"")
        answer = h.sdp(self.lab.b_host, 31000, self.answer_line(request))
        h.reply(b, request, 183, "Session Progress", answer, tag="btag")
        early = dialog.peer.expect(183)
        self.assertIn(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80", early.body)
        # The same SDP in the 200 gives the same answer: nothing is keyed twice.
        h.reply(b, request, 200, "OK", answer, tag="btag",
                contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
        ok = dialog.peer.expect(200)
        self.assertEqual(ok.body, early.body)
        self.assertEqual(ok.get("To"), early.get("To"))
        dialog.take_tag(ok)
        dialog.ack()
        b.expect("ACK")
        dialog.request("BYE")
        h.reply(b, b.expect("BYE"), 200, "OK")
        dialog.peer.expect(200)
        self.assertEqual(self.lab.wait_record("call.end")["status"], "Encrypted")

    def test_second_fork_is_ended(self):
        dialog, b, request = self.invite()
        self.answer(b, request)
        dialog.take_tag(dialog.peer.expect(200))
        dialog.ack()
        b.expect("ACK")
        h.reply(b, request, 200, "OK", h.sdp(self.lab.b_host, 31002, self.answer_line(request)), tag="other",
                contact=f"sip:other@{self.lab.b_host}:5061;transport=tls")
        b.expect("ACK")
        bye = b.expect("BYE")
        self.assertIn("tag=other", bye.get("To"))
        h.reply(b, bye, 200, "OK")
        dialog.request("BYE")
        dialog.peer.expect(200)

    def test_ack_again_for_the_same_answer(self):
        dialog, b, request = self.invite()
        self.answer(b, request)
        dialog.take_tag(dialog.peer.expect(200))
        dialog.ack()
        b.expect("ACK")
        self.answer(b, request)
        b.expect("ACK")
        self.assertTrue(dialog.peer.silent())

    def test_answers_that_end_the_call(self):
        """What is wrong with the called side's keys is never passed on: ACK, BYE, and 488 to the caller."""
        good = self.lab.b_host
        cases = {
            "crypto_answer_bad": lambda r: h.sdp(good, 31000, f"1 AES_CM_128_HMAC_SHA1_32 inline:{h.KEY_B}"),
            "profile_mismatch": lambda r: h.sdp(good, 31000, None, "RTP/AVP"),
            "bad_sdp": lambda r: b"v=0\r\nnonsense\r\n",
            "key_echoed": lambda r: h.sdp(good, 31000, next(
                f"{t.decode()} {s.decode()} inline:{k.decode()}" for t, s, k in crypto_lines(r.body)
                if s == b"AES_CM_128_HMAC_SHA1_80")),
        }
        b = None
        for reason, body in cases.items():
            with self.subTest(reason=reason):
                peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
                dialog = h.Dialog(self.lab, peer)
                dialog.invite(h.sdp(self.lab.a_host))
                b = b or self.server.accept()
                request = b.expect("INVITE")
                h.reply(b, request, 200, "OK", body(request), tag="t", contact=f"sip:9898@{good}:5061;transport=tls")
                b.expect("ACK")
                bye = b.expect("BYE")
                self.assertIn(reason, bye.get("Reason"))
                h.reply(b, bye, 200, "OK")
                answer = peer.expect(488)
                self.assertIn(reason, answer.get("Warning"))
                dialog.ack_refusal()
                peer.close()

    def test_lost_connection_before_any_response(self):
        dialog, b, request = self.invite()
        b.close()
        answer = dialog.peer.expect(503)
        self.assertIn("connection_lost", answer.get("Warning"))
        dialog.ack_refusal()

    def test_confirmed_call_survives_a_lost_connection(self):
        dialog, b, _, _ = self.establish()
        b.close()
        self.lab.log.wait(r"conn\.down +trunk=CUCM10")
        dialog.request("BYE")
        again = self.server.accept()
        h.reply(again, again.expect("BYE"), 200, "OK")
        dialog.peer.expect(200)

    def test_ringing_call_survives_a_short_loss(self):
        """An INVITE that has a 1xx waits for the same trunk to come back."""
        dialog, b, request = self.invite()
        h.reply(b, request, 180, "Ringing", tag="btag")
        dialog.peer.expect(180)
        b.close()
        self.lab.log.wait(r"conn\.down +trunk=CUCM10")
        back = h.tls_connect(self.lab, self.lab.cert("CUCM10"), source=self.lab.b_host)
        self.lab.log.wait(r"tls\.accept +trunk=CUCM10", 2)
        self.answer(back, request)
        dialog.take_tag(dialog.peer.expect(200))
        dialog.ack()
        back.expect("ACK")

    def test_options_and_what_is_not_relayed(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        dialog = h.Dialog(self.lab, peer)
        dialog.request("OPTIONS")
        self.assertIn("INVITE", peer.expect(200).get("Allow"))
        for method, status in (("MESSAGE", 405), ("INFO", 481), ("UPDATE", 481), ("PRACK", 481), ("REGISTER", 405), ("SUBSCRIBE", 403),
                               ("REFER", 403), ("NOTIFY", 403), ("FROBNICATE", 501)):
            with self.subTest(method=method):
                dialog.request(method)
                answer = peer.expect(status)
                if status in (405, 501):
                    self.assertIn("BYE", answer.get("Allow"))

    def test_routes_and_hops(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        dialog = h.Dialog(self.lab, peer, number="4711")
        dialog.invite(h.sdp(self.lab.a_host))
        self.assertIn("no_route", peer.expect(404).get("Warning"))
        dialog.ack_refusal()
        dialog = h.Dialog(self.lab, peer)
        peer.send(dialog.headers("INVITE").replace("Max-Forwards: 70", "Max-Forwards: 0") +
                  "Content-Type: application/sdp\n", h.sdp(self.lab.a_host))
        peer.expect(483)
        dialog.ack_refusal()
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host), extra="Require: 100rel, precondition\n")
        self.assertEqual(peer.expect(420).get("Unsupported"), "100rel, precondition")
        dialog.ack_refusal()
        dialog = h.Dialog(self.lab, peer)
        dialog.request("BYE")
        peer.expect(481)

    def test_another_trunk_cannot_touch_the_call(self):
        """Isolation: right Call-ID and tags from the wrong trunk are nobody's dialog."""
        dialog, b, sides, _ = self.establish()
        b.send(dialog.headers("BYE", cseq=2, branch="z9hG4bKfromb"))
        b.expect(481)
        self.assertTrue(dialog.peer.silent())
        self.assertEqual(self.lab.records("call.end"), [])
        dialog.request("BYE")
        dialog.peer.expect(200)


if __name__ == "__main__":
    h.main()
