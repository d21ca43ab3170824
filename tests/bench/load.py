# SPDX-License-Identifier: Apache-2.0
"""Calls at once through the daemon: SRTP on both sides, 50 packets a second a stream, nothing may be lost.

usage: load.py BUILD_DIR [CALLS [SECONDS [CALLS_PER_SECOND]]]

gatehouse runs on core 0, the phones (libre) on core 1.  Prints what was sent and received in each direction,
what the record says, and what it cost; exit 1 when a packet is missing or a call is not graded hop_by_hop.
"""
import collections
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import harness as h  # noqa: E402


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_kib(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))


def pin(process, core):
    if os.cpu_count() > 1:
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            os.sched_setaffinity(int(thread), {core})


def rcvbuf_errors():
    names, values = [line.split() for line in open("/proc/net/snmp") if line.startswith("Udp:")]
    return int(values[names.index("RcvbufErrors")])


def main():
    calls, seconds, rate = (int(a) for a in (sys.argv[2:] + ["100", "60", "50"][len(sys.argv) - 2:])[:3])
    with h.Lab() as lab:
        pin(lab.daemon, 0)
        more = ["--seconds", str(seconds)]
        callee = lab.callee(*more)
        pin(callee.process, 1)
        idle, lost_before = rss_kib(lab.daemon.pid), rcvbuf_errors()
        caller = lab.caller("--calls", str(calls), "--rate", str(rate), *more)
        pin(caller.process, 1)
        lab.log.wait("to=up", calls, limit=120)
        full = rss_kib(lab.daemon.pid)
        a = caller.report()
        lab.wait_record("call.end", calls)
        b = callee.end()
        cpu = cpu_seconds(lab.daemon.pid)
        ends = lab.records("call.end")
    drops = collections.Counter()
    for end in ends:
        for leg in end["legs"]:
            for name, value in leg["streams"][0]["rx"].items():
                if isinstance(value, int) and name not in ("packets", "authenticated", "authenticated_rtcp"):
                    drops[name] += value
    grades = collections.Counter(end["grade"] for end in ends)
    relayed = b["received"] + a["received"]
    print(f"calls            {a['answered']} of {calls} answered, at {rate} a second, {seconds} s each")
    print(f"caller to called sent {a['sent']}, received {b['received']}, missing {a['sent'] - b['received']}")
    print(f"called to caller sent {b['sent']}, received {a['received']}, missing {b['sent'] - a['received']}")
    print(f"drops            {({k: v for k, v in drops.items() if v}) or 'none'}; "
          f"kernel RcvbufErrors of the whole machine {rcvbuf_errors() - lost_before}")
    print(f"grades           {dict(grades)}")
    print(f"cost             {cpu:.1f} s CPU, {cpu / max(relayed, 1) * 1e6:.1f} us a relayed packet (signalling "
          f"included), {(full - idle) / calls:.1f} KiB a call")
    good = a["sent"] == b["received"] and b["sent"] == a["received"] and grades == {"hop_by_hop": calls}
    print("result           " + ("nothing lost" if good else "FAILED"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
