/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgh_sdp: a loss-free SDP document (RFC 8866).  Parsing keeps every line with its octets, its
 * line end and its place; printing an unedited document gives the same octets.  Views read typed
 * values out of it; edits touch only the lines that they name; scans find key carriers (RFC 4568,
 * 4567, 5939, 8122).
 *
 * Left to others: offer/answer rules and what may cross (relay/policy, relay/call); DTLS; all I/O.
 *
 * Secrets.  A document may hold SRTP keys.  They are never copied into a second place here: a key
 * is a span into the octets that the document owns, and those are wiped when it is freed.  What is
 * printed from a document holds its keys, so the caller wipes that buffer.  Never log a document:
 * gh_sdp_redact.
 *
 * Spans that a view returns point into the document.  Edits never move octets: a span stays valid
 * until gh_sdp_free, also when the line that it came from was removed or replaced.
 *
 * Threads.  No globals.  Any thread, but one thread at a time for one document.
 */
#ifndef GATEHOUSE_SDP_H
#define GATEHOUSE_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gatehouse/addr.h>
#include <gatehouse/err.h>
#include <gatehouse/facts.h>
#include <gatehouse/span.h>
#include <gatehouse/suite.h>

/* ---- limits: what exceeds one is refused with GH_ELIMIT, never cut ---- */

#define GH_SDP_OCTETS_MAX      65536 /* one body; the SIP framer takes no larger one */
#define GH_SDP_LINES_MAX       2048
#define GH_SDP_LINE_MAX        8192 /* octets of one line without its end */
#define GH_SDP_MEDIA_MAX       64   /* m-lines */
#define GH_SDP_ATTRS_MAX       512  /* a-lines of one section; WebRTC-like offers come near 300 */
#define GH_SDP_CRYPTO_MAX      32   /* a=crypto lines of one section */
#define GH_SDP_KEYS_MAX        4    /* keys of one a=crypto line */
#define GH_SDP_PARAMS_MAX      16   /* session parameters of one a=crypto line */
#define GH_SDP_MKI_MAX         128  /* octets; RFC 4568 section 6.1 */
#define GH_SDP_BASE64_MAX      64   /* characters of GH_SUITE_KEY_MAX octets in base64 */
#define GH_SDP_FINGERPRINT_MAX 64   /* octets: SHA-512 */

/* Section of a line: the session level, or the index of an m-line from 0. */
#define GH_SDP_SESSION    (-1)
#define GH_SDP_NO_SECTION (-2) /* empty lines at the end of the text belong nowhere */

/* ---- document ---- */

struct gh_sdp; /* one heap object; one owner */

/* Why a text was refused.  Never quotes the text. */
struct gh_sdp_error {
    uint32_t line;    /* from 1; 0: the text as a whole */
    const char *text; /* static, for people */
};

/**
 * Parse @text, copying it.                                    Source: RFC 8866 sections 5 and 9
 *
 * Strict where the grammar is clear; lines that are not understood are kept.  What real peers send
 * against the letter, and is harmless, is let in: see the list at the top of sdp/document.c.
 *
 * @out    written on success only; freed with gh_sdp_free
 * @error  may be NULL; written on GH_ESYNTAX and GH_ELIMIT
 * @return 0, GH_ESYNTAX, GH_ELIMIT or GH_ENOMEM
 */
int gh_sdp_parse(struct gh_sdp **out, struct gh_span text, struct gh_sdp_error *error);

/** A second document with the same octets, to edit for the other leg.  @return 0 or GH_ENOMEM */
int gh_sdp_clone(struct gh_sdp **out, const struct gh_sdp *doc);

/** Wipes every octet that the document held, then frees it.  NULL is fine. */
void gh_sdp_free(struct gh_sdp *doc);

/** Octets that gh_sdp_print writes. */
size_t gh_sdp_len(const struct gh_sdp *doc);

/**
 * Print into @buf of @size octets; no NUL is added.  May hold keys: the caller wipes @buf.
 * @len  octets written, on success only
 * @return 0 or GH_EFULL (nothing useful written)
 */
int gh_sdp_print(const struct gh_sdp *doc, char *buf, size_t size, size_t *len);

/* How a new SDP of a peer stands to the last one in the same dialog (RFC 3264 section 8). */
enum gh_sdp_change {
    GH_SDP_CHANGED = 0, /* another o= version, session id, user or address */
    GH_SDP_SAME,        /* same octets */
    GH_SDP_SAME_ORIGIN  /* o= unchanged, other octets differ: breaks RFC 3264; judge as changed */
};

/** Compares in constant time what may be keys. */
enum gh_sdp_change gh_sdp_compare(const struct gh_sdp *last, const struct gh_sdp *now);

/* ---- lines and attributes ---- */

struct gh_sdp_line {
    char type;            /* 'v' ... 'm'; 0: an empty line at the end of the text */
    int section;          /* GH_SDP_SESSION, the m-line's index, or GH_SDP_NO_SECTION */
    uint32_t number;      /* in the parsed text, from 1; 0: written by an edit */
    struct gh_span raw;   /* whole line with its end */
    struct gh_span value; /* after "type=", without the line end */
    struct gh_span name;  /* attribute name ('a' only), as spelled; else empty */
    struct gh_span attr;  /* attribute value after ":"; .p is NULL without ":" */
};

size_t gh_sdp_line_count(const struct gh_sdp *doc);

/** Line at @index, 0 up to the count.  @return 0 or GH_ENOTFOUND */
int gh_sdp_line(const struct gh_sdp *doc, size_t index, struct gh_sdp_line *out);

/**
 * The @nth (from 0) attribute called @name, case counts (RFC 8866 section 5), in one section alone.
 * @value  may be NULL; what follows ":"; .p is NULL for an attribute without ":"
 * @return whether there is one
 */
bool gh_sdp_attr(const struct gh_sdp *doc, int section, const char *name, size_t nth,
                 struct gh_span *value);

/* ---- views ---- */

struct gh_sdp_origin {
    struct gh_span username, id, version, address;
    uint64_t id_number, version_number; /* valid when id_fits, version_fits */
    bool id_fits, version_fits;         /* longer numbers are legal and stay text */
    struct gh_addr addr;                /* family 0: a name; port 0 */
};

/** The o= line; every parsed document has a valid one. */
void gh_sdp_origin(const struct gh_sdp *doc, struct gh_sdp_origin *out);

struct gh_sdp_connection {
    int section;         /* where it stands: the m-line itself or GH_SDP_SESSION */
    struct gh_span host; /* address or name without "/..." */
    struct gh_addr addr; /* literal address, port 0; family 0: @host is a name, or not internet */
    bool internet;       /* "IN IP4" or "IN IP6"; else only @host is filled */
    bool multicast;      /* literal multicast address: not relayed */
    bool has_suffix;     /* "/ttl", "/ttl/count", "/count" */
    bool several;        /* more c= lines in that section (layered multicast) */
};

/** The c= in force for @section: its own, else the session's.  @return 0 or GH_ENOTFOUND */
int gh_sdp_connection(const struct gh_sdp *doc, int section, struct gh_sdp_connection *out);

struct gh_sdp_media {
    enum gh_media_kind kind;
    struct gh_span kind_text;
    uint16_t port;       /* 0: refused or disabled */
    uint16_t port_count; /* 1 without "/n" */
    struct gh_span proto;
    enum gh_profile profile;
    bool feedback;          /* AVPF, SAVPF */
    struct gh_span formats; /* blank-separated; iterate with gh_sdp_format_next */
    size_t format_count;
};

size_t gh_sdp_media_count(const struct gh_sdp *doc);

/** m-line at @index, 0 up to the count.  @return 0 or GH_ENOTFOUND */
int gh_sdp_media(const struct gh_sdp *doc, int index, struct gh_sdp_media *out);

/** Take the next format off *rest.  @return false when none is left */
bool gh_sdp_format_next(struct gh_span *rest, struct gh_span *format);

/**
 * Direction in force for an m-line: media level over session level, default sendrecv.  Several at
 * one level contradict each other: what any of them forbids is forbidden.  RFC 8866 section 6.7
 */
enum gh_direction gh_sdp_direction(const struct gh_sdp *doc, int section);

/** "sendrecv", ...  Static. */
const char *gh_sdp_direction_name(enum gh_direction direction);

struct gh_sdp_rtcp {
    uint16_t port;
    bool has_addr;       /* an address was given */
    struct gh_span host; /* as written */
    struct gh_addr addr; /* literal address with @port; family 0: a name, or none given */
};

/** a=rtcp of an m-line (RFC 3605).  @return 0, GH_ENOTFOUND or GH_ESYNTAX */
int gh_sdp_rtcp(const struct gh_sdp *doc, int section, struct gh_sdp_rtcp *out);

/** a=rtcp-mux stands in the m-line's section (RFC 5761 section 5.1.1). */
bool gh_sdp_rtcp_mux(const struct gh_sdp *doc, int section);

struct gh_sdp_fingerprint {
    int section;         /* where it stands: the m-line itself or GH_SDP_SESSION */
    struct gh_span hash; /* "sha-256" as spelled; compare without case */
    uint8_t octets[GH_SDP_FINGERPRINT_MAX];
    size_t len; /* right for the hash when that is known */
};

/**
 * The @nth fingerprint in force for an m-line: its own ones, or, if it has none at all, the
 * session's. Source: RFC 8122 section 5.  @return 0, GH_ENOTFOUND or GH_ESYNTAX (that one line)
 */
int gh_sdp_fingerprint(const struct gh_sdp *doc, int section, size_t nth,
                       struct gh_sdp_fingerprint *out);

enum gh_sdp_setup {
    GH_SETUP_NONE = 0,
    GH_SETUP_ACTIVE,
    GH_SETUP_PASSIVE,
    GH_SETUP_ACTPASS,
    GH_SETUP_HOLDCONN,
    GH_SETUP_BAD
};

/** a=setup, media level over session level (RFC 4145 section 4). */
enum gh_sdp_setup gh_sdp_setup(const struct gh_sdp *doc, int section);

/** a=mid of an m-line (RFC 5888 section 4).  @return whether there is one that is not empty */
bool gh_sdp_mid(const struct gh_sdp *doc, int section, struct gh_span *out);

struct gh_sdp_group {
    struct gh_span semantics; /* "BUNDLE", "LS", ... */
    struct gh_span mids;      /* blank-separated; iterate with gh_sdp_format_next */
};

/** The @nth a=group of the session (RFC 5888 section 5).  @return 0, GH_ENOTFOUND, GH_ESYNTAX */
int gh_sdp_group(const struct gh_sdp *doc, size_t nth, struct gh_sdp_group *out);

/* ---- a=crypto ---- */

/* Session parameters seen on an a=crypto line: a bit set.  RFC 4568 section 6.3 */
enum gh_sdp_params {
    GH_SDP_PARAM_KDR = 1, /* see @kdr: KDR=0 changes nothing */
    GH_SDP_PARAM_UNENCRYPTED_SRTP = 2,
    GH_SDP_PARAM_UNENCRYPTED_SRTCP = 4,
    GH_SDP_PARAM_UNAUTHENTICATED_SRTP = 8,
    GH_SDP_PARAM_FEC_ORDER = 16,
    GH_SDP_PARAM_FEC_KEY = 32,
    GH_SDP_PARAM_WSH = 64,
    GH_SDP_PARAM_UNKNOWN = 128, /* not in the RFC: the line must not be used */
    GH_SDP_PARAM_DASHED = 256   /* starts with "-": may be ignored, whatever it is */
};

/* One "inline:" of an a=crypto line. */
struct gh_sdp_key {
    struct gh_span text;    /* base64 of master key and salt: SECRET; points into the document */
    size_t octets;          /* decoded length; 0: not valid base64 */
    bool all_equal;         /* every octet of the decoded key is the same: no key at all */
    bool unpadded;          /* valid, but the = at the end are missing */
    uint64_t lifetime_pkts; /* 0: none was given, the default holds */
    struct gh_span mki;     /* decimal digits; empty: no MKI */
    uint8_t mki_octets;     /* 1..128; 0: no MKI */
};

/* Facts of one a=crypto line.  Nothing but keys[].text is secret. */
struct gh_sdp_crypto {
    bool parseable;    /* every part is right; else only @fault counts, and what stands before it */
    const char *fault; /* static text; NULL when parseable.  Never quotes the line */
    uint32_t tag;      /* one to nine digits on the wire */
    struct gh_span suite_name;
    enum gh_suite suite; /* GH_SUITE_NONE: unknown here, or never usable (F8, NULL, AES_192) */
    struct gh_span key_params; /* all key parameters as written, "inline:..." : SECRET */
    size_t key_count;
    struct gh_sdp_key keys[GH_SDP_KEYS_MAX];
    bool has_mki;
    bool key_len_right;   /* suite is known and each key has exactly its octets */
    bool key_all_equal;   /* some key's octets are all equal */
    bool key_twice;       /* two of the keys are one, under two MKIs */
    unsigned params;      /* enum gh_sdp_params */
    uint8_t kdr;          /* 0..24: key derivation rate is 2^kdr; 0 also for "KDR=0" */
    bool params_harmless; /* none, KDR=0, or only such as start with "-" */
};

/**
 * Parse the value of one a=crypto attribute.            Source: RFC 4568 sections 6 and 9
 * @val  text after "a=crypto:", no line end; borrowed, must outlive *out
 * @out  always written; a fault is told by out->parseable.  An unknown suite is no fault
 */
void gh_sdp_crypto_parse(struct gh_span val, struct gh_sdp_crypto *out);

/** a=crypto lines of one section ("crypto" in small letters, as the RFC has it). */
size_t gh_sdp_crypto_count(const struct gh_sdp *doc, int section);

/** The @nth (from 0) a=crypto line of one section.  @return 0 or GH_ENOTFOUND */
int gh_sdp_crypto(const struct gh_sdp *doc, int section, size_t nth, struct gh_sdp_crypto *out);

/**
 * Decode key @index of @crypto into @key, in time that does not depend on the key's octets.
 * @key   GH_SUITE_KEY_MAX octets, the caller's to wipe; zeroed on error
 * @len   gh_suite_key_salt_len(crypto->suite) on success
 * @return 0, GH_ENOTFOUND (no such key), GH_ENOSUITE (unknown suite), GH_ESYNTAX (line not
 * parseable, not base64, non-zero trailing bits, or not the exact length)
 */
int gh_sdp_crypto_key(const struct gh_sdp_crypto *crypto, size_t index,
                      uint8_t key[GH_SUITE_KEY_MAX], size_t *len);

/**
 * The MKI of @key as it stands in packets: big-endian, key->mki_octets octets.
 * @return 0, GH_ENOTFOUND (no MKI) or GH_ESYNTAX (value does not fit its length)
 */
int gh_sdp_crypto_mki(const struct gh_sdp_key *key, uint8_t mki[GH_SDP_MKI_MAX]);

/**
 * Base64 with or without padding, otherwise strict: no blanks, no other letters, trailing bits
 * zero. Constant time for one length: no branch and no table index depends on the octets.  RFC 4648
 * section 4
 * @out  may be NULL to check only; else @size octets, zeroed on error
 * @len  may be NULL; decoded octets, written on success only
 * @return 0, GH_ESYNTAX or GH_EFULL
 */
int gh_sdp_base64_decode(struct gh_span text, uint8_t *out, size_t size, size_t *len);

/** Padded base64, constant time; no NUL.  @len on success only.  @return 0 or GH_EFULL */
int gh_sdp_base64_encode(const uint8_t *octets, size_t octets_len, char *out, size_t size,
                         size_t *len);

/* ---- facts of an m-line, free of keys ---- */

enum gh_sdp_offers {
    GH_SDP_OFFERS_NONE = 0,
    GH_SDP_OFFERS_SDES = 1,
    GH_SDP_OFFERS_DTLS = 2
}; /* a bit set */

struct gh_sdp_media_facts {
    enum gh_media_kind kind;
    enum gh_profile profile;
    bool feedback;
    enum gh_direction direction;
    unsigned offers;         /* enum gh_sdp_offers: what stands there, usable or not */
    size_t crypto_count;     /* a=crypto lines */
    size_t crypto_parseable; /* of these, with right grammar, known suite and key length */
    bool crypto_tag_twice;   /* two of these share a tag: RFC 4568 section 4.1 forbids it */
    struct gh_addr rtp;      /* literal address and port; family 0: a name or none */
    struct gh_addr rtcp; /* a=rtcp, or RTP's port + 1; as @rtp with rtcp-mux; family 0 as above */
    bool rtcp_mux;
    bool host_is_name; /* c= holds a name: must be resolved before media can flow */
    bool multicast;
    bool connection_any; /* 0.0.0.0 or :: : the old way of hold (RFC 3264 section 8.4) */
    uint16_t port;       /* 0: not a live stream */
};

/** @return 0 or GH_ENOTFOUND */
int gh_sdp_media_facts(const struct gh_sdp *doc, int index, struct gh_sdp_media_facts *out);

/* ---- scans ---- */

/**
 * Key carriers anywhere in the document, session and media level: a=crypto, a=cryptoscale, k=,
 * a=key-mgmt, the same inside capability attributes (acap, pcfg, sescap, ...), and "inline:" in any
 * line: SECRET; a=fingerprint, alone or inside such: FINGERPRINT.  Names in any letter case, blanks
 * round them or not.
 * @return bit set of enum gh_carriers
 */
enum gh_carriers gh_sdp_carriers(const struct gh_sdp *doc);

/**
 * The same question for text that is not SDP: a MESSAGE, an INFO body, a header, or SDP that does
 * not parse.  Any octets.  What counts, and what ordinary prose does not trip: see sdp/scan.c.
 */
enum gh_carriers gh_sdp_text_has_carrier(struct gh_span text);

/**
 * Blank keys in any text: a whole SIP message, an SDP, a fragment, arbitrary octets.  Each blanked
 * octet becomes '*', so the length and the line structure stay and the output is as long as the
 * input. Blanked: what follows "inline:" up to the end of the (folded) line, the keys of a=crypto
 * lines however malformed, k= and a=key-mgmt values, and everything after a
 * Content-Transfer-Encoding or Content-Encoding that hides octets.  Too much is blanked rather than
 * too little.  Give it the whole message: a base64 part without its headers cannot be told from
 * text.
 * @out  text.len octets; may be the same memory as text.p
 */
void gh_sdp_redact(struct gh_span text, char *out);

/* ---- edits ---- */
/*
 * Every edit returns 0 or an error and then has changed nothing: GH_ENOTFOUND (no such section),
 * GH_EINVAL (CR, LF, NUL or a blank where none may stand), GH_ELIMIT, GH_ENOMEM.  Lines written
 * here end as the document's first line does (CRLF if it had no end).
 */

/* What to change in o=; what is not set stays octet for octet. */
struct gh_sdp_origin_edit {
    struct gh_span username; /* .p NULL: leave */
    bool set_id, set_version;
    uint64_t id, version;
    struct gh_addr addr; /* family 0: leave; else network and address type are written too */
};

int gh_sdp_set_origin(struct gh_sdp *doc, const struct gh_sdp_origin_edit *edit);

/** s= (RFC 8866 section 5.3).  An empty @name is written as "-". */
int gh_sdp_set_name(struct gh_sdp *doc, struct gh_span name);

/** One c= for @addr (its port is not used) in place of all c= of a section, or of none. */
int gh_sdp_set_connection(struct gh_sdp *doc, int section, const struct gh_addr *addr);

/** Remove every c= of an m-line; GH_ESTATE for the session, or when the session has none. */
int gh_sdp_remove_connection(struct gh_sdp *doc, int section);

/** Port of an m-line; "/count" goes.  GH_ESTATE: other than 0 for an m-line without formats. */
int gh_sdp_set_port(struct gh_sdp *doc, int index, uint16_t port);

/** Transport of an m-line: "RTP/SAVP", ... */
int gh_sdp_set_proto(struct gh_sdp *doc, int index, struct gh_span proto);

/** Formats of an m-line, single blanks between; their rtpmap and fmtp lines are not touched. */
int gh_sdp_set_formats(struct gh_sdp *doc, int index, struct gh_span formats);

/** A new m-line at the end. */
int gh_sdp_append_media(struct gh_sdp *doc, struct gh_span kind, uint16_t port,
                        struct gh_span proto, struct gh_span formats);

/**
 * Refuse an m-line (RFC 3264 section 6): port 0; media type, transport and formats stay.  All other
 * lines of its section go except a=mid (RFC 5888 section 9: grouping still needs it) and, when the
 * session level has no c= (RFC 8866 section 5.7), one c= of 0.0.0.0.
 */
int gh_sdp_disable_media(struct gh_sdp *doc, int index);

/** "a=name" or, with value.p not NULL, "a=name:value", at the end of a section. */
int gh_sdp_append_attr(struct gh_sdp *doc, int section, const char *name, struct gh_span value);

/** The same before the first a-line of the section. */
int gh_sdp_insert_attr(struct gh_sdp *doc, int section, const char *name, struct gh_span value);

/** Replace the first such attribute and drop further ones; append when there is none. */
int gh_sdp_set_attr(struct gh_sdp *doc, int section, const char *name, struct gh_span value);

/** Remove attributes by name, in any letter case.  @return how many went */
size_t gh_sdp_remove_attr(struct gh_sdp *doc, int section, const char *name);

/** Remove the line at @index of gh_sdp_line; GH_EINVAL for v, o, s, t and m lines. */
int gh_sdp_remove_line(struct gh_sdp *doc, size_t index);

/** a=rtcp:port with the address, or without when its family is 0 (RFC 3605). */
int gh_sdp_set_rtcp(struct gh_sdp *doc, int section, const struct gh_addr *addr);

/** One direction attribute in a section, in the place of what stood there. */
int gh_sdp_set_direction(struct gh_sdp *doc, int section, enum gh_direction direction);

/**
 * Add an a=crypto line after those of the m-line, or before its first a-line.
 * @key  exactly gh_suite_key_salt_len(suite) octets (else GH_EINVAL); encoded straight into the
 * document
 * @lifetime_pkts  0: not written; a power of two is written as 2^n
 * @mki            0: none; its length is written as one octet
 */
int gh_sdp_add_crypto(struct gh_sdp *doc, int index, uint32_t tag, enum gh_suite suite,
                      const uint8_t *key, size_t key_len, uint64_t lifetime_pkts, uint8_t mki);

/**
 * The same from a line that another document (or this one) holds: suite, key and lifetime as
 * written there, our tag.  For `pass`, so only for a line with one key of the right length whose
 * octets are not all equal, without MKI and session parameters: else GH_ESTATE.
 */
int gh_sdp_copy_crypto(struct gh_sdp *doc, int index, uint32_t tag,
                       const struct gh_sdp_crypto *from);

/* ---- strips: never fail; return how many lines went or were blanked ---- */

/**
 * Key carriers, fingerprints, what belongs to keying: gh_sdp_carriers reports nothing then.  Meant
 * for every SDP on its way to the other leg, verified or not, before that leg's own keying is
 * written: it also takes what no view reads and another parser might, such as "a=Crypto".
 */
size_t gh_sdp_strip_keying(struct gh_sdp *doc);

/** The same in one section alone, for `unproven_keys: strip`. */
size_t gh_sdp_strip_keying_in(struct gh_sdp *doc, int section);

/**
 * What is not relayed yet and would mislead the far side or show it an address of this side: ICE,
 * alt, group, capability negotiation, source-filter; any attribute other than a=rtcp, and any i= u=
 * e= p= line, that holds an IP address (such an s= becomes "-"); also a=rtcp-mux, which is
 * negotiated per leg.  Left to the caller to set: o= c= a=rtcp.
 */
size_t gh_sdp_strip_not_relayed(struct gh_sdp *doc);

/** Every line that is not on the list of understood ones in sdp/strip.c; s= becomes "-".  For legs
 * that fail the key gate. */
size_t gh_sdp_strip_unknown(struct gh_sdp *doc);

#endif
