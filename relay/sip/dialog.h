/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialogs (RFC 3261 section 12): one per leg and fork.  Keyed by trunk first, then Call-ID, local
 * tag, remote tag. Thread: signalling.
 */
#ifndef GH_SIP_DIALOG_H
#define GH_SIP_DIALOG_H

#include "sip/msg.h"
#include "sip/out.h"

#define GH_DIALOG_ROUTES_MAX 32 /* entries of a route set */

/* What a dialog is called; trunk first, so nothing of one trunk can be found from another. */
struct gh_dialog_name {
    uint32_t trunk;
    struct gh_span call_id, local_tag, remote_tag; /* remote_tag "" only while it is not known */
};

/* Members are for reading only.  Texts of `name` too end with NUL. */
struct gh_dialog {
    struct gh_dialog_name name;     /* first: the table finds the dialog by it */
    const char *local_addr, *remote_addr; /* From and To values without tag: `"A" <sip:a@b>` */
    char *remote_target;            /* URI of the peer's Contact, without "?" part */
    bool target_guessed;            /* no Contact came yet: where the INVITE went */
    char **routes;                  /* <uri;params> in the order of Route headers */
    size_t route_count;
    uint32_t local_cseq, remote_cseq;
    bool has_remote_cseq;
    bool secure;                    /* made by a sips: request over TLS (section 12.1.1) */
    bool confirmed;                 /* else early */
    bool uas;                       /* the peer sent the request that made it */
    void *user;                     /* free for the owner; NULL at first */
    struct gh_dialogs *in;          /* the table that holds it, or NULL */
    char text[];                    /* of the members that stay as they are: name and addrs */
};

/* ---- making ---- */

/**
 * We answer @request (INVITE, SUBSCRIBE, REFER) and thereby make a dialog, early until
 * gh_dialog_confirm.
 * @local_tag  what we put into To
 * @return 0, GH_ESYNTAX (no usable Contact or Record-Route, too many of these) or GH_ENOMEM
 */
int gh_dialog_new_uas(struct gh_dialog **out, uint32_t trunk, const struct gh_sip_msg *request,
                      struct gh_span local_tag);

/**
 * A response (101..299 with a To tag) to our @request makes a dialog; a 2xx a confirmed one.
 * @request   of gh_txn_request
 * @return 0, GH_ESYNTAX (no To tag, no usable Contact (2xx only) or Record-Route) or GH_ENOMEM
 */
int gh_dialog_new_uac(struct gh_dialog **out, uint32_t trunk, const struct gh_sip_msg *request,
                      const struct gh_sip_msg *response);

/** Leaves its table.  NULL is fine. */
void gh_dialog_free(struct gh_dialog *dialog);

/* ---- table: no two dialogs with one key ---- */

struct gh_dialogs;
int gh_dialogs_new(struct gh_dialogs **out);
/** The dialogs themselves stay with their owners.  NULL is fine. */
void gh_dialogs_free(struct gh_dialogs *dialogs);
size_t gh_dialogs_count(const struct gh_dialogs *dialogs);

/** @return 0, GH_EEXISTS or GH_ENOMEM */
int gh_dialogs_add(struct gh_dialogs *dialogs, struct gh_dialog *dialog);
void gh_dialogs_remove(struct gh_dialog *dialog);

/** The dialog of @trunk that a request from there belongs to: its To tag is ours.  NULL: none
 *  (481). */
struct gh_dialog *gh_dialogs_of_request(const struct gh_dialogs *dialogs, uint32_t trunk,
                                        const struct gh_sip_msg *request);

/** The dialog of @trunk that a response from there belongs to: its From tag is ours. */
struct gh_dialog *gh_dialogs_of_response(const struct gh_dialogs *dialogs, uint32_t trunk,
                                         const struct gh_sip_msg *response);

/** By its three names, e.g. those of a Replaces: to_tag is the local one there (RFC 3891 section
 *  3). */
struct gh_dialog *gh_dialogs_find(const struct gh_dialogs *dialogs, uint32_t trunk,
                                  struct gh_span call_id,
                                  struct gh_span local_tag, struct gh_span remote_tag);

/* ---- what arrives ---- */

/**
 * A request inside the dialog: its CSeq must be higher than the last one's (section 12.2.2); ACK
 * and CANCEL are not counted.  Counts it on success.  @return 0, or GH_ESTATE: answer 500
 */
int gh_dialog_request_in(struct gh_dialog *dialog, const struct gh_sip_msg *request);

/**
 * A target refresh: a request INVITE, UPDATE, SUBSCRIBE, NOTIFY or REFER that is accepted, or a 2xx
 * to one of ours, replaces the remote target when it has a Contact (section 12.2; RFC 3311 section
 * 5; RFC 6665 section 4.4.1).  So does a reliable provisional response to an INVITE of ours (RFC
 * 6141 section 4), and any to the INVITE of an early dialog whose target is a guess.  Other
 * messages change nothing, so it may be called for each that is in order.  A secure dialog takes no
 * sip: target.  @return 0, GH_ESYNTAX (target not taken), GH_ENOMEM
 */
int gh_dialog_refresh(struct gh_dialog *dialog, const struct gh_sip_msg *msg);

/**
 * The dialog is confirmed.  @response  as UAC the 2xx, which sets target and route set anew
 * (section 13.2.2.4); as UAS NULL.
 * @return 0, GH_ESYNTAX or GH_ENOMEM; the old target and route set stay then
 */
int gh_dialog_confirm(struct gh_dialog *dialog, const struct gh_sip_msg *response);

/* ---- what leaves ---- */

struct gh_dialog_via {
    const char *transport;  /* "TLS" ... */
    struct gh_span host;    /* sent-by */
    uint16_t port;
    struct gh_span branch;
};

/**
 * Start a request inside the dialog (section 12.2.1.1): start line, Via, Max-Forwards 70, Route,
 * From, To, Call-ID, CSeq; loose and strict routing.  Headers of the caller follow; Contact is the
 * caller's.
 * @cseq  0: the next number of ours; else that number, for the ACK to a 2xx and for CANCEL
 * @return the CSeq number written
 */
uint32_t gh_dialog_request_out(struct gh_dialog *dialog, struct gh_sip_out *out,
                               struct gh_span method,
                               const struct gh_dialog_via *via, uint32_t cseq);

/** Where the first hop of a request out is: the first route, or the remote target. */
struct gh_span gh_dialog_next_hop(const struct gh_dialog *dialog);

#endif
