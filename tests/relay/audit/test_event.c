/* SPDX-License-Identifier: Apache-2.0 */
/* The record builder: the shape of the records that the design fixes, sticky errors, limits. */
#include "support/check.h"

#include <locale.h>
#include <math.h>


#include "audit/event.h"
#include "relay/audit/support_audit.h"

/* What the finished text says, with the opening brace that the ledger adds.  Frees @event. */
static char text[GH_EVENT_LEN_MAX + 16];

static const char *finished(struct gh_event *event)
{
    struct gh_span span;
    int err = gh_event_finish(event, &span);

    if (err)
        snprintf(text, sizeof(text), "error %d", err);
    else
        snprintf(text, sizeof(text), "{%.*s", GH_SPAN_FMT(span));
    gh_event_free(event);
    return text;
}

#define HEAD "{\"ts\":\"2026-11-23T09:14:07.114Z\",\"type\":\"a.b\""

static void add_stream(struct gh_event *e)
{
    gh_event_object(e, NULL);
    gh_event_int(e, "index", 0);
    gh_event_text(e, "media", "audio");
    gh_event_text(e, "keying", "sdes");
    gh_event_text(e, "suite", "AES_CM_128_HMAC_SHA1_80");
    gh_event_text(e, "path", "pass");
    gh_event_object(e, "rx");
    gh_event_u64(e, "authenticated", 2411);
    gh_event_u64(e, "auth_failed", 0);
    gh_event_u64(e, "replayed", 0);
    gh_event_u64(e, "plain", 0);
    gh_event_u64(e, "unknown_source", 0);
    gh_event_end(e);
    gh_event_u64(e, "tx", 2409);
    gh_event_end(e);
}

static void add_leg(struct gh_event *e)
{
    uint8_t cert[32] = { 0x9f };

    gh_event_object(e, NULL);
    gh_event_text(e, "side", "a");
    gh_event_text(e, "trunk", "CUCMA");
    gh_event_text(e, "claim", "Encrypted");
    gh_event_object(e, "sig");
    gh_event_text(e, "transport", "tls");
    gh_event_text(e, "version", "TLSv1.3");
    gh_event_text(e, "cipher", "TLS_AES_256_GCM_SHA384");
    gh_event_text(e, "group", "X25519");
    gh_event_bool(e, "forward_secret", true);
    gh_event_bool(e, "verified", true);
    gh_event_text(e, "name", "CUCMA");
    gh_event_sha256(e, "cert", cert);
    gh_event_end(e);
    gh_event_array(e, "streams");
    add_stream(e);
    gh_event_end(e);
    gh_event_end(e);
}

/* Octet for octet the call.end of the design, but for the elided hash. */
static void the_line_of_a_call(void)
{
    struct gh_event *e = gh_event_new("call.end", WALL_US);
    static const char *const holders[] = { "CUCMA", "border1", "CUCM10" };

    gh_event_text(e, "call", "01JD");
    gh_event_str(e, "from", GH_SPAN("1018"));
    gh_event_str(e, "to", GH_SPAN("9898"));
    gh_event_text(e, "status", "Encrypted");
    gh_event_text(e, "grade", "hop_by_hop");
    gh_event_array(e, "reasons");
    gh_event_end(e);
    gh_event_array(e, "marks");
    gh_event_end(e);
    gh_event_array(e, "intervals");
    gh_event_array(e, NULL);
    gh_event_seconds(e, NULL, 0.0);
    gh_event_seconds(e, NULL, 48.2);
    gh_event_text(e, NULL, "hop_by_hop");
    gh_event_end(e);
    gh_event_end(e);
    gh_event_array(e, "key_holders");
    for (size_t i = 0; i < 3; i++)
        gh_event_text(e, NULL, holders[i]);
    gh_event_end(e);
    gh_event_array(e, "legs");
    add_leg(e);
    gh_event_end(e);
    CHECK_INT(gh_event_error(e), 0);
    CHECK_STR(finished(e),
              "{\"ts\":\"2026-11-23T09:14:07.114Z\",\"type\":\"call.end\",\"call\":\"01JD\",\"from\":\"1018\","
              "\"to\":\"9898\",\"status\":\"Encrypted\",\"grade\":\"hop_by_hop\",\"reasons\":[],\"marks\":[],"
              "\"intervals\":[[0.0,48.2,\"hop_by_hop\"]],\"key_holders\":[\"CUCMA\",\"border1\",\"CUCM10\"],"
              "\"legs\":[{\"side\":\"a\",\"trunk\":\"CUCMA\",\"claim\":\"Encrypted\",\"sig\":{\"transport\":"
              "\"tls\",\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"group\":\"X25519\","
              "\"forward_secret\":true,\"verified\":true,\"name\":\"CUCMA\",\"cert\":\"sha256:9f000000000000"
              "00000000000000000000000000000000000000000000000000\"},\"streams\":[{\"index\":0,\"media\":"
              "\"audio\",\"keying\":\"sdes\",\"suite\":\"AES_CM_128_HMAC_SHA1_80\",\"path\":\"pass\",\"rx\":{"
              "\"authenticated\":2411,\"auth_failed\":0,\"replayed\":0,\"plain\":0,\"unknown_source\":0},"
              "\"tx\":2409}]}]}");
}

static void values_of_every_kind(void)
{
    struct gh_event *e = gh_event_new("a.b", WALL_US);

    gh_event_int(e, "i", INT64_MIN);
    gh_event_u64(e, "u", INT64_MAX);
    gh_event_u64(e, "big", UINT64_MAX);
    gh_event_bool(e, "no", false);
    gh_event_hex(e, "hex", "\x00\xab\xff", 3);
    gh_event_text(e, "null", NULL);
    gh_event_time(e, "when", WALL_US);
    gh_event_time(e, "never", 0);
    gh_event_str(e, "odd", GH_SPAN("\xff\"\n"));
    gh_event_object(e, "empty");
    gh_event_end(e);
    CHECK_STR(finished(e),
              HEAD ",\"i\":-9223372036854775808,\"u\":9223372036854775807,\"big\":\"18446744073709551615\","
                   "\"no\":false,\"hex\":\"00abff\",\"null\":null,\"when\":\"2026-11-23T09:14:07.114Z\","
                   "\"never\":null,\"odd\":\"\\\\xFF\\\"\\u000a\",\"empty\":{}}");
}

static void seconds_are_exact_and_know_no_locale(void)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        { 0.0, "0.0" }, { 48.2, "48.2" }, { 1.0005, "1.001" }, { 0.999, "0.999" }, { 0.9996, "1.0" },
        { -1.25, "-1.25" }, { -0.0001, "0.0" }, { 1e15, "1000000000000000.0" }, { 3600.05, "3600.05" },
        { 1e300, "null" }, { -1e300, "null" }, { INFINITY, "null" }, { NAN, "null" },
    };
    char want[128];

    /* A locale with a decimal comma, if the machine has one. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_event *e = gh_event_new("a.b", WALL_US);

        gh_event_seconds(e, "s", rows[i].value);
        snprintf(want, sizeof(want), HEAD ",\"s\":%s}", rows[i].want);
        CHECK_STR(finished(e), want);
    }
    setlocale(LC_ALL, "C");
}

static void times_are_clamped(void)
{
    char out[GH_EVENT_TIME_LEN + 1];

    gh_event_time_text(0, out);
    CHECK_STR(out, "1970-01-01T00:00:00.000Z");
    gh_event_time_text(-5, out);
    CHECK_STR(out, "1970-01-01T00:00:00.000Z");
    gh_event_time_text(951782400000000LL, out);
    CHECK_STR(out, "2000-02-29T00:00:00.000Z");
    gh_event_time_text(INT64_MAX, out);
    CHECK_INT(strncmp(out, "9999-12-31T23:59:59.", 20), 0);
}

/* ---- errors stick ---- */

static void check_fails(struct gh_event *e, int want)
{
    struct gh_span span;

    CHECK_INT(gh_event_finish(e, &span), want);
    gh_event_int(e, "later", 1);
    CHECK_INT(gh_event_error(e), want);
    gh_event_free(e);
}

static void wrong_use_is_an_error(void)
{
    struct gh_event *e;

    check_fails(gh_event_new("Not Ours", WALL_US), GH_EINVAL);
    check_fails(gh_event_new("", WALL_US), GH_EINVAL);
    check_fails(gh_event_new(NULL, WALL_US), GH_EINVAL);
    check_fails(gh_event_new("a.type.that.is.longer.than.thirty-two", WALL_US), GH_EINVAL);
    e = gh_event_new("a.b", WALL_US);
    gh_event_int(e, NULL, 1); /* a member without a name */
    check_fails(e, GH_EINVAL);
    e = gh_event_new("a.b", WALL_US);
    gh_event_array(e, "list");
    gh_event_int(e, "named", 1); /* an item with one */
    check_fails(e, GH_EINVAL);
    e = gh_event_new("a.b", WALL_US);
    gh_event_int(e, "bad\"name", 1);
    check_fails(e, GH_EINVAL);
    e = gh_event_new("a.b", WALL_US);
    gh_event_end(e);
    check_fails(e, GH_ESTATE);
    e = gh_event_new("a.b", WALL_US);
    gh_event_object(e, "open");
    check_fails(e, GH_ESTATE);
}

/* Strict readers refuse a name twice: such a line would look like damage. */
static void a_name_twice_is_an_error(void)
{
    static const char *const taken[] = { "v", "seq", "prev", "ts", "type", "mine" };
    struct gh_event *e;

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        e = gh_event_new("a.b", WALL_US);
        gh_event_int(e, "mine", 1);
        gh_event_int(e, taken[i], 1);
        check_fails(e, GH_EINVAL);
    }
    e = gh_event_new("a.b", WALL_US);
    gh_event_array(e, "list");
    for (int i = 0; i < 200; i++) { /* the same names in other objects are fine */
        gh_event_object(e, NULL);
        gh_event_int(e, "list", 1);
        gh_event_object(e, "seq");
        gh_event_int(e, "list", 1);
        gh_event_end(e);
        gh_event_int(e, "type", 1);
        gh_event_end(e);
    }
    gh_event_end(e);
    CHECK_INT(gh_event_error(e), 0);
    gh_event_object(e, "list");
    check_fails(e, GH_EINVAL);
    e = gh_event_new("a.b", WALL_US);
    for (int i = 0; i < 200; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%d", i);
        gh_event_int(e, name, i);
    }
    check_fails(e, GH_ELIMIT);
}

static void a_finished_event_takes_nothing_more(void)
{
    struct gh_event *e = gh_event_new("a.b", WALL_US);
    struct gh_span first, second;

    CHECK_INT(gh_event_finish(e, &first), 0);
    CHECK_INT(gh_event_finish(e, &second), 0);
    CHECK(gh_span_eq(first, second));
    gh_event_int(e, "late", 1);
    CHECK_INT(gh_event_error(e), GH_ESTATE);
    gh_event_free(e);
}

static void limits_are_kept(void)
{
    struct gh_event *e = gh_event_new("a.b", WALL_US);
    static char peer[65536];

    for (int i = 0; i < GH_EVENT_DEPTH_MAX; i++)
        gh_event_array(e, i ? NULL : "deep");
    CHECK_INT(gh_event_error(e), 0);
    gh_event_array(e, NULL);
    check_fails(e, GH_ELIMIT);

    memset(peer, 1, sizeof(peer)); /* the octet that grows most */
    e = gh_event_new("a.b", WALL_US);
    gh_event_str(e, "peer", gh_span_of(peer, sizeof(peer)));
    CHECK_INT(gh_event_error(e), 0);
    gh_event_array(e, "more");
    for (int i = 0; i < 100; i++)
        gh_event_str(e, NULL, gh_span_of(peer, sizeof(peer)));
    check_fails(e, GH_ELIMIT);
}

static void a_missing_event_is_harmless(void)
{
    struct gh_span span;

    gh_event_int(NULL, "n", 1);
    gh_event_str(NULL, "s", GH_SPAN("x"));
    gh_event_text(NULL, "s", NULL);
    gh_event_seconds(NULL, "s", 1);
    gh_event_object(NULL, "o");
    gh_event_end(NULL);
    gh_event_free(NULL);
    CHECK_INT(gh_event_error(NULL), GH_ENOMEM);
    CHECK_INT(gh_event_finish(NULL, &span), GH_ENOMEM);
}

int main(void)
{
    RUN(the_line_of_a_call);
    RUN(values_of_every_kind);
    RUN(seconds_are_exact_and_know_no_locale);
    RUN(times_are_clamped);
    RUN(wrong_use_is_an_error);
    RUN(a_name_twice_is_an_error);
    RUN(a_finished_event_takes_nothing_more);
    RUN(limits_are_kept);
    RUN(a_missing_event_is_harmless);
    return CHECK_REPORT();
}
