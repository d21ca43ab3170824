# SPDX-License-Identifier: Apache-2.0
"""What the tests of offers and answers share: both ends of a call as user agents that say what a test tells them."""
import base64
import re
import select
import unittest

import harness as h
import rtp
from media_case import media_lines
from rtp import CM

RELIABLE = "Supported: 100rel\n"
TRIES = 9  # packets, until one arrives: after 0.1 s, 0.2 s, 0.4 s...


def security(msg):
    """What a message claims; None: nothing."""
    found = re.search(r"security=\s*(\w+)", msg.get("Call-Info") or "")
    return found and found.group(1)


def description(host, ends, kinds=None, directions=None, tags=None, protos=None, version=1, more=""):
    """A session with one m-line an end; None: port 0."""
    lines = ["v=0", f"o=- 1 {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    for i, end in enumerate(ends):
        kind = kinds[i] if kinds else "audio"
        proto = protos[i] if protos else "RTP/AVP" if end and not end.suite else "RTP/SAVP"
        lines.append(f"m={kind} {end.port if end else 0} {proto} {31 if kind == 'video' else 0}")
        if end and end.suite:
            lines.append(end.crypto(tags[i] if tags and tags[i] else 1))
        if end and directions and directions[i]:
            lines.append("a=" + directions[i])
    return ("".join(line + "\r\n" for line in lines) + more).encode()


class Ua:
    """One end: its connection, its side of the dialog, the ends of its streams."""

    def __init__(self, case, peer, host, name):
        self.case, self.lab, self.peer, self.host, self.name = case, case.lab, peer, host, name
        self.cseq, self.ends, self.version = 100, [], 0
        self.local_tag, self.remote_tag, self.call_id = h.token(), None, None
        self.target, self.invite_cseq = None, None

    # ---- media ----

    def open(self, count=1, suite=CM):
        """Fresh ends, with fresh keys."""
        self.ends = [rtp.End(self.host, suite) for _ in range(count)]
        return self

    def describe(self, **kwargs):
        self.version += 1
        return description(self.host, self.ends, version=self.version, **kwargs)

    def take(self, body):
        """The other side's description: where to send, and under which key packets come."""
        lines = media_lines(body)
        for end, (_, port, _, crypto, _) in zip(self.ends, lines):
            if not end or not port:
                continue
            end.remote = (self.lab.host, port)
            for _, suite, key in crypto:
                if end.suite and suite == end.suite[0]:
                    end.far_key = base64.b64decode(key)
                    break
        return lines

    def tags(self, lines):
        """The tag of the offered line of each end's suite."""
        return [next((int(t) for t, s, _ in crypto if end and end.suite and s == end.suite[0]), None)
                for end, (_, _, _, crypto, _) in zip(self.ends, lines)]

    # ---- messages ----

    def start(self, method, cseq, branch=None):
        remote = f";tag={self.remote_tag}" if self.remote_tag else ""
        uri = self.target or f"sip:9898@{self.lab.host}:5061"
        return f"""{method} {uri} SIP/2.0
Via: SIP/2.0/TLS {self.host}:5061;branch={branch or "z9hG4bK" + h.token()}
Max-Forwards: 70
From: <sip:{self.name}@{self.host}>;tag={self.local_tag}
To: <sip:other@{self.lab.host}>{remote}
Call-ID: {self.call_id}
CSeq: {cseq} {method}
Contact: <sip:{self.name}@{self.host}:5061;transport=tls>
"""

    def request(self, method, body=b"", extra="", content_type="application/sdp"):
        self.cseq += 1
        self.branch = "z9hG4bK" + h.token()
        if method == "INVITE":
            self.invite_cseq, self.invite_branch = self.cseq, self.branch
        typed = f"Content-Type: {content_type}\n" if body else ""
        self.peer.send(self.start(method, self.cseq, self.branch) + extra + typed, body)

    def invite(self, body=b"", extra="", number="9898"):
        self.call_id, self.target = h.token(), f"sip:{number}@{self.lab.host}:5061"
        self.request("INVITE", body, extra)

    def ack(self, body=b""):
        typed = "Content-Type: application/sdp\n" if body else ""
        self.peer.send(self.start("ACK", self.invite_cseq) + typed, body)

    def ack_refusal(self):
        """Same branch: RFC 3261 section 17.1.1.3."""
        self.peer.send(self.start("ACK", self.invite_cseq, self.invite_branch))

    def cancel(self):
        self.peer.send(self.start("CANCEL", self.invite_cseq, self.invite_branch))

    def receive(self, what):
        """The next message; what an earlier test left on a shared connection is not ours."""
        while True:
            msg = self.peer.receive()
            assert msg is not None, f"connection ended, expected {what}"
            stray = msg.get("Call-ID") != self.call_id if self.call_id else msg.method != "INVITE"
            if not stray and msg.status != 100:
                return msg

    def expect(self, what):
        msg = self.receive(what)
        assert what in (msg.status, msg.method), f"expected {what}, got {msg.start}: {msg.get('Warning')}"
        if msg.method and not self.call_id:
            self.call_id = msg.get("Call-ID")
            self.remote_tag = re.search(r"tag=([^;]+)", msg.get("From")).group(1)
        elif msg.status and "tag=" in msg.get("To") and not self.remote_tag:
            self.remote_tag = re.search(r"tag=([^;]+)", msg.get("To")).group(1)
        if msg.get("Contact"):
            self.target = re.search(r"<([^>]+)>", msg.get("Contact")).group(1)
        return msg

    def reply(self, request, status, body=b"", tag=None, extra=""):
        contact = f"sip:{self.name}@{self.host}:5061;transport=tls" if request.method in ("INVITE", "UPDATE") else None
        h.reply(self.peer, request, status, "Whatever", body, tag=tag or self.local_tag, contact=contact, extra=extra)

    def join(self, response):
        """The dialog of this response is the one; several may have rung."""
        self.remote_tag = re.search(r"tag=([^;]+)", response.get("To")).group(1)
        return self.take(response.body)

    def close(self):
        for end in filter(None, self.ends):
            end.close()


class SessionCase(unittest.TestCase):
    """a is CUCMA, b is CUCM10; one laboratory a class."""

    options = {}

    @classmethod
    def setUpClass(cls):
        cls.lab = h.Lab(**cls.options)
        cls.addClassCleanup(cls.lab.__exit__)
        cls.prepare()
        cls.lab.start()
        cls.server = h.Server(cls.lab)
        cls.addClassCleanup(cls.server.close)
        cls.connection = None

    @classmethod
    def prepare(cls):
        """For a class's own: before the daemon starts."""

    def setUp(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.addCleanup(peer.close)
        self.a = Ua(self, peer, self.lab.a_host, "1018")
        self.b = Ua(self, None, self.lab.b_host, "9898")
        self.addCleanup(self.a.close)
        self.addCleanup(self.b.close)

    def again(self):
        """The user agents are ready for another call."""
        for ua in (self.a, self.b):
            ua.close()
            ua.ends, ua.local_tag, ua.remote_tag, ua.call_id = [], h.token(), None, None

    def accept(self):
        if not type(self).connection:
            type(self).connection = self.server.accept()
        self.b.peer = type(self).connection

    def invited(self, body=b"", extra=""):
        """a's INVITE, at b."""
        self.a.invite(body, extra)
        self.accept()
        return self.b.expect("INVITE")

    def accepted(self, request, by=None, **kwargs):
        """@request, an INVITE with an offer, is accepted: 200 and ACK cross.  @return the 200 that the other side got"""
        by = by or self.b
        other = self.b if by is self.a else self.a
        lines = by.take(request.body)
        by.reply(request, 200, by.describe(tags=by.tags(lines), **kwargs))
        ok = other.expect(200)
        other.take(ok.body)
        other.ack()
        by.expect("ACK")
        return ok

    def establish(self, directions=None, kinds=None, suite=CM):
        """An ordinary call, up, with keys on both sides."""
        count = len(kinds or ["audio"])
        request = self.invited(self.a.open(count, suite).describe(kinds=kinds, directions=directions))
        self.b.open(count, suite)
        self.accepted(request, kinds=kinds)

    def reinvite(self, who=None, answers=None, **kwargs):
        """A re-INVITE of @who with its description, answered by the other side.  @return what each of them got"""
        who = who or self.a
        other = self.b if who is self.a else self.a
        who.request("INVITE", who.describe(**kwargs))
        request = other.expect("INVITE")
        ok = self.accepted(request, other, **(answers or {}), **{k: v for k, v in kwargs.items() if k == "kinds"})
        return request, ok

    def prack(self, response, body=b""):
        self.a.request("PRACK", body, f"RAck: {response.get('RSeq')} {self.a.invite_cseq} INVITE\n")

    def early(self, suite=CM):
        """Ringing, with offer, answer (in a reliable 183) and early media.  @return b's INVITE"""
        request = self.invited(self.a.open().describe(), extra=RELIABLE)
        lines = self.b.open(suite=suite).take(request.body)
        self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)), extra="Require: 100rel\nRSeq: 1\n")
        ringing = self.a.expect(183)
        self.a.take(ringing.body)
        self.prack(ringing)
        self.b.reply(self.b.expect("PRACK"), 200)
        self.a.expect(200)
        return request

    def crosses(self, source, target):
        """A packet from one end to the other of a stream, each by its own keys."""
        packet = source.next_rtp()
        source.send(source.protect(packet))
        got = target.unprotect(target.receive())
        self.assertEqual((got[:2], got[12:]), (packet[:2], packet[12:]))

    def first_through(self, source, target, before=()):
        """What comes in the moment of a change may be lost: packets until one arrives, and nothing else does.

        @before  plain packets that were sent already, and may arrive or not"""
        sent = [packet[12:] for packet in before]
        for attempt in range(TRIES):
            packet = source.next_rtp()
            sent.append(packet[12:])
            source.send(source.protect(packet))
            if select.select([target.rtp], [], [], 0.1 * 2 ** attempt)[0]:
                break
        while True:  # one that was only late is followed by the others
            got = target.unprotect(target.receive())[12:]
            self.assertIn(got, sent)
            if got == sent[-1]:
                return

    def both_ways(self, index=0, count=3):
        for _ in range(count):
            self.crosses(self.a.ends[index], self.b.ends[index])
            self.crosses(self.b.ends[index], self.a.ends[index])

    def soon_both_ways(self):
        """What comes in the moment of a change may be lost."""
        self.first_through(self.a.ends[0], self.b.ends[0])
        self.first_through(self.b.ends[0], self.a.ends[0])
        self.both_ways()

    def paths(self, record):
        """Of the first m-line, from each side."""
        return [leg["streams"][0]["path"] for leg in record["legs"]]

    def hang_up(self, who=None):
        """@return call.end"""
        who = who or self.a
        other = self.b if who is self.a else self.a
        who.request("BYE")
        other.reply(other.expect("BYE"), 200)
        who.expect(200)
        return self.ended()

    def records(self, kind):
        """The records of a kind of this test's call."""
        call = self.lab.wait_record("call.start", call_id=self.a.call_id)["call"]
        return [r for r in self.lab.records(kind) if r["call"] == call]

    def graded(self, now, call):
        """Wait for call.grade to say so, of now and of the call so far.  @return the record"""
        start = self.lab.wait_record("call.start", call_id=self.a.call_id)
        while True:
            records = self.lab.records("call.grade")
            mine = [r for r in records if r["call"] == start["call"]]
            if mine and (mine[-1]["grade"], mine[-1]["call_grade"]) == (now, call):
                return mine[-1]
            self.lab.wait_record("call.grade", len(records) + 1)

    def ended(self):
        return self.lab.call_end(self.a.call_id)

    def check_end(self, record, status="Encrypted", grade="hop_by_hop", marks=(), reasons=("caller_hung_up",)):
        self.assertEqual((record["status"], record["grade"], record["marks"], record["reasons"]),
                         (status, grade, list(marks), list(reasons)))
        self.lab.log.wait(rf" info +call +end +call={record['call']} .* status={status} grade={grade} "
                          rf"reason={reasons[0]} marks={','.join(marks) or '-'}$")
