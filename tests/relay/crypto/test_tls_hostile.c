/* SPDX-License-Identifier: Apache-2.0 */
/* Octets that are no TLS, broken TLS, cut TLS, and certificates of unusual size. */
#include "crypto/tls.h"

#include <gatehouse/err.h>

#include "support/alloc_fail.h"
#include "support/check.h"
#include "support_chain.h"
#include "support_tls.h"

#define ALL_AT_ONCE 65536

static struct gh_tls *ours_of(enum gh_role role)
{
    return gh_test_ours(&(struct gh_test_ours){ .role = role });
}

/* ---- no TLS ---------------------------------------------------------------------------------- */

static const struct {
    enum gh_role role;
    const char *sent, *words;
} plain_rows[] = {
    { GH_ROLE_SERVER, "INVITE sip:9898@border SIP/2.0\r\nVia: SIP/2.0/TCP pbx\r\n\r\n",
      "\"INVIT\"" },
    { GH_ROLE_SERVER, "OPTIONS sip:border SIP/2.0\r\n\r\n", "\"OPTIO\"" },
    { GH_ROLE_SERVER, "GET / HTTP/1.1\r\nHost: border\r\n\r\n", "\"GET /\"" },
    { GH_ROLE_SERVER, "CONNECT border:5061 HTTP/1.1\r\n\r\n", "\"CONNE\"" },
    { GH_ROLE_SERVER, "\r\n\r\n\r\n\r\n", "\"?????\"" }, /* RFC 5626 section 4.4.1 keep-alive */
    { GH_ROLE_SERVER, "SSH-2.0-OpenSSH_9.2p1\r\n", "\"SSH-2\"" },
    { GH_ROLE_SERVER, "\x16\x47\x01 not a version", "not a TLS record" },
    { GH_ROLE_CLIENT, "SIP/2.0 400 Bad Request\r\n\r\n", "\"SIP/2\"" },
    { GH_ROLE_CLIENT, "HTTP/1.1 400 Bad Request\r\n\r\n", "\"HTTP/\"" },
    { GH_ROLE_CLIENT, "-ERR plain\r\n", "\"-ERR \"" },
};

static void test_plain_text(void)
{
    for (size_t i = 0; i < sizeof(plain_rows) / sizeof(plain_rows[0]); i++) {
        for (size_t chunk = 1; chunk <= 100; chunk += 99) {
            struct gh_tls *ours = ours_of(plain_rows[i].role);
            size_t len = strlen(plain_rows[i].sent);

            gh_tls_input(ours, NULL, 0);
            for (size_t at = 0; at < len; at += chunk)
                gh_tls_input(ours, (const uint8_t *)plain_rows[i].sent + at,
                             len - at < chunk ? len - at : chunk);
            CHECK_INT(gh_tls_state(ours), GH_TLS_FAILED);
            CHECK_STR(gh_test_reason(ours), "tls_not_tls");
            if (!strstr(gh_test_words(ours), plain_rows[i].words))
                CHECK_STR(gh_test_words(ours), plain_rows[i].words);
            gh_tls_free(ours);
        }
    }
}

/* Fewer octets than a record's header are no verdict yet; the end of the connection makes one. */
static void test_end_of_file_during_the_handshake(void)
{
    static const struct {
        const char *sent;
        size_t len;
        const char *reason;
    } rows[] = {
        { "", 0, "tls_closed" },
        { "\x16\x03\x01\x02", 4, "tls_closed" },
        { "INV", 3, "tls_not_tls" },
        { "\x16\x03\x01\x00\x40\x01\x00", 7, "tls_closed" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int role = GH_ROLE_SERVER; role <= GH_ROLE_CLIENT; role++) {
            struct gh_tls *ours = ours_of((enum gh_role)role);

            gh_tls_input(ours, NULL, 0);
            CHECK_INT(gh_tls_input(ours, (const uint8_t *)rows[i].sent, rows[i].len),
                      GH_TLS_HANDSHAKE);
            CHECK_INT(gh_tls_input_eof(ours), GH_TLS_FAILED);
            CHECK_STR(gh_test_reason(ours), rows[i].reason);
            CHECK_INT(gh_tls_input(ours, (const uint8_t *)"x", 1), GH_TLS_FAILED);
            CHECK_INT(gh_tls_input_eof(ours), GH_TLS_FAILED);
            CHECK_STR(gh_test_reason(ours), rows[i].reason);
            gh_tls_free(ours);
        }
    }
}

/* What the failed side wrote is a whole alert record, so that the other side learns why. */
static void test_a_failure_leaves_its_alert(void)
{
    struct gh_tls *ours = ours_of(GH_ROLE_SERVER);
    static const uint8_t hello[] = {
        0x16, 3, 1, 0, 4, 1, 0, 0, 0
    }; /* a ClientHello without content */
    uint8_t out[64];

    CHECK_INT(gh_tls_input(ours, hello, sizeof(hello)), GH_TLS_FAILED);
    CHECK_STR(gh_test_reason(ours), "tls_handshake_failed");
    CHECK_INT(gh_tls_output(ours, out, sizeof(out)), 7);
    CHECK_INT(out[0], 21); /* alert */
    CHECK_INT(out[5], 2);  /* fatal */
    CHECK_INT(out[6], SSL_AD_DECODE_ERROR);
    CHECK_INT(gh_tls_output(ours, out, sizeof(out)), 0);
    gh_tls_free(ours);
}

static void test_alerts_in_the_clear(void)
{
    static const struct {
        uint8_t level, alert;
        const char *reason;
    } rows[] = {
        { 2, SSL_AD_PROTOCOL_VERSION, "tls_version_refused" },
        { 2, SSL_AD_HANDSHAKE_FAILURE, "tls_no_common_cipher" },
        { 2, SSL_AD_INSUFFICIENT_SECURITY, "tls_no_common_cipher" },
        { 2, SSL_AD_UNKNOWN_CA, "tls_peer_refused_ours" },
        { 2, SSL_AD_CERTIFICATE_REQUIRED, "tls_peer_refused_ours" },
        { 2, SSL_AD_INTERNAL_ERROR, "tls_handshake_failed" },
        { 2, SSL_AD_UNRECOGNIZED_NAME, "tls_handshake_failed" },
        { 1, SSL_AD_CLOSE_NOTIFY, "tls_closed" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_tls *ours = ours_of(GH_ROLE_CLIENT);
        uint8_t record[] = { 21, 3, 3, 0, 2, rows[i].level, rows[i].alert };

        gh_tls_input(ours, NULL, 0);
        gh_tls_input(ours, record, sizeof(record));
        gh_tls_input_eof(ours);
        CHECK_STR(gh_test_reason(ours), rows[i].reason);
        gh_tls_free(ours);
    }
}

static void test_random_octets(void)
{
    uint8_t octets[600];
    uint32_t seed = 12345;

    for (int round = 0; round < 400; round++) {
        struct gh_tls *ours = NULL;
        static struct gh_tls_context *context;

        if (!context) {
            const struct gh_test_world *world = gh_test_world();
            struct gh_trust *trust = gh_test_trust(world->root_pem, NULL);
            char text[200];

            CHECK_OR_STOP(gh_tls_context_new(
                              &context,
                              &(struct gh_tls_params){
                                  .role = GH_ROLE_SERVER,
                                  .trust = &trust,
                                  .trust_count = 1,
                                  .certificate = gh_pki_write_certs("g.pem", world->server, NULL),
                                  .private_key = gh_pki_write_key("g.key", world->server) },
                              text, sizeof(text)) == 0);
            gh_trust_unref(trust);
        }
        for (size_t i = 0; i < sizeof(octets); i++) {
            seed = seed * 1664525 + 1013904223;
            octets[i] = (uint8_t)(seed >> 24);
        }
        if (round % 2) /* behind a header that looks well */
            memcpy(octets, (const uint8_t[]){ 0x16, 3, 1, 2, 0x50, 1, 0, 2, 0x4c, 3, 3 }, 11);
        CHECK_INT(gh_tls_new(&ours, context, NULL), 0);
        gh_tls_input(ours, octets, sizeof(octets));
        CHECK_INT(gh_tls_input_eof(ours), GH_TLS_FAILED);
        gh_tls_free(ours);
        if (round == 399)
            gh_tls_context_unref(context);
    }
}

/* ---- a recorded handshake, cut and altered --------------------------------------------------- */

struct flight {
    uint8_t octets[16384];
    size_t len;
};

static void take(struct gh_tls *tls, struct flight *flight)
{
    flight->len = gh_tls_output(tls, flight->octets, sizeof(flight->octets));
}

/* Cut at each octet: the handshake waits, and the end of the connection fails it.  Nothing is up
 * too early. */
static void test_cut_at_each_octet(void)
{
    for (int which = 0; which < 3; which++) {
        size_t len = 1;

        /* The first run learns the length of the flight. */
        for (size_t cut = 0; cut < len; cut += cut < 60 || cut + 60 > len ? 1 : 13) {
            struct gh_tls *client = ours_of(GH_ROLE_CLIENT), *server = ours_of(GH_ROLE_SERVER);
            struct gh_tls *victim = which == 1 ? client : server;
            static struct flight flight;

            gh_tls_input(client, NULL, 0);
            take(client, &flight);
            if (which > 0) {
                gh_tls_input(server, flight.octets, flight.len);
                take(server, &flight);
            }
            if (which > 1) {
                gh_tls_input(client, flight.octets, flight.len);
                take(client, &flight);
            }
            len = flight.len; /* varies by an octet or two: ECDSA signatures do */
            if (cut < len) {
                CHECK_INT(gh_tls_input(victim, flight.octets, cut), GH_TLS_HANDSHAKE);
                CHECK_INT(gh_tls_input_eof(victim), GH_TLS_FAILED);
                CHECK_STR(gh_test_reason(victim), "tls_closed");
            }
            gh_tls_free(client);
            gh_tls_free(server);
        }
        CHECK(len > 100);
    }
}

/* One bit altered: whatever it hits, the handshake is not finished on both sides with different
 * views. */
static void test_altered_octets(void)
{
    for (int which = 0; which < 3; which++) {
        size_t len = 1, finished = 0;

        for (size_t at = 0; at < len; at += at < 60 ? 1 : 17) {
            struct gh_tls *client = ours_of(GH_ROLE_CLIENT), *server = ours_of(GH_ROLE_SERVER);
            static struct flight flight;

            gh_tls_input(client, NULL, 0);
            take(client, &flight);
            if (which == 0)
                flight.octets[at] ^= 0x20;
            len = which == 0 ? flight.len : len;
            gh_tls_input(server, flight.octets, flight.len);
            take(server, &flight);
            if (which == 1)
                flight.octets[at] ^= 0x20;
            len = which == 1 ? flight.len : len;
            gh_tls_input(client, flight.octets, flight.len);
            take(client, &flight);
            if (which == 2)
                flight.octets[at] ^= 0x20;
            len = which == 2 ? flight.len : len;
            gh_tls_input(server, flight.octets, flight.len);
            gh_test_wire_ours(client, server, ALL_AT_ONCE);
            /* The version octets of a record's header are not looked at: RFC 8446 section 5.1. */
            if (!(gh_tls_state(client) == GH_TLS_UP && gh_tls_state(server) == GH_TLS_UP)) {
                gh_tls_input_eof(client);
                gh_tls_input_eof(server);
                CHECK(gh_tls_state(server) == GH_TLS_FAILED ||
                      gh_tls_state(client) == GH_TLS_FAILED);
            } else {
                uint8_t buf[8];

                CHECK_INT(gh_tls_write(client, (const uint8_t *)"same", 4), 0);
                gh_test_wire_ours(client, server, ALL_AT_ONCE);
                CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 4);
                finished++;
            }
            gh_tls_free(client);
            gh_tls_free(server);
        }
        CHECK(len > 100 && finished < 12); /* headers only */
    }
}

/* ---- once up --------------------------------------------------------------------------------- */

static void test_altered_record_when_up(void)
{
    for (size_t at = 0; at < 26; at++) {
        struct gh_tls *client = ours_of(GH_ROLE_CLIENT), *server = ours_of(GH_ROLE_SERVER);
        uint8_t record[256], buf[64];
        size_t len;

        gh_test_wire_ours(client, server, ALL_AT_ONCE);
        CHECK_INT(gh_tls_write(client, (const uint8_t *)"data", 4), 0);
        len = gh_tls_output(client, record, sizeof(record));
        CHECK_INT(len, 26); /* header 5, data 4, type 1, tag 16 */
        record[at] ^= 1;
        gh_tls_input(server, record, len);
        CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
        if (gh_tls_state(server) == GH_TLS_FAILED) {
            CHECK_STR(gh_test_reason(server), "connection_lost");
            CHECK(gh_tls_output(server, buf, sizeof(buf)) > 0); /* the alert */
            CHECK_INT(gh_tls_write(server, (const uint8_t *)"x", 1), GH_ESTATE);
        } else {
            CHECK(at == 3 || at == 4); /* a longer record: it waits */
        }
        gh_tls_free(client);
        gh_tls_free(server);
    }
}

static void test_replayed_record(void)
{
    struct gh_tls *client = ours_of(GH_ROLE_CLIENT), *server = ours_of(GH_ROLE_SERVER);
    uint8_t record[256], buf[64];
    size_t len;

    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_write(client, (const uint8_t *)"once", 4), 0);
    len = gh_tls_output(client, record, sizeof(record));
    gh_tls_input(server, record, len);
    gh_tls_input(server, record, len);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 4);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(server), GH_TLS_FAILED);
    CHECK_STR(gh_test_reason(server), "connection_lost");
    gh_tls_free(client);
    gh_tls_free(server);
}

/* One engine's failure leaves nothing that another would take for its own. */
static void test_engines_do_not_share_errors(void)
{
    struct gh_tls *client = ours_of(GH_ROLE_CLIENT), *server = ours_of(GH_ROLE_SERVER);
    struct gh_tls *broken = ours_of(GH_ROLE_SERVER);
    uint8_t buf[64];

    gh_tls_input(client, NULL, 0);
    CHECK_INT(gh_tls_input(broken, (const uint8_t *)"GET / HTTP/1.0\r\n\r\n", 18), GH_TLS_FAILED);
    gh_test_wire_ours(client, server, 100);
    CHECK_INT(gh_tls_state(server), GH_TLS_UP);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(server), GH_TLS_UP);
    gh_tls_free(client);
    gh_tls_free(server);
    gh_tls_free(broken);
}

/* ---- unusual certificates over the wire ------------------------------------------------------ */

static const char *verdict_on(struct gh_test_peer_params *params, struct gh_conn_facts *facts)
{
    static const char *reason;
    struct gh_tls *ours = ours_of(GH_ROLE_SERVER);
    struct gh_test_peer peer;
    struct gh_chain *chain = NULL;

    gh_test_peer_init(&peer, params);
    gh_test_wire(ours, &peer, 1000);
    reason = gh_test_reason(ours);
    *facts = (struct gh_conn_facts){ 0 };
    if (gh_tls_state(ours) == GH_TLS_UP)
        CHECK_INT(gh_tls_facts(ours, facts, &chain), 0);
    gh_chain_unref(chain);
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
    return reason;
}

static void test_many_sans_over_the_wire(void)
{
    static char texts[250][300];
    struct gh_pki_params params = { .cn = "many" };
    struct gh_test_peer_params peer = { .role = GH_ROLE_CLIENT };
    struct gh_conn_facts facts;

    for (size_t i = 0; i < 200; i++) {
        snprintf(texts[i], sizeof(texts[i]), "DNS:node%zu.example.com", i);
        params.san[i] = texts[i];
    }
    peer.cert = gh_pki_issue(gh_test_world()->root, &params);
    CHECK_STR(verdict_on(&peer, &facts), "none");
    CHECK_INT(facts.cert.name_count, GH_CERT_NAMES_MAX);
    CHECK_INT(facts.cert.odd_names, 201 - GH_CERT_NAMES_MAX);
    gh_cert_facts_fini(&facts.cert);
}

/* A chain with certificates that nobody needs is read within OpenSSL's limit (100 KiB),
 * not beyond. */
static void test_big_chains(void)
{
    static char texts[200][300];
    const struct gh_test_world *world = gh_test_world();
    struct gh_pki_params params = { .cn = "ballast", .ca = true };
    struct gh_test_peer_params peer = { .role = GH_ROLE_CLIENT, .cert = world->client };
    struct gh_conn_facts facts;

    for (size_t i = 0; i < 120; i++) {
        snprintf(texts[i], sizeof(texts[i]), "DNS:%0200zu.example.com", i);
        params.san[i] = texts[i];
    }
    for (size_t i = 0; i < 3; i++)
        peer.above[i] = gh_pki_issue(world->root, &params); /* 27 kB each */
    CHECK_STR(verdict_on(&peer, &facts), "none");
    gh_cert_facts_fini(&facts.cert);
    for (size_t i = 3; i < 6; i++)
        peer.above[i] = gh_pki_issue(world->root, &params);
    CHECK_STR(verdict_on(&peer, &facts), "tls_handshake_failed");
}

static void test_long_chain(void)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_test_peer_params peer = { .role = GH_ROLE_CLIENT };
    const struct gh_pki_cert *above = world->root;
    struct gh_conn_facts facts;

    for (size_t i = 0; i < 15; i++) {
        struct gh_pki_cert *ca =
            gh_pki_issue(above, &(struct gh_pki_params){ .cn = "Link", .ca = true });

        peer.above[14 - i] = ca;
        above = ca;
    }
    peer.cert = gh_pki_issue(above, &(struct gh_pki_params){ .cn = "deep" });
    CHECK_STR(verdict_on(&peer, &facts), "cert_bad");
}

/* A name with control octets does not reach a terminal by way of the failure's words. */
static void test_words_are_printable(void)
{
    struct gh_pki_cert *evil =
        gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "a%1b[2Jb%0d%0aerror fake line%00x",
                                                    .cn_percent = true });
    struct gh_tls *ours = ours_of(GH_ROLE_SERVER);
    struct gh_test_peer peer;
    bool printable = true;

    gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT, .cert = evil });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_STR(gh_test_reason(ours), "cert_self_signed");
    CHECK(strstr(gh_test_words(ours), "fake line") != NULL);
    for (const char *p = gh_test_words(ours); *p; p++)
        printable &= *p >= ' ' && *p <= '~';
    CHECK(printable);
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

/* ---- memory ---------------------------------------------------------------------------------- */

#if GH_ALLOC_CAN_FAIL
/* Each of our own allocations fails once: the result is an error, and nothing leaks or breaks. */
static void test_allocations_that_fail(void)
{
    const struct gh_test_world *world = gh_test_world();
    const char *cert = gh_pki_write_certs("m.pem", world->server, NULL),
               *key = gh_pki_write_key("m.key", world->server);
    struct gh_chain *chain = gh_test_chain(world->client, NULL);
    long failures = 0;

    for (long n = 1;; n++) {
        struct gh_trust *trust = NULL;
        struct gh_tls_context *context = NULL;
        struct gh_tls *tls = NULL;
        struct gh_cert_facts facts = { 0 };
        char text[200];
        int err;

        alloc_fail_at(n);
        err = gh_trust_load(&trust, world->root_pem, NULL, text, sizeof(text));
        if (!err)
            err = gh_tls_context_new(&context,
                                     &(struct gh_tls_params){ .role = GH_ROLE_SERVER,
                                                              .trust = &trust,
                                                              .trust_count = 1,
                                                              .certificate = cert,
                                                              .private_key = key },
                                     text, sizeof(text));
        if (!err)
            err = gh_tls_new(&tls, context, NULL);
        if (!err)
            err = gh_chain_leaf_facts(chain, &facts);
        gh_tls_free(tls);
        gh_tls_context_unref(context);
        gh_trust_unref(trust);
        gh_cert_facts_fini(&facts);
        if (!alloc_failed()) {
            CHECK_INT(err, 0);
            break;
        }
        failures++;
        CHECK(err != 0);
    }
    CHECK(failures >= 5);
    gh_chain_unref(chain);
}
#endif

int main(void)
{
    RUN(test_plain_text);
    RUN(test_end_of_file_during_the_handshake);
    RUN(test_a_failure_leaves_its_alert);
    RUN(test_alerts_in_the_clear);
    RUN(test_random_octets);
    RUN(test_cut_at_each_octet);
    RUN(test_altered_octets);
    RUN(test_altered_record_when_up);
    RUN(test_replayed_record);
    RUN(test_engines_do_not_share_errors);
    RUN(test_many_sans_over_the_wire);
    RUN(test_big_chains);
    RUN(test_long_chain);
    RUN(test_words_are_printable);
#if GH_ALLOC_CAN_FAIL
    RUN(test_allocations_that_fail);
#endif
    return CHECK_REPORT();
}
