/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates: loading trust, reading the facts of a leaf, building a chain again with one
 * trunk's roots.  Everything that a peer's certificate says is hostile text until it is in struct
 * gh_cert_facts.
 * Thread: signalling, and the work thread that builds a configuration snapshot.
 */
#ifndef GH_CERT_H
#define GH_CERT_H

#include <gatehouse/facts.h>

/* Roots and CRLs of one trust setting.  Reference-counted on the signalling thread. */
struct gh_trust;

/* The certificates that a peer sent, leaf first.  Owned by the connection facts' holder. */
struct gh_chain;

/**
 * Every certificate of @path is an anchor: a root, but also an intermediate or a peer's very own
 * certificate, none of which needs its issuer here.
 *
 * @path      a PEM file or a directory whose files are read one by one; in a directory every plain
 *            file that does not start with a dot must hold certificates or CRLs
 * @crl_path  NULL, or a PEM file or directory of CRLs; then every CA of a chain needs a fresh one.
 *            An anchor itself needs none: it is revoked by taking it out of @path
 * @text      of @text_len octets: on failure what is wrong with which file, for the operator
 * @return 0, GH_ESYNTAX, GH_ENOTFOUND (no certificate in it), GH_ENOMEM or a system error
 */
int gh_trust_load(struct gh_trust **out, const char *path, const char *crl_path, char *text,
                  size_t text_len);
struct gh_trust *gh_trust_ref(struct gh_trust *trust);
void gh_trust_unref(struct gh_trust *trust);

/* When one anchor, or one revocation list, is good.  A date that cannot be read never comes: from
 * is INT64_MAX then, until INT64_MIN. */
struct gh_dates {
    char *file;                /* where it was read */
    char *name;                /* subject of an anchor, issuer of a list; printable ASCII */
    bool of_crl;
    int64_t from_us, until_us; /* microseconds since 1970 */
};

/** Of everything in @trust, in the order of reading, for `check`.  The strings are @trust's. */
const struct gh_dates *gh_trust_dates(const struct gh_trust *trust, size_t *count);

#define GH_CERT_DATE_MAX 32

/** "2026-01-01T00:00:00Z", or that the date cannot be read.  @return @buf */
const char *gh_cert_date_text(int64_t us, char buf[GH_CERT_DATE_MAX]);

/**
 * Build the peer's chain with the anchors of @trust alone and judge it at @wall_us.
 * Source: RFC 5280 section 6
 *
 * Names and clientAuth of leaf and CAs are left to policy, and serverAuth of the leaf.  Below level
 * 2 is reported as @out->weak, not refused; but what can be forged in practice (MD5, RSA below
 * 1024) is refused as cert_weak in any case.  GH_REASON_CERT_EKU_MISSING here means that a CA of
 * the chain is limited to other purposes than TLS, or, when we are the client, than to servers; no
 * trunk can waive that.  A certificate put into trust that is itself a CA (as `openssl req -x509`
 * makes them) vouches for all that it signs, not for its holder alone.
 *
 * @role  ours: GH_ROLE_SERVER judges a client's chain
 */
void gh_cert_verify(const struct gh_chain *chain, const struct gh_trust *trust, enum gh_role role,
                    int64_t wall_us, struct gh_chain_facts *out);

struct gh_chain *gh_chain_ref(struct gh_chain *chain);
void gh_chain_unref(struct gh_chain *chain);

/** Facts of the leaf.  @return 0 or GH_ENOMEM; free with gh_cert_facts_fini. */
int gh_chain_leaf_facts(const struct gh_chain *chain, struct gh_cert_facts *out);
void gh_cert_facts_fini(struct gh_cert_facts *facts);

/* What is wrong with an own certificate and key, for `check`. */
enum gh_identity_flaw {
    GH_IDENTITY_OK = 0,
    GH_IDENTITY_CERT_UNREADABLE,
    GH_IDENTITY_CERT_BAD,
    GH_IDENTITY_KEY_UNREADABLE,
    GH_IDENTITY_KEY_EXPOSED /* to others, or not ours */,
    GH_IDENTITY_KEY_BAD,
    GH_IDENTITY_MISMATCH,
    GH_IDENTITY_EXPIRED,
    GH_IDENTITY_NOT_YET_VALID,
    GH_IDENTITY_EKU
};

/**
 * Check certificate file and private key file against each other, the clock and our role.
 * @role  GH_ROLE_SERVER: needs serverAuth when it has an EKU; GH_ROLE_CLIENT: clientAuth
 * @until_us  NULL, or gets when the first certificate of the file ends; written on GH_IDENTITY_OK
 * @text      detail for people: dates, names, the system's words; never a key octet
 */
enum gh_identity_flaw gh_identity_check(const char *cert_path, const char *key_path,
                                        enum gh_role role, int64_t wall_us, int64_t *until_us,
                                        char *text, size_t text_len);

#endif
