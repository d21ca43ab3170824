# SPDX-License-Identifier: Apache-2.0
"""gatehouse under load, on loopback: mutual TLS and SRTP on both sides of every call.

usage: load.py BUILD_DIR load  [CALLS [SECONDS [CALLS_PER_SECOND]]]      500 calls at once for 60 s, 50 a second
       load.py BUILD_DIR calls [CALLS_PER_SECOND [SECONDS [HOLD]]]       200 new calls a second for 60 s, each 1 s

gatehouse runs on core 0, as it is deployed: without a trace, its log in a file.  The neighbours (generator/) run on
core 1, each with one TLS connection.  load: after 5 s of settling, every packet that is sent must arrive, be
authentic and say what was sent.  calls: every INVITE gets its 200, 99 of 100 within 100 ms.  Exit 1 when not.
"""
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import harness as h  # noqa: E402

P99_MS = 100
PACKETS_S = 50
# Who sends less than this, is so late, or waits so long for a core, measures the machine and not gatehouse.
OFFERED_MIN, STARVED_MS, WAITED_MAX = 0.99, 200, 0.02


def on_cores(*cores):
    """For the child: it and its threads stay on those cores, if there are two; it ends when we do."""
    def prepare():
        h.end_with_parent()
        if os.cpu_count() > 1:
            os.sched_setaffinity(0, cores)
    return prepare


class Lab(h.Lab):
    """The daemon as it is deployed: no trace, its log in a file that nobody reads meanwhile."""
    cat = None

    def prepare(self):
        """For the daemon, before it is executed."""
        return on_cores(0)

    def start(self):
        # Unbuffered: what is not read here is left in the pipe.
        self.daemon = subprocess.Popen([os.path.join(h.BUILD, "gatehouse"), "run", "lab.yaml"], cwd=self.dir, bufsize=0,
                                       stderr=subprocess.PIPE, preexec_fn=self.prepare())
        with open(self.path("log"), "wb", buffering=0) as log, self.daemon.stderr as lines:
            for line in iter(lines.readline, b""):
                log.write(line)
                if b" main  start " in line:
                    self.cat = subprocess.Popen(["cat"], stdin=lines, stdout=log)
                    return
        raise AssertionError("gatehouse did not start:\n" + open(self.path("log")).read())

    def stop_daemon(self):
        if self.daemon:
            self.daemon.terminate()
            code = self.daemon.wait(h.LIMIT_S)
            self.daemon = None
            if self.cat:  # else it never started, which start() says
                self.cat.wait(h.LIMIT_S)
            lines = open(self.path("log")).read().split("\n")
            h.check_reports("gatehouse", lines)
            assert code == 0, f"gatehouse ended with {code}:\n" + "\n".join(lines[-40:])

    def generator(self, *more):
        return subprocess.Popen(
            [os.path.join(h.BUILD, "load-generator"), "--ca", self.path("pki", "ca.pem"), "--relay",
             f"{self.host}:5061", "--a", self.a_host, "--a-cert", self.cert("CUCMA"), "--b", f"{self.b_host}:5061",
             "--b-cert", self.cert("CUCM10"), *(str(m) for m in more)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=on_cores(1))

    def cpu_seconds(self):
        fields = open(f"/proc/{self.daemon.pid}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self):
        return next(int(line.split()[1]) for line in open(f"/proc/{self.daemon.pid}/status") if "VmRSS" in line)

    def socket_drops(self, *hosts):
        """What the kernel dropped at the sockets that are open on these addresses."""
        hosts = {"%02X%02X%02X%02X" % tuple(int(part) for part in reversed(host.split("."))) for host in hosts}
        rows = [line.split() for line in open("/proc/net/udp").readlines()[1:]]
        return sum(int(row[-1]) for row in rows if row[1].partition(":")[0] in hosts)


def waited_s(pid):
    """How long its worst thread was ready to run and did not: others had the core."""
    def waited(thread):
        return int(open(f"/proc/{pid}/task/{thread}/schedstat").read().split()[1]) / 1e9
    return max(waited(thread) for thread in os.listdir(f"/proc/{pid}/task"))


def rcvbuf_errors():
    names, values = [line.split() for line in open("/proc/net/snmp") if line.startswith("Udp:")]
    return int(values[names.index("RcvbufErrors")])


def say(name, text):
    print(f"{name:<17}{text}")


def per_call(ends):
    """What the records say: grades, packets that came, and those that were dropped, by cause."""
    drops, packets = collections.Counter(), 0
    for end in ends:
        for leg in end["legs"]:
            for stream in leg.get("streams", []):
                packets += stream["rx"]["packets"]
                drops += {k: v for k, v in stream["rx"].items() if isinstance(v, int) and
                          k not in ("packets", "authenticated", "authenticated_rtcp")}
    return collections.Counter(end["grade"] for end in ends), packets, drops


def finish(lab, generator, calls):
    """Was it good; the generator's report; what gatehouse has used by then."""
    report = json.loads(generator.stdout.read().splitlines()[-1])
    assert generator.wait() == 0
    cpu = lab.cpu_seconds()
    lab.wait_record("call.end", report["answered"])
    grades, packets, drops = per_call(lab.records("call.end"))
    late = open(lab.path("log")).read().count("record_late")
    a, b = ("sent {0}, received {1}, missing {2}".format(report["sent"][i], report["received"][i],
                                                          report["sent"][i] - report["received"][i]) for i in (0, 1))
    answer, delay = report["answer_ms"], report["delay_us"]
    say("calls", f"{report['answered']} of {calls} answered, {report['ended']} ended, {report['refused']} refused, "
                 f"{report['repeated']} 200s repeated; over {report['connections']} TLS connections")
    say("INVITE to 200", f"half within {answer['p50']} ms, 99 of 100 within {answer['p99']} ms, all within "
                         f"{answer['max']} ms")
    say("caller to called", a)
    say("called to caller", b)
    say("delay", f"half within {delay['p50']:.0f} us, 99 of 100 within {delay['p99']:.0f} us, all within "
                 f"{delay['max']:.0f} us")
    say("at the ends", f"{report['auth_failed']} not authentic, {report['garbled']} garbled, {report['send_failed']} "
                       f"not sent, at most {report['late_max_ms']} ms late; {report['cpu_s']} s CPU")
    say("dropped", f"by gatehouse: {dict(drops) or 'nothing'}")
    say("grades", f"{dict(grades)}" + (f"; {late} records late" if late else ""))
    say("cost", f"{cpu:.1f} s CPU of gatehouse: {cpu / calls * 1e3:.2f} ms a call with its media, "
                f"{cpu / max(packets, 1) * 1e6:.1f} us a packet with its signalling")
    good = (report["answered"] == report["ended"] == calls and report["sent"] == report["received"] and
            report["auth_failed"] + report["garbled"] == 0 and grades == {"hop_by_hop": calls})
    return good, report


def load(calls=500, seconds=60, rate=50):
    with Lab() as lab:
        idle, errors = lab.rss_kib(), rcvbuf_errors()
        generator = lab.generator("--calls", calls, "--rate", rate, "--measure", seconds)
        assert [generator.stdout.readline() for _ in range(2)] == ["measuring\n", "measured\n"]
        drops, full = lab.socket_drops(lab.host), lab.rss_kib()
        deaf, errors = lab.socket_drops(lab.a_host, lab.b_host), rcvbuf_errors() - errors
        waited = [waited_s(process.pid) for process in (lab.daemon, generator)]
        generator.stdin.close()
        good, report = finish(lab, generator, calls)
    offered = sum(report["sent"]) / (2 * calls * seconds * PACKETS_S)
    good = good and drops == deaf == 0
    report["starved"] = offered < OFFERED_MIN or (not good and max(waited) > WAITED_MAX * seconds)
    say("kernel", f"dropped {drops} at gatehouse's sockets, {deaf} at the generator's; RcvbufErrors of the whole "
                  f"machine {errors}")
    say("memory", f"{(full - idle) / calls:.1f} KiB a call")
    say("offered", f"{100 * offered:.1f} % of {PACKETS_S} packets a second and stream; gatehouse waited "
                   f"{waited[0]:.1f} s for its core, the generator {waited[1]:.1f} s")
    return good, report


def calls_a_second(rate=200, seconds=60, hold=1):
    calls = rate * seconds
    with Lab(ports="20000-32767") as lab:
        errors = rcvbuf_errors()
        good, report = finish(lab, lab.generator("--calls", calls, "--rate", rate, "--hold", hold), calls)
    report["starved"] = not good and report["late_max_ms"] > STARVED_MS
    say("kernel", f"RcvbufErrors of the whole machine {rcvbuf_errors() - errors}")
    return good and report["answer_ms"]["p99"] < P99_MS, report


def main():
    run = {"load": load, "calls": calls_a_second}[sys.argv[2]]
    good, report = run(*(int(argument) for argument in sys.argv[3:]))
    say("load average", open("/proc/loadavg").read().rpartition(" ")[0])
    if report["starved"]:
        say("result", "VOID: others had the cores; run this on a machine that does nothing else")
    else:
        say("result", "good" if good else "FAILED")
    return 0 if good and not report["starved"] else 1


if __name__ == "__main__":
    sys.exit(main())
