# SPDX-License-Identifier: Apache-2.0
"""Several phones that ring for one call."""
import rtp
from rtp import CM
from session_case import SessionCase, Ua

AUDIO_VIDEO = ["audio", "video"]
FALLBACK = "Supported: X-cisco-srtp-fallback\n"


class ForkCase(SessionCase):
    """Phones that answer one INVITE, each as itself: tag "one" and tag "two"."""

    options = {"trunk_options": {"CUCM10": "srtp: allowed"}}

    def phone(self, tag, suites=(CM,)):
        """One of b's phones, with an end for each of these suites; "off": port 0."""
        ua = Ua(self, self.b.peer, self.lab.b_host, "9898")
        self.addCleanup(ua.close)
        ua.local_tag, ua.call_id, ua.remote_tag, ua.target = tag, self.b.call_id, self.b.remote_tag, self.b.target
        ua.ends = [None if suite == "off" else rtp.End(ua.host, suite) for suite in suites]
        return ua

    def ring(self, phone, request, kinds=None, extra=""):
        """Its answer in a 183; a hears it from now on."""
        lines = phone.take(request.body)
        phone.answer = phone.describe(kinds=kinds, tags=phone.tags(lines))
        phone.reply(request, 183, phone.answer, extra=extra)
        phone.ringing = self.a.expect(183)
        self.a.join(phone.ringing)

    def settle(self, phone):
        """Its 183 was reliable: a's PRACK."""
        self.prack(phone.ringing)
        phone.reply(phone.expect("PRACK"), 200)
        self.a.expect(200)

    def pick_up(self, phone, request, answer):
        """It is this one, and b is it from now on.  @return what a got"""
        phone.reply(request, 200, answer)
        ok = self.a.expect(200)
        self.a.join(ok)
        self.a.take(ok.body or phone.ringing.body)
        self.a.ack()
        phone.expect("ACK")
        self.b = phone
        return ok

    def worths(self, record):
        return [grade for _, _, grade in record["intervals"]]

    def talk(self, phone, index=0):
        """Three packets each way."""
        self.first_through(self.a.ends[index], phone.ends[index])
        self.first_through(phone.ends[index], self.a.ends[index])
        for _ in range(2):
            self.crosses(self.a.ends[index], phone.ends[index])
            self.crosses(phone.ends[index], self.a.ends[index])

    def check_deaf(self, source, end, meanwhile):
        """Packets of @source, between others that arrive where they should; none comes to @end."""
        for _ in range(5):
            source.send(source.protect(source.next_rtp()))
            meanwhile()
        self.assertTrue(end.is_silent())

    def recorded(self, phone, index=1):
        """An end of a's, the video's, and packets of it that @phone heard, as they were sent."""
        source, octets = self.a.ends[index], []
        self.talk(phone, index)
        for _ in range(5):
            octets.append(source.protect(source.next_rtp()))
            source.send(octets[-1])
            phone.ends[index].unprotect(phone.ends[index].receive())
        return source, octets

    def check_stale(self, source, octets, phone, index=1):
        """@phone, which is heard now, gets nothing of what was recorded."""
        self.talk(phone, index)
        for packet in octets:
            source.send(packet)
        self.talk(phone, index)
        self.pick_up(phone, self.request, b"")
        self.talk(phone, index)
        record = self.hang_up()
        self.assertEqual(record["legs"][0]["streams"][index]["rx"]["replayed"], len(octets))

    def offer_in_183(self, phone, request, suite, ends=None, kinds=None):
        """Its offer; a answers it in PRACK, from ends of its own, or from @ends."""
        phone.reply(request, 183, phone.describe(kinds=kinds), extra="Require: 100rel\nRSeq: 1\n")
        phone.ringing = self.a.expect(183)
        if ends:
            self.a.ends = ends
        else:
            self.a.open(len(phone.ends), suite)
        lines = self.a.join(phone.ringing)
        self.prack(phone.ringing, self.a.describe(kinds=kinds, tags=self.a.tags(lines), protos=[line[2] for line in lines]))
        prack = phone.expect("PRACK")
        phone.take(prack.body)
        phone.reply(prack, 200)
        self.a.expect(200)

    def add_video(self, phone):
        """By UPDATE of @phone, whose session is settled; a's end of it is there already."""
        self.a.join(phone.ringing)
        phone.ends.append(rtp.End(phone.host, CM))
        phone.request("UPDATE", phone.describe(kinds=AUDIO_VIDEO))
        update = self.a.expect("UPDATE")
        lines = self.a.take(update.body)
        self.a.reply(update, 200, self.a.describe(kinds=AUDIO_VIDEO, tags=self.a.tags(lines)))
        phone.take(phone.expect(200).body)

    def check_back(self, video, octets, changes=2):
        """The video comes back with a's key, and nothing of @octets with it.
        @changes  re-INVITEs without video before that"""
        b = self.b
        b.ends[1:] = [None]
        self.a.ends[1:] = [None]
        for _ in range(changes):
            self.reinvite(kinds=AUDIO_VIDEO)
        self.a.ends[1], b.ends[1] = video, rtp.End(b.host, CM)
        self.reinvite(kinds=AUDIO_VIDEO)
        self.first_through(video, b.ends[1])
        self.first_through(b.ends[1], video)
        for packet in octets:
            video.send(packet)
        self.both_ways(1)
        record = self.hang_up()
        self.assertEqual(record["legs"][0]["streams"][1]["rx"]["replayed"], len(octets))
