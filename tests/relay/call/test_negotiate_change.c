/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a session (RFC 3264 section 8): which keys stay, which are new, what becomes of
 * m-lines, and what a stream that was keyed may become.  Over random walks:
 * test_negotiate_change_proof.c.
 */
#include "support_session.h"

static const struct nego_who required = { REQUIRED }, allowed = { ALLOWED };

static void refused(struct session *session, int offerer, const char *offer, const char *answer,
                    const char *reason)
{
    CHECK_STR(gh_reason_name(session_change(session, offerer, offer, answer)), reason);
}

/* ---- keys ---------------------- */

static void the_same_keys_stay(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    in_force(&s, 0, "A1 B1", "B1 A1");
    for (int i = 0; i < 4; i++) {
        int offerer = i % 2;

        must(&s, offerer, SAVP("4", AES80, "@A1"), SAVP("1", AES80, "@B1"));
        if (offerer == GH_SIDE_A)
            in_force(&s, 0, "A1 B1", "B1 A1");
        else
            in_force(&s, 0, "B1 A1",
                     "A1 B1"); /* each declares what the other did: that is a new key */
    }
    session_fini(&s);
}

static void a_new_key(void)
{
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A2"), SAVP("1", AES80, "@B1"));
    in_force(&s, 0, "A2 B1", "B1 A2");
    must(&s, GH_SIDE_B, SAVP("1", AES80, "@B2"), SAVP("1", AES80, "@A2"));
    in_force(&s, 0, "A2 B2", "B2 A2");
    session_fini(&s);
}

/* In a bridge each side keeps what we drew for it, whoever offers. */
static void our_own_keys_stay(void)
{
    char to_b[128], to_a[128], key[128];
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    in_force(&s, 0, "A1 own", "BG own");
    session_key(s.offered, 0, 1, to_b);
    session_key(s.answered, 0, 0, to_a);
    CHECK(*to_b && *to_a && strcmp(to_a, to_b) != 0);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    CHECK_STR(session_key(s.offered, 0, 1, key), to_b);
    CHECK_STR(session_key(s.answered, 0, 0, key), to_a);
    /* b offers: its key is copied, and beside it stands ours of before for a's suite. */
    must(&s, GH_SIDE_B, SAVP("1", GCM, "@BG"), SAVP("2", AES80, "@A1"));
    CHECK_STR(session_key(s.offered, 0, 1, key), to_a);
    CHECK_STR(session_key(s.answered, 0, 0, key), to_b);
    in_force(&s, 0, "A1 own", "BG own");
    session_fini(&s);
}

/* What is not in force any more never comes back. */
static void a_replaced_key_of_ours_is_gone(void)
{
    char first[128], key[128];
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    session_key(s.offered, 0, 1, first);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    in_force(&s, 0, "A1 B1", "B1 A1");
    CHECK_STR(session_key(s.offered, 0, 1, key), first); /* it was in force when this was offered */
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    CHECK(strcmp(session_key(s.offered, 0, 1, key), first) != 0);
    session_fini(&s);
}

/* An offer that fails changes nothing, and the keys that were drawn for it are not drawn again. */
static void what_fails_changes_nothing(void)
{
    char before[128], drawn[128], key[128];
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    session_key(s.answered, 0, 0, before);
    refused(&s, GH_SIDE_A, SAVP("1", AES80, "@A2"), SAVP("7", AES32, "@B1"), "crypto_answer_bad");
    session_key(s.offered, 0, 1, drawn);
    in_force(&s, 0, "A1 own", "BG own");
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    CHECK_STR(session_key(s.answered, 0, 0, key), before);
    session_fini(&s);
}

static void bridge_stays_bridge(void)
{
    char key[128];
    struct session s;

    session_init(&s, &required, &required);
    s.leg[GH_SIDE_B].leg.bridge = true;
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", AES80, "@B1"));
    s.leg[GH_SIDE_B].leg.bridge = false; /* as if the configuration had changed */
    must(&s, GH_SIDE_B, SAVP("1", AES80, "@B1"), SAVP("2", AES80, "@A1"));
    in_force(&s, 0, "A1 own", "B1 own");
    CHECK(!strstr(s.offered, session_key(s.answered, 0, 0, key)));
    session_fini(&s);
}

/* ---- m-lines ---------------------- */

static void m_lines_come_and_go(void)
{
    char video[128], key[128];
    gh_stream_id stream, second;
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    stream = s.neg->streams[0].stream;
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1") VIDEO("1", AES80, "@A2"),
         SAVP("1", AES80, "@B1") VIDEO("2", GCM, "@BG"));
    CHECK(stream && s.neg->streams[0].stream == stream);
    CHECK(s.neg->streams[1].stream && s.neg->streams[1].stream != stream);
    CHECK_INT(s.neg->streams[0].side[GH_SIDE_A].port, PORT_A);
    second = s.neg->streams[1].stream;
    session_key(s.offered, 1, 1, video);
    /* Off: its slot, its media stream and its keys stay. */
    must(&s, GH_SIDE_B, SAVP("1", AES80, "@B1") "m=video 0 RTP/SAVP 97\n",
         SAVP("1", AES80, "@A1") "m=video 0 RTP/SAVP 97\n");
    CHECK(s.neg->streams[0].live && !s.neg->streams[1].live && s.neg->streams[1].parked);
    in_force(&s, 0, "A1 B1", "B1 A1");
    in_force(&s, 1, "A2 own", "BG own");
    /* It comes back as what it was: nothing may be replayed to it. */
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1") VIDEO("1", AES80, "@A2"),
         SAVP("1", AES80, "@B1") VIDEO("2", GCM, "@BG"));
    CHECK(s.neg->streams[1].stream == second && !s.neg->streams[1].parked);
    CHECK_STR(session_key(s.offered, 1, 1, key), video);
    /* RFC 3264 section 8: what was there is named, or the offer is none. */
    refused(&s, GH_SIDE_B, SAVP("1", AES80, "@B1"), "", "bad_sdp");
    CHECK_STR(s.pending->fault, "1 m-lines, the session has 2 already");
    session_fini(&s);
}

/* RFC 3264 section 8.2: a slot may be used again, also by another kind; its media stream and our keys go on. */
static void another_kind_in_the_slot(void)
{
    char first[128], key[128];
    gh_stream_id stream;
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    stream = s.neg->streams[0].stream;
    session_key(s.offered, 0, 1, first);
    must(&s, GH_SIDE_A, VIDEO("1", AES80, "@A1"), VIDEO("2", GCM, "@BG"));
    CHECK(s.neg->streams[0].stream == stream);
    CHECK_STR(session_key(s.offered, 0, 1, key), first);
    CHECK_INT(s.neg->streams[0].kind, GH_MEDIA_VIDEO);
    session_fini(&s);
}

/* Off as another kind, and back as what it was, or in clear: what was keyed is not forgotten by that. */
static void a_detour_by_another_kind(void)
{
    gh_stream_id stream;
    struct session s;

    session_init(&s, &allowed, &allowed);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    stream = s.neg->streams[0].stream;
    must(&s, GH_SIDE_A, "m=video 0 RTP/SAVP 97\n", "m=video 0 RTP/SAVP 97\n");
    CHECK(s.neg->streams[0].parked);
    refused(&s, GH_SIDE_A, CLEAR, "", "downgrade_refused");
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    CHECK(s.neg->streams[0].stream == stream);
    in_force(&s, 0, "A1 B1", "B1 A1");
    session_fini(&s);
}

/* A call may go on without media; one that begins so is refused. */
static void no_m_line_is_left(void)
{
    struct session s;

    session_init(&s, &required, &required);
    refused(&s, GH_SIDE_A, OFF_AUDIO, OFF_AUDIO, "media_not_relayed");
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    must(&s, GH_SIDE_A, OFF_AUDIO, OFF_AUDIO);
    CHECK(!s.neg->streams[0].live && s.neg->streams[0].parked);
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    in_force(&s, 0, "A1 B1", "B1 A1");
    session_fini(&s);
}

/* ---- downgrades ---------------------- */

/* A keyed stream is offered, or answered, without keys: what trunk and route say of it. */
static void downgrades(void)
{
    static const struct {
        enum gh_on_downgrade trunk, route;
        bool marked;
    } rows[] = {
        { GH_DOWNGRADE_REJECT, GH_DOWNGRADE_REJECT, false },
        { GH_DOWNGRADE_REJECT, GH_DOWNGRADE_MARK, false },
        { GH_DOWNGRADE_MARK, GH_DOWNGRADE_REJECT, false },
        { GH_DOWNGRADE_END, GH_DOWNGRADE_MARK, false },
        { GH_DOWNGRADE_MARK, GH_DOWNGRADE_END, false },
        { GH_DOWNGRADE_MARK, GH_DOWNGRADE_MARK, true },
    };

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        bool marked = rows[i / 2].marked;
        int offerer = i % 2;
        struct session s;
        struct gh_marks marks;
        gh_stream_id stream;

        session_init(&s, &allowed, &allowed);
        s.route_downgrade = rows[i / 2].route;
        s.leg[offerer].rules.on_downgrade = rows[i / 2].trunk;
        s.leg[!offerer].rules.on_downgrade = GH_DOWNGRADE_MARK;
        must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
        stream = s.neg->streams[0].stream;
        /* The answerer stays keyed: its hop is another matter. */
        refused(&s, offerer, CLEAR, SAVP("2", AES80, "@AC"),
                marked ? "no_usable_crypto" : "downgrade_refused");
        in_force(&s, 0, "A1 B1", "B1 A1");
        refused(&s, offerer, CLEAR, SAVP("2", AES80, "@B2"), marked ? "none" : "downgrade_refused");
        marks = gh_neg_marks(marked ? s.neg : s.pending);
        CHECK_INT(gh_marks_has(&marks, GH_REASON_DOWNGRADE_REFUSED), marked);
        if (marked) {
            /* A keyed stream never becomes a plain one: the caller makes a new one. */
            CHECK(s.neg->streams[0].stream != stream);
            CHECK_INT(s.neg->streams[0].side[offerer].suite, GH_SUITE_NONE);
            CHECK_INT(s.neg->streams[0].side[!offerer].suite, GH_AES_CM_128_HMAC_SHA1_80);
        }
        session_fini(&s);
    }
}

static void what_was_clear_may_be_keyed(void)
{
    struct session s;

    session_init(&s, &allowed, &allowed);
    must(&s, GH_SIDE_A, CLEAR, CLEAR);
    in_force(&s, 0, "none none", "none none");
    must(&s, GH_SIDE_B, SAVP("1", AES80, "@B1"), AUDIO("RTP/AVP", "1", AES80, "@A1"));
    in_force(&s, 0, "A1 B1", "B1 A1");
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@B1"));
    in_force(&s, 0, "A1 B1", "B1 A1");
    session_fini(&s);
}

/* ---- exposed ---------------------- */

static void secret_of(const char *name, struct gh_secret *out)
{
    uint8_t octets[GH_SUITE_KEY_MAX];
    size_t len = nego_key(name, octets);

    CHECK_INT(gh_secret_set(out, octets, len), 0);
}

static void exposed(void)
{
    static const char *const names[] = { "A1", "B1", "A2" };
    struct session s;

    for (size_t i = 0; i < 3; i++) {
        struct gh_secret key = { 0 };

        session_init(&s, &required, &required);
        must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1") VIDEO("1", GCM, "@AG"),
             SAVP("1", AES80, "@B1") VIDEO("1", GCM, "@BG"));
        secret_of(names[i], &key);
        CHECK_INT(gh_neg_exposed(s.neg, &key), i < 2);
        CHECK_INT(s.neg->streams[0].exposed, i < 2);
        CHECK(!s.neg->streams[1].exposed);
        gh_secret_wipe(&key);
        session_fini(&s);
    }
}

/* Keys that wait for the answer are as exposed as those in force, in what is answered too. */
static void exposed_before_the_answer(void)
{
    char octets[NEGO_TEXT_MAX], to_b[NEGO_TEXT_MAX], text[128];
    uint8_t raw[GH_SUITE_KEY_MAX];
    size_t len;
    struct nego_leg leg;
    struct gh_secret key = { 0 }, own = { 0 };
    struct gh_sdp *doc = NULL;
    struct gh_neg neg, fork;

    nego_leg(&leg, &required);
    secret_of("A1", &key);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(gh_neg_offer_in(
                  &neg, nego_expand(A_HEAD SAVP("1", AES80, "@A1"), octets), &leg.leg)),
              "none");
    nego_ports(&neg);
    CHECK(gh_neg_exposed(&neg, &key) && neg.streams[0].exposed);
    neg.streams[0].exposed = false;
    CHECK_STR(gh_reason_name(gh_neg_offer_out(&neg, &leg.leg, &leg.leg, &nego_self_b, true, &doc)),
              "none");
    nego_raw(doc, to_b);
    gh_sdp_free(doc);
    CHECK_INT(gh_secret_draw(&own, GH_AEAD_AES_256_GCM), 0);
    CHECK(!gh_neg_exposed(&neg, &own) && !neg.streams[0].exposed);
    session_key(to_b, 0, 1, text);
    CHECK_INT(gh_sdp_base64_decode(gh_span_str(text), raw, sizeof(raw), &len), 0);
    CHECK_INT(gh_secret_set(&own, raw, len), 0);
    CHECK(gh_neg_exposed(&neg, &own) && neg.streams[0].exposed);
    neg.streams[0].exposed = false;
    CHECK(gh_neg_exposed(&neg, &key));
    CHECK_INT(gh_neg_fork(&fork, &neg), 0);
    CHECK(fork.streams[0].exposed);
    gh_neg_fini(&fork);
    gh_neg_fini(&neg);
    gh_secret_wipe(&key);
    gh_secret_wipe(&own);
}

static void an_exposed_key_of_ours_is_replaced(void)
{
    struct ours before, after;
    struct session s;

    session_init(&s, &required, &required);
    before = bridge(&s);
    s.neg->streams[0].exposed = true;
    after = bridge(&s);
    CHECK(strcmp(before.to_a, after.to_a) != 0 && strcmp(before.to_b, after.to_b) != 0);
    CHECK(!s.neg->streams[0].exposed);
    session_fini(&s);
}

/* What a side lets become clear goes on as another stream of the media plane.  That one takes over the
 * state of the keys that stay, if it can; a key of ours does not depend on it, and serves one stream: the
 * side that stays keyed gets a fresh one. */
static void a_key_of_ours_serves_one_stream(void)
{
    for (int clear_side = 0; clear_side < 2; clear_side++) {
        char before[128], after[128];
        gh_stream_id stream;
        struct session s;

        session_init(&s, &allowed, &allowed);
        s.leg[0].rules.on_downgrade = s.leg[1].rules.on_downgrade = GH_DOWNGRADE_MARK;
        s.route_downgrade = GH_DOWNGRADE_MARK;
        for (int i = 0; i < 2; i++) {
            must(&s, GH_SIDE_A, AUDIO("RTP/AVP", "1", AES80, "@A1"),
                 AUDIO("RTP/AVP", "2", GCM, "@BG"));
            session_key(clear_side ? s.answered : s.offered, 0, !clear_side, i ? after : before);
        }
        CHECK_STR(after, before);
        stream = s.neg->streams[0].stream;
        if (clear_side == GH_SIDE_A)
            must(&s, GH_SIDE_A, CLEAR, AUDIO("RTP/AVP", "1", GCM, "@BG"));
        else
            must(&s, GH_SIDE_A, AUDIO("RTP/AVP", "1", AES80, "@A1"), CLEAR);
        CHECK(s.neg->streams[0].stream != stream);
        session_key(clear_side ? s.answered : s.offered, 0, 0, after);
        CHECK(*after && strcmp(after, before) != 0);
        in_force(&s, 0, clear_side ? "A1 own" : "none none", clear_side ? "none none" : "BG own");
        session_fini(&s);
    }
}

/* ---- the keeper ---------------------- */

struct memory {
    enum gh_reason refuse; /* what it says of A2 */
    int wrote_err;
    unsigned declared, wrote;
    char last[64];
};

static struct gh_gate on_declared(void *arg, int side, unsigned mline, struct gh_secret *key)
{
    struct memory *memory = arg;
    uint8_t octets[GH_SUITE_KEY_MAX];
    bool hit = nego_key("A2", octets) == key->len && memcmp(octets, key->octets, key->len) == 0;

    memory->declared++;
    snprintf(memory->last, sizeof(memory->last), "%c%u", 'a' + side, mline);
    if (!hit || memory->refuse == GH_REASON_NO_RULE)
        return (struct gh_gate){ GH_GATE_PASS, GH_REASON_NONE };
    return (struct gh_gate){ GH_GATE_REFUSE, memory->refuse };
}

static int on_wrote(void *arg, int side, unsigned mline, const struct gh_secret *key)
{
    struct memory *memory = arg;

    (void)side;
    (void)mline;
    CHECK(key->len > 0);
    memory->wrote++;
    return memory->wrote_err;
}

static void what_the_memory_says(void)
{
    struct memory memory = { 0 };
    struct session s;

    session_init(&s, &required, &required);
    s.keeper = (struct gh_neg_keeper){ &memory, on_declared, on_wrote };
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1") VIDEO("1", AES80, "@A2"),
         SAVP("1", AES80, "@B1") VIDEO("1", AES80, "@B2"));
    CHECK_INT(memory.declared, 4);
    CHECK_STR(memory.last, "b1");
    CHECK_INT(memory.wrote, 2 * 2 + 2); /* copy and own line to b, the answer to a */
    session_fini(&s);

    /* One m-line of two: that one. */
    memory.refuse = GH_REASON_KEY_REUSED;
    session_init(&s, &required, &required);
    s.keeper = (struct gh_neg_keeper){ &memory, on_declared, on_wrote };
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1") VIDEO("1", AES80, "@A2"),
         SAVP("1", AES80, "@B1") "m=video 0 RTP/SAVP 97\n");
    CHECK(s.neg->streams[0].live && !s.neg->streams[1].live);
    CHECK_INT(s.neg->streams[1].reason, GH_REASON_KEY_REUSED);
    CHECK(strstr(s.offered, "m=video 0 ") && !strstr(s.offered, nego_key_text(1, NULL)));
    session_fini(&s);

    /* What somebody else knows, or what comes back to where it went, is no m-line's matter alone.
     */
    for (int i = 0; i < 2; i++) {
        memory.refuse = i ? GH_REASON_KEY_ECHOED : GH_REASON_KEY_EXPOSED;
        session_init(&s, &required, &required);
        s.keeper = (struct gh_neg_keeper){ &memory, on_declared, on_wrote };
        refused(&s, GH_SIDE_A, SAVP("1", AES80, "@A1") VIDEO("1", AES80, "@A2"), "",
                gh_reason_name(memory.refuse));
        refused(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@A2"),
                gh_reason_name(memory.refuse));
        CHECK(!s.neg);
        session_fini(&s);
    }

    /* What cannot be remembered is not written. */
    memory = (struct memory){ .wrote_err = GH_ECRYPTO };
    session_init(&s, &required, &required);
    s.keeper = (struct gh_neg_keeper){ &memory, on_declared, on_wrote };
    refused(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), "", "internal");
    CHECK_STR(s.offered, "");
    session_fini(&s);
}

/* One key for both directions, told without a memory. */
static void echoes(void)
{
    char own[256];
    struct session s;

    session_init(&s, &required, &required);
    refused(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("1", AES80, "@A1"), "key_echoed");
    refused(&s, GH_SIDE_B, SAVP("1", AES80, "@B1") "a=crypto:2 " AES80 " inline:@B2\n",
            SAVP("1", AES80, "@B2"), "key_echoed");
    must(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    snprintf(own, sizeof(own), "m=audio 5004 RTP/SAVP 0\na=crypto:2 " GCM " inline:%s\n",
             session_key(s.offered, 0, 1, (char[128]){ 0 }));
    refused(&s, GH_SIDE_A, SAVP("1", AES80, "@A1"), own, "key_echoed");
    in_force(&s, 0, "A1 own", "BG own");
    session_fini(&s);
}

/* A side has one family of addresses as long as the session lives; 0.0.0.0 is of none. */
static void the_family_stays(void)
{
    static const char six[] =
        "v=0\no=bob 998877 3 IN IP6 2001:db8::2\ns=-\nc=IN IP6 2001:db8::2\nt=0 0\n"
        "m=audio 5004 RTP/AVP 0\n";
    static const char held[] =
        "v=0\no=bob 998877 3 IN IP6 2001:db8::2\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\n"
        "m=audio 5004 RTP/AVP 0\n";
    static const char four[] = A_HEAD CLEAR;
    struct session s;

    session_init(&s, &allowed, &allowed);
    for (int side = 0; side < 2; side++)
        s.leg[side].leg.media6 =
            (struct gh_addr){ .family = 6, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 9 } };
    CHECK_STR(gh_reason_name(session_change_whole(&s, GH_SIDE_A, four, six)), "none");
    CHECK_INT(s.neg->family[GH_SIDE_A], 4);
    CHECK_INT(s.neg->family[GH_SIDE_B], 6);
    CHECK_STR(gh_reason_name(session_change_whole(&s, GH_SIDE_B, held, four)), "none");
    CHECK_INT(s.neg->streams[0].side[GH_SIDE_B].rtp.family, 0);
    CHECK_STR(gh_reason_name(session_change_whole(&s, GH_SIDE_A, six, six)), "media_not_relayed");
    CHECK_STR(gh_reason_name(session_change_whole(&s, GH_SIDE_A, four, four)), "media_not_relayed");
    CHECK_STR(gh_reason_name(session_change_whole(&s, GH_SIDE_B, six, four)), "none");
    session_fini(&s);
}

int main(void)
{
    RUN(the_family_stays);
    RUN(the_same_keys_stay);
    RUN(a_new_key);
    RUN(our_own_keys_stay);
    RUN(a_replaced_key_of_ours_is_gone);
    RUN(what_fails_changes_nothing);
    RUN(bridge_stays_bridge);
    RUN(m_lines_come_and_go);
    RUN(another_kind_in_the_slot);
    RUN(a_detour_by_another_kind);
    RUN(no_m_line_is_left);
    RUN(downgrades);
    RUN(what_was_clear_may_be_keyed);
    RUN(exposed);
    RUN(exposed_before_the_answer);
    RUN(an_exposed_key_of_ours_is_replaced);
    RUN(a_key_of_ours_serves_one_stream);
    RUN(what_the_memory_says);
    RUN(echoes);
    return CHECK_REPORT();
}
