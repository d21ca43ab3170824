# SPDX-License-Identifier: Apache-2.0
"""A call that changes while it is up: hold, addresses, keys, m-lines, what fails, who is first."""
import select

import harness as h
import rtp
from rtp import CM, GCM
from session_case import SessionCase


class Change(SessionCase):
    def test_hold_and_resume(self):
        self.establish()
        self.both_ways()
        request, ok = self.reinvite(directions=["sendonly"], answers={"directions": ["recvonly"]})
        self.assertIn(b"a=sendonly", request.body)
        self.assertIn(b"a=recvonly", ok.body)
        self.crosses(self.a.ends[0], self.b.ends[0])  # music on hold
        self.b.ends[0].send(self.b.ends[0].protect(self.b.ends[0].next_rtp()))
        self.reinvite(directions=["sendrecv"])
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(record["legs"][1]["streams"][0]["rx"]["not_sending"], 1)
        # The keys were those of before: one epoch, no new context.
        self.assertEqual(record["legs"][0]["streams"][0]["rx"]["auth_failed"], 0)

    def test_hold_by_the_called_side(self):
        self.establish()
        self.both_ways()
        self.reinvite(self.b, directions=["sendonly"], answers={"directions": ["recvonly"]})
        self.crosses(self.b.ends[0], self.a.ends[0])
        self.reinvite(self.b)
        self.both_ways()
        self.check_end(self.hang_up(self.b), reasons=["called_hung_up"])

    def test_the_same_keys_stay(self):
        """A re-INVITE that repeats its keys changes no key: what we offer is what is in force."""
        self.establish()
        self.both_ways()
        before = self.b.ends[0].far_key, self.a.ends[0].far_key
        for who in (self.a, self.b, self.a):
            request, _ = self.reinvite(who)
            self.assertIn(b" RTP/SAVP ", request.body)  # also towards a trunk that may do without SRTP
            self.assertEqual((self.b.ends[0].far_key, self.a.ends[0].far_key), before)
            self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        keys = {r["legs"][0]["streams"][0]["rx_key"] for r in self.records("call.rekey")}
        self.assertEqual(len(keys), 1)

    def test_our_own_keys_stay(self):
        self.establish_bridged()
        self.both_ways()
        before = self.b.ends[0].far_key, self.a.ends[0].far_key
        for who in (self.a, self.b):
            self.reinvite(who)
            self.assertEqual((self.b.ends[0].far_key, self.a.ends[0].far_key), before)
            self.both_ways()
        self.check_end(self.hang_up())

    def establish_bridged(self):
        """GCM at b, AES_CM at a."""
        request = self.invited(self.a.open().describe())
        self.b.open(suite=GCM)
        self.accepted(request)

    def test_rekey(self):
        self.establish()
        self.both_ways()
        for ua in (self.a, self.b):
            ua.ends[0].key = h.fresh_key(ua.ends[0].key)
        self.reinvite()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["pass", "pass"])

    def test_an_old_key_comes_back(self):
        """After so many others that nobody knows which packets came under it: no replay is worth that."""
        self.establish()
        first = self.a.ends[0].key
        for _ in range(12):
            self.a.ends[0].key = h.fresh_key(first)
            self.reinvite()
        self.both_ways()
        self.a.ends[0].key = first
        self.reinvite()
        for ua in (self.a, self.b):
            bye = ua.expect("BYE")
            self.assertIn("key_reused", bye.get("Reason"))
            ua.reply(bye, 200)
        self.check_end(self.ended(), reasons=["key_reused"])

    def test_rekey_in_a_bridge(self):
        self.establish_bridged()
        self.both_ways()
        self.a.ends[0].key = h.fresh_key(self.a.ends[0].key)
        self.reinvite()
        self.both_ways()
        self.check_end(self.hang_up())

    def move(self, ua, host=None):
        """It listens elsewhere from now on, under the same key.  @return its end of before"""
        old, = ua.ends
        new = rtp.End(host or ua.host, CM)
        new.key, new.far_key, new.remote, new.seq, new.ssrc = old.key, old.far_key, old.remote, old.seq, old.ssrc
        ua.ends = [new]
        self.addCleanup(old.close)
        return old

    def sources(self):
        records = self.records("call.source")
        for r in records:  # what brought it: this side's own connection
            sig, = {(leg["sig"]["verified"], leg["sig"]["conn"]) for leg in self.ended()["legs"] if leg["side"] == r["side"]}
            self.assertEqual((r["verified"], r["conn"]), sig)
        return [(r["side"], r["index"], r["what"], r["rtcp"], r["old"], r["new"]) for r in records]

    def moved(self, side, old, new):
        """What call.source says of a side: RTP, and RTCP beside it."""
        return [(side, 0, "signalled", bool(i), f"{old.host}:{old.port + i}", f"{new.host}:{new.port + i}") for i in range(2)]

    def test_another_address(self):
        self.establish()
        self.both_ways()
        old = self.move(self.a)
        self.reinvite()
        self.both_ways()
        self.check_end(self.hang_up())
        self.assertEqual(self.sources(), self.moved("a", old, self.a.ends[0]))
        self.lab.log.wait(rf" call +media +call=\S+ stream=0 side=a what=source_signalled rtcp=0 "
                          rf"from={old.host}:{old.port} to={old.host}:{self.a.ends[0].port}$")

    def test_another_address_in_the_answer(self):
        """a changes nothing, b, who is asked, does; another host this time."""
        self.establish()
        self.both_ways()
        old = self.move(self.b, self.lab.strange_host)
        self.b.host, host = self.lab.strange_host, self.b.host
        self.reinvite()
        self.b.host = host
        self.both_ways()
        self.check_end(self.hang_up())
        self.assertEqual(self.sources(), self.moved("b", old, self.b.ends[0]))

    def test_another_address_by_update(self):
        self.establish()
        self.both_ways()
        old = self.move(self.b)
        self.b.request("UPDATE", self.b.describe())
        update = self.a.expect("UPDATE")
        self.a.reply(update, 200, self.a.describe())
        self.b.take(self.b.expect(200).body)
        self.both_ways()
        self.check_end(self.hang_up())
        self.assertEqual(self.sources(), self.moved("b", old, self.b.ends[0]))

    def test_a_placeholder_is_no_address(self):
        """On hold by zeros (RFC 2543), and back to where it was: nobody moved.  What fails did not move either."""
        self.establish()
        self.both_ways()
        held = self.a.describe(directions=["inactive"])
        self.a.request("INVITE", held.replace(b"c=IN IP4 " + self.a.host.encode(), b"c=IN IP4 0.0.0.0"))
        request = self.b.expect("INVITE")
        self.b.reply(request, 200, self.b.describe(directions=["inactive"], tags=self.b.tags(self.b.take(request.body))))
        self.a.expect(200)
        self.a.ack()
        self.b.expect("ACK")
        self.reinvite()
        self.both_ways()
        there = self.a.ends
        self.move(self.a)
        self.a.request("INVITE", self.a.describe())
        self.b.reply(self.b.expect("INVITE"), 488)
        self.a.expect(488)
        self.a.ack_refusal()
        self.b.expect("ACK")
        self.a.ends = there
        self.both_ways()
        self.check_end(self.hang_up())
        self.assertEqual(self.sources(), [])

    def test_a_line_comes_and_goes(self):
        self.establish()
        self.both_ways()
        for ua in (self.a, self.b):
            ua.ends.append(rtp.End(ua.host, CM))
        self.reinvite(kinds=["audio", "video"])
        self.both_ways(0)
        self.both_ways(1)
        video = [ua.ends[1] for ua in (self.a, self.b)]
        for ua in (self.a, self.b):
            ua.ends[1] = None
        request, ok = self.reinvite(kinds=["audio", "video"])
        self.assertIn(b"m=video 0 ", request.body)
        self.assertIn(b"m=video 0 ", ok.body)
        self.both_ways(0)
        for end in video:
            end.close()
        record = self.hang_up()
        self.check_end(record)
        audio, video = record["legs"][0]["streams"]
        self.assertEqual((video["media"], video["live"], video["rx"]["authenticated"]), ("video", False, 3))
        self.assertEqual(audio["rx"]["authenticated"], 9)

    def test_what_fails_changes_nothing(self):
        self.establish()
        self.both_ways()
        key = self.a.ends[0].key
        self.a.ends[0].key = h.fresh_key(key)
        self.a.request("INVITE", self.a.describe(directions=["inactive"]))
        self.b.reply(self.b.expect("INVITE"), 488)
        self.a.expect(488)
        self.a.ack_refusal()
        self.b.expect("ACK")
        self.a.ends[0].key = key
        self.both_ways()
        # One that we refuse does not even reach b.
        self.a.request("INVITE", self.a.describe().replace(b"RTP/SAVP", b"TCP/RTP/SAVP"))
        self.assertIn("media_not_relayed", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        self.both_ways()
        self.check_end(self.hang_up())

    def test_a_downgrade_is_refused(self):
        """9898's trunk says srtp: required; a's may do without, and says on_downgrade: mark by default."""
        self.establish()
        self.both_ways()
        keyed = self.b.ends[0].suite
        self.b.ends[0].suite = None
        self.b.request("INVITE", self.b.describe())
        self.assertIn("srtp_required", self.b.expect(488).get("Warning"))
        self.b.ack_refusal()
        self.b.ends[0].suite = keyed
        self.both_ways()
        self.check_end(self.hang_up())

    def test_a_downgrade_that_the_trunk_allows(self):
        """A call of RTP/AVP with keys (RFC 8643): b asks anew; a, whose trunk says srtp: allowed and so on_downgrade: mark,
        answers without keys now.  The ports stay."""
        request = self.invited(self.a.open().describe(protos=["RTP/AVP"]))
        self.b.open()
        self.accepted(request)
        self.both_ways()
        port = self.a.ends[0].remote
        self.a.ends[0].suite = None
        request, _ = self.reinvite(self.b)
        self.assertIn(b" RTP/AVP ", request.body)
        self.assertEqual(self.a.ends[0].remote, port)
        # What arrives in the moment of the change may be lost with the keyed stream: the first that comes through.
        while not select.select([self.b.ends[0].rtp], [], [], 2)[0]:
            self.a.ends[0].send(self.a.ends[0].next_rtp())
        self.assertEqual(self.b.ends[0].unprotect(self.b.ends[0].receive())[:2], b"\x80\0")
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, status="Authenticated", grade="mixed", marks=["downgrade_refused", "srtp_fallback"])
        self.assertEqual([grade for _, _, grade in record["intervals"]], ["hop_by_hop", "mixed"])

    def test_delayed_offer_inside_the_call(self):
        """A re-INVITE without SDP asks for an offer, and may key everything anew."""
        self.establish()
        self.both_ways()
        self.a.request("INVITE")
        request = self.b.expect("INVITE")
        self.assertEqual(request.body, b"")
        self.b.ends[0].key = h.fresh_key(self.b.ends[0].key)
        self.b.reply(request, 200, self.b.describe())
        lines = self.a.take(self.a.expect(200).body)
        self.a.ends[0].key = h.fresh_key(self.a.ends[0].key)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_delayed_offer_without_an_answer_ends_the_call(self):
        self.establish()
        self.a.request("INVITE")
        request = self.b.expect("INVITE")
        self.b.reply(request, 200, self.b.describe())
        self.a.expect(200)
        self.a.ack()
        self.assertRegex(self.b.expect("ACK").body, rb"m=audio 0 ")
        for ua in (self.a, self.b):
            bye = ua.expect("BYE")
            self.assertIn("answer_missing", bye.get("Reason"))
            ua.reply(bye, 200)
        self.assertEqual(self.ended()["reasons"], ["answer_missing"])

    def test_glare(self):
        self.establish()
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        self.b.request("INVITE", self.b.describe())
        self.assertIn("glare", self.b.expect(491).get("Warning"))
        self.b.ack_refusal()
        self.a.request("UPDATE", self.a.describe())
        self.assertIn("Retry-After", dict(self.a.expect(500).headers))
        self.a.cseq -= 1
        self.accepted(request)
        self.both_ways()
        self.a.cseq += 1
        self.check_end(self.hang_up())

    def test_cancel_of_a_reinvite(self):
        self.establish()
        self.a.request("INVITE", self.a.describe(directions=["inactive"]))
        request = self.b.expect("INVITE")
        self.b.reply(request, 180)
        self.a.expect(180)
        self.a.cancel()
        self.a.expect(200)
        self.b.reply(self.b.expect("CANCEL"), 200)
        self.b.reply(request, 487)
        self.a.expect(487)
        self.a.ack_refusal()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())

    def test_bye_while_a_reinvite_waits(self):
        self.establish()
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        self.b.reply(request, 180)
        self.a.expect(180)
        self.b.request("BYE")
        statuses = set()
        while len(statuses) < 2:
            msg = self.a.receive("487 and BYE")
            statuses.add(msg.status or msg.method)
            if msg.method == "BYE":
                self.a.reply(msg, 200)
        self.assertEqual(statuses, {487, "BYE"})
        self.a.ack_refusal()
        while self.b.receive("200").status != 200:
            pass
        self.assertEqual(self.ended()["reasons"], ["called_hung_up"])

    def test_2xx_to_a_reinvite_after_the_end(self):
        """RFC 3261 section 13.2.2.4: the ACK is due although nobody asks any more."""
        self.establish()
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        lines = self.b.take(request.body)
        self.b.request("BYE")
        for _ in range(2):
            msg = self.a.receive("487 and BYE")
            if msg.method == "BYE":
                self.a.reply(msg, 200)
        self.a.ack_refusal()
        self.b.expect(200)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        self.assertEqual(self.b.expect("ACK").body, b"")
        self.assertEqual(self.ended()["reasons"], ["called_hung_up"])

    def test_481_to_a_reinvite_ends_the_call(self):
        self.establish()
        self.a.request("INVITE", self.a.describe())
        self.b.reply(self.b.expect("INVITE"), 481)
        self.a.expect(481)
        self.a.ack_refusal()
        self.a.reply(self.a.expect("BYE"), 200)
        self.assertEqual(self.ended()["reasons"], ["dialog_gone"])

    def test_update(self):
        self.establish()
        self.both_ways()
        self.b.request("UPDATE", self.b.describe(directions=["sendonly"]))
        update = self.a.expect("UPDATE")
        self.a.reply(update, 200, self.a.describe(directions=["recvonly"]))
        self.assertIn(b"a=recvonly", self.b.expect(200).body)
        self.crosses(self.b.ends[0], self.a.ends[0])
        self.a.request("UPDATE")
        update = self.b.expect("UPDATE")
        self.assertEqual(update.body, b"")
        self.b.reply(update, 200)
        self.a.expect(200)
        self.check_end(self.hang_up())

    def test_info(self):
        self.establish()
        body = b"Signal=5\r\nDuration=160\r\n"
        self.a.request("INFO", body, content_type="application/dtmf-relay")
        info = self.b.expect("INFO")
        self.assertEqual((info.body, info.get("Content-Type")), (body, "application/dtmf-relay"))
        self.b.reply(info, 200)
        self.a.expect(200)
        self.b.request("INFO", b"<x/>", content_type="application/x-unknown+xml")
        info = self.a.expect("INFO")
        self.assertEqual((info.body, info.get("Content-Type")), (b"", None))
        self.a.reply(info, 200)
        self.b.expect(200)
        self.b.request("INFO", b"key inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", content_type="text/plain")
        self.assertIn("key_in_odd_body", self.b.expect(488).get("Warning"))
        self.both_ways()
        self.check_end(self.hang_up(), marks=["body_dropped"])


if __name__ == "__main__":
    h.main()
