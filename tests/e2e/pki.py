# SPDX-License-Identifier: Apache-2.0
"""Certificates that tools/lab-pki does not make: every way in which one can be wrong, and some odd ways to be right.

They stand beside those of lab-pki, in the laboratory's folder pki/, and are signed by the same CA unless said
otherwise.  Each is known by a name, and NAME-both.pem holds key, certificate and what stands behind it.
"""
import datetime
import os
import subprocess

CA_EXTENSIONS = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
BOTH = "serverAuth,clientAuth"


def moment(seconds):
    """UTC, so many seconds from now, as `openssl ca` reads it."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y%m%d%H%M%SZ")


class Pki:
    def __init__(self, lab):
        self.dir = lab.path("pki")

    def path(self, name):
        return os.path.join(self.dir, name)

    def openssl(self, *args):
        done = subprocess.run(["openssl", *args], cwd=self.dir, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"openssl {' '.join(args)}: {done.stderr}")

    def request(self, name, subject, extensions=(), key="ec"):
        kinds = {"ec": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")}
        more = [part for ext in extensions for part in ("-addext", ext)]
        self.openssl("req", "-new", "-nodes", *kinds.get(key, ("-newkey", key)), "-keyout", name + ".key",
                     "-subj", subject, "-out", name + ".csr", *more)

    def both(self, name, chain=()):
        with open(self.path(name + "-both.pem"), "w") as out:
            for part in (name + ".key", name + ".pem", *chain):
                with open(self.path(part)) as f:
                    out.write(f.read())
        return self.path(name + "-both.pem")

    def leaf(self, name, cn="CUCMA", san="DNS:CUCMA", eku=BOTH, start=-3600, end=86400, key="ec", ca="ca", chain=(),
             digest="sha256"):
        """A leaf signed by @ca.  @san, @eku None: without that extension.  @chain: file names sent behind it"""
        extensions = ["keyUsage=critical,digitalSignature"]
        extensions += [f"subjectAltName={san}"] if san else []
        extensions += [f"extendedKeyUsage={eku}"] if eku else []
        self.request(name, f"/CN={cn}", extensions, key)
        if ca == "ca":  # with lab-pki's own database, so that it can be revoked
            self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-md", digest, "-startdate", moment(start),
                         "-enddate", moment(end), "-in", name + ".csr", "-out", name + ".pem")
        else:
            self.sign(name, ca)
        return self.both(name, chain)

    def sign(self, name, ca):
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key",
                     "-CAcreateserial", "-days", "2", "-copy_extensions", "copyall", "-out", name + ".pem")

    def self_signed(self, name, subject, extensions):
        self.request(name, subject)
        more = [part for ext in extensions for part in ("-addext", ext)]
        self.openssl("req", "-x509", "-key", name + ".key", "-days", "2", "-subj", subject, "-out", name + ".pem", *more)
        return self.both(name)

    def root(self, name, subject):
        return self.self_signed(name, subject, CA_EXTENSIONS)

    def intermediate(self, name, subject, ca):
        self.request(name, subject, CA_EXTENSIONS)
        self.sign(name, ca)

    def trust(self, *names):
        """Let the laboratory trust these roots too.  Before the daemon starts."""
        with open(self.path("ca.pem"), "a") as out:
            for name in names:
                with open(self.path(name + ".pem")) as f:
                    out.write(f.read())

    def revoke(self, *names):
        for name in names:
            self.openssl("ca", "-config", "ca.cnf", "-revoke", name + ".pem")
        self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl")

    def der(self, name):
        done = subprocess.run(["openssl", "x509", "-in", name + ".pem", "-outform", "DER"], cwd=self.dir,
                              capture_output=True, check=True)
        return done.stdout
