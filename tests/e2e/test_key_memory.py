# SPDX-License-Identifier: Apache-2.0
"""What gatehouse remembers of keys: exposed, echoed, used again, come back."""
import select

import harness as h
import rtp
from pki import Pki
from rtp import CM, GCM
from session_case import SessionCase, Ua


class KeyMemory(SessionCase):
    hosts = ["127.{}.{}.{}".format(*h.lab_number(), n) for n in (8, 9)]
    options = {"extra_trunks": "  STRICT: {security_profile: encrypted, listener: core, peer_names: [STRICT], key_reuse: refuse, "
                               f"srtp: required, destinations: ['{hosts[0]}:5061', '{hosts[1]}:5061']}}\n",
               "extra_routes": '  - {pattern: "7777", trunks: [STRICT]}\n'}

    @classmethod
    def prepare(cls):
        Pki(cls.lab).leaf("STRICT", "STRICT", "DNS:STRICT")

    def expose(self, *keys):
        """Somebody without TLS has these keys: an INVITE that is refused."""
        peer = h.tcp_connect(self.lab)
        self.addCleanup(peer.close)
        dialog = h.Dialog(self.lab, peer, host=self.lab.lab_host, transport="TCP")
        dialog.invite(h.sdp(self.lab.lab_host, crypto=[f"{i + 1} {suite} inline:{h.base64_text(key)}"
                                                       for i, (suite, key) in enumerate(keys)]))
        self.assertIn("key_over_clear_signalling", peer.expect(488).get("Warning"))
        dialog.ack_refusal()

    def refused(self, reason, code=488):
        """a is told so, and nothing came to b."""
        refusal = self.a.expect(code)
        self.assertIn(reason, refusal.get("Warning"))
        self.a.ack_refusal()

    def answer(self, request, suite=CM, key=None):
        lines = self.b.open(suite=suite).take(request.body)
        if key:
            self.b.ends[0].key = key
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))

    def up(self):
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")

    def several(self, keys):
        """a's description with these keys in its line."""
        end, = self.a.ends
        end.key = keys[0]
        end.behind_key = "|1:1" + "".join(f";inline:{h.base64_text(key)}|{i}:1" for i, key in enumerate(keys[1:], 2))
        return self.a.describe()

    # ---- exposed ----

    def test_exposed_before(self):
        self.a.open()
        self.expose((CM, self.a.ends[0].key))
        self.a.invite(self.a.describe())
        self.refused("key_exposed")
        self.lab.wait_record("policy.refuse", reason="key_exposed", trunk="CUCMA")  # repeats fold

    def test_exposed_in_what_is_no_message(self):
        """It ends before any call hears of it: broken, or its keys hidden behind quoted pairs of a name."""
        for what, headers in (("broken", "Max-Forwards: many\n"), ("quoted", 'Subject: "a=cryp\\to:1 x in\\line:{}"\n')):
            with self.subTest(what):
                self.a.open()
                peer = h.tcp_connect(self.lab)
                self.addCleanup(peer.close)
                key = h.base64_text(self.a.ends[0].key)
                text = h.sdp(self.lab.lab_host, crypto=[f"1 {CM} inline:{key}"]) if what == "broken" else b""
                peer.send(f"""INVITE sip:1@{self.lab.host} SIP/2.0
Via: SIP/2.0/TCP {self.lab.lab_host}:5060;branch=z9hG4bK{h.token()}
From: <sip:1@{self.lab.lab_host}>;tag=1
To: <sip:2@{self.lab.host}>
Call-ID: {h.token()}
CSeq: 1 INVITE
Contact: <sip:1@{self.lab.lab_host}>
{headers.format(key)}{"Max-Forwards: 70" if what == "quoted" else "Content-Type: application/sdp"}
""", text)
                self.assertEqual(peer.receive().status, 400 if what == "broken" else 488)
                self.a.invite(self.a.describe())
                self.refused("key_exposed")
                self.again()

    def test_exposed_among_others(self):
        """One line of several is enough: nobody knows which one is taken."""
        self.a.open()
        second = h.base64_key()
        self.expose((CM, h.fresh_key(self.a.ends[0].key)), (CM, self.a.ends[0].key))
        offer = self.a.describe().replace(b"a=crypto:1 ", f"a=crypto:7 {CM} inline:{second}\r\na=crypto:1 ".encode())
        self.a.invite(offer)
        self.refused("key_exposed")

    def test_exposed_beside_another_in_one_line(self):
        """The second key of a line, before the call, and while it is up."""
        self.a.open()
        second = h.fresh_key(self.a.ends[0].key)
        self.expose((CM, second))
        self.a.invite(self.several([self.a.ends[0].key, second]))
        self.refused("key_exposed")
        self.again()
        self.a.open()
        second = h.fresh_key(self.a.ends[0].key)
        self.answer(self.invited(self.several([self.a.ends[0].key, second])))
        self.up()
        a, b = self.a.ends[0], self.b.ends[0]
        self.crosses(b, a)
        packet = a.next_rtp()
        a.send(a.name(a.protect(packet), b"\1"))
        self.assertEqual(b.unprotect(b.receive())[12:], packet[12:])
        self.graded("hop_by_hop", "hop_by_hop")
        self.expose((CM, second))
        self.graded("mixed", "mixed")
        self.check_end(self.hang_up(), grade="mixed", marks=["key_exposed"])

    def test_exposed_in_an_answer(self):
        request = self.invited(self.a.open().describe())
        key = self.b.open().ends[0].key
        self.expose((CM, key))
        self.answer(request, key=key)
        self.refused("key_exposed")
        self.b.expect("ACK")
        bye = self.b.expect("BYE")
        self.assertIn("key_exposed", bye.get("Reason"))
        self.b.reply(bye, 200)
        self.check_end(self.ended(), status="Unknown", grade="none", reasons=["key_exposed"])

    def exposed_while_up(self, *keys):
        self.graded("hop_by_hop", "hop_by_hop")
        self.expose(*keys)
        self.graded("mixed", "mixed")
        self.both_ways()
        record = self.hang_up()
        self.check_end(record, grade="mixed", marks=["key_exposed"])
        # For all of the time in which it was in force: who knows since when they have it.
        self.assertEqual([interval[2] for interval in record["intervals"]], ["mixed"])

    def test_key_of_the_caller_while_up(self):
        self.establish()
        self.both_ways()
        self.exposed_while_up((CM, self.a.ends[0].key))

    def test_key_of_the_called_side_while_up(self):
        self.establish()
        self.both_ways()
        self.exposed_while_up((CM, self.b.ends[0].key))

    def test_our_own_key_while_up(self):
        """In a bridge: what we draw is as secret as what we are told."""
        request = self.invited(self.a.open().describe())
        self.answer(request, suite=GCM)
        self.up()
        self.both_ways()
        self.exposed_while_up((GCM, self.b.ends[0].far_key))

    def rekey(self, a, b):
        """A re-INVITE of a with fresh keys of those who are named; which of ours did b get before and after?"""
        before = self.b.ends[0].far_key
        for ua in [self.a] * a + [self.b] * b:
            ua.ends[0].key = h.fresh_key(ua.ends[0].key)
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        lines = self.b.take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        self.up()
        self.both_ways()
        return before, self.b.ends[0].far_key

    def test_exposed_and_replaced(self):
        """New keys end it; what was before stays mixed."""
        self.establish()
        self.both_ways()
        self.expose((CM, self.a.ends[0].key))
        self.rekey(True, True)
        record = self.hang_up()
        self.check_end(record, grade="mixed", marks=["key_exposed"])
        self.assertEqual([interval[2] for interval in record["intervals"]], ["mixed", "hop_by_hop"])

    def test_an_exposed_key_of_ours_is_not_used_again(self):
        """The neighbours keep theirs or not: what we drew and somebody saw is replaced at the first chance."""
        self.answer(self.invited(self.a.open().describe()), suite=GCM)
        self.up()
        self.both_ways()
        self.expose((GCM, self.b.ends[0].far_key))
        before, after = self.rekey(True, True)
        self.assertNotEqual(before, after)
        before, again = self.rekey(False, False)
        self.assertEqual(again, after)  # this one nobody saw
        record = self.hang_up()
        self.check_end(record, grade="mixed", marks=["key_exposed"])
        self.assertEqual([interval[2] for interval in record["intervals"]], ["mixed", "hop_by_hop"])

    def test_an_exposed_key_cannot_be_kept(self):
        """A change that repeats it is refused; the call goes on as it is."""
        self.establish()
        self.both_ways()
        self.expose((CM, self.a.ends[0].key))
        self.a.request("INVITE", self.a.describe())
        self.refused("key_exposed")
        self.both_ways()
        self.check_end(self.hang_up(), grade="mixed", marks=["key_exposed"])

    def test_exposed_while_it_rings(self):
        """Between offer and answer: the call may be, and the record says what it is worth."""
        for key, suite in ((lambda: self.a.ends[0].key, CM), (lambda: self.b.ends[0].far_key, GCM)):
            with self.subTest(suite=suite):
                request = self.invited(self.a.open().describe())
                self.b.open(suite=suite).take(request.body)
                self.expose((suite, key()))
                self.answer(request, suite=suite)
                self.up()
                self.both_ways()
                self.check_end(self.hang_up(), grade="mixed", marks=["key_exposed"])
                self.again()

    # ---- echoed ----

    def echoed(self, key, suite=CM):
        request = self.invited(self.a.open().describe())
        self.answer(request, suite=suite, key=key(request))
        self.refused("key_echoed")
        self.b.expect("ACK")
        self.b.reply(self.b.expect("BYE"), 200)
        self.check_end(self.ended(), status="Unknown", grade="none", reasons=["key_echoed"])

    def test_key_of_the_caller_in_the_answer(self):
        self.echoed(lambda request: self.a.ends[0].key)

    def test_our_own_key_in_the_answer(self):
        def ours(request):
            self.b.open(suite=GCM).take(request.body)
            return self.b.ends[0].far_key
        self.echoed(ours, GCM)

    def test_key_of_another_line_in_the_answer(self):
        """Our GCM key cut to the length of another suite is another key; a's second line is not."""
        second = h.base64_key()
        offer = self.a.open().describe() + f"a=crypto:2 {CM} inline:{second}\r\n".encode()
        request = self.invited(offer)
        self.answer(request, key=h.base64.b64decode(second))
        self.refused("key_echoed")
        self.b.expect("ACK")
        self.b.reply(self.b.expect("BYE"), 200)

    def test_echo_in_a_change(self):
        """a offers the key that b declared before: the change is refused, the call goes on."""
        self.establish()
        self.both_ways()
        key = self.a.ends[0].key
        self.a.ends[0].key = self.b.ends[0].key
        self.a.request("INVITE", self.a.describe())
        self.refused("key_echoed")
        self.a.ends[0].key = key
        self.both_ways()
        self.check_end(self.hang_up())

    # ---- used again ----

    def test_on_two_lines(self):
        self.a.open(2)
        self.a.ends[1].key = self.a.ends[0].key
        kinds = ["audio", "video"]
        request = self.invited(self.a.describe(kinds=kinds))
        lines = self.b.open(2).take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines), kinds=kinds))
        self.up()
        self.both_ways()
        self.check_end(self.hang_up(), marks=["key_reused"])

    def test_in_another_call(self):
        self.establish()
        self.both_ways()
        key = self.a.ends[0].key
        self.check_end(self.hang_up())
        self.again()
        self.a.open()
        self.a.ends[0].key = key
        self.answer(self.invited(self.a.describe()))
        self.up()
        self.both_ways()
        self.check_end(self.hang_up(), marks=["key_reused"])

    def strict(self):
        """A caller on the trunk that refuses it."""
        peer = h.tls_connect(self.lab, self.lab.cert("STRICT"))
        self.addCleanup(peer.close)
        self.a.peer = peer

    def test_on_two_lines_where_it_is_refused(self):
        self.strict()
        self.a.open(2)
        self.a.ends[1].key = self.a.ends[0].key
        kinds = ["audio", "video"]
        request = self.invited(self.a.describe(kinds=kinds))
        self.assertRegex(request.body, rb"m=video 0 ")
        self.b.open(2)
        self.b.ends[1].close()
        self.b.ends[1] = None
        lines = self.b.take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines), kinds=kinds))
        ok = self.a.expect(200)
        self.assertRegex(ok.body, rb"m=video 0 ")
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())

    def test_in_another_call_where_it_is_refused(self):
        self.strict()
        self.establish()
        self.both_ways()
        key = self.a.ends[0].key
        self.check_end(self.hang_up())
        self.again()
        self.a.open()
        self.a.ends[0].key = key
        self.a.invite(self.a.describe())
        self.refused("key_reused")

    def test_among_several_in_another_call_where_it_is_refused(self):
        """Any key of a line, then and now; also one under which nothing was sent."""
        self.strict()
        old = [rtp.draw_key(CM) for _ in range(2)]
        self.a.open()
        self.answer(self.invited(self.several(old)))
        self.up()
        self.check_end(self.hang_up(), grade="none")
        for key in old:
            for place in range(3):
                self.again()
                keys = [h.fresh_key(key) for _ in range(3)]
                keys[place] = key
                self.a.open()
                self.a.invite(self.several(keys))
                self.refused("key_reused")
            self.again()
            self.a.open()
            self.a.ends[0].key = key
            self.a.invite(self.a.describe())
            self.refused("key_reused")

    def test_the_same_invite_again(self):
        """A caller whom b refused tries again with what it offered: the same Call-ID and From tag is the same INVITE."""
        self.strict()
        offer = self.a.open().describe()
        request = self.invited(offer)
        self.b.reply(request, 486)
        self.a.expect(486)
        self.a.ack_refusal()
        self.b.expect("ACK")
        self.ended()
        self.a.remote_tag = self.b.remote_tag = self.b.call_id = None
        self.a.target = f"sip:9898@{self.lab.host}:5061"
        self.a.request("INVITE", offer)
        self.answer(self.b.expect("INVITE"))
        self.up()
        self.both_ways()
        count = len(self.lab.records("call.end"))
        self.hang_up()
        self.check_end(self.lab.wait_record("call.end", count + 1))

    def test_the_next_destination(self):
        """It gets keys of ours alone, and a's is not used again by that."""
        servers = [h.Server(self.lab, "STRICT", host=host) for host in self.hosts]
        for server in servers:
            self.addCleanup(server.close)
        self.a.invite(self.a.open().describe(), number="7777")
        first = servers[0].accept()
        self.addCleanup(first.close)
        request = first.expect("INVITE")
        self.assertIn(h.base64_text(self.a.ends[0].key).encode(), request.body)
        h.reply(first, request, 503, "Busy", tag="x")
        first.expect("ACK")
        self.b.peer = servers[1].accept()
        self.addCleanup(self.b.peer.close)
        request = self.b.expect("INVITE")
        self.assertNotIn(h.base64_text(self.a.ends[0].key).encode(), request.body)
        self.answer(request)
        self.up()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["bridge", "bridge"])
        self.assertEqual(record["key_holders"], ["CUCMA", "border1.example.net", "STRICT"])

    # ---- come back ----

    def test_hairpin(self):
        """CUCM10 sends the call back to CUCMA with the key that it got: two calls of ours, one line."""
        request = self.invited(self.a.open().describe())
        self.a.peer.expect(100)
        c = self.ua("CUCM10", self.lab.b_host, "9898")
        d = Ua(self, None, self.lab.a_host, "1018")
        offered = self.a.ends[0].key
        c.open().ends[0].key = offered
        c.invite(c.describe(), number="1018")
        d.peer = self.caller_side()
        second = d.expect("INVITE")
        lines = d.open().take(second.body)
        self.assertEqual(lines[0][3][0][2], h.base64_text(offered))
        d.reply(second, 200, d.describe(tags=d.tags(lines)))
        answer = c.expect(200)
        c.take(answer.body)
        c.ack()
        d.expect("ACK")
        # CUCM10 answers the first call with what it got for the second: d's key goes all the way.
        lines = self.b.open().take(request.body)
        self.b.ends[0].key = d.ends[0].key
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        self.up()
        for _ in range(3):  # a -> b = c -> d: what CUCM10 gets it sends on as it is
            sealed = self.a.ends[0].protect(self.a.ends[0].next_rtp())
            self.a.ends[0].send(sealed)
            self.assertEqual(self.b.ends[0].receive(), sealed)
            c.ends[0].send(sealed)
            self.assertEqual(d.ends[0].receive(), sealed)
            back = d.ends[0].protect(d.ends[0].next_rtp())
            d.ends[0].send(back)
            self.assertEqual(c.ends[0].receive(), back)
            self.b.ends[0].send(back)
            self.assertEqual(self.a.ends[0].receive(), back)
        d.request("BYE")
        c.reply(c.expect("BYE"), 200)
        d.expect(200)
        first, last = self.hang_up(), self.lab.call_end(c.call_id)
        self.check_end(first, marks=["hairpin"])
        self.check_end(last, marks=["hairpin"], reasons=["called_hung_up"])
        self.assertEqual((first["linked"], last["linked"]), (last["call"], first["call"]))
        for record in (first, last):
            self.assertEqual(self.paths(record), ["pass", "pass"])

    def ua(self, cert, host, name):
        peer = h.tls_connect(self.lab, self.lab.cert(cert), host)
        self.addCleanup(peer.close)
        ua = Ua(self, peer, host, name)
        self.addCleanup(ua.close)
        return ua

    def caller_side(self):
        """Where CUCMA is called: on its own connection, or on a new one."""
        server = h.Server(self.lab, "CUCMA", host=self.lab.a_host)
        self.addCleanup(server.close)
        ready, _, _ = select.select([server.sock, self.a.peer.sock], [], [], h.LIMIT_S)
        return server.accept() if server.sock in ready else self.a.peer


if __name__ == "__main__":
    h.main()
