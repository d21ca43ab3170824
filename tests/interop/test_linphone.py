# SPDX-License-Identifier: Apache-2.0
"""linphone as the phone behind Kamailio: TLS with a certificate of its own, SDES, sound from a file and into one."""
import math
import os
import re
import subprocess
import unittest
import wave

import peers
from peers import CM, Baresip, Kamailio, Phone, h
from pki import Pki

A_TONE, B_TONE = 440, 1000
CM256 = "AES_256_CM_HMAC_SHA1_80"
OTHERS = ["AES_CM_128_HMAC_SHA1_32", CM256, "AES_256_CM_HMAC_SHA1_32"]  # that linphone offers, after CM

# Port -2: linphone listens nowhere, so it is called over the connection on which it registered.  Its first Contact
# then has no port that a registrar could use; it registers a second time with the one that Via's rport told it.
# To learn its own address it connects a UDP socket to a public one, but sends nothing there.
# The jitter buffer is long and does not adapt: on a busy machine it would conceal, that is bend the tone.
LINPHONERC = """[sip]
sip_port=-2
sip_tcp_port=-2
sip_tls_port=-2
bind_address={host}
use_ipv6=0
guess_hostname=0
contact=sip:9898@{host}
default_proxy=0
register_only_when_network_is_up=0
root_ca={ca}
verify_server_certs=1
verify_server_cn=0
client_cert_chain={cert}
client_cert_key={key}
media_encryption=srtp
media_encryption_mandatory=1
{suites}
[proxy_0]
reg_proxy=<sip:{registrar}:5061;transport=tls>
reg_route=<sip:{registrar}:5061;transport=tls>
reg_identity=sip:9898@{registrar}:5061
reg_expires=60
reg_sendregister=1
publish=0

[rtp]
bind_address={host}
audio_rtp_port={port}
audio_adaptive_jitt_comp_enabled=0
audio_jitt_comp=300
jitter_buffer_algorithm=basic

[sound]
echocancellation=0

[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1
"""


def write_tone(path, frequency, seconds):
    """A second of a sine, again and again; its end fits its beginning."""
    samples = [round(12000 * math.sin(2 * math.pi * frequency * i / peers.RATE)) for i in range(peers.RATE)]
    with wave.open(path, "wb") as f:
        f.setparams((1, 2, peers.RATE, 0, "NONE", ""))
        f.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples) * seconds)


class Linphone(Phone):
    """linphonec as 9898: answers by itself, plays a tone, records what it hears; commanded over its standard input."""

    def __init__(self, lab, host, cert, tone, n, suites=None):
        self.folder = lab.path(f"linphone-{n}")
        os.makedirs(os.path.join(self.folder, ".local", "share", "linphone"))  # it does not make that itself, and needs it
        self.recording = os.path.join(self.folder, "heard.wav")
        write_tone(os.path.join(self.folder, "tone.wav"), tone, 120)
        with open(os.path.join(self.folder, "linphonerc"), "w") as f:
            f.write(LINPHONERC.format(host=host, port=peers.free_pair(lab, n), registrar=lab.b_host,
                                      ca=lab.path("pki", "ca.pem"), cert=lab.path("pki", cert + ".pem"),
                                      key=lab.path("pki", cert + ".key"),
                                      suites=f"srtp_crypto_suites={suites}\n" if suites else ""))
        # The settings and the sound server of whoever runs the tests are none of its business.
        env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "PULSE_"))}
        super().__init__(lab, "linphonec", "-a", "-d", "6", "-c", os.path.join(self.folder, "linphonerc"), cwd=self.folder,
                         env={**env, "HOME": self.folder}, stdin=subprocess.PIPE)
        self.command("soundcard use files")
        self.command(f"play {os.path.join(self.folder, 'tone.wav')}")
        self.command(f"record {self.recording}")
        self.out.wait("to .LinphoneRegistrationOk.")

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def hears(self, seconds):
        """Wait until so much was recorded.  @return the file; its header is written with the end of the call"""
        def long_enough():
            return os.path.exists(self.recording) and os.path.getsize(self.recording) > seconds * peers.RATE * 2
        peers.until(long_enough, f"{seconds} s of sound", self)
        return self.recording

    def released(self):
        """The call is over, and its sound is in the file."""
        self.out.wait("to LinphoneCallReleased")

    def stop(self):
        super().stop()
        self.process.stdin.close()


class Neighbour(unittest.TestCase):
    def setUp(self):
        # Required on both sides: a phone whose SRTP is mandatory refuses the RTP/AVP of `allowed` (RFC 8643).
        self.lab = h.Lab(trunk_options={"CUCMA": "srtp: required"})
        self.addCleanup(self.lab.__exit__)
        Pki(self.lab).leaf("PHONE", "PHONE", "DNS:PHONE")
        self.lab.start()
        self.kamailio = Kamailio(self.lab)
        self.a = Baresip(self.lab, "1018", self.lab.a_host, "CUCMA", A_TONE, 0)

    def linphone(self, suites=None):
        """9898 registers over TLS, with a certificate of its own."""
        self.b = Linphone(self.lab, self.lab.addr(8), "PHONE", B_TONE, 1, suites)
        self.kamailio.out.wait(r"GOT REGISTER from PHONE verified 1")

    def heard(self):
        return self.a.hears(3), self.b.hears(3)

    def check(self, recordings, reason, by, legs, path="pass"):
        """@legs  trunk, whether we were server or client of its TLS, suite; of a, then of b"""
        self.b.released()
        # linphone conceals more than others where its clock and the packets part, with none lost.
        for recording, tone, clean in zip(recordings, (B_TONE, A_TONE), (0.75, 0.5)):
            peers.check_tone(self, peers.read_wav(recording), tone, 2, clean)
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["status"], end["grade"], end["reasons"], end["by"]), ("Encrypted", "hop_by_hop", [reason], by))
        self.assertEqual(end["key_holders"], [legs[0][0], "border1.example.net", legs[1][0]])
        for leg, (trunk, role, suite) in zip(end["legs"], legs):
            sig, (stream,) = leg["sig"], leg["streams"]
            self.assertEqual((leg["trunk"], sig["name"], sig["role"], sig["verified"]), (trunk, trunk, role, True))
            self.assertEqual((stream["keying"], stream["suite"], stream["path"]), ("sdes", suite, path))
            self.assertGreaterEqual(stream["rx"]["authenticated"], 100)
            self.assertEqual([stream["rx"][drop] for drop in ("auth_failed", "replayed", "unknown_source", "malformed")], [0] * 4)
        peers.check_no_key(self, self.lab, self.a.keys() | self.b.keys())

    def test_a_call_to_it(self):
        self.linphone()
        self.a.dial(self.lab, "9898")
        recordings = self.heard()
        self.a.command("hangup")
        self.check(recordings, "caller_hung_up", "a", [("CUCMA", "server", CM), ("CUCM10", "client", CM)])
        self.assertEqual(len(self.a.keys() & self.b.keys()), 2)  # unchanged, each the other's
        # Its Contact is the name that the registrar gave it (RFC 5627); both requests found it by that.
        self.b.out.wait(rf"^Contact: <sip:9898@{self.lab.b_host};gr=urn:uuid:[^>]+>$")
        for method in ("ACK", "BYE"):
            self.kamailio.out.wait(f"GOT {method} from border1.example.net verified 1")
            self.b.out.wait(f"^{method} sip:9898@")

    def test_it_hangs_up(self):
        self.linphone()
        self.a.dial(self.lab, "9898")
        recordings = self.heard()
        self.b.command("terminate")
        self.a.event("CALL_CLOSED")
        self.check(recordings, "called_hung_up", "b", [("CUCMA", "server", CM), ("CUCM10", "client", CM)])
        self.kamailio.out.wait("GOT BYE from PHONE")

    def test_a_call_from_it(self):
        """It offers four suites; the one that the other phone takes is the same on both sides."""
        self.linphone()
        self.b.command(f"call sip:1018@{self.lab.b_host}:5061")
        recordings = self.heard()
        self.assertEqual(re.findall(r"(?m)^a=crypto:[234] (\S+)", self.b.out.text()), OTHERS)  # in its INVITE alone
        self.a.command("hangup")
        self.check(recordings, "called_hung_up", "b", [("CUCM10", "server", CM), ("CUCMA", "client", CM)])

    def test_aes_256(self):
        """It takes AES_256_CM alone, which the other phone does not have."""
        self.linphone(CM256)
        self.a.dial(self.lab, "9898")
        recordings = self.heard()
        self.a.command("hangup")
        self.check(recordings, "caller_hung_up", "a", [("CUCMA", "server", CM), ("CUCM10", "client", CM256)], "bridge")


if __name__ == "__main__":
    h.main()
