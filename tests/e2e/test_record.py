# SPDX-License-Identifier: Apache-2.0
"""The record: what survives a crash, what verify finds, what a failing disk does, how the daemon stops."""
import os
import re
import resource
import signal
import subprocess
import unittest

import harness as h


def audit(*args):
    done = subprocess.run([os.path.join(h.BUILD, "gatehouse-audit"), *args], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


class Record(unittest.TestCase):
    def setUp(self):
        self.lab = h.Lab()
        self.addCleanup(self.lab.__exit__)
        self.lab.start()
        self.server = h.Server(self.lab)
        self.addCleanup(self.server.close)

    def establish(self):
        dialog = h.Dialog(self.lab, h.tls_connect(self.lab, self.lab.cert("CUCMA")))
        dialog.invite(h.sdp(self.lab.a_host))
        b = self.server.accept()
        request = b.expect("INVITE")
        tag = re.search(rb"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 ", request.body).group(1).decode()
        h.reply(b, request, 200, "OK", h.sdp(self.lab.b_host, 31000, f"{tag} AES_CM_128_HMAC_SHA1_80 inline:{h.KEY_B}"),
                tag="btag", contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
        dialog.take_tag(dialog.peer.expect(200))
        dialog.ack()
        b.expect("ACK")
        return dialog, b

    def test_a_killed_daemon_leaves_a_lost_call(self):
        self.establish()
        self.lab.wait_record("call.leg", 2)
        self.lab.daemon.kill()
        self.lab.daemon.wait()
        self.lab.start()
        lost = self.lab.wait_record("call.lost")
        start = self.lab.records("call.start")[0]
        self.assertEqual(lost["call"], start["call"])
        self.assertEqual(lost["unknown_since"], self.lab.records("call.leg")[-1]["ts"])
        code, out, _ = audit("verify", self.lab.audit)
        self.assertEqual(code, 0)
        self.assertIn("without a clean stop", out)
        self.assertIn("consistent", out)
        self.assertNotIn("proven", out)

    def test_verify_names_the_changed_line(self):
        dialog, b = self.establish()
        dialog.request("BYE")
        dialog.peer.expect(200)
        self.lab.stop()
        self.assertEqual(audit("verify", self.lab.audit)[0], 0)
        name = next(n for n in os.listdir(self.lab.audit) if n.endswith(".jsonl"))
        path = os.path.join(self.lab.audit, name)
        lines = open(path).read().split("\n")
        at = next(i for i, line in enumerate(lines) if '"call.leg"' in line)
        lines[at] = lines[at].replace("CUCMA", "CUCMB", 1)
        with open(path, "w") as f:
            f.write("\n".join(lines))
        code, out, _ = audit("verify", self.lab.audit)
        self.assertEqual(code, 1)
        self.assertIn(f"broken prev_mismatch {name}:{at + 1}: ", out)
        self.assertIn(f"; changed: this line, or line {at + 2} and all after it)", out)

    def test_only_one_daemon_writes_a_ledger(self):
        second = subprocess.run([os.path.join(h.BUILD, "gatehouse"), "run", "lab.yaml"], cwd=self.lab.dir,
                                capture_output=True, text=True, timeout=h.LIMIT_S)
        self.assertEqual(second.returncode, 1)
        self.assertIn("ledger", second.stderr)

    def test_a_full_disk_refuses_calls_and_recovers(self):
        """audit.on_error: refuse_calls, the default."""
        pid = self.lab.daemon.pid
        path = next(os.path.join(self.lab.audit, n) for n in os.listdir(self.lab.audit) if n.endswith(".jsonl"))
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.lab.wait_record("tls.accept")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (os.path.getsize(path), resource.RLIM_INFINITY))
        dialog = h.Dialog(self.lab, peer, number="4711")  # its refusal is the record that does not fit
        dialog.invite(h.sdp(self.lab.a_host))
        peer.expect(404)
        dialog.ack_refusal()
        self.lab.log.wait(r"audit +write\.fail")
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host))
        self.assertIn("audit_failed", peer.expect(503).get("Warning"))
        dialog.ack_refusal()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.lab.log.wait(r"audit +write\.again")
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host))
        self.server.accept().expect("INVITE")
        self.assertEqual(audit("verify", self.lab.audit)[0], 0)
        reasons = [r["reason"] for r in self.lab.records("policy.refuse")]
        self.assertEqual(reasons, ["no_route", "audit_failed"])  # nothing was lost

    def test_a_log_rotation_is_told_and_survived(self):
        """What logrotate's "create" does, while a call is up."""
        dialog, _ = self.establish()
        self.lab.wait_record("call.leg", 2)
        name = next(n for n in os.listdir(self.lab.audit) if n.endswith(".jsonl"))
        path = os.path.join(self.lab.audit, name)
        os.rename(path, path + ".1")
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self.lab.log.wait(rf"error audit ledger\.interrupted text=.*{name}: another file stands in its place; put")
        self.lab.log.wait(r"info +audit write\.again")
        dialog.request("BYE")
        dialog.peer.expect(200)
        self.assertEqual(len(self.lab.records("call.end")), 1)
        self.assertEqual(self.lab.records("ledger.interrupted")[0]["file"], name)
        code, out, _ = audit("verify", self.lab.audit)
        self.assertEqual(code, 1)
        self.assertIn("seq_gap", out)
        os.rename(path + ".1", path)
        code, out, _ = audit("verify", self.lab.audit)
        self.assertEqual(code, 0, out)
        self.assertIn("another file stands in its place", out)

    def test_a_ledger_without_a_place_refuses_calls(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.lab.wait_record("tls.accept")
        before = len(self.lab.records())
        aside = self.lab.path("aside")
        os.rename(self.lab.audit, aside)
        os.close(os.open(self.lab.audit, os.O_CREAT | os.O_WRONLY, 0o600))  # so that it cannot be made again
        self.lab.log.wait(r"error audit ledger\.interrupted text=.*/audit/.*: something else stands in its place")
        self.lab.log.wait(r"error audit write\.fail +text=.*/audit: cannot be opened")
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host))
        self.assertIn("audit_failed", peer.expect(503).get("Warning"))
        dialog.ack_refusal()
        os.unlink(self.lab.audit)
        self.lab.log.wait(r"info +audit write\.again")
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(h.sdp(self.lab.a_host))
        self.server.accept().expect("INVITE")
        self.lab.wait_record("policy.refuse")
        first = self.lab.records()[0]
        self.assertEqual((first["type"], first["what"], first["last_seq"]), ("ledger.interrupted", "directory_replaced", before))
        for name in os.listdir(aside):
            if name.endswith(".jsonl"):
                os.rename(os.path.join(aside, name), os.path.join(self.lab.audit, name))
        self.assertEqual(audit("verify", self.lab.audit)[0], 0)

    def test_stop_ends_calls_with_a_reason(self):
        dialog, b = self.establish()
        ringing = h.Dialog(self.lab, dialog.peer)
        ringing.invite(h.sdp(self.lab.a_host))
        request = b.expect("INVITE")
        h.reply(b, request, 180, "Ringing", tag="x")
        dialog.peer.expect(180)
        self.lab.daemon.send_signal(signal.SIGTERM)
        seen = {}
        for _ in range(2):
            msg = dialog.peer.receive()
            seen[msg.status or msg.method] = msg
            if msg.method:
                h.reply(dialog.peer, msg, 200, "OK")
        self.assertIn("shutting_down", seen[503].get("Warning"))
        self.assertIn("shutting_down", seen["BYE"].get("Reason"))
        methods = set()
        for _ in range(3):
            msg = b.receive()
            methods.add(msg.method)
            if msg.method != "ACK":
                h.reply(b, msg, 200, "OK")
            if msg.method == "CANCEL":
                h.reply(b, request, 487, "Request Terminated", tag="x")
        self.assertEqual(methods, {"BYE", "CANCEL", "ACK"})
        self.assertEqual(self.lab.daemon.wait(h.LIMIT_S), 0)
        ends = self.lab.records("call.end")
        self.assertEqual([r["reasons"] for r in ends], [["shutting_down"]] * 2)
        self.assertEqual(self.lab.records()[-1]["type"], "daemon.stop")
        code, out, _ = audit("verify", self.lab.audit)
        self.assertEqual(code, 0)
        self.assertIn("stopped cleanly", out)

    def test_stop_does_not_wait_for_ever(self):
        """A peer that never answers our BYE: the record is written, the daemon ends."""
        self.establish()
        self.lab.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.lab.daemon.wait(h.LIMIT_S), 0)
        self.assertEqual(len(self.lab.records("call.end")), 1)


if __name__ == "__main__":
    h.main()
