# SPDX-License-Identifier: Apache-2.0
"""What the tests of media share: calls that are up, with the ends of their streams, and what was counted of them."""
import base64
import re
import select
import unittest

import harness as h
import rtp
from pki import Pki
from rtp import CM

def media_lines(body):
    """For each m-line: kind, port, proto, a=crypto lines as (tag, suite, key), other attributes."""
    out = []
    for line in body.decode().split("\r\n"):
        if line.startswith("m="):
            kind, port, proto, *_ = line[2:].split()
            out.append((kind, int(port), proto, [], []))
        elif line.startswith("a=crypto:") and out:
            tag, suite, key = re.fullmatch(r"a=crypto:(\d+) (\S+) inline:([^|\s]+)\S*", line).groups()
            out[-1][3].append((tag, suite, key))
        elif line.startswith("a=") and out:
            out[-1][4].append(line[2:])
    return out


def description(host, ends, kinds=None, directions=None, tags=None):
    """A session with one m-line an end; None: refused (port 0)."""
    lines = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    for i, end in enumerate(ends):
        kind = kinds[i] if kinds else "audio"
        proto = "RTP/SAVP" if end and end.suite or not end else "RTP/AVP"
        lines.append(f"m={kind} {end.port if end else 0} {proto} {31 if kind == 'video' else 0}")
        if end and end.suite:
            lines.append(end.crypto(tags[i] if tags else 1))
        if end and directions and directions[i]:
            lines.append("a=" + directions[i])
    return "".join(line + "\r\n" for line in lines).encode()


class Refused(Exception):
    """The caller was told no before the called side heard anything."""


class Call:
    """A call that is up, with its streams: pairs of rtp.End."""

    def __init__(self, case, number="9898", a_suite=CM, b_suite=CM, kinds=("audio",), directions=(None, None), refused=(),
                 refused_by_b=(), early=None, from_clear=False):
        """@refused  indices of m-lines that a offers with port 0.  @early  called with the call before b's answer"""
        self.case, self.lab = case, case.lab
        self.a_host = case.lab.lab_host if from_clear else case.lab.a_host
        self.peer = h.tcp_connect(case.lab) if from_clear else h.tls_connect(case.lab, case.lab.cert("CUCMA"))
        self.dialog = h.Dialog(case.lab, self.peer, number=number, host=self.a_host, transport="TCP" if from_clear else "TLS")
        self.b = []
        self.a = [None if i in refused else rtp.End(self.a_host, a_suite) for i in range(len(kinds))]
        self.offer = description(self.a_host, self.a, kinds, [directions[0]] * len(kinds))
        self.dialog.invite(self.offer)
        self.b_peer = case.accept(number)
        self.request = self.arrival()
        self.offered = media_lines(self.request.body)
        tags = []
        for i, (_, port, _, lines, _) in enumerate(self.offered):
            end = None if port == 0 or i in refused_by_b else rtp.End(case.lab.b_host, b_suite)
            self.b.append(end)
            tags.append(None)
            if end:
                end.remote = (case.lab.host, port)
            if end and b_suite:
                tags[i], key = next((tag, key) for tag, suite, key in lines if suite == b_suite)
                end.far_key = base64.b64decode(key)
        if early:
            early(self)
        transport = "tcp" if number == "7000" else "tls"
        h.reply(self.b_peer, self.request, 200, "OK",
                description(case.lab.b_host, self.b, kinds, [directions[1]] * len(kinds), tags), tag="bt",
                contact=f"sip:{number}@{case.lab.b_host}:{5060 if transport == 'tcp' else 5061};transport={transport}")
        self.ok = self.peer.expect(200)
        self.answered = media_lines(self.ok.body)
        for end, (_, port, _, lines, _) in zip(self.a, self.answered):
            if end and port:
                end.remote = (case.lab.host, port)
                if a_suite:
                    (_, suite, key), = lines
                    case.assertEqual(suite, a_suite)
                    end.far_key = base64.b64decode(key)
        self.dialog.take_tag(self.ok)
        self.dialog.ack()
        self.b_peer.expect("ACK")

    def arrival(self):
        """The INVITE at b, or Refused."""
        while True:
            ready, _, _ = select.select([self.b_peer.sock, self.peer.sock], [], [], h.LIMIT_S)
            self.case.assertTrue(ready, "no INVITE came")
            if self.b_peer.sock in ready:
                return self.b_peer.expect("INVITE")
            answer = self.peer.receive()
            if answer.status != 100:
                self.dialog.ack_refusal()
                self.close()
                raise Refused(answer.get("Warning"))

    def close(self):
        for end in filter(None, self.a + self.b):
            end.close()
        self.peer.close()

    def end(self):
        """Hang up.  @return the call's last record"""
        self.dialog.request("BYE")
        h.reply(self.b_peer, self.b_peer.expect("BYE"), 200, "OK")
        self.peer.expect(200)
        return self.done()

    def done(self):
        """After the call: nothing more may come to any end.  @return the call's last record"""
        for end in filter(None, self.a + self.b):
            self.case.assertTrue(end.is_silent(), "a packet that nobody expected")
        self.close()
        return self.lab.call_end(self.dialog.call_id)


class MediaCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        x, y = h.lab_number()
        options = {"extra_trunks": f'  PLAIN: {{security_profile: open, listener: lab, destinations: ["127.{x}.{y}.3:5060"], '
                                   f'srtp: allowed}}\n'
                                   f'  BRIDGE: {{security_profile: encrypted, listener: core, peer_names: [BRIDGE], '
                                   f'destinations: ["127.{x}.{y}.3:5062"], srtp: required, srtp_path: bridge}}\n',
                   "extra_routes": '  - {pattern: "7000", trunks: [PLAIN]}\n  - {pattern: "8000", trunks: [BRIDGE]}\n'}
        cls.lab = h.Lab(**options, **cls.options())
        cls.addClassCleanup(cls.lab.__exit__)
        Pki(cls.lab).leaf("BRIDGE", "BRIDGE", "DNS:BRIDGE")
        cls.lab.start()
        cls.servers = {"9898": h.Server(cls.lab), "7000": h.PlainServer(cls.lab), "8000": h.Server(cls.lab, "BRIDGE", port=5062)}
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)
        cls.connections = {}

    @classmethod
    def options(cls):
        return {}

    def accept(self, number):
        if number not in self.connections:
            self.connections[number] = self.servers[number].accept()
        return self.connections[number]

    def crosses(self, source, target, identical):
        """One RTP packet and one RTCP report from an end to the other of its stream."""
        packet, report = source.next_rtp(), source.next_rtcp()
        sealed, sealed_report = source.protect(packet), source.protect_rtcp(report)
        source.send(sealed)
        got = target.receive()
        source.send_rtcp(sealed_report)
        got_report = target.receive_rtcp()
        if identical:
            self.assertEqual((got, got_report), (sealed, sealed_report))
        else:
            self.assertNotEqual(got, sealed)
        plain, plain_report = target.unprotect(got), target.unprotect_rtcp(got_report)
        # Sequence, timestamp and SSRC are the sender's own where we send under a key of ours.
        self.assertEqual((plain[:2], plain[12:]), (packet[:2], packet[12:]))
        self.assertEqual((plain_report[:4], plain_report[8:28]), (report[:4], report[8:28]))
        self.assertEqual(plain[8:12], plain_report[4:8])
        if identical:
            self.assertEqual((plain, plain_report), (packet, report))

    def rx(self, record, side, stream=0):
        return record["legs"]["ab".index(side)]["streams"][stream]["rx"]

    def check_counts(self, record, side, stream=0, **expected):
        """All counters of a side; those that are not named are 0."""
        rx = dict(self.rx(record, side, stream))
        first = rx.pop("first_authenticated", None)
        self.assertEqual(first is not None, bool(expected.get("authenticated")))
        expected = {name: expected.get(name, 0) for name in rx}
        self.assertEqual(rx, expected)
