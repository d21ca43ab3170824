# SPDX-License-Identifier: Apache-2.0
"""Kamailio as the neighbour: registrar and proxy, mutual TLS, Record-Route; the phone behind it is baresip."""
import unittest

import peers
from peers import CM, Baresip, Kamailio, h
from pki import Pki

A_TONE, B_TONE = 440, 1000


class Neighbour(unittest.TestCase):
    def setUp(self):
        # Required on both sides: a phone whose SRTP is mandatory refuses the RTP/AVP of `allowed` (RFC 8643).
        self.lab = h.Lab(trunk_options={"CUCMA": "srtp: required"})
        self.addCleanup(self.lab.__exit__)
        Pki(self.lab).leaf("PHONE", "PHONE", "DNS:PHONE")
        self.lab.start()
        self.kamailio = Kamailio(self.lab)
        # 9898 registers over TLS, with a certificate of its own, and sends all through its proxy.
        self.b = Baresip(self.lab, "9898", self.lab.addr(8), "PHONE", B_TONE, 1, domain=f"{self.lab.b_host}:5061",
                         options=f'regint=60;outbound="sip:{self.lab.b_host}:5061;transport=tls"')
        self.b.event("REGISTER_OK")
        self.kamailio.out.wait(r"GOT REGISTER from PHONE verified 1")
        self.a = Baresip(self.lab, "1018", self.lab.a_host, "CUCMA", A_TONE, 0)

    def heard(self):
        return self.a.hears(2), self.b.hears(2)

    def check(self, recordings, reason, by, trunks, roles):
        for path, tone in zip(recordings, (B_TONE, A_TONE)):
            peers.check_tone(self, peers.read_wav(path), tone, 2)
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["status"], end["grade"], end["reasons"], end["by"]), ("Encrypted", "hop_by_hop", [reason], by))
        self.assertEqual(end["key_holders"], [trunks[0], "border1.example.net", trunks[1]])
        for leg, trunk, role in zip(end["legs"], trunks, roles):
            sig, (stream,) = leg["sig"], leg["streams"]
            self.assertEqual((leg["trunk"], sig["name"], sig["role"], sig["verified"]), (trunk, trunk, role, True))
            self.assertEqual((stream["suite"], stream["path"]), (CM, "pass"))
            self.assertGreaterEqual(stream["rx"]["authenticated"], 100)
            self.assertEqual(stream["rx"]["auth_failed"], 0)
        # The keys of the two phones, unchanged, through both servers.
        self.assertEqual(len(self.a.keys() & self.b.keys()), 2)
        peers.check_no_key(self, self.lab, self.a.keys() | self.b.keys())

    def test_a_call_to_its_phone(self):
        self.a.dial(self.lab, "9898")
        recordings = self.heard()
        self.a.command("hangup")
        self.b.event("CALL_CLOSED")
        self.check(recordings, "caller_hung_up", "a", ("CUCMA", "CUCM10"), ("server", "client"))
        # It looked at our certificate, and every request inside the dialog came along its Record-Route.
        for method in ("INVITE", "ACK", "BYE"):
            self.kamailio.out.wait(f"GOT {method} from border1.example.net verified 1")
        self.b.out.wait(r"^BYE sip:9898-")

    def test_its_phone_hangs_up(self):
        self.a.dial(self.lab, "9898")
        recordings = self.heard()
        self.b.command("hangup")
        self.a.event("CALL_CLOSED")
        self.check(recordings, "called_hung_up", "b", ("CUCMA", "CUCM10"), ("server", "client"))
        self.kamailio.out.wait("GOT BYE from PHONE")

    def test_a_call_from_its_phone(self):
        """Kamailio connects to us, with its certificate; the trunk is CUCM10 by that."""
        self.b.command("dial", f"sip:1018@{self.lab.b_host}:5061")
        recordings = self.heard()
        self.a.command("hangup")
        self.b.event("CALL_CLOSED")
        self.check(recordings, "called_hung_up", "b", ("CUCM10", "CUCMA"), ("server", "client"))
        self.kamailio.out.wait("GOT BYE from border1.example.net verified 1")

    def test_a_number_that_nobody_registered(self):
        self.b.stop()  # it says goodbye to its registrar
        self.kamailio.out.wait("SAVED 9898", 2)
        self.a.dial(self.lab, "9898")
        self.assertIn("404", self.a.event("CALL_CLOSED")["param"])
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["reasons"], end["sip"], end["grade"]), (["refused_by_peer"], 404, "none"))


if __name__ == "__main__":
    h.main()
