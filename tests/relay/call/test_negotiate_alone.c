/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges of our own with one side alone: what is said again, which keys are fresh, and what
 * becomes of the other side that hears nothing.  Over random walks: test_negotiate_change_proof.c;
 * with whole calls: e2e/test_own_invite.py, e2e/test_worn_keys.py.
 */
#include <stdlib.h>

#include "support_session.h"

static const struct nego_who required = { REQUIRED }, allowed = { ALLOWED };

static void alone(struct session *session, int side, const char *answer, const char *reason)
{
    CHECK_STR(gh_reason_name(session_alone(session, side, answer)), reason);
}

static void paths(const struct session *session, int media, enum gh_path a, enum gh_path b)
{
    CHECK_INT(session->neg->streams[media].side[GH_SIDE_A].path, a);
    CHECK_INT(session->neg->streams[media].side[GH_SIDE_B].path, b);
}

/* Our key to @side, near its limit. */
static void wear(struct session *session, size_t media, int side)
{
    CHECK(gh_neg_worn(session->neg, media, side, session->neg->streams[media].side[side].tx_key));
}

static unsigned version_of(const char *text)
{
    unsigned version = 0;

    CHECK_INT(sscanf(text, "v=0\r\no=gatehouse %*u %u", &version), 1);
    return version;
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void an_answer_is_repeated_octet_for_octet(void)
{
    char said[NEGO_TEXT_MAX];
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("3", AES80, "@A1|2^31") "a=ptime:20\na=sendrecv\n",
         SAVP("1", AES80, "@B1|2^20") "a=rtpmap:0 PCMU/8000\na=recvonly\n");
    strcpy(said, s.answered);
    for (int i = 0; i < 2; i++) {
        alone(&s, GH_SIDE_A, SAVP("3", AES80, "@A1|2^31"), "none");
        CHECK_STR(s.offered, said);
        in_force(&s, 0, "A1 B1", "B1 A1");
        CHECK(!s.neg->rekeyed);
        paths(&s, 0, GH_PATH_PASS, GH_PATH_PASS);
    }
    session_fini(&s);
}

/* Of an offer with several lines the one that was taken: that is another description, once. */
static void an_offer_keeps_the_line_that_was_taken(void)
{
    char key[128], first[128], text[NEGO_TEXT_MAX];
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    session_key(s.offered, 0, 1, first);
    CHECK_INT(version_of(s.offered), 1);
    alone(&s, GH_SIDE_B, SAVP("2", GCM, "@BG"), "none");
    CHECK_STR(session_key(s.offered, 0, 0, key), first);
    CHECK_STR(session_key(s.offered, 0, 1, key), "");
    CHECK(strstr(s.offered, "a=crypto:2 " GCM " ") != NULL);
    CHECK_INT(version_of(s.offered), 2);
    strcpy(text, s.offered);
    alone(&s, GH_SIDE_B, SAVP("2", GCM, "@BG"), "none");
    CHECK_STR(s.offered, text);
    in_force(&s, 0, "A1 own", "BG own");
    session_fini(&s);
}

/* One that was refused was sent all the same: the next has another version. */
static void the_version_after_a_refusal(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    alone(&s, GH_SIDE_B, NULL, "internal");
    CHECK_INT(version_of(s.offered), 2);
    alone(&s, GH_SIDE_B, NULL, "internal");
    CHECK_INT(version_of(s.offered), 3);
    alone(&s, GH_SIDE_B, SAVP("2", GCM, "@BG"), "none");
    CHECK_INT(version_of(s.offered), 4);
    session_fini(&s);
}

static void what_was_refused_stays_refused(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A,
         SAVP("1", AES80, "@A1") VIDEO("1", AES80, "@A2"), SAVP("1", AES80, "@B1") OFF_VIDEO);
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B1") "m=video 5010 RTP/SAVP 97\n", "none");
    CHECK(strstr(s.offered, "m=video 0 RTP/SAVP 97\r\n") != NULL);
    CHECK(!s.neg->streams[1].live);
    in_force(&s, 0, "A1 B1", "B1 A1");
    session_fini(&s);
}

/* Of which m-lines each side is to be told that they are off. */
static void gone(const struct session *session, unsigned a, unsigned b)
{
    CHECK_INT(gh_neg_gone(session->neg, GH_SIDE_A), a);
    CHECK_INT(gh_neg_gone(session->neg, GH_SIDE_B), b);
    CHECK_INT(gh_neg_wanting(session->neg, GH_SIDE_A), a);
    CHECK_INT(gh_neg_wanting(session->neg, GH_SIDE_B), b);
}

static void a_line_that_is_given_up(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    gone(&s, 0, 0);
    alone(&s, GH_SIDE_B, OFF_AUDIO, "none");
    CHECK(!s.neg->streams[0].live && s.neg->streams[0].parked);
    CHECK(s.neg->cut && !s.neg->rekeyed);
    gone(&s, 1, 0);
    alone(&s, GH_SIDE_B, OFF_AUDIO, "none"); /* whatever b is asked again, a has not heard */
    CHECK(!s.neg->cut);
    gone(&s, 1, 0);
    alone(&s, GH_SIDE_A, NULL, "internal");
    gone(&s, 1, 0);
    alone(&s, GH_SIDE_A, OFF_AUDIO, "none");
    CHECK(strstr(s.offered, "m=audio 0 ") && !strstr(s.offered, "inline:"));
    gone(&s, 0, 0);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    in_force(&s, 0, "A1 B1", "B1 A1");
    session_fini(&s);
}

/* What crosses tells both, whether it turns the line on again or leaves it off. */
static void a_line_that_is_given_up_in_what_crosses(void)
{
    for (int offerer = 0; offerer < 2; offerer++) {
        for (int on = 0; on < 2; on++) {
            const char *line[2] = { on ? SAVP("1", AES80, "@A1") : OFF_AUDIO,
                                    on ? SAVP("1", AES80, "@B1") : OFF_AUDIO };
            struct session s;

            session_init(&s, &required, &required);
            must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
            alone(&s, GH_SIDE_B, OFF_AUDIO, "none");
            gone(&s, 1, 0);
            must(&s, offerer, line[offerer], line[!offerer]);
            CHECK_INT(s.neg->streams[0].live, on);
            gone(&s, 0, 0);
            session_fini(&s);
        }
    }
}

/* One of two, and then the other by the other side. */
static void lines_that_are_given_up_by_either_side(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1") VIDEO("1", AES80, "@A2"),
         SAVP("1", AES80, "@B1") VIDEO("1", AES80, "@B2"));
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B1") OFF_VIDEO, "none");
    gone(&s, 2, 0);
    in_force(&s, 0, "A1 B1", "B1 A1");
    alone(&s, GH_SIDE_A, OFF_AUDIO OFF_VIDEO, "none");
    CHECK(strstr(s.offered, "m=video 0 ") && !strstr(s.offered, "m=audio 0 "));
    gone(&s, 0, 1);
    alone(&s, GH_SIDE_B, OFF_AUDIO OFF_VIDEO, "none");
    gone(&s, 0, 0);
    session_fini(&s);
}

static void in_clear(void)
{
    struct session s;

    session_init(&s, &allowed, &allowed);
    must(&s, GH_SIDE_A, CLEAR, CLEAR);
    alone(&s, GH_SIDE_A, CLEAR, "none");
    alone(&s, GH_SIDE_B, CLEAR, "none");
    CHECK(!strstr(s.offered, "inline:"));
    CHECK(!gh_marks_has(&s.neg->marks, GH_REASON_MEDIA_CLEAR)); /* it was before we asked */
    paths(&s, 0, GH_PATH_CLEAR, GH_PATH_CLEAR);
    /* Not over a connection that is worth less than the one that carried the key. */
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    s.leg[GH_SIDE_B].leg.signalling = GH_SIG_CLEAR;
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B1"), "key_over_clear_signalling");
    CHECK_STR(s.offered, "");
    in_force(&s, 0, "A1 B1", "B1 A1");
    session_fini(&s);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void a_worn_key_is_replaced(void)
{
    char first[128], drawn[128], key[128], to_a[128];
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    session_key(s.offered, 0, 1, first);
    session_key(s.answered, 0, 0, to_a);
    CHECK(!gh_neg_worn(s.neg, 0, GH_SIDE_B, s.neg->streams[0].side[GH_SIDE_B].tx_key + 1000));
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_B), 0);
    wear(&s, 0, GH_SIDE_B);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_B), 1);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_A), 0);
    CHECK_INT(gh_neg_stale(s.neg, GH_SIDE_B), 0);
    alone(&s, GH_SIDE_B, NULL, "internal"); /* refused: as it was, and still to be done */
    session_key(s.offered, 0, 0, drawn);
    CHECK(*drawn && strcmp(drawn, first) != 0);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_B), 1);
    alone(&s, GH_SIDE_B, SAVP("2", GCM, "@BG"), "none");
    session_key(s.offered, 0, 0, key);
    CHECK(*key && strcmp(key, first) != 0 && strcmp(key, drawn) != 0);
    CHECK(s.neg->rekeyed);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_B), 0);
    in_force(&s, 0, "A1 own", "BG own");
    /* The other side's is what it was, and each goes on from here. */
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    CHECK_STR(session_key(s.offered, 0, 1, drawn), key);
    CHECK_STR(session_key(s.answered, 0, 0, key), to_a);
    session_fini(&s);
}

/* What crosses replaces it as well, towards either side. */
static void a_worn_key_in_what_crosses(void)
{
    struct ours before, after;
    struct session s;

    session_init(&s, &required, &required);
    before = bridge(&s);
    wear(&s, 0, GH_SIDE_A);
    wear(&s, 0, GH_SIDE_B);
    after = bridge(&s);
    CHECK(strcmp(before.to_a, after.to_a) != 0 && strcmp(before.to_b, after.to_b) != 0);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_A) | gh_neg_wanting(s.neg, GH_SIDE_B), 0);
    session_fini(&s);
}

/* A key that is not ours has no limit of ours. */
static void a_passed_key_is_not_worn(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    CHECK(!gh_neg_worn(s.neg, 0, GH_SIDE_B, s.neg->streams[0].side[GH_SIDE_B].tx_key));
    CHECK(!gh_neg_worn(s.neg, 5, GH_SIDE_B, 1));
    session_fini(&s);
}

/* Each side in turn has a new key: at each step one direction becomes a bridge, and then it ends.
 */
static void new_keys_in_answers(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B2"), "none");
    in_force(&s, 0, "A1 B1", "B2 A1");
    CHECK_INT(gh_neg_stale(s.neg, GH_SIDE_A), 1);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_A), 1);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_B), 0);
    paths(&s, 0, GH_PATH_PASS, GH_PATH_BRIDGE);
    alone(&s, GH_SIDE_A, SAVP("1", AES80, "@A2"), "none");
    in_force(&s, 0, "A2 own", "B2 A1");
    CHECK_INT(gh_neg_stale(s.neg, GH_SIDE_A), 0);
    CHECK_INT(gh_neg_stale(s.neg, GH_SIDE_B), 1);
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B1"), "none");
    in_force(&s, 0, "A2 own", "B1 own");
    paths(&s, 0, GH_PATH_BRIDGE, GH_PATH_BRIDGE);
    CHECK_INT(gh_neg_wanting(s.neg, GH_SIDE_A) | gh_neg_wanting(s.neg, GH_SIDE_B), 0);
    /* What crosses is `pass` again. */
    must(&s, GH_SIDE_B, SAVP("1", AES80, "@B1"), SAVP("1", AES80, "@A2"));
    in_force(&s, 0, "A2 B1", "B1 A2");
    paths(&s, 0, GH_PATH_PASS, GH_PATH_PASS);
    session_fini(&s);
}

/* It had another key in between, and comes back to the one that the other side knows. */
static void the_old_key_comes_back(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B2"), "none");
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B1"), "none");
    CHECK_INT(gh_neg_stale(s.neg, GH_SIDE_A), 0);
    paths(&s, 0, GH_PATH_PASS, GH_PATH_PASS);
    session_fini(&s);
}

/* The key is the same, but its packets have an MKI now: the other side could not read them. */
static void an_mki_in_the_answer(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    alone(&s, GH_SIDE_B, SAVP("1", AES80, "@B1|2^31|5:1"), "none");
    paths(&s, 0, GH_PATH_PASS, GH_PATH_BRIDGE);
    CHECK_INT(gh_neg_stale(s.neg, GH_SIDE_A), 1);
    session_fini(&s);
}

/* ---- the other side cannot be asked ---------------------------------------------------------- */

static void answers_that_cannot_be(void)
{
    struct session s;

    session_init(&s, &allowed, &allowed);
    s.leg[GH_SIDE_B].rules.on_downgrade = s.route_downgrade = GH_DOWNGRADE_MARK;
    must(&s, GH_SIDE_A, AUDIO("RTP/AVP", "1", AES80, "@A1"), AUDIO("RTP/AVP", "1", AES80, "@B1"));
    alone(&s, GH_SIDE_B, CLEAR, "downgrade_refused");
    alone(&s, GH_SIDE_B, AUDIO("RTP/AVP", "1", AES80, "@A1"), "key_echoed");
    alone(&s, GH_SIDE_B, AUDIO("RTP/AVP", "1", GCM, "@BG"), "crypto_answer_bad");
    alone(&s, GH_SIDE_B, "", "bad_sdp");
    in_force(&s, 0, "A1 B1", "B1 A1");
    paths(&s, 0, GH_PATH_PASS, GH_PATH_PASS);
    session_fini(&s);
}

int main(void)
{
    RUN(an_answer_is_repeated_octet_for_octet);
    RUN(an_offer_keeps_the_line_that_was_taken);
    RUN(the_version_after_a_refusal);
    RUN(what_was_refused_stays_refused);
    RUN(a_line_that_is_given_up);
    RUN(a_line_that_is_given_up_in_what_crosses);
    RUN(lines_that_are_given_up_by_either_side);
    RUN(in_clear);
    RUN(a_worn_key_is_replaced);
    RUN(a_worn_key_in_what_crosses);
    RUN(a_passed_key_is_not_worn);
    RUN(new_keys_in_answers);
    RUN(the_old_key_comes_back);
    RUN(an_mki_in_the_answer);
    RUN(answers_that_cannot_be);
    return CHECK_REPORT();
}
