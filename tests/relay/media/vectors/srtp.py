#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write srtp.txt: SRTP and SRTCP packets of every suite, made without libsrtp.

An own reading of RFC 3711 (key derivation 4.3, counter mode 4.1.1, HMAC 4.2.1), RFC 6188 and RFC 7714 over the
primitives of python3-cryptography.  Usage: srtp.py > srtp.txt
       srtp.py unencrypted > srtcp_unencrypted.inc   (one packet for test_hostile.c)
       srtp.py roc > srtp_roc.txt   (a key is replaced while the ROC is not 0, for test_srtp_roc.c)
"""
import hashlib
import hmac
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# name, key, salt, tag of RTP, tag of RTCP, aead
SUITES = [
    ("AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, False),
    ("AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10, False),
    ("AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10, False),
    ("AES_256_CM_HMAC_SHA1_32", 32, 14, 4, 10, False),
    ("AEAD_AES_128_GCM", 16, 12, 16, 16, True),
    ("AEAD_AES_256_GCM", 32, 12, 16, 16, True),
]


def keystream(key, iv, count):
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(bytes(count))


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def derive(key, salt, label, count):
    block = bytearray(salt.ljust(16, b"\0"))  # RFC 7714 section 11: 96 bits of salt, zeros behind
    block[7] ^= label
    return keystream(key, bytes(block), count)


def counter_iv(salt, ssrc, index):
    return ((int.from_bytes(salt, "big") << 16) ^ (ssrc << 64) ^ (index << 16)).to_bytes(16, "big")


def rtp_header_len(packet):
    length = 12 + 4 * (packet[0] & 15)
    if packet[0] & 16:
        length += 4 + 4 * struct.unpack_from(">H", packet, length + 2)[0]
    return length


class Forged(Exception):
    """The tag is wrong."""


def gcm_rtp_iv(session_salt, ssrc, roc, seq):
    return xor(struct.pack(">HIIH", 0, ssrc, roc, seq), session_salt)  # RFC 7714 section 8.1


def gcm_rtcp_iv(session_salt, ssrc, index):
    return xor(struct.pack(">HIHI", 0, ssrc, 0, index), session_salt)  # RFC 7714 section 9.1


def gcm_open(key, iv, octets, aad):
    try:
        return AESGCM(key).decrypt(iv, octets, aad)
    except InvalidTag as error:
        raise Forged from error


def seal_gcm_rtp(session_key, session_salt, packet, roc):
    seq, _, ssrc = struct.unpack_from(">HII", packet, 2)
    head = rtp_header_len(packet)
    iv = gcm_rtp_iv(session_salt, ssrc, roc, seq)
    return packet[:head] + AESGCM(session_key).encrypt(iv, packet[head:], packet[:head])


def seal_gcm_rtcp(session_key, session_salt, packet, index):
    ssrc, = struct.unpack_from(">I", packet, 4)
    trailer = struct.pack(">I", 0x80000000 | index)
    iv = gcm_rtcp_iv(session_salt, ssrc, index)
    return packet[:8] + AESGCM(session_key).encrypt(iv, packet[8:], packet[:8] + trailer) + trailer


def protect_rtp(suite, master, packet, roc):
    _, key_len, salt_len, tag, _, aead = suite
    key, salt = master[:key_len], master[key_len:]
    seq, = struct.unpack_from(">H", packet, 2)
    ssrc, = struct.unpack_from(">I", packet, 8)
    head = rtp_header_len(packet)
    session_key, session_salt = derive(key, salt, 0, key_len), derive(key, salt, 2, salt_len)
    if aead:
        return seal_gcm_rtp(session_key, session_salt, packet, roc)
    stream = keystream(session_key, counter_iv(session_salt, ssrc, roc << 16 | seq), len(packet) - head)
    sealed = packet[:head] + xor(packet[head:], stream)
    mac = hmac.new(derive(key, salt, 1, 20), sealed + struct.pack(">I", roc), hashlib.sha1).digest()
    return sealed + mac[:tag]


def protect_rtcp(suite, master, packet, index):
    _, key_len, salt_len, _, tag, aead = suite
    key, salt = master[:key_len], master[key_len:]
    ssrc, = struct.unpack_from(">I", packet, 4)
    trailer = struct.pack(">I", 0x80000000 | index)
    session_key, session_salt = derive(key, salt, 3, key_len), derive(key, salt, 5, salt_len)
    if aead:
        return seal_gcm_rtcp(session_key, session_salt, packet, index)
    stream = keystream(session_key, counter_iv(session_salt, ssrc, index), len(packet) - 8)
    sealed = packet[:8] + xor(packet[8:], stream) + trailer
    return sealed + hmac.new(derive(key, salt, 4, 20), sealed, hashlib.sha1).digest()[:tag]


def unprotect_rtp(suite, master, packet, roc=0):
    _, key_len, salt_len, tag, _, aead = suite
    key, salt = master[:key_len], master[key_len:]
    seq, _, ssrc = struct.unpack_from(">HII", packet, 2)
    head = rtp_header_len(packet)
    session_key, session_salt = derive(key, salt, 0, key_len), derive(key, salt, 2, salt_len)
    if aead:
        return packet[:head] + gcm_open(session_key, gcm_rtp_iv(session_salt, ssrc, roc, seq), packet[head:], packet[:head])
    sealed, mac = packet[:-tag], packet[-tag:]
    if hmac.new(derive(key, salt, 1, 20), sealed + struct.pack(">I", roc), hashlib.sha1).digest()[:tag] != mac:
        raise Forged
    stream = keystream(session_key, counter_iv(session_salt, ssrc, roc << 16 | seq), len(sealed) - head)
    return sealed[:head] + xor(sealed[head:], stream)


def unprotect_rtcp(suite, master, packet):
    """What is not encrypted is refused as well."""
    _, key_len, salt_len, _, tag, aead = suite
    key, salt = master[:key_len], master[key_len:]
    ssrc, = struct.unpack_from(">I", packet, 4)
    session_key, session_salt = derive(key, salt, 3, key_len), derive(key, salt, 5, salt_len)
    index = srtcp_index(suite, packet)
    if aead:
        return packet[:8] + gcm_open(session_key, gcm_rtcp_iv(session_salt, ssrc, index), packet[8:-4],
                                     packet[:8] + packet[-4:])
    sealed, mac = packet[:-tag], packet[-tag:]
    if hmac.new(derive(key, salt, 4, 20), sealed, hashlib.sha1).digest()[:tag] != mac:
        raise Forged
    stream = keystream(session_key, counter_iv(session_salt, ssrc, index), len(sealed) - 12)
    return sealed[:8] + xor(sealed[8:-4], stream)


def srtcp_index(suite, packet):
    at = -4 if suite[5] else -4 - suite[4]
    word, = struct.unpack_from(">I", packet, len(packet) + at)
    if not word >> 31:
        raise Forged
    return word & 0x7fffffff


def unencrypted_rtcp(master, packet, index):
    """AEAD_AES_128_GCM with the E flag off: all is associated data (RFC 7714 section 9.3)."""
    key, salt = master[:16], master[16:]
    ssrc, = struct.unpack_from(">I", packet, 4)
    trailer = struct.pack(">I", index)
    iv = xor(struct.pack(">HIHI", 0, ssrc, 0, index), derive(key, salt, 5, 12))
    return packet + AESGCM(derive(key, salt, 3, 16)).encrypt(iv, b"", packet + trailer) + trailer


def rtp(seq, payload, first=0x80, extra=b""):
    return struct.pack(">BBHII", first, 0, seq, 160 * seq & 0xffffffff, 0x1C2B3A44) + extra + payload


def main():
    voice = bytes(range(160))
    packets = [  # in order of sending; the sequence rolls over
        (0, rtp(65534, voice)),
        (0, rtp(65535, voice, 0x82, b"\1\2\3\4\5\6\7\x08")),
        (1, rtp(0, voice[:20], 0x90, b"\xbe\xde\0\1\x10\xaa\0\0")),
        (1, rtp(1, b"")),
    ]
    sr = struct.pack(">BBHI", 0x80, 200, 6, 0x1C2B3A44) + bytes(range(20))
    sdes = struct.pack(">BBHI", 0x81, 202, 2, 0x1C2B3A44) + b"\1\2ab"
    print("# made by srtp.py; suite, key and salt, then: kind, plain, protected")
    for suite in SUITES:
        master = hashlib.shake_128(suite[0].encode()).digest(suite[1] + suite[2])
        print("suite", suite[0], master.hex())
        for roc, packet in packets:
            print("rtp", packet.hex(), protect_rtp(suite, master, packet, roc).hex())
        for index in (1, 2):
            print("rtcp", (sr + sdes).hex(), protect_rtcp(suite, master, sr + sdes, index).hex())


def print_unencrypted():
    """As phone 0 of support_media.c would: key of seed 1, SSRC 0x1000."""
    master = bytes((1 + 11 * i) & 255 for i in range(28))
    packet = unencrypted_rtcp(master, struct.pack(">BBHI", 0x80, 200, 6, 0x1000) + bytes(20), 1)
    print("/* made by srtp.py unencrypted */")
    for i in range(0, len(packet), 16):
        print("    " + " ".join("0x%02x," % octet for octet in packet[i:i + 16]))


def print_roc():
    """Two cases a suite: in the middle of a ROC, and with the roll-over between the keys and one packet late."""
    steps = [60000, 90000, 120000, 150000]
    cases = [
        (steps, [150001, 150002], [150001, 150002]),
        (steps + [180000, 196606], [196609, 196607, 196610], [196609, 196610]),
    ]
    print("# made by srtp.py roc; suite with both keys, then: kind, plain, protected.  old: under the first key;")
    print("# keep: under the second, the ROC goes on; reset: under the second, with ROC 0")
    for suite in SUITES:
        keys = [hashlib.shake_128(suite[0].encode() + which).digest(suite[1] + suite[2]) for which in (b"1", b"2")]
        for old, keep, reset in cases:
            print("suite", suite[0], keys[0].hex(), keys[1].hex())
            for kind, key, indices in (("old", 0, old), ("keep", 1, keep), ("reset", 1, reset)):
                for index in indices:
                    packet = rtp(index & 0xffff, bytes(range(20)))
                    roc = 0 if kind == "reset" else index >> 16
                    print(kind, packet.hex(), protect_rtp(suite, keys[key], packet, roc).hex())


if __name__ != "__main__":
    pass  # tests/e2e speaks SRTP with these functions
elif sys.argv[1:] == ["roc"]:
    print_roc()
elif sys.argv[1:] == ["unencrypted"]:
    print_unencrypted()
else:
    main()
