# SPDX-License-Identifier: Apache-2.0
"""Media endpoints of the tests: UDP sockets that speak RTP, RTCP, SRTP and SRTCP by an own reading of the RFCs."""
import base64
import os
import random
import select
import socket
import struct
import sys
import time

import harness as h

sys.path.append(os.path.join(h.SOURCE, "tests", "relay", "media", "vectors"))
import srtp  # noqa: E402  protect_rtp, protect_rtcp and the derivation under them
from srtp import Forged, unprotect_rtcp, unprotect_rtp  # noqa: E402,F401

SUITES = {suite[0]: suite for suite in srtp.SUITES}
CM = "AES_CM_128_HMAC_SHA1_80"
GCM = "AEAD_AES_256_GCM"


def draw_key(suite):
    _, key_len, salt_len, *_ = SUITES[suite]
    return os.urandom(key_len + salt_len)


def text(key):
    return base64.b64encode(key).decode()


def await_read(port):
    """Until the kernel holds nothing any more that was sent to this port of the daemon's."""
    limit = time.monotonic() + h.LIMIT_S
    while time.monotonic() < limit:
        with open("/proc/net/udp") as f:
            rows = [line.split() for line in f][1:]
        waiting = [row[4].split(":")[1] for row in rows if row[1].endswith(f":{port:04X}")]
        assert waiting, "nobody has the port"
        if all(int(octets, 16) == 0 for octets in waiting):
            return
        select.select([], [], [], 0.01)
    raise AssertionError("nobody reads the port")


class End:
    """One end of one stream: a pair of ports."""

    def __init__(self, host, suite=None):
        self.host, self.suite = host, suite and SUITES[suite]
        self.key = draw_key(suite) if suite else None  # what we send under: the one that we declare
        self.behind_key = ""                           # in its line: a lifetime, an MKI, further keys, parameters
        self.far_key = None                            # what we receive under
        self.rtp, self.rtcp = self.bind_pair()
        self.port = self.rtp.getsockname()[1]
        self.remote = None                             # the daemon's RTP port
        self.seq, self.ssrc, self.index, self.sent = random.randrange(1000, 30000), random.getrandbits(32), 1, 0

    def bind_pair(self):
        while True:
            port = random.randrange(15000, 16000) * 2
            pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            try:
                for i, sock in enumerate(pair):
                    sock.bind((self.host, port + i))
                    sock.settimeout(h.LIMIT_S)
                return pair
            except OSError:
                for sock in pair:
                    sock.close()

    def close(self):
        self.rtp.close()
        self.rtcp.close()

    stop = close

    def crypto(self, tag):
        return f"a=crypto:{tag} {self.suite[0]} inline:{text(self.key)}{self.behind_key}"

    # ---- packets ----

    def next_rtp(self, payload=None):
        """A packet, in plain."""
        self.seq += 1
        payload = bytes([self.seq & 255]) * 160 if payload is None else payload
        return struct.pack(">BBHII", 0x80, 0, self.seq, self.seq * 160, self.ssrc) + payload

    def next_rtcp(self):
        """Sender report and SDES, in plain."""
        self.index += 1
        sr = struct.pack(">BBHIIIIII", 0x80, 200, 6, self.ssrc, self.index, 0, 0, 1, 160)
        return sr + struct.pack(">BBHI", 0x81, 202, 2, self.ssrc) + b"\1\2ab"

    def protect(self, packet):
        return srtp.protect_rtp(self.suite, self.key, packet, 0) if self.suite else packet

    def protect_rtcp(self, packet):
        return srtp.protect_rtcp(self.suite, self.key, packet, self.index) if self.suite else packet

    def unprotect(self, packet):
        return unprotect_rtp(self.suite, self.far_key, packet) if self.suite else packet

    def unprotect_rtcp(self, packet):
        return unprotect_rtcp(self.suite, self.far_key, packet) if self.suite else packet

    def name(self, packet, mki):
        """A protected RTP packet, with the MKI of its key where that stands: @return it."""
        at = len(packet) - self.behind_mki()
        return packet[:at] + mki + packet[at:]

    def split_name(self, packet, mki_len):
        """@return the MKI of a packet, and the packet without it."""
        at = len(packet) - self.behind_mki()
        return packet[at - mki_len:at], packet[:at - mki_len] + packet[at:]

    def behind_mki(self):
        """The tag (RFC 3711 section 3.1); a GCM suite's is part of what is encrypted (RFC 7714 section 8)."""
        return 0 if self.suite[5] else self.suite[3]

    # ---- sockets ----

    def send(self, octets):
        self.rtp.sendto(octets, (self.remote[0], self.remote[1]))

    def send_rtcp(self, octets):
        self.rtcp.sendto(octets, (self.remote[0], self.remote[1] + 1))

    def receive(self):
        return self.rtp.recv(65536)

    def receive_rtcp(self):
        return self.rtcp.recv(65536)

    def is_silent(self):
        """Nothing lies in the sockets now."""
        return select.select([self.rtp, self.rtcp], [], [], 0)[0] == []
