/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP, SIPS and tel URIs (RFC 3261 sections 19.1 and 25.1, RFC 3966), read strictly and in one
 * pass.  Other schemes are checked for the characters of a URI and kept as text.
 *
 * The parser is our own:  libre's uri_decode is lax (port 65537 becomes 1, a quote or a bad IPv4
 * address goes through), and checking all that it leaves open finds the borders of the parts a
 * second time.  Tests compare the two.
 */
#ifndef GH_SIP_URI_H
#define GH_SIP_URI_H

#include <gatehouse/addr.h>
#include "base/buf.h"

#define GH_SIP_URI_MAX 2048 /* octets; longer ones are refused with GH_ELIMIT */

enum gh_sip_scheme {
    GH_SIP_SCHEME_OTHER = 0, GH_SIP_SCHEME_SIP, GH_SIP_SCHEME_SIPS, GH_SIP_SCHEME_TEL
};

/* Spans point into the text that was parsed; parts that are absent are empty.  Escapes stay as they
 * are. */
struct gh_sip_uri {
    enum gh_sip_scheme scheme;
    struct gh_span text;      /* the whole URI */
    struct gh_span scheme_text;
    bool has_user;            /* "user@" stands there */
    struct gh_span user;      /* tel: the number */
    struct gh_span password;
    struct gh_span host;      /* as written, IPv6 with its brackets; empty for tel and others */
    struct gh_addr addr;      /* literal address with @port; family 0: a name */
    uint16_t port;            /* 0: none was given */
    struct gh_span params;    /* without the first ";" */
    struct gh_span headers;   /* without the "?" */
};

/** @out  written on success only.  @return 0, GH_ESYNTAX or GH_ELIMIT.  Never allocates.
 *  Thread: any. */
int gh_sip_uri_parse(struct gh_span text, struct gh_sip_uri *out);

/**
 * A parameter by its name, in any letter case ("lr", "transport", "user").
 * @value  may be NULL; empty for a parameter without "="
 */
bool gh_sip_uri_param(const struct gh_sip_uri *uri, const char *name, struct gh_span *value);

/** A header of the "?" part by its name in any letter case, escaped or not.  @value stays
 *  escaped. */
bool gh_sip_uri_header(const struct gh_sip_uri *uri, const char *name, struct gh_span *value);

/**
 * The URI without its "?" part, which would ask the far side to put headers, or a whole body with
 * keys, into a request of its own.  Every URI that we write goes through here.
 */
struct gh_span gh_sip_uri_strip(const struct gh_sip_uri *uri);

/** Is @host the URI's host?  Names without letter case and without a dot at the end; addresses
 *  by value. */
bool gh_sip_uri_host_is(const struct gh_sip_uri *uri, struct gh_span host);

/** Append @text to @out with %HH decoded.  @return 0, GH_ESYNTAX (broken escape) or the buffer's
 *  error */
int gh_sip_uri_unescape(struct gh_span text, struct gh_buf *out);

/** Is @text a host of the grammar: name, IPv4 address or IPv6 address in brackets?  @addr may be
 *  NULL; family 0: name */
bool gh_sip_host_valid(struct gh_span text, struct gh_addr *addr);

#endif
