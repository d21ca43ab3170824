# SPDX-License-Identifier: Apache-2.0
"""baresip, a phone: its TLS, its SDP, its SRTP and its sound on one side or on both."""
import re
import unittest

import peers
from peers import CM, GCM, Baresip, h

A_TONE, B_TONE, PHONE_TONE = 600, 1000, 440  # PHONE: tests/support/phone
# baresip 1.0.0, calling, opens its path with one plain RTCP packet (APP, PING), then with the same under SRTCP; and
# either side may end with one that is plain (BYE).
PLAIN_OF_A, PLAIN_OF_B = (1, 2), (0, 1)


class Calls(unittest.TestCase):
    """1018 and 9898 are both baresip, with media encryption mandatory."""

    def setUp(self):
        self.lab = h.Lab()
        self.addCleanup(self.lab.__exit__)
        self.lab.start()

    def caller(self, cert="CUCMA", **more):
        return Baresip(self.lab, "1018", self.lab.a_host, cert, A_TONE, 0, **more)

    def callee(self, **more):
        return Baresip(self.lab, "9898", self.lab.b_host, "CUCM10", B_TONE, 1, **more)

    def call(self):
        """A call that is up, and has been heard on both sides."""
        a, b = self.caller(), self.callee()
        a.dial(self.lab, "9898")
        for phone in (a, b):
            self.assertIn(CM, phone.event("CALL_MENC")["param"])
            phone.event("CALL_ESTABLISHED")
        recordings = a.hears(2), b.hears(2)
        return a, b, recordings

    def check_heard(self, recordings):
        """Each side heard the other's tone and nothing else."""
        for path, tone in zip(recordings, (B_TONE, A_TONE)):
            peers.check_tone(self, peers.read_wav(path), tone, 2)

    def check_encrypted(self, reason, by):
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["status"], end["grade"], end["reasons"], end["by"]), ("Encrypted", "hop_by_hop", [reason], by))
        self.assertEqual(end["key_holders"], ["CUCMA", "border1.example.net", "CUCM10"])
        self.assertEqual(end["marks"], ["plain_on_srtp"])
        for leg, name, plain in zip(end["legs"], ("CUCMA", "CUCM10"), (PLAIN_OF_A, PLAIN_OF_B)):
            self.assertEqual((leg["sig"]["verified"], leg["sig"]["name"]), (True, name))
            stream, = leg["streams"]
            self.assertEqual((stream["keying"], stream["suite"], stream["path"]), ("sdes", CM, "pass"))
            self.assertGreaterEqual(stream["rx"]["authenticated"], 100)  # 2 s of 20 ms
            self.assertEqual([stream["rx"][drop] for drop in ("auth_failed", "replayed", "unknown_source", "malformed")], [0] * 4)
            self.assertIn(stream["rx"]["plain"], plain)
            self.assertEqual(stream["rx"]["plain_on_srtp"], stream["rx"]["plain"])

    def test_the_caller_hangs_up(self):
        a, b, recordings = self.call()
        a.command("hangup")
        b.event("CALL_CLOSED")
        self.check_encrypted("caller_hung_up", "a")
        self.check_heard(recordings)
        # pass: the key that each side declared is the one that the other received.
        lines = [set(phone.keys()) for phone in (a, b)]
        self.assertEqual(len(lines[0] & lines[1]), 2)
        peers.check_no_key(self, self.lab, lines[0] | lines[1])

    def test_the_called_side_hangs_up(self):
        a, b, recordings = self.call()
        b.command("hangup")
        a.event("CALL_CLOSED")
        self.check_encrypted("called_hung_up", "b")
        self.check_heard(recordings)

    def test_hold_and_resume(self):
        """Two re-INVITEs that repeat the keys.  baresip 1.0.0 records nothing that it hears after a hold: counters tell."""
        a, b, recordings = self.call()
        a.command("hold")
        b.out.wait("^a=sendonly")
        a.out.wait("^a=recvonly")
        a.command("resume")
        for phone in (a, b):
            phone.out.wait("^a=sendrecv", 4)  # offer and answer, of the call and of the resumption
        for phone in (a, b):
            phone.hears(5, "enc")
        a.command("hangup")
        b.event("CALL_CLOSED")
        self.check_encrypted("caller_hung_up", "a")
        self.check_heard(recordings)
        streams = [leg["streams"][0] for leg in self.lab.records("call.end")[0]["legs"]]
        for stream in streams:
            self.assertGreaterEqual(stream["tx"], 180)  # what was heard before is not much over 100
        peers.check_no_key(self, self.lab, a.keys() | b.keys())

    def test_reports_of_both(self):
        """SRTCP is read on its way: each phone says how it hears the other, and answers the other's reports."""
        a, b, recordings = self.call()
        for phone in (a, b):
            phone.hears(12)  # baresip reports every five seconds
        a.command("hangup")
        b.event("CALL_CLOSED")
        for leg in self.lab.wait_record("call.end")["legs"]:
            quality, reported = leg["streams"][0]["quality"], leg["streams"][0]["reported"]
            self.assertEqual((quality["codec"], quality["lost"], quality["received"]), ("PCMU", 0, quality["expected"]))
            self.assertGreater(quality["jitter_worst_ms"], 0)
            self.assertGreater(reported["reports"], 0)
            self.assertEqual([reported[name] for name in ("lost", "unknown_ssrc", "implausible", "malformed")], [0] * 4)
            self.assertLess(reported["rtt_ms"], 1000)  # loopback; what it said of its own delay has been taken off
            self.assertTrue(quality["delay_known"])
            self.assertGreater(quality["mos"], 4)

    def test_the_caller_gives_up_while_it_rings(self):
        a, b = self.caller(), self.callee(answer="manual")
        a.dial(self.lab, "9898")
        b.event("CALL_INCOMING")
        a.event("CALL_RINGING")
        a.command("hangup")
        b.event("CALL_CLOSED")
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["reasons"], end["grade"], end["by"]), (["cancelled"], "none", "a"))

    def test_the_called_side_declines(self):
        a, b = self.caller(), self.callee(answer="manual")
        a.dial(self.lab, "9898")
        b.event("CALL_INCOMING")
        b.command("hangup")
        self.assertIn("486", a.event("CALL_CLOSED")["param"])
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["reasons"], end["grade"], end["by"]), (["refused_by_peer"], "none", "b"))

    def test_a_certificate_of_nobody_here(self):
        """The CA's, but the name is no trunk's: refused before anybody is called."""
        a, b = self.caller("intruder"), self.callee()
        a.dial(self.lab, "9898")
        self.assertIn("403", a.event("CALL_CLOSED")["param"])
        self.assertIn("no_trunk_for_certificate", a.out.wait("^Warning: 399 "))
        refusal = self.lab.wait_record("tls.refuse")
        self.assertEqual((refusal["reason"], refusal["presented"]), ("no_trunk_for_certificate", ["intruder", "intruder.example.org"]))
        self.assertEqual((b.keys(), self.lab.records("call.start")), (set(), []))
        peers.check_no_key(self, self.lab, a.keys())

    def test_rtp_on_one_side(self):
        """The caller has no SRTP, and its trunk allows that: heard both ways, and told as it is."""
        a, b = self.caller(mediaenc=None), self.callee()
        a.dial(self.lab, "9898")
        self.assertIn(GCM, b.event("CALL_MENC")["param"])  # the first of what gatehouse offers by itself
        recordings = a.hears(2), b.hears(2)
        a.command("hangup")
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["status"], end["grade"], sorted(end["key_holders"])),
                         ("Authenticated", "mixed", ["CUCM10", "border1.example.net"]))
        streams = [leg["streams"][0] for leg in end["legs"]]
        self.assertEqual([(s.get("suite"), s["path"]) for s in streams], [(None, "bridge"), (GCM, "bridge")])
        self.assertGreaterEqual(streams[0]["rx"]["plain"], 100)
        self.assertEqual(streams[0]["rx"]["authenticated"], 0)
        self.check_heard(recordings)
        self.assertEqual(a.keys(), set())
        peers.check_no_key(self, self.lab, b.keys())

    def test_to_a_phone_with_another_suite(self):
        """AES_CM_128 of baresip to AEAD_AES_256_GCM of the libre phone: decrypted and encrypted, both ways."""
        callee = self.lab.callee("--suite", GCM, "--seconds", "6")
        a = self.caller()
        a.dial(self.lab, "9898")
        recording = a.hears(2)
        a.command("hangup")
        end = self.lab.wait_record("call.end")
        b = callee.end()
        self.assertEqual((end["status"], end["grade"]), ("Encrypted", "hop_by_hop"))
        streams = [leg["streams"][0] for leg in end["legs"]]
        self.assertEqual([(s["suite"], s["path"]) for s in streams], [(CM, "bridge"), (GCM, "bridge")])
        self.assertEqual((b["auth_failed"], b["plain_received"]), (0, 0))
        self.assertGreaterEqual(b["received"], 100)
        peers.check_tone(self, peers.read_wav(recording), PHONE_TONE, 2)


class OnlyAes256(unittest.TestCase):
    """The trunk CUCM10 is offered AES_256_CM_HMAC_SHA1_80 alone."""

    def test_a_line_that_nobody_offered(self):
        """baresip 1.0.0, with media encryption mandatory, answers with a suite of its own and sends plain RTP."""
        with h.Lab(profile=", suites: [AES_256_CM_HMAC_SHA1_80]") as lab:
            b = Baresip(lab, "9898", lab.b_host, "CUCM10", B_TONE, 1)
            peer = h.tls_connect(lab, lab.cert("CUCMA"))
            dialog = h.Dialog(lab, peer)
            key = h.base64_key(46)
            dialog.invite(h.sdp(lab.a_host, crypto="1 AES_256_CM_HMAC_SHA1_80 inline:" + key))
            peer.expect(180)
            answer = peer.expect(488)
            self.assertTrue(answer.get("Warning").startswith('399 border1.example.net "crypto_answer_bad: '))
            dialog.ack_refusal()
            # To the called side: the 200 is acknowledged, then the call is ended, with the reason.
            b.event("CALL_ESTABLISHED")
            b.event("CALL_CLOSED")
            self.assertIn('text="crypto_answer_bad', b.out.wait("^Reason: "))
            text = b.out.text()
            ladder = re.findall(r"(?m)^(?:(INVITE|ACK|BYE) sip:|SIP/2\.0 (\d+))", text)
            self.assertEqual(["".join(step) for step in ladder], ["INVITE", "180", "200", "ACK", "BYE", "200"])
            self.assertRegex(text, r"m=audio \d+ RTP/SAVP ")
            end = lab.wait_record("call.end")
            self.assertEqual((end["reasons"], end["grade"], end["status"]), (["crypto_answer_bad"], "none", "Unknown"))
            self.assertEqual(end["key_holders"], ["CUCMA", "border1.example.net", "CUCM10"])
            peers.check_no_key(self, lab, b.keys() | {key})


if __name__ == "__main__":
    h.main()
