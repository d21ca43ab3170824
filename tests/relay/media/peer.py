#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Both phones of a stream, with SRTP that is not libsrtp's: vectors/srtp.py.  Driven by test_suites.c.

peer.py vectors   check srtp.py against the RFCs' own vectors; exit status
peer.py           read lines from stdin, answer each on stdout:
    keys PATH SUITE_A SUITE_B IP
        -> keys RX_A TX_A RX_B TX_B PORT_A PORT_B      drawn here; what each phone declares is its RX
    run PORT_A PORT_B    our ports, where the phones send
        -> ok PACKETS FORGED     or: bad WHAT
"""
import os
import socket
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors"))
import srtp  # noqa: E402

SUITES = {suite[0]: suite for suite in srtp.SUITES}
LIMIT_S = 10

# RFC 7714 sections 16.1.1, 16.2.1, 17.1 and 17.2: session keys, packet, result.
GCM_SALT = "517569642070726f2071756f"
GCM_KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
GCM_RTP = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
GCM_RTCP = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61" + "deadbeef" * 5
GCM_SEALED_RTP = {
    16: "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
        "899d7f27beb16a9152cf765ee4390cce",
    32: "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
        "7aa3db36dfffd6b0f9bb7878d7a76c13",
}
GCM_SEALED_RTCP = {
    16: "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded"
        "0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
    32: "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de047"
        "6f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
}

# Key derivation: master key and salt, then cipher key, cipher salt and the start of the authentication key.
DERIVED = [
    ("RFC 3711 B.3", "e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3aabe6",
     "c61e7a93744f39ee10734afe3ff7a087", "30cbbc08863d8c85d49db34a9ae1",
     "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef72270986371c10c9a369ac2"
     "f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"),
    ("RFC 6188 7.4", "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6", "3b04803de51ee7c96423ab5b78d2",
     "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4", "fa31791685ca444a9e07c6c64e93",
     "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"),
]

# Keystream of counter mode: key, then what comes first.
STREAMS = [
    ("RFC 3711 B.2", "2b7e151628aed2a6abf7158809cf4f3c",
     "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0"),
    ("RFC 6188 7.1", "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
     "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31"),
]


def check_vectors():
    wrong = []

    def same(what, got, want):
        if got.hex() != want:
            wrong.append(what)

    for name, key, want in STREAMS:
        iv = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000")
        same(name, srtp.keystream(bytes.fromhex(key), iv, len(want) // 2), want)
    for name, key, salt, *wants in DERIVED:
        for label, want in zip((0, 2, 1), wants):
            same(f"{name} label {label}", srtp.derive(bytes.fromhex(key), bytes.fromhex(salt), label, len(want) // 2), want)
    salt, rtp, rtcp = bytes.fromhex(GCM_SALT), bytes.fromhex(GCM_RTP), bytes.fromhex(GCM_RTCP)
    for size in (16, 32):
        key = bytes.fromhex(GCM_KEY)[:size]
        same(f"RFC 7714 16, key {size}", srtp.seal_gcm_rtp(key, salt, rtp, 0), GCM_SEALED_RTP[size])
        same(f"RFC 7714 17, key {size}", srtp.seal_gcm_rtcp(key, salt, rtcp, 0x5d4), GCM_SEALED_RTCP[size])
    for what in wrong:
        print("wrong:", what)
    return 1 if wrong else 0


class Wrong(Exception):
    pass


class Receiver:
    """One key: guesses the ROC as RFC 3711 section 3.3.1 and appendix A do, refuses what it has seen."""

    def __init__(self, suite, key):
        self.suite, self.key = suite, key
        self.highest, self.seen, self.reports = None, set(), set()

    def index_of(self, seq):
        if self.highest is None:
            return seq
        roc, last = self.highest >> 16, self.highest & 0xffff
        if last < 0x8000:
            guess = roc - 1 if seq - last > 0x8000 else roc
        else:
            guess = roc + 1 if last - 0x8000 > seq else roc
        return guess << 16 | seq

    def open_rtp(self, packet):
        index = self.index_of(struct.unpack_from(">H", packet, 2)[0])
        plain = srtp.unprotect_rtp(self.suite, self.key, packet, index >> 16)
        if index in self.seen:
            raise Wrong(f"index {index} twice")
        self.seen.add(index)
        self.highest = max(index, self.highest or 0)
        return plain

    def open_rtcp(self, packet):
        plain = srtp.unprotect_rtcp(self.suite, self.key, packet)
        index = srtp.srtcp_index(self.suite, packet)
        if index in self.reports:
            raise Wrong(f"SRTCP index {index} twice")
        self.reports.add(index)
        return plain


class Phone:
    def __init__(self, suite, ip, ssrc):
        self.suite, self.ssrc, self.index = suite, ssrc, 0
        self.key = os.urandom(suite[1] + suite[2])
        self.sockets = bind_pair(ip)
        self.ours = self.receiver = None

    def rtp(self, index, shape):
        """A plain packet; the shapes go through the parts of a header and lengths about the block size."""
        head = struct.pack(">BHII", 96, index & 0xffff, 160 * index & 0xffffffff, self.ssrc)
        payload = bytes(index * 7 + i & 255 for i in range((160, 0, 1, 15, 16, 17, 33, 1200)[shape % 8]))
        first, extra = ((0x80, b""), (0x83, bytes(range(12))), (0x90, b"\xbe\xde\0\2" + bytes(range(8))),
                        (0xa0, b""))[shape // 8 % 4]
        return bytes([first]) + head + extra + (payload + b"\0\0\0\4" if first == 0xa0 else payload)

    def rtcp(self, number):
        sr = struct.pack(">BBHIIIIII", 0x80, 200, 6, self.ssrc, number, 0, 0, 1, 160)
        return sr + struct.pack(">BBHI", 0x81, 202, 2, self.ssrc) + b"\1\2ab"

    def next_report(self):
        self.index += 1
        return self.index


def bind_pair(ip):
    while True:
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        pair[0].bind((ip, 0))
        try:
            pair[1].bind((ip, pair[0].getsockname()[1] + 1))
        except (OSError, OverflowError):
            for sock in pair:
                sock.close()
            continue
        for sock in pair:
            sock.settimeout(LIMIT_S)
        return pair


# Over the edge twice, with gaps, and late packets on both sides of it: ROC 0, 1 and 2.
INDICES = [65500, 65501, 65503, 65502, 65533, 65534, 65536, 65535, 65537, 65539, 65538]
INDICES += list(range(65540, 65560)) + [90000, 120000, 131069, 131070, 131072, 131071, 131073]


def flip(packet):
    """Of the tag, or of what stands before it: never of GCM's SRTCP index, which comes last."""
    return packet[:-5] + bytes([packet[-5] ^ 1]) + packet[-4:]


class Run:
    def __init__(self, path, phones):
        self.path, self.phones = path, phones
        self.packets = self.forged = 0

    def send(self, near, rtcp, octets):
        near.sockets[rtcp].sendto(octets, (near.ours[0], near.ours[1] + rtcp))

    def crosses(self, near, far, rtcp, plain, sealed):
        self.send(near, rtcp, flip(sealed))  # what comes next is not this
        self.forged += 1
        self.send(near, rtcp, sealed)
        got = far.sockets[rtcp].recv(65536)
        if self.path == "pass" and got != sealed:
            raise Wrong("pass changed octets")
        opened = far.receiver.open_rtcp(got) if rtcp else far.receiver.open_rtp(got)
        if opened != plain:
            raise Wrong(f"{'RTCP' if rtcp else 'RTP'} is another: {opened.hex()} for {plain.hex()}")
        self.packets += 1

    def all(self):
        for shape, index in enumerate(INDICES):
            for near, far in (self.phones, self.phones[::-1]):
                plain = near.rtp(index, shape)
                self.crosses(near, far, 0, plain, srtp.protect_rtp(near.suite, near.key, plain, index >> 16))
                if shape % 6 == 0:
                    number = near.next_report()
                    plain = near.rtcp(number)
                    self.crosses(near, far, 1, plain, srtp.protect_rtcp(near.suite, near.key, plain, number))


def serve():
    phones, path = [], None
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "keys":
            for phone in phones:
                for sock in phone.sockets:
                    sock.close()
            path, suites, ip = words[0], words[1:3], words[3]
            phones = [Phone(SUITES[suite], ip, 0x1000 + i) for i, suite in enumerate(suites)]
            for phone, far in zip(phones, phones[::-1]):
                phone.far_key = far.key if path == "pass" else os.urandom(phone.suite[1] + phone.suite[2])
                phone.receiver = Receiver(phone.suite, phone.far_key)
            print("keys", *(key.hex() for phone in phones for key in (phone.key, phone.far_key)),
                  *(phone.sockets[0].getsockname()[1] for phone in phones), flush=True)
        elif verb == "run":
            for phone, port in zip(phones, words):
                phone.ours = (phone.sockets[0].getsockname()[0], int(port))
            run = Run(path, phones)
            try:
                run.all()
                print("ok", run.packets, run.forged, flush=True)
            except (Wrong, OSError) as error:
                print("bad", error, f"after {run.packets} packets", flush=True)
            except srtp.Forged:
                print("bad tag", f"after {run.packets} packets", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["vectors"]:
        sys.exit(check_vectors())
    serve()
