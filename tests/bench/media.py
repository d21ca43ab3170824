# SPDX-License-Identifier: Apache-2.0
"""What a forwarded packet and an idle call cost, gatehouse beside rtpengine: the same load, alternately, in one run.

usage: media.py BUILD_DIR [smoke] [options]

The relay under test has core 0 and one media thread, the load (generator/) has core 1: both ends of each call, which
authenticate, decrypt and compare every packet.  gatehouse's calls come by SIP over mutual TLS, rtpengine's by its ng
protocol.  CPU is that of the whole relay process while packets are measured, per packet that arrived; "quiet" is the lower
quartile of its quarter seconds, for where others disturb.  Latency is from
send() at one end to the arrival at the other end's socket.  Time is told, not judged.  A packet that is lost, wrong,
twice, late or at another call's end is told loudly, and makes exit code 1.
"""
import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import account  # noqa: E402
import harness as h  # noqa: E402
import load  # noqa: E402

# Suites of caller and callee; what gatehouse's trunks say for it.
MODES = {
    "rtp": ("RTP to RTP", "rtp,rtp", {"CUCMA": "srtp: off", "CUCM10": "srtp: off"}),
    "srtp-rtp": ("SRTP to RTP", "cm80,rtp", {"CUCM10": "srtp: off"}),
    "pass": ("SRTP to SRTP, one suite", "cm80,cm80", {}),
    "bridge": ("SRTP to SRTP, two suites", "cm80,gcm256", {}),
}
GOALS = {"rtp": 0.55, "srtp-rtp": 0.45, "pass": 0.5, "bridge": 0.4}
P99_GOAL, KIB_GOAL = 0.5, 20
PACKET_S = 50            # packets a second of one stream, unless there are too many or too few streams
CURVE = (100, 400, 1000, 2000, 4000)
IDLE_CALLS = 2000
SETUP_RATE = 200         # calls a second
DESCRIPTORS = 65536
NG_PORT = 2223
WAITED_MAX = 0.02        # of the time: a relay that waits longer for its core measures its neighbours
WRONG = ("send_failed", "auth_failed", "garbled", "disordered", "crossed")


def ask_for_priority():
    """Others are to keep off the cores.  Where there are autogroups, a session's says what a process' priority is worth."""
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    os.setsid()
    with open("/proc/self/autogroup", "w") as f:
        f.write("-20")


def prepared(*cores):
    """For the child: its cores; and where that may be had, descriptors for thousands of calls, and priority."""
    on_cores = load.on_cores(*cores)

    def prepare():
        for ask in (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS)), ask_for_priority):
            try:
                ask()
            except (ValueError, OSError):
                pass  # calls that need more are refused, waiting for the core is measured: both are told
        on_cores()
    return prepare


class Gatehouse(load.Lab):
    name = "gatehouse"

    def __init__(self, mode, workers=1):
        # Few connections, so that RLIMIT_NOFILE leaves descriptors for thousands of streams.
        super().__init__(trunk_options=MODES[mode][2], media=f", workers: {workers}",
                         top="limits: {max_connections: 64}\n")
        self.suites, self.workers = MODES[mode][1], workers

    def prepare(self):
        return prepared(*range(self.workers))

    def arguments(self):
        return ["--relay", f"{self.host}:5061", "--ca", self.path("pki", "ca.pem"), "--a", self.a_host, "--a-cert",
                self.cert("CUCMA"), "--b", f"{self.b_host}:5061", "--b-cert", self.cert("CUCM10")]


class Rtpengine:
    """Debian's, in user space, with its defaults but for the number of threads."""
    name = "rtpengine"

    def __init__(self, mode, workers=1):
        self.suites, self.workers = MODES[mode][1], workers
        x, y = h.lab_number()
        self.host, self.a_host, self.b_host = (f"127.{x}.{y}.{n}" for n in (1, 2, 3))
        self.dir = tempfile.mkdtemp(prefix="gatehouse-rtpengine-")
        self.daemon = None

    def __enter__(self):
        with open(os.path.join(self.dir, "log"), "w") as log:
            self.daemon = subprocess.Popen(
                ["rtpengine", "--config-file=none", "--table=-1", f"--interface={self.host}",
                 f"--listen-ng={self.host}:{NG_PORT}", "--foreground", "--log-stderr", "--log-level=3",
                 f"--num-threads={self.workers}", "--delete-delay=0", "--port-min=20000", "--port-max=29999"],
                cwd=self.dir, stdout=log, stderr=log, preexec_fn=prepared(*range(self.workers)))
        try:
            self.await_pong()
        except BaseException:
            self.__exit__()
            raise
        return self

    def await_pong(self):
        limit = time.monotonic() + h.LIMIT_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ng:
            ng.settimeout(0.1)
            ng.connect((self.host, NG_PORT))
            while True:
                assert self.daemon.poll() is None and time.monotonic() < limit, \
                    open(os.path.join(self.dir, "log")).read()
                try:
                    ng.send(b"p d7:command4:pinge")
                    ng.recv(256)
                    return
                except OSError:
                    time.sleep(0.05)

    def __exit__(self, *_):
        self.daemon.terminate()
        try:
            self.daemon.wait(h.LIMIT_S)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def arguments(self):
        return ["--ng", f"{self.host}:{NG_PORT}", "--a", self.a_host, "--b", self.b_host]


class Faults:
    """What was not as it must be; each is told where it was found and makes the run fail."""

    def __init__(self):
        self.count = 0

    def check(self, name, report, calls):
        lost = sum(report["sent"]) - sum(report["received"])
        wrong = {word: report[word] for word in WRONG if report[word]}
        found = []
        if report["answered"] != calls or report["ended"] != calls:
            found.append(f"{report['answered']} of {calls} calls answered, {report['ended']} ended")
        if lost:
            found.append(f"LOST {lost} of {sum(report['sent'])} packets, on {report['streams_with_loss']} streams")
        if wrong:
            found.append("WRONG packets: " + ", ".join(f"{n} {word}" for word, n in wrong.items()))
        for text in found:
            print(f"  !! {name}: {text}")
        self.count += len(found)


def measure(relay_class, mode, args, faults, calls, packet_ms, *more, samples=None):
    """One relay, started for it, under one load.  @samples  a file for those of perf  @return the generator's report"""
    with relay_class(mode, args.workers) as relay:
        generator = subprocess.Popen(
            [os.path.join(h.BUILD, "load-generator"), *relay.arguments(), "--suites", relay.suites, "--watch",
             str(relay.daemon.pid), "--calls", str(calls), "--rate", str(SETUP_RATE), "--packet-ms", str(packet_ms),
             *(str(m) for m in more)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=prepared(1))
        if samples and generator.stdout.readline() == "measuring\n":
            account.sample(relay.daemon.pid, samples, args.seconds / 2)
        lines = generator.stdout.read().splitlines()
        assert generator.wait() == 0 and lines, f"the generator ended with {generator.returncode}"
        report = json.loads(lines[-1])
        faults.check(f"{mode}, {relay.name}", report, calls)
    waited = report["relay"]["waited_s"] / args.seconds
    if waited > WAITED_MAX:
        print(f"  ?? {mode}, {relay_class.name}: waited {100 * waited:.0f} % of the time for its core, others had it")
    report["us"] = report["relay"]["cpu_s"] * 1e6 / max(1, sum(report["received"]))
    return report


def packets(relay_class, mode, args, faults, streams, **more):
    rate = min(args.rate, PACKET_S * streams) if args.rate == RATE else args.rate
    return measure(relay_class, mode, args, faults, streams // 2, max(1, round(1000 * streams / rate)),
                   "--settle", args.settle, "--measure", args.seconds, *(["--spin"] if args.spin else []), **more)


def spread(values, form="{:.2f}"):
    middle, least, most = statistics.median(values), min(values), max(values)
    return form.format(middle) + (f" ({form.format(least)}-{form.format(most)})" if len(values) > 1 else "")


def quiet(reports):
    slices = [us for report in reports for us in report["relay"]["slices_us"]]
    return statistics.quantiles(slices, n=4)[0] if len(slices) > 1 else 0


def compare_modes(relays, args, faults):
    print(f"\nA forwarded packet: {args.streams} streams, {args.rate} packets/s, 160 octets of payload, "
          f"{args.seconds:g} s, {args.rounds} rounds; median (least-most)")
    print(f"{'':26}{'relay':12}{'CPU us/packet':20}{'quiet':8}{'p50 us':16}{'p99 us':20}packets")
    for mode in args.modes:
        got = {relay: [] for relay in relays}
        for _ in range(args.rounds):
            for relay in relays:
                got[relay].append(packets(relay, mode, args, faults, args.streams))
        for relay in relays:
            reports = got[relay]
            print(f"{MODES[mode][0]:26}{relay.name:12}{spread([r['us'] for r in reports]):20}{quiet(reports):<8.2f}"
                  f"{spread([r['delay_us']['p50'] for r in reports], '{:.0f}'):16}"
                  f"{spread([r['delay_us']['p99'] for r in reports], '{:.0f}'):20}"
                  f"{sum(sum(r['received']) for r in reports)}", flush=True)
        if len(relays) == 2:
            pairs = [pair for pair in zip(*got.values()) if all(sum(report["received"]) for report in pair)]
            if not pairs:
                continue
            cpu = spread([a["us"] / b["us"] for a, b in pairs])
            p99 = spread([a["delay_us"]["p99"] / b["delay_us"]["p99"] for a, b in pairs])
            calm = quiet(got[relays[0]]) / quiet(got[relays[1]])
            print(f"{'':26}{'ratio':12}{cpu:20}{calm:<8.2f}{'':16}{p99:20}goals: CPU {GOALS[mode]}, p99 {P99_GOAL}", flush=True)


def compare_accounts(relays, args, faults):
    print(f"\nWhere it goes: samples of perf in {args.seconds:g} s, {args.streams} streams, {args.rate} packets/s; "
          f"us a packet, and share")
    for mode in args.modes:
        print(f"{MODES[mode][0]:26}" + "".join(f"{relay.name:>18}" for relay in relays))
        found = []
        for relay in relays:
            with tempfile.NamedTemporaryFile(prefix="gatehouse-perf-") as samples:
                us = packets(relay, mode, args, faults, args.streams, samples=samples.name)["us"]
                shares, count = account.read(samples.name)
            assert count, "perf took no sample"
            found.append((us, shares))
        for part in account.PARTS:
            if any(shares[part] for _, shares in found):
                print(f"  {part:24}" + "".join(f"{us * shares[part]:>10.2f} {100 * shares[part]:>5.1f} %"
                                               for us, shares in found), flush=True)


def compare_curve(relays, args, faults):
    mode = args.curve_mode
    print(f"\nBy the number of streams ({MODES[mode][0]}): CPU us/packet, at {PACKET_S} packets/s a stream but at most "
          f"{args.rate} in all")
    print(f"{'streams':>9}" + "".join(f"{relay.name:>12}" for relay in relays) + ("       ratio" if relays[1:] else ""))
    for streams in args.curve:
        costs = [packets(relay, mode, args, faults, streams)["us"] for relay in relays]
        print(f"{streams:>9}" + "".join(f"{cost:>12.2f}" for cost in costs) +
              (f"{costs[0] / costs[1]:>12.2f}" if relays[1:] else ""), flush=True)


def compare_idle(relays, args, faults):
    calls = args.idle
    print(f"\nIdle: {calls} bridged SRTP calls, each after packets both ways")
    print(f"{'':12}{'KiB a call':12}{'CPU ms/s idle':16}CPU ms to set one up, with its first packets")
    for relay in relays:
        report = measure(relay, "bridge", args, faults, calls, 500, "--settle", 2, "--measure", args.seconds, "--quiet")
        empty, before, _ = report["relay"]["rss_kib"]
        print(f"{relay.name:12}{(before - empty) / calls:<12.1f}{report['relay']['cpu_s'] / args.seconds * 1e3:<16.1f}"
              f"{report['relay']['setup_cpu_s'] / calls * 1e3:.2f}"
              + (f"      goal: at most {KIB_GOAL} KiB" if relay is Gatehouse else ""), flush=True)


RATE = 50000


def parse():
    def numbers(text):
        return [int(word) for word in text.split(",") if word]

    parser = argparse.ArgumentParser(prog="tools/bench media", description="What a packet and an idle call cost.")
    parser.add_argument("--modes", type=lambda text: text.split(","), default=list(MODES), help=",".join(MODES))
    parser.add_argument("--streams", type=int, default=1000, help="two a call (1000)")
    parser.add_argument("--rate", type=int, default=RATE, help=f"packets a second of all streams ({RATE})")
    parser.add_argument("--seconds", type=float, default=10, help="measured, each time (10)")
    parser.add_argument("--settle", type=float, default=4, help="before that (4)")
    parser.add_argument("--rounds", type=int, default=3, help="of gatehouse, then rtpengine, in each mode (3)")
    parser.add_argument("--curve", type=numbers, default=CURVE, help="numbers of streams; '' leaves it out")
    parser.add_argument("--curve-mode", choices=MODES, default="bridge")
    parser.add_argument("--idle", type=int, default=IDLE_CALLS, help=f"calls ({IDLE_CALLS}); 0 leaves it out")
    parser.add_argument("--workers", type=int, default=1, choices=(1, 2),
                        help="media threads of the relay (1); 2: on both cores, one of which is the load's too")
    parser.add_argument("--account", action="store_true", help="and where the time goes, by perf: one more run a mode")
    parser.add_argument("--alone", action="store_true", help="gatehouse without rtpengine")
    parser.add_argument("--spin", action="store_true", help="the load never sleeps, so that no relay pays for waking it")
    words = sys.argv[2:]
    if words[:1] == ["smoke"]:  # right or wrong, and quick
        words = ["--alone", "--streams", "20", "--rate", "1000", "--seconds", "1", "--settle", "0.5", "--rounds", "1",
                 "--curve", "", "--idle", "10", *words[1:]]
    args = parser.parse_args(words)
    for mode in args.modes:
        if mode not in MODES:
            parser.error(f"no such mode: {mode}")
    if args.account and account.missing():
        parser.error(f"--account: {account.missing()}")
    return args


def main():
    args, faults = parse(), Faults()
    relays = [Gatehouse, Rtpengine]
    if args.alone or not shutil.which("rtpengine"):
        relays = [Gatehouse]
        if not args.alone:
            print("rtpengine is not installed: gatehouse alone")
    compare_modes(relays, args, faults)
    if args.account:
        compare_accounts(relays, args, faults)
    if args.curve:
        compare_curve(relays, args, faults)
    if args.idle:
        compare_idle(relays, args, faults)
    print(f"\nload average {open('/proc/loadavg').read().rpartition(' ')[0]}")
    print("result: " + (f"FAILED: {faults.count} times calls or packets were lost or wrong" if faults.count else
                        "every call was answered, every packet arrived once, authentic, and as it was sent"))
    return 1 if faults.count else 0


if __name__ == "__main__":
    sys.exit(main())
