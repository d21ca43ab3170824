# SPDX-License-Identifier: Apache-2.0
"""Re-INVITEs of our own: a new status for who knows no UPDATE, and what their answers change for the other side."""
import base64
import re
import time
import unittest

import harness as h
import rtp
from media_case import media_lines
from own_case import OwnCase
from session_case import security

CALL_INFO = "Call-Info: <urn:x-cisco-remotecc:callinfo>; security= {}\n"


def version(body):
    return int(re.search(rb"(?m)^o=\S+ \d+ (\d+)", body).group(1))


def without_keys(body):
    return re.sub(rb"(?m)^(o=.*|a=crypto:.*)\r\n", b"", body)


class Status(OwnCase):
    """Nobody here knows UPDATE."""

    options = {"status": "reinvite"}

    def info(self, status):
        """a says that its side is worth no more."""
        self.a.request("INFO", extra=CALL_INFO.format(status))
        self.b.reply(self.b.expect("INFO"), 200)
        self.a.expect(200)

    def up(self):
        """@return what b was offered, and the re-INVITE that tells it the status"""
        request = self.invited(self.a.open().describe())
        self.b.open()
        self.accepted(request)
        return request, self.asked(self.b, "status")

    def told(self):
        request, asked = self.up()
        self.answer(self.b, asked)
        return request, asked

    def test_what_was_said_is_said_again(self):
        """One line of keys is left, that in force; and once that is so, octet for octet the same."""
        request, first = self.told()
        self.assertEqual(security(first), "Encrypted")
        self.assertEqual(without_keys(first.body), without_keys(request.body))
        self.assertEqual(version(first.body), version(request.body) + 1)
        self.assertIn(base64.b64encode(self.a.ends[0].key), first.body)
        self.both_ways()
        self.info("Authenticated")
        self.answer(self.a, self.asked(self.a, "status"))
        second = self.asked(self.b, "status")
        self.assertEqual((security(second), second.body), ("Authenticated", first.body))
        self.assertNotIn(self.lab.a_host, str(second.headers))
        self.answer(self.b, second)
        self.both_ways()
        self.assertEqual(self.records("call.rekey"), [])
        record = self.hang_up()
        self.check_end(record, status="Authenticated", marks=["claim_lowered"])
        self.assertEqual(self.paths(record), ["pass", "pass"])

    def test_the_caller_of_a_delayed_offer(self):
        """What it heard last was an offer of ours, with the keys of b."""
        request = self.invited()
        self.b.open().reply(request, 200, self.b.describe())
        ok = self.a.expect(200)
        lines = self.a.open().take(ok.body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        asked = self.asked(self.a, "status")
        self.assertEqual(security(asked), "Encrypted")
        self.answer(self.a, asked)
        asked = self.asked(self.b, "status")
        self.assertEqual(security(asked), "Encrypted")
        self.answer(self.b, asked)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_again_after_491(self):
        """The Call-ID of that leg is ours: 2.1 s at least."""
        _, asked = self.up()
        before = time.monotonic()
        self.refuse(self.b, asked, 491)
        again = self.asked(self.b, "status")
        self.assertGreater(time.monotonic() - before, 2.0)
        self.assertGreater(version(again.body), version(asked.body))
        self.answer(self.b, again)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_again_when_it_says(self):
        """RFC 3261 section 20.33: also where a refusal without Retry-After would be the last word."""
        _, asked = self.up()
        for status, said, again_s in ((500, "2 (busy)", 2), (480, "3;duration=60", 3)):
            before = time.monotonic()
            self.refuse(self.b, asked, status, f"Retry-After: {said}\n")
            self.failed("status", status, 1000 * again_s)
            asked = self.asked(self.b, "status")
            self.assertGreater(time.monotonic() - before, again_s - 0.1)
        self.answer(self.b, asked)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_how_long_it_may_say(self):
        """Not at once, not for ever, not before the two ends of a glare are apart."""
        for status, said, again_ms in ((503, "0", 1000), (500, "4294967295", 300000), (503, "soon", 10000),
                                       (500, "4294967296", 10000), (491, "20", 20000), (491, "1", r"[234]\d\d\d")):
            _, asked = self.up()
            self.refuse(self.b, asked, status, f"Retry-After: {said}\n")
            self.failed("status", status, again_ms)
            self.check_end(self.hang_up(), grade="none")
            self.again()

    def test_connection_lost(self):
        """Nobody knows whether b got it.  The call goes on; again when a connection is there for another reason."""
        _, asked = self.up()
        self.lose_b()
        self.failed("status", 0, 10000, "connection_lost")
        self.both_ways()
        self.a.request("INFO")
        self.accept()
        self.b.reply(self.b.expect("INFO"), 200)
        self.a.expect(200)
        again = self.asked(self.b, "status")
        self.assertGreater(version(again.body), version(asked.body))
        self.answer(self.b, again)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_answered_over_another_connection(self):
        """It was heard: within reconnect_grace it goes on where b is now."""
        _, asked = self.up()
        self.b.reply(asked, 100)
        self.lose_b()
        self.a.request("INFO")
        self.accept()
        self.b.reply(self.b.expect("INFO"), 200)
        self.a.expect(200)
        self.answer(self.b, asked)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_no_response_at_all(self):
        """RFC 3261 section 14.1: after 64*T1 as good as 408.  Media goes on until then, and both get BYE."""
        self.up()
        self.both_ways()
        self.b.peer.sock.settimeout(h.LIMIT_S + 40)
        for ua in (self.b, self.a):
            bye = ua.expect("BYE")
            self.assertIn("no_answer", bye.get("Reason"))
            ua.reply(bye, 200)
        self.failed("status", 0, 10000, "no_answer")
        self.check_end(self.ended(), reasons=["no_answer"])

    def test_not_again_after_488(self):
        _, asked = self.up()
        self.refuse(self.b, asked, 488)
        self.assertIn("status_updates: update", self.lab.log.wait(r"reinvite.fail .*sip=488"))
        self.info("Authenticated")
        self.answer(self.a, self.asked(self.a, "status"))
        self.assertTrue(self.b.peer.silent(3))
        self.both_ways()
        self.check_end(self.hang_up(), status="Authenticated", marks=["claim_lowered"])

    def test_no_dialog_any_more(self):
        """RFC 3261 section 14.1: 481 and 408 end it; to who answered 408 a BYE goes."""
        for status in (481, 408):
            _, asked = self.up()
            self.refuse(self.b, asked, status)
            if status == 408:
                self.b.reply(self.b.expect("BYE"), 200)
            self.a.reply(self.a.expect("BYE"), 200)
            self.check_end(self.ended(), grade="none", reasons=["dialog_gone"])
            self.again()

    def test_glare(self):
        """b asks while it is asked: 491 both ways, and b, whose Call-ID it is not, comes first."""
        _, asked = self.up()
        self.b.request("INVITE", self.b.describe())
        self.assertIn("glare", self.b.expect(491).get("Warning"))
        self.b.ack_refusal()
        self.b.reply(asked, 491)
        self.b.request("INVITE", self.b.describe())
        self.b.expect("ACK")
        request = self.a.expect("INVITE")
        lines = self.a.take(request.body)
        self.a.reply(request, 200, self.a.describe(tags=self.a.tags(lines)))
        ok = self.b.expect(200)
        self.assertEqual(security(ok), "Encrypted")  # ours need not come again
        self.b.take(ok.body)
        self.b.ack()
        self.a.expect("ACK")
        self.soon_both_ways()
        self.check_end(self.hang_up())

    def test_the_other_side_asks_meanwhile(self):
        _, asked = self.up()
        self.a.request("INVITE", self.a.describe())
        self.assertIn("glare", self.a.expect(491).get("Warning"))
        self.a.ack_refusal()
        self.answer(self.b, asked)
        self.reinvite()
        self.both_ways()
        self.check_end(self.hang_up())

    def test_bye_meanwhile(self):
        _, asked = self.up()
        self.b.reply(asked, 100)
        self.a.request("BYE")
        cancel = self.b.expect("CANCEL")
        self.b.reply(cancel, 200)
        self.refuse_cancelled(asked)
        self.a.expect(200)
        self.check_end(self.ended(), grade="none")

    def test_2xx_after_the_end(self):
        """RFC 3261 section 13.2.2.4: ACK, each time that it comes; while BYE waits for its 200, and long after."""
        for late in (False, True):
            _, asked = self.up()
            body = self.b.describe(tags=self.b.tags(self.b.take(asked.body)))
            self.a.request("BYE")
            bye = self.b.expect("BYE")
            if late:
                self.b.reply(bye, 200)
                self.a.expect(200)
                self.ended()
            acks = []
            for _ in range(2):
                self.b.reply(asked, 200, body)
                acks.append(self.b.expect("ACK"))
            self.assertEqual((acks[0].body, acks[0].get("CSeq")), (b"", asked.get("CSeq").replace("INVITE", "ACK")))
            self.assertNotEqual(acks[0].get("Via"), asked.get("Via"))
            self.assertEqual(acks[0].headers, acks[1].headers)
            if not late:
                self.b.reply(bye, 200)
                self.a.expect(200)
            self.check_end(self.ended(), grade="none")
            self.again()

    def refuse_cancelled(self, asked):
        """487 for the INVITE; BYE comes before its ACK, or after it."""
        self.b.reply(asked, 487)
        got = [self.b.receive("BYE and ACK") for _ in range(2)]
        self.assertEqual({msg.method for msg in got}, {"BYE", "ACK"})
        for msg in got:
            if msg.method == "BYE":
                self.b.reply(msg, 200)

    def test_who_never_answers(self):
        """CANCEL after 32 s; what was not changed goes on."""
        _, asked = self.up()
        self.b.reply(asked, 100)
        self.b.peer.sock.settimeout(h.LIMIT_S + 40)
        self.b.reply(self.b.expect("CANCEL"), 200)
        self.refuse(self.b, asked, 487)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_answers_that_end_the_call(self):
        """By the same policy as every answer: ACK, and BYE to both."""
        def clear(asked):
            self.b.ends[0].suite = None
            return self.b.describe(protos=["RTP/AVP"])

        def echo(asked):
            self.b.ends[0].key = self.a.ends[0].key
            return self.b.describe(tags=self.b.tags(self.b.take(asked.body)))

        cases = {"bad_sdp": lambda asked: b"", "crypto_answer_bad": lambda asked: self.b.describe(tags=[77]).replace(b"_80", b"_32"),
                 "key_echoed": echo, "profile_mismatch": clear}
        for reason, body in cases.items():
            _, asked = self.up()
            self.b.reply(asked, 200, body(asked))
            self.b.expect("ACK")
            for ua in (self.a, self.b):
                bye = ua.expect("BYE")
                self.assertIn(reason, bye.get("Reason"))
                ua.reply(bye, 200)
            self.assertEqual(self.ended()["reasons"], [reason])
            self.again()

    def test_keys_in_the_answer_are_told_to_the_other_side(self):
        """b has another key: a, that knows the old one, gets one of ours, and b's path becomes a bridge."""
        _, asked = self.up()
        old = self.b.ends[0].key
        self.fresh(self.b)
        self.answer(self.b, asked)
        asked = self.asked(self.a, "far_key")
        offered = self.key_in(asked)
        self.assertNotIn(offered, (old, self.b.ends[0].key, self.a.ends[0].key))
        self.answer(self.a, asked)
        self.soon_both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["pass", "bridge"])
        first, second = self.records("call.rekey")
        self.assertEqual(self.paths(first), ["pass", "bridge"])
        self.assertEqual(self.paths(second), ["pass", "bridge"])

    def two_lines(self):
        """Audio and video are up.  @return the re-INVITE that tells b the status"""
        request = self.invited(self.a.open(2).describe(kinds=["audio", "video"]))
        self.b.open(2)
        self.accepted(request, kinds=["audio", "video"])
        asked = self.asked(self.b, "status")
        for index in range(2):
            self.both_ways(index)
        return asked

    def turn_off_video(self, who, asked):
        who.ends[1].close()
        who.ends[1] = None
        self.answer(who, asked, kinds=["audio", "video"])

    def test_a_line_that_the_answer_turns_off(self):
        """RFC 3264 section 8.2.  Its media ends with the answer, and a is told; audio goes on."""
        self.turn_off_video(self.b, self.two_lines())
        self.assertIn("stream=1", self.lab.log.wait("reinvite.refused_line .*side=b"))
        self.refuse(self.a, self.a.expect("INVITE"), 491)  # that is not the last word, and no mark
        asked = self.a.expect("INVITE")
        self.lab.log.wait(" reinvite +call=.* side=a why=far_line", 2)
        audio, video = media_lines(asked.body)
        self.assertEqual((bool(audio[1]), len(audio[3]), video[1], video[3]), (True, 1, 0, []))
        self.turn_off_video(self.a, asked)
        self.both_ways()
        self.assertTrue(self.a.peer.silent() and self.b.peer.silent())
        rekey, = self.records("call.rekey")
        for leg in rekey["legs"]:
            self.assertEqual([stream.get("live", True) for stream in leg["streams"]], [True, False])
        self.check_end(self.hang_up())

    def test_who_does_not_hear_of_a_line_turned_off(self):
        """Nothing of what it still sends goes on: said in log and record."""
        self.turn_off_video(self.b, self.two_lines())
        asked = self.a.expect("INVITE")
        self.refuse(self.a, asked, 488)
        self.failed("far_line", 488, 60000)
        self.a.ends[1].send(self.a.ends[1].protect(self.a.ends[1].next_rtp()))
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, marks=["line_not_told"])
        from_a, to_b = (leg["streams"][1] for leg in record["legs"])
        self.assertEqual((from_a["rx"]["packets"], from_a["rx"]["authenticated"], to_b["tx"]), (4, 3, 3))

    def test_both_have_another_key_each_time(self):
        """That comes to an end: what we drew need not be told to anybody else."""
        _, asked = self.up()
        for who, then in ((self.b, self.a), (self.a, self.b), (self.b, None)):
            self.fresh(who)
            self.answer(who, asked)
            asked = then and self.asked(then, "far_key")
        self.soon_both_ways()
        self.assertTrue(self.a.peer.silent() and self.b.peer.silent())
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["bridge", "bridge"])

    def test_who_does_not_take_the_new_key(self):
        """The call stays up, one way: said in log and record; the keys in force go on."""
        _, asked = self.up()
        self.fresh(self.b)
        self.answer(self.b, asked)
        self.refuse(self.a, self.asked(self.a, "far_key"), 488)
        self.assertIn("is lost until it takes a re-INVITE", self.lab.log.wait(r"reinvite.fail .*why=far_key sip=488"))
        self.first_through(self.a.ends[0], self.b.ends[0])
        packet = self.b.ends[0].next_rtp()
        self.b.ends[0].send(self.b.ends[0].protect(packet))
        rtp.await_read(self.b.ends[0].remote[1])
        # Any exchange that crosses mends it.
        self.reinvite(self.b)
        self.soon_both_ways()
        record = self.hang_up()
        self.check_end(record, marks=["key_not_told"])
        self.assertEqual(self.paths(record), ["pass", "pass"])


class Libre(unittest.TestCase):
    def test_a_phone_without_update(self):
        """libre's Allow has no UPDATE: it answers our re-INVITE, and no packet is lost."""
        with h.Lab(status="reinvite") as lab:
            callee, caller = lab.callee(), lab.caller("--seconds", "3")
            lab.log.wait(r"reinvite.done .*side=b why=status")
            a = caller.report()
            end = lab.wait_record("call.end")
            b = callee.end()
        self.assertEqual((a["received"], b["received"], b["auth_failed"]), (b["sent"], a["sent"], 0))
        self.assertEqual((end["status"], end["grade"]), ("Encrypted", "hop_by_hop"))


if __name__ == "__main__":
    h.main()
