# SPDX-License-Identifier: Apache-2.0
"""What a call is worth over time: proof, inheritance, claims; the status on the wire and the grade of the record."""
import harness as h
from rtp import CM, GCM
from session_case import SessionCase, security

CALL_INFO = "Call-Info: <urn:x-cisco-remotecc:callinfo>; security= {}\n"


class GradeCase(SessionCase):
    def call(self, directions=None, claims=(None, None), kinds=None, suites=(CM, CM)):
        """Up, without a packet.  @claims  of a in the INVITE, of b in the 200"""
        count = len(kinds or ["audio"])
        extra = [CALL_INFO.format(claim) if claim else "" for claim in claims]
        request = self.invited(self.a.open(count, suites[0]).describe(kinds=kinds, directions=directions), extra[0])
        lines = self.b.open(count, suites[1]).take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines), kinds=kinds), extra=extra[1])
        ok = self.a.expect(200)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        return request, ok

    def change(self, who=None, claims=(None, None), answers=None, extra="", **kwargs):
        """A re-INVITE of @who, whose claim is the first; the other's is the second."""
        who = who or self.a
        other = self.b if who is self.a else self.a
        who.request("INVITE", who.describe(**kwargs), CALL_INFO.format(claims[0]) if claims[0] else "")
        request = other.expect("INVITE")
        lines = other.take(request.body)
        other.reply(request, 200, other.describe(tags=other.tags(lines), **(answers or {})),
                    extra=(CALL_INFO.format(claims[1]) if claims[1] else "") + extra)
        ok = who.expect(200)
        who.take(ok.body)
        who.ack()
        other.expect("ACK")
        return request, ok

    def fresh(self, *uas):
        for ua in uas:
            for end in ua.ends:
                end.key = h.fresh_key(end.key)

    def grades(self, record):
        return [interval[2] for interval in record["intervals"]]

    def sends(self, source, target, count=3):
        for _ in range(count):
            self.crosses(source.ends[0], target.ends[0])


class Proof(GradeCase):
    def test_pending_until_both_have_shown_srtp(self):
        self.call()
        self.sends(self.a, self.b)
        self.graded("pending", "pending")
        self.sends(self.b, self.a)
        self.graded("hop_by_hop", "hop_by_hop")
        self.check_end(self.hang_up())

    def test_no_packet_at_all(self):
        self.call()
        record = self.hang_up()
        self.check_end(record, grade="none")
        self.assertEqual(self.grades(record), ["none"])

    def test_a_side_that_is_silent(self):
        """It might have sent, and never did: nobody knows whom a talked to."""
        self.call()
        self.sends(self.a, self.b)
        record = self.hang_up()
        self.check_end(record, grade="mixed", marks=["unproven"])
        self.assertEqual(self.grades(record), ["mixed"])

    def test_forged_packets_prove_nothing(self):
        self.call()
        self.sends(self.a, self.b)
        end = self.b.ends[0]
        end.send(end.next_rtp(bytes(range(170))))
        end.key, true = h.fresh_key(end.key), end.key
        end.send(end.protect(end.next_rtp()))
        end.key = true
        self.sends(self.a, self.b)
        self.check_end(self.hang_up(), grade="mixed", marks=["unproven", "auth_failed"])

    def test_srtcp_proves(self):
        self.call()
        self.sends(self.a, self.b)
        end = self.b.ends[0]
        report = end.next_rtcp()
        end.send_rtcp(end.protect_rtcp(report))
        self.assertEqual(self.a.ends[0].unprotect_rtcp(self.a.ends[0].receive_rtcp()), report)
        self.check_end(self.hang_up())

    def test_a_new_key_must_be_proven(self):
        """b re-keys and is silent: the time of that key is not what the time before was."""
        self.call()
        self.both_ways()
        self.fresh(self.a, self.b)
        self.change()
        self.sends(self.a, self.b)
        record = self.hang_up()
        self.check_end(record, grade="mixed", marks=["unproven"])
        self.assertEqual(self.grades(record), ["hop_by_hop", "mixed"])

    def test_a_key_without_packets_is_not_graded(self):
        self.call()
        self.both_ways()
        self.fresh(self.a, self.b)
        self.change()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.grades(record), ["hop_by_hop", "none"])

    def test_hold_inherits(self):
        """b may not send under its new key: it is the one that was proven."""
        self.call()
        self.both_ways()
        self.fresh(self.a, self.b)
        self.change(directions=["sendonly"], answers={"directions": ["recvonly"]})
        self.sends(self.a, self.b)
        record = self.hang_up()
        self.check_end(record, marks=["inherited"])
        self.assertEqual(self.grades(record), ["hop_by_hop"])

    def test_nothing_to_inherit(self):
        """A side that never might send has shown nothing."""
        self.call(directions=["sendonly"])
        self.sends(self.a, self.b)
        self.check_end(self.hang_up(), grade="mixed", marks=["unproven"])

    def test_a_stream_that_joins(self):
        """While one of two streams is unproven, the call is."""
        self.call(kinds=["audio", "video"])
        for index in (0, 1):
            self.crosses(self.a.ends[index], self.b.ends[index])
        self.crosses(self.b.ends[0], self.a.ends[0])
        self.check_end(self.hang_up(), grade="mixed", marks=["unproven"])

    def test_rekey_is_recorded(self):
        self.call(suites=(CM, GCM))
        self.both_ways()
        self.fresh(self.a)
        self.change()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.grades(record), ["hop_by_hop"])
        rekey, = self.records("call.rekey")
        before = self.records("call.leg")[-1]["streams"][0]
        a, b = (leg["streams"][0] for leg in rekey["legs"])
        self.assertEqual((a["suite"], b["suite"]), (CM, GCM))
        self.assertEqual((b["rx_key"], b["tx_key"]), (before["rx_key"], before["tx_key"]))
        end = record["legs"][0]["streams"][0]
        self.assertEqual((a["rx_key"], a["tx_key"]), (end["rx_key"], end["tx_key"]))
        self.assertNotIn(h.base64_text(self.a.ends[0].key), str(self.lab.records()))

    def test_only_plain_packets(self):
        """5 s after the answer the status falls, and the records say why."""
        self.call()
        self.sends(self.a, self.b)
        for _ in range(3):
            self.b.ends[0].send(self.b.ends[0].next_rtp())
        self.lab.log.wait(r"call=.* side=b unproven=1 status=Authenticated")
        self.sends(self.a, self.b)
        record = self.hang_up()
        self.check_end(record, status="Authenticated", grade="mixed", marks=["unproven", "plain_on_srtp"])
        self.assertTrue(self.a.ends[0].is_silent())

    def test_plain_packets_and_then_srtp(self):
        self.call()
        self.b.ends[0].send(self.b.ends[0].next_rtp())
        self.both_ways()
        self.check_end(self.hang_up(), marks=["plain_on_srtp"])


class Clear(GradeCase):
    options = {"trunk_options": {"CUCM10": "srtp: allowed"}}

    def test_a_side_without_srtp(self):
        self.call(suites=(CM, None))
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, status="Authenticated", grade="mixed", marks=["srtp_fallback"])

    def test_neither_side(self):
        self.call(suites=(None, None))
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, status="Authenticated", grade="clear", marks=["media_clear", "srtp_fallback"])
        self.assertEqual(self.paths(record), ["clear", "clear"])

    def test_clear_becomes_srtp(self):
        """Both sides find keys in a re-INVITE: from then on the call is secure, and the record tells the two apart."""
        self.call(suites=(None, None))
        self.both_ways()
        old = self.a.ends + self.b.ends
        self.a.open()
        self.b.open()
        self.change()
        self.both_ways()
        for end in old:
            end.close()
        record = self.hang_up()
        self.check_end(record, status="Encrypted", grade="clear", marks=["media_clear", "srtp_fallback"])
        self.assertEqual(self.grades(record), ["clear", "hop_by_hop"])

    def test_a_stream_that_is_clear(self):
        """Audio keyed, video not: the call is what its worst stream is."""
        kinds = ["audio", "video"]
        self.a.open(2)
        clear = self.a.ends[1]
        clear.suite = None
        request = self.invited(self.a.describe(kinds=kinds))
        self.b.open(2)
        self.b.ends[1].suite = None
        lines = self.b.take(request.body)
        self.b.reply(request, 200, self.b.describe(kinds=kinds, tags=self.b.tags(lines), protos=[l[2] for l in lines]))
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.both_ways(1)
        self.check_end(self.hang_up(), status="Authenticated", grade="mixed", marks=["media_clear", "srtp_fallback"])


class Downgrade(GradeCase):
    """a's trunk may do without SRTP and says on_downgrade: mark, as is the default then."""

    def again(self, ua, suite):
        """Fresh ends: a keyed stream never becomes a plain one."""
        old = ua.ends
        self.addCleanup(lambda: [end.close() for end in old])
        ua.open(suite=suite)

    def test_a_goes_without_keys_and_comes_back(self):
        self.call()
        self.both_ways()
        self.again(self.a, None)
        _, ok = self.change()
        self.assertNotIn(b"a=crypto", ok.body)
        self.assertEqual(security(ok), "Authenticated")
        self.soon_both_ways()
        self.again(self.a, CM)
        _, ok = self.change()
        self.assertEqual(security(ok), "Encrypted")
        self.soon_both_ways()
        record = self.hang_up()
        self.check_end(record, grade="mixed", marks=["downgrade_refused", "media_clear"])
        self.assertEqual(self.grades(record), ["hop_by_hop", "mixed", "hop_by_hop"])
        self.assertEqual([r["status"] for r in self.records("call.rekey")], ["Authenticated", "Encrypted"])
        seconds = sum(record["grade_seconds"].values())
        self.assertAlmostEqual(seconds, record["intervals"][-1][1], delta=0.01)


class DowngradeRejected(GradeCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, on_downgrade: reject"}}

    def test_nothing_changes(self):
        self.call()
        self.both_ways()
        body = self.a.describe().replace(b"RTP/SAVP", b"RTP/AVP")
        self.a.request("INVITE", body[:body.index(b"a=crypto")])
        self.assertIn("downgrade_refused", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        self.both_ways()
        self.check_end(self.hang_up())


class Claims(GradeCase):
    """CUCMA and CUCM10 are not believed; only a lesser claim counts."""

    def claims(self, record):
        return [leg.get("claim") for leg in record["legs"]]

    def test_stripped_and_told_anew(self):
        """A claim is the neighbour's own: what crosses is what we say."""
        request, ok = self.call(claims=("Encrypted", "Encrypted"))
        self.assertEqual(security(ok), "Encrypted")
        self.assertNotEqual(security(request), "Encrypted")  # nobody knows yet
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.claims(record), ["Encrypted", "Encrypted"])

    def test_no_claim(self):
        self.call()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.claims(record), [None, None])

    def test_unknown_changes_nothing(self):
        self.call(claims=("Unknown", "Unknown"))
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.claims(record), ["Unknown", "Unknown"])

    def test_a_lower_claim_counts(self):
        _, ok = self.call(claims=(None, "NotAuthenticated"))
        self.assertEqual(security(ok), "NotAuthenticated")
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, status="NotAuthenticated", marks=["claim_lowered"])

    def test_a_claim_that_falls_and_rises(self):
        """b transfers behind itself, first to somebody without keys."""
        self.call(claims=(None, "Encrypted"))
        self.both_ways()
        request, _ = self.change(self.b, claims=("Authenticated", None))
        self.assertEqual(security(request), "Authenticated")
        self.both_ways()
        request, _ = self.change(self.b, claims=("Encrypted", None))
        self.assertEqual(security(request), "Encrypted")
        self.both_ways()
        self.check_end(self.hang_up())
        self.assertEqual([r["status"] for r in self.records("call.rekey")], ["Authenticated", "Encrypted"])

    def test_a_claim_in_a_request(self):
        """UPDATE without a body: only its claim."""
        self.call()
        self.both_ways()
        self.b.request("UPDATE", extra=CALL_INFO.format("Authenticated"))
        self.a.reply(self.a.expect("UPDATE"), 200)
        self.b.expect(200)
        record = self.hang_up()
        self.check_end(record, status="Authenticated", marks=["claim_lowered"])


ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE\n"


class Told(GradeCase):
    """The status, to a side that no message of the other tells it to."""

    def up(self, allow_a="", allow_b=ALLOW):
        request = self.invited(self.a.open().describe(), allow_a)
        lines = self.b.open().take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)), extra=allow_b)
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")

    def update(self, who, status, code=200):
        msg = who.expect("UPDATE")
        self.assertEqual((security(msg), msg.body), (status, b""))
        self.assertNotIn(self.lab.a_host if who is self.b else self.lab.b_host, str(msg.headers))
        who.reply(msg, code)

    def info(self, status):
        """a says that its side is worth no more."""
        self.a.request("INFO", extra=CALL_INFO.format(status))
        self.b.reply(self.b.expect("INFO"), 200)
        self.a.expect(200)

    def test_the_called_side_by_update(self):
        self.up()
        self.update(self.b, "Encrypted")
        self.info("Authenticated")
        self.update(self.b, "Authenticated")
        self.both_ways()
        self.check_end(self.hang_up(), status="Authenticated", marks=["claim_lowered"])

    def test_a_status_that_falls_is_on_record(self):
        """The grade stays what it was: the claim lowers the status alone."""
        self.up(allow_b="")
        self.both_ways()
        self.graded("hop_by_hop", "hop_by_hop")
        self.info("NotAuthenticated")
        record = self.lab.wait_record("call.grade", status="NotAuthenticated")
        self.assertEqual((record["grade"], record["call_grade"]), ("hop_by_hop", "hop_by_hop"))
        self.check_end(self.hang_up(), status="NotAuthenticated", marks=["claim_lowered"])

    def test_again_after_491(self):
        self.up()
        self.update(self.b, "Encrypted", 491)
        self.update(self.b, "Encrypted")
        self.hang_up()

    def test_never_again_after_405(self):
        self.up()
        self.update(self.b, "Encrypted", 405)
        self.info("Authenticated")
        self.assertIn("sip=405", self.lab.log.wait(r"status.untold"))
        self.check_end(self.hang_up(), status="Authenticated", grade="none", marks=["claim_lowered"])

    def test_481_ends_the_call(self):
        self.up()
        self.update(self.b, "Encrypted", 481)
        self.a.reply(self.a.expect("BYE"), 200)
        self.check_end(self.ended(), grade="none", reasons=["dialog_gone"])

    def test_the_caller_of_a_delayed_offer(self):
        """It is not known yet when the 200 leaves."""
        request = self.invited(extra=ALLOW)
        self.b.open().reply(request, 200, self.b.describe())
        ok = self.a.expect(200)
        self.assertEqual(security(ok), "Unknown")
        lines = self.a.open().take(ok.body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.update(self.a, "Encrypted")
        self.both_ways()
        self.check_end(self.hang_up())

    def test_both_when_nothing_but_plain_packets_comes(self):
        """5 s after the answer, by itself."""
        self.up(ALLOW, "")
        for _ in range(3):
            self.b.ends[0].send(self.b.ends[0].next_rtp())
        self.update(self.a, "Authenticated")
        self.assertEqual(self.lab.wait_record("call.grade", status="Authenticated")["grade"], "pending")
        self.hang_up()


class Contradicted(GradeCase):
    options = {"trunk_options": {"CUCM10": "srtp: allowed"}}

    def test_a_claim_that_is_not_so(self):
        """b answers RTP and says Encrypted."""
        _, ok = self.call(suites=(CM, None), claims=(None, "Encrypted"))
        self.assertEqual(security(ok), "Authenticated")
        self.both_ways()
        self.check_end(self.hang_up(), status="Authenticated", grade="mixed", marks=["claim_contradicted", "srtp_fallback"])


class Believed(GradeCase):
    """Both trunks have trust_claims: true.  A claim in an INVITE was made before there was a call: it does not count."""

    options = {"trunk_options": {"CUCMA": "srtp: allowed, trust_claims: true", "CUCM10": "srtp: required, trust_claims: true"}}

    def claim(self, who, status):
        """UPDATE without a body."""
        other = self.b if who is self.a else self.a
        who.request("UPDATE", extra=CALL_INFO.format(status))
        other.reply(other.expect("UPDATE"), 200)
        who.expect(200)

    def attested(self, **kwargs):
        self.call(claims=("Encrypted", "Encrypted"), **kwargs)
        self.claim(self.a, "Encrypted")
        self.both_ways()

    def test_both_claim(self):
        self.attested()
        self.graded("attested", "attested")
        record = self.hang_up()
        self.check_end(record, grade="attested")
        self.assertEqual(self.grades(record), ["attested"])
        self.assertEqual(record["attested_beyond"], ["CUCMA", "CUCM10"])

    def test_one_claims(self):
        self.call(claims=(None, "Encrypted"))
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(record["attested_beyond"], ["CUCM10"])

    def test_a_claim_before_there_was_a_call(self):
        self.call(claims=("Encrypted", "Encrypted"))
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(record["attested_beyond"], ["CUCM10"])

    def test_an_old_claim(self):
        """A key is new: what was said before it says nothing of it."""
        self.attested()
        self.fresh(self.a, self.b)
        self.change()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual((self.grades(record), record["attested_beyond"]), (["attested", "hop_by_hop"], []))

    def test_said_again(self):
        self.attested()
        self.fresh(self.a, self.b)
        self.change(claims=(None, "Encrypted"))
        self.claim(self.a, "Encrypted")
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, grade="attested")
        self.assertEqual(self.grades(record), ["attested"])

    def test_taken_back(self):
        self.attested()
        self.claim(self.b, "Authenticated")
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, status="Authenticated", marks=["claim_lowered"])
        self.assertEqual((self.grades(record), record["attested_beyond"]), (["attested", "hop_by_hop"], []))

    def test_a_claim_raises_nothing(self):
        """Unproven stays unproven, whatever the neighbours say."""
        self.call(claims=("Encrypted", "Encrypted"))
        self.claim(self.a, "Encrypted")
        self.sends(self.a, self.b)
        self.check_end(self.hang_up(), grade="mixed", marks=["unproven"])


class HalfBelieved(GradeCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed", "CUCM10": "srtp: required, trust_claims: true"}}

    def test_only_one_trunk_is_believed(self):
        self.call(claims=(None, "Encrypted"))
        self.a.request("UPDATE", extra=CALL_INFO.format("Encrypted"))
        self.b.reply(self.b.expect("UPDATE"), 200)
        self.a.expect(200)
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(record["attested_beyond"], ["CUCM10"])


if __name__ == "__main__":
    h.main()
