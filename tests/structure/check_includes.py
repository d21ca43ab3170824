#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who includes whom, as the compiler saw it, against the table in CMakeLists.txt (GH_PARTS).

usage: check_includes.py SOURCE_DIR BUILD_DIR

Reads `ninja -t deps` of a finished build and fails on every edge, to a folder of ours or to a foreign
library, that the table does not hold.  It first checks itself on edges that must be refused.
"""
import os
import re
import subprocess
import sys

# Foreign libraries by the headers that they install.
FOREIGN = [
    ("libuv", re.compile(r"^/usr/include/uv(\.h$|/)")),
    ("openssl", re.compile(r"^/usr/include/(x86_64-linux-gnu/|[a-z0-9_-]+/)?openssl/")),
    ("libsrtp2", re.compile(r"^/usr/include/srtp2/")),
    ("libre", re.compile(r"^/usr/include/re/")),
    ("libfyaml", re.compile(r"^/usr/include/libfyaml")),
    ("c-ares", re.compile(r"^/usr/include/ares")),
    ("jansson", re.compile(r"^/usr/include/jansson")),
    ("libmicrohttpd", re.compile(r"^/usr/include/microhttpd")),
    ("libpcap", re.compile(r"^/usr/include/pcap")),
]
COMPILER = re.compile(r"^/usr/lib/(gcc|llvm|clang)")


def read_table(cmake_lists):
    """part -> (set of our parts, set of foreign names)"""
    block = re.search(r"set\(GH_PARTS\n(.*?)\n\)", open(cmake_lists).read(), re.S).group(1)
    table = {}
    for row in re.findall(r'"([^"]*)"', block):
        part, ours, foreign = row.split("|")
        table[part] = (set(ours.split()), set(foreign.split()))
    return table


def libc_headers():
    """Headers of the C library and the kernel: free for all."""
    names = subprocess.run(
        ["dpkg-query", "--listfiles", "libc6-dev", "linux-libc-dev"],
        capture_output=True, text=True, check=True).stdout.split("\n")
    return {os.path.realpath(n) for n in names if n.endswith(".h")}


def part_of(path, table):
    """The part that a file of ours belongs to; "include", "main", "tests", or None."""
    if path == "relay/main.c":
        return "main"
    if path.startswith("include/gatehouse/"):
        return "include"
    if path.startswith("tests/"):
        return "tests"
    for part in table:
        if path.startswith(part + "/"):
            return part
    return None


def judge(source, header, table, libc):
    """None when the edge is allowed, else why not.  Paths of ours are relative to the source folder."""
    part = part_of(source, table)
    if part is None:
        return "the file belongs to no part of the table"
    if part == "tests":
        return None
    if not header.startswith("/"):
        target = part_of(header, table)
        if target in (part, "include"):
            return None
        if part == "main":
            return None if target and target.startswith("relay/") else "main.c includes what is not relay's"
        if part == "include":
            return "a shared header includes a folder's own"
        if target is None or target not in table[part][0]:
            return f"{part} may not include {target or header}"
        return None
    if COMPILER.match(header) or os.path.realpath(header) in libc:
        return None
    for name, pattern in FOREIGN:
        if pattern.match(header):
            if part in table and name in table[part][1]:
                return None
            return f"{part} may not include {name}"
    return "a library that the table does not know"


def edges(source_dir, build_dir):
    """(source file, header) of every object that the build made."""
    deps = subprocess.run(["ninja", "-C", build_dir, "-t", "deps"], capture_output=True, text=True, check=True)
    for block in deps.stdout.split("\n\n"):
        lines = [line.strip() for line in block.split("\n") if line.startswith("    ")]
        files = []
        for name in lines:
            path = os.path.normpath(name if os.path.isabs(name) else os.path.join(build_dir, name))
            files.append(os.path.relpath(path, source_dir) if path.startswith(source_dir + "/") else path)
        if files:
            for header in files[1:]:
                yield files[0], header


def self_check(table, libc):
    must_fail = [
        ("relay/policy/gate.c", "relay/net/net.h"),
        ("relay/sip/msg.c", "relay/media/media.h"),
        ("relay/media/media.c", "relay/sip/msg.h"),
        ("relay/call/call.c", "/usr/include/openssl/ssl.h"),
        ("sdp/document.c", "relay/base/buf.h"),
        ("relay/net/net.c", "/usr/include/jansson.h"),
        ("relay/call/call.c", "/usr/include/zlib.h"),
        ("relay/main.c", "/usr/include/uv.h"),
        ("relay/net/net.c", "tests/support/check.h"),
    ]
    must_pass = [
        ("relay/crypto/tls.c", "/usr/include/openssl/ssl.h"),
        ("relay/call/call.c", "relay/trunk/trunk.h"),
        ("relay/call/call.c", "/usr/include/stdio.h"),
        ("relay/main.c", "relay/call/call.h"),
    ]
    wrong = [e for e in must_fail if judge(*e, table, libc) is None]
    wrong += [e for e in must_pass if judge(*e, table, libc) is not None]
    for source, header in wrong:
        print(f"self-check: wrong verdict on {source} -> {header}")
    return not wrong


def main():
    source_dir, build_dir = (os.path.realpath(p) for p in sys.argv[1:3])
    table = read_table(os.path.join(source_dir, "CMakeLists.txt"))
    libc = libc_headers()
    if not self_check(table, libc):
        return 1
    seen, bad, parts = 0, set(), set()
    for source, header in edges(source_dir, build_dir):
        seen += 1
        parts.add(part_of(source, table))
        why = judge(source, header, table, libc)
        if why:
            bad.add(f"{source} -> {header}: {why}")
    for line in sorted(bad):
        print(line)
    missing = {p for p in table if p != "tools"} - parts
    if missing:
        print("the build made nothing of:", ", ".join(sorted(missing)))
    print(f"{seen} edges of {len(parts)} parts, {len(bad)} not allowed")
    return 1 if bad or missing or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
