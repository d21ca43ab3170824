# SPDX-License-Identifier: Apache-2.0
"""What the interoperability tests share: SIP and media programs that we did not write, and what to hear in a recording.

They stand on the laboratory of tests/e2e/harness.py: own loopback addresses for signalling, own certificates, an end
with the test.  A program that sends media from whatever address the kernel gives it (baresip, Kamailio's phones)
does so from 127.0.0.1; its ports are then of a range of this process's own.
"""
import cmath
import glob
import json
import math
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import wave

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "e2e"))
import harness as h  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
CM = "AES_CM_128_HMAC_SHA1_80"
GCM = "AEAD_AES_256_GCM"


def media_ports(lab, n):
    """A range for programs that bind their media ports on every address: beside the daemon's, and others' ranges."""
    first = 33000 + ((lab.x * 256 + lab.y) * 4 + n) % 70 * 100
    return f"{first}-{first + 99}"


def free_pair(lab, n):
    """An even port of that range, with the next one, that nobody has now."""
    first, last = map(int, media_ports(lab, n).split("-"))
    for port in range(first, last, 2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as even, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as odd:
            try:
                even.bind(("", port))
                odd.bind(("", port + 1))
                return port
            except OSError:
                pass
    raise AssertionError(f"no free port from {first} to {last}")


def until(found, what, program=None):
    """Ask again until there is something.  @return it"""
    limit = time.monotonic() + h.LIMIT_S
    while time.monotonic() < limit:
        result = found()
        if result:
            return result
        select.select([], [], [], 0.02)
    raise AssertionError(f"never came: {what}" + ("\n" + "\n".join(program.out.lines[-30:]) if program else ""))


class Program:
    """A foreign program: its output, and its end."""

    def __init__(self, lab, *args, cwd=None, env=None, stdin=subprocess.DEVNULL):
        # stdbuf: many write by lines only to a terminal.
        self.args = args
        self.process = subprocess.Popen(["stdbuf", "-oL", *args], cwd=cwd or lab.dir, env=env, stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                        preexec_fn=lambda: h.end_with_parent(signal.SIGTERM))  # with its own children
        self.out = h.Lines(self.process.stdout)
        lab.own(self)

    def wait(self, limit=h.LIMIT_S):
        """@return the exit code"""
        code = self.process.wait(limit)
        self.out.thread.join(h.LIMIT_S)
        return code

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(h.LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Phone(Program):
    """One that shows its messages."""

    def keys(self):
        """Every key that was in a message it sent or received."""
        return set(re.findall(r"inline:([A-Za-z0-9+/=]+)", self.out.text()))


# ---- baresip ---------------------------------------------------------------------------------------------------------

BARESIP = """sip_listen {host}:5060
sip_certificate {cert}
sip_cafile {ca}
net_interface 127.0.0.1
rtp_ports {ports}
rtcp_mux no
audio_source ausine,{tone}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
ausrc_srate 48000
ausrc_channels 2
auplay_srate 48000
auplay_channels 2
audio_path /nonexistent
ringback_disabled yes
menu_bell no
statmode_default off
snd_path {folder}
ctrl_tcp_listen {host}:4444
module_path {modules}
module g711.so
module sndfile.so
module aubridge.so
module ausine.so
module srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
"""


class Baresip(Phone):
    """A baresip phone on TLS: sends a sine, records what it hears (sndfile), is commanded over ctrl_tcp."""

    def __init__(self, lab, user, host, cert, tone, n, domain=None, options="regint=0", mediaenc="srtp-mand", answer="auto"):
        self.folder = lab.path(f"baresip-{n}")
        os.mkdir(self.folder)
        text = BARESIP.format(host=host, cert=lab.cert(cert), ca=lab.path("pki", "ca.pem"), ports=media_ports(lab, n),
                              tone=tone, folder=self.folder, modules=baresip_modules())
        account = f"<sip:{user}@{domain or host + ':5061'};transport=tls>;{options};answermode={answer};audio_codecs=PCMU"
        account += f";mediaenc={mediaenc}" if mediaenc else ""
        for name, content in (("config", text), ("accounts", account + "\n"), ("contacts", "\n")):
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(content)
        super().__init__(lab, "baresip", "-f", self.folder, "-s")
        self.out.wait("baresip is ready")
        self.control = socket.create_connection((host, 4444), h.LIMIT_S)
        self.buffer, self.events = b"", []

    def stop(self):
        super().stop()
        self.control.close()

    def next_message(self):
        """A netstring with JSON in it."""
        while True:
            head, colon, rest = self.buffer.partition(b":")
            if colon and len(rest) > int(head):
                length = int(head)
                self.buffer = rest[length + 1:]
                return json.loads(rest[:length])
            more = self.control.recv(65536)
            assert more, "baresip ended:\n" + "\n".join(self.out.lines[-30:])
            self.buffer += more

    def command(self, command, params=""):
        text = json.dumps({"command": command, "params": params, "token": command}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))
        while True:
            message = self.next_message()
            if message.get("response"):
                assert message["ok"], message
                return
            self.events.append(message)

    def event(self, kind):
        """The next event of this kind; those before it are skipped."""
        seen, limit = [], time.monotonic() + h.LIMIT_S
        while time.monotonic() < limit:
            message = self.events.pop(0) if self.events else self.next_message()
            if message.get("type") == kind:
                return message
            seen.append(message.get("type"))
        raise AssertionError(f"no {kind}, but {seen}")

    def dial(self, lab, number):
        self.command("dial", f"sip:{number}@{lab.host}:5061")

    def hears(self, seconds, kind="dec"):
        """Wait until so much was recorded of what came; kind "enc": of what it sent.  @return the file"""
        def long_enough():
            for path in glob.glob(os.path.join(self.folder, f"dump-*-{kind}.wav")):
                if os.path.getsize(path) > seconds * 8000 * 2:
                    return path
        return until(long_enough, f"{seconds} s of sound", self)


def baresip_modules():
    """/usr/lib/baresip/modules, or a folder of the architecture under /usr/lib."""
    return os.path.dirname(sorted(glob.glob("/usr/lib/baresip/modules/srtp.so") +
                                  glob.glob("/usr/lib/*/baresip/modules/srtp.so"))[0])


# ---- stunnel and SIPp ------------------------------------------------------------------------------------------------

class Stunnel(Program):
    """TLS for a program that has none.  @client: connects to @connect with our certificate; else the server side"""

    def __init__(self, lab, cert, accept, connect, client, local=None):
        path = lab.path(f"stunnel-{cert}-{'client' if client else 'server'}.conf")
        with open(path, "w") as f:
            f.write(f"foreground = yes\nsyslog = no\npid =\n[sip]\nclient = {'yes' if client else 'no'}\n"
                    f"accept = {accept}\nconnect = {connect}\ncert = {lab.cert(cert)}\nCAfile = {lab.path('pki', 'ca.pem')}\n"
                    f"verifyChain = yes\nsslVersionMin = TLSv1.2\n" + (f"local = {local}\n" if local else ""))
        super().__init__(lab, shutil.which("stunnel4") or "stunnel", path)
        self.out.wait("Configuration successful")


class Sipp(Program):
    """One scenario of sipp/, on one TCP connection for all its calls."""

    def __init__(self, lab, scenario, host, port, remote=None, calls=1, rate=10, at_once=1):
        self.host, self.name = host, scenario
        self.folder = lab.path(f"sipp-{scenario}-{port}")
        os.mkdir(self.folder)
        super().__init__(lab, "sipp", *([remote] if remote else []), "-sf", os.path.join(HERE, "sipp", scenario + ".xml"),
                         "-i", host, "-p", str(port), "-t", "t1", "-m", str(calls), "-r", str(rate), "-l", str(at_once),
                         "-s", "9898", "-key", "gatehouse", lab.host, "-key", "contact", lab.b_host,
                         "-inf", self.keys_file(calls),
                         "-nostdin", "-nd", "-timeout", f"{int(h.LIMIT_S) + 30}", "-timeout_error", "-recv_timeout", "20000",
                         "-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages",
                         cwd=self.folder)

    def keys_file(self, calls):
        """A fresh key for every call, in the first column of an injection file."""
        self.keys = [h.base64_key() for _ in range(calls)]
        path = os.path.join(self.folder, "keys.csv")
        with open(path, "w") as f:
            f.write("SEQUENTIAL\n" + "".join(key + "\n" for key in self.keys))
        return path

    def listening(self):
        until(lambda: is_listening(self.host, int(self.args[self.args.index("-p") + 1])), f"a listening {self.name}")

    def finish(self):
        """Every call of the scenario went as written."""
        code = self.wait(h.LIMIT_S + 60)
        if code:
            raise AssertionError(f"sipp {self.name} ended with {code}:\n{self.read('errors')[-3000:]}\n"
                                 + "\n".join(self.out.lines[-5:]))

    def read(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as f:
            return f.read()


def is_listening(host, port, kind="tcp"):
    """Looked up, not tried: a connection that comes and goes would be a call to some."""
    places = ["%08X:%04X" % (int.from_bytes(socket.inet_aton(address), "little"), port) for address in (host, "0.0.0.0")]
    with open("/proc/net/" + kind) as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return any(row[1] in places and (kind == "udp" or row[3] == "0A") for row in rows)


# ---- Kamailio --------------------------------------------------------------------------------------------------------

class Kamailio(Program):
    """CUCM10, with the rules of kamailio/kamailio.cfg."""

    def __init__(self, lab):
        folder = lab.path("kamailio")
        os.mkdir(folder)
        words = {"HERE": lab.b_host, "GATEHOUSE": lab.host, "FOLDER": folder, "PKI": lab.path("pki")}
        for name in ("kamailio.cfg", "tls.cfg"):
            with open(os.path.join(HERE, "kamailio", name)) as f:
                text = f.read()
            for word, value in words.items():
                text = text.replace(word, value)
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        # In the foreground; its workers are its children, and end with it.
        super().__init__(lab, "kamailio", "-DD", "-E", "-f", os.path.join(folder, "kamailio.cfg"), "-Y", folder, "-m", "32")
        until(lambda: is_listening(lab.b_host, 5061), "a listening Kamailio", self)


# ---- ffmpeg ----------------------------------------------------------------------------------------------------------

FFMPEG = ("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning")


class FfmpegSender(Program):
    """A sine as PCMU under SRTP of its own, RTCP reports beside it."""

    def __init__(self, lab, host, port, remote, key, tone, seconds):
        address = f"srtp://{remote[0]}:{remote[1]}?localaddr={host}&localrtpport={port}&localrtcpport={port + 1}"
        super().__init__(lab, *FFMPEG, "-re", "-f", "lavfi", "-i", f"sine=frequency={tone}:sample_rate={RATE}:duration={seconds}",
                         "-af", "volume=8", "-c:a", "pcm_mulaw", "-ac", "1", "-payload_type", "0", "-f", "rtp",
                         "-srtp_out_suite", CM, "-srtp_out_params", key, address)


class FfmpegReceiver(Program):
    """Records so many seconds of PCMU under SRTP."""

    def __init__(self, lab, host, port, key, seconds):
        self.path = lab.path(f"heard-{port}.wav")
        text = f"v=0\no=- 1 1 IN IP4 {host}\ns=-\nc=IN IP4 {host}\nt=0 0\nm=audio {port} RTP/SAVP 0\na=crypto:1 {CM} inline:{key}\n"
        with open(lab.path(f"heard-{port}.sdp"), "w") as f:
            f.write(text)
        super().__init__(lab, *FFMPEG, "-protocol_whitelist", "file,rtp,udp,srtp", "-i", lab.path(f"heard-{port}.sdp"),
                         "-t", str(seconds), "-c:a", "pcm_s16le", self.path)
        until(lambda: is_listening(host, port, "udp"), "a listening ffmpeg", self)

    def heard(self):
        code = self.wait()
        assert code == 0, f"ffmpeg ended with {code}:\n{self.out.text()}"
        return read_wav(self.path)


# ---- sound -----------------------------------------------------------------------------------------------------------

RATE = 8000
WINDOW = 2048  # samples: 256 ms, 4 Hz apart


def fft(x):
    """Cooley and Tukey, radix 2."""
    n = len(x)
    if n == 1:
        return x
    even, odd = fft(x[0::2]), fft(x[1::2])
    turned = [cmath.exp(-2j * cmath.pi * k / n) * odd[k] for k in range(n // 2)]
    return [e + t for e, t in zip(even, turned)] + [e - t for e, t in zip(even, turned)]


HANN = [0.5 - 0.5 * math.cos(2 * math.pi * i / WINDOW) for i in range(WINDOW)]


def tones(samples):
    """Of each window that is not silent: the strongest frequency, and whether it is alone."""
    found = []
    for at in range(0, len(samples) - WINDOW + 1, WINDOW):
        window = samples[at:at + WINDOW]
        if max(map(abs, window)) < 500:
            continue
        power = [abs(value) ** 2 for value in fft([s * w for s, w in zip(window, HANN)])[:WINDOW // 2]]
        peak = max(range(1, len(power)), key=power.__getitem__)
        # A pure tone has its energy in the bins round the peak; noise, as of a wrong key, has it everywhere.
        pure = sum(power[max(0, peak - 3):peak + 4]) > 0.9 * sum(power)
        found.append((peak * RATE / WINDOW, pure))
    return found


def ulaw(octets):
    """ITU-T G.711 mu-law to linear samples."""
    out = []
    for octet in octets:
        octet = ~octet & 0xff
        value = ((octet & 15) * 8 + 132 << (octet >> 4 & 7)) - 132
        out.append(-value if octet & 0x80 else value)
    return out


def read_wav(path):
    """Samples of a recording, 16 bit, 8 kHz, one channel; one that is not closed yet has no lengths in its header."""
    with open(path, "rb") as f:
        octets = f.read()
    try:
        with wave.open(path) as f:
            assert (f.getframerate(), f.getnchannels(), f.getsampwidth()) == (RATE, 1, 2), path
    except EOFError:
        pass
    octets = octets[octets.index(b"data") + 8:]
    return [int.from_bytes(octets[i:i + 2], "little", signed=True) for i in range(0, len(octets) - 1, 2)]


def check_tone(case, samples, frequency, seconds, clean=0.75):
    """For so long this tone is what is heard, and nothing else; the first and the last window that sound may be cut.
    Some windows may have a gap, as a phone on a busy machine makes: this part of them is @clean.  A gap moves the peak,
    but not out of the width that Hann's window gives it, which is four bins."""
    heard = tones(samples)
    inner = heard[1:-1]
    case.assertGreaterEqual(len(inner), int(seconds * RATE / WINDOW) - 2, heard)
    for tone, pure in inner:
        case.assertLessEqual(abs(tone - frequency), 5 if pure else 4 * RATE / WINDOW, f"{frequency} Hz expected: {heard}")
    case.assertGreaterEqual(sum(pure for _, pure in inner), clean * len(inner), heard)


# ---- what was written ------------------------------------------------------------------------------------------------

def check_no_key(case, lab, keys):
    """No key that was in a message is in the log, the ledger or the trace."""
    case.assertTrue(keys)
    written = {"log": lab.log.text()}
    for path in [lab.path("trace")] + [os.path.join(lab.audit, n) for n in os.listdir(lab.audit)]:
        with open(path, errors="replace") as f:
            written[path] = f.read()
    for where, text in written.items():
        for key in keys:
            case.assertNotIn(key, text, where)
