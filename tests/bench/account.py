# SPDX-License-Identifier: Apache-2.0
"""Where a relay's time goes: samples of perf, told apart by the system call or the library that they were in.

perf takes cycles where the machine counts them, else its clock.
"""
import re
import shutil
import subprocess

# The first that a sample's calls match: what is in the kernel by its system call, of which the loopback's way into the
# receiver's socket is a part of sending that no network card knows.
SYSTEM = (
    ("send: into the receiver", re.compile(r"process_backlog")),
    ("send", re.compile(r"__x64_sys_send|__sys_send")),
    ("receive", re.compile(r"__x64_sys_recv|__sys_recv")),
    ("wait", re.compile(r"sys_epoll|sys_poll|sys_futex|sys_nanosleep|sys_clock_nanosleep")),
    ("other system", re.compile("")),
)
LIBRARIES = (("SRTP", "libsrtp"), ("OpenSSL", "libcrypto"), ("libuv", "libuv"), ("libc", "libc.so"), ("libc", "[vdso]"),
             ("other libraries", ".so"))
OWN = "own"
PARTS = tuple(dict.fromkeys([name for name, _ in SYSTEM] + [name for name, _ in LIBRARIES])) + (OWN,)


def missing():
    return None if shutil.which("perf") else "perf is not installed"


def sample(pid, path, seconds):
    subprocess.run(["perf", "record", "-q", "-F", "1999", "-g", "-o", path, "-p", str(pid), "--", "sleep", str(seconds)],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def part_of(frames):
    """@frames  (symbol, object) from the innermost call outwards"""
    where = frames[0][1]
    if where.startswith("[") and where != "[vdso]":
        calls = " ".join(symbol for symbol, _ in frames)
        return next(name for name, pattern in SYSTEM if pattern.search(calls))
    return next((name for name, mark in LIBRARIES if mark in where), OWN)


FRAME = re.compile(r"\s*[0-9a-f]+ (.*) \((.*)\)$")


def read(path):
    """@return {part: share of the samples}, and how many there were"""
    text = subprocess.run(["perf", "script", "-i", path, "-F", "ip,sym,dso", "--no-inline"], capture_output=True, text=True,
                          check=True).stdout
    found = dict.fromkeys(PARTS, 0)
    for calls in re.split(r"\n\s*\n", text):
        frames = [match.groups() for match in map(FRAME.match, calls.splitlines()) if match]
        if frames:
            found[part_of(frames)] += 1
    count = sum(found.values())
    return {part: n / count for part, n in found.items()} if count else found, count
