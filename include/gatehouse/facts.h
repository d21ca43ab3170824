/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts: what was seen, never what was decided.  Connection facts are fixed when the handshake ends
 * and never edited.  Media facts describe one m-line without any key.  Policy turns facts into
 * verdicts.
 */
#ifndef GATEHOUSE_FACTS_H
#define GATEHOUSE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gatehouse/addr.h>
#include <gatehouse/reason.h>
#include <gatehouse/suite.h>

enum gh_transport { GH_TRANSPORT_NONE = 0, GH_TRANSPORT_UDP, GH_TRANSPORT_TCP, GH_TRANSPORT_TLS };

/* Our role on a connection: who accepted it. */
enum gh_role { GH_ROLE_NONE = 0, GH_ROLE_SERVER, GH_ROLE_CLIENT };

enum gh_tls_version { GH_TLS_NONE = 0, GH_TLS_OLD /* before 1.2 */, GH_TLS_1_2, GH_TLS_1_3 };

/* What the cipher gives.  NULL-SHA proves integrity and hides nothing. */
enum gh_cipher_kind { GH_CIPHER_NONE = 0, GH_CIPHER_AUTH_ONLY, GH_CIPHER_ENCRYPTING };

enum gh_name_kind { GH_NAME_CN = 0, GH_NAME_DNS, GH_NAME_URI };

#define GH_CERT_NAME_MAX 254  /* longest DNS name is 253; longer ones are kept out and counted */
#define GH_CERT_NAMES_MAX 128 /* CUCM multi-server certificates name every node */

/* One name of a leaf certificate: CN text, DNS name, or the host of SAN URI "sip:host".  Hostile
 * input: printable ASCII only, others are left out and counted. */
struct gh_cert_name {
    enum gh_name_kind kind;
    char text[GH_CERT_NAME_MAX + 1];
};

/* Facts of one certificate, as far as they matter to policy and record. */
struct gh_cert_facts {
    struct gh_cert_name *names; /* owned by the object that holds these facts */
    size_t name_count;
    size_t odd_names;           /* SAN or CN entries left out: not printable, too long, too many */
    /* any SAN URI:sip or DNS entry, usable or not: then CN does not count */
    bool has_san;
    char subject[256];          /* RFC 2253, cut, printable ASCII */
    char issuer[256];
    char serial[64];            /* hexadecimal */
    uint8_t sha256[32];
    int64_t not_before_us, not_after_us; /* microseconds since 1970, UTC */
    bool eku_present, eku_server, eku_client;
    int key_bits;               /* RSA modulus or curve size */
    int security_bits;          /* OpenSSL's estimate for key: 112 for RSA 2048 */
    bool weak_signature;        /* MD5 or SHA-1 */
};

/* Facts of one connection.  For UDP and TCP all TLS members are zero. */
struct gh_conn_facts {
    enum gh_transport transport;
    enum gh_role role;
    struct gh_addr local, peer;
    enum gh_tls_version version;
    char version_name[16];      /* "TLSv1.3" */
    char cipher[64];            /* OpenSSL's name of the suite */
    char group[32];             /* key exchange group; empty for RSA key exchange */
    enum gh_cipher_kind cipher_kind;
    int cipher_bits;
    bool forward_secret;
    bool peer_cert;             /* the peer showed a certificate; @cert is filled */
    struct gh_cert_facts cert;
};

/* What a TLS listener or trunk accepts: presets of versions, ciphers and strengths. */
enum gh_tls_policy {
    GH_TLS_MODERN = 0,
    GH_TLS_NIST_800_52R2,
    GH_TLS_BSI_TR_02102,
    GH_TLS_LEGACY_CUCM
};

/* What crypto found when it built the chain again with one trunk's roots only. */
struct gh_chain_facts {
    enum gh_reason reason;    /* GH_REASON_NONE: chain holds, apart from what the two flags say */
    bool crl_missing;         /* no fresh CRL; nothing else was wrong */
    /* a key or signature below level 2 (112 bits, no SHA-1) in the chain */
    bool weak;
    /* an EKU above the leaf lacks clientAuth; matters when we are the server */
    bool client_barred;
    /* latest notBefore and earliest notAfter, roots included */
    int64_t valid_from_us, valid_until_us;
};

/* ---- media ---- */

enum gh_media_kind { GH_MEDIA_OTHER = 0, GH_MEDIA_AUDIO, GH_MEDIA_VIDEO, GH_MEDIA_APPLICATION,
                     GH_MEDIA_TEXT, GH_MEDIA_IMAGE };

/* What an m-line's transport is.  The feedback profiles (RFC 4585, 5124) count as their base. */
enum gh_profile {
    GH_PROFILE_OTHER = 0,   /* TCP, anything that is not relayed */
    GH_PROFILE_AVP,         /* RTP/AVP, RTP/AVPF */
    GH_PROFILE_SAVP,        /* RTP/SAVP, RTP/SAVPF */
    GH_PROFILE_DTLS,        /* UDP/TLS/RTP/SAVP(F) */
    GH_PROFILE_UDPTL,       /* fax, m=image only: ITU-T T.38 Annex D; has no keying at all */
    GH_PROFILE_COUNT
};

enum gh_keying { GH_KEYING_NONE = 0, GH_KEYING_DTLS, GH_KEYING_SDES };

/* What a message carries, seen over all its bodies, whatever wraps them.  A bit set. */
enum gh_carriers {
    GH_CARRY_NOTHING = 0,
    GH_CARRY_FINGERPRINT = 1, /* a=fingerprint: integrity material, not secret */
    GH_CARRY_SECRET = 2 /* a=crypto, a=cryptoscale, k=, a=key-mgmt, also inside acap/pcfg/sescap */
};

enum gh_direction { GH_INACTIVE = 0, GH_SENDONLY = 1, GH_RECVONLY = 2, GH_SENDRECV = 3 };

#endif
