/* SPDX-License-Identifier: Apache-2.0 */
/* Dialogs: RFC 3261 section 12. */
#include "sip/dialog.h"

#include "relay/sip/support_sip.h"
#include "support/check.h"

static const char invite_text[] = "INVITE %s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\n%sFrom: "
                                  "\"A, B\" <sip:alice@a.example.com>;x=y;tag=a1\n"
                                  "To: Bob <sip:bob@b.example.com>\nCall-ID: cid@h\nCSeq: 7 "
                                  "INVITE\nContact: <%s>\nContent-Length: 0\n\n";

static struct gh_sip_msg *invite(const char *uri, const char *extra, const char *contact)
{
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg;

    gh_buf_fmt(&text, invite_text, uri, extra, contact);
    gh_buf_add(&text, gh_span_of("", 1));
    msg = sip_msg(text.p);
    gh_buf_fini(&text);
    return msg;
}

static struct gh_sip_msg *answer(int status, const char *to_tag, const char *extra)
{
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg;

    gh_buf_fmt(&text,
               "SIP/2.0 %d x\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: \"A, B\" "
               "<sip:alice@a.example.com>;x=y;tag=a1\n"
               "To: Bob <sip:bob@b.example.com>%s%s\nCall-ID: cid@h\nCSeq: 7 "
               "INVITE\n%sContent-Length: 0\n\n%c",
               status, *to_tag ? ";tag=" : "", to_tag, extra, 0);
    msg = sip_msg(text.p);
    gh_buf_fini(&text);
    return msg;
}

static const struct gh_dialog_via via = {
    "TLS", { "us.example.com", 14 }, 5061, { "z9hG4bKv", 8 }
};

/* What a request inside looks like, up to CSeq. */
static struct gh_buf written(struct gh_dialog *dialog, const char *method, uint32_t cseq)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    gh_dialog_request_out(dialog, &out, gh_span_str(method), &via, cseq);
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    return octets;
}

static void as_uas(void)
{
    struct gh_sip_msg *msg =
        invite("sip:bob@us",
               "Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>;x=y\n"
               "Record-Route: <sip:p3.example.com;lr>\n",
               "sip:alice@192.0.2.1:5061;transport=tls?body=evil");
    struct gh_dialog *dialog;
    struct gh_buf octets;

    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(gh_dialog_new_uas(&dialog, 3, msg, GH_SPAN("ours")), 0);
    CHECK_INT(dialog->name.trunk, 3);
    CHECK(dialog->uas && !dialog->confirmed && !dialog->secure);
    CHECK_STR(dialog->remote_target, "sip:alice@192.0.2.1:5061;transport=tls");
    CHECK_INT(dialog->route_count, 3);
    CHECK_INT(dialog->remote_cseq, 7);
    CHECK_SPAN(gh_dialog_next_hop(dialog), "sip:p1.example.com;lr");
    octets = written(dialog, "BYE", 0);
    CHECK_SPAN(
        gh_buf_span(&octets),
        "BYE sip:alice@192.0.2.1:5061;transport=tls SIP/2.0\r\n"
        "Via: SIP/2.0/TLS us.example.com:5061;branch=z9hG4bKv\r\nMax-Forwards: 70\r\n"
        "Route: <sip:p1.example.com;lr>\r\nRoute: <sip:p2.example.com;lr>\r\nRoute: "
        "<sip:p3.example.com;lr>\r\n"
        "From: Bob <sip:bob@b.example.com>;tag=ours\r\n"
        "To: \"A, B\" <sip:alice@a.example.com>;x=y;tag=a1\r\nCall-ID: cid@h\r\nCSeq: 1 BYE\r\n"
        "Content-Length: 0\r\n\r\n");
    gh_buf_fini(&octets);
    gh_dialog_confirm(dialog, NULL);
    CHECK(dialog->confirmed);
    gh_dialog_free(dialog);
    gh_sip_msg_unref(msg);
}

static void as_uac(void)
{
    struct gh_sip_msg *msg = invite("sip:bob@b.example.com", "", "sip:alice@us");
    struct gh_sip_msg *ringing = answer(180, "t1", "Record-Route: <sip:p1;lr>\n");
    struct gh_sip_msg *ok =
        answer(200, "t1", "Record-Route: <sip:p2;lr>, <sip:p3;lr>\nContact: <sip:bob@192.0.2.9>\n");
    struct gh_dialog *dialog;
    struct gh_buf octets;

    CHECK_OR_STOP(msg && ringing && ok);
    CHECK_INT(gh_dialog_new_uac(&dialog, 3, msg, ringing), 0);
    CHECK(!dialog->confirmed && !dialog->uas);
    CHECK_STR(dialog->remote_target, "sip:bob@b.example.com"); /* no Contact yet */
    CHECK_SPAN(dialog->name.local_tag, "a1");
    CHECK_SPAN(dialog->name.remote_tag, "t1");
    CHECK_INT(gh_dialog_confirm(dialog, ok), 0);
    CHECK(dialog->confirmed);
    CHECK_STR(dialog->remote_target, "sip:bob@192.0.2.9");
    CHECK_INT(dialog->route_count, 2);
    octets = written(dialog, "ACK", 7);
    CHECK_SPAN(gh_buf_span(&octets), "ACK sip:bob@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/TLS "
                                     "us.example.com:5061;branch=z9hG4bKv\r\nMax-Forwards: 70\r\n"
                                     "Route: <sip:p3;lr>\r\nRoute: <sip:p2;lr>\r\n"
                                     "From: \"A, B\" <sip:alice@a.example.com>;x=y;tag=a1\r\nTo: "
                                     "Bob <sip:bob@b.example.com>;tag=t1\r\n"
                                     "Call-ID: cid@h\r\nCSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n");
    gh_buf_fini(&octets);
    CHECK_INT(dialog->local_cseq, 7);
    octets = written(dialog, "BYE", 0);
    CHECK_INT(dialog->local_cseq, 8);
    gh_buf_fini(&octets);
    gh_dialog_free(dialog);
    gh_sip_msg_unref(msg);
    gh_sip_msg_unref(ringing);
    gh_sip_msg_unref(ok);
}

/* RFC 3261 section 12.2.1.1: a first route without lr is a strict router. */
static void strict_router(void)
{
    struct gh_sip_msg *msg = invite(
        "sip:bob@us", "Record-Route: <sip:old.example.com;method=INVITE;a=b?x=y>,<sip:p2;lr>\n",
        "sip:alice@192.0.2.1");
    struct gh_dialog *dialog;
    struct gh_buf octets;

    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(gh_dialog_new_uas(&dialog, 3, msg, GH_SPAN("ours")), 0);
    octets = written(dialog, "BYE", 0);
    CHECK(gh_span_starts(
        gh_buf_span(&octets),
        GH_SPAN("BYE sip:old.example.com;a=b SIP/2.0\r\n"
                "Via: SIP/2.0/TLS us.example.com:5061;branch=z9hG4bKv\r\nMax-Forwards: 70\r\n"
                "Route: <sip:p2;lr>\r\nRoute: <sip:alice@192.0.2.1>\r\nFrom: ")));
    gh_buf_fini(&octets);
    gh_dialog_free(dialog);
    gh_sip_msg_unref(msg);
}

static void cseq_order(void)
{
    static const struct {
        const char *method;
        uint32_t cseq;
        int err;
        uint32_t after;
    } rows[] = {
        { "INFO", 6, GH_ESTATE, 7 },   { "INFO", 7, GH_ESTATE, 7 },
        { "INFO", 8, 0, 8 },           { "UPDATE", 100, 0, 100 },
        { "ACK", 7, 0, 100 },          { "CANCEL", 7, 0, 100 },
        { "BYE", 99, GH_ESTATE, 100 }, { "BYE", 2147483647, 0, 2147483647 },
    };
    struct gh_sip_msg *msg = invite("sip:bob@us", "", "sip:alice@192.0.2.1");
    struct gh_dialog *dialog;

    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(gh_dialog_new_uas(&dialog, 3, msg, GH_SPAN("ours")), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sip_msg request = { .request = true,
                                      .method = gh_sip_method_by_name(gh_span_str(rows[i].method)),
                                      .cseq = rows[i].cseq };

        CHECK_INT(gh_dialog_request_in(dialog, &request), rows[i].err);
        CHECK_INT(dialog->remote_cseq, rows[i].after);
    }
    gh_dialog_free(dialog);
    gh_sip_msg_unref(msg);
    /* As UAC we know no number of the peer before its first request. */
    msg = invite("sip:b@c", "", "sip:a@us");
    struct gh_sip_msg *ok = answer(200, "t", "Contact: <sip:b@d>\n");
    struct gh_sip_msg first = { .request = true, .method = GH_SIP_INFO, .cseq = 1 };

    CHECK_INT(gh_dialog_new_uac(&dialog, 3, msg, ok), 0);
    CHECK_INT(gh_dialog_request_in(dialog, &first), 0);
    CHECK_INT(gh_dialog_request_in(dialog, &first), GH_ESTATE);
    gh_dialog_free(dialog);
    gh_sip_msg_unref(msg);
    gh_sip_msg_unref(ok);
}

static void target_refresh(void)
{
    struct gh_sip_msg *msg = invite("sip:bob@us", "", "sip:alice@192.0.2.1");
    struct gh_sip_msg *again = invite("sip:bob@us", "", "sip:alice@192.0.2.2?x=y");
    struct gh_sip_msg *info = sip_request("INFO", "", NULL, NULL),
                      *update = sip_request("UPDATE", "", NULL, NULL);
    struct gh_sip_msg *refused = answer(488, "t", "Contact: <sip:x@y>\n"),
                      *ok = answer(200, "t", "Contact: <sip:x@z>\n");
    struct gh_sip_msg *tel = answer(200, "t", "Contact: <tel:1>\n");
    struct gh_dialog *dialog;

    CHECK_OR_STOP(msg && again && info && update && refused && ok && tel);
    CHECK_INT(gh_dialog_new_uas(&dialog, 3, msg, GH_SPAN("ours")), 0);
    CHECK_INT(gh_dialog_refresh(dialog, again), 0);
    CHECK_STR(dialog->remote_target, "sip:alice@192.0.2.2");
    CHECK_INT(gh_dialog_refresh(dialog, info), 0);
    CHECK_STR(dialog->remote_target, "sip:alice@192.0.2.2");
    CHECK_INT(gh_dialog_refresh(dialog, refused), 0);
    CHECK_STR(dialog->remote_target, "sip:alice@192.0.2.2");
    CHECK_INT(gh_dialog_refresh(dialog, update), 0);
    CHECK_STR(dialog->remote_target, "sip:alice@192.0.2.1");
    CHECK_INT(gh_dialog_refresh(dialog, tel), GH_ESYNTAX);
    CHECK_STR(dialog->remote_target, "sip:alice@192.0.2.1");
    CHECK_INT(gh_dialog_refresh(dialog, ok), 0);
    CHECK_STR(dialog->remote_target, "sip:x@z");
    gh_dialog_free(dialog);
    gh_sip_msg_unref(msg);
    gh_sip_msg_unref(again);
    gh_sip_msg_unref(info);
    gh_sip_msg_unref(update);
    gh_sip_msg_unref(refused);
    gh_sip_msg_unref(ok);
    gh_sip_msg_unref(tel);
}

/* What a 1xx may change: RFC 6141 section 4, and a target that was a guess. */
static void target_of_an_early_dialog(void)
{
    static const struct {
        int status;
        const char *extra, *target;
        bool guessed;
    } rows[] = {
        { 180, "", "sip:bob@b.example.com", true },                   /* where the INVITE went */
        { 183, "Contact: <sip:one@x>\n", "sip:one@x", false },        /* better than a guess */
        { 183, "Contact: <sip:two@x>\n", "sip:one@x", false },        /* but it is not reliable */
        { 183, "Require: 100rel\nRSeq: 1\nContact: <sip:three@x>\n", "sip:three@x", false },
        { 100, "Require: 100rel\nRSeq: 1\nContact: <sip:four@x>\n", "sip:three@x", false },
        { 183, "Require: 100rel\nRSeq: 2\n", "sip:three@x", false },
        { 486, "Contact: <sip:five@x>\n", "sip:three@x", false },
        { 200, "Contact: <sip:six@x>\n", "sip:six@x", false },
    };
    struct gh_sip_msg *msg = invite("sip:bob@b.example.com", "", "sip:alice@us");
    struct gh_dialog *dialog = NULL;

    CHECK_OR_STOP(msg != NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sip_msg *response = answer(rows[i].status, "t", rows[i].extra);

        CHECK_OR_STOP(response != NULL);
        CHECK_INT(dialog ? gh_dialog_refresh(dialog, response)
                         : gh_dialog_new_uac(&dialog, 3, msg, response), 0);
        CHECK_STR(dialog->remote_target, rows[i].target);
        CHECK_INT(dialog->target_guessed, rows[i].guessed);
        gh_sip_msg_unref(response);
    }
    gh_dialog_free(dialog);
    gh_sip_msg_unref(msg);
}

/* A request of the peer in the dialog that To tag a1 and From tag @from_tag name. */
static struct gh_sip_msg *from_fork(const char *method, const char *from_tag, uint32_t cseq)
{
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg;

    gh_buf_fmt(&text,
               "%s sip:us SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\n"
               "From: <sip:bob@b.example.com>;tag=%s\nTo: <sip:alice@a.example.com>;tag=a1\n"
               "Call-ID: cid@h\nCSeq: %u %s\nContact: <sip:%s@x>\nContent-Length: 0\n\n%c",
               method, from_tag, cseq, method, from_tag, 0);
    msg = sip_msg(text.p);
    gh_buf_fini(&text);
    return msg;
}

static bool has_cseq(struct gh_dialog *dialog, const char *method, uint32_t cseq, const char *want)
{
    struct gh_buf octets = written(dialog, method, cseq);
    bool has = memmem(octets.p, octets.len, want, strlen(want)) != NULL;

    gh_buf_fini(&octets);
    return has;
}

/* RFC 3261 section 12.1.2: each fork is a dialog with numbers, target and routes of its own; PRACK
 * and UPDATE go on in it before there is a 2xx (RFC 3262 section 4, RFC 3311 section 5.1). */
static void early_dialogs_of_forks(void)
{
    static const char *const tags[] = { "t1", "t2" };
    struct gh_sip_msg *msg = invite("sip:bob@b.example.com", "", "sip:alice@us");
    struct gh_sip_msg *update, *old, *ok = answer(200, "t1", "Contact: <sip:end@x>\n");
    struct gh_dialog *fork[2] = { NULL, NULL };
    struct gh_dialogs *table;

    CHECK_OR_STOP(msg && ok);
    CHECK_INT(gh_dialogs_new(&table), 0);
    for (int i = 0; i < 2; i++) {
        struct gh_sip_msg *early = answer(183, tags[i], "Require: 100rel\nRSeq: 1\n"
                                                        "Contact: <sip:first@x>\n");

        CHECK_INT(gh_dialog_new_uac(&fork[i], 3, msg, early), 0);
        CHECK_INT(gh_dialogs_add(table, fork[i]), 0);
        CHECK(gh_dialogs_of_response(table, 3, early) == fork[i]);
        gh_sip_msg_unref(early);
    }
    CHECK(has_cseq(fork[0], "PRACK", 0, "CSeq: 8 PRACK\r\n"));
    CHECK(has_cseq(fork[0], "PRACK", 0, "CSeq: 9 PRACK\r\n"));
    CHECK(has_cseq(fork[1], "PRACK", 0, "CSeq: 8 PRACK\r\n"));
    CHECK(has_cseq(fork[1], "PRACK", 0, ";tag=t2\r\n"));
    /* The peer's UPDATE: any number may be its first; the other fork's does not count. */
    update = from_fork("UPDATE", "t1", 500);
    CHECK(gh_dialogs_of_request(table, 3, update) == fork[0]);
    CHECK_INT(gh_dialog_request_in(fork[0], update), 0);
    CHECK_INT(gh_dialog_request_in(fork[0], update), GH_ESTATE);
    CHECK_INT(gh_dialog_refresh(fork[0], update), 0);
    CHECK_STR(fork[0]->remote_target, "sip:t1@x");
    CHECK_STR(fork[1]->remote_target, "sip:first@x");
    old = from_fork("UPDATE", "t2", 3);
    CHECK_INT(gh_dialog_request_in(fork[1], old), 0);
    gh_sip_msg_unref(old);
    old = from_fork("PRACK", "t1", 499);
    CHECK_INT(gh_dialog_request_in(fork[0], old), GH_ESTATE);
    gh_sip_msg_unref(old);
    /* The 2xx: its target counts, the peer's numbers go on, the ACK has the INVITE's (section
     * 13.2.2.4) and our next request the one after the PRACKs. */
    CHECK_INT(gh_dialog_confirm(fork[0], ok), 0);
    CHECK_STR(fork[0]->remote_target, "sip:end@x");
    CHECK_INT(fork[0]->remote_cseq, 500);
    CHECK(has_cseq(fork[0], "ACK", 7, "CSeq: 7 ACK\r\n"));
    CHECK(has_cseq(fork[0], "BYE", 0, "CSeq: 10 BYE\r\n"));
    CHECK(!fork[1]->confirmed);
    gh_dialog_free(fork[0]);
    gh_dialog_free(fork[1]);
    gh_dialogs_free(table);
    gh_sip_msg_unref(update);
    gh_sip_msg_unref(ok);
    gh_sip_msg_unref(msg);
}

/* The other way: several To tags of ours to one INVITE (section 12.1.1). */
static void early_dialogs_that_we_make(void)
{
    struct gh_sip_msg *msg = invite("sip:bob@us", "", "sip:alice@192.0.2.1"), *prack;
    static const char prack_text[] =
        "PRACK sip:us SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK2\n"
        "From: <sip:alice@a.example.com>;tag=a1\nTo: <sip:bob@b.example.com>;tag=ours2\n"
        "Call-ID: cid@h\nCSeq: 8 PRACK\nRAck: 1 7 INVITE\nContent-Length: 0\n\n";
    struct gh_dialog *one, *two;
    struct gh_dialogs *table;

    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(gh_dialogs_new(&table), 0);
    CHECK_INT(gh_dialog_new_uas(&one, 3, msg, GH_SPAN("ours1")), 0);
    CHECK_INT(gh_dialog_new_uas(&two, 3, msg, GH_SPAN("ours2")), 0);
    CHECK_INT(gh_dialogs_add(table, one), 0);
    CHECK_INT(gh_dialogs_add(table, two), 0);
    prack = sip_msg(prack_text);
    CHECK(gh_dialogs_of_request(table, 3, prack) == two);
    CHECK(gh_dialogs_of_request(table, 4, prack) == NULL); /* isolation */
    CHECK_INT(gh_dialog_request_in(two, prack), 0);
    CHECK_INT(gh_dialog_refresh(two, prack), 0); /* a PRACK refreshes nothing */
    CHECK_STR(two->remote_target, "sip:alice@192.0.2.1");
    CHECK_INT(one->remote_cseq, 7); /* the peer's PRACK there has 8 as well */
    CHECK_INT(two->remote_cseq, 8);
    CHECK(has_cseq(two, "UPDATE", 0, "CSeq: 1 UPDATE\r\n"));
    CHECK(has_cseq(one, "UPDATE", 0, "CSeq: 1 UPDATE\r\n"));
    gh_dialog_free(one);
    gh_dialog_free(two);
    gh_dialogs_free(table);
    gh_sip_msg_unref(prack);
    gh_sip_msg_unref(msg);
}

/* sips: stays sips: (RFC 3261 sections 12.1.1, 12.1.2). */
static void secure(void)
{
    struct gh_sip_msg *plain = invite("sips:bob@us", "", "sip:alice@192.0.2.1");
    struct gh_sip_msg *good = invite("sips:bob@us", "", "sips:alice@192.0.2.1");
    struct gh_dialog *dialog;

    CHECK_OR_STOP(plain && good);
    CHECK_INT(gh_dialog_new_uas(&dialog, 3, plain, GH_SPAN("ours")), GH_ESYNTAX);
    CHECK_INT(gh_dialog_new_uas(&dialog, 3, good, GH_SPAN("ours")), 0);
    CHECK(dialog->secure);
    CHECK_INT(gh_dialog_refresh(dialog, plain), GH_ESYNTAX);
    CHECK_STR(dialog->remote_target, "sips:alice@192.0.2.1");
    gh_dialog_free(dialog);
    gh_sip_msg_unref(plain);
    gh_sip_msg_unref(good);
}

static void no_dialog_from(void)
{
    static const struct {
        int status;
        const char *tag, *extra;
    } rows[] = {
        { 100, "t", "Contact: <sip:a@b>\n" }, { 180, "", "Contact: <sip:a@b>\n" },
        { 200, "", "Contact: <sip:a@b>\n" },  { 200, "t", "" },
        { 300, "t", "Contact: <sip:a@b>\n" }, { 486, "t", "" },
        { 200, "t", "Contact: <tel:1>\n" },   { 200, "t", "Contact: *\n" },
        { 180, "t", "Contact: <tel:1>\n" },
    };
    struct gh_sip_msg *msg = invite("sip:b@c", "", "sip:a@us");
    struct gh_buf routes = { 0 };
    struct gh_dialog *dialog;

    CHECK_OR_STOP(msg != NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sip_msg *response = answer(rows[i].status, rows[i].tag, rows[i].extra);

        CHECK_OR_STOP(response != NULL);
        if (!CHECK_INT(gh_dialog_new_uac(&dialog, 3, msg, response), GH_ESYNTAX))
            fprintf(stderr, "  row %zu\n", i);
        gh_sip_msg_unref(response);
    }
    gh_sip_msg_unref(msg);
    for (int count = GH_DIALOG_ROUTES_MAX; count <= GH_DIALOG_ROUTES_MAX + 1; count++) {
        gh_buf_reset(&routes);
        for (int i = 0; i < count; i++)
            gh_buf_str(&routes, "Record-Route: <sip:p;lr>\n");
        gh_buf_add(&routes, gh_span_of("", 1));
        msg = invite("sip:b@c", routes.p, "sip:a@h");
        CHECK_OR_STOP(msg != NULL);
        dialog = NULL;
        CHECK_INT(gh_dialog_new_uas(&dialog, 3, msg, GH_SPAN("x")),
                  count > GH_DIALOG_ROUTES_MAX ? GH_ESYNTAX : 0);
        gh_dialog_free(dialog);
        gh_sip_msg_unref(msg);
    }
    gh_buf_fini(&routes);
}

static void table(void)
{
    struct gh_sip_msg *msg = invite("sip:b@c", "", "sip:a@us"), *one = answer(180, "t1", ""),
                      *two = answer(200, "t2", "Contact: <sip:x@y>\n");
    struct gh_dialog *first, *second, *twin;
    struct gh_dialogs *dialogs;

    CHECK_OR_STOP(msg && one && two && gh_dialogs_new(&dialogs) == 0);
    CHECK_INT(gh_dialog_new_uac(&first, 3, msg, one), 0);
    CHECK_INT(gh_dialog_new_uac(&second, 3, msg, two), 0);
    CHECK_INT(gh_dialog_new_uac(&twin, 3, msg, two), 0);
    CHECK_INT(gh_dialogs_add(dialogs, first), 0);
    CHECK_INT(gh_dialogs_add(dialogs, second), 0);
    CHECK_INT(gh_dialogs_add(dialogs, twin), GH_EEXISTS);
    CHECK(gh_dialogs_of_response(dialogs, 3, one) == first);
    CHECK(gh_dialogs_of_response(dialogs, 3, two) == second);
    gh_dialog_free(twin); /* was never in it */
    CHECK_INT(gh_dialogs_count(dialogs), 2);
    gh_dialogs_remove(first);
    gh_dialogs_remove(first);
    CHECK(gh_dialogs_of_response(dialogs, 3, one) == NULL);
    CHECK_INT(gh_dialogs_count(dialogs), 1);
    gh_dialogs_free(dialogs); /* the dialogs stay with their owners */
    CHECK(second->in == NULL);
    gh_dialog_free(first);
    gh_dialog_free(second);
    gh_dialog_free(NULL);
    gh_sip_msg_unref(msg);
    gh_sip_msg_unref(one);
    gh_sip_msg_unref(two);
}

int main(void)
{
    RUN(as_uas);
    RUN(as_uac);
    RUN(strict_router);
    RUN(cseq_order);
    RUN(target_refresh);
    RUN(target_of_an_early_dialog);
    RUN(early_dialogs_of_forks);
    RUN(early_dialogs_that_we_make);
    RUN(secure);
    RUN(no_dialog_from);
    RUN(table);
    return CHECK_REPORT();
}
