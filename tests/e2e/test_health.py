# SPDX-License-Identifier: Apache-2.0
"""What neighbours and people are told of the node's own health: media threads that stand still, load."""
import contextlib
import ctypes
import os
import re
import select
import time

import harness as h
from session_case import SessionCase, Ua


def media_threads(lab):
    """Of the daemon: their thread ids, in the order of their start."""
    def name(tid):
        with open(f"/proc/{lab.daemon.pid}/task/{tid}/comm") as f:
            return f.read()

    return sorted(int(tid) for tid in os.listdir(f"/proc/{lab.daemon.pid}/task") if name(tid).startswith("gh-media"))


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000  # <sys/ptrace.h>, <sys/wait.h>


@contextlib.contextmanager
def halted(tid):
    """One thread of the daemon stands still; the others run on."""
    def ptrace(request):
        assert h.LIBC.ptrace(ctypes.c_long(request), ctypes.c_long(tid), None, None) == 0, f"ptrace {request:#x}"

    ptrace(PTRACE_SEIZE)
    ptrace(PTRACE_INTERRUPT)
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH)


class Stalled(SessionCase):
    """Media threads that stand still.  A neighbour that pings is to know when no call can have media, and not before."""

    options = {"media": ", workers: 2"}

    def ping(self, status, ua=None):
        """OPTIONS outside of a dialog, or in that of @ua."""
        if not ua:
            ua = Ua(self, self.a.peer, self.a.host, "ping")
            ua.call_id = h.token()
        ua.request("OPTIONS")
        answer = ua.expect(status)
        if status == 503:
            self.assertRegex(answer.get("Warning"), '"media_stalled: no media thread of the node answers; ')
            self.assertEqual(answer.get("Retry-After"), "10")
        else:
            self.assertIn("INVITE", answer.get("Allow"))

    def refused(self):
        caller = Ua(self, self.a.peer, self.a.host, "1018")
        self.addCleanup(caller.close)
        caller.invite(caller.open().describe())
        answer = caller.expect(503)
        caller.ack_refusal()
        self.assertIn("media_stalled", answer.get("Warning"))
        self.assertIsNotNone(answer.get("Retry-After"))
        return caller

    def test_all_and_one_of_them(self):
        log, (first, second) = self.lab.log, media_threads(self.lab)
        self.establish()
        self.both_ways()
        self.ping(200)
        self.ping(200, self.a)
        with halted(first):
            log.wait(r" error media worker_stalled worker=0 streams=\d+ silent_ms=\d+$")
            self.ping(200)
            with halted(second):
                log.wait(r" error media worker_stalled worker=1 streams=\d+ silent_ms=\d+$")
                log.wait(r' error call +service\.lost reason=media_stalled calls=1 change="')
                self.ping(503)
                self.ping(503, self.a)
                refused = self.refused()
            log.wait(r" warn +media worker_recovered worker=1 ")
            log.wait(r" warn +call +service\.again seconds=\d+ refused=1 calls=1$")
            self.ping(200)
            with halted(second):
                log.wait(r" service\.lost ", 2)
            log.wait(r" service\.again seconds=\d+ refused=0 calls=1$")  # it counts anew
        log.wait(r" warn +media worker_recovered worker=0 ")
        self.ping(200, self.a)
        self.both_ways()
        self.check_end(self.hang_up())
        self.assertEqual(len([line for line in log.text().split("\n") if " service." in line]), 4)
        self.lab.wait_record("policy.refuse", reason="media_stalled", method="OPTIONS", trunk="CUCMA", sip=503)
        self.assertEqual([r for r in self.lab.records("call.start") if r["call_id"] == refused.call_id], [])


class Overload(SessionCase):
    """A media thread that is late, here because it gets no turn at all: no new calls, lest those that run be hurt."""

    # The other one is alive: there is media.
    options = {"overload": "refuse", "media": ", workers: 2"}

    FIGURES = "".join(rf"{name}=(?P<{name}>[\d.]+) "
                      for name in ("lag_ms", "lag_mean_ms", "busy_percent", "packets_per_s", "stalled"))

    def try_call(self):
        """@return the final response: b's 486, or ours"""
        self.a.invite(self.a.open().describe())
        answer = self.a.peer.receive()
        if answer.status == 100:
            self.accept()
            self.b.reply(self.b.expect("INVITE"), 486)
            self.b.expect("ACK")
            answer = self.a.expect(486)
        self.a.ack_refusal()
        self.refused += answer.status == 503
        self.again()
        return answer

    def try_until(self, status):
        limit = time.monotonic() + h.LIMIT_S
        while (answer := self.try_call()).status != status:
            self.assertLess(time.monotonic(), limit)
        return answer

    def lines(self, event):
        return [line for line in self.lab.log.text().split("\n") if f" overload.{event} " in line]

    def check_lines(self):
        """However many calls came: begin and end by turns, and what was refused in between."""
        begins, ends = self.lines("begin"), self.lines("end")
        self.assertEqual(len(begins), len(ends))
        self.assertEqual([line.split()[3] for line in sorted(begins + ends)], ["overload.begin", "overload.end"] * len(begins))
        over = []
        for begin, end in zip(begins, ends):
            now = re.search(rf" warn +call +overload\.begin {self.FIGURES}calls=\d+ new_calls=refused$", begin)
            self.assertTrue(float(now["lag_ms"]) >= 500 or float(now["lag_mean_ms"]) >= 40 or
                            float(now["busy_percent"]) >= 90 or int(now["stalled"]) >= 1, begin)
            worst = re.search(r" worst_lag_ms=(\d+) worst_lag_mean_ms=\d+ worst_busy_percent=[\d.]+ worst_packets_per_s=\d+ "
                              r"worst_stalled=(\d+) seconds=\d+ refused=(\d+) calls=\d+$", end)
            calm = re.search(rf" warn +call +overload\.end {self.FIGURES}", end)
            self.assertGreaterEqual(int(worst[1]), max(int(now["lag_ms"]), int(calm["lag_ms"])))
            self.assertGreaterEqual(int(worst[2]), max(int(now["stalled"]), int(calm["stalled"])))
            over.append(int(worst[3]))
        self.assertEqual(sum(over), self.refused)

    def speak(self, pairs):
        """A second of voice each way, sent at its pace whether or not anything comes.  @return it, each way"""
        sent = [[] for _ in pairs]
        for _ in range(50):
            for i, (source, _) in enumerate(pairs):
                packet = source.next_rtp()
                source.send(source.protect(packet))
                sent[i].append(packet)
            select.select([], [], [], 0.02)
        return sent

    def test_new_calls_are_refused(self):
        """And the call that runs does not lose a packet of what came meanwhile."""
        self.refused = 0
        self.establish()
        self.both_ways()
        up = self.a, self.b
        pairs = [(up[0].ends[0], up[1].ends[0]), (up[1].ends[0], up[0].ends[0])]
        self.a, self.b = (Ua(self, ua.peer, ua.host, ua.name) for ua in up)
        with halted(media_threads(self.lab)[0]):
            answer = self.try_until(503)
            self.assertIn("overload", answer.get("Warning"))
            self.assertIsNotNone(answer.get("Retry-After"))
            self.lab.log.wait(r" overload\.begin ")
            told = len(self.lines("begin"))
            self.try_until(503)
            self.assertEqual(len(self.lines("begin")), told)  # that was told once
            # CUCM would send nothing here for two minutes.
            self.a.call_id = h.token()
            self.a.request("OPTIONS")
            self.a.expect(200)
            self.again()
            sent = self.speak(pairs)
            self.lab.log.wait(r" worker_stalled worker=0 streams=[1-9]")
        for packets, (_, target) in zip(sent, pairs):
            for packet in packets:
                self.assertEqual(target.unprotect(target.receive()), packet)
        self.try_until(486)
        self.a, self.b = up
        self.both_ways()
        self.lab.wait_record("policy.refuse", reason="overload", method="INVITE", trunk="CUCMA", sip=503)
        self.lab.log.wait(r" overload\.end ", len(self.lines("begin")))
        self.check_lines()
        record = self.hang_up()
        self.check_end(record)
        for leg in record["legs"]:
            rx = leg["streams"][0]["rx"]
            self.assertEqual((rx["packets"], rx["authenticated"], leg["streams"][0]["tx"]), (56, 56, 56))


if __name__ == "__main__":
    h.main()
