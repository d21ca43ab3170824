#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages against the sources: every event of the log, every type of record, every option, reason and finding
is told, and nothing else is; and the pages are clean mdoc.

usage: check_manual.py SOURCE_DIR BUILD_DIR

It first checks itself on texts that must be refused.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

FIELDS = {"v", "seq", "prev", "ts"}  # of every record: no words of English

STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def arguments(text, start):
    """The arguments of the call whose parenthesis opens at @start, as text."""
    depth, quoted, found, begin, i = 0, False, [], start + 1, start
    while i < len(text):
        c = text[i]
        if c == "\\":
            i += 1
        elif c == '"':
            quoted = not quoted
        elif quoted:
            pass
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                return found + [text[begin:i].strip()]
        elif c == "," and depth == 1:
            found.append(text[begin:i].strip())
            begin = i + 1
        i += 1
    raise ValueError("a call without its end")


def calls(text, name):
    return [arguments(text, m.end() - 1) for m in re.finditer(rf"(?<!\w){name}\(", text)]


def events_of(text):
    """ "part event" of each line that a source writes; an event in a variable is one of the words its function is given."""
    found = set()
    for args in calls(text, "gh_log"):
        if not STRING.match(args[1]):
            continue  # its declaration
        words = STRING.findall(args[2])
        for name in [] if words else re.findall(r"(\w+)\([^)]*const char \*%s\b" % re.escape(args[2]), text):
            words += [word for given in calls(text, name) for arg in given for word in STRING.findall(arg)]
        if not words:
            raise ValueError(f"which event is {args[2]}?")
        found |= {f"{STRING.match(args[1]).group(1)} {word}" for word in words}
    found |= {f"{part} {event}" for part, event in re.findall(r'line_head\([^"]*"(\w+)", "([\w.]+)"\)', text)}
    return found


def records_of(text):
    return {word for args in calls(text, "gh_event_new") for word in STRING.findall(args[0])}


def items(page, section):
    """What stands behind .It in a section, without the macro's name and the remarks behind Pq."""
    part = re.search(rf"(?ms)^\.Sh {section}$(.*?)(?=^\.Sh |\Z)", page)
    return {re.sub(r" Pq .*", "", line) for line in re.findall(r"(?m)^\.It Cm (.*)$", part.group(1))} if part else set()


def compare(what, there, said):
    return ([f"{what}: {word} is not in the manual" for word in sorted(there - said)] +
            [f"{what}: {word} is in the manual, and nowhere else" for word in sorted(said - there)])


def capitalised(page, names):
    """Lines that begin with a name whose case counts, and was not left alone: "Seq does not follow", "Bridge: never"."""
    found = []
    for line in page.split("\n"):
        word = re.match(r"([A-Z]\w*)(.?)", line)
        if word and word[1].lower() in names and (word[2] in (":", "=") or word[1].lower() in FIELDS):
            found.append(f"a name with a capital: {line}")
    return found


def check_itself():
    assert events_of('gh_log(GH_LOG_INFO, "main", "stop", "a=%s", f(x, "y"));') == {"main stop"}
    assert events_of('gh_log(l, "trunk", tls ? "a.b" : "c", "x")') == {"trunk a.b", "trunk c"}
    assert events_of('void say(int x, const char *event) { gh_log(W, "net", event, ""); } say(1, "one");') == {"net one"}
    assert records_of('e = gh_event_new(tls ? "a.b" : "c.d", now);') == {"a.b", "c.d"}
    page = ".Sh LOG\n.It Cm info\nx\n.It Cm main stop\n.Sh REASONS\n.It Cm weak_tls Pq 488\n"
    assert items(page, "LOG") == {"info", "main stop"} and items(page, "REASONS") == {"weak_tls"}
    assert compare("x", {"a", "b"}, {"a"}) and compare("x", {"a"}, {"a", "b"}) and not compare("x", {"a"}, {"a"})
    assert len(capitalised("Seq is\nBridge: x\nA=crypto\nBridge them\nThe seq\nprev is", {"bridge", "a"} | FIELDS)) == 3
    for broken in ("gh_log(a, ", 'f(const char *e) { gh_log(W, "net", e, ""); }'):
        try:
            events_of(broken)
        except ValueError:
            continue
        raise AssertionError(broken)


def lint(path):
    """What the checker of manual pages has to say."""
    if shutil.which("mandoc"):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True)
    elif shutil.which("groff"):
        done = subprocess.run(["groff", "-mdoc", "-ww", "-z", path], capture_output=True, text=True)
    else:
        return []
    return (done.stdout + done.stderr).splitlines()


def main():
    check_itself()
    source, build = sys.argv[1:3]
    pages = {}
    for name in ("gatehouse.8", "gatehouse.yaml.5", "gatehouse-audit.1"):
        with open(os.path.join(build, "man", name), encoding="utf-8") as f:
            pages[name] = f.read()
    events, records = set(), set()
    for path in glob.glob(os.path.join(source, "relay", "**", "*.c"), recursive=True):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        events |= events_of(text)
        records |= records_of(text)
    with open(os.path.join(source, "include/gatehouse/reason.h"), encoding="utf-8") as f:
        reasons = set(re.findall(r'X\(\w+, "(\w+)"', f.read()))
    with open(os.path.join(source, "include/gatehouse/record.h"), encoding="utf-8") as f:
        findings = set(re.findall(r'X\(GH_RECORD_\w+, +"(\w+)"', f.read()))
    listed = subprocess.run([os.path.join(build, "gatehouse"), "options"], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"(?m)^(\S+)$", listed))
    assert len(events) > 30 and len(records) > 10 and len(reasons) > 80 and len(findings) > 10 and len(options) > 80
    wrong = compare("events", events, {e for e in items(pages["gatehouse.8"], "LOG") if " " in e})
    wrong += compare("reasons", reasons, items(pages["gatehouse.8"], "REASONS"))
    wrong += compare("records", records, items(pages["gatehouse-audit.1"], "RECORD"))
    wrong += compare("findings", findings, items(pages["gatehouse-audit.1"], "FINDINGS"))
    wrong += compare("options", options, items(pages["gatehouse.yaml.5"], "KEYS"))
    names = FIELDS | {"a"} | {option.split(".")[-1].strip("[]") for option in options}
    for words in re.findall(r"(?m)^    (?:type|not available in this version): (.*)$", listed):
        names |= set(words.removeprefix("list of ").split(" | "))
    for name in pages:
        wrong += capitalised(pages[name], names)
        wrong += lint(os.path.join(build, "man", name))
    print("\n".join(wrong) or f"{len(events)} events, {len(records)} records, {len(reasons)} reasons, {len(options)} options")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
