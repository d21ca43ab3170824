# SPDX-License-Identifier: Apache-2.0
"""What neighbours and people are told of the node's own health: media threads that stand still, load."""
import contextlib
import ctypes
import os

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
            log.wait(r" warn +call +service\.again calls=1$")
            self.ping(200)
        log.wait(r" warn +media worker_recovered worker=0 ")
        self.ping(200, self.a)
        self.both_ways()
        self.check_end(self.hang_up())
        self.assertEqual(len([line for line in log.text().split("\n") if " service." in line]), 2)
        self.lab.wait_record("policy.refuse", reason="media_stalled", method="OPTIONS", trunk="CUCMA", sip=503)
        self.assertEqual([r for r in self.lab.records("call.start") if r["call_id"] == refused.call_id], [])


if __name__ == "__main__":
    h.main()
