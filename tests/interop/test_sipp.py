# SPDX-License-Identifier: Apache-2.0
"""SIPp on both sides, with stunnel in front: it has no TLS.  What each side sends and must receive, header by header
and line by line, stands in sipp/*.xml; a message that is not in the scenario fails the call.  No media."""
import unittest

import peers
from peers import CM, Sipp, Stunnel, h


class SippCase(unittest.TestCase):
    """CUCMA's side is a uac_*, CUCM10's a uas_*."""

    def setUp(self):
        self.start()

    def start(self, **trunk_options):
        self.lab = h.Lab(trunk_options=trunk_options)
        self.addCleanup(self.lab.__exit__)
        self.lab.start()
        uac, uas = self.lab.addr(6), self.lab.addr(7)
        Stunnel(self.lab, "CUCMA", f"{uac}:5070", f"{self.lab.host}:5061", client=True, local=self.lab.a_host)
        Stunnel(self.lab, "CUCM10", f"{self.lab.b_host}:5061", f"{uas}:5070", client=False)
        self.uac, self.uas = uac, uas

    def run_pair(self, uac, uas, calls=1, **more):
        """Both scenarios, as often as asked.  @return the records of the calls' ends"""
        callee = Sipp(self.lab, uas, self.uas, 5070, calls=calls)
        callee.listening()
        caller = Sipp(self.lab, uac, self.uac, 5062, remote=f"{self.uac}:5070", calls=calls, **more)
        caller.finish()
        callee.finish()
        self.lab.wait_record("call.end", calls)
        peers.check_no_key(self, self.lab, set(caller.keys) | set(callee.keys))
        ends = self.lab.records("call.end")
        self.assertEqual(len(ends), calls)
        return ends

    def check_up(self, end, reason, by, first="CUCMA", last="CUCM10"):
        """It was up, on two verified legs, with the keys of both sides and no packet."""
        self.assertEqual((end["reasons"], end["by"], end["status"], end["grade"], end["marks"]),
                         ([reason], by, "Encrypted", "none", []))
        self.assertEqual(end["key_holders"], [first, "border1.example.net", last])  # in the order of the offer
        for leg, name in zip(end["legs"], ("CUCMA", "CUCM10")):
            self.assertEqual((leg["sig"]["name"], leg["sig"]["verified"]), (name, True))
            stream, = leg["streams"]
            self.assertEqual((stream["suite"], stream["path"], stream["rx"]["packets"]), (CM, "pass", 0))

    def check_never_up(self, end, reason, by):
        self.assertEqual((end["reasons"], end["by"], end["grade"]), ([reason], by, "none"))
        self.assertIsNone(end["answer"])


class Scenarios(SippCase):
    def test_the_caller_hangs_up(self):
        end, = self.run_pair("uac_hangs_up", "uas_answers")
        self.check_up(end, "caller_hung_up", "a")

    def test_the_called_side_hangs_up(self):
        end, = self.run_pair("uac_is_hung_up", "uas_hangs_up")
        self.check_up(end, "called_hung_up", "b")

    def test_progress_without_sdp(self):
        end, = self.run_pair("uac_progress", "uas_progress")
        self.check_up(end, "caller_hung_up", "a")

    def test_early_media(self):
        end, = self.run_pair("uac_early_media", "uas_early_media")
        self.check_up(end, "caller_hung_up", "a")

    def test_the_caller_holds(self):
        end, = self.run_pair("uac_holds", "uas_is_held")
        self.check_up(end, "caller_hung_up", "a")

    def test_cancel(self):
        end, = self.run_pair("uac_cancels", "uas_is_cancelled")
        self.check_never_up(end, "cancelled", "a")

    def test_busy(self):
        end, = self.run_pair("uac_is_refused", "uas_is_busy")
        self.check_never_up(end, "refused_by_peer", "b")

    def test_a_hundred_calls_on_one_connection(self):
        ends = self.run_pair("uac_hangs_up", "uas_answers", calls=100, rate=50, at_once=5)
        for end in ends:
            self.check_up(end, "caller_hung_up", "a")
        self.assertEqual(len({end["call"] for end in ends}), 100)
        connections = [record["trunk"] for record in self.lab.records("tls.accept")]
        self.assertEqual(sorted(connections), ["CUCM10", "CUCMA"])


class TowardsTheCaller(SippCase):
    """Offers that go from b to a.  The caller's trunk requires SRTP, so that they are RTP/SAVP as b wrote them."""

    def setUp(self):
        self.start(CUCMA="srtp: required")

    def test_delayed_offer(self):
        end, = self.run_pair("uac_delayed_offer", "uas_delayed_offer")
        self.check_up(end, "caller_hung_up", "a", "CUCM10", "CUCMA")

    def test_the_called_side_holds(self):
        end, = self.run_pair("uac_is_held", "uas_holds")
        self.check_up(end, "caller_hung_up", "a")


if __name__ == "__main__":
    h.main()
